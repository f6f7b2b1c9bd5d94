-- +goose Up

-- People who log in to the console. login is lower case. password is an argon2id string, totp the sealed secret, totp_step the last
-- time step used (a code works once). roles and preferences are JSON.
CREATE TABLE account (
    id          TEXT PRIMARY KEY,
    login       TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    password    TEXT NOT NULL,
    totp        BYTEA NOT NULL,
    totp_step   BIGINT NOT NULL,
    roles       TEXT NOT NULL,
    unit        TEXT NOT NULL,
    state       TEXT NOT NULL, -- invited, active, disabled
    preferences TEXT NOT NULL,
    created     BIGINT NOT NULL,
    last_use    BIGINT NOT NULL,
    version     BIGINT NOT NULL
);

-- Wrong log-ins by name, whether or not such an account exists, so that both answer alike.
CREATE TABLE login_failure (
    login        TEXT PRIMARY KEY,
    failures     BIGINT NOT NULL,
    locked_until BIGINT NOT NULL,
    changed      BIGINT NOT NULL
);
CREATE INDEX login_failure_changed ON login_failure (changed);

CREATE TABLE recovery_code (
    account TEXT NOT NULL REFERENCES account (id),
    hash    TEXT NOT NULL,
    used    BIGINT NOT NULL,
    PRIMARY KEY (account, hash)
);

-- One-time links: only the hash of the token is kept.
CREATE TABLE one_time_link (
    hash    TEXT PRIMARY KEY,
    kind    TEXT NOT NULL, -- first, invite, reset
    account TEXT NOT NULL,
    totp    BYTEA NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used    BIGINT NOT NULL
);

CREATE TABLE console_session (
    token   TEXT PRIMARY KEY, -- hash
    id      TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL REFERENCES account (id),
    data    BYTEA NOT NULL,
    expires BIGINT NOT NULL,
    started BIGINT NOT NULL,
    seen    BIGINT NOT NULL,
    address TEXT NOT NULL,
    agent   TEXT NOT NULL
);
CREATE INDEX console_session_account ON console_session (account);

CREATE TABLE api_token (
    id       TEXT PRIMARY KEY,
    hash     TEXT NOT NULL UNIQUE,
    name     TEXT NOT NULL,
    roles    TEXT NOT NULL,
    unit     TEXT NOT NULL,
    made_by  TEXT NOT NULL,
    created  BIGINT NOT NULL,
    expires  BIGINT NOT NULL,
    last_use BIGINT NOT NULL,
    revoked  BIGINT NOT NULL
);

-- Stored searches (?sq=): text holds tokens in place of citizens' identifiers.
CREATE TABLE saved_search (
    id      TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    unit    TEXT NOT NULL,
    name    TEXT NOT NULL,
    shared  BOOLEAN NOT NULL,
    text    TEXT NOT NULL,
    kinds   TEXT NOT NULL,
    created BIGINT NOT NULL,
    used    BIGINT NOT NULL
);
CREATE INDEX saved_search_account ON saved_search (account, name);
CREATE INDEX saved_search_used ON saved_search (used);

-- Settings of the appliance that people change in the console (site name, …).
CREATE TABLE console_setting (
    key     TEXT PRIMARY KEY,
    value   TEXT NOT NULL,
    version BIGINT NOT NULL
);

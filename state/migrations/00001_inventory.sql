-- +goose Up

-- Numbers people say aloud and revisions, counted in the transaction that uses them (state.Next).
CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

CREATE TABLE unit (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    demo       BOOLEAN NOT NULL,
    version    BIGINT NOT NULL,
    changed    BIGINT NOT NULL,
    changed_by TEXT NOT NULL
);

CREATE TABLE system (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    unit       TEXT NOT NULL REFERENCES unit (id),
    operator   TEXT NOT NULL,
    level      BIGINT NOT NULL,
    basis      TEXT NOT NULL,
    placement  TEXT NOT NULL,
    dossier    TEXT NOT NULL,
    plan       TEXT NOT NULL,
    investing  BOOLEAN NOT NULL,
    engine     TEXT NOT NULL,
    demo       BOOLEAN NOT NULL,
    version    BIGINT NOT NULL,
    changed    BIGINT NOT NULL,
    changed_by TEXT NOT NULL
);
CREATE INDEX system_unit ON system (unit);

CREATE TABLE asset (
    id         TEXT PRIMARY KEY,
    system     TEXT NOT NULL REFERENCES system (id),
    host       TEXT NOT NULL,
    address    TEXT NOT NULL,
    zone       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    demo       BOOLEAN NOT NULL,
    version    BIGINT NOT NULL,
    changed    BIGINT NOT NULL,
    changed_by TEXT NOT NULL
);
CREATE INDEX asset_system ON asset (system);
CREATE UNIQUE INDEX asset_host ON asset (host) WHERE host <> '';

CREATE TABLE source (
    id              TEXT PRIMARY KEY,
    name            TEXT NOT NULL,
    kind            TEXT NOT NULL,
    system          TEXT NOT NULL, -- '' where host name or network decide
    address         TEXT NOT NULL,
    host            TEXT NOT NULL,
    dataset         TEXT NOT NULL,
    zone            TEXT NOT NULL,
    layers          TEXT NOT NULL, -- JSON list
    expect_every    BIGINT NOT NULL,
    trust_logsource BOOLEAN NOT NULL,
    token_hash      TEXT NOT NULL,
    sensor          TEXT NOT NULL,
    auto            BOOLEAN NOT NULL,
    stopped_until   BIGINT NOT NULL,
    demo            BOOLEAN NOT NULL,
    version         BIGINT NOT NULL,
    changed         BIGINT NOT NULL,
    changed_by      TEXT NOT NULL
);
CREATE INDEX source_system ON source (system);
CREATE UNIQUE INDEX source_sensor ON source (sensor) WHERE sensor <> '';
CREATE UNIQUE INDEX source_token ON source (token_hash) WHERE token_hash <> '';

-- What each object was before each change, so that the inventory of any past revision can be made again (decision 8).
CREATE TABLE inventory_history (
    revision BIGINT NOT NULL,
    kind     TEXT NOT NULL, -- unit, system, asset, source
    id       TEXT NOT NULL,
    body     TEXT NOT NULL, -- JSON of the object before this revision; '' it was not there
    changed  BIGINT NOT NULL,
    PRIMARY KEY (revision, kind, id)
);

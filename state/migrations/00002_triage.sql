-- +goose Up

CREATE TABLE alert (
    id             TEXT PRIMARY KEY,
    number         TEXT NOT NULL UNIQUE,
    episode        TEXT NOT NULL,   -- hash of the key (decision 5); episodes of one key follow each other
    rule           TEXT NOT NULL,
    rule_version   TEXT NOT NULL,
    title          TEXT NOT NULL,   -- JSON {vi, en}
    severity       TEXT NOT NULL,
    severity_rank  BIGINT NOT NULL, -- 1 informational to 5 critical
    score          BIGINT NOT NULL,
    score_parts    TEXT NOT NULL,   -- JSON
    system         TEXT NOT NULL,
    unit           TEXT NOT NULL,
    source         TEXT NOT NULL,
    host           TEXT NOT NULL,
    username       TEXT NOT NULL,
    address        TEXT NOT NULL,
    group_values   TEXT NOT NULL,   -- JSON
    state          TEXT NOT NULL,
    reopened       BOOLEAN NOT NULL,
    holder         TEXT NOT NULL,
    holder_name    TEXT NOT NULL,
    close_reason   TEXT NOT NULL,
    first_ms       BIGINT NOT NULL,
    last_ms        BIGINT NOT NULL,
    created        BIGINT NOT NULL,
    changed        BIGINT NOT NULL,
    acknowledged   BIGINT NOT NULL,
    closed         BIGINT NOT NULL,
    closed_by      TEXT NOT NULL,
    hits           BIGINT NOT NULL,
    folded         BIGINT NOT NULL, -- alerts folded in because their rule flooded
    events         TEXT NOT NULL,   -- JSON
    evidence       TEXT NOT NULL,
    trace          TEXT NOT NULL,   -- JSON
    attack         TEXT NOT NULL,   -- JSON
    previous       TEXT NOT NULL,
    exercise       BOOLEAN NOT NULL,
    demo           BOOLEAN NOT NULL,
    personal       BOOLEAN NOT NULL,
    version        BIGINT NOT NULL,
    deed_version   BIGINT NOT NULL, -- version a person's last deed made; hits raise version alone
    deed_by        TEXT NOT NULL,   -- who and when, for "changed by … at …"
    deed_by_name   TEXT NOT NULL,
    deed_at        BIGINT NOT NULL,
    deed           TEXT NOT NULL,
    search         TEXT NOT NULL    -- lower case, without marks
);
CREATE INDEX alert_episode ON alert (episode, last_ms);
CREATE INDEX alert_open_score ON alert (score, last_ms, id) WHERE state <> 'closed';
CREATE INDEX alert_system ON alert (system, state);
CREATE INDEX alert_created ON alert (created);
CREATE INDEX alert_closed ON alert (closed);
CREATE INDEX alert_last ON alert (last_ms, id);

-- History of an alert, append only.
CREATE TABLE alert_note (
    alert   TEXT NOT NULL REFERENCES alert (id),
    number  BIGINT NOT NULL,
    time    BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    name    TEXT NOT NULL,
    action  TEXT NOT NULL,
    text    TEXT NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (alert, number)
);

-- What a deed changed, for ten seconds.
CREATE TABLE alert_undo (
    token        TEXT NOT NULL,
    alert        TEXT NOT NULL REFERENCES alert (id),
    actor        TEXT NOT NULL,
    expires      BIGINT NOT NULL,
    deed_version BIGINT NOT NULL, -- the alert's after the deed; another one since means another person's deed
    before       TEXT NOT NULL,   -- JSON of what the deed replaced
    PRIMARY KEY (token, alert)
);
CREATE INDEX alert_undo_expires ON alert_undo (expires);

-- New alerts of a rule on a system in one minute of receipt, to fold floods.
CREATE TABLE alert_rate (
    rule    TEXT NOT NULL,
    system  TEXT NOT NULL,
    minute  BIGINT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (rule, system)
);

-- The rule as it was when it fired.
CREATE TABLE rule_version (
    rule    TEXT NOT NULL,
    version TEXT NOT NULL,
    info    TEXT NOT NULL, -- JSON of soc.RuleInfo
    PRIMARY KEY (rule, version)
);

-- How far a reader of the queue has come, with its results (decisions 7 and 16). Written for every batch, so it stays small.
CREATE TABLE reader_position (
    reader  TEXT PRIMARY KEY,
    epoch   TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

-- Its newest snapshot, which may be megabytes.
CREATE TABLE reader_snapshot (
    reader   TEXT PRIMARY KEY,
    epoch    TEXT NOT NULL,
    seq      BIGINT NOT NULL,
    snapshot BYTEA NOT NULL
);

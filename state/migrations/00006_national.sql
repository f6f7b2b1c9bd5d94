-- +goose Up
CREATE TABLE national_counter (
    id BIGINT PRIMARY KEY,
    n  BIGINT NOT NULL
);
INSERT INTO national_counter (id, n) VALUES (1, 0);

CREATE TABLE national_outbox (
    ord        BIGINT PRIMARY KEY,
    id         TEXT   NOT NULL UNIQUE,
    kind       TEXT   NOT NULL,
    subject    TEXT   NOT NULL,
    system_id  TEXT   NOT NULL,
    channel    TEXT   NOT NULL,
    body       TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    created    BIGINT NOT NULL,
    state      TEXT   NOT NULL,
    tries      BIGINT NOT NULL,
    next_try   BIGINT NOT NULL,
    last_error TEXT   NOT NULL,
    settled    BIGINT NOT NULL,
    demo       BIGINT NOT NULL,
    exercise   BIGINT NOT NULL
);
CREATE INDEX national_outbox_state ON national_outbox (state, ord);
CREATE INDEX national_outbox_subject ON national_outbox (subject);
CREATE INDEX national_outbox_settled ON national_outbox (settled);

CREATE TABLE national_receipt (
    report_id  TEXT   PRIMARY KEY,
    receipt_id TEXT   NOT NULL,
    received   BIGINT NOT NULL,
    digest     TEXT   NOT NULL,
    key_id     TEXT   NOT NULL,
    signature  TEXT   NOT NULL,
    raw        TEXT   NOT NULL,
    stored     BIGINT NOT NULL
);

CREATE TABLE national_try (
    report_id TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    answer    TEXT   NOT NULL
);
CREATE INDEX national_try_report ON national_try (report_id, at);

CREATE TABLE national_endpoint (
    id          BIGINT PRIMARY KEY,
    channel     TEXT   NOT NULL,
    url         TEXT   NOT NULL,
    server_ca   TEXT   NOT NULL,
    receipt_key TEXT   NOT NULL,
    organ_id    TEXT   NOT NULL,
    organ_name  TEXT   NOT NULL,
    set_by      TEXT   NOT NULL,
    set_at      BIGINT NOT NULL,
    version     BIGINT NOT NULL
);

CREATE TABLE national_heartbeat (
    id      BIGINT PRIMARY KEY,
    sent    BIGINT NOT NULL,
    ok      BIGINT NOT NULL,
    answer  TEXT   NOT NULL
);
INSERT INTO national_heartbeat (id, sent, ok, answer) VALUES (1, 0, 0, '');

CREATE TABLE national_reconciliation (
    day      TEXT   PRIMARY KEY,
    at       BIGINT NOT NULL,
    made     BIGINT NOT NULL,
    accepted BIGINT NOT NULL,
    refused  BIGINT NOT NULL,
    waiting  BIGINT NOT NULL,
    centre   BIGINT NOT NULL,
    missing  TEXT   NOT NULL,
    extra    TEXT   NOT NULL,
    balanced BIGINT NOT NULL
);

-- +goose Down
DROP TABLE national_reconciliation;
DROP TABLE national_heartbeat;
DROP TABLE national_endpoint;
DROP TABLE national_try;
DROP TABLE national_receipt;
DROP TABLE national_outbox;
DROP TABLE national_counter;

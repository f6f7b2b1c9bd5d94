-- +goose Up
-- Several receiving points side by side: an outbox row, its receipt, the heartbeats and the days compared belong to one of them. What
-- there is belongs to the first, number 1.
ALTER TABLE national_outbox ADD COLUMN destination BIGINT NOT NULL DEFAULT 1;
CREATE INDEX national_outbox_destination ON national_outbox (destination, state, ord);
ALTER TABLE national_receipt ADD COLUMN destination BIGINT NOT NULL DEFAULT 1;
CREATE INDEX national_receipt_destination ON national_receipt (destination, stored);
-- Counter 2: the highest number given to a receiving point. Counter 3: the number that the next one takes while there is none.
INSERT INTO national_counter (id, n) VALUES (2, 1), (3, 1);

ALTER TABLE national_reconciliation RENAME TO national_reconciliation_one;
CREATE TABLE national_reconciliation (
    destination BIGINT NOT NULL,
    day         TEXT   NOT NULL,
    at          BIGINT NOT NULL,
    made        BIGINT NOT NULL,
    accepted    BIGINT NOT NULL,
    refused     BIGINT NOT NULL,
    waiting     BIGINT NOT NULL,
    centre      BIGINT NOT NULL,
    missing     TEXT   NOT NULL,
    extra       TEXT   NOT NULL,
    balanced    BIGINT NOT NULL,
    broken      TEXT   NOT NULL DEFAULT '[]',
    PRIMARY KEY (destination, day)
);
INSERT INTO national_reconciliation (destination, day, at, made, accepted, refused, waiting, centre, missing, extra, balanced, broken)
SELECT 1, day, at, made, accepted, refused, waiting, centre, missing, extra, balanced, broken FROM national_reconciliation_one;
DROP TABLE national_reconciliation_one;

-- +goose Down
DELETE FROM national_reconciliation WHERE destination <> 1;
ALTER TABLE national_reconciliation RENAME TO national_reconciliation_many;
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
    balanced BIGINT NOT NULL,
    broken   TEXT   NOT NULL DEFAULT '[]'
);
INSERT INTO national_reconciliation (day, at, made, accepted, refused, waiting, centre, missing, extra, balanced, broken)
SELECT day, at, made, accepted, refused, waiting, centre, missing, extra, balanced, broken FROM national_reconciliation_many;
DROP TABLE national_reconciliation_many;
DELETE FROM national_counter WHERE id IN (2, 3);
DROP INDEX national_receipt_destination;
ALTER TABLE national_receipt DROP COLUMN destination;
DROP INDEX national_outbox_destination;
ALTER TABLE national_outbox DROP COLUMN destination;

-- +goose Up
-- The key a receipt was verified under (PEM), so that it can be verified again after the centre has changed its key.
ALTER TABLE national_receipt ADD COLUMN signer TEXT NOT NULL DEFAULT '';
-- Reports whose stored receipt no longer verifies (JSON list of ids).
ALTER TABLE national_reconciliation ADD COLUMN broken TEXT NOT NULL DEFAULT '[]';
-- The state of the link is asked for every few seconds, over an outbox of years.
CREATE INDEX national_outbox_created ON national_outbox (created, state);
CREATE INDEX national_receipt_stored ON national_receipt (stored);

-- +goose Down
DROP INDEX national_receipt_stored;
DROP INDEX national_outbox_created;
ALTER TABLE national_reconciliation DROP COLUMN broken;
ALTER TABLE national_receipt DROP COLUMN signer;

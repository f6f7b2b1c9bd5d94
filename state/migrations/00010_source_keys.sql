-- +goose Up

-- A source has any number of keys, so that one can follow another without a gap: JSON list of soc.SourceKey, hashes only.
ALTER TABLE source ADD COLUMN keys TEXT NOT NULL DEFAULT '[]';
DROP INDEX source_token;
ALTER TABLE source DROP COLUMN token_hash;

-- +goose Down
ALTER TABLE source ADD COLUMN token_hash TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX source_token ON source (token_hash) WHERE token_hash <> '';
ALTER TABLE source DROP COLUMN keys;

-- +goose Up

-- Since when a thing is in use no longer (Unix ms), 0 in use. What is retired frees its host name and its sensor for another.
ALTER TABLE unit ADD COLUMN retired BIGINT NOT NULL DEFAULT 0;
ALTER TABLE system ADD COLUMN retired BIGINT NOT NULL DEFAULT 0;
ALTER TABLE asset ADD COLUMN retired BIGINT NOT NULL DEFAULT 0;
ALTER TABLE source ADD COLUMN retired BIGINT NOT NULL DEFAULT 0;

DROP INDEX asset_host;
CREATE UNIQUE INDEX asset_host ON asset (host) WHERE host <> '' AND retired = 0;
DROP INDEX source_sensor;
CREATE UNIQUE INDEX source_sensor ON source (sensor) WHERE sensor <> '' AND retired = 0;

-- +goose Down
DROP INDEX source_sensor;
CREATE UNIQUE INDEX source_sensor ON source (sensor) WHERE sensor <> '';
DROP INDEX asset_host;
CREATE UNIQUE INDEX asset_host ON asset (host) WHERE host <> '';
ALTER TABLE source DROP COLUMN retired;
ALTER TABLE asset DROP COLUMN retired;
ALTER TABLE system DROP COLUMN retired;
ALTER TABLE unit DROP COLUMN retired;

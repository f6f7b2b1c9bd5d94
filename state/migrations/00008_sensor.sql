-- +goose Up
CREATE TABLE sensor_invite (
    hash      TEXT   PRIMARY KEY, -- sha256 of the token's secret
    system_id TEXT   NOT NULL,
    made      BIGINT NOT NULL,
    ends      BIGINT NOT NULL,
    used      BIGINT NOT NULL, -- 0 not yet
    sensor    TEXT   NOT NULL
);

-- +goose Down
DROP TABLE sensor_invite;

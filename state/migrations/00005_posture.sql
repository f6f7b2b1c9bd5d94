-- +goose Up
CREATE TABLE posture_interval (
    system_id  TEXT   NOT NULL,
    control    TEXT   NOT NULL,
    since      BIGINT NOT NULL,
    until      BIGINT NOT NULL, -- 0: holds now
    state      TEXT   NOT NULL,
    last_known TEXT   NOT NULL,
    score      BIGINT NOT NULL, -- organisational layers, 0 to 3; -1 elsewhere
    because    TEXT   NOT NULL,
    evidence   TEXT   NOT NULL,
    policy     TEXT   NOT NULL,
    computed   BIGINT NOT NULL,
    PRIMARY KEY (system_id, control, since)
);
CREATE INDEX posture_interval_now ON posture_interval (until, system_id);

-- +goose Down
DROP TABLE posture_interval;

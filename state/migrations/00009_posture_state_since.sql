-- +goose Up
-- A new reason opens a new interval, so that the past keeps its own; the state it gives may be older than the interval.
ALTER TABLE posture_interval ADD COLUMN state_since BIGINT NOT NULL DEFAULT 0; -- 0: as since

-- When all systems were last computed: what lies between it and the next round, if that is long, was seen by nobody.
CREATE TABLE posture_round (
    id BIGINT PRIMARY KEY, -- always 1
    at BIGINT NOT NULL
);

-- +goose Down
DROP TABLE posture_round;
ALTER TABLE posture_interval DROP COLUMN state_since;

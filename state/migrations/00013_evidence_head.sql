-- +goose Up

-- Heads of the evidence log that were given out of the data folder: kept apart, in an evidence pack, sent to the national centre. A
-- later pack proves its own head to be a continuation of the newest of them.
CREATE TABLE evidence_head (
    size BIGINT NOT NULL,
    root TEXT NOT NULL,   -- hex
    use  TEXT NOT NULL,   -- apart, export, national
    time BIGINT NOT NULL, -- when it was given out, Unix ms
    PRIMARY KEY (size, use)
);

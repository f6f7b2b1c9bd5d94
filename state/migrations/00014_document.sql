-- +goose Up
-- What a part has learnt or counts and keeps as a whole: one small JSON document a name (state.Document).
CREATE TABLE document (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    at    BIGINT NOT NULL
);

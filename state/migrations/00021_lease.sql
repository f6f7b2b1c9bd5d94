-- +goose Up
-- Who does the work that one process at a time may do. fence counts the takings: what an earlier holder still writes is refused by it.
CREATE TABLE lease (
    name   TEXT   PRIMARY KEY,
    holder TEXT   NOT NULL,
    until  BIGINT NOT NULL,
    fence  BIGINT NOT NULL
);

-- +goose Down
DROP TABLE lease;

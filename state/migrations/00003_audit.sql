-- +goose Up

-- The audit log (decision 22): written in the transaction of the deed, never changed; the transparency log takes rows by number.
CREATE TABLE audit (
    number      BIGINT PRIMARY KEY,
    time        BIGINT NOT NULL,
    actor       TEXT NOT NULL,
    actor_name  TEXT NOT NULL,
    actor_unit  TEXT NOT NULL,
    roles       TEXT NOT NULL, -- JSON list
    address     TEXT NOT NULL,
    action      TEXT NOT NULL,
    object      TEXT NOT NULL,
    hash_before TEXT NOT NULL,
    hash_after  TEXT NOT NULL,
    result      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    details     TEXT NOT NULL, -- JSON object of texts
    search      TEXT NOT NULL  -- all of the above as people search it: lower case, without marks
);
CREATE INDEX audit_time ON audit (time, number);
CREATE INDEX audit_actor ON audit (actor, number);
CREATE INDEX audit_object ON audit (object, number);

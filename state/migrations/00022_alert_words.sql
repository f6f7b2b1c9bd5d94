-- +goose Up

-- What the queue is filtered, sorted and counted by, in one index without the rows themselves: a row holds its trace and is some 3 kB.
-- It takes the place of alert_figures, which lacked what lists are sorted by.
DROP INDEX alert_figures;
CREATE INDEX alert_list ON alert (exercise, state, severity, severity_rank, personal, demo, created, holder, acknowledged, closed, system, unit, rule,
    score, last_ms, first_ms, hits, id);

-- The words of an alert for the search by words, lower case, without marks: apart from the rows for the same reason, and in no index,
-- since PostgreSQL refuses a row of an index from some 2.7 kB.
CREATE TABLE alert_words (
    alert TEXT PRIMARY KEY REFERENCES alert (id),
    words TEXT NOT NULL
);
INSERT INTO alert_words (alert, words) SELECT id, search FROM alert;
ALTER TABLE alert DROP COLUMN search;

-- For that limit, too, what a sender wrote is in an index with its beginning only: a name of some kilobytes kept its alert, and all after
-- it, from being stored.
DROP INDEX alert_host;
DROP INDEX alert_username;
DROP INDEX alert_address;
CREATE INDEX alert_host ON alert (substr(host, 1, 80), last_ms);
CREATE INDEX alert_username ON alert (substr(username, 1, 80), last_ms);
CREATE INDEX alert_address ON alert (substr(address, 1, 80), last_ms);

-- +goose Down
DROP INDEX alert_address;
DROP INDEX alert_username;
DROP INDEX alert_host;
CREATE INDEX alert_host ON alert (host, last_ms);
CREATE INDEX alert_username ON alert (username, last_ms);
CREATE INDEX alert_address ON alert (address, last_ms);
ALTER TABLE alert ADD COLUMN search TEXT NOT NULL DEFAULT '';
UPDATE alert SET search = (SELECT words FROM alert_words WHERE alert_words.alert = alert.id);
DROP TABLE alert_words;
DROP INDEX alert_list;
CREATE INDEX alert_figures ON alert (exercise, state, severity, severity_rank, personal, demo, created, holder, acknowledged, closed, system);

-- name: InsertAlert :exec
INSERT INTO alert (id, number, episode, rule, rule_version, title, severity, severity_rank, score, score_parts, system, unit, source, host,
    username, address, group_values, state, reopened, holder, holder_name, close_reason, first_ms, last_ms, created, changed,
    acknowledged, closed, closed_by, hits, folded, events, evidence, trace, attack, previous, exercise, demo, personal, version,
    deed_version, deed_by, deed_by_name, deed_at, deed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28,
    $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45);

-- name: InsertWords :exec
INSERT INTO alert_words (alert, words) VALUES ($1, $2);

-- Only what hits change.
-- name: UpdateHits :exec
UPDATE alert SET score = $2, score_parts = $3, first_ms = $4, last_ms = $5, changed = $6, hits = $7, folded = $8, events = $9,
    personal = $10, version = $11 WHERE id = $1;

-- Only what people change.
-- name: UpdateDeed :exec
UPDATE alert SET state = $2, reopened = $3, holder = $4, holder_name = $5, close_reason = $6, acknowledged = $7, closed = $8,
    closed_by = $9, changed = $10, version = $11, deed_version = $12, deed_by = $13, deed_by_name = $14, deed_at = $15, deed = $16
WHERE id = $1;

-- name: AlertByID :one
SELECT * FROM alert WHERE id = $1 OR number = $1;

-- name: EpisodeAt :one
SELECT * FROM alert WHERE episode = $1 AND first_ms <= $2 AND last_ms >= $3 ORDER BY state = 'closed', last_ms DESC LIMIT 1;

-- name: EpisodeBefore :one
SELECT number FROM alert WHERE episode = $1 AND first_ms <= $2 ORDER BY last_ms DESC LIMIT 1;

-- name: EpisodesBefore :many
SELECT close_reason, state, count(*) AS n FROM alert WHERE episode = $1 AND id <> $2 AND first_ms <= $3 GROUP BY close_reason, state;

-- name: InsertNote :exec
INSERT INTO alert_note (alert, number, time, actor, name, action, text, reason)
VALUES ($1, (SELECT count(*) + 1 FROM alert_note WHERE alert = $1), $2, $3, $4, $5, $6, $7);

-- name: Notes :many
SELECT time, actor, name, action, text, reason FROM alert_note WHERE alert = $1 ORDER BY number;

-- name: InsertUndo :exec
INSERT INTO alert_undo (token, alert, actor, expires, deed_version, before) VALUES ($1, $2, $3, $4, $5, $6);

-- name: Undo :many
SELECT alert, actor, expires, deed_version, before FROM alert_undo WHERE token = $1 ORDER BY alert;

-- name: DeleteUndo :exec
DELETE FROM alert_undo WHERE token = $1;

-- name: ExpireUndo :exec
DELETE FROM alert_undo WHERE expires < $1;

-- name: Rate :one
SELECT minute, created FROM alert_rate WHERE rule = $1 AND system = $2;

-- name: PutRate :exec
INSERT INTO alert_rate (rule, system, minute, created) VALUES ($1, $2, $3, $4)
ON CONFLICT (rule, system) DO UPDATE SET minute = excluded.minute, created = excluded.created;

-- name: PutRule :exec
INSERT INTO rule_version (rule, version, info) VALUES ($1, $2, $3) ON CONFLICT (rule, version) DO NOTHING;

-- name: RuleVersion :one
SELECT info FROM rule_version WHERE rule = $1 AND version = $2;

-- name: Position :one
SELECT epoch, seq FROM reader_position WHERE reader = $1;

-- name: PutPosition :exec
INSERT INTO reader_position (reader, epoch, seq, changed) VALUES ($1, $2, $3, $4)
ON CONFLICT (reader) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, changed = excluded.changed;

-- name: Snapshot :one
SELECT seq, snapshot FROM reader_snapshot WHERE reader = $1 AND epoch = $2;

-- name: PutSnapshot :exec
INSERT INTO reader_snapshot (reader, epoch, seq, snapshot) VALUES ($1, $2, $3, $4)
ON CONFLICT (reader) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq, snapshot = excluded.snapshot;

-- name: DeleteDemoNotes :exec
DELETE FROM alert_note WHERE alert IN (SELECT id FROM alert WHERE demo);

-- name: DeleteDemoUndo :exec
DELETE FROM alert_undo WHERE alert IN (SELECT id FROM alert WHERE demo);

-- name: DeleteDemoWords :exec
DELETE FROM alert_words WHERE alert IN (SELECT id FROM alert WHERE demo);

-- name: DeleteDemo :execrows
DELETE FROM alert WHERE demo;

-- name: Numbers :many
SELECT number FROM alert WHERE number > $1 ORDER BY number LIMIT $2;

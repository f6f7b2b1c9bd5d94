-- name: Current :many
SELECT * FROM posture_interval WHERE until = 0 ORDER BY system_id, control;

-- name: At :many
SELECT * FROM posture_interval
WHERE system_id = sqlc.arg(system_id) AND since <= sqlc.arg(at) AND (until = 0 OR until > sqlc.arg(at))
ORDER BY control;

-- name: History :many
SELECT * FROM posture_interval WHERE system_id = $1 AND control = $2 ORDER BY since DESC LIMIT $3;

-- name: Between :many
SELECT * FROM posture_interval
WHERE system_id = sqlc.arg(system_id) AND since < sqlc.arg(until) AND (until = 0 OR until > sqlc.arg(since))
ORDER BY control, since;

-- name: EndInterval :exec
UPDATE posture_interval SET until = $3 WHERE system_id = $1 AND control = $2 AND until = 0;

-- name: StartInterval :exec
INSERT INTO posture_interval (system_id, control, since, until, state, last_known, score, because, evidence, policy, computed, state_since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (system_id, control, since) DO UPDATE SET state = excluded.state, last_known = excluded.last_known, score = excluded.score,
    because = excluded.because, evidence = excluded.evidence, policy = excluded.policy, computed = excluded.computed,
    state_since = excluded.state_since, until = excluded.until;

-- name: RefreshInterval :exec
UPDATE posture_interval SET because = $3, evidence = $4, computed = $5 WHERE system_id = $1 AND control = $2 AND until = 0;

-- name: RemoveSystem :exec
DELETE FROM posture_interval WHERE system_id = $1;

-- name: Rounds :many
SELECT at FROM posture_round;

-- name: SetRound :exec
INSERT INTO posture_round (id, at) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET at = excluded.at;

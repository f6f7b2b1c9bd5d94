-- name: InsertDeed :exec
INSERT INTO audit (number, time, actor, actor_name, actor_unit, roles, address, action, object, hash_before, hash_after, result, reason,
    details, search)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: DeedsAfter :many
SELECT * FROM audit WHERE number > $1 ORDER BY number LIMIT $2;

-- name: LastDeed :one
SELECT CAST(coalesce(max(number), 0) AS BIGINT) AS number FROM audit;

-- name: InsertHead :exec
INSERT INTO evidence_head (size, root, use, time) VALUES ($1, $2, $3, $4) ON CONFLICT (size, use) DO NOTHING;

-- name: CountHeads :one
SELECT count(*) FROM evidence_head WHERE use = $1;

-- name: HeadsBefore :many
SELECT size, root FROM evidence_head WHERE size < $1 GROUP BY size, root ORDER BY size DESC LIMIT $2;

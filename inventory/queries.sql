-- name: Units :many
SELECT * FROM unit ORDER BY id;

-- name: Systems :many
SELECT * FROM system ORDER BY id;

-- name: Assets :many
SELECT * FROM asset ORDER BY id;

-- name: Sources :many
SELECT * FROM source ORDER BY id;

-- name: Unit :one
SELECT * FROM unit WHERE id = $1;

-- name: System :one
SELECT * FROM system WHERE id = $1;

-- name: Asset :one
SELECT * FROM asset WHERE id = $1;

-- name: Source :one
SELECT * FROM source WHERE id = $1;

-- name: InsertUnit :exec
INSERT INTO unit (id, name, kind, demo, retired, version, changed, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: UpdateUnit :exec
UPDATE unit SET name = $2, kind = $3, demo = $4, retired = $5, version = $6, changed = $7, changed_by = $8 WHERE id = $1;

-- name: DeleteUnit :exec
DELETE FROM unit WHERE id = $1;

-- name: InsertSystem :exec
INSERT INTO system (id, name, unit, operator, level, basis, placement, dossier, plan, investing, engine, demo, retired, version, changed, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16);

-- name: UpdateSystem :exec
UPDATE system SET name = $2, unit = $3, operator = $4, level = $5, basis = $6, placement = $7, dossier = $8, plan = $9, investing = $10,
    engine = $11, demo = $12, retired = $13, version = $14, changed = $15, changed_by = $16 WHERE id = $1;

-- name: DeleteSystem :exec
DELETE FROM system WHERE id = $1;

-- name: InsertAsset :exec
INSERT INTO asset (id, system, host, address, zone, kind, demo, retired, version, changed, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- name: UpdateAsset :exec
UPDATE asset SET system = $2, host = $3, address = $4, zone = $5, kind = $6, demo = $7, retired = $8, version = $9, changed = $10, changed_by = $11
WHERE id = $1;

-- name: DeleteAsset :exec
DELETE FROM asset WHERE id = $1;

-- name: InsertSource :exec
INSERT INTO source (id, name, kind, system, address, host, dataset, zone, layers, expect_every, trust_logsource, keys, sensor,
    auto, stopped_until, demo, retired, version, changed, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20);

-- name: UpdateSource :exec
UPDATE source SET name = $2, kind = $3, system = $4, address = $5, host = $6, dataset = $7, zone = $8, layers = $9, expect_every = $10,
    trust_logsource = $11, keys = $12, sensor = $13, auto = $14, stopped_until = $15, demo = $16, retired = $17, version = $18,
    changed = $19, changed_by = $20
WHERE id = $1;

-- name: DeleteSource :exec
DELETE FROM source WHERE id = $1;

-- name: Counter :one
SELECT value FROM counter WHERE name = $1;

-- name: InsertHistory :exec
INSERT INTO inventory_history (revision, kind, id, body, changed) VALUES ($1, $2, $3, $4, $5);

-- name: HistoryAfter :many
SELECT revision, kind, id, body FROM inventory_history WHERE revision > $1 ORDER BY revision DESC, kind, id;

-- name: RevisionAt :one
SELECT CAST(coalesce(max(revision), 0) AS BIGINT) AS revision FROM inventory_history WHERE changed <= $1;

-- name: InsertInvite :exec
INSERT INTO sensor_invite (hash, system_id, made, ends, used, sensor) VALUES ($1, $2, $3, $4, 0, '');

-- name: Invite :one
SELECT system_id, ends, used FROM sensor_invite WHERE hash = $1;

-- name: UseInvite :exec
UPDATE sensor_invite SET used = $2, sensor = $3 WHERE hash = $1;

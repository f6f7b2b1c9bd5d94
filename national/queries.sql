-- name: NextOrder :one
UPDATE national_counter SET n = n + 1 WHERE id = 1 RETURNING n;

-- name: InsertReport :execrows
INSERT INTO national_outbox (ord, id, kind, subject, system_id, channel, body, digest, created, state, tries, next_try, last_error, settled, demo, exercise, destination)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', 0, 0, '', 0, $10, $11, $12)
ON CONFLICT (id) DO NOTHING;

-- name: SettleReport :exec
UPDATE national_outbox SET state = $2, tries = tries + 1, last_error = $3, settled = $4, next_try = 0 WHERE id = $1;

-- name: PostponeReport :exec
UPDATE national_outbox SET tries = tries + 1, last_error = $2, next_try = $3 WHERE id = $1;

-- name: NextWaitings :many
SELECT * FROM national_outbox WHERE destination = sqlc.arg(destination) AND state = 'waiting' ORDER BY ord LIMIT sqlc.arg(most);

-- name: CompleteReport :exec
UPDATE national_outbox SET body = $2, digest = $3, channel = $4 WHERE id = $1 AND state = 'waiting';

-- name: WithholdReport :exec
DELETE FROM national_outbox WHERE id = $1 AND state = 'waiting';

-- name: RetryRefused :execrows
UPDATE national_outbox SET state = 'waiting', tries = 0, next_try = 0, settled = 0
WHERE state = 'refused' AND destination IN (SELECT national_endpoint.id FROM national_endpoint) AND (CAST(sqlc.arg(one) AS TEXT) = '' OR id = CAST(sqlc.arg(one) AS TEXT));

-- name: RefusedByReason :many
SELECT last_error, count(*) AS n FROM national_outbox WHERE destination = $1 AND state = 'refused' GROUP BY last_error ORDER BY n DESC LIMIT 20;

-- name: ReceiptsBetween :many
SELECT national_receipt.* FROM national_receipt JOIN national_outbox ON national_outbox.id = national_receipt.report_id
WHERE national_outbox.destination = sqlc.arg(destination) AND national_outbox.state = 'accepted' AND national_outbox.created >= sqlc.arg(since) AND national_outbox.created < sqlc.arg(until);

-- name: RequeueReport :exec
UPDATE national_outbox SET state = 'waiting', next_try = 0, last_error = $2 WHERE id = $1;

-- name: InsertReceipt :exec
INSERT INTO national_receipt (report_id, receipt_id, received, digest, key_id, signature, raw, stored, signer, destination)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (report_id) DO UPDATE SET receipt_id = excluded.receipt_id, received = excluded.received, digest = excluded.digest,
    key_id = excluded.key_id, signature = excluded.signature, raw = excluded.raw, stored = excluded.stored, signer = excluded.signer;

-- name: DropReceipt :exec
DELETE FROM national_receipt WHERE report_id = $1;

-- name: InsertTry :exec
INSERT INTO national_try (report_id, at, answer) VALUES ($1, $2, $3);

-- name: Tries :many
SELECT * FROM national_try WHERE report_id = $1 ORDER BY at DESC LIMIT 50;

-- name: Report :one
SELECT * FROM national_outbox WHERE id = $1;

-- name: Receipt :one
SELECT * FROM national_receipt WHERE report_id = $1;

-- name: ReportsOfSubject :many
SELECT * FROM national_outbox WHERE subject = $1 ORDER BY ord;

-- name: ListReports :many
SELECT * FROM national_outbox
WHERE (CAST(sqlc.arg(destination) AS BIGINT) = 0 OR destination = CAST(sqlc.arg(destination) AS BIGINT)) AND (CAST(sqlc.arg(want) AS TEXT) = '' OR state = CAST(sqlc.arg(want) AS TEXT)) AND ord < sqlc.arg(before)
    AND (CAST(sqlc.arg(kind) AS TEXT) = '' OR kind = CAST(sqlc.arg(kind) AS TEXT))
ORDER BY ord DESC LIMIT sqlc.arg(most);

-- name: ListWaiting :many
SELECT * FROM national_outbox WHERE state = 'waiting' AND ord > sqlc.arg(after)
    AND (CAST(sqlc.arg(destination) AS BIGINT) = 0 OR destination = CAST(sqlc.arg(destination) AS BIGINT))
    AND (CAST(sqlc.arg(kind) AS TEXT) = '' OR kind = CAST(sqlc.arg(kind) AS TEXT))
ORDER BY ord LIMIT sqlc.arg(most);

-- name: CountByState :many
SELECT state, count(*) AS n FROM national_outbox WHERE destination = $1 GROUP BY state;

-- name: CountMadeSince :one
SELECT count(*) FROM national_outbox WHERE created >= sqlc.arg(since) AND created < sqlc.arg(until) AND destination = sqlc.arg(destination);

-- name: CountSettledSince :many
SELECT state, count(*) AS n FROM national_outbox
WHERE created >= sqlc.arg(since) AND created < sqlc.arg(until) AND destination = sqlc.arg(destination) GROUP BY state;

-- name: OldestWaiting :one
SELECT created FROM national_outbox WHERE destination = $1 AND state = 'waiting' ORDER BY ord LIMIT 1;

-- name: LastReceipt :one
SELECT stored, received FROM national_receipt WHERE destination = $1 ORDER BY stored DESC LIMIT 1;

-- name: KnownBetween :many
SELECT id, digest, body, state, settled, channel FROM national_outbox
WHERE destination = sqlc.arg(destination) AND created >= sqlc.arg(since) AND created < sqlc.arg(until);

-- name: Endpoints :many
SELECT * FROM national_endpoint ORDER BY id;

-- name: Number :one
SELECT n FROM national_counter WHERE id = $1;

-- name: NextDestination :one
UPDATE national_counter SET n = n + 1 WHERE id = 2 RETURNING n;

-- name: SetHeir :exec
UPDATE national_counter SET n = $1 WHERE id = 3;

-- name: WaitingOf :many
SELECT id FROM national_outbox WHERE destination = $1 AND state = 'waiting' ORDER BY ord LIMIT 1000;

-- name: SetEndpoint :exec
INSERT INTO national_endpoint (id, channel, url, server_ca, receipt_key, organ_id, organ_name, set_by, set_at, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)
ON CONFLICT (id) DO UPDATE SET channel = excluded.channel, url = excluded.url, server_ca = excluded.server_ca, receipt_key = excluded.receipt_key,
    organ_id = excluded.organ_id, organ_name = excluded.organ_name, set_by = excluded.set_by, set_at = excluded.set_at, version = national_endpoint.version + 1;

-- name: Heartbeat :one
SELECT * FROM national_heartbeat WHERE id = $1;

-- name: SetHeartbeat :exec
INSERT INTO national_heartbeat (id, sent, ok, answer) VALUES (sqlc.arg(id), sqlc.arg(sent), 0, sqlc.arg(answer))
ON CONFLICT (id) DO UPDATE SET sent = excluded.sent, answer = excluded.answer;

-- name: SetHeartbeatOK :exec
INSERT INTO national_heartbeat (id, sent, ok, answer) VALUES (sqlc.arg(id), sqlc.arg(sent), sqlc.arg(sent), '')
ON CONFLICT (id) DO UPDATE SET sent = excluded.sent, ok = excluded.ok, answer = '';

-- name: SaveReconciliation :exec
INSERT INTO national_reconciliation (day, at, made, accepted, refused, waiting, centre, missing, extra, balanced, broken, destination)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (destination, day) DO UPDATE SET at = excluded.at, made = excluded.made, accepted = excluded.accepted, refused = excluded.refused,
    waiting = excluded.waiting, centre = excluded.centre, missing = excluded.missing, extra = excluded.extra, balanced = excluded.balanced,
    broken = excluded.broken;

-- name: Reconciliations :many
SELECT * FROM national_reconciliation WHERE destination = sqlc.arg(destination) ORDER BY day DESC LIMIT sqlc.arg(most);

-- name: ListSettled :many
SELECT * FROM national_outbox WHERE state <> 'waiting' AND ord < sqlc.arg(before)
    AND (CAST(sqlc.arg(destination) AS BIGINT) = 0 OR destination = CAST(sqlc.arg(destination) AS BIGINT))
    AND (CAST(sqlc.arg(kind) AS TEXT) = '' OR kind = CAST(sqlc.arg(kind) AS TEXT))
ORDER BY ord DESC LIMIT sqlc.arg(most);

-- name: CountReports :one
SELECT count(*) FROM national_outbox WHERE (CAST(sqlc.arg(destination) AS BIGINT) = 0 OR destination = CAST(sqlc.arg(destination) AS BIGINT))
    AND (CAST(sqlc.arg(want) AS TEXT) = '' OR state = CAST(sqlc.arg(want) AS TEXT))
    AND (CAST(sqlc.arg(kind) AS TEXT) = '' OR kind = CAST(sqlc.arg(kind) AS TEXT));

-- name: ClearEndpoint :exec
DELETE FROM national_endpoint WHERE id = $1;

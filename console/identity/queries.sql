-- name: CountAccounts :one
SELECT count(*) FROM account WHERE state <> 'invited';

-- name: AccountByID :one
SELECT * FROM account WHERE id = $1;

-- name: AccountByLogin :one
SELECT * FROM account WHERE login = $1;

-- name: AccountByIdentity :one
SELECT a.* FROM account a JOIN account_identity i ON i.account = a.id WHERE i.issuer = $1 AND i.subject = $2;

-- name: AccountByOwnLogin :one
SELECT a.* FROM account a JOIN account_identity i ON i.account = a.id
WHERE a.login = $1 AND i.issuer = $2 AND i.subject = a.id;

-- name: SetIdentity :exec
INSERT INTO account_identity (issuer, subject, account, amr, last_use) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (issuer, subject) DO UPDATE SET amr = excluded.amr, last_use = excluded.last_use;

-- name: ListIdentities :many
SELECT * FROM account_identity ORDER BY account, issuer, subject;

-- name: ListAccounts :many
SELECT a.id, a.login, a.name, a.roles, a.unit, a.state, a.created, a.last_use, a.version,
    (SELECT count(*) FROM console_session s WHERE s.account = a.id AND s.expires > $1) AS sessions,
    CAST(COALESCE((SELECT f.locked_until FROM login_failure f WHERE f.login = a.login), 0) AS BIGINT) AS locked_until,
    CAST(COALESCE(length(a.totp), 0) AS BIGINT) AS second_factor
FROM account a ORDER BY a.login;

-- name: InsertAccount :exec
INSERT INTO account (id, login, name, password, totp, totp_step, roles, unit, state, preferences, created, last_use, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '{}', $10, 0, 1);

-- name: SetSecrets :exec
UPDATE account SET password = $2, totp = $3, totp_step = $4, state = 'active', version = version + 1 WHERE id = $1;

-- name: SetPassword :exec
UPDATE account SET password = $2, version = version + 1 WHERE id = $1;

-- name: SetStep :execrows
UPDATE account SET totp_step = $2 WHERE id = $1 AND totp_step < $2;

-- name: SetLastUse :exec
UPDATE account SET last_use = $2 WHERE id = $1;

-- name: SetPreferences :exec
UPDATE account SET preferences = $2 WHERE id = $1;

-- name: ChangeAccount :execrows
UPDATE account SET name = $3, roles = $4, unit = $5, state = $6, version = version + 1 WHERE id = $1 AND version = $2;

-- name: CountAdministrators :one
SELECT count(*) FROM account WHERE state = 'active' AND roles LIKE '%"administrator"%';

-- name: Failure :one
SELECT * FROM login_failure WHERE login = $1;

-- name: SetFailure :exec
INSERT INTO login_failure (login, failures, locked_until, changed) VALUES ($1, $2, $3, $4)
ON CONFLICT (login) DO UPDATE SET failures = excluded.failures, locked_until = excluded.locked_until, changed = excluded.changed;

-- name: ClearFailure :exec
DELETE FROM login_failure WHERE login = $1;

-- name: DropFailures :exec
DELETE FROM login_failure WHERE changed < $1;

-- name: InsertCode :exec
INSERT INTO recovery_code (account, hash, used) VALUES ($1, $2, 0);

-- name: UseCode :execrows
UPDATE recovery_code SET used = $3 WHERE account = $1 AND hash = $2 AND used = 0;

-- name: DropCodes :exec
DELETE FROM recovery_code WHERE account = $1;

-- name: CountCodes :one
SELECT count(*) FROM recovery_code WHERE account = $1 AND used = 0;

-- name: InsertLink :exec
INSERT INTO one_time_link (hash, kind, account, totp, created, expires, used) VALUES ($1, $2, $3, $4, $5, $6, 0);

-- name: Link :one
SELECT * FROM one_time_link WHERE hash = $1;

-- name: UseLink :execrows
UPDATE one_time_link SET used = $2 WHERE hash = $1 AND used = 0;

-- name: EndLinks :exec
UPDATE one_time_link SET used = $3 WHERE account = $1 AND kind = $2 AND used = 0;

-- name: DropLinks :exec
DELETE FROM one_time_link WHERE expires < $1;

-- name: Session :one
SELECT * FROM console_session WHERE token = $1 AND expires > $2;

-- name: SetSession :exec
INSERT INTO console_session (token, id, account, data, expires, started, seen, address, agent)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)
ON CONFLICT (token) DO UPDATE SET data = excluded.data, expires = excluded.expires;

-- name: SeeSession :exec
UPDATE console_session SET seen = $2 WHERE token = $1;

-- name: ListSessions :many
SELECT s.id, s.account, s.expires, s.started, s.seen, s.address, s.agent, a.name FROM console_session s
JOIN account a ON a.id = s.account WHERE s.expires > $1 ORDER BY s.seen DESC;

-- name: SessionByID :one
SELECT * FROM console_session WHERE id = $1;

-- name: DropSession :exec
DELETE FROM console_session WHERE token = $1;

-- name: DropSessionByID :execrows
DELETE FROM console_session WHERE id = $1;

-- name: DropOtherSessions :exec
DELETE FROM console_session WHERE account = $1 AND id <> $2;

-- name: DropOldSessions :exec
DELETE FROM console_session WHERE expires < $1;

-- name: InsertToken :exec
INSERT INTO api_token (id, hash, name, roles, unit, made_by, maker, created, expires, last_use, revoked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0);

-- name: TokenByHash :one
SELECT * FROM api_token WHERE hash = $1;

-- name: TokenByID :one
SELECT * FROM api_token WHERE id = $1;

-- name: ListTokens :many
SELECT * FROM api_token ORDER BY created DESC, id;

-- name: RevokeToken :execrows
UPDATE api_token SET revoked = $2 WHERE id = $1 AND revoked = 0;

-- name: SeeToken :exec
UPDATE api_token SET last_use = $2 WHERE id = $1;

-- name: InsertSearch :exec
INSERT INTO saved_search (id, account, unit, name, shared, text, kinds, created, used) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8);

-- name: SearchByID :one
SELECT * FROM saved_search WHERE id = $1;

-- name: ListSearches :many
SELECT * FROM saved_search WHERE name <> '' AND (account = $1 OR (shared AND unit = $2)) ORDER BY name, id;

-- name: DropSearch :execrows
DELETE FROM saved_search WHERE id = $1 AND account = $2;

-- name: DropOldSearches :exec
DELETE FROM saved_search WHERE name = '' AND used < $1;

-- name: Setting :one
SELECT value FROM console_setting WHERE key = $1;

-- name: SetSetting :exec
INSERT INTO console_setting (key, value, version) VALUES ($1, $2, 1)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = console_setting.version + 1;

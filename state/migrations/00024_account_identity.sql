-- +goose Up

-- Who an account is to whoever vouches for the person (OpenID Connect Core 1.0 §2: issuer and subject name a person for good). Of this
-- appliance itself the issuer is 'hoalu' and the subject the account's id: there the password and the one-time codes are ours. amr are
-- the methods of the last log-in (RFC 8176), a JSON list.
CREATE TABLE account_identity (
    issuer   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    account  TEXT NOT NULL REFERENCES account (id),
    amr      TEXT NOT NULL,
    last_use BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX account_identity_account ON account_identity (account);

INSERT INTO account_identity (issuer, subject, account, amr, last_use)
SELECT 'hoalu', id, id, '[]', last_use FROM account WHERE password <> '';

-- An account whose identities are all outside has neither a password nor a secret of its own: NULL, no longer ''.
ALTER TABLE account ADD COLUMN own_password TEXT;
UPDATE account SET own_password = password WHERE password <> '';
ALTER TABLE account DROP COLUMN password;
ALTER TABLE account RENAME COLUMN own_password TO password;
ALTER TABLE account ADD COLUMN own_totp BYTEA;
UPDATE account SET own_totp = totp WHERE length(totp) > 0;
ALTER TABLE account DROP COLUMN totp;
ALTER TABLE account RENAME COLUMN own_totp TO totp;

-- +goose Down
ALTER TABLE account ADD COLUMN own_totp BYTEA NOT NULL DEFAULT '';
UPDATE account SET own_totp = totp WHERE totp IS NOT NULL;
ALTER TABLE account DROP COLUMN totp;
ALTER TABLE account RENAME COLUMN own_totp TO totp;
ALTER TABLE account ADD COLUMN own_password TEXT NOT NULL DEFAULT '';
UPDATE account SET own_password = password WHERE password IS NOT NULL;
ALTER TABLE account DROP COLUMN password;
ALTER TABLE account RENAME COLUMN own_password TO password;
DROP TABLE account_identity;

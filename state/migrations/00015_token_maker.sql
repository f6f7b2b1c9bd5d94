-- +goose Up

-- The account or token that made an API token: a token ends with the rights of its maker. '' is the machine's administrator at a shell.
-- Of older tokens only the name is known; it says who where it is one person's.
ALTER TABLE api_token ADD COLUMN maker TEXT NOT NULL DEFAULT '';
UPDATE api_token SET maker = COALESCE((SELECT min(a.id) FROM account a WHERE a.name = api_token.made_by HAVING count(*) = 1), '');

-- +goose Down
ALTER TABLE api_token DROP COLUMN maker;

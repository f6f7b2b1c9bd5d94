package state_test

import (
	"context"
	"database/sql"
	"testing"

	"hoalu/state"
	"hoalu/state/statetest"
)

// TestAccountsGetTheirIdentity: an upgrade gives every account with a password its identity of this appliance, leaves the secrets of an
// invited one empty, and keeps what refers to accounts; the way back is the same.
func TestAccountsGetTheirIdentity(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := context.Background()
		p, err := db.Migrator()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.DownTo(ctx, 23); err != nil {
			t.Fatal(err)
		}
		if err := db.Tx(ctx, func(tx *sql.Tx) error {
			for _, a := range []struct {
				id, password string
				totp         []byte
				state        string
			}{{"ng-old", "$argon2id$", []byte{1, 2}, "active"}, {"ng-new", "", []byte{}, "invited"}} {
				if _, err := tx.ExecContext(ctx,
					`INSERT INTO account (id, login, name, password, totp, totp_step, roles, unit, state, preferences, created, last_use, version)
					VALUES ($1, $1, $1, $2, $3, 7, '["auditor"]', '', $4, '{}', 1, 5, 1)`, a.id, a.password, a.totp, a.state); err != nil {
					return err
				}
			}
			_, err := tx.ExecContext(ctx, "INSERT INTO recovery_code (account, hash, used) VALUES ('ng-old', 'h', 0)")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Up(ctx); err != nil {
			t.Fatal(err)
		}
		read := func(query string) string {
			t.Helper()
			var s string
			if err := db.Read().QueryRowContext(ctx, query).Scan(&s); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			return s
		}
		for query, want := range map[string]string{
			"SELECT min(issuer || ' ' || subject || ' ' || account || ' ' || amr) || ' ' || count(*) FROM account_identity": "hoalu ng-old ng-old [] 1",
			"SELECT password || ' ' || length(totp) || ' ' || totp_step FROM account WHERE id = 'ng-old'":                   "$argon2id$ 2 7",
			"SELECT count(*) FROM account WHERE id = 'ng-new' AND password IS NULL AND totp IS NULL AND state = 'invited'":  "1",
			"SELECT count(*) FROM recovery_code c JOIN account a ON a.id = c.account WHERE c.hash = 'h'":                    "1",
		} {
			if got := read(query); got != want {
				t.Errorf("%s = %q, want %q", query, got, want)
			}
		}
		if _, err := p.DownTo(ctx, 23); err != nil {
			t.Fatal(err)
		}
		if got := read("SELECT password || length(totp) FROM account WHERE id = 'ng-new'"); got != "0" {
			t.Errorf("back: an invited account has %q, want no password and no secret", got)
		}
		if _, err := p.Up(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hoalu/console/identity/internal/db"
	"hoalu/soc"
	"hoalu/state"
)

// tokenMagic begins every API token: what it is and its version (decision 15), so that scanners for leaked secrets find it.
const tokenMagic = "hlt1_"

// Token is an API token without its secret.
type Token struct {
	ID, Name string
	Roles    []soc.Role
	Unit     string
	By       string
	Created  int64
	Expires  int64
	LastUse  int64
	Revoked  int64
}

// TokenRequest asks for an API token. Life 0 takes 90 days.
type TokenRequest struct {
	Name  string
	Roles []soc.Role
	Unit  string
	Life  time.Duration
}

// CreateToken makes an API token and returns its secret, which is kept nowhere. It needs only the database, so it works beside a
// running appliance.
func CreateToken(ctx context.Context, d *state.DB, record Record, by soc.Actor, r TokenRequest) (Token, string, error) {
	if err := CheckRoles(r.Roles, r.Unit); err != nil {
		return Token{}, "", err
	}
	if r.Life == 0 {
		r.Life = 90 * 24 * time.Hour
	}
	if r.Life < 0 || r.Life > MaxTokenLife {
		return Token{}, "", problem(http.StatusUnprocessableEntity, "token_life", "A token lives at most 365 days.", nil)
	}
	now := state.Now()
	secret := tokenMagic + randomText(32)
	t := Token{ID: newID("mt-"), Name: r.Name, Roles: r.Roles, Unit: r.Unit, By: by.Name, Created: now, Expires: now + r.Life.Milliseconds()}
	err := d.Tx(ctx, func(tx *sql.Tx) error {
		err := db.New(tx).InsertToken(ctx, db.InsertTokenParams{ID: t.ID, Hash: digest(secret), Name: t.Name, Roles: rolesText(t.Roles), Unit: t.Unit, MadeBy: by.Name, Created: now, Expires: t.Expires})
		if err != nil {
			return fmt.Errorf("keep token: %w", err)
		}
		err = record(ctx, tx, soc.Deed{Time: now, Actor: by, Action: "token.create", Object: t.ID, Result: "done", Details: map[string]string{"name": t.Name, "roles": rolesText(t.Roles), "unit": t.Unit}})
		if err != nil {
			return fmt.Errorf("write the audit log: %w", err)
		}
		return nil
	})
	if err != nil {
		return Token{}, "", err
	}
	return t, secret, nil
}

// CreateToken makes an API token.
func (a *Accounts) CreateToken(ctx context.Context, by soc.Actor, r TokenRequest) (Token, string, error) {
	return CreateToken(ctx, a.c.DB, a.c.Record, by, r)
}

// Tokens lists all API tokens, newest first.
func (a *Accounts) Tokens(ctx context.Context) ([]Token, error) {
	rows, err := a.q.ListTokens(ctx)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	out := make([]Token, len(rows))
	for i, r := range rows {
		out[i] = Token{ID: r.ID, Name: r.Name, Roles: rolesOf(r.Roles), Unit: r.Unit, By: r.MadeBy, Created: r.Created, Expires: r.Expires, LastUse: r.LastUse, Revoked: r.Revoked}
	}
	return out, nil
}

// RevokeToken ends an API token at once.
func (a *Accounts) RevokeToken(ctx context.Context, by soc.Actor, id string) error {
	return a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		n, err := db.New(tx).RevokeToken(ctx, db.RevokeTokenParams{ID: id, Revoked: a.now()})
		if err != nil {
			return fmt.Errorf("revoke token: %w", err)
		}
		if n == 0 {
			return absent(id)
		}
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: "token.revoke", Object: id})
	})
}

func (a *Accounts) bearer(ctx context.Context, secret, address string) (Identity, error) {
	if !strings.HasPrefix(secret, tokenMagic) {
		return Identity{}, ErrAnonymous
	}
	row, err := a.q.TokenByHash(ctx, digest(secret))
	if errors.Is(err, sql.ErrNoRows) {
		return Identity{}, ErrAnonymous
	}
	if err != nil {
		return Identity{}, fmt.Errorf("read token: %w", err)
	}
	now := a.now()
	if row.Revoked != 0 || row.Expires <= now {
		return Identity{}, ErrAnonymous
	}
	if now-row.LastUse > 60_000 {
		if err := a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
			return db.New(tx).SeeToken(ctx, db.SeeTokenParams{ID: row.ID, LastUse: now})
		}); err != nil {
			return Identity{}, fmt.Errorf("note use of token: %w", err)
		}
	}
	return Identity{
		Actor: soc.Actor{ID: "token:" + row.ID, Name: row.Name, Roles: rolesOf(row.Roles), Unit: row.Unit, Address: address},
		Login: row.Name,
		Token: row.ID,
		Ends:  row.Expires,
	}, nil
}

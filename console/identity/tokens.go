package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
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
	Orphan   bool // who made it may make none any more, so it opens nothing
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
	if err := showsNothing(r.Name); err != nil {
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
		err := db.New(tx).InsertToken(ctx, db.InsertTokenParams{ID: t.ID, Hash: digest(secret), Name: t.Name, Roles: rolesText(t.Roles),
			Unit: t.Unit, MadeBy: by.Name, Maker: makerOf(by), Created: now, Expires: t.Expires})
		if err != nil {
			return fmt.Errorf("keep token: %w", err)
		}
		err = record(ctx, tx, soc.Deed{Time: now, Actor: by, Action: "token.create", Object: t.ID, Result: "done",
			Details: map[string]string{"name": t.Name, "roles": rolesText(t.Roles), "unit": t.Unit}})
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
	var err error
	if r.Name, err = a.c.name(r.Name); err != nil {
		return Token{}, "", err
	}
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
		alive, err := a.makerMay(ctx, r.Maker)
		if err != nil {
			return nil, err
		}
		out[i] = Token{Orphan: !alive, ID: r.ID, Name: r.Name, Roles: rolesOf(r.Roles), Unit: r.Unit, By: r.MadeBy, Created: r.Created,
			Expires: r.Expires, LastUse: r.LastUse, Revoked: r.Revoked}
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

// tokenActor begins the actor id of an API token.
const tokenActor = "token:"

// makerOf is who a new token depends on: a person, another token, or "" for the administrator at the machine's shell.
func makerOf(by soc.Actor) string {
	if strings.HasPrefix(by.ID, "ng-") || strings.HasPrefix(by.ID, tokenActor) {
		return by.ID
	}
	return ""
}

// makerMay reports whether who made a token may still make one: an account that is active and administers, or a token that is good
// and whose own maker may. A token ends with the rights of its maker, however long it would have lived.
func (a *Accounts) makerMay(ctx context.Context, maker string) (bool, error) {
	for range 16 { // a chain of tokens that made tokens; a longer one opens nothing
		id, token := strings.CutPrefix(maker, tokenActor)
		switch {
		case maker == "":
			return true, nil
		case !token:
			acc, err := a.q.AccountByID(ctx, maker)
			if errors.Is(err, sql.ErrNoRows) {
				return false, nil
			}
			if err != nil {
				return false, fmt.Errorf("read the maker of a token: %w", err)
			}
			return acc.State == "active" && slices.Contains(rolesOf(acc.Roles), soc.Administrator), nil
		}
		row, err := a.q.TokenByID(ctx, id)
		if errors.Is(err, sql.ErrNoRows) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read the maker of a token: %w", err)
		}
		if row.Revoked != 0 || row.Expires <= a.now() || !slices.Contains(rolesOf(row.Roles), soc.Administrator) {
			return false, nil
		}
		maker = row.Maker
	}
	return false, nil
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
	alive, err := a.makerMay(ctx, row.Maker)
	if err != nil {
		return Identity{}, err
	}
	if !alive {
		return Identity{}, ErrAnonymous
	}
	if now-row.LastUse > 60_000 {
		if err := a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
			return db.New(tx).SeeToken(ctx, db.SeeTokenParams{ID: row.ID, LastUse: now})
		}); err != nil && !a.unnoted(err) {
			return Identity{}, fmt.Errorf("note use of token: %w", err)
		}
	}
	return Identity{
		Actor: soc.Actor{ID: tokenActor + row.ID, Name: row.Name, Roles: rolesOf(row.Roles), Unit: row.Unit, Address: address},
		Login: row.Name,
		Token: row.ID,
		Ends:  row.Expires,
	}, nil
}

package identity

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"crypto/sha256"

	"github.com/alexedwards/scs/v2"
	"github.com/pquerna/otp"

	"hoalu/console/identity/internal/db"
	"hoalu/soc"
	"hoalu/state"
)

// keyOf is an otpauth key of a secret that exists.
func keyOf(issuer, login, secret string) (*otp.Key, error) {
	if login == "" {
		login = "hoalu"
	}
	v := url.Values{"secret": {secret}, "issuer": {issuer}, "period": {"30"}, "algorithm": {"SHA1"}, "digits": {"6"}}
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + login, RawQuery: strings.ReplaceAll(v.Encode(), "+", "%20")}
	key, err := otp.NewKeyFromURL(u.String())
	if err != nil {
		return nil, fmt.Errorf("write second factor: %w", err)
	}
	return key, nil
}

// store keeps scs sessions in console_session; new rows are written in the transaction and with the facts that newSession puts
// into the context.
type store struct{ a *Accounts }

type fresh struct {
	tx                          *sql.Tx
	id, account, address, agent string
}

type freshKey struct{}

var _ scs.CtxStore = store{}

func (s store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	row, err := s.a.q.Session(ctx, db.SessionParams{Token: token, Expires: s.a.now()})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("read session: %w", err)
	}
	return row.Data, true, nil
}

func (s store) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	f, ok := ctx.Value(freshKey{}).(*fresh)
	if !ok {
		return errors.New("keep session: a session is made by log-in only")
	}
	err := db.New(f.tx).SetSession(ctx, db.SetSessionParams{Token: token, ID: f.id, Account: f.account, Data: b,
		Expires: expiry.UnixMilli(), Started: s.a.now(), Address: f.address, Agent: f.agent})
	if err != nil {
		return fmt.Errorf("keep session: %w", err)
	}
	return nil
}

func (s store) DeleteCtx(ctx context.Context, token string) error {
	return s.a.c.DB.Tx(ctx, func(tx *sql.Tx) error { return db.New(tx).DropSession(ctx, token) })
}

// The forms without context are not called: scs prefers the others.
func (s store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit implements scs.Store.
func (s store) Commit(token string, b []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, b, expiry)
}

// Delete implements scs.Store.
func (s store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

func (a *Accounts) newSession(ctx context.Context, tx *sql.Tx, account, address, agent string, secure bool) (*http.Cookie, error) {
	agent, err := a.c.words(agent)
	if err != nil {
		return nil, err
	}
	if len(agent) > 200 {
		agent = agent[:200]
	}
	ctx = context.WithValue(ctx, freshKey{}, &fresh{tx: tx, id: newID("ph-"), account: account, address: address, agent: agent})
	ctx, err = a.sessions.Load(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("make session: %w", err)
	}
	a.sessions.Put(ctx, "account", account)
	token, expires, err := a.sessions.Commit(ctx)
	if err != nil {
		return nil, fmt.Errorf("make session: %w", err)
	}
	return &http.Cookie{Name: a.c.Cookie, Value: token, Path: "/", Expires: expires, MaxAge: int(time.Until(expires).Seconds() + 1),
		HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}, nil
}

// EnterLinked makes the session of a person whose link was just finished.
func (a *Accounts) EnterLinked(ctx context.Context, actor soc.Actor, agent string, secure bool) (*http.Cookie, error) {
	var c *http.Cookie
	err := a.c.DB.Tx(ctx, func(tx *sql.Tx) (err error) {
		if c, err = a.newSession(ctx, tx, actor.ID, actor.Address, agent, secure); err != nil {
			return err
		}
		if err := db.New(tx).SetLastUse(ctx, db.SetLastUseParams{ID: actor.ID, LastUse: a.now()}); err != nil {
			return fmt.Errorf("note log-in: %w", err)
		}
		return a.record(ctx, tx, soc.Deed{Actor: actor, Action: "account.login", Object: actor.ID, Details: map[string]string{"factor": "link"}})
	})
	return c, err
}

// sessionHash is a cookie's value as scs keeps it.
func sessionHash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Identity is who asks.
type Identity struct {
	Actor   soc.Actor
	Login   string
	Session string // id of the session; "" for a token
	Token   string // id of the API token; "" for a session
	Ends    int64
	Idle    time.Duration

	Preferences string // JSON, "" for a token
}

// ErrAnonymous means that the request carries neither a live session nor a live token.
var ErrAnonymous = errors.New("not logged in")

// Authenticate tells who asks, by API token or session cookie. busy is false for requests that the page makes by itself (stream,
// status bar): they do not keep a session from idling out.
func (a *Accounts) Authenticate(r *http.Request, address string, busy bool) (Identity, error) {
	ctx := r.Context()
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, secret, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "bearer") {
			return Identity{}, ErrAnonymous
		}
		return a.bearer(ctx, strings.TrimSpace(secret), address)
	}
	cookie, err := r.Cookie(a.c.Cookie)
	if err != nil || cookie.Value == "" {
		return Identity{}, ErrAnonymous
	}
	sctx, err := a.sessions.Load(ctx, cookie.Value)
	if err != nil {
		return Identity{}, fmt.Errorf("read session: %w", err)
	}
	id := a.sessions.GetString(sctx, "account")
	if id == "" {
		return Identity{}, ErrAnonymous
	}
	hash := sessionHash(cookie.Value)
	now := a.now()
	row, err := a.q.Session(ctx, db.SessionParams{Token: hash, Expires: now})
	if errors.Is(err, sql.ErrNoRows) {
		return Identity{}, ErrAnonymous
	}
	if err != nil {
		return Identity{}, fmt.Errorf("read session: %w", err)
	}
	acc, err := a.q.AccountByID(ctx, id)
	if errors.Is(err, sql.ErrNoRows) || (err == nil && acc.State != "active") {
		return Identity{}, ErrAnonymous
	}
	if err != nil {
		return Identity{}, fmt.Errorf("read account: %w", err)
	}
	roles := rolesOf(acc.Roles)
	idle := a.idle(roles)
	a.mu.Lock()
	last := max(a.seen[hash], row.Seen)
	expired := now-last > idle.Milliseconds()
	write := false
	if !expired && busy {
		a.seen[hash] = now
		write = now-row.Seen > 30_000
	}
	a.mu.Unlock()
	if expired {
		err := a.c.DB.Tx(ctx, func(tx *sql.Tx) error { return db.New(tx).DropSession(ctx, hash) })
		if err != nil && !state.Unwritable(err) { // its row stays idle, and so it stays ended
			return Identity{}, fmt.Errorf("end idle session: %w", err)
		}
		return Identity{}, ErrAnonymous
	}
	if write {
		if err := a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
			return db.New(tx).SeeSession(ctx, db.SeeSessionParams{Token: hash, Seen: now})
		}); err != nil && !a.unnoted(err) {
			return Identity{}, fmt.Errorf("note use of session: %w", err)
		}
	}
	return Identity{
		Actor:   soc.Actor{ID: acc.ID, Name: acc.Name, Roles: roles, Unit: acc.Unit, Address: address},
		Login:   acc.Login,
		Session: row.ID,
		Ends:    row.Expires,
		Idle:    idle,

		Preferences: acc.Preferences,
	}, nil
}

// unnoted says whether a use that could not be noted may pass: a full disk must not hide the pages that tell of it. What is not noted
// ends a session sooner, never later.
func (a *Accounts) unnoted(err error) bool {
	if !state.Unwritable(err) {
		return false
	}
	now := a.now()
	a.mu.Lock()
	tell := now-a.unnotedAt >= time.Minute.Milliseconds()
	if tell {
		a.unnotedAt = now
	}
	a.mu.Unlock()
	if tell {
		a.c.Log.Error("the use of sessions and tokens cannot be noted", "error.message", err.Error())
	}
	return true
}

// Session is one live log-in.
type Session struct {
	ID, Account, Name, Address, Agent string
	Started, Seen, Ends               int64
}

// Sessions lists live sessions: the account's, or all when account is "".
func (a *Accounts) Sessions(ctx context.Context, account string) ([]Session, error) {
	rows, err := a.q.ListSessions(ctx, a.now())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	out := []Session{}
	for _, r := range rows {
		if account == "" || r.Account == account {
			out = append(out, Session{ID: r.ID, Account: r.Account, Name: r.Name, Address: r.Address, Agent: r.Agent, Started: r.Started,
				Seen: r.Seen, Ends: r.Expires})
		}
	}
	return out, nil
}

// EndSession ends a session; account restricts it to that person's own.
func (a *Accounts) EndSession(ctx context.Context, by soc.Actor, id, account string) error {
	return a.endSession(ctx, by, id, account, "session.end")
}

// Logout ends the session that asks.
func (a *Accounts) Logout(ctx context.Context, who Identity) error {
	return a.endSession(ctx, who.Actor, who.Session, who.Actor.ID, "account.logout")
}

func (a *Accounts) endSession(ctx context.Context, by soc.Actor, id, account, action string) error {
	return a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		row, err := q.SessionByID(ctx, id)
		if errors.Is(err, sql.ErrNoRows) || (err == nil && account != "" && row.Account != account) {
			return absent(id)
		}
		if err != nil {
			return fmt.Errorf("read session: %w", err)
		}
		if _, err := q.DropSessionByID(ctx, id); err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: action, Object: id, Details: map[string]string{"account": row.Account}})
	})
}

// ForgetCookie is the cookie that ends the browser's.
func (a *Accounts) ForgetCookie(secure bool) *http.Cookie {
	return &http.Cookie{Name: a.c.Cookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
}

// Package identity knows who uses the console: accounts with password and second factor, one-time links, sessions and API tokens.
//
// Words: an Account is a person; a Link is a one-time link (first account, invitation, reset) of which only the hash is kept; a
// Session is a log-in of a browser; an Identity is a subject of an issuer (OpenID Connect), which vouches for the person of an account:
// of our own passwords the issuer is OwnIssuer; a Token is a secret that a program sends as Authorization: Bearer. Passwords are kept as
// argon2id (RFC 9106), second factors are TOTP (RFC 6238) sealed by the vault, recovery codes and tokens as SHA-256 of random
// secrets of at least 80 bits.
//
// Contract: Accounts is safe for concurrent use. What a person may correct comes back as *soc.Problem; any other error means that
// the database or the vault does not answer. Every change and every log-in, right or wrong, writes its Deed in its own transaction
// (Config.Record). Wrong name, wrong password, wrong code and locked answer alike and take alike long.
package identity

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"hoalu/console/identity/internal/db"
	"hoalu/soc"
	"hoalu/state"
)

// Anonymous is the actor of deeds of somebody nobody knows, such as a log-in under a name that does not exist.
const Anonymous = "anonymous"

// Record writes a deed in the transaction of what was done.
type Record func(ctx context.Context, tx *sql.Tx, d soc.Deed) error

// AEAD seals the second factors; the vault's.
type AEAD interface {
	Encrypt(plaintext, associatedData []byte) ([]byte, error)
	Decrypt(ciphertext, associatedData []byte) ([]byte, error)
}

// Config of Accounts; zero values take the defaults named.
type Config struct {
	DB     *state.DB
	Record Record
	AEAD   AEAD
	Log    *slog.Logger
	Now    func() time.Time

	// Words replaces what may not be kept of a text that a person typed: a name, a label, a log-in name that nobody has. nil keeps all.
	Words func(text string) (string, error)

	Argon     Argon         // 46 MiB, 2 passes
	IdleAdmin time.Duration // sessions of administrators end after 15 min without use
	Idle      time.Duration // other sessions: 2 h
	Lifetime  time.Duration // a shift: 12 h
	Cookie    string        // name of the cookie: hoalu
}

// Limits of log-in.
const (
	LinkLife     = 15 * time.Minute // of the first administrator's link, and of one that resets an account
	InviteLife   = 72 * time.Hour   // of an invitation: it is handed over to somebody elsewhere
	LockAfter    = 5                // wrong tries under a name from one address: nobody locks a person out from elsewhere
	LockAllAfter = 100              // wrong tries under a name from anywhere: guessing spread over many addresses
	LockFor      = 15 * time.Minute
	MaxTokenLife = 365 * 24 * time.Hour
	RecoveryKeys = 10
)

// Accounts is the register of people, sessions and tokens.
type Accounts struct {
	c        Config
	q        *db.Queries // reading
	sessions *scs.SessionManager
	hashing  *gate
	dummy    string // hash verified where there is no account

	mu       sync.Mutex
	seen     map[string]int64      // session token hash → last use, written to the database at most every 30 s
	attempts map[string]*allowance // log-ins by address

	unnotedAt int64 // when it was last told that uses cannot be noted
}

// New checks c and returns the register. It starts nothing.
func New(c Config) (*Accounts, error) {
	var errs []error
	if c.DB == nil {
		errs = append(errs, errors.New("identity: no database"))
	}
	if c.Record == nil {
		errs = append(errs, errors.New("identity: no audit log"))
	}
	if c.AEAD == nil {
		errs = append(errs, errors.New("identity: no key to seal second factors"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Argon == (Argon{}) {
		c.Argon = Argon{Memory: 46 << 10, Passes: 2, Lanes: 1}
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&c.IdleAdmin, 15 * time.Minute}, {&c.Idle, 2 * time.Hour}, {&c.Lifetime, 12 * time.Hour}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	if c.Cookie == "" {
		c.Cookie = "hoalu"
	}
	a := &Accounts{
		c:        c,
		q:        db.New(c.DB.Read()),
		sessions: scs.New(),
		hashing:  newGate(),
		seen:     map[string]int64{},
		attempts: map[string]*allowance{},
	}
	a.sessions.Store = store{a}
	a.sessions.Lifetime = c.Lifetime
	a.sessions.HashTokenInStore = true
	a.sessions.Cookie.Name = c.Cookie
	a.sessions.Cookie.HttpOnly = true
	a.sessions.Cookie.SameSite = http.SameSiteStrictMode
	a.sessions.Cookie.Path = "/"
	dummy, err := c.Argon.unmatched()
	if err != nil {
		return nil, err
	}
	a.dummy = dummy
	return a, nil
}

// words is text as it may be kept.
func (c *Config) words(text string) (string, error) {
	if c.Words == nil || text == "" {
		return text, nil
	}
	kept, err := c.Words(text)
	if err != nil {
		return "", fmt.Errorf("protect what was typed: %w", err)
	}
	return kept, nil
}

// name is a name that a person typed as it may be kept and as others will see it; none stays none.
func (c *Config) name(text string) (string, error) {
	if err := showsNothing(text); err != nil {
		return "", err
	}
	return c.words(state.Line(text))
}

// showsNothing refuses a name in which nothing is left to see: kept as an empty one, no list would show it.
func showsNothing(name string) error {
	if name == "" || state.Line(name) != "" {
		return nil
	}
	return problem(http.StatusUnprocessableEntity, "invalid", "Not accepted: name (required).", map[string]string{"name": "required"})
}

// newLogin checks the log-in name of a new account. A pseudonym would be no name to log in with, so what holds one is refused.
func (a *Accounts) newLogin(login string) error {
	kept, err := a.c.words(login)
	if err == nil && kept != login {
		return problem(http.StatusUnprocessableEntity, "login_identifier", "A log-in name must not hold a citizen's number.", nil)
	}
	return err
}

func (a *Accounts) now() int64 { return a.c.Now().UnixMilli() }

// randomText is n random bytes as base64url.
func randomText(n int) string {
	return base64.RawURLEncoding.EncodeToString(random(n))
}

var letters = base32.StdEncoding.WithPadding(base32.NoPadding)

// newID is a short random id that people can read out.
func newID(prefix string) string {
	return prefix + strings.ToLower(letters.EncodeToString(random(8)))
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func rolesText(roles []soc.Role) string {
	out, _ := json.Marshal(roles) // a list of strings
	return string(out)
}

func rolesOf(text string) []soc.Role {
	var out []soc.Role
	if json.Unmarshal([]byte(text), &out) != nil {
		return nil // no role: may nothing
	}
	return out
}

// CheckRoles says what is wrong with a set of roles and a unit.
func CheckRoles(roles []soc.Role, unit string) error {
	if len(roles) == 0 {
		return problem(http.StatusUnprocessableEntity, "roles_missing", "No role given.", nil)
	}
	for _, r := range roles {
		if !slices.Contains(soc.Roles, r) {
			return problem(http.StatusUnprocessableEntity, "role_unknown", "There is no such role.", map[string]string{"role": string(r)})
		}
	}
	if slices.Contains(roles, soc.Owner) && unit == "" {
		return problem(http.StatusUnprocessableEntity, "unit_missing", "An owner needs a unit.", nil)
	}
	return nil
}

func problem(status int, code, detail string, values map[string]string) *soc.Problem {
	return &soc.Problem{Status: status, Code: code, Detail: detail, Values: values}
}

func (a *Accounts) record(ctx context.Context, tx *sql.Tx, d soc.Deed) error {
	d.Time = a.now()
	if d.Result == "" {
		d.Result = "done"
	}
	if err := a.c.Record(ctx, tx, d); err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// Account is one person as others see them.
type Account struct {
	ID, Login, Name string
	Roles           []soc.Role
	Unit            string
	State           string // invited, active, locked, disabled
	Created         int64
	LastUse         int64
	Sessions        int
	Version         int64
	SecondFactor    bool // each of its identities asks for one: ours by a secret that is set, an outside one by its last log-in
}

// List lists all accounts by login.
func (a *Accounts) List(ctx context.Context) ([]Account, error) {
	now := a.now()
	rows, err := a.q.ListAccounts(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	own := map[string]bool{}
	for _, r := range rows {
		own[r.ID] = r.SecondFactor > 0
	}
	second, err := a.secondFactors(ctx, own)
	if err != nil {
		return nil, err
	}
	out := make([]Account, len(rows))
	for i, r := range rows {
		out[i] = Account{ID: r.ID, Login: r.Login, Name: r.Name, Roles: rolesOf(r.Roles), Unit: r.Unit, State: r.State,
			Created: r.Created, LastUse: r.LastUse, Sessions: int(r.Sessions), Version: r.Version, SecondFactor: second[r.ID]}
		if r.State == "active" && r.LockedUntil > now {
			out[i].State = "locked"
		}
	}
	return out, nil
}

// Get is one account.
func (a *Accounts) Get(ctx context.Context, id string) (Account, error) { return a.one(ctx, id) }

func (a *Accounts) one(ctx context.Context, id string) (Account, error) {
	all, err := a.List(ctx)
	if err != nil {
		return Account{}, err
	}
	for _, x := range all {
		if x.ID == id {
			return x, nil
		}
	}
	return Account{}, absent(id)
}

func absent(id string) error {
	return problem(http.StatusNotFound, "absent", "Not found.", map[string]string{"id": id})
}

// Any reports whether an account exists that can log in.
func (a *Accounts) Any(ctx context.Context) (bool, error) {
	n, err := a.q.CountAccounts(ctx)
	if err != nil {
		return false, fmt.Errorf("count accounts: %w", err)
	}
	return n > 0, nil
}

// Change is what an administrator changes of an account.
type Change struct {
	ID      string
	Version int64
	Name    string
	Roles   []soc.Role
	Unit    string
	Enabled bool

	Acknowledged bool // whoever changes it read the warning about several roles
}

// acknowledged adds to a deed's details that a warning about roles was read.
func acknowledged(details map[string]string, yes bool) map[string]string {
	if yes {
		details["acknowledged"] = "roles"
	}
	return details
}

// Change changes an account; disabling ends its sessions. The last administrator stays one.
func (a *Accounts) Change(ctx context.Context, by soc.Actor, c Change) (Account, error) {
	if err := CheckRoles(c.Roles, c.Unit); err != nil {
		return Account{}, err
	}
	err := a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		old, err := q.AccountByID(ctx, c.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return absent(c.ID)
		}
		if err != nil {
			return fmt.Errorf("read account: %w", err)
		}
		if old.Version != c.Version {
			return problem(http.StatusConflict, "changed_meanwhile", "Someone changed this account meanwhile.", map[string]string{"id": c.ID})
		}
		st := old.State
		switch {
		case !c.Enabled:
			st = "disabled"
		case old.State == "disabled" && old.LastUse == 0 && !old.Password.Valid: // its link was never used
			st = "invited"
		case old.State == "disabled":
			st = "active"
		}
		name, err := a.c.name(c.Name)
		if err != nil {
			return err
		}
		if name == "" {
			name = old.Name
		}
		if _, err := q.ChangeAccount(ctx, db.ChangeAccountParams{ID: c.ID, Version: c.Version, Name: name, Roles: rolesText(c.Roles),
			Unit: c.Unit, State: st}); err != nil {
			return fmt.Errorf("change account: %w", err)
		}
		n, err := q.CountAdministrators(ctx)
		if err != nil {
			return fmt.Errorf("count administrators: %w", err)
		}
		if n == 0 {
			return problem(http.StatusConflict, "last_administrator", "Someone must stay administrator.", nil)
		}
		if st == "disabled" {
			if err := q.DropOtherSessions(ctx, db.DropOtherSessionsParams{Account: c.ID}); err != nil {
				return fmt.Errorf("end sessions: %w", err)
			}
		}
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: "account.change", Object: c.ID, Details: acknowledged(map[string]string{
			"login": old.Login, "roles_before": old.Roles, "roles": rolesText(c.Roles), "unit": c.Unit, "state": st}, c.Acknowledged)})
	})
	if err != nil {
		return Account{}, err
	}
	return a.one(ctx, c.ID)
}

// Preferences are kept as the console's JSON; "{}" when never set.
func (a *Accounts) Preferences(ctx context.Context, id string) (string, error) {
	row, err := a.q.AccountByID(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return "{}", nil
	}
	if err != nil {
		return "", fmt.Errorf("read preferences: %w", err)
	}
	return row.Preferences, nil
}

// SetPreferences keeps the console's JSON; a person's own look is not audited.
func (a *Accounts) SetPreferences(ctx context.Context, id, text string) error {
	return a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		if err := db.New(tx).SetPreferences(ctx, db.SetPreferencesParams{ID: id, Preferences: text}); err != nil {
			return fmt.Errorf("keep preferences: %w", err)
		}
		return nil
	})
}

// Setting reads a setting of the appliance, "" when never set.
func (a *Accounts) Setting(ctx context.Context, key string) (string, error) {
	v, err := a.q.Setting(ctx, key)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read setting %s: %w", key, err)
	}
	return v, nil
}

// SetSetting changes a setting of the appliance.
func (a *Accounts) SetSetting(ctx context.Context, by soc.Actor, key, value string) error {
	value, err := a.c.name(value)
	if err != nil {
		return err
	}
	return a.c.DB.Tx(ctx, func(tx *sql.Tx) error { return a.setSetting(ctx, tx, by, key, value) })
}

func (a *Accounts) setSetting(ctx context.Context, tx *sql.Tx, by soc.Actor, key, value string) error {
	q := db.New(tx)
	old, err := q.Setting(ctx, key)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read setting %s: %w", key, err)
	}
	if err := q.SetSetting(ctx, db.SetSettingParams{Key: key, Value: value}); err != nil {
		return fmt.Errorf("change setting %s: %w", key, err)
	}
	return a.record(ctx, tx, soc.Deed{Actor: by, Action: "setting.change", Object: key,
		Details: map[string]string{"before": old, "after": value}})
}

// Run drops what has expired, once an hour, until ctx ends.
func (a *Accounts) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := a.sweep(ctx); err != nil && ctx.Err() == nil {
			a.c.Log.WarnContext(ctx, "drop expired sessions and links", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (a *Accounts) sweep(ctx context.Context) error {
	now := a.now()
	day := (24 * time.Hour).Milliseconds()
	a.mu.Lock()
	for k, at := range a.seen {
		if now-at > a.c.Lifetime.Milliseconds() {
			delete(a.seen, k)
		}
	}
	for k, l := range a.attempts {
		if now-l.at > time.Hour.Milliseconds() {
			delete(a.attempts, k)
		}
	}
	a.mu.Unlock()
	return a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		return errors.Join(q.DropOldSessions(ctx, now), q.DropLinks(ctx, now-7*day), q.DropFailures(ctx, now-day),
			q.DropOldSearches(ctx, now-30*day))
	})
}

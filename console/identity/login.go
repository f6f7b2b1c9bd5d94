package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/console/identity/internal/db"
	"hoalu/soc"
)

// Kinds of Link.
const (
	LinkFirst  = "first"
	LinkInvite = "invite"
	LinkReset  = "reset"
)

// Link is a one-time link just made; Token is nowhere else.
type Link struct {
	Token   string
	Expires int64
}

// Path is the link without its host; the token stands in the fragment, which browsers do not send.
func (l Link) Path() string { return "/first#" + l.Token }

// FirstLink makes the link for the first account, or, once accounts exist, one that makes another administrator (`hoalu admin
// link`, for whoever commands the machine). Earlier links of the kind end.
func (a *Accounts) FirstLink(ctx context.Context) (Link, error) {
	return a.link(ctx, soc.Machine, LinkFirst, "", nil)
}

func (a *Accounts) link(ctx context.Context, by soc.Actor, kind, account string, inside func(*sql.Tx) error) (Link, error) {
	life := LinkLife
	if kind == LinkInvite {
		life = InviteLife
	}
	l := Link{Token: randomText(32), Expires: a.now() + life.Milliseconds()}
	err := a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		if inside != nil {
			if err := inside(tx); err != nil {
				return err
			}
		}
		q := db.New(tx)
		if err := q.EndLinks(ctx, db.EndLinksParams{Account: account, Kind: kind, Used: a.now()}); err != nil {
			return fmt.Errorf("end earlier links: %w", err)
		}
		key, err := newFactor("Hoa Lư", account)
		if err != nil {
			return err
		}
		hash := digest(l.Token)
		sealed, err := a.seal(key.Secret(), hash)
		if err != nil {
			return err
		}
		if err := q.InsertLink(ctx, db.InsertLinkParams{Hash: hash, Kind: kind, Account: account, Totp: sealed, Created: a.now(),
			Expires: l.Expires}); err != nil {
			return fmt.Errorf("keep link: %w", err)
		}
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: "link.create", Object: account, Details: map[string]string{"kind": kind}})
	})
	return l, err
}

// Start is what a link shows before the account exists.
type Start struct {
	Kind, Login, Name string
	Secret, URL, QR   string
	Expires           int64
}

func linkEnded() error {
	return problem(http.StatusGone, "link_ended", "This link was used or is too old.", nil)
}

func (a *Accounts) open(ctx context.Context, q *db.Queries, token string) (db.OneTimeLink, error) {
	row, err := q.Link(ctx, digest(token))
	if errors.Is(err, sql.ErrNoRows) {
		return row, linkEnded()
	}
	if err != nil {
		return row, fmt.Errorf("read link: %w", err)
	}
	if row.Used != 0 || row.Expires <= a.now() {
		return row, linkEnded()
	}
	return row, nil
}

// StartLink shows what a link is for and its second factor; it does not use the link up.
func (a *Accounts) StartLink(ctx context.Context, token, site string) (Start, error) {
	row, err := a.open(ctx, a.q, token)
	if err != nil {
		return Start{}, err
	}
	s := Start{Kind: row.Kind, Expires: row.Expires}
	if row.Account != "" {
		acc, err := a.q.AccountByID(ctx, row.Account)
		if err != nil {
			return Start{}, fmt.Errorf("read account: %w", err)
		}
		s.Login, s.Name = acc.Login, acc.Name
	}
	secret, err := a.unseal(row.Totp, row.Hash)
	if err != nil {
		return Start{}, err
	}
	if site == "" {
		site = "Hoa Lư"
	}
	key, err := keyOf(site, s.Login, secret)
	if err != nil {
		return Start{}, err
	}
	s.Secret, s.URL = secret, key.URL()
	s.QR, err = qr(key)
	return s, err
}

// Finish is what the person of a link answers.
type Finish struct {
	Token, Login, Name, Password, Code string
	Site                               string // site name, for the first account
	Address, Agent                     string
}

// FinishLink makes or renews the account and returns its recovery codes. The code proves that the second factor works.
func (a *Accounts) FinishLink(ctx context.Context, f Finish) (soc.Actor, []string, error) {
	f.Login = strings.ToLower(strings.TrimSpace(f.Login))
	row, err := a.open(ctx, a.q, f.Token)
	if err != nil {
		return soc.Actor{}, nil, err
	}
	secret, err := a.unseal(row.Totp, row.Hash)
	if err != nil {
		return soc.Actor{}, nil, err
	}
	at := matchStep(secret, f.Code, a.c.Now(), 0)
	if at == 0 {
		return soc.Actor{}, nil, problem(http.StatusUnprocessableEntity, "code_wrong", "The six digits do not match.", nil)
	}
	if err := checkPassword(f.Password, f.Login); err != nil {
		return soc.Actor{}, nil, err
	}
	if row.Kind == LinkFirst {
		if err := a.newLogin(f.Login); err != nil {
			return soc.Actor{}, nil, err
		}
	}
	for _, typed := range []*string{&f.Name, &f.Site} {
		if *typed, err = a.c.words(*typed); err != nil {
			return soc.Actor{}, nil, err
		}
	}
	hash, err := a.hash(f.Address, f.Password)
	if err != nil {
		return soc.Actor{}, nil, err
	}
	d := done{link: row, Finish: f, hash: hash, secret: secret, step: at, codes: newCodes()}
	var actor soc.Actor
	err = a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		n, err := q.UseLink(ctx, db.UseLinkParams{Hash: row.Hash, Used: a.now()})
		if err != nil {
			return fmt.Errorf("use link: %w", err)
		}
		if n == 0 { // another request was faster
			return linkEnded()
		}
		action := "account." + row.Kind
		if row.Kind == LinkFirst {
			actor, err = a.makeFirst(ctx, tx, d)
		} else {
			actor, err = a.renew(ctx, q, d)
		}
		if err != nil {
			return err
		}
		if err := a.prove(ctx, q, OwnIssuer, actor.ID, actor.ID, ownMethods); err != nil {
			return err
		}
		if err := putCodes(ctx, q, actor.ID, d.codes); err != nil {
			return err
		}
		return a.record(ctx, tx, soc.Deed{Actor: actor, Action: action, Object: actor.ID, Details: map[string]string{"login": f.Login}})
	})
	if err != nil {
		return soc.Actor{}, nil, err
	}
	return actor, d.codes, nil
}

// done is a link whose person has answered rightly: what is kept of the answer.
type done struct {
	Finish
	link         db.OneTimeLink
	hash, secret string // of the password; of the one-time codes
	step         int64  // of the code that was used
	codes        []string
}

// makeFirst makes the account of an administrator's link.
func (a *Accounts) makeFirst(ctx context.Context, tx *sql.Tx, d done) (soc.Actor, error) {
	q := db.New(tx)
	if d.Name == "" {
		d.Name = d.Login
	}
	actor := soc.Actor{ID: newID("ng-"), Name: d.Name, Roles: []soc.Role{soc.Administrator, soc.Analyst}, Address: d.Address}
	if _, err := q.AccountByLogin(ctx, d.Login); err == nil {
		return actor, problem(http.StatusConflict, "login_taken", "This log-in name is taken.", map[string]string{"login": d.Login})
	} else if !errors.Is(err, sql.ErrNoRows) {
		return actor, fmt.Errorf("read account: %w", err)
	}
	sealed, err := a.seal(d.secret, actor.ID)
	if err != nil {
		return actor, err
	}
	if err := q.InsertAccount(ctx, db.InsertAccountParams{ID: actor.ID, Login: d.Login, Name: d.Name, Password: text(d.hash), Totp: sealed,
		TotpStep: d.step, Roles: rolesText(actor.Roles), State: "active", Created: a.now()}); err != nil {
		return actor, fmt.Errorf("make account: %w", err)
	}
	if d.Site == "" {
		return actor, nil
	}
	return actor, a.setSetting(ctx, tx, actor, "site.name", d.Site)
}

// renew gives the account of an invitation or reset its new password and second factor, and ends its sessions.
func (a *Accounts) renew(ctx context.Context, q *db.Queries, d done) (soc.Actor, error) {
	acc, err := q.AccountByID(ctx, d.link.Account)
	if err != nil {
		return soc.Actor{}, fmt.Errorf("read account: %w", err)
	}
	if acc.State == "disabled" {
		return soc.Actor{}, linkEnded()
	}
	if d.Login != acc.Login {
		return soc.Actor{}, problem(http.StatusUnprocessableEntity, "login_fixed", "The log-in name of this link is another.",
			map[string]string{"login": acc.Login})
	}
	actor := soc.Actor{ID: acc.ID, Name: acc.Name, Roles: rolesOf(acc.Roles), Unit: acc.Unit, Address: d.Address}
	sealed, err := a.seal(d.secret, acc.ID)
	if err != nil {
		return actor, err
	}
	if err := q.SetSecrets(ctx, db.SetSecretsParams{ID: acc.ID, Password: text(d.hash), Totp: sealed, TotpStep: d.step}); err != nil {
		return actor, fmt.Errorf("set password: %w", err)
	}
	if err := q.DropOtherSessions(ctx, db.DropOtherSessionsParams{Account: acc.ID}); err != nil {
		return actor, fmt.Errorf("end sessions: %w", err)
	}
	return actor, clearFailures(ctx, q, acc.Login, d.Address)
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

func putCodes(ctx context.Context, q *db.Queries, account string, codes []string) error {
	if err := q.DropCodes(ctx, account); err != nil {
		return fmt.Errorf("end recovery codes: %w", err)
	}
	for _, c := range codes {
		if err := q.InsertCode(ctx, db.InsertCodeParams{Account: account, Hash: digest(foldCode(c))}); err != nil {
			return fmt.Errorf("keep recovery codes: %w", err)
		}
	}
	return nil
}

// Invitation names a person and what they may do. Acknowledged says that the inviter read the warning about several roles.
type Invitation struct {
	Login, Name  string
	Roles        []soc.Role
	Unit         string
	Acknowledged bool
}

// Invite makes an account that becomes usable by its link.
func (a *Accounts) Invite(ctx context.Context, by soc.Actor, i Invitation) (Account, Link, error) {
	login := strings.ToLower(strings.TrimSpace(i.Login))
	if err := CheckRoles(i.Roles, i.Unit); err != nil {
		return Account{}, Link{}, err
	}
	if err := a.newLogin(login); err != nil {
		return Account{}, Link{}, err
	}
	name, err := a.c.words(i.Name)
	if err != nil {
		return Account{}, Link{}, err
	}
	id := newID("ng-")
	l, err := a.link(ctx, by, LinkInvite, id, func(tx *sql.Tx) error {
		q := db.New(tx)
		if _, err := q.AccountByLogin(ctx, login); err == nil {
			return problem(http.StatusConflict, "login_taken", "This log-in name is taken.", map[string]string{"login": login})
		} else if !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read account: %w", err)
		}
		if err := q.InsertAccount(ctx, db.InsertAccountParams{ID: id, Login: login, Name: name, Roles: rolesText(i.Roles), Unit: i.Unit,
			State: "invited", Created: a.now()}); err != nil {
			return fmt.Errorf("make account: %w", err)
		}
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: "account.create", Object: id,
			Details: acknowledged(map[string]string{"login": login, "roles": rolesText(i.Roles), "unit": i.Unit}, i.Acknowledged)})
	})
	if err != nil {
		return Account{}, Link{}, err
	}
	acc, err := a.one(ctx, id)
	return acc, l, err
}

// Reset makes a link by which the person sets a new password and second factor.
func (a *Accounts) Reset(ctx context.Context, by soc.Actor, id string) (Account, Link, error) {
	acc, err := a.one(ctx, id)
	if err != nil {
		return Account{}, Link{}, err
	}
	kind := LinkReset
	if acc.State == "invited" {
		kind = LinkInvite
	}
	if acc.State == "disabled" {
		return Account{}, Link{}, problem(http.StatusConflict, "account_disabled", "The account is disabled.", nil)
	}
	l, err := a.link(ctx, by, kind, id, nil)
	return acc, l, err
}

// Login is a try to log in. Earlier is the value of the session cookie that the browser still had; that session ends with a log-in.
type Login struct{ Login, Password, Code, Address, Agent, Earlier string }

// allowance is a bucket of tries by address: 30, one more every 2 s.
type allowance struct {
	left float64
	at   int64
}

func (a *Accounts) allow(address string) bool {
	const size, every = 30, 2000
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.attempts[address]
	if l == nil {
		if len(a.attempts) > 10000 {
			a.attempts = map[string]*allowance{} // an attack from everywhere; the lock by name still holds
		}
		l = &allowance{left: size, at: now}
		a.attempts[address] = l
	}
	l.left = min(size, l.left+float64(now-l.at)/every)
	l.at = now
	if l.left < 1 {
		return false
	}
	l.left--
	return true
}

// Enter checks a log-in and makes a session; cookie carries it. Whatever is wrong, the answer is the same Problem login_failed.
func (a *Accounts) Enter(ctx context.Context, l Login, secure bool) (soc.Actor, *http.Cookie, error) {
	l.Login = strings.ToLower(strings.TrimSpace(l.Login))
	if !a.allow(l.Address) {
		return soc.Actor{}, nil, problem(http.StatusTooManyRequests, "login_too_often", "Too many tries from this address.", nil)
	}
	// Only who has an identity of ours has a password to try; to whoever asks the others are names that do not exist.
	acc, err := a.q.AccountByOwnLogin(ctx, db.AccountByOwnLoginParams{Login: l.Login, Issuer: OwnIssuer})
	known := err == nil && acc.State == "active"
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return soc.Actor{}, nil, fmt.Errorf("read account: %w", err)
	}
	phc := a.dummy
	if known {
		phc = acc.Password.String
	}
	right, err := a.verify(l.Address, phc, l.Password)
	if err != nil {
		return soc.Actor{}, nil, err
	}
	right = right && known
	var secret string
	if known {
		if secret, err = a.unseal(acc.Totp, acc.ID); err != nil {
			return soc.Actor{}, nil, err
		}
	}
	actor := soc.Actor{ID: Anonymous, Name: l.Login, Address: l.Address}
	if known {
		actor = soc.Actor{ID: acc.ID, Name: acc.Name, Roles: rolesOf(acc.Roles), Unit: acc.Unit, Address: l.Address}
	}
	// What nobody is called may be anything: a citizen's number, a password in the wrong box.
	tried := l.Login
	if !known {
		if tried, err = a.c.words(tried); err != nil {
			return soc.Actor{}, nil, err
		}
	}
	now := a.now()
	var cookie *http.Cookie
	left := int64(0)
	err = a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		f, err := a.failures(ctx, q, tried, l.Address)
		if err != nil {
			return err
		}
		locked := f.locked(now)
		if right && !locked {
			ok, how, err := a.factor(ctx, q, acc, secret, l.Code)
			if err != nil {
				return err
			}
			if ok {
				if cookie, err = a.accept(ctx, tx, acc, l, secure); err != nil {
					return err
				}
				return a.record(ctx, tx, soc.Deed{Actor: actor, Action: "account.login", Object: acc.ID, Details: map[string]string{"factor": how}})
			}
		}
		left = f.left(now)
		if !locked {
			left--
			if err := a.countFailures(ctx, q, f); err != nil {
				return err
			}
		}
		return a.record(ctx, tx, soc.Deed{Actor: actor, Action: "account.login", Object: acc.ID, Result: "denied"})
	})
	if err != nil {
		return soc.Actor{}, nil, err
	}
	if cookie == nil {
		return soc.Actor{}, nil, problem(http.StatusUnauthorized, "login_failed", "Name, password or code is wrong.",
			map[string]string{"left": strconv.FormatInt(left, 10), "minutes": "15"})
	}
	return actor, cookie, nil
}

// accept makes the session of a right log-in and ends the one the browser had before.
func (a *Accounts) accept(ctx context.Context, tx *sql.Tx, acc db.Account, l Login, secure bool) (*http.Cookie, error) {
	q := db.New(tx)
	if err := clearFailures(ctx, q, l.Login, l.Address); err != nil {
		return nil, err
	}
	if err := a.prove(ctx, q, OwnIssuer, acc.ID, acc.ID, ownMethods); err != nil {
		return nil, err
	}
	if err := q.SetLastUse(ctx, db.SetLastUseParams{ID: acc.ID, LastUse: a.now()}); err != nil {
		return nil, fmt.Errorf("note log-in: %w", err)
	}
	if l.Earlier != "" {
		if err := q.DropSession(ctx, sessionHash(l.Earlier)); err != nil {
			return nil, fmt.Errorf("end the browser's earlier session: %w", err)
		}
	}
	return a.newSession(ctx, tx, acc.ID, l.Address, l.Agent, secure)
}

// factor checks six digits or a recovery code and uses it up.
func (a *Accounts) factor(ctx context.Context, q *db.Queries, acc db.Account, secret, code string) (ok bool, how string, err error) {
	code = strings.TrimSpace(code)
	if len(code) == 6 {
		at := matchStep(secret, code, a.c.Now(), acc.TotpStep)
		if at == 0 {
			return false, "", nil
		}
		n, err := q.SetStep(ctx, db.SetStepParams{ID: acc.ID, TotpStep: at})
		if err != nil {
			return false, "", fmt.Errorf("use code: %w", err)
		}
		return n == 1, "totp", nil
	}
	n, err := q.UseCode(ctx, db.UseCodeParams{Account: acc.ID, Hash: digest(foldCode(code)), Used: a.now()})
	if err != nil {
		return false, "", fmt.Errorf("use recovery code: %w", err)
	}
	return n == 1, "recovery", nil
}

// again runs fn after a logged-in person has confirmed password and code; a wrong try counts like one of log-in.
func (a *Accounts) again(ctx context.Context, by soc.Actor, action, password, code string,
	fn func(*sql.Tx, *db.Queries, db.Account) error) error {
	acc, err := a.q.AccountByIdentity(ctx, db.AccountByIdentityParams{Issuer: OwnIssuer, Subject: by.ID})
	if errors.Is(err, sql.ErrNoRows) { // a token, or a person whose password is kept elsewhere
		return problem(http.StatusForbidden, "person_only", "Only a person may do this.", nil)
	}
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	secret, err := a.unseal(acc.Totp, acc.ID)
	if err != nil {
		return err
	}
	right, err := a.verify(by.Address, acc.Password.String, password) // outside the transaction: it takes long and there is one writer
	if err != nil {
		return err
	}
	done := false
	err = a.c.DB.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		f, err := a.failures(ctx, q, acc.Login, by.Address)
		if err != nil {
			return err
		}
		locked := f.locked(a.now())
		if right && !locked {
			ok, _, err := a.factor(ctx, q, acc, secret, code)
			if err != nil {
				return err
			}
			if ok {
				done = true
				if err := fn(tx, q, acc); err != nil {
					return err
				}
				return a.record(ctx, tx, soc.Deed{Actor: by, Action: action, Object: by.ID})
			}
		}
		if !locked {
			if err := a.countFailures(ctx, q, f); err != nil {
				return err
			}
		}
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: action, Object: by.ID, Result: "denied"})
	})
	if err == nil && !done {
		return problem(http.StatusForbidden, "confirm_failed", "Password or code is wrong.", nil)
	}
	return err
}

// failure reads how often a name was tried in vain; a lock that is over counts anew.
func (a *Accounts) failure(ctx context.Context, q *db.Queries, login string) (db.LoginFailure, error) {
	f, err := q.Failure(ctx, login)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return f, fmt.Errorf("read log-in failures: %w", err)
	}
	f.Login = login
	if f.LockedUntil != 0 && f.LockedUntil <= a.now() {
		f.Failures, f.LockedUntil = 0, 0
	}
	return f, nil
}

// failures are the wrong tries under a name: from one address and from anywhere. Only the first soon lock, so that whoever knows a
// name cannot keep its person out; the name's own row is that of all addresses.
type failures struct{ here, all db.LoginFailure }

func (f failures) locked(now int64) bool { return f.here.LockedUntil > now || f.all.LockedUntil > now }

// left is how many more wrong tries there are; 0 while locked, whichever of the two locks.
func (f failures) left(now int64) int64 {
	if f.locked(now) {
		return 0
	}
	return max(0, min(LockAfter-f.here.Failures, LockAllAfter-f.all.Failures))
}

func failureKey(login, address string) string { return login + " " + address } // no name has a space

func (a *Accounts) failures(ctx context.Context, q *db.Queries, login, address string) (f failures, err error) {
	if f.here, err = a.failure(ctx, q, failureKey(login, address)); err != nil {
		return f, err
	}
	f.all, err = a.failure(ctx, q, login)
	if f.all.Changed < a.now()-LockFor.Milliseconds() { // only what comes close together is guessing
		f.all.Failures = 0
	}
	return f, err
}

func (a *Accounts) countFailures(ctx context.Context, q *db.Queries, f failures) error {
	for _, c := range []struct {
		row  db.LoginFailure
		most int64
	}{{f.here, LockAfter}, {f.all, LockAllAfter}} {
		if c.row.Failures+1 >= c.most {
			c.row.LockedUntil = a.now() + LockFor.Milliseconds()
		}
		if err := q.SetFailure(ctx, db.SetFailureParams{Login: c.row.Login, Failures: c.row.Failures + 1, LockedUntil: c.row.LockedUntil,
			Changed: a.now()}); err != nil {
			return fmt.Errorf("count log-in failure: %w", err)
		}
	}
	return nil
}

func clearFailures(ctx context.Context, q *db.Queries, login, address string) error {
	for _, key := range []string{failureKey(login, address), login} {
		if err := q.ClearFailure(ctx, key); err != nil {
			return fmt.Errorf("clear log-in failures: %w", err)
		}
	}
	return nil
}

// SetPassword changes the person's own password and ends their other sessions.
func (a *Accounts) SetPassword(ctx context.Context, by soc.Actor, session, password, code, next string) error {
	acc, err := a.q.AccountByID(ctx, by.ID)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read account: %w", err)
	}
	if err := checkPassword(next, acc.Login); err != nil {
		return err
	}
	hash, err := a.hash(by.Address, next)
	if err != nil {
		return err
	}
	return a.again(ctx, by, "account.password", password, code, func(_ *sql.Tx, q *db.Queries, acc db.Account) error {
		if err := q.SetPassword(ctx, db.SetPasswordParams{ID: acc.ID, Password: text(hash)}); err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		return q.DropOtherSessions(ctx, db.DropOtherSessionsParams{Account: acc.ID, ID: session})
	})
}

// NewCodes replaces the person's recovery codes.
func (a *Accounts) NewCodes(ctx context.Context, by soc.Actor, password, code string) ([]string, error) {
	codes := newCodes()
	err := a.again(ctx, by, "account.recovery_codes", password, code, func(_ *sql.Tx, q *db.Queries, acc db.Account) error {
		return putCodes(ctx, q, acc.ID, codes)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// CodesLeft counts unused recovery codes.
func (a *Accounts) CodesLeft(ctx context.Context, id string) (int, error) {
	n, err := a.q.CountCodes(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("count recovery codes: %w", err)
	}
	return int(n), nil
}

func (a *Accounts) idle(roles []soc.Role) time.Duration {
	if slices.Contains(roles, soc.Administrator) {
		return a.c.IdleAdmin
	}
	return a.c.Idle
}

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

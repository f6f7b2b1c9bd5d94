package identity

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hoalu/console/identity/internal/db"
)

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

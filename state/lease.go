package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"hoalu/internal/wording"
)

// Leases keep work that one process at a time may do, when two have opened one database: a data folder that was restored on a second
// machine while the first still runs holds the same keys and is let in.
//
// A worker's lease is taken for a length, renewed each quarter of it and given back when the work ends. A process that cannot renew it
// stops the work before the lease ends, by its own monotonic clock; when it was taken by another the work stops at once. In between Tx
// guards: it commits nothing for a context of Alone whose lease was taken by another meanwhile. What a worker writes elsewhere than in
// the database is guarded by the stop only. The ends of leases are told by the database's clock, not by those of the machines.
//
// Invariants: fence grows with each taking and never falls; a lease whose end has not come is taken by nobody else, except that a process
// takes over what its own holder name left, once: a restart does not wait for the end of what it held itself.
type Leases struct {
	db     *DB
	holder string
	length time.Duration
	log    *slog.Logger

	mu    sync.Mutex
	faint map[string]error // workers that do not run, with the cause
}

// leaseLength is also how long another process waits for the work of one that died. It is longer than any write of the product takes.
const leaseLength = time.Minute

// Leases are those of holder: a name that no other process has, and the same process has again after a restart.
func (db *DB) Leases(holder string, log *slog.Logger) *Leases {
	return &Leases{db: db, holder: holder, length: leaseLength, log: log, faint: map[string]error{}}
}

// ErrNotHolder means that another process does the work.
var ErrNotHolder error = wording.New("another process does this work on the same database")

// Ready names the workers that wait or were stopped here, with the cause.
func (l *Leases) Ready() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(l.faint)) {
		errs = append(errs, wording.New("%s does not run here: %s", name, l.faint[name]))
	}
	return errors.Join(errs...)
}

func (l *Leases) tell(name string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.faint[name]
	if err == nil {
		delete(l.faint, name)
	} else {
		l.faint[name] = err
	}
	switch {
	case err == nil && before != nil:
		l.log.Info("the work runs here again", "worker", name)
	case err != nil && (before == nil || before.Error() != err.Error()):
		l.log.Warn("the work does not run here", "worker", name, "error", err)
	}
}

// Alone runs work whenever this process holds the lease of that name, until ctx ends or work ends by itself. The context of work ends
// when the lease does. It is work's to be run again after that.
func (l *Leases) Alone(name string, work func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		mine := int64(0) // fence of what was held before; 0: what our own name holds may be taken over
		for {
			asked := time.Now()
			fence, err := l.take(ctx, name, mine)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			l.tell(name, err)
			if err == nil {
				mine = fence
				lost, err := l.hold(ctx, name, fence, asked, work)
				if lost == nil {
					return err
				}
				l.tell(name, lost)
			} else if mine == 0 && errors.Is(err, ErrNotHolder) {
				mine = -1 // another's: what stands there under our name later is not from before our start
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(l.length / 8):
			}
		}
	}
}

// hold runs work while the lease is renewed. lost says why it is not held any more; with nil it was given back and err is work's.
func (l *Leases) hold(ctx context.Context, name string, fence int64, asked time.Time, work func(context.Context) error) (lost, err error) {
	wctx, stop := context.WithCancel(context.WithValue(ctx, fenceKey{}, fenced{name, fence}))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- work(wctx) }()
	tick := time.NewTicker(l.length / 4)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			l.give(name, fence)
			return nil, err
		case <-tick.C:
		}
		start := time.Now()
		rctx, cancel := context.WithDeadline(ctx, asked.Add(l.length*3/4))
		err := l.renew(rctx, name, fence)
		cancel()
		switch {
		case err == nil:
			asked = start
			continue
		case ctx.Err() != nil:
			continue // work ends, and then the lease is given back
		case !errors.Is(err, ErrNotHolder) && time.Since(asked) < l.length*3/4:
			continue // it is ours still
		}
		stop()
		<-ended
		return err, nil
	}
}

// take takes a lease that is free, ended, or held under our name by nobody that lives: the one with fence mine, or any if mine is 0.
func (l *Leases) take(ctx context.Context, name string, mine int64) (fence int64, err error) {
	tctx, cancel := context.WithTimeout(ctx, l.length/4)
	defer cancel()
	err = l.db.Tx(tctx, func(tx *sql.Tx) error {
		now, err := l.db.clock(tctx, tx)
		if err != nil {
			return err
		}
		var holder string
		var until int64
		err = tx.QueryRowContext(tctx, "SELECT holder, until, fence FROM lease WHERE name = $1", name).Scan(&holder, &until, &fence)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		ours := holder == l.holder && (mine == 0 || mine == fence)
		if until > now && !ours {
			return wording.New("%s: %s, until %s at least", ErrNotHolder, holder, time.UnixMilli(until).UTC().Format(time.RFC3339))
		}
		fence++
		_, err = tx.ExecContext(tctx, `INSERT INTO lease (name, holder, until, fence) VALUES ($1, $2, $3, $4)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until, fence = excluded.fence`, name, l.holder,
			now+l.length.Milliseconds(), fence)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("take the lease: %w", err)
	}
	return fence, nil
}

func (l *Leases) renew(ctx context.Context, name string, fence int64) error {
	return l.db.Tx(ctx, func(tx *sql.Tx) error {
		now, err := l.db.clock(ctx, tx)
		if err != nil {
			return fmt.Errorf("renew the lease: %w", err)
		}
		res, err := tx.ExecContext(ctx, "UPDATE lease SET until = $1 WHERE name = $2 AND fence = $3", now+l.length.Milliseconds(), name, fence)
		if err != nil {
			return fmt.Errorf("renew the lease: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n != 1 {
			return errors.Join(fmt.Errorf("renew the lease: %w", ErrNotHolder), err)
		}
		return nil
	})
}

// give ends the lease now, so that nobody waits for it. A failure costs the next holder the rest of its length.
func (l *Leases) give(name string, fence int64) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := l.db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE lease SET until = 0 WHERE name = $1 AND fence = $2", name, fence)
		return err
	})
	if err != nil {
		l.log.Warn("give the lease back; it ends by itself", "worker", name, "error", err)
	}
}

// clock is the time all holders go by (Unix ms): PostgreSQL's own, or this machine's, which is the only one that has a SQLite file.
func (db *DB) clock(ctx context.Context, tx *sql.Tx) (int64, error) {
	if db.dialect != Postgres {
		return Now(), nil
	}
	var now int64
	err := tx.QueryRowContext(ctx, "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)").Scan(&now)
	return now, err
}

type fenceKey struct{}

// fenced is the lease a context works under.
type fenced struct {
	name  string
	fence int64
}

// guard refuses a transaction of a worker whose lease was taken by another.
func guard(ctx context.Context, tx *sql.Tx) error {
	f, ok := ctx.Value(fenceKey{}).(fenced)
	if !ok {
		return nil
	}
	var have int64
	if err := tx.QueryRowContext(ctx, "SELECT fence FROM lease WHERE name = $1", f.name).Scan(&have); err != nil {
		return fmt.Errorf("read the lease of %s: %w", f.name, err)
	}
	if have != f.fence {
		return fmt.Errorf("nothing is written for %s: %w", f.name, ErrNotHolder)
	}
	return nil
}

package state_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"hoalu/state"
	"hoalu/state/statetest"
)

// worker runs until its context ends; its contexts come out of the channel, one each time it is run.
func worker(t *testing.T, l *state.Leases) (runs chan context.Context, stop func()) {
	t.Helper()
	runs = make(chan context.Context, 16)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- l.Alone("posture", func(ctx context.Context) error { runs <- ctx; <-ctx.Done(); return ctx.Err() })(ctx)
	}()
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Alone ended with %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("Alone does not end with its context")
		}
	}
	t.Cleanup(stop)
	return runs, stop
}

func next[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case x := <-c:
		return x
	case <-time.After(20 * time.Second):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func leases(db *state.DB, holder string, length time.Duration) *state.Leases {
	return db.Leases(holder, slog.New(slog.DiscardHandler)).SetLength(length)
}

// TestLeaseOneAtATime: the second process waits and says so; it runs when the first has given the lease back.
func TestLeaseOneAtATime(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		a, b := leases(db, "a", time.Hour), leases(reopen(), "b", 400*time.Millisecond)
		first, stop := worker(t, a)
		next(t, "the first to run", first)
		second, _ := worker(t, b)
		eventually(t, "the second to say that it waits", func() bool { return b.Ready() != nil })
		if err := b.Ready(); !errors.Is(err, state.ErrNotHolder) || !strings.Contains(err.Error(), "posture does not run here") ||
			!strings.Contains(err.Error(), "same database: a, until") {
			t.Errorf("Ready of the second = %v", err)
		}
		if err := a.Ready(); err != nil || len(second) != 0 {
			t.Errorf("Ready of the first = %v; the second runs %d times", err, len(second))
		}
		stop()
		next(t, "the second to run", second)
		eventually(t, "the second to be ready", func() bool { return b.Ready() == nil })
	})
}

// TestLeaseFence: what a worker writes after its lease was taken by another is refused, also when nobody has told it yet.
func TestLeaseFence(t *testing.T) {
	ctx := context.Background()
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		a, b := leases(db, "a", time.Hour), leases(reopen(), "b", 400*time.Millisecond) // a renews in a quarter of an hour
		first, _ := worker(t, a)
		was := next(t, "the first to run", first)
		write := func(ctx context.Context) error {
			return db.Tx(ctx, func(tx *sql.Tx) error { _, err := state.Next(ctx, tx, "written"); return err })
		}
		if err := write(was); err != nil {
			t.Fatalf("the holder writes: %v", err)
		}
		if err := db.Tx(ctx, func(tx *sql.Tx) error { _, err := tx.ExecContext(ctx, "UPDATE lease SET until = 0"); return err }); err != nil {
			t.Fatal(err)
		}
		second, _ := worker(t, b)
		next(t, "the second to run", second)
		if err := write(was); !errors.Is(err, state.ErrNotHolder) {
			t.Errorf("a write of the first after the second took the lease = %v, want ErrNotHolder", err)
		}
		var n int64
		if err := db.Read().QueryRowContext(ctx, "SELECT value FROM counter WHERE name = 'written'").Scan(&n); err != nil || n != 1 {
			t.Errorf("%d writes are kept, %v; want the one made while the lease was held", n, err)
		}
		if err := write(ctx); err != nil {
			t.Errorf("a person's write needs no lease: %v", err)
		}
	})
}

// TestLeaseLost: a worker whose lease was taken, or that cannot renew it, stops and says so.
func TestLeaseLost(t *testing.T) {
	ctx := context.Background()
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		own := reopen()
		a := leases(own, "a", 400*time.Millisecond)
		first, _ := worker(t, a)
		was := next(t, "the worker to run", first)
		if err := db.Tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE lease SET holder = 'b', fence = fence + 1, until = $1", time.Now().Add(time.Hour).UnixMilli())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		next(t, "the worker to stop after another took its lease", was.Done())
		eventually(t, "Ready to say so", func() bool { return errors.Is(a.Ready(), state.ErrNotHolder) })
		if err := db.Tx(ctx, func(tx *sql.Tx) error { _, err := tx.ExecContext(ctx, "UPDATE lease SET until = 0"); return err }); err != nil {
			t.Fatal(err)
		}
		was = next(t, "the worker to run again once the lease is free", first)
		if err := own.Close(); err != nil {
			t.Fatal(err)
		}
		next(t, "the worker to stop when the database is away", was.Done())
		eventually(t, "Ready to say so", func() bool { return a.Ready() != nil })
	})
}

// TestLeaseRestart: a process that was killed finds its lease again at once, and a clone of it does not take it back in turn.
func TestLeaseRestart(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		first, _ := worker(t, leases(db, "a", 400*time.Millisecond))
		was := next(t, "the first to run", first)
		again, _ := worker(t, leases(reopen(), "a", time.Hour))
		next(t, "the same holder after a restart", again)
		next(t, "the one before to stop", was.Done())
		if len(first) != 0 {
			t.Error("the one before takes its lease back from its successor")
		}
	})
}

package state_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/state"
	"hoalu/state/statetest"
)

// between stands between the product and a real PostgreSQL and stops when it is told.
type between struct {
	net.Listener

	mu       sync.Mutex
	question []byte        // what makes it stop, nil: nothing
	passed   bool          // whether that still gets through; else it is lost
	stopped  chan struct{} // closed when it stopped
	goOn     chan struct{} // closed when it may go on
}

// stand is a between before the PostgreSQL of dsn, and a DSN that leads through it.
func stand(t *testing.T, dsn string) (*between, string) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, address := "tcp", u.Host
	q := u.Query()
	if dir := q.Get("host"); dir != "" {
		network, address = "unix", filepath.Join(dir, ".s.PGSQL.5432")
		q.Del("host")
		u.RawQuery = q.Encode()
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &between{Listener: ln}
	b.arm("", false)
	u.Host = ln.Addr().String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial(network, address)
			if err != nil {
				t.Error(err)
				client.Close()
				return
			}
			all.Go(func() { b.carry(server, client, true) })
			all.Go(func() { b.carry(client, server, false) })
		}
	})
	t.Cleanup(func() { ln.Close(); b.release(); all.Wait() })
	return b, u.String()
}

// arm makes it stop at the next question that holds word; "" never. What it held before goes on.
func (b *between) arm(word string, passed bool) {
	b.release()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.question, b.passed = []byte(word), passed
	b.stopped, b.goOn = make(chan struct{}), make(chan struct{})
}

func (b *between) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.question = nil
	if b.goOn != nil {
		close(b.goOn)
		b.goOn = nil
	}
}

// wait blocks while it stands still.
func (b *between) wait() {
	b.mu.Lock()
	stopped, goOn := b.stopped, b.goOn
	b.mu.Unlock()
	select {
	case <-stopped:
		if goOn != nil {
			<-goOn
		}
	default:
	}
}

func (b *between) carry(to, from net.Conn, asks bool) {
	defer to.Close()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if asks {
			b.mu.Lock()
			if len(b.question) > 0 && bytes.Contains(bytes.ToLower(buf[:n]), b.question) {
				b.question = nil
				close(b.stopped)
				if !b.passed {
					from.SetReadDeadline(time.Now()) //nolint:errcheck // nothing of it is read any more
					n = 0
				}
			}
			b.mu.Unlock()
		}
		if !asks || n == 0 {
			b.wait()
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
		b.wait()
	}
}

// TestAWriteThatPostgreSQLNeverAnswers: a change ends by itself wherever a database stops. It says that nothing was written where that is
// so, and that it is not known where PostgreSQL was asked to commit and did not answer, whether it did or not. What is written again is
// there then.
func TestAWriteThatPostgreSQLNeverAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		word   string // at which PostgreSQL stops
		passed bool
		value  string
		answer time.Duration
		whole  time.Duration
		unsure bool
		there  bool
	}{
		{"at the beginning", "begin", false, "x", 300 * time.Millisecond, time.Minute, false, false},
		{"at the turn", "pg_advisory_xact_lock", false, "x", 300 * time.Millisecond, time.Minute, false, false},
		{"at the row", "insert into document", false, "x", 300 * time.Millisecond, time.Minute, false, false},
		{"in a row that fills every buffer", "insert into document", false, strings.Repeat("x", 64<<20), 300 * time.Millisecond, time.Minute, false, false},
		{"before the commit", "commit", false, "x", 300 * time.Millisecond, time.Minute, true, false},
		{"behind the commit", "commit", true, "x", 300 * time.Millisecond, time.Minute, true, true},
		{"at the turn for longer than a change may take", "pg_advisory_xact_lock", false, "x", time.Minute, 300 * time.Millisecond, false, false},
		{"for longer at the commit", "commit", true, "x", time.Minute, 300 * time.Millisecond, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, dsn := stand(t, statetest.Postgres(t))
			db, err := state.Open(t.Context(), state.Config{DSN: dsn, Readers: 1})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}()
			db.SetPatience(c.answer, c.whole)
			b.arm(c.word, c.passed)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			began := time.Now()
			err = db.Document("kept").Keep(ctx, []byte(c.value))
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			if err == nil || !state.Unreachable(err) || errors.Is(err, state.ErrUnsure) != c.unsure {
				t.Errorf("Keep: %.300v; want unreachable, not known: %v", err, c.unsure)
			}
			b.release()
			db.SetPatience(20*time.Second, time.Minute)
			for { // PostgreSQL goes on; what it holds of the change is there or gone when its turn is free
				err := db.Tx(ctx, func(*sql.Tx) error { return nil })
				if err == nil {
					break
				}
				if ctx.Err() != nil {
					t.Fatal(err)
				}
			}
			value, err := db.Document("kept").Load(ctx)
			if err != nil || (value != nil) != c.there {
				t.Errorf("after it: %d bytes, %v; want them to be there: %v", len(value), err, c.there)
			}
			if err := db.Document("kept").Keep(ctx, []byte("again")); err != nil {
				t.Errorf("written again: %v", err)
			}
			if value, err := db.Document("kept").Load(ctx); err != nil || string(value) != "again" {
				t.Errorf("after it was written again: %.20q, %v", value, err)
			}
		})
	}
}

// TestAChangeOfManyQuestionsEnds: a change whose every question is answered ends when the whole took too long.
func TestAChangeOfManyQuestionsEnds(t *testing.T) {
	db, err := state.Open(t.Context(), state.Config{DSN: statetest.Postgres(t), Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetPatience(20*time.Second, 300*time.Millisecond)
	began := time.Now()
	err = db.Tx(t.Context(), func(tx *sql.Tx) error {
		for time.Since(began) < 20*time.Second {
			if _, err := tx.ExecContext(t.Context(), "SELECT pg_sleep(0.02)"); err != nil {
				return err
			}
		}
		return nil
	})
	if took := time.Since(began); err == nil || !state.Unreachable(err) || errors.Is(err, state.ErrUnsure) || took > 10*time.Second {
		t.Errorf("after %s: %v; want that it was not done in time", took, err)
	}
}

package state_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hoalu/state"
	"hoalu/state/statetest"
)

func TestConfigNamesEveryMistake(t *testing.T) {
	for _, tc := range []struct {
		name string
		c    state.Config
		want []string
	}{
		{"nothing", state.Config{}, []string{"path", "dsn"}},
		{"both", state.Config{Path: "a", DSN: "postgres://b"}, []string{"both"}},
		{"strange and negative", state.Config{DSN: "mysql://b", Readers: -1}, []string{"postgres://", "readers"}},
	} {
		err := tc.c.Validate()
		for _, w := range tc.want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: Validate() = %v, want it to name %q", tc.name, err, w)
			}
		}
	}
	if err := (state.Config{Path: "x"}).Validate(); err != nil {
		t.Errorf("Validate() = %v", err)
	}
}

func TestNumbersAreGivenOnceByManyWriters(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := context.Background()
		const writers, each = 8, 25
		var mu sync.Mutex
		got := map[int64]int{}
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					var n int64
					err := db.Tx(ctx, func(tx *sql.Tx) (err error) {
						n, err = state.Next(ctx, tx, "CB")
						if err == nil && i%5 == 4 {
							return errRolledBack
						}
						return err
					})
					if errors.Is(err, errRolledBack) {
						continue
					}
					if err != nil {
						t.Errorf("writer %d: %v", w, err)
						return
					}
					mu.Lock()
					got[n]++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for n := int64(1); n <= writers*each*4/5; n++ {
			if got[n] != 1 {
				t.Errorf("number %d was given %d times, want once: rolled back numbers are given again, committed ones never", n, got[n])
			}
		}
	})
}

var errRolledBack = errors.New("rolled back")

func TestPanicRollsBack(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := context.Background()
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic did not reach the caller")
				}
			}()
			_ = db.Tx(ctx, func(tx *sql.Tx) error {
				if _, err := state.Next(ctx, tx, "X"); err != nil {
					t.Error(err)
				}
				panic("boom")
			})
		}()
		if err := db.Tx(ctx, func(tx *sql.Tx) error {
			n, err := state.Next(ctx, tx, "X")
			if n != 1 {
				t.Errorf("Next after a panic = %d, want 1", n)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReadersSeeTheLastCommitWhileOneWrites(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := context.Background()
		next := func(tx *sql.Tx) error { _, err := state.Next(ctx, tx, "X"); return err }
		if err := db.Tx(ctx, next); err != nil {
			t.Fatal(err)
		}
		err := db.Tx(ctx, func(tx *sql.Tx) error {
			if err := next(tx); err != nil {
				return err
			}
			var n int
			if err := db.Read().QueryRowContext(ctx, "SELECT value FROM counter WHERE name = $1", "X").Scan(&n); err != nil {
				return err
			}
			if n != 1 {
				t.Errorf("a reader saw %d, want 1: what is not committed is not there", n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestReopenKeepsAndFileIsPrivate(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "deep", "trạng thái.db") // a name that must be escaped
	db, err := state.Open(ctx, state.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Tx(ctx, func(tx *sql.Tx) error { _, err := state.Next(ctx, tx, "X"); return err }); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{path, path + "-wal"} {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", f, info.Mode().Perm())
		}
	}
	if _, err := db.Read().ExecContext(ctx, "DELETE FROM counter"); err == nil {
		t.Error("the reading pool took a write")
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := db.Read().QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("PRAGMA %s = %q, %v; want %q", pragma, got, err, want)
		}
	}
	backup := filepath.Join(t.TempDir(), "copy.db")
	if err := db.Backup(ctx, backup); err != nil {
		t.Fatal(err)
	}
	if err := db.Backup(ctx, backup); err == nil {
		t.Error("Backup wrote over an older copy")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, backup} {
		db, err := state.Open(ctx, state.Config{Path: p})
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.Read().QueryRowContext(ctx, "SELECT value FROM counter WHERE name = 'X'").Scan(&n); err != nil || n != 1 {
			t.Errorf("%s after reopening: %d, %v; want 1", p, n, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A database whose file was taken away or replaced still takes rows, which are gone at the next stop: it is not ready.
func TestReadyOfAFileTakenAway(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "state.db")
	db, err := state.Open(ctx, state.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := db.Ready(ctx); err == nil || !strings.Contains(err.Error(), "taken away") {
		t.Errorf("Ready() of a file taken away = %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := db.Ready(ctx); err == nil || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("Ready() of a file replaced = %v", err)
	}
	if err := errors.Join(os.Rename(path+".away", path), db.Ready(ctx)); err != nil {
		t.Errorf("with the file back: %v", err)
	}
}

// A disk that takes no more bytes is told of while rows can still be read and locks taken, and so is that it takes them again.
func TestReadyOnAFullDisk(t *testing.T) {
	ctx := context.Background()
	db, err := state.Open(ctx, state.Config{Path: filepath.Join(t.TempDir(), "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	full := old
	full.Cur = 1 // no byte behind the first one of any file
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	within := func(want bool) (err error) {
		for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if err = db.Ready(ctx); (err == nil) == want {
				break
			}
		}
		return err
	}
	err = within(false)
	if restore := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); restore != nil {
		t.Fatal(restore)
	}
	if err == nil || !strings.Contains(err.Error(), "the state database cannot be written") {
		t.Errorf("with a full disk: %v, want that it takes no writes", err)
	}
	if err := within(true); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := context.Background()
		if err := db.Tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)", 99999, true)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if db.Dialect() == state.Postgres {
			return // the DSN is the test's own; the check does not know the dialect
		}
		_, err := state.Open(ctx, state.Config{Path: db.Path()})
		if !errors.Is(err, state.ErrNewer) || !strings.Contains(fmt.Sprint(err), "99999") {
			t.Errorf("Open of a newer database = %v, want ErrNewer naming 99999", err)
		}
	})
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"Sở Y tế":                   "so y te",
		"hoà":                       "hoa",
		"hòa":                       "hoa",
		"Đường\n  ĐIỆN":             "duong dien",
		"mau-DVC-web":               "mau-dvc-web",
		" \t ":                      "",
		"a\x00b":                    "a b",
		"Tiê\u0301ng":               "tieng",
		"ascii only, kept as it is": "ascii only, kept as it is",
	} {
		if got := state.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
	if got := state.Like(`50%_\`); got != `50\%\_\\` {
		t.Errorf("Like = %q", got)
	}
}

// TestReadySaysThatNothingCanBeWritten: a lock that another program holds is told within seconds, and no more once it is given back.
func TestReadySaysThatNothingCanBeWritten(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := context.Background()
		if err := db.Ready(ctx); err != nil {
			t.Fatalf("Ready() = %v", err)
		}
		held, give := make(chan struct{}), make(chan struct{})
		other := reopen()
		done := make(chan error, 1)
		go func() {
			done <- other.Tx(ctx, func(*sql.Tx) error { close(held); <-give; return nil })
		}()
		<-held
		began := time.Now()
		err := db.Ready(ctx)
		if err == nil || !strings.Contains(err.Error(), "state database takes no writes") {
			t.Errorf("Ready() while another program holds the lock = %v", err)
		}
		if d := time.Since(began); d > 8*time.Second {
			t.Errorf("it took %s to tell", d)
		}
		close(give)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := db.Ready(ctx); err != nil {
			t.Errorf("Ready() once the lock is free = %v", err)
		}
	})
}

// Package statetest opens databases for tests of the parts that keep state: real SQLite files and, where HOALU_TEST_POSTGRES holds a
// DSN, the same tests on PostgreSQL, each in a schema of its own.
package statetest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"hoalu/internal/needed"
	"hoalu/state"
)

// Env names the variable with the DSN of a PostgreSQL whose user may create schemas.
const Env = "HOALU_TEST_POSTGRES"

// Open opens a new SQLite database in the test's own folder.
func Open(t testing.TB) *state.DB {
	t.Helper()
	return open(t, state.Config{Path: filepath.Join(t.TempDir(), "state.db")})
}

// Each runs fn on SQLite and, where there is one, on PostgreSQL. reopen opens the same database once more, as a restart does.
func Each(t *testing.T, fn func(t *testing.T, db *state.DB, reopen func() *state.DB)) {
	t.Helper()
	run := func(t *testing.T, c state.Config) {
		fn(t, open(t, c), func() *state.DB { return open(t, c) })
	}
	t.Run("sqlite", func(t *testing.T) { run(t, state.Config{Path: filepath.Join(t.TempDir(), "state.db")}) })
	t.Run("postgres", func(t *testing.T) { run(t, state.Config{DSN: Postgres(t)}) })
}

// Postgres gives the DSN of a new schema of the PostgreSQL in Env, dropped after the test. Without one the test skips by name; in CI,
// where make test starts one, it fails: a suite that never ran would be taken for one that passed.
func Postgres(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv(Env)
	if dsn == "" {
		needed.Missing(t, "%s is not set: test/peers/postgres.sh COMMAND runs a command beside a PostgreSQL", Env)
	}
	return schema(t, dsn)
}

func open(t testing.TB, c state.Config) *state.DB {
	t.Helper()
	db, err := state.Open(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// schema makes a new schema, dropped after the test, and returns the DSN that stays in it.
func schema(t testing.TB, dsn string) string {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 8)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	name := "test_" + hex.EncodeToString(raw)
	if _, err := db.Exec("CREATE SCHEMA " + name); err != nil {
		t.Fatalf("%s: %v", Env, err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP SCHEMA " + name + " CASCADE"); err != nil {
			t.Error(err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

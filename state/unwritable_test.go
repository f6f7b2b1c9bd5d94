package state

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestUnwritable: a database that can be read and takes no writes is told from one that refuses a row.
func TestUnwritable(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&pgconn.PgError{Code: "53100"}, true},
		{&pgconn.PgError{Code: "53200"}, false}, // out of memory, too many connections: nothing about writes
		{&pgconn.PgError{Code: "53300"}, false},
		{&pgconn.PgError{Code: "25006"}, true},
		{fmt.Errorf("commit: %w", &pgconn.PgError{Code: "58030"}), true},
		{&pgconn.PgError{Code: "23505"}, false},
		{sql.ErrNoRows, false},
		{errors.New("database or disk is full (13)"), false},
		{nil, false},
	} {
		if got := Unwritable(c.err); got != c.want {
			t.Errorf("Unwritable(%v) = %v, want %v", c.err, got, c.want)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{"CREATE TABLE t (x TEXT UNIQUE)", "INSERT INTO t VALUES ('a')", "PRAGMA max_page_count = 3"} {
		if _, err := db.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES ('a')"); err == nil || Unwritable(err) {
		t.Errorf("a second row of one name: %v", err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES (hex(zeroblob(100000)))"); !Unwritable(err) {
		t.Errorf("of a full database: %v", err)
	}
	if _, err := db.ExecContext(t.Context(), "PRAGMA query_only = ON"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO t VALUES ('b')"); !Unwritable(err) {
		t.Errorf("of a database that is only read: %v", err)
	}
}

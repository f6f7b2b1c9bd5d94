package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestWhatADatabaseSays: why a database cannot be read or written has words of ours, which cmd/hoalu wants in Vietnamese too; the cause
// stays in the error.
func TestWhatADatabaseSays(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	if err := os.WriteFile(damaged, []byte("this is no database, and it is long enough to be read as one ............................................."), 0o600); err != nil {
		t.Fatal(err)
	}
	write, read, err := OpenFile(damaged, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	defer read.Close()
	noDatabase := read.PingContext(t.Context())
	if noDatabase == nil {
		_, noDatabase = read.ExecContext(t.Context(), "SELECT count(*) FROM sqlite_master")
	}
	for _, c := range []struct {
		err  error
		said string
	}{
		{noDatabase, "its file is damaged; restore a backup"},
		{fmt.Errorf("begin: %w", &pgconn.PgError{Code: "28P01"}), "PostgreSQL refuses the user or the password of state.dsn"},
		{&pgconn.PgError{Code: "53100"}, "the disk of PostgreSQL is full"},
		{pgconn.ErrConnClosed, "the connection is closed"},
		{fmt.Errorf("read: %w for 15s", errSilent), "PostgreSQL took the question and does not answer"},
		{errors.New("something else"), "something else"},
	} {
		if p := said(c.err); p.String() != c.said || !errors.Is(p, c.err) && c.said != errSilent.Error() {
			t.Errorf("said(%v): %q, want %q, and the cause kept", c.err, p, c.said)
		}
	}
}

// TestADatabaseThatCannotBeOpenedIsNamed: a start without PostgreSQL names which database it is and why, in words and without its password.
func TestADatabaseThatCannotBeOpenedIsNamed(t *testing.T) {
	_, err := Open(t.Context(), Config{DSN: "postgres://u:geheim@127.0.0.1:1/x?password=geheim"})
	want := "the state database postgres://127.0.0.1:1/x cannot be opened: the server does not answer at this port"
	if err == nil || err.Error() != want || !Unreachable(err) {
		t.Errorf("Open: %v, want %s", err, want)
	}
}

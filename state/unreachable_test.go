package state

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestUnreachable: that nobody answers is told from an answer that something is wrong.
func TestUnreachable(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&pgconn.PgError{Code: "57P01"}, true},
		{&pgconn.PgError{Code: "57P02"}, true},
		{&pgconn.PgError{Code: "57P03"}, true},
		{&pgconn.PgError{Code: "08006"}, true},
		{fmt.Errorf("read: %w", driver.ErrBadConn), true},
		{io.ErrUnexpectedEOF, true},
		{fmt.Errorf("write failed: %w", &net.OpError{Op: "write", Err: syscall.EPIPE}), true},
		{fmt.Errorf("begin: %w", pgconn.ErrConnClosed), true}, // all that the driver says of a connection that was given up
		{&pgconn.PgError{Code: "23505"}, false},
		{&pgconn.PgError{Code: "57014"}, false}, // cancelled by its asker
		{sql.ErrNoRows, false},
		{errors.New("connection"), false},
		{nil, false},
	} {
		if got := Unreachable(c.err); got != c.want {
			t.Errorf("Unreachable(%v) = %v, want %v", c.err, got, c.want)
		}
	}
	db, err := sql.Open("pgx", "postgres://hoalu@/postgres?host=/nowhere&sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.PingContext(t.Context()); !Unreachable(err) {
		t.Errorf("of a database that is not there: %v", err)
	}
}

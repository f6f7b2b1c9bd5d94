package state

import (
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Unreachable says whether err is that PostgreSQL does not answer (it is down, starting, stopping, hangs, or the connection broke), as
// against an answer of it that something is wrong. Nothing was written then, or it is not known; it passes by itself when PostgreSQL is
// back.
func Unreachable(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if p, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch p.Code {
		case "57P01", "57P02", "57P03": // stopped by an administrator, after a crash, starting or stopping
			return true
		}
		return strings.HasPrefix(p.Code, "08") // the class of connection exceptions
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	if errors.Is(err, pgconn.ErrConnClosed) { // it had been given up: what follows on it says only that
		return true
	}
	return errors.Is(err, errSilent) || errors.Is(err, errLong) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF)
}

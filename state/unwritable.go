package state

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Unwritable says whether err is that the database takes no writes while it can still be read: its disk is full, fails or was made
// read-only. Nothing was written then; it passes by itself when there is room again.
func Unwritable(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		if c := e.Code(); c == sqlite3.SQLITE_IOERR_READ || c == sqlite3.SQLITE_IOERR_SHORT_READ {
			return false // it cannot be read
		}
		switch e.Code() & 0xff { // the primary code; the rest tells which call failed
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY:
			return true
		}
		return false
	}
	if p, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch p.Code {
		case "25006", "58030", "53100": // a read-only server, an error of its disk, its disk is full
			return true
		}
	}
	return false
}

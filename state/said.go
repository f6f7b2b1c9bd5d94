package state

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"hoalu/internal/wording"
)

// sqliteWords are the primary codes of SQLite (sqlite.org/rescode.html) in words.
var sqliteWords = map[int]wording.Word{
	sqlite3.SQLITE_FULL:     "the disk is full",
	sqlite3.SQLITE_IOERR:    "the disk or device fails",
	sqlite3.SQLITE_READONLY: "the disk takes no changes (read-only)",
	sqlite3.SQLITE_BUSY:     "another program uses it",
	sqlite3.SQLITE_LOCKED:   "another program uses it",
	sqlite3.SQLITE_CORRUPT:  "its file is damaged; restore a backup",
	sqlite3.SQLITE_NOTADB:   "its file is damaged; restore a backup",
	sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
}

// postgresWords are codes of PostgreSQL (Appendix A of its documentation) in words.
var postgresWords = map[string]wording.Word{
	"28000": "PostgreSQL refuses the user or the password of state.dsn",
	"28P01": "PostgreSQL refuses the user or the password of state.dsn",
	"3D000": "PostgreSQL has no database of the name in state.dsn",
	"42501": "the user of state.dsn may not do this in PostgreSQL",
	"53100": "the disk of PostgreSQL is full",
	"53200": "PostgreSQL has no memory or connection left",
	"53300": "PostgreSQL has no memory or connection left",
	"58030": "the disk of PostgreSQL fails",
	"25006": "PostgreSQL takes no changes (read-only)",
	"57P01": "PostgreSQL is starting or stopping",
	"57P02": "PostgreSQL is starting or stopping",
	"57P03": "PostgreSQL is starting or stopping",
}

// said puts what a database said into words that can be translated; what nobody has words for is given as it is.
func said(err error) *wording.Problem {
	word := wording.Word("")
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		word = sqliteWords[e.Code()&0xff] // the rest tells which call failed
	}
	if p, ok := errors.AsType[*pgconn.PgError](err); ok {
		word = postgresWords[p.Code]
	}
	if errors.Is(err, pgconn.ErrConnClosed) {
		word = wording.Word("the connection is closed")
	}
	if word != "" {
		return wording.Because(err, "%s", word)
	}
	return wording.Of(err)
}

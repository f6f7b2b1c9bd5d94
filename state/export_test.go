package state

import (
	"time"

	"github.com/pressly/goose/v3"
)

// SetLength makes leases end sooner or later than the product's.
func (l *Leases) SetLength(d time.Duration) *Leases { l.length = d; return l }

func (db *DB) Migrator() (*goose.Provider, error) { return db.migrator() }

// SetPatience changes how long PostgreSQL may be silent, and a change on it take.
func (db *DB) SetPatience(answer, whole time.Duration) {
	db.answer.Store(int64(answer))
	db.whole.Store(int64(whole))
}

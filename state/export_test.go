package state

import (
	"time"

	"github.com/pressly/goose/v3"
)

// SetLength makes leases end sooner or later than the product's.
func (l *Leases) SetLength(d time.Duration) *Leases { l.length = d; return l }

func (db *DB) Migrator() (*goose.Provider, error) { return db.migrator() }

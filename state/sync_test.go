package state_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"hoalu/state"
)

// TestEveryChangeWaitsForTheDisk: migrations do not, what comes behind them does, in a new database and in one that is there.
func TestEveryChangeWaitsForTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	for range 2 {
		db, err := state.Open(t.Context(), state.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		var synchronous int
		err = db.Tx(t.Context(), func(tx *sql.Tx) error {
			return tx.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous)
		})
		if err != nil || synchronous != 2 { // 2 is FULL
			t.Errorf("synchronous = %d, %v; want 2", synchronous, err)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

package state

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"hoalu/internal/wording"
)

// Document keeps one small JSON document of a part in the database, as a whole: what is learnt of the sources, since when the rules
// are what they are. Safe for concurrent use; the last Keep counts.
type Document struct {
	db   *DB
	name string
}

// Document returns the document of that name; it need not be there yet.
func (db *DB) Document(name string) *Document { return &Document{db, name} }

// Load returns the document, nil when there is none.
func (d *Document) Load(ctx context.Context) ([]byte, error) {
	var value string
	err := d.db.read.QueryRowContext(ctx, "SELECT value FROM document WHERE name = $1", d.name).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s from the state database: %w", d.name, err)
	}
	return []byte(value), nil
}

// Keep replaces the document; it is on disk when Keep returns nil.
func (d *Document) Keep(ctx context.Context, value []byte) error {
	err := d.db.Tx(ctx, func(tx *sql.Tx) error { return d.put(ctx, tx, string(value)) })
	if err != nil {
		return fmt.Errorf("keep %s in the state database: %w", d.name, err)
	}
	return nil
}

func (d *Document) put(ctx context.Context, tx *sql.Tx, value string) error {
	_, err := tx.ExecContext(ctx,
		"INSERT INTO document (name, value, at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET value = $2, at = $3", d.name, value, Now())
	return err
}

// ErrDamaged means that a file Adopt was to take over is no JSON.
var ErrDamaged = errors.New("the file is damaged")

// Adopt takes over the file in which earlier versions kept the document, and removes it. What is in the database already counts more:
// then the file is only removed. Without a file it does nothing. A file that is no JSON is set aside as file.damaged, so that the next
// start does not find it, and the error is ErrDamaged.
func (d *Document) Adopt(ctx context.Context, file string) error {
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wording.New("take %s over from its file: %s", d.name, err)
	}
	have, err := d.Load(ctx)
	if err != nil {
		return err
	}
	if have == nil {
		if !json.Valid(raw) {
			return errors.Join(wording.New("take %s over from its file: %s; it stays as %s.damaged", d.name, ErrDamaged, file),
				os.Rename(file, file+".damaged"))
		}
		if err := d.Keep(ctx, raw); err != nil {
			return err
		}
	}
	if err := os.Remove(file); err != nil {
		return fmt.Errorf("remove the file %s was taken over from: %w", d.name, err)
	}
	return nil
}

// ErrForeign means that the database belongs to another data folder.
var ErrForeign = error(wording.New("the state database belongs to another data folder"))

// Own binds the database to the holder of mac's key when it is opened first, and refuses it to everybody else: accounts, alerts and
// audit of one appliance must not be joined with the events and keys of another.
func (db *DB) Own(ctx context.Context, mac interface {
	ComputeMAC(data []byte) ([]byte, error)
	VerifyMAC(mac, data []byte) error
}) error {
	said := []byte("hoalu: owner of the state database")
	sum, err := mac.ComputeMAC(said)
	if err != nil {
		return fmt.Errorf("bind the state database: %w", err)
	}
	d := db.Document("owner")
	return db.Tx(ctx, func(tx *sql.Tx) error { // two that start at once on a new database take turns
		var have string
		err := tx.QueryRowContext(ctx, "SELECT value FROM document WHERE name = $1", d.name).Scan(&have)
		if errors.Is(err, sql.ErrNoRows) {
			return d.put(ctx, tx, hex.EncodeToString(sum))
		}
		if err != nil {
			return fmt.Errorf("read whose the state database is: %w", err)
		}
		kept, err := hex.DecodeString(have)
		if err == nil {
			err = mac.VerifyMAC(kept, said)
		}
		if err != nil {
			return wording.New("%s: give that folder with --data, restored with its keys if it was lost, or another database in state.dsn",
				ErrForeign)
		}
		return nil
	})
}

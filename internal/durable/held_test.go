package durable

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestHeld(t *testing.T) {
	dir := t.TempDir()
	path, away := filepath.Join(dir, "a.db"), filepath.Join(dir, "away")
	if _, err := Hold(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Hold of no file = %v, want ErrNotExist", err)
	}
	if err := os.WriteFile(path, []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := Hold(path)
	if err != nil || h.Err() != nil || (Held{}).Err() != nil {
		t.Fatalf("Hold = %v, Err() = %v", err, h.Err())
	}
	if err := errors.Join(os.WriteFile(path, []byte("22"), 0o600), h.Err()); err != nil {
		t.Errorf("written to: %v", err)
	}
	if err := os.Rename(path, away); err != nil || h.Err() == nil {
		t.Errorf("taken away: %v, Err() = %v", err, h.Err())
	}
	if err := os.WriteFile(path, []byte("22"), 0o600); err != nil || h.Err() == nil {
		t.Errorf("replaced: %v, Err() = %v", err, h.Err())
	}
	if err := errors.Join(os.Rename(away, path), h.Err()); err != nil {
		t.Errorf("put back: %v", err)
	}
}

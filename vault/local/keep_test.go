package local_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"hoalu/vault"
	"hoalu/vault/local"
)

// TestKeptApart: a record lies outside the data folder, sealed, beside the master key or where it was told to; a copy of the data folder
// does not bring an older one with it, two data folders under one key do not share it, and one that was changed does not open.
func TestKeptApart(t *testing.T) {
	clean(t)
	ctx := context.Background()
	config := t.TempDir()
	data, other := t.TempDir(), t.TempDir()
	v := open(t, local.Config{Data: data, UserConfig: config})
	if err := v.Keep(ctx, "head", []byte("old")); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	if err := v.Keep(ctx, "head", []byte("new")); err != nil {
		t.Fatal(err)
	}
	got, place, err := open(t, local.Config{Data: copied, UserConfig: config}).Kept(ctx, "head")
	if err != nil || string(got) != "new" || filepath.Dir(place) != filepath.Join(config, "hoalu") {
		t.Errorf("an older copy of the data folder: Kept() = %q in %s, %v; want the newest beside the master key", got, place, err)
	}
	if _, _, err := open(t, local.Config{Data: other, UserConfig: config}).Kept(ctx, "head"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another data folder under the same key: Kept() = %v, want nothing", err)
	}
	box, err := os.ReadFile(place)
	if err != nil {
		t.Fatal(err)
	}
	box[len(box)-1] ^= 1
	if err := os.WriteFile(place, box, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.Kept(ctx, "head"); !errors.Is(err, vault.ErrDamaged) {
		t.Errorf("a changed record: Kept() = %v, want ErrDamaged", err)
	}
	apart := t.TempDir()
	w := open(t, local.Config{Data: data, UserConfig: config, Apart: apart})
	if err := w.Keep(ctx, "head", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, place, err := w.Kept(ctx, "head"); err != nil || filepath.Dir(place) != apart {
		t.Errorf("with a folder of its own: in %s, %v; want %s", place, err, apart)
	}
	if err := open(t, local.Config{Data: data, UserConfig: config, Apart: filepath.Join(data, "kept")}).Keep(ctx, "head", nil); !errors.Is(err,
		vault.ErrExposed) {
		t.Errorf("under the data folder: Keep() = %v, want ErrExposed", err)
	}
}

package state_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"hoalu/state"
	"hoalu/state/statetest"
)

func TestDocument(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := context.Background()
		d := db.Document("sources")
		if got, err := d.Load(ctx); got != nil || err != nil {
			t.Fatalf("Load of none = %q, %v; want nil, nil", got, err)
		}
		file := filepath.Join(t.TempDir(), "sources.json")
		if err := d.Adopt(ctx, file); err != nil {
			t.Fatalf("Adopt without a file: %v", err)
		}
		for _, c := range []struct{ file, keep, want string }{
			{"", `{"a":1}`, `{"a":1}`},
			{"", `{"a":"Hoà"}`, `{"a":"Hoà"}`},
			{`{"a":0}`, "", `{"a":"Hoà"}`}, // the database counts more
		} {
			if c.file != "" {
				if err := os.WriteFile(file, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := d.Adopt(ctx, file); err != nil {
					t.Fatal(err)
				}
			} else if err := d.Keep(ctx, []byte(c.keep)); err != nil {
				t.Fatal(err)
			}
			if got, err := reopen().Document("sources").Load(ctx); string(got) != c.want || err != nil {
				t.Errorf("%+v: Load = %q, %v", c, got, err)
			}
		}
		other := db.Document("rules")
		if err := os.WriteFile(file, []byte(`{"since":7}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := other.Adopt(ctx, file); err != nil {
			t.Fatal(err)
		}
		if got, err := other.Load(ctx); string(got) != `{"since":7}` || err != nil {
			t.Errorf("after Adopt: Load = %q, %v", got, err)
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the file that was taken over is still there: %v", err)
		}
		third := db.Document("broken")
		if err := os.WriteFile(file, []byte("{\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := third.Adopt(ctx, file); !errors.Is(err, state.ErrDamaged) {
			t.Errorf("Adopt of half a file = %v; want ErrDamaged", err)
		}
		if err := third.Adopt(ctx, file); err != nil {
			t.Errorf("Adopt after a damaged file was set aside: %v", err)
		}
		if got, err := third.Load(ctx); got != nil || err != nil {
			t.Errorf("Load after half a file = %q, %v; want nil, nil", got, err)
		}
		if raw, err := os.ReadFile(file + ".damaged"); string(raw) != "{\x00" || err != nil {
			t.Errorf("the damaged file was not kept: %q, %v", raw, err)
		}
	})
}

// key is a MAC with a fixed key.
type key string

func (k key) ComputeMAC(data []byte) ([]byte, error) {
	h := hmac.New(sha256.New, []byte(k))
	h.Write(data)
	return h.Sum(nil), nil
}

func (k key) VerifyMAC(mac, data []byte) error {
	if sum, _ := k.ComputeMAC(data); !hmac.Equal(sum, mac) {
		return errors.New("another key")
	}
	return nil
}

// TestOwn: the first data folder that opens a database keeps it; one with other keys is refused by name.
func TestOwn(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := context.Background()
		for range 2 {
			if err := db.Own(ctx, key("mine")); err != nil {
				t.Fatalf("Own by the first: %v", err)
			}
		}
		if err := reopen().Own(ctx, key("another's")); !errors.Is(err, state.ErrForeign) {
			t.Errorf("Own with other keys = %v; want ErrForeign", err)
		}
	})
}

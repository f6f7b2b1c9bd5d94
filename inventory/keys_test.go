package inventory_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"hoalu/inventory"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
)

func TestKeys(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := context.Background()
		b := open(t, db, inventory.Config{})
		a, _ := b.small()
		src := must(b.CreateSource(ctx, admin, soc.Source{Name: "Filebeat", Kind: soc.SourceBulk, Address: "10.9.0.1", System: a.ID}))
		peer := inventory.Seen{Kind: soc.SourceBulk, Peer: "10.9.0.1"}
		now := func() int64 { return time.Now().UnixMilli() }
		add := func(label string, follow time.Duration) (soc.SourceKey, string) {
			t.Helper()
			secret, hash := inventory.NewSecret()
			if strings.Contains(secret, ":") || len(secret) < 40 || strings.Contains(hash, secret) {
				t.Errorf("secret %q, hash %q", secret, hash)
			}
			k, err := b.AddKey(ctx, admin, src.ID, soc.SourceKey{Kind: soc.KeyAPI, Label: label, Hash: hash}, follow)
			if err != nil {
				t.Fatal(err)
			}
			return k, hash
		}
		k1, h1 := add(" web-01 ", -1)
		if k1.Label != "web-01" || k1.By != admin.Name || k1.Made == 0 || k1.Ends != 0 || k1.Used != 0 {
			t.Errorf("AddKey = %+v", k1)
		}
		if got, ok := b.Snapshot().FindSource(peer); !ok || got.ID != src.ID {
			t.Error("the address does not stand for the source before the first use")
		}
		for range 2 { // the second says nothing new
			if err := b.UseKey(ctx, src.ID, k1.ID); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := b.Snapshot().FindSource(peer); ok {
			t.Error("the address still stands for the source after the first use")
		}
		_, h2 := add("", 24*time.Hour)
		_, h3 := add("", -1)
		sn := open(t, db, inventory.Config{}).Snapshot() // as it is on disk
		for _, c := range []struct {
			hash string
			in   time.Duration
			ok   bool
		}{{h1, 0, true}, {h1, 23 * time.Hour, true}, {h1, 25 * time.Hour, false}, {h2, 25 * time.Hour, true}, {h3, 0, true}, {"", 0, false},
			{"00", 0, false}} {
			if got, _, ok := sn.FindKey(c.hash, now()+c.in.Milliseconds()); ok != c.ok || ok && got.ID != src.ID {
				t.Errorf("FindKey(%.8s, in %s) = %s %v, want %v", c.hash, c.in, got.ID, ok, c.ok)
			}
		}
		// What a person saves on the source's form touches no key.
		form, _ := b.Snapshot().Source(src.ID)
		form.Keys, form.Name = nil, "Filebeat 2"
		if must(b.UpdateSource(ctx, admin, form)); func() int { v, _ := b.Snapshot().Source(src.ID); return len(v.Keys) }() != 3 {
			t.Error("keys were lost by a change of the source")
		}
		if err := b.RevokeKey(ctx, admin, src.ID, k1.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := b.Snapshot().FindKey(h1, now()); ok {
			t.Error("a revoked key is found")
		}
		for what, err := range map[string]error{
			"not_found": b.RevokeKey(ctx, admin, src.ID, k1.ID),
			"key_kind":  second(b.AddKey(ctx, admin, src.ID, soc.SourceKey{Kind: soc.KeyCertificate, Hash: "x"}, -1)),
			"exists":    second(b.AddKey(ctx, admin, src.ID, soc.SourceKey{Kind: soc.KeyAPI, Hash: h2}, -1)),
			"invalid":   second(b.AddKey(ctx, admin, src.ID, soc.SourceKey{Kind: soc.KeyAPI, Hash: "y"}, 1000*time.Hour)),
		} {
			if code(err) != what {
				t.Errorf("%v, want %s", err, what)
			}
		}
		for i := 0; ; i++ {
			_, err := b.AddKey(ctx, admin, src.ID, soc.SourceKey{Kind: soc.KeyAPI, Hash: fmt.Sprint("h", i)}, -1)
			if code(err) == "many_keys" {
				break
			}
			if err != nil || i > 20 {
				t.Fatalf("key %d: %v", i, err)
			}
		}
		want := []string{"source.key " + src.ID, "source.key_used " + src.ID, "source.key " + src.ID, "source.key " + src.ID,
			"source.update " + src.ID, "source.key_revoke " + src.ID}
		var got []string
		for _, d := range b.deeds {
			if strings.HasSuffix(d, src.ID) && !strings.HasPrefix(d, "source.create") {
				got = append(got, d)
			}
		}
		if len(got) < len(want) || fmt.Sprint(got[:len(want)]) != fmt.Sprint(want) {
			t.Errorf("audit rows %q, want they begin %q", got, want)
		}
	})
}

func second[T any](_ T, err error) error { return err }

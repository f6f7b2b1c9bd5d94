package app

import (
	"errors"
	"path/filepath"
	"testing"

	"hoalu/compliance/evidence"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/ecs/wire"
	"hoalu/soc"
	"hoalu/vault"
)

// TestRotatedKeys: after each kind of key is rotated the appliance starts on the same folder, events from before are there, a number is
// found by the pseudonyms of both versions, and the deeds are on record. A name that is of no key is refused.
func TestRotatedKeys(t *testing.T) {
	t.Parallel()
	const id = "037095001234"
	r := newRig(t)
	put := func() {
		t.Helper()
		frame := wire.Frame{Peer: "192.0.2.7", Format: wire.FormatSyslog, Data: []byte("<13>1 2026-11-30T01:02:03Z web01 app 77 - - CCCD " + id)}
		if err := r.put(soc.SourceSyslog)(t.Context(), "syslog.tcp", []wire.Frame{frame}); err != nil {
			t.Fatal(err)
		}
	}
	put()
	r.eventually("the event", func() bool { return r.count(host) == 1 })
	r.end()
	opts := Options{Data: filepath.Join(r.dir, "d"), Config: r.cfg, Log: r.options().Log, Version: "test"}
	for _, name := range []string{"pseudonym", "queue", "quarantine", "identity", "exercise"} {
		if err := RotateKey(t.Context(), opts, name, "hằng năm"); err != nil {
			t.Fatalf("rotate %s: %v", name, err)
		}
	}
	for _, name := range []string{"ca", "evidence", "nobody"} {
		if err := RotateKey(t.Context(), opts, name, "thử"); !errors.Is(err, vault.ErrName) {
			t.Errorf("rotate %s: %v, want ErrName", name, err)
		}
	}
	r.start()
	put()
	r.eventually("both events", func() bool { return r.count(host) == 2 })
	tokens, _, err := r.protector.TokenFor(id)
	if err != nil || len(tokens) != 2 || tokens[0] == tokens[1] {
		t.Fatalf("TokenFor = %v, %v; want one of each version", tokens, err)
	}
	for _, tok := range tokens {
		if n := r.count(query.Term{Field: ecs.Message, Value: "CCCD " + tok}); n != 1 {
			t.Errorf("%d events with %s, want 1", n, tok)
		}
	}
	deeds, err := evidence.After(t.Context(), r.state.Read(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, d := range deeds {
		if d.Action == "vault.rotate" && d.Reason == "hằng năm" && d.Result == "done" {
			n++
		}
	}
	if n != 5 {
		t.Errorf("%d rotations on record, want 5", n)
	}
}

package app

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"hoalu/ecs/wire"
	"hoalu/soc"
)

// TestASenderThatCannotBeRegisteredIsRefused: while the inventory cannot write, a frame of a new sender is refused with the cause, so that
// its sender keeps it; nothing is stored under no source. One of a known sender is taken.
func TestASenderThatCannotBeRegisteredIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.feed(0, 1) // makes its sender known
	r.eventually("its event", func() bool { return r.count(host) == 1 })
	rename := func(from, to string) {
		t.Helper()
		if err := r.state.Tx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	put := func() error {
		return r.put(soc.SourceSyslog)(context.Background(), "syslog.tcp", []wire.Frame{{Peer: "192.0.2.99", Format: wire.FormatSyslog,
			Data: []byte(strings.Replace(string(line(1)), "web01", "web99", 1))}})
	}
	rename("source", "source_away")
	before := r.queue.State().Last
	if err := put(); err == nil || !strings.Contains(err.Error(), "register the sender 192.0.2.99") {
		t.Errorf("a sender that cannot be registered: %v, want a refusal with its address", err)
	}
	if last := r.queue.State().Last; last != before {
		t.Errorf("%d batches more in the queue: an event under no source", last-before)
	}
	r.feed(1, 1)
	r.eventually("the known sender's second", func() bool { return r.count(host) == 2 })
	rename("source_away", "source")
	if err := put(); err != nil {
		t.Errorf("once it can be registered: %v", err)
	}
}

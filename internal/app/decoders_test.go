package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/internal/config"
)

const ownDecoder = `dataset: own.app
detect: {app: [hoso]}
parse: dissect
dissect: ["login %{result} for %{user} from %{ip}"]
fields: {user: user.name, ip: source.ip}
set: {event.module: first}
logsource: {product: hoso}
tests:
  - raw: '<38>Mar  2 09:00:01 web01 hoso[7]: login denied for an from 10.0.0.1'
    want: {user.name: an, source.ip: 10.0.0.1}
`

// TestDecodersOfABatch: batches are stamped with the number of the set of decoders, and one that came under an earlier set is decoded by
// it after the operator changed a decoder.
func TestDecodersOfABatch(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "own")
	write := func(yml string) {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "app.yml"), []byte(yml), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(ownDecoder)
	r := newRig(t, func(c *config.Config) { c.Decoders = []string{folder} })
	stamped := func() uint64 {
		r.feed(0, 1)
		m, err := r.queue.Read(t.Context(), r.queue.State().Last)
		if err != nil {
			t.Fatal(err)
		}
		b, err := wire.Decode(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		return b.Revision
	}
	before := stamped()
	if before>>decodersShift != 1 {
		t.Errorf("a batch is stamped with set %d, want 1", before>>decodersShift)
	}
	r.end()
	write(strings.Replace(ownDecoder, "first", "second", 1))
	r.start()
	after := stamped()
	if after>>decodersShift != 2 {
		t.Errorf("after the decoder was changed a batch is stamped with set %d, want 2", after>>decodersShift)
	}
	for revision, want := range map[uint64]string{before: "first", after: "second"} {
		e, err := r.setups.At(revision).Decoders.Decoder().Decode("", []byte("<38>Mar  2 09:00:01 web01 hoso[7]: login ok for an from 10.0.0.1"),
			time.Now(), nil)
		if err != nil || e.Text(ecs.EventModule) != want {
			t.Errorf("a batch of set %d is decoded to event.module %q, %v; want %q", revision>>decodersShift, e.Text(ecs.EventModule), err, want)
		}
	}
}

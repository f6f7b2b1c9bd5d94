package correlate

import (
	"encoding/binary"
	"errors"
	"runtime"
	"testing"
)

// TestASnapshotCostsMemoryByItsBytes: what a snapshot claims to hold is not allocated before it is there, neither for a correlation
// that is still there nor for one that is gone.
func TestASnapshotCostsMemoryByItsBytes(t *testing.T) {
	c, set := correlator(t, "  type: event_count\n  rules: [a]\n  timespan: 60s\n  condition: {gte: 7}")
	feed(c, set, 1, in{1, 1, "a", ""})
	before := c.Snapshot(7)
	node := func(id, text string) []byte { // a snapshot up to the number of its groups
		w := &writer{b: append([]byte(magic), version)}
		w.uint(7)
		w.int(1)
		w.int(0)
		w.uint(1)
		w.text(id)
		w.text(text)
		return w.b
	}
	here, gone := node("corr", c.nodes[0].c.Version), node("gone", "x")
	claim := func(head []byte, n uint64, zeros int) []byte {
		return append(binary.AppendUvarint(append([]byte(nil), head...), n), make([]byte, zeros)...)
	}
	group := func(head []byte) []byte { return append(binary.AppendUvarint(append([]byte(nil), head...), 1), 0) } // one, its key ""
	hits := func(head []byte) []byte { return append(group(head), 0, 0, 0) }                                      // no values, seen, fired
	settled := func(head []byte) []byte { return append(hits(head), 0) }
	for _, tt := range []struct {
		name  string
		data  []byte
		limit uint64 // bytes
	}{
		{"a billion groups in 64 bytes", claim(here, 1<<30, 64), 64 << 10},
		{"a billion values of a group in 64 bytes", claim(group(here), 1<<30, 64), 64 << 10},
		{"a billion hits in 64 bytes", claim(hits(here), 1<<30, 64), 64 << 10},
		{"a billion settled in 64 bytes", claim(settled(here), 1<<30, 64), 64 << 10},
		{"a million groups in zeros", claim(here, 1<<20, 1<<20), 64 << 20},
		{"a million groups in zeros, gone", claim(gone, 1<<20, 1<<20), 64 << 20},
		{"a million values in zeros", claim(group(here), 1<<20, 1<<20), 96 << 20},
		{"a million hits in zeros", claim(hits(here), 1<<20, 1<<20), 96 << 20},
		{"a million settled in zeros", claim(settled(here), 1<<20, 1<<20), 96 << 20},
	} {
		var from, to runtime.MemStats
		runtime.ReadMemStats(&from)
		_, err := c.Restore(tt.data)
		runtime.ReadMemStats(&to)
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, want %v", tt.name, err, ErrCorrupt)
		}
		if got := to.TotalAlloc - from.TotalAlloc; got > tt.limit {
			t.Errorf("%s: %d bytes cost %d, at most %d are wanted", tt.name, len(tt.data), got, tt.limit)
		} else {
			t.Logf("%s: %d bytes cost %d", tt.name, len(tt.data), got)
		}
		if after := c.Snapshot(7); string(after) != string(before) {
			t.Fatalf("%s: the state is another after a snapshot that was refused", tt.name)
		}
	}
}

package correlate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"hoalu/internal/bounded"
	"hoalu/soc"
)

// Snapshots begin with magic and version (decision 15); readers take this version and the one before.
const (
	magic   = "HLC"
	version = 1
)

// Errors of Restore a caller may branch on.
var (
	ErrMagic   = errors.New("not a correlation snapshot")
	ErrVersion = errors.New("correlation snapshot of a newer version")
	ErrCorrupt = errors.New("correlation snapshot is damaged")
)

type writer struct{ b []byte }

func (w *writer) uint(n uint64) { w.b = binary.AppendUvarint(w.b, n) }
func (w *writer) int(n int64)   { w.b = binary.AppendVarint(w.b, n) }
func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

// Snapshot renders the state with the sequence of the last queue message it contains.
func (c *Correlator) Snapshot(sequence uint64) []byte {
	w := &writer{b: append([]byte(magic), version)}
	w.uint(sequence)
	w.int(c.newest)
	w.int(c.Evicted)
	w.uint(uint64(len(c.nodes)))
	for _, n := range c.nodes {
		w.text(n.c.ID)
		w.text(n.c.Version)
		w.uint(uint64(len(n.states)))
		for st := n.tail; st != nil; st = st.prev { // longest unseen first, so that reading keeps the order
			w.text(st.key)
			w.uint(uint64(len(st.group)))
			for _, g := range st.group {
				w.text(g.Field)
				w.text(g.Value)
			}
			w.int(st.seen)
			w.int(st.fired)
			w.uint(uint64(len(st.hits)))
			for i := range st.hits {
				h := &st.hits[i]
				w.int(h.t)
				w.int(h.created)
				w.text(h.id)
				w.text(h.value)
				w.uint(math.Float64bits(h.num))
				w.uint(uint64(h.ref))
			}
			w.uint(uint64(len(st.settled)))
			for _, p := range st.settled {
				w.int(p.start)
				w.int(p.end)
				w.uint(uint64(len(p.ids)))
				for _, id := range p.ids {
					w.text(id)
				}
			}
		}
	}
	return w.b
}

// Restore replaces the state and returns the sequence. State of a correlation that is gone or whose text changed is left out. On
// error the Correlator is as it was.
func (c *Correlator) Restore(data []byte) (sequence uint64, err error) {
	if len(data) < 4 || string(data[:3]) != magic {
		return 0, ErrMagic
	}
	if data[3] > version {
		return 0, fmt.Errorf("%w: %d, this program reads up to %d", ErrVersion, data[3], version)
	}
	r := bounded.Over(data[4:])
	count := func() int { return r.Count(r.Uvarint(), math.MaxInt, 1) } // each entry takes at least one byte
	sequence = r.Uvarint()
	newest, evicted := r.Varint(), r.Varint()
	type loaded struct {
		n  *node
		st *state
	}
	var all []loaded
	for i := count(); i > 0 && !r.Bad(); i-- {
		id, text := r.Text(), r.Text()
		var n *node
		for _, x := range c.nodes {
			if x.c.ID == id && x.c.Version == text {
				n = x
			}
		}
		for j := count(); j > 0 && !r.Bad(); j-- {
			st := &state{key: r.Text(), dirty: true}
			for k := count(); k > 0 && !r.Bad(); k-- {
				st.group = append(st.group, soc.GroupValue{Field: r.Text(), Value: r.Text()})
			}
			st.seen, st.fired = r.Varint(), r.Varint()
			for k := count(); k > 0 && !r.Bad(); k-- {
				h := hit{t: r.Varint(), created: r.Varint(), id: r.Text(), value: r.Text(), num: math.Float64frombits(r.Uvarint())}
				ref := r.Uvarint()
				if n != nil && ref >= uint64(len(n.c.Refs)) {
					r.Fail()
				}
				h.ref = uint8(ref)
				st.hits = append(st.hits, h)
			}
			for k := count(); k > 0 && !r.Bad(); k-- {
				p := prefix{start: r.Varint(), end: r.Varint()}
				for l := count(); l > 0 && !r.Bad(); l-- {
					p.ids = append(p.ids, r.Text())
				}
				st.settled = append(st.settled, p)
			}
			if n != nil && len(st.settled) != 0 && len(st.settled) != len(n.c.Refs) {
				r.Fail()
			}
			if n != nil {
				all = append(all, loaded{n, st})
			}
		}
	}
	if !r.Whole() {
		return 0, ErrCorrupt
	}
	for _, n := range c.nodes {
		n.states, n.head, n.tail = map[string]*state{}, nil, nil
	}
	c.keys, c.newest, c.Evicted = 0, newest, evicted
	for _, l := range all {
		if l.n.states[l.st.key] == nil {
			c.add(l.n, l.st)
		}
	}
	return sequence, nil
}

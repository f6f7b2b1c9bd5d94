package correlate

import (
	"encoding/binary"
	"math"
	"slices"
	"sort"
	"strconv"

	"hoalu/detections/sigma"
)

func (n *node) push(st *state) {
	st.prev, st.next = nil, n.head
	if n.head != nil {
		n.head.prev = st
	}
	n.head = st
	if n.tail == nil {
		n.tail = st
	}
}

func (n *node) unlink(st *state) {
	if st.prev != nil {
		st.prev.next = st.next
	} else {
		n.head = st.next
	}
	if st.next != nil {
		st.next.prev = st.prev
	} else {
		n.tail = st.prev
	}
}

func (n *node) touch(st *state, created int64) {
	st.seen = max(st.seen, created)
	if n.head != st {
		n.unlink(st)
		n.push(st)
	}
}

// counted fills in what a hit counts for; false: nothing.
func (n *node) counted(h *hit, in input, e *Event) bool {
	switch n.c.Type {
	case sigma.ValueCount:
		var key []byte
		for _, f := range n.c.Fields {
			v, ok := in.value(e, f)
			if !ok {
				return false
			}
			key = binary.AppendUvarint(key, uint64(len(v)))
			key = append(key, v...)
		}
		h.value = string(key)
	case sigma.ValueSum, sigma.ValueAvg:
		v, ok := in.value(e, n.c.Fields[0])
		if !ok {
			return false
		}
		x, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
		h.num = x
	}
	return true
}

// feed files a hit and tests the windows it falls into.
func (n *node) feed(st *state, h hit) (Firing, bool) {
	at := len(st.hits)
	for at > 0 && st.hits[at-1].t > h.t {
		at--
	}
	st.hits = slices.Insert(st.hits, at, h)
	st.pruned++
	inOrder := at == len(st.hits)-1
	if n.c.Type == sigma.TemporalOrdered {
		return n.ordered(st, at, inOrder)
	}
	if !inOrder {
		st.dirty = true
	}
	for j := at; j < len(st.hits) && st.hits[j].t-h.t < n.span; j++ {
		var x float64
		lo := 0
		if inOrder {
			x, lo = n.newest(st)
		} else {
			lo = sort.Search(j, func(i int) bool { return st.hits[i].t > st.hits[j].t-n.span })
			x = n.measure(st.hits[lo : j+1])
		}
		if n.holds(x, st.hits[lo:j+1]) {
			f := Firing{Time: st.hits[j].t, Count: int64(math.Round(x))}
			if st.fired != 0 && st.fired > f.Time-n.span && st.fired <= f.Time {
				f.Events = []string{h.id}
			} else {
				f.Events = ids(st.hits[lo : j+1])
			}
			st.fired = max(st.fired, f.Time)
			return f, true
		}
	}
	return Firing{}, false
}

func ids(hits []hit) []string {
	var out []string
	for i := len(hits) - 1; i >= 0 && len(out) < MaxIDs; i-- {
		if !slices.Contains(out, hits[i].id) {
			out = append(out, hits[i].id)
		}
	}
	slices.Reverse(out)
	return out
}

func (n *node) holds(x float64, window []hit) bool {
	if n.c.Type != sigma.Temporal {
		return n.c.Holds(x)
	}
	if n.c.Needs == nil {
		return int(x) == len(n.c.Refs)
	}
	var seen [64]bool
	for i := range window {
		seen[window[i].ref] = true
	}
	return n.c.Needs(seen[:len(n.c.Refs)])
}

// measure is what the condition looks at, of a whole window.
func (n *node) measure(window []hit) float64 {
	switch n.c.Type {
	case sigma.EventCount:
		return float64(len(window))
	case sigma.ValueCount:
		if len(window) > 32 {
			seen := make(map[string]bool, len(window))
			for i := range window {
				seen[window[i].value] = true
			}
			return float64(len(seen))
		}
		d := 0
	next:
		for i := range window {
			for j := range window[:i] {
				if window[j].value == window[i].value {
					continue next
				}
			}
			d++
		}
		return float64(d)
	case sigma.ValueSum, sigma.ValueAvg:
		s := 0.0
		for i := range window {
			s += window[i].num
		}
		if n.c.Type == sigma.ValueAvg {
			s /= float64(len(window))
		}
		return s
	}
	var seen uint64
	d := 0
	for i := range window {
		if bit := uint64(1) << window[i].ref; seen&bit == 0 {
			seen |= bit
			d++
		}
	}
	return float64(d)
}

// newest measures the window that ends at the newest hit and returns where it begins. In order it costs O(1) amortised: what leaves
// the window is taken off, what came is put on. Sums of whole numbers below 2^53 stay exact; pruning makes others anew.
func (n *node) newest(st *state) (float64, int) {
	last := len(st.hits) - 1
	end := st.hits[last].t
	if st.dirty || len(st.hits) <= 32 {
		st.lo = sort.Search(last, func(i int) bool { return st.hits[i].t > end-n.span })
		st.counts, st.sum = nil, 0
		st.dirty = len(st.hits) <= 32 // small windows are measured whole
		if st.dirty {
			return n.measure(st.hits[st.lo:]), st.lo
		}
		st.counts = map[string]int32{}
		for i := st.lo; i <= last; i++ {
			n.put(st, &st.hits[i], 1)
		}
	} else {
		n.put(st, &st.hits[last], 1)
		for st.hits[st.lo].t <= end-n.span {
			n.put(st, &st.hits[st.lo], -1)
			st.lo++
		}
	}
	size := float64(last - st.lo + 1)
	switch n.c.Type {
	case sigma.EventCount:
		return size, st.lo
	case sigma.ValueSum:
		return st.sum, st.lo
	case sigma.ValueAvg:
		return st.sum / size, st.lo
	}
	return float64(len(st.counts)), st.lo
}

// put adds a hit to the running window, or takes it off.
func (n *node) put(st *state, h *hit, by int32) {
	switch n.c.Type {
	case sigma.ValueSum, sigma.ValueAvg:
		st.sum += h.num * float64(by)
		return
	case sigma.EventCount:
		return
	}
	key := h.value
	if n.c.Type == sigma.Temporal {
		key = refKeys[h.ref]
	}
	if c := st.counts[key] + by; c == 0 {
		delete(st.counts, key)
	} else {
		st.counts[key] = c
	}
}

var refKeys = func() (k [256]string) {
	for i := range k {
		k[i] = string([]byte{byte(i)})
	}
	return k
}()

// ordered advances the prefixes; a hit out of order replays all unsettled ones.
func (n *node) ordered(st *state, at int, inOrder bool) (Firing, bool) {
	h := st.hits[at]
	if st.cur == nil || !inOrder {
		st.cur = slices.Clone(st.settled)
		if st.cur == nil {
			st.cur = make([]prefix, len(n.c.Refs))
		}
		for i := range st.hits {
			if i == len(st.hits)-1 && inOrder {
				break
			}
			if done, ok := n.step(st.cur, &st.hits[i]); ok && !inOrder && slices.Contains(done.ids, h.id) {
				// the late hit completed a sequence; the rest is replayed for the state only
				for j := i + 1; j < len(st.hits); j++ {
					n.step(st.cur, &st.hits[j])
				}
				return n.sequence(done), true
			}
		}
		if !inOrder {
			return Firing{}, false
		}
	}
	done, ok := n.step(st.cur, &h)
	if !ok {
		return Firing{}, false
	}
	return n.sequence(done), true
}

func (n *node) sequence(p prefix) Firing {
	return Firing{Time: p.end, Count: int64(len(n.c.Refs)), Events: p.ids}
}

// step puts one hit behind every prefix it can follow; ok when it completes the sequence.
func (n *node) step(ps []prefix, h *hit) (prefix, bool) {
	i := int(h.ref)
	if i == 0 {
		ps[0] = prefix{h.t, h.t, []string{h.id}}
		return prefix{}, false
	}
	before := &ps[i-1]
	if before.ids == nil || h.t-before.start >= n.span || h.t < before.end || before.ids[len(before.ids)-1] == h.id {
		return prefix{}, false
	}
	p := prefix{before.start, h.t, append(slices.Clone(before.ids), h.id)}
	if i == len(ps)-1 {
		return p, true
	}
	if ps[i].ids == nil || ps[i].start <= p.start {
		ps[i] = p
	}
	return prefix{}, false
}

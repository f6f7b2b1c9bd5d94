// Package correlate runs Sigma correlations over the stream of hits, by event time, exactly and with bounded state.
//
// Words are those of the Sigma Correlations specification: a correlation has rules, a timespan, group-by fields and a condition. A
// Firing is a correlation that holds for one group.
//
// What the specification leaves open is decided so:
//   - A window is half open and slides: hits count together while last - first < timespan. It is tested at every hit, ending there;
//     so eq fires when the count passes that value, and lt, lte and neq look at the window ending at each hit.
//   - An event without one of the group-by fields is left out. Values are compared as text.
//   - An event counts once in event_count even if it satisfies several of the rules. In temporal_ordered two steps need two events.
//   - A document that its sender sends once more, under its own id and time, counts once.
//   - value_count counts distinct values; a value seen again is kept by its newest hit.
//   - A chained correlation is fed by the firings of the inner one, at the time of the firing; its group-by looks first into the
//     inner group, then into the event that completed it.
//   - Exercise and sample events form groups of their own and never complete a real one.
//
// Lateness. Hits come in any order within Lateness (5 min) of intake time and are filed by event time; a late hit is tested in every
// window it falls into. The watermark is the greatest intake time seen minus Lateness, never the wall clock: hits received before it
// are settled, and of them only what a later window can still need is kept: the newest as many as the threshold, the newest of each value,
// of each rule, the latest start of each prefix. State is therefore O(threshold + hits within lateness) per group, bounded by MaxHits, and
// groups by MaxKeys, the longest unseen going first (counted in Evicted).
//
// A Correlator is not safe for concurrent use.
package correlate

import (
	"encoding/binary"
	"math"
	"slices"

	"hoalu/detections/sigma"
	"hoalu/soc"
)

// Defaults.
const (
	Lateness = 5 * 60 * 1000 // ms
	MaxKeys  = 200_000       // groups over all correlations: some 30 MB of state and of snapshot
	MaxHits  = 20_000        // hits kept in one group
	maxAgain = 256           // hits of one time among which a repeat is looked for
	keep     = 256           // settled hits kept in a group beyond the threshold, for the count people see
	MaxIDs   = 50            // event ids a Firing names
)

// Event is what correlations need to know of an event.
type Event struct {
	ID             string
	Time, Created  int64 // Unix ms: of the source, of intake
	Exercise, Demo bool
	Rules          []*sigma.Rule                     // that hold for it
	Value          func(field string) (string, bool) // first value of a rule field
}

// Firing is a correlation that holds for a group.
type Firing struct {
	Correlation    *sigma.Correlation
	Group          []soc.GroupValue
	Time           int64    // event time of the last hit of the window
	Count          int64    // hits, distinct values, sum, average or rules
	Events         []string // ids behind it, newest last, at most MaxIDs; only the newest one while it goes on
	Exercise, Demo bool
}

type hit struct {
	t, created int64
	id         string
	value      string
	num        float64
	ref        uint8
}

// prefix is the best beginning of a temporal_ordered: steps 0..i seen, the first at start, the last at end.
type prefix struct {
	start, end int64
	ids        []string
}

type state struct {
	key        string
	group      []soc.GroupValue
	prev, next *state
	seen       int64 // greatest intake time
	fired      int64 // event time of the last firing
	pruned     int   // hits after the last pruning

	hits []hit // by event time, equal times in order of arrival

	// the window that ends at the newest hit, for hits in order: where it begins and what it holds
	lo     int
	counts map[string]int32
	sum    float64
	dirty  bool // lo, counts and sum must be made anew

	settled []prefix // temporal_ordered: after all settled hits
	cur     []prefix // after all hits
}

type node struct {
	c      *sigma.Correlation
	span   int64
	need   int
	states map[string]*state
	head   *state // most recently seen
	tail   *state
	outer  []ref
	fields [][]string // by ref and group-by
}

type ref struct {
	node *node
	ref  uint8
}

// Correlator holds the state of all correlations of a Set.
type Correlator struct {
	nodes   []*node // inner before outer
	byRule  map[string][]ref
	keys    int
	newest  int64 // greatest intake time
	Evicted int64 // groups given up for want of room
	maxKeys int

	// Fault is told of a correlation that failed (a panic) on an event; nil: the panic goes on. The correlation forgets the group it
	// was at, the others are fed.
	Fault func(c *sigma.Correlation, v any)

	pending map[*node][]input
	key     []byte
}

// input is one satisfied reference waiting for its node.
type input struct {
	ref   uint8
	t     int64
	group []soc.GroupValue // of the inner correlation
}

// New makes a Correlator without state.
func New(set *sigma.Set, maxKeys int) *Correlator {
	if maxKeys <= 0 {
		maxKeys = MaxKeys
	}
	c := &Correlator{byRule: map[string][]ref{}, maxKeys: maxKeys, pending: map[*node][]input{}}
	inner := map[string]*node{}
	for _, k := range set.Correlations {
		n := &node{c: k, span: k.Timespan, states: map[string]*state{}}
		for _, b := range k.Bounds {
			if k.Type == sigma.EventCount || k.Type == sigma.ValueCount {
				n.need = max(n.need, int(b.Value)+1)
			}
		}
		for i, name := range k.Refs {
			var fields []string
			for _, g := range k.GroupBy {
				f := g
				if a := k.Aliases[g][name]; a != "" {
					f = a
				}
				fields = append(fields, f)
			}
			n.fields = append(n.fields, fields)
			if r := set.Rule(name); r != nil {
				c.byRule[r.ID] = append(c.byRule[r.ID], ref{n, uint8(i)})
			} else if in := inner[name]; in != nil {
				in.outer = append(in.outer, ref{n, uint8(i)})
			}
		}
		c.nodes = append(c.nodes, n)
		inner[k.ID] = n
		if k.Name != "" && inner[k.Name] == nil {
			inner[k.Name] = n
		}
	}
	return c
}

// Keys is the number of groups held.
func (c *Correlator) Keys() int { return c.keys }

// Feed takes the hits of one event and appends what they complete, correlations that only feed others included (see
// sigma.Correlation.Alert).
func (c *Correlator) Feed(e *Event, dst []Firing) []Firing {
	if e.Created > c.newest {
		c.newest = e.Created
	}
	any := false
	for _, r := range e.Rules {
		for _, to := range c.byRule[r.ID] {
			c.pending[to.node] = append(c.pending[to.node], input{ref: to.ref, t: e.Time})
			any = true
		}
	}
	if !any {
		return dst
	}
	for _, n := range c.nodes {
		ins := c.pending[n]
		if len(ins) == 0 {
			continue
		}
		delete(c.pending, n)
		dst = c.feed(n, e, ins, dst)
	}
	return dst
}

// feed gives a correlation its inputs of one event.
func (c *Correlator) feed(n *node, e *Event, ins []input, dst []Firing) (out []Firing) {
	kept := len(dst)
	if c.Fault != nil {
		defer func() {
			if v := recover(); v != nil {
				out = dst[:kept]
				c.forget(n)
				c.Fault(n.c, v)
			}
		}()
	}
	// later steps first: one event must not serve two steps of temporal_ordered
	slices.SortStableFunc(ins, func(a, b input) int { return int(b.ref) - int(a.ref) })
	var done []string
	for _, in := range ins {
		st, key := c.state(n, e, in)
		if key == nil {
			continue
		}
		if n.c.Type != sigma.Temporal && n.c.Type != sigma.TemporalOrdered {
			if slices.Contains(done, string(key)) {
				continue
			}
			done = append(done, string(key))
		}
		h := hit{t: in.t, created: e.Created, id: e.ID, ref: in.ref}
		if !n.counted(&h, in, e) {
			continue
		}
		if st == nil {
			st = c.make(n, e, in, key)
		} else if st.again(&h) {
			continue
		}
		n.touch(st, e.Created)
		f, ok := n.feed(st, h)
		c.prune(n, st)
		if !ok {
			continue
		}
		f.Correlation, f.Group, f.Exercise, f.Demo = n.c, st.group, e.Exercise, e.Demo
		dst = append(dst, f)
		for _, to := range n.outer {
			c.pending[to.node] = append(c.pending[to.node], input{to.ref, f.Time, st.group})
		}
	}
	c.expire(n)
	return dst
}

// again reports whether h is a hit that st holds: a shipper that had no answer sends its documents once more. Only ids that come of a
// sender's (decision 1) can come again. A repeat carries the same time, so it is looked for there, among the newest maxAgain: more in
// one second are a flood, which a repeat changes nothing about.
func (st *state) again(h *hit) bool {
	if len(h.id) == 0 || h.id[0] != 's' {
		return false
	}
	at := len(st.hits)
	for at > 0 && st.hits[at-1].t > h.t {
		at--
	}
	for i := at - 1; i >= max(0, at-maxAgain) && st.hits[i].t == h.t; i-- {
		if st.hits[i].id == h.id && st.hits[i].ref == h.ref {
			return true
		}
	}
	return false
}

// forget drops all groups of a correlation: where it failed, what it holds cannot be trusted.
func (c *Correlator) forget(n *node) {
	c.keys -= len(n.states)
	n.states, n.head, n.tail = map[string]*state{}, nil, nil
}

// value finds a field for an input: in the inner group, else in the event.
func (in *input) value(e *Event, field string) (string, bool) {
	for _, g := range in.group {
		if g.Field == field {
			return g.Value, true
		}
	}
	return e.Value(field)
}

// state finds the group of an input; key is nil where a group-by field is missing. The key is good until the next call.
func (c *Correlator) state(n *node, e *Event, in input) (*state, []byte) {
	flags := byte(0)
	if e.Exercise {
		flags |= 1
	}
	if e.Demo {
		flags |= 2
	}
	c.key = append(c.key[:0], flags)
	for _, f := range n.fields[in.ref] {
		v, ok := in.value(e, f)
		if !ok {
			return nil, nil
		}
		c.key = binary.AppendUvarint(c.key, uint64(len(v)))
		c.key = append(c.key, v...)
	}
	return n.states[string(c.key)], c.key
}

func (c *Correlator) make(n *node, e *Event, in input, key []byte) *state {
	st := &state{key: string(key)}
	for i, g := range n.c.GroupBy {
		v, _ := in.value(e, n.fields[in.ref][i])
		st.group = append(st.group, soc.GroupValue{Field: g, Value: string([]byte(v))}) // v aliases the event
	}
	c.add(n, st)
	return st
}

func (c *Correlator) add(n *node, st *state) {
	n.states[st.key] = st
	n.push(st)
	if c.keys++; c.keys > c.maxKeys {
		victim := n
		if n.tail == st { // the only one of its correlation: take from the fullest
			for _, o := range c.nodes {
				if len(o.states) > len(victim.states) {
					victim = o
				}
			}
		}
		c.drop(victim, victim.tail)
		c.Evicted++
	}
}

func (c *Correlator) drop(n *node, st *state) {
	n.unlink(st)
	delete(n.states, st.key)
	c.keys--
}

// expire forgets groups whose last hit can no longer meet a new one.
func (c *Correlator) expire(n *node) {
	for n.tail != nil && n.tail.seen < c.newest-Lateness-n.span {
		c.drop(n, n.tail)
	}
}

// prune drops settled hits no later window can need. It runs when the hits have doubled, so a hit costs O(1) amortised.
func (c *Correlator) prune(n *node, st *state) {
	if st.pruned < 16 || st.pruned < len(st.hits)/2 {
		return
	}
	st.pruned = 0
	st.dirty = true
	line := c.newest - Lateness
	horizon := int64(math.MinInt64) // no later hit is expected before it
	for i := range st.hits {
		if h := &st.hits[i]; h.created < line && h.t <= line {
			horizon = max(horizon, h.t)
		}
	}
	if n.c.Type == sigma.TemporalOrdered {
		k := 0
		for k < len(st.hits) && (st.hits[k].t <= horizon || len(st.hits)-k > MaxHits) {
			if st.settled == nil {
				st.settled = make([]prefix, len(n.c.Refs))
			}
			n.step(st.settled, &st.hits[k])
			k++
		}
		st.hits = slices.Delete(st.hits, 0, k)
		return
	}
	settled := func(h *hit) bool { return h.created < line && h.t <= horizon }
	seen := map[string]bool{}
	room := max(n.need, keep)
	kept := 0
	out := len(st.hits)
	for i := len(st.hits) - 1; i >= 0; i-- {
		h := &st.hits[i]
		drop := kept >= max(MaxHits, 2*n.need)
		if settled(h) {
			drop = drop || h.t <= horizon-n.span
			key := ""
			switch n.c.Type {
			case sigma.EventCount:
				drop = drop || kept >= room
			case sigma.ValueCount:
				key = h.value
			case sigma.Temporal:
				key = refKeys[h.ref]
			}
			if key != "" {
				drop = drop || seen[key] || len(seen) >= room
				seen[key] = true
			}
		}
		if drop {
			continue
		}
		kept++
		out--
		st.hits[out] = *h
	}
	st.hits = slices.Delete(st.hits, 0, out)
}

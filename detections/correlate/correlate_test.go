package correlate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"testing"

	"hoalu/detections/sigma"
)

const rules = `title: a
id: a
logsource: {product: x}
detection: {s: {K: 1}, condition: s}
---
title: b
id: b
logsource: {product: x}
detection: {s: {K: 2}, condition: s}
---
title: c
id: c
logsource: {product: x}
detection: {s: {K: 3}, condition: s}
---
`

func correlator(t testing.TB, correlation string) (*Correlator, *sigma.Set) {
	t.Helper()
	d := &sigma.Documents{}
	d.Parse("x.yml", []byte(rules+"title: corr\nid: corr\ncorrelation:\n"+correlation), sigma.Values{})
	set, refused := sigma.Compile(d, sigma.Options{})
	if refused = append(d.Refused, refused...); len(refused) > 0 {
		t.Fatal(refused)
	}
	return New(set, 0), set
}

type in struct {
	t, created int64
	rule       string
	value      string
}

func feed(c *Correlator, set *sigma.Set, n int, x in) []Firing {
	return c.Feed(&Event{ID: fmt.Sprint(n), Time: x.t, Created: x.created, Rules: []*sigma.Rule{set.Rule(x.rule)},
		Value: func(f string) (string, bool) { return x.value, f == "V" && x.value != "" }}, nil)
}

// TestOrder: hits shuffled within the lateness find the same windows as hits in order, for every type, although the state is pruned.
// The reference looks at all hits at once.
func TestOrder(t *testing.T) {
	const span = 60_000
	types := []struct {
		name, text string
		holds      func(w []in) bool
	}{
		{"event_count", "  type: event_count\n  rules: [a]\n  timespan: 60s\n  condition: {gte: 7}", func(w []in) bool { return len(w) >= 7 }},
		{"value_count", "  type: value_count\n  rules: [a]\n  timespan: 60s\n  condition: {field: V, gte: 6}",
			func(w []in) bool { return distinct(w) >= 6 }},
		{"value_sum", "  type: value_sum\n  rules: [a]\n  timespan: 60s\n  condition: {field: V, gt: 40}",
			func(w []in) bool { return sum(w) > 40 }},
		{"temporal", "  type: temporal\n  rules: [a, b, c]\n  timespan: 60s", func(w []in) bool { return kinds(w) == 3 }},
		{"temporal_ordered", "  type: temporal_ordered\n  rules: [a, b, c]\n  timespan: 60s", func(w []in) bool { return sequence(w) }},
	}
	for _, tt := range types {
		for seed := uint64(1); seed <= 6; seed++ {
			rng := rand.New(rand.NewPCG(seed, 3))
			var all []in
			at := int64(1_800_000_000_000)
			for range 1500 {
				at += rng.Int64N(20_000) + 1
				x := in{t: at, created: at, rule: "a", value: fmt.Sprint(rng.IntN(12))}
				if tt.name[0] == 't' {
					x.rule = []string{"a", "b", "c", "a", "a"}[rng.IntN(5)]
				}
				if rng.IntN(3) == 0 { // late
					x.created += rng.Int64N(Lateness - 1)
				}
				all = append(all, x)
			}
			var want []int64
			for i := range all {
				lo := sort.Search(i, func(j int) bool { return all[j].t > all[i].t-span })
				if tt.holds(all[lo : i+1]) {
					want = append(want, all[i].t)
				}
			}
			arrival := slices.Clone(all)
			slices.SortStableFunc(arrival, func(a, b in) int { return int(a.created - b.created) })
			for _, order := range [][]in{all, arrival} {
				c, set := correlator(t, tt.text)
				found := map[int64]bool{}
				most := 0
				for i, x := range order {
					for _, f := range feed(c, set, i, x) {
						found[f.Time] = true
					}
					for _, st := range c.nodes[0].states {
						most = max(most, len(st.hits))
					}
				}
				// Each window end found is one; each one that holds is covered by a firing inside a timespan.
				for at := range found {
					if !slices.Contains(want, at) {
						t.Fatalf("%s seed %d: fires at %d, where nothing holds", tt.name, seed, at)
					}
				}
				for _, at := range want {
					if !found[at] && !slices.ContainsFunc(want, func(o int64) bool { return o != at && found[o] && o <= at+span && o > at-span }) {
						t.Fatalf("%s seed %d: nothing near %d", tt.name, seed, at)
					}
				}
				if &order[0] == &all[0] && len(found) != len(want) {
					t.Errorf("%s seed %d: in order %d firings, want %d", tt.name, seed, len(found), len(want))
				}
				if most > 700 {
					t.Errorf("%s seed %d: kept %d of 1500 hits", tt.name, seed, most)
				}
			}
			if len(want) < 5 {
				t.Errorf("%s seed %d: only %d windows hold: the case shows nothing", tt.name, seed, len(want))
			}
		}
	}
}

func distinct(w []in) int {
	m := map[string]bool{}
	for _, x := range w {
		m[x.value] = true
	}
	return len(m)
}

func kinds(w []in) int {
	m := map[string]bool{}
	for _, x := range w {
		m[x.rule] = true
	}
	return len(m)
}

func sum(w []in) (n int) {
	for _, x := range w {
		v := 0
		fmt.Sscan(x.value, &v)
		n += v
	}
	return n
}

// sequence: a, then b, then the last hit is c.
func sequence(w []in) bool {
	want := []string{"a", "b", "c"}
	i := 0
	for j, x := range w {
		if i == 2 && j < len(w)-1 {
			continue
		}
		if x.rule == want[i] {
			if i++; i == 3 {
				return true
			}
		}
	}
	return false
}

// TestBounds: floods and many groups stay within the limits.
func TestBounds(t *testing.T) {
	c, set := correlator(t, "  type: value_count\n  rules: [a]\n  group-by: [V]\n  timespan: 1d\n  condition: {field: V, gte: 2}")
	c.maxKeys = 100
	for i := range 1000 {
		feed(c, set, i, in{t: int64(i), created: int64(i), rule: "a", value: fmt.Sprint(i)})
	}
	if c.Keys() != 100 || c.Evicted != 900 {
		t.Errorf("%d groups, %d evicted; want 100 and 900", c.Keys(), c.Evicted)
	}
	// a day and more later all of them are forgotten
	feed(c, set, 1000, in{t: 1 << 40, created: 1 << 40, rule: "a", value: "x"})
	if c.Keys() != 1 {
		t.Errorf("%d groups after their time, want 1", c.Keys())
	}
	c, set = correlator(t, "  type: event_count\n  rules: [a]\n  timespan: 1h\n  condition: {gte: 5}")
	fired := 0
	for i := range 60_000 { // all within the lateness
		fired += len(feed(c, set, i, in{t: int64(i), created: int64(i), rule: "a"}))
	}
	if n := len(c.nodes[0].head.hits); n > 3*MaxHits/2+16 {
		t.Errorf("a flood keeps %d hits", n)
	}
	if fired != 60_000-4 {
		t.Errorf("%d firings, want %d", fired, 60_000-4)
	}
}

func BenchmarkFeed(b *testing.B) {
	for _, tt := range []struct{ name, text string }{
		{"event_count", "  type: event_count\n  rules: [a]\n  group-by: [V]\n  timespan: 5m\n  condition: {gte: 10}"},
		{"temporal_ordered", "  type: temporal_ordered\n  rules: [a, b]\n  group-by: [V]\n  timespan: 5m"},
	} {
		b.Run(tt.name, func(b *testing.B) {
			c, set := correlator(b, tt.text)
			values := make([]string, 10_000)
			for i := range values {
				values[i] = fmt.Sprint("10.0.", i/256, ".", i%256)
			}
			e := &Event{Rules: []*sigma.Rule{set.Rule("a")}}
			v := ""
			e.Value = func(string) (string, bool) { return v, true }
			var out []Firing
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				v = values[i*7919%len(values)]
				e.Time, e.Created = int64(i)*10, int64(i)*10
				out = c.Feed(e, out[:0])
				i++
			}
		})
	}
}

// TestACorrelationThatFailsForgetsItsGroups: a fault of ours in one correlation is told, ends nothing, and the same correlation counts
// from nothing afterwards, as what it held cannot be trusted; the other one goes on with what it has.
func TestACorrelationThatFailsForgetsItsGroups(t *testing.T) {
	const text = "  type: event_count\n  rules: [a]\n  timespan: 60s\n  condition: {gte: 2}\n---\ntitle: other\nid: other\ncorrelation:\n" +
		"  type: event_count\n  rules: [a]\n  timespan: 60s\n  condition: {gte: 3}"
	c, set := correlator(t, text)
	var told []string
	c.Fault = func(r *sigma.Correlation, v any) { told = append(told, r.ID) }
	var fired []string
	for n := range 4 {
		if n == 1 {
			for _, node := range c.nodes {
				if node.c.ID == "corr" {
					node.states = nil // a new group has nowhere to go: a panic
				}
			}
		}
		for _, f := range feed(c, set, n, in{t: int64(1000 + n), created: int64(1000 + n), rule: "a"}) {
			fired = append(fired, fmt.Sprint(f.Correlation.ID, n))
		}
	}
	if fmt.Sprint(told) != "[corr]" {
		t.Errorf("told of %v, want corr once", told)
	}
	if fmt.Sprint(fired) != "[other2 corr3 other3]" {
		t.Errorf("fired %v, want other from its third hit on and corr at its second after the fault", fired)
	}
}

// TestARepeatedDocumentCountsOnce: what a shipper sends once more, as it had no answer, is no second hit; other documents of the same
// second are.
func TestARepeatedDocumentCountsOnce(t *testing.T) {
	for _, tt := range []struct{ name, text string }{
		{"event_count", "  type: event_count\n  rules: [a]\n  timespan: 60s\n  condition: {gte: 3}"},
		{"value_sum", "  type: value_sum\n  rules: [a]\n  timespan: 60s\n  condition: {field: V, gte: 3}"},
	} {
		c, set := correlator(t, tt.text)
		fired := ""
		for _, x := range []struct {
			id string
			t  int64
		}{{"s1", 5000}, {"s2", 6000}, {"s1", 5000}, {"s2", 6000}, {"s3", 6000}, {"s3", 6000}, {"s4", 5500}} {
			n := len(c.Feed(&Event{ID: x.id, Time: x.t, Created: 7000, Rules: []*sigma.Rule{set.Rule("a")},
				Value: func(string) (string, bool) { return "1", true }}, nil))
			fired += fmt.Sprint(x.id, ":", n, " ")
		}
		if want := "s1:0 s2:0 s1:0 s2:0 s3:1 s3:0 s4:1 "; fired != want {
			t.Errorf("%s: firings %s, want %s", tt.name, fired, want)
		}
	}
}

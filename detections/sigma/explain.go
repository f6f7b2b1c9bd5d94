package sigma

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"hoalu/ecs"
	"hoalu/soc"
)

// Bounds of an explanation: what people read, not a copy of the event.
const (
	maxLines = 200
	maxText  = 2048 // bytes of a value shown
	maxWants = 5    // values of a list named where none matched
)

// Explain says line by line what rule looked at in e. Each search identifier of the condition has a line of its own (Op "search",
// Matched: it held) and then one line for each value that matched, or one line for an item where none did. Identifiers under an odd
// number of nots are Negated: they help the rule when they do not match. Filters follow as "<filter title>: <identifier>".
func (m *Matcher) Explain(r *Rule, e *ecs.Event) []soc.Condition {
	m.load(e)
	x := &explainer{m: m}
	x.body("", r.detections, r.conditions)
	for _, f := range r.filters {
		x.body(f.Title+": ", f.detections, f.conditions)
	}
	return x.out
}

// Explain is Matcher.Explain with scratch memory of the Set's own.
func (s *Set) Explain(r *Rule, e *ecs.Event) []soc.Condition {
	m := s.pool.Get().(*Matcher)
	defer s.pool.Put(m)
	return m.Explain(r, e)
}

type explainer struct {
	m      *Matcher
	out    []soc.Condition
	search string
	neg    bool
}

func (x *explainer) body(prefix string, dets map[string]*detection, conds []*condition) {
	seen := map[string]bool{}
	var walk func(c *condition, neg bool)
	walk = func(c *condition, neg bool) {
		if c.op == 'i' {
			if seen[c.name] {
				return
			}
			seen[c.name] = true
			x.search, x.neg = prefix+c.name, neg
			x.add(soc.Condition{Op: "search", Want: c.name})
			at := len(x.out) - 1
			x.out[at].Matched = x.detection(dets[c.name])
			return
		}
		for _, k := range c.kids {
			walk(k, neg != (c.op == '!'))
		}
	}
	for _, c := range conds {
		walk(c, false)
	}
}

func (x *explainer) add(c soc.Condition) {
	if len(x.out) == maxLines {
		x.out = append(x.out, soc.Condition{Search: x.search, Op: "more", Want: "…"})
	}
	if len(x.out) > maxLines && c.Op != "search" {
		return
	}
	c.Search, c.Negated = x.search, x.neg
	x.out = append(x.out, c)
}

func (x *explainer) detection(d *detection) bool {
	if d.item != nil {
		return x.item(d.item)
	}
	ok := d.and
	for _, k := range d.kids {
		if held := x.detection(k); d.and {
			ok = ok && held
		} else {
			ok = ok || held
		}
	}
	return ok
}

func (x *explainer) item(it *item) bool {
	held := x.m.eval(it.node)
	hits := 0
	for i := range it.values {
		v := &it.values[i]
		matched := x.m.eval(v.node)
		if it.neq {
			matched = held
		}
		if matched || it.all || len(it.values) == 1 {
			if matched {
				if hits++; hits > maxWants && !it.all {
					continue
				}
			}
			x.add(soc.Condition{Field: it.field, Op: it.op, Want: cut(v.want), Got: cut(x.got(it, v.node)), Matched: matched})
		}
	}
	if hits == 0 && !it.all && len(it.values) > 1 {
		var wants []string
		for i := range it.values {
			if i == maxWants {
				wants = append(wants, fmt.Sprintf("… (+%d)", len(it.values)-maxWants))
				break
			}
			wants = append(wants, it.values[i].want)
		}
		x.add(soc.Condition{Field: it.field, Op: it.op, Want: cut(strings.Join(wants, " | ")), Got: cut(x.got(it, -1))})
	}
	return held
}

// got is the value of the event that satisfies a node, or else its first one.
func (x *explainer) got(it *item, node int32) string {
	m := x.m
	first := m.anyHead
	if it.field != "" {
		first = -1
		if slot := m.set.slots[it.field]; m.stamp[slot] == m.epoch {
			first = m.head[slot]
		}
	}
	if node >= 0 {
		atoms := []int32{node}
		if n := &m.set.nodes[node]; n.op != opAtom {
			atoms = n.kids
		}
		for _, id := range atoms {
			n := &m.set.nodes[id]
			if n.op != opAtom {
				continue
			}
			a := &m.set.atoms[n.atom]
			if a.kind == predNull || a.kind == predExists || a.kind == predMissing {
				continue
			}
			for i := first; i >= 0; i = m.vals[i].next {
				if m.vals[i].kind != ecs.Null && m.testValue(a, i) {
					return strings.Clone(m.vals[i].raw)
				}
			}
		}
	}
	if it.field == "" {
		return "" // no field matched a keyword; the first one says nothing
	}
	for i := first; i >= 0; i = m.vals[i].next {
		if m.vals[i].kind != ecs.Null {
			return strings.Clone(m.vals[i].raw)
		}
	}
	return ""
}

func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	n := maxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

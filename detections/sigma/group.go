package sigma

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"hoalu/ecs"
)

// group is what all events of one log source share: the rules that apply, their index and the names of fields.
type group struct {
	ls       ecs.Logsource
	rules    []int32
	always   []int32 // rules without a clause
	index    []*slotIndex
	any      *slotIndex
	keywords bool // some rule looks at all fields
	used     []bool

	// table says by ecs.Field what the field answers for: 0 not asked yet, 1 nothing, else lists[n-2].
	table atomic.Pointer[[]atomic.Int32]
	lists atomic.Pointer[[][]entry]
	mu    sync.Mutex // guards growth of table and lists

	sample *sample // nil once learned
}

// entry is one slot a field answers for; slot -1: keywords look at it.
type entry struct {
	slot int32
	prio uint8
}

const maxGroups = 2048

// newGroup compiles the rules of one log source. Cost says how often a trigger is expected to be pulled.
func (s *Set) newGroup(ls ecs.Logsource, cost func(trigger) float64) *group {
	g := &group{ls: ls, index: make([]*slotIndex, len(s.slots)), used: make([]bool, len(s.slots))}
	trigs := map[int32]map[trigger][]int32{}
	var mark func(n int32)
	seen := make([]bool, len(s.nodes))
	mark = func(n int32) {
		if seen[n] {
			return
		}
		seen[n] = true
		if nd := &s.nodes[n]; nd.op == opAtom {
			a := &s.atoms[nd.atom]
			if a.slot < 0 {
				g.keywords = true
			} else {
				g.used[a.slot] = true
			}
			if a.kind >= predFieldEqual {
				g.used[a.ref] = true
			}
		} else {
			for _, k := range nd.kids {
				mark(k)
			}
		}
	}
	for _, r := range s.Rules {
		if !r.LogSource.Applies(ls) {
			continue
		}
		g.rules = append(g.rules, r.index)
		mark(r.root)
		trig := s.necessary(r.root, cost)
		if trig == nil {
			g.always = append(g.always, r.index)
			continue
		}
		for _, t := range trig {
			m := trigs[t.slot]
			if m == nil {
				m = map[trigger][]int32{}
				trigs[t.slot] = m
			}
			if l := m[t]; len(l) == 0 || l[len(l)-1] != r.index {
				m[t] = append(l, r.index)
			}
		}
	}
	for slot, m := range trigs {
		x := newSlotIndex(m)
		if slot < 0 {
			g.any = x
		} else {
			g.index[slot] = x
		}
	}
	for _, k := range s.Correlations { // group-by and counted fields are wanted of every event
		for _, f := range slices.Concat(k.GroupBy, k.Fields) {
			g.used[s.slots[f]] = true
		}
		for _, m := range k.Aliases {
			for _, f := range m {
				g.used[s.slots[f]] = true
			}
		}
	}
	table := make([]atomic.Int32, 4096)
	lists := [][]entry{}
	g.table.Store(&table)
	g.lists.Store(&lists)
	return g
}

var (
	senderID      = ecs.Intern("hoalu.sender_event_id")
	senderCreated = ecs.Intern("hoalu.sender_event_created")
)

// fieldName is the name a sender gave; the parser keeps two of them under another one.
func fieldName(f ecs.Field) string {
	switch f {
	case senderID:
		return "event.id"
	case senderCreated:
		return "event.created"
	}
	return f.Name()
}

// keywordField reports whether keywords look at a field: not at what this product writes into events itself.
func keywordField(f ecs.Field) bool {
	if f == senderID || f == senderCreated {
		return true
	}
	name := f.Name()
	return !strings.HasPrefix(name, "hoalu.") && !strings.HasPrefix(name, "sigma.logsource.") && f != ecs.ECSVersion
}

// resolve finds what field f answers for and remembers it.
func (g *group) resolve(s *Set, f ecs.Field) int32 {
	g.mu.Lock()
	defer g.mu.Unlock()
	table := *g.table.Load()
	if int(f) >= len(table) {
		grown := make([]atomic.Int32, int(f)+int(f)/2+1)
		for i := range table {
			grown[i].Store(table[i].Load())
		}
		table = grown
		g.table.Store(&grown)
	}
	if n := table[f].Load(); n != 0 {
		return n
	}
	name := fieldName(f)
	names := []Name{{name, 0}}
	if strings.Contains(name, " ") {
		names = append(names, Name{strings.ReplaceAll(name, " ", ""), 1})
	}
	if s.taxonomy != nil {
		names = s.taxonomy.Names(names, g.ls, name)
	}
	var list []entry
	for _, n := range names {
		slot, ok := s.slots[n.Field]
		if !ok || !g.used[slot] || slices.ContainsFunc(list, func(e entry) bool { return e.slot == slot }) {
			continue
		}
		list = append(list, entry{slot, n.Prio})
	}
	if g.keywords && keywordField(f) {
		list = append(list, entry{slot: -1})
	}
	n := int32(1)
	if len(list) > 0 {
		lists := append(slices.Clone(*g.lists.Load()), list)
		g.lists.Store(&lists)
		n = int32(len(lists)) + 1
	}
	table[f].Store(n)
	return n
}

func (s *Set) group(key []byte, product, service string, cats []string) *group {
	s.mu.RLock()
	g := s.groups[string(key)]
	s.mu.RUnlock()
	if g != nil {
		return g
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[string(key)]; g != nil {
		return g
	}
	ls := ecs.Logsource{Product: strings.Clone(product), Service: strings.Clone(service)}
	for _, c := range cats {
		ls.Category = append(ls.Category, strings.Clone(c))
	}
	g = s.newGroup(ls, guess)
	g.sample = newSample(g)
	if len(s.groups) >= maxGroups {
		clear(s.groups)
	}
	s.groups[string(key)] = g
	return g
}

// Warm builds the groups that another Set has used, so that a reload does not build them between two events.
func (s *Set) Warm(old *Set) {
	old.mu.RLock()
	var seen []ecs.Logsource
	for _, g := range old.groups {
		seen = append(seen, g.ls)
	}
	old.mu.RUnlock()
	m := s.NewMatcher()
	for _, ls := range seen {
		var e ecs.Event
		e.SetLogsource(ls.Product, ls.Service, ls.Category...)
		m.findGroup(&e)
	}
}

package sigma

import (
	"slices"
	"sync"
	"sync/atomic"

	"hoalu/ecs"
)

// A group begins with guesses of how often each trigger is pulled. It keeps the values of some of its first events, counts which
// triggers they pull, chooses the clause of each rule anew by what was counted and takes the place of the first one. Only speed depends
// on it: any necessary clause finds the same rules. On process creation this halves the rules evaluated per event.
type sample struct {
	mu     sync.Mutex
	seen   int // events
	taken  int
	values map[int32][]sampled // by slot, folded; -1: any field
	done   bool
}

type sampled struct {
	text  string
	ascii bool
}

const (
	sampleEvery  = 3
	sampleEvents = 512
	sampleText   = 4096 // bytes of a value looked at
)

func newSample(g *group) *sample {
	if len(g.rules) < 20 {
		return nil // nothing to gain
	}
	return &sample{values: map[int32][]sampled{}}
}

// learn takes a sample of the loaded event; the call that completes the sample builds the group anew, which takes some tens of
// milliseconds once.
func (m *Matcher) learn() {
	g := m.group
	sm := g.sample
	if !sm.mu.TryLock() {
		return
	}
	defer sm.mu.Unlock()
	if sm.done {
		m.stale = true // the next group is there: find it at the next event
		return
	}
	if sm.seen++; sm.seen%sampleEvery != 0 {
		return
	}
	take := func(slot int32, first int32) {
		for i := first; i >= 0; i = m.vals[i].next {
			if v := &m.vals[i]; v.kind != ecs.Null {
				m.fold(v)
				s := v.folded
				if len(s) > sampleText {
					s = s[:sampleText]
				}
				sm.values[slot] = append(sm.values[slot], sampled{string([]byte(s)), v.ascii})
			}
		}
	}
	for _, slot := range m.touched {
		if g.used[slot] {
			take(slot, m.head[slot])
		}
	}
	if g.keywords {
		take(-1, m.anyHead)
	}
	if sm.taken++; sm.taken < sampleEvents {
		return
	}
	sm.done = true
	next := m.set.newGroup(g.ls, m.set.shares(g, sm))
	next.inherit(g)
	sm.values = nil
	m.set.mu.Lock()
	for key, old := range m.set.groups {
		if old == g {
			m.set.groups[key] = next
		}
	}
	m.set.mu.Unlock()
	m.stale = true
}

// inherit copies what fields answer for; both groups go on filling their own tables.
func (g *group) inherit(old *group) {
	old.mu.Lock()
	defer old.mu.Unlock()
	from := *old.table.Load()
	table := make([]atomic.Int32, len(from))
	for i := range from {
		table[i].Store(from[i].Load())
	}
	lists := slices.Clone(*old.lists.Load())
	g.table.Store(&table)
	g.lists.Store(&lists)
}

// shares counts how often each trigger any rule of the group could choose is pulled in the sample.
func (s *Set) shares(g *group, sm *sample) func(trigger) float64 {
	ids := map[trigger]int32{}
	var all []trigger
	collect := func(t trigger) float64 {
		if _, ok := ids[t]; !ok {
			ids[t] = int32(len(all))
			all = append(all, t)
		}
		return 1
	}
	for _, r := range g.rules {
		s.necessary(s.Rules[r].root, collect)
	}
	bySlot := map[int32]map[trigger][]int32{}
	for i, t := range all {
		if bySlot[t.slot] == nil {
			bySlot[t.slot] = map[trigger][]int32{}
		}
		bySlot[t.slot][t] = []int32{int32(i)}
	}
	count := make([]float64, len(all))
	last := make([]int, len(all))
	n := 0
	for slot, trigs := range bySlot {
		x := newSlotIndex(trigs)
		hit := func(ids []int32) {
			for _, id := range ids {
				if last[id] != n { // once a value, at however many places
					last[id] = n
					count[id]++
				}
			}
		}
		for _, v := range sm.values[slot] {
			n++
			if len(x.exists) > 0 {
				hit(x.exists)
			}
			x.probe(v.text, v.ascii, hit)
		}
	}
	return func(t trigger) float64 {
		id, ok := ids[t]
		if !ok {
			return guess(t)
		}
		return (count[id] + 2*guess(t)) / (float64(sm.taken) + 2)
	}
}

package sigma

import (
	"slices"
	"strings"
	"unsafe"

	"hoalu/ecs"
)

// val is one value of a slot.
type val struct {
	raw    string
	folded string
	kind   ecs.Kind
	ready  bool // folded is made
	ascii  bool
	next   int32 // in the same slot, -1 at the end
}

// Matcher is the scratch memory one goroutine needs to match events against a Set.
type Matcher struct {
	set   *Set
	epoch uint32

	stamp   []uint32 // by slot: epoch it was filled in
	head    []int32
	tail    []int32
	prio    []uint8
	touched []int32
	vals    []val
	anyHead int32
	anyTail int32
	buf     []byte

	memo  []uint32 // by atom: epoch*2 + result
	cand  []uint32 // by rule: epoch it became a candidate
	cands []int32

	key   []byte // log source of group
	cats  []string
	group *group
	stale bool   // group has a successor
	dfas  []*dfa // by expression, built as they are asked for
	hit   func([]int32)
	any   func([]int32)
	found bool // any was called
}

// NewMatcher makes scratch memory; a Matcher is not safe for concurrent use.
func (s *Set) NewMatcher() *Matcher {
	n := len(s.slots)
	m := &Matcher{
		set:   s,
		stamp: make([]uint32, n), head: make([]int32, n), tail: make([]int32, n), prio: make([]uint8, n),
		memo: make([]uint32, len(s.atoms)), cand: make([]uint32, len(s.Rules)), dfas: make([]*dfa, s.exprs),
	}
	m.hit = m.add
	m.any = func([]int32) { m.found = true }
	return m
}

// Match appends the rules that hold for e, in no order, those that only feed correlations included.
func (s *Set) Match(e *ecs.Event, dst []*Rule) []*Rule {
	m := s.pool.Get().(*Matcher)
	dst = m.Match(e, dst)
	s.pool.Put(m)
	return dst
}

// Match appends the rules that hold for e, in no order.
func (m *Matcher) Match(e *ecs.Event, dst []*Rule) []*Rule {
	m.load(e)
	g := m.group
	m.cands = append(m.cands[:0], g.always...)
	for _, slot := range m.touched {
		x := g.index[slot]
		if x == nil {
			continue
		}
		if len(x.exists) > 0 {
			m.add(x.exists)
		}
		for i := m.head[slot]; i >= 0; i = m.vals[i].next {
			if v := &m.vals[i]; v.kind != ecs.Null {
				m.fold(v)
				x.probe(v.folded, v.ascii, m.hit)
			}
		}
	}
	if g.any != nil {
		for i := m.anyHead; i >= 0; i = m.vals[i].next {
			if v := &m.vals[i]; v.kind != ecs.Null {
				m.fold(v)
				g.any.probe(v.folded, v.ascii, m.hit)
			}
		}
	}
	if g.sample != nil {
		m.learn()
	}
	for _, r := range m.cands {
		if m.eval(m.set.Rules[r].root) {
			dst = append(dst, m.set.Rules[r])
		}
	}
	return dst
}

// MatchEach is MatchNaive for an event that Match panicked on: each rule stands alone, and one that fails on the event is told to
// fault and does not hold; the others are decided. Where the event cannot be read at all, fault is told of no rule.
func (m *Matcher) MatchEach(e *ecs.Event, dst []*Rule, fault func(r *Rule, v any)) []*Rule {
	alone := func(r *Rule, do func()) {
		defer func() {
			if v := recover(); v != nil {
				fault(r, v)
			}
		}()
		do()
	}
	read := false
	alone(nil, func() { m.load(e); read = true })
	if !read {
		return dst
	}
	for _, i := range m.group.rules {
		r := m.set.Rules[i]
		alone(r, func() {
			if m.evalNaive(r.root) {
				dst = append(dst, r)
			}
		})
	}
	return dst
}

func (m *Matcher) add(rules []int32) {
	for _, r := range rules {
		if m.cand[r] != m.epoch {
			m.cand[r] = m.epoch
			m.cands = append(m.cands, r)
		}
	}
}

// MatchNaive is Match without index and memory of atoms: every rule that applies is evaluated. It is what Match is measured and
// tested against.
func (m *Matcher) MatchNaive(e *ecs.Event, dst []*Rule) []*Rule {
	m.load(e)
	for _, r := range m.group.rules {
		if m.evalNaive(m.set.Rules[r].root) {
			dst = append(dst, m.set.Rules[r])
		}
	}
	return dst
}

// Value is the first value that is not null of a rule field in the event matched last. The field must be one that a rule, a
// correlation or Options.Groups names.
func (m *Matcher) Value(field string) (string, bool) {
	slot, ok := m.set.slots[field]
	if !ok || m.stamp[slot] != m.epoch {
		return "", false
	}
	for i := m.head[slot]; i >= 0; i = m.vals[i].next {
		if v := &m.vals[i]; v.kind != ecs.Null {
			return v.raw, true
		}
	}
	return "", false
}

// load finds the group of e and files its values by slot.
func (m *Matcher) load(e *ecs.Event) {
	m.epoch++
	if m.epoch == 1<<31 { // memo holds epoch*2
		clear(m.stamp)
		clear(m.memo)
		clear(m.cand)
		m.epoch = 1
	}
	m.touched, m.vals, m.buf = m.touched[:0], m.vals[:0], m.buf[:0]
	m.anyHead, m.anyTail = -1, -1

	m.findGroup(e)
	g := m.group
	table, lists := *g.table.Load(), *g.lists.Load()
	for i, n := 0, e.Len(); i < n; i++ {
		f, v := e.At(i)
		var ref int32
		if int(f) < len(table) {
			ref = table[f].Load()
		}
		if ref < 2 {
			if ref == 1 {
				continue
			}
			if ref = g.resolve(m.set, f); ref == 1 {
				continue
			}
		}
		if int(ref)-2 >= len(lists) {
			table, lists = *g.table.Load(), *g.lists.Load()
		}
		for _, en := range lists[ref-2] {
			m.file(en, v)
		}
	}
	for _, vs := range m.set.virtual {
		if v, ok := e.Get(vs.field); ok && g.used[vs.slot] && m.stamp[vs.slot] != m.epoch {
			m.file(entry{slot: vs.slot}, v)
		}
	}
}

func (m *Matcher) file(en entry, v ecs.Value) {
	at := int32(len(m.vals))
	slot := en.slot
	if slot < 0 {
		m.vals = append(m.vals, val{raw: v.Text, kind: v.Kind, next: -1})
		if m.anyHead < 0 {
			m.anyHead = at
		} else {
			m.vals[m.anyTail].next = at
		}
		m.anyTail = at
		if v.Kind == ecs.Number {
			m.fileWhole(en, v)
		}
		return
	}
	switch {
	case m.stamp[slot] != m.epoch:
		m.stamp[slot] = m.epoch
		m.touched = append(m.touched, slot)
		m.head[slot], m.prio[slot] = at, en.prio
	case en.prio > m.prio[slot]:
		return
	case en.prio < m.prio[slot]:
		m.head[slot], m.prio[slot] = at, en.prio
	default:
		m.vals[m.tail[slot]].next = at
	}
	m.tail[slot] = at
	m.vals = append(m.vals, val{raw: v.Text, kind: v.Kind, next: -1})
	if v.Kind == ecs.Number {
		m.fileWhole(en, v)
	}
}

// fileWhole files a number once more without the zeros behind its point: shippers that keep all numbers as floating point write 4625 as
// 4625.0, and rules compare texts.
func (m *Matcher) fileWhole(en entry, v ecs.Value) {
	if whole, zeros, point := strings.Cut(v.Text, "."); point && strings.Trim(zeros, "0") == "" {
		m.file(en, ecs.Value{Text: whole, Kind: v.Kind})
	}
}

// findGroup reads the event's log source. Words that no rule and no alias table knows count as none, so that senders cannot make groups.
func (m *Matcher) findGroup(e *ecs.Event) {
	product, service := "", ""
	m.cats = m.cats[:0]
	for i, n := 0, e.Len(); i < n; i++ {
		switch f, v := e.At(i); f {
		case ecs.LogsourceProduct:
			product = v.Text
		case ecs.LogsourceService:
			service = v.Text
		case ecs.LogsourceCategory:
			if len(m.cats) < 8 && m.knows(v.Text) && !slices.Contains(m.cats, v.Text) {
				m.cats = append(m.cats, v.Text)
			}
		}
	}
	if !m.knows(product) {
		product = ""
	}
	if !m.knows(service) {
		service = ""
	}
	if len(m.cats) > 1 {
		slices.Sort(m.cats)
	}
	n := len(m.key)
	m.key = append(m.key, product...)
	m.key = append(m.key, 0)
	m.key = append(m.key, service...)
	for _, c := range m.cats {
		m.key = append(m.key, 0)
		m.key = append(m.key, c...)
	}
	if m.group != nil && !m.stale && string(m.key[:n]) == string(m.key[n:]) {
		m.key = m.key[:n]
		return
	}
	m.key = append(m.key[:0], m.key[n:]...)
	m.stale = false
	m.group = m.set.group(m.key, product, service, m.cats)
}

func (m *Matcher) knows(part string) bool {
	return part != "" && (m.set.known[part] || m.set.taxonomy != nil && m.set.taxonomy.Knows(part))
}

func (m *Matcher) fold(v *val) {
	if v.ready {
		return
	}
	v.ready = true
	if isFolded(v.raw) {
		v.folded, v.ascii = v.raw, true
		return
	}
	from := len(m.buf)
	m.buf = appendFolded(m.buf, v.raw)
	if len(m.buf) == from {
		v.ascii = true
		return
	}
	// m.buf may move when it grows; what was cut from the old array stays alive through the string.
	v.folded = unsafe.String(&m.buf[from], len(m.buf)-from)
	v.ascii = ascii(v.folded)
}

func (m *Matcher) eval(id int32) bool {
	n := &m.set.nodes[id]
	switch n.op {
	case opAtom:
		if st := m.memo[n.atom]; st>>1 == m.epoch {
			return st&1 != 0
		}
		ok := m.test(&m.set.atoms[n.atom])
		st := m.epoch << 1
		if ok {
			st |= 1
		}
		m.memo[n.atom] = st
		return ok
	case opAnd:
		for _, k := range n.kids {
			if !m.eval(k) {
				return false
			}
		}
		return true
	case opOr:
		for _, k := range n.kids {
			if m.eval(k) {
				return true
			}
		}
		return false
	case opNot:
		return !m.eval(n.kids[0])
	case opSet:
		return m.evalSet(n)
	}
	c := int32(0)
	for _, k := range n.kids {
		if m.eval(k) {
			c++
		}
	}
	return c >= n.n
}

func (m *Matcher) evalSet(n *node) bool {
	if m.stamp[n.slot] != m.epoch {
		return false
	}
	m.found = false
	for i := m.head[n.slot]; i >= 0; i = m.vals[i].next {
		if v := &m.vals[i]; v.kind != ecs.Null {
			m.fold(v)
			if n.set.probe(v.folded, v.ascii, m.any); m.found {
				return true
			}
		}
	}
	return false
}

func (m *Matcher) evalNaive(id int32) bool {
	n := &m.set.nodes[id]
	switch n.op {
	case opAtom:
		return m.test(&m.set.atoms[n.atom])
	case opAnd:
		for _, k := range n.kids {
			if !m.evalNaive(k) {
				return false
			}
		}
		return true
	case opOr:
		for _, k := range n.kids {
			if m.evalNaive(k) {
				return true
			}
		}
		return false
	case opNot:
		return !m.evalNaive(n.kids[0])
	case opSet:
		for _, k := range n.kids {
			if m.evalNaive(k) {
				return true
			}
		}
		return false
	}
	c := int32(0)
	for _, k := range n.kids {
		if m.evalNaive(k) {
			c++
		}
	}
	return c >= n.n
}

// test decides an atom for the loaded event.
func (m *Matcher) test(a *atom) bool {
	first := m.anyHead
	if a.slot >= 0 {
		first = -1
		if m.stamp[a.slot] == m.epoch {
			first = m.head[a.slot]
		}
	}
	switch a.kind {
	case predNull:
		for i := first; i >= 0; i = m.vals[i].next {
			if m.vals[i].kind == ecs.Null {
				return true
			}
		}
		return first < 0
	case predExists:
		return first >= 0
	case predMissing:
		return first < 0
	}
	for i := first; i >= 0; i = m.vals[i].next {
		if (m.vals[i].kind != ecs.Null || a.kind >= predFieldEqual) && m.testValue(a, i) {
			return true
		}
	}
	return false
}

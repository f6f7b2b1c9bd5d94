package sigma

import (
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

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

// holds reads a comparison by the operator.
func holds(op predKind, c int) bool {
	switch op {
	case predLT:
		return c < 0
	case predLTE:
		return c <= 0
	case predGT:
		return c > 0
	case predGTE:
		return c >= 0
	}
	return c == 0
}

func timePart(ms int64, part string) int64 {
	t := time.UnixMilli(ms).UTC()
	switch part {
	case "minute":
		return int64(t.Minute())
	case "hour":
		return int64(t.Hour())
	case "day":
		return int64(t.Day())
	case "week":
		_, w := t.ISOWeek()
		return int64(w)
	case "month":
		return int64(t.Month())
	}
	return int64(t.Year())
}

func containsAny(s string, literals []string) bool {
	for _, l := range literals {
		if strings.Contains(s, l) {
			return true
		}
	}
	return false
}

// text is the value as an atom compares it.
func (m *Matcher) text(v *val, cased bool) string {
	if cased {
		return v.raw
	}
	m.fold(v)
	return v.folded
}

func (m *Matcher) testValue(a *atom, i int32) bool {
	v := &m.vals[i]
	switch a.kind {
	case predEqual:
		return m.text(v, a.cased) == a.text
	case predPrefix:
		return strings.HasPrefix(m.text(v, a.cased), a.text)
	case predSuffix:
		return strings.HasSuffix(m.text(v, a.cased), a.text)
	case predContains:
		return strings.Contains(m.text(v, a.cased), a.text)
	case predGlob:
		return a.glob.match(m.text(v, a.cased))
	case predPresent:
		return true
	case predRegexp:
		if len(v.raw) < a.min {
			return false
		}
		if len(a.must) > 0 {
			m.fold(v)
			for _, set := range a.must {
				if !containsAny(v.folded, set) {
					return false
				}
			}
		}
		if a.dfa != nil {
			d := m.dfas[a.nth]
			if d == nil {
				d = newDFAStates(a.dfa)
				m.dfas[a.nth] = d
			}
			if found, ok := d.match(v.raw); ok {
				return found
			}
		}
		return a.re.MatchString(v.raw)
	case predCIDR:
		addr, err := netip.ParseAddr(v.raw)
		return err == nil && a.net.Contains(addr.Unmap().WithZone(""))
	case predLT, predLTE, predGT, predGTE:
		x, ok := parseNumber(v.raw)
		if !ok {
			return false
		}
		return holds(a.kind, x.compare(a.num))
	case predTime:
		ms, ok := ecs.ParseTime(v.raw, v.kind)
		return ok && holds(a.than, number{whole: true, i: timePart(ms, a.part)}.compare(a.num))
	}
	// fieldref: two fields that are there; null is as empty text
	if m.stamp[a.ref] != m.epoch {
		return false
	}
	s := m.text(v, a.cased)
	for j := m.head[a.ref]; j >= 0; j = m.vals[j].next {
		t := m.text(&m.vals[j], a.cased)
		switch a.kind {
		case predFieldEqual:
			if s == t {
				return true
			}
		case predFieldPrefix:
			if strings.HasPrefix(s, t) {
				return true
			}
		case predFieldSuffix:
			if strings.HasSuffix(s, t) {
				return true
			}
		case predFieldContains:
			if strings.Contains(s, t) {
				return true
			}
		}
	}
	return false
}

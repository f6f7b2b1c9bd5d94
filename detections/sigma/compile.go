package sigma

import (
	"maps"
	"math"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hoalu/ecs"
	"hoalu/internal/wording"
)

// Name says that an event field answers for a rule field.
type Name struct {
	Field string
	Prio  uint8 // 0 is the exact name; of several event fields the least wins
}

// Taxonomy maps the field names of events to those of rules.
type Taxonomy interface {
	// Names appends the rule fields that event field name answers for in events of ls; the exact name need not be among them.
	Names(dst []Name, ls ecs.Logsource, name string) []Name
	// Knows reports whether a product, service or category selects names of its own.
	Knows(part string) bool
}

// Options of Compile.
type Options struct {
	Taxonomy Taxonomy // nil: exact names only
	Groups   []string // more field names a Matcher shall resolve (group-by and counted fields of correlations)
}

// atom is a pred on a slot, shared by all rules that have the same one.
type atom struct {
	kind  predKind
	cased bool
	slot  int32 // -1: any field
	ref   int32 // fieldref: the other slot
	text  string
	glob  *glob
	re    *regexp.Regexp
	dfa   *dfaProgram // nil: re alone
	nth   int32       // number of the expression in the Set
	min   int         // re: least length in bytes of a value that can match
	must  [][]string  // re: of each set one literal must be in the folded value
	net   netip.Prefix
	num   number
	part  string   // predTime
	than  predKind // predTime
	cost  uint8
}

const (
	opAtom = iota
	opAnd
	opOr
	opNot
	opAtLeast
	opSet // one of kids, all literals of one slot: looked for at once
)

type node struct {
	op   uint8
	n    int32 // opAtLeast
	atom int32
	kids []int32
	set  *slotIndex // opSet
	slot int32      // opSet
	cost uint32
}

// Set is the compiled rules; immutable.
type Set struct {
	Rules        []*Rule
	Correlations []*Correlation

	taxonomy Taxonomy
	slots    map[string]int32
	atoms    []atom
	exprs    int32 // regular expressions among atoms
	nodes    []node
	virtual  []virtualSlot
	byKey    map[string]*Rule // id and name
	known    map[string]bool  // words of log sources some rule or alias table uses

	mu     sync.RWMutex
	groups map[string]*group // guarded by mu
	pool   sync.Pool
}

// virtualSlot is a slot answered from an Event's own struct fields.
type virtualSlot struct {
	slot  int32
	field ecs.Field
}

type compiler struct {
	set   *Set
	atoms map[string]int32
}

// Compile makes one Set of documents from any number of files. What is refused here is returned; documents are used as they are and
// must not be compiled twice.
func Compile(d *Documents, opt Options) (*Set, []Refusal) {
	s := &Set{
		taxonomy: opt.Taxonomy,
		slots:    map[string]int32{},
		byKey:    map[string]*Rule{},
		known:    map[string]bool{},
		groups:   map[string]*group{},
	}
	s.pool.New = func() any { return s.NewMatcher() }
	c := &compiler{set: s, atoms: map[string]int32{}}
	var refused []Refusal
	seen := map[string]string{}
	unique := func(m *Meta) bool {
		if file, ok := seen[m.ID]; ok {
			refused = append(refused, Refusal{m.File, m.Line, m.Title, wording.New("id %s is used already in %s", m.ID, file)})
			return false
		}
		seen[m.ID] = m.File
		return true
	}
	for _, r := range d.Rules {
		if !unique(&r.Meta) {
			continue
		}
		r.filters = nil
		for _, f := range d.Filters {
			if f.appliesTo(r) {
				r.filters = append(r.filters, f)
			}
		}
		r.index = int32(len(s.Rules))
		r.root = c.rule(r)
		s.Rules = append(s.Rules, r)
		for _, part := range []string{r.LogSource.Product, r.LogSource.Service, r.LogSource.Category} {
			s.known[part] = true
		}
		s.byKey[r.ID] = r
	}
	for _, r := range s.Rules {
		if _, taken := s.byKey[r.Name]; r.Name != "" && !taken {
			s.byKey[r.Name] = r
		}
	}
	refused = append(refused, s.link(d.Correlations, unique)...)
	for _, k := range s.Correlations {
		for _, f := range k.GroupBy {
			s.slot(f)
		}
		for _, f := range k.Fields {
			s.slot(f)
		}
		for _, m := range k.Aliases {
			for _, f := range m {
				s.slot(f)
			}
		}
	}
	for _, f := range opt.Groups {
		s.slot(f)
	}
	for _, f := range []ecs.Field{ecs.Timestamp, ecs.EventIngested, ecs.SystemID, ecs.SourceID} {
		if slot, ok := s.slots[f.Name()]; ok {
			s.virtual = append(s.virtual, virtualSlot{slot, f})
		}
	}
	return s, refused
}

func (f *Filter) appliesTo(r *Rule) bool {
	if !f.LogSource.contains(r.LogSource) {
		return false
	}
	return f.Any || slices.Contains(f.Rules, r.ID) || r.Name != "" && slices.Contains(f.Rules, r.Name)
}

// Rule finds a rule by id or name.
func (s *Set) Rule(key string) *Rule { return s.byKey[key] }

func (s *Set) slot(field string) int32 {
	if i, ok := s.slots[field]; ok {
		return i
	}
	i := int32(len(s.slots))
	s.slots[field] = i
	return i
}

func (c *compiler) add(n node) int32 {
	c.set.nodes = append(c.set.nodes, n)
	return int32(len(c.set.nodes) - 1)
}

func (c *compiler) join(op uint8, kids []int32) int32 {
	if len(kids) == 1 {
		return kids[0]
	}
	n := node{op: op, kids: kids}
	for _, k := range kids {
		n.cost += c.set.nodes[k].cost
	}
	// cheap ones first; the order has no meaning
	slices.SortStableFunc(n.kids, func(a, b int32) int { return int(c.set.nodes[a].cost) - int(c.set.nodes[b].cost) })
	if op == opOr {
		return c.literals(n)
	}
	return c.add(n)
}

// minSet is how many literals are looked for at once rather than one by one.
const minSet = 4

// literals turns the literals of an or into one opSet for each slot that has many.
func (c *compiler) literals(n node) int32 {
	bySlot := map[int32][]int32{}
	var rest []int32
	for _, k := range n.kids {
		kid := &c.set.nodes[k]
		if kid.op == opAtom {
			a := &c.set.atoms[kid.atom]
			if a.kind <= predContains && !a.cased && a.slot >= 0 && a.text != "" {
				bySlot[a.slot] = append(bySlot[a.slot], k)
				continue
			}
		}
		rest = append(rest, k)
	}
	for _, slot := range slices.Sorted(maps.Keys(bySlot)) {
		kids := bySlot[slot]
		if len(kids) < minSet {
			rest = append(rest, kids...)
			continue
		}
		trigs := map[trigger][]int32{}
		for _, k := range kids {
			a := &c.set.atoms[c.set.nodes[k].atom]
			trigs[trigger{slot, a.kind, a.text}] = one
		}
		rest = append(rest, c.add(node{op: opSet, kids: kids, slot: slot, set: newSlotIndex(trigs), cost: 12}))
	}
	if len(rest) == 1 {
		return rest[0]
	}
	slices.SortStableFunc(rest, func(a, b int32) int { return int(c.set.nodes[a].cost) - int(c.set.nodes[b].cost) })
	n.kids = rest
	n.cost = 0
	for _, k := range rest {
		n.cost += c.set.nodes[k].cost
	}
	return c.add(n)
}

var one = []int32{0}

func (c *compiler) rule(r *Rule) int32 {
	kids := []int32{c.body(r.detections, r.conditions)}
	for _, f := range r.filters {
		kids = append(kids, c.body(f.detections, f.conditions))
	}
	return c.join(opAnd, kids)
}

func (c *compiler) body(dets map[string]*detection, conds []*condition) int32 {
	built := map[string]int32{}
	var kids []int32
	for _, cond := range conds {
		kids = append(kids, c.condition(cond, dets, built))
	}
	return c.join(opOr, kids)
}

func (c *compiler) condition(k *condition, dets map[string]*detection, built map[string]int32) int32 {
	if k.op == 'i' {
		n, ok := built[k.name]
		if !ok {
			n = c.detection(dets[k.name])
			built[k.name] = n
		}
		return n
	}
	var kids []int32
	for _, x := range k.kids {
		kids = append(kids, c.condition(x, dets, built))
	}
	switch k.op {
	case 'a':
		return c.join(opAnd, kids)
	case 'o':
		return c.join(opOr, kids)
	case '!':
		return c.add(node{op: opNot, kids: kids, cost: c.set.nodes[kids[0]].cost})
	}
	n := c.join(opAtLeast, kids)
	if len(kids) > 1 {
		c.set.nodes[n].n = int32(k.n)
	}
	return n
}

func (c *compiler) detection(d *detection) int32 {
	if d.item != nil {
		return c.item(d.item)
	}
	var kids []int32
	for _, k := range d.kids {
		kids = append(kids, c.detection(k))
	}
	if d.and {
		return c.join(opAnd, kids)
	}
	return c.join(opOr, kids)
}

func (c *compiler) item(it *item) int32 {
	it.node = c.itemNode(it)
	return it.node
}

func (c *compiler) itemNode(it *item) int32 {
	var kids []int32
	for i := range it.values {
		kids = append(kids, c.value(it, &it.values[i]))
	}
	if it.neq {
		n := c.join(opOr, kids)
		n = c.add(node{op: opNot, kids: []int32{n}, cost: c.set.nodes[n].cost})
		return c.join(opAnd, []int32{c.pred(it.field, pred{kind: predPresent}), n})
	}
	if it.all {
		return c.join(opAnd, kids)
	}
	return c.join(opOr, kids)
}

func (c *compiler) value(it *item, v *value) int32 {
	var kids []int32
	for _, p := range v.preds {
		kids = append(kids, c.pred(it.field, p))
	}
	v.node = c.join(opOr, kids)
	return v.node
}

func (c *compiler) pred(field string, p pred) int32 {
	var key strings.Builder
	key.WriteString(strconv.Itoa(int(p.kind)))
	if p.cased {
		key.WriteByte('c')
	}
	key.WriteByte(0)
	key.WriteString(field)
	key.WriteByte(0)
	key.WriteString(p.text)
	key.WriteString(p.part)
	key.WriteByte(byte(p.than))
	for _, x := range p.glob {
		key.WriteByte(byte(x.kind) + 1)
		key.WriteString(x.text)
	}
	if id, ok := c.atoms[key.String()]; ok {
		return id
	}
	a := atom{kind: p.kind, cased: p.cased, slot: -1, text: p.text, cost: 4}
	if field != "" {
		a.slot = c.set.slot(field)
	}
	switch p.kind {
	case predEqual, predPrefix, predSuffix:
		a.cost = 2
	case predNull, predExists, predMissing, predPresent:
		a.cost = 1
	case predContains:
		a.cost = 6
	case predGlob:
		a.glob, a.cost = newGlob(p.glob), 12
	case predRegexp:
		a.re, a.cost = regexp.MustCompile(p.text), 200
		a.min, a.must = analyse(p.text)
		a.dfa, a.nth = newDFA(p.text), c.set.exprs
		c.set.exprs++
	case predCIDR:
		a.net, a.cost = netip.MustParsePrefix(p.text), 20
		if a.net.Addr().Is4In6() && a.net.Bits() >= 96 {
			a.net = netip.PrefixFrom(a.net.Addr().Unmap(), a.net.Bits()-96)
		}
	case predLT, predLTE, predGT, predGTE:
		a.num, _ = parseNumber(p.text)
	case predTime:
		a.num, _ = parseNumber(p.text)
		a.part, a.than, a.cost = p.part, p.than, 40
	case predFieldEqual, predFieldPrefix, predFieldSuffix, predFieldContains:
		a.ref, a.cost = c.set.slot(p.text), 10
	}
	if a.slot < 0 {
		a.cost = uint8(min(int(a.cost)*10, 250))
	}
	c.set.atoms = append(c.set.atoms, a)
	id := c.add(node{op: opAtom, atom: int32(len(c.set.atoms) - 1), cost: uint32(a.cost)})
	c.atoms[key.String()] = id
	return id
}

// A trigger is a literal in a slot (folded) such that a rule can hold only if one of its triggers does.
type trigger struct {
	slot int32 // -1: any field
	kind predKind
	text string
}

type clause struct {
	trigs []trigger
	cost  float64 // expected share of events that pull it
}

// necessary finds the cheapest clause of triggers of which one must hold for the node to hold; nil: there is none and the rule
// is looked at for every event. Cost is the expected share of events that pull a trigger.
func (s *Set) necessary(n int32, cost func(trigger) float64) []trigger {
	c := clauses{s, cost}
	cl, ok := c.clause(n, false)
	if !ok || len(cl.trigs) > 5000 {
		return nil
	}
	return cl.trigs
}

type clauses struct {
	set         *Set
	triggerCost func(trigger) float64
}

func (c clauses) clause(id int32, negated bool) (clause, bool) {
	n := &c.set.nodes[id]
	switch n.op {
	case opAtom:
		if negated {
			return clause{}, false
		}
		return c.atomClause(&c.set.atoms[n.atom])
	case opNot:
		return c.clause(n.kids[0], !negated)
	case opAtLeast:
		if negated {
			return clause{}, false
		}
		var all []clause
		for _, k := range n.kids {
			if cl, ok := c.clause(k, false); ok {
				all = append(all, cl)
			}
		}
		need := len(n.kids) - int(n.n) + 1 // of any so many kids one must hold
		if len(all) < need {
			return clause{}, false
		}
		slices.SortFunc(all, func(a, b clause) int { return cmpFloat(a.cost, b.cost) })
		return union(all[:need]), true
	}
	if n.op == opSet && negated {
		return clause{}, false // literals only: none is known to be there
	}
	if (n.op == opAnd) != negated { // all kids hold: the cheapest will do
		best, found := clause{}, false
		for _, k := range n.kids {
			if cl, ok := c.clause(k, negated); ok && (!found || cl.cost < best.cost) {
				best, found = cl, true
			}
		}
		return best, found
	}
	var all []clause
	for _, k := range n.kids {
		cl, ok := c.clause(k, negated)
		if !ok {
			return clause{}, false
		}
		all = append(all, cl)
	}
	return union(all), true
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func union(all []clause) clause {
	var out clause
	for _, cl := range all {
		out.trigs = append(out.trigs, cl.trigs...)
		out.cost += cl.cost
	}
	return out
}

func (c clauses) atomClause(a *atom) (clause, bool) {
	text := a.text
	if a.cased {
		text = foldString(text)
	}
	one := func(kind predKind, text string) (clause, bool) {
		t := trigger{a.slot, kind, text}
		return clause{[]trigger{t}, c.triggerCost(t)}, true
	}
	switch a.kind {
	case predEqual, predPrefix, predSuffix, predContains:
		if text == "" && a.kind != predEqual {
			return one(predPresent, "")
		}
		return one(a.kind, text)
	case predPresent:
		return one(predPresent, "")
	case predGlob:
		best := ""
		for _, seg := range a.glob.segs {
			for _, x := range seg {
				if x.kind == partText && len(x.text) > len(best) {
					best = x.text
				}
			}
		}
		if best == "" {
			return one(predPresent, "")
		}
		return one(predContains, foldString(best))
	case predRegexp:
		if len(a.must) == 0 {
			if a.min > 64 {
				cl, ok := one(predPresent, "")
				cl.cost = 0.3
				return cl, ok
			}
			return one(predPresent, "")
		}
		var all []clause
		for _, t := range a.must[0] {
			cl, _ := one(predContains, t)
			all = append(all, cl)
		}
		return union(all), true
	case predCIDR, predLT, predLTE, predGT, predGTE, predTime:
		return one(predPresent, "")
	case predExists, predFieldEqual, predFieldPrefix, predFieldSuffix, predFieldContains:
		return one(predExists, "")
	}
	return clause{}, false
}

// guess is the share of events whose value may pull the trigger, before anything is known of the values. Figures are
// measured shares on Windows telemetry, rounded.
func guess(t trigger) float64 {
	kind, text := t.kind, t.text
	n := float64(len(text))
	p := 0.0
	switch kind {
	case predEqual:
		p = 0.03 * math.Pow(0.9, n)
		if n <= 5 {
			p = 0.05 // event codes, ports, true and false
		}
	case predSuffix:
		p = 0.05 * math.Pow(0.93, n)
	case predPrefix:
		p = 0.25 * math.Pow(0.9, n)
	case predContains:
		p = 0.5 * math.Pow(0.75, n)
		if n < 4 {
			p += 0.2
		}
	case predPresent:
		return 0.9
	case predExists:
		return 0.95
	}
	if common[text] {
		p += 0.05
	}
	return p
}

// common are names so usual in process telemetry that they select little.
var common = func() map[string]bool {
	m := map[string]bool{}
	for _, s := range strings.Fields(`\cmd.exe cmd.exe \powershell.exe powershell.exe \pwsh.exe pwsh.dll \svchost.exe \rundll32.exe \explorer.exe .exe .dll .ps1
		\services.exe \lsass.exe \conhost.exe \wmiprvse.exe c:\windows\ \windows\ \system32\ \users\ \appdata\ http https true false - / powershell cmd`) {
		m[s] = true
	}
	return m
}()

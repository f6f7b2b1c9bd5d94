package local

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sort"
	"sync/atomic"

	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/ecs/query"
)

// plan is a compiled search.
type plan struct {
	query.Search
	root    *step
	matcher *query.Matcher
	cursor  *cursor
	aggs    []aggregation // Search.Aggs with their fields bound
	stopped *atomic.Bool  // the answer is not waited for any more: patterns hold for nothing then
}

// aggregation is an Agg whose field is found by name, as no event may have used it when the query was read.
type aggregation struct {
	query.Agg
	bound *ecs.Bound
}

// cursor is the position after which a page begins: the order is by (time, id), which compaction does not change.
type cursor struct {
	Time int64  `json:"t"`
	ID   string `json:"i"`
}

func (c cursor) String() string {
	b, _ := json.Marshal(c) // two plain fields cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string) (*cursor, error) {
	if s == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", query.ErrCursor, err)
	}
	c := new(cursor)
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("%w: %w", query.ErrCursor, err)
	}
	if c.ID == "" {
		return nil, fmt.Errorf("%w: it names no event", query.ErrCursor)
	}
	return c, nil
}

// Bounds of a search.
const (
	maxBuckets  = 50_000                    // of a histogram
	maxTop      = 10_000                    // values that a terms aggregation shows
	maxAggs     = 64                        // of a search
	maxInterval = 100 * 366 * 24 * 3600_000 // ms
	maxTime     = 1 << 60                   // ms before and after 1970 that a search may begin or end: room for a bucket on either side
)

// steps is how many whole intervals lie between from and to, whatever they are: times of a search come from people and senders, and
// the difference of two int64 need not fit into one.
func steps(from, to, interval int64) uint64 {
	if to <= from {
		return 0
	}
	return (uint64(to) - uint64(from)) / uint64(interval)
}

func newPlan(s query.Search) (*plan, error) {
	fail := func(err error) (*plan, error) { return nil, fmt.Errorf("%w: %w", store.ErrQuery, err) }
	if s.From != 0 { // 0 is open
		s.From = min(max(s.From, -maxTime), maxTime)
	}
	if s.To != 0 {
		s.To = min(max(s.To, -maxTime), maxTime)
	}
	p := &plan{Search: s, stopped: new(atomic.Bool)}
	asked := query.Until(p.stopped, s.Query)
	var err error
	if p.matcher, err = query.Compile(asked); err != nil {
		return fail(err)
	}
	if p.root, err = newStep(asked); err != nil {
		return fail(err)
	}
	if p.cursor, err = parseCursor(s.After); err != nil {
		return nil, err
	}
	if len(s.Aggs) > maxAggs {
		return fail(fmt.Errorf("%d aggregations, at most %d are answered at once", len(s.Aggs), maxAggs))
	}
	for _, a := range s.Aggs {
		switch a.Kind {
		case query.AggTerms:
			if a.Size > maxTop {
				return fail(fmt.Errorf("aggregation %q: at most %d values are shown", a.Name, maxTop))
			}
		case query.AggCardinality:
		case query.AggHistogram:
			if a.Interval <= 0 || a.Interval > maxInterval {
				return fail(fmt.Errorf("aggregation %q: the interval must be positive and at most 100 years", a.Name))
			}
			if s.From != 0 && s.To != 0 && steps(s.From, s.To, a.Interval) > maxBuckets {
				return fail(fmt.Errorf("aggregation %q: more than %d intervals between from and to; use a longer interval", a.Name, maxBuckets))
			}
		default:
			return fail(fmt.Errorf("aggregation %q is of unknown kind %q", a.Name, a.Kind))
		}
		bound, ok := ecs.Bind(a.Field)
		if !ok {
			return fail(fmt.Errorf("aggregation %q: the name of its field was forgotten while the query waited", a.Name))
		}
		p.aggs = append(p.aggs, aggregation{a, bound})
	}
	return p, nil
}

// inTime reports whether a time lies in the searched range.
func (p *plan) inTime(t int64) bool { return (p.From == 0 || t >= p.From) && (p.To == 0 || t < p.To) }

// overlaps reports whether some time in [lo, hi] can be in range, and whether all are.
func (p *plan) overlaps(lo, hi int64) (some, all bool) {
	some = (p.From == 0 || hi >= p.From) && (p.To == 0 || lo < p.To)
	all = (p.From == 0 || lo >= p.From) && (p.To == 0 || hi < p.To)
	return
}

// less is the order of results: newest first, or oldest when ascending.
func (p *plan) less(a, b *hit) bool {
	if a.time != b.time {
		return (a.time > b.time) != p.Ascending
	}
	if a.id != b.id {
		return (a.id > b.id) != p.Ascending
	}
	return false
}

// past reports whether a hit comes after the cursor.
func (p *plan) past(time int64, id string) bool {
	if p.cursor == nil {
		return true
	}
	if time != p.cursor.Time {
		return (time < p.cursor.Time) != p.Ascending
	}
	return id != p.cursor.ID && (id < p.cursor.ID) != p.Ascending
}

// pastTime is past by time alone: 1 surely, 0 it depends on the id, -1 not.
func (p *plan) pastTime(time int64) int {
	switch {
	case p.cursor == nil:
		return 1
	case time == p.cursor.Time:
		return 0
	case (time < p.cursor.Time) != p.Ascending:
		return 1
	}
	return -1
}

type op uint8

const (
	opAll op = iota
	opNone
	opTest
	opAnd
	opOr
	opNot
)

// step is a node of the search tree with compiled tests.
type step struct {
	op   op
	test *query.Test
	kids []*step
}

func newStep(n query.Node) (*step, error) {
	list := func(op op, nodes []query.Node) (*step, error) {
		s := &step{op: op}
		for _, k := range nodes {
			kid, err := newStep(k)
			if err != nil {
				return nil, err
			}
			s.kids = append(s.kids, kid)
		}
		return s, nil
	}
	switch n := n.(type) {
	case nil, query.All:
		return &step{op: opAll}, nil
	case query.None:
		return &step{op: opNone}, nil
	case query.And:
		return list(opAnd, n)
	case query.Or:
		return list(opOr, n)
	case query.Not:
		return list(opNot, []query.Node{n.Node})
	}
	t, err := query.NewTest(n)
	return &step{op: opTest, test: t}, err
}

// verdict says what can be known of a whole part without reading its events.
type verdict uint8

const (
	maybe  verdict = iota
	never          // no event satisfies
	always         // every event does
)

// facts is what is known of a part without reading it.
type facts struct {
	system    string
	hasSystem bool                        // all events are of system
	has       func(key uint64) bool       // token filter
	id        func(key uint64) bool       // filter of event ids; nil: they are in has
	numbers   bool                        // the token filter holds numbers as well
	field     func(name string) fieldFact // nil: unknown
}

// fieldFact is what is known of a field in a part.
type fieldFact struct {
	absent  bool // no event has it
	numbers bool // some values are numbers or booleans, which a token filter without numbers does not hold
}

func (s *step) judge(f *facts) verdict {
	switch s.op {
	case opAll:
		return always
	case opNone:
		return never
	case opTest:
		return judgeTest(s.test, f)
	case opNot:
		switch s.kids[0].judge(f) {
		case never:
			return always
		case always:
			return never
		}
		return maybe
	case opAnd:
		v := always
		for _, k := range s.kids {
			switch k.judge(f) {
			case never:
				return never
			case maybe:
				v = maybe
			}
		}
		return v
	}
	v := never
	for _, k := range s.kids {
		switch k.judge(f) {
		case always:
			return always
		case maybe:
			v = maybe
		}
	}
	return v
}

func judgeTest(t *query.Test, f *facts) verdict {
	switch {
	case t.Any:
		if !t.MayKeys(func(k uint64) bool { return f.has(k) || f.id != nil && f.id(k) }) {
			return never
		}
		return maybe
	case t.Field == ecs.SystemID && f.hasSystem:
		if f.system != "" && t.Text(f.system) {
			return always
		}
		return never
	case t.Field == ecs.EventID:
		has := f.has
		if f.id != nil {
			has = f.id
		}
		if _, exact := t.AsTerms(); exact && !t.MayKeys(has) {
			return never
		}
		return maybe
	case t.Field == ecs.Timestamp, t.Field == ecs.EventCreated, t.Field == ecs.EventIngested:
		return maybe
	case t.Field == ecs.SystemID, t.Field == ecs.SourceID:
		if !t.MayKeys(f.has) {
			return never
		}
		return maybe
	}
	ff := fieldFact{numbers: true}
	if f.field != nil {
		ff = f.field(t.Name())
	}
	if ff.absent {
		return never
	}
	if (f.numbers || !ff.numbers) && !t.MayKeys(f.has) {
		return never
	}
	return maybe
}

// hit is a candidate of the page that is returned.
type hit struct {
	time int64
	id   string
	e    *ecs.Event // of memory and first-level segments
	size int        // of e
	file *file      // of filed segments, read at the end
	row  int32
}

// partial is what the scan of one part gives.
type partial struct {
	count int64
	hits  []hit
	bytes int // of the events of hits
	aggs  []aggState
	// floor, when set, is the worst hit of a full page: what is not before it need not be kept.
	floor *hit
}

// offer takes a hit if it can be on the page.
func (o *partial) offer(p *plan, h hit) {
	if p.Limit <= 0 || !p.past(h.time, h.id) || o.floor != nil && !p.less(&h, o.floor) {
		return
	}
	o.hits = append(o.hits, h)
	o.bytes += h.size
	if len(o.hits) >= 2*p.Limit+64 || o.heavy(p) {
		o.trim(p)
	}
}

// heavy reports whether the hits hold so much more than a page that they should be trimmed.
func (o *partial) heavy(p *plan) bool {
	return p.MaxBytes > 0 && o.bytes > 2*p.MaxBytes && len(o.hits) > 1
}

func (o *partial) trim(p *plan) {
	sort.Slice(o.hits, func(i, j int) bool { return p.less(&o.hits[i], &o.hits[j]) })
	if len(o.hits) > p.Limit {
		o.hits = o.hits[:p.Limit]
	}
	full := len(o.hits) == p.Limit
	o.bytes = 0
	for i := range o.hits {
		o.bytes += o.hits[i].size
		if p.MaxBytes > 0 && o.bytes >= p.MaxBytes { // whatever stands behind this hit is of another page
			clear(o.hits[i+1:]) // the events there are free to go
			o.hits, full = o.hits[:i+1], true
			break
		}
	}
	if full && len(o.hits) > 0 {
		last := o.hits[len(o.hits)-1]
		last.e = nil
		o.floor = &last
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// scanEvents evaluates a plan on events in memory.
func scanEvents(ctx context.Context, events []*ecs.Event, p *plan, out *partial) error {
	for i, e := range events {
		if (i&1023 == 0 || p.stopped.Load()) && ctx.Err() != nil { // an event has up to a megabyte
			return ctx.Err()
		}
		if !p.inTime(e.Time) || !p.matcher.Match(e) {
			continue
		}
		out.count++
		out.offer(p, hit{time: e.Time, id: e.ID, e: e, size: e.Size()})
		for j := range p.aggs {
			out.aggs[j].add(&p.aggs[j], e)
		}
	}
	return nil
}

package local

import (
	"container/list"
	"context"
	"fmt"
	"math/bits"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

// file is a filed segment; what is read of it stands in the cache.
type file struct {
	fileEntry
	path string // without .parquet and .tok
}

func newFile(dir string, e fileEntry) *file {
	return &file{fileEntry: e, path: filepath.Join(dir, systemDir(e.System), e.Day, e.Name)}
}

// systemDir is the folder of a system: its number, made safe as a file name.
func systemDir(system string) string {
	if system == "" {
		return "_none"
	}
	if s := url.PathEscape(system); s[0] != '.' && s != "l0" {
		return s
	}
	return "%" + url.PathEscape(system)
}

// fileCache keeps token filters by bytes, least recently used out first.
type fileCache struct {
	mu   sync.Mutex
	toks map[string]*list.Element
	lru  *list.List // of *cachedTok
	size int
}

const maxTokBytes = 64 << 20

type cachedTok struct {
	path string
	tok  *tok
}

func newFileCache() *fileCache {
	return &fileCache{toks: map[string]*list.Element{}, lru: list.New()}
}

// tok returns the token filter and page table of a file.
func (c *fileCache) tok(f *file) (*tok, error) {
	c.mu.Lock()
	if el := c.toks[f.path]; el != nil {
		c.lru.MoveToFront(el)
		c.mu.Unlock()
		return el.Value.(*cachedTok).tok, nil
	}
	c.mu.Unlock()
	data, err := os.ReadFile(f.path + ".tok")
	if err != nil {
		return nil, err
	}
	t, err := decodeTok(data)
	if err != nil {
		return nil, err
	}
	if int64(t.Rows) != f.Rows {
		return nil, fmt.Errorf("%w: %d rows, MANIFEST says %d", errDamaged, t.Rows, f.Rows)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.toks[f.path]; el != nil {
		return el.Value.(*cachedTok).tok, nil
	}
	c.toks[f.path] = c.lru.PushFront(&cachedTok{f.path, t})
	c.size += t.size
	for c.size > maxTokBytes && c.lru.Len() > 1 {
		old := c.lru.Remove(c.lru.Back()).(*cachedTok)
		delete(c.toks, old.path)
		c.size -= old.tok.size
	}
	return t, nil
}

// drop forgets a file that is removed.
func (c *fileCache) drop(path string) {
	path = strings.TrimSuffix(strings.TrimSuffix(path, ".parquet"), ".tok")
	c.mu.Lock()
	defer c.mu.Unlock()
	if el := c.toks[path]; el != nil {
		c.size -= c.lru.Remove(el).(*cachedTok).tok.size
		delete(c.toks, path)
	}
}

// open opens a filed segment; the caller closes its file.
func (c *fileCache) open(f *file) (*handle, error) {
	t, err := c.tok(f)
	if err != nil {
		return nil, err
	}
	o, err := os.Open(f.path + ".parquet")
	if err != nil {
		return nil, err
	}
	return &handle{o, t}, nil
}

// bitmap marks rows.
type bitmap []uint64

func newBitmap(n int) bitmap { return make(bitmap, (n+63)/64) }

func (b bitmap) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitmap) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }

func (b bitmap) setRange(lo, hi int) {
	for i := lo; i < hi; {
		if i&63 == 0 && hi-i >= 64 {
			b[i>>6] = ^uint64(0)
			i += 64
			continue
		}
		b.set(i)
		i++
	}
}

func (b bitmap) count() int64 {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return int64(n)
}

func (b bitmap) any() bool {
	for _, w := range b {
		if w != 0 {
			return true
		}
	}
	return false
}

func (b bitmap) clone() bitmap { return append(bitmap(nil), b...) }

// each calls fn with the rows that are set, ascending.
func (b bitmap) each(fn func(row int)) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			fn(i<<6 + bits.TrailingZeros64(w))
		}
	}
}

// filePart searches a filed segment.
type filePart struct {
	s *Store
	f *file
}

func (p filePart) name() string         { return systemDir(p.f.System) + "/" + p.f.Day + "/" + p.f.Name }
func (p filePart) span() (int64, int64) { return p.f.Min, p.f.Max }
func (p filePart) rows() int64          { return p.f.Rows }

func (p filePart) judge(pl *plan) (verdict, error) {
	// The system alone often decides: look before the filter is read.
	f := facts{system: p.f.System, hasSystem: true, numbers: true, has: func(uint64) bool { return true }}
	if v := pl.root.judge(&f); v != maybe {
		return v, nil
	}
	t, err := p.s.cache.tok(p.f)
	if err != nil {
		return maybe, err
	}
	return pl.root.judge(t.facts(p.f.System)), nil
}

func (t *tok) facts(system string) *facts {
	return &facts{system: system, hasSystem: true, has: t.tokens.has, id: t.ids.has, field: func(name string) fieldFact {
		cols := t.columns[name]
		ff := fieldFact{absent: len(cols) == 0 && !t.inExt(name)}
		for _, i := range cols {
			ff.numbers = ff.numbers || t.Columns[i].Form != formText
		}
		return ff
	}}
}

func (p filePart) scan(ctx context.Context, pl *plan, out *partial) error {
	t, err := p.s.cache.tok(p.f)
	if err != nil {
		return err
	}
	h, err := p.s.cache.open(p.f)
	if err != nil {
		return err
	}
	defer h.f.Close()
	x := &eval{ctx: ctx, h: h, t: t, f: p.f, rows: int(p.f.Rows), facts: t.facts(p.f.System)}
	return x.run(pl, out)
}

// eval evaluates a plan on the columns of one file.
type eval struct {
	ctx   context.Context
	h     *handle
	t     *tok
	f     *file
	rows  int
	facts *facts
	times []int64
}

func (x *eval) time() ([]int64, error) {
	if x.times == nil {
		x.times = make([]int64, 0, x.rows)
		err := x.h.scanColumn(x.ctx, &x.t.Fixed[fixTime], nil, func(_ *dict, p *page) error {
			x.times = append(x.times, p.ints...)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(x.times) != x.rows {
			return nil, fmt.Errorf("%w: %d times for %d rows", errDamaged, len(x.times), x.rows)
		}
	}
	return x.times, nil
}

func (x *eval) run(pl *plan, out *partial) error {
	mask := newBitmap(x.rows)
	lo, hi := 0, x.rows
	if _, all := pl.overlaps(x.f.Min, x.f.Max); !all {
		times, err := x.time()
		if err != nil {
			return err
		}
		if pl.From != 0 {
			lo = sort.Search(len(times), func(i int) bool { return times[i] >= pl.From })
		}
		if pl.To != 0 {
			hi = sort.Search(len(times), func(i int) bool { return times[i] >= pl.To })
		}
	}
	mask.setRange(lo, hi)
	match, err := x.step(pl.root, mask)
	if err != nil {
		return err
	}
	n := match.count()
	if n == 0 {
		return nil
	}
	if err := x.hits(pl, match, out); err != nil {
		return err
	}
	for i := range pl.aggs {
		if err := x.aggregate(&pl.aggs[i], match, &out.aggs[i]); err != nil {
			return err
		}
	}
	out.count += n
	return nil
}

// step returns the rows of mask that satisfy s; it may change and return mask itself.
func (x *eval) step(s *step, mask bitmap) (bitmap, error) {
	switch s.judge(x.facts) {
	case never:
		clear(mask)
		return mask, nil
	case always:
		return mask, nil
	}
	switch s.op {
	case opAnd:
		// What is cheap first, so that what looks at every value looks at fewer rows.
		kids := append([]*step(nil), s.kids...)
		sort.SliceStable(kids, func(i, j int) bool { return x.cost(kids[i]) < x.cost(kids[j]) })
		var err error
		for _, k := range kids {
			if !mask.any() {
				break
			}
			if mask, err = x.step(k, mask); err != nil {
				return nil, err
			}
		}
		return mask, nil
	case opOr:
		out := newBitmap(x.rows)
		rest := mask.clone()
		for _, k := range s.kids {
			if !rest.any() {
				break
			}
			m, err := x.step(k, rest.clone())
			if err != nil {
				return nil, err
			}
			for i := range out {
				out[i] |= m[i]
				rest[i] &^= m[i]
			}
		}
		return out, nil
	case opNot:
		m, err := x.step(s.kids[0], mask.clone())
		if err != nil {
			return nil, err
		}
		for i := range mask {
			mask[i] &^= m[i]
		}
		return mask, nil
	case opTest:
		out := newBitmap(x.rows)
		if err := x.test(s.test, mask, out); err != nil {
			return nil, err
		}
		for i := range out {
			out[i] &= mask[i]
		}
		return out, nil
	}
	return mask, nil
}

// cost guesses what a step costs: dictionaries little, texts much, all fields most.
func (x *eval) cost(s *step) int {
	if s.op != opTest {
		n := 0
		for _, k := range s.kids {
			n += x.cost(k)
		}
		return n
	}
	t := s.test
	switch {
	case t.Any:
		return 1000
	case t.Field == ecs.EventID:
		return 20
	case t.Field.Virtual():
		return 1
	}
	n := 1
	name := t.Name()
	for _, i := range x.t.columns[name] {
		c := &x.t.Columns[i]
		if c.Dict {
			n += 2
		} else {
			n += 10 + c.Values/1000
		}
	}
	if x.t.inExt(name) {
		n += 200
	}
	return n
}

// test marks the rows of mask with a value that satisfies t.
func (x *eval) test(t *query.Test, mask, out bitmap) error {
	if t.Any {
		if x.f.System != "" && t.Text(x.f.System) {
			copy(out, mask)
			return nil
		}
		if err := x.column(t, &x.t.Fixed[fixSource], mask, out); err != nil {
			return err
		}
		if t.MayKeys(x.facts.id) {
			if err := x.column(t, &x.t.Fixed[fixID], mask, out); err != nil {
				return err
			}
		}
		if !t.MayKeys(x.facts.has) {
			return nil
		}
		for i := range x.t.Columns {
			if c := &x.t.Columns[i]; c.Form == formText {
				if err := x.column(t, c, mask, out); err != nil {
					return err
				}
			}
		}
		return x.ext(t, mask, out)
	}
	switch t.Field {
	case ecs.Timestamp:
		return x.millis(t, fixTime, mask, out)
	case ecs.EventCreated:
		return x.millis(t, fixCreated, mask, out)
	case ecs.EventIngested:
		return x.millis(t, fixIngested, mask, out)
	case ecs.EventID:
		return x.nonEmpty(t, &x.t.Fixed[fixID], mask, out)
	case ecs.SourceID:
		return x.nonEmpty(t, &x.t.Fixed[fixSource], mask, out)
	case ecs.SystemID: // judged
		return nil
	}
	name := t.Name()
	for _, i := range x.t.columns[name] {
		c := &x.t.Columns[i]
		if c.Form == formInt && !t.MayInt(c.Lo, c.Hi) {
			continue
		}
		if c.Form == formText && !t.MayKeys(x.facts.has) {
			continue
		}
		if err := x.column(t, c, mask, out); err != nil {
			return err
		}
	}
	if x.t.inExt(name) {
		return x.ext(t, mask, out)
	}
	return nil
}

func (x *eval) millis(t *query.Test, fixed int, mask, out bitmap) error {
	return x.h.scanColumn(x.ctx, &x.t.Fixed[fixed], nil, func(_ *dict, p *page) error {
		for i, ms := range p.ints {
			if row := p.base + i; ms != 0 && mask.has(row) && t.Millis(ms) {
				out.set(row)
			}
		}
		return nil
	})
}

// nonEmpty is column for the identity columns, where the empty text means that the event has none.
func (x *eval) nonEmpty(t *query.Test, c *columnMeta, mask, out bitmap) error {
	return x.columnText(c, mask, out, func(s string) bool { return s != "" && t.Text(s) })
}

// column marks the rows with a value in one column that satisfies t.
func (x *eval) column(t *query.Test, c *columnMeta, mask, out bitmap) error {
	switch c.Form {
	case formInt:
		return x.columnInt(t, c, mask, out)
	case formBool:
		yes, no := t.Text("true"), t.Text("false")
		if !yes && !no {
			return nil
		}
		return x.h.scanColumn(x.ctx, c, nil, func(_ *dict, p *page) error {
			p.each(func(row, i int) {
				if p.bool(i) && yes || !p.bool(i) && no {
					out.set(row)
				}
			})
			return nil
		})
	}
	if t.IsExists() {
		return x.present(c, out)
	}
	return x.columnText(c, mask, out, t.Text)
}

// present marks the rows that have a value.
func (x *eval) present(c *columnMeta, out bitmap) error {
	return x.h.scanColumn(x.ctx, c, nil, func(_ *dict, p *page) error {
		p.each(func(row, _ int) { out.set(row) })
		return nil
	})
}

func (x *eval) columnText(c *columnMeta, mask, out bitmap, test func(string) bool) error {
	var match []bool
	first := func(d *dict) bool {
		if !d.ok {
			return true
		}
		some := false
		match = make([]bool, d.len())
		for i := range match {
			match[i] = test(d.text(i))
			some = some || match[i]
		}
		return some
	}
	return x.h.scanColumn(x.ctx, c, first, func(d *dict, p *page) error {
		if p.idx != nil {
			markDict(p, match, out)
			return nil
		}
		n := 0
		p.each(func(row, i int) {
			if n++; n&1023 == 0 && x.ctx.Err() != nil {
				return
			}
			if mask.has(row) && !out.has(row) && test(p.text(i)) {
				out.set(row)
			}
		})
		return nil
	})
}

// markDict sets the rows whose dictionary entry matches.
func markDict(p *page, match []bool, out bitmap) {
	if len(p.rep) == 0 && len(p.def) > 0 { // hot: an optional column
		i := 0
		for row, d := range p.def {
			if d != 0 {
				if match[p.idx[i]] {
					out.set(p.base + row)
				}
				i++
			}
		}
		return
	}
	p.each(func(row, i int) {
		if match[p.idx[i]] {
			out.set(row)
		}
	})
}

func (x *eval) columnInt(t *query.Test, c *columnMeta, mask, out bitmap) error {
	var match []bool
	first := func(d *dict) bool {
		if !d.ok {
			return true
		}
		some := false
		match = make([]bool, len(d.ints))
		for i, n := range d.ints {
			match[i] = t.Int(n)
			some = some || match[i]
		}
		return some
	}
	return x.h.scanColumn(x.ctx, c, first, func(d *dict, p *page) error {
		if p.idx != nil {
			markDict(p, match, out)
			return nil
		}
		p.each(func(row, i int) {
			if mask.has(row) && t.Int(p.ints[i]) {
				out.set(row)
			}
		})
		return nil
	})
}

// extRows calls fn for the rows of mask that have an ext cell.
func (x *eval) extRows(mask bitmap, fn func(row int, e *ecs.Event) error) error {
	if len(x.t.Ext) == 0 && !x.t.ExtMany {
		return nil
	}
	var r extReader
	var e ecs.Event
	return x.h.scanColumn(x.ctx, &x.t.Fixed[fixExt], nil, func(_ *dict, p *page) error {
		var failed error
		n := 0
		p.each(func(row, i int) {
			if failed != nil || !mask.has(row) {
				return
			}
			if n++; n&255 == 0 && x.ctx.Err() != nil {
				failed = x.ctx.Err()
				return
			}
			e.Reset()
			if failed = r.read(&e, raw(p.text(i))); failed == nil {
				failed = fn(row, &e)
			}
		})
		return failed
	})
}

func (x *eval) ext(t *query.Test, mask, out bitmap) error {
	return x.extRows(mask, func(row int, e *ecs.Event) error {
		if !out.has(row) && t.Match(e) {
			out.set(row)
		}
		return nil
	})
}

// hits offers the best rows of match. Rows stand in the order of results (or its reverse), so only the first Limit past the cursor count.
func (x *eval) hits(pl *plan, match bitmap, out *partial) error {
	if pl.Limit <= 0 {
		return nil
	}
	times, err := x.time()
	if err != nil {
		return err
	}
	var rows []int32
	ties := 0 // rows at the cursor's own time, of which the id decides
	take := func(row int) bool {
		switch pl.pastTime(times[row]) {
		case -1:
			return true
		case 0:
			ties++
		}
		if out.floor != nil {
			if t := times[row]; t != out.floor.time && (t < out.floor.time) != pl.Ascending {
				return false
			}
		}
		rows = append(rows, int32(row))
		return len(rows)-ties < pl.Limit
	}
	if pl.Ascending {
		stop := false
		for i, w := range match {
			for ; w != 0 && !stop; w &= w - 1 {
				stop = !take(i<<6 + bits.TrailingZeros64(w))
			}
			if stop {
				break
			}
		}
	} else {
		for i := len(match) - 1; i >= 0; i-- {
			stop := false
			for w := match[i]; w != 0 && !stop; {
				top := 63 - bits.LeadingZeros64(w)
				w &^= 1 << top
				stop = !take(i<<6 + top)
			}
			if stop {
				break
			}
		}
		for i, j := 0, len(rows)-1; i < j; i, j = i+1, j-1 {
			rows[i], rows[j] = rows[j], rows[i]
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return x.h.rowsOf(x.ctx, &x.t.Fixed[fixID], rows, func(k int, _ *dict, p *page, i int) {
		out.offer(pl, hit{time: times[rows[k]], id: strings.Clone(p.text(i)), file: x.f, row: rows[k]})
	})
}

// aggregate adds the rows of match to an aggregation.
func (x *eval) aggregate(agg *aggregation, match bitmap, a *aggState) error {
	if agg.Kind == query.AggHistogram {
		times, err := x.time()
		if err != nil {
			return err
		}
		bucket, until, n := int64(0), int64(0), int64(0)
		match.each(func(row int) {
			if t := times[row]; n == 0 || t >= until { // times ascend
				if n > 0 {
					a.buckets[bucket] += n
				}
				bucket = floorDiv(t, agg.Interval) * agg.Interval
				until, n = bucket+agg.Interval, 0
			}
			n++
		})
		if n > 0 {
			a.buckets[bucket] += n
		}
		return nil
	}
	switch agg.Field {
	case ecs.SystemID:
		if x.f.System != "" {
			a.addText(x.f.System, match.count())
		}
		return nil
	case ecs.SourceID:
		return x.aggColumn(&x.t.Fixed[fixSource], match, a, true)
	case ecs.EventID:
		return x.aggColumn(&x.t.Fixed[fixID], match, a, true)
	case ecs.Timestamp, ecs.EventCreated, ecs.EventIngested:
		fixed := map[ecs.Field]int{ecs.Timestamp: fixTime, ecs.EventCreated: fixCreated, ecs.EventIngested: fixIngested}[agg.Field]
		return x.h.scanColumn(x.ctx, &x.t.Fixed[fixed], nil, func(_ *dict, p *page) error {
			for i, ms := range p.ints {
				if ms != 0 && match.has(p.base+i) {
					a.addText(ecs.FormatTime(ms), 1)
				}
			}
			return nil
		})
	}
	name := agg.bound.Name
	for _, i := range x.t.columns[name] {
		if err := x.aggColumn(&x.t.Columns[i], match, a, false); err != nil {
			return err
		}
	}
	if !x.t.inExt(name) {
		return nil
	}
	return x.extRows(match, func(_ int, e *ecs.Event) error {
		a.add(agg, e)
		return nil
	})
}

func (x *eval) aggColumn(c *columnMeta, match bitmap, a *aggState, skipEmpty bool) error {
	var counts []int64
	plainInts := map[int64]int64{}
	var yes, no int64
	err := x.h.scanColumn(x.ctx, c, nil, func(d *dict, p *page) error {
		if d.ok && counts == nil {
			counts = make([]int64, d.len())
		}
		last := -1
		var here []string // values of a row with several, to count each once
		var idxs []int32
		p.each(func(row, i int) {
			if !match.has(row) {
				return
			}
			if row != last {
				last, here, idxs = row, here[:0], idxs[:0]
			}
			switch {
			case p.idx != nil:
				if c.Repeated {
					for _, j := range idxs {
						if j == p.idx[i] {
							return
						}
					}
					idxs = append(idxs, p.idx[i])
				}
				counts[p.idx[i]]++
			case c.Form == formInt:
				if c.Repeated {
					s := strconv.FormatInt(p.ints[i], 10)
					for _, h := range here {
						if h == s {
							return
						}
					}
					here = append(here, s)
				}
				plainInts[p.ints[i]]++
			case c.Form == formBool:
				s := strconv.FormatBool(p.bool(i))
				for _, h := range here {
					if h == s {
						return
					}
				}
				here = append(here, s)
				if p.bool(i) {
					yes++
				} else {
					no++
				}
			default:
				s := p.text(i)
				if skipEmpty && s == "" {
					return
				}
				if c.Repeated {
					for _, h := range here {
						if h == s {
							return
						}
					}
					here = append(here, s)
				}
				a.addText(s, 1)
			}
		})
		if d.ok && p.idx != nil {
			// The dictionary is released with the pages: count its texts before the last page goes. Counting per page keeps this simple.
			for i, n := range counts {
				if n > 0 {
					s := ""
					if c.Form == formInt {
						s = strconv.FormatInt(d.ints[i], 10)
					} else {
						s = d.text(i)
					}
					if !(skipEmpty && s == "") {
						a.addText(s, n)
					}
					counts[i] = 0
				}
			}
		}
		return nil
	})
	for n, k := range plainInts {
		a.addText(strconv.FormatInt(n, 10), k)
	}
	if yes > 0 {
		a.addText("true", yes)
	}
	if no > 0 {
		a.addText("false", no)
	}
	return err
}

// fetchBytes is about how much of filed segments is read at a time while a page is put together.
const fetchBytes = 8 << 20

// fetch fills Result.Events from the hits, in order and up to the page's MaxBytes, and says how many hits the page took. Hits of a file
// that cannot be read are named in Partial and left out.
func (s *Store) fetch(ctx context.Context, p *plan, hits []hit, r *query.Result) (shown int, err error) {
	sum := 0
	for shown < len(hits) {
		some := hits[shown:]
		if p.MaxBytes > 0 {
			some = some[:window(some)]
		}
		if err := s.fetchSome(ctx, some, r); err != nil {
			return 0, err
		}
		for i := range some {
			shown++
			e := some[i].e
			if e == nil {
				continue
			}
			r.Events = append(r.Events, e)
			if sum += e.Size(); p.MaxBytes > 0 && sum >= p.MaxBytes {
				return shown, nil
			}
		}
	}
	return shown, nil
}

// window is how many of hits to read together: about fetchBytes by the mean size of an event in their files, at least four.
func window(hits []hit) int {
	sum := int64(0)
	for i := range hits {
		if f := hits[i].file; f != nil && f.Rows > 0 {
			sum += 8 * f.Bytes / f.Rows // events take some eight times what their file does
		}
		if i >= 3 && sum > fetchBytes {
			return i + 1
		}
	}
	return len(hits)
}

// fetchSome reads the events of hits that are in files.
func (s *Store) fetchSome(ctx context.Context, hits []hit, r *query.Result) error {
	byFile := map[*file][]int{}
	for i := range hits {
		if hits[i].file != nil {
			byFile[hits[i].file] = append(byFile[hits[i].file], i)
		}
	}
	files := make(chan *file, len(byFile))
	for f := range byFile {
		files <- f
	}
	close(files)
	var mu sync.Mutex // guards r.Partial
	var wg sync.WaitGroup
	for range min(s.cfg.Workers, len(byFile)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for f := range files {
				list := byFile[f]
				sort.Slice(list, func(i, j int) bool { return hits[list[i]].row < hits[list[j]].row })
				rows := make([]int32, len(list))
				for i, k := range list {
					rows[i] = hits[k].row
				}
				events, err := s.rows(ctx, f, rows)
				if err != nil {
					mu.Lock()
					if why := (filePart{s, f}).name() + ": " + reason(err); !slices.Contains(r.Partial, why) {
						r.Partial = append(r.Partial, why)
					}
					mu.Unlock()
					continue
				}
				for i, k := range list {
					hits[k].e = events[i]
				}
			}
		}()
	}
	wg.Wait()
	return ctx.Err()
}

// rows reads whole events.
func (s *Store) rows(ctx context.Context, f *file, rows []int32) ([]*ecs.Event, error) {
	h, err := s.cache.open(f)
	if err != nil {
		return nil, err
	}
	defer h.f.Close()
	return h.readRows(ctx, rows)
}

// readRows reads the events of the given rows (ascending).
func (h *handle) readRows(ctx context.Context, rows []int32) ([]*ecs.Event, error) {
	events := make([]*ecs.Event, len(rows))
	for i := range events {
		events[i] = new(ecs.Event)
	}
	for fixed, set := range [...]func(e *ecs.Event, d *dict, p *page, i int){
		fixTime:     func(e *ecs.Event, _ *dict, p *page, i int) { e.Time = p.ints[i] },
		fixCreated:  func(e *ecs.Event, _ *dict, p *page, i int) { e.Created = p.ints[i] },
		fixIngested: func(e *ecs.Event, _ *dict, p *page, i int) { e.Ingested = p.ints[i] },
		fixID:       func(e *ecs.Event, _ *dict, p *page, i int) { e.ID = strings.Clone(p.text(i)) },
		fixSystem:   func(e *ecs.Event, d *dict, p *page, i int) { e.System = strings.Clone(d.text(int(p.idx[i]))) },
		fixSource:   func(e *ecs.Event, d *dict, p *page, i int) { e.Source = strings.Clone(d.text(int(p.idx[i]))) },
	} {
		err := h.rowsOf(ctx, &h.t.Fixed[fixed], rows, func(k int, d *dict, p *page, i int) { set(events[k], d, p, i) })
		if err != nil {
			return nil, err
		}
	}
	var number [24]byte
	for i := range h.t.Columns {
		c := &h.t.Columns[i]
		f := ecs.Intern(c.Field)
		kind := c.Form.kind()
		err := h.rowsOf(ctx, c, rows, func(k int, d *dict, p *page, i int) {
			e := events[k]
			switch c.Form {
			case formInt:
				var n int64
				if p.idx != nil {
					n = d.ints[p.idx[i]]
				} else {
					n = p.ints[i]
				}
				e.AddBytes(f, strconv.AppendInt(number[:0], n, 10), kind)
			case formBool:
				e.AddBool(f, p.bool(i))
			default:
				if p.idx != nil {
					e.Add(f, d.text(int(p.idx[i])), kind)
				} else {
					e.Add(f, p.text(i), kind)
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	var r extReader
	var failed error
	err := h.rowsOf(ctx, &h.t.Fixed[fixExt], rows, func(k int, _ *dict, p *page, i int) {
		if failed == nil {
			failed = r.read(events[k], raw(p.text(i)))
		}
	})
	if err == nil {
		err = failed
	}
	return events, err
}

// filesKnow is known for filed segments.
func (s *Store) filesKnow(v *view, e *ecs.Event) (bool, error) {
	key := query.IDKey(e.ID)
	for _, f := range v.files {
		if f.System != e.System || (e.Time < f.Min || e.Time > f.Max) && f.Created < e.Created-24*3600_000 {
			continue
		}
		t, err := s.cache.tok(f)
		if err != nil {
			return false, err
		}
		if !t.ids.has(key) {
			continue
		}
		r := partial{}
		pl, err := newPlan(query.Search{Query: query.Term{Field: ecs.EventID, Value: e.ID}})
		if err != nil {
			return false, err
		}
		if err := (filePart{s, f}).scan(context.Background(), pl, &r); err != nil {
			return false, err
		}
		if r.count > 0 {
			return true, nil
		}
	}
	return false, nil
}

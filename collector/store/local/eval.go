package local

import (
	"context"
	"fmt"
	"math/bits"
	"sort"
	"strings"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

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

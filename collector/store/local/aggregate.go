package local

import (
	"slices"
	"strconv"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

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
					a.addTime(bucket, n)
				}
				bucket = floorDiv(t, agg.Interval) * agg.Interval
				until, n = bucket+agg.Interval, 0
			}
			n++
		})
		if n > 0 {
			a.addTime(bucket, n)
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

// columnCount counts the values of a column for an aggregation, each once a row.
type columnCount struct {
	c         *columnMeta
	to        *aggState
	skipEmpty bool

	entries []int64         // of the dictionary
	ints    map[int64]int64 // of a column of whole numbers without one
	yes, no int64

	row   int      // whose values were looked at last
	seen  []string // of that row, where it may have several
	codes []int32
}

func (x *eval) aggColumn(c *columnMeta, match bitmap, a *aggState, skipEmpty bool) error {
	n := columnCount{c: c, to: a, skipEmpty: skipEmpty, ints: map[int64]int64{}, row: -1}
	err := x.h.scanColumn(x.ctx, c, nil, func(d *dict, p *page) error {
		if d.ok && n.entries == nil {
			n.entries = make([]int64, d.len())
		}
		n.row = -1
		p.each(func(row, i int) {
			if !match.has(row) {
				return
			}
			if row != n.row {
				n.row, n.seen, n.codes = row, n.seen[:0], n.codes[:0]
			}
			n.value(p, i)
		})
		if d.ok && p.idx != nil { // the dictionary is released with the pages: its texts are counted page by page
			n.dictionary(d)
		}
		if len(n.ints) > maxValues {
			n.numbers()
		}
		return nil
	})
	n.numbers()
	if n.yes > 0 {
		a.addText("true", n.yes)
	}
	if n.no > 0 {
		a.addText("false", n.no)
	}
	return err
}

// value counts value i of a page.
func (n *columnCount) value(p *page, i int) {
	switch {
	case p.idx != nil:
		if n.c.Repeated {
			if slices.Contains(n.codes, p.idx[i]) {
				return
			}
			n.codes = append(n.codes, p.idx[i])
		}
		n.entries[p.idx[i]]++
	case n.c.Form == formInt:
		if n.c.Repeated && n.again(strconv.FormatInt(p.ints[i], 10)) {
			return
		}
		n.ints[p.ints[i]]++
	case n.c.Form == formBool:
		v := p.bool(i)
		if n.again(strconv.FormatBool(v)) {
			return
		}
		if v {
			n.yes++
		} else {
			n.no++
		}
	default:
		s := p.text(i)
		if n.skipEmpty && s == "" || n.c.Repeated && n.again(s) {
			return
		}
		n.to.addText(s, 1)
	}
}

// again says whether the row had this value already.
func (n *columnCount) again(s string) bool {
	if slices.Contains(n.seen, s) {
		return true
	}
	n.seen = append(n.seen, s)
	return false
}

// dictionary hands over what was counted by entry.
func (n *columnCount) dictionary(d *dict) {
	for i, count := range n.entries {
		if count == 0 {
			continue
		}
		s := ""
		if n.c.Form == formInt {
			s = strconv.FormatInt(d.ints[i], 10)
		} else {
			s = d.text(i)
		}
		if !(n.skipEmpty && s == "") {
			n.to.addText(s, count)
		}
		n.entries[i] = 0
	}
}

// numbers hands over what was counted by whole number.
func (n *columnCount) numbers() {
	for v, count := range n.ints {
		n.to.addText(strconv.FormatInt(v, 10), count)
	}
	clear(n.ints)
}

package local

import (
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

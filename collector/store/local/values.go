package local

import (
	"fmt"
	"hash/maphash"
	"slices"
	"sort"
	"strings"

	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/ecs/query"
)

// What an aggregation holds in memory is bounded, because a field may have a value of its own in every event. Up to maxValues values the
// answer is exact. Beyond them a terms aggregation forgets the values seen least and says by how much a count may be too low, as
// Elasticsearch's doc_count_error_upper_bound does; a cardinality becomes an estimate.
const (
	maxValues     = 1 << 16
	maxValueBytes = 16 << 20 // of the texts of a terms aggregation
)

type aggState struct {
	counts    map[string]*int64 // pointers: assigning to a map replaces the key too, and the key may alias a page
	textBytes int               // of the keys of counts
	forgotten int64             // counted under values that are no longer there
	lack      int64             // the most that a count may be too low

	buckets map[int64]int64
	tooMany bool // buckets are not all there: more than maxBuckets hold something

	distinct *distinct
}

func newAggs(p *plan) []aggState {
	out := make([]aggState, len(p.Aggs))
	for i, a := range p.Aggs {
		switch a.Kind {
		case query.AggTerms:
			out[i].counts = map[string]*int64{}
		case query.AggHistogram:
			out[i].buckets = map[int64]int64{}
		case query.AggCardinality:
			out[i].distinct = &distinct{hashes: map[uint64]struct{}{}}
		}
	}
	return out
}

func (a *aggState) add(agg *aggregation, e *ecs.Event) {
	if agg.Kind == query.AggHistogram {
		a.addTime(floorDiv(e.Time, agg.Interval)*agg.Interval, 1)
		return
	}
	var buf [8]ecs.Value
	values := e.Values(buf[:0], agg.bound.Field())
next:
	for i, v := range values {
		if v.Kind == ecs.Null {
			continue
		}
		for _, w := range values[:i] {
			if w.Kind != ecs.Null && w.Text == v.Text {
				continue next
			}
		}
		a.addText(v.Text, 1)
	}
}

// addTime counts n events in the interval that begins at start.
func (a *aggState) addTime(start, n int64) {
	if _, ok := a.buckets[start]; !ok && len(a.buckets) > maxBuckets+1 {
		a.tooMany = true
		return
	}
	a.buckets[start] += n
}

// addText counts n events with a value; the text is copied when kept.
func (a *aggState) addText(s string, n int64) {
	if a.counts == nil {
		a.distinct.add(maphash.String(valueSeed, s))
		return
	}
	if c := a.counts[s]; c != nil {
		*c += n
		return
	}
	a.keep(strings.Clone(s), &n)
}

// keep takes a value that is not among counts, and makes room where it must.
func (a *aggState) keep(s string, n *int64) {
	a.counts[s] = n
	a.textBytes += len(s)
	if len(a.counts) > maxValues || a.textBytes > maxValueBytes {
		a.forget()
	}
}

// forget drops the values seen least until half of the room is free.
func (a *aggState) forget() {
	list := make([]query.Bucket, 0, len(a.counts))
	for k, n := range a.counts {
		list = append(list, query.Bucket{Key: k, Count: *n})
	}
	byCount(list)
	kept, size := 0, 0
	for kept < len(list) && kept < maxValues/2 && size+len(list[kept].Key) <= maxValueBytes/2 {
		size += len(list[kept].Key)
		kept++
	}
	for _, b := range list[kept:] {
		delete(a.counts, b.Key)
		a.forgotten += b.Count
	}
	a.textBytes = size
	a.lack += list[kept].Count
}

// byCount sorts by count, the largest first, then by value.
func byCount(list []query.Bucket) {
	slices.SortFunc(list, func(x, y query.Bucket) int {
		if x.Count != y.Count {
			return int(min(max(y.Count-x.Count, -1), 1))
		}
		return strings.Compare(x.Key, y.Key)
	})
}

// merge adds b to a; b is not used after.
func (a *aggState) merge(b *aggState) {
	for k, n := range b.counts {
		if c := a.counts[k]; c != nil {
			*c += *n
		} else {
			a.keep(k, n)
		}
	}
	a.forgotten += b.forgotten
	a.lack += b.lack
	for k, n := range b.buckets {
		a.addTime(k, n)
	}
	a.tooMany = a.tooMany || b.tooMany
	if b.distinct != nil {
		a.distinct.merge(b.distinct)
	}
}

func (a *aggState) result(agg *query.Agg, p *plan) (query.AggResult, error) {
	switch agg.Kind {
	case query.AggCardinality:
		return query.AggResult{Value: a.distinct.count(), Approximate: a.distinct.shift > 0}, nil
	case query.AggTerms:
		return a.top(agg.Size), nil
	}
	return a.histogram(agg, p)
}

// top is the answer of a terms aggregation with its most frequent values, 10 of them where size does not say.
func (a *aggState) top(size int) query.AggResult {
	r := query.AggResult{Other: a.forgotten, CountError: a.lack, Approximate: a.lack > 0}
	for k, n := range a.counts {
		r.Buckets = append(r.Buckets, query.Bucket{Key: k, Count: *n})
	}
	byCount(r.Buckets)
	if size <= 0 {
		size = 10
	}
	if len(r.Buckets) > size {
		for _, b := range r.Buckets[size:] {
			r.Other += b.Count
		}
		r.Buckets = slices.Clone(r.Buckets[:size]) // the rest is free to go
	}
	return r
}

func (a *aggState) histogram(agg *query.Agg, p *plan) (query.AggResult, error) {
	var r query.AggResult
	if len(a.buckets) == 0 && (p.From == 0 || p.To == 0) {
		return r, nil
	}
	starts := make([]int64, 0, len(a.buckets))
	for t := range a.buckets {
		starts = append(starts, t)
	}
	sort.Slice(starts, func(i, j int) bool { return starts[i] < starts[j] })
	first, last := int64(0), int64(0)
	if len(starts) > 0 {
		first, last = starts[0], starts[len(starts)-1]
	}
	if p.From != 0 {
		first = floorDiv(p.From, agg.Interval) * agg.Interval
	}
	if p.To != 0 {
		last = floorDiv(p.To-1, agg.Interval) * agg.Interval
	}
	n := steps(first, last, agg.Interval)
	if n > maxBuckets || a.tooMany {
		return r, fmt.Errorf("%w: aggregation %q has more than %d intervals; use a longer interval or a shorter time", store.ErrQuery, agg.Name,
			maxBuckets)
	}
	if first > last {
		return r, nil // nothing can lie between from and to
	}
	for i := range n + 1 {
		t := first + int64(i)*agg.Interval
		r.Buckets = append(r.Buckets, query.Bucket{Key: ecs.FormatTime(t), Count: a.buckets[t]})
	}
	return r, nil
}

// distinct counts different values by their hashes. While there are few it holds all of them and the count is exact (but for two values of
// one 64-bit hash). When they become too many it keeps those whose lowest bits are zero, one bit more each time, and the count
// is an estimate with a standard error of some 0.7 % (adaptive sampling, Wegman; Flajolet 1990).
type distinct struct {
	hashes map[uint64]struct{}
	shift  int // bits that are zero in every hash kept
}

func (d *distinct) add(h uint64) {
	if h&(1<<d.shift-1) != 0 {
		return
	}
	d.hashes[h] = struct{}{}
	for len(d.hashes) > maxValues {
		d.sample(d.shift + 1)
	}
}

// sample keeps the hashes that end in so many zero bits.
func (d *distinct) sample(shift int) {
	d.shift = shift
	for h := range d.hashes {
		if h&(1<<shift-1) != 0 {
			delete(d.hashes, h)
		}
	}
}

func (d *distinct) merge(o *distinct) {
	if o.shift > d.shift {
		d.sample(o.shift)
	}
	for h := range o.hashes {
		d.add(h)
	}
}

func (d *distinct) count() int64 { return int64(len(d.hashes)) << d.shift }

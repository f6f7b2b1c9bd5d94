package local

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/ecs/query"
)

// heap is what the process holds, after a collection.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestManyValues: a field with a value of its own in each of millions of events is counted in bounded memory, and the answer says that it
// is approximate; what is frequent among them is still found, with its error within the bound that the answer names.
func TestManyValues(t *testing.T) {
	const n = 500_000
	before := heap()
	aggs := newAggs(&plan{Search: query.Search{Aggs: []query.Agg{{Kind: query.AggTerms}, {Kind: query.AggCardinality}}}})
	often, other := int64(0), int64(0)
	buf := make([]byte, 0, 32)
	for i := range n {
		buf = fmt.Appendf(buf[:0], "10.%d.%d.%d", i>>16, i>>8&255, i&255)
		s := string(buf)
		if i%100 == 7 {
			s = "203.0.113.9"
			often++
		} else {
			other++
		}
		for j := range aggs {
			aggs[j].addText(s, 1)
		}
	}
	if held := heap() - before; held > 32<<20 {
		t.Errorf("%d values hold %d MB, want at most 32", n, held>>20)
	}
	r, err := aggs[0].result(&query.Agg{Kind: query.AggTerms, Size: 1}, nil)
	if err != nil || len(r.Buckets) != 1 || r.Buckets[0].Key != "203.0.113.9" {
		t.Fatalf("top value %v, %v", r.Buckets, err)
	}
	if low := often - r.Buckets[0].Count; !r.Approximate || low < 0 || low > r.CountError || r.CountError > n/1000 {
		t.Errorf("count %d of %d, approximate %v, error %d", r.Buckets[0].Count, often, r.Approximate, r.CountError)
	}
	if r.Buckets[0].Count+r.Other != often+other {
		t.Errorf("%d and %d others, want %d in all", r.Buckets[0].Count, r.Other, often+other)
	}
	r, err = aggs[1].result(&query.Agg{Kind: query.AggCardinality}, nil)
	if want := other + 1; err != nil || !r.Approximate || r.Value < want*97/100 || r.Value > want*103/100 {
		t.Errorf("cardinality %d (approximate %v, %v), want %d within 3 %%", r.Value, r.Approximate, err, want)
	}
	runtime.KeepAlive(aggs)
}

// TestLongValues: the texts that a terms aggregation keeps are bounded by their bytes, too.
func TestLongValues(t *testing.T) {
	before := heap()
	aggs := newAggs(&plan{Search: query.Search{Aggs: []query.Agg{{Kind: query.AggTerms}}}})
	long := strings.Repeat("x", 1<<20)
	for i := range 300 {
		aggs[0].addText(fmt.Sprint(i, long), 1)
	}
	if held := heap() - before; held > 2*maxValueBytes {
		t.Errorf("300 values of 1 MB hold %d MB", held>>20)
	}
	if r := aggs[0].top(10); !r.Approximate || r.Other+int64(len(r.Buckets)) != 300 {
		t.Errorf("%d shown and %d others of 300, approximate %v", len(r.Buckets), r.Other, r.Approximate)
	}
	runtime.KeepAlive(aggs)
}

// TestSampledMerge: estimates of several parts of the store together are those of the whole.
func TestSampledMerge(t *testing.T) {
	parts := []*distinct{{hashes: map[uint64]struct{}{}}, {hashes: map[uint64]struct{}{}}, {hashes: map[uint64]struct{}{}}}
	h := uint64(88172645463325252)
	for i := range 900_000 {
		h ^= h << 13
		h ^= h >> 7
		h ^= h << 17
		parts[i%2].add(h) // the third has none of its own
		if i%3 == 0 {
			parts[2].add(h)
		}
	}
	parts[0].merge(parts[1])
	parts[0].merge(parts[2])
	if got := parts[0].count(); got < 873_000 || got > 927_000 || parts[0].shift == 0 {
		t.Errorf("%d values (shift %d), want 900,000 within 3 %%", got, parts[0].shift)
	}
}

// TestSearchManyValues: a search over more values than the store holds is answered from memory and from files, and says so; one of fewer
// is exact, and a histogram with an interval for each event is refused.
func TestSearchManyValues(t *testing.T) {
	s, err := Open(Config{Dir: t.TempDir(), Workers: 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const n = maxValues + 20_000
	f := ecs.Intern("test.many")
	for from := 0; from < n; from += 4000 {
		b := store.Block{First: uint64(from/4000 + 1), Last: uint64(from/4000 + 1)}
		for i := from; i < min(n, from+4000); i++ {
			e := &ecs.Event{ID: fmt.Sprintf("q%d-0", i), Time: 1_770_000_000_000 + int64(i)*10, System: "HT-001"}
			e.AddString(f, fmt.Sprint("v", i))
			e.AddString(ecs.HostName, fmt.Sprint("may-", i%7))
			b.Events = append(b.Events, e)
		}
		if err := s.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	look := func(where string) {
		r, err := s.Search(t.Context(), query.Search{Query: query.All{}, Aggs: []query.Agg{
			{Name: "t", Kind: query.AggTerms, Field: f, Size: 3}, {Name: "n", Kind: query.AggCardinality, Field: f},
			{Name: "few", Kind: query.AggCardinality, Field: ecs.HostName}, {Name: "host", Kind: query.AggTerms, Field: ecs.HostName}}})
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		if a := r.Aggs["t"]; !a.Approximate || a.CountError == 0 || len(a.Buckets) != 3 || a.Other != n-3 {
			t.Errorf("%s: terms approximate %v, error %d, %d shown, %d others", where, a.Approximate, a.CountError, len(a.Buckets), a.Other)
		}
		if a := r.Aggs["n"]; !a.Approximate || a.Value < n*97/100 || a.Value > n*103/100 {
			t.Errorf("%s: cardinality %d, approximate %v, want about %d", where, a.Value, a.Approximate, n)
		}
		if a, h := r.Aggs["few"], r.Aggs["host"]; a.Approximate || a.Value != 7 || h.Approximate || len(h.Buckets) != 7 || h.Other != 0 {
			t.Errorf("%s: of seven hosts %+v, %+v", where, a, h)
		}
		_, err = s.Search(t.Context(), query.Search{Query: query.All{}, Aggs: []query.Agg{{Name: "h", Kind: query.AggHistogram, Interval: 1}}})
		if !errors.Is(err, store.ErrQuery) {
			t.Errorf("%s: a histogram of 1 ms over a quarter of an hour: %v", where, err)
		}
	}
	look("in memory")
	if err := s.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	look("filed")
	many := query.Search{Query: query.All{}}
	for range maxAggs + 1 {
		many.Aggs = append(many.Aggs, query.Agg{Name: "x", Kind: query.AggTerms, Field: f})
	}
	if _, err := s.Search(t.Context(), many); !errors.Is(err, store.ErrQuery) {
		t.Errorf("%d aggregations: %v", len(many.Aggs), err)
	}
	if _, err := s.Search(t.Context(), query.Search{Query: query.All{},
		Aggs: []query.Agg{{Name: "x", Kind: query.AggTerms, Field: f, Size: maxTop + 1}}}); !errors.Is(err, store.ErrQuery) {
		t.Errorf("%d values: %v", maxTop+1, err)
	}
}

package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/ecs/query"
)

// testBounds: whatever times, intervals and limits a search names, it is answered or refused soon and with a bounded answer.
func testBounds(t *testing.T, open func(*testing.T) Opened) {
	o := open(t)
	fixture(t, o.Store, 300)
	times := []int64{0, 1, -1, math.MinInt64, math.MaxInt64, math.MaxInt64 - 1, -62135596800000, 1795132800000, 1 << 60, -1 << 60}
	forms(t, o, func(t *testing.T, s store.Store) {
		for _, from := range times {
			for _, to := range times {
				for _, interval := range []int64{1, 60_000, math.MaxInt64 / 2, math.MaxInt64, 0, -1} {
					ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
					q := query.Search{Query: query.All{}, From: from, To: to, Limit: 3,
						Aggs: []query.Agg{{Name: "h", Kind: query.AggHistogram, Interval: interval}}}
					r, err := s.Search(ctx, q)
					cancel()
					switch {
					case interval == 1 && from != 0 && from < 1<<50 && to > -1<<50 && to > from && uint64(to)-uint64(from) > 50_000 &&
						!errors.Is(err, store.ErrQuery):
						t.Errorf("from %d to %d by 1: %v, want ErrQuery: these are more bars than anybody may ask for", from, to, err)
					case interval <= 0 && !errors.Is(err, store.ErrQuery):
						t.Errorf("from %d to %d by %d: %v, want ErrQuery", from, to, interval, err)
					case err != nil && !errors.Is(err, store.ErrQuery):
						t.Errorf("from %d to %d by %d: %v, want an answer or ErrQuery", from, to, interval, err)
					case err != nil:
					case len(r.Aggs["h"].Buckets) > 50_001:
						t.Errorf("from %d to %d by %d: %d bars", from, to, interval, len(r.Aggs["h"].Buckets))
					default:
						var sum int64
						for _, b := range r.Aggs["h"].Buckets {
							sum += b.Count
						}
						if sum != r.Total {
							t.Errorf("from %d to %d by %d: the bars hold %d of %d events", from, to, interval, sum, r.Total)
						}
					}
				}
			}
		}
		// A person who leaves is not searched for any longer.
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Search(ctx, query.Search{Query: query.All{}, Limit: 1,
			Aggs: []query.Agg{{Name: "h", Kind: query.AggHistogram, Field: ecs.Timestamp, Interval: 1000}}}); !errors.Is(err, context.Canceled) {
			t.Errorf("search of one who left: %v, want context.Canceled", err)
		}
	})
}

// testAsked: a query on a field that no event had when the query was read finds the events that came with it, in every form, and
// counts its values.
func testAsked(t *testing.T, open func(*testing.T) Opened) {
	o := open(t)
	name := fmt.Sprintf("asked.before.%d", time.Now().UnixNano())
	n, err := query.Parse(name + ":yes and not " + name + ".other:*")
	if err != nil {
		t.Fatal(err)
	}
	q := query.Search{Query: n, Limit: 100, Aggs: []query.Agg{{Name: "t", Kind: query.AggTerms, Field: ecs.Named(name)}}}
	if r := search(t, o.Store, q); r.Total != 0 {
		t.Fatalf("%d events have a field nobody sent", r.Total)
	}
	all := fixture(t, o.Store, 300)
	f := ecs.Named(name)
	if !f.Asked() {
		t.Fatalf("a search made the field %s", name)
	}
	var more []*ecs.Event
	for i := range 40 {
		e := &ecs.Event{ID: ID(9, 1<<41, i), Time: all[0].Time + int64(i), Created: all[0].Time, System: "HT-901", Source: "NG-9001"}
		if i%4 == 0 {
			e.AddString(ecs.Intern(name), "yes")
		}
		more = append(more, e)
	}
	last := o.Store.Position()
	for _, b := range []store.Block{{First: 1 << 20, Last: 1<<20 + 1, Events: more}} {
		if err := o.Store.Append(t.Context(), b); err != nil {
			t.Fatalf("Append behind %d: %v", last, err)
		}
	}
	forms(t, o, func(t *testing.T, s store.Store) {
		r := search(t, s, q)
		if r.Total != 10 || len(r.Events) != 10 || len(r.Aggs["t"].Buckets) != 1 || r.Aggs["t"].Buckets[0].Count != 10 {
			t.Errorf("a query read before the field was there finds %d events and %v, want 10", r.Total, r.Aggs["t"].Buckets)
		}
	})
}

// testLargePages: with MaxBytes a page holds about so much whatever its events weigh, says that it was cut, and its pages walk through
// everything once.
func testLargePages(t *testing.T, open func(*testing.T) Opened) {
	o := open(t)
	start := int64(1795132800000)
	var all []string
	for block := range 6 {
		var list []*ecs.Event
		for i := range 5 {
			n := block*5 + i
			e := &ecs.Event{ID: ID(3, uint64(n), 0), Time: start + int64(n), Created: start, System: "HT-901", Source: "NG-9001"}
			e.AddString(ecs.Message, strings.Repeat(fmt.Sprintf("%08d ", n*7919), 30_000)) // 270 kB
			list = append(list, e)
			all = append(all, e.ID)
		}
		if err := o.Store.Append(t.Context(), store.Block{First: uint64(block + 1), Last: uint64(block + 1), Events: list}); err != nil {
			t.Fatal(err)
		}
	}
	const limit = 1 << 20
	forms(t, o, func(t *testing.T, s store.Store) {
		for _, ascending := range []bool{true, false} {
			var got []string
			q := query.Search{Query: query.All{}, Limit: 25, MaxBytes: limit, Ascending: ascending}
			for page := 0; page < 40; page++ {
				r := search(t, s, q)
				size, largest := 0, 0
				for _, e := range r.Events {
					size += e.Size()
					largest = max(largest, e.Size())
				}
				if size > limit+largest {
					t.Errorf("page %d holds %d bytes in %d events, want at most %d and an event", page, size, len(r.Events), limit)
				}
				if r.Total != int64(len(all)) {
					t.Errorf("page %d counts %d events, want %d", page, r.Total, len(all))
				}
				if r.Cut && r.Next == "" {
					t.Errorf("page %d was cut and says no next one", page)
				}
				if page == 0 && !r.Cut {
					t.Errorf("the first page of %d events does not say that it was cut", len(r.Events))
				}
				got = append(got, ids(r.Events)...)
				if q.After = r.Next; r.Next == "" {
					break
				}
			}
			want := slices.Clone(all)
			if !ascending {
				slices.Reverse(want)
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages (ascending %v) give %d events, want all %d once and in order", ascending, len(got), len(want))
			}
		}
	})
}

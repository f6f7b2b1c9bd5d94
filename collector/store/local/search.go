package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

// part is a unit of search: a memtable, a block of a first-level segment, a filed segment.
type part interface {
	name() string
	span() (min, max int64) // of @timestamp
	rows() int64
	// judge says what can be known of all events without reading them; the time range is looked at by the caller.
	judge(p *plan) (verdict, error)
	// scan adds what satisfies the plan to out.
	scan(ctx context.Context, p *plan, out *partial) error
}

func (m memView) name() string                 { return "memory" }
func (m memView) span() (int64, int64)         { return m.min, m.max }
func (m memView) rows() int64                  { return int64(len(m.events)) }
func (m memView) judge(*plan) (verdict, error) { return maybe, nil }
func (m memView) scan(ctx context.Context, p *plan, out *partial) error {
	return scanEvents(ctx, m.events, p, out)
}

// Search implements store.Store.
//
// Parts are taken newest first (oldest first when ascending) by a few workers; a part that its time range, system or token
// filter excludes is not read, and one that cannot improve the page is not read once counting stopped.
func (s *Store) Search(ctx context.Context, q query.Search) (query.Result, error) {
	start := time.Now()
	p, err := newPlan(q)
	if err != nil {
		return query.Result{}, err
	}
	defer context.AfterFunc(ctx, func() { p.stopped.Store(true) })()
	v := s.view()
	defer s.release(v)
	run := &search{p: p, trouble: &s.trouble, guard: s.guarded, total: partial{aggs: newAggs(p)}, failed: slices.Clone(v.damaged)}
	for _, m := range v.mems {
		run.add(m)
	}
	for _, seg := range v.level0 {
		if some, _ := p.overlaps(seg.min, seg.max); !some {
			run.scanned += int64(seg.Events)
			continue
		}
		for i := range seg.Blocks {
			run.add(l0Part{seg, i})
		}
	}
	for _, f := range v.files {
		run.add(filePart{s, f})
	}
	sort.SliceStable(run.parts, func(i, j int) bool {
		a, b := run.parts[i], run.parts[j]
		amin, amax := a.span()
		bmin, bmax := b.span()
		if p.Ascending {
			return amin < bmin
		}
		return amax > bmax
	})
	var wg sync.WaitGroup
	for range min(s.cfg.Workers, len(run.parts)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			run.work(ctx)
		}()
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return query.Result{}, err
	}
	if run.err != nil {
		return query.Result{}, run.err
	}
	r := query.Result{Total: run.total.count, Scanned: run.scanned, Partial: run.failed}
	if p.CountCap > 0 && r.Total > int64(p.CountCap) {
		r.Total, r.Capped = int64(p.CountCap), true
	}
	run.total.trim(p)
	hits := run.total.hits
	shown, err := s.fetch(ctx, p, hits, &r)
	if err != nil {
		return query.Result{}, err
	}
	// Whoever was trimmed for its bytes stands behind what is shown, or the floor would not have been there.
	r.Cut = shown > 0 && (shown < len(hits) || shown < p.Limit && run.total.floor != nil) && run.more(p, shown)
	if p.Limit > 0 && (r.Cut || shown == p.Limit && run.more(p, shown)) {
		last := hits[shown-1]
		r.Next = cursor{last.time, last.id}.String()
	}
	if len(q.Aggs) > 0 {
		r.Aggs = make(map[string]query.AggResult, len(q.Aggs))
		for i := range q.Aggs {
			if r.Aggs[q.Aggs[i].Name], err = run.total.aggs[i].result(&q.Aggs[i], p); err != nil {
				return query.Result{}, err
			}
		}
	}
	r.Partial = byFile(r.Partial)
	r.TookMS = time.Since(start).Milliseconds()
	return r, nil
}

// search is one running Search.
type search struct {
	p       *plan
	parts   []part
	trouble *troubles
	guard   func(what string, f func() error) error

	mu      sync.Mutex // guards what follows
	at      int
	total   partial
	scanned int64
	skipped bool // a part was not looked at: it may hold events behind the page
	failed  []string
	err     error
}

func (r *search) add(pt part) {
	lo, hi := pt.span()
	if some, _ := r.p.overlaps(lo, hi); !some {
		r.scanned += pt.rows()
		return
	}
	r.parts = append(r.parts, pt)
}

// next hands out a part and the floor the page has reached; needHits and needCount say what the part is still wanted for.
func (r *search) next() (pt part, floor *hit, needCount, needHits bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.at < len(r.parts) && r.err == nil {
		pt = r.parts[r.at]
		r.at++
		lo, hi := pt.span()
		needCount = r.p.CountCap <= 0 || r.total.count <= int64(r.p.CountCap) || len(r.p.Aggs) > 0
		needHits = r.p.Limit > 0
		if needHits && r.total.floor != nil {
			best := hit{time: hi, id: "\xff"}
			if r.p.Ascending {
				best = hit{time: lo}
			}
			needHits = r.p.less(&best, r.total.floor)
		}
		if needHits && r.p.cursor != nil {
			worst := lo
			if r.p.Ascending {
				worst = hi
			}
			needHits = r.p.pastTime(worst) >= 0
		}
		if needCount || needHits {
			return pt, r.total.floor, needCount, needHits
		}
		r.scanned += pt.rows()
		r.skipped = true
	}
	return nil, nil, false, false
}

func (r *search) work(ctx context.Context) {
	for ctx.Err() == nil {
		pt, floor, _, needHits := r.next()
		if pt == nil {
			return
		}
		out := partial{aggs: newAggs(r.p), floor: floor}
		p := r.p
		if !needHits && p.Limit > 0 {
			q := *p
			q.Limit = 0
			p = &q
		}
		scanned := true
		err := r.guard("search", func() error {
			v, err := pt.judge(p)
			lo, hi := pt.span()
			_, all := p.overlaps(lo, hi)
			switch {
			case err != nil: // the token filter is a file, too
				return err
			case v == never:
				scanned = false
			case v == always && all && p.Limit <= 0 && len(p.Aggs) == 0:
				out.count, scanned = pt.rows(), false
			default:
				return pt.scan(ctx, p, &out)
			}
			return nil
		})
		if scanned && ctx.Err() == nil {
			r.trouble.scanned(pt, p, err)
		}
		r.mu.Lock()
		r.scanned += pt.rows()
		if err != nil && ctx.Err() == nil {
			r.failed = append(r.failed, pt.name()+": "+reason(err))
		} else if err == nil {
			r.total.count += out.count
			r.total.hits = append(r.total.hits, out.hits...)
			r.total.bytes += out.bytes
			if r.p.Limit > 0 && (len(r.total.hits) >= r.p.Limit || r.p.MaxBytes > 0 && r.total.bytes >= r.p.MaxBytes) {
				r.total.trim(r.p)
			}
			for i := range r.total.aggs {
				r.total.aggs[i].merge(&out.aggs[i])
			}
		}
		r.mu.Unlock()
	}
}

// more reports whether there may be events after the page of shown events. Counting is by query, not by cursor, so with a cursor it is
// a maybe, and the next page may be empty.
func (r *search) more(p *plan, shown int) bool {
	return p.cursor != nil || r.skipped || r.total.count > int64(shown)
}

func reason(err error) string {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Op + ": " + pe.Err.Error()
	}
	return err.Error()
}

// byFile sorts what could not be read and keeps one reason a file: the blocks of a first-level segment fail one by one.
func byFile(failed []string) []string {
	name := func(s string) string { name, _, _ := strings.Cut(s, ": "); return name }
	slices.Sort(failed)
	return slices.CompactFunc(failed, func(a, b string) bool { return name(a) == name(b) })
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, ids []string) ([]*ecs.Event, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	byID := make(map[string]*ecs.Event, len(ids))
	const batch = 1000
	for from := 0; from < len(ids); from += batch {
		list := ids[from:min(len(ids), from+batch)]
		// Ids are lower case, so the folded comparison of Terms is exact.
		r, err := s.Search(ctx, query.Search{Query: query.Terms{Field: ecs.EventID, Values: list}, Limit: len(list)})
		if err != nil {
			return nil, err
		}
		if len(r.Partial) > 0 && len(r.Events) < len(list) {
			return nil, fmt.Errorf("events could not all be looked for: %s", strings.Join(r.Partial, "; "))
		}
		for _, e := range r.Events {
			byID[e.ID] = e
		}
	}
	out := make([]*ecs.Event, 0, len(ids))
	for _, id := range ids {
		if e := byID[id]; e != nil {
			out = append(out, e)
		}
	}
	return out, nil
}

package local

import (
	"context"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

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
				var events []*ecs.Event
				err := s.guarded("reading of events", func() (err error) { events, err = s.rows(ctx, f, rows); return err })
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

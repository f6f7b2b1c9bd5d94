package local

import (
	"context"
	"sort"

	"hoalu/collector/store"
	"hoalu/ecs"
)

// Fields implements store.Store, from memory, the end of the first level and the newest files.
func (s *Store) Fields(ctx context.Context) ([]store.FieldShare, error) {
	v := s.view()
	defer s.release(v)
	counts := map[string]float64{}
	rows := 0.0
	events := func(list []*ecs.Event) {
		rows += float64(len(list))
		for _, e := range list {
			for i := range e.Len() {
				f, _ := e.At(i)
				first := true
				for j := range i {
					if g, _ := e.At(j); g == f {
						first = false
						break
					}
				}
				if first {
					counts[f.Name()]++
				}
			}
		}
	}
	for _, m := range v.mems {
		events(m.events)
	}
	for i := len(v.level0) - 1; i >= 0 && rows < 4096; i-- {
		for j := range v.level0[i].Blocks {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if list, err := v.level0[i].readBlock(j); err == nil { // Search names what cannot be read
				events(list)
			}
		}
	}
	files := append([]*file(nil), v.files...)
	sort.Slice(files, func(i, j int) bool { return files[i].Max > files[j].Max })
	for _, f := range files[:min(len(files), 64)] {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t, err := s.cache.tok(f)
		if err != nil {
			continue
		}
		rows += float64(t.Rows)
		for _, c := range t.Columns {
			counts[c.Field] += min(float64(c.Values), float64(t.Rows))
		}
		for _, e := range t.Ext {
			counts[e.Field] += float64(e.Values)
		}
	}
	out := make([]store.FieldShare, 0, len(counts))
	for f, n := range counts {
		out = append(out, store.FieldShare{Field: f, Share: min(1, n/max(rows, 1))})
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Share > out[j].Share || out[i].Share == out[j].Share && out[i].Field < out[j].Field
	})
	return out, nil
}

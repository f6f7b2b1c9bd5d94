package console

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

// fieldName reports whether s can be the name of a field.
func fieldName(s string) bool {
	if s == "" || len(s) > 120 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '.' && r != '_' && r != '-' && r != '@' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// fields looks at the newest events of the result: only fields that are there, with their fill and top values.
func (h *events) fields(ctx context.Context, k *call, in *fieldsIn) (*FieldsAnswer, error) {
	p, err := h.prepare(ctx, k, in.Query, in.SQ, in.From, in.To)
	if err != nil {
		return nil, err
	}
	asOf := h.asOf()
	r, err := h.searcher.run(ctx, k, query.Search{Query: p.node, From: p.from, To: p.to, Limit: fieldSample, CountCap: fieldSample})
	if err != nil {
		return nil, err
	}
	type tally struct {
		events    int64
		kind      ecs.Kind
		values    map[string]int64
		uncounted bool // a value that is not in values
		last      *ecs.Event
	}
	fields := map[ecs.Field]*tally{}
	count := func(e *ecs.Event, f ecs.Field, v ecs.Value) {
		t := fields[f]
		if t == nil {
			t = &tally{kind: v.Kind, values: map[string]int64{}}
			fields[f] = t
		}
		if t.last != e {
			t.last = e
			t.events++
		}
		if len(v.Text) <= 256 && (len(t.values) < 2000 || t.values[v.Text] > 0) {
			t.values[v.Text]++
		} else {
			t.uncounted = true
		}
	}
	for _, e := range r.Events {
		for _, f := range []ecs.Field{ecs.SystemID, ecs.SourceID} {
			if v, ok := e.Get(f); ok {
				count(e, f, v)
			}
		}
		for i := range e.Len() {
			f, v := e.At(i)
			if v.Kind != ecs.Null {
				count(e, f, v)
			}
		}
	}
	out := &FieldsAnswer{Items: []FieldItem{}, Sampled: int64(len(r.Events))}
	for f, t := range fields {
		item := FieldItem{Name: f.Name(), Count: t.events, Fill: float64(t.events) / float64(len(r.Events)), Kind: t.kind.String(),
			Top: []Bucket{}, Approximate: t.uncounted}
		for v, n := range t.values {
			item.Top = append(item.Top, Bucket{v, n})
		}
		slices.SortFunc(item.Top, func(a, b Bucket) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Key, b.Key))
		})
		item.Top = item.Top[:min(10, len(item.Top))]
		out.Items = append(out.Items, item)
	}
	slices.SortFunc(out.Items, func(a, b FieldItem) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	out.Frame = h.frame(int64(len(out.Items)), "", eventsFresh)
	out.AsOf, out.Capped, out.Partial = asOf, r.Capped || r.Cut, r.Partial
	return out, nil
}

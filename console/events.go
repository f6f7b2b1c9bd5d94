package console

import (
	"context"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/console/identity"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

// events are the stored events and searches over them.
type events struct {
	*intake
	events      Events
	searcher    *searcher
	identifiers *identifiers
	accounts    *identity.Accounts
}

func (h *events) operations() (string, []operation) {
	return "events", []operation{
		{get, "/api/events", "searchEvents", "events.search", "Search events, with aggregations",
			needs(partEvents, partIdentifiers, partReadings, partLedger), to(h.search)},
		{get, "/api/events/aggregate", "aggregateEvents", "events.search", "Only the aggregations",
			needs(partEvents, partIdentifiers, partReadings, partLedger), to(h.aggregate)},
		{get, "/api/events/fields", "eventFields", "events.search", "Fields in the result, with fill and top values",
			needs(partEvents, partIdentifiers), to(h.fields)},
		{get, "/api/events/{id}", "getEvent", "events.search", "One event", needs(partEvents), to(h.get)},
	}
}

const (
	eventsFresh  = time.Minute
	searchesEach = 4 // running at a time for one person
	fieldSample  = 1000
	pageBytes    = 4 << 20 // of the events of one answer: they stand in memory several times until the browser has them
)

// prepared is a search ready to run: the person's query, its tokens, their scope and the time.
type prepared struct {
	text     string // as it runs, without the scope
	node     query.Node
	scope    soc.Scope
	from, to int64
}

// prepare reads a query or a stored search and puts the actor's scope around it.
func (h *events) prepare(ctx context.Context, k *call, text, sq, from, to string) (prepared, error) {
	p := prepared{text: strings.TrimSpace(text), scope: h.scope(k)}
	if sq != "" {
		s, err := h.accounts.Search(ctx, k.Actor, sq)
		if err != nil {
			return p, err
		}
		if p.text == "" {
			p.text = s.Text
		} else {
			p.text = "(" + s.Text + ") and (" + p.text + ")"
		}
	}
	if kinds := h.identifiers.in(text, nil); len(kinds) > 0 {
		return p, usePost(kinds)
	}
	node, err := query.Parse(p.text)
	if err != nil {
		return p, err
	}
	if sq == "" {
		if kinds := h.identifiers.in("", node); len(kinds) > 0 {
			return p, usePost(kinds)
		}
	}
	if p.from, p.to, err = stretch(from, to, h.clock().UnixMilli()+1000, 24*time.Hour); err != nil {
		return p, err
	}
	p.node = node
	if within := authz.Node(p.scope); within != (query.Node)(query.All{}) {
		p.node = query.And{within, node}
	}
	return p, nil
}

// asOf is until when a search that begins now sees all that was stored: what the store took within its Freshness may not be there yet.
func (h *events) asOf() Time { return Time(h.clock().Add(-h.events.Freshness()).UnixMilli()) }

func (h *events) search(ctx context.Context, k *call, in *eventsIn) (*EventsAnswer, error) {
	return h.answer(ctx, k, in, in.Limit)
}

func (h *events) aggregate(ctx context.Context, k *call, in *eventsIn) (*EventsAnswer, error) {
	if in.Histogram == "" && len(in.Terms) == 0 {
		in.Histogram = "auto"
	}
	return h.answer(ctx, k, in, 0)
}

func (h *events) answer(ctx context.Context, k *call, in *eventsIn, limit int) (*EventsAnswer, error) {
	p, err := h.prepare(ctx, k, in.Query, in.SQ, in.From, in.To)
	if err != nil {
		return nil, err
	}
	s := query.Search{Query: p.node, From: p.from, To: p.to, Limit: limit, After: in.After, Ascending: in.Sort == "time"}
	step := int64(0)
	if in.Histogram != "" {
		if step, err = interval(in.Histogram, p.from, p.to); err != nil {
			return nil, err
		}
		s.Aggs = append(s.Aggs, query.Agg{Name: "histogram", Kind: query.AggHistogram, Field: ecs.Timestamp, Interval: step})
	}
	for _, name := range in.Terms {
		if !fieldName(name) {
			return nil, wrongField("field_wrong", "terms")
		}
		f := ecs.Named(name)
		s.Aggs = append(s.Aggs, query.Agg{Name: "t." + name, Kind: query.AggTerms, Field: f, Size: in.Top},
			query.Agg{Name: "n." + name, Kind: query.AggCardinality, Field: f})
	}
	asOf := h.asOf()
	r, err := h.searcher.run(ctx, k, s)
	if err != nil {
		return nil, err
	}
	out := &EventsAnswer{Events: make([]Event, len(r.Events)), Scanned: r.Scanned, TookMS: r.TookMS, Query: p.text,
		Frame: h.frame(r.Total, r.Next, eventsFresh)}
	out.AsOf, out.Capped, out.Partial, out.Cut = asOf, r.Capped, r.Partial, r.Cut
	atLeast := len(r.Partial) > 0
	for i, e := range r.Events {
		out.Events[i] = Event{e}
	}
	if step > 0 {
		bars := &Histogram{IntervalMS: step, Buckets: []Bucket{}, AtLeast: atLeast}
		holds := map[int64]bool{}
		for _, b := range r.Aggs["histogram"].Buckets {
			bars.Buckets = append(bars.Buckets, Bucket(b))
			if at, err := time.Parse(time.RFC3339Nano, b.Key); err == nil && b.Count > 0 {
				holds[at.UnixMilli()/step*step] = true
			}
		}
		if bars.Gaps, err = h.gaps(ctx, p, step, holds); err != nil {
			return nil, err
		}
		out.Histogram = bars
	}
	if len(in.Terms) > 0 {
		out.Terms = map[string]TermsTable{}
		for _, name := range in.Terms {
			top, distinct := r.Aggs["t."+name], r.Aggs["n."+name]
			t := TermsTable{Buckets: []Bucket{}, Other: top.Other, Distinct: distinct.Value, Approximate: top.Approximate || distinct.Approximate,
				CountError: top.CountError,
				AtLeast:    atLeast}
			for _, b := range top.Buckets {
				t.Buckets = append(t.Buckets, Bucket(b))
			}
			out.Terms[name] = t
		}
	}
	if in.After == "" {
		if out.MissingSources, err = h.missingSources(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (h *events) get(ctx context.Context, k *call, in *idIn) (*EventDetail, error) {
	events, err := h.events.Get(ctx, []string{in.ID})
	if err != nil {
		return nil, err
	}
	if len(events) == 0 || !authz.Covers(h.scope(k), events[0].System) {
		return nil, absent(in.ID)
	}
	e := events[0]
	n := h.names()
	out := &EventDetail{Event: Event{e}}
	if e.System != "" {
		ref := n.system(e.System)
		out.System = &ref
	}
	if e.Source != "" {
		ref := n.source(e.Source)
		out.Source = &ref
	}
	return out, nil
}

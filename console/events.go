package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/console/identity"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

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
func (c *Console) prepare(ctx context.Context, k *call, text, sq, from, to string) (prepared, error) {
	p := prepared{text: strings.TrimSpace(text), scope: c.scope(k)}
	if sq != "" {
		s, err := c.Accounts.Search(ctx, k.Actor, sq)
		if err != nil {
			return p, err
		}
		if p.text == "" {
			p.text = s.Text
		} else {
			p.text = "(" + s.Text + ") and (" + p.text + ")"
		}
	}
	if kinds := c.identifiersIn(text, nil); len(kinds) > 0 {
		return p, usePost(kinds)
	}
	node, err := query.Parse(p.text)
	if err != nil {
		return p, err
	}
	if sq == "" {
		if kinds := c.identifiersIn("", node); len(kinds) > 0 {
			return p, usePost(kinds)
		}
	}
	if p.from, p.to, err = stretch(from, to, c.Now().UnixMilli()+1000, 24*time.Hour); err != nil {
		return p, err
	}
	p.node = node
	if within := authz.Node(p.scope); within != (query.Node)(query.All{}) {
		p.node = query.And{within, node}
	}
	return p, nil
}

func usePost(kinds []string) error {
	return &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "use_post", Detail: "The query holds a citizen's identifier; addresses are logged.",
		Do: "Store the search with POST /api/searches and search with its name.", Values: map[string]string{"kinds": strings.Join(kinds, ", ")}}
}

// identifiersIn names the kinds of citizen identifiers in a text and in the values of a query.
func (c *Console) identifiersIn(text string, node query.Node) []string {
	if c.Parts.Identifiers == nil {
		return nil
	}
	var kinds []string
	look := func(s string) {
		for _, i := range c.Parts.Identifiers.Find(s) {
			if !slices.Contains(kinds, i.Kind) {
				kinds = append(kinds, i.Kind)
			}
		}
	}
	if text != "" {
		look(text)
	}
	if node != nil {
		walk(node, func(n query.Node) {
			for _, v := range leafTexts(n) {
				look(v)
			}
		})
	}
	return kinds
}

func walk(n query.Node, visit func(query.Node)) {
	visit(n)
	switch n := n.(type) {
	case query.And:
		for _, x := range n {
			walk(x, visit)
		}
	case query.Or:
		for _, x := range n {
			walk(x, visit)
		}
	case query.Not:
		walk(n.Node, visit)
	}
}

func leafTexts(n query.Node) []string {
	switch n := n.(type) {
	case query.Term:
		return []string{n.Value}
	case query.Terms:
		return n.Values
	case query.Words:
		return []string{n.Text}
	case query.Prefix:
		return []string{n.Value}
	case query.Wildcard:
		return []string{n.Pattern}
	case query.Regexp:
		return []string{n.Pattern}
	case query.Range:
		return []string{n.GT, n.GTE, n.LT, n.LTE}
	}
	return nil
}

// protect puts tokens in place of identifiers (decision 17): a whole value becomes any of its tokens; a part of a pattern cannot and
// is refused by name.
func (c *Console) protect(ctx context.Context, n query.Node) (query.Node, []string, error) {
	if c.Parts.Identifiers == nil {
		return n, nil, nil
	}
	var kinds []string
	note := func(kind string) {
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	// whole answers the tokens of a value that is one identifier, nil when none is in it.
	whole := func(value string) ([]string, error) {
		found := c.Parts.Identifiers.Find(value)
		if len(found) == 0 {
			return nil, nil
		}
		rest := value
		if len(found) == 1 {
			rest = value[:found[0].Start] + value[found[0].End:]
		}
		if len(found) > 1 || strings.TrimSpace(rest) != "" {
			note(found[0].Kind)
			return nil, &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "identifier_partial", Detail: "An identifier cannot be searched as part of a longer text.", Values: map[string]string{"kind": found[0].Kind}}
		}
		note(found[0].Kind)
		tokens, err := c.Parts.Identifiers.Tokens(ctx, found[0].Kind, found[0].Value)
		if err == nil && len(tokens) == 0 {
			err = unavailable("identifiers")
		}
		return tokens, err
	}
	var rewrite func(query.Node) (query.Node, error)
	list := func(in []query.Node) ([]query.Node, error) {
		out := make([]query.Node, len(in))
		for i, x := range in {
			y, err := rewrite(x)
			if err != nil {
				return nil, err
			}
			out[i] = y
		}
		return out, nil
	}
	rewrite = func(n query.Node) (query.Node, error) {
		switch n := n.(type) {
		case query.And:
			out, err := list(n)
			return query.And(out), err
		case query.Or:
			out, err := list(n)
			return query.Or(out), err
		case query.Not:
			x, err := rewrite(n.Node)
			return query.Not{Node: x}, err
		case query.Term:
			tokens, err := whole(n.Value)
			if err != nil || tokens == nil {
				return n, err
			}
			// The token stands where the number stood, which may be within a longer value: a word of it.
			return anyToken(n.Field, false, tokens), nil
		case query.Terms:
			var or query.Or
			var plain []string
			for _, v := range n.Values {
				tokens, err := whole(v)
				if err != nil {
					return nil, err
				}
				if tokens == nil {
					plain = append(plain, v)
					continue
				}
				or = append(or, anyToken(n.Field, false, tokens))
			}
			if or == nil {
				return n, nil
			}
			if plain != nil {
				or = append(or, query.Terms{Field: n.Field, Values: plain})
			}
			return or, nil
		case query.Words:
			tokens, err := whole(n.Text)
			if err != nil || tokens == nil {
				return n, err
			}
			return anyToken(n.Field, n.Any, tokens), nil
		}
		for _, v := range leafTexts(n) { // patterns and ranges
			if found := c.Parts.Identifiers.Find(v); len(found) > 0 {
				note(found[0].Kind)
				return nil, &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "identifier_partial", Detail: "An identifier cannot be searched as a pattern.", Values: map[string]string{"kind": found[0].Kind}}
			}
		}
		return n, nil
	}
	out, err := rewrite(n)
	return out, kinds, err
}

func anyToken(field ecs.Field, anywhere bool, tokens []string) query.Node {
	var or query.Or
	for _, t := range tokens {
		or = append(or, query.Words{Field: field, Any: anywhere, Text: t})
	}
	if len(or) == 1 {
		return or[0]
	}
	return or
}

// search runs s under the person's budget and the time bound.
func (c *Console) search(ctx context.Context, k *call, s query.Search) (query.Result, error) {
	if c.Parts.Events == nil {
		return query.Result{}, unavailable("events")
	}
	c.mu.Lock()
	if c.searching[k.Actor.ID] >= searchesEach {
		c.mu.Unlock()
		return query.Result{}, &soc.Problem{Status: http.StatusTooManyRequests, Code: "searches_running", Detail: "Too many searches are running.", Values: map[string]string{"most": strconv.Itoa(searchesEach)}}
	}
	c.searching[k.Actor.ID]++
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.searching[k.Actor.ID]--; c.searching[k.Actor.ID] == 0 {
			delete(c.searching, k.Actor.ID)
		}
	}()
	s.MaxBytes = pageBytes
	ctx, cancel := context.WithTimeout(ctx, c.SearchTime)
	defer cancel()
	return c.Parts.Events.Search(ctx, s)
}

func (c *Console) searchEvents(ctx context.Context, k *call, in *eventsIn) (*EventsAnswer, error) {
	return c.answerEvents(ctx, k, in, in.Limit)
}

func (c *Console) aggregateEvents(ctx context.Context, k *call, in *eventsIn) (*EventsAnswer, error) {
	if in.Histogram == "" && len(in.Terms) == 0 {
		in.Histogram = "auto"
	}
	return c.answerEvents(ctx, k, in, 0)
}

func (c *Console) answerEvents(ctx context.Context, k *call, in *eventsIn, limit int) (*EventsAnswer, error) {
	p, err := c.prepare(ctx, k, in.Query, in.SQ, in.From, in.To)
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
		s.Aggs = append(s.Aggs, query.Agg{Name: "t." + name, Kind: query.AggTerms, Field: f, Size: in.Top}, query.Agg{Name: "n." + name, Kind: query.AggCardinality, Field: f})
	}
	r, err := c.search(ctx, k, s)
	if err != nil {
		return nil, err
	}
	out := &EventsAnswer{Events: make([]Event, len(r.Events)), Scanned: r.Scanned, TookMS: r.TookMS, Query: p.text, Frame: c.frame(r.Total, r.Next, eventsFresh)}
	out.Capped, out.Partial, out.Cut = r.Capped, r.Partial, r.Cut
	for i, e := range r.Events {
		out.Events[i] = Event{e}
	}
	if step > 0 {
		h := &Histogram{IntervalMS: step, Buckets: []Bucket{}}
		holds := map[int64]bool{}
		for _, b := range r.Aggs["histogram"].Buckets {
			h.Buckets = append(h.Buckets, Bucket(b))
			if at, err := time.Parse(time.RFC3339Nano, b.Key); err == nil && b.Count > 0 {
				holds[at.UnixMilli()/step*step] = true
			}
		}
		if h.Gaps, err = c.gaps(ctx, p, step, holds); err != nil {
			return nil, err
		}
		out.Histogram = h
	}
	if len(in.Terms) > 0 {
		out.Terms = map[string]TermsTable{}
		for _, name := range in.Terms {
			top, distinct := r.Aggs["t."+name], r.Aggs["n."+name]
			t := TermsTable{Buckets: []Bucket{}, Other: top.Other, Distinct: distinct.Value, Approximate: top.Approximate || distinct.Approximate, CountError: top.CountError}
			for _, b := range top.Buckets {
				t.Buckets = append(t.Buckets, Bucket(b))
			}
			out.Terms[name] = t
		}
	}
	if in.After == "" {
		out.MissingSources = c.missingSources(k, p)
	}
	return out, nil
}

// fieldName reports whether s can be the name of a field.
func fieldName(s string) bool {
	if s == "" || len(s) > 120 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '.' && r != '_' && r != '-' && r != '@' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}

// gaps are the bars without anything behind them: before the first event ever received, and those in which the ledger counted
// nothing at all from the scope's sources (it has minutes for 8 days). A bar that holds something is never one.
func (c *Console) gaps(ctx context.Context, p prepared, step int64, holds map[int64]bool) ([]Span, error) {
	now := c.Now().UnixMilli()
	systemOf := map[string]string{}
	if c.Parts.Inventory != nil {
		for _, s := range c.Parts.Inventory.Sources() {
			systemOf[s.ID] = s.System
		}
	}
	in := func(source string) bool { return p.scope.All || slices.Contains(p.scope.Systems, systemOf[source]) }
	first := int64(0) // nothing is known from before it; 0: nobody watches the sources
	if c.Parts.Readings != nil {
		first = now
		for _, r := range c.Parts.Readings.Readings() {
			if r.FirstEvent > 0 && in(r.Source) {
				first = min(first, r.FirstEvent)
			}
		}
	}
	kept, checked := now, int64(0) // what the ledger can speak of
	got := map[int64]bool{}
	if c.Parts.Ledger != nil && step >= time.Minute.Milliseconds() && p.to-p.from <= (8*24*time.Hour).Milliseconds() {
		sum, err := c.Parts.Ledger.Summary(ctx)
		if err != nil {
			return nil, err
		}
		if sum.Kept > 0 {
			kept, checked = sum.Kept, sum.LastMinute+time.Minute.Milliseconds()
			rows, err := c.Parts.Ledger.Rows(ctx, p.from, min(p.to, now), "")
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				if r.Received > 0 && in(r.Source) {
					got[r.Minute/step] = true
				}
			}
		}
	}
	var out []Span
	for start := p.from / step * step; start < min(p.to, now); start += step {
		before := start+step <= first
		silent := start >= kept && start+step <= checked && !got[start/step]
		if holds[start] || (!before && !silent) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].To == Time(start) {
			out[n-1].To = Time(start + step)
			continue
		}
		out = append(out, Span{Time(start), Time(start + step)})
	}
	return out, nil
}

// missingSources are those in scope whose last event lies before the range or that have never sent. Of the sample set nothing is
// missing: its events are a recording.
func (c *Console) missingSources(k *call, p prepared) []Ref {
	if c.Parts.Readings == nil || c.Parts.Inventory == nil {
		return nil
	}
	last := map[string]int64{}
	for _, r := range c.Parts.Readings.Readings() {
		last[r.Source] = r.LastEvent
	}
	var out []Ref
	for _, s := range c.Parts.Inventory.Sources() {
		if !s.Demo && c.sourceIn(p.scope, s) && last[s.ID] < p.from && len(out) < 50 {
			out = append(out, Ref{s.ID, s.Name})
		}
	}
	return out
}

func (c *Console) sourceIn(scope soc.Scope, s soc.Source) bool {
	return scope.All || (s.System != "" && slices.Contains(scope.Systems, s.System))
}

func (c *Console) getEvent(ctx context.Context, k *call, in *idIn) (*EventDetail, error) {
	if c.Parts.Events == nil {
		return nil, unavailable("events")
	}
	events, err := c.Parts.Events.Get(ctx, []string{in.ID})
	if err != nil {
		return nil, err
	}
	if len(events) == 0 || !authz.Covers(c.scope(k), events[0].System) {
		return nil, absent(in.ID)
	}
	e := events[0]
	n := c.names()
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

// eventFields looks at the newest events of the result: only fields that are there, with their fill and top values.
func (c *Console) eventFields(ctx context.Context, k *call, in *fieldsIn) (*FieldsAnswer, error) {
	p, err := c.prepare(ctx, k, in.Query, in.SQ, in.From, in.To)
	if err != nil {
		return nil, err
	}
	r, err := c.search(ctx, k, query.Search{Query: p.node, From: p.from, To: p.to, Limit: fieldSample, CountCap: fieldSample})
	if err != nil {
		return nil, err
	}
	type tally struct {
		events int64
		kind   ecs.Kind
		values map[string]int64
		last   *ecs.Event
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
		item := FieldItem{Name: f.Name(), Count: t.events, Fill: float64(t.events) / float64(len(r.Events)), Kind: t.kind.String(), Top: []Bucket{}}
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
	out.Frame = c.frame(int64(len(out.Items)), "", eventsFresh)
	out.Partial = r.Partial
	return out, nil
}

func (c *Console) makeSearch(ctx context.Context, k *call, in *bodyIn[searchBody]) (*Search, error) {
	node, err := query.Parse(in.Body.Query)
	if err != nil {
		return nil, err
	}
	protected, kinds, err := c.protect(ctx, node)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(in.Body.Query)
	if len(kinds) > 0 {
		text = query.Print(protected)
	}
	s, err := c.Accounts.KeepSearch(ctx, k.Actor, identity.Search{Name: in.Body.Name, Shared: in.Body.Shared, Text: text, Kinds: kinds})
	if err != nil {
		return nil, err
	}
	out := searchOf(s, k.Actor)
	return &out, nil
}

func searchOf(s identity.Search, actor soc.Actor) Search {
	out := Search{SQ: s.ID, Query: s.Text, Name: s.Name, Shared: s.Shared, Identifiers: orEmpty(s.Kinds), Created: Time(s.Created)}
	if s.Account == actor.ID {
		out.By = actor.Name
	}
	return out
}

func (c *Console) listSearches(ctx context.Context, k *call, _ *none) (*Page[Search], error) {
	list, err := c.Accounts.Searches(ctx, k.Actor)
	if err != nil {
		return nil, err
	}
	p := &Page[Search]{Items: make([]Search, len(list)), Frame: c.frame(int64(len(list)), "", time.Minute)}
	for i, s := range list {
		p.Items[i] = searchOf(s, k.Actor)
	}
	return p, nil
}

func (c *Console) deleteSearch(ctx context.Context, k *call, in *idIn) (*Done, error) {
	if err := c.Accounts.DropSearch(ctx, k.Actor, in.ID); err != nil {
		return nil, err
	}
	return &Done{true}, nil
}

package console

import (
	"context"
	"strings"
	"time"

	"hoalu/console/identity"
	"hoalu/ecs/query"
	"hoalu/soc"
)

// searches are the queries people keep under a name.
type searches struct {
	*desk
	identifiers *identifiers
	accounts    *identity.Accounts
}

func (h *searches) operations() (string, []operation) {
	return "events", []operation{
		{post, "/api/searches", "makeSearch", "events.search", "Store a search and name it; identifiers become tokens",
			needs(partIdentifiers), to(h.make)},
		{get, "/api/searches", "listSearches", "events.search", "Searches kept under a name, one's own and the unit's",
			nil, to(h.list)},
		{del, "/api/searches/{id}", "deleteSearch", "events.search", "Delete a kept search", nil, to(h.drop)},
	}
}

func (h *searches) make(ctx context.Context, k *call, in *bodyIn[searchBody]) (*Search, error) {
	node, err := query.Parse(in.Body.Query)
	if err != nil {
		return nil, err
	}
	protected, kinds, err := h.identifiers.protect(ctx, node)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(in.Body.Query)
	if len(kinds) > 0 {
		text = query.Print(protected)
	}
	s, err := h.accounts.KeepSearch(ctx, k.Actor, identity.Search{Name: in.Body.Name, Shared: in.Body.Shared, Text: text, Kinds: kinds})
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

func (h *searches) list(ctx context.Context, k *call, _ *none) (*Page[Search], error) {
	list, err := h.accounts.Searches(ctx, k.Actor)
	if err != nil {
		return nil, err
	}
	p := &Page[Search]{Items: make([]Search, len(list)), Frame: h.frame(int64(len(list)), "", time.Minute)}
	for i, s := range list {
		p.Items[i] = searchOf(s, k.Actor)
	}
	return p, nil
}

func (h *searches) drop(ctx context.Context, k *call, in *idIn) (*Done, error) {
	if err := h.accounts.DropSearch(ctx, k.Actor, in.ID); err != nil {
		return nil, err
	}
	return &Done{true}, nil
}

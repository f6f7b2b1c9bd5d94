package store

import (
	"context"
	"fmt"
	"strings"

	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

// Refers says whether s holds events of a system or source. A store that could not look everywhere and found none is an error.
func Refers(ctx context.Context, s Store, kind, id string) ([]soc.Use, error) {
	field, ok := map[string]ecs.Field{soc.KindSystem: ecs.SystemID, soc.KindSource: ecs.SourceID}[kind]
	if !ok {
		return nil, nil
	}
	r, err := s.Search(ctx, query.Search{Query: query.Term{Field: field, Value: id}, Limit: 1, CountCap: 1})
	if err != nil {
		return nil, err
	}
	if len(r.Events) > 0 || r.Total > 0 {
		return []soc.Use{{Kind: "event", Past: true}}, nil
	}
	if len(r.Partial) > 0 {
		return nil, fmt.Errorf("look for events of %s: not all could be read: %s", id, strings.Join(r.Partial, "; "))
	}
	return nil, nil
}

package triage

import (
	"context"

	"hoalu/soc"
)

// Refers says whether alerts are kept of a system or source, exercises and samples too. They are history, and are not named: whoever
// keeps the inventory need not read alerts.
func (s *Store) Refers(ctx context.Context, kind, id string) ([]soc.Use, error) {
	f := Filter{Exercise: With}
	switch kind {
	case soc.KindSystem:
		f.Systems = []string{id}
	case soc.KindSource:
		f.Sources = []string{id}
	default:
		return nil, nil
	}
	p, err := s.List(ctx, soc.Scope{All: true}, Query{Filter: f, Limit: 1})
	if err != nil || p.Total == 0 {
		return nil, err
	}
	return []soc.Use{{Kind: "alert", Past: true}}, nil
}

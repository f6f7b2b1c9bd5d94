package console

import (
	"context"
	"time"

	"hoalu/console/identity"
	"hoalu/soc"
)

// people are those an alert can be given to.
type people struct {
	*desk
	accounts *identity.Accounts
}

func (h *people) operations() (string, []operation) {
	return "alerts", []operation{
		{get, "/api/people", "listPeople", "alerts.assign", "People an alert can be given to", nil, to(h.list)},
	}
}

// list lists those who may acknowledge: an alert can be given to them.
func (h *people) list(ctx context.Context, _ *call, _ *none) (*Page[Ref], error) {
	list, err := h.accounts.List(ctx)
	if err != nil {
		return nil, err
	}
	p := &Page[Ref]{Items: []Ref{}}
	for _, a := range list {
		d, err := h.policy.Decide(ctx, soc.Actor{Roles: a.Roles, Unit: a.Unit}, "alerts.acknowledge")
		if err != nil {
			return nil, err
		}
		if d.Allow && a.State == "active" {
			p.Items = append(p.Items, Ref{a.ID, a.Name})
		}
	}
	p.Frame = h.frame(int64(len(p.Items)), "", time.Minute)
	return p, nil
}

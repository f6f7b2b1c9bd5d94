package console

import (
	"context"
	"strconv"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

// audit is the record of who did what.
type audit struct{ *desk }

func (h *audit) operations() (string, []operation) {
	return "audit", []operation{
		{get, "/api/audit", "listAudit", "audit.read", "Who did what, when, from where", nil, to(h.list)},
	}
}

// deedText words what was done; where it was denied the action is one of the policy.
func deedText(action string) Text {
	return both("deed."+action, nil, both("action."+action, nil, action))
}

// unmasking are the deeds that show or search citizens' identifiers: what the data-protection officer reads.
var unmasking = []string{"search.identifier", "unmask.request", "unmask.approve", "unmask.refuse", "unmask.show"}

func (h *audit) list(ctx context.Context, k *call, in *auditIn) (*AuditAnswer, error) {
	q := AuditQuery{Actor: in.Actor, Action: in.Action, Object: in.Object, People: in.People, Result: in.Result, Text: in.Text, Limit: in.Limit}
	var err error
	if q.From, err = instant("from", in.From, 0); err != nil {
		return nil, err
	}
	if q.To, err = instant("to", in.To, 0); err != nil {
		return nil, err
	}
	if in.After != "" {
		if q.Before, err = strconv.ParseInt(in.After, 10, 64); err != nil || q.Before <= 0 {
			return nil, wrongField("cursor_ended", "after")
		}
	}
	self, unmask := k.Filter.Has(authz.Actor, k.Actor.ID), k.Filter.Has(authz.Unmask, "true")
	switch {
	case k.Filter.All:
	case unmask: // an officer who is also on duty sees unmasking by everyone; own deeds of other kinds stand in the person's other menu
		q.Actions = unmasking
	case self:
		if in.Actor != "" && in.Actor != k.Actor.ID {
			return &AuditAnswer{Items: []AuditItem{}, Frame: h.frame(0, "", time.Minute)}, nil
		}
		q.Actor = k.Actor.ID
	default:
		return nil, absent("audit")
	}
	p, err := h.audit.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &AuditAnswer{Items: []AuditItem{}}
	for _, d := range p.Items {
		out.Items = append(out.Items, AuditItem{Number: d.Number, Time: Time(d.Time), Actor: Ref{d.Actor.ID, d.Actor.Name}, Roles: orEmpty(d.Actor.Roles), Action: d.Action, Text: deedText(d.Action), Object: d.Object,
			Result: d.Result, Address: d.Actor.Address, Reason: d.Reason, Before: d.Before, After: d.After, Details: d.Details})
	}
	next := ""
	if p.Next > 0 {
		next = strconv.FormatInt(p.Next, 10)
	}
	out.Frame = h.frame(p.Total, next, time.Minute)
	if k.Filter.All {
		if out.Head, err = h.audit.Head(ctx); err != nil {
			return nil, err
		}
	}
	if in.After == "" { // reading the log is a deed of its own, once a view
		err := h.audit.Record(ctx, soc.Deed{Actor: k.Actor, Action: "audit.read", Result: "done", Details: map[string]string{"query": in.Text, "actor": in.Actor, "action": in.Action, "object": in.Object}})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

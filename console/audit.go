package console

import (
	"context"
	"strconv"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

// audit is the record of who did what.
type audit struct {
	*desk
	running chan struct{} // exports under way
}

func (h *audit) operations() (string, []operation) {
	return "audit", []operation{
		{get, "/api/audit", "listAudit", "audit.read", "Who did what, when, from where", nil, to(h.list)},
		{get, "/api/audit/export", "exportAudit", "audit.read", "The same rows as CSV, at most 100,000", nil, h.exports()},
	}
}

// unmasking are the deeds that show or search citizens' identifiers: what the data-protection officer reads.
var unmasking = []string{"search.identifier", "unmask.request", "unmask.approve", "unmask.refuse", "unmask.show"}

// query is what of the log the filter chooses and the person may read; none: nothing of it.
func (h *audit) query(k *call, in *AuditFilter) (q AuditQuery, none bool, err error) {
	q = AuditQuery{Actor: in.Actor, Action: in.Action, Object: in.Object, People: in.People, Result: in.Result, Text: in.Text}
	if q.From, err = instant("from", in.From, 0); err != nil {
		return q, false, err
	}
	if q.To, err = instant("to", in.To, 0); err != nil {
		return q, false, err
	}
	self, unmask := k.Filter.Has(authz.Actor, k.Actor.ID), k.Filter.Has(authz.Unmask, "true")
	switch {
	case k.Filter.All:
	case unmask: // an officer who is also on duty sees unmasking by everyone; own deeds of other kinds stand in the person's other menu
		q.Actions = unmasking
	case self:
		none = in.Actor != "" && in.Actor != k.Actor.ID
		q.Actor = k.Actor.ID
	default:
		return q, false, absent("audit")
	}
	return q, none, nil
}

func (h *audit) list(ctx context.Context, k *call, in *auditIn) (*AuditAnswer, error) {
	q, none, err := h.query(k, &in.AuditFilter)
	if err != nil {
		return nil, err
	}
	q.Limit = in.Limit
	if in.After != "" {
		if q.Before, err = strconv.ParseInt(in.After, 10, 64); err != nil || q.Before <= 0 {
			return nil, wrongField("cursor_ended", "after")
		}
	}
	if none {
		return &AuditAnswer{Items: []AuditItem{}, Frame: h.frame(0, "", time.Minute)}, nil
	}
	p, err := h.audit.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &AuditAnswer{Items: []AuditItem{}}
	for _, d := range p.Items {
		out.Items = append(out.Items, AuditItem{Number: d.Number, Time: Time(d.Time), Actor: actorRef(k.Lang, d.Actor),
			Roles: orEmpty(d.Actor.Roles), Action: d.Action, Text: deedText(d.Action), Object: d.Object,
			Result: d.Result, Address: d.Actor.Address, Reason: d.Reason, Why: reasonSaid(d), Before: d.Before, After: d.After,
			Details: d.Details, Said: deedSaid(d)})
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
		err := h.audit.Record(ctx, soc.Deed{Actor: k.Actor, Action: "audit.read", Result: "done",
			Details: map[string]string{"query": in.Text, "actor": in.Actor, "action": in.Action, "object": in.Object}})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

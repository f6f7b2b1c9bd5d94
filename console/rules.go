package console

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

func ruleItem(r soc.RuleInfo, alerts map[string]int64) RuleItem {
	item := RuleItem{ID: r.ID, Version: r.Version, Title: r.Title, Severity: r.Severity, Status: r.Status, State: "running", Attack: orEmpty(r.Attack), Tags: orEmpty(r.Tags), Origin: r.Origin,
		File: r.File, Logsource: r.Logsource, Correlation: r.Correlation}
	if item.Title == nil {
		item.Title = Text{"en": r.ID}
	}
	if alerts != nil {
		n := alerts[r.ID]
		item.Alerts = &n
	}
	return item
}

var severityRank = map[soc.Severity]int{soc.Informational: 0, soc.Low: 1, soc.Medium: 2, soc.High: 3, soc.Critical: 4}

func (c *Console) listRules(ctx context.Context, k *call, in *rulesIn) (*RulesAnswer, error) {
	if c.Parts.Rules == nil {
		return nil, unavailable("rules")
	}
	var alerts map[string]int64
	if c.may(ctx, k, "alerts.read") {
		if scope, _ := c.scopeFor(ctx, k, "alerts.read"); scope.All { // counts are over everything: only for those who see everything
			var err error
			if alerts, err = c.Parts.Rules.AlertsByRule(ctx); err != nil {
				return nil, err
			}
		}
	}
	out := &RulesAnswer{}
	var rows []RuleItem
	for _, r := range c.Parts.Rules.Rules() {
		out.Running++
		if in.State == "refused" || (in.Severity != "" && string(r.Severity) != in.Severity) || (in.Origin != "" && r.Origin != in.Origin) ||
			(in.Product != "" && r.Logsource["product"] != in.Product) || (in.Attack != "" && !attack(r.Attack, in.Attack)) ||
			!matches(in.Text, r.ID, r.Title["vi"], r.Title["en"], r.File, strings.Join(r.Attack, " "), strings.Join(r.Tags, " ")) {
			continue
		}
		rows = append(rows, ruleItem(r, alerts))
	}
	for _, r := range c.Parts.Rules.Refused() {
		out.Refused++
		if in.State == "running" || in.Severity != "" || in.Origin != "" || in.Product != "" || in.Attack != "" || !matches(in.Text, r.Rule, r.File, r.Reason) {
			continue
		}
		rows = append(rows, RuleItem{ID: r.Rule, Title: Text{"en": r.File}, State: "refused", File: r.File, Reason: r.Reason, Attack: []string{}, Tags: []string{}})
	}
	key, down := sorting(in.Sort)
	name := byName()
	slices.SortStableFunc(rows, func(a, b RuleItem) int {
		n := 0
		switch key {
		case "title":
			n = name(cmp.Or(a.Title[k.Lang], a.Title["en"]), cmp.Or(b.Title[k.Lang], b.Title["en"]))
		case "severity":
			n = cmp.Compare(severityRank[a.Severity], severityRank[b.Severity])
		case "alerts":
			count := func(r RuleItem) int64 {
				if r.Alerts == nil {
					return 0
				}
				return *r.Alerts
			}
			n = cmp.Compare(count(a), count(b))
		default:
			n = cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(severityRank[b.Severity], severityRank[a.Severity]))
		}
		return cmp.Or(sign(down, n), cmp.Compare(a.File, b.File), cmp.Compare(a.ID, b.ID))
	})
	items, next, err := page(rows, func(r RuleItem) string { return r.File + "#" + r.ID }, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out.Items = orEmpty(items)
	out.Frame = c.frame(int64(len(rows)), next, time.Hour)
	return out, nil
}

// attack reports whether a rule names the technique or one of its sub-techniques.
func attack(have []string, want string) bool {
	want = strings.ToUpper(want)
	return slices.ContainsFunc(have, func(t string) bool {
		t = strings.ToUpper(t)
		return t == want || strings.HasPrefix(t, want+".")
	})
}

func (c *Console) getRule(_ context.Context, _ *call, in *idIn) (*RuleDetail, error) {
	if c.Parts.Rules == nil {
		return nil, unavailable("rules")
	}
	list := c.Parts.Rules.Rules()
	i := slices.IndexFunc(list, func(r soc.RuleInfo) bool { return r.ID == in.ID })
	if i < 0 {
		return nil, absent(in.ID)
	}
	r := list[i]
	d := &RuleDetail{RuleItem: ruleItem(r, nil), Why: r.Why, Runbook: r.Runbook, Text: r.Text}
	if d.Why == nil {
		d.Why = Text{}
	}
	if d.Runbook == nil {
		d.Runbook = map[string][]string{}
	}
	return d, nil
}

// deedText words what was done; where it was denied the action is one of the policy.
func deedText(action string) Text {
	return both("deed."+action, nil, both("action."+action, nil, action))
}

// unmasking are the deeds that show or search citizens' identifiers: what the data-protection officer reads.
var unmasking = []string{"search.identifier", "unmask.request", "unmask.approve", "unmask.refuse", "unmask.show"}

func (c *Console) listAudit(ctx context.Context, k *call, in *auditIn) (*AuditAnswer, error) {
	if c.Parts.Audit == nil {
		return nil, unavailable("audit")
	}
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
			return &AuditAnswer{Items: []AuditItem{}, Frame: c.frame(0, "", time.Minute)}, nil
		}
		q.Actor = k.Actor.ID
	default:
		return nil, absent("audit")
	}
	p, err := c.Parts.Audit.List(ctx, q)
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
	out.Frame = c.frame(p.Total, next, time.Minute)
	if k.Filter.All {
		if out.Head, err = c.Parts.Audit.Head(ctx); err != nil {
			return nil, err
		}
	}
	if in.After == "" { // reading the log is a deed of its own, once a view
		err := c.Parts.Audit.Record(ctx, soc.Deed{Actor: k.Actor, Action: "audit.read", Result: "done", Details: map[string]string{"query": in.Text, "actor": in.Actor, "action": in.Action, "object": in.Object}})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

package console

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"hoalu/soc"
)

// rules are the detection rules that run and those refused.
type rules struct {
	*desk
	rules Rules
}

func (h *rules) operations() (string, []operation) {
	return "rules", []operation{
		{get, "/api/rules", "listRules", "rules.read", "Rules that run and those refused", needs(partRules), to(h.list)},
		{get, "/api/rules/{id}", "getRule", "rules.read", "One rule", needs(partRules), to(h.get)},
	}
}

// unfed says whether a rule cannot fire here.
func unfed(f soc.Feed) bool { return f.State == soc.FeedNotSeen || f.State == soc.FeedNotMade }

// fed adds to a rule that runs what reaches it.
func fed(item RuleItem, f soc.Feed) RuleItem {
	item.Feed, item.FeedCause = cmp.Or(f.State, soc.FeedUnknown), f.Cause
	return item
}

// alerts counts the alerts of 30 days by rule; nil for who does not see all of them: the counts are over everything.
func (h *rules) alerts(ctx context.Context, k *call) (map[string]int64, error) {
	if !h.may(ctx, k, "alerts.read") {
		return nil, nil
	}
	scope, _, err := h.scopeFor(ctx, k, "alerts.read")
	if err != nil || !scope.All {
		return nil, err
	}
	return h.rules.AlertsByRule(ctx)
}

func ruleItem(r soc.RuleInfo, alerts map[string]int64) RuleItem {
	item := RuleItem{ID: r.ID, Version: r.Version, Title: r.Title, Severity: r.Severity, Status: r.Status, State: "running",
		Attack: orEmpty(r.Attack), Tags: orEmpty(r.Tags), Origin: r.Origin,
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

func (h *rules) list(ctx context.Context, k *call, in *rulesIn) (*RulesAnswer, error) {
	alerts, err := h.alerts(ctx, k)
	if err != nil {
		return nil, err
	}
	feeds := h.rules.Feeds(ctx)
	out := &RulesAnswer{}
	var rows []RuleItem
	for _, r := range h.rules.Rules() {
		out.Running++
		feed := feeds[r.ID]
		switch {
		case unfed(feed):
			out.Unfed++
		case feed.State == soc.FeedArrives:
			out.Fed++
		default:
			out.Untold++
		}
		if in.State == "refused" || (in.State == "unfed" && !unfed(feed)) || (in.Severity != "" && string(r.Severity) != in.Severity) ||
			(in.Origin != "" && r.Origin != in.Origin) ||
			(in.Product != "" && r.Logsource["product"] != in.Product) || (in.Attack != "" && !attack(r.Attack, in.Attack)) ||
			!matches(in.Text, r.ID, r.Title["vi"], r.Title["en"], r.File, strings.Join(r.Attack, " "), strings.Join(r.Tags, " ")) {
			continue
		}
		rows = append(rows, fed(ruleItem(r, alerts), feed))
	}
	for _, r := range h.rules.Refused() {
		out.Refused++
		if in.State == "running" || in.State == "unfed" || in.Severity != "" || in.Origin != "" || in.Product != "" || in.Attack != "" ||
			!matches(in.Text, r.Rule, r.File, r.Reason["vi"], r.Reason["en"]) {
			continue
		}
		rows = append(rows, RuleItem{ID: r.Rule, Title: Text{"en": r.File}, State: "refused", File: r.File, Reason: r.Reason, Attack: []string{},
			Tags: []string{}})
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
	out.Frame = h.frame(int64(len(rows)), next, time.Hour)
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

func (h *rules) get(ctx context.Context, k *call, in *idIn) (*RuleDetail, error) {
	list := h.rules.Rules()
	i := slices.IndexFunc(list, func(r soc.RuleInfo) bool { return r.ID == in.ID })
	if i < 0 {
		return nil, absent(in.ID)
	}
	alerts, err := h.alerts(ctx, k)
	if err != nil {
		return nil, err
	}
	r := list[i]
	d := &RuleDetail{RuleItem: fed(ruleItem(r, alerts), h.rules.Feeds(ctx)[r.ID]), Why: r.Why, Runbook: r.Runbook, Text: r.Text}
	if d.Why == nil {
		d.Why = Text{}
	}
	if d.Runbook == nil {
		d.Runbook = map[string][]string{}
	}
	return d, nil
}

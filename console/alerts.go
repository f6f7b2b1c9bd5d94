package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

// alerts is the queue of triage and one alert of it.
type alerts struct {
	*desk
	alerts   Alerts
	store    Events
	national National
	rules    Rules
	people   *people
}

func (h *alerts) operations() (string, []operation) {
	return "alerts", []operation{
		{get, "/api/alerts", "listAlerts", "alerts.read", "The queue", needs(partAlerts, partRules), to(h.list)},
		{get, "/api/alerts/{id}", "getAlert", "alerts.read", "One alert, by id or CB- number",
			needs(partAlerts, partEvents, partNational), to(h.get)},
		{post, "/api/alerts/actions", "actOnAlerts", "alerts.note", "Acknowledge, assign, close, reopen or note, one or many",
			needs(partAlerts), to(h.act).upTo(256 << 10)},
		{post, "/api/undo", "undo", "alerts.note", "Take back one's last deed on alerts", needs(partAlerts), to(h.undo)},
	}
}

// alertsFresh is how long a page of alerts may be believed without a notice.
const alertsFresh = 30 * time.Second

func (h *alerts) filter(k *call, in *alertsIn) (AlertFilter, error) {
	f := AlertFilter{Rules: one(in.Rule), Systems: one(in.System), Units: one(in.Unit), Host: in.Host, User: in.User, Address: in.Address,
		Attack: in.Attack, Holder: in.Holder, Text: in.Text}
	for _, s := range in.Severity {
		if !slices.Contains([]soc.Severity{soc.Informational, soc.Low, soc.Medium, soc.High, soc.Critical}, soc.Severity(s)) {
			return f, wrongField("value_wrong", "sev")
		}
		f.Severities = append(f.Severities, soc.Severity(s))
	}
	open := []string{"open"}
	switch in.View {
	case "", "open":
		f.States = open
	case "unacknowledged":
		f.States = []string{soc.AlertNew}
	case "mine":
		f.States, f.Holder = open, k.Actor.ID
	case "high":
		f.States = open
		if f.Severities == nil {
			f.Severities = []soc.Severity{soc.High, soc.Critical}
		}
	case "personal":
		f.States, f.Personal = open, true
	case "closed":
		f.States = []string{soc.AlertClosed}
	case "exercise":
		f.Exercise = "only"
	}
	if len(in.Status) > 0 {
		for _, s := range in.Status {
			if !slices.Contains([]string{"open", soc.AlertNew, soc.AlertAcknowledged, soc.AlertClosed}, s) {
				return f, wrongField("value_wrong", "status")
			}
		}
		f.States = in.Status
	}
	if k.Filter.PersonalOnly() {
		f.Personal = true
	}
	if k.Masked {
		if err := h.maskedFilter(in, &f); err != nil {
			return f, err
		}
	}
	var err1, err2, err3 error
	f.LastFrom, err1 = instant("from", in.From, 0)
	f.LastTo, err2 = instant("to", in.To, 0)
	f.MadeFrom, err3 = instant("since", in.Since, 0)
	if in.GroupKey != "" {
		kind, value, _ := strings.Cut(in.GroupKey, "=")
		switch kind {
		case "host":
			f.Host = value
		case "user":
			f.User = value
		case "address":
			f.Address = value
		case "rule":
			f.Rules = one(value)
		case "system":
			f.Systems = one(value)
		default:
			return f, wrongField("value_wrong", "group_key")
		}
	}
	return f, errors.Join(err1, err2, err3)
}

var alertNumber = regexp.MustCompile(`^CB-\d{4}-\d{1,9}$`)

// maskedFilter keeps who sees hosts, accounts and addresses masked from asking for them: every filter on them answers yes or no, from
// which a value is read letter by letter. Such a filter is refused by name; words look at titles and numbers alone.
func (h *alerts) maskedFilter(in *alertsIn, f *AlertFilter) error {
	kind, _, _ := strings.Cut(in.GroupKey, "=")
	for _, x := range []struct {
		name  string
		asked bool
	}{{"host", in.Host != ""}, {"user", in.User != ""}, {"address", in.Address != ""},
		{"group_key", slices.Contains([]string{"host", "user", "address", "entity"}, kind)}, {"group", in.Group == "entity"}} {
		if x.asked {
			p := &soc.Problem{Status: http.StatusForbidden, Code: "masked_filter", Detail: "What is masked cannot be filtered by.",
				Values: map[string]string{"field": x.name}}
			return fieldsError{p, []ProblemField{{Name: x.name, Detail: "masked_filter"}}}
		}
	}
	if in.Text == "" {
		return nil
	}
	f.Text = ""
	if number := strings.ToUpper(strings.TrimSpace(in.Text)); alertNumber.MatchString(number) {
		f.Numbers = one(number)
		return nil
	}
	rules := []string{}
	for _, r := range h.rules.Rules() {
		if matches(in.Text, r.Title["vi"], r.Title["en"]) && (in.Rule == "" || in.Rule == r.ID) {
			rules = append(rules, r.ID)
		}
	}
	if f.Rules = rules; len(rules) == 0 {
		f.Rules = []string{"-"} // no rule has it
	}
	return nil
}

func (h *alerts) list(ctx context.Context, k *call, in *alertsIn) (*AlertsAnswer, error) {
	f, err := h.filter(k, in)
	if err != nil {
		return nil, err
	}
	scope := h.scope(k)
	out := &AlertsAnswer{Items: []AlertItem{}, Views: map[string]int64{}}
	n := h.names()
	counts, err := h.alerts.Counts(ctx, scope, k.Actor.ID, k.Filter.PersonalOnly())
	if err != nil {
		return nil, err
	}
	out.Views, out.Today = views(counts, k.Filter.PersonalOnly())
	if in.Group != "" && in.GroupKey == "" {
		groups, total, err := h.alerts.Groups(ctx, scope, f, in.Group, in.Limit)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			row := AlertGroup{Key: g.Kind + "=" + g.Value, Label: g.Value, Count: g.Alerts, Severity: g.Severity, Score: g.Score,
				First: Time(g.First), Last: Time(g.Last), Demo: g.Demo, Exercise: g.Exercise}
			switch g.Kind {
			case "rule":
				row.Title = g.Title
			case "system":
				row.Label = n.system(g.Value).Name
			default:
				if k.Masked {
					row.Label, row.Key = maskedText, g.Kind+"="+maskedText
				}
			}
			out.Groups = append(out.Groups, row)
		}
		out.Frame = h.frame(total, "", alertsFresh)
		return out, nil
	}
	q := AlertQuery{AlertFilter: f, Sort: in.Sort, Limit: in.Limit, Cursor: in.After}
	if q.Sort == "" {
		q.Sort = "-score"
	}
	p, err := h.alerts.List(ctx, scope, q)
	if err != nil {
		return nil, err
	}
	for _, a := range p.Items {
		out.Items = append(out.Items, alertItem(a, n, k.Masked))
	}
	out.Frame = h.frame(p.Total, p.Next, alertsFresh)
	// a time range never hides an open alert in silence
	if (f.LastFrom != 0 || f.LastTo != 0) && !slices.Equal(f.States, []string{soc.AlertClosed}) {
		q.LastFrom, q.LastTo, q.Limit, q.Cursor, q.States = 0, 0, 1, "", openOf(f.States)
		all, err := h.alerts.List(ctx, scope, q)
		if err != nil {
			return nil, err
		}
		q.LastFrom, q.LastTo = f.LastFrom, f.LastTo
		shown, err := h.alerts.List(ctx, scope, q)
		if err != nil {
			return nil, err
		}
		out.Hidden = all.Total - shown.Total
	}
	return out, nil
}

// openOf keeps of the states those that are open.
func openOf(states []string) []string {
	out := []string{}
	for _, s := range states {
		if s != soc.AlertClosed {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return []string{"open"}
	}
	return out
}

func views(n AlertCounts, personalOnly bool) (map[string]int64, AlertsToday) {
	today := AlertsToday{Made: n.Today, Closed: n.ClosedToday}
	if n.MeanAck >= 0 {
		s := n.MeanAck / 1000
		today.AckMean = &s
	}
	if personalOnly { // who has two views
		return map[string]int64{"personal": n.Personal, "open": n.Open}, today
	}
	return map[string]int64{"unacknowledged": n.Unacknowledged, "mine": n.Mine, "high": n.Urgent, "personal": n.Personal, "open": n.Open,
		"exercise": n.Exercise}, today
}

// visible reads one alert under the operation's rows.
func (h *alerts) visible(ctx context.Context, k *call, id string) (soc.Alert, error) {
	a, err := h.alerts.Get(ctx, h.scope(k), id)
	var p *soc.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return soc.Alert{}, absent(id)
	}
	if err != nil {
		return soc.Alert{}, err
	}
	if k.Filter.PersonalOnly() && !a.Personal {
		return soc.Alert{}, absent(id)
	}
	return a, nil
}

func (h *alerts) get(ctx context.Context, k *call, in *idIn) (*AlertDetail, error) {
	a, err := h.visible(ctx, k, in.ID)
	if err != nil {
		return nil, err
	}
	now := h.now()
	d := &AlertDetail{
		AlertItem:  alertItem(a, h.names(), k.Masked),
		ScoreParts: a.ScoreParts,
		Group:      orEmpty(a.Group),
		Trace:      orEmpty(slices.DeleteFunc(slices.Clone(a.Trace), isNote)),
		Runbook:    map[string][]string{},
		Events:     []Event{},
		EventIDs:   orEmpty(a.Events),
		History:    []HistoryLine{},
		Deliveries: []Delivery{},
		Previous:   a.Previous,
		AsOf:       now,
		Stale:      now + Time(alertsFresh.Milliseconds()),
	}
	if d.ScoreParts == nil {
		d.ScoreParts = map[string]int{}
	}
	if k.Masked {
		d.mask()
	}
	if err := h.past(ctx, k, a, d); err != nil {
		return nil, err
	}
	if err := h.ruleOf(ctx, k, a, d); err != nil {
		return nil, err
	}
	if err := h.eventsOf(ctx, k, a, d); err != nil {
		return nil, err
	}
	if h.may(ctx, k, "national.read") {
		if err := h.deliveries(ctx, a, d); err != nil {
			return nil, err
		}
	}
	d.Deeds, err = h.deedsOn(ctx, k, a)
	return d, err
}

// mask hides what a person who sees accounts and addresses masked could read them from.
func (d *AlertDetail) mask() {
	d.Group, d.EventIDs = []soc.GroupValue{}, []string{}
	for i := range d.Trace {
		if d.Trace[i].Got != "" {
			d.Trace[i].Got = maskedText
		}
	}
}

// past fills in what was done on the alert and what became of those like it.
func (h *alerts) past(ctx context.Context, k *call, a soc.Alert, d *AlertDetail) error {
	scope := h.scope(k)
	history, err := h.alerts.History(ctx, scope, a.ID)
	if err != nil {
		return err
	}
	for _, n := range history {
		if n.Action == "created" { // earlier versions wrote the rule's id here, which says nothing to a person
			n.Text = ""
		}
		d.History = append(d.History, HistoryLine{Time: Time(n.Time), Actor: Ref{n.Actor, n.Name}, Action: n.Action, Text: n.Text,
			Reason: n.Reason})
	}
	if d.Seen, err = h.alerts.Seen(ctx, scope, a.ID); err != nil {
		return err
	}
	if d.Seen.ClosedAs == nil {
		d.Seen.ClosedAs = map[string]int64{}
	}
	return nil
}

// ruleOf fills in the rule as it was when the alert was made; alerts made directly carry none.
func (h *alerts) ruleOf(ctx context.Context, k *call, a soc.Alert, d *AlertDetail) error {
	rule, err := h.alerts.RuleAt(ctx, a.Rule, a.RuleVersion)
	var p *soc.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	d.Why = rule.Why
	if rule.Runbook != nil {
		d.Runbook = rule.Runbook
	}
	if h.may(ctx, k, "rules.read") {
		item := ruleItem(rule, nil)
		d.RuleInfo = &item
	}
	return nil
}

// eventsOf fills in the raw events for those who may read events of the system; EventsError says why they could not be read.
func (h *alerts) eventsOf(ctx context.Context, k *call, a soc.Alert, d *AlertDetail) error {
	if k.Masked || !h.may(ctx, k, "events.search") {
		return nil
	}
	scope, _, err := h.scopeFor(ctx, k, "events.search")
	if err != nil {
		return err
	}
	bound, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := h.store.Get(bound, a.Events)
	if err != nil {
		d.EventsError = h.problem(ctx, k, err).Detail
		return nil
	}
	for _, e := range found {
		if authz.Covers(scope, e.System) {
			d.Events = append(d.Events, Event{e})
		}
	}
	slices.SortStableFunc(d.Events, func(x, y Event) int { return cmp.Compare(y.Time, x.Time) })
	return nil
}

// deliveries fills in what was reported of the alert.
func (h *alerts) deliveries(ctx context.Context, a soc.Alert, d *AlertDetail) error {
	reports, err := h.national.About(ctx, a.Number)
	if err != nil {
		return err
	}
	for _, r := range reports {
		d.Deliveries = append(d.Deliveries, Delivery{ID: r.ID, Kind: r.Kind, Channel: r.Channel, State: r.State, Created: Time(r.Created),
			Accepted: Time(r.Accepted), Tries: r.Tries, NextTry: Time(r.NextTry), LastError: r.LastError, Receipt: receipt(r.Receipt)})
	}
	return nil
}

// deedsOn are the deeds that the person may do on the alert as it stands.
func (h *alerts) deedsOn(ctx context.Context, k *call, a soc.Alert) ([]string, error) {
	all, err := h.deeds(ctx, k, "alerts.")
	closed := a.State == soc.AlertClosed
	return slices.DeleteFunc(all, func(deed string) bool {
		switch deed {
		case "alerts.read":
			return true
		case "alerts.reopen":
			return !closed
		case "alerts.acknowledge", "alerts.assign", "alerts.close":
			return closed
		}
		return false
	}), err
}

func (h *alerts) act(ctx context.Context, k *call, in *bodyIn[alertActionBody]) (*AlertActionDone, error) {
	b := in.Body
	op := operation{Method: post, Action: "alerts." + b.Action, ID: "actOnAlerts"}
	if err := h.permit(ctx, k, op.Action); err != nil {
		if h.audit != nil {
			d := soc.Deed{Actor: k.Actor, Action: op.Action, Object: b.Alerts[0].ID, Result: "denied"}
			if err := h.audit.Record(ctx, d); err != nil {
				return nil, err
			}
		}
		return nil, err
	}
	act := AlertAct{Action: b.Action, Take: b.Take, Reason: b.Reason, Note: strings.TrimSpace(b.Note)}
	switch b.Action {
	case "close":
		if b.Reason == "" {
			return nil, wrongField("reason_missing", "reason")
		}
	case "note":
		if act.Note == "" {
			return nil, wrongField("note_missing", "note")
		}
	case "assign":
		act.Holder, act.HolderName = k.Actor.ID, k.Actor.Name
		if b.Holder != "" && b.Holder != k.Actor.ID {
			people, err := h.people.list(ctx, k, nil)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(people.Items, func(r Ref) bool { return r.ID == b.Holder })
			if i < 0 {
				return nil, wrongField("holder_unknown", "holder")
			}
			act.Holder, act.HolderName = people.Items[i].ID, people.Items[i].Name
		}
	}
	for _, t := range b.Alerts {
		act.Alerts = append(act.Alerts, AlertRef(t))
	}
	scope := h.scope(k)
	r, err := h.alerts.Act(ctx, k.Actor, scope, act)
	var p *soc.Problem
	if errors.As(err, &p) && len(act.Alerts) == 1 && p.Status == http.StatusConflict {
		r, err = AlertResult{Failed: []AlertFailure{{act.Alerts[0].ID, p}}}, nil
	}
	if err != nil {
		if p != nil && p.Status == http.StatusNotFound {
			return nil, absent(act.Alerts[0].ID)
		}
		return nil, err
	}
	n := h.names()
	out := &AlertActionDone{Done: []AlertItem{}, Conflicts: []AlertConflict{}, Missing: []string{}, Refused: []AlertRefusal{}, Undo: r.Undo,
		UndoUntil: Time(r.UndoUntil)}
	for _, a := range r.Changed {
		out.Done = append(out.Done, alertItem(a, n, k.Masked))
	}
	for _, f := range r.Failed {
		worded := newProblem(k.Lang, f.Problem)
		switch f.Problem.Status {
		case http.StatusNotFound:
			out.Missing = append(out.Missing, f.ID)
		case http.StatusConflict:
			a, err := h.alerts.Get(ctx, scope, f.ID)
			if err != nil {
				out.Missing = append(out.Missing, f.ID)
				continue
			}
			out.Conflicts = append(out.Conflicts, AlertConflict{ID: f.ID, Code: worded.Code, By: f.Problem.Values["by"], At: Time(a.Changed),
				Current: alertItem(a, n, k.Masked), Text: worded.Detail})
		default:
			out.Refused = append(out.Refused, AlertRefusal{ID: f.ID, Code: worded.Code, Text: worded.Detail})
		}
	}
	return out, nil
}

func (h *alerts) undo(ctx context.Context, k *call, in *bodyIn[undoBody]) (*UndoDone, error) {
	r, err := h.alerts.Undo(ctx, k.Actor, h.scope(k), in.Body.Token)
	if err != nil {
		return nil, err
	}
	out := &UndoDone{Done: []AlertItem{}}
	n := h.names()
	for _, a := range r.Changed {
		out.Done = append(out.Done, alertItem(a, n, k.Masked))
	}
	return out, nil
}

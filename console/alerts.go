package console

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"hoalu/soc"
)

// alertsFresh is how long a page of alerts may be believed without a notice.
const alertsFresh = 30 * time.Second

func (c *Console) unitRef(id string) *Ref {
	if id == "" {
		return nil
	}
	if c.Parts.Inventory != nil {
		for _, u := range c.Parts.Inventory.Units() {
			if u.ID == id {
				return &Ref{u.ID, u.Name}
			}
		}
	}
	return &Ref{ID: id, Name: id}
}

// names resolves systems and units once for a whole answer.
type names struct {
	systems map[string]soc.System
	units   map[string]soc.Unit
	sources map[string]soc.Source
}

func (c *Console) names() names {
	n := names{map[string]soc.System{}, map[string]soc.Unit{}, map[string]soc.Source{}}
	if c.Parts.Inventory == nil {
		return n
	}
	for _, s := range c.Parts.Inventory.Systems() {
		n.systems[s.ID] = s
	}
	for _, u := range c.Parts.Inventory.Units() {
		n.units[u.ID] = u
	}
	for _, s := range c.Parts.Inventory.Sources() {
		n.sources[s.ID] = s
	}
	return n
}

func (n names) system(id string) SystemRef {
	s, ok := n.systems[id]
	if !ok {
		return SystemRef{ID: id, Name: id}
	}
	return SystemRef{ID: s.ID, Name: s.Name, Level: s.Level, Demo: s.Demo}
}

func (n names) unit(id string) *Ref {
	if id == "" {
		return nil
	}
	if u, ok := n.units[id]; ok {
		return &Ref{u.ID, u.Name}
	}
	return &Ref{id, id}
}

func (n names) source(id string) Ref {
	if s, ok := n.sources[id]; ok {
		return Ref{s.ID, s.Name}
	}
	return Ref{id, id}
}

// maskedText stands where a person may not see an account, address or evidence.
const maskedText = "•••"

func alertItem(a soc.Alert, n names, masked bool) AlertItem {
	item := AlertItem{
		ID: a.ID, Number: a.Number, Rule: a.Rule, Title: a.Title, Severity: a.Severity, Score: a.Score, State: a.State, Reopened: a.Reopened,
		System: n.system(a.System), Unit: n.unit(a.Unit), Source: a.Source, Host: a.Host, User: a.User, Address: a.Address,
		First: Time(a.First), Last: Time(a.Last), Created: Time(a.Created), Changed: Time(a.Changed), Acknowledged: Time(a.Acknowledged),
		Closed: Time(a.Closed), ClosedBy: a.ClosedBy, CloseReason: a.CloseReason, Count: a.Count, Evidence: a.Evidence, Attack: orEmpty(a.Attack),
		Exercise: a.Exercise, Demo: a.Demo, Personal: a.Personal, Version: a.Version,
	}
	if item.Title == nil {
		item.Title = Text{}
	}
	if a.Holder != "" {
		item.Holder = &Ref{a.Holder, a.HolderName}
	}
	if masked {
		for _, f := range []*string{&item.Host, &item.User, &item.Address, &item.Evidence} {
			if *f != "" {
				*f = maskedText
			}
		}
	} else if i := slices.IndexFunc(a.Trace, isNote); i >= 0 {
		item.EvidenceText = noteText(a.Trace[i], n)
	}
	return item
}

func isNote(c soc.Condition) bool { return c.Op == "note" }

// noteText words what the product itself saw; nil for a note without a text.
func noteText(c soc.Condition, n names) Text {
	values := maps.Clone(c.Values)
	if values == nil {
		values = map[string]string{}
	}
	if id := values["source"]; id != "" {
		values["source"] = n.source(id).Name
	}
	part := values["part"]
	for from, to := range map[string]string{"last_event": "since", "minute": "minute"} {
		if at, err := time.Parse(time.RFC3339, values[from]); err == nil {
			values[to] = Time(at.UnixMilli()).clock()
		}
	}
	out := Text{}
	for _, lang := range []string{"vi", "en"} {
		values["why"], _ = text(lang, "cause."+values["cause"], values)
		if name, ok := text(lang, "part."+part, nil); ok {
			values["part"] = name
		}
		t, ok := text(lang, "note."+c.Want, values)
		if !ok {
			return nil
		}
		out[lang] = t
	}
	return out
}

func (c *Console) alertFilter(k *call, in *alertsIn) (AlertFilter, error) {
	f := AlertFilter{Rules: one(in.Rule), Systems: one(in.System), Units: one(in.Unit), Host: in.Host, User: in.User, Address: in.Address, Attack: in.Attack, Holder: in.Holder, Text: in.Text}
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
		if err := c.maskedFilter(in, &f); err != nil {
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
func (c *Console) maskedFilter(in *alertsIn, f *AlertFilter) error {
	kind, _, _ := strings.Cut(in.GroupKey, "=")
	for _, x := range []struct {
		name  string
		asked bool
	}{{"host", in.Host != ""}, {"user", in.User != ""}, {"address", in.Address != ""},
		{"group_key", slices.Contains([]string{"host", "user", "address", "entity"}, kind)}, {"group", in.Group == "entity"}} {
		if x.asked {
			p := &soc.Problem{Status: http.StatusForbidden, Code: "masked_filter", Detail: "What is masked cannot be filtered by.", Values: map[string]string{"field": x.name}}
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
	if c.Parts.Rules == nil {
		return unavailable("rules")
	}
	rules := []string{}
	for _, r := range c.Parts.Rules.Rules() {
		if matches(in.Text, r.Title["vi"], r.Title["en"]) && (in.Rule == "" || in.Rule == r.ID) {
			rules = append(rules, r.ID)
		}
	}
	if f.Rules = rules; len(rules) == 0 {
		f.Rules = []string{"-"} // no rule has it
	}
	return nil
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func (c *Console) listAlerts(ctx context.Context, k *call, in *alertsIn) (*AlertsAnswer, error) {
	if c.Parts.Alerts == nil {
		return nil, unavailable("alerts")
	}
	f, err := c.alertFilter(k, in)
	if err != nil {
		return nil, err
	}
	scope := c.scope(k)
	out := &AlertsAnswer{Items: []AlertItem{}, Views: map[string]int64{}}
	n := c.names()
	counts, err := c.Parts.Alerts.Counts(ctx, scope, k.Actor.ID)
	if err != nil {
		return nil, err
	}
	out.Views, out.Today = views(counts, k.Filter.PersonalOnly())
	if in.Group != "" && in.GroupKey == "" {
		groups, total, err := c.Parts.Alerts.Groups(ctx, scope, f, in.Group, in.Limit)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			row := AlertGroup{Key: g.Kind + "=" + g.Value, Label: g.Value, Count: g.Alerts, Severity: g.Severity, Score: g.Score, First: Time(g.First), Last: Time(g.Last)}
			switch g.Kind {
			case "rule":
				row.Title = g.Top.Title
			case "system":
				row.Label = n.system(g.Value).Name
			default:
				if k.Masked {
					row.Label, row.Key = maskedText, g.Kind+"="+maskedText
				}
			}
			out.Groups = append(out.Groups, row)
		}
		out.Frame = c.frame(total, "", alertsFresh)
		return out, nil
	}
	q := AlertQuery{AlertFilter: f, Sort: in.Sort, Limit: in.Limit, Cursor: in.After}
	if q.Sort == "" {
		q.Sort = "-score"
	}
	p, err := c.Parts.Alerts.List(ctx, scope, q)
	if err != nil {
		return nil, err
	}
	for _, a := range p.Items {
		out.Items = append(out.Items, alertItem(a, n, k.Masked))
	}
	out.Frame = c.frame(p.Total, p.Next, alertsFresh)
	if (f.LastFrom != 0 || f.LastTo != 0) && !slices.Equal(f.States, []string{soc.AlertClosed}) { // a time range never hides an open alert in silence
		q.LastFrom, q.LastTo, q.Limit, q.Cursor, q.States = 0, 0, 1, "", openOf(f.States)
		all, err := c.Parts.Alerts.List(ctx, scope, q)
		if err != nil {
			return nil, err
		}
		q.LastFrom, q.LastTo = f.LastFrom, f.LastTo
		shown, err := c.Parts.Alerts.List(ctx, scope, q)
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
	if personalOnly { // the other figures count alerts this person may not know of
		return map[string]int64{"personal": n.Personal, "open": n.Personal}, AlertsToday{}
	}
	today := AlertsToday{Made: n.Today, Closed: n.ClosedToday}
	if n.MeanAck >= 0 {
		s := n.MeanAck / 1000
		today.AckMean = &s
	}
	return map[string]int64{"unacknowledged": n.Unacknowledged, "mine": n.Mine, "high": n.Urgent, "personal": n.Personal, "open": n.Open, "exercise": n.Exercise}, today
}

// visibleAlert reads one alert under the operation's rows.
func (c *Console) visibleAlert(ctx context.Context, k *call, id string) (soc.Alert, error) {
	a, err := c.Parts.Alerts.Get(ctx, c.scope(k), id)
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

func (c *Console) getAlert(ctx context.Context, k *call, in *idIn) (*AlertDetail, error) {
	if c.Parts.Alerts == nil {
		return nil, unavailable("alerts")
	}
	a, err := c.visibleAlert(ctx, k, in.ID)
	if err != nil {
		return nil, err
	}
	scope := c.scope(k)
	now := c.now()
	d := &AlertDetail{
		AlertItem:  alertItem(a, c.names(), k.Masked),
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
		d.Group, d.EventIDs = []soc.GroupValue{}, []string{}
		for i := range d.Trace {
			if d.Trace[i].Got != "" {
				d.Trace[i].Got = maskedText
			}
		}
	}
	history, err := c.Parts.Alerts.History(ctx, scope, a.ID)
	if err != nil {
		return nil, err
	}
	for _, h := range history {
		if h.Action == "created" { // earlier versions wrote the rule's id here, which says nothing to a person
			h.Text = ""
		}
		d.History = append(d.History, HistoryLine{Time: Time(h.Time), Actor: Ref{h.Actor, h.Name}, Action: h.Action, Text: h.Text, Reason: h.Reason})
	}
	seen, err := c.Parts.Alerts.Seen(ctx, scope, a.ID)
	if err != nil {
		return nil, err
	}
	if seen.ClosedAs == nil {
		seen.ClosedAs = map[string]int64{}
	}
	d.Seen = seen
	rule, err := c.Parts.Alerts.RuleAt(ctx, a.Rule, a.RuleVersion)
	var p *soc.Problem
	switch {
	case err == nil:
		d.Why = rule.Why
		if rule.Runbook != nil {
			d.Runbook = rule.Runbook
		}
		if c.may(ctx, k, "rules.read") {
			item := ruleItem(rule, nil)
			d.RuleInfo = &item
		}
	case errors.As(err, &p) && p.Status == http.StatusNotFound: // alerts made directly carry no rule
	default:
		return nil, err
	}
	c.alertEvents(ctx, k, a, d)
	if c.Parts.National != nil && c.may(ctx, k, "national.read") {
		reports, err := c.Parts.National.About(ctx, a.Number)
		if err != nil {
			return nil, err
		}
		for _, r := range reports {
			d.Deliveries = append(d.Deliveries, Delivery{ID: r.ID, Kind: r.Kind, Channel: r.Channel, State: r.State, Created: Time(r.Created), Accepted: Time(r.Accepted),
				Tries: r.Tries, NextTry: Time(r.NextTry), LastError: r.LastError, Receipt: receipt(r.Receipt)})
		}
	}
	d.Deeds = []string{}
	for _, deed := range c.deeds(ctx, k, "alerts.") {
		switch deed {
		case "alerts.read":
			continue
		case "alerts.reopen":
			if a.State != soc.AlertClosed {
				continue
			}
		case "alerts.acknowledge", "alerts.assign", "alerts.close":
			if a.State == soc.AlertClosed {
				continue
			}
		}
		d.Deeds = append(d.Deeds, deed)
	}
	return d, nil
}

// alertEvents fills in the raw events for those who may read events of the system.
func (c *Console) alertEvents(ctx context.Context, k *call, a soc.Alert, d *AlertDetail) {
	if k.Masked || !c.may(ctx, k, "events.search") {
		return
	}
	fail := func(err error) {
		d.EventsError = c.problem(ctx, k, operation{Method: get, Path: "/api/alerts/{id}"}, err).Detail
	}
	if c.Parts.Events == nil {
		fail(unavailable("events"))
		return
	}
	scope, _ := c.scopeFor(ctx, k, "events.search")
	bound, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	events, err := c.Parts.Events.Get(bound, a.Events)
	if err != nil {
		fail(err)
		return
	}
	for _, e := range events {
		if scope.All || slices.Contains(scope.Systems, e.System) {
			d.Events = append(d.Events, Event{e})
		}
	}
	slices.SortStableFunc(d.Events, func(x, y Event) int { return int(y.Time - x.Time) })
}

func receipt(r *soc.Receipt) *Receipt {
	if r == nil {
		return nil
	}
	return &Receipt{ID: r.ID, Received: Time(r.Received), Digest: r.Digest, Key: r.KeyID, Kind: r.Kind, Verified: r.Verified, Fault: r.Fault}
}

func (c *Console) actOnAlerts(ctx context.Context, k *call, in *bodyIn[alertActionBody]) (*AlertActionDone, error) {
	if c.Parts.Alerts == nil {
		return nil, unavailable("alerts")
	}
	b := in.Body
	op := operation{Method: post, Action: "alerts." + b.Action, ID: "actOnAlerts"}
	if err := c.permit(ctx, k, op.Action); err != nil {
		if c.Parts.Audit != nil {
			d := soc.Deed{Actor: k.Actor, Action: op.Action, Object: b.Alerts[0].ID, Result: "denied"}
			if err := c.Parts.Audit.Record(ctx, d); err != nil {
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
			people, err := c.listPeople(ctx, k, nil)
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
	scope := c.scope(k)
	r, err := c.Parts.Alerts.Act(ctx, k.Actor, scope, act)
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
	n := c.names()
	out := &AlertActionDone{Done: []AlertItem{}, Conflicts: []AlertConflict{}, Missing: []string{}, Refused: []AlertRefusal{}, Undo: r.Undo, UndoUntil: Time(r.UndoUntil)}
	for _, a := range r.Changed {
		out.Done = append(out.Done, alertItem(a, n, k.Masked))
	}
	for _, f := range r.Failed {
		worded := newProblem(k.Lang, f.Problem)
		switch f.Problem.Status {
		case http.StatusNotFound:
			out.Missing = append(out.Missing, f.ID)
		case http.StatusConflict:
			a, err := c.Parts.Alerts.Get(ctx, scope, f.ID)
			if err != nil {
				out.Missing = append(out.Missing, f.ID)
				continue
			}
			out.Conflicts = append(out.Conflicts, AlertConflict{ID: f.ID, Code: worded.Code, By: f.Problem.Values["by"], At: Time(a.Changed), Current: alertItem(a, n, k.Masked), Text: worded.Detail})
		default:
			out.Refused = append(out.Refused, AlertRefusal{ID: f.ID, Code: worded.Code, Text: worded.Detail})
		}
	}
	return out, nil
}

func (c *Console) undo(ctx context.Context, k *call, in *bodyIn[undoBody]) (*UndoDone, error) {
	if c.Parts.Alerts == nil {
		return nil, unavailable("alerts")
	}
	r, err := c.Parts.Alerts.Undo(ctx, k.Actor, c.scope(k), in.Body.Token)
	if err != nil {
		return nil, err
	}
	out := &UndoDone{Done: []AlertItem{}}
	n := c.names()
	for _, a := range r.Changed {
		out.Done = append(out.Done, alertItem(a, n, k.Masked))
	}
	return out, nil
}

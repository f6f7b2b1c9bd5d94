package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"hoalu/collector/health"
	"hoalu/collector/ledger"
	"hoalu/collector/pipeline"
	"hoalu/collector/store"
	"hoalu/compliance"
	"hoalu/compliance/evidence"
	"hoalu/console"
	"hoalu/console/authz"
	"hoalu/console/identity"
	"hoalu/console/ui"
	"hoalu/detections"
	"hoalu/ecs/wire"
	"hoalu/internal/lang"
	"hoalu/internal/wording"
	"hoalu/national"
	"hoalu/privacy"
	"hoalu/soc"
	"hoalu/triage"
	"hoalu/vault"
)

// The types below hand parts to the console in its own words.

func (a *App) openConsole(ctx context.Context) error {
	aead, err := a.vault.AEAD(ctx, "identity")
	if err != nil {
		return err
	}
	if a.accounts, err = identity.New(identity.Config{DB: a.state, AEAD: aead, Record: a.record, Words: a.protector.ProtectText,
		Log: a.log}); err != nil {
		return err
	}
	policy, err := authz.New(ctx)
	if err != nil {
		return err
	}
	files, built := ui.FS()
	if !built {
		files = nil
	}
	c, err := console.New(console.Config{Accounts: a.accounts, Policy: policy, Files: files, Hosts: a.cfg.Listen.ConsoleNames,
		Metrics: a.metrics(), Version: a.opts.Version, Log: a.log,
		Parts: console.Parts{
			Alerts: alertsPart{a.triage, a.engine}, Events: eventsPart{a.store}, Inventory: a.inventory, Keys: keysPart{a}, Readings: a.health,
			Ledger:     ledgerPart{a.ledger},
			Quarantine: quarantinePart{a}, Posture: posturePart{a.posture}, National: nationalPart{a}, Rules: rulesPart{a}, Audit: auditPart{a},
			Identifiers: identifiersPart{a.protector}, Sensors: sensorsPart{a}, Machine: machinePart{a}}})
	if err != nil {
		return err
	}
	a.console = c
	a.notices = c.Publish
	return nil
}

type alertsPart struct {
	*triage.Store
	engine *detections.Engine
}

func (p alertsPart) filter(f console.AlertFilter) triage.Filter {
	if f.Attack != "" { // a technique is a property of the rule
		f.Rules = p.engine.OfTechnique(f.Attack, f.Rules)
	}
	return triage.Filter{States: f.States, Severities: f.Severities, Systems: f.Systems, Units: f.Units, Rules: f.Rules, Holder: f.Holder,
		Host: f.Host, User: f.User,
		Address: f.Address, Numbers: f.Numbers, Text: f.Text, Personal: f.Personal, LastFrom: f.LastFrom, LastTo: f.LastTo, From: f.MadeFrom,
		Exercise: map[string]triage.Which{"": triage.Without, "with": triage.With, "only": triage.Only}[f.Exercise]}
}

func (p alertsPart) List(ctx context.Context, scope soc.Scope, q console.AlertQuery) (console.AlertPage, error) {
	page, err := p.Store.List(ctx, scope, triage.Query{Filter: p.filter(q.AlertFilter), Sort: q.Sort, Limit: q.Limit, Cursor: q.Cursor})
	return console.AlertPage(page), err
}

func (p alertsPart) Counts(ctx context.Context, scope soc.Scope, account string, personal bool) (console.AlertCounts, error) {
	c, err := p.Store.Counts(ctx, scope, account, personal)
	return console.AlertCounts(c), err
}

func (p alertsPart) Histogram(ctx context.Context, scope soc.Scope, f console.AlertFilter, from, to,
	step int64) ([]console.AlertBucket, error) {
	in, err := p.Store.Histogram(ctx, scope, p.filter(f), from, to, step)
	out := make([]console.AlertBucket, len(in))
	for i, b := range in {
		out[i] = console.AlertBucket(b)
	}
	return out, err
}

func (p alertsPart) Groups(ctx context.Context, scope soc.Scope, f console.AlertFilter, by string, limit int) ([]console.AlertGroupRow,
	int64, error) {
	in, total, err := p.Store.Groups(ctx, scope, p.filter(f), by, limit)
	out := make([]console.AlertGroupRow, len(in))
	for i, g := range in {
		out[i] = console.AlertGroupRow{Kind: g.Kind, Value: g.Value, Title: g.Title, Alerts: g.Alerts, Severity: g.Severity, Score: g.Score,
			First: g.First, Last: g.Last,
			Demo: g.Demo, Exercise: g.Exercise}
	}
	return out, total, err
}

func (p alertsPart) Seen(ctx context.Context, scope soc.Scope, id string) (console.Seen, error) {
	s, err := p.Store.Seen(ctx, scope, id)
	return console.Seen{Times: s.Times, ClosedAs: s.Reasons}, err
}

func (p alertsPart) Act(ctx context.Context, actor soc.Actor, scope soc.Scope, x console.AlertAct) (console.AlertResult, error) {
	refs := make([]triage.Ref, len(x.Alerts))
	for i, r := range x.Alerts {
		refs[i] = triage.Ref{ID: r.ID, Version: r.Version}
	}
	var r triage.Result
	var err error
	switch x.Action {
	case "acknowledge":
		r, err = p.Store.Acknowledge(ctx, actor, scope, refs, x.Take)
	case "assign":
		r, err = p.Store.Assign(ctx, actor, scope, refs, x.Holder, x.HolderName)
	case "close":
		r, err = p.Store.Close(ctx, actor, scope, refs, x.Reason, x.Note)
	case "reopen":
		r, err = p.Store.Reopen(ctx, actor, scope, refs, x.Note)
	case "note":
		r, err = p.Store.Note(ctx, actor, scope, refs, x.Note)
	default:
		err = fmt.Errorf("unknown deed on alerts %q", x.Action)
	}
	return resultOf(r), err
}

func (p alertsPart) Undo(ctx context.Context, actor soc.Actor, scope soc.Scope, token string) (console.AlertResult, error) {
	r, err := p.Store.Undo(ctx, actor, scope, token)
	return resultOf(r), err
}

func resultOf(r triage.Result) console.AlertResult {
	out := console.AlertResult{Changed: r.Changed, Undo: r.Undo, UndoUntil: r.UndoUntil}
	for _, f := range r.Failed {
		out.Failed = append(out.Failed, console.AlertFailure(f))
	}
	return out
}

type eventsPart struct{ store.Store }

func (p eventsPart) Stored(ctx context.Context) (n int64, partial []string, err error) {
	usage, partial, err := p.Usage(ctx)
	for _, u := range usage {
		n += u.Events
	}
	return n, partial, err
}

type keysPart struct{ a *App }

func (p keysPart) IssueKey(ctx context.Context, actor soc.Actor, source, label string, follow time.Duration) (console.KeyMade, error) {
	return p.a.issueKey(ctx, actor, source, label, follow)
}

func (p keysPart) RevokeKey(ctx context.Context, actor soc.Actor, source, id string) error {
	return p.a.inventory.RevokeKey(ctx, actor, source, id)
}

type ledgerPart struct{ *ledger.Ledger }

func (p ledgerPart) Summary(ctx context.Context) (console.LedgerSummary, error) {
	s, err := p.Ledger.Summary(ctx)
	return console.LedgerSummary{Balanced: s.Balanced, LastMinute: s.LastMinute, Since: s.Since, Difference: s.Totals.Difference(),
		Kept: s.Kept, NotMeasured: s.NotMeasured}, err
}

func (p ledgerPart) Measured(ctx context.Context, from, to int64) ([]console.Span, error) {
	list, err := p.Ledger.Measured(ctx, from, to)
	out := make([]console.Span, len(list))
	for i, m := range list {
		out[i] = console.Span{From: console.Time(m.From), To: console.Time(m.To)}
	}
	return out, err
}

type quarantinePart struct{ a *App }

func (p quarantinePart) List(_ context.Context, sources []string, reason, after string, limit int) (console.QuarantinePage, error) {
	page, err := p.a.quarantine.List(pipeline.QuarantineFilter{Sources: sources, Reason: reason, After: after, Limit: limit})
	if err != nil {
		return console.QuarantinePage{}, err
	}
	out := console.QuarantinePage{Total: int64(page.Total), Reasons: page.Reasons, Next: page.Next, Items: []console.Quarantined{}}
	for _, q := range page.Items {
		out.Items = append(out.Items, console.Quarantined{ID: q.ID, Source: q.Source, Reason: q.Reason, Time: q.Received, Size: q.Size})
	}
	return out, nil
}

func (p quarantinePart) Replay(ctx context.Context, actor soc.Actor, ids []string, source,
	reason string) (replayed, held int64, err error) {
	for _, id := range ids {
		if !p.a.quarantine.Has(id) {
			return 0, 0, &soc.Problem{Status: 404, Code: "not_found", Detail: id + " is not in quarantine.", Do: "hoalu quarantine list lists what is.", Values: map[string]string{"id": id, "kind": "quarantined"}}
		}
	}
	replayed, held, err = p.a.quarantine.ReplayMatching(ctx, ids, source, reason, func(ctx context.Context, frames []wire.Frame) error {
		return p.a.intake.Put(ctx, "replay", frames)
	})
	rerr := p.a.state.Tx(ctx, func(tx *sql.Tx) error {
		return p.a.record(ctx, tx, soc.Deed{Actor: actor, Action: "quarantine.replay", Object: source, Reason: reason,
			Details: map[string]string{"replayed": strconv.FormatInt(replayed, 10), "held": strconv.FormatInt(held, 10)}})
	})
	return replayed, held, errors.Join(err, rerr)
}

type posturePart struct{ *compliance.Service }

func (p posturePart) Controls() []console.Control {
	var out []console.Control
	for _, c := range p.Checks().Controls() {
		x := console.Control{ID: c.ID, Framework: c.Framework, Group: c.Group, Title: console.Text{"vi": c.VI, "en": c.EN}, Mode: c.Evidence.Mode,
			Checked: c.Checked, About: c.About,
			Req: inBoth(c.In.Req, c.Req), Param: inBoth(c.In.Param, c.Param), How: inBoth(c.In.How, c.Evidence.How),
			Clauses: map[string]string{"tcvn11930": c.Ref.TCVN11930, "tt12": c.Ref.TT12, "tcvn14423": c.Ref.TCVN14423}}
		for _, b := range c.Basis() {
			x.Basis = append(x.Basis, console.ControlBasis(b))
		}
		out = append(out, x)
	}
	return out
}

func inBoth(vi, en string) console.Text {
	if vi == "" && en == "" {
		return nil
	}
	return console.Text{"vi": vi, "en": en}
}

func findings(in []compliance.Result) []console.Finding {
	out := make([]console.Finding, len(in))
	for i, r := range in {
		out[i] = console.Finding{Finding: r.Finding, Score: r.Score, From: r.From}
	}
	return out
}

func (p posturePart) Findings(ctx context.Context, system string, at int64) ([]console.Finding, error) {
	in, err := p.Posture(ctx, system, at)
	return findings(in), err
}

func (p posturePart) Between(ctx context.Context, system string, from, to int64) ([]console.Finding, error) {
	in, err := p.Service.Between(ctx, system, from, to)
	return findings(in), err
}

func (p posturePart) Tally(ctx context.Context, system string) (console.Tally, error) {
	t, err := p.Service.Tally(ctx, system)
	return console.Tally{Controls: t.Controls, Layers: findings(t.Layers), Technical: findings(t.Technical), Tile: t.Tile,
		Computed: t.Computed}, err
}

type nationalPart struct{ a *App }

func day(t time.Time) string { return t.In(soc.Zone).Format("2006-01-02") }

func dayOf(r national.Reconciliation) console.NationalDay {
	d := console.NationalDay{Day: r.Day, Made: r.Made, Accepted: r.Accepted, Refused: r.Refused, Waiting: r.Waiting, State: "balanced",
		Reconciled: console.Time(r.At)}
	if !r.Balanced {
		d.State = "off"
		d.Differ = slices.Concat(r.Missing, r.Extra, r.Broken)
	}
	return d
}

func (p nationalPart) Summary(ctx context.Context) (console.NationalState, error) {
	s, err := p.a.national.Summary(ctx)
	if err != nil {
		return console.NationalState{}, err
	}
	out, err := p.stateOf(ctx, s)
	for i, d := range s.Destinations {
		one, err := p.stateOf(ctx, d)
		if err != nil {
			return out, err
		}
		if out.Destinations = append(out.Destinations, one); i == 0 {
			out.Today.State, out.Days = one.Today.State, one.Days // the days of the others stand with them
		}
	}
	return out, err
}

func (p nationalPart) stateOf(ctx context.Context, s national.Summary) (console.NationalState, error) {
	out := console.NationalState{ID: s.ID, Endpoint: s.URL, Channel: s.Channel, Reconciles: s.Lists, LastReceipt: s.LastReceipt,
		LastBeat: s.Heartbeat, FailingSince: s.FailingSince, Waiting: s.Waiting,
		OldestWaiting: s.OldestWaiting, Refused: s.Refused, HeartbeatEvery: s.Every, LateAfter: s.LateAfter, LastError: s.LastError,
		Reasons: s.RefusedByReason, ClockAhead: s.ClockAhead,
		Today: console.NationalDay{Day: day(time.Now()), Made: s.MadeToday, Accepted: s.AcceptedToday, Waiting: s.Waiting, State: "open"}}
	if s.ID == 0 && len(s.Destinations) > 0 {
		return out, nil
	}
	days, err := p.a.national.Reconciliations(ctx, max(1, s.ID), 31)
	for _, r := range days {
		if r.Day == out.Today.Day {
			out.Today = dayOf(r)
		}
		out.Days = append(out.Days, dayOf(r))
	}
	return out, err
}

func (p nationalPart) Outbox(ctx context.Context, destination int64, state, kind, after string, limit int) (console.ReportPage, error) {
	page, err := p.a.national.List(ctx, destination, state, kind, after, limit)
	return console.ReportPage{Items: page.Items, Total: page.Total, Next: page.Next}, err
}

func (p nationalPart) Report(ctx context.Context, id string) (soc.Report, []console.ReportTry, error) {
	r, tries, err := p.a.national.Get(ctx, id)
	out := make([]console.ReportTry, len(tries))
	for i, x := range tries {
		out[i] = console.ReportTry{At: console.Time(x.At), Answer: x.Answer}
	}
	return r, out, err
}

func (p nationalPart) About(ctx context.Context, subject string) ([]soc.Report, error) {
	return p.a.national.OfSubject(ctx, subject)
}

func (p nationalPart) Endpoint(ctx context.Context, destination int64) (console.EndpointItem, error) {
	e, err := p.a.national.Endpoint(ctx, destination)
	if errors.Is(err, national.ErrNoEndpoint) && destination == 0 {
		err = nil
	}
	if err != nil {
		return console.EndpointItem{}, national.Problem(err, destination)
	}
	var channels []console.ChannelItem
	for _, c := range national.Channels() {
		channels = append(channels, console.ChannelItem{Name: c.Name, Title: c.Title, Receipts: string(c.Receipts), Heartbeats: c.Beats,
			Reconciles: c.Lists})
	}
	out := console.EndpointItem{Destination: e.ID, Channels: channels, URL: e.URL, Channel: e.Channel, Authorities: e.ServerCA,
		ReceiptKey: e.ReceiptKey, Organisation: e.OrganID, Changed: console.Time(e.SetAt), By: e.SetBy, Version: e.Version}
	cert, err := p.a.nationalCertificate(ctx)
	if err != nil {
		return out, err
	}
	out.Certificate = string(vault.EncodeChain(*cert))
	return out, nil
}

func (p nationalPart) SetEndpoint(ctx context.Context, actor soc.Actor, e console.EndpointItem, add bool,
	reason string) (console.EndpointItem, error) {
	var err error
	id := e.Destination
	if e.URL == "" {
		err = p.a.national.ClearEndpoint(ctx, actor, reason, id, national.Seen(e.Version))
		if errors.Is(err, national.ErrNoEndpoint) {
			err = nil // as asked
		}
		id = 0
	} else if id, err = p.a.national.PutEndpoint(ctx, actor, reason, add,
		national.Endpoint{ID: id, Channel: e.Channel, URL: e.URL, ServerCA: e.Authorities, ReceiptKey: e.ReceiptKey, OrganID: e.Organisation,
			OrganName: p.a.cfg.Site.Name, Version: national.Seen(e.Version)}); err == nil {
		_, err = p.a.national.SendTest(ctx, actor, id) // it is in the outbox with its answer
	}
	if err != nil {
		return console.EndpointItem{}, national.Problem(err, e.Destination)
	}
	return p.Endpoint(ctx, id)
}

func (p nationalPart) Test(ctx context.Context, actor soc.Actor, destination int64) (console.TestDone, error) {
	id, err := p.a.national.SendTest(ctx, actor, destination)
	if err != nil {
		return console.TestDone{}, national.Problem(err, destination)
	}
	r, told, err := p.a.national.Answer(ctx, id)
	out := console.TestDone{Report: id, OK: r.State == soc.ReportAccepted, Text: r.LastError}
	if err == nil && !told {
		out.Text = national.NotYet
	}
	return out, err
}

func (p nationalPart) Reconcile(ctx context.Context, actor soc.Actor, destination int64, d string) (console.NationalDay, error) {
	if d == "" {
		d = day(time.Now())
	}
	r, err := p.a.national.Reconcile(ctx, actor, destination, d)
	if w, ok := errors.AsType[*wording.Problem](err); ok {
		err = &soc.Problem{Status: 502, Code: "centre_list", Detail: w.Error(), Values: lang.Both(w)}
	}
	return dayOf(r), national.Problem(err, destination)
}

type rulesPart struct{ a *App }

func (p rulesPart) Rules() []soc.RuleInfo { return p.a.engine.Rules() }

func (p rulesPart) Refused() []console.RefusedRule {
	var out []console.RefusedRule
	for _, r := range p.a.engine.Refused() {
		out = append(out, console.RefusedRule{File: r.Place(), Rule: r.Rule, Reason: lang.Both(r.Why)})
	}
	return out
}

func (p rulesPart) Feeds(ctx context.Context) map[string]soc.Feed {
	return p.a.feeds.Of(ctx, p.a.engine.Rules())
}

func (p rulesPart) AlertsByRule(ctx context.Context) (map[string]int64, error) {
	groups, _, err := p.a.triage.Groups(ctx, soc.Scope{All: true}, triage.Filter{LastFrom: time.Now().AddDate(0, 0, -30).UnixMilli()}, "rule",
		1000)
	out := map[string]int64{}
	for _, g := range groups {
		out[g.Value] = g.Alerts
	}
	return out, err
}

type auditPart struct{ a *App }

func (p auditPart) List(ctx context.Context, q console.AuditQuery) (console.AuditPage, error) {
	page, err := evidence.List(ctx, p.a.state.Read(),
		evidence.Query{From: q.From, To: q.To, Actor: q.Actor, Action: q.Action, Actions: q.Actions, People: q.People, Object: q.Object,
			Result: q.Result, Text: q.Text, Before: q.Before, Limit: q.Limit, Uncounted: q.Uncounted})
	return console.AuditPage(page), err
}

func (p auditPart) Head(ctx context.Context) (*console.LogHead, error) {
	h, err := p.a.evidence.Head(ctx)
	if errors.Is(err, evidence.ErrNoHead) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := p.a.evidenceKey(ctx)
	if err != nil {
		return nil, err
	}
	c := p.a.evidence.Compared()
	compared := console.LogCompared{State: c.State(), Time: console.Time(c.Finished), Rows: int64(c.Rows), Unbound: c.Unbound,
		Findings: []console.Text{}, Failed: c.Failed}
	for _, f := range c.Findings {
		compared.Findings = append(compared.Findings, console.Text{"vi": f.VI, "en": f.EN})
	}
	return &console.LogHead{Size: int64(h.Size), Root: h.Root, Time: console.Time(h.At), Key: key, Checkpoint: string(h.Raw),
		Compared: compared}, nil
}

func (p auditPart) Record(ctx context.Context, d soc.Deed) error {
	return p.a.state.Tx(ctx, func(tx *sql.Tx) error { return p.a.record(ctx, tx, d) })
}

type identifiersPart struct{ p *privacy.Protector }

func (p identifiersPart) Find(text string) []console.Identifier {
	var out []console.Identifier
	for _, m := range privacy.Find(text, true) {
		out = append(out, console.Identifier{Kind: string(m.Kind), Start: m.Start, End: m.End, Value: m.Normal})
	}
	return out
}

func (p identifiersPart) Tokens(ctx context.Context, kind, value string) ([]string, error) {
	tokens, _, err := p.p.TokenFor(value)
	return tokens, err
}

type machinePart struct{ a *App }

func (p machinePart) Disk() (soc.Disk, error) { return p.a.disk.Forecast() }

func (p machinePart) Clock(context.Context) (offset int64, server string, ok bool) {
	d, known := health.KernelClock()
	return d.Milliseconds(), "kernel", known
}

func (p machinePart) Started() int64 { return p.a.started }

// BackupAt: this build makes no backups yet (docs/en/backup.md says what to copy).
func (p machinePart) BackupAt(ctx context.Context) int64 { return -1 }

func (p machinePart) Parts(ctx context.Context) []soc.Part { return p.a.parts.Now(ctx) }

func hostname() string {
	h, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return h
}

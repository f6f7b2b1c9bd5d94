package console

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

const postureFresh = 10 * time.Minute // silence turns green to unknown within ten minutes

// visibleSystems are the systems of the operation's rows.
func (c *Console) visibleSystems(k *call) ([]soc.System, error) {
	if c.Parts.Inventory == nil {
		return nil, unavailable("inventory")
	}
	scope := c.scope(k)
	var out []soc.System
	for _, s := range c.Parts.Inventory.Systems() {
		if authz.Covers(scope, s.ID) {
			out = append(out, s)
		}
	}
	return out, nil
}

func (c *Console) visibleSystem(k *call, id string) (soc.System, error) {
	list, err := c.visibleSystems(k)
	if err != nil {
		return soc.System{}, err
	}
	i := slices.IndexFunc(list, func(s soc.System) bool { return s.ID == id })
	if i < 0 {
		return soc.System{}, absent(id)
	}
	return list[i], nil
}

// tally is a system's posture in figures, kept for 5 s: the list and the overview ask for all of them.
func (c *Console) tally(ctx context.Context, system string) (Tally, error) {
	now := c.Now().UnixMilli()
	c.mu.Lock()
	t, ok := c.tallies[system]
	c.mu.Unlock()
	if ok && now-t.at < 5000 && now >= t.at {
		return t.tally, t.err
	}
	v, err := c.Parts.Posture.Tally(ctx, system)
	if ctx.Err() != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tallies[system] = keptTally{now, v, err}
	return v, err
}

// layers in the order of the model, by the ids of the catalogue.
var layerIDs = map[string]string{
	"LAYER-1": "onsite", "LAYER-2": "monitoring", "LAYER-3": "assessment", "LAYER-4": "national",
	"TECH-NETWORK": "network", "TECH-APPLICATION": "application", "TECH-DATABASE": "database", "TECH-ENDPOINT": "endpoint",
}

func layerItems(list []Finding) []LayerItem {
	out := []LayerItem{}
	for _, f := range list {
		id, ok := layerIDs[f.Control]
		if !ok {
			continue
		}
		out = append(out, LayerItem{ID: id, Title: both("layer."+id, nil, id), Full: both("layer."+id+".full", nil, id), Score: max(0, f.Score), State: f.State, Since: Time(f.Since),
			Share: share(f), Because: because(f.Because), Fix: steps(f.State, f.Because, Control{})})
	}
	return out
}

// share is how much of a technical layer's sources is alive, where its first reason counts them.
func share(f Finding) *float64 {
	if !strings.HasPrefix(f.Control, "TECH-") || len(f.Because) == 0 {
		return nil
	}
	v := f.Because[0].Values
	of, err := strconv.Atoi(v["of"])
	if f.State == soc.Met {
		one := 1.0
		return &one
	}
	n, err2 := strconv.Atoi(v["count"])
	if err != nil || err2 != nil || of == 0 {
		return nil
	}
	alive := float64(of-n) / float64(of)
	return &alive
}

// lastKnown are the reasons the host puts before a policy's own when it takes a conclusion back: what follows was true before.
var lastKnown = map[string]bool{"evidence_stale": true, "evidence_ahead": true, "computation_stale": true, "no_evidence": true}

func because(list []soc.Because) []Because {
	out := []Because{}
	for i, b := range list {
		t := Text{}
		for lang := range locales {
			said, ok := reasonText(lang, "because."+b.Code, b.Values)
			if !ok {
				said = b.Code
			}
			if i > 0 && lastKnown[list[0].Code] {
				said, _ = text(lang, "before", map[string]string{"text": said})
			}
			t[lang] = said
		}
		out = append(out, Because{Code: b.Code, Values: b.Values, Text: t})
	}
	return out
}

// steps are the three things to do about a conclusion, by its first reason with the actual values; none where it is met or does not apply.
// A requirement nobody checks gets what evidence would decide it.
func steps(state soc.PostureState, list []soc.Because, ct Control) []Text {
	out := []Text{}
	if state == soc.Met || state == soc.NotApplicable || len(list) == 0 {
		return out
	}
	code := list[0].Code
	if code == "no_check" && ct.Mode != "" {
		code += "_" + ct.Mode
	}
	for i := 1; i <= 3; i++ {
		t := Text{}
		for lang := range locales {
			values := maps.Clone(list[0].Values)
			if values == nil {
				values = map[string]string{}
			}
			if list[0].Code == "no_check" {
				values["evidence"] = ct.How[lang]
				values["advice"] = word(lang, "advice."+ct.Group)
			}
			said, ok := reasonText(lang, fmt.Sprintf("fix.%s.%d", code, i), values)
			if !ok {
				return []Text{}
			}
			t[lang] = said
		}
		out = append(out, t)
	}
	return out
}

// transition is the clock of law of a system: which case it is decides date and article.
func transition(s soc.System, now int64) *Deadline {
	day := func(y int, m time.Month, d int) Time {
		return Time(time.Date(y, m, d, 23, 59, 59, 0, Zone).UnixMilli())
	}
	var d Deadline
	switch {
	case s.Level == 0:
		return nil
	case s.Investing && s.Dossier != soc.DossierAppraised && s.Dossier != soc.DossierApproved:
		d = Deadline{Kind: "appraisal", Due: day(2026, time.December, 31), Law: Law{Document: "NĐ 331/2026/NĐ-CP", Article: "Đ39.1", Mark: "V"}}
	case s.Investing:
		d = Deadline{Kind: "measures", Due: day(2027, time.June, 30), Law: Law{Document: "NĐ 331/2026/NĐ-CP", Article: "Đ39.1", Mark: "V"}}
	default:
		d = Deadline{Kind: "transition", Due: day(2027, time.June, 30), Law: Law{Document: "Luật 116/2025/QH15", Article: "Đ45.1", Mark: "V"}}
	}
	d.Approx = true
	d.Text = both("deadline."+d.Kind, nil, d.Kind)
	d.Law.Note = both("deadline."+d.Kind+".note", nil, "")
	d.Days = days(now, int64(d.Due))
	return &d
}

// days is how many midnights of Vietnam lie between two instants.
func days(from, to int64) int {
	date := func(ms int64) time.Time {
		y, m, d := time.UnixMilli(ms).In(Zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(date(to).Sub(date(from)) / (24 * time.Hour))
}

func (c *Console) systemItem(ctx context.Context, k *call, s soc.System, n names, last map[string]int64) (SystemItem, error) {
	item := SystemItem{
		ID: s.ID, Name: s.Name, Unit: n.unit(s.Unit), Operator: n.unit(s.Operator), Level: s.Level, Basis: s.Basis, Placement: s.Placement,
		Dossier: s.Dossier, Plan: s.Plan, Investing: s.Investing, Engine: s.Engine, Demo: s.Demo, Retired: Time(s.Retired), Version: s.Version,
		State: soc.Unknown, Layers: []LayerItem{}, Technical: []LayerItem{}, TelemetryAt: Time(last[s.ID]), Transition: transition(s, c.Now().UnixMilli()),
	}
	if c.Parts.Posture != nil && c.may(ctx, k, "posture.read") {
		t, err := c.tally(ctx, s.ID)
		if err != nil {
			return item, err
		}
		item.State = t.Tile
		item.Layers, item.Technical = layerItems(t.Layers), layerItems(t.Technical)
		item.Controls = &Counts{t.Controls[soc.Met], t.Controls[soc.NotMet], t.Controls[soc.Unknown], t.Controls[soc.NotApplicable]}
	}
	return item, nil
}

// lastBySystem is the newest receipt of any source of each system.
func (c *Console) lastBySystem() map[string]int64 {
	out := map[string]int64{}
	if c.Parts.Readings == nil || c.Parts.Inventory == nil {
		return out
	}
	systemOf := map[string]string{}
	for _, s := range c.Parts.Inventory.Sources() {
		systemOf[s.ID] = s.System
	}
	for _, r := range c.Parts.Readings.Readings() {
		if id := systemOf[r.Source]; id != "" {
			out[id] = max(out[id], r.LastEvent)
		}
	}
	return out
}

func (c *Console) systemItems(ctx context.Context, k *call) ([]SystemItem, error) {
	list, err := c.visibleSystems(k)
	if err != nil {
		return nil, err
	}
	n, last := c.names(), c.lastBySystem()
	out := make([]SystemItem, len(list))
	for i, s := range list {
		if out[i], err = c.systemItem(ctx, k, s, n, last); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// soon is a transition of a level-3 system within 90 days (own).
func soon(s SystemItem) bool { return s.Transition != nil && s.Transition.Days <= 90 }

func inView(s SystemItem, view string) bool {
	if (s.Retired != 0) != (view == "retired") {
		return false
	}
	switch view {
	case "level3":
		return s.Level == 3
	case "unknown":
		return unknownShare(s) > 0 // a system that is "not met" for one cell may be unknown in all others
	case "internet":
		return s.Placement == soc.PlacementInternet
	case "soon":
		return soon(s)
	}
	return true
}

func (c *Console) listSystems(ctx context.Context, k *call, in *systemsIn) (*SystemsAnswer, error) {
	all, err := c.systemItems(ctx, k)
	if err != nil {
		return nil, err
	}
	out := &SystemsAnswer{Items: []SystemItem{}, Views: map[string]int64{"all": 0, "level3": 0, "unknown": 0, "internet": 0, "soon": 0, "retired": 0}}
	var rows []SystemItem
	for _, s := range all {
		for v := range out.Views {
			if inView(s, v) {
				out.Views[v]++
			}
		}
		unit, unitName := "", ""
		if s.Unit != nil {
			unit, unitName = s.Unit.ID, s.Unit.Name
		}
		if !inView(s, in.View) || (in.Level > 0 && s.Level != in.Level) || (in.Unit != "" && unit != in.Unit) || (in.Placement != "" && s.Placement != in.Placement) ||
			(in.State != "" && string(s.State) != in.State) || !matches(in.Text, s.ID, s.Name, unitName) {
			continue
		}
		rows = append(rows, s)
		if s.Controls != nil {
			out.Sum.Met += s.Controls.Met
			out.Sum.NotMet += s.Controls.NotMet
			out.Sum.Unknown += s.Controls.Unknown
			out.Sum.NotApplicable += s.Controls.NotApplicable
		}
	}
	sortSystems(rows, in.Sort)
	items, next, err := page(rows, func(s SystemItem) string { return s.ID }, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	if c.Parts.Alerts != nil && c.may(ctx, k, "alerts.read") {
		if err := c.openAlerts(ctx, k, items); err != nil {
			return nil, err
		}
	}
	out.Items = orEmpty(items)
	out.Frame = c.frame(int64(len(rows)), next, postureFresh)
	return out, nil
}

// openAlerts counts open alerts of each row within the person's rows.
func (c *Console) openAlerts(ctx context.Context, k *call, items []SystemItem) error {
	scope, filter := c.scopeFor(ctx, k, "alerts.read")
	for i := range items {
		if !authz.Covers(scope, items[i].ID) {
			continue
		}
		p, err := c.Parts.Alerts.List(ctx, scope, AlertQuery{AlertFilter: AlertFilter{States: []string{"open"}, Systems: []string{items[i].ID}, Personal: filter.PersonalOnly()}, Limit: 1})
		if err != nil {
			return err
		}
		items[i].OpenAlerts = &p.Total
	}
	return nil
}

func unknownShare(s SystemItem) float64 {
	if s.Controls == nil {
		return 1
	}
	total := s.Controls.Met + s.Controls.NotMet + s.Controls.Unknown
	if total == 0 {
		return 0
	}
	return float64(s.Controls.Unknown) / float64(total)
}

func notMet(s SystemItem) int {
	if s.Controls == nil {
		return 0
	}
	return s.Controls.NotMet
}

var stateRank = map[soc.PostureState]int{soc.NotMet: 0, soc.Unknown: 1, soc.Met: 2, soc.NotApplicable: 3}

func sortSystems(rows []SystemItem, by string) {
	key, down := sorting(by)
	name := byName()
	slices.SortStableFunc(rows, func(a, b SystemItem) int {
		n := 0
		switch key {
		case "name":
			n = name(a.Name, b.Name)
		case "id":
			n = cmp.Compare(a.ID, b.ID)
		case "level":
			n = cmp.Compare(a.Level, b.Level)
		case "telemetry":
			n = cmp.Compare(a.TelemetryAt, b.TelemetryAt)
		case "transition":
			days := func(s SystemItem) int {
				if s.Transition == nil {
					return 1 << 30
				}
				return s.Transition.Days
			}
			n = cmp.Compare(days(a), days(b))
		case "state":
			n = cmp.Compare(stateRank[a.State], stateRank[b.State])
		default:
			n = cmp.Or(cmp.Compare(unknownShare(b), unknownShare(a)), cmp.Compare(notMet(b), notMet(a)))
		}
		return cmp.Or(sign(down, n), cmp.Compare(a.ID, b.ID))
	})
}

func (c *Console) getSystem(ctx context.Context, k *call, in *idIn) (*SystemDetail, error) {
	s, err := c.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	n := c.names()
	item, err := c.systemItem(ctx, k, s, n, c.lastBySystem())
	if err != nil {
		return nil, err
	}
	rows := []SystemItem{item}
	if c.Parts.Alerts != nil && c.may(ctx, k, "alerts.read") {
		if err := c.openAlerts(ctx, k, rows); err != nil {
			return nil, err
		}
	}
	d := &SystemDetail{SystemItem: rows[0], Assets: []AssetItem{}, Sources: []SourceItem{}, Deeds: c.deeds(ctx, k, "inventory.", "sources.")}
	for _, a := range c.Parts.Inventory.Assets() {
		if a.System == s.ID {
			d.Assets = append(d.Assets, assetItem(a, n))
		}
	}
	if c.may(ctx, k, "sources.read") {
		readings := c.readings()
		for _, src := range c.Parts.Inventory.Sources() {
			if src.System == s.ID {
				d.Sources = append(d.Sources, sourceItem(src, readings, n))
			}
		}
	}
	return d, nil
}

func (b systemBody) system(id string) soc.System {
	return soc.System{ID: id, Name: strings.TrimSpace(b.Name), Unit: b.Unit, Operator: b.Operator, Level: b.Level, Basis: b.Basis, Placement: b.Placement,
		Dossier: b.Dossier, Plan: b.Plan, Investing: b.Investing, Engine: b.Engine, Version: b.Version}
}

func (c *Console) addSystem(ctx context.Context, k *call, in *bodyIn[systemBody]) (*SystemItem, error) {
	if c.Parts.Inventory == nil {
		return nil, unavailable("inventory")
	}
	s, err := c.Parts.Inventory.CreateSystem(ctx, k.Actor, in.Body.system(""))
	if err != nil {
		return nil, err
	}
	item, err := c.systemItem(ctx, k, s, c.names(), nil)
	return &item, err
}

func (c *Console) changeSystem(ctx context.Context, k *call, in *idBodyIn[systemBody]) (*SystemItem, error) {
	old, err := c.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	next := in.Body.system(in.ID)
	next.Demo = old.Demo
	s, err := c.Parts.Inventory.UpdateSystem(ctx, k.Actor, next)
	if err != nil {
		return nil, err
	}
	item, err := c.systemItem(ctx, k, s, c.names(), c.lastBySystem())
	return &item, err
}

// groups of the catalogue in its order.
var groupIDs = []string{"policy", "organisation", "personnel", "design_build", "operation", "risk", "retirement", "network", "server", "application", "data"}

func (c *Console) posture(ctx context.Context, k *call, in *postureIn) (*PostureAnswer, error) {
	s, err := c.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	if c.Parts.Posture == nil {
		return nil, unavailable("posture")
	}
	now := c.Now().UnixMilli()
	at, err := instant("at", in.At, 0)
	if err != nil {
		return nil, err
	}
	if at > now+time.Minute.Milliseconds() && in.At != time.UnixMilli(now).In(Zone).Format(time.DateOnly) {
		return nil, wrongField("future", "at")
	}
	past := at != 0 && at < now-time.Minute.Milliseconds()
	if !past {
		at = 0
	}
	list, err := c.Parts.Posture.Findings(ctx, s.ID, at)
	if err != nil {
		return nil, err
	}
	when := at
	if when == 0 {
		when = now
	}
	n := c.names()
	out := &PostureAnswer{System: n.system(s.ID), At: Time(when), Past: past, Basis: s.Basis, Groups: []PostureGroup{}, Findings: []FindingItem{}, Transition: transition(s, when)}
	controls := c.catalogue()
	groups := map[string]*PostureGroup{}
	var organisational, technical []Finding
	for _, f := range list {
		out.Computed = max(out.Computed, Time(f.Computed))
		ct := controls[f.Control]
		switch ct.Framework {
		case Organisation:
			organisational = append(organisational, f)
			continue
		case Technical:
			technical = append(technical, f)
			continue
		}
		out.Findings = append(out.Findings, findingItem(f, ct, when))
		g := groups[ct.Group]
		if g == nil {
			g = &PostureGroup{ID: ct.Group, Title: both("group."+ct.Group, nil, ct.Group), Items: []string{}}
			groups[ct.Group] = g
		}
		g.Items = append(g.Items, f.Control)
		g.Counts.add(f.State)
		out.Counts.add(f.State)
	}
	for _, id := range groupIDs {
		if g := groups[id]; g != nil {
			out.Groups = append(out.Groups, *g)
			delete(groups, id)
		}
	}
	for _, g := range groups {
		out.Groups = append(out.Groups, *g)
	}
	out.Layers, out.Technical = layerItems(organisational), layerItems(technical)
	out.Frame = c.frame(int64(len(out.Findings)), "", postureFresh)
	return out, nil
}

func (c *Counts) add(s soc.PostureState) {
	switch s {
	case soc.Met:
		c.Met++
	case soc.NotMet:
		c.NotMet++
	case soc.NotApplicable:
		c.NotApplicable++
	default:
		c.Unknown++
	}
}

func findingItem(f Finding, ct Control, at int64) FindingItem {
	out := FindingItem{Control: f.Control, Title: ct.Title, Group: ct.Group, State: f.State, Since: Time(f.Since), Computed: Time(f.Computed), LastKnown: f.LastKnown,
		From: Time(f.From), Mode: ct.Mode, About: ct.About, Because: because(f.Because), Evidence: []EvidenceItem{}, Fix: steps(f.State, f.Because, ct), Policy: f.Policy}
	if out.Title == nil {
		out.Title = Text{"vi": f.Control, "en": f.Control}
	}
	for _, e := range f.Evidence {
		out.Evidence = append(out.Evidence, EvidenceItem{ID: e.ID, Title: evidenceTitle(e.ID), At: Time(e.At), MaxAge: e.MaxAge, Expired: e.MaxAge > 0 && at-e.At > e.MaxAge, Value: e.Value})
	}
	return out
}

func (c *Console) catalogue() map[string]Control {
	out := map[string]Control{}
	for _, ct := range c.Parts.Posture.Controls() {
		out[ct.ID] = ct
	}
	return out
}

func change(f Finding, was soc.PostureState, controls map[string]Control) PostureChange {
	ct := controls[f.Control]
	return PostureChange{Control: f.Control, Layer: ct.Framework == Organisation || ct.Framework == Technical, Title: ct.Title, At: Time(f.Since), From: was, To: f.State, Because: because(f.Because)}
}

// comparePosture holds the two answers of posture against each other.
func (c *Console) comparePosture(ctx context.Context, k *call, in *changesIn) (*PostureDifference, error) {
	s, err := c.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	if c.Parts.Posture == nil {
		return nil, unavailable("posture")
	}
	now := c.Now().UnixMilli()
	from, to, err := stretch(in.From, in.To, now, 24*time.Hour)
	if err != nil {
		return nil, err
	}
	out := &PostureDifference{From: Time(from), To: Time(min(to, now)), Items: []PostureChange{}}
	if to >= now-time.Minute.Milliseconds() {
		to = 0 // as it is shown now
	}
	before, err := c.Parts.Posture.Findings(ctx, s.ID, from)
	if err != nil {
		return nil, err
	}
	after, err := c.Parts.Posture.Findings(ctx, s.ID, to)
	if err != nil {
		return nil, err
	}
	was := map[string]soc.PostureState{}
	for _, f := range before {
		was[f.Control] = f.State
	}
	controls := c.catalogue()
	for _, f := range after {
		if was[f.Control] != f.State {
			out.Items = append(out.Items, change(f, was[f.Control], controls))
		}
	}
	out.Frame = c.frame(int64(len(out.Items)), "", postureFresh)
	return out, nil
}

func (c *Console) postureChanges(ctx context.Context, k *call, in *changesIn) (*Page[PostureChange], error) {
	s, err := c.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	if c.Parts.Posture == nil {
		return nil, unavailable("posture")
	}
	from, to, err := stretch(in.From, in.To, c.Now().UnixMilli(), 24*time.Hour)
	if err != nil {
		return nil, err
	}
	list, err := c.Parts.Posture.Between(ctx, s.ID, from, to)
	if err != nil {
		return nil, err
	}
	controls := c.catalogue()
	slices.SortStableFunc(list, func(a, b Finding) int { return cmp.Compare(a.Since, b.Since) })
	before := map[string]soc.PostureState{}
	p := &Page[PostureChange]{Items: []PostureChange{}}
	for _, f := range list {
		if was := before[f.Control]; f.Since >= from && was != f.State {
			p.Items = append(p.Items, change(f, was, controls))
		}
		before[f.Control] = f.State
	}
	slices.Reverse(p.Items)
	p.Frame = c.frame(int64(len(p.Items)), "", postureFresh)
	return p, nil
}

func controlItem(ct Control) ControlItem {
	out := ControlItem{ID: ct.ID, Group: ct.Group, Title: ct.Title, Req: ct.Req, Param: ct.Param, Mode: ct.Mode, How: ct.How, Clauses: ct.Clauses, Basis: []BasisItem{}, Checked: ct.Checked}
	for _, b := range ct.Basis {
		x := BasisItem{Part: b.Part, Law: Law{Document: b.Document, Article: b.Clause, Mark: b.Mark}}
		switch {
		case b.Mapped:
			x.Note = both("basis.mapped", nil, "")
		case b.Part == "text":
			x.Note = both("basis.text", nil, "")
		case b.Document == "" && b.Mark == "own":
			x.Note = both("basis.figure_own", nil, "")
		case b.Document == "":
			x.Note = both("basis.figure_unread", nil, "")
		}
		out.Basis = append(out.Basis, x)
	}
	return out
}

func (c *Console) listControls(_ context.Context, _ *call, _ *none) (*Page[ControlItem], error) {
	if c.Parts.Posture == nil {
		return nil, unavailable("posture")
	}
	p := &Page[ControlItem]{Items: []ControlItem{}}
	for _, ct := range c.Parts.Posture.Controls() {
		p.Items = append(p.Items, controlItem(ct))
	}
	p.Frame = c.frame(int64(len(p.Items)), "", time.Hour)
	return p, nil
}

func (c *Console) getControl(ctx context.Context, k *call, in *idIn) (*ControlDetail, error) {
	if c.Parts.Posture == nil {
		return nil, unavailable("posture")
	}
	list := c.Parts.Posture.Controls()
	i := slices.IndexFunc(list, func(ct Control) bool { return ct.ID == in.ID })
	if i < 0 {
		return nil, absent(in.ID)
	}
	out := &ControlDetail{ControlItem: controlItem(list[i]), Systems: []ControlSystem{}}
	systems, err := c.visibleSystems(k)
	if err != nil {
		return nil, err
	}
	n := c.names()
	for _, s := range systems {
		findings, err := c.Parts.Posture.Findings(ctx, s.ID, 0)
		if err != nil {
			return nil, fmt.Errorf("posture of %s: %w", s.ID, err)
		}
		for _, f := range findings {
			if f.Control == in.ID {
				out.Systems = append(out.Systems, ControlSystem{System: n.system(s.ID), State: f.State, Since: Time(f.Since)})
			}
		}
	}
	return out, nil
}

// conflictOf is used where the console itself finds that something changed meanwhile.
func conflictOf(id string) error {
	return &soc.Problem{Status: http.StatusConflict, Code: "changed_meanwhile", Detail: "Someone changed this meanwhile.", Values: map[string]string{"id": id}}
}

package console

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

// systems are the monitored information systems with their posture in figures.
type systems struct {
	*intake
	alerts  Alerts
	tallies *tallies
}

func (h *systems) operations() (string, []operation) {
	return "systems", []operation{
		{get, "/api/systems", "listSystems", "systems.read", "Systems with their layers and bars",
			needs(partPosture, partReadings, partAlerts), to(h.list)},
		{post, "/api/systems", "addSystem", "inventory.write", "Declare a system", needs(partPosture), to(h.add)},
		{get, "/api/systems/{id}", "getSystem", "systems.read", "One system", needs(partPosture, partReadings, partAlerts), to(h.get)},
		{put, "/api/systems/{id}", "changeSystem", "inventory.write", "Change a system",
			needs(partPosture, partReadings), to(h.change)},
		{put, "/api/systems/{id}/retired", "retireSystem", "inventory.write", "Take a system out of use, or back",
			needs(partPosture, partReadings), to(h.retireOne)},
		{del, "/api/systems/{id}", "deleteSystem", "inventory.write", "Delete a system that nothing refers to", nil, to(h.drop)},
	}
}

func (h *systems) retireOne(ctx context.Context, k *call, in *retireIn) (*SystemItem, error) {
	if _, err := h.visibleSystem(k, in.ID); err != nil {
		return nil, err
	}
	if err := h.retire(ctx, k, soc.KindSystem, in); err != nil {
		return nil, err
	}
	s, err := h.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	item, err := h.item(ctx, k, s, h.names(), h.lastBySystem())
	return &item, err
}

func (h *systems) drop(ctx context.Context, k *call, in *deleteIn) (*Done, error) {
	if _, err := h.visibleSystem(k, in.ID); err != nil {
		return nil, err
	}
	return h.remove(ctx, k, soc.KindSystem, in)
}

// deadline is the clock of law of a system, as compliance tells it; nil where the law sets none.
func deadline(p Posture, s soc.System, now int64) *Deadline {
	l, ok := p.Transition(s)
	if !ok {
		return nil
	}
	return &Deadline{Kind: l.Kind, Due: Time(l.Due), Days: days(now, l.Due), Approx: true, Text: both("deadline."+l.Kind, nil, l.Kind),
		Law: Law{Document: l.Document, Article: l.Article, Mark: l.Mark, Note: both("deadline."+l.Kind+".note", nil, "")}}
}

// days is how many midnights of Vietnam lie between two instants.
func days(from, to int64) int {
	date := func(ms int64) time.Time {
		y, m, d := time.UnixMilli(ms).In(soc.Zone).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(date(to).Sub(date(from)) / (24 * time.Hour))
}

func (h *systems) item(ctx context.Context, k *call, s soc.System, n names, last map[string]int64) (SystemItem, error) {
	item := SystemItem{
		ID: s.ID, Name: s.Name, Unit: n.unit(s.Unit), Operator: n.unit(s.Operator), Level: s.Level, Basis: s.Basis, Placement: s.Placement,
		Dossier: s.Dossier, Plan: s.Plan, Investing: s.Investing, Engine: s.Engine, Demo: s.Demo, Retired: Time(s.Retired), Version: s.Version,
		State: soc.Unknown, Layers: []LayerItem{}, Technical: []LayerItem{}, TelemetryAt: Time(last[s.ID]),
		Transition: deadline(h.tallies.posture, s, h.clock().UnixMilli()),
	}
	if h.may(ctx, k, "posture.read") {
		t, err := h.tallies.of(ctx, s.ID)
		if err != nil {
			return item, err
		}
		item.State = cmp.Or(t.Tile, soc.Unknown)
		item.Layers, item.Technical = layerItems(t.Layers, h.tallies.controls()), layerItems(t.Technical, h.tallies.controls())
		item.Controls = &Counts{t.Controls[soc.Met], t.Controls[soc.NotMet], t.Controls[soc.Unknown], t.Controls[soc.NotApplicable]}
	}
	return item, nil
}

func (h *systems) items(ctx context.Context, k *call) ([]SystemItem, error) {
	list := h.visibleSystems(k)
	n, last := h.names(), h.lastBySystem()
	out := make([]SystemItem, len(list))
	for i, s := range list {
		item, err := h.item(ctx, k, s, n, last)
		if err != nil {
			return nil, err
		}
		out[i] = item
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

func (h *systems) list(ctx context.Context, k *call, in *systemsIn) (*SystemsAnswer, error) {
	all, err := h.items(ctx, k)
	if err != nil {
		return nil, err
	}
	out := &SystemsAnswer{Items: []SystemItem{}, Views: map[string]int64{"all": 0, "level3": 0, "unknown": 0, "internet": 0, "soon": 0,
		"retired": 0}}
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
		if !inView(s, in.View) || (in.Level > 0 && s.Level != in.Level) || (in.Unit != "" && unit != in.Unit) ||
			(in.Placement != "" && s.Placement != in.Placement) ||
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
	if h.may(ctx, k, "alerts.read") {
		if err := h.openAlerts(ctx, k, items); err != nil {
			return nil, err
		}
	}
	out.Items = orEmpty(items)
	out.Frame = h.frame(int64(len(rows)), next, postureFresh)
	return out, nil
}

// openAlerts counts open alerts of each row within the person's rows.
func (h *systems) openAlerts(ctx context.Context, k *call, items []SystemItem) error {
	scope, filter, err := h.scopeFor(ctx, k, "alerts.read")
	if err != nil {
		return err
	}
	for i := range items {
		if !authz.Covers(scope, items[i].ID) {
			continue
		}
		p, err := h.alerts.List(ctx, scope, AlertQuery{AlertFilter: AlertFilter{States: []string{"open"}, Systems: []string{items[i].ID},
			Personal: filter.PersonalOnly()}, Limit: 1})
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
		case "unknown":
			n = cmp.Compare(unknownShare(a), unknownShare(b))
		case "state":
			n = cmp.Compare(stateRank[a.State], stateRank[b.State])
		default:
			n = cmp.Or(cmp.Compare(unknownShare(b), unknownShare(a)), cmp.Compare(notMet(b), notMet(a)))
		}
		return cmp.Or(sign(down, n), cmp.Compare(a.ID, b.ID))
	})
}

func (h *systems) get(ctx context.Context, k *call, in *idIn) (*SystemDetail, error) {
	s, err := h.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	n := h.names()
	item, err := h.item(ctx, k, s, n, h.lastBySystem())
	if err != nil {
		return nil, err
	}
	rows := []SystemItem{item}
	if h.may(ctx, k, "alerts.read") {
		if err := h.openAlerts(ctx, k, rows); err != nil {
			return nil, err
		}
	}
	d := &SystemDetail{SystemItem: rows[0], Assets: []AssetItem{}, Sources: []SourceItem{}}
	if d.Deeds, err = h.deeds(ctx, k, "inventory.", "sources."); err != nil {
		return nil, err
	}
	for _, a := range h.inventory.Assets() {
		if a.System == s.ID {
			d.Assets = append(d.Assets, assetItem(a, n))
		}
	}
	if h.may(ctx, k, "sources.read") {
		readings := h.bySource()
		for _, src := range h.inventory.Sources() {
			if src.System == s.ID {
				d.Sources = append(d.Sources, sourceItem(src, readings, n))
			}
		}
	}
	return d, nil
}

func (b systemBody) system(id string) soc.System {
	return soc.System{ID: id, Name: strings.TrimSpace(b.Name), Unit: b.Unit, Operator: b.Operator, Level: b.Level, Basis: b.Basis,
		Placement: b.Placement,
		Dossier:   b.Dossier, Plan: b.Plan, Investing: b.Investing, Engine: b.Engine, Version: b.Version}
}

func (h *systems) add(ctx context.Context, k *call, in *bodyIn[systemBody]) (*SystemItem, error) {
	s, err := h.inventory.CreateSystem(ctx, k.Actor, in.Body.system(""))
	if err != nil {
		return nil, err
	}
	item, err := h.item(ctx, k, s, h.names(), nil)
	return &item, err
}

func (h *systems) change(ctx context.Context, k *call, in *idBodyIn[systemBody]) (*SystemItem, error) {
	old, err := h.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	next := in.Body.system(in.ID)
	next.Demo = old.Demo
	s, err := h.inventory.UpdateSystem(ctx, k.Actor, next)
	if err != nil {
		return nil, err
	}
	item, err := h.item(ctx, k, s, h.names(), h.lastBySystem())
	return &item, err
}

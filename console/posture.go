package console

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hoalu/soc"
)

// posture is the state of a system's controls, now and in the past.
type posture struct {
	*desk
	posture Posture
}

func (h *posture) operations() (string, []operation) {
	return "systems", []operation{
		{get, "/api/systems/{id}/posture", "posture", "posture.read", "State of every control at an instant",
			needs(partPosture), to(h.at)},
		{get, "/api/systems/{id}/posture/changes", "postureChanges", "posture.read", "Cells that changed in a period, and why",
			needs(partPosture), to(h.changes)},
		{get, "/api/systems/{id}/posture/compare", "comparePosture", "posture.read", "Exactly the cells that differ between two instants",
			needs(partPosture), to(h.compare)},
	}
}

const postureFresh = 10 * time.Minute // silence turns green to unknown within ten minutes

// groups of the catalogue in its order.
var groupIDs = []string{"policy", "organisation", "personnel", "design_build", "operation", "risk", "retirement", "network", "server",
	"application", "data"}

func (h *posture) at(ctx context.Context, k *call, in *postureIn) (*PostureAnswer, error) {
	s, err := h.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	now := h.clock().UnixMilli()
	at, err := instant("at", in.At, 0)
	if err != nil {
		return nil, err
	}
	if at > now+time.Minute.Milliseconds() && in.At != time.UnixMilli(now).In(soc.Zone).Format(time.DateOnly) {
		return nil, wrongField("future", "at")
	}
	past := at != 0 && at < now-time.Minute.Milliseconds()
	if !past {
		at = 0
	}
	list, err := h.posture.Findings(ctx, s.ID, at)
	if err != nil {
		return nil, err
	}
	when := at
	if when == 0 {
		when = now
	}
	n := h.names()
	out := &PostureAnswer{System: n.system(s.ID), At: Time(when), Past: past, Basis: s.Basis, Groups: []PostureGroup{},
		Findings: []FindingItem{}, Transition: deadline(h.posture, s, when)}
	controls := h.catalogue()
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
	out.Layers, out.Technical = layerItems(organisational, controls), layerItems(technical, controls)
	out.Frame = h.frame(int64(len(out.Findings)), "", postureFresh)
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
	out := FindingItem{Control: f.Control, Title: ct.Title, Group: ct.Group, State: f.State, Since: Time(f.Since), Computed: Time(f.Computed),
		LastKnown: f.LastKnown,
		From:      Time(f.From), Mode: ct.Mode, About: ct.About, Because: because(f.Because), Evidence: []EvidenceItem{},
		Fix: steps(f.State, f.Because, ct), Policy: f.Policy}
	if out.Title == nil {
		out.Title = Text{"vi": f.Control, "en": f.Control}
	}
	for _, e := range f.Evidence {
		out.Evidence = append(out.Evidence, EvidenceItem{ID: e.ID, Title: evidenceTitle(e.ID), At: Time(e.At), MaxAge: e.MaxAge,
			Expired: e.MaxAge > 0 && at-e.At > e.MaxAge, Value: e.Value})
	}
	return out
}

func (h *posture) catalogue() map[string]Control {
	return byID(h.posture.Controls())
}

func byID(controls []Control) map[string]Control {
	out := make(map[string]Control, len(controls))
	for _, ct := range controls {
		out[ct.ID] = ct
	}
	return out
}

func change(f Finding, was soc.PostureState, controls map[string]Control) PostureChange {
	ct := controls[f.Control]
	return PostureChange{Control: f.Control, Layer: ct.Framework == Organisation || ct.Framework == Technical, Title: ct.Title,
		At: Time(f.Since), From: was, To: f.State, Because: because(f.Because)}
}

// compare holds the two answers of posture against each other.
func (h *posture) compare(ctx context.Context, k *call, in *changesIn) (*PostureDifference, error) {
	s, err := h.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	now := h.clock().UnixMilli()
	from, to, err := stretch(in.From, in.To, now, 24*time.Hour)
	if err != nil {
		return nil, err
	}
	out := &PostureDifference{From: Time(from), To: Time(min(to, now)), Items: []PostureChange{}}
	if to >= now-time.Minute.Milliseconds() {
		to = 0 // as it is shown now
	}
	before, err := h.posture.Findings(ctx, s.ID, from)
	if err != nil {
		return nil, err
	}
	after, err := h.posture.Findings(ctx, s.ID, to)
	if err != nil {
		return nil, err
	}
	was := map[string]soc.PostureState{}
	for _, f := range before {
		was[f.Control] = f.State
	}
	controls := h.catalogue()
	for _, f := range after {
		if was[f.Control] != f.State {
			out.Items = append(out.Items, change(f, was[f.Control], controls))
		}
	}
	out.Frame = h.frame(int64(len(out.Items)), "", postureFresh)
	return out, nil
}

func (h *posture) changes(ctx context.Context, k *call, in *changesIn) (*Page[PostureChange], error) {
	s, err := h.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	from, to, err := stretch(in.From, in.To, h.clock().UnixMilli(), 24*time.Hour)
	if err != nil {
		return nil, err
	}
	list, err := h.posture.Between(ctx, s.ID, from, to)
	if err != nil {
		return nil, err
	}
	controls := h.catalogue()
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
	p.Frame = h.frame(int64(len(p.Items)), "", postureFresh)
	return p, nil
}

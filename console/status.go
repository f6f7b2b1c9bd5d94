package console

import (
	"context"
	"slices"
	"time"

	"hoalu/console/identity"
	"hoalu/soc"
)

// overview is the first page and the bar and rail of every page: of each part what a person may know, and which part does not answer.
type overview struct {
	*intake
	parts    Parts
	accounts *identity.Accounts
	tallies  *tallies
	dayShift time.Duration // since midnight
}

func (h *overview) operations() (string, []operation) {
	// Neither needs a part: each figure and card has its own needs and names what does not answer.
	return "overview", []operation{
		{get, "/api/status", "status", "status.read", "Status bar and counts of the rail", nil, to(h.status)},
		{get, "/api/overview", "overview", "overview.read", "Cards of the person's roles", nil, to(h.overview)},
	}
}

const statusFresh = 30 * time.Second

// Limits of the status bar (own).
const (
	diskLowDays  = 14
	diskFullPart = 0.05
	clockOffMS   = 1000
)

// fill runs the maker of one figure or card; where a part that it needs is missing or does not answer, that is named in the answer
// instead. The error is of the request itself: it was given up.
func (h *overview) fill(ctx context.Context, k *call, name string, needs []part, make func() error) (*Broken, error) {
	err := error(nil)
	if missing := h.parts.missing(needs); missing != "" {
		err = unavailable(missing)
	} else {
		err = make()
	}
	if err == nil || ctx.Err() != nil {
		return nil, err
	}
	p := h.problem(ctx, k, err)
	return &Broken{Card: name, Code: p.Code, Text: p.Detail}, nil
}

// status fills each figure that the person may know; one whose part does not answer stays unknown or out, and is named in Broken.
func (h *overview) status(ctx context.Context, k *call, _ *none) (*Status, error) {
	now := h.now()
	parts := partStates(ctx, h.parts, h.accounts)
	out := &Status{Clock: h.clockStatus(ctx, parts), Parts: []soc.Part{}, AsOf: now, Stale: now + Time(statusFresh.Milliseconds())}
	whole, _, err := h.scopeFor(ctx, k, "sources.read")
	if err != nil {
		return nil, err
	}
	for _, figure := range []struct {
		name  string
		shown bool
		needs []part
		make  func() error
	}{
		{"ledger", h.may(ctx, k, "ledger.read"), needs(partLedger), func() error { return h.ledgerFigure(ctx, k, out) }},
		{"sources", h.may(ctx, k, "sources.read"), needs(partReadings), func() (err error) {
			out.Sources, err = h.sourcesStatus(ctx, k)
			return err
		}},
		{"national", h.may(ctx, k, "national.read"), needs(partNational), func() error {
			s, err := h.parts.National.Summary(ctx)
			if err != nil {
				return err
			}
			st := nationalStatus(s, h.clock().UnixMilli())
			out.National = &st
			return nil
		}},
		{"disk", whole.All, needs(partMachine), func() error { return h.machineFigure(parts, out) }},
		{"events", whole.All, needs(partReadings, partEvents), func() error { return h.eventsFigure(ctx, out) }},
		{"alerts", h.may(ctx, k, "alerts.read"), needs(partAlerts), func() (err error) {
			out.Alerts, _, err = h.alertsStatus(ctx, k)
			return err
		}},
	} {
		if !figure.shown {
			continue
		}
		broken, err := h.fill(ctx, k, figure.name, figure.needs, figure.make)
		if err != nil {
			return nil, err
		}
		if broken == nil {
			continue
		}
		out.Broken = append(out.Broken, *broken)
		switch figure.name { // what is shown while it cannot be told
		case "ledger":
			out.Ledger = &LedgerStatus{State: "unknown"}
		case "sources":
			out.Sources = &SourcesStatus{State: "unknown"}
		case "national":
			out.National = &NationalStatus{State: "unknown"}
		case "disk":
			out.Disk = &DiskStatus{State: "unknown"}
		}
	}
	return out, nil
}

// ledgerFigure judges the last minute checked; for an owner by the rows of their own sources.
func (h *overview) ledgerFigure(ctx context.Context, k *call, out *Status) error {
	scope, _, err := h.scopeFor(ctx, k, "ledger.read")
	if err != nil {
		return err
	}
	sum, err := h.ledger.Summary(ctx)
	if err != nil {
		return err
	}
	if !scope.All {
		own := map[string]bool{}
		for _, s := range h.inventory.Sources() {
			own[s.ID] = sourceIn(scope, s)
		}
		var rows []soc.LedgerRow
		if sum.LastMinute > 0 {
			if rows, err = h.ledger.Rows(ctx, sum.LastMinute, sum.LastMinute+1, ""); err != nil {
				return err
			}
		}
		sum = ownSummary(slices.DeleteFunc(rows, func(r soc.LedgerRow) bool { return !own[r.Source] }), sum)
	}
	s := ledgerStatus(sum, h.clock().UnixMilli())
	out.Ledger = &s
	return nil
}

func (h *overview) machineFigure(parts []soc.Part, out *Status) error {
	for _, p := range parts {
		if !p.Ready {
			out.Parts = append(out.Parts, p)
		}
	}
	var err error
	out.Disk, err = h.diskStatus()
	return err
}

func (h *overview) eventsFigure(ctx context.Context, out *Status) error {
	out.Events = &EventsStatus{}
	sum, rated := 0.0, true
	for _, r := range h.readings.Readings() {
		sum += r.Rate / 60
		rated = rated && (r.Rated || r.LastEvent == 0)
		out.Events.Last = max(out.Events.Last, Time(r.LastEvent))
	}
	if rated { // less than all of it would be a figure that is too low
		out.Events.PerSecond = &sum
	}
	n, partial, err := h.parts.Events.Stored(ctx)
	if err != nil {
		return err
	}
	out.Events.Total, out.Events.AtLeast = &n, len(partial) > 0
	return nil
}

func (h *overview) diskStatus() (*DiskStatus, error) {
	d, err := h.parts.Machine.Disk()
	if err != nil {
		return nil, err
	}
	if d.Total == 0 { // not measured yet
		return &DiskStatus{State: "unknown"}, nil
	}
	out := &DiskStatus{State: "good", Total: d.Total, Free: d.Free, Unknown: d.Unknown}
	if d.Unknown == "" {
		out.Days = &d.Days
	}
	switch {
	case float64(d.Free)/float64(d.Total) < diskFullPart:
		out.State = "full"
	case out.Days != nil && *out.Days < diskLowDays:
		out.State = "low"
	}
	return out, nil
}

// clockStatus is off where the part of that name says so, whatever the time service tells.
func (h *overview) clockStatus(ctx context.Context, parts []soc.Part) ClockStatus {
	out := ClockStatus{State: "unknown", Now: h.now()}
	if h.parts.missing(needs(partMachine)) != "" {
		return out
	}
	if offset, server, ok := h.parts.Machine.Clock(ctx); ok {
		out.State, out.OffsetMS, out.Server = "good", &offset, server
		if max(offset, -offset) > clockOffMS {
			out.State = "off"
		}
	}
	if slices.ContainsFunc(parts, func(p soc.Part) bool { return p.Name == "clock" && !p.Ready }) {
		out.State = "off"
	}
	return out
}

// sourcesStatus counts the sources of an action's rows.
func (h *overview) sourcesStatus(ctx context.Context, k *call) (*SourcesStatus, error) {
	scope, _, err := h.scopeFor(ctx, k, "sources.read")
	if err != nil {
		return nil, err
	}
	n, readings := h.names(), h.bySource()
	var items []SourceItem
	for _, s := range h.inventory.Sources() {
		if s.Retired == 0 && sourceIn(scope, s) {
			items = append(items, sourceItem(s, readings, n))
		}
	}
	out := countSources(items)
	return &out, nil
}

func (h *overview) alertsStatus(ctx context.Context, k *call) (*AlertsStatus, AlertCounts, error) {
	scope, filter, err := h.scopeFor(ctx, k, "alerts.read")
	if err != nil {
		return nil, AlertCounts{}, err
	}
	n, err := h.parts.Alerts.Counts(ctx, scope, k.Actor.ID, filter.PersonalOnly())
	if err != nil {
		return nil, n, err
	}
	return &AlertsStatus{New: n.Unacknowledged, Mine: n.Mine, High: n.Urgent, Personal: n.Personal, Open: n.Open}, n, nil
}

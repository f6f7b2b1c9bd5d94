package console

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

const statusFresh = 30 * time.Second

// Limits of the status bar (own).
const (
	diskLowDays  = 14
	diskFullPart = 0.05
	clockOffMS   = 1000
)

func (c *Console) diskStatus() *DiskStatus {
	d, err := c.Parts.Machine.Disk()
	if err != nil || d.Total == 0 {
		return &DiskStatus{State: "unknown"}
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
	return out
}

// clockStatus is off where the part of that name says so, whatever the time service tells.
func (c *Console) clockStatus(ctx context.Context, parts []soc.Part) ClockStatus {
	out := ClockStatus{State: "unknown", Now: c.now()}
	if c.Parts.Machine == nil {
		return out
	}
	if offset, server, ok := c.Parts.Machine.Clock(ctx); ok {
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
func (c *Console) sourcesStatus(ctx context.Context, k *call) *SourcesStatus {
	if c.Parts.Inventory == nil {
		return &SourcesStatus{State: "unknown"}
	}
	scope, _ := c.scopeFor(ctx, k, "sources.read")
	n, readings := c.names(), c.readings()
	var items []SourceItem
	for _, s := range c.Parts.Inventory.Sources() {
		if s.Retired == 0 && c.sourceIn(scope, s) {
			items = append(items, sourceItem(s, readings, n))
		}
	}
	out := countSources(items, c.Parts.Readings != nil)
	return &out
}

func (c *Console) alertsStatus(ctx context.Context, k *call) (*AlertsStatus, AlertCounts, error) {
	scope, filter := c.scopeFor(ctx, k, "alerts.read")
	n, err := c.Parts.Alerts.Counts(ctx, scope, k.Actor.ID)
	if err != nil {
		return nil, n, err
	}
	if filter.PersonalOnly() {
		n = AlertCounts{Personal: n.Personal, Open: n.Personal, MeanAck: -1}
	}
	return &AlertsStatus{New: n.Unacknowledged, Mine: n.Mine, High: n.Urgent, Personal: n.Personal, Open: n.Open}, n, nil
}

func (c *Console) status(ctx context.Context, k *call, _ *none) (*Status, error) {
	now := c.now()
	parts := c.parts(ctx)
	out := &Status{Clock: c.clockStatus(ctx, parts), Parts: []soc.Part{}, AsOf: now, Stale: now + Time(statusFresh.Milliseconds())}
	if c.may(ctx, k, "ledger.read") {
		scope, _ := c.scopeFor(ctx, k, "ledger.read")
		out.Ledger = &LedgerStatus{State: "unknown"}
		if c.Parts.Ledger != nil {
			sum, err := c.Parts.Ledger.Summary(ctx)
			switch {
			case err != nil:
				c.Log.WarnContext(ctx, "status: ledger does not answer", "error.message", err.Error())
			case scope.All:
				s := ledgerStatus(sum, c.Now().UnixMilli())
				out.Ledger = &s
			case sum.LastMinute > 0: // an owner's own rows of the last minute checked
				rows, err := c.Parts.Ledger.Rows(ctx, sum.LastMinute, sum.LastMinute+1, "")
				if err != nil {
					return nil, err
				}
				own := map[string]bool{}
				for _, s := range c.Parts.Inventory.Sources() {
					own[s.ID] = c.sourceIn(scope, s)
				}
				s := ledgerStatus(ownSummary(slices.DeleteFunc(rows, func(r soc.LedgerRow) bool { return !own[r.Source] }), sum), c.Now().UnixMilli())
				out.Ledger = &s
			}
		}
	}
	if c.may(ctx, k, "sources.read") {
		out.Sources = c.sourcesStatus(ctx, k)
	}
	if c.may(ctx, k, "national.read") {
		out.National = &NationalStatus{State: "unknown"}
		if c.Parts.National != nil {
			if s, err := c.Parts.National.Summary(ctx); err == nil {
				st := c.nationalStatus(s)
				out.National = &st
			} else {
				c.Log.WarnContext(ctx, "status: national link does not answer", "error.message", err.Error())
			}
		}
	}
	whole, _ := c.scopeFor(ctx, k, "sources.read")
	if c.Parts.Machine != nil && whole.All {
		out.Disk = c.diskStatus()
		for _, p := range parts {
			if !p.Ready {
				out.Parts = append(out.Parts, p)
			}
		}
	}
	if whole.All && c.Parts.Readings != nil {
		out.Events = &EventsStatus{}
		for _, r := range c.Parts.Readings.Readings() {
			out.Events.PerSecond += r.Rate / 60
			out.Events.Last = max(out.Events.Last, Time(r.LastEvent))
		}
		if c.Parts.Events != nil {
			n, err := c.Parts.Events.Stored(ctx)
			if err == nil {
				out.Events.Total = n
			}
		}
	}
	if c.Parts.Alerts != nil && c.may(ctx, k, "alerts.read") {
		s, _, err := c.alertsStatus(ctx, k)
		if err != nil {
			return nil, err
		}
		out.Alerts = s
	}
	return out, nil
}

// shift on duty at an instant.
func (c *Console) shift(now int64) Shift {
	day := midnight(now) + c.DayShift.Milliseconds()
	half := (12 * time.Hour).Milliseconds()
	switch {
	case now < day:
		return Shift{Kind: "night", From: Time(day - half), To: Time(day)}
	case now < day+half:
		return Shift{Kind: "day", From: Time(day), To: Time(day + half)}
	}
	return Shift{Kind: "night", From: Time(day + half), To: Time(day + 2*half)}
}

// cards of each role, in its order; a person with several roles sees them joined, first role first.
var cards = []struct {
	role  soc.Role
	cards []string
}{
	{soc.Lead, []string{"alerts", "hours", "next", "systems", "sources", "ledger", "national"}},
	{soc.Analyst, []string{"alerts", "hours", "next", "systems", "sources", "ledger", "national"}},
	{soc.Owner, []string{"systems", "alerts", "next", "sources"}},
	{soc.Liaison, []string{"national", "alerts", "hours", "systems", "sources", "ledger"}},
	{soc.Auditor, []string{"systems", "ledger", "national", "sources"}},
	{soc.DPO, []string{"alerts", "next", "systems"}},
	{soc.Administrator, []string{"health", "sources", "ledger", "systems", "national"}},
}

func (c *Console) overview(ctx context.Context, k *call, _ *none) (*Overview, error) {
	now := c.now()
	out := &Overview{Cards: []string{}, Shift: c.shift(int64(now)), AsOf: now, Stale: now + Time(statusFresh.Milliseconds())}
	for _, r := range cards {
		if slices.Contains(k.Actor.Roles, r.role) {
			for _, card := range r.cards {
				if !slices.Contains(out.Cards, card) {
					out.Cards = append(out.Cards, card)
				}
			}
		}
	}
	fill := map[string]func() error{
		"alerts":   func() error { return c.cardAlerts(ctx, k, out) },
		"hours":    func() error { return c.cardHours(ctx, k, out) },
		"next":     func() error { return c.cardNext(ctx, k, out) },
		"systems":  func() error { return c.cardSystems(ctx, k, out) },
		"sources":  func() error { out.Sources = c.sourcesStatus(ctx, k); return nil },
		"ledger":   func() error { return c.cardLedger(ctx, out) },
		"national": func() error { return c.cardNational(ctx, out) },
		"health":   func() error { return c.cardHealth(ctx, out) },
	}
	for _, card := range out.Cards {
		if err := fill[card](); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			p := c.problem(ctx, k, operation{Method: get, Path: "/api/overview"}, err)
			out.Broken = append(out.Broken, Broken{Card: card, Code: p.Code, Text: p.Detail})
		}
	}
	return out, nil
}

func (c *Console) cardAlerts(ctx context.Context, k *call, out *Overview) error {
	if c.Parts.Alerts == nil {
		return unavailable("alerts")
	}
	s, n, err := c.alertsStatus(ctx, k)
	if err != nil {
		return err
	}
	out.Alerts = &OverviewAlerts{AlertsStatus: *s, OldestNew: Time(n.OldestNew), Today: n.Today, Closed: n.ClosedToday}
	if n.MeanAck >= 0 {
		sec := n.MeanAck / 1000
		out.Alerts.AckMean = &sec
	}
	return nil
}

func (c *Console) cardHours(ctx context.Context, k *call, out *Overview) error {
	if c.Parts.Alerts == nil {
		return unavailable("alerts")
	}
	hour := time.Hour.Milliseconds()
	to := int64(out.AsOf)/hour*hour + hour
	from := to - 24*hour
	scope, filter := c.scopeFor(ctx, k, "alerts.read")
	list, err := c.Parts.Alerts.Histogram(ctx, scope, AlertFilter{Personal: filter.PersonalOnly()}, from, to, hour)
	if err != nil {
		return err
	}
	h := &AlertHours{From: Time(from), To: Time(to), Buckets: []AlertHour{}}
	counts, holds := map[int64]map[soc.Severity]int64{}, map[int64]bool{}
	for _, b := range list {
		counts[b.Start] = b.Count
		holds[b.Start] = len(b.Count) > 0
	}
	gaps, err := c.gaps(ctx, prepared{scope: scope, from: from, to: to}, hour, holds)
	if err != nil {
		return err
	}
	for start := from; start < to; start += hour {
		b := AlertHour{Start: Time(start), Counts: counts[start]}
		if b.Counts == nil {
			b.Counts = map[soc.Severity]int64{}
		}
		b.Unknown = slices.ContainsFunc(gaps, func(s Span) bool { return Time(start) >= s.From && Time(start) < s.To })
		h.Buckets = append(h.Buckets, b)
	}
	out.Hours = h
	return nil
}

func (c *Console) cardNext(ctx context.Context, k *call, out *Overview) error {
	if c.Parts.Alerts == nil {
		return unavailable("alerts")
	}
	scope, filter := c.scopeFor(ctx, k, "alerts.read")
	p, err := c.Parts.Alerts.List(ctx, scope, AlertQuery{AlertFilter: AlertFilter{States: []string{soc.AlertNew}, Personal: filter.PersonalOnly()}, Sort: "-score", Limit: 8})
	if err != nil {
		return err
	}
	n := c.names()
	out.Next = []AlertItem{}
	for _, a := range p.Items {
		item := alertItem(a, n, filter.PersonalOnly())
		item.Evidence = "" // never on the overview
		out.Next = append(out.Next, item)
	}
	return nil
}

func (c *Console) cardSystems(ctx context.Context, k *call, out *Overview) error {
	if c.Parts.Inventory == nil {
		return unavailable("inventory")
	}
	scope, _ := c.scopeFor(ctx, k, "systems.read")
	s := &OverviewSystems{Placements: []PlacementTiles{}}
	for _, placement := range []string{soc.PlacementDataCentre, soc.PlacementCloud, soc.PlacementInternet, ""} {
		row := PlacementTiles{Placement: placement, Counts: map[soc.PostureState]int{}, Tiles: []SystemTile{}}
		for _, sys := range c.Parts.Inventory.Systems() {
			if sys.Retired != 0 || sys.Placement != placement || !authz.Covers(scope, sys.ID) {
				continue
			}
			tile := SystemTile{ID: sys.ID, Name: sys.Name, Level: sys.Level, State: soc.Unknown, Demo: sys.Demo}
			if c.Parts.Posture != nil {
				t, err := c.tally(ctx, sys.ID)
				if err != nil {
					return err
				}
				tile.State = cmp.Or(t.Tile, soc.Unknown)
			}
			row.Counts[tile.State]++
			row.Tiles = append(row.Tiles, tile)
		}
		slices.SortStableFunc(row.Tiles, func(a, b SystemTile) int {
			return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(stateRank[a.State], stateRank[b.State]), cmp.Compare(a.ID, b.ID))
		})
		s.Total += len(row.Tiles)
		if len(row.Tiles) > 0 {
			s.Placements = append(s.Placements, row)
		}
	}
	out.Systems = s
	return nil
}

func (c *Console) cardLedger(ctx context.Context, out *Overview) error {
	if c.Parts.Ledger == nil {
		return unavailable("ledger")
	}
	sum, err := c.Parts.Ledger.Summary(ctx)
	if err != nil {
		return err
	}
	out.Ledger = &OverviewLedger{LedgerStatus: ledgerStatus(sum, c.Now().UnixMilli())}
	if sum.LastMinute == 0 {
		return nil
	}
	rows, err := c.Parts.Ledger.Rows(ctx, sum.LastMinute, sum.LastMinute+1, "")
	if err != nil {
		return err
	}
	total := soc.LedgerRow{Minute: sum.LastMinute}
	for _, r := range rows {
		addRow(&total, r)
	}
	item := ledgerItem(total, Ref{}, sum.LastMinute)
	out.Ledger.Row = &item
	return nil
}

func (c *Console) cardNational(ctx context.Context, out *Overview) error {
	if c.Parts.National == nil {
		return unavailable("national")
	}
	s, err := c.Parts.National.Summary(ctx)
	if err != nil {
		return err
	}
	st := c.nationalStatus(s)
	out.National = &st
	return nil
}

func (c *Console) cardHealth(ctx context.Context, out *Overview) error {
	if c.Parts.Machine == nil {
		return unavailable("machine")
	}
	parts := c.parts(ctx)
	if len(parts) == 0 {
		return errors.New("the machine names no parts")
	}
	out.Health = &Health{Parts: parts, Started: Time(c.Parts.Machine.Started()), Disk: c.diskStatus(), BackupAt: Time(max(0, c.Parts.Machine.BackupAt(ctx)))}
	return nil
}

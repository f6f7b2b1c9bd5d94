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

// shift on duty at an instant.
func (h *overview) shift(now int64) Shift {
	day := midnight(now) + h.dayShift.Milliseconds()
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

func (h *overview) overview(ctx context.Context, k *call, _ *none) (*Overview, error) {
	now := h.now()
	out := &Overview{Cards: []string{}, Shift: h.shift(int64(now)), AsOf: now, Stale: now + Time(statusFresh.Milliseconds())}
	for _, r := range cards {
		if slices.Contains(k.Actor.Roles, r.role) {
			for _, card := range r.cards {
				if !slices.Contains(out.Cards, card) {
					out.Cards = append(out.Cards, card)
				}
			}
		}
	}
	fill := map[string]struct {
		needs []part
		make  func() error
	}{
		"alerts":  {needs(partAlerts), func() error { return h.cardAlerts(ctx, k, out) }},
		"hours":   {needs(partAlerts, partReadings, partLedger), func() error { return h.cardHours(ctx, k, out) }},
		"next":    {needs(partAlerts), func() error { return h.cardNext(ctx, k, out) }},
		"systems": {needs(partPosture), func() error { return h.cardSystems(ctx, k, out) }},
		"sources": {needs(partReadings), func() (err error) {
			out.Sources, err = h.sourcesStatus(ctx, k)
			return err
		}},
		"ledger":   {needs(partLedger), func() error { return h.cardLedger(ctx, out) }},
		"national": {needs(partNational), func() error { return h.cardNational(ctx, out) }},
		"health":   {needs(partMachine), func() error { return h.cardHealth(ctx, out) }},
	}
	for _, card := range out.Cards {
		broken, err := h.fill(ctx, k, card, fill[card].needs, fill[card].make)
		if err != nil {
			return nil, err
		}
		if broken != nil {
			out.Broken = append(out.Broken, *broken)
		}
	}
	return out, nil
}

func (h *overview) cardAlerts(ctx context.Context, k *call, out *Overview) error {
	s, n, err := h.alertsStatus(ctx, k)
	if err != nil {
		return err
	}
	out.Alerts = &OverviewAlerts{AlertsStatus: *s, OldestNew: Time(n.OldestNew), Today: n.Today, Closed: n.ClosedToday}
	if out.Alerts.Intake, err = h.intakeOf(ctx, k); err != nil {
		return err
	}
	if n.MeanAck >= 0 {
		sec := n.MeanAck / 1000
		out.Alerts.AckMean = &sec
	}
	return nil
}

// intakeOf says whether a source of those whose alerts the person sees has ever sent anything: where none has, no alert means nothing.
func (h *overview) intakeOf(ctx context.Context, k *call) (string, error) {
	scope, _, err := h.scopeFor(ctx, k, "alerts.read")
	if err != nil {
		return "", err
	}
	if h.parts.missing(needs(partReadings)) != "" {
		return "unknown", nil
	}
	readings := h.bySource()
	for _, s := range h.inventory.Sources() {
		if sourceIn(scope, s) && readings[s.ID].LastEvent > 0 {
			return "received", nil
		}
	}
	return "nothing", nil
}

func (h *overview) cardHours(ctx context.Context, k *call, out *Overview) error {
	hour := time.Hour.Milliseconds()
	to := int64(out.AsOf)/hour*hour + hour
	from := to - 24*hour
	scope, filter, err := h.scopeFor(ctx, k, "alerts.read")
	if err != nil {
		return err
	}
	list, err := h.parts.Alerts.Histogram(ctx, scope, AlertFilter{Personal: filter.PersonalOnly()}, from, to, hour)
	if err != nil {
		return err
	}
	bars := &AlertHours{From: Time(from), To: Time(to), Buckets: []AlertHour{}}
	counts, holds := map[int64]map[soc.Severity]int64{}, map[int64]bool{}
	for _, b := range list {
		counts[b.Start] = b.Count
		holds[b.Start] = len(b.Count) > 0
	}
	gaps, err := h.gaps(ctx, prepared{scope: scope, from: from, to: to}, hour, holds)
	if err != nil {
		return err
	}
	for start := from; start < to; start += hour {
		b := AlertHour{Start: Time(start), Counts: counts[start]}
		if b.Counts == nil {
			b.Counts = map[soc.Severity]int64{}
		}
		b.Unknown = slices.ContainsFunc(gaps, func(s Span) bool { return Time(start) >= s.From && Time(start) < s.To })
		bars.Buckets = append(bars.Buckets, b)
	}
	out.Hours = bars
	return nil
}

func (h *overview) cardNext(ctx context.Context, k *call, out *Overview) error {
	scope, filter, err := h.scopeFor(ctx, k, "alerts.read")
	if err != nil {
		return err
	}
	p, err := h.parts.Alerts.List(ctx, scope,
		AlertQuery{AlertFilter: AlertFilter{States: []string{soc.AlertNew}, Personal: filter.PersonalOnly()}, Sort: "-score", Limit: 8})
	if err != nil {
		return err
	}
	n := h.names()
	out.Next = []AlertItem{}
	for _, a := range p.Items {
		item := alertItem(a, n, filter.PersonalOnly())
		item.Evidence = "" // never on the overview
		out.Next = append(out.Next, item)
	}
	return nil
}

func (h *overview) cardSystems(ctx context.Context, k *call, out *Overview) error {
	scope, _, err := h.scopeFor(ctx, k, "systems.read")
	if err != nil {
		return err
	}
	s := &OverviewSystems{Placements: []PlacementTiles{}}
	for _, placement := range []string{soc.PlacementDataCentre, soc.PlacementCloud, soc.PlacementInternet, ""} {
		row := PlacementTiles{Placement: placement, Counts: map[soc.PostureState]int{}, Tiles: []SystemTile{}}
		for _, sys := range h.inventory.Systems() {
			if sys.Retired != 0 || sys.Placement != placement || !authz.Covers(scope, sys.ID) {
				continue
			}
			tile := SystemTile{ID: sys.ID, Name: sys.Name, Level: sys.Level, State: soc.Unknown, Demo: sys.Demo}
			t, err := h.tallies.of(ctx, sys.ID)
			if err != nil {
				return err
			}
			tile.State = cmp.Or(t.Tile, soc.Unknown)
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

func (h *overview) cardLedger(ctx context.Context, out *Overview) error {
	sum, err := h.ledger.Summary(ctx)
	if err != nil {
		return err
	}
	out.Ledger = &OverviewLedger{LedgerStatus: ledgerStatus(sum, h.clock().UnixMilli())}
	if sum.LastMinute == 0 {
		return nil
	}
	rows, err := h.ledger.Rows(ctx, sum.LastMinute, sum.LastMinute+1, "")
	if err != nil {
		return err
	}
	total := soc.LedgerRow{Minute: sum.LastMinute}
	for _, r := range rows {
		total.Add(r)
	}
	item := ledgerItem(total, Ref{}, sum.LastMinute)
	out.Ledger.Row = &item
	return nil
}

func (h *overview) cardNational(ctx context.Context, out *Overview) error {
	s, err := h.parts.National.Summary(ctx)
	if err != nil {
		return err
	}
	st := nationalStatus(s, h.clock().UnixMilli())
	out.National = &st
	return nil
}

func (h *overview) cardHealth(ctx context.Context, out *Overview) error {
	parts := partStates(ctx, h.parts, h.accounts)
	if len(parts) == 0 {
		return errors.New("the machine names no parts")
	}
	disk, err := h.diskStatus()
	if err != nil { // the status bar names why; the other lines of the card stand
		disk = &DiskStatus{State: "unknown"}
	}
	out.Health = &Health{Parts: parts, Started: Time(h.parts.Machine.Started()), Disk: disk,
		BackupAt: Time(max(0, h.parts.Machine.BackupAt(ctx)))}
	return nil
}

package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

const (
	sourcesFresh = time.Minute
	ledgerFresh  = 2 * time.Minute
)

func (c *Console) readings() map[string]soc.Reading {
	out := map[string]soc.Reading{}
	if c.Parts.Readings != nil {
		for _, r := range c.Parts.Readings.Readings() {
			out[r.Source] = r
		}
	}
	return out
}

// sourceUnknown is the state of a source while nobody watches the sources.
const sourceUnknown = "unknown"

func sourceItem(s soc.Source, readings map[string]soc.Reading, n names) SourceItem {
	item := SourceItem{ID: s.ID, Name: s.Name, Kind: s.Kind, Address: s.Address, Host: s.Host, Dataset: s.Dataset, Layers: orEmpty(s.Layers), State: sourceUnknown,
		Auto: s.Auto, StoppedUntil: Time(s.StoppedUntil), Demo: s.Demo, Retired: Time(s.Retired),
		Zone: s.Zone, ExpectEvery: s.ExpectEvery, Trust: s.TrustLogsource, Sensor: s.Sensor, Version: s.Version}
	if s.System != "" {
		ref := n.system(s.System)
		item.System = &ref
	}
	if r, ok := readings[s.ID]; ok {
		item.State, item.Since, item.First, item.Last = r.State, Time(r.Since), Time(r.FirstEvent), Time(r.LastEvent)
		item.Rate, item.Usual, item.Unparsed, item.OffsetMS, item.Total = r.Rate, r.Usual, r.Unparsed, r.OffsetMS, r.Total
		if r.Cause != "" {
			values := map[string]string{"since": Time(r.Since).clock(), "offset_ms": strconv.FormatInt(r.OffsetMS, 10), "rate": strconv.FormatFloat(r.Rate, 'f', 0, 64), "usual": strconv.FormatFloat(r.Usual, 'f', 0, 64)}
			item.Cause = &Because{Code: r.Cause, Values: values, Text: both("cause."+r.Cause, values, r.Cause)}
		}
	} else if len(readings) > 0 {
		item.State = soc.SourceNever
	}
	if item.State == "" { // seen, not yet judged
		item.State = sourceUnknown
	}
	return item
}

// clock is the time of day in Vietnam, for sentences.
func (t Time) clock() string { return time.UnixMilli(int64(t)).In(Zone).Format("15:04") }

func (c *Console) visibleSources(k *call) ([]soc.Source, error) {
	if c.Parts.Inventory == nil {
		return nil, unavailable("inventory")
	}
	scope := c.scope(k)
	var out []soc.Source
	for _, s := range c.Parts.Inventory.Sources() {
		if c.sourceIn(scope, s) {
			out = append(out, s)
		}
	}
	return out, nil
}

func (c *Console) visibleSource(k *call, id string) (soc.Source, error) {
	list, err := c.visibleSources(k)
	if err != nil {
		return soc.Source{}, err
	}
	i := slices.IndexFunc(list, func(s soc.Source) bool { return s.ID == id })
	if i < 0 {
		return soc.Source{}, absent(id)
	}
	return list[i], nil
}

// worst first.
var sourceRank = map[string]int{soc.SourceSilent: 0, soc.SourceGarbled: 1, soc.SourceThin: 2, soc.SourceSkewed: 3, sourceUnknown: 4, soc.SourceNever: 5, soc.SourceReceiving: 6}

func countSources(items []SourceItem, watched bool) SourcesStatus {
	out := SourcesStatus{State: "good"}
	for _, s := range items {
		if s.Demo {
			out.Samples.add(s.State)
			continue
		}
		out.add(s.State)
		if s.State == soc.SourceSilent && s.StoppedUntil == 0 && (out.Oldest == nil || s.Since < out.Oldest.Since) {
			out.Oldest = &SilentSource{s.ID, s.Name, s.Since}
		}
	}
	switch {
	case !watched, out.Total > 0 && out.Receiving+out.Silent+out.Thin+out.Skewed+out.Garbled == 0:
		out.State = "unknown"
	case out.Silent+out.Thin+out.Skewed+out.Garbled > 0:
		out.State = "bad"
	}
	return out
}

func (n *SourceCounts) add(state string) {
	n.Total++
	switch state {
	case soc.SourceReceiving:
		n.Receiving++
	case soc.SourceThin:
		n.Thin++
	case soc.SourceSilent:
		n.Silent++
	case soc.SourceSkewed:
		n.Skewed++
	case soc.SourceGarbled:
		n.Garbled++
	case soc.SourceNever:
		n.Never++
	}
}

func (c *Console) listSources(_ context.Context, k *call, in *sourcesIn) (*SourcesAnswer, error) {
	list, err := c.visibleSources(k)
	if err != nil {
		return nil, err
	}
	n, readings := c.names(), c.readings()
	var all, rows []SourceItem
	for _, s := range list {
		if (s.Retired != 0) != in.Retired {
			continue
		}
		item := sourceItem(s, readings, n)
		all = append(all, item)
		system := ""
		if item.System != nil {
			system = item.System.Name
		}
		if (in.State != "" && item.State != in.State) || (in.System != "" && s.System != in.System) || (in.Kind != "" && s.Kind != in.Kind) || (in.Found && !s.Auto) || (in.Demo != "" && s.Demo != (in.Demo == "only")) ||
			!matches(in.Text, s.ID, s.Name, s.Host, s.Address, s.Dataset, system) {
			continue
		}
		rows = append(rows, item)
	}
	key, down := sorting(in.Sort)
	name := byName()
	slices.SortStableFunc(rows, func(a, b SourceItem) int {
		n := 0
		switch key {
		case "name":
			n = name(a.Name, b.Name)
		case "last":
			n = cmp.Compare(a.Last, b.Last)
		case "rate":
			n = cmp.Compare(a.Rate, b.Rate)
		case "unparsed":
			n = cmp.Compare(a.Unparsed, b.Unparsed)
		case "offset":
			n = cmp.Compare(max(a.OffsetMS, -a.OffsetMS), max(b.OffsetMS, -b.OffsetMS))
		default: // worst state, then longest
			n = cmp.Or(cmp.Compare(sourceRank[a.State], sourceRank[b.State]), cmp.Compare(a.Since, b.Since))
		}
		return cmp.Or(sign(down, n), cmp.Compare(a.ID, b.ID))
	})
	items, next, err := page(rows, func(s SourceItem) string { return s.ID }, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return &SourcesAnswer{Items: orEmpty(items), Counts: countSources(all, c.Parts.Readings != nil), Frame: c.frame(int64(len(rows)), next, sourcesFresh)}, nil
}

func (c *Console) getSource(ctx context.Context, k *call, in *idIn) (*SourceDetail, error) {
	s, err := c.visibleSource(k, in.ID)
	if err != nil {
		return nil, err
	}
	d := &SourceDetail{SourceItem: sourceItem(s, c.readings(), c.names()), Minutes: []SourceMinutes{}, Controls: []Ref{}, Claims: []SourceClaim{}, Keys: []SourceKey{}, Deeds: c.deeds(ctx, k, "sources.", "quarantine.")}
	for _, key := range s.Keys {
		d.Keys = append(d.Keys, sourceKey(key))
	}
	scope, n := c.scope(k), c.names()
	for _, x := range c.Parts.Inventory.Claims(s.ID) {
		if authz.Covers(scope, x.System) { // an owner does not learn of others' systems
			d.Claims = append(d.Claims, SourceClaim{System: n.system(x.System), Last: Time(x.Last), Events: x.Events})
		}
	}
	now := c.Now().UnixMilli()
	if c.Parts.Ledger != nil {
		const bar = int64(10 * time.Minute / time.Millisecond)
		to := now/bar*bar + bar
		from := to - 144*bar
		sum, err := c.Parts.Ledger.Summary(ctx)
		if err != nil {
			return nil, err
		}
		rows, err := c.Parts.Ledger.Rows(ctx, from, to, s.ID)
		if err != nil {
			return nil, err
		}
		got := map[int64]int64{}
		for _, r := range rows {
			got[r.Minute/bar] += r.Received
		}
		for start := from; start < to; start += bar {
			d.Minutes = append(d.Minutes, SourceMinutes{Start: Time(start), Received: got[start/bar], Known: sum.Kept > 0 && start+bar > sum.Kept})
		}
	}
	if c.Parts.Events != nil && c.may(ctx, k, "events.search") {
		scope, _ := c.scopeFor(ctx, k, "events.search")
		if c.sourceIn(scope, s) {
			r, err := c.search(ctx, k, query.Search{Query: query.Term{Field: ecs.SourceID, Value: s.ID}, Limit: 1, CountCap: 1})
			if err == nil && len(r.Events) == 1 {
				d.LastRaw = r.Events[0].Text(ecs.EventOriginal)
				if d.LastRaw == "" {
					d.LastRaw = string(r.Events[0].AppendJSON(nil))
				}
			}
		}
	}
	if c.Parts.Posture != nil && s.System != "" && c.may(ctx, k, "posture.read") {
		list, err := c.Parts.Posture.Findings(ctx, s.System, 0)
		if err != nil {
			return nil, err
		}
		titles := map[string]Text{}
		for _, ct := range c.Parts.Posture.Controls() {
			titles[ct.ID] = ct.Title
		}
		for _, f := range list {
			if slices.ContainsFunc(f.Evidence, func(e soc.Evidence) bool { return strings.Contains(e.ID, s.ID) || strings.Contains(e.Value, s.ID) }) {
				d.Controls = append(d.Controls, Ref{f.Control, titles[f.Control][k.Lang]})
			}
		}
	}
	return d, nil
}

func (b sourceBody) apply(s soc.Source) soc.Source {
	s.Name, s.Kind, s.System, s.Address, s.Host, s.Dataset, s.Zone = strings.TrimSpace(b.Name), b.Kind, b.System, b.Address, b.Host, b.Dataset, b.Zone
	s.Layers, s.ExpectEvery, s.TrustLogsource, s.Auto = b.Layers, b.ExpectEvery, b.TrustLogsource, false
	if b.Version != 0 {
		s.Version = b.Version
	}
	return s
}

func (c *Console) addSource(ctx context.Context, k *call, in *bodyIn[sourceBody]) (*SourceItem, error) {
	if c.Parts.Inventory == nil {
		return nil, unavailable("inventory")
	}
	s, err := c.Parts.Inventory.CreateSource(ctx, k.Actor, in.Body.apply(soc.Source{}))
	if err != nil {
		return nil, err
	}
	item := sourceItem(s, c.readings(), c.names())
	return &item, nil
}

func (c *Console) changeSource(ctx context.Context, k *call, in *idBodyIn[sourceBody]) (*SourceItem, error) {
	old, err := c.visibleSource(k, in.ID)
	if err != nil {
		return nil, err
	}
	s, err := c.Parts.Inventory.UpdateSource(ctx, k.Actor, in.Body.apply(old))
	if err != nil {
		return nil, err
	}
	item := sourceItem(s, c.readings(), c.names())
	return &item, nil
}

func sourceKey(k soc.SourceKey) SourceKey {
	return SourceKey{ID: k.ID, Kind: k.Kind, Label: k.Label, By: k.By, Made: Time(k.Made), Ends: Time(k.Ends), Used: Time(k.Used)}
}

func (c *Console) issueKey(ctx context.Context, k *call, in *idBodyIn[keyBody]) (*SourceKeyMade, error) {
	if c.Parts.Keys == nil {
		return nil, unavailable("inventory")
	}
	s, err := c.visibleSource(k, in.ID)
	if err != nil {
		return nil, err
	}
	follow := time.Duration(-1)
	if in.Body.Follow != nil {
		follow = time.Duration(*in.Body.Follow) * time.Hour
	}
	m, err := c.Parts.Keys.IssueKey(ctx, k.Actor, s.ID, in.Body.Label, follow)
	if err != nil {
		return nil, err
	}
	return &SourceKeyMade{Key: sourceKey(m.Key), Secret: m.Secret, APIKey: m.APIKey, URL: m.URL, Uses: orEmpty(m.Uses)}, nil
}

func (c *Console) revokeKey(ctx context.Context, k *call, in *keyIn) (*Done, error) {
	if c.Parts.Keys == nil {
		return nil, unavailable("inventory")
	}
	s, err := c.visibleSource(k, in.ID)
	if err != nil {
		return nil, err
	}
	if err := c.Parts.Keys.RevokeKey(ctx, k.Actor, s.ID, in.Key); err != nil {
		return nil, err
	}
	return &Done{true}, nil
}

// stopMost bounds a planned stop (own).
const stopMost = 7 * 24 * time.Hour

func (c *Console) stopSource(ctx context.Context, k *call, in *idBodyIn[stopBody]) (*SourceItem, error) {
	s, err := c.visibleSource(k, in.ID)
	if err != nil {
		return nil, err
	}
	now := c.Now().UnixMilli()
	if until := int64(in.Body.Until); until != 0 && (until <= now || until > now+stopMost.Milliseconds()) {
		return nil, wrongField("stop_too_long", "until")
	}
	if in.Body.Version != s.Version {
		return nil, conflictOf(s.ID)
	}
	s.StoppedUntil = int64(in.Body.Until)
	k.Actor.Name = strings.TrimSpace(k.Actor.Name)
	next, err := c.Parts.Inventory.UpdateSource(ctx, k.Actor, s)
	if err != nil {
		return nil, err
	}
	if c.Parts.Audit != nil {
		if err := c.Parts.Audit.Record(ctx, soc.Deed{Actor: k.Actor, Action: "source.stop", Object: s.ID, Result: "done", Reason: in.Body.Reason}); err != nil {
			return nil, err
		}
	}
	item := sourceItem(next, c.readings(), c.names())
	return &item, nil
}

func (c *Console) listSensors(ctx context.Context, k *call, _ *none) (*Page[SensorItem], error) {
	if c.Parts.Sensors == nil {
		return nil, unavailable("sensors")
	}
	list, err := c.Parts.Sensors.Sensors(ctx)
	if err != nil {
		return nil, err
	}
	scope, n := c.scope(k), c.names()
	p := &Page[SensorItem]{Items: []SensorItem{}}
	for _, s := range list {
		if !scope.All && !slices.Contains(scope.Systems, s.System) {
			continue
		}
		item := SensorItem{ID: s.ID, Name: s.Name, Host: s.Host, Version: s.Version, State: s.State, Probes: orEmpty(s.Probes), Seen: Time(s.Seen), Ends: Time(s.CertificateEnds), Shed: s.Shed}
		if s.System != "" {
			ref := n.system(s.System)
			item.System = &ref
		}
		p.Items = append(p.Items, item)
	}
	p.Frame = c.frame(int64(len(p.Items)), "", sourcesFresh)
	return p, nil
}

func ledgerItem(r soc.LedgerRow, source Ref, last int64) LedgerItem {
	return LedgerItem{Minute: Time(r.Minute), Source: source, Received: r.Received, Stored: r.Stored, Quarantined: r.Quarantined, Rejected: r.Rejected, Duplicate: r.Duplicate,
		Dropped: r.Dropped, InFlight: r.InFlight, Difference: r.Difference(), Checked: r.Minute <= last, Reasons: r.Reasons}
}

// addRow sums rows, the reasons too.
func addRow(a *soc.LedgerRow, b soc.LedgerRow) {
	a.Received += b.Received
	a.Stored += b.Stored
	a.Quarantined += b.Quarantined
	a.Rejected += b.Rejected
	a.Duplicate += b.Duplicate
	a.Dropped += b.Dropped
	a.InFlight += b.InFlight
	for reason, n := range b.Reasons {
		if a.Reasons == nil {
			a.Reasons = map[string]int64{}
		}
		a.Reasons[reason] += n
	}
}

// ledgerLate is how long after its end a minute has been checked while the ledger works: two minutes to settle, one between checks.
const ledgerLate = 6 * time.Minute

// ledgerStatus judges the ledger at now: where nothing was checked lately its state is not known, however the last minute stood.
func ledgerStatus(s LedgerSummary, now int64) LedgerStatus {
	out := LedgerStatus{State: "balanced", Minute: Time(s.LastMinute), Difference: s.Difference, Since: Time(s.Since), NotMeasured: s.NotMeasured}
	switch {
	case s.LastMinute == 0 || now-s.LastMinute > ledgerLate.Milliseconds():
		out.State = "unknown"
	case !s.Balanced:
		out.State = "off"
	}
	return out
}

func (c *Console) ledger(ctx context.Context, k *call, in *ledgerIn) (*LedgerAnswer, error) {
	if c.Parts.Ledger == nil {
		return nil, unavailable("ledger")
	}
	from, to, err := stretch(in.From, in.To, c.Now().UnixMilli()+1, time.Hour)
	if err != nil {
		return nil, err
	}
	if to-from > (31 * 24 * time.Hour).Milliseconds() {
		return nil, wrongField("range_long", "from")
	}
	sum, err := c.Parts.Ledger.Summary(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := c.Parts.Ledger.Rows(ctx, from, to, in.Source)
	if err != nil {
		return nil, err
	}
	if scope := c.scope(k); !scope.All {
		own := map[string]bool{}
		sources, err := c.visibleSources(k)
		if err != nil {
			return nil, err
		}
		for _, s := range sources {
			own[s.ID] = true
		}
		if in.Source != "" && !own[in.Source] {
			return nil, absent(in.Source)
		}
		rows = slices.DeleteFunc(rows, func(r soc.LedgerRow) bool { return !own[r.Source] })
		sum = ownSummary(rows, sum)
	}
	n := c.names()
	out := &LedgerAnswer{Items: []LedgerItem{}, Status: ledgerStatus(sum, c.Now().UnixMilli()), Kept: Time(sum.Kept)}
	var total soc.LedgerRow
	minutes := map[int64]*soc.LedgerRow{}
	off := map[int64]bool{} // a minute is off when any of its sources is: differences of sources must not cancel out
	var items []LedgerItem
	for _, r := range rows {
		addRow(&total, r)
		m := minutes[r.Minute]
		if m == nil {
			m = &soc.LedgerRow{Minute: r.Minute}
			minutes[r.Minute] = m
		}
		addRow(m, r)
		checked := r.Minute <= sum.LastMinute
		if checked && r.Difference() != 0 {
			off[r.Minute] = true
		}
		if in.View == "source" || (in.View == "off" && checked && r.Difference() != 0) || (in.View == "dropped" && r.Dropped > 0) {
			items = append(items, ledgerItem(r, n.source(r.Source), sum.LastMinute))
		}
	}
	var order []int64
	for m := range minutes {
		order = append(order, m)
	}
	slices.SortFunc(order, func(a, b int64) int { return cmp.Compare(b, a) })
	for _, m := range order {
		if in.View == "" || in.View == "minute" {
			source := Ref{}
			if in.Source != "" {
				source = n.source(in.Source)
			}
			items = append(items, ledgerItem(*minutes[m], source, sum.LastMinute))
		}
		if in.Map {
			switch {
			case off[m]:
				out.Map = append(out.Map, LedgerCell{Minute: Time(m), State: "off", Difference: minutes[m].Difference()})
			case m > sum.LastMinute:
				out.Map = append(out.Map, LedgerCell{Minute: Time(m), State: "unchecked"})
			}
		}
	}
	cells, err := c.notMeasured(ctx, from, min(to, sum.LastMinute+time.Minute.Milliseconds()), minutes)
	if err != nil {
		return nil, err
	}
	out.NotMeasured = len(cells)
	if in.Map {
		out.Map = append(out.Map, cells...)
		slices.SortFunc(out.Map, func(a, b LedgerCell) int { return cmp.Compare(b.Minute, a.Minute) })
	}
	out.Sum = ledgerItem(total, Ref{}, sum.LastMinute)
	out.Sum.Minute, out.Sum.Checked = Time(from), to <= sum.LastMinute+time.Minute.Milliseconds()
	shown, next, err := page(items, func(i LedgerItem) string { return strconv.FormatInt(int64(i.Minute), 10) + "." + i.Source.ID }, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	out.Items = orEmpty(shown)
	out.Frame = c.frame(int64(len(items)), next, ledgerFresh)
	return out, nil
}

// notMeasured are the minutes of [from, to) in which nothing ran or was checked, newest last. A minute with rows was counted.
func (c *Console) notMeasured(ctx context.Context, from, to int64, rows map[int64]*soc.LedgerRow) ([]LedgerCell, error) {
	const minute = int64(time.Minute / time.Millisecond)
	if from -= from % minute; to <= from {
		return nil, nil
	}
	list, err := c.Parts.Ledger.Measured(ctx, from, to)
	if err != nil {
		return nil, err
	}
	var out []LedgerCell
	for m := from; m+minute <= to; m += minute {
		for len(list) > 0 && int64(list[0].To) <= m {
			list = list[1:]
		}
		if rows[m] == nil && (len(list) == 0 || int64(list[0].From) > m) {
			out = append(out, LedgerCell{Minute: Time(m), State: "not_measured"})
		}
	}
	return out, nil
}

// ownSummary judges only the rows an owner may see.
func ownSummary(rows []soc.LedgerRow, all LedgerSummary) LedgerSummary {
	out := LedgerSummary{Balanced: true, LastMinute: all.LastMinute, Kept: all.Kept, NotMeasured: all.NotMeasured}
	for _, r := range rows {
		if r.Minute <= all.LastMinute && r.Difference() != 0 {
			out.Balanced = false
			out.Difference += r.Difference()
		}
	}
	return out
}

func (c *Console) listQuarantine(ctx context.Context, k *call, in *quarantineIn) (*QuarantineAnswer, error) {
	if c.Parts.Quarantine == nil {
		return nil, unavailable("quarantine")
	}
	sources := one(in.Source)
	if !c.scope(k).All {
		visible, err := c.visibleSources(k)
		if err != nil {
			return nil, err
		}
		own := []string{}
		for _, s := range visible {
			own = append(own, s.ID)
		}
		switch {
		case in.Source == "":
			sources = own
		case !slices.Contains(own, in.Source):
			return nil, absent(in.Source)
		}
	}
	p, err := c.Parts.Quarantine.List(ctx, sources, in.Reason, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	n := c.names()
	out := &QuarantineAnswer{Items: []QuarantineItem{}, Reasons: p.Reasons, Frame: c.frame(p.Total, p.Next, sourcesFresh)}
	if out.Reasons == nil {
		out.Reasons = map[string]int64{}
	}
	for _, q := range p.Items {
		out.Items = append(out.Items, QuarantineItem{ID: q.ID, Source: n.source(q.Source), Time: Time(q.Time), Reason: q.Reason, Size: q.Size})
	}
	return out, nil
}

func (c *Console) replayQuarantine(ctx context.Context, k *call, in *bodyIn[replayBody]) (*Replayed, error) {
	if c.Parts.Quarantine == nil {
		return nil, unavailable("quarantine")
	}
	b := in.Body
	if len(b.IDs) == 0 && b.Source == "" && b.Reason == "" {
		return nil, &soc.Problem{Status: http.StatusUnprocessableEntity, Code: "nothing_chosen", Detail: "Nothing was chosen."}
	}
	done, held, err := c.Parts.Quarantine.Replay(ctx, k.Actor, b.IDs, b.Source, b.Reason)
	if err != nil {
		return nil, err
	}
	return &Replayed{Replayed: done, Held: held}, nil
}

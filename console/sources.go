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

// sources are what sends events, with what is known of each now.
type sources struct {
	*intake
	keys     Keys
	posture  Posture
	searcher *searcher
}

func (h *sources) operations() (string, []operation) {
	return "sources", []operation{
		{get, "/api/sources", "listSources", "sources.read", "Sources and what they send", needs(partReadings), to(h.list)},
		{post, "/api/sources", "addSource", "sources.write", "Declare a source", needs(partReadings), to(h.add)},
		{get, "/api/sources/{id}", "getSource", "sources.read", "One source with its last day",
			needs(partReadings, partLedger, partEvents, partPosture), to(h.get)},
		{put, "/api/sources/{id}", "changeSource", "sources.write", "Change or confirm a source", needs(partReadings), to(h.change)},
		{put, "/api/sources/{id}/stop", "stopSource", "sources.write", "Planned stop, at most 7 days", needs(partReadings), to(h.stop)},
		{put, "/api/sources/{id}/retired", "retireSource", "sources.delete", "Take a source out of use, or back; its keys end",
			needs(partReadings), to(h.retireOne)},
		{del, "/api/sources/{id}", "deleteSource", "sources.delete", "Delete a source that nothing refers to, or that was found by itself",
			nil, to(h.drop)},
		{post, "/api/sources/forget", "forgetSources", "sources.delete", "Delete many sources that were found by themselves",
			nil, to(h.forget)},
		{post, "/api/sources/{id}/keys", "issueKey", "sources.key", "A new key for the senders of a source; its secret is shown once",
			needs(partKeys), to(h.issueKey)},
		{del, "/api/sources/{id}/keys/{key}", "revokeKey", "sources.key", "Revoke a key of a source", needs(partKeys), to(h.revokeKey)},
	}
}

func (h *sources) retireOne(ctx context.Context, k *call, in *retireIn) (*SourceItem, error) {
	if _, err := h.visibleSource(k, in.ID); err != nil {
		return nil, err
	}
	if err := h.retire(ctx, k, soc.KindSource, in); err != nil {
		return nil, err
	}
	s, err := h.visibleSource(k, in.ID)
	item := sourceItem(s, h.bySource(), h.names())
	return &item, err
}

func (h *sources) drop(ctx context.Context, k *call, in *deleteIn) (*Done, error) {
	if _, err := h.visibleSource(k, in.ID); err != nil {
		return nil, err
	}
	return h.remove(ctx, k, soc.KindSource, in)
}

// forget deletes many that were found by themselves: what a flood of forged names leaves behind.
func (h *sources) forget(ctx context.Context, k *call, in *bodyIn[forgetBody]) (*SourcesForgotten, error) {
	deleted, refused, err := h.inventory.Forget(ctx, k.Actor, in.Body.IDs)
	if err != nil {
		return nil, err
	}
	out := &SourcesForgotten{Deleted: orEmpty(deleted), Failed: []SourceStays{}}
	for _, r := range refused {
		p := newProblem(k.Lang, r.Problem)
		out.Failed = append(out.Failed, SourceStays{ID: r.ID, Code: p.Code, Detail: p.Detail, Do: p.Do})
	}
	return out, nil
}

const (
	sourcesFresh = time.Minute
	ledgerFresh  = 2 * time.Minute
)

// clockOff is how far a source's clock is off, in ms; one of which that is not known stands below all.
func clockOff(s SourceItem) int64 {
	if s.OffsetMS == nil {
		return -1
	}
	return max(*s.OffsetMS, -*s.OffsetMS)
}

// known is a figure for sorting: what is not known stands before the least.
func known(v *float64) float64 {
	if v == nil {
		return -1
	}
	return *v
}

func sourceItem(s soc.Source, readings map[string]soc.Reading, n names) SourceItem {
	item := SourceItem{ID: s.ID, Name: s.Name, Kind: s.Kind, Address: s.Address, Host: s.Host, Dataset: s.Dataset, Layers: orEmpty(s.Layers),
		State: soc.SourceUnknown,
		Auto:  s.Auto, Demo: s.Demo, Retired: Time(s.Retired),
		Zone: s.Zone, ExpectEvery: s.ExpectEvery, Trust: s.TrustLogsource, Sensor: s.Sensor, Version: s.Version}
	if s.StoppedUntil > n.now {
		item.StoppedUntil = Time(s.StoppedUntil)
	}
	if s.System != "" {
		ref := n.system(s.System)
		item.System = &ref
	}
	if r, ok := readings[s.ID]; ok {
		item.State, item.Since, item.First, item.Last = r.State, Time(silentSince(r)), Time(r.FirstEvent), Time(r.LastEvent)
		item.Usual, item.Unparsed, item.Total = r.Usual, r.Unparsed, r.Total
		if r.Rated {
			item.Rate = &r.Rate
		}
		if r.Timed {
			item.OffsetMS = &r.OffsetMS
		}
		if r.Cause != "" {
			values := map[string]string{"since": item.Since.clock(), "offset_ms": strconv.FormatInt(r.OffsetMS, 10),
				"rate": strconv.FormatFloat(r.Rate, 'f', 0, 64), "usual": strconv.FormatFloat(r.Usual, 'f', 0, 64)}
			item.Cause = &Because{Code: r.Cause, Values: values, Text: both("cause."+r.Cause, values, r.Cause)}
		}
	} else if len(readings) > 0 {
		item.State = soc.SourceNever
	}
	if item.State == "" { // seen, not yet judged
		item.State = soc.SourceUnknown
	}
	return item
}

// silentSince is when a source that is silent sent its last event: it was called silent only when its patience had run out. Of any other
// source it is when its state began.
func silentSince(r soc.Reading) int64 {
	if r.State == soc.SourceSilent && r.LastEvent != 0 {
		return r.LastEvent
	}
	return r.Since
}

// worst first.
var sourceRank = map[string]int{soc.SourceSilent: 0, soc.SourceGarbled: 1, soc.SourceThin: 2, soc.SourceSkewed: 3, soc.SourceUnknown: 4,
	soc.SourceNever: 5, soc.SourceReceiving: 6}

func countSources(items []SourceItem) SourcesStatus {
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
	case out.Total > 0 && out.Receiving+out.Silent+out.Thin+out.Skewed+out.Garbled == 0:
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

func (h *sources) list(_ context.Context, k *call, in *sourcesIn) (*SourcesAnswer, error) {
	list := h.visibleSources(k)
	n, readings := h.names(), h.bySource()
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
		if (in.State != "" && item.State != in.State) || (in.System != "" && s.System != in.System) || (in.Kind != "" && s.Kind != in.Kind) ||
			(in.Found && !s.Auto) || (in.Demo != "" && s.Demo != (in.Demo == "only")) ||
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
			n = cmp.Compare(known(a.Rate), known(b.Rate))
		case "unparsed":
			n = cmp.Compare(a.Unparsed, b.Unparsed)
		case "offset":
			n = cmp.Compare(clockOff(a), clockOff(b))
		default: // worst state, then longest
			n = cmp.Or(cmp.Compare(sourceRank[a.State], sourceRank[b.State]), cmp.Compare(a.Since, b.Since))
		}
		return cmp.Or(sign(down, n), cmp.Compare(a.ID, b.ID))
	})
	items, next, err := page(rows, func(s SourceItem) string { return s.ID }, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return &SourcesAnswer{Items: orEmpty(items), Counts: countSources(all), Frame: h.frame(int64(len(rows)), next, sourcesFresh)}, nil
}

func (h *sources) get(ctx context.Context, k *call, in *idIn) (*SourceDetail, error) {
	s, err := h.visibleSource(k, in.ID)
	if err != nil {
		return nil, err
	}
	scope, n := h.scope(k), h.names()
	d := &SourceDetail{SourceItem: sourceItem(s, h.bySource(), n), Controls: []Ref{}, Claims: []SourceClaim{}, Keys: []SourceKey{}}
	if d.Deeds, err = h.deeds(ctx, k, "sources.", "quarantine."); err != nil {
		return nil, err
	}
	for _, key := range s.Keys {
		d.Keys = append(d.Keys, sourceKey(key))
	}
	for _, x := range h.inventory.Claims(s.ID) {
		if authz.Covers(scope, x.System) { // an owner does not learn of others' systems
			d.Claims = append(d.Claims, SourceClaim{System: n.system(x.System), Last: Time(x.Last), Events: x.Events})
		}
	}
	if d.Minutes, err = h.lastDay(ctx, s.ID); err != nil {
		return nil, err
	}
	if h.may(ctx, k, "events.search") {
		if err := h.lastRaw(ctx, k, s, d); err != nil {
			return nil, err
		}
	}
	if s.System != "" && h.may(ctx, k, "posture.read") {
		if err := h.restingOn(ctx, k, s, d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// lastDay counts what came of a source in the last 24 hours, in bars of ten minutes.
func (h *sources) lastDay(ctx context.Context, source string) ([]SourceMinutes, error) {
	const bar = int64(10 * time.Minute / time.Millisecond)
	to := h.clock().UnixMilli()/bar*bar + bar
	from := to - 144*bar
	sum, err := h.ledger.Summary(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := h.ledger.Rows(ctx, from, to, source)
	if err != nil {
		return nil, err
	}
	got := map[int64]int64{}
	for _, r := range rows {
		got[r.Minute/bar] += r.Received
	}
	out := []SourceMinutes{}
	for start := from; start < to; start += bar {
		out = append(out, SourceMinutes{Start: Time(start), Received: got[start/bar], Known: sum.Kept > 0 && start+bar > sum.Kept})
	}
	return out, nil
}

// lastRaw fills in the last event of a source as it came, for who may read its events; RawError says why it could not be read, or that a
// newer one may be in what could not be read.
func (h *sources) lastRaw(ctx context.Context, k *call, s soc.Source, d *SourceDetail) error {
	scope, _, err := h.scopeFor(ctx, k, "events.search")
	if err != nil || !sourceIn(scope, s) {
		return err
	}
	r, err := h.searcher.run(ctx, k, query.Search{Query: query.Term{Field: ecs.SourceID, Value: s.ID}, Limit: 1, CountCap: 1})
	if err != nil {
		d.RawError = h.problem(ctx, k, err).Detail
		return nil
	}
	if len(r.Partial) > 0 {
		d.RawError = h.problem(ctx, k, &soc.Problem{Status: http.StatusServiceUnavailable, Code: "events_partial",
			Detail: "Not all events could be read; one of the rest may be newer.",
			Values: map[string]string{"n": strconv.Itoa(len(r.Partial)), "reason": strings.Join(r.Partial[:min(3, len(r.Partial))], "; ")}}).Detail
	}
	if len(r.Events) == 1 {
		d.LastRaw = r.Events[0].Text(ecs.EventOriginal)
		if d.LastRaw == "" {
			d.LastRaw = string(r.Events[0].AppendJSON(nil))
		}
	}
	return nil
}

// restingOn fills in the requirements whose evidence comes from the source.
func (h *sources) restingOn(ctx context.Context, k *call, s soc.Source, d *SourceDetail) error {
	list, err := h.posture.Findings(ctx, s.System, 0)
	if err != nil {
		return err
	}
	titles := map[string]Text{}
	for _, ct := range h.posture.Controls() {
		titles[ct.ID] = ct.Title
	}
	for _, f := range list {
		from := func(e soc.Evidence) bool { return strings.Contains(e.ID, s.ID) || strings.Contains(e.Value, s.ID) }
		if slices.ContainsFunc(f.Evidence, from) {
			d.Controls = append(d.Controls, Ref{f.Control, titles[f.Control][k.Lang]})
		}
	}
	return nil
}

func (b sourceBody) apply(s soc.Source) soc.Source {
	s.Name, s.Kind, s.System, s.Address, s.Host, s.Dataset, s.Zone = strings.TrimSpace(b.Name), b.Kind, b.System, b.Address, b.Host, b.Dataset,
		b.Zone
	s.Layers, s.ExpectEvery, s.TrustLogsource, s.Auto = b.Layers, b.ExpectEvery, b.TrustLogsource, false
	if b.Version != 0 {
		s.Version = b.Version
	}
	return s
}

func (h *sources) add(ctx context.Context, k *call, in *bodyIn[sourceBody]) (*SourceItem, error) {
	s, err := h.inventory.CreateSource(ctx, k.Actor, in.Body.apply(soc.Source{}))
	if err != nil {
		return nil, err
	}
	item := sourceItem(s, h.bySource(), h.names())
	return &item, nil
}

func (h *sources) change(ctx context.Context, k *call, in *idBodyIn[sourceBody]) (*SourceItem, error) {
	old, err := h.visibleSource(k, in.ID)
	if err != nil {
		return nil, err
	}
	s, err := h.inventory.UpdateSource(ctx, k.Actor, in.Body.apply(old))
	if err != nil {
		return nil, err
	}
	item := sourceItem(s, h.bySource(), h.names())
	return &item, nil
}

func sourceKey(k soc.SourceKey) SourceKey {
	return SourceKey{ID: k.ID, Kind: k.Kind, Label: k.Label, By: k.By, Made: Time(k.Made), Ends: Time(k.Ends), Used: Time(k.Used)}
}

func (h *sources) issueKey(ctx context.Context, k *call, in *idBodyIn[keyBody]) (*SourceKeyMade, error) {
	s, err := h.visibleSource(k, in.ID)
	if err != nil {
		return nil, err
	}
	follow := time.Duration(-1)
	if in.Body.Follow != nil {
		follow = time.Duration(*in.Body.Follow) * time.Hour
	}
	m, err := h.keys.IssueKey(ctx, k.Actor, s.ID, in.Body.Label, follow)
	if err != nil {
		return nil, err
	}
	return &SourceKeyMade{Key: sourceKey(m.Key), Secret: m.Secret, APIKey: m.APIKey, URL: m.URL, Uses: orEmpty(m.Uses)}, nil
}

func (h *sources) revokeKey(ctx context.Context, k *call, in *keyIn) (*Done, error) {
	s, err := h.visibleSource(k, in.ID)
	if err != nil {
		return nil, err
	}
	if err := h.keys.RevokeKey(ctx, k.Actor, s.ID, in.Key); err != nil {
		return nil, err
	}
	return &Done{true}, nil
}

// stopMost bounds a planned stop (own).
const stopMost = 7 * 24 * time.Hour

func (h *sources) stop(ctx context.Context, k *call, in *idBodyIn[stopBody]) (*SourceItem, error) {
	s, err := h.visibleSource(k, in.ID)
	if err != nil {
		return nil, err
	}
	now := h.clock().UnixMilli()
	if until := int64(in.Body.Until); until != 0 && (until <= now || until > now+stopMost.Milliseconds()) {
		return nil, wrongField("stop_too_long", "until")
	}
	if in.Body.Version != s.Version {
		return nil, conflictOf(s.ID)
	}
	s.StoppedUntil = int64(in.Body.Until)
	k.Actor.Name = strings.TrimSpace(k.Actor.Name)
	next, err := h.inventory.UpdateSource(ctx, k.Actor, s)
	if err != nil {
		return nil, err
	}
	if h.audit != nil {
		action := "source.stop"
		if in.Body.Until == 0 {
			action = "source.resume"
		}
		if err := h.audit.Record(ctx, soc.Deed{Actor: k.Actor, Action: action, Object: s.ID, Result: "done",
			Reason: in.Body.Reason}); err != nil {
			return nil, err
		}
	}
	item := sourceItem(next, h.bySource(), h.names())
	return &item, nil
}

// conflictOf is used where the console itself finds that something changed meanwhile.
func conflictOf(id string) error {
	return &soc.Problem{Status: http.StatusConflict, Code: "changed_meanwhile", Detail: "Someone changed this meanwhile.",
		Values: map[string]string{"id": id}}
}

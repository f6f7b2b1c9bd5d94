package console

import (
	"context"
	"slices"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

// intake is what is known of what the sources sent, and of when nothing is known.
type intake struct {
	*desk
	readings Readings
	ledger   Ledger
}

// gaps are the bars without anything behind them: before the first event ever received, and those in which the ledger counted
// nothing at all from the scope's sources (it has minutes for 8 days). A bar that holds something is never one.
func (h *intake) gaps(ctx context.Context, p prepared, step int64, holds map[int64]bool) ([]Span, error) {
	now := h.clock().UnixMilli()
	systemOf := map[string]string{}
	for _, s := range h.inventory.Sources() {
		systemOf[s.ID] = s.System
	}
	in := func(source string) bool { return p.scope.All || slices.Contains(p.scope.Systems, systemOf[source]) }
	first := now // nothing is known from before it
	for _, r := range h.readings.Readings() {
		if r.FirstEvent > 0 && in(r.Source) {
			first = min(first, r.FirstEvent)
		}
	}
	kept, checked := now, int64(0) // what the ledger can speak of
	got := map[int64]bool{}
	if step >= time.Minute.Milliseconds() && p.to-p.from <= (8*24*time.Hour).Milliseconds() {
		sum, err := h.ledger.Summary(ctx)
		if err != nil {
			return nil, err
		}
		if sum.Kept > 0 {
			kept, checked = sum.Kept, sum.LastMinute+time.Minute.Milliseconds()
			rows, err := h.ledger.Rows(ctx, p.from, min(p.to, now), "")
			if err != nil {
				return nil, err
			}
			for _, r := range rows {
				if r.Received > 0 && in(r.Source) {
					got[r.Minute/step] = true
				}
			}
		}
	}
	var out []Span
	for start := p.from / step * step; start < min(p.to, now); start += step {
		before := start+step <= first
		silent := start >= kept && start+step <= checked && !got[start/step]
		if holds[start] || (!before && !silent) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].To == Time(start) {
			out[n-1].To = Time(start + step)
			continue
		}
		out = append(out, Span{Time(start), Time(start + step)})
	}
	return out, nil
}

// missingSources are those that the search could find events of, and whose last event lies before the range or that have never sent. One
// whose system, name or host the search rules out is none of its affair. Of the sample set nothing is missing: its events are a
// recording; of a retired one nothing is expected.
func (h *intake) missingSources(p prepared) ([]Ref, error) {
	asked, err := query.Compile(p.node)
	if err != nil {
		return nil, err
	}
	related := func(s soc.Source) bool {
		known, e := []ecs.Field{ecs.SourceID}, &ecs.Event{Source: s.ID, System: s.System}
		if s.System != "" { // else each event's host or network decides
			known = append(known, ecs.SystemID)
		}
		if s.Host != "" {
			known = append(known, ecs.HostName)
			e.AddString(ecs.HostName, s.Host)
		}
		return asked.Can(e, known...)
	}

	last := map[string]int64{}
	for _, r := range h.readings.Readings() {
		last[r.Source] = r.LastEvent
	}
	var out []Ref
	for _, s := range h.inventory.Sources() {
		if !s.Demo && s.Retired == 0 && sourceIn(p.scope, s) && last[s.ID] < p.from && len(out) < 50 && related(s) {
			out = append(out, Ref{s.ID, s.Name})
		}
	}
	return out, nil
}

// bySource is what is known of each source now.
func (h *intake) bySource() map[string]soc.Reading {
	out := map[string]soc.Reading{}
	for _, r := range h.readings.Readings() {
		out[r.Source] = r
	}
	return out
}

// lastBySystem is the newest receipt of any source of each system.
func (h *intake) lastBySystem() map[string]int64 {
	out := map[string]int64{}
	systemOf := map[string]string{}
	for _, s := range h.inventory.Sources() {
		systemOf[s.ID] = s.System
	}
	for _, r := range h.readings.Readings() {
		if id := systemOf[r.Source]; id != "" {
			out[id] = max(out[id], r.LastEvent)
		}
	}
	return out
}

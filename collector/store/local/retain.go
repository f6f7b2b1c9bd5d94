package local

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"hoalu/collector/store"
)

// mostAway is what a time without any receipt counts for at most in the age of what was received before it.
const mostAway = 3 * 24 * time.Hour

// ages says how old what was received on a day is, in days: those on which this store received, with at most mostAway for a time in which
// it received nothing. Events are deleted by that and not by the clock alone: a clock that is set years ahead, while the appliance runs or
// before it starts, would make everything past its retention at once, and nothing could bring it back. What is received under a wrong clock
// is behind such a time too. An appliance that was off keeps its events longer by as much as it was off.
func ages(files []*file, now time.Time) func(day time.Time) time.Duration {
	today := now.UTC().Truncate(24 * time.Hour)
	days := []time.Time{today}
	for _, f := range files {
		if d := received(f); d.Before(today) {
			days = append(days, d)
		}
	}
	slices.SortFunc(days, func(a, b time.Time) int { return b.Compare(a) }) // newest first
	age := map[time.Time]time.Duration{today: 0}
	for i, d := range days[1:] {
		if newer := days[i]; !d.Equal(newer) {
			age[d] = age[newer] + min(newer.Sub(d), mostAway)
		}
	}
	return func(day time.Time) time.Duration { return age[day] }
}

// received is the day of a file's newest receipt.
func received(f *file) time.Time {
	return time.UnixMilli(max(f.Created, 0)).UTC().Truncate(24 * time.Hour)
}

// Retain implements store.Store: it unlinks files whose newest receipt is older (ages) than the policy keeps.
func (s *Store) Retain(ctx context.Context, policy store.Policy) ([]store.Removed, error) {
	s.compacting.Lock()
	defer s.compacting.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	v := s.view()
	defer s.release(v)
	age := ages(v.files, s.cfg.Now())
	c := &compaction{s: s, ctx: ctx, replaced: map[*file]bool{}}
	type verdict struct {
		days int
		hold bool
	}
	asked := map[[2]string]verdict{}
	sums := map[[2]string]*store.Removed{}
	for _, f := range v.files {
		k := [2]string{f.System, f.Day}
		p, ok := asked[k]
		if !ok {
			p.days, p.hold = policy(f.System, f.Day)
			asked[k] = p
		}
		if p.hold || p.days <= 0 {
			continue
		}
		if age(received(f)) <= time.Duration(p.days)*24*time.Hour {
			continue
		}
		c.replaced[f] = true
		if sums[k] == nil {
			sums[k] = &store.Removed{System: f.System, Day: f.Day}
		}
		sums[k].Events += f.Rows
		sums[k].Bytes += f.Bytes
	}
	if len(c.replaced) == 0 {
		return nil, nil
	}
	// The first level is not touched: the manifest keeps its position.
	only := *v
	only.level0 = nil
	if err := c.commit(&only); err != nil {
		return nil, fmt.Errorf("delete what is past its retention: %w", err)
	}
	out := make([]store.Removed, 0, len(sums))
	for _, r := range sums {
		out = append(out, *r)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].System < out[j].System || out[i].System == out[j].System && out[i].Day < out[j].Day
	})
	return out, nil
}

// Usage implements store.Store. Bytes of the first level are shared out by events.
func (s *Store) Usage(ctx context.Context) (held []store.Usage, partial []string, err error) {
	v := s.view()
	defer s.release(v)
	sums := map[[2]string]*store.Usage{}
	at := func(system, d string) *store.Usage {
		k := [2]string{system, d}
		if sums[k] == nil {
			sums[k] = &store.Usage{System: system, Day: d}
		}
		return sums[k]
	}
	for _, f := range v.files {
		u := at(f.System, f.Day)
		u.Events += f.Rows
		u.Bytes += f.Bytes
		u.Files++
	}
	for _, seg := range v.level0 {
		for _, b := range seg.Blocks {
			u := at(b.System, "")
			u.Events += int64(b.Events)
			u.Bytes += int64(b.Length + b.FilterLen)
		}
	}
	for _, m := range v.mems {
		for _, e := range m.events {
			at(e.System, "").Events++
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	out := make([]store.Usage, 0, len(sums))
	for _, u := range sums {
		out = append(out, *u)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].System < out[j].System || out[i].System == out[j].System && out[i].Day < out[j].Day
	})
	return out, slices.Clone(v.damaged), nil
}

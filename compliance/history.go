package compliance

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"time"

	"hoalu/compliance/facts"
	"hoalu/compliance/internal/db"
	"hoalu/soc"
)

// keep compares the results of a round with those of the round before, writes what differs into the history in one transaction and
// makes them the present ones. Nothing is made present whose writing failed.
func (s *Service) keep(ctx context.Context, f facts.Facts, results map[string]Result) error {
	s.mu.RLock()
	c := change{system: f.System.ID, now: f.Now, old: s.now[f.System.ID], confirmed: s.confirmed[f.System.ID]}
	written := s.written[f.System.ID]
	s.mu.RUnlock()
	due := f.Now-written >= refreshEvery || f.Now < written // set back
	c.compare(results, due)
	if !c.empty() {
		if err := s.state.Tx(ctx, func(tx *sql.Tx) error { return s.write(ctx, tx, &c) }); err != nil {
			return fmt.Errorf("write posture of %s: %w", f.System.ID, err)
		}
	}
	s.mu.Lock()
	s.now[f.System.ID], s.confirmed[f.System.ID] = c.next, f.Now
	if due {
		s.written[f.System.ID] = f.Now
	}
	s.mu.Unlock()
	if len(c.changed)+len(c.gone) > 0 && s.hooks.Notify != nil {
		s.hooks.Notify(soc.Notice{Topic: "posture", ID: f.System.ID, Version: f.Now, System: f.System.ID})
	}
	return nil
}

// change is what a round found different of one system.
type change struct {
	system         string
	now, confirmed int64             // Unix ms: of this round and of the one before, 0 when there was none
	old, next      map[string]Result // by control

	unseen    []Result // intervals of the time nobody computed, which end now
	changed   []Result // intervals that begin
	refreshed []Result // intervals that go on and whose measures are written again
	gone      []string // controls whose policy is not there any more
}

func (c *change) empty() bool { return len(c.unseen)+len(c.changed)+len(c.refreshed)+len(c.gone) == 0 }

// compare sets next and what differs; due says that measures of intervals that go on are to be written again.
func (c *change) compare(results map[string]Result, due bool) {
	c.next = make(map[string]Result, len(results))
	gap := c.confirmed > 0 && c.now-c.confirmed > tooLong
	for id, r := range results {
		was, had := c.old[id]
		if gap && had && concluded(was.State) {
			was = c.notComputed(id, was)
			c.unseen = append(c.unseen, was)
		}
		if r.State == soc.Unknown && r.LastKnown == "" && had {
			if r.LastKnown = was.State; was.State == soc.Unknown {
				r.LastKnown = was.LastKnown
			}
		}
		r.Since, r.From = min(was.Since, c.now), was.From
		switch {
		case !had || was.State != r.State:
			r.Since, r.From = c.now, max(c.now, was.From+1)
			c.changed = append(c.changed, r)
		case was.Score != r.Score || was.Policy != r.Policy || !slices.Equal(reasons(was), reasons(r)):
			r.From = max(c.now, was.From+1)
			c.changed = append(c.changed, r)
		case due:
			c.refreshed = append(c.refreshed, r)
		}
		c.next[id] = r
	}
	for id := range c.old {
		if _, ok := results[id]; !ok {
			c.gone = append(c.gone, id)
		}
	}
	sort.Slice(c.changed, func(i, j int) bool { return c.changed[i].Control < c.changed[j].Control })
}

// notComputed is the interval from the last round until now: nobody computed the control, so what it was then is not known to hold.
func (c *change) notComputed(id string, was Result) Result {
	u := Result{Finding: soc.Finding{System: c.system, Control: id, State: soc.Unknown, Since: max(c.confirmed, was.From+1),
		Computed: c.confirmed, LastKnown: was.State,
		Policy: was.Policy, Because: []soc.Because{{Code: "computation_stale"}}, Evidence: was.Evidence}, Score: min(was.Score, 1)}
	u.From = u.Since
	return u
}

// write brings a change into the history and records it as a deed of the product.
func (s *Service) write(ctx context.Context, tx *sql.Tx, c *change) error {
	q := db.New(tx)
	details := map[string]string{}
	for _, u := range c.unseen {
		var until int64                              // 0: it is unknown now for the same reason
		if r := c.next[u.Control]; r.From > u.From { // what follows begins where this ends
			until = r.From
		}
		if err := start(ctx, q, u, until); err != nil {
			return err
		}
	}
	for _, r := range c.changed {
		if err := start(ctx, q, r, 0); err != nil {
			return err
		}
		before := "-"
		if was, ok := c.old[r.Control]; ok {
			before = string(was.State)
		}
		if before != string(r.State) {
			details[r.Control] = before + " → " + string(r.State)
		}
	}
	for _, r := range c.refreshed {
		because, evidence := texts(r)
		if err := q.RefreshInterval(ctx, db.RefreshIntervalParams{SystemID: r.System, Control: r.Control, Because: because, Evidence: evidence,
			Computed: r.Computed}); err != nil {
			return err
		}
	}
	for _, id := range c.gone {
		if err := q.EndInterval(ctx, db.EndIntervalParams{SystemID: c.system, Control: id, Until: max(c.now, c.old[id].From+1)}); err != nil {
			return err
		}
		details[id] = string(c.old[id].State) + " → -"
	}
	if len(c.unseen) > 0 {
		details["not_computed"] = time.UnixMilli(c.confirmed).UTC().Format(time.RFC3339) + "/" + time.UnixMilli(c.now).UTC().Format(time.RFC3339)
	}
	if len(details) == 0 || s.hooks.Record == nil {
		return nil
	}
	return s.hooks.Record(ctx, tx, soc.Deed{Time: c.now, Actor: soc.Machine, Action: "posture.change", Object: c.system, Result: "done",
		Details: details})
}

// start ends the open interval of r's control where r begins, and writes r.
func start(ctx context.Context, q *db.Queries, r Result, until int64) error {
	because, evidence := texts(r)
	if err := q.EndInterval(ctx, db.EndIntervalParams{SystemID: r.System, Control: r.Control, Until: r.From}); err != nil {
		return err
	}
	return q.StartInterval(ctx, db.StartIntervalParams{SystemID: r.System, Control: r.Control, Since: r.From, Until: until,
		State: string(r.State), LastKnown: string(r.LastKnown),
		Score: int64(r.Score), Because: because, Evidence: evidence, Policy: r.Policy, Computed: r.Computed, StateSince: r.Since})
}

// reasons is what must differ for a new interval: codes and names. A measure (days, hours, milliseconds) may drift within one.
func reasons(r Result) []string {
	var out []string
	for _, b := range r.Because {
		out = append(out, b.Code)
		for _, k := range slices.Sorted(maps.Keys(b.Values)) {
			if _, err := strconv.ParseFloat(b.Values[k], 64); err != nil {
				out = append(out, k, b.Values[k])
			}
		}
	}
	return out
}

func texts(r Result) (because, evidence string) {
	b, _ := json.Marshal(r.Because)
	e, _ := json.Marshal(r.Evidence)
	return string(b), string(e)
}

func fromRow(row db.PostureInterval) (Result, error) {
	r := Result{Finding: soc.Finding{System: row.SystemID, Control: row.Control, State: soc.PostureState(row.State), Since: row.StateSince,
		Until:    row.Until,
		Computed: row.Computed, LastKnown: soc.PostureState(row.LastKnown), Policy: row.Policy}, Score: int(row.Score), From: row.Since}
	if r.Since == 0 {
		r.Since = r.From
	}
	if err := errors.Join(json.Unmarshal([]byte(row.Because), &r.Because), json.Unmarshal([]byte(row.Evidence), &r.Evidence)); err != nil {
		return r, fmt.Errorf("read posture of %s %s: %w", row.SystemID, row.Control, err)
	}
	return r, nil
}

// History returns the intervals of one control of a system, newest first.
func (s *Service) History(ctx context.Context, system, control string, most int) ([]Result, error) {
	rows, err := db.New(s.state.Read()).History(ctx, db.HistoryParams{SystemID: system, Control: control, Limit: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("read posture of %s: %w", system, err)
	}
	return fromRows(rows)
}

// Between returns the intervals of a system that overlap [from, to), for an evidence pack.
func (s *Service) Between(ctx context.Context, system string, from, to int64) ([]Result, error) {
	rows, err := db.New(s.state.Read()).Between(ctx, db.BetweenParams{SystemID: system, Since: from, Until: to})
	if err != nil {
		return nil, fmt.Errorf("read posture of %s: %w", system, err)
	}
	return fromRows(rows)
}

func fromRows(rows []db.PostureInterval) ([]Result, error) {
	out := make([]Result, 0, len(rows))
	for _, row := range rows {
		r, err := fromRow(row)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// ForgetAll removes systems with their history (sample systems when the demo set goes).
func (s *Service) ForgetAll(ctx context.Context, systems []string) error {
	s.round.Lock() // a round that has their facts already would write them anew
	defer s.round.Unlock()
	err := s.state.Tx(ctx, func(tx *sql.Tx) error {
		for _, id := range systems {
			if err := db.New(tx).RemoveSystem(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove posture: %w", err)
	}
	s.mu.Lock()
	for _, id := range systems {
		delete(s.now, id)
	}
	s.mu.Unlock()
	return nil
}

package app

import (
	"context"
	"strings"
	"time"

	"hoalu/collector/ledger"
	"hoalu/collector/pipeline"
	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/soc"
	"hoalu/triage"
)

// detectReader is the name under which detection keeps its position in the state database.
const detectReader = "detect"

// runBack starts the readers of the queue and everything behind them.
func (a *App) runBack(g *group) {
	g.run("ledger", a.ledger.Run)
	g.run("health", a.health.Run)
	g.run("event store", a.store.Run)
	g.run("free space of the disk", a.disk.Run)
	g.run("store reader", func(ctx context.Context) error {
		return a.hub.Follow(ctx, "store", a.store.Position()+1, a.keep)
	})
	g.run("ledger reader", func(ctx context.Context) error {
		return a.hub.Follow(ctx, "ledger", a.ledger.Position()+1, a.account)
	})
	g.run("detect reader", a.detectLoop)
	g.run("inventory", a.inventory.Run)
	g.run("purge", a.purgeLoop)
	g.run("systems of sources", a.systems.Run)
	g.run("national link", a.national.Run)
	g.run("posture", a.posture.Run)
	g.run("evidence log", a.evidence.Run)
	g.run("comparison of the evidence log", a.evidence.RunComparison)
	g.run("accounts", a.accounts.Run)
}

// keep is the store's reader.
func (a *App) keep(ctx context.Context, d *pipeline.Decoded) error {
	if err := a.quarantine.Add(d.Quarantined); err != nil {
		return err
	}
	if err := a.store.Append(ctx, store.Block{Epoch: d.Epoch, First: d.Seq - d.Missing, Last: d.Seq, Events: d.Events, Outcomes: quarantineOutcomes(d.Outcomes)}); err != nil {
		return err
	}
	a.applied.Store(d.Seq)
	return nil
}

func quarantineOutcomes(in []pipeline.Outcome) []store.Outcome {
	var out []store.Outcome
	for _, o := range in {
		if len(o.Quarantined) > 0 {
			out = append(out, store.Outcome{Source: o.Source, Minute: o.Minute, Quarantined: o.Quarantined})
		}
	}
	return out
}

// account is the ledger's reader: it counts what is durable and tells health how each source is doing.
func (a *App) account(ctx context.Context, d *pipeline.Decoded) error {
	var frames int64
	counts := make([]ledger.Count, 0, len(d.Outcomes))
	for _, o := range d.Outcomes {
		n := o.Events
		for _, q := range o.Quarantined {
			n += q
		}
		frames += n
		counts = append(counts, ledger.Count{Source: o.Source, Minute: o.Minute, N: n})
	}
	if err := a.ledger.Received(ctx, d.Seq, frames, counts); err != nil {
		return err
	}
	a.counted.Store(d.Seq)
	if d.Seq > a.observed {
		a.observed = d.Seq
		a.rate.add(a.health.Events(d.Events))
	}
	return nil
}

// detectLoop is detection's reader. It begins behind the last snapshot of the correlations and applies nothing up to the position
// its alerts were written with, so that a restart neither loses nor doubles a hit.
func (a *App) detectLoop(ctx context.Context) error {
	cp, err := a.triage.Position(ctx, detectReader)
	if err != nil {
		return err
	}
	q := a.queue.State()
	from, reached := uint64(1), q.Reached(cp.Epoch, cp.Seq)
	if reached == cp.Seq { // else correlations saw batches that are not in this stream: they begin anew
		if len(cp.Snapshot) > 0 {
			if err := a.engine.Restore(cp.Snapshot); err != nil {
				a.log.Error("correlation state not restored; correlations count anew from here", "error", err)
			}
		}
		from = cp.SnapshotSeq + 1
		a.snapshotted.Store(cp.SnapshotSeq)
	}
	cp.Seq = reached
	a.detected.Store(max(from-1, cp.Seq)) // until there is more, it is not behind
	epoch := q.Epoch()                    // not the batch's own: a damaged one has none
	var written, snapped time.Time
	return a.hub.Follow(ctx, detectReader, from, func(ctx context.Context, d *pipeline.Decoded) error {
		hits := a.engine.Process(d.Events)
		a.engine.Mark(d.Seq)
		if d.Seq <= cp.Seq {
			return nil // its alerts are written; the correlations needed to see it again, and a snapshot now would not be kept
		}
		if len(hits) == 0 && time.Since(written) < time.Second {
			a.detected.Store(d.Seq)
			return nil
		}
		var snapshot []byte
		if time.Since(snapped) >= a.cfg.Detections.Snapshot {
			snapshot = a.engine.Snapshot()
		}
		firings := a.firings(ctx, d, hits)
		pos := triage.Position{Reader: detectReader, Epoch: epoch, Seq: d.Seq}
		// The batch has been processed: it is the writing that is tried again, never the processing, or hits would count twice.
		for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
			_, err := a.triage.Apply(ctx, pos, firings, snapshot)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			a.log.Error("write alerts; detection waits", "error", err)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(wait):
			}
		}
		a.detected.Store(d.Seq) // whoever waits for it finds its alerts
		written = time.Now()
		if snapshot != nil {
			snapped = written
			a.snapshotted.Store(d.Seq)
		}
		return nil
	})
}

// firings joins each hit of a batch with its rule, its event and what made it fire.
func (a *App) firings(ctx context.Context, d *pipeline.Decoded, hits []soc.Hit) []triage.Firing {
	if len(hits) == 0 {
		return nil
	}
	byID := make(map[string]*ecs.Event, len(hits))
	for _, h := range hits {
		byID[h.Event] = nil
	}
	for _, e := range d.Events {
		if _, want := byID[e.ID]; want {
			byID[e.ID] = e
		}
	}
	snap := a.inventory.Snapshot()
	out := make([]triage.Firing, 0, len(hits))
	for _, h := range hits {
		rule, _ := a.engine.Rule(h.Rule)
		e := byID[h.Event]
		var unread *soc.Condition
		if e == nil {
			e, unread = eventOf(ctx, a.store, h.Event)
		}
		sys, _ := snap.System(h.System)
		trace := a.engine.ExplainHit(h, e)
		if unread != nil {
			a.log.Error("the event of a hit cannot be read; its alert says so", "rule.id", h.Rule, "event.id", h.Event, "error.message", unread.Got)
			trace = append(trace, *unread)
		}
		if note, ok := a.noted(e); ok {
			trace = append(trace, note)
		}
		out = append(out, triage.Firing{Hit: h, Rule: rule, Event: e, Trace: trace, Unit: sys.Unit, Level: sys.Level, Exposure: sys.Placement})
	}
	return out
}

// eventOf reads the event of a hit that is not in the hit's batch. Where it cannot be read the alert is made all the same, as nobody may
// miss it, with a line that says which event is not readable now and why: it is looked for again whenever the alert is opened.
func eventOf(ctx context.Context, events interface {
	Get(ctx context.Context, ids []string) ([]*ecs.Event, error)
}, id string) (*ecs.Event, *soc.Condition) {
	got, err := events.Get(ctx, []string{id})
	if err == nil && len(got) == 1 {
		return got[0], nil
	}
	cause := "it is not stored"
	if err != nil {
		cause = err.Error()
	}
	return nil, &soc.Condition{Op: "note", Field: ecs.EventID.Name(), Want: "event_unread", Got: cause, Matched: true, Values: map[string]string{"event": id, "reason": cause}}
}

// noted is what one of the product's own events says, as data: its message is English, and people read the alert in their language.
func (a *App) noted(e *ecs.Event) (soc.Condition, bool) {
	if e == nil || e.Source != a.selfFeed.ID {
		return soc.Condition{}, false
	}
	c := soc.Condition{Op: "note", Field: ecs.EventAction.Name(), Want: e.Text(ecs.EventAction), Got: e.Text(ecs.Message), Matched: true, Values: map[string]string{}}
	for i := range e.Len() {
		f, v := e.At(i)
		if k, ok := strings.CutPrefix(f.Name(), "hoalu.about."); ok {
			c.Values[k] = v.Text
		}
	}
	return c, true
}

// purgeLoop removes from the queue what every reader is past.
func (a *App) purgeLoop(ctx context.Context) error {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		// 0 of any: a reader that has kept nothing yet needs all that is there.
		upTo := min(a.store.Position(), a.ledger.Position(), a.intake.Position(), a.snapshotted.Load())
		if upTo == 0 {
			continue
		}
		if err := a.queue.Purge(ctx, upTo); err != nil && ctx.Err() == nil {
			a.log.Warn("purge queue", "error", err)
		}
	}
}

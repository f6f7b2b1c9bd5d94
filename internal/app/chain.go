package app

import (
	"context"
	"time"

	"hoalu/collector/health"
	"hoalu/collector/ledger"
	"hoalu/collector/pipeline"
	"hoalu/collector/store"
	"hoalu/detections"
	"hoalu/ecs/wire"
	"hoalu/internal/lifecycle"
)

// runBack starts the readers of the queue and everything behind them.
func (a *App) runBack(g *lifecycle.Group) {
	g.Run("ledger", a.ledger.Run)
	g.Run("health", a.health.Run)
	g.Run("parts", a.parts.Run)
	g.Run("event store", a.store.Run)
	g.Run("free space of the disk", a.disk.Run)
	g.Run("store reader", func(ctx context.Context) error {
		return a.hub.Follow(ctx, "store", a.store.Position()+1, a.keep)
	})
	g.Run("ledger reader", func(ctx context.Context) error {
		return a.hub.Follow(ctx, "ledger", a.ledger.Position()+1, a.account)
	})
	g.Run("detect reader", a.leases.Alone("detect", a.detect))
	g.Run("inventory", a.inventory.Run)
	g.Run("purge", a.purgeLoop)
	g.Run("systems of sources", a.systems.Run)
	g.Run("national link", a.leases.Alone("national", a.national.Run))
	g.Run("posture", a.leases.Alone("posture", a.posture.Run))
	g.Run("evidence log", a.leases.Alone("evidence_log", a.evidence.Run))
	g.Run("comparison of the evidence log", a.evidence.RunComparison)
	g.Run("accounts", a.accounts.Run)
}

// keep is the store's reader.
func (a *App) keep(ctx context.Context, d *pipeline.Decoded) error {
	if err := a.quarantine.Add(d.Quarantined); err != nil {
		return err
	}
	if err := a.store.Append(ctx, store.Block{Epoch: d.Epoch, First: d.Seq - d.Missing, Last: d.Seq, Events: d.Events,
		Outcomes: quarantineOutcomes(d.Outcomes)}); err != nil {
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
		n := o.Frames()
		frames += n
		counts = append(counts, ledger.Count{Source: o.Source, Minute: o.Minute, N: n})
	}
	if err := a.ledger.Received(ctx, d.Seq, frames, counts); err != nil {
		return err
	}
	a.counted.Store(d.Seq)
	if d.Seq > a.observed {
		a.observed = d.Seq
		a.rate.Add(a.health.Events(d.Events))
	}
	return nil
}

// detect is detection's reader of the queue.
func (a *App) detect(ctx context.Context) error {
	q := a.queue.State()
	from, err := a.detector.Begin(ctx, q.Epoch(), q.Reached)
	if err != nil {
		return err
	}
	return a.hub.Follow(ctx, detections.ReaderName, from,
		func(ctx context.Context, d *pipeline.Decoded) error { return a.detector.Read(ctx, d.Seq, d.Events) })
}

// detectDirectly makes the alerts of one of the product's own events that the queue does not take now. It is decoded as from the queue.
func (a *App) detectDirectly(ctx context.Context, f wire.Frame) error {
	d, err := a.pipeline.Decode(&wire.Batch{Listener: health.Listener, Revision: a.revision(), Frames: []wire.Frame{f}}, 0)
	if err != nil {
		return err
	}
	return a.detector.Direct(ctx, d.Events)
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
		upTo := min(a.store.Position(), a.ledger.Position(), a.intake.Position(), a.detector.Snapshotted())
		if upTo == 0 {
			continue
		}
		if err := a.queue.Purge(ctx, upTo); err != nil && ctx.Err() == nil {
			a.log.Warn("purge queue", "error", err)
		}
	}
}

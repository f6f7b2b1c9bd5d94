package national

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"hoalu/national/internal/db"
)

func (d *destination) beatLoop(ctx context.Context) {
	tick := time.NewTicker(d.cfg.Heartbeat)
	defer tick.Stop()
	for {
		switch err := d.beat(ctx); {
		case errors.Is(err, ErrNoEndpoint):
			d.beaten(0, nil) // also after a heartbeat that was under way when it was removed
		case err != nil && ctx.Err() == nil:
			d.log.Warn("heartbeat not accepted", "destination", d.id, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-d.beatc:
		case <-tick.C:
		}
	}
}

// beaten notes how a heartbeat went.
func (d *destination) beaten(at int64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.mute, d.muteError = 0, nil
	default:
		if d.mute == 0 {
			d.mute = at
		}
		d.muteError = err
	}
}

func (d *destination) beat(ctx context.Context) error {
	l, a, err := d.link(ctx)
	if err != nil {
		return err
	}
	b, ok := a.(Beater)
	if !ok {
		return nil // nothing is claimed of the link between reports
	}
	var sum Summary
	if err := d.counts(ctx, db.New(d.state.Read()), &sum); err != nil {
		return err
	}
	bctx, cancel := context.WithTimeout(ctx, d.cfg.Timeout)
	defer cancel()
	sent := now()
	_, beatErr := guarded(d.log, l.Channel, func() (struct{}, error) { return struct{}{}, b.Heartbeat(bctx, l, sent, sum.Waiting) })
	if beatErr != nil {
		beatErr = trouble(beatErr, l)
	}
	if ctx.Err() == nil {
		d.beaten(sent, beatErr)
	}
	err = d.state.Tx(ctx, func(tx *sql.Tx) error {
		if beatErr != nil {
			return db.New(tx).SetHeartbeat(ctx, db.SetHeartbeatParams{ID: d.id, Sent: sent, Answer: clip(beatErr.Error())})
		}
		return db.New(tx).SetHeartbeatOK(ctx, db.SetHeartbeatOKParams{ID: d.id, Sent: sent})
	})
	d.notify("heartbeat")
	return errors.Join(beatErr, err)
}

package national

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"hoalu/national/internal/db"
)

func (s *Service) beatLoop(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Heartbeat)
	defer tick.Stop()
	for {
		if err := s.beat(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrNoEndpoint) {
			s.log.Warn("heartbeat not accepted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.beatc:
		case <-tick.C:
		}
	}
}

// beaten notes how a heartbeat went.
func (s *Service) beaten(at int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.mute, s.muteError = 0, ""
	default:
		if s.mute == 0 {
			s.mute = at
		}
		s.muteError = err.Error()
	}
}

func (s *Service) beat(ctx context.Context) error {
	l, a, err := s.link(ctx)
	if err != nil {
		return err
	}
	b, ok := a.(Beater)
	if !ok {
		return nil // nothing is claimed of the link between reports
	}
	sum, err := s.Summary(ctx)
	if err != nil {
		return err
	}
	bctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	sent := now()
	beatErr := b.Heartbeat(bctx, l, sent, sum.Waiting)
	if beatErr != nil {
		beatErr = trouble(beatErr, l)
	}
	if ctx.Err() == nil {
		s.beaten(sent, beatErr)
	}
	err = s.state.Tx(ctx, func(tx *sql.Tx) error {
		if beatErr != nil {
			return db.New(tx).SetHeartbeat(ctx, db.SetHeartbeatParams{Sent: sent, Answer: clip(beatErr.Error())})
		}
		return db.New(tx).SetHeartbeatOK(ctx, sent)
	})
	s.notify("heartbeat")
	return errors.Join(beatErr, err)
}

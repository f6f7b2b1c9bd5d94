package console

import (
	"context"
	"sync"
	"time"
)

// tallies keeps each system's posture in figures for 5 s: the list and the overview ask for all of them.
type tallies struct {
	posture  Posture
	clock    func() time.Time
	controls func() map[string]Control // of the catalogue, which is one for the life of the process

	mu   sync.Mutex
	kept map[string]keptTally
}

type keptTally struct {
	at    int64
	tally Tally
	err   error
}

func (h *tallies) of(ctx context.Context, system string) (Tally, error) {
	now := h.clock().UnixMilli()
	h.mu.Lock()
	t, ok := h.kept[system]
	h.mu.Unlock()
	if ok && now-t.at < 5000 && now >= t.at {
		return t.tally, t.err
	}
	v, err := h.posture.Tally(ctx, system)
	if ctx.Err() != nil {
		return v, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept[system] = keptTally{now, v, err}
	return v, err
}

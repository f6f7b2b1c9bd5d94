package health

import (
	"context"
	"fmt"
	"time"

	"hoalu/ecs/wire"
	"hoalu/internal/guarded"
)

// directEvery is how often the notes that wait are looked at while intake refuses.
const directEvery = time.Second

// frame is a note as intake takes it. Its id is the same each time, so that a note that Direct has taken is not another event when Put
// takes it too.
func (m *Monitor) frame(n Note, at int64) wire.Frame {
	return wire.Frame{Source: m.cfg.Source, Received: m.cfg.Now().UnixMilli(), Format: wire.FormatJSON,
		ID: fmt.Sprintf("note-%s-%d", m.run, n.serial), Trust: true, Data: n.document(at)}
}

// tellDirectly hands the notes that wait for intake to Direct while intake refuses, in order and each once, until ctx ends.
func (m *Monitor) tellDirectly(ctx context.Context) {
	tick := time.NewTicker(directEvery)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if m.cfg.Ready == nil || m.cfg.Ready() == nil {
			continue
		}
		m.mu.Lock()
		notes, stamps := m.notes, m.stamps
		m.mu.Unlock()
		for i, n := range notes {
			if n.serial <= m.told {
				continue
			}
			err := guarded.Do(m.log, "direct way of alerts", func() error { return m.cfg.Direct(ctx, m.frame(n, stamps[i])) })
			if err != nil {
				if !failed && ctx.Err() == nil { // once for each stretch of failures
					m.log.Error("tell of a note while intake refuses; it is tried again", "event.action", n.Action, "error.message", err.Error())
				}
				failed = true
				break
			}
			m.told, failed = n.serial, false // this goroutine's alone
		}
	}
}

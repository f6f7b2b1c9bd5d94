package app

import (
	"context"
	"time"

	"hoalu/collector/health"
	"hoalu/internal/lang"
	"hoalu/internal/wording"
)

// watchParts lists what /readyz, the status bar and the alerts about the appliance itself tell of.
func (a *App) watchParts() {
	plain := func(f func() error) func(context.Context) error { return func(context.Context) error { return f() } }
	a.parts = health.NewParts(a.log, a.health.Emit, lang.BothOf,
		health.Part{Name: "state", Ready: a.state.Ready},
		health.Part{Name: "leases", Ready: plain(a.leases.Ready), Grace: time.Minute}, // that of a process that died falls free
		health.Part{Name: "queue", Ready: plain(func() error { return a.queue.State().Err })},
		health.Part{Name: "event_store", Ready: a.store.Ready},
		health.Part{Name: "ledger", Ready: plain(a.ledger.Ready)},
		health.Part{Name: "evidence_log", Ready: plain(a.evidence.Taking)},
		health.Part{Name: "evidence_compared", Ready: plain(a.evidence.Altered), Known: a.evidence.WasCompared},
		health.Part{Name: "evidence_apart", Ready: plain(a.evidence.Kept)},
		health.Part{Name: "posture", Ready: plain(a.posture.Ready)},
		health.Part{Name: "national_link", Ready: a.national.Ready},
		health.Part{Name: "clock", Ready: plain(a.health.Clock), Known: a.health.ClockKnown},
		health.Part{Name: "pipeline", Ready: plain(a.hub.Ready)},
		health.Part{Name: "detections", Ready: plain(a.detectionsReady), Grace: 5 * time.Minute}) // a backlog after a start is worked off
}

// detectionsReady is nil while rules see events as they come.
func (a *App) detectionsReady() error {
	if last, seen := a.queue.State().Last, a.detector.Detected(); last > seen+1000 {
		return wording.New("detection is %d batches behind; it catches up by itself when the load falls", last-seen)
	}
	return a.engine.Ready()
}

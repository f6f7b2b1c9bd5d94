// Package health says of each source how it is doing: silence, thinning, a skewed clock and a format that stopped parsing are
// found within minutes and named with their cause (promise 5), and what the product finds out about itself becomes an event
// through intake like any other (decision 18).
//
// Words: a Reading is what is known of a source now; its State is one of soc.Source…; its Cause is a stable code that the
// console words. Usual is the source's own rate of events a minute, learnt.
//
// Contract: all methods are safe for concurrent use and none blocks but Run. State survives a restart in one small file.
package health

import (
	"context"
	"log/slog"
	"time"

	"hoalu/ecs/wire"
	"hoalu/soc"
)

// Causes of a Reading, stable codes.
const (
	CauseNoConnection     = "no_connection"      // nothing from its address, no connection open
	CauseConnectedNoData  = "connected_no_data"  // a connection is open and nothing comes over it
	CauseNeverConnected   = "never_connected"    // not one event since it was made known
	CauseListenerDown     = "listener_down"      // our own listener does not run
	CausePlannedStop      = "planned_stop"       // an administrator said so
	CauseRateLow          = "rate_below_usual"   // thin
	CauseClockAhead       = "clock_ahead"        // skewed
	CauseClockBehind      = "clock_behind"       // skewed
	CauseFormatChanged    = "format_changed"     // garbled: what parsed before does not
	CauseQueueFull        = "queue_full"         // we refuse
	CauseDiskLow          = "disk_below_reserve" // we refuse
	CauseSensorHeartbeats = "sensor_no_traffic"  // the sensor's accounts arrive, its records do not
)

// Actions of the product's own events (event.action).
const (
	SourceSilent    = "source_silent"
	SourceThin      = "source_thin"
	SourceSkewed    = "source_clock_skewed"
	SourceGarbled   = "source_garbled"
	SourceRecovered = "source_recovered"
	LedgerImbalance = "ledger_imbalance"
	ClockJump       = "clock_jump"
	DiskLow         = "disk_low"
	DiskRecovered   = "disk_recovered"
	QueueHole       = "queue_hole"
	SensorGap       = "sensor_gap"
	SensorLoss      = "sensor_loss"
)

// Sample is what the pipeline saw of a source in one queue message or more.
type Sample struct {
	Source   string
	Received int64 // newest receipt, Unix ms
	Events   int64
	Unparsed int64 // of Events
	OffsetMS int64 // event time minus receipt, median of the sample; only when Timed
	Timed    bool
}

// Config of a Monitor.
type Config struct {
	// Path of the state file; "" keeps nothing.
	Path string
	// Put hands the product's own events to intake (listener "self").
	Put func(ctx context.Context, listener string, frames []wire.Frame) error
	// Sources lists what is known of the sources: planned stops, expected interval, kind, address, sensor. May be nil.
	Sources func() []soc.Source
	// Connected says whether a peer address or sensor has a connection open now. May be nil.
	Connected func(peer string) bool
	// Ready says why intake refuses now, nil when it does not. May be nil.
	Ready func() error
	// OnChange is told of each Reading whose State or Cause changed. May be nil.
	OnChange func(soc.Reading)
	// Source is the NG- number the product's own events carry; "" lets the pipeline find it.
	Source string

	Every      time.Duration    // of the look at all sources; 0: 15 s
	MinSilence time.Duration    // least silence that counts; 0: 2 min
	MaxSkew    time.Duration    // 0: 5 min
	Now        func() time.Time // nil: the real one
}

// Monitor watches the sources. New it, Run it.
type Monitor struct{}

// New reads the state file and makes a Monitor.
func New(cfg Config, log *slog.Logger) (*Monitor, error) { return &Monitor{}, nil }

// Run looks at every source and at the clock, and emits events on changes, until ctx ends.
func (m *Monitor) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Observe takes what the pipeline saw.
func (m *Monitor) Observe(samples ...Sample) {}

// Readings lists every source known, by id.
func (m *Monitor) Readings() []soc.Reading { return nil }

// Reading is one of them; State never when unknown.
func (m *Monitor) Reading(source string) soc.Reading { return soc.Reading{} }

// Note is one of the product's own events.
type Note struct {
	Action  string // event.action
	Source  string // about this source, "" none
	System  string
	Message string // one line, English; the rule words the alert
	Level   string // log.level: info, warning, error
	Values  map[string]string
}

// Emit writes a Note through intake; it does not block: notes wait in a bounded list while the queue is down.
func (m *Monitor) Emit(n Note) {}

// Imbalance emits a ledger row that does not balance; ledger.Config.OnImbalance fits it.
func (m *Monitor) Imbalance(r soc.LedgerRow) {}

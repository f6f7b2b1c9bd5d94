package detections

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"hoalu/ecs"
	"hoalu/soc"
)

// ReaderName is the name under which detection keeps its position.
const ReaderName = "detect"

// Alerts writes what detection found.
type Alerts interface {
	// Position is the checkpoint of a reader, the zero one when it never wrote.
	Position(ctx context.Context, reader string) (soc.Checkpoint, error)
	// Apply writes the alerts of a batch, the position and, where not nil, the snapshot of the correlations in one transaction.
	Apply(ctx context.Context, p soc.Position, firings []soc.Firing, snapshot []byte) ([]soc.Alert, error)
}

// Events are those that are stored.
type Events interface {
	Get(ctx context.Context, ids []string) ([]*ecs.Event, error)
}

// ReaderConfig is what a Reader works with; all of it is needed.
type ReaderConfig struct {
	Engine   *Engine
	Alerts   Alerts
	Events   Events
	System   func(id string) soc.System // of the inventory; the zero one when it is not known
	Own      string                     // source id of the product's own events
	Snapshot time.Duration              // between two snapshots of the correlations
}

// Reader takes the batches of the queue in order and writes the alerts of their events. It begins behind the last snapshot of the
// correlations and applies nothing up to the position its alerts were written with, so that a restart neither loses nor doubles a hit.
//
// Contract: Begin, then Read from one goroutine; the positions may be asked from any.
type Reader struct {
	c   ReaderConfig
	log *slog.Logger

	epoch            string // of the queue, not of a batch: a damaged one has none
	applied          uint64 // what came up to here was written before the start
	written, snapped time.Time

	matched uint64    // the last batch that was processed, and what was found in it
	hits    []soc.Hit // until its alerts are written

	detected, snapshotted atomic.Uint64
}

// NewReader makes a Reader.
func NewReader(c ReaderConfig, log *slog.Logger) *Reader {
	return &Reader{c: c, log: log.With("component", "detections")}
}

// Detected is the last sequence that was processed and whose alerts are written.
func (r *Reader) Detected() uint64 { return r.detected.Load() }

// Snapshotted is the last sequence in a kept snapshot of the correlations; the queue may forget what is up to there. 0: none.
func (r *Reader) Snapshotted() uint64 { return r.snapshotted.Load() }

// Begin restores the correlations and says from which sequence of the queue of that epoch on Read wants to see batches. reached says of a
// position how far it counts in this queue.
func (r *Reader) Begin(ctx context.Context, epoch string, reached func(epoch string, seq uint64) uint64) (from uint64, err error) {
	cp, err := r.c.Alerts.Position(ctx, ReaderName)
	if err != nil {
		return 0, err
	}
	again := r.detected.Load() > 0 // after its lease was lost in this life of the process
	r.epoch, r.applied, from = epoch, reached(cp.Epoch, cp.Seq), 1
	r.matched, r.hits = 0, nil
	if r.applied == cp.Seq { // else correlations saw batches that are not in this stream: they begin anew
		if len(cp.Snapshot) > 0 {
			if err := r.c.Engine.Restore(cp.Snapshot); err != nil {
				r.log.Error("correlation state not restored; correlations count anew from here", "error.message", err.Error())
			} else {
				again = false
			}
		}
		from = cp.SnapshotSeq + 1
		r.snapshotted.Store(cp.SnapshotSeq)
	}
	if again {
		return 0,
			errors.New("detection lost its lease and finds no state of the correlations to go back to; what is in memory would count twice, so the program must start anew")
	}
	r.detected.Store(max(from-1, r.applied)) // all before has been read already: with nothing new in the queue, detection is up to date
	return from, nil
}

// Read processes the events of one batch and returns when its alerts are written, or with ctx's error.
func (r *Reader) Read(ctx context.Context, seq uint64, events []*ecs.Event) error {
	// A batch on which what follows fails is handed out again. It is processed once, or its hits would count twice in the correlations.
	if seq != r.matched {
		r.hits = r.c.Engine.Process(events)
		r.c.Engine.Mark(seq)
		r.matched = seq
	}
	hits := r.hits
	if seq <= r.applied {
		return nil // its alerts are written; the correlations needed to see it again, and a snapshot now would not be kept
	}
	if len(hits) == 0 && time.Since(r.written) < time.Second {
		r.detected.Store(seq)
		return nil
	}
	var snapshot []byte
	if time.Since(r.snapped) >= r.c.Snapshot {
		snapshot = r.c.Engine.Snapshot()
	}
	firings := r.firings(ctx, events, hits)
	pos := soc.Position{Reader: ReaderName, Epoch: r.epoch, Seq: seq}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		_, err := r.c.Alerts.Apply(ctx, pos, firings, snapshot)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r.log.Error("write alerts; detection waits", "error.message", err.Error())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	r.detected.Store(seq) // whoever waits for it finds its alerts
	r.written = time.Now()
	if snapshot != nil {
		r.snapped = r.written
		r.snapshotted.Store(seq)
	}
	return nil
}

// Direct makes the alerts of events that cannot come through the queue now: what single rules find in them, without correlations and
// without a position. The same events may come through the queue later, with the same ids: a hit counts once. Safe for concurrent use.
func (r *Reader) Direct(ctx context.Context, events []*ecs.Event) error {
	hits := r.c.Engine.Hits(events)
	if len(hits) == 0 {
		return nil
	}
	_, err := r.c.Alerts.Apply(ctx, soc.Position{}, r.firings(ctx, events, hits), nil)
	return err
}

// firings joins each hit of a batch with its rule, its event and what made it fire.
func (r *Reader) firings(ctx context.Context, events []*ecs.Event, hits []soc.Hit) []soc.Firing {
	if len(hits) == 0 {
		return nil
	}
	byID := make(map[string]*ecs.Event, len(hits))
	for _, h := range hits {
		byID[h.Event] = nil
	}
	for _, e := range events {
		if _, want := byID[e.ID]; want {
			byID[e.ID] = e
		}
	}
	out := make([]soc.Firing, 0, len(hits))
	for _, h := range hits {
		rule, _ := r.c.Engine.Rule(h.Rule)
		e := byID[h.Event]
		var unread *soc.Condition
		if e == nil {
			e, unread = eventOf(ctx, r.c.Events, h.Event)
		}
		sys := r.c.System(h.System)
		trace := r.c.Engine.ExplainHit(h, e)
		if unread != nil {
			r.log.Error("the event of a hit cannot be read; its alert says so", "rule.id", h.Rule, "event.id", h.Event, "error.message", unread.Got)
			trace = append(trace, *unread)
		}
		if e != nil && e.Source == r.c.Own {
			trace = append(trace, noted(e))
		}
		out = append(out, soc.Firing{Hit: h, Rule: rule, Event: e, Trace: trace, Unit: sys.Unit, Level: sys.Level, Exposure: sys.Placement})
	}
	return out
}

// eventOf reads the event of a hit that is not in the hit's batch. Where it cannot be read the alert is made all the same, as nobody may
// miss it, with a line that says which event is not readable now and why: it is looked for again whenever the alert is opened.
func eventOf(ctx context.Context, events Events, id string) (*ecs.Event, *soc.Condition) {
	got, err := events.Get(ctx, []string{id})
	if err == nil && len(got) == 1 {
		return got[0], nil
	}
	cause := "it is not stored"
	if err != nil {
		cause = err.Error()
	}
	return nil, &soc.Condition{Op: "note", Field: ecs.EventID.Name(), Want: "event_unread", Got: cause, Matched: true,
		Values: map[string]string{"event": id, "reason": cause}}
}

// noted is what one of the product's own events says, as data: its message is English, and people read the alert in their language.
func noted(e *ecs.Event) soc.Condition {
	c := soc.Condition{Op: "note", Field: ecs.EventAction.Name(), Want: e.Text(ecs.EventAction), Got: e.Text(ecs.Message), Matched: true,
		Values: map[string]string{}}
	for i := range e.Len() {
		f, v := e.At(i)
		if k, ok := strings.CutPrefix(f.Name(), "hoalu.about."); ok {
			c.Values[k] = v.Text
		}
	}
	return c
}

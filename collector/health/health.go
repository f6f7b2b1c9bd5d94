// Package health says of each source how it is doing: silence, thinning, a skewed clock and a format that stopped parsing are
// found within minutes and named with their cause (promise 5), and what the product finds out about itself becomes an event
// through intake like any other (decision 18).
//
// Words: a Reading is what is known of a source now; its State is one of soc.Source…; its Cause is a stable code that the
// console words. Usual is the source's own rate of events a minute, learnt. A Note is one of the product's own events.
//
// A Note becomes one JSON document of logsource product hoalu, service health:
// @timestamp, message, log.level, event.kind, event.module "hoalu", event.dataset "hoalu.health", event.action (SourceSilent …),
// hoalu.about.source, hoalu.about.system, hoalu.about.<value>.
//
// Contract: all methods are safe for concurrent use and none blocks but Run. What is learnt survives a restart in the state database.
// Without traffic through our own fault (queue full, disk low, listener just started) no source is called silent.
package health

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/soc"
	"hoalu/state"
)

// Causes of a Reading, stable codes.
const (
	CauseNoConnection     = "no_connection"      // nothing from its address, no connection open
	CauseConnectedNoData  = "connected_no_data"  // a connection is open and nothing comes over it
	CauseNeverConnected   = "never_connected"    // not one event since it was made known
	CauseExerciseOnly     = "exercise_only"      // not one event but of exercises
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
	SourceNames     = "source_names_spent"
	SourceCounts    = "source_counts_wrong"
	SourceRecovered = "source_recovered"
	LedgerImbalance = "ledger_imbalance"
	ClockJump       = "clock_jump"
	DiskLow         = "disk_low"
	DiskRecovered   = "disk_recovered"
	QueueFull       = "queue_full"
	QueueHole       = "queue_hole"
	StoreRebuilt    = "store_rebuilt"
	SensorGap       = "sensor_gap"
	SensorLoss      = "sensor_loss"
	PartTrouble     = "part_trouble"
	PartRecovered   = "part_recovered"

	SensorCertificate = "sensor_certificate_ends"

	Alive = "alive" // once a minute: the path from intake to the store is open, which its silence denies
)

// Listener is the name notes are put under.
const Listener = "self"

const (
	minute       = int64(60_000)
	hour         = 60 * minute
	day          = 24 * hour
	window       = 60             // minutes of counts kept
	rateOver     = 5              // minutes "now" is taken over
	halfLearnt   = 360            // minutes the usual rate is averaged over
	warm         = 30             // minutes of history before a change of rate or format means anything
	thinBelow    = 0.2            // of the usual rate
	thinUsual    = 5.0            // events a minute; rarer sources are not thin, they are silent or not
	garbledFrom  = 0.5            // share of unparsed in the last minutes
	garbledUsual = 0.2            // share that is usual at most
	garbledLeast = 20             // events
	maxSilence   = 24 * time.Hour // however rare its events, a source that learns its silence is called silent after this
	jump         = 30 * time.Second
	maxNotes     = 1000
	maxSources   = 100_000
	saveEvery    = time.Minute
	lastSave     = 10 * time.Second // most the last one may take when the appliance stops
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

// Note is one of the product's own events.
type Note struct {
	Action  string // event.action
	Source  string // about this source, "" none
	System  string
	Message string // one line, English, for logs and machines; the console words Action and Values
	Level   string // log.level: info, warning, error
	Values  map[string]string

	serial uint64 // in this run of the Monitor
}

// Config of a Monitor.
type Config struct {
	// State is where what is learnt is kept; nil keeps nothing.
	State *state.Document
	// Systems and Hosts take what events prove of their sources (Monitor.Events). May be nil.
	Systems *Systems
	Hosts   *Hosts
	// Put hands the product's own events to intake (listener "self").
	Put func(ctx context.Context, listener string, frames []wire.Frame) error
	// Direct takes one of the product's own events while intake refuses it, so that its alert is made all the same; the event goes through
	// Put as well once it can, with the same id, so that it counts once. It is tried again until it takes the event. May be nil.
	Direct func(ctx context.Context, f wire.Frame) error
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

	Every      time.Duration        // of the look at all sources; 0: 15 s
	MinSilence time.Duration        // least silence that counts; 0: 2 min
	MaxSkew    time.Duration        // 0: 5 min
	Now        func() time.Time     // nil: the real one
	Elapsed    func() time.Duration // a clock that never jumps; nil: the monotonic one
	// Kernel says how far the clock is off by this machine's time service; nil: KernelClock.
	Kernel func() (offset time.Duration, known bool)
}

// Monitor watches the sources. New it, Run it.
type Monitor struct {
	cfg   Config
	log   *slog.Logger
	wake  chan struct{}
	began time.Time

	mu       sync.Mutex
	sources  map[string]*source
	notes    []Note
	stamps   []int64                // when each note was made
	run      string                 // part of the ids of notes: those of another run are others
	serial   uint64                 // of the newest note
	told     uint64                 // serial of the newest note that Direct has taken; of tellDirectly alone
	counts   map[string]*miscounted // by peer: senders of syslog whose octet counts are wrong
	lost     int                    // notes that found no room
	resumed  int64                  // silence counts from here: start, end of a refusal, clock jump
	refusing string                 // cause, "" none
	lastWall time.Time
	lastMono time.Duration
	alive    time.Duration // when Alive was last noted
	jumped   time.Duration // what the wall clock was set by, in all, since it was last taken for right
	jumpedAt time.Duration // when last, on the clock that never jumps
	started  bool          // the jump was found at the start and by what was received before it; the clock was not set since
}

// source is what is known of one; exported fields are kept in the state file.
type source struct {
	First   int64   `json:"first"`
	Last    int64   `json:"last"`
	Total   int64   `json:"total"`
	Usual   float64 `json:"usual"`    // events a minute
	Minutes int64   `json:"minutes"`  // Usual is learnt from
	Learnt  int64   `json:"learnt"`   // minute up to which it is
	Share   float64 `json:"unparsed"` // usual share of unparsed
	Gap     float64 `json:"gap"`      // longest gap between events of late, ms, fading

	State string `json:"state"`
	Cause string `json:"cause"`
	Since int64  `json:"since"`

	Exercised int64 `json:"exercised,omitempty"` // when an event of an exercise came last; such events count nowhere else

	counts  [window]count
	offsets []offset
	beat    int64 // last account of a sensor

	unwatched bool // at the last look: retired or deleted
}

type count struct{ minute, events, unparsed int64 }

type offset struct{ at, ms int64 }

// learnt is what is kept of the sources.
type learnt struct {
	Version int                `json:"version"`
	Sources map[string]*source `json:"sources"`
}

// New reads what was learnt before and makes a Monitor.
func New(ctx context.Context, cfg Config, log *slog.Logger) (*Monitor, error) {
	if cfg.Every <= 0 {
		cfg.Every = 15 * time.Second
	}
	if cfg.MinSilence <= 0 {
		cfg.MinSilence = 2 * time.Minute
	}
	if cfg.MaxSkew <= 0 {
		cfg.MaxSkew = 5 * time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Kernel == nil {
		cfg.Kernel = KernelClock
	}
	m := &Monitor{cfg: cfg, log: log.With("component", "collector/health"), wake: make(chan struct{}, 1), began: time.Now(),
		sources: map[string]*source{}, run: rand.Text()}
	if m.cfg.Elapsed == nil {
		m.cfg.Elapsed = func() time.Duration { return time.Since(m.began) }
	}
	if err := m.load(ctx); err != nil {
		return nil, fmt.Errorf("read state of the sources: %w", err)
	}
	m.lastWall, m.lastMono = cfg.Now(), m.cfg.Elapsed()
	m.alive = m.lastMono - time.Minute
	m.resumed = m.lastWall.UnixMilli()
	for _, s := range m.sources { // what came while we were down nobody counted
		s.Learnt = m.resumed - m.resumed%minute
	}
	m.behindAtStart()
	return m, nil
}

func (m *Monitor) load(ctx context.Context) error {
	if m.cfg.State == nil {
		return nil
	}
	data, err := m.cfg.State.Load(ctx)
	if err != nil || data == nil {
		return err
	}
	var f learnt
	if err := json.Unmarshal(data, &f); err != nil || f.Version != 1 {
		// What it holds is learnt again within the hour: no reason not to start.
		m.log.Warn("state of the sources cannot be read and is learnt anew", "version", f.Version, "error.message", fmt.Sprint(err))
		return nil
	}
	for id, s := range f.Sources {
		if s != nil {
			m.sources[id] = s
		}
	}
	return nil
}

// Run looks at every source and at the clock, and puts notes, until ctx ends.
func (m *Monitor) Run(ctx context.Context) error {
	look, save := time.NewTicker(m.cfg.Every), time.NewTicker(saveEvery)
	defer look.Stop()
	defer save.Stop()
	var putting sync.WaitGroup
	putting.Go(func() { m.putNotes(ctx) })
	if m.cfg.Direct != nil {
		putting.Go(func() { m.tellDirectly(ctx) })
	}
	defer putting.Wait()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastSave)
			defer cancel()
			if err := m.save(last); err != nil {
				return fmt.Errorf("keep state of the sources: %w", err)
			}
			return nil
		case <-look.C:
			m.look()
		case <-save.C:
			if err := m.save(ctx); err != nil && ctx.Err() == nil {
				m.log.Error("keep state of the sources", "error.message", err.Error())
			}
		}
	}
}

func (m *Monitor) get(id string) *source {
	s := m.sources[id]
	if s == nil && len(m.sources) < maxSources {
		s = &source{State: soc.SourceNever, Cause: CauseNeverConnected, Since: m.cfg.Now().UnixMilli()}
		m.sources[id] = s
	}
	return s
}

// Observe takes what the pipeline saw.
func (m *Monitor) Observe(samples ...Sample) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range samples {
		if p.Events <= 0 || p.Source == "" {
			continue
		}
		s := m.get(p.Source)
		if s == nil {
			continue
		}
		if s.First == 0 {
			s.First, s.Learnt = p.Received, p.Received-p.Received%minute
		}
		if p.Received > s.Last {
			if s.Last > 0 {
				from := max(s.Last, m.resumed) // a gap of ours is none of its
				s.Gap = max(s.Gap, float64(p.Received-from))
			}
			s.Last = p.Received
		}
		s.Total += p.Events
		at := p.Received - p.Received%minute
		c := &s.counts[at/minute%window]
		if c.minute < at {
			*c = count{minute: at}
		}
		if c.minute == at {
			c.events += p.Events
			c.unparsed += p.Unparsed
		}
		if p.Timed {
			if s.offsets = append(s.offsets, offset{p.Received, p.OffsetMS}); len(s.offsets) > 32 {
				s.offsets = slices.Delete(s.offsets, 0, len(s.offsets)-32)
			}
		}
	}
}

// Events takes the events of a batch: what they say of how their sources do, which systems, layers and kinds of log they prove, and which
// hosts they are of. It returns how many counted; an exercise is no habit of its source, as its end would count as silence.
func (m *Monitor) Events(events []*ecs.Event) (counted int64) {
	by := map[string]*Sample{}
	offsets := map[string][]int64{}
	hosts := map[string]int64{} // each once: most of a batch are of few
	exercised := map[string]int64{}
	for _, e := range events {
		if e.Has(ecs.HoaluExercise) {
			exercised[e.Source] = max(exercised[e.Source], e.Created)
			continue
		}
		s := by[e.Source]
		if s == nil {
			s = &Sample{Source: e.Source}
			by[e.Source] = s
		}
		s.Events++
		s.Received = max(s.Received, e.Created)
		if e.Has(ecs.HoaluUnparsed) {
			s.Unparsed++
		}
		if told := e.SourceTime(); e.Time != e.Created && !e.Has(ecs.HoaluDemo) && (told != e.Time || !e.Has(ecs.HoaluTimeSuspect)) {
			offsets[e.Source] = append(offsets[e.Source], told-e.Created)
		}
		if s := m.cfg.Systems; s != nil {
			s.seen(e.Source, e.System, s.proof.layerOf(e), s.proof.kindsOf(e), e.Created)
		}
		if host := e.Reporter(); host != "" && m.cfg.Hosts != nil {
			hosts[host] = max(hosts[host], e.Created)
		}
	}
	for host, at := range hosts {
		m.cfg.Hosts.Seen(host, at)
	}
	m.exercised(exercised)
	for id, s := range by {
		if o := offsets[id]; len(o) > 0 {
			slices.Sort(o)
			s.OffsetMS, s.Timed = o[len(o)/2], true
		}
		m.Observe(*s)
		counted += s.Events
	}
	return counted
}

// exercised notes when events of exercises came, so that a source which sent nothing else is not said to have sent nothing at all.
func (m *Monitor) exercised(at map[string]int64) {
	if len(at) == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, at := range at {
		if s := m.get(id); id != "" && s != nil {
			s.Exercised = max(s.Exercised, at)
		}
	}
}

// Beat notes that a sensor told of itself, which it does without traffic as well.
func (m *Monitor) Beat(source string, at int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.get(source); s != nil {
		s.beat = max(s.beat, at)
	}
}

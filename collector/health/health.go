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
// Contract: all methods are safe for concurrent use and none blocks but Run. What is learnt survives a restart in the state database. Without
// traffic through our own fault (queue full, disk low, listener just started) no source is called silent.
package health

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"

	"hoalu/collector/queue"
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
	stamps   []int64 // when each note was made
	run      string  // part of the ids of notes: those of another run are others
	serial   uint64  // of the newest note
	told     uint64  // serial of the newest note that Direct has taken; of tellDirectly alone
	lost     int     // notes that found no room
	resumed  int64   // silence counts from here: start, end of a refusal, clock jump
	refusing string  // cause, "" none
	lastWall time.Time
	lastMono time.Duration
	alive    time.Duration // when Alive was last noted
	jumped   time.Duration // what the wall clock was set by, in all, since it was last taken for right
	jumpedAt time.Duration // when last, on the clock that never jumps
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
	m := &Monitor{cfg: cfg, log: log.With("component", "collector/health"), wake: make(chan struct{}, 1), began: time.Now(), sources: map[string]*source{}, run: rand.Text()}
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
	for _, e := range events {
		if e.Has(ecs.HoaluExercise) {
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
		if m.cfg.Systems != nil {
			m.cfg.Systems.seen(e.Source, e.System, layerOf(e), kindsOf(e), e.Created)
		}
		if host := e.Reporter(); host != "" && m.cfg.Hosts != nil {
			hosts[host] = max(hosts[host], e.Created)
		}
	}
	for host, at := range hosts {
		m.cfg.Hosts.Seen(host, at)
	}
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

// Beat notes that a sensor told of itself, which it does without traffic as well.
func (m *Monitor) Beat(source string, at int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.get(source); s != nil {
		s.beat = max(s.beat, at)
	}
}

// between sums whole minutes [from, to).
func (s *source) between(from, to int64) (events, unparsed int64) {
	for _, c := range s.counts {
		if c.minute >= from && c.minute < to {
			events += c.events
			unparsed += c.unparsed
		}
	}
	return events, unparsed
}

// learn folds whole minutes up to now into what is usual. Minutes of silence or of a refusal of ours are not usual.
func (s *source) learn(now int64, skip bool) {
	to := now - now%minute
	if s.Learnt < to-(window-1)*minute {
		s.Learnt = to - (window-1)*minute
	}
	for ; s.Learnt < to; s.Learnt += minute {
		events, unparsed := s.between(s.Learnt, s.Learnt+minute)
		if skip || s.First == 0 || s.State == soc.SourceSilent && events == 0 {
			continue
		}
		a := max(1/float64(s.Minutes+1), 1.0/halfLearnt)
		s.Minutes++
		s.Usual += a * (float64(events) - s.Usual)
		if events > 0 {
			s.Share += max(a, 1.0/window) * (float64(unparsed)/float64(events) - s.Share)
		}
		s.Gap *= 1 - 1.0/(24*60) // a long gap is forgotten in days
	}
}

// patience is the silence after which a source is called silent.
func (m *Monitor) patience(s *source, known soc.Source) time.Duration {
	if known.ExpectEvery > 0 {
		return max(time.Duration(known.ExpectEvery)*time.Millisecond, m.cfg.Every)
	}
	if s.Total < 10 || s.Minutes < 5 {
		return max(m.cfg.MinSilence, time.Hour) // too young to tell
	}
	p := time.Duration(1.5*s.Gap) * time.Millisecond
	if s.Usual > 0 {
		p = max(p, time.Duration(10*float64(minute)/s.Usual)*time.Millisecond)
	}
	return min(max(p, m.cfg.MinSilence), maxSilence)
}

// judge says how s is doing.
func (m *Monitor) judge(s *source, known soc.Source, now int64) (state, cause string) {
	switch {
	case s.Last == 0:
		return soc.SourceNever, CauseNeverConnected
	case known.StoppedUntil > now && now-s.Last > m.cfg.MinSilence.Milliseconds():
		return soc.SourceSilent, CausePlannedStop
	case m.refusing != "":
		if now-s.Last > m.cfg.MinSilence.Milliseconds() {
			return s.State, m.refusing // ours, not its
		}
	case time.Duration(now-max(s.Last, m.resumed))*time.Millisecond > m.patience(s, known):
		return soc.SourceSilent, m.silence(s, known, now)
	case s.State == soc.SourceSilent && s.Last < m.resumed:
		return s.State, m.silence(s, known, now) // silent before we stopped, and nothing came since
	}
	if off, ok := s.offset(now); ok {
		switch {
		case off > m.cfg.MaxSkew.Milliseconds():
			return soc.SourceSkewed, CauseClockAhead
		case off < -m.cfg.MaxSkew.Milliseconds():
			return soc.SourceSkewed, CauseClockBehind
		}
	}
	to := now - now%minute
	if events, unparsed := s.between(to-10*minute, to+minute); events >= garbledLeast && s.Minutes >= warm {
		share := float64(unparsed) / float64(events)
		if share >= garbledFrom && (s.Share <= garbledUsual || s.State == soc.SourceGarbled) {
			return soc.SourceGarbled, CauseFormatChanged
		}
	}
	if s.Minutes >= warm && s.Usual >= thinUsual && known.StoppedUntil <= now && now-m.resumed > rateOver*minute+minute {
		below := thinBelow
		if s.State == soc.SourceThin {
			below *= 2 // come back clearly before it counts as recovered
		}
		if s.rate(now) < below*s.Usual {
			return soc.SourceThin, CauseRateLow
		}
	}
	return soc.SourceReceiving, ""
}

// rate is the events a minute over the last whole minutes.
func (s *source) rate(now int64) float64 {
	to := now - now%minute
	events, _ := s.between(to-rateOver*minute, to)
	minutes := float64(rateOver)
	if s.First > to-rateOver*minute { // younger than that: the present minute counts as well
		e, _ := s.between(to, to+minute)
		events += e
		minutes = max(1, float64(now-s.First)/float64(minute))
	}
	return float64(events) / minutes
}

// offset is the median of the last ten minutes' offsets.
func (s *source) offset(now int64) (int64, bool) {
	var list []int64
	for _, o := range s.offsets {
		if o.at > now-10*minute {
			list = append(list, o.ms)
		}
	}
	if len(list) < 3 {
		return 0, false
	}
	slices.Sort(list)
	return list[len(list)/2], true
}

// silence names the cause of a silence.
func (m *Monitor) silence(s *source, known soc.Source, now int64) string {
	if known.Sensor != "" {
		switch {
		case now-s.beat < 2*minute:
			return CauseSensorHeartbeats
		case m.cfg.Connected != nil && m.cfg.Connected(known.Sensor):
			return CauseConnectedNoData
		}
		return CauseNoConnection
	}
	if m.cfg.Connected != nil && known.Address != "" {
		addr := known.Address
		if p, err := netip.ParsePrefix(addr); err == nil && p.IsSingleIP() {
			addr = p.Addr().String()
		}
		if m.cfg.Connected(addr) {
			return CauseConnectedNoData
		}
	}
	return CauseNoConnection
}

// look judges every source and the clock, and notes changes.
func (m *Monitor) look() {
	wall, mono := m.cfg.Now(), m.cfg.Elapsed()
	now := wall.UnixMilli()
	known := map[string]soc.Source{}
	if m.cfg.Sources != nil {
		for _, s := range m.cfg.Sources() {
			known[s.ID] = s
		}
	}
	var ready error
	if m.cfg.Ready != nil {
		ready = m.cfg.Ready()
	}
	var changed []soc.Reading
	var notes []Note
	m.mu.Lock()
	if d := wall.Round(0).Sub(m.lastWall.Round(0)) - (mono - m.lastMono); d > jump || d < -jump {
		m.resumed = now
		m.jumps(d, mono)
		notes = append(notes, Note{Action: ClockJump, Level: "warning", Message: fmt.Sprintf("this machine's clock jumped by %s", d.Round(time.Second)),
			Values: map[string]string{"offset_ms": strconv.FormatInt(d.Milliseconds(), 10)}})
	}
	m.lastWall, m.lastMono = wall, mono
	notes = append(notes, m.refusal(ready, now)...)
	if m.cfg.Source != "" && m.refusing == "" && len(m.notes) == 0 && mono-m.alive >= time.Minute {
		// A well appliance has nothing else to say of itself, and would be taken for silent. While notes wait it is not well, and these
		// would take their room.
		m.alive = mono
		notes = append(notes, Note{Action: Alive, Level: "info", Message: "this appliance takes events"})
	}
	for id := range known {
		m.get(id)
	}
	for _, id := range slices.Sorted(maps.Keys(m.sources)) {
		s, k := m.sources[id], known[id]
		s.learn(now, m.refusing != "" || k.StoppedUntil > now)
		state, cause := m.judge(s, k, now)
		// Of what is retired or deleted nobody waits for events: that none come is no news. Back in use, how it does is news again.
		unwatched := m.cfg.Sources != nil && k.ID == ""
		back := s.unwatched && !unwatched
		s.unwatched = unwatched
		if state == s.State && cause == s.Cause && !back {
			continue
		}
		if state != s.State || back {
			if n, ok := m.changed(id, k, s, state, cause, now); ok && !unwatched {
				notes = append(notes, n)
			}
		}
		if state != s.State {
			s.Since = now
		}
		s.State, s.Cause = state, cause
		changed = append(changed, m.reading(id, s, now))
	}
	m.mu.Unlock()
	for _, n := range notes {
		m.Emit(n)
	}
	if m.cfg.OnChange != nil {
		for _, r := range changed {
			m.cfg.OnChange(r)
		}
	}
}

// refusal follows whether intake takes anything; mu is held.
func (m *Monitor) refusal(ready error, now int64) []Note {
	before := m.refusing
	m.refusing = ""
	if ready != nil {
		m.refusing = CauseQueueFull
		if errors.Is(ready, queue.ErrNoSpace) {
			m.refusing = CauseDiskLow
		}
	}
	if m.refusing == before {
		return nil
	}
	m.resumed = now
	switch m.refusing {
	case CauseDiskLow:
		return []Note{{Action: DiskLow, Level: "error", Message: "nothing more is accepted: " + ready.Error()}}
	case CauseQueueFull:
		return []Note{{Action: QueueFull, Level: "error", Message: "nothing more is accepted: " + ready.Error()}}
	}
	return []Note{{Action: DiskRecovered, Level: "info", Message: "events are accepted again", Values: map[string]string{"cause": before}}}
}

// habit is how long a source that registered itself must have sent before its silence is an alert.
const habit = 5 * minute

// changed makes the note of a new state; a planned stop and a first event are none, nor is anything about a sample source, whose
// recorded events end.
func (m *Monitor) changed(id string, k soc.Source, s *source, state, cause string, now int64) (Note, bool) {
	if k.Demo {
		return Note{}, false
	}
	n := Note{Source: id, System: k.System, Level: "warning", Values: map[string]string{"state": state, "cause": cause, "before": s.State,
		"last_event": time.UnixMilli(s.Last).UTC().Format(time.RFC3339)}}
	name := cmp.Or(k.Name, id)
	switch state {
	case soc.SourceSilent:
		if cause == CausePlannedStop || k.Auto && k.ExpectEvery == 0 && s.Last-s.First < habit {
			return Note{}, false // the page says that it is silent; nobody is woken for a sender that sent one burst
		}
		n.Action, n.Message = SourceSilent, fmt.Sprintf("source %s is silent for %s: %s", name, time.Duration(now-s.Last).Round(1)*time.Millisecond, cause)
	case soc.SourceThin:
		n.Values["rate"], n.Values["usual"] = strconv.FormatFloat(s.rate(now), 'f', 0, 64), strconv.FormatFloat(s.Usual, 'f', 0, 64)
		n.Action, n.Message = SourceThin, fmt.Sprintf("source %s sends %.1f events a minute, usual are %.1f", name, s.rate(now), s.Usual)
	case soc.SourceSkewed:
		off, _ := s.offset(now)
		n.Action, n.Message = SourceSkewed, fmt.Sprintf("clock of source %s is off by %s", name, time.Duration(off)*time.Millisecond)
		n.Values["offset_ms"] = strconv.FormatInt(off, 10)
	case soc.SourceGarbled:
		n.Action, n.Message = SourceGarbled, fmt.Sprintf("source %s changed its format: most of its events are no longer understood", name)
	case soc.SourceReceiving:
		if s.State == soc.SourceNever || s.Cause == CausePlannedStop {
			return Note{}, false
		}
		n.Action, n.Level, n.Message = SourceRecovered, "info", fmt.Sprintf("source %s is back to normal", name)
	default:
		return Note{}, false
	}
	return n, true
}

func (m *Monitor) reading(id string, s *source, now int64) soc.Reading {
	r := soc.Reading{Source: id, FirstEvent: s.First, LastEvent: s.Last, State: s.State, Since: s.Since, Cause: s.Cause, Rate: s.rate(now), Usual: s.Usual, Total: s.Total}
	if events, unparsed := s.between(now-hour, now+minute); events > 0 {
		r.Unparsed = float64(unparsed) / float64(events)
	}
	r.OffsetMS, _ = s.offset(now)
	if s.State == soc.SourceNever && s.Last > 0 { // first events, before the next look
		r.State, r.Cause = soc.SourceReceiving, ""
	}
	return r
}

// Readings lists every source known, by id.
func (m *Monitor) Readings() []soc.Reading {
	now := m.cfg.Now().UnixMilli()
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]soc.Reading, 0, len(m.sources))
	for id, s := range m.sources {
		list = append(list, m.reading(id, s, now))
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Source < list[j].Source })
	return list
}

// Reading is one of them; State never when unknown.
func (m *Monitor) Reading(id string) soc.Reading {
	now := m.cfg.Now().UnixMilli()
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.sources[id]; s != nil {
		return m.reading(id, s, now)
	}
	return soc.Reading{Source: id, State: soc.SourceNever, Cause: CauseNeverConnected}
}

// Emit writes a Note through intake; it does not block: notes wait in a bounded list while the queue is down.
func (m *Monitor) Emit(n Note) {
	m.mu.Lock()
	if len(m.notes) < maxNotes {
		m.serial++
		n.serial = m.serial
		m.notes = append(m.notes, n)
		m.stamps = append(m.stamps, m.cfg.Now().UnixMilli())
	} else {
		m.lost++
	}
	m.mu.Unlock()
	select {
	case m.wake <- struct{}{}:
	default:
	}
	level := slog.LevelInfo
	if n.Action == Alive {
		level = slog.LevelDebug
	}
	m.log.Log(context.Background(), level, "note", "event.action", n.Action, "source.id", n.Source, "message", n.Message)
}

// Imbalance emits a ledger row that does not balance; ledger.Config.OnImbalance fits it.
func (m *Monitor) Imbalance(r soc.LedgerRow) {
	num := func(n int64) string { return strconv.FormatInt(n, 10) }
	at := time.UnixMilli(r.Minute).UTC().Format(time.RFC3339)
	m.Emit(Note{Action: LedgerImbalance, Source: r.Source, Level: "error",
		Message: fmt.Sprintf("ledger of source %s at %s is off by %d: received %d, stored %d", r.Source, at, r.Difference(), r.Received, r.Stored),
		Values: map[string]string{"minute": at, "difference": num(r.Difference()), "received": num(r.Received), "stored": num(r.Stored),
			"quarantined": num(r.Quarantined), "rejected": num(r.Rejected), "duplicate": num(r.Duplicate), "dropped": num(r.Dropped)}})
}

// NamesSpent emits that a source has used up its share of new field names; pipeline.Pipeline.NamesSpent fits it.
func (m *Monitor) NamesSpent(source string) {
	m.Emit(Note{Action: SourceNames, Source: source, Level: "warning", Values: map[string]string{"names": strconv.Itoa(ecs.MaxShare)},
		Message: fmt.Sprintf("source %s has used more than %d new field names; further ones are kept under hoalu.overflow", source, ecs.MaxShare)})
}

// putNotes puts notes in order until ctx ends.
func (m *Monitor) putNotes(ctx context.Context) {
	for {
		m.mu.Lock()
		notes, stamps, lost := m.notes, m.stamps, m.lost
		m.mu.Unlock()
		if len(notes) > 0 {
			frames := make([]wire.Frame, len(notes))
			for i, n := range notes {
				frames[i] = m.frame(n, stamps[i])
			}
			err := m.cfg.Put(ctx, Listener, frames)
			if err == nil {
				m.mu.Lock()
				m.notes, m.stamps = slices.Clone(m.notes[len(notes):]), slices.Clone(m.stamps[len(notes):])
				m.lost -= lost
				m.mu.Unlock()
				if lost > 0 {
					m.log.Error("notes were given up: too many waited for the queue", "count", lost)
				}
				continue
			}
			if ctx.Err() == nil {
				m.log.Error("put notes", "error.message", err.Error())
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(2 * time.Second):
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		}
	}
}

// document renders a Note; see the package's documentation.
func (n Note) document(at int64) []byte {
	about := map[string]string{}
	for k, v := range n.Values {
		about[k] = v
	}
	if n.Source != "" {
		about["source"] = n.Source
	}
	if n.System != "" {
		about["system"] = n.System
	}
	data, err := json.Marshal(map[string]any{
		"@timestamp": time.UnixMilli(at).UTC().Format("2006-01-02T15:04:05.000Z"), "message": n.Message, "log": map[string]string{"level": cmp.Or(n.Level, "info")},
		"event": map[string]any{"kind": "event", "module": "hoalu", "dataset": "hoalu.health", "action": n.Action},
		"hoalu": map[string]any{"about": about},
		"sigma": map[string]any{"logsource": map[string]string{"product": "hoalu", "service": "health"}},
	})
	if err != nil { // maps of text always have JSON
		return []byte("{}")
	}
	return data
}

func (m *Monitor) save(ctx context.Context) error {
	if m.cfg.State == nil {
		return nil
	}
	m.mu.Lock()
	data, err := json.Marshal(learnt{1, m.sources})
	m.mu.Unlock()
	if err != nil {
		return err
	}
	return m.cfg.State.Keep(ctx, data)
}

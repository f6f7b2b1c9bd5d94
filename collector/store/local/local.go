// Package local is the event store on this machine's disk: events in Parquet files by system and day, searched without an
// index server.
//
// Words: the memtable holds what is not yet on disk and is searched like the rest. It is sealed into a first-level segment
// (l0/*.hle, level0.go): one contiguous range of the queue, all systems mixed; its rename is the store's position.
// Compaction files first-level segments as <system>/<yyyy-mm-dd>/*.parquet with a token filter beside each (.tok) and
// swaps them in by one rename of MANIFEST, so a crash leaves either the old files or the new ones. A file that MANIFEST does not
// name is not there: what a crash left behind is removed by the next compaction.
//
// Invariants:
//   - an event is in exactly one of memtable, sealing memtable, first level, files; a search looks at one snapshot of the four;
//   - the first level is sorted by sequence without overlap; nothing in it is at or below MANIFEST's position;
//   - sealed bytes never change: a file is read as long as a snapshot names it and unlinked after the last such search.
//
// Days are UTC days of @timestamp, or of receipt where the time is suspect (decision 2); retention goes by receipt.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"hoalu/collector/store"
	"hoalu/ecs"
)

// Config says where events live and when they are sealed and compacted. Zero values take the defaults.
type Config struct {
	Dir           string        // the events/ folder
	SealEvents    int           // seal a first-level segment at so many events (16,384)
	SealBytes     int           // or so many bytes in memory (32 MB)
	SealAge       time.Duration // or this long after its first event (60 s)
	CompactEvery  time.Duration // file first-level segments by system and day this often (1 h)
	CompactEvents int64         // or when they hold so many events (1 M)
	RetainEvery   time.Duration // apply Hooks.Retention this often (1 h)
	Workers       int           // goroutines of one search (GOMAXPROCS)
	FileRows      int           // most events of a filed segment (32,768: 65,536 saves 1 B an event and takes 130 MB more memory)

	Hooks store.Hooks
	Now   func() time.Time // tests; nil is time.Now

	step func(string) error // tests stop the store here
}

func (c *Config) defaults() error {
	if c.Dir == "" {
		return errors.New("event store: the folder (dir) is missing")
	}
	set := func(p *int, v int) {
		if *p <= 0 {
			*p = v
		}
	}
	set(&c.SealEvents, 16384)
	set(&c.SealBytes, 32<<20)
	set(&c.Workers, runtime.GOMAXPROCS(0))
	set(&c.FileRows, 32768)
	for _, d := range []struct {
		p *time.Duration
		v time.Duration
	}{{&c.SealAge, time.Minute}, {&c.CompactEvery, time.Hour}, {&c.RetainEvery, time.Hour}} {
		if *d.p <= 0 {
			*d.p = d.v
		}
	}
	if c.CompactEvents <= 0 {
		c.CompactEvents = 1 << 20
	}
	if c.Hooks.OnSeal == nil {
		c.Hooks.OnSeal = func(store.Segment) {}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.step == nil {
		c.step = func(string) error { return nil }
	}
	return nil
}

// Store implements store.Store on Parquet segments.
type Store struct {
	cfg   Config
	log   *slog.Logger
	cache *fileCache

	trouble troubles

	appending  sync.Mutex // one Append at a time
	compacting sync.Mutex // one Compact or Retain at a time

	mu       sync.Mutex // guards what follows
	active   *memtable
	sealing  *memtable     // being written, or waiting for another try
	writing  chan struct{} // closed when the writer of sealing ends; nil when none runs
	sealErr  error         // why the last try failed
	level0   []*l0         // by number; the slice is replaced, never changed
	files    []*file       // the slice is replaced, never changed
	epoch    string
	appended uint64 // last sequence taken
	position uint64 // last sequence sealed
	next     uint64 // number of the next segment or file
	gens     []*generation
	damaged  []string // first-level segments that cannot be read, for Result.Partial
	filed    manifest // of MANIFEST, without its files; guarded by compacting
	closed   bool
	writers  sync.WaitGroup
}

// memtable is what is not yet on disk. Its slice only grows; a snapshot is a prefix of it.
type memtable struct {
	events      []*ecs.Event
	bytes       int
	min, max    int64 // @timestamp
	given       map[string]bool
	outcomes    map[outcomeKey]*store.Outcome
	first, last uint64
	epoch       string
	born        time.Time
	number      uint64 // of the segment, given when frozen
	any         bool   // a Block was taken, perhaps without events
}

type outcomeKey struct {
	source string
	minute int64
}

func newMemtable() *memtable {
	return &memtable{given: map[string]bool{}, outcomes: map[outcomeKey]*store.Outcome{}}
}

func (m *memtable) outcome(source string, created int64) *store.Outcome {
	k := outcomeKey{source, floorDiv(created, 60_000) * 60_000}
	o := m.outcomes[k]
	if o == nil {
		o = &store.Outcome{Source: source, Minute: k.minute}
		m.outcomes[k] = o
	}
	return o
}

func (m *memtable) list() []store.Outcome {
	out := make([]store.Outcome, 0, len(m.outcomes))
	for _, o := range m.outcomes {
		c := *o
		if o.Quarantined != nil {
			c.Quarantined = map[string]int64{}
			for k, n := range o.Quarantined {
				c.Quarantined[k] = n
			}
		}
		out = append(out, c)
	}
	sort.Slice(out, func(i, j int) bool {
		return out[i].Minute < out[j].Minute || out[i].Minute == out[j].Minute && out[i].Source < out[j].Source
	})
	return out
}

// Open opens or makes the store in cfg.Dir.
func Open(cfg Config, log *slog.Logger) (*Store, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{cfg: cfg, log: log.With("component", "store"), active: newMemtable(), gens: []*generation{{}}, cache: newFileCache()}
	if err := os.MkdirAll(filepath.Join(cfg.Dir, "l0"), 0o750); err != nil {
		return nil, fmt.Errorf("make the folder of the event store: %w", err)
	}
	m, err := readManifest(cfg.Dir)
	if errors.Is(err, errLost) {
		m, err = s.rebuild(err)
	}
	if err != nil {
		return nil, err
	}
	s.damaged = append(s.damaged, m.Damaged...)
	s.epoch, s.appended, s.position, s.next = m.Epoch, m.Position, m.Position, m.Next
	s.filed = manifest{Epoch: m.Epoch, Position: m.Position, Filed: m.Filed, Damaged: m.Damaged}
	for i := range m.Files {
		s.files = append(s.files, newFile(cfg.Dir, m.Files[i]))
	}
	if err := s.openLevel0(m); err != nil {
		return nil, err
	}
	for _, seg := range s.level0 {
		cfg.Hooks.OnSeal(store.Segment{ID: seg.id, First: seg.First, Last: seg.Last, Outcomes: seg.Outcomes})
	}
	return s, nil
}

// rebuild makes MANIFEST anew from the files and keeps a damaged one beside it.
func (s *Store) rebuild(cause error) (*manifest, error) {
	s.log.Error("the list of filed segments is made anew from the segments; this may take minutes", "error", cause)
	b := &rebuild{dir: s.cfg.Dir, log: s.log, cache: s.cache, ids: map[string]map[string]bool{}}
	m, damaged, sum, err := b.run(cause)
	if err != nil {
		return nil, fmt.Errorf("make %s anew: %w; or restore the folder from the backup", filepath.Join(s.cfg.Dir, manifestName), err)
	}
	m.Damaged = damaged
	path := filepath.Join(s.cfg.Dir, manifestName)
	if err := os.Rename(path, path+".damaged"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("set the damaged %s aside: %w", path, err)
	}
	if err := m.write(s.cfg.Dir, s.cfg.step); err != nil {
		return nil, err
	}
	s.log.Warn("the list of filed segments was made anew", "files", sum.Files, "events", sum.Events, "left_out", sum.LeftOut, "set_aside",
		sum.SetAside, "duration", sum.Took.Round(time.Millisecond))
	if s.cfg.Hooks.OnRebuild != nil {
		s.cfg.Hooks.OnRebuild(sum)
	}
	return m, nil
}

// openLevel0 opens the first-level segments MANIFEST does not cover and removes what a crash left.
func (s *Store) openLevel0(m *manifest) error {
	dir := filepath.Join(s.cfg.Dir, "l0")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list first-level segments: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasSuffix(e.Name(), ".tmp") {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("remove an unfinished segment: %w", err)
			}
			continue
		}
		if strings.HasSuffix(e.Name(), ".damaged") {
			s.damaged = append(s.damaged, "l0/"+e.Name()+": set aside as damaged")
		}
		if !strings.HasSuffix(e.Name(), ".hle") {
			continue
		}
		seg, err := openL0(path)
		if errors.Is(err, errDamaged) {
			// Searches name it from now on; its bytes stay for whoever can save something of them.
			s.log.Error("first-level segment is damaged; its events cannot be searched", "file.path", path, "error", err)
			if err := os.Rename(path, path+".damaged"); err != nil {
				return fmt.Errorf("set a damaged segment aside: %w", err)
			}
			s.damaged = append(s.damaged, "l0/"+e.Name()+": "+err.Error())
			var number, first, last uint64
			if _, err := fmt.Sscanf(e.Name(), "%d-%d-%d.hle", &number, &first, &last); err == nil && number >= m.Filed {
				s.next = max(s.next, number+1)
				s.appended, s.position = last, last
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("open first-level segment %s: %w", e.Name(), err)
		}
		if seg.number < m.Filed {
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("remove a filed segment: %w", err)
			}
			continue
		}
		s.level0 = append(s.level0, seg)
	}
	sort.Slice(s.level0, func(i, j int) bool { return s.level0[i].number < s.level0[j].number })
	for _, seg := range s.level0 {
		s.next = max(s.next, seg.number+1)
		s.epoch, s.appended, s.position = seg.Epoch, seg.Last, seg.Last
	}
	return nil
}

// Position implements store.Store.
func (s *Store) Position() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.position
}

// Epoch implements store.Store.
func (s *Store) Epoch() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch
}

// Freshness implements store.Store: the memtable is searched like the rest.
func (s *Store) Freshness() time.Duration { return 0 }

// Append implements store.Store. It blocks while a full memtable is written and the next is full as well.
func (s *Store) Append(ctx context.Context, b store.Block) error {
	s.appending.Lock()
	defer s.appending.Unlock()
	if b.Last < b.First {
		return fmt.Errorf("%w: block ends at %d before it begins at %d", store.ErrOverlap, b.Last, b.First)
	}
	s.mu.Lock()
	closed, epoch, appended, full := s.closed, s.epoch, s.appended, s.full(s.active)
	if epoch == "" && appended > 0 && b.Epoch != "" { // after a rebuild that could not tell; sequences go on in any case
		s.epoch, epoch = b.Epoch, b.Epoch
	}
	newEpoch := b.Epoch != "" && b.Epoch != epoch
	dirty := s.active.any || s.sealing != nil
	s.mu.Unlock()
	switch {
	case closed:
		return store.ErrClosed
	case newEpoch:
		if dirty { // a segment holds one epoch
			if err := s.Seal(ctx); err != nil {
				return err
			}
		}
	case b.Last <= appended:
		return nil
	case b.First <= appended:
		return fmt.Errorf("%w: it begins at %d, stored up to %d", store.ErrOverlap, b.First, appended)
	}
	if full {
		if err := s.rotate(ctx, false); err != nil {
			return err
		}
	}
	now := s.cfg.Now()
	ms := now.UnixMilli()
	list, err := s.take(b.Events, ms)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if newEpoch {
		s.epoch, s.position = b.Epoch, 0
	}
	m := s.active
	if !m.any {
		m.any, m.first, m.epoch, m.born = true, b.First, s.epoch, now
	}
	m.last, s.appended = b.Last, b.Last
	m.add(list)
	m.quarantined(b.Outcomes)
	if s.full(m) && s.sealing == nil {
		s.startSeal()
	}
	return nil
}

// taken is an event of a block that is to be kept, or that was there already.
type taken struct {
	e   *ecs.Event
	dup bool
}

// take marks events of a block as received at ms and finds those whose sender-given id is stored already. It copies their heads alone:
// their values are shared, as nobody changes them any more (store.Block).
func (s *Store) take(events []*ecs.Event, ms int64) ([]taken, error) {
	list := make([]taken, len(events))
	heads := make([]ecs.Event, len(events))
	var fresh map[string]bool // sender-given ids of this block
	for i, e := range events {
		if senderGiven(e.ID) {
			dup := fresh[e.ID]
			if !dup {
				var err error
				if dup, err = s.known(e, list[:i]); err != nil {
					return nil, fmt.Errorf("check event %s for a duplicate: %w", e.ID, err)
				}
				if fresh == nil {
					fresh = map[string]bool{}
				}
				fresh[e.ID] = true
			}
			if dup {
				list[i] = taken{e, true}
				continue
			}
		}
		c := &heads[i]
		*c = *e
		if c.Ingested == 0 {
			c.Ingested = ms
		}
		list[i] = taken{c, false}
	}
	return list, nil
}

// add takes the events of a block, counted by source and minute.
func (m *memtable) add(list []taken) {
	for _, t := range list {
		e := t.e
		o := m.outcome(e.Source, e.Created)
		if t.dup {
			o.Duplicate++
			continue
		}
		o.Stored++
		if len(m.events) == 0 {
			m.min, m.max = e.Time, e.Time
		}
		m.min, m.max = min(m.min, e.Time), max(m.max, e.Time)
		m.bytes += e.Size() + 160
		if senderGiven(e.ID) {
			m.given[e.ID] = true
		}
		m.events = append(m.events, e)
	}
}

// quarantined counts frames of a block that became no event.
func (m *memtable) quarantined(outcomes []store.Outcome) {
	for _, o := range outcomes {
		for reason, n := range o.Quarantined {
			mine := m.outcome(o.Source, o.Minute)
			if mine.Quarantined == nil {
				mine.Quarantined = map[string]int64{}
			}
			mine.Quarantined[reason] += n
		}
	}
}

func (s *Store) full(m *memtable) bool {
	return len(m.events) >= s.cfg.SealEvents || m.bytes >= s.cfg.SealBytes
}

// known reports whether an event with a sender-given id is stored already, or comes again after an upgrade (store.Former); before are
// those of its block. A file is asked when the event's time lies in it, or when it holds events received within a day before this
// one: a sender repeats itself soon, an import repeats the same times.
func (s *Store) known(e *ecs.Event, before []taken) (bool, error) {
	s.mu.Lock()
	if s.active.given[e.ID] || s.sealing != nil && s.sealing.given[e.ID] {
		s.mu.Unlock()
		return true, nil
	}
	former, _ := store.Former(e.ID)
	for _, m := range [...]*memtable{s.active, s.sealing} {
		if former != "" && m != nil && m.given[former] && again(e, former, m.events) {
			s.mu.Unlock()
			return true, nil
		}
	}
	v := s.viewLocked()
	s.mu.Unlock()
	defer s.release(v)
	for _, t := range before {
		if former != "" && t.e.ID == former && store.Again(e, t.e) {
			return true, nil
		}
	}
	for _, seg := range v.level0 {
		if yes, err := seg.hasGiven(e, former); yes || err != nil {
			return yes, err
		}
	}
	return s.filesKnow(v, e, former)
}

// again finds e among events under its former id.
func again(e *ecs.Event, former string, events []*ecs.Event) bool {
	return slices.ContainsFunc(events, func(o *ecs.Event) bool { return o.ID == former && store.Again(e, o) })
}

// Live implements store.Store.
func (s *Store) Live() []store.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := newMemtable()
	for _, m := range []*memtable{s.sealing, s.active} {
		if m == nil {
			continue
		}
		for _, o := range m.outcomes {
			t := sum.outcome(o.Source, o.Minute)
			t.Stored += o.Stored
			t.Duplicate += o.Duplicate
			for r, n := range o.Quarantined {
				if t.Quarantined == nil {
					t.Quarantined = map[string]int64{}
				}
				t.Quarantined[r] += n
			}
		}
	}
	return sum.list()
}

// Run implements store.Store: one loop seals by age, one compacts and applies retention.
func (s *Store) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		s.maintain(ctx)
	}()
	tick := time.NewTicker(min(time.Second, max(s.cfg.SealAge/4, 10*time.Millisecond)))
	defer tick.Stop()
	var wait time.Time
	for {
		select {
		case <-ctx.Done():
			wg.Wait()
			return nil
		case <-tick.C:
		}
		now := time.Now()
		s.mu.Lock()
		due := s.active.any && s.cfg.Now().Sub(s.active.born) >= s.cfg.SealAge || s.sealing != nil && s.writing == nil
		s.mu.Unlock()
		if !due || now.Before(wait) {
			continue
		}
		if err := s.Seal(ctx); err != nil && ctx.Err() == nil {
			wait = now.Add(2 * time.Second) // logged by the writer
		}
	}
}

// maintain compacts and applies retention until ctx ends.
func (s *Store) maintain(ctx context.Context) {
	every := min(time.Second, s.cfg.CompactEvery, s.cfg.RetainEvery)
	tick := time.NewTicker(max(every, 10*time.Millisecond))
	defer tick.Stop()
	compacted, retained := time.Now(), time.Now()
	var wait time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		if now.Before(wait) {
			continue
		}
		var events int64
		s.mu.Lock()
		for _, seg := range s.level0 {
			events += int64(seg.Events)
		}
		segments := len(s.level0)
		s.mu.Unlock()
		if events >= s.cfg.CompactEvents || segments > 0 && now.Sub(compacted) >= s.cfg.CompactEvery {
			err := s.Compact(ctx)
			if ctx.Err() == nil {
				s.trouble.worked("compaction", err)
			}
			if err != nil && ctx.Err() == nil {
				s.log.Error("compaction failed; events stay in the first level and are searchable", "error", err)
				wait = now.Add(30 * time.Second)
				continue
			}
			compacted = time.Now()
		}
		if s.cfg.Hooks.Retention != nil && now.Sub(retained) >= s.cfg.RetainEvery {
			retained = now
			var removed []store.Removed
			err := s.guarded("retention", func() (err error) { removed, err = s.Retain(ctx, s.cfg.Hooks.Retention); return err })
			if ctx.Err() == nil {
				s.trouble.worked("retention", err)
			}
			if err != nil && ctx.Err() == nil {
				s.log.Error("retention failed", "error", err)
			}
			for _, r := range removed {
				s.log.Info("events past their retention deleted", "hoalu.system.id", r.System, "day", r.Day, "events", r.Events, "bytes", r.Bytes)
			}
		}
	}
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.appending.Lock()
	defer s.appending.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	err := s.Seal(context.Background())
	s.writers.Wait()
	s.compacting.Lock()
	defer s.compacting.Unlock()
	if err != nil {
		return fmt.Errorf("seal on close (the queue still has these events): %w", err)
	}
	return nil
}

package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hoalu/collector/queue"
	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
)

// world is a Monitor with a clock of its own.
type world struct {
	*Monitor
	t       *testing.T
	now     time.Time
	mono    time.Duration
	known   []soc.Source
	open    map[string]bool
	ready   error
	changes []string
}

func start(t *testing.T, doc *state.Document, at time.Time) *world {
	t.Helper()
	w := &world{t: t, now: at, open: map[string]bool{}}
	var err error
	w.Monitor, err = New(t.Context(), Config{State: doc, Now: func() time.Time { return w.now },
		Elapsed: func() time.Duration { return w.mono },
		Sources: func() []soc.Source { return w.known }, Connected: func(p string) bool { return w.open[p] },
		Ready:    func() error { return w.ready },
		OnChange: func(r soc.Reading) { w.changes = append(w.changes, r.Source+" "+r.State+" "+r.Cause) }}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// pass lets time go by in steps of 15 s, with perMinute events of each of the sources.
func (w *world) pass(d time.Duration, perMinute int64, make func(*Sample), sources ...string) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(15 * time.Second)
		w.mono += 15 * time.Second
		for _, id := range sources {
			s := Sample{Source: id, Received: w.now.UnixMilli(), Events: perMinute / 4}
			if make != nil {
				make(&s)
			}
			w.Observe(s)
		}
		w.look()
	}
}

func (w *world) actions() []string {
	var list []string
	for _, n := range w.notes {
		list = append(list, n.Action+" "+n.Source)
	}
	w.notes, w.stamps = nil, nil
	return list
}

func (w *world) want(what, id, state, cause string, actions ...string) {
	w.t.Helper()
	if r := w.Reading(id); r.State != state || r.Cause != cause {
		w.t.Errorf("%s: %s is %s %q, want %s %q (%+v)", what, id, r.State, r.Cause, state, cause, r)
	}
	if got := w.actions(); !slices.Equal(got, actions) {
		w.t.Errorf("%s: notes %v, want %v", what, got, actions)
	}
}

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestSilence(t *testing.T) {
	w := start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1", Address: "10.0.0.1/32"}, {ID: "NG-2", Address: "10.0.0.2"}, {ID: "NG-3", Sensor: "s-1"}, {ID: "NG-4"},
		{ID: "NG-5", ExpectEvery: 3_600_000}}
	w.pass(time.Hour, 60, nil, "NG-1", "NG-2", "NG-3", "NG-5")
	w.want("an hour of traffic", "NG-1", soc.SourceReceiving, "")
	w.want("an hour of traffic", "NG-4", soc.SourceNever, CauseNeverConnected)
	if r := w.Reading("NG-1"); r.Rate < 55 || r.Rate > 65 || r.Usual < 50 || r.Usual > 65 || r.Total != 3600 {
		t.Errorf("rates of 60 a minute: %+v", r)
	}
	w.open["10.0.0.2"] = true
	w.Beat("NG-3", w.now.Add(3*time.Minute).UnixMilli())
	w.pass(3*time.Minute, 60, nil, "NG-2")
	w.want("one stopped", "NG-1", soc.SourceSilent, CauseNoConnection, "source_silent NG-1", "source_silent NG-3")
	w.want("a sensor without traffic", "NG-3", soc.SourceSilent, CauseSensorHeartbeats)
	w.want("expected hourly", "NG-5", soc.SourceReceiving, "")
	w.pass(3*time.Minute, 0, nil)
	w.want("connected without data", "NG-2", soc.SourceSilent, CauseConnectedNoData, "source_thin NG-5", "source_silent NG-2")
	w.pass(time.Minute, 60, nil, "NG-1")
	if r := w.Reading("NG-1"); r.State != soc.SourceThin && r.State != soc.SourceReceiving {
		t.Errorf("came back: %+v", r)
	}
	w.actions()
	w.pass(6*time.Minute, 60, nil, "NG-1")
	if got := w.Reading("NG-1"); got.State != soc.SourceReceiving {
		t.Errorf("back for six minutes: %+v", got)
	}
}

// TestSilenceOfNoUse: that a source which was retired sends nothing is no news; back in use, and silent still, it is.
func TestSilenceOfNoUse(t *testing.T) {
	w := start(t, nil, noon)
	all := []soc.Source{{ID: "NG-1"}, {ID: "NG-2"}}
	w.known = all
	w.pass(time.Hour, 60, nil, "NG-1", "NG-2")
	w.known = all[1:]
	w.pass(time.Hour, 0, nil)
	w.want("one retired", "NG-1", soc.SourceSilent, CauseNoConnection, "source_silent NG-2")
	w.known = all
	w.pass(time.Minute, 0, nil)
	w.want("back in use", "NG-1", soc.SourceSilent, CauseNoConnection, "source_silent NG-1")
	w.pass(time.Hour, 0, nil)
	w.want("told once", "NG-1", soc.SourceSilent, CauseNoConnection)
}

func TestPlannedStop(t *testing.T) {
	w := start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1", StoppedUntil: noon.Add(3 * time.Hour).UnixMilli()}}
	w.pass(time.Hour, 60, nil, "NG-1")
	w.pass(time.Hour, 0, nil)
	w.want("planned", "NG-1", soc.SourceSilent, CausePlannedStop)
	w.pass(61*time.Minute, 0, nil)
	w.want("planned stop is over", "NG-1", soc.SourceSilent, CauseNoConnection)
	w.pass(7*time.Minute, 60, nil, "NG-1")
	if r := w.Reading("NG-1"); r.State != soc.SourceReceiving {
		t.Errorf("back: %+v", r)
	}
}

func TestSample(t *testing.T) {
	w := start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1", Demo: true}}
	w.pass(2*time.Hour, 60, nil, "NG-1")
	w.pass(time.Hour, 0, nil)
	w.want("sample events end: seen, and no news", "NG-1", soc.SourceSilent, CauseNoConnection)
}

// TestOneBurst: a sender that registered itself, sent for a minute and went is shown as silent and wakes nobody; one that an
// administrator confirmed, or that had sent for longer, does.
func TestOneBurst(t *testing.T) {
	w := start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1", Auto: true}}
	w.pass(time.Minute, 60, nil, "NG-1")
	w.pass(time.Hour, 0, nil)
	w.want("one burst", "NG-1", soc.SourceSilent, CauseNoConnection)
	w = start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1", Auto: true}}
	w.pass(2*time.Hour, 60, nil, "NG-1")
	w.pass(time.Hour, 0, nil)
	w.want("two hours", "NG-1", soc.SourceSilent, CauseNoConnection, "source_silent NG-1")
}

func TestThin(t *testing.T) {
	w := start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1"}}
	w.pass(2*time.Hour, 400, nil, "NG-1")
	w.pass(8*time.Minute, 4, nil, "NG-1")
	w.want("1 % of the usual", "NG-1", soc.SourceThin, CauseRateLow, "source_thin NG-1")
	w.pass(8*time.Minute, 400, nil, "NG-1")
	w.want("back", "NG-1", soc.SourceReceiving, "", "source_recovered NG-1")
}

func TestSkew(t *testing.T) {
	w := start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1"}}
	w.pass(10*time.Minute, 60, func(s *Sample) { s.Timed, s.OffsetMS = true, -800 }, "NG-1")
	w.want("a little late", "NG-1", soc.SourceReceiving, "")
	w.pass(10*time.Minute, 60, func(s *Sample) { s.Timed, s.OffsetMS = true, 3_600_000 }, "NG-1")
	w.want("an hour ahead", "NG-1", soc.SourceSkewed, CauseClockAhead, "source_clock_skewed NG-1")
	w.pass(12*time.Minute, 60, func(s *Sample) { s.Timed, s.OffsetMS = true, 0 }, "NG-1")
	w.want("right again", "NG-1", soc.SourceReceiving, "", "source_recovered NG-1")
}

func TestGarbled(t *testing.T) {
	w := start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1"}, {ID: "NG-never-parsed"}}
	w.pass(2*time.Hour, 60, nil, "NG-1")
	w.pass(2*time.Hour, 60, func(s *Sample) { s.Unparsed = s.Events }, "NG-never-parsed")
	w.actions()
	w.want("never understood", "NG-never-parsed", soc.SourceReceiving, "")
	w.pass(2*time.Hour, 60, nil, "NG-1")
	w.actions()
	w.pass(8*time.Minute, 60, func(s *Sample) { s.Unparsed = s.Events }, "NG-1")
	w.want("format changed", "NG-1", soc.SourceGarbled, CauseFormatChanged, "source_garbled NG-1")
	if r := w.Reading("NG-1"); r.Unparsed < 0.1 {
		t.Errorf("share of unparsed: %+v", r)
	}
}

func TestOursIsNotTheirs(t *testing.T) {
	w := start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1"}}
	w.pass(time.Hour, 60, nil, "NG-1")
	w.ready = fmt.Errorf("append: %w", queue.ErrNoSpace)
	w.pass(30*time.Minute, 0, nil)
	w.want("disk full", "NG-1", soc.SourceUnknown, CauseDiskLow, "disk_low ")
	w.ready = nil
	w.pass(time.Minute, 60, nil, "NG-1")
	w.want("space again", "NG-1", soc.SourceReceiving, "", "disk_recovered ")

	w.now = w.now.Add(24 * time.Hour) // the wall clock jumps, the other does not
	w.pass(time.Minute, 60, nil, "NG-1")
	w.want("clock jumped", "NG-1", soc.SourceReceiving, "", "clock_jump ")
	w.now = w.now.Add(-24 * time.Hour)
	w.look()
	w.want("and back", "NG-1", soc.SourceReceiving, "", "clock_jump ")
}

// TestRestart: what was learnt is there after a restart, on both databases.
func TestRestart(t *testing.T) { statetest.Each(t, restart) }

func restart(t *testing.T, db *state.DB, reopen func() *state.DB) {
	w := start(t, db.Document("health of sources"), noon)
	known := []soc.Source{{ID: "NG-1"}, {ID: "NG-2"}}
	w.known = known
	w.pass(time.Hour, 60, nil, "NG-1", "NG-2")
	w.pass(10*time.Minute, 60, nil, "NG-2")
	w.want("silent before the restart", "NG-1", soc.SourceSilent, CauseNoConnection, "source_silent NG-1")
	if err := w.save(t.Context()); err != nil {
		t.Fatal(err)
	}
	w = start(t, reopen().Document("health of sources"), w.now.Add(5*time.Hour)) // we were down: that is nobody's silence
	w.known = known
	w.pass(time.Minute, 60, nil, "NG-2")
	w.want("restarted", "NG-2", soc.SourceReceiving, "")
	w.want("still silent", "NG-1", soc.SourceSilent, CauseNoConnection)
	if r := w.Reading("NG-2"); r.Usual < 50 || r.Total < 4000 {
		t.Errorf("what was learnt is forgotten: %+v", r)
	}
	w.pass(10*time.Minute, 0, nil)
	w.want("silent after the restart", "NG-2", soc.SourceSilent, CauseNoConnection, "source_silent NG-2")
}

// TestNothingIsReceivedSinceTheStart: after a stop that is longer than a source's silence may be, nobody knows whether it sends until it
// does; after a short one it is what it was.
func TestNothingIsReceivedSinceTheStart(t *testing.T) {
	db, err := state.Open(t.Context(), state.Config{Path: filepath.Join(t.TempDir(), "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := start(t, db.Document("health of sources"), noon)
	known := []soc.Source{{ID: "NG-1"}, {ID: "NG-2"}}
	w.known = known
	w.pass(time.Hour, 60, nil, "NG-1", "NG-2")
	again := func(after time.Duration) {
		t.Helper()
		if err := w.save(t.Context()); err != nil {
			t.Fatal(err)
		}
		w = start(t, db.Document("health of sources"), w.now.Add(after))
		w.known = known
		w.look()
	}
	again(30 * time.Second)
	w.want("a short stop", "NG-1", soc.SourceReceiving, "")
	again(5 * time.Hour)
	w.want("five hours", "NG-1", soc.SourceUnknown, "")
	w.pass(time.Minute, 60, nil, "NG-2")
	w.want("it sends", "NG-2", soc.SourceReceiving, "")
	w.want("it has sent nothing", "NG-1", soc.SourceUnknown, "")
	w.pass(10*time.Minute, 60, nil, "NG-2")
	w.want("nor ten minutes later", "NG-1", soc.SourceSilent, CauseNoConnection, "source_silent NG-1")
}

func TestNotesArePut(t *testing.T) {
	got := make(chan wire.Frame, 10)
	fail := errors.New("down")
	tries := 0
	m, err := New(t.Context(), Config{Source: "NG-0000", Every: time.Hour, Now: func() time.Time { return noon },
		Put: func(_ context.Context, listener string, frames []wire.Frame) error {
			if tries++; tries == 1 {
				return fail
			}
			for _, f := range frames {
				if listener != Listener {
					t.Errorf("listener %s", listener)
				}
				got <- f
			}
			return nil
		}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m.Imbalance(soc.LedgerRow{Minute: noon.UnixMilli(), Source: "NG-7", Received: 10, Stored: 8})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	f := <-got
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Event struct{ Action, Module string }
		Hoalu struct{ About map[string]string }
		Sigma struct{ Logsource map[string]string }
	}
	if err := json.Unmarshal(f.Data, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Event.Action != LedgerImbalance || doc.Hoalu.About["source"] != "NG-7" || doc.Hoalu.About["difference"] != "2" ||
		doc.Sigma.Logsource["product"] != "hoalu" ||
		f.Source != "NG-0000" || !f.Trust || f.Format != wire.FormatJSON {
		t.Errorf("frame %+v\n%s", f, f.Data)
	}
}

// TestAlive: an appliance that is well says so once a minute, so that its own source is not silent; one that refuses does not.
func TestAlive(t *testing.T) {
	w := start(t, nil, noon)
	w.cfg.Source = "NG-1"
	w.known = []soc.Source{{ID: "NG-1", Kind: soc.SourceSelf, ExpectEvery: 300_000}}
	seen := 0
	minutes := func(n int) {
		for range 4 * n {
			w.pass(15*time.Second, 0, nil)
			for _, a := range w.actions() {
				if a == Alive+" " {
					w.Observe(Sample{Source: "NG-1", Received: w.now.UnixMilli(), Events: 1})
					seen++
				} else {
					t.Errorf("noted %q", a)
				}
			}
		}
	}
	minutes(30)
	if seen != 30 {
		t.Errorf("%d notes in 30 minutes, want one a minute", seen)
	}
	w.want("half an hour without anything else", "NG-1", soc.SourceReceiving, "")
	w.ready = errors.New("full")
	w.pass(10*time.Minute, 0, nil)
	if got := w.actions(); slices.Contains(got, Alive+" ") {
		t.Errorf("alive while refusing: %v", got)
	}
}

// TestAliveTakesNoRoom: notes that the queue does not take keep their room.
func TestAliveTakesNoRoom(t *testing.T) {
	w := start(t, nil, noon)
	w.cfg.Source = "NG-1"
	w.Emit(Note{Action: SourceSilent, Source: "NG-2"})
	w.pass(time.Hour, 0, nil)
	if got := w.actions(); !slices.Equal(got, []string{"source_silent NG-2"}) {
		t.Errorf("waiting after an hour: %v, want the one that waited", got)
	}
}

// TestAClockIsKnownByTimesAlone: a source that tells no time of its own, or told too few, has no known offset; it is not 0.
func TestAClockIsKnownByTimesAlone(t *testing.T) {
	w := start(t, nil, time.UnixMilli(1_795_300_000_000))
	at := w.now.UnixMilli()
	w.Observe(Sample{Source: "NG-1", Events: 5, Received: at})
	for range 2 {
		w.Observe(Sample{Source: "NG-2", Events: 5, Received: at, Timed: true, OffsetMS: 12})
	}
	for _, id := range []string{"NG-1", "NG-2", "NG-9"} {
		if got := w.Reading(id); got.Timed {
			t.Errorf("the clock of %s is said to be %d ms off, which nobody knows", id, got.OffsetMS)
		}
	}
	w.Observe(Sample{Source: "NG-2", Events: 5, Received: at, Timed: true, OffsetMS: 12})
	if got := w.Reading("NG-2"); !got.Timed || got.OffsetMS != 12 {
		t.Errorf("after three times: %+v, want 12 ms, known", got)
	}
}

// TestOnlyExercises: a source whose only events were of exercises has not begun to send, and is not said to have sent nothing.
func TestOnlyExercises(t *testing.T) {
	w := start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1"}, {ID: "NG-2"}}
	event := func(exercise bool) *ecs.Event {
		e := &ecs.Event{Source: "NG-1", Created: w.now.UnixMilli(), Time: w.now.UnixMilli()}
		if exercise {
			e.AddBool(ecs.HoaluExercise, true)
		}
		return e
	}
	w.pass(time.Minute, 0, nil)
	w.want("nothing came", "NG-1", soc.SourceNever, CauseNeverConnected)
	if n := w.Events([]*ecs.Event{event(true)}); n != 0 {
		t.Errorf("%d events of an exercise counted", n)
	}
	w.want("an exercise, before the next look", "NG-1", soc.SourceNever, CauseExerciseOnly)
	w.pass(time.Minute, 0, nil)
	w.want("an exercise", "NG-1", soc.SourceNever, CauseExerciseOnly)
	w.want("an exercise", "NG-2", soc.SourceNever, CauseNeverConnected)
	if want := "NG-1 never exercise_only"; !slices.Contains(w.changes, want) {
		t.Errorf("open consoles were told %v, want %q", w.changes, want)
	}
	w.Events([]*ecs.Event{event(false)})
	w.pass(time.Minute, 0, nil)
	w.want("real work", "NG-1", soc.SourceReceiving, "")
}

// TestWhatWeRefuseIsUnknown: while this appliance takes nothing, no source may be said to be received from; once it takes again, each is
// unknown until it sends or its patience ends, and nobody is told that a source is back which never left.
func TestWhatWeRefuseIsUnknown(t *testing.T) {
	w := start(t, nil, noon)
	w.known = []soc.Source{{ID: "NG-1"}, {ID: "NG-2"}, {ID: "NG-3"}, {ID: "NG-4"}}
	w.pass(time.Hour, 60, nil, "NG-1", "NG-2", "NG-3")
	w.pass(10*time.Minute, 60, nil, "NG-1", "NG-2")
	w.want("before", "NG-3", soc.SourceSilent, CauseNoConnection, "source_silent NG-3")
	w.ready = errors.New("full")
	w.pass(time.Minute, 0, nil)
	w.want("a minute of refusing", "NG-1", soc.SourceReceiving, "", "queue_full ")
	w.pass(30*time.Minute, 0, nil)
	w.want("half an hour of refusing", "NG-1", soc.SourceUnknown, CauseQueueFull)
	w.want("silent before", "NG-3", soc.SourceSilent, CauseQueueFull)
	w.want("never sent", "NG-4", soc.SourceNever, CauseNeverConnected)
	w.ready = nil
	w.pass(time.Minute, 60, nil, "NG-1")
	w.want("sends again", "NG-1", soc.SourceReceiving, "", "disk_recovered ")
	w.want("has sent nothing yet", "NG-2", soc.SourceUnknown, "")
	w.pass(10*time.Minute, 60, nil, "NG-1")
	w.want("never came back", "NG-2", soc.SourceSilent, CauseNoConnection, "source_silent NG-2")
}

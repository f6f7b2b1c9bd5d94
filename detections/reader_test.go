package detections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/fstest"
	"time"

	"hoalu/ecs"
	"hoalu/soc"
)

type stored func(ids []string) ([]*ecs.Event, error)

func (s stored) Get(_ context.Context, ids []string) ([]*ecs.Event, error) { return s(ids) }

// The store's error was dropped, and an alert stood without its event and without a word.
func TestAnAlertSaysThatItsEventWasNotRead(t *testing.T) {
	want := &ecs.Event{ID: "q1"}
	if e, line := eventOf(t.Context(), stored(func([]string) ([]*ecs.Event, error) { return []*ecs.Event{want}, nil }), "q1"); e != want ||
		line != nil {
		t.Errorf("a stored event: %v, %+v", e, line)
	}
	for cause, s := range map[string]stored{
		"events could not all be looked for: l0/1: read: input/output error": func([]string) ([]*ecs.Event, error) {
			return nil, errors.New("events could not all be looked for: l0/1: read: input/output error")
		},
		"it is not stored": func([]string) ([]*ecs.Event, error) { return nil, nil },
	} {
		e, line := eventOf(t.Context(), s, "q7")
		if e != nil || line == nil || line.Op != "note" || line.Want != "event_unread" || line.Got != cause || line.Values["event"] != "q7" ||
			line.Values["reason"] != cause {
			t.Errorf("eventOf with %q: %v, %+v", cause, e, line)
		}
	}
}

// shelf keeps alerts as the state database does; the first panics writes meet a fault of ours, the next fail writes fail.
type shelf struct {
	cp     soc.Checkpoint
	alerts []string // position and event of each firing
	fail   int
	panics int
}

func (s *shelf) Position(context.Context, string) (soc.Checkpoint, error) { return s.cp, nil }
func (s *shelf) Apply(_ context.Context, p soc.Position, firings []soc.Firing, snapshot []byte) ([]soc.Alert, error) {
	if s.panics--; s.panics >= 0 {
		panic("odd row")
	}
	if s.fail--; s.fail >= 0 {
		return nil, errors.New("database is down")
	}
	s.cp.Position = p
	if snapshot != nil {
		s.cp.Snapshot, s.cp.SnapshotSeq = snapshot, p.Seq
	}
	for _, f := range firings {
		s.alerts = append(s.alerts, fmt.Sprint(p.Seq, " ", f.Hit.Event, " ", f.Unit, " ", f.Event != nil))
	}
	return nil, nil
}

// TestReaderLosesAndDoublesNothing: a batch whose alerts could not be written is written later and processed once; after a restart what is
// written is not written again, what is not comes; another life of the queue is read from its beginning.
func TestReaderLosesAndDoublesNothing(t *testing.T) {
	pack := []Pack{{FS: fstest.MapFS{"a.yml": &fstest.MapFile{Data: []byte(
		"title: A\nid: a\nlogsource: {product: app}\nlevel: high\ndetection: {a: {message|contains: tấn}, condition: a}\n")}}}}
	s := &shelf{fail: 2}
	start := func() *Reader {
		g, err := New(Config{Packs: pack}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return NewReader(ReaderConfig{Engine: g, Alerts: s, Events: stored(nil), Own: "NG-0", Snapshot: time.Hour,
			System: func(string) soc.System { return soc.System{Unit: "DV-1"} }}, slog.New(slog.DiscardHandler))
	}
	read := func(r *Reader, seq uint64) {
		t.Helper()
		e := &ecs.Event{ID: fmt.Sprint("q", seq), System: "HT-1"}
		e.AddString(ecs.LogsourceProduct, "app")
		e.AddString(ecs.Message, "tấn công")
		if err := r.Read(t.Context(), seq, []*ecs.Event{e}); err != nil {
			t.Fatal(err)
		}
	}
	in := func(life string) func(string, uint64) uint64 {
		return func(epoch string, seq uint64) uint64 {
			if epoch != life {
				return 0
			}
			return seq
		}
	}
	r := start()
	if from, err := r.Begin(t.Context(), "life 1", in("life 1")); from != 1 || err != nil {
		t.Fatalf("Begin on nothing = %d, %v; want 1", from, err)
	}
	for seq := uint64(1); seq <= 3; seq++ {
		read(r, seq)
	}
	if r.Detected() != 3 || r.Snapshotted() != 1 {
		t.Errorf("detected %d, snapshotted %d; want 3 and 1", r.Detected(), r.Snapshotted())
	}
	r = start()
	from, err := r.Begin(t.Context(), "life 1", in("life 1"))
	if from != 2 || err != nil || r.Detected() != 3 {
		t.Fatalf("Begin after a restart = %d, %v, detected %d; want 2 behind the snapshot, 3", from, err, r.Detected())
	}
	for seq := from; seq <= 4; seq++ {
		read(r, seq)
	}
	if got, want := fmt.Sprint(s.alerts), "[1 q1 DV-1 true 2 q2 DV-1 true 3 q3 DV-1 true 4 q4 DV-1 true]"; got != want {
		t.Errorf("alerts %s, want %s", got, want)
	}
	r = start()
	if from, err := r.Begin(t.Context(), "life 2", in("life 2")); from != 1 || err != nil || r.Detected() != 0 {
		t.Errorf("Begin in another life of the queue = %d, %v, detected %d; want 1 and 0", from, err, r.Detected())
	}

	// A restore gives the same stream a new epoch behind its third batch: the fourth of the old epoch is gone, another one has its
	// sequence. What is up to there has its alerts, in the new epoch too and after another restart; the other fourth batch comes.
	const began = 3 // life 3 goes on behind this batch of life 1
	reached := func(epoch string, seq uint64) uint64 {
		return map[string]uint64{"life 1": min(seq, began), "life 3": seq}[epoch]
	}
	for last := uint64(began); last < began+2; last++ {
		s.alerts = nil
		r = start()
		from, err := r.Begin(t.Context(), "life 3", reached)
		if err != nil || r.Detected() != last {
			t.Fatalf("Begin in a new epoch of the queue = %d, %v, detected %d; want %d detected", from, err, r.Detected(), last)
		}
		for seq := from; seq <= last+1; seq++ {
			read(r, seq)
		}
		if got, want := fmt.Sprint(s.alerts), fmt.Sprintf("[%d q%d DV-1 true]", last+1, last+1); got != want {
			t.Errorf("alerts in the new epoch %s, want %s", got, want)
		}
		if s.cp.Epoch != "life 3" || s.cp.Seq != last+1 {
			t.Errorf("position %s %d, want life 3 %d", s.cp.Epoch, s.cp.Seq, last+1)
		}
	}
}

// TestABatchHandedOutAgainCountsOnce: the pipeline hands a batch out again when a reader panicked on it. Its hits were counted twice.
func TestABatchHandedOutAgainCountsOnce(t *testing.T) {
	rule := func(name string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("title: " + name + "\nid: " + name + "\nname: " + name +
			"\nlogsource: {product: app}\nlevel: high\ndetection: {a: {message|contains: tấn}, condition: a}\n")}
	}
	g, err := New(Config{Packs: []Pack{{FS: fstest.MapFS{"a.yml": rule("a"), "b.yml": rule("b"),
		"often.yml": &fstest.MapFile{Data: []byte("title: often\nid: often\nlevel: high\n" +
			"correlation: {type: event_count, rules: [a], group-by: [host.name], timespan: 1h, condition: {gte: 4}}\n")}}, Origin: "test"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{panics: 1}
	r := NewReader(ReaderConfig{Engine: g, Alerts: s, Events: stored(nil), Own: "NG-0", Snapshot: time.Hour,
		System: func(string) soc.System { return soc.System{Unit: "DV-1"} }}, slog.New(slog.DiscardHandler))
	if _, err := r.Begin(t.Context(), "life 1", func(_ string, seq uint64) uint64 { return seq }); err != nil {
		t.Fatal(err)
	}
	batch := func(seq uint64, events ...string) (err error) {
		var in []*ecs.Event
		for _, id := range events {
			e := &ecs.Event{ID: id, System: "HT-1", Time: 1795300000000, Created: 1795300000000}
			e.SetLogsource("app", "")
			e.AddString(ecs.Message, "tấn công")
			e.AddString(ecs.HostName, "web-01")
			in = append(in, e)
		}
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("%v", v)
			}
		}()
		return r.Read(t.Context(), seq, in)
	}
	if err := batch(1, "q1", "q2"); err == nil || err.Error() != "odd row" {
		t.Fatalf("the first writing: %v", err)
	}
	if err := batch(1, "q1", "q2"); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.alerts), "[1 q1 DV-1 true 1 q2 DV-1 true]"; got != want {
		t.Errorf("alerts %s, want %s", got, want)
	}
	s.alerts = nil
	if err := batch(2, "q3"); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(s.alerts), "[2 q3 DV-1 true]"; got != want {
		t.Errorf("alerts %s, want %s", got, want)
	}
}

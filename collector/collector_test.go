package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"hoalu/collector/ledger"
	"hoalu/collector/queue"
	"hoalu/collector/queue/local"
	"hoalu/ecs/wire"
	"hoalu/state"
	"hoalu/state/statetest"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func openQueue(t *testing.T, cfg local.Config) *local.Queue {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Reserve == 0 {
		cfg.Reserve = 1
	}
	q, err := local.Open(cfg, quiet())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

func openIntake(t *testing.T, opts Options) *Intake {
	t.Helper()
	in, err := NewIntake(t.Context(), opts, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func lines(n int, name string) []wire.Frame {
	f := make([]wire.Frame, n)
	for i := range f {
		f[i] = wire.Frame{Peer: "10.0.0.1", Format: wire.FormatLine, Data: fmt.Appendf(nil, "%s-%d", name, i)}
	}
	return f
}

// stored reads every frame of the queue.
func stored(t *testing.T, q *local.Queue) (batches []*wire.Batch, frames map[string]int) {
	t.Helper()
	frames = map[string]int{}
	size, err := q.Size()
	if err != nil {
		t.Fatal(err)
	}
	for seq := size.First; seq <= q.State().Last; seq++ {
		m, err := q.Read(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		b, err := wire.Decode(m.Data)
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, b)
		for _, f := range b.Frames {
			frames[string(f.Data)]++
		}
	}
	return batches, frames
}

func TestPutGroups(t *testing.T) {
	q := openQueue(t, local.Config{})
	in := openIntake(t, Options{Queue: q, Revision: func() uint64 { return 42 }, Now: func() time.Time { return time.UnixMilli(1234) }})
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			if err := in.Put(t.Context(), "syslog.tcp", lines(1, fmt.Sprint("a", i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Go(func() {
		if err := in.Put(t.Context(), "import", lines(2500, "b")); err != nil {
			t.Error(err)
		}
	})
	all.Wait()
	batches, frames := stored(t, q)
	if len(frames) != 2550 || len(batches) > 25 {
		t.Errorf("%d frames in %d batches, want 2550 in a few", len(frames), len(batches))
	}
	for _, b := range batches {
		if len(b.Frames) > wire.MaxFrames || b.Revision != 42 || b.Frames[0].Received != 1234 || b.Epoch != q.State().Epoch() {
			t.Errorf("batch of %s: %d frames, revision %d, received %d, epoch %q", b.Listener, len(b.Frames), b.Revision, b.Frames[0].Received,
				b.Epoch)
		}
	}
	if s := in.Stats(); s.Frames != 2550 || s.Waiting != 0 {
		t.Errorf("Stats() = %+v", s)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := in.Put(t.Context(), "bulk", lines(1, "late")); !errors.Is(err, queue.ErrClosed) {
		t.Errorf("Put after Close: %v, want ErrClosed", err)
	}
}

func TestPutTooLarge(t *testing.T) {
	q := openQueue(t, local.Config{})
	var counted []ledger.Entry
	in := openIntake(t, Options{Queue: q, MaxFrame: 10, Count: func(e ledger.Entry) { counted = append(counted, e) },
		SourceOf: func(peer string) string { return "NG-" + peer }, Now: func() time.Time { return time.UnixMilli(60_000) }})
	frames := []wire.Frame{{Peer: "p", Data: []byte("0123456789x")}, {Peer: "p", Data: []byte("ok")}, {Source: "NG-2", Data: make([]byte, 99)}}
	if err := in.Put(t.Context(), "bulk", frames); err != nil {
		t.Fatal(err)
	}
	if _, got := stored(t, q); len(got) != 1 || got["ok"] != 1 {
		t.Errorf("stored %v, want ok only", got)
	}
	want := []ledger.Entry{{Source: "NG-p", Minute: 60_000, Kind: ledger.Rejected, Reason: TooLarge, N: 1},
		{Source: "NG-2", Minute: 60_000, Kind: ledger.Rejected, Reason: TooLarge, N: 1}}
	if fmt.Sprint(counted) != fmt.Sprint(want) {
		t.Errorf("counted %v, want %v", counted, want)
	}
}

// A full queue: those who get an answer are refused, those whose sender can wait wait, and all of it arrives once.
func TestPutFull(t *testing.T) {
	q := openQueue(t, local.Config{MaxBytes: 400 << 10})
	in := openIntake(t, Options{Queue: q})
	big := func(name string) []wire.Frame {
		b := []byte(name)
		for x := uint64(len(name)) + 77; len(b) < 100<<10; {
			for _, c := range name {
				x = x*6364136223846793005 + uint64(c) + 1442695040888963407
			}
			b = append(b, byte(x>>56))
		}
		return []wire.Frame{{Data: b}}
	}
	var err error
	n := 0
	for ; err == nil; n++ {
		err = in.Put(t.Context(), "bulk", big(fmt.Sprint("bulk", n)))
	}
	if !errors.Is(err, queue.ErrFull) {
		t.Fatalf("Put of bulk: %v, want ErrFull", err)
	}
	done := make(chan error)
	go func() { done <- in.Put(t.Context(), "syslog.tcp", big("waits")) }()
	select {
	case err := <-done:
		t.Fatalf("Put of syslog.tcp into a full queue returned %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	_, before := stored(t, q)
	if len(before) != n-1 {
		t.Errorf("%d stored, want the %d acknowledged", len(before), n-1)
	}
	if err := q.Purge(t.Context(), q.State().Last); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Put of syslog.tcp after Purge: %v", err)
	}
	if _, got := stored(t, q); len(got) != 1 {
		t.Errorf("%d stored after Purge, want 1", len(got))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	in.opts.Memory = 1
	if !in.room.TryAcquire(defaultMemory) {
		t.Fatal("memory was not given back")
	}
	if err := in.Put(ctx, "syslog.tcp", lines(1, "x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Put without room: %v, want the context's error", err)
	}
}

func TestReserveRefusesAnswered(t *testing.T) {
	q := openQueue(t, local.Config{Reserve: 1 << 60})
	in := openIntake(t, Options{Queue: q})
	if err := in.Put(t.Context(), "bulk", lines(1, "x")); !errors.Is(err, queue.ErrNoSpace) {
		t.Errorf("Put below the reserve: %v, want ErrNoSpace", err)
	}
	if _, err := in.PutSensor(t.Context(), "s", 1, lines(1, "x")); !errors.Is(err, queue.ErrNoSpace) {
		t.Errorf("PutSensor below the reserve: %v, want ErrNoSpace", err)
	}
	if in.SensorPosition("s") != 0 {
		t.Error("a refused batch moved the sensor's position")
	}
}

func TestPutSensorOnce(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		putSensorOnce(t, db.Document("sensor positions"))
	})
}

// TestSensorThatReusesNumbers: a sensor that was cloned or set back sends other records under numbers that were taken. They are stored,
// once each; before, they were answered as durable and thrown away.
func TestSensorThatReusesNumbers(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		q := openQueue(t, local.Config{Dir: t.TempDir()})
		opts := Options{Queue: q, State: db.Document("sensor positions")}
		if err := opts.State.Keep(t.Context(), []byte(`{"version":1,"position":0,"sensors":{"old":{"last":9}}}`)); err != nil {
			t.Fatal(err)
		}
		in := openIntake(t, opts)
		put := func(sensor string, seq uint64, text string, want bool) {
			t.Helper()
			if dup, err := in.PutSensor(t.Context(), sensor, seq, lines(1, text)); err != nil || dup != want {
				t.Errorf("PutSensor(%s, %d, %s) = %v, %v, want duplicate %v", sensor, seq, text, dup, err, want)
			}
		}
		put("old", 9, "x", true) // taken by a version that kept no digests
		put("old", 10, "x", false)
		put("old", 10, "x", true)
		put("old", 10, "y", false)
		for i := uint64(1); i <= 2*maxRecent; i++ {
			put("a", i, fmt.Sprint("first", i), false)
		}
		put("a", 2*maxRecent, "second", false)
		put("a", 2*maxRecent, "second", true)
		put("a", 2*maxRecent, fmt.Sprint("first", 2*maxRecent), true)
		put("a", 1, "second1", false) // its digest is no longer kept
		put("a", 1, "second1", true)
		put("b", 5, "x", false)
		put("b", 4, "x", false) // an earlier one that was on its way
		put("b", 4, "x", true)
		put("b", 4, "y", false)

		in = openIntake(t, opts) // killed: the queue tells
		put("a", 2*maxRecent, "second", true)
		put("a", 2*maxRecent, "third", false)
		put("b", 5, "x", true)
		if err := in.Close(); err != nil {
			t.Fatal(err)
		}
		in = openIntake(t, opts)
		put("a", 2*maxRecent, "third", true)
		put("b", 4, "y", true)

		ids := map[string]int{}
		for seq := uint64(1); seq <= q.State().Last; seq++ {
			m, err := q.Read(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			b, err := wire.Decode(m.Data)
			if err != nil {
				t.Fatal(err)
			}
			if b.Sequence > 0 {
				ids[fmt.Sprint(b.Sensor, b.Sequence)]++
			}
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("sensor and sequence %s stand for %d batches: their events would have the same ids", id, n)
			}
		}
	})
}

func putSensorOnce(t *testing.T, positions *state.Document) {
	dir := t.TempDir()
	q := openQueue(t, local.Config{Dir: dir})
	now := time.UnixMilli(0)
	var gaps []string
	opts := Options{Queue: q, State: positions, Now: func() time.Time { return now },
		Gap: func(s string, a, b uint64) { gaps = append(gaps, fmt.Sprint(s, a, "-", b)) }}
	in := openIntake(t, opts)
	put := func(sensor string, seq uint64, want bool) {
		t.Helper()
		dup, err := in.PutSensor(t.Context(), sensor, seq, lines(1, fmt.Sprint(sensor, seq)))
		if err != nil || dup != want {
			t.Errorf("PutSensor(%s, %d) = %v, %v, want duplicate %v", sensor, seq, dup, err, want)
		}
	}
	put("a", 1, false)
	put("a", 2, false)
	put("a", 2, true)
	put("b", 5, false) // first seen: an earlier one may still be on its way
	put("b", 4, false)
	put("b", 4, true)
	put("a", 7, false) // gap 3 to 6
	put("a", 4, false)
	now = now.Add(3 * time.Minute)
	in.gaps()
	in.gaps()
	if fmt.Sprint(gaps) != "[a3-3 a5-6]" {
		t.Errorf("gaps told: %v, want [a3-3 a5-6]", gaps)
	}

	// Killed before its positions were kept: all of it comes from the queue.
	in = openIntake(t, opts)
	if in.SensorPosition("a") != 7 || in.SensorPosition("b") != 5 {
		t.Errorf("positions rebuilt: a %d, b %d, want 7 and 5", in.SensorPosition("a"), in.SensorPosition("b"))
	}
	put("a", 7, true)
	put("a", 4, true)
	put("a", 3, false)
	if err := in.sensors.save(t.Context(), in.opts); err != nil {
		t.Fatal(err)
	}
	if in.Position() != q.State().Last {
		t.Errorf("Position() = %d, want %d", in.Position(), q.State().Last)
	}
	put("a", 8, false)
	if err := q.Purge(t.Context(), in.Position()); err != nil {
		t.Fatal(err)
	}

	// Killed again: the positions for what was purged, queue for the rest.
	in = openIntake(t, opts)
	put("a", 8, true)
	put("a", 3, true)
	put("a", 5, false)
	put("a", 9, false)
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}

	// The database outlived the queue: positions of another life of it hide nothing of this one.
	q = openQueue(t, local.Config{Dir: t.TempDir()})
	opts.Queue = q
	in = openIntake(t, opts)
	if in.Position() != 0 || in.SensorPosition("a") != 9 {
		t.Errorf("with a new queue: Position() = %d, a %d; want 0 and 9", in.Position(), in.SensorPosition("a"))
	}
	put("a", 9, true)
	put("a", 10, false)
}

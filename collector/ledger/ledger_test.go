package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hoalu/collector/store"
	"hoalu/soc"
)

const t0 = int64(1_700_000_000_000) / hour * hour

type clock struct{ ms int64 }

func open(t *testing.T, path string, c *clock, told *[]soc.LedgerRow) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), Config{Path: path, Now: func() int64 { return c.ms }, OnImbalance: func(r soc.LedgerRow) {
		if told != nil {
			*told = append(*told, r)
		}
	}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func receive(t *testing.T, l *Ledger, seq uint64, source string, at, n int64) {
	t.Helper()
	if err := l.Received(t.Context(), seq, n, []Count{{source, at, n}}); err != nil {
		t.Fatal(err)
	}
}

func seal(t *testing.T, l *Ledger, first, last uint64, o ...store.Outcome) {
	t.Helper()
	if err := l.Sealed(t.Context(), store.Segment{ID: fmt.Sprint("s", last), First: first, Last: last, Outcomes: o}); err != nil {
		t.Fatal(err)
	}
}

func rows(t *testing.T, l *Ledger) []soc.LedgerRow {
	t.Helper()
	r, err := l.Rows(t.Context(), 0, 1<<62, "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBalance(t *testing.T) {
	c := &clock{t0 + 10*minute}
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"), c, nil)
	receive(t, l, 1, "a", t0+5, 100)
	receive(t, l, 2, "b", t0+7, 10)
	receive(t, l, 2, "b", t0+7, 10) // again: ignored
	if err := l.Received(t.Context(), 3, 8, []Count{{"a", t0 + minute, 5}}); err != nil {
		t.Fatal(err)
	}
	l.Add(Entry{"b", t0 + 9, Rejected, "too_large", 3})
	l.Add(Entry{"b", t0 + 9, Dropped, "ring", 2})
	l.Add(Entry{"b", t0 + 9, Duplicate, "resent", 1})
	want := []soc.LedgerRow{
		{Minute: t0 + 10*minute, Received: 3, InFlight: 3}, // frames nobody named
		{Minute: t0 + minute, Source: "a", Received: 5, InFlight: 5},
		{Minute: t0, Source: "a", Received: 100, InFlight: 100},
		{Minute: t0, Source: "b", Received: 16, Rejected: 3, Dropped: 2, Duplicate: 1, InFlight: 10,
			Reasons: map[string]int64{"rejected:too_large": 3, "dropped:ring": 2, "duplicate:resent": 1}},
	}
	if d := cmp.Diff(want, rows(t, l)); d != "" {
		t.Errorf("before sealing (-want +got):\n%s", d)
	}
	seal(t, l, 1, 2, store.Outcome{Source: "a", Minute: t0, Stored: 97, Duplicate: 1, Quarantined: map[string]int64{"json": 2}},
		store.Outcome{Source: "b", Minute: t0, Stored: 10, Duplicate: 0})
	// told again: ignored
	seal(t, l, 1, 2, store.Outcome{Source: "a", Minute: t0, Stored: 97, Duplicate: 1, Quarantined: map[string]int64{"json": 2}})
	want[2] = soc.LedgerRow{Minute: t0, Source: "a", Received: 100, Stored: 97, Duplicate: 1, Quarantined: 2,
		Reasons: map[string]int64{"quarantined:json": 2}}
	want[3].Stored, want[3].InFlight = 10, 0
	got := rows(t, l)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("after sealing (-want +got):\n%s", d)
	}
	for _, r := range got {
		if r.Difference() != 0 {
			t.Errorf("%+v does not balance", r)
		}
	}
	if l.Position() != 2 || l.SealedPosition() != 2 {
		t.Errorf("Position() = %d, SealedPosition() = %d, want 2 and 2", l.Position(), l.SealedPosition())
	}
}

// The process ends at any moment: what was not committed is counted again from the queue, segments are told again, and the sums
// are the same. The script is played with a crash before every step.
func TestCrashAnywhere(t *testing.T) {
	type step func(l *Ledger)
	out := func(n int64) store.Outcome { return store.Outcome{Source: "a", Minute: t0, Stored: n, Duplicate: 0} }
	segments := []struct {
		first, last uint64
		o           store.Outcome
	}{{1, 3, out(6)}, {4, 4, out(4)}, {5, 6, out(11)}}
	script := []step{}
	for seq := uint64(1); seq <= 6; seq++ {
		script = append(script, func(l *Ledger) { receive(t, l, seq, "a", t0, int64(seq)) })
		for _, s := range segments {
			if s.last == seq {
				script = append(script, func(l *Ledger) { seal(t, l, s.first, s.last, s.o) })
			}
		}
	}
	for crash := range len(script) + 1 {
		t.Run(fmt.Sprint(crash), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			c := &clock{t0 + 10*minute}
			l := open(t, path, c, nil)
			for i, s := range script {
				if i == crash {
					l = open(t, path, c, nil) // the old one is left as a killed process leaves it
					for _, s := range segments {
						if s.last <= sealedBy(i) {
							seal(t, l, s.first, s.last, s.o)
						}
					}
					for seq := l.Position() + 1; seq <= receivedBy(i); seq++ {
						receive(t, l, seq, "a", t0, int64(seq))
					}
				}
				s(l)
			}
			want := []soc.LedgerRow{{Minute: t0, Source: "a", Received: 21, Stored: 21}}
			if d := cmp.Diff(want, rows(t, l)); d != "" {
				t.Errorf("crash before step %d (-want +got):\n%s", crash, d)
			}
		})
	}
}

// receivedBy and sealedBy know the script of TestCrashAnywhere: r1 r2 r3 s3 r4 s4 r5 r6 s6.
func receivedBy(step int) uint64 { return []uint64{0, 1, 2, 3, 3, 4, 4, 5, 6, 6}[step] }

func sealedBy(step int) uint64 { return []uint64{0, 0, 0, 0, 3, 3, 4, 4, 4, 6}[step] }

// The store sealed ahead of the ledger's reader (which was stopped): nothing is called off until both have passed.
func TestStoreAhead(t *testing.T) {
	c := &clock{t0 + 10*minute}
	var told []soc.LedgerRow
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path, c, &told)
	seal(t, l, 1, 2, store.Outcome{Source: "a", Minute: t0, Stored: 30, Duplicate: 0})
	if err := l.check(t.Context()); err != nil || len(told) != 0 {
		t.Errorf("check while the reader is behind: %v, told %v", err, told)
	}
	if _, err := l.Check(t.Context(), t0); !errors.Is(err, ErrEarly) {
		t.Errorf("Check while the reader is behind: %v, want ErrEarly", err)
	}
	if s, err := l.Summary(t.Context()); err != nil || s.Behind != 2 {
		t.Errorf("Summary = %+v, %v, want 2 behind", s, err)
	}
	l = open(t, path, c, &told) // killed
	receive(t, l, 1, "a", t0, 10)
	receive(t, l, 2, "a", t0, 20)
	got, err := l.Check(t.Context(), t0)
	if err != nil || got.Difference() != 0 || got.Received != 30 || got.Stored != 30 {
		t.Errorf("Check = %+v, %v", got, err)
	}
	if l.Position() != 2 {
		t.Errorf("Position() = %d, want 2", l.Position())
	}
}

func TestImbalanceIsTold(t *testing.T) {
	c := &clock{t0}
	var told []soc.LedgerRow
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"), c, &told)
	c.ms += 10 * minute
	check := func(want ...int64) {
		t.Helper()
		told = nil
		if err := l.check(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, r := range told {
			got = append(got, r.Difference())
		}
		if !cmp.Equal(got, want) {
			t.Errorf("told differences %v, want %v", got, want)
		}
	}
	receive(t, l, 1, "a", t0, 10)
	receive(t, l, 2, "b", t0, 10)
	receive(t, l, 3, "a", t0+minute, 5)
	seal(t, l, 1, 3, store.Outcome{Source: "a", Minute: t0, Stored: 8, Duplicate: 0},
		store.Outcome{Source: "b", Minute: t0, Stored: 12, Duplicate: 0},
		store.Outcome{Source: "a", Minute: t0 + minute, Stored: 5, Duplicate: 0})
	check(2, -2)
	check() // once
	total, err := l.Check(t.Context(), t0)
	if err != nil || total.Difference() != 4 {
		t.Errorf("Check = %+v, %v: differences of two sources must not cancel out", total, err)
	}
	s, err := l.Summary(t.Context())
	if err != nil || s.Balanced || s.Unbalanced != 2 || s.Since != t0+minute || s.LastMinute != t0+7*minute {
		t.Errorf("Summary = %+v, %v", s, err)
	}
	receive(t, l, 4, "b", t0, 1) // the difference changes
	seal(t, l, 4, 4)
	check(-1)
	receive(t, l, 5, "a", t0+8*minute, 1) // too young to be called off
	seal(t, l, 5, 5)
	check()
	if _, err := l.Check(t.Context(), t0+9*minute); !errors.Is(err, ErrEarly) {
		t.Errorf("Check of a young minute: %v, want ErrEarly", err)
	}
}

func TestLive(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"), &clock{t0}, nil)
	live := Live{Outcomes: []store.Outcome{{Source: "a", Minute: t0, Stored: 6, Duplicate: 1, Quarantined: map[string]int64{"json": 1}},
		{Source: "b", Minute: t0, Stored: 9, Duplicate: 0}}}
	l.cfg.Live = func() Live { return live }
	receive(t, l, 1, "a", t0, 10)
	want := []soc.LedgerRow{{Minute: t0, Source: "a", Received: 10, Stored: 6, Duplicate: 1, Quarantined: 1, InFlight: 2,
		Reasons: map[string]int64{"quarantined:json": 1}}}
	if d := cmp.Diff(want, rows(t, l)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	live.Sealed = 7 // of another moment
	if got := rows(t, l); got[0].InFlight != 10 || got[0].Stored != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestRollToHours(t *testing.T) {
	c := &clock{t0 + 2*hour}
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"), c, nil)
	for i := range int64(120) {
		receive(t, l, uint64(i)+1, "a", t0+i*minute, 2)
	}
	seal(t, l, 1, 120, store.Outcome{Source: "a", Minute: t0, Stored: 120, Duplicate: 0},
		store.Outcome{Source: "a", Minute: t0 + hour, Stored: 119, Duplicate: 0, Quarantined: map[string]int64{"json": 1}})
	c.ms = t0 + keepMinute*hour + hour
	if err := l.roll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.roll(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := rows(t, l)
	if len(got) != 61 || got[60].Minute != t0 || got[60].Received != 120 || got[60].Stored != 120 {
		t.Errorf("%d rows, oldest %+v; want one hour and 60 minutes", len(got), got[len(got)-1])
	}
	c.ms += keepHour * hour
	if err := l.roll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, l); len(got) != 0 && got[0].Minute < t0+hour {
		t.Errorf("%d rows are left after 400 days: %+v", len(got), got[0])
	}
}

func TestRunFlushes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	c := &clock{t0}
	l := open(t, path, c, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- l.Run(ctx) }()
	l.Add(Entry{"a", t0, "", "ring", 3})
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if got := rows(t, open(t, path, c, nil)); len(got) != 1 || got[0].Dropped != 3 || got[0].Received != 3 {
		t.Errorf("after Run ended: %+v", got)
	}
}

func BenchmarkReceived(b *testing.B) {
	l, err := Open(b.Context(), Config{Path: filepath.Join(b.TempDir(), "ledger.db")}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	counts := make([]Count, 10)
	for i := range counts {
		counts[i] = Count{fmt.Sprint("NG-", i), time.Now().UnixMilli(), 50}
	}
	b.ReportAllocs()
	for i := range b.N {
		if err := l.Received(b.Context(), uint64(i)+1, 500, counts); err != nil {
			b.Fatal(err)
		}
		if i%3000 == 2999 {
			if err := l.Sealed(b.Context(), store.Segment{ID: fmt.Sprint(i), First: uint64(i) - 2998, Last: uint64(i) + 1}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// TestUntoldSegments: segments that the ledger cannot write down (its disk is full) are written when it can again, in order and once;
// until then it says that it is not ready.
func TestUntoldSegments(t *testing.T) {
	c := &clock{ms: t0 + 10*minute}
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"), c, nil)
	for seq := range uint64(3) {
		receive(t, l, seq+1, "a", t0, 10)
	}
	segment := func(seq uint64) store.Segment {
		return store.Segment{ID: fmt.Sprint("s", seq), First: seq, Last: seq, Outcomes: []store.Outcome{{Source: "a", Minute: t0, Stored: 10}}}
	}
	if _, err := l.write.Exec("CREATE TRIGGER full BEFORE INSERT ON counts BEGIN SELECT RAISE(ABORT, 'disk is full'); END"); err != nil {
		t.Fatal(err)
	}
	l.Tell(segment(1))
	l.Tell(segment(2))
	if err := l.Ready(); err == nil || l.SealedPosition() != 0 {
		t.Fatalf("a ledger that wrote nothing down: Ready() = %v, sealed up to %d; want an error and 0", err, l.SealedPosition())
	}
	if _, err := l.write.Exec("DROP TRIGGER full"); err != nil {
		t.Fatal(err)
	}
	l.Tell(segment(3))
	if err := l.Ready(); err != nil || l.SealedPosition() != 3 {
		t.Errorf("it can be written again: Ready() = %v, sealed up to %d; want nil and 3", err, l.SealedPosition())
	}
	if r := rows(t, l); len(r) != 1 || r[0].Stored != 30 || r[0].Difference() != 0 {
		t.Errorf("rows %+v, want one with 30 stored that balances", r)
	}
}

// TestReadyOfALedgerTakenAway: what it writes from then on is gone at the next stop, so it does not say that all is well.
func TestReadyOfALedgerTakenAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path, &clock{ms: 1_790_000_000_000}, nil)
	if err := l.Ready(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := l.Ready(); err == nil || !strings.Contains(err.Error(), "taken away") {
		t.Errorf("Ready() = %v, want it to say that the file was taken away", err)
	}
	if err := errors.Join(os.Rename(path+".away", path), l.Ready()); err != nil {
		t.Errorf("with the file back: %v", err)
	}
}

package health

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/state"
	"hoalu/state/statetest"
)

var silent = slog.New(slog.DiscardHandler)

// TestPartsTellTroubleOnce: trouble is shown at once and emitted once, after the part's grace; so is its end. A part that does not answer
// is in trouble, is not asked again meanwhile, and holds nobody up.
func TestPartsTellTroubleOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var emitted []string
	bad := map[string]error{}
	set := func(part string, err error) { mu.Lock(); defer mu.Unlock(); bad[part] = err }
	ready := func(part string) func(context.Context) error {
		return func(context.Context) error { mu.Lock(); defer mu.Unlock(); return bad[part] }
	}
	free, asked := make(chan struct{}), 0
	clock := time.Unix(1_800_000_000, 0)
	p := NewParts(silent, func(n Note) {
		mu.Lock()
		defer mu.Unlock()
		emitted = append(emitted, n.Action+" "+n.Values["part"])
	}, inBoth,
		Part{Name: "a", Ready: ready("a")}, Part{Name: "late", Ready: ready("late"), Grace: time.Minute},
		Part{Name: "stuck", Ready: func(context.Context) error {
			mu.Lock()
			asked++
			mu.Unlock()
			<-free
			return nil
		}})
	p.now = func() time.Time { mu.Lock(); defer mu.Unlock(); return clock }
	step := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); clock = clock.Add(d) }
	look := func() (names []string) {
		for _, x := range p.Now(t.Context()) {
			if !x.Ready {
				names = append(names, x.Name)
			}
		}
		return names
	}
	check := func(when string, shown, want []string) {
		t.Helper()
		got := look()
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(got, shown) || !slices.Equal(emitted, want) {
			t.Errorf("%s: shown %v, emitted %v; want %v, %v", when, got, emitted, shown, want)
		}
		emitted = nil
	}
	look() // "stuck" is asked here and does not answer
	step(partAnswer)
	check("one does not answer", []string{"stuck"}, []string{"part_trouble stuck"})
	set("a", errors.New("no disk"))
	set("late", errors.New("behind"))
	check("two more", []string{"a", "late", "stuck"}, []string{"part_trouble a"})
	step(time.Minute)
	check("past the grace", []string{"a", "late", "stuck"}, []string{"part_trouble late"})
	if mu.Lock(); asked != 1 {
		t.Errorf("the part that does not answer was asked %d times", asked)
	}
	mu.Unlock()
	close(free)
	set("a", nil)
	set("late", nil)
	for end := time.Now().Add(10 * time.Second); look() != nil && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	mu.Lock()
	slices.Sort(emitted)
	mu.Unlock()
	check("all well", nil, []string{"part_recovered a", "part_recovered late", "part_recovered stuck"})
	set("late", errors.New("behind"))
	check("trouble within the grace", []string{"late"}, nil)
	set("late", nil)
	check("which passes by itself", nil, nil)
}

// TestClockSaysWhenItJumped: a jump is trouble until it is set back, the time service confirms it, or an hour has gone by.
func TestClockSaysWhenItJumped(t *testing.T) {
	var wall, mono time.Duration
	begin := time.Unix(1_800_000_000, 0)
	known, off := false, time.Duration(0)
	m, err := New(t.Context(), Config{Now: func() time.Time { return begin.Add(wall) }, Elapsed: func() time.Duration { return mono },
		Kernel: func() (time.Duration, bool) { return off, known }}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	pass := func(d time.Duration) { wall += d; mono += d; m.look() }
	check := func(when string, wrong bool) {
		t.Helper()
		if err := m.Clock(); (err != nil) != wrong {
			t.Errorf("%s: Clock() = %v", when, err)
		}
	}
	check("at first, compared with nothing", false)
	wall += time.Hour
	check("jumped, before the next look", true)
	pass(time.Minute)
	check("jumped", true)
	wall -= time.Hour
	check("set back", false)
	pass(time.Minute)
	check("set back and looked at", false)
	wall += 10 * time.Minute
	pass(time.Minute)
	known = true
	check("confirmed by the time service", false)
	off = -3 * time.Second
	check("the time service says that it is off", true)
	known, off = false, 0
	check("nobody confirms any more", true)
	pass(clockSettle + time.Minute)
	check("an hour later", false)
}

// TestAClockSetBackBeforeTheStart: a clock that stands behind what was received before is told like one that jumped, until it is set right,
// confirmed, or an hour has gone by; a machine that was off for days, or stopped a moment ago, is not.
func TestAClockSetBackBeforeTheStart(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		doc := db.Document("sources")
		begin := time.Unix(1_800_000_000, 0)
		var wall, mono time.Duration
		open := func() *Monitor {
			m, err := New(t.Context(), Config{State: doc, Now: func() time.Time { return begin.Add(wall) },
				Elapsed: func() time.Duration { return mono }, Kernel: func() (time.Duration, bool) { return 0, false }}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		m := open()
		m.Observe(Sample{Source: "NG-1", Received: begin.UnixMilli(), Events: 1})
		if err := m.save(t.Context()); err != nil {
			t.Fatal(err)
		}
		for when, after := range map[string]time.Duration{"a moment later": time.Second, "days later": 90 * 24 * time.Hour,
			"a little behind": -10 * time.Second} {
			wall = after
			if m := open(); m.Clock() != nil || len(m.notes) > 0 {
				t.Errorf("%s: %v, notes %v", when, m.Clock(), m.notes)
			}
		}
		wall = -24 * time.Hour
		m = open()
		if err := m.Clock(); err == nil || !strings.Contains(err.Error(), "24h0m0s behind the newest event received before this start") {
			t.Errorf("a day behind: %v", err)
		}
		if len(m.notes) != 1 || m.notes[0].Action != ClockJump || m.notes[0].Values["offset_ms"] != "-86400000" {
			t.Errorf("a day behind: notes %v", m.notes)
		}
		wall = 0
		if err := m.Clock(); err != nil {
			t.Errorf("set right: %v", err)
		}
		m.look()
		if err := m.Clock(); err != nil {
			t.Errorf("set right and looked at: %v", err)
		}
		wall = -24 * time.Hour
		m = open()
		wall, mono = wall+clockSettle+time.Minute, mono+clockSettle+time.Minute
		m.look()
		if err := m.Clock(); err != nil {
			t.Errorf("an hour later: %v", err)
		}
	})
}

// TestAPartThatNobodyConfirms: a clock that no time service disciplines is in no trouble and not said to be right.
func TestAPartThatNobodyConfirms(t *testing.T) {
	known, off := false, time.Duration(0)
	m, err := New(t.Context(), Config{Kernel: func() (time.Duration, bool) { return off, known }}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p := NewParts(silent, m.Emit, inBoth,
		Part{Name: "clock", Ready: func(context.Context) error { return m.Clock() }, Known: m.ClockKnown},
		Part{Name: "other", Ready: func(context.Context) error { return nil }})
	check := func(when string, ready, unknown bool) {
		t.Helper()
		got := p.Now(t.Context())
		if len(got) != 2 || got[0].Ready != ready || got[0].Unknown != unknown || !got[1].Ready || got[1].Unknown {
			t.Errorf("%s: %+v", when, got)
		}
	}
	check("no time service", true, true)
	known = true
	check("confirmed", true, false)
	off = time.Minute
	check("off", false, false)
}

// inBoth says an error in two languages.
func inBoth(err error) map[string]string {
	return map[string]string{"vi": "vi " + err.Error(), "en": err.Error()}
}

// TestTroubleIsKeptInBothLanguages: the cause goes with the event in the languages of the console, since its alert is read long after.
func TestTroubleIsKeptInBothLanguages(t *testing.T) {
	t.Parallel()
	var told []Note
	p := NewParts(silent, func(n Note) { told = append(told, n) }, inBoth,
		Part{Name: "store", Ready: func(context.Context) error { return errors.New("disk") }})
	p.Now(t.Context())
	if len(told) != 1 || told[0].Values["cause"] != "disk" || told[0].Values["cause_vi"] != "vi disk" || told[0].Values["cause_en"] != "disk" {
		t.Errorf("told: %+v", told)
	}
}

// TestAPartWhoseLookPanics: a fault of ours in a part's Ready ended the process. It is that part's trouble, and passes with it.
func TestAPartWhoseLookPanics(t *testing.T) {
	bad := true
	p := NewParts(silent, func(Note) {}, inBoth, Part{Name: "posture", Ready: func(context.Context) error {
		if bad {
			panic("nil facts")
		}
		return nil
	}})
	got := p.Now(t.Context())
	if len(got) != 1 || got[0].Ready || !strings.Contains(got[0].Reason, "a fault of ours in the look at posture") {
		t.Errorf("a part whose look panics is %+v", got)
	}
	bad = false
	if got := p.Now(t.Context()); !got[0].Ready {
		t.Errorf("well again, it is %+v", got)
	}
}

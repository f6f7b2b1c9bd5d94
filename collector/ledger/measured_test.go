package ledger

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hoalu/collector/store"
)

// A minute in which nothing ran, or which was not checked yet, is not measured, and the balanced run goes over checked minutes alone:
// 23 hours without an appliance read as "balanced", and a run of 13 minutes counted unchecked ones.
func TestOnlyWhatWasCheckedIsMeasured(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	c := &clock{t0}
	l := open(t, path, c, nil)
	summary := func() Summary {
		t.Helper()
		s, err := l.Summary(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	measured := func(from, to int64) []Span {
		t.Helper()
		m, err := l.Measured(t.Context(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	check := func() {
		t.Helper()
		if err := l.check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	check()
	if s := summary(); s.LastMinute != 0 || s.Since != 0 || len(measured(t0-hour, t0+hour)) != 0 {
		t.Errorf("a ledger that has just been opened measured something: %+v, %v", s, measured(t0-hour, t0+hour))
	}
	receive(t, l, 1, "a", t0, 10)
	seal(t, l, 1, 1, store.Outcome{Source: "a", Minute: t0, Stored: 10, Duplicate: 0})
	c.ms += 10 * minute // no check happens meanwhile
	if s := summary(); s.LastMinute != 0 {
		t.Errorf("minutes that were not checked count: %+v", s)
	}
	check()
	if s := summary(); s.LastMinute != t0+7*minute || s.Since != t0 || s.NotMeasured != 0 {
		t.Errorf("after ten minutes: %+v", s)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c.ms += 23 * hour // nothing runs
	l = open(t, path, c, nil)
	start := c.ms
	if s := summary(); s.LastMinute != t0+7*minute {
		t.Errorf("a start claims a minute it has not checked: %+v", s)
	}
	c.ms += 10 * minute
	check()
	want := []Span{{t0, t0 + 8*minute}, {start, start + 8*minute}}
	if m := measured(t0-hour, c.ms); !slices.Equal(m, want) {
		t.Errorf("measured %v, want %v", m, want)
	}
	if s := summary(); s.Since != start || s.LastMinute != start+7*minute || s.NotMeasured != 23*60+2 {
		t.Errorf("after 23 hours in which nothing ran: %+v, want since %d and %d minutes not measured", s, start, 23*60+2)
	}
	// A restart within minutes that have rows goes on with the run: their counts were written and have been checked since.
	receive(t, l, 2, "a", start+8*minute, 5)
	receive(t, l, 3, "a", start+9*minute, 5)
	seal(t, l, 2, 3, store.Outcome{Source: "a", Minute: start + 8*minute, Stored: 5, Duplicate: 0},
		store.Outcome{Source: "a", Minute: start + 9*minute, Stored: 5, Duplicate: 0})
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, path, c, nil)
	c.ms += 20 * minute
	check()
	if s := summary(); s.Since != start || s.LastMinute != start+27*minute {
		t.Errorf("after a quick restart: %+v, want since %d", s, start)
	}
	if _, err := l.Measured(t.Context(), 0, 1<<62); err == nil {
		t.Error("all of time was looked at")
	}
}

// While the ledger cannot be read or written it is not ready, says why, and is ready again once it can.
func TestReadySaysWhatFails(t *testing.T) {
	c := &clock{t0}
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"), c, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	wait := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: Ready() = %v", what, l.Ready())
			}
		}
	}
	wait("a good ledger is ready", func() bool { return l.Ready() == nil })
	if _, err := l.write.Exec("ALTER TABLE counts RENAME TO hidden"); err != nil {
		t.Fatal(err)
	}
	l.Add(Entry{"a", t0, Dropped, "ring", 3})
	wait("a ledger that cannot be written is not ready", func() bool { return l.Ready() != nil })
	if _, err := l.write.Exec("ALTER TABLE hidden RENAME TO counts"); err != nil {
		t.Fatal(err)
	}
	wait("it is ready again", func() bool { return l.Ready() == nil })
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if r := rows(t, l); len(r) != 1 || r[0].Dropped != 3 {
		t.Errorf("what was added meanwhile is lost: %+v", r)
	}
}

func TestRowsAreBounded(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "ledger.db"), &clock{t0}, nil)
	_, err := l.write.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= ?)
		INSERT INTO counts (span, start, source, received, stored) SELECT 60000, ?, 'NG-' || i, 1, 1 FROM n`, maxRows, t0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Rows(t.Context(), t0, t0+minute, ""); !errors.Is(err, ErrTooMany) {
		t.Errorf("Rows of %d sources: %v, want ErrTooMany", maxRows+1, err)
	}
	if r, err := l.Rows(t.Context(), t0, t0+minute, "NG-7"); err != nil || len(r) != 1 {
		t.Errorf("Rows of one source: %d, %v", len(r), err)
	}
	if info, err := os.Stat(l.cfg.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("ledger.db: %v, %v, want it readable by its owner alone", info.Mode(), err)
	}
}

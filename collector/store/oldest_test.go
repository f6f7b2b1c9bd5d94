package store

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

// moody is a store that answers as it is told.
type moody struct {
	Store
	usage   []Usage
	at      int64 // of the event each search finds, 0 none
	partial []string
	err     error
	asks    int
}

func (m *moody) Search(context.Context, query.Search) (query.Result, error) {
	m.asks++
	r := query.Result{Partial: m.partial}
	if m.at != 0 {
		e := &ecs.Event{}
		e.Created = m.at
		r.Events = []*ecs.Event{e}
	}
	return r, m.err
}

func (m *moody) Usage(context.Context) ([]Usage, []string, error) { return m.usage, m.partial, m.err }

var errDown = errors.New("store is down")

// TestWhatCouldNotBeToldIsNoZero: a search that fails, or that could not read everything, is an error each time, never "never", and is not
// remembered; an answer is for a while.
func TestWhatCouldNotBeToldIsNoZero(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := &moody{usage: []Usage{{System: "HT-002", Day: "2026-11-20"}, {System: "HT-002", Day: "2026-11-19"}, {System: "HT-001"}}}
	o := NewOldest(s)
	ask := func() (int64, error) {
		of, err := o.Round(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return of("HT-001")
	}
	of, err := o.Round(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if at, err := of("HT-002"); err != nil || at != 1795046400000 || s.asks != 0 {
		t.Errorf("a system filed by day: %d, %v after %d searches", at, err, s.asks)
	}
	for _, bad := range []moody{{err: errDown}, {partial: []string{"segment 7: damaged"}}, {partial: []string{"segment 7: damaged"}, at: 43}} {
		for range 2 {
			s.err, s.partial, s.at = nil, nil, 0
			of, err := o.Round(ctx)
			if err != nil {
				t.Fatal(err)
			}
			s.err, s.partial, s.at = bad.err, bad.partial, bad.at
			if at, err := of("HT-001"); err == nil || at != 0 ||
				!strings.Contains(err.Error(), "store is down") && !strings.Contains(err.Error(), "segment 7: damaged") {
				t.Errorf("oldest event with %v, %q = %d, %v; want an error with the cause", bad.err, bad.partial, at, err)
			}
			if at, err := LastOfHost(ctx, s, "web01", 0); err == nil || at != 0 {
				t.Errorf("newest event of a host with %v, %q = %d, %v; want an error", bad.err, bad.partial, at, err)
			}
		}
	}
	s.err = errDown
	if _, err := o.Round(ctx); !errors.Is(err, errDown) {
		t.Errorf("Round with the store down: %v", err)
	}
	s.err, s.partial, s.at = nil, nil, 42
	for range 2 {
		if at, err := ask(); err != nil || at != 42 {
			t.Errorf("oldest event with the store back = %d, %v; want 42", at, err)
		}
	}
	if s.at = 7; s.asks != 13 {
		t.Errorf("%d searches, want one of each failure and one answered", s.asks)
	}
	if at, err := LastOfHost(ctx, s, "web01", 0); err != nil || at != 7 {
		t.Errorf("newest event of a host with the store back = %d, %v; want 7", at, err)
	}
}

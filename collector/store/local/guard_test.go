package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hoalu/collector/store"
	"hoalu/collector/store/storetest"
	"hoalu/ecs"
	"hoalu/ecs/query"
)

// broken is a part of the store on which a search panics.
type broken struct{ memView }

func (broken) name() string                                { return "broken" }
func (broken) scan(context.Context, *plan, *partial) error { panic("a fault of ours") }

// TestAPanicOfASearchIsThatPartsError: the workers of a search are goroutines of the store's own, so that a panic in one of them, by a
// query that anybody may write, ended the process.
func TestAPanicOfASearchIsThatPartsError(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	p, err := newPlan(query.Search{Query: query.All{}, Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	run := &search{p: p, trouble: &s.trouble, guard: s.guarded, total: partial{aggs: newAggs(p)}, parts: []part{broken{}}}
	done := make(chan struct{})
	go func() { defer close(done); run.work(t.Context()) }()
	<-done
	if len(run.failed) != 1 || !strings.HasPrefix(run.failed[0], "broken: a fault of ours in the search") {
		t.Errorf("the search says of its parts %q", run.failed)
	}
	if why := s.trouble.again(t.Context(), map[string]bool{"broken": true}, s.guarded)["broken"]; !strings.Contains(why, "a fault of ours") {
		t.Errorf("asked again the part is %q", why)
	}
}

// TestAPanicOfSealingIsTold: an event on which the writer of segments panics ended the process, and again after each start, since the queue
// hands it out again.
func TestAPanicOfSealingIsTold(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir(), SealAge: time.Hour})
	e := &ecs.Event{ID: "q1", Time: time.Now().UnixMilli(), Created: time.Now().UnixMilli(), System: "HT-001", Source: "NG-1"}
	if err := s.Append(t.Context(), store.Block{Epoch: "e1", First: 1, Last: 1, Events: []*ecs.Event{e}}); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	good := s.active.events
	s.active.events = append(good[:len(good):len(good)], nil) // no reader can make one, and what is written of it panics
	s.mu.Unlock()
	if err := s.Seal(t.Context()); err == nil || !strings.Contains(err.Error(), "a fault of ours in the sealing") {
		t.Fatalf("Seal: %v", err)
	}
	if err := s.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "a fault of ours in the sealing") {
		t.Errorf("Ready: %v", err)
	}
	s.mu.Lock()
	s.sealing.events = good
	s.mu.Unlock()
	if err := s.Seal(t.Context()); err != nil {
		t.Fatalf("Seal without it: %v", err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	if segments, err := filepath.Glob(filepath.Join(s.cfg.Dir, "l0", "*.hle")); err != nil || len(segments) != 1 {
		t.Errorf("segments %v, %v", segments, err)
	}
}

// TestAPanicOfFilingIsTold: the same for the writer of files: the events stay in the first level and are found.
func TestAPanicOfFilingIsTold(t *testing.T) {
	bad := false
	cfg := Config{Dir: t.TempDir()}
	cfg.step = func(at string) error {
		if bad {
			panic("at " + at)
		}
		return nil
	}
	s := open(t, cfg)
	if err := s.Append(t.Context(), storetest.NewGenerator(1).Block(10)); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	bad = true
	if err := s.Compact(t.Context()); err == nil || !strings.Contains(err.Error(), "a fault of ours in the filing") {
		t.Errorf("Compact: %v", err)
	}
	if r, err := s.Search(t.Context(), query.Search{Query: query.All{}, Limit: 20}); err != nil || r.Total != 10 || len(r.Partial) > 0 {
		t.Errorf("%d events, %v, %v", r.Total, r.Partial, err)
	}
	bad = false
	if err := s.Compact(t.Context()); err != nil {
		t.Errorf("Compact without it: %v", err)
	}
}

// TestAnAnswerThatNobodyWaitsForEnds: the time of a search was looked at after a thousand values, each of which may take a slow pattern
// seconds: one query of anybody who may search held a worker for hours after its 30 seconds.
func TestAnAnswerThatNobodyWaitsForEnds(t *testing.T) {
	s := open(t, Config{Dir: t.TempDir()})
	block := store.Block{Epoch: "e1", First: 1, Last: 1}
	text := strings.Repeat("a", 200_000)
	for i := range 40 {
		e := &ecs.Event{ID: fmt.Sprintf("q%d", i), Time: time.Now().UnixMilli(), Created: time.Now().UnixMilli(), System: "HT-001", Source: "NG-1"}
		e.AddString(ecs.Message, text+strconv.Itoa(i))
		block.Events = append(block.Events, e)
	}
	if err := s.Append(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	slow := query.Search{Query: query.Regexp{Field: ecs.Message, Pattern: strings.Repeat("(?:a.{0,900})", 8) + "Z"}, Limit: 10}
	for _, where := range []string{"in memory", "in the first level", "filed"} {
		switch where {
		case "in the first level":
			if err := s.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
		case "filed":
			if err := s.Compact(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		began := time.Now()
		_, err := s.Search(ctx, slow)
		cancel()
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 15*time.Second {
			t.Errorf("%s: %v after %s, want it to end at its time", where, err, took)
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("%s: Ready: %v", where, err)
		}
	}
}

// TestAPanicOfRetentionIsTold: the same where it is asked how long days are kept.
func TestAPanicOfRetentionIsTold(t *testing.T) {
	asked := make(chan struct{}, 1)
	cfg := Config{Dir: t.TempDir(), RetainEvery: time.Millisecond}
	cfg.Hooks.Retention = func(string, string) (int, bool) {
		select {
		case asked <- struct{}{}:
		default:
		}
		panic("odd day")
	}
	s := open(t, cfg)
	if err := s.Append(t.Context(), storetest.NewGenerator(1).Block(10)); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for range 2 { // it is asked again: the loop goes on
		<-asked
	}
	err := s.Ready(t.Context())
	cancel()
	<-ended
	if err == nil || !strings.Contains(err.Error(), "a fault of ours in the retention: odd day") {
		t.Errorf("Ready: %v", err)
	}
}

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// teardown is a stack of named steps, undone in reverse order; each says how long it took when it is slow.
type teardown struct {
	log   *slog.Logger
	steps []step
	at    atomic.Pointer[string] // the step being undone
}

type step struct {
	name string
	fn   func() error
}

func (t *teardown) push(name string, fn func() error) { t.steps = append(t.steps, step{name, fn}) }

// bounded is run, given up after limit; the error names the step that did not end.
func (t *teardown) bounded(limit time.Duration) error {
	return within(limit, t.run, func() string {
		if at := t.at.Load(); at != nil {
			return *at
		}
		return "nothing"
	})
}

// run undoes everything once.
func (t *teardown) run() error {
	var errs []error
	for i := len(t.steps) - 1; i >= 0; i-- {
		s := t.steps[i]
		start := time.Now()
		t.at.Store(&s.name)
		if err := s.fn(); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.name, err))
		}
		if d := time.Since(start); d > 2*time.Second {
			t.log.Info("slow to stop", "part", s.name, "event.duration", d.String())
		}
	}
	t.steps = nil
	return errors.Join(errs...)
}

// stopTime is what a group of parts, and the teardown behind it, may each take to stop. Systemd kills after 90 s.
const stopTime = 30 * time.Second

// within runs what stops something, and gives up on it after limit: then it says what was waited for.
func within(limit time.Duration, stop func() error, waiting func() string) error {
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(limit):
		return fmt.Errorf("not stopped within %s: %s; what was acknowledged is on disk", limit, waiting())
	}
}

// group runs the long-lived loops of the appliance. A loop that ends before its context does is fatal, with an error or without: it
// is logged, kept as the cause and everything is stopped, because a part that silently died would lie to everybody.
type group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	log    *slog.Logger

	mu      sync.Mutex
	running map[string]int // parts by name
}

func newGroup(ctx context.Context, log *slog.Logger) *group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &group{ctx: ctx, cancel: cancel, log: log, running: map[string]int{}}
}

func (g *group) run(name string, fn func(context.Context) error) {
	g.mark(name, 1)
	g.wg.Go(func() {
		defer g.mark(name, -1)
		err := fn(g.ctx)
		if g.ctx.Err() == nil {
			if err == nil {
				err = errors.New("it ended by itself")
			}
			g.log.Error("part stopped", "part", name, "error", err)
			g.cancel(fmt.Errorf("%s: %w", name, err))
		}
	})
}

func (g *group) mark(name string, by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running[name] += by; g.running[name] == 0 {
		delete(g.running, name)
	}
}

// left names the parts that run, sorted.
func (g *group) left() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(g.running)), ", ")
}

// stop ends the loops and waits for them, at most limit; the error names those that did not end.
func (g *group) stop(limit time.Duration) error {
	g.cancel(context.Canceled)
	return within(limit, func() error { g.wg.Wait(); return nil }, g.left)
}

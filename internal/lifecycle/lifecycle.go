// Package lifecycle starts and stops the parts of the appliance: a Group runs their loops, a Teardown undoes what was opened, in reverse
// order.
//
// Contract: a Group is safe for concurrent use; a Teardown is one goroutine's. Neither waits longer than it is told to: what does not end
// is named.
package lifecycle

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

// Teardown is a stack of named steps, undone in reverse order; each says how long it took when it is slow.
type Teardown struct {
	Log   *slog.Logger // is told of what is slow to stop
	steps []step
	at    atomic.Pointer[string] // the step being undone
}

type step struct {
	name string
	fn   func() error
}

// Push adds what closes one part.
func (t *Teardown) Push(name string, fn func() error) { t.steps = append(t.steps, step{name, fn}) }

// Bounded is Run, given up after limit; the error names the step that did not end.
func (t *Teardown) Bounded(limit time.Duration) error {
	return within(limit, t.Run, func() string {
		if at := t.at.Load(); at != nil {
			return *at
		}
		return "nothing"
	})
}

// Run undoes everything once.
func (t *Teardown) Run() error {
	var errs []error
	for i := len(t.steps) - 1; i >= 0; i-- {
		s := t.steps[i]
		start := time.Now()
		t.at.Store(&s.name)
		if err := s.fn(); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", s.name, err))
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Log.Info("slow to stop", "part", s.name, "event.duration", d.String())
		}
	}
	t.steps = nil
	return errors.Join(errs...)
}

// stopTime is what a group of parts, and the teardown behind it, may each take to stop, and stopAll all of them together: systemd kills
// after 90 s, and what is given up before is at least named.
const (
	stopTime = 30 * time.Second
	stopAll  = 80 * time.Second
)

// StopTime is what the next group of a stop that began at began may take.
func StopTime(began time.Time) time.Duration {
	return max(time.Second, min(stopTime, stopAll-time.Since(began)))
}

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

// Group runs the long-lived loops of the appliance. A loop that ends before its context does is fatal, with an error or without: it
// is logged, kept as the cause and everything is stopped, because a part that silently died would lie to everybody.
type Group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	log    *slog.Logger

	mu      sync.Mutex
	running map[string]int // parts by name
}

// NewGroup runs its loops until ctx ends or Stop.
func NewGroup(ctx context.Context, log *slog.Logger) *Group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Group{ctx: ctx, cancel: cancel, log: log, running: map[string]int{}}
}

// Run starts a loop of a part.
func (g *Group) Run(name string, fn func(context.Context) error) {
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

func (g *Group) mark(name string, by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running[name] += by; g.running[name] == 0 {
		delete(g.running, name)
	}
}

// Done is closed when a loop has ended before it should; Cause says which.
func (g *Group) Done() <-chan struct{} { return g.ctx.Done() }

// Cause is why the group ended, nil while it runs.
func (g *Group) Cause() error { return context.Cause(g.ctx) }

// left names the parts that run, sorted.
func (g *Group) left() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(g.running)), ", ")
}

// Stop ends the loops and waits for them, at most limit; the error names those that did not end.
func (g *Group) Stop(limit time.Duration) error {
	g.cancel(context.Canceled)
	return within(limit, func() error { g.wg.Wait(); return nil }, g.left)
}

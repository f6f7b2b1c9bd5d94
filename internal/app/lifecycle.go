package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// teardown is a stack of named steps, undone in reverse order; each says how long it took when it is slow.
type teardown struct {
	log   *slog.Logger
	steps []step
}

type step struct {
	name string
	fn   func() error
}

func (t *teardown) push(name string, fn func() error) { t.steps = append(t.steps, step{name, fn}) }

// run undoes everything once.
func (t *teardown) run() error {
	var errs []error
	for i := len(t.steps) - 1; i >= 0; i-- {
		s := t.steps[i]
		start := time.Now()
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

// group runs the long-lived loops of the appliance. A loop that ends before its context does is fatal, with an error or without: it
// is logged, kept as the cause and everything is stopped, because a part that silently died would lie to everybody.
type group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
	log    *slog.Logger
}

func newGroup(ctx context.Context, log *slog.Logger) *group {
	ctx, cancel := context.WithCancelCause(ctx)
	return &group{ctx: ctx, cancel: cancel, log: log}
}

func (g *group) run(name string, fn func(context.Context) error) {
	g.wg.Go(func() {
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

// stop ends the loops and waits for them.
func (g *group) stop() {
	g.cancel(context.Canceled)
	g.wg.Wait()
}

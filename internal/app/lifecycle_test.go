package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// A part that does not stop is named and does not keep the others from stopping; so is a step of the teardown.
func TestStopIsBounded(t *testing.T) {
	g := newGroup(context.Background(), slog.New(slog.DiscardHandler))
	stuck := make(chan struct{})
	defer close(stuck)
	g.run("good part", func(ctx context.Context) error { <-ctx.Done(); return nil })
	g.run("stuck part", func(context.Context) error { <-stuck; return nil })
	began := time.Now()
	if err := g.stop(100 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "stuck part") || strings.Contains(err.Error(), "good part") || time.Since(began) > 5*time.Second {
		t.Errorf("stop: %v after %s, want the stuck part named", err, time.Since(began))
	}
	down := &teardown{log: slog.New(slog.DiscardHandler)}
	down.push("behind", func() error { return nil })
	down.push("stuck step", func() error { <-stuck; return nil })
	if err := down.bounded(100 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "stuck step") {
		t.Errorf("teardown: %v, want the stuck step named", err)
	}
	failed := errors.New("disk")
	down = &teardown{log: slog.New(slog.DiscardHandler)}
	down.push("store", func() error { return failed })
	if err := down.bounded(time.Minute); !errors.Is(err, failed) {
		t.Errorf("teardown: %v, want the step's own error", err)
	}
}

package lifecycle

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
	g := NewGroup(context.Background(), slog.New(slog.DiscardHandler))
	stuck := make(chan struct{})
	defer close(stuck)
	g.Run("good part", func(ctx context.Context) error { <-ctx.Done(); return nil })
	g.Run("stuck part", func(context.Context) error { <-stuck; return nil })
	began := time.Now()
	if err := g.Stop(100 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "stuck part") ||
		strings.Contains(err.Error(), "good part") || time.Since(began) > 5*time.Second {
		t.Errorf("stop: %v after %s, want the stuck part named", err, time.Since(began))
	}
	down := &Teardown{Log: slog.New(slog.DiscardHandler)}
	down.Push("behind", func() error { return nil })
	down.Push("stuck step", func() error { <-stuck; return nil })
	if err := down.Bounded(100 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "stuck step") {
		t.Errorf("teardown: %v, want the stuck step named", err)
	}
	failed := errors.New("disk")
	down = &Teardown{Log: slog.New(slog.DiscardHandler)}
	down.Push("store", func() error { return failed })
	if err := down.Bounded(time.Minute); !errors.Is(err, failed) {
		t.Errorf("teardown: %v, want the step's own error", err)
	}
}

// TestAStopEndsBeforeItIsKilled: the parts, one group after the other, together have less time than systemd's 90 s.
func TestAStopEndsBeforeItIsKilled(t *testing.T) {
	now := time.Now()
	spent := time.Duration(0)
	for range 4 { // what senses, what listens, what is behind, the teardown
		spent += StopTime(now.Add(-spent))
	}
	if spent > 85*time.Second || StopTime(now) < 20*time.Second {
		t.Errorf("four groups that use all their time take %s, the first %s", spent, StopTime(now))
	}
}

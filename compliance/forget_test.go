package compliance

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"hoalu/compliance/facts"
)

// TestForgetWhileARoundRuns: a round that has gathered a system's facts does not write it again after it was forgotten.
func TestForgetWhileARoundRuns(t *testing.T) {
	ctx := context.Background()
	st, checks := opened(t)
	forgotten := make(chan error, 1)
	var s *Service
	s = New(checks, st, func(context.Context) ([]facts.Facts, error) {
		go func() { forgotten <- s.ForgetAll(ctx, []string{"HT-009"}) }()
		select { // the fault is seen only if forgetting could be done before the round writes
		case err := <-forgotten:
			forgotten <- err
		case <-time.After(300 * time.Millisecond):
		}
		f := base(time.Now().UnixMilli())
		f.System.ID = "HT-009"
		return []facts.Facts{f}, nil
	}, Hooks{}, time.Hour, slog.New(slog.DiscardHandler))
	if err := s.Round(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-forgotten; err != nil {
		t.Fatal(err)
	}
	if rows, err := s.Between(ctx, "HT-009", 0, 1<<60); err != nil || len(rows) != 0 {
		t.Errorf("%d intervals of a forgotten system, %v; want none", len(rows), err)
	}
}

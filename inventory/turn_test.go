package inventory

import (
	"context"
	"errors"
	"testing"
	"time"

	"hoalu/soc"
)

// TestNobodyWaitsForEverForTheInventory: who has the turn may wait for a database that hangs; a sender behind it waits as long as it may.
func TestNobodyWaitsForEverForTheInventory(t *testing.T) {
	s := &Store{turn: make(chan struct{}, 1)}
	if err := s.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.take(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another has it: %v", err)
	}
	for name, ask := range map[string]func() error{
		"a refresh": func() error { return s.Refresh(ctx) },
		"a change":  func() error { return s.change(ctx, soc.Machine, func(*change) error { return nil }) },
	} {
		ended := make(chan error, 1)
		go func() { ended <- ask() }()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s while another has the turn: %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s waits on", name)
		}
	}
	s.give()
	if err := s.take(t.Context()); err != nil {
		t.Errorf("when it is free: %v", err)
	}
}

package inventory

import (
	"context"
	"errors"
	"testing"
	"time"
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
	s.give()
	if err := s.take(t.Context()); err != nil {
		t.Errorf("when it is free: %v", err)
	}
}

package app

import (
	"context"
	"testing"
	"time"
)

// TestStartWaitsForAStop: a start while another appliance is still stopping waits for it instead of being refused.
func TestStartWaitsForAStop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	held, err := lockData(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(300*time.Millisecond, func() { held.Close() })
	next, err := lockData(context.Background(), dir)
	if err != nil {
		t.Fatalf("lockData while another lets go = %v", err)
	}
	defer next.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if again, err := lockData(ctx, dir); err == nil {
		again.Close()
		t.Error("two hold the same data folder")
	}
}

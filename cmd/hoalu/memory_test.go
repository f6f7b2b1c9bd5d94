package main

import (
	"context"
	"math"
	"runtime/debug"
	"testing"
)

func TestHoldMemory(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	ended, end := context.WithCancel(t.Context())
	end()
	t.Setenv("GOMEMLIMIT", "1GiB")
	holdMemory(ended)
	if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
		t.Errorf("limit %d beside an operator's own GOMEMLIMIT, want it left alone", got)
	}
	t.Setenv("GOMEMLIMIT", "")
	holdMemory(ended)
	if got := debug.SetMemoryLimit(-1); got != memoryFloor {
		t.Errorf("limit %d in a small process, want %d", got, memoryFloor)
	}
	if got, want := memoryLimit(1<<30), int64(1<<30+1<<29); got != want {
		t.Errorf("limit with 1 GiB alive: %d, want %d", got, want)
	}
}

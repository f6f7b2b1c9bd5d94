package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// memoryFloor is where the soft limit of the Go runtime stands while less than two thirds of it is alive, in bytes. Without a limit
// the runtime lets the heap grow to twice what is alive, and the filing of an hour's events took the process to 930 MB; the
// program text and SQLite's memory (about 100 MB) come on top of it.
const memoryFloor = 448 << 20

// holdMemory keeps the soft limit at the larger of memoryFloor and 1.5 times what is alive, until ctx ends: a small appliance stays
// small, a large one never spends its time collecting. GOMEMLIMIT, when set, stands instead.
func holdMemory(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		metrics.Read(live)
		debug.SetMemoryLimit(memoryLimit(live[0].Value.Uint64()))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func memoryLimit(live uint64) int64 { return max(memoryFloor, int64(live+live/2)) }

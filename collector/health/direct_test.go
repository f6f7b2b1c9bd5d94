package health

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"hoalu/ecs/wire"
)

// TestToldDirectlyWhileIntakeRefuses: notes that intake does not take go the direct way, in order, each until it is taken there and then
// once; when intake takes events again the same notes come that way with the same ids, and what is new goes only there.
func TestToldDirectlyWhileIntakeRefuses(t *testing.T) {
	var mu sync.Mutex
	refuse, broken := errors.New("full"), errors.New("state is locked")
	ready := refuse
	fail := 2
	var direct, put []string
	m, err := New(t.Context(), Config{Every: time.Hour,
		Ready: func() error { mu.Lock(); defer mu.Unlock(); return ready },
		Direct: func(_ context.Context, f wire.Frame) error {
			mu.Lock()
			defer mu.Unlock()
			switch fail--; {
			case fail == 0:
				panic("a note that nobody can decode")
			case fail > 0:
				return broken
			}
			direct = append(direct, f.ID)
			return nil
		},
		Put: func(_ context.Context, _ string, frames []wire.Frame) error {
			mu.Lock()
			defer mu.Unlock()
			if ready != nil {
				return ready
			}
			for _, f := range frames {
				put = append(put, f.ID)
			}
			return nil
		}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- m.Run(ctx) }()
	within := func(what string, ok func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			mu.Lock()
			done := ok()
			mu.Unlock()
			if done {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: not within 20 s; direct %v, put %v", what, direct, put)
			}
		}
	}
	for i := range 2 {
		m.Emit(Note{Action: QueueFull, Message: fmt.Sprint(i)})
	}
	within("both told directly", func() bool { return len(direct) == 2 })
	m.Emit(Note{Action: DiskLow})
	within("the third told directly", func() bool { return len(direct) == 3 })
	mu.Lock()
	ready = nil
	mu.Unlock()
	within("all put", func() bool { return len(put) == 3 })
	m.Emit(Note{Action: DiskRecovered})
	within("the last put", func() bool { return len(put) == 4 })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(direct) != fmt.Sprint(put[:3]) || direct[0] == direct[1] || put[3] == put[2] || put[0] == "" {
		t.Errorf("told directly %v, put %v; want the first three alike, each with an id of its own", direct, put)
	}
}

package sensors

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hoalu/sensors/shipper"
)

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}

// TestAccountsBalance: whatever the moment, seen = sent + dropped + filtered + growth of waiting, over probes, rings, memory and
// spool, with a collector that is slow, refuses and goes away, a ring that overflows and records the filter takes.
func TestAccountsBalance(t *testing.T) {
	var calls atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/position" {
			w.Write([]byte(`{"sequence":0}`))
			return
		}
		switch n := calls.Add(1); {
		case n%7 == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		case n%11 == 0:
			w.WriteHeader(http.StatusBadRequest)
		default:
			w.Write([]byte(`{}`))
		}
	}))
	defer srv.Close()
	ship, err := shipper.Open(shipper.Config{Dir: t.TempDir(), Server: srv.URL, Batch: 20, Linger: time.Millisecond, Memory: 4000, MaxDisk: 8 << 10}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	h := New(Config{Name: "h"}, ship, slog.New(slog.DiscardHandler))
	var seen, filtered, ring atomic.Int64
	h.count("process", func() Counts {
		f, d := filtered.Load(), ring.Load()
		return Counts{Seen: seen.Load(), Filtered: f, Dropped: map[string]int64{"ring_process": d}}
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { ship.Run(ctx) })
	const records = 20_000
	wg.Go(func() {
		for i := range records {
			seen.Add(1)
			switch {
			case i%10 == 0:
				filtered.Add(1)
			case i%17 == 0:
				ring.Add(1)
			default:
				h.hand("process", []byte(`{"message":"a record of some size, as they are"}`))
			}
			if i%100 == 0 {
				time.Sleep(time.Millisecond) // as a ring is read in turns
			}
		}
	})
	b := books{from: time.Now()}
	var waiting, total int64
	told := func() {
		t.Helper()
		acc, next := h.account(b, time.Now())
		if s, rest := sum(acc.Seen), sum(acc.Sent)+sum(acc.Dropped)+sum(acc.Filtered)+acc.Waiting-waiting; s != rest || acc.Waiting < 0 {
			t.Fatalf("seen %d, sent + dropped + filtered + growth of waiting %d: %+v", s, rest, acc)
		}
		b, waiting = next, acc.Waiting
		total += sum(acc.Seen)
	}
	for end := time.Now().Add(10 * time.Second); seen.Load() < records && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		told()
	}
	cancel()
	wg.Wait()
	told()
	if total != records {
		t.Errorf("the accounts add up to %d records seen, want %d", total, records)
	}
	if st := ship.Stats(); st.Seen != st.Sent+sum(st.Dropped)+st.Waiting || st.Sent == 0 || sum(st.Dropped) == 0 {
		t.Errorf("shipper: %+v", st)
	}
}

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"hoalu/ecs/wire"
)

// stream is a Stream in memory.
type stream struct {
	mu    sync.Mutex
	msgs  map[uint64][]byte
	last  uint64
	more  chan struct{}
	reads atomic.Int64
}

func newStream() *stream { return &stream{msgs: map[uint64][]byte{}, more: make(chan struct{})} }

func (s *stream) add(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	if data != nil { // nil: a hole
		s.msgs[s.last] = data
	}
	close(s.more)
	s.more = make(chan struct{})
}

func (s *stream) addLine(n int) {
	s.add(wire.Encode(&wire.Batch{Listener: "t", Epoch: "e",
		Frames: []wire.Frame{{Received: received, Format: wire.FormatLine, Data: []byte(fmt.Sprintf("line %d", n))}}}))
}

func (s *stream) Read(ctx context.Context, seq uint64) ([]byte, uint64, error) {
	s.reads.Add(1)
	for {
		s.mu.Lock()
		for at := seq; at <= s.last; at++ {
			if data, ok := s.msgs[at]; ok {
				s.mu.Unlock()
				return data, at, nil
			}
		}
		more := s.more
		s.mu.Unlock()
		select {
		case <-more:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// TestHub: three readers, one that fails now and then and one that starts late, get every message in order; what they share is
// decoded once; a hole is told and a damaged message is quarantined.
func TestHub(t *testing.T) {
	s := newStream()
	const n = 300
	for i := 1; i <= n/2; i++ {
		s.addLine(i)
	}
	s.add(nil)
	s.add([]byte("not a batch"))
	reg := prometheus.NewRegistry()
	h := NewHub(HubConfig{RetryMin: time.Microsecond, RetryMax: time.Millisecond, CacheBytes: 20_000}, s, newPipeline(t, nil), nil)
	reg.MustRegister(h.Collectors()...)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wg sync.WaitGroup
	type seen struct {
		seqs        []uint64
		missing     uint64
		quarantined int
	}
	follow := func(name string, from uint64, flaky bool) *seen {
		var got seen
		wg.Add(1)
		go func() {
			defer wg.Done()
			fails := 0
			err := h.Follow(ctx, name, from, func(_ context.Context, d *Decoded) error {
				if flaky && fails < 2 && d.Seq%10 == 0 {
					fails++
					return errors.New("not now")
				}
				fails = 0
				got.seqs = append(got.seqs, d.Seq)
				got.missing += d.Missing
				got.quarantined += len(d.Quarantined)
				return nil
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Follow(%s) = %v", name, err)
			}
		}()
		return &got
	}
	done := make(chan struct{})
	a, b := follow("a", 0, false), follow("b", 1, true)
	go func() {
		for i := n/2 + 1; i <= n; i++ {
			s.addLine(i)
		}
		close(done)
	}()
	<-done
	c := follow("late", 1, false)
	deadline := time.After(20 * time.Second)
	for h.doneReaders(n+2) < 3 {
		select {
		case <-deadline:
			t.Fatalf("readers are not done")
		case <-time.After(time.Millisecond):
		}
	}
	cancel()
	wg.Wait()
	h.Close()
	for name, g := range map[string]*seen{"a": a, "b": b, "late": c} {
		last := uint64(0)
		for _, q := range g.seqs {
			if q != last+1 && !(last == n/2 && q == n/2+2) {
				t.Fatalf("%s: %d after %d", name, q, last)
			}
			last = q
		}
		if last != n+2 || g.missing != 1 || g.quarantined < 1 {
			t.Errorf("%s: up to %d, missing %d, quarantined %d; want %d, 1, 1", name, last, g.missing, g.quarantined, n+2)
		}
	}
	if got := value(h.retries.WithLabelValues("b")); got == 0 {
		t.Error("retries of b are not counted")
	}
	if h.bytes > 20_000+1000 {
		t.Errorf("cache holds %d bytes", h.bytes)
	}
}

// doneReaders counts the readers that have done all up to seq.
func (h *Hub) doneReaders(seq uint64) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, next := range h.readers {
		if next > seq {
			n++
		}
	}
	return n
}

// TestHubShares: two readers at the head cost one decode a message.
func TestHubShares(t *testing.T) {
	s := newStream()
	h := NewHub(HubConfig{}, s, newPipeline(t, nil), nil)
	defer h.Close()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	step := make(chan *Decoded)
	for _, name := range []string{"a", "b"} {
		wg.Add(1)
		go func() {
			defer wg.Done()
			h.Follow(ctx, name, 1, func(_ context.Context, d *Decoded) error { step <- d; return nil }) //nolint:errcheck // ends with ctx
		}()
	}
	eventually(t, "both readers are at the head", func() bool { return h.doneReaders(0) == 2 })
	for i := 1; i <= 50; i++ {
		s.addLine(i)
		if x, y := <-step, <-step; x != y || x.Seq != uint64(i) {
			t.Fatalf("message %d: readers got %d and %d, the same: %v", i, x.Seq, y.Seq, x == y)
		}
	}
	cancel()
	wg.Wait()
	if got := value(h.decoded.WithLabelValues("shared")); got != 50 {
		t.Errorf("%v decodes for 50 messages and two readers", got)
	}
	if len(h.futures) > h.cfg.Ahead+1 {
		t.Errorf("%d futures held although both readers are past them", len(h.futures))
	}
}

func value(c prometheus.Counter) float64 {
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		return -1
	}
	return m.GetCounter().GetValue()
}

package shipper

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"hoalu/ecs/wire"
)

// collector is a real HTTPS server that keeps what it acknowledges, by sequence.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	got   map[uint64][]string
	seqs  []uint64
	away  int // answer 503
	never int // answer 400
}

func newCollector(t *testing.T) *collector {
	c := &collector{got: map[uint64][]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/position", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		var last uint64
		for s := range c.got {
			last = max(last, s)
		}
		json.NewEncoder(w).Encode(map[string]uint64{"sequence": last})
	})
	mux.HandleFunc("POST /v1/batches", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil { // the sender was killed amid it
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.away > 0 {
			c.away--
			http.Error(w, "disk below the reserve", http.StatusServiceUnavailable)
			return
		}
		if c.never > 0 {
			c.never--
			http.Error(w, "no batch", http.StatusBadRequest)
			return
		}
		b, err := wire.Decode(body)
		if err != nil {
			t.Errorf("batch: %v", err)
			return
		}
		if _, twice := c.got[b.Sequence]; !twice {
			c.seqs = append(c.seqs, b.Sequence)
			for _, f := range b.Frames {
				c.got[b.Sequence] = append(c.got[b.Sequence], string(f.Data))
			}
		}
		fmt.Fprint(w, "{}")
	})
	c.Server = httptest.NewUnstartedServer(mux)
	c.EnableHTTP2 = true
	c.StartTLS()
	t.Cleanup(c.Server.Close)
	return c
}

func (c *collector) records() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, s := range c.seqs {
		out = append(out, c.got[s]...)
	}
	return out
}

func (c *collector) config(dir string) Config {
	return Config{Dir: dir, Server: c.URL, TLS: c.Client().Transport.(*http.Transport).TLSClientConfig, Batch: 10,
		Linger: 5 * time.Millisecond}
}

func start(t *testing.T, cfg Config) (*Shipper, func()) {
	t.Helper()
	s, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	return s, func() { cancel(); <-done }
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// TestOutageThenOrder: a collector that is away gets everything later, in order and once; the books balance.
func TestOutageThenOrder(t *testing.T) {
	c := newCollector(t)
	c.away = 5
	s, stop := start(t, c.config(t.TempDir()))
	defer stop()
	for i := range 95 {
		s.Put(fmt.Appendf(nil, `{"n":%d}`, i))
	}
	until(t, "all sent", func() bool { return s.Stats().Sent == 95 })
	got := c.records()
	for i, r := range got {
		if r != fmt.Sprintf(`{"n":%d}`, i) {
			t.Fatalf("record %d is %s: lost or out of order", i, r)
		}
	}
	st := s.Stats()
	if len(got) != 95 || st.Seen != 95 || st.Waiting != 0 || len(st.Dropped) != 0 || st.Bytes != 0 || st.Error != "" {
		t.Errorf("%d at the collector, stats %+v", len(got), st)
	}
}

// TestLargeRecordsGoInBatchesThatAreTaken: five records of 900 kB in one batch would unpack to more than the collector takes.
func TestLargeRecordsGoInBatchesThatAreTaken(t *testing.T) {
	c := newCollector(t)
	cfg := c.config(t.TempDir())
	cfg.Linger = 200 * time.Millisecond
	s, stop := start(t, cfg)
	defer stop()
	record := bytes.Repeat([]byte("a"), 900<<10)
	for range 8 {
		s.Put(record)
	}
	until(t, "all sent", func() bool { return s.Stats().Sent == 8 })
	c.mu.Lock()
	defer c.mu.Unlock()
	for seq, records := range c.got {
		if n := len(records); n != 1 {
			t.Errorf("batch %d holds %d records of 900 kB, want 1", seq, n)
		}
	}
}

// TestSpoolSurvives: what could not be sent is sent by the next process, under its old numbers.
func TestSpoolSurvives(t *testing.T) {
	c := newCollector(t)
	dir := t.TempDir()
	c.away = 1 << 30
	s, stop := start(t, c.config(dir))
	for i := range 30 {
		s.Put(fmt.Appendf(nil, `{"n":%d}`, i))
	}
	until(t, "in the spool", func() bool { st := s.Stats(); return st.Waiting == 30 && st.Bytes > 0 && st.Error != "" })
	stop()
	c.mu.Lock()
	c.away = 0
	c.mu.Unlock()
	s, stop = start(t, c.config(dir))
	s.Put([]byte(`{"n":30}`))
	until(t, "all sent", func() bool { return s.Stats().Sent == 31 })
	stop()
	if got := c.records(); len(got) != 31 {
		t.Fatalf("%d records at the collector, want 31", len(got))
	}
	// a lost spool does not reuse numbers
	s, stop = start(t, c.config(t.TempDir()))
	defer stop()
	s.Put([]byte(`{"n":31}`))
	until(t, "sent", func() bool { return s.Stats().Sent == 1 })
	if got := c.records(); len(got) != 32 {
		t.Errorf("after the spool was lost the collector took a new record for a duplicate: %d records", len(got))
	}
}

// TestFullSpoolDropsOldestAndCounts.
func TestFullSpoolDropsOldestAndCounts(t *testing.T) {
	c := newCollector(t)
	c.away = 1 << 30
	cfg := c.config(t.TempDir())
	cfg.MaxDisk = 1200
	s, stop := start(t, cfg)
	for i := range 400 {
		s.Put(fmt.Appendf(nil, `{"n":%d,"x":"%x"}`, i, i*7919))
	}
	until(t, "drops", func() bool { st := s.Stats(); return st.Dropped[DropSpool] > 0 && st.Bytes <= 1200 })
	c.mu.Lock()
	c.away = 0
	c.mu.Unlock()
	until(t, "drained", func() bool { return s.Stats().Waiting == 0 })
	stop()
	st := s.Stats()
	if st.Seen != st.Sent+st.Dropped[DropSpool]+st.Waiting || int64(len(c.records())) != st.Sent {
		t.Errorf("books do not balance: %+v, collector has %d", st, len(c.records()))
	}
}

func TestRefusedBatchDoesNotBlock(t *testing.T) {
	c := newCollector(t)
	c.never = 1
	s, stop := start(t, c.config(t.TempDir()))
	defer stop()
	s.Put([]byte(`{"n":0}`))
	until(t, "refused", func() bool { return s.Stats().Dropped[DropRefused] == 1 })
	s.Put([]byte(`{"n":1}`))
	until(t, "sent", func() bool { return s.Stats().Sent == 1 })
}

// insecure trusts the test's server in another process.
func insecure() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

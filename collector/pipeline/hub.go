package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hoalu/ecs/wire"
	"hoalu/internal/wording"
)

// Stream is the queue as the Hub reads it. Read blocks until there is a message at seq or later and returns the first one: at
// greater than seq says that those between are gone (purged or lost).
type Stream interface {
	Read(ctx context.Context, seq uint64) (data []byte, at uint64, err error)
}

// HubConfig of a Hub.
type HubConfig struct {
	CacheBytes int           // decoded batches kept for readers near the head; 0: 64 MiB
	Ahead      int           // messages decoded in advance of a reader at the head; 0: 2
	RetryMin   time.Duration // first pause after a handler's error, doubled up to RetryMax; 0: 50 ms
	RetryMax   time.Duration // 0: 10 s
}

// Hub decodes each queue message once for all its readers while they are near the head, and hands it to each of them in order.
//
// How: a message asked for is a future in a map. The first reader to ask starts it, the others wait for the same one. Futures at
// or behind the newest message are cached until the byte budget is spent, oldest first; a reader that asks for what is no longer
// there (a laggard) decodes for itself and puts nothing into the cache, so it neither holds others back nor spoils their cache.
// Invariants: the cache never holds more than CacheBytes plus one message per reader; a handler of one reader is called by one
// goroutine, in order of sequence; a message is handed over again only after its handler returned an error.
type Hub struct {
	cfg      HubConfig
	stream   Stream
	pipeline *Pipeline
	log      *slog.Logger

	ctx  context.Context // ends the decodes in flight
	stop context.CancelFunc
	wg   sync.WaitGroup

	mu      sync.Mutex
	futures map[uint64]*future
	order   []uint64 // cached sequences, oldest first
	bytes   int
	newest  uint64            // greatest sequence decoded for the cache
	readers map[string]uint64 // next sequence of each follower: what all are past is let go
	waiting map[string]error  // by follower: why it goes no further now

	decoded, events, quarantined, retries, alone, missing *prometheus.CounterVec
	cacheBytes                                            prometheus.Gauge
	position, halts                                       *prometheus.GaugeVec
	conflicts                                             prometheus.Counter
	seconds                                               prometheus.Histogram
}

type future struct {
	done chan struct{} // closed when d or err is set
	d    *Decoded
	err  error
}

// NewHub returns a Hub over a stream. Close it after its followers have returned.
func NewHub(cfg HubConfig, s Stream, p *Pipeline, log *slog.Logger) *Hub {
	if cfg.CacheBytes <= 0 {
		cfg.CacheBytes = 64 << 20
	}
	if cfg.Ahead <= 0 {
		cfg.Ahead = 2
	}
	if cfg.RetryMin <= 0 {
		cfg.RetryMin = 50 * time.Millisecond
	}
	if cfg.RetryMax <= 0 {
		cfg.RetryMax = 10 * time.Second
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	h := &Hub{cfg: cfg, stream: s, pipeline: p, log: log.With("component", "pipeline"), futures: map[uint64]*future{},
		readers: map[string]uint64{}, waiting: map[string]error{}}
	h.ctx, h.stop = context.WithCancel(context.Background())
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hoalu_pipeline_" + name, Help: help}, labels)
	}
	h.decoded = counter("batches_total", "Queue messages decoded.", "how")
	h.events = counter("events_total", "Events decoded, by listener.", "listener")
	h.quarantined = counter("quarantined_total", "Frames that did not become an event, by reason.", "reason")
	h.retries = counter("handler_retries_total", "Batches handed to a reader again after it failed.", "reader")
	h.alone = counter("laggard_batches_total", "Batches a reader decoded for itself because it is far behind.", "reader")
	h.missing = counter("missing_total", "Queue sequences that were gone when a reader came to them.", "reader")
	h.conflicts = prometheus.NewCounter(prometheus.CounterOpts{Name: "hoalu_pipeline_binding_conflicts_total",
		Help: "Frames whose bindings name different systems."})
	h.cacheBytes = prometheus.NewGauge(prometheus.GaugeOpts{Name: "hoalu_pipeline_cache_bytes",
		Help: "Decoded batches held for readers near the head."})
	h.position = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hoalu_pipeline_position", Help: "Last sequence a reader has done."},
		[]string{"reader"})
	h.halts = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "hoalu_pipeline_reader_waits",
		Help: "1 while a reader is handed the same batch again because it failed or the batch cannot be decoded now."}, []string{"reader"})
	h.seconds = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hoalu_pipeline_decode_seconds",
		Help: "Time to decode one queue message.", Buckets: prometheus.ExponentialBuckets(0.0001, 4, 8)})
	return h
}

// Collectors are the metrics of the Hub.
func (h *Hub) Collectors() []prometheus.Collector {
	return []prometheus.Collector{h.decoded, h.events, h.quarantined, h.retries, h.alone, h.missing, h.conflicts, h.cacheBytes, h.position,
		h.halts, h.seconds}
}

// Close ends the decodes in flight and waits for them.
func (h *Hub) Close() {
	h.stop()
	h.wg.Wait()
}

// Ready says which readers go no further now, and why; nil when all do.
func (h *Hub) Ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(h.waiting)) {
		errs = append(errs, wording.New("reader %s waits, nothing is lost: %s", name, h.waiting[name]))
	}
	return errors.Join(errs...)
}

// halted notes that a reader goes no further for err; nil: it does.
func (h *Hub) halted(name string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		delete(h.waiting, name)
		h.halts.WithLabelValues(name).Set(0)
		return
	}
	h.waiting[name] = err
	h.halts.WithLabelValues(name).Set(1)
}

// Follow calls handle with every message from sequence from on, in order, until ctx ends; it returns ctx's error, or nil after
// Close. A handler's error is logged and the same message handed over again after a pause that doubles up to RetryMax: readers
// keep their position with their results (decision 3), so nothing is skipped. A panic of handle counts as its error. As long as a
// reader is handed the same message again, Ready names it. name labels the metrics.
func (h *Hub) Follow(ctx context.Context, name string, from uint64, handle func(context.Context, *Decoded) error) error {
	next := max(from, 1)
	pause := h.cfg.RetryMin
	h.passed(name, next)
	defer h.left(name)
	stuck := false
	wait := func(what string, err error) error {
		stuck = true
		h.halted(name, err)
		h.log.WarnContext(ctx, what, "reader", name, "sequence", next, "error", err, "retry_in", pause)
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-h.ctx.Done():
			return nil
		}
		pause = min(2*pause, h.cfg.RetryMax)
		return nil
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if h.ctx.Err() != nil {
			return nil
		}
		d, err := h.get(ctx, name, next)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if h.ctx.Err() != nil {
				return nil
			}
			if err := wait("reading the queue failed", err); err != nil {
				return err
			}
			continue
		}
		for {
			err := h.careful(ctx, d, handle)
			if err == nil {
				break
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			h.retries.WithLabelValues(name).Inc()
			if err := wait("a reader failed on a batch", err); err != nil {
				return err
			}
			if h.ctx.Err() != nil {
				return nil
			}
		}
		pause = h.cfg.RetryMin
		if stuck {
			stuck = false
			h.halted(name, nil)
		}
		h.position.WithLabelValues(name).Set(float64(d.Seq))
		h.missing.WithLabelValues(name).Add(float64(d.Missing))
		next = d.Seq + 1
		h.passed(name, next)
	}
}

// careful calls handle and gives its panic as an error: one batch must not end the process.
func (h *Hub) careful(ctx context.Context, d *Decoded, handle func(context.Context, *Decoded) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			h.log.Error("a reader panicked", "sequence", d.Seq, "error", v, "error.stack_trace", string(debug.Stack()))
			err = fmt.Errorf("it panicked on batch %d: %v", d.Seq, v)
		}
	}()
	return handle(ctx, d)
}

// passed notes how far a reader is and lets go what all readers are past.
func (h *Hub) passed(name string, next uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers[name] = next
	least := next
	for _, n := range h.readers {
		least = min(least, n)
	}
	kept := h.order[:0]
	for _, seq := range h.order {
		if seq < least {
			h.bytes -= h.futures[seq].d.Bytes
			delete(h.futures, seq)
		} else {
			kept = append(kept, seq)
		}
	}
	h.order = kept
	h.cacheBytes.Set(float64(h.bytes))
}

func (h *Hub) left(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.readers, name)
	delete(h.waiting, name)
}

// get returns the decoded message at seq, or the first one after it.
func (h *Hub) get(ctx context.Context, name string, seq uint64) (*Decoded, error) {
	h.mu.Lock()
	f, ok := h.futures[seq]
	if !ok && seq <= h.newest { // behind the cache
		h.mu.Unlock()
		h.alone.WithLabelValues(name).Inc()
		return h.decode(ctx, seq, "alone")
	}
	if !ok {
		f = h.start(seq)
	}
	for n := seq + 1; n <= seq+uint64(h.cfg.Ahead); n++ {
		if _, ok := h.futures[n]; !ok && n > h.newest {
			h.start(n)
		}
	}
	h.mu.Unlock()
	select {
	case <-f.done:
		return f.d, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-h.ctx.Done():
		return nil, h.ctx.Err()
	}
}

// start begins to decode seq for the cache; h.mu is held.
func (h *Hub) start(seq uint64) *future {
	f := &future{done: make(chan struct{})}
	h.futures[seq] = f
	h.wg.Add(1)
	go func() {
		defer h.wg.Done()
		d, err := h.decode(h.ctx, seq, "shared")
		h.mu.Lock()
		defer h.mu.Unlock()
		f.d, f.err = d, err
		close(f.done)
		if err != nil {
			delete(h.futures, seq) // asked for again, it is read again
			return
		}
		h.newest = max(h.newest, seq)
		h.order = append(h.order, seq)
		h.bytes += d.Bytes
		h.evict()
	}()
	return f
}

// evict keeps the cache within its budget, oldest out first; the newest message always stays. h.mu is held.
func (h *Hub) evict() {
	for h.bytes > h.cfg.CacheBytes && len(h.order) > 1 {
		oldest := 0 // futures end out of order by at most Ahead
		for i := range min(len(h.order), h.cfg.Ahead+2) {
			if h.order[i] < h.order[oldest] {
				oldest = i
			}
		}
		seq := h.order[oldest]
		h.order = append(h.order[:oldest], h.order[oldest+1:]...)
		h.bytes -= h.futures[seq].d.Bytes
		delete(h.futures, seq)
	}
	h.cacheBytes.Set(float64(h.bytes))
}

func (h *Hub) decode(ctx context.Context, seq uint64, how string) (*Decoded, error) {
	data, at, err := h.stream.Read(ctx, seq)
	if err != nil {
		return nil, err
	}
	if at < seq {
		return nil, errors.New("the queue answered with an older message than asked for")
	}
	start := time.Now()
	d, err := h.read(data, at, start)
	if err != nil {
		return nil, err
	}
	d.Missing = at - seq
	h.seconds.Observe(time.Since(start).Seconds())
	h.decoded.WithLabelValues(how).Inc()
	if how == "shared" {
		h.events.WithLabelValues(d.Listener).Add(float64(len(d.Events)))
		for i := range d.Quarantined {
			h.quarantined.WithLabelValues(d.Quarantined[i].Reason).Inc()
		}
		for _, n := range d.Conflicts {
			h.conflicts.Add(float64(n))
		}
	}
	return d, nil
}

// read turns one message into what its readers take. A panic that no frame is to blame for is an error: the readers wait.
func (h *Hub) read(data []byte, at uint64, now time.Time) (d *Decoded, err error) {
	defer func() {
		if v := recover(); v != nil {
			h.log.Error("decoding panicked", "sequence", at, "error", v, "error.stack_trace", string(debug.Stack()))
			d, err = nil, fmt.Errorf("decoding batch %d panicked: %v", at, v)
		}
	}()
	b, err := wire.Decode(data)
	if errors.Is(err, wire.ErrVersion) { // not damaged: this program is too old for it
		return nil, err
	}
	if err != nil {
		return Damaged(at, data, err, now), nil
	}
	return h.pipeline.Decode(b, at)
}

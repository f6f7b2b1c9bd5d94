// Package shipper brings a sensor's records to the collector: it keeps them in a spool on disk until the collector has acknowledged
// them, over HTTPS/2 with the sensor's own certificate.
//
// Words: a record is one flat ECS object; a batch is what one spool file and one POST hold; the sequence is the sensor's own ascending
// batch number, by which the collector drops what comes twice; the spool is the folder of batches not yet acknowledged.
//
// Contract: Put never blocks and may be called from any goroutine; what does not fit in memory or in the spool's budget is dropped and
// counted by reason, the oldest batch first. Nothing else is lost: a batch leaves the spool only after the collector answered that it is
// durable, or answered that it can never take it (counted as refused). After kill -9 what was in the spool is sent; what was only in
// memory (at most Linger old) is not, and the next start cannot count it. Seen = Sent + Dropped + Waiting holds in Stats at any time.
package shipper

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"

	"hoalu/ecs/wire"
)

// Config of a Shipper.
type Config struct {
	Dir     string        // spool folder
	Server  string        // https://host:port
	TLS     *tls.Config   // client certificate, and the collector's authority
	Batch   int           // records in a batch, 0: 500
	Linger  time.Duration // a record waits this long for company, 0: 200 ms
	Memory  int           // bytes of records not yet in the spool, 0: 16 MiB
	MaxDisk int64         // bytes of the spool, 0: 256 MiB
}

// Reasons of Stats.Dropped.
const (
	DropMemory  = "shipper_memory" // more came than the disk took
	DropSpool   = "spool_full"     // the collector was away longer than the spool holds
	DropRefused = "refused"        // the collector answered that it can never take the batch
	DropDisk    = "spool_error"    // the spool could not be written
)

// Stats since the start.
type Stats struct {
	Seen    int64            `json:"seen"` // records handed to Put, and found in the spool at the start
	Sent    int64            `json:"sent"` // acknowledged
	Dropped map[string]int64 `json:"dropped"`
	Waiting int64            `json:"waiting"`         // in memory and spool
	Bytes   int64            `json:"bytes"`           // of the spool
	Error   string           `json:"error,omitempty"` // why the last delivery failed, "" it did not
}

// Shipper is one sensor's way to its collector.
type Shipper struct {
	cfg    Config
	log    *slog.Logger
	client *http.Client
	wake   chan struct{} // records in memory
	ready  chan struct{} // batches in the spool

	mu      sync.Mutex
	records [][]byte
	size    int
	spool   []batch // oldest first
	stats   Stats
	next    uint64
}

type batch struct {
	seq     uint64
	records int64
	bytes   int64
	sending bool
}

func (b batch) name() string { return fmt.Sprintf("%020d-%d.hlb", b.seq, b.records) }

// Open reads the spool.
func Open(cfg Config, log *slog.Logger) (*Shipper, error) {
	if cfg.Batch == 0 {
		cfg.Batch = 500
	}
	if cfg.Linger == 0 {
		cfg.Linger = 200 * time.Millisecond
	}
	if cfg.Memory == 0 {
		cfg.Memory = 16 << 20
	}
	if cfg.MaxDisk == 0 {
		cfg.MaxDisk = 256 << 20
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	s := &Shipper{cfg: cfg, log: log.With("component", "shipper"), wake: make(chan struct{}, 1), ready: make(chan struct{}, 1),
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: cfg.TLS, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: 90 * time.Second}, Timeout: time.Minute}}
	s.stats.Dropped = map[string]int64{}
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("read spool: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			os.Remove(filepath.Join(cfg.Dir, e.Name()))
			continue
		}
		var b batch
		if _, err := fmt.Sscanf(e.Name(), "%d-%d.hlb", &b.seq, &b.records); err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, fmt.Errorf("read spool: %w", err)
		}
		b.bytes = info.Size()
		s.spool = append(s.spool, b)
		s.stats.Seen += b.records
		s.stats.Waiting += b.records
		s.stats.Bytes += b.bytes
		s.next = max(s.next, b.seq)
	}
	sort.Slice(s.spool, func(i, j int) bool { return s.spool[i].seq < s.spool[j].seq })
	if raw, err := os.ReadFile(filepath.Join(cfg.Dir, "sequence")); err == nil {
		var n uint64
		if _, err := fmt.Sscan(string(raw), &n); err == nil {
			s.next = max(s.next, n)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read spool position: %w", err)
	}
	return s, nil
}

// Put takes a record; it is copied.
func (s *Shipper) Put(record []byte) {
	s.mu.Lock()
	s.stats.Seen++
	if s.size+len(record) > s.cfg.Memory {
		s.stats.Dropped[DropMemory]++
		s.mu.Unlock()
		return
	}
	s.records = append(s.records, bytes.Clone(record))
	s.size += len(record)
	s.stats.Waiting++
	s.mu.Unlock()
	signal(s.wake)
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Stats since the start.
func (s *Shipper) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Dropped = make(map[string]int64, len(s.stats.Dropped))
	for k, v := range s.stats.Dropped {
		out.Dropped[k] = v
	}
	return out
}

// Run spools and sends until ctx ends; what is in memory then goes into the spool.
func (s *Shipper) Run(ctx context.Context) error {
	if err := s.position(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.spoolLoop(ctx) })
	wg.Go(func() { s.sendLoop(ctx) })
	wg.Wait()
	return ctx.Err()
}

// position asks the collector how far it is, so that a sensor that lost its spool does not reuse numbers. It waits for the collector.
func (s *Shipper) position(ctx context.Context) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		var p struct {
			Sequence uint64 `json:"sequence"`
		}
		err := s.get(ctx, "/v1/position", &p)
		if err == nil {
			s.mu.Lock()
			s.next = max(s.next, p.Sequence)
			s.mu.Unlock()
			return nil
		}
		if len(s.spool) > 0 || s.next > 0 {
			return nil // the spool knows its own numbers
		}
		s.failed(err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

func (s *Shipper) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := ""
	if err != nil {
		text = err.Error()
	}
	if (text == "") != (s.stats.Error == "") {
		if err != nil {
			s.log.Warn("collector does not take records; they wait in the spool", "error", err)
		} else {
			s.log.Info("collector takes records again")
		}
	}
	s.stats.Error = text
}

func (s *Shipper) spoolLoop(ctx context.Context) {
	timer := time.NewTimer(s.cfg.Linger)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			for s.spoolOne() {
			}
			return
		case <-s.wake:
		}
		s.mu.Lock()
		full := len(s.records) >= s.cfg.Batch
		s.mu.Unlock()
		if !full {
			timer.Reset(s.cfg.Linger)
			select {
			case <-ctx.Done():
			case <-timer.C:
			}
		}
		for s.spoolOne() {
		}
	}
}

// spoolOne writes one batch durably; it reports whether records are left.
func (s *Shipper) spoolOne() bool {
	s.mu.Lock()
	n := min(len(s.records), s.cfg.Batch)
	if n == 0 {
		s.mu.Unlock()
		return false
	}
	records := s.records[:n:n]
	s.records = s.records[n:]
	for _, r := range records {
		s.size -= len(r)
	}
	s.next++
	b := batch{seq: s.next, records: int64(n)}
	more := len(s.records) > 0
	s.mu.Unlock()

	now := time.Now().UnixMilli()
	frames := make([]wire.Frame, n)
	for i, r := range records {
		frames[i] = wire.Frame{Received: now, Format: wire.FormatECS, Data: r}
	}
	data := wire.Encode(&wire.Batch{Listener: "sensor", Sequence: b.seq, Frames: frames})
	b.bytes = int64(len(data))
	if err := s.write(b, data); err != nil {
		s.log.Error("write spool", "error", err)
		s.mu.Lock()
		s.stats.Dropped[DropDisk] += b.records
		s.stats.Waiting -= b.records
		s.mu.Unlock()
		return more
	}
	s.mu.Lock()
	s.spool = append(s.spool, b)
	s.stats.Bytes += b.bytes
	for s.stats.Bytes > s.cfg.MaxDisk && len(s.spool) > 1 { // oldest first, but not the one under way
		i := 0
		if s.spool[0].sending {
			i = 1
		}
		old := s.spool[i]
		s.spool = append(s.spool[:i:i], s.spool[i+1:]...)
		s.stats.Bytes -= old.bytes
		s.stats.Waiting -= old.records
		s.stats.Dropped[DropSpool] += old.records
		os.Remove(filepath.Join(s.cfg.Dir, old.name()))
	}
	s.mu.Unlock()
	signal(s.ready)
	return more
}

func (s *Shipper) write(b batch, data []byte) error {
	path := filepath.Join(s.cfg.Dir, b.name())
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		os.Remove(path + ".tmp")
		return err
	}
	dir, err := os.Open(s.cfg.Dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// errRefused marks an answer that will never be another.
var errRefused = errors.New("the collector refuses the batch for good")

func (s *Shipper) sendLoop(ctx context.Context) {
	wait := time.Duration(0)
	for {
		if wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait + time.Duration(rand.Int64N(int64(wait)/4+1))):
			}
		}
		s.mu.Lock()
		var b batch
		if len(s.spool) > 0 {
			s.spool[0].sending = true
			b = s.spool[0]
		}
		s.mu.Unlock()
		if b.seq == 0 {
			select {
			case <-ctx.Done():
				return
			case <-s.ready:
			}
			continue
		}
		err := s.send(ctx, b)
		if ctx.Err() != nil {
			return
		}
		s.failed(err)
		if err != nil && !errors.Is(err, errRefused) {
			wait = min(max(2*wait, 100*time.Millisecond), 10*time.Second)
			s.mu.Lock()
			s.spool[0].sending = false
			s.mu.Unlock()
			continue
		}
		wait = 0
		if err := s.keepSequence(b.seq); err != nil {
			s.log.Error("write spool position", "error", err)
		}
		if err := os.Remove(filepath.Join(s.cfg.Dir, b.name())); err != nil {
			s.log.Error("remove a sent batch from the spool; the collector will drop it as a duplicate", "error", err)
		}
		s.mu.Lock()
		s.spool = s.spool[1:]
		s.stats.Bytes -= b.bytes
		s.stats.Waiting -= b.records
		if err != nil {
			s.stats.Dropped[DropRefused] += b.records
		} else {
			s.stats.Sent += b.records
		}
		s.mu.Unlock()
	}
}

func (s *Shipper) keepSequence(n uint64) error {
	path := filepath.Join(s.cfg.Dir, "sequence")
	if err := os.WriteFile(path+".tmp", fmt.Append(nil, n), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func (s *Shipper) send(ctx context.Context, b batch) error {
	data, err := os.ReadFile(filepath.Join(s.cfg.Dir, b.name()))
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.Server+"/v1/batches", bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
	switch res.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return fmt.Errorf("%w: %d %s", errRefused, res.StatusCode, answer)
	}
	return fmt.Errorf("the collector answers %d %s", res.StatusCode, answer)
}

// Account posts ten seconds of accounting (the collector's /v1/stats).
func (s *Shipper) Account(ctx context.Context, stats any) error {
	body, err := json.Marshal(stats)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.Server+"/v1/stats", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		answer, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		return fmt.Errorf("the collector answers %d %s", res.StatusCode, answer)
	}
	return nil
}

func (s *Shipper) get(ctx context.Context, path string, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.cfg.Server+path, nil)
	if err != nil {
		return err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
		return fmt.Errorf("the collector answers %d %s", res.StatusCode, answer)
	}
	return json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(v)
}

// Package shipper brings a sensor's records to the collector: it keeps them in a spool on disk until the collector has acknowledged
// them, over HTTPS/2 with the sensor's own certificate.
//
// Words: a record is one flat ECS object; a batch is what one spool file and one POST hold; the sequence is the sensor's own ascending
// batch number, by which the collector drops what comes twice; the spool is the folder of batches not yet acknowledged.
//
// Contract: Put never blocks and may be called from any goroutine; what does not fit in memory or in the spool's budget is dropped and
// counted by reason, the oldest batch first. Who has something to lose first waits for Room before it puts, and drops in an order of its
// own meanwhile. Nothing else is lost: a batch leaves the spool only after the collector answered that it is durable, or answered that it
// can never take it (counted as refused). While the disk takes nothing batches wait in memory and are sent from there. After kill -9 what
// was in the spool is sent, once; what was only in memory (at most Linger old while the disk takes it) is not, and the next start cannot
// count it. Seen = Sent + Dropped + Waiting holds in Stats at any time.
package shipper

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"hoalu/ecs/wire"
	"hoalu/internal/durable"
	"hoalu/internal/wording"
)

// Config of a Shipper.
type Config struct {
	Dir     string        // spool folder
	Server  string        // https://host:port
	TLS     *tls.Config   // client certificate, and the collector's authority
	Batch   int           // records in a batch, 0: 500
	Linger  time.Duration // a record waits this long for company, 0: 200 ms
	Memory  int           // bytes of records and batches not in the spool, 0: 16 MiB
	MaxDisk int64         // bytes of the spool, 0: 256 MiB
}

// lockWait is how long a start waits for the process before it to leave the spool.
const lockWait = 3 * time.Second

// batchBytes of records are put into one batch, or one record that is larger: the collector takes batches of megabytes only.
const batchBytes = 1 << 20

// connectionAge is how long a connection lasts: a new one shows the newest certificate.
const connectionAge = 12 * time.Hour

// Reasons of Stats.Dropped.
const (
	DropMemory  = "shipper_memory" // more came than the disk took
	DropSpool   = "spool_full"     // the collector was away longer than the spool holds
	DropRefused = "refused"        // the collector answered that it can never take the batch
	DropDisk    = "spool_error"    // the spool could not be written, and memory was full
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

	peers atomic.Pointer[[]netip.AddrPort] // of the collector, as dialled
	stale atomic.Bool                      // the next request is the last of its connection
	since atomic.Int64                     // Unix s when connections were last given up

	sequence *os.File // the greatest number acknowledged or sent from memory, so that no start uses it again

	mu      sync.Mutex
	records [][]byte
	size    int // bytes of records, and of batches in memory
	room    chan struct{}
	spool   []batch // oldest first
	stats   Stats
	next    uint64
	disk    error // why the last batch was not written
}

// batch waits for the collector: in a file, or in data while the disk takes nothing.
type batch struct {
	seq     uint64
	records int64
	bytes   int64
	data    []byte
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
		return nil, wording.Because(err, "make the folder of what waits: %s", wording.Of(err))
	}
	s := &Shipper{cfg: cfg, log: log.With("component", "shipper"), wake: make(chan struct{}, 1), ready: make(chan struct{}, 1),
		room: make(chan struct{})}
	dial := &net.Dialer{Timeout: 30 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		s.dialled(address)
		return nil
	}}
	s.client = &http.Client{Transport: &http.Transport{DialContext: dial.DialContext, TLSClientConfig: cfg.TLS.Clone(),
		ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: 90 * time.Second}, Timeout: time.Minute}
	s.since.Store(time.Now().Unix())
	s.stats.Dropped = map[string]int64{}
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return nil, wording.Because(err, "read the folder of what waits: %s", wording.Of(err))
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), durable.New) || strings.HasSuffix(e.Name(), ".tmp") /* of earlier versions */ {
			os.Remove(filepath.Join(cfg.Dir, e.Name()))
			continue
		}
		var b batch
		if _, err := fmt.Sscanf(e.Name(), "%d-%d.hlb", &b.seq, &b.records); err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, wording.Because(err, "read the folder of what waits: %s", wording.Of(err))
		}
		b.bytes = info.Size()
		s.spool = append(s.spool, b)
		s.stats.Seen += b.records
		s.stats.Waiting += b.records
		s.stats.Bytes += b.bytes
		s.next = max(s.next, b.seq)
	}
	sort.Slice(s.spool, func(i, j int) bool { return s.spool[i].seq < s.spool[j].seq })
	if s.sequence, err = os.OpenFile(filepath.Join(cfg.Dir, "sequence"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, wording.Because(err, "open the position of what waits: %s", wording.Of(err))
	}
	lock := func() error { return syscall.Flock(int(s.sequence.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
	err = lock()
	for end := time.Now().Add(lockWait); err != nil && time.Now().Before(end); err = lock() { // one that was killed may still be going
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		s.sequence.Close()
		return nil,
			wording.New("spool %s is in use: another sensor of this host sends from it; stop that one first, or give this one a spool of its own",
				cfg.Dir)
	}
	raw, err := io.ReadAll(io.LimitReader(s.sequence, 64))
	if err != nil {
		s.sequence.Close()
		return nil, wording.Because(err, "read the position of what waits: %s", wording.Of(err))
	}
	var n uint64
	if _, err := fmt.Sscan(string(raw), &n); err == nil {
		s.next = max(s.next, n)
	}
	return s, nil
}

// dialled notes an address of the collector, before the first packet goes there.
func (s *Shipper) dialled(address string) {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return
	}
	a = netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
	var known []netip.AddrPort
	if p := s.peers.Load(); p != nil {
		known = *p
	}
	if slices.Contains(known, a) {
		return
	}
	if known = append([]netip.AddrPort{a}, known...); len(known) > 16 { // a name that moves about
		known = known[:16]
	}
	s.peers.Store(&known)
}

// Uplink says whether a is an address of the collector: traffic with it is the sensor's own.
func (s *Shipper) Uplink(a netip.AddrPort) bool {
	p := s.peers.Load()
	return p != nil && slices.Contains(*p, a)
}

// Reconnect has what is sent next go over a new connection, with the certificate of that time.
func (s *Shipper) Reconnect() { s.stale.Store(true) }

// Room waits until half of the memory is free, or ctx ends: what is left is for those who cannot wait.
func (s *Shipper) Room(ctx context.Context) {
	for {
		s.mu.Lock()
		free, room := s.size <= s.cfg.Memory/2, s.room
		s.mu.Unlock()
		if free {
			return
		}
		select {
		case <-room:
		case <-ctx.Done():
			return
		}
	}
}

// shrink takes n bytes off what memory holds; mu is held.
func (s *Shipper) shrink(n int) {
	full := s.size > s.cfg.Memory/2
	if s.size -= n; full && s.size <= s.cfg.Memory/2 {
		close(s.room)
		s.room = make(chan struct{})
	}
}

// Put takes a record; it is copied.
func (s *Shipper) Put(record []byte) {
	s.mu.Lock()
	s.stats.Seen++
	if s.size+len(record) > s.cfg.Memory {
		if s.disk != nil {
			s.stats.Dropped[DropDisk]++
		} else {
			s.stats.Dropped[DropMemory]++
		}
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

// Run spools and sends until ctx ends; what is in memory then goes into the spool. It runs once.
func (s *Shipper) Run(ctx context.Context) error {
	defer s.sequence.Close()
	if err := s.position(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.spoolLoop(ctx) })
	wg.Go(func() { s.sendLoop(ctx) })
	wg.Wait()
	s.settle(true)
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
	size := 0
	for i, r := range s.records[:n] {
		if i > 0 && size+len(r) > batchBytes {
			n = i
			break
		}
		size += len(r)
	}
	records := s.records[:n:n]
	s.records = s.records[n:]
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
	err := s.write(b, data)
	s.mu.Lock()
	if (err == nil) != (s.disk == nil) {
		if err != nil {
			s.log.Error("the spool cannot be written; records wait in memory", "dir", s.cfg.Dir, "error", err)
		} else {
			s.log.Info("the spool can be written again")
		}
	}
	s.disk = err
	switch {
	case err == nil:
		s.shrink(size)
		s.stats.Bytes += b.bytes
	case s.size-size+len(data) <= s.cfg.Memory:
		b.data = data
		s.shrink(size - len(data))
	default:
		s.shrink(size)
		s.stats.Dropped[DropDisk] += b.records
		s.stats.Waiting -= b.records
		s.mu.Unlock()
		return more
	}
	s.spool = append(s.spool, b)
	for i := 0; s.stats.Bytes > s.cfg.MaxDisk && i < len(s.spool)-1; { // oldest first, but not the one under way
		if s.spool[i].sending || s.spool[i].data != nil {
			i++
			continue
		}
		s.forget(i, DropSpool)
	}
	s.mu.Unlock()
	signal(s.ready)
	if err == nil {
		s.settle(false)
	}
	return more
}

// forget drops batch i for a reason; mu is held.
func (s *Shipper) forget(i int, reason string) {
	b := s.spool[i]
	s.spool = append(s.spool[:i:i], s.spool[i+1:]...)
	s.stats.Waiting -= b.records
	s.stats.Dropped[reason] += b.records
	if b.data != nil {
		s.shrink(len(b.data))
		return
	}
	s.stats.Bytes -= b.bytes
	os.Remove(filepath.Join(s.cfg.Dir, b.name()))
}

// settle writes what waits in memory into the spool, oldest first, until the disk refuses; at the end what it does not take is dropped.
func (s *Shipper) settle(end bool) {
	for {
		s.mu.Lock()
		i := slices.IndexFunc(s.spool, func(b batch) bool { return b.data != nil && !b.sending })
		if i < 0 {
			s.mu.Unlock()
			return
		}
		b := s.spool[i]
		s.mu.Unlock()
		err := s.write(b, b.data)
		if err != nil && !end {
			return
		}
		s.mu.Lock()
		i = slices.IndexFunc(s.spool, func(x batch) bool { return x.seq == b.seq })
		switch {
		case i < 0: // sent meanwhile
			os.Remove(filepath.Join(s.cfg.Dir, b.name()))
		case err != nil:
			s.log.Error("records lost: the spool cannot be written", "records", b.records, "error", err)
			s.forget(i, DropDisk)
		default:
			s.spool[i].data = nil
			s.shrink(len(b.data))
			s.stats.Bytes += b.bytes
		}
		s.mu.Unlock()
	}
}

func (s *Shipper) write(b batch, data []byte) error {
	return durable.Write(filepath.Join(s.cfg.Dir, b.name()), data)
}

// do sends a request; now and then it is the last of its connection.
func (s *Shipper) do(req *http.Request) (*http.Response, error) {
	now := time.Now().Unix()
	if s.stale.Swap(false) || now-s.since.Load() > int64(connectionAge/time.Second) {
		s.since.Store(now)
		req.Close = true
	}
	res, err := s.client.Do(req)
	if err == nil && (res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden) {
		s.Reconnect() // the certificate of this connection has ended: there may be a newer one
	}
	return res, err
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
		if err != nil && !errors.Is(err, errRefused) {
			s.mu.Lock()
			s.spool[0].sending = false
			s.mu.Unlock()
			if ctx.Err() != nil {
				return
			}
			s.failed(err)
			wait = min(max(2*wait, 100*time.Millisecond), 10*time.Second)
			continue
		}
		s.failed(err)
		wait = 0
		if err := s.keepSequence(b.seq); err != nil {
			s.log.Error("write spool position", "error", err)
		}
		if err := os.Remove(filepath.Join(s.cfg.Dir, b.name())); err != nil && b.data == nil {
			s.log.Error("remove a sent batch from the spool; the collector will drop it as a duplicate", "error", err)
		}
		s.mu.Lock()
		if now := s.spool[0]; now.data != nil {
			s.shrink(len(now.data))
		} else {
			s.stats.Bytes -= b.bytes
		}
		s.spool = s.spool[1:]
		s.stats.Waiting -= b.records
		if err != nil {
			s.stats.Dropped[DropRefused] += b.records
		} else {
			s.stats.Sent += b.records
		}
		s.mu.Unlock()
	}
}

// keepSequence notes in place, durably, that numbers up to n are used: a file of constant length, which a full disk still takes. Were
// one used again after the power failed, the collector would take new records for old ones.
func (s *Shipper) keepSequence(n uint64) error {
	if _, err := s.sequence.WriteAt(fmt.Appendf(nil, "%020d\n", n), 0); err != nil {
		return err
	}
	return s.sequence.Sync()
}

func (s *Shipper) send(ctx context.Context, b batch) error {
	data, err := b.data, error(nil)
	if data != nil {
		err = s.keepSequence(b.seq) // no file tells the next start of this number
	} else if data, err = os.ReadFile(filepath.Join(s.cfg.Dir, b.name())); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if err != nil {
		return fmt.Errorf("write spool position: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.Server+"/v1/batches", bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	res, err := s.do(req)
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
	res, err := s.do(req)
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
	res, err := s.do(req)
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

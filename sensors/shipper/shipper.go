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
	"fmt"
	"io"
	"log/slog"
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

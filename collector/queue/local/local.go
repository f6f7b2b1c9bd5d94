// Package local is the queue of one machine: a queue.Stream kept by an embedded NATS JetStream that no other process can reach.
//
// The stream client (Queue) and the server (embedded) stand apart: only server.go knows that the server runs in this process.
//
// At rest each batch is sealed (Config.AEAD): what it holds has not been protected yet.
//
// Contract: as queue.Stream says. Append returns only after the batch is fsynced; concurrent Appends are pipelined. Read takes no
// acknowledgement: readers keep their own positions (decision 7) and somebody calls Purge with the least of them.
//
// After a write error the embedded server takes no more writes until it is restarted, even when space is back (measured on
// nats-server 2.15.2). So the queue restarts it by itself, tells pending Appends exactly which of them had become durable,
// and goes on.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"hoalu/collector/queue"
	"hoalu/internal/wording"
)

// Defaults of a Config.
const (
	DefaultMaxBytes   = 8 << 30
	defaultAckTimeout = 15 * time.Second
	maxInFlight       = 64 // appends under way at once; more wait
	cacheBytes        = 16 << 20
	fetchMessages     = 64
	fetchBytes        = 4 << 20
)

const (
	streamName = "events"
	subject    = "events"
)

// Config of a Queue.
type Config struct {
	Dir        string        // folder of its own; made when absent
	MaxBytes   int64         // most the stream may hold, 0: 8 GiB
	Reserve    int64         // free bytes of the disk below which Append refuses; 0: the lesser of 1 GiB and 5 % of it
	After      uint64        // a stream made anew begins behind this sequence, so that positions kept elsewhere stay true
	AckTimeout time.Duration // an Append slower than this restarts the embedded server; 0: 15 s

	// Hole is called once for each run of sequences found missing though never purged: each is a counted loss.
	Hole func(first, last uint64)

	// AEAD seals each batch on the disk: what it holds is not protected yet. Nil: batches lie there as they are.
	AEAD AEAD

	noSync bool // for the benchmark that says what durability costs
}

// Queue is the durable queue. Open it, Close it.
type Queue struct {
	cfg  Config
	log  *slog.Logger
	lock *os.File

	epochs []queue.Epoch // of this stream; set once by Open
	epoch  string        // the newest one's name
	msgID  string        // begins the Nats-Msg-Id of each batch that this Queue appends
	msgSeq atomic.Uint64

	slots    chan struct{}
	last     atomic.Uint64
	holes    atomic.Uint64
	restarts atomic.Uint64
	appended atomic.Uint64
	refused  atomic.Uint64
	broken   chan uint64 // generation that failed
	closed   chan struct{}
	keeper   sync.WaitGroup

	mu      sync.Mutex
	conn    *conn // nil while restarting
	gen     uint64
	acked   uint64 // greatest sequence an Append has returned
	pending map[*pending]struct{}
	more    chan struct{} // closed and replaced when last grows or conn changes

	fetchMu sync.Mutex // one fetch at a time: readers at one place share it

	cacheMu sync.Mutex
	cache   map[uint64][]byte
	order   []uint64 // insertion order, for eviction
	cached  int
	holed   map[uint64]bool // first sequence of each hole already reported
}

// conn is one life of the embedded server as the stream client sees it.
type conn struct {
	gen    uint64
	srv    *embedded
	nc     *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
}

// pending is an Append that waits; after a restart the keeper says on done what became of it.
type pending struct {
	id   string // its Nats-Msg-Id
	done chan outcome
}

type outcome struct {
	seq uint64
	err error
}

// Open starts the embedded server on cfg.Dir and reads what is there.
func Open(cfg Config, log *slog.Logger) (*Queue, error) {
	if cfg.Dir == "" {
		return nil, errors.New("open queue: no folder given")
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.AckTimeout <= 0 {
		cfg.AckTimeout = defaultAckTimeout
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	if cfg.Reserve <= 0 {
		var st syscall.Statfs_t
		if err := syscall.Statfs(cfg.Dir, &st); err != nil {
			return nil, fmt.Errorf("open queue: read free space of %s: %w", cfg.Dir, err)
		}
		cfg.Reserve = min(1<<30, int64(st.Blocks)*int64(st.Bsize)/20)
	}
	lock, err := os.OpenFile(filepath.Join(cfg.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("open queue: folder %s is in use by another process: stop it, or give this one a folder of its own: %w", cfg.Dir,
			err)
	}
	q := &Queue{
		cfg: cfg, log: log.With("component", "collector/queue"), lock: lock,
		slots: make(chan struct{}, maxInFlight), broken: make(chan uint64, 1), closed: make(chan struct{}),
		pending: map[*pending]struct{}{}, more: make(chan struct{}),
		cache: map[uint64][]byte{}, holed: map[uint64]bool{},
	}
	c, err := q.start(1)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("open queue: %w", err)
	}
	q.conn, q.gen = c, 1
	info := c.stream.CachedInfo()
	q.last.Store(info.State.LastSeq)
	q.acked = info.State.LastSeq
	q.msgID = word() + "-"
	if q.epochs, err = c.epochs(cfg.Dir); err == nil {
		q.epoch = q.epochs[len(q.epochs)-1].Name
	} else {
		c.stop()
		lock.Close()
		return nil, fmt.Errorf("open queue: %w", err)
	}
	q.keeper.Add(1)
	go q.keep()
	return q, nil
}

// grow raises last; the caller holds mu or is alone.
func (q *Queue) grow(seq uint64) {
	for {
		last := q.last.Load()
		if seq <= last || q.last.CompareAndSwap(last, seq) {
			return
		}
	}
}

// free reads the free bytes a process without privilege has.
func (q *Queue) free() (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(q.cfg.Dir, &st); err != nil {
		return 0, fmt.Errorf("read free space of %s: %w", q.cfg.Dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// ready says how many bytes of the disk are free, and why an Append would be refused now.
func (q *Queue) ready() (free int64, err error) {
	select {
	case <-q.closed:
		return 0, queue.ErrClosed
	default:
	}
	if free, err = q.free(); err != nil {
		return 0, err
	}
	if free < q.cfg.Reserve {
		return free, wording.New("%s (%d MiB free, reserve %d MiB, in %s)", queue.ErrNoSpace, free>>20, q.cfg.Reserve>>20, q.cfg.Dir)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.conn == nil {
		return free, queue.ErrDown
	}
	return free, nil
}

// Purge removes everything up to and including upTo.
func (q *Queue) Purge(ctx context.Context, upTo uint64) error {
	q.mu.Lock()
	c := q.conn
	q.mu.Unlock()
	if c == nil {
		return fmt.Errorf("purge queue: %w", queue.ErrDown)
	}
	if upTo = min(upTo, q.last.Load()); upTo == 0 {
		return nil
	}
	if err := c.stream.Purge(ctx, jetstream.WithPurgeSequence(upTo+1)); err != nil {
		return fmt.Errorf("purge queue up to %d: %w", upTo, err)
	}
	return nil
}

// State is what is known of the stream now.
func (q *Queue) State() queue.State {
	s := queue.State{Epochs: q.epochs, Last: q.last.Load(), Holes: q.holes.Load(),
		Restarts: q.restarts.Load(), Appended: q.appended.Load(), Refused: q.refused.Load()}
	s.Free, s.Err = q.ready()
	return s
}

// Size asks the server, for 2 s at most, what the stream holds.
func (q *Queue) Size() (queue.Size, error) {
	q.mu.Lock()
	c := q.conn
	q.mu.Unlock()
	if c == nil {
		return queue.Size{}, fmt.Errorf("read size of queue: %w", queue.ErrDown)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	info, err := c.stream.Info(ctx)
	if err != nil {
		return queue.Size{}, fmt.Errorf("read size of queue: %w", err)
	}
	return queue.Size{First: info.State.FirstSeq, Bytes: int64(info.State.Bytes)}, nil
}

// Close stops the embedded server; waiting Appends and Reads return queue.ErrClosed.
func (q *Queue) Close() error {
	q.mu.Lock()
	select {
	case <-q.closed:
		q.mu.Unlock()
		return nil
	default:
	}
	close(q.closed)
	q.mu.Unlock()
	q.keeper.Wait()
	q.mu.Lock()
	c := q.conn
	q.conn = nil
	q.mu.Unlock()
	if c != nil {
		c.stop()
	}
	return q.lock.Close()
}

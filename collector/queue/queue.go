// Package queue is the durable queue between intake and everything behind it: one stream of wire batches with ascending
// sequences, kept by an embedded NATS JetStream that no other process can reach.
//
// Words: sequence, stream, purge as JetStream uses them. Epoch: a random word that names this stream's life; with
// (sequence, index) it makes event ids, so it changes when the stream is made anew or restored (decision 1). Reserve: free
// bytes on the disk below which nothing more is taken (decision 7). Hole: a sequence that was acknowledged and is gone.
//
// At rest each batch is sealed (Config.AEAD): what it holds has not been protected yet.
//
// Contract: all methods are safe for concurrent use. Append returns only after the batch is fsynced; an error of Append
// other than that of its context means the batch is not in the queue and never will be. Concurrent Appends are pipelined.
// Read takes no acknowledgement: readers keep their own positions (decision 7) and somebody calls Purge with the least of
// them. The bytes of a Message are shared between readers and must not be written to. Callers may branch on ErrFull,
// ErrNoSpace, ErrDown, ErrTooLarge, ErrPurged, ErrHole and ErrClosed.
//
// After a write error the embedded server takes no more writes until it is restarted, even when space is back (measured on
// nats-server 2.15.2). So the queue restarts it by itself, tells pending Appends exactly which of them had become durable,
// and goes on.
package queue

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"hoalu/ecs/wire"
)

// Errors a caller may branch on.
var (
	ErrFull     = errors.New("queue is full: its readers are behind; try again later")
	ErrNoSpace  = errors.New("disk space is below the reserve: free some space, nothing more is accepted until then")
	ErrDown     = errors.New("queue is restarting after a write error; try again later")
	ErrTooLarge = errors.New("batch is larger than the queue takes")
	ErrPurged   = errors.New("sequence is no longer in the queue")
	ErrHole     = errors.New("sequence is missing from the queue")
	ErrClosed   = errors.New("queue is closed")
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

// Message is one batch, its seal opened: wire.Decode reads and checks it.
type Message struct {
	Seq  uint64
	Data []byte
}

// PurgedError says which sequence is gone and which one is there next.
type PurgedError struct {
	Seq, Next uint64
	Hole      bool // it was never purged: a loss
}

func (e *PurgedError) Error() string {
	if e.Hole {
		return fmt.Sprintf("read sequence %d: it is missing from the queue, the next one is %d", e.Seq, e.Next)
	}
	return fmt.Sprintf("read sequence %d: it is no longer in the queue, the next one is %d", e.Seq, e.Next)
}

// Is makes errors.Is(err, ErrPurged) true for every PurgedError, and ErrHole for a loss.
func (e *PurgedError) Is(target error) bool {
	return target == ErrPurged || target == ErrHole && e.Hole
}

// State is what /readyz and the metrics say of the queue.
type State struct {
	Epoch    string
	First    uint64 // of the oldest batch; Last+1 when empty
	Last     uint64
	Bytes    int64
	MaxBytes int64
	Free     int64 // of the disk
	Reserve  int64
	Holes    uint64 // sequences found missing since the start
	Restarts uint64 // of the embedded server since the start
	Appended uint64 // since the start
	Refused  uint64 // Appends refused for space, fullness or a restart
	Err      error  // why Append refuses now; nil when it does not
}

// Queue is the durable queue. Open it, Close it.
type Queue struct {
	cfg   Config
	log   *slog.Logger
	lock  *os.File
	epoch string

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

// conn is one life of the embedded server.
type conn struct {
	gen    uint64
	srv    *server.Server
	nc     *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
}

// pending is an Append that waits; after a restart the keeper says on done what became of it.
type pending struct {
	data []byte
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
		return nil, fmt.Errorf("open queue: folder %s is in use by another process: stop it, or give this one a folder of its own: %w", cfg.Dir, err)
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
	if q.epoch, err = epochOf(cfg.Dir, info.Created); err != nil {
		c.stop()
		lock.Close()
		return nil, fmt.Errorf("open queue: %w", err)
	}
	q.keeper.Add(1)
	go q.keep()
	return q, nil
}

// NewEpoch makes the next Open of the queue in dir take a new epoch; a restore calls it, so that sequences used after the
// backup was taken do not give two events one id.
func NewEpoch(dir string) error {
	if err := os.Remove(filepath.Join(dir, "epoch")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget queue epoch: %w", err)
	}
	return nil
}

// epochOf reads the epoch of the stream made at created, or makes one.
func epochOf(dir string, created time.Time) (string, error) {
	path := filepath.Join(dir, "epoch")
	stamp := strconv.FormatInt(created.UnixNano(), 10)
	if data, err := os.ReadFile(path); err == nil {
		if f := strings.Fields(string(data)); len(f) == 2 && f[1] == stamp {
			return f[0], nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read queue epoch: %w", err)
	}
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("make queue epoch: %w", err)
	}
	epoch := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
	if err := writeDurably(path, []byte(epoch+" "+stamp+"\n")); err != nil {
		return "", fmt.Errorf("write queue epoch: %w", err)
	}
	return epoch, nil
}

func writeDurably(path string, data []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// start brings up one life of the embedded server.
func (q *Queue) start(gen uint64) (*conn, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName: "hoalu", DontListen: true, NoSigs: true, NoLog: false,
		JetStream: true, DisableJetStreamBanner: true, StoreDir: q.cfg.Dir, SyncAlways: !q.cfg.noSync,
		JetStreamMaxStore: q.cfg.MaxBytes + q.cfg.MaxBytes/4 + 64<<20, JetStreamMaxMemory: 16 << 20,
		MaxPayload: wire.MaxMessage + 4096,
	})
	if err != nil {
		return nil, fmt.Errorf("make embedded server: %w", err)
	}
	srv.SetLoggerV2(&serverLog{q.log, func() { q.fail(gen) }}, false, false, false)
	go srv.Start()
	c := &conn{gen: gen, srv: srv}
	if !srv.ReadyForConnections(30 * time.Second) {
		c.stop()
		return nil, errors.New("embedded server is not ready after 30 s")
	}
	if !srv.JetStreamEnabled() {
		c.stop()
		return nil, fmt.Errorf("embedded server has no store in %s: see the log lines before this one", q.cfg.Dir)
	}
	c.nc, err = nats.Connect("", nats.InProcessServer(srv), nats.NoReconnect(), nats.Timeout(10*time.Second),
		nats.ReconnectBufSize(-1), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			q.log.Warn("embedded server reported an error", "error.message", err.Error())
		}))
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("connect to embedded server: %w", err)
	}
	c.js, err = jetstream.New(c.nc, jetstream.WithPublishAsyncMaxPending(4*maxInFlight))
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("connect to embedded server: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	want := jetstream.StreamConfig{
		Name: streamName, Subjects: []string{subject}, Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew,
		MaxBytes: q.cfg.MaxBytes, MaxMsgSize: wire.MaxMessage, MaxMsgs: -1, Storage: jetstream.FileStorage, Replicas: 1,
		AllowDirect: true, NoAck: false, Duplicates: time.Second, Compression: jetstream.NoCompression, // batches are compressed already
	}
	c.stream, err = c.js.Stream(ctx, streamName)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		want.FirstSeq = q.cfg.After + 1
		c.stream, err = c.js.CreateStream(ctx, want)
	case err == nil && c.stream.CachedInfo().Config.MaxBytes != want.MaxBytes:
		want.FirstSeq = c.stream.CachedInfo().Config.FirstSeq
		c.stream, err = c.js.UpdateStream(ctx, want)
	}
	if err != nil {
		c.stop()
		return nil, fmt.Errorf("open stream: %w", err)
	}
	return c, nil
}

func (c *conn) stop() {
	if c.nc != nil {
		c.nc.Close()
	}
	c.srv.Shutdown()
	c.srv.WaitForShutdown()
}

// fail asks the keeper to restart generation gen; it never blocks.
func (q *Queue) fail(gen uint64) {
	select {
	case q.broken <- gen:
	default:
	}
}

// keep restarts the embedded server when it failed, until Close.
func (q *Queue) keep() {
	defer q.keeper.Done()
	for {
		select {
		case <-q.closed:
			return
		case gen := <-q.broken:
			q.mu.Lock()
			c := q.conn
			if c == nil || c.gen != gen {
				q.mu.Unlock()
				continue // already replaced
			}
			q.conn = nil
			q.gen++
			next := q.gen
			q.mu.Unlock()
			q.log.Warn("queue stopped taking writes: restarting its embedded server", "queue.last", q.last.Load())
			c.stop()
			q.revive(next)
		}
	}
}

// revive starts the server again, as often as it takes, and settles the Appends that were under way.
func (q *Queue) revive(gen uint64) {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		c, err := q.start(gen)
		if err == nil {
			if err = q.settle(c); err == nil {
				q.restarts.Add(1)
				q.log.Info("queue takes writes again", "queue.last", q.last.Load())
				return
			}
			c.stop()
		}
		q.log.Error("queue restart", "error.message", err.Error())
		select {
		case <-q.closed:
			return
		case <-time.After(wait):
		}
	}
}

// settle compares what the restarted stream holds past the last acknowledged sequence with the Appends that wait: those found
// are durable, the others are not in the queue.
func (q *Queue) settle(c *conn) error {
	if err := syncBlocks(q.cfg.Dir); err != nil {
		return fmt.Errorf("sync recovered queue: %w", err)
	}
	info := c.stream.CachedInfo()
	q.mu.Lock()
	acked := q.acked
	waiting := make([]*pending, 0, len(q.pending))
	for p := range q.pending {
		waiting = append(waiting, p)
	}
	q.mu.Unlock()
	found := map[*pending]uint64{}
	for seq := max(acked+1, info.State.FirstSeq); seq <= info.State.LastSeq; {
		msgs, err := c.fetch(seq)
		if err != nil {
			return fmt.Errorf("read recovered queue: %w", err)
		}
		if len(msgs) == 0 {
			break
		}
		for _, m := range msgs {
			for _, p := range waiting {
				if _, taken := found[p]; !taken && bytes.Equal(p.data, m.Data) {
					found[p] = m.Seq
					break
				}
			}
			seq = m.Seq + 1
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.conn = c
	q.grow(info.State.LastSeq)
	for _, p := range waiting {
		if seq, ok := found[p]; ok {
			p.done <- outcome{seq: seq}
		} else {
			p.done <- outcome{err: ErrDown}
		}
	}
	close(q.more)
	q.more = make(chan struct{})
	return nil
}

// syncBlocks fsyncs what recovery found: a batch whose fsync failed may be in the page cache only.
func syncBlocks(dir string) error {
	return filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".blk" {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Sync()
	})
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

// Epoch names this life of the stream.
func (q *Queue) Epoch() string { return q.epoch }

// Last is the sequence of the newest batch.
func (q *Queue) Last() uint64 { return q.last.Load() }

// free reads the free bytes a process without privilege has.
func (q *Queue) free() (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(q.cfg.Dir, &st); err != nil {
		return 0, fmt.Errorf("read free space of %s: %w", q.cfg.Dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// Ready says whether an Append would be refused now, and why.
func (q *Queue) Ready() error {
	select {
	case <-q.closed:
		return ErrClosed
	default:
	}
	free, err := q.free()
	if err != nil {
		return err
	}
	if free < q.cfg.Reserve {
		return fmt.Errorf("%w (%d MiB free, reserve %d MiB, in %s)", ErrNoSpace, free>>20, q.cfg.Reserve>>20, q.cfg.Dir)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.conn == nil {
		return ErrDown
	}
	return nil
}

// Append stamps the epoch on b, writes it and returns its sequence after the fsync.
func (q *Queue) Append(ctx context.Context, b *wire.Batch) (uint64, error) {
	b.Epoch = q.epoch
	data := wire.Encode(b)
	sealed, err := q.seal(data)
	if err != nil {
		q.refused.Add(1)
		return 0, fmt.Errorf("append to queue: %w", err)
	}
	if len(sealed) > wire.MaxMessage {
		q.refused.Add(1)
		return 0, fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, len(sealed), wire.MaxMessage)
	}
	seq, err := q.append(ctx, data, sealed)
	if err != nil {
		q.refused.Add(1)
		return 0, fmt.Errorf("append to queue: %w", err)
	}
	q.appended.Add(1)
	return seq, nil
}

// append writes what is sealed and keeps data for readers at the head.
func (q *Queue) append(ctx context.Context, data, sealed []byte) (uint64, error) {
	select {
	case q.slots <- struct{}{}:
		defer func() { <-q.slots }()
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-q.closed:
		return 0, ErrClosed
	}
	if err := q.Ready(); err != nil {
		return 0, err
	}
	p := &pending{data: sealed, done: make(chan outcome, 1)}
	q.mu.Lock()
	c := q.conn
	if c == nil {
		q.mu.Unlock()
		if err := q.Ready(); err != nil { // closed since
			return 0, err
		}
		return 0, ErrDown
	}
	fut, err := c.js.PublishAsync(subject, sealed, jetstream.WithRetryAttempts(0))
	if err != nil {
		q.mu.Unlock()
		if c.nc.IsClosed() {
			q.fail(c.gen)
			return 0, ErrDown
		}
		return 0, err
	}
	q.pending[p] = struct{}{}
	q.mu.Unlock()
	defer func() {
		q.mu.Lock()
		delete(q.pending, p)
		q.mu.Unlock()
	}()

	slow := time.NewTimer(q.cfg.AckTimeout)
	defer slow.Stop()
	failed := fut.Err()
	for {
		select {
		case ack := <-fut.Ok():
			return q.accepted(ack.Sequence, data), nil
		case err := <-failed:
			var api *jetstream.APIError
			if errors.As(err, &api) {
				if api.ErrorCode == 10077 { // store failed: the limits with DiscardNew
					return 0, fmt.Errorf("%w (%s)", ErrFull, api.Description)
				}
				return 0, err
			}
			q.fail(c.gen) // the connection went away: the keeper finds out whether the batch is durable
			failed = nil
		case <-slow.C:
			q.fail(c.gen)
		case o := <-p.done:
			select {
			case ack := <-fut.Ok(): // acknowledged just before the restart
				return q.accepted(ack.Sequence, data), nil
			default:
			}
			if o.err != nil {
				return 0, o.err
			}
			return q.accepted(o.seq, data), nil
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-q.closed:
			return 0, ErrClosed
		}
	}
}

// accepted notes a durable batch, keeps it for readers at the head and wakes them.
func (q *Queue) accepted(seq uint64, data []byte) uint64 {
	q.keepCached([]Message{{seq, data}})
	q.mu.Lock()
	defer q.mu.Unlock()
	q.acked = max(q.acked, seq)
	q.grow(seq)
	close(q.more)
	q.more = make(chan struct{})
	return seq
}

func (q *Queue) keepCached(msgs []Message) {
	q.cacheMu.Lock()
	defer q.cacheMu.Unlock()
	for _, m := range msgs {
		if _, ok := q.cache[m.Seq]; ok {
			continue
		}
		q.cache[m.Seq] = m.Data
		q.order = append(q.order, m.Seq)
		q.cached += len(m.Data)
	}
	for q.cached > cacheBytes && len(q.order) > 1 {
		q.cached -= len(q.cache[q.order[0]])
		delete(q.cache, q.order[0])
		q.order = q.order[1:]
	}
}

func (q *Queue) lookup(seq uint64) ([]byte, bool) {
	q.cacheMu.Lock()
	defer q.cacheMu.Unlock()
	data, ok := q.cache[seq]
	return data, ok
}

// Read returns the batch with sequence seq; it blocks until there is one. A sequence that is gone gives a *PurgedError with
// the next one there is.
func (q *Queue) Read(ctx context.Context, seq uint64) (Message, error) {
	for {
		if data, ok := q.lookup(seq); ok {
			return Message{seq, data}, nil
		}
		q.mu.Lock()
		c, more := q.conn, q.more
		q.mu.Unlock()
		if c != nil && seq <= q.last.Load() {
			m, err := q.load(c, seq)
			if err == nil || !errors.Is(err, ErrDown) {
				return m, err
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return Message{}, ctx.Err()
		case <-q.closed:
			return Message{}, ErrClosed
		}
	}
}

// load fetches seq and what follows it into the cache.
func (q *Queue) load(c *conn, seq uint64) (Message, error) {
	q.fetchMu.Lock()
	defer q.fetchMu.Unlock()
	if data, ok := q.lookup(seq); ok {
		return Message{seq, data}, nil
	}
	msgs, err := c.fetch(seq)
	if err != nil {
		q.mu.Lock()
		replaced := q.conn != c
		q.mu.Unlock()
		if replaced || c.nc.IsClosed() {
			q.fail(c.gen)
			return Message{}, ErrDown
		}
		return Message{}, fmt.Errorf("read sequence %d: %w", seq, err)
	}
	for i := range msgs {
		if msgs[i].Data, err = q.open(msgs[i]); err != nil {
			return Message{}, fmt.Errorf("read sequence %d: %w", msgs[i].Seq, err)
		}
	}
	q.keepCached(msgs)
	if len(msgs) > 0 && msgs[0].Seq == seq {
		return msgs[0], nil
	}
	return Message{}, q.missing(c, seq, msgs)
}

// missing tells purged from lost.
func (q *Queue) missing(c *conn, seq uint64, msgs []Message) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	info, err := c.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("read sequence %d: %w", seq, err)
	}
	if seq < info.State.FirstSeq {
		return &PurgedError{Seq: seq, Next: info.State.FirstSeq}
	}
	next := info.State.LastSeq + 1
	if len(msgs) > 0 {
		next = msgs[0].Seq
	}
	if next <= seq {
		return fmt.Errorf("read sequence %d: %w", seq, ErrDown)
	}
	q.cacheMu.Lock()
	known := q.holed[next]
	q.holed[next] = true
	q.cacheMu.Unlock()
	if !known {
		q.holes.Add(next - seq)
		q.log.Error("sequences are missing from the queue: their events are lost", "queue.first", seq, "queue.last", next-1)
		if q.cfg.Hole != nil {
			q.cfg.Hole(seq, next-1)
		}
	}
	return &PurgedError{Seq: seq, Next: next, Hole: true}
}

// fetch asks for up to fetchMessages messages from seq on; holes are stepped over, none is an empty answer.
func (c *conn) fetch(seq uint64) ([]Message, error) {
	req, err := json.Marshal(map[string]any{"seq": seq, "batch": fetchMessages, "max_bytes": fetchBytes})
	if err != nil {
		return nil, err
	}
	inbox := c.nc.NewRespInbox()
	sub, err := c.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe() //nolint:errcheck // the connection is gone then, and so is the subscription
	if err := c.nc.PublishRequest("$JS.API.DIRECT.GET."+streamName, inbox, req); err != nil {
		return nil, err
	}
	msgs := make([]Message, 0, fetchMessages)
	for {
		m, err := sub.NextMsg(10 * time.Second)
		if err != nil {
			return nil, err
		}
		switch m.Header.Get("Status") {
		case "":
			n, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil {
				return nil, fmt.Errorf("sequence of a stored message: %w", err)
			}
			msgs = append(msgs, Message{n, m.Data})
		case "204", "404": // end of batch, nothing there
			return msgs, nil
		default:
			return nil, fmt.Errorf("embedded server answered %s %s", m.Header.Get("Status"), m.Header.Get("Description"))
		}
	}
}

// Purge removes everything up to and including upTo.
func (q *Queue) Purge(ctx context.Context, upTo uint64) error {
	q.mu.Lock()
	c := q.conn
	q.mu.Unlock()
	if c == nil {
		return fmt.Errorf("purge queue: %w", ErrDown)
	}
	if upTo = min(upTo, q.last.Load()); upTo == 0 {
		return nil
	}
	if err := c.stream.Purge(ctx, jetstream.WithPurgeSequence(upTo+1)); err != nil {
		return fmt.Errorf("purge queue up to %d: %w", upTo, err)
	}
	return nil
}

// State reads the present state.
func (q *Queue) State() State {
	s := State{Epoch: q.epoch, Last: q.last.Load(), MaxBytes: q.cfg.MaxBytes, Reserve: q.cfg.Reserve, Holes: q.holes.Load(),
		Restarts: q.restarts.Load(), Appended: q.appended.Load(), Refused: q.refused.Load()}
	s.Err = q.Ready()
	s.Free, _ = q.free() // its error is in Err
	q.mu.Lock()
	c := q.conn
	q.mu.Unlock()
	if c == nil {
		return s
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	info, err := c.stream.Info(ctx)
	if err != nil {
		if s.Err == nil {
			s.Err = fmt.Errorf("read queue state: %w", err)
		}
		return s
	}
	s.First, s.Bytes = info.State.FirstSeq, int64(info.State.Bytes)
	if s.Err == nil && s.Bytes >= s.MaxBytes {
		s.Err = ErrFull
	}
	return s
}

// Close stops the embedded server; waiting Appends and Reads return ErrClosed.
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

// serverLog hands the embedded server's lines on and listens for the one that means no write will succeed any more.
type serverLog struct {
	log    *slog.Logger
	broken func()
}

func (l *serverLog) line(level slog.Level, format string, v []any) {
	text := fmt.Sprintf(format, v...)
	if strings.Contains(text, "critical write error") || strings.Contains(text, "disabling JetStream") {
		l.broken()
	}
	l.log.Log(context.Background(), level, "embedded server", "message", text)
}

func (l *serverLog) Noticef(format string, v ...any) { l.line(slog.LevelDebug, format, v) }
func (l *serverLog) Warnf(format string, v ...any)   { l.line(slog.LevelWarn, format, v) }
func (l *serverLog) Fatalf(format string, v ...any)  { l.line(slog.LevelError, format, v) }
func (l *serverLog) Errorf(format string, v ...any)  { l.line(slog.LevelError, format, v) }
func (l *serverLog) Debugf(string, ...any)           {}
func (l *serverLog) Tracef(string, ...any)           {}

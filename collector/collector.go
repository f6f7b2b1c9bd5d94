// Package collector takes events in: listeners frame them, Intake makes batches of the frames, stamps and appends them to the
// durable queue, and only then are they acknowledged (decisions 1, 2, 6 and 9).
//
// Words: a listener is one way in (syslog.udp, bulk, sensor …), a frame one message with its envelope, a batch what one append
// to the queue holds. Children: queue, ledger, health, and one folder for each listener in source/; listeners import queue for
// its errors and nothing else of ours. To add a listener: a folder in source/ and a row in sources.go.
//
// Contract of Intake: all methods are safe for concurrent use. Put and PutSensor return nil only after the fsync. Memory is
// bounded: at most Options.Memory bytes of frames wait. Listeners whose sender can be made to wait (syslog, files, imports,
// the product's own events) wait in Put until there is room, the queue takes writes again or their context ends; the others
// (bulk, sensor) get an error to answer with: queue.ErrFull, ErrNoSpace, ErrDown, ErrTooLarge or ErrClosed. Put sets Received of
// frames where it is 0 and changes nothing else; it reads them until it returns, and their bytes a little longer when ctx ended.
package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"hoalu/collector/health"
	"hoalu/collector/ledger"
	"hoalu/collector/queue"
	"hoalu/collector/source/sensor"
	"hoalu/ecs/wire"
	"hoalu/state"
)

// Self is the listener name of the product's own events.
const Self = health.Listener

// Limits of grouping.
const (
	linger         = 20 * time.Millisecond // most a frame waits for others
	lingerAnswered = 2 * time.Millisecond  // where a client waits for the answer
	enough         = 100                   // frames that go at once while fewer than busy batches of the listener are on their way
	busy           = 2
	maxRaw         = 1 << 20          // bytes before compression; keeps batches under wire.MaxCompressed
	admission      = time.Second      // how long bulk and sensor wait for room
	checkpoint     = 10 * time.Second // of sensors' positions

	defaultMaxFrame = 1 << 20
	defaultMemory   = 64 << 20
)

// TooLarge is the reason of a frame over Options.MaxFrame.
const TooLarge = "too_large"

// Options of an Intake.
type Options struct {
	Queue queue.Stream
	// Revision is stamped on each batch (decision 8). Nil: 0.
	Revision func() uint64
	// Count takes what was rejected, dropped or sent twice (ledger.Ledger.Add). May be nil.
	Count func(ledger.Entry)
	// SourceOf names the source of what is rejected or dropped before it has one, by peer address or sensor. May be nil.
	SourceOf func(peer string) string
	// Gap is told when sequences of a sensor are still missing after two minutes: first to last. May be nil.
	Gap func(sensor string, first, last uint64)
	// State is where sensors' positions are kept; nil rebuilds them from the whole queue.
	State *state.Document

	MaxFrame int              // bytes of one message, 0: 1 MiB
	Memory   int64            // bytes of frames that may wait, 0: 64 MiB
	Now      func() time.Time // nil: the real clock
}

// Stats are sums since the start.
type Stats struct {
	Batches  uint64
	Frames   uint64 // durable
	Bytes    uint64 // of their data
	Waiting  int64  // bytes in memory now
	Rejected map[string]uint64
	Dropped  map[string]uint64
	Resent   uint64 // frames of sensor batches that were there already
}

// Intake groups frames into batches and appends them. NewIntake it, Run it, Close it.
type Intake struct {
	opts Options
	log  *slog.Logger

	room    *semaphore.Weighted
	waiting atomic.Int64
	life    context.Context // ends with Close: appends under way stop waiting
	end     context.CancelFunc
	flights sync.WaitGroup

	batches, frames, bytes, resent atomic.Uint64

	mu     sync.Mutex
	groups map[string]*group

	lossMu            sync.Mutex
	rejected, dropped map[string]uint64

	sensors sensorPositions
}

// group is the batch of a listener that is being filled.
type group struct {
	in       *Intake
	listener string

	mu     sync.Mutex
	frames []wire.Frame
	size   int
	flight *flight
	timer  *time.Timer
	inAir  int // batches on their way
}

// flight is one batch on its way; done is closed when err is set.
type flight struct {
	done chan struct{}
	err  error
}

// NewIntake rebuilds what is known of sensors from their positions and the queue behind those.
func NewIntake(ctx context.Context, opts Options, log *slog.Logger) (*Intake, error) {
	if opts.MaxFrame <= 0 {
		opts.MaxFrame = defaultMaxFrame
	}
	if opts.Memory <= 0 {
		opts.Memory = defaultMemory
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	in := &Intake{opts: opts, log: log.With("component", "collector"), room: semaphore.NewWeighted(opts.Memory),
		groups: map[string]*group{}, rejected: map[string]uint64{}, dropped: map[string]uint64{}}
	in.life, in.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := in.sensors.load(ctx, opts); err != nil {
		in.end()
		return nil, fmt.Errorf("rebuild positions of sensors: %w", err)
	}
	return in, nil
}

// Run keeps sensors' positions every 10 s, so that the queue can be purged behind Position, until ctx ends.
func (in *Intake) Run(ctx context.Context) error {
	tick := time.NewTicker(checkpoint)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := in.sensors.save(ctx, in.opts); err != nil && ctx.Err() == nil {
				in.log.Error("keep positions of sensors", "error.message", err.Error())
			}
			in.gaps()
		}
	}
}

// Put makes frames of a listener durable. Frames over MaxFrame are taken out and counted as rejected. Up to 1,000 frames and
// 1 MiB stay together in one batch: then an error means that none of them is in the queue.
func (in *Intake) Put(ctx context.Context, listener string, frames []wire.Frame) error {
	frames, size := in.admit(frames)
	if len(frames) == 0 {
		return nil
	}
	release, err := in.acquire(ctx, listener, size)
	if err != nil {
		return err
	}
	defer release()
	if wayOf(listener).Answered {
		return in.put(ctx, listener, frames)
	}
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		// What a batch took stays there: only what failed is put again.
		err := in.put(ctx, listener, frames)
		if !errors.Is(err, queue.ErrFull) && !errors.Is(err, queue.ErrNoSpace) && !errors.Is(err, queue.ErrDown) {
			return err
		}
		if p, ok := errors.AsType[*partial](err); ok {
			frames = p.left
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		case <-in.life.Done():
			return err
		}
	}
}

// partial is an error of some of the batches frames were spread over.
type partial struct {
	left []wire.Frame
	err  error
}

func (p *partial) Error() string { return p.err.Error() }
func (p *partial) Unwrap() error { return p.err }

// admit stamps the receipt and leaves out what is too large.
func (in *Intake) admit(frames []wire.Frame) ([]wire.Frame, int) {
	now := in.opts.Now().UnixMilli()
	size, large := 0, 0
	for i := range frames {
		f := &frames[i]
		if f.Received == 0 {
			f.Received = now
		}
		if len(f.Data) > in.opts.MaxFrame {
			large++
			in.Reject(f.Source, f.Peer, TooLarge, 1)
			continue
		}
		size += len(f.Data)
	}
	if large == 0 {
		return frames, size
	}
	fit := make([]wire.Frame, 0, len(frames)-large)
	for i := range frames {
		if len(frames[i].Data) <= in.opts.MaxFrame {
			fit = append(fit, frames[i])
		}
	}
	return fit, size
}

// acquire takes room for n bytes; the returned func gives it back.
func (in *Intake) acquire(ctx context.Context, listener string, n int) (func(), error) {
	weight := min(int64(n)+256, in.opts.Memory)
	if wayOf(listener).Answered {
		if err := in.opts.Queue.State().Err; err != nil {
			return nil, err
		}
		if !in.room.TryAcquire(weight) {
			limited, cancel := context.WithTimeout(ctx, admission)
			defer cancel()
			if in.room.Acquire(limited, weight) != nil {
				return nil, fmt.Errorf("%w (%d MiB wait in memory)", queue.ErrFull, in.opts.Memory>>20)
			}
		}
	} else if err := in.room.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	in.waiting.Add(weight)
	return func() {
		in.waiting.Add(-weight)
		in.room.Release(weight)
	}, nil
}

// put adds frames to the batch of their listener, or to several, and waits for them.
func (in *Intake) put(ctx context.Context, listener string, frames []wire.Frame) error {
	in.mu.Lock()
	if in.life.Err() != nil {
		in.mu.Unlock()
		return queue.ErrClosed
	}
	g := in.groups[listener]
	if g == nil {
		g = &group{in: in, listener: listener}
		in.groups[listener] = g
	}
	in.flights.Add(1)
	in.mu.Unlock()
	defer in.flights.Done()

	type part struct {
		*flight
		frames []wire.Frame
	}
	var parts []part
	for len(frames) > 0 {
		n, size := 0, 0
		for n < len(frames) && n < wire.MaxFrames && (n == 0 || size+len(frames[n].Data) <= maxRaw) {
			size += len(frames[n].Data)
			n++
		}
		parts = append(parts, part{g.add(frames[:n], size), frames[:n]})
		frames = frames[n:]
	}
	var failed error
	var left []wire.Frame
	for _, p := range parts {
		select {
		case <-p.done:
			if p.err != nil {
				failed, left = p.err, append(left, p.frames...)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if failed != nil && len(parts) > 1 {
		return &partial{left, failed}
	}
	return failed
}

// add puts frames, at most a batch of them, into the present batch, or starts a new one when they do not fit.
func (g *group) add(frames []wire.Frame, size int) *flight {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.flight != nil && (len(g.frames)+len(frames) > wire.MaxFrames || g.size+size > maxRaw) {
		g.send()
	}
	if g.flight == nil {
		g.flight = &flight{done: make(chan struct{})}
		f := g.flight
		g.timer = time.AfterFunc(wayOf(g.listener).Linger, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.flight == f {
				g.send()
			}
		})
	}
	f := g.flight
	g.frames = append(g.frames, frames...)
	g.size += size
	// A full batch costs the disk as much as a small one: while it has enough to do, wait for more.
	if len(g.frames) == wire.MaxFrames || g.size >= maxRaw || g.inAir < busy && len(frames) >= enough {
		g.send()
	}
	return f
}

// send starts the present batch on its way; mu is held.
func (g *group) send() {
	g.timer.Stop()
	b := &wire.Batch{Listener: g.listener, Frames: g.frames}
	f, size := g.flight, g.size
	g.frames, g.size, g.flight = nil, 0, nil
	g.inAir++
	go func() {
		_, f.err = g.in.append(b, size)
		close(f.done)
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.inAir--; g.flight != nil && g.inAir < busy && len(g.frames) >= enough {
			g.send()
		}
	}()
}

func (in *Intake) append(b *wire.Batch, size int) (uint64, error) {
	if in.opts.Revision != nil {
		b.Revision = in.opts.Revision()
	}
	seq, err := in.opts.Queue.Append(in.life, b)
	if err != nil {
		return 0, err
	}
	in.batches.Add(1)
	in.frames.Add(uint64(len(b.Frames)))
	in.bytes.Add(uint64(size))
	return seq, nil
}

// PutSensor makes one batch of a sensor durable, exactly once by sensor, sequence and content: other content under a sequence that was
// taken, as a sensor sends that was cloned or set back to an older copy, becomes events with ids of their own.
func (in *Intake) PutSensor(ctx context.Context, id string, sequence uint64, frames []wire.Frame) (duplicate bool, err error) {
	n := len(frames)
	frames, size := in.admit(frames)
	if n > wire.MaxFrames {
		in.Reject("", id, TooLarge, n)
		return false, fmt.Errorf("%w: %d frames in a batch, limit %d", queue.ErrTooLarge, n, wire.MaxFrames)
	}
	release, err := in.acquire(ctx, sensor.Name, size)
	if err != nil {
		return false, err
	}
	defer release()
	duplicate, err = in.sensors.once(id, sequence, digestOf(frames), in.opts.Now(), func(other, tell bool) error {
		b := wire.Batch{Listener: sensor.Name, Sensor: id, Sequence: sequence, Frames: frames}
		if other {
			b.Sequence = 0 // their ids are those of the queue
		}
		if tell {
			in.log.Warn("a sensor used the number of a batch for another one; was it cloned or set back to an older copy? Enrol it anew",
				"sensor.id", id, "sequence", sequence)
		}
		// Not ctx: were the sensor to go away now, the batch could become durable without being noted.
		_, err := in.append(&b, size)
		return err
	})
	if duplicate {
		in.resent.Add(uint64(len(frames)))
		in.count(ledger.Duplicate, "", id, "resent", len(frames))
	}
	return duplicate, err
}

// SensorPosition is the last sequence taken from a sensor, 0 none.
func (in *Intake) SensorPosition(sensor string) uint64 { return in.sensors.last(sensor) }

// Position is the queue sequence behind which Intake still needs the queue to rebuild sensors' positions; purge only up to it.
func (in *Intake) Position() uint64 { return in.sensors.position() }

func (in *Intake) gaps() {
	for _, g := range in.sensors.overdue(in.opts.Now()) {
		in.log.Warn("batches of a sensor are missing", "sensor.id", g.sensor, "first", g.first, "last", g.last)
		if in.opts.Gap != nil {
			in.opts.Gap(g.sensor, g.first, g.last)
		}
	}
}

// Reject counts messages refused before the queue.
func (in *Intake) Reject(source, peer, reason string, n int) {
	in.count(ledger.Rejected, source, peer, in.lose(in.rejected, reason, n), n)
}

// Drop counts messages lost before the queue.
func (in *Intake) Drop(source, peer, reason string, n int) {
	in.count(ledger.Dropped, source, peer, in.lose(in.dropped, reason, n), n)
}

// maxReasons bounds the reasons that are told apart, of all listeners and sensors: they are rows of the ledger. The rest is counted as
// otherReasons.
const (
	maxReasons   = 512
	otherReasons = "other"
)

// lose adds to the sums of what was lost and says under which reason.
func (in *Intake) lose(sums map[string]uint64, reason string, n int) string {
	in.lossMu.Lock()
	defer in.lossMu.Unlock()
	if _, known := sums[reason]; !known && len(sums) >= maxReasons {
		reason = otherReasons
	}
	if n > 0 {
		sums[reason] += uint64(n)
	}
	return reason
}

func (in *Intake) count(kind, source, peer, reason string, n int) {
	if in.opts.Count == nil || n <= 0 {
		return
	}
	if source == "" && in.opts.SourceOf != nil {
		source = in.opts.SourceOf(peer)
	}
	in.opts.Count(ledger.Entry{Source: source, Minute: in.opts.Now().UnixMilli(), Kind: kind, Reason: reason, N: int64(n)})
}

// Stats reads the sums.
func (in *Intake) Stats() Stats {
	s := Stats{Batches: in.batches.Load(), Frames: in.frames.Load(), Bytes: in.bytes.Load(), Waiting: in.waiting.Load(),
		Resent: in.resent.Load(), Rejected: map[string]uint64{}, Dropped: map[string]uint64{}}
	in.lossMu.Lock()
	defer in.lossMu.Unlock()
	for k, v := range in.rejected {
		s.Rejected[k] = v
	}
	for k, v := range in.dropped {
		s.Dropped[k] = v
	}
	return s
}

// Close waits up to 10 s for Puts under way and keeps sensors' positions. Listeners have stopped before; the queue is closed after.
func (in *Intake) Close() error {
	idle := make(chan struct{})
	go func() {
		in.flights.Wait()
		close(idle)
	}()
	select {
	case <-idle:
	case <-time.After(10 * time.Second):
	}
	in.mu.Lock()
	in.end()
	in.mu.Unlock()
	<-idle
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return in.sensors.save(ctx, in.opts)
}

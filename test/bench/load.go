package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// round is a piece of load made beforehand: lines for a syslog connection and one bulk request.
type round struct {
	lines []byte
	bulk  []byte
	n     int // messages in both, half each
	bytes int
}

// rounds makes n rounds of 2×half messages.
func rounds(n, half int) []round {
	m := newMessages(1)
	out := make([]round, n)
	for i := range out {
		r := &out[i]
		now := time.Now()
		for range half {
			s, d := m.syslog(now), m.document(now)
			r.lines = append(append(r.lines, s...), '\n')
			r.bulk = append(append(append(r.bulk, "{\"create\":{}}\n"...), d...), '\n')
			r.bytes += len(s) + len(d)
			r.n += 2
		}
	}
	return out
}

// closed sends rounds as fast as the appliance takes them for a while: each worker writes the lines of a round and waits for the
// acknowledgement of its documents.
func (a *appliance) closed(ctx context.Context, pool []round, workers int, length time.Duration) (sent int64, err error) {
	var total atomic.Int64
	var next atomic.Int64
	errs := make([]error, workers)
	stop := time.Now().Add(length)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			c, err := net.Dial("tcp", a.listen.SyslogTCP)
			if err != nil {
				errs[w] = err
				return
			}
			defer c.Close()
			for time.Now().Before(stop) && ctx.Err() == nil {
				r := &pool[int(next.Add(1))%len(pool)]
				if _, err := c.Write(r.lines); err != nil {
					errs[w] = fmt.Errorf("syslog connection: %w", err)
					return
				}
				if err := a.bulk(ctx, r.bulk, r.n/2); err != nil {
					errs[w] = err
					return
				}
				total.Add(int64(r.n))
			}
		})
	}
	wg.Wait()
	return total.Load(), errors.Join(errors.Join(errs...), ctx.Err())
}

// settled waits until everything sent before is durable, matched and searchable: a document that names itself, sent behind all the
// rest, is found, and detection has passed the queue's end of that moment. frames is how many must be durable in all (0: not asked).
func (a *appliance) settled(ctx context.Context, frames int64, limit time.Duration) (time.Time, error) {
	deadline := time.Now().Add(limit)
	for frames > 0 { // syslog has no acknowledgement: wait until intake has counted every line
		n, err := a.metric(ctx, "hoalu_intake_frames_total")
		if err != nil {
			return time.Time{}, err
		}
		if int64(n) >= frames {
			break
		}
		if time.Now().After(deadline) {
			return time.Time{}, fmt.Errorf("%d of %d messages are durable after %s", int64(n), frames, limit)
		}
		pause(ctx, 20*time.Millisecond)
	}
	mark := fmt.Sprintf("marker%016x", rand.Uint64())
	if err := a.bulk(ctx, []byte("{\"create\":{}}\n{\"message\":\""+mark+"\",\"user\":{\"name\":\""+mark+"\"}}\n"), 1); err != nil {
		return time.Time{}, err
	}
	s, err := a.status(ctx)
	if err != nil {
		return time.Time{}, err
	}
	last := s.Last
	for {
		if s, err = a.status(ctx); err != nil {
			return time.Time{}, err
		}
		if s.Detected >= last {
			n, err := a.found(ctx, "user.name:"+mark)
			if err != nil {
				return time.Time{}, err
			}
			if n == 1 {
				return time.Now(), nil
			}
			if n > 1 {
				return time.Time{}, fmt.Errorf("one marker was sent, %d are stored", n)
			}
		}
		if time.Now().After(deadline) {
			return time.Time{}, fmt.Errorf("not everything is searchable after %s: queue %d, detected %d", limit, last, s.Detected)
		}
		pause(ctx, 20*time.Millisecond)
	}
}

// requests sends bulk requests without waiting for the answer of one before the next; at most 64 are under way.
type requests struct {
	a     *appliance
	slots chan struct{}
	wg    sync.WaitGroup

	mu     sync.Mutex
	failed error // guarded by mu
}

func newRequests(a *appliance) *requests { return &requests{a: a, slots: make(chan struct{}, 64)} }

// send returns at once; with 64 unanswered it is an error.
func (r *requests) send(ctx context.Context, body []byte, docs int) error {
	select {
	case r.slots <- struct{}{}:
	default:
		return errors.New("64 bulk requests are unanswered: the appliance cannot take this rate")
	}
	r.wg.Go(func() {
		defer func() { <-r.slots }()
		if err := r.a.bulk(ctx, body, docs); err != nil {
			r.mu.Lock()
			r.failed = errors.Join(r.failed, err)
			r.mu.Unlock()
		}
	})
	return nil
}

// wait returns when all are answered, with what failed.
func (r *requests) wait() error {
	r.wg.Wait()
	return r.failed
}

// openLoop sends rate messages a second by the clock, half as single syslog lines, half as documents in a bulk request each 50 ms.
// special, if given, is asked before each message is made and may put another in its place. Messages are made just before they are
// due; lag is how long after its due time each write began.
type openLoop struct {
	rate    int
	special func(i int, due time.Time, syslog bool) (string, bool)

	sent int64
	lags []time.Duration

	body    []byte    // of the bulk request that is being filled
	docs    int       // in body
	bulkDue time.Time // when it is sent
}

// flushEvery is how often a bulk request is sent.
const flushEvery = 50 * time.Millisecond

func (o *openLoop) run(ctx context.Context, a *appliance, length time.Duration) error {
	c, err := net.Dial("tcp", a.listen.SyslogTCP)
	if err != nil {
		return err
	}
	defer c.Close()
	m := newMessages(2)
	bulks := newRequests(a)
	begin := time.Now().Add(50 * time.Millisecond)
	o.bulkDue = begin.Add(flushEvery)
	for i := 0; ; i++ {
		due := begin.Add(time.Duration(i) * time.Second / time.Duration(o.rate))
		if due.Sub(begin) >= length {
			break
		}
		if err := o.flush(ctx, due, bulks); err != nil {
			return err
		}
		if i%2 == 1 {
			text, ok := o.ask(i, o.bulkDue, false) // a document is due with its request
			if !ok {
				text = m.document(due)
			}
			o.body = append(append(append(o.body, "{\"create\":{}}\n"...), text...), '\n')
			o.docs++
			o.sent++
			continue
		}
		text, ok := o.ask(i, due, true)
		if !ok {
			text = m.syslog(due)
		}
		if !sleepUntil(ctx, due) {
			break
		}
		o.lags = append(o.lags, time.Since(due))
		if _, err := c.Write(append([]byte(text), '\n')); err != nil {
			return fmt.Errorf("syslog connection: %w", err)
		}
		o.sent++
	}
	if o.docs > 0 {
		if err := a.bulk(ctx, o.body, o.docs); err != nil {
			return err
		}
	}
	return errors.Join(bulks.wait(), ctx.Err())
}

// ask gives what special puts in the place of a message.
func (o *openLoop) ask(i int, due time.Time, syslog bool) (string, bool) {
	if o.special == nil {
		return "", false
	}
	return o.special(i, due, syslog)
}

// flush sends the bulk requests that are due up to a time, each when it is due.
func (o *openLoop) flush(ctx context.Context, upTo time.Time, bulks *requests) error {
	for !upTo.Before(o.bulkDue) {
		if o.docs > 0 {
			if !sleepUntil(ctx, o.bulkDue) {
				return ctx.Err()
			}
			o.lags = append(o.lags, time.Since(o.bulkDue))
			body, docs := o.body, o.docs
			o.body, o.docs = nil, 0
			if err := bulks.send(ctx, body, docs); err != nil {
				return err
			}
		}
		o.bulkDue = o.bulkDue.Add(flushEvery)
	}
	return nil
}

func sleepUntil(ctx context.Context, t time.Time) bool {
	if d := time.Until(t); d > 0 {
		pause(ctx, d)
	}
	return ctx.Err() == nil
}

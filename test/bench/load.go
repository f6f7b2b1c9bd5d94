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

// openLoop sends rate messages a second by the clock, half as single syslog lines, half as documents in a bulk request each 50 ms.
// special, if given, is asked before each message is made and may put another in its place. Messages are made just before they are
// due; lag is how long after its due time each write began.
type openLoop struct {
	rate    int
	special func(i int, due time.Time, syslog bool) (string, bool)

	sent int64
	lags []time.Duration
}

func (o *openLoop) run(ctx context.Context, a *appliance, length time.Duration) error {
	c, err := net.Dial("tcp", a.listen.SyslogTCP)
	if err != nil {
		return err
	}
	defer c.Close()
	m := newMessages(2)
	var mu sync.Mutex
	var failed error
	var wg sync.WaitGroup
	const flush = 50 * time.Millisecond
	begin := time.Now().Add(50 * time.Millisecond)
	var body []byte
	docs := 0
	bulkDue := begin.Add(flush)
	slots := make(chan struct{}, 64) // requests under way
	for i := 0; ; i++ {
		due := begin.Add(time.Duration(i) * time.Second / time.Duration(o.rate))
		if due.Sub(begin) >= length {
			break
		}
		for !due.Before(bulkDue) {
			if docs > 0 {
				if !sleepUntil(ctx, bulkDue) {
					break
				}
				o.lags = append(o.lags, time.Since(bulkDue))
				b, n := body, docs
				body, docs = nil, 0
				select {
				case slots <- struct{}{}:
				default:
					return errors.New("64 bulk requests are unanswered: the appliance cannot take this rate")
				}
				wg.Go(func() {
					defer func() { <-slots }()
					if err := a.bulk(ctx, b, n); err != nil {
						mu.Lock()
						failed = errors.Join(failed, err)
						mu.Unlock()
					}
				})
			}
			bulkDue = bulkDue.Add(flush)
		}
		syslog := i%2 == 0
		text, ok := "", false
		if o.special != nil {
			at := due
			if !syslog {
				at = bulkDue // a document is due with its request
			}
			text, ok = o.special(i, at, syslog)
		}
		if !syslog {
			if !ok {
				text = m.document(due)
			}
			body = append(append(append(body, "{\"create\":{}}\n"...), text...), '\n')
			docs++
			o.sent++
			continue
		}
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
	if docs > 0 {
		if err := a.bulk(ctx, body, docs); err != nil {
			return err
		}
	}
	wg.Wait()
	return errors.Join(failed, ctx.Err())
}

func sleepUntil(ctx context.Context, t time.Time) bool {
	if d := time.Until(t); d > 0 {
		pause(ctx, d)
	}
	return ctx.Err() == nil
}

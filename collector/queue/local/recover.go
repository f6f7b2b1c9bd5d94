package local

import (
	"fmt"
	"time"

	"hoalu/collector/queue"
)

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

// settle looks for the Appends that wait, by their Nats-Msg-Id, in what the restarted stream holds past the last acknowledged sequence:
// those found are durable, the others are not in the queue.
func (q *Queue) settle(c *conn) error {
	if err := c.srv.sync(); err != nil {
		return fmt.Errorf("sync recovered queue: %w", err)
	}
	info := c.stream.CachedInfo()
	q.mu.Lock()
	acked := q.acked
	waiting := make(map[string]*pending, len(q.pending))
	for p := range q.pending {
		waiting[p.id] = p
	}
	q.mu.Unlock()
	found := map[*pending]uint64{}
	for seq := max(acked+1, info.State.FirstSeq); seq <= info.State.LastSeq; {
		msgs, ids, err := c.fetch(seq)
		if err != nil {
			return fmt.Errorf("read recovered queue: %w", err)
		}
		if len(msgs) == 0 {
			break
		}
		for i, m := range msgs {
			if p := waiting[ids[i]]; p != nil {
				found[p] = m.Seq
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
			p.done <- outcome{err: queue.ErrDown}
		}
	}
	close(q.more)
	q.more = make(chan struct{})
	return nil
}

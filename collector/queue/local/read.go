package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"hoalu/collector/queue"
)

func (q *Queue) keepCached(msgs []queue.Message) {
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

// Read returns the batch with sequence seq; it blocks until there is one. A sequence that is gone gives a *queue.PurgedError with
// the next one there is.
func (q *Queue) Read(ctx context.Context, seq uint64) (queue.Message, error) {
	for {
		if data, ok := q.lookup(seq); ok {
			return queue.Message{Seq: seq, Data: data}, nil
		}
		q.mu.Lock()
		c, more := q.conn, q.more
		q.mu.Unlock()
		if c != nil && seq <= q.last.Load() {
			m, err := q.load(c, seq)
			if err == nil || !errors.Is(err, queue.ErrDown) {
				return m, err
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return queue.Message{}, ctx.Err()
		case <-q.closed:
			return queue.Message{}, queue.ErrClosed
		}
	}
}

// load fetches seq and what follows it into the cache.
func (q *Queue) load(c *conn, seq uint64) (queue.Message, error) {
	q.fetchMu.Lock()
	defer q.fetchMu.Unlock()
	if data, ok := q.lookup(seq); ok {
		return queue.Message{Seq: seq, Data: data}, nil
	}
	msgs, _, err := c.fetch(seq)
	if err != nil {
		q.mu.Lock()
		replaced := q.conn != c
		q.mu.Unlock()
		if replaced || c.nc.IsClosed() {
			q.fail(c.gen)
			return queue.Message{}, queue.ErrDown
		}
		return queue.Message{}, fmt.Errorf("read sequence %d: %w", seq, err)
	}
	for i := range msgs {
		if msgs[i].Data, err = q.open(msgs[i]); err != nil {
			return queue.Message{}, fmt.Errorf("read sequence %d: %w", msgs[i].Seq, err)
		}
	}
	q.keepCached(msgs)
	if len(msgs) > 0 && msgs[0].Seq == seq {
		return msgs[0], nil
	}
	return queue.Message{}, q.missing(c, seq, msgs)
}

// missing tells purged from lost.
func (q *Queue) missing(c *conn, seq uint64, msgs []queue.Message) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	info, err := c.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("read sequence %d: %w", seq, err)
	}
	if seq < info.State.FirstSeq {
		return &queue.PurgedError{Seq: seq, Next: info.State.FirstSeq}
	}
	next := info.State.LastSeq + 1
	if len(msgs) > 0 {
		next = msgs[0].Seq
	}
	if next <= seq {
		return fmt.Errorf("read sequence %d: %w", seq, queue.ErrDown)
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
	return &queue.PurgedError{Seq: seq, Next: next, Hole: true}
}

// fetch asks for up to fetchMessages messages from seq on, each with its Nats-Msg-Id; holes are stepped over, none is an empty answer.
func (c *conn) fetch(seq uint64) (msgs []queue.Message, ids []string, err error) {
	req, err := json.Marshal(map[string]any{"seq": seq, "batch": fetchMessages, "max_bytes": fetchBytes})
	if err != nil {
		return nil, nil, err
	}
	inbox := c.nc.NewRespInbox()
	sub, err := c.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, nil, err
	}
	defer sub.Unsubscribe() //nolint:errcheck // the connection is gone then, and so is the subscription
	if err := c.nc.PublishRequest("$JS.API.DIRECT.GET."+streamName, inbox, req); err != nil {
		return nil, nil, err
	}
	msgs = make([]queue.Message, 0, fetchMessages)
	for {
		m, err := sub.NextMsg(10 * time.Second)
		if err != nil {
			return nil, nil, err
		}
		switch m.Header.Get("Status") {
		case "":
			n, err := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
			if err != nil {
				return nil, nil, fmt.Errorf("sequence of a stored message: %w", err)
			}
			msgs = append(msgs, queue.Message{Seq: n, Data: m.Data})
			ids = append(ids, m.Header.Get(jetstream.MsgIDHeader))
		case "204", "404": // end of batch, nothing there
			return msgs, ids, nil
		default:
			return nil, nil, fmt.Errorf("embedded server answered %s %s", m.Header.Get("Status"), m.Header.Get("Description"))
		}
	}
}

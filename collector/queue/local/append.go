package local

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"hoalu/collector/queue"
	"hoalu/ecs/wire"
)

// Append stamps the epoch on b, writes it and returns its sequence after the fsync.
func (q *Queue) Append(ctx context.Context, b *wire.Batch) (uint64, error) {
	b.Epoch = q.epoch
	data := wire.Encode(b)
	sealed, err := q.seal(data)
	if err != nil {
		q.refused.Add(1)
		return 0, fmt.Errorf("append to queue: %w", err)
	}
	if len(sealed) > maxSealed {
		q.refused.Add(1)
		return 0, fmt.Errorf("%w: %d bytes, limit %d", queue.ErrTooLarge, len(sealed), maxSealed)
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
		return 0, queue.ErrClosed
	}
	if _, err := q.ready(); err != nil {
		return 0, err
	}
	p := &pending{id: q.msgID + strconv.FormatUint(q.msgSeq.Add(1), 36), done: make(chan outcome, 1)}
	q.mu.Lock()
	c := q.conn
	if c == nil {
		q.mu.Unlock()
		if _, err := q.ready(); err != nil { // closed since
			return 0, err
		}
		return 0, queue.ErrDown
	}
	fut, err := c.js.PublishAsync(subject, sealed, jetstream.WithMsgID(p.id), jetstream.WithRetryAttempts(0))
	if err != nil {
		q.mu.Unlock()
		if c.nc.IsClosed() {
			q.fail(c.gen)
			return 0, queue.ErrDown
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
					return 0, fmt.Errorf("%w (%s)", queue.ErrFull, api.Description)
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
			return 0, queue.ErrClosed
		}
	}
}

// accepted notes a durable batch, keeps it for readers at the head and wakes them.
func (q *Queue) accepted(seq uint64, data []byte) uint64 {
	q.keepCached([]queue.Message{{Seq: seq, Data: data}})
	q.mu.Lock()
	defer q.mu.Unlock()
	q.acked = max(q.acked, seq)
	q.grow(seq)
	close(q.more)
	q.more = make(chan struct{})
	return seq
}

package packet

import (
	"context"
	"sync"
)

// Output stands between a capture that must not wait and a consumer that may: a bounded ring of records by class. When it is full the
// oldest record of the lowest class goes first, and a record lower than all that wait is dropped itself; each loss is counted by class.
// Put never blocks. Put and Next may be called from different goroutines.
type Output struct {
	ready chan struct{}

	mu      sync.Mutex
	max     int
	size    int // of the records that wait
	spare   int // of the memory in places without a record, at most max too
	closed  bool
	queues  [Classes]queue
	stats   [Classes]RecordStats
	highest int // greatest size so far
}

// queue is a ring of places for records; a place keeps the memory of the last record in it for the next, within Output.spare.
type queue struct {
	items []item
	head  int
	n     int
}

type item struct {
	data []byte
}

// push copies b into the next place of class c. Memory far larger than b goes: what waits takes at most four times its size.
func (o *Output) push(c Class, b []byte) {
	q := &o.queues[c]
	if q.n == len(q.items) {
		grown := make([]item, max(64, 2*len(q.items)))
		for i := range q.n {
			grown[i] = q.items[(q.head+i)%len(q.items)]
		}
		q.items, q.head = grown, 0
	}
	i := &q.items[(q.head+q.n)%len(q.items)]
	o.spare -= cap(i.data)
	i.data = append(spent(i.data, 4*len(b)), b...)
	q.n++
	o.size += len(b)
}

// pop takes the oldest record of class c out; it is good until the next push.
func (o *Output) pop(c Class) []byte {
	q := &o.queues[c]
	i := &q.items[q.head]
	b := i.data
	if o.spare+cap(b) > o.max {
		i.data = nil
	}
	o.spare += cap(i.data)
	q.head = (q.head + 1) % len(q.items)
	q.n--
	o.size -= len(b)
	return b
}

// NewOutput makes an Output that holds at most max bytes of records (default 16 MiB).
func NewOutput(max int) *Output {
	if max <= 0 {
		max = 16 << 20
	}
	return &Output{max: max, ready: make(chan struct{}, 1)}
}

// Put copies a record into the ring; it is the emit of NewAnalyzer.
func (o *Output) Put(record []byte, c Class) {
	o.mu.Lock()
	st := &o.stats[c]
	st.Seen++
	if len(record) > o.max || o.closed {
		st.Dropped++
		o.mu.Unlock()
		return
	}
	for o.size+len(record) > o.max {
		low := Class(0)
		for low < c && o.queues[low].n == 0 {
			low++
		}
		if o.queues[low].n == 0 { // all that waits is higher
			st.Dropped++
			o.mu.Unlock()
			return
		}
		o.pop(low)
		o.stats[low].Dropped++
	}
	o.push(c, record)
	o.highest = max(o.highest, o.size)
	o.mu.Unlock()
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// Next appends the next record, the highest class first, to dst. It waits for one; it returns ctx's error, or false once the Output is
// closed and empty.
func (o *Output) Next(ctx context.Context, dst []byte) (record []byte, c Class, more bool, err error) {
	for {
		o.mu.Lock()
		for i := int(Classes) - 1; i >= 0; i-- {
			if c := Class(i); o.queues[c].n > 0 {
				dst = append(dst, o.pop(c)...)
				o.stats[i].Sent++
				o.mu.Unlock()
				return dst, Class(i), true, nil
			}
		}
		closed := o.closed
		o.mu.Unlock()
		if closed {
			return dst, 0, false, nil
		}
		select {
		case <-o.ready:
		case <-ctx.Done():
			return dst, 0, false, ctx.Err()
		}
	}
}

// Close ends Next once what waits has been read; later records are dropped and counted.
func (o *Output) Close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// Stats by class: once the Output is closed and empty, Seen = Sent + Dropped. Waiting is the difference before.
func (o *Output) Stats() [Classes]RecordStats {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stats
}

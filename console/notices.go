package console

import (
	"sync"

	"hoalu/soc"
)

// Notices hands soc.Notice to open browsers. A browser that does not read loses notices, never the publisher time: past its bound
// it is told to read everything again ("all").
type Notices struct {
	mu      sync.Mutex
	clients map[*client]struct{}
	order   []*client // oldest first
	closed  bool
}

const (
	noticeBuffer   = 256
	streamsPerUser = 3 // one a browser, and room for a reload and a second screen
)

type client struct {
	key    string // session or token
	c      chan soc.Notice
	lost   chan struct{} // holds one when notices were dropped
	check  chan struct{} // holds one when rights may have changed
	ended  chan struct{}
	reason string
	once   sync.Once
}

func (c *client) end(reason string) {
	c.once.Do(func() { c.reason = reason; close(c.ended) })
}

func newNotices() *Notices { return &Notices{clients: map[*client]struct{}{}} }

// Publish hands n to every open stream; it never blocks.
func (b *Notices) Publish(n soc.Notice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.clients {
		select {
		case c.c <- n:
		default:
			select {
			case c.lost <- struct{}{}:
			default:
			}
		}
	}
}

// Close ends every stream; browsers come back by themselves.
func (b *Notices) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for c := range b.clients {
		c.end("stopping")
	}
}

// End ends the streams of a session or token.
func (b *Notices) End(key, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.clients {
		if c.key == key {
			c.end(reason)
		}
	}
}

// Recheck has every open stream ask again who it is for and what they may see, at once: an account or token has changed.
func (b *Notices) Recheck() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.clients {
		select {
		case c.check <- struct{}{}:
		default:
		}
	}
}

// Open is how many streams are open.
func (b *Notices) Open() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.clients)
}

func (b *Notices) join(key string) *client {
	c := &client{key: key, c: make(chan soc.Notice, noticeBuffer), lost: make(chan struct{}, 1), check: make(chan struct{}, 1),
		ended: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		c.end("stopping")
		return c
	}
	var mine []*client
	for _, o := range b.order {
		if o.key == key {
			mine = append(mine, o)
		}
	}
	if len(mine) >= streamsPerUser {
		mine[0].end("replaced")
		b.drop(mine[0])
	}
	b.clients[c] = struct{}{}
	b.order = append(b.order, c)
	return c
}

func (b *Notices) leave(c *client) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(c)
}

func (b *Notices) drop(c *client) {
	delete(b.clients, c)
	for i, o := range b.order {
		if o == c {
			b.order = append(b.order[:i], b.order[i+1:]...)
			return
		}
	}
}

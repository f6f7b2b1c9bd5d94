package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"hoalu/console/authz"
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
	c := &client{key: key, c: make(chan soc.Notice, noticeBuffer), lost: make(chan struct{}, 1), check: make(chan struct{}, 1), ended: make(chan struct{})}
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

// topics says which right a notice's topic needs.
var topics = map[string]string{
	"alert": "alerts.read", "source": "sources.read", "ledger": "ledger.read", "posture": "posture.read", "national": "national.read",
	"system": "systems.read", "rule": "rules.read",
}

// rights of a stream, renewed every 30 s.
type streamRights map[string]soc.Scope

func (c *Console) streamRights(k *call) streamRights {
	out := streamRights{}
	for topic, action := range topics {
		if c.may(k.r.Context(), k, action) {
			scope, filter := c.scopeFor(k.r.Context(), k, action)
			if filter.PersonalOnly() {
				scope = soc.Scope{} // which alerts are personal is not in a notice: such a reader polls
			}
			out[topic] = scope
		}
	}
	return out
}

// covers: a notice of no system is for those who see every row.
func (r streamRights) covers(n soc.Notice) bool {
	scope, ok := r[n.Topic]
	return ok && authz.Covers(scope, n.System)
}

// Times of a stream; tests shorten them.
var (
	streamRecheck = 30 * time.Second
	streamBeat    = 15 * time.Second
	streamFold    = 100 * time.Millisecond
)

// stream sends notices as server-sent events: "hello", "notice" with {topic, id, version} (id "*": anything of the topic, sent when
// notices were lost), "beat" every 15 s, "end" with a reason. Notices of the same object within a tenth of a second are folded.
func (c *Console) stream(w http.ResponseWriter, r *http.Request) {
	k := &call{Lang: languageOf(r, ""), w: w, r: r, secure: overTLS(r)}
	op := operation{Method: get, Path: "/api/stream", ID: "stream", Action: "me.read"}
	if err := c.identify(k, op.Action); err != nil {
		c.refuse(r.Context(), k, op, err)
		return
	}
	rc := http.NewResponseController(w)
	// The server's bound on reading a request would end the stream: net/http watches the connection under it.
	if err := rc.SetReadDeadline(time.Time{}); err != nil {
		c.refuse(r.Context(), k, op, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	key := k.Identity.Session + k.Identity.Token
	me := c.notices.join(key)
	defer c.notices.leave(me)
	rights := c.streamRights(k)

	send := func(event string, v any) error {
		data, err := json.Marshal(v)
		if err != nil {
			return err
		}
		// A browser that takes nothing for 10 s is gone.
		if err := rc.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		var b bytes.Buffer
		b.WriteString("event: " + event + "\ndata: ")
		b.Write(data)
		b.WriteString("\n\n")
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
		return rc.Flush()
	}
	if _, err := w.Write([]byte("retry: 3000\n\n")); err != nil {
		return
	}
	if err := send("hello", map[string]any{"now": c.now(), "version": c.Version}); err != nil {
		return
	}
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	recheck := time.NewTicker(streamRecheck)
	defer recheck.Stop()
	fold := time.NewTicker(streamFold)
	defer fold.Stop()
	waiting := map[[2]string]soc.Notice{}
	var order [][2]string
	again := func() bool {
		if err := c.identify(k, op.Action); err != nil {
			send("end", map[string]string{"reason": "rights"}) //nolint:errcheck // ends anyway
			return false
		}
		rights = c.streamRights(k)
		return true
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case <-me.ended:
			send("end", map[string]string{"reason": me.reason}) //nolint:errcheck // ends anyway
			return
		case <-me.lost:
			for topic := range rights {
				if err := send("notice", soc.Notice{Topic: topic, ID: "*"}); err != nil {
					return
				}
			}
		case n := <-me.c:
			if rights.covers(n) {
				at := [2]string{n.Topic, n.ID}
				if _, ok := waiting[at]; !ok {
					order = append(order, at)
				}
				waiting[at] = n
			}
		case <-fold.C:
			for _, at := range order {
				if err := send("notice", waiting[at]); err != nil {
					return
				}
				delete(waiting, at)
			}
			order = order[:0]
		case <-beat.C:
			if err := send("beat", map[string]any{"now": c.now()}); err != nil {
				return
			}
		case <-me.check:
			if !again() {
				return
			}
		case <-recheck.C:
			if !again() {
				return
			}
		}
	}
}

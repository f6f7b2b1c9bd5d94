package listen

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of the connections of one listener. A limit of 0 takes its default.
type Limits struct {
	Connections int           // open at once, of all addresses; 4096
	PerAddress  int           // open at once, of one address; an eighth of Connections
	Anonymous   int           // open at once, of one address, before Known was called; a quarter of PerAddress
	Patience    time.Duration // a connection for which Known was not called is closed after this; 30 s, less than 0: never
}

const (
	defaultConnections = 4096
	defaultPatience    = 30 * time.Second
	// idle is how long nothing came over a connection before another may take its place: a sender between two writes keeps it.
	idle = time.Second
)

func (l Limits) withDefaults() Limits {
	if l.Connections <= 0 {
		l.Connections = defaultConnections
	}
	if l.PerAddress <= 0 {
		l.PerAddress = max(1, l.Connections/8)
	}
	if l.Anonymous <= 0 {
		l.Anonymous = max(1, l.PerAddress/4)
	}
	if l.Patience == 0 {
		l.Patience = defaultPatience
	}
	return l
}

// Guard bounds the connections of a listener. Its Accept returns *Conn.
//
// Where a new connection finds no place, an old one is closed for it if one is idle: of the same address when the address is at
// its limit; else first one whose sender has not shown who it is, then one of the address that holds most, and among those the
// one over which nothing came for longest. When none is idle the new one is closed. Either is told to refused, once for each
// connection, with the address of the one that was closed.
type Guard struct {
	net.Listener
	limits  Limits
	refused func(peer string)

	mu        sync.Mutex
	conns     map[*Conn]struct{}
	addresses map[string]*held
}

// held is what one address has open.
type held struct{ all, anonymous int }

// NewGuard bounds l. refused may be nil.
func NewGuard(l net.Listener, limits Limits, refused func(peer string)) *Guard {
	if refused == nil {
		refused = func(string) {}
	}
	return &Guard{Listener: l, limits: limits.withDefaults(), refused: refused, conns: map[*Conn]struct{}{}, addresses: map[string]*held{}}
}

// share is what counts as one address: an IPv6 network of 64 bits is one sender's to choose addresses from.
func share(peer string) string {
	a, err := netip.ParseAddr(peer)
	if err != nil || a.Is4() {
		return peer
	}
	p, err := a.Prefix(64)
	if err != nil {
		return peer
	}
	return p.Addr().String()
}

// Conn is a connection that a Guard counts.
type Conn struct {
	net.Conn
	guard    *Guard
	peer     string // or its network
	since    time.Time
	last     atomic.Int64 // Unix ns of the last bytes that came
	working  atomic.Int32 // pieces of work
	patience *time.Timer  // closes it; nil: nothing does

	known, gone bool // guard.mu
}

// Accept waits for a connection that has a place.
func (g *Guard) Accept() (net.Conn, error) {
	for {
		raw, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		now := time.Now()
		c := &Conn{Conn: raw, guard: g, peer: share(Peer(raw.RemoteAddr())), since: now}
		c.last.Store(now.UnixNano())
		victim, ok := g.admit(c, now)
		if victim != nil {
			victim.Conn.Close() //nolint:errcheck // its owner reads the end and closes it again
			g.refused(victim.peer)
		}
		if !ok {
			raw.Close() //nolint:errcheck // nobody has it
			g.refused(c.peer)
			continue
		}
		return c, nil
	}
}

// admit counts c, or says that there is no place; victim must be closed in any case.
func (g *Guard) admit(c *Conn, now time.Time) (victim *Conn, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.addresses[c.peer]
	switch {
	case h != nil && h.all >= g.limits.PerAddress:
		victim = g.victim(now, func(o *Conn) bool { return o.peer == c.peer })
	case h != nil && h.anonymous >= g.limits.Anonymous:
		victim = g.victim(now, func(o *Conn) bool { return o.peer == c.peer && !o.known })
	case len(g.conns) >= g.limits.Connections:
		victim = g.victim(now, func(*Conn) bool { return true })
	default:
		ok = true
	}
	if victim != nil {
		g.remove(victim)
		ok = true
	}
	if !ok {
		return nil, false
	}
	h = g.addresses[c.peer] // removing the last one may have taken it away
	if h == nil {
		h = &held{}
		g.addresses[c.peer] = h
	}
	h.all++
	h.anonymous++
	g.conns[c] = struct{}{}
	if g.limits.Patience > 0 {
		c.patience = time.AfterFunc(g.limits.Patience, c.expire)
	}
	return victim, true
}

// victim finds the connection that makes way, nil when none may; mu is held.
func (g *Guard) victim(now time.Time, among func(*Conn) bool) *Conn {
	var worst *Conn
	for c := range g.conns {
		if !among(c) {
			continue
		}
		// Who has not shown who it is cannot keep its place by sending a byte now and then.
		if c.known && (c.working.Load() > 0 || now.UnixNano()-c.last.Load() < int64(idle)) || now.Sub(c.since) < idle {
			continue
		}
		if worst == nil || g.sooner(c, worst) {
			worst = c
		}
	}
	return worst
}

// sooner says whether a makes way before b; mu is held.
func (g *Guard) sooner(a, b *Conn) bool {
	if a.known != b.known {
		return b.known
	}
	if x, y := g.addresses[a.peer].all, g.addresses[b.peer].all; x != y {
		return x > y
	}
	if !a.known {
		return a.since.Before(b.since)
	}
	return a.last.Load() < b.last.Load()
}

// remove takes c off the books, once; mu is held.
func (g *Guard) remove(c *Conn) {
	if c.gone {
		return
	}
	c.gone = true
	if c.patience != nil {
		c.patience.Stop()
	}
	delete(g.conns, c)
	h := g.addresses[c.peer]
	h.all--
	if !c.known {
		h.anonymous--
	}
	if h.all == 0 {
		delete(g.addresses, c.peer)
	}
}

// expire closes a connection whose sender has not shown in time who it is.
func (c *Conn) expire() {
	c.guard.mu.Lock()
	late := !c.known && !c.gone
	if late {
		c.guard.remove(c)
	}
	c.guard.mu.Unlock()
	if late {
		c.Conn.Close() //nolint:errcheck // its owner reads the end and closes it again
		c.guard.refused(c.peer)
	}
}

// Known says that the sender has shown who it is, or has sent what only a sender does: the connection is no longer anonymous.
func (c *Conn) Known() {
	c.guard.mu.Lock()
	defer c.guard.mu.Unlock()
	if c.known {
		return
	}
	c.known = true
	if c.patience != nil {
		c.patience.Stop()
	}
	if !c.gone {
		c.guard.addresses[c.peer].anonymous--
	}
}

// Work says that something that came over the connection is being worked on: it is not idle, though nothing comes, until done is called.
func (c *Conn) Work() (done func()) {
	c.working.Add(1)
	return func() {
		c.last.Store(time.Now().UnixNano())
		c.working.Add(-1)
	}
}

func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.last.Store(time.Now().UnixNano())
	}
	return n, err
}

// Close gives the place back.
func (c *Conn) Close() error {
	c.guard.mu.Lock()
	c.guard.remove(c)
	c.guard.mu.Unlock()
	return c.Conn.Close()
}

// ConnOf finds the Conn below c, which may be a TLS connection; nil when no Guard accepted it.
func ConnOf(c net.Conn) *Conn {
	for c != nil {
		if own, ok := c.(*Conn); ok {
			return own
		}
		wraps, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		c = wraps.NetConn()
	}
	return nil
}

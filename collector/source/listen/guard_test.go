package listen

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"
)

// fake is a connection of an address that says whether it was closed.
type fake struct {
	net.Conn
	from   string
	closed bool
}

func (f *fake) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(f.from), 1))
}
func (f *fake) Close() error { f.closed = true; return nil }

// crowd opens connections at a Guard as if Accept had taken them at some second.
type crowd struct {
	g     *Guard
	begin time.Time
}

func newCrowd(l Limits) *crowd {
	l.Patience = -1
	return &crowd{NewGuard(nil, l, nil), time.Now()}
}

// open says which connection had to go for the new one, and whether the new one has a place.
func (c *crowd) open(from string, second int, known bool) (conn, victim *Conn, ok bool) {
	at := c.begin.Add(time.Duration(second) * time.Second)
	conn = &Conn{Conn: &fake{from: from}, guard: c.g, peer: share(from), since: at}
	conn.last.Store(at.UnixNano())
	victim, ok = c.g.admit(conn, at)
	if known && ok {
		conn.Known()
	}
	return conn, victim, ok
}

func TestGuardWhoMakesWay(t *testing.T) {
	t.Run("one address beyond its limit gives its own oldest", func(t *testing.T) {
		c := newCrowd(Limits{Connections: 10, PerAddress: 3, Anonymous: 3})
		other, _, _ := c.open("10.0.0.9", 0, true)
		first, _, _ := c.open("10.0.0.1", 1, true)
		c.open("10.0.0.1", 2, true)
		c.open("10.0.0.1", 3, true)
		if _, victim, ok := c.open("10.0.0.1", 10, true); !ok || victim != first {
			t.Errorf("a fourth connection: place %v for %v; want the first one to go, not %v", ok, victim, other)
		}
	})
	t.Run("without idle ones the new one has no place", func(t *testing.T) {
		c := newCrowd(Limits{Connections: 10, PerAddress: 1, Anonymous: 1})
		busy, _, _ := c.open("10.0.0.1", 0, true)
		done := busy.Work()
		if _, victim, ok := c.open("10.0.0.1", 60, true); ok || victim != nil {
			t.Errorf("beside a connection that is worked on: place %v, victim %v; want none", ok, victim)
		}
		done()
	})
	t.Run("who has not shown who it is goes first, though it sends bytes", func(t *testing.T) {
		c := newCrowd(Limits{Connections: 3, PerAddress: 3, Anonymous: 3})
		c.open("10.0.0.1", 0, true)
		anonymous, _, _ := c.open("10.0.0.2", 5, false)
		c.open("10.0.0.3", 1, true)
		anonymous.last.Store(c.begin.Add(59900 * time.Millisecond).UnixNano())
		if _, victim, ok := c.open("10.0.0.4", 60, true); !ok || victim != anonymous {
			t.Errorf("full: place %v, victim %v; want the anonymous one to go", ok, victim)
		}
	})
	t.Run("then the address that holds most", func(t *testing.T) {
		c := newCrowd(Limits{Connections: 3, PerAddress: 3, Anonymous: 3})
		c.open("10.0.0.1", 0, true)
		greedy, _, _ := c.open("10.0.0.2", 1, true)
		c.open("10.0.0.2", 2, true)
		if _, victim, ok := c.open("10.0.0.4", 60, true); !ok || victim != greedy {
			t.Errorf("full: place %v, victim %v; want the older one of the address with two", ok, victim)
		}
	})
	t.Run("anonymous ones of an address have a limit of their own", func(t *testing.T) {
		c := newCrowd(Limits{Connections: 100, PerAddress: 50, Anonymous: 2})
		first, _, _ := c.open("10.0.0.1", 0, false)
		second, _, _ := c.open("10.0.0.1", 0, false) // at the same instant: either may go
		if _, _, ok := c.open("10.0.0.1", 0, false); ok {
			t.Error("a third anonymous one within the first second has a place")
		}
		if _, victim, ok := c.open("10.0.0.1", 2, false); !ok || victim != first && victim != second {
			t.Errorf("later: place %v, victim %v; want one of the two to go", ok, victim)
		}
	})
	t.Run("the addresses of one IPv6 network count together", func(t *testing.T) {
		c := newCrowd(Limits{Connections: 100, PerAddress: 1, Anonymous: 1})
		c.open("2001:db8::1", 0, true)
		if _, _, ok := c.open("2001:db8::2", 0, true); ok {
			t.Error("the second address of a /64 has a place of its own")
		}
		if _, _, ok := c.open("2001:db8:0:1::2", 0, true); !ok {
			t.Error("another /64 has no place")
		}
	})
}

// What is closed, by whomever and however often, gives its place back once.
func TestGuardGivesPlacesBack(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	refused := 0
	g := NewGuard(l, Limits{Connections: 2, PerAddress: 2, Anonymous: 2, Patience: 100 * time.Millisecond},
		func(string) { mu.Lock(); refused++; mu.Unlock() })
	defer g.Close()
	go func() {
		for {
			c, err := g.Accept()
			if err != nil {
				return
			}
			go func() {
				c.Read(make([]byte, 1)) //nolint:errcheck // the end
				c.Close()
				c.Close()
			}()
		}
	}()
	for range 20 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.SetReadDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Fatal("an anonymous connection is open for ever")
		}
		c.Close()
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		g.mu.Lock()
		left := len(g.conns) + len(g.addresses)
		g.mu.Unlock()
		mu.Lock()
		told := refused
		mu.Unlock()
		if left == 0 && told == 20 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d places are still held, %d closings told; want none and 20", left, told)
		}
	}
}

func TestBudgetAndSlots(t *testing.T) {
	b := NewBudget(100, 60)
	for _, tc := range []struct {
		address string
		n       int64
		want    bool
	}{{"a", 60, true}, {"a", 1, false}, {"b", 41, false}, {"b", 40, true}, {"c", 1, false}} {
		if got := b.Take(tc.address, tc.n); got != tc.want {
			t.Errorf("Take(%s, %d) = %v, want %v", tc.address, tc.n, got, tc.want)
		}
	}
	b.Give("a", 60)
	if b.Used() != 40 || len(b.addresses) != 1 {
		t.Errorf("%d used by %v, want 40 by b", b.Used(), b.addresses)
	}
	s := NewSlots(2, 1)
	free, ok := s.Take(t.Context(), "a")
	if !ok {
		t.Fatal("no place in an empty house")
	}
	if _, ok := s.Take(t.Context(), "a"); ok {
		t.Error("a second place for one sender, limit 1")
	}
	if _, ok := s.Take(t.Context(), "b"); !ok {
		t.Error("no place for another sender")
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, ok := s.Take(short, "c"); ok {
		t.Error("a third place, limit 2")
	}
	free()
	if _, ok := s.Take(t.Context(), "c"); !ok {
		t.Error("no place after one was given back")
	}
	if len(s.held) != 2 {
		t.Errorf("held %v, want b and c", s.held)
	}
}

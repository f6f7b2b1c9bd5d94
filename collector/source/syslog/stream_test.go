package syslog

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"hoalu/collector/source/listen"
	"hoalu/ecs/wire"
)

var background = context.Background()

// One TLS record a message, as rsyslog and syslog-ng write them, and a queue that takes 25 ms to be durable: what comes meanwhile goes
// together. One put a record would take 50 s.
func TestTLSIsAsFastAsTCP(t *testing.T) {
	cert, pem := certificate(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	const n = 2000
	took := map[string]time.Duration{}
	for _, name := range []string{TCP, TLS} {
		var got atomic.Int64
		all := make(chan struct{})
		put := func(_ context.Context, _ string, frames []wire.Frame) error {
			time.Sleep(25 * time.Millisecond) // a disk
			if got.Add(int64(len(frames))) == n {
				close(all)
			}
			return nil
		}
		l, err := New(Config{TCP: "127.0.0.1:0", TLS: "127.0.0.1:0", TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}, put, quiet())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		var c net.Conn
		if name == TLS {
			c, err = tls.Dial("tcp", l.Transport(TLS).String(), &tls.Config{RootCAs: pool})
		} else {
			c, err = net.Dial("tcp", l.Transport(TCP).String())
		}
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for i := range n {
			m := fmt.Sprintf("<134>1 2026-11-30T07:30:00Z box13 tlsrate - - - message %d", i)
			if _, err := fmt.Fprintf(c, "%d %s", len(m), m); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-all:
			took[name] = time.Since(began)
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: %d of %d messages in 20 s", name, got.Load(), n)
		}
		c.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if took[TLS] > 2*took[TCP]+500*time.Millisecond { // the half second is a hand-shake on a machine that does other things
		t.Errorf("%d messages: TCP %s, TLS %s: as fast is wanted", n, took[TCP], took[TLS])
	}
	t.Logf("%d messages: TCP %s, TLS %s", n, took[TCP], took[TLS])
}

// A queue that stands still: a connection reads ahead what it may and no more, all of one address no more than its half; nothing that
// was taken is lost when the queue goes on.
func TestReadingAheadIsBounded(t *testing.T) {
	s := newSink()
	s.block = make(chan struct{})
	l, stop := serve(t, Config{TCP: "127.0.0.1:0"}, s)
	const connections = 50
	var written atomic.Int64
	for range connections {
		c, err := net.Dial("tcp", l.Transport(TCP).String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go func() {
			line := []byte(fmt.Sprintf("<13>%01000d\n", 0))
			for {
				if _, err := c.Write(line); err != nil {
					return
				}
				written.Add(1)
			}
		}()
	}
	for last, same := int64(-1), 0; same < 20; time.Sleep(20 * time.Millisecond) { // until nobody can write any more
		if now := written.Load(); now == last {
			same++
		} else {
			last, same = now, 0
		}
	}
	if used := l.ahead.Used(); used > aheadBytes/2 {
		t.Errorf("one address has %d MiB read ahead, limit %d", used>>20, aheadBytes/2>>20)
	}
	close(s.block)
	stop()
	if n := s.losses[Refused] + s.losses[BadFrame]; n != 0 {
		t.Errorf("losses %v", s.losses)
	}
	if used := l.ahead.Used(); used != 0 {
		t.Errorf("%d bytes are still counted", used)
	}
}

// One address opens all the connections it can and says nothing: another is served at once, over TCP and over TLS.
func TestOneAddressDoesNotTakeAllConnections(t *testing.T) {
	cert, pem := certificate(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	s := newSink()
	l, _ := serve(t, Config{TCP: "127.0.0.1:0", TLS: "127.0.0.1:0", TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		Limits: listen.Limits{Connections: 200}}, s)
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for _, name := range []string{TCP, TLS} {
		for range 300 {
			c, err := d.Dial("tcp", l.Transport(name).String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
	}
	c, err := net.Dial("tcp", l.Transport(TCP).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "<13>over TCP\n")
	secure, err := tls.Dial("tcp", l.Transport(TLS).String(), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer secure.Close()
	fmt.Fprintf(secure, "<13>over TLS\n")
	s.wait(t, "both messages", func() bool { return len(s.got) == 2 })
	s.wait(t, "refusals", func() bool { return s.losses[TooMany] > 300 })
}

// TestStopDuringHandshakes: the collector stops while senders shake hands; it ends in order, whoever is faster, the stop or the handshake
// that fails by it.
func TestStopDuringHandshakes(t *testing.T) {
	cert, pem := certificate(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	other := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range 20 {
		s := newSink()
		l, stop := serve(t, Config{TLS: "127.0.0.1:0", TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
			Limits: listen.Limits{Connections: 400}}, s)
		for range 50 {
			c, err := other.Dial("tcp", l.Transport(TLS).String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		last, err := tls.Dial("tcp", l.Transport(TLS).String(), &tls.Config{RootCAs: pool}) // served: so are those before it
		if err != nil {
			t.Fatal(err)
		}
		defer last.Close()
		stop()
		if s.losses[BadTLS] != 0 {
			t.Fatalf("%d handshakes count as the senders' fault; the stop broke them", s.losses[BadTLS])
		}
	}
}

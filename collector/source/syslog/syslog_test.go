package syslog

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/collector/source/listen"
	"hoalu/ecs/wire"
	"hoalu/internal/needed"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// sink is a put that keeps what it gets.
type sink struct {
	mu       sync.Mutex
	got      []string
	peers    map[string]int
	listener map[string]int
	losses   map[string]int
	change   chan struct{}
	block    chan struct{} // nil, or closed when put may go on
}

func newSink() *sink {
	return &sink{peers: map[string]int{}, listener: map[string]int{}, losses: map[string]int{}, change: make(chan struct{}, 1)}
}

func (s *sink) tell() {
	select {
	case s.change <- struct{}{}:
	default:
	}
}

func (s *sink) put(ctx context.Context, listener string, frames []wire.Frame) error {
	if s.block != nil {
		select {
		case <-s.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range frames {
		if f.Format != wire.FormatSyslog || f.Received == 0 {
			return errors.New("bad envelope")
		}
		s.got = append(s.got, string(f.Data))
		s.peers[f.Peer]++
		s.listener[listener]++
	}
	s.tell()
	return nil
}

func (s *sink) lost(_, _, reason string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losses[reason] += n
	s.tell()
}

// wait returns once ok holds.
func (s *sink) wait(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(15 * time.Second)
	for {
		s.mu.Lock()
		done := ok()
		s.mu.Unlock()
		if done {
			return
		}
		select {
		case <-s.change:
		case <-limit:
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Fatalf("%s did not happen: %d messages, losses %v", what, len(s.got), s.losses)
		}
	}
}

func serve(t *testing.T, cfg Config, s *sink) (*Listener, func()) {
	t.Helper()
	return serveWith(t, s, cfg, s.put)
}

// serveWith is serve with another put in front of the sink's.
func serveWith(t *testing.T, s *sink, cfg Config, put Put) (*Listener, func()) {
	t.Helper()
	cfg.Reject, cfg.Drop = s.lost, s.lost
	l, err := New(cfg, put, quiet())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return l, stop
}

func TestTCPFraming(t *testing.T) {
	long := "<13>" + strings.Repeat("x", 300)
	for _, tc := range []struct {
		name, in string
		want     []string
		losses   map[string]int
	}{
		{"octet counted", "5 <1>ab6 <2>abc", []string{"<1>ab", "<2>abc"}, nil},
		{"newline", "<1>a\n<2>b\r\n<3>c\n", []string{"<1>a", "<2>b", "<3>c"}, nil},
		{"mixed", "<1>a\n5 <1>ab<2>b\n6 <2>abc\n<3>c\n", []string{"<1>a", "<1>ab", "<2>b", "<2>abc", "<3>c"}, nil},
		{"counted with newline inside", "7 <1>a\nbc<2>b\n", []string{"<1>a\nbc", "<2>b"}, nil},
		{"counted text ends with newline", "6 <1>ab\n6 <1>cd\n", []string{"<1>ab", "<1>cd"}, nil},
		{"no newline at close", "<1>a\n<2>b", []string{"<1>a", "<2>b"}, nil},
		{"truncated count at close", "5 <1>ab50 <2>b", []string{"<1>ab"}, map[string]int{Truncated: 1}},
		{"NUL inside", "<1>a\x00b\n", []string{"<1>a\x00b"}, nil},
		{"NUL ends a message", "<1>a\x00<2>b\x00", []string{"<1>a", "<2>b"}, nil},
		{"blank lines", "\n\r\n\n<1>a\n\n\n", []string{"<1>a"}, nil},
		{"no header at all", "hello\n2026-11-22 world\n7 days\n", []string{"hello", "2026-11-22 world", "7 days"}, nil},
		{"line too long", long + "\n<2>b\n", []string{"<2>b"}, map[string]int{TooLarge: 1}},
		{"line too long ends with NUL", long + "\x00<2>b\n", []string{"<2>b"}, map[string]int{TooLarge: 1}},
		{"line too long at close", "<2>b\n" + long, []string{"<2>b"}, map[string]int{TooLarge: 1}},
		{"counted too long", fmt.Sprintf("%d %s5 <1>ab", len(long), long), []string{"<1>ab"}, map[string]int{TooLarge: 1}},
		{"count beyond reason", "<1>a\n9999999999 <2>b", []string{"<1>a"}, map[string]int{BadFrame: 1}},
		{"eleven digits are no count", "99999999999 <2>b\n", []string{"99999999999 <2>b"}, nil},
		{"nothing", "", nil, nil},
	} {
		for _, step := range []int{1, 3, 1 << 20} {
			t.Run(fmt.Sprintf("%s/%d", tc.name, step), func(t *testing.T) {
				s := newSink()
				l, stop := serve(t, Config{TCP: "127.0.0.1:0", MaxMessage: 200}, s)
				c, err := net.Dial("tcp", l.Transport(TCP).String())
				if err != nil {
					t.Fatal(err)
				}
				for rest := []byte(tc.in); len(rest) > 0; {
					n := min(step, len(rest))
					if _, err := c.Write(rest[:n]); err != nil && tc.losses[BadFrame] == 0 {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
				c.(*net.TCPConn).CloseWrite()          //nolint:errcheck // may be closed by the peer
				c.SetDeadline(time.Now().Add(5 * 1e9)) //nolint:errcheck
				io.Copy(io.Discard, c)                 //nolint:errcheck // until the listener closes
				stop()
				if !slices.Equal(s.got, tc.want) {
					t.Errorf("got  %q\nwant %q", s.got, tc.want)
				}
				if fmt.Sprint(s.losses) != fmt.Sprint(tc.losses) && len(s.losses)+len(tc.losses) > 0 {
					t.Errorf("losses %v, want %v", s.losses, tc.losses)
				}
			})
		}
	}
}

func TestUDP(t *testing.T) {
	s := newSink()
	l, stop := serve(t, Config{UDP: "127.0.0.1:0", MaxMessage: 1000}, s)
	c, err := net.Dial("udp", l.Transport(UDP).String())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []string{"<1>a", "<2>b\n", "<3>c\x00", "5 <4>xy", "\n", "<5>" + strings.Repeat("x", 1000), "<6>multi\nline", "plain"} {
		if _, err := c.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	s.wait(t, "six messages and two losses", func() bool { return len(s.got) == 6 && len(s.losses) == 2 })
	stop()
	slices.Sort(s.got) // four senders
	if want := []string{"<1>a", "<2>b", "<3>c", "<4>xy", "<6>multi\nline", "plain"}; !slices.Equal(s.got, want) {
		t.Errorf("got %q, want %q", s.got, want)
	}
	if s.losses[Empty] != 1 || s.losses[TooLarge] != 1 || s.peers["127.0.0.1"] != 6 || s.listener[UDP] != 6 {
		t.Errorf("losses %v, peers %v, listeners %v", s.losses, s.peers, s.listener)
	}
}

// The queue stands still: UDP keeps what fits and counts the rest; sent = stored + dropped.
func TestUDPBufferFull(t *testing.T) {
	s := newSink()
	s.block = make(chan struct{})
	l, stop := serve(t, Config{UDP: "127.0.0.1:0", UDPBuffer: 20 * (100 + frameCost)}, s)
	c, err := net.Dial("udp", l.Transport(UDP).String())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		if _, err := fmt.Fprintf(c, "%0100d", i); err != nil {
			t.Fatal(err)
		}
	}
	s.wait(t, "180 drops", func() bool { return s.losses[BufferFull]+s.losses[Kernel] == 180 })
	close(s.block)
	s.wait(t, "20 messages", func() bool { return len(s.got) == 20 })
	stop()
}

func TestAllow(t *testing.T) {
	s := newSink()
	l, stop := serve(t, Config{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0", Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, s)
	u, err := net.Dial("udp", l.Transport(UDP).String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Write([]byte("<1>a")); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", l.Transport(TCP).String())
	if err != nil {
		t.Fatal(err)
	}
	c.Write([]byte("<1>a\n")) //nolint:errcheck // may be refused already
	s.wait(t, "two refusals", func() bool { return s.losses[NotAllowed] == 2 })
	stop()
	if len(s.got) != 0 {
		t.Errorf("got %q from a sender that is not allowed", s.got)
	}
}

// 1,000 connections that are idle, half-way or trickling do not keep another from being served, and a connection over the limit is
// refused and counted.
func TestSlowConnections(t *testing.T) {
	s := newSink()
	opened := make(chan struct{}, 2000)
	l, stop := serve(t, Config{TCP: "127.0.0.1:0", Limits: listen.Limits{Connections: 1001, PerAddress: 1001, Anonymous: 1001},
		Connection: func(_ string, open bool) {
			if open {
				opened <- struct{}{}
			}
		}}, s)
	addr := l.Transport(TCP).String()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() }) // also keeps it: the collector closes a connection nobody holds, and its place is free again
		return c
	}
	slow := make([]net.Conn, 1000)
	for i := range slow {
		slow[i] = dial()
		<-opened
		if i%2 == 0 { // the whole message in front, in the same segment, tells when its half has been read
			if _, err := fmt.Fprintf(slow[i], "<13>whole %d\n<13>half of message %d", i, i); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.wait(t, "500 whole messages", func() bool { return len(s.got) == 500 })
	c := dial()
	<-opened
	began := time.Now()
	for i := range 1000 {
		if _, err := fmt.Fprintf(c, "<13>message %d\n", i); err != nil {
			t.Fatal(err)
		}
	}
	s.wait(t, "1000 more messages", func() bool { return len(s.got) == 1500 })
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("1,000 messages beside 1,000 slow connections took %s", d)
	}
	over := dial()
	over.SetReadDeadline(time.Now().Add(15 * time.Second)) //nolint:errcheck
	if _, err := over.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("connection 1,002 of 1,001: %v, want it closed", err)
	}
	s.wait(t, "a refusal", func() bool { return s.losses[TooMany] == 1 })
	stop()
	if s.losses[Shutdown] != 500 {
		t.Errorf("%d half messages counted at shutdown, want 500", s.losses[Shutdown])
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	s := newSink()
	l, _ := serve(t, Config{TCP: "127.0.0.1:0", Idle: 50 * time.Millisecond}, s)
	c, err := net.Dial("tcp", l.Transport(TCP).String())
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read from an idle connection: %v, want it closed", err)
	}
}

func TestPortTaken(t *testing.T) {
	s := newSink()
	l, _ := serve(t, Config{TCP: "127.0.0.1:0", UDP: "127.0.0.1:0"}, s)
	_, err := New(Config{TCP: l.Transport(TCP).String(), UDP: l.Transport(UDP).String(), TLS: "127.0.0.1:0"}, s.put, quiet())
	for _, want := range []string{"listen.syslog_tcp", "listen.syslog_udp", "another program has this port", "no certificate"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New on ports taken: %v\nwant it to say %q", err, want)
		}
	}
}

func certificate(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestTLS(t *testing.T) {
	cert, pemCert := certificate(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pemCert)
	s := newSink()
	l, stop := serve(t, Config{TLS: "127.0.0.1:0", TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}, s)
	plain, err := net.Dial("tcp", l.Transport(TLS).String())
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if _, err := plain.Write([]byte("<13>not TLS at all, it must hurt nobody\n")); err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", l.Transport(TLS).String(), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("5 <1>ab<2>b")); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	s.wait(t, "two messages", func() bool { return len(s.got) == 2 })
	stop()
	if s.got[0] != "<1>ab" || s.got[1] != "<2>b" {
		t.Errorf("got %q", s.got)
	}
}

// rsyslog as Debian ships it sends over UDP, TCP (newline and octet-counted) and TLS.
func TestRsyslog(t *testing.T) {
	bin, err := exec.LookPath("rsyslogd")
	if err != nil {
		needed.Missing(t, "rsyslogd is not installed (apt-get install rsyslog rsyslog-openssl)")
	}
	cert, pemCert := certificate(t)
	s := newSink()
	l, stop := serve(t, Config{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0", TLS: "127.0.0.1:0",
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}, s)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, pemCert, 0o600); err != nil {
		t.Fatal(err)
	}
	input := filepath.Join(dir, "input.log")
	const n = 300
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, "message %d đã gửi\n", i)
	}
	if err := os.WriteFile(input, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, udp, _ := net.SplitHostPort(l.Transport(UDP).String())
	_, tcp, _ := net.SplitHostPort(l.Transport(TCP).String())
	_, secure, _ := net.SplitHostPort(l.Transport(TLS).String())
	drivers, _ := filepath.Glob("/usr/lib/*/rsyslog/lmnsd_ossl.so")
	tlsAction := ""
	transports := 3
	if len(drivers) > 0 {
		transports++
		tlsAction = fmt.Sprintf(`action(type="omfwd" target="127.0.0.1" port="%s" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format" StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="anon")`, secure)
	}
	conf := fmt.Sprintf(`
global(workDirectory="%[1]s" defaultNetstreamDriverCAFile="%[2]s")
module(load="imfile")
input(type="imfile" File="%[3]s" Tag="app:")
action(type="omfwd" target="127.0.0.1" port="%[4]s" protocol="udp" template="RSYSLOG_TraditionalForwardFormat")
action(type="omfwd" target="127.0.0.1" port="%[5]s" protocol="tcp" TCP_Framing="traditional" template="RSYSLOG_TraditionalForwardFormat")
action(type="omfwd" target="127.0.0.1" port="%[5]s" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format")
%[6]s
`, dir, ca, input, udp, tcp, tlsAction)
	file := filepath.Join(dir, "rsyslog.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(bin, "-n", "-f", file, "-i", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill() //nolint:errcheck // ended already
		cmd.Wait()         //nolint:errcheck
		if t.Failed() {
			t.Logf("rsyslogd: %s", out.String())
		}
	}()
	s.wait(t, fmt.Sprintf("%d messages", n*transports), func() bool { return len(s.got) >= n*transports })
	stop()
	seen := map[string]int{}
	for _, m := range s.got {
		if i := strings.Index(m, "message "); i > 0 {
			seen[m[i:]]++
		}
	}
	for i := range n {
		if m := fmt.Sprintf("message %d đã gửi", i); seen[m] != transports {
			t.Errorf("%q came %d times, want %d", m, seen[m], transports)
			break
		}
	}
	if len(s.losses) != 0 {
		t.Errorf("losses %v", s.losses)
	}
}

// FuzzFraming: no panic, every byte accounted for, and the same messages however the stream is cut into reads while its counts are right.
func FuzzFraming(f *testing.F) {
	for _, s := range []string{"5 <1>ab6 <2>abc", "<1>a\n<2>b\r\n", "<1>a\x00<2>b\x00", "9999999999 <x", "200 <1>", "1 <", "123",
		"<1>" + strings.Repeat("y", 120) + "\x00<2>z\n", "\x00\x00\n\n<"} {
		f.Add([]byte(s), uint8(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		whole, wrong := frameAll(data, len(data)+1)
		parts, wrongParts := frameAll(data, int(step)%7+1)
		if !wrong && !wrongParts && !slices.Equal(whole, parts) {
			t.Errorf("in one read  %q\nin parts of %d %q", whole, int(step)%7+1, parts)
		}
	})
}

// frameAll cuts data that comes in reads of at most step bytes, and then no more.
func frameAll(data []byte, step int) (got []string, wrong bool) {
	fr := framer{max: 100}
	var buf []byte
	for !fr.quiet {
		n := min(step, len(data))
		buf = append(buf, data[:n]...)
		data = data[n:]
		fr.quiet = n == 0
		for {
			c, msg, used := fr.next(buf)
			if c == need {
				break
			}
			if used < 0 || used > len(buf) || c != nonsense && used == 0 {
				panic(fmt.Sprintf("consumed %d of %d with %d", used, len(buf), c))
			}
			switch c {
			case nonsense:
				return append(got, "!nonsense"), fr.doubted
			case tooLarge:
				got = append(got, "!too large")
			case damaged:
				got = append(got, "!damaged")
			case message:
				if m := trim(msg); len(m) > 0 {
					got = append(got, string(m))
				}
			}
			buf = buf[used:]
		}
	}
	return got, fr.doubted
}

func BenchmarkTCP(b *testing.B) {
	line := []byte("<34>1 2026-11-22T00:00:00Z host1 sshd 1234 - - Failed password for invalid user admin from 10.1.2.3 port 2222 ssh2\n")
	buf := bytes.Repeat(line, 500)
	l := &Listener{cfg: Config{MaxMessage: 1 << 20, Reject: func(string, string, string, int) {}},
		put: func(context.Context, string, []wire.Frame) error { return nil }, log: quiet(),
		ahead: listen.NewBudget(aheadBytes, aheadBytes)}
	s := &stream{l: l, flush: context.Background(), from: sender{peer: "10.0.0.1"}, framer: framer{max: 1 << 20}}
	s.out = newOutlet(l, s.flush, TCP, nil, "10.0.0.1")
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		s.cut(buf)
	}
	s.out.drain()
	b.ReportMetric(float64(b.N*500)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkCounted is the stream of a sender whose octet counts are right.
func BenchmarkCounted(b *testing.B) {
	line := []byte("114 <34>1 2026-11-22T00:00:00Z host1 sshd 1234 - - Failed password for invalid user admin from 10.1.2.3 port 2222 ssh2")
	if n := len(line) - 4; n != 114 {
		b.Fatal(n)
	}
	buf := bytes.Repeat(line, 500)
	l := &Listener{cfg: Config{MaxMessage: 1 << 20, Reject: func(string, string, string, int) {}},
		put: func(context.Context, string, []wire.Frame) error { return nil }, log: quiet(),
		ahead: listen.NewBudget(aheadBytes, aheadBytes)}
	s := &stream{l: l, flush: context.Background(), from: sender{peer: "10.0.0.1"}, framer: framer{max: 1 << 20}}
	s.out = newOutlet(l, s.flush, TCP, nil, "10.0.0.1")
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		s.cut(buf)
	}
	s.out.drain()
	b.ReportMetric(float64(b.N*500)/b.Elapsed().Seconds(), "events/s")
}

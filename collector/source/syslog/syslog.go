// Package syslog takes syslog in over UDP, TCP and TLS: RFC 5424 and RFC 3164 messages, framed by datagram, by octet counting
// or by newline (RFC 6587), the last two told apart message by message.
//
// It only frames: one Frame of wire.FormatSyslog for each message, header included; reading the header is the pipeline's work.
//
// Contract: New checks the configuration and opens the sockets, so a port that is taken is told at once; Run serves until its
// context ends and then flushes what it has, at most 5 s. TCP and TLS stop reading while put waits (the sender feels it); UDP
// cannot, its buffer is bounded and what does not fit is counted as dropped, as is what the kernel dropped before. A message
// over MaxMessage is rejected and counted, the connection goes on behind it. Imports source/listen.
package syslog

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hoalu/collector/source/listen"
	"hoalu/ecs/wire"
)

// Put hands frames to intake and returns when they are durable.
type Put func(ctx context.Context, listener string, frames []wire.Frame) error

// Listener names, as they stand in wire.Batch.Listener.
const (
	UDP = "syslog.udp"
	TCP = "syslog.tcp"
	TLS = "syslog.tls"
)

// Reasons of what is not taken.
const (
	TooLarge   = "too_large"
	BadFrame   = "bad_frame"            // an octet count beyond reason: the connection is closed
	Truncated  = "truncated"            // the connection ended inside a counted message
	Empty      = "empty"                // a datagram of nothing
	NoMemory   = "no_memory"            // too many connections hold unfinished messages
	TooMany    = "too_many_connections" // counted once for each connection refused
	NotAllowed = "not_allowed"          // the sender is not in Allow, or no source has its certificate
	BadTLS     = "tls_handshake"        // counted once for each connection: no TLS, no certificate, one that is not good
	BufferFull = "buffer_full"          // UDP: the queue was slower than the sender
	Kernel     = "kernel_buffer"        // UDP: lost in the kernel's buffer
	Shutdown   = "shutdown"             // could not be made durable in time
	Refused    = "refused"              // put gave it up
)

const (
	defaultMaxMessage     = 1 << 20
	defaultMaxConnections = 4096
	defaultIdle           = 30 * time.Minute
	defaultUDPBuffer      = 32 << 20
	handshakeTime         = 10 * time.Second
	grace                 = 5 * time.Second
	kernelBuffer          = 8 << 20 // SO_RCVBUF asked for
	firstBuffer           = 4 << 10 // of a connection; doubled as needed
	readBuffer            = 64 << 10
	largeBuffers          = 64 << 20 // bytes all connections may hold beyond readBuffer each
	udpSenders            = 4
)

// Config of a Listener. An empty address switches that transport off.
type Config struct {
	UDP string // host:port
	TCP string
	TLS string

	// TLSConfig is needed when TLS is set: certificate, and ClientAuth when senders must show theirs.
	TLSConfig *tls.Config
	// Certificate finds the source of a TLS client by the SHA-256 of its certificate, lower-case hex; not ok closes the connection. It is
	// asked again with every read, so that a revoked certificate sends no more. Nil: certificates do not say whose messages these are.
	Certificate func(sha256 string) (source, dataset string, ok bool)
	// Allow lists who may send; empty: everybody who can reach the socket.
	Allow []netip.Prefix

	MaxMessage     int           // bytes, 0: 1 MiB
	MaxConnections int           // of TCP and TLS each, 0: 4096
	Idle           time.Duration // a connection silent for longer is closed, 0: 30 min
	UDPBuffer      int           // bytes waiting for the queue, 0: 32 MiB

	// Reject and Drop count what is not taken, by source (always ""), peer and reason. Both may be nil.
	Reject func(source, peer, reason string, n int)
	Drop   func(source, peer, reason string, n int)
	// Connection is told when a peer connects and goes. May be nil.
	Connection func(peer string, open bool)
}

// Listener serves up to three transports.
type Listener struct {
	cfg Config
	put Put
	log *slog.Logger

	udp      *net.UDPConn
	tcp, tls net.Listener
	large    atomic.Int64 // bytes of largeBuffers in use
	told     atomic.Int64 // Unix s of the last connection warning: one a second
}

// New opens the sockets.
func New(cfg Config, put Put, log *slog.Logger) (*Listener, error) {
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = defaultMaxMessage
	}
	if cfg.MaxConnections <= 0 {
		cfg.MaxConnections = defaultMaxConnections
	}
	if cfg.Idle <= 0 {
		cfg.Idle = defaultIdle
	}
	if cfg.UDPBuffer <= 0 {
		cfg.UDPBuffer = defaultUDPBuffer
	}
	if cfg.Reject == nil {
		cfg.Reject = func(string, string, string, int) {}
	}
	if cfg.Drop == nil {
		cfg.Drop = func(string, string, string, int) {}
	}
	if cfg.Connection == nil {
		cfg.Connection = func(string, bool) {}
	}
	l := &Listener{cfg: cfg, put: put, log: log.With("component", "collector/source/syslog")}
	var errs []error
	var err error
	if cfg.UDP != "" {
		if l.udp, err = listen.UDP("syslog over UDP", "listen.syslog_udp", cfg.UDP); err != nil {
			errs = append(errs, err)
		} else if err := tuneUDP(l.udp); err != nil {
			errs = append(errs, fmt.Errorf("set up syslog socket %s: %w", cfg.UDP, err))
		}
	}
	if cfg.TCP != "" {
		if l.tcp, err = listen.TCP("syslog over TCP", "listen.syslog_tcp", cfg.TCP); err != nil {
			errs = append(errs, err)
		}
	}
	if cfg.TLS != "" {
		if cfg.TLSConfig == nil {
			errs = append(errs, fmt.Errorf("listen for syslog over TLS on %s: no certificate; set one, or leave listen.syslog_tls empty", cfg.TLS))
		} else if l.tls, err = listen.TCP("syslog over TLS", "listen.syslog_tls", cfg.TLS); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		l.close()
		return nil, errors.Join(errs...)
	}
	return l, nil
}

// tuneUDP asks for a large buffer and for the count of what the kernel drops (SO_RXQ_OVFL).
func tuneUDP(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var opt error
	err = raw.Control(func(fd uintptr) {
		if unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, kernelBuffer) != nil { // needs CAP_NET_ADMIN
			opt = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, kernelBuffer)
		}
		if opt == nil {
			opt = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1)
		}
	})
	return errors.Join(err, opt)
}

func (l *Listener) close() {
	if l.udp != nil {
		l.udp.Close()
	}
	if l.tcp != nil {
		l.tcp.Close()
	}
	if l.tls != nil {
		l.tls.Close()
	}
}

// Addr is the address of one transport (UDP, TCP or TLS), nil when it is off.
func (l *Listener) Addr(transport string) net.Addr {
	switch {
	case transport == UDP && l.udp != nil:
		return l.udp.LocalAddr()
	case transport == TCP && l.tcp != nil:
		return l.tcp.Addr()
	case transport == TLS && l.tls != nil:
		return l.tls.Addr()
	}
	return nil
}

// Run serves until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	// What was read before ctx ended still gets put, within grace.
	flush, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		l.close()
		time.AfterFunc(grace, cancel)
	})
	defer stop()
	var serving sync.WaitGroup
	errs := make(chan error, 3)
	serve := func(f func() error) {
		serving.Go(func() {
			if err := f(); err != nil && ctx.Err() == nil {
				errs <- err
			}
		})
	}
	if l.udp != nil {
		serve(func() error { return l.datagrams(ctx, flush) })
	}
	if l.tcp != nil {
		serve(func() error { return l.accept(ctx, flush, TCP, l.tcp) })
	}
	if l.tls != nil {
		serve(func() error { return l.accept(ctx, flush, TLS, l.tls) })
	}
	serving.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// datagrams reads UDP until the socket closes.
func (l *Listener) datagrams(ctx, flush context.Context) error {
	w := &waiting{limit: l.cfg.UDPBuffer}
	w.more.L = &w.mu
	var senders sync.WaitGroup
	for range udpSenders {
		senders.Go(func() { l.send(flush, w) })
	}
	defer func() {
		w.finish()
		senders.Wait()
	}()
	buf, oob := make([]byte, 65536), make([]byte, 64)
	var arena []byte // datagrams are copied to its end; a full one is left to those who hold parts of it
	var overflow uint32
	for {
		n, on, _, from, err := l.udp.ReadMsgUDPAddrPort(buf, oob)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			l.warn("read syslog datagram", "", err)
			if _, ok := errors.AsType[syscall.Errno](err); ok { // ICMP errors and the like pass
				continue
			}
			return fmt.Errorf("read syslog datagram: %w", err)
		}
		peer := listen.PeerOf(from.String())
		if v, ok := lost(oob[:on]); ok && v != overflow {
			l.cfg.Drop("", "", Kernel, int(v-overflow)) // whose they were nobody knows
			overflow = v
		}
		if !listen.Allowed(l.cfg.Allow, peer) {
			l.cfg.Reject("", peer, NotAllowed, 1)
			continue
		}
		msg := trim(buf[:n])
		if len(msg) > 0 {
			if size, digits, c := count(msg); c == message && size == len(msg)-digits-1 {
				msg = msg[digits+1:]
			}
		}
		switch {
		case len(msg) == 0:
			l.cfg.Reject("", peer, Empty, 1)
			continue
		case len(msg) > l.cfg.MaxMessage:
			l.cfg.Reject("", peer, TooLarge, 1)
			continue
		}
		if cap(arena)-len(arena) < len(msg) {
			arena = make([]byte, 0, max(256<<10, len(msg)))
		}
		at := len(arena)
		arena = append(arena, msg...)
		f := wire.Frame{Peer: peer, Received: time.Now().UnixMilli(), Format: wire.FormatSyslog, Data: arena[at:len(arena):len(arena)]}
		if !w.add(f) {
			l.cfg.Drop("", peer, BufferFull, 1)
		}
	}
}

// lost reads the kernel's count of dropped datagrams.
func lost(oob []byte) (uint32, bool) {
	msgs, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return 0, false
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SO_RXQ_OVFL && len(m.Data) >= 4 {
			return binary.NativeEndian.Uint32(m.Data), true
		}
	}
	return 0, false
}

// waiting are datagrams between socket and put.
type waiting struct {
	limit int

	mu     sync.Mutex
	more   sync.Cond
	frames []wire.Frame
	bytes  int
	done   bool
}

const frameCost = 160 // bytes of a Frame beside its data

func (w *waiting) add(f wire.Frame) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bytes+len(f.Data)+frameCost > w.limit {
		return false
	}
	w.frames = append(w.frames, f)
	w.bytes += len(f.Data) + frameCost
	w.more.Signal()
	return true
}

func (w *waiting) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	w.more.Broadcast()
}

// take waits for frames and takes up to a batch of them; none means finished.
func (w *waiting) take() []wire.Frame {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.frames) == 0 {
		if w.done {
			return nil
		}
		w.more.Wait()
	}
	n := min(len(w.frames), wire.MaxFrames)
	taken := w.frames[:n:n]
	if w.frames = w.frames[n:]; len(w.frames) == 0 {
		w.frames = nil
	}
	return taken
}

func (w *waiting) release(frames []wire.Frame) {
	n := 0
	for i := range frames {
		n += len(frames[i].Data) + frameCost
	}
	w.mu.Lock()
	w.bytes -= n
	w.mu.Unlock()
}

func (l *Listener) send(flush context.Context, w *waiting) {
	for frames := w.take(); frames != nil; frames = w.take() {
		if err := l.put(flush, UDP, frames); err != nil {
			l.lose(flush, frames, err)
		}
		w.release(frames)
	}
}

// lose counts frames that put would not take.
func (l *Listener) lose(flush context.Context, frames []wire.Frame, err error) {
	reason := Refused
	if flush.Err() != nil {
		reason = Shutdown
	}
	bySender := map[[2]string]int{}
	for i := range frames {
		bySender[[2]string{frames[i].Source, frames[i].Peer}]++
	}
	for of, n := range bySender {
		l.cfg.Drop(of[0], of[1], reason, n)
	}
	l.log.Error("messages could not be stored", "error.message", err.Error(), "count", len(frames))
}

// accept serves connections until the socket closes.
func (l *Listener) accept(ctx, flush context.Context, name string, socket net.Listener) error {
	var open sync.WaitGroup
	defer open.Wait()
	slots := make(chan struct{}, l.cfg.MaxConnections)
	for {
		c, err := socket.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			l.warn("accept syslog connection", "", err)
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM) {
				select { // others must close first
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
			}
			continue
		}
		peer := listen.Peer(c.RemoteAddr())
		if !listen.Allowed(l.cfg.Allow, peer) {
			l.cfg.Reject("", peer, NotAllowed, 1)
			c.Close()
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			l.cfg.Reject("", peer, TooMany, 1)
			l.warn("syslog connection refused: too many are open", peer, nil)
			c.Close()
			continue
		}
		open.Go(func() {
			defer func() { <-slots }()
			l.serve(ctx, flush, name, c, peer)
		})
	}
}

func (l *Listener) warn(what, peer string, err error) {
	now := time.Now().Unix()
	if last := l.told.Load(); last == now || !l.told.CompareAndSwap(last, now) {
		return
	}
	args := []any{}
	if peer != "" {
		args = append(args, "source.ip", peer)
	}
	if err != nil {
		args = append(args, "error.message", err.Error())
	}
	l.log.Warn(what, args...)
}

// sender is whose messages a connection brings.
type sender struct {
	peer        string
	certificate string // its hash; "" none was shown
	source      string // of the certificate
	dataset     string
}

// serve reads one connection to its end.
func (l *Listener) serve(ctx, flush context.Context, name string, c net.Conn, peer string) {
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Now()) }) //nolint:errcheck // a closed one needs none
	defer stop()
	owner := sender{peer: peer}
	if name == TLS {
		t := tls.Server(c, l.cfg.TLSConfig)
		shake, cancel := context.WithTimeout(ctx, handshakeTime)
		err := t.HandshakeContext(shake)
		cancel()
		if err != nil {
			l.warn("syslog TLS handshake", peer, err)
			if ctx.Err() == nil {
				l.cfg.Reject("", peer, BadTLS, 1)
			}
			return
		}
		if certs := t.ConnectionState().PeerCertificates; len(certs) > 0 && l.cfg.Certificate != nil {
			sum := sha256.Sum256(certs[0].Raw)
			owner.certificate = hex.EncodeToString(sum[:])
		}
		c = t
	}
	l.cfg.Connection(peer, true)
	defer l.cfg.Connection(peer, false)

	f := framer{max: l.cfg.MaxMessage}
	buf, have := make([]byte, firstBuffer), 0
	defer func() { l.large.Add(-beyond(len(buf))) }()
	for {
		if err := c.SetReadDeadline(time.Now().Add(l.cfg.Idle)); err != nil {
			return
		}
		if ctx.Err() != nil { // the deadline set by stop may just have been overwritten
			l.unfinished(&f, flush, name, owner, buf[:have], false)
			return
		}
		n, rerr := c.Read(buf[have:])
		if owner.certificate != "" {
			var ok bool
			if owner.source, owner.dataset, ok = l.cfg.Certificate(owner.certificate); !ok {
				l.cfg.Reject("", peer, NotAllowed, 1)
				l.warn("syslog connection closed: no source has this certificate (any more)", peer, nil)
				return
			}
		}
		have += n
		full := have == len(buf)
		used, ok := l.cutAll(flush, &f, name, owner, buf[:have])
		have = copy(buf, buf[used:have])
		if !ok {
			return
		}
		if rerr != nil {
			if !errors.Is(rerr, io.EOF) && !errors.Is(rerr, os.ErrDeadlineExceeded) {
				l.log.Debug("read syslog connection", "source.ip", peer, "error.message", rerr.Error())
			}
			l.unfinished(&f, flush, name, owner, buf[:have], ctx.Err() == nil)
			return
		}
		if have == len(buf) { // an unfinished message fills it
			size := min(2*len(buf), l.cfg.MaxMessage+64)
			if size <= len(buf) {
				size = len(buf) + 64
			}
			more := beyond(size) - beyond(len(buf))
			if l.large.Add(more) > largeBuffers {
				l.large.Add(-more)
				l.cfg.Reject("", peer, NoMemory, 1)
				l.warn("syslog connection closed: too many unfinished large messages", peer, nil)
				return
			}
			buf = append(make([]byte, 0, size), buf...)[:size]
		} else if len(buf) > readBuffer && have < readBuffer/2 {
			l.large.Add(-beyond(len(buf)))
			buf = append(make([]byte, 0, readBuffer), buf[:have]...)[:readBuffer]
		} else if full && len(buf) < readBuffer { // a fast sender
			buf = append(make([]byte, 0, 2*len(buf)), buf...)[:2*len(buf)]
		}
	}
}

// beyond is the part of a buffer that counts against largeBuffers.
func beyond(size int) int64 { return int64(max(0, size-readBuffer)) }

// cutAll puts every whole message of buf and says how much of it is used; ok false ends the connection.
func (l *Listener) cutAll(flush context.Context, f *framer, name string, from sender, buf []byte) (used int, ok bool) {
	var frames []wire.Frame
	var chunk []byte // one copy of all that is used; frames are parts of it
	now := time.Now().UnixMilli()
	ok = true
loop:
	for {
		c, msg, n := f.next(buf[used:])
		switch c {
		case need:
			break loop
		case nonsense:
			l.cfg.Reject(from.source, from.peer, BadFrame, 1)
			l.warn("syslog connection closed: the length of a message is beyond reason", from.peer, nil)
			ok = false
			break loop
		case tooLarge:
			l.cfg.Reject(from.source, from.peer, TooLarge, 1)
		case message:
			if msg = trim(msg); len(msg) > 0 {
				if chunk == nil {
					chunk = make([]byte, 0, len(buf)-used)
				}
				at := len(chunk)
				chunk = append(chunk, msg...)
				frames = append(frames, wire.Frame{Source: from.source, Dataset: from.dataset, Peer: from.peer, Received: now, Format: wire.FormatSyslog, Data: chunk[at:len(chunk):len(chunk)]})
			}
		}
		used += n
	}
	return used, l.deliver(flush, name, frames) && ok
}

func (l *Listener) deliver(flush context.Context, name string, frames []wire.Frame) bool {
	if len(frames) == 0 {
		return true
	}
	if err := l.put(flush, name, frames); err != nil {
		l.lose(flush, frames, err)
		return false
	}
	return true
}

// unfinished deals with what stands behind the last whole message when a connection ends: a line without newline is a message
// when the sender closed; part of a counted one is not.
func (l *Listener) unfinished(f *framer, flush context.Context, name string, from sender, rest []byte, ended bool) {
	if f.skip > 0 || f.line {
		return // counted when it was refused
	}
	rest = trim(rest)
	if len(rest) == 0 {
		return
	}
	if !ended {
		l.cfg.Drop(from.source, from.peer, Shutdown, 1)
		return
	}
	if _, _, c := count(rest); c == message {
		l.cfg.Reject(from.source, from.peer, Truncated, 1)
		return
	}
	if len(rest) > l.cfg.MaxMessage {
		l.cfg.Reject(from.source, from.peer, TooLarge, 1)
		return
	}
	l.deliver(flush, name, []wire.Frame{{Source: from.source, Dataset: from.dataset, Peer: from.peer, Received: time.Now().UnixMilli(), Format: wire.FormatSyslog, Data: append([]byte(nil), rest...)}})
}

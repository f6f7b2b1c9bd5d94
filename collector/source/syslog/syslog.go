// Package syslog takes syslog in over UDP, TCP and TLS: RFC 5424 and RFC 3164 messages, framed by datagram, by octet counting
// or by newline (RFC 6587), the last two told apart message by message.
//
// It only frames: one Frame of wire.FormatSyslog for each message, header included; reading the header is the pipeline's work.
//
// Contract: New checks the configuration and opens the sockets, so a port that is taken is told at once; Run serves until its
// context ends and then flushes what it has, at most 5 s. TCP and TLS read up to 1 MiB ahead of what is put, then stop reading
// (the sender feels it): the protocol has no acknowledgement, and what was read but is not durable dies with the process. UDP
// cannot, its buffer is bounded and what does not fit is counted as dropped, as is what the kernel dropped before. A message
// over MaxMessage is rejected and counted, the connection goes on behind it. Imports source/listen.
package syslog

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
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
	BadFrame   = "bad_frame"            // part of a message that a wrong octet count left; a count beyond reason: the connection is closed
	Truncated  = "truncated"            // the connection ended inside a counted message
	Empty      = "empty"                // a datagram of nothing
	NoMemory   = "no_memory"            // too many connections hold unfinished messages
	TooMany    = "too_many_connections" // counted once for each connection refused, or closed for another
	NotAllowed = "not_allowed"          // the sender is not in Allow, or no source has its certificate
	BadTLS     = "tls_handshake"        // counted once for each connection: no TLS, no certificate, one that is not good
	BufferFull = "buffer_full"          // UDP: the queue was slower than the sender
	Kernel     = "kernel_buffer"        // UDP: lost in the kernel's buffer
	Shutdown   = "shutdown"             // could not be made durable in time
	Refused    = "refused"              // put gave it up
)

const (
	defaultMaxMessage = 1 << 20
	defaultIdle       = 30 * time.Minute
	defaultUDPBuffer  = 32 << 20
	handshakeTime     = 10 * time.Second
	grace             = 5 * time.Second
	kernelBuffer      = 8 << 20 // SO_RCVBUF asked for
	firstBuffer       = 4 << 10 // of a connection; doubled as needed
	readBuffer        = 64 << 10
	largeBuffers      = 64 << 20               // bytes all connections may hold beyond readBuffer each, one address half of them
	aheadBytes        = 64 << 20               // bytes all connections may read ahead, one address half of them
	aheadOne          = 1 << 20                // of one connection
	nulTime           = 100 * time.Millisecond // nothing behind a NUL for this long: it ended a message
	udpSenders        = 4
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

	MaxMessage int           // bytes, 0: 1 MiB
	Limits     listen.Limits // of connections, of TCP and TLS each
	Idle       time.Duration // a connection silent for longer is closed, 0: 30 min
	UDPBuffer  int           // bytes waiting for the queue, 0: 32 MiB

	// Reject and Drop count what is not taken, by source (always ""), peer and reason. Both may be nil.
	Reject func(source, peer, reason string, n int)
	Drop   func(source, peer, reason string, n int)
	// Miscounted is told of messages that were cut elsewhere than their octet count says, by source (of a certificate, else "") and peer. May
	// be nil.
	Miscounted func(source, peer string, n int)
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
	large    *listen.Budget // bytes of largeBuffers in use
	ahead    *listen.Budget // bytes read while earlier ones are put
	told     atomic.Int64   // Unix s of the last connection warning: one a second
}

// New opens the sockets.
func New(cfg Config, put Put, log *slog.Logger) (*Listener, error) {
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = defaultMaxMessage
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
	if cfg.Miscounted == nil {
		cfg.Miscounted = func(string, string, int) {}
	}
	if cfg.Connection == nil {
		cfg.Connection = func(string, bool) {}
	}
	l := &Listener{cfg: cfg, put: guarded(put, log), log: log.With("component", "collector/source/syslog"),
		large: listen.NewBudget(largeBuffers, largeBuffers/2), ahead: listen.NewBudget(aheadBytes, aheadBytes/2)}
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
	l.tcp, l.tls = l.guard(l.tcp), l.guard(l.tls)
	if len(errs) > 0 {
		l.close()
		return nil, errors.Join(errs...)
	}
	return l, nil
}

// guard bounds the connections of a socket. Silence is no fault of a syslog sender, so none is closed for it before Idle; but one that
// has sent nothing yet, or shown no certificate, makes way first.
func (l *Listener) guard(socket net.Listener) net.Listener {
	if socket == nil {
		return nil
	}
	limits := l.cfg.Limits
	if limits.Patience == 0 {
		limits.Patience = -1
	}
	return listen.NewGuard(socket, limits, func(peer string) {
		l.cfg.Reject("", peer, TooMany, 1)
		l.warn("syslog connection refused or closed for another: too many are open", peer, nil)
	})
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

// Transport is the address of one transport (UDP, TCP or TLS), nil when it is off.
func (l *Listener) Transport(transport string) net.Addr {
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

// Addr is the address of the first transport that is on.
func (l *Listener) Addr() net.Addr {
	for _, t := range []string{UDP, TCP, TLS} {
		if a := l.Transport(t); a != nil {
			return a
		}
	}
	return nil
}

// Close closes the sockets.
func (l *Listener) Close() error {
	l.close()
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

// guarded is put; a panic of it costs the frames that it was given, as an error does, and not the process.
func guarded(put Put, log *slog.Logger) Put {
	return func(ctx context.Context, listener string, frames []wire.Frame) (err error) {
		defer func() {
			if v := recover(); v != nil {
				log.Error("intake panicked", "component", "collector/source/syslog", "error", v, "stack", string(debug.Stack()))
				err = fmt.Errorf("a fault of ours: %v", v)
			}
		}()
		return put(ctx, listener, frames)
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

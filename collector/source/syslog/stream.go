package syslog

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"hoalu/collector/source/listen"
	"hoalu/ecs/wire"
)

// accept serves connections until the socket closes.
func (l *Listener) accept(ctx, flush context.Context, name string, socket net.Listener) error {
	var open sync.WaitGroup
	defer open.Wait()
	for {
		c, err := socket.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			l.warn("accept syslog connection", "", err)
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) ||
				errors.Is(err, syscall.ENOMEM) {
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
		open.Go(func() { l.serve(ctx, flush, name, c, peer) })
	}
}

// sender is whose messages a connection brings.
type sender struct {
	peer        string
	certificate string // its hash; "" none was shown
	source      string // of the certificate
	dataset     string
}

// stream is one connection being read.
type stream struct {
	l     *Listener
	flush context.Context // ends when what was read can no longer be put
	from  sender
	guard *listen.Conn
	framer
	out *outlet

	buf    []byte
	have   int
	large  int64 // bytes of buf taken from l.large
	waited bool  // a moment, for more behind the end of buf
}

// shake does the TLS handshake and finds the sender's certificate; nil when there is none.
func (l *Listener) shake(ctx context.Context, c net.Conn, from *sender) net.Conn {
	t := tls.Server(c, l.cfg.TLSConfig)
	shake, cancel := context.WithTimeout(ctx, handshakeTime)
	err := t.HandshakeContext(shake)
	cancel()
	if err != nil {
		l.warn("syslog TLS handshake", from.peer, err)
		if ctx.Err() == nil {
			l.cfg.Reject("", from.peer, BadTLS, 1)
		}
		return nil
	}
	if certs := t.ConnectionState().PeerCertificates; len(certs) > 0 && l.cfg.Certificate != nil {
		sum := sha256.Sum256(certs[0].Raw)
		from.certificate = hex.EncodeToString(sum[:])
	}
	return t
}

// serve reads one connection to its end.
func (l *Listener) serve(ctx, flush context.Context, name string, c net.Conn, peer string) {
	defer c.Close()
	defer func() { // what somebody sends ends his connection, never the process
		if v := recover(); v != nil {
			l.log.Error("reading a syslog connection panicked", "source.ip", peer, "error", v, "stack", string(debug.Stack()))
			l.cfg.Reject("", peer, BadFrame, 1)
		}
	}()
	guard := listen.ConnOf(c)
	stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Now()) }) //nolint:errcheck // a closed one needs none
	defer stop()
	s := &stream{l: l, flush: flush, from: sender{peer: peer}, guard: guard, framer: framer{max: l.cfg.MaxMessage},
		buf: make([]byte, firstBuffer)}
	in := c
	if name == TLS {
		if in = l.shake(ctx, c, &s.from); in == nil {
			return
		}
		guard.Known()
	}
	l.cfg.Connection(peer, true)
	defer l.cfg.Connection(peer, false)
	s.out = newOutlet(l, flush, name, guard, peer)
	defer s.out.drain()
	defer func() { l.large.Give(peer, s.large) }()
	s.read(ctx, in)
}

// read takes messages from c until it ends.
func (s *stream) read(ctx context.Context, c net.Conn) {
	for {
		wait := s.l.cfg.Idle
		moment := s.have > 0 && (s.open || s.buf[s.have-1] == 0) && !s.waited
		if moment {
			wait = min(wait, nulTime)
		}
		if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return
		}
		if ctx.Err() != nil { // the deadline set by stop may just have been overwritten
			s.unfinished(false, false)
			return
		}
		n, err := c.Read(s.buf[s.have:])
		if !s.mayStill() {
			return
		}
		if n > 0 {
			s.waited = false
		}
		s.have += n
		full := s.have == len(s.buf)
		s.quiet = moment && n == 0 && errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil
		if !s.cutAll() {
			return
		}
		if s.quiet {
			s.quiet, s.waited = false, true
			continue
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
				s.l.log.Debug("read syslog connection", "source.ip", s.from.peer, "error.message", err.Error())
			}
			s.unfinished(ctx.Err() == nil, errors.Is(err, io.EOF))
			return
		}
		if !s.fit(full) {
			return
		}
	}
}

// mayStill asks whether the certificate the connection showed is still one of a source.
func (s *stream) mayStill() bool {
	if s.from.certificate == "" {
		return true
	}
	var ok bool
	if s.from.source, s.from.dataset, ok = s.l.cfg.Certificate(s.from.certificate); !ok {
		s.l.cfg.Reject("", s.from.peer, NotAllowed, 1)
		s.l.warn("syslog connection closed: no source has this certificate (any more)", s.from.peer, nil)
	}
	return ok
}

// fit gives the buffer the size that the sender needs: full says that the last read filled it.
func (s *stream) fit(full bool) bool {
	switch {
	case s.have == len(s.buf): // an unfinished message fills it
		size := min(2*len(s.buf), s.l.cfg.MaxMessage+64)
		if size <= len(s.buf) {
			size = len(s.buf) + 64
		}
		more := beyond(size) - beyond(len(s.buf))
		if !s.l.large.Take(s.from.peer, more) {
			s.l.cfg.Reject("", s.from.peer, NoMemory, 1)
			s.l.warn("syslog connection closed: too many unfinished large messages", s.from.peer, nil)
			return false
		}
		s.large += more
		s.resize(size)
	case len(s.buf) > readBuffer && s.have < readBuffer/2:
		s.l.large.Give(s.from.peer, s.large)
		s.large = 0
		s.resize(readBuffer)
	case full && len(s.buf) < readBuffer: // a fast sender
		s.resize(2 * len(s.buf))
	}
	return true
}

func (s *stream) resize(size int) {
	s.buf = append(make([]byte, 0, size), s.buf[:s.have]...)[:size]
}

// beyond is the part of a buffer that counts against largeBuffers.
func beyond(size int) int64 { return int64(max(0, size-readBuffer)) }

// cutAll hands every whole message of the buffer over; false ends the connection.
func (s *stream) cutAll() bool {
	used, ok := s.cut(s.buf[:s.have])
	s.have = copy(s.buf, s.buf[used:s.have])
	return ok
}

// cut hands every whole message of buf over and says how much of it is used; ok false ends the connection.
func (s *stream) cut(buf []byte) (used int, ok bool) {
	var frames []wire.Frame
	var chunk []byte // one copy of all that is used; frames are parts of it
	now := time.Now().UnixMilli()
	ok = true
loop:
	for {
		c, msg, n := s.next(buf[used:])
		switch c {
		case need:
			break loop
		case nonsense:
			s.l.cfg.Reject(s.from.source, s.from.peer, BadFrame, 1)
			s.l.warn("syslog connection closed: the length of a message is beyond reason", s.from.peer, nil)
			ok = false
			break loop
		case tooLarge:
			s.l.cfg.Reject(s.from.source, s.from.peer, TooLarge, 1)
		case damaged:
			s.l.cfg.Reject(s.from.source, s.from.peer, BadFrame, 1)
		case message:
			if msg = trim(msg); len(msg) > 0 {
				if chunk == nil {
					chunk = make([]byte, 0, len(buf)-used)
				}
				at := len(chunk)
				chunk = append(chunk, msg...)
				frames = append(frames, s.frame(now, chunk[at:len(chunk):len(chunk)]))
			}
		}
		used += n
	}
	s.guesses()
	if len(frames) > 0 && s.guard != nil {
		s.guard.Known()
	}
	return used, s.out.put(frames, len(chunk)) && ok
}

// guesses tells of wrong counts.
func (s *stream) guesses() {
	if s.doubted {
		s.l.warn("a sender writes wrong octet counts before its syslog messages", s.from.peer, nil)
	}
	if s.guessed > 0 {
		s.l.cfg.Miscounted(s.from.source, s.from.peer, s.guessed)
	}
	s.doubted, s.guessed = false, 0
}

func (s *stream) frame(now int64, data []byte) wire.Frame {
	return wire.Frame{Source: s.from.source, Dataset: s.from.dataset, Peer: s.from.peer, Received: now, Format: wire.FormatSyslog, Data: data}
}

// unfinished deals with what stands behind the last whole message when a connection ends: a line without newline is a message
// when the sender closed, and so is what a wrong count held back; part of a counted one is not, unless the sender closed in order and no
// more is missing than a sender counts that counts wrongly.
func (s *stream) unfinished(ended, inOrder bool) {
	s.quiet = true
	if !s.cutAll() || s.skip > 0 || s.line {
		return // counted when it was refused
	}
	rest := trim(s.buf[:s.have])
	if len(rest) == 0 {
		return
	}
	if !ended {
		s.l.cfg.Drop(s.from.source, s.from.peer, Shutdown, 1)
		return
	}
	for len(rest) > 0 {
		size, digits, c := count(rest)
		end := len(rest) // of the message that stands first
		if c == message {
			rest = rest[digits+1:]
			end = len(rest)
			if h, sure := s.header(rest[1:], len(rest)-1, false); sure {
				end = h + 1
			} else if size > len(rest) && !(inOrder && size <= len(rest)+maxMissing) {
				s.l.cfg.Reject(s.from.source, s.from.peer, Truncated, 1)
				return
			}
			s.doubt()
		}
		if end > s.max {
			s.l.cfg.Reject(s.from.source, s.from.peer, TooLarge, 1)
		} else if msg := trim(rest[:end]); len(msg) > 0 {
			s.out.put([]wire.Frame{s.frame(time.Now().UnixMilli(), append([]byte(nil), msg...))}, len(msg))
		}
		rest = rest[end:]
	}
	s.guesses()
}

// outlet is between reading a connection and putting what was read: while a batch becomes durable, the next is read. Without it a
// connection over TLS, whose reads return a record each, would wait for the disk once for each message.
//
// Invariants: at most one put is under way, in the order of the stream; at most aheadOne bytes wait behind it, and nothing when all
// connections together have read ahead what they may.
type outlet struct {
	l     *Listener
	flush context.Context
	name  string
	guard *listen.Conn // nil in tests
	peer  string

	mu     sync.Mutex
	change sync.Cond
	frames []wire.Frame
	bytes  int   // of frames
	taken  int64 // of them from l.ahead
	flying bool  // a put is under way
	failed bool  // it gave up: the connection ends
}

func newOutlet(l *Listener, flush context.Context, name string, guard *listen.Conn, peer string) *outlet {
	o := &outlet{l: l, flush: flush, name: name, guard: guard, peer: peer}
	o.change.L = &o.mu
	return o
}

var errEarlier = errors.New("messages before these could not be stored")

// put hands frames of so many bytes over, and waits for room; false when these or earlier ones could not be put.
func (o *outlet) put(frames []wire.Frame, bytes int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(frames) == 0 {
		return !o.failed
	}
	cost, taken := bytes+len(frames)*frameCost, int64(0)
	for o.flying && !o.failed {
		if o.bytes+cost <= aheadOne && o.l.ahead.Take(o.peer, int64(cost)) {
			taken = int64(cost)
			break
		}
		o.change.Wait()
	}
	if o.failed {
		o.l.ahead.Give(o.peer, taken)
		o.l.lose(o.flush, frames, errEarlier)
		return false
	}
	o.frames, o.bytes, o.taken = append(o.frames, frames...), o.bytes+cost, o.taken+taken
	if !o.flying {
		o.flying = true
		go o.fly()
	}
	return true
}

// fly puts what waits until nothing does.
func (o *outlet) fly() {
	if o.guard != nil {
		defer o.guard.Work()()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.change.Broadcast()
	for len(o.frames) > 0 {
		frames, taken := o.frames, o.taken
		o.frames, o.bytes, o.taken = nil, 0, 0
		o.change.Broadcast()
		o.mu.Unlock()
		err := o.l.put(o.flush, o.name, frames)
		if err != nil {
			o.l.lose(o.flush, frames, err)
		}
		o.mu.Lock()
		o.l.ahead.Give(o.peer, taken)
		if err != nil {
			o.failed = true
			if len(o.frames) > 0 {
				o.l.lose(o.flush, o.frames, errEarlier)
			}
			o.l.ahead.Give(o.peer, o.taken)
			o.frames, o.bytes, o.taken = nil, 0, 0
		}
	}
	o.flying = false
}

// drain waits until all that was handed over is durable or counted as lost.
func (o *outlet) drain() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.flying {
		o.change.Wait()
	}
}

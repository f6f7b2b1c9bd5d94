package packet

import (
	"unsafe"
)

// app is the protocol recognised in a flow.
type app uint8

const (
	appUnknown app = iota
	appHTTP
	appTLS
	appDNS
	appSSH
	appQUIC
	appDTLS
)

var appNames = [...]string{"", "http", "tls", "dns", "ssh", "quic", "dtls"}

// Why stream data was given up (Stats.Overflow).
const (
	overBudget = iota // Config.MaxBytes
	overSegments
	overHeader
	overHandshake
	overFragments
	nOver
)

var overNames = [nOver]string{"budget", "segments", "header", "handshake", "fragments"}

const (
	maxSegments  = 16
	maxHeldAhead = 256 << 10
	maxWatch     = 64 // segments of one direction looked at for a protocol that starts late (STARTTLS, CONNECT, SOCKS)
)

// stream is both directions of a TCP flow while there is something to parse.
type stream struct {
	app   app
	place int // in Analyzer.looked
	dir   [2]half
	http  httpStream
	tls   *tlsConn
	ssh   *sshConn
}

// half is one direction. Bytes are parsed where they lie; buf holds only the beginning of a unit that is not whole yet.
type half struct {
	next     uint32 // sequence number expected
	acked    uint32 // the other side's acknowledgement
	started  bool
	hasAck   bool
	done     bool
	gap      bool
	watch    uint8
	buf      []byte
	scan     int // bytes of buf already searched for the end of the unit
	segments []segment
	ahead    int
	http     httpHalf
}

type segment struct {
	seq  uint32
	data []byte
}

// pools keep memory of things that come and go with flows; the Analyzer has one goroutine, so free lists do.
type pools struct {
	streams   []*stream
	txs       []*httpTx
	tls       []*tlsConn
	dns       []*dnsWait
	questions [][]dnsQuery
	msg       dnsMessage
	asked     dnsMessage // of the question that the message at hand answers
	scratch   []byte
	quic      []byte

	quicHead [1500]byte // of the packet being opened, unprotected

	certs     map[[32]byte][]byte // see certificateJSON
	certBytes int
}

// Bytes of Config.MaxBytes that things take by being there, beside what they hold.
const (
	streamCost  = int(unsafe.Sizeof(stream{}) + unsafe.Sizeof(tlsConn{}))
	segmentCost = 64
	quicCost    = 4 << 10 // two ciphers and the handshake
)

// newStream gives a flow its streams; nil, and the flow is not looked into any more, where no memory is left for them.
func (a *Analyzer) newStream(f *flow) *stream {
	if !a.room(streamCost) {
		f.done = true
		return nil
	}
	if n := len(a.pools.streams); n > 0 {
		f.stream = a.pools.streams[n-1]
		a.pools.streams = a.pools.streams[:n-1]
	} else {
		f.stream = new(stream)
	}
	a.lookInto(f, &f.stream.place)
	return f.stream
}

// maxPooled is how many spent things of a kind are kept for their memory; those that grew past what is usual are not.
const maxPooled = 1024

// reserve takes n of the bytes that Config.MaxBytes allows; where they are not left it says false and counts it. Whoever is done with
// them gives them back: a.held -= n.
func (a *Analyzer) reserve(n int) bool {
	if a.held+n > a.maxHeld {
		a.over[overBudget]++
		return false
	}
	a.held += n
	return true
}

// room is reserve for what a new flow needs to be looked into. For it, and for what it will carry, flows that have been silent are not
// looked into any more; else whoever opens many and says nothing would blind the sensor for all others.
func (a *Analyzer) room(n int) bool {
	const part = 16 // of what may be held is left for what flows carry
	for range 8 {
		if a.held+n <= a.maxHeld-a.maxHeld/part || !a.lookAway() {
			break
		}
	}
	return a.reserve(n)
}

// lookAway makes the records of a flow that has been silent, of some flows in turn the longest, and keeps no more of it than its counts.
func (a *Analyzer) lookAway() bool {
	const silence = int64(1e9) // ns
	var best *flow
	since := a.now - silence
	for range min(32, len(a.looked)) {
		if a.look++; a.look >= len(a.looked) {
			a.look = 0
		}
		if f := a.looked[a.look].flow; f.seen <= since {
			best, since = f, f.seen-1
		}
	}
	if best == nil {
		return false
	}
	a.over[overBudget]++
	a.flushWaiting(best, true)
	a.release(best)
	best.done = true
	return true
}

// lookedInto is a flow that has a stream, or a QUIC handshake.
type lookedInto struct {
	flow  *flow
	place *int // of this in Analyzer.looked
}

// lookInto notes a flow until lookedAt forgets it.
func (a *Analyzer) lookInto(f *flow, place *int) {
	*place = len(a.looked)
	a.looked = append(a.looked, lookedInto{f, place})
}

func (a *Analyzer) lookedAt(place int) {
	last := len(a.looked) - 1
	moved := a.looked[last]
	*moved.place = place
	a.looked[place] = moved
	a.looked[last] = lookedInto{}
	a.looked = a.looked[:last]
}

// keep puts b behind what is in buf; what buf may hold then counts. Where that is not left it says false and counts it.
func (a *Analyzer) keep(buf *[]byte, b []byte) bool {
	if need := len(*buf) + len(b); need > cap(*buf) {
		grown := max(need, min(2*cap(*buf), need+8<<10))
		if a.held+grown-cap(*buf) > a.maxHeld {
			grown = need
		}
		if !a.reserve(grown - cap(*buf)) {
			return false
		}
		*buf = append(make([]byte, 0, grown), *buf...)
	}
	*buf = append(*buf, b...)
	return true
}

// left leaves of buf its last bytes, rest, and no more memory than they may need.
func (a *Analyzer) left(buf *[]byte, rest []byte) {
	const little = 2 << 10
	if cap(*buf) > little && cap(*buf) > 4*len(rest) {
		a.held -= cap(*buf) - len(rest)
		*buf = append(make([]byte, 0, len(rest)), rest...)
		return
	}
	*buf = (*buf)[:copy(*buf, rest)]
}

// forgo gives back what buf may hold.
func (a *Analyzer) forgo(buf *[]byte) {
	a.held -= cap(*buf)
	*buf = nil
}

// spent is b emptied for its memory; nil where that is more than usual.
func spent(b []byte, usual int) []byte {
	if cap(b) > usual {
		return nil
	}
	return b[:0]
}

// dropStream forgets what a flow's streams hold. Records that wait must have been made.
func (a *Analyzer) dropStream(f *flow) {
	s := f.stream
	f.stream = nil
	for i := range s.dir {
		h := &s.dir[i]
		a.letGo(h)
		*h = half{segments: h.segments}
	}
	a.held -= streamCost
	a.lookedAt(s.place)
	for _, tx := range s.http.txs {
		a.freeTx(tx)
	}
	clear(s.http.txs)
	s.http = httpStream{txs: s.http.txs[:0]}
	if s.tls != nil {
		a.forgo(&s.tls.hs[0])
		a.forgo(&s.tls.hs[1])
		a.held -= s.tls.held
		if len(a.pools.tls) < maxPooled {
			s.tls.reset()
			a.pools.tls = append(a.pools.tls, s.tls)
		}
	}
	s.app, s.tls, s.ssh = appUnknown, nil, nil
	if len(a.pools.streams) < 4096 {
		a.pools.streams = append(a.pools.streams, s)
	}
}

// tcpData orders the payload of p and hands what is in order to the parsers.
func (a *Analyzer) tcpData(f *flow, p *pkt, side int) {
	s := f.stream
	if s != nil && p.flags&tcpACK != 0 {
		o := &s.dir[side^1]
		o.acked, o.hasAck = p.ack, true
	}
	b := p.payload
	if len(b) == 0 && p.missing == 0 || p.flags&tcpRST != 0 {
		return
	}
	if s == nil {
		if s = a.newStream(f); s == nil {
			return
		}
		if p.flags&tcpACK != 0 {
			s.dir[side^1].acked, s.dir[side^1].hasAck = p.ack, true
		}
	}
	h := &s.dir[side]
	if h.done {
		return
	}
	seq := p.seq
	if p.flags&tcpSYN != 0 {
		seq++
	}
	if !h.started {
		h.started = true
		h.next = seq
		if f.tcp[side]&tcpSYN != 0 {
			h.next = f.isn[side] + 1
			if d := int32(seq - h.next); d < 0 || d > 1<<24 { // not the same connection: believe the data
				h.next = seq
			}
		}
	}
	rel := int32(seq - h.next)
	if rel > 0 {
		a.hold(f, s, side, seq, b)
		return
	}
	if rel < 0 {
		if -int(rel) >= len(b) {
			return
		}
		b = b[-int(rel):]
	}
	h.next += uint32(len(b))
	a.feed(f, s, side, b)
	if p.missing > 0 && f.stream != nil && !h.done {
		a.skip(f, s, side, p.missing)
	}
	if len(h.segments) > 0 && f.stream != nil {
		a.drain(f, s, side)
	}
	a.retire(f, s)
}

// retire frees the streams once neither direction has anything left to parse.
func (a *Analyzer) retire(f *flow, s *stream) {
	if f.stream == s && s.dir[0].done && s.dir[1].done {
		a.streamFlush(f, true)
		a.dropStream(f)
		f.done = true
	}
}

// hold keeps a segment that came too early.
func (a *Analyzer) hold(f *flow, s *stream, side int, seq uint32, b []byte) {
	h := &s.dir[side]
	i := 0
	for i < len(h.segments) && int32(h.segments[i].seq-seq) < 0 {
		i++
	}
	if i < len(h.segments) && h.segments[i].seq == seq {
		if len(h.segments[i].data) >= len(b) {
			return
		}
		a.held -= len(h.segments[i].data) + segmentCost
		h.ahead -= len(h.segments[i].data)
		h.segments = append(h.segments[:i], h.segments[i+1:]...)
	}
	if !a.reserve(len(b) + segmentCost) {
		h.done = true
		a.letGo(h)
		a.retire(f, s)
		return
	}
	h.segments = append(h.segments, segment{})
	copy(h.segments[i+1:], h.segments[i:])
	h.segments[i] = segment{seq, append([]byte(nil), b...)}
	h.ahead += len(b)
	for f.stream == s && !h.done && len(h.segments) > 0 {
		first := h.segments[0].seq
		over := len(h.segments) > maxSegments || h.ahead > maxHeldAhead
		// the receiver has what we lack: the capture lost it. One later segment alone may be mere reordering.
		lost := h.hasAck && len(h.segments) > 1 && int32(h.acked-first) >= 0
		if !over && !lost {
			return
		}
		if over {
			a.over[overSegments]++
		}
		a.skip(f, s, side, first-h.next)
		a.drain(f, s, side)
		a.retire(f, s)
	}
}

func (a *Analyzer) letGo(h *half) {
	a.held -= h.ahead + segmentCost*len(h.segments)
	h.ahead = 0
	clear(h.segments)
	h.segments = h.segments[:0]
	a.forgo(&h.buf)
}

// drain delivers held segments that have come into order.
func (a *Analyzer) drain(f *flow, s *stream, side int) {
	h := &s.dir[side]
	for len(h.segments) > 0 && !h.done && f.stream == s {
		g := h.segments[0]
		rel := int32(g.seq - h.next)
		if rel > 0 {
			return
		}
		n := copy(h.segments, h.segments[1:]) // taken out first: a parser that gives up lets go of the rest
		h.segments[n] = segment{}
		h.segments = h.segments[:n]
		a.held -= len(g.data) + segmentCost
		h.ahead -= len(g.data)
		if -int(rel) < len(g.data) {
			b := g.data[-int(rel):]
			h.next += uint32(len(b))
			a.feed(f, s, side, b)
		}
	}
}

// skip tells the parsers that n bytes are missing.
func (a *Analyzer) skip(f *flow, s *stream, side int, n uint32) {
	h := &s.dir[side]
	h.next += n
	a.n.StreamGaps++
	a.n.StreamLost += uint64(n)
	if s.app == appHTTP && h.http.skip(int64(n)) {
		return
	}
	h.gap = true
	a.forgo(&h.buf)
	h.scan = 0
	switch s.app {
	case appHTTP:
		a.httpGap(f, s, side)
	case appTLS, appSSH:
		h.done = true
		a.letGo(h)
	}
}

// feed hands bytes in order to the parser of the stream; what it does not take waits in h.buf.
func (a *Analyzer) feed(f *flow, s *stream, side int, b []byte) {
	h := &s.dir[side]
	data, buffered := b, len(h.buf) > 0
	if buffered {
		if !a.keep(&h.buf, b) {
			h.done = true
			a.letGo(h)
			return
		}
		data = h.buf
	}
	for len(data) > 0 && !h.done {
		n, again := 0, false
		switch s.app {
		case appUnknown:
			n, again = a.recognise(f, s, side, data)
		case appHTTP:
			n, again = a.httpStep(f, s, side, data)
		case appTLS:
			n, again = a.tlsStep(f, s, side, data)
		case appSSH:
			n, again = a.sshStep(f, s, side, data)
		case appDNS:
			n, again = a.dnsStep(f, s, side, data)
		default:
			h.done = true
		}
		if n > 0 {
			h.scan = 0
			data = data[n:]
		}
		if !again {
			break
		}
	}
	if h.done {
		a.letGo(h)
		return
	}
	if buffered {
		a.left(&h.buf, data)
	} else if len(data) > 0 && !a.keep(&h.buf, data) {
		h.done = true
	}
}

// client makes side the one that opened the flow, when the content says so and no handshake says otherwise.
func (f *flow) client(side int) {
	if int(f.src) != side && (f.tcp[0]|f.tcp[1])&tcpSYN == 0 {
		f.src, f.reversed = uint8(side), true
	}
}

// streamFlush makes the records of a flow's streams that wait. last: nothing more will come.
func (a *Analyzer) streamFlush(f *flow, last bool) {
	s := f.stream
	if last {
		for side := range s.dir {
			h := &s.dir[side]
			for len(h.segments) > 0 && !h.done && f.stream == s {
				a.skip(f, s, side, h.segments[0].seq-h.next)
				a.drain(f, s, side)
			}
		}
	}
	if len(s.http.txs) > 0 || s.app == appHTTP {
		a.httpFlush(f, s, last)
	}
	if s.tls != nil {
		a.tlsFlush(f, s)
	}
	if s.ssh != nil && last {
		a.sshFlush(f, s)
	}
}

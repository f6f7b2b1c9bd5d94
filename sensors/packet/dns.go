package packet

import (
	"bytes"
	"encoding/binary"
	"unsafe"
)

// DNS (RFC 1035), over UDP and TCP, and its multicast and link-local forms. A record is a question with its answer; a question nobody
// answered is reported after dnsPatience, or when its flow ends before; an answer that comes later makes a record of its own.

const (
	maxWaiting   = 64  // unanswered questions of a flow
	maxQuestions = 16  // of a message
	maxAnswers   = 256 // of a message
	maxQuestion  = 1500
	maxDNSText   = 64 << 10 // of the names and data of a message: as much as the longest message has without compression
	dnsPatience  = 5e9      // ns: resolvers ask again after 5 s (RFC 1035 §4.2.1, resolv.conf's timeout)
)

// dnsWait holds the questions of a flow that wait for an answer.
type dnsWait struct {
	asked []dnsQuery // oldest first
	timed bool       // the flow's timer knows of the oldest
}

type dnsQuery struct {
	at   int64
	id   uint16
	side uint8
	msg  []byte // as far as maxQuestion
	body int    // where its questions end
	size int
	held int // bytes of Config.MaxBytes
}

// dnsHeader reports whether b can be the beginning of a DNS message: it has a header, a known operation, sensible counts.
func dnsHeader(b []byte) bool {
	if len(b) < 12 {
		return false
	}
	flags := binary.BigEndian.Uint16(b[2:])
	qd, an, ns, ar := binary.BigEndian.Uint16(b[4:]), binary.BigEndian.Uint16(b[6:]), binary.BigEndian.Uint16(b[8:]),
		binary.BigEndian.Uint16(b[10:])
	if op := flags >> 11 & 15; op > 6 || op == 3 {
		return false
	}
	return qd <= 256 && an <= 4096 && ns <= 4096 && ar <= 4096 && int(qd)+int(an)+int(ns)+int(ar) > 0
}

// dnsMessage is a parsed message; names are appended to buf and referred to by offsets, so that parsing allocates nothing.
type dnsMessage struct {
	id        uint16
	flags     uint16
	questions []dnsQuestion
	answers   []dnsAnswer
	buf       []byte
	counts    [4]uint16
	body      int  // where the questions end
	partial   bool // records past some point could not be read
}

type span struct{ off, n int }

type dnsQuestion struct {
	name       span
	typ, class uint16
}

type dnsAnswer struct {
	name       span
	typ, class uint16
	ttl        uint32
	data       span
	ip         bool
}

func (m *dnsMessage) text(s span) []byte { return m.buf[s.off : s.off+s.n] }

func (m *dnsMessage) response() bool { return m.flags&0x8000 != 0 }

// parse reads msg; false when it is no DNS message: header or questions are wrong. Faulty answers make it partial.
func (m *dnsMessage) parse(msg []byte) bool {
	m.questions, m.answers, m.buf, m.body, m.partial = m.questions[:0], m.answers[:0], m.buf[:0], 12, false
	if !dnsHeader(msg) {
		return false
	}
	m.id, m.flags = binary.BigEndian.Uint16(msg), binary.BigEndian.Uint16(msg[2:])
	for i := range m.counts {
		m.counts[i] = binary.BigEndian.Uint16(msg[4+2*i:])
	}
	at := 12
	for range m.counts[0] {
		name, n := m.name(msg, at)
		if n < 0 || n+4 > len(msg) {
			if len(m.questions) == 0 {
				return false
			}
			m.partial, m.body = true, at
			return true
		}
		at = n + 4
		if len(m.questions) < maxQuestions {
			m.questions = append(m.questions, dnsQuestion{name, binary.BigEndian.Uint16(msg[n:]), binary.BigEndian.Uint16(msg[n+2:])})
		}
	}
	m.body = at
	m.parseAnswers(msg, at)
	return true
}

func (m *dnsMessage) parseAnswers(msg []byte, at int) {
	for range m.counts[1] {
		name, n := m.name(msg, at)
		if n < 0 || n+10 > len(msg) {
			m.partial = true
			break
		}
		size := int(binary.BigEndian.Uint16(msg[n+8:]))
		if n+10+size > len(msg) {
			m.partial = true
			break
		}
		at = n + 10 + size
		if len(m.answers) >= maxAnswers || len(m.buf) > maxDNSText {
			m.partial = true
			break
		}
		r := dnsAnswer{name: name, typ: binary.BigEndian.Uint16(msg[n:]), class: binary.BigEndian.Uint16(msg[n+2:]),
			ttl: binary.BigEndian.Uint32(msg[n+4:])}
		m.rdata(&r, msg, n+10, size)
		m.answers = append(m.answers, r)
	}
}

// answers reports whether m, read from msg, answers q: it repeats q's questions, in any case of letters, or has none at all. An answer with
// another question than the one asked is no answer to it, whatever its id says.
func (a *Analyzer) answers(m *dnsMessage, msg []byte, q *dnsQuery) bool {
	if len(m.questions) == 0 || m.body == q.body &&
		(bytes.Equal(msg[12:m.body], q.msg[12:q.body]) || bytes.EqualFold(msg[12:m.body], q.msg[12:q.body])) {
		return true
	}
	asked := &a.pools.asked // their bytes may differ where one of them is compressed
	if !asked.parse(q.msg) || len(asked.questions) != len(m.questions) {
		return false
	}
	for i, x := range asked.questions {
		y := m.questions[i]
		if x.typ != y.typ || x.class != y.class || !bytes.EqualFold(asked.text(x.name), m.text(y.name)) {
			return false
		}
	}
	return true
}

// repeat puts the questions of q into m, an answer that does not repeat them: what was asked is part of every record. Some servers repeat
// them and count none; then the answers stand behind them.
func (a *Analyzer) repeat(m *dnsMessage, msg []byte, q *dnsQuery) {
	asked := &a.pools.asked
	if !asked.parse(q.msg) {
		return
	}
	if q.body <= len(msg) && len(q.msg) >= q.body && bytes.EqualFold(msg[12:q.body], q.msg[12:q.body]) {
		m.answers, m.buf, m.partial = m.answers[:0], m.buf[:0], false
		m.parseAnswers(msg, q.body)
	}
	for _, x := range asked.questions {
		name := span{len(m.buf), x.name.n}
		m.buf = append(m.buf, asked.text(x.name)...)
		m.questions = append(m.questions, dnsQuestion{name, x.typ, x.class})
	}
}

// name appends the name at off to buf without the root's dot and returns where the message goes on, or -1.
func (m *dnsMessage) name(msg []byte, at int) (span, int) {
	s := span{off: len(m.buf)}
	next, jumps, total := -1, 0, 0
	for {
		if at >= len(msg) {
			return s, -1
		}
		n := int(msg[at])
		switch {
		case n == 0:
			if next < 0 {
				next = at + 1
			}
			s.n = len(m.buf) - s.off
			return s, next
		case n&0xc0 == 0xc0:
			if at+1 >= len(msg) {
				return s, -1
			}
			if next < 0 {
				next = at + 2
			}
			if jumps++; jumps > 32 {
				return s, -1
			}
			to := (n&0x3f)<<8 | int(msg[at+1])
			if to >= at && jumps == 1 && to >= len(msg) {
				return s, -1
			}
			at = to
		case n&0xc0 != 0:
			return s, -1
		default:
			if at+1+n > len(msg) {
				return s, -1
			}
			if total += n + 1; total > 1024 { // RFC 1035 says 255; what breaks it is worth seeing
				return s, -1
			}
			if len(m.buf) > s.off {
				m.buf = append(m.buf, '.')
			}
			m.buf = append(m.buf, msg[at+1:at+1+n]...)
			at += 1 + n
		}
	}
}

// rdata renders the data of r in its presentation form.
func (m *dnsMessage) rdata(r *dnsAnswer, msg []byte, at, size int) {
	b := msg[at : at+size]
	s := span{off: len(m.buf)}
	switch r.typ {
	case 1:
		if size == 4 {
			m.buf = ipOf(addr{0, uint64(binary.BigEndian.Uint32(b))}, false).AppendTo(m.buf)
			r.ip = true
		}
	case 28:
		if size == 16 {
			m.buf = ipOf(addr{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, true).AppendTo(m.buf)
			r.ip = true
		}
	case 2, 5, 12, 39: // NS CNAME PTR DNAME
		if n, next := m.name(msg, at); next >= 0 {
			r.data = n
			return
		}
		m.buf = m.buf[:s.off]
	case 15: // MX
		if size > 2 {
			if n, next := m.name(msg, at+2); next >= 0 {
				r.data = n
				return
			}
			m.buf = m.buf[:s.off]
		}
	case 33: // SRV
		if size > 6 {
			if n, next := m.name(msg, at+6); next >= 0 {
				r.data = n
				return
			}
			m.buf = m.buf[:s.off]
		}
	case 6: // SOA: the primary server
		if n, next := m.name(msg, at); next >= 0 {
			r.data = n
			return
		}
		m.buf = m.buf[:s.off]
	case 16, 99: // TXT, SPF: the strings joined
		for len(b) > 0 {
			v, rest, good := cut8(b)
			if !good {
				break
			}
			m.buf = append(m.buf, v...)
			b = rest
		}
	case 10: // NULL carries tunnels: hexadecimal, at most 256 bytes
		const digits = "0123456789abcdef"
		for _, c := range b[:min(len(b), 256)] {
			m.buf = append(m.buf, digits[c>>4], digits[c&15])
		}
	}
	s.n = len(m.buf) - s.off
	r.data = s
}

// dns takes a whole DNS message; false when it is none.
func (a *Analyzer) dns(f *flow, side int, msg []byte) bool {
	m := &a.pools.msg
	if !m.parse(msg) {
		return false
	}
	w := f.dns
	if m.response() {
		var q *dnsQuery
		if w != nil {
			for i := range w.asked {
				if w.asked[i].id == m.id && int(w.asked[i].side) != side && a.answers(m, msg, &w.asked[i]) {
					q = &w.asked[i]
					break
				}
			}
		}
		if q == nil && len(m.questions) > 0 && f.packets[side^1] == 0 && !multicastPort(f) {
			f.client(side ^ 1)
		}
		if q != nil {
			if len(m.questions) == 0 {
				a.repeat(m, msg, q)
			}
			a.dnsRecord(f, m, side, q.at, q.size, len(msg))
			a.forget(w, q)
		} else {
			a.dnsRecord(f, m, side, 0, 0, len(msg))
		}
		return true
	}
	if multicastPort(f) { // answers come from elsewhere
		a.dnsRecord(f, m, side, 0, len(msg), 0)
		return true
	}
	if w == nil {
		if n := len(a.pools.dns); n > 0 {
			w = a.pools.dns[n-1]
			a.pools.dns = a.pools.dns[:n-1]
		} else {
			w = new(dnsWait)
		}
		w.timed = false
		f.dns = w
	}
	for i := range w.asked { // the same question again
		if q := &w.asked[i]; q.id == m.id && int(q.side) == side && string(q.msg) == string(msg[:min(len(msg), maxQuestion)]) {
			return true
		}
	}
	if len(w.asked) >= maxWaiting {
		a.dnsUnanswered(f, &w.asked[0])
		a.forget(w, &w.asked[0])
	}
	kept := msg[:min(len(msg), maxQuestion)]
	held := int(unsafe.Sizeof(dnsQuery{})) + len(kept)
	if !a.reserve(held) { // it cannot wait for its answer
		a.dnsRecord(f, m, side, 0, len(msg), 0)
		return true
	}
	if n := len(a.pools.questions); cap(w.asked) == 0 && n > 0 {
		w.asked = a.pools.questions[n-1]
		a.pools.questions = a.pools.questions[:n-1]
	}
	if len(w.asked) < cap(w.asked) {
		w.asked = w.asked[:len(w.asked)+1]
	} else {
		w.asked = append(w.asked, dnsQuery{})
	}
	q := &w.asked[len(w.asked)-1]
	q.at, q.id, q.side, q.size, q.held = a.p.t, m.id, uint8(side), len(msg), held
	q.msg = append(q.msg[:0], kept...)
	q.body = min(m.body, len(q.msg))
	return true
}

func multicastPort(f *flow) bool {
	return f.key.pa == 5353 || f.key.pb == 5353 || f.key.pa == 5355 || f.key.pb == 5355
}

// forget takes q out of w.
func (a *Analyzer) forget(w *dnsWait, q *dnsQuery) {
	for i := range w.asked {
		if &w.asked[i] == q {
			old := w.asked[i]
			copy(w.asked[i:], w.asked[i+1:])
			a.held -= old.held
			old.msg = spent(old.msg, 512)
			n := len(w.asked) - 1
			w.asked[n] = old
			w.asked = w.asked[:n]
			const few = 4
			switch {
			case n > 0 && cap(w.asked) > few: // its memory does not stay with a flow that goes on
				w.asked[:n+1][n].msg = nil
				if cap(w.asked) > few*n {
					w.asked = append(make([]dnsQuery, 0, n), w.asked...)
				}
			case n == 0:
				if cap(w.asked) <= few && len(a.pools.questions) < maxPooled {
					a.pools.questions = append(a.pools.questions, w.asked)
				}
				w.asked = nil
			}
			return
		}
	}
}

func (a *Analyzer) dnsUnanswered(f *flow, q *dnsQuery) {
	m := &a.pools.msg
	if m.parse(q.msg) {
		a.dnsRecord(f, m, int(q.side), q.at, q.size, 0)
	}
}

// dnsFlush reports questions that nobody answered: all of them at the end, before it those older than dnsPatience.
func (a *Analyzer) dnsFlush(f *flow, last bool) {
	w := f.dns
	for len(w.asked) > 0 && (last || a.now-w.asked[0].at >= dnsPatience) {
		a.dnsUnanswered(f, &w.asked[0])
		a.forget(w, &w.asked[0])
	}
}

// dropDNS forgets the questions of a flow that wait. Their records must have been made.
func (a *Analyzer) dropDNS(f *flow) {
	w := f.dns
	f.dns = nil
	for len(w.asked) > 0 {
		a.forget(w, &w.asked[len(w.asked)-1])
	}
	if len(a.pools.dns) < maxPooled {
		a.pools.dns = append(a.pools.dns, w)
	}
}

// dnsStep takes one length-prefixed message of a TCP stream (RFC 1035 §4.2.2).
func (a *Analyzer) dnsStep(f *flow, s *stream, side int, b []byte) (int, bool) {
	if len(b) < 2 {
		return 0, false
	}
	n := int(b[0])<<8 | int(b[1])
	if len(b) < 2+n {
		return 0, false
	}
	if !a.dns(f, side, b[2:2+n]) {
		if h := &s.dir[side]; h.watch > 8 {
			h.done = true
		} else {
			h.watch++
		}
	}
	return 2 + n, true
}

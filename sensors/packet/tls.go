package packet

import (
	"crypto/sha256"
	"encoding/binary"
)

// TLS (RFC 8446, 5246) and its datagram and QUIC forms: what the handshake says in the clear. Parsing stops at the first encrypted byte.

const (
	maxHandshake = 128 << 10 // of one direction
	maxCerts     = 16
)

// tlsConn is one handshake.
type tlsConn struct {
	at, answered int64
	proto        app  // appTLS, appDTLS, appQUIC
	client       int8 // side of the ClientHello; -1 unknown
	hello        bool // ClientHello read
	server       bool // ServerHello read
	retry        bool // a HelloRetryRequest came
	gap          bool
	reported     bool
	alert        int16 // last alert in the clear, -1 none
	fatal        bool
	secured      [2]bool // encrypted bytes follow
	version      uint16  // chosen
	offered      uint16  // greatest offered
	cipher       uint16
	resumed      bool
	sni, alpn    []byte // alpn: chosen by the server; TLS 1.3 hides it
	alpns        []byte // offered, separated by NUL
	ja3, ja3s    [16]byte
	ja4          []byte
	session      [32]byte
	sessionLen   int8
	certs        [2]certificate // by side
	hs           [2][]byte      // handshake bytes of a message that is not whole
	held         int            // bytes of Config.MaxBytes, those of hs apart
}

// certificate is what a record tells of an end-entity certificate.
type certificate struct {
	have bool
	hash [32]byte
	json []byte // see certificateJSON; shared, not to be changed
	n    int    // certificates in the chain
}

func (c *tlsConn) reset() {
	const name = 1 << 10 // usual size
	*c = tlsConn{client: -1, alert: -1, sni: spent(c.sni, name), alpn: spent(c.alpn, name), alpns: spent(c.alpns, name), ja4: c.ja4[:0]}
}

func (a *Analyzer) newTLS(proto app) *tlsConn {
	var c *tlsConn
	if n := len(a.pools.tls); n > 0 {
		c = a.pools.tls[n-1]
		a.pools.tls = a.pools.tls[:n-1]
	} else {
		c = new(tlsConn)
	}
	c.reset()
	c.proto = proto
	c.at = a.p.t
	return c
}

// tlsStep takes one TLS record.
func (a *Analyzer) tlsStep(f *flow, s *stream, side int, b []byte) (int, bool) {
	if s.tls == nil {
		s.tls = a.newTLS(appTLS)
	}
	c, h := s.tls, &s.dir[side]
	if b[0] == 0x14 && c.retry && !c.server && side != int(c.client) { // between a HelloRetryRequest and the ServerHello (RFC 8446 §D.4)
		if len(b) < 6 {
			return 0, false
		}
		return 6, true
	}
	if b[0] == 0x17 || b[0] == 0x14 { // application data, change cipher spec: encrypted from here on
		if len(b) >= 3 && b[1] != 3 {
			c.gap = true
		} else {
			c.secured[side] = true
		}
		h.done = true
		return 0, false
	}
	if len(b) < 5 {
		return 0, false
	}
	n := int(b[3])<<8 | int(b[4])
	if b[0] < 0x14 || b[0] > 0x18 || b[1] != 3 || n > 18432 {
		if b[0]&0x80 != 0 && len(c.hs[side]) == 0 && !c.hello { // SSLv2 ClientHello
			if l := int(b[0]&0x7f)<<8 | int(b[1]); len(b) >= l+2 {
				return l + 2, true
			}
			return 0, false
		}
		c.gap = true
		h.done = true
		return 0, false
	}
	if len(b) < 5+n {
		return 0, false
	}
	body := b[5 : 5+n]
	switch b[0] {
	case 0x15:
		if n == 2 {
			c.alert = int16(body[1])
			c.fatal = c.fatal || body[0] == 2
			if body[0] == 2 {
				h.done = true
			}
		}
	case 0x16:
		if !a.tlsHandshake(f, c, side, body) {
			h.done = true
		}
	}
	return 5 + n, true
}

// tlsHandshake takes the payload of a handshake record; false: give up on this direction.
func (a *Analyzer) tlsHandshake(f *flow, c *tlsConn, side int, b []byte) bool {
	data, buffered := b, len(c.hs[side]) > 0
	if buffered {
		if len(c.hs[side])+len(b) > maxHandshake {
			a.over[overHandshake]++
			return false
		}
		if !a.keep(&c.hs[side], b) {
			return false
		}
		data = c.hs[side]
	}
	for len(data) >= 4 {
		n := int(data[1])<<16 | int(data[2])<<8 | int(data[3])
		if n > maxHandshake {
			a.over[overHandshake]++
			return false
		}
		if len(data) < 4+n {
			break
		}
		a.tlsMessage(f, c, side, data[0], data[4:4+n])
		data = data[4+n:]
	}
	if buffered {
		a.left(&c.hs[side], data)
		return true
	}
	return len(data) == 0 || a.keep(&c.hs[side], data)
}

func (a *Analyzer) tlsMessage(f *flow, c *tlsConn, side int, typ byte, b []byte) {
	switch typ {
	case 1:
		if c.hello {
			return // after a HelloRetryRequest, or renegotiation
		}
		h, good := parseClientHello(b, c.proto == appDTLS)
		if !good {
			return
		}
		f.client(side)
		c.takeHello(side, &h, a)
		c.at = a.p.t
	case 2:
		h, good := parseServerHello(b)
		if !good || c.server {
			return
		}
		f.client(side ^ 1)
		if !c.retry { // the first answer is hashed, as the peers do; version and cipher of both are the same
			c.ja3s = h.ja3s(a.scratch())
		}
		c.server, c.answered, c.retry = !h.retry, a.p.t, h.retry
		c.version, c.cipher = h.version, h.cipher
		c.alpn = keep(c.alpn, h.alpn)
		c.resumed = c.hello && h.version < 0x0304 && c.sessionLen > 0 && int(c.sessionLen) == len(h.session) &&
			string(c.session[:c.sessionLen]) == string(h.session)
	case 11:
		if c.server && c.version == 0x0304 { // encrypted, so this is something else
			return
		}
		if c.certs[side].have {
			return
		}
		x := a.certificates(b)
		if !a.reserve(len(x.json)) {
			c.gap = true
			return
		}
		c.held += len(x.json)
		c.certs[side] = x
	}
}

func (c *tlsConn) takeHello(side int, h *clientHello, a *Analyzer) {
	c.hello, c.client = true, int8(side)
	c.offered = h.greatest()
	if n := min(len(h.sni), maxHTTPText) + len(h.alpn); a.reserve(n) {
		c.held += n
		c.sni = keep(c.sni, h.sni)
		c.takeALPN(h.alpn)
	} else {
		c.gap = true
	}
	c.sessionLen = int8(copy(c.session[:], h.session))
	c.ja3 = h.ja3(a.scratch())
	c.ja4 = h.ja4(c.ja4[:0], c.proto, a.scratch())
}

// takeALPN keeps the names of list, NUL between them.
func (c *tlsConn) takeALPN(list []byte) {
	c.alpns = c.alpns[:0]
	for len(list) > 0 {
		n := int(list[0])
		if n+1 > len(list) {
			break
		}
		if len(c.alpns) > 0 {
			c.alpns = append(c.alpns, 0)
		}
		c.alpns = append(c.alpns, list[1:1+n]...)
		list = list[1+n:]
	}
}

// tlsFlush makes the record of a handshake when it is over or nothing more will come for a while.
func (a *Analyzer) tlsFlush(f *flow, s *stream) {
	c := s.tls
	if c.reported || !c.hello && !c.server && !c.certs[0].have && !c.certs[1].have {
		return
	}
	c.gap = c.gap || s.dir[0].gap || s.dir[1].gap
	a.tlsRecord(f, c)
	c.reported = true
}

// clientHello holds slices of the message.
type clientHello struct {
	version  uint16
	session  []byte
	ciphers  []byte // pairs
	exts     []byte // type, length, body …
	sni      []byte
	alpn     []byte // length-prefixed names
	groups   []byte // pairs
	points   []byte
	sigs     []byte // pairs
	versions []byte // pairs
	hasSNI   bool
	hasExts  bool
}

// cut takes n bytes off b.
func cut(b []byte, n int) (head, tail []byte, good bool) {
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// cut8 and cut16 take a vector with a length of one or two bytes.
func cut8(b []byte) (v, tail []byte, good bool) {
	if len(b) < 1 {
		return nil, nil, false
	}
	return cut(b[1:], int(b[0]))
}

func cut16(b []byte) (v, tail []byte, good bool) {
	if len(b) < 2 {
		return nil, nil, false
	}
	return cut(b[2:], int(b[0])<<8|int(b[1]))
}

// parseClientHello reads the body of a ClientHello (RFC 8446 §4.1.2; RFC 6347 §4.2.1 for datagrams).
func parseClientHello(b []byte, datagram bool) (h clientHello, good bool) {
	if len(b) < 2+32+1 {
		return h, false
	}
	h.version = binary.BigEndian.Uint16(b)
	b = b[34:]
	if h.session, b, good = cut8(b); !good || len(h.session) > 32 {
		return h, false
	}
	if datagram {
		if _, b, good = cut8(b); !good { // cookie
			return h, false
		}
	}
	if h.ciphers, b, good = cut16(b); !good || len(h.ciphers)&1 != 0 {
		return h, false
	}
	if _, b, good = cut8(b); !good { // compression methods
		return h, false
	}
	if len(b) < 2 {
		return h, true
	}
	h.hasExts = true
	exts, _, good := cut16(b)
	if !good {
		return h, false
	}
	h.exts = exts
	for len(exts) >= 4 {
		typ := binary.BigEndian.Uint16(exts)
		v, rest, good := cut16(exts[2:])
		if !good {
			return h, false
		}
		exts = rest
		switch typ {
		case 0:
			h.hasSNI = true
			if l, _, good := cut16(v); good && len(l) >= 3 && l[0] == 0 {
				if n, _, good := cut16(l[1:]); good {
					h.sni = n
				}
			}
		case 10:
			if l, _, good := cut16(v); good {
				h.groups = l[:len(l)&^1]
			}
		case 11:
			if l, _, good := cut8(v); good {
				h.points = l
			}
		case 13:
			if l, _, good := cut16(v); good {
				h.sigs = l[:len(l)&^1]
			}
		case 16:
			if l, _, good := cut16(v); good {
				h.alpn = l
			}
		case 43:
			if l, _, good := cut8(v); good {
				h.versions = l[:len(l)&^1]
			}
		}
	}
	return h, true
}

// grease reports the values of RFC 8701.
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

func (h *clientHello) greatest() uint16 {
	v := uint16(0)
	dtls := h.version>>8 == 0xfe
	for i := 0; i+1 < len(h.versions); i += 2 {
		w := binary.BigEndian.Uint16(h.versions[i:])
		if grease(w) {
			continue
		}
		if v == 0 || dtls && w < v || !dtls && w > v {
			v = w
		}
	}
	if v == 0 {
		return h.version
	}
	return v
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// serverHello holds slices of the message.
type serverHello struct {
	legacy, version uint16
	cipher          uint16
	session         []byte
	exts            []byte
	alpn            []byte
	retry           bool
}

// helloRetry is the random of a HelloRetryRequest (RFC 8446 §4.1.3).
var helloRetry = func() [32]byte { return sha256.Sum256([]byte("HelloRetryRequest")) }()

// parseServerHello reads the body of a ServerHello (RFC 8446 §4.1.3, 5246 §7.4.1.3).
func parseServerHello(b []byte) (h serverHello, good bool) {
	if len(b) < 2+32+1 {
		return h, false
	}
	h.legacy = binary.BigEndian.Uint16(b)
	h.version = h.legacy
	h.retry = string(b[2:34]) == string(helloRetry[:])
	b = b[34:]
	if h.legacy >= 0x7f00 && h.legacy <= 0x7f15 { // TLS 1.3 drafts up to 21 had neither session nor compression
		if len(b) < 2 {
			return h, false
		}
		h.cipher = binary.BigEndian.Uint16(b)
		b = b[2:]
	} else {
		if h.session, b, good = cut8(b); !good {
			return h, false
		}
		if len(b) < 3 {
			return h, false
		}
		h.cipher = binary.BigEndian.Uint16(b)
		b = b[3:]
	}
	if len(b) < 2 {
		return h, true
	}
	exts, _, good := cut16(b)
	if !good {
		return h, false
	}
	h.exts = exts
	for len(exts) >= 4 {
		typ := binary.BigEndian.Uint16(exts)
		v, rest, good := cut16(exts[2:])
		if !good {
			return h, false
		}
		exts = rest
		switch typ {
		case 16:
			if l, _, good := cut16(v); good {
				if n, _, good := cut8(l); good {
					h.alpn = n
				}
			}
		case 43:
			if len(v) == 2 {
				h.version = binary.BigEndian.Uint16(v)
			}
		}
	}
	if h.version>>8 == 0x7f { // drafts of TLS 1.3
		h.version = 0x0304
	}
	return h, true
}

// certificates reads a Certificate message of TLS up to 1.2 (RFC 5246 §7.4.2) and tells of its first certificate.
func (a *Analyzer) certificates(b []byte) (c certificate) {
	if len(b) < 3 {
		return c
	}
	n := int(b[0])<<16 | int(b[1])<<8 | int(b[2])
	list, _, good := cut(b[3:], n)
	if !good {
		return c
	}
	var leaf []byte
	for len(list) >= 3 && c.n < maxCerts {
		n := int(list[0])<<16 | int(list[1])<<8 | int(list[2])
		v, rest, good := cut(list[3:], n)
		if !good {
			break
		}
		if c.n == 0 {
			leaf = v
		}
		c.n++
		list = rest
	}
	if len(leaf) == 0 {
		return certificate{}
	}
	c.have, c.hash = true, sha256.Sum256(leaf)
	c.json = a.certificateJSON(c.hash, leaf)
	return c
}

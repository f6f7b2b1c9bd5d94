package packet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
)

// QUIC (RFC 9000, 9001, 9369): Initial packets are protected with keys anyone can derive from the client's first connection id;
// they carry the TLS hellos.

const (
	maxInitials = 32 // Initial packets of a flow that are decrypted
	maxCrypto   = 32 << 10
	maxChunks   = 64
)

type quicState struct {
	version  uint32
	tls      *tlsConn
	keys     [2]*quicKeys // of client, of server
	client   int          // side
	place    int          // in Analyzer.looked
	initials int
	crypto   [2]quicCrypto
	held     int // bytes of Config.MaxBytes, those of tls apart
}

// quicCrypto puts the CRYPTO frames of a side together.
type quicCrypto struct {
	data   []byte // contiguous from offset 0
	chunks []piece
	done   bool
}

type quicKeys struct {
	aead cipher.AEAD
	iv   [12]byte
	hp   cipher.Block
}

var (
	quicSalt1  = []byte{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a}
	quicSalt2  = []byte{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9}
	quicSalt29 = []byte{0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99}
	quicSalt23 = []byte{0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02}
	quicSalt22 = []byte{0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a}
)

// quicSalt gives the salt of a version's Initial keys; nil for versions this package cannot read.
func quicSalt(v uint32) (salt []byte, prefix string) {
	switch {
	case v == 1:
		return quicSalt1, "quic "
	case v == 0x6b3343cf:
		return quicSalt2, "quicv2 "
	case v >= 0xff00001d && v <= 0xff000022: // drafts 29 to 34
		if v > 0xff000020 && v <= 0xff000022 {
			return quicSalt1, "quic "
		}
		return quicSalt29, "quic "
	case v >= 0xff000017 && v <= 0xff00001c, v == 0xfaceb002, v == 0xfaceb00e: // drafts 23 to 28; mvfst
		return quicSalt23, "quic "
	case v == 0xff000016 || v == 0xff000015, v == 0xfaceb001: // drafts 21, 22; mvfst
		return quicSalt22, "quic "
	}
	return nil, ""
}

// hmac256 is HMAC-SHA-256 of the parts of a message, at most 128 bytes together, without the allocations of crypto/hkdf: every QUIC flow
// derives eight keys.
func hmac256(key []byte, parts ...[]byte) [32]byte {
	var in [64 + 128]byte
	var out [64 + 32]byte
	copy(in[:64], key) // at most 64 bytes: a salt, a secret
	copy(out[:64], key)
	for i := range 64 {
		in[i] ^= 0x36
		out[i] ^= 0x5c
	}
	n := 64
	for _, p := range parts {
		n += copy(in[n:], p)
	}
	sum := sha256.Sum256(in[:n])
	copy(out[64:], sum[:])
	return sha256.Sum256(out[:])
}

// expandLabel is HKDF-Expand-Label with an empty context (RFC 8446 §7.1), up to 32 bytes: one round.
func expandLabel(secret []byte, prefix, label string) [32]byte {
	var info [40]byte
	n := 32
	switch label {
	case "key", "hp":
		n = 16
	case "iv":
		n = 12
	}
	info[1] = byte(n)
	info[2] = byte(6 + len(prefix) + len(label))
	at := 3 + copy(info[3:], "tls13 ")
	at += copy(info[at:], prefix)
	at += copy(info[at:], label)
	at++ // empty context
	info[at] = 1
	return hmac256(secret, info[:at+1])
}

func newQUICKeys(version uint32, dcid []byte, label string) *quicKeys {
	salt, prefix := quicSalt(version)
	if salt == nil {
		return nil
	}
	initial := hmac256(salt, dcid)
	secret := expandLabel(initial[:], "", label)
	key := expandLabel(secret[:], prefix, "key")
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		return nil
	}
	k := new(quicKeys)
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return nil
	}
	iv := expandLabel(secret[:], prefix, "iv")
	copy(k.iv[:], iv[:])
	hp := expandLabel(secret[:], prefix, "hp")
	if k.hp, err = aes.NewCipher(hp[:16]); err != nil {
		return nil
	}
	return k
}

// open removes the protection of an Initial packet; pn is the offset of its packet number, b ends with the packet. b is not changed.
// head is memory for its header.
func (k *quicKeys) open(dst, head, b []byte, pn int) ([]byte, bool) {
	if pn+4+16 > len(b) {
		return nil, false
	}
	var mask [16]byte
	k.hp.Encrypt(mask[:], b[pn+4:pn+20])
	first := b[0] ^ mask[0]&0x0f
	n := int(first&3) + 1
	if pn+n+16 > len(b) {
		return nil, false
	}
	if pn+n > len(head) {
		return nil, false
	}
	head = head[:pn+n]
	copy(head, b)
	head[0] = first
	nonce := k.iv
	for i := range n {
		head[pn+i] ^= mask[1+i]
		nonce[12-n+i] ^= head[pn+i]
	}
	out, err := k.aead.Open(dst[:0], nonce[:], b[pn+n:], head)
	return out, err == nil
}

// varint reads a variable-length integer (RFC 9000 §16).
func varint(b []byte) (v uint64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	n = 1 << (b[0] >> 6)
	if len(b) < n {
		return 0, 0
	}
	v = uint64(b[0] & 0x3f)
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}

// quicPacket is the first packet of b with a long header.
type quicPacket struct {
	version uint32
	dcid    []byte
	initial bool
	pn      int // offset of the packet number
	length  int // of the whole packet
}

// parseQUICLong reads a long header (RFC 9000 §17.2); false when b begins with none.
func parseQUICLong(b []byte) (q quicPacket, good bool) {
	if len(b) < 7 || b[0]&0xc0 != 0xc0 {
		return q, false
	}
	q.version = binary.BigEndian.Uint32(b[1:])
	if salt, _ := quicSalt(q.version); salt == nil {
		return q, false
	}
	at := 5
	var rest []byte
	if q.dcid, rest, good = cut8(b[at:]); !good || len(q.dcid) > 20 {
		return q, false
	}
	scid, rest, good := cut8(rest)
	if !good || len(scid) > 20 {
		return q, false
	}
	at = len(b) - len(rest)
	typ := b[0] >> 4 & 3
	if q.version == 0x6b3343cf {
		typ = (typ + 3) & 3 // RFC 9369 §3.2: Initial is 1 there
	}
	switch typ {
	case 3: // Retry: the rest of the datagram
		q.length = len(b)
		return q, true
	case 0:
		q.initial = true
		v, n := varint(rest)
		if n == 0 || v > uint64(len(rest)-n) {
			return q, false
		}
		at += n + int(v)
	}
	v, n := varint(b[at:])
	if n == 0 || v > uint64(len(b)-at-n) {
		return q, false
	}
	q.pn = at + n
	q.length = q.pn + int(v)
	return q, true
}

func (a *Analyzer) udpQUIC(f *flow, side int, b []byte) bool {
	q, good := parseQUICLong(b)
	if !good {
		return f.app == appQUIC
	}
	st := f.quic
	for good && len(b) > 0 {
		if q.initial {
			if st == nil {
				if !a.room(quicCost) {
					f.done = true
					return true
				}
				st = &quicState{version: q.version, client: side, tls: a.newTLS(appQUIC), held: quicCost}
				f.quic = st
				a.lookInto(f, &st.place)
			}
			a.quicInitial(f, st, side, b[:q.length], q)
			if f.quic == nil {
				return true
			}
		}
		b = b[q.length:]
		q, good = parseQUICLong(b)
	}
	return st != nil || f.app == appQUIC
}

func (a *Analyzer) quicInitial(f *flow, st *quicState, side int, b []byte, q quicPacket) {
	if st.initials++; st.initials > maxInitials {
		a.quicFlush(f)
		a.dropQUIC(f)
		f.done = true
		return
	}
	if cap(a.pools.quic) < len(b) {
		a.pools.quic = make([]byte, 0, max(len(b), 2048))
	}
	who := 0
	if st.keys[0] != nil && side != st.client {
		who = 1
	}
	var plain []byte
	opened := false
	if st.keys[who] != nil && st.version == q.version {
		plain, opened = st.keys[who].open(a.pools.quic, a.pools.quicHead[:], b, q.pn)
	}
	if !opened && who == 0 && (st.tls == nil || !st.tls.hello) {
		// the first packet, after a Retry, another version, or the capture began with the server
		for _, try := range [...]string{"client in"} {
			if k := newQUICKeys(q.version, q.dcid, try); k != nil {
				if plain, opened = k.open(a.pools.quic, a.pools.quicHead[:], b, q.pn); opened {
					st.version, st.client = q.version, side
					st.keys[0], st.keys[1] = k, newQUICKeys(q.version, q.dcid, "server in")
				}
			}
		}
	}
	if !opened {
		return
	}
	a.quicFrames(st, who, plain)
	c := &st.crypto[who]
	for len(c.data) >= 4 && !c.done {
		n := int(c.data[1])<<16 | int(c.data[2])<<8 | int(c.data[3])
		if n > maxCrypto {
			c.done = true
			break
		}
		if len(c.data) < 4+n {
			break
		}
		a.tlsMessage(f, st.tls, side, c.data[0], c.data[4:4+n])
		c.done = true // Initial packets carry one hello a side
	}
	if st.tls.hello && st.tls.server {
		st.tls.secured = [2]bool{true, true}
		a.quicFlush(f)
		a.dropQUIC(f)
		f.done = true
	}
}

// dropQUIC forgets what a flow's Initial packets carried. Its record must have been made.
func (a *Analyzer) dropQUIC(f *flow) {
	a.held -= f.quic.held + f.quic.tls.held
	a.lookedAt(f.quic.place)
	f.quic = nil
}

// quicFrames takes the CRYPTO frames of an Initial packet (RFC 9000 §17.2.2 lists what else may stand there).
func (a *Analyzer) quicFrames(st *quicState, who int, b []byte) {
	c := &st.crypto[who]
	for len(b) > 0 {
		typ := b[0]
		b = b[1:]
		ints := func(k int) bool {
			for range k {
				_, n := varint(b)
				if n == 0 {
					return false
				}
				b = b[n:]
			}
			return true
		}
		switch typ {
		case 0, 1: // PADDING, PING
		case 2, 3: // ACK
			if !ints(2) {
				return
			}
			ranges, n := varint(b)
			if n == 0 || ranges > 1024 {
				return
			}
			b = b[n:]
			if !ints(1 + 2*int(ranges)) {
				return
			}
			if typ == 3 && !ints(3) {
				return
			}
		case 6: // CRYPTO
			off, n := varint(b)
			if n == 0 {
				return
			}
			b = b[n:]
			size, n := varint(b)
			if n == 0 || size > uint64(len(b)-n) {
				return
			}
			data := b[n : n+int(size)]
			b = b[n+int(size):]
			if off+size > maxCrypto || c.done {
				continue
			}
			n = c.cost(int(off), data)
			if n == 0 { // it is there, or has no place
				continue
			}
			if !a.reserve(n) {
				c.done, st.tls.gap = true, true
				return
			}
			st.held += n
			c.add(int(off), data)
		default: // CONNECTION_CLOSE and what may not stand here
			return
		}
	}
}

// cost is the memory that add will take.
func (c *quicCrypto) cost(off int, data []byte) int {
	switch {
	case off <= len(c.data):
		return max(0, off+len(data)-len(c.data))
	case len(c.chunks) < maxChunks:
		return len(data) + segmentCost
	}
	return 0
}

func (c *quicCrypto) add(off int, data []byte) {
	if off > len(c.data) {
		c.chunks = append(c.chunks, piece{off, append([]byte(nil), data...)})
		return
	}
	if end := off + len(data); end > len(c.data) {
		c.data = append(c.data, data[len(c.data)-off:]...)
	}
	for more := true; more; {
		more = false
		for i, p := range c.chunks {
			if p.off <= len(c.data) {
				if end := p.off + len(p.data); end > len(c.data) {
					c.data = append(c.data, p.data[len(c.data)-p.off:]...)
				}
				c.chunks = append(c.chunks[:i], c.chunks[i+1:]...)
				more = true
				break
			}
		}
	}
}

func (a *Analyzer) quicFlush(f *flow) {
	c := f.quic.tls
	if c.reported || !c.hello && !c.server {
		return
	}
	a.tlsRecord(f, c)
	c.reported = true
}

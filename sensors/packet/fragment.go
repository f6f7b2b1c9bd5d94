package packet

// IP fragments wait here until the packet is whole (RFC 815 in spirit: a sorted list of pieces). Overlaps keep the byte that came first;
// a packet whose pieces disagree on the length is dropped. At most maxFrags packets wait, 30 s each, within the Analyzer's byte budget.

const (
	maxFrags    = 1024
	fragTimeout = int64(30e9)
	maxPieces   = 128
)

type fragKey struct {
	src, dst addr
	id       uint32
	proto    uint8
	v6       bool
}

type piece struct {
	off  int
	data []byte
}

type datagram struct {
	key    fragKey
	at     int64
	total  int // -1 until the last fragment
	have   int
	length uint32
	pieces []piece
}

type fragTable struct {
	byKey map[fragKey]*datagram
	order []*datagram // oldest first; may hold finished ones (byKey tells)
}

func (t *fragTable) init() { t.byKey = map[fragKey]*datagram{} }

func (a *Analyzer) dropDatagram(d *datagram) {
	delete(a.frags.byKey, d.key)
	for _, p := range d.pieces {
		a.held -= len(p.data)
	}
	d.pieces = nil
}

// fragment takes b, which begins at off of packet id; more: it is not the last. What comes whole of it goes to transport.
func (a *Analyzer) fragment(p *pkt, id uint32, off int, more bool, b []byte, depth int) reason {
	a.n.Fragments++
	a.expireFragments()
	d := a.datagram(fragKey{p.src, p.dst, id, p.proto, p.v6})
	end := off + len(b)
	if p.cut || end > 65535 || len(d.pieces) >= maxPieces || a.held+len(b) > a.maxHeld || !d.agrees(end, more) {
		a.dropDatagram(d)
		return fragBad
	}
	d.length += p.length
	a.held += d.keep(off, b)
	if d.total < 0 || d.have != d.total {
		return fragPending
	}
	whole := make([]byte, 0, d.total)
	for _, q := range d.pieces {
		whole = append(whole, q.data...)
	}
	p.length = d.length
	a.dropDatagram(d)
	a.n.Reassembled++
	return a.transport(p, whole, depth)
}

// expireFragments gives up the packets that waited too long, and the oldest where as many wait as may.
func (a *Analyzer) expireFragments() {
	t := &a.frags
	for len(t.order) > 0 {
		d := t.order[0]
		if t.byKey[d.key] == d && a.now-d.at < fragTimeout && len(t.byKey) < maxFrags {
			break
		}
		if t.byKey[d.key] == d {
			a.dropDatagram(d)
			a.over[overFragments]++
		}
		t.order = t.order[1:]
	}
	if len(t.order) > 4*maxFrags { // finished ones behind an old one that still waits
		kept := t.order[:0]
		for _, d := range t.order {
			if t.byKey[d.key] == d {
				kept = append(kept, d)
			}
		}
		t.order = kept
	}
}

// datagram gives the packet of k that waits; a new one if none does.
func (a *Analyzer) datagram(k fragKey) *datagram {
	t := &a.frags
	d := t.byKey[k]
	if d == nil {
		d = &datagram{key: k, at: a.now, total: -1}
		t.byKey[k] = d
		t.order = append(t.order, d)
	}
	return d
}

// agrees reports whether a piece that ends at end fits the length that the pieces so far tell of, and notes the length where it tells it.
func (d *datagram) agrees(end int, more bool) bool {
	if d.total >= 0 && (end > d.total || !more && end != d.total) {
		return false
	}
	if more {
		return true
	}
	d.total = end
	for _, q := range d.pieces {
		if q.off+len(q.data) > end {
			return false
		}
	}
	return true
}

// keep copies of b, which begins at off, the bytes that are new, into the holes between the pieces, and returns their number.
func (d *datagram) keep(off int, b []byte) (kept int) {
	end := off + len(b)
	for i := 0; i <= len(d.pieces); i++ {
		lo, hi := 0, 65536 // the hole before piece i
		if i > 0 {
			lo = d.pieces[i-1].off + len(d.pieces[i-1].data)
		}
		if i < len(d.pieces) {
			hi = d.pieces[i].off
		}
		x, y := max(lo, off), min(hi, end)
		if x < y {
			d.pieces = append(d.pieces, piece{})
			copy(d.pieces[i+1:], d.pieces[i:])
			d.pieces[i] = piece{x, append([]byte(nil), b[x-off:y-off]...)}
			kept += y - x
			i++
		}
		if hi >= end {
			break
		}
	}
	d.have += kept
	return kept
}

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

func (a *Analyzer) fragment(p *pkt, id uint32, off int, more bool, b []byte, depth int) reason {
	a.n.Fragments++
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
	k := fragKey{p.src, p.dst, id, p.proto, p.v6}
	d := t.byKey[k]
	if d == nil {
		d = &datagram{key: k, at: a.now, total: -1}
		t.byKey[k] = d
		t.order = append(t.order, d)
	}
	end := off + len(b)
	if p.cut || end > 65535 || len(d.pieces) >= maxPieces || a.held+len(b) > a.maxHeld ||
		d.total >= 0 && (end > d.total || !more && end != d.total) {
		a.dropDatagram(d)
		return fragBad
	}
	if !more {
		d.total = end
		for _, q := range d.pieces {
			if q.off+len(q.data) > end {
				a.dropDatagram(d)
				return fragBad
			}
		}
	}
	d.length += p.length
	// keep what is new, in order
	at := 0
	for i := 0; i <= len(d.pieces); i++ {
		var lo, hi int // the hole before piece i
		if i > 0 {
			lo = d.pieces[i-1].off + len(d.pieces[i-1].data)
		}
		hi = 65536
		if i < len(d.pieces) {
			hi = d.pieces[i].off
		}
		x, y := max(lo, off), min(hi, end)
		if x < y {
			d.pieces = append(d.pieces, piece{})
			copy(d.pieces[i+1:], d.pieces[i:])
			d.pieces[i] = piece{x, append([]byte(nil), b[x-off:y-off]...)}
			d.have += y - x
			a.held += y - x
			i++
		}
		at = hi
		if at >= end {
			break
		}
	}
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

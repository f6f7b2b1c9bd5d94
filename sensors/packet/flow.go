package packet

import (
	"math/bits"
	"net/netip"
)

// key names a flow whichever way its packets go: (a, pa) is the lesser endpoint.
type key struct {
	a, b   addr
	pa, pb uint16
	vlan   uint16
	proto  uint8
	v6     bool
}

// flow is one pair of endpoints. Counters stand by side: 0 is the key's a, 1 its b; src is the side that opened the flow.
type flow struct {
	key         key
	hash        uint32
	src         uint8
	tcp         [2]uint8 // TCP flags seen, by side
	state       uint8
	app         app
	excluded    bool
	reversed    bool  // the roles were taken from the content, not from the first packet
	first, last int64 // packet times, ns
	seen        int64 // Analyzer clock at the last packet
	due         int64 // for closing flows: end at this time
	reported    int64 // Analyzer clock at start or the last update
	bytes       [2]uint64
	packets     [2]uint64
	oldBytes    [2]uint64 // as of the last update
	oldPackets  [2]uint64
	icmpType    uint8
	icmpCode    uint8
	gone        bool
	slot        int16
	prev, next  int32     // in its timer slot
	tries       uint8     // UDP payloads looked at without recognising anything
	isn         [2]uint32 // by side, where tcp has SYN
	done        bool      // nothing more to look at
	stream      *stream
	dns         *dnsWait
	quic        *quicState
}

const (
	stNew    = iota // one side only
	stBoth          // both sides spoke
	stClosed        // FIN both ways, or RST
)

// Why a flow ended (hoalu.flow.end_reason).
const (
	endIdle = iota
	endFIN
	endRST
	endReused // the same endpoints opened another connection
	endEvicted
	endCapture // the capture or the sensor stopped
	nEnds
)

var endNames = [nEnds]string{"idle", "fin", "rst", "reused", "evicted", "end_of_capture"}

const (
	wheelSlots = 512 // of one second
	slabBits   = 10
	none       = int32(-1)
)

// table is the flow table: open addressing with linear probing and backward-shift deletion over (hash, index) pairs; flows live in slabs
// that never move. The hash is seeded, so that a sender who does not know the seed cannot make chains.
type table struct {
	seed  [4]uint64
	slots []uint64 // hash << 32 | index + 1; 0 is empty
	mask  uint32
	live  int
	slabs [][]flow
	free  []int32
	used  int32 // flows handed out of slabs so far
	wheel [wheelSlots]int32
	hand  int32 // where the search for a flow to evict goes on
}

func (t *table) init(seed [4]uint64) {
	t.seed = seed
	t.slots = make([]uint64, 1<<12)
	t.mask = 1<<12 - 1
	for i := range t.wheel {
		t.wheel[i] = none
	}
}

func (t *table) at(i int32) *flow { return &t.slabs[i>>slabBits][i&(1<<slabBits-1)] }

func (t *table) hashOf(k *key) uint32 {
	h1, l1 := bits.Mul64(k.a.lo^t.seed[0], k.b.lo^t.seed[1]^uint64(k.pa)<<32^uint64(k.pb)<<48)
	x := h1 ^ l1 ^ uint64(k.pa)<<16 ^ uint64(k.pb) ^ uint64(k.proto)<<32 ^ uint64(k.vlan)<<40
	if k.v6 {
		h2, l2 := bits.Mul64(k.a.hi^t.seed[2], k.b.hi^t.seed[3])
		x ^= bits.RotateLeft64(h2^l2, 23)
	}
	h3, l3 := bits.Mul64(x^t.seed[2], t.seed[3]|1)
	return uint32(h3 ^ l3 ^ (h3^l3)>>32)
}

// find returns the index of k's flow, or none.
func (t *table) find(k *key, h uint32) int32 {
	for i := h & t.mask; ; i = (i + 1) & t.mask {
		s := t.slots[i]
		if s == 0 {
			return none
		}
		if uint32(s>>32) == h {
			n := int32(uint32(s)) - 1
			if t.at(n).key == *k {
				return n
			}
		}
	}
}

func (t *table) insert(k *key, h uint32) int32 {
	if uint32(t.live)*4 >= uint32(len(t.slots))*3 {
		old := t.slots
		t.slots = make([]uint64, 2*len(old))
		t.mask = uint32(len(t.slots) - 1)
		for _, s := range old {
			if s != 0 {
				t.place(s)
			}
		}
	}
	var n int32
	if l := len(t.free); l > 0 {
		n = t.free[l-1]
		t.free = t.free[:l-1]
	} else {
		n = t.used
		if int(n>>slabBits) == len(t.slabs) {
			t.slabs = append(t.slabs, make([]flow, 1<<slabBits))
		}
		t.used++
	}
	*t.at(n) = flow{key: *k, hash: h, slot: -1, prev: none, next: none}
	t.place(uint64(h)<<32 | uint64(uint32(n+1)))
	t.live++
	return n
}

func (t *table) place(s uint64) {
	i := uint32(s>>32) & t.mask
	for t.slots[i] != 0 {
		i = (i + 1) & t.mask
	}
	t.slots[i] = s
}

func (t *table) remove(n int32) {
	f := t.at(n)
	i := f.hash & t.mask
	for uint32(t.slots[i]) != uint32(n+1) {
		i = (i + 1) & t.mask
	}
	for j := i; ; {
		j = (j + 1) & t.mask
		s := t.slots[j]
		if s == 0 {
			break
		}
		home := uint32(s>>32) & t.mask
		if (j-home)&t.mask >= (j-i)&t.mask { // s may move back to i
			t.slots[i] = s
			i = j
		}
	}
	t.slots[i] = 0
	t.unlink(n, f)
	f.gone = true
	f.stream, f.dns, f.quic = nil, nil, nil
	t.free = append(t.free, n)
	t.live--
}

func (t *table) link(n int32, f *flow, sec int64) {
	s := sec & (wheelSlots - 1)
	f.slot, f.prev, f.next = int16(s), none, t.wheel[s]
	if f.next != none {
		t.at(f.next).prev = n
	}
	t.wheel[s] = n
}

func (t *table) unlink(n int32, f *flow) {
	if f.slot < 0 {
		return
	}
	if f.prev != none {
		t.at(f.prev).next = f.next
	} else {
		t.wheel[f.slot] = f.next
	}
	if f.next != none {
		t.at(f.next).prev = f.prev
	}
	f.slot, f.prev, f.next = -1, none, none
}

// deadline is when f must be looked at: its end by silence, its next update, or a DNS question that has waited long enough.
func (a *Analyzer) deadline(f *flow) int64 {
	if f.state == stClosed {
		return f.due
	}
	idle := a.idle[2]
	switch f.key.proto {
	case protoTCP:
		idle = a.idle[0]
	case protoUDP:
		idle = a.idle[1]
	}
	d := min(f.seen+idle, f.reported+a.update)
	if f.dns != nil && len(f.dns.asked) > 0 {
		d = min(d, f.dns.asked[0].at+dnsPatience)
	}
	return d
}

func (a *Analyzer) schedule(n int32, f *flow) {
	d := a.deadline(f)/1e9 + 1
	if d <= a.tick {
		d = a.tick + 1
	}
	if d > a.tick+wheelSlots-1 {
		d = a.tick + wheelSlots - 1
	}
	a.table.link(n, f, d)
	if f.dns != nil {
		f.dns.timed = len(f.dns.asked) > 0
	}
}

// remind sets the timer of a flow anew when a DNS question has begun to wait that it does not know of.
func (a *Analyzer) remind(n int32, f *flow) {
	if w := f.dns; w != nil && !w.timed && len(w.asked) > 0 {
		a.table.unlink(n, f)
		a.schedule(n, f)
	}
}

// advance runs the timers up to second sec.
func (a *Analyzer) advance(sec int64) {
	if a.tick == 0 || a.table.live == 0 {
		a.tick = sec
		return
	}
	from := a.tick + 1
	a.tick = sec
	if sec-from >= wheelSlots {
		from = sec - wheelSlots + 1
	}
	for s := from; s <= sec; s++ {
		n := a.table.wheel[s&(wheelSlots-1)]
		a.table.wheel[s&(wheelSlots-1)] = none
		for n != none {
			f := a.table.at(n)
			next := f.next
			f.slot, f.prev, f.next = -1, none, none
			a.expire(n, f)
			n = next
		}
	}
}

func (a *Analyzer) expire(n int32, f *flow) {
	if f.state == stClosed && a.now >= f.due {
		a.end(n, f, closedBy(f))
		return
	}
	idle := a.idle[2]
	switch f.key.proto {
	case protoTCP:
		idle = a.idle[0]
	case protoUDP:
		idle = a.idle[1]
	}
	if f.state != stClosed && a.now >= f.seen+idle {
		a.end(n, f, endIdle)
		return
	}
	if f.dns != nil {
		a.dnsFlush(f, false)
	}
	if f.state != stClosed && a.now >= f.reported+a.update {
		a.flushWaiting(f, false)
		if f.packets != f.oldPackets {
			a.flowRecord(f, -1)
			f.oldBytes, f.oldPackets = f.bytes, f.packets
		}
		if f.reported += a.update; a.now >= f.reported+a.update { // late by more than one: start anew
			f.reported = a.now
		}
	}
	a.schedule(n, f)
}

func closedBy(f *flow) int {
	if (f.tcp[0]|f.tcp[1])&tcpRST != 0 {
		return endRST
	}
	return endFIN
}

// end makes the last records of a flow and forgets it.
func (a *Analyzer) end(n int32, f *flow, why int) {
	a.ends[why]++
	a.flushWaiting(f, true)
	a.flowRecord(f, why)
	a.release(f)
	a.table.remove(n)
}

// flushWaiting makes the records that wait for the other side: unanswered DNS questions, HTTP requests, unfinished handshakes.
func (a *Analyzer) flushWaiting(f *flow, last bool) {
	if f.stream != nil {
		a.streamFlush(f, last)
	}
	if f.dns != nil {
		a.dnsFlush(f, last)
	}
	if f.quic != nil {
		a.quicFlush(f)
	}
}

func (a *Analyzer) release(f *flow) {
	if f.stream != nil {
		a.dropStream(f)
	}
	if f.dns != nil {
		a.dropDNS(f)
	}
	if f.quic != nil {
		a.dropQUIC(f)
	}
}

// evict makes room for one flow: of some flows in turn the one silent longest, those that never got an answer first.
func (a *Analyzer) evict() {
	t := &a.table
	best, bestScore := none, int64(-1)
	for looked := 0; looked < 32; {
		t.hand++
		if t.hand >= t.used {
			t.hand = 0
		}
		f := t.at(t.hand)
		if f.gone {
			if looked == 0 && t.live == 0 {
				return
			}
			continue
		}
		looked++
		score := a.now - f.seen
		if f.state == stNew {
			score += int64(1e15)
		}
		if score > bestScore {
			best, bestScore = t.hand, score
		}
		if looked >= t.live {
			break
		}
	}
	a.end(best, t.at(best), endEvicted)
}

// lookup finds or makes the flow of p and counts p in it; side is the sender's. fresh: the flow is new.
func (a *Analyzer) lookup(p *pkt, pa, pb uint16) (f *flow, n int32, side int) {
	var k key
	k.proto, k.v6, k.vlan = p.proto, p.v6, p.vlan
	if p.src.less(p.dst) || p.src == p.dst && pa <= pb {
		k.a, k.b, k.pa, k.pb = p.src, p.dst, pa, pb
	} else {
		k.a, k.b, k.pa, k.pb = p.dst, p.src, pb, pa
		side = 1
	}
	h := a.table.hashOf(&k)
	n = a.table.find(&k, h)
	if n != none && p.proto == protoTCP && p.flags&(tcpSYN|tcpACK) == tcpSYN {
		if f = a.table.at(n); f.renewed(p, side) {
			why := endReused
			if f.state == stClosed {
				why = closedBy(f)
			}
			a.end(n, f, why)
			n = none
		}
	}
	if n == none {
		for a.table.live >= a.max {
			a.evict()
		}
		n = a.table.insert(&k, h)
		f = a.table.at(n)
		f.first, f.reported, f.seen = p.t, a.now, a.now
		f.src = uint8(side)
		if p.proto == protoTCP && p.flags&(tcpSYN|tcpACK) == tcpSYN|tcpACK {
			f.src ^= 1
			f.reversed = true
		}
		f.excluded = a.excluded(&k)
		a.n.FlowsNew++
		a.schedule(n, f)
	} else {
		f = a.table.at(n)
	}
	f.last, f.seen = p.t, a.now
	f.bytes[side] += uint64(p.length)
	f.packets[side]++
	if f.excluded {
		a.n.Filtered++
	}
	if f.state == stNew && f.packets[0] > 0 && f.packets[1] > 0 {
		f.state = stBoth
	}
	return f, n, side
}

// renewed reports whether a SYN opens another connection between the endpoints of f.
func (f *flow) renewed(p *pkt, side int) bool {
	if f.tcp[side]&tcpSYN != 0 && f.isn[side] == p.seq && int(f.src) == side {
		return false // the same SYN again
	}
	if f.state == stClosed {
		return true
	}
	return f.tcp[side]&tcpACK != 0 && int(f.src) == side
}

func (a *Analyzer) excluded(k *key) bool {
	return a.cfg.Exclude != nil && (a.cfg.Exclude(netip.AddrPortFrom(ipOf(k.a, k.v6), k.pa)) ||
		a.cfg.Exclude(netip.AddrPortFrom(ipOf(k.b, k.v6), k.pb)))
}

func ipOf(x addr, v6 bool) netip.Addr {
	if !v6 {
		return netip.AddrFrom4([4]byte{byte(x.lo >> 24), byte(x.lo >> 16), byte(x.lo >> 8), byte(x.lo)})
	}
	var b [16]byte
	for i := range 8 {
		b[i], b[8+i] = byte(x.hi>>(56-8*i)), byte(x.lo>>(56-8*i))
	}
	return netip.AddrFrom16(b)
}

func (a *Analyzer) tcp(p *pkt) {
	f, n, side := a.lookup(p, p.sport, p.dport)
	if p.flags&tcpSYN != 0 && f.tcp[side]&tcpSYN == 0 {
		f.isn[side] = p.seq
	}
	f.tcp[side] |= p.flags
	if !f.excluded && !f.done {
		a.tcpData(f, p, side)
		a.remind(n, f)
	}
	if f.state != stClosed && (p.flags&tcpRST != 0 || f.tcp[0]&f.tcp[1]&tcpFIN != 0) {
		f.state = stClosed
		f.due = a.now + 2e9 // stragglers
		a.table.unlink(n, f)
		a.schedule(n, f)
	}
}

func (a *Analyzer) udp(p *pkt, look bool) {
	f, n, side := a.lookup(p, p.sport, p.dport)
	if look && !f.excluded && len(p.payload) > 0 && !f.done {
		a.udpData(f, p, side)
		a.remind(n, f)
	}
}

func (a *Analyzer) other(p *pkt) { a.lookup(p, p.sport, p.dport) }

func (a *Analyzer) icmp(p *pkt) {
	// Community ID maps request and reply to one pair of "ports"; a one-way message has type and code
	sp, dp, two := icmpPorts(p.v6, p.icmpType, p.icmpCode)
	if !two {
		// keep the two directions of one-way messages apart: they are different messages
		dp |= 0x100
	}
	f, _, side := a.lookup(p, sp, dp)
	if f.packets[side] == 1 && f.packets[side^1] == 0 {
		f.icmpType, f.icmpCode = p.icmpType, p.icmpCode
	}
}

// icmpPorts gives the pair of Community ID v1 for an ICMP message; two is false for one without a counterpart.
func icmpPorts(v6 bool, typ, code uint8) (sp, dp uint16, two bool) {
	var other int = -1
	if !v6 {
		switch typ {
		case 0:
			other = 8
		case 8:
			other = 0
		case 9:
			other = 10
		case 10:
			other = 9
		case 13:
			other = 14
		case 14:
			other = 13
		case 15:
			other = 16
		case 16:
			other = 15
		case 17:
			other = 18
		case 18:
			other = 17
		}
	} else {
		switch typ {
		case 128:
			other = 129
		case 129:
			other = 128
		case 130:
			other = 131
		case 131:
			other = 130
		case 133:
			other = 134
		case 134:
			other = 133
		case 135:
			other = 136
		case 136:
			other = 135
		case 139:
			other = 140
		case 140:
			other = 139
		case 144:
			other = 145
		case 145:
			other = 144
		}
	}
	if other < 0 {
		return uint16(typ), uint16(code), false
	}
	return uint16(typ), uint16(other), true
}

// Tick moves the Analyzer's clock when no packets come (live).
func (a *Analyzer) Tick(t int64) {
	if t > a.now {
		a.now = t
		if sec := t / 1e9; sec > a.tick {
			a.advance(sec)
		}
	}
	a.publish()
}

// Flush ends every flow and starts anew, as at the end of a capture. Totals stay.
func (a *Analyzer) Flush() {
	// by slab order: the order in which the places were first used, the same for the same packets
	for i := int32(0); i < a.table.used; i++ {
		if f := a.table.at(i); !f.gone {
			why := endCapture
			if f.state == stClosed {
				why = closedBy(f)
			}
			a.end(i, f, why)
		}
	}
	for _, d := range a.frags.byKey {
		for _, p := range d.pieces {
			a.held -= len(p.data)
		}
		a.over[overFragments]++
	}
	a.clear()
	a.now, a.tick = 0, 0
	a.publish()
}

// clear empties the tables.
func (a *Analyzer) clear() {
	a.frags.init()
	a.frags.order = nil
	a.table.init(a.table.seed)
	a.table.free, a.table.used, a.table.hand, a.table.live = a.table.free[:0], 0, 0, 0
}

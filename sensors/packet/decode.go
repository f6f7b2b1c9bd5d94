package packet

import (
	"encoding/binary"
	"fmt"

	"github.com/gopacket/gopacket/layers"
)

// Link types (https://www.tcpdump.org/linktypes.html) that this package reads.
const (
	LinkNull     = 0
	LinkEthernet = 1
	LinkPPP      = 9
	LinkFDDI     = 10
	LinkRawBSD   = 12
	LinkRawBSD2  = 14
	LinkPPPHDLC  = 50
	LinkPPPoE    = 51
	LinkATM      = 100 // LLC and SNAP (RFC 2684)
	LinkRaw      = 101
	LinkCHDLC    = 104
	LinkDot11    = 105
	LinkFRelay   = 107
	LinkLoop     = 108
	LinkSLL      = 113
	LinkPFLog    = 117
	LinkPrism    = 119
	LinkIPOverFC = 122
	LinkRadiotap = 127
	LinkIP1394   = 138
	LinkPPI      = 192
	LinkIPv4     = 228
	LinkIPv6     = 229
	LinkNFLog    = 239
	LinkSLL2     = 276
)

// Supported reports whether packets of a link type are read.
func Supported(link uint32) bool {
	switch link {
	case LinkNull, LinkEthernet, LinkPPP, LinkRawBSD, LinkRawBSD2, LinkPPPHDLC, LinkPPPoE, LinkATM, LinkRaw, LinkCHDLC, LinkFRelay, LinkLoop,
		LinkSLL,
		LinkIPOverFC, LinkIP1394, LinkPPI, LinkIPv4, LinkIPv6, LinkNFLog, LinkSLL2:
		return true
	}
	_, odd := oddLinks[link]
	return odd
}

// reason says why a packet, or what lies within a tunnel, could not be decoded.
type reason uint8

const (
	ok reason = iota
	shortLink
	shortIP
	badIP
	shortTransport
	notIP
	tooDeep
	fragPending
	fragBad
	badEncap
	nReasons
)

var reasonNames = [nReasons]string{"", "short_link", "short_ip", "bad_ip", "short_transport", "not_ip", "too_deep", "fragment_pending",
	"fragment_bad", "bad_encapsulation"}

// maxDepth is how many IP headers in each other are looked into.
const maxDepth = 4

// addr is an IP address as a number; IPv4 in the low 32 bits. pkt.v6 and key.v6 tell them apart.
type addr struct{ hi, lo uint64 }

func (x addr) less(y addr) bool { return x.hi < y.hi || x.hi == y.hi && x.lo < y.lo }

// pkt is a decoded packet; its payload aliases the caller's bytes.
type pkt struct {
	t        int64 // ns
	src, dst addr
	v6       bool
	proto    uint8
	sport    uint16
	dport    uint16
	flags    uint8 // TCP
	icmpType uint8
	icmpCode uint8
	cut      bool // the capture holds less than the packet had
	seq, ack uint32
	vlan     uint16
	length   uint32 // of the IP packet
	missing  uint32 // bytes of payload the capture cut off
	payload  []byte
}

const (
	tcpFIN = 1 << iota
	tcpSYN
	tcpRST
	tcpPSH
	tcpACK
)

const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58
	protoSCTP   = 132
)

// Packet takes one packet: its link type, time in Unix nanoseconds, captured bytes and length on the wire.
func (a *Analyzer) Packet(link uint32, t int64, data []byte, wire int) {
	a.n.Packets++
	a.n.Bytes += uint64(wire)
	cut := len(data) < wire
	if cut {
		a.n.Truncated++
	}
	if !a.strict {
		defer a.guard()
	}
	if t > a.now {
		a.now = t
		if sec := t / 1e9; sec > a.tick {
			a.advance(sec)
		}
	}
	if a.n.Packets&0xfff == 0 {
		a.publish()
	}
	p := &a.p
	p.t, p.vlan, p.cut = t, a.vlanTag, cut
	switch why := a.link(p, link, data); why {
	case ok, fragPending:
		a.n.Decoded++
	case notIP:
		a.n.NotIP++
	default:
		a.errs[why]++
	}
}

// guard keeps a fault of this package from ending the sensor: one packet must not blind it. All flows are forgotten, unreported, since the
// one at fault may be half changed; the fault is counted. Tests run without it.
func (a *Analyzer) guard() {
	if r := recover(); r != nil {
		a.n.Faults++
		a.n.Forgotten += uint64(a.table.live)
		a.notice(fmt.Sprintf("fault in the packet decoder (%v) at packet %d: %d flows forgotten; please report it with the capture", r,
			a.n.Packets, a.table.live))
		a.n.Decoded++ // as far as it went
		a.pools, a.held = pools{}, 0
		a.clear()
	}
}

func (a *Analyzer) link(p *pkt, link uint32, b []byte) reason {
	switch link {
	case LinkEthernet:
		return a.ethernet(p, b, 0)
	case LinkRaw, LinkRawBSD, LinkRawBSD2, LinkIPv4, LinkIPv6:
		return a.ip(p, b, 0)
	case LinkSLL:
		if len(b) < 16 {
			return shortLink
		}
		return a.ethertype(p, binary.BigEndian.Uint16(b[14:]), b[16:], 0)
	case LinkSLL2:
		if len(b) < 20 {
			return shortLink
		}
		return a.ethertype(p, binary.BigEndian.Uint16(b), b[20:], 0)
	case LinkNull, LinkLoop:
		if len(b) < 4 {
			return shortLink
		}
		return a.ip(p, b[4:], 0)
	case LinkPPP, LinkPPPHDLC:
		return a.ppp(p, b, 0)
	case LinkCHDLC:
		if len(b) < 4 {
			return shortLink
		}
		return a.ethertype(p, binary.BigEndian.Uint16(b[2:]), b[4:], 0)
	case LinkPPPoE:
		return a.pppoe(p, b, 0)
	case LinkATM:
		return a.ethertype(p, 0, b, 0)
	case LinkFRelay:
		return a.frameRelay(p, b)
	case LinkIPOverFC: // RFC 2625: two addresses of eight bytes, then LLC and SNAP
		if len(b) < 16 {
			return shortLink
		}
		return a.ethertype(p, 0, b[16:], 0)
	case LinkIP1394: // RFC 2734: two addresses of eight bytes, then an EtherType
		if len(b) < 18 {
			return shortLink
		}
		return a.ethertype(p, binary.BigEndian.Uint16(b[16:]), b[18:], 0)
	case LinkPPI:
		return a.ppi(p, b)
	case LinkNFLog:
		return a.nflog(p, b)
	}
	if first, is := oddLinks[link]; is {
		return a.odd(p, first, b, 0)
	}
	a.unsupported[link]++
	a.n.Unsupported++
	a.n.Decoded-- // Packet counts it as decoded
	return ok
}

func (a *Analyzer) ethernet(p *pkt, b []byte, depth int) reason {
	if len(b) < 14 {
		return shortLink
	}
	return a.ethertype(p, uint16(b[12])<<8|uint16(b[13]), b[14:], depth)
}

func (a *Analyzer) ethertype(p *pkt, et uint16, b []byte, depth int) reason {
	for range 8 {
		switch et {
		case 0x0800, 0x86dd:
			return a.ip(p, b, depth)
		case 0x8100, 0x88a8, 0x9100, 0x9200:
			if len(b) < 4 {
				return shortLink
			}
			if p.vlan == 0 {
				p.vlan = uint16(b[0])<<8&0x0f00 | uint16(b[1])
			}
			et, b = uint16(b[2])<<8|uint16(b[3]), b[4:]
		case 0x8847, 0x8848:
			for range 16 {
				if len(b) < 4 {
					return shortLink
				}
				bottom := b[2]&1 != 0
				b = b[4:]
				if bottom {
					break
				}
			}
			if len(b) == 0 {
				return shortLink
			}
			switch b[0] >> 4 {
			case 4, 6:
				return a.ip(p, b, depth)
			case 0: // pseudowire control word (RFC 4385), then Ethernet
				if len(b) < 4+14 {
					return notIP
				}
				return a.ethernet(p, b[4:], depth+1)
			}
			if len(b) >= 14 && depth < maxDepth {
				return a.ethernet(p, b, depth+1)
			}
			return notIP
		case 0x8864:
			return a.pppoe(p, b, depth)
		case 0x6558: // transparent Ethernet bridging
			if depth >= maxDepth {
				return tooDeep
			}
			return a.ethernet(p, b, depth+1)
		case 0x88e7: // 802.1ah: I-TAG, then Ethernet
			if len(b) < 4 || depth >= maxDepth {
				return shortLink
			}
			return a.ethernet(p, b[4:], depth+1)
		case 0x894f: // network service header (RFC 8300)
			if len(b) < 8 {
				return shortLink
			}
			n := int(b[1]&0x3f) * 4
			if n < 8 || n > len(b) {
				return shortLink
			}
			switch b[3] {
			case 1, 2:
				return a.ip(p, b[n:], depth)
			case 3:
				if depth >= maxDepth {
					return tooDeep
				}
				return a.ethernet(p, b[n:], depth+1)
			case 5:
				et, b = 0x8847, b[n:]
			default:
				return notIP
			}
		case 0x893f: // 802.1BR E-TAG
			if len(b) < 8 {
				return shortLink
			}
			et, b = uint16(b[6])<<8|uint16(b[7]), b[8:]
		case 0x8926: // VN-Tag
			if len(b) < 6 {
				return shortLink
			}
			et, b = uint16(b[4])<<8|uint16(b[5]), b[6:]
		case 0x8988: // a timestamp tag that Cisco's switches put into what they mirror
			if len(b) < 6 {
				return shortLink
			}
			et, b = uint16(b[4])<<8|uint16(b[5]), b[6:]
		case 0x880b, 0x88be: // PPP and ERSPAN straight in Ethernet
			return a.odd(p, layers.EthernetType(et), b, depth+1)
		default:
			if et <= 1500 && len(b) >= 8 && b[0] == 0xaa && b[1] == 0xaa && b[2] == 3 { // 802.3, LLC, SNAP
				et, b = uint16(b[6])<<8|uint16(b[7]), b[8:]
				continue
			}
			if et <= 1500 && len(b) >= 3 && b[0] == 6 && b[1] == 6 && b[2] == 3 { // LLC whose service is IP itself
				return a.ip(p, b[3:], depth)
			}
			return notIP
		}
	}
	return tooDeep
}

func (a *Analyzer) pppoe(p *pkt, b []byte, depth int) reason {
	if len(b) < 8 {
		return shortLink
	}
	if b[1] != 0 { // not session data
		return notIP
	}
	return a.ppp(p, b[6:], depth)
}

func (a *Analyzer) ppp(p *pkt, b []byte, depth int) reason {
	if len(b) >= 2 && b[0] == 0xff && b[1] == 3 {
		b = b[2:]
	} else if len(b) >= 4 && (b[0] == 0x0f || b[0] == 0x8f) && b[1] == 0 { // Cisco HDLC
		return a.ethertype(p, uint16(b[2])<<8|uint16(b[3]), b[4:], depth)
	}
	if len(b) < 2 {
		return shortLink
	}
	pr, n := uint16(b[0])<<8|uint16(b[1]), 2
	if b[0]&1 != 0 { // protocol field compression
		pr, n = uint16(b[0]), 1
	}
	switch pr {
	case 0x21, 0x57:
		return a.ip(p, b[n:], depth)
	case 0x281:
		return a.ethertype(p, 0x8847, b[n:], depth)
	}
	return notIP
}

func (a *Analyzer) ip(p *pkt, b []byte, depth int) reason {
	if depth >= maxDepth {
		return tooDeep
	}
	if len(b) == 0 {
		return shortIP
	}
	switch b[0] >> 4 {
	case 4:
		if len(b) < 20 {
			return shortIP
		}
		hl := int(b[0]&15) * 4
		total := int(b[2])<<8 | int(b[3])
		if total == 0 { // segmentation offload: the length was left to the card
			total = len(b)
		}
		if hl < 20 || hl > total {
			return badIP
		}
		if len(b) < hl {
			return shortIP
		}
		p.length = uint32(total)
		p.missing = 0
		if total < len(b) {
			b = b[:total]
		} else if total > len(b) {
			p.cut, p.missing = true, uint32(total-len(b))
		}
		p.v6 = false
		p.src = addr{0, uint64(binary.BigEndian.Uint32(b[12:]))}
		p.dst = addr{0, uint64(binary.BigEndian.Uint32(b[16:]))}
		p.proto = b[9]
		if frag := uint16(b[6])<<8 | uint16(b[7]); frag&0x3fff != 0 {
			return a.fragment(p, uint32(b[4])<<8|uint32(b[5]), int(frag&0x1fff)*8, frag&0x2000 != 0, b[hl:], depth)
		}
		return a.transport(p, b[hl:], depth)
	case 6:
		if len(b) < 40 {
			return shortIP
		}
		n := int(b[4])<<8 | int(b[5])
		if n == 0 && b[6] != 59 && len(b) > 40 && b[6] != 0 {
			n = len(b) - 40 // segmentation offload
		}
		p.length = uint32(n) + 40
		p.v6 = true
		p.src = addr{binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])}
		p.dst = addr{binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[32:])}
		next := b[6]
		b = b[40:]
		p.missing = 0
		if n < len(b) {
			b = b[:n]
		} else if n > len(b) {
			p.cut, p.missing = true, uint32(n-len(b))
		}
		for range 16 {
			switch next {
			case 0, 43, 60, 135, 139, 140: // hop-by-hop, routing, destination options, mobility, HIP, shim6
				if len(b) < 8 {
					return shortIP
				}
				hl := int(b[1])*8 + 8
				if hl > len(b) {
					return shortIP
				}
				next, b = b[0], b[hl:]
			case 51: // AH
				if len(b) < 8 {
					return shortIP
				}
				hl := int(b[1])*4 + 8
				if hl > len(b) {
					return shortIP
				}
				next, b = b[0], b[hl:]
			case 44:
				if len(b) < 8 {
					return shortIP
				}
				p.proto = b[0]
				off := int(b[2])<<8 | int(b[3])
				if off&0xfff9 == 0 { // atomic fragment (RFC 6946)
					next, b = b[0], b[8:]
					continue
				}
				return a.fragment(p, binary.BigEndian.Uint32(b[4:]), off&^7, off&1 != 0, b[8:], depth)
			default:
				p.proto = next
				return a.transport(p, b, depth)
			}
		}
		return badIP
	}
	return badIP
}

func (a *Analyzer) transport(p *pkt, b []byte, depth int) reason {
	p.sport, p.dport, p.flags = 0, 0, 0
	switch p.proto {
	case protoTCP:
		if len(b) < 20 {
			return a.stub(p, b)
		}
		hl := int(b[12]>>4) * 4
		if hl < 20 {
			return badIP
		}
		if hl > len(b) {
			return a.stub(p, b)
		}
		p.sport = uint16(b[0])<<8 | uint16(b[1])
		p.dport = uint16(b[2])<<8 | uint16(b[3])
		p.seq = binary.BigEndian.Uint32(b[4:])
		p.ack = binary.BigEndian.Uint32(b[8:])
		p.flags = b[13]
		p.payload = b[hl:]
		a.tcp(p)
		return ok
	case protoUDP:
		if len(b) < 8 {
			return a.stub(p, b)
		}
		p.sport = uint16(b[0])<<8 | uint16(b[1])
		p.dport = uint16(b[2])<<8 | uint16(b[3])
		n := int(b[4])<<8 | int(b[5])
		if n >= 8 && n < len(b) {
			b = b[:n]
		}
		p.payload = b[8:]
		switch p.dport {
		case 4789, 8472, 6081, 2152, 3544, 7932:
			a.udp(p, false)
			a.tunnelUDP(p, depth)
			return ok
		}
		a.udp(p, p.sport != 3544 || !a.tunnelUDP(p, depth))
		return ok
	case protoICMP, protoICMPv6:
		if len(b) < 4 {
			return shortTransport
		}
		p.icmpType, p.icmpCode, p.payload = b[0], b[1], b[4:]
		a.icmp(p)
		return ok
	case protoSCTP:
		if len(b) < 12 {
			return a.stub(p, b)
		}
		p.sport = uint16(b[0])<<8 | uint16(b[1])
		p.dport = uint16(b[2])<<8 | uint16(b[3])
		p.payload = b[12:]
		a.other(p)
		return ok
	case 4, 41:
		outer := *p
		why := a.ip(p, b, depth+1)
		if why == ok || why == fragPending {
			return why
		}
		*p = outer // what is inside cannot be read: count the tunnel itself
		p.payload = nil
		a.other(p)
		return ok
	case 47:
		return a.gre(p, b, depth)
	case 51: // AH over IPv4
		if len(b) < 8 {
			return shortTransport
		}
		hl := int(b[1])*4 + 8
		if hl > len(b) || b[0] == 51 {
			return badIP
		}
		p.proto = b[0]
		return a.transport(p, b[hl:], depth)
	case 97: // Ethernet in IP (RFC 3378)
		return a.wrapped(p, layers.IPProtocolEtherIP, b, depth)
	case 137: // MPLS in IP
		return a.ethertype(p, 0x8847, b, depth+1)
	}
	p.payload = nil
	a.other(p)
	return ok
}

// stub counts a packet whose transport header the capture cut off: the ports, if they are there, still name its flow.
func (a *Analyzer) stub(p *pkt, b []byte) reason {
	if !p.cut || len(b) < 4 {
		return shortTransport
	}
	p.sport = uint16(b[0])<<8 | uint16(b[1])
	p.dport = uint16(b[2])<<8 | uint16(b[3])
	p.payload = nil
	a.other(p)
	return ok
}

func (a *Analyzer) gre(p *pkt, b []byte, depth int) reason {
	if len(b) < 4 {
		return shortTransport
	}
	fl, et := uint16(b[0])<<8|uint16(b[1]), uint16(b[2])<<8|uint16(b[3])
	n := 4
	if fl&0xc000 != 0 { // checksum or routing
		n += 4
	}
	if fl&0x2000 != 0 { // key
		n += 4
	}
	seq := fl&0x1000 != 0
	if seq {
		n += 4
	}
	if fl&7 == 1 && fl&0x80 != 0 { // PPTP acknowledgement
		n += 4
	}
	if n > len(b) {
		return shortTransport
	}
	if fl&0x4000 != 0 { // source routes until an empty one
		for {
			if len(b) < n+4 {
				return shortTransport
			}
			l := int(b[n+3])
			last := b[n] == 0 && b[n+1] == 0 && l == 0
			n += 4 + l
			if last {
				break
			}
			if n > len(b) {
				return shortTransport
			}
		}
		if n > len(b) {
			return shortTransport
		}
	}
	b = b[n:]
	outer := *p
	why := notIP
	switch et {
	case 0x0800, 0x86dd:
		why = a.ip(p, b, depth+1)
	case 0x880b:
		if len(b) > 0 {
			why = a.ppp(p, b, depth+1)
		}
	case 0x88be: // ERSPAN I (no sequence number: no header) or II
		if seq {
			if len(b) < 8 {
				return shortTransport
			}
			b = b[8:]
		}
		if depth+1 < maxDepth {
			why = a.ethernet(p, b, depth+1)
		}
	case 0x22eb: // ERSPAN III
		if len(b) < 12 {
			return shortTransport
		}
		n := 12
		if b[11]&1 != 0 {
			n += 8
		}
		if len(b) < n {
			return shortTransport
		}
		if depth+1 < maxDepth {
			why = a.ethernet(p, b[n:], depth+1)
		}
	default:
		if depth+1 < maxDepth {
			why = a.ethertype(p, et, b, depth+1)
		}
	}
	if why == ok || why == fragPending {
		return why
	}
	*p = outer // what is inside cannot be read: count the tunnel itself
	p.payload = nil
	a.other(p)
	return ok
}

// tunnelUDP looks into VXLAN, Geneve, GTP-U and Teredo; the outer UDP flow was counted before.
func (a *Analyzer) tunnelUDP(p *pkt, depth int) bool {
	b := p.payload
	if depth+1 >= maxDepth {
		return false
	}
	outer := *p
	defer func() { *p = outer }()
	switch {
	case p.dport == 4789 || p.dport == 8472:
		if len(b) < 8+14 || b[0]&0x08 == 0 {
			return false
		}
		return a.ethernet(p, b[8:], depth+1) == ok
	case p.dport == 7932: // HP's encapsulated remote mirroring: twelve bytes, then Ethernet
		if len(b) < 12+14 {
			return false
		}
		return a.ethernet(p, b[12:], depth+1) == ok
	case p.dport == 6081:
		if len(b) < 8 || b[0]>>6 != 0 {
			return false
		}
		n := 8 + int(b[0]&0x3f)*4
		if n > len(b) {
			return false
		}
		return a.ethertype(p, uint16(b[2])<<8|uint16(b[3]), b[n:], depth+1) == ok
	case p.dport == 2152:
		if len(b) < 8 || b[0]>>5 != 1 || b[1] != 0xff {
			return false
		}
		n := 8
		if b[0]&7 != 0 {
			n = 12
			if len(b) < n {
				return false
			}
			next := b[11]
			for next != 0 {
				if b[0]&4 == 0 || n >= len(b) || b[n] == 0 {
					break
				}
				l := int(b[n]) * 4
				if n+l > len(b) {
					return false
				}
				next, n = b[n+l-1], n+l
			}
		}
		if n >= len(b) {
			return false
		}
		return a.ip(p, b[n:], depth+1) == ok
	default: // Teredo (RFC 4380)
		for range 2 {
			if len(b) < 2 || b[0] != 0 {
				break
			}
			switch b[1] {
			case 1: // authentication
				if len(b) < 13+2 {
					return false
				}
				n := 4 + int(b[2]) + int(b[3]) + 9
				if n > len(b) {
					return false
				}
				b = b[n:]
			case 0: // origin
				if len(b) < 8 {
					return false
				}
				b = b[8:]
			default:
				return false
			}
		}
		if len(b) < 40 || b[0]>>4 != 6 || int(b[4])<<8|int(b[5]) != len(b)-40 {
			return false
		}
		return a.ip(p, b, depth+1) == ok
	}
}

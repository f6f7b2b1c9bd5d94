package packet

import (
	"fmt"

	"hoalu/internal/wording"
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

// maxDepth is how many headers of IP, Ethernet and Cisco HDLC in each other are looked into.
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
		a.notice(wording.New("fault in the packet decoder (%s) at packet %d: %d flows forgotten; please report it with the capture",
			fmt.Sprint(r), a.n.Packets, a.table.live))
		a.n.Decoded++ // as far as it went
		a.pools, a.held, a.looked = pools{}, 0, nil
		a.clear()
	}
}

package packet

import (
	"encoding/binary"

	"github.com/gopacket/gopacket/layers"
)

// What lies between the wire and IP: link types, Ethernet and its tags, MPLS, PPP.

// EtherTypes (https://www.iana.org/assignments/ieee-802-numbers) and those that vendors use unregistered.
const (
	etherIPv4    = 0x0800
	etherBridged = 0x6558 // transparent Ethernet bridging: a whole frame
	etherVLAN    = 0x8100 // 802.1Q
	etherIPv6    = 0x86dd
	etherPPP     = 0x880b
	etherMPLS    = 0x8847
	etherMPLSMul = 0x8848 // multicast, or labels that the sender's upstream chose
	etherPPPoE   = 0x8864 // session
	etherQinQ    = 0x88a8 // 802.1ad
	etherERSPAN  = 0x88be // I and II
	etherITag    = 0x88e7 // 802.1ah
	etherVNTag   = 0x8926
	etherETag    = 0x893f // 802.1BR
	etherNSH     = 0x894f // network service header (RFC 8300)
	etherStamp   = 0x8988 // a timestamp tag that Cisco's switches put into what they mirror
	etherQinQ1   = 0x9100 // stacked VLANs before 802.1ad
	etherQinQ2   = 0x9200
	etherERSPAN3 = 0x22eb
)

// maxTags is how many tags before an IP header are read.
const maxTags = 8

// maxLabels is how many MPLS labels before an IP header are read; what follows is taken for the payload.
const maxLabels = 16

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

// ethertype takes what follows an EtherType; tags before it are taken off here, one a turn.
func (a *Analyzer) ethertype(p *pkt, et uint16, b []byte, depth int) reason {
	for range maxTags {
		switch et {
		case etherIPv4, etherIPv6:
			return a.ip(p, b, depth)
		case etherVLAN, etherQinQ, etherQinQ1, etherQinQ2:
			if len(b) < 4 {
				return shortLink
			}
			if p.vlan == 0 {
				p.vlan = uint16(b[0])<<8&0x0f00 | uint16(b[1])
			}
			et, b = uint16(b[2])<<8|uint16(b[3]), b[4:]
		case etherMPLS, etherMPLSMul:
			return a.mpls(p, b, depth)
		case etherPPPoE:
			return a.pppoe(p, b, depth)
		case etherBridged:
			return a.bridged(p, b, depth)
		case etherITag: // the tag, then Ethernet
			if len(b) < 4 {
				return shortLink
			}
			return a.bridged(p, b[4:], depth)
		case etherNSH:
			next, inner, good := serviceHeader(b)
			if !good {
				return shortLink
			}
			switch next {
			case nshIPv4, nshIPv6:
				return a.ip(p, inner, depth)
			case nshEthernet:
				return a.bridged(p, inner, depth)
			case nshMPLS:
				et, b = etherMPLS, inner
			default:
				return notIP
			}
		case etherETag, etherVNTag, etherStamp:
			n := 6
			if et == etherETag {
				n = 8
			}
			if len(b) < n {
				return shortLink
			}
			et, b = binary.BigEndian.Uint16(b[n-2:]), b[n:]
		case etherPPP, etherERSPAN: // straight in Ethernet, without GRE
			return a.odd(p, layers.EthernetType(et), b, depth+1)
		default: // 802.3: a length, then LLC
			if et <= 1500 && len(b) >= 8 && b[0] == 0xaa && b[1] == 0xaa && b[2] == 3 { // SNAP: organisation, EtherType
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

// bridged takes an Ethernet frame within a packet. Whatever leads from a frame to another without an IP header passes here, so that what a
// sender nests has an end.
func (a *Analyzer) bridged(p *pkt, b []byte, depth int) reason {
	if depth >= maxDepth {
		return tooDeep
	}
	return a.ethernet(p, b, depth+1)
}

// What follows a network service header: its Next Protocol (RFC 8300 §2.2).
const (
	nshIPv4     = 1
	nshIPv6     = 2
	nshEthernet = 3
	nshMPLS     = 5
)

// serviceHeader takes a network service header off b; good is false where b does not hold it whole.
func serviceHeader(b []byte) (next byte, inner []byte, good bool) {
	if len(b) < 8 {
		return 0, nil, false
	}
	n := int(b[1]&0x3f) * 4 // of the header, its metadata included
	if n < 8 || n > len(b) {
		return 0, nil, false
	}
	return b[3], b[n:], true
}

// mpls takes off a stack of labels (RFC 3032). Nothing in it says what follows: the first four bits have to tell.
func (a *Analyzer) mpls(p *pkt, b []byte, depth int) reason {
	for range maxLabels {
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
		return a.bridged(p, b[4:], depth)
	}
	if len(b) < 14 {
		return notIP
	}
	return a.bridged(p, b, depth)
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
		if depth >= maxDepth { // its EtherType may be PPPoE's
			return tooDeep
		}
		return a.ethertype(p, uint16(b[2])<<8|uint16(b[3]), b[4:], depth+1)
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

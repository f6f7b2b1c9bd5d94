package packet

import (
	"encoding/binary"

	"github.com/gopacket/gopacket/layers"
)

// IP (RFC 791, 8200) and the transports above it. The IPv4 header and TCP stand within ip and transport, not in functions of their own:
// nearly every packet goes that way, and a call costs.

// maxExtensions is how many extension headers of IPv6 are read.
const maxExtensions = 16

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
		return a.ipv6(p, b, depth)
	}
	return badIP
}

func (a *Analyzer) ipv6(p *pkt, b []byte, depth int) reason {
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
	for range maxExtensions {
		hl := 0
		switch next {
		case 0, 43, 60, 135, 139, 140: // hop-by-hop, routing, destination options, mobility, HIP, shim6
			if len(b) < 8 {
				return shortIP
			}
			hl = int(b[1])*8 + 8
		case 51: // AH
			if len(b) < 8 {
				return shortIP
			}
			hl = int(b[1])*4 + 8
		case 44: // fragment
			if len(b) < 8 {
				return shortIP
			}
			p.proto = b[0]
			off := int(b[2])<<8 | int(b[3])
			if off&0xfff9 != 0 {
				return a.fragment(p, binary.BigEndian.Uint32(b[4:]), off&^7, off&1 != 0, b[8:], depth)
			}
			hl = 8 // atomic (RFC 6946): nothing else belongs to it
		default:
			p.proto = next
			return a.transport(p, b, depth)
		}
		if hl > len(b) {
			return shortIP
		}
		next, b = b[0], b[hl:]
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
		case portVXLAN, portVXLANLinux, portGeneve, portGTPU, portTeredo, portHPERM:
			a.udp(p, false)
			a.tunnelUDP(p, depth)
			return ok
		}
		a.udp(p, p.sport != portTeredo || !a.tunnelUDP(p, depth))
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
	}
	return a.encapsulated(p, b, depth)
}

// encapsulated takes a protocol of IP that carries packets; any other counts as a flow of that protocol.
func (a *Analyzer) encapsulated(p *pkt, b []byte, depth int) reason {
	switch p.proto {
	case 4, 41: // IPv4 or IPv6 in IP
		outer := *p
		return a.orTunnel(p, &outer, a.ip(p, b, depth+1))
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
		return a.ethertype(p, etherMPLS, b, depth+1)
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

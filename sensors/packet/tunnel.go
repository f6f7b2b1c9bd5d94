package packet

// Tunnels: packets within packets. What is inside makes its own flows; a tunnel of which the inside cannot be read counts as a flow itself.

// UDP ports by which tunnels are known.
const (
	portGTPU       = 2152
	portTeredo     = 3544
	portVXLAN      = 4789
	portGeneve     = 6081
	portHPERM      = 7932 // HP's encapsulated remote mirroring
	portVXLANLinux = 8472 // Linux's default, older than the registered one
)

// orTunnel ends a look into a tunnel, of which why came: where nothing inside could be read, p is outer again and counts as a flow.
func (a *Analyzer) orTunnel(p, outer *pkt, why reason) reason {
	if why == ok || why == fragPending {
		return why
	}
	*p = *outer
	p.payload = nil
	a.other(p)
	return ok
}

func (a *Analyzer) gre(p *pkt, b []byte, depth int) reason {
	et, b, sequenced, good := greHeader(b)
	if !good {
		return shortTransport
	}
	if et == etherERSPAN || et == etherERSPAN3 {
		if b, good = erspanFrame(et, sequenced, b); !good {
			return shortTransport
		}
	}
	outer := *p
	why := notIP
	switch {
	case et == etherIPv4 || et == etherIPv6:
		why = a.ip(p, b, depth+1)
	case et == etherPPP:
		if len(b) > 0 {
			why = a.ppp(p, b, depth+1)
		}
	case depth+1 >= maxDepth: // no deeper
	case et == etherERSPAN || et == etherERSPAN3:
		why = a.ethernet(p, b, depth+1)
	default:
		why = a.ethertype(p, et, b, depth+1)
	}
	return a.orTunnel(p, &outer, why)
}

// greHeader takes a GRE header off b (RFC 1701, 2784, 2890, 2637): sequenced tells of a sequence number in it. good is false where b
// does not hold it whole.
func greHeader(b []byte) (et uint16, inner []byte, sequenced, good bool) {
	if len(b) < 4 {
		return 0, nil, false, false
	}
	fl, et := uint16(b[0])<<8|uint16(b[1]), uint16(b[2])<<8|uint16(b[3])
	n := 4
	if fl&0xc000 != 0 { // checksum or routing
		n += 4
	}
	if fl&0x2000 != 0 { // key
		n += 4
	}
	sequenced = fl&0x1000 != 0
	if sequenced {
		n += 4
	}
	if fl&7 == 1 && fl&0x80 != 0 { // PPTP acknowledgement
		n += 4
	}
	if n > len(b) {
		return 0, nil, false, false
	}
	b = b[n:]
	if fl&0x4000 != 0 {
		if b, good = sourceRoutes(b); !good {
			return 0, nil, false, false
		}
	}
	return et, b, sequenced, true
}

// sourceRoutes takes the routes of RFC 1701 off b, up to and with the empty one; good is false where they do not end.
func sourceRoutes(b []byte) (inner []byte, good bool) {
	for len(b) >= 4 {
		n := 4 + int(b[3])
		if n > len(b) {
			return nil, false
		}
		last := b[0] == 0 && b[1] == 0 && n == 4
		b = b[n:]
		if last {
			return b, true
		}
	}
	return nil, false
}

// erspanFrame takes an ERSPAN header off b: none of type I (no sequence number), eight bytes of type II, twelve or twenty of type III.
func erspanFrame(et uint16, sequenced bool, b []byte) (frame []byte, good bool) {
	n := 0
	switch {
	case et == etherERSPAN && sequenced:
		n = 8
	case et == etherERSPAN3:
		n = 12
		if len(b) >= 12 && b[11]&1 != 0 { // a subheader of the platform
			n = 20
		}
	}
	if len(b) < n {
		return nil, false
	}
	return b[n:], true
}

// tunnelUDP looks into VXLAN, Geneve, GTP-U, Teredo and HP's mirroring; the outer UDP flow was counted before. False: nothing read inside.
func (a *Analyzer) tunnelUDP(p *pkt, depth int) bool {
	b := p.payload
	if depth+1 >= maxDepth {
		return false
	}
	outer := *p
	defer func() { *p = outer }()
	switch p.dport {
	case portVXLAN, portVXLANLinux:
		if len(b) < 8+14 || b[0]&0x08 == 0 {
			return false
		}
		return a.ethernet(p, b[8:], depth+1) == ok
	case portHPERM: // twelve bytes, then Ethernet
		if len(b) < 12+14 {
			return false
		}
		return a.ethernet(p, b[12:], depth+1) == ok
	case portGeneve:
		if len(b) < 8 || b[0]>>6 != 0 {
			return false
		}
		n := 8 + int(b[0]&0x3f)*4
		if n > len(b) {
			return false
		}
		return a.ethertype(p, uint16(b[2])<<8|uint16(b[3]), b[n:], depth+1) == ok
	case portGTPU:
		b, good := gtpPayload(b)
		return good && a.ip(p, b, depth+1) == ok
	}
	b, good := teredoPayload(b)
	return good && a.ip(p, b, depth+1) == ok
}

// gtpPayload takes the header of a GTP-U G-PDU (3GPP TS 29.281 §5) and its extension headers off b; good is false for any other message.
func gtpPayload(b []byte) (inner []byte, good bool) {
	if len(b) < 8 || b[0]>>5 != 1 || b[1] != 0xff {
		return nil, false
	}
	n := 8
	if b[0]&7 != 0 { // sequence number, N-PDU number and type of the first extension header: all there if one is
		n = 12
		if len(b) < n {
			return nil, false
		}
		for next := b[11]; next != 0; {
			if b[0]&4 == 0 || n >= len(b) || b[n] == 0 {
				break
			}
			l := int(b[n]) * 4
			if n+l > len(b) {
				return nil, false
			}
			next, n = b[n+l-1], n+l
		}
	}
	if n >= len(b) {
		return nil, false
	}
	return b[n:], true
}

// teredoPayload takes Teredo's authentication and origin indications (RFC 4380 §5.1.1) off b; good is false where no IPv6 packet of just
// the rest's length follows.
func teredoPayload(b []byte) (inner []byte, good bool) {
	for range 2 {
		if len(b) < 2 || b[0] != 0 {
			break
		}
		switch b[1] {
		case 1: // authentication
			if len(b) < 13+2 {
				return nil, false
			}
			n := 4 + int(b[2]) + int(b[3]) + 9
			if n > len(b) {
				return nil, false
			}
			b = b[n:]
		case 0: // origin
			if len(b) < 8 {
				return nil, false
			}
			b = b[8:]
		default:
			return nil, false
		}
	}
	if len(b) < 40 || b[0]>>4 != 6 || int(b[4])<<8|int(b[5]) != len(b)-40 {
		return nil, false
	}
	return b, true
}

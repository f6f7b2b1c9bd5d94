package packet

import "encoding/binary"

// maxTries is how many datagrams of a flow are looked at before it counts as unknown.
const maxTries = 8

// udpRecognisers is the table of protocols over UDP: take parses a datagram and reports whether it was one of its own.
var udpRecognisers = []struct {
	app  app
	take func(a *Analyzer, f *flow, side int, b []byte) bool
}{
	{appDNS, (*Analyzer).udpDNS},
	{appQUIC, (*Analyzer).udpQUIC},
	{appDTLS, (*Analyzer).udpDTLS},
}

func (a *Analyzer) udpData(f *flow, p *pkt, side int) {
	for _, r := range udpRecognisers {
		if f.app != appUnknown && f.app != r.app {
			continue
		}
		if r.take(a, f, side, p.payload) {
			f.app = r.app
			return
		}
	}
	if f.app == appUnknown {
		if f.tries++; f.tries >= maxTries {
			f.done = true
		}
	}
}

func (a *Analyzer) udpDNS(f *flow, side int, b []byte) bool {
	k := &f.key
	switch {
	case k.pa == 53 || k.pb == 53 || k.pa == 5353 || k.pb == 5353 || k.pa == 5355 || k.pb == 5355:
	case f.app == appDNS:
	case k.pa == 137 || k.pb == 137: // NetBIOS names have DNS's form, not its meaning
		return false
	case !strictDNS(b):
		return false
	}
	return a.dns(f, side, b)
}

// strictDNS reports a plain question or its answer on a port that is not DNS's: one question of class IN, a printable name, nothing odd.
func strictDNS(b []byte) bool {
	if len(b) < 12+5+2 || !dnsHeader(b) {
		return false
	}
	flags := binary.BigEndian.Uint16(b[2:])
	if flags&0x7840 != 0 || binary.BigEndian.Uint16(b[4:]) != 1 { // operation, reserved bit
		return false
	}
	an, ns, ar := binary.BigEndian.Uint16(b[6:]), binary.BigEndian.Uint16(b[8:]), binary.BigEndian.Uint16(b[10:])
	query := flags&0x8000 == 0
	if query && (an != 0 || ns != 0 || ar > 1 || flags&0x0480 != 0 || flags&0xf != 0) {
		return false
	}
	at, labels := 12, 0
	for {
		if at >= len(b) {
			return false
		}
		n := int(b[at])
		at++
		if n == 0 {
			break
		}
		if n > 63 || at+n > len(b) {
			return false
		}
		for _, c := range b[at : at+n] {
			if !alnum(c) && c != '-' && c != '_' {
				return false
			}
		}
		labels++
		at += n
	}
	if labels < 1 || at+4 > len(b) {
		return false
	}
	typ, class := binary.BigEndian.Uint16(b[at:]), binary.BigEndian.Uint16(b[at+2:])
	if class != 1 || typ == 0 || typ > 260 {
		return false
	}
	return !query || ar == 1 || at+4 == len(b)
}

// udpDTLS reads the hellos of DTLS (RFC 6347, 9147) where each fits its datagram.
func (a *Analyzer) udpDTLS(f *flow, side int, b []byte) bool {
	if len(b) < 13 || b[0] < 20 || b[0] > 25 || b[1] != 0xfe || b[2] < 0xfc {
		return f.app == appDTLS
	}
	for len(b) >= 13 {
		n := int(b[11])<<8 | int(b[12])
		if 13+n > len(b) {
			break
		}
		typ, epoch, body := b[0], binary.BigEndian.Uint16(b[3:]), b[13:13+n]
		b = b[13+n:]
		if f.stream == nil && a.newStream(f) == nil {
			return true
		}
		s := f.stream
		s.app = appDTLS
		if s.tls == nil {
			s.tls = a.newTLS(appDTLS)
		}
		c := s.tls
		switch {
		case epoch != 0 || typ == 20 || typ == 23:
			c.secured[side] = true
		case typ == 21 && n == 2:
			c.alert, c.fatal = int16(body[1]), c.fatal || body[0] == 2
		case typ == 22:
			a.dtlsHandshake(f, c, side, body)
		}
		if c.secured[0] && c.secured[1] {
			a.tlsFlush(f, s)
			a.dropStream(f)
			f.done = true
			return true
		}
	}
	return true
}

// dtlsHandshake takes handshake messages; fragments in order are put together, others given up.
func (a *Analyzer) dtlsHandshake(f *flow, c *tlsConn, side int, b []byte) {
	for len(b) >= 12 {
		n := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		off := int(b[6])<<16 | int(b[7])<<8 | int(b[8])
		fl := int(b[9])<<16 | int(b[10])<<8 | int(b[11])
		if 12+fl > len(b) || off+fl > n || n > maxHandshake {
			return
		}
		body := b[12 : 12+fl]
		if fl == n {
			a.tlsMessage(f, c, side, b[0], body)
		} else {
			if off == 0 {
				a.left(&c.hs[side], nil)
			}
			if len(c.hs[side]) == off && a.keep(&c.hs[side], body) && len(c.hs[side]) == n {
				a.tlsMessage(f, c, side, b[0], c.hs[side])
				a.left(&c.hs[side], nil)
			}
		}
		b = b[12+fl:]
	}
}

package packet

import (
	"encoding/binary"
	"errors"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// What the hand-written decoder does not read goes through gopacket's layers: link types that live capture never meets (Wi-Fi, FDDI,
// pflog) and encapsulations too rare to be worth code of our own. There only the place of the inner IP packet is taken from gopacket;
// the packet itself goes back to the fast path, so that a flow reads the same however it was wrapped. A packet costs about a
// microsecond there instead of some 40 ns (BenchmarkOddLink); a fault of gopacket's is a layer that cannot be read (ipFinder).

// oddLinks are the link types read through gopacket.
var oddLinks = map[uint32]gopacket.Decoder{
	LinkFDDI:     layers.LinkTypeFDDI,
	LinkDot11:    layers.LinkTypeIEEE802_11,
	LinkPFLog:    layers.LinkTypePFLog,
	LinkPrism:    layers.LinkTypePrismHeader,
	LinkRadiotap: layers.LinkTypeIEEE80211Radio,
}

// innerIP are the layers that odd looks for.
var innerIP = gopacket.NewLayerClass([]gopacket.LayerType{layers.LayerTypeIPv4, layers.LayerTypeIPv6})

// maxOddLayers is how many of gopacket's layers before an IP header are read.
const maxOddLayers = 32

// ipFinder takes gopacket's layers as they are decoded, until one is IP. A gopacket.Packet would keep them all, and read as many as the
// bytes hold: of a packet of VLAN tags alone, one in four bytes.
type ipFinder struct {
	ip, last gopacket.Layer
	next     gopacket.Decoder
	failed   bool // the last layer could not be read
	options  gopacket.DecodeOptions
}

// AddLayer and the methods below make it a gopacket.PacketBuilder.
func (f *ipFinder) AddLayer(l gopacket.Layer) {
	f.last = l
	if f.ip == nil && innerIP.Contains(l.LayerType()) {
		f.ip = l
	}
}

// NextDecoder refuses what gopacket has no decoder for, as its own Packet does.
func (f *ipFinder) NextDecoder(next gopacket.Decoder) error {
	if next == nil {
		return errors.New("no decoder")
	}
	f.next = next
	return nil
}

func (f *ipFinder) SetErrorLayer(gopacket.ErrorLayer)             { f.failed = true }
func (f *ipFinder) DecodeOptions() *gopacket.DecodeOptions        { return &f.options }
func (f *ipFinder) SetTruncated()                                 {}
func (f *ipFinder) SetLinkLayer(gopacket.LinkLayer)               {}
func (f *ipFinder) SetNetworkLayer(gopacket.NetworkLayer)         {}
func (f *ipFinder) SetTransportLayer(gopacket.TransportLayer)     {}
func (f *ipFinder) SetApplicationLayer(gopacket.ApplicationLayer) {}
func (f *ipFinder) DumpPacketData()                               {}

// find reads layers from b on, which begins with what first decodes, and says why it found no IP.
func (f *ipFinder) find(first gopacket.Decoder, b []byte) reason {
	f.next = first
	for range maxOddLayers {
		if f.last != nil {
			b = f.last.LayerPayload()
		}
		if f.next == nil || len(b) == 0 {
			return notIP
		}
		f.decode(b)
		if f.ip != nil {
			return ok
		}
		if f.failed {
			return badEncap
		}
	}
	return tooDeep
}

// decode reads one layer. gopacket is fed hostile bytes: a fault of its own is a layer that cannot be read.
func (f *ipFinder) decode(b []byte) {
	defer func() {
		if recover() != nil {
			f.failed = true
		}
	}()
	decoder := f.next
	f.next = nil
	if decoder.Decode(b, f) != nil {
		f.failed = true
	}
}

// odd lets gopacket find the IP packet within b, which begins with what first decodes, and takes that packet.
func (a *Analyzer) odd(p *pkt, first gopacket.Decoder, b []byte, depth int) reason {
	if depth >= maxDepth {
		return tooDeep
	}
	var f ipFinder
	if why := f.find(first, b); why != ok {
		return why
	}
	head, body := f.ip.LayerContents(), f.ip.LayerPayload()
	if len(head) == 0 {
		return badEncap
	}
	if from := cap(b) - cap(head); from >= 0 && from < len(b) && &b[from] == &head[0] {
		return a.ip(p, b[from:], depth) // to the end of b: gopacket may have taken the last bytes for a checksum that is not there
	}
	whole := head[:min(len(head)+len(body), cap(head))] // in a copy of gopacket's
	if len(whole) < len(head)+len(body) || len(body) > 0 && &whole[len(head)] != &body[0] {
		return badEncap
	}
	return a.ip(p, whole, depth)
}

// wrapped is odd for a protocol of IP: where nothing can be read inside, the tunnel itself counts as a flow.
func (a *Analyzer) wrapped(p *pkt, first gopacket.Decoder, b []byte, depth int) reason {
	outer := *p
	return a.orTunnel(p, &outer, a.odd(p, first, b, depth+1))
}

// frameRelay reads RFC 2427 and Cisco's own encapsulation, behind a Q.922 address of two bytes or more.
func (a *Analyzer) frameRelay(p *pkt, b []byte) reason {
	n := 0
	for n < len(b) && n < 4 && b[n]&1 == 0 { // the last byte of the address has its lowest bit set
		n++
	}
	n++
	if len(b) < n+2 {
		return shortLink
	}
	b = b[n:]
	if b[0] != 3 { // no unnumbered information: Cisco's, an EtherType
		return a.ethertype(p, binary.BigEndian.Uint16(b), b[2:], 0)
	}
	b = b[1:]
	if b[0] == 0 { // padding
		if b = b[1:]; len(b) == 0 {
			return shortLink
		}
	}
	switch b[0] { // NLPID
	case 0xcc, 0x8e:
		return a.ip(p, b[1:], 0)
	case 0x80: // SNAP: organisation, EtherType
		if len(b) < 6 {
			return shortLink
		}
		if b[1] == 0 && b[2] == 0x80 && b[3] == 0xc2 && (b[5] == 7 || b[5] == 1) { // bridged Ethernet, without or with its checksum
			if len(b) < 8 {
				return shortLink
			}
			return a.ethernet(p, b[8:], 0) // two bytes of padding
		}
		return a.ethertype(p, binary.BigEndian.Uint16(b[4:]), b[6:], 0)
	}
	return notIP
}

// ppi reads a per-packet information header (CACE Technologies): its length and the link type of what follows.
func (a *Analyzer) ppi(p *pkt, b []byte) reason {
	if len(b) < 8 {
		return shortLink
	}
	n, link := int(binary.LittleEndian.Uint16(b[2:])), binary.LittleEndian.Uint32(b[4:])
	if n < 8 || n > len(b) {
		return shortLink
	}
	if link == LinkPPI || !Supported(link) {
		return notIP
	}
	return a.link(p, link, b[n:])
}

// nflog reads what Linux's netfilter logged (LINKTYPE_NFLOG): attributes in the byte order of the machine that wrote them; one of them is
// the packet, which begins with IP.
func (a *Analyzer) nflog(p *pkt, b []byte) reason {
	const payload = 9
	if len(b) < 8 {
		return shortLink
	}
	if b[0] != 2 && b[0] != 10 { // AF_INET, AF_INET6
		return notIP
	}
	b = b[4:]
	var o binary.ByteOrder = binary.LittleEndian
	if o.Uint16(b) > 0xff && binary.BigEndian.Uint16(b) <= 0xff { // the first attribute is short
		o = binary.BigEndian
	}
	for len(b) >= 4 {
		n, typ := int(o.Uint16(b)), o.Uint16(b[2:])&0x7fff
		if n < 4 {
			return badEncap
		}
		if typ == payload {
			return a.ip(p, b[4:min(n, len(b))], 0)
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return notIP
}

package packet

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"
	"unsafe"

	"hoalu/ecs"
)

// Records are written straight into one buffer: a flat JSON object, keys in a fixed order.

// stamp renders times; the part down to the second is kept from the last call.
type stamp struct {
	sec  int64
	text [20]byte // 2006-01-02T15:04:05.
}

func (s *stamp) append(dst []byte, ns int64) []byte {
	sec, ms := ns/1e9, ns%1e9/1e6
	if ms < 0 {
		sec, ms = sec-1, ms+1000
	}
	if sec != s.sec || s.text[0] == 0 {
		t := time.Unix(sec, 0).UTC()
		if y := t.Year(); y < 0 || y > 9999 {
			t = time.Unix(0, 0).UTC()
		}
		t.AppendFormat(s.text[:0], "2006-01-02T15:04:05.")
		s.sec = sec
	}
	dst = append(dst, s.text[:]...)
	return append(dst, byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

func str(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func (a *Analyzer) raw(s string) { a.rec = append(a.rec, s...) }
func (a *Analyzer) num(key string, n uint64) {
	a.rec = strconv.AppendUint(append(a.rec, key...), n, 10)
}
func (a *Analyzer) bytes(key string, v []byte) {
	a.rec = ecs.AppendQuoted(append(a.rec, key...), str(v))
}
func (a *Analyzer) hexed(key string, v []byte) {
	a.rec = append(hex.AppendEncode(append(append(a.rec, key...), '"'), v), '"')
}
func (a *Analyzer) when(key string, t int64) {
	a.rec = append(a.stamp.append(append(append(a.rec, key...), '"'), t), '"')
}
func (a *Analyzer) option(key string, v []byte) {
	if len(v) > 0 {
		a.bytes(key, v)
	}
}

// skipped counts a record of class c that is off, and reports whether it is.
func (a *Analyzer) skipped(c Class) bool {
	a.n.Records[c].Seen++
	if a.cfg.Off[c] {
		a.n.Records[c].Filtered++
		return true
	}
	return false
}

func (a *Analyzer) send(c Class) {
	a.rec = append(a.rec, '}')
	a.n.Records[c].Sent++
	a.emit(a.rec, c)
}

// begin writes what every record has: time, kind, network and endpoints. head is the rest of the event's fixed fields.
func (a *Analyzer) begin(t int64, f *flow, head string) {
	a.rec = a.rec[:0]
	a.when(`{"@timestamp":`, t)
	a.raw(head)
	src := int(f.src)
	k := &f.key
	x, y, px, py := k.a, k.b, k.pa, k.pb
	if src == 1 {
		x, y, px, py = y, x, py, px
	}
	sip, dip := ipOf(x, k.v6), ipOf(y, k.v6)
	a.rec = append(sip.AppendTo(append(a.rec, `,"source.ip":"`...)), '"')
	icmp := k.proto == protoICMP || k.proto == protoICMPv6
	ports := k.proto == protoTCP || k.proto == protoUDP || k.proto == protoSCTP
	if ports {
		a.num(`,"source.port":`, uint64(px))
	}
	a.rec = append(dip.AppendTo(append(a.rec, `,"destination.ip":"`...)), '"')
	if ports {
		a.num(`,"destination.port":`, uint64(py))
	}
	if k.v6 {
		a.raw(`,"network.type":"ipv6"`)
	} else {
		a.raw(`,"network.type":"ipv4"`)
	}
	switch k.proto {
	case protoTCP:
		a.raw(`,"network.transport":"tcp"`)
	case protoUDP:
		a.raw(`,"network.transport":"udp"`)
	case protoICMP:
		a.raw(`,"network.transport":"icmp"`)
	case protoICMPv6:
		a.raw(`,"network.transport":"ipv6-icmp"`)
	case protoSCTP:
		a.raw(`,"network.transport":"sctp"`)
	}
	a.num(`,"network.iana_number":"`, uint64(k.proto))
	a.raw(`"`)
	a.rec = append(a.rec, `,"network.direction":"`...)
	a.raw(a.direction(sip, dip))
	a.raw(`","network.community_id":"`)
	cs, cd := px, py
	if icmp {
		cs, cd, _ = icmpPorts(k.v6, f.icmpType, f.icmpCode)
		if f.packets[src] == 0 { // src is not the one whose message was noted
			cs, cd = cd, cs
		}
	}
	a.rec = communityID(a.rec, x, y, k.v6, k.proto, cs, cd, ports || icmp, icmp)
	a.raw(`"`)
	if k.vlan != 0 {
		a.num(`,"network.vlan.id":"`, uint64(k.vlan))
		a.raw(`"`)
	}
	if a.cfg.Sensor != "" {
		a.raw(`,"observer.name":`)
		a.rec = ecs.AppendQuoted(a.rec, a.cfg.Sensor)
		a.raw(`,"observer.type":"sensor"`)
	}
}

func (a *Analyzer) direction(src, dst netip.Addr) string {
	s, d := a.isHome(src), a.isHome(dst)
	switch {
	case s && d:
		return "internal"
	case s:
		return "outbound"
	case d:
		return "inbound"
	}
	return "external"
}

func (a *Analyzer) isHome(ip netip.Addr) bool {
	for _, p := range a.home {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// communityID appends Community ID v1 with seed 0 (https://github.com/corelight/community-id-spec).
func communityID(dst []byte, src, dest addr, v6 bool, proto uint8, sp, dp uint16, ports, icmp bool) []byte {
	oneWay := false
	if icmp {
		_, _, two := icmpPorts(v6, uint8(sp), 0)
		oneWay = !two
	}
	if !oneWay && !(src.less(dest) || src == dest && sp < dp) {
		src, dest, sp, dp = dest, src, dp, sp
	}
	var b [40]byte
	n := 2 // the seed
	if v6 {
		binary.BigEndian.PutUint64(b[n:], src.hi)
		binary.BigEndian.PutUint64(b[n+8:], src.lo)
		binary.BigEndian.PutUint64(b[n+16:], dest.hi)
		binary.BigEndian.PutUint64(b[n+24:], dest.lo)
		n += 32
	} else {
		binary.BigEndian.PutUint32(b[n:], uint32(src.lo))
		binary.BigEndian.PutUint32(b[n+4:], uint32(dest.lo))
		n += 8
	}
	b[n] = proto
	n += 2
	if ports {
		binary.BigEndian.PutUint16(b[n:], sp)
		binary.BigEndian.PutUint16(b[n+2:], dp)
		n += 4
	}
	sum := sha1.Sum(b[:n])
	dst = append(dst, "1:"...)
	return base64.StdEncoding.AppendEncode(dst, sum[:])
}

package packet

import (
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"
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

// Heads: the fixed fields of each kind of record.
const (
	flowEnd    = `,"event.kind":"event","event.category":["network"],"event.type":["connection","end"],"event.action":"flow_end","event.module":"packet","event.dataset":"hoalu.flow","sigma.logsource.product":"hoalu","sigma.logsource.service":"packet","sigma.logsource.category":"network_connection"`
	flowGoes   = `,"event.kind":"event","event.category":["network"],"event.type":["connection","info"],"event.action":"flow_update","event.module":"packet","event.dataset":"hoalu.flow","sigma.logsource.product":"hoalu","sigma.logsource.service":"packet","sigma.logsource.category":"network_connection"`
	dnsHead    = `,"event.kind":"event","event.category":["network"],"event.type":["connection","protocol"],"event.action":"dns_query","event.module":"packet","event.dataset":"hoalu.dns","network.protocol":"dns","sigma.logsource.product":"hoalu","sigma.logsource.service":"packet","sigma.logsource.category":"dns"`
	httpRecord = `,"event.kind":"event","event.category":["network","web"],"event.type":["connection","protocol"],"event.action":"http_request","event.module":"packet","event.dataset":"hoalu.http","network.protocol":"http","sigma.logsource.product":"hoalu","sigma.logsource.service":"packet","sigma.logsource.category":"http"`
	tlsHead    = `,"event.kind":"event","event.category":["network"],"event.type":["connection","protocol"],"event.action":"tls_handshake","event.module":"packet","event.dataset":"hoalu.tls","sigma.logsource.product":"hoalu","sigma.logsource.service":"packet","sigma.logsource.category":"tls"`
	sshHead    = `,"event.kind":"event","event.category":["network"],"event.type":["connection","protocol"],"event.action":"ssh_handshake","event.module":"packet","event.dataset":"hoalu.ssh","network.protocol":"ssh","sigma.logsource.product":"hoalu","sigma.logsource.service":"packet","sigma.logsource.category":"ssh"`
)

// flowRecord reports a flow: why is its end, or -1 for an update. Counters are totals; an update adds what is new since the last.
func (a *Analyzer) flowRecord(f *flow, why int) {
	c, head := Flow, flowEnd
	if why < 0 {
		c, head = FlowUpdate, flowGoes
	}
	if f.excluded || a.skipped(c) {
		return
	}
	a.begin(f.last, f, head)
	s, d := f.src, f.src^1
	a.when(`,"event.start":`, f.first)
	a.when(`,"event.end":`, f.last)
	a.num(`,"event.duration":`, uint64(max(f.last-f.first, 0)))
	a.num(`,"source.bytes":`, f.bytes[s])
	a.num(`,"source.packets":`, f.packets[s])
	a.num(`,"destination.bytes":`, f.bytes[d])
	a.num(`,"destination.packets":`, f.packets[d])
	a.num(`,"network.bytes":`, f.bytes[0]+f.bytes[1])
	a.num(`,"network.packets":`, f.packets[0]+f.packets[1])
	if f.app != appUnknown {
		a.raw(`,"network.protocol":"`)
		a.raw(appNames[f.app])
		a.raw(`"`)
	}
	switch f.key.proto {
	case protoTCP:
		a.raw(`,"hoalu.flow.state":"`)
		a.raw(tcpState(f))
		a.raw(`","hoalu.flow.source_flags":"`)
		a.rec = appendFlags(a.rec, f.tcp[s])
		a.raw(`","hoalu.flow.destination_flags":"`)
		a.rec = appendFlags(a.rec, f.tcp[d])
		a.raw(`"`)
	case protoICMP, protoICMPv6:
		a.num(`,"hoalu.flow.icmp_type":`, uint64(f.icmpType))
		a.num(`,"hoalu.flow.icmp_code":`, uint64(f.icmpCode))
	default:
		if f.state == stNew {
			a.raw(`,"hoalu.flow.state":"unanswered"`)
		} else {
			a.raw(`,"hoalu.flow.state":"established"`)
		}
	}
	if f.reversed {
		a.raw(`,"hoalu.flow.reversed":true`)
	}
	if why >= 0 {
		a.raw(`,"hoalu.flow.end_reason":"`)
		a.raw(endNames[why])
		a.raw(`"`)
	} else {
		a.num(`,"hoalu.flow.source_bytes_since":`, f.bytes[s]-f.oldBytes[s])
		a.num(`,"hoalu.flow.destination_bytes_since":`, f.bytes[d]-f.oldBytes[d])
		a.num(`,"hoalu.flow.source_packets_since":`, f.packets[s]-f.oldPackets[s])
		a.num(`,"hoalu.flow.destination_packets_since":`, f.packets[d]-f.oldPackets[d])
	}
	a.send(c)
}

// tcpState says how far a TCP connection came.
func tcpState(f *flow) string {
	s, d := f.tcp[f.src], f.tcp[f.src^1]
	switch {
	case d&tcpRST != 0 && s&tcpSYN != 0 && d&tcpSYN == 0:
		return "rejected"
	case f.packets[f.src^1] == 0 && s&tcpSYN != 0:
		return "unanswered"
	case (s|d)&tcpRST != 0:
		return "reset"
	case s&d&tcpFIN != 0:
		return "closed"
	case (s|d)&tcpSYN == 0:
		return "midstream"
	case s&d&tcpSYN != 0 && s&tcpACK != 0:
		return "established"
	}
	return "opening"
}

func appendFlags(dst []byte, fl uint8) []byte {
	for i, c := range "FSRPAUEC" {
		if fl&(1<<i) != 0 {
			dst = append(dst, byte(c))
		}
	}
	return dst
}

var dnsTypes = map[uint16]string{1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 11: "WKS", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 17: "RP", 18: "AFSDB",
	24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 32: "NB", 33: "SRV", 35: "NAPTR", 36: "KX", 37: "CERT", 38: "A6", 39: "DNAME", 41: "OPT", 43: "DS", 44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC",
	48: "DNSKEY", 49: "DHCID", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP", 59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY", 64: "SVCB", 65: "HTTPS", 99: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR",
	252: "AXFR", 255: "ANY", 256: "URI", 257: "CAA", 32768: "TA", 32769: "DLV"}

var dnsCodes = [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE", "DSOTYPENI", "RCODE12", "RCODE13", "RCODE14", "RCODE15"}

var dnsOps = [...]string{"QUERY", "IQUERY", "STATUS", "3", "NOTIFY", "UPDATE", "DSO"}

func appendDNSType(dst []byte, t uint16) []byte {
	if s, found := dnsTypes[t]; found {
		return append(dst, s...)
	}
	return strconv.AppendUint(append(dst, "TYPE"...), uint64(t), 10)
}

func appendDNSClass(dst []byte, c uint16) []byte {
	switch c {
	case 1:
		return append(dst, "IN"...)
	case 3:
		return append(dst, "CH"...)
	case 4:
		return append(dst, "HS"...)
	case 255:
		return append(dst, "ANY"...)
	}
	return strconv.AppendUint(append(dst, "CLASS"...), uint64(c), 10)
}

// dnsRecord reports a message: one record a question. asked is when the question was seen (0: not).
func (a *Analyzer) dnsRecord(f *flow, m *dnsMessage, side int, asked int64, qsize, rsize int) {
	for i := 0; i < max(len(m.questions), 1); i++ {
		if f.excluded || a.skipped(DNS) {
			continue
		}
		t := a.p.t
		if asked != 0 {
			t = asked
		}
		a.begin(t, f, dnsHead)
		mdns := multicastPort(f)
		if m.response() {
			a.raw(`,"dns.type":"answer"`)
		} else {
			a.raw(`,"dns.type":"query"`)
		}
		a.num(`,"dns.id":"`, uint64(m.id))
		a.raw(`","dns.op_code":"`)
		if op := m.flags >> 11 & 15; int(op) < len(dnsOps) {
			a.raw(dnsOps[op])
		}
		a.raw(`"`)
		if i < len(m.questions) {
			q := &m.questions[i]
			a.bytes(`,"dns.question.name":`, m.text(q.name))
			a.raw(`,"dns.question.type":"`)
			a.rec = appendDNSType(a.rec, q.typ)
			class := q.class
			if mdns {
				class &= 0x7fff
			}
			a.raw(`","dns.question.class":"`)
			a.rec = appendDNSClass(a.rec, class)
			a.raw(`"`)
		}
		if flags := m.flags; flags&0x07b0 != 0 {
			a.raw(`,"dns.header_flags":[`)
			sep := ""
			for _, x := range [...]struct {
				bit  uint16
				name string
			}{{0x400, `"AA"`}, {0x200, `"TC"`}, {0x100, `"RD"`}, {0x80, `"RA"`}, {0x20, `"AD"`}, {0x10, `"CD"`}} {
				if flags&x.bit != 0 {
					a.raw(sep)
					a.raw(x.name)
					sep = ","
				}
			}
			a.raw("]")
		}
		if m.response() {
			a.raw(`,"dns.response_code":"`)
			a.raw(dnsCodes[m.flags&15])
			a.raw(`"`)
			if m.flags&15 == 0 {
				a.raw(`,"event.outcome":"success"`)
			} else {
				a.raw(`,"event.outcome":"failure"`)
			}
			if asked != 0 {
				a.num(`,"event.duration":`, uint64(max(a.p.t-asked, 0)))
			}
			a.dnsAnswers(m, mdns)
		} else {
			a.raw(`,"event.outcome":"unknown"`)
			if asked != 0 {
				a.raw(`,"hoalu.dns.unanswered":true`)
			}
		}
		if qsize > 0 {
			a.num(`,"hoalu.dns.query_bytes":`, uint64(qsize))
		}
		if rsize > 0 {
			a.num(`,"hoalu.dns.answer_bytes":`, uint64(rsize))
		}
		if m.partial {
			a.raw(`,"hoalu.partial":true`)
		}
		a.send(DNS)
	}
}

func (a *Analyzer) dnsAnswers(m *dnsMessage, mdns bool) {
	if len(m.answers) == 0 {
		return
	}
	list := func(key string, each func(r *dnsAnswer)) {
		a.raw(key)
		for i := range m.answers {
			if i > 0 {
				a.raw(",")
			}
			each(&m.answers[i])
		}
		a.raw("]")
	}
	a.num(`,"dns.answers_count":`, uint64(m.counts[1]))
	list(`,"dns.answers.name":[`, func(r *dnsAnswer) { a.bytes("", m.text(r.name)) })
	list(`,"dns.answers.type":[`, func(r *dnsAnswer) {
		a.raw(`"`)
		a.rec = appendDNSType(a.rec, r.typ)
		a.raw(`"`)
	})
	list(`,"dns.answers.ttl":[`, func(r *dnsAnswer) { a.num("", uint64(r.ttl)) })
	list(`,"dns.answers.data":[`, func(r *dnsAnswer) { a.bytes("", m.text(r.data)) })
	first := true
	for i := range m.answers {
		if r := &m.answers[i]; r.ip {
			if first {
				a.raw(`,"dns.resolved_ip":[`)
			} else {
				a.raw(",")
			}
			first = false
			a.bytes("", m.text(r.data))
		}
	}
	if !first {
		a.raw("]")
	}
}

func (a *Analyzer) httpRecord(f *flow, tx *httpTx) {
	if f.excluded || a.skipped(HTTP) {
		return
	}
	a.begin(tx.at, f, httpRecord)
	if tx.req {
		a.bytes(`,"http.request.method":`, tx.method)
		a.bytes(`,"url.original":`, tx.uri)
		path, query := tx.uri, []byte(nil)
		if i := bytes.Index(path, []byte("://")); i > 0 && i < 8 { // absolute form, to a proxy
			a.bytes(`,"url.scheme":`, path[:i])
			path = path[i+3:]
			if j := bytes.IndexByte(path, '/'); j >= 0 {
				path = path[j:]
			} else {
				path = []byte("/")
			}
		} else {
			a.raw(`,"url.scheme":"http"`)
		}
		if string(tx.method) != "CONNECT" {
			if i := bytes.IndexByte(path, '#'); i >= 0 {
				path = path[:i]
			}
			if i := bytes.IndexByte(path, '?'); i >= 0 {
				path, query = path[:i], path[i+1:]
			}
			a.option(`,"url.path":`, path)
			a.option(`,"url.query":`, query)
		}
		host := tx.host
		if len(host) == 0 && string(tx.method) == "CONNECT" {
			host = tx.uri
		}
		if len(host) > 0 {
			name, port := host, []byte(nil)
			if i := bytes.LastIndexByte(host, ':'); i >= 0 && bytes.IndexByte(host[i:], ']') < 0 && digits(host[i+1:]) {
				name, port = host[:i], host[i+1:]
			}
			a.bytes(`,"url.domain":`, name)
			a.bytes(`,"destination.domain":`, name)
			if len(port) > 0 {
				if n, err := strconv.ParseUint(str(port), 10, 16); err == nil {
					a.num(`,"url.port":`, n)
				}
			}
		}
		a.num(`,"http.request.body.bytes":`, uint64(tx.reqBytes))
		a.option(`,"http.request.mime_type":`, mime(tx.reqType))
		a.option(`,"http.request.referrer":`, tx.referrer)
		a.option(`,"user_agent.original":`, tx.agent)
	}
	a.option(`,"http.version":`, tx.version)
	if tx.resp {
		a.num(`,"http.response.status_code":`, uint64(tx.status))
		a.num(`,"http.response.body.bytes":`, uint64(tx.respBytes))
		a.option(`,"http.response.mime_type":`, mime(tx.respType))
		if tx.status < 400 {
			a.raw(`,"event.outcome":"success"`)
		} else {
			a.raw(`,"event.outcome":"failure"`)
		}
		if tx.req {
			a.num(`,"event.duration":`, uint64(max(tx.answered-tx.at, 0)))
		}
	} else {
		a.raw(`,"event.outcome":"unknown"`)
	}
	if tx.partial {
		a.raw(`,"hoalu.partial":true`)
	}
	a.send(HTTP)
}

func mime(b []byte) []byte {
	if i := bytes.IndexByte(b, ';'); i >= 0 {
		b = b[:i]
	}
	return bytes.TrimSpace(b)
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

func (a *Analyzer) tlsRecord(f *flow, c *tlsConn) {
	if f.excluded || a.skipped(TLS) {
		return
	}
	a.begin(c.at, f, tlsHead)
	switch c.proto {
	case appQUIC:
		a.raw(`,"network.protocol":"quic"`)
	case appDTLS:
		a.raw(`,"network.protocol":"dtls"`)
	default:
		a.raw(`,"network.protocol":"tls"`)
	}
	v := c.version
	if !c.server {
		v = c.offered
	}
	if name, proto := tlsVersion(v); name != "" {
		a.raw(`,"tls.version":"`)
		a.raw(name)
		a.raw(`","tls.version_protocol":"`)
		a.raw(proto)
		a.raw(`"`)
	}
	if c.hello {
		a.option(`,"tls.client.server_name":`, c.sni)
		a.option(`,"destination.domain":`, c.sni)
		a.hexed(`,"tls.client.ja3":`, c.ja3[:])
		a.bytes(`,"tls.client.ja4":`, c.ja4)
		if len(c.alpns) > 0 {
			a.raw(`,"hoalu.tls.client.alpn":[`)
			for i, l := 0, c.alpns; ; i++ {
				j := bytes.IndexByte(l, 0)
				name := l
				if j >= 0 {
					name = l[:j]
				}
				if i > 0 {
					a.raw(",")
				}
				a.bytes("", name)
				if j < 0 {
					break
				}
				l = l[j+1:]
			}
			a.raw("]")
		}
	}
	if c.server {
		a.hexed(`,"tls.server.ja3s":`, c.ja3s[:])
		a.raw(`,"tls.cipher":"`)
		a.rec = appendCipher(a.rec, c.cipher)
		a.raw(`"`)
		a.option(`,"tls.next_protocol":`, c.alpn)
		if c.resumed {
			a.raw(`,"tls.resumed":true`)
		}
	}
	for side := range c.certs {
		if !c.certs[side].have {
			continue
		}
		who := "server"
		if side == int(c.client) || c.client < 0 && side == int(f.src) {
			who = "client"
		}
		a.certificateFields(who, &c.certs[side])
	}
	established := c.secured[0] && c.secured[1] && !c.fatal && c.server
	if established {
		a.raw(`,"tls.established":true`)
	} else {
		a.raw(`,"tls.established":false`)
	}
	if c.alert >= 0 {
		a.num(`,"hoalu.tls.alert":`, uint64(c.alert))
	}
	if !c.hello || !c.server || c.gap {
		a.raw(`,"hoalu.partial":true`)
	}
	a.send(TLS)
}

func tlsVersion(v uint16) (name, proto string) {
	switch v {
	case 0x0300:
		return "3.0", "ssl"
	case 0x0301:
		return "1.0", "tls"
	case 0x0302:
		return "1.1", "tls"
	case 0x0303:
		return "1.2", "tls"
	case 0x0304:
		return "1.3", "tls"
	case 0xfeff:
		return "1.0", "dtls"
	case 0xfefd:
		return "1.2", "dtls"
	case 0xfefc:
		return "1.3", "dtls"
	}
	return "", ""
}

func appendCipher(dst []byte, id uint16) []byte {
	if s, found := cipherNames[id]; found {
		return append(dst, s...)
	}
	return appendHex16(append(dst, "0x"...), id)
}

// cipherNames are the IANA names of the suites Go knows and of those common where it does not.
var cipherNames = func() map[uint16]string {
	m := map[uint16]string{0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", 0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", 0x0067: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
		0x006b: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", 0x009e: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 0x009f: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 0x0016: "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
		0x003d: "TLS_RSA_WITH_AES_256_CBC_SHA256", 0x0004: "TLS_RSA_WITH_RC4_128_MD5", 0x0009: "TLS_RSA_WITH_DES_CBC_SHA", 0x0041: "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA", 0x0084: "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA",
		0x0034: "TLS_DH_anon_WITH_AES_128_CBC_SHA", 0xc024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", 0xc028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", 0xccaa: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		0x1304: "TLS_AES_128_CCM_SHA256", 0x1305: "TLS_AES_128_CCM_8_SHA256"}
	for _, l := range [][]*tls.CipherSuite{tls.CipherSuites(), tls.InsecureCipherSuites()} {
		for _, s := range l {
			m[s.ID] = s.Name
		}
	}
	return m
}()

const maxCertCache = 4096

// certificateJSON tells of a certificate as fields below "tls.<who>": each ready but for the who. A certificate is read once.
func (a *Analyzer) certificateJSON(hash [32]byte, der []byte) []byte {
	if b, found := a.pools.certs[hash]; found {
		return b
	}
	b := renderCertificate(der)
	if len(a.pools.certs) >= maxCertCache || a.pools.certs == nil {
		a.pools.certs = map[[32]byte][]byte{}
	}
	a.pools.certs[hash] = b
	return b
}

// renderCertificate writes fields, each ",\"tls.\x00.<name>\":value" with NUL where client or server goes.
func renderCertificate(der []byte) (b []byte) {
	defer func() { // the standard parser is fed hostile bytes
		if recover() != nil {
			b = nil
		}
	}()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	field := func(name, v string) {
		if v != "" {
			b = append(b, ",\"tls.\x00."...)
			b = append(b, name...)
			b = append(b, `":`...)
			b = ecs.AppendQuoted(b, v)
		}
	}
	when := func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
	field("subject", c.Subject.String())
	field("issuer", c.Issuer.String())
	field("not_before", when(c.NotBefore))
	field("not_after", when(c.NotAfter))
	field("x509.serial_number", strings.ToUpper(c.SerialNumber.Text(16)))
	field("x509.subject.common_name", c.Subject.CommonName)
	field("x509.issuer.common_name", c.Issuer.CommonName)
	names := c.DNSNames
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) > 0 {
		b = append(b, ",\"tls.\x00.x509.alternative_names\":["...)
		for i, n := range names[:min(len(names), 100)] {
			if i > 0 {
				b = append(b, ',')
			}
			b = ecs.AppendQuoted(b, n)
		}
		b = append(b, ']')
	}
	return b
}

func (a *Analyzer) certificateFields(who string, c *certificate) {
	a.raw(`,"tls.` + who + `.hash.sha256":"`)
	for _, x := range c.hash {
		const digits = "0123456789ABCDEF"
		a.rec = append(a.rec, digits[x>>4], digits[x&15])
	}
	a.raw(`"`)
	for b := c.json; len(b) > 0; {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			a.rec = append(a.rec, b...)
			break
		}
		a.rec = append(append(a.rec, b[:i]...), who...)
		b = b[i+1:]
	}
	if c.json == nil {
		a.raw(`,"hoalu.tls.` + who + `.unreadable_certificate":true`)
	}
	a.num(`,"hoalu.tls.`+who+`.chain_length":`, uint64(c.n))
}

func (a *Analyzer) sshRecord(f *flow, c *sshConn) {
	if f.excluded || a.skipped(SSH) {
		return
	}
	a.begin(c.at, f, sshHead)
	cl, sv := &c.side[f.src], &c.side[f.src^1]
	a.option(`,"ssh.client.banner":`, cl.banner)
	if cl.hashed {
		a.hexed(`,"ssh.client.hassh":`, cl.hassh[:])
	}
	a.option(`,"ssh.server.banner":`, sv.banner)
	if sv.hashed {
		a.hexed(`,"ssh.server.hassh":`, sv.hasshSrv[:])
	}
	if !cl.hashed || !sv.hashed {
		a.raw(`,"hoalu.partial":true`)
	}
	a.send(SSH)
}

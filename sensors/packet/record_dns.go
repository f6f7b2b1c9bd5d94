package packet

import (
	"strconv"
)

var dnsTypes = map[uint16]string{1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 11: "WKS", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT",
	17: "RP", 18: "AFSDB",
	24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 32: "NB", 33: "SRV", 35: "NAPTR", 36: "KX", 37: "CERT", 38: "A6", 39: "DNAME", 41: "OPT",
	43: "DS", 44: "SSHFP", 45: "IPSECKEY", 46: "RRSIG", 47: "NSEC",
	48: "DNSKEY", 49: "DHCID", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 53: "SMIMEA", 55: "HIP", 59: "CDS", 60: "CDNSKEY", 61: "OPENPGPKEY",
	64: "SVCB", 65: "HTTPS", 99: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR",
	252: "AXFR", 255: "ANY", 256: "URI", 257: "CAA", 32768: "TA", 32769: "DLV"}

var dnsCodes = [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
	"NOTZONE", "DSOTYPENI", "RCODE12", "RCODE13", "RCODE14", "RCODE15"}

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
	t := a.p.t
	if asked != 0 {
		t = asked
	}
	mdns := multicastPort(f)
	for i := range max(len(m.questions), 1) {
		if f.excluded || a.skipped(DNS) {
			continue
		}
		a.begin(t, f, dnsHead)
		a.dnsOperation(m)
		if i < len(m.questions) {
			a.dnsAsked(m, &m.questions[i], mdns)
		}
		a.dnsFlags(m.flags)
		a.dnsOutcome(m, asked, mdns)
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

func (a *Analyzer) dnsOperation(m *dnsMessage) {
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
}

func (a *Analyzer) dnsAsked(m *dnsMessage, q *dnsQuestion, mdns bool) {
	a.bytes(`,"dns.question.name":`, m.text(q.name))
	a.raw(`,"dns.question.type":"`)
	a.rec = appendDNSType(a.rec, q.typ)
	class := q.class
	if mdns { // its top bit asks for a unicast answer (RFC 6762 §5.4)
		class &= 0x7fff
	}
	a.raw(`","dns.question.class":"`)
	a.rec = appendDNSClass(a.rec, class)
	a.raw(`"`)
}

// dnsFlagNames are the header's flags, by their bit.
var dnsFlagNames = [...]struct {
	bit  uint16
	name string
}{{0x400, `"AA"`}, {0x200, `"TC"`}, {0x100, `"RD"`}, {0x80, `"RA"`}, {0x20, `"AD"`}, {0x10, `"CD"`}}

func (a *Analyzer) dnsFlags(flags uint16) {
	if flags&0x07b0 == 0 {
		return
	}
	a.raw(`,"dns.header_flags":[`)
	sep := ""
	for i := range dnsFlagNames {
		if x := &dnsFlagNames[i]; flags&x.bit != 0 {
			a.raw(sep)
			a.raw(x.name)
			sep = ","
		}
	}
	a.raw("]")
}

// dnsOutcome tells what a response says; of a query, whether its answer was waited for in vain.
func (a *Analyzer) dnsOutcome(m *dnsMessage, asked int64, mdns bool) {
	if !m.response() {
		a.raw(`,"event.outcome":"unknown"`)
		if asked != 0 {
			a.raw(`,"hoalu.dns.unanswered":true`)
		}
		return
	}
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

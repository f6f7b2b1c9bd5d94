package packet

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

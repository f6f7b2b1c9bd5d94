package decoders

import (
	"strings"

	"hoalu/ecs"
)

var (
	fIngressIf = ecs.Intern("observer.ingress.interface.name")
	fEgressIf  = ecs.Intern("observer.egress.interface.name")
	fSourceMAC = ecs.Intern("source.mac")
	fDestMAC   = ecs.Intern("destination.mac")
	fRuleName  = ecs.Intern("rule.name")
	fRuleID    = ecs.Intern("rule.id")
)

// netfilter reads the kernel's LOG target ("[UFW BLOCK] IN=eth0 OUT= MAC=… SRC=… DST=… PROTO=TCP SPT=… DPT=…").
func netfilter(e *ecs.Event, s string) bool {
	in := strings.Index(s, "IN=")
	if in < 0 && strings.Contains(s, "PROTO=") && strings.Contains(s, " DPT=") { // the tail of a line cut in two
		in = 0
		for in < len(s) && s[in] == ' ' {
			in++
		}
	} else if in < 0 || !strings.Contains(s[in:], " SRC=") {
		return false
	}
	prefix := s[:in]
	if strings.HasPrefix(prefix, "[") { // "[12345.678901] "
		if i := strings.Index(prefix, "] "); i > 0 && strings.IndexByte(prefix[:i], '.') > 0 {
			prefix = prefix[i+2:]
		}
	}
	prefix = strings.Trim(prefix, " :[]-")
	if prefix != "" {
		set(e, fRuleName, prefix)
		up := strings.ToUpper(prefix)
		switch {
		case strings.Contains(up, "BLOCK"), strings.Contains(up, "DROP"), strings.Contains(up, "DENY"), strings.Contains(up, "REJECT"):
			set(e, ecs.EventAction, "deny")
		case strings.Contains(up, "ALLOW"), strings.Contains(up, "ACCEPT"):
			set(e, ecs.EventAction, "allow")
		}
	}
	set(e, ecs.EventCategory, "network")
	inner := false // an ICMP error repeats the packet in brackets
	for rest := s[in:]; rest != "" && !inner; {
		var w string
		w, rest = word(rest)
		if strings.HasPrefix(w, "[") {
			inner = true
			break
		}
		k, v, ok := strings.Cut(w, "=")
		if !ok || v == "" {
			continue
		}
		switch k {
		case "IN":
			set(e, fIngressIf, v)
		case "OUT":
			set(e, fEgressIf, v)
		case "MAC":
			if len(v) >= 35 { // destination, source, type
				set(e, fDestMAC, dashedMAC(v[:17]))
				set(e, fSourceMAC, dashedMAC(v[18:35]))
			}
		case "SRC":
			set(e, ecs.SourceIP, v)
		case "DST":
			set(e, ecs.DestIP, v)
		case "LEN":
			if digits(v) && !e.Has(ecs.NetBytes) {
				setNumber(e, ecs.NetBytes, v)
			}
		case "PROTO":
			set(e, ecs.NetTransport, transportName(v))
		case "SPT":
			if digits(v) {
				setNumber(e, ecs.SourcePort, v)
			}
		case "DPT":
			if digits(v) {
				setNumber(e, ecs.DestPort, v)
			}
		}
	}
	return true
}

// dashedMAC writes a MAC as ECS wants it: upper case with dashes (RFC 7042).
func dashedMAC(s string) string {
	return strings.ToUpper(strings.ReplaceAll(s, ":", "-"))
}

// transportName folds a protocol's name or number to network.transport.
func transportName(s string) string {
	switch s {
	case "6", "TCP", "tcp":
		return "tcp"
	case "17", "UDP", "udp":
		return "udp"
	case "1", "ICMP", "icmp":
		return "icmp"
	case "58", "ICMPv6", "IPV6-ICMP", "ipv6-icmp":
		return "ipv6-icmp"
	case "2":
		return "igmp"
	case "47":
		return "gre"
	case "50":
		return "esp"
	case "132":
		return "sctp"
	}
	return strings.ToLower(s)
}

package decoders

import (
	"slices"
	"strings"

	"hoalu/ecs"
)

var (
	fRuleCategory = ecs.Intern("rule.category")
	fTLSClientSNI = ecs.Intern("tls.client.server_name")
	fTLSVersion   = ecs.Intern("tls.version")
	fTLSSubject   = ecs.Intern("tls.server.subject")
	fTLSIssuer    = ecs.Intern("tls.server.issuer")
	fTLSJA3       = ecs.Intern("tls.client.ja3")
	fTLSJA3S      = ecs.Intern("tls.server.ja3s")
	fTLSSHA1      = ecs.Intern("tls.server.hash.sha1")
	fTLSNotBefore = ecs.Intern("tls.server.not_before")
	fTLSNotAfter  = ecs.Intern("tls.server.not_after")
	fTLSCipher    = ecs.Intern("tls.cipher")
	fVLAN         = ecs.Intern("network.vlan.id")
	fFileSize     = ecs.Intern("file.size")
)

// suricata reads one EVE document (https://docs.suricata.io, EVE JSON format).
func suricata(e *ecs.Event, doc *document) {
	v := &doc.v
	kind := v[rEventType]
	if t, ok := anyTime(v[rTimestamp], utc); ok {
		e.Time = t
	}
	eveFlow(e, doc, kind)
	if doc.has[rAlertID] || doc.has[rAlertSignature] {
		eveAlert(e, doc)
	}
	if doc.has[rHTTPURL] || doc.has[rHTTPHostname] {
		eveHTTP(e, doc)
	}
	if doc.has[rTLSVersion] || doc.has[rTLSSNI] || doc.has[rTLSSubject] {
		eveTLS(e, doc)
	}
	if doc.has[rDNSName] {
		set(e, ecs.DNSQuestionName, v[rDNSName])
		set(e, ecs.DNSQuestionType, v[rDNSType])
		set(e, ecs.DNSResponseCode, v[rDNSRCode])
	}
	if doc.has[rFileName] {
		eveFile(e, doc)
	}
	eveMore(e)
	switch kind {
	case "alert":
		set(e, ecs.EventCategory, "intrusion_detection")
	case "stats":
		set(e, ecs.EventKind, "metric")
	default:
		set(e, ecs.EventCategory, "network")
	}
	if !doc.has[rEventDataset] {
		set(e, ecs.EventDataset, "suricata.eve")
	}
	switch kind {
	case "dns":
		e.SetLogsource("suricata", "eve", "dns")
	default:
		e.SetLogsource("suricata", "eve")
	}
}

// eveFlow is what all kinds of documents say of their flow.
func eveFlow(e *ecs.Event, doc *document, kind string) {
	v := &doc.v
	set(e, ecs.SourceIP, v[rSrcIP])
	putPort(e, ecs.SourcePort, v[rSrcPort])
	set(e, ecs.DestIP, v[rDstIP])
	putPort(e, ecs.DestPort, v[rDstPort])
	if v[rProto] != "" {
		set(e, ecs.NetTransport, transportName(v[rProto]))
	}
	protocol := v[rAppProto]
	switch kind {
	case "dns", "http", "tls", "ssh", "smtp", "smb", "rdp", "krb5", "ldap", "ftp", "dhcp", "nfs", "tftp", "snmp", "sip", "mqtt", "pgsql",
		"quic", "ike", "rfb", "modbus", "dnp3":
		if protocol == "" || protocol == "failed" {
			protocol = kind
		}
	}
	if protocol != "failed" {
		set(e, ecs.NetProtocol, protocol)
	}
	set(e, ecs.NetCommunityID, v[rCommunityID])
	if v[rSrcMAC] != "" {
		set(e, fSourceMAC, dashedMAC(v[rSrcMAC]))
	}
	if v[rDstMAC] != "" {
		set(e, fDestMAC, dashedMAC(v[rDstMAC]))
	}
	if digits(v[rVLAN]) {
		set(e, fVLAN, v[rVLAN])
	}
	putDigits(e, ecs.SourceBytes, doc.v[rBytesToServer])
	putDigits(e, ecs.DestBytes, doc.v[rBytesToClient])
	putDigits(e, ecs.SourcePackets, doc.v[rPktsToServer])
	putDigits(e, ecs.DestPackets, doc.v[rPktsToClient])
}

func eveAlert(e *ecs.Event, doc *document) {
	v := &doc.v
	set(e, fRuleID, v[rAlertID])
	set(e, fRuleName, v[rAlertSignature])
	set(e, fRuleCategory, v[rAlertCategory])
	set(e, ecs.EventAction, v[rAlertAction])
	putDigits(e, ecs.EventSeverity, doc.v[rAlertSeverity])
	set(e, ecs.EventKind, "alert")
	set(e, ecs.Message, v[rAlertSignature])
}

func eveHTTP(e *ecs.Event, doc *document) {
	v := &doc.v
	set(e, ecs.URLDomain, v[rHTTPHostname])
	if u := v[rHTTPURL]; u != "" {
		putURL(e, ecs.URLOriginal, u)
		if v[rHTTPHostname] != "" {
			set(e, ecs.URLDomain, v[rHTTPHostname])
		}
	}
	set(e, ecs.HTTPMethod, v[rHTTPMethod])
	putDigits(e, ecs.HTTPStatus, doc.v[rHTTPStatus])
	putDigits(e, fBodyBytes, doc.v[rHTTPLength])
	set(e, ecs.UserAgent, v[rHTTPUserAgent])
	set(e, ecs.HTTPReferrer, v[rHTTPReferrer])
}

func eveTLS(e *ecs.Event, doc *document) {
	v := &doc.v
	ver := v[rTLSVersion]
	ver = strings.TrimPrefix(strings.TrimPrefix(ver, "TLS "), "TLSv")
	set(e, fTLSVersion, ver)
	set(e, fTLSClientSNI, v[rTLSSNI])
	set(e, ecs.DestDomain, v[rTLSSNI])
	set(e, fTLSSubject, v[rTLSSubject])
	set(e, fTLSIssuer, v[rTLSIssuer])
	set(e, fTLSJA3, v[rJA3])
	set(e, fTLSJA3S, v[rJA3S])
	set(e, fTLSNotBefore, v[rTLSNotBefore])
	set(e, fTLSNotAfter, v[rTLSNotAfter])
	if f := v[rTLSFingerprint]; f != "" {
		set(e, fTLSSHA1, strings.ToUpper(strings.ReplaceAll(f, ":", "")))
	}
}

func eveFile(e *ecs.Event, doc *document) {
	v := &doc.v
	set(e, ecs.FilePath, v[rFileName])
	set(e, ecs.FileName, baseName(v[rFileName]))
	putDigits(e, fFileSize, doc.v[rFileSize])
	set(e, fFileSHA256, v[rFileSHA256])
	set(e, fFileSHA1, v[rFileSHA1])
	set(e, fFileMD5, v[rFileMD5])
}

var (
	fEmailFrom = ecs.Intern("email.from.address")
	fEmailTo   = ecs.Intern("email.to.address")
)

// eveMembers are the members of the lesser protocols that have an ECS name; a name that has a value already keeps it.
var eveMembers = []struct {
	from ecs.Field
	to   ecs.Field
}{
	{ecs.Intern("quic.sni"), fTLSClientSNI}, {ecs.Intern("tls.ja4"), ecs.Intern("tls.client.ja4")},
	{ecs.Intern("smb.filename"), ecs.FilePath}, {ecs.Intern("tftp.file"), ecs.FilePath}, {ecs.Intern("nfs.filename"), ecs.FilePath},
	{ecs.Intern("smb.ntlmssp.user"), ecs.UserName}, {ecs.Intern("smb.ntlmssp.domain"), ecs.UserDomain},
	{ecs.Intern("krb5.cname"), ecs.UserName}, {ecs.Intern("krb5.realm"), ecs.UserDomain},
	{ecs.Intern("mqtt.connect.username"), ecs.UserName}, {ecs.Intern("pgsql.request.user"), ecs.UserName},
	{ecs.Intern("rdp.cookie"), ecs.UserName},
	{ecs.Intern("smtp.mail_from"), fEmailFrom}, {ecs.Intern("smtp.rcpt_to"), fEmailTo}, {ecs.Intern("email.from"), fEmailFrom},
	{ecs.Intern("email.to"), fEmailTo},
	{ecs.Intern("dhcp.client_mac"), fSourceMAC}, {ecs.Intern("dhcp.hostname"), fSourceDomain},
	{ecs.Intern("netflow.bytes"), ecs.SourceBytes}, {ecs.Intern("netflow.pkts"), ecs.SourcePackets},
	{ecs.Intern("dns.answers.rdata"), fDNSResolvedIP}, {ecs.Intern("dns.grouped.A"), fDNSResolvedIP},
	{ecs.Intern("dns.grouped.AAAA"), fDNSResolvedIP},
}

var (
	fFTPCommand = ecs.Intern("ftp.command")
	fFTPData    = ecs.Intern("ftp.command_data")
)

// eveTargets is eveMembers indexed by the member: names interned while the program starts have small numbers. 0 is no target.
var eveTargets = func() []ecs.Field {
	var out []ecs.Field
	for _, m := range eveMembers {
		if grow := int(m.from) + 1 - len(out); grow > 0 {
			out = append(out, make([]ecs.Field, grow)...)
		}
		out[m.from] = m.to
	}
	return out
}()

// eveMore fills in what eveMembers name.
func eveMore(e *ecs.Event) {
	for i, n := 0, e.Len(); i < n; i++ {
		f, v := e.At(i)
		if v.Kind == ecs.Null || v.Text == "" {
			continue
		}
		if f == fFTPCommand && v.Text == "USER" {
			set(e, ecs.UserName, e.Text(fFTPData))
			continue
		}
		if int(f) < len(eveTargets) && eveTargets[f] != 0 {
			eveMember(e, eveTargets[f], v.Text)
		}
	}
}

// eveMember adds a member of a lesser protocol under its ECS name.
func eveMember(e *ecs.Event, to ecs.Field, text string) {
	switch to {
	case fEmailFrom, fEmailTo: // "A <a@x.vn>"
		if a, ok := between(text, "<", ">"); ok {
			text = a
		}
	case fSourceMAC:
		text = dashedMAC(text)
	case fDNSResolvedIP:
		if !isIP(text) {
			return
		}
	case ecs.SourceBytes, ecs.SourcePackets:
		putDigits(e, to, text)
		return
	}
	switch {
	case to == fEmailTo || to == fDNSResolvedIP: // lists
		if !slices.ContainsFunc(e.Values(nil, to), func(o ecs.Value) bool { return o.Text == text }) {
			e.AddString(to, text)
		}
	case !e.Has(to):
		e.AddString(to, text)
		if to == ecs.FilePath {
			set(e, ecs.FileName, baseName(text))
		}
	}
}

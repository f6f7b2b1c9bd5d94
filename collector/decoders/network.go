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
func (d *Decoder) suricata(e *ecs.Event, doc *document) {
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
		d.eveHTTP(e, doc)
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

// setDigits sets a number that the document gives as one.
func (doc *document) setDigits(e *ecs.Event, f ecs.Field, r role) {
	if digits(doc.v[r]) {
		setNumber(e, f, doc.v[r])
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
	doc.setDigits(e, ecs.SourceBytes, rBytesToServer)
	doc.setDigits(e, ecs.DestBytes, rBytesToClient)
	doc.setDigits(e, ecs.SourcePackets, rPktsToServer)
	doc.setDigits(e, ecs.DestPackets, rPktsToClient)
}

func eveAlert(e *ecs.Event, doc *document) {
	v := &doc.v
	set(e, fRuleID, v[rAlertID])
	set(e, fRuleName, v[rAlertSignature])
	set(e, fRuleCategory, v[rAlertCategory])
	set(e, ecs.EventAction, v[rAlertAction])
	doc.setDigits(e, ecs.EventSeverity, rAlertSeverity)
	set(e, ecs.EventKind, "alert")
	set(e, ecs.Message, v[rAlertSignature])
}

func (d *Decoder) eveHTTP(e *ecs.Event, doc *document) {
	v := &doc.v
	set(e, ecs.URLDomain, v[rHTTPHostname])
	if u := v[rHTTPURL]; u != "" {
		d.url(e, u)
		if v[rHTTPHostname] != "" {
			set(e, ecs.URLDomain, v[rHTTPHostname])
		}
	}
	set(e, ecs.HTTPMethod, v[rHTTPMethod])
	doc.setDigits(e, ecs.HTTPStatus, rHTTPStatus)
	doc.setDigits(e, fBodyBytes, rHTTPLength)
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
	doc.setDigits(e, fFileSize, rFileSize)
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
		for _, m := range eveMembers {
			if m.from != f {
				continue
			}
			text := v.Text
			switch m.to {
			case fEmailFrom, fEmailTo: // "A <a@x.vn>"
				if a, ok := between(text, "<", ">"); ok {
					text = a
				}
			case fSourceMAC:
				text = dashedMAC(text)
			case fDNSResolvedIP:
				if !isIP(text) {
					continue
				}
			case ecs.SourceBytes, ecs.SourcePackets:
				if digits(text) {
					setNumber(e, m.to, text)
				}
				continue
			}
			switch {
			case m.to == fEmailTo || m.to == fDNSResolvedIP: // lists
				if !slices.ContainsFunc(e.Values(nil, m.to), func(o ecs.Value) bool { return o.Text == text }) {
					e.AddString(m.to, text)
				}
			case !e.Has(m.to):
				e.AddString(m.to, text)
				if m.to == ecs.FilePath {
					set(e, ecs.FileName, baseName(text))
				}
			}
		}
	}
}

// zeek reads one document of a Zeek log in JSON (https://docs.zeek.org, log formats); the log's name is in _path, @stream or
// the dataset.
func (d *Decoder) zeek(e *ecs.Event, doc *document, dataset string) {
	path := doc.v[rZeekPath]
	if path == "" {
		path = doc.v[rZeekStream]
	}
	if path == "" {
		path = strings.TrimPrefix(dataset, "zeek.")
		if path == dataset {
			path = ""
		}
	}
	if path == "" {
		path = zeekPath(e)
	}
	text := func(f ecs.Field, name string) {
		if g, ok := ecs.Lookup(name); ok {
			set(e, f, e.Text(g))
		}
	}
	num := func(f ecs.Field, name string) {
		if g, ok := ecs.Lookup(name); ok {
			if s := e.Text(g); digits(s) {
				setNumber(e, f, s)
			}
		}
	}
	set(e, ecs.SourceIP, doc.v[rZeekOrig])
	num(ecs.SourcePort, "id.orig_p")
	text(ecs.DestIP, "id.resp_h")
	num(ecs.DestPort, "id.resp_p")
	set(e, ecs.NetTransport, strings.ToLower(doc.v[rProto]))
	text(ecs.NetCommunityID, "community_id")
	switch path {
	case "conn":
		num(ecs.SourceBytes, "orig_ip_bytes")
		num(ecs.DestBytes, "resp_ip_bytes")
		num(ecs.SourcePackets, "orig_pkts")
		num(ecs.DestPackets, "resp_pkts")
		set(e, ecs.NetProtocol, doc.v[rZeekService])
	case "dns":
		text(ecs.DNSQuestionName, "query")
		text(ecs.DNSQuestionType, "qtype_name")
		text(ecs.DNSResponseCode, "rcode_name")
		set(e, ecs.NetProtocol, "dns")
	case "http":
		text(ecs.HTTPMethod, "method")
		text(ecs.URLDomain, "host")
		if g, ok := ecs.Lookup("uri"); ok {
			if u := e.Text(g); u != "" {
				d.url(e, u)
				text(ecs.URLDomain, "host")
			}
		}
		num(ecs.HTTPStatus, "status_code")
		text(ecs.UserAgent, "user_agent")
		text(ecs.HTTPReferrer, "referrer")
		text(ecs.UserName, "username")
		set(e, ecs.NetProtocol, "http")
	case "ssl":
		text(fTLSClientSNI, "server_name")
		text(fTLSCipher, "cipher")
		text(fTLSSubject, "subject")
		text(fTLSIssuer, "issuer")
		text(fTLSJA3, "ja3")
		text(fTLSJA3S, "ja3s")
		if g, ok := ecs.Lookup("version"); ok {
			if s := e.Text(g); strings.HasPrefix(s, "TLSv") {
				s = strings.TrimPrefix(s, "TLSv")
				if len(s) == 2 {
					s = s[:1] + "." + s[1:]
				}
				set(e, fTLSVersion, s)
			}
		}
		set(e, ecs.NetProtocol, "tls")
	case "files":
		text(ecs.FileName, "filename")
		text(fFileSHA256, "sha256")
		text(fFileSHA1, "sha1")
		text(fFileMD5, "md5")
	case "notice":
		text(fRuleName, "note")
		text(ecs.Message, "msg")
	case "ssh", "smtp", "rdp", "ftp", "sip", "snmp", "dhcp", "ntlm", "kerberos", "radius", "irc", "mqtt", "mysql", "rfb":
		set(e, ecs.NetProtocol, path)
		text(ecs.UserName, "username")
		if path == "ftp" || path == "irc" {
			text(ecs.UserName, "user")
		}
	case "dce_rpc", "smb_files", "smb_mapping", "smb_cmd":
		set(e, ecs.NetProtocol, strings.SplitN(path, "_files", 2)[0])
		if path != "dce_rpc" {
			set(e, ecs.NetProtocol, "smb")
			text(ecs.FilePath, "path")
			text(ecs.FileName, "name")
		}
	}
	set(e, ecs.EventCategory, "network")
	if path != "" {
		if !doc.has[rEventDataset] {
			set(e, ecs.EventDataset, "zeek."+path)
		}
	}
	if path == "dns" {
		e.SetLogsource("zeek", path, "dns")
		return
	}
	e.SetLogsource("zeek", path)
}

// zeekPath tells a log by members no other log has, where a shipper dropped its name.
func zeekPath(e *ecs.Event) string {
	for _, p := range zeekMembers {
		if e.Has(p.member) {
			return p.path
		}
	}
	return ""
}

var zeekMembers = []struct {
	member ecs.Field
	path   string
}{
	{ecs.Intern("conn_state"), "conn"}, {ecs.Intern("qtype_name"), "dns"}, {ecs.Intern("rcode_name"), "dns"},
	{ecs.Intern("request_body_len"), "http"}, {ecs.Intern("seen_bytes"), "files"},
	{ecs.Intern("next_protocol"), "ssl"}, {ecs.Intern("cert_chain_fuids"), "ssl"}, {ecs.Intern("server_name"), "ssl"},
	{ecs.Intern("host_key_alg"), "ssh"}, {ecs.Intern("auth_attempts"), "ssh"}, {ecs.Intern("note"), "notice"},
	{ecs.Intern("certificate.serial"), "x509"}, {ecs.Intern("named_pipe"), "dce_rpc"}, {ecs.Intern("share_type"), "smb_mapping"},
	{ecs.Intern("request_type"), "kerberos"}, {ecs.Intern("ntdomainname"), "ntlm"}, {ecs.Intern("mailfrom"), "smtp"},
	{ecs.Intern("community"), "snmp"}, {ecs.Intern("call_id"), "sip"},
}

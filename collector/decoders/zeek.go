package decoders

import (
	"cmp"
	"strings"

	"hoalu/ecs"
)

// Zeek's logs in JSON (https://docs.zeek.org, log formats).

// zeekMember is a member of a log and the ECS field that it becomes.
type zeekMember struct {
	from ecs.Field
	to   ecs.Field
	put  put
}

// zeekLog is what one log has beside the connection that it speaks of.
type zeekLog struct {
	protocol string // network.protocol
	members  []zeekMember
}

// zeekConnection are the members that nearly every log has.
var zeekConnection = []zeekMember{
	{ecs.Intern("id.orig_h"), ecs.SourceIP, set}, {ecs.Intern("id.orig_p"), ecs.SourcePort, putDigits},
	{ecs.Intern("id.resp_h"), ecs.DestIP, set}, {ecs.Intern("id.resp_p"), ecs.DestPort, putDigits},
	{ecs.Intern("proto"), ecs.NetTransport, putLower}, {ecs.Intern("community_id"), ecs.NetCommunityID, set},
}

var (
	zeekUser = []zeekMember{{ecs.Intern("username"), ecs.UserName, set}}
	zeekNick = []zeekMember{{ecs.Intern("username"), ecs.UserName, set}, {ecs.Intern("user"), ecs.UserName, set}}
	zeekFile = []zeekMember{{ecs.Intern("path"), ecs.FilePath, set}, {ecs.Intern("name"), ecs.FileName, set}}
)

// zeekLogs by the log's name. Of two members that become one field the later counts.
var zeekLogs = map[string]zeekLog{
	"conn": {members: []zeekMember{
		{ecs.Intern("orig_ip_bytes"), ecs.SourceBytes, putDigits}, {ecs.Intern("resp_ip_bytes"), ecs.DestBytes, putDigits},
		{ecs.Intern("orig_pkts"), ecs.SourcePackets, putDigits}, {ecs.Intern("resp_pkts"), ecs.DestPackets, putDigits},
		{ecs.Intern("service"), ecs.NetProtocol, set},
	}},
	"dns": {"dns", []zeekMember{
		{ecs.Intern("query"), ecs.DNSQuestionName, set}, {ecs.Intern("qtype_name"), ecs.DNSQuestionType, set},
		{ecs.Intern("rcode_name"), ecs.DNSResponseCode, set},
	}},
	"http": {"http", []zeekMember{
		{ecs.Intern("method"), ecs.HTTPMethod, set}, {ecs.Intern("uri"), ecs.URLOriginal, putURL},
		{ecs.Intern("host"), ecs.URLDomain, set}, // behind the target: what the client asked for, whatever an absolute target says
		{ecs.Intern("status_code"), ecs.HTTPStatus, putDigits}, {ecs.Intern("user_agent"), ecs.UserAgent, set},
		{ecs.Intern("referrer"), ecs.HTTPReferrer, set}, {ecs.Intern("username"), ecs.UserName, set},
	}},
	"ssl": {"tls", []zeekMember{
		{ecs.Intern("server_name"), fTLSClientSNI, set}, {ecs.Intern("cipher"), fTLSCipher, set},
		{ecs.Intern("subject"), fTLSSubject, set}, {ecs.Intern("issuer"), fTLSIssuer, set},
		{ecs.Intern("ja3"), fTLSJA3, set}, {ecs.Intern("ja3s"), fTLSJA3S, set}, {ecs.Intern("version"), fTLSVersion, zeekTLS},
	}},
	"files": {members: []zeekMember{
		{ecs.Intern("filename"), ecs.FileName, set}, {ecs.Intern("sha256"), fFileSHA256, set},
		{ecs.Intern("sha1"), fFileSHA1, set}, {ecs.Intern("md5"), fFileMD5, set},
	}},
	"notice": {members: []zeekMember{{ecs.Intern("note"), fRuleName, set}, {ecs.Intern("msg"), ecs.Message, set}}},

	"ssh": {"ssh", zeekUser}, "smtp": {"smtp", zeekUser}, "rdp": {"rdp", zeekUser}, "sip": {"sip", zeekUser}, "snmp": {"snmp", zeekUser},
	"dhcp": {"dhcp", zeekUser}, "ntlm": {"ntlm", zeekUser}, "kerberos": {"kerberos", zeekUser}, "radius": {"radius", zeekUser},
	"mqtt": {"mqtt", zeekUser}, "mysql": {"mysql", zeekUser}, "rfb": {"rfb", zeekUser},
	"ftp": {"ftp", zeekNick}, "irc": {"irc", zeekNick},

	"dce_rpc":   {protocol: "dce_rpc"},
	"smb_files": {"smb", zeekFile}, "smb_mapping": {"smb", zeekFile}, "smb_cmd": {"smb", zeekFile},
}

// zeekTLS reads the version as Zeek writes it: "TLSv12", and "TLSv1" or "TLSv1.3" as they are.
func zeekTLS(e *ecs.Event, f ecs.Field, s string) {
	if s, ok := strings.CutPrefix(s, "TLSv"); ok {
		if len(s) == 2 {
			s = s[:1] + "." + s[1:]
		}
		set(e, f, s)
	}
}

// zeek reads one document of a log; the log's name is in _path, @stream or the dataset.
func zeek(e *ecs.Event, doc *document, dataset string) {
	path := cmp.Or(doc.v[rZeekPath], doc.v[rZeekStream])
	if path == "" {
		if name, ok := strings.CutPrefix(dataset, "zeek."); ok {
			path = name
		}
	}
	if path == "" {
		path = zeekPath(e)
	}
	log := zeekLogs[path]
	zeekFill(e, zeekConnection)
	zeekFill(e, log.members)
	set(e, ecs.NetProtocol, log.protocol)
	set(e, ecs.EventCategory, "network")
	if path != "" && !doc.has[rEventDataset] {
		set(e, ecs.EventDataset, "zeek."+path)
	}
	if path == "dns" {
		e.SetLogsource("zeek", path, "dns")
		return
	}
	e.SetLogsource("zeek", path)
}

// zeekFill fills in what members name.
func zeekFill(e *ecs.Event, members []zeekMember) {
	for i := range members {
		m := &members[i]
		m.put(e, m.to, e.Text(m.from))
	}
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

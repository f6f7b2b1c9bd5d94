package decoders

import (
	"slices"
	"strings"
	"time"

	"hoalu/ecs"
)

// role is what a member of a JSON document means to one of the decoders below; a document is looked through once and the values
// that have a role are noted, so that a decoder costs no search per field.
type role uint8

const (
	rNone role = iota

	// which document it is
	rWinChannel
	rWinEventID
	rFlatChannel
	rFlatEventID
	rEventType // Suricata
	rFlowID
	rZeekUID
	rZeekOrig
	rZeekPath
	rZeekStream
	rECSVersion
	rEventDataset
	rEventModule
	rLogFilePath
	rMessage
	rAgentType

	rReserved // the product's own word; only a trusted source may write it

	// generic
	rTime
	rHost
	rHostName
	rText
	rLevel

	// a syslog header or journal record in members
	rProgram
	rPlainProgram
	rSyslogTag
	rProcID
	rFacility
	rPriority
	rTimeReported

	// access logs
	rWebClient
	rWebStatus

	// Windows
	rComputer
	rProvider
	rWinLevel
	rWinOutcome
	rKeywords
	rWinUserID
	rWinUserName
	rWinUserDomain
	rTimeCreated
	rImage
	rProcessID
	rProcessGUID
	rCommandLine
	rCurrentDirectory
	rParentImage
	rParentProcessID
	rParentProcessGUID
	rParentCommandLine
	rParentProcessName
	rUser
	rHashes
	rTargetFilename
	rImageLoaded
	rSourceIP
	rSourcePort
	rSourceHostname
	rDestinationIP
	rDestinationPort
	rDestinationHostname
	rDestinationPortName
	rProtocol
	rInitiated
	rQueryName
	rQueryResults
	rRuleName
	rDevice
	rPipeName
	rTargetObject
	rDetails
	rSourceImage
	rSourceProcessID
	rTargetImage
	rRegEventType
	rSubjectUserName
	rSubjectDomainName
	rSubjectUserSid
	rTargetUserName
	rTargetDomainName
	rTargetUserSid
	rTargetSid
	rAccountName
	rAccountDomain
	rIPAddress
	rIPPort
	rWorkstation
	rProcessName
	rNewProcessName
	rNewProcessID
	rCallerProcessName
	rCallerProcessID
	rApplication
	rSourceAddress
	rDestAddress
	rDestPort
	rDirection
	rServiceName
	rServiceFile
	rLogonType
	rClientAddress
	rParam1
	rParam2
	rParam3
	rContextInfo
	rScriptBlock
	rTargetUser
	rFilePath
	rFileHash
	rFullFilePath
	rUTCTime

	// Suricata and Zeek
	rSrcIP
	rSrcPort
	rDstIP
	rDstPort
	rProto
	rAppProto
	rTimestamp
	rInIface
	rVLAN
	rCommunityID
	rSrcMAC
	rDstMAC
	rAlertSignature
	rAlertID
	rAlertCategory
	rAlertAction
	rAlertSeverity
	rHTTPHostname
	rHTTPURL
	rHTTPMethod
	rHTTPStatus
	rHTTPUserAgent
	rHTTPReferrer
	rHTTPLength
	rBytesToServer
	rBytesToClient
	rPktsToServer
	rPktsToClient
	rTLSVersion
	rTLSSNI
	rTLSSubject
	rTLSIssuer
	rTLSFingerprint
	rJA3
	rJA3S
	rTLSNotBefore
	rTLSNotAfter
	rTLSSerial
	rDNSName
	rDNSType
	rDNSRCode
	rDNSKind
	rFileName
	rFileSize
	rFileSHA256
	rFileMD5
	rFileSHA1
	rSSHClient
	rSSHServer
	rFlowStart
	rZeekService
	rZeekDuration
	rZeekTS
	rZeekHost
	rZeekURI
	rZeekUser
	rZeekMIME
	rZeekCipher
	rZeekSeen

	roleCount
)

// document is what was noted while a JSON document was looked through.
type document struct {
	v   [roleCount]string
	has [roleCount]bool
}

// names of members by role.
var names = map[role][]string{
	rWinChannel:   {"winlog.channel", "Event.System.Channel"},
	rWinEventID:   {"winlog.event_id", "Event.System.EventID", "Event.System.EventID.#text", "winlog.event_id.#text"},
	rFlatChannel:  {"Channel", "channel", "LogName"},
	rFlatEventID:  {"EventID", "EventId", "event_id"},
	rEventType:    {"event_type"},
	rFlowID:       {"flow_id"},
	rZeekUID:      {"uid"},
	rZeekOrig:     {"id.orig_h"},
	rZeekPath:     {"_path"},
	rZeekStream:   {"@stream"},
	rECSVersion:   {"ecs.version"},
	rEventDataset: {"event.dataset", "data_stream.dataset"},
	rEventModule:  {"event.module"},
	rLogFilePath:  {"log.file.path"},
	rMessage:      {"message"},
	rAgentType:    {"agent.type"},

	rTime: {"time", "ts", "eventTime", "event_time", "date", "datetime", "_time", "TimeCreated", "EventTime", "creationTime", "published",
		"asctime", "@t", "t.$date"},
	// An untrusted sender that marks its events as exercise, sample or protected would hide them.
	rReserved: {"hoalu.time_suspect", "hoalu.unparsed", "hoalu.exercise", "hoalu.demo", "hoalu.identifier", "hoalu.unit.id", "hoalu.level",
		"hoalu.zone", "hoalu.asset.id", "hoalu.sender_timestamp"},

	rHost: {"host", "hostname", "Hostname", "HOSTNAME", "Computer", "computer", "syslog_hostname", "HOST", "fromhost",
		"log.syslog.hostname", "agent.hostname", "host.hostname", "kubernetes.host", "_HOSTNAME"},
	rHostName: {"host.name"},
	rText:     {"msg", "log", "MESSAGE", "Message", "short_message", "event.message", "@m", "body"},
	rLevel: {"level", "severity", "loglevel", "lvl", "levelname", "@l", "PRIORITY", "log.syslog.severity.code", "syslog.priority",
		"syslogseverity", "syslogseverity-text", "syslog_severity", "severity_label"},

	rProgram: {"SYSLOG_IDENTIFIER", "PROGRAM", "programname", "appname", "ident", "log.syslog.appname", "syslog.identifier",
		"process.program", "syslog_program", "syslog_identifier"},
	rPlainProgram: {"process.name"},
	rSyslogTag:    {"syslogtag"},
	rProcID:       {"SYSLOG_PID", "_PID", "PID", "procid", "log.syslog.procid", "syslog.pid", "process.pid", "pid"},
	rFacility: {"facility", "FACILITY", "SYSLOG_FACILITY", "log.syslog.facility.code", "syslog.facility", "syslog_facility",
		"syslogfacility", "syslogfacility-text", "facility_label"},
	rPriority:     {"pri", "priority", "syslog_pri", "log.syslog.priority"},
	rTimeReported: {"timereported", "ISODATE", "__REALTIME_TIMESTAMP"},

	rWebClient: {"remote_addr", "remote_ip", "remoteIP", "remoteAddr", "clientip", "client_ip", "clientIP", "request.remote_ip",
		"request.client_ip", "ClientHost"},
	rWebStatus: {"status", "status_code", "response", "http_status", "DownstreamStatus"},

	rComputer:      {"winlog.computer_name", "Event.System.Computer"},
	rProvider:      {"winlog.provider_name", "Event.System.Provider.#attributes.Name", "Provider_Name", "SourceName"},
	rWinLevel:      {"winlog.level"},
	rWinOutcome:    {"winlog.outcome"},
	rKeywords:      {"winlog.keywords"},
	rWinUserID:     {"winlog.user.identifier"},
	rWinUserName:   {"winlog.user.name"},
	rWinUserDomain: {"winlog.user.domain"},
	rTimeCreated:   {"winlog.time_created", "Event.System.TimeCreated.#attributes.SystemTime"},

	rTimestamp: {"timestamp"}, rSrcIP: {"src_ip"}, rSrcPort: {"src_port"}, rDstIP: {"dest_ip"}, rDstPort: {"dest_port"}, rProto: {"proto"},
	rAppProto: {"app_proto"},
	rInIface:  {"in_iface"}, rVLAN: {"vlan"}, rCommunityID: {"community_id"}, rSrcMAC: {"ether.src_mac"}, rDstMAC: {"ether.dest_mac"},
	rAlertSignature: {"alert.signature"}, rAlertID: {"alert.signature_id"}, rAlertCategory: {"alert.category"}, rAlertAction: {"alert.action"},
	rAlertSeverity: {"alert.severity"},
	rHTTPHostname:  {"http.hostname"}, rHTTPURL: {"http.url"}, rHTTPMethod: {"http.http_method"}, rHTTPStatus: {"http.status"},
	rHTTPUserAgent: {"http.http_user_agent"}, rHTTPReferrer: {"http.http_refer"}, rHTTPLength: {"http.length"},
	rBytesToServer: {"flow.bytes_toserver"}, rBytesToClient: {"flow.bytes_toclient"}, rPktsToServer: {"flow.pkts_toserver"},
	rPktsToClient: {"flow.pkts_toclient"}, rFlowStart: {"flow.start"},
	rTLSVersion: {"tls.version"}, rTLSSNI: {"tls.sni"}, rTLSSubject: {"tls.subject"}, rTLSIssuer: {"tls.issuerdn"},
	rTLSFingerprint: {"tls.fingerprint"}, rJA3: {"tls.ja3.hash"}, rJA3S: {"tls.ja3s.hash"}, rTLSNotBefore: {"tls.notbefore"},
	rTLSNotAfter: {"tls.notafter"}, rTLSSerial: {"tls.serial"},
	rDNSName: {"dns.rrname", "dns.queries.rrname", "dns.query.rrname"}, rDNSType: {"dns.rrtype", "dns.queries.rrtype", "dns.query.rrtype"},
	rDNSRCode: {"dns.rcode"}, rDNSKind: {"dns.type"},
	rFileName: {"fileinfo.filename", "files.filename", "filename"}, rFileSize: {"fileinfo.size"}, rFileSHA256: {"fileinfo.sha256", "sha256"},
	rFileMD5: {"fileinfo.md5", "md5"}, rFileSHA1: {"fileinfo.sha1", "sha1"},
	rSSHClient: {"ssh.client.software_version"}, rSSHServer: {"ssh.server.software_version"},
	rZeekService: {"service"}, rZeekDuration: {"duration"}, rZeekHost: {"Host"}, rZeekURI: {"uri"}, rZeekMIME: {"mime_type"},
	rZeekCipher: {"cipher"}, rZeekSeen: {"seen.indicator"},
}

// eventData are the members of Windows event data, found under winlog.event_data, winlog.user_data, Event.EventData and, in
// flattened documents, at the top.
var eventData = map[role][]string{
	rImage: {"Image"}, rProcessID: {"ProcessId", "ProcessID"}, rProcessGUID: {"ProcessGuid"},
	rCommandLine: {"CommandLine", "ProcessCommandLine"}, rCurrentDirectory: {"CurrentDirectory"},
	rParentImage: {"ParentImage"}, rParentProcessID: {"ParentProcessId"}, rParentProcessGUID: {"ParentProcessGuid"},
	rParentCommandLine: {"ParentCommandLine"}, rParentProcessName: {"ParentProcessName"},
	rUser: {"User"}, rHashes: {"Hashes", "Hash"}, rTargetFilename: {"TargetFilename"}, rImageLoaded: {"ImageLoaded"},
	rSourceIP: {"SourceIp"}, rSourcePort: {"SourcePort"}, rSourceHostname: {"SourceHostname"}, rDestinationIP: {"DestinationIp"},
	rDestinationPort: {"DestinationPort"}, rDestinationHostname: {"DestinationHostname"}, rDestinationPortName: {"DestinationPortName"},
	rProtocol: {"Protocol"}, rInitiated: {"Initiated"}, rQueryName: {"QueryName"}, rQueryResults: {"QueryResults"}, rRuleName: {"RuleName"},
	rDevice: {"Device"}, rPipeName: {"PipeName"}, rTargetObject: {"TargetObject"}, rDetails: {"Details"},
	rSourceImage: {"SourceImage"}, rSourceProcessID: {"SourceProcessId"}, rTargetImage: {"TargetImage"}, rRegEventType: {"EventType"},
	rSubjectUserName: {"SubjectUserName"}, rSubjectDomainName: {"SubjectDomainName"}, rSubjectUserSid: {"SubjectUserSid"},
	rTargetUserName: {"TargetUserName"}, rTargetDomainName: {"TargetDomainName"}, rTargetUserSid: {"TargetUserSid"}, rTargetSid: {"TargetSid"},
	rAccountName: {"AccountName"}, rAccountDomain: {"AccountDomain"}, rIPAddress: {"IpAddress"}, rIPPort: {"IpPort"},
	rWorkstation: {"WorkstationName", "Workstation"},
	rProcessName: {"ProcessName"}, rNewProcessName: {"NewProcessName"}, rNewProcessID: {"NewProcessId"},
	rCallerProcessName: {"CallerProcessName"}, rCallerProcessID: {"CallerProcessId"},
	rApplication: {"Application"}, rSourceAddress: {"SourceAddress"}, rDestAddress: {"DestAddress"}, rDestPort: {"DestPort"},
	rDirection:   {"Direction"},
	rServiceName: {"ServiceName"}, rServiceFile: {"ServiceFileName", "ImagePath"}, rLogonType: {"LogonType"},
	rClientAddress: {"ClientAddress"},
	rParam1:        {"param1"}, rParam2: {"param2"}, rParam3: {"param3"}, rContextInfo: {"ContextInfo"}, rScriptBlock: {"ScriptBlockText"},
	rTargetUser: {"TargetUser"}, rFilePath: {"FilePath"}, rFileHash: {"FileHash"}, rFullFilePath: {"FullFilePath"}, rUTCTime: {"UtcTime"},
}

// roles is indexed by Field: names interned while the program starts have small numbers.
var roles = func() []role {
	m := map[ecs.Field]role{}
	top := ecs.Field(0)
	add := func(name string, r role) {
		f := ecs.Intern(name)
		if _, taken := m[f]; taken {
			panic("decoders: member " + name + " has two roles")
		}
		m[f] = r
		top = max(top, f)
	}
	for r, list := range names {
		for _, n := range list {
			add(n, r)
		}
	}
	for r, list := range eventData {
		for _, n := range list {
			add("winlog.event_data."+n, r)
			add("winlog.user_data."+n, r)
			add("Event.EventData."+n, r)
			add(n, r)
		}
	}
	out := make([]role, top+1)
	for f, r := range m {
		out[f] = r
	}
	return out
}()

// note looks through e once.
func (doc *document) note(e *ecs.Event) {
	*doc = document{}
	for i := range e.Len() {
		f, v := e.At(i)
		if int(f) >= len(roles) {
			continue
		}
		if r := roles[f]; r != rNone && !doc.has[r] && v.Kind != ecs.Null {
			doc.v[r], doc.has[r] = v.Text, true
		}
	}
}

// decodeJSON reads a JSON document.
func (d *Decoder) decodeJSON(e *ecs.Event, data []byte, o Options) error {
	if err := d.json.Parse(e, data); err != nil {
		return err
	}
	doc := &d.doc
	doc.note(e)

	var product, service string
	var categories []string
	if doc.has[rReserved] && !o.Trust {
		for _, n := range names[rReserved] {
			e.Delete(ecs.Intern(n))
		}
	}
	trusted := o.Trust && (e.Has(ecs.LogsourceProduct) || e.Has(ecs.LogsourceService) || e.Has(ecs.LogsourceCategory))
	if trusted {
		l := e.Logsource()
		product, service = l.Product, l.Service
		categories = slices.DeleteFunc(l.Category, func(c string) bool { return c == "" }) // "category": null
	}
	e.Delete(ecs.LogsourceProduct)
	e.Delete(ecs.LogsourceService)
	e.Delete(ecs.LogsourceCategory)

	d.documentByShape(e, doc, o, trusted)
	d.generic(e, doc, o)
	if d.trusted = trusted; trusted {
		e.SetLogsource(product, service, categories...)
	}
	return nil
}

// shipped decodes the text line that a shipper (Filebeat, Fluent Bit, Vector) carried in a document, when the document does not
// look parsed already.
func (d *Decoder) shipped(e *ecs.Event, doc *document, o Options, dataset string) {
	if d.relayed(e, doc, o) {
		return
	}
	line := doc.v[rMessage]
	if line == "" && doc.has[rText] && e.Has(fLog) { // Fluent Bit, Docker: "log"
		line = strings.TrimRight(doc.v[rText], "\r\n")
	}
	if line == "" || doc.has[rECSVersion] && (e.Has(ecs.HTTPStatus) || e.Has(ecs.SourceIP) || e.Has(ecs.ProcessName) && dataset == "") {
		return
	}
	if !d.set.Known(dataset) {
		dataset = datasetOfFile(doc.v[rLogFilePath], doc.v[rEventModule])
	}
	if line[0] == '{' { // JSON in JSON
		if dataset != "" || doc.has[rLogFilePath] || e.Has(fLog) {
			d.inner(e, line, Options{Dataset: dataset, Zone: o.Zone})
		}
		return
	}
	if strings.HasPrefix(line, "<Event") && d.windowsXML(e, line) {
		return
	}
	if dataset == "" { // a shipper that says nothing of its file: the line must say itself what it is
		if h := readHeader(line, e.Created, o.Zone); !h.timed || !d.set.host(h.app) && !h.sure() {
			return
		}
	}
	host := e.Text(ecs.HostName)
	at := e.Time
	if d.text(e, line, Options{Dataset: dataset, Zone: o.Zone}, false) {
		e.AddString(ecs.EventOriginal, line)
		if e.Text(fLog) == doc.v[rText] { // the line once more; below "log" ECS has other things
			e.Delete(fLog)
		}
		if host != "" { // the agent knows its host's name better than a line that may have been relayed into a file
			e.SetString(ecs.HostName, host)
		}
		if e.Time == 0 {
			e.Time = at
		}
	} else {
		e.Time = at
	}
}

var (
	fLog = ecs.Intern("log")
)

// inner merges a document that was carried as text.
func (d *Decoder) inner(e *ecs.Event, s string, o Options) {
	saved := d.doc
	d.embedded(e, s, o)
	d.doc = saved
}

// datasetOfFile guesses a format from the file a shipper read.
func datasetOfFile(path, module string) string {
	if path == "" {
		return ""
	}
	path = strings.ReplaceAll(path, `\`, "/")
	name := path[strings.LastIndexByte(path, '/')+1:]
	dir := strings.ToLower(path[:len(path)-len(name)])
	switch {
	case strings.HasPrefix(name, "auth.log"), strings.HasPrefix(name, "secure"):
		return "linux.auth"
	case strings.HasPrefix(name, "syslog"), strings.HasPrefix(name, "messages"), strings.HasPrefix(name, "cron"),
		strings.HasPrefix(name, "kern.log"):
		return "linux.syslog"
	case strings.HasPrefix(name, "audit.log") && strings.Contains(dir, "audit"):
		return "linux.auditd"
	case strings.HasPrefix(name, "eve") && strings.Contains(name, "json"):
		return "suricata.eve"
	case strings.Contains(dir, "nginx") || module == "nginx":
		if strings.Contains(name, "error") {
			return "nginx.error"
		}
		return "nginx.access"
	case strings.Contains(dir, "apache") || strings.Contains(dir, "httpd") || module == "apache":
		if strings.Contains(name, "error") {
			return "apache.error"
		}
		return "apache.access"
	}
	return ""
}

// generic maps what almost every document has, whatever its names: time, host and message. The document's own names stay.
func (d *Decoder) generic(e *ecs.Event, doc *document, o Options) {
	zone := utc
	if o.told {
		zone = o.Zone
	}
	if e.Time == 0 {
		for _, r := range [...]role{rTimeReported, rTimestamp, rTimeCreated, rTime, rUTCTime} {
			if doc.has[r] {
				if t, ok := anyTime(doc.v[r], zone); ok {
					e.Time = t
					break
				}
			}
		}
	}
	if !e.Has(ecs.HostName) && doc.has[rHost] && hostLike(doc.v[rHost]) {
		e.AddString(ecs.HostName, doc.v[rHost])
	}
	if !doc.has[rMessage] && doc.has[rText] && !e.Has(ecs.Message) {
		e.AddString(ecs.Message, strings.TrimRight(doc.v[rText], "\r\n"))
	}
	if !e.Has(ecs.LogLevel) && doc.has[rLevel] && len(doc.v[rLevel]) < 16 && !digits(doc.v[rLevel]) {
		e.AddString(ecs.LogLevel, doc.v[rLevel])
	}
}

// anyTime reads a document's time as text or number. Without a zone it is of zone: what the operator set for the source, else UTC as
// writers of JSON mean it.
func anyTime(s string, zone *time.Location) (int64, bool) {
	if t, n := isoTime(s, zone); n > 0 {
		return t, true
	}
	if len(s) > 15 && len(s) < 20 && digits(s) { // micro- and nanoseconds
		return numberTime(s)
	}
	if t, ok := ecs.ParseTime(s, ecs.String); ok {
		return t, true
	}
	if t, ok := commonTime(s, zone); ok {
		return t, true
	}
	return 0, false
}

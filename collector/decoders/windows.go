package decoders

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"hoalu/ecs"
)

var utc = time.UTC

// Windows events as Winlogbeat sends them (winlog.*), as evtx_dump writes them (Event.System, Event.EventData) and flattened.
// The source fields stay: ECS folds several of them into one (the maps of pySigma lose values in 1.4 % of events), so rules are
// resolved against the originals first.

// channels gives the Sigma service of a channel, as pySigma's windows pipeline.
var channels = map[string]string{
	"security": "security", "system": "system", "application": "application",
	"microsoft-windows-sysmon/operational":     "sysmon",
	"windows powershell":                       "powershell-classic",
	"microsoft-windows-powershell/operational": "powershell", "powershellcore/operational": "powershell",
	"microsoft-windows-taskscheduler/operational": "taskscheduler",
	"microsoft-windows-wmi-activity/operational":  "wmi",
	"dns server":                           "dns-server",
	"microsoft-windows-dns-server/audit":   "dns-server-audit",
	"microsoft-windows-dnsserver/analytic": "dns-server-analytic", "microsoft-windows-dns-server/analytical": "dns-server-analytic",
	"microsoft-windows-driverframeworks-usermode/operational": "driver-framework",
	"microsoft-windows-ntlm/operational":                      "ntlm",
	"microsoft-windows-dhcp-server/operational":               "dhcp",
	"msexchange management":                                   "msexchange-management",
	"microsoft-windows-applocker/msi and script":              "applocker", "microsoft-windows-applocker/exe and dll": "applocker",
	"microsoft-windows-applocker/packaged app-deployment": "applocker", "microsoft-windows-applocker/packaged app-execution": "applocker",
	"microsoft-windows-printservice/admin": "printservice-admin", "microsoft-windows-printservice/operational": "printservice-operational",
	"microsoft-windows-terminalservices-localsessionmanager/operational":       "terminalservices-localsessionmanager",
	"microsoft-windows-codeintegrity/operational":                              "codeintegrity-operational",
	"microsoft-windows-smbclient/security":                                     "smbclient-security",
	"microsoft-windows-smbclient/connectivity":                                 "smbclient-connectivity",
	"microsoft-windows-smbserver/connectivity":                                 "smbserver-connectivity",
	"microsoft-windows-windows defender/operational":                           "windefend",
	"microsoft-windows-bits-client/operational":                                "bits-client",
	"microsoft-windows-windows firewall with advanced security/firewall":       "firewall-as",
	"microsoft-windows-ldap-client/debug":                                      "ldap",
	"microsoft-windows-security-mitigations/kernel mode":                       "security-mitigations",
	"microsoft-windows-security-mitigations/user mode":                         "security-mitigations",
	"microsoft-windows-vhdmp-operational":                                      "vhdmp",
	"microsoft-windows-vhdmp/operational":                                      "vhdmp",
	"microsoft-windows-appxdeploymentserver/operational":                       "appxdeployment-server",
	"microsoft-windows-appxpackagingom/operational":                            "appxpackaging-om",
	"microsoft-windows-appmodel-runtime/admin":                                 "appmodel-runtime",
	"microsoft-windows-lsa/operational":                                        "lsa-server",
	"microsoft-windows-capi2/operational":                                      "capi2",
	"microsoft-windows-shell-core/operational":                                 "shell-core",
	"openssh/operational":                                                      "openssh",
	"microsoft-windows-dns client events/operational":                          "dns-client",
	"microsoft-windows-dns-client/operational":                                 "dns-client",
	"microsoft-windows-diagnosis-scripted/operational":                         "diagnosis-scripted",
	"microsoft-servicebus-client":                                              "microsoft-servicebus-client",
	"microsoft-iis-configuration/operational":                                  "iis-configuration",
	"microsoft-windows-certificateservicesclient-lifecycle-system/operational": "certificateservicesclient-lifecycle-system",
	"microsoft-windows-hyper-v-worker":                                         "hyper-v-worker",
	"microsoft-windows-kernel-eventtracing/admin":                              "kernel-event-tracing",
	"microsoft-windows-kernel-shimengine/operational":                          "kernel-shimengine",
	"microsoft-windows-sense/operational":                                      "sense",
	"microsoft-windows-ntfs/operational":                                       "ntfs",
}

// sysmonCategories gives the Sigma categories of a Sysmon event id, as pySigma's sysmon pipeline.
var sysmonCategories = map[string][]string{
	"1": {"process_creation"}, "2": {"file_change"}, "3": {"network_connection"}, "4": {"sysmon_status"}, "5": {"process_termination"},
	"6": {"driver_load"}, "7": {"image_load"},
	"8": {"create_remote_thread"}, "9": {"raw_access_thread"}, "10": {"process_access"}, "11": {"file_event"},
	"13": {"registry_set", "registry_event"}, "14": {"registry_rename", "registry_event"},
	"15": {"create_stream_hash"}, "16": {"sysmon_status"}, "17": {"pipe_created"}, "18": {"pipe_created"}, "19": {"wmi_event"},
	"20": {"wmi_event"}, "21": {"wmi_event"}, "22": {"dns_query"},
	"23": {"file_delete"}, "24": {"clipboard_capture"}, "25": {"process_tampering"}, "26": {"file_delete"}, "27": {"file_block_executable"},
	"28": {"file_block_shredding"}, "29": {"file_executable_detected"}, "255": {"sysmon_error"},
}

// windowsLogsource is the logsource of an event of a channel; eventType tells the registry's creations and deletions apart.
func windowsLogsource(channel, id, eventType string) (service string, categories []string) {
	service = channels[channel]
	if service == "" {
		service = channels[strings.ToLower(channel)]
	}
	switch service {
	case "sysmon":
		if id == "12" {
			switch eventType {
			case "CreateKey":
				return service, []string{"registry_event", "registry_add"}
			case "DeleteKey", "DeleteValue":
				return service, []string{"registry_event", "registry_delete"}
			}
			return service, []string{"registry_event"}
		}
		categories = sysmonCategories[id]
	case "security":
		if id == "4688" {
			categories = []string{"process_creation"}
		}
	case "powershell":
		switch id {
		case "4103":
			categories = []string{"ps_module"}
		case "4104":
			categories = []string{"ps_script"}
		}
	case "powershell-classic":
		switch id {
		case "400":
			categories = []string{"ps_classic_start"}
		case "600":
			categories = []string{"ps_classic_provider_start"}
		case "800":
			categories = []string{"ps_classic_script"}
		}
	}
	return service, categories
}

var (
	fUserTargetName    = ecs.Intern("user.target.name")
	fUserTargetDomain  = ecs.Intern("user.target.domain")
	fUserTargetID      = ecs.Intern("user.target.id")
	fUserEffName       = ecs.Intern("user.effective.name")
	fUserEffDomain     = ecs.Intern("user.effective.domain")
	fEntityID          = ecs.Intern("process.entity_id")
	fParentEntityID    = ecs.Intern("process.parent.entity_id")
	fRegistryPath      = ecs.Intern("registry.path")
	fRegistryData      = ecs.Intern("registry.data.strings")
	fServiceName       = ecs.Intern("service.name")
	fLogonType         = ecs.Intern("winlog.logon.type")
	fPipeName          = ecs.Intern("file.name")
	fScriptBlockText   = ecs.Intern("powershell.file.script_block_text")
	fDNSResolvedIP     = ecs.Intern("dns.resolved_ip")
	fEventProvider     = ecs.Intern("event.provider")
	fDLLPath           = ecs.Intern("dll.path")
	fTargetProcessPath = ecs.Intern("hoalu.target.process.executable")
)

// dash gives "" for Windows' "-".
func dash(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// pidOf reads a pid in decimal or, as the Security log writes it, hexadecimal.
func pidOf(s string) (int64, bool) {
	if h, ok := strings.CutPrefix(s, "0x"); ok {
		n, err := strconv.ParseInt(h, 16, 64)
		return n, err == nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func putDashed(e *ecs.Event, f ecs.Field, s string) { set(e, f, dash(s)) }

// putBase sets the name of a file by its path.
func putBase(e *ecs.Event, f ecs.Field, path string) { set(e, f, baseName(dash(path))) }

func putPID(e *ecs.Event, f ecs.Field, s string) {
	if n, ok := pidOf(s); ok {
		e.Set(f, strconv.FormatInt(n, 10), ecs.Number)
	}
}

func baseName(path string) string {
	return path[strings.LastIndexAny(path, `\/`)+1:]
}

// putProcess stores an executable and pid.
func putProcess(e *ecs.Event, image, pid string) {
	if image = dash(image); image != "" {
		set(e, ecs.ProcessExecutable, image)
		set(e, ecs.ProcessName, baseName(image))
	}
	if n, ok := pidOf(pid); ok && (n > 0 || image != "") {
		e.Set(ecs.ProcessPID, strconv.FormatInt(n, 10), ecs.Number)
	}
}

// putAddress stores an IP of Windows, where "-", "::1", "::ffff:1.2.3.4" and "LOCAL" occur.
func putAddress(e *ecs.Event, f ecs.Field, s string) {
	s = strings.TrimPrefix(dash(s), "::ffff:")
	if isIP(s) {
		e.SetString(f, s)
	}
}

func putPort(e *ecs.Event, f ecs.Field, s string) {
	if digits(s) && s != "0" {
		setNumber(e, f, s)
	}
}

func (d *Decoder) windows(e *ecs.Event, doc *document) {
	v := &doc.v
	channel, id := v[rWinChannel], v[rWinEventID]
	flat := channel == "" && id == ""
	if flat {
		channel, id = v[rFlatChannel], v[rFlatEventID]
	}
	service, categories := windowsLogsource(channel, id, v[rRegEventType])
	product := "windows"
	if strings.EqualFold(channel, "Linux-Sysmon/Operational") { // Sysmon for Linux writes the same events
		product, service = "linux", "sysmon"
		categories = sysmonCategories[id]
	}
	if !e.Has(ecs.EventCode) && id != "" {
		e.AddString(ecs.EventCode, id)
	}
	if !e.Has(ecs.HostName) {
		set(e, ecs.HostName, v[rComputer])
	}
	if !e.Has(ecs.LogLevel) {
		set(e, ecs.LogLevel, v[rWinLevel])
	}
	if !e.Has(fEventProvider) {
		set(e, fEventProvider, v[rProvider])
	}
	if e.Time == 0 {
		if t, ok := anyTime(v[rTimeCreated], utc); ok {
			e.Time = t
		}
	}
	if !e.Has(ecs.EventOutcome) {
		switch {
		case v[rWinOutcome] != "":
			set(e, ecs.EventOutcome, v[rWinOutcome])
		case v[rKeywords] == "Audit Success":
			set(e, ecs.EventOutcome, "success")
		case v[rKeywords] == "Audit Failure":
			set(e, ecs.EventOutcome, "failure")
		}
	}
	switch service {
	case "sysmon":
		sysmon(e, doc, id)
	case "security":
		security(e, doc, id)
	case "powershell", "powershell-classic":
		powershell(e, doc)
	case "applocker":
		set(e, ecs.UserID, v[rTargetUser])
		set(e, fFileSHA256, v[rFileHash])
		p := v[rFullFilePath]
		if p == "" || p == "-" {
			p = v[rFilePath]
		}
		if p = dash(p); p != "" {
			set(e, ecs.FilePath, p)
			set(e, ecs.FileName, baseName(p))
		}
		set(e, ecs.UserName, v[rWinUserName])
		set(e, ecs.UserDomain, v[rWinUserDomain])
	default:
		set(e, ecs.UserName, v[rWinUserName])
		set(e, ecs.UserDomain, v[rWinUserDomain])
		set(e, ecs.UserID, v[rWinUserID])
		if service == "system" || service == "application" {
			set(e, fServiceName, v[rServiceName])
		}
	}
	if !doc.has[rEventDataset] {
		name := product + ".forwarded"
		if service != "" {
			name = product + "." + service
		}
		set(e, ecs.EventDataset, name)
	}
	e.SetLogsource(product, service, categories...)
}

func domainUser(e *ecs.Event, s string) {
	if s = dash(s); s == "" {
		return
	}
	if domain, name, ok := strings.Cut(s, `\`); ok {
		set(e, ecs.UserDomain, domain)
		set(e, ecs.UserName, name)
	} else {
		set(e, ecs.UserName, s)
	}
}

var hashFields = map[string][2]ecs.Field{
	"MD5":     {ecs.Intern("process.hash.md5"), ecs.Intern("file.hash.md5")},
	"SHA1":    {ecs.Intern("process.hash.sha1"), ecs.Intern("file.hash.sha1")},
	"SHA256":  {ecs.Intern("process.hash.sha256"), ecs.Intern("file.hash.sha256")},
	"IMPHASH": {ecs.Intern("process.pe.imphash"), ecs.Intern("file.pe.imphash")},
}

var fFileSHA256, fFileSHA1, fFileMD5 = hashFields["SHA256"][1], hashFields["SHA1"][1], hashFields["MD5"][1]

// putHashes reads "SHA1=…,MD5=…".
func putHashes(e *ecs.Event, s string, file int) {
	for s = dash(s); s != ""; {
		var part string
		part, s, _ = strings.Cut(s, ",")
		k, v, ok := strings.Cut(part, "=")
		if f, known := hashFields[k]; ok && known && v != "" {
			putHash(e, f[file], v)
		}
	}
}

// putHash sets f to a hash in small letters.
func putHash(e *ecs.Event, f ecs.Field, v string) {
	var low [128]byte
	for i := 0; i < len(v) && len(v) <= len(low); i++ {
		c := v[i]
		if c-'0' > 9 {
			if c |= 0x20; c-'a' > 'f'-'a' { // no hash
				set(e, f, strings.ToLower(v))
				return
			}
		}
		low[i] = c
	}
	if len(v) > len(low) || e.Has(f) {
		set(e, f, strings.ToLower(v))
		return
	}
	e.AddBytes(f, low[:len(v)], ecs.String)
}

// dataMember is a member of the event data and the ECS field that it becomes.
type dataMember struct {
	from role
	to   ecs.Field
	put  put
}

// fill fills in what members name.
func (doc *document) fill(e *ecs.Event, members []dataMember) {
	for i := range members {
		m := &members[i]
		m.put(e, m.to, doc.v[m.from])
	}
}

// sysmonEvent is what an event of Sysmon has beside the process that did it.
type sysmonEvent struct {
	protocol, category, typ string // network.protocol, event.category, event.type
	members                 []dataMember
}

var (
	sysmonImage = []dataMember{
		{rImageLoaded, fDLLPath, putDashed}, {rImageLoaded, ecs.FilePath, putDashed}, {rImageLoaded, ecs.FileName, putBase}, fileHashes,
	}
	sysmonPipe     = []dataMember{{rPipeName, fPipeName, set}}
	sysmonRegistry = []dataMember{{rTargetObject, fRegistryPath, set}, {rDetails, fRegistryData, set}}

	processHashes = dataMember{rHashes, 0, func(e *ecs.Event, _ ecs.Field, s string) { putHashes(e, s, 0) }}
	fileHashes    = dataMember{rHashes, 0, func(e *ecs.Event, _ ecs.Field, s string) { putHashes(e, s, 1) }}
)

// sysmonEvents by event id.
var sysmonEvents = map[string]sysmonEvent{
	"1": {category: "process", typ: "start", members: []dataMember{
		{rCommandLine, ecs.ProcessCommandLine, set}, {rCurrentDirectory, fWorkDir, set},
		{rParentImage, ecs.ParentExecutable, putDashed}, {rParentImage, ecs.ParentName, putBase},
		{rParentCommandLine, ecs.ParentCommandLine, putDashed}, {rParentProcessGUID, fParentEntityID, set},
		{rParentProcessID, ecs.ParentPID, putPID}, processHashes,
	}},
	"3": {category: "network", members: []dataMember{
		{rSourceIP, ecs.SourceIP, putAddress}, {rSourcePort, ecs.SourcePort, putPort}, {rSourceHostname, fSourceDomain, putDashed},
		{rDestinationIP, ecs.DestIP, putAddress}, {rDestinationPort, ecs.DestPort, putPort},
		{rDestinationHostname, ecs.DestDomain, putDashed}, {rProtocol, ecs.NetTransport, set},
		{rDestinationPortName, ecs.NetProtocol, putDashed},
		{rInitiated, ecs.NetDirection, oneOf(map[string]string{"true": "egress", "false": "ingress"})},
	}},
	"6": {members: sysmonImage}, "7": {members: sysmonImage},
	"9":  {members: []dataMember{{rDevice, ecs.FilePath, putDashed}, {rDevice, ecs.FileName, putBase}}},
	"12": {category: "registry", members: sysmonRegistry}, "13": {category: "registry", members: sysmonRegistry},
	"14": {category: "registry", members: sysmonRegistry},
	"17": {members: sysmonPipe}, "18": {members: sysmonPipe},
	"22": {protocol: "dns", category: "network", members: []dataMember{
		{rQueryName, ecs.DNSQuestionName, set}, {rQueryResults, fDNSResolvedIP, addAddresses},
	}},
}

// sysmonOther is every other event; its hashes are of a file where it has any.
var sysmonOther = sysmonEvent{members: []dataMember{fileHashes}}

// addAddresses adds the addresses in a list as the DNS client writes it: "type:  5 name.vn;::ffff:1.2.3.4;".
func addAddresses(e *ecs.Event, f ecs.Field, s string) {
	for s != "" {
		var part string
		part, s, _ = strings.Cut(s, ";")
		if part = strings.TrimPrefix(part, "::ffff:"); isIP(part) {
			e.AddString(f, part)
		}
	}
}

func sysmon(e *ecs.Event, doc *document, id string) {
	v := &doc.v
	if t, n := isoTime(v[rUTCTime], utc); n > 0 && doc.has[rWinChannel] { // when it happened; the log writes it later
		e.Time = t
	}
	image, pid := v[rImage], v[rProcessID]
	if id == "8" || id == "10" {
		image, pid = v[rSourceImage], v[rSourceProcessID]
		set(e, fTargetProcessPath, v[rTargetImage])
	}
	putProcess(e, image, pid)
	if image == "System" { // the kernel is no file
		e.Delete(ecs.ProcessName)
		set(e, ecs.ProcessName, "System")
	}
	set(e, fEntityID, v[rProcessGUID])
	domainUser(e, v[rUser])
	if r := dash(v[rRuleName]); r != "" {
		if _, technique, ok := strings.Cut(r, "technique_name="); ok {
			set(e, fRuleName, technique)
		} else {
			set(e, fRuleName, r)
		}
	}
	event, ok := sysmonEvents[id]
	if !ok {
		event = sysmonOther
	}
	doc.fill(e, event.members)
	set(e, ecs.NetProtocol, event.protocol)
	set(e, ecs.EventCategory, event.category)
	set(e, ecs.EventType, event.typ)
	if t := dash(v[rTargetFilename]); t != "" {
		set(e, ecs.FilePath, t)
		set(e, ecs.FileName, baseName(t))
		set(e, ecs.EventCategory, "file")
	}
}

// eventIDs is a set of them.
func eventIDs(list ...string) map[string]bool {
	out := map[string]bool{}
	for _, id := range list {
		out[id] = true
	}
	return out
}

var (
	// logonEvents are those whose user is the one who logs on, not the one who asked for it.
	logonEvents = eventIDs("4624", "4625", "4634", "4646", "4647", "4649", "4768", "4769", "4770", "4771", "4772", "4773", "4774", "4775", "4776",
		"4777", "4800", "4801", "4802", "4803", "4964")
	// authenticationEvents are those of event.category authentication.
	authenticationEvents = eventIDs("4624", "4625", "4648", "4768", "4769", "4771", "4776", "4778", "4779")
	// accountEvents change an account or a group: event.category iam.
	accountEvents = eventIDs("4720", "4722", "4723", "4724", "4725", "4726", "4727", "4728", "4729", "4730", "4731", "4732", "4733", "4734", "4735",
		"4737", "4738", "4740", "4741", "4742", "4743", "4754", "4755", "4756", "4757", "4758", "4767", "4781")
)

// newProcess are the members of event 4688 beside the process itself.
var newProcess = []dataMember{
	{rCommandLine, ecs.ProcessCommandLine, set},
	{rParentProcessName, ecs.ParentExecutable, putDashed}, {rParentProcessName, ecs.ParentName, putBase}, {rProcessID, ecs.ParentPID, putPID},
}

// filteringPlatform are the members of the events of the Windows Filtering Platform (5156 and its relatives).
var filteringPlatform = []dataMember{
	{rSourceAddress, ecs.SourceIP, putAddress}, {rSourcePort, ecs.SourcePort, putPort},
	{rDestAddress, ecs.DestIP, putAddress}, {rDestPort, ecs.DestPort, putPort},
	{rDirection, ecs.NetDirection, oneOf(map[string]string{"%%14592": "ingress", "%%14593": "egress"})},
}

func security(e *ecs.Event, doc *document, id string) {
	v := &doc.v
	securityUsers(e, v, id)
	set(e, fLogonType, v[rLogonType])
	set(e, fServiceName, dash(v[rServiceName]))
	if authenticationEvents[id] {
		set(e, ecs.EventCategory, "authentication")
	}
	if id == "4688" {
		putProcess(e, v[rNewProcessName], v[rNewProcessID])
		doc.fill(e, newProcess)
		set(e, ecs.EventCategory, "process")
		set(e, ecs.EventType, "start")
	} else {
		image, pid := v[rProcessName], v[rProcessID]
		if image == "" && v[rCallerProcessName] != "" {
			image, pid = v[rCallerProcessName], v[rCallerProcessID]
		}
		putProcess(e, cmp.Or(image, v[rApplication]), pid)
	}
	putAddress(e, ecs.SourceIP, cmp.Or(v[rIPAddress], v[rClientAddress]))
	putPort(e, ecs.SourcePort, v[rIPPort])
	if w := dash(v[rWorkstation]); w != "" && !isIP(w) {
		set(e, fSourceDomain, w)
	}
	if v[rSourceAddress] != "" || v[rDestAddress] != "" {
		doc.fill(e, filteringPlatform)
		set(e, ecs.EventCategory, "network")
	}
	if p := v[rProtocol]; p != "" && p != "0" && digits(p) {
		set(e, ecs.NetTransport, transportName(p))
	}
	if accountEvents[id] {
		set(e, ecs.EventCategory, "iam")
	}
}

// securityUsers tells who did it from whom it was done to: of a log-on both are the one who logs on.
func securityUsers(e *ecs.Event, v *[roleCount]string, id string) {
	name, domain, sid := v[rSubjectUserName], v[rSubjectDomainName], v[rSubjectUserSid]
	target, targetDomain, targetSid := v[rTargetUserName], v[rTargetDomainName], cmp.Or(v[rTargetUserSid], v[rTargetSid])
	if logonEvents[id] {
		name, domain, sid = target, targetDomain, targetSid
	} else {
		if n := dash(target); n != "" {
			set(e, fUserTargetName, n)
			set(e, fUserTargetDomain, dash(targetDomain))
			set(e, fUserTargetID, dash(targetSid))
			if id == "4648" || id == "4688" {
				set(e, fUserEffName, n)
				set(e, fUserEffDomain, dash(targetDomain))
			}
		}
		if name == "" && v[rAccountName] != "" {
			name, domain = v[rAccountName], v[rAccountDomain]
		}
	}
	set(e, ecs.UserName, dash(name))
	set(e, ecs.UserDomain, dash(domain))
	set(e, ecs.UserID, dash(sid))
}

// powershell reads the "Name=value" lines of engine events: the user and the host application's command line.
func powershell(e *ecs.Event, doc *document) {
	v := &doc.v
	text := ""
	for _, r := range [...]role{rContextInfo, rParam3, rParam2, rParam1, rMessage} {
		if strings.Contains(v[r], "HostApplication") || strings.Contains(v[r], "Host Application") {
			text = v[r]
			break
		}
	}
	set(e, ecs.UserID, v[rWinUserID])
	set(e, fScriptBlockText, v[rScriptBlock])
	if text == "" {
		return
	}
	find := func(names ...string) string {
		for _, n := range names {
			i := strings.Index(text, n)
			if i < 0 {
				continue
			}
			rest := text[i+len(n):]
			// the value runs to the next line that is a "Name=" of the engine, as a script in it may have many lines
			end := len(rest)
			for _, stop := range [...]string{"\n\tEngineVersion", "\r\n\tEngineVersion", "\n        Engine Version", "\r\n        Engine Version",
				"\nEngineVersion"} {
				if j := strings.Index(rest, stop); j >= 0 && j < end {
					end = j
				}
			}
			return strings.TrimRight(rest[:end], "\r\n")
		}
		return ""
	}
	set(e, ecs.ProcessCommandLine, find("HostApplication=", "Host Application = "))
	for _, n := range [...]string{"UserId=", "User = "} {
		if u, ok := between(text, n, "\n"); ok {
			domainUser(e, strings.TrimRight(u, "\r"))
			break
		}
	}
}

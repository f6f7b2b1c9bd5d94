package decoders

import (
	"net/netip"
	"strings"
	"time"
	"unicode"

	"hoalu/ecs"
)

// The header reader is by hand. go-syslog takes RFC 5424 to the letter and, as measured on real devices, gives up on what
// firewalls, switches and old daemons send; a line must never be lost over its header. It also allocates per message.

// header is what stands before a syslog message's text. Its strings alias the message.
type header struct {
	pri    int // facility*8 + severity, -1 where there is none
	time   int64
	timed  bool
	host   string
	app    string // tag, without pid
	pid    string
	msgid  string
	sd     string // structured data as it stands, "" none
	text   string // the message itself, without the blanks and byte order marks that templates put before it
	is5424 bool
	nested bool // this header stands in the text of another one
	zone   zoneSaid
}

// zoneSaid is how sure the zone of a header's time is.
type zoneSaid uint8

const (
	zoneAssumed zoneSaid = iota // the time names none: it was read in the zone of the source
	zoneNamed                   // the time has an offset, or a name that means one offset only
	zoneUnknown                 // the time names one that nobody can tell: read in the zone of the source, and marked
)

// readHeader takes the header off s. What it does not understand stays in text.
func readHeader(s string, received int64, zone *time.Location) (h header) {
	h.pri = -1
	h.read(s, received, zone)
	if h.relayed() {
		inner := header{pri: -1, nested: true}
		inner.read(h.text, received, zone)
		h.take(&inner)
	}
	return h
}

// sure says whether h names its program as nothing but a header does, so that a program nobody knows is believed too.
func (h *header) sure() bool {
	return h.host != "" && h.app != "" && (h.pri >= 0 || digits(h.pid))
}

// relayed says whether the text may begin with a header of its own, as relays put theirs before the one that they got.
func (h *header) relayed() bool {
	t := h.text
	if len(t) < 16 {
		return false
	}
	switch c := t[0]; {
	case c == '<':
		return t[1] >= '0' && t[1] <= '9'
	case c == '1' && t[1] == ' ':
		return t[2] == '2'
	case c == '2':
		return (t[4] == '-' || t[4] == ' ') && (h.timed || h.pri >= 0)
	}
	return t[3] == ' ' && month(t) != 0
}

// take puts an inner header in the place of h, where it is one: it must name its program as only a header does, with a process id or
// as h did. The sender's own words count more than the relay's.
func (h *header) take(inner *header) {
	if inner.app == "" || !inner.timed && inner.pri < 0 || inner.pid == "" && inner.app != h.app && !inner.is5424 {
		return
	}
	if inner.pri < 0 {
		inner.pri = h.pri
	}
	if !inner.timed {
		inner.time, inner.timed, inner.zone = h.time, h.timed, h.zone
	}
	if inner.host == "" {
		inner.host = h.host
	}
	inner.nested = false
	*h = *inner
}

// trimLead takes off the blanks and byte order marks that stand before a message: rsyslog's RFC 5424 template puts a blank there,
// always, and it means nothing.
func trimLead(s string) string {
	for s != "" {
		switch {
		case s[0] == ' ', s[0] == '\t':
			s = s[1:]
		case s[0] == bom[0] && strings.HasPrefix(s, bom):
			s = s[len(bom):]
		default:
			return s
		}
	}
	return s
}

// read takes one header off s.
func (h *header) read(s string, received int64, zone *time.Location) {
	s = trimLead(strings.TrimRight(s, "\r\n\x00"))
	if i := strings.IndexByte(s[:min(len(s), 8)], '<'); i > 1 && s[i-1] == ' ' && digits(s[:i-1]) { // an octet count that framing left (RFC 6587)
		s = s[i:]
	}
	if len(s) > 2 && s[0] == '<' {
		p, i := 0, 1
		for i < len(s) && i < 5 && s[i] >= '0' && s[i] <= '9' {
			p = p*10 + int(s[i]-'0')
			i++
		}
		if i > 1 && i < len(s) && s[i] == '>' && p <= 999 {
			h.pri = p
			s = trimLead(s[i+1:])
		}
	}
	if len(s) > 12 && s[1] == ' ' && s[0] == '1' { // Meraki: version, then seconds since 1970
		if w, _ := word(s[2:]); epoch(w) {
			s = s[2:]
		}
	}
	if (h.pri >= 0 || h.nested) && len(s) > 2 && s[0] >= '1' && s[0] <= '9' && s[1] == ' ' && h.rfc5424(s[2:], zone) {
		return
	}
	h.rfc3164(s, received, zone)
}

const bom = "\ufeff"

// epoch says whether w is a time of this age in seconds, with or without a fraction.
func epoch(w string) bool {
	whole, frac, point := strings.Cut(w, ".")
	return len(whole) == 10 && digits(whole) && whole[0] == '1' && (!point || digits(frac))
}

// word cuts the next token off s.
func word(s string) (w, rest string) {
	if i := strings.IndexByte(s, ' '); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

func (h *header) rfc5424(s string, zone *time.Location) bool {
	stamp, rest := word(s)
	if stamp != "-" {
		t, n := isoTime(stamp, zone)
		if n == 0 {
			if len(s) > 19 { // "2024-01-02 15:04:05+07:00": a blank for the T
				if t, n = isoTime(s, zone); n > 0 && n < len(s) && s[n] == ' ' {
					rest = s[n+1:]
				} else if _, ok := number(stamp, 0, 4); !ok || len(stamp) < 19 || stamp[4] != '-' || stamp[7] != '-' {
					return false
				} else { // a day no calendar has: the rest is none the worse
					n = 0
				}
			} else {
				return false
			}
		}
		if n > 0 {
			h.time, h.timed = t, true
			h.zone = zoneNamed
		}
	}
	nil5424 := func(w string) string {
		if w == "-" {
			return ""
		}
		return w
	}
	var w string
	w, rest = word(rest)
	h.host = nil5424(w)
	h.is5424 = true
	if strings.HasPrefix(rest, "CEF:") || strings.HasPrefix(rest, "LEEF:") { // the header stops halfway
		h.text = rest
		return true
	}
	w, rest = word(rest)
	h.app = nil5424(w)
	w, rest = word(rest)
	h.pid = nil5424(w)
	w, rest = word(rest)
	h.msgid = nil5424(w)
	if rest == "-" || strings.HasPrefix(rest, "- ") {
		rest = rest[1:]
	} else if n := structuredData(rest); n > 0 {
		h.sd = rest[:n]
		rest = rest[n:]
	}
	h.text = trimLead(rest)
	return true
}

// structuredData is the length of the structured data s begins with. Check Point writes its message in the same brackets, with a
// colon where RFC 5424 has "=": that is text.
func structuredData(s string) int {
	i := 0
	if colon, eq := strings.Index(s, `:"`), strings.Index(s, `="`); colon > 0 && (eq < 0 || colon < eq) && strings.IndexByte(s[:colon], ' ') < 0 {
		return 0
	}
	for i < len(s) && s[i] == '[' {
		quoted := false
		for i++; i < len(s); i++ {
			switch c := s[i]; {
			case quoted && c == '\\':
				i++
			case c == '"':
				quoted = !quoted
			case c == ']' && !quoted:
				goto closed
			}
		}
		return 0
	closed:
		i++
	}
	if i < len(s) && s[i] != ' ' {
		return 0
	}
	return i
}

func (h *header) rfc3164(s string, received int64, zone *time.Location) {
	s = strings.TrimLeft(s, " ")
	at := s
	// Cisco: "123: ", "123: host: ", ": ", then "*" or "." for a clock that is not synchronised.
	for range 2 { // the count of the logging host and the device's own
		i := 0
		for i < len(at) && at[i] >= '0' && at[i] <= '9' {
			i++
		}
		if i == 0 || i > 10 || i+1 >= len(at) || at[i] != ':' || at[i+1] != ' ' {
			break
		}
		at = at[i+2:]
	}
	at = strings.TrimPrefix(at, ": ")
	t, n := h.stamp(at, received, zone)
	if n == 0 { // a host before the time: "fw01: Mar  1 18:46:11: …" or "fw01 Mar  1 …"
		if i := strings.IndexByte(at, ' '); i > 0 && i < 64 {
			host, rest := strings.TrimSuffix(at[:i], ":"), at[i+1:]
			if len(host) < i { // "fw01: 022546: Mar  1 …": the host's own count of messages
				if seq, r, ok := strings.Cut(rest, ": "); ok && digits(seq) && len(seq) <= 10 {
					rest = r
				}
			}
			if t, k := h.stamp(rest, received, zone); k > 0 && hostLike(host) {
				h.host, h.time, h.timed = host, t, true
				h.tag(strings.TrimLeft(strings.TrimPrefix(h.namedZone(rest, k), ":"), " "), noHost)
				return
			}
			if up, r, ok := strings.Cut(rest, ": "); ok && len(host) < i && hostLike(host) && strings.HasPrefix(r, "%") && uptime(up) {
				h.host = host
				h.tag(r, noHost)
				return
			}
		}
		h.tag(s, noHost)
		return
	}
	h.time, h.timed = t, true
	rest := h.namedZone(at, n)
	if strings.HasPrefix(rest, ": ") || strings.HasPrefix(rest, " : ") { // Cisco: no host, no tag
		h.tag(strings.TrimLeft(rest, ": "), noHost)
		return
	}
	blanks := len(rest) - len(strings.TrimLeft(rest, " "))
	where := mayHost
	if blanks > 1 || h.pri < 0 && !(month(at) != 0 && (n <= 15 || at[14] == '.' || at[15] == '.')) {
		where = hostBeforeTag
	}
	h.tag(rest[blanks:], where)
	if where == hostBeforeTag && at[2] == '-' && h.pid == "" { // BIND's own file: "30-Nov-2026 14:52:56.718 queries: info: …" names a category
		h.host, h.app, h.text = "", "", rest[blanks:]
	}
}

// hostPlace is what tag may take for a host's name.
type hostPlace uint8

const (
	noHost        hostPlace = iota
	mayHost                 // the first word, where it may be one
	hostBeforeTag           // the first word, where a program's tag follows: files of programs have a thread, a level or a stream there
)

// namedZone notes the zone of the time that ends at s[n] and returns what follows. A zone that Cisco devices write before the colon
// (" AEST: %…") and whose letters name several offsets is taken off: the time was read in the zone of the source.
func (h *header) namedZone(s string, n int) string {
	switch c := s[n-1]; {
	case n == 15: // "Mar  2 09:00:01"
	case c >= 'A' && c <= 'z', strings.LastIndexAny(s[:n], "+-") > 10, epoch(s[:n]):
		h.zone = zoneNamed
	}
	rest := letterZone(s[n:])
	if len(rest) < len(s)-n {
		h.zone = zoneUnknown
	}
	return rest
}

func letterZone(s string) string {
	if i := strings.Index(s[:min(len(s), 8)], ": "); i >= 3 && s[0] == ' ' && i+2 < len(s) && s[i+2] == '%' {
		for _, c := range s[1:i] {
			if c < 'A' || c > 'Z' {
				return s
			}
		}
		return s[i:]
	}
	return s
}

// uptime says whether s is a time since a device's start, which it writes until its clock is set: "00:01:01", "3w2d".
func uptime(s string) bool {
	if len(s) < 3 || len(s) > 12 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c == ':' || c == 'w' || c == 'd' || c == 'y' || c == 'h') {
			return false
		}
	}
	return true
}

// stamp reads any of the times seen at the head of a line.
func (h *header) stamp(s string, received int64, zone *time.Location) (int64, int) {
	if s == "" {
		return 0, 0
	}
	i := 0
	if s[0] == '*' || s[0] == '.' {
		i = 1
	}
	if len(s) > 20 && (s[3] == ' ' || s[3] == ',' && s[4] == ' ') && weekday(s[:3]) { // "Mon Mar  2 …", "Mon, 02 Mar 2026 …"
		i = 4
		if s[3] == ',' {
			i = 5
		}
	}
	if w, _ := word(s[i:]); epoch(w) {
		t, _ := numberTime(w)
		return t, i + len(w)
	}
	if t, n := dayFirst(s[i:], zone); n > 0 {
		return t, n + i
	}
	if t, n := bsdTime(s[i:], received, zone); n > 0 {
		return t, n + i
	}
	if t, n := isoTime(s[i:], zone); n > 0 {
		return t, n + i
	}
	return 0, 0
}

// hostLike says whether w may be a host name or address.
func hostLike(w string) bool {
	if w == "" || len(w) > 255 {
		return false
	}
	for i := range len(w) {
		switch c := w[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == '_', c == ':':
		default:
			return false
		}
	}
	return w[len(w)-1] != ':'
}

// hostWord takes the name out of what relays and devices write in its place: "[10.0.0.1]", "web/10.0.0.1", "fe80::1%eth0"; plain is
// false for these. "" where w is no host: it has other marks, or digits only.
func hostWord(w string) (name string, plain bool) {
	if hostLike(w) {
		if strings.IndexByte(w, ':') >= 0 && !isIP(w) || digits(w) {
			return "", false
		}
		return w, true
	}
	if len(w) > 2 && w[0] == '[' && w[len(w)-1] == ']' {
		w = w[1 : len(w)-1]
	}
	if i := strings.IndexAny(w, "/%"); i > 0 {
		w = w[:i]
	}
	if !hostLike(w) || level(w) || strings.IndexByte(w, ':') >= 0 && !isIP(w) || digits(w) {
		return "", false
	}
	return w, false
}

// tag reads "[host ]app[pid]: text"; where none of it is there all of s is text.
func (h *header) tag(s string, where hostPlace) {
	s = trimLead(s)
	h.text = s
	if where == noHost {
		h.program(s)
		return
	}
	w, rest := word(s)
	rest = strings.TrimLeft(rest, " ")
	name, plain := hostWord(w)
	if name == "" || rest == "" {
		h.program(s)
		return
	}
	whole := s
	h.host = name
	s, h.text = rest, rest
	if w2, r := word(s); w2 == w && r != "" { // relays repeat it
		s, h.text = r, r
	}
	h.program(s)
	if h.app == "" && (!plain || where == hostBeforeTag) && !strings.HasPrefix(s, "%") && !(h.relayed() && (h.pri >= 0 || h.text[0] == '1')) {
		h.host = ""
		h.program(whole)
		if h.app == "" {
			h.text = whole
		}
	}
}

// program reads "app[pid]: text".
func (h *header) program(s string) {
	h.split(s)
	// A word and a colon are no program in a line that no syslog daemon wrote, nor is a level, a number or a path to a file.
	if h.app != "" && h.pid == "" && (h.pri < 0 && !h.timed && !h.nested || notProgram(h.app)) {
		h.app, h.text = "", s
	}
}

// notProgram says whether a tag is a level or a number.
func notProgram(s string) bool {
	if s[0] < 'A' && s[0] != '/' && strings.IndexFunc(s, unicode.IsLetter) < 0 {
		return true
	}
	return level(s)
}

// level says whether a word is a level of importance.
func level(s string) bool {
	if len(s) > 13 {
		return false
	}
	var low [13]byte
	for i := range len(s) {
		low[i] = s[i]
		if c := s[i]; c >= 'A' && c <= 'Z' {
			low[i] += 'a' - 'A'
		}
	}
	switch string(low[:len(s)]) {
	case "emerg", "emergency", "alert", "crit", "critical", "err", "error", "warn", "warning", "notice", "info", "information", "informational", "debug", "trace", "fatal", "severe", "panic", "note", "log", "detail", "hint", "statement", "context":
		return true
	}
	return false
}

// split cuts s where a tag ends; app stays "" where there is none.
func (h *header) split(s string) {
	// The tag ends at the first ": " (or ":" at the end) or, as sudo and su write it, at ":" and blanks.
	limit := min(len(s), 128)
	if j := strings.IndexByte(s[:limit], ']'); j > 2 && j+1 < len(s) && s[j+1] == ':' { // "app[12]: text", "app[12]:text"
		if k := strings.IndexByte(s[:j], '['); k > 0 && digits(s[k+1:j]) && tagLike(s[:k]) {
			h.app, h.pid, h.text = s[:k], s[k+1:j], trimLead(s[j+2:])
			return
		}
	}
	if j := strings.IndexByte(s[:limit], ' '); j > 3 && s[j-1] == ']' && j+1 < len(s) && s[j+1] != '(' { // "app[12] text", whatever colons the text has
		if k := strings.IndexByte(s[:j], '['); k > 0 && digits(s[k+1:j-1]) && tagLike(s[:k]) {
			h.app, h.pid, h.text = s[:k], s[k+1:j-1], trimLead(s[j:])
			return
		}
	}
	i := strings.Index(s[:limit], ": ")
	if i < 0 {
		if limit == len(s) && strings.HasSuffix(s, ":") {
			i = len(s) - 1
		} else {
			return
		}
	}
	tag := strings.TrimSuffix(s[:i], " ") // "app : text"
	if k := strings.IndexByte(tag, '('); k > 0 && strings.Contains(tag[k:], ")") && strings.IndexByte(tag[:k], ' ') < 0 && strings.IndexByte(tag[:k], '[') < 0 {
		if end := k + strings.IndexByte(tag[k:], ')') + 1; !strings.HasPrefix(tag[k:], "(pam_") && (end == len(tag) || tag[end] == '[') {
			tag = tag[:k] + tag[end:] // "polkitd(authority=local)[12]": what the brackets say is not the name
		}
	}
	if !tagLike(tag) {
		return
	}
	text := trimLead(s[i+1:])
	if k := strings.IndexByte(tag, '['); k > 0 {
		j := strings.IndexByte(tag[k:], ']')
		if j < 0 {
			return
		}
		if k+j+1 < len(tag) { // launchd: "com.apple.xpc.launchd[1] (com.apple.quicklook[21581])": the tag says more than name and pid
			h.app = tag
		} else {
			h.app = strings.TrimSuffix(tag[:k], "]") // "gdm-password][12]"
			if id := tag[k+1 : k+j]; digits(id) {
				h.pid = id
			}
		}
	} else {
		h.app = tag
	}
	h.text = text
}

// tagLike refuses texts that merely hold a colon: a tag has at most three words and no odd marks.
func tagLike(s string) bool {
	if s == "" || s[0] == ' ' || s[0] == '%' || s[0] == '{' || s[0] == '[' {
		return false
	}
	blanks := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			blanks++
		case c < 0x20, c == '"', c == '=', c == '{', c == '<', c == '>', c == ',', c == ';', c == '|', c == '*', c == '?':
			return false
		}
	}
	if blanks == 0 {
		return true
	}
	i := strings.IndexByte(s, '[')
	return blanks <= 2 && i > 0 && s[i-1] != ' '
}

func digits(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func isIP(s string) bool {
	if s == "" || len(s) > 45 {
		return false
	}
	c := s[0]
	if !(c >= '0' && c <= '9' || c == ':' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
		return false
	}
	_, err := netip.ParseAddr(s)
	return err == nil
}

var (
	fProcessTitle = ecs.Intern("process.title")
	fPriority     = ecs.Intern("log.syslog.priority")
	fFacilityCode = ecs.Intern("log.syslog.facility.code")
	fFacilityName = ecs.Intern("log.syslog.facility.name")
	fSeverityCode = ecs.Intern("log.syslog.severity.code")
	fSeverityName = ecs.Intern("log.syslog.severity.name")
	fVersion      = ecs.Intern("log.syslog.version")
	fHostname     = ecs.Intern("log.syslog.hostname")
	fProcID       = ecs.Intern("log.syslog.procid")
	fMsgID        = ecs.Intern("log.syslog.msgid")
)

// Severity names of RFC 5424 table 2, as log.level spells them and as log.syslog.severity.name does.
var (
	severities    = [...]string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"}
	severityNames = [...]string{"Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"}
)

// facilities are the names of RFC 5424 table 1, as syslog.conf spells them; 12 to 15 have none that all systems know.
var facilities = [...]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

// put stores the header's fields in e. What the sender wrote stands under log.syslog; host.name and process.name may be corrected
// by what the message says.
func (h *header) put(d *Decoder, e *ecs.Event) {
	if h.timed {
		e.Time = h.time
	}
	if h.zone == zoneUnknown {
		e.AddBool(ecs.HoaluTimeSuspect, true)
	}
	if h.pri >= 0 {
		e.AddInt(fPriority, int64(h.pri))
		if e.Text(ecs.LogLevel) == "" {
			e.AddString(ecs.LogLevel, severities[h.pri&7])
		}
	}
	set(e, ecs.HostName, h.host)
	if h.app != "" {
		app := h.app
		if app[0] == '/' { // "/usr/sbin/cron"
			set(e, ecs.ProcessExecutable, app)
			app = app[strings.LastIndexByte(app, '/')+1:]
		}
		set(e, ecs.ProcessName, app)
	}
	if digits(h.pid) && len(h.pid) <= 10 {
		setNumber(e, ecs.ProcessPID, h.pid)
	} else if h.pid != "" {
		set(e, fProcessTitle, h.pid)
	}
	set(e, fMsgID, h.msgid)
	if h.sd != "" {
		h.putSD(d, e)
	}
}

// priorities are the fields that follow from a priority, ready to be appended. RFC 5424 ends at 191: what devices send beyond names no
// facility.
var priorities = func() (list [192]ecs.Event) {
	for pri := range list {
		e := &list[pri]
		e.AddInt(fFacilityCode, int64(pri>>3))
		e.AddString(fFacilityName, facilities[pri>>3])
		e.AddInt(fSeverityCode, int64(pri&7))
		e.AddString(fSeverityName, severityNames[pri&7])
	}
	return list
}()

// said stores what the sender wrote under log.syslog, last of all: what stands in an event makes every search in it longer. document:
// a shipper's words for the same may stand there already.
func (h *header) said(e *ecs.Event, document bool) {
	if document && (e.Has(fFacilityCode) || e.Has(fHostname) || e.Has(ecs.SyslogAppname)) {
		return
	}
	if h.pri >= 0 && h.pri < len(priorities) {
		e.Append(&priorities[h.pri])
	}
	if h.is5424 {
		e.AddInt(fVersion, 1)
	}
	if h.host != "" {
		e.AddString(fHostname, h.host)
	}
	if h.app != "" {
		e.AddString(ecs.SyslogAppname, h.app)
	}
	if h.pid != "" {
		e.AddString(fProcID, h.pid)
	}
}

// putSD stores structured data as log.syslog.structured_data.<id>.<name>.
func (h *header) putSD(d *Decoder, e *ecs.Event) {
	s := h.sd
	for len(s) > 1 && s[0] == '[' {
		end := strings.IndexAny(s[1:], " ]")
		if end < 0 {
			return
		}
		id := s[1 : 1+end]
		s = s[1+end:]
		for len(s) > 0 && s[0] == ' ' {
			s = strings.TrimLeft(s, " ")
			eq := strings.Index(s, `="`)
			if eq < 0 {
				return
			}
			name := s[:eq]
			s = s[eq+2:]
			i := 0
			escaped := false
			for i < len(s) && s[i] != '"' {
				if s[i] == '\\' {
					escaped = true
					i++
				}
				i++
			}
			if i >= len(s) {
				return
			}
			value := s[:i]
			if escaped {
				value = unescape(value)
			}
			s = s[i+1:]
			d.name = append(append(append(append(d.name[:0], "log.syslog.structured_data."...), id...), '.'), name...)
			d.addNamed(e, d.name, value, ecs.String)
		}
		if len(s) == 0 || s[0] != ']' {
			return
		}
		s = s[1:]
	}
}

// unescape takes the backslash off the character behind it.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// set puts a text value in place of any other; an empty one is left out.
func set(e *ecs.Event, f ecs.Field, s string) {
	if s != "" {
		e.SetString(f, s)
	}
}

// setNumber is set for a text of digits.
func setNumber(e *ecs.Event, f ecs.Field, s string) {
	if len(s) > 1 && s[0] == '0' {
		s = strings.TrimLeft(s, "0")
		if s == "" {
			s = "0"
		}
	}
	e.Set(f, s, ecs.Number)
}

// setAddress puts an address, host name or "address:port" under source or destination.
func setAddress(e *ecs.Event, ip, address, port ecs.Field, s string) {
	if s == "" || s == "-" {
		return
	}
	host, p := s, ""
	if isIP(s) && !strings.HasPrefix(s, "::ffff:") {
		e.SetString(ip, s)
		return
	}
	if s[0] == '[' {
		if i := strings.IndexByte(s, ']'); i > 0 {
			host, p = s[1:i], strings.TrimPrefix(s[i+1:], ":")
		}
	} else if i := strings.LastIndexByte(s, ':'); i > 0 && digits(s[i+1:]) && !isIP(s) {
		host, p = s[:i], s[i+1:]
	}
	host = strings.TrimPrefix(host, "::ffff:")
	if isIP(host) {
		e.SetString(ip, host)
	} else {
		e.SetString(address, host)
	}
	if p != "" && digits(p) && p != "0" {
		setNumber(e, port, p)
	}
}

// ciscoAt is where in s the head of a Cisco message begins, -1 where there is none; it stands early and behind a blank or a colon.
func ciscoAt(s string) int {
	s = s[:min(len(s), 200)]
	for from := 0; ; {
		i := strings.IndexByte(s[from:], '%')
		if i < 0 {
			return -1
		}
		if i += from; (i == 0 || s[i-1] == ' ' || s[i-1] == ':' || s[i-1] == '\t' || s[i-1] == bom[2]) && i+1 < len(s) && s[i+1] >= 'A' && s[i+1] <= 'Z' {
			return i
		}
		from = i + 1
	}
}

// iosXR reads what IOS XR writes before the head: "RP/0/RSP0/CPU0:Nov  1 04:01:07.416 UTC: acl_daemon[297]: ", the event's own time
// and process.
func iosXR(e *ecs.Event, s string, o Options) {
	i := strings.Index(s, "CPU")
	if i < 0 || strings.IndexByte(s[:i], '/') < 0 {
		return
	}
	j := strings.IndexByte(s[i:], ':')
	if j < 0 {
		return
	}
	s = s[i+j+1:]
	var h header
	t, n := h.stamp(s, e.Created, o.Zone)
	if n == 0 {
		return
	}
	e.Time = t
	h.split(strings.TrimLeft(h.namedZone(s, n), ": "))
	set(e, ecs.ProcessName, h.app)
	if digits(h.pid) {
		setNumber(e, ecs.ProcessPID, h.pid)
	}
}

// cisco reads the head of a message of IOS, NX-OS, ASA and their relatives: "%FACILITY-SEVERITY-MNEMONIC: text".
func cisco(e *ecs.Event, s string) bool {
	s = strings.TrimLeft(s, ": ")
	if len(s) < 8 || s[0] != '%' {
		return false
	}
	code, text, ok := strings.Cut(s[1:], ": ")
	code = strings.TrimSuffix(code, " ")
	if !ok || strings.IndexByte(code, ' ') >= 0 {
		return false
	}
	last := strings.LastIndexByte(code, '-')
	if last < 3 || code[last-2] != '-' || code[last-1] < '0' || code[last-1] > '7' {
		return false
	}
	facility := code[:last-2]
	e.SetString(ecs.LogLevel, severities[code[last-1]-'0'])
	service := "syslog"
	switch facility {
	case "ASA", "FTD", "PIX":
		service = strings.ToLower(facility)
		e.SetString(ecs.EventCode, code[last+1:])
	default:
		e.SetString(ecs.EventCode, code)
	}
	set(e, ecs.Message, text)
	set(e, ecs.EventDataset, "cisco."+service)
	set(e, fObserverVendor, "Cisco")
	e.SetLogsource("cisco", service)
	return true
}

var fObserverVendor = ecs.Intern("observer.vendor")

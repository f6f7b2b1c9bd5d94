package decoders

import (
	"strings"
	"time"
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
	// an octet count that framing left (RFC 6587)
	if i := strings.IndexByte(s[:min(len(s), 8)], '<'); i > 1 && s[i-1] == ' ' && digits(s[:i-1]) {
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
	if colon, eq := strings.Index(s, `:"`), strings.Index(s, `="`); colon > 0 && (eq < 0 || colon < eq) &&
		strings.IndexByte(s[:colon], ' ') < 0 {
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
				if strings.IndexByte(host, ':') >= 0 && !isIP(host) {
					host = "" // Redis: "1234:M 02 Mar 2026 …"
				}
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
		if rest[0] == ' ' && !strings.HasPrefix(h.text, "%") && h.pid == "" { // FreeRADIUS: " : Auth: (0) Login incorrect" names a category
			h.app, h.text = "", strings.TrimLeft(rest, ": ")
		}
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

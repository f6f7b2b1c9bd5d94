package decoders

import (
	"cmp"
	"strconv"
	"strings"

	"hoalu/ecs"
)

// Documents in which a shipper already took a syslog header or a journal record apart: syslog-ng's elasticsearch-http, rsyslog's
// omelasticsearch, Filebeat's syslog and journald inputs, Fluent Bit, Vector, journalctl -o json. They name the program, so its decoder
// reads the message as if it had come by syslog.

// rank of what the name of a program proves.
const (
	noProgram    = iota
	maybeProgram // process.name, which any document may have: it counts for programs that have a decoder
	saidProgram  // a member that only syslog and the journal have
)

// programOf is the program that a document says wrote its message, with the process id of a syslogtag.
func programOf(doc *document) (app, pid string, rank int) {
	if doc.has[rSyslogTag] { // "sshd[77]:"
		var h header
		h.split(strings.TrimSuffix(doc.v[rSyslogTag], ":") + ": ")
		app, pid = h.app, h.pid
	}
	switch {
	case doc.has[rProgram]:
		app = doc.v[rProgram]
	case doc.has[rSyslogTag]:
	case doc.has[rPlainProgram]:
		app, rank = doc.v[rPlainProgram], maybeProgram
		if doc.has[rFacility] || doc.has[rProcID] && doc.has[rLevel] {
			rank = saidProgram
		}
		return app, "", rank
	default:
		return "", "", noProgram
	}
	if app == "" {
		return "", "", noProgram
	}
	return app, pid, saidProgram
}

// relayed decodes such a document; false where it is none and leaves e as it was.
func (d *Decoder) relayed(e *ecs.Event, doc *document, o Options) bool {
	app, pid, rank := programOf(doc)
	line := trimLead(cmp.Or(doc.v[rMessage], doc.v[rText]))
	if b, ok := byteText(e, fJournalMessage); ok {
		line = trimLead(b)
		e.SetString(fJournalMessage, b)
	}
	if rank == noProgram || line == "" || len(app) > 128 || e.Has(ecs.EventCategory) || e.Has(ecs.EventOutcome) {
		return false
	}
	name := baseName(app)
	if rank == maybeProgram && !d.set.host(name) {
		return false
	}
	set(e, ecs.ProcessName, name)
	if !e.Has(ecs.SyslogAppname) {
		e.AddString(ecs.SyslogAppname, app)
	}
	if pid = cmp.Or(pid, doc.v[rProcID]); digits(pid) && len(pid) <= 10 {
		setNumber(e, ecs.ProcessPID, pid)
		if !e.Has(fProcID) {
			e.AddString(fProcID, pid)
		}
	}
	severity, facility := priorityOf(doc)
	if facility >= 0 && !e.Has(fFacilityCode) {
		e.AddInt(fFacilityCode, int64(facility))
		set(e, fFacilityName, facilities[facility])
	}
	if severity >= 0 {
		if !e.Has(fSeverityCode) {
			e.AddInt(fSeverityCode, int64(severity))
			set(e, fSeverityName, severityNames[severity])
		}
		if !e.Has(ecs.LogLevel) {
			e.AddString(ecs.LogLevel, severities[severity])
		}
	}
	set(e, ecs.Message, line)
	if d.guessed(e, line, o, name) {
		return true
	}
	d.linux(e, name, facility, line, o)
	set(e, ecs.EventDataset, linuxDataset(e))
	return true
}

var fJournalMessage = ecs.Intern("MESSAGE")

// byteText reads a text that the journal writes as a list of its bytes because it is no clean UTF-8; false where f is none.
func byteText(e *ecs.Event, f ecs.Field) (string, bool) {
	var b []byte
	for i := range e.Len() {
		g, v := e.At(i)
		if g != f {
			continue
		}
		n, err := strconv.ParseUint(v.Text, 10, 8)
		if v.Kind != ecs.Number || err != nil {
			return "", false
		}
		b = append(b, byte(n))
	}
	if len(b) < 2 {
		return "", false
	}
	return visible(string(b)), true
}

// priorityOf is severity and facility of a document, each -1 where it says none. What a member of its own says goes before the priority,
// which is the number of both (RFC 5424 6.2.1), or the severity alone, as rsyslog's templates and the journal write it.
func priorityOf(doc *document) (severity, facility int) {
	severity, facility = severityCode(doc.v[rLevel]), facilityCode(doc.v[rFacility])
	text := doc.v[rPriority]
	if n, err := strconv.ParseUint(text, 10, 8); err == nil && n < 192 {
		if severity < 0 {
			severity = int(n % 8)
		}
		if facility < 0 && n > 7 { // up to 7 it may be the severity alone
			facility = int(n / 8)
		}
	} else if severity < 0 {
		severity = severityCode(text)
	}
	return severity, facility
}

// facilityCode reads a facility's number or name (RFC 5424 table 1), -1 where it is none.
func facilityCode(s string) int {
	switch s {
	case "":
		return -1
	case "security/authorization":
		return 10
	case "security":
		return 4
	}
	if digits(s) && len(s) < 3 {
		if n, _ := strconv.Atoi(s); n < len(facilities) {
			return n
		}
		return -1
	}
	s = strings.TrimPrefix(lowerASCII(s), "log_")
	for i, n := range facilities {
		if n == s {
			return i
		}
	}
	return -1
}

// severityCode reads a severity's number or name (RFC 5424 table 2), -1 where it is none.
func severityCode(s string) int {
	if len(s) == 1 && s[0] >= '0' && s[0] <= '7' {
		return int(s[0] - '0')
	}
	if len(s) > 13 {
		return -1
	}
	switch lowerASCII(s) {
	case "emerg", "emergency", "panic":
		return 0
	case "alert":
		return 1
	case "crit", "critical":
		return 2
	case "err", "error":
		return 3
	case "warn", "warning":
		return 4
	case "notice":
		return 5
	case "info", "information", "informational":
		return 6
	case "debug":
		return 7
	}
	return -1
}

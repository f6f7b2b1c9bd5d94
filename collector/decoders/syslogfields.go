package decoders

import (
	"strings"

	"hoalu/ecs"
)

// What a syslog header says, in an event's fields.

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
var facilities = [...]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
	"audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

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

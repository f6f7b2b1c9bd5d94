package decoders

import (
	"strings"

	"hoalu/ecs"
)

// Cisco's messages, which every family of its devices writes after another head.

// ciscoAt is where in s the head of a Cisco message begins, -1 where there is none; it stands early and behind a blank or a colon.
func ciscoAt(s string) int {
	s = s[:min(len(s), 200)]
	for from := 0; ; {
		i := strings.IndexByte(s[from:], '%')
		if i < 0 {
			return -1
		}
		if i += from; (i == 0 || s[i-1] == ' ' || s[i-1] == ':' || s[i-1] == '\t' || s[i-1] == bom[2]) && i+1 < len(s) && s[i+1] >= 'A' &&
			s[i+1] <= 'Z' {
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

package app

import (
	"strings"

	"hoalu/compliance/facts"
	"hoalu/ecs"
)

// kindSet is a set of kinds of log, a bit each.
type kindSet uint16

// kindNames are the kinds in the order of their bits.
var kindNames = []string{facts.KindConnection, facts.KindFlow, facts.KindLogon, facts.KindFault, facts.KindChange, facts.KindProcess, facts.KindAccess, facts.KindData, facts.KindAlert}

const (
	kConnection kindSet = 1 << iota
	kFlow
	kLogon
	kFault
	kChange
	kProcess
	kAccess
	kData
	kAlert
)

// kindByCategory is by ECS event.category.
var kindByCategory = map[string]kindSet{
	"network": kConnection, "authentication": kLogon, "iam": kChange, "configuration": kChange, "package": kChange, "process": kProcess,
	"web": kAccess, "api": kAccess, "file": kData, "registry": kData, "database": kData, "intrusion_detection": kAlert, "malware": kAlert,
}

// fConfigPath is what FortiOS names the changed setting by; the event carries nothing of ECS that says so.
var fConfigPath = ecs.Intern("cfgpath")

// kindsOf says which kinds of log an event is. It runs for each event: no allocation beyond the field's text.
func kindsOf(e *ecs.Event) kindSet {
	var k kindSet
	onWire := false
	for i := range e.Len() {
		f, v := e.At(i)
		switch f {
		case ecs.EventCategory:
			k |= kindByCategory[v.Text]
		case ecs.LogsourceCategory:
			switch v.Text {
			case "firewall", "network_connection":
				k |= kConnection
			case "webserver", "proxy":
				k |= kAccess
			}
		case ecs.LogsourceProduct:
			onWire = v.Text == "zeek" || v.Text == "suricata" || v.Text == "hoalu"
		case ecs.LogLevel:
			switch strings.ToLower(v.Text) {
			case "error", "err", "critical", "crit", "alert", "emergency", "emerg", "fatal":
				k |= kFault
			}
		case ecs.EventAction:
			switch strings.ToLower(v.Text) {
			case "login", "logon", "logout", "logoff":
				k |= kLogon
			}
		case ecs.EventKind:
			if v.Text == "alert" {
				k |= kAlert
			}
		case fConfigPath:
			k |= kChange
		}
	}
	if onWire && k&kConnection != 0 {
		k |= kFlow
	}
	return k
}

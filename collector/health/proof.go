package health

// What an event proves of its source: the technical layer it watches and the kinds of log it keeps. The controls of compliance ask for
// both.

import (
	"strings"

	"hoalu/ecs"
	"hoalu/soc"
)

// kindSet is a set of kinds of log, a bit each.
type kindSet uint16

// kindNames are the kinds in the order of their bits.
var kindNames = []string{soc.LogConnection, soc.LogFlow, soc.LogLogon, soc.LogFault, soc.LogChange, soc.LogProcess, soc.LogAccess,
	soc.LogData, soc.LogAlert}

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

// layerOf is the technical layer an event proves, by its log source; "" none.
func layerOf(e *ecs.Event) string {
	l := e.Logsource()
	for _, c := range l.Category {
		switch c {
		case "webserver", "proxy", "http", "application":
			return soc.LayerApplication
		case "dns", "firewall", "network_connection", "tls":
			if l.Product != "linux" && l.Product != "windows" {
				return soc.LayerNetwork
			}
			return soc.LayerEndpoint
		case "process_creation", "process_termination", "file_event":
			return soc.LayerEndpoint
		case "database":
			return soc.LayerDatabase
		}
	}
	switch l.Product {
	case "linux", "windows", "macos":
		return soc.LayerEndpoint
	case "suricata", "zeek", "cisco", "fortinet", "fortigate", "paloalto":
		return soc.LayerNetwork
	case "postgresql", "mysql", "mssql", "oracle", "mongodb":
		return soc.LayerDatabase
	case "nginx", "apache":
		return soc.LayerApplication
	}
	return ""
}

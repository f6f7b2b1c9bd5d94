package decoders

import (
	"maps"
	"slices"
	"strings"

	"hoalu/ecs"
)

// AnyWord in a part of a Logsource of Logsources stands for what the message itself says there.
const AnyWord = "*"

// Logsources lists what sigma.logsource an event may have that came through s: what its definitions say, what the parsers in Go set, and
// what the appliance's own sensors and its health watch write. A source that is trusted to name the logsource itself may send others.
func (s *Set) Logsources() []ecs.Logsource {
	out := slices.Clone(parserLogsources)
	for _, service := range slices.Sorted(maps.Values(channels)) {
		out = append(out, ecs.Logsource{Product: "windows", Service: service})
	}
	for _, categories := range sysmonCategories {
		for _, product := range []string{"windows", "linux"} { // Sysmon for Linux writes the same events
			out = append(out, ecs.Logsource{Product: product, Service: "sysmon", Category: categories})
		}
	}
	for _, def := range s.defs {
		out = def.step.logsources(out)
	}
	for _, def := range s.programs {
		out = append(out, ecs.Logsource{Product: "linux", Service: def.Logsource.Service})
	}
	return out
}

// parserLogsources are those that stand in Go. TestLogsources reads them from the calls.
var parserLogsources = []ecs.Logsource{
	{Product: "nginx", Service: "nginx", Category: []string{"webserver"}},
	{Product: "apache", Service: "apache", Category: []string{"webserver"}},
	{Category: []string{"webserver"}}, // access logs of a server that nobody named
	{Product: "nginx", Service: "nginx"},
	{Product: "apache", Service: "apache"},
	{Product: "linux", Service: "syslog"},
	{Product: "linux", Service: "auth"},
	{Product: "linux", Service: "auditd"},
	{Product: "linux", Service: "iptables", Category: []string{"firewall"}},
	{Product: "cisco", Service: "syslog"},
	{Product: "cisco", Service: "asa"},
	{Product: "cisco", Service: "ftd"},
	{Product: "cisco", Service: "pix"},
	{Product: "suricata", Service: "eve", Category: []string{"dns"}},
	{Product: "zeek", Service: AnyWord, Category: []string{"dns"}},
	{Product: "windows"},
	{Product: "windows", Service: "sysmon", Category: []string{"registry_event", "registry_add", "registry_delete"}},
	{Product: "windows", Service: "security", Category: []string{"process_creation"}},
	{Product: "windows", Service: "powershell", Category: []string{"ps_module", "ps_script"}},
	{Product: "windows", Service: "powershell-classic",
		Category: []string{"ps_classic_start", "ps_classic_provider_start", "ps_classic_script"}},

	// Events of the appliance's own sensors and of its health watch, which arrive with their logsource.
	{Product: "hoalu", Service: "packet", Category: []string{"network_connection", "dns", "http", "tls", "ssh"}},
	{Product: "hoalu", Service: "health"},
	{Product: "linux", Category: []string{"process_creation", "process_termination", "network_connection"}},
	{Product: "linux", Service: "hoalu_socket", Category: []string{"network_listen"}},
}

// logsources appends what st and its rules say.
func (st *step) logsources(out []ecs.Logsource) []ecs.Logsource {
	if l := st.Logsource; l != nil {
		word := func(s string) string {
			if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
				return AnyWord
			}
			return s
		}
		out = append(out, ecs.Logsource{Product: word(l.Product), Service: word(l.Service), Category: l.Category})
	}
	for _, r := range st.Rules {
		out = r.logsources(out)
	}
	return out
}

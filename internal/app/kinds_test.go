package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hoalu/compliance/facts"
	"hoalu/ecs"
	"hoalu/soc"
)

func kindsSaid(k kindSet) string {
	var out []string
	for i, name := range kindNames {
		if k&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

// TestKindsOfLog: what each event proves about the logging of its source, and a near miss of each.
func TestKindsOfLog(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string // name, value
		want   string
	}{
		{"firewall decision", []string{"sigma.logsource.product", "fortigate", "sigma.logsource.category", "firewall", "log.level", "notice"}, "connection"},
		{"flow on the wire", []string{"sigma.logsource.product", "zeek", "event.category", "network"}, "connection flow"},
		{"socket told by the host is no flow on the wire", []string{"sigma.logsource.product", "linux", "event.category", "network"}, "connection"},
		{"intrusion alert is no flow", []string{"sigma.logsource.product", "suricata", "event.category", "intrusion_detection"}, "alert"},
		{"ssh log-on", []string{"event.category", "authentication", "event.outcome", "success"}, "logon"},
		{"FortiOS administrator", []string{"sigma.logsource.product", "fortigate", "sigma.logsource.category", "firewall", "event.action", "login"}, "connection logon"},
		{"FortiOS setting", []string{"sigma.logsource.product", "fortigate", "cfgpath", "firewall.policy"}, "change"},
		{"account made", []string{"event.category", "iam"}, "change"},
		{"error line", []string{"log.level", "Error"}, "fault"},
		{"warning is no fault", []string{"log.level", "warning"}, ""},
		{"process", []string{"event.category", "process"}, "process"},
		{"request", []string{"event.category", "web"}, "access"},
		{"file", []string{"event.category", "file"}, "data"},
		{"request seen on the wire", []string{"sigma.logsource.product", "hoalu", "event.category", "network", "event.category", "web"}, "connection flow access"},
		{"plain line", []string{"message", "login of the network process failed"}, ""},
	} {
		e := &ecs.Event{}
		for i := 0; i < len(c.fields); i += 2 {
			e.AddString(ecs.Intern(c.fields[i]), c.fields[i+1])
		}
		if got := kindsSaid(kindsOf(e)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if facts.KindConnection != kindNames[0] || len(kindNames) != 9 {
		t.Errorf("bits and names differ: %v", kindNames)
	}
}

// TestResolvedKeepsKinds: by source and system, the newest of each, over a restart.
func TestResolvedKeepsKinds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "resolved.json")
	r, err := openResolved(path)
	if err != nil {
		t.Fatal(err)
	}
	r.seen("NG-1", "HT-001", soc.LayerEndpoint, kLogon|kProcess, 1000)
	r.seen("NG-1", "HT-001", soc.LayerEndpoint, kLogon, 3000)
	r.seen("NG-1", "HT-001", soc.LayerEndpoint, kLogon, 2000) // late
	r.seen("NG-1", "HT-002", soc.LayerEndpoint, kFault, 4000)
	if err := r.keep(); err != nil {
		t.Fatal(err)
	}
	if r, err = openResolved(path); err != nil {
		t.Fatal(err)
	}
	got := r.kinds("NG-1", "HT-001")
	if len(got) != 2 || got[facts.KindLogon] != 3000 || got[facts.KindProcess] != 1000 {
		t.Errorf("kinds after a restart: %v, want log-on at 3000 and process at 1000", got)
	}
	if got := r.kinds("NG-2", "HT-001"); got != nil {
		t.Errorf("kinds of a source nobody heard of: %v", got)
	}
}

// TestRestartTunesNothing: since when the rules stand survives a restart and moves when they change.
func TestRestartTunesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.json")
	rules := []soc.RuleInfo{{ID: "a", Version: "1"}, {ID: "b", Version: "1"}}
	for _, c := range []struct {
		rules     []soc.RuleInfo
		now, want int64
	}{
		{rules, 1000, 1000},
		{[]soc.RuleInfo{rules[1], rules[0]}, 2000, 1000},
		{[]soc.RuleInfo{rules[0], {ID: "b", Version: "2"}}, 3000, 3000},
		{rules[:1], 4000, 4000},
	} {
		if got, err := rulesChanged(path, c.rules, c.now); err != nil || got != c.want {
			t.Errorf("rulesChanged at %d: %d, %v; want %d", c.now, got, err, c.want)
		}
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := rulesChanged(path, rules, 5000); err != nil || got != 5000 {
		t.Errorf("with a broken file: %d, %v; want now", got, err)
	}
}

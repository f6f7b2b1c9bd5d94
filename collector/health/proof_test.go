package health

import (
	"log/slog"
	"strings"
	"testing"

	"hoalu/ecs"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
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
		{"firewall decision", []string{"sigma.logsource.product", "fortigate", "sigma.logsource.category", "firewall", "log.level", "notice"},
			"connection"},
		{"flow on the wire", []string{"sigma.logsource.product", "zeek", "event.category", "network"}, "connection flow"},
		{"socket told by the host is no flow on the wire", []string{"sigma.logsource.product", "linux", "event.category", "network"},
			"connection"},
		{"intrusion alert is no flow", []string{"sigma.logsource.product", "suricata", "event.category", "intrusion_detection"}, "alert"},
		{"ssh log-on", []string{"event.category", "authentication", "event.outcome", "success"}, "logon"},
		{"FortiOS administrator", []string{"sigma.logsource.product", "fortigate", "sigma.logsource.category", "firewall", "event.action",
			"login"}, "connection logon"},
		{"FortiOS setting", []string{"sigma.logsource.product", "fortigate", "cfgpath", "firewall.policy"}, "change"},
		{"account made", []string{"event.category", "iam"}, "change"},
		{"error line", []string{"log.level", "Error"}, "fault"},
		{"warning is no fault", []string{"log.level", "warning"}, ""},
		{"process", []string{"event.category", "process"}, "process"},
		{"request", []string{"event.category", "web"}, "access"},
		{"file", []string{"event.category", "file"}, "data"},
		{"request seen on the wire", []string{"sigma.logsource.product", "hoalu", "event.category", "network", "event.category", "web"},
			"connection flow access"},
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
	if soc.LogConnection != kindNames[0] || len(kindNames) != 9 {
		t.Errorf("bits and names differ: %v", kindNames)
	}
}

// TestSystemsKeepKinds: by source and system, the newest of each, over a restart.
func TestSystemsKeepKinds(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx, quiet := t.Context(), slog.New(slog.DiscardHandler)
		s, err := OpenSystems(ctx, db.Document("systems of sources"), quiet)
		if err != nil {
			t.Fatal(err)
		}
		s.seen("NG-1", "HT-001", soc.LayerEndpoint, kLogon|kProcess, 1000)
		s.seen("NG-1", "HT-001", soc.LayerEndpoint, kLogon, 3000)
		s.seen("NG-1", "HT-001", soc.LayerEndpoint, kLogon, 2000) // late
		s.seen("NG-1", "HT-002", soc.LayerEndpoint, kFault, 4000)
		if err := s.keep(ctx); err != nil {
			t.Fatal(err)
		}
		if s, err = OpenSystems(ctx, reopen().Document("systems of sources"), quiet); err != nil {
			t.Fatal(err)
		}
		got := s.Kinds("NG-1", "HT-001")
		if len(got) != 2 || got[soc.LogLogon] != 3000 || got[soc.LogProcess] != 1000 {
			t.Errorf("kinds after a restart: %v, want log-on at 3000 and process at 1000", got)
		}
		if got := s.Of("NG-1"); len(got) != 2 || s.Last("NG-1", "HT-002") != 4000 || len(s.Layers("NG-1", "HT-002")) != 1 {
			t.Errorf("after a restart NG-1 counts for %v, HT-002 at %d", got, s.Last("NG-1", "HT-002"))
		}
		if got := s.Kinds("NG-2", "HT-001"); got != nil {
			t.Errorf("kinds of a source nobody heard of: %v", got)
		}
	})
}

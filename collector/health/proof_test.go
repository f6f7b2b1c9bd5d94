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
	p := ownProof(t)
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
		if got := kindsSaid(p.kindsOf(e)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func ownProof(t testing.TB) *proof {
	t.Helper()
	p, err := readProof(proofFile)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLayersProven: the technical layer of each log source, and that what a machine tells of the network is of the machine.
func TestLayersProven(t *testing.T) {
	p := ownProof(t)
	for _, c := range []struct {
		product    string
		categories []string
		want       string
	}{
		{"fortigate", []string{"firewall"}, soc.LayerNetwork},
		{"linux", []string{"firewall"}, soc.LayerEndpoint},
		{"windows", []string{"dns"}, soc.LayerEndpoint},
		{"windows", []string{"dns", "webserver"}, soc.LayerEndpoint},
		{"linux", []string{"database"}, soc.LayerDatabase},
		{"nginx", []string{"webserver"}, soc.LayerApplication},
		{"zeek", []string{"http"}, soc.LayerApplication},
		{"zeek", []string{"something", "tls"}, soc.LayerNetwork},
		{"linux", nil, soc.LayerEndpoint},
		{"postgresql", nil, soc.LayerDatabase},
		{"apache", nil, soc.LayerApplication},
		{"cisco", []string{"something"}, soc.LayerNetwork},
		{"hoalu", nil, ""},
		{"", nil, ""},
	} {
		e := &ecs.Event{}
		e.SetLogsource(c.product, "", c.categories...)
		if got := p.layerOf(e); got != c.want {
			t.Errorf("%s %v proves %q, want %q", c.product, c.categories, got, c.want)
		}
	}
}

// TestProofNamesWhatItDoesNotKnow: a file with a name that is not known is refused, and the name said.
func TestProofNamesWhatItDoesNotKnow(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"hosts: [", "hots: [", "field hots not found"},
		{"  flow:\n", "  flows:\n", `no kind of log "flows"`},
		{"  flow:\n", "  flows:\n", "nothing says what proves flow"},
		{"of: connection", "of: flow", `flow is of "flow"`},
		{"of: connection", "of: conection", `flow is of "conection"`},
		{"of: connection", "off: connection", "field off not found"},
		{"event.category: [process]", "event.categry: [process]", `no field "event.categry"`},
		{"event.category: [process]", "event.category: [proces]", `no event.category "proces"`},
		{"event.category: [process]", "event.category: []", "process: event.category has no values"},
		{"  - cfgpath", "  - cfgpaht", `no field "cfgpath"`},
		{"  - cfgpath", "  - cfgpaht", "no kind uses cfgpaht"},
		{"  - cfgpath", "  - cfgpath\n  - event.action", "event.action is a field of the Elastic Common Schema"},
		{"  database:\n    categories", "  databse:\n    categories", `no layer "databse"`},
		{"  database:\n    categories", "  databse:\n    categories", "nothing says what proves database"},
		{"products: [nginx, apache]", "products: [nginx, apache, cisco]", "the product cisco stands under application and under network"},
		{"products: [nginx, apache]", "product: [nginx, apache]", "field product not found"},
		{"products: [nginx, apache]", "products: []", "application names no product"},
		{"hosts: [", "---\nhosts: [", "more than one document"},
	} {
		text := string(proofFile)
		if strings.Count(text, c.from) != 1 {
			t.Fatalf("%q stands %d times in proof.yml", c.from, strings.Count(text, c.from))
		}
		p, err := readProof([]byte(strings.Replace(text, c.from, c.to, 1)))
		if p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("with %q: %v, want an error that says %q", c.to, err, c.want)
		}
	}
}

// BenchmarkProof is what the health watch asks of each event.
func BenchmarkProof(b *testing.B) {
	p := ownProof(b)
	e := &ecs.Event{}
	e.SetLogsource("fortigate", "traffic", "firewall")
	for _, f := range []string{"message", "event.dataset", "event.action", "source.ip", "destination.ip", "source.port", "destination.port",
		"network.transport", "log.level", "host.name", "observer.name", "policyid", "sessionid", "srcintf", "dstintf"} {
		e.AddString(ecs.Intern(f), "notice")
	}
	e.AddString(ecs.EventCategory, "network")
	b.ReportAllocs()
	for b.Loop() {
		if p.kindsOf(e) == 0 || p.layerOf(e) == "" {
			b.Fatal("proves nothing")
		}
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
		s.seen("NG-1", "HT-001", soc.LayerEndpoint, kindBit(soc.LogLogon)|kindBit(soc.LogProcess), 1000)
		s.seen("NG-1", "HT-001", soc.LayerEndpoint, kindBit(soc.LogLogon), 3000)
		s.seen("NG-1", "HT-001", soc.LayerEndpoint, kindBit(soc.LogLogon), 2000) // late
		s.seen("NG-1", "HT-002", soc.LayerEndpoint, kindBit(soc.LogFault), 4000)
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

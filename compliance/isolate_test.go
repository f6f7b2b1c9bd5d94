package compliance

import (
	"context"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/open-policy-agent/opa/v1/rego"

	"hoalu/compliance/facts"
	"hoalu/soc"
)

// healthy is a system whose sources all send.
func healthy(now int64) facts.Facts {
	src := func(id string, layers ...string) facts.Source {
		return facts.Source{ID: id, Name: id, Kind: soc.SourceSyslog, Layers: layers, State: soc.SourceReceiving, FirstEvent: now - 120*86400_000,
			LastEvent: now - 5000, MaxAge: facts.DefaultMaxAge, Timed: true,
			Kinds: map[string]int64{soc.LogConnection: now, soc.LogFlow: now, soc.LogLogon: now, soc.LogFault: now, soc.LogChange: now,
				soc.LogProcess: now, soc.LogAccess: now, soc.LogData: now, soc.LogAlert: now}}
	}
	return facts.Facts{Now: now, System: facts.System{ID: "HT-001", Level: 3, Engine: "PostgreSQL"}, Floor: 90,
		Assets:   []facts.Asset{{ID: "TS-1", Host: "web", LastEvent: now - 5000}},
		Sources:  []facts.Source{src("NG-1", soc.LayerNetwork, soc.LayerApplication), src("NG-2", soc.LayerEndpoint, soc.LayerDatabase)},
		Store:    facts.Store{Checked: now, Oldest: now - 100*86400_000, KeepDays: 400, DiskDays: 41, Ready: true, Checkpoint: now - 10_000},
		Watch:    facts.Watch{Checked: now, Rules: 25, RulesChanged: now - 86400_000, Started: now - 86400_000},
		National: facts.National{Checked: now, Endpoint: true, LastAccepted: now - 60_000},
		Access:   facts.Access{Checked: now, Accounts: 2, LastDeed: 7}, Clock: facts.Clock{Checked: now, Known: true, Synchronised: true}}
}

// TestOnePolicyFailsAlone: heads that conflict at run time make one control unknown, and every other concludes as before.
func TestOnePolicyFailsAlone(t *testing.T) {
	ctx := context.Background()
	good, err := Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f := healthy(1795300000000)
	want, err := good.Evaluate(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	err = fs.WalkDir(policies, "policies", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := policies.ReadFile(p)
		if strings.HasSuffix(p, "l3_app_log_02.rego") {
			text = append(text, "\nresult := {\"state\": \"met\", \"because\": [], \"evidence\": []} if input.now > 0\n"...)
		}
		files[p] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	bad := &Checks{policy: map[string]policyRef{}, controls: good.controls}
	if err := bad.load(ctx, files); err != nil {
		t.Fatal(err)
	}
	got, err := bad.Evaluate(ctx, f)
	if err == nil || !strings.Contains(err.Error(), "L3-APP-LOG-02") {
		t.Errorf("Evaluate with a policy that contradicts itself: %v, want an error that names it", err)
	}
	for id, w := range want {
		state := w.State
		if id == "L3-APP-LOG-02" {
			state = soc.Unknown
		}
		if got[id].State != state {
			t.Errorf("%s is %q, want %q", id, got[id].State, state)
		}
	}
}

// TestAPanicOfOnePolicyIsItsOwn: an evaluator that panics on the facts of a system ended the process, and again at the next round.
func TestAPanicOfOnePolicyIsItsOwn(t *testing.T) {
	ctx := context.Background()
	good, err := Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f := healthy(1795300000000)
	want, err := good.Evaluate(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	bad := *good
	bad.query = rego.PreparedEvalQuery{} // panics when it is asked
	bad.single = maps.Clone(good.single)
	bad.single["L3-APP-LOG-02"] = rego.PreparedEvalQuery{}
	got, err := bad.Evaluate(ctx, f)
	if err == nil || !strings.Contains(err.Error(), "policy of L3-APP-LOG-02 for HT-001: a fault of ours in the evaluation") {
		t.Errorf("Evaluate: %v", err)
	}
	for id, w := range want {
		state := w.State
		if id == "L3-APP-LOG-02" {
			state = soc.Unknown
		}
		if got[id].State != state {
			t.Errorf("%s is %q, want %q", id, got[id].State, state)
		}
	}
}

// TestNeverGreenOnWhatCannotBeKnown changes a good system so that something is not known; what rests on it is not met no more.
func TestNeverGreenOnWhatCannotBeKnown(t *testing.T) {
	ctx := context.Background()
	c, err := Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	onSources := []string{"L3-ARC-11", "L3-OPS-MON-01", "L3-OPS-MON-02", "L3-OPS-MON-06", "L3-OPS-MON-07", "L3-APP-LOG-02", "L3-NET-LOG-03",
		"L3-SRV-LOG-02", "L3-SRV-LOG-04", "LAYER-2",
		"TECH-NETWORK", "TECH-APPLICATION", "TECH-DATABASE", "TECH-ENDPOINT"}
	for name, change := range map[string]func(*facts.Facts){
		"": func(*facts.Facts) {},
		"silent": func(f *facts.Facts) {
			each(f, func(s *facts.Source) { s.State, s.LastEvent = soc.SourceSilent, f.Now-3600_000 })
		},
		"planned": func(f *facts.Facts) { each(f, func(s *facts.Source) { s.Planned = true }) },
		"planned, never sent": func(f *facts.Facts) {
			each(f, func(s *facts.Source) { s.Planned, s.LastEvent, s.State = true, 0, soc.SourceNever })
		},
		"clock set back":       func(f *facts.Facts) { each(f, func(s *facts.Source) { s.LastEvent = f.Now + 86400_000 }) },
		"no time of their own": func(f *facts.Facts) { each(f, func(s *facts.Source) { s.Timed = false }) },
	} {
		f := healthy(1795300000000)
		change(&f)
		got, err := c.Evaluate(ctx, f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want := soc.Unknown
		if name == "" {
			want = soc.Met
		}
		for _, id := range onSources {
			if name == "no time of their own" && id != "L3-OPS-MON-06" && id != "L3-NET-LOG-02" && id != "L3-SRV-LOG-02" {
				continue // only what is concluded of clocks rests on it
			}
			if got[id].State != want {
				t.Errorf("sources %q: %s is %q, want %q (%v)", name, id, got[id].State, want, got[id].Because)
			}
		}
	}
}

func each(f *facts.Facts, do func(*facts.Source)) {
	for i := range f.Sources {
		do(&f.Sources[i])
	}
}

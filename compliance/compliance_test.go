package compliance

import (
	"context"
	"database/sql"
	"io/fs"
	"log/slog"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"hoalu/compliance/facts"
	"hoalu/soc"
	"hoalu/state"
)

// TestPolicies runs every _test.rego, and asks that each policy has one.
func TestPolicies(t *testing.T) {
	modules := map[string]*ast.Module{}
	var names []string
	err := fs.WalkDir(policies, "policies", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(p) != ".rego" {
			return err
		}
		text, err := policies.ReadFile(p)
		if err != nil {
			return err
		}
		m, err := ast.ParseModule(p, string(text))
		if err != nil {
			t.Errorf("%s: %v", p, err)
			return nil
		}
		modules[p] = m
		names = append(names, p)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range names {
		if strings.HasSuffix(p, "_test.rego") || strings.Contains(p, "/lib/") {
			continue
		}
		want := strings.TrimSuffix(p, ".rego") + "_test.rego"
		if !slices.Contains(names, want) {
			t.Errorf("%s has no %s", p, path.Base(want))
		}
	}
	for p, m := range modules {
		if !strings.HasSuffix(p, "_test.rego") || strings.Contains(p, "/lib/") {
			continue
		}
		tests := map[string]bool{}
		for _, r := range m.Rules {
			tests[r.Head.Ref().String()] = true
		}
		for _, state := range []soc.PostureState{soc.Met, soc.NotMet, soc.Unknown, soc.NotApplicable} {
			if one, never := tests["test_"+string(state)], tests["test_never_"+string(state)]; one == never {
				t.Errorf("%s: needs test_%s, or test_never_%s where no fact leads to that state", p, state, state)
			}
		}
	}
	ch, err := tester.NewRunner().SetStore(inmem.New()).SetModules(modules).RunTests(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for r := range ch {
		ran++
		if !r.Pass() {
			t.Errorf("%s.%s: failed (%v)", r.Package, r.Name, r.Error)
		}
	}
	if ran < 4*len(layers) {
		t.Fatalf("ran %d policy tests only", ran)
	}
}

func TestCatalogue(t *testing.T) {
	c, err := Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string]int{}
	checked := 0
	for _, x := range c.Controls() {
		if x.Framework == Level3 {
			groups[x.Group]++
			if x.Checked {
				checked++
			}
			if x.VI == "" || x.EN == "" || x.Cert.Clause == "" {
				t.Errorf("%s lacks a title or its certainty", x.ID)
			}
			if x.In.Req == "" || x.In.How == "" || (x.In.Param == "") != (x.Param == "") {
				t.Errorf("%s lacks its Vietnamese requirement, evidence or figure: %+v", x.ID, x.In)
			}
			if (x.In.Law == "") != (x.Cert.Param != "V") {
				t.Errorf("%s: a figure read in an official text names document and article, others do not: mark %s, %q", x.ID, x.Cert.Param, x.In.Law)
			}
			for _, bad := range []string{"vui lòng", "hủy", "an toàn thông tin", "!", "dương tính giả"} {
				if strings.Contains(x.In.Req+x.In.How+x.In.Param, bad) {
					t.Errorf("%s: %q is not how a duty officer speaks", x.ID, bad)
				}
			}
			parts := map[string]bool{}
			for _, b := range x.Basis() {
				parts[b.Part] = true
				if !slices.Contains([]string{"V", "V2", "M+", "M", "M-", "own"}, b.Mark) {
					t.Errorf("%s: %+v has no certainty", x.ID, b)
				}
			}
			if !parts["text"] || parts["figure"] != (x.Param != "") {
				t.Errorf("%s: basis %+v lacks a part", x.ID, x.Basis())
			}
		}
	}
	want := map[string]int{"policy": 3, "organisation": 4, "personnel": 7, "design_build": 11, "operation": 45, "risk": 3, "retirement": 1,
		"network": 38, "server": 20, "application": 19, "data": 7}
	for g, n := range want {
		if groups[g] != n {
			t.Errorf("group %s has %d controls, want %d", g, groups[g], n)
		}
	}
	if checked < 22 {
		t.Errorf("%d controls have a check, want at least 22", checked)
	}
}

func base(now int64) facts.Facts {
	return facts.Facts{Now: now, System: facts.System{ID: "HT-001", Level: 3}, Floor: 90,
		Assets: []facts.Asset{{ID: "TS-1", Host: "web", LastEvent: now - 1000}},
		Sources: []facts.Source{{ID: "NG-1", Layers: []string{"endpoint"}, State: soc.SourceReceiving, FirstEvent: now - 1000,
			LastEvent: now - 1000, MaxAge: facts.DefaultMaxAge}}}
}

func results(t *testing.T, s *Service) map[string]Result {
	t.Helper()
	all, err := s.Posture(context.Background(), "HT-001", 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Result{}
	for _, r := range all {
		out[r.Control] = r
	}
	return out
}

// opened are an empty state database and the product's own checks.
func opened(t *testing.T) (*state.DB, *Checks) {
	t.Helper()
	st, err := state.Open(t.Context(), state.Config{Path: filepath.Join(t.TempDir(), "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	checks, err := Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st, checks
}

// TestSilenceIsNeverGreen: a source that stops turns what depended on it to unknown with what was last known, the past stays as it was,
// and the change is recorded.
func TestSilenceIsNeverGreen(t *testing.T) {
	ctx := context.Background()
	st, checks := opened(t)
	start := time.Now().UnixMilli()
	f := base(start)
	var deeds []soc.Deed
	s := New(checks, st, func(context.Context) ([]facts.Facts, error) { return []facts.Facts{f}, nil },
		Hooks{Record: func(_ context.Context, _ *sql.Tx, d soc.Deed) error { deeds = append(deeds, d); return nil }}, time.Hour,
		slog.New(slog.DiscardHandler))
	if got := results(t, s)["L3-SRV-LOG-04"]; got.State != soc.Unknown || got.Because[0].Code != "not_computed_yet" {
		t.Fatalf("before the first round: %+v", got)
	}
	if err := s.Round(ctx); err != nil {
		t.Fatal(err)
	}
	got := results(t, s)
	if got["L3-SRV-LOG-04"].State != soc.Met {
		t.Fatalf("with a live source: %+v, want met", got["L3-SRV-LOG-04"])
	}
	if x := got["L3-POL-01"]; x.State != soc.Unknown || x.Because[0].Code != "no_check" {
		t.Errorf("a control without a policy: %+v, want unknown: no_check", x)
	}
	// the source stops; ten minutes later, whatever the collector says of it, nothing is green
	f.Now = start + 10*60_000
	if err := s.Round(ctx); err != nil {
		t.Fatal(err)
	}
	x := results(t, s)["L3-SRV-LOG-04"]
	if x.State != soc.Unknown || x.LastKnown != soc.Met || x.Since != f.Now {
		t.Fatalf("ten minutes after its source stopped: %+v, want unknown, last known met", x)
	}
	for id, r := range results(t, s) {
		if r.State == soc.Met && slices.ContainsFunc(r.Evidence, func(e soc.Evidence) bool { return strings.HasPrefix(e.ID, "NG-") }) {
			t.Errorf("%s is still met on a silent source", id)
		}
	}
	past, err := s.Posture(ctx, "HT-001", start+1)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range past {
		if r.Control == "L3-SRV-LOG-04" && r.State != soc.Met {
			t.Errorf("the past changed: %+v, want met", r)
		}
	}
	if n := len(deeds); n != 2 || deeds[1].Details["L3-SRV-LOG-04"] != "met → unknown" {
		t.Errorf("audit has %d entries, want 2 with the change named: %+v", n, deeds)
	}
	// the source comes back
	f.Now += 1000
	f.Sources[0].LastEvent = f.Now
	if err := s.Round(ctx); err != nil {
		t.Fatal(err)
	}
	again := New(checks, st, nil, Hooks{}, time.Hour, slog.New(slog.DiscardHandler))
	if err := again.Load(ctx); err != nil {
		t.Fatal(err)
	}
	hist, err := again.History(ctx, "HT-001", "L3-SRV-LOG-04", 10)
	if err != nil || len(hist) != 3 {
		t.Fatalf("history = %d intervals, %v; want 3", len(hist), err)
	}
}

// TestStoppedComputationGoesStale: when rounds stop, what is shown does not stay green.
func TestStoppedComputationGoesStale(t *testing.T) {
	ctx := context.Background()
	st, checks := opened(t)
	f := base(time.Now().UnixMilli() - 11*60_000)
	s := New(checks, st, func(context.Context) ([]facts.Facts, error) { return []facts.Facts{f}, nil }, Hooks{}, time.Hour,
		slog.New(slog.DiscardHandler))
	if err := s.Round(ctx); err != nil {
		t.Fatal(err)
	}
	if x := results(t, s)["L3-SRV-LOG-04"]; x.State != soc.Unknown || x.LastKnown != soc.Met {
		t.Errorf("eleven minutes after the last round: %+v, want unknown", x)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	checks, err := Load(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	f := base(time.Now().UnixMilli())
	for b.Loop() {
		if _, err := checks.Evaluate(context.Background(), f); err != nil {
			b.Fatal(err)
		}
	}
}

func TestBasis(t *testing.T) {
	c, err := Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string][]Basis{
		"L3-SRV-LOG-05": {{"clause", docTCVN11930, "7.2.2.3", "V", false}, {"clause", docTT12, "PL.III II.2-1.2.3", "V", false},
			{"clause", docTCVN14423, "5.8.2.1a", "V2", true}, {Part: "text", Mark: "M"},
			{"figure", docTCVN14423, "5.8.2.1a", "V2", false}},
		"L3-OPS-INC-07": {{Part: "text", Mark: "V"}, {Part: "figure", Document: "NĐ 331/2026/NĐ-CP Đ31.2.d", Mark: "V"}},
		"L3-ARC-15": {{"clause", docTCVN11930, "7.2.1.1", "M+", false}, {"clause", docTT12, "PL.III II.1.b.xv", "V", false},
			{"clause", docTCVN14423, "5.12.2.2a", "V2", true}, {Part: "text", Mark: "V"},
			{Part: "figure", Mark: "own"}},
	} {
		control, _ := c.Control(id)
		if got := control.Basis(); !slices.Equal(got, want) {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
}

// TestNotesOfClausesAreInBothLanguages: what is said beside the number of a clause is read by people of both languages, and the catalogue
// names no file that is not there.
func TestNotesOfClausesAreInBothLanguages(t *testing.T) {
	checks, err := Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	notes := 0
	for _, c := range checks.Controls() {
		for _, clause := range []string{c.Ref.TCVN11930, c.Ref.TT12, c.Ref.TCVN14423} {
			_, note, there := strings.Cut(clause, "(")
			if !there {
				continue
			}
			notes++
			vi, en, both := strings.Cut(note, " / ")
			if !both || en == "" || !strings.ContainsAny(vi, "áàảãạăâéèẻẽẹêíìỉĩịóòỏõọôơúùủũụưýỳđấộừ") {
				t.Errorf("%s: %q: a note is Vietnamese / English", c.ID, clause)
			}
		}
	}
	if notes < 3 {
		t.Errorf("%d notes, want three at least: the test looks past them", notes)
	}
	text, err := policies.ReadFile("policies/level3/controls.yaml")
	if err != nil || strings.Contains(string(text), ".md") {
		t.Errorf("controls.yaml cites a document that is not beside it (%v)", err)
	}
}

// TestAPanicOfTheFactsIsARoundsError: a fault of ours in the gathering of facts ended the process at the first round after every start.
func TestAPanicOfTheFactsIsARoundsError(t *testing.T) {
	st, checks := opened(t)
	bad := true
	s := New(checks, st, func(context.Context) ([]facts.Facts, error) {
		if bad {
			panic("odd source")
		}
		return nil, nil
	}, Hooks{}, time.Hour, slog.New(slog.DiscardHandler))
	if err := s.Round(t.Context()); err == nil || !strings.Contains(err.Error(), "a fault of ours in the gathering of facts: odd source") {
		t.Errorf("Round: %v", err)
	}
	bad = false
	if err := s.Round(t.Context()); err != nil {
		t.Errorf("the next round: %v", err)
	}
}

package sigma_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"archive/zip"
	"io"
	"strings"

	"hoalu/detections/sigma"
	"hoalu/detections/taxonomy"
	"hoalu/ecs"
	"hoalu/internal/needed"
)

// data finds a file of the labelled data: HOALU_TESTDATA, or ../shared/data beside the repository. Without it only the cases in
// testdata run, but never in CI.
func data(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("HOALU_TESTDATA")
	if root == "" {
		root = "../../../shared/data"
	}
	path := filepath.Join(root, "sigma", name)
	if _, err := os.Stat(path); err != nil {
		needed.Missing(t, "labelled data is not here (%v); set HOALU_TESTDATA. The cases in testdata run all the same", err)
	}
	return path
}

func lines(t testing.TB, path string, each func(line []byte)) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		if len(sc.Bytes()) > 0 {
			each(sc.Bytes())
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
}

func words(t testing.TB) sigma.Taxonomy {
	t.Helper()
	tax, err := taxonomy.Default()
	if err != nil {
		t.Fatal(err)
	}
	return tax
}

func compile(t testing.TB, rules ...string) (*sigma.Set, []sigma.Refusal) {
	t.Helper()
	d := &sigma.Documents{}
	for _, r := range rules {
		d.Parse("test.yml", []byte(r), sigma.Values{})
	}
	set, refused := sigma.Compile(d, sigma.Options{Taxonomy: words(t)})
	return set, append(d.Refused, refused...)
}

type logsource struct {
	Product  string   `json:"product"`
	Service  string   `json:"service"`
	Category []string `json:"category"`
}

func event(t testing.TB, raw []byte, ls logsource) *ecs.Event {
	t.Helper()
	var p ecs.Parser
	e := &ecs.Event{}
	if err := p.Parse(e, raw); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	e.SetLogsource(ls.Product, ls.Service, ls.Category...)
	return e
}

type raw = json.RawMessage

func unmarshal(t testing.TB, data []byte, to any) {
	t.Helper()
	if err := json.Unmarshal(data, to); err != nil {
		t.Fatal(err)
	}
}

var processCreation = logsource{"windows", "", []string{"process_creation"}}

// TestConformance runs every case of the specification; testdata holds our own, which run always.
func TestConformance(t *testing.T) {
	paths := []string{"testdata/single.jsonl"}
	run := func(t *testing.T, path string) {
		n := 0
		lines(t, path, func(line []byte) {
			var c struct {
				ID, Topic, Rule string
				Events          []json.RawMessage
				Expect          []bool
			}
			if err := json.Unmarshal(line, &c); err != nil {
				t.Fatal(err)
			}
			set, refused := compile(t, c.Rule)
			if len(refused) > 0 || len(set.Rules) != 1 {
				t.Errorf("%s %s: refused %v", c.ID, c.Topic, refused)
				return
			}
			m := set.NewMatcher()
			for i, raw := range c.Events {
				e := event(t, raw, processCreation)
				got := len(m.Match(e, nil)) == 1
				naive := len(m.MatchNaive(e, nil)) == 1
				if got != c.Expect[i] || naive != c.Expect[i] {
					t.Errorf("%s %s: event %.200s: got %v, naive %v, want %v\n%s", c.ID, c.Topic, raw, got, naive, c.Expect[i], c.Rule)
				}
				n++
			}
		})
		if n == 0 {
			t.Fatal("no case")
		}
	}
	for _, p := range paths {
		t.Run(filepath.Base(p), func(t *testing.T) { run(t, p) })
	}
	t.Run("labelled", func(t *testing.T) { run(t, data(t, "conformance-single.jsonl")) })
}

// TestReject: what must be refused is, with a reason.
func TestReject(t *testing.T) {
	run := func(t *testing.T, path string) {
		lines(t, path, func(line []byte) {
			var c struct{ ID, Topic, Rule string }
			if err := json.Unmarshal(line, &c); err != nil {
				t.Fatal(err)
			}
			set, refused := compile(t, c.Rule)
			if len(refused) != 1 || refused[0].Why == nil || len(set.Rules)+len(set.Correlations) > 0 {
				t.Errorf("%s %s: refused %v, rules %d; want one refusal\n%s", c.ID, c.Topic, refused, len(set.Rules), c.Rule)
			}
		})
	}
	t.Run("own", func(t *testing.T) { run(t, "testdata/reject.jsonl") })
	t.Run("labelled", func(t *testing.T) { run(t, data(t, "conformance-reject.jsonl")) })
}

// TestFuzzPairs compares 300 random rules on 300 random events, all rules in one Set.
func TestFuzzPairs(t *testing.T) {
	d := &sigma.Documents{}
	lines(t, data(t, "fuzz.rules.jsonl"), func(line []byte) {
		var c struct{ Rule string }
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		d.Parse("fuzz", []byte(c.Rule), sigma.Values{})
	})
	set, refused := sigma.Compile(d, sigma.Options{Taxonomy: words(t)})
	for _, r := range append(d.Refused, refused...) {
		t.Errorf("refused: %s", r)
	}
	got, naive := map[string][]int{}, map[string][]int{}
	n := 0
	m := set.NewMatcher()
	lines(t, data(t, "fuzz.events.jsonl"), func(line []byte) {
		e := event(t, line, processCreation)
		for _, r := range m.Match(e, nil) {
			got[r.ID] = append(got[r.ID], n)
		}
		for _, r := range m.MatchNaive(e, nil) {
			naive[r.ID] = append(naive[r.ID], n)
		}
		n++
	})
	pairs := 0
	lines(t, data(t, "fuzz.expected.jsonl"), func(line []byte) {
		var x struct {
			ID   string
			Hits []int
		}
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatal(err)
		}
		pairs += len(x.Hits)
		if !slices.Equal(got[x.ID], x.Hits) || !slices.Equal(naive[x.ID], x.Hits) {
			t.Errorf("rule %s\n got   %v\n naive %v\n want  %v\n%s", x.ID, got[x.ID], naive[x.ID], x.Hits, set.Rule(x.ID).Text)
		}
	})
	t.Logf("%d rules, %d events, %d pairs", len(set.Rules), n, pairs)
}

// sigmaHQ loads the archive.
func sigmaHQ(t testing.TB) *sigma.Documents {
	t.Helper()
	z, err := zip.OpenReader(data(t, "sigma-rules.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	d := &sigma.Documents{}
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".yml") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		d.Parse(f.Name, text, sigma.Values{})
	}
	return d
}

// TestLabelled: every rule of SigmaHQ on every labelled record, 0 missing and 0 extra.
func TestLabelled(t *testing.T) {
	d := sigmaHQ(t)
	set, refused := sigma.Compile(d, sigma.Options{Taxonomy: words(t)})
	refused = append(d.Refused, refused...)
	if len(set.Rules) != 3755 || len(refused) != 25 {
		t.Errorf("%d rules, %d refused; want 3755 and 25", len(set.Rules), len(refused))
	}
	for _, r := range refused {
		if !strings.Contains(r.Why.String(), "placeholder") {
			t.Errorf("refused: %s", r)
		}
	}
	m := set.NewMatcher()
	for _, name := range []string{"sigmahq-regression", "windows-evtx-mitre", "windows-system-logs", "aws-cloudtrail", "synthetic-atomic",
		"zeek", "windows-otrf"} {
		t.Run(name, func(t *testing.T) {
			n, pairs, bad := 0, 0, 0
			lines(t, data(t, name+".jsonl"), func(line []byte) {
				var rec struct {
					Src       string
					Logsource logsource
					Event     json.RawMessage
					Rules     []string
				}
				if err := json.Unmarshal(line, &rec); err != nil {
					t.Fatal(err)
				}
				e := event(t, rec.Event, rec.Logsource)
				ids := func(rules []*sigma.Rule) []string {
					out := []string{}
					for _, r := range rules {
						out = append(out, r.ID)
					}
					slices.Sort(out)
					return out
				}
				got := ids(m.Match(e, nil))
				if n%5 == 0 { // as a document of _bulk, and as it comes back from a store
					ls, err := json.Marshal(rec.Logsource)
					if err != nil {
						t.Fatal(err)
					}
					var p ecs.Parser
					var doc, stored ecs.Event
					if err := p.Parse(&doc, append(rec.Event[:len(rec.Event)-1:len(rec.Event)-1],
						`,"sigma":{"logsource":`+string(ls)+`}}`...)); err != nil {
						t.Fatal(err)
					}
					if err := p.ParseStored(&stored, doc.AppendJSON(nil)); err != nil {
						t.Fatal(err)
					}
					if a, b := ids(m.Match(&doc, nil)), ids(m.Match(&stored, nil)); !slices.Equal(a, got) || !slices.Equal(b, got) {
						t.Errorf("record %d %s: raw %v, document %v, stored %v", n, rec.Src, got, a, b)
					}
				}
				slices.Sort(rec.Rules)
				pairs += len(rec.Rules)
				if !slices.Equal(got, rec.Rules) {
					if bad++; bad <= 10 {
						t.Errorf("record %d %s: got %v, want %v; naive %v\n%.1500s", n, rec.Src, got, rec.Rules, ids(m.MatchNaive(e, nil)), rec.Event)
					}
				}
				n++
			})
			t.Logf("%d records, %d pairs, %d records differ", n, pairs, bad)
		})
	}
}

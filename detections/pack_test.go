package detections

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hoalu/ecs"
	"hoalu/soc"
)

// TestPack walks the product's rules: each has both languages, a run-book of three steps, and events that do and do not fire it.
func TestPack(t *testing.T) {
	g, err := New(Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range g.Refused() {
		t.Errorf("refused: %s", r)
	}
	files := 0
	err = fs.WalkDir(Embedded().FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files++
			if filepath.Ext(path) != ".yml" {
				t.Errorf("rules/%s: only .yml belongs here", path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no rules embedded")
	}
	seen := map[string]bool{}
	for _, r := range g.Rules() {
		checkTexts(t, r)
		name := strings.TrimSuffix(filepath.Base(r.File), ".yml")
		if seen[name] {
			continue // a correlation beside its rules shares their events
		}
		seen[name] = true
		cases, err := readCases(filepath.Join("testdata", name+".ndjson"))
		if err != nil {
			t.Errorf("rules/%s has no events to test it with: %v", r.File, err)
			continue
		}
		for _, kind := range []string{"match", "miss"} {
			checkCase(t, g, r, kind, cases[kind])
		}
	}
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name, is := strings.CutSuffix(e.Name(), ".ndjson"); is && !seen[name] {
			t.Errorf("testdata/%s: no rule of this name", e.Name())
		}
	}
}

// checkTexts: titles, reasons and run-books in both languages, level and status, and a place as CONTRIBUTING says.
func checkTexts(t *testing.T, r soc.RuleInfo) {
	t.Helper()
	if strings.Count(r.File, "/") < 2 {
		t.Errorf("rules/%s: want rules/<product>/<category>/<name>.yml", r.File)
	}
	for _, lang := range []string{"vi", "en"} {
		if r.Title[lang] == "" || r.Why[lang] == "" {
			t.Errorf("%s: hoalu.%s needs title and why", r.File, lang)
		}
		if len(r.Runbook[lang]) != 3 {
			t.Errorf("%s: hoalu.runbook.%s has %d steps, want 3", r.File, lang, len(r.Runbook[lang]))
		}
	}
	if r.Title["vi"] == r.Title["en"] {
		t.Errorf("%s: the Vietnamese title is missing", r.File)
	}
	if r.Severity == "" || r.Status == "" {
		t.Errorf("%s: level and status are missing", r.File)
	}
}

// readCases reads the events of a rule: one JSON object a line as `hoalu rules match` takes it, with a member "case": "match" or "miss".
func readCases(path string) (map[string]*bytes.Buffer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]*bytes.Buffer{"match": {}, "miss": {}}
	for n, line := range bytes.Split(bytes.TrimSpace(data), []byte("\n")) {
		var l struct{ Case string }
		if err := json.Unmarshal(line, &l); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, n+1, err)
		}
		b, known := out[l.Case]
		if !known {
			return nil, fmt.Errorf(`%s, line %d: "case" must be match or miss, is %q`, path, n+1, l.Case)
		}
		b.Write(line)
		b.WriteByte('\n')
	}
	return out, nil
}

// checkCase runs the events of a case in order through an engine of their own. "match" must fire every rule of the file that alerts, "miss"
// none.
func checkCase(t *testing.T, g *Engine, r soc.RuleInfo, kind string, data *bytes.Buffer) {
	t.Helper()
	where := fmt.Sprintf("rules/%s: case %q", r.File, kind)
	events := eventsOf(t, data)
	if len(events) == 0 {
		t.Errorf("%s holds no event", where)
	}
	if kind == "miss" && !near(g, r.File, events) {
		t.Errorf("%s: no event comes near the rule: none has a field that it looks at", where)
	}
	single := !slices.ContainsFunc(g.Rules(), func(o soc.RuleInfo) bool { return o.File == r.File && o.Correlation })
	fresh := g // a rule by itself keeps no state
	if !single {
		var err error
		if fresh, err = New(Config{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	fired := map[string]bool{}
	for i, e := range events {
		here := false
		for _, h := range fresh.Process(e) {
			fired[h.Rule] = true
			here = here || h.Rule == r.ID
		}
		if single && here != (kind == "match") {
			t.Errorf("%s event %d: fires %v\n%v", where, i, here, fresh.Explain(r.ID, e[0]))
		}
	}
	for _, o := range g.Rules() {
		if o.File != r.File || single {
			continue
		}
		if rule := fresh.run.Load().set.Rule(o.ID); rule != nil && !rule.Generate {
			continue // only feeds the correlation
		}
		if c := fresh.run.Load().correls[o.ID]; c != nil && !c.Alert {
			continue // only feeds another correlation
		}
		if fired[o.ID] != (kind == "match") {
			t.Errorf("%s: %s fires %v", where, o.ID, fired[o.ID])
		}
	}
}

// near is whether a rule of the file finds something to look at in an event: a field that one of its conditions names.
func near(g *Engine, file string, events [][]*ecs.Event) bool {
	own := slices.ContainsFunc(g.Rules(), func(r soc.RuleInfo) bool { return r.File == file && !r.Correlation })
	for _, r := range g.Rules() {
		if own && r.File != file || r.Correlation { // a file of correlations alone counts the rules of others
			continue
		}
		for _, e := range events {
			for _, c := range g.Explain(r.ID, e[0]) {
				if c.Got != "" {
					return true
				}
			}
		}
	}
	return false
}

package detections

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hoalu/internal/needed"
)

// labelled finds a file of the labelled data: HOALU_TESTDATA, or ../shared/data beside the repository. Without it only our own
// cases run, but never in CI.
func labelled(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("HOALU_TESTDATA")
	if root == "" {
		root = "../../shared/data"
	}
	path := filepath.Join(root, "sigma", name)
	if _, err := os.Stat(path); err != nil {
		needed.Missing(t, "labelled data is not here (%v); set HOALU_TESTDATA. The cases in testdata run all the same", err)
	}
	return path
}

func each(t testing.TB, path string, f func(line []byte)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sc := bufio.NewScanner(file)
	sc.Buffer(nil, 16<<20)
	for sc.Scan() {
		if len(sc.Bytes()) > 0 {
			f(sc.Bytes())
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
}

// rulesFile writes rules where the commands read them.
func rulesFile(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// records turns the events of a case into lines of an events file.
func records(t testing.TB, events []map[string]json.RawMessage) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	for _, e := range events {
		line := map[string]json.RawMessage{"t": e["t"], "logsource": e["_ls"]}
		inner := map[string]json.RawMessage{}
		for k, v := range e {
			if k != "t" && k != "_ls" {
				inner[k] = v
			}
		}
		raw, err := json.Marshal(inner)
		if err != nil {
			t.Fatal(err)
		}
		line["event"] = raw
		out, err := json.Marshal(line)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(out)
		b.WriteByte('\n')
	}
	return &b
}

type correlationCase struct {
	ID, Topic, Rules string
	Strict           *bool
	Events           []map[string]json.RawMessage
	Expect           []struct {
		Rule  string
		Group map[string]string
		First json.Number
	}
}

// TestCorrelations runs the correlation cases as `hoalu rules correlate` does.
func TestCorrelations(t *testing.T) {
	run := func(t *testing.T, path string) {
		each(t, path, func(line []byte) {
			var c correlationCase
			if err := json.Unmarshal(line, &c); err != nil {
				t.Fatal(err)
			}
			set, refused, err := LoadSet(rulesFile(t, c.Rules))
			if err != nil || len(refused) > 0 {
				t.Errorf("%s %s: refused %v, %v", c.ID, c.Topic, refused, err)
				return
			}
			var out bytes.Buffer
			if err := CorrelateFile(set, records(t, c.Events), &out); err != nil {
				t.Errorf("%s %s: %v", c.ID, c.Topic, err)
				return
			}
			name := map[string]string{}
			for _, r := range set.Rules {
				name[r.ID] = r.Name
			}
			for _, r := range set.Correlations {
				name[r.ID] = r.Name
			}
			var got, want []string
			sc := bufio.NewScanner(&out)
			for sc.Scan() {
				var f struct {
					Rule  string
					Group map[string]string
					First json.Number
				}
				if err := json.Unmarshal(sc.Bytes(), &f); err != nil {
					t.Fatal(err)
				}
				g, _ := json.Marshal(f.Group)
				got = append(got, name[f.Rule]+" "+string(g)+" "+f.First.String())
			}
			for _, x := range c.Expect {
				g, _ := json.Marshal(x.Group)
				want = append(want, x.Rule+" "+string(g)+" "+x.First.String())
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				if c.Strict != nil && !*c.Strict {
					t.Logf("%s %s (the specification is silent): got %q, case says %q", c.ID, c.Topic, got, want)
					return
				}
				t.Errorf("%s %s: got %q, want %q\n%s", c.ID, c.Topic, got, want, c.Rules)
			}
		})
	}
	t.Run("own", func(t *testing.T) { run(t, "testdata/correlation.jsonl") })
	t.Run("labelled", func(t *testing.T) { run(t, labelled(t, "conformance-correlation.jsonl")) })
}

// TestFilters runs the filter cases; a correlation is named with the event that completes it.
func TestFilters(t *testing.T) {
	run := func(t *testing.T, path string) {
		each(t, path, func(line []byte) {
			var c struct {
				ID, Topic, Rules string
				Events           []map[string]json.RawMessage
				Expect           [][]string
			}
			if err := json.Unmarshal(line, &c); err != nil {
				t.Fatal(err)
			}
			g, err := New(Config{Packs: []Pack{}, Paths: []string{rulesFile(t, c.Rules)}}, nil)
			if err != nil || len(g.Refused()) > 0 {
				t.Errorf("%s %s: %v, refused %v", c.ID, c.Topic, err, g.Refused())
				return
			}
			for i, e := range eventsOf(t, records(t, c.Events)) {
				got := []string{}
				for _, h := range g.Process(e) {
					info, _ := g.Rule(h.Rule)
					got = append(got, info.Title["en"])
				}
				slices.Sort(got)
				slices.Sort(c.Expect[i])
				if !slices.Equal(got, c.Expect[i]) {
					t.Errorf("%s %s: event %d: got %q, want %q", c.ID, c.Topic, i, got, c.Expect[i])
				}
			}
		})
	}
	t.Run("own", func(t *testing.T) { run(t, "testdata/filter.jsonl") })
	t.Run("labelled", func(t *testing.T) { run(t, labelled(t, "conformance-filter.jsonl")) })
}

// TestMatchFile: the command gives the labelled pairs with several workers, in order.
func TestMatchFile(t *testing.T) {
	set, refused, err := LoadSet(labelled(t, "sigma-rules.zip"))
	if err != nil || len(set.Rules) != 3755 || len(refused) != 25 {
		t.Fatalf("%d rules, %d refused, %v", len(set.Rules), len(refused), err)
	}
	for _, name := range []string{"sigmahq-regression.jsonl", "synthetic-atomic.jsonl"} {
		in, err := os.ReadFile(labelled(t, name))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := MatchFile(set, bytes.NewReader(in), &out, 3); err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(out.String()), "\n")
		i := 0
		for line := range bytes.Lines(in) {
			var want struct{ Rules []string }
			if err := json.Unmarshal(line, &want); err != nil {
				t.Fatal(err)
			}
			slices.Sort(want.Rules)
			text, err := json.Marshal(map[string]any{"record": i, "rules": want.Rules})
			if err != nil {
				t.Fatal(err)
			}
			if i >= len(got) || got[i] != string(text) {
				t.Fatalf("%s record %d: got %s, want %s", name, i, got[i], text)
			}
			i++
		}
	}
}

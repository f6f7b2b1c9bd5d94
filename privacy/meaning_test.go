package privacy

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"hoalu/ecs"
	"hoalu/internal/needed"
)

// TestMeaningKept: protection changes nothing in the events that rules are tested with, so it cannot change what a rule says.
// Those events hold no citizen of ours.
func TestMeaningKept(t *testing.T) {
	dir := os.Getenv("HOALU_TESTDATA")
	if dir == "" {
		dir = "../../shared/data"
	}
	files, _ := filepath.Glob(filepath.Join(dir, "sigma", "*.jsonl"))
	if len(files) == 0 {
		needed.Missing(t, "labelled rule events are not here; set HOALU_TESTDATA")
	}
	p := protector()
	var parser ecs.Parser
	events, changed := 0, 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(f)
		sc.Buffer(nil, 16<<20)
		for sc.Scan() {
			var r struct {
				Event json.RawMessage `json:"event"`
			}
			if json.Unmarshal(sc.Bytes(), &r) != nil || len(r.Event) == 0 {
				continue
			}
			e := &ecs.Event{Created: 1_772_414_131_000}
			if err := parser.Parse(e, r.Event); err != nil {
				continue
			}
			events++
			before := string(e.AppendJSON(nil))
			protect(t, p, e)
			if e.Has(ecs.HoaluIdentifier) {
				changed++
				if changed < 10 {
					t.Errorf("%s: %.1500s\nbecame %.1500s", filepath.Base(name), before, e.AppendJSON(nil))
				}
			}
		}
		f.Close()
	}
	t.Logf("%d events, %d changed", events, changed)
}

package detections

import (
	"bytes"
	"encoding/json"
	"testing"

	"hoalu/detections/sigma"
	"hoalu/ecs"
)

// BenchmarkMatch: all rules of SigmaHQ on the labelled events, decoded before; go test -bench Match -benchtime 3s ./detections.
func BenchmarkMatch(b *testing.B) {
	set, _, err := LoadSet(labelled(b, "sigma-rules.zip"))
	if err != nil {
		b.Fatal(err)
	}
	var process, all []*ecs.Event
	var p ecs.Parser
	for _, name := range []string{"windows-otrf", "windows-evtx-mitre", "synthetic-atomic", "sigmahq-regression", "windows-system-logs"} {
		each(b, labelled(b, name+".jsonl"), func(line []byte) {
			e := &ecs.Event{}
			if _, err := readRecord(&p, e, line); err != nil {
				b.Fatal(err)
			}
			all = append(all, e)
			if bytes.Contains(line, []byte(`"process_creation"`)) && json.Valid(line) && e.Logsource().Product == "windows" {
				process = append(process, e)
			}
		})
	}
	for _, set2 := range []struct {
		name   string
		events []*ecs.Event
	}{{"process_creation", process}, {"all", all}} {
		run := func(name string, match func(*sigma.Matcher, *ecs.Event, []*sigma.Rule) []*sigma.Rule) {
			b.Run(set2.name+"/"+name, func(b *testing.B) {
				m := set.NewMatcher()
				var found []*sigma.Rule
				for _, e := range set2.events {
					found = m.Match(e, found[:0])
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					found = match(m, set2.events[i%len(set2.events)], found[:0])
					i++
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
		run("index", (*sigma.Matcher).Match)
		run("naive", (*sigma.Matcher).MatchNaive)
	}
}

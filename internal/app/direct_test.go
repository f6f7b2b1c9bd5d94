package app

import (
	"strings"
	"testing"

	"hoalu/collector/health"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// TestToldTwiceCountsOnce: a note whose alert was made directly, while intake refused, is the same event when the queue takes it later: one
// alert, one hit, and the event can then be read.
func TestToldTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	note := `{"@timestamp":"2026-11-30T06:00:00.000Z","message":"queue is in trouble: full","log":{"level":"error"},"event":{"kind":"event","module":"hoalu","dataset":"hoalu.health","action":"part_trouble"},"hoalu":{"about":{"part":"queue"}},"sigma":{"logsource":{"product":"hoalu","service":"health"}}}`
	frame := func() wire.Frame {
		return wire.Frame{Source: r.selfFeed.ID, Format: wire.FormatJSON, ID: "note-x-1", Trust: true, Received: r.started, Data: []byte(note)}
	}
	if err := r.detectDirectly(t.Context(), frame()); err != nil {
		t.Fatal(err)
	}
	told := func() map[string]int64 {
		out := map[string]int64{}
		for name, n := range r.alerts() {
			if number, rule, _ := strings.Cut(name, " "); rule != "" {
				al, err := r.triage.Get(t.Context(), soc.Scope{All: true}, number)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(al.Evidence, "queue is in trouble") {
					out[name] = n
				}
			}
		}
		return out
	}
	before := told()
	if len(before) != 1 {
		t.Fatalf("alerts made directly: %v, want one; all: %v", before, r.alerts())
	}
	if err := r.intake.Put(t.Context(), health.Listener, []wire.Frame{frame()}); err != nil {
		t.Fatal(err)
	}
	r.eventually("the event is stored and detected", func() bool {
		return r.stored(before) && r.detector.Detected() == r.queue.State().Last
	})
	for name, n := range told() {
		if n != 1 || before[name] != 1 {
			t.Errorf("%s has %d hits after the queue took the event, %d before; want one", name, n, before[name])
		}
	}
	if after := told(); len(after) != 1 {
		t.Errorf("alerts %v, want the one of before", after)
	}
}

// stored says whether the events of alerts (number and rule) can be read.
func (r *rig) stored(alerts map[string]int64) bool {
	r.Helper()
	for name := range alerts {
		number, _, _ := strings.Cut(name, " ")
		al, err := r.triage.Get(r.Context(), soc.Scope{All: true}, number)
		if err != nil {
			r.Fatal(err)
		}
		if got, err := r.store.Get(r.Context(), al.Events); err != nil || len(got) != len(al.Events) {
			return false
		}
	}
	return true
}

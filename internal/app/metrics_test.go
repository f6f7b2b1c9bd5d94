package app

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// TestMetricsAreWellFormed: Prometheus' own check of names, kinds and helps (promtool check metrics) finds nothing, every figure of
// appMetrics is there, and the counters grow with what they count.
func TestMetricsAreWellFormed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.feed(0, 20)
	r.eventually("the events are decoded", func() bool { return r.detector.Detected() == r.queue.State().Last })
	families, err := r.registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			got[f.GetName()] += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for _, m := range appMetrics {
		if _, there := got["hoalu_"+m.name]; !there {
			t.Errorf("hoalu_%s is not among the metrics", m.name)
		}
	}
	for name, least := range map[string]float64{"hoalu_intake_frames_total": 20, "hoalu_queue_appended_total": 1,
		"hoalu_pipeline_events_total": 20, "hoalu_rules_loaded": 10, "hoalu_queue_bytes": 1} {
		if got[name] < least {
			t.Errorf("%s is %v, want at least %v", name, got[name], least)
		}
	}
}

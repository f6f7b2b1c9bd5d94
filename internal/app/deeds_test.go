package app

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"hoalu/compliance/evidence"
)

// TestExportHoldsAlertsOfThePeriod: an alert that goes on after the period is in it, one that began after it is not; the pack verifies,
// tells of its own export, and is refused for a system nobody knows.
func TestExportHoldsAlertsOfThePeriod(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	frame := func() { r.feedOwn(12) }
	frame()
	r.eventually("an alert", func() bool { return len(r.alerts()) > 0 && r.detector.Detected() == r.queue.State().Last })
	end := time.Now()
	export := func(from, to time.Time) (string, evidence.Verdict) {
		t.Helper()
		var out bytes.Buffer
		q := url.Values{"system": {r.self.ID}, "from": {from.Format(time.RFC3339Nano)}, "to": {to.Format(time.RFC3339Nano)}, "reason": {"test"}}
		if err := r.exportPack(context.Background(), &out, q, owner); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		key, err := r.evidenceKey(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return text, evidence.VerifyPack(strings.NewReader(text), evidence.Want{Key: key, System: r.self.ID})
	}
	text, v := export(end.Add(-time.Hour), end.Add(time.Hour))
	if !v.Good || v.Counts["alert"] == 0 || !strings.Contains(text, "evidence.export") {
		t.Errorf("pack of the hour: %+v", v)
	}
	had := v.Counts["alert"]
	frame() // the alert goes on
	r.eventually("more hits", func() bool { return r.count(ownHost()) == 24 && r.detector.Detected() == r.queue.State().Last })
	if _, v = export(end.Add(-time.Hour), end.Add(time.Second)); v.Counts["alert"] != had {
		t.Errorf("pack of a period the alert outlived holds %d alerts, want %d", v.Counts["alert"], had)
	}
	first := v
	if _, v = export(end.Add(-2*time.Hour), end.Add(-time.Hour)); v.Counts["alert"] != 0 || v.Measured || !v.Good {
		t.Errorf("pack of the hour before, when nothing was measured: %+v", v)
	}
	if got := evidence.Compare(first, v); got != evidence.OneLog {
		t.Errorf("two packs of one appliance: Compare() = %s", got)
	}
}

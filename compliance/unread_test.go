package compliance

import (
	"context"
	"testing"

	"hoalu/soc"
)

// TestWhatCouldNotBeReadIsUnknown: no control concludes anything from evidence that could not be read; each names the cause, and those
// that do not rest on it conclude as before.
func TestWhatCouldNotBeReadIsUnknown(t *testing.T) {
	ctx := context.Background()
	checks, err := Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	f := healthy(1_795_300_000_000)
	before, err := checks.Evaluate(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"store", "accounts", "national_settings", "watch", "clock"} {
		f.Failed = map[string]string{id: "disk I/O error"}
		after, err := checks.Evaluate(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		touched := 0
		for control, was := range before {
			rests := false
			for _, e := range was.Evidence {
				rests = rests || e.ID == id
			}
			r := after[control]
			switch {
			case !rests && r.State != was.State:
				t.Errorf("%s without %s: %s, before %s", control, id, r.State, was.State)
			case rests:
				touched++
				if r.State != soc.Unknown || len(r.Because) != 1 || r.Because[0].Code != "fact_unknown" || r.Because[0].Values["cause"] != "disk I/O error" {
					t.Errorf("%s without %s: %s because %v, want unknown with the cause", control, id, r.State, r.Because)
				}
			}
		}
		if touched == 0 {
			t.Errorf("no control rests on %s: nothing was tested", id)
		}
	}
}

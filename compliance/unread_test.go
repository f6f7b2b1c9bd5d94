package compliance

import (
	"context"
	"log/slog"
	"maps"
	"testing"
	"time"

	"hoalu/compliance/facts"
	"hoalu/soc"
	"hoalu/state/statetest"
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
				if r.State != soc.Unknown || len(r.Because) != 1 || r.Because[0].Code != "fact_unknown" ||
					r.Because[0].Values["cause"] != "disk I/O error" {
					t.Errorf("%s without %s: %s because %v, want unknown with the cause", control, id, r.State, r.Because)
				}
			}
		}
		if touched == 0 {
			t.Errorf("no control rests on %s: nothing was tested", id)
		}
	}
}

// TestOwnFindingsAreNotCountedAgainstASystem: two roles in one hand and no receiving point are findings about the SOC's appliance: they
// are there with their state, and neither the figures nor the tile of a system change with them.
func TestOwnFindingsAreNotCountedAgainstASystem(t *testing.T) {
	ctx := context.Background()
	checks, err := Load(ctx)
	if err != nil {
		t.Fatal(err)
	}
	tally := func(change func(*facts.Facts)) Tally {
		t.Helper()
		f := healthy(time.Now().UnixMilli())
		change(&f)
		st := statetest.Open(t)
		t.Cleanup(func() { st.Close() })
		s := New(checks, st, func(context.Context) ([]facts.Facts, error) { return []facts.Facts{f}, nil }, Hooks{}, time.Hour,
			slog.New(slog.DiscardHandler))
		if err := s.Round(ctx); err != nil {
			t.Fatal(err)
		}
		got, err := s.Tally(ctx, f.System.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := tally(func(*facts.Facts) {})
	after := tally(func(f *facts.Facts) { f.Access.TwoRoles, f.National.Endpoint = 1, false })
	if after.Appliance[soc.NotMet] != 2 {
		t.Errorf("about the appliance: %v, want two not met", after.Appliance)
	}
	if !maps.Equal(before.Controls, after.Controls) || before.Tile != after.Tile {
		t.Errorf("figures %v and tile %s with the SOC's own findings, %v and %s without", after.Controls, after.Tile, before.Controls,
			before.Tile)
	}
}

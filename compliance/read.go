package compliance

import (
	"context"
	"fmt"
	"time"

	"hoalu/compliance/internal/db"
	"hoalu/internal/wording"
	"hoalu/soc"
)

// Posture returns every control and layer of a system, in the catalogue's order, now (at = 0) or as it stood at an instant.
// Controls without a check are unknown with reason no_check. A conclusion whose round is too old is unknown: a stopped
// computation never stays green.
func (s *Service) Posture(ctx context.Context, system string, at int64) ([]Result, error) {
	s.mu.RLock()
	by, confirmed := s.now[system], s.confirmed[system]
	s.mu.RUnlock()
	now := at
	if at == 0 {
		now = time.Now().UnixMilli()
	} else {
		rows, err := db.New(s.state.Read()).At(ctx, db.AtParams{SystemID: system, At: at})
		if err != nil {
			return nil, fmt.Errorf("read posture of %s: %w", system, err)
		}
		by = map[string]Result{}
		for _, row := range rows {
			r, err := fromRow(row)
			if err != nil {
				return nil, err
			}
			by[r.Control] = r
		}
	}
	out := make([]Result, 0, len(s.checks.controls))
	for _, c := range s.checks.controls {
		r, ok := by[c.ID]
		switch {
		case !ok && c.Checked && len(by) == 0:
			r = Result{Finding: soc.Finding{System: system, Control: c.ID, State: soc.Unknown, Because: []soc.Because{{Code: "not_computed_yet"}},
				Evidence: []soc.Evidence{}}, Score: -1}
		case !ok: // also at an instant before its policy came
			r = Result{Finding: soc.Finding{System: system, Control: c.ID, State: soc.Unknown, Because: []soc.Because{{Code: "no_check"}},
				Evidence: []soc.Evidence{}}, Score: -1}
		case r.Until == 0 && r.State != soc.Unknown && now-confirmed > tooLong:
			doubt(&r, "computation_stale", nil, confirmed)
		case at == 0 && concluded(r.State):
			judgeAge(&r, now)
		}
		out = append(out, r)
	}
	return out, nil
}

// Tally counts a system's level-3 controls by state and gives its layers.
type Tally struct {
	Controls  map[soc.PostureState]int // the system's own
	Appliance map[soc.PostureState]int // those about the appliance
	Layers    []Result                 // LAYER-1 … LAYER-4
	Technical []Result
	Tile      soc.PostureState
	Computed  int64
}

// Tile is the state of a system by its four organisational layers (own rule): not met when a layer is known to stand at 0 or 1 of 3,
// else unknown when one is not known, else met. Layers 1 and 3 rest on documents: without one nothing is known of them, so they
// never make a system not met, and never met.
func Tile(layers []Result) soc.PostureState {
	tile := soc.Met
	for _, r := range layers {
		switch {
		case r.State == soc.Unknown && tile == soc.Met:
			tile = soc.Unknown
		case r.State != soc.Unknown && r.Score <= 1:
			return soc.NotMet
		}
	}
	return tile
}

// Tally summarises a system now.
func (s *Service) Tally(ctx context.Context, system string) (Tally, error) {
	all, err := s.Posture(ctx, system, 0)
	if err != nil {
		return Tally{}, err
	}
	t := Tally{Controls: map[soc.PostureState]int{soc.Met: 0, soc.NotMet: 0, soc.Unknown: 0, soc.NotApplicable: 0},
		Appliance: map[soc.PostureState]int{}}
	var own []Result // organisational layers of the system itself
	for i, r := range all {
		switch s.checks.controls[i].Framework {
		case Level3:
			if s.checks.controls[i].About == AboutAppliance {
				t.Appliance[r.State]++
			} else {
				t.Controls[r.State]++
			}
		case Organisation:
			t.Layers = append(t.Layers, r)
			if s.checks.controls[i].About != AboutAppliance {
				own = append(own, r)
			}
		case Technical:
			t.Technical = append(t.Technical, r)
		}
	}
	t.Tile = Tile(own)
	s.mu.RLock()
	t.Computed = s.computed
	s.mu.RUnlock()
	return t, nil
}

// Ready says why posture is not being computed, nil when it is.
func (s *Service) Ready() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.failure == nil {
		return nil
	}
	return wording.New("posture was not worked out or kept in the last round, so what is shown is older: %s", s.failure)
}

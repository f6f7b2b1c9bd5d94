package detections

import (
	"testing"

	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
)

// TestRestartTunesNothing: since when the rules stand survives a restart and moves when they change.
func TestRestartTunesNothing(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := t.Context()
		rules := []soc.RuleInfo{{ID: "a", Version: "1"}, {ID: "b", Version: "1"}}
		for _, c := range []struct {
			rules     []soc.RuleInfo
			now, want int64
		}{
			{rules, 1000, 1000},
			{[]soc.RuleInfo{rules[1], rules[0]}, 2000, 1000},
			{[]soc.RuleInfo{rules[0], {ID: "b", Version: "2"}}, 3000, 3000},
			{rules[:1], 4000, 4000},
		} {
			if got, err := Since(ctx, reopen().Document("rules"), c.rules, c.now); err != nil || got != c.want {
				t.Errorf("Since at %d: %d, %v; want %d", c.now, got, err, c.want)
			}
		}
		doc := db.Document("rules")
		if err := doc.Keep(ctx, []byte("{")); err != nil {
			t.Fatal(err)
		}
		if got, err := Since(ctx, doc, rules, 5000); err != nil || got != 5000 {
			t.Errorf("with a broken document: %d, %v; want now", got, err)
		}
	})
}

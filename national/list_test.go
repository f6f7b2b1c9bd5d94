package national

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"testing"

	"hoalu/soc"
	"hoalu/state/statetest"
)

// The kind of a report was looked at after the page was cut: totals counted every kind, and pages came out short or empty.
func TestListPagesByKind(t *testing.T) {
	ctx := context.Background()
	st := statetest.Open(t)
	s := New(DefaultConfig(), st, Hooks{}, slog.New(slog.DiscardHandler))
	want := map[string]int{}
	err := st.Tx(ctx, func(tx *sql.Tx) error {
		for i := range 60 {
			kind := "heartbeat"
			if i%6 == 0 {
				kind = "alert"
			}
			st := []string{soc.ReportWaiting, soc.ReportAccepted, soc.ReportRefused}[i%3]
			if kind == "alert" {
				st = []string{soc.ReportWaiting, soc.ReportAccepted}[i/6%2]
			}
			want[kind]++
			want[kind+st]++
			_, err := tx.ExecContext(ctx,
				`INSERT INTO national_outbox (ord, id, kind, subject, system_id, channel, body, digest, created, state, tries, next_try, last_error, settled, demo, exercise)
				VALUES ($1, $2, $3, '', '', 'c', '{}', '', $1, $4, 0, 0, '', 0, 0, 0)`, i+1, fmt.Sprintf("BC-%03d", i), kind, st)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"", soc.ReportWaiting, soc.ReportAccepted} {
		for _, kind := range []string{"alert", "heartbeat"} {
			seen := map[string]bool{}
			after := ""
			for page := 0; page < 50; page++ {
				p, err := s.List(ctx, 0, state, kind, after, 3)
				if err != nil {
					t.Fatal(err)
				}
				if p.Total != int64(want[kind+state]) {
					t.Errorf("%s %s: total %d, want %d", state, kind, p.Total, want[kind+state])
				}
				if p.Next != "" && len(p.Items) != 3 {
					t.Errorf("%s %s: page %d has %d rows and a next one", state, kind, page, len(p.Items))
				}
				for _, r := range p.Items {
					if r.Kind != kind || seen[r.ID] {
						t.Errorf("%s %s: page %d holds %s %s", state, kind, page, r.Kind, r.ID)
					}
					seen[r.ID] = true
				}
				if after = p.Next; after == "" {
					break
				}
			}
			if len(seen) != want[kind+state] {
				t.Errorf("%s %s: pages hold %d reports, want %d", state, kind, len(seen), want[kind+state])
			}
		}
	}
}

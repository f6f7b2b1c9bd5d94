package national

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"hoalu/national/internal/db"
	"hoalu/soc"
	"hoalu/state/statetest"
)

// TestDueDay: yesterday is compared once it is past the set time, whenever the machine was on, and once.
func TestDueDay(t *testing.T) {
	ctx := context.Background()
	st := statetest.Open(t)
	s := New(DefaultConfig(), st, Hooks{}, slog.New(slog.DiscardHandler))
	at := func(clock string) time.Time {
		t.Helper()
		x, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-22 "+clock, soc.Zone)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, tc := range []struct{ clock, want string }{{"00:19", ""}, {"00:20", "2026-11-21"}, {"18:00", "2026-11-21"}} {
		if got, err := s.destination(1).dueDay(ctx, at(tc.clock)); err != nil || got != tc.want {
			t.Errorf("dueDay at %s = %q, %v; want %q", tc.clock, got, err, tc.want)
		}
	}
	for _, tc := range []struct {
		compared time.Time
		want     string
	}{{at("00:00").Add(-time.Hour), "2026-11-21"}, {at("00:21"), ""}} { // by hand while the day still ran, and after it
		if err := st.Tx(ctx, func(tx *sql.Tx) error {
			return db.New(tx).SaveReconciliation(ctx, db.SaveReconciliationParams{Destination: 1, Day: "2026-11-21", At: tc.compared.UnixMilli(),
				Missing: "[]", Extra: "[]", Broken: "[]", Balanced: 1})
		}); err != nil {
			t.Fatal(err)
		}
		if got, err := s.destination(1).dueDay(ctx, at("08:00")); err != nil || got != tc.want {
			t.Errorf("dueDay, compared at %s = %q, %v; want %q", tc.compared, got, err, tc.want)
		}
	}
}

// TestBackoff: it grows to RetryMost and never further, whatever the figures.
func TestBackoff(t *testing.T) {
	s := &Service{cfg: Config{RetryFirst: time.Second, RetryMost: 5 * time.Minute}}
	for tries, most := range map[int64]time.Duration{0: time.Second, 1: 2 * time.Second, 3: 8 * time.Second, 20: 5 * time.Minute,
		1 << 40: 5 * time.Minute} {
		for range 20 {
			if d := s.backoff(tries); d > most || d < most*3/4 {
				t.Fatalf("backoff(%d) = %s, want %s less a quarter at most", tries, d, most)
			}
		}
	}
	c := DefaultConfig()
	c.RetryFirst, c.RetryMost = 20*time.Hour, time.Hour
	if c.Validate() == nil {
		t.Error("a first wait over the most is taken")
	}
}

// TestListByKindCountsAndPages: the total and the pages are of the kind that was asked for, however many others lie between.
func TestListByKindCountsAndPages(t *testing.T) {
	ctx := context.Background()
	st := statetest.Open(t)
	s := New(DefaultConfig(), st, Hooks{}, slog.New(slog.DiscardHandler))
	if err := st.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		for i := range int64(40) {
			kind, id := "alert", fmt.Sprintf("BC-%d", i)
			if i%10 == 9 {
				kind = "test"
			}
			if _, err := q.InsertReport(ctx, db.InsertReportParams{Ord: i + 1, ID: id, Kind: kind, Channel: "json", Created: i}); err != nil {
				return err
			}
			if i < 20 {
				if err := q.SettleReport(ctx, db.SettleReportParams{ID: id, State: soc.ReportRefused}); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		state string
		want  []string
	}{{"", []string{"BC-29", "BC-39", "BC-19", "BC-9"}}, {soc.ReportWaiting, []string{"BC-29", "BC-39"}},
		{soc.ReportRefused, []string{"BC-19", "BC-9"}}} {
		var got []string
		for after := ""; ; {
			p, err := s.List(ctx, 0, c.state, "test", after, 1)
			if err != nil {
				t.Fatal(err)
			}
			if p.Total != int64(len(c.want)) {
				t.Errorf("%q: total %d, want %d", c.state, p.Total, len(c.want))
			}
			for _, r := range p.Items {
				got = append(got, r.ID)
			}
			if after = p.Next; after == "" || len(got) > 10 {
				break
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: pages of one give %q, want %q", c.state, got, c.want)
		}
	}
}

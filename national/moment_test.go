package national

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"testing"

	"hoalu/national/internal/db"
	"hoalu/soc"
	"hoalu/state/statetest"
)

// A delivery settles a report and writes its try together. Who read in between saw a try of a report that still waited, and a test packet
// that had been accepted was told as refused without a word; a list showed the report as waiting and as accepted.
func TestADeliveryIsSeenWhole(t *testing.T) {
	ctx := context.Background()
	st := statetest.Open(t)
	s := New(DefaultConfig(), st, Hooks{}, slog.New(slog.DiscardHandler))
	const reports = 150
	ids := make(chan string, reports)
	failed := make(chan error, 1)
	go func() {
		defer close(ids)
		for i := range int64(reports) {
			id := fmt.Sprintf("BC-%d", i)
			err := st.Tx(ctx, func(tx *sql.Tx) error {
				_, err := db.New(tx).InsertReport(ctx, db.InsertReportParams{Ord: i + 1, ID: id, Kind: "test", Channel: "json", Created: i, Destination: 1})
				return err
			})
			ids <- id
			if err == nil {
				err = st.Tx(ctx, func(tx *sql.Tx) error {
					q := db.New(tx)
					if err := q.SettleReport(ctx, db.SettleReportParams{ID: id, State: soc.ReportAccepted, Settled: i}); err != nil {
						return err
					}
					return q.InsertTry(ctx, db.InsertTryParams{ReportID: id, At: i, Answer: "accepted"})
				})
			}
			if err != nil {
				failed <- err
				return
			}
		}
	}()
	looked, listed := 0, 0
	for id := range ids {
		for accepted := false; !accepted; looked++ {
			select {
			case err := <-failed:
				t.Fatal(err)
			default:
			}
			r, tries, err := s.Get(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			if accepted = r.State == soc.ReportAccepted; accepted != (len(tries) > 0) {
				t.Fatalf("%s is %s and has %d tries", id, r.State, len(tries))
			}
			page, err := s.List(ctx, 0, "", "", "", 200)
			if err != nil {
				t.Fatal(err)
			}
			seen := map[string]bool{}
			for _, x := range page.Items {
				if seen[x.ID] {
					t.Fatalf("%s stands twice in one list", x.ID)
				}
				seen[x.ID] = true
			}
			if int(page.Total) != len(page.Items) {
				t.Fatalf("a list of %d says that it holds %d", len(page.Items), page.Total)
			}
			listed += len(page.Items)
		}
	}
	if looked < reports || listed == 0 {
		t.Errorf("looked %d times at %d reports", looked, reports)
	}
}

package evidence_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hoalu/compliance/evidence"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
)

func record(t *testing.T, db *state.DB, d soc.Deed) int64 {
	t.Helper()
	var n int64
	if err := db.Tx(context.Background(), func(tx *sql.Tx) (err error) {
		n,
			err = evidence.Record(context.Background(), tx, d)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRecordAndRead(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := context.Background()
		want := soc.Deed{Time: 1000, Actor: soc.Actor{ID: "a1", Name: "Trực ban 1", Roles: []soc.Role{soc.Analyst, soc.Lead}, Unit: "DV-01",
			Address: "192.0.2.1"},
			Action: "alert.close", Object: "CB-2026-000001", Before: "aa", After: "bb", Result: evidence.Denied, Reason: "duplicate",
			Details: map[string]string{"note": "Đã gọi đơn vị"}}
		if n := record(t, db, want); n != 1 {
			t.Errorf("first number %d, want 1", n)
		}
		want.Number = 1
		got, err := evidence.After(ctx, reopen().Read(), 0, 10)
		if diff := cmp.Diff([]soc.Deed{want}, got); diff != "" || err != nil {
			t.Errorf("After: %v (-want +got):\n%s", err, diff)
		}
		if n := record(t, db, soc.Deed{Actor: soc.Actor{ID: "system"}, Action: "alert.create"}); n != 2 {
			t.Errorf("second number %d", n)
		}
		p, err := evidence.List(ctx, db.Read(), evidence.Query{})
		if err != nil || p.Total != 2 || p.Items[0].Number != 2 || p.Items[0].Time == 0 || p.Items[0].Result != evidence.Done ||
			p.Items[0].Details == nil {
			t.Errorf("List = %+v, %v", p, err)
		}
		if diff := cmp.Diff(want, p.Items[1]); diff != "" {
			t.Errorf("List (-want +got):\n%s", diff)
		}
		for _, d := range []soc.Deed{{Action: "x"}, {Actor: soc.Actor{ID: "a"}}} {
			if err := db.Tx(ctx, func(tx *sql.Tx) error { _, err := evidence.Record(ctx, tx, d); return err }); err == nil {
				t.Errorf("Record(%+v) was taken: who did what must be said", d)
			}
		}
		if n, err := evidence.Last(ctx, db.Read()); err != nil || n != 2 {
			t.Errorf("Last = %d, %v", n, err)
		}
	})
}

func TestNumbersHaveNoGaps(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := context.Background()
		undone := errors.New("undone")
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 10 {
					err := db.Tx(ctx, func(tx *sql.Tx) error {
						_, err := evidence.Record(ctx, tx, soc.Deed{Actor: soc.Actor{ID: fmt.Sprint(w)}, Action: "test.write"})
						if err == nil && i%3 == 0 {
							return undone
						}
						return err
					})
					if err != nil && !errors.Is(err, undone) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		got, err := evidence.After(ctx, db.Read(), 0, 1000)
		if err != nil || len(got) != 8*6 {
			t.Fatalf("%d deeds, %v; want 48", len(got), err)
		}
		for i, d := range got {
			if d.Number != int64(i+1) {
				t.Fatalf("deed %d has number %d", i+1, d.Number)
			}
		}
		if rest, err := evidence.After(ctx, db.Read(), 40, 3); err != nil || len(rest) != 3 || rest[0].Number != 41 {
			t.Errorf("After(40, 3) = %v, %v", rest, err)
		}
	})
}

func TestListFilters(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := context.Background()
		for i := range 30 {
			d := soc.Deed{Time: int64(1000 + i), Actor: soc.Actor{ID: fmt.Sprintf("a%d", i%3), Name: "Trực ban"}, Action: "alert.note",
				Object: fmt.Sprintf("CB-%02d", i)}
			switch i % 5 {
			case 0:
				d.Action, d.Actor.ID = "system.create", "system"
			case 1:
				d.Action, d.Result, d.Reason = "alertx", evidence.Denied, "Sở Y tế: 100%_"
			}
			record(t, db, d)
		}
		for name, tc := range map[string]struct {
			q    evidence.Query
			want int64
		}{
			"all":              {evidence.Query{}, 30},
			"people":           {evidence.Query{People: true}, 24},
			"own":              {evidence.Query{Actor: "a1"}, 8},
			"action":           {evidence.Query{Action: "alert.note"}, 18},
			"action below":     {evidence.Query{Action: "alert."}, 18},
			"object":           {evidence.Query{Object: "CB-07"}, 1},
			"result":           {evidence.Query{Result: "denied"}, 6},
			"time":             {evidence.Query{From: 1010, To: 1020}, 10},
			"words, no marks":  {evidence.Query{Text: "y te so"}, 6},
			"percent":          {evidence.Query{Text: "100%_"}, 6},
			"percent alone":    {evidence.Query{Text: "%x%"}, 0},
			"several together": {evidence.Query{Text: "cb-01", Actor: "a1", Result: "denied"}, 1},
		} {
			p, err := evidence.List(ctx, db.Read(), tc.q)
			if err != nil || p.Total != tc.want || int64(len(p.Items)) != tc.want {
				t.Errorf("%s: total %d with %d rows, %v; want %d", name, p.Total, len(p.Items), err, tc.want)
			}
		}
		var seen []int64
		for before := int64(0); ; {
			p, err := evidence.List(ctx, db.Read(), evidence.Query{Limit: 7, Before: before, Action: "alert."})
			if err != nil || p.Total != 18 {
				t.Fatalf("page: total %d, %v", p.Total, err)
			}
			for _, d := range p.Items {
				seen = append(seen, d.Number)
			}
			if before = p.Next; before == 0 {
				break
			}
		}
		if len(seen) != 18 || seen[0] < seen[17] {
			t.Errorf("pages gave %v", seen)
		}
	})
}

package triage_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"hoalu/ecs"
	"hoalu/state"
	"hoalu/state/statetest"
	"hoalu/triage"
)

// TestNamesOfKilobytesAreStored: a sender chooses the names of hosts and accounts. PostgreSQL refuses an index row of more than some
// 2.7 kB, and with the names in indexes such an alert, and every batch after it, was not stored.
func TestNamesOfKilobytesAreStored(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) // what a database cannot compress
	long := func() string {
		var b strings.Builder
		for b.Len() < 6000 {
			fmt.Fprintf(&b, "%016x", r.Uint64())
		}
		return b.String()
	}
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		d := open(t, db)
		host, user, address := long(), long(), long()
		d.apply(1, firing("r1", host, "e1", 0, func(f *triage.Firing) {
			f.Event.AddString(ecs.UserName, user)
			f.Event.AddString(ecs.SourceAddress, address)
		}))
		d.apply(2, firing("r1", "after", "e2", 0))
		for name, f := range map[string]triage.Filter{
			"host": {Host: strings.ToUpper(host)}, "user": {User: user}, "address": {Address: address}, "word": {Text: user[3000:3100]},
		} {
			if got := d.list(triage.Query{Filter: f}); len(got) != 1 {
				t.Errorf("by %s: %d alerts, want 1", name, len(got))
			}
		}
		for name, f := range map[string]triage.Filter{"host": {Host: host[:80]}, "user": {User: user[:100]}} {
			if got := d.list(triage.Query{Filter: f}); len(got) != 0 {
				t.Errorf("by the beginning of the %s: %d alerts, want none", name, len(got))
			}
		}
	})
}

// TestPagesCountAlike: however a page is read (off an index, or chosen first), it has the same rows in the same order and says how many
// there are in all, behind the last one too.
func TestPagesCountAlike(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		d := open(t, db)
		var firings []triage.Firing
		for i := range 25 {
			firings = append(firings, firing("r1", fmt.Sprintf("web-%02d", i), fmt.Sprintf("e%d", i), 0))
		}
		d.apply(1, firings...)
		for name, f := range map[string]triage.Filter{
			"read off an index": {States: []string{"open"}}, "chosen first": {States: []string{"open"}, Text: "web-"},
			"of a system": {Systems: []string{"HT-001"}},
		} {
			for _, sort := range []string{"-score", "first", "-count", "severity", "last", "-number", "created"} {
				want := d.list(triage.Query{Filter: f, Sort: sort, Limit: 100})
				var got []string
				q := triage.Query{Filter: f, Sort: sort, Limit: 10}
				for pages := 0; pages < 4; pages++ {
					p, err := d.List(t.Context(), all, q)
					if err != nil {
						t.Fatal(err)
					}
					if p.Total != 25 {
						t.Errorf("%s by %s: %d in all, want 25", name, sort, p.Total)
					}
					for _, a := range p.Items {
						got = append(got, fmt.Sprintf("%s %s×%d", a.Number, a.Host, a.Count))
					}
					if q.Cursor = p.Next; q.Cursor == "" {
						break
					}
				}
				if strings.Join(got, "\n") != strings.Join(want, "\n") || len(got) != 25 {
					t.Errorf("%s by %s: pages give %d alerts in another order than one page gives %d", name, sort, len(got), len(want))
				}
			}
		}
	})
}

// TestGroupsSayWhatIsNoRealAlert: samples and exercises are counted in their group, and all groups are, also those past the limit.
func TestGroupsSayWhatIsNoRealAlert(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		d := open(t, db)
		d.apply(1, firing("r1", "a", "e1", 0), firing("r2", "a", "e2", 0, demo), firing("r3", "a", "e3", 0, exercise),
			firing("r1", "b", "e4", 0, demo))
		groups, total, err := d.Groups(t.Context(), all, triage.Filter{Exercise: triage.With}, "host", 1)
		if err != nil || len(groups) != 1 || total != 2 {
			t.Fatalf("Groups(limit 1) = %d of %d, %v; want 1 of 2", len(groups), total, err)
		}
		groups, _, err = d.Groups(t.Context(), all, triage.Filter{Exercise: triage.With}, "host", 10)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string][3]int64{}
		for _, g := range groups {
			got[g.Value] = [3]int64{g.Alerts, g.Demo, g.Exercise}
		}
		if got["a"] != [3]int64{3, 1, 1} || got["b"] != [3]int64{1, 1, 0} {
			t.Errorf("alerts, samples, exercises by host = %v; want a 3 1 1, b 1 1 0", got)
		}
	})
}

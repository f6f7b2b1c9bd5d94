package test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"hoalu/national"
	"hoalu/soc"
	"hoalu/test/peers/centre"
)

// TestTwoCentres: the same alert is a report of its own at each of two receiving points: two rows, two states, two receipts. While one is
// down the other gets everything, each day is compared with each, and what the one missed goes out when it is back.
func TestTwoCentres(t *testing.T) {
	ctx := context.Background()
	r := newNationalRig(t)
	r.connect()
	r.until("the first to answer", func(s national.Summary) bool { return s.Heartbeat > 0 })
	second, err := centre.Start("127.0.0.1:0", r.pool)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	before := r.alert(nil)
	id, err := r.svc.PutEndpoint(ctx, nationalAdmin, "", true,
		national.Endpoint{URL: second.URL, ServerCA: second.ServerCA, ReceiptKey: second.ReceiptKey, OrganID: "H42-2", OrganName: "test"})
	if err != nil || id != 2 {
		t.Fatalf("PutEndpoint() = %d, %v; want 2", id, err)
	}
	second.SetFault(centre.Away)
	var alerts []soc.Alert
	for range 4 {
		alerts = append(alerts, r.alert(nil))
	}
	part := func(s national.Summary, id int64) national.Summary {
		for _, d := range s.Destinations {
			if d.ID == id {
				return d
			}
		}
		return national.Summary{}
	}
	sum := r.until("the first to have five and the second to fail with four waiting", func(s national.Summary) bool {
		a, b := part(s, 1), part(s, 2)
		return a.Accepted == 5 && a.Waiting == 0 && b.Waiting == 4 && b.FailingSince > 0
	})
	if a := part(sum, 1); a.FailingSince != 0 || a.LastError != "" || a.LastReceipt == 0 {
		t.Errorf("the first has trouble of the second's: %+v", a)
	}
	if sum.Waiting != 4 || sum.Accepted != 5 || sum.FailingSince == 0 || sum.LastReceipt != 0 {
		t.Errorf("all together: %+v; want 4 waiting, 5 accepted, failing, and no receipt, as the second has none", sum)
	}
	if err := r.svc.Ready(ctx); err != nil {
		t.Errorf("Ready() within %s: %v", national.DefaultConfig().LateAfter(), err)
	}
	// One alert, two reports.
	states := func(a soc.Alert) map[int64]string {
		t.Helper()
		list, err := r.svc.OfSubject(ctx, a.Number)
		if err != nil {
			t.Fatal(err)
		}
		out, ids := map[int64]string{}, map[string]bool{}
		for _, x := range list {
			verified := x.Receipt != nil && x.Receipt.Verified
			out[x.Destination] = fmt.Sprint(x.State, " ", verified)
			if ids[x.ID] {
				t.Errorf("%s: two reports with the id %s", a.Number, x.ID)
			}
			ids[x.ID] = true
		}
		return out
	}
	if got, want := states(alerts[0]), map[int64]string{1: "accepted true", 2: "waiting false"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("reports of %s by destination: %v, want %v", alerts[0].Number, got, want)
	}
	if got, want := states(before), map[int64]string{1: "accepted true"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("reports of an alert from before the second was added: %v, want %v", got, want)
	}
	// Its closing is due where the alert was reported.
	closed := alerts[0]
	closed.State = soc.AlertClosed
	closing := func(a soc.Alert) {
		t.Helper()
		a.State = soc.AlertClosed
		if err := r.db.Tx(ctx, func(tx *sql.Tx) error { return r.svc.Enqueue(ctx, tx, a, false) }); err != nil {
			t.Fatal(err)
		}
	}
	closing(closed)
	closing(before)
	r.until("two closings at the first, one waiting for the second",
		func(s national.Summary) bool { return part(s, 1).Accepted == 7 && part(s, 2).Waiting == 5 })
	// Days by destination.
	day := time.Now().In(time.FixedZone("+07", 7*3600)).Format(time.DateOnly)
	if rec, err := r.svc.Reconcile(ctx, nationalAdmin, 1, day); err != nil || !rec.Balanced || rec.Made != 7 || rec.Centre != 7 {
		t.Errorf("the first's day: %+v, %v; want 7 made and held", rec, err)
	}
	if rec, err := r.svc.Reconcile(ctx, nationalAdmin, 2, day); err == nil {
		t.Errorf("the second is down and its day is compared: %+v", rec)
	}
	if days, err := r.svc.Reconciliations(ctx, 2, 5); err != nil || len(days) != 0 {
		t.Errorf("days compared with the second: %v, %v; want none", days, err)
	}
	second.SetFault("")
	r.until("the second to have its five", func(s national.Summary) bool {
		b := part(s, 2)
		return b.Accepted == 5 && b.Waiting == 0 && b.FailingSince == 0
	})
	if got, want := states(alerts[1]), map[int64]string{1: "accepted true", 2: "accepted true"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("reports of %s by destination: %v, want %v", alerts[1].Number, got, want)
	}
	if a, b := len(r.centre.Held()), len(second.Held()); a != 7 || b != 5 {
		t.Errorf("the centres hold %d and %d, want 7 and 5", a, b)
	}
	if rec, err := r.svc.Reconcile(ctx, nationalAdmin, 2, day); err != nil || !rec.Balanced || rec.Made != 5 || rec.Centre != 5 {
		t.Errorf("the second's day: %+v, %v; want 5 made and held", rec, err)
	}
	for id, want := range map[int64]int64{0: 12, 1: 7, 2: 5} {
		if page, err := r.svc.List(ctx, id, "", "", "", 100); err != nil || page.Total != want || int64(len(page.Items)) != want {
			t.Errorf("outbox of destination %d: %d rows of %d, %v; want %d", id, len(page.Items), page.Total, err, want)
		}
	}
	// One of several goes: what waits for it is settled with its reason, the other is not touched.
	second.SetFault(centre.Away)
	late := r.alert(nil)
	r.until("the first to have it", func(s national.Summary) bool { return part(s, 1).Accepted == 8 })
	if err := r.svc.ClearEndpoint(ctx, nationalAdmin, "", 2, 0); err != nil {
		t.Fatal(err)
	}
	if got, want := states(late), map[int64]string{1: "accepted true", 2: "refused false"}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("after the second was removed: %v, want %v", got, want)
	}
	r.until("no trouble that is left", func(s national.Summary) bool { return s.FailingSince == 0 && len(s.Destinations) == 1 })
	if err := r.svc.ClearEndpoint(ctx, nationalAdmin, "", 2, 0); !errors.Is(err, national.ErrNoEndpoint) {
		t.Errorf("removed twice: %v", err)
	}
	// The last one goes: what is made waits for whoever comes next.
	if err := r.svc.ClearEndpoint(ctx, nationalAdmin, "", 0, 0); err != nil {
		t.Fatal(err)
	}
	r.alert(nil)
	r.until("one to wait", func(s national.Summary) bool { return s.Waiting == 1 && !s.Endpoint })
	r.connect()
	r.until("it to go", func(s national.Summary) bool { return s.Waiting == 0 && s.Accepted == 9 })
}

// TestManyDestinationsAreBounded: each alert is rendered and kept for each, so there are eight at most.
func TestManyDestinationsAreBounded(t *testing.T) {
	r := newNationalRig(t)
	ep := national.Endpoint{URL: r.centre.URL, ServerCA: r.centre.ServerCA, ReceiptKey: r.centre.ReceiptKey, OrganID: "H42", OrganName: "test"}
	for i := range 9 {
		id, err := r.svc.PutEndpoint(context.Background(), nationalAdmin, "", true, ep)
		if want := int64(i + 1); i < 8 && (err != nil || id != want) {
			t.Errorf("PutEndpoint() = %d, %v; want %d", id, err, want)
		} else if i == 8 && !errors.Is(err, national.ErrManyEndpoints) {
			t.Errorf("the ninth: %d, %v", id, err)
		}
	}
}

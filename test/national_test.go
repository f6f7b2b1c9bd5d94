// Package test runs the parts of the appliance together, in process and as the built binary, against real peers.
package test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/national"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/test/peers/centre"
)

// clientCertificate makes a client certificate and the pool that accepts it.
func clientCertificate(t testing.TB) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "province"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

type nationalRig struct {
	*testing.T
	svc    *national.Service
	centre *centre.Centre
	pool   *x509.CertPool // of our client certificate
	db     *state.DB
	n      int

	mu     sync.Mutex
	system soc.System           // what the inventory says of every system
	unit   soc.Unit             // and of its owner
	marks  map[string]soc.Alert // alerts as they are now, by number
}

func newNationalRig(t *testing.T) *nationalRig {
	t.Helper()
	cert, pool := clientCertificate(t)
	c, err := centre.Start("127.0.0.1:0", pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	ctx, cancel := context.WithCancel(context.Background())
	db, err := state.Open(ctx, state.Config{Path: filepath.Join(t.TempDir(), "state.db")})
	if err != nil {
		t.Fatal(err)
	}
	cfg := national.DefaultConfig()
	cfg.RetryFirst, cfg.RetryMost, cfg.Timeout, cfg.Heartbeat = 10*time.Millisecond, 50*time.Millisecond, 2*time.Second, 500*time.Millisecond
	r := &nationalRig{T: t, centre: c, pool: pool, db: db, marks: map[string]soc.Alert{}}
	svc := national.New(cfg, db, national.Hooks{
		Certificate: func(context.Context) (*tls.Certificate, error) { return cert, nil },
		Lookup: func(id string) (soc.System, soc.Unit) {
			r.mu.Lock()
			defer r.mu.Unlock()
			return r.system, r.unit
		},
		Alert: func(_ context.Context, number string) (soc.Alert, bool, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			a, ok := r.marks[number]
			return a, ok, nil
		},
	}, slog.New(slog.DiscardHandler))
	r.svc = svc
	done := make(chan struct{})
	go func() { defer close(done); svc.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; db.Close() })
	return r
}

// alert enqueues one alert in a transaction of its own.
func (r *nationalRig) alert(mutate func(*soc.Alert)) soc.Alert {
	r.Helper()
	r.n++
	a := soc.Alert{ID: fmt.Sprintf("alert-%d", r.n), Number: fmt.Sprintf("CB-2026-%06d", r.n), Rule: "r", Severity: soc.High, System: "HT-001",
		State: soc.AlertNew, First: 1, Last: 2, Count: 1, User: "nguyenvana", Evidence: "curl evil"}
	if mutate != nil {
		mutate(&a)
	}
	if err := r.db.Tx(context.Background(), func(tx *sql.Tx) error { return r.svc.Enqueue(context.Background(), tx, a, true) }); err != nil {
		r.Fatal(err)
	}
	return a
}

func (r *nationalRig) connect() {
	r.Helper()
	err := setEndpoint(r.svc, context.Background(), soc.Actor{ID: "admin", Name: "admin"},
		national.Endpoint{URL: r.centre.URL, ServerCA: r.centre.ServerCA, ReceiptKey: r.centre.ReceiptKey, OrganID: "000.00.35.H42",
			OrganName: "test"})
	if err != nil {
		r.Fatal(err)
	}
}

// until waits for a condition on the link's summary; it fails after ten seconds.
func (r *nationalRig) until(what string, ok func(national.Summary) bool) national.Summary {
	r.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		sum, err := r.svc.Summary(context.Background())
		if err != nil {
			r.Fatal(err)
		}
		if ok(sum) {
			return sum
		}
		if time.Now().After(deadline) {
			r.Fatalf("waiting for %s: %+v", what, sum)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestNothingLeavesBeforeAnEndpointIsSet(t *testing.T) {
	r := newNationalRig(t)
	for range 3 {
		r.alert(nil)
	}
	r.alert(func(a *soc.Alert) { a.Demo = true })
	r.alert(func(a *soc.Alert) { a.Exercise = true })
	r.alert(func(a *soc.Alert) { a.Severity = soc.Low })
	sum := r.until("three waiting", func(s national.Summary) bool { return s.Waiting == 3 })
	if sum.Endpoint || len(r.centre.Held()) != 0 {
		t.Fatalf("before an endpoint: %+v, centre holds %d", sum, len(r.centre.Held()))
	}
	r.connect()
	r.until("all accepted", func(s national.Summary) bool { return s.Waiting == 0 && s.Accepted == 3 })
	held := r.centre.Held()
	if len(held) != 3 {
		t.Fatalf("centre holds %d reports, want 3", len(held))
	}
	page, err := r.svc.List(context.Background(), 0, "", "", "", 10)
	if err != nil || page.Total != 3 || page.Next != "" {
		t.Fatalf("List = %+v, %v; want 3 reports", page, err)
	}
	for i, rep := range page.Items {
		if rep.Receipt == nil || !rep.Receipt.Verified || rep.Receipt.Digest == "" {
			t.Errorf("report %s has no verified receipt: %+v", rep.ID, rep.Receipt)
		}
		if h := held[len(held)-1-i]; h.ID != rep.ID || string(h.Body) != string(rep.Body) {
			t.Errorf("order: centre has %s where the outbox has %s", h.ID, rep.ID)
		}
	}
	for _, secret := range []string{"nguyenvana", "curl evil"} {
		for _, h := range held {
			if contains(h.Body, secret) {
				t.Errorf("report %s carries %q, which the centre does not need", h.ID, secret)
			}
		}
	}
}

func contains(b []byte, s string) bool {
	for i := 0; i+len(s) <= len(b); i++ {
		if string(b[i:i+len(s)]) == s {
			return true
		}
	}
	return false
}

// TestCentreFaults: whatever the centre does, in the end it holds each report once and in order, and we hold a receipt for each.
func TestCentreFaults(t *testing.T) {
	for _, fault := range []centre.Fault{centre.Away, centre.Busy, centre.Drop, centre.BadSign, centre.OtherBody, centre.NoReceipt,
		centre.Slow} {
		t.Run(string(fault), func(t *testing.T) {
			r := newNationalRig(t)
			r.centre.Delay = 4 * time.Second // over the delivery's timeout
			r.centre.SetFault(fault)
			r.connect()
			for range 5 {
				r.alert(nil)
			}
			sum := r.until("a failure", func(s national.Summary) bool { return s.FailingSince > 0 })
			if sum.Accepted != 0 || sum.Waiting != 5 {
				t.Fatalf("under %s: %+v, want 5 waiting and none accepted", fault, sum)
			}
			r.centre.SetFault(centre.None)
			r.until("all accepted", func(s national.Summary) bool { return s.Accepted == 5 && s.Waiting == 0 && s.FailingSince == 0 })
			held := r.centre.Held()
			if len(held) != 5 {
				t.Fatalf("centre holds %d, want 5", len(held))
			}
			for i := 1; i < len(held); i++ {
				if held[i].Created < held[i-1].Created {
					t.Errorf("report %d arrived before an older one", i)
				}
			}
		})
	}
}

func TestRefusedIsFinalAndSaysWhy(t *testing.T) {
	r := newNationalRig(t)
	r.centre.SetFault(centre.Refuse)
	r.connect()
	r.alert(nil)
	r.until("refused", func(s national.Summary) bool { return s.Refused == 1 })
	page, err := r.svc.List(context.Background(), 0, soc.ReportRefused, "", "", 10)
	reports := page.Items
	if err != nil || len(reports) != 1 || !contains([]byte(reports[0].LastError), "organ not registered") {
		t.Fatalf("List(refused) = %+v, %v; want the centre's words", reports, err)
	}
	_, tries, err := r.svc.Get(context.Background(), reports[0].ID)
	if err != nil || len(tries) != 1 {
		t.Fatalf("tries of the refused report: %v, %v", tries, err)
	}
}

// TestReconciliationFindsWhatTheCentreLost: the centre answers and then loses; the day's comparison finds it and it is sent again.
func TestReconciliationFindsWhatTheCentreLost(t *testing.T) {
	r := newNationalRig(t)
	r.connect()
	r.alert(nil)
	r.until("one accepted", func(s national.Summary) bool { return s.Accepted == 1 })
	r.centre.SetFault(centre.Lose)
	r.alert(nil)
	r.until("two accepted", func(s national.Summary) bool { return s.Accepted == 2 })
	r.centre.SetFault(centre.None)
	day := time.Now().In(time.FixedZone("+07", 7*3600)).Format("2006-01-02")
	rec, err := r.svc.Reconcile(context.Background(), soc.Actor{ID: "system"}, 0, day)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Balanced || len(rec.Missing) != 1 || rec.Made != 2 || rec.Centre != 1 {
		t.Fatalf("reconciliation = %+v, want one of two missing", rec)
	}
	r.until("sent again", func(s national.Summary) bool { return s.Accepted == 2 && s.Waiting == 0 })
	if rec, err = r.svc.Reconcile(context.Background(), soc.Actor{ID: "system"}, 0, day); err != nil || !rec.Balanced || rec.Centre != 2 {
		t.Fatalf("second reconciliation = %+v, %v; want balanced with 2", rec, err)
	}
}

func TestEnqueueTwiceIsOneReport(t *testing.T) {
	r := newNationalRig(t)
	a := r.alert(nil)
	for range 3 {
		if err := r.db.Tx(context.Background(), func(tx *sql.Tx) error { return r.svc.Enqueue(context.Background(), tx, a, true) }); err != nil {
			t.Fatal(err)
		}
	}
	a.State, a.Closed, a.CloseReason = soc.AlertClosed, 5, "false_alarm"
	for range 2 {
		if err := r.db.Tx(context.Background(), func(tx *sql.Tx) error { return r.svc.Enqueue(context.Background(), tx, a, false) }); err != nil {
			t.Fatal(err)
		}
	}
	if sum := r.until("two waiting", func(s national.Summary) bool { return s.Waiting >= 2 }); sum.Waiting != 2 {
		t.Errorf("waiting = %d, want the alert and its closing", sum.Waiting)
	}
}

func TestEndpointNamesEveryBadField(t *testing.T) {
	err := national.Endpoint{Channel: "fax", URL: "http://x", ServerCA: "no", ReceiptKey: "no"}.Validate()
	for _, field := range []string{"channel", "url", "server_ca", "receipt_key", "organ_id"} {
		if err == nil || !contains([]byte(err.Error()), field+":") {
			t.Errorf("Validate() = %v; does not name %s", err, field)
		}
	}
}

// TestEveryTurnOfAnAlertIsReported: closed, opened again, closed, undone: the centre is told each time, and of nothing in between.
func TestEveryTurnOfAnAlertIsReported(t *testing.T) {
	r := newNationalRig(t)
	a := r.alert(nil)
	for i, step := range []struct {
		name    string
		change  func()
		reports int64
	}{
		{"more hits", func() { a.Count++ }, 1},
		{"acknowledged", func() { a.State = soc.AlertAcknowledged }, 1},
		{"closed", func() { a.State, a.Closed = soc.AlertClosed, 5 }, 2},
		{"opened again", func() { a.State, a.Closed, a.Reopened = soc.AlertNew, 0, true }, 3},
		{"more hits while open again", func() { a.Count++ }, 3},
		{"acknowledged again", func() { a.State = soc.AlertAcknowledged }, 3},
		{"closed again", func() { a.State, a.Closed = soc.AlertClosed, 9 }, 4},
		{"opened a second time", func() { a.State, a.Closed = soc.AlertNew, 0 }, 5},
		{"closed once more", func() { a.State, a.Closed = soc.AlertClosed, 11 }, 6},
		{"the closing undone", func() { a.State, a.Closed, a.Reopened = soc.AlertNew, 0, false }, 7},
	} {
		step.change()
		if err := r.db.Tx(context.Background(), func(tx *sql.Tx) error { return r.svc.Enqueue(context.Background(), tx, a, false) }); err != nil {
			t.Fatal(err)
		}
		if reports, err := r.svc.OfSubject(context.Background(), a.Number); err != nil || int64(len(reports)) != step.reports {
			t.Errorf("step %d, %s: %d reports, %v; want %d", i, step.name, len(reports), err, step.reports)
		}
	}
	low := soc.Alert{ID: "low", Number: fmt.Sprintf("CB-2026-%06d", r.n+1), Severity: soc.High, State: soc.AlertClosed, Closed: 3,
		System: "HT-001"}
	if err := r.db.Tx(context.Background(),
		func(tx *sql.Tx) error { return r.svc.Enqueue(context.Background(), tx, low, false) }); err != nil {
		t.Fatal(err)
	}
	if reports, _ := r.svc.OfSubject(context.Background(), low.Number); len(reports) != 0 {
		t.Errorf("the closing of an alert the centre never heard of is reported: %v", reports)
	}
}

// TestAnotherCentre: an endpoint cleared and set again is another one, though its version is the same.
func TestAnotherCentre(t *testing.T) {
	r := newNationalRig(t)
	r.connect()
	r.alert(nil)
	r.until("the first accepted", func(s national.Summary) bool { return s.Accepted == 1 })
	_, pool := clientCertificate(t)
	second, err := centre.Start("127.0.0.1:0", pool) // it would not take our certificate: nothing must come to the first one either
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	admin := soc.Actor{ID: "admin", Name: "admin"}
	if err := r.svc.ClearEndpoint(context.Background(), admin, "", 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := setEndpoint(r.svc, context.Background(), admin,
		national.Endpoint{URL: second.URL, ServerCA: second.ServerCA, ReceiptKey: second.ReceiptKey, OrganID: "000.00.35.H42",
			OrganName: "test"}); err != nil {
		t.Fatal(err)
	}
	r.alert(nil)
	r.until("a failure at the second", func(s national.Summary) bool { return s.FailingSince > 0 })
	if n := len(r.centre.Held()); n != 1 {
		t.Errorf("the first centre holds %d reports, want 1: the second report went to the old endpoint", n)
	}
}

// TestClockSetBack: a report put off by a clock that ran ahead is not kept waiting for days.
func TestClockSetBack(t *testing.T) {
	r := newNationalRig(t)
	a := r.alert(nil)
	ahead := time.Now().Add(72 * time.Hour).UnixMilli()
	if err := r.db.Tx(context.Background(), func(tx *sql.Tx) error {
		_, err := tx.Exec("UPDATE national_outbox SET tries = 3, next_try = $1 WHERE subject = $2", ahead, a.Number)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r.connect()
	r.until("accepted", func(s national.Summary) bool { return s.Accepted == 1 })
}

var nationalAdmin = soc.Actor{ID: "admin", Name: "admin"}

// TestReportsBeforeTheEndpointAreCompleted: what was made before anybody knew our identifier carries it when it is sent, and what the
// inventory has learned since; afterwards the bytes stay what they are.
func TestReportsBeforeTheEndpointAreCompleted(t *testing.T) {
	r := newNationalRig(t)
	a := r.alert(nil)
	r.mu.Lock()
	r.system, r.unit = soc.System{ID: "HT-001", Name: "Cổng dịch vụ công", Level: 3}, soc.Unit{Name: "Sở Tài chính"}
	r.mu.Unlock()
	r.connect()
	r.until("accepted", func(s national.Summary) bool { return s.Accepted == 1 })
	held := r.centre.Held()
	var m struct {
		Organ string
		Alert struct {
			Unit       string `json:"unit"`
			SystemName string `json:"system_name"`
			Level      int
		}
	}
	if err := json.Unmarshal(held[0].Body, &m); err != nil || m.Organ != "000.00.35.H42" || m.Alert.Unit != "Sở Tài chính" ||
		m.Alert.SystemName != "Cổng dịch vụ công" || m.Alert.Level != 3 {
		t.Errorf("sent %s, %v; want it with our identifier, the system and its owner", held[0].Body, err)
	}
	reports, err := r.svc.OfSubject(context.Background(), a.Number)
	if err != nil || len(reports) != 1 || string(reports[0].Body) != string(held[0].Body) || reports[0].Receipt == nil ||
		!reports[0].Receipt.Verified {
		t.Errorf("kept: %+v, %v; want what was sent, with a receipt that verifies", reports, err)
	}
	// The owner is renamed, the centre forgets: the same bytes are sent again.
	r.mu.Lock()
	r.unit.Name = "Sở Khác"
	r.mu.Unlock()
	r.centre.Forget(held[0].ID)
	day := time.Now().In(time.FixedZone("+07", 7*3600)).Format("2006-01-02")
	if rec, err := r.svc.Reconcile(context.Background(), nationalAdmin, 0, day); err != nil || len(rec.Missing) != 1 {
		t.Fatalf("Reconcile = %+v, %v", rec, err)
	}
	r.until("sent again", func(s national.Summary) bool { return s.Waiting == 0 })
	if again := r.centre.Held(); len(again) != 1 || string(again[0].Body) != string(held[0].Body) {
		t.Errorf("sent again as %v, want the same bytes", again)
	}
}

// TestReceiptsAreVerifiedWhenShown: a receipt or report that was changed in the database is shown as such and unbalances its day; where the
// centre still holds the report a new receipt is asked for. A receipt stays good when the centre's key changes.
func TestReceiptsAreVerifiedWhenShown(t *testing.T) {
	ctx := context.Background()
	day := time.Now().In(time.FixedZone("+07", 7*3600)).Format("2006-01-02")
	for _, tt := range []struct {
		name, change string
		healed       bool
		says         string
	}{
		{"time of receipt", "UPDATE national_receipt SET received = received - 3600000", true, "not what the centre signed"},
		{"its number", "UPDATE national_receipt SET receipt_id = 'abc'", true, "not what the centre signed"},
		{"the centre's words", "UPDATE national_receipt SET raw = replace(raw, 'received\":\"20', 'received\":\"19')", true,
			"signature does not verify"},
		{"its key", "UPDATE national_receipt SET signer = 'none'", true, "key of the receipt is not known"},
		{"no words", "UPDATE national_receipt SET raw = ''", true, "without a receipt"},
		{"the report", "UPDATE national_outbox SET body = replace(body, 'high', 'low')", false, "receipt is for another report"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newNationalRig(t)
			r.connect()
			a := r.alert(nil)
			r.alert(nil)
			r.until("accepted", func(s national.Summary) bool { return s.Accepted == 2 })
			other, err := centre.Start("127.0.0.1:0", nil)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			if err := setEndpoint(r.svc, ctx, nationalAdmin,
				national.Endpoint{URL: r.centre.URL, ServerCA: r.centre.ServerCA, ReceiptKey: other.ReceiptKey, OrganID: "000.00.35.H42"}); err != nil {
				t.Fatal(err)
			}
			one := func() soc.Report {
				t.Helper()
				reports, err := r.svc.OfSubject(ctx, a.Number)
				if err != nil || len(reports) != 1 || reports[0].Receipt == nil {
					t.Fatalf("%s: %d reports or no receipt, %v", a.Number, len(reports), err)
				}
				return reports[0]
			}
			if rc := one().Receipt; !rc.Verified || rc.Fault != "" {
				t.Errorf("under another key in force: %+v", rc)
			}
			r.connect()
			if err := r.db.Tx(ctx, func(tx *sql.Tx) error { _, err := tx.Exec(tt.change + " WHERE rowid = 1"); return err }); err != nil {
				t.Fatal(err)
			}
			if rc := one().Receipt; rc.Verified || !strings.Contains(rc.Fault, tt.says) {
				t.Errorf("shown as verified = %v, %q; want why not: %s", rc.Verified, rc.Fault, tt.says)
			}
			id := one().ID
			rec, err := r.svc.Reconcile(ctx, nationalAdmin, 0, day)
			if err != nil || rec.Balanced || len(rec.Broken) != 1 || rec.Broken[0] != id {
				t.Errorf("Reconcile = %+v, %v; want the report named as broken", rec, err)
			}
			if !tt.healed {
				if got := r.centre.Held()[0].Arrivals; got != 1 {
					t.Errorf("a report that is not what it was went out again (%d arrivals)", got)
				}
				return
			}
			r.until("a new receipt", func(s national.Summary) bool { return s.Waiting == 0 && s.Accepted == 2 })
			if rc := one().Receipt; !rc.Verified {
				t.Errorf("after the day was compared: %+v", rc)
			}
			if rec, err = r.svc.Reconcile(ctx, nationalAdmin, 0, day); err != nil || !rec.Balanced || rec.Centre != 2 {
				t.Errorf("second Reconcile = %+v, %v; want it balanced", rec, err)
			}
		})
	}
}

// TestMarkedWhileWaiting: a report of what turns out to be an exercise or a sample is taken back, also when it was tried before.
func TestMarkedWhileWaiting(t *testing.T) {
	r := newNationalRig(t)
	r.centre.SetFault(centre.Busy)
	r.connect()
	drill, sample, real := r.alert(nil), r.alert(nil), r.alert(nil)
	r.until("a failure", func(s national.Summary) bool { return s.FailingSince > 0 })
	drill.Exercise, sample.Demo = true, true
	r.mu.Lock()
	r.marks[drill.Number], r.marks[sample.Number], r.marks[real.Number] = drill, sample, real
	r.mu.Unlock()
	// what was on its way before the marks came can no longer be taken back: the centre takes nothing until both are
	r.until("the other two taken back", func(s national.Summary) bool { return s.Waiting == 1 })
	r.centre.SetFault(centre.None)
	r.until("the real one accepted", func(s national.Summary) bool { return s.Accepted == 1 && s.Waiting == 0 })
	for _, h := range r.centre.Held() {
		if !strings.Contains(string(h.Body), real.Number) {
			t.Errorf("%s left", h.Body)
		}
	}
	r.mu.Lock()
	r.system.Demo = true // the whole system is a sample
	r.mu.Unlock()
	r.alert(nil)
	if sum := r.until("nothing waits", func(s national.Summary) bool { return s.Waiting == 0 }); sum.Accepted != 1 {
		t.Errorf("accepted = %d, want 1", sum.Accepted)
	}
}

// TestOneReportDoesNotHoldUpAll: what the centre cannot take steps aside, with all about the same alert, while the centre takes heartbeats;
// it arrives in its own order once the centre can. While the centre fails altogether nothing steps aside.
func TestOneReportDoesNotHoldUpAll(t *testing.T) {
	r := newNationalRig(t)
	bad := r.alert(nil)
	bad.State, bad.Closed = soc.AlertClosed, 5
	if err := r.db.Tx(context.Background(),
		func(tx *sql.Tx) error { return r.svc.Enqueue(context.Background(), tx, bad, false) }); err != nil {
		t.Fatal(err)
	}
	good := r.alert(nil)
	r.centre.Choke(bad.Number + `","rule":"r","rule_version":"","title":null,"severity":"high","state":"new"`)
	r.connect()
	r.until("the good one accepted", func(s national.Summary) bool { return s.Accepted == 1 })
	held := r.centre.Held()
	if len(held) != 1 || !strings.Contains(string(held[0].Body), good.Number) {
		t.Fatalf("the centre holds %v, want the one about %s: the closing must not come before its alert", held, good.Number)
	}
	r.centre.Choke("")
	r.until("all accepted", func(s national.Summary) bool { return s.Accepted == 3 && s.Waiting == 0 })
	if held = r.centre.Held(); len(held) != 3 || strings.Contains(string(held[1].Body), "closed") {
		t.Errorf("the closing arrived before its alert")
	}
}

// TestRefusedIsSentAgain: once the reason is mended, refused reports go out again, at their old place.
func TestRefusedIsSentAgain(t *testing.T) {
	r := newNationalRig(t)
	r.centre.SetFault(centre.Refuse)
	r.connect()
	r.alert(nil)
	r.alert(nil)
	sum := r.until("refused", func(s national.Summary) bool { return s.Refused == 2 })
	if len(sum.RefusedByReason) != 1 {
		t.Errorf("reasons: %v, want one", sum.RefusedByReason)
	}
	r.centre.SetFault(centre.None)
	if n, err := r.svc.Retry(context.Background(), nationalAdmin, ""); err != nil || n != 2 {
		t.Errorf("Retry = %d, %v; want 2", n, err)
	}
	r.until("accepted", func(s national.Summary) bool { return s.Accepted == 2 && s.Refused == 0 })
	if n, err := r.svc.Retry(context.Background(), nationalAdmin, ""); err != nil || n != 0 {
		t.Errorf("Retry with nothing refused = %d, %v", n, err)
	}
}

// TestTroublesSayWhatToDo: each way not to reach the centre has its own words.
func TestTroublesSayWhatToDo(t *testing.T) {
	nothing := "https://127.0.0.1:" + freePort(t)
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	_, stranger := clientCertificate(t)
	start := func(pool *x509.CertPool, change func(*x509.Certificate)) national.Endpoint {
		c, err := centre.StartAs("127.0.0.1:0", pool, change)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return national.Endpoint{URL: c.URL, ServerCA: c.ServerCA, ReceiptKey: c.ReceiptKey, OrganID: "O"}
	}
	good := start(nil, nil)
	at := func(url string) national.Endpoint { e := good; e.URL = url; return e }
	otherCA := good
	otherCA.ServerCA = start(nil, nil).ServerCA
	for _, tt := range []struct {
		name string
		ep   national.Endpoint
		says []string
	}{
		{"ended", start(nil, func(c *x509.Certificate) {
			c.NotBefore, c.NotAfter = time.Now().AddDate(-2, 0, 0), time.Now().AddDate(-1, 0, 0)
		}), []string{"server_expired: ", "ask the centre to renew"}},
		{"not begun", start(nil, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(48 * time.Hour) }),
			[]string{"server_expired: ", "set the clock"}},
		{"another name", start(nil, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = []string{"centre.example"}, nil }),
			[]string{"server_name: ", "centre.example", "127.0.0.1"}},
		{"another authority", otherCA, []string{"server_ca: ", "compare"}},
		{"our certificate refused", start(stranger, nil), []string{"client_refused: ", "page National link"}},
		{"nobody there", at(nothing), []string{"no_service: ", "check the address and port"}},
		{"no TLS", at(strings.Replace(plain.URL, "http://", "https://", 1)), []string{"server_tls: "}},
		{"no such name", at("https://nowhere.invalid"), []string{"no_name: the name nowhere.invalid is not known"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "no such name" {
				if _, err := net.LookupHost("nowhere.invalid"); err != nil && !strings.Contains(err.Error(), "no such host") {
					t.Skipf("not run: there is no name server here: %v", err)
				}
			}
			r := newNationalRig(t)
			if err := setEndpoint(r.svc, context.Background(), nationalAdmin, tt.ep); err != nil {
				t.Fatal(err)
			}
			r.alert(nil)
			sum := r.until("a failure", func(s national.Summary) bool { return s.FailingSince > 0 })
			for _, s := range tt.says {
				if !strings.Contains(sum.LastError, s) {
					t.Errorf("%q does not say %q", sum.LastError, s)
				}
			}
			// Without a receiving point there is nothing to complain about.
			if err := r.svc.ClearEndpoint(context.Background(), nationalAdmin, "", 0, 0); err != nil {
				t.Fatal(err)
			}
			r.until("quiet", func(s national.Summary) bool {
				return s.LastError == "" && s.FailingSince == 0 && s.Waiting == 1 && !s.Endpoint
			})
		})
	}
}

// TestCentresClock: how far the centre's clock is from ours is known from its receipts.
func TestCentresClock(t *testing.T) {
	r := newNationalRig(t)
	r.centre.SetClock(20 * time.Minute)
	r.connect()
	r.alert(nil)
	sum := r.until("accepted", func(s national.Summary) bool { return s.Accepted == 1 })
	if d := time.Duration(sum.ClockAhead) * time.Millisecond; d < 19*time.Minute || d > 21*time.Minute {
		t.Errorf("ClockAhead = %s, want 20 minutes", d)
	}
}

// TestTestPacketGoesFirst: it does not stand behind a week of reports.
func TestTestPacketGoesFirst(t *testing.T) {
	r := newNationalRig(t)
	for range 200 {
		r.alert(nil)
	}
	r.connect()
	id, err := r.svc.SendTest(context.Background(), nationalAdmin, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.until("all accepted", func(s national.Summary) bool { return s.Accepted == 201 })
	for i, h := range r.centre.Held() {
		if h.ID == id && i > 100 {
			t.Errorf("the test packet arrived as number %d of 201", i+1)
		}
	}
}

// BenchmarkBacklog drains what a week of the largest province makes (42,000 reports) while heartbeats go on:
//
//	go test ./test -run '^$' -bench Backlog -benchtime 1x
func BenchmarkBacklog(b *testing.B) {
	const reports = 42_000
	for range b.N {
		b.StopTimer()
		dir := b.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		db, err := state.Open(ctx, state.Config{Path: filepath.Join(dir, "state.db")})
		if err != nil {
			b.Fatal(err)
		}
		c, err := centre.Start("127.0.0.1:0", nil)
		if err != nil {
			b.Fatal(err)
		}
		cert, _ := clientCertificate(b)
		cfg := national.DefaultConfig()
		cfg.Heartbeat = time.Second
		svc := national.New(cfg, db, national.Hooks{Certificate: func(context.Context) (*tls.Certificate, error) { return cert, nil }},
			slog.New(slog.DiscardHandler))
		for i := 0; i < reports; i += 1000 {
			if err := db.Tx(ctx, func(tx *sql.Tx) error {
				for j := range 1000 {
					n := i + j
					a := soc.Alert{ID: fmt.Sprint("a", n), Number: fmt.Sprintf("CB-2026-%06d", n), Rule: "r",
						Title: map[string]string{"vi": "Dò mật khẩu SSH", "en": "SSH password guessing"}, Severity: soc.High, System: "HT-001",
						State: soc.AlertNew, First: 1, Last: 2, Count: 1}
					if err := svc.Enqueue(ctx, tx, a, true); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		if err := setEndpoint(svc, ctx, nationalAdmin,
			national.Endpoint{URL: c.URL, ServerCA: c.ServerCA, ReceiptKey: c.ReceiptKey, OrganID: "000.00.35.H42"}); err != nil {
			b.Fatal(err)
		}
		done := make(chan struct{})
		b.StartTimer()
		start := time.Now()
		go func() { defer close(done); svc.Run(ctx) }()
		var most uint64
		for {
			sum, err := svc.Summary(ctx)
			if err != nil {
				b.Fatal(err)
			}
			if sum.Accepted == reports {
				break
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			time.Sleep(200 * time.Millisecond)
		}
		took := time.Since(start)
		held := c.Held()
		for i := 1; i < len(held); i++ {
			if held[i].Arrivals != 1 || string(held[i].Body) == string(held[i-1].Body) {
				b.Fatalf("report %d arrived %d times", i, held[i].Arrivals)
			}
		}
		b.ReportMetric(reports/took.Seconds(), "reports/s")
		b.ReportMetric(float64(c.Heartbeats())/took.Seconds(), "heartbeats/s")
		b.ReportMetric(float64(most)/(1<<20), "MB-heap")
		cancel()
		<-done
		c.Close()
		db.Close()
	}
}

func setEndpoint(s *national.Service, ctx context.Context, by soc.Actor, e national.Endpoint) error {
	_, err := s.PutEndpoint(ctx, by, "", false, e)
	return err
}

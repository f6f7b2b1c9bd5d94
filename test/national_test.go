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
	"fmt"
	"log/slog"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"hoalu/national"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/test/peers/centre"
)

// clientCertificate makes a client certificate and the pool that accepts it.
func clientCertificate(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "province"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
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
	db     *state.DB
	n      int
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
	cfg.RetryFirst, cfg.RetryMost, cfg.Timeout = 10*time.Millisecond, 50*time.Millisecond, 2*time.Second
	svc := national.New(cfg, db, national.Hooks{Certificate: func(context.Context) (*tls.Certificate, error) { return cert, nil }}, slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() { defer close(done); svc.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done; db.Close() })
	return &nationalRig{T: t, svc: svc, centre: c, db: db}
}

// alert enqueues one alert in a transaction of its own.
func (r *nationalRig) alert(mutate func(*soc.Alert)) soc.Alert {
	r.Helper()
	r.n++
	a := soc.Alert{ID: fmt.Sprintf("alert-%d", r.n), Number: fmt.Sprintf("CB-2026-%06d", r.n), Rule: "r", Severity: soc.High, System: "HT-001", State: soc.AlertNew, First: 1, Last: 2, Count: 1, User: "nguyenvana", Evidence: "curl evil"}
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
	err := r.svc.SetEndpoint(context.Background(), soc.Actor{ID: "admin", Name: "admin"}, national.Endpoint{URL: r.centre.URL, ServerCA: r.centre.ServerCA, ReceiptKey: r.centre.ReceiptKey, OrganID: "000.00.35.H42", OrganName: "test"})
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
	page, err := r.svc.List(context.Background(), "", "", 10)
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
	for _, fault := range []centre.Fault{centre.Away, centre.Busy, centre.Drop, centre.BadSign, centre.OtherBody, centre.NoReceipt, centre.Slow} {
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
	page, err := r.svc.List(context.Background(), soc.ReportRefused, "", 10)
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
	rec, err := r.svc.Reconcile(context.Background(), soc.Actor{ID: "system"}, day)
	if err != nil {
		t.Fatal(err)
	}
	if rec.Balanced || len(rec.Missing) != 1 || rec.Made != 2 || rec.Centre != 1 {
		t.Fatalf("reconciliation = %+v, want one of two missing", rec)
	}
	r.until("sent again", func(s national.Summary) bool { return s.Accepted == 2 && s.Waiting == 0 })
	if rec, err = r.svc.Reconcile(context.Background(), soc.Actor{ID: "system"}, day); err != nil || !rec.Balanced || rec.Centre != 2 {
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
	low := soc.Alert{ID: "low", Number: fmt.Sprintf("CB-2026-%06d", r.n+1), Severity: soc.High, State: soc.AlertClosed, Closed: 3, System: "HT-001"}
	if err := r.db.Tx(context.Background(), func(tx *sql.Tx) error { return r.svc.Enqueue(context.Background(), tx, low, false) }); err != nil {
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
	if err := r.svc.ClearEndpoint(context.Background(), admin); err != nil {
		t.Fatal(err)
	}
	if err := r.svc.SetEndpoint(context.Background(), admin, national.Endpoint{URL: second.URL, ServerCA: second.ServerCA, ReceiptKey: second.ReceiptKey, OrganID: "000.00.35.H42", OrganName: "test"}); err != nil {
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

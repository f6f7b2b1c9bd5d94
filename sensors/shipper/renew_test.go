package shipper

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is the time of both sides; after hands out its waits, so that the test decides when they are over.
type clock struct {
	mu    sync.Mutex
	t     time.Time
	waits chan time.Duration
	over  chan time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	c.t = c.t.Add(d)
	c.mu.Unlock()
}
func (c *clock) after(d time.Duration) <-chan time.Time { c.waits <- d; return c.over }

// authority enrols and renews over real TLS: it signs for life, for the sensor whose certificate it is shown.
type authority struct {
	*httptest.Server
	t      *testing.T
	clock  *clock
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	life   time.Duration
	n      atomic.Int64
	refuse atomic.Bool
	alter  func(*x509.Certificate) // what it does wrong
	shown  []string                // serials of the certificates that renewals came with
	mu     sync.Mutex
}

func (a *authority) issue(public any, server bool) string {
	c := &x509.Certificate{SerialNumber: big.NewInt(100 + a.n.Add(1)), Subject: pkix.Name{CommonName: "x"},
		NotBefore: a.clock.now().Add(-time.Hour), NotAfter: a.clock.now().Add(a.life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if server {
		c.ExtKeyUsage, c.IPAddresses, c.NotAfter = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, []net.IP{net.IPv4(127, 0, 0, 1)},
			a.cert.NotAfter
	} else {
		c.URIs = []*url.URL{{Scheme: "hoalu", Host: "sensor", Path: "/s-1"}}
		if a.alter != nil {
			a.alter(c)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, public, a.key)
	if err != nil {
		a.t.Error(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, clock: &clock{t: time.Now(), waits: make(chan time.Duration), over: make(chan time.Time)},
		life: 365 * 24 * time.Hour}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	root := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Now().Add(-2 * time.Hour),
		NotAfter: time.Now().Add(10 * 365 * 24 * time.Hour),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, root, root, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	grant := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/renew" {
			a.mu.Lock()
			a.shown = append(a.shown, r.TLS.PeerCertificates[0].SerialNumber.String())
			a.mu.Unlock()
		}
		if a.refuse.Load() {
			w.WriteHeader(http.StatusForbidden)
			w.Write([]byte(`{"detail":"It was withdrawn.","do":"Enrol again."}`))
			return
		}
		var q struct{ CSR string }
		json.NewDecoder(r.Body).Decode(&q)
		block, _ := pem.Decode([]byte(q.CSR))
		if block == nil {
			t.Errorf("no request in %+v", q)
			return
		}
		csr, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil {
			t.Error(err)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"sensor": "s-1", "certificate": a.issue(csr.PublicKey, false),
			"authority": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))})
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/enroll", grant)
	mux.HandleFunc("POST /v1/renew", grant)
	a.Server = httptest.NewUnstartedServer(mux)
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(a.issue(serverKey.Public(), true)))
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	a.EnableHTTP2 = true
	a.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	a.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{block.Bytes, a.cert.Raw}, PrivateKey: serverKey}},
		ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven, Time: a.clock.now}
	a.StartTLS()
	t.Cleanup(a.Server.Close)
	return a
}

func (a *authority) enroll(dir string) *Identity {
	a.t.Helper()
	if _, err := Enroll(context.Background(), dir, a.URL, Token("secret", a.cert)); err != nil {
		a.t.Fatal(err)
	}
	return a.load(dir)
}

func (a *authority) load(dir string) *Identity {
	a.t.Helper()
	id, err := LoadIdentity(dir)
	if err != nil {
		a.t.Fatal(err)
	}
	id.now, id.after = a.clock.now, a.clock.after
	return id
}

// TestKeep: a certificate is left alone for two thirds of its life, then renewed with a new key; a refusal is tried again, at last every
// hour, and the next start has the new one.
func TestKeep(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	id := a.enroll(dir)
	first := id.cert.Load().Leaf
	a.refuse.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	renewed := make(chan struct{}, 10)
	done := make(chan struct{})
	go func() { id.Keep(ctx, slog.New(slog.DiscardHandler), func() { renewed <- struct{}{} }); close(done) }()
	pass := func() time.Duration { // the clock moves by what is waited for
		d := <-a.clock.waits
		a.clock.add(d)
		a.clock.over <- a.clock.now()
		return d
	}
	tried := func() int { a.mu.Lock(); defer a.mu.Unlock(); return len(a.shown) }
	for tried() == 0 {
		if d := pass(); d > time.Hour {
			t.Fatalf("looks at the clock after %v, want an hour at most", d)
		}
		if a.clock.now().After(first.NotAfter) {
			t.Fatal("the certificate ended without an attempt to renew it")
		}
	}
	life := first.NotAfter.Sub(first.NotBefore)
	if part := float64(a.clock.now().Sub(first.NotBefore)) / float64(life); part < 0.66 || part > 0.73 {
		t.Errorf("first attempt after %.2f of its life, want two thirds and up to a twentieth", part)
	}
	last := time.Duration(0)
	for n := tried(); n < 10; n = tried() {
		last = pass()
	}
	if last != time.Hour {
		t.Errorf("the tenth attempt came %v after the ninth, want an hour", last)
	}
	a.refuse.Store(false)
	for len(renewed) == 0 {
		pass()
	}
	if d := <-a.clock.waits; d != time.Hour { // and now it waits again
		t.Errorf("after the renewal it looks again in %v", d)
	}
	cancel()
	<-done
	next := id.cert.Load().Leaf
	if !next.NotAfter.After(first.NotAfter) || next.PublicKey.(*ecdsa.PublicKey).Equal(first.PublicKey) {
		t.Errorf("renewed until %v (first %v), with the old key: %v", next.NotAfter, first.NotAfter,
			next.PublicKey.(*ecdsa.PublicKey).Equal(first.PublicKey))
	}
	st, err := os.Stat(filepath.Join(dir, pairFile))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%s: %v %v, want 0600", pairFile, st.Mode(), err)
	}
	again := a.load(dir)
	if again.Sensor != "s-1" || !again.Ends().Equal(next.NotAfter) {
		t.Errorf("the next start has sensor %s until %v, want s-1 until %v", again.Sensor, again.Ends(), next.NotAfter)
	}
	if err := again.Renew(context.Background()); err != nil {
		t.Errorf("renew with the new one: %v", err)
	}
	if got := a.shown[len(a.shown)-1]; got != next.SerialNumber.String() {
		t.Errorf("the next renewal showed certificate %s, want the new one %s", got, next.SerialNumber)
	}
}

// TestRenewalIsAllOrNothing: whatever goes wrong, the sensor keeps a pair that fits and lets it in.
func TestRenewalIsAllOrNothing(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	id := a.enroll(dir)
	before, err := os.ReadFile(filepath.Join(dir, pairFile))
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.clock.add(time.Hour)
	for _, tt := range []struct {
		name  string
		alter func(*x509.Certificate)
		block bool // the folder takes no file
		want  string
	}{
		{"another sensor's", func(c *x509.Certificate) { c.URIs[0].Path = "/s-2" }, false, "s-2"},
		{"shorter", func(c *x509.Certificate) { c.NotAfter = a.clock.now().Add(time.Hour) }, false, "not kept"},
		{"for servers", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, false, "not kept"},
		{"no room for the file", nil, true, "keep identity"},
	} {
		a.alter = tt.alter
		if tt.block { // a folder where the new file would stand, as root too
			if err := os.Mkdir(filepath.Join(dir, pairFile+".new"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := id.Renew(context.Background()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: Renew: %v, want an error of %q", tt.name, err, tt.want)
		}
		if now, err := os.ReadFile(filepath.Join(dir, pairFile)); err != nil || string(now) != string(before) {
			t.Errorf("%s: the pair was touched (%v)", tt.name, err)
		}
		if tt.block {
			if err := os.RemoveAll(filepath.Join(dir, pairFile+".new")); err != nil {
				t.Fatal(err)
			}
		}
	}
	a.alter = nil
	// killed between the answer and the file: what is left of it harms nothing, and the old pair renews
	if err := os.WriteFile(filepath.Join(dir, pairFile+".new"), []byte("half a ke"), 0o644); err != nil {
		t.Fatal(err)
	}
	id = a.load(dir)
	if err := id.Renew(context.Background()); err != nil {
		t.Fatalf("Renew after a crash: %v", err)
	}
	if st, err := os.Stat(filepath.Join(dir, pairFile)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("after a crash: %v %v, want 0600", st.Mode(), err)
	}
	if _, err := join(other, a.issue(&id.cert.Load().PrivateKey.(*ecdsa.PrivateKey).PublicKey, false)); err == nil {
		t.Error("a certificate for another key is kept")
	}
	a.clock.add(366 * 24 * time.Hour)
	if err := a.load(dir).Renew(context.Background()); !errors.Is(err, ErrEnded) {
		t.Errorf("after its end: %v, want ErrEnded", err)
	}
}

// TestOldIdentity: what was kept in two files once is still read, and the first renewal makes one of them.
func TestOldIdentity(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	a.enroll(dir)
	pair, err := os.ReadFile(filepath.Join(dir, pairFile))
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(pair)
	for name, data := range map[string][]byte{"sensor.key": pem.EncodeToMemory(block), "sensor.crt": rest} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, pairFile)); err != nil {
		t.Fatal(err)
	}
	a.clock.add(time.Hour)
	id := a.load(dir)
	first := id.Ends()
	if err := id.Renew(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := a.load(dir).Ends(); !got.After(first) {
		t.Errorf("after the renewal the folder gives a certificate until %v, the old one was until %v", got, first)
	}
}

// Package vaulttest is what every vault must do; each implementation runs it.
package vaulttest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"net"
	"sync"
	"testing"
	"time"

	"hoalu/vault"
)

// Run tests a vault. open opens the same vault each time, as a restart does.
func Run(t *testing.T, open func(t *testing.T) vault.Vault) {
	for _, part := range []struct {
		name string
		run  func(t *testing.T, open func(t *testing.T) vault.Vault)
	}{
		{"signer", testSigner},
		{"mac", testMAC},
		{"aead", testAEAD},
		{"kept apart", testKept},
		{"names", testNames},
		{"at once", testAtOnce},
		{"authority", testAuthority},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, open) })
	}
}

// testSigner: one key a name, which outlives a restart, and all of whose versions verify.
func testSigner(t *testing.T, open func(t *testing.T) vault.Vault) {
	ctx := context.Background()
	v := open(t)
	sum := sha256.Sum256([]byte("checkpoint"))
	s1 := signer(t, v, "evidence")
	sig, err := s1.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(public crypto.PublicKey) bool { return ecdsa.VerifyASN1(public.(*ecdsa.PublicKey), sum[:], sig) }
	if !verify(signer(t, open(t), "evidence").Public()) {
		t.Error("after a restart the key is another")
	}
	if verify(signer(t, v, "national").Public()) {
		t.Error("another name has the same key")
	}
	if err := v.Rotate(ctx, "evidence"); err != nil {
		t.Fatal(err)
	}
	s2 := signer(t, v, "evidence")
	if verify(s2.Public()) {
		t.Error("the key is the same after a rotation")
	}
	keys, err := open(t).PublicKeys(ctx, "evidence")
	if err != nil || len(keys) != 2 {
		t.Fatalf("PublicKeys = %d, %v; want both versions", len(keys), err)
	}
	for _, s := range []crypto.Signer{s1, s2} {
		id, err := vault.KeyID(s.Public())
		if err != nil || keys[id] == nil {
			t.Errorf("version %s is not among the public keys: %v", id, err)
		}
	}
	if _, ok := s1.(*ecdsa.PrivateKey); ok {
		t.Error("a part got the private key itself")
	}
}

// testMAC: one key a name; after a rotation what an older version computed still verifies.
func testMAC(t *testing.T, open func(t *testing.T) vault.Vault) {
	ctx := context.Background()
	v := open(t)
	m, err := v.MAC(ctx, "pseudonym")
	if err != nil {
		t.Fatal(err)
	}
	tag, err := m.ComputeMAC([]byte("037"))
	if err != nil || len(tag) != 32 {
		t.Fatalf("ComputeMAC = %d bytes, %v", len(tag), err)
	}
	again, err := open(t).MAC(ctx, "pseudonym")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := again.ComputeMAC([]byte("037")); err != nil || !bytes.Equal(tag, other) || again.KeyID() != m.KeyID() {
		t.Errorf("after a restart the MAC is another: %v", err)
	}
	if other, err := v.MAC(ctx, "cursor"); err != nil {
		t.Fatal(err)
	} else if other.VerifyMAC(tag, []byte("037")) == nil {
		t.Error("another name has the same key")
	}
	none := hmac.New(sha256.New, make([]byte, 32))
	none.Write([]byte("037"))
	if bytes.Equal(tag, none.Sum(nil)) {
		t.Error("the key is all zeros")
	}
	if err := v.Rotate(ctx, "pseudonym"); err != nil {
		t.Fatal(err)
	}
	if m, err = v.MAC(ctx, "pseudonym"); err != nil {
		t.Fatal(err)
	}
	if m.KeyID() == again.KeyID() {
		t.Error("the key id is the same after a rotation")
	}
	if err := m.VerifyMAC(tag, []byte("037")); err != nil {
		t.Errorf("an older version's MAC does not verify: %v", err)
	}
	if err := m.VerifyMAC(tag, []byte("038")); err == nil {
		t.Error("a MAC of other data verifies")
	}
	all, err := m.Versions([]byte("037"))
	if err != nil || len(all) != 2 || !bytes.Equal(all[1], tag) || bytes.Equal(all[0], tag) {
		t.Errorf("Versions = %d, %v; want the new one, then the old", len(all), err)
	}
}

// testAEAD: what an older version sealed is opened, with its associated data only.
func testAEAD(t *testing.T, open func(t *testing.T) vault.Vault) {
	ctx := context.Background()
	v := open(t)
	a, err := v.AEAD(ctx, "quarantine")
	if err != nil {
		t.Fatal(err)
	}
	box, err := a.Encrypt([]byte("raw line"), []byte("NG-0001"))
	if err != nil || bytes.Contains(box, []byte("raw line")) {
		t.Fatalf("Encrypt: %v", err)
	}
	if err := v.Rotate(ctx, "quarantine"); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]vault.Vault{"here": v, "after a restart": open(t)} {
		a, err := v.AEAD(ctx, "quarantine")
		if err != nil {
			t.Fatal(err)
		}
		if text, err := a.Decrypt(box, []byte("NG-0001")); err != nil || string(text) != "raw line" {
			t.Errorf("%s: Decrypt of an older version = %q, %v", name, text, err)
		}
		if _, err := a.Decrypt(box, []byte("NG-0002")); err == nil {
			t.Errorf("%s: other associated data opens it", name)
		}
		box[len(box)-1] ^= 1
		if _, err := a.Decrypt(box, []byte("NG-0001")); err == nil {
			t.Errorf("%s: a changed ciphertext opens", name)
		}
		box[len(box)-1] ^= 1
	}
}

// testKept: a record is read as it was written last.
func testKept(t *testing.T, open func(t *testing.T) vault.Vault) {
	ctx := context.Background()
	v := open(t)
	if _, _, err := v.Kept(ctx, "nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Kept of nothing = %v, want fs.ErrNotExist", err)
	}
	for _, want := range []string{"one", "two"} {
		if err := v.Keep(ctx, "record", []byte(want)); err != nil {
			t.Fatalf("Keep: %v", err)
		}
		for where, w := range map[string]vault.Vault{"here": v, "after a restart": open(t)} {
			if got, place, err := w.Kept(ctx, "record"); err != nil || string(got) != want || place == "" {
				t.Errorf("%s: Kept = %q in %q, %v; want %q", where, got, place, err, want)
			}
		}
	}
	if err := v.Keep(ctx, "../x", nil); !errors.Is(err, vault.ErrName) {
		t.Errorf("Keep(../x) = %v, want ErrName", err)
	}
}

// testNames: what is no name of a key is refused.
func testNames(t *testing.T, open func(t *testing.T) vault.Vault) {
	ctx := context.Background()
	v := open(t)
	for _, name := range []string{"", "../x", "A", "a/b", "-a", ".a", "ổ"} {
		if _, err := v.Signer(ctx, name); !errors.Is(err, vault.ErrName) {
			t.Errorf("Signer(%q) = %v, want ErrName", name, err)
		}
	}
	if err := v.Rotate(ctx, "nothing.has.this.name"); !errors.Is(err, vault.ErrName) {
		t.Errorf("Rotate of nothing = %v", err)
	}
}

// testAtOnce: two processes that use a name for the first time at once get one key.
func testAtOnce(t *testing.T, open func(t *testing.T) vault.Vault) {
	ctx := context.Background()
	v, w := open(t), open(t) // two processes
	var wg sync.WaitGroup
	tags := make([][]byte, 16)
	for i := range tags {
		wg.Go(func() {
			from := v
			if i%2 == 1 {
				from = w
			}
			m, err := from.MAC(ctx, "first.use")
			if err != nil {
				t.Error(err)
				return
			}
			if tags[i], err = m.ComputeMAC([]byte("x")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i := range tags {
		if !bytes.Equal(tags[i], tags[0]) {
			t.Fatalf("caller %d got another key than caller 0", i)
		}
	}
}

func signer(t *testing.T, v vault.Vault, name string) crypto.Signer {
	t.Helper()
	s, err := v.Signer(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Request makes a key and a certificate request whose own wishes must not be followed.
func Request(t *testing.T) (crypto.Signer, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: "I am root"}, DNSNames: []string{"localhost"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return key, csr
}

// enrolled is an authority with a listener's certificate, one of a sensor and one of a tool.
type enrolled struct {
	open   func(t *testing.T) vault.Vault
	ca     vault.Authority
	server *tls.Config // demands a client certificate
	own    *tls.Certificate
	csr    []byte // the sensor's request
	key    crypto.Signer
	leaf   *x509.Certificate // of the sensor cb-web-01
	tool   *tls.Certificate
}

func enrol(t *testing.T, open func(t *testing.T) vault.Vault) enrolled {
	t.Helper()
	ctx := context.Background()
	e := enrolled{open: open, ca: open(t).Authority()}
	var err error
	if e.server, err = e.ca.ServerTLS(ctx, "sensors", []string{"localhost", "127.0.0.1"}); err != nil {
		t.Fatal(err)
	}
	e.server.ClientAuth = tls.RequireAndVerifyClientCert
	if e.own, err = e.server.GetCertificate(nil); err != nil {
		t.Fatal(err)
	}
	e.key, e.csr = Request(t)
	chain, err := e.ca.SignSensor(ctx, "cb-web-01", e.csr, 0)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(chain)
	if e.leaf, err = x509.ParseCertificate(block.Bytes); err != nil {
		t.Fatal(err)
	}
	tool, err := e.ca.Client(ctx, "hoalu://tool/bench", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	e.tool = &tool
	return e
}

// testAuthority goes from one certificate of each use to its revocation; each part holds alone too.
func testAuthority(t *testing.T, open func(t *testing.T) vault.Vault) {
	e := enrol(t, open)
	t.Run("sensor", e.testSensor)
	t.Run("strangers", e.testStrangers)
	t.Run("requests", e.testRequests)
	t.Run("revocation", e.testRevocation)
	t.Run("issued", e.testIssued)
	t.Run("listener", e.testListener)
}

// testSensor: a sensor's certificate says who it is and nothing that its request wished, and comes through the handshake.
func (e enrolled) testSensor(t *testing.T) {
	if !bytes.Equal(e.ca.RootPEM(), e.open(t).Authority().RootPEM()) {
		t.Error("after a restart the root is another")
	}
	leaf := e.leaf
	if leaf.Subject.CommonName != "cb-web-01" || len(leaf.DNSNames) != 0 || len(leaf.URIs) != 1 ||
		leaf.URIs[0].String() != "hoalu://sensor/cb-web-01" || leaf.IsCA {
		t.Errorf("sensor certificate: subject %s names %v %v", leaf.Subject, leaf.DNSNames, leaf.URIs)
	}
	if left := time.Until(leaf.NotAfter); left < 364*24*time.Hour || left > 366*24*time.Hour {
		t.Errorf("it holds for %v, want a year", left)
	}
	mine := tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: e.key, Leaf: leaf}
	peer, err := handshake(t, e.server, e.ca.Root(), mine)
	if err != nil {
		t.Fatalf("handshake: %v", err)
	}
	if id, err := e.ca.Sensor(peer); err != nil || id != "cb-web-01" {
		t.Errorf("Sensor = %q, %v", id, err)
	}
	if id, err := e.open(t).Authority().Sensor(peer); err != nil || id != "cb-web-01" {
		t.Errorf("Sensor after a restart = %q, %v", id, err)
	}
}

// testStrangers: a server certificate is no sensor, another authority's sensor is not ours, a tool is no sensor.
func (e enrolled) testStrangers(t *testing.T) {
	stranger, err := x509.CreateCertificate(rand.Reader, e.leaf, e.leaf, e.key.Public(), e.key) // self-signed, same names
	if err != nil {
		t.Fatal(err)
	}
	forged, err := x509.ParseCertificate(stranger)
	if err != nil {
		t.Fatal(err)
	}
	for name, peer := range map[string][]*x509.Certificate{"a server certificate": {e.own.Leaf}, "no certificate": nil,
		"a tool": {e.tool.Leaf}, "a forged sensor": {forged}} {
		if _, err := e.ca.Sensor(peer); !errors.Is(err, vault.ErrNotOurs) {
			t.Errorf("%s as sensor: %v, want ErrNotOurs", name, err)
		}
	}
	if _, err := handshake(t, e.server, e.ca.Root(), tls.Certificate{Certificate: [][]byte{stranger}, PrivateKey: e.key}); err == nil {
		t.Error("a forged sensor came through the handshake")
	}
}

// testRequests: requests that must be refused.
func (e enrolled) testRequests(t *testing.T) {
	ctx := context.Background()
	broken := bytes.Clone(e.csr)
	broken[len(broken)-1] ^= 1
	for name, r := range map[string][]byte{"rubbish": []byte("x"), "another's key": broken} {
		if _, err := e.ca.SignSensor(ctx, "cb-web-02", r, 0); !errors.Is(err, vault.ErrRequest) {
			t.Errorf("request with %s: %v, want ErrRequest", name, err)
		}
	}
	if _, err := e.ca.SignSensor(ctx, "CB/../1", e.csr, 0); !errors.Is(err, vault.ErrName) {
		t.Errorf("a sensor id that is none: %v", err)
	}
}

// testIssued: the log of certificates has those that were issued: a refused request put nothing in, a revocation takes nothing out.
func (e enrolled) testIssued(t *testing.T) {
	issued, err := e.ca.Issued(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	uses := map[string]int{}
	for _, c := range issued {
		uses[c.Use]++
	}
	if uses["sensor"] != 1 || uses["client"] != 1 || uses["server"] != 1 {
		t.Errorf("log of certificates: %v", uses)
	}
}

// testRevocation: it holds at once, in another process too, and is in the list.
func (e enrolled) testRevocation(t *testing.T) {
	ctx := context.Background()
	peer := []*x509.Certificate{e.leaf}
	other := e.open(t).Authority()
	if _, err := other.Sensor(peer); err != nil {
		t.Fatal(err)
	}
	if n, err := e.ca.RevokeSensor(ctx, "cb-web-01", "mất máy"); err != nil || n != 1 {
		t.Errorf("RevokeSensor = %d, %v", n, err)
	}
	if n, err := e.ca.RevokeSensor(ctx, "cb-web-01", "mất máy"); err != nil || n != 0 {
		t.Errorf("RevokeSensor again = %d, %v", n, err)
	}
	for name, a := range map[string]vault.Authority{"here": e.ca, "another process": other, "after a restart": e.open(t).Authority()} {
		if _, err := a.Sensor(peer); !errors.Is(err, vault.ErrRevoked) {
			t.Errorf("%s: Sensor after revocation = %v, want ErrRevoked", name, err)
		}
	}
	der, err := e.ca.RevocationList(ctx)
	if err != nil {
		t.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(e.ca.Root()); err != nil || len(list.RevokedCertificateEntries) != 1 ||
		list.RevokedCertificateEntries[0].SerialNumber.Cmp(e.leaf.SerialNumber) != 0 {
		t.Errorf("revocation list of %d, %v", len(list.RevokedCertificateEntries), err)
	}
	if err := e.ca.Revoke(ctx, "00ff", "x"); !errors.Is(err, vault.ErrNotOurs) {
		t.Errorf("Revoke of an unknown serial = %v", err)
	}
}

// testListener: a listener keeps its certificate over a restart and gets another one for other hosts.
func (e enrolled) testListener(t *testing.T) {
	ctx := context.Background()
	again, err := e.open(t).Authority().ServerTLS(ctx, "sensors", []string{"127.0.0.1", "localhost"})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := again.GetCertificate(nil); err != nil || !c.Leaf.Equal(e.own.Leaf) {
		t.Errorf("after a restart the listener has another certificate: %v", err)
	}
	moved, err := e.ca.ServerTLS(ctx, "sensors", []string{"soc.example"})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := moved.GetCertificate(nil); err != nil || c.Leaf.VerifyHostname("soc.example") != nil {
		t.Errorf("for another host the certificate is the old one: %v", err)
	}
}

// handshake is a TLS connection over loopback; it returns what the server saw.
func handshake(t *testing.T, server *tls.Config, root *x509.Certificate, cert tls.Certificate) ([]*x509.Certificate, error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type seen struct {
		peer []*x509.Certificate
		err  error
	}
	got := make(chan seen, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			got <- seen{nil, err}
			return
		}
		defer c.Close()
		tc := c.(*tls.Conn)
		err = tc.Handshake()
		got <- seen{tc.ConnectionState().PeerCertificates, err}
	}()
	pool := x509.NewCertPool()
	pool.AddCert(root)
	c, err := (&tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second},
		Config: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}, ServerName: "localhost"}}).Dial("tcp", l.Addr().String())
	if err == nil {
		_, _ = io.ReadAll(c)
		_ = c.Close()
	}
	s := <-got
	return s.peer, errors.Join(err, s.err)
}

// RunUnavailable tests what a vault answers whose disk or server does not: ErrUnavailable from every call, whichever key it is about, and
// never a new key in the place of one that cannot be read. open opens a vault; breaks takes away what it stands on, mend gives it back.
func RunUnavailable(t *testing.T, open func(t *testing.T) (v vault.Vault, breaks, mend func())) {
	ctx := context.Background()
	v, breaks, mend := open(t)
	ca := v.Authority()
	sensor, err := ca.Client(ctx, vault.SensorURI("s-1"), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.AEAD(ctx, "known"); err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"Signer":         func() error { _, err := v.Signer(ctx, "new"); return err },
		"PublicKeys":     func() error { _, err := v.PublicKeys(ctx, "new"); return err },
		"MAC":            func() error { _, err := v.MAC(ctx, "new"); return err },
		"AEAD":           func() error { _, err := v.AEAD(ctx, "new"); return err },
		"Rotate":         func() error { return v.Rotate(ctx, "known") },
		"Keep":           func() error { return v.Keep(ctx, "head", []byte("x")) },
		"Kept":           func() error { _, _, err := v.Kept(ctx, "head"); return err },
		"ServerTLS":      func() error { _, err := ca.ServerTLS(ctx, "new", []string{"localhost"}); return err },
		"SignSensor":     func() error { _, err := ca.SignSensor(ctx, "s-2", request, time.Hour); return err },
		"Client":         func() error { _, err := ca.Client(ctx, "hoalu://x", time.Hour); return err },
		"Sensor":         func() error { _, err := ca.Sensor([]*x509.Certificate{sensor.Leaf}); return err },
		"Revoke":         func() error { return ca.Revoke(ctx, "00", "x") },
		"RevokeSensor":   func() error { _, err := ca.RevokeSensor(ctx, "s-1", "x"); return err },
		"Issued":         func() error { _, err := ca.Issued(ctx); return err },
		"RevocationList": func() error { _, err := ca.RevocationList(ctx); return err },
	}
	breaks()
	for name, call := range calls {
		if err := call(); !errors.Is(err, vault.ErrUnavailable) {
			t.Errorf("%s with the vault's disk or server gone: %v, want ErrUnavailable", name, err)
		}
	}
	mend()
	for name, call := range calls {
		switch err := call(); {
		case name == "Revoke" || name == "Kept" && errors.Is(err, fs.ErrNotExist): // of what there is not
		case err != nil && name != "Sensor": // RevokeSensor may have come before it
			t.Errorf("%s with the vault back: %v", name, err)
		case name == "Sensor" && err != nil && !errors.Is(err, vault.ErrRevoked):
			t.Errorf("%s with the vault back: %v", name, err)
		}
	}
}

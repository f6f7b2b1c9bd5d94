package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"

	"hoalu/collector/source/listen"
	"hoalu/console"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/internal/config"
	"hoalu/internal/control"
	"hoalu/internal/needed"
	"hoalu/inventory"
	"hoalu/soc"
)

var testAdmin = soc.Actor{ID: "a1", Name: "Quản trị", Roles: []soc.Role{soc.Administrator}}

// beyond is an address of this host that is not loopback.
func beyond(t *testing.T) string {
	t.Helper()
	for _, ip := range listen.OwnAddresses() {
		if ip.To4() != nil {
			return ip.String()
		}
	}
	needed.Missing(t, "this host has no address beside loopback")
	return ""
}

func (r *rig) source(kind, name, address string) soc.Source {
	r.Helper()
	s, err := r.inventory.CreateSource(context.Background(), testAdmin, soc.Source{Name: name, Kind: kind, Address: address})
	if err != nil {
		r.Fatal(err)
	}
	return s
}

func (r *rig) of(source, message string) int64 {
	r.Helper()
	return r.count(query.And{query.Term{Field: ecs.SourceID, Value: source}, query.Words{Any: true, Text: message}})
}

// client trusts the appliance's own authority.
func (r *rig) client() *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(r.vault.Authority().Root())
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
}

// send puts one document over the TLS listener as a shipper does, and says status and body.
func (r *rig) send(m console.KeyMade, authorization, message string) (int, string) {
	r.Helper()
	c := r.client()
	defer c.CloseIdleConnections()
	req, err := http.NewRequest("POST", m.URL+"/_bulk",
		strings.NewReader(`{"create":{"_index":"logs"}}`+"\n"+`{"message":"`+message+`"}`+"\n"))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := c.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// TestSourceKeys: a key says whose the events are wherever they come from; it can be followed by another without a gap, and revoked.
func TestSourceKeys(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.Listen.BulkTLS = "127.0.0.1:0" })
	ctx := context.Background()
	src := r.source(soc.SourceBulk, "Filebeat web-01", "127.0.0.1")
	first, err := r.issueKey(ctx, testAdmin, src.ID, "web-01", -1)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(first.URL, "https://127.0.0.1:") || len(first.Uses) != 3 {
		t.Errorf("URL %q and %d shippers, want the TLS listener and three", first.URL, len(first.Uses))
	}
	for _, u := range first.Uses {
		if !strings.Contains(u.Text, first.Secret) || !strings.Contains(u.Text, first.Key.ID) {
			t.Errorf("the lines for %s lack the key: %s", u.Name, u.Text)
		}
	}

	// Until its first use the address still counts, so that nothing falls between while the shipper is set up.
	if got, ok := r.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceBulk, Peer: "127.0.0.1"}); !ok || got.ID != src.ID {
		t.Errorf("before the key's first use the address is %+v, want %s", got, src.ID)
	}

	// The official client with the lines as they are given: API key, and the authority by its fingerprint.
	es, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{first.URL}, APIKey: first.APIKey,
		CertificateFingerprint: r.rootDigest()})
	if err != nil {
		t.Fatal(err)
	}
	res, err := es.Bulk(strings.NewReader(`{"create":{"_index":"logs"}}` + "\n" + `{"message":"bằng-khóa-api"}` + "\n"))
	if err != nil || res.IsError() {
		t.Fatalf("Bulk with the API key: %v %v", err, res)
	}
	res.Body.Close()
	es, err = elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{first.URL}, Username: first.Key.ID, Password: first.Secret,
		CertificateFingerprint: r.rootDigest()})
	if err != nil {
		t.Fatal(err)
	}
	if res, err = es.Bulk(strings.NewReader(`{"create":{"_index":"logs"}}` + "\n" + `{"message":"bằng-mật-khẩu"}` + "\n")); err != nil ||
		res.IsError() {
		t.Fatalf("Bulk with user and password: %v %v", err, res)
	}
	res.Body.Close()
	r.eventually("both are events of the source",
		func() bool { return r.of(src.ID, "bằng-khóa-api") == 1 && r.of(src.ID, "bằng-mật-khẩu") == 1 })
	if got, ok := r.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceBulk, Peer: "127.0.0.1"}); ok && got.ID == src.ID {
		t.Error("the address still stands for the source although its key is in use")
	}
	after, _ := r.inventory.Snapshot().Source(src.ID)
	if len(after.Keys) != 1 || after.Keys[0].Used == 0 || strings.Contains(fmt.Sprintf("%+v", after), first.Secret) {
		t.Errorf("the source after use: %+v; want the first use noted and no secret", after)
	}

	// Without a key, or with a wrong one: 401 in Elasticsearch's words, counted.
	before := r.intake.Stats().Rejected["not_allowed"]
	for _, auth := range []string{"", "ApiKey bm86Y2jDYWE=", "Basic aGFja2VyOmRvYW4=", "Bearer doan"} {
		status, body := r.send(first, auth, "kẻ-lạ")
		var e struct {
			Status int
			Error  struct{ Type, Reason string }
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil || status != 401 || e.Status != 401 || e.Error.Type != "security_exception" ||
			e.Error.Reason == "" {
			t.Errorf("with %q: %d %s", auth, status, body)
		}
	}
	if n := r.intake.Stats().Rejected["not_allowed"] - before; n != 4 {
		t.Errorf("%d refusals counted, want 4", n)
	}

	// Followed by another: both are good until the old one ends.
	second, err := r.issueKey(ctx, testAdmin, src.ID, "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []console.KeyMade{first, second} {
		if status, body := r.send(m, "ApiKey "+m.APIKey, "xoay-khóa"); status != 200 {
			t.Errorf("%s while both are good: %d %s", m.Key.ID, status, body)
		}
	}
	sn := r.inventory.Snapshot()
	v, _ := sn.Source(src.ID)
	for _, k := range v.Keys {
		if _, _, ok := sn.FindKey(k.Hash, time.Now().Add(2*time.Hour).UnixMilli()); ok != (k.ID == second.Key.ID) {
			t.Errorf("%s in two hours: %v", k.ID, ok)
		}
	}
	third, err := r.issueKey(ctx, testAdmin, src.ID, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := r.send(second, "ApiKey "+second.APIKey, "đã-hết"); status != 401 {
		t.Errorf("a key that was followed at once: %d, want 401", status)
	}
	if err := r.inventory.RevokeKey(ctx, testAdmin, src.ID, third.Key.ID); err != nil {
		t.Fatal(err)
	}
	if status, _ := r.send(third, "ApiKey "+third.APIKey, "đã-thu-hồi"); status != 401 {
		t.Errorf("a revoked key: %d, want 401", status)
	}
	if _, err := r.issueKey(ctx, testAdmin, r.source(soc.SourceSyslog, "tường lửa", "").ID, "", -1); err == nil ||
		!strings.Contains(err.Error(), "syslog") {
		t.Errorf("a key for a syslog source: %v", err)
	}

	// By command, through the running appliance.
	var made console.KeyMade
	if err := control.NewClient(r.opts.Data).Call(ctx, "POST", "/source/key",
		url.Values{"source": {src.ID}, "label": {"db-02"}, "follow": {"24h"}}, nil, &made); err != nil || made.Secret == "" {
		t.Errorf("over the control socket: %+v, %v", made, err)
	}
	if err := control.NewClient(r.opts.Data).Call(ctx, "POST", "/source/key", url.Values{"source": {"NG-9999"}}, nil, nil); err == nil ||
		!strings.Contains(err.Error(), "NG-9999") {
		t.Errorf("a key for a source that is not there: %v", err)
	}
}

// TestSyslogCertificates: beyond loopback and without a list of senders only who has a source's certificate may send, as that source.
func TestSyslogCertificates(t *testing.T) {
	addr := freeAddress(t, beyond(t))
	r := newRig(t, func(c *config.Config) { c.Listen.SyslogTLS = addr })
	ctx := context.Background()
	src := r.source(soc.SourceSyslog, "tường lửa biên", "")
	key, cert, private, err := r.issueCertificate(ctx, testAdmin, src.ID, "fw-01", -1)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, private)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(r.vault.Authority().Root())
	dial := func(certs ...tls.Certificate) *tls.Conn {
		t.Helper()
		c, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pool, Certificates: certs})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	closed := func(c *tls.Conn) bool {
		c.SetReadDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck // then the read says so
		_, err := c.Read(make([]byte, 1))
		ne, ok := err.(net.Error)
		return err != nil && !(ok && ne.Timeout())
	}
	none := dial()
	fmt.Fprintf(none, "<13>1 - fw - - - - không-chứng-thư\n")
	if !closed(none) {
		t.Error("a sender without a certificate stays connected")
	}
	other, err := r.vault.Authority().Client(ctx, "hoalu://source/NG-9999", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	stranger := dial(other)
	fmt.Fprintf(stranger, "<13>1 - fw - - - - chứng-thư-lạ\n")
	if !closed(stranger) {
		t.Error("a sender whose certificate no source has stays connected")
	}
	r.eventually("both are counted", func() bool {
		s := r.intake.Stats().Rejected
		return s["tls_handshake"] == 1 && s["not_allowed"] == 1
	})

	c := dial(pair)
	fmt.Fprintf(c, "<13>1 - fw - - - - đúng-chứng-thư\n")
	r.eventually("it is an event of the source", func() bool { return r.of(src.ID, "đúng-chứng-thư") == 1 })
	if err := r.inventory.RevokeKey(ctx, testAdmin, src.ID, key.ID); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "<13>1 - fw - - - - sau-thu-hồi\n")
	if !closed(c) {
		t.Error("an open connection goes on after its certificate was revoked")
	}
	if n := r.count(query.Words{Any: true, Text: "sau-thu-hồi"}) + r.count(query.Words{Any: true, Text: "không-chứng-thư"}) +
		r.count(query.Words{Any: true, Text: "chứng-thư-lạ"}); n != 0 {
		t.Errorf("%d events of senders that may not send", n)
	}
}

// TestRsyslogWithCertificate is docs' recipe: rsyslog of Debian sends over TLS with the files that `hoalu source certificate` writes.
func TestRsyslogWithCertificate(t *testing.T) {
	bin, err := exec.LookPath("rsyslogd")
	modules, _ := filepath.Glob("/usr/lib/*/rsyslog/lmnsd_ossl.so")
	if err != nil || len(modules) == 0 {
		needed.Missing(t, "rsyslogd with rsyslog-openssl is not installed (apt-get install rsyslog rsyslog-openssl)")
	}
	addr := freeAddress(t, beyond(t))
	r := newRig(t, func(c *config.Config) { c.Listen.SyslogTLS, c.Listen.Names = addr, []string{"hoalu.example"} })
	src := r.source(soc.SourceSyslog, "máy chủ web", "")
	_, cert, private, err := r.issueCertificate(context.Background(), testAdmin, src.ID, "", -1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	host, port, _ := net.SplitHostPort(addr)
	for name, text := range map[string]string{"sender.pem": string(cert), "sender.key": string(private),
		"ca.pem": string(r.vault.Authority().RootPEM()), "in.log": "<13>1 một-dòng-qua-rsyslog\n",
		"rsyslog.conf": fmt.Sprintf(`
global(workDirectory="%[1]s" defaultNetstreamDriverCAFile="%[1]s/ca.pem" defaultNetstreamDriverCertFile="%[1]s/sender.pem" defaultNetstreamDriverKeyFile="%[1]s/sender.key")
module(load="imfile")
input(type="imfile" File="%[1]s/in.log" Tag="app:")
action(type="omfwd" target="%[2]s" port="%[3]s" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"
  StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="hoalu.example")
`, dir, host, port)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(bin, "-n", "-f", filepath.Join(dir, "rsyslog.conf"), "-i", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill() //nolint:errcheck // ended already
		cmd.Wait()         //nolint:errcheck
		if t.Failed() {
			said, _ := os.ReadFile(out.Name())
			t.Logf("rsyslogd: %s", said)
		}
	}()
	r.eventually("the line is an event of the source", func() bool { return r.of(src.ID, "một-dòng-qua-rsyslog") == 1 })
}

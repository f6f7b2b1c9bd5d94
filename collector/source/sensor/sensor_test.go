package sensor

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"hoalu/collector/queue"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// authority is a small CA of the test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	n    int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, 1}
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.cert)
	return p
}

func (a *authority) issue(t *testing.T, pub crypto.PublicKey, uri string) []byte {
	t.Helper()
	a.n++
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(a.n), Subject: pkix.Name{CommonName: "cn-" + uri},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if uri != "" {
		tmpl.URIs = []*url.URL{{Scheme: "spiffe", Host: "hoalu", Path: "/sensor/" + uri}}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, pub, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (a *authority) pair(t *testing.T, uri string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{a.issue(t, key.Public(), uri)}, PrivateKey: key}
}

func serve(t *testing.T, a *authority, cfg Config, put Put) (*Listener, string) {
	t.Helper()
	cfg.Address = "127.0.0.1:0"
	cfg.TLSConfig = &tls.Config{Certificates: []tls.Certificate{a.pair(t, "")}, ClientCAs: a.pool()}
	l, err := New(cfg, put, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return l, "https://" + l.Addr().String()
}

func client(t *testing.T, a *authority, certs ...tls.Certificate) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool(), Certificates: certs}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

func send(t *testing.T, c *http.Client, method, url string, body []byte) (int, map[string]any, *http.Response) {
	t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if len(data) > 0 {
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatalf("%s %s answered %q: %v", method, url, data, err)
		}
	}
	return resp.StatusCode, v, resp
}

func encoded(seq uint64, n int, format string) []byte {
	b := &wire.Batch{Sequence: seq, Sensor: "not believed", Frames: make([]wire.Frame, n)}
	for i := range b.Frames {
		b.Frames[i] = wire.Frame{Source: "NG-forged", ID: "forged", Trust: true, Received: 1, Format: format,
			Data: fmt.Appendf(nil, `{"n":%d}`, i)}
	}
	return wire.Encode(b)
}

func TestBatches(t *testing.T) {
	a := newAuthority(t)
	var mu sync.Mutex
	last := map[string]uint64{}
	var frames []wire.Frame
	var refuse error
	losses := map[string]int{}
	put := func(_ context.Context, sensor string, seq uint64, f []wire.Frame) (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		if refuse != nil {
			return false, refuse
		}
		if seq <= last[sensor] {
			return true, nil
		}
		last[sensor] = seq
		frames = append(frames, f...)
		return false, nil
	}
	connections := make(chan string, 10)
	_, url := serve(t, a, Config{MaxBody: 100_000,
		Position:   func(s string) uint64 { mu.Lock(); defer mu.Unlock(); return last[s] },
		Reject:     func(_, peer, reason string, n int) { mu.Lock(); defer mu.Unlock(); losses[peer+" "+reason] += n },
		Connection: func(s string, open bool) { connections <- fmt.Sprint(s, open) },
	}, put)
	c := client(t, a, a.pair(t, "s-0001"))
	status, v, resp := send(t, c, "POST", url+"/v1/batches", encoded(1, 3, wire.FormatECS))
	if status != 200 || v["sequence"] != 1.0 || v["duplicate"] != false || resp.ProtoMajor != 2 {
		t.Fatalf("first batch: %d %v HTTP/%d", status, v, resp.ProtoMajor)
	}
	if f := frames[0]; f.Source != "" || f.ID != "" || f.Trust || f.Received == 1 || f.Peer != "127.0.0.1" {
		t.Errorf("the sensor's own envelope was believed: %+v", f)
	}
	if status, v, _ := send(t, c, "POST", url+"/v1/batches", encoded(1, 3, wire.FormatECS)); status != 200 || v["duplicate"] != true {
		t.Errorf("the same again: %d %v", status, v)
	}
	if status, v, _ := send(t, c, "GET", url+"/v1/position", nil); status != 200 || v["sequence"] != 1.0 {
		t.Errorf("position: %d %v", status, v)
	}
	for _, tc := range []struct {
		name   string
		body   []byte
		refuse error
		status int
		code   string
	}{
		{"no batch", []byte("hello"), nil, 400, "bad_batch"},
		{"no sequence", encoded(0, 1, wire.FormatECS), nil, 400, "bad_batch"},
		{"no frames", encoded(2, 0, wire.FormatECS), nil, 400, "bad_batch"},
		{"too many frames", encoded(2, 1001, wire.FormatECS), nil, 400, "bad_batch"},
		{"other format", encoded(2, 4, wire.FormatSyslog), nil, 400, "bad_format"},
		{"too large", make([]byte, 100_001), nil, 413, "too_large"},
		{"full", encoded(2, 1, wire.FormatECS), queue.ErrFull, 429, "queue_full"},
		{"disk", encoded(2, 1, wire.FormatECS), queue.ErrNoSpace, 503, "disk_low"},
		{"restarting", encoded(2, 1, wire.FormatECS), queue.ErrDown, 503, "unavailable"},
	} {
		mu.Lock()
		refuse = tc.refuse
		mu.Unlock()
		status, v, resp := send(t, c, "POST", url+"/v1/batches", tc.body)
		if status != tc.status || v["code"] != tc.code {
			t.Errorf("%s: %d %v, want %d %s", tc.name, status, v, tc.status, tc.code)
		}
		if (tc.refuse != nil) != (resp.Header.Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", tc.name, resp.Header.Get("Retry-After"))
		}
	}
	if last["s-0001"] != 1 || losses["s-0001 bad_batch"] != 1+1+1+1001 || losses["s-0001 bad_format"] != 4 || losses["s-0001 too_large"] != 1 {
		t.Errorf("last %v, losses %v", last, losses)
	}
	c.CloseIdleConnections()
	for _, want := range []string{"s-0001true", "s-0001false"} {
		if got := <-connections; got != want {
			t.Errorf("connection told %s, want %s", got, want)
		}
	}
}

func TestWhoMaySend(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	put := func(context.Context, string, uint64, []wire.Frame) (bool, error) { return false, nil }
	_, url := serve(t, a, Config{Identify: func(c *x509.Certificate) (string, error) {
		if name, err := identify(c); name != "withdrawn" {
			return name, err
		}
		return "", fmt.Errorf("withdrawn")
	}}, put)
	if status, v, _ := send(t, client(t, a), "POST", url+"/v1/batches", encoded(1, 1, wire.FormatECS)); status != 401 ||
		v["code"] != "no_certificate" {
		t.Errorf("without certificate: %d %v", status, v)
	}
	if status, v, _ := send(t, client(t, a, a.pair(t, "withdrawn")), "POST", url+"/v1/batches",
		encoded(1, 1, wire.FormatECS)); status != 403 || v["code"] != "not_a_sensor" {
		t.Errorf("withdrawn: %d %v", status, v)
	}
	// The client keeps back a certificate of an authority the server did not name, so force it.
	forged := other.pair(t, "s-0001")
	c := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: a.pool(),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &forged, nil }}}}
	if resp, err := c.Post(url+"/v1/batches", "", bytes.NewReader(encoded(1, 1, wire.FormatECS))); err == nil {
		t.Errorf("certificate of another authority was answered %d", resp.StatusCode)
		resp.Body.Close()
	}
	if _, err := New(Config{Address: "127.0.0.1:0", TLSConfig: &tls.Config{Certificates: []tls.Certificate{forged}}}, put,
		slog.New(slog.DiscardHandler)); err == nil {
		t.Error("New without ClientCAs: every certificate the system trusts would be a sensor's")
	}
}

func TestEnrollAndStats(t *testing.T) {
	a := newAuthority(t)
	tokens := map[string]bool{"once": true}
	var told []string
	book := NewBook()
	_, url := serve(t, a, Config{Book: book,
		Enroll: func(_ context.Context, token string, csr []byte) (Enrolment, error) {
			if !tokens[token] {
				return Enrolment{}, &soc.Problem{Status: 403, Code: "token_used", Detail: "This token was used.", Do: "Make a new one."}
			}
			delete(tokens, token)
			block, _ := pem.Decode(csr)
			req, err := x509.ParseCertificateRequest(block.Bytes)
			if err != nil {
				return Enrolment{}, err
			}
			return Enrolment{Sensor: "s-0009",
				Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.issue(t, req.PublicKey, "s-0009")})),
				Authority:   string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))}, nil
		},
		Stats: func(_ context.Context, sensor string, s Stats) error {
			told = append(told, fmt.Sprint(sensor, s.Dropped["ring"]))
			return nil
		},
	}, func(context.Context, string, uint64, []wire.Frame) (bool, error) { return false, nil })
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(map[string]string{"token": "once",
		"csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))})
	status, v, _ := send(t, client(t, a), "POST", url+"/v1/enroll", body)
	if status != 200 || v["sensor"] != "s-0009" {
		t.Fatalf("enroll: %d %v", status, v)
	}
	if status, v, _ := send(t, client(t, a), "POST", url+"/v1/enroll", body); status != 403 || v["code"] != "token_used" || v["do"] == "" {
		t.Errorf("the token again: %d %v", status, v)
	}
	if status, _, _ := send(t, client(t, a), "POST", url+"/v1/enroll", []byte("{}")); status != 400 {
		t.Errorf("empty enrolment: %d", status)
	}
	block, _ := pem.Decode([]byte(v["certificate"].(string)))
	c := client(t, a, tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key})
	for i := range 2 {
		stats, _ := json.Marshal(Stats{From: int64(10 + i), Seen: map[string]int64{"dns": 10}, Sent: map[string]int64{"dns": 7},
			Dropped: map[string]int64{"ring": 2}, Filtered: map[string]int64{"dns": 1}})
		if status, v, _ := send(t, c, "POST", url+"/v1/stats", stats); status != 204 {
			t.Fatalf("stats: %d %v", status, v)
		}
	}
	if got := book.Of("s-0009"); got.Seen != 20 || got.Sent != 14 || got.Dropped != 4 || got.Filtered != 2 || got.At == 0 ||
		got.Lost["ring"] != 4 {
		t.Errorf("Of(s-0009) = %+v", got)
	}
	if fmt.Sprint(told) != "[s-00092 s-00092]" {
		t.Errorf("told %v", told)
	}
	if status, _, _ := send(t, c, "POST", url+"/v1/stats", []byte("no")); status != 400 {
		t.Errorf("bad stats: %d", status)
	}
}

// TestStatsAgain: a sensor that did not hear our answer tells of the same time again, and more; nothing is counted twice.
func TestStatsAgain(t *testing.T) {
	a := newAuthority(t)
	var told []Stats
	book := NewBook()
	_, url := serve(t, a, Config{Book: book, Stats: func(_ context.Context, _ string, s Stats) error { told = append(told, s); return nil }},
		func(context.Context, string, uint64, []wire.Frame) (bool, error) { return false, nil })
	c := client(t, a, a.pair(t, "s-1"))
	for _, s := range []Stats{
		{From: 1, To: 2, Seen: map[string]int64{"packet": 5}, Dropped: map[string]int64{"packet_ring": 2}},
		{From: 1, To: 3, Seen: map[string]int64{"packet": 9}, Dropped: map[string]int64{"packet_ring": 2, "spool_full": 1}},
		{From: 3, To: 4, Seen: map[string]int64{"packet": 1}, Dropped: map[string]int64{"packet_ring": 1}},
	} {
		body, _ := json.Marshal(s)
		if status, v, _ := send(t, c, "POST", url+"/v1/stats", body); status != 204 {
			t.Fatalf("stats: %d %v", status, v)
		}
	}
	if got := book.Of("s-1"); got.Seen != 10 || got.Dropped != 4 {
		t.Errorf("Of(s-1) = seen %d, dropped %d; want 10 and 4", got.Seen, got.Dropped)
	}
	if got := fmt.Sprint(told[0].Dropped, told[1].Dropped, told[2].Dropped); got != "map[packet_ring:2] map[spool_full:1] map[packet_ring:1]" {
		t.Errorf("dropped as told %s", got)
	}
}

func TestRenew(t *testing.T) {
	a := newAuthority(t)
	var answer error
	_, url := serve(t, a, Config{Renew: func(_ context.Context, sensor string, shown *x509.Certificate, csr []byte) (Enrolment, error) {
		if sensor != "s-1" || len(shown.URIs) != 1 || string(csr) != "PEM" {
			t.Errorf("Renew(%s, %v, %q)", sensor, shown.URIs, csr)
		}
		return Enrolment{Sensor: sensor, Certificate: "new"}, answer
	}}, func(context.Context, string, uint64, []wire.Frame) (bool, error) { return false, nil })
	_, off := serve(t, a, Config{}, func(context.Context, string, uint64, []wire.Frame) (bool, error) { return false, nil })
	body := []byte(`{"csr":"PEM"}`)
	known, stranger := client(t, a, a.pair(t, "s-1")), client(t, a)
	for _, tt := range []struct {
		name   string
		client *http.Client
		url    string
		body   []byte
		err    error
		status int
		code   any
	}{
		{"good", known, url, body, nil, 200, nil},
		{"no certificate", stranger, url, body, nil, 401, "no_certificate"},
		{"no request", known, url, []byte("{}"), nil, 400, "bad_request"},
		{"refused", known, url, body, &soc.Problem{Code: "sensor_unknown", Detail: "x", Do: "y"}, 403, "sensor_unknown"},
		{"not now", known, url, body, fmt.Errorf("disk"), 503, "unavailable"},
		{"off", known, off, body, nil, 404, "renewal_off"},
	} {
		answer = tt.err
		if status, v, _ := send(t, tt.client, "POST", tt.url+"/v1/renew", tt.body); status != tt.status || v["code"] != tt.code ||
			tt.err == nil && status == 200 && v["certificate"] != "new" {
			t.Errorf("%s: %d %v, want %d %v", tt.name, status, v, tt.status, tt.code)
		}
	}
}

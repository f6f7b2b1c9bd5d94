package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/collector/health"
	"hoalu/compliance/evidence"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/internal/control"
	"hoalu/inventory"
	"hoalu/sensors/shipper"
	"hoalu/soc"
	"hoalu/triage"
)

var owner = soc.Actor{ID: "machine", Name: "test", Roles: []soc.Role{soc.Administrator}}

// enrol makes a sensor of the appliance's own system; folder, below the rig's, keeps its key and certificate.
func (r *rig) enrol(folder string) *shipper.Identity {
	r.Helper()
	token, err := r.Invite(r.Context(), owner, r.self.ID, time.Hour)
	if err != nil {
		r.Fatal(err)
	}
	id, err := shipper.Enroll(r.Context(), filepath.Join(r.dir, folder), "https://"+r.address("sensors").String(), token)
	if err != nil {
		r.Fatal(err)
	}
	return id
}

// sends ships a record of a host as the sensor and waits until it is stored.
func (r *rig) sends(id *shipper.Identity, host string) {
	r.Helper()
	ship, err := shipper.Open(shipper.Config{Dir: filepath.Join(r.dir, "spool-"+host), Server: id.Server, TLS: id.TLS},
		slog.New(slog.DiscardHandler))
	if err != nil {
		r.Fatal(err)
	}
	run, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() { ship.Run(run); close(done) }()
	ship.Put([]byte(`{"@timestamp":"2026-11-21T00:00:00.000Z","event.kind":"event","host.name":"` + host + `","message":"x"}`))
	r.eventually("the record of "+host+" is stored", func() bool { return r.count(query.Term{Field: ecs.HostName, Value: host}) == 1 })
	cancel()
	<-done
}

// TestEnrolAndSend: a token makes a sensor whose records belong to the system of its invitation.
func TestEnrolAndSend(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	token, err := r.Invite(ctx, owner, r.self.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	server := "https://" + r.address("sensors").String()
	if _, err := shipper.Enroll(ctx, filepath.Join(r.dir, "plain"), "http://"+r.address("sensors").String(), token); err == nil ||
		!strings.Contains(err.Error(), "https") {
		t.Errorf("enrolling over http: %v, want a refusal before the token leaves", err)
	}
	other := strings.Repeat("0", 64)
	secret, _, _ := strings.Cut(token, ".")
	if _, err := shipper.Enroll(ctx, filepath.Join(r.dir, "wrong"), server, secret+"."+other); err == nil ||
		!strings.Contains(err.Error(), "not the collector") {
		t.Errorf("enrolling at another collector: %v", err)
	}
	id, err := shipper.Enroll(ctx, filepath.Join(r.dir, "identity"), server, token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shipper.Enroll(ctx, filepath.Join(r.dir, "again"), server, token); err == nil ||
		!strings.Contains(err.Error(), "used or out of date") {
		t.Errorf("the same token again: %v", err)
	}
	r.sends(id, "sensed")
	if n := r.count(query.And{query.Term{Field: ecs.HostName, Value: "sensed"}, query.Term{Field: ecs.SystemID, Value: r.self.ID}}); n != 1 {
		t.Error("the record does not belong to the system of the invitation")
	}
	src, ok := r.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceSensor, Sensor: id.Sensor})
	if !ok || src.System != r.self.ID {
		t.Errorf("source of sensor %s: %+v", id.Sensor, src)
	}
}

func request(t *testing.T, name string, key any) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{Subject: pkix.Name{CommonName: name}, DNSNames: []string{"localhost"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// TestTokenIsTakenOnce: of many at once one gets a certificate; a bad request does not spend the token; what a request wishes for
// itself is not granted.
func TestTokenIsTakenOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	token, err := r.Invite(ctx, owner, r.self.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	secret, _, _ := strings.Cut(token, ".")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, csr := range map[string][]byte{"not PEM": []byte("x"),
		"not a request": pem.EncodeToMemory(&pem.Block{Type: "X", Bytes: []byte("y")}), "RSA": request(t, "h", rsaKey)} {
		var p *soc.Problem
		if _, err := r.listenForSensors().Enroll(ctx, secret, csr); !errors.As(err, &p) || p.Code != "bad_csr" {
			t.Errorf("%s: %v, want bad_csr", name, err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr := request(t, "--Máy/../\x1b[31m"+strings.Repeat("x", 300), key)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var got []string
	for range 8 {
		wg.Go(func() {
			e, err := r.listenForSensors().Enroll(ctx, secret, csr)
			var p *soc.Problem
			if err != nil {
				if !errors.As(err, &p) || p.Code != "token_unknown" {
					t.Errorf("the others get %v, want token_unknown", err)
				}
				return
			}
			mu.Lock()
			got = append(got, e.Certificate)
			mu.Unlock()
		})
	}
	wg.Wait()
	if len(got) != 1 {
		t.Fatalf("%d of 8 got a certificate, want 1", len(got))
	}
	block, rest := pem.Decode([]byte(got[0]))
	if block == nil || len(rest) > 0 {
		t.Fatalf("certificate is not one PEM block: %q", got[0])
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if len(cert.DNSNames) != 0 || cert.IsCA {
		t.Errorf("the request got what it wished: names %v, CA %v", cert.DNSNames, cert.IsCA)
	}
	if _, err := r.enrolment.Identify(cert); err != nil {
		t.Errorf("the certificate names no sensor: %v", err)
	}
	link, err := r.nationalCertificate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := r.enrolment.Identify(link.Leaf); err == nil {
		t.Errorf("the certificate of the national link passes for sensor %q", id)
	}
}

// TestRenewSensor: over the connection of its certificate a sensor gets another for a new key, and the old one goes on; who was withdrawn
// or is not known gets none; the console shows the end.
func TestRenewSensor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	r.enrol("identity")
	load := func() *shipper.Identity {
		id, err := shipper.LoadIdentity(filepath.Join(r.dir, "identity"))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	old, id := load(), load()
	shown := func(id *shipper.Identity) *x509.Certificate {
		c, err := id.TLS.GetClientCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf
	}
	if err := id.Renew(ctx); err != nil {
		t.Fatal(err)
	}
	if shown(id).SerialNumber.Cmp(shown(old).SerialNumber) == 0 || shown(load()).SerialNumber.Cmp(shown(id).SerialNumber) != 0 {
		t.Error("the new certificate is not the one shown and kept")
	}
	if err := id.Renew(ctx); err == nil || !strings.Contains(err.Error(), "a moment ago") {
		t.Errorf("at once again: %v, want to be told to wait", err)
	}
	for name, x := range map[string]*shipper.Identity{"old": old, "new": id} {
		client := http.Client{Transport: &http.Transport{TLSClientConfig: x.TLS}}
		res, err := client.Get(x.Server + "/v1/position")
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("with the %s certificate: %v %v", name, res, err)
		}
		client.CloseIdleConnections()
	}

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	oldKey, err := old.TLS.GetClientCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, sensor string
		csr          []byte
		code         string
	}{
		{"unknown sensor", "ghost-00000000", request(t, "x", key), "sensor_unknown"},
		{"the appliance's own", "this-host", request(t, "x", key), "sensor_unknown"},
		{"the old key", id.Sensor, request(t, "x", oldKey.PrivateKey), "bad_csr"},
		{"no request", id.Sensor, []byte("x"), "bad_csr"},
	} {
		var p *soc.Problem
		if _, err := r.listenForSensors().Renew(ctx, tt.sensor, shown(old), tt.csr); !errors.As(err, &p) || p.Code != tt.code || p.Do == "" {
			t.Errorf("%s: %v, want %s with what to do", tt.name, err, tt.code)
		}
	}

	end := shown(old).NotAfter
	list, err := sensorsPart{r.App}.Sensors(ctx)
	if err != nil || len(list) != 1 || time.UnixMilli(list[0].CertificateEnds).Sub(end).Abs() > time.Minute {
		t.Errorf("console: %+v %v, want the end %v", list, err, end)
	}
	for _, tt := range []struct{ sensor, reason, code string }{{"this-host", "x", "own_sensor"}, {"ghost-00000000", "x", "sensor_unknown"},
		{id.Sensor, " ", "reason_missing"}} {
		var p *soc.Problem
		if err := r.enrolment.Revoke(ctx, owner, tt.sensor, tt.reason); !errors.As(err, &p) || p.Code != tt.code || p.Do == "" {
			t.Errorf("withdraw %s for %q: %v, want %s with what to do", tt.sensor, tt.reason, err, tt.code)
		}
	}
	if err := r.enrolment.Revoke(ctx, owner, id.Sensor, "mất máy"); err != nil {
		t.Fatal(err)
	}
	if list, err = (sensorsPart{r.App}).Sensors(ctx); err != nil || len(list) != 1 || list[0].State != "withdrawn" {
		t.Errorf("console: %+v %v, want a withdrawn sensor", list, err)
	}
	var p *soc.Problem
	if err := r.enrolment.Revoke(ctx, owner, id.Sensor, "mất máy"); !errors.As(err, &p) || p.Code != "sensor_revoked" {
		t.Errorf("withdrawn again: %v", err)
	}
	for name, x := range map[string]*shipper.Identity{"old": old, "new": id} {
		client := http.Client{Transport: &http.Transport{TLSClientConfig: x.TLS}}
		if res, err := client.Get(x.Server + "/v1/position"); err != nil || res.StatusCode != http.StatusForbidden {
			t.Errorf("%s certificate of a withdrawn sensor: %v %v, want 403", name, res, err)
		}
		client.CloseIdleConnections()
	}
	if err := id.Renew(ctx); err == nil || !strings.Contains(err.Error(), "withdrawn") {
		t.Errorf("withdrawn sensor: %v, want a refusal", err)
	}
	if _, err := r.listenForSensors().Renew(ctx, id.Sensor, shown(old), request(t, "x", key)); err == nil {
		t.Error("a certificate was made though the one shown is withdrawn")
	}
	issued, err := r.vault.Authority().Issued(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range issued {
		if c.Subject == id.Sensor && c.Revoked.IsZero() {
			t.Errorf("certificate %s of a withdrawn sensor is good", c.Serial)
		}
	}
}

// TestRevokedSensorIsNotMissed: of two sensors that fall silent one was withdrawn over the control socket, as `hoalu sensor revoke` does
// it. Its source is retired, with the reason on record, cannot come back, and no alert says that it is silent; one says so of the other.
func TestRevokedSensorIsNotMissed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	sources := map[string]soc.Source{} // by the host that sends
	var withdrawn string
	for _, host := range []string{"watched", "withdrawn"} {
		id := r.enrol(host)
		src, ok := r.sensorSource(id.Sensor)
		if !ok {
			t.Fatalf("sensor %s has no source", id.Sensor)
		}
		src.ExpectEvery = 1000 // as much as every 15 s, as often as sources are looked at
		src, err := r.inventory.UpdateSource(ctx, owner, src)
		if err != nil {
			t.Fatal(err)
		}
		sources[host], withdrawn = src, id.Sensor
		r.sends(id, host)
	}
	c := control.NewClient(r.opts.Data)
	if err := c.Call(ctx, "POST", "/sensor/revoke", url.Values{"sensor": {withdrawn}, "reason": {"mất máy"}}, nil, nil); err != nil {
		t.Fatal(err)
	}
	src, _ := r.inventory.Snapshot().Source(sources["withdrawn"].ID)
	if src.Retired == 0 {
		t.Errorf("source of a withdrawn sensor: %+v, want it retired", src)
	}
	var p *soc.Problem
	if err := r.inventory.Retire(ctx, owner, soc.Retirement{Kind: soc.KindSource, ID: src.ID, Version: src.Version,
		Reason: "x"}); !errors.As(err, &p) || p.Code != "sensor_withdrawn" {
		t.Errorf("back into use: %v, want sensor_withdrawn", err)
	}
	log, err := evidence.List(ctx, r.state.Read(), evidence.Query{Text: "mất máy"})
	var deeds []string
	for _, d := range log.Items {
		deeds = append(deeds, d.Actor.ID+" "+d.Action+" "+d.Object)
	}
	if want := []string{"machine source.retire " + src.ID, "machine sensor.revoke " + r.self.ID}; err != nil || !slices.Equal(deeds, want) {
		t.Errorf("deeds %q %v, want %q", deeds, err, want)
	}
	if late, err := r.enrolment.Source(ctx, withdrawn); err != nil || late.ID != src.ID { // of a batch that was let in just before
		t.Errorf("a late batch belongs to %s, %v; want the retired %s", late.ID, err, src.ID)
	}
	silent := func(host string) int64 {
		return r.count(query.And{query.Term{Field: ecs.EventAction, Value: health.SourceSilent},
			query.Term{Field: ecs.Intern("hoalu.about.source"), Value: sources[host].ID}})
	}
	alerted := func() string {
		page, err := r.triage.List(ctx, soc.Scope{All: true}, triage.Query{Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%+v", page.Items)
	}
	for end := time.Now().Add(2 * time.Minute); !strings.Contains(alerted(), sources["watched"].ID); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no alert says that %s is silent, events %d", sources["watched"].ID, silent("watched"))
		}
	}
	if strings.Contains(alerted(), sources["withdrawn"].ID) {
		t.Errorf("an alert of the withdrawn sensor's source %s: %s", src.ID, alerted())
	}
	if n := silent("withdrawn"); n != 0 {
		t.Errorf("%d notes that the withdrawn sensor is silent", n)
	}
}

// TestSensorLossReasons: what a sensor says it dropped is shown by reason, and is in the accounts of intake.
func TestSensorLossReasons(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.Background()
	id := r.enrol("identity")
	client := http.Client{Transport: &http.Transport{TLSClientConfig: id.TLS}}
	defer client.CloseIdleConnections()
	for i := range 2 {
		body := fmt.Sprintf(`{"from":%d,"dropped":{"packet_ring":3,"output_flow":4,"spool_full":0}}`, i+1)
		res, err := client.Post(id.Server+"/v1/stats", "application/json", strings.NewReader(body))
		if err != nil || res.StatusCode != http.StatusNoContent {
			t.Fatalf("stats: %v %v", res, err)
		}
		res.Body.Close()
	}
	list, err := sensorsPart{r.App}.Sensors(ctx)
	if err != nil || len(list) != 1 || fmt.Sprint(list[0].Shed) != "map[output_flow:8 packet_ring:6]" {
		t.Errorf("console: %+v %v, want 6 of packet_ring and 8 of output_flow", list, err)
	}
	if d := r.intake.Stats().Dropped; fmt.Sprint(d) != "map[output_flow:8 packet_ring:6]" {
		t.Errorf("dropped, as intake counts: %v", d)
	}
}

package app

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"hoalu/collector/health"
	sensorsource "hoalu/collector/source/sensor"
	"hoalu/console"
	"hoalu/inventory"
	"hoalu/sensors"
	"hoalu/sensors/shipper"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/vault"
)

// sensorLife is how long a sensor's certificate is good.
const sensorLife = 365 * 24 * time.Hour

// Invite makes a single-use enrolment token for a sensor of a system; only its hash is kept.
func (a *App) Invite(ctx context.Context, by soc.Actor, system string, ttl time.Duration) (string, error) {
	if _, ok := a.inventory.Snapshot().System(system); !ok {
		return "", &soc.Problem{Status: 404, Code: "not_found", Detail: fmt.Sprintf("System %s is not in the inventory.", system), Do: "Look up its HT- number on the page Systems."}
	}
	if ttl <= 0 || ttl > 7*24*time.Hour {
		return "", &soc.Problem{Status: 422, Code: "bad_ttl", Detail: fmt.Sprintf("A token may live up to 7 days, not %s.", ttl), Do: "Give a shorter --ttl."}
	}
	secret := make([]byte, 20)
	rand.Read(secret)
	text := hex.EncodeToString(secret)
	sum := sha256.Sum256([]byte(text))
	err := a.state.Tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO sensor_invite (hash, system_id, made, ends, used, sensor) VALUES ($1, $2, $3, $4, 0, '')",
			hex.EncodeToString(sum[:]), system, state.Now(), state.Now()+ttl.Milliseconds()); err != nil {
			return err
		}
		return a.record(ctx, tx, soc.Deed{Actor: by, Action: "sensor.invite", Object: system, Details: map[string]string{"ttl": ttl.String()}})
	})
	if err != nil {
		return "", fmt.Errorf("make invitation: %w", err)
	}
	return shipper.Token(text, a.vault.Authority().Root()), nil
}

// enrollSensor exchanges a token and a request for a certificate.
func (a *App) enrollSensor(ctx context.Context, token string, csr []byte) (sensorsource.Enrolment, error) {
	req, err := sensorRequest(csr) // before the token is spent
	if err != nil {
		return sensorsource.Enrolment{}, err
	}
	sum := sha256.Sum256([]byte(token))
	hash := hex.EncodeToString(sum[:])
	var out sensorsource.Enrolment
	var system string
	err = a.state.Tx(ctx, func(tx *sql.Tx) error { // one writer at a time: a token is taken once, however many ask at once
		var ends, used int64
		err := tx.QueryRowContext(ctx, "SELECT system_id, ends, used FROM sensor_invite WHERE hash = $1", hash).Scan(&system, &ends, &used)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (used != 0 || ends < state.Now()) {
			return &soc.Problem{Status: 403, Code: "token_unknown", Detail: "The token is unknown, used or out of date.", Do: "Ask for a new one: hoalu sensor invite --system HT-…"}
		}
		if err != nil {
			return err
		}
		host := strings.ToLower(displayName(req.Subject.CommonName))
		id, err := sensorID(host)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "UPDATE sensor_invite SET used = $1, sensor = $2 WHERE hash = $3", state.Now(), id, hash); err != nil {
			return err
		}
		out.Sensor = id
		return a.record(ctx, tx, soc.Deed{Actor: soc.Actor{ID: "sensor:" + id, Name: host}, Action: "sensor.enroll", Object: system, Details: map[string]string{"sensor": id}})
	})
	if err != nil {
		return out, err
	}
	// Bound first: with the certificate in hand it may send at once, and what it sends belongs to the system of its invitation.
	if err := a.bindSensor(ctx, out.Sensor, system, displayName(req.Subject.CommonName)); err != nil {
		return sensorsource.Enrolment{}, err
	}
	certificate, err := a.vault.Authority().SignSensor(ctx, out.Sensor, req.Raw, sensorLife)
	if err != nil {
		return sensorsource.Enrolment{}, fmt.Errorf("sign sensor certificate: %w", err)
	}
	out.Certificate = string(certificate)
	out.Authority = string(a.vault.Authority().RootPEM())
	return out, nil
}

// sensorRequest reads a certificate request (PEM) of a sensor.
func sensorRequest(csr []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(csr)
	if block == nil {
		return nil, &soc.Problem{Status: 400, Code: "bad_csr", Detail: "The request is not a PEM certificate request.", Do: "Run hoalu sensor enroll again."}
	}
	req, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || req.CheckSignature() != nil {
		return nil, &soc.Problem{Status: 400, Code: "bad_csr", Detail: "The certificate request cannot be read.", Do: "Run hoalu sensor enroll again."}
	}
	if k, ok := req.PublicKey.(*ecdsa.PublicKey); !ok || k.Curve != elliptic.P256() && k.Curve != elliptic.P384() {
		return nil, &soc.Problem{Status: 400, Code: "bad_csr", Detail: "The certificate request is for a key that is not ECDSA P-256 or P-384.", Do: "Run hoalu sensor enroll of this version."}
	}
	return req, nil
}

// renewEvery is the least time between two certificates of a sensor; each is a row in the log of certificates and in the evidence log.
const renewEvery = 10 * time.Second

// renewSensor gives a sensor its next certificate for a new key. The one it showed stays good until its end: should the answer be lost,
// it asks again with that.
func (a *App) renewSensor(ctx context.Context, id string, shown *x509.Certificate, csr []byte) (out sensorsource.Enrolment, err error) {
	req, err := sensorRequest(csr)
	if err != nil {
		return out, err
	}
	if req.PublicKey.(*ecdsa.PublicKey).Equal(shown.PublicKey) {
		return out, &soc.Problem{Status: 400, Code: "bad_csr", Detail: "The certificate request is for the old key.", Do: "Make a new key."}
	}
	src, known := a.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceSensor, Sensor: id})
	if !known || id == console.OwnSensor {
		return out, &soc.Problem{Status: 403, Code: "sensor_unknown", Detail: fmt.Sprintf("Sensor %s is not enrolled here.", id), Do: "Enrol it again: hoalu sensor enroll --server URL --token T"}
	}
	a.sensorBooks.mu.Lock()
	soon := time.Since(a.sensorBooks.renewed[id]) < renewEvery
	if !soon {
		a.sensorBooks.open()
		a.sensorBooks.renewed[id] = time.Now()
	}
	a.sensorBooks.mu.Unlock()
	if soon {
		return out, &soc.Problem{Status: 429, Code: "too_soon", Detail: "This sensor got a certificate a moment ago.", Do: "It asks again in a minute."}
	}
	err = a.state.Tx(ctx, func(tx *sql.Tx) error {
		return a.record(ctx, tx, soc.Deed{Actor: soc.Actor{ID: "sensor:" + id, Name: src.Name}, Action: "sensor.renew", Object: src.System, Details: map[string]string{"sensor": id}})
	})
	if err != nil {
		return out, err
	}
	certificate, err := a.vault.Authority().SignSensor(ctx, id, req.Raw, sensorLife)
	if err != nil {
		return out, fmt.Errorf("sign sensor certificate: %w", err)
	}
	if _, err := a.identifySensor(shown); errors.Is(err, vault.ErrRevoked) { // meanwhile: then this one is, too
		if _, err := a.vault.Authority().RevokeSensor(ctx, id, "the certificate it was renewed with was withdrawn"); err != nil {
			return out, fmt.Errorf("withdraw sensor certificate: %w", err)
		}
		return out, &soc.Problem{Status: 403, Code: "not_a_sensor", Detail: "This certificate was withdrawn.", Do: "Enrol the sensor again."}
	}
	return sensorsource.Enrolment{Sensor: id, Certificate: string(certificate), Authority: string(a.vault.Authority().RootPEM())}, nil
}

// RevokeSensor withdraws the certificates of a sensor: what it sends is refused from then on. Its source stays, and falls silent.
func (a *App) RevokeSensor(ctx context.Context, by soc.Actor, id, reason string) error {
	if id == console.OwnSensor {
		return &soc.Problem{Status: 422, Code: "own_sensor", Detail: "Sensor " + id + " is part of this appliance.", Do: "Switch it off with sensor.packet and sensor.host in the configuration."}
	}
	src, known := a.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceSensor, Sensor: id})
	if !known {
		return &soc.Problem{Status: 404, Code: "sensor_unknown", Detail: fmt.Sprintf("Sensor %q is not enrolled here.", id), Do: "Take its name from the page Sources, sensors."}
	}
	if strings.TrimSpace(reason) == "" {
		return &soc.Problem{Status: 422, Code: "reason_missing", Detail: "Why the sensor is withdrawn is not said.", Do: "Give --reason; it stands in the audit log."}
	}
	return a.state.Tx(ctx, func(tx *sql.Tx) error {
		deed := soc.Deed{Actor: by, Action: "sensor.revoke", Object: src.System, Reason: reason, Details: map[string]string{"sensor": id}}
		if err := a.record(ctx, tx, deed); err != nil {
			return err
		}
		n, err := a.vault.Authority().RevokeSensor(ctx, id, reason) // last: without the deed nothing is withdrawn
		if err != nil {
			return fmt.Errorf("withdraw sensor certificate: %w", err)
		}
		if n == 0 {
			return &soc.Problem{Status: 409, Code: "sensor_revoked", Detail: fmt.Sprintf("Sensor %s has no certificate that is good.", id), Do: "Nothing is left to withdraw."}
		}
		return nil
	})
}

// sensorID names a sensor after its host, with enough chance to be its own.
func sensorID(host string) (string, error) {
	b := make([]byte, 4)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(host))
	if len(host) > 40 {
		host = host[:40]
	}
	if host = strings.Trim(host, "-"); host == "" {
		host = "sensor"
	}
	return host + "-" + hex.EncodeToString(b), nil
}

// displayName is what a request says its host is called, as people may see it.
func displayName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 100 {
		s = string(r[:100])
	}
	return s
}

// bindSensor makes the source of a sensor, bound to its system: what it sends belongs there.
func (a *App) bindSensor(ctx context.Context, id, system, host string) error {
	src, err := a.inventory.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSensor, Sensor: id})
	if err != nil {
		return err
	}
	if src.System == system {
		return nil
	}
	src.System, src.Auto, src.Name = system, false, "Cảm biến "+host
	src.Layers = []string{soc.LayerNetwork, soc.LayerEndpoint}
	_, err = a.inventory.UpdateSource(ctx, soc.Actor{ID: "system", Name: "system"}, src)
	return err
}

// identifySensor names the sensor of a client certificate, and notes when that ends.
func (a *App) identifySensor(c *x509.Certificate) (string, error) {
	id, err := a.vault.Authority().Sensor([]*x509.Certificate{c})
	if err == nil {
		a.sensorBooks.mu.Lock()
		a.sensorBooks.open()
		a.sensorBooks.ends[id] = c.NotAfter
		a.sensorBooks.mu.Unlock()
	}
	return id, err
}

// certificateEnds is when the certificate of each sensor ends: the one it last showed, else the last one made for it.
func (a *App) certificateEnds() map[string]time.Time {
	ends := map[string]time.Time{}
	issued, err := a.vault.Authority().Issued(context.Background())
	if err != nil { // what sensors showed is still known; an unknown end is no alert
		a.log.Error("when sensors' certificates end is not known", "error", err)
	}
	for _, c := range issued {
		if c.Use == "sensor" && c.Revoked.IsZero() && c.NotAfter.After(ends[c.Subject]) {
			ends[c.Subject] = c.NotAfter
		}
	}
	a.sensorBooks.mu.Lock()
	defer a.sensorBooks.mu.Unlock()
	maps.Copy(ends, a.sensorBooks.ends)
	return ends
}

// endsSoon is how long before its end a sensor's certificate is worth an alert; it ought to have been renewed three months before.
const endsSoon = 30 * 24 * time.Hour

// endingCertificates are notes on enrolled sensors whose certificate ends soon or ended within as long, for not more than one a day each.
func (a *App) endingCertificates(now time.Time) (notes []health.Note) {
	ends := a.certificateEnds()
	a.sensorBooks.mu.Lock()
	defer a.sensorBooks.mu.Unlock()
	a.sensorBooks.open()
	for _, src := range a.inventory.Snapshot().Sources() {
		end, known := ends[src.Sensor]
		if src.Kind != soc.SourceSensor || src.Demo || src.Sensor == console.OwnSensor || !known || end.Sub(now).Abs() > endsSoon {
			continue
		}
		if told := a.sensorBooks.told[src.Sensor]; now.Sub(told) < 24*time.Hour {
			continue
		}
		a.sensorBooks.told[src.Sensor] = now
		notes = append(notes, health.Note{Action: health.SensorCertificate, Source: src.ID, System: src.System, Level: "warning",
			Message: fmt.Sprintf("the certificate of sensor %s ends at %s", src.Sensor, end.UTC().Format(time.RFC3339)),
			Values:  map[string]string{"sensor": src.Sensor, "ends": end.UTC().Format(time.RFC3339)}})
	}
	return notes
}

// certificateLoop looks at the sensors' certificates every hour.
func (a *App) certificateLoop(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for ctx.Err() == nil {
		for _, n := range a.endingCertificates(time.Now()) {
			a.health.Emit(n)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return ctx.Err()
}

// sensorAccounts keeps what sensors last said of themselves, and what is known of their certificates, by sensor.
type sensorAccounts struct {
	mu      sync.Mutex
	last    map[string]sensorsource.Stats
	at      map[string]int64
	lost    map[string]map[string]int64 // by reason, since the start of the appliance
	ends    map[string]time.Time        // of the certificate last shown
	renewed map[string]time.Time
	told    map[string]time.Time // that it ends soon
}

// open makes the maps; mu is held.
func (b *sensorAccounts) open() {
	if b.last == nil {
		b.last, b.at, b.lost = map[string]sensorsource.Stats{}, map[string]int64{}, map[string]map[string]int64{}
		b.ends, b.renewed, b.told = map[string]time.Time{}, map[string]time.Time{}, map[string]time.Time{}
	}
}

func (a *App) sensorStats(ctx context.Context, id string, s sensorsource.Stats) error {
	a.sensorBooks.mu.Lock()
	a.sensorBooks.open()
	a.sensorBooks.last[id], a.sensorBooks.at[id] = s, time.Now().UnixMilli()
	var dropped int64
	for reason, n := range s.Dropped {
		if n <= 0 {
			continue
		}
		dropped += n
		if a.sensorBooks.lost[id] == nil {
			a.sensorBooks.lost[id] = map[string]int64{}
		}
		a.sensorBooks.lost[id][reason] += n
	}
	a.sensorBooks.mu.Unlock()
	src, known := a.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceSensor, Sensor: id})
	if known {
		a.health.Beat(src.ID, time.Now().UnixMilli())
	}
	if dropped > 0 {
		var why []string
		for _, reason := range slices.Sorted(maps.Keys(s.Dropped)) {
			if n := s.Dropped[reason]; n > 0 {
				a.intake.Drop(src.ID, "", reason, int(n))
				why = append(why, fmt.Sprintf("%s %d", reason, n))
			}
		}
		a.health.Emit(health.Note{Action: health.SensorLoss, Source: src.ID, System: src.System, Level: "warning", Message: fmt.Sprintf("sensor %s dropped %d records: %s", id, dropped, strings.Join(why, ", ")),
			Values: map[string]string{"sensor": id, "dropped": fmt.Sprint(dropped), "reasons": strings.Join(why, ", ")}})
	}
	return nil
}

// withRoot adds the authority's own certificate to what a listener shows, so that a sensor that enrols can check the digest in its token.
func withRoot(conf *tls.Config, root *x509.Certificate) *tls.Config {
	conf = conf.Clone()
	add := func(c *tls.Certificate) *tls.Certificate {
		x := *c
		x.Certificate = append(slices.Clone(c.Certificate), root.Raw)
		return &x
	}
	if get := conf.GetCertificate; get != nil {
		conf.GetCertificate = func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			c, err := get(h)
			if err != nil {
				return nil, err
			}
			return add(c), nil
		}
	}
	for i := range conf.Certificates {
		conf.Certificates[i] = *add(&conf.Certificates[i])
	}
	return conf
}

// certificate is a client certificate kept in memory and made anew before it ends: a process may run for years.
type certificate struct {
	issue func(context.Context) (tls.Certificate, error)

	mu   sync.Mutex
	cert *tls.Certificate
}

// renewBefore is how long before its end a client certificate is replaced.
const renewBefore = 30 * 24 * time.Hour

func (c *certificate) get(ctx context.Context) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cert != nil && c.cert.Leaf != nil && time.Until(c.cert.Leaf.NotAfter) > renewBefore {
		return c.cert, nil
	}
	next, err := c.issue(ctx)
	if err != nil {
		return nil, err
	}
	if next.Leaf == nil {
		if next.Leaf, err = x509.ParseCertificate(next.Certificate[0]); err != nil {
			return nil, err
		}
	}
	c.cert = &next
	return c.cert, nil
}

// ownSensor is the sensor that watches this host, through the same uplink as any other.
type ownSensor struct {
	id   string
	host *sensors.Host
}

func (a *App) openOwnSensor(ctx context.Context) error {
	if !a.cfg.Sensor.Packet && !a.cfg.Sensor.Host || a.opened["sensors"] == nil {
		return nil
	}
	const id = console.OwnSensor
	certs := certificate{issue: func(ctx context.Context) (tls.Certificate, error) {
		return a.vault.Authority().Client(ctx, vault.SensorURI(id), sensorLife)
	}}
	if _, err := certs.get(ctx); err != nil {
		return err
	}
	if err := a.bindSensor(ctx, id, a.self.ID, hostname()); err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AddCert(a.vault.Authority().Root())
	addr := a.address("sensors").String()
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	host := "localhost"
	if !ap.Addr().IsUnspecified() && !ap.Addr().IsLoopback() { // then nothing listens on loopback
		host = ap.Addr().String()
	}
	ship, err := shipper.Open(shipper.Config{Dir: a.path("spool"), Server: "https://" + net.JoinHostPort(host, fmt.Sprint(ap.Port())),
		TLS: &tls.Config{GetClientCertificate: func(i *tls.CertificateRequestInfo) (*tls.Certificate, error) { return certs.get(i.Context()) }, RootCAs: pool, MinVersion: tls.VersionTLS12}}, a.log)
	if err != nil {
		return err
	}
	h := sensors.New(sensors.Config{Packet: a.cfg.Sensor.Packet, Host: a.cfg.Sensor.Host, Interfaces: a.cfg.Sensor.Interfaces, Name: hostname(), Version: a.opts.Version, Idle: true}, ship, a.log)
	a.own = &ownSensor{id: id, host: h}
	a.listeners = append(a.listeners, named{"own sensor", h.Run})
	return nil
}

type sensorsPart struct{ a *App }

// Sensors lists this host's own sensor and the enrolled ones.
func (p sensorsPart) Sensors(ctx context.Context) ([]console.Sensor, error) {
	a := p.a
	var out []console.Sensor
	a.sensorBooks.mu.Lock()
	last, at, lost := maps.Clone(a.sensorBooks.last), maps.Clone(a.sensorBooks.at), map[string]map[string]int64{}
	for id, m := range a.sensorBooks.lost {
		lost[id] = maps.Clone(m)
	}
	a.sensorBooks.mu.Unlock()
	ends := a.certificateEnds()
	now := time.Now().UnixMilli()
	for _, src := range a.inventory.Snapshot().Sources() {
		if src.Kind != soc.SourceSensor || src.Demo {
			continue
		}
		s := console.Sensor{ID: src.Sensor, Name: src.Name, System: src.System, Seen: at[src.Sensor], Shed: lost[src.Sensor]}
		if end, known := ends[src.Sensor]; known {
			s.CertificateEnds = end.UnixMilli()
		}
		st := last[src.Sensor]
		s.Host, s.Version = st.Values["host"], st.Values["version"]
		own := a.own != nil && src.Sensor == a.own.id
		if own {
			for _, pr := range a.own.host.Probes() {
				s.Probes = append(s.Probes, console.ProbeItem{Name: pr.Name, State: pr.State, Reason: pr.Why, Allow: pr.Do})
			}
		} else {
			for _, name := range slices.Sorted(maps.Keys(st.Values)) {
				if probe, ok := strings.CutPrefix(name, "probe."); ok {
					state, reason, _ := strings.Cut(st.Values[name], ": ")
					s.Probes = append(s.Probes, console.ProbeItem{Name: probe, State: state, Reason: reason})
				}
			}
		}
		s.State = sensorState(s.Probes, own || s.Seen > 0 && now-s.Seen <= 60_000)
		out = append(out, s)
	}
	return out, nil
}

// sensorState is how a sensor is doing by its probes: one that does not answer is unknown, one with a probe that runs is running.
func sensorState(probes []console.ProbeItem, heard bool) string {
	if !heard {
		return "unknown"
	}
	state := ""
	for _, p := range probes {
		switch {
		case p.State == sensors.Running:
			return sensors.Running
		case p.State == sensors.Refused || state == "":
			state = p.State
		}
	}
	return cmp.Or(state, sensors.Running) // it sends, and says nothing of its probes
}

package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"hoalu/collector/health"
	sensorsource "hoalu/collector/source/sensor"
	"hoalu/console"
	"hoalu/inventory"
	"hoalu/inventory/enrol"
	"hoalu/sensors"
	"hoalu/sensors/shipper"
	"hoalu/soc"
	"hoalu/vault"
)

// openEnrolment lets sensors be invited, enrolled, renewed and withdrawn.
func (a *App) openEnrolment(context.Context) error {
	authority := a.vault.Authority()
	a.enrolment = enrol.New(a.state, a.inventory, enrol.Config{Own: console.OwnSensor, Authority: authority, Revoked: vault.ErrRevoked, Record: a.recordDeed,
		Ends: func(ctx context.Context) (map[string]time.Time, error) {
			issued, err := authority.Issued(ctx)
			ends := map[string]time.Time{}
			for _, c := range issued {
				if c.Use == "sensor" && c.Revoked.IsZero() && c.NotAfter.After(ends[c.Subject]) {
					ends[c.Subject] = c.NotAfter
				}
			}
			return ends, err
		},
		Ending: func(src soc.Source, end time.Time) {
			at := end.UTC().Format(time.RFC3339)
			a.health.Emit(health.Note{Action: health.SensorCertificate, Source: src.ID, System: src.System, Level: "warning",
				Message: fmt.Sprintf("the certificate of sensor %s ends at %s", src.Sensor, at), Values: map[string]string{"sensor": src.Sensor, "ends": at}})
		}}, a.log)
	return nil
}

// Invite makes a single-use enrolment token for a sensor of a system.
func (a *App) Invite(ctx context.Context, by soc.Actor, system string, ttl time.Duration) (string, error) {
	secret, err := a.enrolment.Invite(ctx, by, system, ttl)
	if err != nil {
		return "", err
	}
	return shipper.Token(secret, a.vault.Authority().Root()), nil
}

func (a *App) enrollSensor(ctx context.Context, token string, csr []byte) (sensorsource.Enrolment, error) {
	c, err := a.enrolment.Enrol(ctx, token, csr)
	return sensorsource.Enrolment(c), err
}

func (a *App) renewSensor(ctx context.Context, id string, shown *x509.Certificate, csr []byte) (sensorsource.Enrolment, error) {
	c, err := a.enrolment.Renew(ctx, id, shown, csr)
	return sensorsource.Enrolment(c), err
}

// sensorAccounts keeps what sensors last said of themselves, by sensor.
type sensorAccounts struct {
	mu   sync.Mutex
	last map[string]sensorsource.Stats
	at   map[string]int64
	lost map[string]map[string]int64 // by reason, since the start of the appliance
}

// open makes the maps; mu is held.
func (b *sensorAccounts) open() {
	if b.last == nil {
		b.last, b.at, b.lost = map[string]sensorsource.Stats{}, map[string]int64{}, map[string]map[string]int64{}
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
		return a.vault.Authority().Client(ctx, vault.SensorURI(id), enrol.Life)
	}}
	if _, err := certs.get(ctx); err != nil {
		return err
	}
	if err := a.enrolment.Bind(ctx, id, a.self.ID, hostname()); err != nil {
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
	ends := a.enrolment.Ends(ctx)
	withdrawn, err := a.withdrawnSensors(ctx)
	if err != nil {
		return nil, err
	}
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
		s.State = console.SensorState(s.Probes, withdrawn[src.Sensor] || src.Retired != 0, own || s.Seen > 0 && now-s.Seen <= 60_000)
		out = append(out, s)
	}
	return out, nil
}

// withdrawnSensors are those whose every certificate is revoked: nothing they send is taken.
func (a *App) withdrawnSensors(ctx context.Context) (map[string]bool, error) {
	issued, err := a.vault.Authority().Issued(ctx)
	if err != nil {
		return nil, fmt.Errorf("certificates of sensors: %w", err)
	}
	withdrawn := map[string]bool{}
	for _, c := range issued {
		if c.Use == "sensor" {
			all, seen := withdrawn[c.Subject]
			withdrawn[c.Subject] = !c.Revoked.IsZero() && (all || !seen)
		}
	}
	return withdrawn, nil
}

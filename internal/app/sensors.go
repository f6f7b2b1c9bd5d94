package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"

	"hoalu/collector/health"
	sensorsource "hoalu/collector/source/sensor"
	"hoalu/console"
	"hoalu/internal/lang"
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
	a.enrolment = enrol.New(a.state, a.inventory,
		enrol.Config{Own: console.OwnSensor, Authority: authority, Revoked: vault.ErrRevoked, Record: a.recordDeed,
			Issued: func(ctx context.Context) ([]enrol.Issued, error) {
				issued, err := authority.Issued(ctx)
				var out []enrol.Issued
				for _, c := range issued {
					if c.Use == "sensor" {
						out = append(out, enrol.Issued{Sensor: c.Subject, Ends: c.NotAfter, Revoked: !c.Revoked.IsZero()})
					}
				}
				return out, err
			},
			Ending: func(src soc.Source, end time.Time) { a.health.Emit(health.CertificateEnds(src, end)) }}, a.log)
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

// listenForSensors is what the listener of sensors asks of the others.
func (a *App) listenForSensors() sensorsource.Config {
	return sensorsource.Config{Identify: a.enrolment.Identify, Position: a.intake.SensorPosition, Book: a.sensorBook,
		Stats: a.intake.SensorStats(a.health, a.sensorSource),
		Enroll: func(ctx context.Context, token string, csr []byte) (sensorsource.Enrolment, error) {
			c, err := a.enrolment.Enrol(ctx, token, csr)
			return sensorsource.Enrolment(c), err
		},
		Renew: func(ctx context.Context, id string, shown *x509.Certificate, csr []byte) (sensorsource.Enrolment, error) {
			c, err := a.enrolment.Renew(ctx, id, shown, csr)
			return sensorsource.Enrolment(c), err
		}}
}

func (a *App) sensorSource(id string) (soc.Source, bool) {
	return a.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceSensor, Sensor: id})
}

func (a *App) openOwnSensor(ctx context.Context) (err error) {
	if !a.cfg.Sensor.Packet && !a.cfg.Sensor.Host || a.opened["sensors"] == nil {
		return nil
	}
	certs := vault.NewClient(func(ctx context.Context) (tls.Certificate, error) {
		return a.vault.Authority().Client(ctx, vault.SensorURI(console.OwnSensor), enrol.Life)
	})
	if _, err := certs.Get(ctx); err != nil {
		return err
	}
	if err := a.enrolment.Bind(ctx, console.OwnSensor, a.self.ID, hostname()); err != nil {
		return err
	}
	a.own, err = sensors.NewOwn(sensors.OwnConfig{Spool: a.path("spool"), Listener: a.address("sensors").String(),
		Authority:   a.vault.Authority().Root(),
		Certificate: func(i *tls.CertificateRequestInfo) (*tls.Certificate, error) { return certs.Get(i.Context()) },
		Config: sensors.Config{Packet: a.cfg.Sensor.Packet, Host: a.cfg.Sensor.Host, Interfaces: a.cfg.Sensor.Interfaces, Name: hostname(),
			Version: a.opts.Version,
			Own:     sensors.OwnListeners(a.consoleAddr, a.address("sensors"))}}, a.log)
	return err
}

type sensorsPart struct{ a *App }

// heardWithin is for how long after its last account a sensor counts as answering, in ms; it tells every ten seconds.
const heardWithin = 60_000

// Sensors lists this host's own sensor and the enrolled ones.
func (p sensorsPart) Sensors(ctx context.Context) ([]console.Sensor, error) {
	a := p.a
	ends := a.enrolment.Ends(ctx)
	withdrawn, err := a.enrolment.Withdrawn(ctx)
	if err != nil {
		return nil, err
	}
	var out []console.Sensor
	now := time.Now().UnixMilli()
	for _, src := range a.inventory.Snapshot().Sources() {
		if src.Kind != soc.SourceSensor || src.Demo {
			continue
		}
		told := a.sensorBook.Of(src.Sensor)
		s := console.Sensor{ID: src.Sensor, Name: src.Name, System: src.System, Seen: told.At, Shed: told.Lost, Filtered: told.LeftOut,
			Host: told.Last.Values["host"], Version: told.Last.Values["version"]}
		if end, known := ends[src.Sensor]; known {
			s.CertificateEnds = end.UnixMilli()
		}
		own := a.own != nil && src.Sensor == console.OwnSensor
		if own {
			for _, pr := range a.own.Probes() {
				s.Probes = append(s.Probes, console.ProbeItem{Name: pr.Name, State: pr.State, Reason: lang.Both(pr.Why), Allow: lang.Both(pr.Do)})
			}
		} else {
			for _, pr := range told.Last.Probes() {
				s.Probes = append(s.Probes, console.ProbeItem{Name: pr.Name, State: pr.State, Reason: lang.Both(pr.Why), Allow: lang.Both(pr.Do)})
			}
		}
		s.State = console.SensorState(s.Probes, withdrawn[src.Sensor] || src.Retired != 0, own || s.Seen > 0 && now-s.Seen <= heardWithin)
		out = append(out, s)
	}
	return out, nil
}

// Package enrol lets sensors in: an invitation names the system, a token of it is exchanged for a certificate once, certificates are
// renewed, withdrawn, and told of before they end.
//
// Words: an invitation is a single-use token for a sensor of a system, of which only a hash is kept; to enrol is to exchange it, with a
// certificate request (PKCS #10), for a client certificate. A sensor is one source of kind soc.SourceSensor, bound to its system.
//
// Contract: a Register is safe for concurrent use. Each of its deeds is on record in the transaction that does it. Errors for a person
// or a sensor are *soc.Problem. It stands above the inventory, which does not know of it.
package enrol

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"hoalu/inventory"
	"hoalu/inventory/internal/db"
	"hoalu/soc"
	"hoalu/state"
)

// Life is how long a sensor's certificate is good.
const Life = 365 * 24 * time.Hour

const (
	maxInvitation = 7 * 24 * time.Hour
	// renewEvery is the least time between two certificates of a sensor; each is a row in the log of certificates and in the evidence log.
	renewEvery = 10 * time.Second
)

// Authority makes and withdraws sensors' certificates.
type Authority interface {
	RootPEM() []byte
	// SignSensor answers a certificate request (DER) with a client certificate (PEM) of the sensor.
	SignSensor(ctx context.Context, id string, request []byte, life time.Duration) (certificate []byte, err error)
	// Sensor verifies a peer's chain and names its sensor.
	Sensor(peer []*x509.Certificate) (id string, err error)
	// RevokeSensor ends every certificate of a sensor and says how many.
	RevokeSensor(ctx context.Context, id, reason string) (int, error)
}

// Config of a Register; all of it is needed.
type Config struct {
	Own       string // id of the appliance's own sensor, which is neither renewed nor withdrawn here
	Authority Authority
	Revoked   error // what Authority.Sensor's error is of a certificate that was withdrawn
	// Issued lists the certificates that were made for sensors.
	Issued func(ctx context.Context) ([]Issued, error)
	// Record writes the audit row in the transaction.
	Record func(ctx context.Context, tx *sql.Tx, d soc.Deed) (int64, error)
	// Ending is told of a sensor whose certificate ends soon or ended not long ago, once a day; it must not block.
	Ending func(src soc.Source, end time.Time)
}

// Issued is a certificate that was made for a sensor.
type Issued struct {
	Sensor  string
	Ends    time.Time
	Revoked bool
}

// Certificate is the answer to a good token or request.
type Certificate struct {
	Sensor      string
	Certificate string // PEM
	Authority   string // PEM of what signed the collector
}

// Register enrols sensors.
type Register struct {
	c         Config
	db        *state.DB
	inventory *inventory.Store
	log       *slog.Logger

	mu      sync.Mutex
	ends    map[string]time.Time // of the certificate last shown, by sensor
	renewed map[string]time.Time
	told    map[string]time.Time // that it ends soon
}

// New makes a Register of the sensors in inv.
func New(d *state.DB, inv *inventory.Store, c Config, log *slog.Logger) *Register {
	return &Register{c: c, db: d, inventory: inv, log: log.With("component", "inventory/enrol"),
		ends: map[string]time.Time{}, renewed: map[string]time.Time{}, told: map[string]time.Time{}}
}

func (r *Register) record(ctx context.Context, tx *sql.Tx, d soc.Deed) error {
	_, err := r.c.Record(ctx, tx, d)
	return err
}

func (r *Register) find(sensor string) (soc.Source, bool) {
	return r.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceSensor, Sensor: sensor})
}

// Invite makes the secret of a single-use token for a sensor of a system; only its hash is kept.
func (r *Register) Invite(ctx context.Context, by soc.Actor, system string, ttl time.Duration) (string, error) {
	if _, ok := r.inventory.Snapshot().System(system); !ok {
		return "", &soc.Problem{Status: 404, Code: "not_found", Detail: fmt.Sprintf("System %s is not in the inventory.", system),
			Do: "Look up its HT- number on the page Systems.", Values: map[string]string{"id": system, "kind": soc.KindSystem}}
	}
	if ttl <= 0 || ttl > maxInvitation {
		return "", &soc.Problem{Status: 422, Code: "bad_ttl", Detail: fmt.Sprintf("A token may live up to 7 days, not %s.", ttl),
			Do: "Give a shorter --ttl.", Values: map[string]string{"given": ttl.String()}}
	}
	b := make([]byte, 20)
	rand.Read(b) //nolint:errcheck // it never fails
	secret := hex.EncodeToString(b)
	err := r.db.Tx(ctx, func(tx *sql.Tx) error {
		now := state.Now()
		if err := db.New(tx).InsertInvite(ctx, db.InsertInviteParams{Hash: digest(secret), SystemID: system, Made: now,
			Ends: now + ttl.Milliseconds()}); err != nil {
			return err
		}
		return r.record(ctx, tx, soc.Deed{Actor: by, Action: "sensor.invite", Object: system, Details: map[string]string{"ttl": ttl.String()}})
	})
	if err != nil {
		return "", fmt.Errorf("make invitation: %w", err)
	}
	return secret, nil
}

func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Enrol exchanges the secret of a token and a certificate request (PEM) for a certificate.
func (r *Register) Enrol(ctx context.Context, secret string, csr []byte) (Certificate, error) {
	req, err := request(csr) // before the token is spent
	if err != nil {
		return Certificate{}, err
	}
	hash, name := digest(secret), displayName(req.Subject.CommonName)
	var id, system string
	err = r.db.Tx(ctx, func(tx *sql.Tx) error { // one writer at a time: a token is taken once, however many ask at once
		q := db.New(tx)
		invite, err := q.Invite(ctx, hash)
		if errors.Is(err, sql.ErrNoRows) || err == nil && (invite.Used != 0 || invite.Ends < state.Now()) {
			return &soc.Problem{Status: 403, Code: "token_unknown", Detail: "The token is unknown, used or out of date.",
				Do: "Ask for a new one: hoalu sensor invite --system HT-…"}
		}
		if err != nil {
			return err
		}
		host := strings.ToLower(name)
		if id, err = sensorID(host); err != nil {
			return err
		}
		if err := q.UseInvite(ctx, db.UseInviteParams{Hash: hash, Used: state.Now(), Sensor: id}); err != nil {
			return err
		}
		system = invite.SystemID
		return r.record(ctx, tx, soc.Deed{Actor: soc.Actor{ID: "sensor:" + id, Name: host}, Action: "sensor.enroll", Object: system,
			Details: map[string]string{"sensor": id}})
	})
	if err != nil {
		return Certificate{}, err
	}
	// Bound first: with the certificate in hand it may send at once, and what it sends belongs to the system of its invitation.
	if err := r.Bind(ctx, id, system, name); err != nil {
		return Certificate{}, err
	}
	return r.sign(ctx, id, req)
}

func (r *Register) sign(ctx context.Context, id string, req *x509.CertificateRequest) (Certificate, error) {
	certificate, err := r.c.Authority.SignSensor(ctx, id, req.Raw, Life)
	if err != nil {
		return Certificate{}, fmt.Errorf("sign sensor certificate: %w", err)
	}
	return Certificate{Sensor: id, Certificate: string(certificate), Authority: string(r.c.Authority.RootPEM())}, nil
}

// Bind makes the source of a sensor, bound to its system: what it sends belongs there.
func (r *Register) Bind(ctx context.Context, id, system, host string) error {
	src, err := r.inventory.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSensor, Sensor: id})
	if err != nil {
		return err
	}
	if src.System == system {
		return nil
	}
	src.System, src.Auto, src.Name = system, false, "Cảm biến "+host
	src.Layers = []string{soc.LayerNetwork, soc.LayerEndpoint}
	_, err = r.inventory.UpdateSource(ctx, soc.Machine, src)
	return err
}

// Renew gives a sensor its next certificate for a new key. The one it showed stays good until its end: should the answer be lost,
// it asks again with that.
func (r *Register) Renew(ctx context.Context, id string, shown *x509.Certificate, csr []byte) (out Certificate, err error) {
	req, err := request(csr)
	if err != nil {
		return out, err
	}
	if req.PublicKey.(*ecdsa.PublicKey).Equal(shown.PublicKey) {
		return out, &soc.Problem{Status: 400, Code: "bad_csr", Detail: "The certificate request is for the old key.", Do: "Make a new key."}
	}
	src, known := r.enrolled(id)
	if known && src.Retired != 0 {
		return out, withdrawn()
	}
	if !known || id == r.c.Own {
		return out, &soc.Problem{Status: 403, Code: "sensor_unknown", Detail: fmt.Sprintf("Sensor %s is not enrolled here.", id),
			Do: "Enrol it again: hoalu sensor enroll --server URL --token T", Values: map[string]string{"id": id}}
	}
	r.mu.Lock()
	soon := time.Since(r.renewed[id]) < renewEvery
	if !soon {
		r.renewed[id] = time.Now()
	}
	r.mu.Unlock()
	if soon {
		return out, &soc.Problem{Status: 429, Code: "too_soon", Detail: "This sensor got a certificate a moment ago.",
			Do: "It asks again in a minute."}
	}
	err = r.db.Tx(ctx, func(tx *sql.Tx) error {
		return r.record(ctx, tx, soc.Deed{Actor: soc.Actor{ID: "sensor:" + id, Name: src.Name}, Action: "sensor.renew", Object: src.System,
			Details: map[string]string{"sensor": id}})
	})
	if err != nil {
		return out, err
	}
	if out, err = r.sign(ctx, id, req); err != nil {
		return out, err
	}
	if _, err := r.Identify(shown); errors.Is(err, r.c.Revoked) { // meanwhile: then this one is, too
		if _, err := r.c.Authority.RevokeSensor(ctx, id, "the certificate it was renewed with was withdrawn"); err != nil {
			return Certificate{}, fmt.Errorf("withdraw sensor certificate: %w", err)
		}
		return Certificate{}, withdrawn()
	}
	return out, nil
}

func withdrawn() *soc.Problem {
	return &soc.Problem{Status: 403, Code: "not_a_sensor", Detail: "This certificate was withdrawn.", Do: "Enrol the sensor again."}
}

// Revoke withdraws the certificates of a sensor: what it sends is refused from then on, and its source is retired, so that nobody waits
// for it. Repeated, it does what was left: of a sensor that was withdrawn before, it retires the source.
func (r *Register) Revoke(ctx context.Context, by soc.Actor, id, reason string) error {
	if id == r.c.Own {
		return &soc.Problem{Status: 422, Code: "own_sensor", Detail: "Sensor " + id + " is part of this appliance.",
			Do: "Switch it off with sensor.packet and sensor.host in the configuration.", Values: map[string]string{"id": id}}
	}
	src, known := r.enrolled(id)
	if !known {
		return &soc.Problem{Status: 404, Code: "sensor_unknown", Detail: fmt.Sprintf("Sensor %q is not enrolled here.", id),
			Do: "Take its name from the page Sources, sensors.", Values: map[string]string{"id": id}}
	}
	if strings.TrimSpace(reason) == "" {
		return &soc.Problem{Status: 422, Code: "reason_missing", Detail: "Why the sensor is withdrawn is not said.",
			Do: "Give --reason; it stands in the audit log."}
	}
	err := r.db.Tx(ctx, func(tx *sql.Tx) error {
		deed := soc.Deed{Actor: by, Action: "sensor.revoke", Object: src.System, Reason: reason, Details: map[string]string{"sensor": id}}
		if err := r.record(ctx, tx, deed); err != nil {
			return err
		}
		n, err := r.c.Authority.RevokeSensor(ctx, id, reason) // last: without the deed nothing is withdrawn
		if err != nil {
			return fmt.Errorf("withdraw sensor certificate: %w", err)
		}
		if n == 0 {
			return &soc.Problem{Status: 409, Code: "sensor_revoked", Detail: fmt.Sprintf("Sensor %s has no certificate that is good.", id),
				Do: "Nothing is left to withdraw.", Values: map[string]string{"id": id}}
		}
		return nil
	})
	if p, ok := errors.AsType[*soc.Problem](err); err != nil && (!ok || p.Code != "sensor_revoked" || src.Retired != 0) {
		return err
	}
	// In a transaction of its own, behind the withdrawal: a source that is retired while its sensor may still send would be made anew.
	if err := r.inventory.RetireSensor(ctx, by, id, reason); err != nil {
		return fmt.Errorf("sensor %s is withdrawn, its source is not yet retired: %w", id, err)
	}
	return nil
}

// Source is where the records of a sensor belong. A batch that was let in while its sensor was withdrawn belongs to the retired source:
// a new one would be waited for.
func (r *Register) Source(ctx context.Context, sensor string) (soc.Source, error) {
	if src, known := r.enrolled(sensor); known {
		return src, nil
	}
	return r.inventory.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSensor, Sensor: sensor})
}

// enrolled is the source of a sensor, one in use before one that is retired.
func (r *Register) enrolled(sensor string) (src soc.Source, known bool) {
	if src, known = r.find(sensor); known || sensor == "" {
		return src, known
	}
	for _, v := range r.inventory.Snapshot().Sources() {
		if v.Kind == soc.SourceSensor && v.Sensor == sensor {
			src, known = v, true
		}
	}
	return src, known
}

// request reads a certificate request (PEM) of a sensor.
func request(csr []byte) (*x509.CertificateRequest, error) {
	block, _ := pem.Decode(csr)
	if block == nil {
		return nil, &soc.Problem{Status: 400, Code: "bad_csr", Detail: "The request is not a PEM certificate request.",
			Do: "Run hoalu sensor enroll again."}
	}
	req, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || req.CheckSignature() != nil {
		return nil, &soc.Problem{Status: 400, Code: "bad_csr", Detail: "The certificate request cannot be read.",
			Do: "Run hoalu sensor enroll again."}
	}
	if k, ok := req.PublicKey.(*ecdsa.PublicKey); !ok || k.Curve != elliptic.P256() && k.Curve != elliptic.P384() {
		return nil, &soc.Problem{Status: 400, Code: "bad_csr", Detail: "The certificate request is for a key that is not ECDSA P-256 or P-384.",
			Do: "Run hoalu sensor enroll of this version."}
	}
	return req, nil
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

package enrol

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"hoalu/inventory"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
)

// book is an authority that remembers whom it signed for and whom it withdrew.
type book struct {
	signed  []string
	revoked map[string]bool
	signing func(id string) // nil: nothing happens meanwhile
}

var errRevoked = errors.New("withdrawn")

func (b *book) RootPEM() []byte { return []byte("root") }
func (b *book) SignSensor(_ context.Context, id string, _ []byte, _ time.Duration) ([]byte, error) {
	b.signed = append(b.signed, id)
	if b.signing != nil {
		b.signing(id)
	}
	return []byte("certificate of " + id), nil
}
func (b *book) Sensor(peer []*x509.Certificate) (string, error) {
	if id := peer[0].Subject.CommonName; !b.revoked[id] {
		return id, nil
	}
	return "", errRevoked
}
func (b *book) RevokeSensor(_ context.Context, id, _ string) (int, error) {
	if b.revoked[id] {
		return 0, nil
	}
	b.revoked[id] = true
	return 1, nil
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func requestOf(t *testing.T, name string, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func code(err error) string {
	if p, ok := errors.AsType[*soc.Problem](err); ok {
		return p.Code
	}
	return fmt.Sprint(err)
}

// TestRegister follows a sensor from its invitation to its end, on both databases: each deed is on record, a token counts once and not
// after its time, and of certificates that end people are told once a day.
func TestRegister(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx, by, quiet := t.Context(), soc.Actor{ID: "machine", Name: "test"}, slog.New(slog.DiscardHandler)
		inv, err := inventory.Open(ctx, db, inventory.Config{}, quiet)
		if err != nil {
			t.Fatal(err)
		}
		self, _, err := inv.EnsureSelf(ctx, "soc", nil)
		if err != nil {
			t.Fatal(err)
		}
		authority := &book{revoked: map[string]bool{}}
		var deeds, told []string
		var issued []Issued
		var unread error
		r := New(db, inv, Config{Own: "this-host", Authority: authority, Revoked: errRevoked,
			Issued: func(context.Context) ([]Issued, error) { return issued, unread },
			Record: func(_ context.Context, _ *sql.Tx, d soc.Deed) (int64, error) {
				deeds = append(deeds, d.Action)
				return 1, nil
			},
			Ending: func(src soc.Source, _ time.Time) { told = append(told, src.Sensor+" "+src.System) }}, quiet)

		if _, err := r.Invite(ctx, by, "HT-404", time.Hour); code(err) != "not_found" {
			t.Errorf("invitation to a system nobody knows: %v", err)
		}
		if _, err := r.Invite(ctx, by, self.ID, 8*24*time.Hour); code(err) != "bad_ttl" {
			t.Errorf("invitation of eight days: %v", err)
		}
		late, err := r.Invite(ctx, by, self.ID, time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := r.Invite(ctx, by, self.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		key := newKey(t)
		csr := requestOf(t, "Máy-01", key)
		for end := state.Now() + 2; state.Now() <= end; { // until late is out of date
			time.Sleep(time.Millisecond)
		}
		for name, c := range map[string]struct {
			secret string
			csr    []byte
			want   string
		}{"out of date": {late, csr, "token_unknown"}, "nobody's": {"x", csr, "token_unknown"}, "no request": {secret, []byte("x"), "bad_csr"}} {
			if _, err := r.Enrol(ctx, c.secret, c.csr); code(err) != c.want {
				t.Errorf("token %s: %v, want %s", name, err, c.want)
			}
		}
		c, err := r.Enrol(ctx, secret, csr)
		if err != nil || !strings.HasPrefix(c.Sensor, "m-y-01-") || c.Authority != "root" {
			t.Fatalf("Enrol = %+v, %v", c, err)
		}
		if _, err := r.Enrol(ctx, secret, csr); code(err) != "token_unknown" {
			t.Errorf("the token again: %v", err)
		}
		if src, ok := r.find(c.Sensor); !ok || src.System != self.ID || src.Name != "Cảm biến Máy-01" {
			t.Errorf("source of the sensor: %+v", src)
		}

		shown := &x509.Certificate{Subject: pkix.Name{CommonName: c.Sensor}, PublicKey: key.Public(),
			NotAfter: time.Now().Add(40 * 24 * time.Hour)}
		if _, err := r.Identify(shown); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Renew(ctx, c.Sensor, shown, requestOf(t, "x", newKey(t))); err != nil {
			t.Errorf("renewal: %v", err)
		}
		if _, err := r.Renew(ctx, c.Sensor, shown, requestOf(t, "x", newKey(t))); code(err) != "too_soon" {
			t.Errorf("renewal at once again: %v", err)
		}
		for _, tt := range []struct {
			before time.Duration // the end
			want   int
		}{{31 * 24 * time.Hour, 0}, {29 * 24 * time.Hour, 1}, {29*24*time.Hour - time.Minute, 0}, {28 * 24 * time.Hour, 1}, {-24 * time.Hour, 1},
			{-40 * 24 * time.Hour, 0}} {
			told = nil
			r.Look(ctx, shown.NotAfter.Add(-tt.before))
			if len(told) != tt.want || tt.want == 1 && told[0] != c.Sensor+" "+self.ID {
				t.Errorf("%v before the end: told %v, want %d times", tt.before, told, tt.want)
			}
		}
		soon, late2 := time.Now().Add(time.Hour).Truncate(time.Second), time.Now().Add(2*time.Hour).Truncate(time.Second)
		issued = []Issued{{"a", soon, true}, {"a", late2, true}, {"b", soon, false}, {"b", late2, true}, {c.Sensor, soon, false}}
		withdrawn, err := r.Withdrawn(ctx)
		if ends := r.Ends(ctx); err != nil || !withdrawn["a"] || withdrawn["b"] || withdrawn[c.Sensor] || !ends["a"].IsZero() ||
			!ends["b"].Equal(soon) || !ends[c.Sensor].Equal(shown.NotAfter) {
			t.Errorf("withdrawn %v, %v, ends %v; want a alone, and the ends of good certificates, that shown before that made", withdrawn, err, ends)
		}
		unread = errors.New("the log of certificates is damaged")
		withdrawn, err = r.Withdrawn(ctx)
		if ends := r.Ends(ctx); withdrawn != nil || !errors.Is(err, unread) || !ends[c.Sensor].Equal(shown.NotAfter) {
			t.Errorf("with the log damaged: withdrawn %v, %v, ends %v; want its error, and what was shown", withdrawn, err, ends)
		}
		issued, unread = nil, nil
		r.renewed, authority.signing = map[string]time.Time{}, func(id string) { authority.revoked[id] = true }
		if c, err := r.Renew(ctx, c.Sensor, shown, requestOf(t, "x", newKey(t))); code(err) != "not_a_sensor" || c.Certificate != "" {
			t.Errorf("withdrawn while its next certificate is made = %+v, %v; want none", c, err)
		}
		authority.signing, authority.revoked = nil, map[string]bool{}
		retired := func() bool {
			src, _ := r.enrolled(c.Sensor)
			return src.Retired != 0
		}
		issued = []Issued{{c.Sensor, soon, false}}
		if err := r.RetireWithdrawn(ctx); err != nil || retired() {
			t.Errorf("a sensor in use: %v, retired %v", err, retired())
		}
		if err := r.Revoke(ctx, by, c.Sensor, "mất máy"); err != nil {
			t.Fatal(err)
		}
		if !retired() {
			t.Error("the source of a withdrawn sensor is in use")
		}
		if err := r.Revoke(ctx, by, c.Sensor, "mất máy"); code(err) != "sensor_revoked" {
			t.Errorf("withdrawn again: %v", err)
		}
		// What a version before, or a Revoke cut short, left in use is retired by the next look.
		before, err := inv.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSensor, Sensor: "s-before"})
		if err != nil {
			t.Fatal(err)
		}
		issued = []Issued{{"s-before", soon, true}}
		if err := r.RetireWithdrawn(ctx); err != nil {
			t.Error(err)
		}
		if src, _ := inv.Snapshot().Source(before.ID); src.Retired == 0 {
			t.Errorf("the source of a sensor withdrawn before: %+v, want it retired", src)
		}
		issued = nil
		r.renewed = map[string]time.Time{}
		if c, err := r.Renew(ctx, c.Sensor, shown, requestOf(t, "x", newKey(t))); code(err) != "not_a_sensor" || c.Certificate != "" {
			t.Errorf("renewal with a withdrawn certificate = %+v, %v; want none", c, err)
		}
		if want := []string{"sensor.invite", "sensor.invite", "sensor.enroll", "sensor.renew", "sensor.renew", "sensor.revoke",
			"sensor.revoke"}; !slices.Equal(deeds, want) {
			t.Errorf("deeds %v, want %v", deeds, want)
		}
	})
}

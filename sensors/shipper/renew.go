package shipper

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"time"

	"hoalu/internal/durable"
	"hoalu/internal/wording"
)

// ErrEnded means that the certificate has ended: the collector lets nobody in with it, not even to renew.
var ErrEnded error = wording.New("the sensor's certificate has ended: enrol it again with `hoalu sensor enroll --server URL --token T` and a token of `hoalu sensor invite`")

// Ends is when the certificate ends.
func (id *Identity) Ends() time.Time { return id.cert.Load().Leaf.NotAfter }

// Renew exchanges the certificate for a new one with a new key, over a connection of the present one. The files are replaced at once and
// only by a pair that fits and that the collector's authority signed for this sensor; the old certificate stays good until its end, so
// that an answer that is lost costs nothing but another request.
func (id *Identity) Renew(ctx context.Context) error {
	old := id.cert.Load().Leaf
	if id.now().After(old.NotAfter) {
		return ErrEnded
	}
	key, request, err := newRequest()
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"csr": request})
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: id.TLS.Clone(), ForceAttemptHTTP2: true}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	got, err := ask(ctx, client, id.Server+"/v1/renew", body)
	if err != nil {
		return err
	}
	pair, err := join(key, got.Certificate)
	if err != nil {
		return err
	}
	cert, err := tls.X509KeyPair(pair, pair)
	if err != nil {
		return err
	}
	if _, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: id.TLS.RootCAs, CurrentTime: id.now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err != nil {
		return fmt.Errorf("the collector's answer is not kept: %w", err)
	}
	if s := sensorOf(cert.Leaf); s != sensorOf(old) || cert.Leaf.NotAfter.Before(old.NotAfter) {
		return fmt.Errorf("the collector's answer is not kept: a certificate of sensor %s until %s", s, cert.Leaf.NotAfter.Format(time.RFC3339))
	}
	if err := durable.Write(filepath.Join(id.dir, pairFile), pair); err != nil {
		return fmt.Errorf("keep identity: %w", err)
	}
	id.cert.Store(&cert)
	return nil
}

const (
	renewLook  = time.Hour   // the clock may be set and the machine may sleep: look at it this often
	renewLeast = time.Minute // between two attempts
)

// Keep renews the certificate at two thirds of its life until ctx ends, a little later for each sensor, so that they do not all come at
// once; what fails is tried again at least every hour. renewed is called after each success.
func (id *Identity) Keep(ctx context.Context, log *slog.Logger, renewed func()) {
	log = log.With("component", "identity", "sensor.id", id.Sensor)
	due, tries := id.due(rand.Float64()), 0
	for {
		wait := min(due.Sub(id.now()), renewLook)
		if wait > 0 {
			select {
			case <-ctx.Done():
				return
			case <-id.after(wait):
			}
			continue
		}
		err := id.Renew(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			log.Info("certificate renewed", "ends", id.Ends().UTC().Format(time.RFC3339))
			renewed()
			due, tries = id.due(rand.Float64()), 0
			continue
		}
		tries++
		again := min(renewLeast<<min(tries-1, 6), renewLook)
		log.Warn("certificate not renewed", "error", err, "ends", id.Ends().UTC().Format(time.RFC3339), "again", again.String())
		due = id.now().Add(again)
	}
}

// due is when the certificate is to be renewed; chance of [0,1) spreads it over a twentieth of its life.
func (id *Identity) due(chance float64) time.Time {
	c := id.cert.Load().Leaf
	life := c.NotAfter.Sub(c.NotBefore)
	return c.NotBefore.Add(life*2/3 + time.Duration(chance*float64(life)/20))
}

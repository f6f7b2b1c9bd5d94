package shipper

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"hoalu/internal/durable"
	"hoalu/internal/wording"
)

// Identity is a sensor's certificate with its key, and the authority of its collector, kept in one folder (0700).
type Identity struct {
	Sensor string
	Server string
	TLS    *tls.Config // shows the newest certificate

	dir   string
	now   func() time.Time
	after func(time.Duration) <-chan time.Time
	cert  atomic.Pointer[tls.Certificate]
}

// Files of an Identity's folder. Key and certificate are one file, replaced as a whole: whatever happens in between, they fit together.
const (
	pairFile   = "sensor.pem"
	caFile     = "collector-ca.crt"
	serverFile = "collector.url"
)

// Token is an enrolment token: a single-use secret and the SHA-256 of the collector's authority, so that the first contact is with the
// right machine.
func Token(secret string, authority *x509.Certificate) string {
	sum := sha256.Sum256(authority.Raw)
	return secret + "." + hex.EncodeToString(sum[:])
}

// Enroll exchanges a token for a certificate and keeps it in dir. The key never leaves this machine.
func Enroll(ctx context.Context, dir, server, token string) (*Identity, error) {
	secret, pin, ok := strings.Cut(token, ".")
	if !ok || len(pin) != 64 {
		return nil, wording.New("the token is not complete: copy all of what `hoalu sensor invite` printed")
	}
	if u, err := url.Parse(server); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil,
			wording.New("the collector's address must be as https://host:8443, is %q: over anything else the token could be read on its way", server)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, wording.Because(err, "make the folder of the certificate: %s", wording.Of(err))
	}
	key, request, err := newRequest()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]string{"token": secret, "csr": request})
	if err != nil {
		return nil, err
	}
	// The collector sends its authority's certificate with its own; the one whose digest the token names is the anchor.
	conf := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, VerifyConnection: func(cs tls.ConnectionState) error {
		for _, c := range cs.PeerCertificates {
			sum := sha256.Sum256(c.Raw)
			if hex.EncodeToString(sum[:]) != pin {
				continue
			}
			pool := x509.NewCertPool()
			pool.AddCert(c)
			_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: pool, DNSName: cs.ServerName})
			return err
		}
		return wording.New("this is not the collector the token is for")
	}}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true}, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return wording.New("the collector redirects; give its final address")
		}}
	defer client.CloseIdleConnections()
	server = strings.TrimRight(server, "/")
	got, err := ask(ctx, client, server+"/v1/enroll", body)
	if err != nil {
		return nil, err
	}
	pair, err := join(key, got.Certificate)
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{caFile, []byte(got.Authority)}, {serverFile, []byte(server + "\n")}, {pairFile, pair}} { // with the last one it is enrolled
		if err := durable.Write(filepath.Join(dir, f.name), f.data); err != nil {
			return nil, wording.Because(err, "keep the certificate: %s", wording.Of(err))
		}
	}
	id, err := LoadIdentity(dir)
	if err == nil && id.Sensor == "" {
		id.Sensor = got.Sensor
	}
	return id, err
}

// newRequest makes a key and a certificate request (PEM) for it.
func newRequest() (*ecdsa.PrivateKey, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("make key: %w", err)
	}
	host, _ := os.Hostname() // without one the collector names it
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: host}}, key)
	if err != nil {
		return nil, "", fmt.Errorf("make certificate request: %w", err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}

// granted is the collector's answer to a request.
type granted struct{ Sensor, Certificate, Authority string }

func ask(ctx context.Context, client *http.Client, url string, body []byte) (granted, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return granted{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return granted{}, wording.Because(err, "the collector is not reached: %s", wording.Of(err))
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return granted{}, wording.Because(err, "the collector's answer cannot be read: %s", wording.Of(err))
	}
	if res.StatusCode != http.StatusOK {
		return granted{}, refusal(res.StatusCode, answer)
	}
	var got granted
	if err := json.Unmarshal(answer, &got); err != nil {
		return granted{}, wording.Because(err, "the collector's answer cannot be read: %s", wording.Word("it is not JSON"))
	}
	return got, nil
}

// refusals are the collector's codes (collector/source/sensor, inventory/enrol) in words.
var refusals = map[string]*wording.Problem{
	"enrolment_refused": wording.New("The token is unknown, used or too old. Make a new one: hoalu sensor invite --system HT-…"),
	"enrolment_off":     wording.New("This collector enrols no sensors."),
	"not_allowed":       wording.New("It takes nothing from this address. An administrator can allow it under listen.senders."),
	"no_certificate":    wording.New("It asks for this sensor's certificate, and none was shown. Enrol the sensor again."),
	"not_a_sensor":      wording.New("The certificate is not one of a sensor, or it was withdrawn. Enrol the sensor again."),
	"renewal_off":       wording.New("This collector renews no certificates. Enrol the sensor again before its certificate ends."),
	"unavailable":       wording.New("It cannot make certificates just now; its log says why. Try again."),
}

// refusal words an answer of the collector other than 200.
func refusal(status int, answer []byte) error {
	var p struct{ Code, Detail, Do string }
	if json.Unmarshal(answer, &p) != nil || p.Detail == "" {
		return wording.New("the collector answers %d %.200s", status, answer)
	}
	if known := refusals[p.Code]; known != nil {
		return wording.New("the collector refuses: %s", known)
	}
	return wording.New("the collector refuses: %s", strings.TrimSpace(p.Detail+" "+p.Do)) // of a newer collector
}

// unreadable says that what Enroll kept in dir is not there whole.
func unreadable(dir string, err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return wording.Because(err, "the sensor's certificate cannot be read: %s", wording.OfFile(p.Path, err))
	}
	return wording.Because(err, "the sensor's certificate in %s is damaged: enrol it again with `hoalu sensor enroll`", dir)
}

// join is the content of pairFile; an error when the certificate is not one for the key.
func join(key *ecdsa.PrivateKey, certificate string) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	pair := append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), certificate...)
	if _, err := tls.X509KeyPair(pair, pair); err != nil {
		return nil, wording.Because(err, "the collector's answer is no certificate for this key")
	}
	return pair, nil
}

// ErrNotEnrolled means that the folder holds no identity.
var ErrNotEnrolled error = wording.New("this sensor is not enrolled: run `hoalu sensor enroll --server URL --token T` with a token of `hoalu sensor invite`")

// LoadIdentity reads what Enroll and Renew kept.
func LoadIdentity(dir string) (*Identity, error) {
	path := filepath.Join(dir, pairFile)
	cert, err := tls.LoadX509KeyPair(path, path)
	if errors.Is(err, os.ErrNotExist) { // enrolled before certificates were renewed: key and certificate apart
		cert, err = tls.LoadX509KeyPair(filepath.Join(dir, "sensor.crt"), filepath.Join(dir, "sensor.key"))
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNotEnrolled
	}
	if err != nil {
		return nil, unreadable(dir, err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		return nil, unreadable(dir, err)
	}
	server, err := os.ReadFile(filepath.Join(dir, serverFile))
	if err != nil {
		return nil, unreadable(dir, err)
	}
	id := &Identity{Server: strings.TrimSpace(string(server)), dir: dir, now: time.Now, after: time.After, Sensor: sensorOf(cert.Leaf)}
	id.cert.Store(&cert)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, unreadable(dir, errors.New("no certificate in "+caFile))
	}
	id.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12, Time: func() time.Time { return id.now() },
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return id.cert.Load(), nil }}
	return id, nil
}

func sensorOf(c *x509.Certificate) string {
	if len(c.URIs) == 0 {
		return ""
	}
	return strings.TrimPrefix(c.URIs[0].Path, "/")
}

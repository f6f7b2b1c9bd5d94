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
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Identity is a sensor's certificate with its key, and the authority of its collector, kept in one folder (0700).
type Identity struct {
	Sensor string
	Server string
	TLS    *tls.Config
}

// Files of an Identity's folder.
const (
	keyFile    = "sensor.key"
	certFile   = "sensor.crt"
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
func Enroll(ctx context.Context, dir, server, token string) (Identity, error) {
	secret, pin, ok := strings.Cut(token, ".")
	if !ok || len(pin) != 64 {
		return Identity{}, errors.New("token is not complete: copy all of what `hoalu sensor invite` printed")
	}
	if u, err := url.Parse(server); err != nil || u.Scheme != "https" || u.Host == "" {
		return Identity{}, fmt.Errorf("the collector's address must be as https://host:8443, is %q: over anything else the token could be read on its way", server)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Identity{}, fmt.Errorf("make identity folder: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Identity{}, err
	}
	host, _ := os.Hostname()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: host}}, key)
	if err != nil {
		return Identity{}, err
	}
	body, err := json.Marshal(map[string]string{"token": secret, "csr": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))})
	if err != nil {
		return Identity{}, err
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
		return errors.New("this is not the collector the token is for")
	}}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true}, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the collector redirects; give its final address")
		}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(server, "/")+"/v1/enroll", bytes.NewReader(body))
	if err != nil {
		return Identity{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return Identity{}, fmt.Errorf("reach the collector: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return Identity{}, fmt.Errorf("read the collector's answer: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		var p struct{ Detail, Do string }
		if json.Unmarshal(answer, &p) == nil && p.Detail != "" {
			return Identity{}, fmt.Errorf("the collector refuses: %s %s", p.Detail, p.Do)
		}
		return Identity{}, fmt.Errorf("the collector answers %d %.200s", res.StatusCode, answer)
	}
	var got struct{ Sensor, Certificate, Authority string }
	if err := json.Unmarshal(answer, &got); err != nil {
		return Identity{}, fmt.Errorf("read the collector's answer: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Identity{}, err
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})}, {caFile, []byte(got.Authority)}, {serverFile, []byte(strings.TrimRight(server, "/") + "\n")}, {certFile, []byte(got.Certificate)}} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.data, 0o600); err != nil {
			return Identity{}, fmt.Errorf("keep identity: %w", err)
		}
	}
	id, err := LoadIdentity(dir)
	if err == nil && id.Sensor == "" {
		id.Sensor = got.Sensor
	}
	return id, err
}

// ErrNotEnrolled means that the folder holds no identity.
var ErrNotEnrolled = errors.New("this sensor is not enrolled: run `hoalu sensor enroll --server URL --token T` with a token of `hoalu sensor invite`")

// LoadIdentity reads what Enroll kept.
func LoadIdentity(dir string) (Identity, error) {
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, certFile), filepath.Join(dir, keyFile))
	if errors.Is(err, os.ErrNotExist) {
		return Identity{}, ErrNotEnrolled
	}
	if err != nil {
		return Identity{}, fmt.Errorf("read identity in %s: %w", dir, err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, caFile))
	if err != nil {
		return Identity{}, fmt.Errorf("read identity: %w", err)
	}
	server, err := os.ReadFile(filepath.Join(dir, serverFile))
	if err != nil {
		return Identity{}, fmt.Errorf("read identity: %w", err)
	}
	id := Identity{Server: strings.TrimSpace(string(server))}
	if cert.Leaf != nil && len(cert.Leaf.URIs) > 0 {
		id.Sensor = strings.TrimPrefix(cert.Leaf.URIs[0].Path, "/")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return Identity{}, fmt.Errorf("read identity: %s holds no certificate", caFile)
	}
	id.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool, MinVersion: tls.VersionTLS12}
	return id, nil
}

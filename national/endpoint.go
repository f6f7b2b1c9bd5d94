package national

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"hoalu/national/delivery"
	"hoalu/national/internal/db"
	"hoalu/soc"
)

// Endpoint is where reports go, as an administrator set it.
type Endpoint struct {
	Channel    string `json:"channel"` // a row of forwarders.go
	URL        string `json:"url"`
	ServerCA   string `json:"server_ca"`   // PEM the server's certificate must chain to
	ReceiptKey string `json:"receipt_key"` // PEM public key that signs receipts; "" where the channel's are not signed
	OrganID    string `json:"organ_id"`    // ours, as the centre registered it
	OrganName  string `json:"organ_name"`
	SetBy      string `json:"set_by"`
	SetAt      int64  `json:"set_at"`
	Version    int64  `json:"version"`
}

// Validate names every bad field at once; the error is an *InvalidEndpoint.
func (e Endpoint) Validate() error {
	bad := &InvalidEndpoint{Fields: map[string]string{}}
	var errs []error
	wrong := func(field, reason string, err error) {
		bad.Fields[field] = reason
		errs = append(errs, err)
	}
	f, ok := forwarderOf(e.Channel)
	if !ok {
		var names []string
		for _, c := range Channels() {
			names = append(names, c.Name)
		}
		wrong("channel", "unknown", fmt.Errorf("channel: must be one of %s, is %q", strings.Join(names, ", "), e.Channel))
	}
	if u, err := url.Parse(e.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		wrong("url", "not_https", fmt.Errorf("url: must be https://host[:port]/path, is %q", e.URL))
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(e.ServerCA)) {
		wrong("server_ca", "not_certificate", errors.New("server_ca: must be a certificate in PEM; copy the centre's CA certificate"))
	}
	if _, err := parseKey(e.ReceiptKey); err != nil && (f.Receipts == delivery.Signed || !ok || e.ReceiptKey != "") {
		wrong("receipt_key", "not_key", fmt.Errorf("receipt_key: %w; copy the centre's public key", err))
	}
	if e.OrganID == "" || len(e.OrganID) > 35 {
		wrong("organ_id", "not_given", errors.New("organ_id: must be the identifier the centre gave this body, at most 35 characters"))
	}
	if len(errs) > 0 {
		bad.error = errors.Join(errs...)
		return bad
	}
	return nil
}

// InvalidEndpoint says which fields of an endpoint are wrong: field → stable reason (unknown, not_https, not_certificate, not_key,
// not_given).
type InvalidEndpoint struct {
	error
	Fields map[string]string
}

func parseKey(text string) (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("must be a public key in PEM")
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}

// keyText is a public key as PEM.
func keyText(key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "" // the key in force then stands for it
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// ErrNoEndpoint means that no administrator has set a receiving point yet.
var ErrNoEndpoint = errors.New("no receiving point is set; nothing leaves this machine until an administrator sets one")

// Endpoint returns the receiving point in force, or ErrNoEndpoint.
func (s *Service) Endpoint(ctx context.Context) (Endpoint, error) {
	ep, err := db.New(s.state.Read()).Endpoint(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Endpoint{}, ErrNoEndpoint
	}
	if err != nil {
		return Endpoint{}, fmt.Errorf("read endpoint: %w", err)
	}
	return Endpoint{ep.Channel, ep.Url, ep.ServerCa, ep.ReceiptKey, ep.OrganID, ep.OrganName, ep.SetBy, ep.SetAt, ep.Version}, nil
}

// SetEndpoint puts a receiving point in force and records who did it.
func (s *Service) SetEndpoint(ctx context.Context, by soc.Actor, e Endpoint) error {
	if e.Channel == "" {
		e.Channel = DefaultChannel
	}
	if err := e.Validate(); err != nil {
		return err
	}
	err := s.state.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		if err := q.SetEndpoint(ctx, db.SetEndpointParams{Channel: e.Channel, Url: e.URL, ServerCa: e.ServerCA, ReceiptKey: e.ReceiptKey,
			OrganID: e.OrganID, OrganName: e.OrganName, SetBy: by.Name, SetAt: now()}); err != nil {
			return fmt.Errorf("write endpoint: %w", err)
		}
		return s.record(ctx, tx, soc.Deed{Actor: by, Action: "national.endpoint", Object: e.URL, Result: "done", Details: map[string]string{"organ_id": e.OrganID, "channel": e.Channel, "server_ca": fingerprint(e.ServerCA), "receipt_key": fingerprint(e.ReceiptKey)}})
	})
	if err == nil {
		s.changed()
	}
	return err
}

// fingerprint names what a PEM text holds: SHA-256 of its first block.
func fingerprint(text string) string {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return ""
	}
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}

// changed makes a new endpoint, or none, tell at once.
func (s *Service) changed() {
	s.quiet()
	s.poke()
	select {
	case s.beatc <- struct{}{}:
	default:
	}
	s.notify("endpoint")
}

// link is the connection to the endpoint in force, one for deliveries, heartbeats and lists, kept until the endpoint changes. Not its
// version tells: an endpoint that was cleared and set again counts anew.
func (s *Service) link(ctx context.Context) (delivery.Link, Adapter, error) {
	ep, err := s.Endpoint(ctx)
	if err != nil {
		return delivery.Link{}, nil, err
	}
	s.linkMu.Lock()
	defer s.linkMu.Unlock()
	if s.adapter != nil && s.linked == ep {
		return s.lnk, s.adapter, nil
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(ep.ServerCA))
	f, ok := forwarderOf(ep.Channel)
	if !ok {
		return delivery.Link{}, nil, fmt.Errorf("channel %q is not known to this program", ep.Channel)
	}
	var key crypto.PublicKey
	if f.Receipts == delivery.Signed {
		if key, err = parseKey(ep.ReceiptKey); err != nil {
			return delivery.Link{}, nil, err
		}
	}
	conf := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if s.hooks.Certificate != nil {
		if _, err := s.hooks.Certificate(ctx); err != nil {
			return delivery.Link{}, nil, fmt.Errorf("get client certificate: %w", err)
		}
		// Asked for at each handshake: the link may outlive a certificate.
		conf.GetClientCertificate = func(i *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return s.hooks.Certificate(i.Context())
		}
	}
	if s.adapter == nil || s.linked.Channel != ep.Channel {
		s.adapter = f.New()
	}
	s.linked, s.lnk = ep, delivery.Link{Channel: ep.Channel, URL: ep.URL, TLS: conf, Key: key, Organ: ep.OrganID, Timeout: s.cfg.Timeout}
	return s.lnk, s.adapter, nil
}

// ClearEndpoint stops all sending; what is made waits.
func (s *Service) ClearEndpoint(ctx context.Context, by soc.Actor) error {
	err := s.state.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		ep, err := q.Endpoint(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoEndpoint
		} else if err != nil {
			return fmt.Errorf("read endpoint: %w", err)
		}
		if err := q.ClearEndpoint(ctx); err != nil {
			return fmt.Errorf("clear endpoint: %w", err)
		}
		return s.record(ctx, tx, soc.Deed{Actor: by, Action: "national.endpoint", Object: "-", Result: "done", Details: map[string]string{"removed": ep.Url}})
	})
	if err == nil {
		s.changed()
	}
	return err
}

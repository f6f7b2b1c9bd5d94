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
	"strconv"
	"strings"

	"hoalu/national/delivery"
	"hoalu/national/internal/db"
	"hoalu/soc"
)

// Endpoint is where reports go, as an administrator set it: a destination.
type Endpoint struct {
	ID         int64  `json:"id,omitempty"` // number of the destination, from 1
	Channel    string `json:"channel"`      // a row of forwarders.go
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

// Endpoints are the destinations in force, by number; none without an endpoint.
func (s *Service) Endpoints(ctx context.Context) ([]Endpoint, error) {
	return endpoints(ctx, db.New(s.state.Read()))
}

func endpoints(ctx context.Context, q *db.Queries) ([]Endpoint, error) {
	rows, err := q.Endpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the receiving points: %w", err)
	}
	out := make([]Endpoint, len(rows))
	for i, ep := range rows {
		out[i] = Endpoint{ep.ID, ep.Channel, ep.Url, ep.ServerCa, ep.ReceiptKey, ep.OrganID, ep.OrganName, ep.SetBy, ep.SetAt, ep.Version}
	}
	return out, nil
}

// Endpoint returns the destination of a number, 0 the first one, or ErrNoEndpoint.
func (s *Service) Endpoint(ctx context.Context, id int64) (Endpoint, error) {
	list, err := s.Endpoints(ctx)
	if err != nil {
		return Endpoint{}, err
	}
	return pick(list, id)
}

func pick(list []Endpoint, id int64) (Endpoint, error) {
	for _, ep := range list {
		if id == 0 || ep.ID == id {
			return ep, nil
		}
	}
	return Endpoint{}, ErrNoEndpoint
}

// Counters of national_counter.
const (
	heir = 3 // number that the next destination takes while there is none: what waits is for it

	maxDestinations = 8 // at the same time; each alert is rendered and kept for each
)

// ErrManyEndpoints means that no further destination can be added.
var ErrManyEndpoints = fmt.Errorf("at most %d receiving points can be set", maxDestinations)

// PutEndpoint puts a receiving point in force in place of the destination e.ID (0: the first one, which it makes where there is none), or
// beside the others with add: alerts from now on are reported to it as well. It records who did it and why (reason may be empty), and
// returns the destination's number. ErrNoEndpoint: there is none of that number; ErrManyEndpoints: no further one can be added. A
// *soc.Problem "conflict": e.Version is that of a state which somebody has changed since; 0 asks for none, Unset that there is none yet.
func (s *Service) PutEndpoint(ctx context.Context, by soc.Actor, reason string, add bool, e Endpoint) (int64, error) {
	if e.Channel == "" {
		e.Channel = DefaultChannel
	}
	if err := e.Validate(); err != nil {
		return 0, err
	}
	if err := s.keepable(&e); err != nil {
		return 0, err
	}
	err := s.state.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		list, err := endpoints(ctx, q)
		if err != nil {
			return err
		}
		switch {
		case len(list) == 0 && e.ID == 0 && e.Version <= 0:
			if e.ID, err = q.Number(ctx, heir); err != nil {
				return fmt.Errorf("give a receiving point its number: %w", err)
			}
		case add:
			if len(list) >= maxDestinations {
				return ErrManyEndpoints
			}
			if e.ID, err = q.NextDestination(ctx); err != nil {
				return fmt.Errorf("give a receiving point its number: %w", err)
			}
		default:
			old, err := pick(list, e.ID)
			if err != nil {
				return err
			}
			if err := unchanged(old, e.Version); err != nil {
				return err
			}
			e.ID = old.ID
		}
		if err := q.SetEndpoint(ctx, db.SetEndpointParams{ID: e.ID, Channel: e.Channel, Url: e.URL, ServerCa: e.ServerCA,
			ReceiptKey: e.ReceiptKey,
			OrganID:    e.OrganID, OrganName: e.OrganName, SetBy: by.Name, SetAt: now()}); err != nil {
			return fmt.Errorf("write endpoint: %w", err)
		}
		return s.record(ctx, tx, soc.Deed{Actor: by, Action: "national.endpoint", Object: e.URL, Result: "done", Reason: reason,
			Details: map[string]string{"destination": strconv.FormatInt(e.ID, 10),
				"organ_id": e.OrganID, "channel": e.Channel, "server_ca": fingerprint(e.ServerCA), "receipt_key": fingerprint(e.ReceiptKey)}})
	})
	if err != nil {
		return 0, err
	}
	s.destination(e.ID).changed()
	return e.ID, nil
}

// Unset is the Version of whoever saw that no receiving point was set.
const Unset = -1

// Seen is the Version to ask for of whoever saw version, 0 where nothing was set.
func Seen(version int64) int64 {
	if version == 0 {
		return Unset
	}
	return version
}

// unchanged is the conflict of who saw another version of what is in force; 0 asks for none.
func unchanged(now Endpoint, version int64) error {
	if version != 0 && version != now.Version {
		return changed(now)
	}
	return nil
}

// keepable brings e into the form in which it may be kept: of a PEM text only its blocks, of the name no citizen's number. An
// address or an id with one would be another with a pseudonym in it, and is refused.
func (s *Service) keepable(e *Endpoint) (err error) {
	e.ServerCA = blocks(e.ServerCA)
	if e.ReceiptKey != "" {
		key, err := parseKey(e.ReceiptKey)
		if err != nil {
			return fmt.Errorf("receipt_key: %w", err)
		}
		e.ReceiptKey = keyText(key)
	}
	if s.hooks.Words == nil {
		return nil
	}
	if e.OrganName, err = s.hooks.Words(e.OrganName); err != nil {
		return fmt.Errorf("protect what was typed: %w", err)
	}
	bad := &InvalidEndpoint{Fields: map[string]string{}}
	for field, text := range map[string]string{"url": e.URL, "organ_id": e.OrganID} {
		kept, err := s.hooks.Words(text)
		if err != nil {
			return fmt.Errorf("protect what was typed: %w", err)
		}
		if kept != text {
			bad.Fields[field] = "identifier"
			bad.error = fmt.Errorf("%s: must not hold a citizen's number or a secret", field)
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// blocks are the certificates of a PEM text without what stands around them and in their headers.
func blocks(text string) string {
	var out []byte
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return string(out)
		}
		if block.Type == "CERTIFICATE" {
			out = append(out, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})...)
		}
	}
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

// link is the connection to the endpoint in force, one for deliveries, heartbeats and lists, kept until the endpoint changes. Not its
// version tells: an endpoint that was cleared and set again counts anew.
func (d *destination) link(ctx context.Context) (delivery.Link, Adapter, error) {
	ep, err := d.Endpoint(ctx, d.id)
	if err != nil {
		return delivery.Link{}, nil, err
	}
	d.linkMu.Lock()
	defer d.linkMu.Unlock()
	if d.adapter != nil && d.linked == ep {
		return d.lnk, d.adapter, nil
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
	if d.hooks.Certificate != nil {
		if _, err := d.hooks.Certificate(ctx); err != nil {
			return delivery.Link{}, nil, fmt.Errorf("get client certificate: %w", err)
		}
		// Asked for at each handshake: the link may outlive a certificate.
		conf.GetClientCertificate = func(i *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return d.hooks.Certificate(i.Context())
		}
	}
	if d.adapter == nil || d.linked.Channel != ep.Channel {
		d.adapter = f.New()
	}
	d.linked, d.lnk = ep, delivery.Link{Channel: ep.Channel, URL: ep.URL, TLS: conf, Key: key, Organ: ep.OrganID, Timeout: d.cfg.Timeout}
	return d.lnk, d.adapter, nil
}

// removed is why a report of a destination that was removed while others stay is not sent.
const removed = "not sent: the receiving point was removed"

// ClearEndpoint removes the destination of a number, 0 the first one. What waits for the last one waits on for its successor; what waits
// for one of several is settled as refused, with the reason. version is as in PutEndpoint.
func (s *Service) ClearEndpoint(ctx context.Context, by soc.Actor, reason string, id, version int64) error {
	err := s.state.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		list, err := endpoints(ctx, q)
		if err != nil {
			return err
		}
		ep, err := pick(list, id)
		if err != nil {
			return err
		}
		if err := unchanged(ep, version); err != nil {
			return err
		}
		id = ep.ID
		if err := q.ClearEndpoint(ctx, id); err != nil {
			return fmt.Errorf("clear endpoint: %w", err)
		}
		dropped := 0
		if len(list) == 1 {
			err = q.SetHeir(ctx, id)
		} else {
			dropped, err = drop(ctx, q, id)
		}
		if err != nil {
			return fmt.Errorf("clear endpoint: %w", err)
		}
		return s.record(ctx, tx, soc.Deed{Actor: by, Action: "national.endpoint", Object: "-", Result: "done", Reason: reason,
			Details: map[string]string{"destination": strconv.FormatInt(id, 10), "removed": ep.URL, "not_sent": strconv.Itoa(dropped)}})
	})
	if err == nil {
		s.destination(id).changed()
	}
	return err
}

// drop settles what waits for a destination that is no more.
func drop(ctx context.Context, q *db.Queries, id int64) (n int, err error) {
	for {
		ids, err := q.WaitingOf(ctx, id)
		if err != nil || len(ids) == 0 {
			return n, err
		}
		for _, report := range ids {
			if err := q.SettleReport(ctx, db.SettleReportParams{ID: report, State: soc.ReportRefused, LastError: removed,
				Settled: now()}); err != nil {
				return n, err
			}
			n++
		}
	}
}

// Package national brings alerts to the national centre (Trung tâm An ninh mạng quốc gia) and proves that it has them.
//
// Words: a Report (bản tin) is one message; the outbox holds Reports, written in the transaction of what they report; a
// Receipt (biên nhận) is the centre's signed word that it has one; reconciliation (đối soát) compares both sides' lists
// for a day; an adapter (one folder an authority and format, a row in forwarders.go) renders and delivers.
//
// Contract: nothing leaves before an administrator has set an endpoint. Reports go out one at a time in the order they were
// made (next.go says when one steps aside), each until the centre has answered for good: accepted only with a receipt whose signature verifies under the pinned
// key and whose digest is that of the body sent; refused with the centre's words; anything else is tried again with back-off.
// The report's id is its idempotency key, so a repeated delivery has one effect. Demo data never becomes a Report; exercises
// only where the configuration says so. All methods are safe for concurrent use.
package national

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/base32"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hoalu/national/delivery"
	"hoalu/national/internal/db"
	"hoalu/soc"
	"hoalu/state"
)

// Config of the national link.
type Config struct {
	MinSeverity soc.Severity  `yaml:"min_severity"` // least severity that is reported
	Exercises   bool          `yaml:"exercises"`    // report exercises too (marked as such)
	Heartbeat   time.Duration `yaml:"heartbeat"`
	Timeout     time.Duration `yaml:"timeout"`     // of one delivery
	RetryFirst  time.Duration `yaml:"retry_first"` // first wait after a failed delivery; doubles
	RetryMost   time.Duration `yaml:"retry_most"`
	ReconcileAt string        `yaml:"reconcile_at"` // local time of day, HH:MM
}

// DefaultConfig is in force where the file says nothing. The figures are the product's own proposal, not law.
func DefaultConfig() Config {
	return Config{MinSeverity: soc.Medium, Heartbeat: 5 * time.Minute, Timeout: 20 * time.Second, RetryFirst: time.Second, RetryMost: 5 * time.Minute, ReconcileAt: "00:20"}
}

// Validate names every bad key.
func (c Config) Validate() error {
	var errs []error
	if _, ok := severityRank[c.MinSeverity]; !ok {
		errs = append(errs, fmt.Errorf("national.min_severity: must be informational, low, medium, high or critical, is %q", c.MinSeverity))
	}
	for _, d := range []struct {
		key string
		d   time.Duration
	}{{"heartbeat", c.Heartbeat}, {"timeout", c.Timeout}, {"retry_first", c.RetryFirst}, {"retry_most", c.RetryMost}} {
		if d.d <= 0 {
			errs = append(errs, fmt.Errorf("national.%s: must be more than 0, is %s", d.key, d.d))
		}
	}
	if c.RetryFirst > c.RetryMost || c.RetryMost > 24*time.Hour {
		errs = append(errs, fmt.Errorf("national.retry_first: must be at most national.retry_most, and that at most 24h; they are %s and %s", c.RetryFirst, c.RetryMost))
	}
	if _, err := time.Parse("15:04", c.ReconcileAt); err != nil {
		errs = append(errs, fmt.Errorf("national.reconcile_at: must be a time of day as 00:20, is %q", c.ReconcileAt))
	}
	return errors.Join(errs...)
}

var severityRank = map[soc.Severity]int{soc.Informational: 0, soc.Low: 1, soc.Medium: 2, soc.High: 3, soc.Critical: 4}

// Endpoint is where reports go, as an administrator set it.
type Endpoint struct {
	Channel    string `json:"channel"` // a row of forwarders.go
	URL        string `json:"url"`
	ServerCA   string `json:"server_ca"`   // PEM the server's certificate must chain to
	ReceiptKey string `json:"receipt_key"` // PEM public key that signs receipts
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
	if _, ok := forwarders[e.Channel]; !ok {
		wrong("channel", "unknown", fmt.Errorf("channel: must be one of %s, is %q", strings.Join(Channels(), ", "), e.Channel))
	}
	if u, err := url.Parse(e.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		wrong("url", "not_https", fmt.Errorf("url: must be https://host[:port]/path, is %q", e.URL))
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(e.ServerCA)) {
		wrong("server_ca", "not_certificate", errors.New("server_ca: must be a certificate in PEM; copy the centre's CA certificate"))
	}
	if _, err := parseKey(e.ReceiptKey); err != nil {
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

// Lookup gives the system and owner an alert belongs to.
type Lookup func(system string) (soc.System, soc.Unit)

// Hooks are what the surrounding appliance lends.
type Hooks struct {
	Lookup      Lookup
	Alert       func(ctx context.Context, number string) (a soc.Alert, found bool, err error) // as it is now; may be nil
	Certificate func(ctx context.Context) (*tls.Certificate, error)                           // client certificate of the link
	Record      func(ctx context.Context, tx *sql.Tx, d soc.Deed) error
	Notify      func(soc.Notice)
}

// Service is the national link.
type Service struct {
	cfg   Config
	state *state.DB
	hooks Hooks
	log   *slog.Logger
	wake  chan struct{}
	beatc chan struct{} // asks for a heartbeat now

	linkMu  sync.Mutex
	linked  Endpoint // that link and adapter are for
	lnk     delivery.Link
	adapter Adapter

	mu        sync.Mutex
	test      string // test packet that has not been tried yet
	failing   int64  // since when deliveries fail, 0 if they do not
	lastError string
}

// New returns the link; Run sends.
func New(cfg Config, st *state.DB, hooks Hooks, log *slog.Logger) *Service {
	return &Service{cfg: cfg, state: st, hooks: hooks, log: log.With("component", "national"), wake: make(chan struct{}, 1), beatc: make(chan struct{}, 1)}
}

func now() int64 { return time.Now().UnixMilli() }

func reportID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return "BC-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:16]))
}

// Enqueue writes the report of an alert into the outbox within tx, the transaction that wrote the alert. created says that the
// alert is new; a change becomes a report only when the alert was closed or is open again. The same change a second time writes
// nothing, nor does a change of an alert that was not reported.
func (s *Service) Enqueue(ctx context.Context, tx *sql.Tx, a soc.Alert, created bool) error {
	if a.Demo || a.Exercise && !s.cfg.Exercises || severityRank[a.Severity] < severityRank[s.cfg.MinSeverity] {
		return nil
	}
	kind, id := delivery.KindAlert, reportID(delivery.KindAlert, a.ID)
	q := db.New(tx)
	if !created {
		// The reports about an alert are a chain: it was made, closed, opened again, closed … The next link is due when the centre
		// has last been told otherwise, however often that happens and whoever undid it.
		told, err := q.ReportsOfSubject(ctx, a.Number)
		if err != nil {
			return fmt.Errorf("read reports of %s: %w", a.Number, err)
		}
		if len(told) == 0 || (len(told)%2 == 0) == (a.State == soc.AlertClosed) {
			return nil
		}
		kind, id = delivery.KindUpdate, reportID(delivery.KindUpdate, a.ID, told[len(told)-1].ID)
	}
	if n, err := q.HasReport(ctx, id); err != nil || n > 0 {
		return err
	}
	channel, organ := DefaultChannel, ""
	if ep, err := q.Endpoint(ctx); err == nil {
		channel, organ = ep.Channel, ep.OrganID
	} else if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read endpoint: %w", err)
	}
	order, err := q.NextOrder(ctx)
	if err != nil {
		return fmt.Errorf("give report order: %w", err)
	}
	o := delivery.Outgoing{ID: id, Kind: kind, Order: order, Created: now(), Organ: organ, Alert: a}
	if s.hooks.Lookup != nil {
		if o.System, o.Unit = s.hooks.Lookup(a.System); o.System.Demo {
			return nil // whatever the event said of itself
		}
	}
	body, err := forwarders[channel]().Render(o)
	if err != nil {
		return fmt.Errorf("render report of %s: %w", a.Number, err)
	}
	if _, err := q.InsertReport(ctx, db.InsertReportParams{Ord: order, ID: id, Kind: kind, Subject: a.Number, SystemID: a.System, Channel: channel,
		Body: string(body), Digest: delivery.Digest(body), Created: o.Created, Demo: flag(a.Demo), Exercise: flag(a.Exercise)}); err != nil {
		return fmt.Errorf("write report of %s: %w", a.Number, err)
	}
	s.poke()
	return nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// SendTest puts a test report into the outbox (gói thử).
func (s *Service) SendTest(ctx context.Context, by soc.Actor) (string, error) {
	var id string
	err := s.state.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		ep, err := q.Endpoint(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoEndpoint
		} else if err != nil {
			return err
		}
		order, err := q.NextOrder(ctx)
		if err != nil {
			return err
		}
		id = reportID(delivery.KindTest, strconv.FormatInt(order, 10), strconv.FormatInt(now(), 10))
		body, err := forwarders[ep.Channel]().Render(delivery.Outgoing{ID: id, Kind: delivery.KindTest, Order: order, Created: now(), Organ: ep.OrganID})
		if err != nil {
			return err
		}
		if _, err := q.InsertReport(ctx, db.InsertReportParams{Ord: order, ID: id, Kind: delivery.KindTest, Channel: ep.Channel, Body: string(body), Digest: delivery.Digest(body), Created: now()}); err != nil {
			return err
		}
		return s.record(ctx, tx, soc.Deed{Actor: by, Action: "national.test", Object: id, Result: "done"})
	})
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.test = id
	s.mu.Unlock()
	s.poke()
	return id, nil
}

// keyText is a public key as PEM.
func keyText(key crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "" // the key in force then stands for it
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func (s *Service) record(ctx context.Context, tx *sql.Tx, d soc.Deed) error {
	if s.hooks.Record == nil {
		return nil
	}
	d.Time = now()
	return s.hooks.Record(ctx, tx, d)
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

// quiet forgets a failure without saying that it is over.
func (s *Service) quiet() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing, s.lastError = 0, ""
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

func (s *Service) notify(id string) {
	if s.hooks.Notify != nil {
		s.hooks.Notify(soc.Notice{Topic: "national", ID: id, Version: now()})
	}
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
	key, err := parseKey(ep.ReceiptKey)
	if err != nil {
		return delivery.Link{}, nil, err
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
	newAdapter, ok := forwarders[ep.Channel]
	if !ok {
		return delivery.Link{}, nil, fmt.Errorf("channel %q is not known to this program", ep.Channel)
	}
	if s.adapter == nil || s.linked.Channel != ep.Channel {
		s.adapter = newAdapter()
	}
	s.linked, s.lnk = ep, delivery.Link{URL: ep.URL, TLS: conf, Key: key, Organ: ep.OrganID, Timeout: s.cfg.Timeout}
	return s.lnk, s.adapter, nil
}

// Run sends what waits, beats and reconciles until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, f := range []func(context.Context){s.deliverLoop, s.beatLoop, s.reconcileLoop} {
		wg.Go(func() { f(ctx) })
	}
	wg.Wait()
	return ctx.Err()
}

func (s *Service) deliverLoop(ctx context.Context) {
	for ctx.Err() == nil {
		wait := time.Minute
		l, a, err := s.link(ctx)
		switch {
		case errors.Is(err, ErrNoEndpoint):
			s.quiet() // also after a delivery that was under way when it was removed
		case err != nil:
			s.fail(err)
			wait = 10 * time.Second
		default:
			wait = s.deliverOne(ctx, l, a)
			if wait == 0 {
				continue
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-time.After(wait):
		}
	}
}

// idle is how often an empty outbox is looked at: Enqueue wakes the loop before its transaction is visible, and the transaction is not
// ours to wait for.
const idle = 500 * time.Millisecond

// deliverOne sends the report at the head; it returns how long to wait, 0 for go on at once.
func (s *Service) deliverOne(ctx context.Context, l delivery.Link, a Adapter) time.Duration {
	row, wait, err := s.ready(ctx, l, a)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Error("choose the next report", "error", err)
		}
		return 5 * time.Second
	}
	if wait > 0 {
		return wait
	}
	dctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	receipt, err := a.Deliver(dctx, l, toReport(row))
	cancel()
	s.testSent(row.ID)
	if ctx.Err() != nil {
		return time.Second
	}
	if err != nil {
		err = trouble(err, l)
	}
	var refused *delivery.Refused
	switch {
	case err == nil:
		err = s.state.Tx(ctx, func(tx *sql.Tx) error {
			q := db.New(tx)
			if err := q.SettleReport(ctx, db.SettleReportParams{ID: row.ID, State: soc.ReportAccepted, Settled: now()}); err != nil {
				return err
			}
			if err := q.InsertTry(ctx, db.InsertTryParams{ReportID: row.ID, At: now(), Answer: "accepted, receipt " + receipt.ID}); err != nil {
				return err
			}
			return q.InsertReceipt(ctx, db.InsertReceiptParams{ReportID: row.ID, ReceiptID: receipt.ID, Received: receipt.Received, Digest: receipt.Digest,
				KeyID: receipt.KeyID, Signature: hex.EncodeToString(receipt.Signature), Raw: string(receipt.Raw), Stored: now(), Signer: keyText(l.Key)})
		})
		s.fail(nil)
	case errors.As(err, &refused):
		s.log.Warn("report refused", "report", row.ID, "error", err)
		words := refused.Words
		err = s.state.Tx(ctx, func(tx *sql.Tx) error {
			q := db.New(tx)
			if err := q.SettleReport(ctx, db.SettleReportParams{ID: row.ID, State: soc.ReportRefused, LastError: clip(words), Settled: now()}); err != nil {
				return err
			}
			return q.InsertTry(ctx, db.InsertTryParams{ReportID: row.ID, At: now(), Answer: "refused: " + clip(words)})
		})
		s.fail(nil)
	default:
		s.fail(err)
		words := clip(err.Error())
		d := s.backoff(row.Tries)
		err = s.state.Tx(ctx, func(tx *sql.Tx) error {
			q := db.New(tx)
			if err := q.PostponeReport(ctx, db.PostponeReportParams{ID: row.ID, LastError: words, NextTry: now() + d.Milliseconds()}); err != nil {
				return err
			}
			return q.InsertTry(ctx, db.InsertTryParams{ReportID: row.ID, At: now(), Answer: words})
		})
	}
	s.notify(row.ID)
	if err != nil {
		s.log.Error("write outbox", "error", err) // the report is sent again; its id keeps the effect single
		return 5 * time.Second
	}
	return 0
}

func (s *Service) backoff(tries int64) time.Duration {
	d := s.cfg.RetryFirst
	for ; tries > 0 && d < s.cfg.RetryMost; tries-- {
		d *= 2
	}
	d = min(d, s.cfg.RetryMost)
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}

func (s *Service) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		if s.failing != 0 {
			s.log.Info("national centre answers again")
		}
		s.failing, s.lastError = 0, ""
		return
	}
	if s.failing == 0 {
		s.failing = now()
		s.log.Warn("national centre does not answer", "error", err)
	}
	s.lastError = err.Error()
}

// clip bounds the far side's words.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") + "…"
	}
	return s
}

func (s *Service) beatLoop(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Heartbeat)
	defer tick.Stop()
	for {
		if err := s.beat(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, ErrNoEndpoint) {
			s.log.Warn("heartbeat not accepted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.beatc:
		case <-tick.C:
		}
	}
}

func (s *Service) beat(ctx context.Context) error {
	l, a, err := s.link(ctx)
	if err != nil {
		return err
	}
	sum, err := s.Summary(ctx)
	if err != nil {
		return err
	}
	bctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	sent := now()
	beatErr := a.Heartbeat(bctx, l, sent, sum.Waiting)
	if beatErr != nil {
		beatErr = trouble(beatErr, l)
	}
	err = s.state.Tx(ctx, func(tx *sql.Tx) error {
		if beatErr != nil {
			return db.New(tx).SetHeartbeat(ctx, db.SetHeartbeatParams{Sent: sent, Answer: clip(beatErr.Error())})
		}
		return db.New(tx).SetHeartbeatOK(ctx, sent)
	})
	s.notify("heartbeat")
	return errors.Join(beatErr, err)
}

// zone of the days of reconciliation.
var zone = time.FixedZone("+07", 7*3600)

// Summary is the state of the link for the status bar, posture facts and the page.
type Summary struct {
	Endpoint      bool   `json:"endpoint"`
	URL           string `json:"url,omitempty"`
	Waiting       int64  `json:"waiting"`
	OldestWaiting int64  `json:"oldest_waiting,omitempty"` // when it was made
	Accepted      int64  `json:"accepted"`
	Refused       int64  `json:"refused"`
	MadeToday     int64  `json:"made_today"`
	AcceptedToday int64  `json:"accepted_today"`
	LastReceipt   int64  `json:"last_receipt,omitempty"`
	Heartbeat     int64  `json:"heartbeat,omitempty"` // last accepted
	HeartbeatSent int64  `json:"heartbeat_sent,omitempty"`
	FailingSince  int64  `json:"failing_since,omitempty"`
	LastError     string `json:"last_error,omitempty"`

	ClockAhead      int64            `json:"clock_ahead_ms,omitempty"` // the centre's clock before ours at the last receipt
	RefusedByReason map[string]int64 `json:"refused_by_reason,omitempty"`
}

// Summary reads the state of the link.
func (s *Service) Summary(ctx context.Context) (Summary, error) {
	q := db.New(s.state.Read())
	var sum Summary
	ep, err := q.Endpoint(ctx)
	if err == nil {
		sum.Endpoint, sum.URL = true, ep.Url
	} else if !errors.Is(err, sql.ErrNoRows) {
		return sum, fmt.Errorf("read endpoint: %w", err)
	}
	counts, err := q.CountByState(ctx)
	if err != nil {
		return sum, fmt.Errorf("count outbox: %w", err)
	}
	for _, c := range counts {
		switch c.State {
		case soc.ReportWaiting:
			sum.Waiting = c.N
		case soc.ReportAccepted:
			sum.Accepted = c.N
		case soc.ReportRefused:
			sum.Refused = c.N
		}
	}
	t := time.Now().In(zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, zone).UnixMilli()
	if sum.MadeToday, err = q.CountMadeSince(ctx, db.CountMadeSinceParams{Since: day, Until: day + 86400_000}); err != nil {
		return sum, fmt.Errorf("count outbox: %w", err)
	}
	settled, err := q.CountSettledSince(ctx, db.CountSettledSinceParams{Since: day, Until: day + 86400_000})
	if err != nil {
		return sum, fmt.Errorf("count outbox: %w", err)
	}
	for _, c := range settled {
		if c.State == soc.ReportAccepted {
			sum.AcceptedToday = c.N
		}
	}
	if sum.OldestWaiting, err = q.OldestWaiting(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sum, fmt.Errorf("read outbox: %w", err)
	}
	last, err := q.LastReceipt(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sum, fmt.Errorf("read receipts: %w", err)
	}
	sum.LastReceipt, sum.ClockAhead = last.Stored, last.Received-last.Stored
	if sum.Refused > 0 {
		reasons, err := q.RefusedByReason(ctx)
		if err != nil {
			return sum, fmt.Errorf("count refusals: %w", err)
		}
		sum.RefusedByReason = map[string]int64{}
		for _, r := range reasons {
			sum.RefusedByReason[r.LastError] = r.N
		}
	}
	hb, err := q.Heartbeat(ctx)
	if err != nil {
		return sum, fmt.Errorf("read heartbeat: %w", err)
	}
	sum.Heartbeat, sum.HeartbeatSent = hb.Ok, hb.Sent
	s.mu.Lock()
	sum.FailingSince, sum.LastError = s.failing, s.lastError
	s.mu.Unlock()
	if sum.Endpoint && sum.LastError == "" && hb.Answer != "" {
		sum.LastError = hb.Answer
	}
	return sum, nil
}

// Page is one page of the outbox.
type Page struct {
	Items []soc.Report
	Total int64
	Next  string // cursor, "" at the end
}

// List returns one page of reports: state "" takes all, what waits first (oldest first), then the rest, newest first.
func (s *Service) List(ctx context.Context, want, kind, after string, most int) (Page, error) {
	q := db.New(s.state.Read())
	var p Page
	var err error
	if p.Total, err = q.CountReports(ctx, db.CountReportsParams{Want: want, Kind: kind}); err != nil {
		return p, fmt.Errorf("count outbox: %w", err)
	}
	phase, at := "w", int64(0)
	if want != "" && want != soc.ReportWaiting {
		phase, at = "s", 1<<62
	}
	if after != "" {
		if _, err := fmt.Sscanf(after, "%1s%d", &phase, &at); err != nil || phase != "w" && phase != "s" {
			return p, &soc.Problem{Status: 400, Code: "bad_cursor", Detail: "This list cannot be continued from there.", Do: "Begin with its first page."}
		}
	}
	var rows []db.NationalOutbox
	if phase == "w" {
		if rows, err = q.ListWaiting(ctx, db.ListWaitingParams{After: at, Kind: kind, Most: int32(most)}); err != nil {
			return p, fmt.Errorf("read outbox: %w", err)
		}
		if len(rows) == most {
			p.Next = fmt.Sprintf("w%d", rows[most-1].Ord)
		} else {
			at = 1 << 62
		}
	}
	if p.Next == "" && want != soc.ReportWaiting {
		left := most - len(rows)
		var more []db.NationalOutbox
		if want == "" {
			more, err = q.ListSettled(ctx, db.ListSettledParams{Before: at, Kind: kind, Most: int32(left)})
		} else {
			more, err = q.ListReports(ctx, db.ListReportsParams{Want: want, Kind: kind, Before: at, Most: int32(left)})
		}
		if err != nil {
			return p, fmt.Errorf("read outbox: %w", err)
		}
		rows = append(rows, more...)
		if left > 0 && len(more) == left {
			p.Next = fmt.Sprintf("s%d", more[left-1].Ord)
		}
	}
	p.Items, err = s.withReceipts(ctx, rows)
	return p, err
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

// OfSubject returns the reports about one alert (CB- number), in order.
func (s *Service) OfSubject(ctx context.Context, number string) ([]soc.Report, error) {
	rows, err := db.New(s.state.Read()).ReportsOfSubject(ctx, number)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return s.withReceipts(ctx, rows)
}

// OfSubjects returns the reports about many alerts (CB- numbers), each in order.
func (s *Service) OfSubjects(ctx context.Context, numbers []string) (map[string][]soc.Report, error) {
	out := map[string][]soc.Report{}
	for part := range slices.Chunk(numbers, subjectsAtOnce) {
		marks, args := make([]string, len(part)), make([]any, len(part))
		for i, n := range part {
			marks[i], args[i] = "$"+strconv.Itoa(i+1), n
		}
		ids, err := s.idsOf(ctx, strings.Join(marks, ", "), args)
		if err != nil {
			return nil, err
		}
		for _, id := range ids { // few alerts have reports, and those one or two
			r, _, err := s.Get(ctx, id)
			if err != nil {
				return nil, err
			}
			out[r.Subject] = append(out[r.Subject], r)
		}
	}
	return out, nil
}

// subjectsAtOnce is how many alerts one query asks of.
const subjectsAtOnce = 500

// idsOf are the reports about the subjects in args, in order; sqlc knows no list that both databases take.
func (s *Service) idsOf(ctx context.Context, marks string, args []any) ([]string, error) {
	rows, err := s.state.Read().QueryContext(ctx, "SELECT id FROM national_outbox WHERE subject IN ("+marks+") ORDER BY ord", args...)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Try is one delivery attempt with the far side's words.
type Try struct {
	At     int64  `json:"at"`
	Answer string `json:"answer"`
}

// Get returns one report with its tries, or sql.ErrNoRows.
func (s *Service) Get(ctx context.Context, id string) (soc.Report, []Try, error) {
	q := db.New(s.state.Read())
	row, err := q.Report(ctx, id)
	if err != nil {
		return soc.Report{}, nil, fmt.Errorf("read report %s: %w", id, err)
	}
	reports, err := s.withReceipts(ctx, []db.NationalOutbox{row})
	if err != nil {
		return soc.Report{}, nil, err
	}
	rows, err := q.Tries(ctx, id)
	if err != nil {
		return soc.Report{}, nil, fmt.Errorf("read tries of %s: %w", id, err)
	}
	tries := make([]Try, len(rows))
	for i, r := range rows {
		tries[i] = Try{r.At, r.Answer}
	}
	return reports[0], tries, nil
}

func (s *Service) withReceipts(ctx context.Context, rows []db.NationalOutbox) ([]soc.Report, error) {
	q := db.New(s.state.Read())
	key, err := pinned(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]soc.Report, 0, len(rows))
	for _, row := range rows {
		r := toReport(row)
		if row.State == soc.ReportAccepted {
			rc, err := q.Receipt(ctx, row.ID)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return nil, fmt.Errorf("read receipt of %s: %w", row.ID, err)
			}
			if err == nil {
				r.Receipt = stored(row, rc, key)
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func toReport(r db.NationalOutbox) soc.Report {
	x := soc.Report{ID: r.ID, Order: r.Ord, Kind: r.Kind, Subject: r.Subject, System: r.SystemID, Channel: r.Channel, Body: []byte(r.Body), Created: r.Created,
		State: r.State, Tries: int(r.Tries), NextTry: r.NextTry, LastError: r.LastError, Demo: r.Demo == 1, Exercise: r.Exercise == 1}
	if r.State == soc.ReportAccepted {
		x.Accepted = r.Settled
	}
	return x
}

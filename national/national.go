// Package national brings alerts to the national centre (Trung tâm An ninh mạng quốc gia) and proves that it has them.
//
// Words: a Report (bản tin) is one message; the outbox holds Reports, written in the transaction of what they report; a
// Receipt (biên nhận) is the centre's signed word that it has one; reconciliation (đối soát) compares both sides' lists
// for a day; an adapter (one folder an authority and format, a row in forwarders.go) renders and delivers.
//
// Contract: nothing leaves before an administrator has set an endpoint. Each destination has outbox rows of its own, so that the same
// alert has a state and a receipt at each, and the trouble of one holds nothing of another. To a destination reports go out one at a time
// in the order they were made (next.go says when one steps aside), each until the centre has answered for good: accepted only with a
// receipt whose signature verifies under the pinned key and whose digest is that of the body sent; refused with the centre's words;
// anything else is tried again with back-off. The report's id is its idempotency key, so a repeated delivery has one effect. Demo data
// never becomes a Report; exercises only where the configuration says so. All methods are safe for concurrent use.
package national

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	"hoalu/internal/wording"
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
	return Config{MinSeverity: soc.Medium, Heartbeat: 5 * time.Minute, Timeout: 20 * time.Second, RetryFirst: time.Second,
		RetryMost: 5 * time.Minute, ReconcileAt: "00:20"}
}

// Validate names every bad key.
func (c Config) Validate() error {
	var errs []error
	if _, ok := severityRank[c.MinSeverity]; !ok {
		errs = append(errs, wording.New("national.min_severity: must be informational, low, medium, high or critical, is %q", c.MinSeverity))
	}
	for _, d := range []struct {
		key string
		d   time.Duration
	}{{"heartbeat", c.Heartbeat}, {"timeout", c.Timeout}, {"retry_first", c.RetryFirst}, {"retry_most", c.RetryMost}} {
		if d.d <= 0 {
			errs = append(errs, wording.New("national.%s: must be more than 0, is %s", d.key, d.d))
		}
	}
	for _, d := range []struct {
		key string
		d   time.Duration
	}{{"heartbeat", c.Heartbeat}, {"timeout", c.Timeout}} {
		if d.d > 24*time.Hour {
			errs = append(errs, wording.New("national.%s: must be at most 24h, is %s", d.key, d.d))
		}
	}
	if c.RetryFirst > c.RetryMost || c.RetryMost > 24*time.Hour {
		errs = append(errs, wording.New("national.retry_first: must be at most national.retry_most, and that at most 24h; they are %s and %s",
			c.RetryFirst, c.RetryMost))
	}
	if _, err := time.Parse("15:04", c.ReconcileAt); err != nil {
		errs = append(errs, wording.New("national.reconcile_at: must be a time of day as 00:20, is %q", c.ReconcileAt))
	}
	return errors.Join(errs...)
}

var severityRank = map[soc.Severity]int{soc.Informational: 0, soc.Low: 1, soc.Medium: 2, soc.High: 3, soc.Critical: 4}

// Lookup gives the system and owner an alert belongs to.
type Lookup func(system string) (soc.System, soc.Unit)

// Hooks are what the surrounding appliance lends.
type Hooks struct {
	Lookup      Lookup
	Alert       func(ctx context.Context, number string) (a soc.Alert, found bool, err error) // as it is now; may be nil
	Certificate func(ctx context.Context) (*tls.Certificate, error)                           // client certificate of the link
	Record      func(ctx context.Context, tx *sql.Tx, d soc.Deed) error
	Notify      func(soc.Notice)
	Words       func(text string) (string, error) // replaces what may not be kept of a text that a person typed; nil keeps all
}

// Service is the national link.
type Service struct {
	cfg     Config
	state   *state.DB
	hooks   Hooks
	log     *slog.Logger
	changes chan struct{} // a destination came, went or changed

	mu           sync.Mutex
	destinations map[int64]*destination // by number; also those that are no more
}

// New returns the link; Run sends.
func New(cfg Config, st *state.DB, hooks Hooks, log *slog.Logger) *Service {
	return &Service{cfg: cfg, state: st, hooks: hooks, log: log.With("component", "national"), changes: make(chan struct{}, 1),
		destinations: map[int64]*destination{}}
}

// LateAfter is how long a link may fail before that is trouble to be told: three heartbeats, as one or two get lost on any line.
func (c Config) LateAfter() time.Duration { return 3 * c.Heartbeat }

// Ready says which destinations do not get what they should and why; nil when all do, when none is set, or while the trouble is younger
// than LateAfter.
func (s *Service) Ready(ctx context.Context) error {
	list, err := s.Endpoints(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, ep := range list {
		since, why := s.destination(ep.ID).troubled()
		if since != 0 && now()-since >= s.cfg.LateAfter().Milliseconds() {
			errs = append(errs, wording.New("the receiving point %s has not been reached since %s, reports wait and are not lost: %s", ep.URL,
				time.UnixMilli(since).In(soc.Zone).Format("2006-01-02 15:04:05 -07:00"), Told(why.Error())))
		}
	}
	return errors.Join(errs...)
}

func now() int64 { return time.Now().UnixMilli() }

func (s *Service) record(ctx context.Context, tx *sql.Tx, d soc.Deed) error {
	if s.hooks.Record == nil {
		return nil
	}
	d.Time = now()
	return s.hooks.Record(ctx, tx, d)
}

func (s *Service) notify(id string) {
	if s.hooks.Notify != nil {
		s.hooks.Notify(soc.Notice{Topic: "national", ID: id, Version: now()})
	}
}

// Run sends what waits, beats and reconciles until ctx ends, for each destination by itself.
func (s *Service) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := map[int64]context.CancelFunc{}
	tick := time.NewTicker(time.Minute) // another process may have changed them, and a failed read is tried again
	defer tick.Stop()
	for {
		list, err := s.Endpoints(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Error("read the receiving points", "error", err)
		}
		there := map[int64]bool{}
		for _, ep := range list {
			there[ep.ID] = true
			if stop[ep.ID] == nil {
				dctx, cancel := context.WithCancel(ctx)
				stop[ep.ID] = cancel
				wg.Go(func() { s.destination(ep.ID).run(dctx) })
			}
		}
		for id, cancel := range stop {
			if err == nil && !there[id] {
				cancel()
				delete(stop, id)
			}
		}
		wait := tick.C
		if err != nil {
			wait = time.After(5 * time.Second)
		}
		select {
		case <-ctx.Done():
			for _, cancel := range stop {
				cancel()
			}
			return ctx.Err()
		case <-s.changes:
		case <-wait:
		}
	}
}

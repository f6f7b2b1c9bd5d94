// Package console is the HTTP side of Hoa Lư: the API of /api (OpenAPI 3.1 at /api/openapi.json), the log-in, the notices of
// open browsers and the files of the web console.
//
// Words: an operation is one method and path of the API, with an action of the policy ("alerts.read"); a call is one request with
// its Actor; a Frame says how much an answer holds and until when it may be believed (decision 26); a Problem is an error for a
// person (RFC 9457) with a stable code.
//
// What the console needs of other parts it declares in parts.go in words of soc; internal/app hands the implementations in. The API is
// divided by resource: alerts, events, systems and so on, each a type in the file of its name with its operations beside its methods and
// with only the parts it uses. An operation names the parts it needs; one that is not there is answered with the Problem
// part_unavailable, never with invented data. Rights are decided by console/authz on
// every call; rows outside an actor's scope are answered exactly like rows that do not exist.
//
// A Console is safe for concurrent use. Handler never blocks on a browser that does not read; Serve blocks until ctx ends.
//
// To add an operation: its types in api_….go, a method of its resource and the line in that file's operations, an action in
// authz/policy.rego and the row of its test, then go generate ./console.
package console

//go:generate go test -run TestOpenAPI -update .

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"hoalu/console/authz"
	"hoalu/console/identity"
	"hoalu/soc"
)

// Config of a Console.
type Config struct {
	Accounts *identity.Accounts
	Policy   *authz.Policy
	Parts    Parts
	Files    fs.FS        // the built web console, index.html at its root; nil: the API only
	Metrics  http.Handler // GET /metrics; nil: none
	Version  string
	Log      *slog.Logger
	Now      func() time.Time

	// host names it answers to beside localhost and loopback addresses; without TLS here, those of a TLS proxy of this machine
	Hosts []string
	TLS   *tls.Config // nil: plain HTTP, for loopback only

	SearchTime time.Duration // bound of one search: 30 s
	DayShift   time.Duration // since midnight: 7 h; the night shift begins 12 hours later
}

// Console answers the API and serves the web console.
type Console struct {
	Config
	*desk
	router  chi.Router
	api     huma.API
	notices *Notices
	site    *index
}

var globals sync.Once

// New checks c and builds the Console.
func New(c Config) (*Console, error) {
	var errs []error
	if c.Accounts == nil {
		errs = append(errs, errors.New("console: no accounts"))
	}
	if c.Policy == nil {
		errs = append(errs, errors.New("console: no policy"))
	}
	if c.Parts.Inventory == nil {
		errs = append(errs, errors.New("console: no inventory"))
	}
	if c.Parts.Audit == nil {
		errs = append(errs, errors.New("console: no audit"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Log = c.Log.With("component", "console")
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.SearchTime == 0 {
		c.SearchTime = 30 * time.Second
	}
	if c.DayShift == 0 {
		c.DayShift = 7 * time.Hour
	}
	if c.Version == "" {
		c.Version = "0"
	}
	globals.Do(func() { // huma keeps these two for the whole program
		huma.DefaultArrayNullable = false
		huma.NewErrorWithContext = inputProblem
		huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
			return inputProblem(nil, status, msg, errs...)
		}
	})
	s := &Console{Config: c, router: chi.NewRouter(),
		desk: &desk{policy: c.Policy, inventory: c.Parts.Inventory, audit: c.Parts.Audit, log: c.Log, clock: c.Now}}
	s.notices = newNotices()
	if c.Files != nil {
		site, err := openIndex(c.Files)
		if err != nil {
			return nil, fmt.Errorf("open the web console: %w", err)
		}
		s.site = site
	}
	s.router.Use(s.guard)
	s.api = newAPI(s.router, c.Version)
	s.operations()
	s.web()
	return s, nil
}

// Handler answers every request.
func (c *Console) Handler() http.Handler { return c.router }

// Publish tells open browsers that something changed; it never blocks.
func (c *Console) Publish(n soc.Notice) { c.notices.Publish(n) }

// Notices is the broker behind Publish.
func (c *Console) Notices() *Notices { return c.notices }

// Serve answers on l until ctx ends, then finishes what is running, at most 10 s.
func (c *Console) Serve(ctx context.Context, l net.Listener) error {
	if c.TLS != nil {
		l = tls.NewListener(l, c.TLS)
	} else if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() {
		return fmt.Errorf("serve the console on %s: an address beyond this machine needs TLS; set a certificate or listen on 127.0.0.1", a)
	}
	s := &http.Server{
		Handler:           c.router,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       60 * time.Second, // longer than any answer takes: it also ends the context of a request
		WriteTimeout:      90 * time.Second, // the stream moves its own deadlines
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve the console: %w", err)
	case <-ctx.Done():
	}
	c.notices.Close()
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(bound); err != nil {
		return fmt.Errorf("stop the console: %w", errors.Join(err, s.Close()))
	}
	<-done
	return nil
}

// Package bulk takes documents in over the Elasticsearch bulk API (8.x), so that Filebeat, Winlogbeat, Vector, Fluent Bit,
// rsyslog and the official clients can send here unchanged (decision 9).
//
// An item is answered 201 when it is durable, 400 when it can never be taken (syntax, size, an action other than create or
// index), 429 when the queue is full. The whole request is answered 503 while disk space is below the reserve. Single documents
// (index() and create() of the official clients) are stored and answered alike. Template, pipeline and lifecycle requests are
// accepted, ignored and each kind logged once; any other write is refused and counted, never acknowledged.
//
// Contract: New opens the socket; Run serves until its context ends, and lets requests under way end, at most 5 s. A document
// becomes one Frame of wire.FormatJSON whose ID is the sender's _id, if it gave one. Memory is bounded by bytes that were kept, not
// by what a message claims: what all requests hold of lines, documents, items and answers is taken from one budget, of which one
// address gets half. Imports queue for its errors, and source/listen.
package bulk

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hoalu/collector/source/listen"
	"hoalu/ecs/wire"
)

// Put hands frames to intake and returns when they are durable.
type Put func(ctx context.Context, listener string, frames []wire.Frame) error

// Name is the listener name in wire.Batch.Listener.
const Name = "bulk"

// Version is what GET / says: clients of 8.x take it.
const Version = "8.17.0"

// Reasons of what is not taken.
const (
	TooLarge   = "too_large"
	BadJSON    = "json"
	BadAction  = "action"
	NotAllowed = "not_allowed"          // address or token; counted once a request
	BadRequest = "bad_request"          // a body that cannot be read to its end; counted once a request
	TooMany    = "too_many_connections" // counted once for each connection refused, or closed for another
)

const (
	defaultMaxBody    = 100 << 20
	defaultMaxMessage = 1 << 20
	bodies            = 256 << 20   // bytes all requests may hold; beyond, documents are put one by one and long lines refused
	maxRequests       = 1024        // read at once, an eighth of them for one address
	patience          = time.Second // for one of those places
	readTime          = 60 * time.Second
	bindTime          = 10 * time.Second // to find whose events a request carries: its source may have to be written to a database that hangs
	answerTime        = time.Minute      // to put the rest of a request and for its sender to read the answer
	idleTime          = 2 * time.Minute
	maxStreams        = 100 // of an HTTP/2 connection
	grace             = 5 * time.Second
	retryAfter        = "5" // seconds
)

// Binding is what a token or an address stands for.
type Binding struct {
	Source  string // NG-
	Dataset string
	Trust   bool // may set sigma.logsource
}

// Config of a Listener.
type Config struct {
	Address    string
	TLSConfig  *tls.Config // nil: plain HTTP
	Allow      []netip.Prefix
	MaxBody    int64         // bytes of a request, decompressed, 0: 100 MiB as Elasticsearch
	MaxMessage int           // bytes of a document, 0: 1 MiB
	Limits     listen.Limits // of connections
	Timeout    time.Duration // to read a request, 0: 60 s
	Cluster    string        // cluster_name, "": hoalu

	// Token finds the binding of a source's key, sent as API key, password or bearer token, by its SHA-256 in lower-case hex; ok false:
	// unknown, 401. Of "ApiKey base64(id:key)" and "Basic base64(user:password)" the part behind the colon is looked up, then the whole. Nil:
	// credentials are not looked at.
	Token func(sha256 string) (b Binding, ok bool)
	// RequireToken refuses requests without a known token.
	RequireToken bool
	// Peer finds the binding of an address when no token is given; an error refuses the request for now. May be nil.
	Peer func(ctx context.Context, peer string) (Binding, error)

	// Reject counts what is refused for good. May be nil.
	Reject func(source, peer, reason string, n int)
	// Connection is told when a peer connects and goes. May be nil.
	Connection func(peer string, open bool)
}

// Listener serves the API.
type Listener struct {
	cfg    Config
	put    Put
	log    *slog.Logger
	socket net.Listener

	budget   *listen.Budget // bytes of bodies and answers in memory
	requests *listen.Slots
	retried  atomic.Uint64 // items answered 429 or 503

	mu   sync.Mutex
	seen map[string]bool // kinds of ignored requests already logged
}

// New opens the socket.
func New(cfg Config, put Put, log *slog.Logger) (*Listener, error) {
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = defaultMaxBody
	}
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = defaultMaxMessage
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = readTime
	}
	if cfg.Cluster == "" {
		cfg.Cluster = "hoalu"
	}
	if cfg.Reject == nil {
		cfg.Reject = func(string, string, string, int) {}
	}
	if cfg.Connection == nil {
		cfg.Connection = func(string, bool) {}
	}
	if cfg.RequireToken && cfg.Token == nil {
		return nil, errors.New("listen for _bulk: tokens are required and none can be looked up")
	}
	l := &Listener{cfg: cfg, put: put, log: log.With("component", "collector/source/bulk"), seen: map[string]bool{},
		budget: listen.NewBudget(bodies, bodies/2), requests: listen.NewSlots(maxRequests, maxRequests/4)}
	var err error
	key := "listen.bulk"
	if cfg.TLSConfig != nil {
		key = "listen.bulk_tls"
	}
	if l.socket, err = listen.TCP("_bulk", key, cfg.Address); err != nil {
		return nil, err
	}
	l.socket = listen.NewGuard(l.socket, cfg.Limits, func(peer string) { cfg.Reject("", peer, TooMany, 1) })
	if cfg.TLSConfig != nil {
		c := cfg.TLSConfig.Clone()
		c.NextProtos = []string{"h2", "http/1.1"}
		l.socket = tls.NewListener(l.socket, c)
	}
	return l, nil
}

// Addr is the address it listens on.
func (l *Listener) Addr() net.Addr { return l.socket.Addr() }

// Close closes the socket.
func (l *Listener) Close() error { return listen.Closed(l.socket.Close()) }

// Retried counts items that were answered 429 or 503 since the start: their senders keep them.
func (l *Listener) Retried() uint64 { return l.retried.Load() }

// Run serves until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	srv := &http.Server{
		Handler: l, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: l.cfg.Timeout, WriteTimeout: l.cfg.Timeout + answerTime,
		IdleTimeout: idleTime, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(l.log.Handler(), slog.LevelDebug),
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, listen.ConnOf(c))
		},
		ConnState: func(c net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				l.cfg.Connection(listen.Peer(c.RemoteAddr()), true)
			case http.StateClosed, http.StateHijacked:
				l.cfg.Connection(listen.Peer(c.RemoteAddr()), false)
			}
		},
	}
	return listen.Serve(ctx, "_bulk", srv, func() error { return srv.Serve(l.socket) }, grace)
}

// ServeHTTP answers one request.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	peer := listen.PeerOf(r.RemoteAddr)
	if !listen.Allowed(l.cfg.Allow, peer) {
		l.cfg.Reject("", peer, NotAllowed, 1)
		fail(w, http.StatusForbidden, "security_exception", "this address may not send here; an administrator can allow it under listen.senders")
		return
	}
	b, ok, err := l.binding(r, peer)
	if err != nil { // nothing is stored that belongs to nobody
		l.log.Error("find the source of a sender", "source.ip", peer, "error.message", err.Error())
		w.Header().Set("Retry-After", retryAfter)
		fail(w, http.StatusServiceUnavailable, "unavailable_exception", "the sender could not be registered; try again later")
		return
	}
	if !ok {
		l.cfg.Reject("", peer, NotAllowed, 1)
		w.Header().Set("WWW-Authenticate", `Basic realm="hoalu", ApiKey`)
		fail(w, http.StatusUnauthorized, "security_exception",
			"no source has this API key or password; make a token for the source in the console")
		return
	}
	if c, ok := r.Context().Value(connKey{}).(*listen.Conn); ok && c != nil {
		c.Known()
	}
	free, ok := l.place(r, peer)
	if !ok {
		w.Header().Set("Retry-After", retryAfter)
		fail(w, http.StatusTooManyRequests, "es_rejected_execution_exception", "too many requests at once; try again later")
		return
	}
	defer free()
	path := strings.Trim(r.URL.EscapedPath(), "/")
	if last := path[strings.LastIndexByte(path, '/')+1:]; last != "_bulk" || strings.Count(path, "/") > 2 {
		l.route(w, r, peer, path, b)
		return
	}
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		w.Header().Set("Allow", "POST, PUT")
		fail(w, http.StatusMethodNotAllowed, "illegal_argument_exception", "_bulk takes POST and PUT")
		return
	}
	index := ""
	if first, _, more := strings.Cut(path, "/"); more {
		index = plain(first, maxIndex)
	}
	l.bulk(w, r, peer, index, b)
}

// place waits a moment for one of the places of requests that are read at once; it is taken before the body.
func (l *Listener) place(r *http.Request, peer string) (free func(), ok bool) {
	wait, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	return l.requests.Take(wait, peer)
}

// store puts frames; a connection whose request waits for that is not idle.
func (l *Listener) store(r *http.Request, frames []wire.Frame) error {
	if c, ok := r.Context().Value(connKey{}).(*listen.Conn); ok && c != nil {
		defer c.Work()()
	}
	return l.put(r.Context(), Name, frames)
}

// connKey marks the listen.Conn of a request in its context.
type connKey struct{}

// binding finds whose request it is; not ok: nobody's.
func (l *Listener) binding(r *http.Request, peer string) (b Binding, ok bool, err error) {
	if l.cfg.Token != nil {
		for _, secret := range secrets(r.Header.Get("Authorization")) {
			sum := sha256.Sum256([]byte(secret))
			if b, ok := l.cfg.Token(hex.EncodeToString(sum[:])); ok {
				return b, true, nil
			}
		}
		if l.cfg.RequireToken || r.Header.Get("Authorization") != "" {
			return Binding{}, false, nil
		}
	}
	if l.cfg.Peer != nil {
		ctx, cancel := context.WithTimeout(r.Context(), bindTime)
		defer cancel()
		b, err = l.cfg.Peer(ctx, peer)
	}
	return b, true, err
}

// secrets lists what of an Authorization header may be a token.
func secrets(header string) []string {
	kind, value, _ := strings.Cut(header, " ")
	value = strings.TrimSpace(value)
	switch strings.ToLower(kind) {
	case "bearer":
		return []string{value}
	case "apikey", "basic":
		var list []string
		if plain, err := base64.StdEncoding.DecodeString(value); err == nil {
			if _, secret, ok := strings.Cut(string(plain), ":"); ok && secret != "" {
				list = append(list, secret)
			}
		}
		return append(list, value)
	}
	return nil
}

// bulk reads a request in slices, so that a large one needs no large memory, and answers each of its items.
func (l *Listener) bulk(w http.ResponseWriter, r *http.Request, peer, index string, b Binding) {
	began := time.Now()
	body, err := decompress(r)
	if err != nil {
		l.broken(w, err, b, peer)
		return
	}
	a := &account{budget: l.budget, peer: peer}
	defer a.close()
	d := &reading{lines: newLines(io.LimitReader(body, l.cfg.MaxBody+1), l.cfg.MaxMessage, a), index: index, max: l.cfg.MaxMessage,
		peer: peer, binding: b, limit: l.cfg.MaxBody, account: a}
	all := &answers{account: a}
	for {
		items, frames, at, err := d.slice()
		if len(frames) > 0 {
			if putErr := l.store(r, frames); putErr != nil {
				if r.Context().Err() != nil {
					return
				}
				l.retried.Add(uint64(len(frames)))
				if refusal(w, putErr, !all.taken) {
					return
				}
				status, kind := statusOf(putErr)
				for _, i := range at {
					items[i].refuse(status, kind, putErr.Error())
				}
			}
		}
		l.count(items, b.Source, peer)
		if full := all.add(items); full != nil {
			err = full
		}
		d.free()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			l.broken(w, err, b, peer)
			return
		}
	}
	if all.size == 0 {
		fail(w, http.StatusBadRequest, "parse_exception", "request body is required")
		return
	}
	all.send(w, time.Since(began))
}

// count tells what of items is refused for good, by reason.
func (l *Listener) count(items []item, source, peer string) {
	refused := map[string]int{}
	for _, it := range items {
		if it.status == http.StatusBadRequest {
			refused[reasonOf(it)]++
		}
	}
	for reason, n := range refused {
		l.cfg.Reject(source, peer, reason, n)
	}
}

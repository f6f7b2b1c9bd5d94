// Package bulk takes documents in over the Elasticsearch bulk API (8.x), so that Filebeat, Winlogbeat, Vector, Fluent Bit,
// rsyslog and the official clients can send here unchanged (decision 9).
//
// An item is answered 201 when it is durable, 400 when it can never be taken (syntax, size, an action other than create or
// index), 429 when the queue is full. The whole request is answered 503 while disk space is below the reserve. Template,
// pipeline and lifecycle requests are accepted, ignored and logged once each.
//
// Contract: New opens the socket; Run serves until its context ends, and lets requests under way end, at most 5 s. A document
// becomes one Frame of wire.FormatJSON whose ID is the sender's _id, if it gave one. Bodies being read are bounded together.
// Imports queue for its errors, and source/listen.
package bulk

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/valyala/fastjson"

	"hoalu/collector/queue"
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
	TooMany    = "too_many_connections" // counted once for each connection refused
)

const (
	defaultMaxBody    = 100 << 20
	defaultMaxMessage = 1 << 20
	slice             = 256 << 10 // bytes of documents put together
	bodies            = 256 << 20 // bytes all requests may hold; beyond, documents are put one by one and long lines refused
	maxConnections    = 4096
	readTime          = 60 * time.Second
	idleTime          = 2 * time.Minute
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
	Timeout    time.Duration // to read a request, 0: 60 s
	Cluster    string        // cluster_name, "": hoalu

	// Token finds the binding of a source's key, sent as API key, password or bearer token, by its SHA-256 in lower-case hex; ok false: unknown, 401.
	// Of "ApiKey base64(id:key)" and "Basic base64(user:password)" the part behind the colon is looked up, then the whole. Nil:
	// credentials are not looked at.
	Token func(sha256 string) (b Binding, ok bool)
	// RequireToken refuses requests without a known token.
	RequireToken bool
	// Peer finds the binding of an address when no token is given. May be nil.
	Peer func(peer string) Binding

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

	held    atomic.Int64  // bytes of bodies in memory
	retried atomic.Uint64 // items answered 429 or 503

	mu   sync.Mutex
	seen map[string]bool // ignored requests already logged
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
	l := &Listener{cfg: cfg, put: put, log: log.With("component", "collector/source/bulk"), seen: map[string]bool{}}
	var err error
	key := "listen.bulk"
	if cfg.TLSConfig != nil {
		key = "listen.bulk_tls"
	}
	if l.socket, err = listen.TCP("_bulk", key, cfg.Address); err != nil {
		return nil, err
	}
	l.socket = listen.Limit(l.socket, maxConnections, func(peer string) { cfg.Reject("", peer, TooMany, 1) })
	if cfg.TLSConfig != nil {
		c := cfg.TLSConfig.Clone()
		c.NextProtos = []string{"h2", "http/1.1"}
		l.socket = tls.NewListener(l.socket, c)
	}
	return l, nil
}

// Addr is the address it listens on.
func (l *Listener) Addr() net.Addr { return l.socket.Addr() }

// Retried counts items that were answered 429 or 503 since the start: their senders keep them.
func (l *Listener) Retried() uint64 { return l.retried.Load() }

// Run serves until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	srv := &http.Server{
		Handler: l, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: l.cfg.Timeout, IdleTimeout: idleTime, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(l.log.Handler(), slog.LevelDebug),
		ConnState: func(c net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				l.cfg.Connection(listen.Peer(c.RemoteAddr()), true)
			case http.StateClosed, http.StateHijacked:
				l.cfg.Connection(listen.Peer(c.RemoteAddr()), false)
			}
		},
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l.socket) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve _bulk: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if srv.Shutdown(stop) != nil { // out of time
		srv.Close()
	}
	<-ended
	return nil
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
	b, ok := l.binding(r, peer)
	if !ok {
		l.cfg.Reject("", peer, NotAllowed, 1)
		w.Header().Set("WWW-Authenticate", `Basic realm="hoalu", ApiKey`)
		fail(w, http.StatusUnauthorized, "security_exception", "no source has this API key or password; make a token for the source in the console")
		return
	}
	path := strings.Trim(r.URL.Path, "/")
	first, last := path, path
	if i := strings.IndexByte(path, '/'); i >= 0 {
		first, last = path[:i], path[strings.LastIndexByte(path, '/')+1:]
	}
	switch {
	case last == "_bulk" && strings.Count(path, "/") <= 2:
		if r.Method != http.MethodPost && r.Method != http.MethodPut {
			w.Header().Set("Allow", "POST, PUT")
			fail(w, http.StatusMethodNotAllowed, "illegal_argument_exception", "_bulk takes POST and PUT")
			return
		}
		index := ""
		if first != "_bulk" {
			index = first
		}
		l.bulk(w, r, peer, index, b)
	case path == "":
		answer(w, http.StatusOK, map[string]any{"name": "hoalu", "cluster_name": l.cfg.Cluster, "cluster_uuid": "hoalu-collector-0000000",
			"version": map[string]any{"number": Version, "build_flavor": "default", "build_type": "tar", "build_hash": "0", "build_date": "2024-12-11T12:08:05.663969764Z",
				"build_snapshot": false, "lucene_version": "9.12.0", "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0"},
			"tagline": "You Know, for Search"})
	case path == "_license":
		answer(w, http.StatusOK, map[string]any{"license": map[string]any{"status": "active", "uid": "hoalu", "type": "basic", "issue_date_in_millis": 0,
			"max_nodes": 1000, "issued_to": l.cfg.Cluster, "issuer": "hoalu", "start_date_in_millis": -1}})
	case path == "_xpack":
		answer(w, http.StatusOK, map[string]any{"build": map[string]any{}, "license": map[string]any{"uid": "hoalu", "type": "basic", "mode": "basic", "status": "active"},
			"features": map[string]any{"ilm": map[string]any{"available": true, "enabled": true}, "security": map[string]any{"available": true, "enabled": true}}, "tagline": "You know, for X"})
	case first == "_cluster" && last == "health" || path == "_cat/health":
		answer(w, http.StatusOK, map[string]any{"cluster_name": l.cfg.Cluster, "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1})
	case first == "_nodes":
		answer(w, http.StatusOK, map[string]any{"_nodes": map[string]int{"total": 1, "successful": 1, "failed": 0}, "cluster_name": l.cfg.Cluster,
			"nodes": map[string]any{"hoalu": map[string]any{"name": "hoalu", "version": Version, "roles": []string{"data", "ingest", "master"}, "http": map[string]any{"publish_address": r.Host}}}})
	case strings.Contains("/"+path+"/", "/_doc/") || strings.Contains("/"+path+"/", "/_create/"):
		l.cfg.Reject(b.Source, peer, BadAction, 1)
		fail(w, http.StatusBadRequest, "illegal_argument_exception", "single documents are not taken here; send them by _bulk")
	case last == "_search" || last == "_msearch" || last == "_count" || last == "_update_by_query" || last == "_delete_by_query" || last == "_reindex" || last == "_query":
		fail(w, http.StatusBadRequest, "illegal_argument_exception", "this address takes events in and does not search; search in the console")
	default:
		l.ignore(w, r, path)
	}
}

// ignore accepts what shippers set up before they send: templates, pipelines, lifecycle, aliases, data streams.
func (l *Listener) ignore(w http.ResponseWriter, r *http.Request, path string) {
	io.Copy(io.Discard, io.LimitReader(r.Body, 4<<20)) //nolint:errcheck // nothing is made of it
	l.mu.Lock()
	key := r.Method + " " + path
	known := l.seen[key]
	if !known && len(l.seen) < 1000 {
		l.seen[key] = true
	}
	l.mu.Unlock()
	if !known {
		l.log.Info("request accepted and ignored: this collector needs no templates, pipelines or lifecycle policies", "http.request.method", r.Method, "url.path", "/"+path)
	}
	switch r.Method {
	case http.MethodHead:
		w.WriteHeader(http.StatusOK)
	case http.MethodGet:
		// "There already": the body has the asked name as a key, which is what shippers look for.
		name := path[strings.LastIndexByte(path, '/')+1:]
		answer(w, http.StatusOK, map[string]any{name: map[string]any{}})
	default:
		answer(w, http.StatusOK, map[string]any{"acknowledged": true})
	}
}

// binding finds whose request it is.
func (l *Listener) binding(r *http.Request, peer string) (Binding, bool) {
	if l.cfg.Token != nil {
		for _, secret := range secrets(r.Header.Get("Authorization")) {
			sum := sha256.Sum256([]byte(secret))
			if b, ok := l.cfg.Token(hex.EncodeToString(sum[:])); ok {
				return b, true
			}
		}
		if l.cfg.RequireToken || r.Header.Get("Authorization") != "" {
			return Binding{}, false
		}
	}
	if l.cfg.Peer != nil {
		return l.cfg.Peer(peer), true
	}
	return Binding{}, true
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

// item is one action of a request and its answer.
type item struct {
	action string // create, index, delete, update or what the sender wrote
	index  string
	id     string
	status int
	kind   string // of the error
	reason string
}

// bulk reads a request in slices, so that a large one needs no large memory, and answers each of its items.
func (l *Listener) bulk(w http.ResponseWriter, r *http.Request, peer, index string, b Binding) {
	began := time.Now()
	body, err := decompress(r)
	if err != nil {
		l.cfg.Reject(b.Source, peer, BadRequest, 1)
		fail(w, http.StatusBadRequest, "parse_exception", err.Error())
		return
	}
	d := &reading{lines: newLines(io.LimitReader(body, l.cfg.MaxBody+1), l.cfg.MaxMessage, &l.held), index: index, max: l.cfg.MaxMessage,
		peer: peer, binding: b, limit: l.cfg.MaxBody, held: &l.held}
	defer d.lines.release()
	defer d.free()
	var items []item
	for {
		part, frames, at, err := d.slice()
		if len(frames) > 0 {
			putErr := l.put(r.Context(), Name, frames)
			d.free()
			if r.Context().Err() != nil && putErr != nil {
				return
			}
			if putErr != nil {
				l.retried.Add(uint64(len(frames)))
				if whole := l.refusal(w, putErr, len(items) == 0 || noneTaken(items)); whole {
					return
				}
				status, kind := statusOf(putErr)
				for _, i := range at {
					part[i].status, part[i].kind, part[i].reason = status, kind, putErr.Error()
				}
			}
		}
		for _, it := range part {
			if it.status == http.StatusBadRequest {
				l.cfg.Reject(b.Source, peer, reasonOf(it), 1)
			}
		}
		items = append(items, part...)
		if err == nil {
			continue
		}
		if errors.Is(err, io.EOF) {
			break
		}
		// What stood before is durable: only an answer without items makes the sender send it all again.
		l.cfg.Reject(b.Source, peer, BadRequest, 1)
		status, kind := http.StatusBadRequest, "parse_exception"
		switch {
		case errors.Is(err, errTooLong):
			status, kind = http.StatusRequestEntityTooLarge, "content_too_long_exception"
		case errors.Is(err, os.ErrDeadlineExceeded): // not the body's fault: the sender may try again
			status, kind, err = http.StatusRequestTimeout, "timeout_exception", fmt.Errorf("the request took longer than %s; send smaller ones", l.cfg.Timeout)
		case errors.Is(err, errBusy):
			status, kind = http.StatusTooManyRequests, "es_rejected_execution_exception"
		}
		fail(w, status, kind, err.Error())
		return
	}
	if len(items) == 0 {
		fail(w, http.StatusBadRequest, "parse_exception", "request body is required")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(render(items, time.Since(began))) //nolint:errcheck // the sender went away: it will send again
}

func noneTaken(items []item) bool {
	for _, it := range items {
		if it.status == http.StatusCreated {
			return false
		}
	}
	return true
}

// refusal answers the whole request when nothing of it was taken and nothing can be.
func (l *Listener) refusal(w http.ResponseWriter, err error, nothing bool) bool {
	if !nothing || !errors.Is(err, queue.ErrNoSpace) && !errors.Is(err, queue.ErrDown) && !errors.Is(err, queue.ErrClosed) {
		return false
	}
	w.Header().Set("Retry-After", retryAfter)
	fail(w, http.StatusServiceUnavailable, "unavailable_exception", err.Error())
	return true
}

func statusOf(err error) (int, string) {
	switch {
	case errors.Is(err, queue.ErrTooLarge):
		return http.StatusBadRequest, "content_too_long_exception"
	default: // all others pass; 429 makes shippers send the item again
		return http.StatusTooManyRequests, "es_rejected_execution_exception"
	}
}

func reasonOf(it item) string {
	switch it.kind {
	case "content_too_long_exception":
		return TooLarge
	case "action_request_validation_exception":
		return BadAction
	}
	return BadJSON
}

// reading takes a body apart.
type reading struct {
	lines   *lines
	index   string
	max     int
	peer    string
	binding Binding
	limit   int64
	held    *atomic.Int64 // of all requests
	mine    int64         // of this one's frames
}

// free gives back what the frames of the last slice held.
func (d *reading) free() {
	d.held.Add(-d.mine)
	d.mine = 0
}

var (
	errTooLong = errors.New("request body is longer than the limit")
	errBusy    = errors.New("too many requests with long lines at once; try again later")
	parsers    fastjson.ParserPool
)

// slice reads items up to about a MiB of documents; at[i] is the item of frames[i]. The error is io.EOF at the end.
func (d *reading) slice() (items []item, frames []wire.Frame, at []int, err error) {
	p := parsers.Get()
	defer parsers.Put(p)
	now := time.Now().UnixMilli()
	size := 0
	for size < slice && len(items) < 4*wire.MaxFrames && (len(frames) == 0 || d.held.Load() < bodies) {
		line, large, err := d.lines.next()
		if err != nil {
			if d.lines.read > d.limit {
				err = errTooLong
			}
			return items, frames, at, err
		}
		if len(line) == 0 && !large {
			continue // rsyslog writes blank lines between items
		}
		it := item{index: d.index, status: http.StatusCreated}
		if large {
			return items, frames, at, fmt.Errorf("malformed action line, longer than %d bytes", d.max)
		}
		v, perr := p.ParseBytes(line)
		if perr != nil || v.Type() != fastjson.TypeObject || v.GetObject().Len() != 1 {
			return items, frames, at, fmt.Errorf("malformed action/metadata line, expected one of [create, delete, index, update] but found [%.80q]", line)
		}
		v.GetObject().Visit(func(key []byte, meta *fastjson.Value) {
			it.action = string(key)
			if s := meta.GetStringBytes("_index"); len(s) > 0 {
				it.index = string(s)
			}
			it.id = textOf(meta.Get("_id"))
		})
		switch it.action {
		case "create", "index", "update":
		case "delete":
			it.refuse(http.StatusBadRequest, "action_request_validation_exception", "delete is not possible here: what was collected stays")
			items = append(items, it)
			continue
		default:
			return items, frames, at, fmt.Errorf("malformed action/metadata line, expected one of [create, delete, index, update] but found [%.80s]", it.action)
		}
		doc, large, err := d.document()
		if err != nil {
			if errors.Is(err, io.EOF) && d.lines.read <= d.limit {
				err = errors.New("the bulk request must be terminated by a newline; the last action has no document")
			} else if d.lines.read > d.limit {
				err = errTooLong
			}
			return items, frames, at, err
		}
		switch {
		case it.action == "update":
			it.refuse(http.StatusBadRequest, "action_request_validation_exception", "update is not possible here: what was collected stays; use create")
		case large:
			it.refuse(http.StatusBadRequest, "content_too_long_exception", fmt.Sprintf("document is longer than %d bytes", d.max))
		case len(it.id) > 512:
			it.refuse(http.StatusBadRequest, "illegal_argument_exception", fmt.Sprintf("id is too long, must be no longer than 512 bytes but was: %d", len(it.id)))
		default:
			if doc[0] != '{' {
				it.refuse(http.StatusBadRequest, "document_parsing_exception", "failed to parse: a document is a JSON object")
			} else if err := fastjson.ValidateBytes(doc); err != nil {
				it.refuse(http.StatusBadRequest, "document_parsing_exception", "failed to parse: "+err.Error())
			} else {
				at = append(at, len(items))
				frames = append(frames, wire.Frame{Source: d.binding.Source, Peer: d.peer, Received: now, Format: wire.FormatJSON, ID: it.id,
					Dataset: d.binding.Dataset, Trust: d.binding.Trust, Data: bytes.Clone(doc)})
				size += len(doc)
				d.mine += int64(len(doc))
				d.held.Add(int64(len(doc)))
			}
		}
		items = append(items, it)
	}
	return items, frames, at, nil
}

func (it *item) refuse(status int, kind, reason string) {
	it.status, it.kind, it.reason = status, kind, reason
}

// textOf reads an _id, which some senders write as a number.
func textOf(v *fastjson.Value) string {
	switch {
	case v == nil || v.Type() == fastjson.TypeNull:
		return ""
	case v.Type() == fastjson.TypeString:
		return string(v.GetStringBytes())
	}
	return v.String()
}

// document reads the next line that is not blank.
func (d *reading) document() (line []byte, large bool, err error) {
	for {
		line, large, err = d.lines.next()
		if err != nil || large || len(line) > 0 {
			return line, large, err
		}
	}
}

// lines reads lines of at most max bytes; longer ones are stepped over and told as large.
type lines struct {
	r    io.Reader
	buf  []byte
	at   int // begin of what was not handed out
	have int
	max  int
	read int64
	held *atomic.Int64
	err  error
}

const firstBuffer = 16 << 10 // not counted as held

func newLines(r io.Reader, max int, held *atomic.Int64) *lines {
	return &lines{r: r, buf: make([]byte, firstBuffer), max: max, held: held}
}

func (l *lines) release() { l.held.Add(int64(firstBuffer - len(l.buf))) }

// next returns the next line without its end and surrounding blanks; it is valid until the next call.
func (l *lines) next() (line []byte, large bool, err error) {
	from := l.at
	for {
		if i := bytes.IndexByte(l.buf[from:l.have], '\n'); i >= 0 {
			line = l.buf[l.at : from+i]
			l.at = from + i + 1
			return l.done(line, large)
		}
		if l.err != nil {
			line = l.buf[l.at:l.have]
			l.at = l.have
			if errors.Is(l.err, io.EOF) && (len(line) > 0 || large) {
				return l.done(line, large) // the last line may lack its newline
			}
			return nil, false, l.err
		}
		if l.have-l.at > l.max { // too long: forget its begin
			large = true
			l.at, l.have = 0, 0
		} else if l.at > 0 {
			l.have = copy(l.buf, l.buf[l.at:l.have])
			l.at = 0
		}
		if l.have == len(l.buf) {
			if l.held.Load() > bodies {
				l.err = errBusy
				return nil, false, l.err
			}
			l.held.Add(int64(len(l.buf)))
			l.buf = append(l.buf, make([]byte, len(l.buf))...)
		}
		from = l.have
		var n int
		n, l.err = l.r.Read(l.buf[l.have:])
		l.have += n
		l.read += int64(n)
	}
}

func (l *lines) done(line []byte, large bool) ([]byte, bool, error) {
	line = bytes.TrimSpace(line)
	if large || len(line) > l.max {
		return nil, true, nil
	}
	return line, false, nil
}

func decompress(r *http.Request) (io.Reader, error) {
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
		return r.Body, nil
	case "gzip":
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read gzip body: %w", err)
		}
		return z, nil
	case "deflate":
		z, err := zlib.NewReader(r.Body)
		if err != nil {
			return nil, fmt.Errorf("read deflate body: %w", err)
		}
		return z, nil
	}
	return nil, fmt.Errorf("content encoding %q is not known; use gzip or none", r.Header.Get("Content-Encoding"))
}

// render writes the answer of a request.
func render(items []item, took time.Duration) []byte {
	failed := false
	for i := range items {
		failed = failed || items[i].status != http.StatusCreated
	}
	b := make([]byte, 0, 128*len(items)+64)
	b = append(b, `{"took":`...)
	b = strconv.AppendInt(b, took.Milliseconds(), 10)
	b = append(b, `,"errors":`...)
	b = strconv.AppendBool(b, failed)
	b = append(b, `,"items":[`...)
	for i := range items {
		it := &items[i]
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = quote(b, it.action)
		b = append(b, `:{"_index":`...)
		b = quote(b, it.index)
		b = append(b, `,"_id":`...)
		b = quote(b, it.id) // empty where the sender gave none: the event's own id is made behind the queue
		b = append(b, `,"status":`...)
		b = strconv.AppendInt(b, int64(it.status), 10)
		if it.status == http.StatusCreated {
			b = append(b, `,"_version":1,"result":"created","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":0,"_primary_term":1`...)
		} else {
			b = append(b, `,"error":{"type":`...)
			b = quote(b, it.kind)
			b = append(b, `,"reason":`...)
			b = quote(b, it.reason)
			b = append(b, '}')
		}
		b = append(b, "}}"...)
	}
	return append(b, "]}\n"...)
}

func quote(b []byte, s string) []byte {
	q, err := json.Marshal(s)
	if err != nil { // a string always has JSON
		return append(b, `""`...)
	}
	return append(b, q...)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the sender went away
}

// fail answers as Elasticsearch words errors.
func fail(w http.ResponseWriter, status int, kind, reason string) {
	cause := map[string]any{"type": kind, "reason": reason}
	answer(w, status, map[string]any{"error": map[string]any{"root_cause": []any{cause}, "type": kind, "reason": reason}, "status": status})
}

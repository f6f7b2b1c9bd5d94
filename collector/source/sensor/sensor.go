// Package sensor takes the batches of our own sensors in: HTTPS/2 with a client certificate each.
//
//	POST /v1/batches    body: wire.Encode of a Batch whose Sequence is the sensor's own → 200 {"sequence":n,"duplicate":false}
//	                    after the fsync; the same batch again is answered duplicate and stored once; another one under its sequence is stored
//	GET  /v1/position   → 200 {"sequence":n}: the last sequence taken, where a sensor that lost its spool goes on
//	POST /v1/stats      accounting of 10 seconds (Stats) → 204
//	POST /v1/renew      {"csr":PEM} for a new key → 200 {"certificate":PEM,"authority":PEM,"sensor":id}; the old certificate stays good
//	POST /v1/enroll     no client certificate: {"token":…,"csr":PEM} → 200 {"certificate":PEM,"authority":PEM,"sensor":id}
//
// 400 body that is no batch, 401 no certificate, 403 certificate of no sensor or token unknown or used, 413 too large,
// 429 queue full or renewed just now, 503 with Retry-After below the disk reserve; all as application/problem+json {status, code, detail,
// do}.
//
// Contract: New opens the socket, Run serves until its context ends and lets requests under way end, at most 5 s. Sequences of
// one sensor may arrive out of order. Imports queue for its errors, and source/listen.
package sensor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"sync"
	"time"

	"hoalu/collector/queue"
	"hoalu/collector/source/listen"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// Put hands a sensor's batch to intake and returns when it is durable or known to be.
type Put func(ctx context.Context, sensor string, sequence uint64, frames []wire.Frame) (duplicate bool, err error)

// Name is the listener name in wire.Batch.Listener.
const Name = "sensor"

// Reasons of what is not taken, counted by frames where they are known, else once.
const (
	BadBatch  = "bad_batch"
	TooLarge  = "too_large"
	TooMany   = "too_many_connections" // counted once for each connection refused, or closed for another
	BadFormat = "bad_format"           // frames of another format than sensors send
)

const (
	maxBodies   = 32               // bodies read and decoded at once: bounds memory to 32 × (body + decoded batch)
	bodiesOfOne = 4                // of one sensor, which sends one after the other
	patience    = 10 * time.Second // for one of those places
	bodyTime    = 30 * time.Second
	smallTime   = 10 * time.Second // for the small bodies of stats, renew and enroll
	answerTime  = time.Minute      // to put a batch and for its sensor to read the answer
	idleTime    = 5 * time.Minute
	maxStreams  = 32 // of an HTTP/2 connection
	grace       = 5 * time.Second
	retryAfter  = "5" // seconds
	enrolBody   = 64 << 10
	statsBody   = 256 << 10
)

// Enrolment is the answer to a good token.
type Enrolment struct {
	Sensor      string `json:"sensor"`
	Certificate string `json:"certificate"` // PEM
	Authority   string `json:"authority"`   // PEM of what signed the collector
}

// Config of a Listener.
type Config struct {
	Address string
	// TLSConfig has the server's certificate and ClientCAs; the listener sets ClientAuth itself.
	TLSConfig *tls.Config
	Allow     []netip.Prefix
	MaxBody   int64         // bytes, 0: wire.MaxMessage
	Limits    listen.Limits // of connections; one is anonymous until a request named its sensor

	// Identify names the sensor of a verified certificate; nil: the URI SAN's last path element, else the common name.
	Identify func(*x509.Certificate) (sensor string, err error)
	// Enroll exchanges a single-use token and a CSR (PEM) for a certificate; nil: enrolment is off. A *soc.Problem is shown as it is.
	Enroll func(ctx context.Context, token string, csr []byte) (Enrolment, error)
	// Renew gives the sensor that showed a certificate a new one for a CSR (PEM); nil: renewal is off. A *soc.Problem is shown as it is.
	Renew func(ctx context.Context, sensor string, shown *x509.Certificate, csr []byte) (Enrolment, error)
	// Book keeps what sensors tell of themselves; nil: one of the listener's own.
	Book *Book
	// Stats takes a sensor's accounts, less what an earlier one of the same beginning told, within the bounds of Book. May be nil.
	Stats func(ctx context.Context, sensor string, s Stats) error
	// Position reads the last sequence taken from a sensor (collector.Intake.SensorPosition). Nil: GET /v1/position is off.
	Position func(sensor string) uint64

	// Reject counts what is refused for good; peer is the sensor where it is known, else the address. May be nil.
	Reject func(source, peer, reason string, n int)
	// Connection is told of a sensor's first and last open connection. May be nil.
	Connection func(sensor string, open bool)
}

// Listener serves sensors.
type Listener struct {
	cfg    Config
	put    Put
	log    *slog.Logger
	socket net.Listener
	bodies *listen.Slots

	mu   sync.Mutex
	open map[string]int // connections by sensor
}

// New opens the socket.
func New(cfg Config, put Put, log *slog.Logger) (*Listener, error) {
	if cfg.TLSConfig == nil || len(cfg.TLSConfig.Certificates) == 0 && cfg.TLSConfig.GetCertificate == nil &&
		cfg.TLSConfig.GetConfigForClient == nil {
		return nil, errors.New("listen for sensors: no certificate is set")
	}
	if cfg.TLSConfig.ClientCAs == nil && cfg.TLSConfig.GetConfigForClient == nil {
		return nil, errors.New("listen for sensors: no authority for sensors' certificates is set") // nil would mean the system's
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = wire.MaxMessage
	}
	if cfg.Identify == nil {
		cfg.Identify = identify
	}
	if cfg.Book == nil {
		cfg.Book = NewBook()
	}
	if cfg.Reject == nil {
		cfg.Reject = func(string, string, string, int) {}
	}
	if cfg.Connection == nil {
		cfg.Connection = func(string, bool) {}
	}
	l := &Listener{cfg: cfg, put: put, log: log.With("component", "collector/source/sensor"), bodies: listen.NewSlots(maxBodies, bodiesOfOne),
		open: map[string]int{}}
	socket, err := listen.TCP("sensors", "listen.sensors", cfg.Address)
	if err != nil {
		return nil, err
	}
	l.socket = listen.NewGuard(socket, cfg.Limits, func(peer string) { cfg.Reject("", peer, TooMany, 1) })
	return l, nil
}

// identify reads the name of a certificate.
func identify(c *x509.Certificate) (string, error) {
	for _, u := range c.URIs {
		if name := path.Base(u.Path); name != "" && name != "." && name != "/" {
			return name, nil
		}
		if u.Host != "" {
			return u.Host, nil
		}
	}
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName, nil
	}
	return "", errors.New("certificate names no sensor")
}

// Addr is the address it listens on.
func (l *Listener) Addr() net.Addr { return l.socket.Addr() }

// Close closes the socket.
func (l *Listener) Close() error { return listen.Closed(l.socket.Close()) }

// sensorKey marks the connection's sensor in its context.
type sensorKey struct{}

// connected is the sensor of a connection, once a request has named it.
type connected struct {
	once sync.Once
	name string
	conn *listen.Conn
}

// Run serves until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	conf := l.cfg.TLSConfig.Clone()
	conf.ClientAuth = tls.VerifyClientCertIfGiven // enrolment has none yet
	if conf.MinVersion < tls.VersionTLS12 {
		conf.MinVersion = tls.VersionTLS12
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/batches", l.withSensor(l.batches))
	mux.HandleFunc("GET /v1/position", l.withSensor(l.position))
	mux.HandleFunc("POST /v1/stats", l.withSensor(l.stats))
	mux.HandleFunc("POST /v1/renew", l.withSensor(l.renew))
	mux.HandleFunc("POST /v1/enroll", l.enroll)
	var connsMu sync.Mutex
	conns := map[net.Conn]*connected{}
	srv := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			deadline(w, smallTime) // also of a body that nobody reads
			mux.ServeHTTP(w, r)
		}), TLSConfig: conf, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: patience + bodyTime,
		WriteTimeout: patience + bodyTime + answerTime, IdleTimeout: idleTime, MaxHeaderBytes: 16 << 10,
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog: slog.NewLogLogger(l.log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			s := &connected{conn: listen.ConnOf(c)}
			connsMu.Lock()
			conns[c] = s
			connsMu.Unlock()
			return context.WithValue(ctx, sensorKey{}, s)
		},
		ConnState: func(c net.Conn, s http.ConnState) {
			if s != http.StateClosed && s != http.StateHijacked {
				return
			}
			connsMu.Lock()
			known := conns[c]
			delete(conns, c)
			connsMu.Unlock()
			if known != nil {
				known.once.Do(func() {}) // no later request counts it
				if known.name != "" {
					l.change(known.name, -1)
				}
			}
		},
	}
	return listen.Serve(ctx, "sensors", srv, func() error { return srv.ServeTLS(l.socket, "", "") }, grace)
}

func (l *Listener) change(name string, by int) {
	l.mu.Lock()
	l.open[name] += by
	n := l.open[name]
	if n == 0 {
		delete(l.open, name)
	}
	l.mu.Unlock()
	if by > 0 && n == 1 || by < 0 && n == 0 {
		l.cfg.Connection(name, by > 0)
	}
}

// withSensor lets in who has a certificate of a sensor.
func (l *Listener) withSensor(do func(w http.ResponseWriter, r *http.Request, sensor string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		peer := listen.PeerOf(r.RemoteAddr)
		if !listen.Allowed(l.cfg.Allow, peer) {
			answer(w, http.StatusForbidden, "not_allowed", "This address may not send here.", "An administrator can allow it under listen.senders.")
			return
		}
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
			answer(w, http.StatusUnauthorized, "no_certificate", "A sensor shows its certificate.",
				"Enrol it: hoalu sensor enroll --server URL --token T")
			return
		}
		name, err := l.cfg.Identify(r.TLS.PeerCertificates[0])
		if err != nil || name == "" {
			l.log.Warn("certificate of no sensor", "source.ip", peer, "error.message", fmt.Sprint(err))
			answer(w, http.StatusForbidden, "not_a_sensor", "This certificate is not one of a sensor, or it was withdrawn.",
				"Enrol the sensor again.")
			return
		}
		if c, ok := r.Context().Value(sensorKey{}).(*connected); ok {
			c.once.Do(func() {
				c.name = name
				l.change(name, 1)
				if c.conn != nil {
					c.conn.Known()
				}
			})
		}
		do(w, r, name)
	}
}

func (l *Listener) batches(w http.ResponseWriter, r *http.Request, sensor string) {
	if r.ContentLength > l.cfg.MaxBody {
		l.cfg.Reject("", sensor, TooLarge, 1)
		answer(w, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("A batch has at most %d bytes.", l.cfg.MaxBody), "")
		return
	}
	// The place is taken before the body is read: what is not read costs nothing. A slow sender gives it back at the deadline.
	wait, cancel := context.WithTimeout(r.Context(), patience)
	free, ok := l.bodies.Take(wait, sensor)
	cancel()
	if !ok {
		w.Header().Set("Retry-After", retryAfter)
		answer(w, http.StatusTooManyRequests, "busy", "Too many batches arrive at once.", "The sensor keeps the batch and sends it again.")
		return
	}
	defer free()
	deadline(w, bodyTime)
	data, err := l.read(r)
	switch {
	case errors.Is(err, errTooLarge):
		l.cfg.Reject("", sensor, TooLarge, 1)
		answer(w, http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("A batch has at most %d bytes.", l.cfg.MaxBody), "")
		return
	case err != nil:
		answer(w, http.StatusRequestTimeout, "not_received", "The batch did not arrive whole.", "Send it again.")
		return
	}
	b, err := wire.Decode(data)
	if err != nil {
		n, do := 1, ""
		if many, ok := errors.AsType[*wire.TooManyFramesError](err); ok {
			n = many.Frames
		}
		l.cfg.Reject("", sensor, BadBatch, n)
		if errors.Is(err, wire.ErrVersion) {
			do = "Upgrade the collector before its sensors."
		}
		answer(w, http.StatusBadRequest, "bad_batch", "The body is not a batch: "+err.Error(), do)
		return
	}
	if b.Sequence == 0 || len(b.Frames) == 0 {
		l.cfg.Reject("", sensor, BadBatch, max(1, len(b.Frames)))
		answer(w, http.StatusBadRequest, "bad_batch",
			fmt.Sprintf("A batch has a sequence from 1 and 1 to %d frames; this one has sequence %d and %d.", wire.MaxFrames, b.Sequence,
				len(b.Frames)), "")
		return
	}
	peer, now := listen.PeerOf(r.RemoteAddr), time.Now().UnixMilli()
	for i := range b.Frames {
		f := &b.Frames[i]
		if f.Format != wire.FormatECS {
			l.cfg.Reject("", sensor, BadFormat, len(b.Frames))
			answer(w, http.StatusBadRequest, "bad_format",
				fmt.Sprintf("Sensors send frames of format %q; this one is %q.", wire.FormatECS, f.Format), "")
			return
		}
		// The envelope is ours: what the sensor wrote there is not believed.
		*f = wire.Frame{Peer: peer, Received: now, Format: wire.FormatECS, Data: f.Data}
	}
	if c, ok := r.Context().Value(sensorKey{}).(*connected); ok && c.conn != nil {
		defer c.conn.Work()()
	}
	duplicate, err := l.put(r.Context(), sensor, b.Sequence, b.Frames)
	if err != nil {
		refuse(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]any{"sequence": b.Sequence, "duplicate": duplicate})
}

// deadline bounds the time for the body of a request.
func deadline(w http.ResponseWriter, d time.Duration) {
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(d)) //nolint:errcheck // not supported only in tests
}

var errTooLarge = errors.New("body is too large")

// read reads a body; memory grows with what has come, not with what was announced.
func (l *Listener) read(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r.Body, l.cfg.MaxBody+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > l.cfg.MaxBody {
		return nil, errTooLarge
	}
	return data, nil
}

// refuse answers a batch that was not taken; the sensor keeps it, but for one that never fits.
func refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, queue.ErrTooLarge):
		answer(w, http.StatusRequestEntityTooLarge, "too_large", err.Error(), "")
	case errors.Is(err, queue.ErrFull):
		w.Header().Set("Retry-After", retryAfter)
		answer(w, http.StatusTooManyRequests, "queue_full", err.Error(), "The sensor keeps the batch and sends it again.")
	case errors.Is(err, queue.ErrNoSpace):
		w.Header().Set("Retry-After", retryAfter)
		answer(w, http.StatusServiceUnavailable, "disk_low", err.Error(), "Free disk space on the collector.")
	default:
		w.Header().Set("Retry-After", retryAfter)
		answer(w, http.StatusServiceUnavailable, "unavailable", err.Error(), "The sensor keeps the batch and sends it again.")
	}
}

func (l *Listener) position(w http.ResponseWriter, _ *http.Request, sensor string) {
	if l.cfg.Position == nil {
		answer(w, http.StatusNotFound, "not_found", "This collector does not tell positions.", "")
		return
	}
	reply(w, http.StatusOK, map[string]any{"sequence": l.cfg.Position(sensor)})
}

func (l *Listener) stats(w http.ResponseWriter, r *http.Request, sensor string) {
	var s Stats
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, statsBody)).Decode(&s); err != nil {
		answer(w, http.StatusBadRequest, "bad_stats", "The body is not a sensor's account: "+err.Error(), "")
		return
	}
	told := l.cfg.Book.take(sensor, s, time.Now().UnixMilli())
	if l.cfg.Stats != nil {
		if err := l.cfg.Stats(r.Context(), sensor, told); err != nil {
			l.log.Error("take a sensor's account", "sensor.id", sensor, "error.message", err.Error())
			answer(w, http.StatusServiceUnavailable, "unavailable", "The account could not be kept.", "The sensor sends it again.")
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func (l *Listener) enroll(w http.ResponseWriter, r *http.Request) {
	peer := listen.PeerOf(r.RemoteAddr)
	if !listen.Allowed(l.cfg.Allow, peer) {
		answer(w, http.StatusForbidden, "not_allowed", "This address may not send here.", "An administrator can allow it under listen.senders.")
		return
	}
	if l.cfg.Enroll == nil {
		answer(w, http.StatusNotFound, "enrolment_off", "This collector enrols no sensors.", "")
		return
	}
	var req struct {
		Token string `json:"token"`
		CSR   string `json:"csr"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, enrolBody)).Decode(&req); err != nil || req.Token == "" || req.CSR == "" {
		answer(w, http.StatusBadRequest, "bad_request", `The body is {"token":…,"csr":PEM}.`, "")
		return
	}
	e, err := l.cfg.Enroll(r.Context(), req.Token, []byte(req.CSR))
	if refused(w, err) {
		l.log.Warn("enrolment refused", "source.ip", peer, "error.message", err.Error())
		return
	}
	if err != nil {
		l.log.Error("enrol a sensor", "source.ip", peer, "error.message", err.Error())
		answer(w, http.StatusForbidden, "enrolment_refused", "The token is unknown, used or too old, or the request is not good.",
			"Make a new token: hoalu sensor invite --system HT-…")
		return
	}
	l.log.Info("sensor enrolled", "sensor.id", e.Sensor, "source.ip", peer)
	reply(w, http.StatusOK, e)
}

// renew answers a sensor with its next certificate.
func (l *Listener) renew(w http.ResponseWriter, r *http.Request, sensor string) {
	if l.cfg.Renew == nil {
		answer(w, http.StatusNotFound, "renewal_off", "This collector renews no certificates.",
			"Enrol the sensor again before its certificate ends.")
		return
	}
	var req struct {
		CSR string `json:"csr"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, enrolBody)).Decode(&req); err != nil || req.CSR == "" {
		answer(w, http.StatusBadRequest, "bad_request", `The body is {"csr":PEM}.`, "")
		return
	}
	e, err := l.cfg.Renew(r.Context(), sensor, r.TLS.PeerCertificates[0], []byte(req.CSR))
	if refused(w, err) {
		l.log.Warn("renewal refused", "sensor.id", sensor, "error.message", err.Error())
		return
	}
	if err != nil {
		l.log.Error("renew a sensor's certificate", "sensor.id", sensor, "error.message", err.Error())
		w.Header().Set("Retry-After", retryAfter)
		answer(w, http.StatusServiceUnavailable, "unavailable", "The certificate could not be made.",
			"The sensor asks again; the collector's log says why.")
		return
	}
	l.log.Info("sensor certificate renewed", "sensor.id", sensor)
	reply(w, http.StatusOK, e)
}

// refused answers with a problem that err is; false for other errors and none.
func refused(w http.ResponseWriter, err error) bool {
	p, ok := errors.AsType[*soc.Problem](err)
	if !ok {
		return false
	}
	status := p.Status
	if status == 0 {
		status = http.StatusForbidden
	}
	answer(w, status, p.Code, p.Detail, p.Do)
	return true
}

func answer(w http.ResponseWriter, status int, code, detail, do string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"status": status, "code": code, "title": http.StatusText(status), "detail": detail,
		"do": do}) //nolint:errcheck // the sensor went away
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the sensor went away
}

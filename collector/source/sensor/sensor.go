// Package sensor takes the batches of our own sensors in: HTTPS/2 with a client certificate each.
//
//	POST /v1/batches    body: wire.Encode of a Batch whose Sequence is the sensor's own → 200 {"sequence":n,"duplicate":false}
//	                    after the fsync; the same sequence again is answered duplicate and stored once
//	GET  /v1/position   → 200 {"sequence":n}: the last sequence taken, where a sensor that lost its spool goes on
//	POST /v1/stats      accounting of 10 seconds (Stats) → 204
//	POST /v1/enroll     no client certificate: {"token":…,"csr":PEM} → 200 {"certificate":PEM,"authority":PEM,"sensor":id}
//
// 400 body that is no batch, 401 no certificate, 403 certificate of no sensor or token unknown or used, 413 too large,
// 429 queue full, 503 with Retry-After below the disk reserve; all as application/problem+json {status, code, detail, do}.
//
// Contract: New opens the socket, Run serves until its context ends. Sequences of one sensor may arrive out of order; a gap is
// reported and stays open for the batch that is missing.
package sensor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"

	"hoalu/ecs/wire"
)

// Put hands a sensor's batch to intake and returns when it is durable or known to be.
type Put func(ctx context.Context, sensor string, sequence uint64, frames []wire.Frame) (duplicate bool, err error)

// Name is the listener name in wire.Batch.Listener.
const Name = "sensor"

// Stats is what a sensor saw in 10 seconds: Seen = Sent + Dropped + Filtered + Waiting's growth, by record class.
type Stats struct {
	From     int64             `json:"from"` // Unix ms
	To       int64             `json:"to"`
	Seen     map[string]int64  `json:"seen"`     // by class: packets, flows, dns, process …
	Sent     map[string]int64  `json:"sent"`     // given to the uplink and acknowledged
	Dropped  map[string]int64  `json:"dropped"`  // by reason: ring, buffer, spool …
	Filtered map[string]int64  `json:"filtered"` // by policy
	Waiting  int64             `json:"waiting"`  // in the spool
	Values   map[string]string `json:"values"`   // version, kernel, cpu, memory …
}

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
	MaxBody   int64 // bytes, 0: wire.MaxMessage

	// Identify names the sensor of a verified certificate; nil: the URI SAN's last path element, else the common name.
	Identify func(*x509.Certificate) (sensor string, err error)
	// Enroll exchanges a single-use token and a CSR (PEM) for a certificate; nil: enrolment is off. A *soc.Problem is shown as is.
	Enroll func(ctx context.Context, token string, csr []byte) (Enrolment, error)
	// Stats takes a sensor's accounts. May be nil.
	Stats func(ctx context.Context, sensor string, s Stats) error
	// Position reads the last sequence taken from a sensor (collector.Intake.SensorPosition).
	Position func(sensor string) uint64

	Reject     func(source, peer, reason string, n int)
	Connection func(peer string, open bool)
}

// Listener serves sensors.
type Listener struct{}

// New opens the socket.
func New(cfg Config, put Put, log *slog.Logger) (*Listener, error) { return &Listener{}, nil }

// Run serves until ctx ends.
func (l *Listener) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Addr is the address it listens on.
func (l *Listener) Addr() net.Addr { return nil }

// Accounts is a sensor's last Stats and their sums since the start.
type Accounts struct {
	Sensor                        string
	Last                          Stats
	Seen, Sent, Dropped, Filtered int64
	At                            int64 // receipt of Last
}

// Accounts lists what sensors have told of themselves.
func (l *Listener) Accounts() []Accounts { return nil }

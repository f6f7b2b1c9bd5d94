package state

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// connectWait is how long PostgreSQL may take to take a connection, where the DSN says nothing (connect_timeout).
	connectWait = 5 * time.Second
	// answerWait is how long PostgreSQL may say nothing while an answer is awaited. A server that hangs (its disk, its machine, a wire
	// that swallows packets) keeps every connection open, and whoever asked would wait for ever, with all the locks it holds.
	answerWait = 15 * time.Second
)

// errSilent is that PostgreSQL said nothing for answerWait. It is no net.Error: the connection is not used again.
var errSilent = errors.New("PostgreSQL took the question and does not answer")

// connector makes connections to PostgreSQL that do not wait for ever. The DSN is read for each, and with it the password file.
type connector struct {
	dsn    string
	answer *atomic.Int64 // longest silence, in nanoseconds; 0: none, as long as migrations run
}

func (c connector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	config, err := pgx.ParseConfig(c.dsn)
	if err != nil {
		return nil, fmt.Errorf("read state.dsn: %w", err)
	}
	if config.ConnectTimeout == 0 { // nothing is said
		config.ConnectTimeout = connectWait
	}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &heard{Conn: conn, answer: c.answer}, nil
	}
	return stdlib.GetConnector(*config).Connect(ctx)
}

// heard is a connection that is given up when the other side says nothing. The driver reads only while it awaits an answer.
type heard struct {
	net.Conn
	answer *atomic.Int64

	mu    sync.Mutex // held while a deadline is set
	until time.Time  // the driver's own deadline for reading; zero: none
}

func (c *heard) Read(b []byte) (int, error) {
	wait := time.Duration(c.answer.Load())
	c.mu.Lock()
	at, ours := c.until, false
	if limit := time.Now().Add(wait); wait > 0 && (at.IsZero() || limit.Before(at)) {
		at, ours = limit, true
	}
	err := c.Conn.SetReadDeadline(at)
	c.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if err != nil && ours && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(at) {
		return n, fmt.Errorf("%w for %s", errSilent, wait)
	}
	return n, err
}

func (c *heard) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	return c.Conn.SetDeadline(t)
}

func (c *heard) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	return c.Conn.SetReadDeadline(t)
}

package state

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"hoalu/internal/wording"
)

const (
	// connectWait is how long PostgreSQL may take to take a connection, where the DSN says nothing (connect_timeout).
	connectWait = 5 * time.Second
	// answerWait is how long PostgreSQL may say nothing while an answer is awaited. A server that hangs (its disk, its machine, a wire
	// that swallows packets) keeps every connection open, and whoever asked would wait for ever, with all the locks it holds.
	answerWait = 15 * time.Second
	// writeWait is how long a change may take in all, with the wait for its turn: many that each wait answerWait stand in one row. It is
	// shorter than a lease, so that a worker whose lease has ended writes nothing more.
	writeWait = 45 * time.Second
	// writeStep is how many bytes PostgreSQL must take within answerWait, where it takes any: a long write on a slow line is no silence.
	writeStep = 64 << 10
)

var (
	// errSilent is that PostgreSQL said or took nothing for answerWait. It is no net.Error: the connection is not used again.
	errSilent error = wording.New("PostgreSQL took the question and does not answer")
	// errLong is that a change was not done within writeWait.
	errLong error = wording.New("PostgreSQL did not finish a change in time")
)

// ErrUnsure means that PostgreSQL was asked to commit and did not say whether it did: what was to be written may be there or not. It
// is for whoever asks to look before it is done again, or to do what has the same effect twice.
var ErrUnsure error = wording.New("PostgreSQL did not say whether the change is saved")

// unsure says whether what became of a commit is not known: err is no answer of PostgreSQL's and not from before it was asked.
func unsure(err error) bool {
	if p, ok := errors.AsType[*pgconn.PgError](err); ok {
		return Unreachable(p)
	}
	return !errors.Is(err, sql.ErrTxDone) && !errors.Is(err, pgx.ErrTxCommitRollback)
}

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
	took   atomic.Int64 // when the other side took bytes last, Unix nanoseconds: it is not silent while it does

	mu         sync.Mutex // held while a deadline is set
	until      time.Time  // the driver's own deadline for reading; zero: none
	untilWrite time.Time  // for writing
}

func (c *heard) Read(b []byte) (int, error) {
	since := time.Now()
	for {
		n, ours, err := c.bounded(c.Conn.Read, c.Conn.SetReadDeadline, &c.until, since, b)
		took := time.Unix(0, c.took.Load())
		if n == 0 && ours && took.After(since) { // while it waited a long question went out
			since = took
			continue
		}
		return n, err
	}
}

// Write gives up when the other side takes nothing: its machine stands still and the buffers between are full.
func (c *heard) Write(b []byte) (int, error) {
	for done := 0; ; {
		n, _, err := c.bounded(c.Conn.Write, c.Conn.SetWriteDeadline, &c.untilWrite, time.Now(), b[done:min(len(b), done+writeStep)])
		done += n
		if n > 0 {
			c.took.Store(time.Now().UnixNano())
		}
		if err != nil || done == len(b) {
			return done, err
		}
	}
}

// bounded does one read or write until the driver's own deadline or, ours then, until nothing happened for answer since since.
func (c *heard) bounded(do func([]byte) (int, error), set func(time.Time) error, until *time.Time, since time.Time,
	b []byte) (n int, ours bool, err error) {
	wait := time.Duration(c.answer.Load())
	c.mu.Lock()
	at := *until
	if limit := since.Add(wait); wait > 0 && (at.IsZero() || limit.Before(at)) {
		at, ours = limit, true
	}
	err = set(at)
	c.mu.Unlock()
	if err != nil {
		return 0, false, err
	}
	n, err = do(b)
	ours = ours && err != nil && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(at)
	if ours {
		err = fmt.Errorf("%w for %s", errSilent, wait)
	}
	return n, ours, err
}

func (c *heard) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until, c.untilWrite = t, t
	return c.Conn.SetDeadline(t)
}

func (c *heard) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	return c.Conn.SetReadDeadline(t)
}

func (c *heard) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.untilWrite = t
	return c.Conn.SetWriteDeadline(t)
}

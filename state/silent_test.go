package state

import (
	"context"
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// TestASilentServerIsGivenUp: what PostgreSQL does not answer ends by itself as unreachable, while the driver's own deadline stays a
// deadline and no limit holds during migrations.
func TestASilentServerIsGivenUp(t *testing.T) {
	var answer atomic.Int64
	open := func() *heard {
		here, there := net.Pipe()
		t.Cleanup(func() { here.Close(); there.Close() })
		return &heard{Conn: here, answer: &answer}
	}
	b := make([]byte, 1)

	c := open()
	if err := c.SetDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errSilent) {
		t.Errorf("without a limit, at the driver's deadline: %v", err)
	}

	answer.Store(int64(50 * time.Millisecond))
	c = open()
	_, err := c.Read(b)
	if !errors.Is(err, errSilent) || !Unreachable(err) {
		t.Errorf("behind the limit: %v, want that the server is silent", err)
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		t.Errorf("%v is a net.Error: the driver would go on using the connection", err)
	}

	c = open()
	if err := c.SetReadDeadline(time.Now().Add(-time.Second)); err != nil { // as the driver does when its context ends
		t.Fatal(err)
	}
	if _, err := c.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errSilent) {
		t.Errorf("of a question that was taken back: %v", err)
	}
}

// TestAServerThatTakesNoLogIn: a connection that is accepted and never spoken on ends as unreachable when its time is over.
func TestAServerThatTakesNoLogIn(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var answer atomic.Int64
	answer.Store(int64(100 * time.Millisecond))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	began := time.Now()
	_, err = connector{dsn: "postgres://hoalu@" + ln.Addr().String() + "/postgres?sslmode=disable", answer: &answer}.Connect(ctx)
	if err == nil || !Unreachable(err) || time.Since(began) > 5*time.Second {
		t.Errorf("after %s: %v, want that it cannot be reached within 100 ms", time.Since(began), err)
	}
}

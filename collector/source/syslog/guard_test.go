package syslog

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"hoalu/ecs/wire"
)

// TestAPanicCostsItsConnection: a panic while a connection is read, or while its frames are put, is counted with its sender and ends
// nothing but that; other senders are served on.
func TestAPanicCostsItsConnection(t *testing.T) {
	s := newSink()
	var opened atomic.Int64
	l, stop := serveWith(t, s, Config{TCP: "127.0.0.1:0", Connection: func(_ string, open bool) {
		if open && opened.Add(1) == 1 {
			panic("a fault of ours in reading")
		}
	}}, func(ctx context.Context, listener string, frames []wire.Frame) error {
		for _, f := range frames {
			if strings.Contains(string(f.Data), "poison") {
				panic("a fault of ours in putting")
			}
		}
		return s.put(ctx, listener, frames)
	})
	defer stop()
	send := func(text string) {
		c, err := net.Dial("tcp", l.Transport(TCP).String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprintf(c, "%d %s", len(text), text)
	}
	send("<13>1 - h a - - - the first connection")
	s.wait(t, "the connection that could not be read", func() bool { return s.losses[BadFrame] == 1 })
	send("<13>1 - h a - - - poison")
	s.wait(t, "the frame that could not be put", func() bool { return s.losses[Refused] == 1 })
	send("<13>1 - h a - - - good")
	s.wait(t, "the others' frame", func() bool { return len(s.got) == 1 })
}

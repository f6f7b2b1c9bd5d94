#!/usr/bin/env bash
# Add a log source: a listener with its test, and its row.
source "$(dirname "$0")/lib.sh"
most=4
section='A log source'
sample=walksample
dir=collector/source/walksample

step "the listener" "walksample" the_listener
the_listener() {
  mkdir -p $dir
  cat >$dir/walksample.go <<'GO'
// Package walksample takes lines over TCP: the sample of a walk.
package walksample

import (
	"bufio"
	"context"
	"errors"
	"net"

	"hoalu/ecs/wire"
)

// Name of the listener in a batch.
const Name = "walk_sample"

// Listener takes lines.
type Listener struct {
	ln  net.Listener
	put func(ctx context.Context, listener string, frames []wire.Frame) error
}

// New opens it.
func New(address string, put func(ctx context.Context, listener string, frames []wire.Frame) error) (*Listener, error) {
	ln, err := net.Listen("tcp", address)
	return &Listener{ln, put}, err
}

// Addr is where it listens.
func (l *Listener) Addr() net.Addr { return l.ln.Addr() }

// Close closes its socket; after Run it is closed already.
func (l *Listener) Close() error {
	if err := l.ln.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Run serves one connection after the other until ctx ends.
func (l *Listener) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { l.ln.Close() })()
	for {
		c, err := l.ln.Accept()
		if err != nil {
			return ctx.Err()
		}
		for s := bufio.NewScanner(c); s.Scan(); {
			if err := l.put(ctx, Name, []wire.Frame{{Peer: c.RemoteAddr().String(), Format: wire.FormatSyslog, Data: append([]byte(nil), s.Bytes()...)}}); err != nil {
				break
			}
		}
		c.Close()
	}
}
GO
}
step "its test" "collector/source/walksample has no test" its_test
its_test() {
  mkdir -p $dir
  cat >$dir/walksample_test.go <<'GO'
package walksample

import (
	"context"
	"net"
	"testing"

	"hoalu/ecs/wire"
)

func TestLine(t *testing.T) {
	got := make(chan string, 1)
	l, err := New("127.0.0.1:0", func(_ context.Context, _ string, f []wire.Frame) error { got <- string(f[0].Data); return nil })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("one line\n")); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "one line" {
		t.Errorf("frame %q", s)
	}
	c.Close()
	stop()
	<-done
}
GO
}
step "its row in the table" "collector/source/walksample has no row in collector.Sources" its_row
its_row() {
  sed -i 's|^var Sources = \[\]Source{|&\n\t{Name: walksample.Name, Folder: "walksample", Kind: soc.SourceSyslog, Key: "walk_sample", Linger: linger,\n\t\tOpen: func(o Opening) (Listener, error) { return walksample.New(o.Address, o.Put) }},|
s|^\t"hoalu/collector/source/syslog"|&\n\t"hoalu/collector/source/walksample"|' collector/sources.go
}
step "what it takes, in both languages" "row walk_sample: Says must tell in both languages" it_says
it_says() {
  sed -i 's|return walksample.New(o.Address, o.Put) }},|return walksample.New(o.Address, o.Put) },\n\t\tSays: map[string]string{"vi": "dòng mẫu qua TCP", "en": "sample lines over TCP"}},|' collector/sources.go
}
walk

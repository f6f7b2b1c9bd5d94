package socket

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"hoalu/sensors/bpf/attach/attachtest"
)

// TestSeesConnections: a connection another process opens is seen with both ends.
func TestSeesConnections(t *testing.T) {
	if os.Getenv("HOALU_TEST_CONNECT") != "" { // the other process
		c, err := net.Dial("tcp", os.Getenv("HOALU_TEST_CONNECT"))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).Port
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := New("testhost")
	ready, done := make(chan struct{}), make(chan error, 1)
	var mu sync.Mutex
	var connect, listen map[string]any
	var child int
	go func() {
		done <- p.Run(ctx, func() { close(ready) }, func(rec []byte) {
			var m map[string]any
			if err := json.Unmarshal(rec, &m); err != nil {
				t.Errorf("record is not JSON: %v\n%s", err, rec)
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case m["event.action"] == "connect" && m["destination.port"] == float64(port):
				connect = m
				child = int(m["process.pid"].(float64))
			case m["event.action"] == "listen" && child != 0 && m["process.pid"] == float64(child):
				listen = m
			}
		})
	}()
	attachtest.Ready(t, ready, done)
	cmd := exec.Command(os.Args[0], "-test.run", "TestSeesConnections")
	cmd.Env = append(os.Environ(), fmt.Sprintf("HOALU_TEST_CONNECT=127.0.0.1:%d", port))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		ok := connect != nil && listen != nil
		mu.Unlock()
		if ok {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("connect = %v, listen = %v", connect, listen)
		}
	}
	for field, want := range map[string]any{"destination.ip": "127.0.0.1", "network.transport": "tcp",
		"sigma.logsource.category": "network_connection", "event.category": "network"} {
		if connect[field] != want {
			t.Errorf("%s = %v, want %v", field, connect[field], want)
		}
	}
	cancel()
	<-done
	if b := p.Books(); b.Seen != b.Sent+b.Dropped+b.Filtered || b.Sent == 0 {
		t.Errorf("books do not balance: %+v", b)
	}
}

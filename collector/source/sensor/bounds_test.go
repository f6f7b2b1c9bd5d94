package sensor

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hoalu/collector/source/listen"
	"hoalu/ecs/wire"
)

func nothing(context.Context, string, uint64, []wire.Frame) (bool, error) { return false, nil }

// Thousands of connections without a certificate, each with an enrolment of one byte that never goes on: a sensor of another address
// is served at once, the attackers' connections end in time, and then one of the same address is served as well.
func TestAnonymousConnectionsLockNobodyOut(t *testing.T) {
	a := newAuthority(t)
	var mu sync.Mutex
	refused := 0
	_, url := serve(t, a, Config{Limits: listen.Limits{Patience: 3 * time.Second}, Position: func(string) uint64 { return 7 },
		Enroll: func(context.Context, string, []byte) (Enrolment, error) { return Enrolment{}, nil },
		Reject: func(_, _, reason string, n int) {
			mu.Lock()
			defer mu.Unlock()
			if reason == TooMany {
				refused += n
			}
		}}, nothing)
	addr := strings.TrimPrefix(url, "https://")
	attacker := &tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}},
		Config: &tls.Config{RootCAs: a.pool()}}
	var open []net.Conn
	for range 300 {
		c, err := attacker.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			continue // refused
		}
		defer c.Close()
		if _, err := io.WriteString(c, "POST /v1/enroll HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"); err == nil {
			open = append(open, c)
		}
	}
	own := client(t, a, a.pair(t, "CB-1"))
	began := time.Now()
	if status, _, _ := send(t, own, "GET", url+"/v1/position", nil); status != 200 || time.Since(began) > 2*time.Second {
		t.Errorf("a sensor beside them: %d after %s, want 200 at once", status, time.Since(began))
	}
	for _, c := range open {
		c.SetReadDeadline(began.Add(15 * time.Second)) //nolint:errcheck
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Fatal("a connection that showed nothing is open for 15 s")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if refused == 0 {
		t.Error("nothing was refused or closed")
	}
	// The sensor's own connection is not one of those.
	if status, _, _ := send(t, own, "GET", url+"/v1/position", nil); status != 200 {
		t.Errorf("the sensor afterwards: %d", status)
	}
}

// Of 64 places one address has 8, and 2 of them for connections that show no certificate. Nothing here ends by time.
func TestOneAddressHasItsShareOnly(t *testing.T) {
	a := newAuthority(t)
	var refused atomic.Int64
	_, url := serve(t, a, Config{Limits: listen.Limits{Connections: 64, Patience: -1}, Position: func(string) uint64 { return 7 },
		Reject: func(_, _, reason string, n int) {
			if reason == TooMany {
				refused.Add(int64(n))
			}
		}}, nothing)
	const attempts = 40
	for range attempts {
		c, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}).DialContext(t.Context(), "tcp",
			strings.TrimPrefix(url, "https://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	for end := time.Now().Add(20 * time.Second); refused.Load() < attempts-2; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d connections of one address are refused or made way, want all but two", refused.Load(), attempts)
		}
	}
	if status, _, _ := send(t, client(t, a, a.pair(t, "CB-1")), "GET", url+"/v1/position", nil); status != 200 {
		t.Errorf("a sensor beside them: %d", status)
	}
	if n := refused.Load(); n != attempts-2 {
		t.Errorf("%d refused after a sensor came, want %d still: nobody made way for it", n, attempts-2)
	}
}

// Bodies of stats, renewals and enrolments that do not come end in time.
func TestSlowSmallBodies(t *testing.T) {
	a := newAuthority(t)
	_, url := serve(t, a, Config{Limits: listen.Limits{Patience: -1},
		Enroll: func(context.Context, string, []byte) (Enrolment, error) { return Enrolment{}, nil }}, nothing)
	pair := a.pair(t, "CB-1")
	var all sync.WaitGroup
	for _, path := range []string{"stats", "renew", "enroll"} {
		all.Go(func() {
			c, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{RootCAs: a.pool(), Certificates: []tls.Certificate{pair}})
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			io.WriteString(c, "POST /v1/"+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{") //nolint:errcheck
			began := time.Now()
			c.SetReadDeadline(began.Add(smallTime + 10*time.Second)) //nolint:errcheck
			if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
				t.Errorf("%s: open after %s", path, time.Since(began))
			}
		})
	}
	all.Wait()
}

// A hundred bodies of 7 MiB that never end cost the memory of those that have a place, and another sensor is served meanwhile.
func TestUnfinishedBodiesAreBounded(t *testing.T) {
	a := newAuthority(t)
	_, url := serve(t, a, Config{}, nothing)
	pair := a.pair(t, "CB-1")
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	release := make(chan struct{})
	var all sync.WaitGroup
	defer func() {
		close(release)
		all.Wait()
	}()
	var mu sync.Mutex
	refused := 0
	seven := bytes.Repeat([]byte{0x55}, 7<<20)
	for range 100 {
		all.Go(func() {
			c := client(t, a, pair)
			req, err := http.NewRequest("POST", url+"/v1/batches", io.MultiReader(bytes.NewReader(seven), blocked(release)))
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := c.Do(req)
			if err != nil {
				return
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusTooManyRequests {
				mu.Lock()
				refused++
				mu.Unlock()
			}
		})
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		n := refused
		mu.Unlock()
		if n == 100-bodiesOfOne {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d of 100 bodies were put off, want %d", n, 100-bodiesOfOne)
		}
	}
	other := client(t, a, a.pair(t, "CB-2"))
	batch := wire.Encode(&wire.Batch{Sequence: 1, Frames: []wire.Frame{{Format: wire.FormatECS, Data: []byte(`{"message":"x"}`)}}})
	if status, body, _ := send(t, other, "POST", url+"/v1/batches", batch); status != 200 {
		t.Errorf("another sensor: %d %v, want 200", status, body)
	}
	runtime.GC()
	runtime.ReadMemStats(&m)
	if grown := int64(m.HeapAlloc) - int64(before); grown > 250<<20 { // of which the clients of this test have their part
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
}

// blocked is a reader that says nothing until c closes.
type blocked chan struct{}

func (b blocked) Read([]byte) (int, error) {
	<-b
	return 0, io.ErrUnexpectedEOF
}

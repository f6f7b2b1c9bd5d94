package bulk

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/collector/source/listen"
)

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// repeated is a body of n lines, compressed.
func repeated(t *testing.T, encoding, line string, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	var z io.WriteCloser = gzip.NewWriter(&b)
	if encoding == "deflate" {
		z = zlib.NewWriter(&b)
	}
	block := strings.Repeat(line, 1000)
	for range n / 1000 {
		if _, err := io.WriteString(z, block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// peak runs do and returns how far the heap grew beyond what it was.
func peak(do func()) uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before, most := m.HeapAlloc, m.HeapAlloc
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		do()
	}()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		select {
		case <-ended:
			tick.Stop()
			return most - before
		case <-tick.C:
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}
	}
}

// A request of some hundred kB names millions of items: memory follows what is kept, and the answer has an end.
func TestItemsAndAnswerAreBounded(t *testing.T) {
	long := strings.Repeat("i", maxID)
	for _, tc := range []struct {
		name, encoding, line string
		lines                int
	}{
		{"delete, gzip", "gzip", "{\"delete\":{}}\n", 7_000_000},
		{"delete, deflate", "deflate", "{\"delete\":{}}\n", 7_000_000},
		{"documents of two bytes", "gzip", "{\"index\":{}}\n{}\n", 6_000_000},
		{"bad documents", "gzip", "{\"index\":{}}\n[]\n", 6_000_000},
		{"long ids", "gzip", `{"delete":{"_id":"` + long + `"}}` + "\n", 180_000},
		{"ids beyond the limit", "gzip", `{"delete":{"_index":"` + strings.Repeat("x", 2000) + `","_id":"` + long + long + `"}}` + "\n", 30_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body := repeated(t, tc.encoding, tc.line, tc.lines)
			s := &sink{forget: true}
			l, url := serveListener(t, Config{}, s)
			var status int
			grown := peak(func() {
				req, _ := http.NewRequest(http.MethodPost, url+"/_bulk", bytes.NewReader(body))
				req.Header.Set("Content-Encoding", tc.encoding)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				io.Copy(io.Discard, resp.Body) //nolint:errcheck // its length is not asked
				status = resp.StatusCode
			})
			// The answer, twice for what the collector of garbage has not taken yet, and the slices.
			if limit := uint64(5 * maxAnswer); grown > limit {
				t.Errorf("a body of %d kB made memory grow by %d MiB, limit %d", len(body)>>10, grown>>20, limit>>20)
			}
			if tc.lines > 1_000_000 && status != http.StatusRequestEntityTooLarge {
				t.Errorf("status %d, want 413: shippers divide such a request", status)
			}
			if n := l.budget.Used(); n != 0 {
				t.Errorf("%d bytes are still counted as held", n)
			}
		})
	}
}

// An action line that names half a million values is refused before it is taken apart, which would cost a hundred bytes for each of
// them; and what is taken apart is not held while the request waits for its next line.
func TestActionLineIsBounded(t *testing.T) {
	s := &sink{}
	_, url := serveListener(t, Config{}, s)
	line := func(n int) string {
		return `{"create":{"_index":"w","x":[` + strings.Repeat("0,", n) + `0]}}` + "\n{}\n"
	}
	grown := peak(func() {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				status, r := post(t, url+"/_bulk", "application/x-ndjson", strings.NewReader(line(500_000)))
				if status != 400 || !strings.Contains(r.Error.Reason, "malformed action line") {
					t.Errorf("an action line of a megabyte: %d %+v, want 400", status, r.Error)
				}
			})
		}
		wg.Wait()
	})
	if grown > 64<<20 {
		t.Errorf("eight action lines of a megabyte made memory grow by %d MiB, limit 64", grown>>20)
	}
	if _, r := post(t, url+"/_bulk", "application/x-ndjson", strings.NewReader(line(1000))); len(r.Items) != 1 || r.Items[0]["create"].Status != 201 {
		t.Errorf("an action line of 2 kB: %+v, want 201", r)
	}
}

// Many such requests at once hold no more than the budget, one address half of it, and another address is served meanwhile.
func TestOneAddressDoesNotTakeTheBudget(t *testing.T) {
	s := &sink{}
	l, url := serveListener(t, Config{}, s)
	release := make(chan struct{})
	var senders sync.WaitGroup
	defer func() {
		close(release)
		senders.Wait()
	}()
	for range 300 { // each holds a line of nearly a MiB open
		senders.Go(func() {
			body := io.MultiReader(strings.NewReader(`{"create":{}}`+"\n"+`{"x":"`+strings.Repeat("y", 900<<10)), blocked(release))
			req, _ := http.NewRequest(http.MethodPost, url+"/_bulk", body)
			if resp, err := from("127.0.0.2").Do(req); err == nil {
				resp.Body.Close()
			}
		})
	}
	within(t, "the address has its half", func() bool { return l.budget.Used() > bodies/2-(2<<20) })
	if n := l.budget.Used(); n > bodies/2 {
		t.Errorf("one address holds %d MiB, limit %d", n>>20, bodies/2>>20)
	}
	large := fmt.Sprintf("{\"create\":{}}\n{\"x\":\"%s\"}\n", strings.Repeat("z", 900<<10))
	if status, r := post(t, url+"/_bulk", "application/json", strings.NewReader(large)); status != 200 || r.Errors {
		t.Errorf("another address: %d %+v, want 200", status, r)
	}
}

// blocked is a reader that says nothing until c closes.
type blocked chan struct{}

func (b blocked) Read([]byte) (int, error) {
	<-b
	return 0, io.ErrUnexpectedEOF
}

// from is a client with an address of its own.
func from(address string) *http.Client {
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Transport: &http.Transport{DialContext: d.DialContext}}
}

func within(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// One address opens as many connections as it can, each with a request that never ends: another address is served at once, and so
// is the same one, by the place of a connection over which nothing comes.
func TestSlowRequests(t *testing.T) {
	s := &sink{}
	_, url := serveListener(t, Config{}, s)
	addr := strings.TrimPrefix(url, "http://")
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	for range 1000 {
		c, err := d.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c,
			"POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Type: application/json\r\n\r\n{\"create\":{\"_index\":\"a\"}}\n{\"x") //nolint:errcheck // may be refused
	}
	began := time.Now()
	for range 20 {
		if status, _ := post(t, url+"/_bulk", "application/json", strings.NewReader(docs(50))); status != 200 {
			t.Fatalf("status %d beside slow requests", status)
		}
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("20 requests beside 1,000 slow ones took %s", d)
	}
	if s.lossesOf(TooMany) == 0 {
		t.Error("none of 1,000 connections of one address was refused or closed")
	}
	same := from("127.0.0.2")
	within(t, "a request of the same address is served", func() bool {
		resp, err := same.Post(url+"/_bulk", "application/json", strings.NewReader(docs(1)))
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == 200
	})
}

// Connections that never send a request end in time.
func TestSilentConnections(t *testing.T) {
	s := &sink{}
	_, url := serveListener(t, Config{Limits: listen.Limits{Patience: 200 * time.Millisecond}}, s)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(10 * time.Second)) //nolint:errcheck
	if _, err := c.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("a connection without a request: %v, want it closed", err)
	}
}

// Lengths of chunks that are none end the request with 400, and nothing of it is taken as a document.
func TestBadChunks(t *testing.T) {
	for _, chunk := range []string{"zz\r\n{}\r\n0\r\n\r\n", "-1\r\nx", "fffffffffffffffff\r\nx", "7fffffffffffffff\r\n{\"create\":{}}\n"} {
		s := &sink{}
		url := serve(t, Config{Timeout: 500 * time.Millisecond}, s)
		for _, path := range []string{"/_bulk", "/a/_doc"} {
			c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n%s", path, chunk)
			answer := readAll(t, c)
			c.Close()
			if !strings.HasPrefix(answer, "HTTP/1.1 400") && !strings.HasPrefix(answer, "HTTP/1.1 408") {
				t.Errorf("%s with chunk %q: %.100s, want 400 or 408", path, chunk, answer)
			}
		}
		if len(s.frames) != 0 {
			t.Errorf("chunk %q: %d documents taken", chunk, len(s.frames))
		}
	}
}

// What senders write into an address (index names, ids, tokens in queries, also of setup requests that are passed over) reaches the
// product's own log from no branch.
func TestPathsStayOutOfTheLog(t *testing.T) {
	var mu sync.Mutex
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return said.Write(b)
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := &sink{}
	l, err := New(Config{Address: "127.0.0.1:0", Reject: s.lost,
		Peer: func(context.Context, string) (Binding, error) { return Binding{}, errors.New("the register is down") }}, s.put, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	const mark = "037095001234"
	ask := func() {
		for _, method := range []string{"GET", "HEAD", "PUT", "POST", "DELETE"} {
			for _, path := range []string{"/_template/" + mark, "/_index_template/" + mark, "/_component_template/" + mark, "/_ilm/policy/" + mark,
				"/_ingest/pipeline/" + mark, "/" + mark, "/" + mark + "/_doc/" + mark,
				"/" + mark + "/_update/1", "/" + mark + "/_bulk?pipeline=" + mark, "/_xpack?q=" + mark, "/" + mark + "/_search?q=" + mark,
				"/" + mark + "%1b[31m/_mapping", "/_alias/" + mark, "/_data_stream/" + mark} {
				req, err := http.NewRequest(method, "http://"+l.Addr().String()+path,
					strings.NewReader("{\"index\":{\"_index\":\""+mark+"\"}}\n{\"x\":1}\n"))
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("Content-Type", "application/json")
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatalf("%s %s: %v", method, path, err)
				}
				io.Copy(io.Discard, resp.Body) //nolint:errcheck // the answer is for the sender
				resp.Body.Close()
			}
		}
	}
	ask()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	l, err = New(Config{Address: "127.0.0.1:0", Reject: s.lost}, s.put, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	go func() { ended <- l.Run(ctx) }()
	ask()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if said.Len() == 0 {
		t.Error("nothing was logged: the requests met no branch that logs")
	}
	if strings.Contains(said.String(), mark) {
		t.Errorf("the product's log holds what senders wrote: %s", said.String())
	}
}

// writer is a function that takes what is written.
type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

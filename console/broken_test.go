package console

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// TestBrokenBodies: lengths of chunks that are none, and bodies that break off, are the sender's fault (4xx) before and behind the door,
// and the answer shows no hole of a text.
func TestBrokenBodies(t *testing.T) {
	b := newBench(t, Parts{})
	addr := strings.TrimPrefix(b.server.URL, "http://")
	for _, path := range []string{"/api/login", "/api/first/start", "/api/first"} {
		for _, body := range []string{"zz\r\n{}\r\n0\r\n\r\n", "-1\r\n{", "fffffffffffffffff\r\n{", "5\r\n{\"a\"\r\n",
			"7fffffffffffffff\r\n{\"login\":\""} {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(20 * time.Second)) //nolint:errcheck // a timeout fails below
			fmt.Fprintf(c,
				"POST %s HTTP/1.1\r\nHost: localhost\r\nAccept-Language: en\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%s",
				path, body)
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Errorf("%s with %q: %v", path, body, err)
				c.Close()
				continue
			}
			answer, err := io.ReadAll(res.Body)
			c.Close()
			text := strings.NewReplacer(`{"`, "", `":{`, "", `"}`, "", `[{`, "").Replace(string(answer))
			if err != nil || res.StatusCode < 400 || res.StatusCode >= 500 || strings.Contains(string(answer), "{trace}") ||
				strings.ContainsAny(text, "{") {
				t.Errorf("%s with %q: %d %s, %v; want 4xx and a whole text", path, body, res.StatusCode, answer, err)
			}
		}
	}
}

// TestWhatTheBuildLeftIsNotServed: the bundler's own list of files and the empty file that keeps the folder are nobody's business.
func TestWhatTheBuildLeftIsNotServed(t *testing.T) {
	b := newBench(t, Parts{})
	left := files()
	for _, name := range []string{".vite/manifest.json", ".keep", "assets/.hidden.js"} {
		left[name] = &fstest.MapFile{Data: []byte(`{"index.html":{"file":"assets/a-1.js"}}`)}
	}
	var err error
	if b.console.site, err = openIndex(left); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/.vite/manifest.json", "/.vite//manifest.json", "/assets/../.vite/manifest.json", "/%2evite/manifest.json",
		"/.keep", "/assets/.hidden.js"} {
		if res, body := b.get(t, path, nil); strings.Contains(body, "a-1.js\"}}") {
			t.Errorf("%s is served: %d %s", path, res.StatusCode, body)
		}
	}
}

package control

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hoalu/internal/wording"
	"hoalu/soc"
)

// serve runs a socket with operations until the test ends.
func serve(t *testing.T, data string, operations ...Operation) *Client {
	t.Helper()
	s, err := Listen(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, operations) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Serve: %v", err)
		}
	})
	return NewClient(data)
}

// TestProblemsTravel: a problem comes out of the socket as it went in, wrapped or not; any other error as its text.
func TestProblemsTravel(t *testing.T) {
	t.Parallel()
	want := &soc.Problem{Status: 409, Code: "in_use", Detail: "HT-001 is still in use.", Do: "Move it.",
		Values: map[string]string{"id": "HT-001"}, Uses: []soc.Use{{Kind: "source", ID: "NG-001", Past: true}}}
	c := serve(t, t.TempDir(), Operation{Pattern: "POST /problem",
		Do: func(*http.Request) (any, error) { return nil, errors.Join(errors.New("first"), want) }},
		Operation{Pattern: "GET /error", Do: func(*http.Request) (any, error) { return nil, errors.New("the disk is gone") }},
		Operation{Pattern: "GET /words", Do: func(*http.Request) (any, error) {
			return nil, fmt.Errorf("load the rules: %w", wording.New("%s holds %d bytes", "a.yml", 7))
		}},
		Operation{Pattern: "GET /unsayable", Do: func(*http.Request) (any, error) { return func() {}, nil }},
		Operation{Pattern: "POST /decode", Do: func(r *http.Request) (any, error) {
			var v struct{ Name string }
			return map[string]string{"name": r.URL.Query().Get("q")}, Decode(r, &v)
		}})
	ctx := context.Background()
	err := c.Call(ctx, "POST", "/problem", nil, nil, nil)
	var got *soc.Problem
	if !errors.As(err, &got) || cmp.Diff(want, got) != "" {
		t.Errorf("a problem: %v (-sent +came)\n%s", err, cmp.Diff(want, got))
	}
	// what can be said in another language comes out with its words, however it was wrapped
	err = c.Call(ctx, "GET", "/words", nil, nil, nil)
	var words *wording.Problem
	if !errors.As(err, &words) || err.Error() != "load the rules: a.yml holds 7 bytes" ||
		words.Say(func(string) string { return "%s có %d byte" }) != "a.yml có 7 byte" {
		t.Errorf("a problem in words: %v, %v", err, words)
	}
	got = nil
	if err := c.Call(ctx, "GET", "/error", nil, nil, nil); err == nil || err.Error() != "the disk is gone" || errors.As(err, &got) {
		t.Errorf("an error: %v", err)
	}
	if err := c.Call(ctx, "GET", "/unsayable", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "unsupported type") {
		t.Errorf("a value that is no JSON: %v", err)
	}
	if err := c.Call(ctx, "GET", "/nothing", nil, nil, nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("no operation: %v", err)
	}
	var v struct{ Name string }
	if err := c.Call(ctx, "POST", "/decode", url.Values{"q": {"x"}}, strings.NewReader(`{"name":"y"}`), &v); err != nil || v.Name != "x" {
		t.Errorf("decode: %+v, %v", v, err)
	}
	for what, body := range map[string]io.Reader{"not JSON": strings.NewReader("{"),
		"too large": io.MultiReader(strings.NewReader(`"`), bytes.NewReader(bytes.Repeat([]byte("x"), maxBody)), strings.NewReader(`"`))} {
		if err := c.Call(ctx, "POST", "/decode", nil, body, nil); !errors.As(err, &got) || got.Code != "bad_request" {
			t.Errorf("a body that is %s: %v", what, err)
		}
	}
}

// TestBrokenStream: a stream that fails before its first byte is an error of its own; after it the client does not take the part for the
// whole.
func TestBrokenStream(t *testing.T) {
	t.Parallel()
	no := &soc.Problem{Status: 422, Code: "no_pack", Detail: "No."}
	c := serve(t, t.TempDir(), Operation{Pattern: "POST /pack", Stream: func(w io.Writer, r *http.Request) error {
		for range len(r.URL.Query().Get("bytes")) {
			if _, err := w.Write([]byte("x")); err != nil {
				return err
			}
		}
		if r.URL.Query().Get("good") == "" {
			return no
		}
		return nil
	}})
	for _, tc := range []struct {
		query, want string
		good        bool
		code        string
	}{{"bytes=xx&good=1", "xx", true, ""}, {"", "", false, "no_pack"}, {"bytes=xx", "xx", false, ""}} {
		q, _ := url.ParseQuery(tc.query)
		var out bytes.Buffer
		err := c.Download(context.Background(), "/pack", q, &out)
		var p *soc.Problem
		if errors.As(err, &p); (err == nil) != tc.good || (p != nil) != (tc.code != "") || p != nil && p.Code != tc.code ||
			!strings.HasPrefix(tc.want, out.String()) {
			t.Errorf("Download ?%s: %q, %v; want good %v, code %q", tc.query, out.String(), err, tc.good, tc.code)
		}
	}
}

// TestNobodyThere: no appliance, no right to reach one and a path too long each say so.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	err := NewClient(data).Call(context.Background(), "GET", "/status", nil, nil, nil)
	var p *soc.Problem
	if !IsNotRunning(err) || !errors.As(err, &p) || p.Values["data"] != data {
		t.Errorf("no appliance: %v", err)
	}
	if IsNotRunning(nil) || IsNotRunning(errors.New(NotRunning)) {
		t.Error("IsNotRunning of other errors")
	}
	p = nil
	if err := NewClient(data).unreached(&os.PathError{Op: "dial", Err: os.ErrPermission}); !errors.As(err, &p) || p.Code != NotAllowed ||
		p.Values["data"] != data {
		t.Errorf("no right: %v", err)
	}
	if _, err := Listen(filepath.Join(data, strings.Repeat("x", 120)), nil); err == nil ||
		!strings.Contains(err.Error(), "longer than a socket's may be") {
		t.Errorf("a long path: %v", err)
	}
}

// TestSocketIsPrivate: only the owner may open it, and a socket that a killed process left is replaced.
func TestSocketIsPrivate(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for range 2 { // Close of a process that was killed removes nothing: neither does this one before the second Listen
		s, err := Listen(data, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.ln.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false)
		st, err := os.Stat(filepath.Join(data, Name))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Fatalf("the socket: %v, %v", st, err)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": time.Minute, "90m": 90 * time.Minute, "0s": 0, "-1s": -1, "soon": -1, "5": -1} {
		got, err := Duration(url.Values{"ttl": {text}}, "ttl", time.Minute)
		var p *soc.Problem
		if errors.As(err, &p) != (want < 0) || want >= 0 && got != want || p != nil && (p.Values["name"] != "ttl" || p.Values["given"] != text) {
			t.Errorf("Duration(%q) = %s, %v; want %s", text, got, err, want)
		}
	}
}

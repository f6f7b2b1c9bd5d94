package jsonhttps_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"hoalu/national/delivery"
	"hoalu/national/jsonhttps"
	"hoalu/soc"
)

// TestHostileCentre: whatever the far side answers (nothing, a byte now and then, without an end, megabytes of head, no's of megabytes,
// millions of empty items, other lengths than it says, somewhere else), a call ends in its time with an error, in memory that the answer
// does not set, and takes over no long words.
func TestHostileCentre(t *testing.T) {
	gone := make(chan struct{})
	long := bytes.Repeat([]byte("a"), 1<<20)
	many := func(w http.ResponseWriter, n int, what []byte) {
		for range n {
			if _, err := w.Write(what); err != nil {
				return
			}
		}
	}
	slow := func(w http.ResponseWriter) {
		for {
			select {
			case <-gone:
				return
			case <-time.After(20 * time.Millisecond):
				w.Write([]byte(" ")) //nolint:errcheck // the client has gone
				http.NewResponseController(w).Flush()
			}
		}
	}
	raw := func(w http.ResponseWriter, text ...string) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		for _, s := range text {
			if _, err := c.Write([]byte(s)); err != nil {
				return
			}
		}
	}
	modes := map[string]http.HandlerFunc{
		"nothing":      func(http.ResponseWriter, *http.Request) { <-gone },
		"drips":        func(w http.ResponseWriter, _ *http.Request) { slow(w) },
		"endless":      func(w http.ResponseWriter, _ *http.Request) { many(w, 1<<20, long) },
		"empty items":  func(w http.ResponseWriter, r *http.Request) { emptyItems(w, r) },
		"deep":         func(w http.ResponseWriter, _ *http.Request) { many(w, 15, bytes.Repeat([]byte("["), 1<<20)) },
		"long no":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(400); many(w, 15, long) },
		"long trouble": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); many(w, 15, long) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
		"short": func(w http.ResponseWriter, _ *http.Request) { raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}") },
		"negative": func(w http.ResponseWriter, _ *http.Request) {
			raw(w, "HTTP/1.1 200 OK\r\nContent-Length: -9\r\n\r\n{}")
		},
		"huge length": func(w http.ResponseWriter, _ *http.Request) {
			raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}")
		},
		"heads": func(w http.ResponseWriter, _ *http.Request) {
			raw(w, append([]string{"HTTP/1.1 200 OK\r\n"}, slicesOf("X: "+string(long)+"\r\n", 40)...)...)
		},
		"early": func(w http.ResponseWriter, _ *http.Request) {
			raw(w, slicesOf("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 1<<20)...)
		},
	}
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(nil)
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		modes[strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")[0]](w, r)
	})
	srv.StartTLS()
	defer srv.Close()
	defer close(gone)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	for mode := range modes {
		link := delivery.Link{URL: srv.URL + "/" + strings.ReplaceAll(mode, " ", "%20"), TLS: &tls.Config{RootCAs: pool}, Key: pub, Organ: "O"}
		a := jsonhttps.New()
		for what, call := range map[string]func(context.Context) error{
			"report": func(ctx context.Context) error {
				_, err := a.Deliver(ctx, link, soc.Report{ID: "BC-1", Body: []byte("{}")})
				return err
			},
			"list": func(ctx context.Context) error { _, err := a.List(ctx, link, 1, 2); return err },
		} {
			t.Run(mode+" "+what, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				defer cancel()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				began := time.Now()
				err := call(ctx)
				runtime.ReadMemStats(&after)
				if took := time.Since(began); err == nil || took > 20*time.Second {
					t.Fatalf("error %v after %s", err, took)
				}
				if refused, ok := errors.AsType[*delivery.Refused](err); ok && len(refused.Words) > 2000 {
					t.Errorf("the far side's no is taken over with %d bytes", len(refused.Words))
				}
				// The test's own server allocates in the same process: next to nothing in the modes that count here.
				limit := uint64(200 << 20)
				if what == "report" && (mode == "endless" || mode == "deep" || strings.HasPrefix(mode, "long ")) {
					limit = 8 << 20
				}
				if grown := after.TotalAlloc - before.TotalAlloc; grown > limit {
					t.Errorf("%d MB were allocated for it", grown>>20)
				}
			})
		}
	}
}

func slicesOf(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

// emptyItems is a list for the asker's period with five million items of three bytes.
func emptyItems(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, _ := strconv.ParseInt(q.Get("from"), 10, 64)
	w.Write([]byte(`{"organ":"O","from":` + strconv.FormatInt(from, 10) + `,"to":2,"reports":[{}`)) //nolint:errcheck // the client has gone
	for range 50 {
		w.Write(bytes.Repeat([]byte(",{}"), 100_000)) //nolint:errcheck // the client has gone
	}
	w.Write([]byte("]}")) //nolint:errcheck // the client has gone
}

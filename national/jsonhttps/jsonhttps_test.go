package jsonhttps_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"hoalu/national/delivery"
	"hoalu/national/forwardertest"
	"hoalu/national/jsonhttps"
)

// centre is a far side that keeps what it is given.
type centre struct {
	mu     sync.Mutex
	answer forwardertest.Answer
	held   map[string][]byte
	beats  int
	key    ed25519.PrivateKey
	other  ed25519.PrivateKey
}

func TestForwarder(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &centre{held: map[string][]byte{}, key: key, other: other}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/reports", c.take)
	mux.HandleFunc("GET /v1/reports", c.list)
	mux.HandleFunc("POST /v1/heartbeat", func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.beats++
		w.WriteHeader(http.StatusNoContent)
	})
	srv := httptest.NewTLSServer(mux)
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	forwardertest.Run(t, jsonhttps.New(), forwardertest.Peer{
		Channel: "json",
		Link: delivery.Link{URL: srv.URL, TLS: &tls.Config{RootCAs: pool}, Key: key.Public(), Organ: "000.00.35.H42",
			Timeout: 10 * time.Second},
		Answers: func(a forwardertest.Answer) { c.mu.Lock(); defer c.mu.Unlock(); c.answer = a },
		Beats:   func() int { c.mu.Lock(); defer c.mu.Unlock(); return c.beats },
		Held: func() map[string][]byte {
			c.mu.Lock()
			defer c.mu.Unlock()
			out := map[string][]byte{}
			for id, body := range c.held {
				out[id] = body
			}
			return out
		},
	})
}

func (c *centre) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := c.key
	switch c.answer {
	case forwardertest.Refuses:
		http.Error(w, "organ not registered", http.StatusUnprocessableEntity)
		return
	case forwardertest.Fails:
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	case forwardertest.Forges:
		key = c.other
	}
	id := r.Header.Get("Idempotency-Key")
	c.held[id] = body
	rc := jsonhttps.Receipt{ReceiptID: "R-" + id, ReportID: id, Digest: delivery.Digest(body),
		Received: time.Now().UTC().Format(time.RFC3339Nano), KeyID: "k"}
	rc.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, jsonhttps.ReceiptText(rc)))
	json.NewEncoder(w).Encode(rc) //nolint:errcheck // the client notices
}

func (c *centre) list(w http.ResponseWriter, r *http.Request) {
	from, _ := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	to, _ := strconv.ParseInt(r.URL.Query().Get("to"), 10, 64)
	c.mu.Lock()
	defer c.mu.Unlock()
	h := jsonhttps.Held{Organ: r.URL.Query().Get("organ"), From: from, To: to}
	for id, body := range c.held {
		h.Reports = append(h.Reports, jsonhttps.HeldItem{ID: id, Digest: delivery.Digest(body)})
	}
	h.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(c.key, jsonhttps.HeldText(h)))
	json.NewEncoder(w).Encode(h) //nolint:errcheck // the client notices
}

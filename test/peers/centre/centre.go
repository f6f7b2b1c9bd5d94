// Package centre is a national centre to test against: it takes reports over HTTPS with mutual TLS, signs receipts, keeps what it
// got, and on request drops, delays, repeats effects, lies or stays away. It shares no code with the product.
package centre

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is how the centre misbehaves.
type Fault string

// The faults a Centre can be told to show.
const (
	None      Fault = ""
	Away      Fault = "away"       // closes every connection
	Busy      Fault = "busy"       // 503
	Drop      Fault = "drop"       // takes the report, never answers
	Lose      Fault = "lose"       // answers with a receipt, keeps nothing
	BadSign   Fault = "bad_sign"   // receipt signed with another key
	OtherBody Fault = "other_body" // receipt with another digest
	Refuse    Fault = "refuse"     // 422
	Slow      Fault = "slow"       // answers after Delay
	NoReceipt Fault = "no_receipt" // 200 with an empty object
)

// Held is one report as it was taken.
type Held struct {
	ID, Digest, Organ string
	Created           int64
	Body              []byte
	Arrivals          int // how often it came; its effect is one
}

// Centre is a running test centre.
type Centre struct {
	URL        string
	ServerCA   string // PEM
	ReceiptKey string // PEM
	Delay      time.Duration

	key, other ed25519.PrivateKey
	srv        *http.Server

	mu         sync.Mutex
	fault      Fault
	choke      string
	ahead      time.Duration
	held       map[string]*Held
	order      []string
	heartbeats int
}

// Start listens on addr ("127.0.0.1:0"). clients, if not nil, is the pool client certificates must chain to; a client
// without any certificate is turned away either way.
func Start(addr string, clients *x509.CertPool) (*Centre, error) { return StartAs(addr, clients, nil) }

// StartAs is Start with a certificate that is changed before it is signed.
func StartAs(addr string, clients *x509.CertPool, change func(*x509.Certificate)) (*Centre, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test centre"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA:     true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if change != nil {
		change(ca)
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	c := &Centre{key: key, other: other, held: map[string]*Held{}, Delay: time.Second,
		ServerCA:   string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		ReceiptKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))}
	conf := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: caKey}}, ClientAuth: tls.RequireAnyClientCert,
		MinVersion: tls.VersionTLS12}
	if clients != nil {
		conf.ClientAuth, conf.ClientCAs = tls.RequireAndVerifyClientCert, clients
	}
	ln, err := tls.Listen("tcp", addr, conf)
	if err != nil {
		return nil, err
	}
	c.URL = "https://" + ln.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/reports", c.take)
	mux.HandleFunc("GET /v1/reports", c.list)
	mux.HandleFunc("POST /v1/heartbeat", c.beat)
	c.srv = &http.Server{Handler: c.misbehave(mux), ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go c.srv.Serve(ln)
	return c, nil
}

// Close stops the centre.
func (c *Centre) Close() error { return c.srv.Close() }

// SetFault changes how it misbehaves.
func (c *Centre) SetFault(f Fault) { c.mu.Lock(); c.fault = f; c.mu.Unlock() }

// Choke makes it answer 500 to reports that hold text, "" to none.
func (c *Centre) Choke(text string) { c.mu.Lock(); c.choke = text; c.mu.Unlock() }

// SetClock puts its clock ahead of the true time.
func (c *Centre) SetClock(ahead time.Duration) { c.mu.Lock(); c.ahead = ahead; c.mu.Unlock() }

// Forget drops a report it holds, as if it had answered and then lost it.
func (c *Centre) Forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.held, id)
	c.order = slices.DeleteFunc(c.order, func(x string) bool { return x == id })
}

// Held returns what it keeps, in order of first arrival.
func (c *Centre) Held() []Held {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []Held
	for _, id := range c.order {
		if h := c.held[id]; h != nil {
			out = append(out, *h)
		}
	}
	return out
}

// Heartbeats counts those taken.
func (c *Centre) Heartbeats() int { c.mu.Lock(); defer c.mu.Unlock(); return c.heartbeats }

func (c *Centre) misbehave(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		fault := c.fault
		c.mu.Unlock()
		switch fault {
		case Away:
			panic(http.ErrAbortHandler)
		case Busy:
			http.Error(w, "busy", http.StatusServiceUnavailable)
			return
		case Slow:
			select {
			case <-time.After(c.Delay):
			case <-r.Context().Done():
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (c *Centre) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	id := r.Header.Get("Idempotency-Key")
	var m struct {
		Format, ID, Created string
	}
	if err := json.Unmarshal(body, &m); err != nil || m.Format != "hoalu.report/1" || m.ID != id || id == "" {
		http.Error(w, "not a report", http.StatusBadRequest)
		return
	}
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	created, _ := time.Parse(time.RFC3339Nano, m.Created)
	c.mu.Lock()
	fault := c.fault
	ahead := c.ahead
	if c.choke != "" && strings.Contains(string(body), c.choke) {
		c.mu.Unlock()
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	if fault == Refuse {
		c.mu.Unlock()
		http.Error(w, "organ not registered", http.StatusUnprocessableEntity)
		return
	}
	if fault != Lose {
		h := c.held[id]
		if h == nil {
			h = &Held{ID: id, Digest: digest, Organ: r.Header.Get("X-Organ-Id"), Created: created.UnixMilli(), Body: body}
			c.held[id] = h
			c.order = append(c.order, id)
		}
		h.Arrivals++
	}
	c.mu.Unlock()
	switch fault {
	case Drop:
		panic(http.ErrAbortHandler)
	case NoReceipt:
		fmt.Fprint(w, "{}")
		return
	case OtherBody:
		digest = hex.EncodeToString(make([]byte, 32))
	}
	receiptID := make([]byte, 8)
	rand.Read(receiptID)
	rc := map[string]string{"receipt_id": hex.EncodeToString(receiptID), "report_id": id, "digest": digest,
		"received": time.Now().Add(ahead).UTC().Format(time.RFC3339Nano), "key_id": "centre-1"}
	text := "hoalu-receipt/1\n" + rc["receipt_id"] + "\n" + id + "\n" + digest + "\n" + rc["received"] + "\n" + rc["key_id"] + "\n"
	key := c.key
	if fault == BadSign {
		key = c.other
	}
	rc["signature"] = base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(rc)
}

func (c *Centre) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, _ := strconv.ParseInt(q.Get("from"), 10, 64)
	to, _ := strconv.ParseInt(q.Get("to"), 10, 64)
	type item struct {
		ID     string `json:"id"`
		Digest string `json:"digest"`
	}
	items := []item{}
	c.mu.Lock()
	for _, h := range c.held {
		if h.Organ == q.Get("organ") && h.Created >= from && h.Created < to {
			items = append(items, item{h.ID, h.Digest})
		}
	}
	c.mu.Unlock()
	sort.Slice(items, func(i, j int) bool { return items[i].ID < items[j].ID })
	text := fmt.Sprintf("hoalu-held/1\n%s\n%d\n%d\n", q.Get("organ"), from, to)
	for _, i := range items {
		text += i.ID + " " + i.Digest + "\n"
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"organ": q.Get("organ"), "from": from, "to": to, "reports": items,
		"signature": base64.StdEncoding.EncodeToString(ed25519.Sign(c.key, []byte(text)))})
}

func (c *Centre) beat(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.heartbeats++
	c.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

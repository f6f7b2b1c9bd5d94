// Package jsonhttps delivers reports as JSON over HTTPS with mutual TLS. The format is the product's own (docs/formats/national-json.md):
//
//	POST {url}/v1/reports          one report; Idempotency-Key is its id; 200 or 201 with a signed receipt
//	POST {url}/v1/heartbeat        {"organ","at","waiting"}; 200 or 204
//	GET  {url}/v1/reports?organ=&from=&to=   signed list of what the centre holds of ours
//
// A receipt is {"receipt_id","report_id","digest","received","key_id","signature"}; the signature (base64; Ed25519, or ECDSA over SHA-256)
// covers the text of ReceiptText. 400, 409, 413 and 422 are final; everything else is tried again.
package jsonhttps

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hoalu/national/delivery"
	"hoalu/soc"
)

// Adapter delivers over one HTTP client; a new Link version gets a new one.
type Adapter struct {
	mu     sync.Mutex
	tls    any
	client *http.Client
}

// New returns an Adapter without connections.
func New() *Adapter { return &Adapter{} }

// Message is the body of a report. Field minimisation: account names, command lines and other evidence stay here; the centre gets
// which rule, on which system, from which address, when and how often.
type Message struct {
	Format   string `json:"format"` // hoalu.report/1
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Order    int64  `json:"order"`
	Organ    string `json:"organ"`
	Created  string `json:"created"`
	Exercise bool   `json:"exercise,omitempty"`
	Alert    *Alert `json:"alert,omitempty"`
}

// Alert is the part of a Message about an alert.
type Alert struct {
	Number      string            `json:"number"`
	Rule        string            `json:"rule"`
	RuleVersion string            `json:"rule_version"`
	Title       map[string]string `json:"title"`
	Attack      []string          `json:"attack,omitempty"`
	Severity    soc.Severity      `json:"severity"`
	State       string            `json:"state"`
	CloseReason string            `json:"close_reason,omitempty"`
	System      string            `json:"system"`
	SystemName  string            `json:"system_name,omitempty"`
	Level       int               `json:"level,omitempty"`
	Unit        string            `json:"unit,omitempty"`
	Host        string            `json:"host,omitempty"`
	SourceIP    string            `json:"source_ip,omitempty"`
	First       string            `json:"first"`
	Last        string            `json:"last"`
	Count       int64             `json:"count"`
}

// Render makes the body of a report.
func (a *Adapter) Render(o delivery.Outgoing) ([]byte, error) {
	m := Message{Format: "hoalu.report/1", ID: o.ID, Kind: o.Kind, Order: o.Order, Organ: o.Organ, Created: stamp(o.Created),
		Exercise: o.Alert.Exercise}
	if o.Kind != delivery.KindTest {
		x := o.Alert
		m.Alert = &Alert{Number: x.Number, Rule: x.Rule, RuleVersion: x.RuleVersion, Title: x.Title, Attack: x.Attack, Severity: x.Severity,
			State: x.State, CloseReason: x.CloseReason,
			System: x.System, SystemName: o.System.Name, Level: o.System.Level, Unit: o.Unit.Name, Host: x.Host, SourceIP: x.Address,
			First: stamp(x.First), Last: stamp(x.Last), Count: x.Count}
	}
	return json.Marshal(m)
}

// Complete fills in the organ and, where the message was made without them, the system's name, level and unit.
func (a *Adapter) Complete(body []byte, o delivery.Outgoing) ([]byte, error) {
	var m Message
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, err
	}
	if m.Organ == o.Organ {
		return body, nil
	}
	m.Organ = o.Organ
	if x := m.Alert; x != nil {
		x.SystemName, x.Level, x.Unit = cmp.Or(x.SystemName, o.System.Name), cmp.Or(x.Level, o.System.Level), cmp.Or(x.Unit, o.Unit.Name)
	}
	return json.Marshal(m)
}

// Receipt as the centre answers it.
type Receipt struct {
	ReceiptID string `json:"receipt_id"`
	ReportID  string `json:"report_id"`
	Digest    string `json:"digest"`
	Received  string `json:"received"` // RFC 3339
	KeyID     string `json:"key_id"`
	Signature string `json:"signature"` // base64
}

// ReceiptText is what a receipt's signature covers.
func ReceiptText(r Receipt) []byte {
	return []byte("hoalu-receipt/1\n" + r.ReceiptID + "\n" + r.ReportID + "\n" + r.Digest + "\n" + r.Received + "\n" + r.KeyID + "\n")
}

// Held is the centre's list for a day.
type Held struct {
	Organ     string    `json:"organ"`
	From      int64     `json:"from"`
	To        int64     `json:"to"`
	Reports   HeldItems `json:"reports"`
	Signature string    `json:"signature"`
}

// HeldItems are what a list holds.
type HeldItems []HeldItem

// UnmarshalJSON refuses more items than a list of its length can mean: an empty one has three bytes and takes ten times as many here.
func (h *HeldItems) UnmarshalJSON(text []byte) error {
	if n := bytes.Count(text, []byte("{")); n > maxHeld {
		return fmt.Errorf("the list has %d items; %d are taken", n, maxHeld)
	}
	return json.Unmarshal(text, (*[]HeldItem)(h))
}

// HeldItem is one report the centre holds.
type HeldItem struct {
	ID     string `json:"id"`
	Digest string `json:"digest"`
}

// HeldText is what a list's signature covers.
func HeldText(h Held) []byte {
	items := slices.SortedFunc(slices.Values(h.Reports), func(a, b HeldItem) int { return strings.Compare(a.ID, b.ID) })
	var b bytes.Buffer
	fmt.Fprintf(&b, "hoalu-held/1\n%s\n%d\n%d\n", h.Organ, h.From, h.To)
	for _, i := range items {
		b.WriteString(i.ID + " " + i.Digest + "\n")
	}
	return b.Bytes()
}

// Verify checks a base64 signature over text.
func Verify(key crypto.PublicKey, text []byte, signature string) ([]byte, error) {
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return nil, fmt.Errorf("signature is not base64: %w", err)
	}
	ok := false
	switch k := key.(type) {
	case ed25519.PublicKey:
		ok = ed25519.Verify(k, text, sig)
	case *ecdsa.PublicKey:
		d := sha256.Sum256(text)
		ok = ecdsa.VerifyASN1(k, d[:], sig)
	default:
		return nil, fmt.Errorf("receipt key of type %T is not supported; use Ed25519 or ECDSA", key)
	}
	if !ok {
		return nil, errors.New("signature does not verify under the centre's key")
	}
	return sig, nil
}

func (a *Adapter) http(l delivery.Link) *http.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client == nil || a.tls != any(l.TLS) {
		if a.client != nil {
			a.client.CloseIdleConnections()
		}
		a.tls = l.TLS
		a.client = &http.Client{Transport: &http.Transport{TLSClientConfig: l.TLS, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2,
			IdleConnTimeout: 10 * time.Minute, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return errors.New("the centre redirects; set the final address")
			}}
	}
	return a.client
}

// Bounds of what is kept of an answer; a report carries a receipt, a heartbeat nothing that is read but words of trouble.
const (
	maxReceipt = 64 << 10
	maxList    = 16 << 20
	maxHeld    = maxList / 80 // an item with an id and a digest of ours is longer
)

// do asks, and reads an answer of at most most bytes: what the centre sends takes no more memory, however long it is.
func (a *Adapter) do(ctx context.Context, l delivery.Link, method, path string, body []byte,
	header map[string]string, most int) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(l.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Organ-Id", l.Organ)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := a.http(l).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, int64(most)+1))
	if err != nil {
		return 0, nil, fmt.Errorf("read answer: %w", err)
	}
	if good := res.StatusCode == http.StatusOK || res.StatusCode == http.StatusCreated; good && len(answer) > most {
		return 0, nil, fmt.Errorf("the centre's answer is longer than %d bytes", most)
	}
	return res.StatusCode, answer, nil
}

// Deliver posts one report.
func (a *Adapter) Deliver(ctx context.Context, l delivery.Link, r soc.Report) (soc.Receipt, error) {
	status, answer, err := a.do(ctx, l, http.MethodPost, "/v1/reports", r.Body, map[string]string{"Idempotency-Key": r.ID}, maxReceipt)
	if err != nil {
		return soc.Receipt{}, err
	}
	switch status {
	case http.StatusOK, http.StatusCreated:
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return soc.Receipt{}, &delivery.Refused{Words: fmt.Sprintf("%d %.500s", status, answer)}
	default:
		return soc.Receipt{}, fmt.Errorf("the centre answers %d %.200s", status, answer)
	}
	return a.Check(l.Key, r, answer)
}

// Check verifies a receipt.
func (a *Adapter) Check(key crypto.PublicKey, r soc.Report, answer []byte) (soc.Receipt, error) {
	var rc Receipt
	if len(answer) > maxReceipt {
		return soc.Receipt{}, fmt.Errorf("receipt not valid: it has %d bytes", len(answer))
	}
	if err := json.Unmarshal(answer, &rc); err != nil {
		return soc.Receipt{}, fmt.Errorf("the centre answers without a receipt: %w", err)
	}
	digest := delivery.Digest(r.Body)
	if rc.ReportID != r.ID || rc.Digest != digest {
		return soc.Receipt{}, fmt.Errorf("receipt is for another report: %.60s with digest %.64s", rc.ReportID, rc.Digest)
	}
	sig, err := Verify(key, ReceiptText(rc), rc.Signature)
	if err != nil {
		return soc.Receipt{}, fmt.Errorf("receipt not valid: %w", err)
	}
	received, err := parseStamp(rc.Received)
	if err != nil {
		return soc.Receipt{}, fmt.Errorf("receipt not valid: %w", err)
	}
	return soc.Receipt{ID: rc.ReceiptID, Report: r.ID, Received: received, Digest: digest, KeyID: rc.KeyID, Signature: sig, Raw: answer,
		Verified: true}, nil
}

// Heartbeat posts that we are alive.
func (a *Adapter) Heartbeat(ctx context.Context, l delivery.Link, at, waiting int64) error {
	body, err := json.Marshal(map[string]any{"organ": l.Organ, "at": stamp(at), "waiting": waiting})
	if err != nil {
		return err
	}
	status, answer, err := a.do(ctx, l, http.MethodPost, "/v1/heartbeat", body, nil, maxReceipt)
	if err != nil {
		return err
	}
	if status != http.StatusOK && status != http.StatusNoContent {
		return fmt.Errorf("the centre answers %d %.200s", status, answer)
	}
	return nil
}

// List gets what the centre holds of ours, made in [from, to).
func (a *Adapter) List(ctx context.Context, l delivery.Link, from, to int64) (map[string]string, error) {
	q := url.Values{"organ": {l.Organ}, "from": {strconv.FormatInt(from, 10)}, "to": {strconv.FormatInt(to, 10)}}
	status, answer, err := a.do(ctx, l, http.MethodGet, "/v1/reports?"+q.Encode(), nil, nil, maxList)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("the centre answers %d %.200s", status, answer)
	}
	var h Held
	if err := json.Unmarshal(answer, &h); err != nil {
		return nil, fmt.Errorf("the centre's list cannot be read: %w", err)
	}
	if h.Organ != l.Organ || h.From != from || h.To != to {
		return nil, errors.New("the centre's list is for another body or period")
	}
	if _, err := Verify(l.Key, HeldText(h), h.Signature); err != nil {
		return nil, fmt.Errorf("the centre's list is not valid: %w", err)
	}
	out := make(map[string]string, len(h.Reports))
	for _, i := range h.Reports {
		out[i.ID] = i.Digest
	}
	return out, nil
}

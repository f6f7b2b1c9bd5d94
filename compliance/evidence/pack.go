package evidence

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"hoalu/soc"
)

// An evidence pack is one text file: a JSON object a line, nothing else (docs/formats/evidence-pack.md).
//
//	header      what the pack is about
//	alert, posture, deed …  one record each; a deed carries its inclusion proof
//	checkpoint  the log's signed head
//	manifest    kind, id and SHA-256 of every line above, in order
//	signature   of the manifest line, with the public key
//
// Every byte of the file is under a hash in the manifest or is the manifest or its signature, so a changed byte, a dropped, added or moved
// line and a cut end are each found and named.

// PackFormat is the format this build writes.
const PackFormat = "hoalu.pack/1"

// Header says what a pack is about.
type Header struct {
	Format  string `json:"format"`
	System  string `json:"system"`
	Name    string `json:"name"`
	Level   int    `json:"level"`
	From    int64  `json:"from"`
	To      int64  `json:"to"`
	Made    int64  `json:"made"`
	By      string `json:"by"`
	Reason  string `json:"reason"`
	Product string `json:"product"`
	Demo    bool   `json:"demo,omitempty"` // of sample data: proves nothing
}

// PackRecord is one thing proven.
type PackRecord struct {
	Kind string // alert, posture, …
	ID   string
	Data any
}

type line struct {
	Kind  string          `json:"kind"`
	ID    string          `json:"id,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	Proof []string        `json:"proof,omitempty"` // hex hashes, deeds only
}

type manifestItem struct {
	Kind   string `json:"kind"`
	ID     string `json:"id,omitempty"`
	SHA256 string `json:"sha256"`
}

type manifest struct {
	Kind    string         `json:"kind"`
	Records []manifestItem `json:"records"`
}

type signature struct {
	Kind      string `json:"kind"`
	Key       string `json:"key"` // PEM
	Signature string `json:"signature"`
}

// WritePack writes a pack: the records, and the deeds with their inclusion proofs under the log's newest head. Deeds that the head does
// not cover yet are an error: wait for the next checkpoint and export again. Nothing is written on error before the first byte.
func (l *Log) WritePack(ctx context.Context, w io.Writer, h Header, records []PackRecord, deeds []soc.Deed, signer crypto.Signer) error {
	head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	h.Format = PackFormat
	var out bytes.Buffer
	var m manifest
	add := func(x line) error {
		b, err := json.Marshal(x)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		m.Records = append(m.Records, manifestItem{x.Kind, x.ID, hex.EncodeToString(sum[:])})
		out.Write(b)
		out.WriteByte('\n')
		return nil
	}
	data := func(kind, id string, v any, proof []string) error {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("render %s %s: %w", kind, id, err)
		}
		return add(line{kind, id, b, proof})
	}
	if err := data("header", h.System, h, nil); err != nil {
		return err
	}
	for _, r := range records {
		if err := data(r.Kind, r.ID, r.Data, nil); err != nil {
			return err
		}
	}
	for _, d := range deeds {
		if uint64(d.Number) > head.Size {
			return fmt.Errorf("audit row %d is newer than the log's signed head (%d rows); try again in a few seconds", d.Number, head.Size)
		}
		path, err := l.Proof(ctx, d.Number, head)
		if err != nil {
			return err
		}
		hashes := make([]string, len(path))
		for i, p := range path {
			hashes[i] = hex.EncodeToString(p)
		}
		b, err := leaf(d)
		if err != nil {
			return err
		}
		if err := add(line{"deed", fmt.Sprint(d.Number), b, hashes}); err != nil {
			return err
		}
	}
	if err := data("checkpoint", fmt.Sprint(head.Size), string(head.Raw), nil); err != nil {
		return err
	}
	m.Kind = "manifest"
	mb, err := json.Marshal(m)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(mb)
	sig, err := signer.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return fmt.Errorf("sign pack: %w", err)
	}
	der, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return err
	}
	sb, err := json.Marshal(signature{"signature", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), hex.EncodeToString(sig)})
	if err != nil {
		return err
	}
	out.Write(mb)
	out.WriteByte('\n')
	out.Write(sb)
	out.WriteByte('\n')
	_, err = w.Write(out.Bytes())
	return err
}

// Verdict is what a check of a pack found.
type Verdict struct {
	Good     bool           `json:"good"`
	Header   Header         `json:"header"`
	Counts   map[string]int `json:"counts"`
	Head     Head           `json:"head"`
	KeyID    string         `json:"key_id"` // SHA-256 of the public key, hex: compare it with what the console shows
	Findings []string       `json:"findings"`
}

// VerifyPack checks a pack without server or network. want is the expected key id, "" takes the pack's own key (then only the
// reader's comparison of KeyID says whose it is).
func VerifyPack(r io.Reader, want string) Verdict {
	v := Verdict{Counts: map[string]int{}, Findings: []string{}}
	found := func(format string, args ...any) { v.Findings = append(v.Findings, fmt.Sprintf(format, args...)) }
	raw, err := io.ReadAll(r)
	if err != nil {
		found("the file cannot be read: %v", err)
		return v
	}
	if len(raw) == 0 || raw[len(raw)-1] != '\n' {
		found("the end of the file is cut off")
	}
	lines := bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n"))
	if len(lines) < 4 {
		found("the file is not an evidence pack, or most of it is cut off")
		return v
	}
	body, mLine, sLine := lines[:len(lines)-2], lines[len(lines)-2], lines[len(lines)-1]

	var sig signature
	if err := exact(sLine, &sig); err != nil || sig.Kind != "signature" {
		found("the signature line is missing or altered: the end may be cut off")
		return v
	}
	block, _ := pem.Decode([]byte(sig.Key))
	if block == nil || string(pem.EncodeToMemory(block)) != sig.Key {
		found("the public key in the signature line is altered")
		return v
	}
	pub, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := pub.(*ecdsa.PublicKey)
	if err != nil || !ok {
		found("the public key in the signature line is altered")
		return v
	}
	sum := sha256.Sum256(block.Bytes)
	v.KeyID = hex.EncodeToString(sum[:])
	if want != "" && !strings.EqualFold(want, v.KeyID) {
		found("the pack is signed by another key (%s), not by %s", v.KeyID, want)
	}
	var m manifest
	mSum := sha256.Sum256(mLine)
	b, hexErr := hex.DecodeString(sig.Signature)
	signed := hexErr == nil && hex.EncodeToString(b) == sig.Signature && ecdsa.VerifyASN1(key, mSum[:], b)
	if !signed {
		found("the manifest or its signature is altered: the signature does not verify")
	}
	if err := exact(mLine, &m); err != nil || m.Kind != "manifest" {
		found("the manifest is missing or altered")
		return v
	}

	compare(body, m.Records, found)

	// What the lines say is checked even where the manifest already told on them, so that the whole extent is seen.
	note, err := newNote(Origin, key, nil)
	if err != nil {
		found("%v", err)
		return v
	}
	var parsed []line
	for i, b := range body {
		var x line
		if err := json.Unmarshal(b, &x); err != nil {
			found("line %d is not readable", i+1)
			continue
		}
		parsed = append(parsed, x)
		v.Counts[x.Kind]++
		switch x.Kind {
		case "header":
			if err := json.Unmarshal(x.Data, &v.Header); err != nil || v.Header.Format != PackFormat {
				found("the header is of format %q, this program reads %s", v.Header.Format, PackFormat)
			}
		case "checkpoint":
			var text string
			if err := json.Unmarshal(x.Data, &text); err == nil {
				if v.Head, err = openCheckpoint([]byte(text), note); err != nil {
					found("the log's head: %v", err)
				}
			}
		}
	}
	if v.Counts["header"] != 1 || v.Counts["checkpoint"] != 1 {
		found("the header or the log's head is missing")
	}
	if v.Head.Root != "" {
		for _, x := range parsed {
			if x.Kind != "deed" {
				continue
			}
			var number int64
			path := make([][]byte, len(x.Proof))
			bad := false
			for i, p := range x.Proof {
				if path[i], err = hex.DecodeString(p); err != nil {
					bad = true
				}
			}
			if _, err := fmt.Sscanf(x.ID, "%d", &number); err != nil || number < 1 || bad || verifyInclusion(x.Data, number, path, v.Head) != nil {
				found("audit row %s is not in the log under its signed head: it was altered", x.ID)
			}
		}
	}
	v.Good = len(v.Findings) == 0
	return v
}

// compare tells which lines differ from the manifest: altered, dropped, added or moved.
func compare(body [][]byte, records []manifestItem, found func(string, ...any)) {
	type place struct{ at []int }
	sums := make([]string, len(body))
	bySum := map[string]*place{}
	for i, b := range body {
		s := sha256.Sum256(b)
		sums[i] = hex.EncodeToString(s[:])
		if bySum[sums[i]] == nil {
			bySum[sums[i]] = &place{}
		}
		bySum[sums[i]].at = append(bySum[sums[i]].at, i)
	}
	same := len(body) == len(records)
	for i := 0; same && i < len(body); i++ {
		same = sums[i] == records[i].SHA256
	}
	if same {
		return
	}
	taken := make([]bool, len(body))
	var order []int // places of the records found unchanged
	var lost []int  // records without their line
	for i, r := range records {
		p := bySum[r.SHA256]
		if p == nil || len(p.at) == 0 {
			lost = append(lost, i)
			continue
		}
		taken[p.at[0]] = true
		order = append(order, p.at[0])
		p.at = p.at[1:]
	}
	var strange []int
	for i := range body {
		if !taken[i] {
			strange = append(strange, i)
		}
	}
	name := func(kind, id string) string { return strings.TrimSpace(kind + " " + id) }
	used := map[int]bool{}
	for _, i := range lost {
		r := records[i]
		match := -1
		for _, j := range strange {
			if used[j] {
				continue
			}
			var x line
			if json.Unmarshal(body[j], &x) == nil && x.Kind == r.Kind && x.ID == r.ID {
				match = j
				break
			}
			if j == i && len(body) == len(records) {
				match = j // same place, too damaged to name itself
			}
		}
		if match >= 0 {
			used[match] = true
			found("%s was altered (line %d)", name(r.Kind, r.ID), match+1)
		} else {
			found("%s was dropped", name(r.Kind, r.ID))
		}
	}
	for _, j := range strange {
		if !used[j] {
			found("line %d does not belong to the pack: it was added", j+1)
		}
	}
	if !sort.IntsAreSorted(order) {
		for k := 1; k < len(order); k++ {
			if order[k] < order[k-1] {
				var x line
				_ = json.Unmarshal(body[order[k]], &x)
				found("the order was changed: %s stands at line %d", name(x.Kind, x.ID), order[k]+1)
			}
		}
	}
}

// exact decodes a line and refuses any other spelling of the same object.
func exact(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return err
	}
	again, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return errors.New("not as it was written")
	}
	return nil
}

func decodeBase64(s string) ([]byte, error) { return base64.StdEncoding.Strict().DecodeString(s) }

package evidence

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"hoalu/soc"
)

// An evidence pack is one text file: a JSON object a line, nothing else (docs/formats/evidence-pack.md).
//
//	header      what the pack is about
//	alert, posture, deed …  one record each; a deed carries its inclusion proof
//	comparison  whether the database was what the log and the deeds say
//	heads       earlier heads that the log continues, with the proofs
//	checkpoint  the log's signed head
//	manifest    kind, id and SHA-256 of every line above, in order
//	signature   of the manifest line, with the public key
//
// Every byte of the file is under a hash in the manifest or is the manifest or its signature, so a changed byte, a dropped, added or moved
// line and a cut end are each found and named.

// PackFormat is the format this build writes.
const PackFormat = "hoalu.pack/2"

// packFormat1 is the format before it, without the records comparison and heads; it is still read (decision 15).
const packFormat1 = "hoalu.pack/1"

// Bounds of a pack, so that a check needs little memory whatever it is given. The writer keeps them too.
const (
	maxLine     = 64 << 20
	maxLines    = 500_000
	maxProof    = 64      // hashes of a proof: a log has fewer than 2^64 entries
	maxMembers  = 200_000 // members of the objects that are open at one place of a line
	maxFindings = 200
)

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

type packedLine struct {
	Kind  string          `json:"kind"`
	ID    string          `json:"id,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
	Proof hashes          `json:"proof,omitempty"` // deeds only
}

type manifestItem struct {
	Kind   string `json:"kind"`
	ID     string `json:"id,omitempty"`
	SHA256 string `json:"sha256"`
}

type manifest struct {
	Kind    string `json:"kind"`
	Records items  `json:"records"`
}

// hashes are hexadecimal texts. More than a proof may have are refused before there is room made for them: three bytes of a file would
// take sixteen of memory.
type hashes []string

// UnmarshalJSON reads them.
func (h *hashes) UnmarshalJSON(text []byte) error {
	if bytes.Count(text, []byte{','}) >= maxProof {
		return errors.New("more hashes than a proof may have")
	}
	return json.Unmarshal(text, (*[]string)(h))
}

// items of a manifest; more than a pack may have are refused like hashes.
type items []manifestItem

// UnmarshalJSON reads them.
func (m *items) UnmarshalJSON(text []byte) error {
	if n := bytes.Count(text, []byte{'{'}); n > maxLines || len(text) < n*leastItem {
		return errors.New("more records than a pack may have, or records without their sums")
	}
	return json.Unmarshal(text, (*[]manifestItem)(m))
}

// leastItem is the least length of an item: its sum alone has 64 digits.
const leastItem = 64

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
	return l.writePack(ctx, w, h, records, deeds, head, signer)
}

// writePack writes a pack under head.
func (l *Log) writePack(ctx context.Context, w io.Writer, h Header, records []PackRecord, deeds []soc.Deed, head Head,
	signer crypto.Signer) error {
	var err error
	h.Format = PackFormat
	var out bytes.Buffer
	var m manifest
	add := func(x packedLine) error {
		b, err := json.Marshal(x)
		if err != nil {
			return err
		}
		if len(b) > maxLine {
			return fmt.Errorf("%s %s has %d bytes, more than a line of a pack may have (%d)", x.Kind, x.ID, len(b), maxLine)
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
		return add(packedLine{kind, id, b, proof})
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
		if err := add(packedLine{"deed", fmt.Sprint(d.Number), b, hashes}); err != nil {
			return err
		}
	}
	if err := data("checkpoint", fmt.Sprint(head.Size), string(head.Raw), nil); err != nil {
		return err
	}
	m.Kind = "manifest"
	if err := writeEnd(&out, m, signer); err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

// writeEnd writes the manifest and its signature.
func writeEnd(out *bytes.Buffer, m manifest, signer crypto.Signer) error {
	mb, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if len(m.Records) > maxLines || len(mb) > maxLine {
		return fmt.Errorf("the pack would hold %d records, more than can be checked; export shorter periods, one after the other", len(m.Records))
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
	sb, err := json.Marshal(signature{"signature", string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
		hex.EncodeToString(sig)})
	if err != nil {
		return err
	}
	out.Write(mb)
	out.WriteByte('\n')
	out.Write(sb)
	out.WriteByte('\n')
	return nil
}

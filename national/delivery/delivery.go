// Package delivery holds the words the national link shares with its adapters: what an adapter may send (Outgoing), over what (Link),
// and the centre's final no (Refused).
package delivery

import (
	"crypto"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"time"

	"hoalu/soc"
)

// Link is one delivery's surroundings.
type Link struct {
	Channel string // row of the table of forwarders
	URL     string
	TLS     *tls.Config      // client certificate and pinned CA
	Key     crypto.PublicKey // signs receipts and lists; nil where the channel's are not signed
	Organ   string           // our identifier at the centre
	Timeout time.Duration
}

// Outgoing is what an adapter may put into a report; it leaves out what the centre does not need (accounts, raw evidence).
type Outgoing struct {
	ID      string
	Kind    string
	Order   int64
	Created int64
	Organ   string
	Alert   soc.Alert
	System  soc.System
	Unit    soc.Unit
}

// Receipts says what proves that the far side has a report.
type Receipts string

// Kinds of receipt.
const (
	Signed    Receipts = "signed"    // the far side's signature over the digest of the body, verified again whenever it is shown
	Transport Receipts = "transport" // the transport's acknowledgement, which proves nothing afterwards
	NoReceipt Receipts = "none"      // nothing: the report was handed over, and that is all that is known
)

// Refused is the centre's final no, in its own words.
type Refused struct{ Words string }

func (r *Refused) Error() string { return "refused by the centre: " + r.Words }

// Digest of a body, as receipts carry it: SHA-256 in hexadecimal.
func Digest(body []byte) string {
	d := sha256.Sum256(body)
	return hex.EncodeToString(d[:])
}

// Kinds of report.
const (
	KindAlert  = "alert"
	KindUpdate = "alert_update" // closed or reopened
	KindTest   = "test"
)

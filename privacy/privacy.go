// Package privacy finds citizens' identifiers in events and puts deterministic pseudonyms in their place (decision 17), so
// that what is stored stays searchable and joinable without showing who it is.
//
// Words: a Kind is a kind of identifier (cccd, phone); a Match is one place in a text; a token is "tk:" + letter of the kind
// + base32 of a keyed MAC over kind, system group and the normalised digits. Rules of shape and context come from the law
// notes for Vietnamese identifiers (docs/privacy.md).
//
// Contract: Find and a Protector are safe for concurrent use. Accounts, hosts, hashes, GUIDs, ids, ports and sizes are never
// touched. Only a Match of at least Likely is replaced.
package privacy

import "hoalu/ecs"

// Kind of a citizen identifier.
type Kind string

// The kinds found now.
const (
	CCCD  Kind = "cccd"  // 12-digit personal number (số định danh cá nhân)
	Phone Kind = "phone" // personal telephone number
)

// Confidence levels of a Match.
const (
	Confirmed = 0.9
	Likely    = 0.6
)

// MAC makes the keyed hash under which identifiers are stored; it returns at least 15 bytes and is safe for concurrent use.
type MAC interface {
	MAC(data []byte) []byte
}

// Config of a Protector.
type Config struct {
	MAC    MAC
	Groups []string                   // system groups in use; empty: one group for all
	Group  func(system string) string // group of a system; nil: the first group
}

// Match is one identifier in a text.
type Match struct {
	Kind       Kind
	Start, End int    // bytes in the text
	Normal     string // digits only; phone as +84…
	Confidence float64
}

var _ = ecs.Event{}

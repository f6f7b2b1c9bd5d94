// Package query is the search tree that people's words, the console's filters, rights and hunts are turned into, and that every
// event store understands. Its words are Elasticsearch's (term, terms, prefix, wildcard, regexp, range, exists, bool).
//
// Meaning, the same in every store (collector/store/storetest proves it):
//   - a node over a field holds when any value of the field satisfies it; a missing field satisfies nothing;
//   - Not holds when its node does not, so Not{Term} holds for events without the field;
//   - text compares with Unicode case folded, except Regexp, which is case-sensitive unless it says (?i);
//   - numbers written as numbers or as text compare by value in Range, by text in Term;
//   - null values satisfy nothing but are there for Exists only if they are not null.
package query

import (
	"errors"
	"fmt"
	"net/netip"

	"hoalu/ecs"
)

// Errors of a Search that whoever asked can mend.
var (
	ErrSearch = errors.New("search cannot be executed")
	ErrCursor = fmt.Errorf("%w: the cursor is of no page", ErrSearch)
)

// Node is one of the types below.
type Node interface{ node() }

type (
	// All holds for every event.
	All struct{}
	// None holds for no event; a scope without systems becomes it.
	None struct{}
	// Term holds when a value equals Value.
	Term struct {
		Field ecs.Field
		Value string
	}
	// Terms holds when a value equals one of Values.
	Terms struct {
		Field  ecs.Field
		Values []string
	}
	// Prefix holds when a value begins with Value.
	Prefix struct {
		Field ecs.Field
		Value string
	}
	// Wildcard holds when a whole value matches Pattern: * any run, ? one character, \ escapes.
	Wildcard struct {
		Field   ecs.Field
		Pattern string
	}
	// Regexp holds when RE2 Pattern is found in a value (search, not whole match).
	Regexp struct {
		Field   ecs.Field
		Pattern string
	}
	// Words holds when every word of Text (letters and digits, folded) is a word of one value of Field; Field 0-value Any
	// looks at every text field.
	Words struct {
		Field ecs.Field
		Any   bool // look in all fields; Field is ignored
		Text  string
	}
	// Range holds when a value lies between the bounds that are set; numbers by value, RFC 3339 by instant, else text.
	Range struct {
		Field            ecs.Field
		GT, GTE, LT, LTE string // "" is no bound
	}
	// CIDR holds when a value is an address inside Prefix (IPv4-mapped IPv6 counts as IPv4).
	CIDR struct {
		Field  ecs.Field
		Prefix netip.Prefix
	}
	// Exists holds when the field has a value that is not null.
	Exists struct{ Field ecs.Field }
	// And holds when all do (none: always).
	And []Node
	// Or holds when one does (none: never).
	Or []Node
	// Not holds when Node does not.
	Not struct{ Node Node }
)

func (All) node()      {}
func (None) node()     {}
func (Term) node()     {}
func (Terms) node()    {}
func (Prefix) node()   {}
func (Wildcard) node() {}
func (Regexp) node()   {}
func (Words) node()    {}
func (Range) node()    {}
func (CIDR) node()     {}
func (Exists) node()   {}
func (And) node()      {}
func (Or) node()       {}
func (Not) node()      {}

// Search asks a store for events, newest first unless Ascending.
type Search struct {
	Query     Node
	From, To  int64  // @timestamp in Unix ms, From inclusive, To exclusive; 0 is open
	Limit     int    // events returned; 0: only count and aggregate
	MaxBytes  int    // a page ends behind the event that reaches so many bytes, ecs.Event.Size each; 0: no bound
	After     string // cursor of the last Result, or ""
	Ascending bool
	Aggs      []Agg
	CountCap  int // stop counting past this many (0: exact)
}

// AggKind names an aggregation.
type AggKind string

// The aggregations every store answers.
const (
	AggTerms       AggKind = "terms"          // top Size values of Field with their counts
	AggHistogram   AggKind = "date_histogram" // counts per Interval of @timestamp, empty buckets included between From and To
	AggCardinality AggKind = "cardinality"    // number of distinct values
)

// Agg is one aggregation over everything the query matches.
type Agg struct {
	Name     string
	Kind     AggKind
	Field    ecs.Field
	Size     int   // terms
	Interval int64 // ms, histogram
}

// Bucket is one line of an aggregation.
type Bucket struct {
	Key   string // value, or RFC 3339 start of the interval
	Count int64
}

// AggResult answers an Agg. A field may have a value of its own in every event, so a store holds a bounded number of them and says where
// that made its answer approximate.
type AggResult struct {
	Buckets []Bucket
	Other   int64 // events whose value is not among Buckets
	Value   int64 // cardinality

	// Approximate: there were more values than the store holds. Value is then an estimate, and of terms CountError tells how far off
	// the counts are.
	Approximate bool
	// CountError is the most by which a count of terms may be too low; a value that is not among Buckets may have up to that
	// many more events than the last of them.
	CountError int64
}

// Result answers a Search.
type Result struct {
	Events  []*ecs.Event
	Total   int64
	Capped  bool   // Total stopped at CountCap
	Cut     bool   // the page ended at MaxBytes, before Limit; Next goes on
	Next    string // cursor, "" at the end
	Aggs    map[string]AggResult
	Scanned int64 // events looked at or pruned by statistics
	TookMS  int64
	Partial []string // segments or days that could not be read, with the reason; empty when complete
}

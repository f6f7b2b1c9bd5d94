// Package sigma reads Sigma rules, correlations and filters (sigma-specification 2.1.0) and decides which rules hold for an event.
//
// Words are the specification's: a Rule has a LogSource and detections; each detection is a search identifier over field
// conditions with modifiers; a condition joins them. A Correlation looks at the hits of rules over time (package correlate runs
// it); a Filter narrows rules.
//
// Contract: Parse and Compile refuse one document at a time and name the reason; what is refused never takes others with it. A Set
// is immutable and may be used by any number of goroutines. Set.Match takes scratch memory from a pool; a goroutine that matches
// much keeps its own Matcher. Events are only read.
//
// Decided where the specification is silent:
//   - an array field matches when any element does; each value of an "all" list may be found in another element;
//   - text is compared after simple Unicode case folding, except for re and cased;
//   - a missing or null field satisfies no condition but null, so "not filter" then holds; "exists" asks whether the field is there,
//     be it empty or null;
//   - a number written 4625.0 equals 4625 too;
//   - parts of a time (minute, hour, day, week, month, year) are taken in UTC; day is of the month, week as in ISO 8601;
//   - neq holds for a field that is there, is not null and equals none of the values;
//   - patterns ("1 of sel*") leave out identifiers that begin with "_" unless the pattern does, as pySigma;
//   - a filter is joined by "and" as written: suppression is "condition: not selection".
package sigma

import (
	"strconv"

	"hoalu/ecs"
	"hoalu/internal/wording"
)

// LogSource is what a rule applies to; an empty part applies to all.
type LogSource struct {
	Product  string
	Service  string
	Category string
}

// Applies reports whether a rule of this log source looks at events of ls.
func (l LogSource) Applies(ls ecs.Logsource) bool {
	if l.Product != "" && l.Product != ls.Product || l.Service != "" && l.Service != ls.Service {
		return false
	}
	if l.Category == "" {
		return true
	}
	for _, c := range ls.Category {
		if c == l.Category {
			return true
		}
	}
	return false
}

// contains reports whether every event of other's log source is one of l's (filters, specification "Sigma Filters").
func (l LogSource) contains(other LogSource) bool {
	return (l.Product == "" || l.Product == other.Product) && (l.Service == "" || l.Service == other.Service) &&
		(l.Category == "" || l.Category == other.Category)
}

// Meta is what rules, correlations and filters have in common.
type Meta struct {
	ID          string // as written; Name or Title where a document has none
	Name        string
	Title       string
	Description string
	Status      string
	Level       string
	Author      string
	Tags        []string
	References  []string
	FalsePos    []string
	File        string // path inside its pack
	Line        int    // where it begins in File
	Origin      string // of the pack
	Text        string // the document's YAML
	Version     string // sha256 of Text, 12 hex digits
	Texts       map[string]Texts
	Runbook     map[string][]string
}

// Texts are title and explanation in one language, from the top-level map "hoalu".
type Texts struct {
	Title string `yaml:"title"`
	Why   string `yaml:"why"`
}

// Rule is one Sigma detection rule.
type Rule struct {
	Meta
	LogSource LogSource

	// Generate is false for a rule that only feeds correlations: it does not alert by itself.
	Generate bool

	detections map[string]*detection
	names      []string // search identifiers in order of the file
	conditions []*condition
	filters    []*Filter

	// set by Compile
	index int32 // in Set.Rules
	root  int32 // node
}

// Filter narrows rules: the effective condition is (rule) and (filter).
type Filter struct {
	Meta
	LogSource LogSource
	Any       bool     // rules: any
	Rules     []string // ids or names

	detections map[string]*detection
	names      []string
	conditions []*condition
}

// Types of a Correlation.
const (
	EventCount      = "event_count"
	ValueCount      = "value_count"
	ValueSum        = "value_sum"
	ValueAvg        = "value_avg"
	Temporal        = "temporal"
	TemporalOrdered = "temporal_ordered"
)

// Bound is one operator of a correlation's condition.
type Bound struct {
	Op    string // gt gte lt lte eq neq
	Value float64
}

// Correlation looks at hits over time.
type Correlation struct {
	Meta
	Type     string
	Refs     []string // rules as written: ids or names
	Timespan int64    // ms
	GroupBy  []string
	Aliases  map[string]map[string]string // alias → rule as written → field
	Fields   []string                     // value_count, value_sum, value_avg: the field(s) of the condition
	Bounds   []Bound                      // all must hold
	Generate bool                         // the rules it refers to alert by themselves too

	// Alert is false for a correlation that only feeds another one.
	Alert bool

	// Needs says which of Refs must have been seen (temporal with a condition); nil: all of them.
	Needs func(seen []bool) bool
}

// Refusal is one document that was not taken, and why.
type Refusal struct {
	File string
	Line int    // where in the file, from 1; 0: not known
	Rule string // title or id, "" where the document could not be read so far
	Why  *wording.Problem
}

func (r Refusal) String() string { return r.Say(func(english string) string { return english }) }

// Say is place, rule and why, as translate gives the words.
func (r Refusal) Say(translate func(english string) string) string {
	why := r.Why.Say(translate)
	if r.Rule == "" {
		return r.Place() + ": " + why
	}
	return r.Place() + ": " + r.Rule + ": " + why
}

// Place is the file, and the line where it is known: "own/rule.yml:12".
func (r Refusal) Place() string {
	if r.Line > 0 {
		return r.File + ":" + strconv.Itoa(r.Line)
	}
	return r.File
}

// Documents is what Parse read.
type Documents struct {
	Rules        []*Rule
	Correlations []*Correlation
	Filters      []*Filter
	Refused      []Refusal
}

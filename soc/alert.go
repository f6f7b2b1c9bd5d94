package soc

// Condition is one line of a trace: which part of a rule looked at what and found it so or not.
type Condition struct {
	Search  string `json:"search"`          // search identifier of the rule ("selection"), or "" for a correlation's own line
	Field   string `json:"field,omitempty"` // as the rule names it; "" for keywords
	Op      string `json:"op"`              // equals, contains, startswith, endswith, re, cidr, exists, null, gt …, count, note
	Want    string `json:"want"`            // pattern as written
	Got     string `json:"got,omitempty"`   // the event's real value
	Matched bool   `json:"matched"`
	Negated bool   `json:"negated,omitempty"` // stands under a not

	Values  map[string]string `json:"values,omitempty"`  // of Op note: what the product itself saw; Want is the event.action
	Counted *Counted          `json:"counted,omitempty"` // of Op count; alerts made before it was kept have only Want and Got
}

// Counted is what a correlation wants, as data, so that each person reads it as a sentence of their own language.
type Counted struct {
	Type     string    `json:"type"`  // Sigma's correlation type: event_count, value_count, temporal …
	Rules    []RuleRef `json:"rules"` // that it counts, in its order
	Fields   []string  `json:"fields,omitempty"`
	Bounds   []Bound   `json:"bounds,omitempty"` // all must hold
	Timespan int64     `json:"timespan"`         // ms
	Partly   bool      `json:"partly,omitempty"` // temporal with a condition: not all of Rules are needed
}

// RuleRef names a rule as it was titled at the time.
type RuleRef struct {
	ID    string            `json:"id"`
	Title map[string]string `json:"title"` // vi, en
}

// Bound is one limit of a count: gt, gte, lt, lte, eq or neq a value.
type Bound struct {
	Op    string  `json:"op"`
	Value float64 `json:"value"`
}

// Hit is a rule that holds for one event, or a correlation that holds for a group of hits.
type Hit struct {
	Rule        string   // Sigma id
	RuleVersion string   // sha256 of the rule's text, 12 hex digits
	Event       string   // id of the event (for a correlation: of the event that completed it)
	Events      []string // correlation: ids of the events behind it, bounded, newest last
	System      string
	Source      string
	Time        int64        // event time
	Group       []GroupValue // correlation group-by
	Count       int64        // correlation: hits or distinct values counted
	Exercise    bool
	Demo        bool
}

// GroupValue is one group-by field and its value.
type GroupValue struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// Severity is the alert scale; never the law's "nghiêm trọng".
type Severity string

// The severities, least first.
const (
	Informational Severity = "informational"
	Low           Severity = "low"
	Medium        Severity = "medium"
	High          Severity = "high"
	Critical      Severity = "critical"
)

// RuleInfo is what people see of a rule.
type RuleInfo struct {
	ID          string              `json:"id"`
	Version     string              `json:"version"`
	Title       map[string]string   `json:"title"` // vi, en
	Why         map[string]string   `json:"why"`
	Runbook     map[string][]string `json:"runbook"` // vi, en: three steps
	Severity    Severity            `json:"severity"`
	Status      string              `json:"status"`
	Attack      []string            `json:"attack"` // T1505.003 …
	Tags        []string            `json:"tags"`
	Origin      string              `json:"origin"` // hoalu, sigmahq, local
	File        string              `json:"file"`
	Text        string              `json:"text"` // YAML
	Logsource   map[string]string   `json:"logsource"`
	Correlation bool                `json:"correlation"`
	Counts      []string            `json:"counts,omitempty"`     // ids of the rules that a correlation refers to
	CountsAll   bool                `json:"counts_all,omitempty"` // it needs all of them
}

// States of a Feed.
const (
	FeedArrives = "arrives"  // such events were stored within 30 days, or the appliance itself writes them
	FeedNotSeen = "not_seen" // a decoder makes such events; none was stored within 30 days
	FeedNotMade = "not_made" // no decoder makes such events, and none was stored within 30 days
	FeedUnknown = "unknown"  // it could not be told
)

// Feed says whether events that a rule looks at reach the appliance.
type Feed struct {
	State string
	Cause string // of FeedUnknown
}

// States of an Alert.
const (
	AlertNew          = "new"
	AlertAcknowledged = "acknowledged"
	AlertClosed       = "closed"
)

// Reasons to close an Alert, in the order of the keys 1 to 6.
var CloseReasons = []string{"true_attack", "authorised", "false_alarm", "duplicate", "exercise", "inconclusive"}

// Alert is one episode of a rule on a system (decision 5): key = (rule, system, first of rule group-by, host, user, source.ip), open
// until an hour passes without hits; id = hash(rule, key, first event id).
type Alert struct {
	ID           string // hash, 26 letters
	Number       string // CB-2026-000001
	Rule         string
	RuleVersion  string
	Title        map[string]string
	Severity     Severity
	Score        int // 0 to 100
	ScoreParts   map[string]int
	System       string
	Unit         string // owner of the system
	Source       string
	Host, User   string
	Address      string // source.ip
	Group        []GroupValue
	State        string
	Reopened     bool
	Holder       string // account id
	HolderName   string
	CloseReason  string
	First, Last  int64 // event times
	Created      int64 // when the alert was made
	Changed      int64
	Acknowledged int64
	Closed       int64
	ClosedBy     string
	Count        int64    // hits folded
	Folded       int64    // hits of other keys folded in because their rule flooded; a hunt finds them; 0 no flood
	Events       []string // ids kept, newest last, at most 50; Count says how many there were
	Evidence     string   // one line of machine text for lists
	Trace        []Condition
	Attack       []string
	Previous     string // CB- of the episode before, closed or not; "" none
	Exercise     bool
	Demo         bool
	Personal     bool // touches citizens' identifiers
	Version      int64
}

// Note is one line of an alert's history, append only.
type Note struct {
	Time   int64
	Actor  string
	Name   string
	Action string // created, hit, acknowledged, assigned, closed, reopened, note, undo
	Text   string
	Reason string
}

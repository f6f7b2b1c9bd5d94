// Package triage turns what rules found into alerts and keeps what people did about them.
//
// Words: a Firing is one hit with the rule, event and trace behind it; an Alert is one episode of a rule on a system (decision 5):
// hits with the same key fold into it until an hour passes without one. A Deed by a person (acknowledge, assign, close, reopen,
// note, undo) is written with its line of history and its audit row in one transaction. Scores run from 0 to 100 and are the sum of
// their parts (score.go).
//
// Contract: a Store is safe for concurrent use. Apply is exact and idempotent: the reader's position is written in the transaction
// of the alerts, and a batch at or before it changes nothing. Everything that reads takes a soc.Scope: an alert outside it is
// answered exactly as one that does not exist, and is in no count. Errors for a person are *soc.Problem (codes in problems.go).
package triage

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"time"

	"hoalu/soc"
	"hoalu/state"
)

// Config of a Store; the zero value is good.
type Config struct {
	// Quiet is how long an episode stays open without hits; 0 one hour.
	Quiet time.Duration
	// Flood is how many new alerts a rule may make on one system in one minute before the rest fold into one; 0 is 30.
	Flood int
	// Undo is how long a deed can be taken back; 0 is 10 s.
	Undo time.Duration
	// Zone decides the year in CB- numbers and where a day begins; nil Asia/Ho_Chi_Minh.
	Zone *time.Location

	// Outbox is called in the transaction for every alert that was created or changed (nil: nobody listens). It must use only tx.
	Outbox func(ctx context.Context, tx *sql.Tx, a soc.Alert, created bool) error
	// Record writes the audit row in the transaction (compliance/evidence.Record; nil: none is written).
	Record func(ctx context.Context, tx *sql.Tx, d soc.Deed) (int64, error)
	// Words makes what a person writes about an alert fit to be kept for ever (citizens' numbers replaced); nil keeps it as it is. On its
	// error nothing is written.
	Words func(string) (string, error)
	// Changed is called after the commit, once for each changed alert; it must not block.
	Changed func(soc.Notice)

	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Store keeps alerts.
type Store struct {
	db  *state.DB
	c   Config
	log *slog.Logger

	mu    sync.Mutex
	rules map[[2]string]bool // rule versions already stored
}

// New returns the Store over db.
func New(db *state.DB, c Config, log *slog.Logger) *Store {
	if c.Quiet == 0 {
		c.Quiet = time.Hour
	}
	if c.Flood == 0 {
		c.Flood = 30
	}
	if c.Undo == 0 {
		c.Undo = 10 * time.Second
	}
	if c.Zone == nil {
		c.Zone = soc.Zone
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Store{db: db, c: c, log: log.With("component", "triage"), rules: map[[2]string]bool{}}
}

// What detection hands over, and how far it had come then.
type (
	Firing     = soc.Firing
	Position   = soc.Position
	Checkpoint = soc.Checkpoint
)

// Ref names an alert (id or CB- number) and the version the person saw; Version 0 does not check.
type Ref struct {
	ID      string `json:"id"`
	Version int64  `json:"version,omitempty"`
}

// Failure is a Ref whose deed was refused.
type Failure struct {
	ID      string       `json:"id"`
	Problem *soc.Problem `json:"problem"`
}

// Result of a deed on one or many alerts. A deed on one alert that is refused is returned as error instead.
type Result struct {
	Changed   []soc.Alert
	Failed    []Failure
	Undo      string // token for Undo, "" nothing to take back
	UndoUntil int64  // Unix ms
}

// Which says whether rows of a kind are wanted.
type Which int

// The values of Which.
const (
	Without Which = iota
	With
	Only
)

// Filter chooses alerts; empty fields choose all, but exercises are left out unless asked for.
type Filter struct {
	States     []string // soc.Alert…, or "open" for new and acknowledged
	Severities []soc.Severity
	Systems    []string
	Units      []string
	Rules      []string
	Numbers    []string
	Sources    []string
	Holder     string // account id
	Unheld     bool
	Reasons    []string // close reasons
	Host       string
	User       string
	Address    string
	Text       string // words, all of which must occur; case, marks and order do not matter
	Exercise   Which
	NoDemo     bool
	Personal   bool  // only those that touch citizens' identifiers
	From, To   int64 // made in [From, To)
	LastFrom   int64 // last hit in [LastFrom, LastTo)
	LastTo     int64
}

// Query is one page of a list. Sort is score, last, first, created, severity, count or number, with "-" for descending; "" is -score.
type Query struct {
	Filter
	Sort   string
	Limit  int // 0 is 50, at most 500
	Cursor string
}

// Page of alerts.
type Page struct {
	Items []soc.Alert
	Total int64
	Next  string // cursor, "" this was the last page
}

// Counts are the views above the queue, within a scope. Exercises are in none but Exercise.
type Counts struct {
	Unacknowledged int64 `json:"unacknowledged"`
	Mine           int64 `json:"mine"`
	Urgent         int64 `json:"urgent"` // critical and high, open
	Personal       int64 `json:"personal"`
	Open           int64 `json:"open"`
	Exercise       int64 `json:"exercise"` // open exercises

	Today       int64 `json:"today"`        // made today
	ClosedToday int64 `json:"closed_today"` // of those made today
	MeanAck     int64 `json:"mean_ack"`     // ms from made to acknowledged, of those acknowledged today; -1 none
	OldestNew   int64 `json:"oldest_new"`   // when the oldest unacknowledged was made; 0 none
	LastClosed  int64 `json:"last_closed"`  // 0 none
}

// Bucket of a histogram; alerts by the time they were made.
type Bucket struct {
	Start int64                  `json:"start"`
	Count map[soc.Severity]int64 `json:"count"`
}

// Group is a row of the grouped queue.
type Group struct {
	Value    string            `json:"value"`
	Kind     string            `json:"kind"`            // host, user, address, rule, system
	Title    map[string]string `json:"title,omitempty"` // of the rule, when grouped by rule
	Alerts   int64             `json:"count"`           // alerts
	Hits     int64             `json:"hits"`
	Severity soc.Severity      `json:"severity"` // worst
	Score    int               `json:"score"`    // highest
	First    int64             `json:"first"`
	Last     int64             `json:"last"`
	Demo     int64             `json:"demo,omitempty"`     // alerts that are samples
	Exercise int64             `json:"exercise,omitempty"` // alerts of an exercise
}

// Seen says how often the same key had alerts before.
type Seen struct {
	Times   int64            `json:"times"`
	Reasons map[string]int64 `json:"reasons"` // of the closed ones
}

// Package store is what an event store promises, whichever engine it stands on. There is one engine, local: Parquet segments on
// this machine's disk. The suite storetest says what every engine has to do.
//
// Words: a Block is what the pipeline hands over: the events of one or more queue messages with their sequence range. A
// segment is a sealed, immutable file; sealing it moves the store's Position. An Outcome counts what became of the events of
// one source in one receipt minute (the ledger's columns).
//
// Contract: Append is called by one goroutine, in order. Everything else is safe for concurrent use. What Append took is
// searchable within Freshness; what lies after Position is lost by a crash and must be appended again from the queue, which is
// harmless: a Block at or before the last appended sequence is skipped, an event whose sender-given id ("s…", "n…") is
// already stored is counted as duplicate and stored once. So is one that is stored under its Former id and comes Again.
//
// The position lives with the events it covers, so that it can never be ahead of them: an engine moves it in the step that makes
// the events durable (local: the rename of a segment, whose name and footer hold it, later of MANIFEST), or after that step. A crash
// between the two only has Append repeat what is there, and the ids tell.
//
// To add an engine: a folder beside local, a Store that takes Hooks, a test that calls storetest.Run, and its name in
// collector.Stores, by which the configuration (store.engine) chooses it.
package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

// Errors a caller may branch on. All of them are worth a retry of the same call except ErrOverlap, ErrClosed and ErrQuery.
var (
	ErrNoSpace = errors.New("no space left for events: free disk space or shorten the retention")
	ErrOverlap = errors.New("block overlaps what is already stored")
	ErrClosed  = errors.New("event store is closed")
	ErrQuery   = query.ErrSearch // with query.ErrCursor
)

// Block is the events of queue messages First to Last (both included), in order.
type Block struct {
	Epoch       string // stream epoch the sequences count in; another epoch than before starts the count anew; "" is the same
	First, Last uint64
	Events      []*ecs.Event // nobody changes them from now on: the store keeps their values without a copy
	Outcomes    []Outcome    // what did not become an event: only Quarantined is read, the store counts the rest itself
}

// Outcome counts the events of one source in one receipt minute.
type Outcome struct {
	Source      string           `json:"source"`
	Minute      int64            `json:"minute"` // Unix ms of the minute's start, by event.created
	Stored      int64            `json:"stored,omitempty"`
	Duplicate   int64            `json:"duplicate,omitempty"`
	Quarantined map[string]int64 `json:"quarantined,omitempty"` // by reason
}

// Former is the id that versions before Frame ids with a digest gave an event: a hash of its sender's id alone, which begins the id of
// today. ok is false where there is none.
func Former(id string) (former string, ok bool) {
	if len(id) == 2*formerLength-1 && id[0] == 's' {
		return id[:formerLength], true
	}
	return "", false
}

const formerLength = 27 // of a letter and 16 bytes in base32

// Again reports whether e is the event stored under its Former id once more: it has the same time and message, or without a message
// the same fields. Its sender may have sent it before the upgrade and not have had the answer.
func Again(e, stored *ecs.Event) bool {
	if e.Time != stored.Time {
		return false
	}
	said := false
	for _, f := range [...]ecs.Field{ecs.Message, ecs.EventOriginal} {
		text := e.Text(f)
		if text != stored.Text(f) {
			return false
		}
		said = said || text != ""
	}
	return said || slices.Equal(fields(e), fields(stored))
}

// fields lists what an event says, in order.
func fields(e *ecs.Event) []string {
	list := make([]string, 0, e.Len())
	for i := range e.Len() {
		f, v := e.At(i)
		list = append(list, f.Name()+"="+v.Text)
	}
	slices.Sort(list)
	return list
}

// Usage says what one system holds on one day.
type Usage struct {
	System string `json:"system"`
	Day    string `json:"day"` // yyyy-mm-dd, UTC; "" is not yet filed by day
	Events int64  `json:"events"`
	Bytes  int64  `json:"bytes"`
	Files  int    `json:"files"`
}

// FieldShare says how often a field is filled, for the console's help.
type FieldShare struct {
	Field string  `json:"field"`
	Share float64 `json:"share"` // of the events looked at, 0 to 1
}

// Policy is the retention of what a system holds of a day (yyyy-mm-dd, UTC, as in Usage): whole days kept after the receipt day, and
// whether a hold pins it. keepDays <= 0 keeps for ever.
type Policy func(system, day string) (keepDays int, hold bool)

// Segment is what a store tells of a segment it sealed: its id, never used twice, the queue sequences First to Last, and what became of
// their events.
type Segment struct {
	ID          string
	First, Last uint64
	Outcomes    []Outcome
}

// Rebuilt says what a store found that had to make the list of its segments anew.
type Rebuilt struct {
	Cause    string
	Files    int // that count
	Events   int64
	LeftOut  int // files that hold only what is elsewhere
	SetAside int // files that cannot be read
	Took     time.Duration
}

// Hooks are what a store tells and asks of its surroundings, whichever engine it stands on. Each may be nil.
type Hooks struct {
	// OnSeal is told of each segment when it is sealed, and again when the store is opened as long as the store still knows it by its
	// id: whoever counts takes each id once. Segments are told in order, one at a time.
	OnSeal func(Segment)
	// OnRebuild is told when the store is opened and had to make the list of its segments anew.
	OnRebuild func(Rebuilt)
	// Retention is applied while Run runs; nil keeps everything.
	Retention Policy
}

// Removed says what a retention run deleted.
type Removed struct {
	System, Day string
	Events      int64
	Bytes       int64
}

// Store keeps events and answers searches.
type Store interface {
	// Append takes a Block; its events are searchable within Freshness. On error nothing of the Block was taken and the same
	// call may be repeated (ErrNoSpace, or the engine's own trouble); memory stays bounded meanwhile.
	Append(ctx context.Context, b Block) error
	// Position is the last sequence that is sealed: durable, never to be appended again.
	Position() uint64
	// Epoch is the stream epoch Position counts in, "" before the first Block.
	Epoch() string
	// Freshness is the longest time from the return of Append until Search and Get see its events; 0 is at once.
	Freshness() time.Duration
	// Search answers a query. A part of the store that could not be read is named in Result.Partial; only a search
	// that cannot be executed at all (ErrQuery) or a cancelled context is an error.
	Search(ctx context.Context, s query.Search) (query.Result, error)
	// Ready says what of the store cannot be read or written now, so that searches and figures are incomplete or events wait; nil
	// when all of it can.
	Ready(ctx context.Context) error
	// Get returns the events with these ids, in the order of ids, without those that are not stored.
	Get(ctx context.Context, ids []string) ([]*ecs.Event, error)
	// Live is the outcomes of what is appended but not sealed.
	Live() []Outcome
	// Usage lists what is held by system and day. partial names what holds events that could not be counted, as Result.Partial.
	Usage(ctx context.Context) (held []Usage, partial []string, err error)
	// Fields lists the field names in use, most filled first, estimated from the newest segments.
	Fields(ctx context.Context) ([]FieldShare, error)
	// Retain deletes what is past its Policy. Days are those on which something was received: a time without any counts for three days at
	// most, so that a clock that is set ahead makes nothing old.
	Retain(ctx context.Context, p Policy) ([]Removed, error)
	// Run seals by age, compacts and applies retention until ctx ends.
	Run(ctx context.Context) error
	// Close seals what is in memory and releases everything. The store's directory may then be opened again.
	Close() error
}

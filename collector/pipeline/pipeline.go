// Package pipeline turns batches of raw frames into Events: decode → ECS → enrich → protect, and hands them to the readers
// of the queue in order.
//
// Words: a Frame is raw bytes with their envelope; a Decoded is what one queue message became; Quarantined is a frame that
// cannot become an Event (broken JSON, damaged batch) with its reason; a Setup is what decoding depends on beside the batch.
//
// No frame stops the reading: where a decoder, the inventory or the protection fails on one (a panic), that frame goes to quarantine
// with its reason, sealed, and the next one is read. Where identifiers cannot be protected at all (the vault does not answer), nothing
// is decoded and nothing is lost: the readers wait, Hub.Ready says why.
//
// Contract: Decode is a pure function of (batch, revision) (decision 8): the same message gives the same Events at any later
// time, so readers need not share state. A Decoded is immutable once Decode returned it and is shared between readers.
//
// Imports inside the collector: decoders.
package pipeline

import (
	"net/netip"
	"time"

	"hoalu/collector/decoders"
	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/soc"
)

// Place is where an event belongs, as the inventory answers (decision 3).
type Place struct {
	System   string // HT- number; "" or soc.Unassigned where nothing gave one
	Unit     string // DV- number of the owner
	Level    int    // protection level of the system, 0 unknown
	Zone     string // network zone of the asset
	Asset    string // TS- number, "" none
	Source   string // NG- number; the frame's own where it has one
	By       string // what decided: certificate, source, host, network, ""
	Conflict bool   // a weaker way names another system; the stronger one was taken
	Demo     bool   // sample data
	Err      error  // the place cannot be told now: the batch is decoded again later
}

// Resolver answers from one immutable state of the inventory. Safe for concurrent use.
type Resolver interface {
	// Resolve finds the system: sensor certificate, else source binding, else host name, else longest network.
	Resolve(sensor, source, peer, host string, ips []netip.Addr) Place
	// SourceByID returns the binding's settings (dataset, zone, trust).
	SourceByID(id string) (soc.Source, bool)
}

// Protector replaces citizens' identifiers in an event by tokens; deterministic, safe for concurrent use. An error says that it
// cannot be done now: the event may hold some of them still and must not be used.
type Protector interface {
	Protect(e *ecs.Event) error
}

// Setup is everything decoding depends on beside the batch. A nil Resolver leaves every event unassigned; a nil Protector
// replaces nothing.
type Setup struct {
	Decoders  *decoders.Set
	Resolver  Resolver
	Protector Protector
	// Retention is how long events of a system of this level are kept: one older than that at receipt is marked hoalu.time_suspect and so
	// filed under its receipt (decision 2), or it would be deleted as soon as it is stored. 0 or nil: for ever.
	Retention func(level int) time.Duration
}

// Reasons of quarantine; stable, they appear in the ledger as "quarantined:<reason>".
const (
	ReasonJSON  = "json"          // not a JSON object, or larger than the parser's limits
	ReasonBatch = "damaged_batch" // checksum or structure of the whole message
	// Faults of ours: a part failed on the frame.
	ReasonFault     = "decoder_fault"
	ReasonResolver  = "resolver_fault"  // the inventory, asked whose it is
	ReasonProtector = "protector_fault" // the search for citizens' identifiers: what is not protected is not stored
)

// Quarantined is a frame that did not become an Event.
type Quarantined struct {
	Epoch  string
	Seq    uint64
	Index  int    // in the batch; -1 the whole message
	Source string // NG- number or ""
	Minute int64  // receipt minute, Unix ms
	Reason string
	Detail string // machine text: where and why
	Frame  wire.Frame
}

// Outcome counts what became of the frames of one source and receipt minute, for the ledger; the store adds duplicates.
type Outcome struct {
	Source      string
	Minute      int64
	Events      int64
	Quarantined map[string]int64 // by reason
}

// Frames counts all of them: those that became events and those that could not.
func (o Outcome) Frames() int64 {
	n := o.Events
	for _, q := range o.Quarantined {
		n += q
	}
	return n
}

// Decoded is one queue message after decode, enrich and protect.
type Decoded struct {
	Seq         uint64
	Missing     uint64 // sequences before Seq that no longer exist: a counted loss
	Listener    string
	Epoch       string
	Revision    uint64
	Received    int64 // latest receipt in the batch: correlation's clock
	Events      []*ecs.Event
	Quarantined []Quarantined
	Outcomes    []Outcome
	Conflicts   map[string]int64 // by source: frames whose bindings name different systems
	Bytes       int              // of memory held, for budgets
}

// Package pipeline turns batches of raw frames into Events: decode → ECS → enrich → protect, and hands them to the readers
// of the queue in order.
//
// Words: a Frame is raw bytes with their envelope; a Decoded is what one queue message became; Quarantined is a frame that
// cannot become an Event (broken JSON, damaged batch) with its reason; a Setup is what decoding depends on beside the batch.
//
// Contract: Decode is a pure function of (batch, revision) (decision 8): the same message gives the same Events at any later
// time, so readers need not share state. A Decoded is immutable once Decode returned it and is shared between readers.
//
// Imports inside the collector: decoders.
package pipeline

import (
	"net/netip"

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
	Conflict bool   // two bindings name different systems; the stronger one was taken
}

// Resolver answers from one immutable state of the inventory. Safe for concurrent use.
type Resolver interface {
	// Resolve finds the system: sensor certificate, else source binding, else host name, else longest network.
	Resolve(sensor, source, peer, host string, ips []netip.Addr) Place
	// SourceByID returns the binding's settings (dataset, zone, trust).
	SourceByID(id string) (soc.Source, bool)
}

// Protector replaces citizens' identifiers in an event by tokens; deterministic, safe for concurrent use.
type Protector interface {
	Protect(e *ecs.Event)
}

// Setup is everything decoding depends on beside the batch. A nil Resolver leaves every event unassigned; a nil Protector
// replaces nothing.
type Setup struct {
	Decoders  *decoders.Set
	Resolver  Resolver
	Protector Protector
}

// Reasons of quarantine; stable, they appear in the ledger as "quarantined:<reason>".
const (
	ReasonJSON    = "json"          // not a JSON object
	ReasonBatch   = "damaged_batch" // checksum or structure of the whole message
	ReasonFormat  = "unknown_format"
	ReasonTooBig  = "too_many_values"
	ReasonPanic   = "decoder_fault" // the decoder failed on it; a fault of ours
	minuteMS      = 60_000
	unknownSource = ""
)

// Quarantined is a frame that did not become an Event.
type Quarantined struct {
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

// Pipeline decodes batches. Safe for concurrent use: each Decode borrows a decoder of its own.
type Pipeline struct {
	at func(revision uint64) Setup
}

// New returns a Pipeline; at answers with the Setup of a revision and must give the same one each time it is asked.
func New(at func(revision uint64) Setup) *Pipeline { return &Pipeline{at: at} }

// Decode turns a batch into Events.
func (p *Pipeline) Decode(b *wire.Batch, seq uint64) *Decoded { return nil }

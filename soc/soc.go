// Package soc holds the plain words that parts share: System, Unit, Source, Hit, Alert, Finding, Report, Receipt and what they
// are made of. It has no behaviour; parts never import each other, they hand these over through interfaces that the caller
// declares and internal/app connects.
//
// Times are Unix milliseconds UTC, 0 where not set. Numbers people say aloud: CB- alert, HT- system, NG- source, DV- unit,
// BC- report, MG- evidence pack.
package soc

import "time"

// Zone is Việt Nam's time, in which days begin and times are written; it has kept no summer time since 1975.
var Zone = time.FixedZone("+07", 7*3600)

// Unassigned is the system of events that no binding, host name or network gives to a system (decision 3); only the SOC sees it.
const Unassigned = "_unassigned"

// Role is what a person may do (decision 23); a person may hold several.
type Role string

// The roles, by the table of the console's pages.
const (
	Administrator Role = "administrator"
	Analyst       Role = "analyst"
	Lead          Role = "lead"
	Owner         Role = "owner"
	Auditor       Role = "auditor"
	DPO           Role = "dpo"
	Liaison       Role = "liaison"
)

// Roles lists every Role.
var Roles = []Role{Administrator, Analyst, Lead, Owner, Auditor, DPO, Liaison}

// Actor is who does something: a person, a token or the product itself.
type Actor struct {
	ID      string // account id, "token:<id>" or "system"
	Name    string
	Roles   []Role
	Unit    string // DV- number for owners, "" otherwise
	Address string // where the request came from
}

// Machine is the actor of what the product does by itself.
var Machine = Actor{ID: "system", Name: "Hoa Lư"}

// Reasons of deeds of Machine: codes, which are worded for who reads them (a person's reason stands as it was written).
const (
	ReasonSensorWithdrawn = "sensor_withdrawn" // every certificate of the sensor is withdrawn
	ReasonSample          = "sample"           // it is of sample data
	ReasonExercise        = "exercise"         // it is of an exercise, and those are not reported
)

// MachineReasons are all of them.
var MachineReasons = []string{ReasonSensorWithdrawn, ReasonSample, ReasonExercise}

// Scope is the part of the province an Actor may see. All is the SOC's own view and includes Unassigned.
type Scope struct {
	All     bool
	Systems []string // HT- numbers, when not All
}

// Reading is what the collector knows about a Source now; the sources page and posture facts are made of it.
type Reading struct {
	Source     string
	FirstEvent int64
	LastEvent  int64   // receipt time
	State      string  // receiving, thin, silent, skewed, garbled, never
	Since      int64   // since when in this State
	Cause      string  // stable code of why (no_connection, connected_no_data, …); the console words it
	Rate       float64 // events per minute now; only when Rated
	Rated      bool    // the minutes that Rate is of were all counted: none lies before a start or a jump of the clock
	Usual      float64
	Unparsed   float64 // share 0..1 of the last hour
	OffsetMS   int64   // source clock minus ours, median of its newest times; only when Timed
	Timed      bool    // enough of its newest events told a time of their own
	Total      int64
}

// States of a Reading.
const (
	SourceReceiving = "receiving"
	SourceThin      = "thin"
	SourceSilent    = "silent"
	SourceSkewed    = "skewed"
	SourceGarbled   = "garbled"
	SourceNever     = "never"
	SourceUnknown   = "unknown" // nobody can tell: not judged yet, or this appliance refuses what it may be sending
)

// LedgerRow balances one source and receipt minute: Received = Stored + Quarantined + Rejected + Duplicate + Dropped + InFlight.
type LedgerRow struct {
	Minute      int64 // start, Unix ms
	Source      string
	Received    int64
	Stored      int64
	Quarantined int64
	Rejected    int64
	Duplicate   int64
	Dropped     int64
	InFlight    int64
	Reasons     map[string]int64 // "quarantined:json", "rejected:too_large", "dropped:ring" … → count
}

// Difference is what does not balance; 0 is good.
func (r LedgerRow) Difference() int64 {
	return r.Received - r.Stored - r.Quarantined - r.Rejected - r.Duplicate - r.Dropped - r.InFlight
}

// Add counts b's frames with those of r, the reasons too.
func (r *LedgerRow) Add(b LedgerRow) {
	r.Received += b.Received
	r.Stored += b.Stored
	r.Quarantined += b.Quarantined
	r.Rejected += b.Rejected
	r.Duplicate += b.Duplicate
	r.Dropped += b.Dropped
	r.InFlight += b.InFlight
	for reason, n := range b.Reasons {
		if r.Reasons == nil {
			r.Reasons = map[string]int64{}
		}
		r.Reasons[reason] += n
	}
}

// PostureState of a control on a system (decision 24).
type PostureState string

// The four states.
const (
	Met           PostureState = "met"
	NotMet        PostureState = "not_met"
	Unknown       PostureState = "unknown"
	NotApplicable PostureState = "not_applicable"
)

// Evidence is one fact a finding rests on; older than MaxAge the finding is unknown.
type Evidence struct {
	ID     string `json:"id"`
	At     int64  `json:"at"`
	MaxAge int64  `json:"max_age"` // ms
	Value  string `json:"value,omitempty"`
}

// Because is one reason of a finding: a stable code with its values; the console words it in both languages.
type Because struct {
	Code   string            `json:"code"`
	Values map[string]string `json:"values,omitempty"`
}

// Finding is the state of one control on one system, an interval of the posture history.
type Finding struct {
	System    string       `json:"system"`
	Control   string       `json:"control"` // L3-OPS-MON-01
	State     PostureState `json:"state"`
	Since     int64        `json:"since"`
	Until     int64        `json:"until,omitempty"` // 0: holds now
	Computed  int64        `json:"computed"`
	LastKnown PostureState `json:"last_known,omitempty"` // before it turned unknown
	Because   []Because    `json:"because"`
	Evidence  []Evidence   `json:"evidence"`
	Policy    string       `json:"policy"` // version of the policy, "" no check yet
}

// Report is one message to the national centre (bản tin).
type Report struct {
	ID             string // BC-<26 letters>: idempotency key, hash of kind and subject
	Order          int64  // delivery order
	Kind           string // alert, alert_update, heartbeat, reconciliation, test
	Destination    int64  // number of the receiving point
	Subject        string // CB- number …
	System         string
	Channel        string // json …
	Body           []byte // minimised, as it is sent
	Created        int64
	State          string // waiting, accepted, refused
	Tries          int
	NextTry        int64
	LastError      string
	Accepted       int64
	Receipt        *Receipt
	Demo, Exercise bool
}

// States of a Report.
const (
	ReportWaiting  = "waiting"
	ReportAccepted = "accepted"
	ReportRefused  = "refused"
)

// Receipt is the centre's signed word that it has a Report.
type Receipt struct {
	ID        string
	Report    string
	Received  int64  // by the centre's clock
	Digest    string // sha256 of the body as received, hex
	KeyID     string
	Signature []byte
	Raw       []byte
	Kind      string // signed, transport (the channel's acknowledgement, never Verified), or "" where the channel is not known
	Verified  bool
	Fault     string `json:",omitempty"` // why it does not verify
}

// Deed is one entry of the audit log (decision 22), written in the transaction of what was done.
type Deed struct {
	Number  int64 // given by the log
	Time    int64
	Actor   Actor
	Action  string // alert.acknowledge, account.create, search.identifier …
	Object  string // CB-…, HT-… or ""
	Before  string // sha256 of the object's state, hex, "" none; of an alert "2:" and that of what deeds bind of it (package triage)
	After   string
	Result  string // done, denied, error
	Reason  string
	Details map[string]string
}

// Notice tells open consoles that something changed; it carries no content (decision 23).
type Notice struct {
	Topic   string `json:"topic"` // alert, source, ledger, posture, national, system, rule
	ID      string `json:"id"`
	Version int64  `json:"version"`
	System  string `json:"-"` // for the right to know of it
}

// Part is one line of /readyz.
type Part struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	// Unknown is of a part that is ready only in that nothing is known to be wrong with it: nothing says that it is right either.
	Unknown bool   `json:"unknown,omitempty" doc:"ready, but nothing confirms it"`
	Reason  string `json:"reason,omitempty"` // what is wrong and what to do
	// Said is Reason in Vietnamese (vi) and in English (en), as far as there are words for it.
	Said  map[string]string `json:"said,omitempty" doc:"the reason in Vietnamese (vi) and in English (en)"`
	Since int64             `json:"since,omitempty"`
}

// Problem is an error for a person: stable code, what is wrong, what to do (decision 26, RFC 9457). Texts are made by the console
// from the code in the request's language; Detail is the English fallback.
type Problem struct {
	Status int
	Code   string
	Detail string
	Do     string
	Values map[string]string
	Uses   []Use // what stands in the way, for in_use
}

func (p *Problem) Error() string {
	if p.Do == "" {
		return p.Detail
	}
	return p.Detail + " " + p.Do
}

// Deadline is a date that the law sets for a system, with the clause it stands in. Kind says what is due: appraisal of the dossier,
// measures in place, or transition of a system in use. Mark is how sure the reading of the clause is ("V": read in the text itself).
type Deadline struct {
	Kind                    string
	Due                     int64 // Unix ms, the end of the day in Vietnam
	Document, Article, Mark string
}

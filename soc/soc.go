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

// Unit is a body of the province (department, commune, the police).
type Unit struct {
	ID      string // DV-01
	Name    string
	Kind    string // department, commune, police, other
	Demo    bool
	Retired int64 // Unix ms since when it is in use no longer, 0 in use; history keeps it
	Version int64
}

// Placement of a System, as the province counts them.
const (
	PlacementDataCentre = "data_centre"
	PlacementCloud      = "cloud"
	PlacementInternet   = "internet"
)

// States of a level dossier and of its protection plan, word for word as in Form 08 of NĐ 331 (vi texts in the console).
const (
	DossierDrafting  = "drafting"  // Đang dự thảo
	DossierSubmitted = "submitted" // Đã gửi thẩm định
	DossierAppraised = "appraised" // Đã thẩm định
	DossierApproved  = "approved"  // Đã được phê duyệt

	PlanNone    = "none"    // Chưa triển khai
	PlanPartial = "partial" // Đã triển khai một số hạng mục
	PlanFull    = "full"    // Đã triển khai đầy đủ
)

// System is a monitored information system (hệ thống thông tin).
type System struct {
	ID        string // HT-001, immutable: folders and keys use it
	Name      string
	Unit      string // DV- of the owner (chủ quản)
	Operator  string // DV- of the operator (đơn vị vận hành)
	Level     int    // 1 to 5; 0 not yet classified
	Basis     string // tcvn11930 or tcvn14423
	Placement string
	Dossier   string
	Plan      string
	Investing bool   // under investment before 01/07/2026: other transition dates
	Engine    string // database engine, "" none
	Demo      bool
	Retired   int64 // Unix ms since when it is in use no longer, 0 in use: its events, alerts and posture stay readable
	Version   int64
}

// Asset is a host or device of a System.
type Asset struct {
	ID      string // TS-0001
	System  string
	Host    string // host name, folded to lower case, unique
	Address string // address or CIDR, "" none
	Zone    string
	Kind    string // server, workstation, firewall, …
	Demo    bool
	Retired int64 // Unix ms since when it is in use no longer, 0 in use: its host name and address decide nothing
	Version int64
}

// Kinds of Source.
const (
	SourceSyslog = "syslog"
	SourceBulk   = "bulk"
	SourceImport = "import"
	SourceSensor = "sensor" // sensor certificate
	SourceSelf   = "self"   // this appliance's own events (decision 18)
)

// SourceKinds are all of them, in the order people see them in.
var SourceKinds = []string{SourceSyslog, SourceBulk, SourceImport, SourceSensor, SourceSelf}

// Technical layers a Source can prove (mạng, ứng dụng, cơ sở dữ liệu, thiết bị đầu cuối).
const (
	LayerNetwork     = "network"
	LayerApplication = "application"
	LayerDatabase    = "database"
	LayerEndpoint    = "endpoint"
)

// Kinds of log, as the requirements on logging name them.
const (
	LogConnection = "connection" // a network connection, allowed or refused
	LogFlow       = "flow"       // a connection as seen on the wire, not as its end tells it
	LogLogon      = "logon"
	LogFault      = "fault"  // an error or worse, by its own level
	LogChange     = "change" // of configuration, accounts or rights
	LogProcess    = "process"
	LogAccess     = "access" // a request to an application
	LogData       = "data"   // a file, registry key or database object touched
	LogAlert      = "alert"  // another product's finding: intrusion detection, anti-malware
)

// Source is something that sends events.
type Source struct {
	ID             string // NG-0001
	Name           string
	Kind           string
	System         string // HT-, "" when host name or network decide
	Address        string // peer address or CIDR it sends from; "" any
	Host           string // host name in the header it binds, "" any
	Dataset        string // decoder to use, "" find out
	Zone           string // time zone of lines without one; "" Asia/Ho_Chi_Minh
	Layers         []string
	ExpectEvery    int64 // ms after which silence counts; 0 learns from the usual rate
	TrustLogsource bool
	Keys           []SourceKey // what its senders prove themselves with
	Sensor         string      // sensor id, for kind sensor
	Auto           bool        // found by itself, not yet confirmed by an administrator
	StoppedUntil   int64       // planned stop
	Demo           bool
	Retired        int64 // Unix ms since when it is in use no longer, 0 in use: it takes no sender's events and nobody waits for it
	Version        int64
}

// Claim says that events of a source named a host of a system they do not count for: the source is not bound to that system, and no
// person has confirmed it.
type Claim struct {
	System string // HT-
	Last   int64  // receipt of the newest such event, Unix ms
	Events int64  // in this run
}

// SourceKey is a secret a sender shows so that what it sends is of its source; the secret itself is kept nowhere.
type SourceKey struct {
	ID    string // kh-…
	Kind  string // KeyAPI or KeyCertificate
	Label string // which machine has it
	Hash  string // sha256, hex, of the secret or of the certificate
	Made  int64
	By    string
	Ends  int64 // 0 never
	Used  int64 // first use; 0 not yet
}

// Kinds of SourceKey.
const (
	KeyAPI         = "key"         // of an Elasticsearch client, source kind bulk
	KeyCertificate = "certificate" // of a TLS client, source kind syslog
)

// Reading is what the collector knows about a Source now; the sources page and posture facts are made of it.
type Reading struct {
	Source     string
	FirstEvent int64
	LastEvent  int64   // receipt time
	State      string  // receiving, thin, silent, skewed, garbled, never
	Since      int64   // since when in this State
	Cause      string  // stable code of why (no_connection, connected_no_data, …); the console words it
	Rate       float64 // events per minute now
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

// Kinds of things in the inventory, as its history, the audit log and a Use name them.
const (
	KindUnit   = "unit"
	KindSystem = "system"
	KindAsset  = "asset"
	KindSource = "source"
)

// Retirement takes a thing of the inventory out of use, or back into use. Version is the one the person saw.
type Retirement struct {
	Kind, ID string
	Version  int64
	Retired  bool
	Reason   string // for the audit log
}

// Refusal is one thing of many on which nothing was done, and why.
type Refusal struct {
	ID      string
	Problem *Problem
}

// AssetImport is a list of assets as text: comma, semicolon or tab between the columns, quotes as in CSV. A first row of column names
// (host, address, system, zone, kind; or as a Vietnamese sheet has them) gives their order; without one it is that order.
type AssetImport struct {
	Text   string
	System string // of rows that name none
	Check  bool   // only say what would be done
}

// AssetsImported says what an AssetImport did. While Wrong is not empty nothing was stored.
type AssetsImported struct {
	Added     []Asset
	Unchanged int // rows that say what is declared already
	Wrong     []WrongRow
}

// WrongRow is one thing that is wrong in a row; Line counts from 1 in the text as it was given.
type WrongRow struct {
	Line    int
	Problem *Problem
}

// Use is one thing that refers to another, by the number and name people know.
type Use struct {
	Kind string `json:"kind"`           // unit, system, asset, source, account, token, alert, event
	ID   string `json:"id,omitempty"`   // DV-, HT-, TS-, NG-, ng-, mt-; "" for alerts and events, which not everybody may read
	Name string `json:"name,omitempty"` // "" as the id
	Past bool   `json:"past,omitempty"` // history: it does not keep from retiring, only from deleting
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

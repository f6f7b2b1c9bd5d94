package console

import (
	"context"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

// Parts are what the console shows and acts on. Without Inventory and Audit there is no Console: rights follow units' systems, and
// what is refused is put on record. An operation that needs another part answers part_unavailable while that is nil. Every method may
// be called by any number of goroutines. Errors for a person are *soc.Problem; any other error is shown as a trace number and logged.
type Parts struct {
	Alerts      Alerts
	Events      Events
	Inventory   Inventory
	Keys        Keys
	Readings    Readings
	Ledger      Ledger
	Quarantine  Quarantine
	Posture     Posture
	National    National
	Rules       Rules
	Audit       Audit
	Identifiers Identifiers
	Sensors     Sensors
	Machine     Machine
}

// A part is one of Parts by the name that people read.
type part string

const (
	partAlerts      part = "alerts"
	partEvents      part = "events"
	partKeys        part = "keys"
	partReadings    part = "readings"
	partLedger      part = "ledger"
	partQuarantine  part = "quarantine"
	partPosture     part = "posture"
	partNational    part = "national"
	partRules       part = "rules"
	partIdentifiers part = "identifiers"
	partSensors     part = "sensors"
	partMachine     part = "machine"
)

// missing is the first of needs that is not there, "" when all are.
func (p Parts) missing(needs []part) part {
	there := map[part]bool{
		partAlerts: p.Alerts != nil, partEvents: p.Events != nil, partKeys: p.Keys != nil, partReadings: p.Readings != nil,
		partLedger: p.Ledger != nil, partQuarantine: p.Quarantine != nil, partPosture: p.Posture != nil, partNational: p.National != nil,
		partRules: p.Rules != nil, partIdentifiers: p.Identifiers != nil, partSensors: p.Sensors != nil, partMachine: p.Machine != nil,
	}
	for _, n := range needs {
		if !there[n] {
			return n
		}
	}
	return ""
}

// Alerts is the queue of triage. An alert outside the scope is answered as absent (404 Problem) and is in no count.
type Alerts interface {
	List(ctx context.Context, scope soc.Scope, q AlertQuery) (AlertPage, error)
	Get(ctx context.Context, scope soc.Scope, id string) (soc.Alert, error)
	Counts(ctx context.Context, scope soc.Scope, account string, personal bool) (AlertCounts, error)
	Histogram(ctx context.Context, scope soc.Scope, f AlertFilter, from, to, step int64) ([]AlertBucket, error)
	Groups(ctx context.Context, scope soc.Scope, f AlertFilter, by string, limit int) ([]AlertGroupRow, int64, error)
	Seen(ctx context.Context, scope soc.Scope, id string) (Seen, error)
	History(ctx context.Context, scope soc.Scope, id string) ([]soc.Note, error)
	// RuleAt is the rule as it was when the alert was made.
	RuleAt(ctx context.Context, rule, version string) (soc.RuleInfo, error)
	Act(ctx context.Context, actor soc.Actor, scope soc.Scope, a AlertAct) (AlertResult, error)
	Undo(ctx context.Context, actor soc.Actor, scope soc.Scope, token string) (AlertResult, error)
}

// AlertFilter chooses alerts; empty fields choose all. Exercise is "" without exercises, "with" or "only".
type AlertFilter struct {
	States     []string // soc.Alert…, or "open"
	Severities []soc.Severity
	Systems    []string
	Units      []string
	Rules      []string
	Numbers    []string // CB- numbers
	Attack     string   // technique, T1110 also finds T1110.001
	Holder     string
	Host       string
	User       string
	Address    string
	Text       string // words, all of which must occur; case and marks do not matter
	Exercise   string
	Personal   bool  // only those that touch citizens' identifiers
	LastFrom   int64 // last hit in [LastFrom, LastTo)
	LastTo     int64
	MadeFrom   int64 // made at or after
}

// AlertQuery is one page; Sort is score, last, first, count or severity, "-" before it for descending.
type AlertQuery struct {
	AlertFilter
	Sort   string
	Limit  int
	Cursor string
}

// AlertPage is one page of alerts.
type AlertPage struct {
	Items []soc.Alert
	Total int64
	Next  string
}

// AlertCounts are the figures of the views, exercises only in Exercise; MeanAck in ms, -1 when none was acknowledged today.
type AlertCounts struct {
	Unacknowledged, Mine, Urgent, Personal, Open, Exercise int64
	Today, ClosedToday, MeanAck, OldestNew, LastClosed     int64
}

// AlertBucket is one bar of alerts made.
type AlertBucket struct {
	Start int64
	Count map[soc.Severity]int64
}

// AlertGroupRow is a row of the grouped queue; Top is its alert with the highest score.
type AlertGroupRow struct {
	Kind, Value string            // host, user, address, rule, system
	Title       map[string]string // of the rule, where grouped by it
	Alerts      int64
	Severity    soc.Severity
	Score       int
	First, Last int64
	// Alerts of it that are samples, or of an exercise.
	Demo, Exercise int64
}

// AlertRef names an alert (id or CB- number) and the version the person saw; 0 does not check.
type AlertRef struct {
	ID      string
	Version int64
}

// AlertAct is a deed on alerts: acknowledge, assign, close, reopen or note.
type AlertAct struct {
	Action     string
	Alerts     []AlertRef
	Take       bool   // acknowledge although someone else has
	Holder     string // assign
	HolderName string
	Reason     string // close
	Note       string
}

// AlertResult of a deed. Failed gives the Problem by the id asked for.
type AlertResult struct {
	Changed   []soc.Alert
	Failed    []AlertFailure
	Undo      string
	UndoUntil int64
}

// AlertFailure is one alert on which nothing was done.
type AlertFailure struct {
	ID      string
	Problem *soc.Problem
}

// Events is the event store.
type Events interface {
	Search(ctx context.Context, s query.Search) (query.Result, error)
	Get(ctx context.Context, ids []string) ([]*ecs.Event, error)
	// Freshness is how long a stored event may take until Search sees it.
	Freshness() time.Duration
	// Stored is how many events are held; partial names what holds events that could not be counted.
	Stored(ctx context.Context) (n int64, partial []string, err error)
}

// Inventory is what the province has, also what is retired. The lists are the caller's to read, not to change. A change carries the
// version the person saw; what is in the way of retiring or deleting is named in the Problem's Uses.
type Inventory interface {
	Units() []soc.Unit
	Systems() []soc.System
	Assets() []soc.Asset
	Sources() []soc.Source
	CreateUnit(ctx context.Context, actor soc.Actor, u soc.Unit) (soc.Unit, error)
	UpdateUnit(ctx context.Context, actor soc.Actor, u soc.Unit) (soc.Unit, error)
	CreateSystem(ctx context.Context, actor soc.Actor, s soc.System) (soc.System, error)
	UpdateSystem(ctx context.Context, actor soc.Actor, s soc.System) (soc.System, error)
	CreateAsset(ctx context.Context, actor soc.Actor, a soc.Asset) (soc.Asset, error)
	UpdateAsset(ctx context.Context, actor soc.Actor, a soc.Asset) (soc.Asset, error)
	ImportAssets(ctx context.Context, actor soc.Actor, in soc.AssetImport) (soc.AssetsImported, error)
	CreateSource(ctx context.Context, actor soc.Actor, s soc.Source) (soc.Source, error)
	UpdateSource(ctx context.Context, actor soc.Actor, s soc.Source) (soc.Source, error)
	// Claims are the systems whose hosts a source's events named without the right to, newest first.
	Claims(source string) []soc.Claim
	// Retire takes a thing out of use or back; Delete deletes what nothing refers to.
	Retire(ctx context.Context, actor soc.Actor, r soc.Retirement) error
	Delete(ctx context.Context, actor soc.Actor, kind, id string, version int64) error
	// Forget deletes sources that were found by themselves, at most 1,000.
	Forget(ctx context.Context, actor soc.Actor, ids []string) (deleted []string, refused []soc.Refusal, err error)
}

// Keys are what senders of a source prove themselves with.
type Keys interface {
	// IssueKey makes a key of a source; with follow 0 or more the keys it had end after follow. The secret is kept nowhere.
	IssueKey(ctx context.Context, actor soc.Actor, source, label string, follow time.Duration) (KeyMade, error)
	RevokeKey(ctx context.Context, actor soc.Actor, source, id string) error
}

// KeyMade is a key with its secret and what to write into a shipper's configuration.
type KeyMade struct {
	Key    soc.SourceKey
	Secret string
	APIKey string // base64 of id:secret, what follows "Authorization: ApiKey"
	URL    string // where to send to; "" no listener
	Uses   []KeyUse
}

// KeyUse are the lines of one kind of shipper.
type KeyUse struct {
	Name string `json:"name"`
	Text string `json:"text" doc:"lines to copy; they hold the secret"`
}

// Readings is what the collector knows of its sources now.
type Readings interface {
	Readings() []soc.Reading
}

// Ledger balances sources and minutes.
type Ledger interface {
	// Rows of [from, to) by minute and source, newest first; source "" lists all.
	Rows(ctx context.Context, from, to int64, source string) ([]soc.LedgerRow, error)
	Summary(ctx context.Context) (LedgerSummary, error)
	// Measured lists the stretches of [from, to), at most 31 days, in which the ledger ran and has checked, in order.
	Measured(ctx context.Context, from, to int64) ([]Span, error)
}

// LedgerSummary is the ledger in three lines.
type LedgerSummary struct {
	Balanced    bool
	LastMinute  int64 // newest minute checked, 0 none yet
	Since       int64 // start of the unbroken run of checked minutes that balance
	NotMeasured int   // minutes of the last 24 h in which nothing ran or was checked
	Difference  int64 // of LastMinute over all sources
	Kept        int64 // oldest row
}

// Quarantine holds what could not become an event.
type Quarantine interface {
	// List gives a page of what the sources sent; nil is all sources, an empty list none.
	List(ctx context.Context, sources []string, reason, after string, limit int) (QuarantinePage, error)
	// Replay decodes again what ids name, or all with source and reason when ids is empty.
	Replay(ctx context.Context, actor soc.Actor, ids []string, source, reason string) (replayed, held int64, err error)
}

// QuarantinePage is one page.
type QuarantinePage struct {
	Items   []Quarantined    `json:"items"`
	Reasons map[string]int64 `json:"reasons"`
	Total   int64            `json:"total"`
	Next    string           `json:"next,omitempty"`
}

// Quarantined is one frame; its bytes stay sealed.
type Quarantined struct {
	ID     string `json:"id"`
	Source string `json:"source"` // NG- number, "" none
	Reason string `json:"reason"`
	Time   int64  `json:"time"` // Unix ms
	Size   int    `json:"size"` // bytes
}

// Posture is how well systems meet their requirements.
type Posture interface {
	Controls() []Control
	// Findings of a system in the catalogue's order, layers last; at 0 is now.
	Findings(ctx context.Context, system string, at int64) ([]Finding, error)
	// Between lists the intervals of a system that overlap [from, to).
	Between(ctx context.Context, system string, from, to int64) ([]Finding, error)
	Tally(ctx context.Context, system string) (Tally, error)
	// Transition is the date by which the law asks a system to meet its requirements; false where it sets none.
	Transition(s soc.System) (soc.Deadline, bool)
}

// Frameworks of a Control.
const (
	Level3       = "level3"
	Organisation = "organisation" // the four-layer model
	Technical    = "technical"    // the four technical layers
)

// Control is one requirement of the catalogue or one layer.
type Control struct {
	ID, Framework, Group string
	Title                Text
	Req, Param, How      Text              // our words: what is asked, the figure, what evidence decides
	Mode                 string            // auto, semi, attest
	Clauses              map[string]string // tcvn11930, tt12, tcvn14423: what to sort by
	Basis                []ControlBasis
	Checked              bool
	About                string // appliance: looks at the SOC's own appliance, and is not counted against a system
}

// ControlBasis is a document and clause, our wording, or a figure, with the certainty of just that.
type ControlBasis struct {
	Part, Document, Clause, Mark string // Part: clause, text, figure
	Mapped                       bool   // that the clause is the one is our mapping
}

// Finding is a soc.Finding with the score of an organisational layer (0 to 3, -1 elsewhere).
type Finding struct {
	soc.Finding
	Score int
	From  int64 // since when for these reasons; the state (Since) may be older
}

// Tally is a system's posture in figures.
type Tally struct {
	Controls  map[soc.PostureState]int
	Layers    []Finding
	Technical []Finding
	Tile      soc.PostureState
	Computed  int64
}

// National is the link to the national centre.
type National interface {
	Summary(ctx context.Context) (NationalState, error)
	// Outbox lists reports; destination 0, state and kind "" take all. Waiting first, oldest first, then newest first.
	Outbox(ctx context.Context, destination int64, state, kind, after string, limit int) (ReportPage, error)
	// Report is one report with its tries, newest first.
	Report(ctx context.Context, id string) (soc.Report, []ReportTry, error)
	// About lists the reports about a subject (CB- number), oldest first.
	About(ctx context.Context, subject string) ([]soc.Report, error)
	// Endpoint is the destination of a number, 0 the first one; a problem not_found where there is none of that number.
	Endpoint(ctx context.Context, destination int64) (EndpointItem, error)
	// SetEndpoint puts e in place of its destination (0: the first one), or beside the others when add is set.
	SetEndpoint(ctx context.Context, actor soc.Actor, e EndpointItem, add bool, reason string) (EndpointItem, error)
	// Test sends a test packet and waits, bounded by ctx, for what the far side says.
	Test(ctx context.Context, actor soc.Actor, destination int64) (TestDone, error)
	Reconcile(ctx context.Context, actor soc.Actor, destination int64, day string) (NationalDay, error)
}

// NationalState is the link now, of one destination or of all together; Days newest first.
type NationalState struct {
	ID                                  int64           // of the destination; 0: all together
	Destinations                        []NationalState // each by itself; of all together only
	Endpoint, Channel                   string
	LastReceipt, LastBeat, FailingSince int64
	Waiting, OldestWaiting, Refused     int64
	HeartbeatEvery                      int64 // ms; 0 where the channel has none
	LateAfter                           int64 // ms the link may fail before that is trouble
	Reconciles                          bool  // the channel tells what it holds
	LastError                           string
	ClockAhead                          int64 // ms the centre's clock is before ours
	Today                               NationalDay
	Days                                []NationalDay
	Reasons                             map[string]int64 // refused by reason
	RoomDays                            *float64
}

// ReportPage is one page of the outbox.
type ReportPage struct {
	Items []soc.Report
	Total int64
	Next  string
}

// Rules are what runs and what was refused.
type Rules interface {
	Rules() []soc.RuleInfo
	Refused() []RefusedRule
	// AlertsByRule counts alerts of the last 30 days by rule, for the SOC's own view.
	AlertsByRule(ctx context.Context) (map[string]int64, error)
	// Feeds says by rule whether events that it looks at reach the appliance.
	Feeds(ctx context.Context) map[string]soc.Feed
}

// RefusedRule is a rule that was not loaded.
type RefusedRule struct {
	File, Rule string
	Reason     Text
}

// Audit reads the log of deeds.
type Audit interface {
	List(ctx context.Context, q AuditQuery) (AuditPage, error)
	// Head is the last signed checkpoint of the transparency log; nil before the first.
	Head(ctx context.Context) (*LogHead, error)
	// Record writes a deed that changes nothing else, such as a read of the log itself.
	Record(ctx context.Context, d soc.Deed) error
}

// AuditQuery chooses deeds; Actions, when not empty, are the only ones allowed.
type AuditQuery struct {
	From, To                      int64
	Actor, Action, Object, Result string
	Actions                       []string
	People                        bool // not the appliance by itself
	Text                          string
	Before                        int64
	Limit                         int
	Uncounted                     bool // Total is not asked for
}

// AuditPage is one page, newest first; Next 0 at the end.
type AuditPage struct {
	Items []soc.Deed
	Total int64
	Next  int64
}

// Identifiers knows citizens' identifiers and their pseudonyms.
type Identifiers interface {
	// Find names the identifiers in text; a whole value counts without any context around it.
	Find(text string) []Identifier
	// Tokens are the pseudonyms a value of the kind has in stored events, one a system group.
	Tokens(ctx context.Context, kind, value string) ([]string, error)
}

// Identifier is one place in a text; Value is its normal form.
type Identifier struct {
	Kind       string
	Start, End int
	Value      string
}

// Sensors are this host's own and the enrolled ones.
type Sensors interface {
	Sensors(ctx context.Context) ([]Sensor, error)
}

// OwnSensor is the id of the sensor that runs inside the appliance and watches its host.
const OwnSensor = "this-host"

// Sensor is one, with what it may not do.
type Sensor struct {
	ID, Name, Host, System, Version, State string
	Seen                                   int64
	CertificateEnds                        int64            // Unix ms, 0 not known
	Shed                                   map[string]int64 // records lost since the appliance started, by reason
	Filtered                               map[string]int64 // what its policy left out since then, by class
	Probes                                 []ProbeItem
}

// Machine is the box itself.
type Machine interface {
	// Disk is what the disk holds and when it is full.
	Disk() (soc.Disk, error)
	// Clock is the offset in ms against server; ok false when nothing is compared with.
	Clock(ctx context.Context) (offset int64, server string, ok bool)
	// Parts are the lines of /readyz.
	Parts(ctx context.Context) []soc.Part
	Started() int64
	// BackupAt is when the last backup ended well, 0 never, -1 where this build makes none.
	BackupAt(ctx context.Context) int64
}

package console

// SourceItem is a row of the sources page.
type SourceItem struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Kind         string     `json:"kind" enum:"syslog,bulk,import,sensor,self"`
	System       *SystemRef `json:"system,omitempty"`
	Address      string     `json:"address,omitempty"`
	Host         string     `json:"host,omitempty"`
	Dataset      string     `json:"dataset,omitempty"`
	Layers       []string   `json:"layers"`
	State        string     `json:"state" enum:"receiving,thin,silent,skewed,garbled,never,unknown"`
	Since        Time       `json:"since,omitzero"`
	Cause        *Because   `json:"cause,omitempty"`
	First        Time       `json:"first_event,omitzero"`
	Last         Time       `json:"last_event,omitzero"`
	Rate         *float64   `json:"rate,omitempty" doc:"events per minute now; left out: not measured yet, after a start"`
	Usual        float64    `json:"usual"`
	Unparsed     float64    `json:"unparsed" doc:"share of the last hour, 0 to 1"`
	OffsetMS     *int64     `json:"offset_ms,omitempty" doc:"its clock before ours; left out: not known"`
	Total        int64      `json:"total"`
	Auto         bool       `json:"auto,omitempty" doc:"found by itself, not yet confirmed"`
	StoppedUntil Time       `json:"stopped_until,omitzero" doc:"a planned stop in force ends then"`
	Demo         bool       `json:"demo,omitempty"`
	Retired      Time       `json:"retired,omitzero" doc:"since when it is in use no longer; left out: in use"`
	Zone         string     `json:"zone,omitempty" doc:"time zone of lines without one; left out: Asia/Ho_Chi_Minh"`
	ExpectEvery  int64      `json:"expect_every_ms,omitempty" doc:"silence after which it counts as silent; left out: learned from the usual rate"`
	Trust        bool       `json:"trust_logsource,omitempty" doc:"what it says of an event's own kind is believed"`
	Sensor       string     `json:"sensor,omitempty" doc:"the sensor whose source it is: withdraw that instead of retiring"`
	Version      int64      `json:"version"`
}

// SourcesAnswer is a page of sources.
type SourcesAnswer struct {
	Items  []SourceItem  `json:"items"`
	Counts SourcesStatus `json:"counts"`
	Frame
}

type sourcesIn struct {
	Text    string `query:"q" maxLength:"200"`
	State   string `query:"state" enum:"receiving,thin,silent,skewed,garbled,never,unknown"`
	System  string `query:"system"`
	Kind    string `query:"kind" enum:"syslog,bulk,import,sensor,self"`
	Found   bool   `query:"found" doc:"only those found by themselves and not yet confirmed"`
	Retired bool   `query:"retired" doc:"only those in use no longer; else those in use"`
	Demo    string `query:"demo" enum:"no,only" doc:"no: without the sample set; only: nothing else; left out: all"`
	Sort    string `query:"sort" enum:"state,-state,name,-name,last,-last,rate,-rate,unparsed,-unparsed,offset,-offset" doc:"default: worst state, then longest"`
	Limit   int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After   string `query:"after" maxLength:"200"`
}

// SourceDetail is one source with its last day.
type SourceDetail struct {
	SourceItem
	Minutes  []SourceMinutes `json:"minutes" doc:"the last 24 hours in ten-minute bars; a bar with known=false was not counted: draw stripes"`
	LastRaw  string          `json:"last_raw,omitempty" doc:"machine text; only for people who may read its events"`
	RawError string          `json:"last_raw_error,omitempty" doc:"why its last event could not be read, or a newer one than last_raw"`
	Controls []Ref           `json:"controls" doc:"requirements that rest on it"`
	Claims   []SourceClaim   `json:"claims" doc:"systems whose hosts its events name without counting for them: confirm the source if it may, else somebody forges; newest first"`
	Keys     []SourceKey     `json:"keys" doc:"what its senders prove themselves with; the secrets are kept nowhere"`
	Deeds    []string        `json:"deeds"`
}

// SourceClaim is a system whose hosts the events of a source name without counting for it.
type SourceClaim struct {
	System SystemRef `json:"system"`
	Last   Time      `json:"last" doc:"newest such event"`
	Events int64     `json:"events" doc:"since the appliance started"`
}

// SourceKey is a key without its secret.
type SourceKey struct {
	ID    string `json:"id"`
	Kind  string `json:"kind" enum:"key,certificate"`
	Label string `json:"label,omitempty"`
	By    string `json:"by"`
	Made  Time   `json:"made"`
	Ends  Time   `json:"ends,omitzero"`
	Used  Time   `json:"used,omitzero" doc:"first use"`
}

type keyBody struct {
	Label  string `json:"label,omitempty" maxLength:"100" doc:"which machine gets it"`
	Follow *int   `json:"follow_hours,omitempty" minimum:"0" maximum:"720" doc:"the keys the source has end after so many hours; left out they stay"`
}

// SourceKeyMade carries the secret, shown once.
type SourceKeyMade struct {
	Key    SourceKey `json:"key"`
	Secret string    `json:"secret"`
	APIKey string    `json:"api_key" doc:"what follows Authorization: ApiKey"`
	URL    string    `json:"url,omitempty" doc:"where to send to; empty when this appliance does not listen for _bulk"`
	Uses   []KeyUse  `json:"uses"`
}

type keyIn struct {
	ID  string `path:"id" maxLength:"200"`
	Key string `path:"key" maxLength:"60"`
}

// SourceMinutes is one bar.
type SourceMinutes struct {
	Start    Time  `json:"start"`
	Received int64 `json:"received"`
	Known    bool  `json:"known"`
}

type sourceBody struct {
	Name           string   `json:"name" minLength:"1" maxLength:"200"`
	Kind           string   `json:"kind" enum:"syslog,bulk,import,sensor"`
	System         string   `json:"system,omitempty"`
	Address        string   `json:"address,omitempty" maxLength:"64"`
	Host           string   `json:"host,omitempty" maxLength:"255"`
	Dataset        string   `json:"dataset,omitempty" maxLength:"120"`
	Zone           string   `json:"zone,omitempty" maxLength:"60"`
	Layers         []string `json:"layers,omitempty" maxItems:"4"`
	ExpectEvery    int64    `json:"expect_every_ms,omitempty" minimum:"0" maximum:"31622400000" doc:"at most 366 days"`
	TrustLogsource bool     `json:"trust_logsource,omitempty"`
	Version        int64    `json:"version,omitempty"`
}

type stopBody struct {
	Until   Time   `json:"until,omitzero" doc:"at most 7 days ahead; left out ends the stop"`
	Reason  string `json:"reason" minLength:"1" maxLength:"400"`
	Version int64  `json:"version"`
}

// SensorItem is a sensor and what it may not do here.
type SensorItem struct {
	ID      string           `json:"id"`
	Name    string           `json:"name"`
	Host    string           `json:"host,omitempty"`
	System  *SystemRef       `json:"system,omitempty"`
	Version string           `json:"version,omitempty"`
	State   string           `json:"state" enum:"running,refused,off,unknown,withdrawn" doc:"withdrawn: its certificate was revoked, nothing it sends is taken"`
	Probes  []ProbeItem      `json:"probes"`
	Seen    Time             `json:"seen,omitzero"`
	Ends    Time             `json:"certificate_ends,omitzero" doc:"when the sensor's certificate ends; it renews it at two thirds of its life"`
	Shed    map[string]int64 `json:"shed,omitempty" doc:"records lost since the appliance started, by reason"`
	// Filtered is nil for a sensor that has told nothing yet.
	Filtered map[string]int64 `json:"filtered,omitempty" doc:"what its policy left out since the appliance started, by class; own_traffic: packets of the appliance's own connections"`
}

// ProbeItem is one probe of a sensor.
type ProbeItem struct {
	Name   string `json:"name"`
	State  string `json:"state" enum:"running,refused,off,unknown"`
	Reason Text   `json:"reason,omitempty" doc:"why it may not run"`
	Allow  Text   `json:"allow,omitempty" doc:"what allows it"`
}

// LedgerItem is one minute of one source; difference 0 is good.
type LedgerItem struct {
	Minute      Time             `json:"minute"`
	Source      Ref              `json:"source" doc:"id empty: all sources"`
	Received    int64            `json:"received"`
	Stored      int64            `json:"stored"`
	Quarantined int64            `json:"quarantined"`
	Rejected    int64            `json:"rejected"`
	Duplicate   int64            `json:"duplicate"`
	Dropped     int64            `json:"dropped"`
	InFlight    int64            `json:"in_flight"`
	Difference  int64            `json:"difference"`
	Checked     bool             `json:"checked" doc:"false: too young to balance"`
	Reasons     map[string]int64 `json:"reasons,omitempty"`
}

// LedgerAnswer is a page of the ledger, and the map of minutes when asked for.
type LedgerAnswer struct {
	Items       []LedgerItem `json:"items"`
	Status      LedgerStatus `json:"status"`
	Sum         LedgerItem   `json:"sum" doc:"over everything the range and filter hold"`
	Map         []LedgerCell `json:"map,omitempty" doc:"one cell a minute, only those that are off, not checked yet or not measured; a minute without a cell balances"`
	NotMeasured int          `json:"not_measured" doc:"minutes of the range in which nothing ran or was checked"`
	Kept        Time         `json:"kept_since,omitzero"`
	Frame
}

// LedgerCell is a minute that is off, not checked yet, or not measured: nothing ran in it or nothing was checked.
type LedgerCell struct {
	Minute     Time   `json:"minute"`
	State      string `json:"state" enum:"off,unchecked,not_measured"`
	Difference int64  `json:"difference"`
}

type ledgerIn struct {
	From   string `query:"from" doc:"default one hour before to"`
	To     string `query:"to"`
	Source string `query:"source"`
	View   string `query:"view" enum:"minute,source,off,dropped" doc:"by minute (all sources summed), by minute and source, only those that do not balance, or only those with dropped events, with their reasons"`
	Map    bool   `query:"map"`
	Limit  int    `query:"limit" minimum:"1" maximum:"5000" default:"200"`
	After  string `query:"after" maxLength:"200"`
}

// QuarantineItem is one frame that could not become an event. The bytes stay sealed; reason and size are shown.
type QuarantineItem struct {
	ID     string `json:"id"`
	Source Ref    `json:"source"`
	Time   Time   `json:"time"`
	Reason string `json:"reason"`
	Size   int    `json:"size"`
}

// QuarantineAnswer is a page and the counts by reason.
type QuarantineAnswer struct {
	Items   []QuarantineItem `json:"items"`
	Reasons map[string]int64 `json:"reasons"`
	Frame
}

type quarantineIn struct {
	Source string `query:"source"`
	Reason string `query:"reason"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After  string `query:"after" maxLength:"200"`
}

type replayBody struct {
	IDs    []string `json:"ids,omitempty" maxItems:"1000"`
	Source string   `json:"source,omitempty"`
	Reason string   `json:"reason,omitempty" doc:"all with this reason, when ids is empty"`
}

// Replayed says how many became events now and how many are still held.
type Replayed struct {
	Replayed int64 `json:"replayed"`
	Held     int64 `json:"held"`
}

package console

import "hoalu/soc"

// AlertItem is a row of the queue. Evidence, host, user and address are machine text.
type AlertItem struct {
	ID           string       `json:"id"`
	Number       string       `json:"number" example:"CB-2026-018842"`
	Rule         string       `json:"rule"`
	Title        Text         `json:"title"`
	Severity     soc.Severity `json:"severity" enum:"informational,low,medium,high,critical"`
	Score        int          `json:"score"`
	State        string       `json:"state" enum:"new,acknowledged,closed"`
	Reopened     bool         `json:"reopened,omitempty"`
	System       SystemRef    `json:"system"`
	Unit         *Ref         `json:"unit,omitempty"`
	Source       string       `json:"source,omitempty"`
	Host         string       `json:"host,omitempty"`
	User         string       `json:"user,omitempty"`
	Address      string       `json:"address,omitempty"`
	Holder       *Ref         `json:"holder,omitempty"`
	First        Time         `json:"first"`
	Last         Time         `json:"last"`
	Created      Time         `json:"created"`
	Changed      Time         `json:"changed"`
	Acknowledged Time         `json:"acknowledged,omitzero"`
	Closed       Time         `json:"closed,omitzero"`
	ClosedBy     string       `json:"closed_by,omitempty"`
	CloseReason  string       `json:"close_reason,omitempty" enum:"true_attack,authorised,false_alarm,duplicate,exercise,inconclusive"`
	Count        int64        `json:"count"`
	Evidence     string       `json:"evidence"`
	EvidenceText Text         `json:"evidence_text,omitempty" doc:"evidence in words, where it is what the product itself saw"`
	Attack       []string     `json:"attack"`
	Exercise     bool         `json:"exercise,omitempty"`
	Demo         bool         `json:"demo,omitempty"`
	Personal     bool         `json:"personal,omitempty"`
	Version      int64        `json:"version"`
}

// AlertGroup is a row that stands for several alerts.
type AlertGroup struct {
	Key      string       `json:"key" doc:"give it back as group_key to open the group"`
	Label    string       `json:"label"`
	Title    Text         `json:"title,omitempty"`
	Count    int64        `json:"count"`
	Severity soc.Severity `json:"severity"`
	Score    int          `json:"score"`
	First    Time         `json:"first"`
	Last     Time         `json:"last"`
	Demo     int64        `json:"demo,omitempty" doc:"alerts that are samples"`
	Exercise int64        `json:"exercise,omitempty" doc:"alerts of an exercise"`
}

// AlertsAnswer is a page of the queue.
type AlertsAnswer struct {
	Items  []AlertItem      `json:"items"`
	Groups []AlertGroup     `json:"groups,omitempty"`
	Views  map[string]int64 `json:"views" doc:"counts of unacknowledged, mine, high, personal, open, closed, exercise"`
	Hidden int64            `json:"hidden" doc:"open alerts that the time range hides"`
	Today  AlertsToday      `json:"today"`
	Frame
}

// AlertsToday is the line of the head.
type AlertsToday struct {
	Made    int64  `json:"made"`
	Closed  int64  `json:"closed"`
	AckMean *int64 `json:"acknowledge_mean_seconds,omitempty"`
}

type alertsIn struct {
	View     string   `query:"view" enum:"unacknowledged,mine,high,personal,open,closed,exercise,all" doc:"default open"`
	Text     string   `query:"q" maxLength:"200" doc:"words in title, number, host, account, address; marks and case do not matter"`
	Severity []string `query:"sev" maxItems:"5"`
	Status   []string `query:"status" maxItems:"4" doc:"open, new, acknowledged, closed"`
	System   string   `query:"system"`
	Unit     string   `query:"unit"`
	Rule     string   `query:"rule"`
	Host     string   `query:"host"`
	User     string   `query:"user"`
	Address  string   `query:"address"`
	Attack   string   `query:"attack"`
	Holder   string   `query:"holder"`
	From     string   `query:"from" doc:"RFC 3339 or Unix ms; last hit at or after"`
	To       string   `query:"to"`
	Since    string   `query:"since" doc:"RFC 3339 or Unix ms; made at or after"`
	Sort     string   `query:"sort" enum:"-score,score,-last,last,-first,first,-count,count,-severity,severity" doc:"default -score, then -last"`
	Group    string   `query:"group" enum:"entity,rule,system"`
	GroupKey string   `query:"group_key" maxLength:"400"`
	Limit    int      `query:"limit" minimum:"1" maximum:"500" default:"50"`
	After    string   `query:"after" maxLength:"400"`
}

// AlertDetail is everything about one alert that the person may see.
type AlertDetail struct {
	AlertItem
	ScoreParts  map[string]int      `json:"score_parts"`
	Group       []soc.GroupValue    `json:"group"`
	Trace       []soc.Condition     `json:"trace" doc:"why it fired, with the real values"`
	Why         Text                `json:"why,omitempty"`
	Runbook     map[string][]string `json:"runbook" doc:"three steps by language"`
	RuleInfo    *RuleItem           `json:"rule_info,omitempty"`
	Events      []Event             `json:"events" doc:"raw events kept, newest first, at most 50"`
	EventIDs    []string            `json:"event_ids"`
	EventsError string              `json:"events_error,omitempty" doc:"why the raw events are not here"`
	History     []HistoryLine       `json:"history"`
	Deliveries  []Delivery          `json:"deliveries" doc:"to the national centre"`
	Previous    string              `json:"previous,omitempty" doc:"CB- of the closed episode before"`
	Seen        Seen                `json:"seen"`
	Deeds       []string            `json:"deeds" doc:"what this person may do with it now"`
	AsOf        Time                `json:"as_of"`
	Stale       Time                `json:"stale_after"`
}

// Seen says how often the same was seen before, in scope.
type Seen struct {
	Times    int64            `json:"times"`
	ClosedAs map[string]int64 `json:"closed_as"`
}

// HistoryLine is one line of the handling.
type HistoryLine struct {
	Time   Time   `json:"time"`
	Actor  Ref    `json:"actor"`
	Action string `json:"action" enum:"created,hit,acknowledged,assigned,closed,reopened,note,undo"`
	Text   string `json:"text,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Delivery is one message about the alert.
type Delivery struct {
	ID        string   `json:"id"`
	Kind      string   `json:"kind"`
	Channel   string   `json:"channel"`
	State     string   `json:"state" enum:"waiting,accepted,refused"`
	Created   Time     `json:"created"`
	Accepted  Time     `json:"accepted,omitzero"`
	Tries     int      `json:"tries"`
	NextTry   Time     `json:"next_try,omitzero"`
	LastError string   `json:"last_error,omitempty"`
	Receipt   *Receipt `json:"receipt,omitempty"`
}

// Receipt is the centre's signed word.
type Receipt struct {
	ID       string `json:"id"`
	Received Time   `json:"received"`
	Digest   string `json:"digest"`
	Key      string `json:"key"`
	Kind     string `json:"kind,omitempty" enum:"signed,transport" doc:"transport: the transport's acknowledgement, which is never verified"`
	Verified bool   `json:"verified" doc:"its signature was verified when this was read"`
	Fault    string `json:"fault,omitempty" doc:"why it does not verify"`
}

type alertTarget struct {
	ID      string `json:"id" doc:"id or CB- number" maxLength:"64"`
	Version int64  `json:"version,omitempty" doc:"the version seen; 0 takes whatever is there"`
}

type alertActionBody struct {
	Action string        `json:"action" enum:"acknowledge,assign,close,reopen,note"`
	Alerts []alertTarget `json:"alerts" minItems:"1" maxItems:"1000"`
	Reason string        `json:"reason,omitempty" enum:"true_attack,authorised,false_alarm,duplicate,exercise,inconclusive," doc:"for close"`
	Note   string        `json:"note,omitempty" maxLength:"4000" doc:"for note; asked for on closing a critical alert or as inconclusive"`
	Holder string        `json:"holder,omitempty" doc:"account id, for assign; empty takes it oneself"`
	Take   bool          `json:"take,omitempty" doc:"acknowledge although another person has; both stay in the log"`
}

// AlertActionDone says what happened to each.
type AlertActionDone struct {
	Done      []AlertItem     `json:"done"`
	Conflicts []AlertConflict `json:"conflicts" doc:"changed by someone else meanwhile; nothing was done to these"`
	Missing   []string        `json:"missing"`
	Refused   []AlertRefusal  `json:"refused" doc:"not possible for these, with the reason"`
	Undo      string          `json:"undo,omitempty" doc:"give it to POST /api/undo"`
	UndoUntil Time            `json:"undo_until,omitzero"`
}

// AlertRefusal is one that the deed does not fit.
type AlertRefusal struct {
	ID   string `json:"id"`
	Code string `json:"code"`
	Text string `json:"text"`
}

// AlertConflict is one that another person changed.
type AlertConflict struct {
	ID      string    `json:"id"`
	Code    string    `json:"code"`
	By      string    `json:"by"`
	At      Time      `json:"at"`
	Current AlertItem `json:"current"`
	Text    string    `json:"text"`
}

type undoBody struct {
	Token string `json:"token" maxLength:"200"`
}

// UndoDone are the alerts as they are again.
type UndoDone struct {
	Done []AlertItem `json:"done"`
}

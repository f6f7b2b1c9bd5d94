package console

import "hoalu/soc"

// RuleItem is a row of the rules page.
type RuleItem struct {
	ID          string            `json:"id"`
	Version     string            `json:"version"`
	Title       Text              `json:"title"`
	Severity    soc.Severity      `json:"severity"`
	Status      string            `json:"status,omitempty"`
	State       string            `json:"state" enum:"running,refused"`
	Attack      []string          `json:"attack"`
	Tags        []string          `json:"tags"`
	Origin      string            `json:"origin"`
	File        string            `json:"file"`
	Logsource   map[string]string `json:"logsource,omitempty"`
	Correlation bool              `json:"correlation,omitempty"`
	Alerts      *int64            `json:"alerts_30d,omitempty"`
	Feed        string            `json:"feed,omitempty" enum:"arrives,not_seen,not_made,unknown" doc:"of a rule that runs: whether events of its log source reach the appliance. not_seen: a decoder makes them, none was stored within 30 days; not_made: no decoder makes them either"`
	FeedCause   string            `json:"feed_cause,omitempty" doc:"why feed is unknown"`
	Reason      Text              `json:"reason,omitempty" doc:"why it was refused"`
}

// RuleDetail is one rule with its text and words.
type RuleDetail struct {
	RuleItem
	Why     Text                `json:"why"`
	Runbook map[string][]string `json:"runbook"`
	Text    string              `json:"text" doc:"YAML, machine text"`
}

// RulesAnswer is a page of rules; counts say how many run and how many were refused.
type RulesAnswer struct {
	Items   []RuleItem `json:"items"`
	Running int64      `json:"running" doc:"loaded and asked: fed + unfed + untold"`
	Fed     int64      `json:"fed" doc:"of those that run: events of their log source arrive"`
	Untold  int64      `json:"untold" doc:"of those that run: whether events of their log source arrive could not be told; feed_cause says why"`
	Refused int64      `json:"refused"`
	Unfed   int64      `json:"unfed" doc:"of those that run: cannot fire here, as nothing sends their log source (feed is not_seen or not_made)"`
	Frame
}

type rulesIn struct {
	Text     string `query:"q" maxLength:"200"`
	State    string `query:"state" enum:"running,unfed,refused"`
	Severity string `query:"sev" enum:"informational,low,medium,high,critical"`
	Attack   string `query:"attack"`
	Origin   string `query:"origin"`
	Product  string `query:"product"`
	Sort     string `query:"sort" enum:"title,-title,severity,-severity,alerts,-alerts" doc:"default: refused first, then severity"`
	Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After    string `query:"after" maxLength:"200"`
}

// AuditItem is one deed.
type AuditItem struct {
	Number  int64             `json:"number" doc:"place in the log"`
	Time    Time              `json:"time"`
	Actor   Ref               `json:"actor"`
	Roles   []soc.Role        `json:"roles"`
	Action  string            `json:"action"`
	Text    Text              `json:"text" doc:"the action in words"`
	Object  string            `json:"object,omitempty"`
	Result  string            `json:"result" enum:"done,denied,error"`
	Address string            `json:"address,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	Why     Text              `json:"reason_said,omitempty" doc:"the reason in words, where it is one of a list or the product gave it by itself"`
	Before  string            `json:"before,omitempty"`
	After   string            `json:"after,omitempty"`
	Details map[string]string `json:"details,omitempty"`
	Said    []DeedDetail      `json:"said" doc:"the details in words"`
}

// DeedDetail is one detail of a deed in words.
type DeedDetail struct {
	Key   string `json:"key"`
	Name  Text   `json:"name"`
	Value Text   `json:"value" doc:"as in details where it has no words"`
}

// AuditAnswer is a page of the audit log and its signed head.
type AuditAnswer struct {
	Items []AuditItem `json:"items"`
	Head  *LogHead    `json:"head,omitempty"`
	Frame
}

// LogHead is the last checkpoint of the transparency log.
type LogHead struct {
	Size       int64  `json:"size"`
	Root       string `json:"root"`
	Time       Time   `json:"time"`
	Key        string `json:"key" doc:"id of the key that signs it and evidence packs: SHA-256 of the public key, hex"`
	Checkpoint string `json:"checkpoint" doc:"signed note, as it stands"`

	Compared LogCompared `json:"compared"`
}

// LogCompared is how far the comparison of all rows, and of the alerts with their newest deeds, with the log has come.
type LogCompared struct {
	State    string `json:"state" enum:"not_yet,same,different" doc:"not_yet: not compared since the start, so nothing is known"`
	Time     Time   `json:"time,omitempty" doc:"when all was compared last"`
	Rows     int64  `json:"rows" doc:"rows compared then"`
	Unbound  int64  `json:"unbound" doc:"alerts whose newest deed is of an older version, so that they cannot be compared"`
	Findings []Text `json:"findings" doc:"what differs"`
	Failed   string `json:"failed,omitempty" doc:"why the comparison does not go on"`
}

// AuditFilter chooses deeds.
type AuditFilter struct {
	Text   string `query:"q" maxLength:"200"`
	Actor  string `query:"actor" maxLength:"200"`
	Action string `query:"action" maxLength:"200"`
	Object string `query:"object" maxLength:"1000"`
	People bool   `query:"people" doc:"only what people and tokens did, not the appliance by itself"`
	Result string `query:"result" enum:"done,denied,error"`
	From   string `query:"from" maxLength:"40"`
	To     string `query:"to" maxLength:"40"`
}

type auditIn struct {
	AuditFilter
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After string `query:"after" maxLength:"200"`
}

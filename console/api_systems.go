package console

import "hoalu/soc"

// Counts of controls by state.
type Counts struct {
	Met           int `json:"met"`
	NotMet        int `json:"not_met"`
	Unknown       int `json:"unknown"`
	NotApplicable int `json:"not_applicable"`
}

// LayerItem is one of the four organisational or technical layers.
type LayerItem struct {
	ID      string           `json:"id" enum:"onsite,monitoring,assessment,national,network,application,database,endpoint"`
	Title   Text             `json:"title"`
	Full    Text             `json:"full" doc:"official name, for hover and paper"`
	Score   int              `json:"score" doc:"organisational: 0 none, 1 on paper, 2 proven by fresh evidence, 3 proven automatically in the last 24 h"`
	State   soc.PostureState `json:"state"`
	Share   *float64         `json:"share,omitempty"`
	Since   Time             `json:"since,omitzero"`
	Because []Because        `json:"because"`
	Fix     []Text           `json:"fix" doc:"three steps, with the values of the first reason; empty when there is nothing to do"`
	About   string           `json:"about,omitempty" enum:"appliance" doc:"appliance: looks at the SOC's own appliance; not counted against the system"`
}

// Deadline is a clock of law.
type Deadline struct {
	Kind   string `json:"kind"`
	Due    Time   `json:"due"`
	Days   int    `json:"days" doc:"left; negative when overdue"`
	Approx bool   `json:"approx" doc:"print khoảng before the date"`
	Text   Text   `json:"text"`
	Law    Law    `json:"law"`
}

// SystemItem is a row of the systems page.
type SystemItem struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Unit        *Ref             `json:"unit,omitempty"`
	Operator    *Ref             `json:"operator,omitempty"`
	Level       int              `json:"level"`
	Basis       string           `json:"basis,omitempty" enum:"tcvn11930,tcvn14423"`
	Placement   string           `json:"placement,omitempty" enum:"data_centre,cloud,internet"`
	Dossier     string           `json:"dossier,omitempty" enum:"drafting,submitted,appraised,approved"`
	Plan        string           `json:"plan,omitempty" enum:"none,partial,full"`
	Investing   bool             `json:"investing,omitempty"`
	Engine      string           `json:"engine,omitempty"`
	Demo        bool             `json:"demo,omitempty"`
	Retired     Time             `json:"retired,omitzero" doc:"since when it is in use no longer; left out: in use"`
	Version     int64            `json:"version"`
	State       soc.PostureState `json:"state" doc:"of the tile: not met wins over unknown, unknown over met (own)"`
	Layers      []LayerItem      `json:"layers"`
	Technical   []LayerItem      `json:"technical"`
	Controls    *Counts          `json:"controls,omitempty" doc:"left out when posture is not computed"`
	TelemetryAt Time             `json:"telemetry_at,omitzero" doc:"last event of any of its sources"`
	Transition  *Deadline        `json:"transition,omitempty"`
	OpenAlerts  *int64           `json:"open_alerts,omitempty"`
}

// SystemsAnswer is a page of systems; sum adds up what the filter holds.
type SystemsAnswer struct {
	Items []SystemItem     `json:"items"`
	Sum   Counts           `json:"sum"`
	Views map[string]int64 `json:"views" doc:"counts of all, level3, unknown, internet, soon, retired"`
	Frame
}

type systemsIn struct {
	View      string `query:"view" enum:"all,level3,unknown,internet,soon,retired" doc:"all but retired leave out what is in use no longer"`
	Text      string `query:"q" maxLength:"200"`
	Level     int    `query:"level" minimum:"0" maximum:"5"`
	Unit      string `query:"unit"`
	Placement string `query:"placement" enum:"data_centre,cloud,internet"`
	State     string `query:"state" enum:"met,not_met,unknown,not_applicable"`
	Sort      string `query:"sort" enum:"state,-state,name,-name,id,-id,level,-level,telemetry,-telemetry,transition,-transition,unknown,-unknown" doc:"unknown: the share of requirements that are unknown; default: -unknown, then not met"`
	Limit     int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After     string `query:"after" maxLength:"200"`
}

// SystemDetail is one system with its parts.
type SystemDetail struct {
	SystemItem
	Assets  []AssetItem  `json:"assets"`
	Sources []SourceItem `json:"sources"`
	Deeds   []string     `json:"deeds"`
}

type systemBody struct {
	Name      string `json:"name" minLength:"1" maxLength:"200"`
	Unit      string `json:"unit,omitempty"`
	Operator  string `json:"operator,omitempty"`
	Level     int    `json:"level" minimum:"0" maximum:"5"`
	Basis     string `json:"basis,omitempty" enum:"tcvn11930,tcvn14423,"`
	Placement string `json:"placement,omitempty" enum:"data_centre,cloud,internet,"`
	Dossier   string `json:"dossier,omitempty" enum:"drafting,submitted,appraised,approved,"`
	Plan      string `json:"plan,omitempty" enum:"none,partial,full,"`
	Investing bool   `json:"investing,omitempty"`
	Engine    string `json:"engine,omitempty" maxLength:"60"`
	Version   int64  `json:"version,omitempty" doc:"the version seen, for a change"`
}

// FindingItem is one cell of the posture grid.
type FindingItem struct {
	Control   string           `json:"control"`
	Title     Text             `json:"title"`
	Group     string           `json:"group"`
	State     soc.PostureState `json:"state" enum:"met,not_met,unknown,not_applicable"`
	Since     Time             `json:"since,omitzero"`
	Computed  Time             `json:"computed,omitzero"`
	LastKnown soc.PostureState `json:"last_known,omitempty"`
	Mode      string           `json:"mode,omitempty" enum:"auto,semi,attest"`
	About     string           `json:"about,omitempty" enum:"appliance" doc:"appliance: looks at the SOC's own appliance and people; not counted against the system"`
	Because   []Because        `json:"because"`
	Evidence  []EvidenceItem   `json:"evidence"`
	Fix       []Text           `json:"fix" doc:"three steps, with the values of the first reason; empty when there is nothing to do"`
	From      Time             `json:"from,omitzero" doc:"since when for these reasons and this revision; the state may be older"`
	Policy    string           `json:"policy,omitempty" doc:"revision of policy and requirement; empty: no check yet"`
}

// EvidenceItem is one fact, its age and its limit.
type EvidenceItem struct {
	ID      string `json:"id"`
	Title   Text   `json:"title,omitempty" doc:"what it is, where it is no source"`
	At      Time   `json:"at"`
	MaxAge  int64  `json:"max_age_ms"`
	Expired bool   `json:"expired"`
	Value   string `json:"value,omitempty"`
}

// PostureGroup is a group of controls.
type PostureGroup struct {
	ID     string   `json:"id"`
	Title  Text     `json:"title"`
	Counts Counts   `json:"counts"`
	Items  []string `json:"items" doc:"control ids in order"`
}

// PostureAnswer is the state of one system at an instant.
type PostureAnswer struct {
	System     SystemRef      `json:"system"`
	At         Time           `json:"at"`
	Past       bool           `json:"past" doc:"asked for another instant than now: deeds are off"`
	Computed   Time           `json:"computed,omitzero"`
	Basis      string         `json:"basis"`
	Counts     Counts         `json:"counts"`
	Groups     []PostureGroup `json:"groups"`
	Findings   []FindingItem  `json:"findings"`
	Layers     []LayerItem    `json:"layers"`
	Technical  []LayerItem    `json:"technical"`
	Transition *Deadline      `json:"transition,omitempty"`
	Frame
}

// PostureChange is one interval that begins in the asked period.
type PostureChange struct {
	Control string           `json:"control"`
	Layer   bool             `json:"layer,omitempty" doc:"a layer, not one of the requirements"`
	Title   Text             `json:"title"`
	At      Time             `json:"at"`
	From    soc.PostureState `json:"from,omitempty"`
	To      soc.PostureState `json:"to"`
	Because []Because        `json:"because"`
}

// ControlItem is one requirement of the catalogue.
type ControlItem struct {
	ID      string            `json:"id"`
	Group   string            `json:"group"`
	Title   Text              `json:"title"`
	Req     Text              `json:"requirement" doc:"our wording"`
	Param   Text              `json:"parameter,omitempty"`
	Mode    string            `json:"mode,omitempty" enum:"auto,semi,attest"`
	How     Text              `json:"how,omitempty" doc:"what evidence decides it"`
	Clauses map[string]string `json:"clauses" doc:"by document: tcvn11930, tt12, tcvn14423"`
	Basis   []BasisItem       `json:"basis" doc:"documents, wording and figure, each with its own certainty"`
	Checked bool              `json:"checked" doc:"a policy exists"`
}

// BasisItem is one thing a requirement rests on.
type BasisItem struct {
	Part string `json:"part" enum:"clause,text,figure"`
	Law
}

// ControlDetail is a requirement and its state on each system in scope.
type ControlDetail struct {
	ControlItem
	Systems []ControlSystem `json:"systems"`
}

// ControlSystem is the state of the control on one system.
type ControlSystem struct {
	System SystemRef        `json:"system"`
	State  soc.PostureState `json:"state"`
	Since  Time             `json:"since,omitzero"`
}

type postureIn struct {
	ID string `path:"id" maxLength:"64"`
	At string `query:"at" doc:"RFC 3339, Unix ms or a date (its end in Vietnam); default now"`
}

// PostureDifference is what differs between two instants: a cell that changed and came back is not in it.
type PostureDifference struct {
	From  Time            `json:"from"`
	To    Time            `json:"to"`
	Items []PostureChange `json:"items"`
	Frame
}

type changesIn struct {
	ID   string `path:"id" maxLength:"64"`
	From string `query:"from"`
	To   string `query:"to"`
}

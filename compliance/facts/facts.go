// Package facts is what posture policies see: one System's telemetry as a JSON document, gathered from the running appliance.
// The same shape is what the policies' own tests write down. Times are Unix milliseconds UTC; 0 is never.
//
// "Could not tell" is never 0: a part that could not be read carries its cause in Error, and Failed names the evidence that rests on it.
// Whatever a policy concludes from such evidence, the host makes it unknown with that cause.
package facts

import "hoalu/soc"

// Facts is the input of a policy for one system.
type Facts struct {
	Now      int64    `json:"now"`
	System   System   `json:"system"`
	Floor    int      `json:"retention_floor_days"` // least days of logs at the system's level
	Assets   []Asset  `json:"assets"`
	Sources  []Source `json:"sources"`
	Store    Store    `json:"store"`
	Watch    Watch    `json:"watch"`
	National National `json:"national"`
	Access   Access   `json:"access"`
	Clock    Clock    `json:"clock"`

	Failed map[string]string `json:"failed,omitempty"` // evidence id → why it could not be read
}

// System is the system looked at.
type System struct {
	ID        string `json:"id"`
	Level     int    `json:"level"`
	Placement string `json:"placement"`
	Engine    string `json:"engine"`    // database; none: there is no database; "": not declared
	Dossier   string `json:"dossier"`   // state of the level dossier as declared; "": not declared
	Investing bool   `json:"investing"` // under investment or construction: not in operation yet
	Demo      bool   `json:"demo"`
}

// NoEngine says of a system that it has no database.
const NoEngine = "none"

// Asset is a registered object with the newest event seen from it.
type Asset struct {
	ID        string `json:"id"`
	Host      string `json:"host"`
	Kind      string `json:"kind"`
	LastEvent int64  `json:"last_event"`
	Error     string `json:"error,omitempty"` // why it could not be told; LastEvent says nothing then
}

// Source is a registered source as the collector sees it.
type Source struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Kind       string   `json:"kind"`
	Layers     []string `json:"layers"`
	State      string   `json:"state"` // soc.Reading states
	FirstEvent int64    `json:"first_event"`
	LastEvent  int64    `json:"last_event"`
	Since      int64    `json:"since"`
	MaxAge     int64    `json:"max_age"`   // ms without an event after which nothing can be concluded
	OffsetMS   int64    `json:"offset_ms"` // only when Timed
	Timed      bool     `json:"timed"`     // its clock could be compared with ours
	Unparsed   float64  `json:"unparsed"`
	Planned    bool     `json:"planned_stop"`

	Kinds map[string]int64 `json:"kinds"` // kind of log (soc.Log…) → receipt of its newest event
}

// Store is what is kept of this system.
type Store struct {
	Error       string `json:"error,omitempty"` // why it could not be read, "" when it was
	Checked     int64  `json:"checked"`
	Oldest      int64  `json:"oldest_event"`           // receipt of the oldest searchable event
	KeepDays    int    `json:"keep_days"`              // 0 for ever
	DiskDays    int    `json:"disk_days"`              // until full at the present rate; -1 cannot tell
	DiskUnknown string `json:"disk_unknown,omitempty"` // why it cannot tell: soc.DiskMeasuring, soc.DiskNotFalling
	Ready       bool   `json:"ready"`
	Checkpoint  int64  `json:"checkpoint"` // last signed head of the evidence log
}

// Watch is how events are watched and alerts handled.
type Watch struct {
	Error                string `json:"error,omitempty"` // why it could not be read, "" when it was
	Checked              int64  `json:"checked"`
	Rules                int    `json:"rules"`                 // loaded and running
	RulesChanged         int64  `json:"rules_changed"`         // last change of rules or exceptions
	OldestUnacknowledged int64  `json:"oldest_unacknowledged"` // when the oldest open alert nobody took was made
	Started              int64  `json:"started"`               // when the appliance began to watch
}

// National is the link to the centre.
type National struct {
	Error         string `json:"error,omitempty"` // why it could not be read, "" when it was
	Checked       int64  `json:"checked"`
	Endpoint      bool   `json:"endpoint"`
	LastAccepted  int64  `json:"last_accepted"` // report or heartbeat
	OldestWaiting int64  `json:"oldest_waiting"`
	Waiting       int64  `json:"waiting"`
}

// Access is who may use the appliance.
type Access struct {
	Error         string `json:"error,omitempty"` // why it could not be read, "" when it was
	Checked       int64  `json:"checked"`
	Accounts      int    `json:"accounts"`
	WithoutSecond int    `json:"without_second_factor"`
	LastDeed      int64  `json:"last_deed"` // newest entry of the audit log
	TwoRoles      int    `json:"two_roles"` // persons who both administer the appliance and watch or lead with it
}

// Clock is the appliance's own clock.
type Clock struct {
	Error        string `json:"error,omitempty"` // why it could not be read, "" when it was
	Checked      int64  `json:"checked"`
	Synchronised bool   `json:"synchronised"`
	Known        bool   `json:"known"` // false: the host does not say
}

// Telemetry is the part of the appliance's state that all systems share.
type Telemetry struct {
	Now      int64
	Store    func(system string) Store
	Watch    func(system string) Watch
	National National
	Access   Access
	Clock    Clock
}

// RetentionFloorDays is the least time logs are kept at a level (TCVN 14423:2026 x.8.2.1a, V2: 1, 3, 6, 12 months).
func RetentionFloorDays(level int) int {
	switch {
	case level <= 1:
		return 0
	case level == 2:
		return 30
	case level == 3:
		return 90
	case level == 4:
		return 180
	}
	return 365
}

// DefaultMaxAge is how long a source without a set interval may be quiet before nothing can be concluded from it (own figure).
const DefaultMaxAge = 9 * 60_000

// Build puts one system's facts together. readings are by source id, kinds says what kinds of log a source sends about this system.
func Build(t Telemetry, sys soc.System, assets []soc.Asset, sources []soc.Source, readings map[string]soc.Reading,
	kinds func(source string) map[string]int64, lastByHost func(host string) (int64, error)) Facts {
	f := Facts{Now: t.Now, System: System{sys.ID, sys.Level, sys.Placement, sys.Engine, sys.Dossier, sys.Investing, sys.Demo},
		Floor:  RetentionFloorDays(sys.Level),
		Assets: []Asset{}, Sources: []Source{}, National: t.National, Access: t.Access, Clock: t.Clock}
	if t.Store != nil {
		f.Store = t.Store(sys.ID)
	}
	if t.Watch != nil {
		f.Watch = t.Watch(sys.ID)
	}
	for _, a := range assets {
		if a.Host == "" {
			continue // an address or a network says whose an event is; the object to be seen is the host
		}
		x := Asset{ID: a.ID, Host: a.Host, Kind: a.Kind}
		if lastByHost != nil && a.Host != "" {
			at, err := lastByHost(a.Host)
			if x.LastEvent = at; err != nil {
				x.LastEvent, x.Error = 0, err.Error()
			}
		}
		f.Assets = append(f.Assets, x)
	}
	for _, s := range sources {
		r := readings[s.ID]
		x := Source{ID: s.ID, Name: s.Name, Kind: s.Kind, Layers: s.Layers, State: r.State, FirstEvent: r.FirstEvent, LastEvent: r.LastEvent,
			Since:  r.Since,
			MaxAge: DefaultMaxAge, OffsetMS: r.OffsetMS, Timed: r.Timed, Unparsed: r.Unparsed, Planned: s.StoppedUntil > t.Now}
		if s.ExpectEvery > 0 {
			x.MaxAge = s.ExpectEvery
		}
		if x.State == "" {
			x.State = soc.SourceNever
		}
		if x.Layers == nil {
			x.Layers = []string{}
		}
		if kinds != nil {
			x.Kinds = kinds(s.ID)
		}
		if x.Kinds == nil {
			x.Kinds = map[string]int64{}
		}
		f.Sources = append(f.Sources, x)
	}
	f.Failed = failed(f)
	return f
}

// failed names the evidence that rests on what could not be read.
func failed(f Facts) map[string]string {
	out := map[string]string{}
	for _, x := range []struct {
		cause    string
		evidence []string
	}{
		{f.Store.Error, []string{"store", "evidence_log"}},
		{f.Watch.Error, []string{"watch"}},
		{f.National.Error, []string{"national", "national_settings"}},
		{f.Access.Error, []string{"accounts"}},
		{f.Clock.Error, []string{"clock"}},
	} {
		for _, id := range x.evidence {
			if x.cause != "" {
				out[id] = x.cause
			}
		}
	}
	return out
}

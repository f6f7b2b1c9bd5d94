package console

// EventsAnswer is a page of events with the aggregations asked for.
type EventsAnswer struct {
	Events         []Event               `json:"events"`
	Histogram      *Histogram            `json:"histogram,omitempty"`
	Terms          map[string]TermsTable `json:"terms,omitempty"`
	Scanned        int64                 `json:"scanned"`
	TookMS         int64                 `json:"took_ms"`
	Cut            bool                  `json:"cut,omitempty" doc:"the page ended before limit because its events are large; next goes on"`
	Query          string                `json:"query" doc:"as it was run, identifiers replaced by their tokens"`
	MissingSources []Ref                 `json:"missing_sources,omitempty" doc:"sources in scope without data in this range"`
	Frame
}

// Histogram is counts over time; gaps are intervals in which nothing at all was received: draw stripes, not 0.
type Histogram struct {
	IntervalMS int64    `json:"interval_ms"`
	Buckets    []Bucket `json:"buckets" doc:"key is the RFC 3339 start"`
	Gaps       []Span   `json:"gaps,omitempty"`
	AtLeast    bool     `json:"at_least,omitempty" doc:"not all could be read (partial): each count may be too low"`
}

// Span is a stretch of time.
type Span struct {
	From Time `json:"from"`
	To   Time `json:"to"`
}

// TermsTable is the top values of a field.
type TermsTable struct {
	Buckets  []Bucket `json:"buckets"`
	Other    int64    `json:"other"`
	Distinct int64    `json:"distinct"`

	// More values than are held at once: Distinct is an estimate, and a count may be up to CountError too low.
	Approximate bool  `json:"approximate,omitempty"`
	CountError  int64 `json:"count_error,omitempty"`
	AtLeast     bool  `json:"at_least,omitempty" doc:"not all could be read (partial): each count, other and distinct may be too low"`
}

type eventsIn struct {
	Query     string   `query:"query" maxLength:"4000" doc:"a citizen identifier here is refused with code use_post: URLs are logged"`
	SQ        string   `query:"sq" maxLength:"64" doc:"name of a stored search (POST /api/searches)"`
	From      string   `query:"from" doc:"RFC 3339 or Unix ms; default 24 hours before to"`
	To        string   `query:"to" doc:"RFC 3339 or Unix ms; default now"`
	Limit     int      `query:"limit" minimum:"0" maximum:"10000" default:"100"`
	After     string   `query:"after" maxLength:"2000"`
	Sort      string   `query:"sort" enum:"-time,time"`
	Histogram string   `query:"histogram" maxLength:"12" doc:"auto, or an interval such as 30s, 5m, 1h, 1d"`
	Terms     []string `query:"terms" maxItems:"12" doc:"fields to count the values of"`
	Top       int      `query:"top" minimum:"1" maximum:"100" default:"10"`
}

type searchBody struct {
	Query  string `json:"query" maxLength:"20000"`
	Name   string `json:"name,omitempty" maxLength:"120" doc:"keep it under this name"`
	Shared bool   `json:"shared,omitempty" doc:"show it to one's unit"`
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
}

// Search is a stored search; its text holds tokens in place of identifiers.
type Search struct {
	SQ          string   `json:"sq"`
	Query       string   `json:"query"`
	Name        string   `json:"name,omitempty"`
	Shared      bool     `json:"shared,omitempty"`
	By          string   `json:"by,omitempty"`
	Identifiers []string `json:"identifiers" doc:"kinds of citizen identifiers found in it"`
	Created     Time     `json:"created"`
}

// EventDetail is one event with where it comes from.
type EventDetail struct {
	Event  Event      `json:"event"`
	System *SystemRef `json:"system,omitempty"`
	Source *Ref       `json:"source,omitempty"`
}

// FieldItem is a field that the result has.
type FieldItem struct {
	Name  string   `json:"name"`
	Fill  float64  `json:"fill" doc:"share of the sampled events that have it, 0 to 1"`
	Count int64    `json:"count"`
	Kind  string   `json:"kind" enum:"string,number,boolean"`
	Top   []Bucket `json:"top"`

	// Values of more than 256 bytes and those beyond 2000 different ones are not counted: one may be more frequent than those of Top.
	Approximate bool `json:"approximate,omitempty" doc:"some values were not counted, being too long or too many: one may be more frequent than those in top"`
}

// FieldsAnswer lists fields by fill, from a sample of the newest events that could be read; Capped when it is not all of them, so that
// others may have further fields.
type FieldsAnswer struct {
	Items   []FieldItem `json:"items"`
	Sampled int64       `json:"sampled"`
	Frame
}

type fieldsIn struct {
	Query string `query:"query" maxLength:"4000"`
	SQ    string `query:"sq" maxLength:"64"`
	From  string `query:"from"`
	To    string `query:"to"`
}

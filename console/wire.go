package console

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hoalu/ecs"
	"hoalu/soc"
)

// Time is Unix milliseconds, RFC 3339 UTC on the wire; the zero Time is left out or null.
type Time int64

// MarshalJSON renders RFC 3339 UTC with milliseconds, null for the zero Time.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == 0 {
		return []byte("null"), nil
	}
	return strconv.AppendQuote(nil, ecs.FormatTime(int64(t))), nil
}

// UnmarshalJSON reads RFC 3339 or null.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == nil || *s == "" {
		*t = 0
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, *s)
	if err != nil {
		return err
	}
	*t = Time(at.UnixMilli())
	return nil
}

// Schema says what a Time is in OpenAPI.
func (Time) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Description: "RFC 3339, UTC"}
}

// IsZero lets omitzero leave an unset Time out.
func (t Time) IsZero() bool { return t == 0 }

// Event is one event as a flat JSON object of dotted ECS names.
type Event struct{ *ecs.Event }

// MarshalJSON renders the event's fields.
func (e Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

// Schema says what an Event is in OpenAPI.
func (Event) Schema(r huma.Registry) *huma.Schema {
	const name = "Event"
	if _, ok := r.Map()[name]; !ok {
		r.Map()[name] = &huma.Schema{
			Type:                 huma.TypeObject,
			Description:          "One event: dotted ECS names to a text, number, truth value or an array of them. Always there: event.id, @timestamp, event.created, hoalu.system.id.",
			AdditionalProperties: true,
			Properties: map[string]*huma.Schema{
				"event.id":         {Type: huma.TypeString},
				"@timestamp":       {Type: huma.TypeString, Format: "date-time"},
				"event.created":    {Type: huma.TypeString, Format: "date-time"},
				"hoalu.system.id":  {Type: huma.TypeString},
				"hoalu.source.id":  {Type: huma.TypeString},
				"message":          {Type: huma.TypeString},
				"event.original":   {Type: huma.TypeString},
				"hoalu.identifier": {},
			},
			Required: []string{"event.id", "@timestamp"},
		}
	}
	return &huma.Schema{Ref: "#/components/schemas/" + name}
}

// Frame goes with every list (decision 26).
type Frame struct {
	Total      int64    `json:"total" doc:"rows that match, within the caller's scope; at least so many when capped, or when there is a partial"`
	Capped     bool     `json:"capped" doc:"true when counting stopped at total: there are at least that many"`
	AsOf       Time     `json:"as_of" doc:"when this was true"`
	StaleAfter Time     `json:"stale_after" doc:"do not believe it after this instant; show it as unknown"`
	Next       string   `json:"next" doc:"cursor of the next page, empty at the end"`
	Partial    []string `json:"partial,omitempty" doc:"what could not be read, with its reason"`
}

// Page is a list.
type Page[T any] struct {
	Items []T `json:"items"`
	Frame
}

// Text is a text of the product by language, vi and en.
type Text map[string]string

// Ref names something by its number.
type Ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// SystemRef names a system as rows show it.
type SystemRef struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Level int    `json:"level"`
	Demo  bool   `json:"demo,omitempty"`
}

// Law is where a figure of law comes from, with its certainty (promise 10).
type Law struct {
	Document string `json:"document" example:"NĐ 331/2026"`
	Article  string `json:"article" example:"Đ31.2.d"`
	Mark     string `json:"mark" doc:"V, V2, M+, M, M- or own"`
	Note     Text   `json:"note,omitempty"`
}

// Bucket is one bar.
type Bucket struct {
	Key   string `json:"key"`
	Count int64  `json:"count"`
}

// Because is one reason, worded in both languages.
type Because struct {
	Code   string            `json:"code"`
	Values map[string]string `json:"values,omitempty"`
	Text   Text              `json:"text"`
}

// Done says that a deed was done.
type Done struct {
	Done bool `json:"done"`
}

type none struct{}

// clock is the time of day in Vietnam, for sentences.
func (t Time) clock() string { return time.UnixMilli(int64(t)).In(soc.Zone).Format("15:04") }

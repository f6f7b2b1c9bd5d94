package local

import (
	"unicode/utf8"

	"hoalu/ecs"
	"hoalu/ecs/query"
)

// Columns of a filed segment: what each is, and how its values are written.

// form is how the values of a column are written; it fixes their Kind.
type form uint8

const (
	formText   form = iota // string
	formInt                // number written as strconv would write it
	formNumber             // any other number, as its text
	formBool
	forms
	formNone // null and what has no form: only in ext
)

func (f form) kind() ecs.Kind {
	switch f {
	case formText:
		return ecs.String
	case formBool:
		return ecs.Bool
	}
	return ecs.Number
}

func formOf(v ecs.Value) form {
	switch v.Kind {
	case ecs.String:
		if utf8.ValidString(v.Text) {
			return formText
		}
	case ecs.Number:
		if _, ok := query.CanonicalInt(v.Text); ok {
			return formInt
		}
		if utf8.ValidString(v.Text) {
			return formNumber
		}
	case ecs.Bool:
		if v.Text == "true" || v.Text == "false" {
			return formBool
		}
	}
	return formNone
}

// columnMeta describes a column in the footer ("hoalu.columns").
type columnMeta struct {
	Name     string `json:"name"`
	Field    string `json:"field"`
	Form     form   `json:"form"`
	Repeated bool   `json:"repeated,omitempty"`
	Dict     bool   `json:"dict,omitempty"`
	Values   int    `json:"values"`
	Lo       int64  `json:"lo,omitempty"` // of formInt
	Hi       int64  `json:"hi,omitempty"`

	Required bool       `json:"-"` // a fixed column, with a value in every row
	DictPage *pageMeta  `json:"-"`
	Pages    []pageMeta `json:"-"`
}

// The fixed columns.
const (
	colTime     = "@timestamp"
	colCreated  = "event.created"
	colIngested = "event.ingested"
	colID       = "event.id"
	colSystem   = "hoalu.system.id"
	colSource   = "hoalu.source.id"
	colExt      = "ext"
)

// fixedColumns are in every file; the index says which is which.
var fixedColumns = [...]columnMeta{
	fixTime:     {Name: colTime, Form: formInt, Required: true},
	fixCreated:  {Name: colCreated, Form: formInt, Required: true},
	fixIngested: {Name: colIngested, Form: formInt, Required: true},
	fixID:       {Name: colID, Required: true},
	fixSystem:   {Name: colSystem, Dict: true, Required: true},
	fixSource:   {Name: colSource, Dict: true, Required: true},
	fixExt:      {Name: colExt},
}

const (
	fixTime = iota
	fixCreated
	fixIngested
	fixID
	fixSystem
	fixSource
	fixExt
)

// Package ecs holds the Event every part of Hoa Lư hands on: a flat list of (field, value) pairs over one arena,
// named as in the Elastic Common Schema (ECS 8).
//
// Words: a Field is an interned dotted name ("source.ip"); a Value is text with a Kind that remembers whether the
// source wrote a string, a number, a boolean or null. Arrays are repeated fields; nested objects are dotted names;
// a number keeps the digits the source wrote, so 64-bit integers never pass through a float.
//
// Contract: an Event is not safe for concurrent writing; once handed on it is immutable and may be read by any number
// of goroutines. Strings returned by an Event alias its arena and live as long as the Event; a Reset invalidates them.
package ecs

import (
	"strconv"
	"time"
	"unsafe"
)

// Kind says what the source wrote.
type Kind uint8

// The kinds of a Value, as in JSON.
const (
	String Kind = iota
	Number
	Bool
	Null
)

func (k Kind) String() string {
	switch k {
	case String:
		return "string"
	case Number:
		return "number"
	case Bool:
		return "boolean"
	}
	return "null"
}

type kv struct {
	field    Field
	off, len uint32
	kind     Kind
}

// Value is one value of a field; Text aliases the Event's arena.
type Value struct {
	Text string
	Kind Kind
}

// Event is one thing that happened, as the pipeline hands it to detection, store and people.
//
// Identity and time stand outside the list because every part needs them at once (decisions 1 to 3):
// times are Unix milliseconds UTC.
type Event struct {
	ID       string // derived from (epoch, sequence, index), or from the sender's own id; never random
	Time     int64  // @timestamp: the source's clock, or Created where it cannot be trusted
	Created  int64  // event.created: receipt by the collector; ledger, silence and retention go by it
	Ingested int64  // event.ingested: stored
	System   string // HT- number of the monitored system, or soc.Unassigned
	Source   string // NG- number of the source

	arena []byte
	kvs   []kv
}

// Reset empties e and keeps its memory; every string it handed out is invalid afterwards.
func (e *Event) Reset() {
	*e = Event{arena: e.arena[:0], kvs: e.kvs[:0]}
}

// Len is the number of (field, value) pairs.
func (e *Event) Len() int { return len(e.kvs) }

// At returns pair i in the order of arrival.
func (e *Event) At(i int) (Field, Value) {
	p := e.kvs[i]
	return p.field, Value{e.text(p), p.kind}
}

func (e *Event) text(p kv) string {
	if p.len == 0 {
		return ""
	}
	return unsafe.String(&e.arena[p.off], int(p.len))
}

// Add appends a value; the same field added again is an array.
func (e *Event) Add(f Field, text string, k Kind) {
	off := uint32(len(e.arena))
	e.arena = append(e.arena, text...)
	e.kvs = append(e.kvs, kv{f, off, uint32(len(text)), k})
}

// AddString appends a text value; the empty string is a value (Sigma tells ” from null).
func (e *Event) AddString(f Field, s string) { e.Add(f, s, String) }

// AddInt appends a whole number.
func (e *Event) AddInt(f Field, n int64) {
	off := uint32(len(e.arena))
	e.arena = strconv.AppendInt(e.arena, n, 10)
	e.kvs = append(e.kvs, kv{f, off, uint32(len(e.arena)) - off, Number})
}

// AddBool appends true or false.
func (e *Event) AddBool(f Field, b bool) {
	e.Add(f, strconv.FormatBool(b), Bool)
}

// Virtual reports whether f is answered from the Event's struct fields (see field.go).
func (f Field) Virtual() bool { return f <= lastVirtual }

func (e *Event) virtual(f Field) (Value, bool) {
	ms := func(n int64) (Value, bool) {
		if n == 0 {
			return Value{}, false
		}
		return Value{FormatTime(n), String}, true
	}
	text := func(s string) (Value, bool) { return Value{s, String}, s != "" }
	switch f {
	case Timestamp:
		return ms(e.Time)
	case EventCreated:
		return ms(e.Created)
	case EventIngested:
		return ms(e.Ingested)
	case EventID:
		return text(e.ID)
	case SystemID:
		return text(e.System)
	}
	return text(e.Source)
}

// Get returns the first value of f.
func (e *Event) Get(f Field) (Value, bool) {
	if f.Virtual() {
		return e.virtual(f)
	}
	for _, p := range e.kvs {
		if p.field == f {
			return Value{e.text(p), p.kind}, true
		}
	}
	return Value{}, false
}

// Text returns the text of the first value of f that is not null, or "".
func (e *Event) Text(f Field) string {
	if f.Virtual() {
		v, _ := e.virtual(f)
		return v.Text
	}
	for _, p := range e.kvs {
		if p.field == f && p.kind != Null {
			return e.text(p)
		}
	}
	return ""
}

// Int returns the first value of f as a whole number.
func (e *Event) Int(f Field) (int64, bool) {
	v, ok := e.Get(f)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(v.Text, 10, 64)
	return n, err == nil
}

// Has reports whether f is there, be it null or empty.
func (e *Event) Has(f Field) bool {
	if f.Virtual() {
		_, ok := e.virtual(f)
		return ok
	}
	for _, p := range e.kvs {
		if p.field == f {
			return true
		}
	}
	return false
}

// Values appends all values of f to dst.
func (e *Event) Values(dst []Value, f Field) []Value {
	if f.Virtual() {
		if v, ok := e.virtual(f); ok {
			dst = append(dst, v)
		}
		return dst
	}
	for _, p := range e.kvs {
		if p.field == f {
			dst = append(dst, Value{e.text(p), p.kind})
		}
	}
	return dst
}

// Set replaces every value of f by one.
func (e *Event) Set(f Field, text string, k Kind) {
	for i, p := range e.kvs {
		if p.field == f {
			off := uint32(len(e.arena))
			e.arena = append(e.arena, text...)
			e.kvs[i] = kv{f, off, uint32(len(text)), k}
			e.deleteFrom(i+1, f)
			return
		}
	}
	e.Add(f, text, k)
}

// SetString replaces every value of f by one text.
func (e *Event) SetString(f Field, s string) { e.Set(f, s, String) }

// SetAt replaces the text of pair i and keeps its field and kind; privacy uses it to put a token in place of a number.
func (e *Event) SetAt(i int, text string) {
	off := uint32(len(e.arena))
	e.arena = append(e.arena, text...)
	e.kvs[i].off, e.kvs[i].len = off, uint32(len(text))
}

// SetKindAt changes the kind of pair i (a number that became a token is text).
func (e *Event) SetKindAt(i int, k Kind) { e.kvs[i].kind = k }

// Delete removes every value of f.
func (e *Event) Delete(f Field) { e.deleteFrom(0, f) }

func (e *Event) deleteFrom(from int, f Field) {
	out := e.kvs[:from]
	for _, p := range e.kvs[from:] {
		if p.field != f {
			out = append(out, p)
		}
	}
	e.kvs = out
}

// Clone copies e; the copy shares nothing.
func (e *Event) Clone() *Event {
	c := *e
	c.arena = append([]byte(nil), e.arena...)
	c.kvs = append([]kv(nil), e.kvs...)
	return &c
}

// Reporter is the name of the machine that reports an event: its host (host.name), or where the event is of no host the device that
// observed it (observer.name), as a firewall or a network sensor does. "" when neither is said.
func (e *Event) Reporter() string {
	if name := e.Text(HostName); name != "" {
		return name
	}
	return e.Text(ObserverName)
}

// Append adds every pair of o behind those of e; what is there of the same fields stays.
func (e *Event) Append(o *Event) {
	off := uint32(len(e.arena))
	e.arena = append(e.arena, o.arena...)
	at := len(e.kvs)
	e.kvs = append(e.kvs, o.kvs...)
	for i := at; i < len(e.kvs); i++ {
		e.kvs[i].off += off
	}
}

// SourceTime is the time that the source wrote, in Unix milliseconds: also where it was not believed and Time is another.
func (e *Event) SourceTime() int64 {
	if v, ok := e.Get(HoaluSenderTime); ok {
		if t, ok := ParseTime(v.Text, String); ok {
			return t
		}
	}
	return e.Time
}

// Size is the bytes of values held, for budgets.
func (e *Event) Size() int {
	return len(e.arena) + len(e.kvs)*16 + len(e.ID) + len(e.System) + len(e.Source)
}

// Logsource is what Sigma rules select events by (https://sigmahq.io, logsource): set by a decoder, stored as
// sigma.logsource.product, .service and .category (repeated).
type Logsource struct {
	Product, Service string
	Category         []string
}

// Logsource reads the event's sigma.logsource fields.
func (e *Event) Logsource() Logsource {
	var l Logsource
	for _, p := range e.kvs {
		switch p.field {
		case LogsourceProduct:
			l.Product = e.text(p)
		case LogsourceService:
			l.Service = e.text(p)
		case LogsourceCategory:
			l.Category = append(l.Category, e.text(p))
		}
	}
	return l
}

// SetLogsource replaces the event's sigma.logsource fields.
func (e *Event) SetLogsource(product, service string, category ...string) {
	for _, p := range e.kvs { // deleting moves every pair behind; almost no event has one yet
		if p.field == LogsourceProduct || p.field == LogsourceService || p.field == LogsourceCategory {
			e.Delete(LogsourceProduct)
			e.Delete(LogsourceService)
			e.Delete(LogsourceCategory)
			break
		}
	}
	if product != "" {
		e.AddString(LogsourceProduct, product)
	}
	if service != "" {
		e.AddString(LogsourceService, service)
	}
	for _, c := range category {
		e.AddString(LogsourceCategory, c)
	}
}

// FormatTime renders Unix milliseconds as RFC 3339 UTC with milliseconds.
func FormatTime(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

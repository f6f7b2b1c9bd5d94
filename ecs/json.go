package ecs

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendJSON appends e as one flat JSON object: dotted ECS names, a repeated field as an array, the virtual fields first.
// Invalid UTF-8 becomes U+FFFD, so the result is always valid JSON.
func (e *Event) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	n := len(dst)
	for f := Field(0); f <= lastVirtual; f++ {
		if v, ok := e.virtual(f); ok {
			if len(dst) > n {
				dst = append(dst, ',')
			}
			dst = AppendQuoted(dst, f.Name())
			dst = append(dst, ':')
			dst = AppendQuoted(dst, v.Text)
		}
	}
next:
	for i, p := range e.kvs {
		for j := i - 1; j >= 0; j-- {
			if e.kvs[j].field == p.field {
				continue next
			}
		}
		if len(dst) > n {
			dst = append(dst, ',')
		}
		dst = AppendQuoted(dst, p.field.Name())
		dst = append(dst, ':')
		at := len(dst)
		many := false
		dst = appendValue(dst, e.text(p), p.kind)
		for _, q := range e.kvs[i+1:] {
			if q.field == p.field {
				if !many {
					many = true
					dst = append(dst, 0)
					copy(dst[at+1:], dst[at:])
					dst[at] = '['
				}
				dst = append(dst, ',')
				dst = appendValue(dst, e.text(q), q.kind)
			}
		}
		if many {
			dst = append(dst, ']')
		}
	}
	return append(dst, '}')
}

// MarshalJSON is AppendJSON, so that an Event can stand in any answer.
func (e *Event) MarshalJSON() ([]byte, error) { return e.AppendJSON(nil), nil }

func appendValue(dst []byte, s string, k Kind) []byte {
	switch k {
	case Number:
		if validNumber(s) {
			return append(dst, s...)
		}
	case Bool:
		if s == "true" || s == "false" {
			return append(dst, s...)
		}
	case Null:
		return append(dst, "null"...)
	}
	return AppendQuoted(dst, s)
}

// validNumber reports whether s is a JSON number (RFC 8259 §6).
func validNumber(s string) bool {
	i := 0
	if i < len(s) && s[i] == '-' {
		i++
	}
	if i == len(s) {
		return false
	}
	digits := func() bool {
		j := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > j
	}
	if s[i] == '0' {
		i++
	} else if !digits() {
		return false
	}
	if i < len(s) && s[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(s)
}

const hex = "0123456789abcdef"

// AppendQuoted appends s as a JSON string.
func AppendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f {
				i++
				continue
			}
			dst = append(dst, s[from:i]...)
			switch c {
			case '"', '\\':
				dst = append(dst, '\\', c)
			case '\n':
				dst = append(dst, '\\', 'n')
			case '\r':
				dst = append(dst, '\\', 'r')
			case '\t':
				dst = append(dst, '\\', 't')
			default:
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[from:i]...)
			dst = append(dst, "\ufffd"...)
			i++
			from = i
			continue
		}
		i += size
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// MaxDepth and MaxValues bound what one JSON document may hold.
const (
	MaxDepth  = 64
	MaxValues = 10_000
)

// ErrJSON wraps every error of Parser; the message names the byte offset.
var ErrJSON = errors.New("invalid JSON")

// Parser flattens JSON documents into Events without reflection. It keeps scratch memory and a private name cache, so a
// goroutine keeps one Parser; it is not safe for concurrent use.
type Parser struct {
	Names *Share // new names come out of it; nil has no bound

	data  []byte
	pos   int
	path  []byte
	buf   []byte
	n     int
	cache map[string]Field
}

// Parse appends every leaf of the JSON object in data to e: nested objects become dotted names, arrays repeated fields
// (an object in an array contributes its leaves under the array's name). An empty object or array adds nothing.
// The virtual fields are ordinary fields here except that "@timestamp", "event.id", "event.created", "event.ingested",
// "hoalu.system.id" and "hoalu.source.id" land in e's struct fields only through ParseStored; Parse keeps
// "@timestamp" for the caller through Time (when it is RFC 3339 or epoch) and drops the other five, which a sender may not set
// (the sender's event.id is kept as "hoalu.sender_event_id", its event.created as "hoalu.sender_event_created").
//
// data must be one object; anything after it but white space is an error. On error e holds what was read so far.
func (p *Parser) Parse(e *Event, data []byte) error { return p.parse(e, data, false) }

// ParseStored reads what AppendJSON wrote, the virtual fields included.
func (p *Parser) ParseStored(e *Event, data []byte) error { return p.parse(e, data, true) }

func (p *Parser) parse(e *Event, data []byte, stored bool) error {
	if p.cache == nil {
		p.cache = make(map[string]Field, 256)
	}
	p.data, p.pos, p.path, p.n = data, 0, p.path[:0], 0
	p.space()
	if p.pos >= len(data) || data[p.pos] != '{' {
		return p.errorf("want an object")
	}
	if err := p.object(e, stored, 0); err != nil {
		return err
	}
	p.space()
	if p.pos != len(data) {
		return p.errorf("text after the object")
	}
	return nil
}

func (p *Parser) errorf(format string, args ...any) error {
	return fmt.Errorf("%w at byte %d: %s", ErrJSON, p.pos, fmt.Sprintf(format, args...))
}

func (p *Parser) space() {
	for p.pos < len(p.data) {
		switch p.data[p.pos] {
		case ' ', '\t', '\r', '\n':
			p.pos++
		default:
			return
		}
	}
}

func (p *Parser) object(e *Event, stored bool, depth int) error {
	if depth >= MaxDepth {
		return p.errorf("more than %d levels", MaxDepth)
	}
	p.pos++ // {
	p.space()
	if p.pos < len(p.data) && p.data[p.pos] == '}' {
		p.pos++
		return nil
	}
	base := len(p.path)
	for {
		p.space()
		if p.pos >= len(p.data) || p.data[p.pos] != '"' {
			return p.errorf("want a name in quotes")
		}
		key, err := p.str()
		if err != nil {
			return err
		}
		if base > 0 {
			p.path = append(p.path, '.')
		}
		p.path = append(p.path, key...)
		p.space()
		if p.pos >= len(p.data) || p.data[p.pos] != ':' {
			return p.errorf("want ':' after a name")
		}
		p.pos++
		if err := p.value(e, stored, depth+1); err != nil {
			return err
		}
		p.path = p.path[:base]
		p.space()
		if p.pos >= len(p.data) {
			return p.errorf("object not closed")
		}
		switch p.data[p.pos] {
		case ',':
			p.pos++
		case '}':
			p.pos++
			return nil
		default:
			return p.errorf("want ',' or '}'")
		}
	}
}

func (p *Parser) array(e *Event, stored bool, depth int) error {
	if depth >= MaxDepth {
		return p.errorf("more than %d levels", MaxDepth)
	}
	p.pos++ // [
	p.space()
	if p.pos < len(p.data) && p.data[p.pos] == ']' {
		p.pos++
		return nil
	}
	for {
		if err := p.value(e, stored, depth+1); err != nil {
			return err
		}
		p.space()
		if p.pos >= len(p.data) {
			return p.errorf("array not closed")
		}
		switch p.data[p.pos] {
		case ',':
			p.pos++
		case ']':
			p.pos++
			return nil
		default:
			return p.errorf("want ',' or ']'")
		}
	}
}

func (p *Parser) value(e *Event, stored bool, depth int) error {
	p.space()
	if p.pos >= len(p.data) {
		return p.errorf("value missing")
	}
	switch c := p.data[p.pos]; c {
	case '{':
		return p.object(e, stored, depth)
	case '[':
		return p.array(e, stored, depth)
	case '"':
		s, err := p.str()
		if err != nil {
			return err
		}
		return p.leaf(e, stored, s, String)
	case 't', 'f', 'n':
		for _, w := range [...]string{"true", "false", "null"} {
			if len(p.data)-p.pos >= len(w) && string(p.data[p.pos:p.pos+len(w)]) == w {
				s := p.data[p.pos : p.pos+len(w)]
				p.pos += len(w)
				if c == 'n' {
					return p.leaf(e, stored, nil, Null)
				}
				return p.leaf(e, stored, s, Bool)
			}
		}
		return p.errorf("unknown word")
	default:
		from := p.pos
		for p.pos < len(p.data) {
			switch c := p.data[p.pos]; {
			case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
				p.pos++
				continue
			}
			break
		}
		s := p.data[from:p.pos]
		if len(s) == 0 || !validNumber(string(s)) {
			p.pos = from
			return p.errorf("want a value")
		}
		return p.leaf(e, stored, s, Number)
	}
}

func (p *Parser) leaf(e *Event, stored bool, s []byte, k Kind) error {
	if p.n++; p.n > MaxValues {
		return p.errorf("more than %d values", MaxValues)
	}
	f, ok := p.cache[string(p.path)]
	if !ok {
		f = p.Names.Intern(string(p.path))
		if len(p.cache) < 1<<14 {
			p.cache[f.Name()] = f
		}
	}
	if !f.Virtual() {
		if f == Overflow {
			p.overflow(e, s)
			return nil
		}
		e.addBytes(f, s, k)
		return nil
	}
	ms, timed := ParseTime(string(s), k)
	switch f {
	case Timestamp:
		if timed {
			e.Time = ms
		}
	case EventID:
		if stored {
			e.ID = string(s)
		} else if k != Null {
			e.addBytes(senderEventID, s, k)
		}
	case EventCreated:
		if stored {
			e.Created = ms
		} else if k != Null {
			e.addBytes(senderEventCreated, s, k)
		}
	case EventIngested:
		if stored {
			e.Ingested = ms
		}
	case SystemID:
		if stored {
			e.System = string(s)
		}
	case SourceID:
		if stored {
			e.Source = string(s)
		}
	}
	return nil
}

var (
	senderEventID      = Intern("hoalu.sender_event_id")
	senderEventCreated = Intern("hoalu.sender_event_created")
)

// overflow keeps a value whose name no longer fits the table as "name=value".
func (p *Parser) overflow(e *Event, s []byte) {
	e.AddString(Overflow, string(p.path)+"="+string(s))
}

func (e *Event) addBytes(f Field, s []byte, k Kind) {
	off := uint32(len(e.arena))
	e.arena = append(e.arena, s...)
	e.kvs = append(e.kvs, kv{f, off, uint32(len(s)), k})
}

// AddBytes is Add for bytes; they are copied.
func (e *Event) AddBytes(f Field, s []byte, k Kind) { e.addBytes(f, s, k) }

// str reads a string; the result aliases the input or p.buf and is good until the next call.
func (p *Parser) str() ([]byte, error) {
	p.pos++ // "
	from := p.pos
	for p.pos < len(p.data) {
		switch c := p.data[p.pos]; {
		case c == '"':
			s := p.data[from:p.pos]
			p.pos++
			return s, nil
		case c == '\\':
			return p.escaped(from)
		case c < 0x20:
			return nil, p.errorf("control character in a string")
		}
		p.pos++
	}
	return nil, p.errorf("string not closed")
}

func (p *Parser) escaped(from int) ([]byte, error) {
	p.buf = append(p.buf[:0], p.data[from:p.pos]...)
	for p.pos < len(p.data) {
		c := p.data[p.pos]
		switch {
		case c == '"':
			p.pos++
			return p.buf, nil
		case c < 0x20:
			return nil, p.errorf("control character in a string")
		case c != '\\':
			p.buf = append(p.buf, c)
			p.pos++
			continue
		}
		p.pos++
		if p.pos >= len(p.data) {
			break
		}
		c = p.data[p.pos]
		p.pos++
		switch c {
		case '"', '\\', '/':
			p.buf = append(p.buf, c)
		case 'b':
			p.buf = append(p.buf, '\b')
		case 'f':
			p.buf = append(p.buf, '\f')
		case 'n':
			p.buf = append(p.buf, '\n')
		case 'r':
			p.buf = append(p.buf, '\r')
		case 't':
			p.buf = append(p.buf, '\t')
		case 'u':
			r, err := p.hex4()
			if err != nil {
				return nil, err
			}
			if utf16.IsSurrogate(r) {
				r2 := rune(utf8.RuneError)
				if p.pos+1 < len(p.data) && p.data[p.pos] == '\\' && p.data[p.pos+1] == 'u' {
					at := p.pos
					p.pos += 2
					low, err := p.hex4()
					if err != nil {
						return nil, err
					}
					if r2 = utf16.DecodeRune(r, low); r2 == utf8.RuneError {
						p.pos = at // not a pair: the second stands for itself
					}
				}
				r = r2
			}
			p.buf = utf8.AppendRune(p.buf, r)
		default:
			return nil, p.errorf("unknown escape \\%c", c)
		}
	}
	return nil, p.errorf("string not closed")
}

func (p *Parser) hex4() (rune, error) {
	if len(p.data)-p.pos < 4 {
		return 0, p.errorf("short \\u escape")
	}
	n, err := strconv.ParseUint(string(p.data[p.pos:p.pos+4]), 16, 32)
	if err != nil {
		return 0, p.errorf("bad \\u escape")
	}
	p.pos += 4
	return rune(n), nil
}

// ParseTime reads a time as senders of JSON write it: RFC 3339 (with or without a zone; without one it is UTC), or a number of
// seconds or milliseconds since 1970 (13 digits and more are milliseconds). It returns Unix milliseconds.
func ParseTime(s string, k Kind) (int64, bool) {
	if k == Null || s == "" {
		return 0, false
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UnixMilli(), true
	}
	if x, err := strconv.ParseFloat(s, 64); err == nil {
		switch {
		case x >= 1e8 && x < 1e11:
			return int64(x * 1000), true
		case x >= 1e11 && x < 1e14:
			return int64(x), true
		}
		return 0, false
	}
	for _, layout := range [...]string{"2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999",
		"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMilli(), true
		}
	}
	return 0, false
}

package local

import (
	"fmt"
	"strconv"
	"unicode/utf8"

	"hoalu/ecs"
)

// The ext column holds a JSON object of the fields that have no column: {"name":value} or {"name":[values]}, a value being a
// string, number, true, false, null, or {"number":"text"} / {"boolean":"text"} for what JSON cannot write. Strings keep the bytes
// they have, also where they are not UTF-8 (the column is a BLOB for that reason), and control characters are \u00XX; so what is
// read back is what was written, and any JSON reader reads all but such bytes.

// appendExt appends the pairs of e whose form is formNone, nothing if there are none.
func appendExt(dst []byte, e *ecs.Event, kinds []form) []byte {
	start := len(dst)
next:
	for i, fm := range kinds {
		if fm != formNone {
			continue
		}
		f, v := e.At(i)
		for j := range i {
			if kinds[j] == formNone {
				if g, _ := e.At(j); g == f {
					continue next
				}
			}
		}
		if len(dst) == start {
			dst = append(dst, '{')
		} else {
			dst = append(dst, ',')
		}
		dst = appendRaw(dst, f.Name())
		dst = append(dst, ':')
		at, many := len(dst), false
		dst = appendExtValue(dst, v)
		for j := i + 1; j < len(kinds); j++ {
			if kinds[j] != formNone {
				continue
			}
			if g, w := e.At(j); g == f {
				if !many {
					many = true
					dst = append(dst, 0)
					copy(dst[at+1:], dst[at:])
					dst[at] = '['
				}
				dst = append(dst, ',')
				dst = appendExtValue(dst, w)
			}
		}
		if many {
			dst = append(dst, ']')
		}
	}
	if len(dst) > start {
		dst = append(dst, '}')
	}
	return dst
}

func appendExtValue(dst []byte, v ecs.Value) []byte {
	switch v.Kind {
	case ecs.Null:
		return append(dst, "null"...)
	case ecs.Bool:
		if v.Text == "true" || v.Text == "false" {
			return append(dst, v.Text...)
		}
		dst = append(dst, `{"boolean":`...)
		return append(appendRaw(dst, v.Text), '}')
	case ecs.Number:
		if plainNumber(v.Text) {
			return append(dst, v.Text...)
		}
		dst = append(dst, `{"number":`...)
		return append(appendRaw(dst, v.Text), '}')
	}
	return appendRaw(dst, v.Text)
}

// plainNumber reports whether s is a JSON number.
func plainNumber(s string) bool {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return false
	}
	digits := s
	if s[0] == '-' {
		digits = s[1:]
	}
	if digits == "" || digits[0] < '0' || digits[0] > '9' || len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
		default:
			return false
		}
	}
	_, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return false
	}
	// ParseFloat takes "1." and "1.e5", JSON does not.
	for i := range len(s) {
		if s[i] == '.' && (i+1 == len(s) || s[i+1] < '0' || s[i+1] > '9') {
			return false
		}
	}
	return true
}

func appendRaw(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// extReader reads what appendExt wrote.
type extReader struct {
	data []byte
	pos  int
	buf  []byte
}

func (r *extReader) fail(what string) error {
	return fmt.Errorf("%w: ext column at byte %d: %s", errDamaged, r.pos, what)
}

func (r *extReader) take(c byte) bool {
	if r.pos < len(r.data) && r.data[r.pos] == c {
		r.pos++
		return true
	}
	return false
}

// read appends the pairs of an ext cell to e.
func (r *extReader) read(e *ecs.Event, data []byte) error {
	r.data, r.pos = data, 0
	if !r.take('{') {
		return r.fail("want {")
	}
	for {
		name, err := r.text()
		if err != nil {
			return err
		}
		f, ok := ecs.Lookup(string(name))
		if !ok {
			f = ecs.Intern(string(name))
		}
		if !r.take(':') {
			return r.fail("want :")
		}
		if r.take('[') {
			for {
				if err := r.value(e, f); err != nil {
					return err
				}
				if r.take(']') {
					break
				}
				if !r.take(',') {
					return r.fail("want , or ]")
				}
			}
		} else if err := r.value(e, f); err != nil {
			return err
		}
		if r.take('}') {
			return nil
		}
		if !r.take(',') {
			return r.fail("want , or }")
		}
	}
}

func (r *extReader) value(e *ecs.Event, f ecs.Field) error {
	if r.pos >= len(r.data) {
		return r.fail("value missing")
	}
	switch c := r.data[r.pos]; c {
	case '"':
		s, err := r.text()
		if err != nil {
			return err
		}
		e.AddBytes(f, s, ecs.String)
		return nil
	case 'n':
		r.pos += 4
		e.Add(f, "", ecs.Null)
		return nil
	case 't':
		r.pos += 4
		e.Add(f, "true", ecs.Bool)
		return nil
	case 'f':
		r.pos += 5
		e.Add(f, "false", ecs.Bool)
		return nil
	case '{':
		r.pos++
		name, err := r.text()
		if err != nil {
			return err
		}
		k := ecs.Number
		if string(name) == "boolean" {
			k = ecs.Bool
		}
		if !r.take(':') {
			return r.fail("want :")
		}
		s, err := r.text()
		if err != nil {
			return err
		}
		e.AddBytes(f, s, k)
		if !r.take('}') {
			return r.fail("want }")
		}
		return nil
	}
	from := r.pos
	for r.pos < len(r.data) {
		if c := r.data[r.pos]; c == ',' || c == '}' || c == ']' {
			break
		}
		r.pos++
	}
	if from == r.pos {
		return r.fail("value missing")
	}
	e.AddBytes(f, r.data[from:r.pos], ecs.Number)
	return nil
}

func (r *extReader) text() ([]byte, error) {
	if !r.take('"') {
		return nil, r.fail("want a string")
	}
	from := r.pos
	for r.pos < len(r.data) && r.data[r.pos] != '"' && r.data[r.pos] != '\\' {
		r.pos++
	}
	if r.take('"') {
		return r.data[from : r.pos-1], nil
	}
	r.buf = append(r.buf[:0], r.data[from:r.pos]...)
	for r.pos < len(r.data) {
		c := r.data[r.pos]
		r.pos++
		switch c {
		case '"':
			return r.buf, nil
		case '\\':
			if r.pos >= len(r.data) {
				return nil, r.fail("string not closed")
			}
			c = r.data[r.pos]
			r.pos++
			if c == 'u' {
				if len(r.data)-r.pos < 4 {
					return nil, r.fail("short escape")
				}
				n, err := strconv.ParseUint(string(r.data[r.pos:r.pos+4]), 16, 32)
				if err != nil {
					return nil, r.fail("bad escape")
				}
				r.pos += 4
				r.buf = utf8.AppendRune(r.buf, rune(n))
				continue
			}
		}
		r.buf = append(r.buf, c)
	}
	return nil, r.fail("string not closed")
}

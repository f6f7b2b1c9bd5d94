package bounded

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

func TestCursorReadsWhatWasWritten(t *testing.T) {
	var b []byte
	b = binary.AppendUvarint(b, math.MaxUint64)
	b = binary.AppendVarint(b, math.MinInt64)
	b = append(b, 7)
	b = append(binary.AppendUvarint(b, 7), "Hoa Lư"...)
	b = append(b, "abc"...)
	c := Over(b[:len(b)-2]) // the a is there, b and c are not
	if n := c.Uvarint(); n != math.MaxUint64 {
		t.Errorf("Uvarint() = %d", n)
	}
	if n := c.Varint(); n != math.MinInt64 {
		t.Errorf("Varint() = %d", n)
	}
	if n := c.Byte(); n != 7 {
		t.Errorf("Byte() = %d", n)
	}
	if c.Whole() || c.Len() != 9 {
		t.Errorf("Whole() = %v, Len() = %d before a text of 7 bytes and one byte more, want false and 9", c.Whole(), c.Len())
	}
	if s := c.Text(); s != "Hoa Lư" {
		t.Errorf("Text() = %q", s)
	}
	rest := c.Take(1)
	if !c.Whole() {
		t.Errorf("Whole() = false at the end")
	}
	if rest = append(rest, 'x'); slices.Contains(b, 'x') {
		t.Errorf("appending to what Take gave wrote %q into the body", rest)
	}
}

// What a body claims is never believed: each reading beyond its end is a fault that stays, allocates nothing and leaves nothing.
func TestCursorBelievesNoLength(t *testing.T) {
	huge := binary.AppendUvarint(nil, math.MaxUint64)
	for name, read := range map[string]func(c *Cursor) any{
		"text longer than the body": func(c *Cursor) any { return c.Text() },
		"take more than there is":   func(c *Cursor) any { return len(c.Take(uint64(c.Len()) + 1)) },
		"list longer than the body": func(c *Cursor) any { return c.Count(c.Uvarint(), math.MaxInt, 1) },
		"more entries than fit":     func(c *Cursor) any { return c.Count(uint64(c.Len()), math.MaxInt, 2) },
		"more than are taken":       func(c *Cursor) any { return c.Count(3, 2, 1) },
		"a negative length":         func(c *Cursor) any { n := -1; return c.Count(uint64(int64(n)), math.MaxInt, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			c := Over(append(slices.Clone(huge), 1, 2, 3, 4))
			if got := read(&c); got != "" && got != 0 {
				t.Errorf("got %v, want a zero value", got)
			}
			if !c.Bad() || c.Whole() || c.Len() != 0 {
				t.Errorf("Bad() = %v, Whole() = %v, Len() = %d; want a fault that leaves nothing", c.Bad(), c.Whole(), c.Len())
			}
			if c.Uvarint() != 0 || c.Varint() != 0 || c.Byte() != 0 || c.Text() != "" || !c.Bad() {
				t.Errorf("something was read behind a fault")
			}
		})
	}
	for name, body := range map[string][]byte{"nothing": nil, "cut varint": {0x80}, "varint of eleven bytes": {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}} {
		for _, read := range []func(c *Cursor){func(c *Cursor) { c.Uvarint() }, func(c *Cursor) { c.Varint() }} {
			c := Over(body)
			if read(&c); !c.Bad() {
				t.Errorf("%s: no fault", name)
			}
		}
	}
	if c := Over(nil); c.Byte() != 0 || !c.Bad() {
		t.Errorf("a byte was read behind the end")
	}
}

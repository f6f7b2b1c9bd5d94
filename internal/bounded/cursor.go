package bounded

import "encoding/binary"

// Cursor takes a binary body apart: varints as encoding/binary writes them, and texts behind their length. It never reads past the end of
// the body and makes room for nothing that is not there. After the first fault it gives zero values, has nothing left, and Bad is true:
// whoever reads asks once, at the end, and within every loop whose length the body sets.
//
// The zero Cursor has nothing to read. A Cursor is used by one goroutine.
type Cursor struct {
	rest []byte
	bad  bool
}

// Over is a Cursor at the beginning of body.
func Over(body []byte) Cursor { return Cursor{rest: body} }

// Len is how many bytes are left.
func (c *Cursor) Len() int { return len(c.rest) }

// Bad says whether something did not fit.
func (c *Cursor) Bad() bool { return c.bad }

// Whole says whether everything was read and all of it fitted.
func (c *Cursor) Whole() bool { return !c.bad && len(c.rest) == 0 }

// Fail makes the Cursor bad, for what only the reader can see is wrong.
func (c *Cursor) Fail() { c.rest, c.bad = nil, true }

// Uvarint reads an unsigned varint.
func (c *Cursor) Uvarint() uint64 {
	if len(c.rest) > 0 && c.rest[0] < 0x80 { // most are lengths of short texts
		n := c.rest[0]
		c.rest = c.rest[1:]
		return uint64(n)
	}
	n, size := binary.Uvarint(c.rest)
	if size <= 0 {
		c.Fail()
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

// Varint reads a signed varint (zigzag).
func (c *Cursor) Varint() int64 {
	n, size := binary.Varint(c.rest)
	if size <= 0 {
		c.Fail()
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

// Byte reads one byte.
func (c *Cursor) Byte() byte {
	if len(c.rest) == 0 {
		c.bad = true
		return 0
	}
	b := c.rest[0]
	c.rest = c.rest[1:]
	return b
}

// Take reads n bytes. They are the body's own: whoever keeps them keeps the body.
func (c *Cursor) Take(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.Fail()
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

// Bytes reads a length (Uvarint) and so many bytes, as Take does.
func (c *Cursor) Bytes() []byte { return c.Take(c.Uvarint()) }

// Text is Bytes as a string of its own.
func (c *Cursor) Text() string { return string(c.Bytes()) }

// Count is n as the length of a list of at most so many entries, each of which takes at least so many of the bytes left; a greater one is
// a fault and gives 0. So a list of which the body says how long it is may be made before it is read. A negative length that was read by
// Varint is a very great n.
func (c *Cursor) Count(n uint64, most, each int) int {
	if n > uint64(most) || n > uint64(len(c.rest)/each) {
		c.Fail()
		return 0
	}
	return int(n)
}

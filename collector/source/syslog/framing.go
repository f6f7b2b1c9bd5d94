package syslog

import (
	"bytes"
)

// maxSkip is the greatest length a counted message may name and still be stepped over; beyond, the count is nonsense and the
// stream cannot be found again.
const maxSkip = 64 << 20

// framer cuts a byte stream into messages (RFC 6587): each message is octet-counted ("83 <34>1 …") when it begins with a
// count, a space and '<', else it ends at a newline; a NUL right before '<' ends one too (some senders end messages so).
//
// Invariants: next consumes only whole messages, separators and what is being skipped; every byte of the stream is in exactly
// one message, separator or counted refusal.
type framer struct {
	max  int  // bytes of a message
	skip int  // octets of a refused counted message still to come
	line bool // the rest of a refused line still to come
}

// cut is what next found.
type cut int

const (
	message   cut = iota // msg is one
	need                 // more bytes are needed
	tooLarge             // a message was refused, the stream goes on behind it
	nonsense             // the stream cannot be understood any further
	separator            // consumed without a message
)

// next looks at the begin of buf and says how much of it is consumed. msg aliases buf.
func (f *framer) next(buf []byte) (c cut, msg []byte, consumed int) {
	if f.skip > 0 {
		n := min(f.skip, len(buf))
		f.skip -= n
		if n == 0 {
			return need, nil, 0
		}
		return separator, nil, n
	}
	if f.line {
		i := f.end(buf)
		if i < 0 {
			if len(buf) == 0 {
				return need, nil, 0
			}
			keep := 0
			if buf[len(buf)-1] == 0 { // may stand before '<'
				keep = 1
			}
			if len(buf) == keep {
				return need, nil, 0
			}
			return separator, nil, len(buf) - keep
		}
		f.line = false
		return separator, nil, i + 1
	}
	if len(buf) == 0 {
		return need, nil, 0
	}
	switch buf[0] {
	case '\n', '\r', 0:
		n := 1
		for n < len(buf) && (buf[n] == '\n' || buf[n] == '\r' || buf[n] == 0) {
			n++
		}
		return separator, nil, n
	}
	size, digits, c := count(buf)
	switch c {
	case need:
		return need, nil, 0
	case nonsense:
		return nonsense, nil, 0
	case message:
		if size > f.max {
			f.skip = size
			return tooLarge, nil, digits + 1
		}
		if len(buf) < digits+1+size {
			return need, nil, 0
		}
		return message, buf[digits+1 : digits+1+size], digits + 1 + size
	}
	i := f.end(buf)
	if i < 0 {
		if len(buf) > f.max {
			f.line = true
			return tooLarge, nil, len(buf) - 1 // the last byte may be a NUL that stands before '<'
		}
		return need, nil, 0
	}
	if i > f.max {
		return tooLarge, nil, i + 1
	}
	return message, buf[:i], i + 1
}

// end finds the newline, or the NUL before '<', that ends a message.
func (f *framer) end(buf []byte) int {
	i := bytes.IndexByte(buf, '\n')
	head := buf
	if i >= 0 {
		head = buf[:i]
	}
	if j := bytes.Index(head, []byte("\x00<")); j >= 0 {
		return j
	}
	return i
}

// count reads an octet count: message when buf begins with one, separator when it does not, need when that cannot be told yet,
// nonsense when it is one beyond reason.
func count(buf []byte) (size, digits int, c cut) {
	if buf[0] < '1' || buf[0] > '9' {
		return 0, 0, separator
	}
	for digits < len(buf) && buf[digits] >= '0' && buf[digits] <= '9' {
		if size <= maxSkip {
			size = size*10 + int(buf[digits]-'0')
		}
		if digits++; digits > 10 {
			return 0, 0, separator
		}
	}
	if digits+1 >= len(buf) {
		if digits < len(buf) && buf[digits] != ' ' {
			return 0, 0, separator
		}
		return 0, 0, need
	}
	if buf[digits] != ' ' || buf[digits+1] != '<' {
		return 0, 0, separator
	}
	if size > maxSkip {
		return 0, 0, nonsense
	}
	return size, digits, message
}

// trim takes off what senders add behind a message.
func trim(msg []byte) []byte {
	for len(msg) > 0 && (msg[len(msg)-1] == '\n' || msg[len(msg)-1] == '\r' || msg[len(msg)-1] == 0) {
		msg = msg[:len(msg)-1]
	}
	return msg
}

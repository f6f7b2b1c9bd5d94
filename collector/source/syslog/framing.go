package syslog

import (
	"bytes"
	"unicode/utf8"
)

const (
	// maxSkip is the greatest length a counted message may name and still be stepped over; beyond, the count is nonsense and the
	// stream cannot be found again.
	maxSkip = 64 << 20
	// maxCount is the digits a count may have; more are text.
	maxCount = 10
	// maxHeader is the length of a count, a blank and a priority.
	maxHeader = maxCount + 6
)

// framer cuts a byte stream into messages (RFC 6587): each message is octet-counted ("83 <34>1 …") when it begins with a
// count, a space and '<', else it ends at a newline, or at a NUL behind which the next message begins or, for a moment, nothing
// comes (some senders, as Python's SysLogHandler, end messages so).
//
// A count is believed as long as the stream goes on behind it as a message begins. Where it does not, the count is wrong: counts.go says
// how the message's end is found then. Of a sender that counts right no message is cut in two, whatever stands in it.
//
// Invariants: next consumes only whole messages, separators and what is being skipped; every byte of the stream is in exactly
// one message, separator or counted refusal. How a stream with wrong counts is cut may depend on how it comes in reads; one with
// right counts is cut the same in any.
type framer struct {
	max     int  // bytes of a message
	skip    int  // octets of a refused counted message still to come
	line    bool // the rest of a refused line still to come
	counted bool // the last message was octet-counted
	doubted bool // a count was wrong; the caller takes it back
	quiet   bool // nothing came for a moment, or ever will: what is there is all there is to decide by
	open    bool // next wants more bytes, and would decide something without them if nothing comes for a moment

	ahead struct{ size, digits int } // the count that stands at the begin of what is looked at next, when it has been read; no digits else

	ways    []way // the sender counts in, the last one first
	guessed int   // messages cut elsewhere than their count says; the caller takes it back
	trust   int   // right counts in a row, up to trusted; below zero after a wrong one
	edge    bool  // the last message was taken by its count at the end of what was there
	again   int   // bytes that must be there before a message that waits is looked at again
	spent   int   // bytes looked through to find ways, less what the stream has paid for
}

// cut is what next found.
type cut int

const (
	message   cut = iota // msg is one
	need                 // more bytes are needed
	tooLarge             // a message was refused, the stream goes on behind it
	damaged              // part of a message without its begin was refused
	nonsense             // the stream cannot be understood any further
	separator            // consumed without a message
)

// next looks at the begin of buf and says how much of it is consumed. msg aliases buf.
func (f *framer) next(buf []byte) (c cut, msg []byte, consumed int) {
	f.open = false
	c, msg, consumed = f.step(buf)
	if f.spent > 0 {
		f.spent = max(0, f.spent-worth*consumed)
	}
	return c, msg, consumed
}

func (f *framer) step(buf []byte) (c cut, msg []byte, consumed int) {
	if size, digits := f.ahead.size, f.ahead.digits; digits > 0 {
		f.ahead.digits = 0
		return f.octets(buf, size, digits)
	}
	switch {
	case len(buf) == 0:
		return need, nil, 0
	case f.skip > 0:
		return f.skipping(buf)
	case f.line:
		return f.dropping(buf)
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
	case need, nonsense:
		return c, nil, 0
	case message:
		f.counted = true
		return f.octets(buf, size, digits)
	}
	if buf[0] == '0' { // a count of nothing, or with leading zeros: wrong, and yet one
		if at, _ := candidate(buf[:min(len(buf), maxHeader)]); at == 0 {
			f.counted, f.doubted = true, true
		}
	}
	return f.text(buf)
}

// octets cuts a counted message.
func (f *framer) octets(buf []byte, size, digits int) (c cut, msg []byte, consumed int) {
	begin := digits + 1
	if size > f.max {
		switch at, s := f.shorter(buf, digits, min(f.max, readBuffer)); { // or it only seems to be, by digits in front of it
		case s == opens:
			f.doubt()
			return damaged, nil, at
		case s == unknown && !f.quiet && len(buf) <= f.max:
			return f.later(buf)
		}
		f.skip, f.counted = size, true
		return tooLarge, nil, begin
	}
	end := begin + size
	if f.edge { // the message before was taken at the end of what was there, and a message begins behind it
		f.edge = false
		f.right()
	}
	if len(buf) < end && (!f.quiet || len(f.ways) == 0) {
		f.open = len(f.ways) > 0
		return need, nil, 0
	}
	if f.trust == trusted && priority(buf[begin:]) <= size {
		if end < len(buf) {
			if n, d, c := count(buf[end:]); c == message {
				f.ahead.size, f.ahead.digits = n, d
				return message, buf[begin:end], end
			}
		}
		if s := f.look(buf, end); s == opens || s == unknown && !(end == len(buf) && behindCount(buf, end)) {
			f.counted = true
			return message, buf[begin:end], end
		}
	}
	return f.weigh(buf, size, digits)
}

// text cuts a message without a count.
func (f *framer) text(buf []byte) (c cut, msg []byte, consumed int) {
	i := f.end(buf)
	f.edge = false
	// Behind a counted message this may be what a wrong count left: what begins no message always, else when no newline is there.
	strange := priority(buf) == 0
	if f.counted && (i < 0 || strange) {
		f.doubted = f.doubted || strange
		limit := len(buf) - 1
		if i >= 0 {
			limit = max(0, i-1)
		}
		h, sure := f.header(buf[1:], limit, false)
		f.open = !sure && h >= 0
		switch {
		case !sure && h >= 0 && i >= 0 && !f.quiet && len(buf) <= f.max:
			return f.later(buf)
		case sure:
			f.doubt()
			switch {
			case strange:
				return damaged, nil, h + 1
			case h+1 <= f.max:
				return message, buf[:h+1], h + 1
			}
			return tooLarge, nil, h + 1
		}
	}
	switch {
	case i >= 0 && i <= f.max:
		f.counted = f.counted && strange
		return message, buf[:i], i + 1
	case i >= 0:
		return tooLarge, nil, i + 1
	case len(buf)-unsure(buf) > f.max:
		f.line = true
		return tooLarge, nil, len(buf) - unsure(buf)
	}
	return need, nil, 0
}

// skipping steps over a counted message that was refused for its length. Two headers in a row, the second where the first one's
// count leads, say that the length was wrong.
func (f *framer) skipping(buf []byte) (c cut, msg []byte, consumed int) {
	n := min(f.skip, len(buf))
	if h, sure := f.header(buf, len(buf), true); sure && h < f.skip {
		f.skip, f.doubted = 0, true
		if h == 0 {
			return f.step(buf)
		}
		return separator, nil, h
	} else if h == 0 { // its end is still to come
		return need, nil, 0
	} else if h > 0 && h < n {
		n = h
	} else if f.skip > len(buf) { // the last bytes may be the begin of a header
		if n = len(buf) - maxHeader; n <= 0 {
			return need, nil, 0
		}
	}
	f.skip -= n
	return separator, nil, n
}

// dropping steps over the rest of a line that was refused for its length.
func (f *framer) dropping(buf []byte) (c cut, msg []byte, consumed int) {
	if i := f.end(buf); i >= 0 {
		f.line = false
		return separator, nil, i + 1
	}
	if !f.counted { // lines end at newlines, whatever stands in them
		if n := len(buf) - unsure(buf); n > 0 {
			return separator, nil, n
		}
		return need, nil, 0
	}
	if h, sure := f.header(buf, len(buf), true); sure {
		f.line, f.doubted = false, true
		if h > 0 {
			return separator, nil, h
		}
		return f.step(buf)
	} else if h > 0 { // its end is still to come
		return separator, nil, h
	} else if h == 0 {
		return need, nil, 0
	}
	if len(buf) <= maxHeader { // may be the begin of a header
		return need, nil, 0
	}
	return separator, nil, len(buf) - maxHeader
}

// unsure is how many bytes at the end of buf, from a NUL on, may be the end of a message and the begin of the next.
func unsure(buf []byte) int {
	if j := bytes.LastIndexByte(buf[max(0, len(buf)-maxHeader):], 0); j >= 0 {
		return min(len(buf), maxHeader) - j
	}
	return 0
}

// end finds the newline or NUL that ends a message: a NUL where the next message begins behind it, or nothing is behind it yet.
func (f *framer) end(buf []byte) int {
	i := bytes.IndexByte(buf, '\n')
	head := buf
	if i >= 0 {
		head = buf[:i]
	}
	for at := 0; ; {
		j := bytes.IndexByte(head[at:], 0)
		if j < 0 {
			return i
		}
		at += j
		rest := buf[at+1:]
		if len(rest) == 0 && f.quiet {
			return at
		}
		if len(rest) == 0 {
			return i
		}
		if rest[0] == '<' || rest[0] == 0 || rest[0] == '\n' || rest[0] == '\r' {
			return at
		}
		if _, _, c := count(rest); c == message {
			return at
		}
		at++
	}
}

// header finds the first octet count in the first limit bytes of buf that is followed by a priority and leads to the begin of a message,
// by itself or by a way that the sender counts in; of two, that leads by itself to another such header. Sure is false, with its place or
// -1, when more bytes must tell.
func (f *framer) header(buf []byte, limit int, two bool) (at int, sure bool) {
	for from := 0; from < limit; {
		h, digits := candidate(buf[from:limit])
		if h < 0 {
			return -1, false
		}
		h += from
		// Digits before it may be the end of a message's text: every part of them may be the count, the shortest first.
		more := false
		for k := 1; k <= digits; k++ {
			d := buf[h+digits-k : h+digits]
			begin, n := h+digits+1, number(d)
			if d[0] == '0' || n < priority(buf[begin:]) || n > f.max {
				continue
			}
			s := nowhere
			if two {
				s = f.second(buf, begin+n)
			} else if _, s = f.leads(buf, begin, n); s == nowhere {
				var e ending
				if e, s = f.learn(buf, begin, n, k); s == opens {
					f.remember(e.way)
				}
			}
			if s == opens || s == blank {
				return h + digits - k, true
			}
			more = more || s == unknown
		}
		if more {
			return h, false
		}
		from = h + digits + 2
	}
	return -1, false
}

// second says whether a header stands at a place of buf.
func (f *framer) second(buf []byte, at int) sight {
	if at >= len(buf) {
		return unknown
	}
	switch _, _, c := count(buf[at:]); c {
	case message:
		return opens
	case need:
		return unknown
	}
	return nowhere
}

// characters is how many bytes n characters of UTF-8 take at the begin of buf; whole says whether all of them are there.
func characters(buf []byte, n int) (size int, whole bool) {
	for ; n > 0 && size < len(buf); n-- {
		if buf[size] < utf8.RuneSelf {
			size++
			continue
		}
		if !utf8.FullRune(buf[size:]) {
			return size, false
		}
		_, w := utf8.DecodeRune(buf[size:])
		size += w
	}
	return size, n == 0
}

// candidate finds digits, a space and a priority, -1 when there are none.
func candidate(buf []byte) (at, digits int) {
	for from := 0; ; {
		i := bytes.Index(buf[from:], []byte(" <"))
		if i < 0 {
			return -1, 0
		}
		i += from
		for digits = 0; digits < i && digits < maxCount && buf[i-1-digits] >= '0' && buf[i-1-digits] <= '9'; digits++ {
		}
		if digits > 0 && priority(buf[i+1:]) > 0 {
			return i - digits, digits
		}
		from = i + 1
	}
}

func number(digits []byte) (n int) {
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}

// priority is the length of the priority ("<34>") buf begins with, 0 when it begins with none.
func priority(buf []byte) int {
	if len(buf) < 3 || buf[0] != '<' {
		return 0
	}
	for i := 1; i < min(len(buf), 5); i++ {
		if buf[i] == '>' && i > 1 {
			return i + 1
		}
		if buf[i] < '0' || buf[i] > '9' {
			return 0
		}
	}
	return 0
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
		if digits++; digits > maxCount {
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
	if head := buf[digits+1:]; priority(head) == 0 {
		if len(head) < 5 && bytes.IndexFunc(head[1:], func(r rune) bool { return r < '0' || r > '9' }) < 0 {
			return 0, 0, need
		}
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

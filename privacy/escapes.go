package privacy

import (
	"slices"
	"strings"
	"unsafe"
)

// maxEscapes is how often a text may have been escaped over and over and is still read: a query inside a query is escaped twice. A
// sender can escape a percent sign a hundred thousand times ("%25252525…").
const maxEscapes = 4

// escapesTouchDigits finds what glance.escaped tells.
func escapesTouchDigits(s string) bool {
	at := strings.IndexByte(s, '%')
	if at < 0 {
		return false
	}
	any, end := false, -1 // end is behind the last escape
	for at < len(s) {
		if s[at] != '%' {
			next := strings.IndexByte(s[at:], '%')
			if next < 0 {
				break
			}
			at += next
		}
		if !escape(s, at) {
			at++
			continue
		}
		c := hex(s[at+1])<<4 | hex(s[at+2])
		if digit(c) || c == '%' || at > 0 && at != end && digit(s[at-1]) || at+3 < len(s) && digit(s[at+3]) {
			return true
		}
		at += 3
		any, end = true, at
	}
	for at := strings.IndexByte(s, '+'); any && at >= 0; {
		if blankPlus(s, at) {
			return true
		}
		next := strings.IndexByte(s[at+1:], '+')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return false
}

// readable is s with percent escapes undone and "+" between digits as the blank it stands for in a query, so that numbers and the
// words around them are seen as their reader sees them; nil cuts: it is s itself.
func readable(s string) (text string, cuts []cut) {
	if !percentOrPlus(s) {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	cuts = make([]cut, 1, 16)
	from := 0 // what is before is in b
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '%' && escape(s, i):
			b = append(append(b, s[from:i]...), hex(s[i+1])<<4|hex(s[i+2]))
			i += 2
			from = i + 1
			cuts = append(cuts, cut{len(b), from - len(b)})
		case c == '+' && blankPlus(s, i):
			b = append(append(b, s[from:i]...), ' ')
			from = i + 1
		}
	}
	b = append(b, s[from:]...)
	return unsafe.String(unsafe.SliceData(b), len(b)), cuts // nothing writes to b any more
}

// A cut says that what stands at at and behind it in a readable text stands ahead bytes later in the text it was made of. The first one
// is zero.
type cut struct{ at, ahead int }

// placeOf is where the byte i of a readable text stands in the text it was made of.
func placeOf(cuts []cut, i int) int {
	k, _ := slices.BinarySearchFunc(cuts, i+1, func(c cut, at int) int { return c.at - at }) // the first one behind i
	return i + cuts[k-1].ahead
}

// percentOrPlus says whether readable has anything to undo in s; most texts have neither sign, which is soon seen.
func percentOrPlus(s string) bool {
	for i := strings.IndexByte(s, '%'); i >= 0; {
		if escape(s, i) {
			return true
		}
		next := strings.IndexByte(s[i+1:], '%')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	for i := strings.IndexByte(s, '+'); i >= 0; {
		if blankPlus(s, i) {
			return true
		}
		next := strings.IndexByte(s[i+1:], '+')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return false
}

// escape says whether the "%" at s[i] begins a percent escape, blankPlus whether the "+" there stands for a blank between digits.
func escape(s string, i int) bool {
	return i+2 < len(s) && hex(s[i+1]) < 16 && hex(s[i+2]) < 16
}

func blankPlus(s string, i int) bool {
	return i > 0 && i+1 < len(s) && digit(s[i-1]) && digit(s[i+1])
}

// hex is the value of a hexadecimal digit, 16 of anything else.
func hex(c byte) byte { return hexDigits[c] }

var hexDigits = func() (t [256]byte) {
	for c := range t {
		switch c := byte(c); {
		case digit(c):
			t[c] = c - '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			t[c] = (c | 0x20) - 'a' + 10
		default:
			t[c] = 16
		}
	}
	return t
}()

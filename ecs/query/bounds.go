package query

import (
	"strconv"
	"strings"
	"time"
)

type boundOp uint8

const (
	opGT boundOp = iota
	opGTE
	opLT
	opLTE
)

func (op boundOp) holds(cmp int) bool {
	switch op {
	case opGT:
		return cmp > 0
	case opGTE:
		return cmp >= 0
	case opLT:
		return cmp < 0
	}
	return cmp <= 0
}

type boundKind uint8

const (
	boundText  boundKind = iota
	boundInt             // canonical 64-bit whole number
	boundFloat           // any other number
	boundTime
)

type bound struct {
	op   boundOp
	kind boundKind
	s    string
	i    int64 // number, or Unix ms of the instant rounded down
	f    float64
	t    time.Time
	part bool // the instant lies between two milliseconds
}

func newBound(op boundOp, s string) bound {
	b := bound{op: op, s: s}
	if i, ok := canonicalInt(s); ok {
		b.kind, b.i, b.f = boundInt, i, float64(i)
	} else if f, ok := parseNumber(s); ok {
		b.kind, b.f = boundFloat, f
	} else if t, ok := parseInstant(s); ok {
		b.kind, b.t = boundTime, t
		b.i = t.UnixMilli()
		b.part = !time.UnixMilli(b.i).Equal(t)
	}
	return b
}

func (b *bound) millis(ms int64) bool {
	switch b.op {
	case opGT:
		return ms > b.i
	case opGTE:
		return ms > b.i || ms == b.i && !b.part
	case opLT:
		return ms < b.i || ms == b.i && b.part
	}
	return ms <= b.i
}

func (b *bound) text(s string) bool {
	switch b.kind {
	case boundInt, boundFloat:
		if i, ok := canonicalInt(s); ok && b.kind == boundInt {
			return b.op.holds(cmpInt(i, b.i))
		}
		f, ok := parseNumber(s)
		if !ok {
			return false
		}
		if wholeDigits(s) && wholeDigits(b.s) {
			return b.op.holds(cmpDigits(s, b.s))
		}
		switch {
		case f < b.f:
			return b.op.holds(-1)
		case f > b.f:
			return b.op.holds(1)
		}
		return b.op.holds(0)
	case boundTime:
		t, ok := parseInstant(s)
		return ok && b.op.holds(t.Compare(b.t))
	}
	return b.op.holds(compareFold(s, b.s))
}

func (t *Test) inRange(s string) bool {
	for i := range t.limits {
		if !t.limits[i].text(s) {
			return false
		}
	}
	return true
}

func cmpInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// parseNumber reads a decimal number; unlike strconv it allocates nothing for other text and takes no hex, inf or nan.
func parseNumber(s string) (float64, bool) {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	digits, dot := 0, false
	for ; i < len(s); i++ {
		if c := s[i]; c >= '0' && c <= '9' {
			digits++
		} else if c == '.' && !dot {
			dot = true
		} else {
			break
		}
	}
	if digits == 0 {
		return 0, false
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '-' || s[i] == '+') {
			i++
		}
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		if i == from || i-from > 6 {
			return 0, false
		}
	}
	if i != len(s) {
		return 0, false
	}
	f, _ := strconv.ParseFloat(s, 64) // out of range gives ±Inf, which compares as it should
	return f, true
}

// wholeDigits reports whether s is a whole number of any length.
func wholeDigits(s string) bool {
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0
}

// cmpDigits compares two whole numbers of any length.
func cmpDigits(a, b string) int {
	trim := func(s string) (string, bool) {
		neg := s[0] == '-'
		if s[0] == '-' || s[0] == '+' {
			s = s[1:]
		}
		s = strings.TrimLeft(s, "0")
		return s, neg && s != ""
	}
	a, na := trim(a)
	b, nb := trim(b)
	if na != nb {
		if na {
			return -1
		}
		return 1
	}
	c := cmpInt(int64(len(a)), int64(len(b)))
	if c == 0 {
		c = strings.Compare(a, b)
	}
	if na {
		return -c
	}
	return c
}

package query

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
	"unsafe"

	"hoalu/ecs"
)

// Test is one compiled leaf (Term … Exists): what it asks of a single value. A store evaluates it on dictionary entries and
// columns, a Matcher on events; both mean the same because they share it. Safe for concurrent use.
type Test struct {
	Field ecs.Field // as the node has it; events may use another by now, see Bound
	Any   bool      // Words in all text fields; Field is not set

	bound  *ecs.Bound
	kind   testKind
	value  string
	values []string
	byKey  map[uint64][]string // Terms with many values
	number int64               // value as a canonical whole number
	isInt  bool
	ints   map[int64]bool // Terms: those that are canonical whole numbers
	glob   []globRune
	re     *regexp.Regexp
	steps  int // of re, with stopped

	stopped *atomic.Bool // nil: never (Until)

	words  []string
	prefix netip.Prefix
	limits []bound
	keys   []uint64
	anyOf  [][]uint64 // Terms: keys of each value
}

type testKind uint8

const (
	testTerm testKind = iota
	testTerms
	testPrefix
	testWildcard
	testRegexp
	testWords
	testRange
	testCIDR
	testExists
)

// Name is the name of Field, "" with Any.
func (t *Test) Name() string { return t.bound.Name }

// NewTest compiles a leaf. All, None, And, Or and Not are no leaves.
func NewTest(n Node) (*Test, error) {
	t, err := newTest(n)
	if err != nil {
		return nil, err
	}
	if t.bound = new(ecs.Bound); !t.Any {
		var ok bool
		if t.bound, ok = ecs.Bind(t.Field); !ok {
			return nil, errors.New("the name of a field was forgotten while the query waited: read its text again")
		}
	}
	return t, nil
}

func newTest(n Node) (*Test, error) {
	switch n := n.(type) {
	case Term:
		t := &Test{Field: n.Field, kind: testTerm, value: n.Value}
		t.number, t.isInt = canonicalInt(n.Value)
		t.keys = termKeys(n.Value)
		return t, nil
	case Terms:
		t := &Test{Field: n.Field, kind: testTerms, values: n.Values, ints: map[int64]bool{}}
		for _, v := range n.Values {
			if i, ok := canonicalInt(v); ok {
				t.ints[i] = true
			}
			t.anyOf = append(t.anyOf, termKeys(v))
		}
		if len(n.Values) > 8 {
			t.byKey = make(map[uint64][]string, len(n.Values))
			for _, v := range n.Values {
				k := caseKey(v)
				t.byKey[k] = append(t.byKey[k], v)
			}
		}
		return t, nil
	case Prefix:
		return &Test{Field: n.Field, kind: testPrefix, value: n.Value, keys: pieceKeys(nil, n.Value, true, false)}, nil
	case Wildcard:
		t := &Test{Field: n.Field, kind: testWildcard, glob: compileGlob(n.Pattern)}
		t.keys = globKeys(t.glob)
		return t, nil
	case Regexp:
		re, err := regexp.Compile(n.Pattern)
		if err != nil {
			return nil, fmt.Errorf("regular expression on %s: %w", n.Field, err)
		}
		return &Test{Field: n.Field, kind: testRegexp, re: re}, nil
	case until:
		return n.test()
	case Words:
		t := &Test{Field: n.Field, Any: n.Any, kind: testWords, words: SplitWords(nil, n.Text)}
		for _, w := range t.words {
			t.keys = append(t.keys, wordKey(w))
		}
		return t, nil
	case Range:
		t := &Test{Field: n.Field, kind: testRange}
		for _, b := range [...]struct {
			text string
			op   boundOp
		}{{n.GT, opGT}, {n.GTE, opGTE}, {n.LT, opLT}, {n.LTE, opLTE}} {
			if b.text != "" {
				t.limits = append(t.limits, newBound(b.op, b.text))
			}
		}
		return t, nil
	case CIDR:
		p := n.Prefix
		if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
		}
		return &Test{Field: n.Field, kind: testCIDR, prefix: p.Masked()}, nil
	case Exists:
		return &Test{Field: n.Field, kind: testExists}, nil
	}
	return nil, fmt.Errorf("%T is no test of a field", n)
}

// Value reports whether v satisfies the test.
func (t *Test) Value(v ecs.Value) bool {
	if v.Kind == ecs.Null {
		return false
	}
	return t.Text(v.Text)
}

// Text is Value for text, numbers and booleans by their text.
func (t *Test) Text(s string) bool {
	switch t.kind {
	case testTerm:
		return strings.EqualFold(s, t.value)
	case testTerms:
		if t.byKey != nil {
			for _, v := range t.byKey[caseKey(s)] {
				if strings.EqualFold(s, v) {
					return true
				}
			}
			return false
		}
		for _, v := range t.values {
			if strings.EqualFold(s, v) {
				return true
			}
		}
		return false
	case testPrefix:
		return hasPrefixFold(s, t.value)
	case testWildcard:
		return (t.stopped == nil || !t.stopped.Load()) && matchGlob(t.glob, s)
	case testRegexp:
		return t.found(s)
	case testWords:
		for _, w := range t.words {
			if !hasWord(s, w) {
				return false
			}
		}
		return len(t.words) > 0
	case testRange:
		return t.inRange(s)
	case testCIDR:
		return t.inPrefix(s)
	}
	return true // Exists
}

// Int is Text(strconv.FormatInt(n, 10)), without the text where it can.
func (t *Test) Int(n int64) bool {
	switch t.kind {
	case testTerm:
		return t.isInt && n == t.number
	case testTerms:
		return t.ints[n]
	case testExists:
		return true
	case testCIDR:
		return false
	case testRange:
		for i := range t.limits {
			b := &t.limits[i]
			if b.kind == boundInt {
				if !b.op.holds(cmpInt(n, b.i)) {
					return false
				}
			} else if !b.text(strconv.FormatInt(n, 10)) {
				return false
			}
		}
		return true
	}
	var buf [20]byte
	s := strconv.AppendInt(buf[:0], n, 10)
	return t.Text(unsafe.String(&s[0], len(s)))
}

// Millis is Text(ecs.FormatTime(ms)), without the text where it can.
func (t *Test) Millis(ms int64) bool {
	if t.kind == testExists {
		return true
	}
	if t.kind == testRange {
		timed := true
		for i := range t.limits {
			timed = timed && t.limits[i].kind == boundTime
		}
		if timed {
			for i := range t.limits {
				if !t.limits[i].millis(ms) {
					return false
				}
			}
			return true
		}
	}
	return t.Text(ecs.FormatTime(ms))
}

// MayInt reports whether some whole number between lo and hi can satisfy the test; false is certain.
func (t *Test) MayInt(lo, hi int64) bool {
	switch t.kind {
	case testTerm:
		return t.isInt && t.number >= lo && t.number <= hi
	case testTerms:
		for n := range t.ints {
			if n >= lo && n <= hi {
				return true
			}
		}
		return false
	case testCIDR:
		return false
	case testRange:
		for i := range t.limits {
			b := &t.limits[i]
			if b.kind != boundInt {
				continue
			}
			x := hi
			if b.op == opLT || b.op == opLTE {
				x = lo
			}
			if !b.op.holds(cmpInt(x, b.i)) {
				return false
			}
		}
	}
	return true
}

// Keys are filter keys (AppendKeys) that every text satisfying the test has; nil where the test says nothing about them.
func (t *Test) Keys() []uint64 { return t.keys }

// MayKeys reports whether a value with such keys can satisfy the test, going by has, which may err only towards true.
func (t *Test) MayKeys(has func(key uint64) bool) bool {
	if t.kind == testTerms {
		for _, keys := range t.anyOf {
			may := true
			for _, k := range keys {
				may = may && has(k)
			}
			if may {
				return true
			}
		}
		return false
	}
	if t.kind == testWords && len(t.words) == 0 {
		return false
	}
	for _, k := range t.keys {
		if !has(k) {
			return false
		}
	}
	return true
}

// AsTerms returns the values an exact test (Term, Terms) asks for.
func (t *Test) AsTerms() ([]string, bool) {
	switch t.kind {
	case testTerm:
		return []string{t.value}, true
	case testTerms:
		return t.values, true
	}
	return nil, false
}

// IsExists reports whether the test is an Exists.
func (t *Test) IsExists() bool { return t.kind == testExists }

func termKeys(v string) []uint64 {
	if k, ok := wholeKey(v); ok {
		return []uint64{k}
	}
	var keys []uint64
	for _, w := range SplitWords(nil, v) {
		keys = append(keys, wordKey(w))
	}
	return keys
}

// pieceKeys appends the keys of the words of a literal piece of a value; a word at an open end may be cut and says nothing.
func pieceKeys(dst []uint64, s string, closedLeft, closedRight bool) []uint64 {
	words := SplitWords(nil, s)
	first, last := 0, len(words)
	if r, _ := utf8.DecodeRuneInString(s); !closedLeft && inWord(r) {
		first = 1
	}
	// A combining mark after the piece changes no word: marks are dropped. Any other letter does.
	if r, _ := utf8.DecodeLastRuneInString(s); !closedRight && inWord(r) {
		last--
	}
	for i := first; i < last; i++ {
		dst = append(dst, wordKey(words[i]))
	}
	return dst
}

func inWord(r rune) bool {
	if r < utf8.RuneSelf {
		return wordByte[r] != 0
	}
	return wordRune(r)
}

// caseKey hashes s with case folded.
func caseKey(s string) uint64 {
	var h hasher
	for _, r := range s {
		h.addRune(caseRune(r))
	}
	return h.sum()
}

func hasPrefixFold(s, prefix string) bool {
	i := 0
	for _, p := range prefix {
		if i >= len(s) {
			return false
		}
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if r != p && caseRune(r) != caseRune(p) {
			return false
		}
		i += size
	}
	return true
}

// canonicalInt reads s when strconv would write the same digits.
func canonicalInt(s string) (int64, bool) {
	if len(s) == 0 || len(s) > 20 || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return 0, false
	}
	digits := s
	if s[0] == '-' {
		digits = s[1:]
	}
	if len(digits) == 0 || digits[0] == '0' && (len(digits) > 1 || len(s) > 1) {
		return 0, false
	}
	var n uint64
	for i := range len(digits) {
		c := digits[i] - '0'
		if c > 9 {
			return 0, false
		}
		if n > (1<<63)/10 {
			return 0, false
		}
		n = n*10 + uint64(c)
	}
	if s[0] == '-' {
		if n > 1<<63 {
			return 0, false
		}
		return -int64(n), true // -1<<63 wraps onto itself
	}
	return int64(n), n < 1<<63
}

// CanonicalInt reads s when it is a whole number written as strconv would write it, so that the number gives the text back.
func CanonicalInt(s string) (int64, bool) { return canonicalInt(s) }

func (t *Test) inPrefix(s string) bool {
	// ParseAddr allocates its error: look first.
	if len(s) < 2 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F', c == '.', c == ':':
		case c == '%' && i > 0:
			s = s[:i] // a zone says nothing about the network
		default:
			return false
		}
		if i == len(s) {
			break
		}
	}
	if !strings.ContainsAny(s, ".:") {
		return false
	}
	a, err := netip.ParseAddr(s)
	return err == nil && t.prefix.Contains(a.Unmap())
}

// parseInstant reads RFC 3339; the look at its shape saves time.Parse from allocating errors.
func parseInstant(s string) (time.Time, bool) {
	if len(s) < 20 || len(s) > 40 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	return t, err == nil
}

// compareFold orders text with case folded, by code point.
func compareFold(a, b string) int {
	for len(a) > 0 && len(b) > 0 {
		ra, na := utf8.DecodeRuneInString(a)
		rb, nb := utf8.DecodeRuneInString(b)
		if ra != rb {
			if c := cmpInt(int64(caseRune(ra)), int64(caseRune(rb))); c != 0 {
				return c
			}
		}
		a, b = a[na:], b[nb:]
	}
	return cmpInt(int64(len(a)), int64(len(b)))
}

package sigma

import (
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"
)

// partKind is one element of a pattern.
type partKind uint8

const (
	partText partKind = iota
	partStar          // any run, also none, newlines included
	partAny           // exactly one character
	partDash          // one of the five dashes of windash
)

type part struct {
	kind partKind
	text string
}

// pattern is a Sigma string value after unescaping: text between wildcards.
type pattern []part

// dashes are the characters windash takes for one another (appendix modifiers).
const dashes = "-/–—―"

// parsePattern reads a value: "\" is plain unless "*", "?" or "\" follows (specification, "Escaping").
func parsePattern(s string) pattern {
	var p pattern
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			p = append(p, part{partText, b.String()})
			b.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case c == '*':
			flush()
			if len(p) == 0 || p[len(p)-1].kind != partStar {
				p = append(p, part{kind: partStar})
			}
		case c == '?':
			flush()
			p = append(p, part{kind: partAny})
		default:
			b.WriteByte(c)
		}
	}
	flush()
	return p
}

// plain is a pattern without wildcards.
func plain(s string) pattern {
	if s == "" {
		return nil
	}
	return pattern{{partText, s}}
}

func (p pattern) wild() bool {
	for _, x := range p {
		if x.kind == partStar || x.kind == partAny {
			return true
		}
	}
	return false
}

// text is the whole value of a pattern that has no wildcards and no dashes.
func (p pattern) text() string {
	if len(p) == 0 {
		return ""
	}
	return p[0].text
}

func (p pattern) starBefore() pattern {
	if len(p) > 0 && p[0].kind == partStar {
		return p
	}
	return append(pattern{{kind: partStar}}, p...)
}

func (p pattern) starAfter() pattern {
	if len(p) > 0 && p[len(p)-1].kind == partStar {
		return p
	}
	return append(append(pattern{}, p...), part{kind: partStar})
}

// each replaces the text parts by f.
func (p pattern) each(f func(string) pattern) pattern {
	var out pattern
	for _, x := range p {
		if x.kind != partText {
			out = append(out, x)
			continue
		}
		for _, y := range f(x.text) {
			if n := len(out); y.kind == partText && n > 0 && out[n-1].kind == partText {
				out[n-1].text += y.text
				continue
			}
			out = append(out, y)
		}
	}
	return out
}

// windash marks "-" and "/" at the start of a word (pySigma: \B[-/]\b) as dashes.
func (p pattern) windash() pattern {
	return p.each(func(s string) pattern {
		var out pattern
		from := 0
		prev := rune(-1)
		for i, r := range s {
			if r == '-' || r == '/' {
				next, _ := utf8.DecodeRuneInString(s[i+1:])
				if (prev < 0 || !wordRune(prev)) && i+1 < len(s) && wordRune(next) {
					if i > from {
						out = append(out, part{partText, s[from:i]})
					}
					out = append(out, part{partDash, s[i : i+1]})
					from = i + 1
				}
			}
			prev = r
		}
		if from < len(s) {
			out = append(out, part{partText, s[from:]})
		}
		return out
	})
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

// expandDashes gives every text a pattern with dashes stands for; ok is false past max.
func (p pattern) expandDashes(max int) (out []pattern, ok bool) {
	out = []pattern{nil}
	for _, x := range p {
		choices := []string{x.text}
		if x.kind == partDash {
			choices = choices[:0]
			for _, r := range dashes {
				choices = append(choices, string(r))
			}
		}
		var next []pattern
		for _, o := range out {
			for _, c := range choices {
				n := append(pattern{}, o...)
				switch {
				case x.kind != partText && x.kind != partDash:
					n = append(n, x)
				case len(n) > 0 && n[len(n)-1].kind == partText:
					n[len(n)-1].text += c
				default:
					n = append(n, part{partText, c})
				}
				next = append(next, n)
			}
		}
		if out = next; len(out) > max {
			return nil, false
		}
	}
	return out, true
}

// fold is simple Unicode case folding: every character of one case orbit becomes the same one, ASCII its lower case.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	least := r
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		if x < least {
			least = x
		}
	}
	if least == r && unicode.SimpleFold(r) == r {
		return r // stands alone
	}
	return unicode.ToLower(least)
}

// appendFolded appends s folded; bytes that are no UTF-8 stay.
func appendFolded(dst []byte, s string) []byte {
	i := 0
	for ; i+8 <= len(s); i += 8 { // fast: eight ASCII bytes at a time
		w := load64(s, i)
		if w&(ones*0x80) != 0 {
			break
		}
		dst = binary.LittleEndian.AppendUint64(dst, w|upper(w)>>2) // 0x20 more where 'A' to 'Z'
	}
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, fold(r))
		}
		i += n
	}
	return dst
}

// foldString is s folded.
func foldString(s string) string { return string(appendFolded(nil, s)) }

const ones = 0x0101010101010101

func load64(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// upper has the high bit of each byte set where an ASCII byte of w is 'A' to 'Z'.
func upper(w uint64) uint64 {
	return (w + ones*(0x80-'A')) &^ (w + ones*(0x80-'Z'-1)) & (ones * 0x80)
}

// isFolded reports whether s is its own fold and ASCII, so that it need not be copied.
func isFolded(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if w := load64(s, i); w&(ones*0x80) != 0 || upper(w) != 0 {
			return false
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// glob matches a pattern with inner wildcards or dashes against text folded the same way.
type glob struct {
	segs        [][]part // between stars
	runes       []int    // characters of each segment
	openL, open bool     // a star stands before the first, after the last segment
}

func newGlob(p pattern) *glob {
	g := &glob{}
	var seg []part
	n := 0
	flush := func() {
		if seg != nil {
			g.segs = append(g.segs, seg)
			g.runes = append(g.runes, n)
			seg, n = nil, 0
		}
	}
	for i, x := range p {
		switch x.kind {
		case partStar:
			flush()
			if i == 0 {
				g.openL = true
			}
			if i == len(p)-1 {
				g.open = true
			}
		case partText:
			seg = append(seg, x)
			n += utf8.RuneCountInString(x.text)
		default:
			seg = append(seg, x)
			n++
		}
	}
	flush()
	return g
}

// at reports how many bytes of s a segment takes at its start.
func segAt(seg []part, s string) (int, bool) {
	n := 0
	for _, x := range seg {
		switch x.kind {
		case partText:
			if !strings.HasPrefix(s[n:], x.text) {
				return 0, false
			}
			n += len(x.text)
		case partAny:
			if n >= len(s) {
				return 0, false
			}
			_, w := utf8.DecodeRuneInString(s[n:])
			n += w
		case partDash:
			r, w := utf8.DecodeRuneInString(s[n:])
			if w == 0 || !strings.ContainsRune(dashes, r) {
				return 0, false
			}
			n += w
		}
	}
	return n, true
}

func (g *glob) match(s string) bool {
	if len(g.segs) == 0 {
		return g.openL || g.open || s == ""
	}
	segs, runes := g.segs, g.runes
	if !g.openL {
		n, ok := segAt(segs[0], s)
		if !ok {
			return false
		}
		s = s[n:]
		segs, runes = segs[1:], runes[1:]
		if len(segs) == 0 {
			return g.open || s == ""
		}
	}
	last := len(segs)
	if !g.open {
		last--
	}
	for _, seg := range segs[:last] {
		found := false
		for i := 0; i <= len(s); {
			if seg[0].kind == partText {
				j := strings.Index(s[i:], seg[0].text)
				if j < 0 {
					return false
				}
				i += j
			}
			if n, ok := segAt(seg, s[i:]); ok {
				s = s[i+n:]
				found = true
				break
			}
			_, w := utf8.DecodeRuneInString(s[i:])
			i += max(w, 1)
		}
		if !found {
			return false
		}
	}
	if g.open {
		return true
	}
	// the last segment stands at the end: step back as many characters as it has
	seg, n := segs[last], runes[last]
	i := len(s)
	for ; n > 0 && i > 0; n-- {
		_, w := utf8.DecodeLastRuneInString(s[:i])
		i -= w
	}
	if n > 0 {
		return false
	}
	w, ok := segAt(seg, s[i:])
	return ok && i+w == len(s)
}

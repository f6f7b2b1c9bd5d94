package privacy

import (
	"strings"
	"unicode/utf8"
)

// A glance is a text with what a first look at it tells, which several searches ask for.
type glance struct {
	text string
	// escaped says whether undoing the percent escapes of text can make or part a run of digits: one of them stands for a digit or another
	// percent sign, a digit stands beside it, or a plus between digits stands for a blank as it does where there are escapes. Escaped
	// Vietnamese words do none of this, and nearly all escapes are theirs.
	escaped bool
}

func look(s string) glance { return glance{s, escapesTouchDigits(s)} }

// digitRun says whether the text may hold an identifier at all. Every identifier has three digits in a row somewhere, so one byte in
// three is looked at: this is what nearly all texts cost.
func (g glance) digitRun() bool {
	for range maxEscapes {
		if digitRunIn(g.text) {
			return true
		}
		if !g.escaped {
			return false
		}
		s, _ := readable(g.text)
		g = look(s)
	}
	return digitRunIn(g.text)
}

func digitRun(s string) bool { return look(s).digitRun() }

func digitRunIn(s string) bool {
	for i := 2; i < len(s); i += 3 {
		if c := s[i] - '0'; c > 9 {
			continue
		}
		from, to := i, i+1
		for from > 0 && s[from-1]-'0' <= 9 {
			from--
		}
		for to < len(s) && s[to]-'0' <= 9 {
			to++
		}
		if to-from >= 3 && candidate(s, from, to) {
			return true
		}
		i = to - 1 // s[to] is no digit, and a run behind it that the next step passes over is too short
	}
	return false
}

// candidate says whether the run of digits s[from:to] can begin or be an identifier.
func candidate(s string, from, to int) bool {
	n := to - from
	switch {
	case n == 16: // "\u0022037…"
		return behindEscape(s, from, to) > from
	case n == 13:
		return s[from] == '0' && s[from+1] == '0'
	case n == 12:
		return s[from] == '0' || s[from] == '8'
	case n == 11:
		return s[from] == '8' || s[from] == '0' || n == len(s)
	case n == 10:
		return s[from] == '0'
	case n == 9:
		return s[from] != '0' && s[from] != '1'
	case n <= 8:
		return s[from] == '0' || from >= 3 && separator(s[from-1]) && afterCode(s, from)
	}
	return false
}

// afterCode says whether groups of digits lead back from i to a country code ("+84", "84").
func afterCode(s string, i int) bool {
	for least := max(i-12, 1); i > least; i-- {
		if c := s[i-1]; c == '4' && s[i-2] == '8' && (i == 2 || !digit(s[i-3]) && !letter(s[i-3])) {
			return true
		} else if !digit(c) && !separator(c) {
			return false
		}
	}
	return false
}

func separator(c byte) bool { return c == ' ' || c == '.' || c == '-' || c == ')' || c == '(' }

func digit(c byte) bool { return c-'0' <= 9 }

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

// glued says whether the byte before or behind a number makes it part of something longer.
func gluedBefore(s string, i int) bool {
	if i == 0 {
		return false
	}
	c := s[i-1]
	if letter(c) {
		// "\n037…" and "\t037…" in text that carries JSON escapes
		return !(i >= 2 && s[i-2] == '\\' && (c == 'n' || c == 't' || c == 'r'))
	}
	switch c {
	case '.', '-':
		return true
	case '+', '/', '@', '#':
		return c == '@' || c == '#'
	}
	return digit(c)
}

func gluedBehind(s string, i int) bool {
	if i >= len(s) {
		return false
	}
	c := s[i]
	if letter(c) || digit(c) || c == '@' || c == '-' {
		return true
	}
	if c == '.' || c == ':' { // the end of a sentence is no glue
		return i+1 < len(s) && (digit(s[i+1]) || letter(s[i+1]))
	}
	return false
}

// find appends the matches of a text, in order. Of a guarded field only what is certain counts.
func find(dst []Match, g glance, class fieldClass, number bool, year int) []Match {
	from := len(dst)
	dst = findEscaped(dst, g, class, number, year, maxEscapes)
	if class != classGuarded {
		return dst
	}
	kept := dst[:from]
	for _, m := range dst[from:] {
		if m.Confidence >= Confirmed {
			kept = append(kept, m)
		}
	}
	return kept
}

func findEscaped(dst []Match, g glance, class fieldClass, number bool, year, depth int) []Match {
	if depth == 0 || !percentOrPlus(g.text) {
		return findIn(dst, g.text, class, number, year)
	}
	if !g.escaped && !shaped(g.text, year) {
		return dst
	}
	text, cuts := readable(g.text)
	from := len(dst)
	dst = findEscaped(dst, look(text), class, number, year, depth-1)
	for i := from; i < len(dst); i++ {
		dst[i].Start, dst[i].End = placeOf(cuts, dst[i].Start), placeOf(cuts, dst[i].End)
	}
	return dst
}

// shaped says whether a run of digits of s is, or groups of digits together are, an identifier, whatever stands around it. Where no
// escape touches a digit these are the same once the escapes are undone; only the words around them are others then.
func shaped(s string, year int) bool {
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) {
			continue
		}
		from := i
		for i < len(s) && digit(s[i]) {
			i++
		}
		run := s[from:i]
		switch n := len(run); {
		case n >= 2 && n <= 6:
			code := run == "84" || run == "0084"
			if run[0] != '0' && !code || i == len(s) || !separator(s[i]) && s[i] != '+' {
				continue
			}
			if s[i] == '+' { // stands for a blank
				return true
			}
			if g, _ := readGroups(s, from, i, code); g.count > 1 && anyIdentifier(string(g.digits[:g.n]), year) {
				return true
			}
		case n == 9 && validPhone("0"+run), n == 11 && validCCCD("0"+run, year):
			return true
		case n >= 10 && n <= 13:
			if anyIdentifier(strings.TrimPrefix(run, "00"), year) || anyIdentifier(run, year) {
				return true
			}
		}
	}
	return false
}

// anyIdentifier says whether digits are a personal number or, with or without a country code, a telephone number.
func anyIdentifier(digits string, year int) bool {
	if validCCCD(digits, year) {
		return true
	}
	for _, plus := range [...]bool{true, false} {
		if nat, ok := national(digits, plus); ok && validPhone(nat) {
			return true
		}
	}
	return false
}

func findIn(dst []Match, s string, class fieldClass, number bool, year int) []Match {
	past := 0 // what is before is done with
	for i := 0; i < len(s); {
		if !digit(s[i]) {
			i += 2 // no group has fewer digits
			continue
		}
		from := i
		if from > past && digit(s[from-1]) {
			from--
		}
		for i < len(s) && digit(s[i]) {
			i++
		}
		past = i
		n := i - from
		if n >= 9 && n <= 13 {
			if m, ok := judge(s, from, i, class, number, year); ok {
				dst = append(dst, m)
				continue
			}
		}
		if n >= 2 && n <= 6 && (s[from] == '0' || n == 2 && s[from] == '8' && s[from+1] == '4') { // as grouped's first group must begin
			if m, end, ok := grouped(s, from, i, class, year); ok {
				dst = append(dst, m)
				i, past = end, end
			}
		}
	}
	return dst
}

// named says whether the number at i is the tail of a name that says what it is: "cccd_037095001234.pdf", "SDT0912345678".
func named(s string, i int) bool {
	w := word(s[:i])
	if len(w) > 32 {
		return false
	}
	letters := 0 // no such name has fewer than three; the hours and dates that most numbers hang on have none
	for i := range len(w) {
		if letter(w[i]) && w[i] != '_' {
			letters++
		}
	}
	if letters < 3 {
		return false
	}
	k := fold(w)
	sq := squeeze(k)
	return !anyIn(sq, licence) && (anyIn(sq, cccdLong) || shortWord(k, cccdShort) || anyIn(sq, phoneLong) || shortWord(k, phoneShort[:1]))
}

// dialled says whether the number at i is the user of a telephone address ("sip:0912345678@…").
func dialled(s string, i int) bool {
	for _, p := range [...]string{"sip:", "sips:", "tel:"} {
		if i >= len(p) && strings.EqualFold(s[i-len(p):i], p) {
			return true
		}
	}
	return false
}

// judge looks at one run of digits.
func judge(s string, from, to int, class fieldClass, number bool, year int) (Match, bool) {
	run := s[from:to]
	plus := false
	start := from
	if from > 0 && s[from-1] == '+' {
		plus, start = true, from-1
	}
	if plus && start > 0 && (digit(s[start-1]) || letter(s[start-1])) {
		plus, start = false, from
	}
	if gluedBehind(s, to) && !(to < len(s) && s[to] == '@' && (plus || dialled(s, start))) || !plus && gluedBefore(s, from) {
		if to < len(s) && digit(s[to]) || !named(s, from) {
			return Match{}, false
		}
	}
	if len(run) == 13 { // "0084912345678"
		if run[:4] != "0084" {
			return Match{}, false
		}
		plus, run = true, run[2:]
	}
	if len(run) == 9 && !plus { // "+84 912345678", or a number that lost its 0
		if j, base := countryCode(s, from); j >= 0 {
			return phoneMatch(s, j, to, "0"+run, base, class)
		}
		if class == classPhone {
			return phoneMatch(s, from, to, "0"+run, 0.35, class)
		}
		return Match{}, false
	}
	if !plus {
		d := run
		if len(d) == 11 && class == classCCCD { // a number, or a spreadsheet, lost its 0
			d = "0" + d
		}
		if len(d) == 12 && validCCCD(d, year) {
			c := 0.5 + contextOf(s, from, to, class, CCCD)
			if d[:3] == "035" || d[:3] == "036" || d[:3] == "037" {
				c += 0.05
			}
			return Match{CCCD, from, to, d, bound(c)}, true
		}
	}
	nat, ok := national(run, plus)
	if !ok {
		return Match{}, false
	}
	base := 0.3
	switch {
	case plus:
		base = 0.65
	case run[0] == '8':
		base = 0.35
	}
	return phoneMatch(s, start, to, nat, base, class)
}

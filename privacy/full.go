package privacy

import "strings"

// place says where in a value a full personal number is one without a word that says so.
type place uint8

const (
	anywhere   place = iota // whatever is glued to it: "pc-037…", "nv037….pdf"
	alone                   // letters, dashes and dots must not touch it
	recognised              // only as the whole text, in a path or URL, or as the user of an address
)

// placeIn is what the entry of a field says of its values.
func placeIn(entry uint32) place {
	switch {
	case entry&inText != 0:
		return recognised
	case entry&byItself != 0:
		return alone
	}
	return anywhere
}

// fullRun says whether s holds a run of exactly twelve digits: it covers one byte in twelve.
func fullRun(s string) bool {
	for i := 11; i < len(s); i += 12 {
		if !digit(s[i]) {
			continue
		}
		from, to := i, i+1
		for from > 0 && digit(s[from-1]) {
			from--
		}
		for to < len(s) && digit(s[to]) {
			to++
		}
		if to-from == 12 || to-from == 16 && behindEscape(s, from, to) > from {
			return true
		}
		i = max(i, to-1) // what is a part of this run is looked at once
	}
	return false
}

// behindEscape is where the run of digits s[from:to] begins without those of an escape of JSON before it: many programs write a quote as
// "\u0022".
func behindEscape(s string, from, to int) int {
	if to-from > 4 && from >= 2 && s[from-1] == 'u' && s[from-2] == '\\' {
		return from + 4
	}
	return from
}

// full appends the full personal numbers of a text: runs of exactly twelve digits with a province, a century and sex, and a year of
// birth. Those that stand as they are come first, in order, then those that are read once percent escapes are undone; a number may
// come twice.
func full(dst []Match, g glance, where place, year int) []Match {
	if fullRun(g.text) {
		dst = findFull(dst, g.text, where, year)
	}
	if g.escaped {
		dst = fullEscaped(dst, g.text, where, year, maxEscapes)
	}
	return dst
}

func fullEscaped(dst []Match, s string, where place, year, depth int) []Match {
	text, cuts := readable(s)
	if cuts == nil {
		return dst
	}
	from := len(dst)
	if fullRun(text) {
		dst = findFull(dst, text, where, year)
	}
	if depth > 1 && escapesTouchDigits(text) {
		dst = fullEscaped(dst, text, where, year, depth-1)
	}
	for i := from; i < len(dst); i++ {
		dst[i].Start, dst[i].End = placeOf(cuts, dst[i].Start), placeOf(cuts, dst[i].End)
	}
	return dst
}

// findFull appends the full personal numbers that stand in s as they are. What is a part of a hash or a GUID is none.
func findFull(dst []Match, s string, where place, year int) []Match {
	word := 0 // where it begins
	for i := 0; i < len(s); {
		if !digit(s[i]) {
			if where == recognised && endsWord(s, i) {
				word = i + 1
			}
			i++
			continue
		}
		from := i
		for i < len(s) && digit(s[i]) {
			i++
		}
		from = behindEscape(s, from, i)
		if i-from != 12 || !validCCCD(s[from:i], year) || hexWord(s, from, i) {
			continue
		}
		switch {
		case where == alone && (from > 0 && touches(s[from-1]) || i < len(s) && touches(s[i])):
		case where == recognised && !inItsPlace(s, word, from, i):
		default:
			dst = append(dst, Match{CCCD, from, i, s[from:i], Confirmed})
		}
	}
	return dst
}

func touches(c byte) bool { return letter(c) || c == '-' || c == '.' }

// inItsPlace says whether the number s[from:to] in running text is all of it, the user of an address, or a part of a path or URL.
// The word it is in begins at word.
func inItsPlace(s string, word, from, to int) bool {
	const marks = " \t\"'"
	if from <= 4 && len(s)-to <= 4 && strings.Trim(s[:from], marks) == "" && strings.Trim(s[to:], marks) == "" {
		return true
	}
	if to+1 < len(s) && s[to] == '@' && letter(s[to+1]) {
		return true
	}
	if from == word || to < len(s) && (letter(s[to]) || s[to] == '-' || s[to] == '@') || !strings.ContainsRune(`/\=?&#"'`, rune(s[from-1])) {
		return false
	}
	if key, value := keyBefore(s, from); value && machine[squeeze(fold(key))] {
		return false
	}
	head := s[word:min(from, word+64)] // a word may be as long as its sender likes
	return head[0] == '/' || strings.HasPrefix(head, `\\`) || strings.HasPrefix(head, "www.") || strings.Contains(head, "://") ||
		len(head) > 2 && head[1] == ':' && head[2] == '\\'
}

// endsWord says whether the word of a path or URL ends at s[i]; a quote behind "=" is a part of it.
func endsWord(s string, i int) bool {
	switch s[i] {
	case ' ', '\t', '\r', '\n', '<', '>', '(', ')', '[', ']', '{', '}', ',', ';', '|':
		return true
	case '"', '\'':
		return i == 0 || s[i-1] != '='
	}
	return false
}

// hexWord says whether the digits s[from:to] are a part of a longer number in hex (a hash), or the end of a GUID.
func hexWord(s string, from, to int) bool {
	const hash = 20 // digits; nothing a person writes has as many
	a, b := from, to
	for a > 0 && b-a < hash && hex(s[a-1]) < 16 {
		a--
	}
	for b < len(s) && b-a < hash && hex(s[b]) < 16 {
		b++
	}
	if b-a >= hash {
		return true
	}
	return a == from && b == to && from >= 24 && guidHead(s[from-24:from])
}

// guidHead says whether s reads "xxxxxxxx-xxxx-xxxx-xxxx-".
func guidHead(s string) bool {
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if hex(s[i]) == 16 {
				return false
			}
		}
	}
	return true
}

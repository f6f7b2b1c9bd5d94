package privacy

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"
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

// countryCode finds "+84 ", "(+84) ", "0084-", "84 " before i and gives where it begins, or -1, and what it says.
func countryCode(s string, i int) (int, float64) {
	for i > 0 && separator(s[i-1]) {
		i--
	}
	if i >= 2 && s[i-2:i] == "(0" { // "+84 (0) 912…"
		for i -= 2; i > 0 && separator(s[i-1]); {
			i--
		}
	}
	if i < 2 || s[i-2:i] != "84" {
		return -1, 0
	}
	base := 0.35
	switch i -= 2; {
	case i > 0 && s[i-1] == '+':
		i, base = i-1, 0.65
	case i > 1 && s[i-2:i] == "00":
		i, base = i-2, 0.65
	}
	if i > 0 && s[i-1] == '(' {
		i--
	}
	if i > 0 && (digit(s[i-1]) || letter(s[i-1]) || base < 0.6 && (s[i-1] == '.' || s[i-1] == '-')) {
		return -1, 0
	}
	return i, base
}

func phoneMatch(s string, from, to int, nat string, base float64, class fieldClass) (Match, bool) {
	if !validPhone(nat) {
		return Match{}, false
	}
	c := base + contextOf(s, from, to, class, Phone)
	if nat[:4] == "0229" || nat[:4] == "0228" || nat[:4] == "0226" {
		c += 0.05
	}
	return Match{Phone, from, to, "+84" + nat[1:], bound(c)}, true
}

// bound keeps a confidence between 0 and 1, in hundredths: sums of tenths must meet the levels exactly.
func bound(c float64) float64 { return math.Round(min(max(c, 0), 1)*100) / 100 }

// grouped reads a number written in groups: "0912 345 678", "(0229) 3.871.234", "+84 91-234-5678", "037 095 001 234". from and
// to are the first group.
func grouped(s string, from, to int, class fieldClass, year int) (Match, int, bool) {
	if to == len(s) || !separator(s[to]) {
		return Match{}, 0, false
	}
	first := to - from
	plus := from > 0 && s[from-1] == '+'
	code := s[from:to] == "84" || s[from:to] == "0084" // the first group is the country's
	if !code && (plus || s[from] != '0') || first < 2 || plus && first != 2 {
		return Match{}, 0, false
	}
	g, end := readGroups(s, from, to, code)
	if g.count < 2 || gluedBehind(s, end) {
		return Match{}, 0, false
	}
	start := from
	if plus {
		start--
	}
	if start > 0 && s[start-1] == '(' {
		start--
	}
	if start > 0 && (gluedBefore(s, start) && !named(s, start) || (s[start-1] == '/' || s[start-1] == ':') && start > 1 && digit(s[start-2])) {
		return Match{}, 0, false
	}
	sizes := g.sizes[:g.count]
	run := string(g.digits[:g.n])
	if g.n == 12 && !code && g.count <= 4 && validCCCD(run, year) {
		c := 0.35 + contextOf(s, start, end, class, CCCD)
		if g.sizes == [8]int{3, 3, 3, 3} {
			c += 0.05
		}
		for _, size := range sizes {
			if size < 3 {
				c = 0
			}
		}
		return Match{CCCD, start, end, run, bound(c)}, end, true
	}
	nat, ok := national(run, plus || code)
	if !ok || !validPhone(nat) || !phoneGroups(sizes, code) {
		return Match{}, 0, false
	}
	base := 0.6
	switch {
	case plus, first == 4 && code:
		base = 0.7
	case code:
		base = 0.35
	}
	m, ok := phoneMatch(s, start, end, nat, base, class)
	return m, end, ok
}

// groups are the digits of a number written in groups, 0084 as 84, and how many stand in each.
type groups struct {
	digits [16]byte
	n      int // of digits
	sizes  [8]int
	count  int // of sizes
}

// readGroups reads the groups that follow the first one, s[from:to], with one kind of separator, and says where the last ends; code: the
// first is a country's code.
func readGroups(s string, from, to int, code bool) (g groups, end int) {
	d := &g.digits
	first := to - from
	if first == 4 && code {
		g.n = copy(d[:], "84")
	} else {
		g.n = copy(d[:], s[from:to])
	}
	g.sizes[0], g.count = first, 1
	i := to
	var sep byte
	for g.count < len(g.sizes) {
		j := i
		if j < len(s) && s[j] == ')' {
			j++
		}
		if j < len(s) && (s[j] == ' ' || s[j] == '.' || s[j] == '-') {
			if sep != 0 && s[j] != sep && g.count > 1 {
				break
			}
			sep = s[j]
			j++
		} else if j == i {
			break
		}
		if code && g.count == 1 && strings.HasPrefix(s[j:], "(0)") { // "+84 (0) 912 345 678"
			if j += 3; j < len(s) && s[j] == ' ' {
				j++
			}
		}
		k := j
		for k < len(s) && digit(s[k]) {
			k++
		}
		size := k - j
		if size == 0 || size > 8 || g.n+size > 13 {
			break
		}
		g.n += copy(d[g.n:], s[j:k])
		g.sizes[g.count] = size
		g.count++
		i, end = k, k
		if g.n >= 12 || g.n >= 11 && !code && d[1] == '2' {
			break
		}
	}
	return g, end
}

// phoneGroups says whether people write telephone numbers in such groups.
func phoneGroups(sizes []int, plus bool) bool {
	if plus {
		sizes = sizes[1:]
		if len(sizes) == 0 {
			return false
		}
	}
	for i, g := range sizes {
		if g == 1 && !(i == 1 || i == 0 && plus) || g > 8 || g > 7 && len(sizes) > 2 {
			return false
		}
	}
	return len(sizes) <= 5
}

// national brings digits to the form "0" + significant number.
func national(d string, plus bool) (string, bool) {
	switch {
	case len(d) >= 11 && d[:2] == "84" && d[2] != '0':
		d = "0" + d[2:]
	case plus && len(d) >= 12 && d[:3] == "840": // "+84 0912…"
		d = d[2:]
	case plus:
		return "", false
	}
	if (len(d) == 10 || len(d) == 11) && d[0] == '0' {
		return d, true
	}
	return "", false
}

// validPhone checks a national number against the numbering plan (Thông tư 22/2014 and its changes; libphonenumber metadata).
func validPhone(d string) bool {
	if len(d) == 11 { // fixed: 02, area, subscriber
		return d[0] == '0' && d[1] == '2' && d[2] <= '9' && fixedArea(d)
	}
	if len(d) != 10 || d[0] != '0' {
		return false
	}
	switch d[1] {
	case '3':
		return true // 030-039
	case '5':
		switch d[2] {
		case '6', '8', '9':
			return true
		case '2':
			return d[3] == '2' || d[3] == '3' || d[3] == '8'
		case '5':
			return d[3] == '9'
		}
	case '7':
		return d[2] == '0' || d[2] >= '6'
	case '8':
		return d[2] >= '1' && d[2] <= '8' || d[2] == '9' && d[3] >= '6'
	case '9':
		return d[2] != '9' || d[3] != '2'
	}
	return false
}

// areas are the fixed-line areas behind 02: two digits for Hà Nội (024) and HCM City (028), three for the others.
var areas = map[string]bool{
	"203": true, "204": true, "205": true, "206": true, "207": true, "208": true, "209": true, "210": true, "211": true, "212": true,
	"213": true, "214": true, "215": true, "216": true, "218": true, "219": true,
	"220": true, "221": true, "222": true, "225": true, "226": true, "227": true, "228": true, "229": true, "232": true, "233": true,
	"234": true, "235": true, "236": true, "237": true, "238": true, "239": true,
	"251": true, "252": true, "254": true, "255": true, "256": true, "257": true, "258": true, "259": true, "260": true, "261": true,
	"262": true, "263": true, "269": true, "270": true, "271": true, "272": true, "273": true, "274": true, "275": true, "276": true,
	"277": true,
	"290": true, "291": true, "292": true, "293": true, "294": true, "296": true, "297": true, "299": true,
}

func fixedArea(d string) bool {
	return d[2] == '4' || d[2] == '8' || areas[d[1:4]]
}

// provinces are the 63 codes of the personal number, as a bit per number below 100.
var provinces = func() (b [2]uint64) {
	for _, p := range [...]int{1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34, 35, 36, 37, 38, 40, 42, 44,
		45, 46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70, 72, 74, 75, 77, 79, 80, 82, 83, 84, 86, 87, 89, 91, 92, 93, 94, 95, 96} {
		b[p/64] |= 1 << (p % 64)
	}
	return b
}()

// validCCCD checks province, century and sex, and birth year: 1920 to the year of receipt.
func validCCCD(d string, year int) bool {
	if len(d) != 12 || d[0] != '0' {
		return false
	}
	p := int(d[1]-'0')*10 + int(d[2]-'0')
	if provinces[p/64]&(1<<(p%64)) == 0 {
		return false
	}
	if d[3] > '3' {
		return false
	}
	born := 1900 + 100*int((d[3]-'0')/2) + int(d[4]-'0')*10 + int(d[5]-'0')
	if born < 1920 || born > year {
		return false
	}
	for i := 7; i < 12; i++ { // a serial of one digit repeated is a filler
		if d[i] != d[6] {
			return true
		}
	}
	return false
}

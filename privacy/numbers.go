package privacy

import (
	"math"
	"strings"
)

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

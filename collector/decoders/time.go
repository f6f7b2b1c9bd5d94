package decoders

import (
	"strings"
	"time"
	_ "time/tzdata" // zones of sources must resolve on a host without a zone database
)

// DefaultZone is the zone of lines without one from sources that set none.
const DefaultZone = "Asia/Ho_Chi_Minh"

var defaultZone = func() *time.Location {
	l, err := time.LoadLocation(DefaultZone)
	if err != nil {
		return time.FixedZone(DefaultZone, 7*3600)
	}
	return l
}()

const day = int64(24 * time.Hour / time.Millisecond)

// number reads exactly n digits of s at i.
func number(s string, i, n int) (int, bool) {
	if i+n > len(s) {
		return 0, false
	}
	x := 0
	for _, c := range []byte(s[i : i+n]) {
		c -= '0'
		if c > 9 {
			return 0, false
		}
		x = x*10 + int(c)
	}
	return x, true
}

// month reads an English month of three letters.
func month(s string) time.Month {
	if len(s) < 3 {
		return 0
	}
	switch s[:3] {
	case "Jan", "jan", "JAN":
		return 1
	case "Feb", "feb", "FEB":
		return 2
	case "Mar", "mar", "MAR":
		return 3
	case "Apr", "apr", "APR":
		return 4
	case "May", "may", "MAY":
		return 5
	case "Jun", "jun", "JUN":
		return 6
	case "Jul", "jul", "JUL":
		return 7
	case "Aug", "aug", "AUG":
		return 8
	case "Sep", "sep", "SEP":
		return 9
	case "Oct", "oct", "OCT":
		return 10
	case "Nov", "nov", "NOV":
		return 11
	case "Dec", "dec", "DEC":
		return 12
	}
	return 0
}

// daysBefore are the days of a common year before each month.
var daysBefore = [...]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

// unix is Unix seconds of a UTC date and time; ok is false for what no calendar has.
func unix(y int, m time.Month, d, h, min, s int) (int64, bool) {
	if m < 1 || m > 12 || d < 1 || d > 31 || h > 23 || min > 59 || s > 60 || y < 1 || y > 9999 {
		return 0, false
	}
	if m == 2 && (d > 29 || d == 29 && !leap(y)) {
		return 0, false
	}
	p := y - 1
	days := p*365 + p/4 - p/100 + p/400 + daysBefore[m-1] + d - 1
	if m > 2 && leap(y) {
		days++
	}
	return int64(days-719162)*86400 + int64(h*3600+min*60+s), true
}

// local turns seconds read as if they were UTC into Unix milliseconds of zone.
func local(sec int64, ms int, zone *time.Location) int64 {
	if zone == time.UTC {
		return sec*1000 + int64(ms)
	}
	_, off := time.Unix(sec, 0).In(zone).Zone()
	t := sec - int64(off)
	if _, off2 := time.Unix(t, 0).In(zone).Zone(); off2 != off { // near a change of offset
		t = sec - int64(off2)
	}
	return t*1000 + int64(ms)
}

// clock reads "15:04:05" with an optional fraction (".123456" or ",123") and returns the bytes taken, or 0.
func clock(s string) (h, m, sec, ms, n int) {
	if len(s) < 8 || s[2] != ':' || s[5] != ':' {
		if len(s) >= 7 && s[1] == ':' && s[4] == ':' { // one-digit hour
			h, ok := number(s, 0, 1)
			m, ok2 := number(s, 2, 2)
			sec, ok3 := number(s, 5, 2)
			if ok && ok2 && ok3 {
				ms, k := fraction(s[7:])
				return h, m, sec, ms, 7 + k
			}
		}
		return 0, 0, 0, 0, 0
	}
	h, ok := number(s, 0, 2)
	m, ok2 := number(s, 3, 2)
	sec, ok3 := number(s, 6, 2)
	if !ok || !ok2 || !ok3 {
		return 0, 0, 0, 0, 0
	}
	ms, k := fraction(s[8:])
	return h, m, sec, ms, 8 + k
}

// fraction reads ".123456" as milliseconds, cut not rounded.
func fraction(s string) (ms, n int) {
	if len(s) < 2 || s[0] != '.' && s[0] != ',' || s[1] < '0' || s[1] > '9' {
		return 0, 0
	}
	n = 1
	scale := 100
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		ms += int(s[n]-'0') * scale
		scale /= 10
		n++
	}
	return ms, n
}

// offset reads "Z", "+07:00", "+0700" or "+07"; ok is false where there is none.
func offset(s string) (sec, n int, ok bool) {
	if s == "" {
		return 0, 0, false
	}
	if s[0] == 'Z' || s[0] == 'z' {
		return 0, 1, true
	}
	if s[0] != '+' && s[0] != '-' {
		return 0, 0, false
	}
	h, ok := number(s, 1, 2)
	if !ok {
		return 0, 0, false
	}
	n = 3
	m := 0
	if n < len(s) && s[n] == ':' {
		if m, ok = number(s, 4, 2); ok {
			n = 6
		}
	} else if m, ok = number(s, 3, 2); ok {
		n = 5
	} else {
		m = 0
	}
	sec = h*3600 + m*60
	if s[0] == '-' {
		sec = -sec
	}
	return sec, n, true
}

// isoTime reads RFC 3339 and its relatives ("2006-01-02 15:04:05", "2006/01/02T15:04:05,123+0700"); without a zone the time is
// of zone. It returns Unix milliseconds and the bytes taken, 0 where s does not begin with such a time.
func isoTime(s string, zone *time.Location) (ms int64, n int) {
	if len(s) < 19 || s[4] != '-' && s[4] != '/' || s[7] != s[4] || s[10] != 'T' && s[10] != ' ' && s[10] != 't' {
		return 0, 0
	}
	y, ok := number(s, 0, 4)
	mo, ok2 := number(s, 5, 2)
	d, ok3 := number(s, 8, 2)
	at := 11
	if s[at] == ' ' { // MySQL: "2026-03-02  8:15:31"
		at++
	}
	h, mi, sec, frac, k := clock(s[at:])
	if !ok || !ok2 || !ok3 || k == 0 {
		return 0, 0
	}
	n = at + k
	t, ok := unix(y, time.Month(mo), d, h, mi, sec)
	if !ok {
		return 0, 0
	}
	if off, k, ok := offset(s[n:]); ok {
		return (t-int64(off))*1000 + int64(frac), n + k
	}
	if off, k, ok := spacedZone(s[n:]); ok {
		return (t-int64(off))*1000 + int64(frac), n + k
	}
	return local(t, frac, zone), n
}

// spacedZone reads an offset or a zone's name behind a blank (" +07", " +0700", " UTC", " UTC+2:00") and returns the bytes taken.
func spacedZone(s string) (sec, n int, ok bool) {
	if len(s) < 4 || s[0] != ' ' {
		return 0, 0, false
	}
	if s[1] == '+' || s[1] == '-' {
		if off, k, ok := offset(s[1:]); ok && (1+k == len(s) || strings.IndexByte(" ],;:\")", s[1+k]) >= 0) {
			return off, 1 + k, true
		}
		return 0, 0, false
	}
	if off, k := zoneWord(s[1:]); k > 0 {
		return off, 1 + k, true
	}
	return 0, 0, false
}

// nearestPast gives the year to a date without one: the latest year in which the time is not more than a day ahead of receipt
// (decision 2; the day allows for clocks that run ahead).
func nearestPast(m time.Month, d, h, min, s, ms int, received int64, zone *time.Location) (int64, bool) {
	y := time.UnixMilli(received).In(zone).Year() + 1
	for range 9 { // 29 February comes at least every eight years
		if sec, ok := unix(y, m, d, h, min, s); ok {
			if t := local(sec, ms, zone); t <= received+day {
				return t, true
			}
		}
		y--
	}
	return 0, false
}

// bsdTime reads the date of RFC 3164 and its relatives: "Jan _2 15:04:05", with fraction, with the year before, between or
// after, with a zone word or offset behind. It returns Unix milliseconds and the bytes taken.
func bsdTime(s string, received int64, zone *time.Location) (ms int64, n int) {
	year, m, d, n := bsdDate(s)
	if n == 0 {
		return 0, 0
	}
	h, mi, sec, frac, k := clock(s[n:])
	if k == 0 {
		return 0, 0
	}
	n += k
	if year == 0 {
		y, k := yearBehind(s[n:])
		year, n = y, n+k
	}
	off, k := zoneBehind(s[n:])
	n += k
	if year == 0 {
		if k > 0 {
			zone = time.FixedZone("", off)
		}
		if t, ok := nearestPast(m, d, h, mi, sec, frac, received, zone); ok {
			return t, n
		}
		return 0, 0
	}
	t, ok := unix(year, m, d, h, mi, sec)
	if !ok {
		return 0, 0
	}
	if k > 0 {
		return (t-int64(off))*1000 + int64(frac), n
	}
	return local(t, frac, zone), n
}

// bsdDate reads what stands before the clock, with the blank behind it: "Mar  1 ", "2024 Mar  1 " (Nexus) or "Mar  1 2024 " (ASA). The
// year is 0 where there is none, and so is n where s begins with no date.
func bsdDate(s string) (year int, m time.Month, day, n int) {
	if len(s) > 5 && s[4] == ' ' {
		if y, ok := number(s, 0, 4); ok && month(s[5:]) != 0 {
			year, n = y, 5
		}
	}
	if m = month(s[n:]); m == 0 || n+4 > len(s) || s[n+3] != ' ' {
		return 0, 0, 0, 0
	}
	n += 4
	for n < len(s) && s[n] == ' ' {
		n++
	}
	day, ok := number(s, n, 2)
	k := 2
	if !ok {
		if day, ok = number(s, n, 1); !ok {
			return 0, 0, 0, 0
		}
		k = 1
	}
	n += k
	if n < len(s) && s[n] == ',' {
		n++
	}
	if n >= len(s) || s[n] != ' ' {
		return 0, 0, 0, 0
	}
	n++
	if year == 0 && n+4 < len(s) && s[n+4] == ' ' {
		if y, ok := number(s, n, 4); ok {
			year, n = y, n+5
		}
	}
	return year, m, day, n
}

// yearBehind reads the year behind a clock, "Mar  1 18:46:11 2024"; "2001:db8::1" there is a host.
func yearBehind(s string) (year, n int) {
	if len(s) < 5 || s[0] != ' ' {
		return 0, 0
	}
	y, ok := number(s, 1, 4)
	if ok && y >= 1970 && y < 2200 && (len(s) == 5 || s[5] == ' ' || s[5] == ']' || s[5] == ':' && (len(s) == 6 || s[6] == ' ')) {
		return y, 5
	}
	return 0, 0
}

// zoneBehind reads a zone's name or offset behind a clock, with or without a blank between; n is 0 where there is none.
func zoneBehind(s string) (off, n int) {
	rest := s
	if len(rest) > 1 && rest[0] == ' ' {
		rest = rest[1:]
	}
	var k int
	if len(rest) >= 3 && (rest[0] == '+' || rest[0] == '-') {
		off, k, _ = offset(rest)
	} else {
		off, k = zoneWord(rest)
	}
	if k == 0 {
		return 0, 0
	}
	return off, len(s) - len(rest) + k
}

func weekday(s string) bool {
	switch s {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

// dayFirst reads "02 Mar 2026 15:04:05 +0700" (RFC 5322) and "02-Mar-2026 15:04:05.123" (BIND).
func dayFirst(s string, zone *time.Location) (int64, int) {
	if len(s) < 20 || s[2] != ' ' && s[2] != '-' || s[6] != s[2] || s[11] != ' ' {
		return 0, 0
	}
	d, ok := number(s, 0, 2)
	y, ok2 := number(s, 7, 4)
	h, mi, sec, frac, k := clock(s[12:])
	if !ok || !ok2 || k == 0 {
		return 0, 0
	}
	t, ok := unix(y, month(s[3:]), d, h, mi, sec)
	if !ok {
		return 0, 0
	}
	n := 12 + k
	if n+1 < len(s) && s[n] == ' ' && (s[n+1] == '+' || s[n+1] == '-') {
		if off, k, ok := offset(s[n+1:]); ok {
			return (t-int64(off))*1000 + int64(frac), n + 1 + k
		}
	}
	return local(t, frac, zone), n
}

// compactTime reads "20260302 15:04:05" (MariaDB's server audit).
func compactTime(s string, zone *time.Location) (int64, int) {
	y, ok := number(s, 0, 4)
	mo, ok2 := number(s, 4, 2)
	d, ok3 := number(s, 6, 2)
	if !ok || !ok2 || !ok3 || len(s) < 17 || s[8] != ' ' {
		return 0, 0
	}
	h, mi, sec, frac, k := clock(s[9:])
	t, ok := unix(y, time.Month(mo), d, h, mi, sec)
	if k == 0 || !ok {
		return 0, 0
	}
	return local(t, frac, zone), 9 + k
}

// monthFirst reads "03/02/2026-15:04:05.123" and "03/02-15:04:05.123" (Suricata's and Snort's fast.log).
func monthFirst(s string, received int64, zone *time.Location) (int64, int) {
	if len(s) < 14 || s[2] != '/' {
		return 0, 0
	}
	mo, ok := number(s, 0, 2)
	d, ok2 := number(s, 3, 2)
	if !ok || !ok2 {
		return 0, 0
	}
	if s[5] == '-' {
		h, mi, sec, frac, k := clock(s[6:])
		if k == 0 {
			return 0, 0
		}
		t, ok := nearestPast(time.Month(mo), d, h, mi, sec, frac, received, zone)
		if !ok {
			return 0, 0
		}
		return t, 6 + k
	}
	y, ok := number(s, 6, 4)
	if !ok || s[5] != '/' || s[10] != '-' {
		return 0, 0
	}
	h, mi, sec, frac, k := clock(s[11:])
	t, ok := unix(y, time.Month(mo), d, h, mi, sec)
	if k == 0 || !ok {
		return 0, 0
	}
	return local(t, frac, zone), 11 + k
}

// zoneWord reads the zone names that mean one offset only, alone or as "UTC+7", "GMT+07:00". Names that countries share (CST, IST, BST,
// EST, AEST …) are none of them: a time with such a name is read in the zone of its source and marked.
func zoneWord(s string) (off, n int) {
	j := 0
	for j < len(s) && s[j] >= 'A' && s[j] <= 'Z' {
		j++
	}
	if j == 3 && j < len(s) && (s[j] == '+' || s[j] == '-') && (s[:j] == "GMT" || s[:j] == "UTC") { // "GMT+7", "UTC+07:00"
		if off, k, ok := offset(s[j:]); ok {
			return off, j + k
		}
		if h, ok := number(s, j+1, 1); ok { // "UTC+2:00"
			sec, k := h*3600, j+2
			if m, ok := number(s, k+1, 2); ok && s[k] == ':' {
				sec, k = sec+m*60, k+3
			}
			if k < len(s) && s[k] != ' ' && s[k] != ':' {
				return 0, 0
			}
			if s[j] == '-' {
				sec = -sec
			}
			return sec, k
		}
	}
	if j < 3 || j < len(s) && s[j] != ' ' && s[j] != ':' && s[j] != ']' && s[j] != '"' {
		return 0, 0
	}
	h, ok := zoneHours[s[:j]]
	if !ok {
		return 0, 0
	}
	return h * 3600, j
}

// zoneHours are names of zones with the hours they are ahead of UTC.
var zoneHours = map[string]int{
	"UTC": 0, "GMT": 0, "ICT": 7, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "WEST": 1, "MSK": 3, "EDT": -4, "CDT": -5, "MDT": -6, "PDT": -7,
	"JST": 9, "KST": 9, "SGT": 8, "HKT": 8, "WIB": 7, "AEDT": 11, "NZST": 12, "NZDT": 13,
}

// commonTime reads the time of the common log format, "02/Jan/2006:15:04:05 -0700".
func commonTime(s string, zone *time.Location) (int64, bool) {
	if len(s) < 20 || s[2] != '/' || s[6] != '/' || s[11] != ':' {
		return 0, false
	}
	d, ok := number(s, 0, 2)
	y, ok2 := number(s, 7, 4)
	h, mi, sec, frac, k := clock(s[12:])
	if !ok || !ok2 || k == 0 {
		return 0, false
	}
	t, ok := unix(y, month(s[3:]), d, h, mi, sec)
	if !ok {
		return 0, false
	}
	rest := s[12+k:]
	if len(rest) > 1 && rest[0] == ' ' {
		if off, _, ok := offset(rest[1:]); ok {
			return (t-int64(off))*1000 + int64(frac), true
		}
	}
	return local(t, frac, zone), true
}

package decoders

import (
	"strings"
	"time"
)

// ownTime reads the time that a line of a program's own file carries where no syslog header can stand: in brackets (Samba:
// "[2026/03/02 14:53:22.183,  0] …", "[2026-03-02T…]", HAProxy's and web servers' "[02/Mar/2026:14:53:22.183]"), as a pair
// ("time=…", "ts=…"), klog's "I0302 14:53:22.183", "20260302T145322", "02.03.2026 14:53:22". A date whose day and month cannot be
// told apart is none. Such a line is not understood any better for it, but it lies where it happened. named says whether the line
// names its zone.
func ownTime(s string, received int64, zone *time.Location) (t int64, named, ok bool) {
	if len(s) < 14 {
		return 0, false, false
	}
	if s[0] == '[' {
		if t, n := fileTime(s[1:], zone); n > 0 && 1+n < len(s) && strings.IndexByte("], ", s[1+n]) >= 0 {
			return t, namesZone(s[1 : 1+n]), true
		}
	}
	for _, key := range [...]string{"time=", "ts=", "timestamp="} {
		if k := strings.Index(s[:min(len(s), 128)], key); k == 0 || k > 0 && s[k-1] == ' ' { // also "level=info ts=…"
			v := strings.TrimPrefix(s[k+len(key):], `"`)
			if t, n := fileTime(v, zone); n > 0 {
				return t, namesZone(v[:n]), true
			}
			if w, _ := word(v); epoch(w) {
				t, _ := numberTime(w)
				return t, true, true
			}
			return 0, false, false
		}
	}
	if t, n := fileTime(s, zone); n > 0 {
		return t, namesZone(s[:n]), true
	}
	if t, ok := klogTime(s, received, zone); ok {
		return t, false, true
	}
	if t, ok := commonTime(s, zone); ok {
		return t, len(s) > 21 && s[20] == ' ' && (s[21] == '+' || s[21] == '-'), true
	}
	for at := 0; ; { // the common log format stands behind addresses and names
		k := strings.IndexByte(s[at:min(len(s), 256)], '[')
		if k < 0 {
			return 0, false, false
		}
		at += k + 1
		if t, ok := commonTime(s[at:], zone); ok {
			end := strings.IndexByte(s[at:], ']')
			return t, end > 0 && namesZone(s[at:at+end]), true
		}
		if at >= 256 {
			return 0, false, false
		}
	}
}

// namesZone says whether a time ends with an offset or a zone's name.
func namesZone(s string) bool {
	c := s[len(s)-1]
	return c == 'Z' || c == 'z' || strings.LastIndexAny(s, "+-") > 16 || c >= 'A' && c <= 'Y'
}

// fileTime reads a whole date and time and returns the bytes taken, 0 where s begins with none.
func fileTime(s string, zone *time.Location) (int64, int) {
	if t, n := isoTime(s, zone); n > 0 {
		return t, n
	}
	if t, n := compactTime(s, zone); n > 0 {
		return t, n
	}
	if t, n := packedTime(s, zone); n > 0 {
		return t, n
	}
	if t, n := numbersTime(s, zone); n > 0 {
		return t, n
	}
	return 0, 0
}

// packedTime reads "20260302T145322", with a fraction and Z or an offset behind.
func packedTime(s string, zone *time.Location) (int64, int) {
	if len(s) < 15 || s[8] != 'T' {
		return 0, 0
	}
	var v [6]int
	for i, f := range [...][2]int{{0, 4}, {4, 2}, {6, 2}, {9, 2}, {11, 2}, {13, 2}} {
		var ok bool
		if v[i], ok = number(s, f[0], f[1]); !ok {
			return 0, 0
		}
	}
	t, ok := unix(v[0], time.Month(v[1]), v[2], v[3], v[4], v[5])
	if !ok || v[3] > 23 || v[4] > 59 || v[5] > 60 {
		return 0, 0
	}
	ms, k := fraction(s[15:])
	n := 15 + k
	if off, k, ok := offset(s[n:]); ok {
		return (t-int64(off))*1000 + int64(ms), n + k
	}
	return local(t, ms, zone), n
}

// numbersTime reads "02.03.2026 14:53:22", with dashes or slashes too, where it is told which number is the day: with dots it is
// the first, else one of both is no month or both are the same.
func numbersTime(s string, zone *time.Location) (int64, int) {
	if len(s) < 19 || strings.IndexByte("./-", s[2]) < 0 || s[5] != s[2] || s[10] != ' ' {
		return 0, 0
	}
	d, ok := number(s, 0, 2)
	m, ok2 := number(s, 3, 2)
	y, ok3 := number(s, 6, 4)
	h, mi, sec, frac, k := clock(s[11:])
	if !ok || !ok2 || !ok3 || k == 0 {
		return 0, 0
	}
	switch {
	case m > 12:
		d, m = m, d
	case d <= 12 && d != m && s[2] != '.':
		return 0, 0
	}
	t, ok := unix(y, time.Month(m), d, h, mi, sec)
	if !ok {
		return 0, 0
	}
	return local(t, frac, zone), 11 + k
}

// klogTime reads "I0302 14:53:22.183123    1234 server.go:12] …" (Kubernetes).
func klogTime(s string, received int64, zone *time.Location) (int64, bool) {
	if len(s) < 21 || strings.IndexByte("IWEF", s[0]) < 0 || s[5] != ' ' {
		return 0, false
	}
	m, ok := number(s, 1, 2)
	d, ok2 := number(s, 3, 2)
	h, mi, sec, frac, k := clock(s[6:])
	if !ok || !ok2 || k < 12 {
		return 0, false
	}
	return nearestPast(time.Month(m), d, h, mi, sec, frac, received, zone)
}

package console

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"hoalu/soc"
)

// Times that people send are read here and nowhere else, so that whatever is computed with them afterwards (differences, buckets,
// steps) fits into an int64 many times over. 0 means "none given" in every part, so the earliest instant is 1.
const (
	firstInstant = 1                   // Unix ms
	lastInstant  = 253_402_300_799_999 // 9999-12-31T23:59:59.999Z, the last that RFC 3339 can write
	mostBars     = 500                 // of a histogram
	longestBar   = 36_500              // days
)

// instant reads RFC 3339, Unix milliseconds or a date (its end in Vietnam), from 1970 to 9999; def where s is empty.
func instant(name, s string, def int64) (int64, error) {
	if s == "" {
		return def, nil
	}
	var ms int64
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 1e11 {
		ms = n
	} else if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		ms = t.UnixMilli()
	} else if t, err := time.ParseInLocation(time.DateOnly, s, soc.Zone); err == nil {
		ms = t.AddDate(0, 0, 1).UnixMilli() - 1
	} else {
		return 0, wrongField("time_wrong", name)
	}
	if ms < 0 || ms > lastInstant {
		return 0, wrongField("time_wrong", name)
	}
	return max(ms, firstInstant), nil
}

// stretch reads from and to; to is now, and from is width before to, where they are empty. It refuses a stretch without length.
func stretch(from, to string, now int64, width time.Duration) (a, b int64, err error) {
	b, errTo := instant("to", to, now)
	a, errFrom := instant("from", from, max(firstInstant, b-width.Milliseconds()))
	if err := cmp.Or(errTo, errFrom); err != nil {
		return 0, 0, err
	}
	if a >= b {
		return 0, 0, wrongField("range_empty", "from")
	}
	return a, b, nil
}

// intervals of a histogram that read well on an axis.
var intervals = []time.Duration{time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute,
	10 * time.Minute,
	30 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour}

// interval is the width in ms of the bars of a histogram over [from, to), both from instant; at most mostBars of them, auto aims at
// 60 to 120.
func interval(s string, from, to int64) (int64, error) {
	width := to - from
	if s == "auto" {
		for _, d := range intervals {
			if width/d.Milliseconds() <= 120 {
				return d.Milliseconds(), nil
			}
		}
		return max(1, width/100), nil
	}
	d, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		d = time.Duration(min(max(n, 0), longestBar+1)) * 24 * time.Hour
	}
	if err != nil || d < time.Second || d > longestBar*24*time.Hour || width/d.Milliseconds() > mostBars {
		return 0, wrongField("interval_wrong", "histogram")
	}
	return d.Milliseconds(), nil
}

package evidence

import (
	"errors"
	"fmt"
	"time"

	"hoalu/soc"
)

// Period reads two days (whole ones, in zone) or instants (RFC 3339) as Unix ms: to "" is now, from "" the beginning of today.
func Period(from, to string, now time.Time, zone *time.Location) (int64, int64, error) {
	parse := func(name, s string, missing time.Time, end bool) (int64, error) {
		if s == "" {
			return missing.UnixMilli(), nil
		}
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t.UnixMilli(), nil
		}
		if t, err := time.ParseInLocation("2006-01-02", s, zone); err == nil {
			if end {
				t = t.AddDate(0, 0, 1)
			}
			return t.UnixMilli(), nil
		}
		return 0, &soc.Problem{Status: 400, Code: "bad_time",
			Detail: fmt.Sprintf("%s: must be a day as 2026-11-21 or an instant as 2026-11-21T08:00:00+07:00, is %q.", name, s),
			Values: map[string]string{"name": name, "given": s}}
	}
	now = now.In(zone)
	f, err1 := parse("from", from, time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, zone), false)
	t, err2 := parse("to", to, now.Add(time.Second), true)
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, err
	}
	if f >= t {
		return 0, 0, &soc.Problem{Status: 400, Code: "bad_period", Detail: "from: must be before to.",
			Values: map[string]string{"name": "from", "given": from}}
	}
	return f, t, nil
}

package evidence

import (
	"errors"
	"testing"
	"time"

	"hoalu/soc"
)

// TestPeriod: days are whole ones of the zone, the last one included; what is no time, or ends before it begins, is refused with what was
// given.
func TestPeriod(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("+07", 7*3600)
	now := time.Date(2026, 11, 30, 13, 0, 0, 0, zone)
	for _, tt := range []struct{ from, to, wantFrom, wantTo string }{
		{"", "", "2026-11-30T00:00:00+07:00", "2026-11-30T13:00:01+07:00"},
		{"2026-11-21", "2026-11-21", "2026-11-21T00:00:00+07:00", "2026-11-22T00:00:00+07:00"},
		{"2026-11-21T08:00:00+07:00", "2026-11-21T02:00:00Z", "2026-11-21T08:00:00+07:00", "2026-11-21T09:00:00+07:00"},
		{"yesterday", "", "", "yesterday"},
		{"", "21/11/2026", "", "21/11/2026"},
		{"2026-11-22", "2026-11-21T00:00:00Z", "", "2026-11-22"},
	} {
		from, to, err := Period(tt.from, tt.to, now, zone)
		if tt.wantFrom == "" {
			var p *soc.Problem
			code := "bad_time"
			if tt.from == tt.wantTo && tt.to != "" { // both are times
				code = "bad_period"
			}
			if !errors.As(err, &p) || p.Code != code || p.Values["given"] != tt.wantTo {
				t.Errorf("Period(%q, %q): %v, want %s with %q", tt.from, tt.to, err, code, tt.wantTo)
			}
			continue
		}
		at := func(ms int64) string { return time.UnixMilli(ms).In(zone).Format(time.RFC3339) }
		if err != nil || at(from) != tt.wantFrom || at(to) != tt.wantTo {
			t.Errorf("Period(%q, %q) = %s, %s, %v; want %s, %s", tt.from, tt.to, at(from), at(to), err, tt.wantFrom, tt.wantTo)
		}
	}
}

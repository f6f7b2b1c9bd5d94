package console

import (
	"fmt"
	"math"
	"net/url"
	"testing"
	"time"

	"hoalu/soc"
)

func TestInstants(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64 // -1: refused
	}{
		{"", 7}, {"1763740000000", 1763740000000}, {"2026-11-21T22:46:09+07:00", 1795275969000}, {"2026-11-21", 1795280399999},
		{"1970-01-01T00:00:00Z", 1}, {"9999-12-31T23:59:59.999Z", lastInstant}, {"253402300799999", lastInstant},
		{"0001-01-01T00:00:00Z", -1}, {"1969-12-31T23:59:59Z", -1}, {"9223372036854775807", -1}, {"-9223372036854775808", -1},
		{"92233720368547758070", -1},
		{"253402300800000", -1}, {"9999-12-31T23:59:59.999-07:00", -1}, {"0001-01-01", -1}, {"5", -1}, {"yesterday", -1}, {"1e18", -1},
	} {
		got, err := instant("from", c.text, 7)
		if (err != nil) != (c.want < 0) || err == nil && got != c.want {
			t.Errorf("instant(%q) = %d, %v; want %d", c.text, got, err, c.want)
		}
	}
}

func TestIntervals(t *testing.T) {
	for _, text := range []string{"auto", "1s", "30s", "1m", "1h", "1d", "36500d", "100h"} {
		for _, from := range []int64{firstInstant, 1763740000000, lastInstant - 1} {
			for _, to := range []int64{from + 1, from + 60_000, lastInstant} {
				step, err := interval(text, from, to)
				if err == nil && (step < 1 || (to-from)/step > mostBars) {
					t.Errorf("interval(%q, %d, %d) = %d: %d bars", text, from, to, step, (to-from)/step)
				}
				if text == "auto" && err != nil {
					t.Errorf("interval(auto, %d, %d): %v", from, to, err)
				}
			}
		}
	}
	for _, text := range []string{"", "0s", "-1h", "1ms", "99999999999d", "-1d", "9223372036s9d", fmt.Sprint(math.MaxInt64) + "d", "1y"} {
		if step, err := interval(text, 1763740000000, 1763743600000); err == nil {
			t.Errorf("interval(%q) = %d, want it refused", text, step)
		}
	}
}

// One GET of the lowest role ended the appliance: the difference of its two times wrapped, and the bars were made for ever.
func TestHistogramOfAllTime(t *testing.T) {
	parts, _ := somethingHappened()
	b := newBench(t, parts)
	w := b.as("DV-01", soc.Owner)
	w.client.Timeout = 10 * time.Second
	for _, histogram := range []string{"auto", "1s", "1d"} {
		for _, path := range []string{"/api/events", "/api/events/aggregate"} {
			at := path + "?histogram=" + histogram + "&from=" + url.QueryEscape("0001-01-01T00:00:00Z") + "&to=9223372036854775807"
			w.refused(get, at, nil, 422, "time_wrong")
		}
	}
	got := ask[EventsAnswer](w, get, "/api/events?histogram=auto&from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59Z", nil)
	if got.Total != 1 || got.Histogram == nil || len(got.Histogram.Gaps) > mostBars {
		t.Errorf("all time: %d events, %+v", got.Total, got.Histogram)
	}
}

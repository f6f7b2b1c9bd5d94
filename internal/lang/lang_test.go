package lang

import (
	"testing"
	"time"
)

func TestDecimal(t *testing.T) {
	defer Use("en")
	for _, tt := range []struct {
		code string
		v    float64
		want string
	}{{"en", 30, "30"}, {"en", 0.34, "0.3"}, {"en", 1.96, "2"}, {"vi", 0.34, "0,3"}, {"vi", 90, "90"}} {
		Use(tt.code)
		if got := Decimal(tt.v); got != tt.want {
			t.Errorf("Decimal(%v) in %s is %q, want %q", tt.v, tt.code, got, tt.want)
		}
	}
}

func TestSpan(t *testing.T) {
	defer Use("en")
	for _, tt := range []struct {
		code string
		d    time.Duration
		want string
	}{{"en", 0, "0 s"}, {"en", 999 * time.Millisecond, "0 s"}, {"en", 61 * time.Second, "1 min 1 s"}, {"vi", 2*time.Hour + 5*time.Minute + 9*time.Second, "2 giờ 5 phút"},
		{"vi", 30 * time.Second, "30 giây"}, {"en", 49 * time.Hour, "2 d 1 h"}} {
		Use(tt.code)
		if got := Span(tt.d); got != tt.want {
			t.Errorf("Span(%v) in %s is %q, want %q", tt.d, tt.code, got, tt.want)
		}
	}
}

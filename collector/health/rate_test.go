package health

import (
	"testing"
	"time"
)

// TestRate counts the last seconds, and takes no longer for a first event than for any other.
func TestRate(t *testing.T) {
	t.Parallel()
	var r Rate
	start := time.Now()
	r.Add(5)
	if d := time.Since(start); d > 100*time.Millisecond {
		t.Errorf("the first event took %s", d)
	}
	r.at += 1000 // the clock was set back since
	r.Add(7)
	if r.at > time.Now().Unix() || r.ring[r.at%10] != 7 {
		t.Errorf("after the clock was set back: %+v", r.ring)
	}
}

package main

import (
	"encoding/json"
	"testing"
	"time"
)

// TestMessages keeps the load what its figures say it is: 870 bytes on average, documents that are JSON.
func TestMessages(t *testing.T) {
	m := newMessages(1)
	size, n := 0, 0
	for range 2000 {
		s, d := m.syslog(time.Now()), m.document(time.Now())
		if !json.Valid([]byte(d)) {
			t.Fatalf("document is not JSON: %s", d)
		}
		size, n = size+len(s)+len(d), n+2
	}
	if mean := size / n; mean < 855 || mean > 885 {
		t.Errorf("messages have %d bytes on average, want 870", mean)
	}
}

package health

import (
	"errors"
	"testing"
)

// TestLastOf: what was heard in this run is known; what the store is asked for is asked once, an error each time anew.
func TestLastOf(t *testing.T) {
	t.Parallel()
	var h Hosts
	asks, found, down := 0, int64(0), errors.New("store is down")
	fail := down
	ask := func() (int64, error) { asks++; return found, fail }
	for n := 1; n <= 2; n++ {
		if at, err := h.LastOf("web01", ask); at != 0 || !errors.Is(err, down) || asks != n {
			t.Errorf("ask %d with the store down: %d, %v", n, at, err)
		}
	}
	fail = nil
	for range 2 {
		if at, err := h.LastOf("WEB01", ask); at != 0 || err != nil || asks != 3 {
			t.Errorf("a host of which nothing is stored: %d, %v after %d asks", at, err, asks)
		}
	}
	h.Seen("Web01", 5)
	if at, err := h.LastOf("web01", ask); at != 5 || err != nil || asks != 3 {
		t.Errorf("heard of since: %d, %v after %d asks", at, err, asks)
	}
	found = 9
	for range 2 {
		if at, err := h.LastOf("web02", ask); at != 9 || err != nil || asks != 4 {
			t.Errorf("stored before this run: %d, %v after %d asks", at, err, asks)
		}
	}
}

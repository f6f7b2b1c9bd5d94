package health

import (
	"testing"
	"time"

	"hoalu/soc"
)

// A sender of syslog that counts wrongly is told of at once and then once an hour, with the number of its messages, by the source that is
// bound to its address; one that nobody knows by its address.
func TestMiscounted(t *testing.T) {
	w := start(t, nil, time.Date(2026, 11, 30, 3, 0, 0, 0, time.UTC))
	w.known = []soc.Source{{ID: "NG-3", Address: "10.20.4.0/24"}, {ID: "NG-2", Address: "10.20.0.0/16"}, {ID: "NG-1", Address: "10.20.3.7"}}
	told := func(source, peer string, n int) []Note {
		before := len(w.notes)
		w.Miscounted(source, peer, n)
		return w.notes[before:]
	}
	for _, c := range []struct {
		source, peer string
		after        time.Duration
		n            int
		want         string // source and number of the note; "" none
	}{
		{"", "10.20.3.7", 0, 3, "NG-1 3"},
		{"", "10.20.3.7", time.Minute, 500, ""},
		{"", "10.20.9.9", 0, 1, "NG-2 1"},
		{"", "10.20.4.9", 0, 1, "NG-3 1"},
		{"NG-7", "203.0.113.9", 0, 2, "NG-7 2"},
		{"", "203.0.113.10", 0, 2, "203.0.113.10 2"},
		{"", "10.20.3.7", time.Hour, 1, "NG-1 504"},
	} {
		w.mono += c.after
		got := ""
		for _, n := range told(c.source, c.peer, c.n) {
			got += n.Source + " " + n.Values["messages"]
			if n.Action != SourceCounts || n.Values["sender"] != c.peer {
				t.Errorf("%+v: %+v", c, n)
			}
		}
		if got != c.want {
			t.Errorf("%+v: told %q", c, got)
		}
	}
}

package console

import (
	"context"
	"slices"
	"testing"

	"hoalu/soc"
)

// link is a national link in a given state.
type link struct {
	centre
	state NationalState
}

func (l *link) Summary(context.Context) (NationalState, error) { return l.state, nil }

// TestTheReceivingPointIsDoneWhenItTookSomething: an address alone proves nothing; the test message may have failed.
func TestTheReceivingPointIsDoneWhenItTookSomething(t *testing.T) {
	l := &link{}
	parts := everything()
	parts.National = l
	b := newBench(t, parts)
	w := b.as("", soc.Administrator)
	for _, c := range []struct {
		name  string
		state NationalState
		done  bool
	}{
		{"no address", NationalState{}, false},
		{"an address, its test failed", NationalState{Endpoint: "https://centre.example", FailingSince: 1, LastError: "connection refused"},
			false},
		{"an address that took a message", NationalState{Endpoint: "https://centre.example", LastReceipt: 1}, true},
		{"an address that answers heartbeats", NationalState{Endpoint: "https://centre.example", LastBeat: 1}, true},
	} {
		l.state = c.state
		steps := ask[Me](w, get, "/api/me", nil).Checklist
		i := slices.IndexFunc(steps, func(s Check) bool { return s.ID == "endpoint" })
		if i < 0 || steps[i].Done != c.done || steps[i].Unknown != "" {
			t.Errorf("%s: %+v, want done %v", c.name, steps, c.done)
		}
	}
}

package app

import (
	"context"
	"errors"
	"testing"

	"hoalu/ecs"
)

type stored func(ids []string) ([]*ecs.Event, error)

func (s stored) Get(_ context.Context, ids []string) ([]*ecs.Event, error) { return s(ids) }

// The store's error was dropped, and an alert stood without its event and without a word.
func TestAnAlertSaysThatItsEventWasNotRead(t *testing.T) {
	want := &ecs.Event{ID: "q1"}
	if e, line := eventOf(t.Context(), stored(func([]string) ([]*ecs.Event, error) { return []*ecs.Event{want}, nil }), "q1"); e != want || line != nil {
		t.Errorf("a stored event: %v, %+v", e, line)
	}
	for cause, s := range map[string]stored{
		"events could not all be looked for: l0/1: read: input/output error": func([]string) ([]*ecs.Event, error) {
			return nil, errors.New("events could not all be looked for: l0/1: read: input/output error")
		},
		"it is not stored": func([]string) ([]*ecs.Event, error) { return nil, nil },
	} {
		e, line := eventOf(t.Context(), s, "q7")
		if e != nil || line == nil || line.Op != "note" || line.Want != "event_unread" || line.Got != cause || line.Values["event"] != "q7" || line.Values["reason"] != cause {
			t.Errorf("eventOf with %q: %v, %+v", cause, e, line)
		}
	}
}

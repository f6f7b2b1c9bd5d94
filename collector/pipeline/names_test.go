package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"hoalu/ecs"
	"hoalu/ecs/wire"
)

// One sender's 148 requests used up the table of field names for everybody. Now it has a share of it, the rest of its values are kept
// and can be found, it is told of once, and the next sender's new fields are fields.
func TestAnInventorOfNamesSpoilsNothing(t *testing.T) {
	p := newPipeline(t, nil)
	var told []string
	p.NamesSpent = func(source string) { told = append(told, source) }
	document := func(prefix string, from int) []byte {
		var b strings.Builder
		b.WriteString(`{"message":"m"`)
		for i := range 900 {
			fmt.Fprintf(&b, `,"%s%d":"v%d"`, prefix, from+i, i)
		}
		return []byte(b.String() + "}")
	}
	decode := func(source string, data []byte) *ecs.Event {
		t.Helper()
		d, err := p.Decode(&wire.Batch{Listener: "bulk",
			Frames: []wire.Frame{{Source: source, Received: 1795132800000, Format: wire.FormatJSON, Data: data}}}, 1)
		if err != nil || len(d.Events) != 1 {
			t.Fatalf("%v: %+v", err, d)
		}
		return d.Events[0]
	}
	var last *ecs.Event
	for i := range 20 {
		last = decode("NG-0666", document("inventor.", i*900))
	}
	if len(told) == 0 || told[0] != "NG-0666" || len(told) > 1 {
		t.Errorf("told of %v, want NG-0666 once", told)
	}
	found := false
	for _, v := range last.Values(nil, ecs.Overflow) {
		found = found || v.Text == "inventor.17999=v899"
	}
	if !found {
		t.Error("a value past the share is lost")
	}
	if p.NamesRefused() < 20*900-ecs.MaxShare {
		t.Errorf("NamesRefused() = %d", p.NamesRefused())
	}
	if _, ok := ecs.Lookup("inventor.17999"); ok {
		t.Error("a name past the share is in the table")
	}
	e := decode("NG-0001", document("honest.", 0))
	if f, ok := ecs.Lookup("honest.899"); !ok || e.Text(f) != "v899" {
		t.Error("another sender's new field is none")
	}
}

package wire_test

import (
	"testing"

	"hoalu/ecs"
	"hoalu/ecs/wire"
)

// BenchmarkDecodeEvents reads a block of 1,000 events of 30 fields, about 900 bytes each.
func BenchmarkDecodeEvents(b *testing.B) {
	var events []*ecs.Event
	for i := range 1000 {
		e := &ecs.Event{ID: "q1", Time: int64(i), Created: int64(i), Source: "NG-0001", System: "HT-001"}
		for f := range 30 {
			e.AddString(ecs.Intern("labels.f"+string(rune('a'+f))), "value of a field of some length")
		}
		events = append(events, e)
	}
	data := wire.EncodeEvents(events)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.DecodeEvents(data); err != nil {
			b.Fatal(err)
		}
	}
}

package wire_test

import (
	"fmt"
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

// BenchmarkDecode reads a raw batch of 1,000 lines of 200 bytes, as the pipeline does with all that was queued.
func BenchmarkDecode(b *testing.B) {
	batch := &wire.Batch{Listener: "syslog.tcp", Epoch: "e1", Revision: 7}
	for i := range 1000 {
		batch.Frames = append(batch.Frames, wire.Frame{Peer: "10.1.2.3", Received: 1764547200000 + int64(i), Format: wire.FormatSyslog,
			Data: fmt.Appendf(nil, "<134>Dec  1 09:00:00 fw01 filterlog[%d]: %0160d", i, i*i)})
	}
	data := wire.Encode(batch)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}

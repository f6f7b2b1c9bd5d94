package collector

import (
	"fmt"
	"testing"

	"hoalu/collector/queue/local"
	"hoalu/ecs/wire"
)

// BenchmarkPut is the append path of 500 syslog lines of about 250 bytes: "durable" waits for the fsync, "none" frames, encodes and
// checksums the same batches and throws them away. The ratio is what durability costs.
func BenchmarkPut(b *testing.B) {
	frames := func() []wire.Frame {
		f := make([]wire.Frame, 500)
		for i := range f {
			f[i] = wire.Frame{Peer: "10.0.0.1", Received: 1, Format: wire.FormatSyslog, Data: fmt.Appendf(nil,
				"<86>1 2026-11-22T00:%02d:%02d.%03dZ csdl-%02d sshd %d - - Failed password for invalid user user%d from 10.%d.%d.%d port %d ssh2: key %x %x", i%60, i%59, i, i%46, 1000+i, i*7, i%250, i%99, i%201, 20000+i, i*2654435761, i*40503)}
		}
		return f
	}
	b.Run("none", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				wire.Encode(&wire.Batch{Listener: "import", Frames: frames()})
			}
		})
		b.ReportMetric(float64(b.N*500)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("durable", func(b *testing.B) {
		q, err := local.Open(local.Config{Dir: b.TempDir(), Reserve: 1}, quiet())
		if err != nil {
			b.Fatal(err)
		}
		defer q.Close()
		in, err := NewIntake(b.Context(), Options{Queue: q}, quiet())
		if err != nil {
			b.Fatal(err)
		}
		b.SetParallelism(16)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := in.Put(b.Context(), "import", frames()); err != nil {
					b.Error(err)
					return
				}
			}
		})
		b.ReportMetric(float64(b.N*500)/b.Elapsed().Seconds(), "events/s")
	})
}

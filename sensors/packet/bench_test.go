package packet

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// mix loads the Ethernet captures of the corpus into memory as one list of packets, in order of the files, each shifted in time so that it
// begins a millisecond after the last.
type mixPacket struct {
	t    int64
	data []byte
}

func mix(tb testing.TB) (list []mixPacket, size int) {
	dir := corpus(tb)
	var base, last int64
	for _, c := range captures(tb, dir) {
		b, err := os.ReadFile(filepath.Join(dir, c.File))
		if err != nil {
			tb.Fatal(err)
		}
		if len(b) < 24 || binary.LittleEndian.Uint32(b) != 0xa1b2c3d4 || binary.LittleEndian.Uint32(b[20:]) != LinkEthernet {
			continue
		}
		base, b = last+1e6, b[24:]
		first := int64(-1)
		for len(b) >= 16 {
			t := int64(binary.LittleEndian.Uint32(b))*1e9 + int64(binary.LittleEndian.Uint32(b[4:]))*1000
			n := int(binary.LittleEndian.Uint32(b[8:]))
			if n > len(b)-16 {
				break
			}
			if first < 0 {
				first = t
			}
			at := base + min(max(t-first, 0), 60e9) // captures of days must not end every other flow
			last = max(last, at)
			list = append(list, mixPacket{at, b[16 : 16+n]})
			size += n
			b = b[16+n:]
		}
	}
	return list, size
}

// BenchmarkPackets is the whole offline path but for reading the file: decode, flows, streams, protocols, records.
func BenchmarkPackets(b *testing.B) {
	list, size := mix(b)
	records := 0
	a := NewAnalyzer(Config{}, func([]byte, Class) { records++ })
	for _, p := range list {
		a.Packet(LinkEthernet, p.t, p.data, len(p.data))
	}
	a.Flush()
	records = 0
	b.SetBytes(int64(size / len(list)))
	b.ReportAllocs()
	b.ResetTimer()
	n := 0
	for b.Loop() {
		p := list[n%len(list)]
		a.Packet(LinkEthernet, p.t, p.data, len(p.data))
		if n++; n%len(list) == 0 {
			a.Flush()
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mpps")
	b.ReportMetric(float64(records)/float64(n), "records/packet")
}

// mixCapture is the mix as one capture, and its number of packets.
func mixCapture(tb testing.TB) ([]byte, int) {
	list, _ := mix(tb)
	var f bytes.Buffer
	head := make([]byte, 24)
	binary.LittleEndian.PutUint32(head, 0xa1b23c4d)
	binary.LittleEndian.PutUint16(head[4:], 2) // version 2.4
	binary.LittleEndian.PutUint16(head[6:], 4)
	binary.LittleEndian.PutUint32(head[16:], 1<<18)
	binary.LittleEndian.PutUint32(head[20:], LinkEthernet)
	f.Write(head)
	for _, p := range list {
		var h [16]byte
		binary.LittleEndian.PutUint32(h[:], uint32(p.t/1e9))
		binary.LittleEndian.PutUint32(h[4:], uint32(p.t%1e9))
		binary.LittleEndian.PutUint32(h[8:], uint32(len(p.data)))
		binary.LittleEndian.PutUint32(h[12:], uint32(len(p.data)))
		f.Write(h[:])
		f.Write(p.data)
	}
	return f.Bytes(), len(list)
}

// BenchmarkRead adds the reading of a capture from memory.
func BenchmarkRead(b *testing.B) {
	capture, n := mixCapture(b)
	a := NewAnalyzer(Config{}, func([]byte, Class) {})
	b.ReportAllocs()
	for b.Loop() {
		if err := Read(context.Background(), bytes.NewReader(capture), a); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*float64(n)/b.Elapsed().Seconds()/1e6, "Mpps")
}

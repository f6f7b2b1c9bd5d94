package packet

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/pcapgo"
)

// gopacket's pcapgo reads captures too. It stays the second opinion of the reader in read.go and not its engine: it takes half as long
// again for a packet (BenchmarkReaders; a fifth of the whole offline path), and does not know Kuznetzov's format (TestReaderBeyondPcapgo).

// readPackets is the reader of this package without what stands behind it: link, time, bytes and length of each packet.
func readPackets(b []byte, each func(link uint32, t int64, data []byte, wire int)) error {
	a := NewAnalyzer(Config{}, func([]byte, Class) {})
	c := &capture{ctx: context.Background(), r: bufio.NewReaderSize(bytes.NewReader(b), 1<<20), a: a, take: each, skipped: map[uint32]uint64{}}
	return c.read(binary.BigEndian.Uint32(b))
}

// pcapgoPackets reads as much as pcapgo does; err is nil at a regular end.
func pcapgoPackets(b []byte, each func(link uint32, t int64, data []byte, wire int)) error {
	var next func() ([]byte, gopacket.CaptureInfo, error)
	var link func(gopacket.CaptureInfo) uint32
	if binary.BigEndian.Uint32(b) == 0x0a0d0d0a {
		r, err := pcapgo.NewNgReader(bytes.NewReader(b), pcapgo.NgReaderOptions{WantMixedLinkType: true})
		if err != nil {
			return err
		}
		next = r.ZeroCopyReadPacketData
		link = func(ci gopacket.CaptureInfo) uint32 {
			i, err := r.Interface(ci.InterfaceIndex)
			if err != nil {
				return 0
			}
			return uint32(i.LinkType)
		}
	} else {
		r, err := pcapgo.NewReader(bytes.NewReader(b))
		if err != nil {
			return err
		}
		next = r.ZeroCopyReadPacketData
		link = func(gopacket.CaptureInfo) uint32 { return uint32(r.LinkType()) }
	}
	for {
		data, ci, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		each(link(ci), ci.Timestamp.UnixNano(), data, ci.Length)
	}
}

// seenPacket is enough of a packet to tell it from others.
type seenPacket struct {
	link  uint32
	t     int64
	n     int
	wire  int
	check uint32
}

func collect(list *[]seenPacket) func(uint32, int64, []byte, int) {
	return func(link uint32, t int64, data []byte, wire int) {
		*list = append(*list, seenPacket{link, t, len(data), wire, crc32.ChecksumIEEE(data)})
	}
}

// TestReaderAgainstPcapgo: of each capture of the corpus the reader gives what pcapgo gives, packet for packet, and where pcapgo gives up
// the reader goes at least as far.
func TestReaderAgainstPcapgo(t *testing.T) {
	dir := corpus(t)
	files, packets := 0, 0
	for _, c := range captures(t, dir) {
		b, err := os.ReadFile(filepath.Join(dir, c.File))
		if err != nil {
			t.Fatal(err)
		}
		if len(b) < 24 || b[0] == 0x1f {
			continue
		}
		var ours, theirs []seenPacket
		if err := readPackets(b, collect(&ours)); err != nil {
			t.Errorf("%s: %v", c.File, err)
		}
		err = pcapgoPackets(b, collect(&theirs))
		files++
		packets += len(theirs)
		if len(ours) < len(theirs) {
			t.Errorf("%s: %d packets, pcapgo has %d (%v)", c.File, len(ours), len(theirs), err)
			continue
		}
		for i, p := range theirs {
			q := ours[i]
			q.wire, p.wire = max(q.wire, q.n), max(p.wire, p.n)
			if p.t == (time.Time{}).UnixNano() { // a block without time: the reader takes the time of the packet before
				q.t, p.t = 0, 0
			}
			if q != p {
				t.Errorf("%s: packet %d is %+v, pcapgo has %+v", c.File, i+1, q, p)
				break
			}
		}
	}
	if files < 500 || packets < 100_000 {
		t.Errorf("only %d files and %d packets compared", files, packets)
	}
}

// TestReaderBeyondPcapgo holds the reasons why pcapgo is not the engine.
func TestReaderBeyondPcapgo(t *testing.T) {
	whole := web(t, 1400).capture()
	var all []seenPacket
	if err := readPackets(whole, collect(&all)); err != nil || len(all) < 5 {
		t.Fatalf("%d packets, %v", len(all), err)
	}
	kuznetzov := bytes.Clone(whole[:24]) // eight more bytes a packet; old Linux tcpdumps wrote it
	binary.LittleEndian.PutUint32(kuznetzov, 0xa1b2cd34)
	for b := whole[24:]; len(b) > 0; {
		n := int(binary.LittleEndian.Uint32(b[8:]))
		kuznetzov = append(append(append(kuznetzov, b[:16]...), make([]byte, 8)...), b[16:16+n]...)
		b = b[16+n:]
	}
	var ours, theirs []seenPacket
	err := pcapgoPackets(kuznetzov, collect(&theirs))
	if rerr := readPackets(kuznetzov, collect(&ours)); rerr != nil || len(ours) != len(all) {
		t.Errorf("%d of %d packets of Kuznetzov's format, %v", len(ours), len(all), rerr)
	}
	if err == nil && len(theirs) == len(all) {
		t.Error("pcapgo reads Kuznetzov's format too: look again whether it can be the engine")
	}
}

// TestReaderMemory: a capture of 40 bytes that claims a packet of a gigabyte costs no gigabyte.
func TestReaderMemory(t *testing.T) {
	b := bytes.Clone(web(t, 1400).capture()[:40])
	binary.LittleEndian.PutUint32(b[16:], 1<<31)
	for _, claimed := range []uint32{maxPacket, 1 << 30, 1<<32 - 1} {
		binary.LittleEndian.PutUint32(b[32:], claimed)
		binary.LittleEndian.PutUint32(b[36:], claimed)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := readPackets(b, func(uint32, int64, []byte, int) {}); err != nil {
			t.Error(err)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 8<<20 {
			t.Errorf("a packet that claims %d bytes: %d bytes allocated", claimed, n)
		}
	}
}

// BenchmarkReaders reads the same capture from memory with both readers and nothing behind them.
func BenchmarkReaders(b *testing.B) {
	capture, n := mixCapture(b)
	for name, read := range map[string]func() error{
		"own":    func() error { return readPackets(capture, func(uint32, int64, []byte, int) {}) },
		"pcapgo": func() error { return pcapgoPackets(capture, func(uint32, int64, []byte, int) {}) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*float64(n)/b.Elapsed().Seconds()/1e6, "Mpps")
		})
	}
}

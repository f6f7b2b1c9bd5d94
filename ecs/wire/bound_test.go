package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"hoalu/ecs"
)

// sealed packs a hostile body as any sender can: nothing of Encode's own care is in it.
func sealed(t *testing.T, magic string, body []byte, opts ...zstd.EOption) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	data := append([]byte(magic), Version, 0, 0, 0, 0)
	data = enc.EncodeAll(body, data)
	binary.LittleEndian.PutUint32(data[4:], crc32.Checksum(data[8:], castagnoli))
	return data
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestClaimsCostNothing: what a message claims to hold is not allocated before it is there, so that a kilobyte cannot cost
// gigabytes.
func TestClaimsCostNothing(t *testing.T) {
	claim := func(head []byte, n uint64, zeros int) []byte {
		return append(binary.AppendUvarint(head, n), make([]byte, zeros)...)
	}
	envelope := []byte{0, 0, 0, 0, 1}    // listener, epoch, revision, sensor, sequence
	stream := func(body []byte) []byte { // a frame that does not say how long it is
		var b bytes.Buffer
		enc, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := enc.Write(body); err != nil {
			t.Fatal(err)
		}
		if err := enc.Close(); err != nil {
			t.Fatal(err)
		}
		data := append([]byte("HLB"), Version, 0, 0, 0, 0)
		data = append(data, b.Bytes()...)
		binary.LittleEndian.PutUint32(data[4:], crc32.Checksum(data[8:], castagnoli))
		return data
	}
	batch := func(b []byte) error { _, err := Decode(b); return err }
	events := func(b []byte) error { _, err := DecodeEvents(b); return err }
	for _, tc := range []struct {
		name   string
		data   []byte
		decode func([]byte) error
		limit  uint64 // bytes
	}{
		{"30 million frames in zeros", sealed(t, "HLB", claim(envelope, 30_000_000, 30_000_000)), batch, 1 << 20},
		{"30 million frames in 64 bytes", sealed(t, "HLB", claim(envelope, 30_000_000, 64)), batch, 256 << 10},
		{"60 MB of zeros without a length", stream(claim(envelope, 30_000_000, 60_000_000)), batch, 1 << 20},
		{"a thousand frames and 3 MB of zeros", sealed(t, "HLB", claim(envelope, 1000, 3<<20)), batch, 6 << 20},
		{"1,001 frames", sealed(t, "HLB", claim(envelope, 1001, 9000)), batch, 256 << 10},
		{"60 million names", sealed(t, "HLE", claim(nil, 60_000_000, 60_000_000)), events, 1 << 20},
		{"8 million events without fields", sealed(t, "HLE", claim([]byte{0}, 8_000_000, 60_000_000)), events, 1 << 20},
		{"a million events in 8 MB", sealed(t, "HLE", claim([]byte{0}, 1_000_000, 8_000_000)), events, 20 << 20},
		{"an event of a billion fields", sealed(t, "HLE", claim([]byte{1, 1, 'a', 1, 0, 0, 0, 0, 0, 0}, 1_000_000_000, 1<<20)), events, 64 << 20},
	} {
		var err error
		got := allocated(func() { err = tc.decode(tc.data) })
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", tc.name, err)
		}
		if many := (*TooManyFramesError)(nil); tc.name == "1,001 frames" && (!errors.As(err, &many) || many.Frames != 1001) {
			t.Errorf("%s: %v, want a TooManyFramesError", tc.name, err)
		}
		if got > tc.limit {
			t.Errorf("%s: %d bytes received cost %d bytes, limit %d", tc.name, len(tc.data), got, tc.limit)
		}
	}
}

// TestWhatPacksWellIsRead: the bound on unpacking refuses nothing that Encode made.
func TestWhatPacksWellIsRead(t *testing.T) {
	for _, size := range []int{0, 1, 4<<20 - 40, 5 << 20, 60 << 20} {
		b := &Batch{Listener: "syslog.tcp", Epoch: "e", Frames: []Frame{{Format: FormatLine, Data: bytes.Repeat([]byte("a"), size)}}}
		got, err := Decode(Encode(b))
		if err != nil || len(got.Frames) != 1 || len(got.Frames[0].Data) != size {
			t.Errorf("a frame of %d equal bytes: %v", size, err)
		}
	}
	for _, n := range []int{1, 1024} {
		var list []*ecs.Event
		for range n {
			e := &ecs.Event{ID: "q"}
			e.AddString(ecs.Message, strings.Repeat("b", 50<<10))
			list = append(list, e)
		}
		got, err := DecodeEvents(EncodeEvents(list))
		if err != nil || len(got) != n {
			t.Errorf("%d equal events: %d, %v", n, len(got), err)
		}
	}
}

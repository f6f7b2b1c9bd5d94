package local

import (
	"encoding/binary"
	"math/bits"
)

// filter is a blocked Bloom filter: each key sets filterProbes bits within one 64-byte block, so a look is one cache line. At
// filterBits a key about 1 look in 100 for an absent key says yes.
//
// On disk it is its blocks, little endian; the number of blocks follows from the length.
type filter []uint64

const (
	filterBits   = 10
	filterProbes = 6
	blockWords   = 8
)

func newFilter(keys int) filter {
	blocks := max(1, (keys*filterBits+511)/512)
	return make(filter, blocks*blockWords)
}

func (f filter) block(key uint64) filter {
	blocks := uint64(len(f) / blockWords)
	hi, _ := bits.Mul64(key, blocks)
	return f[hi*blockWords:][:blockWords]
}

// The block is chosen by the high bits of the key, the bits within it by a second mix of all.
func probes(key uint64) uint64 { return key * 0x9e3779b97f4a7c15 }

func (f filter) add(key uint64) {
	b, p := f.block(key), probes(key)
	for range filterProbes {
		p = bits.RotateLeft64(p, 9)
		b[p>>6&7] |= 1 << (p & 63)
	}
}

func (f filter) has(key uint64) bool {
	if len(f) < blockWords {
		return true // no filter: cannot exclude anything
	}
	b, p := f.block(key), probes(key)
	for range filterProbes {
		p = bits.RotateLeft64(p, 9)
		if b[p>>6&7]&(1<<(p&63)) == 0 {
			return false
		}
	}
	return true
}

func (f filter) append(dst []byte) []byte {
	for _, w := range f {
		dst = binary.LittleEndian.AppendUint64(dst, w)
	}
	return dst
}

func readFilter(data []byte) filter {
	f := make(filter, len(data)/64*blockWords)
	for i := range f {
		f[i] = binary.LittleEndian.Uint64(data[i*8:])
	}
	return f
}

// keySet collects distinct keys; the zero key is kept aside because it marks a free slot.
type keySet struct {
	slots []uint64
	n     int
	zero  bool
}

// add reports whether key is new.
func (s *keySet) add(key uint64) bool {
	if key == 0 {
		was := s.zero
		s.zero = true
		return !was
	}
	if s.n*2 >= len(s.slots) {
		s.grow()
	}
	mask := uint64(len(s.slots) - 1)
	for i := key * 0x9e3779b97f4a7c15 >> 20 & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case key:
			return false
		case 0:
			s.slots[i] = key
			s.n++
			return true
		}
	}
}

func (s *keySet) grow() {
	old := s.slots
	s.slots, s.n = make([]uint64, max(1024, len(old)*2)), 0
	for _, k := range old {
		if k != 0 {
			s.add(k)
		}
	}
}

func (s *keySet) reset() {
	clear(s.slots)
	s.n, s.zero = 0, false
}

func (s *keySet) filter() filter {
	f := newFilter(s.n + 1)
	if s.zero {
		f.add(0)
	}
	for _, k := range s.slots {
		if k != 0 {
			f.add(k)
		}
	}
	return f
}

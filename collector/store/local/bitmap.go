package local

import (
	"math/bits"
)

// bitmap marks rows.
type bitmap []uint64

func newBitmap(n int) bitmap { return make(bitmap, (n+63)/64) }

func (b bitmap) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitmap) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }

func (b bitmap) setRange(lo, hi int) {
	for i := lo; i < hi; {
		if i&63 == 0 && hi-i >= 64 {
			b[i>>6] = ^uint64(0)
			i += 64
			continue
		}
		b.set(i)
		i++
	}
}

func (b bitmap) count() int64 {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return int64(n)
}

func (b bitmap) any() bool {
	for _, w := range b {
		if w != 0 {
			return true
		}
	}
	return false
}

func (b bitmap) clone() bitmap { return append(bitmap(nil), b...) }

// each calls fn with the rows that are set, ascending.
func (b bitmap) each(fn func(row int)) {
	for i, w := range b {
		for ; w != 0; w &= w - 1 {
			fn(i<<6 + bits.TrailingZeros64(w))
		}
	}
}

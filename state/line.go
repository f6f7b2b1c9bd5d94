package state

import (
	"strings"
	"unicode"
)

// most is how many marks stand on one letter in the name of anything; Vietnamese has two.
const most = 3

// Line is a name that a person typed as others will see it: one line, without what has no shape of its own (controls, zero-width
// characters, what turns the direction of writing, fillers) and without heaps of marks, with blanks run together. Two names that look
// alike for such a reason are the same, and none can pass for another in a list, a title or what a screen reader says.
func Line(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space, marks := false, 0
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == unicode.ReplacementChar, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs), unicode.Is(fillers, r):
			continue
		case unicode.Is(unicode.M, r):
			if marks++; marks > most {
				continue
			}
		default:
			marks = 0
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// fillers are letters and symbols by their category that show nothing.
var fillers = &unicode.RangeTable{
	R16: []unicode.Range16{{0x034F, 0x034F, 1}, {0x115F, 0x1160, 1}, {0x17B4, 0x17B5, 1}, {0x180B, 0x180F, 1}, {0x2800, 0x2800, 1},
		{0x3164, 0x3164, 1}, {0xFE00, 0xFE0F, 1}, {0xFFA0, 0xFFA0, 1}, {0xFFF0, 0xFFF8, 1}},
	R32: []unicode.Range32{{0xE0000, 0xE0FFF, 1}},
}

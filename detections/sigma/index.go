package sigma

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// slotIndex finds, for one value of one field, the rules whose triggers it pulls. All text is folded.
//
// Equality is a hash map. Prefixes and suffixes are looked up by a rolling hash at every length that occurs. A literal that may
// stand anywhere is filed under one of its 4-byte grams, the one rarest among all literals of the slot; a value is scanned once, each
// of its grams tested in a bitmap of 16 to 64 bits per literal, and only what passes is compared.
type slotIndex struct {
	exists  []int32 // the field is there, be it null
	present []int32
	equal   map[string][]int32
	suffix  affixes
	prefix  affixes
	short   []literal // contained, less than 4 bytes, ASCII
	pairs   *pairs    // of many short ones; nil: they are sought one by one
	wide    []literal // the same, not ASCII: an ASCII value need not be asked

	shift  uint
	bitmap []uint64
	// grams by open addressing: keys[i] is a gram + 1, lists[i] the literals filed under it
	keys  []uint64
	lists [][]gram
	mask  uint32
}

// lookup finds the literals filed under a gram.
func (x *slotIndex) lookup(w uint32) []gram {
	for i := w * 0x9E3779B1 >> 7 & x.mask; ; i = (i + 1) & x.mask {
		switch x.keys[i] {
		case uint64(w) + 1:
			return x.lists[i]
		case 0:
			return nil
		}
	}
}

type literal struct {
	text  string
	rules []int32
}

// pairs find many short literals in one scan of a value.
type pairs struct {
	starts [1 << 16 / 64]uint64 // the two bytes with which one begins, a bit each; behind one of a single byte may stand any
	from   [257]uint16          // by first byte: where its literals begin in the list, which is in order; they end where the next byte's begin
}

// manyShort is from how many short literals on one scan is cheaper than seeking each (measured on values of 100 bytes).
const manyShort = 5

// newPairs files short literals and puts them in order.
func newPairs(short []literal) *pairs {
	if len(short) < manyShort || len(short) > math.MaxUint16 {
		return nil
	}
	slices.SortFunc(short, func(a, b literal) int { return cmp.Compare(a.text, b.text) })
	p := new(pairs)
	for k, l := range short {
		p.from[int(l.text[0])+1] = uint16(k + 1)
		first := int(l.text[0]) << 8
		if len(l.text) > 1 {
			n := first | int(l.text[1])
			p.starts[n>>6] |= 1 << (n & 63)
			continue
		}
		for n := first; n < first+256; n++ {
			p.starts[n>>6] |= 1 << (n & 63)
		}
	}
	for c := 1; c < len(p.from); c++ {
		p.from[c] = max(p.from[c], p.from[c-1])
	}
	return p
}

// probe calls hit for each literal at each of its places in s.
func (p *pairs) probe(s string, short []literal, hit func([]int32)) {
	if len(s) == 0 {
		return
	}
	n := int(s[0])
	for i := 1; i < len(s); i++ {
		n = n<<8&0xff00 | int(s[i])
		if p.starts[n>>6]&(1<<(n&63)) != 0 {
			p.at(s[i-1:], short, hit)
		}
	}
	p.at(s[len(s)-1:], short, hit)
}

// at calls hit for each literal with which s begins.
func (p *pairs) at(s string, short []literal, hit func([]int32)) {
	for k := p.from[s[0]]; k < p.from[int(s[0])+1]; k++ {
		if strings.HasPrefix(s, short[k].text) {
			hit(short[k].rules)
		}
	}
}

type gram struct {
	literal
	off int
}

// affixes are literals at one end of a value; those longer than maxAffix are filed under their outer maxAffix bytes.
type affixes struct {
	max   int
	lens  [maxAffix + 1]bool
	bloom [64]uint64
	table map[uint64][]literal
}

const maxAffix = 48

func roll(h uint64, c byte) uint64 { return (h ^ uint64(c)) * 0x9E3779B97F4A7C15 }

func spread(h uint64) uint64 { return h ^ h>>29 }

func (a *affixes) add(l literal, fromEnd bool) {
	if a.table == nil {
		a.table = map[uint64][]literal{}
	}
	n := min(len(l.text), maxAffix)
	h := uint64(1)
	for i := 0; i < n; i++ {
		if fromEnd {
			h = roll(h, l.text[len(l.text)-1-i])
		} else {
			h = roll(h, l.text[i])
		}
	}
	h = spread(h)
	a.max = max(a.max, n)
	a.lens[n] = true
	b := h >> 52
	a.bloom[b>>6] |= 1 << (b & 63)
	a.table[h] = append(a.table[h], l)
}

func (a *affixes) probe(s string, fromEnd bool, hit func([]int32)) {
	h := uint64(1)
	for i := 0; i < a.max && i < len(s); i++ {
		if fromEnd {
			h = roll(h, s[len(s)-1-i])
		} else {
			h = roll(h, s[i])
		}
		if !a.lens[i+1] {
			continue
		}
		x := spread(h)
		if b := x >> 52; a.bloom[b>>6]&(1<<(b&63)) == 0 {
			continue
		}
		for j := range a.table[x] {
			l := &a.table[x][j]
			if fromEnd && strings.HasSuffix(s, l.text) || !fromEnd && strings.HasPrefix(s, l.text) {
				hit(l.rules)
			}
		}
	}
}

func gramAt(s string, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

// newSlotIndex files the triggers of one slot; rules are numbers the caller understands.
func newSlotIndex(trigs map[trigger][]int32) *slotIndex {
	x := &slotIndex{equal: map[string][]int32{}}
	var inner []literal
	for t, rules := range trigs {
		l := literal{t.text, rules}
		switch t.kind {
		case predExists:
			x.exists = append(x.exists, rules...)
		case predPresent:
			x.present = append(x.present, rules...)
		case predEqual:
			x.equal[t.text] = rules
		case predSuffix:
			x.suffix.add(l, true)
		case predPrefix:
			x.prefix.add(l, false)
		case predContains:
			switch {
			case len(t.text) >= 4:
				inner = append(inner, l)
			case ascii(t.text):
				x.short = append(x.short, l)
			default:
				x.wide = append(x.wide, l)
			}
		}
	}
	x.pairs = newPairs(x.short)
	if len(inner) > 0 {
		x.fileGrams(inner)
	}
	return x
}

// fileGrams files literals of at least 4 bytes that may stand anywhere under the rarest gram of each.
func (x *slotIndex) fileGrams(inner []literal) {
	slices.SortFunc(inner, func(a, b literal) int { return cmp.Compare(a.text, b.text) })
	usual := map[uint32]int{}
	for _, l := range inner {
		for i := 0; i+4 <= len(l.text); i++ {
			usual[gramAt(l.text, i)]++
		}
	}
	bits := uint(10)
	for 1<<bits < 64*len(inner) && bits < 18 {
		bits++
	}
	x.shift = 32 - bits
	x.bitmap = make([]uint64, (1<<bits)/64)
	grams := map[uint32][]gram{}
	for _, l := range inner {
		off := rarestGram(l.text, usual)
		w := gramAt(l.text, off)
		grams[w] = append(grams[w], gram{l, off})
		h := w * 0x9E3779B1 >> x.shift
		x.bitmap[h>>6] |= 1 << (h & 63)
	}
	size := uint32(4)
	for int(size) < 2*len(grams) {
		size *= 2
	}
	x.keys, x.lists, x.mask = make([]uint64, size), make([][]gram, size), size-1
	for w, list := range grams {
		i := w * 0x9E3779B1 >> 7 & x.mask
		for x.keys[i] != 0 {
			i = (i + 1) & x.mask
		}
		x.keys[i], x.lists[i] = uint64(w)+1, list
	}
}

// rarestGram is where the gram of text begins that is expected least often in values: few literals of the slot have it, and it is of
// rare characters. usual says how many have it; of equals the first is taken.
func rarestGram(text string, usual map[uint32]int) int {
	best, least := 0, math.Inf(1)
	for i := 0; i+4 <= len(text); i++ {
		score := float64(usual[gramAt(text, i)])
		for j := i; j < i+4; j++ {
			switch c := text[j]; {
			case strings.IndexByte(`estionra\ .`, c) >= 0:
				score += 1
			case 'a' <= c && c <= 'z':
				score += 0.4
			case '0' <= c && c <= '9':
				score += 0.5
			}
		}
		if score < least {
			best, least = i, score
		}
	}
	return best
}

func ascii(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if load64(s, i)&(ones*0x80) != 0 {
			return false
		}
	}
	for ; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// probe calls hit with the rules of every trigger the folded value s pulls, maybe more than once.
func (x *slotIndex) probe(s string, isASCII bool, hit func([]int32)) {
	if len(x.present) > 0 {
		hit(x.present)
	}
	if len(x.equal) > 0 {
		if r, ok := x.equal[s]; ok {
			hit(r)
		}
	}
	if x.suffix.max > 0 {
		x.suffix.probe(s, true, hit)
	}
	if x.prefix.max > 0 {
		x.prefix.probe(s, false, hit)
	}
	if x.pairs != nil {
		x.pairs.probe(s, x.short, hit)
	} else {
		for i := range x.short {
			if strings.Contains(s, x.short[i].text) {
				hit(x.short[i].rules)
			}
		}
	}
	if !isASCII {
		for i := range x.wide {
			if strings.Contains(s, x.wide[i].text) {
				hit(x.wide[i].rules)
			}
		}
	}
	if x.bitmap == nil || len(s) < 4 {
		return
	}
	bitmap, shift := x.bitmap, x.shift
	w := uint32(s[0])<<8 | uint32(s[1])<<16 | uint32(s[2])<<24
	for i := 3; i < len(s); i++ {
		w = w>>8 | uint32(s[i])<<24
		h := w * 0x9E3779B1 >> shift
		if bitmap[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		gs := x.lookup(w)
		for j := range gs {
			g := &gs[j]
			from := i - 3 - g.off
			if from >= 0 && from+len(g.text) <= len(s) && s[from:from+len(g.text)] == g.text {
				hit(g.rules)
			}
		}
	}
}

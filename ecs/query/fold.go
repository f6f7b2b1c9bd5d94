package query

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Two foldings, both rune by rune so that they need no memory:
//
//   - case: Unicode simple case folding, for Term, Terms, Prefix and Wildcard (strings.EqualFold's idea of equal);
//   - plain: case and marks, for words: "Sở Y tế", "SO Y TE" and "sở y tế" in decomposed form are the same three words, đ is d.
//
// The write path of a store and the query use this one table, or a filter would prune what matches.

// maxTable covers Latin, combining marks, Greek and Cyrillic; with latinAdditional it holds all Vietnamese letters.
const (
	maxTable        = 0x600
	latinAdditional = 0x1e00
	latinEnd        = 0x1f00
)

const dropped = -1 // plain form of a combining mark

var (
	caseTable, plainTable [maxTable]rune
	caseLatin, plainLatin [latinEnd - latinAdditional]rune
	wordByte              [utf8.RuneSelf]byte // plain form of an ASCII letter or digit, 0 for what separates words
	lowerByte             [utf8.RuneSelf]byte
)

func init() {
	for r := rune(0); r < maxTable; r++ {
		caseTable[r], plainTable[r] = slowCase(r), slowPlain(r)
	}
	for r := rune(latinAdditional); r < latinEnd; r++ {
		caseLatin[r-latinAdditional], plainLatin[r-latinAdditional] = slowCase(r), slowPlain(r)
	}
	for c := range byte(utf8.RuneSelf) {
		lowerByte[c] = c
		if c >= 'A' && c <= 'Z' {
			lowerByte[c] = c + 'a' - 'A'
		}
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			wordByte[c] = lowerByte[c]
		}
	}
}

// slowCase is the least rune that folds together with r, ASCII ones in lower case.
func slowCase(r rune) rune {
	least := r
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		least = min(least, x)
	}
	if least >= 'A' && least <= 'Z' {
		least += 'a' - 'A'
	}
	return least
}

func slowPlain(r rune) rune {
	switch {
	case r >= 0x300 && r <= 0x36f:
		return dropped
	case r == 'đ' || r == 'Đ':
		return 'd'
	}
	// The first rune of the decomposition is the letter without its marks.
	if d := norm.NFD.PropertiesString(string(r)).Decomposition(); len(d) > 0 {
		base, _ := utf8.DecodeRune(d)
		rest := false
		for _, x := range string(d[utf8.RuneLen(base):]) {
			rest = rest || x < 0x300 || x > 0x36f
		}
		if !rest {
			return slowCase(base)
		}
	}
	return slowCase(r)
}

func caseRune(r rune) rune {
	switch {
	case r < maxTable:
		return caseTable[r]
	case r >= latinAdditional && r < latinEnd:
		return caseLatin[r-latinAdditional]
	}
	return slowCase(r)
}

func plainRune(r rune) rune {
	switch {
	case r < maxTable:
		return plainTable[r]
	case r >= latinAdditional && r < latinEnd:
		return plainLatin[r-latinAdditional]
	}
	return slowPlain(r)
}

// wordRune reports whether r (not ASCII) belongs to a word.
func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// SplitWords appends the folded words of s: runs of letters and digits, without case and marks.
func SplitWords(dst []string, s string) []string {
	var word []byte
	flush := func() {
		if len(word) > 0 {
			dst = append(dst, string(word))
			word = word[:0]
		}
	}
	for _, r := range s {
		if r < utf8.RuneSelf {
			if c := wordByte[r]; c != 0 {
				word = append(word, c)
			} else {
				flush()
			}
			continue
		}
		if !wordRune(r) {
			flush()
		} else if p := plainRune(r); p != dropped {
			word = utf8.AppendRune(word, p)
		}
	}
	flush()
	return dst
}

// hasWord reports whether word, as SplitWords gives it, is a word of s.
func hasWord(s, word string) bool {
	for i := 0; i < len(s); {
		// At the start of a word or between words.
		if c := s[i]; c < utf8.RuneSelf && wordByte[c] == 0 {
			i++
			continue
		}
		j, same, any := 0, true, false
		for i < len(s) {
			if c := s[i]; c < utf8.RuneSelf {
				w := wordByte[c]
				if w == 0 {
					break
				}
				any = true
				if same {
					if j < len(word) && word[j] == w {
						j++
					} else {
						same = false
					}
				}
				i++
				continue
			}
			r, size := utf8.DecodeRuneInString(s[i:])
			if !wordRune(r) {
				break
			}
			i += size
			p := plainRune(r)
			if p == dropped {
				continue
			}
			any = true
			if same {
				q, n := utf8.DecodeRuneInString(word[j:])
				if n > 0 && q == p {
					j += n
				} else {
					same = false
				}
			}
		}
		if any && same && j == len(word) {
			return true
		}
		if i < len(s) && s[i] >= utf8.RuneSelf { // a separator outside ASCII
			_, size := utf8.DecodeRuneInString(s[i:])
			i += size
		}
	}
	return false
}

// MaxKeyRunes is the longest value that gets a key of its own; longer ones are found by their words.
const MaxKeyRunes = 64

// AppendKeys appends the filter keys of a value: a hash of each word and, where it is at most MaxKeyRunes long and not a single
// word, one of the whole. A store puts them into the token filter of a segment; Test.Keys names those a match needs.
func AppendKeys(dst []uint64, s string) []uint64 {
	from := len(dst)
	var word, all hasher
	runes, inWord, separated := 0, false, false
	for i := 0; i < len(s); runes++ {
		if c := s[i]; c < utf8.RuneSelf {
			i++
			w := wordByte[c]
			if runes < MaxKeyRunes {
				all.add(lowerByte[c])
			}
			if w != 0 {
				word.add(w)
				inWord = true
				continue
			}
			separated = true
			if inWord {
				dst = append(dst, word.sum())
				word, inWord = hasher{}, false
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		p := plainRune(r)
		if runes < MaxKeyRunes && p != dropped {
			all.addRune(p)
		}
		if wordRune(r) {
			if p != dropped {
				word.addRune(p)
				inWord = true
			}
			continue
		}
		separated = true
		if inWord {
			dst = append(dst, word.sum())
			word, inWord = hasher{}, false
		}
	}
	if inWord {
		dst = append(dst, word.sum())
	}
	if runes <= MaxKeyRunes && (separated || len(dst) == from) {
		dst = append(dst, all.sum())
	}
	return dst
}

// KeysWithin reports whether AppendKeys makes the keys of s of whole too: s stands in whole between two separators, and has no key of
// its own as it is too long for one. It may say no where they are.
func KeysWithin(s, whole string) bool {
	if len(s) <= MaxKeyRunes || len(s) >= len(whole) {
		return false
	}
	from := strings.Index(whole, s)
	if from < 0 {
		return false
	}
	to := from + len(s)
	return (from == 0 || separates(whole[from-1])) && (to == len(whole) || separates(whole[to])) && utf8.RuneCountInString(s) > MaxKeyRunes
}

func separates(c byte) bool { return c < utf8.RuneSelf && wordByte[c] == 0 }

// wholeKey is the key of the whole value, ok when AppendKeys makes one.
func wholeKey(s string) (uint64, bool) {
	var all hasher
	runes := 0
	for _, r := range s {
		if runes++; runes > MaxKeyRunes {
			return 0, false
		}
		if p := plainRune(r); p != dropped {
			all.addRune(p)
		}
	}
	return all.sum(), true
}

func wordKey(word string) uint64 {
	var h hasher
	for i := range len(word) {
		h.add(word[i])
	}
	return h.sum()
}

// IDKey is the filter key of an event id: its whole key.
func IDKey(id string) uint64 {
	k, _ := wholeKey(id)
	return k
}

// hasher hashes bytes eight at a time; stable across versions, for it is written to disk.
type hasher struct {
	h, w uint64
	n    uint8
}

func (h *hasher) add(c byte) {
	h.w = h.w<<8 | uint64(c)
	if h.n++; h.n == 8 {
		h.h = mix(h.h ^ h.w)
		h.w, h.n = 0, 0
	}
}

func (h *hasher) addRune(r rune) {
	if r < utf8.RuneSelf {
		h.add(byte(r))
		return
	}
	var b [4]byte
	for _, c := range b[:utf8.EncodeRune(b[:], r)] {
		h.add(c)
	}
}

func (h *hasher) sum() uint64 { return mix(mix(h.h^h.w) + uint64(h.n) + 0x9e3779b97f4a7c15) }

// mix is the finaliser of splitmix64.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

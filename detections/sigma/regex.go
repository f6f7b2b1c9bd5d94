package sigma

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// analyse finds what a value must have for the expression to be found in it: a least length in bytes, and sets of literals
// (folded) of each of which one must be in the folded value, the most selective first. No sets: nothing is known.
func analyse(expr string) (least int, must [][]string) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return 0, nil
	}
	// counted repeats are unrolled by Simplify; the length is taken before
	least = minLength(re)
	must = required(re)
	slices.SortStableFunc(must, func(a, b []string) int { return cmpFloat(worth(b), worth(a)) })
	must = slices.CompactFunc(must, func(a, b []string) bool { return slices.Equal(a, b) })
	return least, must[:min(len(must), 6)]
}

func minLength(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral:
		n := 0
		for _, r := range re.Rune {
			if re.Flags&syntax.FoldCase != 0 {
				n++ // a fold may be shorter in UTF-8
			} else {
				n += utf8.RuneLen(r)
			}
		}
		return n
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return minLength(re.Sub[0])
	case syntax.OpRepeat:
		return min(re.Min*minLength(re.Sub[0]), 1<<20)
	case syntax.OpConcat:
		n := 0
		for _, s := range re.Sub {
			n += minLength(s)
		}
		return min(n, 1<<20)
	case syntax.OpAlternate:
		n := minLength(re.Sub[0])
		for _, s := range re.Sub[1:] {
			n = min(n, minLength(s))
		}
		return n
	}
	return 0
}

// required lists sets of literals; of each one must be there.
func required(re *syntax.Regexp) [][]string {
	switch re.Op {
	case syntax.OpLiteral:
		return [][]string{{foldString(string(re.Rune))}}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		var sets [][]string
		// neighbouring literals and single-character classes that fold to one character make longer ones
		var run strings.Builder
		flush := func() {
			if run.Len() > 0 {
				sets = append(sets, []string{run.String()})
				run.Reset()
			}
		}
		for _, s := range re.Sub {
			switch {
			case s.Op == syntax.OpLiteral:
				run.WriteString(foldString(string(s.Rune)))
			case s.Op == syntax.OpCharClass && oneFold(s.Rune) >= 0:
				run.WriteRune(oneFold(s.Rune))
			case s.Op == syntax.OpEmptyMatch || s.Op == syntax.OpBeginText || s.Op == syntax.OpBeginLine || s.Op == syntax.OpEndText ||
				s.Op == syntax.OpEndLine || s.Op == syntax.OpWordBoundary || s.Op == syntax.OpNoWordBoundary:
			default:
				flush()
				sets = append(sets, required(s)...)
			}
		}
		flush()
		return sets
	case syntax.OpCharClass:
		var chars []string
		for i := 0; i+1 < len(re.Rune); i += 2 {
			if re.Rune[i+1]-re.Rune[i] > 3 || len(chars) > 8 {
				return nil
			}
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if f := string(fold(r)); !slices.Contains(chars, f) {
					chars = append(chars, f)
				}
			}
		}
		if len(chars) > 0 && len(chars) <= 4 {
			return [][]string{chars}
		}
	case syntax.OpAlternate:
		var all []string
		for _, s := range re.Sub {
			sets := required(s)
			if len(sets) == 0 {
				return nil
			}
			all = append(all, slices.MaxFunc(sets, func(a, b []string) int { return cmpFloat(worth(a), worth(b)) })...)
		}
		if len(all) <= 64 {
			return [][]string{all}
		}
	}
	return nil
}

// oneFold is the character all of a class folds to, or -1.
func oneFold(ranges []rune) rune {
	out := rune(-1)
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] > 3 {
			return -1
		}
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if f := fold(r); out < 0 {
				out = f
			} else if f != out {
				return -1
			}
		}
	}
	return out
}

// worth ranks a set of literals: long ones select, many do not.
func worth(set []string) float64 {
	least := len(set[0])
	for _, s := range set {
		least = min(least, len(s))
	}
	return float64(least) - 0.2*float64(len(set))
}

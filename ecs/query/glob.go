package query

import (
	"unicode/utf8"
)

// globRune is one element of a wildcard pattern.
type globRune struct {
	r    rune // folded
	kind uint8
}

const (
	globLiteral uint8 = iota
	globOne           // ?
	globRun           // *
)

func compileGlob(pattern string) []globRune {
	var g []globRune
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			escaped = false
			g = append(g, globRune{caseRune(r), globLiteral})
		case r == '\\':
			escaped = true
		case r == '*':
			if len(g) == 0 || g[len(g)-1].kind != globRun {
				g = append(g, globRune{0, globRun})
			}
		case r == '?':
			g = append(g, globRune{0, globOne})
		default:
			g = append(g, globRune{caseRune(r), globLiteral})
		}
	}
	if escaped {
		g = append(g, globRune{'\\', globLiteral})
	}
	return g
}

func globKeys(g []globRune) []uint64 {
	var keys []uint64
	var piece []rune
	open := false // the piece begins after a wildcard
	for i := 0; i <= len(g); i++ {
		if i < len(g) && g[i].kind == globLiteral {
			piece = append(piece, g[i].r)
			continue
		}
		if len(piece) > 0 {
			keys = pieceKeys(keys, string(piece), !open, i == len(g))
		}
		piece, open = piece[:0], true
	}
	return keys
}

func matchGlob(g []globRune, s string) bool {
	i, p := 0, 0
	backP, backI := -1, 0
	for i < len(s) {
		if p < len(g) && g[p].kind == globRun {
			backP, backI = p, i
			p++
			continue
		}
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		if p < len(g) && (g[p].kind == globOne || caseRune(r) == g[p].r) {
			i += size
			p++
			continue
		}
		if backP < 0 {
			return false
		}
		_, size = utf8.DecodeRuneInString(s[backI:])
		backI += size
		i, p = backI, backP+1
	}
	for p < len(g) && g[p].kind == globRun {
		p++
	}
	return p == len(g)
}

package sigma

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// TestDFA compares with Go's regexp on random expressions and texts.
func TestDFA(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	pieces := []string{"a", "b", "ab", ".", "[^a]", `\b`, `\B`, "^", "$", "(a|bc)", "é", `\w+`, `\s`, "a{2,4}", ".{5,}", "(?i:K)", "(?m:^b$)",
		"(?s:.)", "x*?", `\d`, `\A`, `\z`, "[é-ü]", "b?"}
	texts := []string{"a", "b", "c", "ab", "é", "K", "k", "K", "\n", " ", "1", "_", "\xff", "ü", "aaaa", "bc"}
	pick := func(from []string, n int) string {
		var b strings.Builder
		for range n {
			b.WriteString(from[rng.IntN(len(from))])
		}
		return b.String()
	}
	hits := 0
	for range 3000 {
		expr := pick(pieces, 1+rng.IntN(5))
		if rng.IntN(4) == 0 {
			expr += "|" + pick(pieces, 1+rng.IntN(3))
		}
		re := regexp.MustCompile(expr)
		d := newDFAStates(newDFA(expr))
		least, must := analyse(expr)
		for range 20 {
			s := pick(texts, rng.IntN(9))
			want := re.MatchString(s)
			if got, ok := d.match(s); !ok || got != want {
				t.Fatalf("%q in %q: got %v (%v), want %v", expr, s, got, ok, want)
			}
			if !want {
				continue
			}
			hits++
			if len(s) < least {
				t.Fatalf("%q matches %q, shorter than %d", expr, s, least)
			}
			for _, set := range must {
				if !containsAny(foldString(s), set) {
					t.Fatalf("%q matches %q without any of %q", expr, s, set)
				}
			}
		}
	}
	if hits < 5000 {
		t.Errorf("only %d matches: the test shows little", hits)
	}
}

// TestDFAGivesUp: an expression with too many states is left to Go's regexp.
func TestDFAGivesUp(t *testing.T) {
	d := newDFAStates(newDFA(`(a|b)*a(a|b){18}x`))
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		var b strings.Builder
		for range 100 {
			b.WriteByte("ab"[rng.IntN(2)])
		}
		if got, ok := d.match(b.String()); ok && got {
			t.Fatal("matched without x")
		}
	}
	if !d.off {
		t.Error("kept building states")
	}
}

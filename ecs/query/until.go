package query

import (
	"io"
	"regexp"
	"regexp/syntax"
	"sync/atomic"
	"unicode/utf8"
)

// Until is n whose patterns (Regexp, Wildcard) hold for nothing any more once stopped is set. RE2 takes time in proportion to the pattern
// times the value, which both come from outside: seconds for one value of a megabyte, and a bound that is looked at between values would be
// hours away. Whoever sets stopped gives up on the answer.
func Until(stopped *atomic.Bool, n Node) Node {
	out, err := Rewrite(n, func(leaf Node) (Node, error) {
		switch leaf.(type) {
		case Regexp, Wildcard:
			return until{leaf, stopped}, nil
		}
		return leaf, nil
	})
	if err != nil { // no leaf gives one
		return n
	}
	return out
}

// until is a leaf that can be stopped.
type until struct {
	Node
	stopped *atomic.Bool
}

func (u until) test() (*Test, error) {
	t, err := newTest(u.Node)
	if err != nil {
		return nil, err
	}
	t.stopped = u.stopped
	if t.re != nil {
		t.steps = steps(t.re)
	}
	return t, nil
}

// steps is how many instructions a regular expression has: what a character of a value costs at most.
func steps(re *regexp.Regexp) int {
	parsed, err := syntax.Parse(re.String(), syntax.Perl)
	if err != nil {
		return 1
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 1
	}
	return len(prog.Inst)
}

// atOnce is how many steps are taken without a look at stopped: less than a second.
const atOnce = 1 << 25

// found says whether the regular expression is in s, false once it is stopped.
func (t *Test) found(s string) bool {
	if t.stopped == nil {
		return t.re.MatchString(s)
	}
	if t.stopped.Load() {
		return false
	}
	if len(s)*t.steps < atOnce {
		return t.re.MatchString(s)
	}
	return t.re.MatchReader(&stoppable{s: s, stopped: t.stopped}) && !t.stopped.Load()
}

// stoppable reads a text until it is stopped.
type stoppable struct {
	s       string
	stopped *atomic.Bool
}

func (r *stoppable) ReadRune() (rune, int, error) {
	if r.s == "" || r.stopped.Load() {
		return 0, 0, io.EOF
	}
	c, n := utf8.DecodeRuneInString(r.s)
	r.s = r.s[n:]
	return c, n, nil
}

package sigma

import (
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// dfaProgram is a regular expression prepared for matching by subset construction, shared by all Matchers. Go's regexp walks its
// NFA for every character of every value, which took 70 % of all matching time; here each state is built once and then a character
// costs one table look-up.
//
// Characters are put into classes: no instruction tells two of one class apart, nor do \b, ^ and $ in multi-line mode.
type dfaProgram struct {
	prog    *syntax.Prog
	bounds  []rune // class i is [bounds[i], bounds[i+1])
	ascii   [utf8.RuneSelf]uint16
	classes int
}

const (
	maxDFAInsts  = 20_000
	maxDFAStates = 3000    // of one expression in one Matcher, then it begins anew
	maxDFASet    = 2 << 20 // instructions held by all states together
	maxDFAResets = 8       // then Go's regexp takes over
)

func newDFA(expr string) *dfaProgram {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil || len(prog.Inst) > maxDFAInsts {
		return nil
	}
	d := &dfaProgram{prog: prog}
	set := map[rune]bool{0: true}
	add := func(lo, hi rune) {
		set[lo] = true
		set[hi+1] = true
	}
	for _, w := range [...][2]rune{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}, {'\n', '\n'}} {
		add(w[0], w[1])
	}
	for i := range prog.Inst {
		in := &prog.Inst[i]
		switch in.Op {
		case syntax.InstRune, syntax.InstRune1:
			if len(in.Rune) == 1 {
				r := in.Rune[0]
				add(r, r)
				if syntax.Flags(in.Arg)&syntax.FoldCase != 0 {
					for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
						add(x, x)
					}
				}
				continue
			}
			for j := 0; j+1 < len(in.Rune); j += 2 {
				add(in.Rune[j], in.Rune[j+1])
			}
		}
	}
	for r := range set {
		d.bounds = append(d.bounds, r)
	}
	slices.Sort(d.bounds)
	d.classes = len(d.bounds)
	if d.classes > 4000 {
		return nil
	}
	for c := range d.ascii {
		d.ascii[c] = uint16(d.class(rune(c)))
	}
	return d
}

func (d *dfaProgram) class(r rune) int {
	i, found := slices.BinarySearch(d.bounds, r)
	if !found {
		i--
	}
	return i
}

// dfaState is what may be going on before the next character: instructions whose conditions at this place are not tested yet.
type dfaState struct {
	pcs   []uint32
	prev  rune // stands for what came before: -1 nothing, '\n', 'a' a word character, ' ' another
	match bool // found whatever follows
	end   int8 // found if the text ends here: 0 not known, 1 yes, -1 no
	next  []*dfaState
}

// dfa is the states one Matcher has built for one expression.
type dfa struct {
	p      *dfaProgram
	start  *dfaState
	states map[string]*dfaState
	size   int
	resets int
	off    bool // too many states: use Go's regexp

	mark  []uint32 // by instruction: generation it was visited in
	gen   uint32
	stack []uint32
	key   []byte
}

func newDFAStates(p *dfaProgram) *dfa {
	d := &dfa{p: p, mark: make([]uint32, len(p.prog.Inst))}
	d.reset()
	return d
}

func (d *dfa) reset() {
	d.states = map[string]*dfaState{}
	d.size = 0
	d.start = d.state([]uint32{uint32(d.p.prog.Start)}, -1)
}

// match reports whether the expression is found in s; ok is false when the Matcher should ask Go's regexp.
func (d *dfa) match(s string) (found, ok bool) {
	if d.off {
		return false, false
	}
	st := d.start
	p := d.p
	for i := 0; i < len(s); {
		if st.match {
			return true, true
		}
		for { // fast: characters whose states are built
			c := s[i]
			if c >= utf8.RuneSelf {
				break
			}
			next := st.next[p.ascii[c]]
			if next == nil {
				break
			}
			st = next
			if i++; i == len(s) || st.match {
				break
			}
		}
		if i == len(s) || st.match {
			break
		}
		var cls int
		var r rune
		if c := s[i]; c < utf8.RuneSelf {
			cls, r = int(p.ascii[c]), rune(c)
			i++
		} else {
			var n int
			r, n = utf8.DecodeRuneInString(s[i:])
			cls = p.class(r)
			i += n
		}
		next := st.next[cls]
		if next == nil {
			if len(d.states) >= maxDFAStates || d.size > maxDFASet {
				if d.resets++; d.resets > maxDFAResets {
					d.off, d.states, d.start = true, nil, nil
					return false, false
				}
				// states handed out so far stay usable until this value ends; they are only forgotten
				d.reset()
			}
			next = d.step(st, r)
			st.next[cls] = next
		}
		st = next
	}
	if st.match {
		return true, true
	}
	if st.end == 0 {
		st.end = -1
		if d.close(st.pcs, flags(st.prev, -1), nil) {
			st.end = 1
		}
	}
	return st.end > 0, true
}

func isWord(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
}

// flags are the empty-width conditions that hold between two characters; -1 is the edge of the text.
func flags(prev, next rune) syntax.EmptyOp { return syntax.EmptyOpContext(prev, next) }

// close follows everything that consumes nothing; it reports whether the end was reached and calls each for what consumes.
func (d *dfa) close(pcs []uint32, cond syntax.EmptyOp, each func(in *syntax.Inst)) bool {
	d.gen++
	d.stack = append(d.stack[:0], pcs...)
	for len(d.stack) > 0 {
		pc := d.stack[len(d.stack)-1]
		d.stack = d.stack[:len(d.stack)-1]
		if d.mark[pc] == d.gen {
			continue
		}
		d.mark[pc] = d.gen
		in := &d.p.prog.Inst[pc]
		switch in.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			d.stack = append(d.stack, in.Arg, in.Out)
		case syntax.InstCapture, syntax.InstNop:
			d.stack = append(d.stack, in.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(in.Arg)&^cond == 0 {
				d.stack = append(d.stack, in.Out)
			}
		case syntax.InstMatch:
			return true
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if each != nil {
				each(in)
			}
		}
	}
	return false
}

func (d *dfa) step(st *dfaState, r rune) *dfaState {
	next := []uint32{uint32(d.p.prog.Start)} // the search may begin anew at every character
	if d.close(st.pcs, flags(st.prev, r), func(in *syntax.Inst) {
		ok := false
		switch in.Op {
		case syntax.InstRuneAny:
			ok = true
		case syntax.InstRuneAnyNotNL:
			ok = r != '\n'
		default:
			ok = in.MatchRune(r)
		}
		if ok {
			next = append(next, in.Out)
		}
	}) {
		return d.state(nil, ' ').found()
	}
	kind := ' '
	switch {
	case r == '\n':
		kind = '\n'
	case isWord(r):
		kind = 'a'
	}
	if d.close(next, 0, nil) { // reached without any condition on what follows
		return d.state(nil, ' ').found()
	}
	return d.state(next, kind)
}

func (s *dfaState) found() *dfaState {
	s.match = true
	return s
}

func (d *dfa) state(pcs []uint32, prev rune) *dfaState {
	slices.Sort(pcs)
	pcs = slices.Compact(pcs)
	d.key = append(d.key[:0], byte(prev))
	for _, pc := range pcs {
		d.key = append(d.key, byte(pc), byte(pc>>8), byte(pc>>16))
	}
	if s, ok := d.states[string(d.key)]; ok {
		return s
	}
	s := &dfaState{pcs: pcs, prev: prev, next: make([]*dfaState, d.p.classes)}
	d.states[string(d.key)] = s
	d.size += len(pcs) + d.p.classes
	return s
}

package sigma

import (
	"slices"
	"strconv"
	"strings"

	"hoalu/internal/wording"
)

// condition is a parsed condition: or < and < not < x of.
type condition struct {
	op   byte // 'a' and, 'o' or, '!' not, 'i' identifier, 'n' at least n of kids
	name string
	n    int
	kids []*condition
}

type condParser struct {
	toks  []string
	pos   int
	names []string
}

func parseCondition(text string, names []string) (*condition, error) {
	toks, err := lexCondition(text)
	if err != nil {
		return nil, err
	}
	if len(toks) == 0 {
		return nil, wording.New("is empty")
	}
	p := &condParser{toks: toks, names: names}
	c, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.toks) {
		return nil, wording.New("unexpected %q", p.toks[p.pos])
	}
	return c, nil
}

func lexCondition(s string) ([]string, error) {
	var toks []string
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '(' || c == ')':
			toks = append(toks, s[i:i+1])
			i++
		case c == '|':
			return nil, wording.New(`aggregations after "|" (count, near …) are the old form; write a correlation`)
		default:
			j := i
			for j < len(s) && !strings.ContainsRune(" \t\r\n()|", rune(s[j])) {
				j++
			}
			toks = append(toks, s[i:j])
			i = j
		}
	}
	return toks, nil
}

func (p *condParser) word(w string) bool {
	return p.pos < len(p.toks) && strings.EqualFold(p.toks[p.pos], w)
}

func (p *condParser) or(depth int) (*condition, error) {
	return p.chain(depth, "or", 'o', p.and)
}

func (p *condParser) and(depth int) (*condition, error) {
	return p.chain(depth, "and", 'a', p.not)
}

func (p *condParser) chain(depth int, word string, op byte, next func(int) (*condition, error)) (*condition, error) {
	if depth > 64 {
		return nil, wording.New("nested more than 64 deep")
	}
	c, err := next(depth)
	if err != nil {
		return nil, err
	}
	if !p.word(word) {
		return c, nil
	}
	out := &condition{op: op, kids: []*condition{c}}
	for p.word(word) {
		p.pos++
		k, err := next(depth)
		if err != nil {
			return nil, err
		}
		out.kids = append(out.kids, k)
	}
	return out, nil
}

func (p *condParser) not(depth int) (*condition, error) {
	if p.word("not") && !slices.Contains(p.names, p.toks[p.pos]) {
		p.pos++
		k, err := p.not(depth + 1)
		if err != nil {
			return nil, err
		}
		return &condition{op: '!', kids: []*condition{k}}, nil
	}
	return p.primary(depth)
}

func (p *condParser) primary(depth int) (*condition, error) {
	if p.pos >= len(p.toks) {
		return nil, wording.New("ends too early")
	}
	t := p.toks[p.pos]
	p.pos++
	switch {
	case t == "(":
		c, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.pos >= len(p.toks) || p.toks[p.pos] != ")" {
			return nil, wording.New("a bracket is not closed")
		}
		p.pos++
		return c, nil
	case t == ")":
		return nil, wording.New("a bracket is closed that was not opened")
	case p.word("of"):
		p.pos++
		if p.pos >= len(p.toks) {
			return nil, wording.New(`"of" names nothing`)
		}
		pat := p.toks[p.pos]
		p.pos++
		return p.of(t, pat)
	}
	if slices.Contains(p.names, t) {
		return &condition{op: 'i', name: t}, nil
	}
	if strings.ContainsAny(t, "*?") {
		return nil, wording.New(`%q: a pattern needs "1 of" or "all of" before it`, t)
	}
	return nil, wording.New("search identifier %q is not defined", t)
}

func (p *condParser) of(quantity, pat string) (*condition, error) {
	var found []string
	for _, n := range p.names {
		switch {
		case strings.EqualFold(pat, "them") && !slices.Contains(p.names, pat):
			if strings.HasPrefix(n, "_") {
				continue
			}
		case !newGlob(parsePattern(pat)).match(n) || strings.HasPrefix(n, "_") && !strings.HasPrefix(pat, "_"):
			continue
		}
		found = append(found, n)
	}
	if len(found) == 0 {
		return nil, wording.New("%q matches no search identifier", pat)
	}
	c := &condition{op: 'n'}
	for _, n := range found {
		c.kids = append(c.kids, &condition{op: 'i', name: n})
	}
	switch strings.ToLower(quantity) {
	case "all":
		c.op = 'a'
	case "any", "1":
		c.op = 'o'
	default:
		n, err := strconv.Atoi(quantity)
		if err != nil || n < 1 {
			return nil, wording.New(`%q before "of": want 1, any, all or a number`, quantity)
		}
		if n > len(found) {
			return nil, wording.New("%d of %s: only %d search identifiers match", n, pat, len(found))
		}
		c.n = n
	}
	return c, nil
}

func (c *condition) negates() bool {
	return c.op == '!' || slices.ContainsFunc(c.kids, (*condition).negates)
}

func (c *condition) eval(holds func(string) bool) bool {
	switch c.op {
	case 'i':
		return holds(c.name)
	case '!':
		return !c.kids[0].eval(holds)
	case 'a':
		for _, k := range c.kids {
			if !k.eval(holds) {
				return false
			}
		}
		return true
	case 'o':
		return slices.ContainsFunc(c.kids, func(k *condition) bool { return k.eval(holds) })
	}
	n := 0
	for _, k := range c.kids {
		if k.eval(holds) {
			n++
		}
	}
	return n >= c.n
}

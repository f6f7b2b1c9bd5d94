package query

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"hoalu/ecs"
)

// value reads one condition on f.
func (p *parser) value(f ecs.Field, depth int, exact bool) (Node, error) {
	name := f.Name()
	if p.end() || p.peek() == ')' || p.peek() == ',' {
		return nil, p.fail(p.pos, CodeValue, "A value is missing after "+name+":", "Write a value, or * for any value.", "field", name)
	}
	at := p.pos
	if exact {
		s, _, err := p.text(name, `(),`)
		return Term{f, s}, err
	}
	switch c := p.peek(); c {
	case '=':
		p.pos++
		s, _, err := p.text(name, `(),`)
		return Term{f, s}, err
	case '~':
		p.pos++
		s, _, err := p.text(name, `(),`)
		if err != nil {
			return nil, err
		}
		return p.words(f, at, s)
	case '"':
		s, err := p.quoted()
		if err != nil {
			return nil, err
		}
		if textFields[f] {
			return p.words(f, at, s)
		}
		return Term{f, s}, nil
	case '>', '<':
		return p.compared(f, c)
	case '[', '{':
		return p.between(f)
	case '/':
		if n, ok, err := p.regexp(f); ok || err != nil {
			return n, err
		}
	}
	return p.unquoted(f)
}

// compared reads a bound: >, >=, < or <= and its value; the parser stands before c.
func (p *parser) compared(f ecs.Field, c rune) (Node, error) {
	at := p.pos
	p.pos++
	equal := p.peek() == '='
	if equal {
		p.pos++
	}
	p.space()
	s, _, err := p.text(f.Name(), `(),`)
	if err != nil {
		return nil, err
	}
	if s == "" {
		return nil, p.badRange(at)
	}
	r := Range{Field: f}
	switch {
	case c == '>' && equal:
		r.GTE = s
	case c == '>':
		r.GT = s
	case equal:
		r.LTE = s
	default:
		r.LT = s
	}
	return r, nil
}

// unquoted reads a value without quotes: a network, a pattern, * for any value, or a value as it is.
func (p *parser) unquoted(f ecs.Field) (Node, error) {
	at := p.pos
	s, wild, err := p.bare(`(),`)
	if err != nil {
		return nil, err
	}
	switch {
	case !wild:
		// A network is written with its length, so an address stays a Term.
		if strings.Contains(s, "/") {
			if prefix, err := netip.ParsePrefix(s); err == nil {
				return CIDR{f, prefix.Masked()}, nil
			}
		}
		if textFields[f] {
			return p.words(f, at, s)
		}
		return Term{f, s}, nil
	case s == "*":
		return Exists{f}, nil
	}
	if head := s[:len(s)-1]; s[len(s)-1] == '*' && !strings.ContainsAny(head, `*?\`) {
		return Prefix{f, head}, nil
	} else if s[len(s)-1] == '*' {
		if head, ok := unescapeGlob(head); ok {
			return Prefix{f, head}, nil
		}
	}
	return Wildcard{f, s}, nil
}

func (p *parser) words(f ecs.Field, at int, s string) (Node, error) {
	if len(SplitWords(nil, s)) == 0 {
		return nil, p.fail(at, CodeWords, strconv.Quote(s)+" has no letter or digit to search for.",
			"Search for a word, or compare the whole value: "+f.Name()+":="+strconv.Quote(s)+".", "found", s)
	}
	return Words{Field: f, Text: s}, nil
}

// text reads a quoted or bare literal, in which * and ? stand for themselves.
func (p *parser) text(field, stop string) (string, bool, error) {
	if p.peek() == '"' {
		s, err := p.quoted()
		return s, true, err
	}
	from := p.pos
	var b strings.Builder
	for !p.end() {
		r := p.peek()
		if unicode.IsSpace(r) || strings.ContainsRune(stop, r) {
			break
		}
		if r == '\\' && p.pos+1 < len(p.in) && isSpecial(p.in[p.pos+1]) {
			p.pos++
			r = p.peek()
		}
		b.WriteRune(r)
		p.pos++
	}
	if p.pos == from {
		return "", false, p.fail(p.pos, CodeValue, "A value is missing after "+field+":", "Write a value, or * for any value.", "field", field)
	}
	return b.String(), false, nil
}

// special are the characters a backslash makes literal; before any other it stands for itself, so C:\Windows needs none.
const special = `*?\"():,[]{}<>=~/`

func isSpecial(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(special, r) }

// bare reads up to white space or a rune of stop. With wild the result is a wildcard pattern, else literal text.
func (p *parser) bare(stop string) (s string, wild bool, err error) {
	var literal, pattern strings.Builder
	from := p.pos
	for !p.end() {
		r := p.peek()
		if unicode.IsSpace(r) || strings.ContainsRune(stop, r) {
			break
		}
		p.pos++
		switch {
		case r == '*' || r == '?':
			wild = true
			pattern.WriteRune(r)
			literal.WriteRune(r)
			continue
		case r == '\\' && !p.end() && isSpecial(p.peek()):
			r = p.peek()
			p.pos++
		}
		if r == '*' || r == '?' || r == '\\' {
			pattern.WriteByte('\\')
		}
		pattern.WriteRune(r)
		literal.WriteRune(r)
	}
	if p.pos == from {
		return "", false, p.unexpected()
	}
	if wild {
		return pattern.String(), true, nil
	}
	return literal.String(), false, nil
}

// unescapeGlob gives the literal text of a pattern without wildcards.
func unescapeGlob(pattern string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*', '?':
			return "", false
		case '\\':
			i++
			if i == len(pattern) {
				return "", false // the backslash escapes what follows
			}
			b.WriteByte(pattern[i])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}

func (p *parser) quoted() (string, error) {
	open := p.pos
	p.pos++
	var b strings.Builder
	for !p.end() {
		r := p.peek()
		p.pos++
		switch {
		case r == '"':
			return b.String(), nil
		case r == '\\' && (p.peek() == '"' || p.peek() == '\\'):
			r = p.peek()
			p.pos++
		}
		b.WriteRune(r)
	}
	return "", p.fail(open, CodeUnclosed, "The double quote is not closed.",
		`Add ", and write \" for a quote inside the text and \\ for a backslash at its end.`, "open", `"`)
}

// regexp reads /pattern/; ok is false where the slash begins a plain value such as a path.
func (p *parser) regexp(f ecs.Field) (Node, bool, error) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.in); i++ {
		r := p.in[i]
		if r == '\\' && i+1 < len(p.in) {
			i++
			if p.in[i] != '/' {
				b.WriteRune(r)
			}
			b.WriteRune(p.in[i])
			continue
		}
		if r != '/' {
			b.WriteRune(r)
			continue
		}
		if i == p.pos+1 || i+1 < len(p.in) && !unicode.IsSpace(p.in[i+1]) && !strings.ContainsRune("),", p.in[i+1]) {
			return nil, false, nil
		}
		if _, err := regexp.Compile(b.String()); err != nil {
			reason := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
			return nil, false, p.fail(p.pos, CodeRegexp, "The regular expression cannot be read: "+reason+".",
				"Correct it; RE2 has no look-around and no back-references.", "reason", reason)
		}
		p.pos = i + 1
		return Regexp{f, b.String()}, true, nil
	}
	return nil, false, nil
}

func (p *parser) badRange(at int) *SyntaxError {
	found := string(p.in[at:min(len(p.in), at+20)])
	return p.fail(at, CodeRange, "The range "+strconv.Quote(found)+" cannot be read.",
		"Write [a to b], {a to b} without the bounds, * for an open end, or >=a.", "found", found)
}

func (p *parser) between(f ecs.Field) (Node, error) {
	at := p.pos
	open := p.peek()
	p.pos++
	bound := func() (string, error) {
		p.space()
		s, quoted, err := p.text(f.Name(), `]}`)
		if err != nil || s == "" {
			return "", p.badRange(at)
		}
		if s == "*" && !quoted {
			return "", nil
		}
		return s, nil
	}
	lo, err := bound()
	if err != nil {
		return nil, err
	}
	p.space()
	to, _, err := p.text(f.Name(), `]}`)
	if err != nil || !isTo(to) {
		return nil, p.badRange(at)
	}
	hi, err := bound()
	if err != nil {
		return nil, err
	}
	p.space()
	r := Range{Field: f}
	switch p.peek() {
	case ']':
		r.LTE = hi
	case '}':
		r.LT = hi
	default:
		return nil, p.badRange(at)
	}
	p.pos++
	if open == '[' {
		r.GTE = lo
	} else {
		r.GT = lo
	}
	return r, nil
}

func isTo(s string) bool {
	switch norm.NFC.String(strings.ToLower(s)) {
	case "to", "đến":
		return true
	}
	return false
}

package query

import (
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"hoalu/ecs"
)

// Limits of a query text.
const (
	maxText     = 64 << 10 // characters
	maxBrackets = 40
)

// textFields are searched by words where a person writes field:value; every other field is compared as a whole.
// field:=value compares any field as a whole, field:~value searches any field by words.
var textFields = map[ecs.Field]bool{
	ecs.Message: true, ecs.EventOriginal: true, ecs.ErrorMessage: true, ecs.EventReason: true,
}

// Parse reads the query language people write. An empty text is All. Errors are *SyntaxError.
//
//	admin "so y te"                     events with the word admin, and one value with the words so, y and te
//	source.ip:10.0.0.0/8                a network
//	process.name:ssh*                   begins with; * and ? anywhere is a wildcard; \* is a star
//	user.name:(root or admin)           one of
//	message:failed                      a word of the text; message:="…" the whole of it, user.name:~an a word of any field
//	http.response.status_code:>=500     also > < <=, [a to b] with the bounds, {a to b} without, * for an open end
//	url.path:/union.+select/            RE2
//	user.name:*                         is there
//	a and (b or not c)                  also và, hoặc, không; a space means and; and binds stronger than or
func Parse(text string) (Node, error) {
	p := &parser{in: []rune(text)}
	if len(p.in) > maxText {
		return nil, p.fail(maxText, CodeTooLong, "The query is longer than "+strconv.Itoa(maxText)+" characters.", "Shorten it.", "max",
			strconv.Itoa(maxText))
	}
	p.space()
	if p.end() {
		return All{}, nil
	}
	n, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if !p.end() {
		return nil, p.unexpected()
	}
	return n, nil
}

type parser struct {
	in  []rune
	pos int
}

func (p *parser) end() bool { return p.pos >= len(p.in) }

func (p *parser) peek() rune {
	if p.end() {
		return 0
	}
	return p.in[p.pos]
}

func (p *parser) space() {
	for !p.end() && unicode.IsSpace(p.in[p.pos]) {
		p.pos++
	}
}

func (p *parser) fail(at int, code, msg, do string, values ...string) *SyntaxError {
	e := &SyntaxError{Col: at + 1, Code: code, Msg: msg, Do: do, Values: map[string]string{}}
	for i := 0; i+1 < len(values); i += 2 {
		e.Values[values[i]] = values[i+1]
	}
	return e
}

func (p *parser) unexpected() *SyntaxError {
	found := string(p.in[p.pos:min(len(p.in), p.pos+20)])
	return p.fail(p.pos, CodeUnexpected, "Did not expect "+strconv.Quote(found)+" here.",
		"Remove it, or put it in double quotes to search for it.", "found", found)
}

func (p *parser) ended() *SyntaxError {
	return p.fail(p.pos, CodeEnd, "The query ends where a condition is missing.", "Complete it.")
}

// keyword is and, or, not in English or Vietnamese, "" for anything else.
func keyword(word string) string {
	if len(word) > 16 {
		return ""
	}
	switch norm.NFC.String(strings.ToLower(word)) {
	case "and", "và":
		return "and"
	case "or", "hoặc":
		return "or"
	case "not", "không":
		return "not"
	}
	return ""
}

// nextKeyword looks at the keyword at the current position; take moves past it.
func (p *parser) nextKeyword() (word string, end int) {
	end = p.pos
	for end < len(p.in) && !unicode.IsSpace(p.in[end]) && !strings.ContainsRune(`():,"`, p.in[end]) {
		end++
	}
	if end < len(p.in) && p.in[end] == ':' || end-p.pos > 12 {
		return "", end // a field of that name
	}
	return keyword(string(p.in[p.pos:end])), end
}

func (p *parser) or(depth int) (Node, error) { return p.list(depth, p.operand, false) }

// list reads operands joined by and, or, or nothing. In a value list a comma is or as well.
func (p *parser) list(depth int, operand func(int) (Node, error), commas bool) (Node, error) {
	if depth > maxBrackets {
		return nil, p.fail(p.pos, CodeTooDeep, "More than "+strconv.Itoa(maxBrackets)+" levels of brackets.", "Simplify the query.", "max",
			strconv.Itoa(maxBrackets))
	}
	var ors Or
	for {
		var ands And
		for {
			n, err := p.negated(depth, operand)
			if err != nil {
				return nil, err
			}
			ands = append(ands, n)
			p.space()
			if p.end() || p.peek() == ')' || commas && p.peek() == ',' {
				break
			}
			word, end := p.nextKeyword()
			if word == "or" {
				break
			}
			if word == "and" {
				p.pos = end
			}
		}
		if len(ands) == 1 {
			ors = append(ors, ands[0])
		} else {
			ors = append(ors, ands)
		}
		if p.end() || p.peek() == ')' {
			break
		}
		if commas && p.peek() == ',' {
			p.pos++
			p.space()
			if p.peek() == ')' { // (a,) is a list of one
				return ors, nil
			}
			continue
		}
		_, p.pos = p.nextKeyword()
	}
	if len(ors) == 1 {
		return ors[0], nil
	}
	return ors, nil
}

func (p *parser) negated(depth int, operand func(int) (Node, error)) (Node, error) {
	p.space()
	if word, end := p.nextKeyword(); word == "not" {
		if depth > maxBrackets {
			return nil, p.fail(p.pos, CodeTooDeep, "More than "+strconv.Itoa(maxBrackets)+" levels of brackets.", "Simplify the query.", "max",
				strconv.Itoa(maxBrackets))
		}
		p.pos = end
		n, err := p.negated(depth+1, operand)
		if err != nil {
			return nil, err
		}
		if _, all := n.(All); all {
			return None{}, nil
		}
		return Not{n}, nil
	} else if word != "" {
		return nil, p.unexpected()
	}
	if p.end() {
		return nil, p.ended()
	}
	return operand(depth)
}

// bracket reads what follows an opening bracket up to its closing one.
func (p *parser) bracket(depth int, operand func(int) (Node, error), commas bool) (Node, error) {
	open := p.pos
	p.pos++
	n, err := p.list(depth+1, operand, commas)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.peek() != ')' {
		return nil, p.fail(open, CodeUnclosed, "The bracket ( is not closed.", "Add ).", "open", "(")
	}
	p.pos++
	return n, nil
}

func (p *parser) operand(depth int) (Node, error) {
	switch p.peek() {
	case '(':
		return p.bracket(depth, p.operand, false)
	case ')', ',', ':', '[', ']', '{', '}':
		return nil, p.unexpected()
	case '"':
		at := p.pos
		text, err := p.quoted()
		if err != nil {
			return nil, err
		}
		if p.peek() == ':' {
			p.pos++
			return p.field(text, at, depth)
		}
		return p.anyWords(at, text)
	}
	if name, end, ok := p.fieldName(); ok {
		at := p.pos
		p.pos = end
		return p.field(name, at, depth)
	}
	at := p.pos
	text, wild, err := p.bare(`()",`)
	if err != nil {
		return nil, err
	}
	if text == "*" && wild {
		return All{}, nil
	}
	if strings.Contains(text, "*") && wild {
		return nil, p.fail(at, CodeWildcard, "A * needs a field.", "Write field:"+text+", or search for whole words.", "word", text)
	}
	return p.anyWords(at, text)
}

func (p *parser) anyWords(at int, text string) (Node, error) {
	if len(SplitWords(nil, text)) == 0 {
		return nil, p.fail(at, CodeWords, strconv.Quote(text)+" has no letter or digit to search for.",
			"Search for a word, or compare a field: field:="+strconv.Quote(text)+".", "found", text)
	}
	return Words{Any: true, Text: text}, nil
}

// fieldName reports a field name and its colon at the current position; end is after the colon. A name begins with a letter, @ or _;
// what looks like a URL (http://…) or an IPv6 address (fe80::1) is no field.
func (p *parser) fieldName() (string, int, bool) {
	i := p.pos
	for i < len(p.in) && fieldRune(p.in[i]) {
		i++
	}
	if i == p.pos || i >= len(p.in) || p.in[i] != ':' {
		return "", 0, false
	}
	if r := p.in[p.pos]; !unicode.IsLetter(r) && r != '@' && r != '_' {
		return "", 0, false
	}
	rest := p.in[i+1:]
	name := string(p.in[p.pos:i])
	if len(rest) > 0 && rest[0] == ':' && len(name) <= 4 && strings.Trim(strings.ToLower(name), "0123456789abcdef") == "" ||
		len(rest) > 1 && rest[0] == '/' && rest[1] == '/' {
		return "", 0, false
	}
	return name, i + 1, true
}

func fieldRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '.' || r == '_' || r == '-' || r == '@'
}

// field reads the condition after "name:".
func (p *parser) field(name string, at, depth int) (Node, error) {
	if name == "" || len(name) > 512 {
		return nil, p.fail(at, CodeField, strconv.Quote(name)+" is not a field name.", "Write a name such as source.ip before the colon.",
			"found", name)
	}
	f := ecs.Named(name)
	p.space()
	exact := false
	if p.peek() == '=' {
		p.pos++
		exact = true
		if p.peek() != '(' {
			s, _, err := p.text(name, `(),`)
			return Term{f, s}, err
		}
	}
	if p.peek() != '(' {
		return p.value(f, depth, exact)
	}
	// A list of values of the same field.
	open := p.pos
	p.pos++
	p.space()
	if p.peek() == ')' {
		p.pos++
		return Terms{Field: f}, nil
	}
	p.pos = open
	var operand func(int) (Node, error)
	operand = func(depth int) (Node, error) {
		if p.peek() == '(' {
			n, err := p.bracket(depth, operand, true)
			if ors, ok := n.(Or); ok && len(ors) == 1 {
				n = ors[0]
			}
			return n, err
		}
		return p.value(f, depth, exact)
	}
	n, err := p.bracket(depth, operand, true)
	if err != nil {
		return nil, err
	}
	if ors, ok := n.(Or); ok {
		values := make([]string, 0, len(ors))
		for _, o := range ors {
			if t, ok := o.(Term); ok {
				values = append(values, t.Value)
			}
		}
		if len(values) == len(ors) {
			return Terms{f, values}, nil
		}
		if len(ors) == 1 {
			return ors[0], nil
		}
	}
	return n, nil
}

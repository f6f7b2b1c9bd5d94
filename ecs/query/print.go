package query

import (
	"net/netip"
	"strings"
	"unicode"

	"hoalu/ecs"
)

// Print renders a tree in the language Parse reads, English keywords: Parse(Print(n)) means what n means, and is equal to n when n
// came from Parse.
func Print(n Node) string {
	var b strings.Builder
	printNode(&b, n)
	return b.String()
}

func printNode(b *strings.Builder, n Node) {
	switch n := n.(type) {
	case nil, All:
		b.WriteString("*")
	case None:
		b.WriteString("not *")
	case And:
		printAnd(b, n)
	case Or:
		printOr(b, n)
	case Not:
		printNot(b, n)
	case Words:
		printWords(b, n)
	case Term:
		printField(b, n.Field)
		if textFields[n.Field] {
			b.WriteByte('=')
		}
		printText(b, n.Value)
	case Terms:
		printTerms(b, n)
	case Prefix:
		printField(b, n.Field)
		if n.Value == "" {
			b.WriteString(`/^/`) // field:* would be Exists
			return
		}
		printPattern(b, escapeGlob(n.Value)+"*")
	case Wildcard:
		printField(b, n.Field)
		printPattern(b, n.Pattern)
	case Regexp:
		printRegexp(b, n)
	case Range:
		printRange(b, n)
	case CIDR:
		printField(b, n.Field)
		prefix := n.Prefix.String()
		if strings.HasPrefix(prefix, ":") { // "::/0": two colons behind that of the field are no query
			b.WriteByte('0')
		}
		b.WriteString(prefix)
	case Exists:
		printField(b, n.Field)
		b.WriteByte('*')
	}
}

func printAnd(b *strings.Builder, n And) {
	if len(n) == 0 {
		b.WriteString("*")
		return
	}
	for i, k := range n {
		if i > 0 {
			b.WriteString(" and ")
		}
		switch k := k.(type) {
		case And:
			printBracketed(b, k, len(k) > 1)
		case Or:
			printBracketed(b, k, len(k) > 1)
		default:
			printNode(b, k)
		}
	}
}

func printOr(b *strings.Builder, n Or) {
	if len(n) == 0 {
		b.WriteString("not *")
		return
	}
	for i, k := range n {
		if i > 0 {
			b.WriteString(" or ")
		}
		or, ok := k.(Or)
		printBracketed(b, k, ok && len(or) > 1)
	}
}

func printNot(b *strings.Builder, n Not) {
	b.WriteString("not ")
	switch k := n.Node.(type) {
	case And:
		printBracketed(b, k, len(k) > 1)
	case Or:
		printBracketed(b, k, len(k) > 1)
	case Range:
		printBracketed(b, k, k.GT != "" && k.GTE != "" || k.LT != "" && k.LTE != "")
	default:
		printNode(b, k)
	}
}

func printWords(b *strings.Builder, n Words) {
	if n.Any {
		if bareWord(n.Text) {
			b.WriteString(n.Text)
		} else {
			quote(b, n.Text)
		}
		return
	}
	printField(b, n.Field)
	if !textFields[n.Field] {
		b.WriteByte('~')
	}
	printText(b, n.Text)
}

func printTerms(b *strings.Builder, n Terms) {
	printField(b, n.Field)
	if textFields[n.Field] {
		b.WriteByte('=')
	}
	b.WriteByte('(')
	for i, v := range n.Values {
		if i > 0 {
			b.WriteString(" or ")
		}
		printItem(b, v)
	}
	if len(n.Values) == 1 {
		b.WriteByte(',')
	}
	b.WriteByte(')')
}

func printRegexp(b *strings.Builder, n Regexp) {
	printField(b, n.Field)
	if n.Pattern == "" {
		b.WriteString("/(?:)/")
		return
	}
	b.WriteByte('/')
	escaped := false
	for _, r := range n.Pattern {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == '/':
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('/')
}

func printBracketed(b *strings.Builder, n Node, bracket bool) {
	if bracket {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	printNode(b, n)
}

func printField(b *strings.Builder, f ecs.Field) {
	name := f.Name()
	plain := name != ""
	for i, r := range name {
		plain = plain && fieldRune(r) && (i > 0 || unicode.IsLetter(r) || r == '@' || r == '_')
	}
	if plain && keyword(name) == "" {
		b.WriteString(name)
	} else {
		quote(b, name)
	}
	b.WriteByte(':')
}

func quote(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		if r == '"' || r == '\\' {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	b.WriteByte('"')
}

// plainText reports whether s reads as itself where a value stands.
func plainText(s string) bool {
	for i, r := range s {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '.', r == '_', r == '-', r == '@', r == '$':
		case i > 0 && (r == ':' || r == '/' || r == '%' || r == '+'):
		default:
			return false
		}
	}
	if strings.Contains(s, "/") {
		if _, err := netip.ParsePrefix(s); err == nil {
			return false
		}
	}
	return s != ""
}

func printText(b *strings.Builder, s string) {
	if plainText(s) {
		b.WriteString(s)
	} else {
		quote(b, s)
	}
}

// printItem prints a value of a list, where keywords join.
func printItem(b *strings.Builder, s string) {
	if plainText(s) && keyword(s) == "" {
		b.WriteString(s)
	} else {
		quote(b, s)
	}
}

// bareWord reports whether s reads as one word to search for.
func bareWord(s string) bool {
	if !plainText(s) || keyword(s) != "" {
		return false
	}
	return !strings.Contains(s, ":")
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(s)
}

// printPattern prints a wildcard pattern, escaping what would end it or begin something else.
func printPattern(b *strings.Builder, pattern string) {
	escaped := false
	for i, r := range pattern {
		if escaped {
			escaped = false
			if !isSpecial(r) {
				// \x means x in a pattern and \x in the language.
				b.WriteRune(r)
				continue
			}
			b.WriteByte('\\')
			b.WriteRune(r)
			continue
		}
		if r == '\\' {
			escaped = true
			continue
		}
		if r != '*' && r != '?' && (strings.ContainsRune(`(),"`, r) || unicode.IsSpace(r) || i == 0 && strings.ContainsRune("=~<>[{/:", r)) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	if escaped {
		b.WriteString(`\\`)
	}
}

func printRange(b *strings.Builder, r Range) {
	bound := func(s string) {
		switch {
		case s == "":
			b.WriteByte('*')
		case plainText(s) && !isTo(s):
			b.WriteString(s)
		default:
			quote(b, s)
		}
	}
	if r.GT != "" && r.GTE != "" || r.LT != "" && r.LTE != "" {
		// Both bounds on one side: two ranges say the same.
		printRange(b, Range{Field: r.Field, GT: r.GT, LT: r.LT})
		b.WriteString(" and ")
		printRange(b, Range{Field: r.Field, GTE: r.GTE, LTE: r.LTE})
		return
	}
	printField(b, r.Field)
	lo, hi := r.GT+r.GTE, r.LT+r.LTE
	switch {
	case lo != "" && hi == "":
		b.WriteByte('>')
		if r.GTE != "" {
			b.WriteByte('=')
		}
		bound(lo)
	case lo == "" && hi != "":
		b.WriteByte('<')
		if r.LTE != "" {
			b.WriteByte('=')
		}
		bound(hi)
	default:
		open, shut := byte('['), byte(']')
		if r.GT != "" {
			open = '{'
		}
		if r.LT != "" {
			shut = '}'
		}
		b.WriteByte(open)
		bound(lo)
		b.WriteString(" to ")
		bound(hi)
		b.WriteByte(shut)
	}
}

package sigma

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"
)

// item is one field condition: field, modifiers, values.
type item struct {
	field  string // "" for keywords
	op     string // for people: equals, contains, re …
	all    bool   // every value must hold, not one
	neq    bool
	values []value
	node   int32 // set by Compile
}

// value is one value of an item; it holds when one of its predicates does (base64offset and expand make several).
type value struct {
	want  string
	preds []pred
	node  int32 // set by Compile
}

type predKind uint8

const (
	predEqual predKind = iota
	predPrefix
	predSuffix
	predContains
	predGlob
	predPresent // any value that is not null
	predRegexp
	predCIDR
	predNull
	predExists
	predMissing
	predLT
	predLTE
	predGT
	predGTE
	predTime
	predFieldEqual
	predFieldPrefix
	predFieldSuffix
	predFieldContains
)

// pred is one test of one field, before it is compiled to an atom.
type pred struct {
	kind  predKind
	cased bool
	text  string // literal, regular expression, prefix of addresses, number or field name
	glob  pattern
	part  string   // predTime: minute, hour …
	than  predKind // predTime: predEqual, or predLT to predGTE
}

var valueModifiers = []string{"contains", "startswith", "endswith", "all", "re", "i", "m", "s", "cased", "exists", "base64",
	"base64offset", "wide", "utf16", "utf16le", "utf16be", "windash", "cidr", "expand", "fieldref", "neq", "lt", "lte", "gt", "gte"}

var timeModifiers = []string{"minute", "hour", "day", "week", "month", "year"}

var placeholder = regexp.MustCompile(`%([A-Za-z0-9_.-]+)%`)

// parseItem reads "Field|modifier|…: value or list".
func (p *parser) parseItem(key string, n *yaml.Node) (*item, error) {
	parts := strings.Split(key, "|")
	it := &item{field: parts[0], op: "equals"}
	mods := parts[1:]
	for _, m := range mods {
		if !slices.Contains(valueModifiers, m) && !slices.Contains(timeModifiers, m) {
			return nil, fmt.Errorf("modifier %q is unknown", m)
		}
	}
	n = deref(n)
	var nodes []*yaml.Node
	switch n.Kind {
	case yaml.ScalarNode:
		nodes = []*yaml.Node{n}
	case yaml.SequenceNode:
		nodes = n.Content
		if len(nodes) == 0 {
			return nil, errors.New("list is empty")
		}
	default:
		return nil, at(n.Line, errors.New("want a value or a list of values"))
	}
	for i, m := range mods {
		switch m {
		case "all":
			if n.Kind != yaml.SequenceNode || len(nodes) < 2 {
				return nil, errors.New("all needs a list of two values or more")
			}
			it.all = true
		case "neq":
			it.neq, it.op = true, "not equals"
		case "contains", "startswith", "endswith", "re", "cidr", "exists", "lt", "lte", "gt", "gte", "fieldref", "minute", "hour", "day", "week", "month", "year":
			it.op = strings.TrimPrefix(it.op+" "+m, "equals ")
		}
		if slices.Contains(mods[:i], m) {
			return nil, fmt.Errorf("modifier %q stands twice", m)
		}
	}
	for _, c := range nodes {
		if err := p.count(); err != nil {
			return nil, err
		}
		s, err := parseScalar(c)
		if err != nil {
			return nil, err
		}
		if s.kind == 'n' {
			if n.Kind == yaml.SequenceNode {
				return nil, errors.New("null may not stand in a list; write a search identifier of its own for it")
			}
			if len(mods) > 0 {
				return nil, errors.New("null takes no modifiers")
			}
			if it.field == "" {
				return nil, errors.New("null is no keyword")
			}
			it.op = "null"
			it.values = append(it.values, value{want: "null", preds: []pred{{kind: predNull}}})
			continue
		}
		v, err := p.parseValue(it, mods, s)
		if err != nil {
			return nil, at(c.Line, err)
		}
		v.want = s.text
		it.values = append(it.values, v)
	}
	return it, nil
}

// parseValue applies the modifiers in their order.
func (p *parser) parseValue(it *item, mods []string, s scalar) (value, error) {
	pats := []pattern{parsePattern(s.text)}
	if s.kind != 's' {
		pats[0] = plain(s.text)
	}
	var (
		final    predKind // a kind that ends string handling
		isFinal  bool
		special  string // the modifier that set it
		cased    bool
		flags    string
		encoded  bool
		inWide   string
		fieldref = predFieldEqual
		star     bool // contains, startswith or endswith was there
		than     = predEqual
	)
	for i, m := range mods {
		if isFinal && !(m == "all" || special == "re" && strings.Contains("ims", m) ||
			special == "fieldref" && (m == "contains" || m == "startswith" || m == "endswith" || m == "cased" || m == "neq") ||
			(special == "cidr" || final == predTime) && m == "neq" || final == predTime && numeric[m] != 0) {
			return value{}, fmt.Errorf("modifier %q cannot follow %q", m, special)
		}
		switch m {
		case "all", "neq":
		case "contains", "startswith", "endswith":
			star = true
			if special == "fieldref" {
				fieldref = map[string]predKind{"contains": predFieldContains, "startswith": predFieldPrefix, "endswith": predFieldSuffix}[m]
				continue
			}
			if special == "" && slices.Contains(mods[i+1:], "fieldref") {
				fieldref = map[string]predKind{"contains": predFieldContains, "startswith": predFieldPrefix, "endswith": predFieldSuffix}[m]
				continue
			}
			for j := range pats {
				if m != "startswith" {
					pats[j] = pats[j].starBefore()
				}
				if m != "endswith" {
					pats[j] = pats[j].starAfter()
				}
			}
		case "windash":
			for j := range pats {
				pats[j] = pats[j].windash()
			}
		case "cased":
			cased = true
		case "expand":
			var err error
			if pats, err = p.expand(pats); err != nil {
				return value{}, err
			}
		case "wide", "utf16le", "utf16be", "utf16":
			if inWide != "" {
				return value{}, fmt.Errorf("modifier %q cannot follow %q", m, inWide)
			}
			inWide = m
			for j := range pats {
				plainPats, ok := pats[j].expandDashes(maxDashes)
				if !ok || len(plainPats) > 1 {
					return value{}, fmt.Errorf("modifier %q cannot follow windash", m)
				}
				first := true
				pats[j] = plainPats[0].each(func(t string) pattern {
					x := utf16Text(t, m, first)
					first = false
					return plain(x)
				})
			}
		case "base64", "base64offset":
			if encoded {
				return value{}, fmt.Errorf("modifier %q: the value is base64 already", m)
			}
			encoded = true
			if it.field != "" && star {
				return value{}, fmt.Errorf("modifier %q must stand before contains, startswith or endswith", m)
			}
			var out []pattern
			for _, q := range pats {
				all, ok := q.expandDashes(maxDashes)
				if !ok {
					return value{}, fmt.Errorf("modifier %q: too many dashes", m)
				}
				for _, x := range all {
					if x.wild() {
						return value{}, fmt.Errorf("modifier %q: a value with wildcards cannot be encoded", m)
					}
					if m == "base64" {
						out = append(out, plain(base64.StdEncoding.EncodeToString([]byte(x.text()))))
						continue
					}
					for shift := 0; shift < 3; shift++ {
						out = append(out, plain(base64Shifted(x.text(), shift)))
					}
				}
			}
			pats = out
		case "re":
			if i > 0 && !slices.Equal(mods[:i], []string{"all"}) {
				return value{}, fmt.Errorf("modifier %q cannot stand before re", mods[i-1])
			}
			final, isFinal, special = predRegexp, true, "re"
		case "i", "m", "s":
			if special != "re" {
				return value{}, fmt.Errorf("modifier %q belongs to re", m)
			}
			flags += m
		case "cidr":
			if star || encoded {
				return value{}, errors.New("cidr takes no other modifiers before it")
			}
			final, isFinal, special = predCIDR, true, "cidr"
		case "exists":
			if i > 0 || s.kind != 'b' && !strings.EqualFold(s.text, "true") && !strings.EqualFold(s.text, "false") {
				return value{}, errors.New("exists stands alone and takes true or false")
			}
			final, isFinal, special = predExists, true, "exists"
			if strings.EqualFold(s.text, "false") {
				final = predMissing
			}
		case "fieldref":
			if s.kind != 's' || s.text == "" {
				return value{}, errors.New("fieldref needs the name of a field")
			}
			isFinal, special = true, "fieldref"
		case "lt", "lte", "gt", "gte":
			if star || encoded {
				return value{}, fmt.Errorf("%s takes no other modifiers before it", m)
			}
			if _, ok := parseNumber(s.text); !ok || s.kind == 'b' {
				return value{}, fmt.Errorf("%s needs a number, not %q", m, s.text)
			}
			if final == predTime {
				than = numeric[m]
				continue
			}
			final, isFinal, special = numeric[m], true, m
		case "minute", "hour", "day", "week", "month", "year":
			if star || encoded {
				return value{}, fmt.Errorf("%s takes no other modifiers before it", m)
			}
			if x, ok := parseNumber(s.text); !ok || !x.whole {
				return value{}, fmt.Errorf("%s needs a whole number, not %q", m, s.text)
			}
			final, isFinal, special = predTime, true, m
		}
	}
	if special != "" && special != "re" && it.field == "" {
		return value{}, fmt.Errorf("%s needs a field", special)
	}
	switch special {
	case "re":
		text := s.text
		if flags != "" {
			text = "(?" + flags + ")" + text
		}
		if _, err := regexp.Compile(text); err != nil {
			return value{}, regexpError(err)
		}
		return value{preds: []pred{{kind: predRegexp, text: text}}}, nil
	case "cidr":
		prefix, err := netip.ParsePrefix(s.text)
		if err != nil {
			if addr, aerr := netip.ParseAddr(s.text); aerr == nil {
				prefix = netip.PrefixFrom(addr, addr.BitLen())
			} else {
				return value{}, fmt.Errorf("cidr %q is no network; want 10.0.0.0/8 or fc00::/7", s.text)
			}
		}
		return value{preds: []pred{{kind: predCIDR, text: prefix.Masked().String()}}}, nil
	case "fieldref":
		return value{preds: []pred{{kind: fieldref, cased: cased, text: s.text}}}, nil
	case "":
	default:
		x := pred{kind: final, text: s.text}
		if final == predTime {
			x.part, x.than = special, than
		}
		return value{preds: []pred{x}}, nil
	}
	var v value
	for _, q := range pats {
		if it.field == "" { // a keyword is looked for inside values
			q = q.starBefore().starAfter()
		}
		v.preds = append(v.preds, stringPreds(q, cased)...)
	}
	return v, p.protect(&v)
}

// protect puts tokens in the place of identifiers.
func (p *parser) protect(v *value) error {
	if p.Protect == nil {
		return nil
	}
	var out []pred
	for _, x := range v.preds {
		texts := []string{x.text}
		if x.kind == predGlob {
			texts = texts[:0]
			for _, part := range x.glob {
				texts = append(texts, part.text)
			}
		}
		replaced := false
		for _, t := range texts {
			if t == "" {
				continue
			}
			tokens, err := p.Protect(t, x.kind == predEqual)
			if err != nil {
				return err
			}
			if x.kind != predEqual {
				continue
			}
			for _, token := range tokens {
				replaced = true
				if !x.cased {
					token = foldString(token)
				}
				out = append(out, pred{kind: predEqual, cased: x.cased, text: token})
			}
		}
		if !replaced {
			out = append(out, x)
		}
	}
	v.preds = out
	return nil
}

var numeric = map[string]predKind{"lt": predLT, "lte": predLTE, "gt": predGT, "gte": predGTE}

// maxDashes bounds the texts a windash value is turned into; more are matched by class.
const maxDashes = 25

// stringPreds says a pattern by the cheapest tests.
func stringPreds(p pattern, cased bool) []pred {
	if all, ok := p.expandDashes(maxDashes); ok && len(all) > 1 {
		var out []pred
		for _, x := range all {
			out = append(out, stringPreds(x, cased)...)
		}
		return out
	} else if ok {
		p = all[0]
	}
	if !cased {
		q := make(pattern, len(p))
		for i, x := range p {
			if x.kind == partText {
				x.text = foldString(x.text)
			}
			q[i] = x
		}
		p = q
	}
	star := func(i int) bool { return p[i].kind == partStar }
	one := func(kind predKind, text string) []pred { return []pred{{kind: kind, cased: cased, text: text}} }
	switch n := len(p); {
	case n == 0:
		return one(predEqual, "")
	case n == 1 && p[0].kind == partText:
		return one(predEqual, p[0].text)
	case n == 1 && star(0):
		return one(predPresent, "")
	case n == 2 && p[0].kind == partText && star(1):
		return one(predPrefix, p[0].text)
	case n == 2 && star(0) && p[1].kind == partText:
		return one(predSuffix, p[1].text)
	case n == 2 && star(0) && star(1):
		return one(predPresent, "")
	case n == 3 && star(0) && p[1].kind == partText && star(2):
		return one(predContains, p[1].text)
	}
	return []pred{{kind: predGlob, cased: cased, glob: p}}
}

// expand puts the values of %name% in; without values the rule must be refused (specification, "Placeholders").
func (p *parser) expand(pats []pattern) ([]pattern, error) {
	var out []pattern
	for _, q := range pats {
		done := []pattern{nil}
		for _, x := range q {
			if x.kind != partText {
				for i := range done {
					done[i] = append(done[i], x)
				}
				continue
			}
			rest := x.text
			for rest != "" {
				m := placeholder.FindStringSubmatchIndex(rest)
				before, name := rest, ""
				if m != nil {
					before, name = rest[:m[0]], rest[m[2]:m[3]]
					rest = rest[m[1]:]
				} else {
					rest = ""
				}
				if before != "" {
					for i := range done {
						done[i] = append(done[i], part{partText, before})
					}
				}
				if name == "" {
					continue
				}
				vals := p.Placeholders[name]
				if len(vals) == 0 {
					return nil, fmt.Errorf("placeholder %%%s%% has no values; give them under detections.placeholders", name)
				}
				var next []pattern
				for _, d := range done {
					for _, v := range vals {
						next = append(next, append(append(pattern{}, d...), parsePattern(v)...))
					}
				}
				if done = next; len(done) > 10_000 {
					return nil, errors.New("placeholders give more than 10000 values")
				}
			}
		}
		for _, d := range done {
			merged := pattern{}
			for _, x := range d {
				if n := len(merged); n > 0 && x.kind == partText && merged[n-1].kind == partText {
					merged[n-1].text += x.text
				} else if n > 0 && x.kind == partStar && merged[n-1].kind == partStar {
					continue
				} else {
					merged = append(merged, x)
				}
			}
			out = append(out, merged)
		}
	}
	return out, nil
}

// utf16Text is s as UTF-16 bytes; utf16 is little endian with a byte order mark, wide is utf16le.
func utf16Text(s, form string, first bool) string {
	var b []byte
	if form == "utf16" && first {
		b = append(b, 0xff, 0xfe)
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if form == "utf16be" {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

// base64Shifted is what base64 of any text that holds s at an offset of shift (mod 3) must contain.
func base64Shifted(s string, shift int) string {
	enc := base64.StdEncoding.EncodeToString(append(make([]byte, shift), s...))
	start := [...]int{0, 2, 3}[shift]
	end := len(enc) - [...]int{0, 3, 2}[(len(s)+shift)%3]
	if end < start {
		return ""
	}
	return enc[start:end]
}

func regexpError(err error) error {
	var se *syntax.Error
	if errors.As(err, &se) {
		if se.Code == syntax.ErrInvalidPerlOp || se.Code == syntax.ErrInvalidEscape {
			return fmt.Errorf("re: %s: %s (look-around and back-references are no part of Sigma regular expressions)", se.Code, se.Expr)
		}
		return fmt.Errorf("re: %s: %s", se.Code, se.Expr)
	}
	return fmt.Errorf("re: %w", err)
}

// number keeps whole numbers exact and others as float.
type number struct {
	whole bool
	i     int64
	f     float64
}

// parseNumber reads a decimal number; hexadecimal, infinities and spaces are text.
func parseNumber(s string) (number, bool) {
	if s == "" || len(s) > 400 {
		return number{}, false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			return number{}, false
		}
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return number{true, i, float64(i)}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	return number{f: f}, err == nil
}

func (a number) compare(b number) int {
	if a.whole && b.whole {
		switch {
		case a.i < b.i:
			return -1
		case a.i > b.i:
			return 1
		}
		return 0
	}
	switch {
	case a.f < b.f:
		return -1
	case a.f > b.f:
		return 1
	}
	return 0
}

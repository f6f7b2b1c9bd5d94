package sigma

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"

	"hoalu/internal/wording"
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
			return nil, wording.New("modifier %q is unknown", m)
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
			return nil, wording.New("list is empty")
		}
	default:
		return nil, at(n.Line, wording.New("want a value or a list of values"))
	}
	for i, m := range mods {
		switch m {
		case "all":
			if n.Kind != yaml.SequenceNode || len(nodes) < 2 {
				return nil, wording.New("all needs a list of two values or more")
			}
			it.all = true
		case "neq":
			it.neq, it.op = true, "not equals"
		case "contains", "startswith", "endswith", "re", "cidr", "exists", "lt", "lte", "gt", "gte", "fieldref", "minute", "hour", "day", "week",
			"month", "year":
			it.op = strings.TrimPrefix(it.op+" "+m, "equals ")
		}
		if slices.Contains(mods[:i], m) {
			return nil, wording.New("modifier %q stands twice", m)
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
				return nil, wording.New("null may not stand in a list; write a search identifier of its own for it")
			}
			if len(mods) > 0 {
				return nil, wording.New("null takes no modifiers")
			}
			if it.field == "" {
				return nil, wording.New("null is no keyword")
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
					return nil, wording.New("placeholder %%%s%% has no values; give them under detections.placeholders", name)
				}
				var next []pattern
				for _, d := range done {
					for _, v := range vals {
						next = append(next, append(append(pattern{}, d...), parsePattern(v)...))
					}
				}
				if done = next; len(done) > 10_000 {
					return nil, wording.New("placeholders give more than 10000 values")
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

package sigma

import (
	"encoding/base64"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"hoalu/internal/wording"
)

// modified is a value of an item while its modifiers are applied to it, in their order.
type modified struct {
	p     *parser
	field string // of the item; "": a keyword
	mods  []string
	value scalar

	pats     []pattern
	cased    bool
	encoded  bool     // by base64
	wide     string   // the modifier that made it UTF-16
	star     bool     // contains, startswith or endswith was there
	final    predKind // of a modifier that ends the handling of text
	special  string   // that modifier, "": none
	flags    string   // of re
	fieldref predKind
	than     predKind // of a part of a time
}

// parseValue applies the modifiers in their order.
func (p *parser) parseValue(it *item, mods []string, s scalar) (value, error) {
	m := &modified{p: p, field: it.field, mods: mods, value: s, pats: []pattern{parsePattern(s.text)}, fieldref: predFieldEqual,
		than: predEqual}
	if s.kind != 's' {
		m.pats[0] = plain(s.text)
	}
	for i, name := range mods {
		if err := m.apply(i, name); err != nil {
			return value{}, err
		}
	}
	if m.special != "" && m.special != "re" && it.field == "" {
		return value{}, wording.New("%s needs a field", m.special)
	}
	if m.special != "" {
		x, err := m.finalPred()
		if err != nil {
			return value{}, err
		}
		return value{preds: []pred{x}}, nil
	}
	var v value
	for _, q := range m.pats {
		if it.field == "" { // a keyword is looked for inside values
			q = q.starBefore().starAfter()
		}
		v.preds = append(v.preds, stringPreds(q, m.cased)...)
	}
	return v, p.protect(&v)
}

// may says whether a modifier can stand behind one that ended the handling of text.
func (m *modified) may(name string) bool {
	switch {
	case m.special == "" || name == "all":
		return true
	case m.special == "re":
		return strings.Contains("ims", name)
	case m.special == "fieldref":
		return name == "contains" || name == "startswith" || name == "endswith" || name == "cased" || name == "neq"
	case m.special == "cidr":
		return name == "neq"
	case m.final == predTime:
		return name == "neq" || numeric[name] != 0
	}
	return false
}

// apply applies the modifier at mods[i].
func (m *modified) apply(i int, name string) (err error) {
	if !m.may(name) {
		return wording.New("modifier %q cannot follow %q", name, m.special)
	}
	switch name {
	case "all", "neq":
	case "contains", "startswith", "endswith":
		m.inside(i, name)
	case "windash":
		for j := range m.pats {
			m.pats[j] = m.pats[j].windash()
		}
	case "cased":
		m.cased = true
	case "expand":
		m.pats, err = m.p.expand(m.pats)
	case "wide", "utf16le", "utf16be", "utf16":
		err = m.utf16(name)
	case "base64", "base64offset":
		err = m.base64(name)
	default:
		err = m.end(i, name)
	}
	return err
}

// inside is contains, startswith and endswith; with fieldref before or behind it they compare two fields.
func (m *modified) inside(i int, name string) {
	m.star = true
	if m.special == "fieldref" || m.special == "" && slices.Contains(m.mods[i+1:], "fieldref") {
		m.fieldref = map[string]predKind{"contains": predFieldContains, "startswith": predFieldPrefix, "endswith": predFieldSuffix}[name]
		return
	}
	for j := range m.pats {
		if name != "startswith" {
			m.pats[j] = m.pats[j].starBefore()
		}
		if name != "endswith" {
			m.pats[j] = m.pats[j].starAfter()
		}
	}
}

func (m *modified) utf16(name string) error {
	if m.wide != "" {
		return wording.New("modifier %q cannot follow %q", name, m.wide)
	}
	m.wide = name
	for j := range m.pats {
		plainPats, ok := m.pats[j].expandDashes(maxDashes)
		if !ok || len(plainPats) > 1 {
			return wording.New("modifier %q cannot follow windash", name)
		}
		first := true
		m.pats[j] = plainPats[0].each(func(t string) pattern {
			x := utf16Text(t, name, first)
			first = false
			return plain(x)
		})
	}
	return nil
}

func (m *modified) base64(name string) error {
	if m.encoded {
		return wording.New("modifier %q: the value is base64 already", name)
	}
	m.encoded = true
	if m.field != "" && m.star {
		return wording.New("modifier %q must stand before contains, startswith or endswith", name)
	}
	var out []pattern
	for _, q := range m.pats {
		all, ok := q.expandDashes(maxDashes)
		if !ok {
			return wording.New("modifier %q: too many dashes", name)
		}
		for _, x := range all {
			if x.wild() {
				return wording.New("modifier %q: a value with wildcards cannot be encoded", name)
			}
			if name == "base64" {
				out = append(out, plain(base64.StdEncoding.EncodeToString([]byte(x.text()))))
				continue
			}
			for shift := 0; shift < 3; shift++ {
				out = append(out, plain(base64Shifted(x.text(), shift)))
			}
		}
	}
	m.pats = out
	return nil
}

// end is a modifier that ends the handling of text, or one that belongs to such a one.
func (m *modified) end(i int, name string) error {
	s := m.value
	switch name {
	case "re":
		if i > 0 && !slices.Equal(m.mods[:i], []string{"all"}) {
			return wording.New("modifier %q cannot stand before re", m.mods[i-1])
		}
		m.final, m.special = predRegexp, "re"
	case "i", "m", "s":
		if m.special != "re" {
			return wording.New("modifier %q belongs to re", name)
		}
		m.flags += name
	case "cidr":
		if m.star || m.encoded {
			return wording.New("cidr takes no other modifiers before it")
		}
		m.final, m.special = predCIDR, "cidr"
	case "exists":
		if i > 0 || s.kind != 'b' && !strings.EqualFold(s.text, "true") && !strings.EqualFold(s.text, "false") {
			return wording.New("exists stands alone and takes true or false")
		}
		m.final, m.special = predExists, "exists"
		if strings.EqualFold(s.text, "false") {
			m.final = predMissing
		}
	case "fieldref":
		if s.kind != 's' || s.text == "" {
			return wording.New("fieldref needs the name of a field")
		}
		m.special = "fieldref"
	case "lt", "lte", "gt", "gte":
		if m.star || m.encoded {
			return wording.New("%s takes no other modifiers before it", name)
		}
		if _, ok := parseNumber(s.text); !ok || s.kind == 'b' {
			return wording.New("%s needs a number, not %q", name, s.text)
		}
		if m.final == predTime {
			m.than = numeric[name]
			return nil
		}
		m.final, m.special = numeric[name], name
	case "minute", "hour", "day", "week", "month", "year":
		if m.star || m.encoded {
			return wording.New("%s takes no other modifiers before it", name)
		}
		if x, ok := parseNumber(s.text); !ok || !x.whole {
			return wording.New("%s needs a whole number, not %q", name, s.text)
		}
		m.final, m.special = predTime, name
	}
	return nil
}

// finalPred is what a value with such a modifier asks.
func (m *modified) finalPred() (pred, error) {
	s := m.value
	switch m.special {
	case "re":
		text := s.text
		if m.flags != "" {
			text = "(?" + m.flags + ")" + text
		}
		if _, err := regexp.Compile(text); err != nil {
			return pred{}, within("re", err)
		}
		return pred{kind: predRegexp, text: text}, nil
	case "cidr":
		prefix, err := netip.ParsePrefix(s.text)
		if err != nil {
			addr, err := netip.ParseAddr(s.text)
			if err != nil {
				return pred{}, wording.New("cidr %q is no network; want 10.0.0.0/8 or fc00::/7", s.text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		return pred{kind: predCIDR, text: prefix.Masked().String()}, nil
	case "fieldref":
		return pred{kind: m.fieldref, cased: m.cased, text: s.text}, nil
	}
	x := pred{kind: m.final, text: s.text}
	if m.final == predTime {
		x.part, x.than = m.special, m.than
	}
	return x, nil
}

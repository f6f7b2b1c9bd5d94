package sigma_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"

	"hoalu/detections/sigma"
	"hoalu/ecs"
)

// The reference here shares no code with the engine: rules are drawn as values, written as YAML for the engine and evaluated as they
// were drawn, one character at a time, as the specification says it.

// refItem is one field condition.
type refItem struct {
	field  string // "" keywords
	mods   []string
	values []any // string, json.Number, bool or nil
	list   bool
}

// refSel is a search identifier: groups joined by or, the items of a group by and.
type refSel struct {
	name   string
	groups [][]refItem
	list   bool
}

// refCond is a condition.
type refCond struct {
	op   string // id, not, and, or, of
	name string
	n    int // of: 0 all
	kids []refCond
}

type refRule struct {
	id   string
	sels []refSel
	cond refCond
}

var (
	refFields = []string{"A", "B", "C", "N.x", "N.y.z", "Long Name"}
	refPieces = []string{"a", "B", "cmd", "\\", "*", "?", "\\*", "\\?", "\\\\", " ", "-x", "/x", "–x", "ſ", "K", "é", "É", "\n", "1", "0",
		".", "evil.exe", "C:\\", "%v%", "𝒳", "ß", "[", "{", "\"", "ı", "İ"}
	refScalars = []any{json.Number("0"), json.Number("1"), json.Number("42"), json.Number("-7"), json.Number("9223372036854775807"),
		json.Number("3.5"), true, false}
	refIPs = []string{"10.0.0.1", "10.255.255.255", "192.168.1.77", "::1", "2001:db8::ff", "2001:DB8:0::1", "::ffff:10.1.2.3",
		"fe80::1%eth0", "300.1.1.1", "10.0.0.1/8"}
	refNets = []string{"10.0.0.0/8", "10.0.0.1", "192.168.1.64/27", "::1/128", "2001:db8::/32", "fe80::/10", "::ffff:10.0.0.0/104",
		"0.0.0.0/0"}
	refRegexps = []string{"^a", "b$", "a.c", "[0-9]+", "(cmd|evil)\\.exe", "^$", "a.*b", ".", "\\\\", "x{2,}", "^.{3,5}$", "É", "(a|B)c?d*",
		"\\bcmd\\b", "^a\\nb$", "[^a-z]"}
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func refText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(5) {
		b.WriteString(pick(r, refPieces))
	}
	return b.String()
}

// eventText is like what rules look for, more often than chance would have it.
func eventText(r *rand.Rand) string {
	s := refText(r)
	switch r.IntN(8) {
	case 0:
		s = strings.ToUpper(s)
	case 1:
		s = strings.ToLower(s)
	case 2:
		s = strings.NewReplacer("*", "zz", "?", "q").Replace(s)
	case 3:
		s = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("p", r.IntN(3)) + s + "qq"))
	case 4:
		s = pick(r, refIPs)
	case 5:
		s = strings.NewReplacer("-", "―", "/", "—").Replace(s)
	}
	return s
}

func (g *refGen) item(keyword bool) refItem {
	r := g.r
	it := refItem{field: pick(r, refFields)}
	if keyword {
		it.field = ""
	}
	text := func() any {
		if r.IntN(6) == 0 {
			return pick(r, refScalars)
		}
		return refText(r)
	}
	n := 1
	if r.IntN(2) == 0 {
		it.list = true
		n = 1 + r.IntN(4)
	}
	kind := r.IntN(14)
	if keyword {
		kind = r.IntN(3)
	}
	switch kind {
	case 0, 1, 2:
	case 3, 4, 5:
		it.mods = []string{pick(r, []string{"contains", "startswith", "endswith"})}
	case 6:
		it.mods = []string{"re"}
		for _, f := range []string{"i", "m", "s"} {
			if r.IntN(3) == 0 {
				it.mods = append(it.mods, f)
			}
		}
	case 7:
		it.mods = []string{"cidr"}
	case 8:
		it.mods, it.list, n = []string{"exists"}, false, 1
	case 9:
		it.mods, it.list, n = []string{pick(r, []string{"lt", "lte", "gt", "gte"})}, false, 1
	case 10:
		it.mods = [][]string{{"base64offset", "contains"}, {"base64", "contains"}, {"wide", "base64offset", "contains"},
			{"utf16be", "base64offset", "contains"}, {"base64"}}[r.IntN(5)]
	case 11:
		it.mods = [][]string{{"windash"}, {"windash", "contains"}, {"contains", "windash"}, {"endswith", "windash"}}[r.IntN(4)]
	case 12:
		it.mods = [][]string{{"fieldref"}, {"fieldref", "contains"}, {"fieldref", "startswith"}, {"fieldref", "endswith"}}[r.IntN(4)]
		it.list, n = false, 1
	case 13:
		if !keyword {
			it.list = false
			it.values = []any{nil}
			return it
		}
	}
	for range n {
		switch {
		case slices.Contains(it.mods, "re"):
			it.values = append(it.values, pick(r, refRegexps))
		case slices.Contains(it.mods, "cidr"):
			it.values = append(it.values, pick(r, refNets))
		case slices.Contains(it.mods, "exists"):
			it.values = append(it.values, r.IntN(2) == 0)
		case kind == 9:
			it.values = append(it.values, json.Number(pick(r, []string{"0", "1", "42", "3.5", "9223372036854775806", "-8"})))
		case slices.ContainsFunc(it.mods, func(m string) bool { return strings.HasPrefix(m, "base64") }):
			it.values = append(it.values, strings.NewReplacer("*", "", "?", "", "\\", "/").Replace(refText(r)+"pq"))
		case kind == 12:
			it.values = append(it.values, pick(r, refFields))
		default:
			it.values = append(it.values, text())
		}
	}
	plain := kind <= 5 || kind == 11
	if it.list && n > 1 && (plain || kind == 6 || kind == 7 || kind == 10) && r.IntN(3) == 0 {
		if kind == 6 && r.IntN(2) == 0 {
			it.mods = append([]string{"all"}, it.mods...)
		} else {
			it.mods = append(it.mods, "all")
		}
	}
	if (kind <= 5 || kind == 12) && !keyword && r.IntN(8) == 0 {
		it.mods = append(it.mods, "cased")
	}
	if kind <= 5 && !keyword && r.IntN(10) == 0 && !slices.Contains(it.mods, "all") {
		it.mods = append(it.mods, "neq")
	}
	return it
}

type refGen struct{ r *rand.Rand }

func (g *refGen) rule(id int) refRule {
	r := g.r
	ru := refRule{id: fmt.Sprintf("ref-%d", id)}
	for i := range 1 + r.IntN(4) {
		s := refSel{name: pick(r, []string{"sel_", "filter_", "_hid", "or_", "x"}) + strconv.Itoa(i)}
		groups := 1
		if r.IntN(4) == 0 {
			groups, s.list = 2, true
		}
		for range groups {
			var items []refItem
			if r.IntN(7) == 0 {
				it := g.item(true)
				items = append(items, it)
				s.list = s.list || len(it.mods) == 0
			} else {
				used := map[string]bool{}
				for range 1 + r.IntN(3) {
					it := g.item(false)
					if k := it.key(); !used[k] {
						used[k] = true
						items = append(items, it)
					}
				}
			}
			s.groups = append(s.groups, items)
		}
		ru.sels = append(ru.sels, s)
	}
	ru.cond = g.cond(ru.sels, 3)
	return ru
}

func (g *refGen) cond(sels []refSel, depth int) refCond {
	r := g.r
	if depth == 0 || r.IntN(3) == 0 {
		if r.IntN(4) == 0 {
			pat := pick(r, []string{"them", "sel_*", "*", "filter_*", "_*", "*_1"})
			n := r.IntN(3)
			c := refCond{op: "of", name: pat, n: n}
			if len(ofNames(c, sels)) >= max(n, 1) {
				return c
			}
		}
		return refCond{op: "id", name: pick(r, sels).name}
	}
	switch r.IntN(3) {
	case 0:
		return refCond{op: "not", kids: []refCond{g.cond(sels, depth-1)}}
	case 1:
		return refCond{op: "and", kids: []refCond{g.cond(sels, depth-1), g.cond(sels, depth-1)}}
	}
	return refCond{op: "or", kids: []refCond{g.cond(sels, depth-1), g.cond(sels, depth-1)}}
}

func (it refItem) key() string { return strings.Join(append([]string{it.field}, it.mods...), "|") }

// ofNames are the identifiers a pattern stands for: "them" and patterns leave out those that begin with "_".
func ofNames(c refCond, sels []refSel) []string {
	var out []string
	for _, s := range sels {
		if strings.HasPrefix(s.name, "_") && !strings.HasPrefix(c.name, "_") {
			continue
		}
		if c.name == "them" || refGlob([]rune(c.name), nil, []rune(s.name), false) {
			out = append(out, s.name)
		}
	}
	return out
}

func (c refCond) text(outer int, r *rand.Rand) string {
	level := map[string]int{"or": 1, "and": 2, "not": 3}[c.op]
	var s string
	switch c.op {
	case "id":
		return c.name
	case "of":
		if c.n == 0 {
			return "all of " + c.name
		}
		return strconv.Itoa(c.n) + " of " + c.name
	case "not":
		s = "not " + c.kids[0].text(3, r)
	default:
		s = c.kids[0].text(level, r) + " " + c.op + " " + c.kids[1].text(level, r)
	}
	if level < outer || r.IntN(6) == 0 {
		return "(" + s + ")"
	}
	return s
}

// yaml writes the rule as JSON, which YAML is a superset of.
func (ru refRule) yaml(r *rand.Rand) string {
	det := map[string]any{}
	for _, s := range ru.sels {
		var groups []any
		for _, items := range s.groups {
			if items[0].field == "" && len(items[0].mods) == 0 {
				groups = append(groups, items[0].values...)
				continue
			}
			m := map[string]any{}
			for _, it := range items {
				if it.list {
					m[it.key()] = it.values
				} else {
					m[it.key()] = it.values[0]
				}
			}
			groups = append(groups, m)
		}
		if !s.list && len(groups) == 1 {
			det[s.name] = groups[0]
		} else {
			det[s.name] = groups
		}
	}
	det["condition"] = ru.cond.text(0, r)
	b, _ := json.Marshal(map[string]any{"title": ru.id, "id": ru.id, "logsource": map[string]any{"product": "windows"}, "detection": det})
	return string(b)
}

// refValue is one value of a field of an event.
type refValue struct {
	text string
	null bool
}

// flatten gives every field's values; nested names are joined by dots, arrays are several values.
func flatten(dst map[string][]refValue, name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			n := k
			if name != "" {
				n = name + "." + k
			}
			flatten(dst, n, x)
		}
	case []any:
		for _, x := range v {
			flatten(dst, name, x)
		}
	case nil:
		dst[name] = append(dst[name], refValue{null: true})
	case string:
		dst[name] = append(dst[name], refValue{text: v})
	case bool:
		dst[name] = append(dst[name], refValue{text: strconv.FormatBool(v)})
	case json.Number:
		dst[name] = append(dst[name], refValue{text: v.String()})
	}
}

func sameRune(a, b rune) bool {
	if a == b {
		return true
	}
	for x := unicode.SimpleFold(a); x != a; x = unicode.SimpleFold(x) {
		if x == b {
			return true
		}
	}
	return false
}

// refGlob matches a pattern; literal says which of its characters are none of the wildcards.
func refGlob(p []rune, literal []bool, s []rune, cased bool) bool {
	// row[j]: p[:i] matches s[:j]
	row := make([]bool, len(s)+1)
	row[0] = true
	for i, c := range p {
		lit := literal != nil && literal[i]
		next := make([]bool, len(s)+1)
		for j := range next {
			switch {
			case c == '*' && !lit:
				next[j] = row[j] || j > 0 && next[j-1]
			case j == 0:
			case c == '?' && !lit:
				next[j] = row[j-1]
			case c == dashClass:
				next[j] = row[j-1] && strings.ContainsRune("-/–—―", s[j-1])
			default:
				next[j] = row[j-1] && (s[j-1] == c || !cased && sameRune(s[j-1], c))
			}
		}
		row = next
	}
	return row[len(s)]
}

const dashClass = '\uE000'

// unescaped reads a Sigma string: a backslash is plain unless "*", "?" or a backslash follows.
func unescaped(s string) (p []rune, literal []bool) {
	in := []rune(s)
	for i := 0; i < len(in); i++ {
		lit := in[i] != '*' && in[i] != '?'
		if in[i] == '\\' && i+1 < len(in) && strings.ContainsRune(`*?\`, in[i+1]) {
			i++
			lit = true
		}
		p, literal = append(p, in[i]), append(literal, lit)
	}
	return p, literal
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }

// holds says whether one value of the rule holds for one value of the event.
func (it refItem) holds(want any, got refValue) bool {
	has := func(m string) bool { return slices.Contains(it.mods, m) }
	if got.null {
		return false
	}
	text := fmt.Sprint(want)
	switch {
	case has("re"):
		flags := ""
		for _, f := range []string{"i", "m", "s"} {
			if has(f) {
				flags += f
			}
		}
		if flags != "" {
			text = "(?" + flags + ")" + text
		}
		return regexp.MustCompile(text).MatchString(got.text)
	case has("cidr"):
		net, err := netip.ParsePrefix(text)
		if err != nil {
			a := netip.MustParseAddr(text)
			net = netip.PrefixFrom(a, a.BitLen())
		}
		a, err := netip.ParseAddr(got.text)
		if err != nil {
			return false
		}
		a = a.Unmap().WithZone("")
		if net.Addr().Is4In6() {
			return a.Is4() && net.Contains(netip.AddrFrom16(a.As16()))
		}
		return net.Contains(a)
	case has("lt"), has("lte"), has("gt"), has("gte"):
		if !regexp.MustCompile(`^[-+]?[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?$`).MatchString(got.text) {
			return false
		}
		x, ok := new(big.Rat).SetString(got.text)
		y, _ := new(big.Rat).SetString(text)
		if !ok {
			return false
		}
		c := x.Cmp(y)
		return has("lt") && c < 0 || has("lte") && c <= 0 || has("gt") && c > 0 || has("gte") && c >= 0
	}
	p, literal := unescaped(text)
	if _, isText := want.(string); !isText {
		p = []rune(text)
		literal = make([]bool, len(p))
		for i := range literal {
			literal[i] = true
		}
	}
	alternatives := [][]rune{p}
	for _, m := range it.mods {
		switch m {
		case "wide", "utf16be":
			var b []rune
			for _, u := range utf16.Encode(p) {
				hi, lo := rune(u>>8), rune(u&0xff)
				if m == "wide" {
					hi, lo = lo, hi
				}
				b = append(b, hi, lo)
			}
			alternatives = [][]rune{b}
		case "base64", "base64offset":
			var raw []byte
			if has("wide") || has("utf16be") {
				for _, b := range alternatives[0] {
					raw = append(raw, byte(b))
				}
			} else {
				raw = []byte(string(alternatives[0]))
			}
			alternatives = nil
			if m == "base64" {
				alternatives = append(alternatives, []rune(base64.StdEncoding.EncodeToString(raw)))
				break
			}
			for shift := range 3 { // the characters that do not depend on what stands around
				enc := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), raw...))
				first := (shift*8 + 5) / 6
				last := (shift + len(raw)) * 8 / 6
				alternatives = append(alternatives, []rune(enc[first:last]))
			}
		case "windash":
			q := slices.Clone(p)
			for i, c := range p {
				if (c == '-' || c == '/') && (i == 0 || !literal[i-1] || !isWord(p[i-1])) && i+1 < len(p) && literal[i+1] && isWord(p[i+1]) {
					q[i] = dashClass
				}
			}
			alternatives = [][]rune{q}
		}
	}
	for _, a := range alternatives {
		lit := literal
		if len(a) != len(p) {
			lit = make([]bool, len(a))
			for i := range lit {
				lit[i] = true
			}
		}
		star := func(before, after bool) {
			if before {
				a, lit = append([]rune{'*'}, a...), append([]bool{false}, lit...)
			}
			if after {
				a, lit = append(slices.Clone(a), '*'), append(slices.Clone(lit), false)
			}
		}
		switch {
		case has("contains"), it.field == "":
			star(true, true)
		case has("startswith"):
			star(false, true)
		case has("endswith"):
			star(true, false)
		}
		if refGlob(a, lit, []rune(got.text), has("cased")) {
			return true
		}
	}
	return false
}

func (it refItem) eval(e map[string][]refValue) bool {
	values := e[it.field]
	if it.field == "" {
		for _, v := range e {
			values = append(values, v...)
		}
	}
	if len(values) == 0 && it.field != "" { // names count with their blanks taken out too
		values = e[strings.ReplaceAll(it.field, " ", "")]
	}
	has := func(m string) bool { return slices.Contains(it.mods, m) }
	if it.values[0] == nil {
		return len(values) == 0 || slices.ContainsFunc(values, func(v refValue) bool { return v.null })
	}
	if has("exists") {
		return (len(values) > 0) == it.values[0].(bool)
	}
	if has("fieldref") {
		for _, v := range values {
			for _, o := range e[it.values[0].(string)] {
				// null counts as empty text here, as in the published pairs of rules and events; a missing field as nothing
				a, b := []rune(v.text), []rune(o.text)
				all := make([]bool, len(b))
				for i := range all {
					all[i] = true
				}
				lit := slices.Clone(all)
				if has("contains") || has("endswith") {
					b, lit = append([]rune{'*'}, b...), append([]bool{false}, lit...)
				}
				if has("contains") || has("startswith") {
					b, lit = append(slices.Clone(b), '*'), append(lit, false)
				}
				if refGlob(b, lit, a, has("cased")) {
					return true
				}
			}
		}
		return false
	}
	one := func(want any) bool {
		return slices.ContainsFunc(values, func(v refValue) bool { return it.holds(want, v) })
	}
	if has("neq") {
		return slices.ContainsFunc(values, func(v refValue) bool { return !v.null }) && !slices.ContainsFunc(it.values, one)
	}
	if has("all") {
		return !slices.ContainsFunc(it.values, func(w any) bool { return !one(w) })
	}
	return slices.ContainsFunc(it.values, one)
}

func (c refCond) eval(ru *refRule, e map[string][]refValue) bool {
	sel := func(name string) bool {
		for _, s := range ru.sels {
			if s.name == name {
				return slices.ContainsFunc(s.groups, func(items []refItem) bool {
					return !slices.ContainsFunc(items, func(it refItem) bool { return !it.eval(e) })
				})
			}
		}
		panic(name)
	}
	switch c.op {
	case "id":
		return sel(c.name)
	case "not":
		return !c.kids[0].eval(ru, e)
	case "and":
		return c.kids[0].eval(ru, e) && c.kids[1].eval(ru, e)
	case "or":
		return c.kids[0].eval(ru, e) || c.kids[1].eval(ru, e)
	}
	names := ofNames(c, ru.sels)
	n := 0
	for _, name := range names {
		if sel(name) {
			n++
		}
	}
	if c.n == 0 {
		return n == len(names)
	}
	return n >= c.n
}

func (g *refGen) event() (doc []byte, fields map[string][]refValue) {
	r := g.r
	var value func(depth int) any
	value = func(depth int) any {
		switch n := r.IntN(12); {
		case n < 7:
			return eventText(r)
		case n < 9:
			return pick(r, refScalars)
		case n == 9:
			return nil
		case n == 10:
			return ""
		}
		if depth == 0 {
			return eventText(r)
		}
		var list []any
		for range 1 + r.IntN(3) {
			list = append(list, value(depth-1))
		}
		return list
	}
	e := map[string]any{}
	for _, f := range refFields {
		if r.IntN(4) == 0 {
			continue
		}
		switch f {
		case "N.x":
			if n, ok := e["N"].(map[string]any); ok {
				n["x"] = value(1)
			} else {
				e["N"] = map[string]any{"x": value(1)}
			}
		case "N.y.z":
			if n, ok := e["N"].(map[string]any); ok {
				n["y"] = map[string]any{"z": value(1)}
			} else if r.IntN(2) == 0 {
				e["N.y"] = map[string]any{"z": value(1)}
			} else {
				e["N"] = []any{map[string]any{"y": map[string]any{"z": value(0)}}, map[string]any{"y": map[string]any{"z": value(0)}}}
			}
		case "Long Name":
			e[pick(r, []string{"Long Name", "Other"})] = value(1)
		default:
			e[f] = value(1)
		}
	}
	if len(e) == 0 {
		e["Other"] = "x"
	}
	doc, _ = json.Marshal(e)
	fields = map[string][]refValue{}
	flatten(fields, "", map[string]any(e))
	return doc, fields
}

// TestAgainstReference draws rules and events of every kind and compares the engine, with its index before and after it has learned
// and without, to the reference. HOALU_ROUNDS=n runs longer.
func TestAgainstReference(t *testing.T) {
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("HOALU_ROUNDS")); err == nil {
		rounds = n
	}
	hits, pairs := 0, 0
	for round := range rounds {
		g := &refGen{rand.New(rand.NewPCG(uint64(round), 7))}
		var rules []refRule
		d := &sigma.Documents{}
		text := map[string]string{}
		for i := range 150 {
			ru := g.rule(i)
			text[ru.id] = ru.yaml(g.r)
			d.Parse("ref.yml", []byte(text[ru.id]), sigma.Values{})
			rules = append(rules, ru)
		}
		set, refused := sigma.Compile(d, sigma.Options{Taxonomy: words(t)})
		for _, r := range append(d.Refused, refused...) {
			t.Errorf("round %d: refused %s\n%s", round, r, text[r.Rule])
		}
		m := set.NewMatcher()
		for range 150 {
			doc, fields := g.event()
			var p ecs.Parser
			e := &ecs.Event{}
			if err := p.Parse(e, doc); err != nil {
				t.Fatalf("%v: %s", err, doc)
			}
			e.SetLogsource("windows", "")
			got, naive := map[string]bool{}, map[string]bool{}
			for _, r := range m.Match(e, nil) {
				got[r.ID] = true
			}
			for _, r := range m.MatchNaive(e, nil) {
				naive[r.ID] = true
			}
			for i := range rules {
				ru := &rules[i]
				want := ru.cond.eval(ru, fields)
				pairs++
				if want {
					hits++
				}
				if got[ru.id] != want || naive[ru.id] != want {
					t.Fatalf("round %d: engine %v, naive %v, reference %v\n%s\n%s\n%v", round, got[ru.id], naive[ru.id], want, text[ru.id], doc,
						set.Explain(set.Rule(ru.id), e))
				}
			}
		}
	}
	t.Logf("%d pairs, %d hold", pairs, hits)
	if hits*20 < pairs || hits*20 > pairs*19 {
		t.Errorf("%d of %d pairs hold: the events do not fit the rules", hits, pairs)
	}
}

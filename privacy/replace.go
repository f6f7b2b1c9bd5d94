package privacy

import (
	"slices"
	"strings"
	"time"

	"hoalu/ecs"
)

// replacement is what an event holds with the token of each.
type replacement struct {
	known  []Match
	tokens []string
	byText map[string]string // normal forms and spellings → token, where they are more than a few
}

// index prepares lookups in what is more than a few.
func (r *replacement) index() {
	if len(r.known) <= few {
		return
	}
	r.byText = make(map[string]string, 3*len(r.known))
	for k, m := range r.known {
		r.byText[m.Normal] = r.tokens[k]
		for _, spelled := range m.spellings() {
			r.byText[spelled] = r.tokens[k]
		}
	}
}

// token of a match, "" when it is not known.
func (r *replacement) token(m Match) string {
	if r.byText != nil {
		return r.byText[m.Normal]
	}
	for k := range r.known {
		if r.known[k].Normal == m.Normal {
			return r.tokens[k]
		}
	}
	return ""
}

// tokenOfRun is the token of a whole run of digits that is a spelling of what is known, "" of no other.
func (r *replacement) tokenOfRun(run string) string {
	if r.byText != nil {
		return r.byText[run]
	}
	for k, m := range r.known {
		if m.Kind == Phone && (len(run) == 10 && run[0] == '0' && run[1:] == m.Normal[3:] || run == m.Normal[1:]) || run == m.Normal {
			return r.tokens[k]
		}
	}
	return ""
}

// put writes the token in the place of each match that is known; matches are in the order of their places.
func (r *replacement) put(text string, matches []Match) string {
	var b strings.Builder
	from := 0
	for _, m := range matches {
		if t := r.token(m); t != "" && m.Start >= from {
			b.WriteString(text[from:m.Start])
			b.WriteString(t)
			from = m.End
		}
	}
	if from == 0 {
		return text
	}
	b.WriteString(text[from:])
	return b.String()
}

// mayStandIn is a quick look for what is known.
func (r *replacement) mayStandIn(text string) bool {
	if r.byText != nil {
		return true
	}
	for _, m := range r.known {
		digits := m.Normal
		if m.Kind == Phone { // what "0912…" and "84912…" share
			digits = digits[3:]
		}
		if strings.Contains(text, digits) {
			return true
		}
	}
	return false
}

// putRuns writes the token in the place of every run of digits that is exactly one known number.
func (r *replacement) putRuns(text string) string {
	if !r.mayStandIn(text) {
		return text
	}
	var b strings.Builder
	from := 0
	for i := 0; i < len(text); {
		if !digit(text[i]) {
			i++
			continue
		}
		start := i
		for i < len(text) && digit(text[i]) {
			i++
		}
		start = behindEscape(text, start, i)
		if n := i - start; n < 9 || n > 12 {
			continue
		}
		if t := r.tokenOfRun(text[start:i]); t != "" {
			b.WriteString(text[from:start])
			b.WriteString(t)
			from = i
		}
	}
	if from == 0 {
		return text
	}
	b.WriteString(text[from:])
	return b.String()
}

// replace puts tokens in the place of what is known, in the values of fields.
func (p *Protector) replace(e *ecs.Event, r *replacement, year int) {
	var room [8]Match
	for i := range e.Len() {
		f, v := e.At(i)
		if len(v.Text) < 9 || v.Kind > ecs.Number {
			continue
		}
		class := p.classes.of(f)
		text := v.Text
		switch class {
		case classNever:
			if v.Kind != ecs.String { // a size or a time
				continue
			}
		default:
			if !digitRun(text) {
				continue
			}
			if class == classGuarded { // what is certain elsewhere in the event is so here
				class = classNeutral
			}
			text = r.put(text, find(room[:0], look(text), class, v.Kind == ecs.Number, year))
		}
		// What is certain in one place stands nowhere beside its token, whatever the field and where it is part of something longer.
		text = r.putRuns(text)
		if escapesTouchDigits(text) {
			text = r.put(text, full(room[:0], look(text), anywhere, year))
		}
		if text != v.Text {
			e.SetAt(i, text)
			if class != classNever {
				e.SetKindAt(i, ecs.String)
			}
		}
	}
}

// ProtectText replaces what a person typed into a form (a note, a reason, a search, a log-in name) by what may be kept for ever:
// every full personal number and every likely telephone number by its token of the first group, every secret by its kind.
func (p *Protector) ProtectText(text string) (string, error) {
	if kind, normal, ok := Normalise(text); ok { // nothing but an identifier, as one tried for a log-in name
		return p.Token(kind, p.cfg.Groups[0], normal)
	}
	if s := secretsIn(nil, text); len(s) > 0 {
		text = without(text, s)
	}
	year := time.Now().Year()
	known := full(nil, look(text), anywhere, year)
	if digitRun(text) {
		for _, m := range find(nil, look(text), classNeutral, false, year) {
			if m.Confidence >= Likely || m.Kind == CCCD {
				known = append(known, m)
			}
		}
	}
	return p.tokens(text, inOrder(known))
}

// ProtectName replaces every full personal number in the name of a machine or a source by its token, as Protect does in a host's name.
func (p *Protector) ProtectName(name string) (string, error) {
	return p.tokens(name, inOrder(full(nil, look(name), anywhere, time.Now().Year())))
}

// tokens puts the token of the first group in the place of each match, in their order.
func (p *Protector) tokens(text string, known []Match) (string, error) {
	var b strings.Builder
	from := 0
	for _, m := range known {
		t, err := p.Token(m.Kind, p.cfg.Groups[0], m.Normal)
		if err != nil {
			return "", err
		}
		b.WriteString(text[from:m.Start])
		b.WriteString(t)
		from = m.End
	}
	b.WriteString(text[from:])
	return b.String(), nil
}

// rename gives fields whose name holds an identifier another one: a document may have citizens' numbers as keys.
func (p *Protector) rename(e *ecs.Event, r *replacement, year int) {
	renameFields(e, func(name string) string {
		if ms := findName(name, year); len(ms) > 0 {
			return r.put(name, ms)
		}
		return name
	})
}

// renameFields gives the fields of e the names that renamed makes of theirs.
func renameFields(e *ecs.Event, renamed func(name string) string) {
	type change struct {
		from ecs.Field
		to   string
	}
	var changes []change
	for i := range e.Len() {
		f, _ := e.At(i)
		if slices.ContainsFunc(changes, func(c change) bool { return c.from == f }) {
			continue
		}
		if name := renamed(f.Name()); name != f.Name() {
			changes = append(changes, change{f, name})
		}
	}
	for _, c := range changes {
		values := e.Values(nil, c.from)
		for i := range values {
			values[i].Text = strings.Clone(values[i].Text)
		}
		e.Delete(c.from)
		to := ecs.Intern(c.to)
		for _, v := range values {
			if to == ecs.Overflow {
				v.Text, v.Kind = c.to+"="+v.Text, ecs.String
			}
			e.Add(to, v.Text, v.Kind)
		}
	}
}

// findName gives the likely identifiers in the name of a field. A part that is nothing but a valid personal number is a key.
func findName(name string, year int) []Match {
	if !digitRun(name) {
		return nil
	}
	var out []Match
	for from := 0; from < len(name); {
		end := len(name)
		if i := strings.IndexByte(name[from:], '.'); i >= 0 {
			end = from + i
		}
		class := classNeutral
		if from > 0 {
			class = classify(name[:from-1])
		}
		if part := name[from:end]; class != classNever && class != classGuarded && digitRun(part) {
			above := squeeze(strings.ToLower(name[strings.LastIndexByte(name[:max(from-1, 0)], '.')+1 : max(from-1, 0)]))
			for _, m := range find(nil, look(part), class, false, year) {
				if m.Kind == CCCD && m.End-m.Start == len(part) && !machine[above] {
					m.Confidence += 0.1
				}
				if m.Confidence >= Likely {
					m.Start, m.End = m.Start+from, m.End+from
					out = append(out, m)
				}
			}
		}
		from = end + 1
	}
	return out
}

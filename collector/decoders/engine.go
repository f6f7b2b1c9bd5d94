package decoders

import (
	"slices"
	"strings"

	"hoalu/ecs"
)

// The engine reads a message by a definition: it parses, looks for the first rule that holds, goes on in that rule, and when the way
// through the rules is known it fills the event, the outer steps first. A message that some parse on the way refuses leaves the event
// as it was.

// looksLike says whether a text of unknown dataset is worth a try.
func (def *definition) looksLike(s, app string) bool {
	for i := range def.Detect {
		if t := &def.Detect[i]; t.text() && t.matches(s, app) {
			return true
		}
	}
	return false
}

func (t *detect) matches(s, app string) bool {
	if len(t.App) > 0 && !slices.Contains(t.App, app) {
		return false
	}
	for _, w := range t.All {
		if !strings.Contains(s, w) {
			return false
		}
	}
	if len(t.Any) > 0 && !slices.ContainsFunc(t.Any, func(w string) bool { return strings.Contains(s, w) }) {
		return false
	}
	if t.re == nil {
		return true
	}
	if app != "" && len(t.All)+len(t.Any)+len(t.App) == 0 { // a line that a syslog daemon named is of that program
		return false
	}
	return t.re.MatchString(s)
}

func (def *definition) looksLikeJSON(e *ecs.Event) bool {
	for i := range def.Detect {
		t := &def.Detect[i]
		if len(t.fields) == 0 {
			continue
		}
		if !slices.ContainsFunc(t.fields, func(f ecs.Field) bool { return !e.Has(f) }) {
			return true
		}
	}
	return false
}

// decodeText reads s by the definition, app is the syslog program; false leaves e as it was.
func (def *definition) decodeText(d *Decoder, e *ecs.Event, s, app string, o Options) bool {
	if def.Parse == "json" {
		return false // documents come by decodeJSON
	}
	d.kvs = append(d.kvs[:0], pair{"@text", s}, pair{"@app", app})
	return def.run(d, e, s, o)
}

// decodeJSON maps the members of a document that e already holds under their own names.
func (def *definition) decodeJSON(d *Decoder, e *ecs.Event, o Options) bool {
	if def.Parse != "json" {
		return false
	}
	d.kvs = d.kvs[:0]
	for i := range e.Len() {
		f, v := e.At(i)
		if v.Kind != ecs.Null && v.Text != "" {
			d.kvs = append(d.kvs, pair{f.Name(), v.Text})
		}
	}
	return def.run(d, e, "", o)
}

// stage is one step of the way through a definition with the pairs that it read.
type stage struct {
	*step
	from, to int // of d.kvs
}

// run finds the way and follows it; d.kvs holds what is known before the first step.
func (def *definition) run(d *Decoder, e *ecs.Event, s string, o Options) bool {
	var way [maxSteps]stage
	first := stage{step: &def.step, from: len(d.kvs)}
	if def.Parse == "json" {
		first.from = 0
	} else if !def.step.read(d, s) {
		return false
	}
	first.to = len(d.kvs)
	way[0] = first
	n := 1
	for rules := def.Rules; len(rules) > 0 && n < maxSteps; {
		r, from := firstRule(d, rules, s)
		if r == nil {
			break
		}
		way[n] = stage{r, from, len(d.kvs)}
		n++
		rules = r.Rules
	}
	if def.Parse == "" && n == 1 { // only its rules parse, and none of them could
		return false
	}
	if def.Parse == "" { // what the first rule read is what the definition's own fields are about
		way[0].from, way[0].to = way[1].from, way[1].to
	}
	for i := range way[:n] {
		way[i].emit(d, e, o, i > 0 || def.Parse != "", i == 0)
	}
	return true
}

// firstRule is the first of rules that holds and whose parse succeeds; what it read stands in d.kvs from the returned place on.
func firstRule(d *Decoder, rules []*step, s string) (*step, int) {
	from := len(d.kvs)
	for _, r := range rules {
		if !r.holds(d.kvs) {
			continue
		}
		of := s
		if r.Of != "" {
			of = find(d.kvs, r.Of)
		}
		if r.Parse == "" || of != "" && r.read(d, of) {
			return r, from
		}
		d.kvs = d.kvs[:from]
	}
	return nil, 0
}

// holds says whether all conditions of a rule do.
func (st *step) holds(kvs []pair) bool {
	for i := range st.conditions {
		if !st.conditions[i].holds(kvs) {
			return false
		}
	}
	return true
}

func (c *condition) holds(kvs []pair) bool {
	v := find(kvs, c.field)
	switch c.op {
	case "exists":
		return (v != "") == (c.values[0] == "true")
	case "not":
		return !slices.Contains(c.values, v)
	case "re":
		for _, re := range c.res {
			if re.MatchString(v) {
				return true
			}
		}
		return false
	}
	for _, w := range c.values {
		ok := false
		switch c.op {
		case "contains":
			ok = strings.Contains(v, w)
		case "startswith":
			ok = strings.HasPrefix(v, w)
		case "endswith":
			ok = strings.HasSuffix(v, w)
		default:
			ok = v == w || w == "*" && v != ""
		}
		if ok {
			return true
		}
	}
	return false
}

// read parses s and appends what it found to d.kvs; false where s is not of the kind.
func (st *step) read(d *Decoder, s string) bool {
	kvs, ok := d.kvs, st.Parse == ""
	switch st.Parse {
	case "kv":
		if st.KV.Trim != "" {
			s = strings.Trim(s, st.KV.Trim)
		}
		kvs, ok = readPairs(kvs, s, st.KV.Separator, st.KV.Equals)
	case "cef":
		kvs, ok = readCEF(kvs, s)
	case "leef":
		kvs, ok = readLEEF(kvs, s)
	case "csv":
		kvs, ok = readCSV(kvs, s, st.CSV.Separator[0], st.CSV.Columns)
	case "dissect":
		for i := range st.dissects {
			if kvs, ok = st.dissects[i].read(kvs, s); ok {
				break
			}
		}
	case "pattern":
		kvs, ok = st.readPattern(kvs, s)
	case "json":
		kvs, ok = d.readJSON(kvs, s)
	}
	d.kvs = kvs
	return ok
}

func (st *step) readPattern(kvs []pair, s string) ([]pair, bool) {
	for _, re := range st.patterns {
		m := re.FindStringSubmatchIndex(s)
		if m == nil {
			continue
		}
		for i, n := range re.SubexpNames() {
			if n != "" && m[2*i] >= 0 {
				kvs = append(kvs, pair{n, s[m[2*i]:m[2*i+1]]})
			}
		}
		return kvs, true
	}
	return kvs, false
}

// readJSON flattens a document that stands in a text.
func (d *Decoder) readJSON(kvs []pair, s string) ([]pair, bool) {
	s = trimLead(s)
	if s == "" || s[0] != '{' {
		return kvs, false
	}
	var inner ecs.Event
	var parser ecs.Parser // d.json may be in use
	if parser.Parse(&inner, []byte(s)) != nil {
		return kvs, false
	}
	for i := range inner.Len() {
		f, v := inner.At(i)
		if v.Kind != ecs.Null && v.Text != "" && len(kvs) < 512 {
			kvs = append(kvs, pair{f.Name(), v.Text})
		}
	}
	return kvs, true
}

func find(kvs []pair, k string) string {
	for _, p := range kvs {
		if p.k == k {
			return p.v
		}
	}
	return ""
}

// emit fills e with what a stage says; own: the stage's own pairs are kept under their names, root: it is the definition itself.
func (st *stage) emit(d *Decoder, e *ecs.Event, o Options, own, root bool) {
	kvs, pairs := d.kvs, d.kvs[st.from:st.to]
	if own && st.Parse != "" && !(root && st.Parse == "json") && st.Prefix != "-" {
		for _, p := range pairs {
			if p.v != "" {
				d.name = append(append(d.name[:0], st.Prefix...), p.k...)
				d.addNamed(e, d.name, p.v, ecs.String)
			}
		}
	}
	if st.Parse == "" && !root {
		pairs = kvs
	}
	var taken [64]ecs.Field // what this message's own fields gave replaces the header's; of several the first counts, of messages the last
	n := 0
	for _, p := range pairs {
		if p.v == "" || p.v == "-" || p.v == "N/A" {
			continue
		}
		for _, t := range st.targets[p.k] {
			if slices.Contains(taken[:n], t.f) && t.f != ecs.Message || !t.put(d, e, p.v) {
				continue
			}
			if n < len(taken) {
				taken[n] = t.f
				n++
			}
		}
	}
	for _, c := range st.consts {
		set(e, c.f, fill(kvs, c.v))
	}
	for i := range st.tables {
		set(e, st.tables[i].to, st.tables[i].value(kvs))
	}
	st.time(e, kvs, o)
	if l := st.Logsource; l != nil {
		e.SetLogsource(fill(kvs, l.Product), fill(kvs, l.Service), l.Category...)
	}
}

// value is what the first table that knows its field's value gives.
func (t *table) value(kvs []pair) string {
	for _, m := range t.from {
		v := find(kvs, m.Field)
		to, ok := m.Map[v]
		if !ok && v != "" {
			to = m.Map["*"]
		}
		if to != "" {
			return to
		}
	}
	return ""
}

// fill puts the value of a source field in the place of {field}.
func fill(kvs []pair, s string) string {
	if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
		return find(kvs, s[1:len(s)-1])
	}
	return s
}

func (st *step) time(e *ecs.Event, kvs []pair, o Options) {
	if st.zone != nil {
		o.Zone = st.zone
	}
	if len(st.Time.Fields) > 0 {
		if t, rest, ok := textTime(joined(kvs, st.Time.Fields), e.Created, o); ok {
			e.Time = t
			if unknownZone(rest) {
				e.Set(ecs.HoaluTimeSuspect, "true", ecs.Bool)
			}
			return
		}
	}
	if st.Time.Field == "" {
		return
	}
	v := find(kvs, st.Time.Field)
	if t, ok := numberTime(v); ok {
		e.Time = t
	} else if t, _, ok := textTime(v, e.Created, o); ok {
		e.Time = t
	}
}

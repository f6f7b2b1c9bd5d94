package sigma

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"hoalu/internal/wording"
)

// MaxDocument bounds one rule; larger is no rule.
const MaxDocument = 1 << 20

// Values is what rules are filled in with when they are read.
type Values struct {
	// Placeholders are the values of %name% for values with the modifier expand; a rule that needs others is refused.
	Placeholders map[string][]string

	// Protect, if set, says what stands in events in place of a literal (decision 17). Whole is true for a literal a value must
	// equal: it answers the tokens, or nothing where the text is no identifier. Whole is false for a literal that is only part of
	// a value; an error there or here refuses the rule.
	Protect func(literal string, whole bool) (tokens []string, err error)
}

// Parse appends the documents of one YAML file, one or more, to d.
func (d *Documents) Parse(file string, data []byte, values Values) {
	p := &parser{Values: values}
	for _, doc := range splitDocuments(data) {
		p.parse(d, file, doc)
	}
}

type parser struct {
	Values
	items int // values and lists read of the document at hand
}

// maxItems bounds what a document may unfold to: YAML aliases of aliases make much of little.
const maxItems = 200_000

func (p *parser) count() error {
	if p.items++; p.items > maxItems {
		return wording.New("more than %d values; do aliases repeat themselves?", maxItems)
	}
	return nil
}

// source is the text of one document and how many lines of its file stand before it.
type source struct {
	text   string
	before int
}

// splitDocuments cuts at lines "---", so that one document that is no YAML does not take the others with it.
func splitDocuments(data []byte) []source {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	var out []source
	var doc []string
	before := 0
	for i, line := range strings.SplitAfter(string(data), "\n") {
		t := strings.TrimRight(line, " \t\r\n")
		if t == "---" || t == "..." || strings.HasPrefix(t, "--- #") {
			out = append(out, source{strings.Join(doc, ""), before})
			doc, before = doc[:0], i+1
			continue
		}
		doc = append(doc, line)
	}
	out = append(out, source{strings.Join(doc, ""), before})
	return slices.DeleteFunc(out, func(s source) bool {
		for _, line := range strings.Split(s.text, "\n") {
			if t := strings.TrimSpace(line); t != "" && t[0] != '#' {
				return false
			}
		}
		return true
	})
}

// located is an error of one place in a file.
type located struct {
	line int
	err  error
}

func (l *located) Error() string { return l.err.Error() }
func (l *located) Unwrap() error { return l.err }

// at says where an error is, unless it says so itself.
func at(line int, err error) error {
	var l *located
	if err == nil || line <= 0 || errors.As(err, &l) {
		return err
	}
	return &located{line, err}
}

// shift makes the lines of a document those of its file.
func shift(n *yaml.Node, by int) {
	n.Line += by
	for _, k := range n.Content {
		shift(k, by)
	}
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

func (p *parser) parse(d *Documents, file string, doc source) {
	title := ""
	p.items = 0
	text := doc.text
	first := doc.before + 1
	refuse := func(err error) {
		line := first
		var l *located
		if errors.As(err, &l) {
			line = l.line
		}
		d.Refused = append(d.Refused, Refusal{File: file, Line: line, Rule: title, Why: wording.Of(err)})
	}
	if len(text) > MaxDocument {
		refuse(wording.New("document is larger than %d bytes", MaxDocument))
		return
	}
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		said := err.Error()
		m := yamlLine.FindStringSubmatch(said)
		if n, nerr := strconv.Atoi(m[1]); nerr == nil {
			first = doc.before + n
		}
		refuse(wording.Because(err, "YAML: %s", wording.YAML(said)))
		return
	}
	if len(root.Content) == 0 {
		return
	}
	shift(&root, doc.before)
	first = max(first, root.Content[0].Line)
	top, err := asMap(root.Content[0])
	if err != nil {
		refuse(wording.New("a rule is a map of title, logsource, detection …: %s", err))
		return
	}
	title = scalarText(top.get("title"))
	if title == "" {
		title = scalarText(top.get("id"))
	}
	meta, err := parseMeta(top)
	if err != nil {
		refuse(err)
		return
	}
	sum := sha256.Sum256([]byte(text))
	meta.File, meta.Line, meta.Text, meta.Version = file, first, text, hex.EncodeToString(sum[:6])
	switch {
	case top.get("correlation") != nil:
		c, err := parseCorrelation(top, meta)
		if err != nil {
			refuse(at(top.get("correlation").Line, err))
			return
		}
		d.Correlations = append(d.Correlations, c)
	case top.get("filter") != nil:
		f, err := p.parseFilter(top, meta)
		if err != nil {
			refuse(at(top.get("filter").Line, err))
			return
		}
		d.Filters = append(d.Filters, f)
	case top.get("action") != nil:
		refuse(wording.New(`"action" documents (rule collections of Sigma 1) are not supported; write whole rules`))
	default:
		r, err := p.parseRule(top, meta)
		if err != nil {
			refuse(err)
			return
		}
		d.Rules = append(d.Rules, r)
	}
}

// mapping is a YAML map in the order of the file.
type mapping struct {
	keys  []string
	lines []int // of the keys
	vals  []*yaml.Node
}

func (m *mapping) get(key string) *yaml.Node {
	if m == nil {
		return nil
	}
	for i, k := range m.keys {
		if k == key {
			return m.vals[i]
		}
	}
	return nil
}

func deref(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func asMap(n *yaml.Node) (*mapping, error) {
	n = deref(n)
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, at(lineOf(n), wording.New("want a map"))
	}
	m := &mapping{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := deref(n.Content[i])
		if k.Kind != yaml.ScalarNode {
			return nil, at(k.Line, wording.New("a key must be text"))
		}
		if k.ShortTag() == "!!merge" {
			return nil, at(k.Line, wording.New("YAML merge keys (<<) are not supported"))
		}
		key := k.Value
		if k.ShortTag() == "!!null" {
			key = ""
		}
		if slices.Contains(m.keys, key) {
			return nil, at(k.Line, wording.New("key %q stands twice", key))
		}
		m.keys, m.lines = append(m.keys, key), append(m.lines, k.Line)
		m.vals = append(m.vals, deref(n.Content[i+1]))
	}
	return m, nil
}

// within says in which part of the document a problem is; place is words of Sigma or of the document itself.
func within(place string, err error) error { return wording.New("%s: %s", place, err) }

func lineOf(n *yaml.Node) int {
	if n == nil {
		return 0
	}
	return n.Line
}

func scalarText(n *yaml.Node) string {
	n = deref(n)
	if n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}

func textList(n *yaml.Node) ([]string, error) {
	n = deref(n)
	if n == nil || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil, nil
	}
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}, nil
	}
	if n.Kind != yaml.SequenceNode {
		return nil, at(n.Line, wording.New("want a list of text"))
	}
	var out []string
	for _, c := range n.Content {
		c = deref(c)
		if c.Kind != yaml.ScalarNode || c.ShortTag() == "!!null" {
			return nil, at(c.Line, wording.New("want a list of text"))
		}
		out = append(out, c.Value)
	}
	return out, nil
}

var (
	levels   = []string{"informational", "low", "medium", "high", "critical"}
	statuses = []string{"stable", "test", "experimental", "deprecated", "unsupported"}
)

func parseMeta(top *mapping) (Meta, error) {
	m := Meta{
		ID:          scalarText(top.get("id")),
		Name:        scalarText(top.get("name")),
		Title:       scalarText(top.get("title")),
		Description: scalarText(top.get("description")),
		Status:      scalarText(top.get("status")),
		Level:       scalarText(top.get("level")),
		Author:      scalarText(top.get("author")),
	}
	if m.Title == "" {
		return m, wording.New("title is missing")
	}
	if m.Level != "" && !slices.Contains(levels, m.Level) {
		return m, wording.New("level %q: want one of %s", m.Level, strings.Join(levels, ", "))
	}
	if m.Status != "" && !slices.Contains(statuses, m.Status) {
		return m, wording.New("status %q: want one of %s", m.Status, strings.Join(statuses, ", "))
	}
	for _, id := range []string{m.ID, m.Name, m.Title} {
		if m.ID == "" {
			m.ID = id
		}
	}
	for _, l := range []struct {
		key string
		to  *[]string
	}{{"tags", &m.Tags}, {"references", &m.References}, {"falsepositives", &m.FalsePos}} {
		list, err := textList(top.get(l.key))
		if err != nil {
			return m, within(l.key, err)
		}
		*l.to = list
	}
	if n := top.get("hoalu"); n != nil {
		var own struct {
			VI      *Texts              `yaml:"vi"`
			EN      *Texts              `yaml:"en"`
			Runbook map[string][]string `yaml:"runbook"` // three steps each
		}
		if err := n.Decode(&own); err != nil {
			return m, wording.Because(err, "hoalu: vi and en have a title and a why, runbook has lists of steps; something else stands there")
		}
		m.Texts = map[string]Texts{}
		if own.VI != nil {
			m.Texts["vi"] = *own.VI
		}
		if own.EN != nil {
			m.Texts["en"] = *own.EN
		}
		m.Runbook = own.Runbook
	}
	return m, nil
}

func parseLogSource(top *mapping) (LogSource, error) {
	var l LogSource
	n := top.get("logsource")
	if n == nil {
		return l, wording.New("logsource is missing")
	}
	m, err := asMap(n)
	if err != nil {
		return l, within("logsource", err)
	}
	for _, p := range []struct {
		key string
		to  *string
	}{{"product", &l.Product}, {"service", &l.Service}, {"category", &l.Category}} {
		v := m.get(p.key)
		if v != nil && v.Kind != yaml.ScalarNode {
			return l, wording.New("logsource: %s must be text", p.key)
		}
		*p.to = strings.ToLower(scalarText(v))
	}
	if l == (LogSource{}) {
		return l, wording.New("logsource names no product, service or category")
	}
	return l, nil
}

func (p *parser) parseRule(top *mapping, meta Meta) (*Rule, error) {
	r := &Rule{Meta: meta, Generate: true}
	var err error
	if r.LogSource, err = parseLogSource(top); err != nil {
		return nil, err
	}
	n := top.get("detection")
	if n == nil {
		return nil, wording.New("detection is missing")
	}
	m, err := asMap(n)
	if err != nil {
		return nil, within("detection", err)
	}
	r.detections, r.names, r.conditions, err = p.parseDetections(m, nil)
	return r, at(n.Line, err)
}

func (p *parser) parseFilter(top *mapping, meta Meta) (*Filter, error) {
	f := &Filter{Meta: meta}
	var err error
	if f.LogSource, err = parseLogSource(top); err != nil {
		return nil, err
	}
	m, err := asMap(top.get("filter"))
	if err != nil {
		return nil, within("filter", err)
	}
	if f.Rules, err = textList(m.get("rules")); err != nil {
		return nil, within("filter: rules", err)
	}
	if len(f.Rules) == 0 {
		return nil, wording.New("filter: rules is missing; name the rules it applies to, or any")
	}
	if len(f.Rules) == 1 && strings.EqualFold(f.Rules[0], "any") {
		f.Any = true
	}
	f.detections, f.names, f.conditions, err = p.parseDetections(m, []string{"rules"})
	return f, err
}

// parseDetections reads search identifiers and the condition; skip names keys that are neither.
func (p *parser) parseDetections(m *mapping, skip []string) (map[string]*detection, []string, []*condition, error) {
	dets := map[string]*detection{}
	var names []string
	for i, key := range m.keys {
		if key == "condition" || key == "timeframe" || slices.Contains(skip, key) {
			continue
		}
		if key == "" {
			return nil, nil, nil, wording.New("detection: a search identifier has no name")
		}
		det, err := p.parseDetection(m.vals[i], 0)
		if err != nil {
			return nil, nil, nil, at(m.lines[i], within(key, err))
		}
		dets[key] = det
		names = append(names, key)
	}
	if len(names) == 0 {
		return nil, nil, nil, wording.New("detection has no search identifier")
	}
	n := m.get("condition")
	if n == nil {
		return nil, nil, nil, wording.New("condition is missing")
	}
	texts, err := textList(n)
	if err != nil {
		return nil, nil, nil, within("condition", err)
	}
	if len(texts) == 0 {
		return nil, nil, nil, wording.New("condition is empty")
	}
	var conds []*condition
	for _, t := range texts {
		c, err := parseCondition(t, names)
		if err != nil {
			return nil, nil, nil, at(n.Line, within(fmt.Sprintf("condition %q", strings.TrimSpace(t)), err))
		}
		conds = append(conds, c)
	}
	return dets, names, conds, nil
}

// detection is what a search identifier stands for: items joined by and (map) or or (list).
type detection struct {
	and  bool
	kids []*detection
	item *item // leaf
}

func (p *parser) parseDetection(n *yaml.Node, depth int) (*detection, error) {
	n = deref(n)
	if depth > 16 {
		return nil, wording.New("nested more than 16 deep")
	}
	if err := p.count(); err != nil {
		return nil, err
	}
	switch n.Kind {
	case yaml.MappingNode:
		m, err := asMap(n)
		if err != nil {
			return nil, err
		}
		if len(m.keys) == 0 {
			return nil, wording.New("is empty")
		}
		d := &detection{and: true}
		for i, key := range m.keys {
			it, err := p.parseItem(key, m.vals[i])
			if err != nil {
				return nil, at(m.lines[i], within(key, err))
			}
			d.kids = append(d.kids, &detection{item: it})
		}
		return d, nil
	case yaml.SequenceNode:
		if len(n.Content) == 0 {
			return nil, wording.New("is empty")
		}
		d := &detection{}
		var words []*yaml.Node // neighbours that are keywords make one item
		flush := func() error {
			if len(words) == 0 {
				return nil
			}
			it, err := p.parseItem("", &yaml.Node{Kind: yaml.SequenceNode, Content: words, Line: words[0].Line})
			if err != nil {
				return err
			}
			d.kids = append(d.kids, &detection{item: it})
			words = nil
			return nil
		}
		for _, c := range n.Content {
			c = deref(c)
			if c.Kind == yaml.ScalarNode {
				words = append(words, c)
				continue
			}
			if err := flush(); err != nil {
				return nil, err
			}
			kid, err := p.parseDetection(c, depth+1)
			if err != nil {
				return nil, err
			}
			d.kids = append(d.kids, kid)
		}
		return d, flush()
	case yaml.ScalarNode:
		it, err := p.parseItem("", n)
		if err != nil {
			return nil, err
		}
		return &detection{item: it}, nil
	}
	return nil, at(n.Line, wording.New("want a map, a list or a keyword"))
}

// scalar is a YAML scalar as a Sigma value.
type scalar struct {
	text string
	kind byte // 's' text, 'i' int, 'f' float, 'b' bool, 'n' null
}

func parseScalar(n *yaml.Node) (scalar, error) {
	n = deref(n)
	if n.Kind != yaml.ScalarNode {
		return scalar{}, at(n.Line, wording.New("a value must be text, a number, true, false or null"))
	}
	switch n.ShortTag() {
	case "!!null":
		return scalar{kind: 'n'}, nil
	case "!!bool":
		return scalar{strings.ToLower(n.Value), 'b'}, nil
	case "!!int":
		// hexadecimal and octal become decimal; plain digits stay, of any length
		if _, err := strconv.ParseInt(n.Value, 10, 64); err == nil && (n.Value == "0" || n.Value[0] != '0' && n.Value[0] != '+') {
			return scalar{n.Value, 'i'}, nil
		}
		var v int64
		if n.Decode(&v) == nil {
			return scalar{strconv.FormatInt(v, 10), 'i'}, nil
		}
		var u uint64
		if n.Decode(&u) == nil {
			return scalar{strconv.FormatUint(u, 10), 'i'}, nil
		}
		return scalar{n.Value, 'i'}, nil
	case "!!float":
		return scalar{n.Value, 'f'}, nil
	case "!!binary":
		return scalar{}, at(n.Line, wording.New("!!binary values are not supported"))
	}
	return scalar{n.Value, 's'}, nil
}

func parseTimespan(s string) (int64, error) {
	if len(s) < 2 {
		return 0, wording.New("timespan %q: want a number and s, m, h, d or w", s)
	}
	n, err := strconv.ParseInt(s[:len(s)-1], 10, 64)
	if err != nil || n <= 0 {
		return 0, wording.New("timespan %q: want a number and s, m, h, d or w", s)
	}
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour,
		'w': 7 * 24 * time.Hour}[s[len(s)-1]]
	if unit == 0 {
		return 0, wording.New("timespan %q: want a number and s, m, h, d or w (months and years have no fixed length)", s)
	}
	ms := unit.Milliseconds()
	if n > (1<<53)/ms {
		return 0, wording.New("timespan %q is too long", s)
	}
	return n * ms, nil
}

func parseCorrelation(top *mapping, meta Meta) (*Correlation, error) {
	m, err := asMap(top.get("correlation"))
	if err != nil {
		return nil, within("correlation", err)
	}
	c := &Correlation{Meta: meta, Alert: true, Type: scalarText(m.get("type"))}
	switch c.Type {
	case EventCount, ValueCount, ValueSum, ValueAvg, Temporal, TemporalOrdered:
	case "value_percentile", "value_median":
		return nil, wording.New("correlation type %s is not supported: the specification does not say how the percentile of few values is formed",
			c.Type)
	case "":
		return nil, wording.New("correlation: type is missing")
	default:
		return nil,
			wording.New("correlation type %q is unknown; want event_count, value_count, value_sum, value_avg, temporal or temporal_ordered", c.Type)
	}
	if c.Refs, err = textList(m.get("rules")); err != nil {
		return nil, within("correlation: rules", err)
	}
	if len(c.Refs) == 0 {
		return nil, wording.New("correlation: rules is missing")
	}
	if (c.Type == Temporal || c.Type == TemporalOrdered) && len(c.Refs) < 2 {
		return nil, wording.New("correlation: %s needs two rules or more", c.Type)
	}
	if len(c.Refs) > 64 {
		return nil, wording.New("correlation: more than 64 rules")
	}
	span := m.get("timespan")
	if span == nil {
		span = m.get("timeframe")
	}
	if span == nil {
		return nil, wording.New("correlation: timespan is missing")
	}
	if c.Timespan, err = parseTimespan(scalarText(span)); err != nil {
		return nil, err
	}
	if c.GroupBy, err = textList(m.get("group-by")); err != nil {
		return nil, within("correlation: group-by", err)
	}
	gen := m.get("generate")
	if gen == nil {
		gen = top.get("generate")
	}
	if gen != nil {
		if gen.Kind != yaml.ScalarNode || gen.ShortTag() != "!!bool" {
			return nil, wording.New("correlation: generate must be true or false")
		}
		c.Generate = strings.EqualFold(gen.Value, "true")
	}
	if n := m.get("aliases"); n != nil {
		am, err := asMap(n)
		if err != nil {
			return nil, within("correlation: aliases", err)
		}
		c.Aliases = map[string]map[string]string{}
		for i, alias := range am.keys {
			rm, err := asMap(am.vals[i])
			if err != nil {
				return nil, within("correlation: aliases: "+alias, err)
			}
			c.Aliases[alias] = map[string]string{}
			for j, rule := range rm.keys {
				field := scalarText(rm.vals[j])
				if field == "" {
					return nil, wording.New("correlation: aliases: %s: %s names no field", alias, rule)
				}
				c.Aliases[alias][rule] = field
			}
		}
	}
	return c, c.parseCondition(m.get("condition"))
}

func (c *Correlation) parseCondition(n *yaml.Node) error {
	temporal := c.Type == Temporal || c.Type == TemporalOrdered
	if n == nil {
		if temporal {
			return nil
		}
		return wording.New("correlation: condition is missing")
	}
	if temporal {
		if c.Type == TemporalOrdered {
			return wording.New("correlation: temporal_ordered takes no condition; all rules must follow in their order")
		}
		if n.Kind != yaml.ScalarNode {
			return wording.New("correlation: the condition of temporal joins rule names by and, or")
		}
		cond, err := parseCondition(n.Value, c.Refs)
		if err != nil {
			return within(fmt.Sprintf("correlation: condition %q", n.Value), err)
		}
		if cond.negates() {
			return wording.New("correlation: condition %q: not is not supported; absence is known only after the window", n.Value)
		}
		c.Needs = func(seen []bool) bool {
			return cond.eval(func(name string) bool { return seen[slices.Index(c.Refs, name)] })
		}
		return nil
	}
	m, err := asMap(n)
	if err != nil {
		return within("correlation: condition", err)
	}
	for i, key := range m.keys {
		switch key {
		case "field":
			if c.Fields, err = textList(m.vals[i]); err != nil {
				return within("correlation: condition: field", err)
			}
		case "gt", "gte", "lt", "lte", "eq", "neq":
			x, err := strconv.ParseFloat(scalarText(m.vals[i]), 64)
			if err != nil {
				return wording.New("correlation: condition: %s needs a number", key)
			}
			if counts := c.Type == EventCount || c.Type == ValueCount; counts && (x != float64(int64(x)) || x < 0 || x > 1e6) {
				return wording.New("correlation: condition: %s needs a whole number from 0 to 1000000", key)
			}
			c.Bounds = append(c.Bounds, Bound{key, x})
		default:
			return wording.New("correlation: condition: %q is unknown; want field, gt, gte, lt, lte, eq or neq", key)
		}
	}
	if len(c.Bounds) == 0 {
		return wording.New("correlation: condition has no operator (gt, gte, lt, lte, eq, neq)")
	}
	switch {
	case c.Type == EventCount && len(c.Fields) > 0:
		return wording.New("correlation: event_count takes no field; value_count counts values")
	case c.Type != EventCount && len(c.Fields) == 0:
		return wording.New("correlation: %s needs a field in its condition", c.Type)
	case (c.Type == ValueSum || c.Type == ValueAvg) && len(c.Fields) != 1:
		return wording.New("correlation: %s takes one field", c.Type)
	}
	return nil
}

// Holds reports whether x satisfies every bound.
func (c *Correlation) Holds(x float64) bool {
	for _, b := range c.Bounds {
		ok := false
		switch b.Op {
		case "gt":
			ok = x > b.Value
		case "gte":
			ok = x >= b.Value
		case "lt":
			ok = x < b.Value
		case "lte":
			ok = x <= b.Value
		case "eq":
			ok = x == b.Value
		case "neq":
			ok = x != b.Value
		}
		if !ok {
			return false
		}
	}
	return true
}

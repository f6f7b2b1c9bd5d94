package sigma

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"hoalu/internal/wording"
)

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

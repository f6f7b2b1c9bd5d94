package sigma

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"hoalu/internal/wording"
)

// MaxDocument bounds one rule; larger is no rule.
const MaxDocument = 1 << 20

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

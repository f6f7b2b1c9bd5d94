package decoders

import (
	"bytes"
	"embed"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"hoalu/ecs"
	"hoalu/internal/wording"
)

//go:embed */*.yml
var embedded embed.FS

// definition is one YAML file. What it may say:
//
//	dataset: fortinet.fortigate      name, unique
//	product: Fortinet FortiGate      for people
//	syslog: false                    lines of files carry a syslog header too (the header is taken off before parsing)
//	detect:                          how a message whose dataset is not told is recognised; a list of these: one of them is enough
//	  all: ["devid=", "logid="]      texts that must all be there
//	  any: []                        one of these must
//	  app: [dnsmasq]                 the syslog program is one of these (beside all and any: both must hold)
//	  pattern: '^\d+ '               RE2 that must match; alone it is asked for lines without a syslog program only
//	  json: [awsRegion, eventName]   members a JSON document must have
//	programs: [su, su-l]             instead of detect: syslog programs of hosts whose messages it reads; they stay linux.auth or
//	                                 linux.syslog by logsource.service. A later definition of a program takes it over
//	pam: true                        words of Linux-PAM come first; it reads only what is none
//	shared: true                     other things have the name of the program, too: only a syslog header proves it
//	native: sshd                     a parser in Go in place of parse and rules (programs.go names them)
//	names: [fgt.vd]                  names of its own beside those of ECS; any other name that ECS does not have is refused
//	parse: kv                        kv | cef | leef | csv | pattern | dissect | json; without it the rules parse
//	kv: {separator: " ", equals: "=", trim: "[]"}
//	csv: {separator: ",", columns: [a, b]}
//	patterns: ['^(?P<a>\d+) …']      RE2, the first that matches; names are source names (letters, digits, _)
//	dissect: ['user %{user} from %{ip}']   texts and what stands between them, the first that fits; %{} drops, the last takes the rest
//	prefix: ""                       before source names that are kept; "-" drops what fields does not map
//	fields: {srcip: source.ip}       source name → ECS name, or a list of them; value types follow from the ECS name
//	values: {event.outcome: {field: status, map: {ok: success, "*": failure, "": unknown}}}   "*" any other, "" not there;
//	                                 a list of such tables: the first that gives a value
//	set: {observer.vendor: Fortinet}  in this order; {type} is the value of a source field. values come after and win
//	time: {fields: [date, time, tz], field: eventtime}   fields joined by a blank and read, else field: text, or a number of
//	                                 seconds, milli-, micro- or nanoseconds; zone: UTC where the format is always of that one
//	logsource: {product: …, service: …, category: …}   may name a source field as {type}
//	rules:                           in order, the first that applies is followed, and its own rules after it
//	  - when: {type: [a, b], "msg|contains": x}   all must hold; of a list one; contains, startswith, endswith, re, not, exists
//	    of: msg                      the source field to parse (parse, patterns … as above); without parse the rule only maps
//	    fields, values, set, time, logsource, rules   as above, over what stands above
//	tests:                           lines with fields they must give; a definition without any is refused
//	  - raw: …
//	    want: {source.ip: 10.0.0.1, host.name: ""}   "": not there
//
// Source names are those of the message; members of JSON documents are dotted (userIdentity.userName). @text is the message without its
// header, @app the syslog program.
type definition struct {
	Dataset  string   `yaml:"dataset"`
	Product  string   `yaml:"product"`
	Syslog   bool     `yaml:"syslog"`
	Detect   detects  `yaml:"detect"`
	Programs []string `yaml:"programs"`
	PAM      bool     `yaml:"pam"`
	Shared   bool     `yaml:"shared"`
	Native   string   `yaml:"native"`
	Names    []string `yaml:"names"`
	step     `yaml:",inline"`
	Tests    []testLine `yaml:"tests"`

	file, source string // its name and its text
	native       native
}

// testLine is a message and what it must give.
type testLine struct {
	Raw  string         `yaml:"raw"`
	Want map[string]any `yaml:"want"`
}

// step is one way to read a text and what follows from it.
type step struct {
	When  map[string]oneOrMany `yaml:"when"`
	Of    string               `yaml:"of"`
	Parse string               `yaml:"parse"`
	KV    struct {
		Separator string `yaml:"separator"`
		Equals    string `yaml:"equals"`
		Trim      string `yaml:"trim"`
	} `yaml:"kv"`
	CSV struct {
		Separator string   `yaml:"separator"`
		Columns   []string `yaml:"columns"`
	} `yaml:"csv"`
	Patterns []string               `yaml:"patterns"`
	Dissect  []string               `yaml:"dissect"`
	Prefix   string                 `yaml:"prefix"`
	Fields   map[string]oneOrMany   `yaml:"fields"`
	Values   map[string]valueTables `yaml:"values"`
	Set      assignments            `yaml:"set"`
	Time     struct {
		Field  string   `yaml:"field"`
		Fields []string `yaml:"fields"`
		Zone   string   `yaml:"zone"`
	} `yaml:"time"`
	Logsource *struct {
		Product  string    `yaml:"product"`
		Service  string    `yaml:"service"`
		Category oneOrMany `yaml:"category"`
	} `yaml:"logsource"`
	Rules []*step `yaml:"rules"`

	conditions []condition
	targets    map[string][]target
	patterns   []*regexp.Regexp
	dissects   []dissect
	consts     []constant
	tables     []table
	zone       *time.Location
}

// detect is one way to recognise a message.
type detect struct {
	All     []string `yaml:"all"`
	Any     []string `yaml:"any"`
	App     []string `yaml:"app"`
	Pattern string   `yaml:"pattern"`
	JSON    []string `yaml:"json"`

	re     *regexp.Regexp
	fields []ecs.Field
}

func (t *detect) text() bool { return len(t.All)+len(t.Any)+len(t.App) > 0 || t.Pattern != "" }

// detects reads one clause or a list of them.
type detects []detect

func (t *detects) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return strict(n, (*[]detect)(t))
	}
	*t = make(detects, 1)
	return strict(n, &(*t)[0])
}

// valueTable gives a value for a value.
type valueTable struct {
	Field string            `yaml:"field"`
	Map   map[string]string `yaml:"map"`
}

type valueTables []valueTable

func (t *valueTables) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.SequenceNode {
		return strict(n, (*[]valueTable)(t))
	}
	*t = make(valueTables, 1)
	return strict(n, &(*t)[0])
}

// strict decodes a node and refuses keys that nobody reads, which Node.Decode takes.
func strict(n *yaml.Node, out any) error {
	data, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(out); err != nil {
		return wording.New("line %d: %s", n.Line, unread(err))
	}
	return nil
}

// assignment gives a field a value.
type assignment struct{ name, value string }

// assignments are read in the order in which they are written.
type assignments []assignment

func (a *assignments) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return wording.New("line %d: want fields with their values", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if v.Kind != yaml.ScalarNode {
			return wording.New("line %d: %s needs one value", v.Line, k.Value)
		}
		if slices.ContainsFunc(*a, func(b assignment) bool { return b.name == k.Value }) {
			return wording.New("line %d: %s stands there twice", k.Line, k.Value)
		}
		*a = append(*a, assignment{k.Value, v.Value})
	}
	return nil
}

// oneOrMany reads a text or a list of texts.
type oneOrMany []string

func (o *oneOrMany) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*o = oneOrMany{n.Value}
		return nil
	}
	var list []string
	err := n.Decode(&list)
	*o = list
	return err
}

type table struct {
	to   ecs.Field
	from []valueTable
}

type constant struct {
	f ecs.Field
	v string
}

// condition of a rule on a source field.
type condition struct {
	field, op string
	values    []string
	res       []*regexp.Regexp
}

// Limits of one definition.
const (
	maxSteps = 8    // rules inside rules
	maxRules = 1000 // of one definition

	maxDefinition = 1 << 20 // bytes of a file
)

// load compiles the definitions of sources; those of a later source replace earlier ones of the same dataset.
func (s *Set) load(sources []fs.FS) error {
	var errs []error
	for i, src := range sources {
		files, err := definitionFiles(src)
		if err != nil {
			return err
		}
		if len(files) == 0 {
			errs = append(errs, wording.New("no decoder: want <product>.yml or <vendor>/<product>.yml"))
		}
		seen := map[string]string{}
		for _, name := range files {
			data, err := readDefinition(src, name)
			if err != nil {
				errs = append(errs, wording.New("decoder %s: %s", name, err))
				continue
			}
			def, err := parseDefinition(name, data)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if other, twice := seen[def.Dataset]; twice {
				errs = append(errs, wording.New("decoder %s: dataset %s is that of %s too", name, def.Dataset, other))
				continue
			}
			seen[def.Dataset] = name
			s.add(def)
			if i > 0 {
				s.extra = append(s.extra, def)
			}
		}
	}
	s.order()
	return errors.Join(errs...)
}

// readDefinition reads a regular file of at most maxDefinition bytes: opening a pipe would wait for whoever writes to it.
func readDefinition(src fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(src, name) // of what a link points to
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, wording.New("is no regular file")
	}
	f, err := src.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDefinition+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxDefinition {
		return nil, wording.New("is larger than %d bytes", maxDefinition)
	}
	return data, nil
}

func definitionFiles(src fs.FS) ([]string, error) {
	var files []string
	for _, pattern := range []string{"*.yml", "*/*.yml"} {
		found, err := fs.Glob(src, pattern)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	return sorted(files), nil
}

// add takes a definition in place of an earlier one of its dataset or, by programs, of each of its programs.
func (s *Set) add(def *definition) {
	if len(def.Programs) == 0 {
		s.defs[def.Dataset] = def
		return
	}
	if old := s.hosts[def.Dataset]; old != nil {
		for _, app := range old.Programs {
			if s.programs[app] == old {
				delete(s.programs, app)
			}
		}
	}
	s.hosts[def.Dataset] = def
	for _, app := range def.Programs {
		s.programs[app] = def
	}
}

// order sorts definitions for detection: the more texts one asks for, the earlier it is tried.
func (s *Set) order() {
	for _, n := range sortedKeys(s.defs) {
		def := s.defs[n]
		asks := 0
		for i := range def.Detect {
			if t := &def.Detect[i]; t.text() {
				asks = max(asks, len(t.All)+1)
			}
			if len(def.Detect[i].JSON) > 0 && !slices.Contains(s.shapes, def) {
				s.shapes = append(s.shapes, def)
			}
		}
		if asks > 0 {
			s.sniff = append(s.sniff, sniffer{def, asks})
		}
	}
	sort.SliceStable(s.sniff, func(i, j int) bool { return s.sniff[i].asks > s.sniff[j].asks })
}

// sniffer is a definition that recognises texts.
type sniffer struct {
	*definition
	asks int
}

// unread is why YAML is no definition, in words.
func unread(err error) *wording.Problem {
	if kinds, ok := errors.AsType[*yaml.TypeError](err); ok {
		return wording.OfYAML(err, kinds.Errors)
	}
	return wording.OfYAML(err, nil)
}

func parseDefinition(file string, data []byte) (*definition, error) {
	def := &definition{file: file, source: string(data)}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(def); err != nil {
		return nil, wording.New("decoder %s: %s", file, unread(err))
	}
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, wording.New("decoder %s: %s", file, wording.New(format, args...)))
	}
	if def.Dataset == "" {
		bad("dataset is missing; name it %s", strings.ReplaceAll(strings.TrimSuffix(file, path.Ext(file)), "/", "."))
	}
	for _, n := range def.Names {
		if strings.HasPrefix(n, "hoalu.") || ecs.Intern(n).Virtual() {
			bad("names: %s is the product's own", n)
		}
	}
	for i := range def.Detect {
		t := &def.Detect[i]
		if t.Pattern != "" {
			re, err := regexp.Compile(t.Pattern)
			if err != nil {
				bad("detect: %s", err)
			}
			t.re = re
		}
		for _, n := range t.JSON {
			t.fields = append(t.fields, ecs.Intern(n))
		}
	}
	def.compilePrograms(bad)
	rules := 0
	def.step.compile(def, nil, 1, &rules, bad)
	if len(def.Tests) == 0 {
		bad("tests are missing: a line (raw) and the fields that it must give (want)")
	}
	for i, c := range def.Tests {
		if c.Raw == "" || len(c.Want) == 0 {
			bad("test %d has no raw or no want", i+1)
		}
	}
	return def, errors.Join(errs...)
}

// compile checks a step and those of its rules; bad takes every fault.
func (st *step) compile(def *definition, parent *step, depth int, rules *int, bad func(string, ...any)) {
	if *rules++; depth > maxSteps || *rules > maxRules {
		bad("rules stand more than %d deep, or are more than %d", maxSteps, maxRules)
		return
	}
	st.compileParse(bad)
	if st.Parse == "" && parent == nil && len(st.Rules) == 0 && len(def.Programs) == 0 {
		bad("parse is missing: kv, cef, leef, csv, pattern, dissect, json, or rules that parse")
	}
	name := func(where, n string) ecs.Field {
		if !ecs.InSchema(n) && !slices.Contains(def.Names, n) {
			bad("%s: %s is no name of ECS; a name of its own must stand in names", where, n)
		}
		return ecs.Intern(n)
	}
	st.targets = map[string][]target{}
	if parent != nil { // fields of the rule over those above it
		for from, list := range parent.targets {
			st.targets[from] = list
		}
		if st.Prefix == "" {
			st.Prefix = parent.Prefix
		}
	}
	for from, list := range st.Fields {
		st.targets[from] = nil
		for _, n := range list {
			st.targets[from] = append(st.targets[from], target{name("fields", n), conversionOf(n)})
		}
	}
	for _, a := range st.Set {
		st.consts = append(st.consts, constant{name("set", a.name), a.value})
	}
	for _, n := range sortedKeys(st.Values) {
		for _, t := range st.Values[n] {
			if t.Field == "" || len(t.Map) == 0 {
				bad("values: %s needs field and map", n)
			}
		}
		st.tables = append(st.tables, table{name("values", n), st.Values[n]})
	}
	if st.Time.Zone != "" {
		zone, err := time.LoadLocation(st.Time.Zone)
		if err != nil {
			bad("time: %s", err)
		}
		st.zone = zone
	}
	for _, key := range sortedKeys(st.When) {
		st.conditions = append(st.conditions, compileCondition(key, st.When[key], bad))
	}
	if parent == nil && len(st.When) > 0 {
		bad("when is of rules; a definition has detect")
	}
	for _, r := range st.Rules {
		r.compile(def, st, depth+1, rules, bad)
	}
}

func (st *step) compileParse(bad func(string, ...any)) {
	switch st.Parse {
	case "kv":
		if st.KV.Separator == "" {
			st.KV.Separator = " "
		}
		if st.KV.Equals == "" {
			st.KV.Equals = "="
		}
	case "csv":
		if st.CSV.Separator == "" {
			st.CSV.Separator = ","
		}
		if len(st.CSV.Columns) == 0 {
			bad("csv needs columns")
		}
	case "pattern":
		if len(st.Patterns) == 0 {
			bad("pattern needs patterns")
		}
		for _, p := range st.Patterns {
			re, err := regexp.Compile(p)
			if err != nil {
				bad("patterns: %s", err)
				continue
			}
			st.patterns = append(st.patterns, re)
		}
	case "dissect":
		if len(st.Dissect) == 0 {
			bad("dissect needs texts")
		}
		for _, p := range st.Dissect {
			ds, err := compileDissect(p)
			if err != nil {
				bad("dissect %q: %s", p, err)
				continue
			}
			st.dissects = append(st.dissects, ds)
		}
	case "cef", "leef", "json", "":
	default:
		bad("parse: %q is none of kv, cef, leef, csv, pattern, dissect, json", st.Parse)
	}
}

func compileCondition(key string, values []string, bad func(string, ...any)) condition {
	c := condition{values: values}
	c.field, c.op, _ = strings.Cut(key, "|")
	switch c.op {
	case "", "contains", "startswith", "endswith", "not":
	case "exists":
		if len(values) != 1 || values[0] != "true" && values[0] != "false" {
			bad("when: %s is true or false", key)
		}
	case "re":
		for _, v := range values {
			re, err := regexp.Compile(v)
			if err != nil {
				bad("when: %s", err)
				continue
			}
			c.res = append(c.res, re)
		}
	default:
		bad("when: %q is none of contains, startswith, endswith, re, not, exists", c.op)
	}
	if c.field == "" || len(values) == 0 {
		bad("when: %q names no field or no value", key)
	}
	return c
}

func sorted(list []string) []string {
	sort.Strings(list)
	return slices.Compact(list)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

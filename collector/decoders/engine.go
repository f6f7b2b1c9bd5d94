package decoders

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"hoalu/ecs"
)

//go:embed */*.yml
var embedded embed.FS

// definition is one YAML file. What it may say:
//
//	dataset: fortinet.fortigate      name, unique
//	product: Fortinet FortiGate      for people
//	syslog: false                    lines of files carry a syslog header too (the header is taken off before parsing)
//	detect:                          how a message whose dataset is not told is recognised
//	  all: ["devid=", "logid="]      texts that must all be there
//	  any: []                        one of these must
//	  app: [dnsmasq]                 or the syslog program is one of these (then all and any are not asked)
//	  json: [awsRegion, eventName]   members a JSON document must have
//	parse: kv                        kv | cef | leef | csv | pattern | json
//	kv: {separator: " ", equals: "="}
//	csv: {separator: ",", columns: [a, b]}
//	patterns: ['^(?P<a>\d+) …']      RE2, the first that matches; names are source names (letters, digits, _)
//	prefix: ""                       before source names that are kept; "-" drops what fields does not map
//	fields: {srcip: source.ip}       source name → ECS name, or a list of them; value types follow from the ECS name
//	values: {event.outcome: {field: status, map: {ok: success, "*": failure, "": unknown}}}   "*" any other, "" not there
//	set: {observer.vendor: Fortinet}
//	time: {fields: [date, time, tz], field: eventtime}   fields joined by a blank and read, else field: text, or a number of
//	                                 seconds, milli-, micro- or nanoseconds
//	logsource: {product: …, service: …, category: …}   may name a source field as {type}
//	tests:                           lines with fields they must give
//	  - raw: …
//	    want: {source.ip: 10.0.0.1}
type definition struct {
	Dataset string `yaml:"dataset"`
	Product string `yaml:"product"`
	Syslog  bool   `yaml:"syslog"`
	Detect  struct {
		All  []string `yaml:"all"`
		Any  []string `yaml:"any"`
		App  []string `yaml:"app"`
		JSON []string `yaml:"json"`
	} `yaml:"detect"`
	Parse string `yaml:"parse"`
	KV    struct {
		Separator string `yaml:"separator"`
		Equals    string `yaml:"equals"`
	} `yaml:"kv"`
	CSV struct {
		Separator string   `yaml:"separator"`
		Columns   []string `yaml:"columns"`
	} `yaml:"csv"`
	Patterns []string              `yaml:"patterns"`
	Prefix   string                `yaml:"prefix"`
	Fields   map[string]oneOrMany  `yaml:"fields"`
	Values   map[string]valueTable `yaml:"values"`
	Set      map[string]string     `yaml:"set"`
	Time     struct {
		Field  string   `yaml:"field"`
		Fields []string `yaml:"fields"`
	} `yaml:"time"`
	Logsource struct {
		Product  string    `yaml:"product"`
		Service  string    `yaml:"service"`
		Category oneOrMany `yaml:"category"`
	} `yaml:"logsource"`
	Tests []struct {
		Raw  string         `yaml:"raw"`
		Want map[string]any `yaml:"want"`
	} `yaml:"tests"`

	file     string
	syslog   bool
	targets  map[string][]target
	patterns []*regexp.Regexp
	consts   []constant
	tables   []table
	jsonHas  []ecs.Field
}

type valueTable struct {
	Field string            `yaml:"field"`
	Map   map[string]string `yaml:"map"`
}

type table struct {
	to   ecs.Field
	from string
	m    map[string]string
}

type constant struct {
	f ecs.Field
	v string
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

// conversion follows from the ECS name a value goes to.
type conversion uint8

const (
	asText conversion = iota
	asAddress
	asNumber
	asPort
	asMAC
	asTransport
	asLower
	asURL
)

type target struct {
	f    ecs.Field
	conv conversion
}

func conversionOf(name string) conversion {
	switch {
	case name == "network.transport":
		return asTransport
	case name == "network.protocol", name == "event.outcome":
		return asLower
	case name == "url.original":
		return asURL
	case strings.HasSuffix(name, ".ip"):
		return asAddress
	case strings.HasSuffix(name, ".port"):
		return asPort
	case strings.HasSuffix(name, ".mac"):
		return asMAC
	case strings.HasSuffix(name, ".bytes"), strings.HasSuffix(name, ".packets"), strings.HasSuffix(name, ".pid"), name == "http.response.status_code", name == "event.duration", name == "event.severity", name == "file.size":
		return asNumber
	}
	return asText
}

// pair is one source name and value.
type pair struct{ k, v string }

func sorted(list []string) []string {
	sort.Strings(list)
	return slices.Compact(list)
}

func (s *Set) load(sources []fs.FS) error {
	var errs []error
	for _, src := range sources {
		files, err := fs.Glob(src, "*/*.yml")
		if err != nil {
			return err
		}
		for _, name := range files {
			data, err := fs.ReadFile(src, name)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			def, err := parseDefinition(name, data)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			s.defs[def.Dataset] = def
		}
	}
	var names []string
	for n := range s.defs {
		names = append(names, n)
	}
	for _, n := range sorted(names) {
		def := s.defs[n]
		if len(def.Detect.All)+len(def.Detect.Any)+len(def.Detect.App) > 0 {
			s.sniff = append(s.sniff, def)
		}
		if len(def.Detect.JSON) > 0 {
			s.shapes = append(s.shapes, def)
		}
	}
	// the more a definition asks for, the earlier it is tried
	sort.SliceStable(s.sniff, func(i, j int) bool { return len(s.sniff[i].Detect.All) > len(s.sniff[j].Detect.All) })
	return errors.Join(errs...)
}

func parseDefinition(file string, data []byte) (*definition, error) {
	def := &definition{file: file}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(def); err != nil {
		return nil, fmt.Errorf("decoder %s: %w", file, err)
	}
	bad := func(format string, args ...any) (*definition, error) {
		return nil, fmt.Errorf("decoder %s: %s", file, fmt.Sprintf(format, args...))
	}
	if def.Dataset == "" {
		return bad("dataset is missing; name it %s", strings.ReplaceAll(strings.TrimSuffix(file, path.Ext(file)), "/", "."))
	}
	def.syslog = def.Syslog
	switch def.Parse {
	case "kv":
		if def.KV.Separator == "" {
			def.KV.Separator = " "
		}
		if def.KV.Equals == "" {
			def.KV.Equals = "="
		}
	case "csv":
		if def.CSV.Separator == "" {
			def.CSV.Separator = ","
		}
		if len(def.CSV.Columns) == 0 {
			return bad("csv needs columns")
		}
	case "pattern":
		if len(def.Patterns) == 0 {
			return bad("pattern needs patterns")
		}
		for _, p := range def.Patterns {
			re, err := regexp.Compile(p)
			if err != nil {
				return bad("%v", err)
			}
			def.patterns = append(def.patterns, re)
		}
	case "cef", "leef", "json":
	default:
		return bad("parse: %q is none of kv, cef, leef, csv, pattern, json", def.Parse)
	}
	def.targets = map[string][]target{}
	for from, list := range def.Fields {
		for _, name := range list {
			def.targets[from] = append(def.targets[from], target{ecs.Intern(name), conversionOf(name)})
		}
	}
	for _, name := range sortedKeys(def.Set) {
		def.consts = append(def.consts, constant{ecs.Intern(name), def.Set[name]})
	}
	for _, name := range sortedKeys(def.Values) {
		t := def.Values[name]
		if t.Field == "" || len(t.Map) == 0 {
			return bad("values: %s needs field and map", name)
		}
		def.tables = append(def.tables, table{ecs.Intern(name), t.Field, t.Map})
	}
	for _, n := range def.Detect.JSON {
		def.jsonHas = append(def.jsonHas, ecs.Intern(n))
	}
	return def, nil
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// looksLike says whether a text of unknown dataset is worth a try.
func (def *definition) looksLike(s, app string) bool {
	if len(def.Detect.App) > 0 && slices.Contains(def.Detect.App, app) {
		return true
	}
	if len(def.Detect.All)+len(def.Detect.Any) == 0 {
		return false
	}
	for _, w := range def.Detect.All {
		if !strings.Contains(s, w) {
			return false
		}
	}
	if len(def.Detect.Any) == 0 {
		return true
	}
	for _, w := range def.Detect.Any {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

func (def *definition) looksLikeJSON(e *ecs.Event) bool {
	for _, f := range def.jsonHas {
		if !e.Has(f) {
			return false
		}
	}
	return len(def.jsonHas) > 0
}

// decodeText reads s by the definition; false leaves e as it was.
func (def *definition) decodeText(d *Decoder, e *ecs.Event, s string, o Options) bool {
	kvs := d.kvs[:0]
	ok := false
	switch def.Parse {
	case "kv":
		kvs, ok = readPairs(kvs, s, def.KV.Separator, def.KV.Equals)
	case "cef":
		kvs, ok = readCEF(kvs, s)
	case "leef":
		kvs, ok = readLEEF(kvs, s)
	case "csv":
		kvs, ok = readCSV(kvs, s, def.CSV.Separator[0], def.CSV.Columns)
	case "pattern":
		for _, re := range def.patterns {
			m := re.FindStringSubmatchIndex(s)
			if m == nil {
				continue
			}
			for i, n := range re.SubexpNames() {
				if n != "" && m[2*i] >= 0 {
					kvs = append(kvs, pair{n, s[m[2*i]:m[2*i+1]]})
				}
			}
			ok = true
			break
		}
	}
	d.kvs = kvs
	if !ok {
		return false
	}
	for _, p := range kvs {
		if def.Prefix != "-" && p.v != "" {
			d.name = append(append(d.name[:0], def.Prefix...), p.k...)
			d.addNamed(e, d.name, p.v, ecs.String)
		}
	}
	def.emit(d, e, kvs, o)
	return true
}

// decodeJSON maps the members of a document that e already holds under their own names.
func (def *definition) decodeJSON(d *Decoder, e *ecs.Event, o Options) bool {
	if def.Parse != "json" {
		return false
	}
	kvs := d.kvs[:0]
	for i := range e.Len() {
		f, v := e.At(i)
		if v.Kind != ecs.Null && v.Text != "" {
			kvs = append(kvs, pair{f.Name(), v.Text})
		}
	}
	d.kvs = kvs
	def.emit(d, e, kvs, o)
	return true
}

func find(kvs []pair, k string) string {
	for _, p := range kvs {
		if p.k == k {
			return p.v
		}
	}
	return ""
}

func (def *definition) emit(d *Decoder, e *ecs.Event, kvs []pair, o Options) {
	var taken [64]ecs.Field // what this message's own fields gave replaces the header's; of several the first counts, of messages the last
	n := 0
	for _, p := range kvs {
		if p.v == "" || p.v == "-" || p.v == "N/A" {
			continue
		}
		for _, t := range def.targets[p.k] {
			if slices.Contains(taken[:n], t.f) && t.f != ecs.Message || !t.put(d, e, p.v) {
				continue
			}
			if n < len(taken) {
				taken[n] = t.f
				n++
			}
		}
	}
	for _, t := range def.tables {
		v := find(kvs, t.from)
		to, ok := t.m[v]
		if !ok && v != "" {
			to = t.m["*"]
		}
		set(e, t.to, to)
	}
	for _, c := range def.consts {
		set(e, c.f, c.v)
	}
	switch t, rest, ok := textTime(joined(kvs, def.Time.Fields), e.Created, o); {
	case ok:
		e.Time = t
		if unknownZone(rest) {
			e.Set(ecs.HoaluTimeSuspect, "true", ecs.Bool)
		}
	case def.Time.Field != "":
		if t, ok := numberTime(find(kvs, def.Time.Field)); ok {
			e.Time = t
		} else if t, _, ok := textTime(find(kvs, def.Time.Field), e.Created, o); ok {
			e.Time = t
		}
	}
	fill := func(s string) string {
		if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
			return find(kvs, s[1:len(s)-1])
		}
		return s
	}
	e.SetLogsource(fill(def.Logsource.Product), fill(def.Logsource.Service), def.Logsource.Category...)
}

func joined(kvs []pair, names []string) string {
	var parts []string
	for _, n := range names {
		if v := find(kvs, n); v != "" {
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, " ")
}

// numberTime reads seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size.
func numberTime(s string) (int64, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	if !digits(whole) || len(whole) < 9 || len(whole) > 19 || frac != "" && !digits(frac) {
		return 0, false
	}
	n := int64(0)
	for _, c := range []byte(whole) {
		n = n*10 + int64(c-'0')
	}
	switch {
	case len(whole) <= 11:
		ms, _ := fraction("." + frac)
		return n*1000 + int64(ms), true
	case len(whole) <= 14:
		return n, true
	case len(whole) <= 17:
		return n / 1000, true
	}
	return n / 1_000_000, true
}

// textTime reads a time as text and returns what stands behind it.
func textTime(s string, received int64, o Options) (t int64, rest string, ok bool) {
	if s == "" {
		return 0, "", false
	}
	if t, n := isoTime(s, o.Zone); n > 0 {
		return t, s[n:], true
	}
	if t, n := bsdTime(s, received, o.Zone); n > 0 {
		return t, s[n:], true
	}
	if t, n := dayFirst(s, o.Zone); n > 0 {
		return t, s[n:], true
	}
	if len(s) > 20 && s[3] == ' ' && weekday(s[:3]) { // "Mon Mar  2 14:53:21 2026"
		if t, n := bsdTime(s[4:], received, o.Zone); n > 0 {
			return t, s[4+n:], true
		}
	}
	t, ok = commonTime(s, o.Zone)
	return t, "", ok
}

// unknownZone says whether what stands behind a time is the name of a zone that nobody can tell.
func unknownZone(s string) bool {
	s = strings.TrimSpace(s)
	if len(s) < 2 || len(s) > 5 {
		return false
	}
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return true
}

// put stores a value and says whether it was of the kind its name asks for.
func (t target) put(d *Decoder, e *ecs.Event, v string) bool {
	switch t.conv {
	case asAddress:
		v = strings.TrimPrefix(v, "::ffff:")
		if !isIP(v) {
			return false
		}
	case asPort:
		putPort(e, t.f, v)
		return digits(v) && v != "0"
	case asNumber:
		if !digits(v) {
			return false
		}
		setNumber(e, t.f, v)
		return true
	case asMAC:
		v = dashedMAC(v)
	case asTransport:
		v = transportName(v)
	case asLower:
		if strings.IndexByte(v, '/') >= 0 { // "tcp/8443" names no protocol
			return false
		}
		v = strings.ToLower(v)
	case asURL:
		d.url(e, v)
		return true
	}
	e.SetString(t.f, v)
	return true
}

// keyByte are the bytes of a key.
func keyByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == '@'
}

// readPairs reads key=value and key="value" pairs; at least two, else the text is none of the kind.
func readPairs(kvs []pair, s, separator, equals string) ([]pair, bool) {
	from := len(kvs)
	sep := separator[0]
	for s != "" {
		for s != "" && (s[0] == sep || s[0] == ' ') {
			s = s[1:]
		}
		i := 0
		for i < len(s) && keyByte(s[i]) {
			i++
		}
		if i == 0 || !strings.HasPrefix(s[i:], equals) { // not a pair: on to the next separator
			j := strings.IndexByte(s, sep)
			if j < 0 {
				break
			}
			s = s[j+1:]
			continue
		}
		key := s[:i]
		s = s[i+len(equals):]
		var v string
		if s != "" && s[0] == '"' {
			if q, rest, ok := cutQuoted(s); ok {
				v, s = unescape(q), rest
			} else {
				v, s = s[1:], ""
			}
		} else {
			j := strings.IndexByte(s, sep)
			if j < 0 {
				j = len(s)
			}
			v, s = s[:j], s[j:]
		}
		if len(kvs) < 512 {
			kvs = append(kvs, pair{key, v})
		}
	}
	return kvs, len(kvs)-from >= 2
}

// extension reads CEF's and LEEF's "key=value key=value" where values hold blanks: a value ends before the next key.
func extension(kvs []pair, s string, sep byte) []pair {
	for s != "" {
		s = strings.TrimLeft(s, " \t")
		eq := strings.IndexByte(s, '=')
		if eq <= 0 {
			return kvs
		}
		key := s[:eq]
		s = s[eq+1:]
		end := len(s)
		if sep != 0 && sep != ' ' {
			if j := strings.IndexByte(s, sep); j >= 0 {
				end = j
			}
		} else {
			for i := 0; i < len(s); i++ { // an unescaped "=" behind " word"
				if s[i] == '\\' {
					i++
					continue
				}
				if s[i] == '=' {
					j := i
					for j > 0 && (keyByte(s[j-1]) || s[j-1] == '[' || s[j-1] == ']') {
						j--
					}
					if j < i && j > 0 && s[j-1] == ' ' {
						end = j - 1
						break
					}
					if j < i && j == 0 {
						end = 0
						break
					}
				}
			}
		}
		v := strings.TrimRight(s[:end], " ")
		if strings.IndexByte(v, '\\') >= 0 {
			v = cefUnescape(v)
		}
		if len(kvs) < 512 {
			kvs = append(kvs, pair{key, v})
		}
		s = s[min(end+1, len(s)):]
		if end == 0 && s == "" {
			break
		}
	}
	return kvs
}

func cefUnescape(s string) string {
	return strings.NewReplacer(`\=`, `=`, `\|`, `|`, `\n`, "\n", `\r`, "\r", `\\`, `\`).Replace(s)
}

// cutPipe cuts at the next unescaped "|".
func cutPipe(s string) (field, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '|':
			f := s[:i]
			if strings.IndexByte(f, '\\') >= 0 {
				f = cefUnescape(f)
			}
			return f, s[i+1:], true
		}
	}
	return s, "", false
}

var cefHeader = [...]string{"cef.version", "cef.device_vendor", "cef.device_product", "cef.device_version", "cef.device_event_class_id", "cef.name", "cef.severity"}

// readCEF reads the Common Event Format (ArcSight, revision 25); cs1Label=Name makes Name of cs1.
func readCEF(kvs []pair, s string) ([]pair, bool) {
	i := strings.Index(s, "CEF:")
	if i < 0 {
		return kvs, false
	}
	s = s[i+4:]
	for _, n := range cefHeader {
		v, rest, ok := cutPipe(s)
		if !ok && n != "cef.severity" {
			return kvs, false
		}
		kvs = append(kvs, pair{n, v})
		s = rest
	}
	return extension(kvs, s, 0), true
}

var leefHeader = [...]string{"leef.version", "leef.device_vendor", "leef.device_product", "leef.device_version", "leef.event_id"}

// readLEEF reads the Log Event Extended Format 1.0 and 2.0 (IBM).
func readLEEF(kvs []pair, s string) ([]pair, bool) {
	i := strings.Index(s, "LEEF:")
	if i < 0 {
		return kvs, false
	}
	s = s[i+5:]
	sep := byte('\t')
	for _, n := range leefHeader {
		v, rest, ok := cutPipe(s)
		if !ok {
			return kvs, false
		}
		kvs = append(kvs, pair{n, v})
		s = rest
	}
	if kvs[len(kvs)-5].v == "2.0" {
		if v, rest, ok := cutPipe(s); ok && len(v) <= 4 {
			s = rest
			switch {
			case v == "":
			case len(v) == 1:
				sep = v[0]
			case strings.HasPrefix(v, "x") || strings.HasPrefix(v, "0x"):
				if v = strings.TrimLeft(v, "0x"); len(v) == 2 {
					fmt.Sscanf(v, "%02x", &sep) //nolint:errcheck // stays a tab
				}
			}
		}
	}
	if strings.IndexByte(s, sep) < 0 {
		sep = 0
	}
	return extension(kvs, s, sep), true
}

// readCSV reads one record (RFC 4180) into columns; a column named "" is skipped.
func readCSV(kvs []pair, s string, sep byte, columns []string) ([]pair, bool) {
	i := 0
	for ; s != "" && i < len(columns); i++ {
		var v string
		if s[0] == '"' {
			j := 1
			for j < len(s) {
				if s[j] == '"' {
					if j+1 < len(s) && s[j+1] == '"' {
						j += 2
						continue
					}
					break
				}
				j++
			}
			v = strings.ReplaceAll(s[1:min(j, len(s))], `""`, `"`)
			s = s[min(j+1, len(s)):]
			s = strings.TrimPrefix(s, string(sep))
		} else if j := strings.IndexByte(s, sep); j >= 0 {
			v, s = s[:j], s[j+1:]
		} else {
			v, s = s, ""
		}
		if columns[i] != "" {
			kvs = append(kvs, pair{columns[i], v})
		}
	}
	return kvs, i >= 2
}

package decoders

import (
	"cmp"
	"strings"

	"hoalu/ecs"
)

// The tables of parsers in Go: which datasets each reads, and what a message of no told dataset must look like. Definitions in YAML stand
// behind them for texts, and between the documents of known collectors and text that a shipper carried; docs/decisions.md says why
// these formats are not YAML.

// lineParser reads a text, with the header that stood before it, nil none. It says which dataset the event is of, "" where it has set
// that itself.
type lineParser func(d *Decoder, e *ecs.Event, s string, o Options, h *header) (dataset string, ok bool)

// format is a kind of message with a parser in Go.
type format struct {
	datasets []string // a name that ends in * is the beginning of many
	files    bool     // its lines stand in files without a syslog header, and are tried so first
	line     lineParser
}

// textShape is a way to find out what a text is. The first whose when holds is taken; app is the syslog program, "" none.
type textShape struct {
	when  func(s, app string) bool
	parse []lineParser
	last  bool // what its parsers refuse is nothing else
}

// documentShape is a way to find out what a JSON document is: by the dataset that it was told to be, or by its members.
type documentShape struct {
	told    *format
	members func(doc *document, dataset string) bool
	needs   role // a member that it must have in any case
	trusted bool // also of a document that keeps its own logsource
	decode  func(d *Decoder, e *ecs.Event, doc *document, dataset string, o Options) bool
}

// format is the parser in Go of a dataset, nil where none is.
func (s *Set) format(dataset string) *format {
	if dataset == "" {
		return nil
	}
	if f := s.named[dataset]; f != nil {
		return f
	}
	for _, p := range s.beginnings {
		if strings.HasPrefix(dataset, p.name) {
			return p.format
		}
	}
	return nil
}

// beginning of the names of datasets of one format.
type beginning struct {
	name   string
	format *format
}

// goParsers fills the tables.
func (s *Set) goParsers() {
	access := &format{datasets: []string{"nginx.access", "nginx.ingress", "nginx.ingress_controller", "apache.access", "web.access"},
		files: true, line: accessLine}
	audit := &format{datasets: []string{"linux.auditd", "auditd.log"}, files: true, line: auditLine}
	windows := &format{datasets: []string{"windows.*", "winlog.*", "system.security", "linux.sysmon"}, files: true, line: documentLine}
	suricata := &format{datasets: []string{"suricata.eve"}, line: documentLine}
	zeek := &format{datasets: []string{"zeek.*"}, line: documentLine}
	s.formats = []*format{
		access, audit, windows, suricata, zeek,
		{datasets: []string{"nginx.error"}, files: true, line: as("nginx.error", nginxErrorLine)},
		{datasets: []string{"apache.error"}, files: true, line: as("apache.error", apacheErrorLine)},
		{datasets: []string{"linux.auth", "linux.syslog", "linux.sshd", "linux.sudo", "linux.cron", "linux.iptables", "system.auth",
			"system.syslog"}, line: hostLine},
		{datasets: []string{"linux.dropbear"}, line: dropbearLine},
		{datasets: []string{"json", "ecs"}, line: documentLine},
		{datasets: []string{"syslog"}},
	}
	s.named = map[string]*format{}
	for _, f := range s.formats {
		for _, n := range f.datasets {
			if name, ok := strings.CutSuffix(n, "*"); ok {
				s.beginnings = append(s.beginnings, beginning{name, f})
			} else {
				s.named[n] = f
			}
		}
	}
	s.texts = []textShape{
		{when: begins("{"), parse: []lineParser{embeddedLine}, last: true},
		{when: begins("<"), parse: []lineParser{xmlLine}},
		{when: auditRecord, parse: []lineParser{as("linux.auditd", auditLine)}},
		{when: program("nginx"), parse: []lineParser{accessOf("nginx"), as("nginx.error", nginxErrorLine)}},
		{when: program("apache", "httpd"), parse: []lineParser{accessOf("apache"), as("apache.error", apacheErrorLine)}},
		{when: unnamed, parse: []lineParser{only(bracketedTime, accessOf("web")), as("apache.error", apacheErrorLine),
			only(slashedDate, as("nginx.error", nginxErrorLine))}},
	}
	s.documents = []documentShape{
		{members: func(doc *document, _ string) bool { return doc.has[rWinChannel] && doc.has[rWinEventID] }, trusted: true,
			decode: windowsDocument},
		{told: suricata, members: func(doc *document, _ string) bool {
			return doc.has[rEventType] && (doc.has[rFlowID] || doc.has[rSrcIP] || doc.has[rInIface])
		}, trusted: true, decode: suricataDocument},
		{told: zeek, members: func(doc *document, _ string) bool { return doc.has[rZeekUID] && doc.has[rZeekOrig] }, decode: zeekDocument},
		{told: windows, members: func(doc *document, _ string) bool { return doc.has[rFlatChannel] && doc.has[rFlatEventID] },
			decode: windowsDocument},
		{told: access, members: func(doc *document, dataset string) bool { return dataset == "" && doc.has[rWebStatus] }, needs: rWebClient,
			decode: webDocument},
	}
}

// What a text looks like.

func begins(with string) func(s, app string) bool {
	return func(s, _ string) bool { return s[0] == with[0] }
}

func auditRecord(s, _ string) bool {
	return strings.HasPrefix(s, "type=") && strings.Contains(s[:min(len(s), 80)], "msg=audit(")
}

// program holds for programs whose names begin so: "nginx-ingress", "apache2", "httpd24".
func program(names ...string) func(s, app string) bool {
	return func(_, app string) bool {
		for _, n := range names {
			if strings.HasPrefix(app, n) {
				return true
			}
		}
		return false
	}
}

func unnamed(_, app string) bool { return app == "" }

// bracketedTime says whether " [02/Mar/2026:…" stands early in s.
func bracketedTime(s string) bool {
	i := strings.Index(s[:min(len(s), 256)], " [")
	return i > 0 && i+23 < len(s) && s[i+4] == '/' && s[i+8] == '/'
}

// slashedDate says whether s begins as "2026/03/02".
func slashedDate(s string) bool { return s[0] >= '0' && s[0] <= '9' && s[4] == '/' }

// Parsers of lines.

// as gives what parse reads a dataset.
func as(dataset string, parse lineParser) lineParser {
	return func(d *Decoder, e *ecs.Event, s string, o Options, h *header) (string, bool) {
		_, ok := parse(d, e, s, o, h)
		return dataset, ok
	}
}

// only asks parse for texts that look so.
func only(looks func(s string) bool, parse lineParser) lineParser {
	return func(d *Decoder, e *ecs.Event, s string, o Options, h *header) (string, bool) {
		if !looks(s) {
			return "", false
		}
		return parse(d, e, s, o, h)
	}
}

// accessOf reads access logs of a server; "web" is one that nobody named.
func accessOf(server string) lineParser {
	dataset, product := server+".access", webProduct(server)
	return func(d *Decoder, e *ecs.Event, s string, o Options, _ *header) (string, bool) {
		return dataset, access(e, s, product, o.Zone)
	}
}

func accessLine(d *Decoder, e *ecs.Event, s string, o Options, _ *header) (string, bool) {
	if strings.HasPrefix(s, "{") { // log_format … escape=json
		return o.Dataset, d.embedded(e, s, o)
	}
	return o.Dataset, access(e, s, webProduct(o.Dataset), o.Zone)
}

// webProduct is the server a dataset of access logs belongs to, "" where it does not say.
func webProduct(dataset string) string {
	product, _, _ := strings.Cut(dataset, ".")
	if product == "web" {
		return ""
	}
	return product
}

func nginxErrorLine(d *Decoder, e *ecs.Event, s string, o Options, _ *header) (string, bool) {
	return "", d.nginxError(e, s, o.Zone)
}

func apacheErrorLine(_ *Decoder, e *ecs.Event, s string, o Options, _ *header) (string, bool) {
	return "", apacheError(e, s, e.Created, o.Zone)
}

func auditLine(d *Decoder, e *ecs.Event, s string, o Options, _ *header) (string, bool) {
	return o.Dataset, d.auditd(e, s)
}

func xmlLine(d *Decoder, e *ecs.Event, s string, _ Options, _ *header) (string, bool) {
	return "", d.windowsXML(e, s)
}

func embeddedLine(d *Decoder, e *ecs.Event, s string, o Options, _ *header) (string, bool) {
	return "", d.embedded(e, s, o)
}

// documentLine reads formats whose messages are documents.
func documentLine(d *Decoder, e *ecs.Event, s string, o Options, _ *header) (string, bool) {
	if len(s) > 1 && s[0] == '{' {
		return o.Dataset, d.embedded(e, s, o)
	}
	return "", d.windowsXML(e, s)
}

// hostLine reads what programs of a host wrote; a header names the program.
func hostLine(d *Decoder, e *ecs.Event, s string, o Options, h *header) (string, bool) {
	if h == nil {
		return "", false
	}
	if strings.Contains(s, " DPT=") || strings.Contains(s, " SRC=") {
		if netfilter(e, s) {
			set(e, ecs.Message, h.text)
			e.SetLogsource("linux", "iptables", "firewall")
			return "linux.iptables", true
		}
	}
	if h.app == "" {
		return "", false
	}
	if strings.HasPrefix(s, "{") && d.embedded(e, s, o) {
		return "", true
	}
	set(e, ecs.Message, h.text)
	d.linux(e, h.app, facility(h.pri), h.text, o)
	return o.Dataset, true
}

// dropbearLine reads lines of a Dropbear server that a shipper took the header from.
func dropbearLine(d *Decoder, e *ecs.Event, s string, o Options, h *header) (string, bool) {
	if dataset, ok := hostLine(d, e, s, o, h); ok || h == nil {
		return dataset, ok
	}
	set(e, ecs.Message, h.text)
	d.linux(e, "dropbear", -1, h.text, o)
	return o.Dataset, true
}

// Decoders of documents.

func windowsDocument(d *Decoder, e *ecs.Event, doc *document, _ string, _ Options) bool {
	d.windows(e, doc)
	return true
}

func suricataDocument(_ *Decoder, e *ecs.Event, doc *document, _ string, _ Options) bool {
	suricata(e, doc)
	return true
}

func zeekDocument(_ *Decoder, e *ecs.Event, doc *document, dataset string, _ Options) bool {
	zeek(e, doc, dataset)
	return true
}

func webDocument(d *Decoder, e *ecs.Event, doc *document, _ string, o Options) bool {
	if !accessDocument(e, doc, o) {
		return false
	}
	set(e, ecs.EventDataset, cmp.Or(o.Dataset, "web.access"))
	return true
}

// body decodes text as f; false where it is not that.
func (d *Decoder) body(e *ecs.Event, s string, o Options, f *format, h *header) bool {
	dataset, ok := f.line(d, e, s, o, h)
	if ok {
		set(e, ecs.EventDataset, dataset)
	}
	return ok
}

// bodyByShape finds out what a text is; app is the syslog program, "" none.
func (d *Decoder) bodyByShape(e *ecs.Event, s string, o Options, app string) (string, bool) {
	if len(s) < 8 {
		return "", false
	}
	app = app[strings.LastIndexByte(app, '/')+1:]
	for i := range d.set.texts {
		t := &d.set.texts[i]
		if !t.when(s, app) {
			continue
		}
		for _, parse := range t.parse {
			if dataset, ok := parse(d, e, s, o, nil); ok {
				return cmp.Or(dataset, e.Text(ecs.EventDataset)), true
			}
		}
		if t.last {
			return "", false
		}
		break
	}
	if strings.Contains(s, " SRC=") && strings.Contains(s, " DST=") && netfilter(e, s) {
		e.SetLogsource("linux", "iptables", "firewall")
		return "linux.iptables", true
	}
	if d.set.host(app) { // what a daemon of the system writes is no message of a device
		return "", false
	}
	for _, def := range d.set.sniff {
		if def.looksLike(s, app) && def.decodeText(d, e, s, app, o) {
			return def.Dataset, true
		}
	}
	return "", false
}

// documentByShape runs the decoder a document asks for. A trusted document that is of no known collector keeps its own names
// only: what it says is what rules were written for.
func (d *Decoder) documentByShape(e *ecs.Event, doc *document, o Options, trusted bool) {
	dataset := o.Dataset
	if dataset == "" {
		dataset = doc.v[rEventDataset]
	}
	told := d.set.format(dataset)
	for i := range d.set.documents {
		s := &d.set.documents[i]
		if trusted && !s.trusted {
			return
		}
		if s.needs != rNone && !doc.has[s.needs] || !s.members(doc, dataset) && (told == nil || told != s.told) {
			continue
		}
		if s.decode(d, e, doc, dataset, o) {
			return
		}
	}
	for _, def := range d.set.shapes {
		if (def.Dataset == o.Dataset || o.Dataset == "") && def.looksLikeJSON(e) && def.decodeJSON(d, e, o) {
			set(e, ecs.EventDataset, def.Dataset)
			return
		}
	}
	if def := d.set.defs[o.Dataset]; def != nil && def.decodeJSON(d, e, o) {
		set(e, ecs.EventDataset, def.Dataset)
		return
	}
	d.shipped(e, doc, o, dataset)
}

// Package decoders turns one raw message into an Event with ECS names.
//
// Words: a dataset is the name of one format ("linux.auth", "nginx.access", "suricata.eve"); a Definition is a format described
// in YAML (<vendor>/<product>.yml, its test lines inside) and read by one general engine; the formats that make up most of the
// traffic have parsers in Go. What a message is, is told by its source's binding, by the document's own event.dataset, or found
// out from its shape: JSON by its members, syslog by its program, text by its line.
//
// Contract: a Set is immutable and safe for concurrent use; a Decoder belongs to one goroutine and reuses its memory. A text
// message always becomes an Event, hoalu.unparsed where nothing understood it (decision 10); only a broken document in a JSON
// frame is an error, which wraps ecs.ErrJSON. Fields of JSON documents keep their own names beside ECS. sigma.logsource is the
// decoder's word unless the source is trusted to say it (decision 4).
//
// Adding a format: a YAML file, see engine.go for what it may say. No Go.
package decoders

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"

	"hoalu/ecs"
	"hoalu/ecs/wire"
)

// ErrDataset says that a named dataset has no decoder.
var ErrDataset = errors.New("no decoder has this name")

// Set is every decoder of this build, compiled.
type Set struct {
	defs   map[string]*definition // by dataset
	sniff  []sniffer              // those that recognise texts, in the order they are asked
	shapes []*definition          // those that recognise JSON documents
	extra  []*definition          // those beside the build's own
}

// New compiles the embedded definitions and those of extra file systems (<vendor>/<product>.yml), later ones replacing earlier
// ones of the same dataset, and runs the test lines of the extra ones. Every bad file is named in the error.
func New(extra ...fs.FS) (*Set, error) {
	s := &Set{defs: map[string]*definition{}}
	errs := []error{s.load(append([]fs.FS{embedded}, extra...))}
	for _, def := range s.extra {
		errs = append(errs, s.check(def))
	}
	return s, errors.Join(errs...)
}

// Load is New with the definitions in folders of this machine; every folder and file that is bad is named.
func Load(folders []string) (*Set, error) {
	var errs []error
	var extra []fs.FS
	for _, dir := range folders {
		if info, err := os.Stat(dir); err != nil {
			errs = append(errs, fmt.Errorf("decoders: %w", err))
		} else if !info.IsDir() {
			errs = append(errs, fmt.Errorf("decoders: %s is no folder", dir))
		} else {
			extra = append(extra, os.DirFS(dir))
		}
	}
	s, err := New(extra...)
	return s, errors.Join(append(errs, err)...)
}

// Options of one frame.
type Options struct {
	Dataset string         // decoder to use, "" to find out
	Zone    *time.Location // of times without one; nil: DefaultZone
	Trust   bool           // the frame may set sigma.logsource

	told bool // Zone is the operator's word
}

// Decoder is one goroutine's decoder with its scratch memory; not safe for concurrent use.
type Decoder struct {
	set  *Set
	json ecs.Parser
	doc  document
	name []byte // scratch for field names
	kvs  []pair // scratch of the engine

	h         header   // of the line at hand
	contained bool     // the line at hand stood behind a container runtime's words
	document  bool     // the text at hand carried a JSON document
	trusted   bool     // the document at hand keeps its own logsource and gets no further fields
	clock     zoneSaid // how sure the zone of the event's time is
}

// Names makes d take new field names from a share: that of the sender whose frames come next. Nil has no bound.
func (d *Decoder) Names(s *ecs.Share) { d.json.Names = s }

// Decoder returns a new Decoder of the set.
func (s *Set) Decoder() *Decoder { return &Decoder{set: s} }

// family of datasets with a parser in Go.
type family uint8

const (
	unknown family = iota
	linux
	auditd
	webAccess
	webError
	windows
	suricata
	zeek
	jsonDocument
	syslogOnly
)

// families of the datasets whose parser is in Go; zeek.* and windows.* by prefix.
var families = map[string]family{
	"linux.auth": linux, "linux.syslog": linux, "linux.sshd": linux, "linux.sudo": linux, "linux.cron": linux, "linux.iptables": linux, "linux.dropbear": linux, "system.auth": linux, "system.syslog": linux,
	"linux.auditd": auditd, "auditd.log": auditd,
	"nginx.access": webAccess, "nginx.ingress": webAccess, "nginx.ingress_controller": webAccess, "apache.access": webAccess, "web.access": webAccess,
	"nginx.error": webError, "apache.error": webError,
	"suricata.eve": suricata, "json": jsonDocument, "ecs": jsonDocument, "syslog": syslogOnly,
}

func (s *Set) family(dataset string) family {
	if f, ok := families[dataset]; ok {
		return f
	}
	switch {
	case strings.HasPrefix(dataset, "windows."), strings.HasPrefix(dataset, "winlog."), strings.HasPrefix(dataset, "system.security"), dataset == "linux.sysmon":
		return windows
	case strings.HasPrefix(dataset, "zeek."):
		return zeek
	}
	return unknown
}

// Known says whether dataset names a decoder.
func (s *Set) Known(dataset string) bool {
	return s.family(dataset) != unknown || s.defs[dataset] != nil
}

// Datasets lists the names of all definitions and Go parsers (families by prefix as "windows.*").
func (s *Set) Datasets() []string {
	var out []string
	for n := range families {
		out = append(out, n)
	}
	for n := range s.defs {
		out = append(out, n)
	}
	return sorted(append(out, "windows.*", "zeek.*"))
}

// DecodeFrame fills e, which must be empty, from f: fields, Time and Created. Identity and place are the pipeline's.
func (d *Decoder) DecodeFrame(e *ecs.Event, f *wire.Frame, o Options) error {
	if o.told = o.Zone != nil; !o.told {
		o.Zone = defaultZone
	}
	d.trusted, d.clock = false, zoneNamed
	if o.Dataset == "" {
		o.Dataset = f.Dataset
	}
	e.Created = f.Received
	var err error
	switch f.Format {
	case wire.FormatECS:
		err = d.json.Parse(e, f.Data)
		if err == nil && !e.Has(ecs.LogsourceProduct) {
			e.SetLogsource("hoalu", "")
		}
	case wire.FormatJSON:
		err = d.decodeJSON(e, f.Data, o)
	default:
		d.decodeText(e, f.Data, o, f.Format == wire.FormatSyslog)
	}
	if err != nil {
		return err
	}
	if d.clock == zoneAssumed && f.Format == wire.FormatSyslog && !o.told {
		guessZone(e, o.Zone)
	}
	finish(e)
	if !d.trusted && !e.Has(ecs.EventKind) {
		e.AddString(ecs.EventKind, "event")
	}
	return nil
}

// guessZone moves a time of RFC 3164, which names no zone, when the time of receipt shows that the sender's zone is another than the
// one assumed (decision 2): it is read as UTC where that puts it at its receipt, as cloud images and Debian run in UTC; a time ahead of
// receipt cannot be a delay, so any whole quarter of an hour ahead is taken off. The event is marked and keeps what was read first as
// hoalu.sender_timestamp. A time that lies behind by another amount stays: a queue of the sender that was held up looks the same.
func guessZone(e *ecs.Event, zone *time.Location) {
	const near, quarter = 90_000, 15 * 60_000
	late := e.Created - e.Time
	_, sec := time.UnixMilli(e.Time).In(zone).Zone()
	ahead := int64(sec) * 1000
	by := int64(0)
	switch {
	case e.Time == 0 || late >= -near && late <= near || late < -14*60*60_000:
		return
	case ahead > 0 && late >= ahead-near && late <= ahead+near:
		by = ahead
	case late < 0:
		by = (late - quarter/2) / quarter * quarter
		if off := late - by; off > near || off < -near {
			return
		}
	default:
		return
	}
	e.AddString(ecs.HoaluSenderTime, ecs.FormatTime(e.Time))
	e.Time += by
	e.AddBool(ecs.HoaluTimeSuspect, true)
}

// Decode is DecodeFrame for a message without an envelope, as `hoalu source decode` reads them: JSON where the message is an
// object, text otherwise. An unknown dataset is an error that wraps ErrDataset.
func (d *Decoder) Decode(dataset string, raw []byte, received time.Time, zone *time.Location) (*ecs.Event, error) {
	if dataset != "" && !d.set.Known(dataset) {
		return nil, fmt.Errorf("%w: %q; see `hoalu source list`", ErrDataset, dataset)
	}
	f := wire.Frame{Received: received.UnixMilli(), Format: wire.FormatLine, Data: raw}
	if t := strings.TrimLeft(view(raw), " \t\r\n"); t != "" && t[0] == '{' {
		f.Format = wire.FormatJSON
	}
	e := new(ecs.Event)
	if err := d.DecodeFrame(e, &f, Options{Dataset: dataset, Zone: zone}); err != nil {
		if f.Format != wire.FormatJSON {
			return nil, err
		}
		e = new(ecs.Event) // text that begins with a brace
		f.Format = wire.FormatLine
		if err := d.DecodeFrame(e, &f, Options{Dataset: dataset, Zone: zone}); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// finish settles the time (decision 2).
func finish(e *ecs.Event) {
	switch {
	case e.Time == 0:
		e.Time = e.Created
	case e.Time > e.Created+day && e.Created > 0:
		e.AddString(ecs.HoaluSenderTime, ecs.FormatTime(e.Time))
		e.Time = e.Created
		e.AddBool(ecs.HoaluTimeSuspect, true)
	}
}

// view reads b as a string without a copy; b is not changed while the string lives.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// decodeText reads a text message, with or without a syslog header. It cannot fail.
func (d *Decoder) decodeText(e *ecs.Event, raw []byte, o Options, framed bool) {
	s := strings.TrimRight(view(raw), "\r\n\x00")
	d.document = false
	if !utf8.ValidString(s) { // an old character set: its bytes stay readable in every field, and all of them in event.original
		e.AddString(ecs.EventOriginal, visible(strings.ReplaceAll(s, `\`, `\\`)))
		e.AddBool(fEscaped, true)
		if s = visible(s); !d.text(e, s, o, framed) {
			set(e, ecs.Message, cmp.Or(e.Text(ecs.Message), s))
			e.AddBool(ecs.HoaluUnparsed, true)
		}
		return
	}
	parsed := d.text(e, s, o, framed)
	if !d.document && (!e.Has(ecs.Message) || e.Text(ecs.Message) != s) { // a document is re-rendered from its fields (decision 11)
		e.AddString(ecs.EventOriginal, s)
	}
	if !parsed {
		e.AddBool(ecs.HoaluUnparsed, true)
	}
}

// fEscaped says that event.original is escaped: "\xd0" is the byte 0xD0, "\\" one backslash.
var fEscaped = ecs.Intern("hoalu.original_escaped")

// visible writes every byte that is no UTF-8 as \xHH.
func visible(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	const hex = "0123456789abcdef"
	b := make([]byte, 0, len(s)+len(s)/4)
	for i := 0; i < len(s); {
		if r, n := utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
			b = append(b, '\\', 'x', hex[s[i]>>4], hex[s[i]&15])
			i++
		} else {
			b = append(b, s[i:i+n]...)
			i += n
		}
	}
	return string(b)
}

// text decodes a line and says whether something understood it.
func (d *Decoder) text(e *ecs.Event, s string, o Options, framed bool) bool {
	d.h.pri, d.h.host, d.h.app, d.h.pid, d.h.is5424 = -1, "", "", "", false
	document := e.Len() > 0
	ok := d.line(e, s, o, framed)
	d.h.said(e, document || d.document)
	return ok
}

// line decodes a line; d.h becomes the syslog header that it has.
func (d *Decoder) line(e *ecs.Event, s string, o Options, framed bool) bool {
	fam := d.set.family(o.Dataset)
	def := d.set.defs[o.Dataset]

	// 1. Lines that have no syslog header: files, and shippers that cut it off.
	if !framed {
		if text, t, ok := containerLine(s); ok && !d.contained {
			e.Time = t
			d.contained = true // once: a line that begins so again is what the program wrote
			defer func() { d.contained = false }()
			if !d.line(e, text, o, false) {
				e.Time = t
				set(e, ecs.Message, text)
			}
			return true
		}
		switch fam {
		case webAccess, webError, auditd, windows:
			if d.body(e, s, o, fam, nil) {
				return true
			}
		}
		if def != nil && !def.Syslog && !headed(s, e.Created, o) && def.decodeText(d, e, s, "", o) {
			set(e, ecs.EventDataset, def.Dataset)
			return true
		}
		if fam == unknown && def == nil && !headed(s, e.Created, o) {
			if ds, ok := d.bodyByShape(e, s, o, ""); ok {
				set(e, ecs.EventDataset, ds)
				return true
			}
		}
	}

	// 2. Syslog.
	d.h = readHeader(s, e.Created, o.Zone)
	h := &d.h
	t := e.Time
	h.put(d, e)
	if d.clock = zoneNamed; h.timed {
		d.clock = h.zone
	}
	text := h.text
	if fam != unknown && fam != syslogOnly {
		if d.body(e, text, o, fam, h) {
			return true
		}
	} else if def != nil {
		if def.decodeText(d, e, text, h.app, o) || def.decodeText(d, e, s, h.app, o) {
			set(e, ecs.EventDataset, def.Dataset)
			return true
		}
	} else if fam == unknown && text != "" {
		if ds, ok := d.bodyByShape(e, text, o, h.app); ok {
			set(e, ecs.EventDataset, ds)
			return true
		}
		if text != s { // CEF and the like put a colon where the tag ends
			if ds, ok := d.bodyByShape(e, s, o, h.app); ok {
				set(e, ecs.EventDataset, ds)
				return true
			}
		}
	}
	if h.app == "" && h.host == "" && !h.timed && !h.is5424 {
		if ds, ok := d.bodyByShape(e, s, o, ""); ok { // not what its source was said to send
			set(e, ecs.EventDataset, ds)
			return true
		}
		e.Time = t
		if h.pri < 0 {
			set(e, ecs.Message, s)
			return false
		}
	}
	set(e, ecs.Message, h.text)
	if i := ciscoAt(s); i >= 0 && cisco(e, s[i:]) {
		iosXR(e, s[:i], o)
		return true
	}
	if h.app == "" {
		set(e, ecs.EventDataset, "syslog")
		return h.is5424
	}
	d.linux(e, h.app, facility(h.pri), h.text)
	set(e, ecs.EventDataset, linuxDataset(e))
	return true
}

// containerLine takes off what a container runtime writes before a line (Kubernetes' CRI: "2026-03-02T07:52:16.123456789Z stdout F …").
func containerLine(s string) (text string, t int64, ok bool) {
	if len(s) < 32 || s[0] != '2' || s[4] != '-' || s[10] != 'T' {
		return "", 0, false
	}
	t, n := isoTime(s, time.UTC)
	if n == 0 {
		return "", 0, false
	}
	for _, p := range [...]string{" stdout F ", " stderr F ", " stdout P ", " stderr P "} {
		if strings.HasPrefix(s[n:], p) {
			return s[n+len(p):], t, true
		}
	}
	return "", 0, false
}

// headed says whether s begins with a syslog priority or time.
func headed(s string, received int64, o Options) bool {
	h := readHeader(s, received, o.Zone)
	return h.pri >= 0 || h.timed
}

func facility(pri int) int {
	if pri < 0 {
		return -1
	}
	return pri >> 3
}

// body decodes text as fam; false where it is not that.
func (d *Decoder) body(e *ecs.Event, s string, o Options, fam family, h *header) bool {
	ok := false
	dataset := o.Dataset
	switch fam {
	case webAccess:
		if strings.HasPrefix(s, "{") { // log_format … escape=json
			ok = d.embedded(e, s, o)
			break
		}
		ok = d.access(e, s, webProduct(o.Dataset), o.Zone)
	case webError:
		if o.Dataset == "nginx.error" {
			ok = d.nginxError(e, s, o.Zone)
		} else {
			ok = d.apacheError(e, s, e.Created, o.Zone)
		}
	case auditd:
		ok = d.auditd(e, s)
	case suricata, windows, zeek, jsonDocument:
		if len(s) > 1 && s[0] == '{' {
			ok = d.embedded(e, s, o)
		} else if d.windowsXML(e, s) {
			return true
		}
	case linux:
		if h == nil {
			return false
		}
		if strings.Contains(s, " DPT=") || strings.Contains(s, " SRC=") {
			if netfilter(e, s) {
				set(e, ecs.Message, h.text)
				set(e, ecs.EventDataset, "linux.iptables")
				e.SetLogsource("linux", "iptables", "firewall")
				return true
			}
		}
		if h.app == "" {
			if o.Dataset == "linux.dropbear" {
				set(e, ecs.Message, h.text)
				d.linux(e, "dropbear", -1, h.text)
				set(e, ecs.EventDataset, dataset)
				return true
			}
			return false
		}
		if strings.HasPrefix(s, "{") && d.embedded(e, s, o) {
			return true
		}
		set(e, ecs.Message, h.text)
		d.linux(e, h.app, facility(h.pri), h.text)
		ok = true
	}
	if ok {
		set(e, ecs.EventDataset, dataset)
	}
	return ok
}

// webProduct is the server a dataset of access logs belongs to, "" where it does not say.
func webProduct(dataset string) string {
	product, _, _ := strings.Cut(dataset, ".")
	if product == "web" {
		return ""
	}
	return product
}

// bodyByShape finds out what a text is; app is the syslog program, "" none.
func (d *Decoder) bodyByShape(e *ecs.Event, s string, o Options, app string) (string, bool) {
	if len(s) < 8 {
		return "", false
	}
	app = app[strings.LastIndexByte(app, '/')+1:]
	switch {
	case s[0] == '{':
		if d.embedded(e, s, o) {
			return e.Text(ecs.EventDataset), true
		}
		return "", false
	case s[0] == '<':
		if d.windowsXML(e, s) {
			return e.Text(ecs.EventDataset), true
		}
	case strings.HasPrefix(s, "type=") && strings.Contains(s[:min(len(s), 80)], "msg=audit("):
		if d.auditd(e, s) {
			return "linux.auditd", true
		}
	case strings.HasPrefix(app, "nginx"):
		if d.access(e, s, "nginx", o.Zone) {
			return "nginx.access", true
		}
		if d.nginxError(e, s, o.Zone) {
			return "nginx.error", true
		}
	case strings.HasPrefix(app, "apache"), strings.HasPrefix(app, "httpd"):
		if d.access(e, s, "apache", o.Zone) {
			return "apache.access", true
		}
		if d.apacheError(e, s, e.Created, o.Zone) {
			return "apache.error", true
		}
	case app == "":
		if i := strings.Index(s[:min(len(s), 256)], " ["); i > 0 && i+23 < len(s) && s[i+4] == '/' && s[i+8] == '/' && d.access(e, s, "", o.Zone) {
			return "web.access", true
		}
		if s[0] == '[' && d.apacheError(e, s, e.Created, o.Zone) {
			return "apache.error", true
		}
		if s[0] >= '0' && s[0] <= '9' && s[4] == '/' && d.nginxError(e, s, o.Zone) {
			return "nginx.error", true
		}
	}
	if strings.Contains(s, " SRC=") && strings.Contains(s, " DST=") && netfilter(e, s) {
		e.SetLogsource("linux", "iptables", "firewall")
		return "linux.iptables", true
	}
	if programs[app] { // what a daemon of the system writes is no message of a device
		return "", false
	}
	for _, def := range d.set.sniff {
		if def.looksLike(s, app) && def.decodeText(d, e, s, app, o) {
			return def.Dataset, true
		}
	}
	return "", false
}

// embedded decodes a JSON object inside a text message beside what the header gave; false where it is broken.
func (d *Decoder) embedded(e *ecs.Event, s string, o Options) bool {
	var inner ecs.Event
	inner.Created = e.Created
	if d.decodeJSON(&inner, []byte(s), Options{Dataset: o.Dataset, Zone: o.Zone}) != nil {
		return false
	}
	d.merge(e, &inner)
	return true
}

// merge lays a document that a text carried over what the header gave. host.name stays the relay's word only where the document
// has none.
func (d *Decoder) merge(e, inner *ecs.Event) {
	d.document = true
	if inner.Time != 0 {
		e.Time = inner.Time
	}
	for i := range inner.Len() {
		f, _ := inner.At(i)
		e.Delete(f)
	}
	for i := range inner.Len() {
		f, v := inner.At(i)
		e.Add(f, v.Text, v.Kind)
	}
}

// addNamed adds a value under a name that may be new to the process.
func (d *Decoder) addNamed(e *ecs.Event, name []byte, value string, k ecs.Kind) {
	f := d.json.Names.Intern(string(name))
	if f == ecs.Overflow {
		e.AddString(f, string(name)+"="+value)
		return
	}
	if f.Virtual() {
		return
	}
	e.Add(f, value, k)
}

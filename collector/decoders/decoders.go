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
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
	"unsafe"

	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/internal/wording"
)

// ErrDataset says that a named dataset has no decoder.
var ErrDataset = errors.New("no decoder has this name")

// Set is every decoder of this build, compiled.
type Set struct {
	defs     map[string]*definition // by dataset
	hosts    map[string]*definition // those of programs, by dataset
	programs map[string]*definition // those of programs, by program
	sniff    []sniffer              // those that recognise texts, in the order they are asked
	shapes   []*definition          // those that recognise JSON documents
	extra    []*definition          // those beside the build's own

	formats    []*format          // parsers in Go
	named      map[string]*format // by dataset
	beginnings []beginning
	texts      []textShape
	documents  []documentShape
}

// New compiles the embedded definitions and those of extra file systems (<vendor>/<product>.yml), later ones replacing earlier
// ones of the same dataset, and runs the test lines of the extra ones. Every bad file is named in the error.
func New(extra ...fs.FS) (*Set, error) {
	s := newSet()
	errs := []error{s.load(append([]fs.FS{embedded}, extra...))}
	for _, def := range s.extra {
		errs = append(errs, s.check(def))
	}
	return s, errors.Join(errs...)
}

func newSet() *Set {
	s := &Set{defs: map[string]*definition{}, hosts: map[string]*definition{}, programs: map[string]*definition{}}
	s.goParsers()
	return s
}

// Load is New with the definitions in folders of this machine; every folder and file that is bad is named.
func Load(folders []string) (*Set, error) {
	var errs []error
	var extra []fs.FS
	for _, dir := range folders {
		if info, err := os.Stat(dir); err != nil {
			errs = append(errs, wording.New("decoders: %s", err))
		} else if !info.IsDir() {
			errs = append(errs, wording.New("decoders: %s is no folder", dir))
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

// Known says whether dataset names a decoder.
func (s *Set) Known(dataset string) bool {
	return s.format(dataset) != nil || s.defs[dataset] != nil
}

// Datasets lists the names of all definitions and Go parsers (those by their beginning as "windows.*").
func (s *Set) Datasets() []string {
	var out []string
	for _, f := range s.formats {
		out = append(out, f.datasets...)
	}
	for n := range s.defs {
		out = append(out, n)
	}
	return sorted(out)
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

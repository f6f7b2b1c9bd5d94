package decoders

import (
	"cmp"
	"strings"
	"time"
	"unicode/utf8"

	"hoalu/ecs"
)

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
	told, def := d.set.format(o.Dataset), d.set.defs[o.Dataset]
	if !framed && d.bare(e, s, o, told, def) {
		return true
	}
	d.h = readHeader(s, e.Created, o.Zone)
	h := &d.h
	t := e.Time
	h.put(d, e)
	if d.clock = zoneNamed; h.timed {
		d.clock = h.zone
	}
	if d.behind(e, s, o, told, def) {
		return true
	}
	if h.app == "" && h.host == "" && !h.timed && !h.is5424 {
		if d.guessed(e, s, o, "") { // not what its source was said to send
			return true
		}
		e.Time = t
		if own, named, ok := ownTime(h.text, e.Created, o.Zone); ok {
			e.Time = own
			if d.clock = zoneAssumed; named {
				d.clock = zoneNamed
			}
		}
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
	d.linux(e, h.app, facility(h.pri), h.text, o)
	set(e, ecs.EventDataset, linuxDataset(e))
	return true
}

// bare decodes a line that has no syslog header: of files, and of shippers that cut it off. told and def are what the source was said to
// send.
func (d *Decoder) bare(e *ecs.Event, s string, o Options, told *format, def *definition) bool {
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
	if told != nil && told.files && d.body(e, s, o, told, nil) {
		return true
	}
	switch {
	case def != nil:
		return !def.Syslog && !headed(s, e.Created, o) && d.defined(e, s, o, def, "")
	case told == nil:
		return !headed(s, e.Created, o) && d.guessed(e, s, o, "")
	}
	return false
}

// behind decodes the text behind the header in d.h, or the whole line s where the header took what belongs to the text.
func (d *Decoder) behind(e *ecs.Event, s string, o Options, told *format, def *definition) bool {
	text, app := d.h.text, d.h.app
	switch {
	case told != nil:
		return told.line != nil && d.body(e, text, o, told, &d.h)
	case def != nil:
		return d.defined(e, text, o, def, app) || d.defined(e, s, o, def, app)
	case text == "":
		return false
	}
	// CEF and the like put a colon where the tag ends.
	return d.guessed(e, text, o, app) || text != s && d.guessed(e, s, o, app)
}

// defined decodes a text by a definition.
func (d *Decoder) defined(e *ecs.Event, s string, o Options, def *definition, app string) bool {
	if !def.decodeText(d, e, s, app, o) {
		return false
	}
	set(e, ecs.EventDataset, def.Dataset)
	return true
}

// guessed decodes a text by its shape.
func (d *Decoder) guessed(e *ecs.Event, s string, o Options, app string) bool {
	dataset, ok := d.bodyByShape(e, s, o, app)
	if ok {
		set(e, ecs.EventDataset, dataset)
	}
	return ok
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

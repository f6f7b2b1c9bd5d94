package decoders

import (
	"encoding/xml"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"hoalu/ecs"
)

// Windows events as the system renders them in XML (schema http://schemas.microsoft.com/win/2004/08/events/event): what event
// forwarding, NXLog, wevtutil and Sysmon for Linux send. They get the names Winlogbeat gives, so that one decoder reads both.

// levelNames are winmeta.xml's levels; 0 is "always".
var levelNames = [...]string{"information", "critical", "error", "warning", "information", "verbose"}

// eventXML is what of one <Event> is being read.
type eventXML struct {
	d     *Decoder
	inner ecs.Event
	path  []string // element names from Event down
	attr  []xml.Attr
	value strings.Builder
	data  int  // Data without a name so far: param1, param2 …
	leaf  bool // no element stands in the one at hand
}

// windowsXML reads one <Event>; false leaves e as it was. An event that was cut off behind its data is read as far as it goes.
func (d *Decoder) windowsXML(e *ecs.Event, s string) bool {
	if strings.HasPrefix(s, "<?xml") {
		if i := strings.Index(s[:min(len(s), 128)], "?>"); i > 0 {
			s = strings.TrimLeft(s[i+2:], " \r\n\t")
		}
	}
	if !strings.HasPrefix(s, "<Event>") && !strings.HasPrefix(s, "<Event ") {
		return false
	}
	x := eventXML{d: d}
	whole := x.read(s)
	if !whole && strings.ContainsFunc(s, forbidden) || !whole && strings.Contains(s, "&#") {
		x = eventXML{d: d}
		whole = x.read(hideControls(s))
		showControls(&x.inner)
	}
	saved := d.doc
	defer func() { d.doc = saved }()
	d.doc.note(&x.inner)
	if !d.doc.has[rWinChannel] || !d.doc.has[rWinEventID] ||
		!whole && !strings.Contains(s, "</EventData>") && !strings.Contains(s, "</UserData>") {
		return false
	}
	d.windows(&x.inner, &d.doc)
	if name := x.inner.Text(ecs.UserName); strings.ContainsFunc(name, unicode.IsControl) { // winlog.event_data keeps it as it was
		x.inner.SetString(ecs.UserName, strings.TrimSpace(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, name)))
	}
	d.merge(e, &x.inner)
	if !whole {
		d.document = false // event.original keeps what could not be read
		set(e, ecs.ErrorMessage, "the event's XML is cut off")
	}
	return true
}

// read takes s apart and says whether the event is whole.
func (x *eventXML) read(s string) bool {
	tokens := xml.NewDecoder(strings.NewReader(s))
	tokens.Strict = false
	for {
		tok, err := tokens.Token()
		if err != nil {
			return false // cut off or no XML
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if len(x.path) >= 32 {
				return false
			}
			x.start(t)
		case xml.CharData:
			if x.leaf || x.inData() {
				x.value.Write(t)
			}
		case xml.EndElement:
			if len(x.path) == 0 {
				return false
			}
			if x.inData() && len(x.path) > 3 { // the end of what looks like an element inside a value
				x.path = x.path[:len(x.path)-1]
				continue
			}
			if x.leaf {
				x.end(x.value.String())
			}
			x.leaf = false
			x.path = x.path[:len(x.path)-1]
			x.value.Reset()
			if len(x.path) == 0 {
				return true
			}
		}
	}
}

// inData says whether the reader stands in a value of event data: programs write what looks like elements there ("<Unknown>").
func (x *eventXML) inData() bool {
	return len(x.path) >= 3 && x.path[1] == "EventData" && x.path[2] == "Data"
}

// keep adds what an event itself says, also where it says nothing: rules tell a field that is empty from one that is not there.
func (x *eventXML) keep(name, v string) {
	x.d.addNamed(&x.inner, append(x.d.name[:0], name...), strings.TrimSpace(v), ecs.String)
}

func (x *eventXML) put(name, v string) {
	if v = strings.TrimSpace(v); v != "" {
		x.d.addNamed(&x.inner, append(x.d.name[:0], name...), v, ecs.String)
	}
}

func (x *eventXML) attribute(name string) string {
	for _, a := range x.attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// start enters an element; those of System carry their values in attributes.
func (x *eventXML) start(t xml.StartElement) {
	if x.inData() {
		x.value.WriteString("<" + t.Name.Local + ">")
		x.path = append(x.path, t.Name.Local)
		return
	}
	x.path = append(x.path, t.Name.Local)
	x.attr = append(x.attr[:0], t.Attr...)
	x.value.Reset()
	x.leaf = true
	if len(x.path) != 3 || x.path[1] != "System" {
		return
	}
	switch x.path[2] {
	case "Provider":
		x.put("winlog.provider_name", x.attribute("Name"))
		x.put("winlog.provider_guid", x.attribute("Guid"))
	case "TimeCreated":
		x.put("winlog.time_created", x.attribute("SystemTime"))
	case "Correlation":
		x.put("winlog.activity_id", x.attribute("ActivityID"))
	case "Execution":
		x.put("winlog.process.pid", x.attribute("ProcessID"))
		x.put("winlog.process.thread.id", x.attribute("ThreadID"))
	case "Security":
		x.put("winlog.user.identifier", x.attribute("UserID"))
	}
}

// end leaves an element that held the text v.
func (x *eventXML) end(v string) {
	switch {
	case len(x.path) == 3 && x.path[1] == "System":
		x.system(x.path[2], v)
	case len(x.path) == 3 && x.path[1] == "EventData" && x.path[2] == "Data":
		name := x.attribute("Name")
		if name == "" {
			x.data++
			name = "param" + strconv.Itoa(x.data)
		}
		x.keep("winlog.event_data."+name, v)
	case len(x.path) >= 4 && x.path[1] == "UserData":
		x.keep("winlog.user_data."+strings.Join(x.path[3:], "."), v)
	case len(x.path) == 3 && x.path[1] == "RenderingInfo":
		switch x.path[2] {
		case "Message":
			x.put("message", strings.ReplaceAll(v, "\r\n", "\n"))
		case "Task":
			x.put("winlog.task", v)
		case "Opcode":
			x.put("winlog.opcode", v)
		}
	}
}

// system reads an element of System.
func (x *eventXML) system(name, v string) {
	switch name {
	case "EventID":
		x.put("winlog.event_id", v)
	case "Channel":
		x.put("winlog.channel", v)
	case "Computer":
		x.put("winlog.computer_name", v)
	case "EventRecordID":
		x.put("winlog.record_id", v)
	case "Version":
		x.put("winlog.version", v)
	case "Level":
		if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n >= 0 && n < len(levelNames) {
			x.put("winlog.level", levelNames[n])
		}
	case "Keywords":
		switch v = strings.TrimSpace(v); {
		case strings.HasPrefix(v, "0x802"):
			x.put("winlog.keywords", "Audit Success")
		case strings.HasPrefix(v, "0x801"):
			x.put("winlog.keywords", "Audit Failure")
		}
		x.put("winlog.keywords", v) // rules ask for the number
	}
}

// XML 1.0 has no control characters; Windows writes them all the same, as they are and as "&#x3;". They are read as characters of a
// private plane and put back, so that an attacker who has one in a name does not hide the event.

const hidden = 0x10ff00 // private use, plane 16

func forbidden(r rune) bool { return r < 0x20 && r != '\t' && r != '\n' && r != '\r' }

var controlReference = regexp.MustCompile(`&#(?:x0*([0-9a-fA-F]{1,2})|0*([0-9]{1,2}));`)

func hideControls(s string) string {
	s = controlReference.ReplaceAllStringFunc(s, func(ref string) string {
		m := controlReference.FindStringSubmatch(ref)
		n, err := strconv.ParseUint(m[1], 16, 8)
		if m[2] != "" {
			n, err = strconv.ParseUint(m[2], 10, 8)
		}
		if err != nil || !forbidden(rune(n)) {
			return ref
		}
		return string(rune(hidden + n))
	})
	return strings.Map(func(r rune) rune {
		if forbidden(r) {
			return hidden + r
		}
		return r
	}, s)
}

func showControls(e *ecs.Event) {
	for i := range e.Len() {
		if _, v := e.At(i); strings.ContainsFunc(v.Text, func(r rune) bool { return r >= hidden && r < hidden+0x20 }) {
			e.SetAt(i, strings.Map(func(r rune) rune {
				if r >= hidden && r < hidden+0x20 {
					return r - hidden
				}
				return r
			}, v.Text))
		}
	}
}

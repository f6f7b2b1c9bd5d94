package decoders

import (
	"encoding/xml"
	"strconv"
	"strings"

	"hoalu/ecs"
)

// Windows events as the system renders them in XML (schema http://schemas.microsoft.com/win/2004/08/events/event): what event
// forwarding, NXLog, wevtutil and Sysmon for Linux send. They get the names Winlogbeat gives, so that one decoder reads both.

// levelNames are winmeta.xml's levels; 0 is "always".
var levelNames = [...]string{"information", "critical", "error", "warning", "information", "verbose"}

// windowsXML reads one <Event>; false leaves e as it was.
func (d *Decoder) windowsXML(e *ecs.Event, s string) bool {
	if strings.HasPrefix(s, "<?xml") {
		if i := strings.Index(s[:min(len(s), 128)], "?>"); i > 0 {
			s = strings.TrimLeft(s[i+2:], " \r\n\t")
		}
	}
	if !strings.HasPrefix(s, "<Event>") && !strings.HasPrefix(s, "<Event ") {
		return false
	}
	x := xml.NewDecoder(strings.NewReader(s))
	x.Strict = false
	var (
		path  []string // element names from Event down
		attr  []xml.Attr
		value strings.Builder
		inner ecs.Event
		data  = 0 // Data without a name: param1, param2 …
		leaf  = false
	)
	put := func(name, v string) {
		if v = strings.TrimSpace(v); v != "" {
			d.addNamed(&inner, append(d.name[:0], name...), v, ecs.String)
		}
	}
	attribute := func(name string) string {
		for _, a := range attr {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
	closed := false
	for !closed {
		tok, err := x.Token()
		if err != nil {
			return false // cut off or no XML
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if len(path) >= 32 {
				return false
			}
			path = append(path, t.Name.Local)
			attr = append(attr[:0], t.Attr...)
			value.Reset()
			leaf = true
			if len(path) == 3 && path[1] == "System" {
				switch path[2] {
				case "Provider":
					put("winlog.provider_name", attribute("Name"))
					put("winlog.provider_guid", attribute("Guid"))
				case "TimeCreated":
					put("winlog.time_created", attribute("SystemTime"))
				case "Correlation":
					put("winlog.activity_id", attribute("ActivityID"))
				case "Execution":
					put("winlog.process.pid", attribute("ProcessID"))
					put("winlog.process.thread.id", attribute("ThreadID"))
				case "Security":
					put("winlog.user.identifier", attribute("UserID"))
				}
			}
		case xml.CharData:
			if leaf {
				value.Write(t)
			}
		case xml.EndElement:
			if len(path) == 0 {
				return false
			}
			v := value.String()
			if leaf {
				switch {
				case len(path) == 3 && path[1] == "System":
					switch path[2] {
					case "EventID":
						put("winlog.event_id", v)
					case "Channel":
						put("winlog.channel", v)
					case "Computer":
						put("winlog.computer_name", v)
					case "EventRecordID":
						put("winlog.record_id", v)
					case "Version":
						put("winlog.version", v)
					case "Level":
						if n, err := strconv.Atoi(strings.TrimSpace(v)); err == nil && n >= 0 && n < len(levelNames) {
							put("winlog.level", levelNames[n])
						}
					case "Keywords":
						switch v = strings.TrimSpace(v); {
						case strings.HasPrefix(v, "0x802"):
							put("winlog.keywords", "Audit Success")
						case strings.HasPrefix(v, "0x801"):
							put("winlog.keywords", "Audit Failure")
						}
						put("winlog.keywords", v) // rules ask for the number
					}
				case len(path) == 3 && path[1] == "EventData" && path[2] == "Data":
					name := attribute("Name")
					if name == "" {
						data++
						name = "param" + strconv.Itoa(data)
					}
					put("winlog.event_data."+name, v)
				case len(path) >= 4 && path[1] == "UserData":
					put("winlog.user_data."+strings.Join(path[3:], "."), v)
				case len(path) == 3 && path[1] == "RenderingInfo":
					switch path[2] {
					case "Message":
						put("message", strings.ReplaceAll(v, "\r\n", "\n"))
					case "Task":
						put("winlog.task", v)
					case "Opcode":
						put("winlog.opcode", v)
					}
				}
			}
			leaf = false
			path = path[:len(path)-1]
			value.Reset()
			closed = len(path) == 0
		}
	}
	saved := d.doc
	defer func() { d.doc = saved }()
	d.doc.note(&inner)
	if !d.doc.has[rWinChannel] || !d.doc.has[rWinEventID] {
		return false
	}
	d.windows(&inner, &d.doc)
	d.merge(e, &inner)
	return true
}

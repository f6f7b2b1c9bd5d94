package ecs

import (
	"strings"
	"sync"
	"sync/atomic"
)

// Field is an interned dotted field name. It is valid in this process only: files and messages carry names.
type Field uint32

// MaxFields bounds the names one process interns, so that a sender that invents names cannot fill memory.
// Past it every new name becomes Overflow, whose values read "name=value".
const MaxFields = 1 << 17

var names struct {
	mu  sync.RWMutex
	ids map[string]Field
	all atomic.Pointer[[]string] // by Field; replaced on growth, entries never change
}

// Intern returns the Field of a name, making one if it is new. Safe for concurrent use. It is for names of events, rules and the
// product; what a person asks for goes through Named, and names a sender may invent through its Share.
func Intern(name string) Field {
	if f, ok := Lookup(name); ok {
		return f
	}
	names.mu.Lock()
	defer names.mu.Unlock()
	if f, ok := names.ids[name]; ok {
		return f
	}
	if names.ids == nil {
		names.ids = make(map[string]Field, 1024)
	}
	var all []string
	if p := names.all.Load(); p != nil {
		all = *p
	}
	if len(all) >= MaxFields {
		return names.ids["hoalu.overflow"]
	}
	name = strings.Clone(name) // the caller's string may alias an arena
	f := Field(len(all))
	all = append(all, name)
	names.all.Store(&all)
	names.ids[name] = f
	return f
}

// Lookup returns the Field of a name some event or rule already used; it never grows the table.
func Lookup(name string) (Field, bool) {
	names.mu.RLock()
	f, ok := names.ids[name]
	names.mu.RUnlock()
	return f, ok
}

// Name is the dotted name; "" of a Field from Named that was asked for long ago.
func (f Field) Name() string {
	if f.Asked() {
		return asked.name(f)
	}
	return (*names.all.Load())[f]
}

func (f Field) String() string { return f.Name() }

// MaxShare bounds the names that one sender adds to the table.
const MaxShare = 4096

// Share is what one sender may add to the table of names, so that a sender that invents names spoils search for nobody else.
// Nil has no bound. Safe for concurrent use.
type Share struct {
	used    atomic.Int64
	refused atomic.Int64
}

// Intern is Intern within the share; past it a new name is Overflow.
func (s *Share) Intern(name string) Field {
	if f, ok := Lookup(name); ok || s == nil {
		if ok {
			return f
		}
		return Intern(name)
	}
	if s.used.Load() >= MaxShare {
		s.refused.Add(1)
		return Overflow
	}
	s.used.Add(1)
	f := Intern(name)
	if f == Overflow {
		s.refused.Add(1)
	}
	return f
}

// Refused is how many values were kept under Overflow because their name was past the share or the table.
func (s *Share) Refused() int64 { return s.refused.Load() }

// A Field of Named whose name no event has used yet: it has this bit, equals no Field of an event, and its name is kept for a while.
const askedBit Field = 1 << 31

// MaxAsked is how many names that people asked for and no event has used are remembered.
const MaxAsked = 1 << 14

// asked remembers the last MaxAsked such names. Each gets a number of its own, so that a name pushed out is never taken for another.
var asked = &askedNames{at: map[string]Field{}}

type askedNames struct {
	mu   sync.Mutex
	ring [MaxAsked]string
	next Field            // number of the next name
	at   map[string]Field // name → number
}

// Named returns the Field of a name a person asked for, without making one: the table of names is for events. Where no event has used
// the name, the Field is one that Bind finds the right one for as soon as an event does.
func Named(name string) Field {
	if f, ok := Lookup(name); ok {
		return f
	}
	asked.mu.Lock()
	defer asked.mu.Unlock()
	if f, ok := asked.at[name]; ok {
		return f
	}
	n := asked.next
	asked.next = (n + 1) &^ askedBit
	if old := asked.ring[n%MaxAsked]; old != "" {
		delete(asked.at, old)
	}
	name = strings.Clone(name)
	asked.ring[n%MaxAsked] = name
	asked.at[name] = n | askedBit
	return n | askedBit
}

// Asked reports whether f came from Named when no event had used its name.
func (f Field) Asked() bool { return f&askedBit != 0 }

func (a *askedNames) name(f Field) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if name := a.ring[f&^askedBit%MaxAsked]; a.at[name] == f {
		return name
	}
	return ""
}

// Bound is a Field by its name, which finds the Field of events as soon as one uses the name. Safe for concurrent use.
type Bound struct {
	Name  string
	field Field
	late  atomic.Uint32 // Field + 1
}

// Bind remembers the name of f; false where f was asked for so long ago that it is forgotten.
func Bind(f Field) (*Bound, bool) {
	b := &Bound{Name: f.Name(), field: f}
	return b, b.Name != "" || !f.Asked()
}

// Field is the Field that events use now; as long as none uses the name, one that no event has.
func (b *Bound) Field() Field {
	if !b.field.Asked() {
		return b.field
	}
	if f := b.late.Load(); f != 0 {
		return Field(f - 1)
	}
	f, ok := Lookup(b.Name)
	if !ok {
		return b.field
	}
	b.late.Store(uint32(f) + 1)
	return f
}

// Fields that parts name in code. Others are interned where they are used.
//
// The first ones are virtual: their value stands in the Event's own struct fields, and Get, Has and Values answer for
// them although At does not list them.
var (
	Timestamp     = Intern("@timestamp")
	EventID       = Intern("event.id")
	EventCreated  = Intern("event.created")
	EventIngested = Intern("event.ingested")
	SystemID      = Intern("hoalu.system.id")
	SourceID      = Intern("hoalu.source.id")

	lastVirtual = SourceID

	Overflow = Intern("hoalu.overflow")

	Message       = Intern("message")
	Tags          = Intern("tags")
	ECSVersion    = Intern("ecs.version")
	ErrorMessage  = Intern("error.message")
	LogLevel      = Intern("log.level")
	LogFilePath   = Intern("log.file.path")
	SyslogAppname = Intern("log.syslog.appname")

	EventKind     = Intern("event.kind")
	EventCategory = Intern("event.category")
	EventType     = Intern("event.type")
	EventAction   = Intern("event.action")
	EventOutcome  = Intern("event.outcome")
	EventCode     = Intern("event.code")
	EventModule   = Intern("event.module")
	EventDataset  = Intern("event.dataset")
	EventOriginal = Intern("event.original")
	EventReason   = Intern("event.reason")
	EventSeverity = Intern("event.severity")
	EventDuration = Intern("event.duration")

	HostName     = Intern("host.name")
	HostHostname = Intern("host.hostname")
	HostIP       = Intern("host.ip")

	SourceIP       = Intern("source.ip")
	SourcePort     = Intern("source.port")
	SourceAddress  = Intern("source.address")
	SourceBytes    = Intern("source.bytes")
	SourcePackets  = Intern("source.packets")
	DestIP         = Intern("destination.ip")
	DestPort       = Intern("destination.port")
	DestAddress    = Intern("destination.address")
	DestDomain     = Intern("destination.domain")
	DestBytes      = Intern("destination.bytes")
	DestPackets    = Intern("destination.packets")
	NetTransport   = Intern("network.transport")
	NetProtocol    = Intern("network.protocol")
	NetType        = Intern("network.type")
	NetDirection   = Intern("network.direction")
	NetCommunityID = Intern("network.community_id")
	NetBytes       = Intern("network.bytes")
	NetPackets     = Intern("network.packets")

	UserName   = Intern("user.name")
	UserID     = Intern("user.id")
	UserDomain = Intern("user.domain")

	ProcessName        = Intern("process.name")
	ProcessPID         = Intern("process.pid")
	ProcessExecutable  = Intern("process.executable")
	ProcessCommandLine = Intern("process.command_line")
	ParentName         = Intern("process.parent.name")
	ParentPID          = Intern("process.parent.pid")
	ParentExecutable   = Intern("process.parent.executable")
	ParentCommandLine  = Intern("process.parent.command_line")

	FilePath = Intern("file.path")
	FileName = Intern("file.name")

	URLOriginal  = Intern("url.original")
	URLPath      = Intern("url.path")
	URLQuery     = Intern("url.query")
	URLDomain    = Intern("url.domain")
	HTTPMethod   = Intern("http.request.method")
	HTTPStatus   = Intern("http.response.status_code")
	HTTPReferrer = Intern("http.request.referrer")
	UserAgent    = Intern("user_agent.original")

	DNSQuestionName = Intern("dns.question.name")
	DNSQuestionType = Intern("dns.question.type")
	DNSResponseCode = Intern("dns.response_code")

	ObserverName = Intern("observer.name")
	ObserverType = Intern("observer.type")

	LogsourceProduct  = Intern("sigma.logsource.product")
	LogsourceService  = Intern("sigma.logsource.service")
	LogsourceCategory = Intern("sigma.logsource.category")

	// The product's own fields.
	HoaluTimeSuspect = Intern("hoalu.time_suspect")     // true: the source's time was not believed (decision 2)
	HoaluSenderTime  = Intern("hoalu.sender_timestamp") // what the source wrote, where it was not believed
	HoaluUnparsed    = Intern("hoalu.unparsed")         // true: stored as text, no decoder took it
	HoaluExercise    = Intern("hoalu.exercise")         // true: made by `hoalu try`, shown as "diễn tập"
	HoaluDemo        = Intern("hoalu.demo")             // true: sample data, shown as "dữ liệu mẫu"
	HoaluIdentifier  = Intern("hoalu.identifier")       // kinds of citizen identifiers replaced in this event (cccd, phone)
)

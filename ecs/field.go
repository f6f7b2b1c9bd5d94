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

// Intern returns the Field of a name, making one if it is new. Safe for concurrent use.
func Intern(name string) Field {
	names.mu.RLock()
	f, ok := names.ids[name]
	names.mu.RUnlock()
	if ok {
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
	f = Field(len(all))
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

// Name is the dotted name.
func (f Field) Name() string { return (*names.all.Load())[f] }

func (f Field) String() string { return f.Name() }

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

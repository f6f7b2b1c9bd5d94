package soc

// Unit is a body of the province (department, commune, the police).
type Unit struct {
	ID      string // DV-01
	Name    string
	Kind    string // department, commune, police, other
	Demo    bool
	Retired int64 // Unix ms since when it is in use no longer, 0 in use; history keeps it
	Version int64
}

// Placement of a System, as the province counts them.
const (
	PlacementDataCentre = "data_centre"
	PlacementCloud      = "cloud"
	PlacementInternet   = "internet"
)

// States of a level dossier and of its protection plan, word for word as in Form 08 of NĐ 331 (vi texts in the console).
const (
	DossierDrafting  = "drafting"  // Đang dự thảo
	DossierSubmitted = "submitted" // Đã gửi thẩm định
	DossierAppraised = "appraised" // Đã thẩm định
	DossierApproved  = "approved"  // Đã được phê duyệt

	PlanNone    = "none"    // Chưa triển khai
	PlanPartial = "partial" // Đã triển khai một số hạng mục
	PlanFull    = "full"    // Đã triển khai đầy đủ
)

// System is a monitored information system (hệ thống thông tin).
type System struct {
	ID        string // HT-001, immutable: folders and keys use it
	Name      string
	Unit      string // DV- of the owner (chủ quản)
	Operator  string // DV- of the operator (đơn vị vận hành)
	Level     int    // 1 to 5; 0 not yet classified
	Basis     string // tcvn11930 or tcvn14423
	Placement string
	Dossier   string
	Plan      string
	Investing bool   // under investment before 01/07/2026: other transition dates
	Engine    string // database engine, "" none
	Demo      bool
	Retired   int64 // Unix ms since when it is in use no longer, 0 in use: its events, alerts and posture stay readable
	Version   int64
}

// Asset is a host or device of a System.
type Asset struct {
	ID      string // TS-0001
	System  string
	Host    string // host name, folded to lower case, unique
	Address string // address or CIDR, "" none
	Zone    string
	Kind    string // server, workstation, firewall, …
	Demo    bool
	Retired int64 // Unix ms since when it is in use no longer, 0 in use: its host name and address decide nothing
	Version int64
}

// Kinds of Source.
const (
	SourceSyslog = "syslog"
	SourceBulk   = "bulk"
	SourceImport = "import"
	SourceSensor = "sensor" // sensor certificate
	SourceSelf   = "self"   // this appliance's own events (decision 18)
)

// SourceKinds are all of them, in the order people see them in.
var SourceKinds = []string{SourceSyslog, SourceBulk, SourceImport, SourceSensor, SourceSelf}

// Technical layers a Source can prove (mạng, ứng dụng, cơ sở dữ liệu, thiết bị đầu cuối).
const (
	LayerNetwork     = "network"
	LayerApplication = "application"
	LayerDatabase    = "database"
	LayerEndpoint    = "endpoint"
)

// Kinds of log, as the requirements on logging name them.
const (
	LogConnection = "connection" // a network connection, allowed or refused
	LogFlow       = "flow"       // a connection as seen on the wire, not as its end tells it
	LogLogon      = "logon"
	LogFault      = "fault"  // an error or worse, by its own level
	LogChange     = "change" // of configuration, accounts or rights
	LogProcess    = "process"
	LogAccess     = "access" // a request to an application
	LogData       = "data"   // a file, registry key or database object touched
	LogAlert      = "alert"  // another product's finding: intrusion detection, anti-malware
)

// Source is something that sends events.
type Source struct {
	ID             string // NG-0001
	Name           string
	Kind           string
	System         string // HT-, "" when host name or network decide
	Address        string // peer address or CIDR it sends from; "" any
	Host           string // host name in the header it binds, "" any
	Dataset        string // decoder to use, "" find out
	Zone           string // time zone of lines without one; "" Asia/Ho_Chi_Minh
	Layers         []string
	ExpectEvery    int64 // ms after which silence counts; 0 learns from the usual rate
	TrustLogsource bool
	Keys           []SourceKey // what its senders prove themselves with
	Sensor         string      // sensor id, for kind sensor
	Auto           bool        // found by itself, not yet confirmed by an administrator
	StoppedUntil   int64       // planned stop
	Demo           bool
	Retired        int64 // Unix ms since when it is in use no longer, 0 in use: it takes no sender's events and nobody waits for it
	Version        int64
}

// Claim says that events of a source named a host of a system they do not count for: the source is not bound to that system, and no
// person has confirmed it.
type Claim struct {
	System string // HT-
	Last   int64  // receipt of the newest such event, Unix ms
	Events int64  // in this run
}

// SourceKey is a secret a sender shows so that what it sends is of its source; the secret itself is kept nowhere.
type SourceKey struct {
	ID    string // kh-…
	Kind  string // KeyAPI or KeyCertificate
	Label string // which machine has it
	Hash  string // sha256, hex, of the secret or of the certificate
	Made  int64
	By    string
	Ends  int64 // 0 never
	Used  int64 // first use; 0 not yet
}

// Kinds of SourceKey.
const (
	KeyAPI         = "key"         // of an Elasticsearch client, source kind bulk
	KeyCertificate = "certificate" // of a TLS client, source kind syslog
)

// Kinds of things in the inventory, as its history, the audit log and a Use name them.
const (
	KindUnit   = "unit"
	KindSystem = "system"
	KindAsset  = "asset"
	KindSource = "source"
)

// Retirement takes a thing of the inventory out of use, or back into use. Version is the one the person saw.
type Retirement struct {
	Kind, ID string
	Version  int64
	Retired  bool
	Reason   string // for the audit log
}

// Refusal is one thing of many on which nothing was done, and why.
type Refusal struct {
	ID      string
	Problem *Problem
}

// AssetImport is a list of assets as text: comma, semicolon or tab between the columns, quotes as in CSV. A first row of column names
// (host, address, system, zone, kind; or as a Vietnamese sheet has them) gives their order; without one it is that order.
type AssetImport struct {
	Text   string
	System string // of rows that name none
	Check  bool   // only say what would be done
}

// AssetsImported says what an AssetImport did. While Wrong is not empty nothing was stored.
type AssetsImported struct {
	Added     []Asset
	Unchanged int // rows that say what is declared already
	Wrong     []WrongRow
}

// WrongRow is one thing that is wrong in a row; Line counts from 1 in the text as it was given.
type WrongRow struct {
	Line    int
	Problem *Problem
}

// Use is one thing that refers to another, by the number and name people know.
type Use struct {
	Kind string `json:"kind"`           // unit, system, asset, source, account, token, alert, event
	ID   string `json:"id,omitempty"`   // DV-, HT-, TS-, NG-, ng-, mt-; "" for alerts and events, which not everybody may read
	Name string `json:"name,omitempty"` // "" as the id
	Past bool   `json:"past,omitempty"` // history: it does not keep from retiring, only from deleting
}

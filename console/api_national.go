package console

// NationalSummary answers: does the centre have everything, and can we prove it?
type NationalSummary struct {
	NationalStatus
	Endpoint   string           `json:"endpoint,omitempty" doc:"address of the receiving point; empty: nothing leaves this machine"`
	Channel    string           `json:"channel,omitempty" doc:"of the receiving point; its abilities stand in heartbeat_seconds and reconciles"`
	Heartbeat  int64            `json:"heartbeat_seconds" doc:"0: this channel has no heartbeats"`
	Reconciles bool             `json:"reconciles" doc:"the channel tells what it holds; otherwise no day can be compared"`
	Today      NationalDay      `json:"today"`
	Days       []NationalDay    `json:"days" doc:"newest first"`
	LastError  string           `json:"last_error,omitempty" doc:"the far side's words"`
	ClockAhead int64            `json:"clock_ahead_ms,omitempty" doc:"the centre's clock before ours at the last receipt"`
	RoomDays   *float64         `json:"room_days,omitempty" doc:"how long the outbox can hold on"`
	Reasons    map[string]int64 `json:"refused_by_reason,omitempty"`
	AsOf       Time             `json:"as_of"`
	Stale      Time             `json:"stale_after"`

	Destinations []NationalDestination `json:"destinations" doc:"each receiving point by itself; the other figures are of all together: the earliest trouble, the one that proved itself longest ago"`
}

// NationalDestination is one receiving point: its own outbox rows, receipts, heartbeats and days.
type NationalDestination struct {
	NationalStatus
	ID         int64         `json:"id"`
	Endpoint   string        `json:"endpoint"`
	Channel    string        `json:"channel"`
	Heartbeat  int64         `json:"heartbeat_seconds" doc:"0: this channel has no heartbeats"`
	Reconciles bool          `json:"reconciles"`
	Today      NationalDay   `json:"today"`
	Days       []NationalDay `json:"days" doc:"newest first"`
	LastError  string        `json:"last_error,omitempty"`
	ClockAhead int64         `json:"clock_ahead_ms,omitempty"`
}

// NationalDay balances one day: made = accepted + refused + waiting.
type NationalDay struct {
	Day        string   `json:"day" format:"date"`
	Made       int64    `json:"made"`
	Accepted   int64    `json:"accepted"`
	Refused    int64    `json:"refused"`
	Waiting    int64    `json:"waiting"`
	State      string   `json:"state" enum:"balanced,off,open,unknown" doc:"what reconciliation with the centre found; open: not yet reconciled"`
	Why        string   `json:"why,omitempty" enum:"no_list" doc:"why the state is unknown; no_list: the channel does not tell what it holds"`
	Reconciled Time     `json:"reconciled,omitzero"`
	Differ     []string `json:"differ,omitempty" doc:"numbers that differ"`
}

// ReportItem is a message in the outbox.
type ReportItem struct {
	ID          string     `json:"id"`
	Order       int64      `json:"order"`
	Kind        string     `json:"kind" enum:"alert,alert_update,heartbeat,reconciliation,test"`
	Destination int64      `json:"destination" doc:"number of the receiving point: the same alert is one message for each"`
	Subject     string     `json:"subject,omitempty"`
	System      *SystemRef `json:"system,omitempty"`
	Channel     string     `json:"channel"`
	Created     Time       `json:"created"`
	State       string     `json:"state" enum:"waiting,accepted,refused"`
	Tries       int        `json:"tries"`
	NextTry     Time       `json:"next_try,omitzero"`
	LastError   string     `json:"last_error,omitempty"`
	Accepted    Time       `json:"accepted,omitzero"`
	Receipt     *Receipt   `json:"receipt,omitempty"`
	Size        int        `json:"size"`
	Demo        bool       `json:"demo,omitempty"`
	Exercise    bool       `json:"exercise,omitempty"`
}

// ReportDetail is a message with what is sent, as it is sent.
type ReportDetail struct {
	ReportItem
	Body     string      `json:"body" doc:"machine text, minimised"`
	Attempts []ReportTry `json:"attempts" doc:"newest first, at most 50"`
}

// ReportTry is one attempt to deliver a message.
type ReportTry struct {
	At     Time   `json:"at"`
	Answer string `json:"answer" doc:"the far side's words, or why it was not reached"`
}

type outboxIn struct {
	State       string `query:"state" enum:"waiting,accepted,refused"`
	Kind        string `query:"kind" enum:"alert,alert_update,heartbeat,reconciliation,test"`
	Subject     string `query:"subject"`
	Destination int64  `query:"destination" minimum:"0" doc:"only to this receiving point"`
	Limit       int    `query:"limit" minimum:"1" maximum:"500" default:"100"`
	After       string `query:"after" maxLength:"200"`
}

// EndpointItem is the receiving point. Secrets are never shown again.
type EndpointItem struct {
	Destination  int64         `json:"destination,omitempty" doc:"its number"`
	URL          string        `json:"url"`
	Channel      string        `json:"channel" doc:"name of one of channels"`
	Channels     []ChannelItem `json:"channels" doc:"all that this program can deliver over"`
	Authorities  string        `json:"authorities,omitempty" doc:"PEM of the certificate authorities trusted for it"`
	ReceiptKey   string        `json:"receipt_key,omitempty" doc:"public key receipts are signed with, PEM"`
	Certificate  string        `json:"certificate,omitempty" doc:"our client certificate, PEM, to give to the centre"`
	Organisation string        `json:"organisation,omitempty" doc:"code the centre gave us"`
	Changed      Time          `json:"changed,omitzero"`
	By           string        `json:"by,omitempty"`
	Version      int64         `json:"version"`
}

// ChannelItem is one way to the centre: an authority and a format.
type ChannelItem struct {
	Name       string            `json:"name"`
	Title      map[string]string `json:"title" doc:"by language"`
	Receipts   string            `json:"receipts" enum:"signed,transport,none" doc:"what proves that the centre has a report"`
	Heartbeats bool              `json:"heartbeats"`
	Reconciles bool              `json:"reconciles"`
}

type endpointBody struct {
	URL          string `json:"url" maxLength:"400" doc:"https address; empty stops sending"`
	Channel      string `json:"channel,omitempty" maxLength:"64" doc:"name of one of channels; empty takes the first"`
	Authorities  string `json:"authorities,omitempty" maxLength:"65536"`
	ReceiptKey   string `json:"receipt_key,omitempty" maxLength:"8192"`
	Organisation string `json:"organisation,omitempty" maxLength:"64"`
	Reason       string `json:"reason,omitempty" maxLength:"400"`
	Version      int64  `json:"version"`
	Destination  int64  `json:"destination,omitempty" minimum:"0" doc:"number of the receiving point to change; 0: the first"`
	Add          bool   `json:"add,omitempty" doc:"set it beside the others: alerts from now on are reported to it as well"`
}

// destinationIn asks about one receiving point.
type destinationIn struct {
	Destination int64 `query:"destination" minimum:"0" doc:"number of the receiving point; 0: the first"`
}

// TestDone says what the far side answered to a test packet.
type TestDone struct {
	Report string `json:"report"`
	OK     bool   `json:"ok"`
	Text   string `json:"text,omitempty" doc:"the far side's words or why it was not reached"`
}

type reconcileBody struct {
	Day         string `json:"day,omitempty" format:"date" doc:"default today"`
	Destination int64  `json:"destination,omitempty" minimum:"0" doc:"number of the receiving point; 0: the first"`
}

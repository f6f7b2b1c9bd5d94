package national

import (
	"context"
	"crypto"
	"slices"

	"hoalu/national/delivery"
	"hoalu/national/jsonhttps"
	"hoalu/soc"
)

// forwarders is the table of channels. To add one: a folder here with its adapter, its test (forwardertest.Run against a far side of its
// own) and a row. What a row says its adapter can do the adapter must do; TestForwarders names each that does not.
var forwarders = []forwarder{
	{Channel{Name: "json", Title: map[string]string{"vi": "JSON qua HTTPS, biên nhận có chữ ký", "en": "JSON over HTTPS, signed receipts"},
		Receipts: delivery.Signed, Beats: true, Lists: true}, func() Adapter { return jsonhttps.New() }},
}

// DefaultChannel renders what is enqueued before an endpoint names another.
const DefaultChannel = "json"

// Channel is one authority and format that reports can go to, with what it can be asked for.
type Channel struct {
	Name     string
	Title    map[string]string // by language, for the person who chooses
	Receipts delivery.Receipts // what proves that the far side has a report
	Beats    bool              // takes heartbeats; without them nothing is said of the link between reports
	Lists    bool              // tells what it holds; without it no day can be reconciled
}

type forwarder struct {
	Channel
	New func() Adapter
}

// Adapter renders and delivers reports of one authority and format: all that a channel must be able to do. What else it can is in
// Completer, Checker, Beater and Lister.
type Adapter interface {
	// Render makes the body of a report, minimised.
	Render(o delivery.Outgoing) ([]byte, error)
	// Deliver sends one report and returns what the far side answered: on a channel with signed receipts the verified receipt, on one
	// with the transport's own the transport's word for it (ID, Received, Raw), otherwise nothing. An error is a *delivery.Refused when
	// the far side said no for good; anything else is tried again.
	Deliver(ctx context.Context, l delivery.Link, r soc.Report) (soc.Receipt, error)
}

// Completer can fill into a body what was not known when it was rendered.
type Completer interface {
	// Complete fills into a rendered body what o knows and it lacks: our identifier at the centre and, with it, what is known of the
	// system. A body made for o.Organ comes back as it is. Of o only Organ, System and Unit are set.
	Complete(body []byte, o delivery.Outgoing) ([]byte, error)
}

// Checker can verify a receipt again from the far side's own words. A channel with signed receipts must.
type Checker interface {
	// Check reads a receipt as it was answered and verifies that it is of this report, under the key.
	Check(key crypto.PublicKey, r soc.Report, answer []byte) (soc.Receipt, error)
}

// Beater can say that we are alive while nothing is reported.
type Beater interface {
	// Heartbeat says that we are alive at a time (Unix ms) and how many reports wait.
	Heartbeat(ctx context.Context, l delivery.Link, at, waiting int64) error
}

// Lister can ask what the far side holds, which reconciliation compares.
type Lister interface {
	// List returns id → digest of what the centre holds of ours, made in [from, to), after checking its signature.
	List(ctx context.Context, l delivery.Link, from, to int64) (map[string]string, error)
}

// Channels lists the rows in the order of the table.
func Channels() []Channel {
	out := make([]Channel, len(forwarders))
	for i, f := range forwarders {
		out[i] = f.Channel
	}
	return out
}

func forwarderOf(channel string) (forwarder, bool) {
	i := slices.IndexFunc(forwarders, func(f forwarder) bool { return f.Name == channel })
	if i < 0 {
		return forwarder{}, false
	}
	return forwarders[i], true
}

package national

import (
	"context"
	"crypto"
	"maps"
	"slices"

	"hoalu/national/delivery"
	"hoalu/national/jsonhttps"
	"hoalu/soc"
)

// Adapter renders and delivers reports of one authority and format. An error is a *delivery.Refused when the centre said no for good;
// anything else is tried again.
type Adapter interface {
	// Render makes the body of a report, minimised.
	Render(o delivery.Outgoing) ([]byte, error)
	// Complete fills into a rendered body what o knows and it lacks: our identifier at the centre and, with it, what is known of the
	// system. A body made for o.Organ comes back as it is.
	Complete(body []byte, o delivery.Outgoing) ([]byte, error)
	// Check reads a receipt as the centre answered it and verifies that it is of this report, under its key.
	Check(key crypto.PublicKey, r soc.Report, answer []byte) (soc.Receipt, error)
	// Deliver sends one report and returns the centre's verified receipt.
	Deliver(ctx context.Context, l delivery.Link, r soc.Report) (soc.Receipt, error)
	// Heartbeat says that we are alive at a time (Unix ms) and how many reports wait.
	Heartbeat(ctx context.Context, l delivery.Link, at, waiting int64) error
	// List returns id → digest of what the centre holds of ours, made in [from, to), after checking its signature.
	List(ctx context.Context, l delivery.Link, from, to int64) (map[string]string, error)
}

// forwarders is the table of adapters: to add one, a folder here and a row.
var forwarders = map[string]func() Adapter{
	"json": func() Adapter { return jsonhttps.New() },
}

// DefaultChannel renders what is enqueued before an endpoint names another.
const DefaultChannel = "json"

// Channels lists the rows.
func Channels() []string { return slices.Sorted(maps.Keys(forwarders)) }

// Package forwardertest holds what every forwarder must do, against a far side that the forwarder's own test brings. National checks that
// each folder of the table has a test that calls Run.
package forwardertest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"hoalu/national"
	"hoalu/national/delivery"
	"hoalu/soc"
)

// Answer is how the far side behaves.
type Answer int

// Answers.
const (
	Takes   Answer = iota
	Refuses        // says no for good
	Fails          // cannot just now
	Forges         // answers with a receipt that somebody else signed; only asked of channels with signed receipts
)

// Peer is the far side of one channel.
type Peer struct {
	Channel string // row of the table
	Link    delivery.Link
	Answers func(Answer)             // from now on
	Held    func() map[string][]byte // reports it holds, id → body
	Beats   func() int               // heartbeats it took; nil where the channel has none
}

// secret stands in what must not leave: accounts and raw evidence.
const secret = "bi-mat-cong-dan"

// Run delivers to the peer as the product does and tries every ability that the channel's row names.
func Run(t *testing.T, a national.Adapter, p Peer) {
	t.Helper()
	var row *national.Channel
	for _, c := range national.Channels() {
		if c.Name == p.Channel {
			row = &c
		}
	}
	if row == nil {
		t.Fatalf("forwarder %s has no row in national/forwarders.go", p.Channel)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p.Link.Channel = p.Channel
	made := func(id string) soc.Report {
		t.Helper()
		o := delivery.Outgoing{ID: id, Kind: delivery.KindAlert, Order: 1, Created: time.Now().UnixMilli(), Organ: p.Link.Organ,
			Alert: soc.Alert{ID: "a-" + id, Number: "CB-2026-000001", Rule: "r", Severity: soc.High, System: "HT-001", State: soc.AlertNew,
				Count: 1, User: secret, Evidence: secret},
			System: soc.System{ID: "HT-001", Name: "Cổng dịch vụ công", Level: 3}, Unit: soc.Unit{Name: "Sở Nội vụ"}}
		body, err := a.Render(o)
		if err != nil {
			t.Fatalf("forwarder %s: render: %v", p.Channel, err)
		}
		if bytes.Contains(body, []byte(secret)) {
			t.Errorf("forwarder %s: the report names the account or holds raw evidence: %s", p.Channel, body)
		}
		if again, err := a.Render(o); err != nil || !bytes.Equal(again, body) {
			t.Errorf("forwarder %s: rendering the same report again gives other bytes (%v)", p.Channel, err)
		}
		return soc.Report{ID: id, Kind: o.Kind, Order: 1, Channel: p.Channel, Body: body, Created: o.Created}
	}
	r := made("BC-taken")
	receipt := taken(ctx, t, a, p, r)
	if row.Receipts == delivery.Signed {
		signed(ctx, t, a, p, r, receipt, made("BC-forged"))
	}
	var refused *delivery.Refused
	p.Answers(Refuses)
	if _, err := a.Deliver(ctx, p.Link, made("BC-refused")); !errors.As(err, &refused) || refused.Words == "" {
		t.Errorf("forwarder %s: a final no gives %v, want *delivery.Refused with the far side's words", p.Channel, err)
	}
	p.Answers(Fails)
	if _, err := a.Deliver(ctx, p.Link, made("BC-failed")); err == nil || errors.As(err, &refused) {
		t.Errorf("forwarder %s: a far side that cannot just now gives %v, want an error that is tried again", p.Channel, err)
	}
	p.Answers(Takes)
	if b, ok := a.(national.Beater); ok {
		before := p.Beats()
		if err := b.Heartbeat(ctx, p.Link, time.Now().UnixMilli(), 3); err != nil || p.Beats() != before+1 {
			t.Errorf("forwarder %s: heartbeat gives %v and the far side took %d, want 1", p.Channel, err, p.Beats()-before)
		}
	}
	if l, ok := a.(national.Lister); ok {
		list, err := l.List(ctx, p.Link, r.Created-1000, r.Created+60_000)
		if err != nil || list[r.ID] != delivery.Digest(r.Body) {
			t.Errorf("forwarder %s: list gives %v, %v; want %s with the digest of what was sent", p.Channel, list, err, r.ID)
		}
	}
}

// taken delivers a report twice, as after a lost answer: the far side holds it once, byte for byte.
func taken(ctx context.Context, t *testing.T, a national.Adapter, p Peer, r soc.Report) soc.Receipt {
	t.Helper()
	p.Answers(Takes)
	before := len(p.Held())
	var receipt soc.Receipt
	for range 2 {
		var err error
		if receipt, err = a.Deliver(ctx, p.Link, r); err != nil {
			t.Fatalf("forwarder %s: deliver: %v", p.Channel, err)
		}
	}
	if held := p.Held(); len(held) != before+1 || !bytes.Equal(held[r.ID], r.Body) {
		t.Errorf("forwarder %s: after a repeated delivery the far side holds %d new reports, want 1 with the bytes that were rendered", p.Channel,
			len(held)-before)
	}
	return receipt
}

// signed tries the receipts of a channel that has signed ones.
func signed(ctx context.Context, t *testing.T, a national.Adapter, p Peer, r soc.Report, receipt soc.Receipt, other soc.Report) {
	t.Helper()
	check, ok := a.(national.Checker)
	if !ok {
		t.Fatalf("forwarder %s: its row says that receipts are signed, and it has no Check", p.Channel)
	}
	if !receipt.Verified || receipt.Digest != delivery.Digest(r.Body) || receipt.ID == "" {
		t.Errorf("forwarder %s: receipt %+v is not a verified one of the body sent", p.Channel, receipt)
	}
	if again, err := check.Check(p.Link.Key, r, receipt.Raw); err != nil || again.ID != receipt.ID {
		t.Errorf("forwarder %s: the receipt kept does not verify again: %v", p.Channel, err)
	}
	changed := r
	changed.Body = append(bytes.Clone(r.Body), ' ')
	if _, err := check.Check(p.Link.Key, changed, receipt.Raw); err == nil {
		t.Errorf("forwarder %s: a receipt verifies for another body", p.Channel)
	}
	p.Answers(Forges)
	if _, err := a.Deliver(ctx, p.Link, other); err == nil {
		t.Errorf("forwarder %s: a receipt that somebody else signed is taken", p.Channel)
	}
}

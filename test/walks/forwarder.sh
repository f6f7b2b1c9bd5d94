#!/usr/bin/env bash
# Add a forwarder: its folder with a test, and a row in the table.
source "$(dirname "$0")/lib.sh"
most=3
section='A forwarder'
dir=national/walk

step "the adapter" "national/walk" the_adapter
the_adapter() {
  mkdir -p $dir
  cat >$dir/walk.go <<'GO'
// Package walk hands reports to a far side in memory.
package walk

import (
	"context"
	"errors"

	"hoalu/national/delivery"
	"hoalu/soc"
)

// Adapter has no far side but its map.
type Adapter struct {
	Far    map[string][]byte
	Answer error
}

// New returns an empty Adapter.
func New() *Adapter { return &Adapter{Far: map[string][]byte{}} }

// Render gives kind, number and system.
func (a *Adapter) Render(o delivery.Outgoing) ([]byte, error) {
	return []byte(o.Kind + " " + o.Alert.Number + " " + o.System.ID), nil
}

// Deliver keeps the body.
func (a *Adapter) Deliver(_ context.Context, _ delivery.Link, r soc.Report) (soc.Receipt, error) {
	if a.Answer != nil {
		return soc.Receipt{}, a.Answer
	}
	a.Far[r.ID] = r.Body
	return soc.Receipt{}, nil
}

// ErrBusy is a far side that cannot just now.
var ErrBusy = errors.New("busy")
GO
}
step "its row" "forwarder walk has no row in" its_row
its_row() {
  sed -i 's#^\t"hoalu/soc"#\t"hoalu/national/walk"\n&#; /^var forwarders/a\	{Channel{Name: "walk", Title: map[string]string{"vi": "Kênh thử", "en": "Sample"}, Receipts: delivery.NoReceipt, Lists: true}, func() Adapter { return walk.New() }},' national/forwarders.go
}
step "its test" "forwarder walk has no test that calls forwardertest.Run" its_test
its_test() {
  mkdir -p $dir
  cat >$dir/walk_test.go <<'GO'
package walk_test

import (
	"testing"

	"hoalu/national/delivery"
	"hoalu/national/forwardertest"
	"hoalu/national/walk"
)

func TestForwarder(t *testing.T) {
	a := walk.New()
	forwardertest.Run(t, a, forwardertest.Peer{
		Channel: "walk",
		Answers: func(x forwardertest.Answer) {
			a.Answer = map[forwardertest.Answer]error{forwardertest.Refuses: &delivery.Refused{Words: "no"}, forwardertest.Fails: walk.ErrBusy}[x]
		},
		Held: func() map[string][]byte {
			out := map[string][]byte{}
			for id, body := range a.Far {
				out[id] = body
			}
			return out
		},
	})
}
GO
}
step "the ability that its row claims" "forwarder walk: its row says lists true" its_ability
its_ability() {
  [ -e $dir/walk.go ] || return 0
  cat >>$dir/walk.go <<'GO'

// List digests what is held.
func (a *Adapter) List(context.Context, delivery.Link, int64, int64) (map[string]string, error) {
	out := map[string]string{}
	for id, body := range a.Far {
		out[id] = delivery.Digest(body)
	}
	return out, nil
}
GO
}

walk

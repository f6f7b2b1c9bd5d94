package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"hoalu/compliance/evidence"
	"hoalu/console"
)

// QuarantineCmd is about what could not become an event.
type QuarantineCmd struct {
	List   QuarantineListCmd   `cmd:"" help:"What is held, newest first."`
	Replay QuarantineReplayCmd `cmd:"" help:"Decode again, after a decoder was mended."`
}

// QuarantineListCmd lists.
type QuarantineListCmd struct {
	atData
	Source string `placeholder:"NG-NNNN" help:"NG- number."`
	Reason string `placeholder:"REASON" help:"Only those held for it (json, crc, oversize …)."`
	Limit  int    `help:"At most so many, up to 1000." default:"100"`
	JSON   bool   `help:"Answer as JSON."`
}

// Validate bounds what is asked for: fewer than asked would be a silent cap.
func (c QuarantineListCmd) Validate() error {
	if c.Limit < 1 || c.Limit > 1000 {
		return fmt.Errorf(say("--limit: must be from 1 to 1000, is %d"), c.Limit)
	}
	return nil
}

// Run lists.
func (c QuarantineListCmd) Run(e *env) error {
	var raw json.RawMessage
	if err := c.control().Call(e.ctx, "GET", "/quarantine",
		url.Values{"source": {c.Source}, "reason": {c.Reason}, "limit": {fmt.Sprint(c.Limit)}}, nil, &raw); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.out, raw)
	}
	var page console.QuarantinePage
	if err := json.Unmarshal(raw, &page); err != nil {
		return err
	}
	if page.Total == 0 {
		_, err := fmt.Fprintln(e.out, say("Nothing is held."))
		return err
	}
	for _, q := range page.Items {
		if _, err := fmt.Fprintf(e.out, say("%s  %s  from %s  %s  %d bytes")+"\n", evidence.Plain(q.ID), local(q.Time), evidence.Plain(q.Source),
			evidence.Plain(q.Reason), q.Size); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(e.out, say("%d of %d shown. Decode them again after a decoder was mended: hoalu quarantine replay")+"\n",
		len(page.Items), page.Total)
	return err
}

// QuarantineReplayCmd replays.
type QuarantineReplayCmd struct {
	atData
	Source string   `placeholder:"NG-NNNN" help:"NG- number."`
	Reason string   `placeholder:"REASON" help:"Only those held for it."`
	ID     []string `arg:"" optional:"" help:"Ids; all that match otherwise."`
}

// Run replays.
func (c QuarantineReplayCmd) Run(e *env) error {
	var v struct{ Replayed, Held int64 }
	q := url.Values{"source": {c.Source}, "reason": {c.Reason}, "ids": {strings.Join(c.ID, ",")}}
	if err := c.control().Call(e.ctx, "POST", "/quarantine/replay", q, nil, &v); err != nil {
		return err
	}
	_, err := fmt.Fprintf(e.out, say("%d replayed, %d stay\n"), v.Replayed, v.Held)
	return err
}

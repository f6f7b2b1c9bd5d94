package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/compliance/evidence"
	"hoalu/internal/bounded"
	"hoalu/internal/control"
	"hoalu/internal/lang"
	"hoalu/national"
)

// NationalCmd is the link to the national centre.
type NationalCmd struct {
	Status    NationalStatusCmd    `cmd:"" help:"Where the link stands."`
	Send      NationalSendCmd      `cmd:"" help:"Send a test packet and say what the centre answered."`
	Reconcile NationalReconcileCmd `cmd:"" help:"Compare a day with the centre's list."`
	Retry     NationalRetryCmd     `cmd:"" help:"Send refused reports again, once what they were refused for is mended."`
	Endpoint  NationalEndpointCmd  `cmd:"" help:"Set or remove the receiving point."`
}

// NationalStatusCmd shows.
type NationalStatusCmd struct {
	atData
	JSON bool `help:"Answer as JSON."`
}

// Run shows the link; exit code 1 says that something is wrong with it.
func (c NationalStatusCmd) Run(e *env) error {
	var raw json.RawMessage
	if err := c.control().Call(e.ctx, "GET", "/national", nil, nil, &raw); err != nil {
		return err
	}
	var s national.Summary
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(e.out, raw); err != nil {
			return err
		}
	} else {
		list := s.Destinations
		if len(list) == 0 {
			list = []national.Summary{s}
		}
		for i, d := range list {
			if i > 0 {
				fmt.Fprintln(e.out)
			}
			printLink(e.out, d, time.Now())
		}
	}
	switch {
	case !s.Endpoint:
		return nil
	case s.FailingSince > 0:
		return fmt.Errorf(say("%w: the centre does not take reports"), errFound)
	case s.Refused > 0:
		return fmt.Errorf(say("%w: the centre has refused %d reports"), errFound, s.Refused)
	}
	return nil
}

// clockFar is how far apart the clocks may be.
const clockFar = 5 * time.Minute

func printLink(w io.Writer, s national.Summary, now time.Time) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s"+format+"\n", append([]any{padded(name, 20)}, args...)...)
	}
	ago := func(ms int64) string {
		if ms == 0 {
			return say("never")
		}
		return fmt.Sprintf(say("%s ago"), lang.Span(now.Sub(time.UnixMilli(ms))))
	}
	if s.Endpoint {
		line(say("receiving point"), "%d  %s", s.ID, evidence.Plain(s.URL))
	} else {
		line(say("receiving point"), say("none is set: nothing leaves this machine; set one with hoalu national endpoint"))
	}
	if s.Waiting > 0 {
		line(say("waiting"), say("%d, the oldest made %s"), s.Waiting, ago(s.OldestWaiting))
	} else {
		line(say("waiting"), say("none"))
	}
	line(say("accepted"), say("%d, each with a signed receipt; today %d of %d made"), s.Accepted, s.AcceptedToday, s.MadeToday)
	line(say("last receipt"), "%s", ago(s.LastReceipt))
	if s.Endpoint {
		line(say("heartbeat taken"), "%s", ago(s.Heartbeat))
	}
	if d := time.Duration(s.ClockAhead) * time.Millisecond; d.Abs() > clockFar {
		format := say("the centre's is %s ahead of this machine's: check the time here first")
		if d < 0 {
			format = say("the centre's is %s behind this machine's: check the time here first")
		}
		line(say("clocks"), format, lang.Span(d.Abs()))
	}
	if s.Refused > 0 {
		line(say("refused"), say("%d; mend the reason, then: hoalu national retry"), s.Refused)
		for _, reason := range slices.Sorted(maps.Keys(s.RefusedByReason)) {
			line("", say("%d times: %s"), s.RefusedByReason[reason], farSide(reason))
		}
	}
	if s.FailingSince > 0 {
		line(say("failing since"), "%s (%s)", local(s.FailingSince), ago(s.FailingSince))
	}
	if s.LastError != "" {
		line(say("last error"), "%s", farSide(s.LastError))
	}
}

// farSide is why the centre was not reached, in the person's language; what it said itself stays as it is.
func farSide(text string) string {
	return evidence.Plain(strings.TrimSpace(national.Told(text).Say(say)))
}

// atDestination names one of several receiving points.
type atDestination struct {
	Destination int64 `placeholder:"NUMBER" help:"Number of the receiving point, as hoalu national status shows it; the first one otherwise."`
}

func (d atDestination) values(more url.Values) url.Values {
	if more == nil {
		more = url.Values{}
	}
	if d.Destination != 0 {
		more.Set("destination", strconv.FormatInt(d.Destination, 10))
	}
	return more
}

// NationalSendCmd sends a test packet.
type NationalSendCmd struct {
	atData
	atDestination
}

// Run sends.
func (c NationalSendCmd) Run(e *env) error { return sendTest(e, c.control(), c.atDestination) }

func sendTest(e *env, control *control.Client, to atDestination) error {
	var v struct {
		Report, Text string
		OK           bool
	}
	if err := control.Call(e.ctx, "POST", "/national/test", to.values(nil), nil, &v); err != nil {
		return err
	}
	if !v.OK {
		return fmt.Errorf(say("%w: test packet %s was not accepted: %s"), errFound, v.Report, farSide(v.Text))
	}
	_, err := fmt.Fprintf(e.out, say("test packet %s accepted, receipt verified\n"), v.Report)
	return err
}

// NationalReconcileCmd compares a day.
type NationalReconcileCmd struct {
	atData
	atDestination
	Day  string `placeholder:"DAY" help:"2026-11-21; today otherwise."`
	JSON bool   `help:"Answer as JSON."`
}

// Run compares.
func (c NationalReconcileCmd) Run(e *env) error {
	var raw json.RawMessage
	if err := c.control().Call(e.ctx, "POST", "/national/reconcile", c.values(url.Values{"day": {c.Day}}), nil, &raw); err != nil {
		return err
	}
	var r national.Reconciliation
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(e.out, raw); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(e.out, say("%s: %d made = %d accepted + %d refused + %d waiting; the centre holds %d\n"), r.Day, r.Made, r.Accepted,
			r.Refused, r.Waiting, r.Centre)
		for _, x := range []struct {
			ids  []string
			says string
		}{{r.Missing, say("accepted, but the centre does not hold it: it is sent again")},
			{r.Extra, say("the centre holds it, but not as it was made here")},
			{r.Broken, say("the receipt or report kept here is not what it was; look who changed the database")}} {
			for _, id := range x.ids {
				fmt.Fprintf(e.out, say("DIFFERS  %s  %s\n"), evidence.Plain(id), x.says)
			}
		}
	}
	if !r.Balanced {
		return fmt.Errorf(say("%w: the day does not balance"), errFound)
	}
	return nil
}

// NationalRetryCmd sends refused reports again.
type NationalRetryCmd struct {
	atData
	Report string `arg:"" optional:"" help:"BC- number; all refused ones otherwise."`
}

// Run puts them back.
func (c NationalRetryCmd) Run(e *env) error {
	var v struct{ Reports int64 }
	if err := c.control().Call(e.ctx, "POST", "/national/retry", url.Values{"report": {c.Report}}, nil, &v); err != nil {
		return err
	}
	if v.Reports == 0 && c.Report != "" {
		return fmt.Errorf(say("%s is not a refused report"), c.Report)
	}
	_, err := fmt.Fprintf(e.out, say("%d refused reports are sent again\n"), v.Reports)
	return err
}

// NationalEndpointCmd sets the receiving point.
type NationalEndpointCmd struct {
	atData
	atDestination
	URL        string `placeholder:"URL" help:"Its https address."`
	ServerCA   string `placeholder:"FILE" help:"File with the centre's CA certificate (PEM)." type:"existingfile"`
	ReceiptKey string `placeholder:"FILE" help:"File with the public key receipts are signed with (PEM)." type:"existingfile"`
	OrganID    string `placeholder:"ID" help:"Our identifier at the centre."`
	Add        bool   `help:"Set it beside the others: alerts from now on are reported to it as well."`
	Remove     bool   `help:"Remove the receiving point: nothing goes there any more; what waits for the last one waits on."`
}

// Run sets it and sends a test packet, or removes it.
func (c NationalEndpointCmd) Run(e *env) error {
	given := c.URL != "" || c.ServerCA != "" || c.ReceiptKey != "" || c.OrganID != ""
	if c.Add && (c.Remove || c.Destination != 0) {
		return fmt.Errorf(say("%w: --add goes neither with --remove nor with --destination"), errUsage)
	}
	if c.Remove {
		if given {
			return fmt.Errorf(say("%w: --remove goes with no other flag"), errUsage)
		}
		if err := c.control().Call(e.ctx, "DELETE", "/national/endpoint", c.values(nil), nil, nil); err != nil {
			return err
		}
		_, err := fmt.Fprintln(e.out, say("removed: nothing goes to this receiving point any more"))
		return err
	}
	if c.URL == "" || c.ServerCA == "" || c.ReceiptKey == "" || c.OrganID == "" {
		return fmt.Errorf(say("%w: give --url, --server-ca, --receipt-key and --organ-id, or --remove"), errUsage)
	}
	ca, err := bounded.ReadFile(c.ServerCA, bounded.MaxSettings)
	if err != nil {
		return err
	}
	key, err := bounded.ReadFile(c.ReceiptKey, bounded.MaxSettings)
	if err != nil {
		return err
	}
	body, err := json.Marshal(national.Endpoint{ID: c.Destination, URL: c.URL, ServerCA: string(ca), ReceiptKey: string(key),
		OrganID: c.OrganID})
	if err != nil {
		return err
	}
	how := url.Values{}
	if c.Add {
		how.Set("add", "1")
	}
	var set struct{ Destination int64 }
	if err := c.control().Call(e.ctx, "POST", "/national/endpoint", how, strings.NewReader(string(body)), &set); err != nil {
		return err
	}
	fmt.Fprintf(e.out, say("set: reports go to %s from now on\n"), c.URL)
	return sendTest(e, c.control(), atDestination{set.Destination})
}

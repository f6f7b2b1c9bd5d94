package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"hoalu/soc"
)

const nationalFresh = time.Minute

// nationalBad: a link that fails so many times longer than makes it late is bad (own).
const nationalBad = 4

func (c *Console) nationalStatus(s NationalState) NationalStatus {
	out := NationalStatus{State: "good", LastReceipt: Time(max(s.LastReceipt, s.LastBeat)), Waiting: s.Waiting, Refused: s.Refused, Oldest: Time(s.OldestWaiting)}
	now := c.Now().UnixMilli()
	age := int64(0)
	if s.FailingSince > 0 {
		age = now - s.FailingSince
	}
	switch {
	case s.Endpoint == "":
		out.State = "unset"
	case s.FailingSince > 0 && age >= nationalBad*s.LateAfter:
		out.State = "bad"
	case s.FailingSince > 0 && age >= s.LateAfter:
		out.State = "late"
	case out.LastReceipt == 0:
		out.State = "unknown" // set, and nothing has come back yet
	}
	return out
}

func (c *Console) national(ctx context.Context, _ *call, _ *none) (*NationalSummary, error) {
	if c.Parts.National == nil {
		return nil, unavailable("national")
	}
	s, err := c.Parts.National.Summary(ctx)
	if err != nil {
		return nil, err
	}
	now := c.now()
	out := &NationalSummary{NationalStatus: c.nationalStatus(s), Endpoint: s.Endpoint, Channel: s.Channel, Heartbeat: s.HeartbeatEvery / 1000, Reconciles: s.Reconciles, Today: s.Today, Days: orEmpty(s.Days),
		LastError: s.LastError, ClockAhead: s.ClockAhead, RoomDays: s.RoomDays, Reasons: s.Reasons, AsOf: now, Stale: now + Time(nationalFresh.Milliseconds())}
	if s.Endpoint != "" && !s.Reconciles { // whatever an earlier channel told of today
		out.Today.State, out.Today.Why = "unknown", "no_list"
	}
	return out, nil
}

func (c *Console) reportItem(r soc.Report, n names) ReportItem {
	item := ReportItem{ID: r.ID, Order: r.Order, Kind: r.Kind, Subject: r.Subject, Channel: r.Channel, Created: Time(r.Created), State: r.State, Tries: r.Tries, NextTry: Time(r.NextTry),
		LastError: r.LastError, Accepted: Time(r.Accepted), Receipt: receipt(r.Receipt), Size: len(r.Body), Demo: r.Demo, Exercise: r.Exercise}
	if r.System != "" {
		ref := n.system(r.System)
		item.System = &ref
	}
	return item
}

func (c *Console) listOutbox(ctx context.Context, _ *call, in *outboxIn) (*Page[ReportItem], error) {
	if c.Parts.National == nil {
		return nil, unavailable("national")
	}
	var p ReportPage
	var err error
	if in.Subject != "" {
		p.Items, err = c.Parts.National.About(ctx, in.Subject)
		p.Total = int64(len(p.Items))
	} else {
		p, err = c.Parts.National.Outbox(ctx, in.State, in.Kind, in.After, in.Limit)
	}
	if err != nil {
		return nil, err
	}
	n := c.names()
	out := &Page[ReportItem]{Items: []ReportItem{}, Frame: c.frame(p.Total, p.Next, nationalFresh)}
	for _, r := range p.Items {
		out.Items = append(out.Items, c.reportItem(r, n))
	}
	return out, nil
}

func (c *Console) getReport(ctx context.Context, _ *call, in *idIn) (*ReportDetail, error) {
	if c.Parts.National == nil {
		return nil, unavailable("national")
	}
	r, tries, err := c.Parts.National.Report(ctx, in.ID)
	var p *soc.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return nil, absent(in.ID)
	}
	if err != nil {
		return nil, err
	}
	return &ReportDetail{ReportItem: c.reportItem(r, c.names()), Body: string(r.Body), Attempts: orEmpty(tries)}, nil
}

func (c *Console) getEndpoint(ctx context.Context, _ *call, _ *none) (*EndpointItem, error) {
	if c.Parts.National == nil {
		return nil, unavailable("national")
	}
	e, err := c.Parts.National.Endpoint(ctx)
	return &e, err
}

func (c *Console) setEndpoint(ctx context.Context, k *call, in *bodyIn[endpointBody]) (*EndpointItem, error) {
	if c.Parts.National == nil {
		return nil, unavailable("national")
	}
	b := in.Body
	if b.URL != "" {
		u, err := url.Parse(b.URL)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			return nil, wrongField("endpoint_https", "url")
		}
	}
	e, err := c.Parts.National.SetEndpoint(ctx, k.Actor, EndpointItem{URL: b.URL, Channel: b.Channel, ServerName: b.ServerName, Authorities: b.Authorities, ReceiptKey: b.ReceiptKey,
		Organisation: b.Organisation, Version: b.Version}, b.Reason)
	return &e, err
}

func (c *Console) testEndpoint(ctx context.Context, k *call, _ *none) (*TestDone, error) {
	if c.Parts.National == nil {
		return nil, unavailable("national")
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	t, err := c.Parts.National.Test(ctx, k.Actor)
	return &t, err
}

func (c *Console) reconcile(ctx context.Context, k *call, in *bodyIn[reconcileBody]) (*NationalDay, error) {
	if c.Parts.National == nil {
		return nil, unavailable("national")
	}
	day := in.Body.Day
	if day == "" {
		day = c.Now().In(Zone).Format(time.DateOnly)
	} else if _, err := time.ParseInLocation(time.DateOnly, day, Zone); err != nil {
		return nil, wrongField("time_wrong", "day")
	}
	d, err := c.Parts.National.Reconcile(ctx, k.Actor, day)
	return &d, err
}

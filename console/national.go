package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"hoalu/soc"
)

// national is the link to the national centre: its outbox and its receiving point.
type national struct {
	*desk
	national National
}

func (h *national) operations() (string, []operation) {
	return "national", []operation{
		{get, "/api/national", "national", "national.read", "Does the centre have everything", needs(partNational), to(h.summary)},
		{get, "/api/national/outbox", "listOutbox", "national.read", "Messages: waiting first, oldest first",
			needs(partNational), to(h.outbox)},
		{get, "/api/national/outbox/{id}", "getReport", "national.read", "One message as it is sent",
			needs(partNational), to(h.report)},
		{get, "/api/national/endpoint", "getEndpoint", "national.read", "The receiving point", needs(partNational), to(h.endpoint)},
		{put, "/api/national/endpoint", "setEndpoint", "national.endpoint", "Set the receiving point",
			needs(partNational), to(h.setEndpoint).upTo(128 << 10)},
		{post, "/api/national/test", "testEndpoint", "national.test", "Send a test packet now", needs(partNational), to(h.test)},
		{post, "/api/national/reconcile", "reconcile", "national.act", "Compare a day with the centre",
			needs(partNational), to(h.reconcile)},
	}
}

func receipt(r *soc.Receipt) *Receipt {
	if r == nil {
		return nil
	}
	return &Receipt{ID: r.ID, Received: Time(r.Received), Digest: r.Digest, Key: r.KeyID, Kind: r.Kind, Verified: r.Verified, Fault: r.Fault}
}

const nationalFresh = time.Minute

// nationalBad: a link that fails so many times longer than makes it late is bad (own).
const nationalBad = 4

// nationalStatus judges the link at now.
func nationalStatus(s NationalState, now int64) NationalStatus {
	out := NationalStatus{State: "good", LastReceipt: Time(max(s.LastReceipt, s.LastBeat)), Waiting: s.Waiting, Refused: s.Refused,
		Oldest: Time(s.OldestWaiting)}
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

func (h *national) summary(ctx context.Context, _ *call, _ *none) (*NationalSummary, error) {
	s, err := h.national.Summary(ctx)
	if err != nil {
		return nil, err
	}
	now := h.now()
	out := &NationalSummary{NationalStatus: nationalStatus(s, int64(now)), Endpoint: s.Endpoint, Channel: s.Channel,
		Heartbeat: s.HeartbeatEvery / 1000, Reconciles: s.Reconciles, Today: s.Today, Days: orEmpty(s.Days),
		LastError: s.LastError, ClockAhead: s.ClockAhead, RoomDays: s.RoomDays, Reasons: s.Reasons, AsOf: now,
		Stale: now + Time(nationalFresh.Milliseconds())}
	out.Today = today(s)
	out.Destinations = []NationalDestination{}
	for _, d := range s.Destinations {
		out.Destinations = append(out.Destinations, NationalDestination{NationalStatus: nationalStatus(d, int64(now)), ID: d.ID,
			Endpoint: d.Endpoint,
			Channel:  d.Channel, Heartbeat: d.HeartbeatEvery / 1000, Reconciles: d.Reconciles, Today: today(d), Days: orEmpty(d.Days),
			LastError: d.LastError, ClockAhead: d.ClockAhead})
	}
	return out, nil
}

// today is the day's balance; on a channel that tells no list nobody can say, whatever an earlier channel told.
func today(s NationalState) NationalDay {
	out := s.Today
	if s.Endpoint != "" && !s.Reconciles {
		out.State, out.Why = "unknown", "no_list"
	}
	return out
}

func reportItem(r soc.Report, n names) ReportItem {
	item := ReportItem{ID: r.ID, Order: r.Order, Kind: r.Kind, Destination: r.Destination, Subject: r.Subject, Channel: r.Channel,
		Created: Time(r.Created), State: r.State, Tries: r.Tries, NextTry: Time(r.NextTry),
		LastError: r.LastError, Accepted: Time(r.Accepted), Receipt: receipt(r.Receipt), Size: len(r.Body), Demo: r.Demo, Exercise: r.Exercise}
	if r.System != "" {
		ref := n.system(r.System)
		item.System = &ref
	}
	return item
}

func (h *national) outbox(ctx context.Context, _ *call, in *outboxIn) (*Page[ReportItem], error) {
	var p ReportPage
	var err error
	if in.Subject != "" {
		p.Items, err = h.national.About(ctx, in.Subject)
		p.Total = int64(len(p.Items))
	} else {
		p, err = h.national.Outbox(ctx, in.Destination, in.State, in.Kind, in.After, in.Limit)
	}
	if err != nil {
		return nil, err
	}
	n := h.names()
	out := &Page[ReportItem]{Items: []ReportItem{}, Frame: h.frame(p.Total, p.Next, nationalFresh)}
	for _, r := range p.Items {
		out.Items = append(out.Items, reportItem(r, n))
	}
	return out, nil
}

func (h *national) report(ctx context.Context, _ *call, in *idIn) (*ReportDetail, error) {
	r, tries, err := h.national.Report(ctx, in.ID)
	var p *soc.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return nil, absent(in.ID)
	}
	if err != nil {
		return nil, err
	}
	return &ReportDetail{ReportItem: reportItem(r, h.names()), Body: string(r.Body), Attempts: orEmpty(tries)}, nil
}

func (h *national) endpoint(ctx context.Context, _ *call, in *destinationIn) (*EndpointItem, error) {
	e, err := h.national.Endpoint(ctx, in.Destination)
	e.Channels = orEmpty(e.Channels)
	return &e, err
}

func (h *national) setEndpoint(ctx context.Context, k *call, in *bodyIn[endpointBody]) (*EndpointItem, error) {
	b := in.Body
	if b.URL != "" {
		u, err := url.Parse(b.URL)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			return nil, wrongField("endpoint_https", "url")
		}
	}
	e, err := h.national.SetEndpoint(ctx, k.Actor,
		EndpointItem{URL: b.URL, Channel: b.Channel, Authorities: b.Authorities, ReceiptKey: b.ReceiptKey,
			Organisation: b.Organisation, Version: b.Version, Destination: b.Destination}, b.Add, b.Reason)
	if p, ok := errors.AsType[*soc.Problem](err); ok { // by this page's names of the fields
		for there, here := range map[string]string{"server_ca": "authorities", "organ_id": "organisation"} {
			if reason, bad := p.Values[there]; bad {
				delete(p.Values, there)
				p.Values[here] = reason
			}
		}
	}
	e.Channels = orEmpty(e.Channels)
	return &e, err
}

func (h *national) test(ctx context.Context, k *call, in *destinationIn) (*TestDone, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	t, err := h.national.Test(ctx, k.Actor, in.Destination)
	return &t, err
}

func (h *national) reconcile(ctx context.Context, k *call, in *bodyIn[reconcileBody]) (*NationalDay, error) {
	day := in.Body.Day
	if day == "" {
		day = h.clock().In(soc.Zone).Format(time.DateOnly)
	} else if _, err := time.ParseInLocation(time.DateOnly, day, soc.Zone); err != nil {
		return nil, wrongField("time_wrong", "day")
	}
	d, err := h.national.Reconcile(ctx, k.Actor, in.Body.Destination, day)
	return &d, err
}

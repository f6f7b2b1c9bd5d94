package national

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hoalu/national/delivery"
	"hoalu/national/internal/db"
	"hoalu/soc"
)

func reportID(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return "BC-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:16]))
}

// Enqueue writes the reports of an alert, one a destination, into the outbox within tx, the transaction that wrote the alert. created says
// that the alert is new; a change becomes a report only when the alert was closed or is open again. The same change a second time writes
// nothing, nor does a change of an alert that was not reported to that destination. Without a destination the report waits for the first.
func (s *Service) Enqueue(ctx context.Context, tx *sql.Tx, a soc.Alert, created bool) error {
	if a.Demo || a.Exercise && !s.cfg.Exercises || severityRank[a.Severity] < severityRank[s.cfg.MinSeverity] {
		return nil
	}
	o := delivery.Outgoing{Alert: a}
	if s.hooks.Lookup != nil {
		if o.System, o.Unit = s.hooks.Lookup(a.System); o.System.Demo {
			return nil // whatever the event said of itself
		}
	}
	q := db.New(tx)
	list, err := endpoints(ctx, q)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		id, err := q.Number(ctx, heir)
		if err != nil {
			return fmt.Errorf("read whom reports wait for: %w", err)
		}
		list = []Endpoint{{ID: id, Channel: DefaultChannel}}
	}
	told, err := q.ReportsOfSubject(ctx, a.Number)
	if err != nil {
		return fmt.Errorf("read reports of %s: %w", a.Number, err)
	}
	for _, ep := range list {
		if err := s.enqueue(ctx, q, ep, o, created, told); err != nil {
			return err
		}
	}
	return nil
}

// enqueue writes what is due to one destination; told is what was written about the alert to all of them, in order.
func (s *Service) enqueue(ctx context.Context, q *db.Queries, ep Endpoint, o delivery.Outgoing, created bool,
	told []db.NationalOutbox) error {
	a := o.Alert
	told = slices.DeleteFunc(slices.Clone(told), func(r db.NationalOutbox) bool { return r.Destination != ep.ID })
	o.Kind, o.ID = delivery.KindAlert, reportID(delivery.KindAlert, a.ID)
	if ep.ID > 1 { // the first one's are those of versions that knew no other
		o.ID = reportID(delivery.KindAlert, a.ID, strconv.FormatInt(ep.ID, 10))
	}
	if created && len(told) > 0 {
		return nil
	}
	if !created {
		// The reports about an alert are a chain: it was made, closed, opened again, closed … The next link is due when the centre
		// has last been told otherwise, however often that happens and whoever undid it.
		if len(told) == 0 || (len(told)%2 == 0) == (a.State == soc.AlertClosed) {
			return nil
		}
		o.Kind, o.ID = delivery.KindUpdate, reportID(delivery.KindUpdate, a.ID, told[len(told)-1].ID)
	}
	order, err := q.NextOrder(ctx)
	if err != nil {
		return fmt.Errorf("give report order: %w", err)
	}
	o.Order, o.Created, o.Organ = order, now(), ep.OrganID
	body, channel := s.render(ep.Channel, o)
	if _, err := q.InsertReport(ctx, db.InsertReportParams{Ord: order, ID: o.ID, Kind: o.Kind, Subject: a.Number, SystemID: a.System,
		Channel: channel,
		Body:    string(body), Digest: delivery.Digest(body), Created: o.Created, Demo: flag(a.Demo), Exercise: flag(a.Exercise),
		Destination: ep.ID}); err != nil {
		return fmt.Errorf("write report of %s: %w", a.Number, err)
	}
	s.destination(ep.ID).poke()
	return nil
}

// render makes the body of a report for a channel. What cannot be rendered waits without a body, made for no channel: the alert is written
// and the report keeps its place, and whoever delivers it renders it again and says what is wrong.
func (s *Service) render(channel string, o delivery.Outgoing) (body []byte, madeFor string) {
	f, ok := forwarderOf(channel)
	if !ok {
		s.log.Error("report not rendered: the channel is not known to this program", "report", o.ID, "channel", channel)
		return nil, ""
	}
	body, err := guarded(s.log, channel, func() ([]byte, error) { return f.New().Render(o) })
	if err != nil {
		s.log.Error("report not rendered", "report", o.ID, "channel", channel, "error", err)
		return nil, ""
	}
	return body, channel
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// SendTest puts a test report (gói thử) for the destination of a number, 0 the first one, into the outbox.
func (s *Service) SendTest(ctx context.Context, by soc.Actor, destination int64) (string, error) {
	var id string
	err := s.state.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		list, err := endpoints(ctx, q)
		if err != nil {
			return err
		}
		ep, err := pick(list, destination)
		if err != nil {
			return err
		}
		destination = ep.ID
		order, err := q.NextOrder(ctx)
		if err != nil {
			return err
		}
		id = reportID(delivery.KindTest, strconv.FormatInt(order, 10), strconv.FormatInt(now(), 10))
		f, ok := forwarderOf(ep.Channel)
		if !ok {
			return fmt.Errorf("channel %q is not known to this program", ep.Channel)
		}
		body, err := guarded(s.log, ep.Channel, func() ([]byte, error) {
			return f.New().Render(delivery.Outgoing{ID: id, Kind: delivery.KindTest, Order: order, Created: now(), Organ: ep.OrganID})
		})
		if err != nil {
			return err
		}
		if _, err := q.InsertReport(ctx, db.InsertReportParams{Ord: order, ID: id, Kind: delivery.KindTest, Channel: ep.Channel,
			Body: string(body), Digest: delivery.Digest(body), Created: now(), Destination: ep.ID}); err != nil {
			return err
		}
		return s.record(ctx, tx, soc.Deed{Actor: by, Action: "national.test", Object: id, Result: "done",
			Details: map[string]string{"destination": strconv.FormatInt(ep.ID, 10)}})
	})
	if err != nil {
		return "", err
	}
	d := s.destination(destination)
	d.mu.Lock()
	d.test = id
	d.mu.Unlock()
	d.poke()
	return id, nil
}

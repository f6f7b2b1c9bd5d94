package national

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"errors"
	"fmt"
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

// Enqueue writes the report of an alert into the outbox within tx, the transaction that wrote the alert. created says that the
// alert is new; a change becomes a report only when the alert was closed or is open again. The same change a second time writes
// nothing, nor does a change of an alert that was not reported.
func (s *Service) Enqueue(ctx context.Context, tx *sql.Tx, a soc.Alert, created bool) error {
	if a.Demo || a.Exercise && !s.cfg.Exercises || severityRank[a.Severity] < severityRank[s.cfg.MinSeverity] {
		return nil
	}
	kind, id := delivery.KindAlert, reportID(delivery.KindAlert, a.ID)
	q := db.New(tx)
	if !created {
		// The reports about an alert are a chain: it was made, closed, opened again, closed … The next link is due when the centre
		// has last been told otherwise, however often that happens and whoever undid it.
		told, err := q.ReportsOfSubject(ctx, a.Number)
		if err != nil {
			return fmt.Errorf("read reports of %s: %w", a.Number, err)
		}
		if len(told) == 0 || (len(told)%2 == 0) == (a.State == soc.AlertClosed) {
			return nil
		}
		kind, id = delivery.KindUpdate, reportID(delivery.KindUpdate, a.ID, told[len(told)-1].ID)
	}
	if n, err := q.HasReport(ctx, id); err != nil || n > 0 {
		return err
	}
	channel, organ := DefaultChannel, ""
	if ep, err := q.Endpoint(ctx); err == nil {
		channel, organ = ep.Channel, ep.OrganID
	} else if !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read endpoint: %w", err)
	}
	order, err := q.NextOrder(ctx)
	if err != nil {
		return fmt.Errorf("give report order: %w", err)
	}
	o := delivery.Outgoing{ID: id, Kind: kind, Order: order, Created: now(), Organ: organ, Alert: a}
	if s.hooks.Lookup != nil {
		if o.System, o.Unit = s.hooks.Lookup(a.System); o.System.Demo {
			return nil // whatever the event said of itself
		}
	}
	f, ok := forwarderOf(channel)
	if !ok {
		return fmt.Errorf("render report of %s: channel %q is not known to this program", a.Number, channel)
	}
	body, err := f.New().Render(o)
	if err != nil {
		return fmt.Errorf("render report of %s: %w", a.Number, err)
	}
	if _, err := q.InsertReport(ctx, db.InsertReportParams{Ord: order, ID: id, Kind: kind, Subject: a.Number, SystemID: a.System, Channel: channel,
		Body: string(body), Digest: delivery.Digest(body), Created: o.Created, Demo: flag(a.Demo), Exercise: flag(a.Exercise)}); err != nil {
		return fmt.Errorf("write report of %s: %w", a.Number, err)
	}
	s.poke()
	return nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// SendTest puts a test report into the outbox (gói thử).
func (s *Service) SendTest(ctx context.Context, by soc.Actor) (string, error) {
	var id string
	err := s.state.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		ep, err := q.Endpoint(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoEndpoint
		} else if err != nil {
			return err
		}
		order, err := q.NextOrder(ctx)
		if err != nil {
			return err
		}
		id = reportID(delivery.KindTest, strconv.FormatInt(order, 10), strconv.FormatInt(now(), 10))
		f, ok := forwarderOf(ep.Channel)
		if !ok {
			return fmt.Errorf("channel %q is not known to this program", ep.Channel)
		}
		body, err := f.New().Render(delivery.Outgoing{ID: id, Kind: delivery.KindTest, Order: order, Created: now(), Organ: ep.OrganID})
		if err != nil {
			return err
		}
		if _, err := q.InsertReport(ctx, db.InsertReportParams{Ord: order, ID: id, Kind: delivery.KindTest, Channel: ep.Channel, Body: string(body), Digest: delivery.Digest(body), Created: now()}); err != nil {
			return err
		}
		return s.record(ctx, tx, soc.Deed{Actor: by, Action: "national.test", Object: id, Result: "done"})
	})
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.test = id
	s.mu.Unlock()
	s.poke()
	return id, nil
}

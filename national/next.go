package national

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"hoalu/national/delivery"
	"hoalu/national/internal/db"
	"hoalu/soc"
)

// Which report goes out next.
//
// Order: by their numbers. A refused report is settled and holds nobody up. One that fails holds up the rest, because as a rule it is the
// centre or the line that fails. But when the centre has not taken a report in asideAfter tries while it takes our heartbeats, the fault is
// that report's (on a channel without heartbeats only the reports behind it can tell): it steps aside and is tried again at its own times,
// and those behind it go out, except the ones about the same alert, whose order means something. At most window reports step aside.
const (
	asideAfter = 5
	window     = 64
)

// next is the report to send now; without one, how long to wait.
func (d *destination) next(ctx context.Context, a Adapter) (row db.NationalOutbox, wait time.Duration, err error) {
	q := db.New(d.state.Read())
	if id := d.testWaiting(); id != "" { // a test packet tells of the link, not of an alert: it does not stand behind a week of them
		if row, err = q.Report(ctx, id); err == nil && row.State == soc.ReportWaiting && row.Tries == 0 {
			return row, 0, nil
		}
		d.testSent(id)
	}
	head, err := q.NextWaitings(ctx, db.NextWaitingsParams{Destination: d.id, Most: 1})
	if err != nil {
		return row, 0, fmt.Errorf("read outbox: %w", err)
	}
	if len(head) == 0 {
		return row, idle, nil
	}
	if wait = d.untilDue(head[0]); wait == 0 {
		return head[0], 0, nil
	}
	if head[0].Tries < asideAfter || !d.answering(ctx, q, a) {
		return row, wait, nil
	}
	rows, err := q.NextWaitings(ctx, db.NextWaitingsParams{Destination: d.id, Most: window})
	if err != nil {
		return row, 0, fmt.Errorf("read outbox: %w", err)
	}
	held := map[string]bool{}
	for _, r := range rows {
		if r.Subject != "" && held[r.Subject] {
			continue
		}
		left := d.untilDue(r)
		if left == 0 {
			return r, 0, nil
		}
		held[r.Subject] = true
		wait = min(wait, left)
		if r.Tries < asideAfter {
			break // it has not had its tries
		}
	}
	return row, wait, nil
}

// untilDue is how long a report's next try is away. No wait is longer than RetryMost: a longer one means that the clock was set back.
func (s *Service) untilDue(r db.NationalOutbox) time.Duration {
	if d := r.NextTry - now(); d > 0 && d <= s.cfg.RetryMost.Milliseconds() {
		return time.Duration(d) * time.Millisecond
	}
	return 0
}

// answering says that the centre takes our heartbeats. A channel without them is found out by trying the reports behind.
func (d *destination) answering(ctx context.Context, q *db.Queries, a Adapter) bool {
	if _, ok := a.(Beater); !ok {
		return true
	}
	hb, err := q.Heartbeat(ctx, d.id)
	return err == nil && hb.Answer == "" && hb.Ok > 0 && now()-hb.Ok < 2*d.cfg.Heartbeat.Milliseconds()
}

func (d *destination) testWaiting() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.test
}

func (d *destination) testSent(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.test == id {
		d.test = ""
	}
}

// withhold takes a report out of the outbox that must not leave: one of an exercise or of sample data, whenever that was found out.
func (s *Service) withhold(ctx context.Context, row db.NationalOutbox) (bool, error) {
	if row.Kind == delivery.KindTest {
		return false, nil
	}
	exercise, sample := row.Exercise == 1, row.Demo == 1
	if s.hooks.Lookup != nil {
		sys, _ := s.hooks.Lookup(row.SystemID)
		sample = sample || sys.Demo
	}
	if s.hooks.Alert != nil {
		a, found, err := s.hooks.Alert(ctx, row.Subject)
		if err != nil {
			return false, fmt.Errorf("read alert %s: %w", row.Subject, err)
		}
		if found {
			exercise, sample = exercise || a.Exercise, sample || a.Demo
		}
	}
	why := ""
	switch {
	case sample:
		why = soc.ReasonSample
	case exercise && !s.cfg.Exercises:
		why = soc.ReasonExercise
	default:
		return false, nil
	}
	s.log.Info("report taken back: it must not leave", "report", row.ID, "reason", why)
	return true, s.state.Tx(ctx, func(tx *sql.Tx) error {
		if err := db.New(tx).WithholdReport(ctx, row.ID); err != nil {
			return err
		}
		return s.record(ctx, tx, soc.Deed{Actor: soc.Machine, Action: "national.withhold", Object: row.ID, Result: "done", Reason: why,
			Details: map[string]string{"subject": row.Subject, "tries": fmt.Sprint(row.Tries)}})
	})
}

// incomplete is the error of a report that an adapter could not complete. It is that report's own: it counts as a try that failed.
type incomplete struct{ error }

func (e *incomplete) Unwrap() error { return e.error }

// complete fills in what was not known when the report was made, such as our identifier at a centre that was set later, and renders it
// anew when it was made for another channel. It is stored before anything is sent, so every delivery under the id carries the same bytes
// for as long as the centre is the same. gone says that this channel cannot carry the report: it is settled as refused, with the cause.
func (d *destination) complete(ctx context.Context, l delivery.Link, a Adapter,
	row db.NationalOutbox) (_ db.NationalOutbox, gone bool, err error) {
	o := delivery.Outgoing{Organ: l.Organ}
	if d.hooks.Lookup != nil {
		o.System, o.Unit = d.hooks.Lookup(row.SystemID)
	}
	body := []byte(row.Body)
	if row.Channel != l.Channel {
		if body, err = d.renderAnew(ctx, l.Channel, a, o, row); err != nil {
			d.log.Warn("report not for this channel", "report", row.ID, "error", err)
			words := fmt.Sprintf("not sent: made for channel %s, and channel %s cannot carry it: %s", row.Channel, l.Channel, err)
			if row.Channel == "" {
				words = fmt.Sprintf("not sent: channel %s cannot carry it: %s", l.Channel, err)
			}
			return row, true, d.refuse(ctx, row.ID, words)
		}
	} else if c, ok := a.(Completer); ok {
		body, err = guarded(d.log, l.Channel, func() ([]byte, error) { return c.Complete([]byte(row.Body), o) })
		if err != nil {
			return row, false, &incomplete{fmt.Errorf("complete report %s: %w", row.ID, err)}
		}
	}
	if string(body) == row.Body && row.Channel == l.Channel {
		return row, false, nil
	}
	row.Body, row.Digest, row.Channel = string(body), delivery.Digest(body), l.Channel
	return row, false, d.state.Tx(ctx, func(tx *sql.Tx) error {
		return db.New(tx).CompleteReport(ctx, db.CompleteReportParams{ID: row.ID, Body: row.Body, Digest: row.Digest, Channel: row.Channel})
	})
}

// renderAnew makes the body of a report that waits for another channel, with its alert as it is now.
func (s *Service) renderAnew(ctx context.Context, channel string, a Adapter, o delivery.Outgoing, row db.NationalOutbox) ([]byte, error) {
	o.ID, o.Kind, o.Order, o.Created = row.ID, row.Kind, row.Ord, row.Created
	if row.Kind != delivery.KindTest {
		if s.hooks.Alert == nil {
			return nil, errors.New("alerts cannot be read here")
		}
		x, found, err := s.hooks.Alert(ctx, row.Subject)
		if err != nil {
			return nil, fmt.Errorf("read alert %s: %w", row.Subject, err)
		}
		if !found {
			return nil, fmt.Errorf("alert %s is not stored any more", row.Subject)
		}
		o.Alert = x
	}
	return guarded(s.log, channel, func() ([]byte, error) { return a.Render(o) })
}

// ready is next, completed and still to be sent.
func (d *destination) ready(ctx context.Context, l delivery.Link, a Adapter) (db.NationalOutbox, time.Duration, error) {
	for {
		row, wait, err := d.next(ctx, a)
		if err != nil || wait > 0 {
			return row, wait, err
		}
		gone, err := d.withhold(ctx, row)
		if err != nil {
			return row, 0, err
		}
		if gone {
			continue
		}
		row, gone, err = d.complete(ctx, l, a, row)
		if gone && err == nil {
			continue
		}
		return row, 0, err
	}
}

package national

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/national/delivery"
	"hoalu/national/internal/db"
	"hoalu/soc"
)

// Summary is the state of the link for the status bar, posture facts and the page: of one destination, or of all together. What is said of
// all is what holds of each: the earliest trouble, the oldest waiting report, and of receipts and heartbeats the destination's that has
// waited longest.
type Summary struct {
	ID            int64  `json:"id,omitempty"` // number of the destination; 0: all together
	Endpoint      bool   `json:"endpoint"`
	Channel       string `json:"channel,omitempty"` // "" without an endpoint; of all together that of the first
	Every         int64  `json:"-"`                 // ms between heartbeats, 0 where the endpoint's channel has none
	LateAfter     int64  `json:"-"`                 // ms the link may fail before that is trouble
	Beats         bool   `json:"beats"`             // the channel takes heartbeats; otherwise Heartbeat and HeartbeatSent say nothing
	Lists         bool   `json:"lists"`             // the channel tells what it holds; otherwise no day can be reconciled
	URL           string `json:"url,omitempty"`
	Waiting       int64  `json:"waiting"`
	OldestWaiting int64  `json:"oldest_waiting,omitempty"` // when it was made
	Accepted      int64  `json:"accepted"`
	Refused       int64  `json:"refused"`
	MadeToday     int64  `json:"made_today"`
	AcceptedToday int64  `json:"accepted_today"`
	LastReceipt   int64  `json:"last_receipt,omitempty"`
	Heartbeat     int64  `json:"heartbeat,omitempty"` // last accepted
	HeartbeatSent int64  `json:"heartbeat_sent,omitempty"`
	FailingSince  int64  `json:"failing_since,omitempty"`
	LastError     string `json:"last_error,omitempty"`

	ClockAhead      int64            `json:"clock_ahead_ms,omitempty"` // the centre's clock before ours at the last receipt
	RefusedByReason map[string]int64 `json:"refused_by_reason,omitempty"`

	Destinations []Summary `json:"destinations,omitempty"` // each by itself, by number; of all together only
}

// Proved is when the far side last proved that it takes what we send, by a receipt or a heartbeat; 0 never.
func (s Summary) Proved() int64 { return max(s.LastReceipt, s.Heartbeat) }

// Summary reads the state of the link, of all destinations together and of each.
func (s *Service) Summary(ctx context.Context) (sum Summary, err error) {
	err = s.moment(ctx, func(q *db.Queries) error {
		sum, err = s.summary(ctx, q)
		return err
	})
	return sum, err
}

func (s *Service) summary(ctx context.Context, q *db.Queries) (Summary, error) {
	list, err := endpoints(ctx, q)
	if err != nil {
		return Summary{}, err
	}
	if len(list) == 0 {
		id, err := q.Number(ctx, heir)
		if err != nil {
			return Summary{}, fmt.Errorf("read whom reports wait for: %w", err)
		}
		sum, err := s.destination(id).summary(ctx, q, nil)
		sum.ID = 0
		return sum, err
	}
	var all Summary
	for i := range list {
		sum, err := s.destination(list[i].ID).summary(ctx, q, &list[i])
		if err != nil {
			return all, err
		}
		all.Destinations = append(all.Destinations, sum)
	}
	return together(all.Destinations), nil
}

// together says of several destinations what holds of each.
func together(list []Summary) Summary {
	all := list[0]
	all.ID, all.Destinations, all.RefusedByReason = 0, list, nil
	for i, x := range list {
		for why, n := range x.RefusedByReason {
			if all.RefusedByReason == nil {
				all.RefusedByReason = map[string]int64{}
			}
			all.RefusedByReason[why] += n
		}
		if i == 0 {
			continue
		}
		all.Beats, all.Lists = all.Beats && x.Beats, all.Lists && x.Lists
		all.Every = max(all.Every, x.Every)
		all.Waiting += x.Waiting
		all.Accepted += x.Accepted
		all.Refused += x.Refused
		all.MadeToday += x.MadeToday
		all.AcceptedToday += x.AcceptedToday
		all.OldestWaiting = earliest(all.OldestWaiting, x.OldestWaiting)
		if x.Proved() < all.Proved() {
			all.LastReceipt, all.Heartbeat, all.HeartbeatSent = x.LastReceipt, x.Heartbeat, x.HeartbeatSent
		}
		if x.FailingSince != 0 && (all.FailingSince == 0 || x.FailingSince < all.FailingSince) {
			all.FailingSince, all.LastError = x.FailingSince, x.LastError
		}
		if x.LastError != "" && all.LastError == "" {
			all.LastError = x.LastError
		}
		if max(x.ClockAhead, -x.ClockAhead) > max(all.ClockAhead, -all.ClockAhead) {
			all.ClockAhead = x.ClockAhead
		}
	}
	return all
}

// earliest of two instants; 0 is none.
func earliest(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// summary reads the state of one destination; ep is nil while there is none and reports wait for its number.
func (d *destination) summary(ctx context.Context, q *db.Queries, ep *Endpoint) (Summary, error) {
	sum := Summary{ID: d.id, LateAfter: d.cfg.LateAfter().Milliseconds()}
	if ep != nil {
		sum.Endpoint, sum.URL, sum.Channel = true, ep.URL, ep.Channel
	}
	channel, _ := forwarderOf(sum.Channel)
	sum.Beats, sum.Lists = channel.Beats, channel.Lists
	if sum.Beats || !sum.Endpoint {
		sum.Every = d.cfg.Heartbeat.Milliseconds()
	}
	if err := d.counts(ctx, q, &sum); err != nil {
		return sum, err
	}
	last, err := q.LastReceipt(ctx, d.id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sum, fmt.Errorf("read receipts: %w", err)
	}
	if sum.LastReceipt = last.Stored; channel.Receipts != delivery.Transport {
		sum.ClockAhead = last.Received - last.Stored
	}
	if channel.Receipts == delivery.NoReceipt {
		sum.LastReceipt, sum.ClockAhead = 0, 0 // those of an earlier channel prove nothing of this one
	}
	hb, err := q.Heartbeat(ctx, d.id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sum, fmt.Errorf("read heartbeat: %w", err)
	}
	if sum.Endpoint && !sum.Beats {
		hb = db.NationalHeartbeat{} // what an earlier channel answered
	}
	sum.Heartbeat, sum.HeartbeatSent = hb.Ok, hb.Sent
	var why error
	if sum.FailingSince, why = d.troubled(); why != nil {
		sum.LastError = why.Error()
	}
	if sum.Endpoint && sum.LastError == "" && hb.Answer != "" {
		sum.LastError = hb.Answer
	}
	return sum, nil
}

// counts fills in what the outbox holds.
func (d *destination) counts(ctx context.Context, q *db.Queries, sum *Summary) error {
	counts, err := q.CountByState(ctx, d.id)
	if err != nil {
		return fmt.Errorf("count outbox: %w", err)
	}
	for _, c := range counts {
		switch c.State {
		case soc.ReportWaiting:
			sum.Waiting = c.N
		case soc.ReportAccepted:
			sum.Accepted = c.N
		case soc.ReportRefused:
			sum.Refused = c.N
		}
	}
	t := time.Now().In(soc.Zone)
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, soc.Zone).UnixMilli()
	if sum.MadeToday, err = q.CountMadeSince(ctx, db.CountMadeSinceParams{Since: day, Until: day + 86400_000, Destination: d.id}); err != nil {
		return fmt.Errorf("count outbox: %w", err)
	}
	settled, err := q.CountSettledSince(ctx, db.CountSettledSinceParams{Since: day, Until: day + 86400_000, Destination: d.id})
	if err != nil {
		return fmt.Errorf("count outbox: %w", err)
	}
	for _, c := range settled {
		if c.State == soc.ReportAccepted {
			sum.AcceptedToday = c.N
		}
	}
	if sum.OldestWaiting, err = q.OldestWaiting(ctx, d.id); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read outbox: %w", err)
	}
	if sum.Refused > 0 {
		reasons, err := q.RefusedByReason(ctx, d.id)
		if err != nil {
			return fmt.Errorf("count refusals: %w", err)
		}
		sum.RefusedByReason = map[string]int64{}
		for _, r := range reasons {
			sum.RefusedByReason[r.LastError] = r.N
		}
	}
	return nil
}

// Page is one page of the outbox.
type Page struct {
	Items []soc.Report
	Total int64
	Next  string // cursor, "" at the end
}

// List returns one page of the reports to a destination, 0 to all: state "" takes all, what waits first (oldest first), then the rest,
// newest first.
func (s *Service) List(ctx context.Context, destination int64, want, kind, after string, most int) (p Page, err error) {
	err = s.moment(ctx, func(q *db.Queries) error {
		p, err = s.list(ctx, q, destination, want, kind, after, most)
		return err
	})
	return p, err
}

func (s *Service) list(ctx context.Context, q *db.Queries, destination int64, want, kind, after string, most int) (p Page, err error) {
	if p.Total, err = q.CountReports(ctx, db.CountReportsParams{Destination: destination, Want: want, Kind: kind}); err != nil {
		return p, fmt.Errorf("count outbox: %w", err)
	}
	phase, at := "w", int64(0)
	if want != "" && want != soc.ReportWaiting {
		phase, at = "s", 1<<62
	}
	if after != "" {
		if _, err := fmt.Sscanf(after, "%1s%d", &phase, &at); err != nil || phase != "w" && phase != "s" {
			return p, &soc.Problem{Status: 400, Code: "bad_cursor", Detail: "This list cannot be continued from there.",
				Do: "Begin with its first page."}
		}
	}
	var rows []db.NationalOutbox
	if phase == "w" {
		if rows, err = q.ListWaiting(ctx, db.ListWaitingParams{Destination: destination, After: at, Kind: kind, Most: int32(most)}); err != nil {
			return p, fmt.Errorf("read outbox: %w", err)
		}
		if len(rows) == most {
			p.Next = fmt.Sprintf("w%d", rows[most-1].Ord)
		} else {
			at = 1 << 62
		}
	}
	if p.Next == "" && want != soc.ReportWaiting {
		left := most - len(rows)
		var more []db.NationalOutbox
		if want == "" {
			more, err = q.ListSettled(ctx, db.ListSettledParams{Destination: destination, Before: at, Kind: kind, Most: int32(left)})
		} else {
			more, err = q.ListReports(ctx, db.ListReportsParams{Destination: destination, Want: want, Kind: kind, Before: at, Most: int32(left)})
		}
		if err != nil {
			return p, fmt.Errorf("read outbox: %w", err)
		}
		rows = append(rows, more...)
		if left > 0 && len(more) == left {
			p.Next = fmt.Sprintf("s%d", more[left-1].Ord)
		}
	}
	p.Items, err = s.withReceipts(ctx, q, rows)
	return p, err
}

// OfSubject returns the reports about one alert (CB- number), in order.
func (s *Service) OfSubject(ctx context.Context, number string) (reports []soc.Report, err error) {
	err = s.moment(ctx, func(q *db.Queries) error {
		rows, err := q.ReportsOfSubject(ctx, number)
		if err != nil {
			return fmt.Errorf("read outbox: %w", err)
		}
		reports, err = s.withReceipts(ctx, q, rows)
		return err
	})
	return reports, err
}

// OfSubjects returns the reports about many alerts (CB- numbers), each in order.
func (s *Service) OfSubjects(ctx context.Context, numbers []string) (map[string][]soc.Report, error) {
	out := map[string][]soc.Report{}
	for part := range slices.Chunk(numbers, subjectsAtOnce) {
		marks, args := make([]string, len(part)), make([]any, len(part))
		for i, n := range part {
			marks[i], args[i] = "$"+strconv.Itoa(i+1), n
		}
		ids, err := s.idsOf(ctx, strings.Join(marks, ", "), args)
		if err != nil {
			return nil, err
		}
		for _, id := range ids { // few alerts have reports, and those one or two
			r, _, err := s.Get(ctx, id)
			if err != nil {
				return nil, err
			}
			out[r.Subject] = append(out[r.Subject], r)
		}
	}
	return out, nil
}

// subjectsAtOnce is how many alerts one query asks of.
const subjectsAtOnce = 500

// idsOf are the reports about the subjects in args, in order; sqlc knows no list that both databases take.
func (s *Service) idsOf(ctx context.Context, marks string, args []any) ([]string, error) {
	rows, err := s.state.Read().QueryContext(ctx, "SELECT id FROM national_outbox WHERE subject IN ("+marks+") ORDER BY ord", args...)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read outbox: %w", err)
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Try is one delivery attempt with the far side's words.
type Try struct {
	At     int64  `json:"at"`
	Answer string `json:"answer"`
}

// Get returns one report with its tries; the error for one that is not there is a *soc.Problem.
func (s *Service) Get(ctx context.Context, id string) (r soc.Report, tries []Try, err error) {
	err = s.moment(ctx, func(q *db.Queries) error {
		r, tries, err = s.get(ctx, q, id)
		return err
	})
	return r, tries, err
}

// moment lets f ask of one state: a delivery changes a report, its tries and its receipt together, and is seen whole or not at all.
func (s *Service) moment(ctx context.Context, f func(*db.Queries) error) error {
	return s.state.Moment(ctx, func(tx *sql.Tx) error { return f(db.New(tx)) })
}

func (s *Service) get(ctx context.Context, q *db.Queries, id string) (soc.Report, []Try, error) {
	row, err := q.Report(ctx, id)
	if errors.Is(err, sql.ErrNoRows) {
		return soc.Report{}, nil, missing(id)
	}
	if err != nil {
		return soc.Report{}, nil, fmt.Errorf("read report %s: %w", id, err)
	}
	reports, err := s.withReceipts(ctx, q, []db.NationalOutbox{row})
	if err != nil {
		return soc.Report{}, nil, err
	}
	rows, err := q.Tries(ctx, id)
	if err != nil {
		return soc.Report{}, nil, fmt.Errorf("read tries of %s: %w", id, err)
	}
	tries := make([]Try, len(rows))
	for i, r := range rows {
		tries[i] = Try{r.At, r.Answer}
	}
	return reports[0], tries, nil
}

// Answer waits for what the far side says to a report, at most a delivery's time; told is false when it has said nothing by then.
func (s *Service) Answer(ctx context.Context, id string) (r soc.Report, told bool, err error) {
	wctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout+time.Second)
	defer cancel()
	for {
		r, tries, err := s.Get(ctx, id)
		if err != nil || r.State == soc.ReportAccepted || r.State == soc.ReportRefused || len(tries) > 0 {
			return r, err == nil, err
		}
		select {
		case <-wctx.Done():
			return r, false, nil
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (s *Service) withReceipts(ctx context.Context, q *db.Queries, rows []db.NationalOutbox) ([]soc.Report, error) {
	list, err := endpoints(ctx, q)
	if err != nil {
		return nil, err
	}
	key := map[int64]string{}
	for _, ep := range list {
		key[ep.ID] = ep.ReceiptKey
	}
	out := make([]soc.Report, 0, len(rows))
	for _, row := range rows {
		r := toReport(row)
		if row.State == soc.ReportAccepted {
			rc, err := q.Receipt(ctx, row.ID)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return nil, fmt.Errorf("read receipt of %s: %w", row.ID, err)
			}
			if err == nil {
				r.Receipt = s.stored(row, rc, key[row.Destination])
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func toReport(r db.NationalOutbox) soc.Report {
	x := soc.Report{ID: r.ID, Order: r.Ord, Kind: r.Kind, Destination: r.Destination, Subject: r.Subject, System: r.SystemID,
		Channel: r.Channel, Body: []byte(r.Body), Created: r.Created,
		State: r.State, Tries: int(r.Tries), NextTry: r.NextTry, LastError: r.LastError, Demo: r.Demo == 1, Exercise: r.Exercise == 1}
	if r.State == soc.ReportAccepted {
		x.Accepted = r.Settled
	}
	return x
}

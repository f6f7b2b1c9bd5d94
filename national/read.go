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

// zone of the days of reconciliation.

// Summary is the state of the link for the status bar, posture facts and the page.
type Summary struct {
	Endpoint      bool   `json:"endpoint"`
	Channel       string `json:"channel,omitempty"` // "" without an endpoint
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
}

// Summary reads the state of the link.
func (s *Service) Summary(ctx context.Context) (Summary, error) {
	q := db.New(s.state.Read())
	sum := Summary{LateAfter: s.cfg.LateAfter().Milliseconds()}
	ep, err := q.Endpoint(ctx)
	if err == nil {
		sum.Endpoint, sum.URL, sum.Channel = true, ep.Url, ep.Channel
	} else if !errors.Is(err, sql.ErrNoRows) {
		return sum, fmt.Errorf("read endpoint: %w", err)
	}
	channel, _ := forwarderOf(sum.Channel)
	sum.Beats, sum.Lists = channel.Beats, channel.Lists
	if sum.Beats || !sum.Endpoint {
		sum.Every = s.cfg.Heartbeat.Milliseconds()
	}
	counts, err := q.CountByState(ctx)
	if err != nil {
		return sum, fmt.Errorf("count outbox: %w", err)
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
	if sum.MadeToday, err = q.CountMadeSince(ctx, db.CountMadeSinceParams{Since: day, Until: day + 86400_000}); err != nil {
		return sum, fmt.Errorf("count outbox: %w", err)
	}
	settled, err := q.CountSettledSince(ctx, db.CountSettledSinceParams{Since: day, Until: day + 86400_000})
	if err != nil {
		return sum, fmt.Errorf("count outbox: %w", err)
	}
	for _, c := range settled {
		if c.State == soc.ReportAccepted {
			sum.AcceptedToday = c.N
		}
	}
	if sum.OldestWaiting, err = q.OldestWaiting(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sum, fmt.Errorf("read outbox: %w", err)
	}
	last, err := q.LastReceipt(ctx)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sum, fmt.Errorf("read receipts: %w", err)
	}
	if sum.LastReceipt = last.Stored; channel.Receipts != delivery.Transport {
		sum.ClockAhead = last.Received - last.Stored
	}
	if channel.Receipts == delivery.NoReceipt {
		sum.LastReceipt, sum.ClockAhead = 0, 0 // those of an earlier channel prove nothing of this one
	}
	if sum.Refused > 0 {
		reasons, err := q.RefusedByReason(ctx)
		if err != nil {
			return sum, fmt.Errorf("count refusals: %w", err)
		}
		sum.RefusedByReason = map[string]int64{}
		for _, r := range reasons {
			sum.RefusedByReason[r.LastError] = r.N
		}
	}
	hb, err := q.Heartbeat(ctx)
	if err != nil {
		return sum, fmt.Errorf("read heartbeat: %w", err)
	}
	if sum.Endpoint && !sum.Beats {
		hb = db.NationalHeartbeat{} // what an earlier channel answered
	}
	sum.Heartbeat, sum.HeartbeatSent = hb.Ok, hb.Sent
	sum.FailingSince, sum.LastError = s.troubled()
	if sum.Endpoint && sum.LastError == "" && hb.Answer != "" {
		sum.LastError = hb.Answer
	}
	return sum, nil
}

// Page is one page of the outbox.
type Page struct {
	Items []soc.Report
	Total int64
	Next  string // cursor, "" at the end
}

// List returns one page of reports: state "" takes all, what waits first (oldest first), then the rest, newest first.
func (s *Service) List(ctx context.Context, want, kind, after string, most int) (Page, error) {
	q := db.New(s.state.Read())
	var p Page
	var err error
	if p.Total, err = q.CountReports(ctx, db.CountReportsParams{Want: want, Kind: kind}); err != nil {
		return p, fmt.Errorf("count outbox: %w", err)
	}
	phase, at := "w", int64(0)
	if want != "" && want != soc.ReportWaiting {
		phase, at = "s", 1<<62
	}
	if after != "" {
		if _, err := fmt.Sscanf(after, "%1s%d", &phase, &at); err != nil || phase != "w" && phase != "s" {
			return p, &soc.Problem{Status: 400, Code: "bad_cursor", Detail: "This list cannot be continued from there.", Do: "Begin with its first page."}
		}
	}
	var rows []db.NationalOutbox
	if phase == "w" {
		if rows, err = q.ListWaiting(ctx, db.ListWaitingParams{After: at, Kind: kind, Most: int32(most)}); err != nil {
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
			more, err = q.ListSettled(ctx, db.ListSettledParams{Before: at, Kind: kind, Most: int32(left)})
		} else {
			more, err = q.ListReports(ctx, db.ListReportsParams{Want: want, Kind: kind, Before: at, Most: int32(left)})
		}
		if err != nil {
			return p, fmt.Errorf("read outbox: %w", err)
		}
		rows = append(rows, more...)
		if left > 0 && len(more) == left {
			p.Next = fmt.Sprintf("s%d", more[left-1].Ord)
		}
	}
	p.Items, err = s.withReceipts(ctx, rows)
	return p, err
}

// OfSubject returns the reports about one alert (CB- number), in order.
func (s *Service) OfSubject(ctx context.Context, number string) ([]soc.Report, error) {
	rows, err := db.New(s.state.Read()).ReportsOfSubject(ctx, number)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return s.withReceipts(ctx, rows)
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

// Get returns one report with its tries, or sql.ErrNoRows.
func (s *Service) Get(ctx context.Context, id string) (soc.Report, []Try, error) {
	q := db.New(s.state.Read())
	row, err := q.Report(ctx, id)
	if err != nil {
		return soc.Report{}, nil, fmt.Errorf("read report %s: %w", id, err)
	}
	reports, err := s.withReceipts(ctx, []db.NationalOutbox{row})
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

func (s *Service) withReceipts(ctx context.Context, rows []db.NationalOutbox) ([]soc.Report, error) {
	q := db.New(s.state.Read())
	key, err := pinned(ctx, q)
	if err != nil {
		return nil, err
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
				r.Receipt = stored(row, rc, key)
			}
		}
		out = append(out, r)
	}
	return out, nil
}

func toReport(r db.NationalOutbox) soc.Report {
	x := soc.Report{ID: r.ID, Order: r.Ord, Kind: r.Kind, Subject: r.Subject, System: r.SystemID, Channel: r.Channel, Body: []byte(r.Body), Created: r.Created,
		State: r.State, Tries: int(r.Tries), NextTry: r.NextTry, LastError: r.LastError, Demo: r.Demo == 1, Exercise: r.Exercise == 1}
	if r.State == soc.ReportAccepted {
		x.Accepted = r.Settled
	}
	return x
}

package national

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"hoalu/national/delivery"
	"hoalu/national/internal/db"
	"hoalu/soc"
)

// reconcileLoop compares yesterday once it is past ReconcileAt. It looks each minute instead of sleeping until then: the clock may be
// set, the machine may have been off at that time, and a centre that did not answer is asked again.
func (s *Service) reconcileLoop(ctx context.Context) {
	tick := time.NewTicker(min(time.Minute, s.cfg.RetryMost))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		day, err := s.dueDay(ctx, time.Now())
		if err == nil && day != "" {
			_, err = s.Reconcile(ctx, soc.Actor{ID: "system", Name: "system"}, day)
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, ErrNoEndpoint) && !errors.Is(err, ErrNoList) {
			s.log.Warn("reconciliation not done; it is tried again", "day", day, "error", err)
		}
	}
}

// dueDay is the day to reconcile at an instant: yesterday, unless it is too early or it was compared since it ended; "" none.
func (s *Service) dueDay(ctx context.Context, t time.Time) (string, error) {
	at, err := time.Parse("15:04", s.cfg.ReconcileAt)
	if err != nil {
		return "", err
	}
	t = t.In(soc.Zone)
	today := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, soc.Zone)
	if t.Before(today.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)) {
		return "", nil
	}
	day := today.AddDate(0, 0, -1).Format("2006-01-02")
	done, err := s.Reconciliations(ctx, 3)
	if err != nil {
		return "", err
	}
	for _, r := range done {
		if r.Day == day && r.At >= today.UnixMilli() {
			return "", nil
		}
	}
	return day, nil
}

// Reconciliation is one day compared with the centre: made = accepted + refused + waiting, and what the centre holds equals
// what it accepted.
type Reconciliation struct {
	Day      string   `json:"day"` // local, 2006-01-02
	At       int64    `json:"at"`
	Made     int64    `json:"made"`
	Accepted int64    `json:"accepted"`
	Refused  int64    `json:"refused"`
	Waiting  int64    `json:"waiting"`
	Centre   int64    `json:"centre"`
	Missing  []string `json:"missing"` // accepted here, not held there: sent again
	Extra    []string `json:"extra"`   // held there, not made here or with another digest
	Broken   []string `json:"broken"`  // the receipt or the report kept here is not what it was; a new receipt is asked for where the centre holds the report
	Balanced bool     `json:"balanced"`
}

// ErrNoList means that the channel of the receiving point cannot tell what it holds: whether a day is balanced is not known.
var ErrNoList = errors.New("this channel cannot be reconciled: it does not tell what it holds")

// receipts tells which accepted reports made in [from, to) have a receipt that verifies.
func (s *Service) receipts(ctx context.Context, from, to int64) (map[string]bool, error) {
	q := db.New(s.state.Read())
	key, err := pinned(ctx, q)
	if err != nil {
		return nil, err
	}
	rows, err := q.ReceiptsBetween(ctx, db.ReceiptsBetweenParams{Since: from, Until: to})
	if err != nil {
		return nil, fmt.Errorf("read receipts: %w", err)
	}
	good := make(map[string]bool, len(rows))
	for _, rc := range rows {
		row, err := q.Report(ctx, rc.ReportID)
		if err != nil {
			return nil, fmt.Errorf("read report %s: %w", rc.ReportID, err)
		}
		good[rc.ReportID] = stored(row, rc, key).Verified
	}
	return good, nil
}

// Reconcile compares one local day with the centre's list. What the centre once accepted but no longer holds goes back to
// the outbox at its old place.
func (s *Service) Reconcile(ctx context.Context, by soc.Actor, day string) (Reconciliation, error) {
	start, err := time.ParseInLocation("2006-01-02", day, soc.Zone)
	if err != nil {
		return Reconciliation{}, fmt.Errorf("day: must be as 2026-11-21, is %q", day)
	}
	from, to := start.UnixMilli(), start.AddDate(0, 0, 1).UnixMilli()
	l, a, err := s.link(ctx)
	if err != nil {
		return Reconciliation{}, err
	}
	lister, ok := a.(Lister)
	if !ok {
		return Reconciliation{}, ErrNoList
	}
	lctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	asked := now()
	held, err := lister.List(lctx, l, from, to)
	cancel()
	if err != nil {
		return Reconciliation{}, fmt.Errorf("get the centre's list of %s: %w", day, trouble(err, l))
	}
	r := Reconciliation{Day: day, At: now(), Centre: int64(len(held)), Missing: []string{}, Extra: []string{}, Broken: []string{}}
	receipts, err := s.receipts(ctx, from, to)
	if err != nil {
		return Reconciliation{}, err
	}
	err = s.state.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		known, err := q.KnownBetween(ctx, db.KnownBetweenParams{Since: from, Until: to})
		if err != nil {
			return err
		}
		ours := map[string]bool{}
		for _, k := range known {
			r.Made++
			ours[k.ID] = true
			digest, there := held[k.ID]
			switch k.State {
			case soc.ReportAccepted:
				r.Accepted++
				if k.Settled >= asked {
					break // accepted while the list was on its way
				}
				sound := delivery.Digest([]byte(k.Body)) == k.Digest
				proven := receipts[k.ID]
				if f, ok := forwarderOf(k.Channel); ok && f.Receipts != delivery.Signed {
					proven = true // there is no signature to lose
				}
				if !proven || !sound {
					r.Broken = append(r.Broken, k.ID)
				}
				switch {
				case !sound: // what was sent is not here any more: sending this would be another report
				case there && digest == k.Digest && !proven:
					if err := q.RequeueReport(ctx, db.RequeueReportParams{ID: k.ID, LastError: "reconciliation: the receipt kept here does not verify; a new one is asked for"}); err != nil {
						return err
					}
				case !there || digest != k.Digest:
					r.Missing = append(r.Missing, k.ID)
					if err := q.RequeueReport(ctx, db.RequeueReportParams{ID: k.ID, LastError: "reconciliation: the centre does not hold it"}); err != nil {
						return err
					}
				}
			case soc.ReportRefused:
				r.Refused++
			default:
				r.Waiting++
			}
			if there && digest != k.Digest {
				r.Extra = append(r.Extra, k.ID)
			}
		}
		for id := range held {
			if !ours[id] {
				r.Extra = append(r.Extra, id)
			}
		}
		r.Balanced = len(r.Missing) == 0 && len(r.Extra) == 0 && len(r.Broken) == 0
		missing, _ := json.Marshal(r.Missing)
		extra, _ := json.Marshal(r.Extra)
		broken, _ := json.Marshal(r.Broken)
		if err := q.SaveReconciliation(ctx, db.SaveReconciliationParams{Day: day, At: r.At, Made: r.Made, Accepted: r.Accepted, Refused: r.Refused, Waiting: r.Waiting,
			Centre: r.Centre, Missing: string(missing), Extra: string(extra), Broken: string(broken), Balanced: flag(r.Balanced)}); err != nil {
			return err
		}
		return s.record(ctx, tx, soc.Deed{Actor: by, Action: "national.reconcile", Object: day, Result: "done",
			Details: map[string]string{"balanced": strconv.FormatBool(r.Balanced), "missing": strconv.Itoa(len(r.Missing)), "extra": strconv.Itoa(len(r.Extra)), "broken": strconv.Itoa(len(r.Broken))}})
	})
	if err != nil {
		return Reconciliation{}, fmt.Errorf("write reconciliation of %s: %w", day, err)
	}
	s.poke()
	s.notify("reconciliation")
	return r, nil
}

// Reconciliations returns the latest days, newest first.
func (s *Service) Reconciliations(ctx context.Context, most int) ([]Reconciliation, error) {
	rows, err := db.New(s.state.Read()).Reconciliations(ctx, int32(most))
	if err != nil {
		return nil, fmt.Errorf("read reconciliations: %w", err)
	}
	out := make([]Reconciliation, 0, len(rows))
	for _, r := range rows {
		x := Reconciliation{Day: r.Day, At: r.At, Made: r.Made, Accepted: r.Accepted, Refused: r.Refused, Waiting: r.Waiting, Centre: r.Centre, Balanced: r.Balanced == 1}
		if err := errors.Join(json.Unmarshal([]byte(r.Missing), &x.Missing), json.Unmarshal([]byte(r.Extra), &x.Extra), json.Unmarshal([]byte(r.Broken), &x.Broken)); err != nil {
			return nil, fmt.Errorf("read reconciliation of %s: %w", r.Day, err)
		}
		out = append(out, x)
	}
	return out, nil
}

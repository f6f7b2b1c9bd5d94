package national

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"hoalu/internal/wording"
	"hoalu/national/delivery"
	"hoalu/national/internal/db"
	"hoalu/soc"
)

// reconcileLoop compares yesterday once it is past ReconcileAt. It looks each minute instead of sleeping until then: the clock may be
// set, the machine may have been off at that time, and a centre that did not answer is asked again.
func (d *destination) reconcileLoop(ctx context.Context) {
	tick := time.NewTicker(min(time.Minute, d.cfg.RetryMost))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		day, err := d.dueDay(ctx, time.Now())
		if err == nil && day != "" {
			_, err = d.reconcile(ctx, soc.Machine, day)
		}
		if err != nil && ctx.Err() == nil && !errors.Is(err, ErrNoEndpoint) && !errors.Is(err, ErrNoList) {
			d.log.Warn("reconciliation not done; it is tried again", "destination", d.id, "day", day, "error", err)
		}
	}
}

// dueDay is the day to reconcile at an instant: yesterday, unless it is too early or it was compared since it ended; "" none.
func (d *destination) dueDay(ctx context.Context, t time.Time) (string, error) {
	at, err := time.Parse("15:04", d.cfg.ReconcileAt)
	if err != nil {
		return "", err
	}
	t = t.In(soc.Zone)
	today := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, soc.Zone)
	if t.Before(today.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)) {
		return "", nil
	}
	day := today.AddDate(0, 0, -1).Format("2006-01-02")
	done, err := d.Reconciliations(ctx, d.id, 3)
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
	// the receipt or the report kept here is not what it was; a new receipt is asked for where the centre holds the report
	Broken   []string `json:"broken"`
	Balanced bool     `json:"balanced"`
}

// ErrNoList means that the channel of the receiving point cannot tell what it holds: whether a day is balanced is not known.
var ErrNoList = errors.New("this channel cannot be reconciled: it does not tell what it holds")

// receipts tells which accepted reports made in [from, to) have a receipt that verifies.
func (d *destination) receipts(ctx context.Context, from, to int64) (map[string]bool, error) {
	q := db.New(d.state.Read())
	key, err := pinned(ctx, q, d.id)
	if err != nil {
		return nil, err
	}
	rows, err := q.ReceiptsBetween(ctx, db.ReceiptsBetweenParams{Destination: d.id, Since: from, Until: to})
	if err != nil {
		return nil, fmt.Errorf("read receipts: %w", err)
	}
	good := make(map[string]bool, len(rows))
	for _, rc := range rows {
		row, err := q.Report(ctx, rc.ReportID)
		if err != nil {
			return nil, fmt.Errorf("read report %s: %w", rc.ReportID, err)
		}
		good[rc.ReportID] = d.stored(row, rc, key).Verified
	}
	return good, nil
}

// Reconcile compares one local day of the destination of a number, 0 the first one, with the centre's list. What the centre once accepted
// but no longer holds goes back to the outbox at its old place.
func (s *Service) Reconcile(ctx context.Context, by soc.Actor, destination int64, day string) (Reconciliation, error) {
	ep, err := s.Endpoint(ctx, destination)
	if err != nil {
		return Reconciliation{}, err
	}
	return s.destination(ep.ID).reconcile(ctx, by, day)
}

func (d *destination) reconcile(ctx context.Context, by soc.Actor, day string) (Reconciliation, error) {
	start, err := time.ParseInLocation("2006-01-02", day, soc.Zone)
	if err != nil {
		return Reconciliation{}, wording.New("day: must be as 2026-11-21, is %q", day)
	}
	from, to := start.UnixMilli(), start.AddDate(0, 0, 1).UnixMilli()
	l, a, err := d.link(ctx)
	if err != nil {
		return Reconciliation{}, err
	}
	lister, ok := a.(Lister)
	if !ok {
		return Reconciliation{}, ErrNoList
	}
	lctx, cancel := context.WithTimeout(ctx, d.cfg.Timeout)
	asked := now()
	held, err := guarded(d.log, l.Channel, func() (map[string]string, error) { return lister.List(lctx, l, from, to) })
	cancel()
	if err != nil {
		return Reconciliation{}, wording.New("get the centre's list of %s: %s", day, Told(trouble(err, l).Error()))
	}
	receipts, err := d.receipts(ctx, from, to)
	if err != nil {
		return Reconciliation{}, err
	}
	r := Reconciliation{Day: day, At: now(), Centre: int64(len(held)), Missing: []string{}, Extra: []string{}, Broken: []string{}}
	err = d.state.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		known, err := q.KnownBetween(ctx, db.KnownBetweenParams{Destination: d.id, Since: from, Until: to})
		if err != nil {
			return err
		}
		for _, k := range known {
			if err := r.count(ctx, q, k, held, receipts[k.ID], asked); err != nil {
				return err
			}
		}
		r.close(known, held)
		return d.keep(ctx, tx, by, r)
	})
	if err != nil {
		return Reconciliation{}, fmt.Errorf("write reconciliation of %s: %w", day, err)
	}
	d.poke()
	d.notify("reconciliation")
	return r, nil
}

// count takes one of our reports into the comparison and puts it back into the outbox where it has to be sent again. held is the centre's
// list, proven whether the kept receipt verifies, asked when the list was asked for.
func (r *Reconciliation) count(ctx context.Context, q *db.Queries, k db.KnownBetweenRow, held map[string]string, proven bool,
	asked int64) error {
	r.Made++
	digest, there := held[k.ID]
	same := there && digest == k.Digest
	if there && !same {
		r.Extra = append(r.Extra, k.ID)
	}
	switch k.State {
	case soc.ReportRefused:
		r.Refused++
		return nil
	case soc.ReportAccepted:
		r.Accepted++
	default:
		r.Waiting++
		return nil
	}
	if k.Settled >= asked {
		return nil // accepted while the list was on its way
	}
	sound := delivery.Digest([]byte(k.Body)) == k.Digest
	if f, ok := forwarderOf(k.Channel); ok && f.Receipts != delivery.Signed {
		proven = true // there is no signature to lose
	}
	if !proven || !sound {
		r.Broken = append(r.Broken, k.ID)
	}
	why := ""
	switch {
	case !sound: // what was sent is not here any more: sending this would be another report
		return nil
	case !same:
		r.Missing = append(r.Missing, k.ID)
		why = "reconciliation: the centre does not hold it"
	case !proven:
		why = "reconciliation: the receipt kept here does not verify; a new one is asked for"
	default:
		return nil
	}
	return q.RequeueReport(ctx, db.RequeueReportParams{ID: k.ID, LastError: why})
}

// close adds what only the centre holds and says whether the day is balanced.
func (r *Reconciliation) close(known []db.KnownBetweenRow, held map[string]string) {
	ours := make(map[string]bool, len(known))
	for _, k := range known {
		ours[k.ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(held)) {
		if !ours[id] {
			r.Extra = append(r.Extra, id)
		}
	}
	r.Balanced = len(r.Missing) == 0 && len(r.Extra) == 0 && len(r.Broken) == 0
}

// keep writes a comparison and records who made it.
func (d *destination) keep(ctx context.Context, tx *sql.Tx, by soc.Actor, r Reconciliation) error {
	missing, err := json.Marshal(r.Missing)
	if err != nil {
		return err
	}
	extra, err := json.Marshal(r.Extra)
	if err != nil {
		return err
	}
	broken, err := json.Marshal(r.Broken)
	if err != nil {
		return err
	}
	if err := db.New(tx).SaveReconciliation(ctx, db.SaveReconciliationParams{Destination: d.id, Day: r.Day, At: r.At, Made: r.Made,
		Accepted: r.Accepted, Refused: r.Refused,
		Waiting: r.Waiting, Centre: r.Centre, Missing: string(missing), Extra: string(extra), Broken: string(broken),
		Balanced: flag(r.Balanced)}); err != nil {
		return err
	}
	return d.record(ctx, tx, soc.Deed{Actor: by, Action: "national.reconcile", Object: r.Day, Result: "done",
		Details: map[string]string{"destination": strconv.FormatInt(d.id, 10),
			"balanced": strconv.FormatBool(r.Balanced), "missing": strconv.Itoa(len(r.Missing)), "extra": strconv.Itoa(len(r.Extra)),
			"broken": strconv.Itoa(len(r.Broken))}})
}

// Reconciliations returns the latest days of a destination, newest first.
func (s *Service) Reconciliations(ctx context.Context, destination int64, most int) ([]Reconciliation, error) {
	rows, err := db.New(s.state.Read()).Reconciliations(ctx, db.ReconciliationsParams{Destination: destination, Most: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("read reconciliations: %w", err)
	}
	out := make([]Reconciliation, 0, len(rows))
	for _, r := range rows {
		x := Reconciliation{Day: r.Day, At: r.At, Made: r.Made, Accepted: r.Accepted, Refused: r.Refused, Waiting: r.Waiting, Centre: r.Centre,
			Balanced: r.Balanced == 1}
		if err := errors.Join(json.Unmarshal([]byte(r.Missing), &x.Missing), json.Unmarshal([]byte(r.Extra), &x.Extra),
			json.Unmarshal([]byte(r.Broken), &x.Broken)); err != nil {
			return nil, fmt.Errorf("read reconciliation of %s: %w", r.Day, err)
		}
		out = append(out, x)
	}
	return out, nil
}

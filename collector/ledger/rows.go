package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"hoalu/collector/store"
	"hoalu/soc"
)

// Summary is the ledger in three lines, for the console's banner.
type Summary struct {
	Balanced   bool          // no row of the last 24 h is off
	LastMinute int64         // newest minute that was checked; 0 none yet
	Since      int64         // start of the unbroken run of minutes up to LastMinute that were checked and balance; 0 none
	Kept       int64         // oldest row; 0 none
	Totals     soc.LedgerRow // of LastMinute, over all sources
	Unbalanced int           // rows of the last 24 h that do not balance

	NotMeasured int    // minutes of the last 24 h, since the ledger was made and up to LastMinute, in which nothing ran or was checked
	Behind      uint64 // sequences the store has sealed that the ledger has not counted yet
	InFlight    int64  // frames counted and not yet sealed
}

// query reads rows with their reasons.
func (l *Ledger) query(ctx context.Context, where string, args ...any) ([]soc.LedgerRow, error) {
	tx, err := l.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // it only reads
	rows, err := tx.QueryContext(ctx, "SELECT start, source, received, stored, quarantined, rejected, duplicate, dropped FROM counts "+where+
		" ORDER BY start DESC, source", args...)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	defer rows.Close()
	var list []soc.LedgerRow
	at := map[rowKey]int{}
	for rows.Next() {
		var r soc.LedgerRow
		if err := rows.Scan(&r.Minute, &r.Source, &r.Received, &r.Stored, &r.Quarantined, &r.Rejected, &r.Duplicate, &r.Dropped); err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		if len(list) == maxRows {
			return nil, ErrTooMany
		}
		at[rowKey{r.Minute, r.Source}] = len(list)
		list = append(list, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	rows.Close()
	if len(list) == 0 {
		return nil, nil
	}
	reasons, err := tx.QueryContext(ctx, "SELECT start, source, reason, n FROM reasons WHERE start >= $1 AND start <= $2",
		list[len(list)-1].Minute, list[0].Minute)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	defer reasons.Close()
	for reasons.Next() {
		var k rowKey
		var reason string
		var n int64
		if err := reasons.Scan(&k.minute, &k.source, &reason, &n); err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		if i, ok := at[k]; ok {
			addReason(&list[i], reason, n)
		}
	}
	if err := reasons.Err(); err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	return list, nil
}

// Rows lists rows of [from, to) by minute and source, newest first; source "" lists all. Rows older than 8 days are hours.
func (l *Ledger) Rows(ctx context.Context, from, to int64, source string) ([]soc.LedgerRow, error) {
	if err := l.flush(ctx); err != nil {
		return nil, err
	}
	l.writing.Lock() // counts in memory and database belong together
	defer l.writing.Unlock()
	list, err := l.query(ctx, "WHERE start >= $1 AND start < $2 AND ($3 = '' OR source = $3)", from, to, source)
	if err != nil {
		return nil, err
	}
	// An hour of old minutes and a late minute in it may share their start.
	merged := list[:0]
	for _, r := range list {
		if n := len(merged); n > 0 && merged[n-1].Minute == r.Minute && merged[n-1].Source == r.Source {
			merged[n-1].Add(r)
			continue
		}
		merged = append(merged, r)
	}
	list = merged
	at := map[rowKey]int{}
	for i := range list {
		at[rowKey{list[i].Minute, list[i].Source}] = i
	}
	var live Live
	if l.cfg.Live != nil {
		live = l.cfg.Live()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.flight {
		if f.minute < from || f.minute >= to || source != "" && f.source != source {
			continue
		}
		k := rowKey{f.minute, f.source}
		i, ok := at[k]
		if !ok {
			i = len(list)
			at[k] = i
			list = append(list, soc.LedgerRow{Minute: f.minute, Source: f.source})
		}
		list[i].Received += f.n
		if f.seq > l.sealed {
			list[i].InFlight += f.n
		}
	}
	if live.Sealed == l.sealed {
		for _, o := range live.Outcomes {
			if i, ok := at[rowKey{o.Minute - o.Minute%minute, o.Source}]; ok {
				show(&list[i], o)
			}
		}
	}
	slices.SortFunc(list, func(a, b soc.LedgerRow) int {
		if a.Minute != b.Minute {
			return int(b.Minute/minute - a.Minute/minute)
		}
		return strings.Compare(a.Source, b.Source)
	})
	return list, nil
}

// show moves what the store has in memory out of flight, never more than is in flight.
func show(r *soc.LedgerRow, o store.Outcome) {
	take := func(n int64) int64 {
		n = min(n, r.InFlight)
		r.InFlight -= n
		return n
	}
	r.Stored += take(o.Stored)
	r.Duplicate += take(o.Duplicate)
	for reason, n := range o.Quarantined {
		if n = take(n); n > 0 {
			r.Quarantined += n
			addReason(r, "quarantined:"+reason, n)
		}
	}
}

// Summary reads the state of the balance.
func (l *Ledger) Summary(ctx context.Context) (Summary, error) {
	s := Summary{Behind: l.behind()}
	l.mu.Lock()
	for _, f := range l.flight {
		if f.seq > l.sealed {
			s.InFlight += f.n
		}
	}
	l.mu.Unlock()
	now := l.cfg.Now()
	checked, err := l.checked(ctx)
	if err != nil {
		return s, err
	}
	last := checked - minute
	var first, unbalanced sql.NullInt64
	err = l.read.QueryRowContext(ctx,
		"SELECT (SELECT MIN(start) FROM counts), (SELECT MAX(start) FROM counts WHERE span = $1 AND start <= $2 AND "+off+
			"), (SELECT COUNT(*) FROM counts WHERE span = $1 AND start <= $2 AND start >= $3 AND "+off+")", minute, last, now-24*hour).Scan(&first,
		&unbalanced, &s.Unbalanced)
	if err != nil {
		return s, fmt.Errorf("read ledger: %w", err)
	}
	s.Kept = first.Int64
	s.Balanced = s.Unbalanced == 0
	if checked == 0 {
		return s, nil
	}
	// What is known of the last 24 hours, but of nothing before the ledger was made.
	var begun int64
	if err := l.read.QueryRowContext(ctx, "SELECT MIN(start) FROM measured").Scan(&begun); err != nil {
		return s, fmt.Errorf("read ledger: %w", err)
	}
	if first.Valid {
		begun = min(begun, first.Int64)
	}
	from := max(now-24*hour, begun)
	from -= from % minute
	measured, err := l.Measured(ctx, from, checked)
	if err != nil {
		return s, err
	}
	s.NotMeasured = int(max(0, checked-from) / minute)
	for _, m := range measured {
		s.NotMeasured -= int((m.To - m.From) / minute)
	}
	s.LastMinute = last
	if err := l.read.QueryRowContext(ctx, "SELECT start FROM measured WHERE until = $1 ORDER BY start LIMIT 1",
		checked).Scan(&s.Since); err != nil {
		return s, fmt.Errorf("read ledger: %w", err)
	}
	if unbalanced.Valid && unbalanced.Int64 >= s.Since {
		if s.Since = unbalanced.Int64 + minute; s.Since > last {
			s.Since = 0
		}
	}
	rows, err := l.Rows(ctx, last, last+minute, "")
	if err != nil {
		return s, err
	}
	s.Totals.Minute = last
	for _, r := range rows {
		s.Totals.Add(r)
	}
	return s, nil
}

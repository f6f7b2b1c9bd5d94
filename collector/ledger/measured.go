package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// Span is a stretch of whole minutes, [From, To) in Unix ms.
type Span struct{ From, To int64 }

// maxSpan bounds what Measured looks at in one go.
const maxSpan = 32 * 24 * hour

// A minute is measured when the ledger ran in it and has checked it since, or when it has rows of its own: both were counted. In any
// other minute nothing ran or nothing was checked, and nothing can be said of it: it is neither balanced nor off. Table measured holds
// the stretches in which the ledger ran, each up to the last minute checked.

// measure notes that everything up to the newest settled minute has been checked. Only check calls it, while nothing is behind.
func (l *Ledger) measure(ctx context.Context) error {
	until := l.settled() + minute
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.span == 0 {
		start, err := l.continues(ctx)
		if err != nil {
			return err
		}
		l.span = start
	}
	if until <= l.span {
		return nil // it has not run through a minute yet
	}
	err := l.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx,
			"INSERT INTO measured (start, until) VALUES ($1, $2) ON CONFLICT (start) DO UPDATE SET until = excluded.until WHERE excluded.until > until", l.span, until)
		return err
	})
	if err != nil {
		return fmt.Errorf("note the minutes checked: %w", err)
	}
	return nil
}

// continues is where the stretch begins that this run goes on with: the stretch before, where every minute between its last check and
// the start of this run has rows; else the minute this run began in.
func (l *Ledger) continues(ctx context.Context) (int64, error) {
	var before Span
	err := l.read.QueryRowContext(ctx, "SELECT start, until FROM measured ORDER BY start DESC LIMIT 1").Scan(&before.From, &before.To)
	if errors.Is(err, sql.ErrNoRows) {
		return l.began, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the minutes checked: %w", err)
	}
	if before.To >= l.began {
		return before.From, nil
	}
	var n int64
	err = l.read.QueryRowContext(ctx, "SELECT COUNT(DISTINCT start) FROM counts WHERE span = $1 AND start >= $2 AND start < $3", minute,
		before.To, l.began).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read the minutes checked: %w", err)
	}
	if n == (l.began-before.To)/minute {
		return before.From, nil
	}
	return l.began, nil
}

// Measured lists the measured stretches of [from, to), in order; at most 32 days are looked at.
func (l *Ledger) Measured(ctx context.Context, from, to int64) ([]Span, error) {
	from -= from % minute
	if to <= from {
		return nil, nil
	}
	if to-from > maxSpan {
		return nil, fmt.Errorf("minutes measured: more than 32 days between %d and %d", from, to)
	}
	var list []Span
	add := func(query string, args ...any) error {
		rows, err := l.read.QueryContext(ctx, query, args...)
		if err != nil {
			return fmt.Errorf("read the minutes checked: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var s Span
			if err := rows.Scan(&s.From, &s.To); err != nil {
				return fmt.Errorf("read the minutes checked: %w", err)
			}
			list = append(list, Span{max(s.From, from), min(s.To, to)})
		}
		return rows.Err()
	}
	if err := add("SELECT start, until FROM measured WHERE until > $1 AND start < $2", from, to); err != nil {
		return nil, err
	}
	last, err := l.checked(ctx)
	if err != nil {
		return nil, err
	}
	if err := add("SELECT DISTINCT start, start + $1 FROM counts WHERE span = $1 AND start >= $2 AND start < $3", minute, from,
		min(to, last)); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Span) int { return int((a.From - b.From) / minute) })
	out := list[:0]
	for _, s := range list {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out, nil
}

// checked is the end of the newest minute that was checked, 0 none.
func (l *Ledger) checked(ctx context.Context) (int64, error) {
	var until sql.NullInt64
	if err := l.read.QueryRowContext(ctx, "SELECT MAX(until) FROM measured").Scan(&until); err != nil {
		return 0, fmt.Errorf("read the minutes checked: %w", err)
	}
	return until.Int64, nil
}

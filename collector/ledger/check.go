package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hoalu/internal/wording"
	"hoalu/soc"
)

// Run writes what was added each second, checks each minute and makes hours of old minutes, until ctx ends.
func (l *Ledger) Run(ctx context.Context) error {
	second, check, roll := time.NewTicker(time.Second), time.NewTicker(checkEvery), time.NewTicker(time.Hour)
	defer second.Stop()
	defer check.Stop()
	defer roll.Stop()
	report := func(what string, err error) {
		if ctx.Err() != nil {
			return
		}
		l.keepFailure(what, err)
		if err != nil {
			l.log.Error(what, "error.message", err.Error())
		}
	}
	report("make hours of old ledger minutes", l.roll(ctx))
	report("check ledger", l.check(ctx))
	for n := 0; ; {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return l.flush(last)
		case <-second.C:
			report("write ledger", l.flush(ctx))
			l.mu.Lock()
			due := l.position < min(l.sealed, l.followed)
			l.mu.Unlock()
			if due {
				report("settle ledger", l.settle(ctx))
			}
			if n++; n%tryAgain != 0 {
				continue
			}
			for what, do := range map[string]func(context.Context) error{"check ledger": l.check, "make hours of old ledger minutes": l.roll} {
				l.mu.Lock()
				failed := l.failed[what] != nil
				l.mu.Unlock()
				if failed {
					report(what, do(ctx))
				}
			}
		case <-check.C:
			report("check ledger", l.check(ctx))
		case <-roll.C:
			report("make hours of old ledger minutes", l.roll(ctx))
		}
	}
}

// settled is the newest minute that may be checked.
func (l *Ledger) settled() int64 {
	now := l.cfg.Now() - settle
	return now - now%minute - minute
}

const off = "received <> stored + quarantined + rejected + duplicate + dropped"

// check tells every row that is off, once for each difference.
func (l *Ledger) check(ctx context.Context) error {
	if l.behind() > 0 {
		return nil // the store is ahead of the counting: nothing can be told yet; Summary says so
	}
	rows, err := l.query(ctx, "WHERE span = $1 AND start >= $2 AND start <= $3 AND "+off, minute, l.cfg.Now()-keepMinute*hour, l.settled())
	if err != nil {
		return err
	}
	now := map[rowKey]int64{}
	for _, r := range rows {
		k := rowKey{r.Minute, r.Source}
		now[k] = r.Difference()
		l.mu.Lock()
		before, known := l.told[k]
		l.mu.Unlock()
		if known && before == now[k] {
			continue
		}
		l.log.Error("ledger does not balance", "source.id", r.Source, "minute", r.Minute, "difference", now[k], "received", r.Received, "stored",
			r.Stored)
		if l.cfg.OnImbalance != nil {
			l.cfg.OnImbalance(r)
		}
	}
	l.mu.Lock()
	l.told = now
	l.mu.Unlock()
	return l.measure(ctx)
}

// keepFailure remembers for Ready how the last try went.
func (l *Ledger) keepFailure(what string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed[what] = err; err == nil {
		delete(l.failed, what)
	}
}

// Ready says what the ledger could not do when it last tried, nil when all was done: until it can, minutes are not checked.
func (l *Ledger) Ready() error {
	gone := l.file.Err()
	l.mu.Lock()
	defer l.mu.Unlock()
	errs := []error{gone}
	for _, what := range slices.Sorted(maps.Keys(l.failed)) {
		errs = append(errs, wording.New("the ledger could not do its work (%s): %s", what, l.failed[what]))
	}
	return errors.Join(errs...)
}

// behind is how many sequences the store has sealed whose counts are not written.
func (l *Ledger) behind() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sealed - min(l.sealed, l.position)
}

// Check adds up one minute over all sources; ErrEarly while it may still change. Differences of sources do not cancel out: the
// row's Received is set so that Difference is the sum of their absolute values.
func (l *Ledger) Check(ctx context.Context, at int64) (soc.LedgerRow, error) {
	at -= at % minute
	if at > l.settled() || l.behind() > 0 {
		return soc.LedgerRow{}, fmt.Errorf("check ledger minute %s: %w", time.UnixMilli(at).UTC().Format(time.RFC3339), ErrEarly)
	}
	rows, err := l.Rows(ctx, at, at+minute, "")
	if err != nil {
		return soc.LedgerRow{}, err
	}
	total := soc.LedgerRow{Minute: at}
	for _, r := range rows {
		if d := r.Difference(); d < 0 {
			r.Received -= 2 * d
		}
		total.Add(r)
	}
	return total, nil
}

// roll makes hours of minutes older than 8 days and forgets hours older than 400.
func (l *Ledger) roll(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	now := l.cfg.Now()
	old := (now - keepMinute*hour) / hour * hour
	return l.tx(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{
			`INSERT INTO counts (span, start, source, received, stored, quarantined, rejected, duplicate, dropped)
				SELECT $2, start / $2 * $2, source, SUM(received), SUM(stored), SUM(quarantined), SUM(rejected), SUM(duplicate), SUM(dropped)
				FROM counts WHERE span = $1 AND start < $3 GROUP BY start / $2, source
				ON CONFLICT (span, start, source) DO UPDATE SET received = received + excluded.received, stored = stored + excluded.stored,
				quarantined = quarantined + excluded.quarantined, rejected = rejected + excluded.rejected,
				duplicate = duplicate + excluded.duplicate, dropped = dropped + excluded.dropped`,
			`INSERT INTO reasons (span, start, source, reason, n) SELECT $2, start / $2 * $2, source, reason, SUM(n)
				FROM reasons WHERE span = $1 AND start < $3 GROUP BY start / $2, source, reason
				ON CONFLICT (span, start, source, reason) DO UPDATE SET n = n + excluded.n`,
			"DELETE FROM measured WHERE $1 + $2 + $3 IS NOT NULL AND until < $4",
			"DELETE FROM counts WHERE span = $1 AND start < $3 OR span = $2 AND start < $4",
			"DELETE FROM reasons WHERE span = $1 AND start < $3 OR span = $2 AND start < $4",
		} {
			args := []any{minute, hour, old}
			if strings.HasPrefix(q, "DELETE") {
				args = append(args, now-keepHour*hour)
			}
			if _, err := tx.ExecContext(ctx, q, args...); err != nil {
				return err
			}
		}
		return nil
	})
}

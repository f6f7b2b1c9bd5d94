package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"hoalu/collector/store"
	"hoalu/soc"
)

// Received counts queue message seq: frames of it in all, and whose they were. Frames that counts do not name go to source ""
// and now. The same or an older seq again is ignored. ErrBehind asks to try again later.
func (l *Ledger) Received(ctx context.Context, seq uint64, frames int64, counts []Count) error {
	l.mu.Lock()
	if seq <= l.followed {
		l.mu.Unlock()
		return nil
	}
	if len(l.flight) > maxFlight {
		l.mu.Unlock()
		return ErrBehind
	}
	for _, c := range counts {
		if c.N != 0 {
			l.enter(seq, c.Source, c.Minute-c.Minute%minute, c.N)
			frames -= c.N
		}
	}
	if frames != 0 {
		now := l.cfg.Now()
		l.enter(seq, "", now-now%minute, frames)
	}
	l.followed = seq
	due := seq <= l.sealed && (seq == l.sealed || len(l.flight) >= settleAt)
	l.mu.Unlock()
	if !due {
		return nil
	}
	return l.settle(ctx)
}

func (l *Ledger) enter(seq uint64, source string, minute, n int64) {
	l.flight = append(l.flight, frames{seq, source, minute, n})
}

// settle writes what was counted of sequences the store has sealed.
func (l *Ledger) settle(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.commit(ctx, "", l.SealedPosition(), nil)
}

// Tell hands over what a segment holds, in order. One that cannot be written down (the disk is full) is kept and written before the
// next, because a segment left out would unbalance its minutes until the next start; meanwhile Ready says why.
func (l *Ledger) Tell(g store.Segment) {
	l.telling.Lock()
	defer l.telling.Unlock()
	if len(l.untold) < maxUntold {
		l.untold = append(l.untold, g)
	}
	for len(l.untold) > 0 {
		err := l.Sealed(context.Background(), l.untold[0])
		l.keepFailure("write down a segment", err)
		if err != nil {
			l.log.Error("a segment is not in the ledger; it is told again with the next one", "segment", l.untold[0].ID, "waiting", len(l.untold),
				"error", err)
			return
		}
		l.untold = l.untold[1:]
	}
}

// Sealed applies the outcomes of one sealed segment; a segment already applied is ignored.
func (l *Ledger) Sealed(ctx context.Context, g store.Segment) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	sealed := l.SealedPosition()
	if g.Last <= sealed {
		return nil
	}
	if g.First <= sealed {
		l.log.Error("segment overlaps the one before", "segment", g.ID, "first", g.First, "sealed", sealed)
	}
	return l.commit(ctx, g.ID, g.Last, g.Outcomes)
}

// commit writes outcomes up to sealed and the counts of all sequences both sides have passed; writing is held.
func (l *Ledger) commit(ctx context.Context, segment string, sealed uint64, outcomes []store.Outcome) error {
	l.mu.Lock()
	upTo := min(sealed, l.followed)
	n, _ := slices.BinarySearchFunc(l.flight, upTo+1, func(f frames, seq uint64) int {
		if f.seq < seq {
			return -1
		}
		return 1
	})
	moved := l.flight[:n]
	position := max(l.position, upTo)
	l.mu.Unlock()

	sums := map[rowKey]*soc.LedgerRow{}
	row := func(source string, at int64) *soc.LedgerRow {
		k := rowKey{at - at%minute, source}
		r := sums[k]
		if r == nil {
			r = &soc.LedgerRow{Minute: k.minute, Source: source}
			sums[k] = r
		}
		return r
	}
	for _, f := range moved {
		row(f.source, f.minute).Received += f.n
	}
	for _, o := range outcomes {
		r := row(o.Source, o.Minute)
		r.Stored += o.Stored
		r.Duplicate += o.Duplicate
		for reason, n := range o.Quarantined {
			r.Quarantined += n
			addReason(r, "quarantined:"+reason, n)
		}
	}
	err := l.tx(ctx, func(tx *sql.Tx) error {
		if err := addRows(ctx, tx, sums); err != nil {
			return err
		}
		if err := setMeta(ctx, tx, "sealed", sealed); err != nil {
			return err
		}
		return setMeta(ctx, tx, "position", position)
	})
	if err != nil {
		return fmt.Errorf("write ledger of segment %s: %w", segment, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flight = slices.Delete(l.flight, 0, n)
	l.position, l.sealed = position, sealed
	return nil
}

func addReason(r *soc.LedgerRow, reason string, n int64) {
	if r.Reasons == nil {
		r.Reasons = map[string]int64{}
	}
	r.Reasons[reason] += n
}

func addRows(ctx context.Context, tx *sql.Tx, rows map[rowKey]*soc.LedgerRow) error {
	if len(rows) == 0 {
		return nil
	}
	add, err := tx.PrepareContext(ctx, `INSERT INTO counts (span, start, source, received, stored, quarantined, rejected, duplicate, dropped)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (span, start, source) DO UPDATE SET received = received + excluded.received,
		stored = stored + excluded.stored, quarantined = quarantined + excluded.quarantined, rejected = rejected + excluded.rejected,
		duplicate = duplicate + excluded.duplicate, dropped = dropped + excluded.dropped`)
	if err != nil {
		return err
	}
	defer add.Close()
	for _, r := range rows {
		if _, err := add.ExecContext(ctx, minute, r.Minute, r.Source, r.Received, r.Stored, r.Quarantined, r.Rejected, r.Duplicate,
			r.Dropped); err != nil {
			return err
		}
		for reason, n := range r.Reasons {
			if _, err := tx.ExecContext(ctx, `INSERT INTO reasons (span, start, source, reason, n) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (span, start, source, reason) DO UPDATE SET n = n + excluded.n`, minute, r.Minute, r.Source, reason, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// Add notes what happened before the queue; it counts as received as well. An unknown kind counts as dropped.
func (l *Ledger) Add(e Entry) {
	if e.N <= 0 {
		return
	}
	if e.Kind != Rejected && e.Kind != Duplicate {
		e.Kind = Dropped
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.added[addKey{rowKey{e.Minute - e.Minute%minute, e.Source}, e.Kind, e.Reason}] += e.N
}

// flush writes what was added.
func (l *Ledger) flush(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	added := l.added
	l.added = map[addKey]int64{}
	l.mu.Unlock()
	if len(added) == 0 {
		return nil
	}
	sums := map[rowKey]*soc.LedgerRow{}
	for k, n := range added {
		r := sums[k.rowKey]
		if r == nil {
			r = &soc.LedgerRow{Minute: k.minute, Source: k.source}
			sums[k.rowKey] = r
		}
		r.Received += n
		switch k.kind {
		case Rejected:
			r.Rejected += n
		case Duplicate:
			r.Duplicate += n
		default:
			r.Dropped += n
		}
		addReason(r, k.kind+":"+k.reason, n)
	}
	if err := l.tx(ctx, func(tx *sql.Tx) error { return addRows(ctx, tx, sums) }); err != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		for k, n := range added {
			l.added[k] += n
		}
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

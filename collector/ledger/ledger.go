// Package ledger balances what came in against what became of it, for each source and minute of receipt (decision 12):
//
//	received = stored + quarantined(reason) + rejected(reason) + duplicate + dropped(reason) + in flight
//
// Words: a frame is received once it is durable in the queue, or once it is counted as rejected, dropped or duplicate before
// the queue. It is in flight until the store has sealed it. A row is one source and minute; it balances when Difference is 0.
//
// How it stays exact across kill -9: frames are counted by a reader over the queue. Their counts stay in memory, by sequence,
// until the store has sealed a segment beyond them; then counts, outcomes and position are written in one transaction. After
// a crash the reader starts again behind Position and counts the rest once more. Outcomes come from sealed segments, each
// applied once by its range; segments sealed while nobody told the ledger are told again at the start (Sealed ignores the
// ones it has). What is rejected or dropped before the queue is added to both sides at once, so that losing the last second
// of it in a crash cannot unbalance a row.
//
// So a row of the database is off only if the reader over the queue and the store disagree about frames that both have
// finished with: that is what an imbalance means.
//
// Contract: all methods are safe for concurrent use; Received and Sealed are called in ascending order by one caller each. Add
// never blocks. Run must be running for anything added to be written. Sequences never go back: a queue made anew begins behind
// the old one (queue/local.Config.After). Times are Unix ms, minutes their start.
package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hoalu/collector/store"
	"hoalu/soc"
	"hoalu/state"
)

// Kinds of what may happen to a frame before the queue.
const (
	Rejected  = "rejected"  // refused, and the sender could know
	Dropped   = "dropped"   // lost, and the sender could not know (UDP, kernel ring, sensor spool)
	Duplicate = "duplicate" // sent again by a sensor, already there
)

// Errors a caller may branch on.
var (
	ErrBehind  = errors.New("ledger waits for the store to seal")   // Received: try again later
	ErrTooMany = error(&soc.Problem{Status: 422, Code: "rows_many", // Rows
		Detail: fmt.Sprintf("more than %d rows: ask for a shorter time or for one source", maxRows)})
	// Check: too young, or the ledger's reader is behind the store
	ErrEarly = errors.New("minute is not settled yet")
)

const (
	minute     = int64(60_000)
	hour       = 60 * minute
	settle     = 2 * minute  // after its end a minute may be checked
	keepMinute = 8 * 24      // hours
	keepHour   = 400 * 24    // hours
	maxRows    = 300_000     // of one answer, some 200 B each
	maxFlight  = 4_000_000   // entries in memory, 32 B each
	settleAt   = 10_000      // entries that are moved at once while catching up
	tryAgain   = 5           // seconds until what failed is tried again
	checkEvery = time.Minute // and at the start
)

// Count is how many frames of a queue message belong to a source and minute of receipt.
type Count struct {
	Source string
	Minute int64 // any time within it
	N      int64
}

// Live is what the store holds in memory: Rows shows it as stored already. It never decides whether a row balances.
type Live struct {
	Sealed   uint64 // last sequence that is sealed; a Live of another moment than the ledger's is not shown
	Applied  uint64 // last sequence in memory, where the store knows it
	Outcomes []store.Outcome
}

// Entry is something that happened to frames before the queue.
type Entry struct {
	Source string
	Minute int64
	Kind   string // Rejected, Dropped, Duplicate
	Reason string // too_large, buffer_full, ring …
	N      int64
}

// Config of a Ledger.
type Config struct {
	Path string // ledger.db

	// Live reads the store's memory; nil: what is not sealed shows as in flight.
	Live func() Live
	// OnImbalance is called by Run, once for each row found not to balance, and again when its difference changes. May be nil.
	OnImbalance func(soc.LedgerRow)
	// Now is the clock in Unix ms; nil: the real one.
	Now func() int64
}

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

// Ledger keeps the rows. Open it, Run it, Close it.
type Ledger struct {
	cfg   Config
	log   *slog.Logger
	write *sql.DB // one connection
	read  *sql.DB

	began int64 // minute this run began in

	telling sync.Mutex      // taken before writing
	untold  []store.Segment // sealed, told and not written down yet; guarded by telling

	writing sync.Mutex // one transaction at a time; taken before mu
	span    int64      // start of the stretch this run measures, 0 not known yet; guarded by writing

	mu       sync.Mutex
	flight   []frames // by sequence, what is not in the database yet
	followed uint64   // last sequence counted
	position uint64   // last sequence whose counts are in the database
	sealed   uint64   // last sequence of the last segment applied
	added    map[addKey]int64
	told     map[rowKey]int64 // difference already told
	failed   map[string]error // what Run could not do when it last tried, by what it does
}

// frames of a queue message that share source and minute.
type frames struct {
	seq    uint64
	source string
	minute int64
	n      int64
}

type rowKey struct {
	minute int64
	source string
}

type addKey struct {
	rowKey
	kind, reason string
}

const schema = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BIGINT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counts (
	span BIGINT NOT NULL, start BIGINT NOT NULL, source TEXT NOT NULL,
	received BIGINT NOT NULL DEFAULT 0, stored BIGINT NOT NULL DEFAULT 0, quarantined BIGINT NOT NULL DEFAULT 0,
	rejected BIGINT NOT NULL DEFAULT 0, duplicate BIGINT NOT NULL DEFAULT 0, dropped BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (span, start, source)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS unbalanced ON counts (start) WHERE received <> stored + quarantined + rejected + duplicate + dropped;
CREATE TABLE IF NOT EXISTS reasons (
	span BIGINT NOT NULL, start BIGINT NOT NULL, source TEXT NOT NULL, reason TEXT NOT NULL, n BIGINT NOT NULL,
	PRIMARY KEY (span, start, source, reason)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS measured (start BIGINT PRIMARY KEY, until BIGINT NOT NULL) WITHOUT ROWID;
`

const version = 1

// Open opens or makes ledger.db.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Ledger, error) {
	if cfg.Now == nil {
		cfg.Now = func() int64 { return time.Now().UnixMilli() }
	}
	l := &Ledger{cfg: cfg, log: log.With("component", "collector/ledger"), added: map[addKey]int64{}, told: map[rowKey]int64{},
		failed: map[string]error{}}
	l.began = cfg.Now() - cfg.Now()%minute
	var err error
	if l.write, l.read, err = state.OpenFile(cfg.Path, 2); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if err := l.init(ctx); err != nil {
		l.Close()
		return nil, fmt.Errorf("open ledger %s: %w", cfg.Path, err)
	}
	return l, nil
}

func (l *Ledger) init(ctx context.Context) error {
	if _, err := l.write.ExecContext(ctx, schema); err != nil {
		return err
	}
	meta := map[string]uint64{}
	rows, err := l.write.QueryContext(ctx, "SELECT key, value FROM meta")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k string
		var v int64
		if err := rows.Scan(&k, &v); err != nil {
			return err
		}
		meta[k] = uint64(v)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	if v := meta["version"]; v > version {
		return fmt.Errorf("version %d, this program reads %d: install the newer program again", v, version)
	}
	l.position, l.sealed = meta["position"], meta["sealed"]
	l.followed = l.position
	return l.tx(ctx, func(tx *sql.Tx) error { return setMeta(ctx, tx, "version", version) })
}

func setMeta(ctx context.Context, tx *sql.Tx, key string, value uint64) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key,
		int64(value))
	return err
}

func (l *Ledger) tx(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := l.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing to roll back after Commit
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Position is the last sequence whose counts are written: the queue reader starts behind it, and the queue may be purged up to it.
func (l *Ledger) Position() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.position
}

// SealedPosition is the last sequence of the last segment applied: at start, tell Sealed every segment behind it.
func (l *Ledger) SealedPosition() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sealed
}

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

// maxUntold bounds the segments that could not be written down: half a day of them. What is left out is told at the next start.
const maxUntold = 720

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
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, what := range slices.Sorted(maps.Keys(l.failed)) {
		errs = append(errs, fmt.Errorf("%s: %w", what, l.failed[what]))
	}
	return errors.Join(errs...)
}

// behind is how many sequences the store has sealed whose counts are not written.
func (l *Ledger) behind() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sealed - min(l.sealed, l.position)
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
			sum(&merged[n-1], r)
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

// sum adds r to total.
func sum(total *soc.LedgerRow, r soc.LedgerRow) {
	total.Received += r.Received
	total.Stored += r.Stored
	total.Quarantined += r.Quarantined
	total.Rejected += r.Rejected
	total.Duplicate += r.Duplicate
	total.Dropped += r.Dropped
	total.InFlight += r.InFlight
	for reason, n := range r.Reasons {
		addReason(total, reason, n)
	}
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
		sum(&total, r)
	}
	return total, nil
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
		sum(&s.Totals, r)
	}
	return s, nil
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

// Close closes ledger.db; Run has returned before.
func (l *Ledger) Close() error { return errors.Join(l.write.Close(), l.read.Close()) }

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
	"sync"
	"time"

	"hoalu/collector/store"
	"hoalu/internal/durable"
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

// Ledger keeps the rows. Open it, Run it, Close it.
type Ledger struct {
	cfg   Config
	log   *slog.Logger
	write *sql.DB // one connection
	read  *sql.DB
	file  durable.Held // of both

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
	if l.file, err = durable.Hold(cfg.Path); err != nil {
		return nil, errors.Join(fmt.Errorf("open ledger: %w", err), l.Close())
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

// maxUntold bounds the segments that could not be written down: half a day of them. What is left out is told at the next start.
const maxUntold = 720

// Close closes ledger.db; Run has returned before.
func (l *Ledger) Close() error { return errors.Join(l.write.Close(), l.read.Close()) }

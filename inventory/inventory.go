// Package inventory keeps the units, systems, assets and sources of the province and says which system an event belongs to.
//
// Words: a Unit (DV-) owns Systems (HT-); an Asset (TS-) is a host or network of a system; a Source (NG-) sends events. Every change
// makes a new revision; a Snapshot is the whole inventory at one revision, immutable, and Resolve is a pure function of it, so a
// reader of the queue that comes later finds the same system (decision 8): SnapshotAt makes the inventory of any past revision again.
//
// Contract: a Store is safe for concurrent use; Snapshot never blocks and never changes under its reader. Changes by people carry the
// version they saw and are refused as conflict, naming who changed it when, if there is a newer one. Numbers are given in the
// transaction and never used twice. What is retired is in use no longer: it binds, resolves and waits for nothing, and stays readable
// with its history; only what nothing refers to can be deleted. Errors for a person are *soc.Problem.
package inventory

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"hoalu/inventory/internal/db"
	"hoalu/soc"
	"hoalu/state"
)

// Config of a Store; the zero value is good.
type Config struct {
	// MaxAuto bounds the sources that are registered by themselves; the rest of a kind goes to one source. 0 is 5,000. EnsureSource
	// says which shares of it an address, a network and an hour have.
	MaxAuto int
	// Record writes the audit row in the transaction (compliance/evidence.Record; nil: none).
	Record func(ctx context.Context, tx *sql.Tx, d soc.Deed) (int64, error)
	// Refers names what other parts keep of a unit, system or source: accounts and tokens of a unit, alerts and events of a system or
	// source; at most 50. It is asked before a thing is retired or deleted, outside of any transaction. nil: nothing refers.
	Refers func(ctx context.Context, kind, id string) ([]soc.Use, error)
	// Protect replaces citizens' numbers in the name of a host or a source by what may be kept of them, and leaves what it gave as it is;
	// nil: names are kept as they are.
	Protect func(text string) (string, error)

	// Words replaces what may not be kept of a text that a person typed: the name of a unit or system, a zone, a kind, a label. nil keeps all.
	Words func(text string) (string, error)
	// Changed is called after a commit, once for each changed system and source; it must not block.
	Changed func(soc.Notice)
}

// Store is the inventory.
type Store struct {
	db  *state.DB
	c   Config
	log *slog.Logger

	turn    chan struct{} // of one place; held over a change and the swap of current
	current atomic.Pointer[Snapshot]

	claims claimed
	quota  quota

	pastMu sync.Mutex
	past   map[uint64]*Snapshot // few, made again by SnapshotAt
}

// Open reads the inventory.
func Open(ctx context.Context, d *state.DB, c Config, log *slog.Logger) (*Store, error) {
	if c.MaxAuto == 0 {
		c.MaxAuto = 5000
	}
	s := &Store{turn: make(chan struct{}, 1), db: d, c: c, log: log.With("component", "inventory"), past: map[uint64]*Snapshot{}}
	if err := s.Refresh(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Snapshot is the inventory now.
func (s *Store) Snapshot() *Snapshot { return s.current.Load() }

// Revision of the current Snapshot.
func (s *Store) Revision() uint64 { return s.Snapshot().Revision }

// Refresh reads what other processes changed: other nodes on one PostgreSQL, a command (hoalu demo load) beside the server.
func (s *Store) Refresh(ctx context.Context) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	return s.refresh(ctx)
}

// take waits for the turn to change what is declared, as long as ctx lasts: whoever has it may wait for a database that hangs.
func (s *Store) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for the inventory: %w", ctx.Err())
	}
}

func (s *Store) give() { <-s.turn }

const revisionCounter = "inventory.revision"

func (s *Store) refresh(ctx context.Context) error {
	return s.db.Moment(ctx, func(tx *sql.Tx) error { return s.reread(ctx, db.New(tx)) })
}

func (s *Store) reread(ctx context.Context, q *db.Queries) error {
	rev, err := q.Counter(ctx, revisionCounter)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read inventory: %w", err)
	}
	if cur := s.current.Load(); cur != nil && cur.Revision == uint64(rev) {
		return nil
	}
	sn, err := load(ctx, q, uint64(rev), s.c.Protect)
	if err != nil {
		return err
	}
	s.current.Store(sn)
	return nil
}

// Run follows the changes of other processes until ctx ends.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.Refresh(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("inventory not read again", "error.message", err)
			}
		}
	}
}

// SnapshotAt is the inventory as it was at revision; one newer than any change is the current one.
func (s *Store) SnapshotAt(ctx context.Context, revision uint64) (*Snapshot, error) {
	cur := s.Snapshot()
	if revision == cur.Revision {
		return cur, nil
	}
	s.pastMu.Lock()
	sn := s.past[revision]
	s.pastMu.Unlock()
	if sn != nil {
		return sn, nil
	}
	if revision > cur.Revision {
		if err := s.Refresh(ctx); err != nil {
			return nil, err
		}
		if cur = s.Snapshot(); revision >= cur.Revision {
			return cur, nil // nothing has changed since, or the database was restored from before
		}
	}
	rows, err := db.New(s.db.Read()).HistoryAfter(ctx, int64(revision))
	if err != nil {
		return nil, fmt.Errorf("read inventory at revision %d: %w", revision, err)
	}
	d := newDelta()
	for _, r := range rows { // newest first: the oldest "before" is written last and stands
		if uint64(r.Revision) > cur.Revision {
			continue
		}
		if err := d.restore(r.Kind, r.ID, r.Body); err != nil {
			return nil, fmt.Errorf("read inventory at revision %d: %w", revision, err)
		}
	}
	if err := d.protect(cur.names); err != nil {
		return nil, fmt.Errorf("read inventory at revision %d: %w", revision, err)
	}
	sn = cur.with(d, revision)
	s.pastMu.Lock()
	if len(s.past) >= 8 {
		clear(s.past)
	}
	s.past[revision] = sn
	s.pastMu.Unlock()
	return sn, nil
}

// RevisionAt is the revision that held at a time (Unix ms).
func (s *Store) RevisionAt(ctx context.Context, at int64) (uint64, error) {
	n, err := db.New(s.db.Read()).RevisionAt(ctx, at)
	if err != nil {
		return 0, fmt.Errorf("read inventory at a time: %w", err)
	}
	return uint64(n), nil
}

// change is one transaction of changes and what they do to the Snapshot.
type change struct {
	ctx   context.Context
	tx    *sql.Tx
	q     *db.Queries
	s     *Store
	actor soc.Actor
	now   int64
	rev   uint64
	d     *delta
	base  *Snapshot // before this transaction

	reason  string  // of the audit rows, where the person gave one
	claimed *claims // made when first asked for
}

// change runs fn in a transaction; when it commits, the next Snapshot holds what fn did.
func (s *Store) change(ctx context.Context, actor soc.Actor, fn func(*change) error) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.give()
	var c *change
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		have, err := q.Counter(ctx, revisionCounter)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read inventory revision: %w", err)
		}
		base := s.Snapshot()
		if base.Revision != uint64(have) { // another process was faster
			if base, err = load(ctx, q, uint64(have), s.c.Protect); err != nil {
				return err
			}
		}
		c = &change{ctx: ctx, tx: tx, q: q, s: s, actor: actor, now: state.Now(), d: newDelta(), base: base}
		if err := fn(c); err != nil {
			return err
		}
		if c.d.empty() {
			return nil
		}
		rev, err := state.Next(ctx, tx, revisionCounter)
		if err != nil {
			return err
		}
		c.rev = uint64(rev)
		for _, h := range c.d.history {
			if err := q.InsertHistory(ctx, db.InsertHistoryParams{Revision: rev, Kind: h.kind, ID: h.id, Body: h.body, Changed: c.now}); err != nil {
				return fmt.Errorf("keep inventory history: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if c.d.empty() {
		if c.base != s.Snapshot() {
			s.current.Store(c.base)
		}
		return nil
	}
	s.current.Store(c.base.with(c.d, c.rev))
	if s.c.Changed != nil {
		for id, v := range c.d.systems {
			n := soc.Notice{Topic: "system", ID: id, System: id}
			if v != nil {
				n.Version = v.Version
			}
			s.c.Changed(n)
		}
		for id, v := range c.d.sources {
			n := soc.Notice{Topic: "source", ID: id}
			if v != nil {
				n.Version, n.System = v.Version, v.System
			}
			s.c.Changed(n)
		}
	}
	return nil
}

// record writes the audit row of one object; before and after are nil where it was or is not there.
func (c *change) record(action, id string, before, after any) error {
	if c.s.c.Record == nil {
		return nil
	}
	b, err := digest(before)
	if err != nil {
		return err
	}
	a, err := digest(after)
	if err != nil {
		return err
	}
	_, err = c.s.c.Record(c.ctx, c.tx, soc.Deed{Time: c.now, Actor: c.actor, Action: action, Object: id, Before: b, After: a,
		Reason: c.reason})
	return err
}

func digest(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("hash inventory object: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// number gives the next number of a prefix.
func (c *change) number(prefix string, digits int) (string, error) {
	n, err := state.Next(c.ctx, c.tx, prefix)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s-%0*d", prefix, digits, n), nil
}

func (c *change) by() string {
	if c.actor.Name != "" {
		return c.actor.Name
	}
	return c.actor.ID
}

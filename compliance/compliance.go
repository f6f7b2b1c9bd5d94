// Package compliance works out, from live telemetry, how each system meets the level-3 requirements, the four organisational layers of
// protection and the four technical layers, and keeps that as a history of intervals (decision 24).
//
// Words: a control is one requirement (yêu cầu) of the catalogue, or one layer; a policy is its Rego file under policies/<framework>/,
// found by the METADATA that names framework and control; a Finding is the state of one control on one system since when, with reasons and
// evidence; an interval is a Finding's life in the history.
//
// Contract: silence turns green to unknown. A policy concludes met or not met with evidence, each piece with the instant it was true and
// how long that may be believed; the host makes the conclusion unknown when any of it is older, whatever the policy says, and keeps what
// was last known. A control without a policy is unknown (no_check), never anything else. Round computes every system; between rounds
// nothing changes. Methods are safe for concurrent use.
//
// History: an interval ends when its state, its reasons, its score or its revision changes. The revision is a hash of the policy, of what
// the policy imports and of the control's entry in the catalogue, so a finding can be judged by the text it was made under. Time in which
// nothing was computed (the appliance off, rounds failing, the clock set ahead) is unknown, not what stood before or after it. Intervals of
// a control never overlap and never go back: a clock that was set back makes the next one begin just after the last.
//
// To add a control's check: policies/<framework>/<control>.rego with METADATA and a _test.rego with its four states; nothing else.
package compliance

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"hoalu/compliance/facts"
	"hoalu/compliance/internal/db"
	"hoalu/internal/guarded"
	"hoalu/soc"
	"hoalu/state"
)

//go:embed policies
var policies embed.FS

// Provider gathers the facts of every system; it is the appliance.
type Provider func(ctx context.Context) ([]facts.Facts, error)

// Hooks are what the surrounding appliance lends.
type Hooks struct {
	Record func(ctx context.Context, tx *sql.Tx, d soc.Deed) error // posture changes go into the audit and evidence log
	Notify func(soc.Notice)
}

// Service computes and keeps posture.
type Service struct {
	checks *Checks
	state  *state.DB
	facts  Provider
	hooks  Hooks
	log    *slog.Logger
	every  time.Duration

	round sync.Mutex // held by a round, and by what must not fall into one

	mu        sync.RWMutex
	now       map[string]map[string]Result // system → control
	confirmed map[string]int64             // system → when its findings were last computed and kept
	written   map[string]int64             // system → when all its evidence was last refreshed in the history
	computed  int64
	failure   error
}

// New returns the service; every is how often it computes (30 s is what ten minutes to unknown needs with room).
func New(checks *Checks, st *state.DB, p Provider, hooks Hooks, every time.Duration, log *slog.Logger) *Service {
	return &Service{checks: checks, state: st, facts: p, hooks: hooks, every: every, log: log.With("component", "posture"),
		now:       map[string]map[string]Result{},
		confirmed: map[string]int64{}, written: map[string]int64{}}
}

// Checks returns the policies in force.
func (s *Service) Checks() *Checks { return s.checks }

// Load reads the intervals that held when the appliance stopped. They are shown with their old age until the first round.
func (s *Service) Load(ctx context.Context) error {
	rows, err := db.New(s.state.Read()).Current(ctx)
	if err != nil {
		return fmt.Errorf("read posture: %w", err)
	}
	rounds, err := db.New(s.state.Read()).Rounds(ctx)
	if err != nil {
		return fmt.Errorf("read posture: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, row := range rows {
		r, err := fromRow(row)
		if err != nil {
			return err
		}
		if s.now[r.System] == nil {
			s.now[r.System] = map[string]Result{}
		}
		s.now[r.System][r.Control] = r
		s.computed = max(s.computed, r.Computed)
		s.confirmed[r.System] = max(s.confirmed[r.System], r.Computed)
	}
	for id := range s.confirmed {
		for _, at := range rounds { // one, or none before the first
			s.confirmed[id] = at
			s.computed = at
		}
	}
	return nil
}

// Run computes until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		err := s.Round(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.mu.Lock()
		s.failure = err
		s.mu.Unlock()
		if err != nil {
			s.log.Error("posture round", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// refreshEvery bounds how old the evidence kept in the history may be while a state does not change.
const refreshEvery = 10 * 60_000

// Round computes every system once and writes what changed, with one audit entry a system.
func (s *Service) Round(ctx context.Context) error {
	s.round.Lock()
	defer s.round.Unlock()
	var all []facts.Facts
	err := guarded.Do(s.log, "gathering of facts", func() (err error) { all, err = s.facts(ctx); return err })
	if err != nil {
		return fmt.Errorf("gather facts: %w", err)
	}
	seen := map[string]bool{}
	var failed []error
	for _, f := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		seen[f.System.ID] = true
		results, err := s.checks.Evaluate(ctx, f)
		failed = append(failed, err)
		if results == nil {
			continue // what was known grows old by itself
		}
		failed = append(failed, guarded.Do(s.log, "keeping of the posture of "+f.System.ID, func() error { return s.keep(ctx, f, results) }))
	}
	failed = append(failed, s.end(ctx, seen))
	s.mu.Lock()
	s.computed = time.Now().UnixMilli()
	s.mu.Unlock()
	if err := errors.Join(failed...); err != nil {
		return err // what was not kept is not confirmed
	}
	if len(all) == 0 {
		return nil
	}
	if err := s.state.Tx(ctx, func(tx *sql.Tx) error { return db.New(tx).SetRound(ctx, all[0].Now) }); err != nil {
		return fmt.Errorf("write posture: %w", err)
	}
	return nil
}

// end closes the intervals of the systems that are judged no more (retired or deleted): what they met is history, not what they meet. One
// whose end cannot be written is tried again in the next round.
func (s *Service) end(ctx context.Context, judged map[string]bool) error {
	s.mu.RLock()
	var ids []string
	for id := range s.now {
		if !judged[id] {
			ids = append(ids, id)
		}
	}
	s.mu.RUnlock()
	slices.Sort(ids)
	var failed []error
	for _, id := range ids {
		if err := s.keep(ctx, facts.Facts{Now: time.Now().UnixMilli(), System: facts.System{ID: id}}, nil); err != nil {
			failed = append(failed, err)
			continue
		}
		s.mu.Lock()
		delete(s.now, id)
		delete(s.confirmed, id)
		s.mu.Unlock()
	}
	return errors.Join(failed...)
}

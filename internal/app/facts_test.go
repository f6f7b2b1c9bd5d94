package app

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"hoalu/collector/store"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

// moody is a store whose searches and figures fail while down.
type moody struct {
	store.Store
	down bool
	asks int
	at   int64
}

var errDown = errors.New("store is down")

func (m *moody) Search(context.Context, query.Search) (query.Result, error) {
	m.asks++
	if m.down {
		return query.Result{}, errDown
	}
	e := &ecs.Event{}
	e.Created = m.at
	return query.Result{Events: []*ecs.Event{e}}, nil
}

func (m *moody) Usage(ctx context.Context) ([]store.Usage, error) {
	if m.down {
		return nil, errDown
	}
	return m.Store.Usage(ctx)
}

// TestWhatCouldNotBeToldIsNoZero: a search that fails is an error each time, never "never seen", and is not remembered.
func TestWhatCouldNotBeToldIsNoZero(t *testing.T) {
	ctx := context.Background()
	s := &moody{down: true, at: 42}
	a := &App{store: s}
	for range 2 {
		if at, err := a.lastOf(ctx, "web01"); !errors.Is(err, errDown) || at != 0 {
			t.Errorf("lastOf() with the store down = %d, %v; want its error", at, err)
		}
		if at, err := a.oldest.get("HT-001", func() (int64, error) { return a.oldestEvent(ctx, "HT-001") }); !errors.Is(err, errDown) || at != 0 {
			t.Errorf("oldest event with the store down = %d, %v; want its error", at, err)
		}
	}
	s.down = false
	if at, err := a.lastOf(ctx, "web01"); err != nil || at != 42 {
		t.Errorf("lastOf() with the store back = %d, %v; want 42", at, err)
	}
	if at, err := a.oldest.get("HT-001", func() (int64, error) { return a.oldestEvent(ctx, "HT-001") }); err != nil || at != 42 {
		t.Errorf("oldest event with the store back = %d, %v; want 42", at, err)
	}
}

// TestFactsSayWhatTheyDoNotKnow: with the store down facts are gathered all the same and carry the cause; an account without a second
// factor is counted as identity has it.
func TestFactsSayWhatTheyDoNotKnow(t *testing.T) {
	ctx := context.Background()
	r := newRig(t)
	if err := r.state.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`INSERT INTO account (id, login, name, password, totp, totp_step, roles, unit, state, preferences, created, last_use, version)
			VALUES ('x1', 'x', 'X', '', $1, 0, '["auditor"]', '', 'active', '{}', 1, 0, 1)`, []byte{})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	all, err := r.facts(ctx)
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	if f := all[0]; f.Access.Accounts != 1 || f.Access.WithoutSecond != 1 || len(f.Failed) != 0 {
		t.Errorf("access %+v, failed %v; want one account, without a second factor, and nothing failed", f.Access, f.Failed)
	}
	if f := all[0].Store; f.DiskDays != -1 || f.DiskUnknown != soc.DiskMeasuring {
		t.Errorf("a disk measured since now: full in %d days, unknown %q; want -1 and %q", f.DiskDays, f.DiskUnknown, soc.DiskMeasuring)
	}
	a := &App{opts: r.opts, cfg: r.App.cfg, log: r.log, started: r.started, state: r.state, inventory: r.inventory, national: r.national, accounts: r.accounts, evidence: r.evidence,
		triage: r.triage, engine: r.engine, health: r.health, systems: r.systems, disk: r.disk, store: &moody{Store: r.store, down: true}} // of its own: nobody else sees the store fail
	if all, err = a.facts(ctx); err != nil || len(all) == 0 {
		t.Fatalf("facts with the store down: %v, %v; want them with the cause", all, err)
	}
	for _, f := range all {
		if !strings.Contains(f.Failed["store"], errDown.Error()) {
			t.Errorf("failed %v, want the store with its cause", f.Failed)
		}
	}
}

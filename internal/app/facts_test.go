package app

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"hoalu/collector/store"
	"hoalu/compliance"
	"hoalu/ecs/query"
	"hoalu/soc"
)

// downStore is a store whose figures and searches fail.
type downStore struct{ store.Store }

var errDown = errors.New("store is down")

func (downStore) Search(context.Context, query.Search) (query.Result, error) {
	return query.Result{}, errDown
}

func (downStore) Usage(context.Context) ([]store.Usage, []string, error) { return nil, nil, errDown }

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
	all, err := r.gatherer.Facts(ctx)
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	if f := all[0]; f.Access.Accounts != 1 || f.Access.WithoutSecond != 1 || len(f.Failed) != 0 {
		t.Errorf("access %+v, failed %v; want one account, without a second factor, and nothing failed", f.Access, f.Failed)
	}
	if f := all[0].Store; f.DiskDays != -1 || f.DiskUnknown != soc.DiskMeasuring {
		t.Errorf("a disk measured since now: full in %d days, unknown %q; want -1 and %q", f.DiskDays, f.DiskUnknown, soc.DiskMeasuring)
	}
	c := r.gathering()
	c.Oldest = store.NewOldest(downStore{r.store}).Round // of its own: nobody else sees the store fail
	if all, err = compliance.NewGatherer(c, r.log).Facts(ctx); err != nil || len(all) == 0 {
		t.Fatalf("facts with the store down: %v, %v; want them with the cause", all, err)
	}
	for _, f := range all {
		if !strings.Contains(f.Failed["store"], errDown.Error()) {
			t.Errorf("failed %v, want the store with its cause", f.Failed)
		}
	}
}

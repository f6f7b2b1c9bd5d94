package app

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hoalu/compliance/evidence"
	"hoalu/internal/control"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/triage"
)

// deedsOf are the audit rows with an action.
func (r *rig) deedsOf(action string) []soc.Deed {
	r.Helper()
	p, err := evidence.List(context.Background(), r.state.Read(), evidence.Query{Action: action})
	if err != nil {
		r.Fatal(err)
	}
	return p.Items
}

// TestOlderCopyOfTheDataIsRefused: an older copy of the whole data folder, and one whose evidence log was removed, do not start; `hoalu
// restored` lets them, with its reason on record and a new epoch of the queue.
func TestOlderCopyOfTheDataIsRefused(t *testing.T) {
	r := newRig(t)
	r.eventually("a head is kept apart", func() bool { return len(r.deedsOf("evidence.kept_apart")) == 1 })
	epoch := r.queue.State().Epoch()
	r.end()
	data, old := filepath.Join(r.dir, "d"), filepath.Join(r.dir, "old")
	copyTree(t, data, old)
	r.start()
	if err := r.state.Tx(context.Background(), func(tx *sql.Tx) error {
		return record(context.Background(), tx, soc.Deed{Actor: machine, Action: "alert.view", Object: "CB-1"})
	}); err != nil {
		t.Fatal(err)
	}
	r.end()
	for name, attack := range map[string]func(){
		"an older copy":        func() { copyTree(t, old, data) },
		"the evidence removed": func() { os.RemoveAll(filepath.Join(data, "evidence")) },
	} {
		attack()
		var rewound *evidence.RewoundError
		a, err := New(context.Background(), r.options())
		if !errors.As(err, &rewound) || !strings.Contains(err.Error(), "hoalu restored") {
			if a != nil {
				a.down.Run()
			}
			t.Fatalf("%s: New() = %v, want it refused with the way on", name, err)
		}
		if _, err := Restore(context.Background(), r.options(), "diễn tập khôi phục"); err != nil {
			t.Fatalf("%s: Restore() = %v", name, err)
		}
		r.start()
		if d := r.deedsOf("evidence.restored"); len(d) == 0 || d[0].Reason != "diễn tập khôi phục" {
			t.Errorf("%s: the restore is not on record: %+v", name, d)
		}
		if now := r.queue.State().Epoch(); now == epoch {
			t.Errorf("%s: the queue goes on in epoch %s", name, now)
		} else {
			epoch = now
		}
		r.end()
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(from, control.Name))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(to, 0o700); err != nil {
		t.Fatal(err)
	}
}

// TestChangedBehindTheLogIsNotReady: rows of alerts, their history and the audit log that were changed while nothing ran are named by
// /readyz soon after the start.
func TestChangedBehindTheLogIsNotReady(t *testing.T) {
	for name, c := range map[string]struct{ attack, want string }{
		"alert":   {"UPDATE alert SET close_reason = 'duplicate', holder_name = 'Ai đó'", " or its history is not as its newest deed left it"},
		"history": {"UPDATE alert_note SET text = 'không có gì' WHERE action = 'closed'", " or its history is not as its newest deed left it"},
		"audit":   {"UPDATE audit SET actor_name = 'Ai đó' WHERE action = 'alert.create'", "is not what the evidence log holds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			r := newRig(t)
			r.feed(0, 300)
			r.eventually("an alert", func() bool { return len(r.alerts()) > 0 })
			p, err := r.triage.List(ctx, soc.Scope{All: true}, triage.Query{Limit: 1})
			if err != nil || len(p.Items) != 1 {
				t.Fatal(p, err)
			}
			if _, err := r.triage.Close(ctx, machine, soc.Scope{All: true}, []triage.Ref{{ID: p.Items[0].ID}}, "false_alarm",
				"máy quét của trung tâm"); err != nil {
				t.Fatal(err)
			}
			r.end()
			r.start() // an honest start finds nothing, alerts included
			r.eventually("compared", func() bool { return r.evidence.Compared().Finished > 0 })
			if c := r.evidence.Compared(); len(c.Findings) != 0 || c.Alerts == 0 || c.Unbound != 0 {
				t.Fatalf("without an attack: %+v, want alerts compared and nothing found", c)
			}
			r.end()
			db, err := state.Open(ctx, state.Config{Path: filepath.Join(r.dir, "d", "state.db")})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Tx(ctx, func(tx *sql.Tx) error { _, err := tx.Exec(c.attack); return err }); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			r.start()
			r.eventually("it is named", func() bool {
				for _, p := range (machinePart{r.App}).Parts(ctx) {
					if p.Name == "evidence_compared" && !p.Ready && strings.Contains(p.Reason, c.want) {
						return true
					}
				}
				return false
			})
		})
	}
}

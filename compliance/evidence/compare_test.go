package evidence

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hoalu/soc"
	"hoalu/state"
)

// drawer is an Apart in memory; nowhere makes it fail as a place that cannot be written does.
type drawer struct {
	held    map[string][]byte
	nowhere bool
}

func (d *drawer) Keep(_ context.Context, name string, content []byte) error {
	if d.nowhere {
		return errors.New("no place outside the data folder can be written")
	}
	if d.held == nil {
		d.held = map[string][]byte{}
	}
	d.held[name] = bytes.Clone(content)
	return nil
}

func (d *drawer) Kept(_ context.Context, name string) ([]byte, string, error) {
	b, ok := d.held[name]
	if !ok {
		return nil, "the drawer", fs.ErrNotExist
	}
	return b, "the drawer", nil
}

// shelf is Objects in memory: number → hash.
type shelf map[string]string

func (s shelf) States(_ context.Context, numbers []string) (map[string]string, error) {
	out := map[string]string{}
	for _, n := range numbers {
		if h, ok := s[n]; ok {
			out[n] = h
		}
	}
	return out, nil
}

func (s shelf) Numbers(_ context.Context, after string, limit int) ([]string, error) {
	var out []string
	for n := range s {
		if n > after {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out[:min(limit, len(out))], nil
}

func write(t *testing.T, db *state.DB, deeds ...soc.Deed) {
	t.Helper()
	for _, d := range deeds {
		if d.Actor.ID == "" {
			d.Actor = soc.Actor{ID: "a1", Name: "Trực ban 1", Roles: []soc.Role{soc.Analyst}}
		}
		if err := db.Tx(t.Context(), func(tx *sql.Tx) error { _, err := Record(t.Context(), tx, d); return err }); err != nil {
			t.Fatal(err)
		}
	}
}

// filled is a log of n deeds and the deeds about the alerts of the shelf, closed again.
func filled(t *testing.T, n int) (context.Context, *state.DB, *ecdsa.PrivateKey, LogConfig) {
	ctx, db, key, cfg := logRig(t)
	cfg.Apart, cfg.Objects = &drawer{}, shelf{"CB-1": "2:aa", "CB-2": "2:cc"}
	recordN(t, ctx, db, n)
	write(t, db, soc.Deed{Action: "alert.create", Object: "CB-1", After: "2:aa"},
		soc.Deed{Action: "alert.create", Object: "CB-2", After: "2:bb"},
		soc.Deed{Action: "alert.close", Object: "CB-2", Before: "2:bb", After: "2:cc"},
		// removed with the sample data
		soc.Deed{Action: "alert.create", Object: "CB-3", After: "2:dd", Details: map[string]string{"demo": "true"}})
	l := opened(t, ctx, cfg, db, key)
	if err := l.Append(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return ctx, db, key, cfg
}

func opened(t *testing.T, ctx context.Context, cfg LogConfig, db *state.DB, key *ecdsa.PrivateKey) *Log {
	t.Helper()
	l, err := OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.close() })
	return l
}

func change(t *testing.T, db *state.DB, query string, args ...any) {
	t.Helper()
	if err := db.Tx(t.Context(), func(tx *sql.Tx) error {
		r, err := tx.ExecContext(t.Context(), query, args...)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			t.Fatalf("%s: changed %d rows, %v", query, n, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsChangedBehindTheLogIsFound: each change that the owner of the data folder can make without a key is found by the
// comparison, named, and not ready.
func TestWhatIsChangedBehindTheLogIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		attack func(t *testing.T, db *state.DB, cfg *LogConfig)
		want   string // of the only finding; "" none
	}{
		"nothing": {func(*testing.T, *state.DB, *LogConfig) {}, ""},
		"a row's reason": {func(t *testing.T, db *state.DB, _ *LogConfig) {
			change(t, db, "UPDATE audit SET reason = 'x' WHERE number = 7")
		}, "audit row 7 is not what"},
		"a row of the second bundle": {func(t *testing.T, db *state.DB, _ *LogConfig) {
			change(t, db, "UPDATE audit SET actor_name = 'x' WHERE number = 290")
		}, "audit row 290 is not what"},
		"a row's object": {func(t *testing.T, db *state.DB, _ *LogConfig) {
			change(t, db, "UPDATE audit SET object = 'HT-9' WHERE number = 8")
		}, "audit row 8 is not what"},
		"what a row is searched by": {func(t *testing.T, db *state.DB, _ *LogConfig) {
			change(t, db, "UPDATE audit SET search = '' WHERE number = 9")
		}, "audit row 9 is not what"},
		"a row's details to no JSON": {func(t *testing.T, db *state.DB, _ *LogConfig) {
			change(t, db, "UPDATE audit SET details = '{' WHERE number = 9")
		}, "audit row 9 is not what"},
		"a row removed": {func(t *testing.T, db *state.DB, _ *LogConfig) { change(t, db, "DELETE FROM audit WHERE number = 10") },
			"audit row 10 is missing"},
		"an alert": {func(_ *testing.T, _ *state.DB, cfg *LogConfig) { cfg.Objects.(shelf)["CB-2"] = "2:xx" },
			"alert CB-2 or its history is not as"},
		"an alert put back to before its last deed": {func(_ *testing.T, _ *state.DB, cfg *LogConfig) { cfg.Objects.(shelf)["CB-2"] = "2:bb" },
			"alert CB-2 or its history is not as"},
		"an alert removed": {func(_ *testing.T, _ *state.DB, cfg *LogConfig) { delete(cfg.Objects.(shelf), "CB-1") }, "alert CB-1 is missing"},
		"an alert added": {func(_ *testing.T, _ *state.DB, cfg *LogConfig) { cfg.Objects.(shelf)["CB-7"] = "2:ee" },
			"alert CB-7 is in the database, but no audit row"},
		"an entry of the log": {func(t *testing.T, db *state.DB, cfg *LogConfig) {
			file := filepath.Join(cfg.Dir, "tile", "entries", "000")
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, bytes.Replace(b, []byte("CB-17"), []byte("CB-71"), 1), 0o600); err != nil {
				t.Fatal(err)
			}
			change(t, db, "UPDATE audit SET object = 'CB-71' WHERE number = 18")
			change(t, db, "UPDATE audit SET search = replace(search, 'cb-17', 'cb-71') WHERE number = 18")
		}, "the entries of the evidence log are not those under its signed head"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, db, key, cfg := filled(t, 300)
			c.attack(t, db, &cfg)
			l := opened(t, ctx, cfg, db, key)
			if got := l.Compared(); got.Finished != 0 || len(got.Findings) != 0 {
				t.Errorf("Compared() before the comparison = %+v, want not yet compared", got)
			}
			if l.WasCompared() {
				t.Error("WasCompared() before the comparison")
			}
			if err := l.comparePass(ctx); err != nil {
				t.Fatal(err)
			}
			got := l.Compared()
			if !l.WasCompared() || got.Rows != 304 {
				t.Errorf("Compared() = %+v, want 304 rows compared", got)
			}
			err := l.Altered()
			if c.want == "" {
				if len(got.Findings) != 0 || err != nil || got.Alerts != 3 {
					t.Errorf("Compared() = %+v, Ready() = %v; want 3 alerts and nothing found", got, err)
				}
				return
			}
			if len(got.Findings) != 1 || !strings.Contains(got.Findings[0].EN, c.want) {
				t.Errorf("Compared().Findings = %q, want one with %q", got.Findings, c.want)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Ready() = %v, want %q", err, c.want)
			}
		})
	}
}

// TestComparisonGoesOnAfterAnError: an error stops a pass with its cause, never with "the same"; the next try goes on where it stopped.
func TestComparisonGoesOnAfterAnError(t *testing.T) {
	ctx, db, key, cfg := filled(t, 600)
	l := opened(t, ctx, cfg, db, key)
	hidden := filepath.Join(cfg.Dir, "tile", "entries", "001")
	if err := os.Rename(hidden, hidden+".away"); err != nil {
		t.Fatal(err)
	}
	if err := l.comparePass(ctx); err == nil {
		t.Fatal("comparePass() without a bundle = nil, want its error")
	}
	if c := l.Compared(); c.Finished != 0 || c.Failed == "" {
		t.Errorf("Compared() = %+v, want not finished with the cause", c)
	}
	at := l.compared.now.next
	if err := os.Rename(hidden+".away", hidden); err != nil {
		t.Fatal(err)
	}
	if err := l.comparePass(ctx); err != nil {
		t.Fatal(err)
	}
	if c := l.Compared(); at != 256 || c.Rows != 604 || len(c.Findings) != 0 || c.Failed != "" {
		t.Errorf("stopped at %d; Compared() = %+v; want 256, then 604 rows and nothing found", at, c)
	}
}

// copyDir copies a folder's files.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestALastRowIsInTheLogAfterAStop: what is recorded just before a clean stop is signed and kept apart by it.
func TestALastRowIsInTheLogAfterAStop(t *testing.T) {
	ctx, db, key, cfg := filled(t, 3)
	l := opened(t, ctx, cfg, db, key)
	if err := l.Append(ctx); err != nil {
		t.Fatal(err)
	}
	recordN(t, ctx, db, 5) // in the moment of the stop: nobody looks again
	rows, err := Last(ctx, db.Read())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if l = opened(t, ctx, cfg, db, key); l.kept.Size != uint64(rows) {
		t.Errorf("the head kept apart covers %d entries after a stop, %d are recorded", l.kept.Size, rows)
	}
	if h, err := l.Head(ctx); err != nil || h.Size != uint64(rows) {
		t.Errorf("the signed head covers %d entries, %v; want %d", h.Size, err, rows)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestOlderOrOtherLogIsRefused: a log that does not continue the head kept apart is refused by name, with the way on; Restored is that
// way and is on record.
func TestOlderOrOtherLogIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		attack func(t *testing.T, ctx context.Context, db *state.DB, key *ecdsa.PrivateKey, cfg *LogConfig, old string)
		want   string
	}{
		"an older copy of the log": {func(t *testing.T, _ context.Context, _ *state.DB, _ *ecdsa.PrivateKey, cfg *LogConfig, old string) {
			copyDir(t, old, cfg.Dir)
		},
			"holds 305 entries, and 405 were signed"},
		"the log removed": {func(t *testing.T, _ context.Context, _ *state.DB, _ *ecdsa.PrivateKey, cfg *LogConfig, _ string) {
			if err := os.RemoveAll(cfg.Dir); err != nil {
				t.Fatal(err)
			}
		}, "holds 0 entries, and 405 were signed"},
		"a log made anew from changed rows": {func(t *testing.T, ctx context.Context, db *state.DB, key *ecdsa.PrivateKey, cfg *LogConfig,
			_ string) {
			if err := os.RemoveAll(cfg.Dir); err != nil {
				t.Fatal(err)
			}
			change(t, db, "UPDATE audit SET reason = 'x' WHERE number = 7")
			forged := *cfg
			forged.Apart = nil
			l := opened(t, ctx, forged, db, key)
			if err := l.Append(ctx); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}, "is another one: it does not continue the log of 405 entries"},
		"the record apart is gone": {func(_ *testing.T, _ context.Context, _ *state.DB, _ *ecdsa.PrivateKey, cfg *LogConfig, _ string) {
			cfg.Apart = &drawer{}
		},
			"that record is not there any more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, db, key, cfg := filled(t, 300)
			old := filepath.Join(t.TempDir(), "old")
			l := opened(t, ctx, cfg, db, key) // takes in the row that tells that heads are kept apart
			if err := l.Append(ctx); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			copyDir(t, cfg.Dir, old)
			recordN(t, ctx, db, 100)
			if l = opened(t, ctx, cfg, db, key); l.Append(ctx) != nil || l.Close() != nil {
				t.Fatal("the log does not grow")
			}
			c.attack(t, ctx, db, key, &cfg, old)
			_, err := OpenLog(ctx, cfg, db, key, slog.New(slog.DiscardHandler))
			var rewound *RewoundError
			if !errors.As(err, &rewound) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "hoalu restored --data") {
				t.Fatalf("OpenLog() = %v, want a *RewoundError with %q and the way on", err, c.want)
			}
			before, head, err := Restored(ctx, cfg, db, key, slog.New(slog.DiscardHandler), soc.Actor{ID: "machine", Name: "máy"},
				"khôi phục bản sao lưu ngày 29/11")
			if err != nil || before == nil || head.Size != 406 && head.Size != 407 {
				t.Fatalf("Restored() = %v, %+v, %v", before, head, err)
			}
			p, err := List(ctx, db.Read(), Query{Action: "evidence.restored"})
			if err != nil || p.Total != 1 || p.Items[0].Reason != "khôi phục bản sao lưu ngày 29/11" {
				t.Fatalf("the restore is not on record: %+v, %v", p, err)
			}
			if l = opened(t, ctx, cfg, db, key); l.Append(ctx) != nil || l.Close() != nil {
				t.Error("the log does not go on after Restored")
			}
		})
	}
}

// TestHeadThatCannotBeKeptIsSaid: without a place outside the data folder the log goes on, and Kept says what to do.
func TestHeadThatCannotBeKeptIsSaid(t *testing.T) {
	ctx, db, key, cfg := logRig(t)
	d := &drawer{nowhere: true}
	cfg.Apart = d
	recordN(t, ctx, db, 3)
	l := opened(t, ctx, cfg, db, key)
	if err := l.Append(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.settle(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.keepHead(ctx, false); err == nil || !strings.Contains(l.Kept().Error(), "evidence.apart") {
		t.Errorf("keepHead() = %v, Kept() = %v; want what to set", err, l.Kept())
	}
	d.nowhere = false
	if err := l.keepHead(ctx, true); err != nil || l.Kept() != nil {
		t.Errorf("keepHead() = %v, Kept() = %v once there is a place", err, l.Kept())
	}
}

// oddShelf panics on what a person or a machine made of the alerts, so long as it is odd.
type oddShelf struct {
	shelf
	odd bool
}

func (s *oddShelf) Numbers(ctx context.Context, after string, limit int) ([]string, error) {
	if s.odd {
		panic("odd row")
	}
	return s.shelf.Numbers(ctx, after, limit)
}

// TestAPanicOfTheComparisonIsTold: a fault of ours on the rows compared ended the process, again after every start. It is told, what was
// found stays found, and the pass that begins anew accuses nobody of what half a step left.
func TestAPanicOfTheComparisonIsTold(t *testing.T) {
	ctx, db, key, cfg := filled(t, 300)
	odd := &oddShelf{shelf: shelf{"CB-1": "2:aa", "CB-2": "2:xx"}, odd: true}
	cfg.Objects = odd
	l := opened(t, ctx, cfg, db, key)
	if err := l.comparePass(ctx); err == nil || !strings.Contains(err.Error(), "a fault of ours in the comparison") {
		t.Fatalf("comparePass: %v", err)
	}
	c := l.Compared()
	if !strings.Contains(c.Failed, "odd row") || len(c.Findings) != 1 {
		t.Errorf("after the panic: failed %q, findings %v; want the panic and the alert that was changed", c.Failed, c.Findings)
	}
	odd.odd = false
	if err := l.comparePass(ctx); err != nil {
		t.Fatal(err)
	}
	if c := l.Compared(); c.Failed != "" || len(c.Findings) != 1 || c.Rows != 304 {
		t.Errorf("the pass anew: %+v", c)
	}
}

// TestAPanicOfAppendingIsTold: the same for the rows that go into the log.
func TestAPanicOfAppendingIsTold(t *testing.T) {
	ctx, db, key, cfg := logRig(t)
	l := opened(t, ctx, cfg, db, key)
	recordN(t, ctx, db, 3)
	whole := l.reader
	l.reader = nil // panics when it is asked
	if err := l.Append(ctx); err == nil || !strings.Contains(err.Error(), "a fault of ours in the appending of audit rows") {
		t.Fatalf("Append: %v", err)
	}
	l.reader = whole
	if err := l.Append(ctx); err != nil {
		t.Error(err)
	}
}

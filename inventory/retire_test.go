package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"hoalu/inventory"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
)

func usesOf(err error) string {
	var p *soc.Problem
	if !errors.As(err, &p) {
		return fmt.Sprint(err)
	}
	said := p.Code
	for _, u := range p.Uses {
		said += " " + strings.TrimSpace(u.Kind+" "+u.ID)
	}
	return said
}

// TestRetire: what is in use stands in the way by name; what is retired decides nothing any more, and comes back only where it fits.
func TestRetire(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := context.Background()
		past := map[string][]soc.Use{"HT-002": {{Kind: "alert", Past: true}}, "NG-0002": {{Kind: "event", Past: true}},
			"DV-02": {{Kind: "account", ID: "ng-1", Name: "Chủ quản"}}}
		fails := false
		b := open(t, db, inventory.Config{Refers: func(_ context.Context, kind, id string) ([]soc.Use, error) {
			if fails {
				return nil, errors.New("the store does not answer")
			}
			return past[id], nil
		}})
		b.small()
		do := func(kind, id string, version int64, retired bool) error {
			return b.Retire(ctx, admin, soc.Retirement{Kind: kind, ID: id, Version: version, Retired: retired, Reason: "thay thế"})
		}
		for _, tc := range []struct {
			what string
			err  error
			want string
		}{
			{"unit of a system", do(soc.KindUnit, "DV-01", 1, true), "in_use system HT-001"},
			{"unit of a system and an account", do(soc.KindUnit, "DV-02", 1, true), "in_use system HT-002 account ng-1"},
			{"system with assets and sources", do(soc.KindSystem, "HT-002", 1, true), "in_use asset TS-0003 asset TS-0004 source NG-0002"},
			{"an old version", do(soc.KindAsset, "TS-0003", 7, true), "conflict"},
			{"nothing", do(soc.KindAsset, "TS-9999", 1, true), "not_found"},
			{"a sensor's source", do(soc.KindSource, "NG-0001", 1, true), "sensor_source"},
			{"asset", do(soc.KindAsset, "TS-0003", 1, true), "<nil>"},
			{"asset", do(soc.KindAsset, "TS-0004", 1, true), "<nil>"},
			{"source", do(soc.KindSource, "NG-0002", 1, true), "<nil>"},
			{"system without anything in use, with alerts kept", do(soc.KindSystem, "HT-002", 1, true), "<nil>"},
			{"asset of a retired system", do(soc.KindAsset, "TS-0004", 2, false), "invalid"},
			{"delete what retired things refer to", b.Delete(ctx, admin, soc.KindSystem, "HT-002", 2),
				"in_use asset TS-0003 asset TS-0004 source NG-0002"},
			{"delete a source with events", b.Delete(ctx, admin, soc.KindSource, "NG-0002", 2), "has_history event"},
			{"delete an asset", b.Delete(ctx, admin, soc.KindAsset, "TS-0003", 2), "<nil>"},
		} {
			if got := usesOf(tc.err); got != tc.want {
				t.Errorf("%s: %s, want %s", tc.what, got, tc.want)
			}
		}
		if !strings.Contains(strings.Join(b.deeds, "\n"), "system.retire HT-002") {
			t.Errorf("the audit log has %v", b.deeds)
		}
		again := open(t, reopen(), inventory.Config{})
		if v, _ := again.Snapshot().System("HT-002"); v.Retired == 0 || v.Version != 2 {
			t.Errorf("after a restart: %+v", v)
		}
		if r := again.Snapshot().Resolve("", "", "192.0.2.77", "may-01", nil); r.System != soc.Unassigned || r.Conflict != "" {
			t.Errorf("an event of a retired host and source: %+v", r)
		}
		if _, ok := again.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceSyslog, Peer: "192.0.2.77"}); ok {
			t.Error("a retired source takes a sender")
		}
		if _, err := again.UpdateSystem(ctx, admin, soc.System{ID: "HT-002", Name: "x", Unit: "DV-02", Version: 2}); code(err) != "retired" {
			t.Errorf("change of what is retired: %v", err)
		}
		if _, err := again.CreateAsset(ctx, admin, soc.Asset{System: "HT-002", Host: "x"}); code(err) != "invalid" {
			t.Errorf("an asset for a retired system: %v", err)
		}
		// Its host name is free for another; then it cannot come back.
		other := must(again.CreateAsset(ctx, admin, soc.Asset{System: "HT-001", Host: "may-01"}))
		if err := again.Retire(ctx, admin, soc.Retirement{Kind: soc.KindSystem, ID: "HT-002", Version: 2}); err != nil {
			t.Errorf("back into use: %v", err)
		}
		if err := again.Retire(ctx, admin, soc.Retirement{Kind: soc.KindAsset, ID: "TS-0004", Version: 2}); code(err) != "exists" {
			t.Errorf("a host name that %s has meanwhile: %v", other.ID, err)
		}
		fails = true
		if err := do(soc.KindSource, "NG-0003", 1, true); err == nil || code(err) == "in_use" {
			t.Errorf("while nobody can say what refers to it: %v, want the trouble itself", err)
		}
	})
}

// TestForget: what forged names left behind can be deleted by the thousand; what a person declared cannot.
func TestForget(t *testing.T) {
	ctx := context.Background()
	b := open(t, statetest.Open(t), inventory.Config{Refers: func(context.Context, string, string) ([]soc.Use, error) {
		return []soc.Use{{Kind: "event", Past: true}}, nil
	}})
	b.small()
	var list []string
	for i := range 20 {
		list = append(list,
			must(b.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSyslog, Peer: fmt.Sprintf("203.0.113.%d", i), Host: "gia-mao"})).ID)
	}
	if err := b.Delete(ctx, admin, soc.KindSource, list[0], 1); err != nil {
		t.Errorf("one of them, though its events are kept: %v", err)
	}
	deleted, refused, err := b.Forget(ctx, admin, append(list, "NG-0003", "NG-0001", list[3]))
	if err != nil || len(deleted) != 19 || len(refused) != 3 || refused[0].Problem.Code != "not_found" ||
		refused[1].Problem.Code != "source_declared" {
		t.Errorf("Forget = %v, %+v, %v", deleted, refused, err)
	}
	if n := len(b.Sources()); n != 4 {
		t.Errorf("%d sources are left, want the four declared", n)
	}
	if _, _, err := b.Forget(ctx, admin, make([]string, inventory.MaxForget+1)); err == nil {
		t.Error("more than the bound at once")
	}
}

// TestImportAssets: a pasted sheet is taken whole or not at all, whatever stands between its columns.
func TestImportAssets(t *testing.T) {
	ctx := context.Background()
	for name, text := range map[string]string{
		"tabs of a sheet":  "Tên máy\tĐịa chỉ\tHệ thống\tVùng\tLoại\nWEB-09\t10.9.0.9\tHT-001\tdmz\tserver\nweb-01.yte.example\t10.1.0.5\tHT-001\n",
		"semicolons":       "ip;host;system\r\n10.9.0.9;web-09;ht-001\r\n10.1.0.5;web-01.yte.example;HT-001\r\n",
		"commas, no names": "web-09,10.9.0.9,,dmz\n\n\"web-01.yte.example\",10.1.0.5\n",
	} {
		b := open(t, statetest.Open(t), inventory.Config{})
		b.small()
		rev := b.Revision()
		r, err := b.ImportAssets(ctx, admin, soc.AssetImport{Text: text, System: "HT-001", Check: true})
		if err != nil || len(r.Added) != 1 || r.Unchanged != 1 || len(r.Wrong) != 0 || b.Revision() != rev {
			t.Errorf("%s, only checked: %+v, %v, revision %d", name, r, err, b.Revision())
		}
		r, err = b.ImportAssets(ctx, admin, soc.AssetImport{Text: text, System: "HT-001"})
		if a, ok := b.Snapshot().Host("web-09"); err != nil || len(r.Added) != 1 || !ok || a.System != "HT-001" || a.Address != "10.9.0.9" {
			t.Errorf("%s: %+v, %v; web-09 is %+v", name, r, err, a)
		}
	}
	b := open(t, statetest.Open(t), inventory.Config{})
	b.small()
	r, err := b.ImportAssets(ctx, admin,
		soc.AssetImport{Text: "ok-1,10.9.0.1,HT-001\nweb-01.yte.example,,HT-002\n,10.0.0.300,HT-001\nok-1,,HT-002\nx,,HT-404\n"})
	var lines []int
	for _, w := range r.Wrong {
		lines = append(lines, w.Line)
	}
	if _, ok := b.Snapshot().Host("ok-1"); err != nil || fmt.Sprint(lines) != "[2 3 4 5]" || ok || len(r.Added) != 0 {
		t.Errorf("a list with wrong rows: %+v, lines %v, %v; want those four and nothing stored", r, lines, err)
	}
	for name, text := range map[string]string{"import_empty": "\n \n",
		"import_too_large": strings.Repeat("a,10.0.0.1\n", inventory.MaxImportRows+1)} {
		if _, err := b.ImportAssets(ctx, admin, soc.AssetImport{Text: text, System: "HT-001"}); code(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r, err := b.ImportAssets(ctx, admin, soc.AssetImport{Text: "a,\"b\nc"}); err != nil || len(r.Wrong) != 1 ||
		r.Wrong[0].Problem.Code != "import_quotes" {
		t.Errorf("an open quote: %+v, %v", r, err)
	}
}

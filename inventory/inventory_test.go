package inventory_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hoalu/inventory"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
)

var admin = soc.Actor{ID: "a1", Name: "Quản trị 1", Roles: []soc.Role{soc.Administrator}}
var other = soc.Actor{ID: "a2", Name: "Quản trị 2", Roles: []soc.Role{soc.Administrator}}

type book struct {
	*inventory.Store
	t     *testing.T
	deeds []string
	seen  []soc.Notice
}

func open(t *testing.T, db *state.DB, c inventory.Config) *book {
	t.Helper()
	b := &book{t: t}
	c.Record = func(_ context.Context, _ *sql.Tx, d soc.Deed) (int64, error) {
		b.deeds = append(b.deeds, d.Action+" "+d.Object)
		return 0, nil
	}
	c.Changed = func(n soc.Notice) { b.seen = append(b.seen, n) }
	var err error
	if b.Store, err = inventory.Open(context.Background(), db, c, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func code(err error) string {
	var p *soc.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return fmt.Sprint(err)
}

// small is two units with a system each and some assets and sources.
func (b *book) small() (a, c soc.System) {
	ctx := context.Background()
	u := must(b.CreateUnit(ctx, admin, soc.Unit{Name: "Sở Y tế", Kind: "department"}))
	v := must(b.CreateUnit(ctx, admin, soc.Unit{Name: "Xã Gia Viễn", Kind: "commune"}))
	a = must(b.CreateSystem(ctx, admin, soc.System{Name: "Hồ sơ sức khỏe", Unit: u.ID, Level: 3, Placement: soc.PlacementInternet}))
	c = must(b.CreateSystem(ctx, admin, soc.System{Name: "Một cửa", Unit: v.ID, Level: 2}))
	for _, x := range []soc.Asset{
		{System: a.ID, Host: "Web-01.yte.example", Address: "10.1.0.5", Zone: "dmz"},
		{System: a.ID, Address: "10.1.0.0/16", Zone: "internal"},
		{System: c.ID, Address: "10.1.7.0/24", Zone: "branch"},
		{System: c.ID, Host: "may-01", Address: "2001:db8::/64"},
	} {
		must(b.CreateAsset(ctx, admin, x))
	}
	for _, x := range []soc.Source{
		{Name: "cảm biến", Kind: soc.SourceSensor, Sensor: "s1", System: a.ID},
		{Name: "tường lửa", Kind: soc.SourceSyslog, System: c.ID, Address: "192.0.2.0/24"},
		{Name: "tường lửa 9", Kind: soc.SourceSyslog, System: a.ID, Address: "192.0.2.9"},
		{Name: "web", Kind: soc.SourceBulk, Host: "web-01", System: a.ID},
	} {
		must(b.CreateSource(ctx, admin, x))
	}
	return a, c
}

func TestResolve(t *testing.T) {
	b := open(t, statetest.Open(t), inventory.Config{})
	a, c := b.small()
	// even where somebody wrote it down
	must(b.CreateAsset(context.Background(), admin, soc.Asset{System: a.ID, Address: "127.0.0.0/8"}))
	// NG-0005, of no system: its hosts decide
	must(b.CreateSource(context.Background(), admin, soc.Source{Name: "máy chuyển tiếp", Kind: soc.SourceSyslog, Address: "198.51.100.7"}))
	sn := b.Snapshot()
	ip := func(s ...string) (out []netip.Addr) {
		for _, x := range s {
			out = append(out, netip.MustParseAddr(x))
		}
		return out
	}
	for _, tc := range []struct {
		name                       string
		sensor, source, peer, host string
		ips                        []netip.Addr
		want                       inventory.Resolution
	}{
		{name: "nothing known", want: inventory.Resolution{System: soc.Unassigned, By: "none"}},
		{name: "sensor before all", sensor: "s1", host: "may-01", peer: "10.1.7.8",
			want: inventory.Resolution{System: a.ID, Unit: a.Unit, Level: 3, Exposure: "internet", Source: "NG-0001", By: "sensor", Conflict: c.ID,
				ConflictBy: "host"}},
		{name: "source before host", source: "NG-0002", host: "WEB-01.yte.example",
			want: inventory.Resolution{System: c.ID, Unit: c.Unit, Level: 2, Exposure: "data_centre", Source: "NG-0002", By: "source",
				Conflict: a.ID, ConflictBy: "host"}},
		{name: "source found by the exact peer", peer: "192.0.2.9",
			want: inventory.Resolution{System: a.ID, Unit: a.Unit, Level: 3, Exposure: "internet", Source: "NG-0003", By: "source"}},
		{name: "source found by its network", peer: "::ffff:192.0.2.77",
			want: inventory.Resolution{System: c.ID, Unit: c.Unit, Level: 2, Exposure: "data_centre", Source: "NG-0002", By: "source"}},
		{name: "host by its short name", host: "Web-01.", peer: "203.0.113.1",
			want: inventory.Resolution{System: a.ID, Unit: a.Unit, Level: 3, Exposure: "internet", Zone: "dmz", Asset: "TS-0001", Source: "NG-0004",
				By: "source"}},
		{name: "host by its full name, of a relay", host: "may-01.xa.example", source: "NG-0005",
			want: inventory.Resolution{System: c.ID, Unit: c.Unit, Level: 2, Exposure: "data_centre", Asset: "TS-0004", Source: "NG-0005",
				By: "host"}},
		{name: "a stranger naming a host", host: "may-01.xa.example", peer: "203.0.113.66",
			want: inventory.Resolution{System: soc.Unassigned, By: "none", Conflict: c.ID, ConflictBy: "host"}},
		{name: "a stranger naming a host of another system than his network's", host: "may-01", peer: "10.1.200.1",
			want: inventory.Resolution{System: a.ID, Unit: a.Unit, Level: 3, Exposure: "internet", Zone: "internal", Asset: "TS-0002", By: "network",
				Conflict: c.ID, ConflictBy: "host"}},
		{name: "a host that says its name from its own system's network", host: "web-01.yte.example", peer: "10.1.200.1", source: "NG-9999",
			want: inventory.Resolution{System: a.ID, Unit: a.Unit, Level: 3, Exposure: "internet", Zone: "dmz", Asset: "TS-0001", Source: "NG-9999",
				By: "host"}},
		{name: "a stranger that lists a host's addresses as its own", ips: ip("10.1.7.3"), peer: "203.0.113.66",
			want: inventory.Resolution{System: soc.Unassigned, By: "none"}},
		{name: "longest network of the host's addresses before the peer", source: "NG-0005",
			ips: ip("127.0.0.1", "fe80::1", "10.1.9.9", "10.1.7.3"), peer: "10.1.0.5",
			want: inventory.Resolution{System: c.ID, Unit: c.Unit, Level: 2, Exposure: "data_centre", Zone: "branch", Asset: "TS-0003",
				Source: "NG-0005", By: "network"}},
		{name: "peer's network", peer: "10.1.200.1",
			want: inventory.Resolution{System: a.ID, Unit: a.Unit, Level: 3, Exposure: "internet", Zone: "internal", Asset: "TS-0002",
				By: "network"}},
		{name: "one address before its network", peer: "10.1.0.5",
			want: inventory.Resolution{System: a.ID, Unit: a.Unit, Level: 3, Exposure: "internet", Zone: "dmz", Asset: "TS-0001", By: "network"}},
		{name: "IPv6", peer: "2001:db8::9%eth0",
			want: inventory.Resolution{System: c.ID, Unit: c.Unit, Level: 2, Exposure: "data_centre", Asset: "TS-0004", By: "network"}},
		{name: "a host's loopback says nothing", ips: ip("127.0.0.1", "::1"), peer: "198.51.100.1",
			want: inventory.Resolution{System: soc.Unassigned, By: "none"}},
		{name: "rubbish as peer", peer: "not an address", want: inventory.Resolution{System: soc.Unassigned, By: "none"}},
		{name: "unknown sensor", sensor: "s9", want: inventory.Resolution{System: soc.Unassigned, By: "none"}},
	} {
		if diff := cmp.Diff(tc.want, sn.Resolve(tc.sensor, tc.source, tc.peer, tc.host, tc.ips)); diff != "" {
			t.Errorf("%s: Resolve(%q, %q, %q, %q, %v) (-want +got):\n%s", tc.name, tc.sensor, tc.source, tc.peer, tc.host, tc.ips, diff)
		}
	}
	addrs := ip("10.1.7.3")
	if n := testing.AllocsPerRun(100, func() { sn.Resolve("", "NG-0002", "192.0.2.7", "web-01.yte.example", addrs) }); n > 0 {
		t.Errorf("Resolve allocates %v times", n)
	}
}

func TestAShortNameOfTwoSystemsDecidesNothing(t *testing.T) {
	b := open(t, statetest.Open(t), inventory.Config{})
	_, c := b.small()
	must(b.CreateAsset(context.Background(), admin, soc.Asset{System: c.ID, Host: "web-01.xa.example"}))
	must(b.CreateSource(context.Background(), admin, soc.Source{Name: "máy chuyển tiếp", Kind: soc.SourceSyslog, Address: "198.51.100.7"}))
	r := b.Snapshot().Resolve("", "", "", "web-01", nil)
	if r.Asset != "" || r.By != inventory.BySource { // a source is bound to that very name
		t.Errorf("Resolve(web-01) = %+v", r)
	}
	if r := b.Snapshot().Resolve("", "NG-0005", "", "web-01.xa.example", nil); r.System != c.ID {
		t.Errorf("Resolve of the full name = %+v, want %s", r, c.ID)
	}
}

func TestEditing(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := context.Background()
		b := open(t, db, inventory.Config{})
		a, _ := b.small()
		if a.ID != "HT-001" || a.Version != 1 || a.Operator != a.Unit || a.Dossier != soc.DossierDrafting || a.Plan != soc.PlanNone {
			t.Errorf("created system %+v", a)
		}
		a.Name = "Hồ sơ sức khỏe điện tử"
		changed := must(b.UpdateSystem(ctx, other, a))
		if changed.Version != 2 {
			t.Errorf("version %d after a change", changed.Version)
		}
		a.Name = "tên khác"
		_, err := b.UpdateSystem(ctx, admin, a)
		var p *soc.Problem
		if !errors.As(err, &p) || p.Code != "conflict" || p.Status != 409 || p.Values["by"] != other.Name || p.Values["version"] != "2" ||
			len(p.Values["at"]) != 13 {
			t.Errorf("update of an old version = %+v, want conflict naming who and when", err)
		}
		for name, err := range map[string]error{
			"conflict":  b.Delete(ctx, admin, soc.KindSystem, "HT-001", 1),
			"in_use":    b.Delete(ctx, admin, soc.KindSystem, "HT-001", 2),
			"not_found": b.Delete(ctx, admin, soc.KindSystem, "HT-099", 0),
		} {
			if code(err) != name {
				t.Errorf("DeleteSystem = %v, want %s", err, name)
			}
		}
		if err := b.Delete(ctx, admin, soc.KindUnit, "DV-01", 0); code(err) != "in_use" {
			t.Errorf("DeleteUnit = %v", err)
		}
		if _, err := b.CreateAsset(ctx, admin, soc.Asset{System: "HT-002", Host: "WEB-01.yte.example"}); code(err) != "exists" {
			t.Errorf("a host name twice = %v", err)
		}
		if _, err := b.CreateAsset(ctx, admin, soc.Asset{System: "HT-002", Address: "10.1.99.1/16"}); code(err) != "exists" {
			t.Errorf("a network twice = %v", err)
		}
		if _, err := b.CreateSource(ctx, admin, soc.Source{Name: "x", Kind: soc.SourceSensor, Sensor: "s1"}); code(err) != "exists" {
			t.Errorf("a sensor twice = %v", err)
		}
		for name, f := range map[string]func() error{
			"unit kind": func() error { _, err := b.CreateUnit(ctx, admin, soc.Unit{Name: " ", Kind: "x"}); return err },
			"system":    func() error { _, err := b.CreateSystem(ctx, admin, soc.System{Unit: "DV-77", Level: 6}); return err },
			"asset":     func() error { _, err := b.CreateAsset(ctx, admin, soc.Asset{System: "HT-001"}); return err },
			"asset address": func() error {
				_, err := b.CreateAsset(ctx, admin, soc.Asset{System: "HT-001", Address: "10.0.0.300"})
				return err
			},
			"asset host": func() error {
				_, err := b.CreateAsset(ctx, admin, soc.Asset{System: "HT-001", Host: "a b"})
				return err
			},
			"source kind": func() error { _, err := b.CreateSource(ctx, admin, soc.Source{Name: "x", Kind: "fax"}); return err },
			"source zone": func() error {
				_, err := b.CreateSource(ctx, admin, soc.Source{Name: "x", Kind: "syslog", Zone: "Mars"})
				return err
			},
			"source layer": func() error {
				_, err := b.CreateSource(ctx, admin, soc.Source{Name: "x", Kind: "syslog", Layers: []string{"x"}})
				return err
			},
			"source system": func() error {
				_, err := b.CreateSource(ctx, admin, soc.Source{Name: "x", Kind: "syslog", System: "HT-404"})
				return err
			},
			"source, sensor": func() error { _, err := b.CreateSource(ctx, admin, soc.Source{Name: "x", Kind: "sensor"}); return err },
		} {
			if err := f(); code(err) != "invalid" {
				t.Errorf("wrong %s = %v, want invalid", name, err)
			}
		}
		src, _ := b.Snapshot().Source("NG-0002")
		src.Layers, src.ExpectEvery = []string{soc.LayerNetwork}, 60_000
		must(b.UpdateSource(ctx, admin, src))
		for _, x := range b.Snapshot().Assets() {
			if x.System == "HT-002" {
				if err := b.Delete(ctx, admin, soc.KindAsset, x.ID, x.Version); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := b.Delete(ctx, admin, soc.KindSource, "NG-0002", 2); err != nil {
			t.Fatal(err)
		}
		if err := b.Delete(ctx, admin, soc.KindSystem, "HT-002", 1); err != nil {
			t.Fatal(err)
		}
		if again := must(b.CreateSystem(ctx, admin, soc.System{Name: "mới", Unit: "DV-02"})); again.ID != "HT-003" {
			t.Errorf("the number after a deleted one is %s, want HT-003", again.ID)
		}
		back := open(t, reopen(), inventory.Config{})
		if diff := cmp.Diff(everything(b.Snapshot()), everything(back.Snapshot())); diff != "" || back.Revision() != b.Revision() {
			t.Errorf("after a restart, revision %d and %d (-before +after):\n%s", b.Revision(), back.Revision(), diff)
		}
		if !slices.Contains(b.deeds, "system.update HT-001") || !slices.Contains(b.deeds, "source.delete NG-0002") {
			t.Errorf("audit: %v", b.deeds)
		}
		if !slices.Contains(b.seen, soc.Notice{Topic: "system", ID: "HT-001", Version: 2, System: "HT-001"}) {
			t.Errorf("notices: %v", b.seen)
		}
		if got := b.Snapshot().SystemsOf("DV-02"); !slices.Equal(got, []string{"HT-003"}) {
			t.Errorf("SystemsOf = %v", got)
		}
	})
}

func everything(sn *inventory.Snapshot) any {
	return []any{sn.Units(), sn.Systems(), sn.Assets(), sn.Sources()}
}

func TestEveryRevisionCanBeMadeAgain(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := context.Background()
		b := open(t, db, inventory.Config{})
		was := map[uint64]any{b.Revision(): everything(b.Snapshot())}
		keep := func() { was[b.Revision()] = everything(b.Snapshot()) }
		b.small()
		keep()
		must(b.DemoLoad(ctx, admin))
		keep()
		s, _ := b.Snapshot().System("HT-001")
		s.Level = 4
		s = must(b.UpdateSystem(ctx, admin, s))
		keep()
		must(b.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSyslog, Peer: "198.18.0.1", Host: "x"}))
		keep()
		s.Level = 3
		must(b.UpdateSystem(ctx, admin, s))
		keep()
		must(b.DemoRemove(ctx, admin))
		keep()
		for _, b := range []*book{b, open(t, reopen(), inventory.Config{})} {
			for rev, want := range was {
				sn, err := b.SnapshotAt(ctx, rev)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, everything(sn)); diff != "" || sn.Revision != rev {
					t.Errorf("revision %d made again is %d (-want +got):\n%s", rev, sn.Revision, diff)
				}
			}
			if rev, err := b.RevisionAt(ctx, state.Now()+1); err != nil || rev != b.Revision() {
				t.Errorf("RevisionAt(now) = %d, %v; want %d", rev, err, b.Revision())
			}
			if rev, err := b.RevisionAt(ctx, 1); err != nil || rev != 0 {
				t.Errorf("RevisionAt(1970) = %d, %v", rev, err)
			}
		}
	})
}

func TestEnsureSource(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := context.Background()
		b := open(t, db, inventory.Config{MaxAuto: 6})
		b.small()
		seen := inventory.Seen{Kind: soc.SourceSyslog, Peer: "203.0.113.5", Host: "FW-01"}
		first := must(b.EnsureSource(ctx, seen))
		if first.ID != "NG-0005" || !first.Auto || first.System != "" || first.Host != "fw-01" || first.Address != "203.0.113.5" ||
			first.Name != "fw-01 · 203.0.113.5" {
			t.Errorf("first seen: %+v", first)
		}
		rev := b.Revision()
		for _, k := range []inventory.Seen{seen, {Kind: soc.SourceSyslog, Peer: "203.0.113.5", Host: "fw-01."},
			{Kind: soc.SourceSyslog, Peer: "::ffff:203.0.113.5", Host: "fw-01"}} {
			if v := must(b.EnsureSource(ctx, k)); v.ID != first.ID {
				t.Errorf("EnsureSource(%+v) = %s, want %s", k, v.ID, first.ID)
			}
		}
		if b.Revision() != rev {
			t.Error("a known sender made a new revision")
		}
		for want, k := range map[string]inventory.Seen{
			"NG-0003": {Kind: soc.SourceSyslog, Peer: "192.0.2.9", Host: "anything"}, // a confirmed binding takes what it covers
			"NG-0002": {Kind: soc.SourceSyslog, Peer: "192.0.2.10"},
			"NG-0004": {Kind: soc.SourceBulk, Peer: "203.0.113.200", Host: "web-01", Dataset: "nginx.access"},
			"NG-0001": {Kind: soc.SourceSensor, Sensor: "s1", Peer: "203.0.113.1"},
		} {
			if v := must(b.EnsureSource(ctx, k)); v.ID != want {
				t.Errorf("EnsureSource(%+v) = %s, want %s", k, v.ID, want)
			}
		}
		distinct := map[string]bool{first.ID: true}
		for _, k := range []inventory.Seen{
			{Kind: soc.SourceSyslog, Peer: "203.0.113.5", Host: "fw-02"},                           // relayed by the same peer
			{Kind: soc.SourceBulk, Peer: "203.0.113.5", Host: "fw-01"},                             // another listener
			{Kind: soc.SourceBulk, Peer: "203.0.113.6", Host: "db", Dataset: "a"},                  // two data sets
			{Kind: soc.SourceBulk, Peer: "203.0.113.6", Host: "db", Dataset: "b"},                  //
			{Kind: soc.SourceImport, Name: "vụ 12\nreset\x1b[0m", Host: strings.Repeat("đ", 1000)}, // hostile texts
		} {
			v := must(b.EnsureSource(ctx, k))
			if distinct[v.ID] || !v.Auto {
				t.Errorf("EnsureSource(%+v) = %+v, want one of its own", k, v)
			}
			distinct[v.ID] = true
			if strings.ContainsAny(v.Name, "\n\x1b") || len(v.Host) > 253 {
				t.Errorf("name %q host of %d bytes", v.Name, len(v.Host))
			}
		}
		var overflow []string
		for i := range 20 {
			v := must(b.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSyslog, Peer: fmt.Sprintf("198.18.0.%d", i), Host: fmt.Sprintf("h%d", i)}))
			overflow = append(overflow, v.ID)
		}
		if overflow[0] != overflow[19] || len(b.Snapshot().Sources()) != 4+6+1 {
			t.Errorf("past the bound: %v, %d sources in all; want one for all", overflow, len(b.Snapshot().Sources()))
		}
		ended, end := context.WithCancel(ctx)
		end() // SQL would refuse it: one more forged sender costs none
		if v, err := b.EnsureSource(ended, inventory.Seen{Kind: soc.SourceSyslog, Host: "forged"}); err != nil || v.ID != overflow[0] {
			t.Errorf("past the bound: %s, %v; want %s without asking the database", v.ID, err, overflow[0])
		}
		if _, err := b.EnsureSource(ctx, inventory.Seen{Kind: "fax", Peer: "198.18.0.1"}); err == nil {
			t.Error("a kind that is none was registered")
		}
		again := open(t, reopen(), inventory.Config{MaxAuto: 6})
		if v := must(again.EnsureSource(ctx, seen)); v.ID != first.ID {
			t.Errorf("after a restart %s, want %s", v.ID, first.ID)
		}
	})
}

// TestAFloodOfNamesKeepsToItsShare: one address that invents host names neither fills the register nor takes the place of others.
func TestAFloodOfNamesKeepsToItsShare(t *testing.T) {
	ctx := context.Background()
	b := open(t, statetest.Open(t), inventory.Config{MaxAuto: 800})
	real := inventory.Seen{Kind: soc.SourceSyslog, Peer: "198.51.100.9", Host: "fw-that-was"}
	was := must(b.EnsureSource(ctx, real))
	for i := range 500 {
		must(b.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSyslog, Peer: "203.0.113.66", Host: fmt.Sprintf("forged-%d", i)}))
	}
	if n := len(b.Sources()); n != 1+10+1 {
		t.Errorf("%d sources after 500 forged names of one address, want 10 of it and one for the rest", n)
	}
	for i := range 500 { // from all over one network
		must(b.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSyslog, Peer: fmt.Sprintf("203.0.113.%d", i%250),
			Host: fmt.Sprintf("forged-%d", i)}))
	}
	if n := len(b.Sources()); n > 1+80+250 {
		t.Errorf("%d sources after a network of forged names", n)
	}
	for i := range 2000 { // from everywhere
		must(b.EnsureSource(ctx, inventory.Seen{Kind: soc.SourceSyslog, Peer: fmt.Sprintf("10.%d.%d.1", i/250, i%250),
			Host: fmt.Sprintf("forged-%d", i)}))
	}
	if n := len(b.Sources()); n > 500 {
		t.Errorf("%d sources after forged names from everywhere, want no more than the hour gives", n)
	}
	if v := must(b.EnsureSource(ctx, real)); v.ID != was.ID {
		t.Errorf("who was there first is now %s, was %s", v.ID, was.ID)
	}
}

func TestEnsureSourceByManyAtOnce(t *testing.T) {
	b := open(t, statetest.Open(t), inventory.Config{})
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]map[string]bool{}
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				host := fmt.Sprintf("h%d", i)
				v, err := b.EnsureSource(context.Background(), inventory.Seen{Kind: soc.SourceSyslog, Peer: "203.0.113.5", Host: host})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if got[host] == nil {
					got[host] = map[string]bool{}
				}
				got[host][v.ID] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for host, ids := range got {
		if len(ids) != 1 {
			t.Errorf("%s got %v", host, ids)
		}
	}
	if n := len(b.Snapshot().Sources()); n != 20 {
		t.Errorf("%d sources, want 20", n)
	}
}

func TestChangesOfAnotherProcess(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx, stop := context.WithCancel(context.Background())
		server, command := open(t, db, inventory.Config{}), open(t, reopen(), inventory.Config{})
		done := make(chan error)
		go func() { done <- server.Run(ctx) }()
		must(command.DemoLoad(ctx, admin))
		// A change of the server's own builds on what the command did, although its Snapshot has not seen it yet.
		must(server.CreateUnit(ctx, admin, soc.Unit{Name: "Xã Gia Viễn", Kind: "commune"}))
		if n := len(server.Snapshot().Systems()); n != 46 {
			t.Errorf("the server sees %d systems, want 46", n)
		}
		if err := command.Refresh(ctx); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(everything(server.Snapshot()), everything(command.Snapshot())); diff != "" {
			t.Errorf("they differ (-server +command):\n%s", diff)
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestEnsureSelf(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, reopen func() *state.DB) {
		ctx := context.Background()
		b := open(t, db, inventory.Config{})
		addrs := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("10.9.0.2"), netip.MustParseAddr("fe80::1"),
			netip.MustParseAddr("2001:db8::2")}
		system, source, err := b.EnsureSelf(ctx, "SOC-01", addrs)
		if err != nil {
			t.Fatal(err)
		}
		if system.ID != "HT-001" || source.ID != "NG-0001" || source.System != system.ID || b.Snapshot().Self() != system.ID {
			t.Errorf("EnsureSelf = %+v, %+v", system, source)
		}
		for name, r := range map[string]inventory.Resolution{
			"own host":      b.Snapshot().Resolve("", "", "127.0.0.1", "soc-01", nil),
			"own address":   b.Snapshot().Resolve("", "", "10.9.0.2", "", nil),
			"own IPv6":      b.Snapshot().Resolve("", "", "2001:db8::2", "", nil),
			"loopback":      b.Snapshot().Resolve("", "", "127.0.0.1", "", nil),
			"loopback IPv6": b.Snapshot().Resolve("", "", "::1", "localhost", nil),
			"own events":    b.Snapshot().Resolve("", source.ID, "", "", nil),
		} {
			if r.System != system.ID {
				t.Errorf("%s: %+v, want %s", name, r, system.ID)
			}
		}
		rev := b.Revision()
		again := open(t, reopen(), inventory.Config{})
		if s, v, err := again.EnsureSelf(ctx, "soc-01", addrs); err != nil || s.ID != system.ID || v.ID != source.ID || again.Revision() != rev {
			t.Errorf("at the next start: %s %s revision %d, %v; want nothing new", s.ID, v.ID, again.Revision(), err)
		}
		if _, _, err := again.EnsureSelf(ctx, "soc-02", append(addrs, netip.MustParseAddr("10.9.0.3"))); err != nil {
			t.Fatal(err)
		}
		if r := again.Snapshot().Resolve("", "", "10.9.0.3", "soc-02", nil); r.System != system.ID || r.By != inventory.ByHost {
			t.Errorf("renamed host: %+v", r)
		}
		if err := again.Delete(ctx, admin, soc.KindSource, source.ID, 0); code(err) != "own_source" {
			t.Errorf("deleting the appliance's own source = %v", err)
		}
	})
}

func TestDemoSet(t *testing.T) {
	statetest.Each(t, func(t *testing.T, db *state.DB, _ func() *state.DB) {
		ctx := context.Background()
		b := open(t, db, inventory.Config{})
		if _, _, err := b.EnsureSelf(ctx, "soc-01", nil); err != nil {
			t.Fatal(err)
		}
		before := everything(b.Snapshot())
		n := must(b.DemoLoad(ctx, admin))
		if n.Units != 13 || n.Systems != 46 {
			t.Errorf("loaded %+v, want 13 units and 46 systems", n)
		}
		if again := must(b.DemoLoad(ctx, admin)); again != (inventory.Sizes{}) {
			t.Errorf("loaded twice: %+v", again)
		}
		sn := b.Snapshot()
		placement, engines, logged, level3 := map[string]int{}, map[string]int{}, map[string]bool{}, 0
		names := map[string]bool{}
		for _, s := range sn.Systems() {
			if !s.Demo {
				continue
			}
			placement[s.Placement]++
			engines[s.Engine]++
			if names[s.Name] {
				t.Errorf("two systems are called %s", s.Name)
			}
			names[s.Name] = true
			if s.Level == 3 {
				level3++
				if s.Dossier != soc.DossierApproved {
					t.Errorf("%s is at level 3 and %s", s.Name, s.Dossier)
				}
			}
		}
		layers := map[string]bool{}
		for _, v := range sn.Sources() {
			if v.Demo {
				logged[v.System] = true
				if r := sn.Resolve("", "", v.Address, v.Host, nil); r.System != v.System || r.Source != v.ID || !r.Demo || r.Asset == "" {
					t.Errorf("%s %s resolves to %+v", v.ID, v.Host, r)
				}
				for _, l := range v.Layers {
					layers[l] = true
				}
			}
		}
		assets := map[string]int{}
		for _, a := range sn.Assets() {
			if a.Demo {
				assets[a.System]++
				if addr := netip.MustParseAddr(a.Address); !slices.ContainsFunc([]string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"},
					func(p string) bool { return netip.MustParsePrefix(p).Contains(addr) }) {
					t.Errorf("%s has %s, which may be somebody's", a.ID, a.Address)
				}
			}
		}
		want := map[string]int{soc.PlacementDataCentre: 18, soc.PlacementCloud: 10, soc.PlacementInternet: 18}
		if diff := cmp.Diff(want, placement); diff != "" || level3 != 7 || len(engines) != 5 || len(logged) != 16 || len(assets) != 46 ||
			len(layers) != 4 {
			t.Errorf("placement %v, %d at level 3, engines %v, %d with logging, %d with assets, layers %v", placement, level3, engines, len(logged),
				len(assets), layers)
		}
		real := must(b.CreateAsset(ctx, admin, soc.Asset{System: sn.Systems()[1].ID, Host: "thật"}))
		if _, err := b.DemoRemove(ctx, admin); code(err) != "in_use" {
			t.Errorf("DemoRemove with a real host in it = %v", err)
		}
		if err := b.Delete(ctx, admin, soc.KindAsset, real.ID, 1); err != nil {
			t.Fatal(err)
		}
		if gone := must(b.DemoRemove(ctx, admin)); gone != n {
			t.Errorf("removed %+v, want %+v", gone, n)
		}
		if diff := cmp.Diff(before, everything(b.Snapshot())); diff != "" {
			t.Errorf("left over (-before +after):\n%s", diff)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	ctx := context.Background()
	s, err := inventory.Open(ctx, statetest.Open(b), inventory.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.DemoLoad(ctx, admin); err != nil {
		b.Fatal(err)
	}
	sn := s.Snapshot()
	ips := []netip.Addr{netip.MustParseAddr("192.0.2.13")}
	b.ReportAllocs()
	for b.Loop() {
		if r := sn.Resolve("", "", "192.0.2.13", "mau-dvc-db-01", ips); r.System == soc.Unassigned {
			b.Fatal("not found")
		}
	}
}

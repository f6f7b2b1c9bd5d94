package compliance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"hoalu/compliance/facts"
	"hoalu/soc"
)

type register struct {
	systems []soc.System
	assets  []soc.Asset
	sources []soc.Source
}

func (r register) Systems() []soc.System { return r.systems }
func (r register) Assets() []soc.Asset   { return r.assets }
func (r register) Active() []soc.Source  { return r.sources }

// proved says that relay NG-2 has shown events of HT-1 at 40 and of HT-2 at 70.
type proved struct{}

func (proved) Of(source string) []string {
	if source == "NG-2" {
		return []string{"HT-1", "HT-2"}
	}
	return nil
}
func (proved) Layers(source, system string) []string        { return []string{"os"} }
func (proved) Kinds(source, system string) map[string]int64 { return map[string]int64{"access": 1} }
func (proved) Last(source, system string) int64 {
	return map[string]int64{"HT-1": 40, "HT-2": 70}[system]
}

var errTold = errors.New("the part is down")

// gather is a Gatherer of two systems; fail makes its part fail.
func gather(fail string) *Gatherer {
	is := func(part string) error {
		if part == fail {
			return errTold
		}
		return nil
	}
	return NewGatherer(GatherConfig{
		Inventory: func() Inventory {
			return register{
				systems: []soc.System{{ID: "HT-1", Level: 3}, {ID: "HT-2", Level: 2}, {ID: "HT-3", Retired: 1}},
				assets:  []soc.Asset{{ID: "TS-1", System: "HT-1", Host: "web01"}, {ID: "TS-2", System: "HT-1", Host: "web02", Retired: 5}},
				sources: []soc.Source{{ID: "NG-1", System: "HT-1"}, {ID: "NG-2"}, {ID: "NG-3", Kind: soc.SourceSelf, System: "HT-1"}}}
		},
		Readings: func() []soc.Reading {
			return []soc.Reading{{Source: "NG-1", LastEvent: 90}, {Source: "NG-2", LastEvent: 80}}
		},
		Proofs: proved{},
		LastOf: func(_ context.Context, host string) (int64, error) { return 60, is("host") },
		Label:  func(host string) (string, bool) { l, _, full := strings.Cut(host, "."); return l, full },
		Full:   func(string) string { return "" },
		Oldest: func(context.Context) (func(string) (int64, error), error) {
			if err := is("usage"); err != nil {
				return nil, err
			}
			return func(string) (int64, error) { return 30, is("oldest") }, nil
		},
		Disk:     func() (soc.Disk, error) { return soc.Disk{Days: 12.5}, is("disk") },
		KeepDays: func(level int) int { return 100 * level },
		Head:     func(context.Context) (int64, error) { return 20, is("head") },
		LastDeed: func(context.Context) (int64, error) { return 10, is("deed") },
		Unseen:   func(context.Context, string) (int64, error) { return 50, is("alerts") },
		Rules:    func() (int, int64) { return 7, 8 },
		National: func(context.Context) (facts.National, error) { return facts.National{Endpoint: true}, is("national") },
		People: func(context.Context) ([]Person, error) {
			return []Person{{Active: true, SecondFactor: true, Roles: []soc.Role{soc.Administrator, soc.Lead}},
				{Active: true, Roles: []soc.Role{soc.Auditor}}, {}}, is("people")
		},
		Clock: func() (bool, error) { return fail != "clock", nil },
	}, slog.New(slog.DiscardHandler))
}

// TestGather: what the parts tell stands in the facts of the system it is about.
func TestGather(t *testing.T) {
	t.Parallel()
	all, err := gather("").Facts(context.Background())
	if err != nil || len(all) != 2 {
		t.Fatalf("%d systems, %v; want the two in use", len(all), err)
	}
	one, two := all[0], all[1]
	if len(one.Failed)+len(two.Failed) != 0 {
		t.Errorf("failed %v, %v; want nothing", one.Failed, two.Failed)
	}
	if x := one.Store; x.Oldest != 30 || x.KeepDays != 300 || x.DiskDays != 12 || x.Checkpoint != 20 || !x.Ready || x.Checked == 0 ||
		two.Store.KeepDays != 200 {
		t.Errorf("store %+v", x)
	}
	if x := one.Access; x.Accounts != 2 || x.WithoutSecond != 1 || x.TwoRoles != 1 || x.LastDeed != 10 {
		t.Errorf("access %+v", x)
	}
	if x := one.Watch; x.OldestUnacknowledged != 50 || x.Rules != 7 || x.RulesChanged != 8 {
		t.Errorf("watch %+v", x)
	}
	if !one.National.Endpoint || one.National.Checked == 0 || !one.Clock.Synchronised {
		t.Errorf("national %+v, clock %+v", one.National, one.Clock)
	}
	if len(one.Assets) != 1 || one.Assets[0].LastEvent != 60 {
		t.Errorf("assets %+v; want web01 alone, seen at 60", one.Assets)
	}
	last := func(f facts.Facts) string {
		out := map[string]int64{}
		for _, s := range f.Sources {
			out[s.ID] = s.LastEvent
		}
		return fmt.Sprint(out)
	}
	if last(one) != "map[NG-1:90 NG-2:40]" || last(two) != "map[NG-2:70]" {
		t.Errorf("last events %s and %s; a relay is as alive for a system as its events about it are", last(one), last(two))
	}
}

// TestGatherSaysWhatItDoesNotKnow: whichever part cannot tell, the facts are gathered all the same; what rests on it carries the cause and
// is neither 0 nor good, and nothing else is touched.
func TestGatherSaysWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for part, evidence := range map[string][]string{"usage": {"store", "evidence_log"}, "oldest": {"store", "evidence_log"},
		"disk": {"store", "evidence_log"}, "head": {"store", "evidence_log"},
		"deed": {"accounts"}, "people": {"accounts"}, "alerts": {"watch"}, "national": {"national", "national_settings"}} {
		all, err := gather(part).Facts(context.Background())
		if err != nil || len(all) != 2 {
			t.Fatalf("%s down: %d systems, %v", part, len(all), err)
		}
		for _, f := range all {
			if got := slices.Sorted(maps.Keys(f.Failed)); !slices.Equal(got, slices.Sorted(slices.Values(evidence))) {
				t.Errorf("%s down: failed %v, want %v", part, got, evidence)
			}
			for _, cause := range f.Failed {
				if !strings.Contains(cause, errTold.Error()) {
					t.Errorf("%s down: cause %q", part, cause)
				}
			}
			if f.Store.Ready != (f.Failed["store"] == "") {
				t.Errorf("%s down: store %+v", part, f.Store)
			}
		}
	}
	all, _ := gather("host").Facts(context.Background())
	if a := all[0].Assets[0]; a.LastEvent != 0 || a.Error != errTold.Error() {
		t.Errorf("a host that could not be looked for: %+v", a)
	}
	all, _ = gather("clock").Facts(context.Background())
	if c := all[0].Clock; c.Known || c.Synchronised {
		t.Errorf("a clock of which the host says nothing: %+v", c)
	}
}

// TestHostByEitherName: a host declared by its full name is seen under the short one and the other way round, but not when the short name
// may mean another declared host or another sender.
func TestHostByEitherName(t *testing.T) {
	t.Parallel()
	heard := map[string]int64{"web01": 10, "db01.so-yte.gov.vn": 20, "app": 30, "full.so-yte.gov.vn": 40}
	g := gather("")
	g.c.LastOf = func(_ context.Context, host string) (int64, error) { return heard[host], nil }
	g.c.Full = func(label string) string {
		return map[string]string{"db01": "db01.so-yte.gov.vn", "app": ""}[label]
	}
	assets := map[string][]soc.Asset{"HT-1": {{Host: "web01.so-yte.gov.vn"}, {Host: "db01"}, {Host: "app.a.gov.vn"},
		{Host: "full.so-yte.gov.vn"}}, "HT-2": {{Host: "app.b.gov.vn"}, {Host: "none"}}}
	last := g.hosts(context.Background(), assets)
	for host, want := range map[string]int64{"web01.so-yte.gov.vn": 10, "db01": 20, "app.a.gov.vn": 0, "app.b.gov.vn": 0,
		"full.so-yte.gov.vn": 40, "none": 0} {
		if at, err := last(host); err != nil || at != want {
			t.Errorf("last event of %s = %d, %v; want %d", host, at, err, want)
		}
	}
}

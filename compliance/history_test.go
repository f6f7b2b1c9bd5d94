package compliance

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"hoalu/compliance/facts"
	"hoalu/soc"
	"hoalu/state"
)

const (
	minute = int64(60_000)
	hour   = 60 * minute
)

// history is a service over one system whose facts a test sets; start again gives it a new life on the same database.
type history struct {
	*testing.T
	s      *Service
	st     *state.DB
	checks *Checks
	f      facts.Facts
	err    error
}

func newHistory(t *testing.T, now int64) *history {
	st, checks := opened(t)
	h := &history{T: t, st: st, checks: checks, f: healthy(now)}
	h.restart()
	return h
}

func (h *history) restart() {
	h.s = New(h.checks, h.st, func(context.Context) ([]facts.Facts, error) { return []facts.Facts{h.f}, h.err }, Hooks{}, time.Hour,
		slog.New(slog.DiscardHandler))
	if err := h.s.Load(context.Background()); err != nil {
		h.Fatal(err)
	}
}

// round computes at an instant, everything as fresh then as it was before.
func (h *history) round(now int64) map[string]Result {
	h.Helper()
	f := healthy(now)
	f.Sources, f.National, f.Watch.OldestUnacknowledged = h.f.Sources, h.f.National, h.f.Watch.OldestUnacknowledged
	f.National.Checked = now
	for i := range f.Sources {
		if f.Sources[i].State == soc.SourceReceiving {
			f.Sources[i].LastEvent = now - 5000
		}
	}
	if f.National.LastAccepted > 0 {
		f.National.LastAccepted = now - minute
	}
	h.f = f
	if err := h.s.Round(context.Background()); err != nil && h.err == nil {
		h.Fatal(err)
	}
	h.s.mu.RLock()
	defer h.s.mu.RUnlock()
	return h.s.now["HT-001"]
}

func (h *history) at(at int64) map[string]Result {
	h.Helper()
	all, err := h.s.Posture(context.Background(), "HT-001", at)
	if err != nil {
		h.Fatal(err)
	}
	out := map[string]Result{}
	for _, r := range all {
		out[r.Control] = r
	}
	return out
}

// green counts what is met.
func green(m map[string]Result) (n int) {
	for _, r := range m {
		if r.State == soc.Met {
			n++
		}
	}
	return n
}

// TestThePastIsWhatWasConcludedThen: each instant gives the states, reasons and scores of the round before it, whatever came later.
func TestThePastIsWhatWasConcludedThen(t *testing.T) {
	start := int64(1795300000000)
	h := newHistory(t, start)
	seen := map[int64]map[string]Result{}
	for i, change := range []func(){
		func() {},
		func() { h.f.Sources[0].State = soc.SourceSilent; h.f.Sources[0].LastEvent = start - hour },
		func() { h.f.Sources[1].State = soc.SourceSilent; h.f.Sources[1].LastEvent = start - hour }, // another reason, the same state
		func() { h.f.National.Endpoint = false },
		func() { h.f.Sources[0].State = soc.SourceReceiving },
		func() { h.f.National.Endpoint, h.f.National.OldestWaiting = true, start-48*hour }, // not met as before, for another reason
		func() { h.f.Sources[1].State = soc.SourceReceiving },
	} {
		change()
		now := start + int64(i)*5*minute
		seen[now] = h.round(now)
	}
	h.restart()
	for now, want := range seen {
		got := h.at(now + minute)
		for id, w := range want {
			g := got[id]
			if g.State != w.State || g.Score != w.Score || g.Since != w.Since || g.LastKnown != w.LastKnown || g.Policy != w.Policy ||
				!reflect.DeepEqual(reasons(g), reasons(w)) {
				t.Errorf("%s at +%d min: %s since %d because %v, was then %s since %d because %v", id, (now-start)/minute, g.State, g.Since, g.Because,
					w.State, w.Since, w.Because)
			}
		}
	}
	link := h.at(start + 26*minute)["L3-GOV-CON-01"]
	if link.State != soc.NotMet || link.Since != start+15*minute || link.From != start+25*minute {
		t.Errorf("not met for a second reason: %s since +%d min, reasons since +%d min; want since +15, reasons since +25", link.State,
			(link.Since-start)/minute, (link.From-start)/minute)
	}
}

// TestTimeNobodyComputedIsUnknown: the appliance off for an hour, rounds that fail for an hour, the clock set ahead by an hour.
func TestTimeNobodyComputedIsUnknown(t *testing.T) {
	start := int64(1795300000000)
	for name, c := range map[string]struct {
		during func(h *history)
		silent bool // its sources do not come back
	}{
		"off":                      {during: func(h *history) { h.restart() }},
		"off, then silent":         {during: func(h *history) { h.restart() }, silent: true},
		"facts cannot be gathered": {during: func(h *history) { h.err = errors.New("x"); h.round(start + 30*minute); h.err = nil }},
		"clock set ahead":          {during: func(*history) {}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, start)
			before := h.round(start)
			if green(before) == 0 {
				t.Fatal("nothing is met to begin with")
			}
			h.round(start + minute)
			c.during(h)
			if c.silent {
				each(&h.f, func(s *facts.Source) { s.State, s.LastEvent = soc.SourceSilent, start })
			}
			after := h.round(start + hour)
			if n := green(after); c.silent == (n == green(before)) {
				t.Errorf("%d are met afterwards, %d before", n, green(before))
			}
			h.restart()
			for _, at := range []int64{start + 2*minute, start + 30*minute, start + hour - 1} {
				got := h.at(at)
				if n := green(got); n != 0 {
					t.Errorf("%d are met at +%d min, when nobody computed", n, (at-start)/minute)
				}
				x := got["L3-SRV-LOG-04"]
				if x.State != soc.Unknown || x.LastKnown != soc.Met || x.Since != start+minute || x.Because[0].Code != "computation_stale" {
					t.Errorf("at +%d min: %+v, want unknown since +1, last known met", (at-start)/minute, x)
				}
			}
			if n := green(h.at(start + minute - 1)); n != green(before) {
				t.Errorf("%d are met before, were %d", n, green(before))
			}
			if n := green(h.at(start + hour)); n != green(after) {
				t.Errorf("%d are met at the first round afterwards, were %d", n, green(after))
			}
			if x := h.at(start + hour)["L3-SRV-LOG-04"]; c.silent && (x.State != soc.Unknown || x.LastKnown != soc.Met || x.Since != start+minute) {
				t.Errorf("source silent after the gap: %+v, want unknown since +1, last known met", x)
			}
		})
	}
}

// TestShortStopIsNoGap: a restart of two minutes leaves one interval.
func TestShortStopIsNoGap(t *testing.T) {
	start := int64(1795300000000)
	h := newHistory(t, start)
	h.round(start)
	h.restart()
	h.round(start + 2*minute)
	list, err := h.s.History(context.Background(), "HT-001", "L3-SRV-LOG-04", 10)
	if err != nil || len(list) != 1 {
		t.Errorf("%d intervals, %v; want 1: %+v", len(list), err, list)
	}
}

// TestClockSetBack: the next interval begins behind the last one, none overlap, and what is concluded since is never in the future.
func TestClockSetBack(t *testing.T) {
	start := int64(1795300000000)
	h := newHistory(t, start)
	h.round(start)
	h.round(start + 2*hour) // ahead
	h.f.National.Endpoint = false
	got := h.round(start + minute) // and back
	if x := got["L3-GOV-CON-01"]; x.State != soc.NotMet || x.Since != start+minute {
		t.Errorf("after the clock was set back: %s since %d, want not met since %d", x.State, x.Since, start+minute)
	}
	for id, r := range got {
		if r.Since > start+minute {
			t.Errorf("%s: %s since the future", id, r.State)
		}
	}
	list, err := h.s.Between(context.Background(), "HT-001", 0, start+1000*hour)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if a.Control == b.Control && (a.Until == 0 || a.Until > b.From || a.Until <= a.From) {
			t.Errorf("%s: [%d, %d) and then [%d, %d)", a.Control, a.From, a.Until, b.From, b.Until)
		}
	}
}

// changedPolicies are the embedded files with one replaced by what change makes of it.
func changedPolicies(t *testing.T, suffix string, change func([]byte) []byte) fstest.MapFS {
	t.Helper()
	files, hit := fstest.MapFS{}, false
	err := fs.WalkDir(policies, "policies", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := policies.ReadFile(p)
		if strings.HasSuffix(p, suffix) {
			if text, hit = change(text), true; text == nil {
				return nil
			}
		}
		files[p] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil || !hit {
		t.Fatalf("change %s: %v, found %v", suffix, err, hit)
	}
	return files
}

// TestRevisionOpensAnInterval: a change of the policy, of what it imports or of the control's text is a revision; the state keeps its age.
func TestRevisionOpensAnInterval(t *testing.T) {
	ctx := context.Background()
	start := int64(1795300000000)
	comment := func(b []byte) []byte { return append(bytes.Clone(b), "\n# worded otherwise\n"...) }
	for name, c := range map[string]struct {
		files   func(*testing.T) fstest.MapFS
		control func([]Control)
		changed string
		stays   string
	}{
		"policy": {files: func(t *testing.T) fstest.MapFS { return changedPolicies(t, "/l3_srv_log_04.rego", comment) },
			changed: "L3-SRV-LOG-04", stays: "L3-NET-LOG-03"},
		"imported policy": {files: func(t *testing.T) fstest.MapFS { return changedPolicies(t, "/l3_gov_con_01.rego", comment) },
			changed: "LAYER-4", stays: "L3-NET-LOG-03"},
		"library": {files: func(t *testing.T) fstest.MapFS { return changedPolicies(t, "/lib.rego", comment) }, changed: "L3-NET-LOG-03"},
		"text of the control": {files: func(t *testing.T) fstest.MapFS { return changedPolicies(t, "/lib.rego", bytes.Clone) },
			control: func(list []Control) {
				for i := range list {
					if list[i].ID == "L3-SRV-LOG-04" {
						list[i].Param = "90% servers"
					}
				}
			}, changed: "L3-SRV-LOG-04", stays: "L3-NET-LOG-03"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHistory(t, start)
			was := h.round(start)
			next := &Checks{policy: map[string]policyRef{}, controls: append([]Control{}, h.checks.controls...)}
			if c.control != nil {
				c.control(next.controls)
			}
			if err := next.load(ctx, c.files(t)); err != nil {
				t.Fatal(err)
			}
			h.checks = next
			h.restart()
			h.round(start + minute)
			list, err := h.s.History(ctx, "HT-001", c.changed, 10)
			if err != nil || len(list) != 2 {
				t.Fatalf("%s has %d intervals, %v; want 2", c.changed, len(list), err)
			}
			if list[0].Policy == list[1].Policy || list[1].Policy != was[c.changed].Policy || list[0].From != start+minute ||
				list[0].Since != start || list[1].Until != start+minute {
				t.Errorf("%s: %+v, want a new revision from +1 min, the state since +0", c.changed, list)
			}
			if c.stays != "" {
				if list, err := h.s.History(ctx, "HT-001", c.stays, 10); err != nil || len(list) != 1 {
					t.Errorf("%s, which did not change, has %d intervals, %v", c.stays, len(list), err)
				}
			}
		})
	}
}

// TestPolicyThatGoes: its interval ends, its past stays.
func TestPolicyThatGoes(t *testing.T) {
	ctx := context.Background()
	start := int64(1795300000000)
	h := newHistory(t, start)
	h.round(start)
	next := &Checks{policy: map[string]policyRef{}, controls: append([]Control{}, h.checks.controls...)}
	if err := next.load(ctx, changedPolicies(t, "/l3_srv_log_04.rego", func([]byte) []byte { return nil })); err != nil {
		t.Fatal(err)
	}
	h.checks = next
	h.restart()
	h.round(start + minute)
	if x := h.at(start + 2*minute)["L3-SRV-LOG-04"]; x.State != soc.Unknown || x.Because[0].Code != "no_check" {
		t.Errorf("after its policy went: %+v, want unknown: no_check", x)
	}
	if x := h.at(start)["L3-SRV-LOG-04"]; x.State != soc.Met {
		t.Errorf("before: %s, want met", x.State)
	}
}

func TestTile(t *testing.T) {
	layer := func(s soc.PostureState, score int) Result {
		return Result{Finding: soc.Finding{State: s}, Score: score}
	}
	proven, paper, dark := layer(soc.Met, 3), layer(soc.NotMet, 1), layer(soc.Unknown, 0)
	for _, c := range []struct {
		name   string
		layers []Result
		want   soc.PostureState
	}{
		{"all proven", []Result{proven, layer(soc.Met, 2), proven, proven}, soc.Met},
		{"one on paper", []Result{proven, paper, proven, proven}, soc.NotMet},
		{"one not known", []Result{proven, dark, proven, proven}, soc.Unknown},
		{"not met wins over unknown before it", []Result{dark, paper, proven, proven}, soc.NotMet},
		{"not met wins over unknown behind it", []Result{proven, paper, proven, dark}, soc.NotMet},
	} {
		if got := Tile(c.layers); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestRetiredSystemsHaveNoPosture: what a system met ends when it is judged no more, with a deed, and stays as history.
func TestRetiredSystemsHaveNoPosture(t *testing.T) {
	ctx := context.Background()
	now := time.Now().UnixMilli()
	h := newHistory(t, now)
	if len(h.round(now)) == 0 {
		t.Fatal("nothing is judged")
	}
	var deeds []soc.Deed
	h.s.hooks.Record = func(_ context.Context, _ *sql.Tx, d soc.Deed) error { deeds = append(deeds, d); return nil }
	h.s.facts = func(context.Context) ([]facts.Facts, error) { return nil, nil }
	if err := h.s.Round(ctx); err != nil {
		t.Fatal(err)
	}
	if len(deeds) != 1 || deeds[0].Object != "HT-001" || deeds[0].Action != "posture.change" {
		t.Errorf("deeds %+v, want one that says that HT-001 is judged no more", deeds)
	}
	h.restart()
	after, err := h.s.Posture(ctx, "HT-001", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range after {
		if f.Computed != 0 && f.Until == 0 {
			t.Errorf("%s is still %s", f.Control, f.State)
		}
	}
	var open, all int
	if err := h.st.Read().QueryRowContext(ctx,
		"SELECT count(*), sum(CASE WHEN until = 0 THEN 1 ELSE 0 END) FROM posture_interval WHERE system_id = 'HT-001'").Scan(&all,
		&open); err != nil || all == 0 || open != 0 {
		t.Errorf("%d intervals, %d open, %v; want some, none open", all, open, err)
	}
	before, err := h.s.Posture(ctx, "HT-001", now+1)
	if err != nil || len(before) == 0 {
		t.Errorf("what it met while it was judged: %v, %v", before, err)
	}
}

package detections

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/soc"
)

// feedShelf answers searches: of events that are there, or with what is wrong.
type feedShelf struct {
	events  []*ecs.Event
	err     error
	partial []string
	asked   int
	from    int64
}

func (f *feedShelf) Search(_ context.Context, s query.Search) (query.Result, error) {
	f.asked++
	f.from = s.From
	m, err := query.Compile(s.Query)
	if err != nil || f.err != nil {
		return query.Result{}, errors.Join(err, f.err)
	}
	r := query.Result{Partial: f.partial}
	for _, e := range f.events {
		if m.Match(e) {
			r.Total++
		}
	}
	return r, nil
}

// TestFeeds: a rule whose log source nothing sends is none that runs, and what the store could not tell is not told.
func TestFeeds(t *testing.T) {
	logon := new(ecs.Event)
	logon.SetLogsource("linux", "sshd")
	odd := new(ecs.Event) // of a source that is trusted to name it
	odd.SetLogsource("okta", "okta")
	dns := new(ecs.Event)
	dns.SetLogsource("zeek", "dns", "dns")
	made := []ecs.Logsource{{Product: "linux", Service: "sshd"}, {Product: "zeek", Service: "*", Category: []string{"dns"}},
		{Product: "windows", Service: "sysmon", Category: []string{"process_creation"}}}
	rule := func(id, product, service, category string) soc.RuleInfo {
		l := map[string]string{}
		for k, v := range map[string]string{"product": product, "service": service, "category": category} {
			if v != "" {
				l[k] = v
			}
		}
		return soc.RuleInfo{ID: id, Logsource: l}
	}
	counting := func(id string, all bool, counts ...string) soc.RuleInfo {
		return soc.RuleInfo{ID: id, Correlation: true, Counts: counts, CountsAll: all}
	}
	rules := []soc.RuleInfo{
		rule("sshd", "linux", "sshd", ""), rule("linux", "linux", "", ""), rule("okta", "okta", "okta", ""),
		rule("zeek", "zeek", "x509", ""), rule("dns", "", "", "dns"), rule("win", "windows", "", "process_creation"),
		rule("azure", "azure", "signinlogs", ""), rule("mac", "macos", "", "process_creation"), rule("health", "hoalu", "health", ""),
		counting("any", false, "azure", "sshd"), counting("all", true, "sshd", "azure"), counting("none", false, "azure", "zeek"),
		counting("deep", true, "all", "sshd"), counting("self", false, "self"), counting("lost", false, "gone"),
	}
	want := map[string]string{"sshd": "arrives", "linux": "arrives", "okta": "arrives", "zeek": "not_seen", "dns": "not_seen",
		"win": "not_seen", "azure": "not_made", "mac": "not_made",
		"health": "arrives", "any": "arrives", "all": "not_made", "none": "not_seen", "deep": "not_made", "self": "unknown", "lost": "unknown"}
	check := func(f *Feeds, want map[string]string) map[string]soc.Feed {
		t.Helper()
		got := f.Of(t.Context(), rules)
		for id, state := range want {
			if got[id].State != state || (state == "unknown") != (got[id].Cause != "") {
				t.Errorf("%s: %+v, want %s", id, got[id], state)
			}
		}
		return got
	}
	store := &feedShelf{events: []*ecs.Event{logon, odd}}
	f := NewFeeds(store, made)
	now := time.Now()
	f.now = func() time.Time { return now }
	check(f, want)
	if days := time.Duration(now.UnixMilli()-store.from) * time.Millisecond / (24 * time.Hour); days != FeedDays {
		t.Errorf("events of %d days are looked for, want %d", days, FeedDays)
	}

	// The store is not asked again for each page; later it is.
	asked := store.asked
	store.events = nil
	check(f, want)
	if store.asked != asked {
		t.Errorf("the store was asked %d times more at once", store.asked-asked)
	}
	store.events = []*ecs.Event{logon, odd, dns}
	now = now.Add(feedEmpty + time.Second)
	check(f, map[string]string{"dns": "arrives", "win": "not_seen", "sshd": "arrives"})
	store.events = nil
	now = now.Add(feedFresh + time.Second)
	check(f, map[string]string{"sshd": "not_seen", "okta": "not_made", "any": "not_seen"})

	// What could not be told is asked for again at once, and is nothing else meanwhile.
	for _, broken := range []*feedShelf{{err: errors.New("disk away")}, {partial: []string{"disk away"}}} {
		f := NewFeeds(broken, made)
		for _, feed := range check(f, map[string]string{"sshd": "unknown", "azure": "unknown", "any": "unknown", "all": "unknown",
			"health": "arrives"}) {
			if feed.State == soc.FeedUnknown && !strings.Contains(feed.Cause, "disk away") && !strings.Contains(feed.Cause, "not known") {
				t.Errorf("the cause is %q", feed.Cause)
			}
		}
		broken.err, broken.partial, broken.events = nil, nil, []*ecs.Event{logon, odd}
		check(f, want)
	}

	// A store that does not answer keeps nobody: the rest is not known yet.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := NewFeeds(store, made).Of(ctx, rules)["azure"]; got.State != soc.FeedUnknown {
		t.Errorf("of a store that was not asked: %+v", got)
	}
}

// TestCorrelationsNameWhatTheyCount: every correlation of the product's own pack counts rules that run.
func TestCorrelationsNameWhatTheyCount(t *testing.T) {
	g, err := New(Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range g.Rules() {
		if !r.Correlation {
			continue
		}
		n++
		for _, id := range r.Counts {
			if _, ok := g.Rule(id); !ok {
				t.Errorf("%s counts %s, which is no rule", r.ID, id)
			}
		}
		if len(r.Counts) == 0 {
			t.Errorf("%s counts nothing", r.ID)
		}
	}
	if n == 0 {
		t.Error("no correlation")
	}
}

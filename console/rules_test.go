package console

import (
	"context"
	"maps"
	"testing"

	"hoalu/soc"
)

// deck is rules with what reaches them and their alerts.
type deck struct {
	titles
	feeds  map[string]soc.Feed
	alerts map[string]int64
}

func (d deck) Feeds(context.Context) map[string]soc.Feed              { return d.feeds }
func (d deck) AlertsByRule(context.Context) (map[string]int64, error) { return d.alerts, nil }

// shut is rules none of which runs.
type shut struct {
	deck
	refused []RefusedRule
}

func (s shut) Refused() []RefusedRule { return s.refused }

// Why a rule was refused was English in the Vietnamese page.
func TestRefusedRulesSayWhyInBothLanguages(t *testing.T) {
	parts, _ := somethingHappened()
	why := Text{"vi": "thiếu title", "en": "title is missing"}
	parts.Rules = shut{refused: []RefusedRule{{File: "own/a.yml:3", Reason: why}}}
	analyst := newBench(t, parts).as("", soc.Analyst)
	for _, words := range []string{"", "?q=thiếu", "?q=missing"} {
		list := ask[RulesAnswer](analyst, get, "/api/rules"+words, nil)
		if len(list.Items) != 1 || list.Items[0].State != "refused" || !maps.Equal(list.Items[0].Reason, why) {
			t.Errorf("%s: %+v", words, list.Items)
		}
	}
}

// A rule that nothing here can make fire was shown as one that runs, and the figure of its alerts stood in the list alone.
func TestRulesSayWhatReachesThem(t *testing.T) {
	parts, _ := somethingHappened()
	parts.Rules = deck{titles{{ID: "r1"}, {ID: "r2"}, {ID: "r3"}, {ID: "r4"}, {ID: "r5"}},
		map[string]soc.Feed{"r1": {State: soc.FeedArrives}, "r2": {State: soc.FeedNotSeen}, "r3": {State: soc.FeedNotMade},
			"r4": {State: soc.FeedUnknown, Cause: "disk away"}}, map[string]int64{"r1": 7}}
	b := newBench(t, parts)
	analyst := b.as("", soc.Analyst)
	list := ask[RulesAnswer](analyst, get, "/api/rules", nil)
	if list.Running != 5 || list.Fed != 1 || list.Unfed != 2 || list.Untold != 2 || len(list.Items) != 5 {
		t.Errorf("%d rules run, %d fed, %d unfed, %d could not be told, %d are listed", list.Running, list.Fed, list.Unfed, list.Untold,
			len(list.Items))
	}
	want := map[string]string{"r1": "arrives", "r2": "not_seen", "r3": "not_made", "r4": "unknown", "r5": "unknown"}
	for _, r := range list.Items {
		one := ask[RuleDetail](analyst, get, "/api/rules/"+r.ID, nil)
		if r.Feed != want[r.ID] || one.Feed != r.Feed || one.FeedCause != r.FeedCause || (r.ID == "r4") != (r.FeedCause == "disk away") {
			t.Errorf("%s: feed %q (%s) in the list, %q (%s) on its page, want %q", r.ID, r.Feed, r.FeedCause, one.Feed, one.FeedCause, want[r.ID])
		}
		if r.Alerts == nil || one.Alerts == nil || *r.Alerts != *one.Alerts || (r.ID == "r1" && *one.Alerts != 7) {
			t.Errorf("%s: %v alerts in the list, %v on its page", r.ID, r.Alerts, one.Alerts)
		}
	}
	unfed := ask[RulesAnswer](analyst, get, "/api/rules?state=unfed", nil)
	if len(unfed.Items) != 2 || unfed.Total != 2 || unfed.Running != 5 || unfed.Unfed != 2 {
		t.Errorf("unfed: %+v", unfed)
	}
	// Counts are over everything: who does not see everything sees none, on the page as in the list.
	owner := b.as("", soc.DPO)
	if status, _ := owner.do(get, "/api/rules", nil); status == 200 {
		if one := ask[RuleDetail](owner, get, "/api/rules/r1",
			nil); (one.Alerts == nil) != (ask[RulesAnswer](owner, get, "/api/rules", nil).Items[0].Alerts == nil) {
			t.Errorf("the page counts %v", one.Alerts)
		}
	}
}

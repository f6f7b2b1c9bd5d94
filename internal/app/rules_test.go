package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hoalu/compliance/evidence"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/internal/config"
	"hoalu/internal/control"
	"hoalu/soc"
)

const reloadRule = `title: %s
id: 5b0a1c02-7d5e-4d0f-9a51-0d3f5f1d%04d
status: test
logsource: {product: linux, service: sshd}
detection:
  selection: {user.name|expand: "%%watched%%"}
  condition: selection
level: medium
`

// TestRulesReload: a rule laid into a folder of the configuration runs after a reload, without a stop and with the values that
// detections.placeholders gives; one that cannot be loaded is named, and the others go on; the deed stands in the audit log.
func TestRulesReload(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one.yml", fmt.Sprintf(reloadRule, "First", 1))
	r := newRig(t, func(c *config.Config) {
		c.Detections.Rules = []string{folder}
		c.Detections.Placeholders = map[string][]string{"watched": {"admin"}}
	})
	write("foreign.yml", strings.Replace(fmt.Sprintf(reloadRule, "Foreign", 3), "{product: linux, service: sshd}",
		"{product: azure, service: signinlogs}", 1))
	const foreign = "5b0a1c02-7d5e-4d0f-9a51-0d3f5f1d0003"
	const first, second = "5b0a1c02-7d5e-4d0f-9a51-0d3f5f1d0001", "5b0a1c02-7d5e-4d0f-9a51-0d3f5f1d0002"
	if _, ok := r.engine.Rule(first); !ok {
		t.Fatalf("the rule with a placeholder does not run: %v", r.engine.Refused())
	}
	since := r.rulesAt.Load()
	write("two.yml", fmt.Sprintf(reloadRule, "Second", 2))
	write("bad.yml", "title: Bad\ndetection: {condition: nothing}\n")
	var got RulesLoaded
	if err := control.NewClient(filepath.Join(r.dir, "d")).Call(context.Background(), "POST", "/rules/reload", nil, nil, &got); err != nil {
		t.Fatal(err)
	}
	if got.Rules != len(r.engine.Rules()) || len(got.Refused) != 1 || !strings.Contains(got.Refused[0].File, "bad.yml") {
		t.Errorf("reload says %+v; want %d rules and bad.yml refused", got, len(r.engine.Rules()))
	}
	if r.rulesAt.Load() <= since {
		t.Error("the rules changed, and the time since when they stand did not")
	}
	r.feed(0, 1)
	r.eventually("an alert of the new rule", func() bool {
		for k := range r.alerts() {
			if strings.HasSuffix(k, second) {
				return true
			}
		}
		return false
	})

	// Of the rules that run, each says whether what it looks at arrives here.
	r.eventually("events that the first rule looks at", func() bool {
		res, err := r.store.Search(context.Background(), query.Search{Query: query.Term{Field: ecs.LogsourceService, Value: "sshd"}})
		return err == nil && res.Total > 0
	})
	feeds := rulesPart{r.App}.Feeds(context.Background())
	for _, rule := range r.engine.Rules() {
		switch l := rule.Logsource; {
		case rule.ID == foreign && feeds[rule.ID].State != soc.FeedNotMade,
			rule.ID == first && feeds[rule.ID].State != soc.FeedArrives,
			l["product"] == "windows" && feeds[rule.ID].State != soc.FeedNotSeen,
			rule.Origin == "hoalu" && feeds[rule.ID].State == soc.FeedNotMade,
			feeds[rule.ID].State == soc.FeedUnknown, feeds[rule.ID].State == "":
			t.Errorf("%s %s of %v: %+v", rule.ID, rule.File, l, feeds[rule.ID])
		}
	}
	deeds, err := evidence.List(context.Background(), r.state.Read(), evidence.Query{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, d := range deeds.Items {
		found = found || d.Action == "rules.reload" && d.Actor.ID == "machine"
	}
	if !found {
		t.Error("the reload is not in the audit log")
	}
}

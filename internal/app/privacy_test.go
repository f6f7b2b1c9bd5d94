package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hoalu/ecs"
)

// TestRulesThatNameCitizens: a rule that compares a citizen's number finds the events that hold its pseudonym; one that looks for it
// inside a longer text is refused by name; and no public rule is refused for its numbers.
func TestRulesThatNameCitizens(t *testing.T) {
	dir := t.TempDir()
	write := func(name, detection string) {
		text := "title: " + name + "\nid: " + name + "\nlogsource: {product: app}\nlevel: high\ndetection: {" + detection + ", condition: a}\n"
		if err := os.WriteFile(filepath.Join(dir, name+".yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("whole", "a: {cccd: '037090001234'}")
	write("part", "a: {message|contains: 'CCCD 037090001234'}")
	write("other", "a: {code: '4688'}")
	paths := []string{dir}
	data := os.Getenv("HOALU_TESTDATA")
	if data == "" {
		data = "../../../shared/data"
	}
	zip := filepath.Join(data, "sigma", "sigma-rules.zip")
	public := 0
	if _, err := os.Stat(zip); err == nil {
		paths, public = append(paths, zip), 25 // those that need placeholders
	} else if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	r := newRig(t, func(c *Config) { c.Detections.Rules = paths })
	refused := r.engine.Refused()
	if len(refused) != 1+public {
		t.Errorf("%d rules refused, want %d", len(refused), 1+public)
	}
	named := false
	for _, x := range refused {
		named = named || strings.Contains(x.Reason, "pseudonym") && (x.Rule == "part" || strings.Contains(x.File, "part"))
	}
	if !named {
		t.Errorf("the rule that looks for a part is not refused by name: %+v", refused)
	}
	e := &ecs.Event{ID: "x", Time: 1795300000000, Created: 1795300000000}
	e.SetLogsource("app", "")
	e.AddString(ecs.Intern("cccd"), "037090001234")
	if err := r.protector.Protect(e); err != nil {
		t.Fatal(err)
	}
	if v := e.Text(ecs.Intern("cccd")); !strings.HasPrefix(v, "tk:") {
		t.Fatalf("the number stands in the event as %q", v)
	}
	var ids []string
	for _, rule := range r.engine.Match(e, nil) {
		ids = append(ids, rule.ID)
	}
	if len(ids) != 1 || ids[0] != "whole" {
		t.Errorf("rules on the protected event = %v, want [whole]", ids)
	}
}

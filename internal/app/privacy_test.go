package app

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/internal/config"
	"hoalu/soc"
	"hoalu/triage"
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
	r := newRig(t, func(c *config.Config) { c.Detections.Rules = paths })
	refused := r.engine.Refused()
	if len(refused) != 1+public {
		t.Errorf("%d rules refused, want %d", len(refused), 1+public)
	}
	named := false
	for _, x := range refused {
		if strings.Contains(x.String(), "037090001234") {
			t.Errorf("the refusal tells the number: %s", x)
		}
		named = named || strings.Contains(x.Why.String(), "pseudonym") && (x.Rule == "part" || strings.Contains(x.File, "part"))
	}
	if !named {
		t.Errorf("the rule that looks for a part is not refused by name: %+v", refused)
	}
	for _, x := range (rulesPart{r.App}).Refused() {
		if x.Reason["vi"] == "" || x.Reason["en"] == "" || x.Reason["vi"] == x.Reason["en"] {
			t.Errorf("%s: the console is told %q", x.File, x.Reason)
		}
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

// TestACitizensNumberInAHostsName: a machine that is named for its user is one source and one asset, both under the number's token; the
// number stands in no register, no alert and no file of the state database.
func TestACitizensNumberInAHostsName(t *testing.T) {
	const number = "037090001234"
	r := newRig(t)
	ctx := context.Background()
	asset, err := r.inventory.CreateAsset(ctx, machine,
		soc.Asset{System: r.self.ID, Host: "PC-" + number, Address: "192.0.2.7", Kind: "workstation"})
	if err != nil {
		t.Fatal(err)
	}
	frames := make([]wire.Frame, 30)
	for i := range frames {
		frames[i] = wire.Frame{Peer: "192.0.2.7", Format: wire.FormatSyslog,
			Data: bytes.Replace(line(i), []byte("web01"), []byte("pc-"+number), 1)}
	}
	for range 2 { // known the second time
		if err := r.put(soc.SourceSyslog)(ctx, "syslog.tcp", slices.Clone(frames)); err != nil {
			t.Fatal(err)
		}
	}
	r.eventually("an alert", func() bool { return len(r.alerts()) > 0 && r.detector.Detected() == r.queue.State().Last })
	tokens, _, err := r.protector.TokenFor(number)
	if err != nil || len(tokens) != 1 {
		t.Fatal(tokens, err)
	}
	want := "pc-" + tokens[0]
	var found []soc.Source
	for _, s := range r.inventory.Snapshot().Sources() {
		if s.Kind == soc.SourceSyslog {
			found = append(found, s)
		}
	}
	if len(found) != 1 || found[0].Host != want || !strings.Contains(found[0].Name, want) {
		t.Errorf("sources %+v, want one of host %s", found, want)
	}
	if asset.Host != want {
		t.Errorf("asset of host %q, want %q", asset.Host, want)
	}
	if x := r.inventory.Snapshot().Resolve("", "", "192.0.2.7", "pc-"+number, nil); x.Asset != asset.ID || x.Source != found[0].ID {
		t.Errorf("Resolve = %+v, want asset %s and source %s", x, asset.ID, found[0].ID)
	}
	page, err := r.triage.List(ctx, soc.Scope{All: true}, triage.Query{Limit: 10})
	if err != nil || len(page.Items) == 0 || page.Items[0].Host != want {
		t.Errorf("alerts %+v, %v; want host %s", page.Items, err, want)
	}
	r.end()
	for _, name := range []string{"state.db", "state.db-wal", "ledger.db"} {
		data, err := os.ReadFile(filepath.Join(r.dir, "d", name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte(number)) {
			t.Errorf("%s holds the number", name)
		}
	}
}

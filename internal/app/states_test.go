package app

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"hoalu/internal/needed"
	"hoalu/soc"
)

// TestPagesOfRealAppliances draws every page of the console with the answers of appliances that run: an empty one, one that took its first
// events, one whose store fails and one whose sources stopped. No page claims what was not measured (console/ui/design/truth.test.tsx,
// which asks the same of answers that are written down there).
func TestPagesOfRealAppliances(t *testing.T) {
	t.Parallel()
	const ui = "../../console/ui"
	npx, err := exec.LookPath("npx")
	if _, installed := os.Stat(filepath.Join(ui, "node_modules")); err != nil || installed != nil {
		needed.Missing(t, "npx or the console's packages are not installed (make build)")
	}
	type running struct {
		State  string `json:"state"`
		URL    string `json:"url"`
		Token  string `json:"token"`
		System string `json:"system"`
		Source string `json:"source"`
	}
	var list []running
	for _, state := range []string{"empty", "begun", "store", "stopped"} {
		r := newRig(t)
		if state != "empty" {
			r.feed(0, 60)
			r.eventually("the events", func() bool { return r.count(host) == 60 })
		}
		switch state {
		case "store":
			events := filepath.Join(r.opts.Data, "events")
			r.end()
			r.start()
			if err := os.Rename(events, events+".away"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Rename(events+".away", events) }) //nolint:errcheck // gone with the test
			s := &site{rig: r}
			r.eventually("the store to be in trouble", func() bool { return s.ask("", "GET", "/readyz", "").status == 503 })
		case "stopped":
			r.end()
			r.now = func() time.Time { return time.Now().Add(5 * time.Hour) }
			r.start()
			r.eventually("its sources to be judged", func() bool {
				return slices.ContainsFunc(r.health.Readings(), func(x soc.Reading) bool { return x.LastEvent > 0 && x.State == soc.SourceUnknown })
			})
		}
		secret, err := CreateToken(context.Background(), r.opts.Data, "states", []soc.Role{soc.Lead, soc.Administrator}, "", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, running{state, "http://" + r.consoleAddr.String(), secret, r.self.ID, r.selfFeed.ID})
	}
	states, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, npx, "vitest", "run", "design/truth.test.tsx", "-t", "an appliance that runs")
	cmd.Dir = ui
	cmd.Env = append(os.Environ(), "HOALU_STATES="+string(states))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

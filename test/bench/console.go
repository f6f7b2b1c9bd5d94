package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"hoalu/state"
	"hoalu/triage/triagetest"
)

// consoleArea measures the alert queue in a real browser over HOALU_BENCH_ALERTS stored alerts (default 50,000). One alert is made by
// an event; its row is copied in the state database with other hosts, severities, times and states, so that what the console reads is
// what the product writes.
func consoleArea(ctx context.Context, b *bench) (err error) {
	n := 50_000
	if v := os.Getenv("HOALU_BENCH_ALERTS"); v != "" {
		if n, err = strconv.Atoi(v); err != nil || n < 1000 {
			return fmt.Errorf("HOALU_BENCH_ALERTS is %q: give a number of alerts from 1000", v)
		}
	}
	a, err := b.prepare(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.stop(), a.remove()) }()
	if err := a.start(ctx); err != nil {
		return err
	}
	doc := `{"create":{}}` + "\n" +
		`{"host":{"name":"bench-0"},"user":{"name":"bench-trigger-0-0"},"source":{"ip":"198.51.100.7"},"event":{"category":["authentication"],"action":"ssh_login","outcome":"success"},"sigma":{"logsource":{"product":"linux","service":"sshd"}}}` + "\n"
	if err := a.bulk(ctx, []byte(doc), 1); err != nil {
		return err
	}
	for deadline := time.Now().Add(30 * time.Second); ; pause(ctx, 50*time.Millisecond) {
		raw, err := a.get(ctx, "/api/alerts", map[string][]string{"limit": {"1"}})
		var v struct{ Total int64 }
		if err == nil && json.Unmarshal(raw, &v) == nil && v.Total > 0 {
			break
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return errors.Join(errors.New("the event that is to make the first alert made none"), err)
		}
	}
	if err := a.stop(); err != nil {
		return err
	}
	if err := copyAlerts(ctx, filepath.Join(a.data(), "state.db"), n); err != nil {
		return err
	}
	if err := a.start(ctx); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "node", "browser/bench.mjs")
	cmd.Dir = "console/ui"
	cmd.Env = append(os.Environ(), "HOALU_URL=http://"+a.listen.Console, "HOALU_TOKEN="+a.token)
	cmd.Stderr = os.Stderr
	raw, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("measure in the browser: %w; test/peers/install.sh installs what it needs", err)
	}
	var f struct{ Load, LoadWorst, Key, Long, Rate, Sort, SortHalf, Filter, FilterHalf, Sorts, Filters float64 }
	if err := json.Unmarshal(raw, &f); err != nil {
		return fmt.Errorf("read the browser's figures: %w: %s", err, raw)
	}
	b.add(row{figure: "first load to usable list, cold, median of 5", value: f.Load, unit: "ms", floor: 1500, atMost: true})
	b.add(row{figure: "first load, worst of 5", value: f.LoadWorst, unit: "ms"})
	b.add(row{figure: "j held down, key to paint, p98 of 200", value: f.Key, unit: "ms", floor: 100, atMost: true})
	b.add(row{figure: "j held down, tasks over 50 ms", value: f.Long, unit: "tasks"})
	b.add(row{figure: "sort, request to rows painted, median", value: f.SortHalf, unit: "ms"})
	b.add(row{figure: fmt.Sprintf("sort, request to rows painted, p95 of %.0f", f.Sorts), value: f.Sort, unit: "ms", floor: 300, atMost: true})
	b.add(row{figure: "filter, request to rows painted, median", value: f.FilterHalf, unit: "ms"})
	b.add(row{figure: fmt.Sprintf("filter, request to rows painted, p95 of %.0f", f.Filters), value: f.Filter, unit: "ms", floor: 300,
		atMost: true})
	b.note("%d alerts stored, two in five open; chromium and appliance on the same machine, cold browser cache; j pressed %.0f times a second",
		n+1, f.Rate)
	return nil
}

// copyAlerts fills the table of alerts from its first row.
func copyAlerts(ctx context.Context, path string, n int) (err error) {
	db, err := state.Open(ctx, state.Config{Path: path})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return triagetest.Multiply(ctx, db, n, nil)
}

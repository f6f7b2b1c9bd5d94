package app

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"hoalu/detections"
	"hoalu/soc"
)

func (a *App) openDetections(ctx context.Context) error {
	d := a.cfg.Detections
	g, err := detections.New(detections.Config{Paths: d.Rules, Disabled: d.Disabled, Placeholders: d.Placeholders,
		Protect: a.protector.Literal}, a.log)
	if err != nil {
		return err
	}
	a.engine = g
	if a.rulesSince, err = a.document(ctx, "revision of the rules", "rules.json"); err != nil {
		return err
	}
	at, err := detections.Since(ctx, a.rulesSince, g.Rules(), a.started)
	a.rulesAt.Store(at)
	return err
}

// openDetector makes detection's reader of the queue.
func (a *App) openDetector(context.Context) error {
	a.detector = detections.NewReader(detections.ReaderConfig{Engine: a.engine, Alerts: a.triage, Events: a.store, Own: a.selfFeed.ID,
		Snapshot: a.cfg.Detections.Snapshot,
		System: func(id string) soc.System {
			sys, _ := a.inventory.Snapshot().System(id)
			return sys
		}}, a.log)
	return nil
}

// RulesLoaded is what a reload gives: how many rules and correlations run, and which documents were not loaded and why.
type RulesLoaded struct {
	Rules   int                  `json:"rules"`
	Refused []detections.Refusal `json:"refused"`
}

// ReloadRules reads the rules of the configuration again, without a stop: files that were changed, added or taken away count from the
// next batch of events on, and correlations keep what they have counted. On an error the rules that ran go on. It is a deed of by.
func (a *App) ReloadRules(ctx context.Context, by soc.Actor) (RulesLoaded, error) {
	if err := a.engine.Reload(); err != nil {
		return RulesLoaded{}, fmt.Errorf("load the rules again; those that ran go on: %w", err)
	}
	out := RulesLoaded{Rules: len(a.engine.Rules()), Refused: a.engine.Refused()}
	at, err := detections.Since(ctx, a.rulesSince, a.engine.Rules(), time.Now().UnixMilli())
	a.rulesAt.Store(at)
	if err != nil {
		return out, err
	}
	return out, a.state.Tx(ctx, func(tx *sql.Tx) error {
		return record(ctx, tx, soc.Deed{Actor: by, Action: "rules.reload", Result: "done",
			Details: map[string]string{"rules": fmt.Sprint(out.Rules), "refused": fmt.Sprint(len(out.Refused))}})
	})
}

// Reload is ReloadRules for the signal SIGHUP.
func (a *App) Reload(ctx context.Context) (RulesLoaded, error) { return a.ReloadRules(ctx, machine) }

package app

import (
	"context"
	"time"

	"hoalu/inventory"
	"hoalu/soc"
)

// Demo says what was loaded or removed.
type Demo struct {
	Inventory inventory.Sizes `json:"inventory"`
	Events    int             `json:"events,omitempty"`
	Alerts    int64           `json:"alerts,omitempty"`
}

// DemoLoad loads the sample province and replays its recorded events through the real path.
func (a *App) DemoLoad(ctx context.Context, by soc.Actor) (out Demo, err error) {
	if out.Inventory, err = a.inventory.DemoLoad(ctx, by); err != nil {
		return out, err
	}
	if out.Inventory.Systems == 0 {
		return out, nil // loaded before: its recording was played then
	}
	out.Events, err = a.demo.Load(ctx, time.Now())
	return out, err
}

// DemoRemove removes the sample province with its alerts and posture. Its stored events stay marked as sample until their retention
// ends; they belong to systems nobody lists any more.
func (a *App) DemoRemove(ctx context.Context, by soc.Actor) (Demo, error) {
	var out Demo
	var err error
	if out.Alerts, err = a.triage.DemoRemove(ctx, by); err != nil {
		return out, err
	}
	var gone []string
	for _, s := range a.inventory.Snapshot().Systems() {
		if s.Demo {
			gone = append(gone, s.ID)
		}
	}
	if out.Inventory, err = a.inventory.DemoRemove(ctx, by); err != nil {
		return out, err
	}
	return out, a.posture.ForgetAll(ctx, gone)
}

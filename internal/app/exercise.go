package app

import (
	"context"
	"database/sql"

	"hoalu/internal/exercise"
	"hoalu/internal/wording"
	"hoalu/sensors"
	"hoalu/soc"
	"hoalu/triage"
)

// exercises is where exercises are played.
func (a *App) exercises() exercise.Range {
	return exercise.Range{
		Marker:  a.marker,
		Host:    hostname(),
		Console: a.consoleURL,
		Syslog: func() string {
			if addr := a.address("syslog_tcp"); addr != nil {
				return addr.String()
			}
			return ""
		},
		Rule: func(id string) (map[string]string, bool) {
			rule, running := a.engine.Rule(id)
			return rule.Title, running
		},
		Probe:  a.probe,
		Source: func() string { return a.selfFeed.ID },
		Put:    a.intake.Put,
		Alerts: func(ctx context.Context, since int64) ([]soc.Alert, error) {
			page, err := a.triage.List(ctx, soc.Scope{All: true},
				triage.Query{Filter: triage.Filter{Exercise: triage.Only, LastFrom: since}, Sort: "number", Limit: 500})
			return page.Items, err
		},
		Events: a.store.Get,
		Record: func(ctx context.Context, d soc.Deed) error {
			return a.state.Tx(ctx, func(tx *sql.Tx) error { return a.record(ctx, tx, d) })
		},
	}
}

// probe says whether a probe of this host's own sensor runs.
func (a *App) probe(name string) exercise.Probe {
	if a.own == nil {
		return exercise.Probe{Why: wording.New("this host's own sensor is switched off")}
	}
	for _, p := range a.own.Probes() {
		if p.Name == name {
			return exercise.Probe{Running: p.State == sensors.Running, Why: p.WhyNot()}
		}
	}
	return exercise.Probe{Why: wording.New("there is no such probe here")}
}

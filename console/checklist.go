package console

import (
	"context"
	"slices"

	"hoalu/soc"
)

// checklist is the first run of the appliance, for administrators.
type checklist struct {
	*desk
	parts Parts
}

// A step is done, not done, or could not be told, with the error.
type step struct {
	id, page string
	needs    []part
	done     func(context.Context) (bool, error)
}

func (h checklist) all() []step {
	p := h.parts
	return []step{
		{"events", "/search", needs(partReadings), func(context.Context) (bool, error) {
			return slices.ContainsFunc(p.Readings.Readings(), func(r soc.Reading) bool { return r.Total > 0 }), nil
		}},
		{"exercise", "/alerts?view=exercise", needs(partAlerts), func(ctx context.Context) (bool, error) {
			page, err := p.Alerts.List(ctx, soc.Scope{All: true}, AlertQuery{AlertFilter: AlertFilter{Exercise: "only"}, Limit: 1})
			return page.Total > 0, err
		}},
		{"source", "/sources", nil, func(context.Context) (bool, error) {
			return slices.ContainsFunc(p.Inventory.Sources(), func(s soc.Source) bool {
				return !s.Demo && !s.Auto && s.Kind != soc.SourceSelf && s.Sensor != OwnSensor
			}), nil
		}},
		{"system", "/systems", nil, func(context.Context) (bool, error) {
			return len(p.Inventory.Systems()) > 1, nil // the first is this appliance
		}},
		{"endpoint", "/national", needs(partNational), func(ctx context.Context) (bool, error) {
			s, err := p.National.Summary(ctx)
			return s.Endpoint != "" && max(s.LastReceipt, s.LastBeat) > 0, err // an address that took nothing yet is not done
		}},
		{"backup", "/admin", needs(partMachine), func(ctx context.Context) (bool, error) { return p.Machine.BackupAt(ctx) > 0, nil }},
	}
}

// steps is the first run; empty once every step is done. A step that could not be told says so: it is neither done nor to be done.
func (h checklist) steps(ctx context.Context, k *call) []Check {
	out := []Check{}
	all := true
	for _, s := range h.all() {
		if s.id == "backup" && h.parts.Machine != nil && h.parts.Machine.BackupAt(ctx) < 0 {
			continue // this build makes none
		}
		c := Check{ID: s.id, Page: s.page, Text: both("check."+s.id, nil, s.id)}
		err := error(nil)
		if missing := h.parts.missing(s.needs); missing != "" {
			err = unavailable(missing)
		} else {
			c.Done, err = s.done(ctx)
		}
		if err != nil {
			c.Done, c.Unknown = false, h.problem(ctx, k, err).Detail
		}
		out = append(out, c)
		all = all && c.Done
	}
	if all {
		return []Check{}
	}
	return out
}

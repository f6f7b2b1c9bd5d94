package console

import (
	"context"
	"slices"
)

// sensors are this host's own sensor and the enrolled ones.
type sensors struct {
	*desk
	sensors Sensors
}

func (h *sensors) operations() (string, []operation) {
	return "sources", []operation{
		{get, "/api/sensors", "listSensors", "sources.read", "Sensors: what may not run, and the command that allows it",
			needs(partSensors), to(h.list)},
	}
}

func (h *sensors) list(ctx context.Context, k *call, _ *none) (*Page[SensorItem], error) {
	list, err := h.sensors.Sensors(ctx)
	if err != nil {
		return nil, err
	}
	scope, n := h.scope(k), h.names()
	p := &Page[SensorItem]{Items: []SensorItem{}}
	for _, s := range list {
		if !scope.All && !slices.Contains(scope.Systems, s.System) {
			continue
		}
		item := SensorItem{ID: s.ID, Name: s.Name, Host: s.Host, Version: s.Version, State: s.State, Probes: orEmpty(s.Probes),
			Seen: Time(s.Seen), Ends: Time(s.CertificateEnds), Shed: s.Shed, Filtered: s.Filtered}
		if s.System != "" {
			ref := n.system(s.System)
			item.System = &ref
		}
		p.Items = append(p.Items, item)
	}
	p.Frame = h.frame(int64(len(p.Items)), "", sourcesFresh)
	return p, nil
}

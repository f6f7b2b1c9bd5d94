package console

import (
	"strconv"
	"strings"

	"hoalu/soc"
)

// layers in the order of the model, by the ids of the catalogue.
var layerIDs = map[string]string{
	"LAYER-1": "onsite", "LAYER-2": "monitoring", "LAYER-3": "assessment", "LAYER-4": "national",
	"TECH-NETWORK": "network", "TECH-APPLICATION": "application", "TECH-DATABASE": "database", "TECH-ENDPOINT": "endpoint",
}

func layerItems(list []Finding, controls map[string]Control) []LayerItem {
	out := []LayerItem{}
	for _, f := range list {
		id, ok := layerIDs[f.Control]
		if !ok {
			continue
		}
		out = append(out, LayerItem{ID: id, Title: both("layer."+id, nil, id), Full: both("layer."+id+".full", nil, id), Score: max(0, f.Score),
			State: f.State, Since: Time(f.Since),
			Share: share(f), Because: because(f.Because), Fix: steps(f.State, f.Because, Control{}), About: controls[f.Control].About})
	}
	return out
}

// share is how much of a technical layer's sources is alive, where its first reason counts them.
func share(f Finding) *float64 {
	if !strings.HasPrefix(f.Control, "TECH-") || len(f.Because) == 0 {
		return nil
	}
	v := f.Because[0].Values
	of, err := strconv.Atoi(v["of"])
	if f.State == soc.Met {
		one := 1.0
		return &one
	}
	n, err2 := strconv.Atoi(v["count"])
	if err != nil || err2 != nil || of == 0 {
		return nil
	}
	alive := float64(of-n) / float64(of)
	return &alive
}

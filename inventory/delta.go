package inventory

import (
	"encoding/json"
	"fmt"
	"maps"

	"hoalu/soc"
)

// delta is what a change does to a Snapshot: new values by id, nil deleted.
type delta struct {
	units   map[string]*soc.Unit
	systems map[string]*soc.System
	assets  map[string]*soc.Asset
	sources map[string]*soc.Source
	changed map[string]stamp
	history []history
}

type history struct{ kind, id, body string }

func newDelta() *delta {
	return &delta{units: map[string]*soc.Unit{}, systems: map[string]*soc.System{}, assets: map[string]*soc.Asset{},
		sources: map[string]*soc.Source{},
		changed: map[string]stamp{}}
}

func (d *delta) empty() bool {
	return len(d.units)+len(d.systems)+len(d.assets)+len(d.sources) == 0
}

// keep notes what an object was before this change; the first of a transaction stands.
func (d *delta) keep(kind, id string, before any) error {
	for _, h := range d.history {
		if h.kind == kind && h.id == id {
			return nil
		}
	}
	body := ""
	if before != nil {
		text, err := json.Marshal(before)
		if err != nil {
			return fmt.Errorf("keep inventory history: %w", err)
		}
		body = string(text)
	}
	d.history = append(d.history, history{kind, id, body})
	return nil
}

func (d *delta) restore(kind, id, body string) error {
	switch kind {
	case "unit":
		return put(d.units, id, body)
	case "system":
		return put(d.systems, id, body)
	case "asset":
		return put(d.assets, id, body)
	case "source":
		return put(d.sources, id, body)
	}
	return fmt.Errorf("history of an unknown kind %q", kind)
}

// protect brings what history holds into the form in which names are kept.
func (d *delta) protect(n names) error {
	for id, v := range d.assets {
		if v != nil {
			if err := n.asset(v); err != nil {
				return fmt.Errorf("history of %s: %w", id, err)
			}
		}
	}
	for id, v := range d.sources {
		if v != nil {
			if err := n.source(v); err != nil {
				return fmt.Errorf("history of %s: %w", id, err)
			}
		}
	}
	return nil
}

func put[T any](m map[string]*T, id, body string) error {
	if body == "" {
		m[id] = nil
		return nil
	}
	v := new(T)
	if err := json.Unmarshal([]byte(body), v); err != nil {
		return fmt.Errorf("history of %s: %w", id, err)
	}
	m[id] = v
	return nil
}

// with is sn after d.
func (sn *Snapshot) with(d *delta, revision uint64) *Snapshot {
	n := &Snapshot{Revision: revision, names: sn.names, units: merge(sn.units, d.units), systems: merge(sn.systems, d.systems),
		assets:  merge(sn.assets, d.assets),
		sources: merge(sn.sources, d.sources), changed: maps.Clone(sn.changed)}
	maps.Copy(n.changed, d.changed)
	n.index()
	return n
}

func merge[T any](old, d map[string]*T) map[string]*T {
	if len(d) == 0 {
		return old
	}
	n := maps.Clone(old)
	for id, v := range d {
		if v == nil {
			delete(n, id)
		} else {
			n[id] = v
		}
	}
	return n
}

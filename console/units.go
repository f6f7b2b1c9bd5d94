package console

import (
	"context"
	"slices"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

// units are the organisations of the province that own and operate systems.
type units struct{ *desk }

func (h *units) operations() (string, []operation) {
	return "systems", []operation{
		{get, "/api/units", "listUnits", "systems.read", "Units of the province", nil, to(h.list)},
		{post, "/api/units", "addUnit", "inventory.write", "Declare a unit", nil, to(h.add)},
		{put, "/api/units/{id}", "changeUnit", "inventory.write", "Change a unit", nil, to(h.change)},
		{put, "/api/units/{id}/retired", "retireUnit", "inventory.write", "Take a unit out of use, or back", nil, to(h.retireOne)},
		{del, "/api/units/{id}", "deleteUnit", "inventory.write", "Delete a unit that nothing refers to", nil, to(h.drop)},
	}
}

// Units, systems, assets and sources are declared, changed, retired and deleted here; who may is the policy's inventory.write,
// sources.write and sources.delete.

// list lists those of the systems the person may see; an administrator sees all.
func (h *units) list(ctx context.Context, k *call, in *unitsIn) (*Page[UnitItem], error) {
	list := h.visibleSystems(k)
	all := h.may(ctx, k, "inventory.write") || !slices.ContainsFunc(k.Filter.Any,
		func(cs []authz.Clause) bool { return cs[0].Attribute == authz.Unit })
	seen := map[string]bool{k.Actor.Unit: true}
	systems := map[string]int{}
	for _, s := range list {
		seen[s.Unit], seen[s.Operator] = true, true
		if s.Retired != 0 {
			continue
		}
		systems[s.Unit]++
		if s.Operator != s.Unit {
			systems[s.Operator]++
		}
	}
	p := &Page[UnitItem]{Items: []UnitItem{}}
	for _, u := range h.inventory.Units() {
		if (all || seen[u.ID]) && (u.Retired != 0) == in.Retired && matches(in.Text, u.ID, u.Name) {
			p.Items = append(p.Items, unitItem(u, systems[u.ID]))
		}
	}
	name := byName()
	slices.SortStableFunc(p.Items, func(a, b UnitItem) int { return name(a.Name, b.Name) })
	p.Frame = h.frame(int64(len(p.Items)), "", time.Hour)
	return p, nil
}

func unitItem(u soc.Unit, systems int) UnitItem {
	return UnitItem{ID: u.ID, Name: u.Name, Kind: u.Kind, Systems: systems, Demo: u.Demo, Retired: Time(u.Retired), Version: u.Version}
}

// ownedBy counts the systems in use that a unit owns or operates.
func (h *units) ownedBy(unit string) int {
	n := 0
	for _, s := range h.inventory.Systems() {
		if s.Retired == 0 && (s.Unit == unit || s.Operator == unit) {
			n++
		}
	}
	return n
}

func (h *units) visible(id string) (soc.Unit, error) {
	list := h.inventory.Units()
	i := slices.IndexFunc(list, func(u soc.Unit) bool { return u.ID == id })
	if i < 0 {
		return soc.Unit{}, absent(id)
	}
	return list[i], nil
}

func (h *units) add(ctx context.Context, k *call, in *bodyIn[unitBody]) (*UnitItem, error) {
	u, err := h.inventory.CreateUnit(ctx, k.Actor, soc.Unit{Name: strings.TrimSpace(in.Body.Name), Kind: in.Body.Kind})
	if err != nil {
		return nil, err
	}
	item := unitItem(u, 0)
	return &item, nil
}

func (h *units) change(ctx context.Context, k *call, in *idBodyIn[unitBody]) (*UnitItem, error) {
	if _, err := h.visible(in.ID); err != nil {
		return nil, err
	}
	u, err := h.inventory.UpdateUnit(ctx, k.Actor, soc.Unit{ID: in.ID, Name: in.Body.Name, Kind: in.Body.Kind, Version: in.Body.Version})
	if err != nil {
		return nil, err
	}
	item := unitItem(u, h.ownedBy(u.ID))
	return &item, nil
}

func (h *units) retireOne(ctx context.Context, k *call, in *retireIn) (*UnitItem, error) {
	if _, err := h.visible(in.ID); err != nil {
		return nil, err
	}
	if err := h.retire(ctx, k, soc.KindUnit, in); err != nil {
		return nil, err
	}
	u, err := h.visible(in.ID)
	item := unitItem(u, h.ownedBy(u.ID))
	return &item, err
}

func (h *units) drop(ctx context.Context, k *call, in *deleteIn) (*Done, error) {
	if _, err := h.visible(in.ID); err != nil {
		return nil, err
	}
	return h.remove(ctx, k, soc.KindUnit, in)
}

package console

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

// Units, systems, assets and sources are declared, changed, retired and deleted here; who may is the policy's inventory.write,
// sources.write and sources.delete.

// listUnits lists those of the systems the person may see; an administrator sees all.
func (c *Console) listUnits(ctx context.Context, k *call, in *unitsIn) (*Page[UnitItem], error) {
	list, err := c.visibleSystems(k)
	if err != nil {
		return nil, err
	}
	all := c.may(ctx, k, "inventory.write") || !slices.ContainsFunc(k.Filter.Any, func(cs []authz.Clause) bool { return cs[0].Attribute == authz.Unit })
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
	for _, u := range c.Parts.Inventory.Units() {
		if (all || seen[u.ID]) && (u.Retired != 0) == in.Retired && matches(in.Text, u.ID, u.Name) {
			p.Items = append(p.Items, unitItem(u, systems[u.ID]))
		}
	}
	name := byName()
	slices.SortStableFunc(p.Items, func(a, b UnitItem) int { return name(a.Name, b.Name) })
	p.Frame = c.frame(int64(len(p.Items)), "", time.Hour)
	return p, nil
}

func unitItem(u soc.Unit, systems int) UnitItem {
	return UnitItem{ID: u.ID, Name: u.Name, Kind: u.Kind, Systems: systems, Demo: u.Demo, Retired: Time(u.Retired), Version: u.Version}
}

// ownedBy counts the systems in use that a unit owns or operates.
func (c *Console) ownedBy(unit string) int {
	n := 0
	for _, s := range c.Parts.Inventory.Systems() {
		if s.Retired == 0 && (s.Unit == unit || s.Operator == unit) {
			n++
		}
	}
	return n
}

func (c *Console) visibleUnit(id string) (soc.Unit, error) {
	if c.Parts.Inventory == nil {
		return soc.Unit{}, unavailable("inventory")
	}
	list := c.Parts.Inventory.Units()
	i := slices.IndexFunc(list, func(u soc.Unit) bool { return u.ID == id })
	if i < 0 {
		return soc.Unit{}, absent(id)
	}
	return list[i], nil
}

func (c *Console) addUnit(ctx context.Context, k *call, in *bodyIn[unitBody]) (*UnitItem, error) {
	if c.Parts.Inventory == nil {
		return nil, unavailable("inventory")
	}
	u, err := c.Parts.Inventory.CreateUnit(ctx, k.Actor, soc.Unit{Name: strings.TrimSpace(in.Body.Name), Kind: in.Body.Kind})
	if err != nil {
		return nil, err
	}
	item := unitItem(u, 0)
	return &item, nil
}

func (c *Console) changeUnit(ctx context.Context, k *call, in *idBodyIn[unitBody]) (*UnitItem, error) {
	if _, err := c.visibleUnit(in.ID); err != nil {
		return nil, err
	}
	u, err := c.Parts.Inventory.UpdateUnit(ctx, k.Actor, soc.Unit{ID: in.ID, Name: in.Body.Name, Kind: in.Body.Kind, Version: in.Body.Version})
	if err != nil {
		return nil, err
	}
	item := unitItem(u, c.ownedBy(u.ID))
	return &item, nil
}

func (c *Console) retireUnit(ctx context.Context, k *call, in *retireIn) (*UnitItem, error) {
	if _, err := c.visibleUnit(in.ID); err != nil {
		return nil, err
	}
	if err := c.retire(ctx, k, soc.KindUnit, in); err != nil {
		return nil, err
	}
	u, err := c.visibleUnit(in.ID)
	item := unitItem(u, c.ownedBy(u.ID))
	return &item, err
}

func (c *Console) deleteUnit(ctx context.Context, k *call, in *deleteIn) (*Done, error) {
	if _, err := c.visibleUnit(in.ID); err != nil {
		return nil, err
	}
	return c.remove(ctx, k, soc.KindUnit, in)
}

func (c *Console) retireSystem(ctx context.Context, k *call, in *retireIn) (*SystemItem, error) {
	if _, err := c.visibleSystem(k, in.ID); err != nil {
		return nil, err
	}
	if err := c.retire(ctx, k, soc.KindSystem, in); err != nil {
		return nil, err
	}
	s, err := c.visibleSystem(k, in.ID)
	if err != nil {
		return nil, err
	}
	item, err := c.systemItem(ctx, k, s, c.names(), c.lastBySystem())
	return &item, err
}

func (c *Console) deleteSystem(ctx context.Context, k *call, in *deleteIn) (*Done, error) {
	if _, err := c.visibleSystem(k, in.ID); err != nil {
		return nil, err
	}
	return c.remove(ctx, k, soc.KindSystem, in)
}

func assetItem(a soc.Asset, n names) AssetItem {
	return AssetItem{ID: a.ID, System: n.system(a.System), Host: a.Host, Address: a.Address, Zone: a.Zone, Kind: a.Kind, Demo: a.Demo, Retired: Time(a.Retired), Version: a.Version}
}

// visibleAsset is an asset of a system within the operation's rows.
func (c *Console) visibleAsset(k *call, id string) (soc.Asset, error) {
	if c.Parts.Inventory == nil {
		return soc.Asset{}, unavailable("inventory")
	}
	scope := c.scope(k)
	list := c.Parts.Inventory.Assets()
	i := slices.IndexFunc(list, func(a soc.Asset) bool { return a.ID == id && authz.Covers(scope, a.System) })
	if i < 0 {
		return soc.Asset{}, absent(id)
	}
	return list[i], nil
}

func (c *Console) listAssets(_ context.Context, k *call, in *assetsIn) (*Page[AssetItem], error) {
	if c.Parts.Inventory == nil {
		return nil, unavailable("inventory")
	}
	scope, n := c.scope(k), c.names()
	var rows []AssetItem
	for _, a := range c.Parts.Inventory.Assets() {
		if !authz.Covers(scope, a.System) || (in.System != "" && a.System != in.System) || (a.Retired != 0) != in.Retired {
			continue
		}
		item := assetItem(a, n)
		if matches(in.Text, a.ID, a.Host, a.Address, a.Zone, a.Kind, item.System.ID, item.System.Name) {
			rows = append(rows, item)
		}
	}
	key, down := sorting(in.Sort)
	name := byName()
	slices.SortStableFunc(rows, func(a, b AssetItem) int {
		order := 0
		switch key {
		case "host":
			order = cmp.Compare(a.Host, b.Host)
		case "address":
			order = cmp.Compare(a.Address, b.Address)
		case "system":
			order = name(a.System.Name, b.System.Name)
		case "kind":
			order = cmp.Compare(a.Kind, b.Kind)
		case "id":
			order = byNumber(a.ID, b.ID)
		}
		return cmp.Or(sign(down, order), byNumber(a.ID, b.ID))
	})
	items, next, err := page(rows, func(a AssetItem) string { return a.ID }, in.After, in.Limit)
	if err != nil {
		return nil, err
	}
	return &Page[AssetItem]{Items: orEmpty(items), Frame: c.frame(int64(len(rows)), next, time.Hour)}, nil
}

// byNumber sorts numbers people say aloud: TS-999 before TS-1000.
func byNumber(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

func (b assetBody) asset(id string) soc.Asset {
	return soc.Asset{ID: id, System: b.System, Host: b.Host, Address: b.Address, Zone: strings.TrimSpace(b.Zone), Kind: strings.TrimSpace(b.Kind), Version: b.Version}
}

func (c *Console) addAsset(ctx context.Context, k *call, in *bodyIn[assetBody]) (*AssetItem, error) {
	if c.Parts.Inventory == nil {
		return nil, unavailable("inventory")
	}
	a, err := c.Parts.Inventory.CreateAsset(ctx, k.Actor, in.Body.asset(""))
	if err != nil {
		return nil, err
	}
	item := assetItem(a, c.names())
	return &item, nil
}

func (c *Console) changeAsset(ctx context.Context, k *call, in *idBodyIn[assetBody]) (*AssetItem, error) {
	if _, err := c.visibleAsset(k, in.ID); err != nil {
		return nil, err
	}
	a, err := c.Parts.Inventory.UpdateAsset(ctx, k.Actor, in.Body.asset(in.ID))
	if err != nil {
		return nil, err
	}
	item := assetItem(a, c.names())
	return &item, nil
}

func (c *Console) retireAsset(ctx context.Context, k *call, in *retireIn) (*AssetItem, error) {
	if _, err := c.visibleAsset(k, in.ID); err != nil {
		return nil, err
	}
	if err := c.retire(ctx, k, soc.KindAsset, in); err != nil {
		return nil, err
	}
	a, err := c.visibleAsset(k, in.ID)
	item := assetItem(a, c.names())
	return &item, err
}

func (c *Console) deleteAsset(ctx context.Context, k *call, in *deleteIn) (*Done, error) {
	if _, err := c.visibleAsset(k, in.ID); err != nil {
		return nil, err
	}
	return c.remove(ctx, k, soc.KindAsset, in)
}

func (c *Console) importAssets(ctx context.Context, k *call, in *bodyIn[importBody]) (*AssetsImported, error) {
	if c.Parts.Inventory == nil {
		return nil, unavailable("inventory")
	}
	r, err := c.Parts.Inventory.ImportAssets(ctx, k.Actor, soc.AssetImport{Text: in.Body.Text, System: in.Body.System, Check: in.Body.Check})
	if err != nil {
		return nil, err
	}
	out := &AssetsImported{Done: !in.Body.Check && len(r.Wrong) == 0, Added: len(r.Added), Unchanged: r.Unchanged, Wrong: []WrongRow{}}
	for _, w := range r.Wrong {
		p := newProblem(k.Lang, w.Problem)
		out.Wrong = append(out.Wrong, WrongRow{Line: w.Line, Detail: p.Detail, Fields: p.Fields})
	}
	return out, nil
}

func (c *Console) retireSource(ctx context.Context, k *call, in *retireIn) (*SourceItem, error) {
	if _, err := c.visibleSource(k, in.ID); err != nil {
		return nil, err
	}
	if err := c.retire(ctx, k, soc.KindSource, in); err != nil {
		return nil, err
	}
	s, err := c.visibleSource(k, in.ID)
	item := sourceItem(s, c.readings(), c.names())
	return &item, err
}

func (c *Console) deleteSource(ctx context.Context, k *call, in *deleteIn) (*Done, error) {
	if _, err := c.visibleSource(k, in.ID); err != nil {
		return nil, err
	}
	return c.remove(ctx, k, soc.KindSource, in)
}

// forgetSources deletes many that were found by themselves: what a flood of forged names leaves behind.
func (c *Console) forgetSources(ctx context.Context, k *call, in *bodyIn[forgetBody]) (*SourcesForgotten, error) {
	if c.Parts.Inventory == nil {
		return nil, unavailable("inventory")
	}
	deleted, refused, err := c.Parts.Inventory.Forget(ctx, k.Actor, in.Body.IDs)
	if err != nil {
		return nil, err
	}
	out := &SourcesForgotten{Deleted: orEmpty(deleted), Failed: []SourceStays{}}
	for _, r := range refused {
		p := newProblem(k.Lang, r.Problem)
		out.Failed = append(out.Failed, SourceStays{ID: r.ID, Code: p.Code, Detail: p.Detail, Do: p.Do})
	}
	return out, nil
}

func (c *Console) retire(ctx context.Context, k *call, kind string, in *retireIn) error {
	return c.Parts.Inventory.Retire(ctx, k.Actor, soc.Retirement{Kind: kind, ID: in.ID, Version: in.Body.Version, Retired: in.Body.Retired, Reason: strings.TrimSpace(in.Body.Reason)})
}

func (c *Console) remove(ctx context.Context, k *call, kind string, in *deleteIn) (*Done, error) {
	if err := c.Parts.Inventory.Delete(ctx, k.Actor, kind, in.ID, in.Version); err != nil {
		return nil, err
	}
	return &Done{true}, nil
}

// useItems are the uses with the page of each.
func useItems(uses []soc.Use) []UseItem {
	var out []UseItem
	for _, u := range uses {
		item := UseItem{Use: u}
		id := url.PathEscape(u.ID)
		switch {
		case u.Kind == soc.KindUnit:
			item.Page = "/systems?unit=" + id
		case u.Kind == soc.KindSystem:
			item.Page = "/systems/" + id
		case u.Kind == soc.KindAsset:
			item.Page = "/systems?asset=" + id
		case u.Kind == soc.KindSource:
			item.Page = "/sources?source=" + id
		case u.Kind == "account", u.Kind == "token":
			item.Page = "/admin"
		}
		out = append(out, item)
	}
	return out
}

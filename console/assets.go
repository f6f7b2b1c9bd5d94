package console

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"hoalu/console/authz"
	"hoalu/soc"
)

// assets are the hosts, devices and networks of the systems.
type assets struct{ *desk }

func (h *assets) operations() (string, []operation) {
	return "systems", []operation{
		{get, "/api/assets", "listAssets", "systems.read", "Hosts, devices and networks of the systems", nil, to(h.list)},
		{post, "/api/assets", "addAsset", "inventory.write", "Declare an asset", nil, to(h.add)},
		{post, "/api/assets/import", "importAssets", "inventory.write", "Declare many assets from pasted rows",
			nil, to(h.importMany).upTo(5 << 20)},
		{put, "/api/assets/{id}", "changeAsset", "inventory.write", "Change an asset", nil, to(h.change)},
		{put, "/api/assets/{id}/retired", "retireAsset", "inventory.write", "Take an asset out of use, or back", nil, to(h.retireOne)},
		{del, "/api/assets/{id}", "deleteAsset", "inventory.write", "Delete an asset", nil, to(h.drop)},
	}
}

func assetItem(a soc.Asset, n names) AssetItem {
	return AssetItem{ID: a.ID, System: n.system(a.System), Host: a.Host, Address: a.Address, Zone: a.Zone, Kind: a.Kind, Demo: a.Demo,
		Retired: Time(a.Retired), Version: a.Version}
}

// visible is an asset of a system within the operation's rows.
func (h *assets) visible(k *call, id string) (soc.Asset, error) {
	scope := h.scope(k)
	list := h.inventory.Assets()
	i := slices.IndexFunc(list, func(a soc.Asset) bool { return a.ID == id && authz.Covers(scope, a.System) })
	if i < 0 {
		return soc.Asset{}, absent(id)
	}
	return list[i], nil
}

func (h *assets) list(_ context.Context, k *call, in *assetsIn) (*Page[AssetItem], error) {
	scope, n := h.scope(k), h.names()
	var rows []AssetItem
	for _, a := range h.inventory.Assets() {
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
	return &Page[AssetItem]{Items: orEmpty(items), Frame: h.frame(int64(len(rows)), next, time.Hour)}, nil
}

func (b assetBody) asset(id string) soc.Asset {
	return soc.Asset{ID: id, System: b.System, Host: b.Host, Address: b.Address, Zone: strings.TrimSpace(b.Zone),
		Kind: strings.TrimSpace(b.Kind), Version: b.Version}
}

func (h *assets) add(ctx context.Context, k *call, in *bodyIn[assetBody]) (*AssetItem, error) {
	a, err := h.inventory.CreateAsset(ctx, k.Actor, in.Body.asset(""))
	if err != nil {
		return nil, err
	}
	item := assetItem(a, h.names())
	return &item, nil
}

func (h *assets) change(ctx context.Context, k *call, in *idBodyIn[assetBody]) (*AssetItem, error) {
	if _, err := h.visible(k, in.ID); err != nil {
		return nil, err
	}
	a, err := h.inventory.UpdateAsset(ctx, k.Actor, in.Body.asset(in.ID))
	if err != nil {
		return nil, err
	}
	item := assetItem(a, h.names())
	return &item, nil
}

func (h *assets) retireOne(ctx context.Context, k *call, in *retireIn) (*AssetItem, error) {
	if _, err := h.visible(k, in.ID); err != nil {
		return nil, err
	}
	if err := h.retire(ctx, k, soc.KindAsset, in); err != nil {
		return nil, err
	}
	a, err := h.visible(k, in.ID)
	item := assetItem(a, h.names())
	return &item, err
}

func (h *assets) drop(ctx context.Context, k *call, in *deleteIn) (*Done, error) {
	if _, err := h.visible(k, in.ID); err != nil {
		return nil, err
	}
	return h.remove(ctx, k, soc.KindAsset, in)
}

func (h *assets) importMany(ctx context.Context, k *call, in *bodyIn[importBody]) (*AssetsImported, error) {
	r, err := h.inventory.ImportAssets(ctx, k.Actor, soc.AssetImport{Text: in.Body.Text, System: in.Body.System, Check: in.Body.Check})
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

package inventory

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"hoalu/inventory/internal/db"
	"hoalu/soc"
)

// Snapshot is the whole inventory at one revision; it never changes.
type Snapshot struct {
	Revision uint64
	names    names

	units   map[string]*soc.Unit
	systems map[string]*soc.System
	assets  map[string]*soc.Asset
	sources map[string]*soc.Source
	changed map[string]stamp // who changed an object last, for conflicts

	hosts    map[string]*soc.Asset // by folded host name
	shorts   map[string]*soc.Asset // by its first label, nil where two share it
	networks map[netip.Prefix]*soc.Asset
	bits     []prefixLen // lengths that occur, longest first

	sensors map[string]*soc.Source
	keys    map[string]heldKey           // by hash
	byHost  map[string][]*soc.Source     // sources bound to a host name
	byPeer  map[netip.Addr][]*soc.Source // bound to one address and no host
	wide    []*soc.Source                // bound to a network, a dataset or a name only
	auto    int
	autoOf  map[netip.Prefix]int   // of those found by themselves, by address and by network
	rest    map[string]*soc.Source // by name: takes the senders past a share of MaxAuto
	self    string
}

type stamp struct {
	by string
	at int64
}

type prefixLen struct {
	v6   bool
	bits int
}

func load(ctx context.Context, q *db.Queries, revision uint64, protect names) (*Snapshot, error) {
	sn := &Snapshot{Revision: revision, names: protect, units: map[string]*soc.Unit{}, systems: map[string]*soc.System{},
		assets:  map[string]*soc.Asset{},
		sources: map[string]*soc.Source{}, changed: map[string]stamp{}}
	units, err := q.Units(ctx)
	if err != nil {
		return nil, fmt.Errorf("read units: %w", err)
	}
	for _, r := range units {
		u := soc.Unit{ID: r.ID, Name: r.Name, Kind: r.Kind, Demo: r.Demo, Retired: r.Retired, Version: r.Version}
		sn.units[r.ID], sn.changed[r.ID] = &u, stamp{r.ChangedBy, r.Changed}
	}
	systems, err := q.Systems(ctx)
	if err != nil {
		return nil, fmt.Errorf("read systems: %w", err)
	}
	for _, r := range systems {
		v := soc.System{ID: r.ID, Name: r.Name, Unit: r.Unit, Operator: r.Operator, Level: int(r.Level), Basis: r.Basis, Placement: r.Placement,
			Dossier: r.Dossier, Plan: r.Plan, Investing: r.Investing, Engine: r.Engine, Demo: r.Demo, Retired: r.Retired, Version: r.Version}
		sn.systems[r.ID], sn.changed[r.ID] = &v, stamp{r.ChangedBy, r.Changed}
	}
	assets, err := q.Assets(ctx)
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	for _, r := range assets {
		v := soc.Asset{ID: r.ID, System: r.System, Host: r.Host, Address: r.Address, Zone: r.Zone, Kind: r.Kind, Demo: r.Demo, Retired: r.Retired,
			Version: r.Version}
		if err := protect.asset(&v); err != nil { // a row of a time before names were protected
			return nil, fmt.Errorf("read %s: %w", r.ID, err)
		}
		sn.assets[r.ID], sn.changed[r.ID] = &v, stamp{r.ChangedBy, r.Changed}
	}
	sources, err := q.Sources(ctx)
	if err != nil {
		return nil, fmt.Errorf("read sources: %w", err)
	}
	for _, r := range sources {
		v := soc.Source{ID: r.ID, Name: r.Name, Kind: r.Kind, System: r.System, Address: r.Address, Host: r.Host, Dataset: r.Dataset,
			Zone:        r.Zone,
			ExpectEvery: r.ExpectEvery, TrustLogsource: r.TrustLogsource, Sensor: r.Sensor, Auto: r.Auto,
			StoppedUntil: r.StoppedUntil, Demo: r.Demo, Retired: r.Retired, Version: r.Version}
		if err := json.Unmarshal([]byte(r.Layers), &v.Layers); err != nil {
			return nil, fmt.Errorf("read layers of %s: %w", r.ID, err)
		}
		if err := json.Unmarshal([]byte(r.Keys), &v.Keys); err != nil {
			return nil, fmt.Errorf("read keys of %s: %w", r.ID, err)
		}
		if err := protect.source(&v); err != nil {
			return nil, fmt.Errorf("read %s: %w", r.ID, err)
		}
		sn.sources[r.ID], sn.changed[r.ID] = &v, stamp{r.ChangedBy, r.Changed}
	}
	sn.index()
	return sn, nil
}

// index builds the look-up tables; objects are visited in the order of their numbers, so that of two that claim the same the older wins.
func (sn *Snapshot) index() {
	sn.hosts, sn.shorts, sn.networks = map[string]*soc.Asset{}, map[string]*soc.Asset{}, map[netip.Prefix]*soc.Asset{}
	lengths := map[prefixLen]bool{}
	for _, id := range ids(sn.assets) {
		a := sn.assets[id]
		if a.Retired != 0 {
			continue
		}
		if a.Host != "" {
			if _, ok := sn.hosts[a.Host]; !ok {
				sn.hosts[a.Host] = a
			}
			short, _, _ := strings.Cut(a.Host, ".")
			if other, ok := sn.shorts[short]; ok && (other == nil || other.System != a.System) {
				sn.shorts[short] = nil
			} else if !ok {
				sn.shorts[short] = a
			}
		}
		if p, ok := prefix(a.Address); ok {
			if _, ok := sn.networks[p]; !ok {
				sn.networks[p] = a
				lengths[prefixLen{p.Addr().Is6(), p.Bits()}] = true
			}
		}
	}
	sn.bits = slices.SortedFunc(maps.Keys(lengths), func(a, b prefixLen) int { return cmp.Compare(b.bits, a.bits) })
	sn.sensors, sn.keys, sn.byHost, sn.byPeer = map[string]*soc.Source{}, map[string]heldKey{}, map[string][]*soc.Source{},
		map[netip.Addr][]*soc.Source{}
	sn.rest, sn.autoOf = map[string]*soc.Source{}, map[netip.Prefix]int{}
	for _, id := range ids(sn.sources) {
		v := sn.sources[id]
		if v.Retired != 0 {
			continue
		}
		if v.Auto {
			sn.auto++
			if strings.HasPrefix(v.Name, overflowName(v.Kind)) && sn.rest[v.Name] == nil {
				sn.rest[v.Name] = v
			} else if a, err := netip.ParseAddr(v.Address); err == nil {
				sn.autoOf[netip.PrefixFrom(a, a.BitLen())]++
				sn.autoOf[around(a)]++
			}
		}
		if v.Kind == soc.SourceSelf && sn.self == "" {
			sn.self = v.System
		}
		if v.Sensor != "" {
			sn.sensors[v.Sensor] = v
		}
		proven := v.Sensor != ""
		for _, k := range v.Keys {
			sn.keys[k.Hash] = heldKey{v, k}
			proven = proven || k.Used != 0
		}
		if proven {
			continue // bound by what nobody else has; a key counts from its first use, so that no event falls between
		}
		addr, err := netip.ParseAddr(v.Address)
		switch {
		case v.Host != "":
			sn.byHost[v.Host] = append(sn.byHost[v.Host], v)
		case err == nil:
			sn.byPeer[addr.Unmap()] = append(sn.byPeer[addr.Unmap()], v)
		default:
			sn.wide = append(sn.wide, v)
		}
	}
}

// ids are the keys of m by number: HT-999 before HT-1000.
func ids[T any](m map[string]*T) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	})
}

func list[T any](m map[string]*T) []T {
	out := make([]T, 0, len(m))
	for _, id := range ids(m) {
		out = append(out, *m[id])
	}
	return out
}

func get[T any](m map[string]*T, id string) (T, bool) {
	if v := m[id]; v != nil {
		return *v, true
	}
	var zero T
	return zero, false
}

// Units, Systems, Assets and Sources list everything by number.
func (sn *Snapshot) Units() []soc.Unit { return list(sn.units) }

// Systems lists every system by number.
func (sn *Snapshot) Systems() []soc.System { return list(sn.systems) }

// Assets lists every asset by number.
func (sn *Snapshot) Assets() []soc.Asset { return list(sn.assets) }

// Sources lists every source by number.
func (sn *Snapshot) Sources() []soc.Source { return list(sn.sources) }

// Units, Systems, Assets and Sources list what the current Snapshot holds, by number.
func (s *Store) Units() []soc.Unit { return s.Snapshot().Units() }

// Systems lists every system by number.
func (s *Store) Systems() []soc.System { return s.Snapshot().Systems() }

// Assets lists every asset by number.
func (s *Store) Assets() []soc.Asset { return s.Snapshot().Assets() }

// Sources lists every source by number.
func (s *Store) Sources() []soc.Source { return s.Snapshot().Sources() }

// Active lists the sources that are in use, by number: those whose events are waited for.
func (sn *Snapshot) Active() []soc.Source {
	return slices.DeleteFunc(sn.Sources(), func(v soc.Source) bool { return v.Retired != 0 })
}

// Unit looks up a DV- number.
func (sn *Snapshot) Unit(id string) (soc.Unit, bool) { return get(sn.units, id) }

// System looks up an HT- number.
func (sn *Snapshot) System(id string) (soc.System, bool) { return get(sn.systems, id) }

// Asset looks up a TS- number.
func (sn *Snapshot) Asset(id string) (soc.Asset, bool) { return get(sn.assets, id) }

// Source looks up an NG- number.
func (sn *Snapshot) Source(id string) (soc.Source, bool) { return get(sn.sources, id) }

// Host looks up the asset of a host name, whatever its case.
func (sn *Snapshot) Host(name string) (soc.Asset, bool) {
	host, err := sn.names.host(name)
	if err != nil {
		return soc.Asset{}, false
	}
	if a := sn.host(host); a != nil {
		return *a, true
	}
	return soc.Asset{}, false
}

// Self is the system of this appliance, "" before EnsureSelf.
func (sn *Snapshot) Self() string { return sn.self }

// SystemsOf lists the HT- numbers a unit owns or operates: the scope of its people.
func (sn *Snapshot) SystemsOf(unit string) []string {
	var out []string
	for _, id := range ids(sn.systems) {
		if s := sn.systems[id]; unit != "" && (s.Unit == unit || s.Operator == unit) {
			out = append(out, id)
		}
	}
	return out
}

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

// Ways an event found its System, in the order they are tried (decision 3).
const (
	BySensor  = "sensor"
	BySource  = "source"
	ByHost    = "host"
	ByNetwork = "network"
	ByNone    = "none"
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

// Resolution says whose an event is.
type Resolution struct {
	System     string // HT- number or soc.Unassigned
	Unit       string // owner of the system
	Level      int
	Exposure   string // placement of the system
	Zone       string // of the asset
	Asset      string // TS- number, "" unknown
	Source     string // NG- number, "" unknown
	By         string // BySensor …
	Conflict   string // another system that a weaker way names, "" none
	ConflictBy string
	Demo       bool
	Err        error // the host's name cannot be looked up now; nothing else is filled in then
}

// Resolve finds the system of an event: by the certificate of the sensor that sent it, else by the binding of its source, else by the
// host it names, else by the longest network that holds one of the host's own addresses or the peer's. What an event says of its own
// host counts only from a source that vouches for it (see vouches) or from an address of that same system; else anybody could put
// events into any system by writing its host's name. A name that does not count is the Conflict. It does not allocate.
func (sn *Snapshot) Resolve(sensor, source, peer, host string, ips []netip.Addr) Resolution {
	r := Resolution{System: soc.Unassigned, Source: source, By: ByNone}
	take := func(system, by string) {
		if system == "" {
			return
		}
		if r.By == ByNone {
			r.System, r.By = system, by
		} else if system != r.System && r.Conflict == "" {
			r.Conflict, r.ConflictBy = system, by
		}
	}
	addr, err := netip.ParseAddr(peer)
	if err != nil {
		addr = netip.Addr{}
	}
	addr = addr.Unmap()
	if host, err = sn.names.host(host); err != nil {
		return Resolution{Err: err}
	}
	if sensor != "" {
		if v := sn.sensors[sensor]; v != nil {
			take(v.System, BySensor)
			if r.Source == "" {
				r.Source = v.ID
			}
		}
	}
	if r.Source == "" {
		if v := sn.match("", addr, host, ""); v != nil {
			r.Source = v.ID
		}
	}
	if v := sn.sources[r.Source]; v != nil {
		take(v.System, BySource)
		r.Demo = v.Demo
	}
	var asset *soc.Asset
	vouched := sensor != "" || vouches(sn.sources[r.Source])
	if !vouched {
		ips = nil // as good as the name: the sender's own word
	}
	if host != "" {
		if a := sn.host(host); a != nil {
			if vouched || sn.from(addr, a.System) {
				asset = a
				take(a.System, ByHost)
			} else if a.System != r.System {
				r.Conflict, r.ConflictBy = a.System, ByHost
			}
		}
	}
	if asset == nil {
		a := sn.network(ips, addr)
		switch {
		case a != nil:
			asset = a
			take(a.System, ByNetwork)
		case addr.IsLoopback() && r.By == ByNone:
			take(sn.self, ByNetwork)
		}
	}
	if asset != nil && asset.System == r.System {
		r.Asset, r.Zone = asset.ID, asset.Zone
	}
	if v := sn.systems[r.System]; v != nil {
		r.Unit, r.Level, r.Exposure, r.Demo = v.Unit, v.Level, v.Placement, r.Demo || v.Demo
	}
	return r
}

// from reports whether an address is one of a system: in an asset's network, or of this machine.
func (sn *Snapshot) from(peer netip.Addr, system string) bool {
	at := sn.network(nil, peer)
	return at != nil && at.System == system || at == nil && peer.IsLoopback() && system == sn.self
}

// vouches reports whether a source's word counts for the hosts it names: a person declared or confirmed it, as a relay or as a host's
// own, or it proves itself by certificate or key, or it is what this machine reads itself.
func vouches(v *soc.Source) bool {
	return v != nil && (!v.Auto || v.Sensor != "" || len(v.Keys) > 0 || v.Kind == soc.SourceImport || v.Kind == soc.SourceSelf)
}

func (sn *Snapshot) host(folded string) *soc.Asset {
	if a := sn.hosts[folded]; a != nil {
		return a
	}
	// One side may write the full name and the other the short one; a short name two systems share decides nothing.
	short, _, full := strings.Cut(folded, ".")
	if full {
		return sn.hosts[short]
	}
	return sn.shorts[folded]
}

// network is the asset with the longest prefix around the host's own addresses, else around the peer. Loopback and link-local
// addresses, which agents list among a host's own, say nothing.
func (sn *Snapshot) network(ips []netip.Addr, peer netip.Addr) *soc.Asset {
	for _, l := range sn.bits {
		for _, ip := range ips {
			ip = ip.Unmap()
			if ip.IsLoopback() || ip.IsLinkLocalUnicast() {
				continue
			}
			if a := sn.at(ip, l); a != nil {
				return a
			}
		}
	}
	if !peer.IsValid() {
		return nil
	}
	for _, l := range sn.bits {
		if a := sn.at(peer, l); a != nil {
			return a
		}
	}
	return nil
}

func (sn *Snapshot) at(ip netip.Addr, l prefixLen) *soc.Asset {
	if !ip.IsValid() || ip.Is6() != l.v6 {
		return nil
	}
	p, err := ip.WithZone("").Prefix(l.bits)
	if err != nil {
		return nil
	}
	return sn.networks[p]
}

// Seen is what intake knows of a sender.
type Seen struct {
	Kind    string // soc.Source…
	Peer    string // address without port
	Host    string // host name in the header
	Dataset string // as the sender names it
	Sensor  string // from its certificate
	Name    string // for imports and files, which have no peer: their name is what binds them
}

// FindSource finds the source of a sender, and none while its name cannot be looked up (EnsureSource says why): by sensor, else the most
// specific binding (host before dataset before address).
func (sn *Snapshot) FindSource(k Seen) (soc.Source, bool) {
	k, err := sn.names.seen(k)
	if err != nil {
		return soc.Source{}, false
	}
	var v *soc.Source
	switch {
	case k.Sensor != "":
		v = sn.sensors[k.Sensor]
	default:
		if k.Name != "" {
			for _, w := range sn.wide {
				if w.Kind == k.Kind && w.Name == k.Name && w.Address == "" {
					return *w, true
				}
			}
			for _, w := range sn.byHost[k.Host] {
				if w.Kind == k.Kind && w.Name == k.Name {
					return *w, true
				}
			}
			return soc.Source{}, false
		}
		peer, err := netip.ParseAddr(k.Peer)
		if err != nil {
			peer = netip.Addr{}
		}
		v = sn.match(k.Kind, peer.Unmap(), k.Host, k.Dataset)
	}
	if v == nil {
		return soc.Source{}, false
	}
	return *v, true
}

func (sn *Snapshot) match(kind string, peer netip.Addr, host, dataset string) *soc.Source {
	var best *soc.Source
	score := 0
	try := func(v *soc.Source) {
		if kind != "" && v.Kind != kind {
			return
		}
		n := 0
		if v.Host != "" {
			if v.Host != host {
				return
			}
			n += 1000
		}
		if v.Dataset != "" && dataset != "" {
			if v.Dataset != dataset {
				return
			}
			n += 500
		}
		if v.Address != "" {
			p, ok := prefix(v.Address)
			if !ok || !peer.IsValid() || !p.Contains(peer.WithZone("")) {
				return
			}
			n += 1 + p.Bits()
		}
		if n > score {
			best, score = v, n
		}
	}
	if host != "" {
		for _, v := range sn.byHost[host] {
			try(v)
		}
	}
	if peer.IsValid() {
		for _, v := range sn.byPeer[peer] {
			try(v)
		}
	}
	for _, v := range sn.wide {
		try(v)
	}
	return best
}

// foldHost is a host name as assets keep it.
func foldHost(host string) string {
	host = strings.TrimSuffix(host, ".")
	for i := range len(host) {
		if c := host[i]; c >= 'A' && c <= 'Z' || c >= 0x80 || c == ' ' || c == '\t' {
			return strings.ToLower(strings.TrimSpace(host))
		}
	}
	return host
}

// prefix reads an address or CIDR; an address is a prefix of its full length.
func prefix(s string) (netip.Prefix, bool) {
	if s == "" {
		return netip.Prefix{}, false
	}
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

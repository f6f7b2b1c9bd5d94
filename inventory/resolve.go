package inventory

import (
	"net/netip"
	"strings"

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

package inventory

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"hoalu/soc"
)

// EnsureSource finds the source of a sender, or registers it: NG- number, Auto set, no system yet, so that host name and network
// decide. It costs no SQL for a sender already known and may be called for every message. Past Config.MaxAuto the senders of a kind
// share one source, so that a sender that invents names cannot fill the inventory.
func (s *Store) EnsureSource(ctx context.Context, k Seen) (soc.Source, error) {
	if v, ok := s.Snapshot().FindSource(k); ok {
		return v, nil
	}
	if v := s.Snapshot().overflow(k.Kind, s.c.MaxAuto); v != nil { // forged senders without end must not cost a transaction each
		return *v, nil
	}
	var found soc.Source
	err := s.change(ctx, Machine, func(c *change) error {
		if v, ok := c.base.FindSource(k); ok {
			found = v
			return nil
		}
		v := autoSource(k)
		if c.base.auto >= s.c.MaxAuto {
			if o := c.base.overflow(k.Kind, s.c.MaxAuto); o != nil {
				found = *o
				return nil
			}
			v = soc.Source{Kind: k.Kind, Name: overflowName(k.Kind), Auto: true, Layers: []string{}}
		}
		var err error
		found, err = c.addSource(v)
		return err
	})
	if err != nil {
		return soc.Source{}, fmt.Errorf("register source: %w", err)
	}
	return found, nil
}

// overflow is the source of those past the bound; nil below it, or while nobody came.
func (sn *Snapshot) overflow(kind string, bound int) *soc.Source {
	if sn.auto < bound {
		return nil
	}
	return sn.rest[kind]
}

func overflowName(kind string) string {
	return "Nguồn chưa khai vượt giới hạn (" + kind + ")"
}

func autoSource(k Seen) soc.Source {
	v := soc.Source{Kind: k.Kind, Host: clip(foldHost(k.Host), 253), Dataset: clip(k.Dataset, 100), Sensor: k.Sensor, Auto: true, Layers: []string{}}
	if a, err := netip.ParseAddr(k.Peer); err == nil {
		v.Address = a.Unmap().WithZone("").String()
	}
	var parts []string
	for _, p := range []string{clip(k.Name, 150), k.Sensor, v.Host, v.Address} {
		if p != "" && !slices.Contains(parts, p) {
			parts = append(parts, p)
		}
		if len(parts) == 2 {
			break
		}
	}
	if v.Dataset != "" {
		parts = append(parts, v.Dataset)
	}
	if k.Name != "" {
		v.Name = clip(k.Name, 200) // it is what binds the source
		v.Address = ""
	} else {
		v.Name = clip(strings.Join(parts, " · "), 200)
	}
	if v.Name == "" {
		v.Name = k.Kind
	}
	return v
}

// clip cuts s to n bytes at a character and leaves out control characters: names of sources are seen by people.
func clip(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	for i := range s {
		if i > n {
			return s[:prev(s, i)]
		}
	}
	if len(s) > n {
		return s[:prev(s, len(s))]
	}
	return s
}

// prev is where the character before i begins.
func prev(s string, i int) int {
	for i--; i > 0 && s[i]&0xc0 == 0x80; i-- {
	}
	return i
}

// Names of the appliance's own entries.
const (
	selfUnit   = "Đơn vị vận hành Hoa Lư"
	selfSystem = "Hoa Lư (thiết bị này)"
	selfSource = "Hoa Lư"
)

// EnsureSelf makes sure that this appliance is in its own inventory, so that the first event of this host has a system: a unit, a
// system, its host name and addresses as assets, and the source of its own events (decision 18). Called at every start; host names
// and addresses that are new are added. It returns the system and the source of the product's own events.
func (s *Store) EnsureSelf(ctx context.Context, host string, addrs []netip.Addr) (soc.System, soc.Source, error) {
	var system soc.System
	var source soc.Source
	err := s.change(ctx, Machine, func(c *change) error {
		for _, id := range ids(c.base.sources) {
			if v := c.base.sources[id]; v.Kind == soc.SourceSelf && v.System != "" {
				source, system = *v, *c.base.systems[v.System]
				break
			}
		}
		if source.ID == "" {
			u, err := c.addUnit(soc.Unit{Name: selfUnit, Kind: "other"})
			if err != nil {
				return err
			}
			if system, err = c.addSystem(soc.System{Name: selfSystem, Unit: u.ID, Placement: soc.PlacementDataCentre, Basis: "tcvn14423"}); err != nil {
				return err
			}
			source, err = c.addSource(soc.Source{Name: selfSource, Kind: soc.SourceSelf, System: system.ID, ExpectEvery: 5 * 60_000,
				TrustLogsource: true, Layers: []string{}})
			if err != nil {
				return err
			}
		}
		return c.ownHost(system.ID, foldHost(host), addrs)
	})
	if err != nil {
		return soc.System{}, soc.Source{}, fmt.Errorf("register this appliance: %w", err)
	}
	return system, source, nil
}

// ownHost adds what is not yet anybody's.
func (c *change) ownHost(system, host string, addrs []netip.Addr) error {
	taken := map[netip.Prefix]bool{}
	named := host == "" || !hostName.MatchString(host)
	for _, a := range c.base.assets {
		if p, ok := prefix(a.Address); ok {
			taken[p] = true
		}
		named = named || a.Host == host
	}
	var own []string
	for _, a := range addrs {
		a = a.Unmap().WithZone("")
		p := netip.PrefixFrom(a, a.BitLen())
		if !a.IsValid() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || taken[p] {
			continue
		}
		taken[p] = true
		own = append(own, a.String())
	}
	if !named {
		first := soc.Asset{System: system, Host: host, Kind: "server", Zone: "soc"}
		if len(own) > 0 {
			first.Address, own = own[0], own[1:]
		}
		if _, err := c.addAsset(first); err != nil {
			return err
		}
	}
	for _, a := range own {
		if _, err := c.addAsset(soc.Asset{System: system, Address: a, Kind: "server", Zone: "soc"}); err != nil {
			return err
		}
	}
	return nil
}

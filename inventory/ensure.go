package inventory

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"hoalu/soc"
)

// EnsureSource finds the source of a sender, or registers it: NG- number, Auto set, no system yet, so that network and a person's
// confirmation decide. It costs no SQL for a sender already known and may be called for every message.
//
// A sender that invents names cannot fill the register, nor take the place of those that are in it. One address registers a limited
// share of Config.MaxAuto, one network (/24, /64) another, and all together so many an hour; past a share the senders of that address
// are one source, past the rest those of a kind are. When there is room again each is registered with its next message.
func (s *Store) EnsureSource(ctx context.Context, k Seen) (soc.Source, error) {
	k, err := names(s.c.Protect).seen(k)
	if err != nil {
		return soc.Source{}, fmt.Errorf("register source: %w", err)
	}
	sn := s.Snapshot()
	if v, ok := sn.FindSource(k); ok {
		return v, nil
	}
	place := s.quota.place(sn, k, s.c.MaxAuto, time.Now())
	if v := sn.rest[place.rest(k)]; v != nil && place != placeOwn { // forged senders without end must not cost a transaction each
		return *v, nil
	}
	var found soc.Source
	err = s.change(ctx, soc.Machine, func(c *change) error {
		if v, ok := c.base.FindSource(k); ok {
			found = v
			return nil
		}
		v := autoSource(k)
		if place != placeOwn {
			key := place.rest(k)
			if o := c.base.rest[key]; o != nil {
				found = *o
				return nil
			}
			v = soc.Source{Kind: k.Kind, Name: key, Auto: true, Layers: []string{}}
			if place == placeAddress {
				v.Address = peerOf(k).String()
			}
		}
		var err error
		found, err = c.addSource(v)
		return err
	})
	if err != nil {
		return soc.Source{}, fmt.Errorf("register source: %w", err)
	}
	if place == placeOwn {
		s.quota.took()
	}
	return found, nil
}

// place says what a new sender becomes: a source of its own, one with the others of its address, or one with those of its kind.
type place int

const (
	placeOwn place = iota
	placeAddress
	placeKind
)

// rest is the name of the source that a sender shares: it binds it.
func (p place) rest(k Seen) string {
	if p == placeAddress {
		return overflowName(k.Kind) + " · " + peerOf(k).String()
	}
	return overflowName(k.Kind)
}

func overflowName(kind string) string {
	return "Nguồn chưa khai vượt giới hạn (" + kind + ")"
}

// quota bounds how many sources are registered by themselves in a time: a bucket of burst, one more every so often.
type quota struct {
	mu   sync.Mutex
	left float64
	at   time.Time
}

// Shares of MaxAuto (own figures; with 5,000: 62 of an address, 500 of a network, 2,000 at once and 625 more an hour).
func shares(most int) (address, network, burst int, hourly float64) {
	return max(8, most/80), max(8, most/10), max(32, most*2/5), max(8, float64(most)/8)
}

func (q *quota) place(sn *Snapshot, k Seen, most int, now time.Time) place {
	if k.Sensor != "" { // an enrolled sensor proved itself
		return placeOwn
	}
	if sn.auto >= most {
		return placeKind
	}
	if k.Name != "" { // this machine's own files and imports
		return placeOwn
	}
	address, network, burst, hourly := shares(most)
	if peer := peerOf(k); peer.IsValid() {
		if sn.autoOf[netip.PrefixFrom(peer, peer.BitLen())] >= address {
			return placeAddress
		}
		if sn.autoOf[around(peer)] >= network {
			return placeKind
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.at.IsZero() {
		q.left = float64(burst)
	} else if gone := now.Sub(q.at); gone > 0 {
		q.left = min(float64(burst), q.left+gone.Hours()*hourly)
	}
	q.at = now
	if q.left < 1 {
		return placeKind
	}
	return placeOwn
}

func (q *quota) took() {
	q.mu.Lock()
	q.left--
	q.mu.Unlock()
}

// peerOf is the address a sender was seen at; invalid where there is none.
func peerOf(k Seen) netip.Addr {
	a, err := netip.ParseAddr(k.Peer)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

// around is the network that one sender can be taken to hold.
func around(a netip.Addr) netip.Prefix {
	bits := 24
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) //nolint:errcheck // the length fits
	return p
}

func autoSource(k Seen) soc.Source {
	v := soc.Source{Kind: k.Kind, Host: clip(k.Host, 253), Dataset: clip(k.Dataset, 100), Sensor: k.Sensor, Auto: true, Layers: []string{}}
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
	host, err := names(s.c.Protect).host(host)
	if err != nil {
		return soc.System{}, soc.Source{}, fmt.Errorf("register this appliance: %w", err)
	}
	err = s.change(ctx, soc.Machine, func(c *change) error {
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
			if system, err = c.addSystem(soc.System{Name: selfSystem, Unit: u.ID, Placement: soc.PlacementDataCentre,
				Basis: "tcvn14423"}); err != nil {
				return err
			}
			source, err = c.addSource(soc.Source{Name: selfSource, Kind: soc.SourceSelf, System: system.ID, ExpectEvery: 5 * 60_000,
				TrustLogsource: true, Layers: []string{}})
			if err != nil {
				return err
			}
		}
		return c.ownHost(system.ID, host, addrs)
	})
	if err != nil {
		return soc.System{}, soc.Source{}, fmt.Errorf("register this appliance: %w", err)
	}
	return system, source, nil
}

// ownHost adds what is not yet anybody's.
func (c *change) ownHost(system, host string, addrs []netip.Addr) error {
	taken := map[netip.Prefix]bool{}
	named := host == "" || !isHost(host)
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

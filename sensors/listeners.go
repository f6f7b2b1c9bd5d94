package sensors

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// ownFor is how long this host's addresses are taken to be what they were: a flood to the ports below must not ask the kernel each time.
const ownFor = 10 * time.Second

// OwnListeners says of an address whether one of this process's own listeners has it: the process holds the socket, so nobody else can
// answer there. A listener on every address (0.0.0.0, ::) has the addresses of this host alone; the same port elsewhere is another's.
// The function is safe for concurrent use.
func OwnListeners(listeners ...net.Addr) func(netip.AddrPort) bool {
	return ownListeners(time.Now, net.InterfaceAddrs, listeners)
}

func ownListeners(now func() time.Time, hostAddrs func() ([]net.Addr, error), listeners []net.Addr) func(netip.AddrPort) bool {
	ports := map[uint16][]netip.Addr{}
	for _, l := range listeners {
		if l == nil {
			continue
		}
		if ap, err := netip.ParseAddrPort(l.String()); err == nil {
			ports[ap.Port()] = append(ports[ap.Port()], ap.Addr().Unmap())
		}
	}
	type known struct {
		at    time.Time
		addrs map[netip.Addr]bool
	}
	var host atomic.Pointer[known]
	ofHost := func(a netip.Addr) bool {
		if a.IsLoopback() {
			return true
		}
		k := host.Load()
		if k == nil || now().Sub(k.at) >= ownFor {
			k = &known{now(), map[netip.Addr]bool{}}
			list, err := hostAddrs()
			if err != nil {
				list = nil // cannot be told: then nothing is left out
			}
			for _, x := range list {
				if n, ok := x.(*net.IPNet); ok {
					if ip, ok := netip.AddrFromSlice(n.IP); ok {
						k.addrs[ip.Unmap()] = true
					}
				}
			}
			host.Store(k)
		}
		return k.addrs[a]
	}
	return func(a netip.AddrPort) bool {
		for _, l := range ports[a.Port()] {
			if l == a.Addr().Unmap() || l.IsUnspecified() && ofHost(a.Addr().Unmap().WithZone("")) {
				return true
			}
		}
		return false
	}
}

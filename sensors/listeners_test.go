package sensors

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"
)

// TestOwnListeners: only what this process holds is its own; a port of the same number on another machine is not, nor anything where
// this host's addresses cannot be told.
func TestOwnListeners(t *testing.T) {
	host := []net.Addr{&net.IPNet{IP: net.ParseIP("10.20.0.5"), Mask: net.CIDRMask(24, 32)},
		&net.IPNet{IP: net.ParseIP("fe80::1"), Mask: net.CIDRMask(64, 128)}}
	var fails error
	asked, at := 0, time.Unix(0, 0)
	own := ownListeners(func() time.Time { return at }, func() ([]net.Addr, error) { asked++; return host, fails },
		[]net.Addr{&net.TCPAddr{IP: net.ParseIP("127.0.0.1"), Port: 8080}, &net.TCPAddr{IP: net.IPv6unspecified, Port: 8443}, nil})
	check := func(a string, want bool) {
		t.Helper()
		if got := own(netip.MustParseAddrPort(a)); got != want {
			t.Errorf("own(%s) = %v, want %v", a, got, want)
		}
	}
	check("127.0.0.1:8080", true)
	check("[::ffff:127.0.0.1]:8080", true)
	check("10.20.0.5:8080", false) // it listens on loopback alone
	check("127.0.0.1:8081", false)
	check("127.0.0.1:8443", true)
	check("10.20.0.5:8443", true)
	check("[fe80::1%eth0]:8443", true)
	check("10.20.0.9:8443", false) // another machine's service
	if asked != 1 {
		t.Errorf("the kernel was asked %d times within the same second, want once", asked)
	}
	at = at.Add(ownFor)
	fails = errors.New("no netlink")
	check("10.20.0.5:8443", false)
}

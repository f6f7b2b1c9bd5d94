package listen

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
)

func TestErrorsSayWhatToDo(t *testing.T) {
	l, err := TCP("syslog over TCP", "listen.syslog_tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, tc := range []struct {
		addr string
		want error
		says string
	}{
		{l.Addr().String(), syscall.EADDRINUSE, "stop it, or set listen.syslog_tcp to a free one"},
		{"198.51.100.1:0", syscall.EADDRNOTAVAIL, "this machine has no such address"},
		{"127.0.0.1:99999", nil, "check the address under listen.syslog_tcp"},
	} {
		_, err := TCP("syslog over TCP", "listen.syslog_tcp", tc.addr)
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("TCP(%s): %v, want one that says %q", tc.addr, err, tc.says)
		}
	}
	if err := explain("x", "k", "a", syscall.EACCES); !strings.Contains(err.Error(), "CAP_NET_BIND_SERVICE") {
		t.Errorf("no permission: %v", err)
	}
}

func TestPeerAllowedLoopback(t *testing.T) {
	if got := Peer(&net.TCPAddr{IP: net.ParseIP("::ffff:10.0.0.1"), Port: 5}); got != "10.0.0.1" {
		t.Errorf("Peer of a mapped address = %q", got)
	}
	if got := PeerOf("[fe80::1%eth0]:9"); got != "fe80::1" {
		t.Errorf("PeerOf with a zone = %q", got)
	}
	nets := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for peer, want := range map[string]bool{"10.9.9.9": true, "11.0.0.1": false, "2001:db8::5": true, "": false, "x": false} {
		if Allowed(nets, peer) != want {
			t.Errorf("Allowed(%q) = %v", peer, !want)
		}
	}
	if !Allowed(nil, "11.0.0.1") {
		t.Error("no networks must allow everybody")
	}
	for addr, want := range map[string]bool{"127.0.0.1:1": true, "[::1]:1": true, "localhost:1": true, ":1": false, "0.0.0.0:1": false,
		"10.0.0.1:1": false, "x": false} {
		if Loopback(addr) != want {
			t.Errorf("Loopback(%q) = %v", addr, !want)
		}
	}
}

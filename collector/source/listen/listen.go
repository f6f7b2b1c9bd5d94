// Package listen opens the sockets of listeners, with errors that say what is wrong and what to do, knows who may send, and
// keeps one address from taking what all share: connections (Guard), memory of what is being read (Budget), places of bodies (Slots).
// Serve stops a server of HTTP with grace.
//
// Contract: everything is safe for concurrent use. Errors wrap those of net and syscall.
package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// TCP opens a TCP socket for what ("syslog over TCP"); key is the configuration key a person would change.
func TCP(what, key, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, explain(what, key, addr, err)
	}
	return l, nil
}

// UDP opens a UDP socket.
func UDP(what, key, addr string) (*net.UDPConn, error) {
	a, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, explain(what, key, addr, err)
	}
	c, err := net.ListenUDP("udp", a)
	if err != nil {
		return nil, explain(what, key, addr, err)
	}
	return c, nil
}

// Closed is the error of closing a socket, nil where it was closed before.
func Closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func explain(what, key, addr string, err error) error {
	do := "check the address under " + key
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		do = fmt.Sprintf("another program has this port (see: ss -lntup); stop it, or set %s to a free one", key)
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		do = fmt.Sprintf("ports below 1024 need a right: run as the service (CAP_NET_BIND_SERVICE), or set %s to a port above 1023", key)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		do = fmt.Sprintf("this machine has no such address (see: ip address); set %s to one it has", key)
	}
	return fmt.Errorf("listen for %s on %s: %w; %s", what, addr, err, do)
}

// Peer is the address of a without port and zone, IPv4 in its own form.
func Peer(a net.Addr) string {
	switch a := a.(type) {
	case *net.TCPAddr:
		return text(a.AddrPort().Addr())
	case *net.UDPAddr:
		return text(a.AddrPort().Addr())
	case nil:
		return ""
	}
	return PeerOf(a.String())
}

// PeerOf is Peer of host:port text.
func PeerOf(addr string) string {
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		return text(ap.Addr())
	}
	if host, _, err := net.SplitHostPort(addr); err == nil {
		return host
	}
	return addr
}

func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.Unmap().WithZone("").String()
}

// Allowed says whether peer is in one of the networks; no networks allow everybody.
func Allowed(networks []netip.Prefix, peer string) bool {
	if len(networks) == 0 {
		return true
	}
	a, err := netip.ParseAddr(peer)
	if err != nil {
		return false
	}
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// Loopback says whether addr (host:port) can be reached from this machine only.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// Serve runs srv, which serve starts, until ctx ends; what says in an error what was served. Requests that run then have grace to end, and
// are cut off after it.
func Serve(ctx context.Context, what string, srv *http.Server, serve func() error, grace time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- serve() }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve %s: %w", what, err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if srv.Shutdown(stop) != nil { // out of time
		srv.Close()
	}
	<-ended
	return nil
}

// Package socket watches TCP connections this host opens and ports it begins to listen on (inet_sock_set_state), kernel 5.15 on.
package socket

import (
	"context"
	_ "embed"
	"encoding/binary"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"hoalu/ecs"
	"hoalu/sensors/bpf/attach"
)

//go:embed socket.bpf.o
var object []byte

// Size of struct record in socket.bpf.c; fields at the offsets decode reads.
const recordSize, offPlace = 120, 96

// Probe watches sockets.
type Probe struct {
	*attach.Probe
	host  string
	homes *attach.Homes
}

// New returns the probe; host is host.name of its records.
func New(host string) *Probe {
	return &Probe{attach.New(attach.Spec{Name: "socket", Object: object, Programs: []string{"on_state"}}), host, attach.NewHomes()}
}

// Run watches until ctx ends; emit gets flat ECS records that are good until it returns.
func (p *Probe) Run(ctx context.Context, ready func(), emit func(record []byte)) error {
	return p.Probe.Records(ctx, ready, p.decode, emit)
}

func (p *Probe) decode(e *ecs.Event, b []byte, clock *attach.Clock) bool {
	if len(b) < recordSize {
		return false
	}
	le := binary.LittleEndian
	kind, pid, ppid, uid := le.Uint32(b[8:]), le.Uint32(b[12:]), le.Uint32(b[16:]), le.Uint32(b[20:])
	family, lport, rport := le.Uint16(b[24:]), le.Uint16(b[26:]), binary.BigEndian.Uint16(b[28:])
	var local, remote netip.Addr
	if family == unix.AF_INET6 {
		local, remote = netip.AddrFrom16([16]byte(b[32:48])).Unmap(), netip.AddrFrom16([16]byte(b[48:64])).Unmap()
	} else {
		local, remote = netip.AddrFrom4([4]byte(b[32:36])), netip.AddrFrom4([4]byte(b[48:52]))
	}
	e.Time = clock.Unix(le.Uint64(b))
	e.AddString(ecs.EventKind, "event")
	e.AddString(ecs.EventCategory, "network")
	e.AddString(ecs.EventModule, "hoalu")
	e.AddString(ecs.EventDataset, "hoalu.socket")
	if p.host != "" {
		e.AddString(ecs.HostName, p.host)
	}
	e.AddInt(ecs.ProcessPID, int64(pid))
	e.AddString(ecs.ProcessName, attach.Text(b[64:80]))
	e.AddInt(ecs.ParentPID, int64(ppid))
	e.AddString(ecs.ParentName, attach.Text(b[80:96]))
	e.AddString(ecs.UserID, strconv.FormatUint(uint64(uid), 10))
	p.homes.Of(attach.PlaceAt(b[offPlace:]), pid).AddTo(e)
	e.AddString(ecs.NetTransport, "tcp")
	netType := "ipv4"
	if local.Is6() || remote.Is6() {
		netType = "ipv6"
	}
	e.AddString(ecs.NetType, netType)
	switch kind {
	case 1:
		e.AddString(ecs.EventType, "connection")
		e.AddString(ecs.EventType, "start")
		e.AddString(ecs.EventAction, "connect")
		e.AddString(ecs.NetDirection, "egress")
		if !local.IsUnspecified() {
			e.AddString(ecs.SourceIP, local.String())
		}
		if lport != 0 {
			e.AddInt(ecs.SourcePort, int64(lport))
		}
		e.AddString(ecs.DestIP, remote.String())
		e.AddInt(ecs.DestPort, int64(rport))
		e.SetLogsource("linux", "", "network_connection")
	case 2:
		e.AddString(ecs.EventType, "start")
		e.AddString(ecs.EventAction, "listen")
		e.AddString(ecs.NetDirection, "ingress")
		e.AddString(ecs.DestIP, local.String())
		e.AddInt(ecs.DestPort, int64(lport))
		e.SetLogsource("linux", "hoalu_socket", "network_listen")
	default:
		return false
	}
	return true
}

package packet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"hoalu/internal/wording"
)

// ring is one AF_PACKET socket with its TPACKET_V3 blocks (Documentation/networking/packet_mmap.rst). The kernel fills a block, sets
// TP_STATUS_USER in its header, and waits for the reader to clear it; a full ring drops and counts (tp_drops). tp_packets counts what
// was dropped too.
type ring struct {
	fd      int
	mem     []byte
	block   int
	blocks  int
	next    int
	link    uint32
	ifindex int
}

func (r *ring) close() {
	if r.mem != nil {
		_ = unix.Munmap(r.mem) // the socket goes away with it
	}
	_ = unix.Close(r.fd)
}

// Live captures until ctx ends, then reads what the rings still hold, ends all flows and returns nil. Its errors before capture begins are
// *LiveError.
func Live(ctx context.Context, cfg LiveConfig, a *Analyzer) error {
	cfg = cfg.withDefaults()
	rings, err := openRings(cfg)
	if err != nil {
		return err
	}
	defer closeRings(rings)
	// before reading, so that a stop cannot come between a look at ctx and the wait
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return liveError(SystemError, "eventfd", err, wording.New("see the system's log"))
	}
	defer unix.Close(wake)
	stop := context.AfterFunc(ctx, func() {
		one := [8]byte{1}
		_, _ = unix.Write(wake, one[:]) // only a full counter could fail: then it wakes anyway
	})
	defer stop()
	poll := make([]unix.PollFd, 0, len(rings)+1)
	for _, r := range rings {
		poll = append(poll, unix.PollFd{Fd: int32(r.fd), Events: unix.POLLIN | unix.POLLERR})
	}
	poll = append(poll, unix.PollFd{Fd: int32(wake), Events: unix.POLLIN})
	if cfg.Ready != nil {
		cfg.Ready()
	}
	if err := a.capture(ctx, rings, poll); err != nil {
		return err
	}
	a.drainRings(rings, poll[:len(rings)], cfg.Retire)
	a.collect(rings)
	a.Flush()
	return nil
}

func (cfg LiveConfig) withDefaults() LiveConfig {
	if cfg.RingBytes <= 0 {
		cfg.RingBytes = 64 << 20
	}
	if cfg.BlockBytes <= 0 {
		cfg.BlockBytes = 128 << 10
	}
	page := os.Getpagesize()
	cfg.BlockBytes = (cfg.BlockBytes + page - 1) / page * page
	if cfg.Retire <= 0 {
		cfg.Retire = 40 * time.Millisecond
	}
	return cfg
}

// openRings opens a ring for each interface that cfg names; with an error none stays open.
func openRings(cfg LiveConfig) (rings []*ring, err error) {
	for _, name := range strings.Split(cfg.Interface, ",") {
		r, err := openRing(strings.TrimSpace(name), cfg)
		if err != nil {
			closeRings(rings)
			return nil, err
		}
		rings = append(rings, r)
	}
	return rings, nil
}

func closeRings(rings []*ring) {
	for _, r := range rings {
		r.close()
	}
}

// capture reads the rings until ctx ends. poll waits for them, in their order, and last for the wake-up of a stop.
func (a *Analyzer) capture(ctx context.Context, rings []*ring, poll []unix.PollFd) error {
	last := time.Now()
	for ctx.Err() == nil {
		got := false
		for _, r := range rings {
			for n := 0; n < r.blocks && ctx.Err() == nil; n++ { // at most once around, for the others' sake
				if !r.read(a) {
					break
				}
				got = true
			}
		}
		if now := time.Now(); now.Sub(last) >= time.Second {
			last = now
			a.collect(rings)
			a.Tick(now.UnixNano())
		}
		if got {
			continue
		}
		for i := range poll {
			poll[i].Revents = 0
		}
		if _, err := unix.Poll(poll, 1000); err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("capture packets: poll: %w", err)
		}
		for i := range rings {
			if poll[i].Revents&unix.POLLERR != 0 {
				// an interface went down: read the error off the socket and go on, it may come back
				if n, err := unix.GetsockoptInt(rings[i].fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && n != 0 && unix.Errno(n) != unix.ENETDOWN {
					return fmt.Errorf("capture packets: %w", unix.Errno(n))
				}
			}
		}
	}
	return nil
}

// drainRings stops the kernel from adding to the rings, lets it hand over the blocks it has begun (retire after their first packet) and
// reads all. poll waits for the rings.
func (a *Analyzer) drainRings(rings []*ring, poll []unix.PollFd, retire time.Duration) {
	for _, r := range rings {
		r.mute()
	}
	deadline := time.Now().Add(4 * retire)
	for {
		got := false
		for _, r := range rings {
			for r.read(a) {
				got = true
			}
		}
		if got {
			continue
		}
		if time.Now().After(deadline) {
			return
		}
		if _, err := unix.Poll(poll, int(retire.Milliseconds())+1); err != nil && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// collect adds the kernel's counters, which reading resets.
func (a *Analyzer) collect(rings []*ring) {
	for _, r := range rings {
		if st, err := unix.GetsockoptTpacketStatsV3(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			a.n.Received += uint64(st.Packets)
			a.n.KernelDrops += uint64(st.Drops)
			a.n.KernelFreeze += uint64(st.Freeze_q_cnt)
		}
	}
}

// liveError says which call of the kernel (a name out of its manual) was refused, and why.
func liveError(why Why, call string, err error, do *wording.Problem) *LiveError {
	return &LiveError{why, wording.Because(err, "the kernel refuses %s: %s", call, wording.Of(err)), do, err}
}

func openRing(name string, cfg LiveConfig) (*ring, error) {
	ifindex := 0
	if name != "" && name != "any" {
		i, err := net.InterfaceByName(name)
		if err != nil {
			return nil, &LiveError{NoInterface, wording.New("there is no network interface %q", name),
				wording.New("choose one of the interfaces of this host (%s) or any", interfaces()), err}
		}
		ifindex = i.Index
	}
	// protocol 0: nothing arrives before the ring stands and the socket is bound
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			return nil, liveError(NotPermitted, "AF_PACKET", err, wording.New(
				"run as root, or allow it once with: setcap cap_net_raw+ep $(command -v hoalu); in systemd AmbientCapabilities=CAP_NET_RAW, in a container --cap-add NET_RAW"))
		}
		return nil, liveError(SystemError, "AF_PACKET", err, wording.New("the kernel needs AF_PACKET (CONFIG_PACKET)"))
	}
	r := &ring{fd: fd, block: cfg.BlockBytes, blocks: max(cfg.RingBytes/cfg.BlockBytes, 2), link: LinkEthernet, ifindex: ifindex}
	fail := func(why Why, what string, err error, do *wording.Problem) (*ring, error) {
		r.close()
		return nil, liveError(why, what, err, do)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return fail(OldKernel, "TPACKET_V3", err, wording.New("TPACKET_V3 needs Linux 3.2 or later"))
	}
	const frame = 2048
	req := unix.TpacketReq3{
		Block_size: uint32(r.block), Block_nr: uint32(r.blocks), Frame_size: frame, Frame_nr: uint32(r.block / frame * r.blocks),
		Retire_blk_tov: uint32(max(cfg.Retire.Milliseconds(), 1)),
	}
	if err := unix.SetsockoptTpacketReq3(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		if errors.Is(err, unix.ENOMEM) {
			return fail(NoMemory, fmt.Sprintf("PACKET_RX_RING (%d MiB)", cfg.RingBytes>>20), err, wording.New("make the ring smaller"))
		}
		return fail(SystemError, "PACKET_RX_RING", err, wording.New("see the system's log"))
	}
	if r.mem, err = unix.Mmap(fd, 0, r.block*r.blocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fail(NoMemory, "mmap", err, wording.New("make the ring smaller"))
	}
	if cfg.Promiscuous && ifindex != 0 {
		m := unix.PacketMreq{Ifindex: int32(ifindex), Type: unix.PACKET_MR_PROMISC}
		if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
			return fail(SystemError, "PACKET_ADD_MEMBERSHIP", err, wording.New("leave promiscuous mode off"))
		}
	}
	if err := r.filter(onceOnLoopback); err != nil {
		return fail(SystemError, "SO_ATTACH_FILTER", err, wording.New("see the system's log"))
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: ifindex}); err != nil {
		return fail(SystemError, "bind "+name, err, wording.New("is the interface up?"))
	}
	if cfg.Fanout != 0 {
		// symmetric for both directions of a flow, fragments together
		v := int(cfg.Fanout) | (unix.PACKET_FANOUT_HASH|unix.PACKET_FANOUT_FLAG_DEFRAG)<<16
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT, v); err != nil {
			return fail(SystemError, "PACKET_FANOUT", err, wording.New("give every capture of the group the same interfaces, or set no fanout"))
		}
	}
	return r, nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

func interfaces() string {
	l, err := net.Interfaces()
	if err != nil {
		return err.Error()
	}
	names := make([]string, len(l))
	for i := range l {
		names[i] = l[i].Name
	}
	return strings.Join(names, ", ")
}

// onceOnLoopback takes all but the sending side's copy of a packet on a loopback device, which shows each twice: half the ring.
// 0xfffff000 is SKF_AD_OFF, with 4 SKF_AD_PKTTYPE and 28 SKF_AD_HATYPE (linux/filter.h).
var onceOnLoopback = []unix.SockFilter{
	{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0xfffff000 + 4},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.PACKET_OUTGOING, Jf: 2},
	{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0xfffff000 + 28},
	{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.ARPHRD_LOOPBACK, Jt: 1},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
	{Code: unix.BPF_RET | unix.BPF_K, K: 0},
}

func (r *ring) filter(code []unix.SockFilter) error {
	return unix.SetsockoptSockFprog(r.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]})
}

// mute keeps the kernel from adding packets: a filter that takes none.
func (r *ring) mute() {
	_ = r.filter([]unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}}) // without it draining merely lasts longer
}

// read hands the packets of the next block to a and gives the block back; false when the kernel still has it.
func (r *ring) read(a *Analyzer) bool {
	b := r.mem[r.next*r.block : (r.next+1)*r.block]
	h := (*unix.TpacketHdrV1)(unsafe.Pointer(&b[8])) // after version and offset_to_priv
	if atomic.LoadUint32(&h.Block_status)&unix.TP_STATUS_USER == 0 {
		return false
	}
	at := h.Offset_to_first_pkt
	for n := h.Num_pkts; n > 0; n-- {
		p := (*unix.Tpacket3Hdr)(unsafe.Pointer(&b[at]))
		sll := (*unix.RawSockaddrLinklayer)(unsafe.Pointer(&b[at+unix.SizeofTpacket3Hdr]))
		data := b[at+uint32(p.Mac) : at+uint32(p.Mac)+p.Snaplen]
		t := int64(p.Sec)*1e9 + int64(p.Nsec)
		a.vlanTag = 0
		if p.Status&unix.TP_STATUS_VLAN_VALID != 0 {
			a.vlanTag = uint16(p.Hv1.Vlan_tci) & 0x0fff
		}
		a.Packet(linkOf(sll.Hatype), t, data, int(p.Len))
		a.vlanTag = 0
		at += p.Next_offset
	}
	atomic.StoreUint32(&h.Block_status, unix.TP_STATUS_KERNEL)
	r.next = (r.next + 1) % r.blocks
	return true
}

// linkOf maps a device's ARPHRD type to the link type of its packets: tunnels and their like have no link header.
func linkOf(hatype uint16) uint32 {
	switch hatype {
	case unix.ARPHRD_NONE, unix.ARPHRD_RAWIP, unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6, unix.ARPHRD_SIT, unix.ARPHRD_IPGRE, unix.ARPHRD_IP6GRE,
		unix.ARPHRD_VOID, unix.ARPHRD_PPP:
		return LinkRaw
	}
	return LinkEthernet
}

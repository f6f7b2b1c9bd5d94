package packet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hoalu/internal/needed"
)

// inNamespace runs f on a thread of its own in a new network namespace where lo is up; sockets made there stay there. It skips, with the
// reason, where that is not allowed.
func inNamespace(t *testing.T, f func()) {
	t.Helper()
	skip := make(chan string, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			skip <- fmt.Sprintf("new network namespace: %v (run as root)", err)
			return
		}
		if err := up("lo"); err != nil {
			skip <- fmt.Sprintf("lo up: %v", err)
			return
		}
		f()
		close(skip)
	}()
	if why := <-skip; why != "" {
		needed.Missing(t, "%s", why)
	}
}

func up(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r)
}

type liveResult struct {
	flows map[string]float64 // packets by "source port"
	other []string           // datasets of the rest
	stats Stats
	err   error
}

// live captures while send runs, on the caller's thread (and so in its namespace).
func live(cfg LiveConfig, send func() error) (r liveResult) {
	r.flows = map[string]float64{}
	a := NewAnalyzer(Config{Live: true}, func(b []byte, _ Class) {
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			r.err = fmt.Errorf("record %q: %w", b, err)
			return
		}
		if m["event.action"] == "flow_end" {
			r.flows[fmt.Sprint(m["source.port"])] += m["network.packets"].(float64)
		} else {
			r.other = append(r.other, fmt.Sprint(m["event.dataset"]))
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sent := make(chan error, 1)
	cfg.Ready = func() {
		go func() {
			sent <- send()
			cancel()
		}()
	}
	if err := Live(ctx, cfg, a); err != nil {
		r.err = err
		return r
	}
	if err := <-sent; err != nil {
		r.err = fmt.Errorf("send: %w", err)
	}
	r.stats = a.Stats()
	return r
}

// TestLiveLoopback: every datagram is in the flow or in tp_drops, to the packet, also when the ring is far too small.
func TestLiveLoopback(t *testing.T) {
	const n = 60_000
	for _, tt := range []struct {
		name string
		cfg  LiveConfig
		loss bool
	}{
		{"64 MiB", LiveConfig{Interface: "lo"}, false},
		{"any", LiveConfig{Interface: "any", RingBytes: 32 << 20}, false},
		{"two blocks", LiveConfig{Interface: "lo", RingBytes: 32 << 10, BlockBytes: 16 << 10}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inNamespace(t, func() {
				to, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9999})
				if err != nil {
					t.Error(err)
					return
				}
				defer to.Close()
				from, err := net.DialUDP("udp4", nil, to.LocalAddr().(*net.UDPAddr))
				if err != nil {
					t.Error(err)
					return
				}
				defer from.Close()
				msg := make([]byte, 200)
				from0 := time.Now()
				r := live(tt.cfg, func() error {
					for range n {
						if _, err := from.Write(msg); err != nil {
							return err
						}
					}
					return nil
				})
				took := time.Since(from0)
				if r.err != nil {
					t.Error(r.err)
					return
				}
				s := r.stats
				port := strings.TrimPrefix(from.LocalAddr().String(), "127.0.0.1:")
				t.Logf("%d sent in %v; tp_packets %d = packets %d + tp_drops %d; flow has %v", n, took.Round(time.Millisecond), s.Received, s.Packets,
					s.KernelDrops, r.flows[port])
				if s.Received != s.Packets+s.KernelDrops {
					t.Errorf("tp_packets %d ≠ packets %d + tp_drops %d", s.Received, s.Packets, s.KernelDrops)
				}
				if s.Received != n {
					t.Errorf("tp_packets %d, want %d: loopback shows each packet twice, and one is enough", s.Received, n)
				}
				if uint64(r.flows[port]) != s.Packets {
					t.Errorf("flow has %v packets of %d", r.flows[port], s.Packets)
				}
				if !tt.loss && s.KernelDrops != 0 {
					t.Errorf("%d packets lost in a large ring", s.KernelDrops)
				}
			})
		})
	}
}

// TestLiveStall: a reader that gets no CPU for 2 s loses nothing of light traffic in the sensor's ring, whose blocks the kernel closes by
// time, full or not.
func TestLiveStall(t *testing.T) {
	inNamespace(t, func() {
		to, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Error(err)
			return
		}
		defer to.Close()
		from, err := net.DialUDP("udp4", nil, to.LocalAddr().(*net.UDPAddr))
		if err != nil {
			t.Error(err)
			return
		}
		defer from.Close()
		a := NewAnalyzer(Config{Live: true}, func([]byte, Class) {})
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		sent := uint64(0)
		err = Live(ctx, LiveConfig{Interface: "any", RingBytes: 16 << 20, Ready: func() { // the reader begins when it returns
			for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
				if _, err := from.Write(make([]byte, 100)); err != nil {
					t.Error(err)
				}
				sent++
			}
			cancel()
		}}, a)
		if err != nil {
			t.Error(err)
		}
		if s := a.Stats(); s.KernelDrops != 0 || s.Packets != sent || sent < 100 {
			t.Errorf("%d packets sent while the reader stood still, %d read, %d lost", sent, s.Packets, s.KernelDrops)
		}
	})
}

// TestLiveVeth captures a conversation that another interface sends, with a VLAN tag that the kernel takes off.
func TestLiveVeth(t *testing.T) {
	if _, err := exec.LookPath("ip"); err != nil {
		needed.Missing(t, "ip (iproute2) is not installed")
	}
	s := secure(t, 100)
	w := web(t, 500)
	inNamespace(t, func() {
		for _, c := range []string{"ip link add name hl0 type veth peer name hl1", "ip link set hl0 up", "ip link set hl1 up"} {
			f := strings.Fields(c)
			if out, err := exec.Command(f[0], f[1:]...).CombinedOutput(); err != nil { // a child of this thread: same namespace
				t.Errorf("%s: %v: %s", c, err, out)
				return
			}
		}
		i, err := running("hl0")
		if err == nil {
			_, err = running("hl1")
		}
		if err != nil {
			t.Error(err)
			return
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		for _, card := range []string{"hl1", "hl0"} { // where they arrive, and where they leave
			r := live(LiveConfig{Interface: card, RingBytes: 4 << 20, Promiscuous: true}, func() error {
				for _, f := range append(append([]frame(nil), s.frames...), w.frames...) {
					b := append(append(bytes.Clone(f.data[:12]), 0x81, 0, 0, 7), f.data[12:]...)
					if err := unix.Sendto(fd, b, 0, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
						return err
					}
				}
				return nil
			})
			if r.err != nil {
				t.Error(r.err)
				return
			}
			count := map[string]int{}
			for _, d := range r.other {
				count[d]++
			}
			if count["hoalu.tls"] != 1 || count["hoalu.http"] != 3 || r.stats.KernelDrops != 0 {
				t.Errorf("%s: records %v, stats %+v: want 1 hoalu.tls and 3 hoalu.http", card, count, r.stats)
			}
			if r.stats.Received != r.stats.Packets+r.stats.KernelDrops {
				t.Errorf("tp_packets %d ≠ packets %d + drops %d", r.stats.Received, r.stats.Packets, r.stats.KernelDrops)
			}
		}
	})
}

// running waits until a card has its carrier: the kernel gives it some time after the command returned, and drops what is sent before.
func running(name string) (*net.Interface, error) {
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		i, err := net.InterfaceByName(name)
		if err != nil || i.Flags&net.FlagRunning != 0 {
			return i, err
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("%s has no carrier after 10 s: %s", name, i.Flags)
		}
	}
}

func TestLiveErrors(t *testing.T) {
	a := NewAnalyzer(Config{Live: true}, func([]byte, Class) {})
	err := Live(context.Background(), LiveConfig{Interface: "no-such-card"}, a)
	var e *LiveError
	if !errors.As(err, &e) || e.Why != NoInterface || !strings.Contains(e.Error(), "lo") {
		t.Errorf("unknown interface: %v", err)
	}
	if os.Getuid() != 0 {
		err := Live(context.Background(), LiveConfig{Interface: "lo"}, a)
		if !errors.As(err, &e) || e.Why != NotPermitted || !strings.Contains(e.Error(), "CAP_NET_RAW") {
			t.Errorf("not root: %v", err)
		}
		return
	}
	// as root: a thread that gives the right away
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		h := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var d [2]unix.CapUserData
		if err := unix.Capset(&h, &d[0]); err != nil {
			done <- nil
			return
		}
		done <- Live(context.Background(), LiveConfig{Interface: "lo"}, a)
	}()
	if err := <-done; err != nil && (!errors.As(err, &e) || e.Why != NotPermitted || !strings.Contains(e.Error(), "CAP_NET_RAW")) {
		t.Errorf("without CAP_NET_RAW: %v", err)
	} else if err == nil {
		t.Log("could not give up capabilities here")
	}
}

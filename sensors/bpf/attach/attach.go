// Package attach loads a probe's programs into the kernel, reads its ring and keeps its books.
//
// Contract: Run blocks until ctx ends; then it detaches, reads what the ring still holds, and returns with Books exact: what the
// programs saw is sent, dropped (ring full) or filtered (the sensor's own), and everything sent has been handed to handle. An error
// before the programs run is *Unavailable, which says why and how to allow it. handle gets bytes that are good until it returns.
package attach

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"hoalu/ecs"
	"hoalu/internal/wording"
)

// Unavailable says why a probe cannot run here and what allows it.
type Unavailable struct {
	Why, Do *wording.Problem
	Err     error
}

func (u *Unavailable) Error() string { return u.Why.Error() }
func (u *Unavailable) Unwrap() error { return u.Err }

// Books of a probe since its start. Unread is part of Sent: records handle could not read.
type Books struct{ Seen, Sent, Dropped, Filtered, Unread int64 }

// Spec is a probe's object and the tracing programs in it.
type Spec struct {
	Name     string
	Object   []byte
	Programs []string
	Ring     uint32 // bytes, a power of two; 0: as the object says, 2 MiB
}

// Probe is a Spec at work.
type Probe struct {
	spec Spec

	unread atomic.Int64

	mu    sync.Mutex
	books *ebpf.Map
	last  Books
}

// New returns a Probe that does not run yet.
func New(s Spec) *Probe { return &Probe{spec: s} }

// CountUnread counts a record that handle could not read.
func (p *Probe) CountUnread() { p.unread.Add(1) }

// poll is how long a record may wait in the ring when too few came to wake the reader.
const poll = 20 * time.Millisecond

// Records is Run for a probe whose records decode makes into events: emit gets each as a flat ECS record that is good until it returns, and
// what decode cannot read is counted.
func (p *Probe) Records(ctx context.Context, ready func(), decode func(e *ecs.Event, record []byte, clock *Clock) bool,
	emit func(record []byte)) error {
	var clock Clock
	var buf []byte
	return p.Run(ctx, ready, func(b []byte) {
		var e ecs.Event
		if !decode(&e, b, &clock) {
			p.CountUnread()
			return
		}
		buf = e.AppendJSON(buf[:0])
		emit(buf)
	})
}

// Run attaches and reads until ctx ends.
func (p *Probe) Run(ctx context.Context, ready func(), handle func(record []byte)) error {
	if err := possible(); err != nil {
		return err
	}
	_ = rlimit.RemoveMemlock() // not needed from 5.11 on and not allowed everywhere: loading says what is missing
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(p.spec.Object))
	if err != nil {
		return fmt.Errorf("read object of probe %s: %w", p.spec.Name, err)
	}
	if p.spec.Ring != 0 {
		spec.Maps["events"].MaxEntries = p.spec.Ring
	}
	coll, err := ebpf.NewCollection(spec)
	if err != nil {
		return explain(p.spec.Name, err)
	}
	defer coll.Close()
	if err := coll.Maps["own"].Put(uint32(0), uint32(os.Getpid())); err != nil {
		return fmt.Errorf("set own process in probe %s: %w", p.spec.Name, err)
	}
	p.mu.Lock()
	p.books = coll.Maps["books"]
	p.mu.Unlock()
	defer func() {
		b := p.Books()
		p.mu.Lock()
		p.books, p.last = nil, b
		p.mu.Unlock()
	}()
	rd, err := ringbuf.NewReader(coll.Maps["events"])
	if err != nil {
		return fmt.Errorf("open ring of probe %s: %w", p.spec.Name, err)
	}
	defer rd.Close()
	var links []link.Link
	detach := func() {
		for _, l := range links {
			l.Close()
		}
		links = nil
	}
	defer detach()
	for _, name := range p.spec.Programs {
		l, err := link.AttachTracing(link.TracingOptions{Program: coll.Programs[name]})
		if err != nil {
			return explain(p.spec.Name, err)
		}
		links = append(links, l)
	}
	ready()
	var rec ringbuf.Record
	for {
		done := ctx.Err() != nil
		if done {
			detach() // then drain: what was sent is read before the ring closes
		}
		rd.SetDeadline(time.Now().Add(poll))
		for {
			err := rd.ReadInto(&rec)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return fmt.Errorf("read ring of probe %s: %w", p.spec.Name, err)
			}
			handle(rec.RawSample)
		}
		if done {
			return ctx.Err()
		}
	}
}

// Books reads the programs' counters.
func (p *Probe) Books() Books {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.books == nil {
		return p.last
	}
	var out [4]int64
	for i := len(out) - 1; i >= 0; i-- { // seen last: never less than what became of it
		var per []uint64
		if err := p.books.Lookup(uint32(i), &per); err != nil {
			return p.last
		}
		for _, n := range per {
			out[i] += int64(n)
		}
	}
	return Books{out[0], out[1], out[2], out[3], p.unread.Load()}
}

// possible answers the questions whose answer is known before anything is loaded.
func possible() error {
	if runtime.GOOS != "linux" {
		return &Unavailable{Why: wording.New("The host sensor needs Linux."), Do: wording.New("Run it on a Linux host.")}
	}
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err != nil {
		return &Unavailable{Why: wording.New("The kernel does not describe its types (no /sys/kernel/btf/vmlinux)."),
			Do: wording.New("Use a kernel built with CONFIG_DEBUG_INFO_BTF, 5.15 or newer."), Err: err}
	}
	var u unix.Utsname
	if err := unix.Uname(&u); err == nil {
		release := unix.ByteSliceToString(u.Release[:])
		var major, minor int
		if n, _ := fmt.Sscanf(release, "%d.%d", &major, &minor); n == 2 && (major < 5 || major == 5 && minor < 15) {
			return &Unavailable{Why: wording.New("The kernel is %s; the host sensor needs 5.15 or newer.", release),
				Do: wording.New("Upgrade the kernel.")}
		}
	}
	return nil
}

func explain(name string, err error) error {
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EPERM) {
		return &Unavailable{Why: wording.New("No right to load eBPF programs."),
			Do: wording.New("Run as root, or: sudo setcap cap_bpf,cap_perfmon,cap_net_raw+ep %s", executable()), Err: err}
	}
	if errors.Is(err, ebpf.ErrNotSupported) {
		return &Unavailable{Why: wording.New("The kernel does not offer what probe %s needs.", name),
			Do: wording.New("Use kernel 5.15 or newer."), Err: err}
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	return &Unavailable{Why: wording.New("The kernel refuses probe %s: %s.", name, text),
		Do: wording.New("Report this kernel's version with the message."), Err: err}
}

func executable() string {
	p, err := os.Executable()
	if err != nil {
		return "/path/to/hoalu"
	}
	return p
}

// Clock turns the kernel's boot-time stamps into Unix milliseconds; it looks at the wall clock once a minute, which may be set.
type Clock struct {
	boot int64
	at   time.Time
}

// Unix is the Unix millisecond of a boot-time nanosecond.
func (c *Clock) Unix(bootNS uint64) int64 {
	if c.at.IsZero() || time.Since(c.at) > time.Minute {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err == nil {
			c.at = time.Now()
			c.boot = c.at.UnixNano() - ts.Nano()
		}
	}
	return (c.boot + int64(bootNS)) / 1e6
}

// Text is a C string in a fixed field.
func Text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

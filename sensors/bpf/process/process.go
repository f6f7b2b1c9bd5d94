// Package process watches programs start and end on this host (sched_process_exec, sched_process_exit), kernel 5.15 on.
//
// An exec record has the executable, the whole command line up to 1,024 bytes (hoalu.truncated tells), the user, and the parent with its
// command line where it was seen or still lives. It is a Sigma process_creation event of product linux. user.id is the number as this
// host counts; user.name is left out where the process reads another file of accounts (a container), and container.id says which one.
package process

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/user"
	"strconv"
	"strings"

	"hoalu/ecs"
	"hoalu/sensors/bpf/attach"
)

//go:embed process.bpf.o
var object []byte

// Offsets of struct record in process.bpf.c.
const (
	offBoot, offStart, offPlace                                                     = 0, 8, 16
	offKind, offPID, offPPID, offUID, offExit, offArgsLen, offPathLen, offTruncated = 40, 44, 48, 52, 56, 60, 64, 68
	offComm, offPcomm, offPath                                                      = 72, 88, 104
	pathSize, argsSize                                                              = 256, 1024
	offArgs                                                                         = offPath + pathSize
)

// Probe watches processes.
type Probe struct {
	*attach.Probe
	host  string
	cache map[uint32]entry
	users map[uint32]string
	homes *attach.Homes
	exe   func(pid uint32) string
}

type entry struct {
	start              uint64
	name, exe, cmdline string
}

const maxCache = 1 << 14 // some 20 MB when every command line is long

// ring bridges 5 s without CPU of some 1,000 programs a second that start and end: 1.5 KB each.
const ring = 8 << 20

// New returns the probe; host is host.name of its records.
func New(host string) *Probe {
	return &Probe{Probe: attach.New(attach.Spec{Name: "process", Object: object, Programs: []string{"on_exec", "on_exit"}, Ring: ring}),
		host: host, cache: map[uint32]entry{}, users: map[uint32]string{}, homes: attach.NewHomes(),
		exe: func(pid uint32) string { p, _ := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid)); return p }}
}

// Run watches until ctx ends; emit gets flat ECS records that are good until it returns.
func (p *Probe) Run(ctx context.Context, ready func(), emit func(record []byte)) error {
	return p.Probe.Records(ctx, ready, p.decode, emit)
}

var (
	fArgs      = ecs.Intern("process.args_count")
	fStart     = ecs.Intern("process.start")
	fEnd       = ecs.Intern("process.end")
	fExit      = ecs.Intern("process.exit_code")
	fTruncated = ecs.Intern("hoalu.truncated")
)

// Kinds of a record in process.bpf.c.
const (
	kindExec = 1
	kindExit = 2
)

// record is what every record of the kernel's side has, read; raw is all of it.
type record struct {
	pid, ppid, uid uint32
	start          uint64 // of the process, ns since boot
	comm, pcomm    string // short names, of the process and its parent
	raw            []byte
}

// u32 reads a field.
func (r *record) u32(off int) uint32 { return binary.LittleEndian.Uint32(r.raw[off:]) }

// decode reads one record; false for one that is too short.
func (p *Probe) decode(e *ecs.Event, b []byte, clock *attach.Clock) bool {
	if len(b) < offPath {
		return false
	}
	le := binary.LittleEndian
	r := &record{pid: le.Uint32(b[offPID:]), ppid: le.Uint32(b[offPPID:]), uid: le.Uint32(b[offUID:]), start: le.Uint64(b[offStart:]),
		comm: attach.Text(b[offComm:offPcomm]), pcomm: attach.Text(b[offPcomm:offPath]), raw: b}
	e.Time = clock.Unix(le.Uint64(b[offBoot:]))
	e.AddString(ecs.EventKind, "event")
	e.AddString(ecs.EventCategory, "process")
	e.AddString(ecs.EventModule, "hoalu")
	e.AddString(ecs.EventDataset, "hoalu.process")
	if p.host != "" {
		e.AddString(ecs.HostName, p.host)
	}
	e.AddInt(ecs.ProcessPID, int64(r.pid))
	e.AddString(fStart, ecs.FormatTime(clock.Unix(r.start)))
	e.AddString(ecs.UserID, strconv.FormatUint(uint64(r.uid), 10))
	home := p.homes.Of(attach.PlaceAt(b[offPlace:]), r.pid)
	home.AddTo(e)
	if home.OurAccounts { // else the number is another account's there
		if name := p.user(r.uid); name != "" {
			e.AddString(ecs.UserName, name)
		}
	}
	switch r.u32(offKind) {
	case kindExec:
		return p.started(e, r)
	case kindExit:
		p.ended(e, r)
		return true
	}
	return false
}

// started adds what the record of an exec tells, and remembers it; false where the record is too short.
func (p *Probe) started(e *ecs.Event, r *record) bool {
	if len(r.raw) < offArgs+argsSize {
		return false
	}
	exe := string(r.raw[offPath : offPath+min(int(r.u32(offPathLen)), pathSize-1)])
	args := r.raw[offArgs : offArgs+min(int(r.u32(offArgsLen)), argsSize)]
	if len(args) == 0 { // its first page was not there yet to be read
		args = cmdlineOf(r.pid)
	}
	if !strings.HasPrefix(exe, "/") { // relative to a folder only the process knows
		if x := p.exe(r.pid); x != "" {
			exe = x
		}
	}
	name := r.comm
	if i := strings.LastIndexByte(exe, '/'); i >= 0 && len(r.comm) == 15 {
		name = exe[i+1:] // the kernel keeps 15 bytes of it
	}
	list := strings.Split(strings.TrimRight(string(args), "\x00"), "\x00")
	cmdline := strings.Join(list, " ")
	e.AddString(ecs.EventType, "start")
	e.AddString(ecs.EventAction, "exec")
	e.AddString(ecs.ProcessName, name)
	e.AddString(ecs.ProcessExecutable, exe)
	e.AddString(ecs.ProcessCommandLine, cmdline)
	e.AddInt(fArgs, int64(len(list)))
	if r.u32(offTruncated) != 0 {
		e.AddBool(fTruncated, true)
	}
	p.parent(e, r.ppid, r.pcomm)
	p.keep(r.pid, entry{r.start, name, exe, cmdline})
	e.SetLogsource("linux", "", "process_creation")
	return true
}

// ended adds what the record of an exit tells, and forgets the process.
func (p *Probe) ended(e *ecs.Event, r *record) {
	e.AddString(ecs.EventType, "end")
	e.AddString(ecs.EventAction, "exit")
	e.AddString(ecs.ProcessName, r.comm)
	if c, ok := p.cache[r.pid]; ok {
		if c.start == r.start {
			e.SetString(ecs.ProcessName, c.name)
			e.AddString(ecs.ProcessExecutable, c.exe)
		}
		delete(p.cache, r.pid)
	}
	code := int32(r.u32(offExit))
	e.AddInt(fExit, int64(code>>8&0xff))
	e.AddString(fEnd, ecs.FormatTime(e.Time))
	e.AddInt(ecs.ParentPID, int64(r.ppid))
	e.SetLogsource("linux", "", "process_termination")
}

// cmdlineOf reads the beginning of a process's arguments, NUL between them; nothing when it has ended.
func cmdlineOf(pid uint32) []byte {
	f, err := os.Open(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil
	}
	defer f.Close()
	raw, _ := io.ReadAll(io.LimitReader(f, argsSize)) // what a process that ends meanwhile still gave
	return raw
}

func (p *Probe) keep(pid uint32, x entry) {
	if len(p.cache) >= maxCache {
		clear(p.cache)
	}
	p.cache[pid] = x
}

// parent adds what is known of the parent: seen starting, else from /proc, else its short name alone.
func (p *Probe) parent(e *ecs.Event, ppid uint32, comm string) {
	e.AddInt(ecs.ParentPID, int64(ppid))
	x, ok := p.cache[ppid]
	if !ok && ppid > 0 {
		x = entry{name: comm, exe: p.exe(ppid)}
		x.cmdline = strings.ReplaceAll(strings.TrimRight(string(cmdlineOf(ppid)), "\x00"), "\x00", " ")
		if x.exe != "" { // else it has ended, and its number may soon be another's
			p.keep(ppid, x)
		}
	}
	if x.name == "" {
		x.name = comm
	}
	e.AddString(ecs.ParentName, x.name)
	if x.exe != "" {
		e.AddString(ecs.ParentExecutable, x.exe)
	}
	if x.cmdline != "" {
		e.AddString(ecs.ParentCommandLine, x.cmdline)
	}
}

func (p *Probe) user(uid uint32) string {
	name, ok := p.users[uid]
	if !ok {
		if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
			name = u.Username
		}
		if len(p.users) > 4096 {
			clear(p.users)
		}
		p.users[uid] = name
	}
	return name
}

package attach

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"hoalu/ecs"
)

// Place is struct place of hoalu.bpf.h: the namespaces a process lives in.
type Place struct {
	MountNS, PIDNS uint32
	FirstPID       uint32 // first process of the process namespace, as this host counts
	FirstStart     uint64 // its start, boot time in ns
}

// PlaceSize is its size in a record.
const PlaceSize = 24

// PlaceAt reads a Place at the beginning of b, which has PlaceSize bytes.
func PlaceAt(b []byte) Place {
	le := binary.LittleEndian
	return Place{FirstStart: le.Uint64(b), MountNS: le.Uint32(b[8:]), PIDNS: le.Uint32(b[12:]), FirstPID: le.Uint32(b[16:])}
}

// Home is what is known of where a process lives. The zero Home is a process that nothing could be told of.
type Home struct {
	// container.id: 64 hex digits of Docker, podman, containerd and CRI-O; the machine's name of systemd-nspawn and LXC; "" none
	ID      string
	Runtime string // container.runtime, "" not known
	Name    string // container.name, where the control group carries one

	// OurAccounts: the process reads this host's own file of accounts, so the host's names of user numbers are right for it. False also
	// when that could not be told.
	OurAccounts bool
}

// AddTo adds the container's fields.
func (h Home) AddTo(e *ecs.Event) {
	if h.ID == "" {
		return
	}
	e.AddString(fContainerID, h.ID)
	if h.Runtime != "" {
		e.AddString(fContainerRuntime, h.Runtime)
	}
	if h.Name != "" {
		e.AddString(fContainerName, h.Name)
	}
}

var (
	fContainerID      = ecs.Intern("container.id")
	fContainerRuntime = ecs.Intern("container.runtime")
	fContainerName    = ecs.Intern("container.name")
)

// Homes finds and remembers Homes. It belongs to one goroutine.
type Homes struct {
	proc       string // /proc
	accounts   string // /etc/passwd
	own        Place
	now        func() time.Time
	remembered map[Place]rememberedHome
}

type rememberedHome struct {
	Home
	until time.Time // zero: as long as it is remembered
}

const (
	maxHomes = 4096
	// homeLife is how long a Home without a process namespace of its own is believed: the number of its mount namespace may be another's then.
	homeLife = 10 * time.Second
)

// NewHomes compares with the namespaces of this process.
func NewHomes() *Homes {
	return newHomes("/proc", "/etc/passwd")
}

func newHomes(proc, accounts string) *Homes {
	h := &Homes{proc: proc, accounts: accounts, now: time.Now, remembered: map[Place]rememberedHome{}}
	h.own = Place{MountNS: namespaceNumber(proc + "/self/ns/mnt"), PIDNS: namespaceNumber(proc + "/self/ns/pid")}
	return h
}

// namespaceNumber reads "mnt:[4026531841]"; 0 when it cannot.
func namespaceNumber(path string) (n uint32) {
	text, err := os.Readlink(path)
	if err != nil {
		return 0
	}
	if i := strings.IndexByte(text, '['); i >= 0 {
		fmt.Sscanf(text[i:], "[%d]", &n)
	}
	return n
}

// Of is the Home of a process that lives at p.
func (h *Homes) Of(p Place, pid uint32) Home {
	if p.MountNS == 0 || p.PIDNS == 0 { // it ended while the kernel looked
		return Home{}
	}
	if p.MountNS == h.own.MountNS && p.PIDNS == h.own.PIDNS {
		return Home{OurAccounts: true}
	}
	if x, ok := h.remembered[p]; ok && (x.until.IsZero() || h.now().Before(x.until)) {
		return x.Home
	}
	x := rememberedHome{}
	look := pid
	if p.PIDNS != h.own.PIDNS {
		look = p.FirstPID // it lives as long as the container does
	} else {
		x.until = h.now().Add(homeLife)
	}
	dir := fmt.Sprintf("%s/%d", h.proc, look)
	groups, err := readBounded(dir + "/cgroup")
	if err != nil && look != pid {
		dir = fmt.Sprintf("%s/%d", h.proc, pid)
		groups, err = readBounded(dir + "/cgroup")
	}
	if err != nil {
		return Home{} // ended meanwhile: not remembered, the next process of the same place may tell
	}
	x.ID, x.Runtime, x.Name = containerOf(groups)
	ours, err1 := os.Stat(h.accounts)
	theirs, err2 := os.Stat(dir + "/root" + h.accounts)
	x.OurAccounts = err1 == nil && err2 == nil && os.SameFile(ours, theirs)
	if x.OurAccounts {
		return x.Home // as yet: a container that is being set up still stands on the host's files, so this is asked again
	}
	if len(h.remembered) >= maxHomes {
		clear(h.remembered)
	}
	h.remembered[p] = x
	return x.Home
}

// readBounded reads a file of /proc up to 64 KiB.
func readBounded(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	return string(b), err
}

var (
	hexContainer = regexp.MustCompile(`^(?:(docker|libpod|cri-containerd|containerd|crio|nerdctl)-)?([0-9a-f]{64})(?:\.scope)?$`)
	nspawnUnit   = regexp.MustCompile(`^(?:systemd-nspawn@(.+)\.service|machine-(.+)\.scope)$`)
	lxcPayload   = regexp.MustCompile(`^lxc\.payload\.(.+)$`)
	runtimes     = map[string]string{"docker": "docker", "libpod": "podman", "cri-containerd": "containerd", "containerd": "containerd",
		"nerdctl": "containerd", "crio": "cri-o"}
)

// containerOf finds the container in the control groups of a process (/proc/PID/cgroup): the innermost one that a known runtime made.
func containerOf(groups string) (id, runtime, name string) {
	for line := range strings.SplitSeq(groups, "\n") {
		parts := strings.SplitN(line, ":", 3) // hierarchy, controllers, path
		if len(parts) < 3 {
			continue
		}
		under := ""
		for part := range strings.SplitSeq(parts[2], "/") {
			switch {
			case hexContainer.MatchString(part):
				m := hexContainer.FindStringSubmatch(part)
				id, runtime, name = m[2], runtimes[m[1]], ""
				if m[1] == "" && under == "docker" {
					runtime = "docker"
				}
			case nspawnUnit.MatchString(part):
				m := nspawnUnit.FindStringSubmatch(part)
				name = unitName(m[1] + m[2])
				id, runtime = name, "systemd-nspawn"
			case lxcPayload.MatchString(part):
				name = lxcPayload.FindStringSubmatch(part)[1]
				id, runtime = name, "lxc"
			case under == "lxc" && part != "":
				id, runtime, name = part, "lxc", part
			}
			under = part
		}
		if id != "" {
			return id, runtime, name
		}
	}
	return "", "", ""
}

// unitName undoes systemd's escape of names: \x2d is "-".
func unitName(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		var c byte
		if strings.HasPrefix(s, `\x`) && len(s) >= 4 {
			if n, err := fmt.Sscanf(s[2:4], "%02x", &c); n == 1 && err == nil {
				b.WriteByte(c)
				s = s[4:]
				continue
			}
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}

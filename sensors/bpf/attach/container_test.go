package attach

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestContainerOf(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for _, tt := range []struct{ groups, id, runtime, name string }{
		{"0::/system.slice/docker-" + id + ".scope\n", id, "docker", ""},
		{"12:pids:/docker/" + id + "\n11:cpu:/docker/" + id + "\n", id, "docker", ""},
		{"0::/machine.slice/libpod-" + id + ".scope/container\n", id, "podman", ""},
		{"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-" + id + ".scope\n", id, "containerd", ""},
		{"0::/kubepods/besteffort/pod1/crio-" + id + ".scope\n", id, "cri-o", ""},
		{"0::/machine.slice/systemd-nspawn@hop13.service/payload/system.slice/cron.service\n", "hop13", "systemd-nspawn", "hop13"},
		{`0::/machine.slice/machine-hop\x2d13.scope/payload` + "\n", "hop-13", "systemd-nspawn", "hop-13"},
		{"0::/lxc.payload.web/system.slice\n", "web", "lxc", "web"},
		{"4:cpu:/lxc/web\n0::/\n", "web", "lxc", "web"},
		{"0::/system.slice/ssh.service\n", "", "", ""},
		{"0::/user.slice/docker-notahash.scope\n", "", "", ""},
		{"0::/\n", "", "", ""},
		{"", "", "", ""},
		{"garbage\n::\n", "", "", ""},
	} {
		if id, runtime, name := containerOf(tt.groups); id != tt.id || runtime != tt.runtime || name != tt.name {
			t.Errorf("containerOf(%q) = %q, %q, %q, want %q, %q, %q", tt.groups, id, runtime, name, tt.id, tt.runtime, tt.name)
		}
	}
}

// TestHomes: whose accounts a process reads is told by the file itself, is unknown where it cannot be read, and a reused number of a
// namespace does not stay with who had it before.
func TestHomes(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	id := strings.Repeat("ab", 32)
	write("passwd", "an:x:1000:\n")
	accounts := filepath.Join(dir, "passwd")
	proc := func(pid int, groups string, ours bool) {
		write(fmt.Sprintf("proc/%d/cgroup", pid), groups)
		root := fmt.Sprintf("proc/%d/root%s", pid, accounts)
		if !ours {
			write(root, "binh:x:1000:\n")
			return
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, root)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(accounts, filepath.Join(dir, root)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "proc/self/ns"), 0o755); err != nil {
		t.Fatal(err)
	}
	for ns, text := range map[string]string{"mnt": "mnt:[11]", "pid": "pid:[12]"} {
		if err := os.Symlink(text, filepath.Join(dir, "proc/self/ns", ns)); err != nil {
			t.Fatal(err)
		}
	}
	proc(50, "0::/system.slice/docker-"+id+".scope\n", false)
	proc(60, "0::/system.slice/cron.service\n", true)
	proc(70, "0::/system.slice/docker-"+id+".scope\n", false)
	h := newHomes(filepath.Join(dir, "proc"), accounts)
	now := time.Unix(1000, 0)
	h.now = func() time.Time { return now }
	for _, tt := range []struct {
		name string
		at   Place
		pid  uint32
		want Home
	}{
		{"this host", Place{11, 12, 1, 5}, 999, Home{OurAccounts: true}},
		{"the kernel could not tell", Place{}, 999, Home{}},
		{"a container, its process gone", Place{21, 22, 50, 7}, 999, Home{ID: id, Runtime: "docker"}},
		{"a service with folders of its own", Place{31, 12, 1, 5}, 60, Home{OurAccounts: true}},
		{"a container in the host's process namespace", Place{41, 12, 1, 5}, 70, Home{ID: id, Runtime: "docker"}},
		{"nothing to be read", Place{51, 52, 80, 9}, 81, Home{}},
	} {
		if got := h.Of(tt.at, tt.pid); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	// A runtime makes the namespaces first and the container's own files afterwards.
	other := strings.Repeat("cd", 32)
	proc(52, "0::/system.slice/docker-"+other+".scope\n", true)
	early := Place{61, 62, 52, 9}
	if got := h.Of(early, 52); !got.OurAccounts {
		t.Errorf("while it is set up: %+v, want the host's accounts", got)
	}
	if err := os.Remove(filepath.Join(dir, "proc/52/root", accounts)); err != nil {
		t.Fatal(err)
	}
	proc(52, "0::/system.slice/docker-"+other+".scope\n", false)
	if got := h.Of(early, 52); got.OurAccounts || got.ID != other {
		t.Errorf("once it is: %+v, want accounts of its own in %s", got, other)
	}
	// The numbers of namespaces are used again: by a service after a container, and by another container.
	proc(71, "0::/system.slice/backup.service\n", true)
	if got := h.Of(Place{41, 12, 1, 5}, 71); got.ID != id {
		t.Errorf("within %s: %+v, want what is remembered", homeLife, got)
	}
	now = now.Add(homeLife + time.Second)
	if got := h.Of(Place{41, 12, 1, 5}, 71); got != (Home{OurAccounts: true}) {
		t.Errorf("after %s: %+v, want the service", homeLife, got)
	}
	proc(51, "0::/system.slice/docker-"+other+".scope\n", false)
	if got := h.Of(Place{21, 22, 51, 8}, 51); got.ID != other {
		t.Errorf("the next container with the same numbers: %+v, want %s", got, other)
	}
	for i := range uint32(maxHomes * 2) {
		h.Of(Place{uint32(100 + i), 12, 1, 5}, 60)
	}
	if n := len(h.remembered); n > maxHomes {
		t.Errorf("%d homes remembered, want at most %d", n, maxHomes)
	}
}

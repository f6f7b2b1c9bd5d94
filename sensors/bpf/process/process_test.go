package process

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/internal/needed"
	"hoalu/sensors/bpf/attach/attachtest"
)

// TestSeesRealProcesses starts real programs and finds each once, with its command line, parent and exit code; the books balance.
func TestSeesRealProcesses(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := New("testhost")
	ready := make(chan struct{})
	done := make(chan error, 1)
	var mu sync.Mutex
	var got []map[string]any
	records := int64(0)
	go func() {
		done <- p.Run(ctx, func() { close(ready) }, func(rec []byte) {
			mu.Lock()
			defer mu.Unlock()
			records++
			if strings.Contains(string(rec), "hoalu-probe-test") {
				var m map[string]any
				if err := json.Unmarshal(rec, &m); err != nil {
					t.Errorf("record is not JSON: %v\n%s", err, rec)
				}
				got = append(got, m)
			}
		})
	}()
	attachtest.Ready(t, ready, done)
	// the sensor's own process is filtered, so a shell of its own starts them
	dir := t.TempDir()
	script := filepath.Join(dir, "hoalu-probe-test.sh")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n/bin/sh -c 'exit 3' hoalu-probe-test 'two words' dấu\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	find := func(action, needle string) map[string]any {
		for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			mu.Lock()
			for _, m := range got {
				if m["event.action"] == action && strings.Contains(m["process.command_line"].(string), needle) {
					mu.Unlock()
					return m
				}
			}
			mu.Unlock()
		}
		return nil
	}
	m := find("exec", "exit 3")
	if m == nil {
		t.Fatalf("no record of the shell; have %v", got)
	}
	if want := "/bin/sh -c exit 3 hoalu-probe-test two words dấu"; m["process.command_line"] != want {
		t.Errorf("command line = %q, want %q", m["process.command_line"], want)
	}
	for field, want := range map[string]any{"host.name": "testhost", "process.name": "sh", "event.category": "process",
		"sigma.logsource.product": "linux", "sigma.logsource.category": "process_creation"} {
		if m[field] != want {
			t.Errorf("%s = %v, want %v", field, m[field], want)
		}
	}
	if parent, _ := m["process.parent.command_line"].(string); !strings.Contains(parent, "hoalu-probe-test.sh") {
		t.Errorf("parent command line = %q, want the script", parent)
	}
	if at, err := time.Parse(time.RFC3339Nano, m["@timestamp"].(string)); err != nil || time.Since(at).Abs() > 30*time.Second {
		t.Errorf("@timestamp = %v, want about now", m["@timestamp"])
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("Run = %v", err)
	}
	b := p.Books()
	if b.Seen != b.Sent+b.Dropped+b.Filtered || b.Sent != records || b.Sent == 0 {
		t.Errorf("books %+v, %d records read: seen must be sent + dropped + filtered, and all sent read", b, records)
	}
}

// TestContainerIsNotTheHost: a process with namespaces and a file of accounts of its own does not get the account that its user number has
// on this host; a process beside it does.
func TestContainerIsNotTheHost(t *testing.T) {
	if os.Geteuid() != 0 {
		needed.Missing(t, "making namespaces needs root")
	}
	nobody, err := user.LookupId("65534")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := New("testhost")
	ready, done := make(chan struct{}), make(chan error, 1)
	found := make(chan map[string]any, 100)
	go func() {
		done <- p.Run(ctx, func() { close(ready) }, func(rec []byte) {
			if strings.Contains(string(rec), "hoalu-container-test") {
				var m map[string]any
				if err := json.Unmarshal(rec, &m); err == nil && m["event.action"] == "exec" && m["user.id"] == "65534" {
					select {
					case found <- m:
					default:
					}
				}
			}
		})
	}()
	attachtest.Ready(t, ready, done)
	dir := t.TempDir()
	passwd := filepath.Join(dir, "passwd")
	if err := os.WriteFile(passwd, []byte("root:x:0:0::/:/bin/sh\nkhach:x:65534:65534::/:/bin/sh\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	as := "exec setpriv --reuid 65534 --clear-groups /bin/true hoalu-container-test "
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", args, err, out)
		}
	}
	get := func(which string) map[string]any {
		t.Helper()
		deadline := time.After(5 * time.Second)
		for {
			select {
			case m := <-found:
				if strings.HasSuffix(m["process.command_line"].(string), which) && strings.HasPrefix(m["process.command_line"].(string), "/bin/true") {
					return m
				}
			case <-deadline:
				t.Fatalf("no record of %s", which)
			}
		}
	}
	run("/bin/sh", "-c", as+"host")
	if m := get("host"); m["user.name"] != nobody.Username {
		t.Errorf("on the host: user.name = %v, want %s", m["user.name"], nobody.Username)
	}
	run("unshare", "--mount", "--pid", "--fork", "--mount-proc", "/bin/sh", "-c",
		"mount --bind "+passwd+" /etc/passwd; ( "+as+"inside ); true")
	m := get("inside")
	if name, there := m["user.name"]; there {
		t.Errorf("in a container: user.name = %v, the account of this host", name)
	}
	if m["host.name"] != "testhost" {
		t.Errorf("host.name = %v, want the machine", m["host.name"])
	}
	cancel()
	<-done
}

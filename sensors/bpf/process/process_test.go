package process

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/sensors/bpf/attach"
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
	select {
	case <-ready:
	case err := <-done:
		var u *attach.Unavailable
		if errors.As(err, &u) {
			if os.Geteuid() == 0 && os.Getenv("CI") != "" {
				t.Fatalf("as root the probe must run: %s (%v)", u.Why, u.Err)
			}
			t.Skipf("%s %s", u.Why, u.Do)
		}
		t.Fatal(err)
	}
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
	for field, want := range map[string]any{"host.name": "testhost", "process.name": "sh", "event.category": "process", "sigma.logsource.product": "linux", "sigma.logsource.category": "process_creation"} {
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

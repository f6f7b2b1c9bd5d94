package process

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hoalu/ecs"
	"hoalu/sensors/bpf/attach"
)

// execRecord is a record of an exec as the kernel's side writes it.
func execRecord(pid, ppid uint32, path string, args []byte) []byte {
	b := make([]byte, offArgs+argsSize)
	le := binary.LittleEndian
	le.PutUint32(b[offKind:], 1)
	le.PutUint32(b[offPID:], pid)
	le.PutUint32(b[offPPID:], ppid)
	le.PutUint32(b[offArgsLen:], uint32(len(args)))
	le.PutUint32(b[offPathLen:], uint32(len(path)))
	copy(b[offComm:], "sh")
	copy(b[offPath:], path)
	copy(b[offArgs:], args)
	return b
}

// TestHostileArguments: whatever bytes a program is started with, the record is one line of valid JSON.
func TestHostileArguments(t *testing.T) {
	p := New("h")
	var clock attach.Clock
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, args := range [][]byte{all, []byte("sh\x00-c\x00\xff\xfe\x80\"\\\n\x1b[2J\x00"), bytes.Repeat([]byte("ạ"), 341),
		[]byte("\x00\x00\x00"), bytes.Repeat([]byte{0xe1}, argsSize), []byte("a\x00{\"x\":1}\x00")} {
		var e ecs.Event
		if !p.decode(&e, execRecord(7, 1, "/bin/sh", args), &clock) {
			t.Fatalf("args %q: not decoded", args)
		}
		line := e.AppendJSON(nil)
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil || !utf8.Valid(line) || bytes.ContainsAny(line, "\n\x1b") {
			t.Errorf("args %q become %q: %v", args, line, err)
		}
	}
	for n := range offArgs { // whatever is cut off
		var e ecs.Event
		p.decode(&e, execRecord(7, 1, "/bin/sh", nil)[:n], &clock)
	}
}

// TestArgumentsNotReadByTheKernel come from /proc while the process lives; the parent's are read up to the same length.
func TestArgumentsNotReadByTheKernel(t *testing.T) {
	long := strings.Repeat("x", 5000)
	cmd := exec.Command("/bin/sh", "-c", "read stop", "name", long)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); cmd.Wait() }()
	pid := uint32(cmd.Process.Pid)
	// the kernel shows it only once exec is through
	for end := time.Now().Add(5 * time.Second); len(cmdlineOf(pid)) == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	p := New("h")
	var clock attach.Clock
	var e ecs.Event
	p.decode(&e, execRecord(pid, uint32(os.Getpid()), "/bin/sh", nil), &clock)
	if got := e.Text(ecs.ProcessCommandLine); !strings.HasPrefix(got, "/bin/sh -c read stop name xxx") || len(got) > argsSize {
		t.Errorf("command line of %d bytes: %.60q", len(got), got)
	}
	e = ecs.Event{}
	p = New("h")
	p.decode(&e, execRecord(1<<22+1, pid, "/bin/true", []byte("true\x00")), &clock)
	if got := e.Text(ecs.ParentCommandLine); !strings.HasPrefix(got, "/bin/sh -c read stop") || len(got) > argsSize {
		t.Errorf("parent's command line of %d bytes: %.60q", len(got), got)
	}
}

// TestCacheIsBounded: a storm of programs that never tell of their end does not grow it, nor do parents that have ended.
func TestCacheIsBounded(t *testing.T) {
	p := New("h")
	p.exe = func(uint32) string { return "" }
	var clock attach.Clock
	for i := range uint32(maxCache * 2) {
		var e ecs.Event
		p.decode(&e, execRecord(1<<23+i, 1<<24+i, "/bin/true", fmt.Appendf(nil, "true\x00%d\x00", i)), &clock)
	}
	if n := len(p.cache); n > maxCache {
		t.Errorf("%d entries, want at most %d", n, maxCache)
	}
	for pid := range p.cache {
		if pid >= 1<<24 {
			t.Fatal("a parent that has ended is remembered")
		}
	}
}

package file

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/ecs/wire"
	"hoalu/internal/needed"
)

const journalRemote = "/lib/systemd/systemd-journal-remote"

// journal is a real folder of journal files, which systemd-journal-remote makes of its export format without systemd running.
type journal struct {
	*testing.T
	dir string
	n   int
}

func newJournal(t *testing.T) *journal {
	t.Helper()
	_, err := exec.LookPath("journalctl")
	if _, remote := os.Stat(journalRemote); err != nil || remote != nil {
		needed.Missing(t, "journalctl or systemd-journal-remote is not installed (apt-get install systemd-journal-remote)")
	}
	return &journal{T: t, dir: t.TempDir()}
}

// write adds entries with these messages to one file of the folder.
func (j *journal) write(name string, messages ...string) {
	j.Helper()
	var b strings.Builder
	for _, m := range messages {
		j.n++
		fmt.Fprintf(&b,
			"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=e1b2c3d4e5f60718293a4b5c6d7e8f90\n_HOSTNAME=may-01\nPRIORITY=6\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER=sshd\n_PID=77\nMESSAGE=%s\n\n",
			1_780_000_000_000_000+j.n*1_000_000, 1_000_000+j.n, m)
	}
	export := filepath.Join(j.TempDir(), "export")
	if err := os.WriteFile(export, []byte(b.String()), 0o600); err != nil {
		j.Fatal(err)
	}
	if out, err := exec.Command(journalRemote, "-o", filepath.Join(j.dir, name+".journal"), export).CombinedOutput(); err != nil {
		j.Fatalf("systemd-journal-remote: %v %s", err, out)
	}
}

// follow reads the journal until n more lines came, and stops.
func (j *journal) follow(state string, n int) []string {
	j.Helper()
	var mu sync.Mutex
	var got []string
	put := func(_ context.Context, listener string, frames []wire.Frame) error {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range frames {
			if listener != FollowName || f.Source != "NG-0002" || f.Format != wire.FormatSyslog || f.Dataset != "linux.syslog" || f.ID == "" {
				j.Errorf("listener %s, envelope %+v", listener, f)
			}
			got = append(got, string(f.Data))
		}
		return nil
	}
	f, err := New(Config{State: state, Journal: Journal("NG-0002", j.dir),
		Reject: func(_, _, reason string, n int) { j.Errorf("%d refused: %s", n, reason) }}, put, slog.New(slog.DiscardHandler))
	if err != nil {
		j.Fatal(err)
	}
	ctx, cancel := context.WithCancel(j.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		mu.Lock()
		have := len(got)
		mu.Unlock()
		if have >= n {
			break
		}
		if time.Now().After(end) {
			j.Fatalf("%d of %d lines came: %q", have, n, got)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		j.Fatal(err)
	}
	return got
}

// A real journal is followed: Vietnamese text, texts over 4 KiB, an entry added to a file, another file after a rotation, and from
// where it was left after a restart.
func TestJournalIsFollowed(t *testing.T) {
	j := newJournal(t)
	state := filepath.Join(t.TempDir(), "files.json")
	long := strings.Repeat("dài ", 3000)
	j.write("system", "Failed password for root from 203.0.113.9 port 4711 ssh2", "Đăng nhập sai của người dùng Nguyễn Văn Á", long)
	got := j.follow(state, 3)
	if want := "<86>1 2026-05-28T20:26:41.000000Z may-01 sshd 77 - - Failed password for root from 203.0.113.9 port 4711 ssh2"; got[0] != want {
		t.Errorf("got  %s\nwant %s", got[0], want)
	}
	if !strings.HasSuffix(got[1], "- - Đăng nhập sai của người dùng Nguyễn Văn Á") ||
		!strings.HasSuffix(got[2], strings.TrimSpace(long)) && !strings.HasSuffix(got[2], long) {
		t.Errorf("got %q and %d bytes", got[1], len(got[2]))
	}
	// While nobody follows, the file grows and another takes its place.
	j.write("system", "bốn")
	if err := os.Rename(filepath.Join(j.dir, "system.journal"), filepath.Join(j.dir, "system@0001.journal")); err != nil {
		t.Fatal(err)
	}
	j.write("system", "năm", "sáu")
	again := j.follow(state, 3)
	for i, want := range []string{"bốn", "năm", "sáu"} {
		if len(again) != 3 || !strings.HasSuffix(again[i], want) {
			t.Fatalf("after a restart %q, want bốn, năm, sáu and nothing twice", again)
		}
	}
}

func TestJournalFields(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"bytes",
			`{"__CURSOR":"c","__REALTIME_TIMESTAMP":"1780000000000000","_HOSTNAME":"h","SYSLOG_IDENTIFIER":"a","_PID":"1","MESSAGE":[104,105,255]}`,
			"<30>1 2026-05-28T20:26:40.000000Z h a 1 - - hi\xff"},
		{"a field twice",
			`{"__CURSOR":"c","__REALTIME_TIMESTAMP":"1780000000000000","_HOSTNAME":"h","SYSLOG_IDENTIFIER":["a","b"],"SYSLOG_PID":"7","MESSAGE":["x","y"]}`, "<30>1 2026-05-28T20:26:40.000000Z h a 7 - - x"},
		{"bytes twice",
			`{"__CURSOR":"c","__REALTIME_TIMESTAMP":"1780000000000000","_COMM":"k","PRIORITY":"3","SYSLOG_FACILITY":"0","MESSAGE":[[104,105],[106]]}`, "<3>1 2026-05-28T20:26:40.000000Z - k - - - hi"},
		{"no message", `{"__CURSOR":"c","__REALTIME_TIMESTAMP":"1780000000000000"}`, "<30>1 2026-05-28T20:26:40.000000Z - - - - - "},
		{"no byte", `{"__CURSOR":"c","__REALTIME_TIMESTAMP":"1780000000000000","MESSAGE":[300]}`, ""},
		{"no time", `{"__CURSOR":"c","MESSAGE":"x"}`, ""},
	} {
		e, err := entry([]byte(tc.in))
		switch {
		case tc.want == "" && err == nil:
			t.Errorf("%s: %q, want an error", tc.name, e.line)
		case tc.want != "" && (err != nil || string(e.line) != tc.want):
			t.Errorf("%s: %v %v, want %q", tc.name, e, err, tc.want)
		}
	}
}

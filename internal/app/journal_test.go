package app

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hoalu/ecs/query"
	"hoalu/internal/config"
	"hoalu/internal/needed"
)

// A real systemd journal, made by systemd-journal-remote, is followed by the appliance: its log-ons are decoded and searchable, new
// entries come, and a restart reads none twice.
func TestJournalIsFollowed(t *testing.T) {
	const remote = "/lib/systemd/systemd-journal-remote"
	_, err := exec.LookPath("journalctl")
	if _, e := os.Stat(remote); err != nil || e != nil {
		needed.Missing(t, "systemd-journal-remote is not installed (test/peers/install.sh)")
	}
	dir, n := t.TempDir(), 0
	write := func(messages ...string) {
		t.Helper()
		var b strings.Builder
		for _, m := range messages {
			n++
			fmt.Fprintf(&b,
				"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=e1b2c3d4e5f60718293a4b5c6d7e8f90\n_HOSTNAME=may-01\nPRIORITY=6\nSYSLOG_FACILITY=10\nSYSLOG_IDENTIFIER=sshd\n_PID=77\nMESSAGE=%s\n\n",
				time.Now().UnixMicro()+int64(n), 1_000_000+n, m)
		}
		export := filepath.Join(t.TempDir(), "export")
		if err := os.WriteFile(export, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(remote, "-o", filepath.Join(dir, "system.journal"), export).CombinedOutput(); err != nil {
			t.Fatalf("systemd-journal-remote: %v %s", err, out)
		}
	}
	write("Failed password for root from 203.0.113.9 port 4711 ssh2",
		"Failed password for invalid user nguyễn from 203.0.113.9 port 4712 ssh2")
	r := newRig(t, func(c *config.Config) { c.Files.Journal = dir })
	failed := r.query(`event.outcome:failure and host.name:may-01`)
	r.eventually("two failed log-ons of the journal", func() bool { return r.count(failed) == 2 })
	write("Accepted publickey for root from 203.0.113.9 port 4713 ssh2")
	success := r.query(`event.outcome:success and host.name:may-01`)
	r.eventually("the entry that came later", func() bool { return r.count(success) == 1 })
	r.end()
	write("Failed password for root from 203.0.113.9 port 4714 ssh2")
	r.start()
	r.eventually("the entry written while nobody followed", func() bool { return r.count(failed) == 3 })
	if n := r.count(success); n != 1 {
		t.Errorf("%d log-ons after a restart, want 1: nothing twice", n)
	}
}

func (r *rig) query(text string) query.Node {
	r.Helper()
	q, err := query.Parse(text)
	if err != nil {
		r.Fatal(err)
	}
	return q
}

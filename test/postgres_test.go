package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hoalu/state/statetest"
)

// TestServeOnPostgres: the appliance with state.dsn keeps accounts, alerts and posture in PostgreSQL, goes on from there after a kill,
// and another data folder is refused on the same database.
func TestServeOnPostgres(t *testing.T) {
	dsn := statetest.Postgres(t)
	a := startAppliance(t, quiet+fmt.Sprintf("state: {dsn: %q}\n", dsn), "")
	send := func(from int) {
		t.Helper()
		var lines []string
		for i := range 30 {
			lines = append(lines, fmt.Sprintf("<86>%s pg01 sshd[4%03d]: Failed password for invalid user admin from 203.0.113.9 port 4%03d ssh2",
				time.Now().Format(time.Stamp), from+i, from+i))
		}
		file := filepath.Join(t.TempDir(), "auth.log")
		if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		a.must("import", "--data", a.data, "--source", "pg", file)
	}
	send(0)
	until(t, "an alert", 20*time.Second, func() bool { return len(a.alerts("analyst", "")) > 0 })
	before := a.alerts("analyst", "")
	if _, err := os.Stat(filepath.Join(a.data, "state.db")); !os.IsNotExist(err) {
		t.Errorf("state.db is in the data folder of an appliance on PostgreSQL: %v", err)
	}
	a.stop(syscall.SIGKILL)
	a.start()
	after := a.alerts("analyst", "")
	if len(after) != len(before) || after[0].Number != before[0].Number {
		t.Errorf("after a kill: %d alerts, the first %+v; want %d and %s", len(after), after[0], len(before), before[0].Number)
	}
	b := newAppliance(t, quiet+fmt.Sprintf("state: {dsn: %q}\n", dsn), "")
	if err := b.tryStart(); err == nil || !strings.Contains(err.Error(), "belongs to another data folder") {
		t.Errorf("a second data folder on the same database starts: %v", err)
	}
}

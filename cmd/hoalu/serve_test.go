package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"hoalu/internal/config"
)

// terminal opens both ends of a pseudo-terminal.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

// TestFirstLink: the link is printed at a terminal only; elsewhere it is in a file of mode 0600, also where a file of another mode
// stood, and a file of an earlier start goes.
func TestFirstLink(t *testing.T) {
	const link = "http://localhost:8080/first#Xq7w"
	path := filepath.Join(t.TempDir(), "first-link")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := tellFirstLink(&log, path, link); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "Xq7w") || !strings.Contains(log.String(), path) {
		t.Errorf("into a log goes %q", log.String())
	}
	info, err := os.Stat(path)
	raw, readErr := os.ReadFile(path)
	if err != nil || readErr != nil || info.Mode().Perm() != 0o600 || string(raw) != link+"\n" {
		t.Errorf("the file has mode %v and holds %q; %v %v", info, raw, err, readErr)
	}
	person, program := terminal(t)
	if err := tellFirstLink(program, path, link); err != nil {
		t.Fatal(err)
	}
	read := make([]byte, 4096)
	if n, err := person.Read(read); err != nil || !strings.Contains(string(read[:n]), link) {
		t.Errorf("at a terminal a person reads %q, %v", read[:n], err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file of an earlier start is still there: %v", err)
	}
	log.Reset()
	if err := tellFirstLink(&log, path, ""); err != nil || log.Len() > 0 {
		t.Errorf("an appliance with accounts says %q, %v", log.String(), err)
	}
}

func TestNoCores(t *testing.T) {
	if err := noCores(); err != nil {
		t.Fatal(err)
	}
	var got syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &got); err != nil || got.Cur != 0 || got.Max != 0 {
		t.Errorf("core limit %+v, %v; want 0 and 0", got, err)
	}
}

// TestHintsAreTyped: a command that is named to a person does, typed as it stands, what is said of it: it names the data directory where
// that is not the one that the command takes by itself.
func TestHintsAreTyped(t *testing.T) {
	for _, tt := range []struct{ data, want string }{
		{config.DefaultData(), program() + " try"},
		{"/var/lib/hoalu", program() + " try --data /var/lib/hoalu"},
		{"/home/trực ban/it's", program() + ` try --data '/home/trực ban/it'\''s'`},
	} {
		if got := command("try", tt.data); got != tt.want {
			t.Errorf("with %s: %s, want %s", tt.data, got, tt.want)
		}
	}
}

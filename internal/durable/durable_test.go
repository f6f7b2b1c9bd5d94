package durable

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path+New, []byte("left by a crash, longer than what comes"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two, which is longer", ""} {
		if err := Write(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("the file holds %q, %v; want %q", got, err, text)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want it for its owner alone", info.Mode(), err)
	}
	if list, err := os.ReadDir(filepath.Dir(path)); err != nil || len(list) != 1 {
		t.Errorf("%d files, %v; want nothing beside it", len(list), err)
	}
}

// TestAFailedWriteKeepsTheOldContent: on a full disk, and where the folder is gone.
func TestAFailedWriteKeepsTheOldContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := Write(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	err := Write(path, []byte(strings.Repeat("new", 4096)))
	if e := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); e != nil {
		t.Fatal(e)
	}
	if err == nil {
		t.Fatal("a file larger than may be written was written")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("after a failed write the file holds %.20q, %v", got, err)
	}
	if _, err := os.Stat(path + New); !os.IsNotExist(err) {
		t.Errorf("what was written of it is left: %v", err)
	}
	if err := Write(filepath.Join(path, "under a file"), nil); err == nil {
		t.Error("a folder that is none took a file")
	}
}

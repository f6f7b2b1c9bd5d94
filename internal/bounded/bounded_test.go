package bounded

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// zeros is a device that never ends and counts what was taken from it.
type zeros struct{ n int }

func (z *zeros) Read(p []byte) (int, error) { clear(p); z.n += len(p); return len(p), nil }

func TestWhatNeverEndsIsRefused(t *testing.T) {
	z := &zeros{}
	err := Lines(z, 4<<20, func(int, []byte) error { t.Error("a line of it was handed on"); return nil })
	if err == nil || !strings.Contains(err.Error(), "line 1 is longer than 4 MiB") {
		t.Errorf("a line without an end: %v", err)
	}
	if z.n > 8<<20 {
		t.Errorf("%d bytes were read for a line of at most 4 MiB", z.n)
	}
	if _, err := ReadFile("/dev/zero", 1<<20); err == nil || !strings.Contains(err.Error(), "/dev/zero is longer than 1 MiB") {
		t.Errorf("a file without an end: %v", err)
	}
}

func TestLinesAndFiles(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	text := "a\r\n\n" + long + "\nlast"
	var got []string
	if err := Lines(strings.NewReader(text), 4<<20, func(n int, line []byte) error {
		if n != len(got)+1 {
			t.Errorf("line %d is numbered %d", len(got)+1, n)
		}
		got = append(got, string(line))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Join(got, "") != text || len(got) != 4 {
		t.Errorf("%d lines, %d bytes of %d", len(got), len(strings.Join(got, "")), len(text))
	}
	stop := errors.New("stop")
	if err := Lines(strings.NewReader(text), 4<<20, func(int, []byte) error { return stop }); err != stop {
		t.Errorf("the error of f came back as %v", err)
	}
	if err := Lines(io.MultiReader(strings.NewReader("a\n"), failing{}), 4<<20, func(int, []byte) error { return nil }); err == nil {
		t.Error("a broken file was read to its end")
	}
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if data, err := ReadFile(file, int64(len(text))); err != nil || !bytes.Equal(data, []byte(text)) {
		t.Errorf("a file of the greatest length: %d bytes, %v", len(data), err)
	}
	if _, err := ReadFile(file, int64(len(text))-1); err == nil {
		t.Error("a longer file was read")
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken") }

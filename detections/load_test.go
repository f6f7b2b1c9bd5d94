package detections

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hoalu/detections/sigma"
)

const loadable = `title: A rule
id: 11111111-1111-4111-8111-111111111111
logsource: {product: linux}
detection: {selection: {a: b}, condition: selection}
level: high
`

// readAll reads a pack and returns what was refused of it and the number of rules.
func readAll(t *testing.T, name string) ([]sigma.Refusal, int) {
	t.Helper()
	p, c, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	d := &sigma.Documents{}
	if err := p.read(d, sigma.Values{}); err != nil {
		t.Fatal(err)
	}
	return d.Refused, len(d.Rules)
}

// TestOddFilesOfAPack: a pipe is not waited for, a broken link and an odd name in an archive do not keep the other rules from loading, and
// each is named.
func TestOddFilesOfAPack(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "good.yml"), []byte(loadable), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yml"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link.yml")); err != nil {
		t.Fatal(err)
	}
	refused, n := readAll(t, dir)
	names := ""
	for _, r := range refused {
		names += r.File + ": " + r.Reason + "\n"
	}
	if n != 1 || len(refused) != 2 || !strings.Contains(names, "pipe.yml: is no regular file") || !strings.Contains(names, "link.yml: cannot be read") {
		t.Errorf("folder: %d rules, refused:\n%s", n, names)
	}

	archive := filepath.Join(dir, "pack.zip")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for _, name := range []string{"good.yml", "../outside.yml", "/absolute.yml", "a//b.yml", "back\\slash.yml"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(loadable)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, n := readAll(t, archive); n < 1 {
		t.Error("archive with odd names: no rule was loaded")
	}
}

package detections

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

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
		names += r.File + ": " + r.Why.String() + "\n"
	}
	if n != 1 || len(refused) != 2 || !strings.Contains(names, "pipe.yml: is no regular file") ||
		!strings.Contains(names, "link.yml: cannot be read") {
		t.Errorf("folder: %d rules, refused:\n%s", n, names)
	}

	// The same by itself, as `hoalu rules check` and the configuration name it.
	for _, name := range []string{"pipe.yml", "pipe.zip"} {
		at := filepath.Join(dir, name)
		if err := syscall.Mkfifo(at, 0o644); err != nil && !errors.Is(err, syscall.EEXIST) {
			t.Fatal(err)
		}
		answered := make(chan string, 1)
		go func() {
			_, refused, err := LoadSet(at)
			answered <- fmt.Sprint(refused, err)
		}()
		select {
		case got := <-answered:
			if !strings.Contains(got, name+": is no regular file") {
				t.Errorf("%s by itself: %s", name, got)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s by itself: no answer in 10 s", name)
		}
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

// TestBombsOfAPack: a small archive that unpacks to a hundred megabytes, and small texts whose aliases unfold to billions of values, cost
// memory by what is kept of them, are refused by name, and take no rule beside them with them.
func TestBombsOfAPack(t *testing.T) {
	list := func(first string) string {
		text := "a0: &a0 [" + first + strings.Repeat(", "+first, 9) + "]\n"
		for n := 1; n < 10; n++ {
			text += fmt.Sprintf("a%d: &a%d [*a%d%s]\n", n, n, n-1, strings.Repeat(fmt.Sprintf(", *a%d", n-1), 9))
		}
		return text
	}
	head := "title: bomb\nid: 0f9a2e1c-0000-4000-8000-00000000000%d\nlogsource: {product: linux}\n"
	archive := filepath.Join(t.TempDir(), "pack.zip")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	add := func(name string, write func(w io.Writer) error) {
		w, err := z.Create(name)
		if err == nil {
			err = write(w)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) func(io.Writer) error {
		return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
	}
	add("good.yml", text(loadable))
	add("values.yml", text(list("x")+fmt.Sprintf(head, 2)+"detection: {s: {Image: *a9}, condition: s}\n"))
	add("maps.yml", text(list("{Image: x}")+fmt.Sprintf(head, 3)+"detection: {s: *a9, condition: s}\n"))
	add("tags.yml", text(list("x")+fmt.Sprintf(head, 4)+"tags: *a9\ndetection: {s: {Image: x}, condition: s}\n"))
	add("deep.yml", text(fmt.Sprintf(head, 5)+"detection: "+strings.Repeat("{s: ", 200_000)+"\n"))
	add("large.yml", func(w io.Writer) error {
		zeros := make([]byte, 1<<20)
		for range 128 {
			if _, err := w.Write(zeros); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(archive); err != nil || info.Size() > 2<<20 {
		t.Fatalf("the archive itself has %d bytes, %v", info.Size(), err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	refused, n := readAll(t, archive)
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 128<<20 {
		t.Errorf("reading the archive took %d MiB", grown>>20)
	}
	var names []string
	for _, r := range refused {
		names = append(names, r.File)
		t.Logf("%s: %.150s", r.File, r.Why)
	}
	slices.Sort(names)
	if got := strings.Join(slices.Compact(names), " "); n != 1 || got != "deep.yml large.yml maps.yml tags.yml values.yml" {
		t.Errorf("%d rules were read, want 1; refused: %s", n, got)
	}
}

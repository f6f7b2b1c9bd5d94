package decoders

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// TestOddFilesOfDecoders: whoever may write into the folder of decoders can make the start neither wait nor take memory; each file that
// is no definition is named with its reason.
func TestOddFilesOfDecoders(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yml"), 0o644); err != nil {
		t.Fatal(err)
	}
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		last := string(n[0] - 1)
		bomb += "a" + n + ": &a" + n + " [" + strings.TrimSuffix(strings.Repeat("*a"+last+", ", 10), ", ") + "]\n"
	}
	for name, text := range map[string]string{
		"large.yml":  strings.Repeat("# a comment\n", maxDefinition/10),
		"bomb.yml":   bomb + "dataset: bomb\n",
		"bomb2.yml":  bomb + "dataset: bomb2\nvalues: {t: *a9}\n",
		"bomb3.yml":  bomb + "dataset: bomb3\ndetect: *a9\n",
		"nested.yml": "dataset: nested\nvalues: " + strings.Repeat("[", 100_000) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := New(os.DirFS(dir))
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Fatal("files that are no decoders were taken")
	}
	for _, want := range []string{"pipe.yml: is no regular file", "large.yml: is larger than", "bomb.yml: ", "bomb2.yml: ", "bomb3.yml: ",
		"nested.yml: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing says %q in: %.2000s", want, err)
		}
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 256<<20 {
		t.Errorf("reading them took %d MiB", grown>>20)
	}
}

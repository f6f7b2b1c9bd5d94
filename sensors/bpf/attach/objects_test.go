package attach

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"hoalu/internal/needed"
)

// TestObjectsMatchTheirSource compiles every probe again and compares it with the object that is committed.
func TestObjectsMatchTheirSource(t *testing.T) {
	if _, err := exec.LookPath("clang"); err != nil {
		needed.Missing(t, "clang is not installed: apt-get install clang llvm libbpf-dev")
	}
	out := t.TempDir()
	if b, err := exec.Command("../build.sh", out).CombinedOutput(); err != nil {
		t.Fatalf("build.sh: %v\n%s", err, b)
	}
	objects, err := filepath.Glob("../*/*.bpf.o")
	if err != nil || len(objects) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	for _, o := range objects {
		want, err := os.ReadFile(o)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel("..", o)
		got, err := os.ReadFile(filepath.Join(out, rel))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what its source compiles to; run sensors/bpf/build.sh and commit the object", o)
		}
	}
}

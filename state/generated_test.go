package state_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"hoalu/internal/golden"
)

// TestGenerated keeps state/sqlc.sum, in the form of sha256sum: what sqlc read and what it wrote. Where it differs, the generated code
// may not fit the SQL: run `go generate ./state` (it needs sqlc v1.31.1) and commit all it changes. `sha256sum -c state/sqlc.sum` in the
// root checks the same without Go.
func TestGenerated(t *testing.T) {
	root := ".."
	files := []string{"sqlc.yaml"}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if name := d.Name(); rel != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "bin" || name == "dist" ||
				rel == "data") {
				return filepath.SkipDir
			}
			return nil
		}
		switch {
		case strings.HasPrefix(rel, "state/migrations/") && strings.HasSuffix(rel, ".sql"),
			strings.HasSuffix(rel, "/queries.sql"),
			strings.Contains(rel, "/internal/db/") && strings.HasSuffix(rel, ".go"):
			files = append(files, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(files)
	var b strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(text), f)
	}
	golden.Compare(t, "sqlc.sum", []byte(b.String()))
}

package ui

import (
	"io/fs"
	"strings"
	"testing"
)

// With a build, index.html must carry the placeholder and nothing inline; without one, FS says so.
func TestFS(t *testing.T) {
	files, ok := FS()
	if !ok {
		if files != nil {
			t.Fatalf("FS() = %v, false; want nil", files)
		}
		return
	}
	page, err := fs.ReadFile(files, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<meta name="csp-nonce" content="` + NoncePlaceholder + `"`, `<div id="root">`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("index.html lacks %s", want)
		}
	}
	for _, bad := range []string{" style=", "onload=", "http://", "https://", "<script>"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("index.html holds %q, which the policy refuses", bad)
		}
	}
}

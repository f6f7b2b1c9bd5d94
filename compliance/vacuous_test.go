package compliance

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNoPolicyTestIsVacuous: each test of a policy looks at what the policy or its library answers. `test_x if true` would stand for a
// state that nobody tested.
func TestNoPolicyTestIsVacuous(t *testing.T) {
	files, err := filepath.Glob("policies/*/*_test.rego")
	if err != nil {
		t.Fatal(err)
	}
	head := regexp.MustCompile(`(?m)^(test_\w+)`)
	asks := regexp.MustCompile(`\b(policy|lib|data)\.\w`)
	tests := 0
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		at := head.FindAllStringIndex(string(raw), -1)
		for i, x := range at {
			end := len(raw)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			body := string(raw[x[1]:end])
			if tests++; !asks.MatchString(body) {
				t.Errorf("%s: %s asks the policy nothing: %s", f, raw[x[0]:x[1]], strings.TrimSpace(body))
			}
		}
	}
	if tests < 50 {
		t.Errorf("%d tests of policies found in %d files: is the search broken?", tests, len(files))
	}
}

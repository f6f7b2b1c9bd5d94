package console

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

func extension(op *huma.Operation) any {
	if op == nil {
		return nil
	}
	return op.Extensions["x-action"]
}

func TestLocalesHaveTheSameKeys(t *testing.T) {
	holes := regexp.MustCompile(`\{[a-z_]+\}`)
	for key, vi := range locales["vi"] {
		en, ok := locales["en"][key]
		if !ok {
			t.Errorf("en lacks %s", key)
		}
		for _, h := range holes.FindAllString(en, -1) {
			if !strings.Contains(vi, h) && !strings.HasPrefix(key, "problem.") {
				t.Errorf("%s: vi lacks %s", key, h)
			}
		}
		for _, bad := range []string{"vui lòng", "Vui lòng", "xin ", "rất tiếc", "!", "dương tính giả", "an toàn thông tin", "hủy"} {
			if strings.Contains(vi, bad) {
				t.Errorf("%s: %q is not how a duty officer speaks: %s", key, bad, vi)
			}
		}
	}
	if len(locales["en"]) != len(locales["vi"]) {
		t.Errorf("%d texts in vi, %d in en", len(locales["vi"]), len(locales["en"]))
	}
}

// TestEveryCodeHasItsText looks through the sources of the parts for codes that a person may see.
func TestEveryCodeHasItsText(t *testing.T) {
	for _, c := range []struct {
		glob, pattern, prefix string
		least                 int
	}{
		{"*.go", `Code: "([a-z_]+)"`, "problem.", 10},
		{"*.go", `wrongField\("([a-z_]+)"`, "problem.", 10},
		{"identity/*.go", `problem\(http\.\w+, "([a-z_]+)"`, "problem.", 10},
		{"../triage/problems.go", `Code\w+\s*= "([a-z_]+)"`, "problem.", 5},
		{"../inventory/problems.go", `Code: "([a-z_]+)"`, "problem.", 3},
		{"../ecs/query/syntax.go", `= "(query\.[a-z_]+)"`, "problem.", 5},
		{"../collector/health/*.go", `Cause\w+\s*= "([a-z_]+)"`, "cause.", 5},
		{"../compliance/policies/*/*.rego", `reason\("([a-z_]+)"`, "because.", 10},
		{"authz/policy.rego", `"([a-z]+\.[a-z]+)": `, "action.", 20},
	} {
		files, err := filepath.Glob(c.glob)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_test.rego") {
				continue
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(c.pattern).FindAllSubmatch(raw, -1) {
				n++
				code := strings.Replace(string(m[1]), "query.", "query_", 1)
				if code == "not_found" { // worded as absent
					continue
				}
				if _, ok := locales["vi"][c.prefix+code]; !ok {
					t.Errorf("%s: %s has no text %s%s in locales_vi.json", file, m[1], c.prefix, code)
				}
			}
		}
		if n < c.least {
			t.Errorf("%s: %d codes found, want at least %d; has the pattern gone out of use?", c.glob, n, c.least)
		}
	}
}

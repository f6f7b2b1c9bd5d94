package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// otherWords are Vietnamese words for a thing that has one name in the console already, and that name. The command line, the console,
// the documents, the rules and the requirements are read by one duty officer, who looks for the same word everywhere.
var otherWords = []struct {
	not *regexp.Regexp
	say string
}{
	{regexp.MustCompile(`(?i)khẩn cấp`), "nghiêm trọng (critical)"},
	{regexp.MustCompile(`(?i)bộ thu thập`), "bộ thu nhận"},
	{regexp.MustCompile(`(?i)(?:^|[^ ]|[^i] |[^ờ]i )điểm nhận`), "điểm tiếp nhận"},
	{regexp.MustCompile(`(?i)sổ cái`), "sổ đối soát"},
	{regexp.MustCompile(`(?i)(?:nhật ký|dòng|bảng) kiểm toán`), "nhật ký thao tác"},
	{regexp.MustCompile(`(?i)(?:nhật ký|gói) bằng chứng(?: |\.|,|$)`), "nhật ký chứng cứ, gói chứng cứ"},
	{regexp.MustCompile(`(?i)hàng (?:chờ|đợi) gửi`), "hộp gửi"},
	{regexp.MustCompile(`(?i)tình trạng tuân thủ`), "đánh giá"},
	{regexp.MustCompile(`(?i)an toàn thông tin`), "an ninh mạng"},
	{regexp.MustCompile(`(?i)dương tính giả`), "cảnh báo nhầm"},
	{regexp.MustCompile(`(?i)leo thang|vui lòng|rất tiếc`), "nothing of the kind"},
}

// TestOneWordAThing: what the product says in Vietnamese names each thing as the console does.
func TestOneWordAThing(t *testing.T) {
	var read int
	for _, pattern := range []string{
		"internal/lang/vi.yml", "console/locales_vi.json", "console/ui/locales/vi.json", "docs/vi/*.md", "README.vi.md",
		"compliance/policies/*/*.vi.yaml", "compliance/*/*.go", "cmd/hoalu/*.go", "internal/*/*.go", "national/*.go",
		"detections/rules/*/*/*.yml", "detections/rules/*/*/*/*.yml",
	} {
		files, err := filepath.Glob("../../" + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			read++
			for i, line := range strings.Split(string(text), "\n") {
				for _, w := range otherWords {
					if m := w.not.FindString(line); m != "" {
						t.Errorf("%s:%d: %q; the console says %s", f, i+1, strings.TrimSpace(m), w.say)
					}
				}
			}
		}
	}
	if read < 100 {
		t.Errorf("only %d files were read", read)
	}
}

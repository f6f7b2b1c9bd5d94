package test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

var (
	emphasis = regexp.MustCompile(`(?:^|[^*\p{L}\p{N}])\*([^*\n]+)\*`)
	button   = regexp.MustCompile(`\*[^*\n]+\*, \*\*([^*\n]+)\*\*`)
	code     = regexp.MustCompile("`[^`]*`")
)

// texts gathers all strings of a JSON document.
func texts(v any, into map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			texts(x, into)
		}
	case string:
		into[v] = true
	}
}

// TestDocumentedMenus: what a page of the documents sends its reader to (*Sources, sensors*; *Systems → Declare a system*) is written so
// in the console, in that page's language; so is the button that stands in bold behind a place (*Administration*, *Units*, **Declare a
// unit**). Emphasised words with a small first letter are words, no places.
func TestDocumentedMenus(t *testing.T) {
	rules := ""
	titles, err := filepath.Glob("../detections/rules/hoalu/health/*.yml")
	if err != nil || len(titles) == 0 {
		t.Fatalf("titles of the product's own alerts: %d files, %v", len(titles), err)
	}
	for _, f := range titles {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		rules += string(raw)
	}
	for language, readme := range map[string]string{"en": "../README.md", "vi": "../README.vi.md"} {
		shown := map[string]bool{}
		for _, f := range []string{"../console/ui/locales/" + language + ".json", "../console/locales_" + language + ".json"} {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatalf("%s: %v", f, err)
			}
			texts(v, shown)
		}
		pages, err := filepath.Glob("../docs/" + language + "/*.md")
		if err != nil {
			t.Fatal(err)
		}
		places, buttons := 0, 0
		for _, f := range append(pages, readme) {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			text := code.ReplaceAllString(fence.ReplaceAllString(string(raw), ""), "")
			for _, m := range button.FindAllStringSubmatch(text, -1) {
				if buttons++; !shown[m[1]] {
					t.Errorf("%s sends its reader to the button %q, which the console does not show", f, m[1])
				}
			}
			for _, m := range emphasis.FindAllStringSubmatch(text, -1) {
				if r, _ := utf8.DecodeRuneInString(m[1]); !unicode.IsUpper(r) {
					continue
				}
				for part := range strings.SplitSeq(m[1], " → ") {
					places++
					if !shown[part] && !strings.Contains(rules, "title: "+part+"\n") {
						t.Errorf("%s sends its reader to %q, which the console does not show", f, m[1])
					}
				}
			}
		}
		if places < 25 || buttons < 4 {
			t.Errorf("%s: only %d places and %d buttons found: is the search broken?", language, places, buttons)
		}
	}
}

// TestPagesNamedInTexts: where a text of the command line, a run-book or the console says "the page Ledger" (trang Sổ đối soát), the
// console has a page of that name in that language.
func TestPagesNamedInTexts(t *testing.T) {
	files := []string{"../internal/lang/vi.yml"}
	err := filepath.WalkDir("../detections", func(path string, _ os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".yml") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for language, word := range map[string]*regexp.Regexp{
		"en": regexp.MustCompile(`\b(?:pages? (\p{Lu}[^"]*)|[Oo]n ((?:Sources|Ledger|Alerts|Systems|Search)\b[^"]*))`),
		"vi": regexp.MustCompile(`\b[Tt]rang (\p{Lu}[^"]*)()`),
	} {
		own := []string{"../console/ui/locales/" + language + ".json", "../console/locales_" + language + ".json"}
		var texts struct{ Page map[string]string }
		raw, err := os.ReadFile(own[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &texts); err != nil || len(texts.Page) < 10 {
			t.Fatalf("%s: %d pages, %v", own[0], len(texts.Page), err)
		}
		named := 0
		for _, f := range append(own, files...) {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(raw), "\n") {
			next:
				for _, m := range word.FindAllStringSubmatch(line, -1) {
					named++
					for _, page := range texts.Page {
						if strings.HasPrefix(m[1]+m[2], page) {
							continue next
						}
					}
					t.Errorf("%s:%d sends its reader to a page the console does not have: %s", f, i+1, m[0])
				}
			}
		}
		if named < 5 {
			t.Errorf("%s: only %d pages named: is the search broken?", language, named)
		}
	}
}

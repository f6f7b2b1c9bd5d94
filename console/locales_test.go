package console

import (
	"bytes"
	"encoding/json"
	"io/fs"
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

// pageTexts are the texts of the pages by dotted key, as the browser has them.
func pageTexts(t *testing.T, lang string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("ui/locales/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var walk func(at string, tree map[string]any)
	walk = func(at string, tree map[string]any) {
		for k, v := range tree {
			switch v := v.(type) {
			case string:
				out[at+k] = v
			case map[string]any:
				walk(at+k+".", v)
			}
		}
	}
	walk("", tree)
	return out
}

// sourceFiles are the files of the repository that are not tests and whose path from its root matches.
func sourceFiles(t *testing.T, path string) []string {
	t.Helper()
	var out []string
	re := regexp.MustCompile("^" + path + "$")
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "testdata") {
			return fs.SkipDir
		}
		rel, _ := filepath.Rel("..", file)
		if !d.IsDir() && re.MatchString(filepath.ToSlash(rel)) && !strings.Contains(d.Name(), "_test.") {
			out = append(out, file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEveryDetailHasItsName: what a deed is recorded with has a name in both languages; it stood in the audit log by its key.
func TestEveryDetailHasItsName(t *testing.T) {
	maps := regexp.MustCompile(`(?s)(?:Details: (?:\w+\()?|details :?= |for k, v := range )map\[string\]string\{(.*?)\}`)
	key := regexp.MustCompile(`"([a-z_]+)":`)
	set := regexp.MustCompile(`\b[dD]etails\["([a-z_]+)"\] = `)
	n := 0
	for _, file := range sourceFiles(t, `(?:console|triage|inventory|compliance|national|privacy|detections|internal)/.*\.go`) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := set.FindAllSubmatch(raw, -1)
		for _, m := range maps.FindAllSubmatch(raw, -1) {
			found = append(found, key.FindAllSubmatch(m[1], -1)...)
		}
		for _, m := range found {
			n++
			for _, lang := range []string{"vi", "en"} {
				if _, ok := locales[lang]["detail."+string(m[1])]; !ok {
					t.Errorf("%s: the detail %s has no name in %s", file, m[1], lang)
				}
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d details found: is the search broken?", n)
	}
}

// TestEveryCodeHasItsText looks through the sources of the parts for codes that a person may see: each has its words in both
// languages, in the texts of the server or, where page is set, in those of the pages.
func TestEveryCodeHasItsText(t *testing.T) {
	page := map[string]map[string]string{"vi": pageTexts(t, "vi"), "en": pageTexts(t, "en")}
	for _, c := range []struct {
		files, pattern, prefix string
		page                   bool
		least                  int
	}{
		{`console/[a-z_]+\.go`, `Code: "([a-z_]+)"`, "problem.", false, 10},
		{`console/[a-z_]+\.go`, `wrongField\("([a-z_]+)"`, "problem.", false, 10},
		{`console/identity/[a-z_]+\.go`, `problem\(http\.\w+, "([a-z_]+)"`, "problem.", false, 10},
		{`triage/problems\.go`, `Code\w+\s*= "([a-z_]+)"`, "problem.", false, 5},
		{`inventory/problems\.go`, `Code: "([a-z_]+)"`, "problem.", false, 3},
		{`internal/app/[a-z_]+\.go`, `soc\.Problem\{Status: [\w.]+, Code: "([a-z_]+)"`, "problem.", false, 5},
		{`internal/exercise/[a-z_]+\.go`, `soc\.Problem\{Status: [\w.]+, Code: "([a-z_]+)"`, "problem.", false, 4},
		{`(?:national|collector/ledger)/[a-z_]+\.go`, `soc\.Problem\{Status: [\w.]+, Code: "([a-z_]+)"`, "problem.", false, 6},
		{`compliance/evidence/[a-z_]+\.go`, `soc\.Problem\{Status: [\w.]+, Code: "([a-z_]+)"`, "problem.", false, 2},
		{`internal/control/[a-z_]+\.go`, `soc\.Problem\{Status: [\w.]+, Code: "([a-z_]+)"`, "problem.", false, 2},
		{`internal/control/client\.go`, `Not\w+\s*= "([a-z_]+)"`, "problem.", false, 2},
		{`inventory/(?:enrol/)?[a-z_]+\.go`, `soc\.Problem\{Status: [\w.]+, Code: "([a-z_]+)"`, "problem.", false, 10},
		{`ecs/query/syntax\.go`, `= "(query\.[a-z_]+)"`, "problem.", false, 5},
		{`collector/health/[a-z_]+\.go`, `Cause\w+\s*= "([a-z_]+)"`, "cause.", false, 5},
		{`compliance/policies/[a-z0-9_]+/[a-z0-9_]+\.rego`, `reason\("([a-z_]+)"`, "because.", false, 10},
		{`compliance/policies/[a-z0-9_]+/[a-z0-9_]+\.rego`, `, "(no_[a-z_]+)"[,)]`, "because.", false, 10},
		{`compliance/[a-z]+\.go`, `(?:soc\.Because\{\{Code: |doubt\(&?r, )"([a-z_]+)"`, "because.", false, 5},
		{`compliance/policies/[a-z0-9_]+/[a-z0-9_]+\.rego`, `"id": "([a-z_]+)"`, "evidence.", false, 5},
		{`soc/[a-z]+\.go`, `\bLog\w+ += "([a-z_]+)"`, "kind.", false, 5},
		{`console/authz/policy\.rego`, `"([a-z]+\.[a-z]+)": `, "action.", false, 20},
		{`collector/health/health\.go`, `(?m)^\t(?:Source|Store|Ledger|Clock|Disk|Queue|Sensor|Part)\w+\s*= "([a-z_]+)"`, "note.", false, 15},
		// deeds: written in place, and handed to the functions that write them
		{`.*\.go`, `Action:\s*"([a-z]+\.[a-z_]+)"`, "deed.", false, 20},
		{`inventory/(?:edit|keys)\.go`, `"((?:unit|system|asset|source)\.[a-z_]+)"`, "deed.", false, 12},
		{`triage/deeds\.go`, `"(alert\.[a-z_]+)"`, "deed.", false, 7},
		{`console/identity/[a-z]+\.go`, `"((?:account|session|token|link)\.[a-z_]+)"`, "deed.", false, 9},
		// what the pages word by a code of their own
		{`triage/apply\.go`, `Action: "([a-z]+)"`, "history.", true, 2},
		{`triage/deeds\.go`, `(?:scope, |action: )"([a-z]+)"`, "history.", true, 6},
		{`triage/score\.go`, `part\w+\s*= "([a-z]+)"`, "scorePart.", true, 5},
		{`soc/[a-z]+\.go`, `Alert(?:New|Acknowledged|Closed)\s*= "([a-z]+)"`, "alertState.", true, 3},
		{`soc/[a-z]+\.go`, `CloseReasons = \[\]string\{"([a-z_]+)"`, "reason.", true, 1},
		{`soc/[a-z]+\.go`, `Report\w+\s*= "([a-z]+)"`, "reportState.", true, 3},
		{`soc/[a-z]+\.go`, `PostureState = "([a-z_]+)"`, "posture.", true, 4},
		{`soc/[a-z]+\.go`, `Severity = "([a-z]+)"`, "severity.", true, 5},
		{`soc/[a-z]+\.go`, `Source(?:Receiving|Thin|Silent|Skewed|Garbled|Never)\s*= "([a-z]+)"`, "sourceState.", true, 6},
		{`soc/[a-z]+\.go`, `Source(?:Syslog|Bulk|Import|Sensor|Self)\s*= "([a-z]+)"`, "sourceKind.", true, 5},
		{`soc/[a-z]+\.go`, `Role = "([a-z]+)"`, "role.", true, 7},
		{`soc/[a-z]+\.go`, `Placement\w+\s*= "([a-z_]+)"`, "placement.", true, 3},
		{`soc/[a-z]+\.go`, `Layer\w+\s*= "([a-z]+)"`, "layer.", true, 4},
		{`internal/app/parts\.go`, `Part\{Name: "([a-z_]+)"`, "part.", true, 10},
		{`internal/app/parts\.go`, `Part\{Name: "([a-z_]+)"`, "part.", false, 10},
		{`collector/pipeline/pipeline\.go`, `Reason\w+\s*= "([a-z_]+)"`, "reasonCode.", true, 3},
		{`collector/collector\.go`, `TooLarge = "([a-z_]+)"`, "reasonCode.", true, 1},
		{`detections/sigma/sigma\.go`, `(?:Event|Value|Temporal)\w*\s*= "([a-z_]+)"`, "trace.", true, 6},
		{`detections/sigma/item\.go`, `(?:op = |op: )"([a-z]+)"`, "op.", true, 2},
		{`national/endpoint\.go`, `(?:wrong\("\w+", |Fields\[field\] = )"([a-z_]+)"`, "field_reason.", false, 6},
		{`inventory/[a-z]+\.go`, `w\["\w+"\] = "([a-z_]+)"`, "field_reason.", false, 5},
		{`inventory/[a-z]+\.go`, `(?:w\[|w\.text\(|exists\()"([a-z_]+)"`, "field_name.", false, 12},
		{`console/[a-z_]+\.go`, `wrongField\("\w+", "([a-z_]+)"`, "field_name.", false, 10},
		{`national/endpoint\.go`, `wrong\("([a-z_]+)"`, "field_name.", false, 5},
		{`console/alerts\.go`, `\{"([a-z_]+)", (?:in\.|slices\.)`, "field_name.", false, 5},
		{`privacy/privacy\.go`, `Kind = "([a-z]+)"`, "identifier.", false, 2},
		{`console/identity/[a-z]+\.go`, `return n == 1, "([a-z]+)"`, "factor.", false, 2},
		{`console/identity/[a-z]+\.go`, `"factor": "([a-z]+)"`, "factor.", false, 1},
		{`console/identity/[a-z]+\.go`, `Link\w+\s*= "([a-z]+)"`, "linkKind.", false, 3},
		{`console/identity/[a-z]+\.go`, `details\["acknowledged"\] = "([a-z]+)"`, "warning.", false, 1},
	} {
		n := 0
		for _, file := range sourceFiles(t, c.files) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(c.pattern).FindAllSubmatch(raw, -1) {
				n++
				code := strings.Replace(string(bytes.Join(m[1:], nil)), "query.", "query_", 1)
				if code == "not_found" { // worded as absent
					continue
				}
				for _, lang := range []string{"vi", "en"} {
					texts := locales[lang]
					if c.page {
						texts = page[lang]
					}
					_, ok := texts[c.prefix+code]
					if _, may := texts["action."+code]; !ok && !(c.prefix == "deed." && may) {
						t.Errorf("%s: %s has no text %s%s in %s", file, code, c.prefix, code, lang)
					}
				}
			}
		}
		if n < c.least {
			t.Errorf("%s, %s: %d codes found, want at least %d; has the pattern gone out of use?", c.files, c.pattern, n, c.least)
		}
	}
}

// TestEveryConclusionHasItsSteps: a reason that leaves something to do has three steps; only these leave nothing.
func TestEveryConclusionHasItsSteps(t *testing.T) {
	good := map[string]bool{"access_limited_recorded": true, "all_receiving": true, "centre_accepts": true, "clock_ok": true,
		"flows_collected": true, "kinds_seen": true, "no_database": true,
		"no_floor_at_level": true, "objects_seen": true, "retention_reached": true, "watched": true,
		"no_check":    true, // by kind of evidence, below
		"no_document": true} // of older intervals only
	for key := range locales["vi"] {
		code, ok := strings.CutPrefix(key, "because.")
		if !ok || good[code] {
			continue
		}
		if _, ok := locales["vi"]["fix."+code+".3"]; !ok {
			t.Errorf("%s has no three steps", code)
		}
	}
	for _, mode := range []string{"auto", "semi", "attest"} {
		if _, ok := locales["vi"]["fix.no_check_"+mode+".3"]; !ok {
			t.Errorf("a requirement of evidence %s without a check has no three steps", mode)
		}
	}
	for _, g := range groupIDs {
		if _, ok := locales["vi"]["advice."+g]; !ok {
			t.Errorf("group %s has no advice", g)
		}
	}
}

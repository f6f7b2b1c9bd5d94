package decoders

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hoalu/ecs"
)

// within says whether an event of logsource l is one of those that list names.
func within(list []ecs.Logsource, l ecs.Logsource) bool {
	return slices.ContainsFunc(list, func(m ecs.Logsource) bool {
		return (m.Product == AnyWord || m.Product == l.Product) && (m.Service == AnyWord || m.Service == l.Service) &&
			!slices.ContainsFunc(l.Category, func(c string) bool { return !slices.Contains(m.Category, c) })
	})
}

// A logsource that the list forgets would let a rule that fires be shown as one that cannot.
func TestLogsources(t *testing.T) {
	d := newDecoder(t)
	list := d.set.Logsources()

	// what the code sets in so many words, of parsers, sensors and the health watch
	call := regexp.MustCompile(`SetLogsource\("([^"]*)", "([^"]*)"((?:, "[^"]*")*)\)`)
	record := regexp.MustCompile(`"sigma\.logsource\.product":"([^"]*)","sigma\.logsource\.service":"([^"]*)"(,"sigma\.logsource\.category":"[^"]*")?`)
	word := regexp.MustCompile(`"([a-z_]+)"$`)
	calls := 0
	for _, dir := range []string{".", "../health", "../../sensors"} {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == "logsources.go" {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range append(call.FindAllStringSubmatch(string(text), -1), record.FindAllStringSubmatch(string(text), -1)...) {
				l := ecs.Logsource{Product: m[1], Service: m[2]}
				for _, c := range strings.Split(m[3], ", ") {
					if w := word.FindStringSubmatch(c); w != nil {
						l.Category = append(l.Category, w[1])
					}
				}
				calls++
				if l.Product+l.Service != "hoalu" && !within(list, l) { // hoalu alone: a sensor's event that names nothing
					t.Errorf("%s sets the logsource %+v, which Logsources does not name", path, l)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if calls < 15 {
		t.Errorf("only %d places that set a logsource were found", calls)
	}

	// what every test line of every definition and every recorded line becomes
	lines := 0
	see := func(dataset, raw string) {
		e, err := d.Decode(dataset, []byte(raw), time.Unix(1772414140, 0), nil)
		if err != nil {
			return
		}
		lines++
		if l := e.Logsource(); l.Product+l.Service+strings.Join(l.Category, "") != "" && !within(list, l) {
			t.Errorf("%.80q of %q has the logsource %+v, which Logsources does not name", raw, dataset, l)
		}
	}
	for _, def := range d.set.defs {
		for _, l := range def.Tests {
			see(def.Dataset, l.Raw)
		}
	}
	for _, def := range d.set.programs {
		for _, l := range def.Tests {
			see("", l.Raw)
		}
	}
	files, _ := filepath.Glob("testdata/*.log")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			see("", strings.TrimRight(line, "\r\n"))
			see(strings.TrimSuffix(filepath.Base(f), ".log"), strings.TrimRight(line, "\r\n"))
		}
	}
	if lines < 200 {
		t.Errorf("only %d lines were decoded", lines)
	}
	for _, never := range []ecs.Logsource{{Product: "okta"}, {Product: "azure", Service: "signinlogs"},
		{Product: "macos", Category: []string{"process_creation"}}} {
		if within(list, never) {
			t.Errorf("Logsources claims %+v", never)
		}
	}
}

package licences

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestEverythingBuiltInIsNamed: each module linked into the program, and each package of the console that is no tool of its build, stands
// in the bill of materials in the version that is built in, with a licence, and in the texts.
func TestEverythingBuiltInIsNamed(t *testing.T) {
	var bill struct {
		Components []struct {
			Name, Version, PURL string
			Licenses            []struct{ Expression string }
		}
	}
	if err := json.Unmarshal(SBOM, &bill); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, c := range bill.Components {
		named[c.PURL] = true
		if len(c.Licenses) != 1 || c.Licenses[0].Expression == "" {
			t.Errorf("%s has no licence", c.PURL)
		}
		if !strings.Contains(Texts, strings.TrimSpace(c.Name+" "+c.Version)) {
			t.Errorf("%s %s stands in no text", c.Name, c.Version)
		}
	}
	var want []string
	linked := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}",
		"hoalu/cmd/hoalu")
	linked.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := linked.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, m := range strings.Fields(string(out)) {
		want = append(want, "pkg:golang/"+m)
	}
	raw, err := os.ReadFile("../../console/ui/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct {
			Version                    string
			Dev, DevOptional, Optional bool
		}
	}
	if err := json.Unmarshal(raw, &lock); err != nil {
		t.Fatal(err)
	}
	for at, p := range lock.Packages {
		if i := strings.LastIndex(at, "node_modules/"); i >= 0 && !p.Dev && !p.DevOptional && !p.Optional {
			want = append(want, "pkg:npm/"+strings.Replace(at[i+len("node_modules/"):], "@", "%40", 1)+"@"+p.Version)
		}
	}
	if len(want) < 100 {
		t.Fatalf("only %d components were looked for", len(want))
	}
	there := map[string]bool{"pkg:golang/std": true}
	for _, w := range want {
		there[w] = true
		if !named[w] {
			t.Errorf("%s is built in and not named: run make generate", w)
		}
	}
	for n := range named {
		if !there[n] {
			t.Errorf("%s is named and not built in: run make generate", n)
		}
	}
}

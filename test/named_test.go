package test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"hoalu/internal/config"
)

// named are what the documents may name in code type.
type named struct {
	packages map[string]bool            // by their names
	members  map[string]map[string]bool // of a package: what it declares; of a type: its fields and methods
	tests    map[string]bool
	text     string // all Go, YAML, Rego and shell text
	folders  []string
	keys     map[string]bool // of the configuration, with their dots
}

// declarations adds what a file of Go declares.
func (n *named) declarations(f *ast.File) {
	add := func(of, name string) {
		if n.members[of] == nil {
			n.members[of] = map[string]bool{}
		}
		n.members[of][name] = true
	}
	pkg := strings.TrimSuffix(f.Name.Name, "_test")
	n.packages[pkg] = true
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if strings.HasPrefix(d.Name.Name, "Test") || strings.HasPrefix(d.Name.Name, "Fuzz") || strings.HasPrefix(d.Name.Name, "Benchmark") {
				n.tests[d.Name.Name] = true
			}
			if d.Recv == nil {
				add(pkg, d.Name.Name)
				continue
			}
			of := d.Recv.List[0].Type
			if star, ok := of.(*ast.StarExpr); ok {
				of = star.X
			}
			if id, ok := of.(*ast.Ident); ok {
				add(id.Name, d.Name.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.ValueSpec:
					for _, id := range s.Names {
						add(pkg, id.Name)
					}
				case *ast.TypeSpec:
					add(pkg, s.Name.Name)
					fields := &ast.FieldList{}
					switch x := s.Type.(type) {
					case *ast.StructType:
						fields = x.Fields
					case *ast.InterfaceType:
						fields = x.Methods
					}
					for _, field := range fields.List {
						for _, id := range field.Names {
							add(s.Name.Name, id.Name)
						}
					}
				}
			}
		}
	}
}

// keysOf adds the keys of a part of the configuration, groups among them.
func keysOf(t reflect.Type, prefix string, into map[string]bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" && name != "-" {
			into[prefix+name] = true
			if f.Type.Kind() == reflect.Struct {
				keysOf(f.Type, prefix+name+".", into)
			}
		}
	}
}

// tree reads the repository.
func tree(t *testing.T) *named {
	t.Helper()
	n := &named{packages: map[string]bool{}, members: map[string]map[string]bool{}, tests: map[string]bool{}, keys: map[string]bool{}}
	keysOf(reflect.TypeFor[config.Config](), "", n.keys)
	var text strings.Builder
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "node_modules" || name == ".git" || name == "dist" {
				return filepath.SkipDir
			}
			n.folders = append(n.folders, strings.TrimPrefix(path, "../"))
			return nil
		}
		switch filepath.Ext(path) {
		case ".go", ".yml", ".yaml", ".rego", ".sh":
		default:
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text.Write(raw)
		if filepath.Ext(path) != ".go" || strings.Contains(path, "/testdata/") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, raw, 0)
		if err != nil {
			return err
		}
		n.declarations(f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n.text = text.String()
	return n
}

var (
	spelt      = regexp.MustCompile("`([^`\n]+)`")
	placehold  = regexp.MustCompile(`<[^<>]*>`)
	pathLike   = regexp.MustCompile(`^[\w.*-]+(/[\w.*-]+)+/?$`)
	dotted     = regexp.MustCompile(`^[A-Za-z]\w*(\.\w+)+(\(\))?$`)
	testName   = regexp.MustCompile(`^(?:[\w/]+\.)?((?:Test|Fuzz|Benchmark)[A-Z]\w*)$`)
	qualified  = regexp.MustCompile(`^([\w/]+/)(\w+)((?:\.[A-Z]\w*)+)$`)
	metricName = regexp.MustCompile(`^hoalu_\w+$`)
	link       = regexp.MustCompile(`\]\(([^)\s#]*)(#[^)\s]*)?\)`)
	heading    = regexp.MustCompile(`(?m)^#+ (.+)$`)
)

// ofTheAppliance are files that a running appliance makes, named as paths.
var ofTheAppliance = []string{"files.json", "hoalu/master.key", "decoders/<number>.json"}

// wrong says what is not so with a piece of code type, "" of nothing. What is no name of the repository's own (a field of ECS, a word of
// a protocol) is not judged.
func (n *named) wrong(s string) string {
	switch s = strings.TrimSuffix(s, "()"); {
	case slices.Contains(ofTheAppliance, s):
	case strings.HasPrefix(s, "make ") && !strings.ContainsAny(s, "<…"):
		target := strings.Fields(s)[1]
		makefile, err := os.ReadFile("../Makefile")
		if err != nil {
			return err.Error()
		}
		if area, ok := strings.CutPrefix(target, "bench-"); ok {
			if areas, err := os.ReadFile("bench/main.go"); err != nil || !strings.Contains(string(areas), `{"`+area+`", `) {
				return "no area of the benchmark"
			}
		} else if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(makefile) {
			return "no target of the Makefile"
		}
	case testName.MatchString(s):
		if !n.tests[testName.FindStringSubmatch(s)[1]] {
			return "no test of this name"
		}
	case metricName.MatchString(s):
		if !regexp.MustCompile(`\b` + s + `\b`).MatchString(n.text) {
			return "no metric of this name"
		}
	case pathLike.MatchString(placehold.ReplaceAllString(s, "*")):
		if m := qualified.FindStringSubmatch(s); m != nil && n.packages[m[2]] { // ecs/query.Parse
			return cmp.Or(n.path(m[1]+m[2]), n.wrong(m[2]+m[3]))
		}
		return n.path(placehold.ReplaceAllString(s, "*"))
	case dotted.MatchString(s):
		parts := strings.Split(s, ".")
		if n.keys[parts[0]] && parts[0] != "decoders" && !n.packages[parts[0]] || n.keys[parts[0]+"."+parts[1]] {
			if !n.keys[s] {
				return "no key of the configuration"
			}
			return ""
		}
		capital := func(s string) bool { return unicode.IsUpper([]rune(s)[0]) }
		aPackage, aType := n.packages[parts[0]] && capital(parts[1]), n.members[parts[0]] != nil && capital(parts[0])
		if !aPackage && !aType { // a field of ECS, a name of somebody else's
			return ""
		}
		for i := 1; i < len(parts); i++ {
			if !n.members[parts[i-1]][parts[i]] {
				return parts[i-1] + " has no " + parts[i]
			}
		}
	}
	return ""
}

// path looks for a path of the repository. One whose first folder is none of the root's is looked for below any folder, as the documents
// name a listener's folder below its part; it is no path of ours where no folder of the repository has that name.
func (n *named) path(p string) string {
	first, _, _ := strings.Cut(p, "/")
	if _, err := os.Stat("../" + first); err == nil {
		if found, err := filepath.Glob("../" + strings.TrimSuffix(p, "/")); err != nil || len(found) == 0 {
			return "no file or folder of this repository"
		}
		return ""
	}
	ours := false
	for _, dir := range n.folders {
		if filepath.Base(dir) == first {
			ours = true
			if found, err := filepath.Glob("../" + filepath.Join(filepath.Dir(dir), p)); err == nil && len(found) > 0 {
				return ""
			}
		}
	}
	if ours && strings.Contains(filepath.Base(p), ".") {
		return "no file of this repository"
	}
	return ""
}

// TestWhatDocumentsNameExists: paths, tests, keys, metrics, targets and names of Go that a document gives are there, and its links lead
// somewhere.
func TestWhatDocumentsNameExists(t *testing.T) {
	n := tree(t)
	var files []string
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	pieces := 0
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := fence.ReplaceAllString(string(raw), "")
		if f != "../CHANGELOG.md" { // which tells of what was
			for _, m := range spelt.FindAllStringSubmatch(text, -1) {
				pieces++
				if why := n.wrong(m[1]); why != "" {
					t.Errorf("%s names `%s`: %s", f, m[1], why)
				}
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			to := f
			if m[1] != "" {
				to = filepath.Join(filepath.Dir(f), m[1])
			}
			there, err := os.ReadFile(to)
			if err != nil {
				t.Errorf("%s links to %s: %v", f, m[1], err)
				continue
			}
			if m[2] != "" && !slices.Contains(anchors(string(there)), m[2][1:]) {
				t.Errorf("%s links to %s%s: no heading of that page has this name", f, m[1], m[2])
			}
		}
	}
	if pieces < 800 {
		t.Errorf("only %d pieces of code type in %d files: is the search broken?", pieces, len(files))
	}
}

// anchors are the names of a page's headings, as links give them.
func anchors(text string) (list []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := strings.ToLower(strings.ReplaceAll(m[1], "`", ""))
		name = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(name, "")
		list = append(list, strings.ReplaceAll(name, " ", "-"))
	}
	return list
}

// TestDecisionsThatAreCitedExist: each "decision N" and "promise N" of a comment stands in docs/decisions.md.
func TestDecisionsThatAreCitedExist(t *testing.T) {
	raw, err := os.ReadFile("../docs/decisions.md")
	if err != nil {
		t.Fatal(err)
	}
	numbers := func(pattern string) (list []int) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(raw), -1) {
			i, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			if list = append(list, i); i != len(list) {
				t.Errorf("docs/decisions.md: number %d stands where %d is due", i, len(list))
			}
		}
		return list
	}
	last := map[string]int{"decision": len(numbers(`(?m)^\*\*(\d+) · `)), "promise": len(numbers(`(?m)^(\d+)\. \*\*`))}
	cited := 0
	for _, m := range regexp.MustCompile(`(?i)\b(decision|promise)s? (\d+)(?:(?:,| and|–|-) ?(\d+))*`).FindAllStringSubmatch(tree(t).text, -1) {
		for _, number := range m[2:] {
			if number == "" {
				continue
			}
			cited++
			if i, err := strconv.Atoi(number); err != nil || i < 1 || i > last[strings.ToLower(m[1])] {
				t.Errorf("a comment cites %q, which docs/decisions.md does not have", m[0])
			}
		}
	}
	if cited < 50 {
		t.Errorf("only %d citations found: is the search broken?", cited)
	}
	for _, m := range regexp.MustCompile(`\b(docs/[\w/-]+\.md|[\w-]+\.md §[\d.]+)`).FindAllString(tree(t).text, -1) {
		if _, err := os.Stat("../" + m); err != nil {
			t.Errorf("a comment cites %q, which is not in the repository", m)
		}
	}
}

// TestToldVersions: the README and the page on installing ask for the Go of go.mod and the Node of the console's package.json.
func TestToldVersions(t *testing.T) {
	read := func(path, pattern string) string {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := regexp.MustCompile(pattern).FindStringSubmatch(string(raw))
		if m == nil {
			t.Fatalf("%s does not say %s", path, pattern)
		}
		return m[1]
	}
	goes, node := read("../go.mod", `(?m)^go (\d+\.\d+)`), read("../console/ui/package.json", `"node": ">=([\d.]+)"`)
	for _, page := range []string{"../README.md", "../README.vi.md", "../docs/en/install.md", "../docs/vi/install.md"} {
		if told := read(page, `Go (\d+\.\d+)`); told != goes {
			t.Errorf("%s asks for Go %s, go.mod for %s", page, told, goes)
		}
		if told := read(page, `Node (\d+(?:\.\d+)?)`); told != node {
			t.Errorf("%s asks for Node %s, package.json for %s", page, told, node)
		}
	}
}

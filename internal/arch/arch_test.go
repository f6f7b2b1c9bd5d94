// Package arch holds the import table of the architecture and fails when a folder imports what it may not.
package arch

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// allowed says, for each top folder, which other folders of the module it may import (itself downward is always allowed;
// see docs/architecture.md, "What may import what").
var allowed = map[string][]string{
	"cmd":                {"*"},
	"internal/app":       {"*"},
	"internal/arch":      {},
	"internal/config":    {"collector", "detections", "national", "state"},
	"internal/control":   {"soc"},
	"internal/demo":      {"ecs", "soc"},
	"internal/bounded":   {},
	"internal/durable":   {},
	"internal/exercise":  {"detections", "ecs", "internal/lang", "soc"},
	"internal/golden":    {},
	"internal/guarded":   {},
	"internal/lang":      {},
	"internal/lifecycle": {},
	"internal/needed":    {},
	"internal/licences":  {},
	"internal/wording":   {},
	"ecs":                {},
	"soc":                {"ecs"},
	"state":              {},
	"inventory":          {"ecs", "soc", "state"},
	"sensors":            {"ecs"},
	"collector":          {"ecs", "soc", "state"},
	"detections":         {"ecs", "soc", "state"},
	"triage":             {"ecs", "soc", "state"},
	"privacy":            {"ecs", "soc", "state"},
	"vault":              {},
	"compliance":         {"ecs", "soc", "state"},
	"national":           {"ecs", "soc", "state"},
	"console":            {"ecs", "soc", "state"},
	"test":               {"*"},
}

// banned are names that say nothing.
var banned = map[string]bool{"util": true, "utils": true, "common": true, "helpers": true, "types": true, "core": true, "server": true}

func TestImports(t *testing.T) {
	root := "../.."
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			name := d.Name()
			if rel != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "dist" || name == "bin") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && rel != "." {
				return filepath.SkipDir // a test peer in a module of its own
			}
			if banned[name] {
				t.Errorf("%s: a folder is named for what it holds, not %q", rel, name)
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(rel))
		if dir == "." {
			t.Errorf("%s: no Go file belongs in the root", rel)
			return nil
		}
		seen++
		pkg, err := build.ImportDir(filepath.Join(root, dir), 0)
		if err != nil {
			if _, ok := err.(*build.NoGoError); ok {
				return nil
			}
			return err
		}
		top := part(dir)
		ok, known := allowed[top]
		if !known {
			t.Errorf("%s: folder is not in the table of internal/arch; add it there and to docs/architecture.md with its reason", dir)
			return nil
		}
		check := func(imports []string, test bool) {
			for _, imp := range imports {
				if !strings.HasPrefix(imp, "hoalu/") {
					continue
				}
				target := strings.TrimPrefix(imp, "hoalu/")
				if target == "internal/bounded" || target == "internal/durable" || target == "internal/guarded" || target == "internal/wording" || (test || strings.HasSuffix(dir, "test")) && (target == "internal/golden" || target == "internal/needed") {
					continue
				}
				if to := part(target); to != top && !contains(ok, to) {
					t.Errorf("%s imports %s: %s may import only itself and %v", dir, target, top, ok)
				}
			}
		}
		check(pkg.Imports, false)
		check(pkg.TestImports, true)
		check(pkg.XTestImports, true)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 5 {
		t.Fatalf("looked at %d files only: wrong root?", seen)
	}
}

// TestTableOfTheDocument: docs/architecture.md gives each folder what this package allows it.
func TestTableOfTheDocument(t *testing.T) {
	raw, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(raw), "## What may import what")
	if !ok {
		t.Fatal("docs/architecture.md has no such heading any more")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	told := map[string][]string{}
	names := regexp.MustCompile("`([a-z/ ]+)`")
	for _, row := range regexp.MustCompile(`(?m)^\| (`+"`[^|]+"+`) \| [^|]+ \| ([^|]+) \|$`).FindAllStringSubmatch(text, -1) {
		for _, folder := range names.FindAllStringSubmatch(row[1], -1) {
			to := []string{}
			if row[2] == "everything" {
				to = append(to, "*")
			}
			for _, list := range names.FindAllStringSubmatch(row[2], -1) {
				to = append(to, strings.Fields(list[1])...)
			}
			told[strings.TrimSuffix(folder[1], "/hoalu")] = to
		}
	}
	for folder, may := range allowed {
		to, ok := told[folder]
		if !ok {
			t.Errorf("docs/architecture.md does not tell what %s may import", folder)
			continue
		}
		slices.Sort(to)
		want := slices.Sorted(slices.Values(may))
		if !slices.Equal(to, want) {
			t.Errorf("docs/architecture.md lets %s import %v, this package %v", folder, to, want)
		}
	}
	for folder := range told {
		if _, ok := allowed[folder]; !ok {
			t.Errorf("docs/architecture.md has a row for %s, which is not in the table of this package", folder)
		}
	}
}

// part is the row of the table a folder belongs to.
func part(dir string) string {
	p := strings.Split(dir, "/")
	if p[0] == "internal" && len(p) > 1 {
		return p[0] + "/" + p[1]
	}
	return p[0]
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s || x == "*" {
			return true
		}
	}
	return false
}

// appLines bounds internal/app, tests apart: it wires the parts and has no behaviour of its own.
const appLines = 2_499

// sqlText finds a statement in a string of Go.
var sqlText = regexp.MustCompile("[\"`]\\s*(SELECT\\s.+\\sFROM|INSERT\\s+INTO|UPDATE\\s+\\w+\\s+SET|DELETE\\s+FROM)\\s")

// TestAppOnlyWires: internal/app stays small and holds no SQL. Behaviour belongs to a part, and a statement to the part whose table it is.
func TestAppOnlyWires(t *testing.T) {
	lines := 0
	err := filepath.WalkDir("../app", func(f string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(f) != ".go" || strings.HasSuffix(f, "_test.go") {
			return err
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(raw, []byte("//go:build ignore")) {
			return nil // a generator, not part of the program
		}
		lines += bytes.Count(raw, []byte("\n"))
		for i, line := range bytes.Split(raw, []byte("\n")) {
			if sqlText.Match(line) {
				t.Errorf("%s:%d: SQL in internal/app; it belongs to the part whose table it is: %s", filepath.Base(f), i+1, bytes.TrimSpace(line))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lines == 0 {
		t.Fatal("no file found: wrong folder?")
	}
	if lines > appLines {
		t.Errorf("internal/app has %d lines, more than %d: it wires the parts; move what behaves into the part it belongs to", lines, appLines)
	}
}

// Lines, functions and files that are read at once: lineRunes counts characters, those of literals apart, which cannot be broken; a
// function of more than functionLines and a file of more than fileLines are cut along their meaning. Tests are held to the first only: a
// long test tells one story. Write files of 600 lines at most; the rest is room for a mend that must not wait for a cut.
const (
	lineRunes     = 140
	functionLines = 80
	fileLines     = 640
)

// eachGoFile calls do with every file of Go in the repository, with its name from there, and says how many there are.
func eachGoFile(t *testing.T, do func(name string, raw []byte, fset *token.FileSet, tree *ast.File)) (files int) {
	t.Helper()
	root := "../.."
	err := filepath.WalkDir(root, func(f string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(f) != ".go" {
			return nil
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, f, raw, parser.ParseComments)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, f)
		files++
		do(filepath.ToSlash(name), raw, fset, tree)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestLinesAndFunctionsFit reads every file of Go that people write.
func TestLinesAndFunctionsFit(t *testing.T) {
	files := eachGoFile(t, func(name string, raw []byte, fset *token.FileSet, tree *ast.File) {
		if ast.IsGenerated(tree) {
			return
		}
		for n, width := range lineWidths(raw, tree, fset) {
			if width > lineRunes {
				t.Errorf("%s:%d: %d characters beside its literals, more than %d: break it", name, n, width, lineRunes)
			}
		}
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		if n := bytes.Count(raw, []byte{'\n'}); n > fileLines {
			t.Errorf("%s has %d lines, more than %d: cut it along its meaning", name, n, fileLines)
		}
		for _, decl := range tree.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1
			if lines > functionLines {
				t.Errorf("%s: %s has %d lines, more than %d: cut it along its meaning", name, fn.Name.Name, lines, functionLines)
			}
		}
	})
	if files < 300 {
		t.Fatalf("looked at %d files only: wrong root?", files)
	}
}

// skipsOn are the tests that may leave something out even in CI, by file, each with its reason. A line that is no longer true fails, too.
var skipsOn = map[string]string{
	"internal/needed/needed.go":              "the one place that decides it",
	"collector/source/bulk/loss_test.go":     "the child process of a test, which is no test when it is run by itself",
	"collector/store/storetest/storetest.go": "a store behind a server has no folder that a second one could open",
	"test/national_test.go":                  "a network without a name server answers nothing about a name that is not there",
}

// TestNothingIsLeftOutUnseen: a test that lacks a program, a right or a data set calls needed.Missing, which fails in CI. A bare Skip would
// pass there for a test that was never run.
func TestNothingIsLeftOutUnseen(t *testing.T) {
	asked := 0
	seen := map[string]bool{}
	eachGoFile(t, func(name string, _ []byte, fset *token.FileSet, tree *ast.File) {
		if !slices.ContainsFunc(tree.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing"` }) {
			return
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch sel, _ := call.Fun.(*ast.SelectorExpr); {
			case sel == nil:
			case sel.Sel.Name == "Missing":
				asked++
			case sel.Sel.Name != "Skip" && sel.Sel.Name != "Skipf" && sel.Sel.Name != "SkipNow":
			case skipsOn[name] == "":
				t.Errorf("%s: a test is skipped, in CI too; call needed.Missing, or list the file here with the reason", fset.Position(call.Pos()))
			default:
				seen[name] = true
			}
			return true
		})
	})
	if asked < 20 {
		t.Errorf("found %d calls of needed.Missing only: wrong root?", asked)
	}
	for name := range skipsOn {
		if !seen[name] {
			t.Errorf("%s skips nothing any more: take it out of the list", name)
		}
	}
}

// lineWidths gives the characters of each line by its number, without those of string and rune literals.
func lineWidths(raw []byte, tree *ast.File, fset *token.FileSet) map[int]int {
	out := map[int]int{}
	for i, line := range strings.Split(string(raw), "\n") {
		out[i+1] = utf8.RuneCountInString(line)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING && lit.Kind != token.CHAR {
			return true
		}
		from := fset.Position(lit.Pos()).Line
		for i, part := range strings.Split(lit.Value, "\n") {
			out[from+i] -= utf8.RuneCountInString(part)
		}
		return true
	})
	return out
}

package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/alecthomas/kong"

	"hoalu/internal/lang"
	"hoalu/internal/wording"
	"hoalu/national"
)

// texts are all English texts that the command line may say: arguments of say, T and the exercise's say, and what commands, flags and
// arguments say of themselves.
func texts(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{} // text → where
	for _, dir := range []string{".", "../../internal/exercise"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			fset := token.NewFileSet()
			tree, err := parser.ParseFile(fset, f, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					name := ""
					switch fn := n.Fun.(type) {
					case *ast.Ident:
						name = fn.Name
					case *ast.SelectorExpr:
						name = fn.Sel.Name
					}
					if (name == "say" || name == "T") && len(n.Args) > 0 && (dir != "." || len(n.Args) == 1) {
						if lit, ok := n.Args[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
							if s, err := strconv.Unquote(lit.Value); err == nil && s != "" {
								out[s] = fset.Position(n.Pos()).String()
							}
						}
					}
				case *ast.Field:
					if n.Tag == nil {
						return true
					}
					tag, err := strconv.Unquote(n.Tag.Value)
					if err != nil {
						return true
					}
					for _, key := range []string{"help", "placeholder"} {
						if text := reflect.StructTag(tag).Get(key); text != "" {
							out[text] = fset.Position(n.Pos()).String()
						}
					}
				}
				return true
			})
		}
	}
	problemTexts(t, out)
	for _, s := range planned {
		out[s] = "planned"
	}
	for _, w := range wrongUse {
		out[w.sentence] = "wrongUse"
	}
	for _, name := range positionals(t) {
		out["<"+name+">"] = "arg"
	}
	for _, s := range wording.System {
		out[string(s.Text)] = "wording.System"
	}
	for _, s := range []string{"informational", "low", "medium", "high", "critical"} {
		out[s] = "severity"
	}
	out[EvidenceVerifyCmd{}.Help()] = "EvidenceVerifyCmd.Help"
	out[RestoredCmd{}.Help()] = "RestoredCmd.Help"
	out[description] = "description"
	if len(out) < 150 {
		t.Fatalf("only %d texts found: is the search broken?", len(out))
	}
	return out
}

// positionals are the names of all arguments that stand without a flag.
func positionals(t *testing.T) (names []string) {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Vars{"data": "/d", "version": "v"})
	if err != nil {
		t.Fatal(err)
	}
	err = kong.Visit(parser.Model, func(v kong.Visitable, next kong.Next) error {
		if p, ok := v.(*kong.Positional); ok && p.Flag == nil {
			names = append(names, p.Name)
		}
		return next(nil)
	})
	if err != nil || len(names) == 0 {
		t.Fatalf("%d arguments, %v", len(names), err)
	}
	return names
}

// problemTexts adds the sentences and words of package wording in the parts whose problems the command line says.
func problemTexts(t *testing.T, out map[string]string) {
	t.Helper()
	var files []string
	for _, dir := range wordedParts {
		list, err := filepath.Glob(filepath.Join("../..", dir, "*.go"))
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(list), err)
		}
		files = append(files, list...)
	}
	n := 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		tree, err := parser.ParseFile(fset, f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		add := func(e ast.Expr) {
			if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					out[s] = fset.Position(lit.Pos()).String()
					n++
				}
			}
		}
		config := strings.Contains(f, "internal/config/")      // whose p.bad(…) makes a Problem
		decoders := strings.Contains(f, "collector/decoders/") // whose bad(…) does
		inside := strings.Contains(f, "internal/wording/")
		named := func(e ast.Expr, names ...string) bool {
			switch e := e.(type) {
			case *ast.Ident:
				return slices.Contains(names, e.Name)
			case *ast.SelectorExpr:
				x, ok := e.X.(*ast.Ident)
				return ok && x.Name == "wording" && slices.Contains(names, e.Sel.Name)
			}
			return false
		}
		ast.Inspect(tree, func(x ast.Node) bool {
			switch x := x.(type) {
			case *ast.CallExpr:
				sel, _ := x.Fun.(*ast.SelectorExpr)
				if len(x.Args) > 1 && (sel != nil && named(sel, "Because") || strings.Contains(f, "/wording/") && named(x.Fun, "Because")) {
					add(x.Args[1])
				}
				if len(x.Args) > 0 && sel != nil && (named(sel, "New", "Word") || config && sel.Sel.Name == "bad") {
					add(x.Args[0])
				}
				if len(x.Args) > 0 && (inside && named(x.Fun, "New", "Word") || decoders && named(x.Fun, "bad")) {
					add(x.Args[0])
				}
			case *ast.CompositeLit:
				if m, ok := x.Type.(*ast.MapType); ok && named(m.Value, "Word") {
					for _, e := range x.Elts {
						add(e.(*ast.KeyValueExpr).Value)
					}
				}
			case *ast.AssignStmt: // want = "…", a Word
				if config && len(x.Lhs) == 1 && named(x.Lhs[0], "want") {
					add(x.Rhs[0])
				}
			}
			return true
		})
	}
	if n < 40 {
		t.Fatalf("only %d texts of problems found: is the search broken?", n)
	}
}

// wordedParts are the folders whose problems reach a person at the command line.
var wordedParts = []string{"internal/config", "internal/bounded", "internal/durable", "internal/wording", "national", "detections", "detections/sigma", "privacy", "state", "sensors", "sensors/shipper",
	"sensors/packet", "sensors/bpf/attach", "vault", "vault/local", "compliance", "compliance/evidence", "internal/app", "collector/decoders",
	"collector/health", "collector/ledger", "collector/pipeline", "collector/queue", "collector/queue/local", "collector/store/local"}

var verbs = regexp.MustCompile(`%[-+#0]*(?:\d+)?(?:\.\d+)?[a-z%]`)

// TestEveryTextIsVietnameseToo: each text has its Vietnamese with the same values in the same order, and the file holds no others.
func TestEveryTextIsVietnameseToo(t *testing.T) {
	used := texts(t)
	kinds := func(s string) (list []string) {
		for _, v := range verbs.FindAllString(s, -1) {
			list = append(list, v[len(v)-1:])
		}
		return list
	}
	for english, where := range used {
		vi, ok := lang.Texts()[english]
		switch {
		case !ok && regexp.MustCompile(`[A-Za-z]{2}`).MatchString(verbs.ReplaceAllString(english, "")):
			t.Errorf("%s: internal/lang/vi.yml has no Vietnamese for %q", where, english)
		case ok && !slices.Equal(kinds(english), kinds(vi)):
			t.Errorf("%s: %q has the values %v, its Vietnamese %q has %v", where, english, kinds(english), vi, kinds(vi))
		}
	}
	for english := range lang.Texts() {
		if _, ok := used[english]; !ok {
			t.Errorf("internal/lang/vi.yml: nothing says %q any more", english)
		}
	}
}

// TestNothingIsSaidInEnglishAlone: what a command prints or returns goes through say.
func TestNothingIsSaidInEnglishAlone(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	// A format of words given to fmt or errors directly. Package errors and texts for files are no sentences for a person.
	direct := regexp.MustCompile(`(?:fmt\.(?:Errorf|Fprint|Fprintf|Fprintln|Printf|Println)|^\t.*errors\.New)\((?:[a-z.]+, )?"((?:[^"\\]|\\.)*)"`)
	words := regexp.MustCompile(`[a-z]{2,} [a-z]{2,}`)
	n := 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(raw), "\n") {
			n++
			if m := direct.FindStringSubmatch(line); m != nil && words.MatchString(m[1]) {
				t.Errorf("%s:%d: %q is said in English alone; write say(…) around it", f, i+1, m[1])
			}
		}
	}
	if n < 1000 {
		t.Fatalf("looked at %d lines only", n)
	}
}

// TestVietnameseHelpAndErrors: with a Vietnamese locale help and errors are Vietnamese, every command's.
func TestVietnameseHelpAndErrors(t *testing.T) {
	t.Setenv("LC_ALL", "vi_VN.UTF-8")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	english := regexp.MustCompile(`(?m)\b(the|of|and|is|with|for|this|Usage|Flags|Commands)\b`)
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"import", "--help"}, {"token", "create", "--help"},
		{"evidence", "verify", "--help"}, {"sensor", "run", "--help"}, {"restored", "--help"},
		{"nonsense"}, {"serve", "--dta", "x"}, {"sensor", "enroll"}, {"quarantine", "list", "--limit", "x"},
		{"quarantine", "list", "--limit", "5000"}, {"import", "--source", "x", "/no/such"},
		{"token", "create", "--role", "king"}, {"backup"}, {"evidence", "verify", "/no/such.pack"}, {"import"}} {
		var out, errs bytes.Buffer
		code := run(args, &out, &errs)
		text := out.String() + errs.String()
		if m := english.FindString(text); m != "" {
			t.Errorf("hoalu %s says in English (%q):\n%s", strings.Join(args, " "), m, text)
		}
		if want := map[bool]int{true: 0, false: 2}[args[len(args)-1] == "--help"]; code != want && code != 1 {
			t.Errorf("hoalu %s: exit code %d", strings.Join(args, " "), code)
		}
	}
	lang.Use("en")
}

// TestVietnameseConfigAndControl: what is wrong with a configuration and what the running appliance refuses is said in Vietnamese.
func TestVietnameseConfigAndControl(t *testing.T) {
	t.Setenv("LC_ALL", "vi_VN.UTF-8")
	defer lang.Use("en")
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	text := `site: {name: ""}
listne: {}
listen: {console: 0.0.0.0:8080, syslog_udp: "0.0.0.0:514", bulk: nowhere, sensorz: x, console_names: ["https://soc"], senders: [], sensors: ""}
queue: {max_bytes: many, reserve: 5 XiB}
store: {engine: elastic, keep_days: -1}
detections: {rules: [/no/such/folder], snapshot: 0s, placeholders: {admins: []}}
posture: {every: 1h}
state: {dsn: "mysql://x"}
files: {journal: /no/journal}
national: {min_severity: huge, retry_first: 10m, retry_most: 5m, heartbeat: 0s, reconcile_at: noon}
sensor: {interfaces: []}
`
	if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	english := regexp.MustCompile(`\b(must|is|the|of|and|not|no such|at least|there)\b`)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"config", "check", bad}, 1, "listen.bulk: phải có dạng"},
		{[]string{"serve", "--config", bad, "--data", dir}, 2, "national.reconcile_at: phải là"},
		{[]string{"demo", "load", "--data", dir}, 1, "Chưa có Hoa Lư nào chạy"},
		{[]string{"evidence", "export", "--data", dir, "--system", "HT-001", "--reason", "r", "--out", filepath.Join(dir, "p")}, 1,
			"Chưa có Hoa Lư nào chạy"},
	} {
		var out, errs bytes.Buffer
		if code := run(c.args, &out, &errs); code != c.code || !strings.Contains(errs.String(), c.want) {
			t.Errorf("hoalu %s: exit code %d, said\n%s\nwant %d and %q", strings.Join(c.args, " "), code, errs.String(), c.code, c.want)
		}
		for line := range strings.Lines(errs.String()) {
			if m := english.FindString(line); m != "" {
				t.Errorf("hoalu %s says in English (%q): %s", strings.Join(c.args, " "), m, line)
			}
		}
	}
}

// TestFlagsNameTheirValues: what stands behind a flag in the help is a word of ours for its value, not Go's name of a type.
func TestFlagsNameTheirValues(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	parser, err := kong.New(&commands{}, kong.Vars{"data": "/data", "version": version})
	if err != nil {
		t.Fatal(err)
	}
	flags := 0
	var walk func(n *kong.Node)
	walk = func(n *kong.Node) {
		for _, f := range n.Flags {
			if flags++; f.PlaceHolder == "" && f.Default == "" && !f.IsBool() && !f.Hidden {
				t.Errorf("%s %s: give it placeholder:\"…\", the help says %s", n.FullPath(), f.Name, f.FormatPlaceHolder())
			}
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(parser.Model.Node)
	if flags < 60 {
		t.Errorf("looked at %d flags only", flags)
	}
}

// TestWrongUse: each wrong argument gets a sentence that says what is wrong.
func TestWrongUse(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"nonsense"}, "nonsense is neither a command here nor an argument that is asked for."},
		{[]string{"serv"}, "Did you mean"},
		{[]string{"serve", "--dta", "x"}, "There is no flag --dta here. Did you mean"},
		{[]string{"serve", "--no-such-flag"}, "There is no flag --no-such-flag here."},
		{[]string{"sensor", "enroll", "--server", "https://x"}, "These flags are needed and not given: --token."},
		{[]string{"token", "create"}, "These flags are needed and not given: --role."},
		{[]string{"import", "--source", "x"}, "This must follow: <file>."},
		{[]string{"quarantine", "list", "--limit", "x"}, `--limit must be a whole number, not "x".`},
		{[]string{"try", "--wait", "soon"}, `--wait: must be a time as 90m, 24h or 7d, is "soon"`},
		{[]string{"try", "--wait", "-5s"}, `--wait needs a value behind it; one that begins with - is written as --wait="-5s".`},
		{[]string{"try", "--wait=-5s"}, `--wait: must be a time as 90m, 24h or 7d, is "-5s"`},
		{[]string{"import", "--source", "x", "--format", "pdf", "f"}, `--format takes one of "json", "syslog", "line", not "pdf".`},
		{[]string{"evidence", "verify", "/no/such.pack"}, "There is no file or folder /no/such.pack."},
		{[]string{"sensor"}, "One of these commands must follow:"},
	} {
		var out, errs bytes.Buffer
		if code := run(tt.args, &out, &errs); code != 2 || !strings.Contains(errs.String(), tt.want) {
			t.Errorf("hoalu %s: exit code %d, said %q, want 2 and %q", strings.Join(tt.args, " "), code, errs.String(), tt.want)
		}
	}
}

// TestNothingCommandsTheTerminal: what others named, and what stands in their files, reaches a terminal without its control characters.
func TestNothingCommandsTheTerminal(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	const attack = "\x1b]0;x\x07\x1b[2J\x1b[31m\u202e"
	dir := t.TempDir()
	rules := filepath.Join(dir, "rule"+attack+".yml")
	if err := os.WriteFile(rules, []byte("title: \""+attack+"\"\nlogsource: {product: linux}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "config"+attack+".yaml")
	if err := os.WriteFile(config, []byte("no\\u001bsuch: 1\n\"a\\e[31mb\": 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"rules", "check", dir}, {"rules", "check", rules}, {"rules", "check", filepath.Join(dir, attack)},
		{"rules", "match", "--rules", dir, "--events", filepath.Join(dir, attack)},
		{"config", "check", config}, {"evidence", "verify", filepath.Join(dir, attack)}, {attack}, {"serve", "--" + attack},
		{"token", "create", "--role", attack}, {"source", "decode", filepath.Join(dir, attack)},
		{"sensor", "packet", "--read", filepath.Join(dir, attack)}} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
		cmd.Args[0] = "hoalu" // TestMain runs the command then
		out, err := cmd.CombinedOutput()
		if err == nil || len(out) == 0 {
			t.Errorf("hoalu %q: %v, said %q; want it refused with a word", args, err, out)
		}
		if i := bytes.IndexFunc(out, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("hoalu %q writes %q to the terminal", args, out)
		}
	}
}

// TestTheCentresTroubleInVietnamese: why the centre was not reached is kept as English text; the command line says it in Vietnamese.
func TestTheCentresTroubleInVietnamese(t *testing.T) {
	lang.Use("vi")
	defer lang.Use("en")
	kept := "no_service: nothing listens at 127.0.0.1:1: check the address and port, and ask the centre (dial tcp 127.0.0.1:1: connection refused)"
	var out bytes.Buffer
	printLink(&out, national.Summary{Endpoint: true, Refused: 2, RefusedByReason: map[string]int64{"422 không rõ mã": 2}, LastError: kept}, time.Now())
	for _, want := range []string{"không có dịch vụ nào ở 127.0.0.1:1: hãy kiểm tra địa chỉ và cổng, rồi hỏi Trung tâm\n", "2 lần: 422 không rõ mã\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("said\n%s\nwant %q", &out, want)
		}
	}
	if englishText.MatchString(out.String()) {
		t.Errorf("English is left:\n%s", &out)
	}
}

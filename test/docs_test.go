package test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// told is one command line that a document tells its reader to type.
type told struct {
	file, line string
	block      bool // in a block of its own: the reader copies it whole
}

var (
	fence   = regexp.MustCompile("(?ms)^ *```[a-z]*\n(.*?)^ *```")
	command = regexp.MustCompile(`^\s*(?:sudo )?(?:bin/)?hoalu |\| hoalu `)
	inline  = regexp.MustCompile("`((?:sudo )?(?:bin/)?hoalu [^`\n]*)`")
)

// toldCommands reads the README files and the task pages in both languages.
func toldCommands(t *testing.T) (list []told) {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../README*.md", "../docs/*.md", "../docs/en/*.md", "../docs/vi/*.md", "../docs/formats/*.md", "../CONTRIBUTING.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatch(string(raw), -1) {
			for _, line := range strings.Split(m[1], "\n") {
				if command.MatchString(line) {
					list = append(list, told{f, strings.TrimSpace(line), true})
				}
			}
		}
		for _, m := range inline.FindAllStringSubmatch(fence.ReplaceAllString(string(raw), ""), -1) {
			list = append(list, told{f, m[1], false})
		}
	}
	if len(list) < 80 {
		t.Fatalf("only %d commands found in %d files: is the search broken?", len(list), len(files))
	}
	return list
}

// TestPagesAreWrittenTwice holds the pages of both languages to the same headings, blocks of commands and rows of tables: what stands in
// one language only, the readers of the other do not know.
func TestPagesAreWrittenTwice(t *testing.T) {
	marks := map[string]*regexp.Regexp{
		"headings": regexp.MustCompile(`(?m)^#`), "blocks": regexp.MustCompile("(?m)^ *```"), "rows of tables": regexp.MustCompile(`(?m)^\|`),
	}
	twins := [][2]string{{"../README.md", "../README.vi.md"}}
	names := map[string]bool{}
	for _, lang := range []string{"en", "vi"} {
		found, err := filepath.Glob("../docs/" + lang + "/*.md")
		if err != nil || len(found) < 10 {
			t.Fatalf("%d pages in %s, %v", len(found), lang, err)
		}
		for _, f := range found {
			names[filepath.Base(f)] = true
		}
	}
	for name := range names {
		twins = append(twins, [2]string{"../docs/en/" + name, "../docs/vi/" + name})
	}
	for _, twin := range twins {
		en, errEn := os.ReadFile(twin[0])
		vi, errVi := os.ReadFile(twin[1])
		if err := errors.Join(errEn, errVi); err != nil {
			t.Errorf("%v: the page is in one language only", err)
			continue
		}
		for what, find := range marks {
			if a, b := len(find.FindAll(en, -1)), len(find.FindAll(vi, -1)); a != b {
				t.Errorf("%s has %d %s, %s has %d", twin[0], a, what, twin[1], b)
			}
		}
	}
}

// example is what stands in a document for something of the reader's, and what the test has in its place.
type example struct {
	find    *regexp.Regexp
	replace string
}

// outcome is what a command must come to, by the words it begins with; the first that fits counts. Commands without a row must succeed.
var outcomes = []struct {
	begins string
	code   int
	says   string // in what it prints, "" anything
	skip   string // why it is not run as it stands
}{
	{begins: "hoalu backup", code: 2, says: "not in this version|chưa có"},
	{begins: "hoalu restore ", code: 2, says: "not in this version|chưa có"},
	{begins: "hoalu serve", skip: "every test starts it"},
	{begins: "hoalu sensor run", skip: "TestSensor enrols and runs one"},
	{begins: "hoalu vault rotate", skip: "needs the appliance stopped; internal/app.TestRotatedKeys does it"},
	{begins: "hoalu queue batch", skip: "no command: what a batch begins with"},
	{begins: "hoalu restored", skip: "needs the appliance stopped; TestRestored does it"},
	{begins: "hoalu national endpoint --url", code: 1, says: "not accepted"},           // the centre of the example is nowhere
	{begins: "hoalu demo remove", code: 1, says: "HT-007 is still in use: source NG-"}, // the sensor enrolled above is real
	{begins: "hoalu national send", code: 1, says: "not accepted|no receiving point|none is set"},
	{begins: "hoalu national reconcile", code: 1},
	{begins: "hoalu national status"},
	{begins: "hoalu evidence verify OLDER", skip: "the packs of two days; compliance/evidence compares them"},
	{begins: "hoalu evidence verify GÓI_TRƯỚC", skip: "the packs of two days; compliance/evidence compares them"},
}

// TestDocumentedCommands runs each command that a document tells its reader to type, as it stands there, on an appliance with the sample
// province; only what is the reader's own (files, addresses, tokens) is put in its place. Commands that are only named must exist.
func TestDocumentedCommands(t *testing.T) {
	a := startAppliance(t, quiet, "")
	work := t.TempDir()
	bin := filepath.Join(work, "bin")
	files(t, work, bin, a)
	a.must("demo", "load", "--data", a.data)
	until(t, "alerts of the sample", 30*time.Second, func() bool { return len(a.alerts("analyst", "")) >= 20 })
	if status, _, err := a.bulk([]byte(`{"create":{}}` + "\n" + `{"message":"a"}` + "\n")); err != nil || status != 200 {
		t.Fatalf("_bulk: %d, %v", status, err)
	}
	bulk, _ := a.source("kind=bulk&demo=no")["id"].(string)
	key := strings.TrimSpace(a.must("evidence", "key", "--data", a.data))
	var sensor string
	examples := []example{
		{regexp.MustCompile(`\s+#.*$`), ""},
		{regexp.MustCompile(`^sudo `), ""},
		{regexp.MustCompile(`bin/hoalu`), "hoalu"},
		{regexp.MustCompile(`--key "5f1c22ab …"`), `--key "` + key + `"`},
		{regexp.MustCompile(`https://10\.20\.0\.5:8443`), "https://localhost:" + a.ports.sensors},
		{regexp.MustCompile(`--data (DIR|THƯ-MỤC|/var/lib/hoalu)`), ""},
		{regexp.MustCompile(`/etc/hoalu/rules`), "rules"},
		{regexp.MustCompile(`--rules R`), "--rules rules"},
		{regexp.MustCompile(`--naive`), "--naive --time 50ms"},
		{regexp.MustCompile(`(config check|config show) \[?(?:FILE|TỆP)\]?`), "$1 " + a.config},
		{regexp.MustCompile(`--read (CAPTURE|TỆP)`), "--read capture.pcap"},
		{regexp.MustCompile(`(--source (?:test|thu)) (FILE|TỆP)`), "$1 lines.log"},
		{regexp.MustCompile(`check (PATH|ĐƯỜNG-DẪN)`), "check rules"},
		{regexp.MustCompile(`--decoders (folder|thư-mục) (file|tệp)`), "--decoders decoders lines.log"},
		{regexp.MustCompile(`revoke (SENSOR|TÊN)`), "revoke SENSORNAME"},
		{regexp.MustCompile(`source decode (FILE|TỆP)$`), "source decode lines.log"},
		{regexp.MustCompile(`--type <dataset> FILE`), "--type linux.auth lines.log"},
		{regexp.MustCompile(`(source key (?:new|list)) NG-0007`), "$1 " + bulk},
		{regexp.MustCompile(`--out ht-007\.pack`), "--out ht-007-NTH.pack"},
		{regexp.MustCompile(`--out fw-01`), "--out fw-01-NTH"},
	}
	ran, lastPack := 0, ""
	commands := toldCommands(t)
	slices.SortStableFunc(commands, func(x, y told) int { // what takes the sample away comes last
		return cmp.Compare(strings.Count(x.line, "demo remove"), strings.Count(y.line, "demo remove"))
	})
	for i, c := range commands {
		line := c.line
		for _, x := range examples {
			line = x.find.ReplaceAllString(line, x.replace)
		}
		line = strings.ReplaceAll(line, "NTH", string(rune('a'+i/26))+string(rune('a'+i%26)))
		if m := regexp.MustCompile(`ht-007-\S+\.pack`).FindString(line); m != "" {
			lastPack = m
		}
		line = strings.ReplaceAll(line, " ht-007.pack", " "+lastPack)
		words := strings.Fields(line)
		// named, not spelt out
		if !c.block && len(words) > 1 && !strings.ContainsAny(line, "-.…'\"|") && !strings.Contains(line, " rules rules") {
			exists(t, bin, a, c, words)
			continue
		}
		if strings.Contains(line, "--token …") {
			token := strings.TrimSpace(a.must("sensor", "invite", "--system", "HT-007", "--data", a.data))
			line = strings.ReplaceAll(line, "…", token)
		}
		line = strings.ReplaceAll(line, "SENSORNAME", sensor)
		code, says := 0, ""
		skip := ""
		for _, o := range outcomes {
			if strings.HasPrefix(line+" ", o.begins) {
				code, says, skip = o.code, o.says, o.skip
				break
			}
		}
		if skip != "" {
			continue
		}
		out, got := typed(t, work, bin, a, line)
		if got != code || says != "" && !regexp.MustCompile(says).MatchString(out) {
			t.Errorf("%s tells: %s\nrun as: %s\nexit code %d, want %d and /%s/\n%s", c.file, c.line, line, got, code, says, out)
		}
		if m := regexp.MustCompile(`enrolled as (\S+);`).FindStringSubmatch(out); m != nil {
			sensor = m[1]
		}
		ran++
	}
	if ran < 50 {
		t.Errorf("only %d commands were run", ran)
	}
}

// exists asks a command that a text only names for its help.
func exists(t *testing.T, bin string, a *appliance, c told, words []string) {
	t.Helper()
	name := words[1:]
	for i, w := range name { // the command alone, without what it works on
		if strings.ToLower(w) != w {
			name = name[:i]
			break
		}
	}
	if len(name) == 0 {
		return
	}
	line := "hoalu " + strings.Join(name, " ")
	for _, o := range outcomes {
		if o.skip != "" && strings.HasPrefix(line+" ", o.begins) {
			return
		}
	}
	if out, code := typed(t, t.TempDir(), bin, a, line+" --help"); code != 0 {
		for _, o := range outcomes {
			if strings.HasPrefix(line+" ", o.begins) && o.code == code {
				return
			}
		}
		t.Errorf("%s names %q, which does not exist: %s", c.file, c.line, out)
	}
}

// typed runs a line as a reader would type it; hoalu is on the path and its data directory is where it looks by itself.
func typed(t *testing.T, dir, bin string, a *appliance, line string) (string, int) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), 60*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, "bash", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+a.home, "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=",
		"XDG_DATA_HOME="+filepath.Join(filepath.Dir(bin), "share"), "PATH="+bin+":"+os.Getenv("PATH"), "LC_ALL=C.UTF-8")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", line, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// files makes what the documents' reader has: logs, a capture, rules, certificates, and hoalu on the path.
func files(t *testing.T, work, bin string, a *appliance) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.MkdirAll(bin, 0o755))
	must(os.Symlink(hoalu(t), filepath.Join(bin, "hoalu")))
	must(os.MkdirAll(filepath.Join(work, "share"), 0o755))
	must(os.Symlink(a.data, filepath.Join(work, "share", "hoalu")))
	line := "<86>Nov 22 10:00:00 web-01 sshd[77]: Failed password for root from 203.0.113.9 port 4711 ssh2\n"
	must(os.WriteFile(filepath.Join(work, "lines.log"), []byte(line), 0o644))
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, err := w.Write([]byte(`{"@timestamp":"2026-11-22T03:00:00Z","message":"policy 7 denied","host":{"name":"fw-01"}}` + "\n"))
	must(err)
	must(w.Close())
	must(os.WriteFile(filepath.Join(work, "firewall.ndjson.gz"), z.Bytes(), 0o644))
	must(os.WriteFile(filepath.Join(work, "capture.pcap"), capturedQuestion(), 0o644))
	must(os.CopyFS(filepath.Join(work, "rules"), os.DirFS("../detections/rules")))
	must(os.CopyFS(filepath.Join(work, "decoders"), os.DirFS("../collector/decoders/aws")))
	must(os.WriteFile(filepath.Join(work, "E.ndjson"),
		[]byte(`{"t":1,"logsource":{"product":"linux","category":["process_creation"]},"event":{"process.executable":"/usr/bin/dash","process.command_line":"sh -c id","process.parent.executable":"/usr/sbin/nginx"}}`+"\n"), 0o644))
	for _, name := range []string{"centre-ca.pem", "ca-trung-tam.pem"} {
		out, err := exec.Command("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
			"-subj", "/CN=centre", "-keyout", filepath.Join(work, "key.pem"), "-out", filepath.Join(work, name)).CombinedOutput()
		if err != nil {
			t.Fatalf("openssl: %v: %s", err, out)
		}
	}
	for _, name := range []string{"receipts.pem", "bien-nhan.pem"} {
		out, err := exec.Command("openssl", "pkey", "-in", filepath.Join(work, "key.pem"), "-pubout", "-out",
			filepath.Join(work, name)).CombinedOutput()
		if err != nil {
			t.Fatalf("openssl: %v: %s", err, out)
		}
	}
}

// capturedQuestion is a capture with one DNS question.
func capturedQuestion() []byte {
	frame := []byte("\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00" +
		"\x45\x00\x00\x38\x00\x01\x00\x00\x40\x11\x00\x00\x0a\x01\x02\x03\xcb\x00\x71\x09" + "\x9c\x40\x00\x35\x00\x24\x00\x00" +
		"\x00\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x00\x00\x01\x00\x01")
	head := []byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x01\x00\x00\x00")
	packet := []byte{0xf7, 0xbf, 0x25, 0x68, 0, 0, 0, 0, byte(len(frame)), 0, 0, 0, byte(len(frame)), 0, 0, 0}
	return append(append(head, packet...), frame...)
}

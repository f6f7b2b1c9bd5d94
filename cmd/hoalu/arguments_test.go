package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hoalu/compliance/evidence"
	"hoalu/internal/lang"
)

// goText is what only a developer of the Go library understands.
var goText = regexp.MustCompile(`\b(open|stat|mkdir|read|lstat|rename|listen tcp|bind|unlink) ["/.:\d]|no such file or directory|is a directory|not a directory|` +
	`permission denied|address already|2006-01-02T|parsing time|unknown time zone|perhaps try|short flag|,""|unexpected end of JSON|invalid character|yaml:|netip\.|errno|strconv`)

// englishText are words of English sentences that no Vietnamese one has.
var englishText = regexp.MustCompile(`\b(is|the|of|and|not|must|cannot|give|there|want|with|missing|needs|unknown|refused)\b`)

// TestEveryWrongArgumentIsASentence: what each command says to each kind of wrong argument is a sentence for the person who typed it, in
// the person's language: no words of the Go library, and under a Vietnamese locale no English.
func TestEveryWrongArgumentIsASentence(t *testing.T) {
	defer lang.Use("en")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	none := filepath.Join(dir, "none")
	text, badYAML, badJSON := file("text", "hello\n"), file("bad.yaml", "a: b\n  c: - d\n"), file("bad.json", `{"event":`+"\n")
	zip := file("rules.zip", "no zip\n")
	rules := file("good.yml", "title: t\nlogsource: {product: linux}\ndetection: {a: {b: c}, condition: a}\n")
	// Nothing listens but the console, on a port that another program has.
	port := file("port.yaml", "listen: {console: "+taken.Addr().String()+"}\n")
	other := file("key/master.key", strings.Repeat("ab", 32)+"\n")
	for _, args := range [][]string{
		{"serve", "--data", filepath.Join(text, "x")}, {"serve", "--data", "/proc/x"}, {"serve", "--data", text},
		{"serve", "--config", none, "--data", none}, {"serve", "--config", dir, "--data", none}, {"serve", "--config", badYAML, "--data", none},
		{"serve", "--config", port, "--data", filepath.Join(dir, "data")},
		{"config", "check", none}, {"config", "check", dir}, {"config", "check", badYAML}, {"config", "show", badYAML},
		{"import", "--source", "x", none, "--data", none}, {"import", "--source", "x", dir, "--data", none},
		{"import", "--source", "x", text, "--data", none}, {"import", "--source", "x", "--format", "pdf", text},
		{"rules", "check", none}, {"rules", "check", zip}, {"rules", "match", "--rules", none, "--events", text},
		{"rules", "match", "--rules", rules, "--events", none}, {"rules", "match", "--rules", rules, "--events", dir},
		{"rules", "match", "--rules", rules, "--events", badJSON}, {"rules", "correlate", "--rules", rules, "--events", badJSON},
		{"rules", "match", "--rules", rules, "--events", text}, {"rules", "correlate", "--rules", rules, "--events", dir},
		{"rules", "match", "--rules", rules, "--events", text, "--workers", "x"},
		{"rules", "bench", "--rules", rules, "--events", badJSON}, {"rules", "bench", "--rules", rules, "--events", text, "--time", "x"},
		{"rules", "reload", "--data", none}, {"rules", "check"}, {"evidence", "verify"}, {"source", "key", "revoke", "NG-1"}, {"vault", "rotate"},
		{"config", "check"}, {"sensor", "revoke", "--reason", "x"}, {"nonsense"}, {"serve", "extra"}, {"try", "--wait", "-5s"}, {"try", "--wait", "0"},
		{"sensor", "packet", "--read", "-x"}, {"import", "--source", "-x", text}, {"evidence", "verify", "--lang", "fr", text},
		{"source", "decode", none}, {"source", "decode", dir}, {"source", "decode", "--zone", "Mars", text},
		{"source", "decode", "--at", "yesterday", text}, {"source", "decode", "--decoders", none, text},
		{"source", "list", "--decoders", text}, {"source", "key", "list", "NG-1", "--data", none},
		{"source", "certificate", "NG-1", "--out", none, "--data", none},
		{"sensor", "packet", "--read", none}, {"sensor", "packet", "--read", badYAML},
		{"sensor", "packet", "--read", text, "--home", "x"}, {"sensor", "packet", "--read", text, "--out", filepath.Join(none, "x")},
		{"sensor", "packet", "--read", text, "--out", dir},
		{"sensor", "enroll", "--server", "x", "--token", "y"}, {"sensor", "invite", "--system", "x", "--data", none},
		{"evidence", "export", "--system", "x", "--reason", "r", "--out", filepath.Join(none, "x"), "--data", none},
		{"evidence", "verify", none}, {"evidence", "verify", dir}, {"evidence", "verify", text}, {"evidence", "verify", "--key", "zz", text},
		{"restored", "--reason", "x", "--data", filepath.Join(dir, "fresh")}, {"restored", "--reason", "x", "--data", text},
		{"vault", "rotate", "queue", "--reason", "x", "--data", filepath.Join(dir, "fresh")},
		{"token", "create", "--role", "king"}, {"token", "create", "--role", "analyst", "--ttl", "5y"},
		{"national", "status", "--data", none}, {"national", "endpoint", "--data", none},
		{"quarantine", "list", "--limit", "x"}, {"quarantine", "list", "--data", none}, {"try", "--data", none}, {"demo", "load", "--data", none},
	} {
		for _, locale := range []string{"C", "vi_VN.UTF-8"} {
			saysASentence(t, locale, args)
		}
	}
	// The data folder of the start above has keys of another master key.
	t.Setenv("HOALU_MASTER_KEY_FILE", other)
	for _, locale := range []string{"C", "vi_VN.UTF-8"} {
		saysASentence(t, locale, []string{"serve", "--config", port, "--data", filepath.Join(dir, "data")})
		saysASentence(t, locale, []string{"vault", "rotate", "queue", "--reason", "x", "--data", filepath.Join(dir, "data")})
	}
}

// TestOlderCopyIsRefusedInWords: each way in which a data folder's evidence log does not continue the head kept apart is said in the
// language of who starts it.
func TestOlderCopyIsRefusedInWords(t *testing.T) {
	defer lang.Use("en")
	for _, e := range []*evidence.RewoundError{{Size: 471, Kept: 500, At: 1, Place: "/x"}, {Size: 471, Place: "/x"}, {Size: 3, Kept: 2, Other: true}} {
		lang.Use("en")
		if said := errorSentence(e); said != e.Error() || !strings.Contains(said, "hoalu restored") {
			t.Errorf("in English: %s", said)
		}
		lang.Use("vi")
		if said := errorSentence(fmt.Errorf("x: %w", e)); englishText.MatchString(said) || !strings.Contains(said, "nhật ký chứng cứ") {
			t.Errorf("in Vietnamese: %s", said)
		}
	}
}

// saysASentence runs hoalu with args, which are wrong, in a locale.
func saysASentence(t *testing.T, locale string, args []string) {
	t.Helper()
	t.Setenv("LC_ALL", locale)
	var out, errs bytes.Buffer
	code := run(args, &out, &errs)
	said := regexp.MustCompile(`(?m)^time=.*\n`).ReplaceAllString(errs.String(), "") // the program's log, which is in English
	if code == 0 || strings.TrimSpace(said) == "" {
		t.Errorf("%s: hoalu %s: exit code %d, said %q; want it refused with a word", locale, strings.Join(args, " "), code, said)
	}
	for _, value := range args { // a path that was typed is not the program's words
		if strings.Contains(value, "/") {
			said = strings.ReplaceAll(said, value, "…")
		}
	}
	if m := goText.FindString(said); m != "" {
		t.Errorf("%s: hoalu %s speaks Go (%q): %s", locale, strings.Join(args, " "), m, said)
	}
	if m := regexp.MustCompile(`<[a-z-]+>`).FindString(said); m != "" && locale != "C" {
		t.Errorf("%s: hoalu %s asks for %s, which is English: %s", locale, strings.Join(args, " "), m, said)
	}
	if m := englishText.FindString(said); m != "" && locale != "C" {
		t.Errorf("%s: hoalu %s speaks English (%q): %s", locale, strings.Join(args, " "), m, said)
	}
}

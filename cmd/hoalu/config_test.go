package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hoalu/internal/config"
	"hoalu/internal/lang"
)

// anyValue are the keys of which no value of the right kind is wrong, and why.
var anyValue = map[string]string{
	"site.unit":           "a text for people",
	"listen.bulk_trust":   "a switch",
	"queue.reserve":       "0 is the product's own choice, every size is one",
	"detections.disabled": "an id that no rule has may be one that comes",
	"evidence.apart":      "the start looks at it, together with the data folder",
	"national.exercises":  "a switch",
	"sensor.host":         "a switch",
	"sensor.packet":       "a switch; what it needs is told of interfaces",
	"files.host":          "a switch",
}

// badValues are values of the right kind that cannot be, by key.
var badValues = map[string][]string{
	"site.name":               {`""`},
	"listen.console":          {"nowhere", "0.0.0.0:8080", "127.0.0.1:http", "127.0.0.1:70000", `"[::]:8080"`},
	"listen.console_names":    {`["https://soc"]`, "[localhost]", "[127.0.0.1]", `[""]`},
	"listen.syslog_udp":       {"0.0.0.0:514", "10.1.1.1", "127.0.0.1:x"},
	"listen.syslog_tcp":       {"0.0.0.0:514"},
	"listen.syslog_tls":       {"6514"},
	"listen.bulk":             {"0.0.0.0:9201"},
	"listen.bulk_tls":         {"9243"},
	"listen.sensors":          {`""`, "8443"},
	"listen.names":            {`["https://soc"]`, `["a b"]`, `[""]`},
	"listen.senders":          {"[10.0.0.1]", "[everybody]"},
	"queue.max_bytes":         {"1MiB", "many", "5 XiB"},
	"store.engine":            {"elastic", `""`},
	"store.keep_days":         {"-1", "36501", "9223372036854775807"},
	"decoders":                {"[/no/such/folder]", "[/dev/null]", `["bad\0name"]`, "[" + strings.Repeat("n", 300) + "]"},
	"state.dsn":               {`"mysql://x"`, `"postgres://u:secret@h:port/d"`},
	"state.readers":           {"-1"},
	"detections.rules":        {"[/no/such/folder]", "[/dev/null/x]"},
	"detections.snapshot":     {"0s", "-1s"},
	"detections.placeholders": {"{admins: []}"},
	"posture.every":           {"0s", "1h"},
	"national.min_severity":   {"huge", `""`},
	"national.heartbeat":      {"0s", "2000000h"},
	"national.timeout":        {"-1s", "25h"},
	"national.retry_first":    {"0s", "48h"},
	"national.retry_most":     {"0s", "25h"},
	"national.reconcile_at":   {"noon", "24:00", `""`},
	"sensor.interfaces":       {"[]"},
	"files.journal":           {"/no/journal", "/dev/null"},
}

// keysOf are the dotted keys of a part of the configuration.
func keysOf(t reflect.Type, prefix string) (keys []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case name == "" || name == "-": // the inline map of further listeners has no name of its own
		case f.Type.Kind() == reflect.Struct:
			keys = append(keys, keysOf(f.Type, prefix+name+".")...)
		default:
			keys = append(keys, prefix+name)
		}
	}
	return keys
}

// english are words that no Vietnamese sentence has.
var english = regexp.MustCompile(`(?i)\b(must|is|the|of|and|not|no such|at least|there|file|unknown|cannot|invalid|with|line|yaml:)\b`)

// TestEveryBadKeyAnswersInVietnamese: each wrong value and each value of a wrong kind of every key is refused in Vietnamese.
func TestEveryBadKeyAnswersInVietnamese(t *testing.T) {
	t.Setenv("LC_ALL", "")
	t.Setenv("LC_MESSAGES", "")
	t.Setenv("LANG", "vi_VN.UTF-8")
	defer lang.Use("en")
	path := filepath.Join(t.TempDir(), "hoalu.yaml")
	check := func(text, want string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if code := run([]string{"config", "check", path}, &out, &errs); code != 1 {
			t.Errorf("%q: exit code %d, want 1; said %s", text, code, errs.String())
			return
		}
		lines := strings.Split(strings.TrimSpace(errs.String()), "\n")
		if len(lines) < 2 || !strings.Contains(errs.String(), want) {
			t.Errorf("%q: said %s, want it to name %s", text, errs.String(), want)
		}
		for _, line := range lines[1:] {
			if strings.Contains(line, "secret") {
				t.Errorf("%q: the password is said: %s", text, line)
			}
			bare := strings.ReplaceAll(line, path, "")
			for key := range badValues { // a key's own name is no English
				bare = strings.ReplaceAll(bare, key, "")
			}
			for _, quoted := range []string{`"https://soc"`, "/no/such/folder", "postgres://user@host/database"} {
				bare = strings.ReplaceAll(bare, quoted, "")
			}
			if m := english.FindString(bare); m != "" || regexp.MustCompile(`^[\x00-\x7f]*$`).MatchString(bare) {
				t.Errorf("%q is answered in English (%q): %s", text, m, line)
			}
		}
	}
	document := func(key, value string) string {
		var b strings.Builder
		parts := strings.Split(key, ".")
		for i, p := range parts {
			fmt.Fprintf(&b, "%s%s:", strings.Repeat("  ", i), p)
			if i < len(parts)-1 {
				b.WriteByte('\n')
			}
		}
		return b.String() + " " + value + "\n"
	}
	keys := keysOf(reflect.TypeFor[config.Config](), "")
	if len(keys) < 35 {
		t.Fatalf("only %d keys found: %v", len(keys), keys)
	}
	for _, key := range keys {
		if (len(badValues[key]) == 0) == (anyValue[key] == "") {
			t.Errorf("%s: say either which values are wrong (badValues) or why none is (anyValue)", key)
		}
		for _, v := range badValues[key] {
			want := key
			if key == "queue.max_bytes" && v != "1MiB" || key == "national.retry_most" && v == "25h" {
				want = map[bool]string{true: "dòng 2", false: "national.retry_first"}[key == "queue.max_bytes"]
			}
			check(document(key, v), want)
		}
		wrong := "{x: {y: [1]}}" // for all that are no maps
		if key == "detections.placeholders" {
			wrong = "[x]"
		}
		check(document(key, wrong), "dòng ")
	}
	for _, key := range slices.Concat(badKeys(badValues), badKeys(anyValue)) {
		if !slices.Contains(keys, key) {
			t.Errorf("%s is no key of the configuration any more", key)
		}
	}
	for text, want := range map[string]string{
		"sitte: {name: x}":                      "sitte",
		"listen: {sensorz: x}":                  "sensorz",
		"listen: {sensorz: {a: b}}":             "dòng 1",
		"site: x":                               "dòng 1",
		"site: {name: a, name: b}":              "hai lần",
		"site: {name: a}\nsite: {unit: b}":      "hai lần",
		"a: [":                                  "YAML",
		"site:\n\tname: x":                      "YAML",
		"site: *x":                              "YAML",
		"\x01":                                  "YAML",
		"site: {name: \xff}":                    "YAML",
		"store: {keep_days: 1}\n---\nstore: {}": "---",
		"site: &a {name: x, unit: *a}":          "dòng 1",
		"- a":                                   "dòng 1",
		"store: {keep_days: 99999999999999999999}": "dòng 1",
		"queue: {max_bytes: [1]}":                  "dòng 1",
		"posture: {every: 5}\nsite: {name: ''}":    "site.name",
		"posture: {every: soon}":                   "dòng 1",
		"files: {host: perhaps}":                   "dòng 1",
	} {
		check(text, want)
	}
}

func badKeys[V any](m map[string]V) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

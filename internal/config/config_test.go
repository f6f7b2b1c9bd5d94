package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hoalu/internal/wording"
)

// TestLoadNamesEveryBadKey: one look at the message is enough to mend the file.
func TestLoadNamesEveryBadKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hoalu.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`site: {name: ""}
listne: {}
listen:
  console: 0.0.0.0:8080
  syslog_udp: 0.0.0.0:514
  syslog_tcp: 10.1.1.1:99999
  bulk: nowhere
  sensorz: x
  senders: []
queue: {max_bytes: many, reserve: 5 XiB}
store: {engine: elastic, keep_days: -1}
detections: {rules: [/no/such/folder], snapshot: 0s}
posture: {every: 1h}
national: {min_severity: huge, retry_first: 10m, retry_most: 5m, reconcile_at: noon}
sensor: {interfaces: []}
`)
	_, err := Load(path)
	if err == nil {
		t.Fatal("a bad configuration was taken")
	}
	for _, want := range []string{"site.name", `unknown key "listne"`, `unknown key "sensorz"`, "listen.console", "listen.syslog_udp",
		"listen.syslog_tcp", "listen.bulk", `"many"`, `"5 XiB"`,
		`store.engine: there is no "elastic"`, "store.keep_days", "detections.rules[0]", "detections.snapshot", "posture.every",
		"national.min_severity", "national.retry_first", "national.reconcile_at", "sensor.interfaces"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message does not name %s", want)
		}
	}
	if strings.Contains(err.Error(), "config.") || strings.Contains(err.Error(), "unmarshal errors") {
		t.Errorf("the message speaks Go: %v", err)
	}
	if t.Failed() {
		t.Log(err)
	}
	for _, tc := range []struct{ text, want string }{
		{"", ""},
		{"queue: {max_bytes: 1GiB}\nlisten: {syslog_udp: '0.0.0.0:514', senders: [10.0.0.0/8]}", ""},
		{"listen: {bulk_tls: '0.0.0.0:9243', syslog_tls: '0.0.0.0:6514'}", ""}, // keys and certificates let in
		{"listen: {bulk_tls: '9243'}", "listen.bulk_tls"},
		{"a: [", "yaml"},
		{"store: {keep_days: 1}\n---\nstore: {keep_days: 2}", "more than one document"},
		{"listen: {sensors: ''}", "listen.sensors"},
		{"listen: {senders: [10.0.0.1]}", "listen.senders[0]"},
	} {
		write(tc.text)
		_, err := Load(path)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("Load of %q: %v, want %q", tc.text, err, tc.want)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "c.yaml")
	for text, want := range map[string]int64{"64MiB": 64 << 20, "1 GiB": 1 << 30, "67108864": 64 << 20, "67108864B": 64 << 20, "-1": -1,
		"1.5GiB": -1, "GiB": -1, "9999999999TiB": -1, "64MB": -1, "64 MiB KiB": -1} {
		if err := os.WriteFile(path, []byte("queue: {max_bytes: "+text+"}"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path)
		if (err == nil) != (want >= 0) || err == nil && int64(c.Queue.MaxBytes) != want {
			t.Errorf("max_bytes: %s is %d, %v; want %d", text, c.Queue.MaxBytes, err, want)
		}
	}
}

// TestSentences: each problem is said in another language with its own values, the words among them too, a part's as well.
func TestSentences(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hoalu.yaml")
	text := "site: {name: \"\"}\nstore: {keep_days: viele}\nqueue: {max_bytes: many}\nposture: {every: 1h}\nnational: {reconcile_at: noon}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(path)
	words := map[string]string{"%s: %s": "%s » %s", "line %s: must be %s, is %q": "dòng %s: phải là %s, không phải %q",
		"a whole number": "số nguyên",
		"line %s: a size must be as 512, 64KiB, 2MiB or 8GiB, is %q":                               "dòng %s: dung lượng không viết %q",
		"site.name: must not be empty":                                                             "site.name: không được để trống",
		"national.reconcile_at: must be a time of day as 00:20, is %q":                             "national.reconcile_at: không phải %q",
		"posture.every: must be between 1s and 5m so that silence shows within ten minutes, is %s": "posture.every: không được là %s"}
	got := wording.Sentences(err, func(english string) string {
		if vi := words[english]; vi != "" {
			return vi
		}
		t.Errorf("no words for %q", english)
		return english
	})
	want := []string{path + ` » dòng 2: phải là số nguyên, không phải "viele"`, path + ` » dòng 3: dung lượng không viết "many"`,
		"site.name: không được để trống",
		"posture.every: không được là 1h0m0s", `national.reconcile_at: không phải "noon"`}
	if !slices.Equal(got, want) {
		t.Errorf("Sentences of %v:\n%q\nwant\n%q", err, got, want)
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != len(want) {
		t.Errorf("%d lines in English, want %d: %v", len(lines), len(want), err)
	}
	if got := wording.Sentences(nil, nil); got != nil {
		t.Errorf("Sentences of nothing: %q", got)
	}
}

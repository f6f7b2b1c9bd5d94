package decoders

import (
	"strings"
	"testing"
	"testing/fstest"

	"hoalu/ecs"
)

// extra is a set with one definition beside the build's own.
func extra(t *testing.T, yml string) (*Set, error) {
	t.Helper()
	return New(fstest.MapFS{"own/app.yml": {Data: []byte(yml)}})
}

// TestRefused: every fault of a definition is refused at load by the name of what is wrong.
func TestRefused(t *testing.T) {
	const head = "dataset: own.app\nparse: kv\nfields: {src: source.ip}\n"
	const tests = "tests:\n  - raw: 'src=10.0.0.1 a=b'\n    want: {source.ip: 10.0.0.1}\n"
	for _, c := range []struct{ name, yml, want string }{
		{"no tests", head, "own/app.yml: tests are missing"},
		{"no want", head + "tests:\n  - raw: 'src=10.0.0.1 a=b'\n", "test 1 has no raw or no want"},
		{"a want that is not met", head + "tests:\n  - raw: 'src=10.0.0.1 a=b'\n    want: {source.ip: 10.0.0.2}\n",
			`source.ip = "10.0.0.1", want "10.0.0.2"`},
		{"a name that ECS has not", "dataset: own.app\nparse: kv\nfields: {src: sorce.ip}\n" + tests, "sorce.ip is no name of ECS"},
		{"in set", head + "set: {observer.vender: x}\n" + tests, "observer.vender is no name of ECS"},
		{"in values", head + "values: {event.outcom: {field: a, map: {b: c}}}\n" + tests, "event.outcom is no name of ECS"},
		{"in a rule", head + "rules:\n  - when: {a: b}\n    set: {event.categry: x}\n" + tests, "event.categry is no name of ECS"},
		{"the product's own name", head + "names: [hoalu.exercise]\nset: {hoalu.exercise: 'true'}\n" + tests,
			"hoalu.exercise is the product's own"},
		{"an unknown key", head + "fieds: {}\n" + tests, "fieds"},
		{"an unknown key in detect", head + "detect: {alll: [x]}\n" + tests, "alll"},
		{"an unknown key in values", head + "values: {event.outcome: {feld: a, map: {b: c}}}\n" + tests, "feld"},
		{"an unknown parse", "dataset: own.app\nparse: grok\n" + tests, `"grok" is none of`},
		{"a bad pattern", "dataset: own.app\nparse: pattern\npatterns: ['(']\n" + tests, "patterns: ) is missing: ("},
		{"a bad dissect", "dataset: own.app\nparse: dissect\ndissect: ['%{a}%{b}']\n" + tests, "nothing between"},
		{"a bad condition", head + "rules:\n  - when: {'a|like': b}\n" + tests, `"like" is none of`},
		{"an unknown parser in Go", "dataset: own.d\nprograms: [hosod]\nnative: gdm\nlogsource: {service: hoso}\n" + tests,
			`"gdm" is none of auditd, cron`},
		{"two ways to read", "dataset: own.d\nprograms: [hosod]\nnative: sshd\nparse: kv\nlogsource: {service: hoso}\n" + tests,
			"native stands instead of parse"},
		{"a path for a program", "dataset: own.d\nprograms: [/usr/sbin/hosod]\nparse: kv\nlogsource: {service: hoso}\n" + tests,
			`"/usr/sbin/hosod" is no name of a program`},
		{"a program without a service", "dataset: own.d\nprograms: [hosod]\nparse: kv\n" + tests, "logsource of programs"},
		{"a program and detect", "dataset: own.d\nprograms: [hosod]\ndetect: {all: [x]}\nparse: kv\nlogsource: {service: hoso}\n" + tests,
			"instead of detect"},
		{"pam without a program", head + "pam: true\n" + tests, "native, pam and shared are of programs"},
		{"a field set twice", head + "set: {event.category: x, event.category: y}\n" + tests, "event.category stands there twice"},
		{"no dataset", "parse: kv\n" + tests, "dataset is missing; name it own.app"},
		{"no parse", "dataset: own.app\n" + tests, "parse is missing"},
		{"rules without end", head + "rules:\n" + deep(9) + tests, "rules stand more than"},
	} {
		_, err := extra(t, c.yml)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
		}
	}
	if _, err := extra(t, head+"names: [own.level]\nset: {own.level: x}\n"+tests); err != nil {
		t.Errorf("a name of its own: %v", err)
	}
	if _, err := New(fstest.MapFS{"a/x.yml": {Data: []byte(head + tests)}, "b/y.yml": {Data: []byte(head + tests)}}); err == nil ||
		!strings.Contains(err.Error(), "a/x.yml too") {
		t.Errorf("two of one dataset: %v", err)
	}
	if _, err := Load([]string{"/nonexistent", t.TempDir()}); err == nil || !strings.Contains(err.Error(), "/nonexistent") ||
		!strings.Contains(err.Error(), "no decoder") {
		t.Errorf("Load of a folder that is not there and an empty one: %v", err)
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("    ", i) + "  - when: {a: b}\n")
		if i < n-1 {
			b.WriteString(strings.Repeat("    ", i) + "    rules:\n")
		}
	}
	return b.String()
}

// TestEngine: dispatch by program, ordered rules, conditions, parsing inside what was parsed, nested members: by YAML alone. The test
// lines of the definition say what it must give.
func TestEngine(t *testing.T) {
	set, err := extra(t, ownApp)
	if err != nil {
		t.Fatal(err)
	}
	if !set.Known("own.app") {
		t.Error("own.app is not known")
	}
	for _, wrong := range []string{"source.ip: 10.0.0.1", "event.outcome: success", "user.name: an"} { // and the lines are looked at
		if _, err := extra(t, strings.Replace(ownApp, wrong, wrong+"x", 1)); err == nil {
			t.Errorf("with %sx a test line is met", wrong)
		}
	}
}

const ownApp = `
dataset: own.app
product: an application of the province
detect:
  - {app: [hoso], any: ["login", "audit"]}
  - {pattern: '^HOSO\|\d+\|'}
  - json: [hoso.version, hoso.data]
names: [own.queue]
set: {event.module: hoso}
logsource: {product: hoso}
rules:
  - when: {"@app": hoso, "@text|startswith": "login "}
    parse: dissect
    prefix: "-"
    dissect: ["login %{result} for %{user} from %{ip}"]
    fields: {user: user.name, ip: source.ip}
    values: {event.outcome: [{field: result, map: {ok: success}}, {field: result, map: {"*": failure}}]}
    logsource: {product: hoso, service: auth}
    rules:
      - when: {user: [root, admin]}
        set: {event.category: iam}
      - when: {"user|re": "^[a-z]+$", "result|not": ok}
        set: {event.category: authentication}
  - when: {"@text|contains": "audit {"}
    parse: pattern
    patterns: ['audit (?P<doc>\{.*\})$']
    rules:
      - of: doc
        parse: json
        prefix: "hoso."
        fields: {actor.ip: source.ip, actor.name: user.name}
        rules:
          - when: {detail|exists: true}
            of: detail
            parse: kv
            prefix: "-"
            fields: {queue: own.queue, path: file.path}
  - parse: csv
    csv: {separator: "|", columns: ["", number, ip]}
    fields: {ip: source.ip}
tests:
  - raw: '<38>Mar  2 09:00:01 web01 hoso[7]: login ok for an from 10.0.0.1'
    want: {user.name: an, source.ip: 10.0.0.1, event.outcome: success, event.category: "", event.module: hoso, sigma.logsource.service: auth, host.name: web01, process.pid: 7, user: ""}
  - raw: '<38>Mar  2 09:00:01 web01 hoso[7]: login denied for root from 10.0.0.1'
    want: {user.name: root, event.outcome: failure, event.category: iam}
  - raw: '<38>Mar  2 09:00:01 web01 hoso[7]: login denied for binh from 10.0.0.1'
    want: {user.name: binh, event.category: authentication}
  - raw: '<38>Mar  2 09:00:01 web01 hoso[7]: audit {"actor":{"ip":"10.0.0.9","name":"an"},"detail":"queue=in path=/a"}'
    want: {source.ip: 10.0.0.9, user.name: an, own.queue: in, file.path: /a, hoso.actor.name: an}
  - raw: 'HOSO|7|10.0.0.3'
    want: {source.ip: 10.0.0.3, number: "7"}
`

// TestOwnPrograms: a YAML file alone says whose messages of hosts it reads, and takes a program over from the build's own.
func TestOwnPrograms(t *testing.T) {
	set, err := extra(t, ownPrograms)
	if err != nil {
		t.Fatal(err)
	}
	if set.Known("own.hosod") {
		t.Error("a source can be told to be a program; it is one of many that a host's syslog carries")
	}
	d := set.Decoder()
	for line, want := range map[string]string{
		"<86>Mar  2 09:00:01 web01 su[7]: moe becomes root": "own_su", // taken over
		// the build's own, still
		"<86>Mar  2 09:00:01 web01 su-l[7]: Successful su for root by moe":                                          "su",
		"<86>Mar  2 09:00:01 web01 hosod[7]: pam_unix(hosod:session): session opened for user an(uid=7) by (uid=0)": "session_opened",
	} {
		e, err := d.Decode("", []byte(line), received, nil)
		if err != nil || e.Text(ecs.EventAction) != want {
			t.Errorf("%s: event.action %q, %v; want %q", line, e.Text(ecs.EventAction), err, want)
		}
	}
	for _, wrong := range []string{"user.name: an,", "sigma.logsource.service: hoso,", "event.action: hosod}"} { // and its lines are looked at
		if _, err := extra(t, strings.Replace(ownPrograms, wrong, wrong[:len(wrong)-1]+"x"+wrong[len(wrong)-1:], 1)); err == nil {
			t.Errorf("with another %s a test line is met", wrong)
		}
	}
}

const ownPrograms = `
dataset: own.hosod
programs: [hosod, su]
pam: true
prefix: "-"
logsource: {service: hoso}
rules:
  - when: {"@app": hosod}
    parse: dissect
    dissect: ["%{user} opens %{file}"]
    fields: {user: user.name, file: file.path}
    set: {event.category: file, event.action: "{@app}"}
  - parse: dissect
    dissect: ["%{user} becomes %{target}"]
    fields: {user: user.name, target: user.effective.name}
    set: {event.action: own_su}
tests:
  - raw: '<86>Mar  2 09:00:01 web01 hosod[7]: an opens /a'
    want: {user.name: an, file.path: /a, sigma.logsource.service: hoso, event.action: hosod}
`

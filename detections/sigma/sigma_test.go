package sigma_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hoalu/detections/sigma"
	"hoalu/ecs"
	"hoalu/internal/wording"
)

func rule(logsource, detection string) string {
	return "title: t\nid: 0f9a2e1c-0000-4000-8000-000000000001\nlogsource: {" + logsource + "}\ndetection:\n    " +
		strings.ReplaceAll(strings.TrimSpace(detection), "\n", "\n    ") + "\n"
}

// TestMatch: what the conformance cases leave out.
func TestMatch(t *testing.T) {
	proc := logsource{"windows", "sysmon", []string{"process_creation"}}
	sec := logsource{"windows", "security", []string{"process_creation"}}
	lin := logsource{"linux", "", []string{"process_creation"}}
	web := logsource{"nginx", "", []string{"webserver"}}
	tests := []struct {
		name      string
		logsource string
		detection string
		ls        logsource
		event     string
		want      bool
	}{
		{"2 of", "product: windows", "a: {A: 1}\nb: {B: 1}\nc: {C: 1}\ncondition: 2 of them", proc, `{"A":1,"C":1}`, true},
		{"2 of, one", "product: windows", "a: {A: 1}\nb: {B: 1}\nc: {C: 1}\ncondition: 2 of them", proc, `{"A":1}`, false},
		{"not 2 of", "product: windows", "x: {X: 1}\na: {A: 1}\nb: {B: 1}\ncondition: x and not 2 of ?", proc, `{"X":1}`, true},
		{"pattern with underscore", "product: windows", "_a: {A: 1}\nb: {B: 1}\ncondition: 1 of _*", proc, `{"A":1}`, true},
		{"event.id is the sender's", "product: windows", "a: {event.id: '77'}\ncondition: a", proc, `{"event":{"id":"77"}}`, true},
		{"event.created is the sender's", "product: windows", "a: {event.created|contains: '2026'}\ncondition: a", proc,
			`{"event.created":"2026-01-01"}`, true},
		{"@timestamp", "product: windows", "a: {'@timestamp|hour|gte': 22}\ncondition: a", proc, `{"@timestamp":"2026-01-01T23:10:00Z"}`, true},
		{"@timestamp, earlier", "product: windows", "a: {'@timestamp|hour|gte': 22}\ncondition: a", proc, `{"@timestamp":"2026-01-01T21:59:59Z"}`,
			false},
		{"month", "product: windows", "a: {When|month: 2}\ncondition: a", proc, `{"When":"2026-02-28 10:00:00"}`, true},
		{"keyword, not our own fields", "product: windows", "k: [sysmon]\ncondition: k", proc, `{"A":"x"}`, false},
		{"keyword in a nested field", "product: windows", "k: [sysmon]\ncondition: k", proc, `{"A":{"b":["x","a SYSMON b"]}}`, true},
		{"keyword re", "product: windows", "k:\n  '|re': 'a\\d+b'\ncondition: k", proc, `{"A":"xxa12b"}`, true},
		{"keyword number", "product: windows", "k: [4711]\ncondition: k", proc, `{"A":4711}`, true},
		{"keyword in a rule with more", "product: windows", "k: [evil]\ns: {EventID: 1}\ncondition: s and not k", proc,
			`{"EventID":1,"x":"good"}`, true},
		{"4688 image", "product: windows\n, category: process_creation", "a: {Image|endswith: '\\cmd.exe'}\ncondition: a", sec,
			`{"NewProcessName":"C:\\cmd.exe"}`, true},
		{"4688 integrity by its label", "product: windows\n, category: process_creation", "a: {IntegrityLevel: [High, S-1-16-12288]}\ncondition: a", sec,
			`{"winlog":{"event_data":{"MandatoryLabel":"S-1-16-12288"}}}`, true},
		{"4688 account", "product: windows\n, category: process_creation", "a: {User|contains: AUTHORI}\ncondition: a", sec,
			`{"winlog":{"event_data":{"SubjectUserName":"SYSTEM","SubjectDomainName":"NT AUTHORITY"}}}`, true},
		{"4688 account, exact name before it", "product: windows\n, category: process_creation", "a: {User: CORP\\nva}\ncondition: a", sec,
			`{"winlog":{"event_data":{"SubjectUserName":"nva","User":"CORP\\nva"}}}`, true},
		{"winlogbeat", "product: windows", "a: {Image|endswith: '\\cmd.exe', EventID: 1}\ncondition: a", proc,
			`{"winlog":{"event_id":1,"event_data":{"Image":"C:\\CMD.exe"}}}`, true},
		{"evtx_dump", "product: windows", "a: {ClientMachine: pc1, EventID: 5858, Provider_Name: P}\ncondition: a", proc,
			`{"Event":{"System":{"EventID":{"#text":5858},"Provider":{"#attributes":{"Name":"P"}}},"UserData":{"Operation":{"ClientMachine":"PC1"}}}}`, true},
		{"exact name before alias", "product: windows\n, category: process_creation", "a: {Image: a.exe}\ncondition: a", sec,
			`{"NewProcessName":"a.exe","Image":"b.exe"}`, false},
		{"alias, given first", "product: windows\n, category: process_creation", "a: {Image: b.exe}\ncondition: a", sec,
			`{"NewProcessName":"a.exe","Image":"b.exe"}`, true},
		{"values without a name of Winlogbeat", "product: windows\n, service: powershell-classic",
			"a: {Data|contains|all: [nslookup, '-q=txt']}\ncondition: a", logsource{"windows", "powershell-classic", nil},
			`{"winlog":{"event_data":{"param1":"Available","param2":"None","param3":"HostApplication=powershell.exe -nop -c nslookup -q=txt"}}}`,
			true},
		{"values without a name, one is not enough", "product: windows", "a: {Data: [Gone, Away]}\ncondition: a", proc,
			`{"winlog":{"event_data":{"param1":"Available","param2":"None"}}}`, false},
		{"a whole number with a point", "product: windows", "a: {EventID: 4625}\ncondition: a", proc, `{"EventID":4625.0}`, true},
		{"a whole number with a point, as text", "product: windows", "a: {EventID: '4625.000'}\ncondition: a", proc, `{"EventID":4625.000}`,
			true},
		{"a fraction is none", "product: windows", "a: {EventID: 4625}\ncondition: a", proc, `{"EventID":4625.01}`, false},
		{"a text with a point is text", "product: windows", "a: {Version: 10}\ncondition: a", proc, `{"Version":"10.0"}`, false},
		{"not equal to a whole number", "product: windows", "a: {EventID|neq: 4625}\ncondition: a", proc, `{"EventID":4625.0}`, false},
		{"empty is not null", "product: windows", "a: {A: 1}\nf: {B: null}\ncondition: a and not f", proc, `{"A":1,"B":""}`, true},
		{"empty is there", "product: windows", "a: {B|exists: true}\ncondition: a", proc, `{"B":""}`, true},
		{"null is there too", "product: windows", "a: {B|exists: false}\ncondition: a", proc, `{"B":null}`, false},
		{"spaces in a name", "product: windows", "a: {ThreatName: x}\ncondition: a", proc, `{"Threat Name":"X"}`, true},
		{"ECS of Linux", "product: linux", "a: {CommandLine|contains|all: [cat, shadow], ParentImage|endswith: /sh}\ncondition: a", lin,
			`{"process":{"command_line":"cat /etc/shadow","parent":{"executable":"/bin/sh"}}}`, true},
		{"ECS name itself", "product: linux", "a: {process.command_line|contains: shadow}\ncondition: a", lin,
			`{"process":{"command_line":"cat /etc/shadow"}}`, true},
		{"web server", "category: webserver", "a: {cs-uri-query|contains: '../', cs-method: GET, sc-status: 200}\ncondition: a", web,
			`{"url":{"query":"f=../../etc"},"http":{"request":{"method":"GET"},"response":{"status_code":200}}}`, true},
		{"other log source", "product: linux", "a: {A: 1}\ncondition: a", proc, `{"A":1}`, false},
		{"service", "product: windows, service: security", "a: {A: 1}\ncondition: a", proc, `{"A":1}`, false},
		{"neq, missing", "product: windows", "a: {A|neq: x}\ncondition: a", proc, `{"B":1}`, false},
		{"neq, none of", "product: windows", "a: {A|neq: [x, y]}\ncondition: a", proc, `{"A":"y"}`, false},
		{"neq, other", "product: windows", "a: {A|neq: [x, y]}\ncondition: a", proc, `{"A":"z"}`, true},
		{"utf16be", "product: windows", "a: {A|utf16be|base64: hi}\ncondition: a", proc, `{"A":"AGgAaQ=="}`, true},
		{"utf16 with mark", "product: windows", "a: {A|utf16|base64: hi}\ncondition: a", proc, `{"A":"//5oAGkA"}`, true},
		{"windash, two places", "product: windows", "a: {A|windash|contains: ' -a /b'}\ncondition: a", proc, `{"A":"x ―a –b"}`, true},
		{"windash, three places by class", "product: windows", "a: {A|windash|contains: ' -a -b -c'}\ncondition: a", proc, `{"A":"x —a /b –c"}`,
			true},
		{"windash before a wildcard", "product: windows", "a: {A|windash: 'x -a*z'}\ncondition: a", proc, `{"A":"x /a yy z"}`, true},
		{"cidr with zone", "product: windows", "a: {A|cidr: fe80::/10}\ncondition: a", proc, `{"A":"fe80::1%eth0"}`, true},
		{"long s folds", "product: windows", "a: {A: 'ſystem'}\ncondition: a", proc, `{"A":"SYSTEM"}`, true},
		{"kelvin folds", "product: windows", "a: {A|contains: 'k9'}\ncondition: a", proc, `{"A":"xK9"}`, true},
		{"dotted capital I is its own", "product: windows", "a: {A: 'i'}\ncondition: a", proc, `{"A":"İ"}`, false},
		{"no UTF-8", "product: windows", "a: {A|endswith: 'B'}\ncondition: a", proc, "{\"A\":\"\xff\xfeb\"}", true},
		{"two wildcards at the end", "product: windows", "a: {A: 'a??'}\ncondition: a", proc, `{"A":"aéü"}`, true},
		{"huge numbers", "product: windows", "a: {A|gt: 9223372036854775806}\ncondition: a", proc, `{"A":9223372036854775807}`, true},
		{"hexadecimal is text", "product: windows", "a: {A|gt: 1}\ncondition: a", proc, `{"A":"0x10"}`, false},
		{"identifier named not", "product: windows", "not: {A: 1}\ncondition: not", proc, `{"A":1}`, true},
		{"upper case operators", "product: windows", "a: {A: 1}\nb: {B: 1}\ncondition: a AND NOT b", proc, `{"A":1}`, true},
	}
	for _, tt := range tests {
		set, refused := compile(t, rule(strings.ReplaceAll(tt.logsource, "\n", ""), tt.detection))
		if len(refused) > 0 {
			t.Errorf("%s: refused %v", tt.name, refused)
			continue
		}
		e := event(t, []byte(tt.event), tt.ls)
		m := set.NewMatcher()
		got, naive := len(m.Match(e, nil)) == 1, len(m.MatchNaive(e, nil)) == 1
		if got != tt.want || naive != tt.want {
			t.Errorf("%s: %s in %s: got %v, naive %v, want %v\n%v", tt.name, tt.detection, tt.event, got, naive, tt.want,
				set.Explain(set.Rules[0], e))
		}
	}
}

// TestRefuse: each malformed rule is refused with a reason that says what.
func TestRefuse(t *testing.T) {
	head := "title: t\nlogsource: {product: windows}\n"
	tests := []struct{ rule, want string }{
		{"title: [", "YAML"},
		{"- a\n- b", "a rule is a map"},
		{"logsource: {product: windows}\ndetection: {a: {A: 1}, condition: a}", "title is missing"},
		{"title: t\ndetection: {a: {A: 1}, condition: a}", "logsource is missing"},
		{"title: t\nlogsource: {}\ndetection: {a: {A: 1}, condition: a}", "logsource names no"},
		{head + "level: severe\ndetection: {a: {A: 1}, condition: a}", `level "severe"`},
		{head, "detection is missing"},
		{head + "detection: {condition: a}", "no search identifier"},
		{head + "detection: {a: {A: 1}, condition: b}", `"b" is not defined`},
		{head + "detection: {a: {A: 1}, condition: ''}", "empty"},
		{head + "detection: {a: {A: 1}, condition: a and}", "ends too early"},
		{head + "detection: {a: {A: 1}, condition: a a}", `unexpected "a"`},
		{head + "detection: {a: {A: 1}, condition: a)}", "unexpected"},
		{head + "detection: {a: {A: 1}, condition: a | count() > 5}", "old form"},
		{head + "detection: {a: {A: 1}, condition: a*}", `needs "1 of"`},
		{head + "detection: {a: {A: 1}, condition: 2 of a*}", "only 1"},
		{head + "detection: {_a: {A: 1}, condition: 1 of them}", "matches no search identifier"},
		{head + "detection: {a: {}, condition: a}", "empty"},
		{head + "detection: {a: [], condition: a}", "empty"},
		{head + "detection: {a: {A: []}, condition: a}", "empty"},
		{head + "detection: {a: {A: [x, null]}, condition: a}", "null may not stand in a list"},
		{head + "detection: {a: {A|contains: null}, condition: a}", "null takes no modifiers"},
		{head + "detection: {a: {A|contains|all: x}, condition: a}", "all needs a list"},
		{head + "detection: {a: {A: {b: 1}}, condition: a}", "want a value"},
		{head + "detection: {a: {A|base64: 'x*'}, condition: a}", "wildcards"},
		{head + "detection: {a: {A|contains|base64: x}, condition: a}", "must stand before"},
		{head + "detection: {a: {A|re: '(?=x)'}, condition: a}", "look-around"},
		{head + "detection: {a: {A|re: '(a)\\1'}, condition: a}", "back-references"},
		{head + "detection: {a: {A|re|contains: x}, condition: a}", "cannot follow"},
		{head + "detection: {a: {A|i: x}, condition: a}", "belongs to re"},
		{head + "detection: {a: {A|cidr: 10.0.0.0/40}, condition: a}", "no network"},
		{head + "detection: {a: {A|exists: maybe}, condition: a}", "true or false"},
		{head + "detection: {a: {A|hour: x}, condition: a}", "whole number"},
		{head + "detection:\n  a: {A: 1}\n  a: {A: 2}\n  condition: a", "stands twice"},
		{head + "detection:\n  a: {A: 1, A: 2}\n  condition: a", "stands twice"},
		{head + "detection: {a: {A|expand: '%x%'}, condition: a}", "placeholder %x%"},
		{"title: c\ncorrelation: {type: event_count, rules: [nobody], timespan: 5m, condition: {gte: 2}}", `"nobody" is not loaded`},
		{"title: c\nname: c\ncorrelation: {type: temporal, rules: [c, c], timespan: 5m}", "circle"},
		{"title: c\ncorrelation: {type: event_count, rules: [x], timespan: 5y, condition: {gte: 2}}", "timespan"},
		{"title: c\ncorrelation: {type: event_count, rules: [x], timespan: 5m}", "condition is missing"},
		{"title: c\ncorrelation: {type: value_count, rules: [x], timespan: 5m, condition: {gte: 2}}", "needs a field"},
		{"title: c\ncorrelation: {type: value_percentile, rules: [x], timespan: 5m, condition: {gte: 2, field: a}}", "not supported"},
		{"title: c\ncorrelation: {type: temporal, rules: [x, y], timespan: 5m, condition: x and not y}", "not is not supported"},
		{"title: c\ncorrelation: {type: guess, rules: [x], timespan: 5m}", "unknown"},
		{"title: f\nlogsource: {product: windows}\nfilter: {s: {A: 1}, condition: s}", "rules is missing"},
	}
	for _, tt := range tests {
		set, refused := compile(t, tt.rule)
		if len(refused) != 1 || !strings.Contains(refused[0].String(), tt.want) || len(set.Rules)+len(set.Correlations) > 0 {
			t.Errorf("%s\n got %v, want one refusal with %q", tt.rule, refused, tt.want)
		} else if raw := unworded(refused[0].Why); raw != "" {
			t.Errorf("%s\n %q can be said in no other language: no part has words for it", tt.rule, raw)
		}
	}
	// one bad document does not take the others of its file with it
	good := rule("product: windows", "a: {A: 1}\ncondition: a")
	set, refused := compile(t, "title: [\n---\n"+good+"---\n"+good)
	if len(set.Rules) != 1 || len(refused) != 2 || !strings.Contains(refused[1].Why.String(), "used already") {
		t.Errorf("bad, good, same: %d rules, %v", len(set.Rules), refused)
	}
}

// TestRefusedPlace: a refusal names the line of its file, not of its document, that is wrong.
func TestRefusedPlace(t *testing.T) {
	text := "# two rules before\n" + rule("product: windows", "a: {A: 1}\ncondition: a") + "---\n"
	first := strings.Count(text, "\n") + 1
	for _, tt := range []struct {
		doc  string
		line int // of doc
		want string
	}{
		{"title: t\nlogsource: {product: x}\ndetection:\n  a:\n    B: 1\n    A|foo: 1\n  condition: a\n", 6, `A|foo: modifier "foo" is unknown`},
		{"title: t\nlogsource: {product: x}\ndetection:\n  a:\n    A|re:\n      - ok\n      - '('\n  condition: a\n", 7, "re: ) is missing: ("},
		{"title: t\nlogsource: {product: x}\ndetection:\n  a:\n    A: {b: 1}\n  condition: a\n", 5, "want a value"},
		{"title: t\nlogsource: {product: x}\ndetection:\n  a:\n    A: 1\n  condition: a and\n", 6, "ends too early"},
		{"title: t\nlogsource: {product: x}\ndetection:\n  a:\n    A: 1\n    A: 2\n  condition: a\n", 6, "stands twice"},
		{"title: t\n\tb: 1\n", 2, "YAML: a tab stands"},
		{"title: t\na: 'open\n", 0, "YAML:"},
		{"# words\ntitle: t\ndetection:\n  a: {A: 1}\n  condition: a\n", 2, "logsource is missing"},
		{"title: t\nid: 0f9a2e1c-0000-4000-8000-000000000001\nlogsource: {product: x}\ndetection: {a: {A: 1}, condition: a}\n", 1,
			"used already"},
		{"title: t\ncorrelation:\n  type: event_count\n  rules: [x]\n", 3, "timespan is missing"},
		{"title: t\ncorrelation:\n  type: event_count\n  rules: [x]\n  timespan: 5m\n  condition: {gte: 2}\n", 1, "is not loaded"},
		{"- a\n", 1, "a rule is a map"},
	} {
		_, refused := compile(t, text+tt.doc)
		if len(refused) != 1 || !strings.Contains(refused[0].Why.String(), tt.want) || tt.line > 0 && refused[0].Line != first-1+tt.line {
			t.Errorf("%s\n got %v, want line %d and %q", tt.doc, refused, first-1+tt.line, tt.want)
		} else if !strings.HasPrefix(refused[0].String(), fmt.Sprintf("test.yml:%d: ", refused[0].Line)) {
			t.Errorf("printed as %s", refused[0])
		}
	}
}

// unworded is what a problem gives as an error said it, for want of words of its own; "" where there is none.
func unworded(p *wording.Problem) string {
	if p.Format == "%s" {
		if _, ok := p.Values[0].(wording.Word); !ok {
			return p.Error()
		}
	}
	for _, v := range p.Values {
		if err, ok := v.(error); ok {
			if raw := unworded(wording.Of(err)); raw != "" {
				return raw
			}
		}
	}
	return ""
}

// TestUnfolding: little text that says much is refused, and soon.
func TestUnfolding(t *testing.T) {
	var b strings.Builder
	b.WriteString("title: t\nlogsource: {product: x}\nx0: &x0 [{A: 1}, {A: 2}]\n")
	for i := 1; i < 15; i++ {
		fmt.Fprintf(&b, "x%d: &x%d [%s*x%d]\n", i, i, strings.Repeat(fmt.Sprintf("*x%d, ", i-1), 9), i-1)
	}
	b.WriteString("detection: {a: *x14, condition: a}\n")
	for _, text := range []string{b.String(), "title: t\nlogsource: {product: x}\ndetection: {a: &a [*a, *a], condition: a}\n",
		"title: t\nlogsource: {product: x}\ndetection: {a: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + ", condition: a}\n"} {
		start := time.Now()
		_, refused := compile(t, text)
		if len(refused) != 1 || refused[0].Why == nil || time.Since(start) > 10*time.Second {
			t.Errorf("%.120s: %v after %v", text, refused, time.Since(start))
		}
	}
}

// TestAliasByName: a rule that a correlation lists by id may be aliased by name.
func TestAliasByName(t *testing.T) {
	base := rule("product: windows", "a: {A: 1}\ncondition: a") + "name: first\n---\n"
	corr := "title: c\ncorrelation:\n  type: event_count\n  rules: [0f9a2e1c-0000-4000-8000-000000000001]\n  group-by: [who]\n  aliases: {who: {%s: User}}\n  timespan: 5m\n  condition: {gte: 2}\n"
	set, refused := compile(t, base+fmt.Sprintf(corr, "first"))
	if len(refused) > 0 || set.Correlations[0].Aliases["who"]["0f9a2e1c-0000-4000-8000-000000000001"] != "User" {
		t.Errorf("refused %v", refused)
	}
	if _, refused := compile(t, base+fmt.Sprintf(corr, "other")); len(refused) != 1 ||
		!strings.Contains(refused[0].Why.String(), "not one of its rules") {
		t.Errorf("alias of a stranger: %v", refused)
	}
}

// TestValues: placeholders are filled in, identifiers replaced.
func TestValues(t *testing.T) {
	values := sigma.Values{
		Placeholders: map[string][]string{"admins": {"root", "adm_*"}},
		Protect: func(lit string, whole bool) ([]string, error) {
			if lit != "079123456789" {
				return nil, nil
			}
			if !whole {
				return nil, errors.New("a part of a citizen identifier cannot be looked for; write the whole number")
			}
			return []string{"tk:cccd:One", "tk:cccd:Two"}, nil
		},
	}
	load := func(text string) (*sigma.Set, []sigma.Refusal) {
		d := &sigma.Documents{}
		d.Parse("x.yml", []byte(text), values)
		set, refused := sigma.Compile(d, sigma.Options{})
		return set, append(d.Refused, refused...)
	}
	tests := []struct {
		detection, event string
		want             bool
	}{
		{"a: {User|expand: '%admins%'}\ncondition: a", `{"User":"adm_joe"}`, true},
		{"a: {User|expand|startswith: '%admins%x'}\ncondition: a", `{"User":"rootxy"}`, true},
		{"a: {User|expand: '%admins%'}\ncondition: a", `{"User":"%admins%"}`, false},
		{"a: {Id: '079123456789'}\ncondition: a", `{"Id":"tk:cccd:two"}`, true},
		{"a: {Id: '079123456789'}\ncondition: a", `{"Id":"079123456789"}`, false},
		{"a: {Id|startswith: '079'}\ncondition: a", `{"Id":"0791"}`, true},
	}
	for _, tt := range tests {
		set, refused := load(rule("product: windows", tt.detection))
		if len(refused) > 0 {
			t.Errorf("%s: %v", tt.detection, refused)
			continue
		}
		if got := len(set.Match(event(t, []byte(tt.event), processCreation), nil)) == 1; got != tt.want {
			t.Errorf("%s in %s: got %v", tt.detection, tt.event, got)
		}
	}
	if _, refused := load(rule("product: windows", "a: {Id|contains: '079123456789'}\ncondition: a")); len(refused) != 1 ||
		!strings.Contains(refused[0].Why.String(), "part of a citizen") {
		t.Errorf("part of an identifier: %v", refused)
	}
}

// TestIndexAgrees: all rules of SigmaHQ find the same with the index, before and after it has learned, as the plain loop; several
// goroutines share the Set, in random order.
func TestIndexAgrees(t *testing.T) {
	d := sigmaHQ(t)
	set, _ := sigma.Compile(d, sigma.Options{Taxonomy: words(t)})
	var events []*ecs.Event
	for _, name := range []string{"windows-evtx-mitre", "synthetic-atomic", "sigmahq-regression"} {
		lines(t, data(t, name+".jsonl"), func(line []byte) {
			var rec struct {
				Logsource logsource
				Event     raw
			}
			unmarshal(t, line, &rec)
			events = append(events, event(t, rec.Event, rec.Logsource))
		})
	}
	ids := func(rules []*sigma.Rule) string {
		var out []string
		for _, r := range rules {
			out = append(out, r.ID)
		}
		slices.Sort(out)
		return fmt.Sprint(out)
	}
	want := make([]string, len(events))
	m := set.NewMatcher()
	for i, e := range events {
		if i%4 == 0 { // the plain loop is slow
			want[i] = ids(m.MatchNaive(e, nil))
		}
	}
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 9))
			m := set.NewMatcher()
			for range 2 {
				for _, i := range rng.Perm(len(events)) {
					got := ids(m.Match(events[i], nil))
					if i%4 == 0 && got != want[i] {
						t.Errorf("event %d: got %s, want %s", i, got, want[i])
						return
					}
				}
			}
		})
	}
	wg.Wait()
}

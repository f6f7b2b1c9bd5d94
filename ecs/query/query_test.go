package query

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hoalu/ecs"
)

var (
	userName = ecs.UserName
	status   = ecs.HTTPStatus
)

func TestParse(t *testing.T) {
	f := ecs.Intern
	tests := []struct {
		in   string
		want Node
	}{
		{"", All{}}, {"  ", All{}}, {"*", All{}}, {"not *", None{}},
		{"admin", Words{Any: true, Text: "admin"}},
		{`"so y te"`, Words{Any: true, Text: "so y te"}},
		{"user.name:root", Term{userName, "root"}},
		{"user.name: root", Term{userName, "root"}},
		{`user.name:"a \"b\" \\"`, Term{userName, `a "b" \`}},
		{"source.ip:10.0.0.0/8 and process.name:ssh* and not user.name:root",
			And{CIDR{ecs.SourceIP, netip.MustParsePrefix("10.0.0.0/8")}, Prefix{ecs.ProcessName, "ssh"}, Not{Term{userName, "root"}}}},
		{"a b or c", Or{And{Words{Any: true, Text: "a"}, Words{Any: true, Text: "b"}}, Words{Any: true, Text: "c"}}},
		{"a VÀ (b hoặc KHÔNG c)", And{Words{Any: true, Text: "a"}, Or{Words{Any: true, Text: "b"}, Not{Words{Any: true, Text: "c"}}}}},
		{"a va\u0300 b", And{Words{Any: true, Text: "a"}, Words{Any: true, Text: "b"}}}, // và as some keyboards write it
		{"user.name:(root or admin)", Terms{userName, []string{"root", "admin"}}},
		{"user.name:(root, admin)", Terms{userName, []string{"root", "admin"}}},
		{"user.name:(root,)", Terms{userName, []string{"root"}}},
		{"user.name:()", Terms{Field: userName}},
		{"user.name:(root)", Term{userName, "root"}},
		{"user.name:(a* or b and not c)", Or{Prefix{userName, "a"}, And{Term{userName, "b"}, Not{Term{userName, "c"}}}}},
		{"http.response.status_code:>=500", Range{Field: status, GTE: "500"}},
		{"http.response.status_code:<500", Range{Field: status, LT: "500"}},
		{"http.response.status_code:[500 to 599]", Range{Field: status, GTE: "500", LTE: "599"}},
		{"http.response.status_code:{500 đến *]", Range{Field: status, GT: "500"}},
		{"url.path:/union.+select/", Regexp{ecs.URLPath, "union.+select"}},
		{`url.path:/a\/b/`, Regexp{ecs.URLPath, "a/b"}},
		{"url.path:/admin/*", Prefix{ecs.URLPath, "/admin/"}},
		{"url.path:/admin/login", Term{ecs.URLPath, "/admin/login"}},
		{"user.name:*", Exists{userName}},
		{`process.executable:C:\Windows\*.exe`, Wildcard{ecs.ProcessExecutable, `C:\\Windows\*.exe`}},
		{`process.executable:C:\Windows\\*.exe`, Wildcard{ecs.ProcessExecutable, `C:\\Windows\\*.exe`}},
		{`process.executable:C:\Windows\cmd.exe`, Term{ecs.ProcessExecutable, `C:\Windows\cmd.exe`}},
		{"message:failed", Words{Field: ecs.Message, Text: "failed"}},
		{`message:="a b"`, Term{ecs.Message, "a b"}},
		{"message:=(a or b)", Terms{ecs.Message, []string{"a", "b"}}},
		{"user.name:~an", Words{Field: userName, Text: "an"}},
		{"user.name:=a*", Term{userName, "a*"}},
		{"http://a/b", Words{Any: true, Text: "http://a/b"}},
		{"fe80::1", Words{Any: true, Text: "fe80::1"}},
		{"00:11:22:33:44:55", Words{Any: true, Text: "00:11:22:33:44:55"}},
		{"and:x", Term{f("and"), "x"}},
		{`"field with space":x`, Term{f("field with space"), "x"}},
		{"-enc", Words{Any: true, Text: "-enc"}},
	}
	for _, tt := range tests {
		got, err := Parse(tt.in)
		// The wildcard case above: \* is a literal star, so the pattern has none.
		if tt.in == `process.executable:C:\Windows\*.exe` {
			tt.want = Term{ecs.ProcessExecutable, `C:\Windows*.exe`}
		}
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Parse(%q)\n got %#v, %v\nwant %#v", tt.in, got, err, tt.want)
			continue
		}
		again, err := Parse(Print(got))
		if err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("Parse(Print(Parse(%q))): printed %q\n got %#v, %v\nwant %#v", tt.in, Print(got), again, err, got)
		}
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		in   string
		col  int
		code string
	}{
		{"a and", 6, CodeEnd},
		{"a or", 5, CodeEnd},
		{"not", 4, CodeEnd},
		{"and a", 1, CodeUnexpected},
		{"a)", 2, CodeUnexpected},
		{"(a or b", 1, CodeUnclosed},
		{`thử "chưa đóng`, 5, CodeUnclosed},
		{"user.name:", 11, CodeValue},
		{"user.name:(a or )", 17, CodeValue},
		{"url.path:/(/", 10, CodeRegexp},
		{"status:[5 6]", 8, CodeRange},
		{"status:>", 9, CodeValue},
		{"ssh*", 1, CodeWildcard},
		{`"--"`, 1, CodeWords},
		{"message:--", 9, CodeWords},
		{`"":x`, 1, CodeField},
		{strings.Repeat("(", 100) + "a" + strings.Repeat(")", 100), 42, CodeTooDeep},
		{strings.Repeat("not ", 100) + "a", 165, CodeTooDeep},
		{strings.Repeat("a", maxText+1), maxText + 1, CodeTooLong},
	}
	for _, tt := range tests {
		n, err := Parse(tt.in)
		var se *SyntaxError
		if !errors.As(err, &se) {
			t.Errorf("Parse(%.40q) = %#v, %v; want a SyntaxError %s", tt.in, n, err, tt.code)
			continue
		}
		if se.Col != tt.col || se.Code != tt.code || se.Msg == "" || se.Do == "" {
			t.Errorf("Parse(%.40q): column %d code %s (%s | %s), want column %d code %s", tt.in, se.Col, se.Code, se.Msg, se.Do, tt.col, tt.code)
		}
	}
}

func event() *ecs.Event {
	e := &ecs.Event{ID: "qabc", Time: 1700000000123, Created: 1700000001000, System: "HT-001", Source: "NG-0007"}
	e.AddString(ecs.Message, "Đăng nhập thất bại vào Sở Y tế, user Administrator từ 10.1.2.3")
	e.AddString(userName, "Administrator")
	e.AddString(ecs.SourceIP, "10.1.2.3")
	e.AddString(ecs.HostIP, "::ffff:192.168.1.5")
	e.AddString(ecs.HostIP, "fe80::1%eth0")
	e.AddInt(status, 503)
	e.Add(f("http.time"), "0.25", ecs.Number)
	e.Add(f("big"), "18446744073709551615", ecs.Number)
	e.AddString(f("text.number"), "42")
	e.AddString(f("when"), "2026-11-21T10:00:00+07:00")
	e.AddString(ecs.ProcessExecutable, `C:\Users\An\AppData\winupd1.exe`)
	e.Add(f("nothing"), "", ecs.Null)
	e.AddString(f("empty"), "")
	e.AddString(ecs.Tags, "x")
	e.AddString(ecs.Tags, "Y")
	e.AddBool(f("yes"), true)
	return e
}

func f(name string) ecs.Field { return ecs.Intern(name) }

func TestMatch(t *testing.T) {
	tests := []struct {
		query string
		want  bool
	}{
		{"*", true}, {"not *", false},
		{"user.name:administrator", true}, {"user.name:admin", false}, {"user.name:ADMIN*", true}, {"not missing:x", true}, {"missing:x", false},
		{"user.name:(a or ADMINISTRATOR)", true}, {"user.name:()", false},
		{`"so y te"`, true}, {"sở", true}, {"SO", true}, {"dang", true}, {"đăng nhập", true}, {"\"dang khong\"", false}, {"nhap bai", true},
		{"bai vao y", true}, {"a", false},
		{"message:that", true}, {"message:10.1.2.3", true}, {"10.1.2.3", true}, {"qabc", true}, {"ht-001", true}, {"503", false},
		{"http.response.status_code:~503", true}, {"http.response.status_code:503", true}, {"http.response.status_code:0503", false},
		{"source.ip:10.0.0.0/8", true}, {"source.ip:10.1.2.4/31", false}, {"host.ip:192.168.0.0/16", true}, {"host.ip:fe80::/10", true},
		{"user.name:10.0.0.0/8", false},
		{"source.ip:::ffff:10.0.0.0/104", true},
		{"http.response.status_code:>=503", true}, {"http.response.status_code:>503", false}, {"http.response.status_code:[9 to 1000]", true},
		{"http.response.status_code:{503 to 504}", false}, {"http.response.status_code:<503.5", true},
		{"http.time:[0.2 to 0.3]", true}, {"big:>18446744073709551614", true}, {"big:>18446744073709551615", false}, {"text.number:>5", true},
		{"user.name:>5", false},
		{"user.name:[a to b]", true}, {"user.name:[b to c]", false},
		{`when:>"2026-11-21T02:59:59Z"`, true}, {`when:>="2026-11-21T03:00:00.001Z"`, false},
		{`@timestamp:>="2023-11-14T22:13:20.123Z"`, true}, {`@timestamp:>"2023-11-14T22:13:20.123Z"`, false},
		{`@timestamp:<"2023-11-14T22:13:20.1235Z"`, true},
		{`@timestamp:2023-11-14T22*`, true}, {"event.ingested:*", false}, {"event.created:*", true}, {"event.id:QABC", true},
		{"hoalu.system.id:HT-001", true}, {"hoalu.system.id:(HT-002 or HT-001)", true}, {"hoalu.source.id:NG*", true},
		{`process.executable:*\\AppData\\*\\winupd?.exe`, false}, {`process.executable:*\\appdata\\winupd?.exe`, true},
		{`process.executable:/winupd[0-9]/`, true}, {`process.executable:/WINUPD/`, false}, {`process.executable:/(?i)WINUPD/`, true},
		{"nothing:*", false}, {"not nothing:*", true}, {"empty:*", true}, {`empty:""`, true}, {`nothing:""`, false},
		{"tags:y", true}, {"tags:(z or X)", true}, {"yes:true", true},
	}
	e := event()
	for _, tt := range tests {
		n, err := Parse(tt.query)
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.query, err)
			continue
		}
		m, err := Compile(n)
		if err != nil {
			t.Errorf("Compile(%q): %v", tt.query, err)
			continue
		}
		if got := m.Match(e); got != tt.want {
			t.Errorf("Match(%q) = %v, want %v (tree %#v)", tt.query, got, tt.want, n)
		}
	}
	if _, err := Compile(Regexp{userName, "("}); err == nil {
		t.Error("Compile took a broken regular expression")
	}
}

// TestKeys: the filter never excludes what matches, and the shortcuts for numbers and times say what the text says.
func TestKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"Sở", "Y", "tế", "ssh", "10", ".", " ", "\\", "/", "K", "ſ", "đ", "ở", "e\u0323\u0302", "12", "-", "x", "AppData", "İ",
		"ß", "ก็", ","}
	text := func(n int) string {
		var b strings.Builder
		for range r.IntN(n) {
			b.WriteString(words[r.IntN(len(words))])
		}
		return b.String()
	}
	hits := 0
	for range 40000 {
		v := text(8)
		if r.IntN(20) == 0 {
			v = strings.Repeat(v, 8)
		}
		q := text(4)
		var n Node
		switch r.IntN(5) {
		case 0:
			n = Term{userName, strings.ToUpper(v)}
		case 1:
			n = Prefix{userName, v[:r.IntN(len(v)+1)]}
		case 2:
			n = Wildcard{userName, "*" + escapeGlob(q) + "*"}
		case 3:
			n = Wildcard{userName, escapeGlob(q) + "?*"}
		case 4:
			n = Words{Field: userName, Text: q}
		}
		test, err := NewTest(n)
		if err != nil {
			t.Fatal(err)
		}
		if !test.Text(v) {
			continue
		}
		hits++
		keys := map[uint64]bool{}
		for _, k := range AppendKeys(nil, v) {
			keys[k] = true
		}
		if !test.MayKeys(func(k uint64) bool { return keys[k] }) {
			t.Fatalf("%#v matches %q but its keys exclude it", n, v)
		}
	}
	if hits < 3000 {
		t.Errorf("only %d matches looked at", hits)
	}
	for _, q := range []string{"f:5", "f:05", "f:-7", "f:(5 or 12)", "f:>=5", "f:<4.5", "f:[-8 to 6}", "f:1*", "f:?", "f:/^1.$/", "f:~12",
		"f:*", "f:10.0.0.0/8", "f:[a to b]"} {
		n, err := Parse(q)
		if err != nil {
			t.Fatal(err)
		}
		test, err := NewTest(n)
		if err != nil {
			t.Fatal(err)
		}
		for i := int64(-20); i < 20; i++ {
			var e ecs.Event
			e.AddInt(f("f"), i)
			if got, want := test.Int(i), test.Match(&e); got != want {
				t.Errorf("%s: Int(%d) = %v, want %v", q, i, got, want)
			}
			if test.Int(i) && !test.MayInt(i-1, i+1) {
				t.Errorf("%s: MayInt excludes %d", q, i)
			}
		}
	}
}

func TestFold(t *testing.T) {
	got := SplitWords(nil, "Sở Y tế: ĐÀ-NẴNG_số 15, tệp\u0323 ﬁ đường")
	want := []string{"so", "y", "te", "da", "nang", "so", "15", "tep", "ﬁ", "duong"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("SplitWords = %q, want %q", got, want)
	}
	for _, s := range []string{"a", "Ǆ", "ω", "К", "ﬀ", "ſs"} {
		for _, u := range []string{strings.ToUpper(s), strings.ToLower(s), s + "x"} {
			var a, b []rune
			for _, r := range s {
				a = append(a, caseRune(r))
			}
			for _, r := range u {
				b = append(b, caseRune(r))
			}
			if got, want := string(a) == string(b), strings.EqualFold(s, u); got != want {
				t.Errorf("case folding of %q and %q equal: %v, strings.EqualFold says %v", s, u, got, want)
			}
		}
	}
}

func TestMatchAllocates(t *testing.T) {
	n, err := Parse(`source.ip:10.0.0.0/8 and user.name:adm* and message:"so y te" and not user.name:root and http.response.status_code:>=500 and process.executable:*winupd?.exe and @timestamp:>"2023-01-01T00:00:00Z" and when:>"2023-01-01T00:00:00Z"`)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Compile(n)
	if err != nil {
		t.Fatal(err)
	}
	e := event()
	if !m.Match(e) {
		t.Fatal("does not match")
	}
	if got := testing.AllocsPerRun(100, func() { m.Match(e) }); got != 0 {
		t.Errorf("Match allocates %v times, want 0", got)
	}
}

// FuzzParse: no panic, a tree or a SyntaxError within the text, and parse(print(x)) == x.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"a and (b or not c)", `x:"q\"" y:[1 to 2}`, "f:(a, b or c*)", "f:/a b/ z", `p:C:\W\\*?`, "và hoặc không",
		`"f":=(a or "b c")`, "f:~x", "f:10.0.0.0/8", "f:(not (a,) b)", "f:\\ x*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			var se *SyntaxError
			if !errors.As(err, &se) || se.Col < 1 || se.Col > len([]rune(s))+1 || se.Code == "" || se.Msg == "" {
				t.Fatalf("Parse(%q): %v", s, err)
			}
			return
		}
		out := Print(n)
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("Parse(%q) = %#v, printed %q, read back: %v", s, n, out, err)
		}
		if !reflect.DeepEqual(n, again) {
			t.Fatalf("Parse(%q) = %#v, printed %q, read back %#v", s, n, out, again)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for name, q := range map[string]string{"term": "user.name:administrator", "words": `"so y te"`,
		"and": "source.ip:10.0.0.0/8 and user.name:adm* and http.response.status_code:>=500"} {
		n, _ := Parse(q)
		m, err := Compile(n)
		if err != nil {
			b.Fatal(err)
		}
		e := event()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Match(e)
			}
		})
	}
}

// TestKeysWithin: what KeysWithin lets a store pass over has no key that is not in the filter already.
func TestKeysWithin(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const signs = "ab đạ1 .-\"/\u0301%\xc3\xff\u0000A"
	text := func(n int) string {
		var b []byte
		for len(b) < n {
			at := r.IntN(len(signs))
			b = append(b, signs[at:min(len(signs), at+1+r.IntN(3))]...)
		}
		return string(b)
	}
	within := 0
	for range 40_000 {
		part := text(40 + r.IntN(200))
		whole := text(r.IntN(20)) + part + text(r.IntN(20))
		if !KeysWithin(part, whole) {
			continue
		}
		within++
		keys := AppendKeys(nil, whole)
		for _, k := range AppendKeys(nil, part) {
			if !slices.Contains(keys, k) {
				t.Fatalf("%q is passed over for %q, which has not all of its keys", part, whole)
			}
		}
	}
	if within < 2000 {
		t.Fatalf("only %d were within", within)
	}
	for _, no := range [][2]string{{"ngắn", "một từ ngắn thôi"}, {strings.Repeat("x", 70), "y" + strings.Repeat("x", 70)},
		{strings.Repeat("ạ", 64), "a " + strings.Repeat("ạ", 64) + " b"}} {
		if KeysWithin(no[0], no[1]) {
			t.Errorf("%q has keys that %q has not", no[0], no[1])
		}
	}
}

func BenchmarkAppendKeys(b *testing.B) {
	e := event()
	var keys []uint64
	b.ReportAllocs()
	for b.Loop() {
		keys = keys[:0]
		for i := range e.Len() {
			_, v := e.At(i)
			keys = AppendKeys(keys, v.Text)
		}
	}
}

// Reading a query makes no field: an account's 305 queries with new names used up the table of all of them.
func TestParseMakesNoField(t *testing.T) {
	text := strings.Builder{}
	for i := range 500 {
		fmt.Fprintf(&text, "nobody.sent.%d:x ", i)
	}
	n, err := Parse(text.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compile(n); err != nil {
		t.Fatal(err)
	}
	for i := range 500 {
		if f, ok := ecs.Lookup(fmt.Sprintf("nobody.sent.%d", i)); ok {
			t.Fatalf("the query made field %v", f)
		}
	}
	if got, err := Parse(Print(n)); err != nil || !reflect.DeepEqual(got, n) {
		t.Errorf("Parse(Print) of fields no event has: %v, %v", got, err)
	}
}

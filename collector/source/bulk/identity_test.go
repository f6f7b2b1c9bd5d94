package bulk

import (
	"strings"
	"testing"
	"time"
)

// A document is known again by its _id, index and content: what a shipper writes anew when it repeats itself does not tell two apart,
// everything else does.
func TestIdentity(t *testing.T) {
	const doc = `{"@timestamp":"2026-11-22T10:00:00Z","message":"a","event":{"code":"4688","created":"1"},"agent":{"ephemeral_id":"x","id":"y"},"n":[1,2]}`
	long := func(n int, tail string) string { return "{" + strings.Repeat(`"k":0,`, n) + tail + "}" }
	deep := func(inner string) string {
		return strings.Repeat(`{"a":`, sortDepth+2) + inner + strings.Repeat("}", sortDepth+2)
	}
	for _, tc := range []struct {
		name, a, b string
		same       bool
	}{
		{"the same bytes", doc, doc, true},
		{"order of members, blanks", doc, ` { "n":[1,2] ,"event":{"created":"1", "code":"4688"},"message" : "a","agent":{"id":"y","ephemeral_id":"x"},` +
			"\r\n\t" + `"@timestamp":"2026-11-22T10:00:00Z"}`, true},
		{"read a second time by another run of the agent", doc, strings.NewReplacer(`"created":"1"`, `"created":"2"`,
			`"ephemeral_id":"x"`, `"ephemeral_id":"z"`).Replace(doc), true},
		{"dotted names of that", `{"@timestamp":"1","event.created":"1"}`, `{"@timestamp":"1","event.created":"2"}`, true},
		{"another message", doc, strings.Replace(doc, `"a"`, `"b"`, 1), false},
		{"another time", doc, strings.Replace(doc, "10:00", "10:01", 1), false},
		{"order of an array", doc, strings.Replace(doc, "[1,2]", "[2,1]", 1), false},
		{"another code beside a time of reading", doc, strings.Replace(doc, "4688", "4689", 1), false},
		{"a time of reading that is the only time", `{"event":{"created":"1"}}`, `{"event":{"created":"2"}}`, false},
		{"an @timestamp that is not the document's", `{"event":{"created":"1"},"x":{"@timestamp":"1"}}`,
			`{"event":{"created":"2"},"x":{"@timestamp":"1"}}`, false},
		{"the name of a time of reading elsewhere", `{"@timestamp":"1","x":{"event":{"created":"1"}}}`,
			`{"@timestamp":"1","x":{"event":{"created":"2"}}}`, false},
		{"a name twice, in another order", `{"a":1,"a":2}`, `{"a":2,"a":1}`, false},
		{"a text and what it says", `{"a":"1"}`, `{"a":1}`, false},
		{"borders of names and values", `{"a":"b\",\"c\":\"d"}`, `{"a":"b","c":"d"}`, false},
		{"a member moved a level down", `{"a":{"b":1},"c":2}`, `{"a":{"b":1,"c":2}}`, false},
		{"nothing and a member", `{}`, `{"a":null}`, false},
		{"more members than are put into order", long(maxMembers, `"x":1`), long(maxMembers, `"x":2`), false},
		{"deeper than is put into order", deep(`{"x":1,"y":1}`), deep(`{"x":1,"y":2}`), false},
	} {
		if a, b := identity("w", "7", []byte(tc.a)), identity("w", "7", []byte(strings.TrimSpace(tc.b))); (a == b) != tc.same {
			t.Errorf("%s: the same %v, want %v\n%.200s\n%.200s", tc.name, a == b, tc.same, tc.a, tc.b)
		}
	}
	if identity("w", "7", []byte(doc)) == identity("w2", "7", []byte(doc)) || identity("w", "7", []byte(doc)) == identity("w", "8", []byte(doc)) {
		t.Error("another index or _id has the same identity")
	}
	if id := identity("w", "", []byte(doc)); id != "" {
		t.Errorf("without an _id: %q, want none", id)
	}
}

// Every way a sender writes a document under an _id hands the same identity on; another document has another one.
func TestIdentityOfEveryWrite(t *testing.T) {
	s := &sink{}
	url := serve(t, Config{}, s)
	for _, r := range []struct{ method, path, body string }{
		{"PUT", "/w/_doc/7", `{"v":1,"w":2}`},
		{"POST", "/w/_create/7", "{\n \"w\": 2,\n \"v\": 1\n}"},
		{"PUT", "/w/events/7", `{"v":1,"w":2}`},
		{"POST", "/_bulk", `{"index":{"_index":"w","_id":"7"}}` + "\n" + `{"w":2,"v":1}` + "\n"},
		{"POST", "/w/_bulk", `{"create":{"_id":7}}` + "\n" + `{"v":1,"w":2}` + "\n"},
		{"PUT", "/w/_doc/7", `{"v":1,"w":3}`},
		{"PUT", "/w2/_doc/7", `{"v":1,"w":2}`},
	} {
		if status, text := request(t, r.method, url+r.path, r.body); status != 200 && status != 201 {
			t.Fatalf("%s %s: %d %s", r.method, r.path, status, text)
		}
	}
	ids := map[string]int{}
	for _, f := range s.frames {
		ids[f.ID]++
	}
	if len(ids) != 3 || ids[s.frames[0].ID] != 5 {
		t.Errorf("%d identities of 7 writes, the first of %d; want 3 and 5", len(ids), ids[s.frames[0].ID])
	}
}

// A megabyte of opening braces is refused at once: the check of fastjson would take hours for it and answer megabytes.
func TestDeepDocumentIsRefusedAtOnce(t *testing.T) {
	s := &sink{}
	url := serve(t, Config{}, s)
	began := time.Now()
	for _, doc := range []string{
		strings.Repeat(`{"":`, 200_000), `{"":` + strings.Repeat(`[`, 900_000), strings.Repeat(`{"":`, 301) + "1" + strings.Repeat("}", 301),
	} {
		status, text := request(t, "POST", url+"/w/_doc", doc)
		if status != 400 || !strings.Contains(text, "document_parsing_exception") || len(text) > 2000 {
			t.Errorf("a document of %d bytes: %d with an answer of %d bytes, want 400", len(doc), status, len(text))
		}
		_, r := post(t, url+"/_bulk", "application/x-ndjson", strings.NewReader(`{"create":{"_index":"w"}}`+"\n"+doc+"\n"))
		if len(r.Items) != 1 || r.Items[0]["create"].Status != 400 {
			t.Errorf("an item of %d bytes: %+v, want 400", len(doc), r.Items)
		}
	}
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("refused after %s", d)
	}
	if len(s.frames) != 0 || s.lossesOf(BadJSON) != 6 {
		t.Errorf("%d stored, %d counted, want 0 and 6", len(s.frames), s.lossesOf(BadJSON))
	}
	const brackets = `{"m":"` + "[[[[[[[[[[[[[[[[[[[[" // in a text they open nothing
	if status, text := request(t, "POST", url+"/w/_doc", brackets+strings.Repeat("{", 400)+`\"[{"}`); status != 201 {
		t.Errorf("brackets in a text: %d %s, want 201", status, text)
	}
	if status, text := request(t, "POST", url+"/w/_doc", strings.Repeat(`{"":`, 300)+"1"+strings.Repeat("}", 300)); status != 201 {
		t.Errorf("300 levels: %d %s, want 201", status, text)
	}
}

func FuzzIdentity(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"x\"",{}]},"c":null}`))
	f.Add([]byte(`{"@timestamp":1,"event":{"created":2}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		it := item{status: 201}
		if it.check(doc, false, 1<<20); it.status == 201 && identity("w", "1", doc) == "" {
			t.Error("no identity")
		}
	})
}

func BenchmarkIdentity(b *testing.B) {
	doc := []byte(`{"@timestamp":"2026-11-22T10:00:00.000Z","agent":{"type":"filebeat","version":"8.17.0","id":"b1","ephemeral_id":"c2"},` +
		`"host":{"name":"web-01","ip":["192.0.2.7","fe80::1"]},"log":{"file":{"path":"/var/log/nginx/access.log"},"offset":123456},` +
		`"message":"203.0.113.9 - - [22/Nov/2026:17:00:00 +0700] \"GET /index.html HTTP/1.1\" 200 5120 \"-\" \"Mozilla/5.0\"",` +
		`"ecs":{"version":"8.0.0"},"input":{"type":"filestream"},"tags":["web","prod"]}`)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if identity("logs", "0123456789abcdef", doc) == "" {
			b.Fatal("none")
		}
	}
}

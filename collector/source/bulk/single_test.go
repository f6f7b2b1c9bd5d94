package bulk

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/elastic/go-elasticsearch/v8"

	"hoalu/collector/queue"
	"hoalu/ecs/wire"
)

// request sends one request and returns its status and the answer's text.
func request(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text := new(strings.Builder)
	if _, err := fmt.Fprint(text, readAll(t, resp.Body)); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, text.String()
}

// Every write is stored or refused and counted, never acknowledged with nothing stored; what sets up is acknowledged and is no event.
func TestWritesAreStoredOrRefused(t *testing.T) {
	const doc = `{"message":"xin chào"}`
	for _, tc := range []struct {
		method, path, body string
		status             int
		stored             string // id=document
		losses             string
	}{
		{"POST", "/logs/_doc", doc, 201, "=" + doc, ""},
		{"POST", "/logs/_doc/", doc, 201, "=" + doc, ""},
		{"PUT", "/logs/_doc/7", doc, 201, "7=" + doc, ""},
		{"PUT", "/logs/_doc/a%2Fb%20c", doc, 201, "a/b c=" + doc, ""},
		{"POST", "/logs/_doc?op_type=create&refresh=true", doc, 201, "=" + doc, ""},
		{"PUT", "/logs/_create/8", doc, 201, "8=" + doc, ""},
		{"POST", "/system/events", doc, 201, "=" + doc, ""}, // rsyslog's default
		{"PUT", "/system/events/9", doc, 201, "9=" + doc, ""},
		{"POST", "/logs/_doc", "{\n  \"message\": \"xin chào\"\n}\n", 201, "=" + doc, ""},
		{"POST", "/logs/_doc", `{"message":`, 400, "", "json:1"},
		{"POST", "/logs/_doc", `[1]`, 400, "", "json:1"},
		{"POST", "/logs/_doc", "", 400, "", "json:1"},
		{"POST", "/logs/_doc", `{"m":"` + strings.Repeat("x", 2000) + `"}`, 413, "", "too_large:1"},
		{"POST", "/logs/_doc", strings.Repeat(" ", 100_000) + doc, 413, "", "too_large:1"},
		{"PUT", "/logs/_doc/" + strings.Repeat("i", 600), doc, 400, "", "json:1"},
		{"POST", "/x/_update/1", `{"doc":{}}`, 400, "", "action:1"},
		{"POST", "/x/events/1/_update", `{"doc":{}}`, 400, "", "action:1"},
		{"DELETE", "/x/_doc/1", "", 400, "", "action:1"},
		{"POST", "/logs", doc, 400, "", "action:1"},
		{"POST", "/", doc, 400, "", "action:1"},
		{"POST", "/_unknown", doc, 400, "", "action:1"},
		{"POST", "/_mget", doc, 400, "", "action:1"},
		{"POST", "/a/b/c/d", doc, 400, "", "action:1"},
		{"POST", "/a/_unknown/1", doc, 400, "", "action:1"},
		{"POST", "/a/_search", "{}", 400, "", ""},
		{"GET", "/logs/_doc/7", "", 404, "", ""},
		{"PUT", "/_index_template/filebeat", "{}", 200, "", ""},
		{"PUT", "/logs", "{}", 200, "", ""},
		{"PUT", "/logs/_mapping", "{}", 200, "", ""},
		{"POST", "/logs/_refresh", "", 200, "", ""},
	} {
		t.Run(tc.method+" "+tc.path[:min(40, len(tc.path))], func(t *testing.T) {
			s := &sink{}
			url := serve(t, Config{MaxMessage: 1000}, s)
			status, text := request(t, tc.method, url+tc.path, tc.body)
			stored, losses := "", ""
			for _, f := range s.frames {
				id, _ := wire.SplitID(f.ID)
				stored += id + "=" + string(f.Data)
			}
			for reason, n := range s.losses {
				losses += fmt.Sprintf("%s:%d", reason, n)
			}
			if status != tc.status || stored != tc.stored || losses != tc.losses {
				t.Errorf("%d, want %d\nstored %q, want %q\nlosses %q, want %q\nanswer %s", status, tc.status, stored, tc.stored, losses, tc.losses,
					text)
			}
			if status == 201 && !strings.Contains(text, `"result":"created"`) {
				t.Errorf("answer %s, want a result as Elasticsearch words it", text)
			}
		})
	}
}

// A single document is answered like an item when the queue cannot take it: its sender keeps it.
func TestSingleDocumentWaits(t *testing.T) {
	for _, tc := range []struct {
		err    error
		status int
	}{{queue.ErrFull, 429}, {queue.ErrNoSpace, 503}, {queue.ErrDown, 503}} {
		s := &sink{refuse: fmt.Errorf("append: %w", tc.err)}
		url := serve(t, Config{}, s)
		if status, text := request(t, "POST", url+"/logs/_doc", `{"x":1}`); status != tc.status || len(s.losses) != 0 {
			t.Errorf("%v: %d %s, losses %v; want %d and none, for the sender has it still", tc.err, status, text, s.losses, tc.status)
		}
	}
}

// Index and Create of the official Go client.
func TestOfficialClientSingleDocuments(t *testing.T) {
	s := &sink{}
	es, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{serve(t, Config{}, s)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, send := range []func() (interface{ IsError() bool }, error){
		func() (interface{ IsError() bool }, error) { return es.Index("logs", strings.NewReader(`{"n":1}`)) },
		func() (interface{ IsError() bool }, error) {
			return es.Index("logs", strings.NewReader(`{"n":2}`), es.Index.WithDocumentID("b"))
		},
		func() (interface{ IsError() bool }, error) {
			return es.Create("logs", "c", strings.NewReader(`{"n":3}`))
		},
	} {
		if r, err := send(); err != nil || r.IsError() {
			t.Errorf("answer %v, %v", r, err)
		}
	}
	got := ""
	for _, f := range s.frames {
		id, _ := wire.SplitID(f.ID)
		got += id + string(f.Data)
	}
	if want := `{"n":1}b{"n":2}c{"n":3}`; got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
}

// What winston-elasticsearch sends by its defaults.
func TestWinston(t *testing.T) {
	body, err := os.ReadFile(filepath.Join("testdata", "winston.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{}
	status, r := post(t, serve(t, Config{}, s)+"/_bulk", "application/x-ndjson", strings.NewReader(string(body)))
	if status != 200 || r.Errors || len(s.frames) != 1 || !strings.Contains(string(s.frames[0].Data), "đăng nhập sai") {
		t.Errorf("%d %+v, %d stored; want 200 and one document", status, r, len(s.frames))
	}
}

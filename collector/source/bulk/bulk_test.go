package bulk

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"hoalu/collector/queue"
	"hoalu/collector/source/listen"
	"hoalu/ecs/wire"
	"hoalu/internal/needed"
)

// sink is a put that keeps what it gets, or refuses.
type sink struct {
	mu     sync.Mutex
	frames []wire.Frame
	losses map[string]int
	refuse error
	calls  int
	after  int // refuse only from this call on
	forget bool
}

func (s *sink) lossesOf(reason string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.losses[reason]
}

func (s *sink) put(_ context.Context, listener string, frames []wire.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if listener != Name {
		return errors.New("listener " + listener)
	}
	if s.refuse != nil && s.calls > s.after {
		return s.refuse
	}
	if !s.forget {
		s.frames = append(s.frames, frames...)
	}
	return nil
}

func (s *sink) lost(_, _, reason string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.losses == nil {
		s.losses = map[string]int{}
	}
	s.losses[reason] += n
}

func serve(t *testing.T, cfg Config, s *sink) string {
	t.Helper()
	_, url := serveListener(t, cfg, s)
	return url
}

func serveListener(t *testing.T, cfg Config, s *sink) (*Listener, string) {
	t.Helper()
	cfg.Address, cfg.Reject = "127.0.0.1:0", s.lost
	l, err := New(cfg, s.put, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return l, "http://" + l.Addr().String()
}

type response struct {
	Errors bool
	Items  []map[string]struct {
		Index  string `json:"_index"`
		ID     string `json:"_id"`
		Status int
		Error  struct{ Type, Reason string }
	}
	Error struct{ Type, Reason string }
}

func post(t *testing.T, url, contentType string, body io.Reader, header ...string) (int, response) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("X-Elastic-Product") != "Elasticsearch" {
		t.Error("header X-Elastic-Product is missing: official clients refuse the answer")
	}
	var r response
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatalf("answer %q: %v", data, err)
	}
	return resp.StatusCode, r
}

func TestItems(t *testing.T) {
	for _, tc := range []struct {
		name, path, body string
		want             string // status of the request, then action/index/id/status of each item
		docs             string
		losses           string
	}{
		{"create and index", "/_bulk", `{"create":{"_index":"a","_id":"1"}}` + "\n" + `{"x":1}` + "\n" + `{"index":{"_index":"b"}}` + "\n" +
			`{"x":2}` + "\n",
			"200 create/a/1/201 index/b//201", `1={"x":1} ={"x":2}`, ""},
		{"index in the path, number as id, no newline at the end", "/logs/_bulk", `{"create":{"_id":7}}` + "\n" + `{"x":1}`,
			"200 create/logs/7/201", `7={"x":1}`, ""},
		{"blank lines and CRLF between items", "/_bulk",
			"\r\n" + `{"create":{"_index":"a"}}` + "\r\n" + `{"x":1}` + "\r\n\r\n\n" + `{"create":{"_index":"a"}}` + "\n\n" + `{"x":2}` + "\n\n",
			"200 create/a//201 create/a//201", `={"x":1} ={"x":2}`, ""},
		{"delete and update are refused, the rest is taken", "/_bulk",
			`{"delete":{"_index":"a","_id":"1"}}` + "\n" + `{"update":{"_index":"a","_id":"2"}}` + "\n" + `{"doc":{}}` + "\n" +
				`{"index":{"_index":"a"}}` + "\n" + `{"x":1}` + "\n",
			"200 delete/a/1/400 update/a/2/400 index/a//201", `={"x":1}`, "action:2"},
		{"bad documents", "/_bulk", `{"create":{"_index":"a"}}` + "\n" + `{"x":` + "\n" + `{"create":{"_index":"a"}}` + "\n" + `[1]` + "\n" +
			`{"create":{"_index":"a"}}` + "\n" + `{"x":1}` + "\n",
			"200 create/a//400 create/a//400 create/a//201", `={"x":1}`, "json:2"},
		{"document too large", "/_bulk", `{"create":{"_index":"a"}}` + "\n" + `{"x":"` + strings.Repeat("y", 2000) + `"}` + "\n" +
			`{"create":{"_index":"a"}}` + "\n" + `{"x":1}` + "\n",
			"200 create/a//400 create/a//201", `={"x":1}`, "too_large:1"},
		{"action is no JSON", "/_bulk", `hello` + "\n", "400", "", "bad_request:1"},
		{"action unknown", "/_bulk", `{"drop":{}}` + "\n{}\n", "400", "", "bad_request:1"},
		{"document lacks", "/_bulk", `{"create":{"_index":"a"}}` + "\n", "400", "", "bad_request:1"},
		{"empty", "/_bulk", "", "400", "", ""},
		{"further keys in an action line", "/_bulk", `{"attempts":0,"index":{"_index":"a","pipeline":null},"x":{}}` + "\n" + `{"x":1}` + "\n",
			"200 index/a//201", `={"x":1}`, ""},
		{"action without an object", "/_bulk", `{"delete":0}` + "\n", "400", "", "bad_request:1"},
		{"search", "/a/_search", `{}`, "400", "", ""},
	} {
		for _, zip := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/gzip=%v", tc.name, zip), func(t *testing.T) {
				s := &sink{}
				url := serve(t, Config{MaxMessage: 1000}, s)
				body, header := io.Reader(strings.NewReader(tc.body)), []string(nil)
				if zip {
					var b bytes.Buffer
					z := gzip.NewWriter(&b)
					z.Write([]byte(tc.body)) //nolint:errcheck // a buffer
					z.Close()
					body, header = &b, []string{"Content-Encoding", "gzip"}
				}
				status, r := post(t, url+tc.path, "application/json; charset=utf-8", body, header...)
				got := fmt.Sprint(status)
				for _, it := range r.Items {
					for action, v := range it {
						got += fmt.Sprintf(" %s/%s/%s/%d", action, v.Index, v.ID, v.Status)
						if (v.Status != 201) != (v.Error.Reason != "") {
							t.Errorf("item %+v: a reason with each refusal and only there", v)
						}
					}
				}
				docs := []string{}
				for _, f := range s.frames {
					id, _ := wire.SplitID(f.ID)
					docs = append(docs, id+"="+string(f.Data))
					if f.Format != wire.FormatJSON || f.Peer != "127.0.0.1" || f.Received == 0 {
						t.Errorf("envelope %+v", f)
					}
				}
				losses := ""
				for k, n := range s.losses {
					losses += fmt.Sprintf("%s:%d", k, n)
				}
				if got != tc.want || strings.Join(docs, " ") != tc.docs || losses != tc.losses {
					t.Errorf("answer %s, want %s\nstored %s, want %s\nlosses %s, want %s\nerror %+v", got, tc.want, docs, tc.docs, losses, tc.losses,
						r.Error)
				}
			})
		}
	}
}

func docs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"create":{"_index":"a","_id":"%d"}}`+"\n"+`{"n":%d,"pad":"%s"}`+"\n", i, i, strings.Repeat("x", 1000))
	}
	return b.String()
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name   string
		err    error
		after  int
		status int
		items  string // how many of which status
	}{
		{"full", queue.ErrFull, 0, 200, "429:1000"},
		{"full from the third slice on", queue.ErrFull, 2, 200, "201 429"},
		{"below the reserve", queue.ErrNoSpace, 0, 503, ""},
		{"below the reserve in the middle", queue.ErrNoSpace, 2, 200, "201 429"},
		{"restarting", queue.ErrDown, 0, 503, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &sink{refuse: fmt.Errorf("append: %w", tc.err), after: tc.after}
			url := serve(t, Config{}, s)
			status, r := post(t, url+"/_bulk", "application/x-ndjson", strings.NewReader(docs(1000)))
			count := map[int]int{}
			for _, it := range r.Items {
				count[it["create"].Status]++
			}
			if status != tc.status || count[201] != len(s.frames) {
				t.Errorf("status %d, want %d; %d answered 201 and %d stored", status, tc.status, count[201], len(s.frames))
			}
			switch {
			case tc.status == 503 && (len(r.Items) != 0 || !strings.Contains(r.Error.Reason, tc.err.Error())):
				t.Errorf("503 must carry the reason and no items: %+v", r)
			case tc.items == "429:1000" && count[429] != 1000:
				t.Errorf("items %v, want all 429", count)
			case tc.items == "201 429" && (count[201] == 0 || count[429] == 0 || count[201]+count[429] != 1000):
				t.Errorf("items %v, want some 201, the rest 429", count)
			}
		})
	}
}

func TestBodyTooLong(t *testing.T) {
	s := &sink{}
	url := serve(t, Config{MaxBody: 10_000}, s)
	if status, _ := post(t, url+"/_bulk", "application/json", strings.NewReader(docs(100))); status != 413 {
		t.Errorf("100 kB with a limit of 10 kB: %d, want 413", status)
	}
}

func TestTokens(t *testing.T) {
	hash := func(s string) string { h := sha256.Sum256([]byte(s)); return hex.EncodeToString(h[:]) }
	known := map[string]Binding{hash("s3cret"): {Source: "NG-0007", Dataset: "windows.sysmon", Trust: true}}
	token := func(h string) (Binding, bool) { b, ok := known[h]; return b, ok }
	peer := func(context.Context, string) (Binding, error) { return Binding{Source: "NG-peer"}, nil }
	for _, tc := range []struct {
		auth     string
		required bool
		status   int
		source   string
	}{
		{"ApiKey aWQ6czNjcmV0", true, 200, "NG-0007"},    // id:s3cret
		{"Basic dXNlcjpzM2NyZXQ=", true, 200, "NG-0007"}, // user:s3cret
		{"Bearer s3cret", true, 200, "NG-0007"},
		{"Bearer wrong", true, 401, ""},
		{"Bearer wrong", false, 401, ""},
		{"", true, 401, ""},
		{"", false, 200, "NG-peer"},
	} {
		t.Run(fmt.Sprintf("%s/%v", tc.auth, tc.required), func(t *testing.T) {
			s := &sink{}
			url := serve(t, Config{Token: token, RequireToken: tc.required, Peer: peer}, s)
			header := []string{}
			if tc.auth != "" {
				header = []string{"Authorization", tc.auth}
			}
			status, _ := post(t, url+"/a/_bulk", "application/json", strings.NewReader(`{"index":{}}`+"\n"+`{"x":1}`+"\n"), header...)
			if status != tc.status {
				t.Fatalf("status %d, want %d", status, tc.status)
			}
			if status == 200 && (s.frames[0].Source != tc.source || s.frames[0].Trust != (tc.source == "NG-0007")) {
				t.Errorf("frame %+v, want source %s", s.frames[0], tc.source)
			}
		})
	}
	s := &sink{}
	url := serve(t, Config{Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, s)
	if status, r := post(t, url+"/_bulk", "application/json", strings.NewReader("{}")); status != 403 ||
		!strings.Contains(r.Error.Reason, "listen.senders") {
		t.Errorf("sender not allowed: %d %+v", status, r.Error)
	}
}

// A sender that cannot be registered is told to try again, and nothing is stored that belongs to nobody.
func TestSenderThatCannotBeRegistered(t *testing.T) {
	s := &sink{}
	url := serve(t, Config{Peer: func(context.Context, string) (Binding, error) { return Binding{}, errors.New("database is locked") }}, s)
	for _, path := range []string{"/_bulk", "/a/_doc"} {
		status, r := post(t, url+path, "application/json", strings.NewReader(`{"index":{}}`+"\n"+`{"x":1}`+"\n"))
		if status != 503 || len(s.frames) != 0 || strings.Contains(r.Error.Reason, "database") {
			t.Errorf("%s: %d %+v, %d stored; want 503 without the cause, which is for the log", path, status, r.Error, len(s.frames))
		}
	}
}

// TestARegisterThatHangsHoldsNoRequest: whose events a request carries is looked up for bindTime at most; while a database hangs its sender
// is told to try again before it gives up by itself.
func TestARegisterThatHangsHoldsNoRequest(t *testing.T) {
	asked := make(chan time.Duration, 1)
	url := serve(t, Config{Peer: func(ctx context.Context, _ string) (Binding, error) {
		end, bounded := ctx.Deadline()
		if !bounded {
			end = time.Now().Add(time.Hour)
		}
		asked <- time.Until(end)
		return Binding{}, context.DeadlineExceeded
	}}, &sink{})
	status, r := post(t, url+"/_bulk", "application/json", strings.NewReader(`{"index":{}}`+"\n"+`{"x":1}`+"\n"))
	if limit := <-asked; status != 503 || limit > bindTime {
		t.Errorf("%d %+v after a look-up that may take %s; want 503 and %s at most", status, r.Error, limit, bindTime)
	}
}

// What shippers ask before they send.
func TestSetUpRequests(t *testing.T) {
	s := &sink{}
	url := serve(t, Config{}, s)
	for _, tc := range []struct{ method, path, want string }{
		{"GET", "/", "You Know, for Search"}, {"HEAD", "/", ""}, {"GET", "/_license", `"active"`}, {"GET", "/_xpack", `"ilm"`},
		{"PUT", "/_index_template/filebeat-8.17.0", `"acknowledged":true`}, {"HEAD", "/_index_template/filebeat", ""},
		{"GET", "/_ilm/policy/filebeat", `"filebeat"`}, {"PUT", "/_ingest/pipeline/x", `"acknowledged":true`}, {"HEAD", "/logs-x", ""},
		{"GET", "/_cluster/health", "green"}, {"GET", "/_nodes/http", `"nodes"`}, {"PUT", "/_component_template/c", "acknowledged"},
	} {
		req, err := http.NewRequest(tc.method, url+tc.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || !strings.Contains(string(body), tc.want) {
			t.Errorf("%s %s = %d %s, want %q in it", tc.method, tc.path, resp.StatusCode, body, tc.want)
		}
	}
}

// The official Go client and its BulkIndexer, many documents, several workers.
func TestOfficialClient(t *testing.T) {
	s := &sink{}
	url := serve(t, Config{}, s)
	es, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{url}, CompressRequestBody: true})
	if err != nil {
		t.Fatal(err)
	}
	info, err := es.Info()
	if err != nil || info.IsError() {
		t.Fatalf("Info: %v %v", err, info)
	}
	bi, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: es, Index: "logs", NumWorkers: 2, FlushBytes: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	const n = 5000
	var good, bad atomic.Int64
	for i := range n {
		err := bi.Add(t.Context(), esutil.BulkIndexerItem{Action: "create", DocumentID: fmt.Sprint("id", i),
			Body: strings.NewReader(fmt.Sprintf(`{"n":%d,"message":"xin chào"}`, i)),
			OnSuccess: func(_ context.Context, it esutil.BulkIndexerItem, r esutil.BulkIndexerResponseItem) {
				if r.DocumentID == it.DocumentID && r.Status == 201 {
					good.Add(1)
				}
			},
			OnFailure: func(context.Context, esutil.BulkIndexerItem, esutil.BulkIndexerResponseItem, error) { bad.Add(1) }})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := bi.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, f := range s.frames {
		ids[f.ID] = true
	}
	if good.Load() != n || bad.Load() != 0 || len(ids) != n || len(s.frames) != n {
		t.Errorf("%d good, %d bad, %d stored, %d ids; want %d of each but bad", good.Load(), bad.Load(), len(s.frames), len(ids), n)
	}
}

// rsyslog's omelasticsearch as Debian ships it: blank lines between items, application/json; charset=utf-8, create with ids.
func TestRsyslog(t *testing.T) {
	bin, err := exec.LookPath("rsyslogd")
	modules, _ := filepath.Glob("/usr/lib/*/rsyslog/omelasticsearch.so")
	if err != nil || len(modules) == 0 {
		needed.Missing(t, "rsyslogd with omelasticsearch is not installed (apt-get install rsyslog rsyslog-elasticsearch)")
	}
	s := &sink{}
	url := serve(t, Config{}, s)
	dir := t.TempDir()
	const n = 500
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, "message %d \"quoted\"\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "input.log"), text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(url, "http://"))
	conf := fmt.Sprintf(`
global(workDirectory="%[1]s")
module(load="imfile")
module(load="omelasticsearch")
input(type="imfile" File="%[1]s/input.log" Tag="app:")
template(name="doc" type="list" option.jsonf="on") {
  property(outname="message" name="msg" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
}
template(name="id" type="string" string="%%$.id%%")
set $.id = $uuid;
action(type="omelasticsearch" server="127.0.0.1" serverport="%[2]s" template="doc" searchIndex="rsyslog" searchType="" bulkmode="on"
  writeoperation="create" bulkid="id" dynbulkid="on" maxbytes="1m" queue.type="linkedlist" queue.dequeuebatchsize="100")
`, dir, port)
	file := filepath.Join(dir, "rsyslog.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(bin, "-n", "-f", file, "-i", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill() //nolint:errcheck // ended already
		cmd.Wait()         //nolint:errcheck
	}()
	seen := map[string]int{}
	limit := time.After(20 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		clear(seen)
		s.mu.Lock()
		for _, f := range s.frames {
			var d struct{ Message string }
			if err := json.Unmarshal(f.Data, &d); err != nil {
				t.Errorf("document %s: %v", f.Data, err)
			}
			seen[strings.TrimSpace(d.Message)]++
		}
		s.mu.Unlock()
		if len(seen) == n {
			break
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%d of %d messages came, losses %v; rsyslogd: %s", len(seen), n, s.losses, out.String())
		}
	}
	if len(s.losses) != 0 || seen[`message 7 "quoted"`] != 1 {
		t.Errorf("losses %v, message 7 came %d times", s.losses, seen[`message 7 "quoted"`])
	}
}

// What clients do with HTTP: vendor media types, chunks, gzip of several members, Expect, and a body that does not come.
func TestHTTPWays(t *testing.T) {
	s := &sink{}
	url := serve(t, Config{Timeout: 300 * time.Millisecond}, s)
	item := "{\"create\":{\"_index\":\"a\"}}\n{\"x\":1}\n"
	member := func(text string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(text)) //nolint:errcheck // a buffer
		z.Close()
		return b.Bytes()
	}
	members := append(member(item+item[:20]), member(item[20:])...)
	for name, c := range map[string]struct {
		kind   string
		body   io.Reader
		header []string
		items  int
	}{
		"vendor type of 8": {"application/vnd.elasticsearch+x-ndjson; compatible-with=8", strings.NewReader(item),
			[]string{"Accept", "application/vnd.elasticsearch+json; compatible-with=8"}, 1},
		"vendor type of 9": {"application/vnd.elasticsearch+json;compatible-with=9", strings.NewReader(item), nil, 1},
		"chunks":           {"application/x-ndjson", io.MultiReader(strings.NewReader(item[:10]), strings.NewReader(item[10:])), nil, 1},
		"members in chunks": {"application/x-ndjson", io.MultiReader(bytes.NewReader(members[:15]), bytes.NewReader(members[15:])),
			[]string{"Content-Encoding", "gzip"}, 2},
		"expects a continue": {"application/x-ndjson", strings.NewReader(item), []string{"Expect", "100-continue"}, 1},
	} {
		status, r := post(t, url+"/_bulk?refresh=wait_for&pipeline=p&require_alias=false&filter_path=errors,items.*.status&pretty", c.kind,
			c.body, c.header...)
		if status != 200 || r.Errors || len(r.Items) != c.items {
			t.Errorf("%s: %d %+v", name, status, r)
		}
	}
	before := len(s.frames)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\nContent-Type: application/json\r\n\r\n{\"create\":{}}\n{\"x")
	answer, err := io.ReadAll(conn)
	if err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 408 ")) || !bytes.Contains(answer, []byte("timeout_exception")) ||
		len(s.frames) != before {
		t.Errorf("a body that does not come: %.200s, %v, %d items taken; want 408, which lets the sender try again", answer, err,
			len(s.frames)-before)
	}
}

func FuzzBulk(f *testing.F) {
	f.Add([]byte(`{"create":{"_index":"a","_id":"1"}}` + "\n" + `{"x":1}` + "\n"))
	f.Add([]byte("\n\n{}\n{}\n"))
	f.Add([]byte(`{"create":null}` + "\n" + `{"x":1}`))
	f.Add([]byte(`{"index":{"_id":[1]}}` + "\n" + strings.Repeat("a", 300) + "\n{\"delete\":{}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		budget := listen.NewBudget(bodies, bodies)
		a := &account{budget: budget}
		d := &reading{lines: newLines(bytes.NewReader(data), 200, a), max: 200, limit: 1 << 20, account: a}
		all := &answers{account: a}
		for {
			items, frames, at, err := d.slice()
			if len(frames) != len(at) || len(frames) > len(items) {
				t.Fatalf("%d items, %d frames, %d places", len(items), len(frames), len(at))
			}
			if err := all.add(items); err != nil {
				t.Fatal(err)
			}
			d.free()
			if err != nil {
				break
			}
		}
		w := httptest.NewRecorder()
		all.send(w, 0)
		if !json.Valid(w.Body.Bytes()) {
			t.Fatalf("answer is no JSON: %s", w.Body)
		}
		a.close()
		if n := budget.Used(); n != 0 {
			t.Fatalf("%d bytes are still counted as held", n)
		}
	})
}

package console

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"hoalu/console/identity"
	"hoalu/soc"
)

func files() fstest.MapFS {
	return fstest.MapFS{
		"index.html":          {Data: []byte(`<meta name="csp-nonce" content="__CSP_NONCE__"><script type="module" src="/assets/a-1.js"></script>`)},
		"icon.svg":            {Data: []byte("<svg/>")},
		"assets/a-1.js":       {Data: []byte("console.log(1)")},
		"assets/a-1.js.gz":    {Data: []byte("gzipped")},
		"assets/plain-2.wasm": {Data: []byte("w")},
	}
}

func (b *bench) get(t *testing.T, path string, change func(*http.Request)) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(get, b.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	tr := &http.Transport{DisableCompression: true}
	defer tr.CloseIdleConnections()
	res, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var body strings.Builder
	if _, err := bufio.NewReader(res.Body).WriteTo(&body); err != nil {
		t.Fatal(err)
	}
	return res, body.String()
}

func TestPages(t *testing.T) {
	b := newBench(t, Parts{})
	b.console.site, _ = openIndex(files())
	nonces := map[string]bool{}
	for _, path := range []string{"/", "/alerts", "/systems/HT-001", "/first", "/index.html"} {
		res, body := b.get(t, path, nil)
		csp := res.Header.Get("Content-Security-Policy")
		m := regexp.MustCompile(`style-src 'self' 'nonce-([^']+)'`).FindStringSubmatch(csp)
		if res.StatusCode != 200 || m == nil || !strings.Contains(body, `content="`+m[1]+`"`) || strings.Contains(csp, "unsafe") ||
			res.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: %d, policy %q, body %s", path, res.StatusCode, csp, body)
		}
		nonces[m[1]] = true
	}
	if len(nonces) != 5 {
		t.Error("a nonce was used twice")
	}
	for _, c := range []struct {
		path, accept      string
		status            int
		body, cache, kind string
	}{
		{"/assets/a-1.js", "gzip, br", 200, "gzipped", "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		{"/assets/a-1.js", "", 200, "console.log(1)", "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		{"/icon.svg", "", 200, "<svg/>", "no-cache", "image/svg+xml"},
		{"/assets/none-3.js", "", 404, "404 page not found\n", "", "text/plain; charset=utf-8"},
		{"/assets/../index.html", "", 200, "", "no-store", "text/html; charset=utf-8"},
	} {
		res, body := b.get(t, c.path, func(r *http.Request) {
			r.URL.Path = c.path
			if c.accept != "" {
				r.Header.Set("Accept-Encoding", c.accept)
			}
		})
		if res.StatusCode != c.status || (c.body != "" && body != c.body) || res.Header.Get("Cache-Control") != c.cache ||
			res.Header.Get("Content-Type") != c.kind {
			t.Errorf("%s accepting %q: %d %q %q %q", c.path, c.accept, res.StatusCode, body, res.Header.Get("Cache-Control"),
				res.Header.Get("Content-Type"))
		}
		if (res.Header.Get("Content-Encoding") == "gzip") != (c.body == "gzipped") {
			t.Errorf("%s accepting %q: encoding %q", c.path, c.accept, res.Header.Get("Content-Encoding"))
		}
	}
	if res, body := b.get(t, "/api/none", nil); res.StatusCode != 404 || !strings.Contains(body, "no_such_address") {
		t.Errorf("/api/none: %d %s", res.StatusCode, body)
	}
}

func TestOnlyOwnNames(t *testing.T) {
	b := newBench(t, Parts{})
	b.console.Hosts = []string{"soc.tinh.gov.vn"}
	for host, want := range map[string]int{"localhost:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "LOCALHOST": 200,
		"soc.tinh.gov.vn": 200,
		"evil.example":    421, "localhost.evil.example": 421, "127.0.0.1.evil.example:80": 421, "10.0.0.1": 421, "": 400} {
		res, _ := b.get(t, "/healthz", func(r *http.Request) { r.Host = host })
		if host == "" {
			continue // net/http fills in the address
		}
		if res.StatusCode != want {
			t.Errorf("host %q: %d, want %d", host, res.StatusCode, want)
		}
	}
}

type machine struct{ parts []soc.Part }

func (m machine) Disk() (soc.Disk, error)                     { return soc.Disk{Total: 1000, Free: 400, Days: 41}, nil }
func (m machine) Clock(context.Context) (int64, string, bool) { return 3, "time.gov.vn", true }
func (m machine) Parts(context.Context) []soc.Part            { return m.parts }
func (m machine) Started() int64                              { return 1 }
func (m machine) BackupAt(context.Context) int64              { return 0 }

func TestReady(t *testing.T) {
	b := newBench(t, Parts{Machine: machine{[]soc.Part{{Name: "queue", Ready: true}}}})
	if res, body := b.get(t, "/readyz", nil); res.StatusCode != 200 || !strings.Contains(body, `"queue"`) {
		t.Errorf("ready: %d %s", res.StatusCode, body)
	}
	b = newBench(t, Parts{Machine: machine{[]soc.Part{{Name: "store", Reason: "no space left"}}}})
	if res, body := b.get(t, "/readyz", nil); res.StatusCode != 503 || !strings.Contains(body, "no space left") {
		t.Errorf("not ready: %d %s", res.StatusCode, body)
	}
	if res, body := b.get(t, "/healthz", nil); res.StatusCode != 200 || body != "ok\n" {
		t.Errorf("healthz: %d %s", res.StatusCode, body)
	}
}

// TestEveryOperationAsksThePolicy calls each operation as each role: who lacks the action gets 403, nobody else does.
func TestEveryOperationAsksThePolicy(t *testing.T) {
	parts, _ := somethingHappened()
	b := newBench(t, parts)
	anonymous := b.browser()
	n := 0
	for path, item := range b.console.api.OpenAPI().Paths {
		for _, op := range []struct {
			method string
			action any
			found  bool
		}{
			{get, extension(item.Get), item.Get != nil}, {post, extension(item.Post), item.Post != nil}, {put, extension(item.Put), item.Put != nil},
			{del, extension(item.Delete), item.Delete != nil},
		} {
			if !op.found {
				continue
			}
			action, _ := op.action.(string)
			url := strings.ReplaceAll(path, "{id}", "none")
			var body any
			if op.method == post || op.method == put {
				body = map[string]any{}
			}
			if action == "" {
				continue
			}
			n++
			anonymous.refused(op.method, url, body, 401, "not_logged_in")
			for _, role := range soc.Roles {
				w := b.as("DV-01", role)
				status, raw := w.do(op.method, url, body)
				d, err := b.console.Policy.Decide(context.Background(), soc.Actor{Roles: []soc.Role{role}, Unit: "DV-01"}, action)
				if err != nil {
					t.Fatal(err)
				}
				var p Problem
				_ = json.Unmarshal(raw, &p) // not every answer is a problem
				if denied := status == 403 && p.Code == "no_right"; denied == d.Allow {
					t.Errorf("%s %s as %s: %d %s, the policy says %v", op.method, url, role, status, raw, d.Allow)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d operations were tried", n)
	}
}

func TestStream(t *testing.T) {
	streamRecheck, streamBeat, streamFold = 50*time.Millisecond, 40*time.Millisecond, 5*time.Millisecond
	defer func() { streamRecheck, streamBeat, streamFold = 30*time.Second, 15*time.Second, 100*time.Millisecond }()
	parts, _ := somethingHappened()
	b := newBench(t, parts)
	b.browser().refused(get, "/api/stream", nil, 401, "not_logged_in")
	tok, secret, err := b.people.CreateToken(t.Context(), soc.Actor{ID: "system"},
		identity.TokenRequest{Name: "owner", Roles: []soc.Role{soc.Owner}, Unit: "DV-01"})
	if err != nil {
		t.Fatal(err)
	}
	lines, beats := make(chan string, 64), make(chan struct{}, 1024)
	server := httptest.NewUnstartedServer(b.console.Handler())
	server.Config.ReadTimeout = 60 * time.Millisecond // must not end the stream
	server.Start()
	defer server.Close()
	req, _ := http.NewRequest(get, server.URL+"/api/stream", nil)
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	go func() {
		defer close(lines)
		s := bufio.NewScanner(res.Body)
		for s.Scan() {
			l := s.Text()
			if l == "event: beat" {
				beats <- struct{}{}
				s.Scan() // its data
				continue
			}
			if l != "" {
				lines <- l
			}
		}
	}()
	next := func() string {
		select {
		case l := <-lines:
			return l
		case <-time.After(5 * time.Second):
			t.Fatal("the stream says nothing")
			return ""
		}
	}
	for l := next(); !strings.HasPrefix(l, "data: "); l = next() { // hello
	}
	for range 3 {
		select {
		case <-beats:
		case l := <-lines:
			t.Fatalf("got %q, want beats beyond the server's read timeout", l)
		case <-time.After(5 * time.Second):
			t.Fatal("no beat")
		}
	}
	b.console.Publish(soc.Notice{Topic: "alert", ID: "a2", Version: 1, System: "HT-002"})      // another unit's
	b.console.Publish(soc.Notice{Topic: "alert", ID: "a3", Version: 1, System: "_unassigned"}) // the SOC's
	b.console.Publish(soc.Notice{Topic: "source", ID: "NG-0002", Version: 1})                  // a source of no system
	b.console.Publish(soc.Notice{Topic: "national", ID: "x", Version: 1})                      // no right
	b.console.Publish(soc.Notice{Topic: "alert", ID: "a1", Version: 7, System: "HT-001"})
	if l := next(); l != "event: notice" {
		t.Fatalf("got %q, want a notice", l)
	}
	if l := next(); l != `data: {"topic":"alert","id":"a1","version":7}` {
		t.Errorf("got %q", l)
	}
	// Rights are asked again while the stream is open.
	if err := b.people.RevokeToken(t.Context(), soc.Actor{ID: "system"}, tok.ID); err != nil {
		t.Fatal(err)
	}
	if l := next(); l != "event: end" {
		t.Errorf("got %q, want the end", l)
	}
}

func TestNoticesNeverBlock(t *testing.T) {
	n := newNotices()
	c := n.join("someone")
	for i := range 10 * noticeBuffer {
		n.Publish(soc.Notice{Topic: "alert", Version: int64(i)})
	}
	select {
	case <-c.lost:
	default:
		t.Error("a browser that lost notices is not told")
	}
	first := n.join("other")
	for range streamsPerUser {
		n.join("other")
	}
	select {
	case <-first.ended:
	default:
		t.Error("the oldest of too many streams goes on")
	}
	n.leave(c)
	if got := n.Open(); got != streamsPerUser {
		t.Errorf("%d streams open, want %d", got, streamsPerUser)
	}
}

func TestInputBounds(t *testing.T) {
	b := newBench(t, Parts{})
	w := b.as("", soc.Analyst)
	w.refused(post, "/api/searches", map[string]any{"query": strings.Repeat("a ", 40<<10)}, 413, "input_too_large")
	p := w.refused(post, "/api/alerts/actions", map[string]any{"action": "eat", "alerts": []any{}}, 422, "input_wrong")
	if len(p.Fields) < 2 || p.Fields[0].Name == "" {
		t.Errorf("wrong fields are not named: %+v", p.Fields)
	}
	// A wrong value is not repeated in the answer: it may be a secret.
	if _, raw := w.do(post, "/api/login", map[string]any{"login": "x", "password": strings.Repeat("bímật", 60)}); strings.Contains(string(raw),
		"bímật") {
		t.Errorf("the answer repeats the password: %s", raw)
	}
}

func TestMetricsAreForThisMachine(t *testing.T) {
	b := newBench(t, Parts{})
	b.console.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("up 1\n")) })
	for peer, want := range map[string]int{"127.0.0.1:5": 200, "[::1]:5": 200, "10.0.0.7:5": 401} {
		r := httptest.NewRequest(get, "http://localhost/metrics", nil)
		r.RemoteAddr = peer
		w := httptest.NewRecorder()
		b.console.metrics(w, r)
		if w.Code != want {
			t.Errorf("metrics for %s: %d, want %d", peer, w.Code, want)
		}
	}
}

func TestServe(t *testing.T) {
	b := newBench(t, Parts{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.console.Serve(ctx, l) }()
	res, err := http.Get("http://" + l.Addr().String() + "/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct{ OpenAPI string }
	if err := json.NewDecoder(res.Body).Decode(&spec); err != nil || !strings.HasPrefix(spec.OpenAPI, "3.1") {
		t.Errorf("openapi.json: %+v, %v", spec, err)
	}
	res.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	any, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer any.Close()
	if err := b.console.Serve(t.Context(), any); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("plain HTTP beyond loopback: %v", err)
	}
}

// TestBehindProxy: under a declared name the asker is who the proxy says, the cookie is for TLS only, and the machine is no one's
// business; X-Forwarded-For under the machine's own names means nothing.
func TestBehindProxy(t *testing.T) {
	b := newBench(t, Parts{Machine: machine{[]soc.Part{{Name: "store", Reason: "no space left on /var/lib/hoalu"}}}})
	b.console.Hosts = []string{"soc.tinh.gov.vn"}
	metrics := func(host, via string) int {
		r := httptest.NewRequest(get, "/metrics", nil)
		r.Host, r.RemoteAddr = host, "127.0.0.1:5"
		if via != "" {
			r.Header.Set("X-Forwarded-For", via)
		}
		w := httptest.NewRecorder()
		b.console.guard(http.HandlerFunc(b.console.metrics)).ServeHTTP(w, r)
		return w.Code
	}
	b.console.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("up 1\n")) })
	for _, c := range []struct {
		host, via string
		want      int
	}{
		{"localhost", "", 200}, {"localhost", "198.51.100.7", 200}, {"soc.tinh.gov.vn", "", 401}, {"SOC.tinh.gov.vn:443", "198.51.100.7", 401},
		{"soc.tinh.gov.vn", "127.0.0.1, 198.51.100.7", 401}, {"soc.tinh.gov.vn", "nonsense", 401},
		{"soc.tinh.gov.vn", "198.51.100.7, 127.0.0.1", 200},
	} {
		if got := metrics(c.host, c.via); got != c.want {
			t.Errorf("/metrics of %q for %q: %d, want %d", c.host, c.via, got, c.want)
		}
	}
	proxied := func(r *http.Request) {
		r.Host = "soc.tinh.gov.vn"
		r.Header.Set("X-Forwarded-For", "198.51.100.7")
	}
	if res, body := b.get(t, "/readyz", proxied); res.StatusCode != 503 || strings.Contains(body, "/var/lib") ||
		!strings.Contains(body, "store") || res.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("readyz through the proxy: %d %s %v", res.StatusCode, body, res.Header)
	}
	if _, body := b.get(t, "/readyz", nil); !strings.Contains(body, "/var/lib") {
		t.Errorf("readyz on the machine: %s", body)
	}
	_, secret, _ := b.first("quan.tri")
	b.pass(time.Minute)
	login := func(address, code string) *http.Response {
		req, _ := http.NewRequest(post, b.server.URL+"/api/login",
			strings.NewReader(`{"login":"quan.tri","password":"`+goodPassword+`","code":"`+code+`"}`))
		req.Host = "soc.tinh.gov.vn"
		req.Header.Set("X-Forwarded-For", address)
		req.Header.Set("Origin", "https://soc.tinh.gov.vn")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	// Somebody elsewhere who knows the name cannot lock its person out.
	for range 10 {
		if res := login("198.51.100.66", "000000"); res.StatusCode != 401 {
			t.Fatalf("a wrong code: %d", res.StatusCode)
		}
	}
	if res := login("198.51.100.66", b.code(secret)); res.StatusCode != 401 {
		t.Errorf("right code from an address that is locked: %d", res.StatusCode)
	}
	res := login("198.51.100.7", b.code(secret))
	if set := res.Header.Get("Set-Cookie"); res.StatusCode != 200 || !strings.Contains(set, "Secure") {
		t.Errorf("log-in through the proxy: %d %q", res.StatusCode, set)
	}
	b.mu.Lock()
	last := b.deeds[len(b.deeds)-1]
	b.mu.Unlock()
	if last.Actor.Address != "198.51.100.7" {
		t.Errorf("the deed is from %q", last.Actor.Address)
	}
	// Guessing spread over many addresses locks the name for all.
	b.pass(time.Minute)
	for i := range identity.LockAllAfter {
		login("198.18.0."+strconv.Itoa(i), "000000")
	}
	b.pass(time.Minute)
	if res := login("198.51.100.7", b.code(secret)); res.StatusCode != 401 {
		t.Errorf("after %d tries from everywhere: %d", identity.LockAllAfter, res.StatusCode)
	}
	b.pass(identity.LockFor)
	if res := login("198.51.100.7", b.code(secret)); res.StatusCode != 200 {
		t.Errorf("after the lock: %d", res.StatusCode)
	}
}

// TestHeadersOnEveryAnswer: errors too keep browsers from guessing, framing and keeping.
func TestHeadersOnEveryAnswer(t *testing.T) {
	b := newBench(t, Parts{})
	b.console.site, _ = openIndex(files())
	for _, path := range []string{"/", "/alerts", "/assets/a-1.js", "/assets/none.js", "/.vite/manifest.json", "/api/none", "/api/alerts",
		"/api/site", "/api/stream", "/healthz", "/readyz", "/metrics", "/api/openapi.json",
		"/../../etc/passwd", "/assets/../../../../etc/passwd", "/assets/%2e%2e/%2e%2e/go.mod", "/assets\\..\\index.html", "/%00"} {
		res, body := b.get(t, path, func(r *http.Request) {
			if strings.HasPrefix(path, "/..") || strings.Contains(path, "/../") {
				r.URL.Opaque = path // as it is, not cleaned by the client
			}
		})
		h := res.Header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("Referrer-Policy") != "no-referrer" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") ||
			!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			strings.Contains(h.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: %d %v", path, res.StatusCode, h)
		}
		if strings.HasPrefix(path, "/api/") && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be kept: %q", path, h.Get("Cache-Control"))
		}
		if strings.Contains(body, "root:") || strings.Contains(body, "module hoalu") {
			t.Errorf("%s leaves the web console: %s", path, body)
		}
	}
	// No method that changes something is taken from another site, whatever it is and wherever it goes.
	for path, item := range b.console.api.OpenAPI().Paths {
		for method, op := range map[string]any{post: item.Post, put: item.Put, del: item.Delete} {
			if op == (*huma.Operation)(nil) {
				continue
			}
			for _, from := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}},
				{"Origin": {"https://evil.example"}}, {"Origin": {"null"}}} {
				w := b.browser()
				w.header = from
				w.refused(method, strings.ReplaceAll(path, "{id}", "x"), nil, 403, "other_site")
			}
		}
	}
}

// TestSessionEnds: a log-in makes a session of its own whatever cookie comes along, which ends after a shift however busy it is; its
// stream ends with it.
func TestSessionEnds(t *testing.T) {
	b := newBench(t, Parts{})
	w, secret, _ := b.first("quan.tri")
	b.pass(time.Minute)
	at, _ := url.Parse(b.server.URL)
	before := w.client.Jar.Cookies(at)[0].Value
	ask[Me](w, post, "/api/login", map[string]any{"login": "quan.tri", "password": goodPassword, "code": b.code(secret)})
	if after := w.client.Jar.Cookies(at)[0].Value; after == before {
		t.Error("a log-in keeps the cookie that came with it")
	}
	v := b.browser()
	v.client.Jar.SetCookies(at, []*http.Cookie{{Name: cookieName, Value: "chosen-by-another"}})
	b.pass(time.Minute)
	ask[Me](v, post, "/api/login", map[string]any{"login": "quan.tri", "password": goodPassword, "code": b.code(secret)})
	if got := v.client.Jar.Cookies(at)[0].Value; got == "chosen-by-another" {
		t.Error("a log-in takes a cookie that somebody chose")
	}
	res, err := v.client.Get(b.server.URL + "/api/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && lines.Text() != "event: hello" {
	}
	ask[Done](v, post, "/api/logout", nil)
	ended := make(chan bool, 1)
	go func() {
		for lines.Scan() && lines.Text() != "event: end" {
		}
		ended <- lines.Text() == "event: end"
	}()
	select {
	case ok := <-ended:
		if !ok {
			t.Error("the stream broke off instead of ending")
		}
	case <-time.After(5 * time.Second): // the rights are asked again after 30 s
		t.Error("the stream goes on after the log-out")
	}
	for range 12 * 6 { // busy all the time
		b.pass(10 * time.Minute)
		w.do(get, "/api/me", nil)
	}
	w.refused(get, "/api/me", nil, 401, "not_logged_in")
}

package test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"go.yaml.in/yaml/v3"

	"hoalu/internal/needed"
)

// documentedSender is the block of docs/<language>/sources.md that holds mark, as a reader would copy it; both languages hold the same.
func documentedSender(t *testing.T, mark string) string {
	t.Helper()
	block := map[string]string{}
	for _, language := range []string{"en", "vi"} {
		page, err := os.ReadFile("../docs/" + language + "/sources.md")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fence.FindAllStringSubmatch(string(page), -1) {
			if strings.Contains(m[1], mark) {
				block[language] += m[1]
			}
		}
		if block[language] == "" {
			t.Fatalf("docs/%s/sources.md has no block with %s", language, mark)
		}
	}
	if block["en"] != block["vi"] {
		t.Fatalf("the pages prescribe different things:\n%s\n%s", block["en"], block["vi"])
	}
	return block["en"]
}

// put replaces what is the reader's own in a documented block; each must stand there.
func put(t *testing.T, block string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(block, pairs[i]) {
			t.Fatalf("the documented block does not hold %s:\n%s", pairs[i], block)
		}
		block = strings.ReplaceAll(block, pairs[i], pairs[i+1])
	}
	return block
}

// province is an appliance that listens as docs/en/sources.md has it: certificates for syslog over TLS, keys for _bulk over TLS. Its
// name is localhost where the documents have hoalu.ninhbinh.local, which nobody resolves here.
type province struct {
	*appliance
	bulkTLS string // port
	ca      string // file
	system  string
}

func startProvince(t *testing.T) *province {
	t.Helper()
	p := &province{bulkTLS: freePort(t)}
	p.appliance = startAppliance(t, quiet, "  bulk_tls: 127.0.0.1:"+p.bulkTLS+"\n  names: [localhost]\n")
	var unit, system struct{ ID string }
	p.do("administrator", "POST", "/api/units", map[string]any{"name": "Sở Hồ sơ", "kind": "department"}, &unit)
	p.do("administrator", "POST", "/api/systems",
		map[string]any{"name": "Hồ sơ một cửa", "unit": unit.ID, "level": 3, "placement": "data_centre"}, &system)
	p.system = system.ID
	p.ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(p.ca, []byte(p.must("source", "authority", "--data", p.data)), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// declare makes a source of the system.
func (p *province) declare(name, kind string) (id string) {
	p.Helper()
	var s struct{ ID string }
	p.do("administrator", "POST", "/api/sources", map[string]any{"name": name, "kind": kind, "system": p.system}, &s)
	return s.ID
}

// issued is what `hoalu source key new` prints.
type issued struct{ id, secret, text string }

func (p *province) key(source string) issued {
	p.Helper()
	out := p.must("source", "key", "new", source, "--label", "web-01", "--data", p.data)
	id := regexp.MustCompile(`user +(\S+)`).FindStringSubmatch(out)
	secret := regexp.MustCompile(`password +(\S+)`).FindStringSubmatch(out)
	if id == nil || secret == nil {
		p.Fatalf("source key new prints no user and password:\n%s", out)
	}
	return issued{id[1], secret[1], out}
}

// lines are what a machine's programs write: eight guessed passwords of one address, which is an alert, and ordinary lines beside them.
func senderLines(address string) []string {
	now := time.Now()
	var list []string
	for i := range 9 {
		list = append(list, fmt.Sprintf("<86>%s sshd[77]: Failed password for invalid user admin%d from %s port %d ssh2", now.Format(time.Stamp),
			i, address, 40000+i))
	}
	return append(list, fmt.Sprintf("<85>%s sudo: vanhanh : TTY=pts/1 ; PWD=/home/%s ; USER=root ; COMMAND=/usr/bin/id",
		now.Format(time.Stamp), address),
		fmt.Sprintf("<14>%s hoso[9]: tiếp nhận hồ sơ số 12 của \"một cửa\" \\ xong, từ %s", now.Format(time.Stamp), address))
}

// ofTheWay are the fields that say by which source, how and when an event came, not what happened. Facility, severity (log.level) and
// version of syslog stand in the header of the wire alone: a line in a file has none.
var ofTheWay = regexp.MustCompile(`^(_id|event\.(id|ingested|created|original)|hoalu\.(source|system|unit|asset)\.id|hoalu\.(level|zone)|log\.level|log\.syslog\.(facility|severity|priority|version)\b.*)$`)

// shippersOwn are what Filebeat and Vector add to a line.
var shippersOwn = regexp.MustCompile(`^(agent\..*|ecs\.version|input\.type|log\.offset|log\.file\..*|file|host|source_type|timestamp)$`)

// toldBy is an event without the fields of its way, as sorted lines.
func toldBy(e map[string]any) []string {
	var list []string
	for k, v := range e {
		if !ofTheWay.MatchString(k) {
			list = append(list, fmt.Sprintf("%s = %v", k, v))
		}
	}
	slices.Sort(list)
	return list
}

// sameAsFile: the events that a sender's source holds are, field by field, those of the same lines taken from a file.
func (p *province) sameAsFile(name, file, address, rule string, n int) {
	p.Helper()
	query := "message:*" + address + "*"
	until(p.T, fmt.Sprintf("%d events of %s", n, name), 20*time.Second, func() bool { return p.search("analyst", query).Total >= n })
	got := p.search("analyst", query).Events
	if len(got) != n {
		p.Fatalf("%s: %d events are stored, %d lines were written", name, len(got), n)
	}
	alerts := func() []alert { return p.alerts("analyst", "rule="+rule+"&q="+address) }
	until(p.T, "the alert of what "+name+" sent", 20*time.Second, func() bool {
		return slices.ContainsFunc(alerts(), func(x alert) bool { return x.Address == address && x.Count >= 8 })
	})
	label := "tệp của " + name
	p.must("import", "--data", p.data, "--source", label, file)
	var same []map[string]any
	until(p.T, "the same lines by file", 20*time.Second, func() bool {
		id, _ := p.source("q=" + url.QueryEscape(label))["id"].(string)
		same = p.search("analyst", query+" and hoalu.source.id:"+id).Events
		return len(same) >= n
	})
	byMessage := func(list []map[string]any) {
		slices.SortFunc(list, func(x, y map[string]any) int { return cmp.Compare(fmt.Sprint(x["message"]), fmt.Sprint(y["message"])) })
	}
	byMessage(got)
	byMessage(same)
	if len(same) != n {
		p.Fatalf("%s: the file gives %d events, the sender %d", name, len(same), n)
	}
	for i := range got {
		for field := range got[i] { // what a shipper says of itself and of the file it read
			if shippersOwn.MatchString(field) && same[i][field] == nil {
				delete(got[i], field)
			}
		}
		a, b := toldBy(got[i]), toldBy(same[i])
		if !slices.Equal(a, b) {
			p.Errorf("%s: not the same event\nby the sender %s\nby file       %s", name, without(a, b), without(b, a))
			if i > 2 {
				return
			}
		}
		if got[i]["event.category"] == nil && strings.Contains(fmt.Sprint(got[i]["message"]), "password") {
			p.Errorf("%s: a guessed password has no category: %v", name, got[i])
		}
	}
}

// without are the strings of a that b does not hold.
func without(a, b []string) (list []string) {
	for _, x := range a {
		if !slices.Contains(b, x) {
			list = append(list, x)
		}
	}
	return list
}

// rsyslogd runs Debian's rsyslog with a documented block until the test ends. Programs write to the socket it returns, as to /dev/log;
// what they wrote is also in the file, as rsyslog's own files have it.
func rsyslogd(t *testing.T, block string, modules ...string) (socket, file string) {
	t.Helper()
	bin := peer(t, "/usr/sbin/rsyslogd")
	for _, m := range modules {
		if found, _ := filepath.Glob("/usr/lib/*/rsyslog/" + m + ".so"); len(found) == 0 {
			missingPeer(t, "rsyslog's module "+m)
		}
	}
	dir := t.TempDir()
	short, err := os.MkdirTemp("", "log") // the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	socket, file = filepath.Join(short, "log"), filepath.Join(dir, "lines.log")
	conf := fmt.Sprintf("global(workDirectory=%q parser.escapeControlCharactersOnReceive=\"off\")\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\ninput(type=\"imuxsock\" Socket=%q)\n%s*.* action(type=\"omfile\" file=%q template=\"RSYSLOG_FileFormat\")\n", dir, socket, block, file)
	path := filepath.Join(dir, "rsyslog.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(bin, "-n", "-f", path, "-i", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // may have ended
		cmd.Wait()         //nolint:errcheck
		if t.Failed() {
			t.Logf("rsyslogd: %s", said.String())
		}
	})
	until(t, "rsyslogd to listen", 10*time.Second, func() bool { _, err := os.Stat(socket); return err == nil })
	return socket, file
}

// peer is the path of a program that a test needs.
func peer(t *testing.T, path string) string {
	t.Helper()
	found, err := exec.LookPath(path)
	if err != nil {
		missingPeer(t, path)
	}
	return found
}

// missingPeer fails in CI, where test/peers/install.sh must have run, and elsewhere leaves the test out by name.
func missingPeer(t *testing.T, name string) {
	t.Helper()
	needed.Missing(t, "%s is not installed; run test/peers/install.sh", name)
}

// write gives lines to a socket as syslog(3) does, a datagram each.
func write(t *testing.T, socket string, lines []string) {
	t.Helper()
	c, err := net.Dial("unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, line := range lines {
		if _, err := io.WriteString(c, line); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDocumentedRsyslog runs rsyslogd with each block that docs/<language>/sources.md gives for it, as it stands there; only addresses,
// ports, files and keys are put in. Events are compared with the same lines by file, and the alert is seen.
func TestDocumentedRsyslog(t *testing.T) {
	p := startProvince(t)
	for i, c := range []struct {
		name, mark string
		source     func(p *province) string // declared; nil: registered by its first message
		block      func(p *province, source, block string) string
		modules    []string
	}{
		{name: "tcp", mark: `port="5514" protocol="tcp"`, block: func(p *province, _, block string) string {
			return put(p.T, block, "10.20.0.5", "127.0.0.1", "5514", p.ports.syslog)
		}},
		{name: "udp", mark: `port="5514" protocol="udp"`, block: func(p *province, _, block string) string {
			return put(p.T, block, "10.20.0.5", "127.0.0.1", "5514", p.ports.syslog)
		}},
		{name: "tls", mark: "defaultNetstreamDriverCAFile", modules: []string{"lmnsd_ossl"},
			source: func(p *province) string { return p.declare("tường lửa 01", "syslog") },
			block:  func(p *province, source, block string) string { return p.secure(source, block) }},
		{name: "omelasticsearch", mark: `module(load="omelasticsearch")`, modules: []string{"omelasticsearch"},
			source: func(p *province) string { return p.declare("máy chủ 01", "bulk") },
			block:  func(p *province, source, block string) string { return p.omelasticsearch(source, block) }},
	} {
		t.Run(c.name, p.in(func(a *appliance) {
			p := &province{a, p.bulkTLS, p.ca, p.system}
			source := ""
			if c.source != nil {
				source = c.source(p)
			}
			socket, file := rsyslogd(p.T, c.block(p, source, documentedSender(p.T, c.mark)), c.modules...)
			address := fmt.Sprintf("203.0.113.%d", 20+i)
			lines := senderLines(address)
			write(p.T, socket, lines)
			p.sameAsFile(c.name, file, address, guessingRule, len(lines))
		}))
	}
}

// TestConsoleGivesDocumentedLines: what the console shows for a new syslog source is what the documents prescribe.
func TestConsoleGivesDocumentedLines(t *testing.T) {
	page, err := os.ReadFile("../console/ui/sources/Lines.tsx")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("`(\\*\\.\\* action\\([^`]*)`,\\n +'([^']*)',").FindStringSubmatch(string(page))
	if m == nil {
		t.Fatal("the console's lines for rsyslog are not found")
	}
	shown := strings.ReplaceAll(m[1], "${to}", "10.20.0.5") + "\n" + m[2] + "\n"
	if want := documentedSender(t, `port="5514" protocol="tcp"`); shown != want {
		t.Errorf("the console shows\n%s\nthe documents have\n%s", shown, want)
	}
}

// omelasticsearch puts the reader's own into the block for hosts of which nothing may be lost.
func (p *province) omelasticsearch(source, block string) string {
	p.Helper()
	k := p.key(source)
	return put(p.T, block, "hoalu.ninhbinh.local", "localhost", "9243", p.bulkTLS, "/etc/hoalu/ca.pem", p.ca, `uid="kh-..."`, `uid="`+k.id+`"`,
		`pwd="..."`, `pwd="`+k.secret+`"`)
}

// TestDocumentedShippers: programs that speak Elasticsearch, each with what the documents or `hoalu source key new` give for it.
//
// curl and the official clients (Go, Python, JavaScript) are the real programs. Filebeat, Winlogbeat, Vector and Fluent Bit are on no
// registry that tests may use; what each sends is in testdata/senders/<name>.http, a request as its sources of the version named there
// write it, and goes where the documented lines say, with the key and the trust they give.
func TestDocumentedShippers(t *testing.T) {
	p := startProvince(t)
	for i, c := range []struct {
		name string
		send func(p *province, k issued, file string, lines []string)
		rule string
	}{
		{"curl", (*province).byCurl, guessingRule},
		{"go", (*province).byGo, guessingRule},
		{"python", (*province).byPython, guessingRule},
		{"javascript", (*province).byJavaScript, guessingRule},
		{"filebeat", (*province).byFilebeat, guessingRule},
		{"winlogbeat", (*province).byWinlogbeat, windowsGuessingRule},
		{"vector", (*province).byVector, guessingRule},
		{"fluent-bit", (*province).byFluentBit, guessingRule},
	} {
		t.Run(c.name, p.in(func(a *appliance) {
			p := &province{a, p.bulkTLS, p.ca, p.system}
			address := fmt.Sprintf("203.0.113.%d", 60+i)
			var lines []string // as rsyslog's files have them
			for j, line := range senderLines(address) {
				_, text, _ := strings.Cut(line[strings.Index(line, ">")+1:], " ")
				text = regexp.MustCompile(`^ ?\d+ \S+ `).ReplaceAllString(text, "")
				lines = append(lines, time.Now().Add(time.Duration(j)*time.Millisecond).Format("2006-01-02T15:04:05.000000Z07:00")+" web-01 "+text)
			}
			if c.rule == windowsGuessingRule {
				lines = windowsEvents(p.T, address)
			}
			file := filepath.Join(p.TempDir(), "app.log")
			if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
				p.Fatal(err)
			}
			c.send(p, p.key(p.declare("bên gửi "+c.name, "bulk")), file, lines)
			p.sameAsFile(c.name, file, address, c.rule, len(lines))
		}))
	}
}

// windowsGuessingRule is Windows Password Guessing From One Address: 10 in 5 minutes.
const windowsGuessingRule = "aacac485-c5c9-4fc9-a514-04db23464318"

// windowsEvents are documents of Winlogbeat's file output, log-ons that failed.
func windowsEvents(t *testing.T, address string) (list []string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/senders/winlogbeat.json")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 11 {
		at := time.Now().Add(time.Duration(i) * time.Millisecond).UTC().Format("2006-01-02T15:04:05.000Z")
		list = append(list, strings.NewReplacer("{{time}}", at, "{{address}}", address, "{{n}}", fmt.Sprint(i), "\n", "").Replace(string(raw)))
	}
	return list
}

// program runs a documented program and shows what it said if it fails.
func (p *province) program(k issued, dir string, env []string, name string, args ...string) {
	p.Helper()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "KEY_ID="+k.id, "KEY_SECRET="+k.secret), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		p.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func (p *province) byCurl(k issued, _ string, lines []string) {
	dir := p.TempDir()
	var b bytes.Buffer
	for _, line := range lines {
		doc, err := json.Marshal(map[string]string{"message": line})
		if err != nil {
			p.Fatal(err)
		}
		fmt.Fprintf(&b, "{\"create\":{}}\n%s\n", doc)
	}
	if err := os.WriteFile(filepath.Join(dir, "events.ndjson"), b.Bytes(), 0o600); err != nil {
		p.Fatal(err)
	}
	peer(p.T, "curl")
	p.program(k, dir, nil, "bash", "-c", put(p.T, documentedSender(p.T, "curl --fail"), "hoalu.ninhbinh.local:9243", "localhost:"+p.bulkTLS,
		"/etc/hoalu-ca.pem", p.ca))
}

// clients is where test/peers/install.sh puts the official clients.
func clients() string {
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, _ := os.UserHomeDir()
		cache = filepath.Join(home, ".cache")
	}
	return filepath.Join(cache, "hoalu-peers")
}

func (p *province) byPython(k issued, file string, _ []string) {
	folder := filepath.Join(clients(), "python")
	if _, err := os.Stat(filepath.Join(folder, "elasticsearch")); err != nil {
		missingPeer(p.T, "elasticsearch of PyPI")
	}
	block := put(p.T, documentedSender(p.T, "from elasticsearch import"), "hoalu.ninhbinh.local:9243", "localhost:"+p.bulkTLS,
		"/etc/hoalu-ca.pem", p.ca, "/var/log/app.log", file)
	p.program(k, p.TempDir(), []string{"PYTHONPATH=" + folder}, peer(p.T, "python3"), "-c", block)
}

func (p *province) byJavaScript(k issued, file string, _ []string) {
	folder := filepath.Join(clients(), "node")
	if _, err := os.Stat(filepath.Join(folder, "node_modules", "@elastic", "elasticsearch")); err != nil {
		missingPeer(p.T, "@elastic/elasticsearch of npm")
	}
	block := put(p.T, documentedSender(p.T, "@elastic/elasticsearch"), "hoalu.ninhbinh.local:9243", "localhost:"+p.bulkTLS,
		"/etc/hoalu-ca.pem", p.ca, "/var/log/app.log", file)
	dir := p.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "send.mjs"), []byte(block), 0o600); err != nil {
		p.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(folder, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		p.Fatal(err)
	}
	p.program(k, dir, nil, peer(p.T, "node"), "send.mjs")
}

func (p *province) byGo(k issued, _ string, lines []string) {
	ca, err := os.ReadFile(p.ca)
	if err != nil {
		p.Fatal(err)
	}
	es, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{"https://localhost:" + p.bulkTLS}, Username: k.id,
		Password: k.secret, CACert: ca})
	if err != nil {
		p.Fatal(err)
	}
	bi, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: es, Index: "app"})
	if err != nil {
		p.Fatal(err)
	}
	for _, line := range lines {
		doc, err := json.Marshal(map[string]string{"message": line})
		if err != nil {
			p.Fatal(err)
		}
		if err := bi.Add(p.Context(), esutil.BulkIndexerItem{Action: "create", Body: bytes.NewReader(doc)}); err != nil {
			p.Fatal(err)
		}
	}
	if err := bi.Close(p.Context()); err != nil {
		p.Fatal(err)
	}
	if s := bi.Stats(); s.NumFailed != 0 || s.NumFlushed != uint64(len(lines)) {
		p.Fatalf("bulk indexer: %+v", s)
	}
}

// beats is output.elasticsearch of a configuration, as far as the documents set it.
type beats struct {
	Hosts       []string `yaml:"hosts"`
	APIKey      string   `yaml:"api_key"`
	Fingerprint string   `yaml:"ssl.ca_trusted_fingerprint"`
}

// byBeat sends as Beats do with the documented lines. The lines that `hoalu source key new` prints must say the same.
func (p *province) byBeat(name string, k issued, lines []string) {
	read := func(text string) (b beats) {
		var doc map[string]beats
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			p.Fatalf("%v in\n%s", err, text)
		}
		return doc["output.elasticsearch"]
	}
	ca, err := os.ReadFile(p.ca)
	if err != nil {
		p.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(ca), "-----BEGIN CERTIFICATE-----")
	body, _, ok2 := strings.Cut(rest, "-----END")
	der, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\n", ""))
	if !ok || !ok2 || err != nil {
		p.Fatalf("source authority prints no certificate: %v", err)
	}
	sum := sha256.Sum256(der)
	cfg := read(put(p.T, documentedSender(p.T, "output.elasticsearch:"), "hoalu.ninhbinh.local:9243", "localhost:"+p.bulkTLS, "kh-…:…",
		k.id+":"+k.secret, `fingerprint: "…"`, `fingerprint: "`+hex.EncodeToString(sum[:])+`"`))
	_, printed, ok := strings.Cut(k.text, "\nFilebeat, Winlogbeat:\n")
	printed, _, ok2 = strings.Cut(printed, "\n\n")
	if issued := read(printed); !ok || !ok2 || fmt.Sprint(issued) != fmt.Sprint(cfg) {
		p.Errorf("source key new prints for Beats %+v, the documents %+v", issued, cfg)
	}
	// A Beat trusts the certificate of the chain it is shown that has the fingerprint, and verifies the rest by it.
	trust := &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		roots := x509.NewCertPool()
		for _, c := range s.PeerCertificates {
			if sum := sha256.Sum256(c.Raw); hex.EncodeToString(sum[:]) == cfg.Fingerprint {
				roots.AddCert(c)
			}
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: s.ServerName})
		return err
	}}
	p.recorded(name, strings.TrimPrefix(cfg.Hosts[0], "https://"), "ApiKey "+base64.StdEncoding.EncodeToString([]byte(cfg.APIKey)), trust,
		lines)
}

func (p *province) byFilebeat(k issued, _ string, lines []string)   { p.byBeat("filebeat", k, lines) }
func (p *province) byWinlogbeat(k issued, _ string, lines []string) { p.byBeat("winlogbeat", k, lines) }

// byVector sends as Vector does with the lines printed with the key.
func (p *province) byVector(k issued, _ string, lines []string) {
	m := regexp.MustCompile(`(?s)Vector:\n\[sinks\.hoalu\]\ntype = "elasticsearch"\ninputs = \["\*"\]\nendpoints = \["https://([^"]+)"\]\nauth = \{ strategy = "basic", user = "([^"]+)", password = "([^"]+)" \}\ntls\.ca_file = "/etc/hoalu-ca\.pem"\n`).FindStringSubmatch(k.text)
	if m == nil {
		p.Fatalf("source key new prints no lines for Vector:\n%s", k.text)
	}
	p.recorded("vector", m[1], "Basic "+base64.StdEncoding.EncodeToString([]byte(m[2]+":"+m[3])), p.trust(), lines)
}

// byFluentBit sends as Fluent Bit does with the lines printed with the key.
func (p *province) byFluentBit(k issued, _ string, lines []string) {
	_, text, ok := strings.Cut(k.text, "Fluent Bit:\n[OUTPUT]\n")
	set := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(line, "    ") {
			set[name] = value
		}
	}
	want := map[string]string{"Name": "es", "Match": "*", "Host": "localhost", "Port": p.bulkTLS, "HTTP_User": k.id, "HTTP_Passwd": k.secret,
		"Suppress_Type_Name": "On", "tls": "On", "tls.ca_file": "/etc/hoalu-ca.pem"}
	if !ok || !maps.Equal(set, want) {
		p.Fatalf("source key new prints for Fluent Bit %v, want %v", set, want)
	}
	p.recorded("fluent-bit", net.JoinHostPort(set["Host"], set["Port"]),
		"Basic "+base64.StdEncoding.EncodeToString([]byte(set["HTTP_User"]+":"+set["HTTP_Passwd"])), p.trust(), lines)
}

// trust is the appliance's authority from the file that `hoalu source authority` wrote.
func (p *province) trust() *tls.Config {
	p.Helper()
	ca, err := os.ReadFile(p.ca)
	if err != nil {
		p.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{RootCAs: pool}
}

// recorded sends testdata/senders/<name>.http: first the requests a program makes before it writes, then its bulk request, whose item
// is there once and sent for each line. {{line}} (or {{document}}) stands for what the program read,
// {{time}} for when (RFC 3339, milliseconds, UTC).
func (p *province) recorded(name, host, authorization string, trust *tls.Config, lines []string) {
	p.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "senders", name+".http"))
	if err != nil {
		p.Fatal(err)
	}
	client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: trust}}
	defer client.CloseIdleConnections()
	for part := range strings.SplitSeq(string(raw), "\n### ") {
		if strings.HasPrefix(part, "#") { // what the file is
			continue
		}
		head, item, _ := strings.Cut(part, "\n\n")
		first, fields, _ := strings.Cut(head, "\n")
		method, path, _ := strings.Cut(first, " ")
		var body bytes.Buffer
		if item != "" {
			for _, line := range lines {
				quoted, err := json.Marshal(line)
				if err != nil {
					p.Fatal(err)
				}
				body.WriteString(strings.NewReplacer("{{line}}", string(quoted[1:len(quoted)-1]), "{{document}}", line, "{{time}}",
					time.Now().UTC().Format("2006-01-02T15:04:05.000Z")).Replace(strings.TrimRight(item, "\n")) + "\n")
			}
		}
		req, err := http.NewRequest(method, "https://"+host+path, nil)
		if err != nil {
			p.Fatal(err)
		}
		for field := range strings.Lines(fields) {
			key, value, _ := strings.Cut(strings.TrimSpace(field), ": ")
			req.Header.Set(key, value)
		}
		if req.Header.Get("Content-Encoding") == "gzip" {
			body = *bytes.NewBuffer(zipped(p.T, body.Bytes()))
		}
		req.Body, req.ContentLength = io.NopCloser(&body), int64(body.Len())
		req.Header.Set("Authorization", authorization)
		res, err := client.Do(req)
		if err != nil {
			p.Fatalf("%s: %s: %v", name, first, err)
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || bytes.Contains(answer, []byte(`"errors":true`)) {
			p.Fatalf("%s: %s: %d %s %v", name, first, res.StatusCode, answer, err)
		}
		if product := res.Header.Get("X-Elastic-Product"); product != "Elasticsearch" {
			p.Errorf("%s: %s: X-Elastic-Product %q: the program would refuse to go on", name, first, product)
		}
	}
}

// zipped is b in gzip.
func zipped(t *testing.T, b []byte) []byte {
	t.Helper()
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return z.Bytes()
}

// TestDocumentedSendersOverKills: the appliance is killed (kill -9) three times while rsyslogd sends as the documents prescribe.
// Where nothing may be lost every message is stored, once. Over plain syslog with TLS messages may be lost that were under way when
// the appliance died, as the documents say; what was written longer before, and after, is there.
func TestDocumentedSendersOverKills(t *testing.T) {
	p := startProvince(t)
	safe := p.declare("máy chủ 02", "bulk")
	bulk, _ := rsyslogd(t, p.omelasticsearch(safe, documentedSender(t, `module(load="omelasticsearch")`)), "omelasticsearch")
	certified := p.declare("tường lửa 02", "syslog")
	secure, _ := rsyslogd(t, p.secure(certified, documentedSender(t, "defaultNetstreamDriverCAFile")), "lmnsd_ossl")

	const n, step = 1500, 500
	written := make([]time.Time, n)
	var died, back []time.Time
	var restart sync.WaitGroup
	pace := time.NewTicker(5 * time.Millisecond) // 200 a second, also while nobody listens
	defer pace.Stop()
	for i := range n {
		<-pace.C
		line := fmt.Sprintf("<14>%s hoso[9]: tin nhắn số %d.", time.Now().Format(time.Stamp), i)
		write(t, bulk, []string{line})
		write(t, secure, []string{line})
		written[i] = time.Now()
		if i%step == step/2 {
			restart.Wait()
			died = append(died, time.Now())
			p.stop(syscall.SIGKILL)
			restart.Go(func() {
				if err := p.tryStart(); err != nil {
					t.Error(err)
				}
				back = append(back, time.Now())
			})
		}
	}
	restart.Wait()
	numbers := func(source string) map[string]int {
		count := map[string]int{}
		p.each("analyst", "hoalu.source.id:"+source, func(e map[string]any) {
			if m := regexp.MustCompile(`số (\d+)\.`).FindStringSubmatch(fmt.Sprint(e["message"])); m != nil {
				count[m[1]]++
			}
		})
		return count
	}
	var stored map[string]int
	until(t, "all messages of the host of which nothing may be lost", 60*time.Second,
		func() bool { stored = numbers(safe); return len(stored) == n })
	for number, times := range stored {
		if times != 1 {
			t.Errorf("message %s is stored %d times", number, times)
		}
	}
	until(t, "the last message over TLS", 30*time.Second, func() bool { return numbers(certified)[fmt.Sprint(n-1)] > 0 })
	stored = numbers(certified)
	lost := 0
	for i := range n {
		if stored[fmt.Sprint(i)] > 0 {
			continue
		}
		lost++
		near := false
		for j := range died {
			near = near || written[i].After(died[j].Add(-time.Second)) && written[i].Before(back[j].Add(time.Second))
		}
		if !near {
			t.Errorf("message %d, written at %s, is lost; the appliance died at %v", i, written[i], died)
		}
	}
	t.Logf("killed three times during %d messages: %d lost over syslog with TLS, none over _bulk", n, lost)
}

// secure puts the reader's own into the block of syslog over TLS, with a certificate of the source.
func (p *province) secure(source, block string) string {
	p.Helper()
	out := filepath.Join(p.TempDir(), "fw-01")
	p.must("source", "certificate", source, "--label", "fw-01", "--out", out, "--data", p.data)
	return put(p.T, block, "10.20.0.5", "127.0.0.1", "6514", p.ports.tls, "hoalu.ninhbinh.local", "localhost",
		"/etc/hoalu/ca.pem", filepath.Join(out, "ca.pem"), "/etc/hoalu/sender.pem", filepath.Join(out, "sender.pem"), "/etc/hoalu/sender.key",
		filepath.Join(out, "sender.key"))
}

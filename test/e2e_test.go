package test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"

	"hoalu/internal/needed"
	"hoalu/test/peers/centre"
)

const (
	webShellRule = "6f7b9c4e-2d1a-4f3b-9a55-0c8e6d2b7f10" // Web Server Process Starts A Shell
	guessingRule = "fdc885df-ef6a-4f99-9109-e4ac8b066beb" // SSH Password Guessing From One Address, a correlation: 8 in 5 minutes
	requestRule  = "f9fd2f75-0dc5-4721-875f-5c359cd04ce2" // Web Shell Request
)

// authority is the appliance's own CA certificate.
func (a *appliance) authority() *x509.CertPool {
	a.Helper()
	text, err := os.ReadFile(filepath.Join(a.data, "keys", "ca.crt"))
	if err != nil {
		a.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		a.Fatal("ca.crt holds no certificate")
	}
	return pool
}

func (a *appliance) dial(network, port string) net.Conn {
	a.Helper()
	c, err := net.Dial(network, "127.0.0.1:"+port)
	if err != nil {
		a.Fatal(err)
	}
	a.Cleanup(func() { c.Close() })
	return c
}

func rfc5424(host, app, text string) string {
	return fmt.Sprintf("<38>1 %s %s %s 4711 - - %s", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), host, app, text)
}

// TestWholeChain is the appliance doing its main job on real input, from the listener to the signed receipt of the centre.
func TestWholeChain(t *testing.T) {
	root := os.Geteuid() == 0
	sensor := "sensor: {packet: true, host: true, interfaces: [any]}\nfiles: {host: false}\n"
	if !root {
		sensor = "sensor: {packet: true, host: true}\nfiles: {host: false}\n"
	}
	a := startAppliance(t, sensor+"posture: {every: 1s}\nnational: {heartbeat: 1s, retry_first: 100ms, retry_most: 500ms}\n", "")
	a.token("administrator")

	t.Run("syslog", a.in(func(a *appliance) { a.syslogChain() }))
	t.Run("rsyslogd", a.in(func(a *appliance) { a.rsyslogChain() }))
	t.Run("official client", a.in(func(a *appliance) { a.clientChain() }))
	t.Run("import", a.in(func(a *appliance) { a.importChain() }))
	t.Run("capture", a.in(func(a *appliance) { a.captureChain() }))
	t.Run("this host", a.in(func(a *appliance) { a.hostChain(root) }))
	t.Run("second sensor", a.in(func(a *appliance) { a.enrolledChain(root) }))
	t.Run("attacks", a.in(func(a *appliance) { a.attackChain() }))
	t.Run("alert", a.in(func(a *appliance) { a.alertChain() }))
	t.Run("national centre", a.in(func(a *appliance) { a.nationalChain() }))
	t.Run("evidence", a.in(func(a *appliance) { a.evidenceChain() }))
	t.Run("citizen numbers", a.in(func(a *appliance) { a.privacyChain() }))
	t.Run("rights", a.in(func(a *appliance) { a.rightsChain() }))
	t.Run("posture", a.in(func(a *appliance) { a.postureChain() }))
	t.Run("ledger", a.in(func(a *appliance) { // the sensors never rest, but each minute balances
		until(a.T, "the ledger to balance", 20*time.Second, func() bool { sum, off := a.ledger(); return sum.Received > 100 && len(off) == 0 })
	}))
	t.Run("restart", a.in(func(a *appliance) {
		before := a.search("analyst", "message:kenh-tls-1").Total
		a.stop(syscall.SIGTERM)
		a.start()
		if after := a.search("analyst", "message:kenh-tls-1").Total; after != before || after != 1 {
			a.Errorf("after a restart %d events are found, %d before", after, before)
		}
	}))
}

// in runs fn on the same appliance as a test of its own.
func (a *appliance) in(fn func(*appliance)) func(*testing.T) {
	return func(t *testing.T) {
		b := *a
		b.T = t
		fn(&b)
		a.cmd, a.done, a.banner = b.cmd, b.done, b.banner
	}
}

func (a *appliance) syslogChain() {
	udp, tcp, octet := a.dial("udp", a.ports.syslog), a.dial("tcp", a.ports.syslog), a.dial("tcp", a.ports.syslog)
	fmt.Fprint(udp, rfc5424("udp-host", "app", "kenh-udp-1 xin chào"))
	fmt.Fprint(udp, "<86>"+time.Now().In(time.FixedZone("", 7*3600)).Format(time.Stamp)+
		" bsd-host sshd[991]: Failed password for invalid user kenhudp2 from 203.0.113.9 port 51022 ssh2")
	fmt.Fprint(tcp, rfc5424("tcp-host", "app", "kenh-newline-1")+"\n"+rfc5424("tcp-host", "app", "kenh-newline-2")+"\n")
	for i := range 2 {
		line := rfc5424("octet-host", "app", fmt.Sprintf("kenh-octet-%d two\nlines", i+1))
		fmt.Fprintf(octet, "%d %s", len(line), line)
	}
	secure, err := tls.Dial("tcp", "localhost:"+a.ports.tls, &tls.Config{RootCAs: a.authority(), ServerName: "localhost"})
	if err != nil {
		a.Fatal(err)
	}
	defer secure.Close()
	line := rfc5424("tls-host", "app", "kenh-tls-1")
	fmt.Fprintf(secure, "%d %s", len(line), line)

	for _, c := range []struct{ query, host, message string }{
		{"message:kenh-udp-1", "udp-host", "kenh-udp-1 xin chào"},
		{"message:kenh-newline-1", "tcp-host", "kenh-newline-1"},
		{"message:kenh-newline-2", "tcp-host", "kenh-newline-2"},
		{"message:kenh-octet-1", "octet-host", "kenh-octet-1 two\nlines"},
		{"message:kenh-octet-2", "octet-host", "kenh-octet-2 two\nlines"},
		{"message:kenh-tls-1", "tls-host", "kenh-tls-1"},
	} {
		e := a.find(c.query, 1)[0]
		if e["host.name"] != c.host || e["message"] != c.message {
			a.Errorf("%s: host.name %v message %q, want %s %q", c.query, e["host.name"], e["message"], c.host, c.message)
		}
	}
	e := a.find("user.name:kenhudp2", 1)[0]
	for field, want := range map[string]any{"host.name": "bsd-host", "process.name": "sshd", "source.ip": "203.0.113.9",
		"event.outcome": "failure"} {
		if e[field] != want {
			a.Errorf("sshd line: %s = %v, want %v; %v", field, e[field], want, e)
		}
	}
}

// rsyslogChain: a real rsyslogd takes lines and forwards them by omfwd (TCP, octet counted) and by omelasticsearch.
func (a *appliance) rsyslogChain() {
	bin, err := exec.LookPath("rsyslogd")
	if err != nil {
		bin = "/usr/sbin/rsyslogd"
	}
	if _, err := os.Stat(bin); err != nil {
		needed.Missing(a.T, "rsyslogd is not installed; run test/peers/install.sh")
	}
	dir, in := a.TempDir(), freePort(a.T)
	conf := filepath.Join(dir, "rsyslog.conf")
	text := fmt.Sprintf(`global(workDirectory="%[1]s" parser.escapeControlCharactersOnReceive="off")
module(load="imptcp")
module(load="omelasticsearch")
input(type="imptcp" port="%[2]s" address="127.0.0.1")
template(name="ecs" type="list" option.jsonf="on") {
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host.name" name="hostname" format="jsonf")
  property(outname="log.syslog.appname" name="app-name" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}
if $msg contains 'omfwd' then action(type="omfwd" target="127.0.0.1" port="%[3]s" protocol="tcp" tcp_framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format")
if $msg contains 'omelastic' then action(type="omelasticsearch" server="127.0.0.1" serverport="%[4]s" template="ecs" bulkmode="on" searchIndex="logs-rsyslog" searchType="" queue.type="LinkedList" action.resumeRetryCount="-1")
`, dir, in, a.ports.syslog, a.ports.bulk)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		a.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(bin, "-n", "-f", conf, "-i", filepath.Join(dir, "pid"))
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		a.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
		if a.Failed() {
			a.Logf("rsyslogd: %s", said.String())
		}
	}()
	var c net.Conn
	until(a.T, "rsyslogd to listen", 10*time.Second, func() bool { c, err = net.Dial("tcp", "127.0.0.1:"+in); return err == nil })
	defer c.Close()
	for i := range 3 {
		fmt.Fprint(c, rfc5424("rsys-host", "relay", fmt.Sprintf("quaomfwd%d", i))+"\n",
			rfc5424("rsys-host", "relay", fmt.Sprintf("quaomelastic%d", i))+"\n")
	}
	for i := range 3 {
		for _, q := range []string{fmt.Sprintf("message:quaomfwd%d", i), fmt.Sprintf("message:quaomelastic%d", i)} {
			if e := a.find(q, 1)[0]; e["host.name"] != "rsys-host" {
				a.Errorf("%s: host.name = %v; %v", q, e["host.name"], e)
			}
		}
	}
}

// clientChain: the official Go client's bulk indexer.
func (a *appliance) clientChain() {
	es, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{"http://127.0.0.1:" + a.ports.bulk}})
	if err != nil {
		a.Fatal(err)
	}
	bi, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: es, Index: "logs-test", NumWorkers: 1})
	if err != nil {
		a.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var docs []string
	for i := range 25 {
		doc := fmt.Sprintf(`{"@timestamp":"%s","message":"khachchinhthuc so %d","host":{"name":"go-client"},"labels":{"so":"%d"}}`,
			time.Now().UTC().Format(time.RFC3339Nano), i, i)
		docs = append(docs, doc)
		item := esutil.BulkIndexerItem{Action: "create", DocumentID: fmt.Sprintf("client-%d", i), Body: strings.NewReader(doc)}
		item.OnFailure = func(_ context.Context, _ esutil.BulkIndexerItem, r esutil.BulkIndexerResponseItem, err error) {
			a.Errorf("item failed: %+v %v", r, err)
		}
		if err := bi.Add(ctx, item); err != nil {
			a.Fatal(err)
		}
	}
	if err := bi.Close(ctx); err != nil {
		a.Fatal(err)
	}
	if s := bi.Stats(); s.NumFailed != 0 || s.NumCreated+s.NumIndexed != 25 {
		a.Fatalf("bulk indexer: %+v", s)
	}
	a.find("message:khachchinhthuc", 25)
	// The same document under its id again is a duplicate: counted, stored once. Another one under that id is an event of its own.
	earlier, _ := a.ledger()
	before := earlier.Duplicate
	for _, doc := range []string{docs[3], `{"message":"khachchinhthuc so 3, sửa lại"}`} {
		if status, items, err := a.bulk([]byte(`{"create":{"_index":"logs-test","_id":"client-3"}}` + "\n" + doc + "\n")); err != nil ||
			status != 200 || len(items) != 1 {
			a.Fatalf("send again: %d %v %v", status, items, err)
		}
	}
	a.find("message:khachchinhthuc", 26)
	until(a.T, "the duplicate to be counted", 10*time.Second, func() bool { s, _ := a.ledger(); return s.Duplicate == before+1 })
	a.find("message:khachchinhthuc", 26)
}

func (a *appliance) importChain() {
	path := filepath.Join(a.TempDir(), "access.log.gz")
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for i := range 40 {
		fmt.Fprintf(z, "198.51.100.%d - - [%s] \"GET /nhapkhau?i=%d HTTP/1.1\" 200 612 \"-\" \"Mozilla/5.0\"\n", i,
			time.Now().Add(-time.Hour).Format("02/Jan/2006:15:04:05 -0700"), i)
	}
	if err := z.Close(); err != nil {
		a.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		a.Fatal(err)
	}
	out := a.must("import", "--data", a.data, "--source", "web cu", "--dataset", "nginx.access", path)
	if !strings.HasPrefix(out, "40 messages taken in, 0 rejected") {
		a.Errorf("import says %q", out)
	}
	e := a.find("url.path:/nhapkhau", 40)[0]
	if e["http.request.method"] != "GET" || e["event.dataset"] != "nginx.access" {
		a.Errorf("imported event: %v", e)
	}
	a.find("source.ip:198.51.100.0/28 and url.path:/nhapkhau", 16)
}

// captureChain: a capture through hoalu sensor packet, its records imported.
func (a *appliance) captureChain() {
	capture := testdata(a.T, "packets", "pcaps", "00c4fbc8f7a6-pim.pcap")
	entries, err := filepath.Glob(filepath.Join(filepath.Dir(capture), "*dns*.pcap"))
	if err != nil || len(entries) == 0 {
		a.Fatalf("no DNS capture among the data: %v", err)
	}
	out := filepath.Join(a.TempDir(), "records.ndjson")
	a.must("sensor", "packet", "--read", entries[0], "--out", out)
	raw, err := os.ReadFile(out)
	if err != nil {
		a.Fatal(err)
	}
	var names []string
	n := 0
	for line := range bytes.Lines(raw) {
		var r map[string]any
		if err := json.Unmarshal(line, &r); err != nil {
			a.Fatalf("record %s: %v", line, err)
		}
		if id, ok := r["network.community_id"].(string); ok && strings.HasPrefix(id, "1:") {
			n++
		}
		if name, ok := r["dns.question.name"].(string); ok {
			names = append(names, name)
		}
	}
	if n == 0 || len(names) == 0 {
		a.Fatalf("%s: %d records with a community id, %d DNS names", entries[0], n, len(names))
	}
	again := filepath.Join(a.TempDir(), "again.ndjson")
	a.must("sensor", "packet", "--read", entries[0], "--out", again)
	if second, err := os.ReadFile(again); err != nil || !bytes.Equal(raw, second) {
		a.Errorf("the same capture gives other records: %v", err)
	}
	a.must("import", "--data", a.data, "--source", "capture", out)
	var got eventsFound
	until(a.T, "the DNS records of the capture", 15*time.Second, func() bool {
		a.get("analyst", "/api/events?limit=10&from=1000000000000&query="+"dns.question.name:%22"+names[0]+"%22", &got)
		return got.Total > 0
	})
}

// hostChain: a process that starts and a packet on the loopback become events within seconds; where that is not allowed, the console
// says why and how to allow it.
func (a *appliance) hostChain(root bool) {
	var sensors struct {
		Items []struct {
			ID     string
			State  string
			Probes []struct {
				Name, State   string
				Reason, Allow map[string]string // by language
			}
		}
	}
	running := map[string]bool{}
	until(a.T, "the state of the own sensor's probes", 10*time.Second, func() bool {
		a.get("administrator", "/api/sensors", &sensors)
		return len(sensors.Items) == 1 && len(sensors.Items[0].Probes) == 3
	})
	for _, p := range sensors.Items[0].Probes {
		running[p.Name] = p.State == "running"
		if p.State != "running" && (p.Reason["vi"] == "" || p.Reason["vi"] == p.Reason["en"] || p.Allow["vi"] == "") {
			a.Errorf("probe %s is %s and does not say why (%q) and how to allow it (%q)", p.Name, p.State, p.Reason, p.Allow)
		}
		if root && p.State != "running" {
			a.Logf("as root the probe %s is %s: %s %s", p.Name, p.State, p.Reason, p.Allow)
		}
	}
	if want := map[bool]string{true: "running", false: "refused"}[running["process"] || running["packet"] ||
		running["socket"]]; sensors.Items[0].State != want {
		a.Errorf("the own sensor is %q, want %q", sensors.Items[0].State, want)
	}
	name := fmt.Sprintf("hltest%d", time.Now().UnixNano()%1e6)
	if running["process"] {
		dir := a.TempDir()
		copyFile(a.T, "/bin/true", filepath.Join(dir, name))
		began := time.Now()
		if err := exec.Command(filepath.Join(dir, name), "doi-so-mot").Run(); err != nil {
			a.Fatal(err)
		}
		query := "process.name:" + name + " and event.type:start"
		until(a.T, "the process start", 10*time.Second, func() bool { return a.search("analyst", query).Total == 1 })
		a.Logf("process start searchable after %s", time.Since(began).Round(time.Millisecond))
		e := a.search("analyst", query).Events[0]
		if e["process.executable"] != filepath.Join(dir, name) || !strings.Contains(fmt.Sprint(e["process.command_line"]), "doi-so-mot") ||
			e["hoalu.system.id"] != "HT-001" {
			a.Errorf("process event: %v", e)
		}
		// A shell started by a web server's name: the first sign of a web shell.
		copyFile(a.T, "/bin/bash", filepath.Join(dir, "nginx"))
		if out, err := exec.Command(filepath.Join(dir, "nginx"), "-c", "/bin/sh -c 'true; true'; true").CombinedOutput(); err != nil {
			a.Fatalf("%v %s", err, out)
		}
		until(a.T, "the alert of the shell", 10*time.Second, func() bool { return len(a.alerts("analyst", "rule="+webShellRule)) > 0 })
		al := a.alert("analyst", a.alerts("analyst", "rule="+webShellRule)[0].Number)
		if al.System.ID != "HT-001" || len(al.Events) == 0 {
			a.Errorf("alert of a process on this host: %+v", al)
		}
	}
	if running["packet"] {
		began := time.Now()
		a.askDNS(name + ".test")
		until(a.T, "the DNS question on the loopback", 15*time.Second,
			func() bool { return a.search("analyst", "dns.question.name:"+name+".test").Total > 0 })
		a.Logf("DNS question searchable after %s", time.Since(began).Round(time.Millisecond))
		// The appliance does not watch its own console: a search would find its own request, and the next one the record of that.
		// (That another process of this host connected there is that process's doing, and is kept.)
		if found := a.search("analyst", "(destination.port:"+a.ports.console+" or source.port:"+a.ports.console+
			") and not event.dataset:hoalu.socket"); found.Total != 0 {
			a.Errorf("%d events are of the appliance's own console: %v", found.Total, found.Events[0])
		}
	}
}

// askDNS asks a name server of our own on the loopback, so that a real question and its answer pass the sensor.
func (a *appliance) askDNS(name string) {
	a.Helper()
	var server net.PacketConn
	var err error
	for i := 1; i < 10 && server == nil; i++ { // an address of the loopback whose port 53 is free
		server, err = net.ListenPacket("udp", fmt.Sprintf("127.0.%d.53:53", i))
	}
	if err != nil {
		a.Fatal(err)
	}
	defer server.Close()
	go func() {
		buf := make([]byte, 512)
		n, peer, err := server.ReadFrom(buf)
		if err != nil {
			return
		}
		buf[2], buf[3] = 0x81, 0x83 // a response: no such name
		server.WriteTo(buf[:n], peer)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	r.LookupNetIP(ctx, "ip4", name+".") // it has no answer: what counts is that it was asked
}

// enrolledChain: a sensor of its own process is invited, enrols, and its records come in over mutual TLS.
func (a *appliance) enrolledChain(root bool) {
	if !root {
		needed.Missing(a.T, "a host sensor needs root")
	}
	token := strings.TrimSpace(a.must("sensor", "invite", "--data", a.data, "--system", "HT-001"))
	dir := filepath.Join(a.TempDir(), "identity")
	server := "https://localhost:" + a.ports.sensors
	a.must("sensor", "enroll", "--server", server, "--token", token, "--identity", dir)
	if _, errs, code := a.run("sensor", "enroll", "--server", server, "--token", token, "--identity", dir+"2"); code != 1 || errs == "" {
		a.Errorf("a token used twice: exit %d %s", code, errs)
	}
	cmd := exec.Command(hoalu(a.T), "sensor", "run", "--identity", dir, "--no-packet")
	cmd.Env = append(os.Environ(), "HOME="+a.home)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		a.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var items []map[string]any
	until(a.T, "the records of the second sensor", 20*time.Second, func() bool {
		exec.Command("/bin/true").Run()
		var page struct{ Items []map[string]any }
		a.get("administrator", "/api/sources?kind=sensor", &page)
		items = nil
		for _, s := range page.Items {
			if n, _ := s["total"].(float64); n > 0 {
				items = append(items, s)
			}
		}
		return len(items) == 2
	})
	cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		if err != nil {
			a.Errorf("sensor run: %v\n%s", err, said.String())
		}
	case <-time.After(10 * time.Second):
		cmd.Process.Kill()
		a.Errorf("sensor run does not end\n%s", said.String())
	}
}

// attackChain: lines as sshd and nginx write them raise the alerts of the product's own rules.
func (a *appliance) attackChain() {
	c := a.dial("tcp", a.ports.syslog)
	for i := range 9 {
		fmt.Fprint(c,
			rfc5424("cong-ssh", "sshd", fmt.Sprintf("Failed password for invalid user admin%d from 203.0.113.77 port %d ssh2", i, 40000+i))+"\n")
	}
	fmt.Fprint(c,
		rfc5424("cong-web", "nginx", fmt.Sprintf(`203.0.113.78 - - [%s] "GET /uploads/c99.php?cmd=id HTTP/1.1" 200 512 "-" "curl/8.0"`,
			time.Now().Format("02/Jan/2006:15:04:05 -0700")))+"\n")
	for rule, address := range map[string]string{guessingRule: "203.0.113.77", requestRule: "203.0.113.78"} {
		var list []alert
		until(a.T, "the alert of "+address, 10*time.Second,
			func() bool { list = a.alerts("analyst", "rule="+rule+"&address="+address); return len(list) == 1 })
		al := a.alert("analyst", list[0].Number)
		if len(al.Trace) == 0 || len(al.Runbook["vi"]) != 3 || len(al.Events) == 0 {
			a.Errorf("alert %s of %s: trace %v, run-book %v, %d events", al.Number, address, al.Trace, al.Runbook, len(al.Events))
		}
		if rule == guessingRule && al.Count < 8 {
			a.Errorf("guessing counts %d hits, want at least 8", al.Count)
		}
	}
}

// TestWithoutRights: an account that may neither capture packets nor load probes runs everything else, and the console says why and how
// to allow it.
func TestWithoutRights(t *testing.T) {
	a := newAppliance(t, "sensor: {packet: true, host: true}\nfiles: {host: false}\n", "")
	if os.Geteuid() == 0 {
		dir, err := os.MkdirTemp("", "hoalu-nobody-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		a.data, a.home = filepath.Join(dir, "data"), filepath.Join(dir, "home")
		config, err := os.ReadFile(a.config)
		if err != nil {
			t.Fatal(err)
		}
		a.config = filepath.Join(a.home, "hoalu.yml")
		for _, d := range []string{a.data, a.home} {
			if err := os.Mkdir(d, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(a.config, config, 0o644); err != nil {
			t.Fatal(err)
		}
		hoalu(t)
		if err := os.Chmod(build.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		const nobody = 65534
		for _, p := range []string{dir, a.data, a.home, a.config} {
			if err := os.Chown(p, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
		a.as = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	a.start()
	var sensors struct {
		Items []struct {
			State  string
			Probes []struct {
				Name, State   string
				Reason, Allow map[string]string // by language
			}
		}
	}
	until(t, "the probes to be refused", 10*time.Second, func() bool {
		a.get("administrator", "/api/sensors", &sensors)
		if len(sensors.Items) != 1 || len(sensors.Items[0].Probes) < 3 {
			return false
		}
		for _, p := range sensors.Items[0].Probes {
			if p.State == "unknown" {
				return false
			}
		}
		return true
	})
	for _, p := range sensors.Items[0].Probes {
		if p.State != "refused" || p.Reason["vi"] == "" || p.Reason["vi"] == p.Reason["en"] || p.Allow["vi"] == "" {
			t.Errorf("probe %s without rights: %+v", p.Name, p)
		}
	}
	if s := sensors.Items[0].State; s != "refused" {
		t.Errorf("the own sensor is %q, want refused", s)
	}
	c := a.dial("tcp", a.ports.syslog)
	fmt.Fprint(c, rfc5424("khong-quyen", "app", "van chay")+"\n")
	a.find("host.name:khong-quyen", 1)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	raw, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, raw, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// shell is a document of a web server that starts a shell on a host.
func shell(host, tag string) string {
	return fmt.Sprintf(`{"@timestamp":"%s","host":{"name":%q},"event":{"category":["process"],"type":["start"]},"process":{"executable":"/bin/sh","name":"sh","command_line":"sh -c %s","parent":{"executable":"/usr/sbin/nginx","name":"nginx"}},"user":{"name":"www-data"},"sigma":{"logsource":{"product":"linux","category":["process_creation"]}},"labels":{"tag":%q}}`,
		time.Now().UTC().Format(time.RFC3339Nano), host, tag, tag)
}

// trustBulk lets the sender on the loopback say what its documents are.
func (a *appliance) trustBulk() {
	a.Helper()
	src := a.source("kind=bulk")
	a.do("administrator", "PUT", "/api/sources/"+src["id"].(string),
		map[string]any{"name": "may chu web", "kind": "bulk", "address": "127.0.0.1", "trust_logsource": true, "version": src["version"]}, nil)
}

func (a *appliance) source(params string) map[string]any {
	a.Helper()
	var page struct{ Items []map[string]any }
	a.get("administrator", "/api/sources?"+params, &page)
	if len(page.Items) != 1 {
		a.Fatalf("sources %s: %v", params, page.Items)
	}
	return page.Items[0]
}

func (a *appliance) alertChain() {
	if status, items, err := a.bulk([]byte("{\"create\":{}}\n" + shell("web-untrusted", "khongtin") + "\n")); err != nil || status != 200 ||
		items[0] != 201 {
		a.Fatalf("_bulk: %d %v %v", status, items, err)
	}
	a.find("host.name:web-untrusted", 1)
	a.trustBulk()
	var docs strings.Builder
	for i := range 3 {
		docs.WriteString("{\"create\":{}}\n" + shell("web-01", fmt.Sprintf("lan%d", i)) + "\n")
	}
	if status, items, err := a.bulk([]byte(docs.String())); err != nil || status != 200 || len(items) != 3 {
		a.Fatalf("_bulk: %d %v %v", status, items, err)
	}
	var list []alert
	until(a.T, "the alert of web-01 with its three hits", 10*time.Second, func() bool {
		list = a.alerts("analyst", "host=web-01")
		return len(list) == 1 && list[0].Count == 3
	})
	al := a.alert("analyst", list[0].Number)
	matched := map[string]string{}
	for _, c := range al.Trace {
		if c.Matched {
			matched[c.Field] = c.Got
		}
	}
	if matched["ParentImage"] != "/usr/sbin/nginx" || matched["Image"] != "/bin/sh" {
		a.Errorf("trace does not say why: %+v", al.Trace)
	}
	if len(al.Runbook["vi"]) != 3 || len(al.Runbook["en"]) != 3 || al.Title["vi"] == "" || al.Title["en"] == "" || al.Why["vi"] == "" {
		a.Errorf("run-book, title or reason is missing: %v %v %v", al.Runbook, al.Title, al.Why)
	}
	if len(al.Events) != 3 || len(al.EventIDs) != 3 || al.Severity != "high" || al.User != "www-data" || al.State != "new" ||
		!strings.HasPrefix(al.Number, "CB-") {
		a.Errorf("alert: %+v", al)
	}
	if other := a.alert("analyst", al.ID); other.Number != al.Number {
		a.Errorf("by id: %s, by number: %s", other.Number, al.Number)
	}
	if untrusted := a.alerts("analyst", "host=web-untrusted"); len(untrusted) != 0 {
		a.Errorf("a sender that is not trusted chose the log source of its events: %+v", untrusted)
	}
	act := func(action string, more map[string]any) {
		a.Helper()
		body := map[string]any{"action": action, "alerts": []map[string]any{{"id": al.Number}}}
		for k, v := range more {
			body[k] = v
		}
		var done struct{ Done, Conflicts, Missing, Refused []json.RawMessage }
		a.do("analyst", "POST", "/api/alerts/actions", body, &done)
		if len(done.Done) != 1 {
			a.Fatalf("%s: %+v", action, done)
		}
	}
	act("acknowledge", nil)
	act("note", map[string]any{"note": "đã gọi đơn vị vận hành"})
	act("close", map[string]any{"reason": "authorised", "note": "bảo trì"})
	act("reopen", map[string]any{"note": "xem lại"})
	al = a.alert("analyst", al.Number)
	var actions []string
	for _, h := range al.History {
		actions = append(actions, h.Action)
	}
	for _, want := range []string{"created", "acknowledged", "note", "closed", "reopened"} {
		if !strings.Contains(" "+strings.Join(actions, " ")+" ", " "+want+" ") {
			a.Errorf("history %v lacks %s", actions, want)
		}
	}
}

func (a *appliance) nationalChain() {
	var sum struct{ Endpoint, State string }
	a.get("liaison", "/api/national", &sum)
	if sum.Endpoint != "" || sum.State != "unset" {
		a.Fatalf("before an endpoint is set: %+v", sum)
	}
	c, err := centre.Start("127.0.0.1:0", a.authority())
	if err != nil {
		a.Fatal(err)
	}
	defer c.Close()
	point := map[string]any{"url": c.URL, "channel": "json", "authorities": c.ServerCA, "receipt_key": c.ReceiptKey,
		"organisation": "000.00.35.H42", "reason": "đấu nối", "version": 0}
	if status, raw := a.call("analyst", "PUT", "/api/national/endpoint", point); status != 403 {
		a.Errorf("an analyst sets the endpoint: %d %s", status, raw)
	}
	a.do("administrator", "PUT", "/api/national/endpoint", point, nil)
	number := a.alerts("analyst", "host=web-01")[0].Number
	var al alert
	until(a.T, "the receipt of the alert's report", 15*time.Second, func() bool {
		al = a.alert("liaison", number)
		return len(al.Deliveries) > 0 && al.Deliveries[0].State == "accepted" && al.Deliveries[0].Receipt != nil
	})
	if !al.Deliveries[0].Receipt.Verified {
		a.Errorf("receipt is not verified: %+v", al.Deliveries[0])
	}
	found := false
	for _, h := range c.Held() {
		found = found || bytes.Contains(h.Body, []byte(number))
		if bytes.Contains(h.Body, []byte("www-data")) || bytes.Contains(h.Body, []byte("sh -c")) {
			a.Errorf("report %s carries an account or a command line, which the centre does not need: %s", h.ID, h.Body)
		}
	}
	if !found {
		a.Errorf("the centre does not hold a report of %s", number)
	}
	until(a.T, "a heartbeat", 10*time.Second, func() bool { return c.Heartbeats() > 0 })
	var test struct {
		OK   bool
		Text string
	}
	a.do("administrator", "POST", "/api/national/test", nil, &test)
	if !test.OK {
		a.Errorf("test packet: %+v", test)
	}
	// The centre is away, an alert is made: it waits, and arrives when the centre is back.
	c.SetFault(centre.Away)
	a.bulk([]byte("{\"create\":{}}\n" + shell("web-02", "vang") + "\n"))
	until(a.T, "the alert of web-02", 10*time.Second, func() bool { return len(a.alerts("analyst", "host=web-02")) == 1 })
	number = a.alerts("analyst", "host=web-02")[0].Number
	until(a.T, "a failed delivery", 10*time.Second, func() bool {
		var page struct {
			Items []struct {
				Subject string
				Tries   int
			}
		}
		a.get("liaison", "/api/national/outbox?state=waiting", &page)
		for _, r := range page.Items {
			if r.Tries > 0 {
				return true
			}
		}
		return false
	})
	c.SetFault(centre.None)
	until(a.T, "the late receipt", 15*time.Second, func() bool {
		al = a.alert("liaison", number)
		return len(al.Deliveries) > 0 && al.Deliveries[0].State == "accepted"
	})
	var day struct {
		State          string
		Made, Accepted int
		Differ         []string
	}
	a.do("lead", "POST", "/api/national/reconcile", map[string]any{}, &day)
	if day.State != "balanced" || day.Made == 0 || day.Made != day.Accepted {
		a.Errorf("reconciliation: %+v", day)
	}
}

// evidenceChain: a pack verifies off line; a flipped byte is found and named.
func (a *appliance) evidenceChain() {
	system := a.alerts("analyst", "host=web-01")[0].System.ID
	if system == "" || system == "_unassigned" {
		system = "HT-001"
	}
	path := filepath.Join(a.TempDir(), "pack.tar")
	a.must("evidence", "export", "--data", a.data, "--system", system, "--reason", "kiểm tra", "--out", path)
	home := a.TempDir()
	if out, errs, code := runHoalu(a.T, home, nil, "evidence", "verify", path); code != 0 || !strings.HasPrefix(out, "GOOD") {
		a.Fatalf("verify: exit %d\n%s%s", code, out, errs)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		a.Fatal(err)
	}
	for _, at := range []int{len(raw) / 4, len(raw) / 2, len(raw) * 3 / 4} {
		bad := bytes.Clone(raw)
		bad[at] ^= 1
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			a.Fatal(err)
		}
		out, _, code := runHoalu(a.T, home, nil, "evidence", "verify", path)
		if code != 1 || !strings.Contains(out, "ALTERED") {
			a.Errorf("byte %d of %d flipped: exit %d\n%s", at, len(raw), code, out)
		}
	}
}

// privacyChain: a citizen's number in a log line is in plain text nowhere, and is found by whoever may.
func (a *appliance) privacyChain() {
	const number, phone, argument = "037090123457", "0912345678", "036201004321"
	exec.Command("/bin/true", "--cccd="+argument).Run() // where the host sensor runs, it sees this
	c := a.dial("tcp", a.ports.syslog)
	fmt.Fprint(c, rfc5424("dvc-01", "dichvucong", "tra cuu CCCD "+number+" dien thoai "+phone+" thanhcong")+"\n")
	e := a.find("host.name:dvc-01", 1)[0]
	body, _ := json.Marshal(e)
	if bytes.Contains(body, []byte(number)) || bytes.Contains(body, []byte(phone)) || !bytes.Contains(body, []byte("tk:")) {
		a.Errorf("event holds the number or no token: %s", body)
	}
	a.bulk([]byte("{\"create\":{}}\n" + shell("web-cccd", "cccd="+number) + "\n"))
	until(a.T, "the alert with a number in its command line", 10*time.Second,
		func() bool { return len(a.alerts("analyst", "host=web-cccd")) == 1 })
	_, raw := a.call("analyst", "GET", "/api/alerts/"+a.alerts("analyst", "host=web-cccd")[0].Number, nil)
	if bytes.Contains(raw, []byte(number)) {
		a.Errorf("alert holds the number: %s", raw)
	}

	if status, raw := a.call("analyst", "GET", "/api/events?query="+number, nil); status != 422 || !bytes.Contains(raw, []byte("use_post")) {
		a.Errorf("number in a URL: %d %s", status, raw)
	}
	var sq struct {
		SQ, Query   string
		Identifiers []string
	}
	a.do("analyst", "POST", "/api/searches", map[string]any{"query": number}, &sq)
	if strings.Contains(sq.Query, number) || len(sq.Identifiers) != 1 {
		a.Errorf("stored search: %+v", sq)
	}
	var got eventsFound
	a.get("analyst", "/api/events?sq="+sq.SQ, &got)
	if got.Total != 2 {
		a.Errorf("search by the number finds %d events, want 2", got.Total)
	}
	var audit struct{ Items []struct{ Action string } }
	a.get("auditor", "/api/audit?action=search.identifier", &audit)
	if len(audit.Items) == 0 {
		a.Error("the search by a citizen's number is not in the audit log")
	}

	a.stop(syscall.SIGTERM) // everything in memory is on disk now
	defer a.start()
	err := filepath.WalkDir(a.data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && (d.Name() == "queue" || d.Name() == "quarantine") && filepath.Dir(path) == a.data {
				return filepath.SkipDir // the raw bytes, until every reader is past them (decision 11)
			}
			return err
		}
		if !d.Type().IsRegular() {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, s := range []string{number, phone, argument} {
			if bytes.Contains(raw, []byte(s)) {
				a.Errorf("%s holds %s in plain text", path, s)
			}
		}
		return nil
	})
	if err != nil {
		a.Fatal(err)
	}
}

// rightsChain: an owner sees own systems only, an administrator reads no events, and what is out of scope looks like what does not exist.
func (a *appliance) rightsChain() {
	made := map[string][2]string{} // host → unit, system
	for _, name := range []string{"so-a", "so-b"} {
		var unit, system struct{ ID string }
		a.do("administrator", "POST", "/api/units", map[string]any{"name": "Sở " + name, "kind": "department"}, &unit)
		a.do("administrator", "POST", "/api/systems",
			map[string]any{"name": "Hệ thống " + name, "unit": unit.ID, "level": 3, "placement": "data_centre"}, &system)
		a.do("administrator", "POST", "/api/sources",
			map[string]any{"name": "Máy chủ " + name, "kind": "syslog", "system": system.ID, "host": name, "layers": []string{"endpoint"}}, nil)
		made[name] = [2]string{unit.ID, system.ID}
	}
	c := a.dial("tcp", a.ports.syslog)
	for name := range made {
		fmt.Fprint(c, rfc5424(name, "app", "riengcua "+name)+"\n")
	}
	for name, ids := range made {
		if e := a.find("message:riengcua and host.name:"+name, 1)[0]; e["hoalu.system.id"] != ids[1] {
			a.Errorf("event of %s is of system %v, want %s", name, e["hoalu.system.id"], ids[1])
		}
	}
	owner := "owner/" + made["so-a"][0]
	var systems struct{ Items []struct{ ID string } }
	a.get(owner, "/api/systems", &systems)
	if len(systems.Items) != 1 || systems.Items[0].ID != made["so-a"][1] {
		a.Errorf("owner sees the systems %v, want only %s", systems.Items, made["so-a"][1])
	}
	if got := a.search(owner, "message:riengcua"); got.Total != 1 || got.Events[0]["host.name"] != "so-a" {
		a.Errorf("owner finds %v", got.Events)
	}
	if got := a.search(owner, ""); got.Total != 1 {
		a.Errorf("owner sees %d events, want 1", got.Total)
	}
	if status, raw := a.call("administrator", "GET", "/api/events", nil); status != 403 {
		a.Errorf("an administrator reads events: %d %s", status, raw)
	}
	if status, raw := a.call("administrator", "GET", "/api/alerts", nil); status != 403 {
		a.Errorf("an administrator reads alerts: %d %s", status, raw)
	}
	al := a.alerts("analyst", "host=web-01")[0]
	event := a.search("analyst", "message:riengcua and host.name:so-b").Events[0]["event.id"].(string)
	for _, c := range []struct{ there, absent string }{
		{"/api/alerts/" + al.Number, "/api/alerts/CB-2026-999999"},
		{"/api/alerts/" + al.ID, "/api/alerts/abcdefghijklmnopqrstuvwxyz"},
		{"/api/systems/" + made["so-b"][1], "/api/systems/HT-999"},
		{"/api/systems/" + made["so-b"][1] + "/posture", "/api/systems/HT-999/posture"},
		{"/api/events/" + event, "/api/events/" + strings.Repeat("q", len(event))},
	} {
		s1, b1 := a.call(owner, "GET", c.there, nil)
		s2, b2 := a.call(owner, "GET", c.absent, nil)
		last := func(p string) string { return strings.Split(p, "/")[3] }
		same := strings.ReplaceAll(string(b1), last(c.there), "X") == strings.ReplaceAll(string(b2), last(c.absent), "X")
		if s1 != 404 || s2 != 404 || !same {
			a.Errorf("out of scope %s: %d %s\nabsent %s: %d %s", c.there, s1, b1, c.absent, s2, b2)
		}
	}
	if status, _ := a.call("owner/"+made["so-b"][0], "GET", "/api/alerts/"+al.Number, nil); status != 404 {
		a.Errorf("another owner: %d, want 404", status)
	}
}

// postureChain: cells of a system are met while its source sends, and unknown soon after it stops.
func (a *appliance) postureChain() {
	var unit, system, source struct{ ID string }
	a.do("administrator", "POST", "/api/units", map[string]any{"name": "Sở Tư thế", "kind": "department"}, &unit)
	a.do("administrator", "POST", "/api/systems",
		map[string]any{"name": "Cổng tư thế", "unit": unit.ID, "level": 3, "placement": "data_centre"}, &system)
	a.do("administrator", "POST", "/api/sources",
		map[string]any{"name": "Máy chủ tư thế", "kind": "syslog", "system": system.ID, "host": "tu-the", "layers": []string{"endpoint"},
			"expect_every_ms": 3000}, &source)
	type finding struct {
		Control, State string
		LastKnown      string                  `json:"last_known"`
		Because        []struct{ Code string } `json:"because"`
	}
	cells := func() map[string]finding {
		var p struct{ Findings, Technical []finding }
		a.get("auditor", "/api/systems/"+system.ID+"/posture", &p)
		out := map[string]finding{}
		for _, f := range p.Findings {
			out[f.Control] = f
		}
		return out
	}
	watched := []string{"L3-OPS-MON-02", "L3-SRV-LOG-04"}
	all := func(state string) func() bool {
		return func() bool {
			now := cells()
			for _, c := range watched {
				if now[c].State != state {
					return false
				}
			}
			return true
		}
	}
	c := a.dial("tcp", a.ports.syslog)
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				fmt.Fprint(c, rfc5424("tu-the", "app", "con song")+"\n")
			}
		}
	}()
	until(a.T, "the controls to be met while the source sends", 20*time.Second, all("met"))
	close(stop)
	<-stopped
	began := time.Now()
	until(a.T, "the controls to be unknown after the source stopped", 30*time.Second, all("unknown"))
	a.Logf("unknown %s after the last event", time.Since(began).Round(time.Millisecond))
	for _, id := range watched {
		if f := cells()[id]; f.LastKnown != "met" || len(f.Because) == 0 {
			a.Errorf("%s: last known %q because %v", id, f.LastKnown, f.Because)
		}
	}
}

// TestQuietStartAndStop: a first start and Ctrl-C, with which nothing is wrong, print where the console is and log nothing.
func TestQuietStartAndStop(t *testing.T) {
	extra := "files: {host: false}\n"
	if os.Geteuid() != 0 { // probes that may not run are worth a warning
		extra += "sensor: {packet: false, host: false}\n"
	}
	a := startAppliance(t, extra, "")
	if os.Geteuid() == 0 {
		until(t, "what the own sensor sends", 20*time.Second, func() bool { sum, _ := a.ledger(); return sum.Received > 0 })
	}
	a.stop(syscall.SIGINT)
	logged := func() string {
		raw, err := os.ReadFile(a.log)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if said := logged(); said != "" {
		t.Errorf("a clean start and stop says %s", said)
	}
	a.start() // at once; and what is worth a line does reach this log
	if err := a.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "the reload in the log", 10*time.Second, func() bool { return strings.Contains(logged(), `msg="rules loaded"`) })
}

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	queuelocal "hoalu/collector/queue/local"
	"hoalu/collector/source/listen"
	"hoalu/collector/store/local"
	"hoalu/detections"
	"hoalu/ecs"
	"hoalu/ecs/query"
	"hoalu/ecs/wire"
	"hoalu/internal/config"
	"hoalu/internal/control"
	"hoalu/internal/needed"
	"hoalu/inventory"
	"hoalu/soc"
	"hoalu/triage"
)

func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "hoalu-app-test")
	if err != nil {
		panic(err)
	}
	os.Setenv("XDG_CONFIG_HOME", home) // where the master key is made
	code := m.Run()
	os.RemoveAll(home)
	os.Exit(code)
}

// testConfig has every listener on a free port, and neither sensors nor files of this host.
func testConfig() config.Config {
	c := config.Default()
	c.Listen = config.Listen{Console: "127.0.0.1:0", SyslogUDP: "127.0.0.1:0", SyslogTCP: "127.0.0.1:0", SyslogTLS: "127.0.0.1:0",
		Bulk: "127.0.0.1:0", Sensors: "127.0.0.1:0"}
	c.Sensor, c.Files = config.Sensor{}, config.Files{}
	c.Queue.Reserve = 1 << 20
	c.Posture.Every = time.Second
	return c
}

// rig is a data directory and the appliance on it.
type rig struct {
	*testing.T
	*App
	dir  string
	cfg  config.Config
	stop context.CancelFunc
	done chan error
	now  func() time.Time // of Options
}

func newRig(t *testing.T, change ...func(*config.Config)) *rig {
	t.Helper()
	r := &rig{T: t, dir: t.TempDir(), cfg: testConfig()}
	for _, c := range change {
		c(&r.cfg)
	}
	r.start()
	t.Cleanup(func() {
		if r.stop != nil {
			r.end()
		}
	})
	return r
}

func (r *rig) options() Options {
	return Options{Data: filepath.Join(r.dir, "d"), Config: r.cfg, Log: slog.New(slog.DiscardHandler), Version: "test", now: r.now}
}

func (r *rig) start() {
	r.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	o := r.options()
	o.Ready = func(string, string) { close(ready) }
	a, err := New(ctx, o)
	if err != nil {
		cancel()
		r.Fatal(err)
	}
	r.App, r.stop, r.done = a, cancel, make(chan error, 1)
	go func() { r.done <- a.Run(ctx) }()
	<-ready
}

// end stops the appliance and says what Run returned.
func (r *rig) end() {
	r.Helper()
	r.stop()
	r.stop = nil
	select {
	case err := <-r.done:
		if err != nil {
			r.Errorf("Run: %v", err)
		}
	case <-time.After(30 * time.Second):
		buf := make([]byte, 1<<20)
		r.Fatalf("the appliance does not stop:\n%s", buf[:runtime.Stack(buf, true)])
	}
}

// eventually waits until ok, or fails with what.
func (r *rig) eventually(what string, ok func() bool) {
	r.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
		if time.Now().After(end) {
			r.Fatalf("%s: not within 15 s", what)
		}
	}
}

func (r *rig) count(node query.Node) int64 {
	r.Helper()
	res, err := r.store.Search(context.Background(), query.Search{Query: node, Limit: 1})
	if err != nil {
		r.Fatal(err)
	}
	return res.Total
}

// line is a failed ssh login; enough of them from one address are guessing.
func line(i int) []byte {
	return fmt.Appendf(nil, "<86>%s web01 sshd[4%03d]: Failed password for invalid user admin from 203.0.113.%d port 4%03d ssh2",
		time.Now().Format(time.Stamp), i, i%7, i)
}

func (r *rig) feed(from, n int) {
	r.Helper()
	frames := make([]wire.Frame, n)
	for i := range frames {
		frames[i] = wire.Frame{Peer: "192.0.2.7", Format: wire.FormatSyslog, Data: line(from + i)}
	}
	if err := r.put(soc.SourceSyslog)(context.Background(), "syslog.tcp", frames); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) alerts() map[string]int64 {
	r.Helper()
	page, err := r.triage.List(context.Background(), soc.Scope{All: true},
		triage.Query{Limit: 500, Filter: triage.Filter{Exercise: triage.With}})
	if err != nil {
		r.Fatal(err)
	}
	out := map[string]int64{}
	for _, a := range page.Items {
		out[a.Number+" "+a.Rule] = a.Count
	}
	return out
}

var host = query.Term{Field: ecs.HostName, Value: "web01"}

// TestRestartKeepsEverything: events, alerts with their counts, accounts of what came in, posture and audit are the same after a
// stop, and nothing is counted twice.
func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.feed(0, 60)
	r.eventually("60 events", func() bool { return r.count(host) == 60 && r.detector.Detected() == r.queue.State().Last })
	r.eventually("an alert", func() bool { return len(r.alerts()) > 0 })
	before := r.alerts()
	pos := r.queue.State().Last
	r.end()
	{ // it finds what the first one left without new events
		r.start()
		r.eventually("the events again", func() bool { return r.count(host) == 60 })
		r.eventually("detection at the head", func() bool { return r.detector.Detected() == r.queue.State().Last })
		if got := r.alerts(); fmt.Sprint(got) != fmt.Sprint(before) {
			t.Errorf("alerts after a restart: %v, before: %v", got, before)
		}
		if r.queue.State().Last < pos {
			t.Errorf("queue at %d, was at %d", r.queue.State().Last, pos)
		}
		r.end()
	}
	r.start()
	r.feed(60, 5)
	r.eventually("5 more", func() bool { return r.count(host) == 65 })
}

// TestNewEpochCountsNothingTwice: what the queue holds when a restore gives it a new epoch has made its alerts already; what comes after
// it makes its own.
func TestNewEpochCountsNothingTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.feed(0, 60)
	r.eventually("an alert", func() bool {
		return r.count(host) == 60 && len(r.alerts()) > 0 && r.detector.Detected() == r.queue.State().Last
	})
	before, epoch := r.alerts(), r.queue.State().Epoch()
	r.end()
	if err := queuelocal.NewEpoch(filepath.Join(r.dir, "d", "queue")); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"in the new epoch", "after another restart"} {
		r.start()
		r.eventually("detection at the head", func() bool { return r.detector.Detected() == r.queue.State().Last })
		if now := r.queue.State().Epoch(); now == epoch {
			t.Errorf("%s: the queue goes on in epoch %s", when, now)
		}
		if got := r.alerts(); fmt.Sprint(got) != fmt.Sprint(before) {
			t.Errorf("%s: alerts %v, before: %v", when, got, before)
		}
		r.end()
	}
	r.start()
	r.feed(60, 60)
	r.eventually("the alerts go on", func() bool { return r.count(host) == 120 && fmt.Sprint(r.alerts()) != fmt.Sprint(before) })
}

// TestQueueMadeAnew: a queue folder that is gone starts behind what the others count as done, so that nothing new is taken for old.
func TestQueueMadeAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.feed(0, 10)
	r.feed(10, 10)
	r.eventually("20 events", func() bool { return r.count(host) == 20 })
	r.end()
	if err := os.RemoveAll(filepath.Join(r.dir, "d", "queue")); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.feed(20, 7)
	r.eventually("20 old and 7 new events", func() bool { return r.count(host) == 27 })
	r.eventually("detection", func() bool { return r.detector.Detected() == r.queue.State().Last })
}

// TestImportTwice: a file read again, also after it was broken off, is stored once and counted as duplicate.
func TestImportTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var text strings.Builder
	for i := range 50 {
		// lines that are alike
		fmt.Fprintf(&text, "<86>1 2026-03-05T01:02:%02dZ web01 sshd 77 - - Failed password for root from 203.0.113.9 port 4711 ssh2\n", i/2)
	}
	load := func(text string) {
		t.Helper()
		if err := control.NewClient(r.opts.Data).Call(context.Background(), "POST", "/import",
			url.Values{"source": {"tường lửa cũ"}, "name": {"a.log"}}, strings.NewReader(text), nil); err != nil {
			t.Fatal(err)
		}
	}
	load(text.String()[:len(text.String())/2])
	r.eventually("about half", func() bool { return r.count(host) >= 20 })
	for round := range 3 {
		load(text.String())
		if err := r.store.(*local.Store).Seal(context.Background()); err != nil { // from memory, from the first level, from files
			t.Fatal(err)
		}
		if round == 1 {
			if err := r.store.(*local.Store).Compact(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.eventually("everything is applied", func() bool { return r.applied.Load() == r.queue.State().Last })
	if n := r.count(host); n != 51 && n != 50 { // the first load may have ended within a line
		t.Errorf("%d events of a file of 50 lines that was read four times", n)
	}
}

// TestManifestLost: the list of the event store is made anew, nothing is lost or doubled, and an alert says so.
func TestManifestLost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.feed(0, 20)
	r.eventually("20 events", func() bool { return r.count(host) == 20 })
	if err := r.store.(*local.Store).Compact(context.Background()); err != nil { // what is sealed; the rest stays in the first level
		t.Fatal(err)
	}
	r.end()
	r.start()
	if err := r.store.(*local.Store).Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.feed(20, 5)
	r.end()
	if err := os.Truncate(filepath.Join(r.dir, "d", "events", "MANIFEST"), 30); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.feed(25, 5)
	r.eventually("30 events", func() bool { return r.count(host) == 30 })
	r.eventually("the alert", func() bool {
		for name := range r.alerts() {
			if strings.Contains(name, "2f1c6f0e-5a77-4c0b-9a5e-7d0f4b6c1e93") {
				return true
			}
		}
		return false
	})
}

// TestReplayTakesNoSnapshot: while detection replays what its alerts already hold, the queue must stay for the next crash.
func TestReplayTakesNoSnapshot(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *config.Config) { c.Detections.Snapshot = time.Hour })
	r.feed(0, 3)
	r.eventually("a snapshot", func() bool { return r.detector.Snapshotted() > 0 })
	kept := r.detector.Snapshotted()
	for i := range 3 {
		r.feed(3+i, 1)
		r.eventually("detection", func() bool { return r.detector.Detected() == r.queue.State().Last })
	}
	r.end()
	cp := func() (seq, snap uint64) {
		c, err := r.triage.Position(context.Background(), detections.ReaderName)
		if err != nil {
			t.Fatal(err)
		}
		return c.Seq, c.SnapshotSeq
	}
	r.start()
	r.eventually("replay", func() bool { return r.detector.Detected() == r.queue.State().Last })
	seq, snap := cp()
	if got := r.detector.Snapshotted(); got != snap {
		t.Errorf("snapshot kept at %d, but the queue may be purged up to %d (written %d, first snapshot %d)", snap, got, seq, kept)
	}
}

// TestFilesArePrivate: nothing in the data directory can be read by another user.
func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.feed(0, 1)
	r.eventually("an event", func() bool { return r.count(host) == 1 })
	st, err := os.Stat(filepath.Join(r.dir, "d"))
	if err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("data folder: %v %v, want 0700", st.Mode(), err)
	}
	for _, name := range []string{"state.db", "state.db-wal", "ledger.db", "ledger.db-wal", "control.sock", "lock"} {
		st, err := os.Stat(filepath.Join(r.dir, "d", name))
		if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(name, "-wal") {
			continue
		}
		if err != nil || st.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: mode %v, %v; want nothing for others", name, st.Mode().Perm(), err)
		}
	}
}

// freeAddress is an address of host that nobody listens at, with a port below those that the kernel gives to whoever asks for any.
func freeAddress(t *testing.T, host string) string {
	t.Helper()
	for range 1000 {
		address := net.JoinHostPort(host, strconv.Itoa(12000+rand.IntN(20000)))
		if _, given := givenAddresses.LoadOrStore(address, true); given {
			continue
		}
		if free, err := net.Listen("tcp", address); err == nil {
			free.Close()
			return address
		}
	}
	t.Fatalf("no free port on %s", host)
	return ""
}

// givenAddresses are those that freeAddress gave out.
var givenAddresses sync.Map

// TestPortTaken: New says which key to change, closes what it had opened, and the folder can be used at once.
func TestPortTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := freeAddress(t, "127.0.0.1")
	r := &rig{T: t, dir: t.TempDir(), cfg: testConfig()}
	for key, set := range map[string]func(*config.Config){
		"listen.console": func(c *config.Config) { c.Listen.Console = taken.Addr().String() },
		"listen.bulk":    func(c *config.Config) { c.Listen.Bulk = taken.Addr().String() },
		"listen.sensors": func(c *config.Config) { c.Listen.Sensors = taken.Addr().String() },
	} {
		r.cfg = testConfig()
		r.cfg.Listen.SyslogTCP = port // opened first: closed again when the other fails
		set(&r.cfg)
		_, err := New(context.Background(), r.options())
		if err == nil || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "ss -l") {
			t.Errorf("New with the port of %s taken: %v, want an error that names %s and says how to find the program", key, err, key)
		}
	}
	r.cfg = testConfig()
	addr := taken.Addr().String()
	r.cfg.Listen = config.Listen{Console: addr, SyslogTCP: addr, Bulk: addr, Sensors: addr}
	_, err = New(context.Background(), r.options())
	for _, key := range []string{"listen.console", "listen.syslog_tcp", "listen.bulk", "listen.sensors"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("New with every port taken: %v, want it to name %s too", err, key)
		}
	}
	r.cfg = testConfig()
	r.cfg.Listen.SyslogTCP = port
	r.start()
	r.end()
}

func TestSecondApplianceIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := New(context.Background(), r.options())
	if err == nil || !strings.Contains(err.Error(), "in use by another hoalu") {
		t.Errorf("a second appliance on the folder: %v", err)
	}
}

// TestSenders: beyond loopback only the networks named may send; what others send is refused and counted.
func TestSenders(t *testing.T) {
	l := config.Listen{Senders: []string{"10.20.0.0/16", "2001:db8::/32"}}
	if n := len(l.Allow()); n != 4 {
		t.Fatalf("Allow() has %d networks, want the two and loopback", n)
	}
	if (config.Listen{}).Allow() != nil {
		t.Error("without networks everybody who can connect may send")
	}
	addr := ""
	for _, ip := range listen.OwnAddresses() {
		if ip.To4() != nil {
			addr = ip.String()
		}
	}
	if addr == "" {
		needed.Missing(t, "this host has no address beside loopback")
	}
	port := freeAddress(t, addr)
	r := newRig(t, func(c *config.Config) {
		c.Listen.SyslogTCP, c.Listen.Bulk = port, ""
		c.Listen.Senders = []string{"198.51.100.0/24"} // not this host
	})
	conn, err := net.Dial("tcp", port)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "%s\n", line(1))
	r.eventually("a refusal is counted", func() bool { return r.intake.Stats().Rejected["not_allowed"] > 0 })
	conn.Close()
	if n := r.count(host); n != 0 {
		t.Errorf("%d events of a sender that is not allowed", n)
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := control.NewClient(r.opts.Data)
	ctx := context.Background()
	var s Status
	if err := c.Call(ctx, "GET", "/status", nil, nil, &s); err != nil || !strings.HasPrefix(s.Console, "http://localhost:") {
		t.Fatalf("status: %+v, %v", s, err)
	}
	for _, p := range s.Parts {
		if !p.Ready && p.Name != "posture" {
			t.Errorf("part %s is not ready: %s", p.Name, p.Reason)
		}
	}
	res, err := http.Get("http://" + r.consoleAddr.String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("GET /healthz: %s", res.Status)
	}
	var link struct{ URL string }
	if err := c.Call(ctx, "POST", "/admin/link", nil, nil, &link); err != nil || !strings.Contains(link.URL, "/first#") {
		t.Errorf("admin link: %+v, %v", link, err)
	}
	if _, err := CreateToken(ctx, r.opts.Data, "t", []soc.Role{soc.Auditor}, "", time.Hour); err != nil {
		t.Errorf("token through the socket: %v", err)
	}
	var imported struct{ Frames, Rejected int64 }
	doc := `{"@timestamp":"2026-11-21T00:00:00Z","message":"imported","host":{"name":"old"}}` + "\n"
	if err := c.Call(ctx, "POST", "/import", url.Values{"source": {"old files"}, "name": {"x.ndjson"}}, strings.NewReader(doc+doc),
		&imported); err != nil || imported.Frames != 2 {
		t.Errorf("import: %+v, %v", imported, err)
	}
	for _, tc := range []struct{ method, path, query, want string }{
		{"POST", "/import", "", "Give --source"},
		{"POST", "/import", "source=NG-999", "not in the inventory"},
		{"POST", "/sensor/invite", "system=HT-999&ttl=1h", "not in the inventory"},
		{"POST", "/sensor/invite", "system=HT-001&ttl=2000h", "up to 7 days"},
		{"POST", "/sensor/invite", "system=HT-001&ttl=soon", "must be a length of time"},
		{"POST", "/national/test", "", "No receiving point"},
		{"POST", "/evidence", "system=HT-999", "not in the inventory"},
		{"POST", "/evidence", "system=" + r.self.ID + "&from=yesterday", "must be a day"},
	} {
		q, _ := url.ParseQuery(tc.query)
		err := c.Call(ctx, tc.method, tc.path, q, nil, nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %s?%s: %v, want an error with %q", tc.method, tc.path, tc.query, err, tc.want)
		}
	}
	r.end()
	if err := c.Call(ctx, "GET", "/status", nil, nil, nil); !control.IsNotRunning(err) || !strings.Contains(err.Error(), "hoalu serve") {
		t.Errorf("status when nothing runs: %v", err)
	}
	if _, err := CreateToken(ctx, r.opts.Data, "t", []soc.Role{soc.Auditor}, "", time.Hour); err != nil {
		t.Errorf("token when nothing runs: %v", err)
	}
	empty := t.TempDir()
	if _, err := CreateToken(ctx, empty, "t", []soc.Role{soc.Auditor}, "", time.Hour); !control.IsNotRunning(err) {
		t.Errorf("token in a folder without an appliance: %v", err)
	}
	if list, _ := os.ReadDir(empty); len(list) != 0 {
		t.Errorf("a refused token left %v behind", list)
	}
	r.cfg.Listen.Console = ""
	r.start()
	if r.consoleListener != nil || r.consoleURL() != "" {
		t.Errorf("a console switched off listens on %v", r.consoleAddr)
	}
}

// TestNationalCertificateSurvives: the centre may know us by it.
func TestNationalCertificateSurvives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, err := r.nationalCertificate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r.end()
	r.start()
	b, err := r.nationalCertificate(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Certificate[0], b.Certificate[0]) {
		t.Error("the certificate of the national link changed with a restart")
	}
	if b.Leaf.Subject.CommonName == "" {
		t.Error("certificate has no name")
	}
	if raw, err := os.ReadFile(r.path("national-link.sealed")); err != nil || strings.Contains(string(raw), "PRIVATE KEY") {
		t.Errorf("the key is kept in the open: %v", err)
	}
}

// TestUnboundSourceSurvivesRestart: a source without a binding counts for the system its events showed, also after a restart in
// which it has said nothing: forgetting it would leave its system green.
func TestUnboundSourceSurvivesRestart(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	name := strings.ToLower(hostname())
	frame := wire.Frame{Peer: "127.0.0.1", Format: wire.FormatSyslog,
		Data: fmt.Appendf(nil, "<86>%s %s sshd[1]: Accepted password for an from 10.0.0.1 port 1 ssh2", time.Now().Format(time.Stamp), name)}
	if err := r.put(soc.SourceSyslog)(context.Background(), "syslog.tcp", []wire.Frame{frame}); err != nil {
		t.Fatal(err)
	}
	src, ok := r.inventory.Snapshot().FindSource(inventory.Seen{Kind: soc.SourceSyslog, Peer: "127.0.0.1", Host: name})
	if !ok || src.System != "" {
		t.Fatalf("source of 127.0.0.1: %+v, %v; want one without a system", src, ok)
	}
	has := func() bool {
		all, err := r.gatherer.Facts(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			for _, s := range f.Sources {
				if f.System.ID == r.self.ID && s.ID == src.ID && s.LastEvent > 0 {
					return true
				}
			}
		}
		return false
	}
	r.eventually("the source counts for this host's system", has)
	r.end()
	r.start()
	if !has() {
		t.Error("after a restart the source no longer counts for its system")
	}
}

func ownHost() query.Node {
	return query.Term{Field: ecs.HostName, Value: strings.ToLower(hostname())}
}

// feedOwn sends failed logins at this host, so that they belong to its system.
func (r *rig) feedOwn(n int) {
	r.Helper()
	frames := make([]wire.Frame, n)
	for i := range frames {
		frames[i] = wire.Frame{Peer: "127.0.0.1", Format: wire.FormatSyslog,
			Data: fmt.Appendf(nil, "<86>1 %s %s sshd 4%03d - - Failed password for invalid user admin from 203.0.113.9 port 4%03d ssh2",
				time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), strings.ToLower(hostname()), i, i)}
	}
	if err := r.put(soc.SourceSyslog)(context.Background(), "syslog.tcp", frames); err != nil {
		r.Fatal(err)
	}
}

package test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hoalu/internal/needed"
)

// TestBadInput: whatever comes over the listeners is counted with its reason and kept where possible, and never ends the appliance.
func TestBadInput(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 2026))
	a := startAppliance(t, quiet, "")
	noise := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	// syslog: random bytes, broken headers, no end, wrong counts, an oversize message, NULs.
	udp := a.dial("udp", a.ports.syslog)
	for range 50 {
		udp.Write(noise(1 + rng.IntN(1200)))
	}
	for _, s := range []string{"<", "<999>1 x", "<14>1", "<14>1 2026-13-45T99:99:99Z h a - - - giohong", "<14>Feb 31 25:61:61 h a: ngayhong",
		"\x00\x00\x00", "<14>1 - - - - - [sd=\"khong dong", ""} {
		udp.Write([]byte(s))
	}
	for _, s := range []string{"99999999999 <14>khongco", "5 <14>1 - - - - - lechdodai\n", "0 \n", "-5 x\n", strings.Repeat("A", 3<<20),
		"<14>1 - - - - - khongxuongdong"} {
		c := a.dial("tcp", a.ports.syslog)
		c.SetWriteDeadline(time.Now().Add(2 * time.Second))
		c.Write([]byte(s))
		c.Close()
	}
	for range 5 { // TLS that is none
		c := a.dial("tcp", a.ports.tls)
		c.Write(noise(500))
		c.Close()
	}
	// _bulk: answers by item, and a bad body as a whole.
	for _, c := range []struct {
		name, body string
		status     int
		items      []int
	}{
		{"a broken document between two good ones",
			"{\"create\":{}}\n{\"message\":\"lanh1\"}\n{\"create\":{}}\n{\"message\": hong}\n{\"create\":{}}\n{\"message\":\"lanh2\"}\n", 200,
			[]int{201, 400, 201}},
		{"an array is no document", "{\"index\":{}}\n[1,2]\n", 200, []int{400}},
		{"an action that is not taken", "{\"delete\":{\"_id\":\"1\"}}\n{\"create\":{}}\n{\"message\":\"lanh3\"}\n", 200, []int{400, 201}},
		{"an oversize document", "{\"create\":{}}\n{\"message\":\"" + strings.Repeat("x", 2<<20) +
			"\"}\n{\"create\":{}}\n{\"message\":\"lanh4\"}\n", 200, []int{400, 201}},
		{"no body", "", 400, nil},
		{"no bulk at all", "xin chao", 400, nil},
		{"deep nesting", "{\"create\":{}}\n" + strings.Repeat("{\"a\":", 5000) + "1" + strings.Repeat("}", 5000) + "\n", 200, nil},
		{"invalid UTF-8", "{\"create\":{}}\n{\"message\":\"lanh5 \xff\xfe\"}\n", 200, nil},
	} {
		status, items, err := a.bulk([]byte(c.body))
		if status != c.status || c.items != nil && fmt.Sprint(items) != fmt.Sprint(c.items) {
			t.Errorf("%s: %d %v %.300v, want %d %v", c.name, status, items, err, c.status, c.items)
		}
	}
	for i := 1; i <= 4; i++ {
		a.find(fmt.Sprintf("message:lanh%d", i), 1)
	}
	for _, s := range []string{"GET / HTTP/1.1\r\n", string(noise(4000)),
		"POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"create\"",
		"POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnotagzip"} {
		c := a.dial("tcp", a.ports.bulk)
		io.WriteString(c, s)
		c.Close()
	}
	// A file with lines that are no JSON in the middle.
	path := filepath.Join(t.TempDir(), "events.ndjson")
	text := "{\"message\":\"tep1\"}\n{\"message\": tep-hong\n\x00\x01\x02\n{\"message\":\"tep2\"}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a.run("import", "--data", a.data, "--source", "tep hong", "--format", "json", path)
	a.find("message:tep1", 1)
	a.find("message:tep2", 1)
	sum := a.balanced()
	if sum.Quarantined == 0 || sum.Rejected < 3 || len(sum.Reasons) == 0 {
		t.Errorf("the ledger does not count what was refused and held: %+v", sum)
	}
	var held struct {
		Items   []struct{ ID, Reason string }
		Reasons map[string]int
	}
	a.get("analyst", "/api/quarantine", &held)
	if len(held.Items) == 0 || len(held.Reasons) == 0 || held.Items[0].Reason == "" {
		t.Errorf("quarantine: %+v", held)
	}
	if status, raw := a.call("analyst", "GET", "/healthz", nil); status != 200 {
		t.Errorf("after bad input: %d %s", status, raw)
	}
	// Queries that are none name the column.
	for _, q := range []string{"(", "a:b:c and", "host.name:/[/", "source.ip:300.1.1.1/99"} {
		if status, raw := a.call("analyst", "GET", "/api/events?query="+strings.ReplaceAll(q, " ", "+"), nil); status != 422 && status != 200 ||
			status >= 500 {
			t.Errorf("query %q: %d %s", q, status, raw)
		}
	}
}

// TestBadCaptures: damaged captures are named and cost neither a panic nor the records before the damage.
func TestBadCaptures(t *testing.T) {
	dir := t.TempDir()
	capture := testdata(t, "packets", "pcaps", "00c4fbc8f7a6-pim.pcap")
	good, err := os.ReadFile(capture)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(5, 2026))
	flipped := bytes.Clone(good)
	for range 40 {
		flipped[24+rng.IntN(len(flipped)-24)] ^= byte(1 + rng.IntN(255))
	}
	for name, raw := range map[string][]byte{"empty": nil, "text": []byte("khong phai ban ghi goi tin"), "cut": good[:len(good)*2/3],
		"header": good[:24], "flipped": flipped} {
		path := filepath.Join(dir, name+".pcap")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, code := runHoalu(t, dir, nil, "sensor", "packet", "--read", path)
		if strings.Contains(errs, "panic") || strings.Contains(errs, "goroutine ") || code > 2 {
			t.Errorf("%s: exit %d\n%s", name, code, errs)
		}
		if name != "header" && name != "flipped" && (errs == "" || !strings.Contains(errs, name)) {
			t.Errorf("%s: the damage is not named: exit %d %q", name, code, errs)
		}
		if name == "cut" && out == "" {
			t.Errorf("cut: the records before the damage are lost: %s", errs)
		}
	}
}

func TestBadConfiguration(t *testing.T) {
	home := t.TempDir()
	path := filepath.Join(home, "bad.yml")
	text := `site: {name: ""}
listen: {console: "0.0.0.0:8080", bulk: "nothing", syslog_udp: "0.0.0.0:514", senders: ["10.0.0.1"]}
queue: {max_bytes: 1MiB}
store: {keep_days: -1}
posture: {every: 1h}
detections: {rules: [/khong/co], snapshot: 0s}
national: {min_severity: nang, heartbeat: 0s}
sensors: {packet: true}
kho: 1
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(home, "data")
	_, errs, code := runHoalu(t, home, nil, "serve", "--data", data, "--config", path)
	if code != 2 {
		t.Errorf("exit %d, want 2", code)
	}
	for _, key := range []string{"site.name", "listen.console", "listen.bulk", "listen.senders[0]", "queue.max_bytes", "store.keep_days",
		"posture.every", "detections.rules[0]", "detections.snapshot", "national.min_severity", "national.heartbeat", "sensors", "kho"} {
		if !strings.Contains(errs, key) {
			t.Errorf("%s is not named in:\n%s", key, errs)
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("the data directory was made although the configuration is refused")
	}
	if out, errs, code := runHoalu(t, home, nil, "config", "check", path); code == 0 {
		t.Errorf("config check: exit 0\n%s%s", out, errs)
	}
	if _, _, code := runHoalu(t, home, nil, "serve", "--khong-co"); code != 2 {
		t.Errorf("an unknown flag: exit %d, want 2", code)
	}
}

func TestPortTaken(t *testing.T) {
	for _, key := range []string{"console", "bulk", "syslog", "sensors"} {
		a := newAppliance(t, quiet, "")
		port := map[string]string{"console": a.ports.console, "bulk": a.ports.bulk, "syslog": a.ports.syslog, "sensors": a.ports.sensors}[key]
		ln, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		_, errs, code := a.run("serve", "--data", a.data, "--config", a.config)
		ln.Close()
		if code != 1 || !strings.Contains(errs, port) || !strings.Contains(errs, "listen."+key) || !strings.Contains(errs, "stop") {
			t.Errorf("%s: exit %d; the message must name the port, its key and what to do:\n%s", key, code, errs)
		}
	}
}

// TestSameDataTwice: a second appliance on the same data is refused with a word on why.
func TestSameDataTwice(t *testing.T) {
	a := startAppliance(t, quiet, "")
	other := newAppliance(t, quiet, "")
	_, errs, code := other.run("serve", "--data", a.data, "--config", other.config)
	if code != 1 || !strings.Contains(errs, a.data) {
		t.Errorf("exit %d\n%s", code, errs)
	}
}

// TestDiskFull: below the free-space reserve and with no byte left senders are told to wait, nothing acknowledged is lost, and the
// appliance goes on by itself once there is room.
func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		needed.Missing(t, "mounting a small disk needs root")
	}
	a := newAppliance(t, quiet, "  bulk_trust: true\n")
	if err := syscall.Mount("tmpfs", a.data, "tmpfs", 0, "size=96m"); err != nil {
		needed.Missing(t, "mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		a.stop(syscall.SIGKILL)
		if err := syscall.Unmount(a.data, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	a.start()
	a.token("analyst")
	a.token("auditor")
	var mu sync.Mutex
	acked := map[string]bool{}
	send := func(n, round int) (status int, err error) {
		var body strings.Builder
		var tags []string
		for i := range 20 {
			tag := fmt.Sprintf("d%dn%dx%d", round, n, i)
			tags = append(tags, tag)
			fmt.Fprintf(&body, "{\"create\":{}}\n{\"message\":\"day %s\",\"host\":{\"name\":\"dia-day\"},\"labels\":{\"tag\":%q}}\n", tag, tag)
		}
		status, items, err := a.bulk([]byte(body.String()))
		mu.Lock()
		defer mu.Unlock()
		for i, s := range items {
			if s == 201 {
				acked[tags[i]] = true
			}
		}
		return status, err
	}
	filler := filepath.Join(a.data, "filler")
	fill := func(leave int64) {
		t.Helper()
		var st syscall.Statfs_t
		if err := syscall.Statfs(a.data, &st); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filler)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		free := int64(st.Bavail)*st.Bsize - leave
		buf := make([]byte, 1<<20)
		for free > 0 {
			n, err := f.Write(buf[:min(int64(len(buf)), free)])
			free -= int64(n)
			if err != nil {
				break // no byte is left
			}
		}
	}
	for round, leave := range []int64{3 << 20, 0} {
		for n := range 10 {
			if status, err := send(n, round); status != 200 {
				t.Fatalf("before the disk is full: %d %v", status, err)
			}
		}
		fill(leave)
		var status int
		var err error
		until(t, "the refusal", 10*time.Second, func() bool { status, err = send(100, round); return status != 200 })
		if status != 503 || err == nil || !strings.Contains(err.Error(), "reserve") && !strings.Contains(err.Error(), "space") {
			t.Errorf("%d bytes left: %d %v, want 503 and why", leave, status, err)
		}
		for n := range 20 { // everything else goes on meanwhile
			send(200+n, round)
			time.Sleep(100 * time.Millisecond)
		}
		if status, _, err := a.tryCall("analyst", "GET", "/api/events?limit=1", nil); err != nil || status != 200 {
			t.Errorf("search while the disk is full: %d %v", status, err)
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		until(t, "the appliance to take events again", 20*time.Second, func() bool { status, _ := send(300, round); return status == 200 })
	}
	if status, items, err := a.bulk([]byte("{\"create\":{}}\n" + shell("sau-dia-day", "cuoi") + "\n")); status != 200 || items[0] != 201 {
		t.Fatalf("after the disk was full: %d %v %v", status, items, err)
	}
	until(t, "an alert after the disk was full", 20*time.Second, func() bool { return len(a.alerts("analyst", "host=sau-dia-day")) == 1 })
	check := func(when string) {
		t.Helper()
		a.balanced()
		count := map[string]int{}
		a.each("analyst", "host.name:dia-day", func(e map[string]any) { count[fmt.Sprint(e["labels.tag"])]++ })
		lost, doubled := 0, 0
		for tag := range acked {
			if count[tag] == 0 {
				lost++
			}
		}
		for tag, n := range count {
			if n > 1 && !strings.Contains(tag, "n300x") && !strings.Contains(tag, "n100x") { // those were sent again by us
				doubled++
			}
		}
		if lost+doubled > 0 || len(acked) < 400 {
			t.Errorf("%s: of %d acknowledged events %d are lost, %d doubled", when, len(acked), lost, doubled)
		}
	}
	check("after it was full")
	a.stop(syscall.SIGTERM)
	a.start()
	check("after a restart")
}

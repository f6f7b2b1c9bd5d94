package bulk

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hoalu/ecs/wire"
	"hoalu/internal/needed"
)

// documented is the rsyslog configuration of docs/<language>/sources.md for hosts of which nothing may be lost, as it stands there.
func documented(t *testing.T, language string) string {
	t.Helper()
	page, err := os.ReadFile("../../../docs/" + language + "/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, block := range strings.Split(string(page), "```") {
		if i%2 == 1 && strings.Contains(block, `module(load="omelasticsearch")`) {
			return strings.TrimPrefix(block, "\n")
		}
	}
	t.Fatalf("docs/%s/sources.md has no block with omelasticsearch", language)
	return ""
}

// TestCollectorOfLossTest is no test of its own: TestRsyslogLosesNothing runs it as the process that is killed. It acknowledges what
// is on disk, in a file, and takes its time for it.
func TestCollectorOfLossTest(t *testing.T) {
	addr, path := os.Getenv("HOALU_LOSS_ADDRESS"), os.Getenv("HOALU_LOSS_FILE")
	if addr == "" {
		t.Skip("run by TestRsyslogLosesNothing only")
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	put := func(_ context.Context, _ string, frames []wire.Frame) error {
		var b bytes.Buffer
		for _, f := range frames {
			b.Write(f.Data)
			b.WriteByte('\n')
		}
		time.Sleep(20 * time.Millisecond)
		if _, err := file.Write(b.Bytes()); err != nil {
			return err
		}
		return file.Sync()
	}
	l, err := New(Config{Address: addr, TLSConfig: testTLS().TLS, RequireToken: true,
		Token: func(string) (Binding, bool) { return Binding{Source: "NG-0007"}, true }}, put, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.Run(t.Context()) //nolint:errcheck // killed
}

// testTLS has a certificate of 127.0.0.1.
func testTLS() *httptest.Server {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	return s
}

// rsyslogd, with the configuration that our documents prescribe where nothing may be lost, sends while the collector is killed three
// times (kill -9): every message is there in the end.
func TestRsyslogLosesNothing(t *testing.T) {
	bin, err := exec.LookPath("rsyslogd")
	modules, _ := filepath.Glob("/usr/lib/*/rsyslog/omelasticsearch.so")
	if err != nil || len(modules) == 0 {
		needed.Missing(t, "rsyslogd with omelasticsearch is not installed (test/peers/install.sh)")
	}
	conf := documented(t, "en")
	if vi := documented(t, "vi"); vi != conf {
		t.Fatalf("the pages prescribe different configurations:\n%s\n%s", conf, vi)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	dir := t.TempDir()
	stored, ca, in := filepath.Join(dir, "stored"), filepath.Join(dir, "ca.pem"), filepath.Join(dir, "input.log")
	srv := testTLS()
	defer srv.Close()
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(addr)
	conf = strings.NewReplacer("hoalu.ninhbinh.local", "127.0.0.1", "9243", port, "/etc/hoalu/ca.pem", ca).Replace(conf)
	conf = fmt.Sprintf("global(workDirectory=%q)\nmodule(load=\"imfile\")\ninput(type=\"imfile\" File=%q Tag=\"app:\")\n", dir, in) + conf
	if err := os.WriteFile(filepath.Join(dir, "rsyslog.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	collector := func() *exec.Cmd {
		c := exec.Command(os.Args[0], "-test.run=^TestCollectorOfLossTest$")
		c.Env = append(os.Environ(), "HOALU_LOSS_ADDRESS="+addr, "HOALU_LOSS_FILE="+stored)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	running := collector()
	defer func() {
		running.Process.Kill() //nolint:errcheck // may have ended
		running.Wait()         //nolint:errcheck
	}()
	var said bytes.Buffer
	sender := exec.Command(bin, "-n", "-f", filepath.Join(dir, "rsyslog.conf"), "-i", filepath.Join(dir, "pid"))
	sender.Stdout, sender.Stderr = &said, &said
	if err := sender.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		sender.Process.Kill() //nolint:errcheck // may have ended
		sender.Wait()         //nolint:errcheck
	}()
	const n = 3000
	lines, err := os.Create(in)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		fmt.Fprintf(lines, "tin \"nhắn\" số %d\n", i)
		switch i {
		case 600, 1400, 2200: // some of what was written is stored, some is under way
			at := len(distinct(t, stored))
			within(t, "the collector stores more", func() bool { return len(distinct(t, stored)) > at || at >= i })
			running.Process.Kill() //nolint:errcheck // it runs
			running.Wait()         //nolint:errcheck
			running = collector()
		}
	}
	lines.Close()
	for end := time.Now().Add(60 * time.Second); len(distinct(t, stored)) < n; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d messages are stored, missing %v; rsyslogd: %s", len(distinct(t, stored)), n, missing(distinct(t, stored), n),
				said.String())
		}
	}
}

// missing names the first of n messages that are not there.
func missing(there map[string]bool, n int) (list []int) {
	for i := range n {
		if !there[fmt.Sprint(i)] && len(list) < 20 {
			list = append(list, i)
		}
	}
	return list
}

// distinct are the different messages of the test in a file.
func distinct(t *testing.T, path string) map[string]bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	seen := map[string]bool{}
	for s := bufio.NewScanner(f); s.Scan(); {
		var d struct{ Message string }
		if json.Unmarshal(s.Bytes(), &d) != nil {
			continue // a line half written when the process was killed: it was not acknowledged
		}
		if _, text, ok := strings.Cut(d.Message, `tin "nhắn" số `); ok && strings.HasPrefix(d.Message, "<") {
			seen[text] = true
		}
	}
	return seen
}

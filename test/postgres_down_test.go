package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hoalu/internal/needed"
	"hoalu/state/statetest"
)

// cluster is a PostgreSQL of the test's own, which it may stop and start.
type cluster struct {
	*testing.T
	bin, dir string
	as       *syscall.Credential // PostgreSQL refuses to run as root
}

// newCluster starts one, reached by a socket in its folder.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(bins) == 0 {
		statetest.Postgres(t) // skips by name, and fails in CI
		needed.Missing(t, "the programs of PostgreSQL are not here (test/peers/install.sh installs them): a test that stops one cannot run")
	}
	c := &cluster{T: t, bin: slices.Max(bins)}
	if c.dir, err = os.MkdirTemp("", "pg-"); err != nil { // a socket's path is short
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(c.dir) })
	if os.Geteuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		c.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(c.dir, int(uid), int(gid)); err != nil {
			t.Fatal(err)
		}
	}
	c.command("initdb", "-D", c.dir+"/data", "-U", "hoalu", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	t.Cleanup(func() {
		if _, err := os.Stat(c.dir + "/data/postmaster.pid"); err == nil {
			c.stop()
		}
	})
	c.start()
	return c
}

func (c *cluster) command(name string, args ...string) {
	c.Helper()
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	log, err := os.OpenFile(c.dir+"/"+name+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.Fatal(err)
	}
	defer log.Close() // a file: the server inherits it, and a pipe would not end
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(log.Name())
		c.Fatalf("%s: %v\n%s", name, err, said)
	}
}

func (c *cluster) start() {
	c.Helper()
	c.command("pg_ctl", "-D", c.dir+"/data", "-s", "-w", "-t", "60", "-l", c.dir+"/data/server.log", "-o",
		"-k "+c.dir+" -c listen_addresses=''", "start")
}

// stop ends it at once, as a crash does.
func (c *cluster) stop() {
	c.Helper()
	c.command("pg_ctl", "-D", c.dir+"/data", "-s", "-m", "immediate", "stop")
}

func (c *cluster) dsn() string {
	return "postgres://hoalu@/postgres?host=" + url.QueryEscape(c.dir) + "&sslmode=disable"
}

// TestPostgresGoesAndComesBack: PostgreSQL ends while the appliance runs. /readyz and the console name the state database with its cause,
// the console answers that it cannot tell, and what a known sender has is taken and kept, over a kill too. When PostgreSQL is back
// everything is well without anybody's doing, the alert says what was, each event that was acknowledged is there once and counted, and
// rules have seen it.
func TestPostgresGoesAndComesBack(t *testing.T) {
	pg := newCluster(t)
	a := startAppliance(t, quiet+fmt.Sprintf("state: {dsn: %q}\n", pg.dsn()), "")
	taken := 0
	// send gives 30 failed log-ons from an address and counts what was acknowledged.
	send := func(from string) (acknowledged int) {
		t.Helper()
		var body strings.Builder
		for i := range 30 {
			line, err := json.Marshal(map[string]string{"message": fmt.Sprintf(
				"<86>%s pg01 sshd[4%03d]: Failed password for invalid user admin from %s port 4%03d ssh2", time.Now().Format(time.Stamp), i,
				from, i)})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&body, "{\"create\":{}}\n%s\n", line)
		}
		_, items, err := a.bulk([]byte(body.String()))
		if err != nil {
			t.Logf("from %s: %v", from, err)
		}
		for _, status := range items {
			if status == 201 {
				acknowledged++
			}
		}
		taken += acknowledged
		return acknowledged
	}
	alertOf := func(address string) bool {
		return slices.ContainsFunc(a.alerts("analyst", ""), func(x alert) bool {
			return x.Address == address || strings.Contains(x.Evidence, address)
		})
	}
	if n := send("203.0.113.1"); n != 30 {
		t.Fatalf("%d of 30 events were taken while all was well", n)
	}
	until(t, "an alert while all is well", 30*time.Second, func() bool { return alertOf("203.0.113.1") })
	a.token("auditor") // made while there is a database

	down := func() {
		t.Helper()
		pg.stop()
		until(t, "/readyz to name the state database", 30*time.Second, func() bool {
			status, body := a.ready()
			return status == 503 && strings.Contains(body, `"state"`) && strings.Contains(body, "state database")
		})
		for _, path := range []string{"/api/status", "/api/alerts", "/api/overview"} {
			status, raw, err := a.tryCall("analyst", "GET", path, nil)
			if err != nil || status != 503 || !strings.Contains(string(raw), "state_unavailable") {
				t.Errorf("%s without a database: %d %v %.300s; want 503 and its cause", path, status, err, raw)
			}
		}
	}
	back := func() {
		t.Helper()
		pg.start()
		until(t, "/readyz to be well again", time.Minute, func() bool { status, _ := a.ready(); return status == 200 })
	}

	down()
	if n := send("203.0.113.2"); n != 30 {
		t.Errorf("%d of 30 events of a known sender were taken while the database was away, want all: queue and store stand on the disk", n)
	}
	back()
	until(t, "the alert of what came while the database was away", time.Minute, func() bool { return alertOf("203.0.113.2") })
	until(t, "the status bar to be well again", time.Minute, func() bool { return !a.troubled("state") })
	until(t, "the alert that the state database was in trouble", time.Minute, func() bool {
		return slices.ContainsFunc(a.alerts("analyst", ""), func(x alert) bool { return strings.Contains(x.Evidence, "state database") })
	})

	down()
	if n := send("203.0.113.3"); n != 30 {
		t.Errorf("%d of 30 events were taken the second time", n)
	}
	a.stop(syscall.SIGKILL)
	if err := a.tryStart(); err == nil {
		t.Error("the appliance starts without its database")
	}
	pg.start()
	a.start()
	until(t, "/readyz after the start", time.Minute, func() bool { status, _ := a.ready(); return status == 200 })
	until(t, "the alert of what came before the kill", time.Minute, func() bool { return alertOf("203.0.113.3") })
	sum := a.balanced()
	if sum.Stored < int64(taken) {
		t.Errorf("the ledger counts %d events stored, %d were acknowledged: %+v", sum.Stored, taken, sum)
	}
	for _, address := range []string{"203.0.113.1", "203.0.113.2", "203.0.113.3"} {
		a.find("source.ip:"+address, 30)
	}
}

// TestPostgresHangs: PostgreSQL keeps its connections open and answers nothing, as on a machine that swaps or a disk that does not return.
// /readyz answers in its time and names the state database, and nobody waits for ever: the console and a sender that nobody knows get
// their 503. When PostgreSQL goes on, all is well by itself.
func TestPostgresHangs(t *testing.T) {
	pg := newCluster(t)
	a := startAppliance(t, quiet+fmt.Sprintf("state: {dsn: %q}\n", pg.dsn()), "")
	a.token("analyst")
	pg.signal(syscall.SIGSTOP)
	t.Cleanup(func() { pg.signal(syscall.SIGCONT) }) // else it cannot be stopped
	for range 2 {
		began := time.Now()
		status, body := a.ready()
		if took := time.Since(began); status != 503 || !strings.Contains(body, `"state"`) || took > 10*time.Second {
			t.Errorf("/readyz after %s: %d %.400s; want 503 that names the state database", took, status, body)
		}
	}
	// Other work of the appliance's own may stand before a question: its connection waits 15 s, the next one is made for 5.
	patient := &http.Client{Timeout: time.Minute}
	ask := func(method, url, token, body, want string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/x-ndjson")
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		began := time.Now()
		res, err := patient.Do(req)
		if err != nil {
			t.Errorf("%s %s: %v after %s", method, url, err, time.Since(began))
			return
		}
		defer res.Body.Close()
		if raw, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 503 || !strings.Contains(string(raw), want) {
			t.Errorf("%s %s after %s: %d %v %.300s; want 503 with %s", method, url, time.Since(began), res.StatusCode, err, raw, want)
		}
	}
	var all sync.WaitGroup
	all.Go(func() {
		ask("GET", "http://127.0.0.1:"+a.ports.console+"/api/alerts", a.token("analyst"), "", "state_unavailable")
	})
	all.Go(func() {
		ask("POST", "http://127.0.0.1:"+a.ports.bulk+"/_bulk", "", "{\"create\":{}}\n{\"message\":\"x\"}\n", "unavailable_exception")
	})
	all.Wait()
	pg.signal(syscall.SIGCONT)
	until(t, "/readyz to be well again", time.Minute, func() bool { status, _ := a.ready(); return status == 200 })
	until(t, "the console to answer again", time.Minute, func() bool {
		status, _, err := a.tryCall("analyst", "GET", "/api/alerts", nil)
		return err == nil && status == 200
	})
}

// TestStopWhilePostgresHangs: the appliance ends when it is told to though PostgreSQL answers nothing, before the service manager kills it
// (90 s), and starts again when PostgreSQL goes on.
func TestStopWhilePostgresHangs(t *testing.T) {
	pg := newCluster(t)
	a := startAppliance(t, quiet+fmt.Sprintf("state: {dsn: %q}\n", pg.dsn()), "")
	pg.signal(syscall.SIGSTOP)
	t.Cleanup(func() { pg.signal(syscall.SIGCONT) })
	until(t, "/readyz to name the state database", 30*time.Second, func() bool {
		status, body := a.ready()
		return status == 503 && strings.Contains(body, `"state"`)
	})
	began := time.Now()
	a.stopWithin(syscall.SIGTERM, 85*time.Second)
	t.Logf("ended after %s", time.Since(began))
	pg.signal(syscall.SIGCONT)
	a.start()
	until(t, "/readyz to be well again", time.Minute, func() bool { status, _ := a.ready(); return status == 200 })
}

// signal sends sig to the server and every process of its own.
func (c *cluster) signal(sig syscall.Signal) {
	raw, err := os.ReadFile(filepath.Join(c.dir, "data", "postmaster.pid"))
	if err != nil {
		return // it does not run
	}
	head, _, _ := strings.Cut(string(raw), "\n")
	main, err := strconv.Atoi(head)
	if err != nil {
		c.Fatal(err)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", main, main))
	if err != nil {
		c.Fatal(err)
	}
	for _, pid := range append([]string{head}, strings.Fields(string(children))...) {
		n, err := strconv.Atoi(pid)
		if err != nil {
			c.Fatal(err)
		}
		syscall.Kill(n, sig) //nolint:errcheck // one that has ended meanwhile
	}
}

// troubled says whether the status bar names a part as not ready.
func (a *appliance) troubled(name string) bool {
	a.Helper()
	var status struct{ Parts []struct{ Name string } }
	a.get("analyst", "/api/status", &status)
	return slices.ContainsFunc(status.Parts, func(p struct{ Name string }) bool { return p.Name == name })
}

// ready asks /readyz.
func (a *appliance) ready() (status int, body string) {
	a.Helper()
	res, err := apiClient.Get("http://127.0.0.1:" + a.ports.console + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(raw)
}

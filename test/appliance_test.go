package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hoalu/internal/needed"
)

// The built binary is what is tested here. It is built once for all tests of the package, with CGO off as it is shipped.
var build struct {
	once sync.Once
	dir  string
	path string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if build.dir != "" {
		os.RemoveAll(build.dir)
	}
	os.Exit(code)
}

// hoalu is the path of the built binary.
func hoalu(t *testing.T) string {
	t.Helper()
	build.once.Do(func() {
		if build.dir, build.err = os.MkdirTemp("", "hoalu-test-"); build.err != nil {
			return
		}
		build.path = filepath.Join(build.dir, "hoalu")
		cmd := exec.Command("go", "build", "-o", build.path, "hoalu/cmd/hoalu")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			build.err = fmt.Errorf("build hoalu: %w\n%s", err, out)
		}
	})
	if build.err != nil {
		t.Fatal(build.err)
	}
	return build.path
}

// appliance is one running hoalu serve with a data directory, a home and ports of its own.
type appliance struct {
	*testing.T
	data, home, config string
	ports              ports
	tokens             map[string]string
	as                 *syscall.Credential // whom it runs as; nil: as the test does

	cmd    *exec.Cmd
	done   chan struct{} // closed when the process has ended
	banner string        // what it printed once it was up
	log    string        // file its standard error goes to
}

type ports struct{ console, syslog, tls, bulk, sensors string }

// givenPorts are those that freePort gave out.
var givenPorts sync.Map

// freePort is a port that nothing listens on, for TCP and UDP. It is below those that the kernel gives to connections and to listeners
// that ask for any, which would take it before it is used.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		port := strconv.Itoa(12000 + rand.IntN(20000))
		if _, given := givenPorts.LoadOrStore(port, true); given {
			continue
		}
		ln, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		pc, err := net.ListenPacket("udp", "127.0.0.1:"+port)
		ln.Close()
		if err == nil {
			pc.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

// quiet is the configuration of an appliance that hears only what a test sends: no sensor, no files of the host.
const quiet = "sensor: {packet: false, host: false}\nfiles: {host: false}\n"

// newAppliance makes the folders and the configuration; extra is YAML of other top keys. listen, if not empty, is more of the key listen.
func newAppliance(t *testing.T, extra, listen string) *appliance {
	t.Helper()
	a := &appliance{T: t, data: t.TempDir(), home: t.TempDir(), tokens: map[string]string{}}
	a.ports = ports{freePort(t), freePort(t), freePort(t), freePort(t), freePort(t)}
	a.config = filepath.Join(a.home, "hoalu.yml")
	a.log = filepath.Join(a.home, "serve.log")
	p := a.ports
	text := fmt.Sprintf("listen:\n  console: 127.0.0.1:%s\n  syslog_udp: 127.0.0.1:%s\n  syslog_tcp: 127.0.0.1:%s\n  syslog_tls: 127.0.0.1:%s\n  bulk: 127.0.0.1:%s\n  sensors: 127.0.0.1:%s\n%s\n%s",
		p.console, p.syslog, p.syslog, p.tls, p.bulk, p.sensors, listen, extra)
	if err := os.WriteFile(a.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.stop(syscall.SIGKILL)
		if t.Failed() {
			if b, err := os.ReadFile(a.log); err == nil {
				t.Logf("log of the appliance (its end):\n%s", b[max(0, len(b)-6000):])
			}
		}
	})
	return a
}

// startAppliance is newAppliance and start.
func startAppliance(t *testing.T, extra, listen string) *appliance {
	t.Helper()
	a := newAppliance(t, extra, listen)
	a.start()
	return a
}

// start runs the binary and returns when it says that it is up.
func (a *appliance) start() {
	a.Helper()
	if err := a.tryStart(); err != nil {
		a.Fatal(err)
	}
}

func (a *appliance) tryStart() error {
	cmd := exec.Command(hoalu(a.T), "serve", "--data", a.data, "--config", a.config)
	cmd.Env = append(os.Environ(), "HOME="+a.home, "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=")
	logFile, err := os.OpenFile(a.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer logFile.Close()
	cmd.Stderr = logFile
	if a.as != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.as}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	a.cmd, a.done = cmd, make(chan struct{})
	up := make(chan string, 1)
	go func() {
		var said strings.Builder
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			said.WriteString(sc.Text() + "\n")
			if strings.Contains(sc.Text(), "hoalu try") || strings.Contains(sc.Text(), " try") && strings.Contains(sc.Text(), "(try)") {
				up <- said.String()
				break
			}
		}
		io.Copy(io.Discard, out)
		cmd.Wait()
		close(a.done)
	}()
	select {
	case a.banner = <-up:
		return nil
	case <-a.done:
		b, _ := os.ReadFile(a.log)
		return fmt.Errorf("the appliance stopped at its start: %v\n%s", cmd.ProcessState, b)
	case <-time.After(30 * time.Second):
		cmd.Process.Kill()
		return errors.New("the appliance is not up after 30 s")
	}
}

// stop sends a signal and waits for the end.
func (a *appliance) stop(sig syscall.Signal) {
	a.Helper()
	a.stopWithin(sig, 20*time.Second)
}

func (a *appliance) stopWithin(sig syscall.Signal, limit time.Duration) {
	a.Helper()
	if a.cmd == nil || a.cmd.Process == nil {
		return
	}
	a.cmd.Process.Signal(sig)
	select {
	case <-a.done:
	case <-time.After(limit):
		a.cmd.Process.Kill()
		<-a.done
		a.Errorf("the appliance did not end within %s of %v", limit, sig)
	}
	a.cmd = nil
}

// run is another command of the binary; it returns what it printed and its exit code.
func (a *appliance) run(args ...string) (stdout, stderr string, code int) {
	a.Helper()
	return runHoalu(a.T, a.home, nil, args...)
}

func runHoalu(t *testing.T, home string, stdin io.Reader, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(hoalu(t), args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=")
	var o, e bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &o, &e
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			t.Fatal(err)
		}
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// must is run, and fails unless the code is 0.
func (a *appliance) must(args ...string) string {
	a.Helper()
	out, errs, code := a.run(args...)
	if code != 0 {
		a.Fatalf("hoalu %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// token is an API token of a role; "owner/DV-01" is an owner of that unit.
func (a *appliance) token(role string) string {
	a.Helper()
	if a.tokens[role] == "" {
		name, unit, _ := strings.Cut(role, "/")
		args := []string{"token", "create", "--data", a.data, "--role", name}
		if unit != "" {
			args = append(args, "--unit", unit)
		}
		a.tokens[role] = strings.TrimSpace(a.must(args...))
	}
	return a.tokens[role]
}

// call asks the API as a role and returns the status and the raw answer.
func (a *appliance) call(role, method, path string, body any) (int, []byte) {
	a.Helper()
	status, raw, err := a.tryCall(role, method, path, body)
	if err != nil {
		a.Fatal(err)
	}
	return status, raw
}

var apiClient = &http.Client{Timeout: 20 * time.Second}

func (a *appliance) tryCall(role, method, path string, body any) (int, []byte, error) {
	a.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, "http://127.0.0.1:"+a.ports.console+path, in)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token(role))
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := apiClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	return res.StatusCode, raw, err
}

// get asks for path and decodes the answer into out; another status than 200 fails.
func (a *appliance) get(role, path string, out any) {
	a.Helper()
	a.do(role, "GET", path, nil, out)
}

func (a *appliance) do(role, method, path string, body, out any) {
	a.Helper()
	status, raw := a.call(role, method, path, body)
	if status/100 != 2 {
		a.Fatalf("%s %s as %s: %d %s", method, path, role, status, raw)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			a.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
}

// eventsFound is a page of GET /api/events.
type eventsFound struct {
	Events []map[string]any `json:"events"`
	Total  int              `json:"total"`
	Capped bool             `json:"capped"`
	Next   string           `json:"next"`
}

func (a *appliance) search(role, query string) eventsFound {
	a.Helper()
	var out eventsFound
	a.get(role, "/api/events?limit=1000&query="+url.QueryEscape(query), &out)
	return out
}

// find waits for n events of a query.
func (a *appliance) find(query string, n int) []map[string]any {
	a.Helper()
	var got eventsFound
	until(a.T, fmt.Sprintf("%d events of %s", n, query), 15*time.Second,
		func() bool { got = a.search("analyst", query); return got.Total >= n })
	if got.Total != n {
		a.Fatalf("%s finds %d events, want %d: %v", query, got.Total, n, got.Events)
	}
	return got.Events
}

// alert is what the tests read of an alert.
type alert struct {
	ID, Number, Rule, State, Host, User, Address, Evidence, Source string
	Severity                                                       string
	Title                                                          map[string]string
	System                                                         struct{ ID, Name string }
	Count                                                          int
	First, Last                                                    time.Time
	Attack                                                         []string
	Version                                                        int64
	Exercise, Demo                                                 bool

	Trace []struct {
		Search, Field, Op, Want, Got string
		Matched                      bool
	}
	Why        map[string]string
	Runbook    map[string][]string
	Events     []map[string]any
	EventIDs   []string `json:"event_ids"`
	History    []struct{ Action string }
	Deliveries []struct {
		ID, State, LastError string
		Receipt              *struct {
			ID       string
			Verified bool
		}
	}
}

// alerts lists all alerts a query (URL parameters) holds.
func (a *appliance) alerts(role, params string) []alert {
	a.Helper()
	var all []alert
	after := ""
	for {
		var page struct {
			Items []alert
			Next  string
		}
		a.get(role, "/api/alerts?view=all&from=1000000000000&limit=500&"+params+"&after="+url.QueryEscape(after), &page)
		all = append(all, page.Items...)
		if after = page.Next; after == "" {
			return all
		}
	}
}

func (a *appliance) alert(role, id string) alert {
	a.Helper()
	var x alert
	a.get(role, "/api/alerts/"+id, &x)
	return x
}

// until waits for a condition and fails after within.
func until(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for %s", within, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// ledger sums what the ledger says of all sources.
type ledgerSum struct {
	Received, Stored, Quarantined, Rejected, Duplicate, Dropped, Difference int64
	InFlight                                                                int64 `json:"in_flight"`
	Reasons                                                                 map[string]int64
}

func (a *appliance) ledger() (sum ledgerSum, off []json.RawMessage) {
	a.Helper()
	var page struct {
		Items []json.RawMessage
		Sum   ledgerSum
	}
	a.get("auditor", "/api/ledger?view=source&limit=5000", &page)
	for _, raw := range page.Items {
		var x ledgerSum
		if err := json.Unmarshal(raw, &x); err != nil {
			a.Fatal(err)
		}
		if x.Difference != 0 {
			off = append(off, raw)
		}
	}
	return page.Sum, off
}

// settled waits until the ledger and detection have read everything that is durable.
func (a *appliance) settled(within time.Duration) {
	a.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", filepath.Join(a.data, "control.sock"))
		}}}
	var s struct {
		Last     uint64 `json:"queue_last"`
		Counted  uint64 `json:"counted"`
		Detected uint64 `json:"detected"`
	}
	until(a.T, "the readers of the queue to reach its end", within, func() bool {
		res, err := client.Get("http://control/status")
		if err != nil {
			a.Fatal(err)
		}
		defer res.Body.Close()
		if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
			a.Fatal(err)
		}
		return s.Detected >= s.Last && s.Counted >= s.Last
	})
}

// balanced waits until everything is read, nothing is in flight and every row of the ledger balances.
func (a *appliance) balanced() ledgerSum {
	a.Helper()
	a.settled(time.Minute)
	var sum ledgerSum
	var off []json.RawMessage
	deadline := time.Now().Add(20 * time.Second)
	for {
		if sum, off = a.ledger(); len(off) == 0 && sum.InFlight == 0 && sum.Difference == 0 {
			return sum
		}
		if time.Now().After(deadline) {
			a.Fatalf("the ledger does not balance: %+v\n%s", sum, off)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// bulk sends an NDJSON body and returns the status and the items' statuses.
func (a *appliance) bulk(body []byte) (status int, items []int, err error) {
	res, err := apiClient.Post("http://127.0.0.1:"+a.ports.bulk+"/_bulk", "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return res.StatusCode, nil, err
	}
	if res.StatusCode != http.StatusOK {
		return res.StatusCode, nil, fmt.Errorf("%s", raw)
	}
	var out struct {
		Items []map[string]struct{ Status int }
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return res.StatusCode, nil, err
	}
	for _, it := range out.Items {
		for _, x := range it {
			items = append(items, x.Status)
		}
	}
	return res.StatusCode, items, nil
}

// testdata is the folder of the large data sets; without it, and outside CI, the test is left out and says so.
func testdata(t *testing.T, parts ...string) string {
	t.Helper()
	dir := os.Getenv("HOALU_TESTDATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "data")
	}
	path, err := filepath.Abs(filepath.Join(append([]string{dir}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		needed.Missing(t, "%v; set HOALU_TESTDATA", err)
	}
	return path
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"

	"hoalu/internal/app"
	"hoalu/internal/config"
	"hoalu/internal/control"
	"hoalu/soc"
)

// trigger is a rule whose alerts the latency area waits for: it fires on nothing that the other messages hold. There are many of them,
// because a rule that makes more than 30 alerts a minute on one system is folded into one.
const trigger = `title: Benchmark trigger %[1]d
id: 7d0a6a4e-3a55-4f0e-9d0c-5f1f0c2b8%03[1]d
status: test
description: Fires on the benchmark's own log-ins.
logsource: {product: linux, service: sshd}
detection:
  selection:
    user.name|startswith: bench-trigger-%[1]d-
  condition: selection
level: high
`

const triggers = 80

// appliance is the built binary on a data directory of its own, on free ports of loopback.
type appliance struct {
	dir     string
	config  string
	listen  config.Listen
	cores   int   // GOMAXPROCS, 0: all
	cpu     []int // processors it may run on, nil: all
	binary  string
	sensors bool

	cmd     *exec.Cmd
	exited  chan error   // the binary's end
	inside  func() error // in-process appliance: stops it
	control *control.Client
	token   string
	client  *http.Client
}

// prepare makes a directory and a configuration.
func (b *bench) prepare(sensors bool) (*appliance, error) {
	root := os.Getenv("HOALU_BENCH_DIR") // a disk of choice
	dir, err := os.MkdirTemp(root, "hoalu-bench-")
	if err != nil {
		return nil, err
	}
	a := &appliance{dir: dir, binary: b.hoalu, sensors: sensors,
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	for _, p := range []*string{&a.listen.Console, &a.listen.SyslogUDP, &a.listen.SyslogTCP, &a.listen.SyslogTLS, &a.listen.Bulk,
		&a.listen.Sensors} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, errors.Join(err, a.remove())
		}
		defer ln.Close() // all stay taken until all are chosen
		*p = ln.Addr().String()
	}
	a.listen.BulkTrust = true
	var rules bytes.Buffer
	for i := range triggers {
		fmt.Fprintf(&rules, "---\n"+trigger, i)
	}
	rule := filepath.Join(dir, "trigger.yml")
	if err := os.WriteFile(rule, rules.Bytes(), 0o600); err != nil {
		return nil, errors.Join(err, a.remove())
	}
	raw, err := yaml.Marshal(map[string]any{
		"listen":     a.listen,
		"detections": map[string]any{"rules": []string{rule}},
		"sensor":     map[string]any{"packet": sensors, "host": sensors},
		"files":      map[string]any{"host": false},
	})
	if err != nil {
		return nil, errors.Join(err, a.remove())
	}
	a.config = filepath.Join(dir, "bench.yml")
	if err := os.WriteFile(a.config, raw, 0o600); err != nil {
		return nil, errors.Join(err, a.remove())
	}
	return a, nil
}

func (a *appliance) remove() error { return os.RemoveAll(a.dir) }

func (a *appliance) data() string { return filepath.Join(a.dir, "data") }

// launch starts the binary and does not wait for it to serve.
func (a *appliance) launch() error {
	out, err := os.OpenFile(filepath.Join(a.dir, "out.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	a.cmd = exec.Command(a.binary, "serve", "--config", a.config, "--data", a.data())
	a.cmd.Stdout, a.cmd.Stderr = out, out
	for _, v := range os.Environ() { // a master key of its own, in the user's configuration folder
		if !strings.HasPrefix(v, "HOALU_") && !strings.HasPrefix(v, "CREDENTIALS_DIRECTORY=") {
			a.cmd.Env = append(a.cmd.Env, v)
		}
	}
	a.cmd.Env = append(a.cmd.Env, "XDG_CONFIG_HOME="+a.dir, "HOALU_LOG=warn")
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if a.cores > 0 {
		a.cmd.Env = append(a.cmd.Env, "GOMAXPROCS="+strconv.Itoa(a.cores))
	}
	// A child inherits the processors of the thread that makes it.
	runtime.LockOSThread()
	if len(a.cpu) > 0 {
		var before, set unix.CPUSet
		if err := unix.SchedGetaffinity(0, &before); err == nil {
			for _, c := range a.cpu {
				set.Set(c)
			}
			if err := unix.SchedSetaffinity(0, &set); err == nil {
				defer unix.SchedSetaffinity(0, &before) //nolint:errcheck // the thread is given back either way
			}
		}
	}
	defer runtime.UnlockOSThread()
	if err := a.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w; build it with make build", a.binary, err)
	}
	exited, cmd := make(chan error, 1), a.cmd
	a.exited = exited
	go func() { exited <- cmd.Wait(); close(exited) }()
	a.control = control.NewClient(a.data())
	return nil
}

// start launches and waits until the appliance answers, then makes an API token.
func (a *appliance) start(ctx context.Context) error {
	if err := a.launch(); err != nil {
		return err
	}
	return a.answer(ctx, 2*time.Minute, 50*time.Millisecond)
}

func (a *appliance) answer(ctx context.Context, limit, step time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		_, err := a.status(ctx)
		if err == nil {
			break
		}
		if time.Now().After(deadline) || ctx.Err() != nil || a.ended() {
			log, _ := os.ReadFile(filepath.Join(a.dir, "out.log"))
			return fmt.Errorf("the appliance does not answer: %w\n%s", err, log[max(0, len(log)-4000):])
		}
		pause(ctx, step)
	}
	if a.token != "" {
		return nil
	}
	var err error
	a.token, err = app.CreateToken(ctx, a.data(), "bench", []soc.Role{soc.Analyst, soc.Lead}, "", time.Hour)
	return err
}

// ended says that the binary has stopped by itself.
func (a *appliance) ended() bool {
	select {
	case <-a.exited: // nil while the appliance runs inside this process: never
		return true
	default:
		return false
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (a *appliance) status(ctx context.Context) (s app.Status, err error) {
	err = a.control.Call(ctx, "GET", "/status", nil, nil, &s)
	return s, err
}

// stop ends it as Ctrl-C does.
func (a *appliance) stop() error {
	if a.inside != nil {
		return a.inside()
	}
	if a.cmd == nil || a.cmd.Process == nil {
		return nil
	}
	if a.ended() {
		log, _ := os.ReadFile(filepath.Join(a.dir, "out.log"))
		return fmt.Errorf("the appliance stopped by itself\n%s", log[max(0, len(log)-4000):])
	}
	a.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may end just now
	defer func() { a.cmd = nil }()
	select {
	case err := <-a.exited:
		return err
	case <-time.After(time.Minute):
		a.cmd.Process.Kill() //nolint:errcheck // it may end just now
		<-a.exited
		return errors.New("the appliance did not stop within a minute")
	}
}

func (a *appliance) pid() int {
	if a.cmd == nil {
		return os.Getpid()
	}
	return a.cmd.Process.Pid
}

// cpuTime is what the process has used of all processors.
func (a *appliance) cpuTime() time.Duration {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.pid()))
	if err != nil {
		return 0
	}
	i := bytes.LastIndexByte(raw, ')')
	f := strings.Fields(string(raw[i+1:]))
	if len(f) < 13 {
		return 0
	}
	u, _ := strconv.ParseInt(f[11], 10, 64)
	s, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(u+s) * time.Second / 100 // USER_HZ is 100 on every platform Linux runs on here
}

// memory is a Vm… line of the process in bytes.
func (a *appliance) memory(key string) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.pid()))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, key+":"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb * 1024
		}
	}
	return 0
}

// resetPeak makes VmHWM begin again from what is resident now (proc(5), clear_refs).
func (a *appliance) resetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", a.pid()), []byte("5"), 0)
}

// filed counts the store's filed segments.
func (a *appliance) filed() int {
	files, err := filepath.Glob(filepath.Join(a.data(), "events", "*", "*", "*.parquet"))
	if err != nil {
		panic(err) // the pattern above
	}
	return len(files)
}

// metric reads one value of /metrics.
func (a *appliance) metric(ctx context.Context, name string) (float64, error) {
	raw, err := a.get(ctx, "/metrics", nil)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if v, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(v), 64)
		}
	}
	return 0, fmt.Errorf("no metric %s", name)
}

func (a *appliance) request(ctx context.Context, path string, q url.Values) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+a.listen.Console+path+"?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	res, err := a.client.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != 200 {
		defer res.Body.Close()
		raw, _ := io.ReadAll(io.LimitReader(res.Body, 2000))
		return nil, fmt.Errorf("GET %s: %s: %s", path, res.Status, raw)
	}
	return res, nil
}

func (a *appliance) get(ctx context.Context, path string, q url.Values) ([]byte, error) {
	res, err := a.request(ctx, path, q)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	return io.ReadAll(res.Body)
}

// found counts the events of the last hour that a query holds for.
func (a *appliance) found(ctx context.Context, query string) (int64, error) {
	raw, err := a.get(ctx, "/api/events", url.Values{"query": {query}, "limit": {"1"},
		"from": {strconv.FormatInt(time.Now().Add(-time.Hour).UnixMilli(), 10)},
		"to":   {strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10)}})
	if err != nil {
		return 0, err
	}
	var v struct{ Total int64 }
	err = json.Unmarshal(raw, &v)
	return v.Total, err
}

// bulk posts documents and demands that each is durable.
func (a *appliance) bulk(ctx context.Context, body []byte, docs int) error {
	req, err := http.NewRequestWithContext(ctx, "POST", "http://"+a.listen.Bulk+"/logs-bench/_bulk", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	res, err := a.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != 200 {
		return fmt.Errorf("_bulk answers %s: %s", res.Status, raw[:min(len(raw), 300)])
	}
	if !bytes.Contains(raw[:min(len(raw), 200)], []byte(`"errors":false`)) {
		return fmt.Errorf("_bulk refuses some of %d documents: %s", docs, raw[:min(len(raw), 300)])
	}
	return nil
}

// alertNotices sends the ids of changed alerts until ctx ends, as an open browser gets them.
func (a *appliance) alertNotices(ctx context.Context, ids chan<- string) error {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+a.listen.Console+"/api/stream", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	res, err := (&http.Client{}).Do(req)
	if err != nil {
		return err
	}
	if res.StatusCode != 200 {
		res.Body.Close()
		return fmt.Errorf("GET /api/stream: %s", res.Status)
	}
	go func() {
		defer close(ids)
		defer res.Body.Close()
		sc := bufio.NewScanner(res.Body)
		for sc.Scan() {
			data, ok := strings.CutPrefix(sc.Text(), "data: ")
			if !ok {
				continue
			}
			var n struct{ Topic, ID string }
			if json.Unmarshal([]byte(data), &n) == nil && n.Topic == "alert" {
				select {
				case ids <- n.ID:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return nil
}

// inProcess runs the appliance inside this process, for a profile.
func (a *appliance) inProcess(ctx context.Context) error {
	cfg, err := config.Load(a.config)
	if err != nil {
		return err
	}
	if err := os.Setenv("XDG_CONFIG_HOME", a.dir); err != nil { // a master key of its own
		return err
	}
	ready := make(chan struct{})
	x, err := app.New(ctx, app.Options{Data: a.data(), Config: cfg, Ready: func(string, string) { close(ready) }})
	if err != nil {
		return err
	}
	run, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- x.Run(run) }()
	a.inside = sync.OnceValue(func() error { cancel(); return <-done })
	select {
	case <-ready:
	case err := <-done:
		return fmt.Errorf("the appliance ended: %w", err)
	}
	a.control = control.NewClient(a.data())
	return a.answer(ctx, time.Minute, 20*time.Millisecond)
}

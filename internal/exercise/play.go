package exercise

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hoalu/internal/lang"
	"hoalu/internal/wording"
)

// Rules of the product's own pack that an exercise must fire.
const (
	RuleGuessing  = "fdc885df-ef6a-4f99-9109-e4ac8b066beb" // lnx_sshd_password_guessing
	RuleGuessed   = "cbad0b11-2ea9-4ed8-a8e6-277afea7cc4a" // lnx_sshd_guessing_success
	RuleWebShell  = "f9fd2f75-0dc5-4721-875f-5c359cd04ce2" // web_webshell_request
	RuleWebServer = "6f7b9c4e-2d1a-4f3b-9a55-0c8e6d2b7f10" // proc_creation_lnx_webserver_shell
	RuleDNSTunnel = "1a03cf97-09fc-47f0-93ae-32d16992390a" // net_dns_tunnel_unique_names
)

// RulesOf are the rules a kind must fire.
var RulesOf = map[Kind][]string{SSH: {RuleGuessing, RuleGuessed}, Web: {RuleWebShell}, Process: {RuleWebServer}, DNS: {RuleDNSTunnel}}

// Plan is what the appliance says of an exercise it has allowed.
type Plan struct {
	Token   string            `json:"token"`   // one of them, to ask for the alerts
	Tokens  map[string]string `json:"tokens"`  // by kind
	Host    string            `json:"host"`    // this machine's name, as its events carry it
	Syslog  string            `json:"syslog"`  // address of the TCP listener, "" none
	Process Probe             `json:"process"` // may a process be seen?
	Packet  Probe             `json:"packet"`  // may packets on loopback be seen?
	Expect  []Expected        `json:"expect"`
	Console string            `json:"console"`
}

// Probe says whether a probe of this machine's own sensor runs, and why not.
type Probe struct {
	Running bool             `json:"running"`
	Why     *wording.Problem `json:"why,omitempty"`
}

// Expected is an alert the exercise must raise.
type Expected struct {
	Rule  string            `json:"rule"`
	Kind  string            `json:"kind"`
	Title map[string]string `json:"title"`
	Off   bool              `json:"off,omitempty"` // the rule does not run here
}

// Alert is one that an exercise raised.
type Alert struct {
	Number   string            `json:"number"`
	Rule     string            `json:"rule"`
	Title    map[string]string `json:"title"`
	Severity string            `json:"severity"`
	System   string            `json:"system"`
	Evidence string            `json:"evidence"`
}

// Control reaches the running appliance (app.Control).
type Control interface {
	Call(ctx context.Context, method, path string, q url.Values, body io.Reader, v any) error
}

// ErrMissing means that an alert did not appear in time.
var ErrMissing = errors.New("an alert is missing")

// Play runs an exercise, tells out what it does, waits for its alerts at most wait, and lists them. It returns ErrMissing, naming
// what is missing, when not all appeared.
func Play(ctx context.Context, c Control, out io.Writer, wait time.Duration) error {
	var p Plan
	if err := c.Call(ctx, "POST", "/exercise", nil, nil, &p); err != nil {
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(out, lang.T(format)+"\n", args...) }
	say("This is an exercise. Nothing is broken into and nothing leaves this machine.")
	say("Every event carries the mark %s… and every alert the sign “diễn tập” (exercise).", p.Token[:12])
	say("")
	began := time.Now()
	for i, step := range []struct {
		kind Kind
		run  func() error
	}{
		{SSH, func() error { return p.ssh(ctx, c, say) }},
		{Web, func() error { return p.web(ctx, c, say) }},
		{Process, func() error { return p.process(ctx, c, say) }},
		{DNS, func() error { return p.dns(ctx, c, say) }},
	} {
		fmt.Fprintf(out, "%d. ", i+1)
		if err := step.run(); err != nil {
			return fmt.Errorf("exercise %s: %w", step.kind, err)
		}
	}
	say("")
	missing := map[string]Expected{}
	for _, x := range p.Expect {
		if x.Off {
			say("Left out: the rule “%s” does not run here.", x.Title[lang.Code()])
		} else {
			missing[x.Rule] = x
		}
	}
	say("Waiting for %d alerts, at most %s seconds.", len(missing), lang.Decimal(wait.Seconds()))
	seen := map[string]bool{}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(wait)
	defer end.Stop()
	for len(missing) > 0 {
		var got struct{ Alerts []Alert }
		if err := c.Call(ctx, "GET", "/exercise", url.Values{"token": {p.Token}}, nil, &got); err != nil {
			return err
		}
		for _, a := range got.Alerts {
			if seen[a.Number] {
				continue
			}
			seen[a.Number] = true
			delete(missing, a.Rule)
			say("  %s  %-13s  %s, after %s s", a.Number, lang.T(a.Severity), a.Title[lang.Code()], lang.Decimal(time.Since(began).Seconds()))
		}
		if len(missing) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end.C:
			var names []string
			for _, x := range p.Expect {
				if _, ok := missing[x.Rule]; ok {
					names = append(names, fmt.Sprintf("“%s” (%s)", x.Title[lang.Code()], x.Kind))
				}
			}
			return fmt.Errorf(lang.T("%w after %s seconds: %s; look at the pages Sources, sensors and Ledger, and at the log of the appliance, for where its events stopped"), ErrMissing, lang.Decimal(wait.Seconds()), strings.Join(names, ", "))
		case <-tick.C:
		}
	}
	say("")
	say("All appeared. Look at them in the console, %s/alerts, view “Diễn tập” (Exercise), or open one: %s/alerts/CB-…", p.Console, p.Console)
	say("Close them with the reason “diễn tập” (key 5). They count in no figure and are not sent to the national centre.")
	return nil
}

// stamp is the time of line i of n: the last one is now.
func stamp(i, n int) time.Time { return time.Now().Add(time.Duration(i-n+1) * 200 * time.Millisecond) }

// lines hands syslog messages to the appliance's listener, or over the control socket where there is none.
func (p *Plan) lines(ctx context.Context, c Control, msgs []string) error {
	if p.Syslog == "" {
		return c.Call(ctx, "POST", "/exercise/send", url.Values{"format": {"syslog"}}, strings.NewReader(strings.Join(msgs, "\n")), nil)
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", p.Syslog)
	if err != nil {
		return fmt.Errorf("connect to the syslog listener: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	for _, m := range msgs { // octet counting, RFC 6587
		if _, err := fmt.Fprintf(conn, "%d %s", len(m), m); err != nil {
			return fmt.Errorf("send syslog: %w", err)
		}
	}
	return nil
}

// record hands records as the sensor makes them to the appliance over the control socket, where a probe may not run.
func (p *Plan) record(ctx context.Context, c Control, records ...map[string]any) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	for _, r := range records {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return c.Call(ctx, "POST", "/exercise/send", url.Values{"format": {"ecs"}}, &body, nil)
}

func (p *Plan) ssh(ctx context.Context, c Control, say func(string, ...any)) error {
	token := p.Tokens[SSH.String()]
	from := Address(token)
	say("SSH: nine wrong passwords for “dientap” from %s and then a log-in, as log lines of this host.", from)
	const n = 10
	msgs := make([]string, n)
	for i := range msgs {
		what := "Failed"
		if i == n-1 {
			what = "Accepted"
		}
		msgs[i] = fmt.Sprintf(`<38>1 %s %s sshd %d - [exercise@32473 mark="%s"] %s password for dientap from %s port %d ssh2`,
			stamp(i, n).UTC().Format("2006-01-02T15:04:05.000000Z"), p.Host, os.Getpid(), token, what, from, 40000+i)
	}
	return p.lines(ctx, c, msgs)
}

func (p *Plan) web(ctx context.Context, c Control, say func(string, ...any)) error {
	token := p.Tokens[Web.String()]
	from := Address(token)
	say("Web: one request for a web shell from %s, as an access line of nginx.", from)
	now := stamp(0, 1)
	return p.lines(ctx, c,
		[]string{fmt.Sprintf(`<190>1 %s %s nginx %d - - %s - - [%s] "GET /uploads/hoalu-dien-tap.php?cmd=id&x=%s HTTP/1.1" 200 57 "-" "hoalu-try"`,
			now.UTC().Format("2006-01-02T15:04:05.000000Z"), p.Host, os.Getpid(), from, now.Format("02/Jan/2006:15:04:05 -0700"), token)})
}

func (p *Plan) process(ctx context.Context, c Control, say func(string, ...any)) error {
	token := p.Tokens[Process.String()]
	why := p.Process.Why
	if p.Process.Running {
		err := spawn(ctx, token)
		if err == nil {
			say("Process: a copy of the shell named nginx starts “sh -c id”; the process probe sees it.")
			return nil
		}
		why = wording.Of(err)
	}
	say("Process: no real process (%s); the same as a record of the sensor: nginx starts “sh -c id”.", why.Say(lang.T))
	return p.record(ctx, c, map[string]any{"@timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "event.kind": "event",
		"event.category": "process", "event.type": "start", "event.action": "exec",
		"event.module": "hoalu", "event.dataset": "hoalu.process", "host.name": p.Host, "process.pid": os.Getpid(), "process.name": "sh",
		"process.executable": "/bin/sh", "process.command_line": "sh -c " + Command(token),
		"process.parent.name": "nginx", "process.parent.executable": "/usr/sbin/nginx", "user.name": "www-data",
		"sigma.logsource.product": "linux", "sigma.logsource.category": "process_creation"})
}

// spawn runs the command below a process named nginx.
func spawn(ctx context.Context, token string) error {
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		return err
	}
	program, err := os.ReadFile(shell)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "hoalu-dien-tap-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	nginx := filepath.Join(dir, "nginx")
	if err := os.WriteFile(nginx, program, 0o700); err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	// The colon at the end keeps the shell from becoming the command instead of starting it.
	if out, err := exec.CommandContext(ctx, nginx, "-c", "sh -c '"+Command(token)+"'; :").CombinedOutput(); err != nil {
		return fmt.Errorf("run %s: %w: %s", nginx, err, bytes.TrimSpace(out))
	}
	return nil
}

const questions = 20

func (p *Plan) dns(ctx context.Context, c Control, say func(string, ...any)) error {
	token := p.Tokens[DNS.String()]
	name := func(i int) string { // what a tunnel would carry, in a first label of 40 letters
		return fmt.Sprintf("%s%02d.%s.%s", strings.Repeat("mzxw6ytboi", 4)[:38], i, token, Domain)
	}
	why := p.Packet.Why
	if p.Packet.Running {
		err := ask(ctx, name)
		if err == nil {
			say("DNS: %d questions for long names below %s, over loopback to a name server of this command's own; the packet probe sees them.",
				questions, Domain)
			return nil
		}
		why = wording.Of(err)
	}
	say("DNS: no real packets (%s); the same as records of the sensor: %d questions for long names below %s.", why.Say(lang.T), questions, Domain)
	var records []map[string]any
	for i := range questions {
		records = append(records, map[string]any{"@timestamp": stamp(i, questions).UTC().Format("2006-01-02T15:04:05.000Z"),
			"event.kind": "event", "event.category": "network", "event.action": "dns_query", "event.module": "packet",
			"event.dataset": "hoalu.dns", "network.protocol": "dns", "network.transport": "udp", "source.ip": "127.0.0.1", "source.port": 40000,
			"destination.ip": "127.0.0.1", "destination.port": 53, "observer.name": p.Host,
			"dns.type": "query", "dns.question.name": name(i), "dns.question.type": "A", "sigma.logsource.product": "hoalu",
			"sigma.logsource.service": "packet", "sigma.logsource.category": "dns"})
	}
	return p.record(ctx, c, records...)
}

// ask sends real questions and answers them all with “no such name”. The server is this function's own: a resolver of this host could
// pass the names on to the Internet.
func ask(ctx context.Context, name func(int) string) error {
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer server.Close()
	conn, err := net.DialUDP("udp4", nil, server.LocalAddr().(*net.UDPAddr))
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline := time.Now().Add(5 * time.Second)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	if err := errors.Join(server.SetDeadline(deadline), conn.SetDeadline(deadline)); err != nil {
		return err
	}
	buf := make([]byte, 512)
	for i := range questions {
		if _, err := conn.Write(question(uint16(4711+i), name(i))); err != nil {
			return err
		}
		n, from, err := server.ReadFromUDP(buf)
		if err != nil {
			return err
		}
		buf[2], buf[3] = 0x81, 0x83 // answer, recursion, NXDOMAIN
		if _, err := server.WriteToUDP(buf[:n], from); err != nil {
			return err
		}
		if _, err := conn.Read(buf); err != nil {
			return err
		}
	}
	return nil
}

// question is a DNS message that asks for an address of name (RFC 1035 §4.1).
func question(id uint16, name string) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	b = append(b, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0)
	for l := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(l))), l...)
	}
	return append(b, 0, 0, 1, 0, 1)
}

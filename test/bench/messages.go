package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"hoalu/soc"
)

// messages makes what a province's hosts send, half syslog (sshd, nginx), half JSON (Winlogbeat process creations, Suricata EVE), 870
// bytes on average, deterministic but for the time. Hosts, accounts, addresses and hashes vary as on a real network: few hosts send
// most; ids, ports and sessions never repeat, the hashes of an executable and the key of a person do.
type messages struct {
	r           *rand.Rand
	lines, docs int
	images      []image
	keys        []string // of people who log in by key
}

// image is an executable as a host has it; its hashes are the same wherever it runs.
type image struct{ path, hashes string }

func newMessages(seed uint64) *messages {
	m := &messages{r: rand.New(rand.NewPCG(seed, 870))}
	for range 40 { // versions
		for _, path := range []string{`C:\\Windows\\System32\\svchost.exe`, `C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE`,
			`C:\\Windows\\System32\\backgroundTaskHost.exe`, `C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe`} {
			m.images = append(m.images, image{path, fmt.Sprintf("SHA1=%s,MD5=%s,SHA256=%s,IMPHASH=%s", m.hex(40), m.hex(32), m.hex(64), m.hex(32))})
		}
	}
	for range 60 {
		m.keys = append(m.keys, strings.ToLower(m.hex(43)))
	}
	return m
}

var agents = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36 Edg/122.0.0.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
}

func (m *messages) hex(n int) string {
	const digits = "0123456789ABCDEF"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[m.r.IntN(16)]
	}
	return string(b)
}

// few picks below n, small numbers more often.
func (m *messages) few(n int) int { return min(m.r.IntN(n), m.r.IntN(n)) }

func (m *messages) address() string {
	return fmt.Sprintf("203.0.%d.%d", 100+m.few(20), 1+m.r.IntN(250))
}

// syslog is one RFC 3164 line without its newline.
func (m *messages) syslog(now time.Time) string {
	m.lines++
	stamp := now.In(soc.Zone)
	if m.lines%2 == 0 {
		who := m.few(20)
		return fmt.Sprintf("<86>%s csdl-%02d sshd[%d]: Accepted publickey for %s%d from 10.20.%d.%d port %d ssh2: ED25519 SHA256:%s",
			stamp.Format(time.Stamp), m.few(40), 2000+m.r.IntN(30000), []string{"quantri", "sao.luu", "trien.khai"}[who%3], who, m.few(16),
			1+m.r.IntN(250), 32768+m.r.IntN(28000), m.keys[who])
	}
	return fmt.Sprintf(`<190>%s web-%02d nginx: %s - - [%s] "GET /dich-vu-cong/ho-so/danh-sach?trang=%d&kichThuoc=20&ma=%s&tuKhoa=%s HTTP/1.1" %d %d "https://dichvucong.example.vn/trang-chu" "%s"`,
		stamp.Format(time.Stamp), m.few(30), m.address(), stamp.Format("02/Jan/2006:15:04:05 -0700"), 1+m.few(40), strings.ToLower(m.hex(32)),
		strings.Repeat("d%E1%BA%A5t", 24+m.r.IntN(10)),
		[]int{200, 200, 200, 304, 404}[m.r.IntN(5)], 300+m.r.IntN(60000), agents[m.r.IntN(len(agents))])
}

// document is one JSON document of a bulk request.
func (m *messages) document(now time.Time) string {
	m.docs++
	at := now.UTC().Format("2006-01-02T15:04:05.000Z")
	if m.docs%2 == 0 {
		host := fmt.Sprintf("PC-%03d.example.vn", m.few(400))
		img := m.images[m.few(len(m.images))]
		return fmt.Sprintf(`{"@timestamp":"%s","event":{"code":"1","kind":"event","provider":"Microsoft-Windows-Sysmon","action":"Process Create (rule: ProcessCreate)"},"host":{"name":"%s"},"log":{"level":"information"},"agent":{"type":"winlogbeat","version":"8.12.0","id":"4f1c2c1e-1111-4222-8333-%012d"},"ecs":{"version":"8.0.0"},"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"1","provider_name":"Microsoft-Windows-Sysmon","record_id":%d,"computer_name":"%s","task":"Process Create (rule: ProcessCreate)","opcode":"Info","process":{"pid":3428,"thread":{"id":4688}},"user":{"identifier":"S-1-5-18","domain":"NT AUTHORITY","name":"SYSTEM","type":"User"},"event_data":{"Company":"Microsoft Corporation","CommandLine":"\"%s\" -session %s","CurrentDirectory":"C:\\Users\\lan%d\\","Description":"Microsoft Windows Operating System component","OriginalFileName":"HOST.EXE","Product":"Microsoft® Windows® Operating System","RuleName":"-","FileVersion":"10.0.17763.1 (WinBuild.160101.0800)","Hashes":"%s","Image":"%s","IntegrityLevel":"Medium","LogonGuid":"{747f3d96-f9b3-6174-0000-%s}","LogonId":"0x%s","ParentCommandLine":"C:\\Windows\\Explorer.EXE","ParentImage":"C:\\Windows\\explorer.exe","ParentProcessGuid":"{747f3d96-f9b5-6174-8b00-00000000cb00}","ParentProcessId":"4552","ParentUser":"NB\\quantri","ProcessGuid":"{747f3d96-feae-6174-%s-00000000cb00}","ProcessId":"%d","TerminalSessionId":"1","User":"NB\\lan%d","UtcTime":"%s"}}}`,
			at, host, m.few(400), m.docs, host, img.path, m.hex(12), m.few(90), img.hashes, img.path, m.hex(12), m.hex(6), m.hex(4),
			100+m.r.IntN(30000), m.few(90), now.UTC().Format("2006-01-02 15:04:05.000"))
	}
	return fmt.Sprintf(`{"timestamp":"%s","flow_id":%d,"in_iface":"ens5","vlan":[120],"host":"cam-bien-01","event_type":"http","src_ip":"%s","src_port":%d,"dest_ip":"10.136.2.%d","dest_port":80,"proto":"TCP","pkt_src":"wire/pcap","flow":{"pkts_toserver":7,"pkts_toclient":6,"bytes_toserver":1422,"bytes_toclient":2310,"start":"2026-11-22T00:00:00.000000+0700"},"tx_id":%d,"community_id":"1:%s=","http":{"hostname":"dichvucong.example.vn","url":"/api/ho-so/%d?trang=%d","http_user_agent":"%s","http_content_type":"application/json","http_refer":"https://dichvucong.example.vn/","http_method":"GET","protocol":"HTTP/1.1","status":%d,"length":%d}}`,
		now.In(soc.Zone).Format("2006-01-02T15:04:05.000000-0700"), m.r.Int64N(1<<50), m.address(), 32768+m.r.IntN(28000), 1+m.few(40),
		m.r.IntN(4), m.hex(27), m.r.IntN(100000), m.few(40), agents[m.r.IntN(len(agents))], []int{200, 200, 204, 401, 404}[m.r.IntN(5)],
		m.r.IntN(90000))
}

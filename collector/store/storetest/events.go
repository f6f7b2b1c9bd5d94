package storetest

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"hoalu/collector/store"
	"hoalu/ecs"
)

// Generator makes deterministic events such as a province's systems send: network flows 38 %, processes 20 %, DNS 15 %, HTTP 13 %,
// log-ins 9 %, database audit 5 %; 46 systems whose shares fall as 1/k; about 26 fields and 870 bytes of JSON each.
type Generator struct {
	Start   int64 // Unix ms of the first event
	Rate    int   // events per second
	Systems int

	r       *rand.Rand
	n       uint64
	seq     uint64
	shares  []float64
	hosts   []host
	users   []string
	domains []string
	agents  []string
	paths   []string
}

type host struct {
	name, ip, os string
	system       int
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewGenerator starts at 2026-11-20T00:00:00Z with 2,000 events a second of 46 systems.
func NewGenerator(seed uint64) *Generator {
	g := &Generator{Start: 1795132800000, Rate: 2000, Systems: 46, r: rand.New(rand.NewPCG(seed, 7))}
	sum := 0.0
	for k := range g.Systems {
		sum += 1 / float64(k+1)
		g.shares = append(g.shares, sum)
	}
	for i := range 600 {
		g.hosts = append(g.hosts, host{name: fmt.Sprintf("may-%s-%03d", []string{"ubnd", "so-yte", "so-gd", "mcc", "csdl"}[i%5], i),
			ip: fmt.Sprintf("10.%d.%d.%d", i%46, i/250, 10+i%240), os: []string{"windows", "linux"}[i%2], system: i % g.Systems})
	}
	for i := range 900 {
		g.users = append(g.users, fmt.Sprintf("%s.%s%d",
			[]string{"an", "binh", "chi", "dung", "giang", "hoa", "lan", "minh", "nam", "phuong"}[i%10],
			[]string{"nguyen", "tran", "le", "pham", "hoang"}[i/10%5], i/50))
	}
	for i := range 3000 {
		g.domains = append(g.domains, fmt.Sprintf("%s%d.%s", []string{"cdn", "api", "update", "mail", "www", "s3", "static", "img"}[i%8], i,
			[]string{"ninhbinh.gov.vn", "microsoft.com", "google.com", "vnpt.vn", "viettel.vn", "cloudfront.net", "windowsupdate.com"}[i/8%7]))
	}
	for i := range 40 {
		g.agents = append(g.agents,
			fmt.Sprintf("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36", 90+i))
	}
	for i := range 800 {
		g.paths = append(g.paths, fmt.Sprintf("/dichvucong/%s/%d/%s", []string{"hoso", "thutuc", "tracuu", "nguoidung"}[i%4], i,
			[]string{"xem", "sua", "index.html", "api/v1/chi-tiet", "tai-len"}[i/4%5]))
	}
	return g
}

// zipf picks an index below n, small ones more often.
func (g *Generator) zipf(n int) int {
	return min(n-1, int(math.Exp(g.r.Float64()*math.Log(float64(n)+1)))-1)
}

func (g *Generator) system() int {
	x := g.r.Float64() * g.shares[len(g.shares)-1]
	for i, s := range g.shares {
		if x < s {
			return i
		}
	}
	return len(g.shares) - 1
}

// ID is an id as intake derives it: "q" and (epoch, sequence, index).
func ID(epoch uint32, seq uint64, index int) string {
	var b [14]byte
	binary.BigEndian.PutUint32(b[:], epoch)
	binary.BigEndian.PutUint64(b[4:], seq)
	binary.BigEndian.PutUint16(b[12:], uint16(index))
	return "q" + strings.ToLower(encoding.EncodeToString(b[:]))
}

// Block makes the next queue message.
func (g *Generator) Block(events int) store.Block {
	g.seq++
	b := store.Block{Epoch: "e1", First: g.seq, Last: g.seq}
	for i := range events {
		b.Events = append(b.Events, g.event(i))
	}
	return b
}

func (g *Generator) event(index int) *ecs.Event {
	r := g.r
	g.n++
	created := g.Start + int64(g.n)*1000/int64(g.Rate)
	sys := g.system()
	h := g.hosts[(sys+g.Systems*g.zipf(13))%len(g.hosts)]
	e := &ecs.Event{ID: ID(0x5eed, g.seq, index), Time: created - int64(r.IntN(1500)), Created: created, System: fmt.Sprintf("HT-%03d", sys+1),
		Source: fmt.Sprintf("NG-%04d", sys*4+1+r.IntN(3))}
	e.AddString(ecs.ECSVersion, "8.17")
	e.AddString(ecs.HostName, h.name)
	e.AddString(ecs.HostIP, h.ip)
	e.AddString(fieldOSType, h.os)
	user := g.users[g.zipf(len(g.users))]
	switch x := r.IntN(100); {
	case x < 38:
		g.flow(e)
	case x < 58:
		g.process(e, user, h.system)
	case x < 73:
		g.dns(e)
	case x < 86:
		g.web(e, user)
	case x < 95:
		g.login(e, user)
	default:
		g.database(e, user)
	}
	return e
}

// ip is an address, of our own hosts in seven of ten.
func (g *Generator) ip() string {
	if g.r.IntN(10) < 7 {
		return g.hosts[g.zipf(len(g.hosts))].ip
	}
	return fmt.Sprintf("%d.%d.%d.%d", 1+g.zipf(220), g.r.IntN(40)*6, g.r.IntN(256), g.r.IntN(256))
}

// flow fills e in as a connection that the packet probe saw.
func (g *Generator) flow(e *ecs.Event) {
	r := g.r
	port := []int64{443, 80, 53, 22, 3389, 445, 5432, 1433}[g.zipf(8)]
	src, dst := g.ip(), g.ip()
	sp := int64(32768 + r.IntN(28000))
	in, out := int64(math.Exp(4+r.NormFloat64()*2)), int64(math.Exp(6+r.NormFloat64()*2))
	e.AddString(ecs.EventKind, "event")
	e.AddString(ecs.EventCategory, "network")
	e.AddString(ecs.EventType, "connection")
	e.AddString(ecs.EventType, "end")
	e.AddString(ecs.EventAction, "network_flow")
	e.AddString(ecs.EventDataset, "hoalu.packet.flow")
	e.AddInt(ecs.EventDuration, int64(math.Exp(12+r.NormFloat64()*3)))
	e.AddString(ecs.SourceIP, src)
	e.AddInt(ecs.SourcePort, sp)
	e.AddInt(ecs.SourceBytes, in)
	e.AddInt(ecs.SourcePackets, 1+in/900)
	e.AddString(ecs.DestIP, dst)
	e.AddInt(ecs.DestPort, port)
	e.AddInt(ecs.DestBytes, out)
	e.AddInt(ecs.DestPackets, 1+out/1200)
	e.AddInt(ecs.NetBytes, in+out)
	e.AddString(ecs.NetTransport, []string{"tcp", "udp"}[b2i(port == 53)])
	e.AddString(ecs.NetType, "ipv4")
	e.AddString(ecs.NetDirection, []string{"internal", "outbound", "inbound"}[g.zipf(3)])
	e.AddString(ecs.NetProtocol, []string{"tls", "http", "dns", "ssh", "rdp", "smb", "postgresql", "tds"}[g.zipf(8)])
	var cid [20]byte
	for i := range cid {
		cid[i] = byte(r.Uint32())
	}
	e.AddString(ecs.NetCommunityID, "1:"+base64.StdEncoding.EncodeToString(cid[:]))
	e.AddString(ecs.ObserverName, "cambien-01")
	e.AddString(ecs.ObserverType, "sensor")
	e.SetLogsource("hoalu", "packet", "network_connection")
	e.AddString(fieldRelatedIP, src)
	e.AddString(fieldRelatedIP, dst)
}

// process fills e in as a process that started on a Windows host.
func (g *Generator) process(e *ecs.Event, user string, system int) {
	r := g.r
	proc := []string{"svchost.exe", "powershell.exe", "cmd.exe", "chrome.exe", "winword.exe", "rundll32.exe", "explorer.exe",
		"backup.exe"}[g.zipf(8)]
	parent := []string{"services.exe", "explorer.exe", "cmd.exe", "winlogon.exe"}[g.zipf(4)]
	e.AddString(ecs.EventKind, "event")
	e.AddString(ecs.EventCategory, "process")
	e.AddString(ecs.EventType, "start")
	e.AddString(ecs.EventAction, "process_creation")
	e.AddString(ecs.EventCode, "1")
	e.AddString(ecs.EventModule, "sysmon")
	e.AddString(ecs.EventDataset, "windows.sysmon_operational")
	e.AddString(ecs.ProcessName, proc)
	e.AddInt(ecs.ProcessPID, int64(4*(100+r.IntN(4000))))
	e.AddString(ecs.ProcessExecutable, `C:\Windows\System32\`+proc)
	e.AddString(ecs.ProcessCommandLine, fmt.Sprintf(`"C:\Windows\System32\%s" -k %s -p %d --task %x`, proc,
		[]string{"netsvcs", "LocalService", "NetworkService"}[g.zipf(3)], r.IntN(90), r.IntN(1<<r.IntN(20))))
	e.AddString(ecs.ParentName, parent)
	e.AddInt(ecs.ParentPID, int64(4*(100+r.IntN(1000))))
	e.AddString(ecs.ParentExecutable, `C:\Windows\System32\`+parent)
	e.AddString(fieldHash, fmt.Sprintf("%016x%016x%016x%016x", uint64(g.zipf(4000))*0x9e3779b97f4a7c15, uint64(g.zipf(3))*0xbf58476d1ce4e5b9,
		uint64(0x94d049bb133111eb), 77))
	e.AddString(ecs.UserName, user)
	e.AddString(ecs.UserDomain, "NINHBINH")
	e.AddString(fieldGUID, fmt.Sprintf("{%08x-%04x-%04x-%04x-%012x}", system*7919, r.IntN(1<<16), r.IntN(1<<16), r.IntN(1<<10),
		r.Uint64()>>44))
	e.AddString(fieldIntegrity, []string{"High", "System", "Medium"}[g.zipf(3)])
	e.AddString(fieldChannel, "Microsoft-Windows-Sysmon/Operational")
	e.AddInt(fieldRecord, int64(g.n)*3)
	e.SetLogsource("windows", "sysmon", "process_creation")
}

// dns fills e in as a name asked for.
func (g *Generator) dns(e *ecs.Event) {
	r := g.r
	name := g.domains[g.zipf(len(g.domains))]
	if r.IntN(20) == 0 {
		name = fmt.Sprintf("%x.%s", r.Uint32(), name)
	}
	e.AddString(ecs.EventKind, "event")
	e.AddString(ecs.EventCategory, "network")
	e.AddString(ecs.EventType, "protocol")
	e.AddString(ecs.EventAction, "dns_query")
	e.AddString(ecs.EventDataset, "hoalu.packet.dns")
	e.AddString(ecs.SourceIP, g.ip())
	e.AddInt(ecs.SourcePort, int64(32768+r.IntN(28000)))
	e.AddString(ecs.DestIP, "10.0.0.53")
	e.AddInt(ecs.DestPort, 53)
	e.AddString(ecs.NetTransport, "udp")
	e.AddString(ecs.NetProtocol, "dns")
	e.AddString(ecs.DNSQuestionName, name)
	e.AddString(ecs.DNSQuestionType, []string{"A", "AAAA", "PTR", "TXT"}[g.zipf(4)])
	e.AddString(ecs.DNSResponseCode, []string{"NOERROR", "NXDOMAIN", "SERVFAIL"}[g.zipf(3)])
	for range 1 + r.IntN(3) {
		e.AddString(fieldResolved, fmt.Sprintf("%d.%d.%d.%d", 20+g.zipf(150), len(name)*5, len(name), r.IntN(8)))
	}
	e.AddInt(fieldDNSID, int64(r.IntN(65536)))
	e.AddString(ecs.ObserverName, "cambien-01")
	e.SetLogsource("hoalu", "packet", "dns")
}

// web fills e in as a line of a portal's access log.
func (g *Generator) web(e *ecs.Event, user string) {
	r := g.r
	path := g.paths[g.zipf(len(g.paths))]
	status := []int64{200, 304, 404, 302, 500, 403}[g.zipf(6)]
	src := g.ip()
	ua := g.agents[g.zipf(len(g.agents))]
	size := int64(math.Exp(8 + r.NormFloat64()))
	line := fmt.Sprintf(`%s - %s [22/Nov/2026:07:%02d:%02d +0700] "GET %s HTTP/1.1" %d %d "-" "%s"`, src, user, g.n/60%60, g.n%60, path,
		status, size, ua)
	e.AddString(ecs.EventKind, "event")
	e.AddString(ecs.EventCategory, "web")
	e.AddString(ecs.EventType, "access")
	e.AddString(ecs.EventDataset, "nginx.access")
	e.AddString(ecs.EventOutcome, []string{"success", "failure"}[b2i(status >= 400)])
	e.AddString(ecs.Message, line)
	e.AddString(ecs.SourceIP, src)
	e.AddString(ecs.UserName, user)
	e.AddString(ecs.HTTPMethod, []string{"GET", "POST", "PUT"}[g.zipf(3)])
	e.AddInt(ecs.HTTPStatus, status)
	e.AddInt(fieldBodyBytes, size)
	e.AddString(ecs.URLPath, path)
	e.AddString(ecs.URLDomain, "dichvucong.ninhbinh.gov.vn")
	e.AddString(ecs.UserAgent, ua)
	e.Add(fieldUpstream, fmt.Sprintf("0.%03d", r.IntN(900)+1), ecs.Number)
	e.SetLogsource("nginx", "access", "webserver")
	if r.IntN(5) == 0 {
		e.AddString(ecs.Tags, "ngoai-gio")
	}
}

// login fills e in as a log-in over SSH.
func (g *Generator) login(e *ecs.Event, user string) {
	r := g.r
	ok := r.IntN(5) > 0
	src := g.ip()
	word := map[bool]string{true: "Accepted", false: "Failed"}[ok]
	e.AddString(ecs.EventKind, "event")
	e.AddString(ecs.EventCategory, "authentication")
	e.AddString(ecs.EventType, "start")
	e.AddString(ecs.EventAction, "ssh_login")
	e.AddString(ecs.EventDataset, "linux.auth")
	e.AddString(ecs.EventOutcome, []string{"failure", "success"}[b2i(ok)])
	e.AddString(ecs.Message, fmt.Sprintf("%s password for %s from %s port %d ssh2", word, user, src, 1024+r.IntN(60000)))
	e.AddString(ecs.SourceIP, src)
	e.AddString(ecs.UserName, user)
	e.AddString(ecs.ProcessName, "sshd")
	e.AddInt(ecs.ProcessPID, int64(1000+r.IntN(30000)))
	e.AddString(ecs.SyslogAppname, "sshd")
	e.AddString(ecs.LogLevel, "info")
	e.SetLogsource("linux", "auth", "authentication")
	if r.IntN(50) == 0 {
		e.Add(fieldGeo, "", ecs.Null)
	}
}

// database fills e in as an access to a database, as its audit log writes it.
func (g *Generator) database(e *ecs.Event, user string) {
	r := g.r
	e.AddString(ecs.EventKind, "event")
	e.AddString(ecs.EventCategory, "database")
	e.AddString(ecs.EventType, "access")
	e.AddString(ecs.EventAction, "select")
	e.AddString(ecs.EventDataset, "postgresql.audit")
	e.AddString(ecs.Message, fmt.Sprintf("Sở Y tế: truy vấn hồ sơ bệnh án số %d của phòng khám %s", r.IntN(100000), g.domains[g.zipf(100)]))
	e.AddString(fieldQuery, fmt.Sprintf("SELECT * FROM ho_so WHERE ma = %d AND trang_thai = '%s'", r.IntN(1<<17),
		[]string{"moi", "dang_xu_ly", "xong"}[g.zipf(3)]))
	e.AddString(ecs.UserName, user)
	e.AddString(ecs.SourceIP, g.ip())
	e.AddInt(fieldRows, int64(g.zipf(5000)))
	e.AddBool(fieldSuper, r.IntN(9) == 0)
	if r.IntN(200) == 0 {
		e.AddString(ecs.Intern(fmt.Sprintf("pg.la.%d", r.IntN(40))), "hiếm")
	}
	e.SetLogsource("postgresql", "audit", "database")
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

var (
	fieldOSType    = ecs.Intern("host.os.type")
	fieldRelatedIP = ecs.Intern("related.ip")
	fieldHash      = ecs.Intern("process.hash.sha256")
	fieldGUID      = ecs.Intern("winlog.event_data.ProcessGuid")
	fieldIntegrity = ecs.Intern("winlog.event_data.IntegrityLevel")
	fieldChannel   = ecs.Intern("winlog.channel")
	fieldRecord    = ecs.Intern("winlog.record_id")
	fieldResolved  = ecs.Intern("dns.resolved_ip")
	fieldDNSID     = ecs.Intern("dns.id")
	fieldBodyBytes = ecs.Intern("http.response.body.bytes")
	fieldUpstream  = ecs.Intern("nginx.upstream.response_time")
	fieldGeo       = ecs.Intern("source.geo.name")
	fieldQuery     = ecs.Intern("postgresql.query")
	fieldRows      = ecs.Intern("postgresql.rows")
	fieldSuper     = ecs.Intern("postgresql.superuser")
)

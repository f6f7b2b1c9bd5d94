package test

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// peeled calls each with the content of every file below dir and with what is compressed in it, so that a text is found inside
// segments, batches and columns too.
func peeled(t *testing.T, dir string, skip func(path string) bool, each func(path string, content []byte)) {
	t.Helper()
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	magic := []byte{0x28, 0xb5, 0x2f, 0xfd}
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !d.Type().IsRegular() || skip(path) {
			if err == nil && d.IsDir() && skip(path) {
				return filepath.SkipDir
			}
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		each(path, raw)
		for from := 0; ; {
			i := bytes.Index(raw[from:], magic)
			if i < 0 {
				return nil
			}
			from += i
			var h zstd.Header
			if h.Decode(raw[from:]) == nil {
				// what follows the frame is none of it: the error comes after the frame's content
				if out, _ := dec.DecodeAll(raw[from:], nil); len(out) > 0 {
					each(path, out)
				} else if r, err := zstd.NewReader(bytes.NewReader(raw[from:]), zstd.WithDecoderConcurrency(1)); err == nil {
					var b bytes.Buffer
					b.ReadFrom(r) // up to the end of the frame
					r.Close()
					each(path, b.Bytes())
				}
			}
			from += len(magic)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestNothingLeaks sends citizens' numbers in every format and spelling through the built appliance, asks for what it holds in every
// way, and then looks through its data directory, compressed parts too: the numbers stand nowhere, the sealed
// queue and the sealed quarantine included.
func TestNothingLeaks(t *testing.T) {
	a := startAppliance(t, quiet, "")
	a.token("administrator")
	m := &marks{serial: 100}
	stamp := time.Now().In(time.FixedZone("", 7*3600))
	c := a.dial("tcp", a.ports.syslog)
	for _, line := range leakLines(m, stamp) {
		fmt.Fprint(c, strings.ReplaceAll(line, "\n", " ")+"\n")
	}
	var body bytes.Buffer
	docs, fields := leakDocuments(m, stamp)
	for _, d := range append(docs, fields...) {
		body.WriteString("{\"create\":{}}\n" + d + "\n")
	}
	if status, _, err := a.bulk(body.Bytes()); err != nil || status != 200 {
		t.Fatalf("_bulk: %d %v", status, err)
	}
	a.trustBulk()
	a.bulk([]byte("{\"create\":{}}\n" + shell("leak-03", "cccd="+m.cccd()+" --password="+m.secret()+" "+m.word()) + "\n")) // an alert with its trace
	a.bulk([]byte("{\"create\":{}}\n{\"broken\":\"CCCD " + m.cccd() + " password=" + m.secret() + "\n"))                   // not JSON

	for query, n := range map[string]int{"host.name:leak-01": 18, "host.name:leak-02": len(docs), "host.name:leak-03": 1,
		"host.name:leak-04": len(fields), `"không có gì đầu dòng"`: 1} {
		until(t, fmt.Sprintf("%d events of %s", n, query), 20*time.Second, func() bool { return a.search("analyst", query).Total >= n })
	}
	until(t, "the alert", 15*time.Second, func() bool { return len(a.alerts("analyst", "host=leak-03")) == 1 })
	nothingShown(a, m)
	nothingHeld(a, m) // once everything in memory is there
}

// marks makes personal numbers, secrets and words that stand nowhere else, and remembers them: the first two must be seen nowhere, the
// words, which stand beside them, show that the search for them looks everywhere.
type marks struct {
	serial              int
	ids, words, secrets []string
}

func (m *marks) cccd() string {
	m.serial++
	n := fmt.Sprintf("037090%d%03d", m.serial, m.serial*7%1000)
	m.ids = append(m.ids, n)
	return n
}

// phone gives the nine digits behind 0 or +84.
func (m *marks) phone() string {
	m.serial++
	n := fmt.Sprintf("912%d%03d", m.serial, m.serial*7%1000)
	m.ids = append(m.ids, n)
	return n
}

func (m *marks) word() string {
	m.serial++
	w := fmt.Sprintf("dauvet%dx", m.serial)
	m.words = append(m.words, w)
	return w
}

func (m *marks) secret() string {
	m.serial++
	s := fmt.Sprintf("Zq%dkXw7", m.serial)
	m.secrets = append(m.secrets, s)
	return s
}

// spaced writes a number as people do.
func spaced(n string) string { return n[:3] + " " + n[3:6] + " " + n[6:] }

// in names what of the numbers and secrets stands in content.
func (m *marks) in(content []byte) (found []string) {
	for _, n := range m.ids {
		if bytes.Contains(content, []byte(n)) || bytes.Contains(content, []byte(spaced(n))) {
			found = append(found, n)
		}
	}
	for _, s := range m.secrets {
		if bytes.Contains(content, []byte(s)) {
			found = append(found, "the secret "+s)
		}
	}
	return found
}

// leakLines are 18 lines of host leak-01, in every format of syslog that is decoded, and one of no format.
func leakLines(m *marks, stamp time.Time) []string {
	bsd := "<13>" + stamp.Format(time.Stamp) + " leak-01 "
	web := func(target string) string {
		return fmt.Sprintf(`<13>%s leak-01 nginx: 10.0.0.9 - - [%s] "GET %s HTTP/1.1" 200 5 "https://x.vn/?cccd=%s" "x"`,
			stamp.Format(time.Stamp), stamp.Format("02/Jan/2006:15:04:05 -0700"), target, m.cccd())
	}
	return []string{
		bsd + "dvc[1]: tra cứu CCCD " + m.cccd() + " SĐT 0" + spaced(m.phone()) + " " + m.word(),
		bsd + "dvc[1]: số định danh " + m.cccd() + ", gọi +84" + m.phone() + ", 0084" + m.phone() + ", (+84) " + spaced(m.phone()) + " " + m.word(),
		"<13>1 " + stamp.Format(time.RFC3339) + ` leak-01 dvc 1 - [app@1 note="CCCD ` + m.cccd() + `" so_cccd="` + m.cccd() + `"] ` + m.word(),
		web("/tra-cuu?soCCCD=%22" + m.cccd() + "%22&w=" + m.word()),
		web("/tra-cuu?q=" + url.QueryEscape("số điện thoại 0"+spaced(m.phone())) + "&w=" + m.word()),
		web("/tra-cuu?sdt=%2B84" + m.phone() + "&next=" + url.QueryEscape(url.QueryEscape("/x?cccd="+m.cccd())) + "&w=" + m.word()),
		bsd + "CEF:0|A|B|1|7|tra cuu|3|cs1Label=CCCD cs1=" + m.cccd() + " msg=dien thoai 0" + m.phone() + " " + m.word(),
		bsd + "LEEF:1.0|A|B|1|7|cccd=" + m.cccd() + "\tmsg=" + m.word(),
		bsd + `date=` + stamp.Format(time.DateOnly) + ` time=` + stamp.Format(time.TimeOnly) +
			` devname="fw" devid="FG1" logid="1" type="utm" url="/x?cccd=` + m.cccd() + `" msg="` + m.word() + `"`,
		bsd + `app: {"so_cccd":"` + m.cccd() + `","dien_thoai":` + m.phone() + `,"w":"` + m.word() + `"}`,
		bsd + "sudo: an : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/find /scan/cccd_" + m.cccd() + ".pdf " + m.word(),
		bsd +
			"sysmon: <Event><System><EventID>1</EventID><Channel>Linux-Sysmon/Operational</Channel></System><EventData><Data Name=\"CommandLine\">tra --cccd=" + m.cccd() + " " + m.word() + "</Data></EventData></Event>",
		web("/dang-nhap?user=an&password=" + m.secret() + "&access_token=" + m.secret() + "&w=" + m.word()),
		bsd + "sudo: an : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/mysql -u root -p" + m.secret() + " hoso " + m.word(),
		bsd + "app: Authorization: Bearer " + m.secret() + m.secret() + " Cookie: JSESSIONID=" + m.secret() + "; lang=vi " + m.word(),
		bsd + `app: {"login":"an","password":"` + m.secret() + `","w":"` + m.word() + `"}`,
		bsd + "mysqld: CREATE USER 'an' IDENTIFIED BY '" + m.secret() + "' " + m.word(),
		bsd + "git: clone https://an:" + m.secret() + "@git.example.vn/x " + m.word(),
		"không có gì đầu dòng, CCCD " + m.cccd() + " " + m.word(),
	}
}

// leakDocuments are documents of host leak-02 as programs send them, and of leak-04 with a number in a field each.
func leakDocuments(m *marks, stamp time.Time) (docs, fields []string) {
	docs = []string{
		`{"@timestamp":"` + stamp.Format(time.RFC3339) + `","host":{"name":"leak-02"},"message":"CCCD ` + m.cccd() + ` ` + m.word() +
			`","event":{"detail":"SĐT 0` + m.phone() + `"},"user":{"phone":"0` + m.phone() + `"}}`,
		`{"citizens":{"` + m.cccd() + `":{"name":"` + m.word() + `"}},"host":{"name":"leak-02"}}`,
		`{"winlog":{"channel":"Microsoft-Windows-PowerShell/Operational","event_id":"4104","computer_name":"leak-02","event_data":{"ScriptBlockText":"Get-Citizen -CCCD '` + m.cccd() + `' -SDT 0` + m.phone() + ` # ` + m.word() + `"}}}`,
		`{"timestamp":"` + stamp.Format("2006-01-02T15:04:05.000000-0700") +
			`","event_type":"http","host":"leak-02","flow_id":1,"src_ip":"10.0.0.1","dest_ip":"10.0.0.2","http":{"hostname":"x.vn","url":"/x?cccd=` +
			m.cccd() + `&w=` + m.word() + `","http_refer":"/y?phone=0` + m.phone() + `"}}`,
		`{"host":{"name":"leak-02"},"event":{"original":"tra cứu căn cước ` + m.cccd() + ` ` + m.word() + `"},"log":"cccd=` + m.cccd() + `"}`,
	}
	for _, f := range strings.Fields(`related.hosts related.user url.full url.query url.fragment http.request.referrer source.address destination.domain
		email.from.address email.subject log.syslog.appname log.syslog.procid container.id container.name host.id labels.x labels.cccd custom.so_cccd
		tags network.name dns.question.name tls.client.server_name service.name registry.path organization.name process.command_line process.args
		winlog.event_data.X winlog.provider_name user.target.name group.name observer.name agent.name`) {
		for _, s := range []string{"%s", "pc-%s", "nv%s.pdf", "%s@x.vn", "https://x.vn/ho-so/%s/xem", "https://x.vn/?id=%s", "https://x.vn/?q=a%%20%s"} {
			fields = append(fields, `{"host":{"name":"leak-04"},"`+f+`":"`+fmt.Sprintf(s, m.cccd())+`"}`)
		}
	}
	for _, s := range []string{"%s", "GET https://x.vn/ho-so/%s/xem 200", "to https://x.vn/#%s", "mail to %s@x.vn"} {
		fields = append(fields, `{"host":{"name":"leak-04"},"message":"`+fmt.Sprintf(s, m.cccd())+`"}`)
	}
	return docs, fields
}

// nothingShown looks at what people and programs are shown, and that a number is found by whoever knows it.
func nothingShown(a *appliance, m *marks) {
	t := a.T
	shown := func(what string, content []byte) {
		t.Helper()
		if found := m.in(content); len(found) > 0 {
			t.Errorf("%s shows %v: %.600s", what, found, content)
		}
	}
	_, raw := a.call("analyst", "GET", "/api/events?query=&limit=500", nil)
	shown("GET /api/events", raw)
	_, raw = a.call("analyst", "GET", "/api/alerts/"+a.alerts("analyst", "host=leak-03")[0].Number, nil)
	shown("the alert", raw)
	for _, path := range []string{"/api/sources", "/api/ledger", "/api/national/outbox", "/api/quarantine", "/api/audit", "/metrics"} {
		_, raw = a.call("administrator", "GET", path, nil)
		shown(path, raw)
	}
	out, _, _ := a.run("quarantine", "list", "--data", a.data)
	shown("hoalu quarantine list", []byte(out))
	var sq struct{ SQ string }
	for i, n := range m.ids[:6] {
		q := n
		if len(n) == 9 {
			q = "0" + n
		}
		a.do("analyst", "POST", "/api/searches", map[string]any{"query": q}, &sq)
		var got eventsFound
		a.get("analyst", "/api/events?sq="+sq.SQ, &got)
		if got.Total < 1 {
			t.Errorf("number %d (%s) is not found by its plain value", i, n)
		}
	}
}

// nothingHeld stops the appliance and looks at what is on disk then.
func nothingHeld(a *appliance, m *marks) {
	t := a.T
	a.stop(syscall.SIGTERM)
	held := 0
	peeled(t, a.data, func(path string) bool {
		base := filepath.Base(path)
		return filepath.Dir(path) == a.data && base == "lock"
	}, func(path string, content []byte) {
		for _, w := range m.words {
			if bytes.Contains(content, []byte(w)) && strings.Contains(path, "events") {
				held++
			}
		}
		if found := m.in(content); len(found) > 0 {
			t.Errorf("%s holds %v", path, found)
		}
	})
	if held < len(m.words) {
		t.Errorf("%d of %d marks are found in the events on disk: the search through files sees too little", held, len(m.words))
	}
	if log, err := os.ReadFile(a.log); err != nil {
		t.Error(err)
	} else if found := m.in(log); len(found) > 0 {
		t.Errorf("the log shows %v: %.600s", found, log)
	}
}

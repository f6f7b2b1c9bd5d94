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

	serial := 100
	var ids, words []string
	cccd := func() string {
		serial++
		n := fmt.Sprintf("037090%d%03d", serial, serial*7%1000)
		ids = append(ids, n)
		return n
	}
	phone := func() string { // the nine digits behind 0 or +84
		serial++
		n := fmt.Sprintf("912%d%03d", serial, serial*7%1000)
		ids = append(ids, n)
		return n
	}
	word := func() string {
		serial++
		w := fmt.Sprintf("dauvet%dx", serial)
		words = append(words, w)
		return w
	}
	var secrets []string
	secret := func() string {
		serial++
		s := fmt.Sprintf("Zq%dkXw7", serial)
		secrets = append(secrets, s)
		return s
	}
	spaced := func(n string) string { return n[:3] + " " + n[3:6] + " " + n[6:] }

	c := a.dial("tcp", a.ports.syslog)
	line := func(s string) { fmt.Fprint(c, strings.ReplaceAll(s, "\n", " ")+"\n") }
	stamp := time.Now().In(time.FixedZone("", 7*3600))
	bsd := "<13>" + stamp.Format(time.Stamp) + " leak-01 "
	web := func(target string) string {
		return fmt.Sprintf(`<13>%s leak-01 nginx: 10.0.0.9 - - [%s] "GET %s HTTP/1.1" 200 5 "https://x.vn/?cccd=%s" "x"`,
			stamp.Format(time.Stamp), stamp.Format("02/Jan/2006:15:04:05 -0700"), target, cccd())
	}
	line(bsd + "dvc[1]: tra cứu CCCD " + cccd() + " SĐT 0" + spaced(phone()) + " " + word())
	line(bsd + "dvc[1]: số định danh " + cccd() + ", gọi +84" + phone() + ", 0084" + phone() + ", (+84) " + spaced(phone()) + " " + word())
	line("<13>1 " + stamp.Format(time.RFC3339) + ` leak-01 dvc 1 - [app@1 note="CCCD ` + cccd() + `" so_cccd="` + cccd() + `"] ` + word())
	line(web("/tra-cuu?soCCCD=%22" + cccd() + "%22&w=" + word()))
	line(web("/tra-cuu?q=" + url.QueryEscape("số điện thoại 0"+spaced(phone())) + "&w=" + word()))
	line(web("/tra-cuu?sdt=%2B84" + phone() + "&next=" + url.QueryEscape(url.QueryEscape("/x?cccd="+cccd())) + "&w=" + word()))
	line(bsd + "CEF:0|A|B|1|7|tra cuu|3|cs1Label=CCCD cs1=" + cccd() + " msg=dien thoai 0" + phone() + " " + word())
	line(bsd + "LEEF:1.0|A|B|1|7|cccd=" + cccd() + "\tmsg=" + word())
	line(bsd + `date=` + stamp.Format(time.DateOnly) + ` time=` + stamp.Format(time.TimeOnly) +
		` devname="fw" devid="FG1" logid="1" type="utm" url="/x?cccd=` + cccd() + `" msg="` + word() + `"`)
	line(bsd + `app: {"so_cccd":"` + cccd() + `","dien_thoai":` + phone() + `,"w":"` + word() + `"}`)
	line(bsd + "sudo: an : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/find /scan/cccd_" + cccd() + ".pdf " + word())
	line(bsd +
		"sysmon: <Event><System><EventID>1</EventID><Channel>Linux-Sysmon/Operational</Channel></System><EventData><Data Name=\"CommandLine\">tra --cccd=" + cccd() + " " + word() + "</Data></EventData></Event>")
	line(web("/dang-nhap?user=an&password=" + secret() + "&access_token=" + secret() + "&w=" + word()))
	line(bsd + "sudo: an : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/bin/mysql -u root -p" + secret() + " hoso " + word())
	line(bsd + "app: Authorization: Bearer " + secret() + secret() + " Cookie: JSESSIONID=" + secret() + "; lang=vi " + word())
	line(bsd + `app: {"login":"an","password":"` + secret() + `","w":"` + word() + `"}`)
	line(bsd + "mysqld: CREATE USER 'an' IDENTIFIED BY '" + secret() + "' " + word())
	line(bsd + "git: clone https://an:" + secret() + "@git.example.vn/x " + word())
	line("không có gì đầu dòng, CCCD " + cccd() + " " + word())

	docs := []string{
		`{"@timestamp":"` + stamp.Format(time.RFC3339) + `","host":{"name":"leak-02"},"message":"CCCD ` + cccd() + ` ` + word() +
			`","event":{"detail":"SĐT 0` + phone() + `"},"user":{"phone":"0` + phone() + `"}}`,
		`{"citizens":{"` + cccd() + `":{"name":"` + word() + `"}},"host":{"name":"leak-02"}}`,
		`{"winlog":{"channel":"Microsoft-Windows-PowerShell/Operational","event_id":"4104","computer_name":"leak-02","event_data":{"ScriptBlockText":"Get-Citizen -CCCD '` + cccd() + `' -SDT 0` + phone() + ` # ` + word() + `"}}}`,
		`{"timestamp":"` + stamp.Format("2006-01-02T15:04:05.000000-0700") +
			`","event_type":"http","host":"leak-02","flow_id":1,"src_ip":"10.0.0.1","dest_ip":"10.0.0.2","http":{"hostname":"x.vn","url":"/x?cccd=` +
			cccd() + `&w=` + word() + `","http_refer":"/y?phone=0` + phone() + `"}}`,
		`{"host":{"name":"leak-02"},"event":{"original":"tra cứu căn cước ` + cccd() + ` ` + word() + `"},"log":"cccd=` + cccd() + `"}`,
	}
	fields := 0
	for _, f := range strings.Fields(`related.hosts related.user url.full url.query url.fragment http.request.referrer source.address destination.domain
		email.from.address email.subject log.syslog.appname log.syslog.procid container.id container.name host.id labels.x labels.cccd custom.so_cccd
		tags network.name dns.question.name tls.client.server_name service.name registry.path organization.name process.command_line process.args
		winlog.event_data.X winlog.provider_name user.target.name group.name observer.name agent.name`) {
		for _, s := range []string{"%s", "pc-%s", "nv%s.pdf", "%s@x.vn", "https://x.vn/ho-so/%s/xem", "https://x.vn/?id=%s", "https://x.vn/?q=a%%20%s"} {
			docs = append(docs, `{"host":{"name":"leak-04"},"`+f+`":"`+fmt.Sprintf(s, cccd())+`"}`)
			fields++
		}
	}
	for _, s := range []string{"%s", "GET https://x.vn/ho-so/%s/xem 200", "to https://x.vn/#%s", "mail to %s@x.vn"} {
		docs = append(docs, `{"host":{"name":"leak-04"},"message":"`+fmt.Sprintf(s, cccd())+`"}`)
		fields++
	}
	var body bytes.Buffer
	for _, d := range docs {
		body.WriteString("{\"create\":{}}\n" + d + "\n")
	}
	if status, _, err := a.bulk(body.Bytes()); err != nil || status != 200 {
		t.Fatalf("_bulk: %d %v", status, err)
	}
	a.trustBulk()
	a.bulk([]byte("{\"create\":{}}\n" + shell("leak-03", "cccd="+cccd()+" --password="+secret()+" "+word()) + "\n")) // an alert with its trace
	a.bulk([]byte("{\"create\":{}}\n{\"broken\":\"CCCD " + cccd() + " password=" + secret() + "\n"))                 // not JSON

	for query, n := range map[string]int{"host.name:leak-01": 18, "host.name:leak-02": 5, "host.name:leak-03": 1, "host.name:leak-04": fields,
		`"không có gì đầu dòng"`: 1} {
		until(t, fmt.Sprintf("%d events of %s", n, query), 20*time.Second, func() bool { return a.search("analyst", query).Total >= n })
	}
	until(t, "the alert", 15*time.Second, func() bool { return len(a.alerts("analyst", "host=leak-03")) == 1 })

	// 1. What people and programs are shown.
	shown := func(what string, content []byte) {
		t.Helper()
		for _, n := range ids {
			if bytes.Contains(content, []byte(n)) || bytes.Contains(content, []byte(spaced(n))) {
				t.Errorf("%s shows %s: %.600s", what, n, content)
			}
		}
		for _, s := range secrets {
			if bytes.Contains(content, []byte(s)) {
				t.Errorf("%s shows the secret %s: %.600s", what, s, content)
			}
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
	for i, n := range ids[:6] {
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

	// 2. What is on disk, once everything in memory is there.
	a.stop(syscall.SIGTERM)
	held := 0
	peeled(t, a.data, func(path string) bool {
		base := filepath.Base(path)
		return filepath.Dir(path) == a.data && base == "lock"
	}, func(path string, content []byte) {
		for _, w := range words {
			if bytes.Contains(content, []byte(w)) && strings.Contains(path, "events") {
				held++
			}
		}
		for _, n := range ids {
			if bytes.Contains(content, []byte(n)) || bytes.Contains(content, []byte(spaced(n))) {
				t.Errorf("%s holds %s", path, n)
			}
		}
		for _, s := range secrets {
			if bytes.Contains(content, []byte(s)) {
				t.Errorf("%s holds the secret %s", path, s)
			}
		}
	})
	if held < len(words) {
		t.Errorf("%d of %d marks are found in the events on disk: the search through files sees too little", held, len(words))
	}
	if log, err := os.ReadFile(a.log); err != nil {
		t.Error(err)
	} else {
		shown("the log", log)
	}
}

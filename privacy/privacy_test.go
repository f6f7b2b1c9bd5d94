package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"hoalu/ecs"
)

// key is a real MAC with a key of tests.
type key []byte

func (k key) ComputeMAC(data []byte) ([]byte, error) {
	h := hmac.New(sha256.New, k)
	h.Write(data)
	return h.Sum(nil), nil
}

func (k key) Versions(data []byte) ([][]byte, error) {
	mac, err := k.ComputeMAC(data)
	return [][]byte{mac}, err
}

// protect is Protect with a key that never fails.
func protect(t testing.TB, p *Protector, e *ecs.Event) {
	t.Helper()
	if err := p.Protect(e); err != nil {
		t.Fatal(err)
	}
}

// tokenOf is the pseudonym with a key that never fails.
func tokenOf(p *Protector, kind Kind, group, normal string) string {
	t, err := p.Token(kind, group, normal)
	if err != nil {
		panic(err)
	}
	return t
}

func protector() *Protector {
	p, err := New(Config{MAC: key("test")})
	if err != nil {
		panic(err)
	}
	return p
}

// TestFindIdentifiers: what people and programs write, and what must be found in it.
func TestFindIdentifiers(t *testing.T) {
	const id = "037095001234"
	for _, c := range []struct {
		text, key string
		kind      Kind
		normal    string
	}{
		{"Tra cứu công dân số CCCD 037095001234 thành công", "", CCCD, id},
		{"tra cuu can cuoc 037095001234", "", CCCD, id},
		{"Số định danh cá nhân: 036301012345.", "", CCCD, "036301012345"},
		{"so\u0302\u0301 đi\u0323nh danh 001085004321", "", CCCD, "001085004321"}, // decomposed
		{"/api/v1/citizens?cccd=037095001234&page=1", "", CCCD, id},
		{"/tra-cuu?soCCCD=%22037095001234%22", "", CCCD, id},
		{"/dvc/nguoi-dan?q=037095001234", "", CCCD, id}, // local province, value of a parameter
		{`{"hoTen":"Nguyễn Văn A","soDinhDanh":"037095001234","tuoi":31}`, "", CCCD, id},
		{`{\"so_cccd\":\"037095001234\"}`, "", CCCD, id},
		{"SELECT * FROM dan_cu WHERE so_cccd = '037095001234'", "", CCCD, id},
		{"INSERT INTO nhan_khau VALUES ('037095001234', 'Ninh Bình')", "", CCCD, id},
		{"037095001234", "citizen.cccd", CCCD, id},
		{"037095001234", "request.body.soDinhDanh", CCCD, id},
		{"CMND/CCCD: 037 095 001 234 cấp ngày", "", CCCD, id},
		{"mã số thuế cá nhân 079199012345", "", CCCD, "079199012345"},
		{"MST 079199012345 hợp lệ", "", CCCD, "079199012345"},
		{"037095001234 là số căn cước của người nộp", "", CCCD, id},
		{"Nạp hồ sơ CCCD=037095001234, SĐT=0912345678", "", CCCD, id},
		{"Nạp hồ sơ CCCD=037095001234, SĐT=0912345678", "", Phone, "+84912345678"},

		{"gọi lại số điện thoại 0912345678", "", Phone, "+84912345678"},
		{"dien thoai: 0229.3871234", "", Phone, "+842293871234"},
		{"SĐT 0356 789 012 đã xác thực", "", Phone, "+84356789012"},
		{"Liên hệ 0912.345.678", "", Phone, "+84912345678"},
		{"gửi OTP tới +84912345678", "", Phone, "+84912345678"},
		{"gửi OTP tới +84 91 234 56 78", "", Phone, "+84912345678"},
		{"to=(+84) 912 345 678", "", Phone, "+84912345678"},
		{"0912 345 678", "", Phone, "+84912345678"},
		{"/sms?phone=0912345678&text=x", "", Phone, "+84912345678"},
		{"/sms?to=%2B84912345678", "", Phone, "+84912345678"},
		{`{"mobile":"0912345678"}`, "", Phone, "+84912345678"},
		{"0912345678", "contact.phone_number", Phone, "+84912345678"},
		{"số máy 84912345678", "", Phone, "+84912345678"},
		{"(024) 3825 1234", "", Phone, "+842438251234"},

		// the ways of the country code
		{"gọi 0084912345678", "", Phone, "+84912345678"},
		{"SĐT: 0084 912 345 678", "", Phone, "+84912345678"},
		{"SĐT 84 912 345 678", "", Phone, "+84912345678"},
		{"tel: (84) 912345678", "", Phone, "+84912345678"},
		{"+84(0)912345678", "", Phone, "+84912345678"},
		{"tel:+84-91-234-5678", "", Phone, "+84912345678"},
		{"SĐT:0912.345.678", "", Phone, "+84912345678"},
		{"INVITE sip:0912345678@sip.vn SIP/2.0", "", Phone, "+84912345678"},
		// queries, escaped once and twice
		{"/x?to=%2B84%20912%20345%20678", "", Phone, "+84912345678"},
		{"/x?phone=0912+345+678", "", Phone, "+84912345678"},
		{"/x?cccd=037%20095%20001%20234", "", CCCD, id},
		{"/x?cccd%3D037095001234", "", CCCD, id},
		{"/login?next=%252Fx%253Fcccd%253D037095001234", "", CCCD, id},
		{"/x?q=s%E1%BB%91%20%C4%91i%E1%BB%87n%20tho%E1%BA%A1i%200912345678", "", Phone, "+84912345678"},
		{"/x?t=c%C4%83n%20c%C6%B0%E1%BB%9Bc%3A037095001234", "", CCCD, id},
		// names of files and other groups
		{"open /scan/cccd_037095001234.pdf", "", CCCD, id},
		{"SDT0912345678.txt", "", Phone, "+84912345678"},
		{"cccd 0370 9500 1234", "", CCCD, id},
		{"37095001234", "row.so_cccd", CCCD, id}, // a spreadsheet lost its 0
		// fields beside those of machines
		{"0912345678", "user.phone", Phone, "+84912345678"},
		{"Công dân CCCD 037095001234", "event.detail", CCCD, id},
		{"SĐT 0912345678", "event.detail", Phone, "+84912345678"},
		{"SĐT 0912345678", "log.syslog.structured_data.app.note", Phone, "+84912345678"},
		{"a.so_cccd=037095001234", "hoalu.overflow", CCCD, id},
	} {
		ok := false
		got := FindIn(nil, c.text, c.key)
		for _, m := range got {
			ok = ok || m.Kind == c.kind && m.Normal == c.normal && m.Confidence >= Likely
		}
		if !ok {
			t.Errorf("FindIn(%q, %q) = %+v, want %s %s at %.1f or more", c.text, c.key, got, c.kind, c.normal, Likely)
		}
	}
}

// TestFindNothing: numbers of machines that look alike.
func TestFindNothing(t *testing.T) {
	for _, c := range []struct{ text, key string }{
		{"connection from 10.0.0.1 port 51234", ""},
		{"2026-03-02T08:15:31.123456789+07:00", ""},
		{"ts=1772414131123", ""}, {"ts=1772414131", ""}, {"202603021530", ""}, {"20260302153012", ""},
		{"trace_id=037095001234", ""}, {"span=037095001234", ""}, {"sessionId: 037095001234", ""}, {"order_id=037095001234", ""},
		{"pid 037095001234", ""},
		{"037095001234", "trace.id"}, {"037095001234", "process.pid"}, {"037095001234", "user.name"}, {"037095001234", "host.name"},
		{"037095001234", "file.hash.md5"}, {"0912345678", "source.port"}, {"0912345678", "winlog.event_data.TargetUserName"},
		{"4bf92f3577b34da6a3ce929d0e0e4736", ""}, {"d41d8cd98f00b204e9800998ecf8427e", ""}, {"550e8400-e29b-41d4-a716-446655440000", ""},
		{"e29b-037095001234-a716", ""},
		{"v0.9.12.345.678", ""}, {"192.168.091.234", ""}, {"version 10.0.17763.1339", ""},
		{"037095001234.example.vn", ""}, {"x037095001234", ""}, {"037095001234abc", ""}, {"0370950012345", ""},
		{"CCCD 037595001234", ""}, // century 5
		{"CCCD 003095001234", ""}, // no such province
		{"CCCD 037015001234", ""}, // born 1915
		{"CCCD 037095000000", ""}, // filler
		{"0123456789", ""}, {"0912345678", ""}, {"id 0912345678", ""},
		{"GPLX số 037095001234", ""},
		{"bytes=0912345678", ""}, {"total 0356789012 rows", ""}, {"0000000000", ""},
		{"S-1-5-21-101361758-2486510592-3018839910-500", ""},
		{"hotline 19001234", ""}, {"1800 1234", ""},
		{"MAC=04:18:d6:f1:2c:20:00:00:5e:00:01:6a:08:00 SRC=10.251.1.1 LEN=76", ""},
		{"0x00037095001234", ""}, {"/var/log/app-0912345678.log", ""}, {"tel usdt 12", ""},
		{"037095001234", "event.code"}, {"0912345678", "event.sequence"}, {"0912345678", "user.target.name"},
		{"ref 037095001234", "rule.description"}, {"0912 345 678", "service.version"},
		{"/x?ts=1772414131123&size=0912345678&id=%22037095001234%22", ""}, {"/a%20037095001234567", ""}, {"a=0084&b=912345678", ""},
		{"84 91 23", ""}, {"pass 84 912 tests of 345 678", ""}, {"10.84 912345678", ""},
		{"0084 0912", ""}, {"order_037095001234.pdf", ""}, {"img-0912345678.jpg", ""}, {"04:09:12 345 678", ""}, {"09/12 345 678 rows", ""},
		{"00849123456789", ""},
		{"Oct 11 09:10:48 host app[12345]: 091 connections 234 bytes 5678 rows", ""},
	} {
		for _, m := range FindIn(nil, c.text, c.key) {
			if m.Confidence >= Likely {
				t.Errorf("FindIn(%q, %q) takes it for %s %s (%.2f)", c.text, c.key, m.Kind, m.Normal, m.Confidence)
			}
		}
	}
}

// TestFindRandom: random numbers without a word for them are left alone.
func TestFindRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	hits := 0
	const n = 20_000
	for range n {
		s := fmt.Sprintf("job %d took %dus at %d ref %012d seq %010d", r.Uint32(), r.Uint64N(1e12), 1_700_000_000+r.Uint32N(1e8), r.Uint64N(1e12),
			r.Uint64N(1e10))
		for _, m := range FindIn(nil, s, "message") {
			if m.Confidence >= Likely {
				hits++
			}
		}
	}
	if hits > 0 {
		t.Errorf("%d of %d random lines taken for identifiers", hits, n)
	}
}

func TestProtect(t *testing.T) {
	p := protector()
	e := &ecs.Event{System: "HT-001", Created: 1_772_414_131_000}
	e.AddString(ecs.Message, "Tra cứu CCCD 037095001234 bởi cán bộ, gọi 0912 345 678")
	e.AddString(ecs.EventOriginal, "<13>Mar  2 08:15:31 h app: 037095001234 xong")
	e.AddString(ecs.URLOriginal, "/x?cccd=037095001234&id=037095001234")
	e.AddString(ecs.UserName, "037095001234")
	e.Add(ecs.Intern("body.dien_thoai"), "912345678", ecs.Number)
	e.AddString(ecs.Intern("trace.id"), "037095001234")
	protect(t, p, e)
	tok := tokenOf(p, CCCD, "", "037095001234")
	tel := tokenOf(p, Phone, "", "+84912345678")
	for f, want := range map[ecs.Field]string{
		ecs.Message:                   "Tra cứu CCCD " + tok + " bởi cán bộ, gọi " + tel,
		ecs.EventOriginal:             "<13>Mar  2 08:15:31 h app: " + tok + " xong",
		ecs.URLOriginal:               "/x?cccd=" + tok + "&id=" + tok,
		ecs.UserName:                  tok,
		ecs.Intern("body.dien_thoai"): tel,
		ecs.Intern("trace.id"):        tok,
	} {
		if got := e.Text(f); got != want {
			t.Errorf("%s = %q, want %q", f, got, want)
		}
	}
	var kinds []string
	for _, v := range e.Values(nil, ecs.HoaluIdentifier) {
		kinds = append(kinds, v.Text)
	}
	if strings.Join(kinds, " ") != "cccd phone" {
		t.Errorf("hoalu.identifier = %v, want cccd and phone", kinds)
	}
	if len(tok) != TokenLength || tok[:4] != "tk:c" {
		t.Errorf("token %q", tok)
	}
	before := string(e.AppendJSON(nil))
	protect(t, p, e)
	if again := string(e.AppendJSON(nil)); again != before {
		t.Errorf("a second Protect changes the event:\n%s\n%s", before, again)
	}
}

// TestProtectNames: numbers in the names of fields, and every spelling of a number the event is known to hold.
func TestProtectNames(t *testing.T) {
	p := protector()
	e := &ecs.Event{System: "HT-001", Created: 1_772_414_131_000}
	e.AddString(ecs.Intern("citizens.037095001234.name"), "A")
	e.AddString(ecs.Intern("citizens.037095001234.name"), "B")
	e.AddString(ecs.Intern("request.037095001234"), "an id of a request")
	e.AddString(ecs.Intern("so_cccd.036301012345"), "x")
	e.AddString(ecs.Message, "phone=+84912345678")
	e.AddString(ecs.FilePath, "/scan/0912345678.pdf")
	e.AddString(ecs.URLOriginal, "/x?f=84912345678_a.jpg&n=90912345678")
	e.AddString(ecs.UserName, "0912345678")
	protect(t, p, e)
	tok, tel := tokenOf(p, CCCD, "", "037095001234"), tokenOf(p, Phone, "", "+84912345678")
	for name, want := range map[string]string{
		"citizens." + tok + ".name":                       "A",
		"citizens.037095001234.name":                      "",
		"request.037095001234":                            "an id of a request",
		"so_cccd." + tokenOf(p, CCCD, "", "036301012345"): "x",
		"message":      "phone=" + tel,
		"file.path":    "/scan/" + tel + ".pdf",
		"url.original": "/x?f=" + tel + "_a.jpg&n=90912345678",
		"user.name":    tel,
	} {
		if got := e.Text(ecs.Intern(name)); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if got := e.Values(nil, ecs.Intern("citizens."+tok+".name")); len(got) != 2 {
		t.Errorf("a list under a renamed field has %d values, want 2", len(got))
	}
	before := string(e.AppendJSON(nil))
	protect(t, p, e)
	if again := string(e.AppendJSON(nil)); again != before {
		t.Errorf("a second Protect changes the event:\n%s\n%s", before, again)
	}
}

func TestTokenFor(t *testing.T) {
	p, err := New(Config{MAC: key("k"), Groups: []string{"a", "b"}, Group: func(s string) string { return "b" }})
	if err != nil {
		t.Fatal(err)
	}
	for _, spelling := range []string{"0912345678", "+84 912 345 678", "84912345678", "0912.345.678", " 0912-345-678 ", "0084 912 345 678",
		"+84 (0) 912 345 678"} {
		toks, kind, err := p.TokenFor(spelling)
		if err != nil || kind != Phone || len(toks) != 2 || toks[1] != tokenOf(p, Phone, "b", "+84912345678") || toks[0] == toks[1] {
			t.Errorf("TokenFor(%q) = %v, %s, %v", spelling, toks, kind, err)
		}
	}
	for _, other := range []string{"", "hello", "10.0.0.1", "1772414131", "037095001234x", "CVE-2024-12345", "*037095001234*"} {
		if toks, kind, err := p.TokenFor(other); err != nil || toks != nil {
			t.Errorf("TokenFor(%q) = %v, %s; want none", other, toks, kind)
		}
	}
	if got := Find("message:037095001234 and not 10.0.0.1 or phone 0912345678", true); len(got) != 2 {
		t.Errorf("Find in a query = %+v, want both numbers", got)
	}
	e := &ecs.Event{System: "HT-002", Created: 1_772_414_131_000}
	e.AddString(ecs.Message, "cccd 037095001234")
	protect(t, p, e)
	toks, _, _ := p.TokenFor("037 095 001 234")
	if want := "cccd " + toks[1]; e.Text(ecs.Message) != want {
		t.Errorf("stored %q, a search looks for %q", e.Text(ecs.Message), want)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("cccd=037095001234 (+84) 912 345 678", "message")
	f.Add("%22037095001234%22 +84", "url.query")
	f.Fuzz(func(t *testing.T, s, k string) {
		last := 0
		for _, m := range FindIn(nil, s, k) {
			if m.Start < last || m.End <= m.Start || m.End > len(s) {
				t.Fatalf("FindIn(%q) gives %+v", s, m)
			}
			last = m.End
		}
	})
}

func benchEvent() *ecs.Event {
	e := &ecs.Event{System: "HT-001", Created: 1_772_414_131_000}
	e.AddString(ecs.Message,
		"Accepted publickey for deploy from 10.20.30.40 port 51022 ssh2: ED25519 SHA256:B9urXskvGmmfbJmVQf0YyjCf2h2GfenEfd+yo9wcS9g")
	e.AddString(ecs.EventOriginal,
		`10.1.2.3 - - [02/Mar/2026:08:15:31 +0700] "GET /dich-vu-cong/ho-so/danh-sach?trang=2&kichThuoc=20 HTTP/1.1" 200 18342 "https://dichvucong.ninhbinh.gov.vn/" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36"`)
	e.AddString(ecs.UserAgent,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36")
	e.AddString(ecs.URLOriginal, "/dich-vu-cong/ho-so/danh-sach?trang=2&kichThuoc=20")
	e.AddString(ecs.SourceIP, "10.1.2.3")
	e.AddString(ecs.HostName, "web-01.ninhbinh.gov.vn")
	e.AddString(ecs.UserName, "deploy")
	for i := range 8 {
		e.AddString(ecs.Intern(fmt.Sprintf("field%d", i)), "some value of a field")
	}
	return e
}

func BenchmarkProtectTypical(b *testing.B) {
	p, e := protector(), benchEvent()
	b.SetBytes(int64(e.Size()))
	b.ReportAllocs()
	for b.Loop() {
		protect(b, p, e)
	}
}

func BenchmarkProtectHit(b *testing.B) {
	p, e := protector(), benchEvent()
	e.AddString(ecs.URLQuery, "cccd=037095001234")
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Protect(e.Clone()); err != nil {
			b.Fatal(err)
		}
	}
}

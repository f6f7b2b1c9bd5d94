package privacy

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"hoalu/ecs"
)

// TestSecretsAreDestroyed: what people and programs write secrets as, and what must stand there afterwards.
func TestSecretsAreDestroyed(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
	for _, c := range []struct{ in, out string }{
		// URLs and forms
		{"GET /dang-nhap?user=an&password=Hoa%40Lu2026&next=/ HTTP/1.1", "GET /dang-nhap?user=an&password=[secret:password:12]&next=/ HTTP/1.1"},
		{"/x?access_token=ya29.a0AfH6SM&y=1", "/x?access_token=[secret:token:13]&y=1"},
		{"/x?next=%2Flogin%3Fpassword%3Dabc123%26u%3Dan", "/x?next=%2Flogin%3Fpassword%3D[secret:password:6]%26u%3Dan"},
		{"ftp://an:mat.khau@10.0.0.1/x", "ftp://an:[secret:password:8]@10.0.0.1/x"},
		{"postgres://app:s3cr3t!@db:5432/hoso", "postgres://app:[secret:password:7]@db:5432/hoso"},
		{"mat_khau=abc123&sdt=1", "mat_khau=[secret:password:6]&sdt=1"},
		{"mật khẩu: Abc@123", "mật khẩu: [secret:password:7]"},
		{"Mật khẩu mới = 'x y z'", "Mật khẩu mới = 'x y z'"}, // not a key that is known: see the document of formats
		// headers
		{"Authorization: Bearer abcdef0123456789", "Authorization: Bearer [secret:bearer:16]"},
		{"authorization: Basic YW46bWF0a2hhdQ==", "authorization: Basic [secret:basic:16]"},
		{`-H "Authorization: Bearer abc.def" https://x`, `-H "Authorization: Bearer [secret:bearer:7]" https://x`},
		{`Authorization: Digest username="an", realm="r", response="0123abcd"`, `Authorization: Digest [secret:digest:45]`},
		{"X-Api-Key: 0123456789abcdef", "X-Api-Key: [secret:api-key:16]"},
		{"Cookie: JSESSIONID=0A1B2C; lang=vi", "Cookie: JSESSIONID=[secret:cookie:6]; lang=[secret:cookie:2]"},
		{"Set-Cookie: sid=abc; Path=/; HttpOnly", "Set-Cookie: sid=[secret:cookie:3]; Path=/; HttpOnly"},
		{"sent Bearer 0123456789abcdef on", "sent Bearer [secret:bearer:16] on"},
		// JSON, XML, escaped
		{`{"user":"an","password":"a\"b c","ok":true}`, `{"user":"an","password":"[secret:password:6]","ok":true}`},
		{`{\"token\":\"abc123\",\"x\":1}`, `{\"token\":\"[secret:token:6]\",\"x\":1}`},
		{`{"authorization":"Bearer abc123"}`, `{"authorization":"Bearer [secret:bearer:6]"}`},
		{`<Data Name="Password">Abc@123</Data>`, `<Data Name="Password">[secret:password:7]</Data>`},
		{"<password>Abc@123</password>", "<password>[secret:password:7]</password>"},
		// command lines
		{"mysql -u root -pAbc@123 hoso", "mysql -u root -p[secret:password:7] hoso"},
		{"mysqldump --password=Abc@123 --all", "mysqldump --password=[secret:password:7] --all"},
		{"sshpass -p 'a b' ssh an@10.0.0.1", "sshpass -p '[secret:password:3]' ssh an@10.0.0.1"},
		{"plink -pw Abc@123 an@10.0.0.1", "plink -pw [secret:password:7] an@10.0.0.1"},
		{"curl -u an:Abc@123 https://x", "curl -u an:[secret:password:7] https://x"},
		{`["tool","--api-key","0123abcd","-v"]`, `["tool","--api-key","[secret:api-key:8]","-v"]`},
		{"cmdkey /user:an /pass:Abc@123", "cmdkey /user:an /pass:[secret:password:7]"},
		{"PGPASSWORD=Abc@123 psql -h db", "PGPASSWORD=[secret:password:7] psql -h db"},
		{"Server=db;User Id=sa;Password=Abc@123;Database=x", "Server=db;User Id=sa;Password=[secret:password:7];Database=x"},
		{"password1=Abc@123&password2=Abc@124", "password1=[secret:password:7]&password2=[secret:password:7]"},
		{"DB_PASS=Abc@123 app.pw=Abc@123 pass_word: Abc@123",
			"DB_PASS=[secret:password:7] app.pw=[secret:password:7] pass_word: [secret:password:7]"},
		{"bypass=Abc@123 12:30:59 compass=n12 p_w=abc a_pass3=abc1", "bypass=Abc@123 12:30:59 compass=n12 p_w=abc a_pass3=[secret:password:4]"},
		// SQL
		{"CREATE USER 'an' IDENTIFIED BY 'Abc@123'", "CREATE USER 'an' IDENTIFIED BY '[secret:password:7]'"},
		{"ALTER ROLE an PASSWORD 'Abc@123'", "ALTER ROLE an PASSWORD '[secret:password:7]'"},
		{"UPDATE users SET password = 'Abc@123' WHERE id = 1", "UPDATE users SET password = '[secret:password:7]' WHERE id = 1"},
		// by their own form
		{"key AKIAIOSFODNN7EXAMPLE used", "key AKIA[secret:api-key:16] used"},
		{"ghp_0123456789abcdefghijABCDEFGHIJ012345", "ghp_[secret:ghp:36]"},
		{"xoxb-123456789012-abcdefghijkl", "xoxb-[secret:xoxb:25]"},
		{"sk-abcdefghijklmnopqrstuvwx", "sk-[secret:sk:24]"},
		{"jwt " + jwt + " end", "jwt eyJ[secret:jwt:" + strconv.Itoa(len(jwt)-3) + "] end"},
		{"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
			"-----BEGIN RSA PRIVATE KEY-----[secret:private-key:6]-----END RSA PRIVATE KEY-----"},
		// codes
		{"Mã OTP của quý khách là 482913, không chia sẻ", "Mã OTP của quý khách là [secret:otp:6], không chia sẻ"},
		{"mã xác thực: 4829", "mã xác thực: [secret:otp:4]"},
		{"verify?otp=482913", "verify?otp=[secret:otp:6]"},

		// what is none
		{"passwd: pam_unix(passwd:chauthtok): password changed for an", ""},
		{"Failed password for root from 203.0.113.9 port 22 ssh2", ""},
		{"PasswordLastSet: 2026-11-30 01:02:03", ""},
		{"TokenElevationType: %%1936", ""},
		{"sudo: an : TTY=pts/0 ; PWD=/home/an ; COMMAND=/bin/ls", ""}, {`"credentials":{"id":1}`, ""}, {`{"Authorization":[],"x":1}`, ""},
		{"AcsSessionID=cisco-ise-host/435083133/47", ""},
		{"password=", ""}, {"password=****", ""}, {"token=null&x=1", ""}, {"--password $PASS", ""},
		{"sessionid=12345678 action=accept", ""}, {"ssh -p 22 an@10.0.0.1", ""}, {"docker run -u 1000:1000 x", ""},
		{"http://10.0.0.1:8080/x", ""}, {"GET /a?b=c HTTP/1.1", ""}, {"HTTP 1234", ""},
		{"password: authentication failed for an", ""},
		{`exe="/usr/bin/passwd" key="passwd_changes"`, ""},
		{"cccd tk:c" + strings.Repeat("a", 24), ""},
	} {
		want := c.out
		if want == "" {
			want = c.in
		}
		got := without(c.in, secretsIn(nil, c.in))
		if got != want {
			t.Errorf("%q\nbecame %q\nwant   %q", c.in, got, want)
		}
		for shift := range 2 {
			s := strings.Repeat(".", shift*2+1) + "\n" + strings.Repeat(" ", shift) + c.in
			all, _ := secretsFrom(nil, s, 0, len(s))
			if fast := secretsIn(nil, s); !slices.Equal(fast, all) {
				t.Errorf("%q: %v with hints, %v without", s, fast, all)
			}
		}
		if again := without(got, secretsIn(nil, got)); again != got {
			t.Errorf("%q: a second time it became %q", got, again)
		}
	}
}

// TestSecretsInFields: a field whose name says so is one whole, and what was found in one place is gone from the others.
func TestSecretsInFields(t *testing.T) {
	p := protector()
	e := &ecs.Event{System: "HT-001", Created: 1_772_414_131_000}
	e.AddString(ecs.Intern("user.password"), "x1")
	e.AddString(ecs.Intern("http.request.headers.authorization"), "Bearer 0123456789")
	e.AddString(ecs.Intern("http.request.headers.cookie"), "sid=abc123def; lang=vi")
	e.AddString(ecs.Intern("process.command_line"), `tool --password "Tr@ng An 1"`)
	e.AddString(ecs.Intern("process.args"), "Tr@ng An 1")
	e.AddString(ecs.Intern("event.original"), `type=EXECVE a0="tool" a1="--password" a2="Tr@ng An 1"`)
	e.AddString(ecs.UserName, "an")
	protect(t, p, e)
	for f, want := range map[string]string{
		"user.password": "[secret:password:2]", "http.request.headers.authorization": "Bearer [secret:bearer:10]",
		"http.request.headers.cookie": "sid=[secret:cookie:9]; lang=[secret:cookie:2]",
		"process.command_line":        `tool --password "[secret:password:10]"`,
		"process.args":                "[secret:password:10]",
		"event.original":              `type=EXECVE a0="tool" a1="--password" a2="[secret:password:10]"`, "user.name": "an",
	} {
		if got := e.Text(ecs.Intern(f)); got != want {
			t.Errorf("%s = %q, want %q", f, got, want)
		}
	}
}

func FuzzSecrets(f *testing.F) {
	for _, s := range []string{"password=x", `{"a":"b"}`, "Authorization: Digest a=b, c=d", "Cookie: a=b; c", "-----BEGIN PRIVATE KEY-----",
		"mã OTP 123456", "https://a:b@c", "password%3Dx", "-p\"", "'", "pw0%3D0000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if all, _ := secretsFrom(nil, s, 0, len(s)); !slices.Equal(all, secretsIn(nil, s)) {
			t.Fatalf("%q: %v with hints, %v without", s, secretsIn(nil, s), all)
		}
		last := 0
		for _, x := range secretsIn(nil, s) {
			if x.start < last || x.end <= x.start || x.end > len(s) {
				t.Fatalf("spans out of order in %q: %+v", s, x)
			}
			last = x.end
		}
	})
}

// TestSecretsAreFoundInDecodedFieldsToo: the line as it came has the command in hex (auditd's proctitle).
func TestSecretsAreFoundInDecodedFieldsToo(t *testing.T) {
	p := protector()
	e := &ecs.Event{Created: 1_772_414_131_000}
	e.AddString(ecs.Intern("event.original"), "type=PROCTITLE proctitle=746F6F6C002D2D70617373776F72643D416263403132")
	e.AddString(ecs.Intern("process.command_line"), "tool --password=Abc@12")
	protect(t, p, e)
	if got := e.Text(ecs.Intern("process.command_line")); got != "tool --password=[secret:password:6]" {
		t.Errorf("process.command_line = %q", got)
	}
}

// BenchmarkSecrets is the search through a web server's line of 700 bytes without a secret.
func BenchmarkSecrets(b *testing.B) {
	line := `<190>Mar  2 09:59:01 web-01 nginx: 203.0.113.7 - - [02/Mar/2026:09:59:01 +0700] "GET /dich-vu-cong/ho-so/danh-sach?trang=1&kichThuoc=20&tuKhoa=` + strings.Repeat("d%E1%BA%A5t", 30) + ` HTTP/1.1" 200 18342 "https://dichvucong.example.vn/trang-chu" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36 Edg/122.0.0.0"`
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if len(secretsIn(nil, line)) != 0 {
			b.Fatal("found one")
		}
	}
}

func BenchmarkSecretsJSON(b *testing.B) {
	line := `{"@timestamp":"2026-03-02T02:59:01.123Z","event":{"code":"1","kind":"event","provider":"Microsoft-Windows-Sysmon","action":"Process Create (rule: ProcessCreate)"},"host":{"name":"PC-1.example.vn"},"log":{"level":"information"},"agent":{"type":"winlogbeat","version":"8.12.0","id":"4f1c2c1e-1111-4222-8333-944455556666"},"ecs":{"version":"8.0.0"},"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"1","provider_name":"Microsoft-Windows-Sysmon","record_id":1,"task":"Process Create (rule: ProcessCreate)","opcode":"Info","process":{"pid":3428,"thread":{"id":4688}},"event_data":{"Company":"Microsoft Corporation","CommandLine":"\"C:\\Windows\\System32\\cmd.exe\" /c whoami /all"}}}`
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if len(secretsIn(nil, line)) != 0 {
			b.Fatal("found one")
		}
	}
}

package privacy

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

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
		secretCase(t, c.in, c.out)
	}
}

// secretCase looks at a text and at the same text at odd and even places; out "" says that nothing is taken out of it.
func secretCase(t *testing.T, in, out string) {
	t.Helper()
	if out == "" {
		out = in
	}
	got := without(in, secretsIn(nil, in))
	if got != out {
		t.Errorf("%q\nbecame %q\nwant   %q", in, got, out)
	}
	for shift := range 2 {
		s := strings.Repeat(".", shift*2+1) + "\n" + strings.Repeat(" ", shift) + in
		all, _ := secretsFrom(nil, s, 0, len(s))
		if fast := secretsIn(nil, s); !slices.Equal(fast, all) {
			t.Errorf("%q: %v with hints, %v without", s, fast, all)
		}
	}
	if again := without(got, secretsIn(nil, got)); again != got {
		t.Errorf("%q: a second time it became %q", got, again)
	}
}

// TestSecretsOfCommandsAndDevices: each secret is written between « and », which are no part of the text; nothing else of it is touched.
func TestSecretsOfCommandsAndDevices(t *testing.T) {
	for _, marked := range []string{
		// flags that are secret to some commands only
		"/usr/bin/sshpass -p«Tr@ngAn1» ssh an@b", `sshpass -p '«Tr@ng An1»' ssh an@b`, "usermod -p «$6$ab$cdef» an", "useradd -m -p «Abc123» an",
		"docker login -u an -p «Abc@123» r.local", "psexec.exe \\\\may1 -u an -p «Abc@123» cmd", "7z x -p«Abc@123» a.7z",
		"rar a -hp«Abc123» a.rar b",
		"zip -P «Abc@123» a.zip b", "sqlcmd -S db -U sa -P «Abc@123»", "ipmitool -H h -U an -P «Abc@123» power status",
		"ldapsearch -D cn=an -w «Abc@123» -b dc=x", "ldappasswd -a «Abc@123» uid=an", "redis-cli -h r -a «Abc@123» ping",
		"openssl enc -aes256 -k «Abc@123» -in x",
		"smbclient //s/x -U an%«Abc@123»", "rpcclient -U 'an%«Abc 123»' h", "curl -u an:«Abc@123» https://x", "curl -uan:«Abc@123» https://x",
		"/usr/bin/curl --user an:«Abc@123» https://x",
		"http -a an:«Abc@123» GET x.vn", "mysql -u root -p«@bc123» hoso", "mysql -u root -p«matkhau1» hoso", `type=EXECVE a0="sshpass" a1="-p" a2="«Tr@ng An 1»"`,
		"xfreerdp /u:an /p:«Abc@123» /v:10.0.0.1",
		// commands whose arguments go by their place
		"net user an «Abc@123» /add", "C:\\Windows\\System32\\net.exe user an «Abc@123» /add /domain", "net1 user an «Abc@123»",
		"net use z: \\\\may\\chung «Abc@123» /user:an",
		`bash -c "echo an:«Abc@123» | chpasswd"`, "echo '«Abc 123»' | passwd --stdin an", `printf '«Abc@123»\n' | sudo -S id`,
		"sqlplus scott/«Abc@123x»@orcl",
		"sqlplus -s scott/«tiger1»@//db:1521/x", "expdp system/«Abc123» full=y", "htpasswd -b /etc/x an «Abc@123»", "htpasswd -nb an «Abc@123»",
		// SQL
		"SET PASSWORD FOR 'an'@'%' = '«Abc@123»'", "CREATE LOGIN an WITH PASSWORD = N'«Abc@123»'",
		"ALTER USER an IDENTIFIED WITH mysql_native_password BY '«Abc@123»'",
		`ALTER USER an IDENTIFIED BY "«Abc@123»"`, "alter user an identified by «Abc123»", "SET PASSWORD = PASSWORD('«Abc@123»')",
		"INSERT INTO users(name,password) VALUES('an','«Abc@123»')",
		"INSERT INTO t (n,password,x) VALUES ('an',MD5('«Abc@123»'),'y'), ('b',NULL,'z')",
		"insert into t (id, `mat_khau`, x) values (1, '«a b, c»', 'x y')",
		"Content-Disposition: form-data; name=\"password\"\r\n\r\n«Abc@123»\r\n--b",
		// URLs
		"GET /b/x?sv=2022&sig=«abcDEF0123456789abcDEF%3D» HTTP/1.1", "/x?next=%2Fv%3Fotp%3D«482913»%26user%3Dan%26next%3D%2Fdanh-sach-ho-so-dich-vu-cong%2Ftrang-chu-cua-tinh-ninh-binh",
		"otp=«482913»&next=/danh-sach-ho-so-dich-vu-cong/trang-chu-cua-tinh-ninh-binh-rat-dai-hon-sau-muoi-bon-ky-tu", "/cb?code=«0AX4XfWh_abc»&state=xyz",
		"/cb?state=xyz&code=«SplxlOBeZQQYbYS6WxSbIA»",
		"https://s3.x/y?X-Amz-Date=1&X-Amz-Signature=«0123456789abcdef0123456789abcdef»",
		"body=%7B%22password%22%3A%22«Abc123»%22%2C%22x%22%3A1%7D",
		"AccountName=a;AccountKey=«abcdef0123456789==»;x=1", "/x;jsessionid=«0A1B2C3D4E5F6A7B»?y=1", "PHPSESSID=«q8f7s9d0f7a9s8d7f6»",
		// headers, XML
		`{"headers":{"authorization":["Bearer «abc.def-123»"]}}`, `<wsse:Password Type="x#PasswordText">«Abc@123»</wsse:Password>`,
		`<Data type="s" Name="Password">«Abc@123»</Data>`,
		// known prefixes
		`psexec \\\\may -s x /c y --p "«Abc@1»"`,
		"token hvs.«CAESIJabcdefghijklmnop0123»", "key AIza«SyAbcdefghijklmnopqrstuvwxyz0123456», used",
		"SG.«abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG»",
		"ya29.«a0AfH6SMBabcdefghijkl»",
		// what administrators type into network devices
		"%PARSER-5-CFGLOG_LOGGEDCMD: User:an  logged command:username an privilege 15 secret 0 «Abc@123»", "enable secret 9 «$9$abc$def»",
		"enable password «cisco123»",
		"username an password 7 «0822455D0A16»", "snmp-server community «bimat» RO", "snmp-agent community read cipher «Bi@Mat1»",
		"tacacs-server key 7 «0822455D0A16»",
		"radius-server host 10.0.0.1 key «Abc@123»", "set psksecret ENC «abcDEF0123456789==»", "set password ENC «SH2abcdef0123»",
		"crypto isakmp key «Abc@123» address 10.0.0.1",
		"neighbor 10.0.0.1 password 7 «0822455D0A16»", "pre-shared-key local «Abc@123»", "local-user an password irreversible-cipher «$1c$abc$»",
		// of a second attack
		"agentPassword=«Zx9kQw7L»", `{"agentToken":"«Zx9kQw7L»"}`, "/x?agentpassword=«Zx9kQw7L»", "AgentSecret: «Zx9kQw7L»",
		`GET /x?X-Amz-Signature=«4mbbbbGgrbD»&X-Amz-Date=1`,
		`GET /x?sessionid=«EPeLHXpDGAn»`,
		`GET /x?user%5Bpassword%5D=«s8Fv7SjZLY2»`,
		`GET /x?SAMLResponse=«YZFQGQgNXPg»`,
		`GET /x?ticket=«ST-12-q6AgsY4sF6t-cas»`,
		`<property name="password" value="«YD6JAEry9Sd»"/>`,
		`<add key="ApiSecret" value="«DFt6a8itUpR»"/>`,
		`userPassword:: «9HwZQh9hbBL»`,
		`password -> «Pi4hmQeXzed»`,
		`password "«mNRFMXmFWRZ»"`,
		`schtasks /create /ru an /rp «HFLXNMsjyfC» /tn x`,
		`ldappasswd -s «ESqFPGchweM» uid=an`,
		`rdesktop -u an -p «hz434NVJ6Cg» h`,
		`chpasswd <<< an:«ZeieMBAqhfR»`,
		`snmpwalk -v2c -c «JYdZF4eiitC» h`,
		`snmpwalk -v3 -A «rJFxW2xiFDz» h`, `snmpwalk -v3 -X «rJFxW2xiFDz» h`,
		`hydra -l root -p «E6YqzSLWqT5» ssh://h`,
		`impacket-psexec dom/an:«H2jDr7Z8emj»@h`,
		`aws configure set aws_secret_access_key «aZnKZXzFeQM»`,
		`vault login «yDU5jSVr8ot»`,
		`powershell ConvertTo-SecureString «YVGjYkQcoVo» -AsPlainText -Force`,
		`ConvertTo-SecureString -String "«PZq6gLJA4Rw»" -AsPlainText`,
		`ktpass /pass «xhRLACDkBbM» /princ x`,
		`lftp -u an,«QsCHXyv7SwD» ftp://h`,
		`nmcli dev wifi connect X password «N9aXpRa7rvt»`,
		`cqlsh -u a -p «2pig7UqyB3c»`,
		`mssql-cli -U sa -P «dj2GYgwDknP»`,
		`winrs -r:h -u:an -p:«rWYGbb9yFd9» cmd`,
		`mysqladmin -u root password «xGLtGNaKK3V»`,
		`rabbitmqctl change_password an «CAb73dvQirU»`,
		`rabbitmqctl add_user an «BKSpybAyR7d»`,
		`twine upload -u a -p «Lw3NjYG7nfk»`,
		`curl --oauth2-bearer «fPLJ2E44rNg» x`,
		`curl -b "session=«fUzmsJ26gY3»" x`,
		`certutil -p «3Jj6YroAtAP» -importpfx x`,
		`signtool sign /p «sUSpGoK7QM2» x`,
		`netsh wlan set profileparameter name=x keyMaterial=«Y3KPb3kLqvp»`,
		`reg add HKLM\X /v DefaultPassword /d «tm3r6VNhvPj»`,
		`reg add "HKLM\Winlogon" /v DefaultPassword /t REG_SZ /d «y6et9HmHScQ» /f`,
		`SELECT AES_ENCRYPT('x','«RexyMDZ2ywv»')`,
		`SELECT crypt('«xzFUrmwhft9»', gen_salt('bf'))`,
		`CREATE DATABASE LINK l CONNECT TO an IDENTIFIED BY «aVVxpL86hpD» USING 'x'`,
		`EXEC sp_addlogin 'an', '«XUTDqsw45pX»'`,
		`EXEC sp_password NULL, '«xA6Kp6Vod9R»', 'an'`,
		`WHERE password LIKE '«3afkFk4Y2EQ»%'`,
		`WHERE password IN ('«ojS96jWgioN»')`,
		`WHERE (password) = ('«PNFM4vUZnnY»')`,
		`Ocp-Apim-Subscription-Key: «xiIhtREMZ2MukeSJmrufszqHrp9vfesTRaA6»`,
		`x-functions-key: «z5ymVISmngrJYKWmt7t2IaoWjgCVieCbGz5Z»`,
		`cookies: {"sid":"«ooH1qULCTaSLtu2sTqdh9En6jujQgB8MuTdz»"}`,
		`deploy note pypi-«AgEIcHlwaS5vcmc4ExmfGymH3LpbfCCCioGcsvJcn6YEZxtxLZLtFXA6s86gVKSGG9RHKhTkkHW» ok`,
		`deploy note dop_v1_«7518b69c64773031f6725480dc3932677172a31659a2e50add127454b4667a20» ok`,
		`deploy note shpat_«5dc9328776e7f1ccacc27ad909f03fdd» ok`,
		`deploy note hf_«yosTrzRU2kBcmcsF4urahwZvTWL6nh5D3k» ok`,
		`deploy note gsk_«JNj49DLVyjLuVDoVa2ZvMTVgNqWebGuSZbWa3gTHPqei6crL2WCK» ok`,
		`deploy note dckr_pat_«zkgtm7tczETbZwbj4U7rHSe2ACk» ok`,
		`deploy note glrt-«nVYpZSR9E9mGzpu6c64w» ok`,
		`deploy note AGE-SECRET-KEY-«1VLSMXRYVH2BB63Y6XBBH4XY8MW8KKYJCTUJPXUECEIA7NTRNDBPNXT37U3» ok`,
		`deploy note whsec_«KQt7zRiHUCy5sa9UJsw9waqTwE2pp5iT» ok`,
		`deploy note xapp-«1-A0-123-6793b2b023a60e4e81e11e3f79aa766907508db2823ccd71ba82f4dee6a63c59» ok`,
		`deploy note lin_api_«7KZ29ghFX3Wg5J7GjnSiaPYStBNwT5jd2xxaL46d» ok`,
		`deploy note NRAK-«JAHPXOKABA563FF2CP9NKE7WXQM» ok`,
		`deploy note https://hooks.slack.com/services/T000/B000/«h2rPARPYa9GGo9JNefnoruwe» ok`,
		`deploy note bot123456789:«AAnxxD8gLbsu8wRwsgv9gpKHhpaEvR49QAb» ok`,
		`deploy note $2y$«10$3y5QryysCRGN4ACfDbRQ2uCmrncSCKfBgzGz9wGMK4jLqiWGi39a9» ok`,
		`deploy note $6$«rounds=5000$ab$E7Bms5Fimqqp34kEwDtkqUfbtAmyPBM6i46fPHwsyPtdHqFkjYuGFxR797GFZTVVzUKhpnX2NAFECHuv2pPjaf» ok`,
		`deploy note $1$«abc$qnsPzxz3FB6DwxBtuJ7d49» ok`,
		`deploy note {SSHA}«Xl4gRgmsDpwMU4U8pjfB0CrdtqAerKUN» ok`,
		`deploy note aad3b435b51404eeaad3b435b51404ee:«1adab23e5617d266908d35e59c7a8026» ok`,
		`-----BEGIN PGP PRIVATE KEY BLOCK-----« 19hqHKhUhLIGhQqr+SYGT2xlCdnJ8MITY57dL83RBYbN6eh2qHDdDclb6YXanhQUHc7rnyonHoLlGpeTWf7DZpPu8nJNIx39Igc5o91v5oGN6LjREQI7EmIr»`,
		`PuTTY-User-Key-File-3: ssh-rsa Private-Lines: «8 8osntNI951BdaauuPE73DQ2LXltMcHcu3UwJ1ZpmqX+BSwVXCOuGHaCb7TbST4D2Rhjd1b7GLArVegdWdWZO7bi2G+A4LI1So6Vbr0fZdU0t3mnUb5KSYoPl »Private-MAC`,
		`Ma xac thuc «720810»`,
		`mfa_code=«594748»`,
		`one-time password «720722»`,
		`«633714» is your verification code`,
		`«251678» la ma OTP`,
		`G-«344228» is your Google verification code`,
		`"verificationCode":"«173001»"`,
		`auth code is «522991»`,
		`set passwd ENC «PDy4JKVQQDd»`,
		`ip ospf authentication-key «pJVCFDLHCBW»`,
		`ppp chap password 0 «vrLHfLGMNpY»`,
		`wpa-psk ascii «NZH7dWbcSeQ»`,
		`set system root-authentication plain-text-password-value «DejquC3em39»`,
		`authentication-password «Aee9BprXtbi»`,
		`ntp authentication-key 1 md5 «sAi43viA74Z»`,
		"pin=«4829»", "root:$y$«j9T$abcdefghijklmnopqrstuv$0123456789abcdef»:19000", `mã {SSHA512}«0123456789abcdefgh==»`,
		// codes
		"your verification code is «918273»", "login code: «918273»", "code 2fa: «650917»", "Mã OTP: «30 41 92»", "passcode=«918273»",
		"mfa code «4821»",
	} {
		in := strings.NewReplacer("«", "", "»", "").Replace(marked)
		before, rest, _ := strings.Cut(marked, "«")
		secret, after, _ := strings.Cut(rest, "»")
		spans := secretsIn(nil, in)
		if len(spans) != 1 || in[spans[0].start:spans[0].end] != secret || in[:spans[0].start] != before || in[spans[0].end:] != after {
			var got []string
			for _, x := range spans {
				got = append(got, in[x.start:x.end])
			}
			t.Errorf("%s\n%q was found, want %q", in, got, secret)
			continue
		}
		secretCase(t, in, without(in, spans))
	}
	for _, none := range []string{
		"ssh -p 22 an@10.0.0.1", "nmap -p 22,80 10.0.0.1", "mkdir -p /tmp/a", "cp -p a b", "docker run -p 8080:80 nginx", "docker login r.local",
		"psql -U an -p 5432",
		"tar -P -cf x", "ps -w", "ls -a", "tail -s 5", "curl -k https://x", "netstat -a", "net -u x", "grep -a x", "useradd -m an",
		"zipinfo -p x",
		"net user", "net user an", "net user an /delete", "net user an *", "net use z: \\\\may\\chung", "net use",
		"net localgroup administrators an /add", "internet user an x y",
		"echo hello | grep hello", "echo done", "echo a:b | tee x", "printf '%s' x | wc -c", "sqlplus / as sysdba", "sqlplus /nolog",
		"htpasswd /etc/x an", "expdp parfile=x.par",
		"enable password", "set password policy", "password 7 days left", "set password for user an", "Failed password for root from 10.0.0.1",
		"password changed for an",
		"community edition", "the key is lost", "key community", "radius key agreement", "username or password is incorrect",
		"secret community of an", "enable secret for all",
		"exit code 1234", "status code 40412", "error code: 12345", "GET /x?code=404 HTTP/1.1", "/x?code=VN84123&lang=vi", "/x?sig=short",
		"verification code sent to an", "area code 0229",
		"GET /a/p: x", "T/p:8080 up", `{"statusCode":200,"code":"ABC123","p":1}`, "a msg.id=1", "SG.1", "kvs.store=abcdefghijklmnopqrstuvw",
		"identified 5 hosts by address",
		"devices identified by serial numbers of", "<a href=\"x\">Password</a>", "port%3A8080", "12 2fa users", "pdp context 1/2", "token%3A",
		"[2026-11-30 01:02:03] sudo -S",
		"select * from users where password is null", "update t set secret_level = 3", "%22x%22%3A%22y%22", "an set password",
		"authentication code path 2026", `Invalid username or password specified\\, Retry is allowed`, `"useragenttoken":"Google Chrome (0.x)"`,
		"reg add HKLM\\X /v UseLogonCredential /t REG_DWORD /d 1", "reg add HKLM\\X /v Start /d 0x4", "static int hf_x509ce_uniformResourceIdentifier_item",
		"schtasks /create /tn x /rl highest", "vault login -method=ldap username=an", "ConvertTo-SecureString $p -AsPlainText", "add_user an",
		"/x?session=abc", "/x?ticket=HD-123456789", "value=\"x\"", `<option id="x" value="password1"/>`, "costs $5 or $6 at $1", "x${HOME}/y", "{sha}",
		"snmpwalk -c", "curl -b cookies.txt x", "bot123:AA", "pin=12", "pin: an", "password -> ", "the code of your account", "1234 is your new extension",
		"ma xac thuc sai", "robot 12:30", "-----BEGIN CERTIFICATE-----", "set system password policy", "psexec.py -h", "find . -s an -c 1 -x",
	} {
		secretCase(t, none, "")
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

// TestSecretsOfLists: the words of a command and the items of a form are looked at together; what was found is gone in hex as well.
// TestKeysInNames: a key that was asked for as the name of a host or typed as that of an account stood plain, as names are left alone.
func TestKeysInNames(t *testing.T) {
	const key = "ghp_U9s9fR4RdxnIsG7qThHa9nMtGcwiB17qabcd"
	p := protector()
	for _, c := range []struct {
		field, text, want string
	}{
		{"dns.question.name", key + ".x.example", "ghp_[secret:ghp:36].x.example"},
		{"dns.answers.data", key + ".x.example", "ghp_[secret:ghp:36].x.example"},
		{"destination.domain", key + ".x.example", "ghp_[secret:ghp:36].x.example"},
		{"tls.client.server_name", key + ".x.example", "ghp_[secret:ghp:36].x.example"},
		{"host.name", key, "ghp_[secret:ghp:36]"},
		{"related.hosts", key, "ghp_[secret:ghp:36]"},
		{"user.name", key, "ghp_[secret:ghp:36]"},
		{"url.domain", "an:wZ8lY5pVvKvxYC7q@web.example", "an:[secret:password:16]@web.example"},
		{"url.domain", "an:short-pw-123@web.example", "an:[secret:password:12]@web.example"},
		// names
		{"user.name", "MSSQLSvc/db.example:1433@TINH.EXAMPLE", "MSSQLSvc/db.example:1433@TINH.EXAMPLE"},
		{"user.name", "password=admin", "password=admin"},
		{"dns.question.name", "token-service-password-reset.tinh.example", "token-service-password-reset.tinh.example"},
		{"host.name", "may-chu-tep-phong-ke-toan.tinh.example", "may-chu-tep-phong-ke-toan.tinh.example"},
		{"source.address", "fe80:0000:0000:0000:0202:b3ff:fe1e:8329", "fe80:0000:0000:0000:0202:b3ff:fe1e:8329"},
	} {
		e := &ecs.Event{System: "HT-001"}
		e.AddString(ecs.Intern(c.field), c.text)
		if err := p.Protect(e); err != nil {
			t.Fatal(err)
		}
		if got := e.Text(ecs.Intern(c.field)); got != c.want {
			t.Errorf("%s %q became %q, want %q", c.field, c.text, got, c.want)
		}
	}
	e := &ecs.Event{System: "HT-001"} // what is a key in one place is one in a name too, a password as short as a name is not
	e.AddString(ecs.Message, "mysql -pquantri and "+key)
	e.AddString(ecs.UserName, "quantri")
	e.AddString(ecs.HostName, "x."+key)
	if err := p.Protect(e); err != nil {
		t.Fatal(err)
	}
	if user, host := e.Text(ecs.UserName), e.Text(ecs.HostName); user != "quantri" || host != "x.ghp_[secret:ghp:36]" {
		t.Errorf("user %q, host %q", user, host)
	}
}

func TestSecretsOfLists(t *testing.T) {
	p := protector()
	e := &ecs.Event{System: "HT-001", Created: 1_772_414_131_000}
	for _, w := range []string{"curl", "-u", "an:Zx9kQw7L", "http://x", "-p"} {
		e.AddString(ecs.Intern("process.args"), w)
	}
	for _, item := range [][2]string{{"user", "an"}, {"password", "Tr@ngAn1"}, {"Authorization", "Bearer abc.def"}} {
		e.AddString(ecs.Intern("form.name"), item[0])
		e.AddString(ecs.Intern("form.value"), item[1])
	}
	for _, w := range []string{"docker", "login", "-u", "an", "-p", `Zx9"kQ 7L\\`} {
		e.AddString(ecs.Intern("process.parent.args"), w)
	}
	for _, w := range []string{"net", "user", "an", "matkhau", "/add"} {
		e.AddString(ecs.Intern("a.args"), w)
	}
	for _, item := range [][2]string{{"user", "an"}, {"password", "Tr@ngAn2"}, {"note", strings.Repeat("x ", 40<<10)}} {
		e.AddString(ecs.Intern("long.name"), item[0])
		e.AddString(ecs.Intern("long.value"), item[1])
	}
	e.AddString(ecs.Intern("odd.name"), "user")
	e.AddString(ecs.Intern("odd.name"), "password")
	e.AddString(ecs.Intern("odd.value"), "Tr@ngAn3")
	e.AddString(ecs.Intern("message"), `type=EXECVE a0="net" a1="user" a2="an" a3="matkhau"`)
	e.AddString(ecs.Intern("process.parent.command_line"), "mysql -uroot -pmatkhau1")
	e.AddString(ecs.Intern("event.original"), "type=PROCTITLE proctitle=6D7973716C002D75726F6F74002D706D61746B68617531 a2=616e3a5a78396b5177374c")
	protect(t, p, e)
	for f, want := range map[string][]string{
		"process.args":                {"curl", "-u", "an:[secret:password:8]", "http://x", "-p"},
		"form.value":                  {"an", "[secret:password:8]", "Bearer [secret:bearer:7]"},
		"form.name":                   {"user", "password", "Authorization"},
		"process.parent.args":         {"docker", "login", "-u", "an", "-p", "[secret:password:11]"},
		"a.args":                      {"net", "user", "an", "[secret:password:7]", "/add"},
		"long.value":                  {"an", "[secret:password:8]", strings.Repeat("x ", 40<<10)},
		"odd.value":                   {"[secret:password:8]"},
		"message":                     {`type=EXECVE a0="net" a1="user" a2="an" a3="[secret:password:7]"`},
		"process.parent.command_line": {"mysql -uroot -p[secret:password:8]"},
		"event.original":              {"type=PROCTITLE proctitle=6D7973716C002D75726F6F74002D70[secret:password:8] a2=616e3a[secret:password:8]"},
	} {
		var got []string
		for _, v := range e.Values(nil, ecs.Intern(f)) {
			got = append(got, v.Text)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s = %q, want %q", f, got, want)
		}
	}
}

// TestEveryKeyCostsItsLength: a key without a value worth destroying, over and over, is no more work than its length. By the square 256 KiB
// took up to 14 s; one such message held up all others.
func TestEveryKeyCostsItsLength(t *testing.T) {
	names, kinds := []string{"/p", "useragenttoken", "pwd"}, map[string]bool{}
	for _, k := range secretKeys {
		if !kinds[k.kind] { // one of each, as the kind decides
			kinds[k.kind] = true
			names = append(names, k.key)
		}
	}
	for k := range urlKeys {
		names = append(names, k)
	}
	for _, name := range names {
		for _, form := range []string{"?%=a", "/x?%=abc", "&%=abcdefg", "%={", "%=[", "%=/", "%: (", "%=$", "%=****", `"%":`, "<%>", "%->", "% -> (", "/v % /d ",
			"-% -", "--%", "%5D=", "%\\", "%%3D", "(%) = ('", "% '", "% (", ` name="%" value=`, "% is ", "% is '", "<%><![CDATA[a", "\nPASS \"%", "\na1 LOGIN % ", "% \\'", "%&quot;:", "%&quot;:&quot;", `%\u0022:`, "%%25253D", "%25%22%253A%22",
			`"name":"%","value":`, `%credential('`, "-u a -p % ", `"command":"PASS","command_data":"%`} {
			part := strings.ReplaceAll(form, "%", name)
			text := strings.Repeat(part, 256<<10/len(part))
			at := time.Now()
			secretsIn(nil, text)
			if took := time.Since(at); took > 2*time.Second {
				t.Errorf("%q for 256 KiB took %v", part, took)
			}
		}
	}
}

// TestListsAreBounded: a sender decides how many words a command has and how many fields are lists.
func TestListsAreBounded(t *testing.T) {
	p := protector()
	e := &ecs.Event{Created: 1_772_414_131_000}
	for i := range 30_000 {
		e.AddString(ecs.Intern("process.args"), "-p")
		e.AddString(ecs.Intern("l"+strconv.Itoa(i%500)+".value"), "password"+strconv.Itoa(i))
	}
	at := time.Now()
	protect(t, p, e)
	if took := time.Since(at); took > 5*time.Second {
		t.Errorf("60,000 values took %v", took)
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

package privacy

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"hoalu/ecs"
)

// TestSecretsAsOtherProductsWriteThem: the options of other products, other names of parameters and headers, texts escaped once more and
// sentences. A secret stands between « and ».
func TestSecretsAsOtherProductsWriteThem(t *testing.T) {
	for _, marked := range []string{
		`mongorestore -u an -p=«Zx9kQw7L»`,
		`curl -U an:«Zx9kQw7L» http://x`,
		`keytool -genkey -deststorepass «Zx9kQw7L» -srcstorepass «Zx9kQw7M»`,
		`helm registry login -u an -p «Zx9kQw7L» r`,
		`SSHPASS=«Zx9kQw7L» sshpass -e ssh h`,
		`REDISCLI_AUTH=«Zx9kQw7L» redis-cli`,
		`LDAPTLS_X=1 ldapmodify -x -D cn=admin -w«Zx9kQw7L» -f x`,
		`enum4linux -u an -p «Zx9kQw7L» h`,
		`[System.Net.NetworkCredential]::new("an","«Zx9kQw7L»")`,
		`New-Object System.Net.NetworkCredential("an","«Zx9kQw7L»")`,
		`bcp db.dbo.t out f -Usa -P«Zx9kQw7L»`,
		`osql -U sa -P«Zx9kQw7L»`,
		`isql -U sa -P «Zx9kQw7L»`,
		`cypher-shell -u neo4j -p «Zx9kQw7L»`,
		`couchbase-cli x -u an -p «Zx9kQw7L»`,
		`elasticsearch-reset-password -u elastic -p «Zx9kQw7L»`,
		`rabbitmqadmin -u an -p «Zx9kQw7L» list`,
		`ipmitool -I lanplus -H h -U root -P«Zx9kQw7L» chassis`,
		`racadm -r h -u root -p «Zx9kQw7L» getsysinfo`,
		`hponcfg -u an -p «Zx9kQw7L»`,
		`govc -u an:«Zx9kQw7L» ls`,
		`vmware-cmd -U an -P «Zx9kQw7L»`,
		`WinRAR a -hp«Zx9kQw7L» a`,
		`pdftotext -upw «Zx9kQw7L» a.pdf`,
		`echo '«Zx9kQw7L»' | su - an`,
		`ipa-client-install -p admin -w «Zx9kQw7L» -U`,
		`nmcli con mod x wifi-sec.psk «Zx9kQw7L»`,
		`nmcli con mod x 802-11-wireless-security.psk "«Zx9kQw7L»"`,
		`nuget setapikey «Zx9kQw7Labcdefgh0123456789»`,
		`sshpass -p=«Zx9kQw7L» scp a b`,
		`zabbix_sender --tls-psk «Zx9kQw7L»`,
		`GET /x?client_assertion=«Zx9kQw7Labcdefxxxxxx»`,
		`GET /x?assertion=«Zx9kQw7Labcdefxxxxxx»`,
		`GET /x?appkey=«Zx9kQw7Labcdef»`,
		`GET /x?pswd=«Zx9kQw7L»`,
		`GET /x?userpass=«Zx9kQw7L»`,
		`GET /x?matKhauMoi=«Zx9kQw7L»`,
		`GET /x?mat_khau_cu=«Zx9kQw7L»&mat_khau_moi=«Zx9kQw7M»`,
		`user[password]=«Zx9kQw7L»&user[password_confirmation]=«Zx9kQw7L»`,
		`GET /x?next=%252Flogin%253Fpassword%253D«Zx9kQw7L»%2526u%253Dan`,
		`GET /x?next=%252Flogin%253Fpassword%253D«Zx9kQw7L»`,
		`GET /x?data=%257B%2522password%2522%253A%2522«Zx9kQw7L»%2522%257D`,
		`m%E1%BA%ADt%20kh%E1%BA%A9u=«Zx9kQw7L»`,
		`AUTH PLAIN «AGFuAG1hdGtoYXUxMjM=»`,
		`smtp: 334 VXNlcm5hbWU6 AUTH PLAIN «AGFuAG1hdGtoYXUxMjM=»`,
		`"Cookie": ["sid=«Zx9kQw7Labc»"]`,
		`"headers":[{"name":"Authorization","value":"Bearer «Zx9kQw7Labc»"}]`,
		`"headers":[{"name":"Cookie","value":"sid=«Zx9kQw7Labc»"}]`,
		`"headers":[{"name":"X-Api-Key","value":"«Zx9kQw7Labc»"}]`,
		`{'password': u'«Zx9kQw7L»'}`,
		`{"msg":"{\"inner\":\"{\\\"a\\\":\\\"{\\\\\\\"password\\\\\\\":\\\\\\\"«Zx9kQw7L»\\\\\\\"}\\\"}\"}"}`,
		`{\u0022password\u0022:\u0022«Zx9kQw7L»\u0022}`,
		`{&quot;password&quot;:&quot;«Zx9kQw7L»&quot;}`,
		`{"password":["«Zx9kQw7L»"]}`,
		`{"key":"password","value":"«Zx9kQw7L»"}`,
		`password is «Zx9kQw7L»`,
		`password was «Zx9kQw7L»`,
		`the password for an is «Zx9kQw7L»`,
		`Your new password is «Zx9kQw7L»`,
		`your temporary password is «Zx9kQw7L»`,
		`authentication failed (password: «Zx9kQw7L»)`,
		`secret_key_base=«Zx9kQw7L»`,
		`signing_key=«Zx9kQw7L»`,
		`master_key=«Zx9kQw7L»`,
		`sharedKey=«Zx9kQw7L»`,
		`psk=«Zx9kQw7L»`,
		`Mật khẩu mới là «Zx9kQw7L»`,
		`Mật khẩu mới của bạn là: «Zx9kQw7L»`,
		`mật khẩu của tài khoản an là «Zx9kQw7L»`,
		`Mật khẩu tạm thời: «Zx9kQw7L»`,
		`mật khẩu đăng nhập hệ thống là «Zx9kQw7L»`,
		`Mat khau moi la «Zx9kQw7L»`,
		`đổi mật khẩu thành «Zx9kQw7L»`,
		`đặt lại mật khẩu thành «Zx9kQw7L» cho an`,
		`«482913» là mã xác thực của bạn`,
		`Mã xác minh: «482913»`,
		`Mã kích hoạt: «482913»`,
		`Ma kich hoat tai khoan VNeID cua ban la «482913»`,
		`Mã bí mật: «482913»`,
		`Mã đăng nhập: «482913»`,
		`Your one time code: «482913»`,
		`otp_code=«482913»&x=1`,
		`"otpCode":"«482913»"`,
		`"maXacThuc":"«482913»"`,
		`ma_xac_thuc=«482913»`,
		`"pinCode":"«482913»"`,
		`virsh set-user-password vm an «Zx9kQw7L»`,
		`{"ftp":{"command":"PASS","command_data":"«Zx9kQw7L»"}}`,
		`Use code 2fa: «482913» now`,
		norm.NFD.String("mật khẩu: «Zx9kQw7L»"), norm.NFD.String("Mật khẩu mới của bạn là: «Zx9kQw7L»"), norm.NFD.String("MẬT KHẨU = «Zx9kQw7L»"),
		"m\u00e2\u0323t kh\u00e2\u0309u: «Zx9kQw7L»", "m\u00e2\u0323t kh\u00e2\u0309u m\u01a1\u0301i la\u0300 «Zx9kQw7L»",
		"PASS «matkhau»", "PASS «Zx9kQw7L»\r\n", "USER an\r\nPASS «Zx9kQw7L»\r\n", "AUTH «Zx9kQw7L»", "AUTH an «Zx9kQw7L»", "a1 LOGIN an «Zx9kQw7L»",
		`a001 LOGIN "an" "«Zx9kQw7L»"`, `CONFIG SET requirepass «Zx9kQw7L»`, `masterauth «Zx9kQw7L»`,
		`cargo login «Zx9kQw7Labcdef»`, `samba-tool user create an «Zx9kQw7L»`, `sqlldr userid=an/«Zx9kQw7L» control=x`,
		`dotnet nuget push x.nupkg -k «Zx9kQw7L»`, `wlfreerdp /u:an /p:«Zx9kQw7L» /v:h`,
		`<password><![CDATA[«Zx9k<Qw7L»]]></password>`, `GET /x?code_verifier=«Zx9kQw7L»&a=1`, `GET /x?_csrf=«Zx9kQw7L»`, `GET /x?auth=«Zx9kQw7L»`,
		`X-Session-Id: «Zx9kQw7Labc»`, `"smsCode":"«482913»"`, `sms_code=«482913»`,
	} {
		in := strings.NewReplacer("«", "", "»", "").Replace(marked)
		got := without(in, secretsIn(nil, in))
		var want strings.Builder // what is no secret stays
		for rest := marked; ; {
			before, after, ok := strings.Cut(rest, "«")
			want.WriteString(before)
			if !ok {
				break
			}
			_, rest, _ = strings.Cut(after, "»")
			want.WriteString("*")
		}
		if shown := hidden.ReplaceAllString(got, "*"); shown != want.String() {
			t.Errorf("%s\nbecame %q", marked, got)
		}
		secretCase(t, in, got)
	}
	for _, none := range []string{
		`publicKeyToken=b77a5c561934e089`,
		`System.Core, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089`,
		`GET /x?page_token=2&size=1A`,
		`"nextPageToken":"CAEQAA"`,
		`sudo -u an -p nhap1matkhau ls`,
		`sudo -u an mkdir -p abc1D2`,
		`docker run -u an -p 8080:80/tcp x`,
		`psql -U an -p 5433`,
		`lsof -u an -p 1234`,
		`journalctl -u nginx -p warning..err`,
		`ps -u an -p 12345`,
		`cp -u a1 -p b1c2d3`,
		`mật khẩu là bắt buộc`,
		`Mật khẩu không đúng`,
		`đổi mật khẩu thành công cho tài khoản an1A`,
		`mật khẩu của tài khoản an01A đã hết hạn`,
		`password is incorrect for user01`,
		`password is 12 characters`,
		`password policy: minlen8characters`,
		`password changed by: admin01`,
		`the password was set 2026-11-30T10:00:00Z`,
		`mật khẩu đổi lần cuối là 2026-11-30T10:00:00`,
		`mật khẩu là /etc/x1/abc`,
		`khau là abc123`,
		`mã kích hoạt không hợp lệ`,
		`mã đăng nhập sai 3 lần`,
		`12 là mã lỗi`,
		`auth plain failed`,
		`New-Object PSCredential($user, $p)`, `NetworkCredential(\"$ENV:USERNAME\", $password, \"$env:UserDnsDomain\")`,
		`QueryDomainWithLocalCredential       = Computer is`, `[System.Threading.CancellationToken]::None).Wait()`,
		`[X.Credential]::new()`,
		`credential(a, b)`,
		`Get-Content x1 | ConvertTo-SecureString`,
		`{"name":"x","value":"abc123"}`,
		`{"name":"token","type":"a1"}`,
		`{"command":"RETR","command_data":"tep-abc123.pdf"}`,
		`100%25 of 3`,
		`a%2520b%253D`,
		`disk=Abc123`,
		`task: Abc123`,
		`&quot;x&quot;:&quot;abc123&quot;`,
		`u0022: abc123`,
		`version=a1B2c3`,
		`{"passwords":["x"]}`,
		`su - an`,
		`echo abc123 | sudo tee x`,
		`PASS`, `PASS rule 12 checked`, `3 PASS test1`, `AUTH failed for an1A`, `web auth abc123`, `AUTH LOGIN`, `web1.x LOGIN an ok1`, `a1 LOGIN failed for an1`, `login an abc123`,
		`cargo login --help`, `user create an abc123`, `sqlldr control=a/b`, `dotnet build -k x`, `MK: II`, `<name><![CDATA[abc123]]></name>`,
		`GET /x?auth=none`, `code_verifier: abc`, `sms code of conduct`,
	} {
		secretCase(t, none, "")
	}
}

// TestSecretsInObjects: the parts of a document under a name for secrets, a key as the name of a field, a secret of one field in another.
func TestSecretsInObjects(t *testing.T) {
	e := &ecs.Event{System: "HT-001", Created: 1_772_414_131_000}
	for _, v := range [][2]string{{"http.request.cookies.sid", "Zx9kQw7T="}, {"password.value", "Zx9kQw7U"}, {"a.secrets", "Zx9kQw7V"},
		{"cookies.name", "sid"}, {"cookies.value", "Zx9kQw7W"}, {"usage.tokens", "1234"}, {"price.value", "Abc12345"},
		{"tokens.ghp_U9s9fR4RdxnIsG7qThHa9nMtGcwiB17qabcd", "an"}, {"db.password", "Zx9kQw7X"}, {"note", "typed Zx9kQw7X and Zx9kQw7U"}} {
		e.AddString(ecs.Intern(v[0]), v[1])
	}
	protect(t, protector(), e)
	for f, want := range map[string]string{"http.request.cookies.sid": "[secret:cookie:9]", "password.value": "[secret:password:8]",
		"a.secrets": "[secret:secret:8]", "cookies.name": "sid", "cookies.value": "[secret:cookie:8]", "usage.tokens": "1234",
		"price.value": "Abc12345", "tokens.ghp_[secret:ghp:36]": "an", "tokens.ghp_U9s9fR4RdxnIsG7qThHa9nMtGcwiB17qabcd": "",
		"note": "typed [secret:password:8] and [secret:password:8]"} {
		if got := e.Text(ecs.Intern(f)); got != want {
			t.Errorf("%s = %q, want %q", f, got, want)
		}
	}
}

var hidden = regexp.MustCompile(`\[secret:[^\]]*\]`)

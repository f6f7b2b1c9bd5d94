package decoders

import (
	"slices"
	"strings"
	"testing"

	"hoalu/ecs"
	"hoalu/ecs/wire"
)

// TestAuditValues: what stands in quotes is text, what does not may be hexadecimal, and long arguments come in parts.
func TestAuditValues(t *testing.T) {
	d := newDecoder(t)
	const head = "type=EXECVE msg=audit(1772416801.922:1865): "
	for _, c := range []struct {
		line string
		args []string
		want string
	}{
		{head + `argc=5 a0="useradd" a1="-u" a2="3005" a3="-m" a4="trainer5"`, []string{"useradd", "-u", "3005", "-m", "trainer5"},
			"process.command_line=useradd -u 3005 -m trainer5|a2=3005"},
		{head + `argc=3 a0="jq" a1="." a2=7B0A20202022646576223A202230383A3031220A7D`, []string{"jq", ".", "{\n   \"dev\": \"08:01\"\n}"}, ""},
		{head + `argc=3 a0="sh" a1="-c" a2_len=56 a2[0]=6563686F20276D345F646566696E65 a2[1]=2720272F6574632F70617373776427`,
			[]string{"sh", "-c", "echo 'm4_define' '/etc/passwd'"},
			"a2=echo 'm4_define' '/etc/passwd'|process.command_line=sh -c echo 'm4_define' '/etc/passwd'"},
		{head + `argc=9 a0="tar" a6=2F746D702F6120622E747874 a7=2F6574632F736861646F7720636F7079 a8="z"`,
			[]string{"tar", "/tmp/a b.txt", "/etc/shadow copy", "z"}, ""},
		{head + `argc=150 a100="late" a101="-c" a102=636174202F6574632F736861646F77`, []string{"late", "-c", "cat /etc/shadow"}, ""},
		{head + `argc=4 a0="usermod" a1="-p" a2="12345678" a3="4142434445"`, []string{"usermod", "-p", "12345678", "4142434445"}, ""},
		{head + `argc=1 a0=FF20`, []string{`\xff`}, ""},
		{`type=PROCTITLE msg=audit(1772416801.243:24287) : proctitle=2F7573722F7362696E2F6E747064002D70002F7661722F72756E2F6E7470642E706964002D67`, nil, "process.command_line=/usr/sbin/ntpd -p /var/run/ntpd.pid -g"},
		{`type=USER_CMD msg=audit(1772416801.001:500): pid=2211 uid=1000 auid=1000 ses=3 msg='cwd="/home/nva" cmd=636174202F6574632F736861646F77 exe="/usr/bin/sudo" terminal=pts/0 res=success'`, nil, "process.command_line=cat /etc/shadow|event.outcome=success"},
		{`type=SYSCALL msg=audit(1772416801.001:505): arch=c000003e syscall=59 success=yes exit=0 a0=7ffe a1=7ffd a2=0 a3=0 pid=2 auid=1000 uid=0 comm="414243" exe="/usr/bin/usermod" key=6B6579310178`, nil, "process.name=414243|key=key1|a0=7ffe"},
		{`type=USER_LOGIN msg=audit(1772416801.001:506): pid=77 uid=0 auid=4294967295 msg='op=login acct="313233343536" exe="/usr/sbin/sshd" addr=203.0.113.7 res=failed'`, nil, "user.name=313233343536|event.outcome=failure|source.ip=203.0.113.7"},
		{`type=USER_LOGIN msg=audit(1772416801.001:507): pid=77 uid=0 auid=4294967295 msg='op=login acct=28756E6B6E6F776E207573657229 exe="/usr/sbin/sshd" addr=203.0.113.7 res=failed'`, nil, "user.name=(unknown user)"},
	} {
		if c.want != "" {
			check(t, d, "", wire.FormatLine, c.line, c.want)
		}
		e, err := d.Decode("linux.auditd", []byte(c.line), received, nil)
		if err != nil {
			t.Fatal(err)
		}
		var args []string
		for _, v := range e.Values(nil, fProcessArgs) {
			args = append(args, v.Text)
		}
		if !slices.Equal(args, c.args) {
			t.Errorf("process.args %q, want %q, of %s", args, c.args, c.line)
		}
		if strings.Contains(c.line, "key=6B") {
			if keys := e.Values(nil, ecs.Intern("key")); len(keys) != 2 || keys[1].Text != "x" {
				t.Errorf("key = %v, want key1 and x", keys)
			}
		}
	}
}

// TestWindowsXML: events that are no clean XML are the events they are.
func TestWindowsXML(t *testing.T) {
	d := newDecoder(t)
	const head = `<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4625</EventID><Level>0</Level><Keywords>0x8010000000000000</Keywords><TimeCreated SystemTime='2026-03-02T02:00:01.5318770Z'/><Channel>Security</Channel><Computer>WS01.example.net</Computer><Security/></System><EventData><Data Name='TargetUserName'>`
	const tail = `</Data><Data Name='LogonType'>3</Data><Data Name='IpAddress'>203.0.113.5</Data></EventData>`
	const want = "event.code=4625|event.outcome=failure|source.ip=203.0.113.5|host.name=WS01.example.net|winlog.event_data.LogonType=3|event.dataset=windows.security"
	for _, c := range []struct{ name, raw, kept string }{
		{"admin", "admin", "admin"},
		{"admin", "admin\x03", "admin\x03"},
		{"admin", "admin&#x3;", "admin\x03"},
		{"admin", "admin&#3;", "admin\x03"},
		{"admin[0m", "admin\x1b[0m", "admin\x1b[0m"},
		{"admin", "admin&#13;&#10;", "admin"},
	} {
		check(t, d, "", wire.FormatLine, head+c.raw+tail+"</Event>",
			want+"|user.name="+c.name+"|winlog.event_data.TargetUserName="+c.kept+"|error.message=")
	}
	// Empty is not absent: rules tell the one from the other.
	const firewall = "<Event><System><Provider Name='Microsoft-Windows-Windows Firewall With Advanced Security'/><EventID>2004</EventID><Channel>Microsoft-Windows-Windows Firewall With Advanced Security/Firewall</Channel><Computer>ws01</Computer></System><EventData><Data Name='RuleName'>open</Data>"
	for _, c := range []struct {
		data  string
		there bool
	}{{"<Data Name='ApplicationPath'></Data>", true}, {"<Data Name='ApplicationPath'/>", true},
		{"<Data Name='ApplicationPath'> \n </Data>", true}, {"", false}} {
		e, err := d.Decode("", []byte(firewall+c.data+"<Data Name='ModifyingApplication'>x.exe</Data></EventData></Event>"), received, nil)
		if err != nil {
			t.Fatal(err)
		}
		if f := ecs.Intern("winlog.event_data.ApplicationPath"); e.Has(f) != c.there || e.Text(f) != "" ||
			e.Text(ecs.Intern("winlog.event_data.ModifyingApplication")) != "x.exe" {
			t.Errorf("%q: there %v with %q, want %v and empty: %s", c.data, e.Has(f), e.Text(f), c.there, e.AppendJSON(nil))
		}
	}
	check(t, d, "", wire.FormatLine, strings.Replace(head, "<Data Name='TargetUserName'>",
		"<Data Name='ProcessName'/><Data Name='TargetUserName'>", 1)+"admin"+tail+"</Event>",
		want+"|user.name=admin|process.name=|process.executable=")
	cut := head + "admin" + tail + "<RenderingInfo Culture='en-US'><Message>An account failed to log on. Subject: Security ID"
	check(t, d, "", wire.FormatLine, cut, want+"|user.name=admin|error.message=the event's XML is cut off|event.original="+cut)
	check(t, d, "", wire.FormatLine, head+"adm", "hoalu.unparsed=true|event.code=")
	const data = `<Event><System><Provider Name='AppCtl'/><EventID Qualifiers='0'>771</EventID><TimeCreated SystemTime='2026-03-02T02:00:01Z'/><Channel>Application</Channel><Computer>ws02</Computer></System><EventData><Data>c:\msiexec.exe</Data><Data>Session ID: 2</Data><Data>`
	check(t, d, "", wire.FormatLine, data+`<Unknown></Data></EventData></Event>`,
		"event.code=771|winlog.event_data.param1=c:\\msiexec.exe|winlog.event_data.param2=Session ID: 2|winlog.event_data.param3=<Unknown>|host.name=ws02")
	check(t, d, "", wire.FormatLine, data+`a <b>c</b> d</Data><Data>e</Data></EventData></Event>`,
		"winlog.event_data.param3=a <b>c d|winlog.event_data.param4=e")
}

// TestContainerLines: the line of a container runtime is what the program in it wrote.
func TestContainerLines(t *testing.T) {
	d := newDecoder(t)
	check(t, d, "", wire.FormatLine,
		`2026-03-02T02:00:02.123456789Z stdout F 203.0.113.9 - - [02/Mar/2026:09:00:01 +0700] "GET /a HTTP/1.1" 200 1 "-" "curl/8"`,
		"source.ip=203.0.113.9|user.name=|host.name=|url.path=/a|@timestamp=2026-03-02T02:00:01.000Z|event.dataset=web.access")
	check(t, d, "", wire.FormatLine, `2026-03-02T02:00:02.123456789Z stderr F panic: nothing known`,
		"message=panic: nothing known|host.name=|process.name=|@timestamp=2026-03-02T02:00:02.123Z")
	check(t, d, "", wire.FormatLine, "02-Mar-2026 09:00:01.718 other: a line of a program that nobody knows",
		"host.name=|process.name=|@timestamp=2026-03-02T02:00:01.718Z")
}

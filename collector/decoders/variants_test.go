package decoders

import (
	"strings"
	"testing"

	"hoalu/ecs"
)

// variant is a message and the fields it must give ("name=value|name=value", an empty value: none).
type variant struct{ dataset, line, want string }

const (
	ssh      = "Mar  2 09:00:01 web01 sshd[811]: "
	db       = "Mar  2 09:00:01 db01 "
	conn     = "source.ip=203.0.113.9|source.port=4242"
	combined = ` - - [02/Mar/2026:09:00:01 +0700] "GET /a HTTP/1.1" 200 5`
)

// variants are messages as the programs' sources form them, beside the published samples: every branch of OpenSSH's, PAM's,
// sudo's and shadow's words, the log formats servers are set to, the shapes shippers give.
var variants = []variant{
	// OpenSSH
	{"linux.auth", ssh + "Accepted publickey for an from 203.0.113.9 port 4242 ssh2: ED25519 SHA256:abc",
		conn + "|user.name=an|event.outcome=success|sshd.fingerprint=SHA256:abc"},
	{"linux.auth", "Mar  2 09:00:01 web01 sshd-session[811]: Failed password for invalid user a b from 203.0.113.9 port 4242 ssh2",
		conn + "|user.name=a b|event.outcome=failure"},
	{"linux.auth", ssh + "Failed none for invalid user  from 203.0.113.9 port 4242 ssh2", conn + "|user.name=|event.outcome=failure"},
	{"linux.auth", ssh + "message repeated 5 times: [ Failed password for root from 203.0.113.9 port 4242 ssh2]",
		conn + "|user.name=root|event.outcome=failure"},
	{"linux.auth", ssh + "Connection from 203.0.113.9 port 4242 on 10.0.0.5 port 22 rdomain \"\"",
		conn + "|destination.ip=10.0.0.5|destination.port=22"},
	{"linux.auth", ssh + "error: PAM: Authentication failure for root from 203.0.113.9",
		"user.name=root|source.ip=203.0.113.9|event.outcome=failure"},
	{"linux.auth", ssh + "error: PAM: Authentication failure for illegal user bob from bad.example.com",
		"user.name=bob|source.domain=bad.example.com|event.outcome=failure"},
	{"linux.auth", ssh + "User root not allowed because account is locked", "user.name=root|event.outcome=failure"},
	{"linux.auth", ssh + "User child is on pid 900", "user.name="},
	{"linux.auth", ssh + "ROOT LOGIN REFUSED FROM 203.0.113.9 port 4242", conn + "|user.name=root|event.outcome=failure"},
	{"linux.auth", ssh + "Timeout, client not responding from user an 203.0.113.9 port 4242", conn + "|user.name=an"},
	{"linux.auth", ssh + "Close session: user an from 203.0.113.9 port 4242 id 0", conn + "|user.name=an"},
	{"linux.auth", ssh + "Starting session: shell on pts/0 for an from 203.0.113.9 port 4242 id 0", conn + "|user.name=an"},
	{"linux.auth", ssh + "drop connection #10 from [203.0.113.9]:4242 on [10.0.0.5]:22 past MaxStartups",
		conn + "|destination.ip=10.0.0.5|destination.port=22"},
	{"linux.auth", ssh + "drop connection #0 from [2001:db8::9]:4242 on [2001:db8::1]:22 penalty: failed authentication",
		"source.ip=2001:db8::9|source.port=4242|destination.ip=2001:db8::1|event.category=authentication|event.type=denied|event.outcome=failure|event.reason=failed authentication"},
	{"linux.auth", db + "sudo: an : unable to resolve host db: Temporary failure in name resolution",
		"user.name=an|event.outcome=|event.reason=unable to resolve host db: Temporary failure in name resolution"},
	{"linux.auth", ssh + "Read error from remote host 203.0.113.9 port 4242: Connection reset by peer", conn},
	{"linux.auth", ssh + "Access denied for user an by PAM account configuration [preauth]", "user.name=an|event.outcome=failure"},
	{"linux.auth", ssh + "fatal: Timeout before authentication for connection from 203.0.113.9 to 10.0.0.5, pid = 4242",
		"source.ip=203.0.113.9|user.name="},
	{"linux.auth", ssh + "Disconnecting authenticating user root 203.0.113.9 port 4242: Too many authentication failures [preauth]",
		conn + "|user.name=root"},
	{"linux.auth", ssh + "Connection closed by invalid user x from 1.1.1.1 port 1 203.0.113.9 port 4242 [preauth]", conn},
	// PAM
	{"linux.auth", ssh + "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=host.example.com  user=root",
		"user.name=root|source.domain=host.example.com|event.outcome=failure"},
	{"linux.auth", ssh + "pam_sss(sshd:auth): authentication success; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.2.3.4 user=an",
		"user.name=an|source.ip=10.2.3.4|event.outcome=success"},
	{"linux.auth", ssh + "pam_sss(sshd:auth): received for user an: 7 (Authentication failure)", "user.name=an|event.outcome=failure"},
	{"linux.auth", ssh + "pam_unix(sshd:account): expired password for user an (password aged)", "user.name=an"},
	{"linux.auth", ssh + "pam_faillock(sshd:auth): Consecutive login failures for user an account temporarily locked", "user.name=an"},
	{"linux.auth", ssh + "pam_access(sshd:account): access denied for user `an' from `203.0.113.9'",
		"user.name=an|source.ip=203.0.113.9|event.outcome=failure"},
	{"linux.auth", ssh + "pam_listfile(sshd:auth): Refused user an for service sshd", "user.name=an|event.outcome=failure"},
	{"linux.auth", ssh + "pam_winbind(sshd:auth): user 'an' granted access", "user.name=an|event.outcome=success"},
	{"linux.auth", ssh + "pam_succeed_if(sshd:auth): requirement \"uid >= 1000\" not met by user \"root\"", "user.name=root"},
	{"linux.auth", ssh + "pam_tally2(sshd:auth): user an (1000) tally 6, deny 5", "user.name=an|user.id=1000"},
	{"linux.auth", db + "sudo: pam_unix(sudo:auth): auth could not identify password for [an]", "user.name=an"},
	{"linux.auth", "Mar  2 09:00:01 web01 su(pam_unix)[811]: session opened for user root by an(uid=500)",
		"process.name=su|process.pid=811|user.name=an|user.effective.name=root|user.id=500"},
	{"linux.auth",
		"Mar  2 09:00:01 web01 sshd(pam_unix)[811]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=203.0.113.9  user=root", "process.name=sshd|user.name=root|source.ip=203.0.113.9|event.outcome=failure"},
	// sudo, su and their like
	{"linux.auth", db + "sudo[99]:   an : TTY=pts/0 ; PWD=/home/an ; USER=root ; TSID=0000A1 ; COMMAND=/bin/sh -c 'echo a ; echo \"b\"'",
		"user.name=an|process.pid=99|session.id=0000A1|process.command_line=/bin/sh -c 'echo a ; echo \"b\"'|event.outcome=success"},
	{"linux.auth", db + "sudo: an : user NOT in sudoers ; TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls",
		"user.name=an|event.outcome=failure|event.reason=user NOT in sudoers"},
	{"linux.auth", db + "sudo: an : (command continued) --flag x", "user.name=an|event.outcome="},
	{"linux.auth", db + "sudo: an : problem with defaults entries ; TTY=pts/0 ; PWD=/ ; USER=root ;",
		"user.effective.name=root|event.outcome=failure"},
	{"linux.auth", db + "sudo: domain user : TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/ls", "user.name=domain user"},
	{"linux.auth", db + "su: BAD SU an to root on /dev/ttyp0", "user.name=an|user.effective.name=root|event.outcome=failure"},
	{"linux.auth", db + "su: 'su root' failed for an on /dev/pts/2", "user.name=an|user.effective.name=root|event.outcome=failure"},
	{"linux.auth", db + "pkexec[33]: an: Executing command [USER=root] [TTY=unknown] [CWD=/home/an] [COMMAND=/usr/lib/x]",
		"user.name=an|user.effective.name=root|process.command_line=/usr/lib/x"},
	{"linux.auth",
		db +
			"polkitd(authority=local): Operator of unix-session:2 successfully authenticated as unix-user:root to gain TEMPORARY authorization for action org.x (owned by unix-user:an)", "process.name=polkitd|user.name=an|user.effective.name=root|event.outcome=success"},
	{"linux.auth", db + "doas: an ran command /bin/sh as root from /home/an",
		"user.name=an|process.command_line=/bin/sh|user.effective.name=root"},
	{"linux.auth", db + "unix_chkpwd[3]: password check failed for user (an)", "user.name=an|event.outcome=failure"},
	{"linux.auth", db + "login[811]: FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure",
		"user.name=root|process.tty=/dev/tty1|event.outcome=failure"},
	{"linux.auth", db + "login[811]: LOGIN ON tty1 BY an", "user.name=an|process.tty=tty1|event.outcome=success"},
	{"linux.auth", db + "login: FAILED LOGIN SESSION FROM 10.9.9.9 FOR an, Authentication failure",
		"user.name=an|source.ip=10.9.9.9|event.outcome=failure"},
	{"linux.auth",
		db + "gdm-password][33]: pam_unix(gdm-password:auth): authentication failure; logname= uid=0 euid=0 tty=/dev/tty1 ruser= rhost=  user=an",
		"process.name=gdm-password|process.pid=33|user.name=an"},
	// cron, logind, accounts
	{"linux.syslog", db + "CROND[77]: (root) CMD (/usr/lib64/sa/sa1 1 1)", "user.name=root|process.command_line=/usr/lib64/sa/sa1 1 1"},
	{"linux.syslog", db + "cron[77]: (CRON) INFO (Running @reboot jobs)", "user.name=|event.action=info"},
	{"linux.syslog", db + "cron[77]: (*system*) RELOAD (/etc/crontab)", "user.name="},
	{"linux.auth", db + "systemd-logind[5]: New session '42' of user 'an' with class 'user' and type 'tty'.", "session.id=42|user.name=an"},
	{"linux.syslog", db + "systemd[1]: Started Session 42 of User an.", "session.id=42|user.name=an"},
	{"linux.auth", db + "useradd[3]: new user: name=bob, UID=1001, GID=1001, home=/home/bob, shell=/bin/bash, from=/dev/pts/0",
		"user.name=bob|user.id=1001|group.id=1001"},
	{"linux.auth", db + "userdel[3]: removed shadow group 'ops' owned by 'bob'", "user.name=bob|group.name=ops"},
	{"linux.auth", db + "groupdel[3]: group 'ops' removed from /etc/group", "user.name=|group.name=ops"},
	{"linux.auth", db + "gpasswd[3]: user bob removed by root from group docker", "user.name=root|user.target.name=bob|group.name=docker"},
	{"linux.auth", db + "groupmod[3]: group changed in /etc/group (group ops/1010, new name: dev)", "group.name=ops|group.id=1010"},
	// access logs
	{"nginx.access", "10.0.0.1" + combined + ` "-" "Mozilla/5.0 \"q\" x"`,
		`source.ip=10.0.0.1|url.path=/a|http.response.status_code=200|user_agent.original=Mozilla/5.0 "q" x|http.request.referrer=`},
	{"apache.access", "www.x.vn:443 2001:db8::5" + combined, "url.domain=www.x.vn|source.ip=2001:db8::5|destination.port=443"},
	{"apache.access", "[02/Mar/2026:09:00:01 +0700] 10.0.0.1 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 \"GET /a HTTP/1.1\" 150",
		"@timestamp=2026-03-02T02:00:01.000Z|source.ip=10.0.0.1|tls.version=1.2|tls.cipher=ECDHE-RSA-AES128-GCM-SHA256|url.original=/a|http.response.body.bytes=150"},
	{"nginx.access", `10.0.0.1 - "john doe" [02/Mar/2026:09:00:01 +0700] "CONNECT x.vn:443 HTTP/1.1" 405 150`,
		"user.name=john doe|http.request.method=CONNECT|url.domain=x.vn|url.port=443|url.path="},
	{"nginx.access", `unix: - - [02/Mar/2026:09:00:01 +0700] "GET / HTTP/1.1" 200 1 "-" "x"`, "source.address=|source.domain="},
	{"nginx.access", `10.0.0.1 - - [02/Mar/2026:09:00:01 +0700] "GET " 400 1`, "source.ip=10.0.0.1|http.response.status_code=400"},
	{"nginx.access",
		`{"time_local":"02/Mar/2026:09:00:01 +0700","remote_addr":"10.0.0.1","remote_user":"an","request":"GET /a?x=1 HTTP/1.1","status":"200","body_bytes_sent":"5","http_referrer":"-","http_user_agent":"x\u0022y"}`, `@timestamp=2026-03-02T02:00:01.000Z|source.ip=10.0.0.1|user.name=an|http.request.method=GET|url.path=/a|url.query=x=1|http.response.status_code=200|http.response.body.bytes=5|http.request.referrer=|user_agent.original=x"y|sigma.logsource.category=webserver`},
	{"",
		`{"msec":"1772416801.123","remote_addr":"10.0.0.1","remote_port":"5555","request_method":"POST","uri":"/a","args":"q=1","status":404,"server_name":"x.vn","ssl_protocol":"TLSv1.3","remote_user":""}`, "@timestamp=2026-03-02T02:00:01.123Z|source.port=5555|http.request.method=POST|url.original=/a?q=1|url.domain=x.vn|event.outcome=failure|tls.version=1.3|event.dataset=web.access|user.name="},
	{"apache.access",
		`{"time":"[02/Mar/2026:09:00:01 +0700]","remoteIP":"10.0.0.1","host":"x.vn","request":"/a","query":"?x=1","method":"GET","status":"200","userAgent":"x","referer":"-"}`, "@timestamp=2026-03-02T02:00:01.000Z|source.ip=10.0.0.1|url.domain=x.vn|host.name=|url.query=x=1"},
	{"",
		`{"level":"info","ts":1772416801.5,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.1","remote_port":"555","proto":"HTTP/2.0","method":"GET","host":"x.vn","uri":"/a?x=1","headers":{"User-Agent":["x"]}},"user_id":"","size":5,"status":200}`, "@timestamp=2026-03-02T02:00:01.500Z|source.ip=10.0.0.1|source.port=555|url.domain=x.vn|url.path=/a|http.version=2.0|user_agent.original=x"},
	{"nginx.access", `<190>Mar  2 09:00:01 web01 nginx: {"remote_addr":"10.0.0.1","request":"GET /a HTTP/1.1","status":"200"}`,
		"host.name=web01|source.ip=10.0.0.1|url.path=/a"},
	{"", `{"status":200,"client_ip":"10.0.0.1","msg":"no request"}`, "http.response.status_code="},
	// MongoDB's own log
	{"", `{"t":{"$date":"2026-03-02T09:00:01.123+07:00"},"s":"I","c":"ACCESS","id":20250,"ctx":"conn12","msg":"Authentication failed"}`,
		"@timestamp=2026-03-02T02:00:01.123Z|message=Authentication failed|s=I"},
	// error logs
	{"nginx.error",
		`2026/03/02 09:00:01 [error] 12#12: *5 FastCGI sent in stderr: "PHP message: a, client: 1.2.3.4, b" while reading response header from upstream, client: 10.0.0.9, server: x, request: "GET /a, client: 6.6.6.6, server: y HTTP/1.1", upstream: "fastcgi://unix:/run/php.sock:", host: "x"`, "source.ip=10.0.0.9|url.domain=x|http.request.method=GET"},
	{"nginx.error",
		`2026/03/02 09:00:01 [crit] 12#12: *5 SSL_do_handshake() failed (SSL: error:1) while SSL handshaking, client: 10.0.0.1, server: 0.0.0.0:443`, "source.ip=10.0.0.1|url.domain="},
	{"apache.error", "[Mon Mar 02 09:00:01.123456 2026] [core:error] [pid 12:tid 139] [client 2001:db8::1:5555] AH00126: Invalid URI",
		"source.ip=2001:db8::1|source.port=5555|process.pid=12|log.level=error"},
	{"apache.error", "[Mon Mar 02 09:00:01 2026] [error] [client 2001:db8::1] File does not exist: /x", "source.ip=2001:db8::1|file.path=/x"},
	// syslog headers
	{"syslog", "<13>Mar  2 09:00:01 2001:db8::7 app: x", "@timestamp=2026-03-02T02:00:01.000Z|host.name=2001:db8::7|process.name=app"},
	{"syslog", "\ufeff<13>Mar  2 09:00:01 h app: x", "@timestamp=2026-03-02T02:00:01.000Z|host.name=h"},
	{"syslog", "<13>\ufeffMar  2 09:00:01 h app: x", "@timestamp=2026-03-02T02:00:01.000Z|host.name=h"},
	{"syslog", "58 <13>1 2026-03-02T02:00:01Z h app 7 - - a count that framing left",
		"host.name=h|process.pid=7|message=a count that framing left"},
	{"syslog", "<13>Mon Mar  2 09:00:01 2026 h app: x", "@timestamp=2026-03-02T02:00:01.000Z|host.name=h"},
	{"syslog", "<13>Mon, 02 Mar 2026 02:00:01 +0000 h app: x", "@timestamp=2026-03-02T02:00:01.000Z|host.name=h"},
	{"syslog", "<13>02-Mar-2026 09:00:01.123 h named[1]: x", "@timestamp=2026-03-02T02:00:01.123Z|host.name=h|process.name=named"},
	{"syslog", "<13>1772416801.5 h app: x", "@timestamp=2026-03-02T02:00:01.500Z|host.name=h|process.name=app"},
	{"syslog", "<134>1 1772416801.123456789 MX84 flows src=10.0.0.1", "@timestamp=2026-03-02T02:00:01.123Z|host.name=MX84"},
	{"syslog", "<13>Mar  2 09:00:01 GMT+7 h app: x", "@timestamp=2026-03-02T02:00:01.000Z|host.name=h"},
	{"syslog", "<13>Mar  2 02:00:01 UTC h app: x", "@timestamp=2026-03-02T02:00:01.000Z|host.name=h"},
	{"syslog", "<13>Mar  2 09:00:01 h app : x", "process.name=app|message=x"},
	{"syslog", "<165>1 2026-02-30T09:00:01Z h app 1 - - x", "host.name=h|process.name=app|@timestamp=2026-03-02T03:00:00.000Z"},
	{"syslog", `<165>1 2026-03-02T02:00:01Z h app - ID47 [a@1 b="q \" \] \\ x"][c] ` + "\ufeffx",
		`log.syslog.structured_data.a@1.b=q " ] \ x|log.syslog.msgid=ID47|message=x`},
	{"syslog", "<189>123: h1: Mar  2 02:00:01.123 UTC: %LINK-3-UPDOWN: Interface Gi0/1, changed state to up",
		"@timestamp=2026-03-02T02:00:01.123Z|host.name=h1|log.level=error"},
	{"syslog", "<166>20: sw-1: 6340004: .Mar  2 09:00:01: %SEC-6-X: text",
		"host.name=sw-1|@timestamp=2026-03-02T02:00:01.000Z|message=text|process.name="},
	{"syslog", "<166>sw-1: 2026 Mar  2 09:00:01.5 AEST: %MODULE-2-X: text",
		"host.name=sw-1|@timestamp=2026-03-02T02:00:01.500Z|process.name=|log.level=critical"},
	{"syslog", "<166>sw-1: 00:01:01: %SYSMGR-3-X: text", "host.name=sw-1|message=text"},
	// Suricata's lesser protocols
	{"",
		`{"timestamp":"2026-03-02T09:00:01.123456+0700","flow_id":1,"event_type":"dns","src_ip":"10.0.0.1","dest_ip":"8.8.8.8","proto":"UDP","dns":{"version":2,"type":"answer","rrname":"x.vn","rrtype":"A","rcode":"NOERROR","answers":[{"rrname":"x.vn","rrtype":"A","rdata":"1.2.3.4"}],"grouped":{"A":["1.2.3.4"]}}}`, "dns.question.name=x.vn|dns.resolved_ip=1.2.3.4|@timestamp=2026-03-02T02:00:01.123Z"},
	{"",
		`{"timestamp":"2026-03-02T09:00:01.123456+0700","event_type":"smb","src_ip":"10.0.0.1","dest_ip":"1.1.1.1","proto":"TCP","smb":{"filename":"a\\b.txt","ntlmssp":{"domain":"X","user":"an","host":"PC"}}}`, `user.name=an|user.domain=X|file.path=a\b.txt|file.name=b.txt`},
	{"",
		`{"timestamp":"2026-03-02T09:00:01.123456+0700","event_type":"ftp","src_ip":"10.0.0.1","dest_ip":"1.1.1.1","proto":"TCP","ftp":{"command":"USER","command_data":"an"}}`, "user.name=an|network.protocol=ftp"},
	{"",
		`{"timestamp":"2026-03-02T09:00:01.123456+0700","event_type":"smtp","src_ip":"10.0.0.1","dest_ip":"1.1.1.1","proto":"TCP","smtp":{"mail_from":"<a@x.vn>"},"email":{"from":"A <a@x.vn>","to":["B <b@x.vn>"]}}`, "email.from.address=a@x.vn|email.to.address=b@x.vn"},
	{"",
		`{"timestamp":"2026-03-02T09:00:01.123456+0700","event_type":"dhcp","src_ip":"0.0.0.0","dest_ip":"255.255.255.255","proto":"UDP","dhcp":{"client_mac":"aa:bb:cc:dd:ee:ff","hostname":"pc"}}`, "source.mac=AA-BB-CC-DD-EE-FF|source.domain=pc|host.name="},
	{"",
		`{"timestamp":"2026-03-02T09:00:01.123456+0700","event_type":"netflow","src_ip":"10.0.0.1","dest_ip":"1.1.1.1","proto":"TCP","netflow":{"pkts":1,"bytes":60}}`, "source.bytes=60|source.packets=1"},
	{"",
		`{"timestamp":"2026-03-02T09:00:01.123456+0700","event_type":"quic","src_ip":"10.0.0.1","dest_ip":"1.1.1.1","proto":"UDP","quic":{"sni":"q.vn"}}`, "tls.client.server_name=q.vn|network.transport=udp"},
	// Windows events in XML
	{"",
		`<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/><EventID>4625</EventID><Version>0</Version><Level>0</Level><Task>12544</Task><Opcode>0</Opcode><Keywords>0x8010000000000000</Keywords><TimeCreated SystemTime='2026-03-02T02:00:01.1234567Z'/><EventRecordID>7</EventRecordID><Correlation/><Execution ProcessID='516' ThreadID='3064'/><Channel>Security</Channel><Computer>DC01.x.vn</Computer><Security/></System><EventData><Data Name='SubjectUserSid'>S-1-0-0</Data><Data Name='TargetUserName'>an &amp; co</Data><Data Name='TargetDomainName'>X</Data><Data Name='LogonType'>3</Data><Data Name='IpAddress'>203.0.113.9</Data><Data Name='IpPort'>4242</Data><Data Name='ProcessName'>-</Data></EventData></Event>`,
		conn +
			"|@timestamp=2026-03-02T02:00:01.123Z|event.code=4625|event.outcome=failure|host.name=DC01.x.vn|user.name=an & co|user.domain=X|sigma.logsource.service=security|winlog.event_data.LogonType=3|event.dataset=windows.security|log.level=information"},
	{"windows.sysmon",
		"<13>1 2026-03-02T02:00:02Z pc1 sysmon 5 - - <Event><System><Provider Name=\"Linux-Sysmon\"/><EventID>1</EventID><Level>4</Level><TimeCreated SystemTime=\"2026-03-02T02:00:01.5Z\"/><Channel>Linux-Sysmon/Operational</Channel><Computer>pc1</Computer></System><EventData><Data Name=\"Image\">/bin/ls</Data><Data Name=\"ProcessId\">77</Data><Data Name=\"CommandLine\">ls -l</Data><Data Name=\"User\">an</Data></EventData></Event>", "process.executable=/bin/ls|process.pid=77|process.command_line=ls -l|user.name=an|sigma.logsource.product=linux|sigma.logsource.category=process_creation"},
	{"", `<Event><System><EventID>1</EventID><Channel>Security</Channel>`, "hoalu.unparsed=true"},
	{"",
		`{"@timestamp":"2026-03-02T02:00:01Z","message":"<Event><System><EventID>1102</EventID><Channel>Security</Channel><Computer>dc</Computer></System></Event>"}`, "event.code=1102|host.name=dc"},

	// Zeek: the connection, and what each log has beside it
	{"", `{"_path":"conn","uid":"C1","id.orig_h":"203.0.113.9","id.orig_p":4242,"id.resp_h":"10.0.0.5","id.resp_p":443,"proto":"TCP","community_id":"1:x","orig_ip_bytes":7,"resp_pkts":3,"service":"ssl"}`,
		conn + "|destination.ip=10.0.0.5|destination.port=443|network.transport=tcp|network.community_id=1:x|source.bytes=7|destination.packets=3|network.protocol=ssl|event.dataset=zeek.conn|sigma.logsource.service=conn"},
	{"zeek.dns", `{"uid":"C1","id.orig_h":"203.0.113.9","query":"a.vn","qtype_name":"TXT","rcode_name":"NXDOMAIN"}`,
		"dns.question.name=a.vn|dns.question.type=TXT|dns.response_code=NXDOMAIN|network.protocol=dns|sigma.logsource.category=dns"},
	{"", `{"@stream":"http","uid":"C1","id.orig_h":"203.0.113.9","method":"GET","host":"a.vn","uri":"http://b.vn/x%20y?z=1","status_code":404,"user_agent":"curl","referrer":"r","username":"an"}`,
		"http.request.method=GET|url.domain=a.vn|url.path=/x y|url.query=z=1|http.response.status_code=404|user_agent.original=curl|http.request.referrer=r|user.name=an|network.protocol=http"},
	{"", `{"uid":"C1","id.orig_h":"203.0.113.9","server_name":"a.vn","version":"TLSv12","cipher":"c","ja3":"j","ja3s":"k"}`,
		"tls.version=1.2|tls.client.server_name=a.vn|tls.cipher=c|tls.client.ja3=j|tls.server.ja3s=k|network.protocol=tls|event.dataset=zeek.ssl"},
	{"zeek.files", `{"uid":"C1","id.orig_h":"203.0.113.9","filename":"a.exe","sha256":"s","sha1":"t","md5":"m"}`,
		"file.name=a.exe|file.hash.sha256=s|file.hash.sha1=t|file.hash.md5=m|network.protocol="},
	{"zeek.notice", `{"uid":"C1","id.orig_h":"203.0.113.9","note":"Scan::Port_Scan","msg":"m"}`, "rule.name=Scan::Port_Scan|message=m"},
	{"zeek.ntlm", `{"uid":"C1","id.orig_h":"203.0.113.9","username":"an","user":"other"}`, "user.name=an|network.protocol=ntlm"},
	{"zeek.ftp", `{"uid":"C1","id.orig_h":"203.0.113.9","user":"an"}`, "user.name=an|network.protocol=ftp"},
	{"zeek.smb_files", `{"uid":"C1","id.orig_h":"203.0.113.9","path":"\\\\a\\b","name":"c.txt"}`, `file.path=\\a\b|file.name=c.txt|network.protocol=smb`},
	{"zeek.dce_rpc", `{"uid":"C1","id.orig_h":"203.0.113.9","path":"p"}`, "file.path=|network.protocol=dce_rpc"},

	// Windows: what each event has beside its process or account; "-" is Windows' word for nothing
	{"", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\a.exe","ProcessId":"7","CommandLine":"a -b","CurrentDirectory":"C:\\","ParentImage":"C:\\p\\q.exe","ParentCommandLine":"-","ParentProcessId":"9","Hashes":"SHA1=AB,MD5=CD"}`,
		`process.executable=C:\a.exe|process.pid=7|process.command_line=a -b|process.working_directory=C:\|process.parent.executable=C:\p\q.exe|process.parent.name=q.exe|process.parent.command_line=|process.parent.pid=9|process.hash.sha1=ab|process.hash.md5=cd|event.category=process|event.type=start`},
	{"", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":3,"Image":"C:\\a.exe","SourceIp":"203.0.113.9","SourcePort":4242,"DestinationIp":"::ffff:10.0.0.5","DestinationPort":443,"DestinationHostname":"-","DestinationPortName":"https","Protocol":"tcp","Initiated":"true"}`,
		conn + "|destination.ip=10.0.0.5|destination.port=443|destination.domain=|network.protocol=https|network.transport=tcp|network.direction=egress|event.category=network"},
	{"", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":7,"Image":"C:\\a.exe","ImageLoaded":"C:\\b.dll","Hashes":"SHA256=EF"}`,
		`dll.path=C:\b.dll|file.path=C:\b.dll|file.name=b.dll|file.hash.sha256=ef`},
	{"", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":7,"Image":"C:\\a.exe","ImageLoaded":"-"}`, "dll.path=|file.path=|file.name="},
	{"", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":9,"Image":"C:\\a.exe","Device":"\\Device\\Vol2"}`, `file.path=\Device\Vol2|file.name=Vol2`},
	{"", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":11,"Image":"C:\\a.exe","TargetFilename":"C:\\t.txt","Hash":"MD5=AA"}`,
		`file.path=C:\t.txt|file.name=t.txt|file.hash.md5=aa|event.category=file`},
	{"", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":13,"Image":"C:\\a.exe","TargetObject":"HKLM\\x","Details":"y"}`,
		`registry.path=HKLM\x|registry.data.strings=y|event.category=registry`},
	{"", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":22,"Image":"C:\\a.exe","QueryName":"a.vn","QueryResults":"type:  5 b.vn;::ffff:203.0.113.9;"}`,
		"dns.question.name=a.vn|dns.resolved_ip=203.0.113.9|network.protocol=dns|event.category=network"},
	{"", `{"Channel":"Security","EventID":4688,"SubjectUserName":"an","TargetUserName":"binh","TargetDomainName":"X","NewProcessName":"C:\\a.exe","NewProcessId":"0x1f4","ParentProcessName":"C:\\p.exe","ProcessId":"0x10","CommandLine":"a -b"}`,
		`user.name=an|user.target.name=binh|user.effective.name=binh|user.effective.domain=X|process.pid=500|process.parent.pid=16|process.parent.name=p.exe|process.command_line=a -b|event.type=start`},
	{"", `{"Channel":"Security","EventID":4776,"SubjectUserName":"-","TargetUserName":"an","Workstation":"PC1","IpAddress":"::ffff:203.0.113.9","IpPort":4242}`,
		conn + "|user.name=an|source.domain=PC1|event.category=authentication"},
	{"", `{"Channel":"Security","EventID":4720,"SubjectUserName":"an","TargetUserName":"moi","TargetSid":"S-1"}`,
		"user.name=an|user.target.name=moi|user.target.id=S-1|event.category=iam"},
	{"", `{"Channel":"Security","EventID":5156,"Application":"\\device\\a.exe","ProcessId":"4","SourceAddress":"203.0.113.9","SourcePort":4242,"DestAddress":"10.0.0.5","DestPort":443,"Direction":"%%14593","Protocol":"6"}`,
		conn + "|process.name=a.exe|destination.ip=10.0.0.5|destination.port=443|network.direction=egress|network.transport=tcp|event.category=network"},
}

func TestVariants(t *testing.T) {
	d := newDecoder(t)
	for _, c := range variants {
		e, err := d.Decode(c.dataset, []byte(c.line), received, nil)
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		for _, w := range strings.Split(c.want, "|") {
			name, want, _ := strings.Cut(w, "=")
			got := e.Text(ecs.Intern(name))
			if name == "@timestamp" {
				got = ecs.FormatTime(e.Time)
			}
			if got != want {
				t.Errorf("as %q: %s = %q, want %q, in\n  %s", c.dataset, name, got, want, c.line)
			}
		}
	}
}

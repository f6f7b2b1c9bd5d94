package decoders

import (
	"strings"
	"testing"
	"time"

	"hoalu/ecs"
	"hoalu/ecs/wire"
)

// check decodes a message as it comes from the network (framed) or from a file and compares "name=value|name=value"; an empty value
// means that the field is not there.
func check(t *testing.T, d *Decoder, dataset, format, line, want string) {
	t.Helper()
	var e ecs.Event
	f := wire.Frame{Received: received.UnixMilli(), Format: format, Data: []byte(line)}
	if err := d.DecodeFrame(&e, &f, Options{Dataset: dataset}); err != nil {
		t.Errorf("%s: %v", line, err)
		return
	}
	for w := range strings.SplitSeq(want, "|") {
		name, want, _ := strings.Cut(w, "=")
		got := e.Text(ecs.Intern(name))
		if name == "@timestamp" {
			got = ecs.FormatTime(e.Time)
		}
		if got != want {
			t.Errorf("as %q: %s = %q, want %q, in\n  %s\n  %s", dataset, name, got, want, line, e.AppendJSON(nil))
		}
	}
}

// TestLeadingBlank: what templates put before a message (rsyslog's RFC 5424 template: a blank, always) changes no field of it.
func TestLeadingBlank(t *testing.T) {
	d := newDecoder(t)
	for _, m := range []struct{ app, text string }{
		{"sshd", "Failed password for invalid user nguoi-la from 203.0.113.9 port 45128 ssh2"},
		{"sshd-session", "Invalid user nguoi-la from 203.0.113.9 port 45128"},
		{"sshd", "Accepted password for an from 203.0.113.9 port 45128 ssh2"},
		{"useradd", "new user: name=an, UID=1000, GID=1000, home=/home/an, shell=/bin/bash, from=none"},
		{"usermod", "add 'an' to group 'sudo'"},
		{"sudo", "an : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls"},
		{"su", "FAILED SU (to root) an on pts/0"},
		{"kernel", "[UFW BLOCK] IN=eth0 OUT= SRC=203.0.113.9 DST=10.0.0.1 LEN=60 PROTO=TCP SPT=1 DPT=22"},
		{"nginx", `203.0.113.9 - - [02/Mar/2026:09:00:01 +0700] "GET /a HTTP/1.1" 200 5`},
		{"app", `{"level":"warn","msg":"x","src_ip":"10.0.0.1"}`},
		{"app", "%ASA-6-302013: Built outbound TCP connection"},
	} {
		for _, header := range []string{"<38>1 2026-03-02T02:00:01Z box13 " + m.app + " 2506 - - ",
			"<38>Mar  2 09:00:01 box13 " + m.app + "[2506]: ", "<38>Mar  2 09:00:01 box13 " + m.app + "[2506]:"} {
			var plain string
			for _, lead := range []string{"", " ", "  ", "\t", bom, bom + " ", " " + bom} {
				if lead == "" && !strings.HasSuffix(header, " ") {
					continue
				}
				var e ecs.Event
				if err := d.DecodeFrame(&e, &wire.Frame{Received: received.UnixMilli(), Format: wire.FormatSyslog,
					Data: []byte(header + lead + m.text)}, Options{}); err != nil {
					t.Fatal(err)
				}
				e.Delete(ecs.EventOriginal)
				got := string(e.AppendJSON(nil))
				if plain == "" {
					plain = got
				} else if got != plain {
					t.Errorf("%q before %q changes\n  %s\nto\n  %s", lead, m.text, plain, got)
				}
			}
		}
	}
}

const sshFailure = "user.name=root|source.ip=203.0.113.7|event.outcome=failure|event.category=authentication|process.name=sshd"

// TestHeaders: the headers that relays and devices write, from files and from the network, told what they are and not.
func TestHeaders(t *testing.T) {
	d := newDecoder(t)
	const text = "Failed password for root from 203.0.113.7 port 4711 ssh2"
	for _, c := range []struct{ line, want string }{
		{"<86>Mar  2 09:00:03 relay Mar  2 09:00:02 web sshd[12]: " + text,
			"host.name=web|@timestamp=2026-03-02T02:00:02.000Z|log.syslog.procid=12"},
		{"<86>Mar  2 09:00:03 relay <86>Mar  2 09:00:02 web sshd[12]: " + text, "host.name=web|@timestamp=2026-03-02T02:00:02.000Z"},
		{"<86>1 2026-03-02T02:00:03Z relay sshd 12 - - Mar  2 09:00:02 web sshd[12]: " + text,
			"host.name=web|@timestamp=2026-03-02T02:00:02.000Z"},
		{"<86>Mar  2 09:00:03 relay 1 2026-03-02T02:00:02Z web sshd 12 - - " + text, "host.name=web|@timestamp=2026-03-02T02:00:02.000Z"},
		{"Mar  2 09:00:03  web sshd[12]: " + text, "host.name=web"},
		{"2026-03-02 09:00:03.998187+0700  web sshd[12]: " + text, "host.name=web|@timestamp=2026-03-02T02:00:03.998Z"},
		{"<86>Mar  2 09:00:03 web/10.0.0.1 sshd[12]: " + text, "host.name=web"},
		{"<86>Mar  2 09:00:03 [10.0.0.1] sshd[12]: " + text, "host.name=10.0.0.1"},
		{"Mar  2 09:00:03 [web-07] sshd[12]: " + text, "host.name=web-07"},
		{"<86>Mar  2 09:00:03 fe80::1%eth0 sshd[12]: " + text, "host.name=fe80::1"},
		{"<86>Mar  2 09:00:03 web sshd[12] " + text, "host.name=web"},
		{"<86>Mar  2 09:00:03 web sshd[12] error: " + text, "host.name=web"},
		{"<86>Mar  2 09:00:03 web sshd[12]:" + text, "host.name=web"},
		{"<86>2026 Mar  2 09:00:03 web sshd[12]: " + text, "host.name=web|@timestamp=2026-03-02T02:00:03.000Z"},
		{" <86>Mar  2 09:00:03 web sshd[12]: " + text, "host.name=web"},
		{"<86> Mar  2 09:00:03 web sshd[12]: " + text, "host.name=web"},
		{"<86>Mar  2 09:00:03 web web sshd[12]: " + text, "host.name=web"},
	} {
		for _, format := range []string{wire.FormatSyslog, wire.FormatLine} {
			for _, dataset := range []string{"", "linux.auth"} {
				check(t, d, dataset, format, c.line, sshFailure+"|"+c.want)
			}
		}
	}
	// a text that only looks like a header inside stays the text of its program
	check(t, d, "", wire.FormatSyslog, "<13>Mar  2 09:00:01 web app[1]: 2026-03-01 10:00:00 INFO worker: started",
		"host.name=web|process.name=app|@timestamp=2026-03-02T02:00:01.000Z|message=2026-03-01 10:00:00 INFO worker: started")
	check(t, d, "", wire.FormatSyslog, "<13>Mar  2 09:00:01 web app: Mar  1 was a day",
		"host.name=web|process.name=app|message=Mar  1 was a day")
}

// TestCiscoHeaders: counters are neither hosts nor programs, and IOS XR's line says its own time and process.
func TestCiscoHeaders(t *testing.T) {
	d := newDecoder(t)
	for _, c := range []struct{ line, want string }{
		{"<190>2003970: 2003966: Oct 27 2025 13:31:08.142: %SEC-6-IPACCESSLOGP: list 110 denied tcp 10.20.1.100(56716) -> 10.20.1.101(7), 1 packet", "host.name=|process.name=|event.code=SEC-6-IPACCESSLOGP|@timestamp=2025-10-27T06:31:08.142Z|hoalu.time_suspect="},
		{"<179>14725922: 16821623: Oct 15 2025 15:28:50.610 EDT: %IOSXE-3-PLATFORM: R0/0: bcm_switch: unit 0",
			"host.name=|process.name=|event.code=IOSXE-3-PLATFORM|@timestamp=2025-10-15T19:28:50.610Z"},
		{"<179>14725922: 16821623: Oct 15 2025 15:28:50.610 AEST: %IOSXE-3-PLATFORM: R0/0: bcm_switch: unit 0",
			"@timestamp=2025-10-15T08:28:50.610Z|hoalu.time_suspect=true"},
		{"Nov  1 04:01:12 rtr-core-01 -1504483602: RP/0/RSP0/CPU0:Nov  1 04:01:07.416 UTC: ipv6_acl_daemon[297]: %ACL-IPV6_ACL-6-IPACCESSLOGP : access-list guest-in-v6 (30) permit udp 2001:db8:77::a(36216) -> 2001:db8:f::1(53), 1 packet",
			"host.name=rtr-core-01|process.name=ipv6_acl_daemon|process.pid=297|event.code=ACL-IPV6_ACL-6-IPACCESSLOGP|sigma.logsource.product=cisco|@timestamp=2025-11-01T04:01:07.416Z"},
	} {
		check(t, d, "", wire.FormatLine, c.line, c.want)
	}
}

// TestSyslogFields: ECS' own names for what a header says, and event.kind on every decoded log.
func TestSyslogFields(t *testing.T) {
	d := newDecoder(t)
	check(t, d, "", wire.FormatSyslog, "<37>1 2026-03-02T02:16:04.820218+00:00 box13 app 77 MM - xin",
		"log.syslog.priority=37|log.syslog.facility.code=4|log.syslog.facility.name=auth|log.syslog.severity.code=5|log.syslog.severity.name=Notice|log.syslog.version=1|log.syslog.appname=app|log.syslog.procid=77|log.syslog.hostname=box13|log.syslog.msgid=MM|event.kind=event|message=xin")
	check(t, d, "", wire.FormatSyslog, "<191>Mar  2 09:00:01 h /usr/sbin/cron[9]: x",
		"log.syslog.facility.name=local7|log.syslog.severity.name=Debug|log.syslog.appname=/usr/sbin/cron|process.name=cron|log.syslog.version=")
	check(t, d, "", wire.FormatSyslog, "<999>1 x", "log.syslog.priority=999|log.syslog.facility.code=|log.syslog.severity.name=")
	for _, line := range []string{`{"message":"x"}`, `{"event_type":"alert","src_ip":"10.0.0.1","alert":{"signature":"x"}}`, "nothing known",
		`203.0.113.9 - - [02/Mar/2026:09:00:01 +0700] "GET /a HTTP/1.1" 200 5`} {
		e, err := d.Decode("", []byte(line), received, nil)
		if err != nil || !e.Has(ecs.EventKind) {
			t.Errorf("%s has no event.kind (%v)", line, err)
		}
	}
}

// TestPriorityOnly: Python's SysLogHandler without ident writes a priority and a text.
func TestPriorityOnly(t *testing.T) {
	d := newDecoder(t)
	check(t, d, "", wire.FormatSyslog, "<36>session opened for user root\x00",
		"message=session opened for user root|log.syslog.facility.name=auth|event.original=<36>session opened for user root|host.name=|process.name=")
	check(t, d, "", wire.FormatSyslog, "<36>pysyslog-udp một", "message=pysyslog-udp một")
}

// TestZoneGuess: a time of RFC 3164 from a host in another zone is not stored hours away from its receipt without a word; a file, a
// zone that the operator set and a time with a zone are believed.
func TestZoneGuess(t *testing.T) {
	d := newDecoder(t)
	at := func(ms time.Time) string { return ecs.FormatTime(ms.UnixMilli()) }
	for _, c := range []struct {
		name, format, line string
		zone               *time.Location
		want               string
		suspect            bool
		first              string // hoalu.sender_timestamp
	}{
		{"sender in UTC", wire.FormatSyslog, "<134>Mar  2 02:59:58 box13 app: x", nil, at(received.Add(-2 * time.Second)), true,
			"2026-03-01T19:59:58.000Z"},
		{"sender in UTC, RFC 3339 without zone", wire.FormatSyslog, "<134>2026-03-02T02:59:58 box13 app: x", nil,
			at(received.Add(-2 * time.Second)), true, "2026-03-01T19:59:58.000Z"},
		{"sender in China", wire.FormatSyslog, "<134>Mar  2 10:59:58 cam01 app: x", nil, at(received.Add(-2 * time.Second)), true,
			"2026-03-02T03:59:58.000Z"},
		{"sender in India", wire.FormatSyslog, "<134>Mar  2 17:14:30 cam01 app: x", nil, at(received.Add(-30 * time.Second)), true,
			"2026-03-02T10:14:30.000Z"},
		{"right", wire.FormatSyslog, "<134>Mar  2 09:59:58 box13 app: x", nil, at(received.Add(-2 * time.Second)), false, ""},
		{"an hour late: a queue that was held up", wire.FormatSyslog, "<134>Mar  2 08:59:58 box13 app: x", nil,
			at(received.Add(-time.Hour - 2*time.Second)), false, ""},
		{"seven hours and ten minutes late", wire.FormatSyslog, "<134>Mar  2 02:50:00 box13 app: x", nil,
			at(received.Add(-7*time.Hour - 10*time.Minute)), false, ""},
		{"a clock that runs seven minutes ahead", wire.FormatSyslog, "<134>Mar  2 10:07:00 box13 app: x", nil, at(received.Add(7 * time.Minute)),
			false, ""},
		{"a zone that the operator set", wire.FormatSyslog, "<134>Mar  2 02:59:58 box13 app: x", defaultZone,
			at(received.Add(-7*time.Hour - 2*time.Second)), false, ""},
		{"a time that says its zone", wire.FormatSyslog, "<134>1 2026-03-02T02:59:58+07:00 box13 app - - - x", nil,
			at(received.Add(-7*time.Hour - 2*time.Second)), false, ""},
		{"a line of a file", wire.FormatLine, "Mar  2 02:59:58 box13 app: x", nil, at(received.Add(-7*time.Hour - 2*time.Second)), false, ""},
	} {
		var e ecs.Event
		if err := d.DecodeFrame(&e, &wire.Frame{Received: received.UnixMilli(), Format: c.format, Data: []byte(c.line)},
			Options{Zone: c.zone}); err != nil {
			t.Fatal(err)
		}
		if got, first := ecs.FormatTime(e.Time), e.Text(ecs.HoaluSenderTime); got != c.want || e.Has(ecs.HoaluTimeSuspect) != c.suspect ||
			first != c.first {
			t.Errorf("%s: %s: %s suspect %v first %q, want %s %v %q", c.name, c.line, got, e.Has(ecs.HoaluTimeSuspect), first, c.want, c.suspect,
				c.first)
		}
	}
}

// TestForeignFiles: the lines of programs' own files have no host where syslog has one, nor a level as their program.
func TestForeignFiles(t *testing.T) {
	d := newDecoder(t)
	for _, line := range []string{
		"2026-03-02 07:16:24,023 fail2ban.ipdns          [1556]: WARNING Unable to find a corresponding IP address for box13: [Errno -3] Temporary failure",
		"Mon Mar  2 14:53:21 2026 1 127.0.0.1 4 /home/an/tep.txt b _ i r an ftp 0 * c",
		"/tmp/eicar.txt: Thu.Eicar.UNOFFICIAL FOUND",
		"2026-03-02 14:53:22 0 [Note] mariadbd: ready for connections.",
		"2026-03-02 14:53:22 12 [Warning] Access denied for user 'an'@'localhost'",
		"Mon Mar  2 14:53:22 2026 : Info: Ready to process requests",
		"Mon Mar  2 14:53:22 2026 : Auth: (0) Login incorrect (pap: Cleartext password does not match): [an/x] (from client localhost port 0)",
		"1234:M 02 Mar 2026 14:53:22.998 * Ready to accept connections",
		"[2026/03/02 14:53:22.183,  0] ../../source3/smbd/server.c:1741(main)",
		"2026-03-02T07:52:16 ERROR: disk is full",
	} {
		check(t, d, "", wire.FormatLine, line, "host.name=")
		e, err := d.Decode("", []byte(line), received, nil)
		if err != nil {
			t.Fatal(err)
		}
		switch name := e.Text(ecs.ProcessName); name {
		case "", "fail2ban-server", "mariadbd", "vsftpd", "clamscan", "radiusd":
		default:
			t.Errorf("process.name %q of %s", name, line)
		}
	}
	check(t, d, "", wire.FormatLine, "2026-03-02 14:53:10,162 box13 proftpd[14523] box13 (127.0.0.1[127.0.0.1]): USER an: no such user found",
		"host.name=box13|process.name=proftpd|process.pid=14523")
}

// TestOwnTimes: a line that nothing understands lies at the time that it carries, whatever program wrote it; one that carries none, or
// one that cannot be told, at its receipt.
func TestOwnTimes(t *testing.T) {
	d := newDecoder(t)
	const at = "@timestamp=2026-03-02T00:53:22.183Z" // 07:53 in Vietnam
	for _, line := range []string{
		"[2026/03/02 07:53:22.183461,  3, pid=1234, effective(0, 0), real(0, 0)] ../../source3/smbd/server.c:1741(main)",
		"[2026/03/02 07:53:22.183,  2] ../../source3/auth/auth.c:343(auth_check)",
		"[2026-03-02 07:53:22.183] app started",
		"[2026-03-02T07:53:22.183+07:00] app started",
		"[2026-03-02T00:53:22.183Z] app started",
		"127.0.0.1:5000 [02/Mar/2026:07:53:22.183] fe be/s1 0/0/1/2/3 200 100 - - ---- 1/1/0/0/0 0/0 \"GET / HTTP/1.1\"",
		"02/Mar/2026:01:53:22.183 +0100 x",
		`time="2026-03-02T07:53:22.183+07:00" level=info msg="started"`,
		"level=info ts=2026-03-02T00:53:22.183Z caller=main.go",
		"ts=2026-03-02T00:53:22.183Z caller=main.go level=info",
		"ts=1772412802.183 level=info",
		"I0302 07:53:22.183123    1234 server.go:12] started",
		"20260302 07:53:22.183 started", "20260302T075322.183 started", "20260302T005322.183Z started",
		"02.03.2026 07:53:22.183 started",
		"1234:M 02 Mar 2026 07:53:22.183 * Ready to accept connections",
		"<13>[2026-03-02 07:53:22.183] behind a priority",
	} {
		check(t, d, "", wire.FormatLine, line, at)
	}
	for line, want := range map[string]string{
		"20-02-2026 07:53:22 x":     "@timestamp=2026-02-20T00:53:22.000Z",
		"02/20/2026 07:53:22 x":     "@timestamp=2026-02-20T00:53:22.000Z",
		"02/03/2026 07:53:22 x":     "@timestamp=" + ecs.FormatTime(received.UnixMilli()), // the second of March, or the third of February
		"[    12.345678] usb 1-1 x": "@timestamp=" + ecs.FormatTime(received.UnixMilli()), // since the start of the machine
		"[2026-02-30 07:53:22] x":   "@timestamp=" + ecs.FormatTime(received.UnixMilli()),
		"time= x":                   "@timestamp=" + ecs.FormatTime(received.UnixMilli()),
		"[":                         "@timestamp=" + ecs.FormatTime(received.UnixMilli()),
	} {
		check(t, d, "", wire.FormatLine, line, want)
	}
}

// TestZones: offsets and names of zones behind a time count, with or without a blank.
func TestZones(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"2026-11-30 14:53:23.669 +03 [14599] x", "2026-11-30T11:53:23.669Z"},
		{"2026-11-30 07:53:23.669 GMT [14599] x", "2026-11-30T07:53:23.669Z"},
		{"2026-11-30 07:53:23.669 UTC", "2026-11-30T07:53:23.669Z"},
		{"2026-11-30 14:53:23.764 +07", "2026-11-30T07:53:23.764Z"},
		{"2026-11-30 14:53:23 +0700 x", "2026-11-30T07:53:23.000Z"},
		{"2026-11-30 09:53:23 UTC+2:00", "2026-11-30T07:53:23.000Z"},
		{"2026-11-30 09:53:23 CEST", "2026-11-30T07:53:23.000Z"},
		{"2026-11-30 03:53:23 EDT", "2026-11-30T07:53:23.000Z"},
		{"2026-11-30 14:53:23 +7 apples", "2026-11-30T07:53:23.000Z"},
		{"2026-11-30 14:53:23 -12345 x", "2026-11-30T07:53:23.000Z"},
		{"2026-11-30 14:53:23 UTCX", "2026-11-30T07:53:23.000Z"},
	} {
		got, n := isoTime(c.in, defaultZone)
		if n == 0 || ecs.FormatTime(got) != c.want {
			t.Errorf("isoTime(%q) = %s (%d bytes), want %s", c.in, ecs.FormatTime(got), n, c.want)
		}
	}
}

package decoders

import (
	"testing"

	"hoalu/ecs/wire"
)

// TestRelayed: documents of shippers that took the header apart are read by the decoder of the program they name.
func TestRelayed(t *testing.T) {
	d := newDecoder(t)
	const want = "event.category=authentication|event.outcome=failure|user.name=root|source.ip=203.0.113.7|source.port=4711|process.name=sshd|host.name=mf01|event.dataset=linux.auth|sigma.logsource.service=sshd|message=Failed password for root from 203.0.113.7 port 4711 ssh2"
	const text = "Failed password for root from 203.0.113.7 port 4711 ssh2"
	for _, c := range []struct{ name, doc, more string }{
		{"syslog-ng", `{"@timestamp":"2026-03-02T02:00:01+00:00","PROGRAM":"sshd","PRIORITY":"info","PID":"43","MESSAGE":"` + text +
			`","ISODATE":"2026-03-02T02:00:01+00:00","HOST":"mf01","FACILITY":"auth"}`,
			"process.pid=43|log.level=informational|log.syslog.facility.code=4|log.syslog.severity.name=Informational|@timestamp=2026-03-02T02:00:01.000Z"},
		{"rsyslog omelasticsearch", `{"message":" ` + text +
			`","fromhost":"mf01","facility":"authpriv","priority":"info","timereported":"2026-03-02T02:00:01.977548+00:00","timegenerated":"2026-03-02T02:00:02.000000+00:00","syslogtag":"sshd[77]:","programname":"sshd"}`, "@timestamp=2026-03-02T02:00:01.977Z|log.syslog.facility.name=authpriv|process.pid=77|log.syslog.procid=77|log.syslog.severity.code=6|log.level=informational"},
		{"Logstash syslog", `{"message":"` + text + `","logsource":"mf01","host":"mf01","program":"sshd","process.name":"sshd","pid":"77","priority":86,"severity_label":"Informational","facility_label":"security/authorization"}`,
			"process.pid=77|log.syslog.severity.code=6|log.syslog.facility.code=10"},
		{"the name goes before the tag's", `{"message":" ` + text + `","host":"mf01","programname":"sshd","syslogtag":"x[77]:","pri":"86"}`,
			"process.pid=77|log.syslog.severity.code=6|log.syslog.facility.code=10"},
		{"a priority that is none", `{"message":" ` + text + `","host":"mf01","programname":"sshd","priority":"high","pri":"1928"}`,
			"log.syslog.severity.code=|log.syslog.facility.code="},
		{"what has its own member goes before", `{"message":" ` + text + `","host":"mf01","programname":"sshd","severity":"err","facility":"auth","priority":86}`,
			"log.syslog.severity.code=3|log.syslog.facility.code=4"},
		{"rsyslog, tag only", `{"message":" ` + text + `","host":"mf01","severity":"info","facility":"auth","syslogtag":"sshd[77]:"}`,
			"process.pid=77"},
		{"ECS of a relay", `{"@timestamp":"2026-03-02T02:00:01+00:00","host.name":"mf01","process.name":"sshd","message":" ` + text + `"}`, ""},
		{"Filebeat syslog", `{"@timestamp":"2026-03-02T02:00:01.000Z","message":"` + text +
			`","hostname":"mf01","process":{"program":"sshd","pid":43},"event":{"severity":6},"log":{"source":{"address":"127.0.0.1:1"},"syslog":{"priority":38,"facility":{"code":4},"hostname":"mf01","appname":"sshd"}},"input":{"type":"syslog"},"ecs":{"version":"8.0.0"},"agent":{"type":"filebeat","version":"8.17.0"}}`, "process.pid=43"},
		{"Filebeat udp",
			`{"@timestamp":"2026-03-02T02:00:01.000Z","log":{"syslog":{"priority":86,"facility":{"code":10,"name":"security/authorization"},"severity":{"code":6,"name":"Informational"},"hostname":"mf01","appname":"sshd","procid":"77"}},"message":"` + text + `","input":{"type":"udp"},"agent":{"type":"filebeat"}}`, "process.pid=77|log.syslog.facility.name=security/authorization"},
		{"Filebeat journald", `{"@timestamp":"2026-03-02T02:00:01.977Z","message":"` + text +
			`","host":{"name":"mf01","hostname":"mf01","id":"851f"},"syslog":{"priority":6,"facility":10,"identifier":"sshd","pid":3740},"log":{"syslog":{"appname":"sshd","facility":{"code":10},"priority":6,"procid":"3740"}},"systemd":{"unit":"ssh.service","transport":"syslog"},"process":{"name":"sshd","pid":3740},"input":{"type":"journald"},"event":{"kind":"event"},"agent":{"type":"filebeat"},"ecs":{"version":"8.0.0"}}`, "process.pid=3740"},
		{"Vector syslog", `{"appname":"sshd","facility":"auth","hostname":"mf01","host":"mf01","message":"` + text +
			`","procid":77,"severity":"info","source_ip":"192.0.2.4","source_type":"syslog","timestamp":"2026-03-02T02:00:01.977548Z"}`,
			"process.pid=77|@timestamp=2026-03-02T02:00:01.977Z"},
		{"Vector journald",
			`{"timestamp":"2026-03-02T02:00:01.977548Z","host":"mf01","source_type":"journald","SYSLOG_IDENTIFIER":"sshd","_PID":"3740","PRIORITY":"6","SYSLOG_FACILITY":"10","_SYSTEMD_UNIT":"ssh.service","message":"` + text + `"}`, "log.level=informational"},
		{"Fluent Bit syslog", `{"date":1772416801.5,"pri":"38","host":"mf01","ident":"sshd","pid":"2506","message":"` + text + `"}`,
			"log.syslog.severity.code=6|log.syslog.facility.code=4|process.pid=2506|@timestamp=2026-03-02T02:00:01.500Z"},
		{"Fluent Bit tail", `{"date":1772416801.5,"log":"Mar  2 09:00:01 mf01 sshd[9]: ` + text + `"}`,
			"process.pid=9|@timestamp=2026-03-02T02:00:01.000Z"},
		{"Filebeat filestream", `{"@timestamp":"2026-03-02T02:00:01.977Z","message":"Mar  2 09:00:01 mf01 sshd[3740]: ` + text +
			`","log":{"file":{"path":"/var/log/auth.log"},"offset":1},"host":{"name":"mf01"},"input":{"type":"filestream"},"agent":{"type":"filebeat"}}`, ""},
		{"journalctl -o json",
			`{"__MONOTONIC_TIMESTAMP":"4871344257","_TRANSPORT":"syslog","SYSLOG_TIMESTAMP":"Mar  2 09:00:01 ","_CMDLINE":"\"sshd: root [priv]\"","_COMM":"sshd","_UID":"0","SYSLOG_PID":"23923","_HOSTNAME":"mf01","__REALTIME_TIMESTAMP":"1772416801603061","_PID":"23923","PRIORITY":"6","SYSLOG_FACILITY":"4","SYSLOG_IDENTIFIER":"sshd","_SOURCE_REALTIME_TIMESTAMP":"1772416801602939","_EXE":"/usr/sbin/sshd","MESSAGE":"` + text + `"}`, "process.pid=23923|@timestamp=2026-03-02T02:00:01.603Z|log.syslog.facility.name=auth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := want
			if c.more != "" {
				w += "|" + c.more
			}
			check(t, d, "", wire.FormatJSON, c.doc, w)
		})
	}
	// bytes that are no UTF-8 come from the journal as a list
	check(t, d, "", wire.FormatJSON,
		`{"MESSAGE":[70,97,105,108,101,100,32,112,97,115,115,119,111,114,100,32,102,111,114,32,255,32,102,114,111,109,32,49,46,49,46,49,46,49,32,112,111,114,116,32,49],"SYSLOG_IDENTIFIER":"sshd","PRIORITY":"6"}`, `user.name=\xff|source.ip=1.1.1.1|event.outcome=failure`)
	// a line of a program nobody knows, with a header that nothing else looks like, in a document that says nothing of its file
	for _, header := range []string{"<14>1 2026-03-02T02:00:01Z mf01 hoso 9 - -  ", "2026-03-02T02:00:01.000000+00:00 mf01 hoso[9]: "} {
		check(t, d, "", wire.FormatJSON, `{"message":"`+header+`tiếp nhận \"một cửa\" \\ xong"}`,
			`host.name=mf01|process.name=hoso|process.pid=9|@timestamp=2026-03-02T02:00:01.000Z|message=tiếp nhận "một cửa" \ xong`)
	}
	check(t, d, "", wire.FormatJSON, `{"@timestamp":"2026-03-02T02:00:01.000Z","log":"2026-03-02T02:00:00.000000+00:00 mf01 hoso[9]: xong"}`,
		"message=xong|log=|event.original=2026-03-02T02:00:00.000000+00:00 mf01 hoso[9]: xong")
	// a program's own line with a time and a thread names no host
	check(t, d, "", wire.FormatJSON, `{"message":"2026-03-02 02:00:01,123 [main-7] worker: xong"}`, "host.name=|process.name=")
	// an application's document that has a process and a message is no syslog
	check(t, d, "", wire.FormatJSON, `{"process":{"name":"myapp"},"message":"Failed password for root from 203.0.113.7 port 4711 ssh2"}`,
		"event.category=|sigma.logsource.product=|user.name=")
	// nor is one that a shipper parsed already
	check(t, d, "", wire.FormatJSON,
		`{"process":{"name":"sshd"},"event":{"category":["network"]},"message":"Accepted password for root from 203.0.113.7 port 4711 ssh2"}`,
		"event.category=network|event.outcome=")
}

// TestOldCharacterSets: bytes that are no UTF-8 can be had back from event.original.
func TestOldCharacterSets(t *testing.T) {
	d := newDecoder(t)
	check(t, d, "", wire.FormatSyslog, "<14>1 2026-03-02T02:00:01Z box13 vbad 1 - - \xd0\xe3ng nh\xcfp C:\\x",
		`message=\xd0\xe3ng nh\xcfp C:\x|event.original=<14>1 2026-03-02T02:00:01Z box13 vbad 1 - - \xd0\xe3ng nh\xcfp C:\\x|hoalu.original_escaped=true|process.name=vbad`)
	check(t, d, "", wire.FormatSyslog, "\xd0 alone", `message=\xd0 alone|event.original=\xd0 alone|hoalu.unparsed=true`)
	check(t, d, "", wire.FormatSyslog, "<14>1 2026-03-02T02:00:01Z box13 app 1 - - đăng nhập", "message=đăng nhập|hoalu.original_escaped=")
}

// TestDocumentZone: a document's time without a zone is of the zone that the operator set for the source, else UTC.
func TestDocumentZone(t *testing.T) {
	d := newDecoder(t)
	check(t, d, "", wire.FormatJSON, `{"timestamp":"2026-03-02 09:00:01.764 +07","message":"x"}`, "@timestamp=2026-03-02T02:00:01.764Z")
	check(t, d, "", wire.FormatJSON, `{"timestamp":"2026-03-02 02:00:01","message":"x"}`, "@timestamp=2026-03-02T02:00:01.000Z")
	e, err := d.Decode("", []byte(`{"timestamp":"2026-03-02 09:00:01","message":"x"}`), received, defaultZone)
	if err != nil || e.Time != 1772416801000 {
		t.Errorf("in the zone of its source: %d, %v", e.Time, err)
	}
}

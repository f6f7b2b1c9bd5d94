package pipeline

import (
	"fmt"
	"strings"
	"testing"

	"hoalu/ecs/wire"
)

// mixed is a batch as a province sends it, 870 B a message on average: half syslog (sshd, sudo, nginx, firewall), half JSON
// (Winlogbeat, EVE, application).
func mixed() *wire.Batch {
	b := &wire.Batch{Listener: "bench", Epoch: "e", Revision: 1}
	add := func(format, data string) {
		b.Frames = append(b.Frames, wire.Frame{Source: "NG-0002", Peer: "10.0.0.2", Received: received, Format: format, Data: []byte(data)})
	}
	ua := "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36 Edg/122.0.0.0"
	for i := range 25 {
		add(wire.FormatSyslog,
			fmt.Sprintf("<86>Mar  2 09:59:%02d csdl-%02d sshd[%d]: Accepted publickey for quantri from 10.20.1.%d port %d ssh2: ED25519 SHA256:B9urXskvGmmfbJmVQf0YyjCf2h2GfenEfd+yo9wcS9g", i, i, 2000+i, i, 50000+i))
		add(wire.FormatSyslog,
			fmt.Sprintf(`<190>Mar  2 09:59:%02d web-%02d nginx: 203.0.113.%d - - [02/Mar/2026:09:59:%02d +0700] "GET /dich-vu-cong/ho-so/danh-sach?trang=%d&kichThuoc=20&tuKhoa=%s HTTP/1.1" 200 18342 "https://dichvucong.example.vn/trang-chu" "%s"`, i, i, i, i, i, strings.Repeat("d%E1%BA%A5t", 30), ua))
		add(wire.FormatJSON,
			fmt.Sprintf(`{"@timestamp":"2026-03-02T02:59:%02d.123Z","event":{"code":"1","kind":"event","provider":"Microsoft-Windows-Sysmon","action":"Process Create (rule: ProcessCreate)"},"host":{"name":"PC-%d.example.vn"},"log":{"level":"information"},"agent":{"type":"winlogbeat","version":"8.12.0","id":"4f1c2c1e-1111-4222-8333-944455556666"},"ecs":{"version":"8.0.0"},"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"1","provider_name":"Microsoft-Windows-Sysmon","record_id":%d,"computer_name":"PC-%d.example.vn","task":"Process Create (rule: ProcessCreate)","opcode":"Info","process":{"pid":3428,"thread":{"id":4688}},"user":{"identifier":"S-1-5-18","domain":"NT AUTHORITY","name":"SYSTEM","type":"User"},"event_data":{"Company":"Microsoft Corporation","CommandLine":"\"C:\\Windows\\System32\\cmd.exe\" /c whoami /all","CurrentDirectory":"C:\\Users\\lan\\","Description":"Windows Command Processor","FileVersion":"10.0.17763.1 (WinBuild.160101.0800)","Hashes":"SHA1=0F6BB2AC8B8B4E6B9A4F3A0B2D3E4F5A6B7C8D9E,MD5=0123456789ABCDEF0123456789ABCDEF,SHA256=8DDCCA3D2A78660524D73C51DD148DE7B76DF1573EBCC8C5B2AC36FDE2FF2396,IMPHASH=1F2627FC453DC35031A9502372BD3549","Image":"C:\\Windows\\System32\\cmd.exe","IntegrityLevel":"Medium","LogonGuid":"{747f3d96-f9b3-6174-0000-00207edf3900}","LogonId":"0x39df7e","OriginalFileName":"Cmd.Exe","ParentCommandLine":"C:\\Windows\\Explorer.EXE","ParentImage":"C:\\Windows\\explorer.exe","ParentProcessGuid":"{747f3d96-f9b5-6174-8b00-00000000cb00}","ParentProcessId":"4552","ProcessGuid":"{747f3d96-feae-6174-b100-00000000cb00}","ProcessId":"%d","Product":"Microsoft Windows Operating System","RuleName":"-","TerminalSessionId":"1","User":"NB\\lan","UtcTime":"2026-03-02 02:59:%02d.120"}}}`, i, i, i, i, 100+i, i))
		add(wire.FormatJSON,
			fmt.Sprintf(`{"timestamp":"2026-03-02T09:59:%02d.502377+0700","flow_id":18599887587416%02d,"in_iface":"ens5","event_type":"http","src_ip":"203.0.113.%d","src_port":%d,"dest_ip":"10.136.2.4","dest_port":80,"proto":"TCP","pkt_src":"wire/pcap","tx_id":0,"community_id":"1:mNjTzqYw0Yw1hZ8yEo3s4o3F5dE=","http":{"hostname":"dichvucong.example.vn","url":"/api/ho-so?trang=%d","http_user_agent":"%s","http_content_type":"application/json","http_refer":"https://dichvucong.example.vn/","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":1121}}`, i, i, i, 50000+i, i, ua))
	}
	return b
}

// BenchmarkDecode is decode, ECS and enrichment of one message; protection has its own benchmark in privacy.
func BenchmarkDecode(b *testing.B) {
	p := newPipeline(b, testBindings())
	msg := mixed()
	n := 0
	for _, f := range msg.Frames {
		n += len(f.Data)
	}
	per := len(msg.Frames)
	b.SetBytes(int64(n / per))
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i += per {
		d := decoded(b, p, msg, uint64(i+1))
		if len(d.Events) != per {
			b.Fatal(len(d.Events))
		}
	}
	b.ReportMetric(float64(n/per), "B/message")
}

func BenchmarkDecodeKinds(b *testing.B) {
	p := newPipeline(b, testBindings())
	for k, name := range []string{"sshd", "nginx", "winlogbeat", "eve"} {
		msg := mixed()
		frames := msg.Frames[:0:0]
		for i := k; i < len(msg.Frames); i += 4 {
			frames = append(frames, msg.Frames[i])
		}
		msg.Frames = frames
		b.Run(name, func(b *testing.B) {
			for i := 0; i < b.N; i += len(frames) {
				decoded(b, p, msg, 1)
			}
		})
	}
}

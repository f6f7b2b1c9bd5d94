package packet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// linkWraps put an IP packet into a frame of a link type.
var linkWraps = map[string]struct {
	link uint32
	wrap func(ip []byte) []byte
}{
	"fddi": {LinkFDDI, func(ip []byte) []byte {
		return append([]byte{0x50, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, ip...)
	}},
	"wi-fi": {LinkDot11, wifi},
	"radiotap": {LinkRadiotap, func(ip []byte) []byte {
		return append([]byte{0, 0, 8, 0, 0, 0, 0, 0}, wifi(ip)...)
	}},
	"pflog": {LinkPFLog, func(ip []byte) []byte {
		h := make([]byte, 64)
		h[0], h[1] = 61, 2 // its length without padding, AF_INET
		return append(h, ip...)
	}},
	"atm": {LinkATM, func(ip []byte) []byte { return append([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, ip...) }},
	"ip over fibre channel": {LinkIPOverFC, func(ip []byte) []byte {
		return append(append(make([]byte, 16), 0xaa, 0xaa, 3, 0, 0, 0, 8, 0), ip...)
	}},
	"ip over firewire":   {LinkIP1394, func(ip []byte) []byte { return append(append(make([]byte, 16), 8, 0), ip...) }},
	"frame relay":        {LinkFRelay, func(ip []byte) []byte { return append([]byte{0x18, 0x41, 3, 0xcc}, ip...) }},
	"frame relay, snap":  {LinkFRelay, func(ip []byte) []byte { return append([]byte{0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0}, ip...) }},
	"frame relay, cisco": {LinkFRelay, func(ip []byte) []byte { return append([]byte{0x18, 0x41, 8, 0}, ip...) }},
	"ppi": {LinkPPI, func(ip []byte) []byte {
		return append([]byte{0, 0, 8, 0, LinkDot11, 0, 0, 0}, wifi(ip)...)
	}},
	"nflog":             {LinkNFLog, func(ip []byte) []byte { return nflogOf(binary.LittleEndian, ip) }},
	"nflog, big endian": {LinkNFLog, func(ip []byte) []byte { return nflogOf(binary.BigEndian, ip) }},
	"llc": {LinkEthernet, func(ip []byte) []byte {
		return append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0, byte(len(ip) + 3), 6, 6, 3}, ip...)
	}},
	"timestamp tag": {LinkEthernet, func(ip []byte) []byte {
		return append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x89, 0x88, 1, 2, 3, 4, 8, 0}, ip...)
	}},
	"ppp in ethernet": {LinkEthernet, func(ip []byte) []byte {
		return append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0x0b, 0, 0x21}, ip...)
	}},
	"ethernet in ip": {LinkRaw, func(ip []byte) []byte {
		return outerIP(97, append([]byte{0x30, 0, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, ip...))
	}},
	"remote mirroring": {LinkRaw, func(ip []byte) []byte {
		u := append([]byte{0x1e, 0xfc, 0x1e, 0xfc, 0, 0, 0, 0}, make([]byte, 12)...)
		u = append(u, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0)
		u = append(u, ip...)
		binary.BigEndian.PutUint16(u[4:], uint16(len(u)))
		return outerIP(17, u)
	}},
}

func wifi(ip []byte) []byte {
	h := append([]byte{0x08, 0x01, 0, 0}, make([]byte, 20)...) // data, to the access point; three addresses, sequence
	return append(append(h, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0), ip...)
}

func outerIP(proto byte, inner []byte) []byte {
	h := []byte{0x45, 0, 0, 0, 0, 1, 0, 0, 64, proto, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(inner)))
	return append(h, inner...)
}

func nflogOf(o binary.ByteOrder, ip []byte) []byte {
	b := []byte{2, 0, 0, 0}
	attr := func(typ uint16, data []byte) {
		h := make([]byte, 4)
		o.PutUint16(h, uint16(4+len(data)))
		o.PutUint16(h[2:], typ)
		b = append(append(b, h...), data...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	attr(1, []byte{8, 0, 1, 0})
	attr(10, []byte("luat\x00"))
	attr(9, ip)
	return b
}

// TestLinks: whatever link a conversation was captured on, its records are those of Ethernet.
func TestLinks(t *testing.T) {
	for _, base := range []*script{web(t, 50), dnsPair(t)} {
		records, _ := read(t, Config{}, base.capture())
		want := contents(t, records)
		if len(want) == 0 {
			t.Fatal("no records on Ethernet")
		}
		for name, w := range linkWraps {
			t.Run(name, func(t *testing.T) {
				frames := make([]frame, len(base.frames))
				for i, f := range base.frames {
					ip := f.data[14:]
					frames[i] = frame{at: f.at, data: w.wrap(ip[:binary.BigEndian.Uint16(ip[2:])])}
				}
				capture := pcapOf(t, frames)
				binary.LittleEndian.PutUint32(capture[20:], w.link)
				got, st := read(t, Config{}, capture)
				if d := cmp.Diff(want, contents(t, got)); d != "" {
					t.Errorf("records differ (-Ethernet +%s):\n%s\n%+v", name, d, st)
				}
			})
		}
	}
}

// TestLinksDamaged: any cut and any changed byte of an odd frame is counted in one of the sums, and never a fault.
func TestLinksDamaged(t *testing.T) {
	ip := dnsPair(t).frames[0].data[14:]
	n := 0
	for name, w := range linkWraps {
		whole := w.wrap(ip)
		a := strict(Config{}, func([]byte, Class) {})
		try := func(b []byte) {
			n++
			a.Packet(w.link, epoch.UnixNano(), b, len(whole))
		}
		for i := range whole {
			try(whole[:i:i])
			for _, x := range []byte{0, 1, 0x7f, 0xff} {
				b := bytes.Clone(whole)
				b[i] = x
				try(b)
			}
		}
		a.Flush()
		st := a.Stats()
		var errs uint64
		for _, e := range st.Errors {
			errs += e
		}
		if st.Packets != st.Decoded+st.NotIP+st.Unsupported+errs || st.Packets == 0 {
			t.Errorf("%s: %d packets are not %d decoded + %d no IP + %d unsupported + %d errors", name, st.Packets, st.Decoded, st.NotIP,
				st.Unsupported, errs)
		}
	}
	if n < 5000 {
		t.Errorf("only %d damaged frames tried", n)
	}
}

// TestDNSAsked: what was asked stands in dns.question.name whatever the answer says, and an answer to something else is no answer to it.
func TestDNSAsked(t *testing.T) {
	question := func(name string) []byte {
		var b []byte
		for _, l := range bytes.Split([]byte(name), []byte(".")) {
			b = append(append(b, byte(len(l))), l...)
		}
		return append(b, 0, 0, 1, 0, 1)
	}
	header := func(flags uint16, qd, an byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0, 12}, flags), 0, qd, 0, an, 0, 0, 0, 0)
	}
	address := []byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0x2b, 0, 4, 192, 0, 2, 7}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, tt := range map[string]struct {
		answer []byte
		want   string
	}{
		"as asked":              {join(header(0x8180, 1, 1), question("asked.example"), address), "[asked.example NOERROR 192.0.2.7]"},
		"other case of letters": {join(header(0x8180, 1, 1), question("ASKED.eXample"), address), "[ASKED.eXample NOERROR 192.0.2.7]"},
		"without the question": {join(header(0x8180, 0, 1), []byte{1, 'x', 0, 0, 1, 0, 1, 0, 0, 1, 0x2b, 0, 4, 192, 0, 2, 7}),
			"[asked.example NOERROR 192.0.2.7]"},
		"question there, uncounted": {join(header(0x8180, 0, 1), question("asked.example"), address), "[asked.example NOERROR 192.0.2.7]"},
		"another question": {join(header(0x8180, 1, 1), question("other.example"), address),
			"[other.example NOERROR 192.0.2.7 asked.example <nil> <nil>]"},
		"another type": {join(header(0x8180, 1, 0), append(question("asked.example")[:15], 0, 28, 0, 1)),
			"[asked.example NOERROR <nil> asked.example <nil> <nil>]"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, 53)
			s.udp(true, join(header(0x0100, 1, 0), question("asked.example")))
			s.udp(false, tt.answer)
			got, _ := read(t, Config{}, s.capture())
			var list []string
			for _, r := range lines(got) {
				if r["event.dataset"] == "hoalu.dns" {
					ip := r["dns.resolved_ip"]
					if l, is := ip.([]any); is && len(l) == 1 {
						ip = l[0]
					}
					list = append(list, fmt.Sprint(r["dns.question.name"]), fmt.Sprint(r["dns.response_code"]), fmt.Sprint(ip))
				}
			}
			if s := fmt.Sprint(list); s != tt.want {
				t.Errorf("records %s, want %s", s, tt.want)
			}
		})
	}
	// A question longer than what is kept of it must not be compared past its end.
	long := header(0x0100, 100, 0)
	for range 100 {
		long = append(long, question("mot.hai.ba.bon.nam.example")...)
	}
	answer := bytes.Clone(long)
	answer[2] = 0x81
	s := newScript(t, 53)
	s.udp(true, long)
	s.udp(false, answer)
	if _, st := read(t, Config{}, s.capture()); st.Records[DNS].Seen == 0 {
		t.Errorf("long question: no record; %+v", st)
	}
}

// BenchmarkOddLink is a packet whose inner IP gopacket has to find, beside the same packet on Ethernet.
func BenchmarkOddLink(b *testing.B) {
	ip := web(b, 1400).frames[0].data[14:]
	for name, w := range map[string]struct {
		link uint32
		data []byte
	}{"ethernet": {LinkEthernet, append([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0}, ip...)}, "wi-fi": {LinkDot11, wifi(ip)}} {
		b.Run(name, func(b *testing.B) {
			a := NewAnalyzer(Config{}, func([]byte, Class) {})
			b.ReportAllocs()
			for b.Loop() {
				a.Packet(w.link, epoch.UnixNano(), w.data, len(w.data))
			}
		})
	}
}

package packet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"hoalu/ecs"
	"hoalu/internal/golden"
	"hoalu/internal/wording"
)

// strict is NewAnalyzer without the guard: a fault fails the test.
func strict(cfg Config, emit func([]byte, Class)) *Analyzer {
	a := NewAnalyzer(cfg, emit)
	a.strict = true
	return a
}

// TestGuard: a fault costs the flows, not the sensor, and is counted.
func TestGuard(t *testing.T) {
	said := ""
	a := NewAnalyzer(Config{Notice: func(p *wording.Problem) { said = p.String() }}, func([]byte, Class) { panic("emit") })
	s := web(t, 1400)
	for _, f := range s.frames {
		a.Packet(LinkEthernet, epoch.UnixNano()+int64(f.at), f.data, len(f.data))
	}
	a.emit = func([]byte, Class) {}
	a.Flush()
	if st := a.Stats(); st.Faults == 0 || st.Forgotten == 0 || st.Packets != st.Decoded || !strings.Contains(said, "fault") {
		t.Errorf("after faults: %+v, said %q", st, said)
	}
}

// frame is one packet of a made-up capture.
type frame struct {
	at   time.Duration
	data []byte
	wire int
}

var epoch = time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC)

// script builds packets between a client and a server, in the order of the calls, a millisecond apart.
type script struct {
	t              testing.TB
	client, server net.IP
	cport, sport   uint16
	cseq, sseq     uint32
	now            time.Duration
	frames         []frame
	id             uint16
}

func newScript(t testing.TB, sport uint16) *script {
	return &script{t: t, client: net.IP{10, 1, 2, 3}, server: net.IP{203, 0, 113, 9}, cport: 40000, sport: sport, cseq: 1000, sseq: 900000}
}

func (s *script) add(l ...gopacket.SerializableLayer) {
	s.t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...); err != nil {
		s.t.Fatal(err)
	}
	s.frames = append(s.frames, frame{s.now, bytes.Clone(b.Bytes()), len(b.Bytes())})
	s.now += time.Millisecond
}

func (s *script) ip(fromClient bool, proto layers.IPProtocol) (gopacket.SerializableLayer, gopacket.NetworkLayer, layers.EthernetType) {
	src, dst := s.client, s.server
	if !fromClient {
		src, dst = dst, src
	}
	if src.To4() == nil {
		ip := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: src, DstIP: dst}
		return ip, ip, layers.EthernetTypeIPv6
	}
	s.id++
	ip := &layers.IPv4{Version: 4, TTL: 64, Id: s.id, Protocol: proto, SrcIP: src, DstIP: dst}
	return ip, ip, layers.EthernetTypeIPv4
}

func (s *script) ethernet(et layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}, DstMAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}, EthernetType: et}
}

// tcp sends a segment with flags out of "SAFRP" and moves the sender's sequence number on.
func (s *script) tcp(fromClient bool, flags string, payload []byte) {
	ip, network, et := s.ip(fromClient, layers.IPProtocolTCP)
	t := &layers.TCP{SrcPort: layers.TCPPort(s.cport), DstPort: layers.TCPPort(s.sport), Seq: s.cseq, Ack: s.sseq, Window: 65000}
	if !fromClient {
		t.SrcPort, t.DstPort, t.Seq, t.Ack = t.DstPort, t.SrcPort, s.sseq, s.cseq
	}
	n := uint32(len(payload))
	for _, c := range flags {
		switch c {
		case 'S':
			t.SYN = true
			n++
		case 'A':
			t.ACK = true
		case 'F':
			t.FIN = true
			n++
		case 'R':
			t.RST = true
		case 'P':
			t.PSH = true
		}
	}
	if err := t.SetNetworkLayerForChecksum(network); err != nil {
		s.t.Fatal(err)
	}
	s.add(s.ethernet(et), ip, t, gopacket.Payload(payload))
	if fromClient {
		s.cseq += n
	} else {
		s.sseq += n
	}
}

func (s *script) udp(fromClient bool, payload []byte) {
	ip, network, et := s.ip(fromClient, layers.IPProtocolUDP)
	u := &layers.UDP{SrcPort: layers.UDPPort(s.cport), DstPort: layers.UDPPort(s.sport)}
	if !fromClient {
		u.SrcPort, u.DstPort = u.DstPort, u.SrcPort
	}
	if err := u.SetNetworkLayerForChecksum(network); err != nil {
		s.t.Fatal(err)
	}
	s.add(s.ethernet(et), ip, u, gopacket.Payload(payload))
}

func (s *script) open() {
	s.tcp(true, "S", nil)
	s.tcp(false, "SA", nil)
	s.tcp(true, "A", nil)
}

func (s *script) close() {
	s.tcp(true, "FA", nil)
	s.tcp(false, "FA", nil)
	s.tcp(true, "A", nil)
}

// segments sends data in pieces of at most n bytes.
func (s *script) segments(fromClient bool, data []byte, n int) {
	for len(data) > 0 {
		m := min(n, len(data))
		s.tcp(fromClient, "PA", data[:m])
		data = data[m:]
	}
}

const webRequest = "GET /tra-cuu?ma=17&x=%C3%A1 HTTP/1.1\r\nHost: dichvucong.example.vn:8080\r\nUser-Agent: curl/8.5\r\nReferer: http://example.vn/\r\nAccept: */*\r\n\r\n" +
	"POST /nop HTTP/1.1\r\nHost: dichvucong.example.vn\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 12\r\n\r\n{\"a\":\"b\\\"c\"}" +
	"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"

const webResponse = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n" +
	"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot here\n" +
	"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"

func web(t testing.TB, size int) *script {
	s := newScript(t, 8080)
	s.open()
	s.segments(true, []byte(webRequest), size)
	s.segments(false, []byte(webResponse), size)
	s.close()
	return s
}

func dnsPair(t testing.TB) *script {
	s := newScript(t, 53)
	m := &layers.DNS{ID: 4711, RD: true,
		Questions: []layers.DNSQuestion{{Name: []byte("www.gov.vn"), Type: layers.DNSTypeA, Class: layers.DNSClassIN}}}
	pack := func() []byte {
		b := gopacket.NewSerializeBuffer()
		if err := m.SerializeTo(b, gopacket.SerializeOptions{FixLengths: true}); err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(b.Bytes())
	}
	s.udp(true, pack())
	m.QR, m.RA = true, true
	m.Answers = []layers.DNSResourceRecord{
		{Name: []byte("www.gov.vn"), Type: layers.DNSTypeCNAME, Class: layers.DNSClassIN, TTL: 60, CNAME: []byte("lb.gov.vn")},
		{Name: []byte("lb.gov.vn"), Type: layers.DNSTypeA, Class: layers.DNSClassIN, TTL: 30, IP: net.IP{203, 0, 113, 80}},
	}
	s.udp(false, pack())
	m.QR, m.RA, m.ID, m.Answers = false, false, 4712, nil
	m.Questions[0].Name = []byte("khong-tra-loi.example")
	s.udp(true, pack())
	return s
}

// vec16 and vec8 are vectors with a length in front.
func vec16(b ...byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
func vec8(b ...byte) []byte  { return append([]byte{byte(len(b))}, b...) }

func handshake(typ byte, body []byte) []byte {
	return append([]byte{typ, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

func tlsRecordBytes(typ byte, body []byte) []byte {
	return append([]byte{typ, 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
}

func extension(typ uint16, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, typ), vec16(body...)...)
}

func clientHelloBytes(sni string) []byte {
	var exts []byte
	exts = append(exts, extension(0x1a1a, nil)...) // GREASE
	exts = append(exts, extension(0, vec16(append([]byte{0}, vec16([]byte(sni)...)...)...))...)
	exts = append(exts, extension(10, vec16(0x0a, 0x0a, 0, 29, 0, 23))...)
	exts = append(exts, extension(11, vec8(0))...)
	exts = append(exts, extension(13, vec16(4, 3, 8, 4))...)
	exts = append(exts, extension(16, vec16(append(vec8([]byte("h2")...), vec8([]byte("http/1.1")...)...)...))...)
	b := append([]byte{3, 3}, bytes.Repeat([]byte{7}, 32)...)
	b = append(b, vec8()...)
	b = append(b, vec16(0x2a, 0x2a, 0xc0, 0x2f, 0xc0, 0x30, 0, 0x9c)...)
	b = append(b, vec8(0)...)
	return handshake(1, append(b, vec16(exts...)...))
}

func serverHelloBytes() []byte {
	b := append([]byte{3, 3}, bytes.Repeat([]byte{9}, 32)...)
	b = append(b, vec8()...)
	b = append(b, 0xc0, 0x2f, 0)
	return handshake(2, append(b, vec16(append(extension(0xff01, []byte{0}), extension(16, vec16(vec8([]byte("h2")...)...))...)...)...))
}

// testCertificate is the same on every run: key, serial and dates are fixed and Ed25519 signs without chance.
func testCertificate(t testing.TB) []byte {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, 32))
	c := &x509.Certificate{SerialNumber: big.NewInt(0x17),
		Subject:   pkix.Name{CommonName: "dichvucong.example.vn", Organization: []string{"Sở Thông tin"}},
		DNSNames:  []string{"dichvucong.example.vn", "*.example.vn"},
		NotBefore: epoch, NotAfter: epoch.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(nil, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func tlsFlights(t testing.TB) (client, server []byte) {
	der := testCertificate(t)
	vec24 := func(b []byte) []byte {
		return append([]byte{byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
	}
	client = tlsRecordBytes(22, clientHelloBytes("dichvucong.example.vn"))
	server = tlsRecordBytes(22, append(serverHelloBytes(), handshake(11, vec24(vec24(der)))...))
	server = append(server, tlsRecordBytes(22, handshake(14, nil))...)
	return client, server
}

func secure(t testing.TB, size int) *script {
	s := newScript(t, 443)
	client, server := tlsFlights(t)
	s.open()
	s.segments(true, client, size)
	s.segments(false, server, size)
	s.segments(true, append(tlsRecordBytes(20, []byte{1}), tlsRecordBytes(22, make([]byte, 40))...), size)
	s.segments(false, append(tlsRecordBytes(20, []byte{1}), tlsRecordBytes(22, make([]byte, 40))...), size)
	s.segments(true, tlsRecordBytes(23, make([]byte, 99)), size)
	s.close()
	return s
}

func shell(t testing.TB, size int) *script {
	s := newScript(t, 22)
	kex := func(first string) []byte {
		b := append([]byte{20}, make([]byte, 16)...)
		for _, l := range []string{first, "ssh-ed25519", "aes128-ctr", "aes256-ctr", "hmac-sha2-256", "hmac-sha2-512", "none", "none,zlib", "",
			""} {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(l))), l...)
		}
		b = append(b, 0, 0, 0, 0, 0)
		pad := 8 - (len(b)+5)%8
		b = append(append([]byte{byte(pad)}, b...), make([]byte, pad)...)
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
	}
	s.open()
	s.segments(false, []byte("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), size)
	s.segments(true, []byte("SSH-2.0-PuTTY_0.80\r\n"), size)
	s.segments(true, kex("curve25519-sha256"), size)
	s.segments(false, kex("sntrup761x25519-sha512"), size)
	s.close()
	return s
}

// capture writes the frames as a pcap.
func (s *script) capture() []byte { return pcapOf(s.t, s.frames) }

func pcapOf(t testing.TB, frames []frame) []byte {
	var b bytes.Buffer
	w := pcapgo.NewWriterNanos(&b)
	if err := w.WriteFileHeader(262144, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := w.WritePacket(gopacket.CaptureInfo{Timestamp: epoch.Add(f.at), CaptureLength: len(f.data), Length: max(f.wire, len(f.data))},
			f.data); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// read returns the records of a capture, one a line.
func read(t testing.TB, cfg Config, capture []byte) ([]byte, Stats) {
	t.Helper()
	var out bytes.Buffer
	a := strict(cfg, func(b []byte, _ Class) {
		out.Write(b)
		out.WriteByte('\n')
	})
	if err := Read(context.Background(), bytes.NewReader(capture), a); err != nil {
		t.Fatal(err)
	}
	if a.held != 0 {
		t.Errorf("%d bytes still held after the end", a.held)
	}
	return out.Bytes(), a.Stats()
}

func TestGolden(t *testing.T) {
	for name, s := range map[string]*script{"web": web(t, 1400), "dns": dnsPair(t), "tls": secure(t, 700), "ssh": shell(t, 1400)} {
		t.Run(name, func(t *testing.T) {
			got, _ := read(t, Config{Sensor: "cam-bien-1"}, s.capture())
			golden.Compare(t, filepath.Join("testdata", name+".ndjson"), got)
			var p ecs.Parser
			for _, l := range bytes.Split(bytes.TrimSpace(got), []byte("\n")) {
				var e ecs.Event
				if err := p.Parse(&e, l); err != nil {
					t.Errorf("record is no event: %v\n%s", err, l)
				}
				if ls := e.Logsource(); ls.Product != "hoalu" || ls.Service != "packet" || len(ls.Category) != 1 {
					t.Errorf("logsource %+v of %s", ls, l)
				}
			}
		})
	}
}

// contents are the records of the protocols without what depends on addresses, time and framing.
func contents(t testing.TB, records []byte) []string {
	var list []string
	for _, l := range bytes.Split(bytes.TrimSpace(records), []byte("\n")) {
		var r map[string]any
		if err := json.Unmarshal(l, &r); err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		if r["event.dataset"] == "hoalu.flow" {
			continue
		}
		for k := range r {
			if k == "@timestamp" || k == "event.duration" || strings.HasPrefix(k, "source.") || k == "destination.ip" ||
				strings.HasPrefix(k, "network.") && k != "network.protocol" {
				delete(r, k)
			}
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(b))
	}
	return list
}

// TestMetamorphic: however the same conversation is carried, cut up, reordered or repeated, the protocol records are the same.
func TestMetamorphic(t *testing.T) {
	conversations := map[string]func(testing.TB, int) *script{"web": web, "tls": secure, "ssh": shell,
		"dns": func(t testing.TB, _ int) *script { return dnsPair(t) }}
	each := func(frames []frame, change func(b []byte) [][]byte) []frame {
		var out []frame
		for _, f := range frames {
			for _, b := range change(f.data) {
				out = append(out, frame{at: f.at, data: b})
			}
		}
		return out
	}
	ipv4 := func(proto byte, inner []byte) []byte {
		h := []byte{0x45, 0, 0, 0, 0, 1, 0, 0, 64, proto, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}
		binary.BigEndian.PutUint16(h[2:], uint16(20+len(inner)))
		return append(h, inner...)
	}
	mac := func(et uint16, b []byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, et), b...)
	}
	changes := map[string]func(frames []frame) []frame{
		"vlan": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				return [][]byte{append(append(bytes.Clone(b[:12]), 0x81, 0, 0, 7), b[12:]...)}
			})
		},
		"qinq": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				return [][]byte{append(append(bytes.Clone(b[:12]), 0x88, 0xa8, 0, 9, 0x81, 0, 0, 7), b[12:]...)}
			})
		},
		"mpls": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				return [][]byte{mac(0x8847, append([]byte{0, 1, 0, 64, 0, 2, 1, 64}, b[14:]...))}
			})
		},
		"pppoe": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				return [][]byte{mac(0x8864, append([]byte{0x11, 0, 0, 1, 0, 0, 0, 0x21}, b[14:]...))}
			})
		},
		"gre": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				return [][]byte{mac(0x0800, ipv4(47, append([]byte{0x20, 0, 8, 0, 1, 2, 3, 4}, b[14:]...)))}
			})
		},
		"erspan": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				return [][]byte{mac(0x0800, ipv4(47, append([]byte{0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 0, 0, 0, 0, 0}, b...)))}
			})
		},
		"ipip": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte { return [][]byte{mac(0x0800, ipv4(4, b[14:]))} })
		},
		"vxlan": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				u := append([]byte{0xc0, 0, 0x12, 0xb5, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 42, 0}, b...)
				binary.BigEndian.PutUint16(u[4:], uint16(len(u)))
				return [][]byte{mac(0x0800, ipv4(17, u))}
			})
		},
		"geneve": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				u := append([]byte{0xc0, 0, 0x17, 0xc1, 0, 0, 0, 0, 0, 0, 0x65, 0x58, 0, 0, 42, 0}, b...)
				binary.BigEndian.PutUint16(u[4:], uint16(len(u)))
				return [][]byte{mac(0x0800, ipv4(17, u))}
			})
		},
		"fragments": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				ip := b[14:]
				total := int(binary.BigEndian.Uint16(ip[2:]))
				var out [][]byte
				for off := 0; off < total-20; off += 16 {
					n := min(16, total-20-off)
					f := append(bytes.Clone(b[:14+20]), ip[20+off:20+off+n]...)
					binary.BigEndian.PutUint16(f[16:], uint16(20+n))
					v := uint16(off / 8)
					if off+n < total-20 {
						v |= 0x2000
					}
					binary.BigEndian.PutUint16(f[20:], v)
					out = append([][]byte{f}, out...) // last one first
				}
				if len(out) > maxPieces {
					return [][]byte{b}
				}
				return out
			})
		},
		"twice": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				if b[14+9] == 17 {
					return [][]byte{b} // two answers to one question are two records
				}
				return [][]byte{b, b}
			})
		},
		"padded": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte { return [][]byte{append(bytes.Clone(b), make([]byte, 18)...)} })
		},
		"pairs swapped": func(fs []frame) []frame {
			out := append([]frame(nil), fs...)
			for i := 3; i+1 < len(out)-3; i += 2 {
				if out[i].data[14+12] == out[i+1].data[14+12] && out[i].data[14+9] == 6 { // the same sender
					out[i].data, out[i+1].data = out[i+1].data, out[i].data
				}
			}
			return out
		},
		"ipv6": func(fs []frame) []frame {
			return each(fs, func(b []byte) [][]byte {
				ip := b[14:]
				payload := ip[20:binary.BigEndian.Uint16(ip[2:])]
				h := append([]byte{0x60, 0, 0, 0, byte(len(payload) >> 8), byte(len(payload)), ip[9], 64}, make([]byte, 32)...)
				h[8], h[24] = 0xfd, 0xfd
				copy(h[20:24], ip[12:16])
				copy(h[36:40], ip[16:20])
				return [][]byte{mac(0x86dd, append(h, payload...))}
			})
		},
	}
	for conv, build := range conversations {
		base := build(t, 200)
		records, _ := read(t, Config{}, base.capture())
		want := contents(t, records)
		if len(want) == 0 {
			t.Fatalf("%s: no records", conv)
		}
		for name, change := range changes {
			t.Run(conv+"/"+name, func(t *testing.T) {
				frames := base.frames
				got, st := read(t, Config{}, pcapOf(t, change(frames)))
				if d := cmp.Diff(want, contents(t, got)); d != "" {
					t.Errorf("records differ (-plain +%s):\n%s\n%+v", name, d, st)
				}
			})
		}
		for _, size := range []int{1, 2, 3, 5, 7, 64, 1400} {
			t.Run(fmt.Sprintf("%s/segments of %d", conv, size), func(t *testing.T) {
				got, _ := read(t, Config{}, build(t, size).capture())
				if d := cmp.Diff(want, contents(t, got)); d != "" {
					t.Errorf("records differ (-200 +%d):\n%s", size, d)
				}
			})
		}
	}
}

func lines(b []byte) (list []map[string]any) {
	for _, l := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
		var r map[string]any
		if json.Unmarshal(l, &r) == nil {
			list = append(list, r)
		}
	}
	return list
}

func TestFlowEnds(t *testing.T) {
	pick := func(b []byte, keys ...string) (out []string) {
		for _, r := range lines(b) {
			if r["event.dataset"] == "hoalu.flow" {
				var v []string
				for _, k := range keys {
					v = append(v, fmt.Sprint(r[k]))
				}
				out = append(out, strings.Join(v, " "))
			}
		}
		return out
	}
	tests := []struct {
		name  string
		cfg   Config
		build func(s *script)
		want  []string
	}{
		{"closed", Config{}, func(s *script) { s.open(); s.close() }, []string{"flow_end fin closed 4 2"}},
		{"rejected", Config{}, func(s *script) { s.tcp(true, "S", nil); s.tcp(false, "RA", nil) }, []string{"flow_end rst rejected 1 1"}},
		{"unanswered", Config{}, func(s *script) { s.tcp(true, "S", nil) }, []string{"flow_end end_of_capture unanswered 1 0"}},
		{"idle", Config{}, func(s *script) {
			s.open()
			s.now += 5 * time.Minute
			s.tcp(true, "A", nil)
		}, []string{"flow_end idle established 2 1", "flow_end end_of_capture midstream 1 0"}},
		{"updates", Config{}, func(s *script) {
			s.open()
			for range 20 {
				s.now += 10 * time.Second
				s.tcp(true, "PA", []byte("xyz\x00"))
			}
		}, []string{"flow_update <nil> established 8 1", "flow_update <nil> established 14 1", "flow_update <nil> established 20 1",
			"flow_end end_of_capture established 22 1"}},
		{"reused", Config{}, func(s *script) {
			s.open()
			s.cseq += 1 << 20
			s.open()
		}, []string{"flow_end reused established 2 1", "flow_end end_of_capture established 2 1"}},
		{"synack first", Config{}, func(s *script) { s.tcp(false, "SA", nil); s.tcp(true, "A", nil) },
			[]string{"flow_end end_of_capture opening 1 1"}},
		{"evicted", Config{MaxFlows: 2}, func(s *script) {
			s.open()
			for range 3 {
				s.cport++
				s.tcp(true, "S", nil)
			}
		}, []string{"flow_end evicted unanswered 1 0", "flow_end evicted unanswered 1 0", "flow_end end_of_capture established 2 1",
			"flow_end end_of_capture unanswered 1 0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newScript(t, 9)
			tt.build(s)
			got, st := read(t, tt.cfg, s.capture())
			if d := cmp.Diff(tt.want, pick(got, "event.action", "hoalu.flow.end_reason", "hoalu.flow.state", "source.packets",
				"destination.packets")); d != "" {
				t.Errorf("flows differ (-want +got):\n%s\n%+v", d, st)
			}
			for _, r := range lines(got) {
				if r["source.ip"] != "10.1.2.3" || r["network.direction"] != "outbound" {
					t.Errorf("source %v, direction %v: want 10.1.2.3, outbound", r["source.ip"], r["network.direction"])
				}
			}
		})
	}
}

// TestUnansweredDNS: a question is told of once it has waited dnsPatience, by the clock of the packets or, when none come, by Tick; not
// before, not twice, and not when its flow's own end is near.
func TestUnansweredDNS(t *testing.T) {
	s := dnsPair(t) // a question with its answer, and one nobody answers
	names := func(records []string) (out []string) {
		for _, r := range records {
			for _, m := range lines([]byte(r)) {
				if m["event.dataset"] == "hoalu.dns" {
					out = append(out, fmt.Sprint(m["dns.question.name"], " ", m["dns.response_code"]))
				}
			}
		}
		return out
	}
	for _, tt := range []struct {
		name string
		wait int64 // after the last packet
		tick bool  // the clock, else a packet of another flow
		want string
	}{
		{"too early", 4e9, true, "[www.gov.vn NOERROR]"},
		{"clock", 7e9, true, "[www.gov.vn NOERROR khong-tra-loi.example <nil>]"},
		{"packet", 7e9, false, "[www.gov.vn NOERROR khong-tra-loi.example <nil>]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			a := strict(Config{}, func(b []byte, _ Class) { got = append(got, string(b)) })
			var at int64
			for _, f := range s.frames {
				at = epoch.Add(f.at).UnixNano()
				a.Packet(LinkEthernet, at, f.data, len(f.data))
			}
			if tt.tick {
				a.Tick(at + tt.wait)
			} else {
				f := web(t, 1400).frames[0]
				a.Packet(LinkEthernet, at+tt.wait, f.data, len(f.data))
			}
			if n := fmt.Sprint(names(got)); n != tt.want {
				t.Errorf("%v after the question: %s, want %s", time.Duration(tt.wait), n, tt.want)
			}
			a.Flush()
			if n := names(got); len(n) != 2 {
				t.Errorf("in all %s, want each question once", n)
			}
		})
	}
}

func TestExcludeAndOff(t *testing.T) {
	s := web(t, 1400)
	got, st := read(t, Config{Exclude: func(e netip.AddrPort) bool { return e == netip.MustParseAddrPort("203.0.113.9:8080") }}, s.capture())
	if len(got) != 0 || st.Filtered != uint64(len(s.frames)) {
		t.Errorf("excluded: %d bytes of records, %d packets filtered: want none and %d", len(got), st.Filtered, len(s.frames))
	}
	_, st = read(t, Config{Off: map[Class]bool{HTTP: true}}, s.capture())
	if r := st.Records[HTTP]; r.Seen != 3 || r.Filtered != 3 || r.Sent != 0 {
		t.Errorf("HTTP off: %+v", r)
	}
	for c, r := range st.Records {
		if r.Seen != r.Sent+r.Dropped+r.Filtered {
			t.Errorf("%v: seen %d ≠ sent %d + dropped %d + filtered %d", Class(c), r.Seen, r.Sent, r.Dropped, r.Filtered)
		}
	}
}

// TestGap: a lost segment inside a body is counted into it; one inside a head resumes with the next message.
func TestGap(t *testing.T) {
	s := newScript(t, 80)
	s.open()
	s.tcp(true, "PA", []byte("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"))
	s.tcp(false, "PA", []byte("HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n"))
	for range 4 {
		s.tcp(false, "PA", make([]byte, 1000))
	}
	lost := len(s.frames) - 3
	s.tcp(true, "A", nil)
	s.tcp(true, "PA", []byte("GET /b HTTP/1.1\r\nHost: b\r\n\r\n"))
	s.tcp(false, "PA", []byte("HTTP/1.1 204 No\r\n\r\n"))
	s.close()
	frames := append(append([]frame(nil), s.frames[:lost]...), s.frames[lost+1:]...)
	got, st := read(t, Config{}, pcapOf(t, frames))
	var seen []string
	for _, r := range lines(got) {
		if r["event.dataset"] == "hoalu.http" {
			seen = append(seen, fmt.Sprint(r["url.path"], " ", r["http.response.status_code"], " ", r["http.response.body.bytes"]))
		}
	}
	if d := cmp.Diff([]string{"/a 200 4000", "/b 204 0"}, seen); d != "" || st.StreamGaps != 1 || st.StreamLost != 1000 {
		t.Errorf("gaps %d, lost %d, want 1 and 1000; (-want +got):\n%s", st.StreamGaps, st.StreamLost, d)
	}
}

// TestCommunityID: the vectors of the specification's README.
func TestCommunityID(t *testing.T) {
	v4 := func(s string) addr {
		b := netip.MustParseAddr(s).As4()
		return addr{0, uint64(binary.BigEndian.Uint32(b[:]))}
	}
	v6 := func(s string) addr {
		b := netip.MustParseAddr(s).As16()
		return addr{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
	}
	tests := []struct {
		src, dst addr
		v6       bool
		proto    uint8
		sp, dp   uint16
		icmp     bool
		want     string
	}{
		{v4("128.232.110.120"), v4("66.35.250.204"), false, 6, 34855, 80, false, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{v4("66.35.250.204"), v4("128.232.110.120"), false, 6, 80, 34855, false, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="},
		{v4("192.168.1.52"), v4("8.8.8.8"), false, 17, 54585, 53, false, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="},
		{v4("192.168.0.89"), v4("192.168.0.1"), false, 1, 8, 0, true, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="},
		{v6("fe80::200:86ff:fe05:80da"), v6("fe80::260:97ff:fe07:69ea"), true, 58, 135, 136, true, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY="},
	}
	for _, tt := range tests {
		if got := string(communityID(nil, tt.src, tt.dst, tt.v6, tt.proto, tt.sp, tt.dp, true, tt.icmp)); got != tt.want {
			t.Errorf("communityID(%v, %v, %d, %d, %d) = %s, want %s", tt.src, tt.dst, tt.proto, tt.sp, tt.dp, got, tt.want)
		}
	}
}

// TestHMAC compares with RFC 9001 appendix A.1: the client's Initial secret.
func TestQUICKeys(t *testing.T) {
	initial := hmac256(quicSalt1, []byte{0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08})
	client := expandLabel(initial[:], "", "client in")
	if got := fmt.Sprintf("%x", client); got != "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea" {
		t.Errorf("client_initial_secret = %s", got)
	}
	if iv := expandLabel(client[:], "quic ", "iv"); fmt.Sprintf("%x", iv[:12]) != "fa044b2f42a3fd3b46fb255c" {
		t.Errorf("client iv = %x", iv[:12])
	}
}

func TestReadErrors(t *testing.T) {
	a := strict(Config{}, func([]byte, Class) {})
	for name, b := range map[string][]byte{"empty": nil, "short": {1, 2}, "text": []byte("not a capture at all"),
		"bad gzip": {0x1f, 0x8b, 1, 1, 1}} {
		if err := Read(context.Background(), bytes.NewReader(b), a); !errors.Is(err, ErrNotCapture) {
			t.Errorf("%s: error %v, want ErrNotCapture", name, err)
		}
	}
	if err := ReadFile(context.Background(), filepath.Join(t.TempDir(), "nothing.pcap"), a); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	var said []string
	a = strict(Config{Notice: func(p *wording.Problem) { said = append(said, p.String()) }}, func([]byte, Class) {})
	c := web(t, 1400).capture()
	if err := Read(context.Background(), bytes.NewReader(c[:len(c)-9]), a); err != nil || a.Stats().CutOff != 1 || len(said) != 1 {
		t.Errorf("cut-off file: error %v, %d cut off, said %q: want nil, 1 and one sentence", err, a.Stats().CutOff, said)
	}
	said = nil
	binary.LittleEndian.PutUint32(c[20:], 230)
	if err := Read(context.Background(), bytes.NewReader(c), a); err != nil || len(said) != 1 ||
		!strings.Contains(said[0], "unsupported link type 230: ") {
		t.Errorf("unsupported link type: error %v, said %q", err, said)
	}
}

// TestStateless: what was read before changes nothing.
func TestStateless(t *testing.T) {
	var list [][]byte
	for _, s := range []*script{web(t, 100), dnsPair(t), secure(t, 33), shell(t, 7), web(t, 1)} {
		list = append(list, s.capture())
	}
	var out bytes.Buffer
	shared := strict(Config{}, func(b []byte, _ Class) { out.Write(b) })
	for _, order := range [][]int{{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 2, 0, 3, 1}} {
		for _, i := range order {
			var alone bytes.Buffer
			a := strict(Config{}, func(b []byte, _ Class) { alone.Write(b) })
			if err := Read(context.Background(), bytes.NewReader(list[i]), a); err != nil {
				t.Fatal(err)
			}
			out.Reset()
			if err := Read(context.Background(), bytes.NewReader(list[i]), shared); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(alone.Bytes(), out.Bytes()) {
				t.Errorf("capture %d after others: %s", i, cmp.Diff(alone.String(), out.String()))
			}
		}
	}
}

func TestOutput(t *testing.T) {
	o := NewOutput(100)
	put := func(c Class, n int) {
		for i := range n {
			o.Put([]byte(fmt.Sprintf("%-9s%d", c, i)), c)
		}
	}
	put(FlowUpdate, 10) // 12 or 10 bytes each
	put(TLS, 5)
	put(Flow, 20)
	put(DNS, 5)
	o.Close()
	counts := map[Class]int{}
	last := Classes
	for {
		b, c, more, err := o.Next(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		if c > last {
			t.Errorf("%v after %v: want the highest class first", c, last)
		}
		last = c
		counts[c]++
		if !strings.HasPrefix(string(b), c.String()) {
			t.Errorf("record %q of class %v", b, c)
		}
	}
	if counts[TLS] != 5 || counts[DNS] != 5 || counts[FlowUpdate] != 0 {
		t.Errorf("records read by class: %v: want all 5 of tls and dns and no flow updates", counts)
	}
	for c, r := range o.Stats() {
		if r.Seen != r.Sent+r.Dropped || int(r.Sent) != counts[Class(c)] {
			t.Errorf("%v: %+v, read %d", Class(c), r, counts[Class(c)])
		}
	}
}

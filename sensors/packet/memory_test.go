package packet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"math/big"
	"runtime"
	"strings"
	"testing"
)

// rawIPv4 is a packet of flow i's client, without a link header; its ports and flags are in head, the transport's.
func rawIPv4(i int, proto byte, head, payload []byte) []byte {
	b := append([]byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0, 10, 0, byte(i >> 8), byte(i), 192, 0, 2, 1}, head...)
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestMemory: whatever flows carry that waits for more (requests, hellos, questions, certificates), all of it together stays within
// Config.MaxBytes. Each case sends many times as much; what there is no room for is counted.
func TestMemory(t *testing.T) {
	tcp := func(a *Analyzer, i int, payload []byte) {
		head := make([]byte, 20)
		binary.BigEndian.PutUint16(head, 40000)
		binary.BigEndian.PutUint16(head[2:], 8000)
		head[12], head[13] = 0x50, tcpACK
		b := rawIPv4(i, protoTCP, head, payload)
		a.Packet(LinkRaw, 1e9, b, len(b))
	}
	text := strings.Repeat("x", 8000)
	request := []byte("GET /" + text + " HTTP/1.1\r\nHost: " + text + "\r\nUser-Agent: " + text + "\r\nReferer: " + text + "\r\nContent-Type: " + text +
		"\r\n\r\n")
	exts := append(extension(0, vec16(append([]byte{0}, vec16(bytes.Repeat([]byte("s"), 8000)...)...)...)),
		extension(16, vec16(bytes.Repeat(vec8(bytes.Repeat([]byte("p"), 255)...), 32)...))...)
	hello := append(append([]byte{3, 3}, make([]byte, 32)...), vec8()...)
	hello = append(append(hello, vec16(0xc0, 0x2f)...), vec8(0)...)
	hello = tlsRecordBytes(22, handshake(1, append(hello, vec16(exts...)...)))
	question := make([]byte, 1400)
	question[2], question[5] = 1, 1
	copy(question[12:], "\x03vnn\x02vn\x00\x00\x01\x00\x01")
	names := make([]string, 100)
	for i := range names {
		names[i] = strings.Repeat("n", 600)
	}
	key := ed25519.NewKeyFromSeed(make([]byte, 32))

	const flows, limit = 3000, 4 << 20
	for name, send := range map[string]func(a *Analyzer, i int){
		"HTTP requests": func(a *Analyzer, i int) { tcp(a, i, request) },
		"small HTTP requests": func(a *Analyzer, i int) {
			tcp(a, i, bytes.Repeat([]byte("GET / HTTP/1.1\r\n\r\n"), 60))
		},
		"HTTP responses": func(a *Analyzer, i int) {
			tcp(a, i, bytes.Repeat([]byte("HTTP/1.1 200 OK\r\nContent-Type: "+text+"\r\nContent-Length: 1\r\n\r\n"), 1))
		},
		"TLS hellos": func(a *Analyzer, i int) { tcp(a, i, hello) },
		"DNS questions": func(a *Analyzer, i int) {
			for id := range 16 {
				question[1] = byte(id)
				b := rawIPv4(i, protoUDP, []byte{0x9c, 0x40, 0, 53, 0, 0, 0, 0}, question)
				a.Packet(LinkRaw, 1e9, b, len(b))
			}
		},
		"QUIC": func(a *Analyzer, i int) {
			f, _, _ := a.lookup(&pkt{src: addr{lo: uint64(i)}, proto: protoUDP, t: 1e9}, 1, 2)
			f.quic = &quicState{tls: a.newTLS(appQUIC)}
			a.lookInto(f, &f.quic.place)
			for k := range 20 { // behind a hole each
				frame := binary.BigEndian.AppendUint16([]byte{6}, uint16(0x4000+1001*k+1))
				frame = append(binary.BigEndian.AppendUint16(frame, 0x4000+1000), make([]byte, 1000)...)
				a.quicFrames(f.quic, 0, frame)
			}
		},
		"certificates": func(a *Analyzer, i int) {
			if i%20 != 0 { // making them takes long
				return
			}
			x := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: "x"}, DNSNames: names}
			der, err := x509.CreateCertificate(nil, x, x, key.Public(), key)
			if err != nil {
				t.Fatal(err)
			}
			f, _, _ := a.lookup(&pkt{src: addr{lo: uint64(i)}, proto: protoTCP, t: 1e9}, 1, 2)
			s := a.newStream(f)
			if s == nil {
				return
			}
			s.app, s.tls = appTLS, a.newTLS(appTLS)
			list := append([]byte{0, byte(len(der) >> 8), byte(len(der))}, der...)
			a.tlsMessage(f, s.tls, 1, 11, append([]byte{0, byte(len(list) >> 8), byte(len(list))}, list...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := strict(Config{MaxBytes: limit}, func([]byte, Class) {})
			before := heap()
			for i := range flows {
				send(a, i)
				if a.held > limit {
					t.Fatalf("flow %d: %d bytes held, at most %d may be", i, a.held, limit)
				}
			}
			const fixed = 20 << 20 // flows, streams, certificates told of: what does not grow with what they carry
			if grown := heap() - before; grown > limit+fixed {
				t.Errorf("%d MiB in use, want at most %d", grown>>20, (limit+fixed)>>20)
			}
			if a.over[overBudget] == 0 {
				t.Error("nothing was given up, or it was not counted")
			}
			a.Flush()
			if a.held != 0 {
				t.Errorf("%d bytes held after the end", a.held)
			}
			if grown := heap() - before; grown > fixed {
				t.Errorf("%d MiB in use after the end, want at most %d", grown>>20, fixed>>20)
			}
		})
	}
}

// TestDNSRecordSize: names that point at one another make no more of a message than the longest message without such pointers has.
func TestDNSRecordSize(t *testing.T) {
	answer := make([]byte, 12)
	answer[2], answer[5] = 0x81, 1
	binary.BigEndian.PutUint16(answer[6:], 256)
	for range 16 { // a name of 1,024 bytes
		answer = append(append(answer, 63), make([]byte, 63)...)
	}
	answer = append(answer, 0, 0, 1, 0, 1)
	for range 256 {
		answer = append(answer, 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xc0, 12)
	}
	largest, partial := 0, false
	a := strict(Config{}, func(b []byte, c Class) {
		largest = max(largest, len(b))
		partial = partial || c == DNS && bytes.Contains(b, []byte(`"hoalu.partial":true`))
	})
	b := rawIPv4(1, protoUDP, []byte{0, 53, 0x9c, 0x40, 0, 0, 0, 0}, answer)
	a.Packet(LinkRaw, 1e9, b, len(b))
	a.Flush()
	if st := a.Stats(); st.Records[DNS].Sent != 1 || !partial {
		t.Errorf("%d records of DNS, said to be partial: %v; want one that is", st.Records[DNS].Sent, partial)
	}
	if limit := 6*(maxDNSText+2048) + 32<<10; largest > limit { // a control character takes six bytes
		t.Errorf("a message of %d bytes became a record of %d, want at most %d", len(answer), largest, limit)
	}
}

// TestOutputMemory: large records that came by once do not stay in the memory that an Output uses again.
func TestOutputMemory(t *testing.T) {
	const limit = 1 << 20
	o := NewOutput(limit)
	small, large := make([]byte, 100), make([]byte, 200<<10)
	before := heap()
	for i := range 3000 {
		for range 100 {
			o.Put(small, Flow)
		}
		o.Put(large, Flow)
		for range 101 {
			if _, _, more, err := o.Next(context.Background(), nil); !more || err != nil {
				t.Fatalf("round %d: record lost: %v", i, err)
			}
		}
	}
	for range limit / 100 { // as many places as there can be, each of which may have held a large one
		o.Put(small, Flow)
	}
	if grown := heap() - before; grown > 8*limit {
		t.Errorf("%d KiB in use for at most %d KiB of records", grown>>10, limit>>10)
	}
	if o.Stats()[Flow].Seen == 0 {
		t.Error("nothing was put")
	}
	runtime.KeepAlive(o)
}

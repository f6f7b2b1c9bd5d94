package packet

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// seeds are the packets of the made-up conversations.
func seeds(t testing.TB) (list [][]byte) {
	for _, s := range []*script{web(t, 300), dnsPair(t), secure(t, 300), shell(t, 300)} {
		for _, f := range s.frames {
			list = append(list, f.data)
		}
	}
	return list
}

func checked(t testing.TB) func([]byte, Class) {
	return func(b []byte, c Class) {
		if !json.Valid(b) {
			t.Fatalf("%v record is not JSON: %q", c, b)
		}
	}
}

func FuzzPacket(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(uint32(LinkEthernet), b)
		f.Add(uint32(LinkRaw), b[14:])
		f.Add(uint32(LinkPPP), append([]byte{0xff, 3, 0, 0x21}, b[14:]...))
	}
	f.Fuzz(func(t *testing.T, link uint32, b []byte) {
		a := strict(Config{}, checked(t))
		a.Packet(link, 1e9, b, len(b))
		a.Packet(link, 2e9, b, len(b)+10)
		a.Flush()
		if a.held != 0 {
			t.Fatalf("%d bytes held after the end", a.held)
		}
	})
}

// FuzzStream feeds both directions of a connection in pieces.
func FuzzStream(f *testing.F) {
	client, server := tlsFlights(f)
	f.Add(client, server, uint8(7))
	f.Add([]byte(webRequest), []byte(webResponse), uint8(100))
	f.Add([]byte("SSH-2.0-x\r\n"), []byte("SSH-2.0-y\r\n\x00\x00\x00\x10"), uint8(3))
	f.Fuzz(func(t *testing.T, client, server []byte, size uint8) {
		a := strict(Config{}, checked(t))
		fl := &flow{}
		fl.key.pb = 53
		p := &a.p
		for i, d := range [][]byte{client, server} {
			seq := uint32(i * 1000)
			for len(d) > 0 && !fl.done {
				n := min(int(size)+1, len(d))
				p.seq, p.payload, p.flags, p.t = seq, d[:n], tcpACK, 1e9
				a.tcpData(fl, p, i)
				seq, d = seq+uint32(n), d[n:]
			}
		}
		if fl.stream != nil {
			a.streamFlush(fl, true)
			a.dropStream(fl)
		}
		if a.held != 0 {
			t.Fatalf("%d bytes held after the end", a.held)
		}
	})
}

func FuzzDNS(f *testing.F) {
	for _, fr := range dnsPair(f).frames {
		f.Add(fr.data[14+20+8:])
	}
	f.Add([]byte("\x00\x01\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\xc0\x0c\x00\x01\x00\x01\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x00\x00\x02\x05a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m dnsMessage
		m.parse(b)
		for _, q := range m.questions {
			_ = m.text(q.name)
		}
		strictDNS(b)
	})
}

func FuzzHTTPHead(f *testing.F) {
	f.Add([]byte(webRequest))
	f.Add([]byte(webResponse))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, good := parseHTTPHead(b); good && h.length < -1 {
			t.Fatalf("length %d", h.length)
		}
		httpHeadEnd(b, 0)
		if len(b) > 0 {
			looksHTTP(&flow{}, b)
		}
	})
}

func FuzzHello(f *testing.F) {
	f.Add(clientHelloBytes("a.example")[4:])
	f.Add(serverHelloBytes()[4:])
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, good := parseClientHello(b, len(b)%2 == 0); good {
			h.ja3(nil)
			if s := h.ja4(nil, appTLS, nil); len(s) != 36 {
				t.Fatalf("JA4 %q has %d characters, want 36", s, len(s))
			}
		}
		if h, good := parseServerHello(b); good {
			h.ja3s(nil)
		}
		hassh(b)
	})
}

func FuzzCertificate(f *testing.F) {
	f.Add(testCertificate(f))
	f.Fuzz(func(t *testing.T, b []byte) { renderCertificate(b) })
}

func FuzzQUIC(f *testing.F) {
	f.Add([]byte("\xc3\x00\x00\x00\x01\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\x00\x00\x44\x9e"), []byte("\x06\x00\x05hello"))
	f.Fuzz(func(t *testing.T, b, frames []byte) {
		a := strict(Config{}, checked(t))
		a.udpQUIC(&flow{}, 0, b)
		st := &quicState{tls: a.newTLS(appQUIC)}
		a.quicFrames(st, 0, frames)
	})
}

func FuzzRead(f *testing.F) {
	f.Add(web(f, 1400).capture())
	f.Add([]byte("\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00\x01\x00\x00\x00\x14\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x14\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := strict(Config{}, checked(t))
		_ = Read(context.Background(), bytes.NewReader(b), a) // an error or records
	})
}

// TestMutation changes real packets at random, seeded: nothing may panic, stall, hold memory or write broken JSON.
func TestMutation(t *testing.T) {
	list := seeds(t)
	if dir := os.Getenv("HOALU_TESTDATA"); dir != "" || exists("../../../shared/data/packets/index.jsonl") {
		m, _ := mix(t)
		for i := 0; i < len(m); i++ {
			list = append(list, m[i].data)
		}
	}
	rounds, budget := 12_000_000, 10*time.Second
	if testing.Short() {
		rounds = 200_000
	}
	r := rand.New(rand.NewPCG(17, 2026))
	n := 0
	a := strict(Config{MaxFlows: 5000, MaxBytes: 4 << 20}, func(b []byte, c Class) {
		if n++; n%16 == 0 && !json.Valid(b) {
			t.Fatalf("%v record is not JSON: %q", c, b)
		}
	})
	buf := make([]byte, 0, 65536)
	from := time.Now()
	at, last, i := int64(1e18), from, 0
	for ; i < rounds; i++ {
		b := append(buf[:0], list[(i/3)%len(list)]...)
		if len(b) == 0 {
			continue
		}
		for range r.IntN(4) {
			k := r.IntN(len(b))
			if r.IntN(3) == 0 {
				k = min(r.IntN(80), len(b)-1) // headers more often
			}
			switch r.IntN(4) {
			case 0:
				b[k] = byte(r.Uint32())
			case 1:
				b[k] ^= 1 << r.IntN(8)
			case 2:
				b[k] = 0xff
			case 3:
				b = b[:max(k, 1)]
			}
		}
		at += int64(r.IntN(1_000_000))
		if r.IntN(100_000) == 0 {
			at += int64(r.IntN(1000)) * 1e9
		}
		link := uint32(LinkEthernet)
		if r.IntN(50) == 0 {
			link = [...]uint32{LinkRaw, LinkSLL, LinkPPP, LinkNull, LinkSLL2, LinkPPPoE, LinkCHDLC}[r.IntN(7)]
		}
		a.Packet(link, at, b, len(b)+r.IntN(2))
		if i&0xfff == 0 {
			now := time.Now()
			if d := now.Sub(last); d > 2*time.Second {
				t.Errorf("4,096 packets took %v", d)
			}
			if last = now; now.Sub(from) > budget {
				break
			}
			if a.held > 4<<20 || a.table.live > 5000 {
				t.Fatalf("%d bytes held, %d flows", a.held, a.table.live)
			}
		}
	}
	a.Flush()
	if a.held != 0 {
		t.Errorf("%d bytes still held after the end", a.held)
	}
	t.Logf("%d mutated packets, %d records in %v", i, n, time.Since(from).Round(time.Millisecond))
}

func exists(path string) bool {
	_, err := os.Stat(filepath.Clean(path))
	return err == nil
}

package packet

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unsafe"
)

// initial is a client's Initial packet (RFC 9001 §5) that carries frames.
func initial(tb testing.TB, dcid, frames []byte) []byte {
	k := newQUICKeys(1, dcid, "client in")
	head := append(append([]byte{0xc0, 0, 0, 0, 1}, vec8(dcid...)...), 0, 0) // no source id, no token
	head = append(binary.BigEndian.AppendUint16(head, uint16(0x4000+1+len(frames)+16)), 0)
	b := k.aead.Seal(append([]byte(nil), head...), k.iv[:], frames, head)
	pn := len(head) - 1
	var mask [16]byte
	k.hp.Encrypt(mask[:], b[pn+4:pn+20])
	b[0] ^= mask[0] & 0x0f
	b[pn] ^= mask[1]
	if q, good := parseQUICLong(b); !good || q.pn != pn {
		tb.Fatal("no Initial packet")
	}
	return b
}

// TestMemoryOfFlows: what flows take by being looked into, and what stays with them of units that are done, is within Config.MaxBytes
// too: many flows, each of which goes on.
func TestMemoryOfFlows(t *testing.T) {
	const limit = 4 << 20
	tcp := func(a *Analyzer, i, side int, seq uint32, payload []byte) {
		head := make([]byte, 20)
		binary.BigEndian.PutUint16(head, 40000)
		binary.BigEndian.PutUint16(head[2:], 8000)
		binary.BigEndian.PutUint32(head[4:], seq)
		head[12], head[13] = 0x50, tcpACK
		b := rawIPv4(i, protoTCP, head, payload)
		a.Packet(LinkRaw, 1e9, b, len(b))
	}
	udp := func(a *Analyzer, i int, back bool, port uint16, payload []byte) {
		head := make([]byte, 8)
		binary.BigEndian.PutUint16(head, 40000)
		binary.BigEndian.PutUint16(head[2:], port)
		b := rawIPv4(i, protoUDP, head, payload)
		if back {
			src, dst := append([]byte(nil), b[12:16]...), append([]byte(nil), b[16:20]...)
			copy(b[12:], dst)
			copy(b[16:], src)
			binary.BigEndian.PutUint16(b[20:], port)
			binary.BigEndian.PutUint16(b[22:], 40000)
		}
		a.Packet(LinkRaw, 1e9, b, len(b))
	}
	ping := initial(t, []byte("12345678"), append([]byte{1}, make([]byte, 60)...))
	var chunks []byte // of one byte each, behind a hole each
	for k := range maxChunks {
		chunks = append(binary.BigEndian.AppendUint16(append(chunks, 6), uint16(0x4000+3*k+1)), 1, 0)
	}
	holes := initial(t, []byte("12345678"), chunks)
	large := handshake(99, make([]byte, 60<<10))
	question := make([]byte, 500)
	question[2], question[5] = 1, 1
	copy(question[12:], "\x03vnn\x02vn\x00\x00\x01\x00\x01")

	for _, c := range []struct {
		name  string
		flows int
		send  func(a *Analyzer, i int)
		full  bool // more than there is room for
	}{
		{"streams of one byte", 50_000, func(a *Analyzer, i int) { tcp(a, i, 0, 1, []byte("G")) }, true},
		{"QUIC handshakes", 5000, func(a *Analyzer, i int) { udp(a, i, false, 443, ping) }, true},
		{"QUIC holes", 5000, func(a *Analyzer, i int) { udp(a, i, false, 443, holes) }, true},
		{"segments of one byte", 20_000, func(a *Analyzer, i int) {
			tcp(a, i, 0, 1, []byte("G"))
			for k := range uint32(12) {
				tcp(a, i, 0, 10+2*k, []byte("x"))
			}
		}, true},
		{"handshakes that are done", 1000, func(a *Analyzer, i int) {
			seq := uint32(1)
			hello := tlsRecordBytes(22, clientHelloBytes("vnn.vn"))
			tcp(a, i, 0, seq, hello)
			seq += uint32(len(hello))
			for rest := large; len(rest) > 0; {
				n := min(1400, len(rest))
				r := tlsRecordBytes(22, rest[:n])
				tcp(a, i, 0, seq, r)
				seq, rest = seq+uint32(len(r)), rest[n:]
			}
		}, false},
		{"headers that are done", 1000, func(a *Analyzer, i int) {
			r := append(append([]byte("GET / HTTP/1.1\r\nX: "), bytes.Repeat([]byte("x"), 50<<10)...), "\r\n\r\n"...)
			for at := 0; at < len(r); at += 1400 {
				tcp(a, i, 0, uint32(1+at), r[at:min(len(r), at+1400)])
			}
		}, false},
		{"questions that are answered", 2000, func(a *Analyzer, i int) {
			for _, response := range []bool{false, true} {
				for id := range maxWaiting {
					m := append([]byte(nil), question...)
					if m[1] = byte(id); response {
						m[2] |= 0x80
					}
					udp(a, i, response, 53, m)
				}
			}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := strict(Config{MaxBytes: limit}, func([]byte, Class) {})
			before := heap()
			for i := range c.flows {
				c.send(a, i)
				if a.held > limit {
					t.Fatalf("flow %d: %d bytes held, at most %d may be", i, a.held, limit)
				}
			}
			fixed := 6<<20 + c.flows*2*int(unsafe.Sizeof(flow{})) // the table, pools
			grown := heap() - before
			t.Logf("%d flows: %d KiB in use, %d KiB held", a.table.live, grown>>10, a.held>>10)
			if a.table.live != c.flows {
				t.Fatalf("%d flows, sent %d", a.table.live, c.flows)
			}
			if grown > 2*limit+fixed { // the allocator rounds up
				t.Errorf("%d MiB in use by %d flows, want at most %d", grown>>20, c.flows, (2*limit+fixed)>>20)
			}
			if over := a.over[overBudget] > 0; over != c.full {
				t.Errorf("given up and counted: %v, want %v", over, c.full)
			}
			a.Flush()
			if a.held != 0 {
				t.Errorf("%d bytes held after the end", a.held)
			}
		})
	}
}

// TestManySilentFlows: somebody opens more flows than there is memory to look into, says a byte in each and no more; what others say
// later is seen all the same.
func TestManySilentFlows(t *testing.T) {
	seen := 0
	a := strict(Config{MaxBytes: 1 << 20}, func(b []byte, c Class) {
		if c == HTTP && bytes.Contains(b, []byte("/bao-cao")) {
			seen++
		}
	})
	at := int64(1e9)
	say := func(i int, payload string) {
		head := make([]byte, 20)
		binary.BigEndian.PutUint16(head, 40000)
		binary.BigEndian.PutUint16(head[2:], 8000)
		head[12], head[13] = 0x50, tcpACK
		b := rawIPv4(i, protoTCP, head, []byte(payload))
		a.Packet(LinkRaw, at, b, len(b))
		at += 1e6
	}
	const silent, others = 10_000, 50
	for i := range silent {
		say(i, "G")
	}
	at += 2e9
	for i := range others {
		say(silent+i, "GET /bao-cao HTTP/1.1\r\nHost: vnn.vn\r\n\r\n")
	}
	a.Flush()
	if seen != others {
		t.Errorf("%d requests of %d were seen", seen, others)
	}
	if a.held != 0 || a.over[overBudget] == 0 {
		t.Errorf("%d bytes held after the end, %d times given up", a.held, a.over[overBudget])
	}
}

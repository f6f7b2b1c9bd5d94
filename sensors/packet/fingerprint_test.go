package packet

import "testing"

// TestJA4Grease: GREASE (RFC 8701) says nothing of a client, wherever it stands in the hello; the first place is the odd one for what
// joins a list.
func TestJA4Grease(t *testing.T) {
	sigs := func(v ...byte) []byte {
		exts := append(extension(0, nil), extension(13, vec16(v...))...)
		b := append(append([]byte{3, 3}, make([]byte, 32)...), vec8()...)
		b = append(append(b, vec16(0xc0, 0x2f)...), vec8(0)...)
		h, good := parseClientHello(append(b, vec16(exts...)...), false)
		if !good {
			t.Fatalf("signature algorithms % x: not read", v)
		}
		return h.ja4(nil, appTLS, nil)
	}
	want := string(sigs(4, 3, 8, 4))
	for _, v := range [][]byte{{0x5a, 0x5a, 4, 3, 8, 4}, {4, 3, 0x5a, 0x5a, 8, 4}, {4, 3, 8, 4, 0x5a, 0x5a}} {
		if got := string(sigs(v...)); got != want {
			t.Errorf("signature algorithms % x: JA4 %s, want %s", v, got, want)
		}
	}
}

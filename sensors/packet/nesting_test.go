package packet

import (
	"bytes"
	"runtime/debug"
	"testing"
)

// TestNesting: headers that hold one another without an IP header in between, as many as the greatest packet of a capture has room for, are
// read to a fixed depth: what a sender nests must not grow the stack.
func TestNesting(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(256 << 10))
	ethernet := func(et uint16) []byte { return append(make([]byte, 12), byte(et>>8), byte(et)) }
	for name, c := range map[string]struct {
		link        uint32
		first, turn []byte
	}{
		"MPLS pseudowire":               {LinkEthernet, nil, append(ethernet(0x8847), 0, 0, 1, 0, 0, 0, 0, 0)},
		"MPLS, Ethernet without a word": {LinkEthernet, nil, append(append([]byte{0x10}, ethernet(0x8847)[1:]...), 0, 0, 1, 0)},
		"bridged Ethernet":              {LinkEthernet, nil, ethernet(0x6558)},
		"802.1ah":                       {LinkEthernet, nil, append(ethernet(0x88e7), 0, 0, 0, 0)},
		"service header":                {LinkEthernet, nil, append(ethernet(0x894f), 0, 2, 0, 3, 0, 0, 0, 0)},
		"PPPoE in Cisco HDLC":           {LinkPPP, nil, []byte{0x0f, 0, 0x88, 0x64, 0x11, 0, 0, 0, 0, 0}},
		"VLAN":                          {LinkEthernet, ethernet(0x8100), []byte{0, 1, 0x81, 0}},
		"VLAN in ERSPAN":                {LinkEthernet, append(append(ethernet(0x88be), 0x10, 0, 0, 0, 0, 0, 0, 0), ethernet(0x8100)...), []byte{0, 1, 0x81, 0}},
		"elements of a Wi-Fi beacon":    {LinkDot11, append([]byte{0x80}, make([]byte, 35)...), []byte{0xdd, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			a := strict(Config{}, func([]byte, Class) {})
			b := append(c.first, bytes.Repeat(c.turn, (maxPacket-len(c.first))/len(c.turn))...)
			a.Packet(c.link, 1e9, b, len(b))
			a.Flush()
			if st := a.Stats(); st.Errors["too_deep"] != 1 {
				t.Errorf("%+v, want one packet too deep", st)
			}
		})
	}
}

package wire

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hoalu/ecs"
)

func sample() *Batch {
	return &Batch{Listener: "syslog.udp", Epoch: "e1", Revision: 7, Sensor: "s", Sequence: 9, Frames: []Frame{
		{Source: "NG-0001", Peer: "10.0.0.1", Received: 1700000000000, Format: FormatSyslog, Data: []byte("<13>x")},
		{ID: "abc", Format: FormatJSON, Dataset: "nginx.access", Trust: true, Data: []byte("{}")},
	}}
}

func TestBatchRoundTrip(t *testing.T) {
	got, err := Decode(Encode(sample()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(sample(), got); d != "" {
		t.Errorf("Decode(Encode(b)) differs (-want +got):\n%s", d)
	}
}

func TestBatchDamage(t *testing.T) {
	good := Encode(sample())
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 0x41
		if b, err := Decode(bad); err == nil && cmp.Diff(b, sample()) != "" {
			t.Errorf("byte %d changed: accepted", i)
		}
	}
	newer := append([]byte(nil), good...)
	newer[3] = Version + 1
	if _, err := Decode(newer); !errors.Is(err, ErrVersion) {
		t.Errorf("newer version: %v, want ErrVersion", err)
	}
	if _, err := Decode(good[:len(good)-1]); !errors.Is(err, ErrCRC) {
		t.Errorf("truncated: %v, want ErrCRC", err)
	}
}

func TestEventsRoundTrip(t *testing.T) {
	e := &ecs.Event{ID: "a", Time: -5, Created: 6, Ingested: 7, System: "HT-001", Source: "NG-0001"}
	e.AddString(ecs.SourceIP, "10.0.0.1")
	e.AddInt(ecs.SourcePort, 1)
	e.Add(ecs.UserName, "", ecs.Null)
	got, err := DecodeEvents(EncodeEvents([]*ecs.Event{e, {}}))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || string(got[0].AppendJSON(nil)) != string(e.AppendJSON(nil)) || got[1].Len() != 0 {
		t.Errorf("got %s", got[0].AppendJSON(nil))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(sample()))
	f.Add(EncodeEvents([]*ecs.Event{{ID: "x"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		Decode(data)       //nolint:errcheck // must not panic
		DecodeEvents(data) //nolint:errcheck
	})
}

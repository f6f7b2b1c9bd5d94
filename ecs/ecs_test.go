package ecs

import (
	"encoding/json"
	"testing"
)

func TestParseFlattens(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{"a":{"b":1,"c":[true,null,"x"]},"d.e":"f"}`, `{"a.b":1,"a.c":[true,null,"x"],"d.e":"f"}`},
		{`{"n":18446744073709551615,"x":1.50,"e":"","o":{},"l":[]}`, `{"n":18446744073709551615,"x":1.50,"e":""}`},
		{`{"l":[{"k":"a"},{"k":"b"}]}`, `{"l.k":["a","b"]}`},
		{`{"s":"\u0041\n\ud83d\ude00\ud800\"\u00e1"}`, `{"s":"A\n😀�\"á"}`},
		{`{"@timestamp":"2026-11-21T22:46:09.5+07:00","event":{"id":"x","kind":"event"}}`,
			`{"@timestamp":"2026-11-21T15:46:09.500Z","hoalu.sender_event_id":"x","event.kind":"event"}`},
		{`{"a":1,"a":2}`, `{"a":[1,2]}`},
	}
	for _, tt := range tests {
		var p Parser
		var e Event
		if err := p.Parse(&e, []byte(tt.in)); err != nil {
			t.Errorf("Parse(%s): %v", tt.in, err)
			continue
		}
		if got := string(e.AppendJSON(nil)); got != tt.want {
			t.Errorf("Parse(%s)\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, in := range []string{``, `[]`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":01}`, `{"a":tru}`, `{"a":"\x"}`, `{"a":1}x`,
		"{\"a\":\"\n\"}", `{"a":"b`, `{a:1}`, `{"a":1 "b":2}`} {
		var p Parser
		var e Event
		if err := p.Parse(&e, []byte(in)); err == nil {
			t.Errorf("Parse(%s): no error, got %s", in, e.AppendJSON(nil))
		}
	}
}

func TestStoredRoundTrip(t *testing.T) {
	e := Event{ID: "ABC", Time: 1700000000123, Created: 1700000000456, Ingested: 1700000000789, System: "HT-001", Source: "NG-0001"}
	e.AddString(SourceIP, "10.0.0.1")
	e.AddInt(SourcePort, 22)
	e.AddString(Tags, "a")
	e.AddString(Tags, "b\x00\xff")
	e.AddBool(HoaluDemo, true)
	first := e.AppendJSON(nil)
	var p Parser
	var got Event
	if err := p.ParseStored(&got, first); err != nil {
		t.Fatal(err)
	}
	if second := string(got.AppendJSON(nil)); second != string(first) {
		t.Errorf("round trip\n got %s\nwant %s", second, first)
	}
	if v, _ := got.Get(SystemID); v.Text != "HT-001" {
		t.Errorf("Get(hoalu.system.id) = %q, want HT-001", v.Text)
	}
}

func TestSetDelete(t *testing.T) {
	var e Event
	e.AddString(Tags, "a")
	e.AddInt(SourcePort, 1)
	e.AddString(Tags, "b")
	e.SetString(Tags, "c")
	e.Delete(SourcePort)
	if got, want := string(e.AppendJSON(nil)), `{"tags":"c"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzParse: no panic, agrees with encoding/json on what is valid, and what is read can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"x",null]}}`))
	f.Add([]byte(`{"@timestamp":1700000000,"event.id":"a"}`))
	f.Add([]byte(`{"\ud800":"\udc00\u0000"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Parser
		var e Event
		err := p.Parse(&e, data)
		var m map[string]any
		if jerr := json.Unmarshal(data, &m); jerr != nil && err == nil && m == nil {
			t.Fatalf("accepted what encoding/json refuses: %q: %v", data, jerr)
		}
		if err != nil {
			return
		}
		out := e.AppendJSON(nil)
		if !json.Valid(out) {
			t.Fatalf("AppendJSON(%q) is not JSON: %s", data, out)
		}
		var again Event
		if err := p.ParseStored(&again, out); err != nil {
			t.Fatalf("read back %s: %v", out, err)
		}
	})
}

// TestSourceTime: what the source wrote, also where it was not believed.
func TestSourceTime(t *testing.T) {
	e := Event{Time: 1772416798000}
	if got := e.SourceTime(); got != e.Time {
		t.Errorf("SourceTime() = %d, want Time %d", got, e.Time)
	}
	e.AddString(HoaluSenderTime, "2026-03-01T19:59:58.000Z")
	if got := FormatTime(e.SourceTime()); got != "2026-03-01T19:59:58.000Z" {
		t.Errorf("SourceTime() = %s, want what the source wrote", got)
	}
}

func TestInSchema(t *testing.T) {
	for name, want := range map[string]bool{"source.ip": true, "sorce.ip": false, "": false, "source": false, "log.syslog.facility.code": true,
		"sigma.logsource.product": true, "hoalu.exercise": false} {
		if got := InSchema(name); got != want {
			t.Errorf("InSchema(%q) = %v, want %v", name, got, want)
		}
	}
}

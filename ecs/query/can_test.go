package query

import (
	"testing"

	"hoalu/ecs"
)

// TestCan: what is not known rules nothing out, also under a not; what is known does.
func TestCan(t *testing.T) {
	e := &ecs.Event{System: "HT-001", Source: "NG-0001"}
	e.AddString(ecs.HostName, "web-01")
	known := []ecs.Field{ecs.SystemID, ecs.SourceID, ecs.HostName}
	for text, want := range map[string]bool{
		"": true, "admin": true, "not admin": true, "user.name:lan": true, "not user.name:lan": true,
		"hoalu.system.id:HT-001": true, "hoalu.system.id:HT-002": false, "not hoalu.system.id:HT-001": false, "not hoalu.system.id:HT-002": true,
		"hoalu.source.id:NG-0002 and admin": false, "hoalu.source.id:NG-0002 or admin": true, "host.name:WEB-01": true, "host.name:db-*": false,
		"not (hoalu.system.id:HT-001 and user.name:lan)": true, "not (hoalu.system.id:HT-001 or user.name:lan)": false,
	} {
		n, err := Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		m, err := Compile(n)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Can(e, known...); got != want {
			t.Errorf("%q: Can = %v, want %v", text, got, want)
		}
	}
	m, err := Compile(None{})
	if err != nil || m.Can(e) {
		t.Errorf("None can hold: %v", err)
	}
}

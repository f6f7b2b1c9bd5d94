package detections

import (
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"unsafe"

	"hoalu/detections/sigma"
	"hoalu/ecs"
)

// broken breaks a compiled rule as a fault of ours would: it fails on every event it is asked about.
func broken(t *testing.T, r *sigma.Rule) {
	t.Helper()
	f := reflect.ValueOf(r).Elem().FieldByName("root")
	if !f.IsValid() {
		t.Fatal("a rule has no root any more: break it in another way")
	}
	*(*int32)(unsafe.Pointer(f.UnsafeAddr())) = 1 << 30
}

// TestARuleThatFailsEndsNothing: one rule panics on every event it is a candidate for. The others hold for the same event, the
// correlation behind them counts, the engine goes on, and Ready names the rule.
func TestARuleThatFailsEndsNothing(t *testing.T) {
	rule := func(name, more string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("title: " + name + "\nid: " + name + "\nname: " + name +
			"\nlogsource: {product: app}\nlevel: high\ndetection: {a: {message|contains: tấn}, condition: a}\n" + more)}
	}
	g, err := New(Config{Packs: []Pack{{FS: fstest.MapFS{
		"bad.yml": rule("bad", ""), "good.yml": rule("good", ""), "other.yml": rule("other", ""),
		"often.yml": {Data: []byte("title: often\nid: often\nlevel: high\ncorrelation: {type: event_count, rules: [good], group-by: [host.name], timespan: 1h, condition: {gte: 2}}\n")},
	}, Origin: "test"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(g.Refused()); n != 0 {
		t.Fatalf("refused: %+v", g.Refused())
	}
	event := func(id string) *ecs.Event {
		e := &ecs.Event{ID: id, Time: 1795300000000, Created: 1795300000000}
		e.SetLogsource("app", "")
		e.AddString(ecs.Message, "tấn công")
		e.AddString(ecs.HostName, "web-01")
		return e
	}
	quiet := event("q0")
	quiet.SetString(ecs.Message, "yên")
	if hits := g.Process([]*ecs.Event{quiet}); len(hits) != 0 { // the index of this log source is built with the rules whole
		t.Fatalf("hits %v", hits)
	}
	broken(t, g.run.Load().set.Rule("bad"))
	var fired []string
	for _, h := range g.Process([]*ecs.Event{event("q1"), event("q2")}) {
		fired = append(fired, h.Rule+" "+h.Event)
	}
	if got := strings.Join(fired, ", "); got != "other q1, other q2, often q2" {
		t.Errorf("hits: %s; want those of the rule that works and its correlation", got)
	}
	if f := g.Faults(); len(f) != 1 || f[0].Rule != "bad" || f[0].Times != 2 || f[0].Event != "q2" || g.Stats().Faults != 2 {
		t.Errorf("Faults = %+v", f)
	}
	if err := g.Ready(); err == nil || !strings.Contains(err.Error(), "rule bad failed on 2 events, the last is q2") {
		t.Errorf("Ready = %v", err)
	}
	if err := g.Reload(); err != nil || g.Ready() != nil {
		t.Errorf("after rules were loaded anew: %v, %v", err, g.Ready())
	}
}

// TestAnEventThatCannotBeReadEndsNothing: the matcher fails before any rule is asked.
func TestAnEventThatCannotBeReadEndsNothing(t *testing.T) {
	g, err := New(Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	poison := &ecs.Event{ID: "q1", Time: 1795300000000, Created: 1795300000000}
	poison.AddString(ecs.Field(1<<30), "no such field")
	if hits := g.Process([]*ecs.Event{poison}); len(hits) != 0 {
		t.Errorf("hits %v", hits)
	}
	if f := g.Faults(); len(f) != 1 || f[0].Event != "q1" {
		t.Errorf("Faults = %+v, want the event named", f)
	}
}

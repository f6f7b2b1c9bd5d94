package inventory

import (
	"errors"
	"strings"
	"testing"
)

func TestNumbered(t *testing.T) {
	for text, want := range map[string]bool{"": false, "pc-01": false, "pc-037090001234": true, "037090001234": true, "03709000123": false,
		"037-090-001234-5678": false} {
		if numbered(text) != want {
			t.Errorf("numbered(%q) = %v", text, !want)
		}
	}
}

// TestANameThatCannotBeProtectedIsNotLookedUp: while the vault does not answer, a host's name gives its error, never another place.
func TestANameThatCannotBeProtectedIsNotLookedUp(t *testing.T) {
	down := errors.New("the vault does not answer")
	sn := &Snapshot{names: func(string) (string, error) { return "", down }}
	if r := sn.Resolve("", "", "", "pc-037090001234", nil); !errors.Is(r.Err, down) || r.System != "" {
		t.Errorf("Resolve = %+v, want the error alone", r)
	}
	if _, ok := sn.FindSource(Seen{Host: "pc-037090001234"}); ok {
		t.Error("a source was found")
	}
	if r := sn.Resolve("", "", "", "pc-01", nil); r.Err != nil {
		t.Errorf("a name without a number: %v", r.Err)
	}
}

func TestIsHostTakesAToken(t *testing.T) {
	tk := "tk:c" + strings.Repeat("a", 24)
	for name, want := range map[string]bool{"pc-" + tk: true, tk: true, "pc-" + tk + ".xa.example": true, "tk:c": false, "a:b": false,
		"web-01": true} {
		if isHost(name) != want {
			t.Errorf("isHost(%q) = %v", name, !want)
		}
	}
}

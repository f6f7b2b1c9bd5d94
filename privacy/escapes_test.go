package privacy

import (
	"math/rand/v2"
	"testing"
)

// TestQuickLooksMissNothing: what is looked at first, so that most texts cost little, says yes wherever the whole look finds something.
func TestQuickLooksMissNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const signs = "%%%%00123456789ABCDEFabcdefg +.-/=&"
	undone := func(s string) bool { // as digitRun, undoing escapes always
		for range 4 {
			if digitRunIn(s) {
				return true
			}
			text, at := readable(s)
			if at == nil {
				return false
			}
			s = text
		}
		return false
	}
	runs, escaped, full := 0, 0, 0
	for range 400_000 {
		b := make([]byte, r.IntN(40))
		for i := range b {
			b[i] = signs[r.IntN(len(signs))]
		}
		if r.IntN(4) == 0 {
			b = append(b, "037095001234"[r.IntN(3):]...)
			b = append(b, signs[r.IntN(len(signs))])
		}
		s := string(b)
		if _, at := readable(s); at != nil && !digitRunIn(s) {
			escaped++
		}
		if undone(s) && hasEscape(s) {
			runs++
			if !digitRun(s) {
				t.Fatalf("%q holds a run of digits once it is read, and is passed over", s)
			}
		}
		if len(findFull(nil, s, true, 2026)) > 0 {
			full++
			if !fullRun(s) {
				t.Fatalf("%q holds a full number and is passed over", s)
			}
		}
	}
	if runs < 1000 || escaped < 1000 || full < 1000 {
		t.Fatalf("%d runs, %d escaped, %d full numbers: too few to tell", runs, escaped, full)
	}
}

func hasEscape(s string) bool {
	for i := range s {
		if s[i] == '%' && escape(s, i) {
			return true
		}
	}
	return false
}

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
			text, cuts := readable(s)
			if cuts == nil {
				return false
			}
			s = text
		}
		return false
	}
	grouped := []string{"0912 345 678", "0912+345+678", "+84 912 345 678", "84+912345678", "(0229) 3.871.234", "037 095 001 234",
		"0084-912345678",
		"84 (0) 912 345 678", "+84 0912345678", "912345678", "0912345678", "02293871234"}
	runs, escaped, full, shapes := 0, 0, 0, 0
	for range 400_000 {
		b := make([]byte, r.IntN(40))
		for i := range b {
			b[i] = signs[r.IntN(len(signs))]
		}
		if r.IntN(4) == 0 {
			b = append(b, "037095001234"[r.IntN(3):]...)
			b = append(b, signs[r.IntN(len(signs))])
		}
		if r.IntN(4) == 0 {
			b = append(b, grouped[r.IntN(len(grouped))]...)
			b = append(b, signs[r.IntN(len(signs))])
		}
		s := string(b)
		if _, cuts := readable(s); cuts != nil && !digitRunIn(s) {
			escaped++
		}
		if undone(s) && hasEscape(s) {
			runs++
			if !digitRun(s) {
				t.Fatalf("%q holds a run of digits once it is read, and is passed over", s)
			}
		}
		if text, cuts := readable(s); cuts != nil && !escapesTouchDigits(s) {
			if len(findIn(nil, text, classPhone, false, 2026))+len(findIn(nil, text, classCCCD, false, 2026)) > 0 {
				shapes++
				if !shaped(s, 2026) {
					t.Fatalf("%q holds an identifier once it is read as %q, and is passed over", s, text)
				}
			}
		}
		if len(findFull(nil, s, anywhere, 2026)) > 0 {
			full++
			if !fullRun(s) {
				t.Fatalf("%q holds a full number and is passed over", s)
			}
		}
	}
	if runs < 1000 || escaped < 1000 || full < 1000 || shapes < 1000 {
		t.Fatalf("%d runs, %d escaped, %d full numbers, %d others: too few to tell", runs, escaped, full, shapes)
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

// TestPlacesInReadableTexts: every byte of a text whose escapes are undone is found again where its reader's eye would look.
func TestPlacesInReadableTexts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const signs = "%%%%2033ABx +9&"
	undone := 0
	for range 100_000 {
		b := make([]byte, r.IntN(40))
		for i := range b {
			b[i] = signs[r.IntN(len(signs))]
		}
		s := string(b)
		text, cuts := readable(s)
		if cuts == nil {
			if text != s || hasEscape(s) {
				t.Fatalf("%q is left as it is, as %q", s, text)
			}
			continue
		}
		undone++
		at := 0
		for i := range len(text) {
			if got := placeOf(cuts, i); got != at {
				t.Fatalf("byte %d of %q, read from %q, is placed at %d, want %d", i, text, s, got, at)
			}
			want := s[at]
			switch {
			case want == '%' && escape(s, at):
				want = hex(s[at+1])<<4 | hex(s[at+2])
				at += 2
			case want == '+' && blankPlus(s, at):
				want = ' '
			}
			if text[i] != want {
				t.Fatalf("byte %d of %q, read from %q, is %q, want %q", i, text, s, text[i], want)
			}
			at++
		}
		if got := placeOf(cuts, len(text)); at != len(s) || got != at {
			t.Fatalf("%q ends at %d, placed at %d; %q has %d bytes", text, at, got, s, len(s))
		}
	}
	if undone < 10_000 {
		t.Fatalf("only %d texts had anything to undo", undone)
	}
}

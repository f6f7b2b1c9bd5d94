package console

import (
	"strings"
	"testing"
)

func TestASpanIsSaidWithoutSign(t *testing.T) {
	for _, c := range []struct {
		ms     int64
		vi, en string
	}{
		{-7_200_000, "2 giờ", "2 h"},
		{7_199_999, "119 phút", "119 min"},
		{-198, "198 ms", "198 ms"},
		{2_000, "2 giây", "2 s"},
		{604_800_000, "7 ngày", "7 days"},
		{0, "0 ms", "0 ms"},
	} {
		if vi, en := spanWords("vi", c.ms), spanWords("en", c.ms); vi != c.vi || en != c.en {
			t.Errorf("spanWords(%d) = %q, %q; want %q, %q", c.ms, vi, en, c.vi, c.en)
		}
	}
	for _, key := range []string{"cause.clock_behind", "cause.clock_ahead", "note.clock_jump"} {
		for lang, want := range map[string]string{"vi": "2 giờ.", "en": "2 h"} {
			got, _ := text(lang, key, map[string]string{"offset_ms": "-7200000"})
			if !strings.Contains(got, want) || strings.Contains(got, "-") || strings.Contains(got, "{") {
				t.Errorf("text(%s, %s) = %q, want %q in it and no sign", lang, key, got, want)
			}
		}
	}
}

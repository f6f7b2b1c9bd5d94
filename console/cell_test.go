package console

import "testing"

// TestPlainCell: what a spreadsheet could take for a formula is text; other texts are as they were.
func TestPlainCell(t *testing.T) {
	for in, formula := range map[string]bool{
		"=1+1": true, "+1": true, "-1": true, "@SUM(1)": true, "\t=1": true, "\r=1": true, "\nx": true, "  =1": true, "\u00a0=1": true,
		"\u200b=1": true, "\ufeff=1": true, "＝1+1": true, "＋1": true, "－1": true, "＠x": true, "\u3000＝1": true, "\x00=1": true,
		"": false, "an": false, "'=1": false, "a=1": false, "Trung tâm": false, "2026-12-01": false, "\xff": false, " ": false,
	} {
		want := in
		if formula {
			want = "'" + in
		}
		if got := plainCell(in); got != want {
			t.Errorf("%q is written as %q, want %q", in, got, want)
		}
	}
}

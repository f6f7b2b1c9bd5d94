package console

import (
	"strings"
	"testing"

	"hoalu/soc"
)

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

// TestNoCellOfTheAuditLogIsAFormula: whoever chose a name, typed a reason or came from an address, no cell of the row begins as one.
func TestNoCellOfTheAuditLogIsAFormula(t *testing.T) {
	const formula = "=HYPERLINK(1)"
	for _, lang := range []string{"vi", "en"} {
		row := deedRow(lang, soc.Deed{Number: 1, Actor: soc.Actor{ID: formula, Name: formula, Address: formula, Roles: []soc.Role{formula}},
			Action: formula, Object: formula, Before: formula, After: formula, Result: formula, Reason: formula,
			Details: map[string]string{formula: formula}})
		if len(row) != len(deedColumns) {
			t.Fatalf("%d cells of %d columns", len(row), len(deedColumns))
		}
		guarded := 0
		for i, cell := range row {
			if strings.HasPrefix(cell, "=") {
				t.Errorf("%s: the cell %s is %q", lang, deedColumns[i], cell)
			} else if strings.HasPrefix(cell, "'=") {
				guarded++
			}
		}
		if guarded < 8 {
			t.Errorf("%s: %d cells hold the formula as text: %q", lang, guarded, row)
		}
	}
}

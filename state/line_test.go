package state

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"  Sở  Y tế\u00a0tỉnh\n":                              "Sở Y tế tỉnh",
		norm.NFD.String("Trường Mầm non Ổ Ậ"):                 norm.NFD.String("Trường Mầm non Ổ Ậ"),
		"hoadon\u202Efdp.exe \u2066a\u2069":                   "hoadonfdp.exe a",
		"ad\u200Bmin\u200D\uFEFF\u2060\u00AD\u3164\U000E0041": "admin",
		"\u001b[31mđỏ\u001b[0m\u0000\u0085x":                  "[31mđỏ[0m x",
		"a" + strings.Repeat("\u0301", 500):                   "a" + strings.Repeat("\u0301", 3),
		"\u200b\u2028 \t":                                     "",
		"a\xffb":                                              "ab",
		`<b>"Trung tâm" & 'x'</b>`:                            `<b>"Trung tâm" & 'x'</b>`,
	} {
		if got := Line(in); got != want || Line(got) != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

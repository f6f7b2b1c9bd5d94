package compliance

import (
	"testing"
	"time"

	"hoalu/soc"
)

func TestTransition(t *testing.T) {
	for _, c := range []struct {
		system             soc.System
		kind, due, article string
	}{
		{soc.System{}, "", "", ""},
		{soc.System{Investing: true}, "", "", ""},
		{soc.System{Level: 3}, "transition", "2027-06-30T23:59:59+07:00", "Luật 116/2025/QH15 Đ45.1"},
		{soc.System{Level: 3, Investing: true}, "appraisal", "2026-12-31T23:59:59+07:00", "NĐ 331/2026/NĐ-CP Đ39.1"},
		{soc.System{Level: 2, Investing: true, Dossier: soc.DossierAppraised}, "measures", "2027-06-30T23:59:59+07:00",
			"NĐ 331/2026/NĐ-CP Đ39.1"},
		{soc.System{Level: 2, Investing: true, Dossier: soc.DossierApproved}, "measures", "2027-06-30T23:59:59+07:00", "NĐ 331/2026/NĐ-CP Đ39.1"},
	} {
		d, ok := (*Service)(nil).Transition(c.system)
		due := ""
		if ok {
			due = time.UnixMilli(d.Due).In(soc.Zone).Format(time.RFC3339)
		}
		if ok != (c.kind != "") || d.Kind != c.kind || due != c.due || ok && d.Document+" "+d.Article != c.article {
			t.Errorf("Transition(%+v) = %+v %v, due %s; want %s %s %s", c.system, d, ok, due, c.kind, c.due, c.article)
		}
	}
}

package compliance

import (
	"time"

	"hoalu/soc"
)

// Transition is the date by which the law asks a system to meet its requirements; false for a system without a level, of which the law
// asks nothing yet. A system in investment is to have its dossier appraised by the end of 2026 and its measures in place by mid-2027
// (NĐ 331/2026/NĐ-CP Đ39.1); one in use has until mid-2027 (Luật 116/2025/QH15 Đ45.1).
func (*Service) Transition(s soc.System) (soc.Deadline, bool) {
	end := func(y int, m time.Month, d int) int64 { return time.Date(y, m, d, 23, 59, 59, 0, soc.Zone).UnixMilli() }
	const decree, law = "NĐ 331/2026/NĐ-CP", "Luật 116/2025/QH15"
	appraised := s.Dossier == soc.DossierAppraised || s.Dossier == soc.DossierApproved
	switch {
	case s.Level == 0:
		return soc.Deadline{}, false
	case s.Investing && !appraised:
		return soc.Deadline{Kind: "appraisal", Due: end(2026, time.December, 31), Document: decree, Article: "Đ39.1", Mark: "V"}, true
	case s.Investing:
		return soc.Deadline{Kind: "measures", Due: end(2027, time.June, 30), Document: decree, Article: "Đ39.1", Mark: "V"}, true
	}
	return soc.Deadline{Kind: "transition", Due: end(2027, time.June, 30), Document: law, Article: "Đ45.1", Mark: "V"}, true
}

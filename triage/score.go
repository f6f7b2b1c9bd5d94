package triage

import (
	"math/bits"

	"hoalu/soc"
)

// The score is the sum of its parts, at most 100; people open it to see them. The weights are our own: what the rule
// says comes first, then what is at stake, then how much the rule can be trusted.
const (
	partSeverity   = "severity"   // 5 to 55
	partLevel      = "level"      // 0 to 15: protection level of the system
	partExposure   = "exposure"   // 0 to 12: where it stands
	partTrust      = "trust"      // 2 to 10: status of the rule
	partRepetition = "repetition" // 0 to 8: doublings of the hits
)

func score(severity soc.Severity, level int, exposure string, rule soc.RuleInfo, count int64) map[string]int {
	p := map[string]int{
		partSeverity:   map[soc.Severity]int{soc.Informational: 5, soc.Low: 15, soc.Medium: 28, soc.High: 42, soc.Critical: 55}[severity],
		partLevel:      [...]int{3, 2, 6, 12, 14, 15}[min(max(level, 0), 5)],
		partExposure:   map[string]int{soc.PlacementInternet: 12, soc.PlacementCloud: 9, soc.PlacementDataCentre: 5}[exposure],
		partTrust:      map[string]int{"stable": 10, "test": 7, "experimental": 4}[rule.Status],
		partRepetition: repetition(count),
	}
	if p[partTrust] == 0 {
		p[partTrust] = 2 // deprecated, unsupported or unsaid
	}
	return p
}

func repetition(count int64) int { return min(bits.Len64(uint64(max(count, 1)))-1, 8) }

func sum(parts map[string]int) int {
	n := 0
	for _, v := range parts {
		n += v
	}
	return min(n, 100)
}

// rank orders severities, 1 to 5; an unknown one counts as medium, as in Sigma's default.
func rank(s soc.Severity) int64 {
	switch s {
	case soc.Informational:
		return 1
	case soc.Low:
		return 2
	case soc.High:
		return 4
	case soc.Critical:
		return 5
	}
	return 3
}

var ranked = [...]soc.Severity{soc.Informational, soc.Informational, soc.Low, soc.Medium, soc.High, soc.Critical}

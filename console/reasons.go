package console

import (
	"fmt"
	"maps"

	"hoalu/soc"
)

// lastKnown are the reasons the host puts before a policy's own when it takes a conclusion back: what follows was true before.
var lastKnown = map[string]bool{"evidence_stale": true, "evidence_ahead": true, "computation_stale": true, "no_evidence": true}

func because(list []soc.Because) []Because {
	out := []Because{}
	for i, b := range list {
		t := Text{}
		for lang := range locales {
			said, ok := reasonText(lang, "because."+b.Code, b.Values)
			if !ok {
				said = b.Code
			}
			if i > 0 && lastKnown[list[0].Code] {
				said, _ = text(lang, "before", map[string]string{"text": said})
			}
			t[lang] = said
		}
		out = append(out, Because{Code: b.Code, Values: b.Values, Text: t})
	}
	return out
}

// steps are the three things to do about a conclusion, by its first reason with the actual values; none where it is met or does not apply.
// A requirement nobody checks gets what evidence would decide it.
func steps(state soc.PostureState, list []soc.Because, ct Control) []Text {
	out := []Text{}
	if state == soc.Met || state == soc.NotApplicable || len(list) == 0 {
		return out
	}
	code := list[0].Code
	if code == "no_check" && ct.Mode != "" {
		code += "_" + ct.Mode
	}
	for i := 1; i <= 3; i++ {
		t := Text{}
		for lang := range locales {
			values := maps.Clone(list[0].Values)
			if values == nil {
				values = map[string]string{}
			}
			if list[0].Code == "no_check" {
				values["evidence"] = ct.How[lang]
				values["advice"] = word(lang, "advice."+ct.Group)
			}
			said, ok := reasonText(lang, fmt.Sprintf("fix.%s.%d", code, i), values)
			if !ok {
				return []Text{}
			}
			t[lang] = said
		}
		out = append(out, t)
	}
	return out
}

package console

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hoalu/soc"
)

// deedText words what was done; where it was denied the action is one of the policy.
func deedText(action string) Text {
	return both("deed."+action, nil, both("action."+action, nil, action))
}

// actorRef names who did it; what does it without a person has its name in the reader's language.
func actorRef(lang string, a soc.Actor) Ref {
	if name, ok := text(lang, "actor."+a.ID, nil); ok {
		return Ref{a.ID, name}
	}
	return Ref{a.ID, a.Name}
}

// reasonSaid words the reason of a deed that the product did by itself, and of an alert's closing, where a person chooses from a list; nil
// where there is none, and of a person's own words.
func reasonSaid(d soc.Deed) Text {
	if d.Action == "alert.close" && slices.Contains(soc.CloseReasons, d.Reason) {
		return both("closeReason."+d.Reason, nil, d.Reason)
	}
	if _, known := locales["vi"]["machineReason."+d.Reason]; !known || d.Actor.ID != soc.Machine.ID {
		return nil
	}
	return both("machineReason."+d.Reason, nil, d.Reason)
}

// deedSaid words the details of a deed, in the order of their keys. What is empty is left out; what has no words stands as it is.
func deedSaid(d soc.Deed) []DeedDetail {
	out := []DeedDetail{}
	for _, key := range slices.Sorted(maps.Keys(d.Details)) {
		if v := d.Details[key]; v != "" && !(key == "roles" && v == "null") {
			name := both("detail."+key, nil, key)
			if d.Action == "posture.change" && key != "not_computed" {
				name = both("", nil, key) // a control by its id
			}
			out = append(out, DeedDetail{Key: key, Name: name,
				Value: Text{"vi": detailValue("vi", d.Action, key, v), "en": detailValue("en", d.Action, key, v)}})
		}
	}
	return out
}

// detailValue words one value of the details of a deed.
func detailValue(lang, action, key, v string) string {
	from, to, changed := strings.Cut(v, " → ")
	switch {
	case action == "posture.change" && key == "not_computed":
		if from, to, ok := strings.Cut(v, "/"); ok {
			t, _ := text(lang, "detail.span", map[string]string{"from": momentWords(lang, from), "to": momentWords(lang, to)})
			return t
		}
	case action == "posture.change" && changed:
		return stateWords(lang, from, "before") + " → " + stateWords(lang, to, "after")
	case v == OwnSensor:
		return word(lang, "detail.this_host")
	case key == "action":
		return deedText(v)[lang]
	case key == "ttl":
		if d, err := time.ParseDuration(v); err == nil {
			return spanWords(lang, d.Milliseconds())
		}
	case key == "from" || key == "to" || key == "kept_at":
		return momentWords(lang, v)
	case key == "kinds":
		return listWords(lang, "identifier.", listed(v))
	case key == "factor":
		return word(lang, "factor."+v)
	case key == "kind" && action == "link.create":
		return word(lang, "linkKind."+v)
	case key == "state" && action == "account.change":
		return word(lang, "accountState."+v)
	case key == "acknowledged":
		return word(lang, "warning."+v)
	case key == "roles" || key == "roles_before":
		return listWords(lang, "role.", listed(v))
	case v == "true" || v == "false":
		return word(lang, "detail.is_"+v)
	}
	return v
}

// listed are the codes of a list that was kept as JSON, or in Go's own way.
func listed(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(`[]", `, r) })
}

// listWords words each code of a list. Names may have commas: semicolons part them.
func listWords(lang, prefix string, codes []string) string {
	said := make([]string, len(codes))
	for i, c := range codes {
		said[i] = word(lang, prefix+c)
	}
	return strings.Join(said, "; ")
}

// stateWords words a posture state; "-" is none: before the first evaluation, or after the control applies no longer.
func stateWords(lang, state, when string) string {
	if state == "-" {
		return word(lang, "detail.none_"+when)
	}
	return word(lang, "postureState."+state)
}

// momentWords is an RFC 3339 instant as people here write it; anything else stands as it is.
func momentWords(lang, s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	layout := "02/01/2006 15:04:05"
	if lang == "en" {
		layout = "2006-01-02 15:04:05"
	}
	return t.In(soc.Zone).Format(layout) + " (+07)"
}

// deedRow is a deed as a row of the exported table; deedColumns are its columns.
func deedRow(lang string, d soc.Deed) []string {
	details := make([]string, 0, len(d.Details))
	for _, x := range deedSaid(d) {
		details = append(details, x.Name[lang]+": "+x.Value[lang])
	}
	roles := make([]string, len(d.Actor.Roles))
	for i, r := range d.Actor.Roles {
		roles[i] = word(lang, "role."+string(r))
	}
	reason := d.Reason
	if said := reasonSaid(d); said != nil {
		reason = said[lang]
	}
	row := []string{strconv.FormatInt(d.Number, 10), time.UnixMilli(d.Time).In(soc.Zone).Format("2006-01-02T15:04:05.000-07:00"), d.Actor.ID,
		actorRef(lang, d.Actor).Name,
		strings.Join(roles, "; "), d.Actor.Address, d.Action, deedText(d.Action)[lang], d.Object, word(lang, "result."+d.Result), reason,
		strings.Join(details, "; "), d.Before, d.After}
	for i, v := range row {
		row[i] = plainCell(v)
	}
	return row
}

var deedColumns = []string{"number", "time", "actor", "actor_name", "roles", "address", "action", "action_words", "object", "result",
	"reason", "details", "before", "after"}

// plainCell keeps a spreadsheet from taking a text for a formula: whoever tries to log in writes the name there himself. Spreadsheets leave
// out blanks and what shows nothing before it, and take the full-width signs of East Asia too.
func plainCell(s string) string {
	if strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") || strings.HasPrefix(s, "\n") {
		return "'" + s
	}
	shown := strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) })
	if first, _ := utf8.DecodeRuneInString(shown); shown != "" && strings.ContainsRune("=+-@＝＋－＠﹦﹢﹣﹫", first) {
		return "'" + s
	}
	return s
}

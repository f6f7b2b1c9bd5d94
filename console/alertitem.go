package console

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"hoalu/soc"
)

// maskedText stands where a person may not see an account, address or evidence.
const maskedText = "•••"

func alertItem(a soc.Alert, n names, masked bool) AlertItem {
	item := AlertItem{
		ID: a.ID, Number: a.Number, Rule: a.Rule, Title: a.Title, Severity: a.Severity, Score: a.Score, State: a.State, Reopened: a.Reopened,
		System: n.system(a.System), Unit: n.unit(a.Unit), Source: a.Source, Host: a.Host, User: a.User, Address: a.Address,
		First: Time(a.First), Last: Time(a.Last), Created: Time(a.Created), Changed: Time(a.Changed), Acknowledged: Time(a.Acknowledged),
		Closed: Time(a.Closed), ClosedBy: a.ClosedBy, CloseReason: a.CloseReason, Count: a.Count, Evidence: a.Evidence, Attack: orEmpty(a.Attack),
		Exercise: a.Exercise, Demo: a.Demo, Personal: a.Personal, Version: a.Version,
	}
	if item.Title == nil {
		item.Title = Text{}
	}
	if a.Holder != "" {
		item.Holder = &Ref{a.Holder, a.HolderName}
	}
	if masked {
		for _, f := range []*string{&item.Host, &item.User, &item.Address, &item.Evidence} {
			if *f != "" {
				*f = maskedText
			}
		}
	} else if i := slices.IndexFunc(a.Trace, isNote); i >= 0 {
		item.EvidenceText = noteText(a.Trace[i], n)
	}
	return item
}

func isNote(c soc.Condition) bool { return c.Op == "note" }

// noteText words what the product itself saw; nil for a note without a text.
func noteText(c soc.Condition, n names) Text {
	values := maps.Clone(c.Values)
	if values == nil {
		values = map[string]string{}
	}
	if id := values["source"]; id != "" {
		values["source"] = n.source(id).Name
	}
	part := values["part"]
	for from, to := range map[string]string{"last_event": "since", "minute": "minute"} {
		if at, err := time.Parse(time.RFC3339, values[from]); err == nil {
			values[to] = Time(at.UnixMilli()).clock()
		}
	}
	out := Text{}
	for _, lang := range []string{"vi", "en"} {
		values["cause"] = cmp.Or(c.Values["cause_"+lang], c.Values["cause"])
		values["why"], _ = text(lang, "cause."+values["cause"], values)
		if name, ok := text(lang, "part."+part, nil); ok {
			values["part"] = name
		}
		t, ok := text(lang, "note."+c.Want, values)
		if !ok {
			return nil
		}
		out[lang] = t
	}
	return out
}

package triage

import (
	"encoding/json"
	"fmt"

	"hoalu/soc"
	"hoalu/triage/internal/db"
)

// alertOf reads a row.
func alertOf(r *db.Alert) (soc.Alert, error) {
	a := soc.Alert{
		ID: r.ID, Number: r.Number, Rule: r.Rule, RuleVersion: r.RuleVersion, Severity: soc.Severity(r.Severity), Score: int(r.Score),
		System: r.System, Unit: r.Unit, Source: r.Source, Host: r.Host, User: r.Username, Address: r.Address, State: r.State,
		Reopened: r.Reopened,
		Holder:   r.Holder, HolderName: r.HolderName, CloseReason: r.CloseReason, First: r.FirstMs, Last: r.LastMs, Created: r.Created,
		Changed: r.Changed, Acknowledged: r.Acknowledged, Closed: r.Closed, ClosedBy: r.ClosedBy, Count: r.Hits, Folded: r.Folded,
		Evidence: r.Evidence, Previous: r.Previous, Exercise: r.Exercise, Demo: r.Demo, Personal: r.Personal, Version: r.Version,
	}
	for _, f := range []struct {
		text string
		into any
	}{{r.Title, &a.Title}, {r.ScoreParts, &a.ScoreParts}, {r.GroupValues, &a.Group}, {r.Events, &a.Events}, {r.Trace, &a.Trace},
		{r.Attack, &a.Attack}} {
		if err := json.Unmarshal([]byte(f.text), f.into); err != nil {
			return soc.Alert{}, fmt.Errorf("read alert %s: %w", r.Number, err)
		}
	}
	return a, nil
}

// text is v as JSON; the types stored here always marshal.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("triage: " + err.Error())
	}
	return string(b)
}

// columns of alert in the order of db.Alert, for the queries that are put together at run time.
const columns = `id, number, episode, rule, rule_version, title, severity, severity_rank, score, score_parts, system, unit, source, host,
	username, address, group_values, state, reopened, holder, holder_name, close_reason, first_ms, last_ms, created, changed,
	acknowledged, closed, closed_by, hits, folded, events, evidence, trace, attack, previous, exercise, demo, personal, version,
	deed_version, deed_by, deed_by_name, deed_at, deed`

func scan(rows interface{ Scan(...any) error }) (db.Alert, error) {
	var r db.Alert
	err := rows.Scan(&r.ID, &r.Number, &r.Episode, &r.Rule, &r.RuleVersion, &r.Title, &r.Severity, &r.SeverityRank, &r.Score, &r.ScoreParts,
		&r.System, &r.Unit, &r.Source, &r.Host, &r.Username, &r.Address, &r.GroupValues, &r.State, &r.Reopened, &r.Holder, &r.HolderName,
		&r.CloseReason, &r.FirstMs, &r.LastMs, &r.Created, &r.Changed, &r.Acknowledged, &r.Closed, &r.ClosedBy, &r.Hits, &r.Folded,
		&r.Events, &r.Evidence, &r.Trace, &r.Attack, &r.Previous, &r.Exercise, &r.Demo, &r.Personal, &r.Version, &r.DeedVersion,
		&r.DeedBy, &r.DeedByName, &r.DeedAt, &r.Deed)
	return r, err
}

package triage

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"hoalu/soc"
)

// openStates are the states of an alert but closed.
var openStates = []string{soc.AlertNew, soc.AlertAcknowledged}

// Counts of the views for a person, within a scope.
func (s *Store) Counts(ctx context.Context, scope soc.Scope, account string, personal bool) (c Counts, err error) {
	err = s.db.Moment(ctx, func(tx *sql.Tx) error {
		c, err = s.counts(ctx, tx, scope, account, personal)
		return err
	})
	return c, err
}

func (s *Store) counts(ctx context.Context, tx *sql.Tx, scope soc.Scope, account string, personal bool) (Counts, error) {
	now := s.c.Now().In(s.c.Zone)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, s.c.Zone).UnixMilli()
	var c Counts
	one := func(what, query string, w *where, into ...any) error {
		if err := tx.QueryRowContext(ctx, query+w.String(), w.args...).Scan(into...); err != nil {
			return fmt.Errorf("count %s: %w", what, err)
		}
		return nil
	}
	of := func(w *where) {
		if personal {
			w.add("personal")
		}
	}
	// Each figure from an index that leaves out what it does not count: most alerts are closed ones of other days.
	open := new(where)
	me := open.param(account)
	open.cond = append(open.cond, "exercise IN (FALSE, TRUE)")
	open.in("state", openStates)
	open.scope(scope)
	of(open)
	err := one("open alerts", `SELECT
		count(*) FILTER (WHERE NOT exercise AND state = 'new'),
		count(*) FILTER (WHERE NOT exercise AND holder = `+me+`),
		count(*) FILTER (WHERE NOT exercise AND severity_rank >= 4),
		count(*) FILTER (WHERE NOT exercise AND personal),
		count(*) FILTER (WHERE NOT exercise),
		count(*) FILTER (WHERE exercise),
		CAST(coalesce(min(created) FILTER (WHERE NOT exercise AND state = 'new'), 0) AS BIGINT)
		FROM alert`, open, &c.Unacknowledged, &c.Mine, &c.Urgent, &c.Personal, &c.Open, &c.Exercise, &c.OldestNew)
	if err != nil {
		return Counts{}, err
	}
	made := new(where)
	made.add("created >= ?", today)
	made.add("NOT exercise")
	made.scope(scope)
	of(made)
	if err := one("alerts of the day", "SELECT count(*), count(*) FILTER (WHERE state = 'closed') FROM alert", made, &c.Today,
		&c.ClosedToday); err != nil {
		return Counts{}, err
	}
	taken := new(where)
	taken.add("acknowledged > 0 AND acknowledged >= ? AND acknowledged >= created", today)
	taken.add("NOT exercise")
	taken.scope(scope)
	of(taken)
	if err := one("alerts taken today", "SELECT CAST(coalesce(avg(acknowledged - created), -1) AS BIGINT) FROM alert", taken,
		&c.MeanAck); err != nil {
		return Counts{}, err
	}
	var closed where
	closed.scope(scope)
	closed.add("NOT exercise")
	of(&closed)
	newest := "SELECT coalesce(max(closed), 0) FROM alert" + closed.String()
	if scope.All { // off the end of the index alert_closed
		newest = "SELECT coalesce((SELECT closed FROM alert" + closed.String() + " ORDER BY closed DESC LIMIT 1), 0)"
	}
	if err := tx.QueryRowContext(ctx, newest, closed.args...).Scan(&c.LastClosed); err != nil {
		return Counts{}, fmt.Errorf("find the alert closed last: %w", err)
	}
	return c, nil
}

// Histogram counts alerts by the time they were made and severity, in buckets of step ms that cover [from, to); empty buckets are
// there with no counts.
func (s *Store) Histogram(ctx context.Context, scope soc.Scope, f Filter, from, to, step int64) ([]Bucket, error) {
	if step <= 0 || to <= from || (to-from)/step > 2000 {
		return nil, fmt.Errorf("histogram of alerts: %d to %d by %d is not a range of at most 2000 steps", from, to, step)
	}
	start := from - from%step
	out := make([]Bucket, 0, (to-start+step-1)/step)
	for t := start; t < to; t += step {
		out = append(out, Bucket{t, map[soc.Severity]int64{}})
	}
	f.From, f.To = from, to
	w := s.where(scope)
	w.filter(f)
	base, width := w.param(start), w.param(step)
	rows, err := s.db.Read().QueryContext(ctx, "SELECT CAST((created - "+base+") / "+width+
		" AS BIGINT) AS bucket, severity, count(*) FROM alert"+w.String()+
		" GROUP BY 1, 2", w.args...)
	if err != nil {
		return nil, fmt.Errorf("histogram of alerts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var i, n int64
		var sev string
		if err := rows.Scan(&i, &sev, &n); err != nil {
			return nil, fmt.Errorf("histogram of alerts: %w", err)
		}
		out[i].Count[soc.Severity(sev)] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("histogram of alerts: %w", err)
	}
	return out, nil
}

// groupings: the expression of the value and of its kind.
var groupings = map[string][2]string{
	"host":    {"host", "'host'"},
	"user":    {"username", "'user'"},
	"address": {"address", "'address'"},
	"rule":    {"rule", "'rule'"},
	"system":  {"system", "'system'"},
	"entity": {"CASE WHEN host <> '' THEN host WHEN username <> '' THEN username ELSE address END",
		"CASE WHEN host <> '' THEN 'host' WHEN username <> '' THEN 'user' ELSE 'address' END"},
}

// Groups folds the list by host, user, address, rule, system or entity (host, else user, else address); the highest score first. Total
// says how many groups there are.
func (s *Store) Groups(ctx context.Context, scope soc.Scope, f Filter, by string, limit int) (groups []Group, total int64, err error) {
	g, ok := groupings[by]
	if !ok {
		return nil, 0, refuse(CodeGroup, "Group "+strconv.Quote(by)+" is not known.", "Take entity, host, user, address, rule or system.",
			"group", by)
	}
	if limit <= 0 {
		limit = 100
	}
	w := s.where(scope)
	w.filter(f)
	title := "''"
	if by == "rule" { // alone needs the rows for it
		title = "max(title)"
	}
	inner := "SELECT " + g[0] + " AS value, " + g[1] +
		` AS kind, count(*) AS alerts, CAST(sum(hits) AS BIGINT) AS hits, max(severity_rank) AS worst,
		max(score) AS best, min(first_ms) AS first_ms, max(last_ms) AS last_ms,
		count(*) FILTER (WHERE demo) AS demo, count(*) FILTER (WHERE exercise) AS exercise, ` + title +
		` AS title, count(*) OVER () AS groups FROM alert` + w.String() + " GROUP BY 1, 2"
	rows, err := s.db.Read().QueryContext(ctx, inner+" ORDER BY best DESC, last_ms DESC, value LIMIT "+w.param(min(limit, 1000)), w.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("group alerts: %w", err)
	}
	defer rows.Close()
	groups = []Group{}
	for rows.Next() {
		var r Group
		var worst int64
		var title string
		if err := rows.Scan(&r.Value, &r.Kind, &r.Alerts, &r.Hits, &worst, &r.Score, &r.First, &r.Last, &r.Demo, &r.Exercise, &title,
			&total); err != nil {
			return nil, 0, fmt.Errorf("group alerts: %w", err)
		}
		r.Severity = ranked[worst]
		if by == "rule" {
			if err := json.Unmarshal([]byte(title), &r.Title); err != nil {
				return nil, 0, fmt.Errorf("group alerts: %w", err)
			}
		}
		groups = append(groups, r)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("group alerts: %w", err)
	}
	return groups, total, nil
}

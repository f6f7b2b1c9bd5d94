package triage

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"hoalu/soc"
	"hoalu/state"
	"hoalu/triage/internal/db"
)

// Lists are filtered by what people choose, and sqlc knows no optional conditions that both databases take; so WHERE is put together
// here. Every value is a parameter, every name a constant of this file.
type where struct {
	cond []string
	args []any
	walk bool // for a list that is read off the beginning of an index of the open alerts
	// holds is the condition that words contain a text: instr and strpos look for bytes where LIKE takes case and patterns apart, and
	// take a third of its time
	holds string
}

// where begins the conditions of a query.
func (s *Store) where(scope soc.Scope) *where {
	w := &where{holds: "instr(words, ?) > 0"}
	if s.db.Dialect() == state.Postgres {
		w.holds = "strpos(words, ?) > 0"
	}
	w.scope(scope)
	return w
}

// add appends a condition; each ? in it becomes the next parameter.
func (w *where) add(cond string, args ...any) {
	var b strings.Builder
	for _, r := range cond {
		if r == '?' {
			w.args = append(w.args, args[0])
			args = args[1:]
			b.WriteString("$" + strconv.Itoa(len(w.args)))
			continue
		}
		b.WriteRune(r)
	}
	w.cond = append(w.cond, b.String())
}

func (w *where) in(column string, values []string) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	w.add(column+" IN ("+strings.TrimSuffix(strings.Repeat("?,", len(values)), ",")+")", args...)
}

// param adds a value that stands outside WHERE.
func (w *where) param(v any) string {
	w.args = append(w.args, v)
	return "$" + strconv.Itoa(len(w.args))
}

func (w *where) String() string {
	if len(w.cond) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.cond, " AND ")
}

func (w *where) scope(s soc.Scope) {
	if s.All {
		return
	}
	if len(s.Systems) == 0 {
		w.add("1 = 0")
		return
	}
	w.in("system", s.Systems)
}

func (w *where) filter(f Filter) {
	if len(f.States) > 0 {
		if open := slices.Contains(f.States, "open"); open && !slices.Contains(f.States, soc.AlertClosed) {
			if w.walk {
				w.add("state <> 'closed'") // as the partial indexes say it
			} else {
				w.add("NOT state = 'closed'") // and as none says it: SQLite would read every row of one for what alert_list has
			}
		} else if !open {
			w.in("state", f.States)
		}
	}
	if len(f.Severities) > 0 {
		s := make([]string, len(f.Severities))
		for i, v := range f.Severities {
			s[i] = string(v)
		}
		w.in("severity", s)
	}
	w.in("system", f.Systems)
	w.in("unit", f.Units)
	w.in("rule", f.Rules)
	w.in("number", f.Numbers)
	w.in("source", f.Sources)
	w.in("close_reason", f.Reasons)
	if f.Holder != "" {
		w.add("holder = ?", f.Holder)
	}
	for _, c := range []struct{ column, value string }{{"host", strings.ToLower(f.Host)}, {"username", f.User}, {"address", f.Address}} {
		if c.value != "" { // the index holds the beginning of what a sender wrote
			w.add("substr("+c.column+", 1, 80) = ? AND "+c.column+" = ?", beginning(c.value), c.value)
		}
	}
	if f.Unheld {
		w.add("holder = ''")
	}
	switch f.Exercise {
	case Without:
		w.add("NOT exercise")
	case Only:
		w.add("exercise")
	}
	if f.NoDemo {
		w.add("NOT demo")
	}
	if f.Personal {
		w.add("personal")
	}
	for _, t := range []struct {
		cond string
		v    int64
	}{{"created >= ?", f.From}, {"created < ?", f.To}, {"last_ms >= ?", f.LastFrom}, {"last_ms < ?", f.LastTo}} {
		if t.v > 0 {
			w.add(t.cond, t.v)
		}
	}
	if words := strings.Fields(state.Fold(f.Text)); len(words) > 0 {
		var cond []string
		var args []any
		for _, word := range words {
			cond = append(cond, w.holds)
			args = append(args, word)
		}
		// coalesce keeps SQLite from reading the row of each alert that has the words before it looks at the index of all other conditions
		w.add("coalesce(id, '') IN (SELECT alert FROM alert_words WHERE "+strings.Join(cond, " AND ")+")", args...)
	}
}

// beginning is substr(s, 1, 80) of SQL.
func beginning(s string) string {
	if r := []rune(s); len(r) > 80 {
		return string(r[:80])
	}
	return s
}

// walked says whether an index gives the rows in the order of a sort, so that a page is read off its beginning: all but a few rows of the
// index must pass the filter. Other pages choose their alerts in the index alert_list, where every row is a hundred bytes, and read the
// rows of those alone.
func walked(scope soc.Scope, f Filter, sort string) bool {
	all := f.Exercise == Without || f.Exercise == With
	rest := f
	rest.States, rest.Exercise, rest.NoDemo = nil, 0, false
	if !scope.All || !all || !reflect.DeepEqual(rest, Filter{}) {
		return false
	}
	if slices.Contains(f.States, "open") && !slices.Contains(f.States, soc.AlertClosed) {
		return sort != "created" && sort != "number"
	}
	return len(f.States) == 0 && (sort == "last" || sort == "number")
}

// sorts are the orders of a list; the id makes each one total.
var sorts = map[string][]string{
	"score":    {"score", "last_ms", "id"},
	"last":     {"last_ms", "id"},
	"first":    {"first_ms", "id"},
	"created":  {"created", "id"},
	"severity": {"severity_rank", "score", "last_ms", "id"},
	"count":    {"hits", "last_ms", "id"},
	"number":   {"number", "id"},
}

func sortKey(column string, r *db.Alert) any {
	switch column {
	case "score":
		return r.Score
	case "last_ms":
		return r.LastMs
	case "first_ms":
		return r.FirstMs
	case "created":
		return r.Created
	case "severity_rank":
		return r.SeverityRank
	case "hits":
		return r.Hits
	case "number":
		return r.Number
	}
	return r.ID
}

// cursor is where a page ended.
type cursor struct {
	Sort string `json:"s"`
	Key  []any  `json:"k"`
}

// order is a list's order: its columns, all in one direction.
type order struct {
	sort       string // as asked: -score
	name       string // score
	keys       []string
	descending bool
}

// orderOf reads "score" or "-score".
func orderOf(sort string) (order, error) {
	o := order{sort: sort}
	o.name, o.descending = strings.CutPrefix(sort, "-")
	var ok bool
	if o.keys, ok = sorts[o.name]; !ok {
		return o, refuse(CodeSort, "Sort "+strconv.Quote(sort)+" is not known.",
			"Take score, last, first, created, severity, count or number.", "sort", sort)
	}
	return o, nil
}

// by is what stands behind ORDER BY.
func (o order) by() string {
	if o.descending {
		return strings.Join(o.keys, " DESC, ") + " DESC"
	}
	return strings.Join(o.keys, ", ")
}

// after adds the condition that a page begins behind a cursor; "" begins the list.
func (o order) after(text string) (func(*where), error) {
	if text == "" {
		return func(*where) {}, nil
	}
	c, err := readCursor(text, o.sort, len(o.keys))
	if err != nil {
		return nil, err
	}
	op := ">"
	if o.descending {
		op = "<"
	}
	return func(w *where) {
		w.add("("+strings.Join(o.keys, ", ")+") "+op+" ("+strings.TrimSuffix(strings.Repeat("?, ", len(o.keys)), ", ")+")", c.Key...)
	}, nil
}

// cursor is where a page ended whose last alert is r.
func (o order) cursor(r *db.Alert) string {
	c := cursor{Sort: o.sort}
	for _, k := range o.keys {
		c.Key = append(c.Key, sortKey(k, r))
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text(c)))
}

// List is one page of alerts and how many there are in all.
func (s *Store) List(ctx context.Context, scope soc.Scope, q Query) (Page, error) {
	o, err := orderOf(cmp.Or(q.Sort, "-score"))
	if err != nil {
		return Page{}, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 500)
	after, err := o.after(q.Cursor)
	if err != nil {
		return Page{}, err
	}
	// Count and rows from one transaction: the total is that of the page's moment.
	tx, err := s.moment(ctx)
	if err != nil {
		return Page{}, fmt.Errorf("list alerts: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // only read
	p := Page{Items: []soc.Alert{}}
	w := new(where)
	if walked(scope, q.Filter, o.name) {
		p.Total, err = s.count(ctx, tx, scope, q.Filter)
		w = s.where(scope)
		w.walk = true
		w.filter(q.Filter)
		after(w)
	} else {
		var ids []string
		ids, p.Total, err = s.choose(ctx, tx, scope, q.Filter, o, after, limit+1)
		w.in("id", ids)
		if len(ids) == 0 {
			return p, err
		}
	}
	if err != nil {
		return Page{}, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+columns+" FROM alert"+w.String()+" ORDER BY "+o.by()+" LIMIT "+w.param(limit+1), w.args...)
	if err != nil {
		return Page{}, fmt.Errorf("list alerts: %w", err)
	}
	if err := p.read(rows, o, limit); err != nil {
		return Page{}, err
	}
	return p, nil
}

// read takes at most limit alerts from rows, which it closes; a row more makes the cursor of the next page.
func (p *Page) read(rows *sql.Rows, o order, limit int) (err error) {
	defer rows.Close()
	var last db.Alert
	for rows.Next() {
		if len(p.Items) == limit {
			p.Next = o.cursor(&last)
			break
		}
		if last, err = scan(rows); err != nil {
			return fmt.Errorf("list alerts: %w", err)
		}
		a, err := alertOf(&last)
		if err != nil {
			return err
		}
		p.Items = append(p.Items, a)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list alerts: %w", err)
	}
	return nil
}

// moment begins a transaction in which all queries read the same state.
func (s *Store) moment(ctx context.Context) (*sql.Tx, error) {
	options := sql.TxOptions{ReadOnly: true}
	if s.db.Dialect() == state.Postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	return s.db.Read().BeginTx(ctx, &options)
}

// count is how many alerts pass a filter, from the index alert_list.
func (s *Store) count(ctx context.Context, tx *sql.Tx, scope soc.Scope, f Filter) (n int64, err error) {
	w := s.where(scope)
	w.filter(f)
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM alert"+w.String(), w.args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count alerts: %w", err)
	}
	return n, nil
}

// choose names the alerts of a page and counts all that pass the filter, with one reading of the index alert_list and of the words.
func (s *Store) choose(ctx context.Context, tx *sql.Tx, scope soc.Scope, f Filter, o order, after func(*where),
	limit int) (ids []string, total int64, err error) {
	w := s.where(scope)
	w.filter(f)
	query := "WITH passing AS MATERIALIZED (SELECT " + strings.Join(o.keys, ", ") + " FROM alert" + w.String() +
		") SELECT id, (SELECT count(*) FROM passing) FROM passing"
	page := where{args: w.args}
	after(&page)
	query += page.String() + " ORDER BY " + o.by() + " LIMIT " + page.param(limit)
	rows, err := tx.QueryContext(ctx, query, page.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("choose alerts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id, &total); err != nil {
			return nil, 0, fmt.Errorf("choose alerts: %w", err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("choose alerts: %w", err)
	}
	if len(ids) == 0 && len(page.cond) > 0 { // a page behind the last one still says how many there are
		total, err = s.count(ctx, tx, scope, f)
	}
	return ids, total, err
}

func readCursor(s, sort string, n int) (cursor, error) {
	bad := refuse(CodeCursor, "The list has changed its order.", "Begin at its first page.")
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return cursor{}, bad
	}
	var c cursor
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&c); err != nil || c.Sort != sort || len(c.Key) != n {
		return cursor{}, bad
	}
	for i, k := range c.Key {
		switch v := k.(type) {
		case json.Number:
			if c.Key[i], err = v.Int64(); err != nil {
				return cursor{}, bad
			}
		case string:
		default:
			return cursor{}, bad
		}
	}
	return c, nil
}

// Get reads one alert by id or CB- number; outside the scope it is not found.
func (s *Store) Get(ctx context.Context, scope soc.Scope, id string) (soc.Alert, error) {
	r, err := s.row(ctx, scope, id)
	if err != nil {
		return soc.Alert{}, err
	}
	return alertOf(&r)
}

func (s *Store) row(ctx context.Context, scope soc.Scope, id string) (db.Alert, error) {
	r, err := db.New(s.db.Read()).AlertByID(ctx, id)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !within(scope, r.System) {
		return db.Alert{}, notFound(id)
	}
	if err != nil {
		return db.Alert{}, fmt.Errorf("read alert %s: %w", id, err)
	}
	return r, nil
}

// openStates are the states of an alert but closed.
var openStates = []string{soc.AlertNew, soc.AlertAcknowledged}

// Counts of the views for a person, within a scope.
func (s *Store) Counts(ctx context.Context, scope soc.Scope, account string, personal bool) (Counts, error) {
	now := s.c.Now().In(s.c.Zone)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, s.c.Zone).UnixMilli()
	tx, err := s.moment(ctx)
	if err != nil {
		return Counts{}, fmt.Errorf("count alerts: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // only read
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
	err = one("open alerts", `SELECT
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

// Seen counts earlier episodes of an alert's key and why they were closed.
func (s *Store) Seen(ctx context.Context, scope soc.Scope, id string) (Seen, error) {
	r, err := s.row(ctx, scope, id)
	if err != nil {
		return Seen{}, err
	}
	rows, err := db.New(s.db.Read()).EpisodesBefore(ctx, db.EpisodesBeforeParams{Episode: r.Episode, ID: r.ID, FirstMs: r.FirstMs})
	if err != nil {
		return Seen{}, fmt.Errorf("read earlier alerts of %s: %w", id, err)
	}
	seen := Seen{Reasons: map[string]int64{}}
	for _, x := range rows {
		seen.Times += x.N
		if x.State == soc.AlertClosed {
			seen.Reasons[x.CloseReason] += x.N
		}
	}
	return seen, nil
}

// History of an alert, oldest first.
func (s *Store) History(ctx context.Context, scope soc.Scope, id string) ([]soc.Note, error) {
	r, err := s.row(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	rows, err := db.New(s.db.Read()).Notes(ctx, r.ID)
	if err != nil {
		return nil, fmt.Errorf("read history of %s: %w", id, err)
	}
	notes := make([]soc.Note, len(rows))
	for i, n := range rows {
		notes[i] = soc.Note(n)
	}
	return notes, nil
}

// RuleAt is the rule as it was when it fired; an unknown one is not found.
func (s *Store) RuleAt(ctx context.Context, rule, version string) (soc.RuleInfo, error) {
	info, err := db.New(s.db.Read()).RuleVersion(ctx, db.RuleVersionParams{Rule: rule, Version: version})
	if errors.Is(err, sql.ErrNoRows) {
		return soc.RuleInfo{}, notFound(rule)
	}
	if err != nil {
		return soc.RuleInfo{}, fmt.Errorf("read rule %s: %w", rule, err)
	}
	var r soc.RuleInfo
	if err := json.Unmarshal([]byte(info), &r); err != nil {
		return soc.RuleInfo{}, fmt.Errorf("read rule %s: %w", rule, err)
	}
	return r, nil
}

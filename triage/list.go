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
	"strconv"
	"strings"

	"hoalu/soc"
	"hoalu/triage/internal/db"
)

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
	var p Page
	err = s.db.Moment(ctx, func(tx *sql.Tx) error { // the total is that of the page's moment
		p, err = s.page(ctx, tx, scope, q.Filter, o, after, limit)
		return err
	})
	return p, err
}

// page is List in a transaction that reads one moment.
func (s *Store) page(ctx context.Context, tx *sql.Tx, scope soc.Scope, f Filter, o order, after func(*where),
	limit int) (p Page, err error) {
	p = Page{Items: []soc.Alert{}}
	w := new(where)
	if walked(scope, f, o.name) {
		p.Total, err = s.count(ctx, tx, scope, f)
		w = s.where(scope)
		w.walk = true
		w.filter(f)
		after(w)
	} else {
		var ids []string
		ids, p.Total, err = s.choose(ctx, tx, scope, f, o, after, limit+1)
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

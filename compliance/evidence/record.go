// Package evidence keeps the proof of who did what (decision 22): the audit row in the SQL transaction of the deed, and behind it the
// transparency log that takes the rows in the order of their numbers.
//
// Words: a Deed is one row: number, time, actor with roles and address, action, object, hashes of the object before and after, result,
// reason. Numbers begin at 1 and have no gaps: a deed that is rolled back leaves none.
//
// Contract: Record runs in the caller's transaction and must be called with no other; a deed is on record exactly when what it tells of
// is. Rows are never changed or deleted. All functions are safe for concurrent use.
package evidence

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hoalu/compliance/evidence/internal/db"
	"hoalu/soc"
	"hoalu/state"
)

// Results of a Deed.
const (
	Done   = "done"
	Denied = "denied"
	Failed = "error"
)

// RecordProtected is Record of a deed in whose words protect has put tokens in the place of citizens' numbers: what people typed (a reason,
// a search, a log-in name) cannot be taken out of the log again. While protect cannot, nothing is recorded. nil: the words stay.
func RecordProtected(ctx context.Context, tx *sql.Tx, d soc.Deed, protect func(string) (string, error)) (int64, error) {
	if protect == nil {
		return Record(ctx, tx, d)
	}
	for _, s := range []*string{&d.Reason, &d.Object, &d.Actor.Name} {
		kept, err := protect(*s)
		if err != nil {
			return 0, fmt.Errorf("put a deed on record: %w", err)
		}
		*s = kept
	}
	if d.Details != nil {
		details := make(map[string]string, len(d.Details))
		for k, v := range d.Details {
			kept, err := protect(v)
			if err != nil {
				return 0, fmt.Errorf("put a deed on record: %w", err)
			}
			details[k] = kept
		}
		d.Details = details
	}
	return Record(ctx, tx, d)
}

// Record writes d in tx and returns its number. A Time of 0 is now, an empty Result is done.
func Record(ctx context.Context, tx *sql.Tx, d soc.Deed) (int64, error) {
	if d.Action == "" || d.Actor.ID == "" {
		return 0, errors.New("record deed: action and actor must be named")
	}
	if d.Time == 0 {
		d.Time = state.Now()
	}
	if d.Result == "" {
		d.Result = Done
	}
	roles, err := json.Marshal(append([]soc.Role{}, d.Actor.Roles...))
	if err != nil {
		return 0, fmt.Errorf("record deed %s: %w", d.Action, err)
	}
	if d.Details == nil {
		d.Details = map[string]string{}
	}
	details, err := json.Marshal(d.Details)
	if err != nil {
		return 0, fmt.Errorf("record deed %s: %w", d.Action, err)
	}
	n, err := state.Next(ctx, tx, "audit")
	if err != nil {
		return 0, fmt.Errorf("record deed %s: %w", d.Action, err)
	}
	d.Number = n
	if data, err := leaf(d); err != nil || len(data) > maxLeaf { // a row the log cannot take would hold up all after it
		return 0, errors.Join(fmt.Errorf("record deed %s: it has %d bytes, the evidence log takes %d; shorten what is said of it", d.Action,
			len(data), maxLeaf), err)
	}
	err = db.New(tx).InsertDeed(ctx, db.InsertDeedParams{
		Number: n, Time: d.Time, Actor: d.Actor.ID, ActorName: d.Actor.Name, ActorUnit: d.Actor.Unit, Roles: string(roles),
		Address: d.Actor.Address, Action: d.Action, Object: d.Object, HashBefore: d.Before, HashAfter: d.After, Result: d.Result,
		Reason: d.Reason, Details: string(details), Search: searchText(d),
	})
	if err != nil {
		return 0, fmt.Errorf("record deed %s: %w", d.Action, err)
	}
	return n, nil
}

// searchText is what people search a deed by: all its words, without case and marks.
func searchText(d soc.Deed) string {
	words := []string{strconv.FormatInt(d.Number, 10), d.Actor.ID, d.Actor.Name, d.Actor.Unit, d.Actor.Address, d.Action, d.Object, d.Result,
		d.Reason}
	for _, r := range d.Actor.Roles {
		words = append(words, string(r))
	}
	for _, k := range slices.Sorted(maps.Keys(d.Details)) {
		words = append(words, k, d.Details[k])
	}
	return state.Fold(strings.Join(words, " "))
}

// After returns up to limit deeds with numbers above number, in order: what the appender and exports read.
func After(ctx context.Context, from *sql.DB, number int64, limit int) ([]soc.Deed, error) {
	rows, err := db.New(from).DeedsAfter(ctx, db.DeedsAfterParams{Number: number, Limit: int32(min(max(limit, 1), 100_000))})
	if err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	deeds := make([]soc.Deed, len(rows))
	for i, r := range rows {
		if deeds[i], err = deed(r); err != nil {
			return nil, err
		}
	}
	return deeds, nil
}

// Last is the number of the newest deed, 0 when there is none.
func Last(ctx context.Context, from *sql.DB) (int64, error) {
	n, err := db.New(from).LastDeed(ctx)
	if err != nil {
		return 0, fmt.Errorf("read audit log: %w", err)
	}
	return n, nil
}

// Query chooses deeds; empty fields choose all.
type Query struct {
	From, To int64    // [From, To) Unix ms
	Actor    string   // account id: "own deeds"
	People   bool     // leave out what the product itself did
	Action   string   // whole ("alert.close") or, ending in ".", all below ("alert.")
	Actions  []string // not empty: the only ones allowed, each as Action
	Object   string
	Result   string
	Text     string // words that must all occur; case and marks do not matter
	Before   int64  // cursor: numbers below it; 0 begins with the newest
	Limit    int    // 0 is 50, at most 500

	Uncounted bool // Total is left 0: whoever reads page after page has it from the first
}

// Page of deeds, newest first. Total counts all that match, whatever Before says; Next is the cursor, 0 at the end.
type Page struct {
	Items []soc.Deed
	Total int64
	Next  int64
}

// conditions are put together at run time: sqlc knows no optional filters that both databases take. Every value is a parameter.
type conditions struct {
	all  []string
	args []any
}

// param gives a value its place, as $3.
func (c *conditions) param(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

// add takes a condition in which ? stands for the value.
func (c *conditions) add(cond string, v any) {
	c.all = append(c.all, strings.ReplaceAll(cond, "?", c.param(v)))
}

// where is the clause, empty when nothing is asked.
func (c *conditions) where() string {
	if len(c.all) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.all, " AND ")
}

// conditions are those of the filter, without the cursor.
func (q Query) conditions() *conditions {
	c := new(conditions)
	if q.From > 0 {
		c.add("time >= ?", q.From)
	}
	if q.To > 0 {
		c.add("time < ?", q.To)
	}
	if q.Actor != "" {
		c.add("actor = ?", q.Actor)
	}
	if q.People {
		c.add("actor <> ?", "system")
	}
	if q.Action != "" {
		c.all = append(c.all, c.action(q.Action))
	}
	if len(q.Actions) > 0 {
		var any []string
		for _, a := range q.Actions {
			any = append(any, c.action(a))
		}
		c.all = append(c.all, "("+strings.Join(any, " OR ")+")")
	}
	if q.Object != "" {
		c.add("object = ?", q.Object)
	}
	if q.Result != "" {
		c.add("result = ?", q.Result)
	}
	for _, w := range strings.Fields(state.Fold(q.Text)) {
		c.add(`search LIKE ? ESCAPE '\'`, "%"+state.Like(w)+"%")
	}
	return c
}

// action is the condition of an action, whole or, ending in ".", all below.
func (c *conditions) action(a string) string {
	if strings.HasSuffix(a, ".") {
		return "action LIKE " + c.param(state.Like(a)+"%") + ` ESCAPE '\'`
	}
	return "action = " + c.param(a)
}

// List reads the log, newest first.
func List(ctx context.Context, from *sql.DB, q Query) (Page, error) {
	c := q.conditions()
	var p Page
	if !q.Uncounted {
		if err := from.QueryRowContext(ctx, "SELECT count(*) FROM audit"+c.where(), c.args...).Scan(&p.Total); err != nil {
			return Page{}, fmt.Errorf("count audit log: %w", err)
		}
	}
	if q.Before > 0 {
		c.add("number < ?", q.Before)
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	limit = min(limit, 500)
	query := `SELECT ` + columns + ` FROM audit` + c.where() + " ORDER BY number DESC LIMIT " + c.param(limit+1)
	rows, err := from.QueryContext(ctx, query, c.args...)
	if err != nil {
		return Page{}, fmt.Errorf("read audit log: %w", err)
	}
	if p.Items, err = scanDeeds(rows); err != nil {
		return Page{}, err
	}
	if len(p.Items) > limit {
		p.Items = p.Items[:limit]
		p.Next = p.Items[limit-1].Number
	}
	return p, nil
}

// columns of audit in the order of scanDeeds, for the queries that are put together at run time.
const columns = `number, time, actor, actor_name, actor_unit, roles, address, action, object, hash_before, hash_after, result, reason, details, search`

// scanDeeds reads rows of columns and closes them.
func scanDeeds(rows *sql.Rows) ([]soc.Deed, error) {
	defer rows.Close()
	var out []soc.Deed
	for rows.Next() {
		var r db.Audit
		if err := rows.Scan(&r.Number, &r.Time, &r.Actor, &r.ActorName, &r.ActorUnit, &r.Roles, &r.Address, &r.Action, &r.Object,
			&r.HashBefore, &r.HashAfter, &r.Result, &r.Reason, &r.Details, &r.Search); err != nil {
			return nil, fmt.Errorf("read audit log: %w", err)
		}
		d, err := deed(r)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read audit log: %w", err)
	}
	return out, nil
}

func deed(r db.Audit) (soc.Deed, error) {
	d := soc.Deed{
		Number: r.Number, Time: r.Time, Action: r.Action, Object: r.Object, Before: r.HashBefore, After: r.HashAfter, Result: r.Result,
		Reason: r.Reason, Actor: soc.Actor{ID: r.Actor, Name: r.ActorName, Unit: r.ActorUnit, Address: r.Address},
	}
	if err := json.Unmarshal([]byte(r.Roles), &d.Actor.Roles); err != nil {
		return soc.Deed{}, fmt.Errorf("read deed %d: %w", r.Number, err)
	}
	if err := json.Unmarshal([]byte(r.Details), &d.Details); err != nil {
		return soc.Deed{}, fmt.Errorf("read deed %d: %w", r.Number, err)
	}
	return d, nil
}

package triage

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"hoalu/soc"
	"hoalu/state"
)

// Lists are filtered by what people choose, and sqlc knows no optional conditions that both databases take; so WHERE is put together
// here. Every value is a parameter, every name a constant of this package.
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

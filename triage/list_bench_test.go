package triage_test

import (
	"database/sql"
	"strings"
	"testing"

	"hoalu/soc"
	"hoalu/state"
	"hoalu/state/statetest"
	"hoalu/triage"
)

// queueOf fills a queue with n alerts, two in five of them open, from one that the product wrote; what stands in their rows (trace,
// events) is as long as in use.
func queueOf(tb testing.TB, db *state.DB, n int) {
	tb.Helper()
	rows, err := db.Read().QueryContext(tb.Context(), "SELECT * FROM alert LIMIT 0")
	if err != nil {
		tb.Fatal(err)
	}
	columns, err := rows.Columns()
	if err != nil {
		tb.Fatal(err)
	}
	if err := rows.Close(); err != nil {
		tb.Fatal(err)
	}
	severity := func(critical, high, medium, low string) string {
		return "CASE WHEN i % 100 = 0 THEN " + critical + " WHEN i % 100 < 6 THEN " + high + " WHEN i % 100 < 40 THEN " + medium + " ELSE " +
			low + " END"
	}
	other := map[string]string{
		"id": "printf('bench%021d', i)", "number": "printf('CB-2025-%07d', i)", "episode": "printf('bench-%d', i)",
		"host":     "printf('bench-%d', i % 5000)",
		"severity": severity("'critical'", "'high'", "'medium'", "'low'"), "severity_rank": severity("5", "4", "3", "2"),
		"score": "15 + (i * 7919) % 80",
		"hits":  "1 + (i * 31) % 900", "state": "CASE WHEN (i / 7) % 5 < 3 THEN 'closed' ELSE 'new' END",
		"trace": "t.trace || printf('%2000s', '')",
	}
	for _, c := range []string{"first_ms", "last_ms", "created", "changed"} {
		other[c] = "t." + c + " - i * 20000"
	}
	values := make([]string, len(columns))
	for i, c := range columns {
		values[i] = "t." + c
		if v, ok := other[c]; ok {
			values[i] = v
		}
	}
	if err := db.Tx(tb.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(tb.Context(), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) INSERT INTO alert ("+
			strings.Join(columns, ", ")+
			") SELECT "+strings.Join(values, ", ")+" FROM n, (SELECT * FROM alert LIMIT 1) t", n)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(tb.Context(),
			"INSERT INTO alert_words (alert, words) SELECT id, lower(number) || (SELECT words FROM alert_words LIMIT 1) || ' ' || host FROM alert WHERE id LIKE 'bench%'")
		return err
	}); err != nil {
		tb.Fatal(err)
	}
}

func BenchmarkList(b *testing.B) {
	db := statetest.Open(b)
	d := open(b, db)
	d.apply(1, firing("r1", "bench-0", "e1", 0))
	queueOf(b, db, 50_000)
	open := triage.Filter{States: []string{"open"}, Exercise: triage.Without}
	for _, c := range []struct {
		name   string
		sort   string
		change func(*triage.Filter)
	}{
		{"score", "-score", nil}, {"severity", "-severity", nil}, {"count", "count", nil}, {"last", "last", nil},
		{"critical by score", "-score", func(f *triage.Filter) { f.Severities = []soc.Severity{soc.Critical} }},
		{"critical by last", "last", func(f *triage.Filter) { f.Severities = []soc.Severity{soc.Critical} }},
		{"critical by severity", "severity", func(f *triage.Filter) { f.Severities = []soc.Severity{soc.Critical} }},
		{"informational by score", "-score", func(f *triage.Filter) { f.Severities = []soc.Severity{soc.Informational} }},
		{"word of all", "-score", func(f *triage.Filter) { f.Text = "mật khẩu" }},
		{"word of ten", "-score", func(f *triage.Filter) { f.Text = "bench-777" }},
		{"word of none", "-score", func(f *triage.Filter) { f.Text = "vô danh" }},
		{"closed by last", "-last", func(f *triage.Filter) { f.States = []string{soc.AlertClosed} }},
		{"closed by score", "-score", func(f *triage.Filter) { f.States = []string{soc.AlertClosed} }},
		{"closed, word of none", "-score", func(f *triage.Filter) { f.States = []string{soc.AlertClosed}; f.Text = "vô danh" }},
	} {
		f := open
		if c.change != nil {
			c.change(&f)
		}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := d.List(b.Context(), all, triage.Query{Filter: f, Sort: c.sort, Limit: 100}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("counts", func(b *testing.B) {
		for b.Loop() {
			if _, err := d.Counts(b.Context(), all, "a1", false); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("groups", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := d.Groups(b.Context(), all, open, "entity", 100); err != nil {
				b.Fatal(err)
			}
		}
	})
}

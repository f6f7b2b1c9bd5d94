// Package triagetest makes queues of alerts as long as those of a province, for benchmarks.
package triagetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"

	"hoalu/state"
)

// Multiply adds n copies of an alert that the product wrote, which must be there, to a SQLite database: their ids begin with "bench", they
// are spread over time, severities and hosts, and two in five are open. more gives SQL for further columns, in which t is the alert that
// is copied and i the number of the copy.
func Multiply(ctx context.Context, db *state.DB, n int, more map[string]string) error {
	rows, err := db.Read().QueryContext(ctx, "SELECT * FROM alert LIMIT 0")
	if err != nil {
		return err
	}
	columns, err := rows.Columns()
	if err := errors.Join(err, rows.Close()); err != nil {
		return err
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
		"close_reason": "CASE WHEN (i / 7) % 5 < 3 THEN 'false_alarm' ELSE '' END",
	}
	for _, c := range []string{"first_ms", "last_ms", "created", "changed"} {
		other[c] = "t." + c + " - i * 20000"
	}
	maps.Copy(other, more)
	values := make([]string, len(columns))
	for i, c := range columns {
		values[i] = "t." + c
		if v, ok := other[c]; ok {
			values[i] = v
		}
	}
	return db.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) INSERT INTO alert ("+
			strings.Join(columns, ", ")+
			") SELECT "+strings.Join(values, ", ")+" FROM n, (SELECT * FROM alert LIMIT 1) t", n)
		if err != nil {
			return fmt.Errorf("copy alerts: %w", err)
		}
		if _, err := tx.ExecContext(ctx,
			"INSERT INTO alert_words (alert, words) SELECT id, lower(number) || ' ' || host || ' ' || (SELECT words FROM alert_words LIMIT 1) FROM alert WHERE id LIKE 'bench%'"); err != nil {
			return fmt.Errorf("copy the words of alerts: %w", err)
		}
		return nil
	})
}

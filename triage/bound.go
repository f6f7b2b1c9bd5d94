package triage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"hoalu/soc"
	"hoalu/triage/internal/db"
)

// boundState is what deeds bind of an alert: what it was made with, what people did to it, and its history. What hits change without a
// deed (score, first and last hit, count, events, whether they hold personal data) is not in it, nor are the lines the product adds to
// the history when hits pass 10, 100 …
type boundState struct {
	ID, Number, Rule, RuleVersion string
	Title                         map[string]string
	Severity                      soc.Severity
	System, Unit, Source, Host    string
	User, Address                 string
	Group                         []soc.GroupValue
	Created                       int64
	Evidence                      string
	Trace                         []soc.Condition
	Attack                        []string
	Previous                      string
	Exercise, Demo                bool
	Held                          held
	History                       []soc.Note
}

// boundPrefix tells this hash from those of versions that hashed what hits change, too.
const boundPrefix = "2:"

// noteHit is the action of the lines that hits add to a history.
const noteHit = "hit"

// bound is the hash of an alert and its history that deeds about it carry. It is the same whenever it is computed from the rows, as long
// as nobody changes them without a deed.
func bound(a *soc.Alert, history []soc.Note) string {
	b := boundState{a.ID, a.Number, a.Rule, a.RuleVersion, a.Title, a.Severity, a.System, a.Unit, a.Source, a.Host, a.User, a.Address, a.Group,
		a.Created,
		a.Evidence, a.Trace, a.Attack, a.Previous, a.Exercise, a.Demo, heldOf(a), nil}
	for _, n := range history {
		if n.Action != noteHit {
			b.History = append(b.History, n)
		}
	}
	sum := sha256.Sum256([]byte(text(b)))
	return boundPrefix + hex.EncodeToString(sum[:])
}

// States gives the hash of alerts by number as deeds about them carry it; one that is not there is left out. It reads alert and history
// apart, so a deed in between gives a hash of neither: ask again.
func (s *Store) States(ctx context.Context, numbers []string) (map[string]string, error) {
	out := make(map[string]string, len(numbers))
	for len(numbers) > 0 {
		part := numbers[:min(len(numbers), maxRefs)]
		numbers = numbers[len(part):]
		marks, args := marksOf(part)
		rows, err := s.db.Read().QueryContext(ctx, "SELECT "+columns+" FROM alert WHERE number IN ("+marks+")", args...)
		if err != nil {
			return nil, fmt.Errorf("read alerts: %w", err)
		}
		alerts := map[string]soc.Alert{} // by id
		ids := make([]string, 0, len(part))
		for rows.Next() {
			r, err := scan(rows)
			var a soc.Alert
			if err == nil {
				a, err = alertOf(&r)
			}
			if err != nil { // text that was changed to be no JSON is a state that no deed left
				out[r.Number] = "unreadable"
				continue
			}
			alerts[a.ID] = a
			ids = append(ids, a.ID)
		}
		if err := rows.Err(); err != nil {
			rows.Close()
			return nil, fmt.Errorf("read alerts: %w", err)
		}
		rows.Close()
		histories, err := s.Histories(ctx, ids)
		if err != nil {
			return nil, err
		}
		for id, a := range alerts {
			out[a.Number] = bound(&a, histories[id])
		}
	}
	return out, nil
}

// Histories gives the history of alerts by id, oldest line first, with a query for as many alerts as one may name.
func (s *Store) Histories(ctx context.Context, ids []string) (map[string][]soc.Note, error) {
	out := make(map[string][]soc.Note, len(ids))
	for len(ids) > 0 {
		part := ids[:min(len(ids), maxRefs)]
		ids = ids[len(part):]
		marks, args := marksOf(part)
		rows, err := s.db.Read().QueryContext(ctx, "SELECT alert, time, actor, name, action, text, reason FROM alert_note WHERE alert IN ("+marks+
			") ORDER BY alert, number", args...)
		if err != nil {
			return nil, fmt.Errorf("read histories: %w", err)
		}
		for rows.Next() {
			var id string
			var n soc.Note
			if err := rows.Scan(&id, &n.Time, &n.Actor, &n.Name, &n.Action, &n.Text, &n.Reason); err != nil {
				rows.Close()
				return nil, fmt.Errorf("read histories: %w", err)
			}
			out[id] = append(out[id], n)
		}
		if err := rows.Err(); err != nil {
			rows.Close()
			return nil, fmt.Errorf("read histories: %w", err)
		}
		rows.Close()
	}
	return out, nil
}

// Numbers lists up to limit numbers of alerts behind after, in order.
func (s *Store) Numbers(ctx context.Context, after string, limit int) ([]string, error) {
	numbers, err := db.New(s.db.Read()).Numbers(ctx, db.NumbersParams{Number: after, Limit: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list alerts: %w", err)
	}
	return numbers, nil
}

// marksOf are $1, $2 … for a list, which sqlc cannot write for both databases.
func marksOf(values []string) (string, []any) {
	marks, args := make([]string, len(values)), make([]any, len(values))
	for i, v := range values {
		marks[i], args[i] = "$"+strconv.Itoa(i+1), v
	}
	return strings.Join(marks, ", "), args
}

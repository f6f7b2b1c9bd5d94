package triage

import (
	"context"
	"errors"

	"hoalu/soc"
)

var errTodo = errors.New("not built yet")

// Apply writes the alerts of one batch, its position and, where not nil, the correlator's snapshot taken after it, in one transaction.
func (s *Store) Apply(ctx context.Context, p Position, firings []Firing, snapshot []byte) ([]soc.Alert, error) {
	return nil, errTodo
}

// Position reads a reader's checkpoint; a reader that never wrote has the zero Seq.
func (s *Store) Position(ctx context.Context, reader string) (Checkpoint, error) {
	return Checkpoint{}, errTodo
}

// List is one page of alerts.
func (s *Store) List(ctx context.Context, scope soc.Scope, q Query) (Page, error) {
	return Page{}, errTodo
}

// Get reads one alert by id or CB- number.
func (s *Store) Get(ctx context.Context, scope soc.Scope, id string) (soc.Alert, error) {
	return soc.Alert{}, errTodo
}

// Counts of the views for a person.
func (s *Store) Counts(ctx context.Context, scope soc.Scope, account string) (Counts, error) {
	return Counts{}, errTodo
}

// Histogram counts alerts by severity in buckets of step ms over [from, to).
func (s *Store) Histogram(ctx context.Context, scope soc.Scope, f Filter, from, to, step int64) ([]Bucket, error) {
	return nil, errTodo
}

// Groups folds the list by "host", "user", "address", "rule", "system" or "entity" (host, else user, else address).
func (s *Store) Groups(ctx context.Context, scope soc.Scope, f Filter, by string, limit int) (groups []Group, total int64, err error) {
	return nil, 0, errTodo
}

// Seen counts earlier episodes of an alert's key.
func (s *Store) Seen(ctx context.Context, scope soc.Scope, id string) (Seen, error) {
	return Seen{}, errTodo
}

// History of an alert, oldest first.
func (s *Store) History(ctx context.Context, scope soc.Scope, id string) ([]soc.Note, error) {
	return nil, errTodo
}

// RuleAt is the rule as it was when it fired.
func (s *Store) RuleAt(ctx context.Context, rule, version string) (soc.RuleInfo, error) {
	return soc.RuleInfo{}, errTodo
}

// Acknowledge makes the actor the holder.
func (s *Store) Acknowledge(ctx context.Context, actor soc.Actor, scope soc.Scope, refs []Ref, takeOver bool) (Result, error) {
	return Result{}, errTodo
}

// Assign gives alerts to an account.
func (s *Store) Assign(ctx context.Context, actor soc.Actor, scope soc.Scope, refs []Ref, holder, holderName string) (Result, error) {
	return Result{}, errTodo
}

// Close ends alerts with one of soc.CloseReasons; a note is needed for critical ones and for inconclusive.
func (s *Store) Close(ctx context.Context, actor soc.Actor, scope soc.Scope, refs []Ref, reason, note string) (Result, error) {
	return Result{}, errTodo
}

// Reopen puts closed alerts back into the queue.
func (s *Store) Reopen(ctx context.Context, actor soc.Actor, scope soc.Scope, refs []Ref, note string) (Result, error) {
	return Result{}, errTodo
}

// Note adds a line to the history.
func (s *Store) Note(ctx context.Context, actor soc.Actor, scope soc.Scope, refs []Ref, text string) (Result, error) {
	return Result{}, errTodo
}

// Undo takes back a deed within Config.Undo, where nobody else has done anything since.
func (s *Store) Undo(ctx context.Context, actor soc.Actor, scope soc.Scope, token string) (Result, error) {
	return Result{}, errTodo
}

// DemoRemove deletes every demo alert and says how many.
func (s *Store) DemoRemove(ctx context.Context, actor soc.Actor) (int64, error) { return 0, errTodo }

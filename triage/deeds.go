package triage

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hoalu/soc"
	"hoalu/triage/internal/db"
)

// held is what deeds change of an alert, and what Undo puts back.
type held struct {
	State        string `json:"state"`
	Reopened     bool   `json:"reopened,omitempty"`
	Holder       string `json:"holder,omitempty"`
	HolderName   string `json:"holder_name,omitempty"`
	CloseReason  string `json:"close_reason,omitempty"`
	Acknowledged int64  `json:"acknowledged,omitempty"`
	Closed       int64  `json:"closed,omitempty"`
	ClosedBy     string `json:"closed_by,omitempty"`
}

func heldOf(a *soc.Alert) held {
	return held{a.State, a.Reopened, a.Holder, a.HolderName, a.CloseReason, a.Acknowledged, a.Closed, a.ClosedBy}
}

func (h held) to(a *soc.Alert) {
	a.State, a.Reopened, a.Holder, a.HolderName = h.State, h.Reopened, h.Holder, h.HolderName
	a.CloseReason, a.Acknowledged, a.Closed, a.ClosedBy = h.CloseReason, h.Acknowledged, h.Closed, h.ClosedBy
}

// deed is one action by a person on some alerts.
type deed struct {
	s      *Store
	ctx    context.Context
	tx     *sql.Tx
	q      *db.Queries
	actor  soc.Actor
	scope  soc.Scope
	action string // word of the history: acknowledged, assigned …
	audit  string // alert.acknowledge …
	now    int64
	token  string
	result Result
}

// errSame says that a deed finds its effect already there: nothing is written and it is no failure.
var errSame = &soc.Problem{Code: "same"}

// act runs change on each alert in one transaction. What change refuses is a Failure of that alert alone; the others are done.
func (s *Store) act(ctx context.Context, actor soc.Actor, scope soc.Scope, action, audit string, refs []Ref,
	change func(d *deed, r *db.Alert, a *soc.Alert) (text, reason string, p *soc.Problem)) (Result, error) {
	if len(refs) == 0 {
		return Result{}, refuse(CodeNothing, "No alert was chosen.", "Choose at least one.")
	}
	if len(refs) > maxRefs {
		return Result{}, refuse(CodeMany, "Too many alerts at once.", "Choose fewer.", "limit", strconv.Itoa(maxRefs))
	}
	var d *deed
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		d = &deed{s: s, ctx: ctx, tx: tx, q: db.New(tx), actor: actor, scope: scope, action: action, audit: audit, now: s.c.Now().UnixMilli(),
			token: rand.Text()}
		if err := d.q.ExpireUndo(ctx, d.now); err != nil {
			return fmt.Errorf("forget old undo: %w", err)
		}
		seen := map[string]bool{}
		for _, ref := range refs {
			r, err := d.q.AlertByID(ctx, ref.ID)
			if errors.Is(err, sql.ErrNoRows) || err == nil && !within(scope, r.System) {
				d.fail(ref.ID, notFound(ref.ID))
				continue
			}
			if err != nil {
				return fmt.Errorf("read alert: %w", err)
			}
			if seen[r.ID] {
				continue
			}
			seen[r.ID] = true
			a, err := alertOf(&r)
			if err != nil {
				return err
			}
			before := a
			text, reason, problem := change(d, &r, &a)
			switch {
			case problem == errSame:
				d.result.Changed = append(d.result.Changed, a)
				continue
			case problem == nil && ref.Version > 0 && ref.Version < r.DeedVersion:
				problem = clash(CodeConflict, r.DeedByName+" changed "+r.Number+" since you read it.", "Look at it again, then decide.",
					r.DeedByName, r.DeedAt, "version", strconv.FormatInt(r.Version, 10), "deed", r.Deed)
			}
			if problem != nil {
				d.fail(ref.ID, problem)
				continue
			}
			if err := d.write(&before, &a, text, reason, true); err != nil {
				return err
			}
		}
		if d.result.Undo != "" {
			d.result.UndoUntil = d.now + s.c.Undo.Milliseconds()
		}
		return nil
	})
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w", audit, err)
	}
	for _, a := range d.result.Changed {
		s.notify(a)
	}
	if len(refs) == 1 && len(d.result.Failed) == 1 {
		return Result{}, d.result.Failed[0].Problem
	}
	return d.result, nil
}

func (d *deed) fail(id string, p *soc.Problem) {
	d.result.Failed = append(d.result.Failed, Failure{id, p})
}

// write stores what became of an alert, its line of history, what Undo needs, the audit row, and hands it to the outbox.
func (d *deed) write(before, a *soc.Alert, words, reason string, undo bool) error {
	a.Version, a.Changed = a.Version+1, d.now
	err := d.q.UpdateDeed(d.ctx, db.UpdateDeedParams{ID: a.ID, State: a.State, Reopened: a.Reopened, Holder: a.Holder,
		HolderName:  a.HolderName,
		CloseReason: a.CloseReason, Acknowledged: a.Acknowledged, Closed: a.Closed, ClosedBy: a.ClosedBy, Changed: a.Changed, Version: a.Version,
		DeedVersion: a.Version, DeedBy: d.actor.ID, DeedByName: d.actor.Name, DeedAt: d.now, Deed: d.action})
	if err != nil {
		return fmt.Errorf("store %s: %w", a.Number, err)
	}
	if err := d.q.InsertNote(d.ctx, db.InsertNoteParams{Alert: a.ID, Time: d.now, Actor: d.actor.ID, Name: d.actor.Name, Action: d.action,
		Text:   words,
		Reason: reason}); err != nil {
		return fmt.Errorf("store history of %s: %w", a.Number, err)
	}
	if undo {
		if err := d.q.InsertUndo(d.ctx, db.InsertUndoParams{Token: d.token, Alert: a.ID, Actor: d.actor.ID,
			Expires:     d.now + d.s.c.Undo.Milliseconds(),
			DeedVersion: a.Version, Before: text(heldOf(before))}); err != nil {
			return fmt.Errorf("store undo of %s: %w", a.Number, err)
		}
		d.result.Undo = d.token
	}
	if d.s.c.Record != nil {
		details := map[string]string{}
		for k, v := range map[string]string{"reason": reason, "note": words, "holder": a.Holder} {
			if v != "" {
				details[k] = v
			}
		}
		if a.Demo {
			details["demo"] = "true"
		}
		rows, err := d.q.Notes(d.ctx, a.ID)
		if err != nil {
			return fmt.Errorf("read history of %s: %w", a.Number, err)
		}
		history := make([]soc.Note, len(rows))
		for i, n := range rows {
			history[i] = soc.Note(n)
		}
		if _, err := d.s.c.Record(d.ctx, d.tx, soc.Deed{Time: d.now, Actor: d.actor, Action: d.audit, Object: a.Number,
			Before: bound(before, history[:len(history)-1]),
			After:  bound(a, history), Reason: reason, Details: details}); err != nil {
			return err
		}
	}
	if d.s.c.Outbox != nil {
		if err := d.s.c.Outbox(d.ctx, d.tx, *a, false); err != nil {
			return fmt.Errorf("hand on alert %s: %w", a.Number, err)
		}
	}
	d.result.Changed = append(d.result.Changed, *a)
	return nil
}

func within(scope soc.Scope, system string) bool {
	return scope.All || slices.Contains(scope.Systems, system)
}

func closedProblem(r *db.Alert) *soc.Problem {
	return clash(CodeClosed, r.ClosedBy+" has closed "+r.Number+".", "Reopen it first.", r.ClosedBy, r.Closed, "reason", r.CloseReason)
}

// Acknowledge makes the actor the holder. One that another holds is refused as CodeAcknowledged, naming who and since when, unless
// takeOver says that the person has been asked; both stay in the history. One the actor holds already is left as it is.
func (s *Store) Acknowledge(ctx context.Context, actor soc.Actor, scope soc.Scope, refs []Ref, takeOver bool) (Result, error) {
	return s.act(ctx, actor, scope, "acknowledged", "alert.acknowledge", refs,
		func(d *deed, r *db.Alert, a *soc.Alert) (string, string, *soc.Problem) {
			switch {
			case a.State == soc.AlertClosed:
				return "", "", closedProblem(r)
			case a.State == soc.AlertAcknowledged && a.Holder == actor.ID:
				return "", "", errSame
			case a.State == soc.AlertAcknowledged && !takeOver:
				return "", "", clash(CodeAcknowledged, a.HolderName+" has acknowledged "+a.Number+".", "Take it over?", a.HolderName, a.Acknowledged)
			}
			if a.Acknowledged == 0 || a.State == soc.AlertNew {
				a.Acknowledged = d.now
			}
			a.State, a.Holder, a.HolderName = soc.AlertAcknowledged, actor.ID, actor.Name
			return "", "", nil
		})
}

// Assign gives alerts to an account. A new alert given to another stays new until that person acknowledges it, so that it is nobody's
// blind spot; given to oneself it is acknowledged.
func (s *Store) Assign(ctx context.Context, actor soc.Actor, scope soc.Scope, refs []Ref, holder, holderName string) (Result, error) {
	if holder == "" {
		return Result{}, refuse(CodeHolder, "Nobody was named.", "Name who shall handle it.")
	}
	return s.act(ctx, actor, scope, "assigned", "alert.assign", refs, func(d *deed, r *db.Alert, a *soc.Alert) (string, string, *soc.Problem) {
		switch {
		case a.State == soc.AlertClosed:
			return "", "", closedProblem(r)
		case a.Holder == holder && (holder != actor.ID || a.State == soc.AlertAcknowledged):
			return "", "", errSame
		}
		a.Holder, a.HolderName = holder, holderName
		if holder == actor.ID && a.State == soc.AlertNew {
			a.State, a.Acknowledged = soc.AlertAcknowledged, d.now
		}
		return holderName, "", nil
	})
}

// Close ends alerts with one of soc.CloseReasons. A note is needed for critical ones and for the reason inconclusive.
func (s *Store) Close(ctx context.Context, actor soc.Actor, scope soc.Scope, refs []Ref, reason, note string) (Result, error) {
	if !slices.Contains(soc.CloseReasons, reason) {
		return Result{}, refuse(CodeReason, "Reason "+strconv.Quote(reason)+" is not known.",
			"Choose one of: "+strings.Join(soc.CloseReasons, ", ")+".",
			"reason", reason)
	}
	note, err := s.words(note)
	if err != nil {
		return Result{}, err
	}
	return s.act(ctx, actor, scope, "closed", "alert.close", refs, func(d *deed, r *db.Alert, a *soc.Alert) (string, string, *soc.Problem) {
		switch {
		case a.State == soc.AlertClosed:
			return "", "", closedProblem(r)
		case note == "" && a.Severity == soc.Critical:
			return "", "", refuse(CodeNote, "A critical alert is closed with a note.", "Write what was found and done.", "because", "critical")
		case note == "" && reason == "inconclusive":
			return "", "", refuse(CodeNote, "An inconclusive alert is closed with a note.", "Write what data was missing.", "because",
				"inconclusive")
		}
		if a.Acknowledged == 0 {
			a.Acknowledged = d.now
		}
		if a.Holder == "" {
			a.Holder, a.HolderName = actor.ID, actor.Name
		}
		a.State, a.CloseReason, a.Closed, a.ClosedBy = soc.AlertClosed, reason, d.now, actor.Name
		return note, reason, nil
	})
}

// Reopen puts closed alerts back among the unacknowledged ones, so that they are nobody's blind spot. Only people do this.
func (s *Store) Reopen(ctx context.Context, actor soc.Actor, scope soc.Scope, refs []Ref, note string) (Result, error) {
	note, err := s.words(note)
	if err != nil {
		return Result{}, err
	}
	return s.act(ctx, actor, scope, "reopened", "alert.reopen", refs, func(_ *deed, _ *db.Alert, a *soc.Alert) (string, string, *soc.Problem) {
		if a.State != soc.AlertClosed {
			p := refuse(CodeNotClosed, a.Number+" is open.", "Only a closed alert is reopened.", "id", a.Number)
			p.Status = 409
			return "", "", p
		}
		heldOf(&soc.Alert{State: soc.AlertNew, Reopened: true}).to(a)
		return note, "", nil
	})
}

// Note adds a line to the history. Notes are never changed; taking one back adds a line that says so.
func (s *Store) Note(ctx context.Context, actor soc.Actor, scope soc.Scope, refs []Ref, words string) (Result, error) {
	words, err := s.words(words)
	if err != nil {
		return Result{}, err
	}
	if words == "" {
		return Result{}, refuse(CodeNote, "The note is empty.", "Write something.", "because", "empty")
	}
	for i := range refs {
		refs[i].Version = 0 // a note overwrites nothing
	}
	return s.act(ctx, actor, scope, "note", "alert.note", refs,
		func(*deed, *db.Alert, *soc.Alert) (string, string, *soc.Problem) { return words, "", nil })
}

// words are what a person wrote, as it is kept.
func (s *Store) words(text string) (string, error) {
	text = strings.TrimSpace(text)
	if p := long(text); p != nil {
		return "", p
	}
	if s.c.Words == nil {
		return text, nil
	}
	kept, err := s.c.Words(text)
	if err != nil {
		return "", fmt.Errorf("protect citizens' numbers in the note: %w", err)
	}
	return kept, nil
}

func long(note string) *soc.Problem {
	if utf8.RuneCountInString(note) <= maxNote {
		return nil
	}
	return refuse(CodeLong, "The note is too long.", "Keep it under "+strconv.Itoa(maxNote)+" characters.", "limit", strconv.Itoa(maxNote))
}

// Undo takes back a deed of the same person within Config.Undo. An alert that somebody did something to since is left as it is and
// answered as conflict; hits since then stay counted.
func (s *Store) Undo(ctx context.Context, actor soc.Actor, scope soc.Scope, token string) (Result, error) {
	var d *deed
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		d = &deed{s: s, ctx: ctx, tx: tx, q: db.New(tx), actor: actor, scope: scope, action: "undo", audit: "alert.undo",
			now: s.c.Now().UnixMilli()}
		rows, err := d.q.Undo(ctx, token)
		if err != nil {
			return fmt.Errorf("read undo: %w", err)
		}
		if len(rows) == 0 || rows[0].Actor != actor.ID || rows[0].Expires < d.now {
			return &soc.Problem{Status: 410, Code: CodeUndo, Detail: "This can no longer be taken back.", Do: "Do the opposite instead."}
		}
		for _, u := range rows {
			r, err := d.q.AlertByID(ctx, u.Alert)
			if err != nil {
				return fmt.Errorf("read alert: %w", err)
			}
			if !within(scope, r.System) {
				d.fail(r.Number, notFound(r.Number))
				continue
			}
			if r.DeedVersion != u.DeedVersion {
				d.fail(r.Number, clash(CodeConflict, r.DeedByName+" changed "+r.Number+" since.", "Look at it again, then decide.", r.DeedByName,
					r.DeedAt,
					"version", strconv.FormatInt(r.Version, 10), "deed", r.Deed))
				continue
			}
			a, err := alertOf(&r)
			if err != nil {
				return err
			}
			before := a
			var h held
			if err := json.Unmarshal([]byte(u.Before), &h); err != nil {
				return fmt.Errorf("read undo of %s: %w", r.Number, err)
			}
			h.to(&a)
			if err := d.write(&before, &a, r.Deed, "", false); err != nil {
				return err
			}
		}
		return d.q.DeleteUndo(ctx, token)
	})
	if err != nil {
		var p *soc.Problem
		if errors.As(err, &p) {
			return Result{}, p
		}
		return Result{}, fmt.Errorf("alert.undo: %w", err)
	}
	for _, a := range d.result.Changed {
		s.notify(a)
	}
	if len(d.result.Changed) == 0 && len(d.result.Failed) == 1 {
		return Result{}, d.result.Failed[0].Problem
	}
	return d.result, nil
}

// DemoRemove deletes every demo alert with its history and says how many. The audit log keeps that they were.
func (s *Store) DemoRemove(ctx context.Context, actor soc.Actor) (int64, error) {
	var n int64
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		q := db.New(tx)
		if err := q.DeleteDemoUndo(ctx); err != nil {
			return err
		}
		if err := q.DeleteDemoNotes(ctx); err != nil {
			return err
		}
		if err := q.DeleteDemoWords(ctx); err != nil {
			return err
		}
		var err error
		if n, err = q.DeleteDemo(ctx); err != nil || n == 0 || s.c.Record == nil {
			return err
		}
		_, err = s.c.Record(ctx, tx, soc.Deed{Time: s.c.Now().UnixMilli(), Actor: actor, Action: "alert.demo_remove",
			Details: map[string]string{"alerts": strconv.FormatInt(n, 10)}})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("remove sample alerts: %w", err)
	}
	return n, nil
}

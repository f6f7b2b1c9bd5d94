package triage

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hoalu/ecs"
	"hoalu/soc"
	"hoalu/state"
	"hoalu/triage/internal/db"
)

// maxEvents is how many event ids an alert keeps: the first one and the newest.
const maxEvents = 50

// Apply writes the alerts of one batch, the reader's position and, where not nil, the correlator's snapshot taken after that batch, in
// one transaction. A batch at or before the stored position changes nothing and returns nil. The alerts returned are those that were
// made or changed, in the order of their first firing.
//
// Firings fold per batch before anything is written, so a flood of hits costs one row per alert. A batch without firings costs a
// transaction for its position; a reader may leave such batches out and give the next position.
func (s *Store) Apply(ctx context.Context, p Position, firings []Firing, snapshot []byte) ([]soc.Alert, error) {
	if p.Reader != "" { // a replay is seen without waiting for the writer's turn
		if done, err := applied(ctx, db.New(s.db.Read()), p); err != nil || done {
			return nil, err
		}
	}
	var b *batch
	err := s.db.Tx(ctx, func(tx *sql.Tx) error {
		b = &batch{s: s, ctx: ctx, tx: tx, q: db.New(state.Prepare(tx)), now: s.c.Now().UnixMilli(), byKey: map[string][]*episode{},
			rates: map[[2]string]*rate{}}
		if p.Reader != "" {
			if done, err := applied(ctx, b.q, p); err != nil || done {
				return err
			}
		}
		for i := range firings {
			if err := b.fire(&firings[i]); err != nil {
				return err
			}
		}
		if err := b.write(); err != nil {
			return err
		}
		if p.Reader == "" {
			return nil
		}
		if err := b.q.PutPosition(ctx, db.PutPositionParams{Reader: p.Reader, Epoch: p.Epoch, Seq: int64(p.Seq), Changed: b.now}); err != nil {
			return fmt.Errorf("store position of %s: %w", p.Reader, err)
		}
		if snapshot != nil {
			if err := b.q.PutSnapshot(ctx, db.PutSnapshotParams{Reader: p.Reader, Epoch: p.Epoch, Seq: int64(p.Seq),
				Snapshot: snapshot}); err != nil {
				return fmt.Errorf("store snapshot of %s: %w", p.Reader, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("apply batch %d: %w", p.Seq, err)
	}
	s.mu.Lock()
	for _, k := range b.rules {
		s.rules[k] = true
	}
	s.mu.Unlock()
	changed := make([]soc.Alert, len(b.touched))
	for i, e := range b.touched {
		changed[i] = e.a
		s.notify(e.a)
	}
	return changed, nil
}

func (s *Store) notify(a soc.Alert) {
	if s.c.Changed != nil {
		s.c.Changed(soc.Notice{Topic: "alert", ID: a.Number, Version: a.Version, System: a.System})
	}
}

// applied reports whether a batch is at or before the stored position.
func applied(ctx context.Context, q *db.Queries, p Position) (bool, error) {
	r, err := q.Position(ctx, p.Reader)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read position of %s: %w", p.Reader, err)
	}
	return r.Epoch == p.Epoch && p.Seq <= uint64(r.Seq), nil
}

// Position reads a reader's checkpoint; a reader that never wrote has the zero one. A snapshot of another epoch is left out.
func (s *Store) Position(ctx context.Context, reader string) (Checkpoint, error) {
	c := Checkpoint{Position: Position{Reader: reader}}
	q := db.New(s.db.Read())
	r, err := q.Position(ctx, reader)
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read position of %s: %w", reader, err)
	}
	c.Epoch, c.Seq = r.Epoch, uint64(r.Seq)
	snap, err := q.Snapshot(ctx, db.SnapshotParams{Reader: reader, Epoch: r.Epoch})
	if errors.Is(err, sql.ErrNoRows) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read snapshot of %s: %w", reader, err)
	}
	c.Snapshot, c.SnapshotSeq = snap.Snapshot, uint64(snap.Seq)
	return c, nil
}

// batch is one Apply.
type batch struct {
	s       *Store
	ctx     context.Context
	tx      *sql.Tx
	q       *db.Queries
	now     int64
	byKey   map[string][]*episode
	touched []*episode
	rates   map[[2]string]*rate
	rules   [][2]string
}

type episode struct {
	key     string
	a       soc.Alert
	created bool
	touched bool
	level   int
	f       *Firing // that made it
	notes   []soc.Note
}

type rate struct {
	minute, created int64
	changed         bool
}

// fire folds one firing.
func (b *batch) fire(f *Firing) error {
	if err := b.keepRule(f); err != nil {
		return err
	}
	k := keyOf(f)
	e, err := b.find(k.hash, f.Hit.Time)
	if err != nil {
		return err
	}
	if e != nil {
		b.hit(e, f)
		return nil
	}
	flood, err := b.flooded(f)
	if err != nil {
		return err
	}
	if flood {
		k = floodKey(f)
		if e, err = b.find(k.hash, f.Hit.Time); err != nil {
			return err
		}
	}
	if e == nil {
		if e, err = b.create(f, k); err != nil || e == nil {
			return err
		}
	} else {
		b.hit(e, f)
	}
	if flood {
		e.a.Folded = e.a.Count
	}
	return nil
}

// find is the open episode of a key that t belongs to.
func (b *batch) find(key string, t int64) (*episode, error) {
	quiet := b.s.c.Quiet.Milliseconds()
	for _, e := range b.byKey[key] {
		if e.a.First-quiet <= t && t <= e.a.Last+quiet { // byKey holds open ones only
			return e, nil
		}
	}
	r, err := b.q.EpisodeAt(b.ctx, db.EpisodeAtParams{Episode: key, FirstMs: t + quiet, LastMs: t - quiet})
	if errors.Is(err, sql.ErrNoRows) || err == nil && r.State == soc.AlertClosed {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find episode: %w", err)
	}
	a, err := alertOf(&r)
	if err != nil {
		return nil, err
	}
	e := &episode{key: key, a: a}
	b.byKey[key] = append(b.byKey[key], e)
	return e, nil
}

// create makes the alert of a first hit; nil when that very alert exists already (a batch that came again in another epoch).
func (b *batch) create(f *Firing, k key) (*episode, error) {
	h := &f.Hit
	id := alertID(h.Rule, k.hash, h.Event)
	if _, err := b.q.AlertByID(b.ctx, id); err == nil {
		return nil, nil
	} else if !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("look for alert: %w", err)
	}
	year := time.UnixMilli(b.now).In(b.s.c.Zone).Year()
	n, err := state.Next(b.ctx, b.tx, fmt.Sprintf("CB-%d", year))
	if err != nil {
		return nil, err
	}
	previous, err := b.previous(k.hash, h.Time)
	if err != nil {
		return nil, err
	}
	a := soc.Alert{
		ID: id, Number: fmt.Sprintf("CB-%d-%06d", year, n), Rule: h.Rule, RuleVersion: h.RuleVersion, Title: f.Rule.Title,
		Severity: f.Rule.Severity,
		System:   h.System, Unit: f.Unit, Source: h.Source, Host: k.host, User: k.user, Address: k.address, Group: k.group, State: soc.AlertNew,
		First: h.Time, Last: h.Time, Created: b.now, Evidence: evidenceLine(f), Trace: f.Trace, Attack: f.Rule.Attack, Previous: previous,
		Exercise: h.Exercise, Demo: h.Demo, Version: 1,
	}
	if a.RuleVersion == "" {
		a.RuleVersion = f.Rule.Version
	}
	if a.System == "" {
		a.System = soc.Unassigned
	}
	if a.Severity == "" {
		a.Severity = soc.Medium
	}
	if len(a.Title) == 0 {
		a.Title = map[string]string{"en": h.Rule}
	}
	if a.Trace == nil {
		a.Trace = []soc.Condition{}
	}
	if a.Attack == nil {
		a.Attack = []string{}
	}
	a.Events = []string{}
	e := &episode{key: k.hash, created: true, f: f, a: a, level: f.Level}
	e.notes = append(e.notes, soc.Note{Time: b.now, Actor: soc.Machine.ID, Name: soc.Machine.Name, Action: "created"})
	b.byKey[k.hash] = append(b.byKey[k.hash], e)
	b.hit(e, f)
	return e, nil
}

// previous is the number of the newest episode of the key that began before t.
func (b *batch) previous(key string, t int64) (string, error) {
	var best *episode
	for _, e := range b.byKey[key] {
		if e.a.First <= t && (best == nil || e.a.Last > best.a.Last) {
			best = e
		}
	}
	if best != nil {
		return best.a.Number, nil
	}
	number, err := b.q.EpisodeBefore(b.ctx, db.EpisodeBeforeParams{Episode: key, FirstMs: t})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("find episode before: %w", err)
	}
	return number, nil
}

// hit adds a firing to an episode. An event that is kept already counts once.
func (b *batch) hit(e *episode, f *Firing) {
	a := &e.a
	before := a.Count
	ids := append(slices.Clone(f.Hit.Events), f.Hit.Event)
	for _, id := range ids {
		if id == "" || slices.Contains(a.Events, id) {
			continue
		}
		if len(a.Events) == maxEvents {
			a.Events = append(a.Events[:1:1], a.Events[2:]...)
		}
		a.Events = append(a.Events, id)
		a.Count++
	}
	if before == 0 {
		a.Count = max(a.Count, f.Hit.Count, 1) // a correlation keeps fewer ids than it counted
	}
	if a.Count == before {
		return
	}
	a.First, a.Last = min(a.First, f.Hit.Time), max(a.Last, f.Hit.Time)
	a.Personal = a.Personal || f.Event != nil && f.Event.Has(ecs.HoaluIdentifier)
	for n := int64(10); n <= a.Count; n *= 10 {
		if before < n && before > 0 {
			e.notes = append(e.notes, soc.Note{Time: b.now, Actor: soc.Machine.ID, Name: soc.Machine.Name, Action: "hit", Text: fmt.Sprint(n)})
		}
	}
	if e.created {
		a.ScoreParts = score(a.Severity, f.Level, e.f.Exposure, e.f.Rule, a.Count)
	} else {
		a.ScoreParts[partRepetition] = repetition(a.Count)
	}
	a.Score = sum(a.ScoreParts)
	a.Changed = b.now
	if !e.touched {
		e.touched = true
		if !e.created {
			a.Version++
		}
		b.touched = append(b.touched, e)
	}
}

// flooded counts a new alert of a rule on a system and says whether it is one too many in its minute of receipt. The receipt, not the
// wall clock, decides, so that a replay after a crash folds the same hits.
func (b *batch) flooded(f *Firing) (bool, error) {
	at := b.now
	if f.Event != nil && f.Event.Created > 0 {
		at = f.Event.Created
	}
	minute := at / 60_000
	id := [2]string{f.Hit.Rule, f.Hit.System}
	r := b.rates[id]
	if r == nil {
		row, err := b.q.Rate(b.ctx, db.RateParams{Rule: id[0], System: id[1]})
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, fmt.Errorf("read rate of rule: %w", err)
		}
		r = &rate{minute: row.Minute, created: row.Created}
		b.rates[id] = r
	}
	if r.minute != minute {
		r.minute, r.created = minute, 0
	}
	if r.created >= int64(b.s.c.Flood) {
		return true, nil
	}
	r.created++
	r.changed = true
	return false, nil
}

func (b *batch) keepRule(f *Firing) error {
	version := f.Hit.RuleVersion
	if version == "" {
		version = f.Rule.Version
	}
	k := [2]string{f.Hit.Rule, version}
	b.s.mu.Lock()
	known := b.s.rules[k]
	b.s.mu.Unlock()
	if known || slices.Contains(b.rules, k) {
		return nil
	}
	if err := b.q.PutRule(b.ctx, db.PutRuleParams{Rule: k[0], Version: k[1], Info: text(f.Rule)}); err != nil {
		return fmt.Errorf("keep rule %s: %w", k[0], err)
	}
	b.rules = append(b.rules, k)
	return nil
}

func (b *batch) write() error {
	for _, e := range b.touched {
		var err error
		if e.created {
			err = b.insert(e)
		} else {
			a := &e.a
			err = b.q.UpdateHits(b.ctx, db.UpdateHitsParams{ID: a.ID, Score: int64(a.Score), ScoreParts: text(a.ScoreParts), FirstMs: a.First,
				LastMs: a.Last, Changed: a.Changed, Hits: a.Count, Folded: a.Folded, Events: text(a.Events), Personal: a.Personal, Version: a.Version})
		}
		if err != nil {
			return fmt.Errorf("store alert %s: %w", e.a.Number, err)
		}
		for _, n := range e.notes {
			if err := b.q.InsertNote(b.ctx, db.InsertNoteParams{Alert: e.a.ID, Time: n.Time, Actor: n.Actor, Name: n.Name, Action: n.Action,
				Text: n.Text, Reason: n.Reason}); err != nil {
				return fmt.Errorf("store history of %s: %w", e.a.Number, err)
			}
		}
		if e.created && b.s.c.Record != nil {
			details := map[string]string{"rule": e.a.Rule, "rule_version": e.a.RuleVersion, "system": e.a.System, "event": e.f.Hit.Event}
			if e.a.Demo {
				details["demo"] = "true"
			}
			if _, err := b.s.c.Record(b.ctx, b.tx, soc.Deed{Time: b.now, Actor: soc.Machine, Action: "alert.create", Object: e.a.Number,
				After: bound(&e.a, e.notes), Details: details}); err != nil {
				return err
			}
		}
		if b.s.c.Outbox != nil {
			if err := b.s.c.Outbox(b.ctx, b.tx, e.a, e.created); err != nil {
				return fmt.Errorf("hand on alert %s: %w", e.a.Number, err)
			}
		}
	}
	for id, r := range b.rates {
		if !r.changed {
			continue
		}
		if err := b.q.PutRate(b.ctx, db.PutRateParams{Rule: id[0], System: id[1], Minute: r.minute, Created: r.created}); err != nil {
			return fmt.Errorf("store rate of rule: %w", err)
		}
	}
	return nil
}

func (b *batch) insert(e *episode) error {
	a := &e.a
	if err := b.q.InsertAlert(b.ctx, db.InsertAlertParams{
		ID: a.ID, Number: a.Number, Episode: e.key, Rule: a.Rule, RuleVersion: a.RuleVersion, Title: text(a.Title), Severity: string(a.Severity),
		SeverityRank: rank(a.Severity), Score: int64(a.Score), ScoreParts: text(a.ScoreParts), System: a.System, Unit: a.Unit, Source: a.Source,
		Host: a.Host, Username: a.User, Address: a.Address, GroupValues: text(a.Group), State: a.State, FirstMs: a.First, LastMs: a.Last,
		Created: a.Created, Changed: a.Changed, Hits: a.Count, Folded: a.Folded, Events: text(a.Events), Evidence: a.Evidence,
		Trace: text(a.Trace), Attack: text(a.Attack), Previous: a.Previous, Exercise: a.Exercise, Demo: a.Demo, Personal: a.Personal,
		Version: a.Version,
	}); err != nil {
		return err
	}
	return b.q.InsertWords(b.ctx, db.InsertWordsParams{Alert: a.ID, Words: searchText(a)})
}

func searchText(a *soc.Alert) string {
	words := []string{a.Number, a.Rule, a.System, a.Source, a.Host, a.User, a.Address, a.Evidence}
	for _, t := range a.Title {
		words = append(words, t)
	}
	for _, g := range a.Group {
		words = append(words, g.Value)
	}
	words = append(words, a.Attack...)
	return state.Fold(strings.Join(words, " "))
}

// key is what makes hits one episode (decision 5): rule, system, and the first of the rule's group-by, host, user, source address.
type key struct {
	hash                string
	host, user, address string
	group               []soc.GroupValue
}

func keyOf(f *Firing) key {
	k := key{group: f.Hit.Group}
	if e := f.Event; e != nil {
		k.host = strings.ToLower(strings.Clone(firstText(e, ecs.HostName, ecs.HostHostname)))
		k.user = strings.Clone(e.Text(ecs.UserName))
		k.address = strings.Clone(firstText(e, ecs.SourceIP, ecs.SourceAddress))
	}
	for _, g := range f.Hit.Group { // a correlation's last event may name another host than its group does
		switch g.Field {
		case "host.name":
			k.host = strings.ToLower(g.Value)
		case "user.name":
			k.user = g.Value
		case "source.ip":
			k.address = g.Value
		}
	}
	k.host, k.user, k.address = storable(k.host), storable(k.user), storable(k.address)
	for i, g := range k.group {
		if v := storable(g.Value); v != g.Value {
			if &k.group[0] == &f.Hit.Group[0] { // the hit stays as detection made it
				k.group = slices.Clone(k.group)
			}
			k.group[i].Value = v
		}
	}
	parts := []string{"entity"}
	switch {
	case len(k.group) > 0:
		parts[0] = "group"
		for _, g := range k.group {
			parts = append(parts, g.Field, g.Value)
		}
	case k.host != "":
		parts = append(parts, "host", k.host)
	case k.user != "":
		parts = append(parts, "user", k.user)
	case k.address != "":
		parts = append(parts, "address", k.address)
	}
	if k.group == nil {
		k.group = []soc.GroupValue{}
	}
	k.hash = keyHash(f, parts)
	return k
}

func floodKey(f *Firing) key {
	return key{hash: keyHash(f, []string{"flood"}), group: []soc.GroupValue{}}
}

// keyHash keeps exercises and sample data apart from real hits of the same key.
func keyHash(f *Firing, parts []string) string {
	h := sha256.New()
	for _, p := range append([]string{f.Hit.Rule, f.Hit.System, fmt.Sprint(f.Hit.Exercise, f.Hit.Demo)}, parts...) {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

func alertID(rule, key, event string) string {
	h := sha256.New()
	for _, p := range []string{"alert", rule, key, event} {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return letters.EncodeToString(h.Sum(nil)[:16])
}

// storable is a sender's text as a database takes it: a byte that is no UTF-8, and a NUL, which PostgreSQL refuses, become U+FFFD.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

func firstText(e *ecs.Event, fields ...ecs.Field) string {
	for _, f := range fields {
		if t := e.Text(f); t != "" {
			return t
		}
	}
	return ""
}

// Package detections turns events into hits: it loads Sigma rules (sigma), resolves their field names (taxonomy), matches
// events against all of them at once and correlates the hits over event time (correlate).
//
// Words: a rule yields a Hit for an event; a correlation yields a Hit for a group of hits. A Pack is a tree of rule files with an
// origin. See package sigma for what a rule means, package correlate for windows and lateness.
//
// Contract: an Engine may be used by any number of goroutines. Process must be called in the order of the stream, one call at a
// time (it locks). A rule that fails on an event (a panic) does not hold for it, is named by Faults and Ready, and ends neither the process
// nor the other rules. A reload compiles aside and swaps at once; state of correlations whose text did not change is kept.
//
// To add a rule: rules/<product>/<category>/<name>.yml with its texts under "hoalu:", and testdata/<name>.ndjson with
// events that match and events that miss; a walk test proves both. Texts for an imported rule: overlay/*.yml.
package detections

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hoalu/detections/correlate"
	"hoalu/detections/sigma"
	"hoalu/ecs"
	"hoalu/internal/wording"
	"hoalu/soc"
)

// Config says which rules run.
type Config struct {
	Packs []Pack `yaml:"-"` // nil: the product's own pack
	// more rules: files, folders, .zip; origin "sigmahq" for an archive of SigmaHQ, else "local"
	Paths        []string            `yaml:"paths"`
	Placeholders map[string][]string `yaml:"placeholders"` // values of %name% for rules that use expand
	Disabled     []string            `yaml:"disabled"`     // rule ids that shall not run
	MaxKeys      int                 `yaml:"max_keys"`     // correlation groups held; 0 is 200,000

	// Protect says what stands in events in place of a citizen's identifier (decision 17); see sigma.Values.
	Protect func(literal string, whole bool) (tokens []string, err error) `yaml:"-"`
}

// Validate names every value that cannot be.
func (c Config) Validate() error {
	var errs []error
	if c.MaxKeys < 0 {
		errs = append(errs, wording.New("detections.max_keys: must be 0 or more, is %d", c.MaxKeys))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Placeholders)) {
		if len(c.Placeholders[name]) == 0 {
			errs = append(errs, wording.New("detections.placeholders: %s has no values", name))
		}
	}
	return errors.Join(errs...)
}

// Refusal is a document that was not loaded: File, Rule, Why.
type Refusal = sigma.Refusal

// Engine runs the rules.
type Engine struct {
	log   *slog.Logger
	texts map[string]Text
	run   atomic.Pointer[loaded]

	loading sync.Mutex // one reload at a time; guards cfg
	cfg     Config

	mu         sync.Mutex            // guards what follows: the stream and its state
	matcher    *sigma.Matcher        // of run's set
	correlator *correlate.Correlator // of run's set
	sequence   uint64
	faults     map[string]*Fault // by rule
	at         string            // event the correlator is fed with
	found      []*sigma.Rule
	firings    []correlate.Firing
}

// loaded is one compiled state of all rules; immutable.
type loaded struct {
	set     *sigma.Set
	refused []Refusal
	infos   []soc.RuleInfo
	byID    map[string]int
	correls map[string]*sigma.Correlation // by id
	named   map[string]*sigma.Correlation // by id and by name
}

// New loads and compiles the rules of cfg. A refused rule is no error; see Refused.
func New(cfg Config, log *slog.Logger) (*Engine, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	texts, err := loadOverlay(overlay)
	if err != nil {
		return nil, err
	}
	g := &Engine{log: log.With("component", "detections"), texts: texts}
	if err := g.Configure(cfg); err != nil {
		return nil, err
	}
	return g, nil
}

// Configure loads other rules and swaps the compiled set at once; on error the old one goes on.
func (g *Engine) Configure(cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	g.loading.Lock()
	defer g.loading.Unlock()
	if err := g.reload(cfg); err != nil {
		return err
	}
	g.cfg = cfg
	return nil
}

// Reload reads the packs again and swaps the compiled set at once; on error the old one goes on.
func (g *Engine) Reload() error {
	g.loading.Lock()
	defer g.loading.Unlock()
	return g.reload(g.cfg)
}

func (g *Engine) reload(cfg Config) error {
	began := time.Now()
	set, refused, err := load(cfg)
	if err != nil {
		return err
	}
	next := &loaded{set: set, refused: refused, byID: map[string]int{}, correls: map[string]*sigma.Correlation{},
		named: map[string]*sigma.Correlation{}}
	for _, r := range set.Rules {
		next.infos = append(next.infos, g.ruleInfo(r))
	}
	for _, c := range set.Correlations {
		next.correls[c.ID] = c
		next.named[c.ID] = c
		if c.Name != "" && next.named[c.Name] == nil {
			next.named[c.Name] = c
		}
	}
	for _, c := range set.Correlations {
		next.infos = append(next.infos, g.correlationInfo(c, next))
	}
	slices.SortStableFunc(next.infos, func(a, b soc.RuleInfo) int { return cmp.Compare(a.File, b.File) })
	for i := range next.infos {
		next.byID[next.infos[i].ID] = i
	}
	level := slog.LevelDebug // a start says nothing of what went as it should
	if old := g.run.Load(); old != nil {
		set.Warm(old.set)
		level = slog.LevelInfo
	}
	if len(refused) > 0 {
		level = slog.LevelInfo
	}

	g.mu.Lock()
	defer g.mu.Unlock()
	fresh := correlate.New(set, cfg.MaxKeys)
	if g.correlator != nil {
		if _, err := fresh.Restore(g.correlator.Snapshot(g.sequence)); err != nil {
			return fmt.Errorf("carry correlation state over: %w", err)
		}
	}
	fresh.Fault = func(c *sigma.Correlation, v any) { g.fault(c.ID, g.at, v) }
	g.correlator, g.matcher, g.faults = fresh, set.NewMatcher(), map[string]*Fault{}
	g.run.Store(next)
	g.log.Log(context.Background(), level, "rules loaded", "rules", len(set.Rules), "correlations", len(set.Correlations), "refused", len(refused), "took",
		time.Since(began))
	return nil
}

// Match appends the rules that hold for e and alert by themselves.
func (g *Engine) Match(e *ecs.Event, dst []*sigma.Rule) []*sigma.Rule {
	from := len(dst)
	dst = g.run.Load().set.Match(e, dst)
	return alerting(dst, from)
}

// Hits are the hits of single rules on events. Correlations neither see the events nor hit. A rule that fails on an event does not hold for
// it, as in Process.
func (g *Engine) Hits(events []*ecs.Event) []soc.Hit {
	g.mu.Lock()
	defer g.mu.Unlock()
	var hits []soc.Hit
	for _, e := range events {
		for _, r := range alerting(g.match(e, nil), 0) {
			hits = append(hits, hitOf(r, e))
		}
	}
	return hits
}

// hitOf is a hit of a single rule.
func hitOf(r *sigma.Rule, e *ecs.Event) soc.Hit {
	return soc.Hit{Rule: r.ID, RuleVersion: r.Version, Event: e.ID, System: e.System, Source: e.Source, Time: e.Time,
		Exercise: e.Text(ecs.HoaluExercise) == "true", Demo: e.Text(ecs.HoaluDemo) == "true"}
}

// alerting drops rules that only feed correlations, from a position on, and sorts the others by id.
func alerting(rules []*sigma.Rule, from int) []*sigma.Rule {
	out := rules[:from]
	for _, r := range rules[from:] {
		if r.Generate {
			out = append(out, r)
		}
	}
	slices.SortFunc(out[from:], func(a, b *sigma.Rule) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Explain says line by line what the rule looked at in e; nil when there is no such rule.
func (g *Engine) Explain(ruleID string, e *ecs.Event) []soc.Condition {
	set := g.run.Load().set
	if r := set.Rule(ruleID); r != nil {
		return set.Explain(r, e)
	}
	return nil
}

// ExplainHit is Explain for a hit. For a correlation it is the count line (Op "count") and a line for each group-by value. A rule that
// cannot be explained (a panic) is noted as failed and has no lines: its alert must not wait for them.
func (g *Engine) ExplainHit(h soc.Hit, e *ecs.Event) (lines []soc.Condition) {
	defer func() {
		if v := recover(); v != nil {
			lines = nil
			g.mu.Lock()
			g.fault(h.Rule, h.Event, v)
			g.mu.Unlock()
		}
	}()
	l := g.run.Load()
	c := l.correls[h.Rule]
	if c == nil {
		return g.Explain(h.Rule, e)
	}
	counted := &soc.Counted{Type: c.Type, Rules: []soc.RuleRef{}, Fields: c.Fields, Timespan: c.Timespan, Partly: c.Needs != nil}
	var want []string
	for _, b := range c.Bounds {
		want = append(want, b.Op+" "+strconv.FormatFloat(b.Value, 'f', -1, 64))
		counted.Bounds = append(counted.Bounds, soc.Bound{Op: b.Op, Value: b.Value})
	}
	if len(want) == 0 {
		want = []string{c.Type + " " + strings.Join(c.Refs, ", ")}
	}
	for _, ref := range c.Refs {
		counted.Rules = append(counted.Rules, l.ref(ref))
	}
	out := []soc.Condition{{
		Op:      "count",
		Field:   strings.Join(c.Fields, ", "),
		Want:    strings.Join(want, ", ") + " / " + (time.Duration(c.Timespan) * time.Millisecond).String(),
		Got:     strconv.FormatInt(h.Count, 10),
		Matched: true,
		Counted: counted,
	}}
	for _, v := range h.Group {
		out = append(out, soc.Condition{Op: "group", Field: v.Field, Got: v.Value, Matched: true})
	}
	return out
}

// ref names what a correlation refers to by id or name.
func (l *loaded) ref(key string) soc.RuleRef {
	id := l.id(key)
	if i, ok := l.byID[id]; ok {
		return soc.RuleRef{ID: id, Title: l.infos[i].Title}
	}
	return soc.RuleRef{ID: id, Title: map[string]string{}}
}

// id is that of the rule or correlation of this id or name.
func (l *loaded) id(key string) string {
	if r := l.set.Rule(key); r != nil {
		return r.ID
	}
	if c := l.named[key]; c != nil {
		return c.ID
	}
	return key
}

// Rules lists every rule and correlation that runs, by file. The list is shared; do not change it.
func (g *Engine) Rules() []soc.RuleInfo { return g.run.Load().infos }

// OfTechnique lists the ids of the rules that name an ATT&CK technique or a part of it, of those in among where it names any; one id that
// no rule has, where that leaves none.
func (g *Engine) OfTechnique(technique string, among []string) []string {
	var ids []string
	for _, r := range g.Rules() {
		named := func(t string) bool { return t == technique || strings.HasPrefix(t, technique+".") }
		if slices.ContainsFunc(r.Attack, named) && (len(among) == 0 || slices.Contains(among, r.ID)) {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) == 0 {
		return []string{"-"}
	}
	return ids
}

// Rule is what people see of one rule.
func (g *Engine) Rule(id string) (soc.RuleInfo, bool) {
	l := g.run.Load()
	i, ok := l.byID[id]
	if !ok {
		return soc.RuleInfo{}, false
	}
	return l.infos[i], true
}

// Refused lists what was not loaded.
func (g *Engine) Refused() []Refusal { return g.run.Load().refused }

// Process matches events in the order of the stream, feeds the correlations and returns the hits that alert.
func (g *Engine) Process(events []*ecs.Event) []soc.Hit {
	g.mu.Lock()
	defer g.mu.Unlock()
	var hits []soc.Hit
	for _, e := range events {
		g.found = g.match(e, g.found[:0])
		ce := correlate.Event{ID: e.ID, Time: e.Time, Created: e.Created}
		if len(g.found) > 0 {
			ce.Exercise, ce.Demo = e.Text(ecs.HoaluExercise) == "true", e.Text(ecs.HoaluDemo) == "true"
			ce.Rules, ce.Value = g.found, g.matcher.Value
		}
		g.at = e.ID
		g.firings = g.correlator.Feed(&ce, g.firings[:0])
		for _, r := range alerting(g.found, 0) {
			hits = append(hits, hitOf(r, e))
		}
		for _, f := range g.firings {
			if f.Correlation.Alert {
				hits = append(hits, soc.Hit{Rule: f.Correlation.ID, RuleVersion: f.Correlation.Version, Event: e.ID, Events: f.Events,
					System: e.System, Source: e.Source, Time: f.Time, Group: f.Group, Count: f.Count, Exercise: f.Exercise, Demo: f.Demo})
			}
		}
	}
	return hits
}

// match gives the rules that hold for e. Where the matcher fails on it, each rule is asked alone and the one that fails is noted.
func (g *Engine) match(e *ecs.Event, dst []*sigma.Rule) (out []*sigma.Rule) {
	kept := len(dst)
	defer func() {
		if v := recover(); v != nil {
			g.matcher = g.run.Load().set.NewMatcher() // the old one's scratch may be half written
			noted := false
			out = g.matcher.MatchEach(e, dst[:kept], func(r *sigma.Rule, v any) {
				noted = true
				id := ""
				if r != nil {
					id = r.ID
				}
				g.fault(id, e.ID, v)
			})
			if !noted { // it fails only together with others
				g.fault("", e.ID, v)
			}
		}
	}()
	return g.matcher.Match(e, dst)
}

// Fault is a rule that failed (a panic) on events: a fault of ours. The rule did not hold for those events; for all others it runs.
type Fault struct {
	Rule  string // id; "" the event could not be read by any rule
	Times int64
	Event string // the newest it failed on
	Cause string
	Last  int64 // Unix ms
}

// fault notes one; mu is held.
func (g *Engine) fault(rule, event string, v any) {
	f := g.faults[rule]
	if f == nil {
		f = &Fault{Rule: rule}
		g.faults[rule] = f
		g.log.Error("a rule failed on an event; it goes on for others", "rule.id", rule, "event.id", event, "error", v, "error.stack_trace",
			string(debug.Stack()))
	}
	f.Times++
	f.Event, f.Cause, f.Last = event, fmt.Sprint(v), time.Now().UnixMilli()
}

// Faults are the rules that failed on events since the rules were loaded, by id.
func (g *Engine) Faults() []Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []Fault
	for _, id := range slices.Sorted(maps.Keys(g.faults)) {
		out = append(out, *g.faults[id])
	}
	return out
}

// faultShown is how long Ready names a rule after it failed last.
const faultShown = time.Hour

// Ready names the rules that failed on an event within the last hour; nil when none did.
func (g *Engine) Ready() error {
	var errs []error
	for _, f := range g.Faults() {
		if time.Since(time.UnixMilli(f.Last)) > faultShown {
			continue
		}
		if f.Rule == "" {
			errs = append(errs, wording.New("matching failed on %d events, the last is %s: %s", f.Times, f.Event, f.Cause))
			continue
		}
		errs = append(errs, wording.New("rule %s failed on %d events, the last is %s: %s", f.Rule, f.Times, f.Event, f.Cause))
	}
	return errors.Join(errs...)
}

// Stats are figures for metrics.
type Stats struct {
	Faults                       int64 // events that some rule failed on
	Rules, Correlations, Refused int
	Keys                         int   // correlation groups held
	Evicted                      int64 // groups given up for want of room
}

// Stats reads them.
func (g *Engine) Stats() Stats {
	l := g.run.Load()
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Stats{Rules: len(l.set.Rules), Correlations: len(l.set.Correlations), Refused: len(l.refused), Keys: g.correlator.Keys(),
		Evicted: g.correlator.Evicted}
	for _, f := range g.faults {
		s.Faults += f.Times
	}
	return s
}

// Mark notes the queue sequence all events up to which Process has seen; Snapshot carries it.
func (g *Engine) Mark(seq uint64) {
	g.mu.Lock()
	g.sequence = seq
	g.mu.Unlock()
}

// Sequence is the last Mark, or that of the restored snapshot.
func (g *Engine) Sequence() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sequence
}

// Snapshot renders the state of the correlations with the sequence.
func (g *Engine) Snapshot() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.correlator.Snapshot(g.sequence)
}

// Restore takes a Snapshot of this or the version before; state of correlations that changed is left out. On error nothing
// changes. Errors to branch on: correlate.ErrMagic, ErrVersion, ErrCorrupt.
func (g *Engine) Restore(data []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	seq, err := g.correlator.Restore(data)
	if err != nil {
		return fmt.Errorf("restore correlation state: %w", err)
	}
	g.sequence = seq
	return nil
}

func (g *Engine) ruleInfo(r *sigma.Rule) soc.RuleInfo {
	info := g.info(&r.Meta)
	info.Logsource = map[string]string{}
	for _, p := range []struct{ key, val string }{{"product", r.LogSource.Product}, {"service", r.LogSource.Service},
		{"category", r.LogSource.Category}} {
		if p.val != "" {
			info.Logsource[p.key] = p.val
		}
	}
	return info
}

func (g *Engine) correlationInfo(c *sigma.Correlation, l *loaded) soc.RuleInfo {
	info := g.info(&c.Meta)
	info.Correlation = true
	info.CountsAll = (c.Type == sigma.Temporal || c.Type == sigma.TemporalOrdered) && c.Needs == nil
	for _, ref := range c.Refs {
		info.Counts = append(info.Counts, l.id(ref))
	}
	return info
}

func (g *Engine) info(m *sigma.Meta) soc.RuleInfo {
	info := soc.RuleInfo{
		ID: m.ID, Version: m.Version, Severity: soc.Severity(m.Level), Status: m.Status, Tags: m.Tags, Origin: m.Origin, File: m.File,
		Text:    m.Text,
		Title:   map[string]string{"vi": m.Title, "en": m.Title},
		Why:     map[string]string{"vi": m.Description, "en": m.Description},
		Runbook: map[string][]string{},
	}
	if m.Level == "" {
		info.Severity = soc.Medium // a rule without a level is for people to judge, not to hide
	}
	set := func(lang string, t sigma.Texts) {
		if t.Title != "" {
			info.Title[lang] = t.Title
		}
		if t.Why != "" {
			info.Why[lang] = t.Why
		}
	}
	for lang, t := range m.Texts {
		set(lang, t)
	}
	maps.Copy(info.Runbook, m.Runbook)
	if t, ok := g.texts[m.ID]; ok {
		if t.VI != nil {
			set("vi", *t.VI)
		}
		if t.EN != nil {
			set("en", *t.EN)
		}
		maps.Copy(info.Runbook, t.Runbook)
	}
	for _, tag := range m.Tags {
		if t, ok := strings.CutPrefix(strings.ToLower(tag), "attack.t"); ok && len(t) >= 4 && t[0] >= '0' && t[0] <= '9' {
			info.Attack = append(info.Attack, "T"+t)
		}
	}
	return info
}

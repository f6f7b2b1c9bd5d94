// Package compliance works out, from live telemetry, how each system meets the level-3 requirements, the four organisational layers of
// protection and the four technical layers, and keeps that as a history of intervals (decision 24).
//
// Words: a control is one requirement (yêu cầu) of the catalogue, or one layer; a policy is its Rego file under policies/<framework>/, found by
// the METADATA that names framework and control; a Finding is the state of one control on one system since when, with reasons and
// evidence; an interval is a Finding's life in the history.
//
// Contract: silence turns green to unknown. A policy concludes met or not met with evidence, each piece with the instant it was true and how
// long that may be believed; the host makes the conclusion unknown when any of it is older, whatever the policy says, and keeps what was
// last known. A control without a policy is unknown (no_check), never anything else. Round computes every system; between rounds nothing
// changes. Methods are safe for concurrent use.
//
// To add a control's check: policies/<framework>/<control>.rego with METADATA and a _test.rego with its four states; nothing else.
package compliance

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"gopkg.in/yaml.v3"

	"hoalu/compliance/facts"
	"hoalu/compliance/internal/db"
	"hoalu/soc"
	"hoalu/state"
)

//go:embed policies
var policies embed.FS

// Frameworks of controls.
const (
	Level3       = "level3"
	Organisation = "organisation" // LAYER-1 … LAYER-4 of the four-layer model
	Technical    = "technical"    // TECH-NETWORK, TECH-APPLICATION, TECH-DATABASE, TECH-ENDPOINT
)

// Control is one requirement of the catalogue; texts in both languages, certainty marks as in the law notes.
type Control struct {
	ID        string `json:"id" yaml:"id"`
	Framework string `json:"framework" yaml:"-"`
	Group     string `json:"group" yaml:"group"`
	VI        string `json:"vi" yaml:"vi"`
	EN        string `json:"en" yaml:"en"`
	Req       string `json:"req" yaml:"req"`
	Param     string `json:"param" yaml:"param"`
	Ref       struct {
		TCVN11930 string `json:"tcvn11930" yaml:"tcvn11930"`
		TT12      string `json:"tt12" yaml:"tt12"`
		TCVN14423 string `json:"tcvn14423" yaml:"tcvn14423"`
	} `json:"ref" yaml:"ref"`
	Evidence struct {
		Mode string `json:"mode" yaml:"mode"`
		How  string `json:"how" yaml:"how"`
	} `json:"evidence" yaml:"evidence"`
	Cert struct {
		Clause string `json:"clause" yaml:"clause"`
		Text   string `json:"text" yaml:"text"`
		Param  string `json:"param" yaml:"param"`
	} `json:"cert" yaml:"cert"`
	Checked bool `json:"checked" yaml:"-"` // a policy decides it
}

var layers = []Control{
	{ID: "LAYER-1", Framework: Organisation, VI: "Lực lượng tại chỗ", EN: "On-site force"},
	{ID: "LAYER-2", Framework: Organisation, VI: "Tổ chức hoặc thuê doanh nghiệp giám sát, bảo vệ chuyên nghiệp", EN: "Own or hired professional monitoring and protection"},
	{ID: "LAYER-3", Framework: Organisation, VI: "Tổ chức hoặc thuê doanh nghiệp độc lập kiểm tra, đánh giá định kỳ", EN: "Own or hired independent periodic assessment"},
	{ID: "LAYER-4", Framework: Organisation, VI: "Kết nối, chia sẻ thông tin với hệ thống giám sát quốc gia", EN: "Link and share information with the national monitoring system"},
	{ID: "TECH-NETWORK", Framework: Technical, VI: "Mạng", EN: "Network"},
	{ID: "TECH-APPLICATION", Framework: Technical, VI: "Ứng dụng", EN: "Application"},
	{ID: "TECH-DATABASE", Framework: Technical, VI: "Cơ sở dữ liệu", EN: "Database"},
	{ID: "TECH-ENDPOINT", Framework: Technical, VI: "Thiết bị đầu cuối", EN: "Endpoint"},
}

// Result is a Finding with the score of an organisational layer (0 none, 1 on paper, 2 proven by fresh evidence, 3 proven
// automatically in the last 24 hours; -1 elsewhere).
type Result struct {
	soc.Finding
	Score int `json:"score"`
}

// Checks evaluates policies. Immutable, safe for concurrent use.
type Checks struct {
	query    rego.PreparedEvalQuery            // all policies at once
	single   map[string]rego.PreparedEvalQuery // by control: where one fails, the others still conclude
	controls []Control
	policy   map[string]policyRef // by control
}

type policyRef struct{ framework, name, version string }

// Load compiles the embedded policies and catalogue.
func Load(ctx context.Context) (*Checks, error) {
	c := &Checks{policy: map[string]policyRef{}}
	raw, err := policies.ReadFile("policies/level3/controls.yaml")
	if err != nil {
		return nil, err
	}
	var doc struct{ Controls []Control }
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("read level-3 catalogue: %w", err)
	}
	for _, x := range doc.Controls {
		x.Framework = Level3
		c.controls = append(c.controls, x)
	}
	c.controls = append(c.controls, layers...)
	return c, c.load(ctx, policies)
}

// load compiles the policies in files; the catalogue is there.
func (c *Checks) load(ctx context.Context, files fs.FS) error {
	modules := map[string]*ast.Module{}
	err := fs.WalkDir(files, "policies", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(p) != ".rego" || strings.HasSuffix(p, "_test.rego") {
			return err
		}
		text, err := fs.ReadFile(files, p)
		if err != nil {
			return err
		}
		module, err := ast.ParseModuleWithOpts(p, string(text), ast.ParserOptions{ProcessAnnotation: true})
		if err != nil {
			return fmt.Errorf("policy %s: %w", p, err)
		}
		modules[p] = module
		for _, a := range module.Annotations {
			if a.Scope != "package" {
				continue
			}
			control, _ := a.Custom["control"].(string)
			framework, _ := a.Custom["framework"].(string)
			if control == "" {
				continue
			}
			if framework != path.Base(path.Dir(p)) {
				return fmt.Errorf("policy %s: METADATA names framework %q", p, framework)
			}
			parts := strings.Split(module.Package.Path.String(), ".")
			sum := sha256.Sum256(text)
			c.policy[control] = policyRef{framework, parts[len(parts)-1], hex.EncodeToString(sum[:6])}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range c.controls {
		_, c.controls[i].Checked = c.policy[c.controls[i].ID]
	}
	for id := range c.policy {
		if !slices.ContainsFunc(c.controls, func(x Control) bool { return x.ID == id }) {
			return fmt.Errorf("policy of %s: no such control in the catalogue", id)
		}
	}
	return c.prepare(ctx, modules)
}

// prepare compiles the modules once for all queries.
func (c *Checks) prepare(ctx context.Context, modules map[string]*ast.Module) (err error) {
	compiler := ast.NewCompiler()
	if compiler.Compile(modules); compiler.Failed() {
		return fmt.Errorf("compile policies: %w", compiler.Errors)
	}
	query := func(q string) (rego.PreparedEvalQuery, error) {
		return rego.New(rego.Compiler(compiler), rego.Query(q), rego.StrictBuiltinErrors(true)).PrepareForEval(ctx)
	}
	if c.query, err = query("data.hoalu.policies"); err != nil {
		return fmt.Errorf("compile policies: %w", err)
	}
	c.single = map[string]rego.PreparedEvalQuery{}
	for id, ref := range c.policy {
		if c.single[id], err = query(fmt.Sprintf("data.hoalu.policies.%s.%s", ref.framework, ref.name)); err != nil {
			return fmt.Errorf("compile policy of %s: %w", id, err)
		}
	}
	return nil
}

// Controls lists the catalogue in its order, the layers last.
func (c *Checks) Controls() []Control { return c.controls }

// Control returns one control.
func (c *Checks) Control(id string) (Control, bool) {
	i := slices.IndexFunc(c.controls, func(x Control) bool { return x.ID == id })
	if i < 0 {
		return Control{}, false
	}
	return c.controls[i], true
}

type verdict struct {
	State    soc.PostureState `json:"state"`
	Because  []soc.Because    `json:"because"`
	Evidence []soc.Evidence   `json:"evidence"`
	Score    *int             `json:"score"`
}

type answer struct {
	Result *verdict `json:"result"`
}

// evaluate decodes what a query gives for facts into v, which stays as it is where nothing is defined.
func evaluate(ctx context.Context, q rego.PreparedEvalQuery, f facts.Facts, v any) error {
	set, err := q.Eval(ctx, rego.EvalInput(f))
	if err != nil || len(set) != 1 {
		return err
	}
	raw, err := json.Marshal(set[0].Expressions[0].Value)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, v)
}

// Evaluate concludes every checked control for one system. A policy that gives no answer, or fails, is unknown with that reason and
// holds no other back; the failures are the error, beside a result for every control.
func (c *Checks) Evaluate(ctx context.Context, f facts.Facts) (map[string]Result, error) {
	all := map[string]map[string]answer{}
	var failed []error
	if err := evaluate(ctx, c.query, f, &all); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		clear(all)
		for id, ref := range c.policy {
			var one answer
			if err := evaluate(ctx, c.single[id], f, &one); err != nil {
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				failed = append(failed, fmt.Errorf("policy of %s for %s: %w", id, f.System.ID, err))
				continue
			}
			if all[ref.framework] == nil {
				all[ref.framework] = map[string]answer{}
			}
			all[ref.framework][ref.name] = one
		}
	}
	out := make(map[string]Result, len(c.policy))
	for id, ref := range c.policy {
		r := Result{Finding: soc.Finding{System: f.System.ID, Control: id, Computed: f.Now, Policy: ref.version, Because: []soc.Because{}, Evidence: []soc.Evidence{}}, Score: -1}
		v := all[ref.framework][ref.name].Result
		switch {
		case v == nil:
			r.State, r.Because = soc.Unknown, []soc.Because{{Code: "policy_gave_no_answer"}}
		default:
			r.State, r.Because = v.State, v.Because
			if v.Evidence != nil {
				r.Evidence = v.Evidence
			}
			if v.Score != nil {
				r.Score = *v.Score
			}
			switch r.State {
			case soc.Met, soc.NotMet:
				judgeAge(&r, f.Now)
			case soc.Unknown, soc.NotApplicable:
			default:
				r.State, r.Because = soc.Unknown, []soc.Because{{Code: "policy_gave_no_answer"}}
			}
		}
		out[id] = r
	}
	return out, errors.Join(failed...)
}

// clockSlack is how far ahead of now evidence may be: more means that the clock was set back, and its age cannot be told.
const clockSlack = 5 * 60_000

// judgeAge makes a conclusion unknown when evidence it rests on is missing, older than its limit or from the future.
func judgeAge(r *Result, now int64) {
	if len(r.Evidence) == 0 {
		r.LastKnown, r.State = r.State, soc.Unknown
		r.Because = append([]soc.Because{{Code: "no_evidence"}}, r.Because...)
		return
	}
	for _, e := range r.Evidence {
		if now-e.At > e.MaxAge || e.At-now > clockSlack {
			r.LastKnown, r.State = r.State, soc.Unknown
			if r.Score > 1 {
				r.Score = 1
			}
			r.Because = append([]soc.Because{{Code: "evidence_stale", Values: map[string]string{"evidence": e.ID}}}, r.Because...)
			return
		}
	}
}

// Provider gathers the facts of every system; it is the appliance.
type Provider func(ctx context.Context) ([]facts.Facts, error)

// Hooks are what the surrounding appliance lends.
type Hooks struct {
	Record func(ctx context.Context, tx *sql.Tx, d soc.Deed) error // posture changes go into the audit and evidence log
	Notify func(soc.Notice)
}

// Service computes and keeps posture.
type Service struct {
	checks *Checks
	state  *state.DB
	facts  Provider
	hooks  Hooks
	log    *slog.Logger
	every  time.Duration

	mu       sync.RWMutex
	now      map[string]map[string]Result // system → control
	written  map[string]int64             // system → when all its evidence was last refreshed in the history
	computed int64
	failure  string
}

// New returns the service; every is how often it computes (30 s is what ten minutes to unknown needs with room).
func New(checks *Checks, st *state.DB, p Provider, hooks Hooks, every time.Duration, log *slog.Logger) *Service {
	return &Service{checks: checks, state: st, facts: p, hooks: hooks, every: every, log: log.With("component", "posture"), now: map[string]map[string]Result{}, written: map[string]int64{}}
}

// Checks returns the policies in force.
func (s *Service) Checks() *Checks { return s.checks }

// Load reads the intervals that held when the appliance stopped. They are shown with their old age until the first round.
func (s *Service) Load(ctx context.Context) error {
	rows, err := db.New(s.state.Read()).Current(ctx)
	if err != nil {
		return fmt.Errorf("read posture: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, row := range rows {
		r, err := fromRow(row)
		if err != nil {
			return err
		}
		if s.now[r.System] == nil {
			s.now[r.System] = map[string]Result{}
		}
		s.now[r.System][r.Control] = r
		s.computed = max(s.computed, r.Computed)
	}
	return nil
}

// Run computes until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	for {
		err := s.Round(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.mu.Lock()
		s.failure = ""
		if err != nil {
			s.failure = err.Error()
		}
		s.mu.Unlock()
		if err != nil {
			s.log.Error("posture round", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// refreshEvery bounds how old the evidence kept in the history may be while a state does not change.
const refreshEvery = 10 * 60_000

// Round computes every system once and writes what changed, with one audit entry a system.
func (s *Service) Round(ctx context.Context) error {
	all, err := s.facts(ctx)
	if err != nil {
		return fmt.Errorf("gather facts: %w", err)
	}
	seen := map[string]bool{}
	var failed []error
	for _, f := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		seen[f.System.ID] = true
		results, err := s.checks.Evaluate(ctx, f)
		failed = append(failed, err)
		if results == nil {
			continue // what was known grows old by itself
		}
		failed = append(failed, s.keep(ctx, f, results))
	}
	s.mu.Lock()
	for id := range s.now {
		if !seen[id] {
			delete(s.now, id)
		}
	}
	s.computed = time.Now().UnixMilli()
	s.mu.Unlock()
	return errors.Join(failed...)
}

func (s *Service) keep(ctx context.Context, f facts.Facts, results map[string]Result) error {
	s.mu.RLock()
	old, due := s.now[f.System.ID], f.Now-s.written[f.System.ID] >= refreshEvery
	s.mu.RUnlock()
	next := make(map[string]Result, len(results))
	var changed, refreshed []Result
	for id, r := range results {
		was, had := old[id]
		switch {
		case !had || was.State != r.State || was.Score != r.Score || was.Policy != r.Policy:
			r.Since = f.Now
			if r.State == soc.Unknown && r.LastKnown == "" && had {
				if r.LastKnown = was.State; was.State == soc.Unknown {
					r.LastKnown = was.LastKnown
				}
			}
			changed = append(changed, r)
		default:
			r.Since = was.Since
			if r.State == soc.Unknown && r.LastKnown == "" {
				r.LastKnown = was.LastKnown
			}
			if due || !slices.Equal(codes(was), codes(r)) {
				refreshed = append(refreshed, r)
			}
		}
		next[id] = r
	}
	if len(changed) > 0 || len(refreshed) > 0 {
		sort.Slice(changed, func(i, j int) bool { return changed[i].Control < changed[j].Control })
		err := s.state.Tx(ctx, func(tx *sql.Tx) error {
			q := db.New(tx)
			details := map[string]string{}
			for _, r := range changed {
				because, evidence := texts(r)
				if err := q.EndInterval(ctx, db.EndIntervalParams{SystemID: r.System, Control: r.Control, Until: f.Now}); err != nil {
					return err
				}
				if err := q.StartInterval(ctx, db.StartIntervalParams{SystemID: r.System, Control: r.Control, Since: r.Since, State: string(r.State), LastKnown: string(r.LastKnown),
					Score: int64(r.Score), Because: because, Evidence: evidence, Policy: r.Policy, Computed: r.Computed}); err != nil {
					return err
				}
				before := "-"
				if was, ok := old[r.Control]; ok {
					before = string(was.State)
				}
				details[r.Control] = before + " → " + string(r.State)
			}
			for _, r := range refreshed {
				because, evidence := texts(r)
				if err := q.RefreshInterval(ctx, db.RefreshIntervalParams{SystemID: r.System, Control: r.Control, Because: because, Evidence: evidence, Computed: r.Computed}); err != nil {
					return err
				}
			}
			if len(changed) > 0 && s.hooks.Record != nil {
				return s.hooks.Record(ctx, tx, soc.Deed{Time: f.Now, Actor: soc.Actor{ID: "system", Name: "system"}, Action: "posture.change", Object: f.System.ID, Result: "done", Details: details})
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("write posture of %s: %w", f.System.ID, err)
		}
	}
	s.mu.Lock()
	s.now[f.System.ID] = next
	if due {
		s.written[f.System.ID] = f.Now
	}
	s.mu.Unlock()
	if len(changed) > 0 && s.hooks.Notify != nil {
		s.hooks.Notify(soc.Notice{Topic: "posture", ID: f.System.ID, Version: f.Now, System: f.System.ID})
	}
	return nil
}

func codes(r Result) []string {
	out := make([]string, len(r.Because))
	for i, b := range r.Because {
		out[i] = b.Code
	}
	return out
}

func texts(r Result) (because, evidence string) {
	b, _ := json.Marshal(r.Because)
	e, _ := json.Marshal(r.Evidence)
	return string(b), string(e)
}

func fromRow(row db.PostureInterval) (Result, error) {
	r := Result{Finding: soc.Finding{System: row.SystemID, Control: row.Control, State: soc.PostureState(row.State), Since: row.Since, Until: row.Until,
		Computed: row.Computed, LastKnown: soc.PostureState(row.LastKnown), Policy: row.Policy}, Score: int(row.Score)}
	if err := errors.Join(json.Unmarshal([]byte(row.Because), &r.Because), json.Unmarshal([]byte(row.Evidence), &r.Evidence)); err != nil {
		return r, fmt.Errorf("read posture of %s %s: %w", row.SystemID, row.Control, err)
	}
	return r, nil
}

// Posture returns every control and layer of a system, in the catalogue's order, now (at = 0) or as it stood at an instant.
// Controls without a check are unknown with reason no_check. A conclusion whose round is too old is unknown: a stopped
// computation never stays green.
func (s *Service) Posture(ctx context.Context, system string, at int64) ([]Result, error) {
	var by map[string]Result
	if at == 0 {
		s.mu.RLock()
		by = s.now[system]
		s.mu.RUnlock()
	} else {
		rows, err := db.New(s.state.Read()).At(ctx, db.AtParams{SystemID: system, At: at})
		if err != nil {
			return nil, fmt.Errorf("read posture of %s: %w", system, err)
		}
		by = map[string]Result{}
		for _, row := range rows {
			r, err := fromRow(row)
			if err != nil {
				return nil, err
			}
			by[r.Control] = r
		}
	}
	now := time.Now().UnixMilli()
	out := make([]Result, 0, len(s.checks.controls))
	for _, c := range s.checks.controls {
		r, ok := by[c.ID]
		switch {
		case !ok && c.Checked:
			r = Result{Finding: soc.Finding{System: system, Control: c.ID, State: soc.Unknown, Because: []soc.Because{{Code: "not_computed_yet"}}, Evidence: []soc.Evidence{}}, Score: -1}
		case !ok:
			r = Result{Finding: soc.Finding{System: system, Control: c.ID, State: soc.Unknown, Because: []soc.Because{{Code: "no_check"}}, Evidence: []soc.Evidence{}}, Score: -1}
		case at == 0 && (r.State == soc.Met || r.State == soc.NotMet):
			judgeAge(&r, now)
		}
		out = append(out, r)
	}
	return out, nil
}

// Tally counts a system's level-3 controls by state and gives its layers.
type Tally struct {
	Controls  map[soc.PostureState]int
	Layers    []Result // LAYER-1 … LAYER-4
	Technical []Result
	Tile      soc.PostureState // not met wins over unknown, unknown over met (own)
	Computed  int64
}

// Tally summarises a system now.
func (s *Service) Tally(ctx context.Context, system string) (Tally, error) {
	all, err := s.Posture(ctx, system, 0)
	if err != nil {
		return Tally{}, err
	}
	t := Tally{Controls: map[soc.PostureState]int{soc.Met: 0, soc.NotMet: 0, soc.Unknown: 0, soc.NotApplicable: 0}}
	notMet, unknown := false, false
	for i, r := range all {
		switch s.checks.controls[i].Framework {
		case Level3:
			t.Controls[r.State]++
		case Organisation:
			t.Layers = append(t.Layers, r)
			switch {
			case r.State == soc.Unknown:
				unknown = true
			case r.Score <= 1:
				notMet = true
			}
		case Technical:
			t.Technical = append(t.Technical, r)
		}
	}
	switch {
	case notMet:
		t.Tile = soc.NotMet
	case unknown:
		t.Tile = soc.Unknown
	default:
		t.Tile = soc.Met
	}
	s.mu.RLock()
	t.Computed = s.computed
	s.mu.RUnlock()
	return t, nil
}

// History returns the intervals of one control of a system, newest first.
func (s *Service) History(ctx context.Context, system, control string, most int) ([]Result, error) {
	rows, err := db.New(s.state.Read()).History(ctx, db.HistoryParams{SystemID: system, Control: control, Limit: int32(most)})
	if err != nil {
		return nil, fmt.Errorf("read posture of %s: %w", system, err)
	}
	return fromRows(rows)
}

// Between returns the intervals of a system that overlap [from, to), for an evidence pack.
func (s *Service) Between(ctx context.Context, system string, from, to int64) ([]Result, error) {
	rows, err := db.New(s.state.Read()).Between(ctx, db.BetweenParams{SystemID: system, Since: from, Until: to})
	if err != nil {
		return nil, fmt.Errorf("read posture of %s: %w", system, err)
	}
	return fromRows(rows)
}

func fromRows(rows []db.PostureInterval) ([]Result, error) {
	out := make([]Result, 0, len(rows))
	for _, row := range rows {
		r, err := fromRow(row)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// ForgetAll removes systems with their history (sample systems when the demo set goes).
func (s *Service) ForgetAll(ctx context.Context, systems []string) error {
	err := s.state.Tx(ctx, func(tx *sql.Tx) error {
		for _, id := range systems {
			if err := db.New(tx).RemoveSystem(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove posture: %w", err)
	}
	s.mu.Lock()
	for _, id := range systems {
		delete(s.now, id)
	}
	s.mu.Unlock()
	return nil
}

// Ready says why posture is not being computed, "" when it is.
func (s *Service) Ready() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.failure
}
